"""Turns what settlement logs say of disputes into rows.

Depends on nothing but the entries of one log and what stood before them there. Where a dispute
stands is not kept: the other log may say more at any time.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from typing import Any

from sqlalchemy import delete, insert

from deltacare.errors import ViolationCollector
from deltacare.ids import LogKind, LogName
from deltacare.v1.entry_pb2 import DISPUTE_WORD_AGREED, Entry
from server.approval.duties import DutyKind, note_duties
from server.dispute import tables
from server.dispute.rules import (
    D01_WRONG_LOG,
    D02_UNREADABLE,
    judge_answer,
    judge_dispute,
    judge_party,
    read_answer,
    read_closure,
    read_dispute,
    read_escalation,
)
from server.dispute.states import Said
from server.dispute.store import taken_ids
from server.log.ports import LogTx, Sequenced
from server.registry.bodies import is_readable
from server.registry.rulebook import Rule

__all__ = ["DisputeLog", "DisputeProjector", "dispute_id_of", "word_of"]

_READERS: Mapping[str, Callable[[Any, str, ViolationCollector], None]] = {
    "dispute": read_dispute,
    "dispute_answer": read_answer,
    "dispute_escalation": read_escalation,
    "dispute_closure": read_closure,
}


def _body(entry: Entry) -> Any:  # noqa: ANN401  # one of four messages
    return getattr(entry, entry.WhichOneof("body") or "")


def dispute_id_of(entry: Entry) -> str:
    """Return the number of the dispute that an entry is about."""
    found: str = _body(entry).dispute_id
    return found


def word_of(entry: Entry) -> tuple[Said, int, int, str]:
    """Return what an entry that raises no dispute says of one: word, level, remedy, reason."""
    body = _body(entry)
    match entry.WhichOneof("body"):
        case "dispute_escalation":
            return Said.ESCALATED, body.level, 0, body.reason
        case "dispute_closure":
            return Said.CLOSED, 0, body.outcome, body.reason
    if body.word == DISPUTE_WORD_AGREED:
        return Said.AGREED, 0, body.remedy, body.reason
    return Said.CONTESTED, 0, 0, body.reason


class DisputeLog:
    """What an author's settlement log says of disputes so far, and what a run adds to it.

    ``judge`` says what an entry breaks, ``take`` takes in one that breaks nothing, ``flush`` writes
    all that was taken in.

    Args:
        tx: The transaction.
        log: A settlement log.
        entries: Those to come, so that what they refer to is read at once.
    """

    def __init__(self, tx: LogTx, log: LogName, entries: Sequence[Entry]) -> None:
        self._author, self._partner = log.author, log.partner
        self._raised: list[dict[str, Any]] = []
        self._words: list[dict[str, Any]] = []
        self._taken = set(
            taken_ids(
                tx.connection,
                log.author,
                (dispute_id_of(entry) for entry in entries),
                partner=log.partner,
            )
        )

    def judge(self, entry: Entry) -> Rule | None:
        """Return the first rule by which an entry is void."""
        name = entry.WhichOneof("body") or ""
        body = _body(entry)
        if not is_readable(_READERS[name], body):
            return D02_UNREADABLE
        is_raised = body.dispute_id in self._taken
        if name == "dispute":
            return judge_dispute(self._author, self._partner, body, taken=is_raised)
        if name == "dispute_answer":
            return judge_answer(self._partner, body)
        return judge_party(self._author, self._partner, body.dispute_id, raised=is_raised)

    def take(self, item: Sequenced) -> None:
        """Take in an entry that breaks no rule."""
        entry, body = item.entry, _body(item.entry)
        place = {
            "author": self._author,
            "partner": self._partner,
            "idx": item.index,
            "dispute_id": body.dispute_id,
            "entry_time": entry.entry_time.ToDatetime(tzinfo=UTC),
        }
        if entry.WhichOneof("body") == "dispute":
            self._taken.add(body.dispute_id)
            line = {name: getattr(body, name) for name in ("settlement_no", "home", "host")}
            data = body.SerializeToString(deterministic=True)
            self._raised.append({**place, **line, "claim": body.claim, "body": data})
            return
        said, level, remedy, reason = word_of(entry)
        word = {"word": said.value, "level": level, "remedy": remedy, "reason": reason}
        self._words.append({**place, **word})

    def flush(self, tx: LogTx) -> None:
        """Write what was taken in."""
        for table, rows in ((tables.raised, self._raised), (tables.word, self._words)):
            if rows:
                tx.connection.execute(insert(table), rows)


class DisputeProjector:
    """Stores what is said of disputes; implements the log room's ``Projector``."""

    bodies = frozenset(_READERS)

    def project(self, tx: LogTx, log: LogName, entries: Sequence[Sequenced]) -> None:
        """Judge and store consecutive entries of one log."""
        mine = [item for item in entries if item.entry.WhichOneof("body") in self.bodies]
        if log.kind is not LogKind.SETTLEMENT:
            for item in mine:
                tx.void(log, item.index, D01_WRONG_LOG.code)
            return
        place = (tx.connection, log.author, log.partner)
        note_duties(*place, {item.entry.maker for item in mine}, DutyKind.MAKING)
        note_duties(*place, {item.entry.reviewer for item in mine}, DutyKind.REVIEW)
        known = DisputeLog(tx, log, [item.entry for item in mine])
        for item in mine:
            rule = known.judge(item.entry)
            if rule is None:
                known.take(item)
            else:
                tx.void(log, item.index, rule.code)
        known.flush(tx)

    def forget(self, tx: LogTx, log: LogName) -> None:
        """Delete every row that came from a log."""
        if log.kind is not LogKind.SETTLEMENT:
            return
        for table in (tables.raised, tables.word):
            tx.connection.execute(
                delete(table).where(table.c.author == log.author, table.c.partner == log.partner)
            )
