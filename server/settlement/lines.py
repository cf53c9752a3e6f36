"""Reads the lines of nights that are kept: pages, counts and leaves."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from deltacare.v1.clearing_service_pb2 import Line, LineCount
from server.settlement import tables
from server.settlement.cache import StoredNight
from server.settlement.leaves import class_bits, iter_lines, line_message, unpacked
from settlement.core.classes import LineClass

__all__ = ["LinePage", "count_all", "count_night", "leaf_content", "leaf_hashes", "read_page"]

_LEAVES_MAX = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LinePage:
    """Some lines, and the place of the last one; the place is empty at the end."""

    lines: Sequence[Line]
    last_place: str


def read_page(
    connection: Connection,
    partner: str,
    night: StoredNight,
    *,
    classes: frozenset[LineClass],
    after: str,
    limit: int,
) -> LinePage:
    """Return the lines of some classes after a place, in the order of the digest.

    Leaves without a line of these classes are not read.
    """
    leaves = tables.night_leaf.c
    leaf_index, offset = (int(each) for each in after.split(" ")) if after else (0, -1)
    query = (
        select(leaves.leaf_index, leaves.content, leaves.filed_dates)
        .where(
            *_is_night(partner, night),
            leaves.leaf_index >= leaf_index,
            leaves.classes.bitwise_and(class_bits(classes)) != 0,
        )
        .order_by(leaves.leaf_index)
    )
    ranks = {each.rank for each in classes}
    found: list[Line] = []
    place = ""
    for row in connection.execute(query):
        rows = iter_lines(bytes(row.content), bytes(row.filed_dates))
        for position, (text, filed_date) in enumerate(rows):
            if row.leaf_index == leaf_index and position <= offset:
                continue
            line = line_message(text, filed_date)
            if line.line_class not in ranks:
                continue
            if len(found) == limit:
                _name_who_waits(connection, night, found)
                return LinePage(lines=found, last_place=place)
            found.append(line)
            place = f"{row.leaf_index} {position}"
    _name_who_waits(connection, night, found)
    return LinePage(lines=found, last_place="")


def _name_who_waits(connection: Connection, night: StoredNight, lines: Sequence[Line]) -> None:
    """Make the side that has not reversed a number the owner of its lines."""
    waiting = [each for each in lines if each.line_class == LineClass.REVERSED_ONE_SIDE.rank]
    reversals = tables.reversal.c
    for author, partner in {
        pair for each in waiting for pair in ((each.home, each.host), (each.host, each.home))
    }:
        query = select(reversals.home, reversals.settlement_no).where(
            reversals.author == author,
            reversals.partner == partner,
            reversals.settlement_no.in_({each.settlement_no for each in waiting}),
            reversals.filed_date <= night.business_date,
        )
        reversed_numbers = {tuple(row) for row in connection.execute(query)}
        for line in waiting:
            if (line.home, line.settlement_no) in reversed_numbers:
                line.owner = partner


def _is_night(partner: str, night: StoredNight) -> tuple[ColumnElement[bool], ...]:
    leaves = tables.night_leaf.c
    return (
        leaves.partner == partner,
        leaves.business_date == night.business_date,
        leaves.attempt == night.attempt,
    )


def leaf_hashes(connection: Connection, partner: str, night: StoredNight) -> list[bytes]:
    """Return the hashes of a night's leaves, in order, at most 100,000."""
    leaves = tables.night_leaf.c
    query = select(leaves.leaf_hash).where(*_is_night(partner, night)).order_by(leaves.leaf_index)
    return [bytes(each) for each in connection.execute(query.limit(_LEAVES_MAX)).scalars()]


def leaf_content(
    connection: Connection, partner: str, night: StoredNight, leaf_index: int
) -> bytes | None:
    """Return the lines of a leaf, ``None`` if the night has no such leaf."""
    leaves = tables.night_leaf.c
    query = select(leaves.content).where(
        *_is_night(partner, night), leaves.leaf_index == leaf_index
    )
    found = connection.execute(query).scalar()
    return None if found is None else unpacked(bytes(found))


def count_night(connection: Connection, partner: str, night: StoredNight) -> list[LineCount]:
    """Return the counts of a night, in the order of the classes."""
    counts = tables.night_count.c
    query = (
        select(counts.line_class, counts.line_count, counts.home_fen, counts.host_fen)
        .where(
            counts.partner == partner,
            counts.business_date == night.business_date,
            counts.attempt == night.attempt,
        )
        .order_by(counts.line_class)
    )
    return [_count(*row) for row in connection.execute(query)]


def count_all(connection: Connection, partner: str, newest: StoredNight) -> list[LineCount]:
    """Return each line's last class over all nights.

    A line that is closed stands in the night that closed it and in no later one; any other stands
    in the newest night.
    """
    nights, counts = tables.night.c, tables.night_count.c
    closed = [each.rank for each in LineClass if each.closed]
    is_newest = and_(counts.business_date == newest.business_date, counts.attempt == newest.attempt)
    query = (
        select(
            counts.line_class,
            func.sum(counts.line_count),
            func.sum(counts.home_fen),
            func.sum(counts.host_fen),
        )
        .join(
            tables.night,
            and_(
                nights.partner == counts.partner,
                nights.business_date == counts.business_date,
                nights.attempt == counts.attempt,
            ),
        )
        .where(
            counts.partner == partner,
            or_(
                is_newest, and_(nights.agreed == tables.NIGHT_AGREED, counts.line_class.in_(closed))
            ),
        )
        .group_by(counts.line_class)
        .order_by(counts.line_class)
    )
    return [_count(*row) for row in connection.execute(query)]


def _count(line_class: int, line_count: int, home_fen: int, host_fen: int) -> LineCount:
    return LineCount(
        line_class=line_class,  # type: ignore[arg-type]  # the enum of the contract is by rank
        line_count=int(line_count),
        home_fen=int(home_fen),
        host_fen=int(host_fen),
    )
