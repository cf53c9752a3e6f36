"""Sums of settlement records, set by set: what nights cleared, and what own records reserve.

400,000 records a month come to some hundred sums: by day, partner, direction, kind, year of service
and division of the elder. The division is the one under which home had enrolled the elder when it
filed; where there is none it is the province. So a record reserves, releases and consumes under one
division, whatever is enrolled later.

A record of home reserves from the day it is filed under. It ceases to on the first of: the night
that closes it, the own revision or reversal of it; and while the own node holds it for want of
budget.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.orm import aliased

from deltacare.v1.entry_pb2 import HoldClass
from server.settlement import tables

__all__ = ["ClearedSum", "ReservedSum", "cleared_sums", "held_sums", "reserved_sums"]

_NEVER: Final = "9999-12-31"
_YEAR_CHARS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearedSum:
    """What a night cleared, or netted back, of one direction, kind, year and division."""

    business_date: str
    home: str
    host: str
    subsidy_kind: str
    back: bool
    year: str
    division: str
    fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservedSum:
    """What records of a day begin to reserve, or cease to.

    Attributes:
        business_date: The day.
        subsidy_kind: The kind.
        year: Of service.
        division: Of the elders.
        released: They cease to.
        by_night: Because the night of that day closed them.
        fen: The sum; below zero where a hold had ended the reservation before.
    """

    business_date: str
    subsidy_kind: str
    year: str
    division: str
    released: bool
    by_night: bool
    fen: int


def _division(own: str, stated: ColumnElement[str | None]) -> ColumnElement[str]:
    """Return the division of an elder, the province where none was enrolled."""
    return func.coalesce(func.nullif(stated, ""), own)


def cleared_sums(connection: Connection, own: str, partner: str, *, after: str) -> list[ClearedSum]:
    """Return what agreed nights with a partner cleared and netted back, as this node closed them.

    Args:
        connection: A snapshot.
        own: The own province.
        partner: The other.
        after: Only of later dates; empty means all.
    """
    found: list[ClearedSum] = []
    cleared = tables.cleared.c
    for back, day in ((False, cleared.cleared_date), (True, cleared.reversed_date)):
        for home, host in ((own, partner), (partner, own)):
            year = func.substr(cleared.service_month, 1, _YEAR_CHARS)
            division = _division(home, cleared.home_division)
            rows = (
                select(
                    day.label("day"),
                    cleared.subsidy_kind,
                    year.label("year"),
                    division.label("division"),
                    cleared.amount_fen,
                )
                .where(cleared.home == home, cleared.host == host, day > after)
                .subquery()
            ).c
            keys = (rows.day, rows.subsidy_kind, rows.year, rows.division)
            query = select(*keys, func.sum(rows.amount_fen).label("fen")).group_by(*keys)
            found += [
                ClearedSum(
                    business_date=row.day,
                    home=home,
                    host=host,
                    subsidy_kind=row.subsidy_kind,
                    back=back,
                    year=row.year,
                    division=row.division,
                    fen=int(row.fen),
                )
                for row in connection.execute(query)
            ]
    return found


def _records(own: str, partner: str, *, after: str = "") -> Any:  # noqa: ANN401 - a query
    """Return own records as home with the days on which each may cease to reserve.

    Args:
        own: The own province.
        partner: The host.
        after: Those filed and closed by this date are left out.
    """
    row, revision = aliased(tables.record).c, aliased(tables.record).c
    reversal = aliased(tables.reversal).c
    revised = (
        select(revision.filed_date)
        .where(
            revision.author == own, revision.partner == partner, revision.idx == row.replaced_idx
        )
        .scalar_subquery()
    )
    reversed_ = (
        select(func.min(reversal.filed_date))
        .where(
            reversal.author == own,
            reversal.partner == partner,
            reversal.settlement_no == row.settlement_no,
            reversal.home == own,
            reversal.idx > row.idx,
        )
        .scalar_subquery()
    )
    open_then = (
        or_(row.filed_date > after, row.closed_date > after, row.closed_date.is_(None))
        if after
        else true()
    )
    return select(
        row.idx,
        row.settlement_no,
        row.filed_date,
        row.subsidy_kind,
        func.substr(row.service_month, 1, _YEAR_CHARS).label("year"),
        _division(own, row.home_division).label("division"),
        row.amount_fen,
        func.coalesce(row.closed_date, _NEVER).label("closed_date"),
        func.coalesce(revised, _NEVER).label("revised_date"),
        func.coalesce(reversed_, _NEVER).label("reversed_date"),
    ).where(
        row.author == own,
        row.partner == partner,
        row.home == own,
        row.void_rule.is_(None),
        open_then,
    )


def reserved_sums(
    connection: Connection, own: str, partner: str, *, after: str
) -> list[ReservedSum]:
    """Return what own records as home reserve and release, holds left aside.

    Args:
        connection: A snapshot.
        own: The own province.
        partner: The host.
        after: Only of later dates; empty means all.
    """
    rows = _records(own, partner, after=after).subquery().c
    keys = (
        *(rows.filed_date, rows.closed_date, rows.revised_date, rows.reversed_date),
        *(rows.subsidy_kind, rows.year, rows.division),
    )
    query = select(*keys, func.sum(rows.amount_fen).label("amount_fen")).group_by(*keys)
    found: list[ReservedSum] = []
    for row in connection.execute(query):
        fen, end = row.amount_fen, _end(row)
        if row.filed_date > after:
            found.append(_change(row, row.filed_date, released=False, by_night=False, fen=fen))
        if after < end < _NEVER:
            by_night = end == row.closed_date
            found.append(_change(row, end, released=True, by_night=by_night, fen=fen))
    return found


def _end(row: Any) -> str:  # noqa: ANN401 - a row
    """Return the day on which records cease to reserve, holds left aside."""
    return min(row.closed_date, row.revised_date, row.reversed_date)  # type: ignore[no-any-return]


def held_sums(connection: Connection, own: str, partner: str) -> list[ReservedSum]:
    """Return what holds for want of budget change in `reserved_sums`: of few records, each read."""
    hold = tables.hold.c
    records = _records(own, partner).subquery()
    rows = records.c
    query = (
        select(records, hold.filed_date.label("held_date"), hold.end_filed_date.label("freed_date"))
        .join_from(
            tables.hold,
            records,
            records.c.settlement_no == hold.settlement_no,
        )
        .where(
            hold.author == own,
            hold.partner == partner,
            hold.hold_class == HoldClass.HOLD_CLASS_OVER_BUDGET,
        )
        .order_by(rows.idx, hold.idx)
    )
    spans: dict[int, tuple[Any, list[tuple[str, str]]]] = {}
    for row in connection.execute(query):
        end = _end(row)
        first = max(row.held_date, row.filed_date)
        last = min(row.freed_date or _NEVER, end)
        if first < end and first < last:
            spans.setdefault(row.idx, (row, []))[1].append((first, last))
    found: list[ReservedSum] = []
    for row, held in spans.values():
        end = _end(row)
        for first, last in _merged(held):
            found.append(_change(row, first, released=True, by_night=False, fen=row.amount_fen))
            if last < end:
                found.append(_change(row, last, released=False, by_night=False, fen=row.amount_fen))
            elif end < _NEVER:
                # It reserved nothing any more when it ended.
                by_night = end == row.closed_date
                found.append(
                    _change(row, end, released=True, by_night=by_night, fen=-row.amount_fen)
                )
    return found


def _change(row: Any, day: str, *, released: bool, by_night: bool, fen: int) -> ReservedSum:  # noqa: ANN401 - a row
    return ReservedSum(
        business_date=day,
        subsidy_kind=row.subsidy_kind,
        year=row.year,
        division=row.division,
        released=released,
        by_night=by_night,
        fen=int(fen),
    )


def _merged(spans: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return spans of days without overlaps, in order."""
    found: list[tuple[str, str]] = []
    for first, last in sorted(spans):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found
