"""What a verdict's entries say on its day: the ground on which both halves of the rules stand.

Which words count (what permits below the quorum, what restricts as far as the node verified), what
holds on the day, and how far each log was held. Decides nothing. Shares no code with a node.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from clients.verify.said import SaidEntry, bears_on, line_of
from deltacare.errors import PeerFault, Reason, Refusal
from deltacare.evidence import LogRead, Place, VerdictRecord
from deltacare.times import business_date, from_posix_s
from deltacare.v1.entry_pb2 import (
    INSTITUTION_STATE_CLOSED,
    MEASURE_KIND_BAN,
    MEASURE_KIND_DISHONESTY_LIST,
)

__all__ = ["Derived", "Told", "day_of", "stated_on"]

# Which measures take recognition away; the others do not concern certificates.
_BARRING = frozenset({MEASURE_KIND_BAN, MEASURE_KIND_DISHONESTY_LIST})
_PERMITTING = frozenset(
    {
        "agreement",
        "certificate",
        "certificate_reinstatement",
        "certificate_renewal",
        "equivalence",
        "measure_lift",
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


class Told:
    """What was said, for one derivation.

    Args:
        record: The question, and how far the node held each log.
        entries: All that the node says was said, sorted by place.

    Raises:
        PeerFault: ``BAD_PROOF``, if an entry has no bearing on the question.
    """

    def __init__(self, record: VerdictRecord, entries: Sequence[SaidEntry]) -> None:
        self._record = record
        self._day = record.on_date
        self._issuer = record.certificate_no[:6]
        self._host = record.host_province
        self._logs: Mapping[str, LogRead] = {each.log.author: each for each in record.logs}
        agreements = {each.body.agreement_id for each in entries if each.name == "equivalence"}
        self._line = line_of(
            record.certificate_no,
            (
                (each.body.certificate_no, each.body.predecessor_no)
                for each in entries
                if each.name == "certificate"
                and each.author == self._issuer
                and self._issuer in self._logs
                and each.index < self._logs[self._issuer].size
            ),
        )
        institutions = {
            each.body.institution_id
            for each in entries
            if each.name == "certificate" and each.body.certificate_no == record.certificate_no
        }
        for each in entries:
            if not bears_on(record, each, agreements, self._line, institutions - {""}):
                raise _bad(f"The entry {each.place} has no bearing on this question.")
        # What permits counts below the quorum, what restricts as far as it was verified.
        self._said = [each for each in entries if each.index < self._reach(each)]
        self._words = entries

    def _reach(self, said: SaidEntry) -> int:
        log = self._logs.get(said.author)
        if log is None:
            return 0
        return log.quorum_size if said.name in _PERMITTING else log.size

    def _issues(self) -> list[SaidEntry]:
        """Return the issue of the certificate asked about; a second one would be void."""
        number = self._record.certificate_no
        return [each for each in self._of("certificate") if each.body.certificate_no == number]

    def _of(self, *names: str) -> list[SaidEntry]:
        return [each for each in self._said if each.name in names]

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

    def _barring(self, issue: SaidEntry, author: str, *, is_own: bool) -> SaidEntry | None:
        """Return the first measure that bars the holder or the institution on the day.

        Args:
            issue: The certificate.
            author: Whose measures.
            is_own: Those against its own, which count everywhere; else those against another's.
        """
        # A measure against one certificate of a line is against the holder of all.
        against = self._line | ({issue.body.institution_id} - {""})
        lifted = {
            each.body.measure_id
            for each in self._of("measure_lift")
            if each.author == author and day_of(each.body.effective_date) <= self._day
        }
        return next(
            (
                each
                for each in sorted(self._of("supervision_measure"), key=lambda one: one.index)
                if each.author == author
                and each.body.kind in _BARRING
                and (subject := each.body.institution_id or each.body.certificate_no) in against
                and (subject[:6] == author) is is_own
                and each.body.measure_id not in lifted
                and self._is_within(each.body.from_date, each.body.until_date)
            ),
            None,
        )

    def _closing(self, issue: SaidEntry) -> SaidEntry | None:
        """Return the first statement that closes the institution on the day.

        What was stated of it is gone through in order: each closing holds from its day until the
        first statement after it by which the institution comes back, if a quorum saw that one.
        """
        log = self._logs[issue.author]
        holding: list[SaidEntry] = []
        closed: list[SaidEntry] = []
        for each in self._words:
            body = each.body
            if (
                each.name != "institution"
                or body.institution_id != issue.body.institution_id
                or each.index >= log.size
            ):
                continue
            if body.state == INSTITUTION_STATE_CLOSED:
                closed.append(each)
                continue
            # It comes back with a reason and a day that is not before the closing's; else the
            # entry is void.
            if (
                closed
                and body.state_reason
                and body.state_date
                and body.state_date >= closed[-1].body.state_date
            ):
                is_back = each.index < log.quorum_size and day_of(body.state_date) <= self._day
                holding += [] if is_back else [one for one in closed if self._has_begun(one)]
                closed = []
        holding += [one for one in closed if self._has_begun(one)]
        return min(holding, key=lambda one: one.index, default=None)

    def _has_begun(self, closing: SaidEntry) -> bool:
        """Whether a closing's day has come: where it names none, that of its entry."""
        text = closing.body.state_date
        return (day_of(text) if text else stated_on(closing)) <= self._day

    def _holding(self, begins: str, ends: str) -> SaidEntry | None:
        """Return the suspension that the day lies in; of several the one that was said last.

        An end that was said later ends those that had begun by its day, and none that is to come.
        """
        over = [each for each in self._of(ends) if day_of(each.body.effective_date) <= self._day]
        holding = [
            each
            for each in self._of(begins)
            if day_of(each.body.effective_date) <= self._day
            and not (getattr(each.body, "until_date", "") and self._is_after(each.body.until_date))
            and not any(
                end.index > each.index
                and day_of(end.body.effective_date) >= day_of(each.body.effective_date)
                for end in over
            )
        ]
        return max(holding, key=lambda each: each.index, default=None)

    def _is_after(self, last: str) -> bool:
        return self._day > day_of(last)

    def _is_within(self, first: str, last: str) -> bool:
        return day_of(first) <= self._day and not (last and self._is_after(last))

    def _renewal(self) -> SaidEntry | None:
        return max(self._of("certificate_renewal"), key=lambda each: each.index, default=None)

    def _last_day(self, issue: SaidEntry) -> date:
        renewal = self._renewal()
        return day_of((renewal or issue).body.valid_until_date)

    def _validity(self, issue: SaidEntry) -> tuple[Place, ...]:
        renewal = self._renewal()
        return (issue.place,) if renewal is None else (issue.place, renewal.place)


def day_of(text: str) -> date:
    """Return a date that an entry states.

    Raises:
        PeerFault: ``BAD_PROOF``, if it is none: such an entry is void and proves nothing.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _bad("An entry states a date that is none.") from None


def stated_on(said: SaidEntry) -> date:
    """Return the business date on which an entry was stated.

    Raises:
        PeerFault: ``BAD_PROOF``, if its time is none.
    """
    try:
        return business_date(from_posix_s(said.entry.entry_time.seconds))
    except Refusal:
        raise _bad("An entry states a time that is none.") from None


def _bad(message: str) -> PeerFault:
    return PeerFault(Reason.BAD_PROOF, message)
