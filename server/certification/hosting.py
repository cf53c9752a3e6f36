"""The host's half of the rules of a check, R15 to R22: does it recognise a good certificate?

Pure. Asked after the issuer's half found nothing against the certificate. What permits here, an
equivalence and the agreement it rests on, has to be under a quorum and in a log that is fresh.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from deltacare.v1.certification_service_pb2 import (
    VERDICT_NOT_RECOGNISED_HERE,
    VERDICT_STALE,
    VERDICT_VALID,
)
from server.certification.facts import Facts, Outcome, bar_on, is_usable
from server.certification.standing import (
    agreement_carries,
    equivalence_concerns,
    equivalence_standing,
    recognition_suspensions,
    span_on,
)
from server.certification.values import CertificateStanding, EquivalenceStanding
from server.certification.verdicts import (
    R15_HOST_STALE,
    R16_BARRED_HERE,
    R17_RECOGNITION_SUSPENDED,
    R18_NO_EQUIVALENCE,
    R19_LEVEL,
    R20_BASIS_STALE,
    R21_NO_AGREEMENT,
    R22_RECOGNISED,
)
from server.registry.fields import numbered_id_province
from server.registry.in_force import (
    accepts,
    agreement_in_force,
    agreement_words_in_force,
    party_provinces,
)
from server.registry.values import AgreementHistory, AgreementVersion

__all__ = ["recognised"]


def recognised(
    facts: Facts, standing: CertificateStanding, entries: tuple[tuple[str, int], ...]
) -> Outcome:
    """Return the verdict of rules R15 to R22.

    Args:
        facts: of the check.
        standing: what counts of the certificate; it is good where it was issued.
        entries: those that say so.
    """
    host = facts.host_province
    used: tuple[str, ...] = (facts.issuer, host)
    # R15: the host's log can be relied on.
    if not is_usable(facts, host):
        return Outcome(verdict=VERDICT_STALE, rule=R15_HOST_STALE, entries=entries, used=used)
    # R16: the host took no measure by which it does not count there.
    bar = bar_on(facts, province=host, everywhere=False)
    if bar is not None:
        return Outcome(
            verdict=VERDICT_NOT_RECOGNISED_HERE,
            rule=R16_BARRED_HERE,
            entries=(*entries, (host, bar.index)),
            used=used,
            reason=bar.reason,
        )
    # R17: the host did not suspend its recognition.
    reach = facts.logs[host].reach
    suspension = span_on(recognition_suspensions(facts.recognitions, reach), facts.on_date)
    if suspension is not None:
        return Outcome(
            verdict=VERDICT_NOT_RECOGNISED_HERE,
            rule=R17_RECOGNITION_SUSPENDED,
            entries=(*entries, (host, suspension.index)),
            used=used,
            reason=suspension.reason,
        )
    # R18 and R19: an equivalence speaks of the scheme, and of the grade.
    concerning = _equivalences(facts, standing)
    if not concerning:
        return Outcome(
            verdict=VERDICT_NOT_RECOGNISED_HERE,
            rule=R18_NO_EQUIVALENCE,
            entries=entries,
            used=used,
        )
    applying = [each for each in concerning if standing.history.grade in each.history.grades]
    if not applying:
        return Outcome(
            verdict=VERDICT_NOT_RECOGNISED_HERE,
            rule=R19_LEVEL,
            entries=(*entries, (host, concerning[0].history.index)),
            used=used,
        )
    return _by_equivalences(facts, standing, applying, entries)


def _equivalences(facts: Facts, standing: CertificateStanding) -> list[EquivalenceStanding]:
    """Return the host's equivalences for the issuer and scheme on the day, the newest first."""
    reach = facts.logs[facts.host_province].reach
    found = []
    for history in facts.equivalences:
        if not equivalence_concerns(history, standing.history):
            continue
        equivalence = equivalence_standing(history, reach)
        if (
            equivalence is not None
            and history.from_date <= facts.on_date
            and (equivalence.until_date is None or facts.on_date <= equivalence.until_date)
        ):
            found.append(equivalence)
    return found


def _by_equivalences(
    facts: Facts,
    standing: CertificateStanding,
    applying: Sequence[EquivalenceStanding],
    entries: tuple[tuple[str, int], ...],
) -> Outcome:
    """Return the verdict of rules R20 to R22: of several, the newest that has its basis decides."""
    used: tuple[str, ...] = ()
    refusal: Outcome | None = None
    for equivalence in applying:
        outcome = _by_agreement(facts, standing, equivalence, entries)
        used = tuple(dict.fromkeys((*used, *outcome.used)))
        if outcome.verdict == VERDICT_VALID:
            return replace(outcome, used=used)
        # One that might be valid if a log were newer speaks louder than one that is not.
        if refusal is None or refusal.verdict != VERDICT_STALE:
            refusal = outcome
    assert refusal is not None, "some equivalence applies"
    return replace(refusal, used=used)


def _by_agreement(
    facts: Facts,
    standing: CertificateStanding,
    equivalence: EquivalenceStanding,
    entries: tuple[tuple[str, int], ...],
) -> Outcome:
    """Return the verdict of rules R20 to R22 for one equivalence."""
    host = facts.host_province
    agreement_id = equivalence.history.agreement_id
    history = facts.agreements.get(agreement_id)
    reaches = {province: log.reach for province, log in facts.logs.items()}
    version = None if history is None else agreement_in_force(history, reaches, facts.on_date)
    # R20: the logs of all parties can be relied on.
    needed = {numbered_id_province(agreement_id)}
    for bearing in () if history is None else _bearing(facts, history, version):
        needed.update(party_provinces(bearing.parties))
    others = tuple(sorted(needed - {facts.issuer, host}))
    used = (facts.issuer, host, *(each for each in others if each in facts.logs))
    entries = (*entries, (host, equivalence.history.index))
    if not all(is_usable(facts, each) for each in others if each in facts.logs):
        return Outcome(verdict=VERDICT_STALE, rule=R20_BASIS_STALE, entries=entries, used=used)
    # R21: the agreement is in force on the day and covers the thing and both places.
    carries = version is not None and agreement_carries(
        version, standing.history, place=facts.host, day=facts.on_date
    )
    if history is None or version is None or not carries:
        return Outcome(
            verdict=VERDICT_NOT_RECOGNISED_HERE,
            rule=R21_NO_AGREEMENT,
            entries=entries,
            used=used,
        )
    # R22: so it counts.
    words = agreement_words_in_force(history, version, reaches)
    return Outcome(
        verdict=VERDICT_VALID,
        rule=R22_RECOGNISED,
        entries=(*entries, *((word.province, word.index) for word in words)),
        used=used,
        mapped_scheme=equivalence.history.mapped_scheme,
        mapped_grade=equivalence.history.mapped_grade,
    )


def _bearing(
    facts: Facts, history: AgreementHistory, version: AgreementVersion | None
) -> Iterator[AgreementVersion]:
    """Yield the versions of which the parties' logs have to be relied on.

    Where one is in force, that one, and each later one that has begun and that nobody whose log
    can be relied on leaves open: it may be in force instead. So proposing a version with a party
    whose log is old does not make the one in force uncertain. Where none is, all that were seen.

    Args:
        facts: of the check.
        history: of the agreement.
        version: in force on the day, ``None`` if none is.
    """
    for seen in history.versions:
        if seen.author not in facts.logs or seen.index >= facts.logs[seen.author].size:
            continue
        if version is None or seen.version_hash == version.version_hash:
            yield seen
        elif seen.index > version.index and seen.from_date <= facts.on_date:
            relied = (
                province
                for province in party_provinces(seen.parties)
                if province in facts.logs and is_usable(facts, province)
            )
            if all(
                accepts(history, seen, each, facts.logs[each].reach, facts.on_date)
                for each in relied
            ):
                yield seen
