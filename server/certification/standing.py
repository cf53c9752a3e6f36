"""What counts of a history up to a reach, and on which days that makes a certificate good.

Pure. What restricts (a revocation, a suspension, an end) counts as far as a log was verified; what
permits (a certificate, a renewal, a reinstatement, an equivalence) as far as a quorum cosigned it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from deltacare.divisions import CHANGES, province_of
from deltacare.times import ServiceMonth
from deltacare.v1.entry_pb2 import (
    AGREEMENT_SCOPE_CAREGIVER_QUALIFICATION,
    AGREEMENT_SCOPE_INSTITUTION_STANDARD,
    CERTIFICATE_SUBJECT_CAREGIVER,
    CERTIFICATE_SUBJECT_INSTITUTION,
)
from server.certification.values import (
    CertificateHistory,
    CertificateStanding,
    EquivalenceHistory,
    EquivalenceStanding,
    EventKind,
    RecognitionFacts,
    RecognitionSaid,
    Span,
)
from server.registry.in_force import cover_mask
from server.registry.values import AgreementVersion, Reach
from server.supervision.rules import barred_days
from server.supervision.values import Effect

__all__ = [
    "DECIDING_EVENTS",
    "SCOPE_OF_SUBJECT",
    "agreement_carries",
    "certificate_good_days",
    "certificate_standing",
    "equivalence_applies",
    "equivalence_concerns",
    "equivalence_standing",
    "parties_containing",
    "recognition_suspensions",
    "span_on",
]

SCOPE_OF_SUBJECT: Mapping[int, int] = {
    CERTIFICATE_SUBJECT_CAREGIVER: AGREEMENT_SCOPE_CAREGIVER_QUALIFICATION,
    CERTIFICATE_SUBJECT_INSTITUTION: AGREEMENT_SCOPE_INSTITUTION_STANDARD,
}
"""What an agreement must cover for certificates about a subject."""

DECIDING_EVENTS = frozenset(
    {EventKind.RENEWED, EventKind.SUSPENDED, EventKind.REINSTATED, EventKind.REVOKED}
)
"""What happens to a certificate that changes on which days it is good."""

_ONE_DAY = timedelta(days=1)


def _cut(spans: Iterable[Span], ends: Sequence[tuple[int, date]]) -> tuple[Span, ...]:
    """Return spans cut short by what ended them later in the log.

    An end is about the spans that hold on its day; one that begins later is another matter.

    Args:
        spans: as they were begun.
        ends: place of each end and the first day it is over.
    """
    result = []
    for span in spans:
        until = span.until_date
        for index, first_day_over in ends:
            if index > span.index and first_day_over >= span.from_date:
                last = first_day_over - _ONE_DAY
                until = last if until is None else min(until, last)
        if until is None or until >= span.from_date:
            result.append(
                Span(
                    from_date=span.from_date, until_date=until, index=span.index, reason=span.reason
                )
            )
    return tuple(result)


def certificate_standing(history: CertificateHistory, reach: Reach) -> CertificateStanding | None:
    """Return what counts of a certificate, ``None`` if not even its issue does."""
    if history.index >= reach.permit_size:
        return None
    valid_until = history.valid_until_date
    renewal_index: int | None = None
    spans: list[Span] = []
    ends: list[tuple[int, date]] = []
    revocation: Span | None = None
    for event in history.events:
        if event.kind not in DECIDING_EVENTS:
            continue
        is_permitting = event.kind in (EventKind.RENEWED, EventKind.REINSTATED)
        if event.index >= (reach.permit_size if is_permitting else reach.restrict_size):
            continue
        if event.kind is EventKind.RENEWED:
            assert event.until_date is not None, "a renewal says until when"
            valid_until, renewal_index = event.until_date, event.index
            continue
        assert event.effective_date is not None, "a restriction says from when"
        if event.kind is EventKind.REINSTATED:
            ends.append((event.index, event.effective_date))
            continue
        span = Span(
            from_date=event.effective_date,
            until_date=event.until_date,
            index=event.index,
            reason=event.reason,
        )
        if event.kind is EventKind.SUSPENDED:
            spans.append(span)
        elif revocation is None or span.from_date < revocation.from_date:
            revocation = span  # for good: nothing said later makes it begin later
    return CertificateStanding(
        history=history,
        valid_until_date=valid_until,
        renewal_index=renewal_index,
        suspensions=_cut(spans, ends) if spans else (),
        revocation=revocation,
        subjects=history.subjects_within(reach.restrict_size),
    )


def equivalence_standing(history: EquivalenceHistory, reach: Reach) -> EquivalenceStanding | None:
    """Return what counts of an equivalence, ``None`` if it does not count."""
    if history.index >= reach.permit_size:
        return None
    until = history.until_date
    ended = [each.from_date for each in history.ends if each.index < reach.restrict_size]
    if ended:
        last = min(ended) - _ONE_DAY
        until = last if until is None else min(until, last)
        if until < history.from_date:
            return None
    return EquivalenceStanding(history=history, until_date=until)


def recognition_suspensions(said: Iterable[RecognitionSaid], reach: Reach) -> tuple[Span, ...]:
    """Return the days on which a host does not recognise a certificate.

    Args:
        said: by one host of one certificate.
        reach: of the host's registry log.
    """
    spans = []
    ends = []
    for word in said:
        if word.is_suspension and word.index < reach.restrict_size:
            spans.append(
                Span(
                    from_date=word.effective_date,
                    until_date=None,
                    index=word.index,
                    reason=word.reason,
                )
            )
        elif not word.is_suspension and word.index < reach.permit_size:
            ends.append((word.index, word.effective_date))
    return _cut(spans, ends)


def span_on(spans: Iterable[Span], day: date) -> Span | None:
    """Return the span that holds a day; of several the one that was said last."""
    holding = [span for span in spans if span.holds(day)]
    return max(holding, key=lambda span: span.index, default=None)


def equivalence_concerns(equivalence: EquivalenceHistory, certificate: CertificateHistory) -> bool:
    """Whether an equivalence speaks of the issuer and scheme of a certificate."""
    return equivalence.issuer == certificate.issuer and equivalence.scheme == certificate.scheme


def equivalence_applies(equivalence: EquivalenceHistory, certificate: CertificateHistory) -> bool:
    """Whether an equivalence speaks of the issuer, scheme and grade of a certificate."""
    return (
        equivalence_concerns(equivalence, certificate) and certificate.grade in equivalence.grades
    )


def agreement_carries(
    version: AgreementVersion, certificate: CertificateHistory, *, place: str, day: date
) -> bool:
    """Whether an agreement can be the basis of recognising a certificate in a place on a day.

    It covers certificates of this sort, one of its parties is or contains the division that issued
    it, and one the place: what a city or district agreed to holds inside it only.

    Args:
        version: of the agreement.
        certificate: the certificate.
        place: canonical code of the division where it should count.
        day: on which the divisions are looked at.
    """
    return SCOPE_OF_SUBJECT.get(certificate.subject) in version.scopes and all(
        any(_covers(party, each, day) for party in version.parties)
        for each in (certificate.issuing_place, place)
    )


def parties_containing(parties: Iterable[str], place: str, day: date) -> frozenset[str]:
    """Return the parties that are or contain a place on a day: all that rules ask of an office.

    Args:
        parties: division codes of six digits.
        place: canonical code of the division.
        day: on which the divisions are looked at.
    """
    return frozenset(party for party in parties if _covers(party, place, day))


def _covers(party: str, place: str, day: date) -> bool:
    return province_of(party) == province_of(place) and CHANGES.contains(party, place, day)


def _carry_days(
    version: AgreementVersion, certificate: CertificateHistory, place: str, month: ServiceMonth
) -> int:
    """Return the days of a month on which ``agreement_carries`` holds."""
    if SCOPE_OF_SUBJECT.get(certificate.subject) not in version.scopes:
        return 0
    days = month.full_mask
    for each in (certificate.issuing_place, place):
        covered = 0
        for party in version.parties:
            covered |= cover_mask(party, each, month)
        days &= covered
    return days


def _lost_days(
    facts: RecognitionFacts, standing: CertificateStanding, host: str, month: ServiceMonth
) -> int:
    """Return the days on which a measure takes recognition away, or the institution is closed."""
    days = 0
    for barred in standing.subjects:
        days |= barred_days(
            facts.bars.get(barred, ()), effect=Effect.NOT_RECOGNISED, province=host, month=month
        )
    for closing in facts.closings.get(standing.history.institution_id, ()):
        days |= month.mask(closing.from_date, closing.until_date)
    return days


def certificate_good_days(
    facts: RecognitionFacts,
    certificate_no: str,
    *,
    place: str,
    month: ServiceMonth,
    subject: int = CERTIFICATE_SUBJECT_CAREGIVER,
) -> int:
    """Return the days of a month on which a certificate is good in a place.

    The same facts lead to the same days as a check of each day. Ages and holders are not asked,
    because a night reads only what a quorum cosigned; nor is R11, because the federation's
    statement stands in no log that two nodes could pin, and an author's own node refuses to issue
    outside it.

    Args:
        facts: at the pins of the night.
        certificate_no: the certificate.
        place: canonical code of the division where it should count.
        month: the month of service.
        subject: value of ``CertificateSubject`` that it must be about.

    Returns:
        A mask of up to 31 bits: bit 0 is the first day.
    """
    standing = facts.certificates.get(certificate_no)
    if standing is None or standing.history.subject != subject:
        return 0
    certificate = standing.history
    host = province_of(place)
    days = month.mask(certificate.valid_from_date, standing.valid_until_date)
    for span in standing.suspensions:
        days &= ~month.mask(span.from_date, span.until_date)
    if standing.revocation is not None:
        days &= ~month.mask(standing.revocation.from_date, None)
    days &= ~_lost_days(facts, standing, host, month)
    if not days or certificate.issuer == host:
        return days
    for span in facts.suspensions.get((host, certificate_no), ()):
        days &= ~month.mask(span.from_date, span.until_date)
    recognised = 0
    for equivalence in facts.equivalences.get(host, ()):
        if not equivalence_applies(equivalence.history, certificate):
            continue
        for basis in facts.agreements.get(equivalence.history.agreement_id, ()):
            recognised |= (
                month.mask(equivalence.history.from_date, equivalence.until_date)
                & month.mask(basis.from_date, basis.until_date)
                & _carry_days(basis, certificate, place, month)
            )
    return days & recognised
