"""Closes the lines of an agreed night: what is done with, what is cleared, and what comes too late.

One transaction. Everything follows from the night's own lines and the two logs, so that both nodes,
and a rebuild, leave the same rows behind.
"""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import Connection, exists, func, or_, select, update
from sqlalchemy.orm import aliased

from deltacare.ids import LogName
from server.log.ports import LogTx
from server.settlement import rules, store, tables
from server.settlement.elders import make_due_of_records
from server.settlement.kept import unpack_outcome

__all__ = ["close_night"]

Cell = tuple[str, str, str]
"""Home division (empty: not enrolled), kind and month."""


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
        _close_rows(connection, author, other, business_date, outcome.closed.get(author, ()))
        # 2.
        _close_replaced(connection, author, other, business_date)
    # 3.
    for home, host in ((own, partner), (partner, own)):
        runs = outcome.cleared.get(home, ())
        _clear(connection, (home, host), business_date, runs, is_own=home == own)
    spent = _spent(connection, own, partner, outcome.cleared.get(own, ()))
    # 4.
    cleared = tables.cleared
    for home, host, number in outcome.cancelled:
        if home == own:
            spent.subtract(_was_spent(connection, home, host, number))
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
        _void_late_revisions(tx, own, author, other, business_date)
    rows = [(partner, business_date, *cell, fen) for cell, fen in sorted(spent.items()) if fen]
    store.insert_rows(connection, tables.consumed, rows)
    connection.execute(
        update(nights).where(*place).values(agreed=tables.NIGHT_AGREED, outcome=None)
    )


def _mark(connection: Connection) -> str:
    """Return how the driver marks a value."""
    return "?" if connection.dialect.paramstyle == "qmark" else "%s"


def _close_rows(
    connection: Connection,
    author: str,
    partner: str,
    business_date: str,
    runs: Sequence[tuple[int, int]],
) -> None:
    """Mark the rows of one author; neighbours are marked together, because most rows match."""
    mark = _mark(connection)
    if runs:
        connection.exec_driver_sql(
            f"UPDATE settlement_record SET closed_date = {mark}"  # noqa: S608 - no value in it
            f" WHERE author = {mark} AND partner = {mark} AND idx BETWEEN {mark} AND {mark}",
            [(business_date, author, partner, *run) for run in runs],
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


def _clear(
    connection: Connection,
    direction: tuple[str, str],
    business_date: str,
    runs: Sequence[tuple[int, int]],
    *,
    is_own: bool,
) -> None:
    """Note what a night cleared: home's rows, which the host's equal, and own divisions."""
    mark = _mark(connection)
    beside = ("home_division", "cleared_date", "reversed_date")
    names = ", ".join(each.name for each in tables.cleared.columns if each.name not in beside)
    division = "home_division" if is_own else "NULL"
    if runs:
        home, host = direction
        connection.exec_driver_sql(
            f"INSERT INTO settlement_cleared ({names}, home_division, cleared_date)"  # noqa: S608 - as above
            f" SELECT {names}, {division}, {mark} FROM settlement_record WHERE author = {mark}"
            f" AND partner = {mark} AND home = {mark} AND idx BETWEEN {mark} AND {mark}",
            [(business_date, home, host, home, *run) for run in runs],
        )


def _spent(
    connection: Connection, own: str, partner: str, runs: Sequence[tuple[int, int]]
) -> Counter[Cell]:
    """Return what own rows that a night cleared sum up to."""
    records = tables.record.c
    cell = (records.home_division, records.subsidy_kind, records.service_month)
    spent: Counter[Cell] = Counter()
    for first, last in runs:
        query = (
            select(*cell, func.sum(records.amount_fen))
            .where(
                records.author == own,
                records.partner == partner,
                records.home == own,
                records.idx.between(first, last),
            )
            .group_by(*cell)
        )
        for division, kind, month, fen in connection.execute(query):
            spent[division or "", kind, month] += int(fen)
    return spent


def _was_spent(connection: Connection, home: str, host: str, number: str) -> Counter[Cell]:
    """Return what a cleared settlement of own elders was counted as."""
    cleared = tables.cleared.c
    row = connection.execute(
        select(
            cleared.home_division,
            cleared.subsidy_kind,
            cleared.service_month,
            cleared.amount_fen,
        ).where(cleared.home == home, cleared.host == host, cleared.settlement_no == number)
    ).one()
    return Counter({(row.home_division or "", row.subsidy_kind, row.service_month): row.amount_fen})


def _void_late_revisions(
    tx: LogTx, own: str, author: str, partner: str, business_date: str
) -> None:
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
        if author == own:
            # Days that a revision claimed, or took back, are claimed otherwise again.
            make_due_of_records(tx.connection, own, partner, [row.idx for row in found])
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
