"""Is a certificate good in a province, on a date, for a holder? One function over frozen facts.

Pure: no clock, no database. Rules are numbered and run in order, and the first that answers
decides; each says so with its number, and the answer names the entries that decided and the logs
that it rests on. It fails closed: what is stale is never valid, nor is a holder who was asked for
and could not be compared. What restricts counts as far as a log was verified, what permits as far
as a quorum cosigned it. Whether the question can be read at all is for the caller of this module.
"""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from deltacare.v1.certification_service_pb2 import (
    VERDICT_EXPIRED,
    VERDICT_FORK,
    VERDICT_HOLDER_MISMATCH,
    VERDICT_NOT_RECOGNISED_HERE,
    VERDICT_NOT_YET_VALID,
    VERDICT_REVOKED,
    VERDICT_STALE,
    VERDICT_SUSPENDED,
    VERDICT_UNKNOWN,
    VERDICT_VALID,
    Verdict,
)
from server.certification.standing import (
    agreement_carries,
    certificate_standing,
    equivalence_applies,
    equivalence_standing,
    recognition_suspensions,
    span_on,
)
from server.certification.values import (
    CertificateHistory,
    CertificateStanding,
    EquivalenceHistory,
    EquivalenceStanding,
    RecognitionSaid,
)
from server.certification.verdicts import (
    R00_TRUST,
    R01_ISSUER,
    R02_FORK,
    R03_STALE,
    R04_STALLED,
    R05_NOT_FOUND,
    R06_HOLDER,
    R07_REVOKED,
    R08_SUSPENDED,
    R09_NOT_YET_VALID,
    R10_EXPIRED,
    R11_HOME,
    R12_HOST_STALE,
    R13_RECOGNITION_SUSPENDED,
    R14_NO_EQUIVALENCE,
    R15_BASIS_STALE,
    R16_NO_AGREEMENT,
    R17_RECOGNISED,
)
from server.registry.fields import numbered_id_province
from server.registry.rulebook import Rule
from server.registry.rules import agreement_in_force, agreement_words_in_force, party_provinces
from server.registry.values import AgreementHistory, Reach

__all__ = [
    "SALT_BYTES",
    "Facts",
    "LogFacts",
    "Outcome",
    "check",
    "holder_name_digest",
    "log_age",
]

SALT_BYTES = 16

_NAME_DOMAIN = b"deltacare/v1 holder name\0"
# The dot between the parts of a name is typed in many ways: 买买提·艾力, 买买提•艾力.
_NAME_DOTS = re.compile("[·•‧∙⋅・･.]")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def holder_name_digest(salt: bytes, name: str) -> bytes:
    """Return the salted digest of a holder's name: HMAC-SHA-256 under the salt.

    The name is normalised first (NFKC, case folded, without spaces, one dot between its parts), so
    that two ways of typing one name agree.

    Args:
        salt: 16 bytes.
        name: as written on the certificate.
    """
    assert len(salt) == SALT_BYTES, "a salt has 16 bytes"
    folded = "".join(unicodedata.normalize("NFKC", name).casefold().split())
    text = _NAME_DOTS.sub("·", folded)
    return hmac.digest(salt, _NAME_DOMAIN + text.encode(), hashlib.sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFacts:
    """How far the checker's node holds one registry log.

    Attributes:
        size: entries verified; what restricts counts below this index.
        quorum_size: entries under a quorum; what permits counts below this index.
        fresh_time: time in the author's own newest cosignature; ``None`` if never seen.
        is_stalled: projection stopped at a body that this version does not know.
        is_forked: signed evidence of two histories is held.
        is_own: it is the checker's own log, of which no age is asked.
    """

    size: int
    quorum_size: int
    fresh_time: datetime | None
    is_stalled: bool
    is_forked: bool
    is_own: bool

    @property
    def reach(self) -> Reach:
        """Up to where its entries count."""
        return Reach(restrict_size=self.size, permit_size=self.quorum_size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that a check may look at.

    Attributes:
        certificate_no: the certificate asked about.
        issuer: province in its number.
        host: province where it should count, a member.
        on_date: day it should be good for.
        known_time: moment whose facts these are.
        stale_after: age beyond which what rests on a log is stale.
        logs: registry logs of all members, by author.
        certificate: what its issuer ever said of it; ``None`` if nothing.
        recognitions: what the host ever said of it.
        equivalences: what the host ever declared, the newest first.
        agreements: what was ever said of agreements, by id.
        holder_matches: whether the holder asked for is its holder; ``False`` also if that could
            not be compared; ``None`` if no holder was asked for.
    """

    certificate_no: str
    issuer: str
    host: str
    on_date: date
    known_time: datetime
    stale_after: timedelta
    logs: Mapping[str, LogFacts]
    certificate: CertificateHistory | None
    recognitions: tuple[RecognitionSaid, ...]
    equivalences: tuple[EquivalenceHistory, ...]
    agreements: Mapping[str, AgreementHistory]
    holder_matches: bool | None
    unconfirmed_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The answer to a check.

    Attributes:
        verdict: the verdict.
        rule: which rule decided.
        entries: author and index of the registry entries that decided, in the order of use.
        used: authors of the registry logs that it rests on, in the order of use.
        mapped_scheme: scheme it counts as; set with ``VALID``.
        mapped_grade: grade it counts as; set with ``VALID``.
        reason: code of the reason that the issuer or host gave, if any.
    """

    verdict: Verdict.ValueType
    rule: Rule
    entries: tuple[tuple[str, int], ...] = ()
    used: tuple[str, ...] = ()
    mapped_scheme: str = ""
    mapped_grade: str = ""
    reason: str = ""


def log_age(log: LogFacts, known_time: datetime) -> timedelta:
    """Return how old a log is; one that was never seen is as old as 1970, the own one is new."""
    if log.is_own:
        return timedelta(0)
    return max(known_time - (log.fresh_time or _EPOCH), timedelta(0))


def _is_fresh(facts: Facts, log: LogFacts) -> bool:
    return log_age(log, facts.known_time) <= facts.stale_after


def _is_usable(facts: Facts, province: str) -> bool:
    """Whether an answer may rest on a log."""
    log = facts.logs.get(province)
    return log is not None and not log.is_forked and not log.is_stalled and _is_fresh(facts, log)


def check(facts: Facts) -> Outcome:  # noqa: PLR0911  # one for each rule
    """Return the verdict on a certificate, by rules R00 to R17 in order."""
    # R00: it is known who may say anything, of own certificates too: their CA, or this node's own
    # membership, may have been withdrawn meanwhile.
    if facts.unconfirmed_since is not None:
        return Outcome(verdict=VERDICT_STALE, rule=R00_TRUST)
    # R01: the issuer is a member.
    log = facts.logs.get(facts.issuer)
    if log is None:
        return Outcome(verdict=VERDICT_UNKNOWN, rule=R01_ISSUER)
    used = (facts.issuer,)
    # R02 to R04: its log can be relied on.
    if log.is_forked:
        return Outcome(verdict=VERDICT_FORK, rule=R02_FORK, used=used)
    if not _is_fresh(facts, log):
        return Outcome(verdict=VERDICT_STALE, rule=R03_STALE, used=used)
    if log.is_stalled:
        return Outcome(verdict=VERDICT_STALE, rule=R04_STALLED, used=used)
    # R05: the certificate is there, and a quorum saw it.
    history = facts.certificate
    standing = None if history is None else certificate_standing(history, log.reach)
    if standing is None:
        return Outcome(verdict=VERDICT_UNKNOWN, rule=R05_NOT_FOUND, used=used)
    issued = (facts.issuer, standing.history.index)
    # R06: it is the holder's.
    if facts.holder_matches is False:
        return Outcome(
            verdict=VERDICT_HOLDER_MISMATCH, rule=R06_HOLDER, entries=(issued,), used=used
        )
    # R07 to R10: it is good where it was issued.
    refused = _refused_at_home(facts, standing)
    if refused is not None:
        return refused
    entries = _issue_and_renewal(standing)
    # R11: that is here.
    if facts.issuer == facts.host:
        return Outcome(
            verdict=VERDICT_VALID,
            rule=R11_HOME,
            entries=entries,
            used=used,
            mapped_scheme=standing.history.scheme,
            mapped_grade=standing.history.grade,
        )
    # R12 to R17: the host recognises it.
    return _recognised(facts, standing, entries)


def _issue_and_renewal(standing: CertificateStanding) -> tuple[tuple[str, int], ...]:
    """Return the entries that say from when to when a certificate is good."""
    issuer = standing.history.issuer
    places = (standing.history.index, standing.renewal_index)
    return tuple((issuer, index) for index in places if index is not None)


def _refused_at_home(facts: Facts, standing: CertificateStanding) -> Outcome | None:
    """Return the verdict of rules R07 to R10, if one of them answers."""
    day = facts.on_date
    used = (facts.issuer,)
    issued = (facts.issuer, standing.history.index)
    revocation = standing.revocation
    if revocation is not None and revocation.holds(day):
        return Outcome(
            verdict=VERDICT_REVOKED,
            rule=R07_REVOKED,
            entries=(issued, (facts.issuer, revocation.index)),
            used=used,
            reason=revocation.reason,
        )
    suspension = span_on(standing.suspensions, day)
    if suspension is not None:
        return Outcome(
            verdict=VERDICT_SUSPENDED,
            rule=R08_SUSPENDED,
            entries=(issued, (facts.issuer, suspension.index)),
            used=used,
            reason=suspension.reason,
        )
    if day < standing.history.valid_from_date:
        return Outcome(
            verdict=VERDICT_NOT_YET_VALID, rule=R09_NOT_YET_VALID, entries=(issued,), used=used
        )
    if day > standing.valid_until_date:
        entries = _issue_and_renewal(standing)
        return Outcome(verdict=VERDICT_EXPIRED, rule=R10_EXPIRED, entries=entries, used=used)
    return None


def _recognised(
    facts: Facts, standing: CertificateStanding, entries: tuple[tuple[str, int], ...]
) -> Outcome:
    """Return the verdict of rules R12 to R17."""
    host = facts.host
    used: tuple[str, ...] = (facts.issuer, host)
    # R12: the host's log can be relied on.
    if not _is_usable(facts, host):
        return Outcome(verdict=VERDICT_STALE, rule=R12_HOST_STALE, entries=entries, used=used)
    reach = facts.logs[host].reach
    # R13: the host did not suspend its recognition.
    suspension = span_on(recognition_suspensions(facts.recognitions, reach), facts.on_date)
    if suspension is not None:
        return Outcome(
            verdict=VERDICT_NOT_RECOGNISED_HERE,
            rule=R13_RECOGNITION_SUSPENDED,
            entries=(*entries, (host, suspension.index)),
            used=used,
            reason=suspension.reason,
        )
    # R14: an equivalence applies. Of several, the newest that has its basis decides.
    refusal = Outcome(
        verdict=VERDICT_NOT_RECOGNISED_HERE, rule=R14_NO_EQUIVALENCE, entries=entries, used=used
    )
    for equivalence in _equivalences(facts, standing, reach):
        outcome = _by_agreement(facts, standing, equivalence, entries)
        used = tuple(dict.fromkeys((*used, *outcome.used)))
        if outcome.verdict == VERDICT_VALID:
            return replace(outcome, used=used)
        # One that might be valid if a log were newer speaks louder than one that is not.
        if refusal.verdict != VERDICT_STALE:
            refusal = outcome
    return replace(refusal, used=used)


def _equivalences(
    facts: Facts, standing: CertificateStanding, reach: Reach
) -> Iterator[EquivalenceStanding]:
    """Yield the host's equivalences that apply on the day, the newest first."""
    for history in facts.equivalences:
        if not equivalence_applies(history, standing.history):
            continue
        equivalence = equivalence_standing(history, reach)
        if (
            equivalence is not None
            and history.from_date <= facts.on_date
            and (equivalence.until_date is None or facts.on_date <= equivalence.until_date)
        ):
            yield equivalence


def _by_agreement(
    facts: Facts,
    standing: CertificateStanding,
    equivalence: EquivalenceStanding,
    entries: tuple[tuple[str, int], ...],
) -> Outcome:
    """Return the verdict of rules R15 to R17 for one equivalence."""
    agreement_id = equivalence.history.agreement_id
    history = facts.agreements.get(agreement_id)
    # R15: the logs of all parties can be relied on.
    needed = {numbered_id_province(agreement_id)}
    for seen in () if history is None else history.versions:
        if seen.author in facts.logs and seen.index < facts.logs[seen.author].size:
            needed.update(party_provinces(seen.parties))
    others = tuple(sorted(needed - {facts.issuer, facts.host}))
    used = (facts.issuer, facts.host, *(each for each in others if each in facts.logs))
    entries = (*entries, (facts.host, equivalence.history.index))
    if not all(_is_usable(facts, each) for each in others if each in facts.logs):
        return Outcome(verdict=VERDICT_STALE, rule=R15_BASIS_STALE, entries=entries, used=used)
    # R16: the agreement is in force on the day and covers this.
    reaches = {province: log.reach for province, log in facts.logs.items()}
    version = None if history is None else agreement_in_force(history, reaches)
    in_force = (
        version is not None
        and version.from_date <= facts.on_date
        and (version.until_date is None or facts.on_date <= version.until_date)
        and agreement_carries(version, standing.history, host=facts.host)
    )
    if history is None or version is None or not in_force:
        return Outcome(
            verdict=VERDICT_NOT_RECOGNISED_HERE,
            rule=R16_NO_AGREEMENT,
            entries=entries,
            used=used,
        )
    # R17: so it counts.
    words = agreement_words_in_force(history, version, reaches)
    return Outcome(
        verdict=VERDICT_VALID,
        rule=R17_RECOGNISED,
        entries=(*entries, *((word.province, word.index) for word in words)),
        used=used,
        mapped_scheme=equivalence.history.mapped_scheme,
        mapped_grade=equivalence.history.mapped_grade,
    )
