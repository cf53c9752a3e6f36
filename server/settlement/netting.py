"""What a statement says: flows, positions and payments from the results of nights. Values only.

The same function makes a statement where it is proposed and recomputes it where it is answered;
another holds a statement to its own figures when it is projected. Which results are agreed, and
who may propose, is decided elsewhere.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deltacare.errors import FieldViolation, Refusal
from deltacare.v1.entry_pb2 import Flow, Netting, PairResult, Position, Statement
from server.registry.fields import numbered_id_province, parse_numbered_id
from server.settlement.fields import DIGEST_BYTES, is_date
from settlement.core import net

__all__ = [
    "AgreedNight",
    "build_statement",
    "contradicts_itself",
    "parties_of",
    "statement_faults",
]

_RESULTS_MAX = (
    1_000  # 6 pairs of 4 provinces, both results, for 83 dates; an entry has 65,535 bytes
)


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
) -> Statement:
    """Return the statement over agreed nights: hashes, gross flows, positions and payments.

    Args:
        statement_id: Its number.
        from_date: First date of the window.
        until_date: Last date of the window.
        netting: How flows become payments.
        nights: Every agreed night of the window.
    """
    flows: list[tuple[str, str, int]] = []
    hashes: list[bytes] = []
    for night in nights:
        result = night.result
        flows.append((result.lower, result.higher, result.lower_pays_fen))
        flows.append((result.higher, result.lower, result.higher_pays_fen))
        hashes += [night.lower_hash, night.higher_hash]
    matrix = net.bilateral(flows)
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
        payments=_payments(matrix, netting),
    )


def _payments(matrix: dict[tuple[str, str], int], netting: Netting.ValueType) -> list[Flow]:
    """Return what is to be paid for a matrix of gross flows."""
    if netting == Netting.NETTING_MULTILATERAL:
        payments = net.multilateral(net.positions(matrix))
    else:
        payments = net.bilateral_net(matrix)
    return [Flow(payer=p.payer, payee=p.payee, amount_fen=p.fen) for p in payments]


def contradicts_itself(statement: Statement) -> bool:
    """Whether positions or payments of a readable statement do not follow from its flows."""
    matrix = {(flow.payer, flow.payee): flow.amount_fen for flow in statement.bilateral}
    positions = [
        Position(province=province, net_fen=fen) for province, fen in net.positions(matrix).items()
    ]
    return list(statement.positions) != positions or list(statement.payments) != _payments(
        matrix, statement.netting
    )


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
