"""Proposing statements: which nights a window has, and what of advances may be drawn.

Works on the same snapshot as `server.settlement.statements`, which says where a statement stands.
Nothing is appended here.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Connection, select

from deltacare.errors import Reason, Refusal
from deltacare.v1.clearing_service_pb2 import StatementState
from deltacare.v1.entry_pb2 import Netting, Statement, StatementWindow
from server.settlement import tables
from server.settlement.drawdowns import drawing_statements, left_of
from server.settlement.netting import AgreedNight, build_statement, draw_down, parties_of
from server.settlement.results import load_results
from server.settlement.statements import (
    Answer,
    Reach,
    Standing,
    agreed_night,
    answers_of,
    named_by,
    state_by,
)

__all__ = ["Drawing", "draft", "drawings", "overdrawn"]

_MISSING_SHOWN_MAX = 20


def draft(
    connection: Connection,
    reach: Reach,
    *,
    statement_id: str,
    from_date: date,
    until_date: date,
    netting: Netting.ValueType,
    window: StatementWindow.ValueType = StatementWindow.STATEMENT_WINDOW_UNSPECIFIED,
    draw_advances: bool = False,
) -> Statement:
    """Return the statement over a window: every date of every pair that the registry logs show.

    Raises:
        Refusal: ``RULE_REFUSED``, naming the nights that are not agreed, or that another statement
            names, or that there is none.
    """
    results = tables.pair_result.c
    pairs = connection.execute(select(results.lower, results.higher).distinct()).all()
    found = load_results(
        connection,
        reach.permits,
        from_date=from_date.isoformat(),
        until_date=until_date.isoformat(),
    )
    by_night = {(each.business_date, each.lower, each.higher): each for each in found}
    first = max(from_date, reach.opening_date)
    dates = [first + timedelta(days=each) for each in range((until_date - first).days + 1)]
    nights: list[AgreedNight] = []
    missing: list[str] = []
    for day in dates:
        for lower, higher in sorted((row.lower, row.higher) for row in pairs):
            night = by_night.get((day.isoformat(), lower, higher))
            agreed = None if night is None else agreed_night(night)
            if agreed is None:
                missing.append(f"{day.isoformat()} {lower}-{higher}")
            else:
                nights.append(agreed)
    if missing or not nights:
        raise Refusal(
            Reason.RULE_REFUSED,
            f"{len(missing)} nights of the window are not agreed."
            if missing
            else "No registry log shows a night of any pair.",
            details={"missing": "; ".join(missing[:_MISSING_SHOWN_MAX])},
        )
    hashes = [each for night in nights for each in (night.lower_hash, night.higher_hash)]
    taken = named_by(connection, reach, hashes)
    if taken:
        ids = {each.statement_id for namings in taken.values() for each in namings}
        names = ", ".join(sorted(ids))
        raise Refusal(
            Reason.RULE_REFUSED,
            f"Nights of the window are in another statement: {names}.",
            details={"statements": names},
        )
    said = (statement_id, from_date.isoformat(), until_date.isoformat(), netting, nights)
    due = build_statement(*said, window=window)
    if not draw_advances:
        return due
    received = reach.advances.received(connection, reach.permits)
    advances = {each.advance_hash for each in received}
    drawn = [(each.advance_hash, each.fen) for each in drawings(connection, reach, advances)]
    drawdowns = draw_down(due.payments, left_of(received, drawn))
    return build_statement(*said, window=window, drawdowns=drawdowns)


# --- Advances -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """What a statement that is not void draws of an advance.

    Attributes:
        statement_id: Number of the statement.
        statement_hash: Its leaf hash.
        approved_by: Provinces whose approval counts.
        state: Proposed or binding.
        advance_hash: Leaf hash of the advance.
        fen: How much.
    """

    statement_id: str
    statement_hash: bytes
    approved_by: frozenset[str]
    state: StatementState.ValueType
    advance_hash: bytes
    fen: int


def drawings(connection: Connection, reach: Reach, hashes: Collection[bytes]) -> list[Drawing]:
    """Return what statements that are not void draw of some advances, those not cosigned included.

    Args:
        connection: A snapshot.
        reach: How far logs count.
        hashes: Leaf hashes of the advances.
    """
    found: list[Drawing] = []
    known: dict[bytes, tuple[str, tuple[str, ...], dict[str, Answer]]] = {}
    for leaf_hash, fen, advance_hash in drawing_statements(connection, hashes):
        if leaf_hash not in known:
            query = select(tables.statement.c.body).where(tables.statement.c.leaf_hash == leaf_hash)
            body = Statement.FromString(bytes(connection.execute(query).scalars().one()))
            parties = parties_of(body)
            given = answers_of(connection, reach, leaf_hash, parties)
            known[leaf_hash] = (body.statement_id, parties, given)
        statement_id, parties, given = known[leaf_hash]
        state = state_by(given, parties)
        if state != StatementState.STATEMENT_STATE_VOID:
            found.append(
                Drawing(
                    statement_id=statement_id,
                    statement_hash=leaf_hash,
                    approved_by=frozenset(given),
                    state=state,
                    advance_hash=advance_hash,
                    fen=fen,
                )
            )
    return found


def overdrawn(connection: Connection, reach: Reach, statement: Standing) -> tuple[Drawing, ...]:
    """Return what stands against approving a statement: own approvals that leave it too little.

    Whoever pays an advance is a party of every statement that draws it, and approves none that
    together draw more than was received: so no two such statements bind.

    Args:
        connection: Of the transaction that appends.
        reach: How far logs count.
        statement: One that this node computes too.
    """
    hashes = {each.advance_hash for each in statement.body.drawdowns}
    if not hashes:
        return ()
    others = [
        each
        for each in drawings(connection, reach, hashes)
        if each.statement_hash != statement.leaf_hash
        and (reach.own in each.approved_by or each.state == StatementState.STATEMENT_STATE_BINDING)
    ]
    received = reach.advances.received(connection, reach.permits)
    left = {
        each.advance_hash: each.left_fen
        for each in left_of(received, [(each.advance_hash, each.fen) for each in others])
    }
    short = {
        each.advance_hash
        for each in statement.body.drawdowns
        if each.amount_fen > left.get(each.advance_hash, 0)
    }
    return tuple(each for each in others if each.advance_hash in short)
