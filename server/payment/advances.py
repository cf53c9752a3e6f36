"""What statements may draw: advances as far as their payees have reported that they came.

Implements the port of the room of statements, which stands below and knows no payments. An advance
and its receipts permit something, so both count as far as that room says; what went back restricts,
and counts as soon as it is verified.
"""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, select

from deltacare.v1.entry_pb2 import PaymentOutcome
from server.payment import tables
from server.settlement.drawdowns import ReceivedAdvance
from settlement.core.net import payment_id

__all__ = ["PaidAdvances"]


class PaidAdvances:
    """Advances by what this room's rows show: the ``AdvanceBook`` of the room of statements."""

    def received(
        self, connection: Connection, permits: Callable[[str], int]
    ) -> Sequence[ReceivedAdvance]:
        """Return the advances of which something was received, the oldest of each payer first.

        Args:
            connection: A snapshot, or the transaction that appends.
            permits: For a province, up to where its registry log counts.
        """
        advance = tables.advance.c
        query = select(
            advance.author, advance.idx, advance.leaf_hash, advance.payee, advance.amount_fen
        ).order_by(advance.author, advance.idx)
        found = []
        for row in connection.execute(query).all():
            if row.idx >= permits(row.author):
                continue
            identity = payment_id(bytes(row.leaf_hash), row.author, row.payee)
            fen, places = self._received(connection, identity, row.payee, permits(row.payee))
            if fen > 0:
                found.append(
                    ReceivedAdvance(
                        payer=row.author,
                        payee=row.payee,
                        index=row.idx,
                        advance_hash=bytes(row.leaf_hash),
                        received_fen=min(fen, row.amount_fen),
                        report_indexes=places,
                    )
                )
        return found

    @staticmethod
    def _received(
        connection: Connection, identity: str, payee: str, permitted: int
    ) -> tuple[int, tuple[int, ...]]:
        """Return what the payee's bank shows as received less returned, and where it says so."""
        report = tables.report.c
        query = (
            select(report.idx, report.outcome, report.amount_fen)
            .where(report.payment_id == identity, report.author == payee)
            .order_by(report.idx)
        )
        total, places = 0, []
        for row in connection.execute(query):
            is_return = row.outcome == PaymentOutcome.PAYMENT_OUTCOME_RETURNED
            if is_return or row.idx < permitted:
                total += -row.amount_fen if is_return else row.amount_fen
                places.append(row.idx)
        return total, tuple(places)
