"""Judges what is about to be said of disputes, against both logs, the records and the calendar.

Inside the transaction that appends. What the author's own log makes void is judged by the very code
that projects it; what a word would come to, by the very fold that everybody reads by. What is
refused here alone (a line that nobody filed, a remedy that is not done) makes nothing void
elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from deltacare.errors import FieldViolation, Reason, Refusal, Unavailable
from deltacare.ids import LogName
from deltacare.v1.entry_pb2 import DISPUTE_REMEDY_REVISE, DisputeRemedy, Entry
from deltacare.v1.types_pb2 import Duty
from server.approval.duties import require_filing
from server.dispute.projector import DisputeLog, dispute_id_of, word_of
from server.dispute.remedies import EntryTime, remedy_missing
from server.dispute.rules import (
    D05_ID_TAKEN,
    D11_UNKNOWN,
    D12_LINE_UNKNOWN,
    D13_OPEN_ALREADY,
    D19_REMEDY_MISSING,
    D20_CLEARED,
)
from server.dispute.states import Raised, Said, State, Taken, Word
from server.dispute.store import (
    Reaches,
    find_raised,
    has_line,
    is_cleared,
    raised_of_line,
    standings,
    taken_ids,
)
from server.log.ports import LogTx, Sequenced
from server.registry.rulebook import Rule

__all__ = ["DisputeDesk"]

_NEW = 2**63 - 1  # the place of a word that is about to be said: behind all that its log has

Key = tuple[str, str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Against:
    """What stands against one element of a request.

    Attributes:
        place: Its path in the request.
        value: What it is about.
        rule: The rule.
        more: What is missing; empty if the rule says all.
    """

    place: str
    value: str
    rule: Rule
    more: str = ""


class DisputeDesk:
    """Judges one write.

    Args:
        tx: Its transaction.
        log: The own settlement log that it goes to.
        reaches: How far each log counts.
        entry_time: When an entry was sequenced.
    """

    def __init__(self, *, tx: LogTx, log: LogName, reaches: Reaches, entry_time: EntryTime) -> None:
        self._tx = tx
        self._log = log
        self._reaches = reaches
        self._entry_time = entry_time

    def require(self, entries: Sequence[Entry], places: Sequence[str]) -> None:
        """Refuse a write that would be void, or would have no effect.

        Args:
            entries: Of one kind, 1 or more, without their time.
            places: Path of each in the request.

        Raises:
            Refusal: By a rule of duties, or with every element and the rule against it.
            Unavailable: ``STALE``, if the partner's last word bears a time that is still to come.
        """
        duty = Duty(maker=entries[0].maker, reviewer=entries[0].reviewer)
        require_filing(self._tx.connection, self._log.author, duty)
        # 1. What the own log alone says, in the order in which it will say it.
        against = self._by_own_log(entries, places)
        # 2. What the other log, the records and the calendar say.
        if not against and entries[0].WhichOneof("body") == "dispute":
            against = self._against_disputes(entries, places)
        elif not against:
            against = self._against_words(entries, places)
        if against:
            raise _refusal(against)

    def _by_own_log(self, entries: Sequence[Entry], places: Sequence[str]) -> list[_Against]:
        known = DisputeLog(self._tx, self._log, entries)
        against: list[_Against] = []
        for entry, place in zip(entries, places, strict=True):
            rule = known.judge(entry)
            if rule is None:
                known.take(Sequenced(index=_NEW, leaf_hash=b"", entry=entry))
            else:
                against.append(_Against(place=place, value=dispute_id_of(entry), rule=rule))
        return against

    # --- Raising ----------------------------------------------------------------------------------

    def _against_disputes(self, entries: Sequence[Entry], places: Sequence[str]) -> list[_Against]:
        connection, log = self._tx.connection, self._log
        pair = (log.author, log.partner)
        bodies = [entry.dispute for entry in entries]
        # A number names one dispute of a province, whichever the partner.
        taken = taken_ids(connection, log.author, (body.dispute_id for body in bodies))
        still_open = self._open_keys({body.settlement_no for body in bodies})
        against: list[_Against] = []
        for body, place in zip(bodies, places, strict=True):
            key: Key = (body.settlement_no, body.home, body.claim)
            if body.dispute_id in taken:
                found = _Against(place=place, value=body.dispute_id, rule=D05_ID_TAKEN)
            elif not has_line(connection, pair, body.settlement_no, body.home):
                found = _Against(place=place, value=body.settlement_no, rule=D12_LINE_UNKNOWN)
            elif key in still_open:
                more = still_open[key]
                found = _Against(
                    place=place, value=body.settlement_no, rule=D13_OPEN_ALREADY, more=more
                )
            else:
                still_open[key] = body.dispute_id
                continue
            against.append(found)
        return against

    def _open_keys(self, numbers: set[str]) -> dict[Key, str]:
        """Return what the own province disputes of some lines and is open, with its number."""
        disputes = raised_of_line(self._tx.connection, self._log.author, self._log.partner, numbers)
        found = standings(self._tx.connection, disputes, self._reaches)
        return {
            (each.settlement_no, each.home, each.claim): each.dispute_id
            for each, standing in zip(disputes, found, strict=True)
            if standing.state is not State.CLOSED
        }

    # --- Words ------------------------------------------------------------------------------------

    def _against_words(self, entries: Sequence[Entry], places: Sequence[str]) -> list[_Against]:
        connection, log = self._tx.connection, self._log
        ids = [dispute_id_of(entry) for entry in entries]
        known = find_raised(connection, ids, self._reaches, pair=(log.author, log.partner))
        new = {dispute_id_of(entry): self._word(entry) for entry in entries}
        disputes = [known[each] for each in new if each in known]
        folded = standings(connection, disputes, self._reaches, new)
        taken = {
            dispute.dispute_id: standing.taken
            for dispute, standing in zip(disputes, folded, strict=True)
        }
        against: list[_Against] = []
        seen: set[str] = set()
        for dispute_id, place in zip(ids, places, strict=True):
            rule, more = self._against_word(known.get(dispute_id), taken.get(dispute_id, ()))
            if dispute_id in seen:
                rule, more = D05_ID_TAKEN, ""
            seen.add(dispute_id)
            if rule is not None:
                against.append(_Against(place=place, value=dispute_id, rule=rule, more=more))
        return against

    def _word(self, entry: Entry) -> Word:
        said, level, remedy, reason = word_of(entry)
        return Word(
            province=self._log.author,
            log=str(self._log),
            index=_NEW,
            entry_time=self._tx.now,
            said=said,
            level=level,
            remedy=remedy,
            reason=reason,
        )

    def _against_word(
        self, dispute: Raised | None, taken: Sequence[Taken]
    ) -> tuple[Rule | None, str]:
        """Return the rule against one word, and what is missing."""
        if dispute is None:
            return D11_UNKNOWN, ""
        position, mine = next(
            (at, each) for at, each in enumerate(taken) if each.word.index == _NEW
        )
        if mine.rule is not None:
            if position + 1 < len(taken):
                ahead = taken[-1].word.entry_time - self._tx.now
                raise Unavailable(
                    Reason.STALE,
                    f"The partner's last word on {dispute.dispute_id} bears a time "
                    f"{ahead.total_seconds():.1f} s ahead of this node's clock.",
                    details={"dispute_id": dispute.dispute_id},
                )
            return mine.rule, ""
        word = mine.word
        if (
            word.said is Said.AGREED
            and word.remedy == DISPUTE_REMEDY_REVISE
            and is_cleared(self._tx.connection, dispute)
        ):
            return D20_CLEARED, ""
        if word.said is Said.CLOSED:
            missing = remedy_missing(
                self._tx.connection, dispute, word.remedy, self._reaches, self._entry_time
            )
            if missing:
                name = DisputeRemedy.Name(DisputeRemedy.ValueType(word.remedy))
                return (
                    D19_REMEDY_MISSING,
                    f"{name.removeprefix('DISPUTE_REMEDY_')} {', '.join(missing)}",
                )
        return None, ""


def _refusal(against: Sequence[_Against]) -> Refusal:
    """Return the refusal of a write, with everything that stands against it."""
    first = against[0]
    return Refusal(
        first.rule.reason,
        first.rule.refusal(" ".join(filter(None, (first.value, first.more)))).message,
        details={
            "rule": first.rule.code,
            "subject": first.value,
            "missing": first.more,
            "text_zh": f"{first.rule.zh}（{first.value} {first.more}）".replace(" ）", "）"),
            "violations": str(len(against)),
        },
        violations=[
            FieldViolation(
                field=each.place,
                value=" ".join(filter(None, (each.value, each.more))),
                description=f"{each.rule.code}: {each.rule.en}",
            )
            for each in against
        ],
    )
