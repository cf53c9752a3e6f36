"""Is a certificate good? Worked out a second time, from a verdict's entries alone.

A node decides by `server/certification/rules.py`, over rows of its database. This is another
implementation of the same numbered rules, written for the entries of one file and one day: it
shares no code with the node's, so that a mistake of one is seen by the other (a test compares the
two over generated facts), and a verifier needs no server. What a node alone can know, it takes from
what the node signed: how far each log was held, how fresh it was, and whether the holder matched.

Pure: no clock, no I/O. Says nothing of signatures; the entries were proved before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from clients.verify.said import SaidEntry, bears_on
from deltacare.divisions import province_of
from deltacare.errors import PeerFault, Reason
from deltacare.evidence import Holder, LogRead, Place, VerdictRecord
from deltacare.v1.entry_pb2 import (
    AGREEMENT_SCOPE_CAREGIVER_QUALIFICATION,
    AGREEMENT_SCOPE_INSTITUTION_STANDARD,
    AGREEMENT_WORD_ACCEPTED,
    CERTIFICATE_SUBJECT_CAREGIVER,
    CERTIFICATE_SUBJECT_INSTITUTION,
)

__all__ = ["Derived", "derive"]

_SCOPES = {
    CERTIFICATE_SUBJECT_CAREGIVER: AGREEMENT_SCOPE_CAREGIVER_QUALIFICATION,
    CERTIFICATE_SUBJECT_INSTITUTION: AGREEMENT_SCOPE_INSTITUTION_STANDARD,
}
_PERMITTING = frozenset(
    {
        "agreement",
        "certificate",
        "certificate_reinstatement",
        "certificate_renewal",
        "equivalence",
        "recognition_resumption",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """What follows from the entries.

    Attributes:
        verdict: Such as ``VALID``.
        rule: Rule that decides.
        entries: Those that decide, in the order of use.
        used: Provinces whose logs it rests on.
        mapped_scheme: Scheme it counts as; set with ``VALID``.
        mapped_grade: Grade it counts as; set with ``VALID``.
        reason: Code that the issuer or host gave.
    """

    verdict: str
    rule: str
    entries: tuple[Place, ...] = ()
    used: tuple[str, ...] = ()
    mapped_scheme: str = ""
    mapped_grade: str = ""
    reason: str = ""


def derive(record: VerdictRecord, entries: Sequence[SaidEntry]) -> Derived:
    """Return the verdict that follows, by rules R01 to R17 in order.

    Args:
        record: The question, and how far the node held each log.
        entries: All that the node says was said, sorted by place.

    Raises:
        PeerFault: ``BAD_PROOF``, if an entry has no bearing on the question.
    """
    return _Derivation(record, entries).run()


class _Derivation:
    """One derivation; used once."""

    def __init__(self, record: VerdictRecord, entries: Sequence[SaidEntry]) -> None:
        self._record = record
        self._day = record.on_date
        self._issuer = record.certificate_no[:6]
        self._logs: Mapping[str, LogRead] = {each.log.author: each for each in record.logs}
        agreements = {each.body.agreement_id for each in entries if each.name == "equivalence"}
        for each in entries:
            if not bears_on(record, each, agreements):
                raise _bad(f"The entry {each.place} has no bearing on this question.")
        # What permits counts below the quorum, what restricts as far as it was verified.
        self._said = [each for each in entries if each.index < self._reach(each)]
        self._words = entries

    def _reach(self, said: SaidEntry) -> int:
        log = self._logs.get(said.author)
        if log is None:
            return 0
        return log.quorum_size if said.name in _PERMITTING else log.size

    def _of(self, *names: str) -> list[SaidEntry]:
        return [each for each in self._said if each.name in names]

    def run(self) -> Derived:
        """Return the verdict."""
        return self._log_refuses() or self._home_refuses() or self._host_decides()

    # R01 to R04.

    def _log_refuses(self) -> Derived | None:
        log = self._logs.get(self._issuer)
        if log is None:
            return Derived(verdict="UNKNOWN", rule="R01-ISSUER")
        used = (self._issuer,)
        if log.is_forked:
            return Derived(verdict="FORK", rule="R02-FORK", used=used)
        if not self._is_fresh(log):
            return Derived(verdict="STALE", rule="R03-STALE", used=used)
        if log.is_stalled:
            return Derived(verdict="STALE", rule="R04-STALLED", used=used)
        return None

    def _is_fresh(self, log: LogRead) -> bool:
        if log.is_own:
            return True
        if log.fresh_time is None:
            return False
        age = self._record.known_time - log.fresh_time
        return age <= timedelta(seconds=self._record.stale_after_s)

    def _is_usable(self, province: str) -> bool:
        log = self._logs.get(province)
        return log is not None and not log.is_forked and not log.is_stalled and self._is_fresh(log)

    # R05 to R10.

    def _home_refuses(self) -> Derived | None:
        used = (self._issuer,)
        issues = self._of("certificate")
        if not issues:
            return Derived(verdict="UNKNOWN", rule="R05-NOT-FOUND", used=used)
        issue = issues[0]  # a number is issued once; another is void
        first = (issue.place,)
        if self._record.holder is Holder.NOT_MATCHED:
            return Derived(verdict="HOLDER_MISMATCH", rule="R06-HOLDER", entries=first, used=used)
        revoked = min(
            self._of("certificate_revocation"),
            key=lambda each: (each.body.effective_date, each.index),
            default=None,
        )
        if revoked is not None and _day(revoked.body.effective_date) <= self._day:
            return Derived(
                verdict="REVOKED",
                rule="R07-REVOKED",
                entries=(*first, revoked.place),
                used=used,
                reason=revoked.body.reason,
            )
        suspended = self._holding("certificate_suspension", "certificate_reinstatement")
        if suspended is not None:
            return Derived(
                verdict="SUSPENDED",
                rule="R08-SUSPENDED",
                entries=(*first, suspended.place),
                used=used,
                reason=suspended.body.reason,
            )
        return self._outside(issue)

    def _outside(self, issue: SaidEntry) -> Derived | None:
        """Return the verdict of R09 or R10, if the day lies outside the days it is good for."""
        used = (self._issuer,)
        if self._day < _day(issue.body.valid_from_date):
            return Derived(
                verdict="NOT_YET_VALID",
                rule="R09-NOT-YET-VALID",
                entries=(issue.place,),
                used=used,
            )
        if self._day > self._last_day(issue):
            return Derived(
                verdict="EXPIRED", rule="R10-EXPIRED", entries=self._validity(issue), used=used
            )
        return None

    def _holding(self, begins: str, ends: str) -> SaidEntry | None:
        """Return the suspension that the day lies in; of several the one that was said last."""
        over = [each for each in self._of(ends) if _day(each.body.effective_date) <= self._day]
        holding = [
            each
            for each in self._of(begins)
            if _day(each.body.effective_date) <= self._day
            and not (getattr(each.body, "until_date", "") and self._is_after(each.body.until_date))
            and not any(end.index > each.index for end in over)
        ]
        return max(holding, key=lambda each: each.index, default=None)

    def _is_after(self, last: str) -> bool:
        return self._day > _day(last)

    def _renewal(self) -> SaidEntry | None:
        return max(self._of("certificate_renewal"), key=lambda each: each.index, default=None)

    def _last_day(self, issue: SaidEntry) -> date:
        renewal = self._renewal()
        return _day((renewal or issue).body.valid_until_date)

    def _validity(self, issue: SaidEntry) -> tuple[Place, ...]:
        renewal = self._renewal()
        return (issue.place,) if renewal is None else (issue.place, renewal.place)

    # R11 to R17.

    def _host_decides(self) -> Derived:
        issue = self._of("certificate")[0]
        host, entries = self._record.host, self._validity(issue)
        if host == self._issuer:
            return Derived(
                verdict="VALID",
                rule="R11-HOME",
                entries=entries,
                used=(self._issuer,),
                mapped_scheme=issue.body.scheme,
                mapped_grade=issue.body.grade,
            )
        used: tuple[str, ...] = (self._issuer, host)
        if not self._is_usable(host):
            return Derived(verdict="STALE", rule="R12-HOST-STALE", entries=entries, used=used)
        stopped = self._holding("recognition_suspension", "recognition_resumption")
        if stopped is not None:
            return Derived(
                verdict="NOT_RECOGNISED_HERE",
                rule="R13-RECOGNITION-SUSPENDED",
                entries=(*entries, stopped.place),
                used=used,
                reason=stopped.body.reason,
            )
        answers = []
        for equivalence in self._applying(issue):
            answers.append(self._by_agreement(issue, equivalence, entries))
            if answers[-1].verdict == "VALID":
                break
        used = tuple(dict.fromkeys((*used, *(each for one in answers for each in one.used))))
        found = Derived(verdict="NOT_RECOGNISED_HERE", rule="R14-NO-EQUIVALENCE", entries=entries)
        if answers:
            # The first that is valid; else the first that is stale; else the last.
            order = ("VALID", "STALE")
            found = next(
                (one for verdict in order for one in answers if one.verdict == verdict),
                answers[-1],
            )
        return Derived(
            verdict=found.verdict,
            rule=found.rule,
            entries=found.entries,
            used=used,
            mapped_scheme=found.mapped_scheme,
            mapped_grade=found.mapped_grade,
        )

    def _applying(self, issue: SaidEntry) -> list[SaidEntry]:
        """Return the host's equivalences for the certificate on the day, the newest first."""
        ended = {
            each.body.equivalence_id
            for each in self._of("equivalence_end")
            if _day(each.body.effective_date) <= self._day
        }
        found = [
            each
            for each in self._of("equivalence")
            if each.body.issuer == self._issuer
            and each.body.scheme == issue.body.scheme
            and issue.body.grade in each.body.grades
            and each.body.equivalence_id not in ended
            and self._is_within(each.body.from_date, each.body.until_date)
        ]
        return sorted(found, key=lambda each: each.index, reverse=True)

    def _is_within(self, first: str, last: str) -> bool:
        return _day(first) <= self._day and not (last and self._is_after(last))

    def _by_agreement(
        self, issue: SaidEntry, equivalence: SaidEntry, entries: tuple[Place, ...]
    ) -> Derived:
        agreement_id = equivalence.body.agreement_id
        entries = (*entries, equivalence.place)
        versions = [
            each
            for each in self._words
            if each.name == "agreement" and each.body.agreement_id == agreement_id
        ]
        # R15: the logs of all who were ever named a party.
        needed = {agreement_id[:6]}
        for each in versions:
            log = self._logs.get(each.author)
            if log is not None and each.index < log.size:
                needed |= set(_provinces(each))
        others = [p for p in sorted(needed - {self._issuer, self._record.host}) if p in self._logs]
        used = (self._issuer, self._record.host, *others)
        if not all(self._is_usable(each) for each in others):
            return Derived(verdict="STALE", rule="R15-BASIS-STALE", entries=entries, used=used)
        # R16: a version that all its parties accept, in its window, about this.
        version = next((each for each in versions if self._is_accepted(each)), None)
        if version is None or not self._carries(version, issue):
            return Derived(
                verdict="NOT_RECOGNISED_HERE", rule="R16-NO-AGREEMENT", entries=entries, used=used
            )
        # R17: so it counts.
        parties = sorted(_provinces(version), key=lambda each: each != version.author)
        words = [self._last_word(agreement_id, each) for each in parties]
        return Derived(
            verdict="VALID",
            rule="R17-RECOGNISED",
            entries=(*entries, *(each.place for each in words if each is not None)),
            used=used,
            mapped_scheme=equivalence.body.mapped_scheme,
            mapped_grade=equivalence.body.mapped_grade,
        )

    def _carries(self, version: SaidEntry, issue: SaidEntry) -> bool:
        body, provinces = version.body, _provinces(version)
        return (
            self._is_within(body.from_date, body.until_date)
            and _SCOPES.get(issue.body.subject) in body.scopes
            and self._issuer in provinces
            and self._record.host in provinces
        )

    def _is_accepted(self, version: SaidEntry) -> bool:
        """Whether a quorum saw a version, and the last word of each party accepts it."""
        log = self._logs.get(version.author)
        if log is None or version.index >= log.quorum_size:
            return False
        agreement_id = version.body.agreement_id
        return all(
            province in self._logs and self._accepts(agreement_id, province, version.leaf)
            for province in _provinces(version)
        )

    def _accepts(self, agreement_id: str, province: str, version_hash: bytes) -> bool:
        log = self._logs[province]
        said = [
            (each.index, _meant(each)) for each in self._agreement_words(agreement_id, province)
        ]
        permitted = [meant for index, meant in said if index < log.quorum_size]
        later = [meant for index, meant in said if log.quorum_size <= index < log.size]
        last = permitted[-1] if permitted else None
        # A word that no quorum saw yet can take acceptance away, never give it.
        return last == version_hash and all(meant == last for meant in later)

    def _agreement_words(self, agreement_id: str, province: str) -> list[SaidEntry]:
        return [
            each
            for each in self._words
            if each.author == province
            and each.name in ("agreement", "agreement_answer")
            and each.body.agreement_id == agreement_id
        ]

    def _last_word(self, agreement_id: str, province: str) -> SaidEntry | None:
        size = self._logs[province].quorum_size
        words = [e for e in self._agreement_words(agreement_id, province) if e.index < size]
        return words[-1] if words else None


def _meant(said: SaidEntry) -> bytes | None:
    """Return the version that a word accepts, ``None`` if it ends one."""
    if said.name == "agreement":
        return said.leaf
    accepted = said.body.word == AGREEMENT_WORD_ACCEPTED
    return bytes(said.body.version_hash) if accepted else None


def _provinces(version: SaidEntry) -> tuple[str, ...]:
    """Return the provinces that have a party, ascending."""
    return tuple(sorted({province_of(party) for party in version.body.parties}))


def _day(text: str) -> date:
    """Return a date that an entry states.

    Raises:
        PeerFault: ``BAD_PROOF``, if it is none: such an entry is void and proves nothing.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _bad("An entry states a date that is none.") from None


def _bad(message: str) -> PeerFault:
    return PeerFault(Reason.BAD_PROOF, message)
