"""Closes the lines of an agreed night: what is done with, what is cleared, and what comes too late.

One transaction. Everything follows from the night's own lines and the two logs, so that both nodes,
and a rebuild, leave the same rows behind.
"""

from collections.abc import Iterable, Iterator

import pyarrow as pa
from sqlalchemy import Connection, exists, or_, select, update
from sqlalchemy.orm import aliased

from deltacare.ids import LogName
from server.log.ports import LogTx
from server.settlement import rules, store, tables
from server.settlement.cache import unpack_outcome

__all__ = ["close_night"]


def close_night(
    tx: LogTx,
    *,
    own: str,
    partner: str,
    business_date: str,
    attempt: int,
    close_indexes: dict[str, int],
) -> None:
    """Close and clear the lines of an agreed night.

    1. Rows that are done with. 2. The revisions before them. 3. What is cleared, at most once ever:
    the table's key refuses a second time. 4. What is cancelled, and its reversals, which are used
    up. 5. Revisions that come too late.

    Args:
        tx: The transaction.
        own: This node's province.
        partner: The other.
        business_date: The date.
        attempt: The attempt on which both agree.
        close_indexes: For each of the two authors, the index of its close of the date.
    """
    connection = tx.connection
    nights = tables.night
    place = (
        nights.c.partner == partner,
        nights.c.business_date == business_date,
        nights.c.attempt == attempt,
    )
    outcome = unpack_outcome(
        bytes(connection.execute(select(nights.c.outcome).where(*place)).scalar_one())
    )
    # 1.
    for author, other in ((own, partner), (partner, own)):
        _close_rows(connection, author, other, business_date, outcome["closed"])
        # 2.
        _close_replaced(connection, author, other, business_date)
    # 3.
    _clear(connection, business_date, outcome["newly_cleared"])
    # 4.
    cleared = tables.cleared
    for home, host, number in _keys(outcome["newly_cancelled"]):
        connection.execute(
            update(cleared)
            .where(
                cleared.c.home == home,
                cleared.c.host == host,
                cleared.c.settlement_no == number,
            )
            .values(reversed_date=business_date)
        )
        _close_reversals(connection, business_date, (home, host, number), close_indexes)
    # 5.
    for author, other in ((own, partner), (partner, own)):
        _void_late_revisions(tx, author, other, business_date)
    connection.execute(update(nights).where(*place).values(agreed=1, outcome=None))


def _keys(table: pa.Table) -> list[tuple[str, str, str]]:
    columns = (table[name].to_pylist() for name in ("home", "host", "settlement_no"))
    return sorted(zip(*columns, strict=True))


def _runs(indexes: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and last of each run of consecutive numbers."""
    first = last = -1
    for index in sorted(indexes):
        if last >= 0 and index == last + 1:
            last = index
            continue
        if last >= 0:
            yield first, last
        first = last = index
    if last >= 0:
        yield first, last


def _close_rows(
    connection: Connection, author: str, partner: str, business_date: str, closed: pa.Table
) -> None:
    """Mark the rows of one author; neighbours are marked together, because most rows match."""
    names = ("side", "home", "host", "position")
    indexes = [
        position
        for side, home, host, position in zip(
            *(closed[name].to_pylist() for name in names), strict=True
        )
        if (home if side == "home" else host) == author
    ]
    mark = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    runs = [(business_date, author, partner, *run) for run in _runs(indexes)]
    if runs:
        connection.exec_driver_sql(
            f"UPDATE settlement_record SET closed_date = {mark}"  # noqa: S608 - no value in it
            f" WHERE author = {mark} AND partner = {mark} AND idx BETWEEN {mark} AND {mark}",
            runs,
        )


def _close_replaced(connection: Connection, author: str, partner: str, business_date: str) -> None:
    """Close what closed rows had replaced, and what that had replaced."""
    old, new = tables.record, aliased(tables.record)
    replacing = exists().where(
        new.c.author == author,
        new.c.partner == partner,
        new.c.replaces_idx == old.c.idx,
        new.c.closed_date == business_date,
        new.c.void_rule.is_(None),
    )
    statement = (
        update(old)
        .where(
            old.c.author == author,
            old.c.partner == partner,
            old.c.closed_date.is_(None),
            old.c.replaced_idx.is_not(None),
            replacing,
        )
        .values(closed_date=business_date)
    )
    while connection.execute(statement).rowcount:
        pass


def _close_reversals(
    connection: Connection,
    business_date: str,
    key: tuple[str, str, str],
    close_indexes: dict[str, int],
) -> None:
    """Close both sides' reversals of a settlement that is cancelled, which is not cancelled twice.

    They still withdraw whatever their sides file under the number, as every reversal does.
    """
    reversal = tables.reversal.c
    home, host, number = key
    for author, partner in ((home, host), (host, home)):
        connection.execute(
            update(tables.reversal)
            .where(
                reversal.author == author,
                reversal.partner == partner,
                reversal.settlement_no == number,
                reversal.home == home,
                reversal.idx < close_indexes[author],
                reversal.closed_date.is_(None),
            )
            .values(closed_date=business_date)
        )


def _clear(connection: Connection, business_date: str, newly: pa.Table) -> None:
    """Note what a night cleared."""
    names = [
        column.name
        for column in tables.cleared.columns
        if column.name not in ("cleared_date", "reversed_date")
    ]
    columns = [newly[name].to_pylist() for name in names]
    rows = [(*row, business_date, None) for row in zip(*columns, strict=True)]
    store.insert_rows(connection, tables.cleared, rows)


def _void_late_revisions(tx: LogTx, author: str, partner: str, business_date: str) -> None:
    """Make void what replaces a row that this night closed, and what replaces that."""
    old, new = aliased(tables.record), tables.record
    log = LogName.settlement(author, partner)
    late = (
        select(new.c.idx, new.c.replaces_idx, old.c.void_rule)
        .join(
            old,
            (old.c.author == new.c.author)
            & (old.c.partner == new.c.partner)
            & (old.c.idx == new.c.replaces_idx),
        )
        .where(
            new.c.author == author,
            new.c.partner == partner,
            new.c.replaces_idx.is_not(None),
            new.c.closed_date.is_(None),
            new.c.void_rule.is_(None),
            or_(old.c.closed_date == business_date, old.c.void_rule.is_not(None)),
        )
        .order_by(new.c.idx)
    )
    while found := tx.connection.execute(late).all():
        for row in found:
            rule = rules.REPLACES_CLOSED if row.void_rule is None else rules.REPLACES_UNKNOWN
            tx.void(log, row.idx, rule.code)
            for idx, values in (
                (row.idx, {"void_rule": rule.code}),
                (row.replaces_idx, {"replaced_idx": None}),
            ):
                tx.connection.execute(
                    update(new)
                    .where(new.c.author == author, new.c.partner == partner, new.c.idx == idx)
                    .values(**values)
                )
