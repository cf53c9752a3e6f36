"""What is proposed to be reversed with a partner: late facts, and days that were paid for twice.

Late facts are what the last night found (``server.settlement.proposals``), the same at both nodes;
days paid for twice are known to home alone (``server.settlement.overlap_cleared``). Both are lists
for people: nothing is reversed before somebody files it. A settlement that one side has reversed
waits for the other; one that both have reversed waits for a night, and for nobody.
"""

from collections.abc import Mapping
from datetime import date
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, and_, exists, or_, select
from sqlalchemy.sql import Select

from deltacare.v1.clearing_service_pb2 import ReversalProposal
from deltacare.v1.entry_pb2 import SettlementRecord
from server.registry.store import chunks
from server.settlement import tables
from server.settlement.leaves import owner_and_due
from server.settlement.overlap_cleared import cleared_overlaps
from server.settlement.overlap_look import OverlapLook
from settlement.core.classes import LineClass

__all__ = ["read_proposals"]

_Key = tuple[str, str]
"""Home and number; with the partner given, they name a settlement."""


def read_proposals(
    connection: Connection,
    own: str,
    partner: str,
    *,
    look: OverlapLook,
    after: _Key | None,
    limit: int,
) -> list[ReversalProposal]:
    """Return proposals of a pair, sorted by home and number.

    Args:
        connection: A snapshot.
        own: Own province.
        partner: The other one.
        look: Reads own records.
        after: Home and number of the last one that is known; ``None`` begins.
        limit: At most so many.
    """
    found: dict[_Key, tuple[Row[Any], LineClass, str]] = {}
    # 1. Late facts.
    for row in connection.execute(_late(own, partner, after).limit(limit)):
        line_class = LineClass.of_rank(row.line_class)
        found[(row.home, row.settlement_no)] = (row, line_class, row.noticed_date)
    # 2. Days that were paid for twice; of two classes the first that applies counts.
    noticed = cleared_overlaps(connection, own, partner, look)
    for row in islice(_overlapping(connection, own, partner, noticed, after), limit):
        key = (row.home, row.settlement_no)
        known = found.get(key)
        if known is None or known[1].rank > LineClass.OVERLAP.rank:
            found[key] = (row, LineClass.OVERLAP, noticed[row.settlement_no])
    return [_message(*found[key]) for key in sorted(found)[:limit]]


def _cleared(own: str, partner: str, after: _Key | None) -> Select[Any]:
    """Return the question for what was cleared and is not reversed by both."""
    cleared = tables.cleared.c
    pair = (own, partner)
    by_home, by_host = _is_reversed(by_home=True), _is_reversed(by_home=False)
    query = select(tables.cleared, by_home.label("by_home"), by_host.label("by_host")).where(
        cleared.home.in_(pair),
        cleared.host.in_(pair),
        cleared.reversed_date.is_(None),
        or_(~by_home, ~by_host),
    )
    if after is None:
        return query
    home, number = after
    return query.where(
        or_(cleared.home > home, and_(cleared.home == home, cleared.settlement_no > number))
    )


def _is_reversed(*, by_home: bool) -> Any:  # noqa: ANN401 - an expression
    """Return whether a side of what was cleared has reversed it."""
    cleared, reversal = tables.cleared.c, tables.reversal.alias().c
    author, partner = (cleared.home, cleared.host) if by_home else (cleared.host, cleared.home)
    return exists().where(
        reversal.author == author,
        reversal.partner == partner,
        reversal.home == cleared.home,
        reversal.settlement_no == cleared.settlement_no,
    )


def _late(own: str, partner: str, after: _Key | None) -> Select[Any]:
    """Return the question for what the last night found."""
    proposed, cleared = tables.reversal_proposal.c, tables.cleared.c
    return (
        _cleared(own, partner, after)
        .add_columns(proposed.line_class, proposed.noticed_date)
        .join(
            tables.reversal_proposal,
            and_(
                proposed.home == cleared.home,
                proposed.host == cleared.host,
                proposed.settlement_no == cleared.settlement_no,
            ),
        )
        .order_by(cleared.home, cleared.settlement_no)
    )


def _overlapping(
    connection: Connection,
    own: str,
    partner: str,
    noticed: Mapping[str, str],
    after: _Key | None,
) -> Any:  # noqa: ANN401 - an iterator of rows
    """Yield what of the own province as home was cleared, of some numbers, in their order."""
    cleared = tables.cleared.c
    for some in chunks(sorted(noticed)):
        query = _cleared(own, partner, after).where(
            cleared.home == own, cleared.settlement_no.in_(some)
        )
        yield from connection.execute(query.order_by(cleared.settlement_no)).all()


def _message(row: Row[Any], line_class: LineClass, noticed_date: str) -> ReversalProposal:
    owner, due_date = owner_and_due(
        line_class, row.home, row.host, date.fromisoformat(noticed_date)
    )
    if row.by_home or row.by_host:
        owner = row.host if row.by_home else row.home
    return ReversalProposal(
        record=SettlementRecord(
            settlement_no=row.settlement_no,
            home=row.home,
            host=row.host,
            beneficiary_ref=row.beneficiary_ref,
            institution=row.institution,
            subsidy_kind=row.subsidy_kind,
            service_month=row.service_month,
            service_days=row.service_days,
            amount_fen=row.amount_fen,
            caregiver_cert_no=row.caregiver_cert_no,
        ),
        cleared_date=row.cleared_date,
        line_class=line_class.rank,  # type: ignore[arg-type]  # the enum of the contract is by rank
        noticed_date=noticed_date,
        owner=owner,
        due_date=due_date,
    )
