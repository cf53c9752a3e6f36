"""Advances that statements draw: what was received, what is drawn, what is left.

What is an advance and who has received it is the business of a room above: it stands behind
`AdvanceBook`. What statements draw of it is in this room's rows. No money is drawn twice: a
proposal takes into account every statement that is not void, and whoever approves one has approved
no others that together draw more than was received.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection, select

from server.settlement import tables
from server.settlement.netting import AdvanceLeft

__all__ = [
    "AdvanceBook",
    "NoAdvances",
    "ReceivedAdvance",
    "drawing_statements",
    "left_of",
]

_HASHES_PER_QUERY = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedAdvance:
    """An advance whose payee has reported receipt.

    Attributes:
        payer: Who paid ahead.
        payee: Who holds it.
        advance_hash: Leaf hash of the advance.
        received_fen: What the payee's bank shows as received less returned; never more than the
            advance says.
        index: Place of the advance in its payer's registry log.
        report_indexes: Places of the reports of receipt in the payee's.
    """

    payer: str
    payee: str
    advance_hash: bytes
    received_fen: int
    index: int
    report_indexes: tuple[int, ...] = ()


class AdvanceBook(Protocol):
    """What the room of payments knows of advances."""

    def received(
        self, connection: Connection, permits: Callable[[str], int]
    ) -> Sequence[ReceivedAdvance]:
        """Return the advances of which something was received, the oldest of each payer first.

        Args:
            connection: A snapshot, or the transaction that appends.
            permits: For a province, up to where its registry log counts: of the advance its
                payer's, of receipts its payee's.
        """
        ...


class NoAdvances:
    """A node that keeps no advances: nothing can be drawn."""

    def received(
        self, connection: Connection, permits: Callable[[str], int]
    ) -> Sequence[ReceivedAdvance]:
        """Return none."""
        del connection, permits
        return ()


def drawing_statements(
    connection: Connection, hashes: Collection[bytes]
) -> list[tuple[bytes, int, bytes]]:
    """Return each drawing of some advances: the statement's leaf hash, the fen, the advance's hash.

    Of void statements too: the caller knows which stand.
    """
    drawn, statements = tables.statement_drawdown.c, tables.statement.c
    wanted = sorted(hashes)
    found: list[tuple[bytes, int, bytes]] = []
    for start in range(0, len(wanted), _HASHES_PER_QUERY):
        query = (
            select(statements.leaf_hash, drawn.amount_fen, drawn.advance_hash)
            .join(
                tables.statement,
                (drawn.author == statements.author) & (drawn.idx == statements.idx),
            )
            .where(drawn.advance_hash.in_(wanted[start : start + _HASHES_PER_QUERY]))
            .order_by(statements.leaf_hash, drawn.advance_hash)
        )
        found += [
            (bytes(row.leaf_hash), row.amount_fen, bytes(row.advance_hash))
            for row in connection.execute(query)
        ]
    return found


def left_of(
    received: Iterable[ReceivedAdvance], drawn: Iterable[tuple[bytes, int]]
) -> list[AdvanceLeft]:
    """Return what is left of advances, in their order, those without rest included.

    Args:
        received: The advances.
        drawn: Advance and fen of every drawing that counts.
    """
    taken: dict[bytes, int] = {}
    for advance_hash, fen in drawn:
        taken[advance_hash] = taken.get(advance_hash, 0) + fen
    return [
        AdvanceLeft(
            payer=each.payer,
            payee=each.payee,
            advance_hash=each.advance_hash,
            left_fen=max(each.received_fen - taken.get(each.advance_hash, 0), 0),
        )
        for each in received
    ]
