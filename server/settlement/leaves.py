"""The lines of a night as they were digested: leaves of 256, kept whole and read back as lines.

A line's bytes hold all that a person is shown but the date its first row was filed under, which
stands beside the leaf, and whose move it is, which follows from the class, or from the reversals
where one side filed one. So a night of a hundred thousand lines is four hundred rows, compressed,
and a partner that differs is served the very bytes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa

from deltacare.v1.clearing_service_pb2 import Line, LineSide
from deltacare.v1.entry_pb2 import SettlementRecord
from deltacare.working_days import next_working_day
from settlement.core.classes import TRANSIT_DAYS, Actor, LineClass
from settlement.core.columns import COLUMNS, SEPARATOR, TERMINATOR

__all__ = [
    "LINES_PER_LEAF",
    "Difference",
    "class_bits",
    "first_difference",
    "iter_lines",
    "line_message",
    "owner_and_due",
    "packed",
    "split",
    "unpacked",
]

LINES_PER_LEAF = 256
_DATE_CHARS = 10
_HEAD = 4  # home, host, number, class
_SIDE = 2 + len(COLUMNS)  # rows, fen, and the columns of the row


def split(content: bytes) -> list[str]:
    """Return the lines of a leaf, without their terminators."""
    return content.decode().split(TERMINATOR)[:-1]


def class_bits(classes: Iterable[LineClass]) -> int:
    """Return classes as bits, by rank."""
    bits = 0
    for line_class in classes:
        bits |= 1 << line_class.rank
    return bits


def packed(data: bytes) -> bytes:
    """Return bytes as they are kept: how many there are, then compressed."""
    return len(data).to_bytes(4, "big") + bytes(pa.compress(data, codec="zstd", asbytes=True))


def unpacked(data: bytes) -> bytes:
    """Return what was packed."""
    size = int.from_bytes(data[:4], "big")
    return bytes(pa.decompress(data[4:], size, codec="zstd", asbytes=True))


def owner_and_due(line_class: LineClass, home: str, host: str, start: date) -> tuple[str, str]:
    """Return who has to act and until when; both empty where nothing is to be done.

    Terms run in calendar days; one that would end on a day off ends on the next working day. Only
    transit is calendar days to its end: then the line has another class.

    Args:
        line_class: Of the line.
        home: Of the line.
        host: Of the line.
        start: From when the term runs.
    """
    if line_class.actor is Actor.NOBODY:
        return "", ""
    owners = {Actor.HOME: home, Actor.HOST: host, Actor.BOTH: "BOTH"}
    due = start + timedelta(days=line_class.deadline_days)
    if line_class is not LineClass.IN_TRANSIT:
        due = next_working_day(due)
    return owners[line_class.actor], due.isoformat()


def _term_start(line_class: LineClass, filed_date: str) -> date:
    """Return from when the term of a line runs: it does not begin anew with each night."""
    start = date.fromisoformat(filed_date)
    # A line of one side is no discrepancy before its transit is over.
    is_one_sided = line_class in {LineClass.HOME_ONLY, LineClass.HOST_ONLY}
    return start + timedelta(days=TRANSIT_DAYS if is_one_sided else 0)


def line_message(text: str, filed_date: str) -> Line:
    """Return a line as callers see it.

    Args:
        text: As digested, without its terminator.
        filed_date: First date that any of its rows was filed under.
    """
    parts = text.split(SEPARATOR)
    home, host, settlement_no, name = parts[:_HEAD]
    line_class = LineClass[name]
    owner, due_date = owner_and_due(line_class, home, host, _term_start(line_class, filed_date))
    return Line(
        home=home,
        host=host,
        settlement_no=settlement_no,
        line_class=line_class.rank,  # type: ignore[arg-type]  # the enum of the contract is by rank
        home_side=_side(parts[_HEAD : _HEAD + _SIDE]),
        host_side=_side(parts[_HEAD + _SIDE :]),
        filed_date=filed_date,
        owner=owner,
        due_date=due_date,
    )


def _side(parts: list[str]) -> LineSide:
    """Return one side of a line; a side that filed nothing has no row."""
    row_count, sum_fen, *values = parts
    side = LineSide(row_count=int(row_count), sum_fen=int(sum_fen))
    if side.row_count:
        columns = dict(zip(COLUMNS, values, strict=True))
        side.record.CopyFrom(
            SettlementRecord(
                settlement_no=columns["settlement_no"],
                home=columns["home"],
                host=columns["host"],
                beneficiary_ref=columns["beneficiary_ref"],
                institution=columns["institution"],
                subsidy_kind=columns["subsidy_kind"],
                service_month=columns["service_month"],
                service_days=int(columns["service_days"]),
                amount_fen=int(columns["amount_fen"]),
                caregiver_cert_no=columns["caregiver_cert_no"],
            )
        )
    return side


def iter_lines(content: bytes, filed_dates: bytes) -> Iterator[tuple[str, str]]:
    """Yield the lines of a leaf as kept, each with the first date it was filed under."""
    dates = unpacked(filed_dates).decode()
    days = (dates[start : start + _DATE_CHARS] for start in range(0, len(dates), _DATE_CHARS))
    return zip(split(unpacked(content)), days, strict=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first line in which two leaves differ; empty where one of them has none."""

    own_line: str
    partner_line: str


def first_difference(own: bytes, partner: bytes) -> Difference:
    """Return the first line in which the contents of two leaves differ."""
    mine, other = split(own), split(partner)
    for index in range(max(len(mine), len(other))):
        one = mine[index] if index < len(mine) else ""
        two = other[index] if index < len(other) else ""
        if one != two:
            return Difference(own_line=one, partner_line=two)
    return Difference(own_line="", partner_line="")
