"""Open lines as a clerk goes through them: gathered, with their disputes, filtered, added up."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from clients.cli.due import BOTH, Asker
from clients.cli.failures import InputRefused
from clients.cli.lines import age_days, is_overdue, line_class, list_lines, next_command
from clients.language import tr
from deltacare.errors import DeltacareError, Reason

__all__ = [
    "LineFilter",
    "OpenLine",
    "Totals",
    "add_totals",
    "add_up",
    "count_open",
    "institutions_in",
    "last_night",
    "open_lines",
    "require_equal",
    "with_disputes",
]

Totals = dict[str, tuple[int, int, int]]
"""Lines, fen of home, fen of the host, by class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLine:
    """An open line and what is known of it.

    Attributes:
        line: As the node has it.
        business_date: Night of it.
        age_days: Calendar days since it was first filed.
        overdue_days: Working days past its last day; 0 if not overdue.
        is_overdue: Whether its last day has passed.
        disputes: Open disputes on it.
        command: The next command.
    """

    line: Any
    business_date: str
    age_days: int
    overdue_days: int
    is_overdue: bool
    command: str
    disputes: Sequence[Any] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFilter:
    """Which lines are wanted."""

    owner: str
    overdue: bool
    institution: str
    institutions: frozenset[str] | None

    @property
    def is_whole(self) -> bool:
        """Whether every line of the classes is wanted, so that totals are the node's."""
        return not (self.owner or self.overdue or self.institution) and self.institutions is None

    def takes(self, each: OpenLine, own: str) -> bool:
        """Whether a line is wanted."""
        line = each.line
        owners = {"mine": {own, BOTH}, "other": {line.home, line.host} - {own}}.get(
            self.owner, {self.owner.upper()}
        )
        named = {
            side.record.institution for side in (line.home_side, line.host_side) if side.row_count
        }
        return (
            (not self.owner or line.owner in owners)
            and (not self.overdue or each.is_overdue)
            and (not self.institution or self.institution in named)
            and (self.institutions is None or bool(named & self.institutions))
        )


def institutions_in(node: Any, district: str) -> frozenset[str]:  # noqa: ANN401  # a client of a node
    """Return the institutions of a division."""
    from clients.cli.output import pages
    from deltacare.v1.registry_service_pb2 import InstitutionFilter, ListInstitutionsRequest

    request = ListInstitutionsRequest(filter=InstitutionFilter(division=district))
    return frozenset(
        each.institution.institution_id
        for page in pages(node.registry.ListInstitutions, request)
        for each in page.institutions
    )


def last_night(asker: Asker, partner: str) -> str:
    """Return the last date for which the own node has stated a result with a partner."""
    pair = tuple(sorted((asker.own, partner)))
    field = "lower_result" if asker.own == pair[0] else "higher_result"
    return max(
        (
            each.business_date
            for each in asker.nights
            if (each.lower, each.higher) == pair and each.HasField(field)
        ),
        default="",
    )


def open_lines(
    asker: Asker, partner: str, night: str, numbers: Sequence[int]
) -> Iterator[OpenLine]:
    """Yield the lines of a night that are carried.

    Raises:
        InputRefused: If there are more than are read at once.
    """
    from datetime import date

    from deltacare.working_days import working_days_after

    rows = list_lines(asker, partner, business_date=night, classes=numbers)
    if rows.has_more:
        raise InputRefused(
            tr(
                f"与 {partner} 的未结清行超过 {len(rows):,} 行，请用 --class 分类查询。",
                f"More than {len(rows):,} lines with {partner}: ask for a --class of them.",
            )
        )
    for line in rows:
        if line_class(line).closed:
            continue
        late = is_overdue(line, asker.today)
        days = working_days_after(date.fromisoformat(line.due_date), asker.today)[0] if late else 0
        yield OpenLine(
            line=line,
            business_date=night,
            age_days=age_days(line, asker.today),
            overdue_days=days,
            is_overdue=late,
            command=next_command(line, asker.own),
        )


def count_open(asker: Asker, partner: str, night: str, numbers: Sequence[int]) -> Totals:
    """Return what the node counts of the open classes of a night."""
    from deltacare.v1.clearing_service_pb2 import CountLinesRequest
    from settlement.core.classes import LineClass

    answer_ = asker.node.clearing.CountLines(
        CountLinesRequest(partner=partner, business_date=night)
    )
    return {
        LineClass.of_rank(each.line_class).name: (each.line_count, each.home_fen, each.host_fen)
        for each in answer_.counts
        if not LineClass.of_rank(each.line_class).closed
        and (not numbers or each.line_class in numbers)
    }


def add_totals(totals: Totals, more: Mapping[str, tuple[int, int, int]]) -> None:
    """Add lines and fen of both sides by class to others."""
    for name, (lines, home, host) in more.items():
        known = totals.get(name, (0, 0, 0))
        totals[name] = (known[0] + lines, known[1] + home, known[2] + host)


def add_up(found: Iterable[OpenLine]) -> Totals:
    """Return lines and fen of both sides by class, added up."""
    totals: Totals = {}
    for each in found:
        line = each.line
        row = (1, line.home_side.sum_fen, line.host_side.sum_fen)
        add_totals(totals, {line_class(line).name: row})
    return totals


def require_equal(totals: Totals, counted: Totals) -> None:
    """Refuse to show a list that is not the whole.

    Raises:
        InputRefused: If the node counts other lines than it lists: a night was run meanwhile.
    """
    if totals != counted:
        raise InputRefused(
            tr(
                "所列各行与节点的分类合计不符：查询期间可能有新的对账，请重新查询。",
                "The lines listed are not those that the node counts: a night was run meanwhile. "
                "Ask again.",
            )
        )


def with_disputes(asker: Asker, found: Sequence[OpenLine], partner: str) -> list[OpenLine]:
    """Return lines with the open disputes on them, as far as the caller may ask."""
    from clients.cli.disputes import list_disputes
    from deltacare.v1.dispute_service_pb2 import ListDisputesRequest

    if not found or not asker.may("DisputeService/ListDisputes"):
        return list(found)
    try:
        listed = list_disputes(asker.node, ListDisputesRequest(partner=partner))
    except DeltacareError as error:
        if error.reason is not Reason.UNSUPPORTED_VERSION:
            raise
        return list(found)
    by_line: dict[tuple[str, str, str], list[Any]] = {}
    for each in listed:
        body = each.dispute
        by_line.setdefault((body.home, body.host, body.settlement_no), []).append(each)
    return [
        replace(
            each,
            disputes=by_line.get((each.line.home, each.line.host, each.line.settlement_no), ()),
        )
        for each in found
    ]
