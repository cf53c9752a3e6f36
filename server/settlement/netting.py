"""What a statement says: flows, positions and payments from the results of nights. Values only.

The same function makes a statement where it is proposed and recomputes it where it is answered;
another holds a statement to its own figures when it is projected. Which results are agreed, and
who may propose, is decided elsewhere.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from deltacare.errors import FieldViolation, Refusal
from deltacare.v1.entry_pb2 import (
    Drawdown,
    Flow,
    Netting,
    PairResult,
    Position,
    Statement,
    StatementWindow,
)
from server.registry.fields import numbered_id_province, parse_numbered_id
from server.settlement.fields import DIGEST_BYTES, is_date
from settlement.core import net
from settlement.windows import WindowKind, is_window

__all__ = [
    "AdvanceLeft",
    "AgreedNight",
    "build_statement",
    "contradicts_itself",
    "draw_down",
    "is_whole_window",
    "parties_of",
    "statement_faults",
]

_RESULTS_MAX = (
    1_000  # 6 pairs of 4 provinces, both results, for 83 dates; an entry has 65,535 bytes
)
_DRAWDOWNS_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreedNight:
    """A pair's night on which both results have one digest.

    Attributes:
        lower_hash: Leaf hash of the result of the lower code's node.
        higher_hash: Leaf hash of the other's.
        result: What both state; the two differ in nothing that is netted.
    """

    lower_hash: bytes
    higher_hash: bytes
    result: PairResult


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvanceLeft:
    """An advance that its payee has received, as far as no statement draws it.

    Attributes:
        payer: Who paid ahead.
        payee: Who holds it.
        advance_hash: Leaf hash of the advance.
        left_fen: What may still be drawn.
    """

    payer: str
    payee: str
    advance_hash: bytes
    left_fen: int


def parties_of(statement: Statement) -> tuple[str, ...]:
    """Return the provinces that a statement nets, ascending."""
    named = {flow.payer for flow in statement.bilateral} | {
        flow.payee for flow in statement.bilateral
    }
    return tuple(sorted(named))


def build_statement(
    statement_id: str,
    from_date: str,
    until_date: str,
    netting: Netting.ValueType,
    nights: Iterable[AgreedNight],
    *,
    window: StatementWindow.ValueType = StatementWindow.STATEMENT_WINDOW_UNSPECIFIED,
    drawdowns: Sequence[Drawdown] = (),
) -> Statement:
    """Return the statement over agreed nights: hashes, gross flows, positions and payments.

    Args:
        statement_id: Its number.
        from_date: First date of the window.
        until_date: Last date of the window.
        netting: How flows become payments.
        nights: Every agreed night of the window.
        window: What the window is.
        drawdowns: Advances that are drawn instead of paying, sorted, not more than is to be paid.
    """
    flows: list[tuple[str, str, int]] = []
    hashes: list[bytes] = []
    for night in nights:
        result = night.result
        flows.append((result.lower, result.higher, result.lower_pays_fen))
        flows.append((result.higher, result.lower, result.higher_pays_fen))
        hashes += [night.lower_hash, night.higher_hash]
    matrix = net.bilateral(flows)
    payments = _payments(matrix, netting, drawdowns)
    assert payments is not None, "no more is drawn than is to be paid"
    return Statement(
        statement_id=statement_id,
        from_date=from_date,
        until_date=until_date,
        pair_result_hashes=sorted(hashes),
        bilateral=[
            Flow(payer=payer, payee=payee, amount_fen=fen) for (payer, payee), fen in matrix.items()
        ],
        positions=[
            Position(province=province, net_fen=fen)
            for province, fen in net.positions(matrix).items()
        ],
        netting=netting,
        payments=payments,
        window=window,
        drawdowns=drawdowns,
    )


def draw_down(due: Iterable[Flow], advances: Iterable[AdvanceLeft]) -> list[Drawdown]:
    """Return what advances settle of payments that are due: the first one first, to its end.

    Args:
        due: Payments, each pair of payer and payee once.
        advances: What is left of each, in the order in which they are drawn; those of other pairs
            are left alone.
    """
    open_fen = {(flow.payer, flow.payee): flow.amount_fen for flow in due}
    drawn: list[Drawdown] = []
    for each in advances:
        pair = (each.payer, each.payee)
        fen = min(open_fen.get(pair, 0), each.left_fen)
        if fen > 0:
            open_fen[pair] -= fen
            drawn.append(
                Drawdown(
                    payer=each.payer,
                    payee=each.payee,
                    amount_fen=fen,
                    advance_hash=each.advance_hash,
                )
            )
    return sorted(drawn, key=_drawdown_order)


def _drawdown_order(each: Drawdown) -> tuple[str, str, bytes]:
    return each.payer, each.payee, each.advance_hash


def _payments(
    matrix: Mapping[tuple[str, str], int],
    netting: Netting.ValueType,
    drawdowns: Iterable[Drawdown],
) -> list[Flow] | None:
    """Return what is to be paid for a matrix of gross flows, less what is drawn.

    ``None`` if more is drawn than is to be paid. Payments and drawdowns together settle the
    positions, because the payments before drawing do (`settlement.core.net` asserts it).
    """
    if netting == Netting.NETTING_MULTILATERAL:
        due = net.multilateral(net.positions(matrix))
    else:
        due = net.bilateral_net(matrix)
    open_fen = {(each.payer, each.payee): each.fen for each in due}
    for each in drawdowns:
        pair = (each.payer, each.payee)
        open_fen[pair] = open_fen.get(pair, 0) - each.amount_fen
    if any(fen < 0 for fen in open_fen.values()):
        return None
    return [
        Flow(payer=payer, payee=payee, amount_fen=fen)
        for (payer, payee), fen in sorted(open_fen.items())
        if fen
    ]


def contradicts_itself(statement: Statement) -> bool:
    """Whether positions or payments of a readable statement do not follow from what it shows."""
    matrix = {(flow.payer, flow.payee): flow.amount_fen for flow in statement.bilateral}
    positions = [
        Position(province=province, net_fen=fen) for province, fen in net.positions(matrix).items()
    ]
    payments = _payments(matrix, statement.netting, statement.drawdowns)
    return list(statement.positions) != positions or list(statement.payments) != payments


def is_whole_window(statement: Statement) -> bool:
    """Whether the dates of a readable statement are the window that it names."""
    if statement.window == StatementWindow.STATEMENT_WINDOW_UNSPECIFIED:
        return True
    first, last = map(date.fromisoformat, (statement.from_date, statement.until_date))
    return is_window(WindowKind(statement.window), first, last)


def statement_faults(
    statement: Statement, author: str, provinces: Sequence[str], where: str
) -> Iterable[FieldViolation]:
    """Yield what cannot be read in a statement.

    Args:
        statement: As stated.
        author: Who states it.
        provinces: Members of the federation.
        where: Its path.
    """
    try:
        parse_numbered_id(statement.statement_id, field=f"{where}.statement_id")
    except Refusal as refusal:
        yield from refusal.violations
    else:
        if numbered_id_province(statement.statement_id) != author:
            yield FieldViolation(
                field=f"{where}.statement_id",
                value=statement.statement_id,
                description="It does not begin with the proposer's code.",
            )
    dates = (statement.from_date, statement.until_date)
    if not all(map(is_date, dates)) or dates[1] < dates[0]:
        yield FieldViolation(
            field=f"{where}.until_date",
            value="/".join(dates)[:64],
            description="The window is not a first and a last date.",
        )
    hashes = list(statement.pair_result_hashes)
    if (
        not 0 < len(hashes) <= _RESULTS_MAX
        or hashes != sorted(set(hashes))
        or any(len(each) != DIGEST_BYTES for each in hashes)
    ):
        yield FieldViolation(
            field=f"{where}.pair_result_hashes",
            value=str(len(hashes)),
            description=f"They are not 1 to {_RESULTS_MAX} leaf hashes, sorted, each once.",
        )
    ends = [(flow.payer, flow.payee) for flow in statement.bilateral]
    if (
        not ends
        or ends != sorted(set(ends))
        or any(payer == payee or not {payer, payee} <= set(provinces) for payer, payee in ends)
    ):
        yield FieldViolation(
            field=f"{where}.bilateral",
            value=str(len(ends)),
            description="The flows are not ordered pairs of members, sorted, each once.",
        )
    if statement.netting not in (Netting.NETTING_BILATERAL, Netting.NETTING_MULTILATERAL):
        yield FieldViolation(
            field=f"{where}.netting", value=str(statement.netting), description="It is not known."
        )
    if statement.window not in StatementWindow.values():
        yield FieldViolation(
            field=f"{where}.window", value=str(statement.window), description="It is not known."
        )
    yield from _drawdown_faults(statement, where)


def _drawdown_faults(statement: Statement, where: str) -> Iterable[FieldViolation]:
    """Yield what cannot be read in what a statement draws."""
    drawn = list(statement.drawdowns)
    order = [_drawdown_order(each) for each in drawn]
    if (
        len(drawn) > _DRAWDOWNS_MAX
        or order != sorted(order)
        or len({each.advance_hash for each in drawn}) != len(drawn)
        or any(len(each.advance_hash) != DIGEST_BYTES or each.amount_fen <= 0 for each in drawn)
    ):
        yield FieldViolation(
            field=f"{where}.drawdowns",
            value=str(len(drawn)),
            description=f"They are not at most {_DRAWDOWNS_MAX} advances, sorted, each once, "
            "each above zero.",
        )
