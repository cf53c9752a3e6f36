"""What people read of a night: counts, sums, flows and positions, made from the totals by class.

Plain integers; the invariants that tie lines to sides and to money are asserted here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from settlement.core import net
from settlement.core.classes import LineClass
from settlement.core.columns import codes_of

__all__ = ["ClassTotal", "Summary", "summarise"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassTotal:
    """Lines of one direction and class.

    Attributes:
        home: Six digits.
        host: Six digits.
        line_class: The class.
        line_count: Lines.
        home_fen: Sum of what home filed.
        host_fen: Sum of what the host filed.
    """

    home: str
    host: str
    line_class: LineClass
    line_count: int
    home_fen: int
    host_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A night in numbers.

    Attributes:
        totals: By direction and class, sorted by home, host and precedence.
        counts: Lines by class, in order of precedence; classes without lines are left out.
        fen: (home, host) sums by class, likewise.
        bilateral: Gross flow by (payer, payee), for every direction that has a line.
        positions: Received less paid by province.
    """

    totals: tuple[ClassTotal, ...]
    counts: Mapping[LineClass, int]
    fen: Mapping[LineClass, tuple[int, int]]
    bilateral: Mapping[tuple[str, str], int]
    positions: Mapping[str, int]

    @property
    def side_fen(self) -> tuple[int, int]:
        """What home and what the host filed, over all classes."""
        return (
            sum(home for home, _ in self.fen.values()),
            sum(host for _, host in self.fen.values()),
        )


def summarise(rows: Iterable[tuple[int, int, int, int, int]]) -> Summary:
    """Return the summary of totals.

    Args:
        rows: (pair, rank, line_count, home_fen, host_fen); several of one pair and rank are added.
    """
    cells: dict[tuple[str, str, int], list[int]] = {}
    for pair, rank, line_count, home_fen, host_fen in rows:
        cell = cells.setdefault((*codes_of(pair), rank), [0, 0, 0])
        for index, value in enumerate((line_count, home_fen, host_fen)):
            cell[index] += value
    totals = tuple(
        ClassTotal(
            home=home,
            host=host,
            line_class=LineClass.of_rank(rank),
            line_count=line_count,
            home_fen=home_fen,
            host_fen=host_fen,
        )
        for (home, host, rank), (line_count, home_fen, host_fen) in sorted(cells.items())
    )
    counts: dict[LineClass, int] = {}
    fen: dict[LineClass, tuple[int, int]] = {}
    for total in sorted(totals, key=lambda total: total.line_class.rank):
        line_class = total.line_class
        counts[line_class] = counts.get(line_class, 0) + total.line_count
        home_sum, host_sum = fen.get(line_class, (0, 0))
        fen[line_class] = (home_sum + total.home_fen, host_sum + total.host_fen)
    for total in totals:
        if total.line_class.netted:
            assert total.home_fen == total.host_fen, "what is netted is equal on both sides"
    matrix = net.bilateral(
        (total.home, total.host, total.home_fen if total.line_class.netted else 0)
        for total in totals
    )
    return Summary(
        totals=totals,
        counts=counts,
        fen=fen,
        bilateral=matrix,
        positions=net.positions(matrix),
    )
