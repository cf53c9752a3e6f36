"""Whether the nights that this node stated are all worked out here: after a rebuild they are not.

What was cleared, closed and spent follows from the lines of nights, and those are computed again,
night by night, once a node serves after its tables were made anew. Until then such an answer would
be wrong and look right, so that it is refused instead.
"""

from sqlalchemy import Connection, case, func, select

from deltacare.errors import Reason, Refusal
from server.settlement import tables

__all__ = ["require_worked"]


def require_worked(connection: Connection, own: str) -> None:
    """Refuse an answer that rests on nights, while they are being worked out again.

    Args:
        connection: A snapshot, or inside a transaction.
        own: The own province.

    Raises:
        Refusal: `STALE`, naming the next night; it passes by itself.
    """
    stated, nights = tables.pair_result.c, tables.night.c
    partner = case((stated.lower == own, stated.higher), else_=stated.lower).label("partner")
    last = (
        select(partner, func.max(stated.business_date).label("last_date"))
        .where(stated.author == own)
        .group_by(partner)
        .subquery()
    )
    # Nights of a pair are worked out in their order, the last one at last.
    query = (
        select(last.c.partner, last.c.last_date)
        .where(
            ~select(nights.partner)
            .where(
                nights.partner == last.c.partner,
                nights.business_date >= last.c.last_date,
                nights.agreed != tables.NIGHT_AGAIN,
            )
            .exists()
        )
        .order_by(last.c.partner)
        .limit(1)
    )
    row = connection.execute(query).first()
    if row is not None:
        raise Refusal(
            Reason.STALE,
            "Nights are still being worked out again after a rebuild; ask again in a moment.",
            details={"night": f"{row.last_date} {own}-{row.partner}"},
        )
