"""Statements: who may propose what, what each party makes of it, and where it stands.

Reads the projected registry logs in one snapshot. Everything is worked out from what the logs say
up to where they count: results and approvals under a quorum, refusals as soon as they are verified.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, or_, select

from deltacare.ids import LogName
from deltacare.v1.clearing_service_pb2 import PartyAnswer, StandingStatement, StatementState
from deltacare.v1.entry_pb2 import (
    Approval,
    Statement,
    StatementAnswer,
    StatementWord,
)
from deltacare.v1.types_pb2 import EntryRef
from server.approval.store import key_index
from server.log.ports import Position
from server.registry.store import chunks
from server.settlement import tables
from server.settlement.drawdowns import (
    AdvanceBook,
    NoAdvances,
    ReceivedAdvance,
)
from server.settlement.netting import AgreedNight, build_statement, parties_of
from server.settlement.results import (
    NightResults,
    StatedResult,
    load_results,
    results_by_hash,
)

__all__ = [
    "Answer",
    "Naming",
    "Reach",
    "Standing",
    "find",
    "load",
    "named_by",
    "page",
    "state_by",
    "state_of",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _microseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far registry logs count.

    Attributes:
        own: The own province, of whose log no quorum is asked.
        positions: Of every registry log.
        opening_date: First business date of every settlement log; no window has nights before it.
        advances: What was received of advances.
    """

    own: str
    positions: Mapping[LogName, Position]
    opening_date: date
    advances: AdvanceBook = field(default_factory=NoAdvances)

    def permits(self, province: str) -> int:
        """Return up to where what permits counts."""
        position = self.positions[LogName.registry(province)]
        return position.size if province == self.own else position.quorum_size


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A party's answer that counts."""

    province: str
    index: int
    word: int
    maker: str
    reviewer: str
    reason: str
    approvals: tuple[Approval, ...]
    key_indexes: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """A statement that names a result and is not void.

    Attributes:
        leaf_hash: What people approve.
        statement_id: Its number.
        answers: By province, those that count.
    """

    leaf_hash: bytes
    statement_id: str
    answers: Mapping[str, Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A statement as the logs have it.

    Attributes:
        author: Who proposed it.
        index: Place in its registry log.
        leaf_hash: What people approve.
        body: The statement.
        parties: Who has to answer, ascending.
        answers: By province, those that count.
        recomputed: Whether this node computes the same from the results.
        results: Author and place of the results that it names, as far as they count here.
        advances: The same of the advances that it draws, each followed by its receipts.
    """

    author: str
    index: int
    leaf_hash: bytes
    body: Statement
    parties: tuple[str, ...]
    answers: Mapping[str, Answer]
    recomputed: bool
    results: tuple[tuple[str, int], ...]
    advances: tuple[tuple[str, int], ...]

    @property
    def state(self) -> StatementState.ValueType:
        """Where it stands: one refusal makes it void, the approval of all binding."""
        return state_by(self.answers, self.parties)

    def message(self, *, with_results: bool = False) -> StandingStatement:
        """Return it as callers see it, perhaps with the places of all that it rests on."""
        answers = []
        for province in self.parties:
            given = self.answers.get(province)
            if given is None:
                answers.append(PartyAnswer(province=province))
                continue
            log = str(LogName.registry(province))
            answers.append(
                PartyAnswer(
                    province=province,
                    word=given.word,  # type: ignore[arg-type]  # held by the projection
                    maker=given.maker,
                    reviewer=given.reviewer,
                    entry=EntryRef(log=log, index=given.index),
                    reason=given.reason,
                    approvals=given.approvals,
                    keys=[EntryRef(log=log, index=each) for each in given.key_indexes]
                    if with_results
                    else (),
                )
            )
        return StandingStatement(
            name=f"statements/{self.body.statement_id}",
            statement=self.body,
            statement_hash=self.leaf_hash,
            state=self.state,
            answers=answers,
            recomputed=self.recomputed,
            entry=EntryRef(log=str(LogName.registry(self.author)), index=self.index),
            results=_places(self.results) if with_results else (),
            advances=_places(self.advances) if with_results else (),
        )


def _places(places: Iterable[tuple[str, int]]) -> list[EntryRef]:
    """Return places in registry logs as callers see them."""
    return [EntryRef(log=str(LogName.registry(author)), index=index) for author, index in places]


# --- Reading --------------------------------------------------------------------------------------


def load(connection: Connection, reach: Reach, row: Row[Any]) -> Standing:
    """Return a statement of a row of its table, recomputed."""
    body = Statement.FromString(bytes(row.body))
    leaf_hash = bytes(row.leaf_hash)
    parties = parties_of(body)
    stated = results_by_hash(connection, reach.permits, body.pair_result_hashes)
    received = _received(connection, reach, body)
    return Standing(
        author=row.author,
        index=row.idx,
        leaf_hash=leaf_hash,
        body=body,
        parties=parties,
        answers=answers_of(connection, reach, leaf_hash, parties),
        recomputed=_recompute(connection, reach, body, stated, received) == body,
        results=tuple(
            (stated[each].author, stated[each].index)
            for each in body.pair_result_hashes
            if each in stated
        ),
        advances=tuple(
            place
            for each in body.drawdowns
            if (known := received.get(each.advance_hash)) is not None
            for place in (
                (known.payer, known.index),
                *((known.payee, index) for index in known.report_indexes),
            )
        ),
    )


def answers_of(
    connection: Connection, reach: Reach, leaf_hash: bytes, parties: Sequence[str]
) -> dict[str, Answer]:
    """Return the answers of parties that count."""
    answers = tables.statement_answer.c
    query = select(tables.statement_answer).where(answers.statement_hash == leaf_hash)
    found: dict[str, Answer] = {}
    for row in connection.execute(query):
        is_refusal = row.word == StatementWord.STATEMENT_WORD_REFUSED
        if row.author in parties and (is_refusal or row.idx < reach.permits(row.author)):
            approvals = tuple(StatementAnswer.FromString(bytes(row.body)).approvals)
            indexes = [
                key_index(connection, row.author, each.key_id, row.idx) for each in approvals
            ]
            found[row.author] = Answer(
                province=row.author,
                index=row.idx,
                word=row.word,
                maker=row.maker,
                reviewer=row.reviewer,
                reason=row.reason,
                approvals=approvals,
                key_indexes=tuple(index for index in indexes if index is not None),
            )
    return found


def state_by(answers: Mapping[str, Answer], parties: Sequence[str]) -> StatementState.ValueType:
    """Return where a statement stands by the answers that count."""
    words = {each.word for each in answers.values()}
    if StatementWord.STATEMENT_WORD_REFUSED in words:
        return StatementState.STATEMENT_STATE_VOID
    if len(answers) == len(parties):
        return StatementState.STATEMENT_STATE_BINDING
    return StatementState.STATEMENT_STATE_PROPOSED


def state_of(connection: Connection, reach: Reach, row: Row[Any]) -> StatementState.ValueType:
    """Return where a statement of a row of its table stands, without recomputing it."""
    parties = parties_of(Statement.FromString(bytes(row.body)))
    return state_by(answers_of(connection, reach, bytes(row.leaf_hash), parties), parties)


def _received(
    connection: Connection, reach: Reach, body: Statement
) -> dict[bytes, ReceivedAdvance]:
    """Return the advances that a statement draws, as far as they were received."""
    drawn = {each.advance_hash for each in body.drawdowns}
    if not drawn:
        return {}
    received = reach.advances.received(connection, reach.permits)
    return {each.advance_hash: each for each in received if each.advance_hash in drawn}


def _recompute(
    connection: Connection,
    reach: Reach,
    body: Statement,
    stated: Mapping[bytes, StatedResult],
    received: Mapping[bytes, ReceivedAdvance],
) -> Statement | None:
    """Return the statement that this node makes of the results that one names.

    ``None`` if a result is missing or does not agree with its counterpart, or the results are not
    every night of the window of the pairs they are of.
    """
    if len(stated) != len(body.pair_result_hashes):
        return None
    named = {(each.body.lower, each.body.higher) for each in stated.values()}
    nights: list[AgreedNight] = []
    for pair in sorted(named):
        found = load_results(
            connection,
            reach.permits,
            pair=pair,
            from_date=body.from_date,
            until_date=body.until_date,
        )
        nights += [night for each in found if (night := agreed_night(each)) is not None]
    first = max(date.fromisoformat(body.from_date), reach.opening_date)
    days = (date.fromisoformat(body.until_date) - first).days + 1
    if len(nights) != days * len(named):
        return None
    said = (body.statement_id, body.from_date, body.until_date, body.netting, nights)
    # What is drawn fits the flows that the statement shows; so only to those it is applied.
    without = build_statement(*said, window=body.window)
    if list(without.bilateral) != list(body.bilateral) or not _is_covered(body, received):
        return None
    return build_statement(*said, window=body.window, drawdowns=body.drawdowns)


def _is_covered(body: Statement, received: Mapping[bytes, ReceivedAdvance]) -> bool:
    """Whether each advance that a statement draws was received and suffices for it alone."""
    for each in body.drawdowns:
        known = received.get(each.advance_hash)
        if (
            known is None
            or (known.payer, known.payee) != (each.payer, each.payee)
            or each.amount_fen > known.received_fen
        ):
            return False
    return True


def agreed_night(night: NightResults) -> AgreedNight | None:
    """Return an agreed night as a statement names it."""
    attempt = night.agreed_attempt
    if not attempt:
        return None
    lower = night.by_author[night.lower][attempt]
    higher = night.by_author[night.higher][attempt]
    return AgreedNight(lower_hash=lower.leaf_hash, higher_hash=higher.leaf_hash, result=lower.body)


def find(
    connection: Connection, reach: Reach, *, statement_id: str = "", leaf_hash: bytes = b""
) -> Standing | None:
    """Return a statement by its number or its leaf hash, ``None`` if no log has it."""
    statements = tables.statement.c
    condition = (
        statements.statement_id == statement_id
        if statement_id
        else statements.leaf_hash == leaf_hash
    )
    row = connection.execute(select(tables.statement).where(condition)).first()
    return None if row is None else load(connection, reach, row)


def page(
    connection: Connection, reach: Reach, after: str, limit: int
) -> list[tuple[str, Standing]]:
    """Return statements after a place, newest first, each with its place.

    Args:
        connection: A snapshot.
        reach: How far logs count.
        after: Place of the last one seen; empty to begin.
        limit: Most statements.
    """
    statements = tables.statement.c
    query = select(tables.statement)
    if after:
        moment, author, index = after.split(" ")
        entry_time = _EPOCH + timedelta(microseconds=int(moment))
        query = query.where(
            or_(
                statements.entry_time < entry_time,
                and_(
                    statements.entry_time == entry_time,
                    or_(
                        statements.author > author,
                        and_(statements.author == author, statements.idx > int(index)),
                    ),
                ),
            )
        )
    order = (statements.entry_time.desc(), statements.author, statements.idx)
    rows = connection.execute(query.order_by(*order).limit(limit)).all()
    return [
        (f"{_microseconds(row.entry_time)} {row.author} {row.idx}", load(connection, reach, row))
        for row in rows
    ]


def named_by(
    connection: Connection, reach: Reach, hashes: Iterable[bytes]
) -> dict[bytes, list[Naming]]:
    """Return for each of some results the statements that stand and name it, none recomputed."""
    named, statements = tables.statement_result.c, tables.statement.c
    known: dict[bytes, Naming | None] = {}
    found: dict[bytes, list[Naming]] = {}
    for some in chunks(hashes):
        query = (
            select(named.result_hash, statements.leaf_hash)
            .join(
                tables.statement,
                (named.author == statements.author) & (named.idx == statements.idx),
            )
            .where(named.result_hash.in_(some))
            .order_by(statements.leaf_hash)
        )
        for row in connection.execute(query):
            leaf_hash = bytes(row.leaf_hash)
            if leaf_hash not in known:
                known[leaf_hash] = _naming(connection, reach, leaf_hash)
            naming = known[leaf_hash]
            if naming is not None:
                found.setdefault(bytes(row.result_hash), []).append(naming)
    return found


def _naming(connection: Connection, reach: Reach, leaf_hash: bytes) -> Naming | None:
    """Return a statement that is not void, ``None`` if it is."""
    query = select(tables.statement.c.body).where(tables.statement.c.leaf_hash == leaf_hash)
    body = Statement.FromString(bytes(connection.execute(query.limit(1)).scalar_one()))
    parties = parties_of(body)
    answers = answers_of(connection, reach, leaf_hash, parties)
    if state_by(answers, parties) == StatementState.STATEMENT_STATE_VOID:
        return None
    return Naming(leaf_hash=leaf_hash, statement_id=body.statement_id, answers=answers)
