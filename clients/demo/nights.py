"""The nights of the demonstration: dates close, pairs agree, a statement is approved by all."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from clients.demo.federation import DemoFailed, Federation, gather_all, is_refused, until
from clients.demo.foundations import Calendar
from clients.demo.plan import Plan
from clients.demo.scenario import PAIRS, PROVINCES
from clients.demo.signing import statement_approvals
from deltacare.errors import Reason, Refusal
from deltacare.v1.clearing_service_pb2 import (
    PAIR_NIGHT_STATE_AGREED,
    PAIR_NIGHT_STATE_DIVERGED,
    STATEMENT_STATE_BINDING,
    AnswerStatementRequest,
    CompareNightsRequest,
    CountLinesRequest,
    GetStatementRequest,
    LineClass,
    ListPairNightsRequest,
    PairNight,
    ProposeStatementRequest,
    ProposeStatementResponse,
    StandingStatement,
)
from deltacare.v1.entry_pb2 import (
    NETTING_MULTILATERAL,
    STATEMENT_WORD_APPROVED,
    StatementAnswer,
)
from deltacare.v1.settlement_service_pb2 import CloseDayRequest

__all__ = ["Approved", "agree_on_nights", "approve_statement", "close_date", "count_lines"]

_NIGHTS_S_MAX = 180.0
# The nodes are busy with the nights; asking more often would only keep them from it.
_LOOK_EVERY_S = 0.4
_PAGE_SIZE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """The statement, approved by all.

    Attributes:
        standing: With every answer.
        entry_log: Log of the proposer.
        entry_index: Where the statement stands in it.
    """

    standing: StandingStatement
    entry_log: str
    entry_index: int


async def close_date(federation: Federation, province: str, business_date: str) -> None:
    """Close a date of all of a province's settlement logs."""
    request = CloseDayRequest(
        request_id=federation.request_id("close", province, business_date),
        business_date=business_date,
    )
    closed = await federation.write(federation.nodes[province].settlement.CloseDay, request)
    federation.note(*closed.appended)
    for run in closed.appended:
        federation.mark("day-close", run.log, run.first_index + run.entry_count - 1)


async def agree_on_nights(
    federation: Federation, calendar: Calendar, advance: Callable[[int], None]
) -> dict[tuple[str, str, str], PairNight]:
    """Wait until every node sees every pair agree on every date.

    Returns:
        The nights by (lower, higher, date).

    Raises:
        DemoFailed: If a pair differs, with its first difference, or does not come to a result.
    """
    wanted = len(PAIRS) * len(calendar.closed)
    told = 0

    async def nights_at(province: str) -> dict[tuple[str, str, str], PairNight]:
        nonlocal told

        async def look() -> dict[tuple[str, str, str], PairNight] | None:
            nonlocal told
            listed = await federation.nodes[province].clearing.ListPairNights(
                ListPairNightsRequest(page_size=_PAGE_SIZE)
            )
            for night in listed.nights:
                if night.state == PAIR_NIGHT_STATE_DIVERGED:
                    raise DemoFailed(await _difference(federation, night))
            agreed = {
                (night.lower, night.higher, night.business_date): night
                for night in listed.nights
                if night.state == PAIR_NIGHT_STATE_AGREED
            }
            if len(agreed) > told:
                advance(len(agreed) - told)
                told = len(agreed)
            return agreed if len(agreed) == wanted else None

        return await until(
            f"{province} to see every pair agree",
            look,
            wait_s_max=_NIGHTS_S_MAX,
            every_s=_LOOK_EVERY_S,
        )

    seen = await federation.each(nights_at)
    return seen[PROVINCES[0]]


async def _difference(federation: Federation, night: PairNight) -> str:
    """Return what two nodes make of a night that they do not agree on."""
    told = f"{night.lower} and {night.higher} differ on {night.business_date}"
    try:
        compared = await federation.nodes[night.lower].clearing.CompareNights(
            CompareNightsRequest(partner=night.higher, business_date=night.business_date)
        )
    except Refusal as error:
        return f"{told}: {error}"
    return f"{told}: {compared.own_line!r} against {compared.partner_line!r}"


async def count_lines(federation: Federation, plan: Plan) -> dict[str, int]:
    """Return lines by their last class over all nights, as both nodes of every pair count them.

    Raises:
        DemoFailed: If two nodes count differently, or otherwise than was planted.
    """

    async def count(own: str, partner: str) -> Counter[str]:
        counted = await federation.nodes[own].clearing.CountLines(
            CountLinesRequest(partner=partner)
        )
        return Counter(
            {
                LineClass.Name(row.line_class).removeprefix("LINE_CLASS_"): row.line_count
                for row in counted.counts
            }
        )

    total: Counter[str] = Counter()
    for low, high in PAIRS:
        one, other = await gather_all((count(low, high), count(high, low)))
        if one != other:
            raise DemoFailed(f"{low} counts {dict(one)}, {high} counts {dict(other)}.")
        total += one
    expected = {line_class.name: count for line_class, count in plan.expected.items()}
    found = {name: total[name] for name in (*expected, *total.keys() - expected.keys())}
    if found != expected:
        wrong = {
            name: (found.get(name, 0), expected.get(name, 0))
            for name in found.keys() | expected.keys()
            if found.get(name, 0) != expected.get(name, 0)
        }
        raise DemoFailed(f"Lines by class, found and planted, differ: {wrong}.")
    return found


async def approve_statement(federation: Federation, calendar: Calendar, plan: Plan) -> Approved:
    """Have whose turn it is propose the statement, and all four approve it.

    Raises:
        DemoFailed: If its flows are other than those planned, or it does not become binding.
    """
    # 1. Whose turn it is, proposes.
    proposed = await _propose(federation, calendar)
    federation.note(proposed.appended)
    statement = proposed.statement
    flows = {(flow.payer, flow.payee): flow.amount_fen for flow in statement.bilateral}
    if {pair: fen for pair, fen in flows.items() if fen} != dict(plan.flows):
        raise DemoFailed(f"The statement says {flows}, the plan {dict(plan.flows)}.")
    # 2. Every party approves what it has computed itself.
    await federation.everybody_holds()
    name = f"statements/{statement.statement_id}"

    async def approve(province: str) -> None:
        duty = federation.duty(province, "statement")
        request = AnswerStatementRequest(
            request_id=federation.request_id("approval", province),
            duty=duty,
            answer=StatementAnswer(
                statement_hash=proposed.statement_hash,
                word=STATEMENT_WORD_APPROVED,
                approvals=statement_approvals(federation, province, duty, proposed.statement_hash),
            ),
        )
        answered = await federation.write(
            federation.nodes[province].clearing.AnswerStatement, request
        )
        federation.note(answered.appended)

    await federation.each(approve)

    # 3. Everybody sees that it binds.
    async def binding(province: str) -> StandingStatement:
        async def look() -> StandingStatement | None:
            standing = await federation.nodes[province].clearing.GetStatement(
                GetStatementRequest(name=name)
            )
            return standing if standing.state == STATEMENT_STATE_BINDING else None

        return await until(f"{province} to see the statement bind", look)

    seen = await federation.each(binding)
    standing = seen[PROVINCES[0]]
    return Approved(
        standing=standing,
        entry_log=proposed.appended.log,
        entry_index=proposed.appended.first_index,
    )


async def _propose(federation: Federation, calendar: Calendar) -> ProposeStatementResponse:
    refusals: list[str] = []
    for province in PROVINCES:
        request = ProposeStatementRequest(
            request_id=federation.request_id("statement", province),
            duty=federation.duty(province, "statement"),
            statement_id=f"{province}-S{calendar.month.year}-1",
            from_date=calendar.closed[0].isoformat(),
            until_date=calendar.closed[-1].isoformat(),
            netting=NETTING_MULTILATERAL,
        )
        try:
            return await federation.write(
                federation.nodes[province].clearing.ProposeStatement, request
            )
        except Refusal as error:
            if not is_refused(error, Reason.RULE_REFUSED):
                raise
            refusals.append(f"{province}: {error.message}")
    raise DemoFailed(f"Nobody may propose the statement. {' '.join(refusals)}")


def digests(nights: Mapping[tuple[str, str, str], PairNight], date: str) -> dict[str, list[str]]:
    """Return both nodes' digests of each pair's night of a date, the lower's first."""
    return {
        f"{low}-{high}": [
            nights[low, high, date].lower_result.digest.hex(),
            nights[low, high, date].higher_result.digest.hex(),
        ]
        for low, high in PAIRS
    }
