"""The values that the rules of certification work on.

A history is all that logs say, each word with its place; a standing is what counts of it up to a
reach. Nothing here reads or decides.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from server.registry.closings import Closing
from server.registry.values import AgreementVersion, EndSaid
from server.supervision.values import Bar

__all__ = [
    "CertificateEventSaid",
    "CertificateHistory",
    "CertificateStanding",
    "EquivalenceHistory",
    "EquivalenceStanding",
    "EventKind",
    "LineMember",
    "RecognitionFacts",
    "RecognitionSaid",
    "Span",
]


class EventKind(enum.IntEnum):
    """What happened to a certificate after it was issued; the numbers are stored."""

    RENEWED = 1
    SUSPENDED = 2
    REINSTATED = 3
    REVOKED = 4
    ADDED = 5  # shown in a certificate's history; no standing rests on it


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateEventSaid:
    """One event in the life of a certificate.

    Attributes:
        index: place in the issuer's registry log.
        kind: what happened.
        effective_date: first day it holds; ``None`` for a renewal.
        until_date: of a renewal the new last day, of a suspension its last day if it has one.
        reason: code of the reason; empty for a renewal.
    """

    index: int
    kind: EventKind
    effective_date: date | None = None
    until_date: date | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineMember:
    """Another certificate of the same line: one holder's, linked by what each says it follows.

    Attributes:
        certificate_no: which.
        index: place of its issue in the issuer's registry log.
        predecessor_no: the certificate that it follows; empty for the first of a line.
    """

    certificate_no: str
    index: int
    predecessor_no: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateHistory:
    """A certificate as issued and all that was ever said of it by its issuer.

    Attributes:
        certificate_no: ``320000-C2025000123``.
        issuer: province.
        index: place in the issuer's registry log.
        subject: value of ``CertificateSubject``.
        scheme: scheme.
        grade: grade within it.
        holder_name_digest: 32 bytes for a caregiver, else empty.
        institution_id: for an institution, else empty.
        valid_from_date: first day.
        valid_until_date: last day as issued.
        events: in the order of the log.
        division_code: division whose office issued it; empty means the province itself.
        predecessor_no: the certificate that it follows, or empty.
        line_no: the first certificate of its line; empty stands for its own number.
        line: the others of its line, in the order of the log: what it follows, directly or not,
            and all that follow one of these or itself.
    """

    certificate_no: str
    issuer: str
    index: int
    subject: int
    scheme: str
    grade: str
    holder_name_digest: bytes
    institution_id: str
    valid_from_date: date
    valid_until_date: date
    events: tuple[CertificateEventSaid, ...] = ()
    division_code: str = ""
    predecessor_no: str = ""
    line_no: str = ""
    line: tuple[LineMember, ...] = ()

    @property
    def issuing_place(self) -> str:
        """The division that issued it, six digits."""
        return self.division_code or self.issuer

    @property
    def subjects(self) -> tuple[str, ...]:
        """Whom a measure has to be against in order to concern it, however much of the log counts.

        Itself, its institution, and the other certificates of its line: a measure against one is
        against the holder of all.
        """
        return self.subjects_within(2**63)

    def subjects_within(self, size: int) -> tuple[str, ...]:
        """Return the same, as far as the issuer's log counts: below a size."""
        return (
            self.certificate_no,
            *((self.institution_id,) if self.institution_id else ()),
            *(each.certificate_no for each in self.line if each.index < size),
        )

    def links_to(self, certificate_no: str) -> tuple[int, ...]:
        """Return the places of the issues by which another certificate is of the same line.

        From each of the two back to the first of the line; nothing if it is of no such line.
        """
        members = {each.certificate_no: each for each in self.line}
        if certificate_no not in members:
            return ()
        found = set()
        for start in (self.predecessor_no, certificate_no):
            at = members.get(start)
            while at is not None and at.index not in found:
                found.add(at.index)
                at = members.get(at.predecessor_no)
        return tuple(sorted(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Days on which something is suspended or revoked.

    Attributes:
        from_date: first day.
        until_date: last day; ``None`` if there is none.
        index: place of the entry that began it.
        reason: code of the reason.
    """

    from_date: date
    until_date: date | None
    index: int
    reason: str

    def holds(self, day: date) -> bool:
        """Whether a day lies in it."""
        return self.from_date <= day and (self.until_date is None or day <= self.until_date)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateStanding:
    """What counts of a certificate.

    Attributes:
        history: where it comes from.
        valid_until_date: last day, renewals included.
        renewal_index: place of the renewal that says so; ``None`` if there was none.
        suspensions: days on which it is suspended.
        revocation: days on which it is revoked; ``None`` if it is not.
        subjects: whom a measure has to be against in order to concern it.
    """

    history: CertificateHistory
    valid_until_date: date
    renewal_index: int | None
    suspensions: tuple[Span, ...]
    revocation: Span | None
    subjects: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EquivalenceHistory:
    """A host's declaration that certifications of an issuer count there, and its end.

    Attributes:
        equivalence_id: ``310000-E2026-3``.
        host: province that declared it.
        index: place in the host's registry log.
        issuer: province.
        scheme: scheme of the issuer.
        grades: grades that count.
        mapped_scheme: scheme they count as.
        mapped_grade: grade they count as.
        from_date: first day.
        until_date: last day; ``None`` if it has none.
        agreement_id: its basis.
        ends: in the order of the log.
    """

    equivalence_id: str
    host: str
    index: int
    issuer: str
    scheme: str
    grades: frozenset[str]
    mapped_scheme: str
    mapped_grade: str
    from_date: date
    until_date: date | None
    agreement_id: str
    ends: tuple[EndSaid, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EquivalenceStanding:
    """What counts of an equivalence.

    Attributes:
        history: where it comes from.
        until_date: last day, its end included; ``None`` if it has none.
    """

    history: EquivalenceHistory
    until_date: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognitionSaid:
    """A host's word on one certificate of another issuer.

    Attributes:
        host: who said it.
        index: place in the host's registry log.
        is_suspension: whether it suspends; else it resumes.
        effective_date: first day it holds.
        reason: code of the reason.
    """

    host: str
    index: int
    is_suspension: bool
    effective_date: date
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognitionFacts:
    """All that says on which days certificates count, at the pins of one night.

    Attributes:
        certificates: by number; one that no log has is missing.
        suspensions: days on which a host does not recognise a certificate, by host and number.
        equivalences: by host.
        agreements: the versions in force, each with its days as its window, by the agreement's id.
        bars: what follows from measures, by the certificate or institution they are against.
        closings: days on which institutions are closed, by id.
    """

    certificates: Mapping[str, CertificateStanding]
    suspensions: Mapping[tuple[str, str], tuple[Span, ...]]
    equivalences: Mapping[str, tuple[EquivalenceStanding, ...]]
    agreements: Mapping[str, tuple[AgreementVersion, ...]] = field(default_factory=dict)
    bars: Mapping[str, tuple[Bar, ...]] = field(default_factory=dict)
    closings: Mapping[str, tuple[Closing, ...]] = field(default_factory=dict)
