"""Turns certification entries into rows: schemes, certificates, equivalences, recognition.

A run of entries is judged in order against what the run itself and the rows before it say, then
written in a few statements. What breaks a rule is recorded as void and leaves no row. Depends on
nothing but the entries of this log and the rows that came from it.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from deltacare.ids import LogKind, LogName
from deltacare.times import business_date
from deltacare.v1.entry_pb2 import (
    Entry,
    Equivalence,
    EquivalenceEnd,
    RecognitionAnswer,
    RecognitionResumption,
    RecognitionSuspension,
)
from server.certification.answers import judge_answer, read_answer
from server.certification.bodies import (
    DatedWord,
    read_dated_word,
    read_equivalence,
    read_equivalence_end,
)
from server.certification.life_state import LIFE_BODIES, LifeState
from server.certification.lifecycle import (
    judge_equivalence,
    judge_equivalence_end,
    judge_resumption,
    judge_suspended_recognition,
)
from server.certification.standing import recognition_suspensions
from server.certification.store import read_equivalence_ends, read_recognitions
from server.certification.tables import (
    certificate_events,
    certificates,
    equivalence_ends,
    equivalences,
    recognition_answers,
    recognitions,
    schemes,
)
from server.certification.values import (
    RecognitionSaid,
)
from server.log.ports import LogTx, Sequenced
from server.registry.bodies import is_readable
from server.registry.rulebook import Rule
from server.registry.rules import G01_NOT_REGISTRY, G02_UNREADABLE
from server.registry.store import chunks
from server.registry.values import Reach

__all__ = ["CertificationProjector", "CertificationState"]

# A log's own rules see all of it that there is.
_ALL = Reach(restrict_size=2**63 - 1, permit_size=2**63 - 1)

_TABLES = (
    certificates,
    certificate_events,
    schemes,
    equivalences,
    equivalence_ends,
    recognitions,
    recognition_answers,
)
_RECOGNITION = {"recognition_suspension": True, "recognition_resumption": False}


class CertificationState:
    """What an author's registry log says so far, and what a run of entries adds to it.

    Lives in one transaction. ``judge`` says what an entry breaks, ``apply`` takes in one that
    breaks nothing, ``flush`` writes all that was taken in.

    Args:
        connection: of the transaction.
        author: whose registry log it is.
        entries: those to come, so that what they refer to is read at once.
    """

    def __init__(self, connection: Connection, author: str, entries: Iterable[Entry]) -> None:
        self._connection = connection
        self._author = author
        self._rows: dict[str, list[dict[str, Any]]] = {}
        entries = tuple(entries)
        self._life = LifeState(connection, author, entries)
        recognised: set[str] = set()
        declared: set[str] = set()
        for entry in entries:
            name = entry.WhichOneof("body")
            assert name is not None, "the log room gives a projector its own bodies"
            body = getattr(entry, name)
            if name in _RECOGNITION:
                recognised.add(body.certificate_no)
            elif name in ("equivalence", "equivalence_end"):
                declared.add(body.equivalence_id)
        self._recognitions: dict[str, tuple[RecognitionSaid, ...]] = {
            number: words
            for (host, number), words in read_recognitions(connection, recognised).items()
            if host == author
        }
        self._equivalences = self._read_equivalences(declared)
        self._judges: dict[str, Callable[[Any], Rule | None]] = {
            "equivalence": self._judge_equivalence,
            "equivalence_end": self._judge_equivalence_end,
            "recognition_suspension": self._judge_recognition_suspension,
            "recognition_resumption": self._judge_resumption,
            "recognition_answer": self._judge_answer,
        }

    def _read_equivalences(self, ids: Iterable[str]) -> dict[str, date | None]:
        """Return from which day each equivalence was ended, if it was, by id."""
        found: dict[str, date | None] = {}
        for some in chunks(ids):
            query = select(equivalences.c.equivalence_id).where(
                equivalences.c.equivalence_id.in_(some)
            )
            ends = read_equivalence_ends(self._connection, some)
            for (equivalence_id,) in self._connection.execute(query):
                said = ends.get(equivalence_id, ())
                found[equivalence_id] = min((each.from_date for each in said), default=None)
        return found

    def scheme_of(self, entry: Entry) -> str | None:
        """Return the scheme under which an entry issues or renews; ``None`` if it does neither.

        The entry broke no rule.
        """
        return self._life.scheme_of(entry)

    def judge(self, entry: Entry) -> Rule | None:
        """Return the first rule that an entry breaks."""
        name = entry.WhichOneof("body")
        assert name is not None, "the log room gives a projector its own bodies"
        body = getattr(entry, name)
        return self._life.judge(name, body) if name in LIFE_BODIES else self._judges[name](body)

    def _judge_recognition_suspension(self, body: RecognitionSuspension) -> Rule | None:
        if not is_readable(read_dated_word, body):
            return G02_UNREADABLE
        return judge_suspended_recognition(self._author, body.certificate_no)

    def _judge_equivalence(self, body: Equivalence) -> Rule | None:
        if not is_readable(read_equivalence, body):
            return G02_UNREADABLE
        return judge_equivalence(
            self._author, body, taken=body.equivalence_id in self._equivalences
        )

    def _judge_equivalence_end(self, body: EquivalenceEnd) -> Rule | None:
        if not is_readable(read_equivalence_end, body):
            return G02_UNREADABLE
        return judge_equivalence_end(
            self._author,
            body,
            known=body.equivalence_id in self._equivalences,
            ended_date=self._equivalences.get(body.equivalence_id),
        )

    def _judge_resumption(self, body: RecognitionResumption) -> Rule | None:
        if not is_readable(read_dated_word, body):
            return G02_UNREADABLE
        words = self._recognitions.get(body.certificate_no, ())
        return judge_resumption(
            self._author,
            body.certificate_no,
            day=date.fromisoformat(body.effective_date),
            suspensions=recognition_suspensions(words, _ALL),
        )

    def _judge_answer(self, body: RecognitionAnswer) -> Rule | None:
        if not is_readable(read_answer, body):
            return G02_UNREADABLE
        return judge_answer(self._author, body)

    def apply(self, item: Sequenced) -> None:
        """Take in an entry that breaks no rule."""
        name = item.entry.WhichOneof("body")
        assert name is not None, "an entry that was judged says something"
        body = getattr(item.entry, name)
        if name in LIFE_BODIES:
            self._life.apply(item, name, body)
        elif name == "equivalence":
            self._apply_equivalence(item.index, body)
        elif name == "equivalence_end":
            self._apply_equivalence_end(item.index, body)
        elif name == "recognition_answer":
            self._apply_answer(item, body)
        else:
            self._apply_recognition(item, body, is_suspension=_RECOGNITION[name])

    def _add(self, table: str, row: dict[str, Any]) -> None:
        self._rows.setdefault(table, []).append(row)

    def _apply_equivalence(self, index: int, body: Equivalence) -> None:
        self._equivalences[body.equivalence_id] = None
        self._add(
            "equivalences",
            {
                "equivalence_id": body.equivalence_id,
                "author": self._author,
                "log_index": index,
                "body": body.SerializeToString(deterministic=True),
            },
        )

    def _apply_equivalence_end(self, index: int, body: EquivalenceEnd) -> None:
        # The rules let none pass that is not for an earlier day than those before it.
        self._equivalences[body.equivalence_id] = date.fromisoformat(body.effective_date)
        self._add(
            "ends",
            {
                "author": self._author,
                "log_index": index,
                "equivalence_id": body.equivalence_id,
                "effective_date": body.effective_date,
            },
        )

    def _apply_answer(self, item: Sequenced, body: RecognitionAnswer) -> None:
        self._add(
            "answers",
            {
                "author": self._author,
                "log_index": item.index,
                "certificate_no": body.certificate_no,
                "suspension_hash": body.suspension_hash,
                "published_date": _published_date(item),
                "body": body.SerializeToString(deterministic=True),
            },
        )

    def _apply_recognition(self, item: Sequenced, body: DatedWord, *, is_suspension: bool) -> None:
        word = RecognitionSaid(
            host=self._author,
            index=item.index,
            is_suspension=is_suspension,
            effective_date=date.fromisoformat(body.effective_date),
            reason=body.reason,
        )
        number = body.certificate_no
        self._recognitions[number] = (*self._recognitions.get(number, ()), word)
        self._add(
            "recognitions",
            {
                "author": self._author,
                "log_index": item.index,
                "certificate_no": number,
                "leaf_hash": item.leaf_hash,
                "published_date": _published_date(item),
                "is_suspension": is_suspension,
                "effective_date": body.effective_date,
                "reason": body.reason,
            },
        )

    def flush(self) -> None:
        """Write what was taken in."""
        self._life.flush()
        for name, table in (
            ("equivalences", equivalences),
            ("ends", equivalence_ends),
            ("recognitions", recognitions),
            ("answers", recognition_answers),
        ):
            if name in self._rows:
                self._connection.execute(insert(table), self._rows[name])


def _published_date(item: Sequenced) -> str:
    """Return the business date on which an author sequenced an entry."""
    return business_date(item.entry.entry_time.ToDatetime(UTC)).isoformat()


class CertificationProjector:
    """Stores what certification entries say; implements the log room's ``Projector``."""

    bodies = (
        frozenset({"equivalence", "equivalence_end", "recognition_answer", *_RECOGNITION})
        | LIFE_BODIES
    )

    def project(self, tx: LogTx, log: LogName, entries: Sequence[Sequenced]) -> None:
        """Judge and store consecutive entries of one log."""
        if log.kind is not LogKind.REGISTRY:
            for item in entries:
                tx.void(log, item.index, G01_NOT_REGISTRY.code)
            return
        state = CertificationState(tx.connection, log.author, (item.entry for item in entries))
        for item in entries:
            rule = state.judge(item.entry)
            if rule is None:
                state.apply(item)
            else:
                tx.void(log, item.index, rule.code)
        state.flush()

    def forget(self, tx: LogTx, log: LogName) -> None:
        """Delete every row that came from a log; salts came from none and stay."""
        if log.kind is LogKind.REGISTRY:
            for table in _TABLES:
                tx.connection.execute(delete(table).where(table.c.author == log.author))
