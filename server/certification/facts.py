"""What the rules of a check may look at, and what they answer.

Frozen values; the caller gathered them, so the rules need no clock and no database. How old a log
is and whether an answer may rest on it is worked out here, because both halves of the rules ask.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from deltacare.divisions import province_of
from deltacare.v1.certification_service_pb2 import Verdict
from server.certification.values import (
    CertificateHistory,
    EquivalenceHistory,
    RecognitionSaid,
)
from server.registry.closings import ClosingSaid
from server.registry.rulebook import Rule
from server.registry.values import AgreementHistory, Reach
from server.supervision.rules import barred_on, bars
from server.supervision.values import Bar, Effect, MeasureHistory

__all__ = ["Facts", "LogFacts", "Outcome", "bar_on", "is_fresh", "is_usable", "log_age"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
        host: division where it should count, canonical, in a member province.
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
        compared: what of the holder was asked for, ascending: ``identity_number``, ``name``.
        measures: of supervision, ever taken against the certificate, another of its line, or its
            institution.
        closings: what its register ever said of closing the institution that it is about; nothing
            where it is about a person.
        stated_schemes: under which the federation lets the issuer issue; none stand for any.
        unconfirmed_since: since when nobody confirmed the federation's metadata; ``None`` if it
            counts.
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
    compared: tuple[str, ...] = ()
    measures: tuple[MeasureHistory, ...] = ()
    closings: tuple[ClosingSaid, ...] = ()
    stated_schemes: frozenset[str] = frozenset()
    unconfirmed_since: datetime | None = None

    @property
    def host_province(self) -> str:
        """The province that the host lies in: whose word on recognition counts."""
        return province_of(self.host)


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


def is_fresh(facts: Facts, log: LogFacts) -> bool:
    """Whether a log is no older than allowed."""
    return log_age(log, facts.known_time) <= facts.stale_after


def is_usable(facts: Facts, province: str) -> bool:
    """Whether an answer may rest on a log."""
    log = facts.logs.get(province)
    return log is not None and not log.is_forked and not log.is_stalled and is_fresh(facts, log)


def bar_on(facts: Facts, *, province: str, everywhere: bool) -> Bar | None:
    """Return the bar by which a certificate is not recognised on the day, by one kind of author.

    Args:
        facts: of the check.
        province: whose measures are asked for.
        everywhere: those that count in every province; else those that count in the author's alone.
    """
    certificate, log = facts.certificate, facts.logs.get(facts.issuer)
    if not facts.measures or certificate is None or log is None:
        return None
    # A measure against one certificate of a line is against the holder of all.
    subjects = certificate.subjects_within(log.size)
    found = (
        bar
        for history in facts.measures
        if history.author == province and province in facts.logs and history.subject in subjects
        for bar in bars(history, facts.logs[province].reach)
        if bar.everywhere is everywhere
    )
    return barred_on(found, day=facts.on_date, effect=Effect.NOT_RECOGNISED, province=province)
