"""``deltacare.v1.PolicyService``: what a home province pays, and what it may spend."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row

from deltacare.errors import ViolationCollector
from deltacare.ids import LogName, parse_province, parse_request_id
from deltacare.trust import Trust
from deltacare.v1.entry_pb2 import Budget, Entry, SubsidyPolicy
from deltacare.v1.policy_service_pb2 import (
    ComputeAmountsRequest,
    ComputeAmountsResponse,
    ListBudgetsRequest,
    ListBudgetsResponse,
    ListSubsidyPoliciesRequest,
    ListSubsidyPoliciesResponse,
    PublishBudgetRequest,
    PublishBudgetResponse,
    PublishSubsidyPolicyRequest,
    PublishSubsidyPolicyResponse,
    StandingBudget,
    StandingPolicy,
)
from deltacare.v1.types_pb2 import Appended, Duty, EntryRef
from server.approval.duties import DutyKind, require_apart
from server.edge.call import Call
from server.edge.duties import check_duty
from server.log.ports import AppendedRun, LogTx, Sequencer, Write
from server.policy import fields, rules, store
from server.policy.ports import BudgetUse, Grants, Spending
from server.registry.fields import read_duty, read_page_size
from server.registry.paging import next_token, read_token
from server.store.database import Database

__all__ = ["PolicyServicer"]

SERVICES_MAX = 1_000


def _appended(run: AppendedRun) -> Appended:
    return Appended(
        log=str(run.log),
        first_index=run.first_index,
        entry_count=len(run.leaf_hashes),
        checkpoint=run.checkpoint,
    )


class PolicyServicer:
    """The service of one province's node.

    Args:
        province: The own one.
        trust: Members.
        database: This node's.
        sequencer: Appends to the own registry log.
        grants: Computes amounts.
        spending: Knows what was granted under budgets.
    """

    def __init__(
        self,
        *,
        province: str,
        trust: Trust,
        database: Database,
        sequencer: Sequencer,
        grants: Grants,
        spending: Spending,
    ) -> None:
        self._province = province
        self._trust = trust
        self._database = database
        self._sequencer = sequencer
        self._grants = grants
        self._spending = spending

    # --- Policies ---------------------------------------------------------------------------------

    def _entry(self, tx: LogTx, duty: Duty, **body: Any) -> list[tuple[LogName, list[Entry]]]:  # noqa: ANN401 - a body of an entry
        """Return what is appended, once nobody takes on a duty that excludes another."""
        principals = (duty.maker, duty.reviewer)
        require_apart(tx.connection, self._province, principals, DutyKind.POLICY)
        entry = Entry(maker=duty.maker, reviewer=duty.reviewer, **body)
        return [(LogName.registry(self._province), [entry])]

    async def publish_subsidy_policy(
        self, request: PublishSubsidyPolicyRequest, call: Call
    ) -> PublishSubsidyPolicyResponse:
        """State what the own province pays for a kind of subsidy."""
        bad = ViolationCollector()
        request_id = bad.take(parse_request_id, request.request_id, field="request_id") or ""
        read_duty(request.duty, bad)
        check_duty(call.caller, request)
        for fault in fields.policy_faults(request.policy, self._province, "policy"):
            bad.add(fault)
        bad.raise_if_any()
        data = await self._sequencer.submit(
            Write(
                caller=call.caller,
                method=call.method,
                request_id=request_id,
                content=request.SerializeToString(deterministic=True),
                decide=lambda tx: self._entry(tx, request.duty, subsidy_policy=request.policy),
                answer=lambda _tx, runs: PublishSubsidyPolicyResponse(appended=_appended(runs[0])),
            )
        )
        return PublishSubsidyPolicyResponse.FromString(data)

    async def list_subsidy_policies(
        self, request: ListSubsidyPoliciesRequest, _call: Call
    ) -> ListSubsidyPoliciesResponse:
        """Return a page of the policies of all provinces, sorted by home, kind and place."""
        bad = ViolationCollector()
        if request.home:
            bad.take(parse_province, request.home, field="home")
        size = read_page_size(request.page_size, bad)
        question = f"policies\x1f{request.home}".encode()
        token = read_token(request.page_token, question, bad)
        bad.raise_if_any()
        after: tuple[str, str, int] | None = None
        if token:
            home, kind, index = token.split(" ")
            after = (home, kind, int(index))

        def read(connection: Connection) -> Sequence[Row[Any]]:
            return store.policies_page(connection, home=request.home, after=after, limit=size + 1)

        rows = await self._database.read(read)
        token = ""
        if len(rows) > size:
            last = rows[size - 1]
            token = next_token(question, f"{last.author} {last.subsidy_kind} {last.log_index}")
        return ListSubsidyPoliciesResponse(
            policies=[_standing_policy(row) for row in rows[:size]], next_page_token=token
        )

    # --- Budgets ----------------------------------------------------------------------------------

    async def publish_budget(
        self, request: PublishBudgetRequest, call: Call
    ) -> PublishBudgetResponse:
        """State what a division of the own province may spend on a kind in a year."""
        bad = ViolationCollector()
        request_id = bad.take(parse_request_id, request.request_id, field="request_id") or ""
        read_duty(request.duty, bad)
        check_duty(call.caller, request)
        budget = request.budget
        for fault in fields.budget_faults(budget, self._province, "budget"):
            bad.add(fault)
        bad.raise_if_any()

        def decide(tx: LogTx) -> list[tuple[LogName, list[Entry]]]:
            cell = (budget.home_division, budget.year, budget.subsidy_kind)
            stated = store.load_budgets(tx.connection, self._province)
            others = sorted(set(stated) - {cell}, key=lambda each: stated[each].index)
            use = self._spending.uses(tx.connection, [*others, cell])[cell]
            granted_fen = use.reserved_fen + use.consumed_fen
            if budget.amount_fen < granted_fen:
                raise rules.BUDGET_GRANTED.refusal(
                    f"{budget.amount_fen} fen, {use.reserved_fen} reserved,"
                    f" {use.consumed_fen} consumed"
                )
            return self._entry(tx, request.duty, budget=budget)

        data = await self._sequencer.submit(
            Write(
                caller=call.caller,
                method=call.method,
                request_id=request_id,
                content=request.SerializeToString(deterministic=True),
                decide=decide,
                answer=lambda _tx, runs: PublishBudgetResponse(appended=_appended(runs[0])),
            )
        )
        return PublishBudgetResponse.FromString(data)

    async def list_budgets(self, request: ListBudgetsRequest, _call: Call) -> ListBudgetsResponse:
        """Return a page of own budgets, sorted by division, year and kind."""
        bad = ViolationCollector()
        if request.year and request.year not in fields.YEARS:
            bad.note("year", request.year, "It is not 2000 to 2999.", "Write 2026, or 0 for all.")
        size = read_page_size(request.page_size, bad)
        question = f"budgets\x1f{request.year}".encode()
        token = read_token(request.page_token, question, bad)
        bad.raise_if_any()
        after: store.BudgetCell | None = None
        if token:
            division, year, kind = token.split(" ")
            after = (division, int(year), kind)

        def read(connection: Connection) -> tuple[list[StandingBudget], bool]:
            stated = store.load_budgets(connection, self._province)
            wanted = [
                cell
                for cell in stated
                if request.year in (0, cell[1]) and (after is None or cell > after)
            ]
            by_age = sorted(stated, key=lambda each: stated[each].index)
            uses = self._spending.uses(connection, by_age) if wanted else {}
            page = [
                _standing_budget(self._province, cell, stated[cell], uses[cell])
                for cell in wanted[:size]
            ]
            return page, len(wanted) > size

        page, is_more = await self._database.read(read)
        token = ""
        if is_more:
            last = page[-1].budget
            token = next_token(question, f"{last.home_division} {last.year} {last.subsidy_kind}")
        return ListBudgetsResponse(budgets=page, next_page_token=token)

    # --- Amounts ----------------------------------------------------------------------------------

    async def compute_amounts(
        self, request: ComputeAmountsRequest, _call: Call
    ) -> ComputeAmountsResponse:
        """Compute what services come to; nothing is kept."""
        bad = ViolationCollector()
        count = len(request.services)
        if not 1 <= count <= SERVICES_MAX:
            bad.note("services", count, "A request has 1 to 1,000 services.", "Send several.")
        for position, service in enumerate(request.services):
            for fault in fields.service_faults(
                service, self._province, self._trust.provinces, f"services[{position}]"
            ):
                bad.add(fault)
        bad.raise_if_any()
        amounts = await self._database.read(
            lambda connection: self._grants.amounts(connection, request.services)
        )
        return ComputeAmountsResponse(amounts=amounts)


def _standing_budget(
    author: str, cell: store.BudgetCell, stated: store.StatedBudget, use: BudgetUse
) -> StandingBudget:
    division, year, kind = cell
    return StandingBudget(
        budget=Budget(
            home_division=division,
            year=year,
            subsidy_kind=kind,
            amount_fen=stated.amount_fen,
            document_no=stated.document_no,
            document_hash=stated.document_hash,
        ),
        entry=EntryRef(log=str(LogName.registry(author)), index=stated.index),
        reserved_fen=use.reserved_fen,
        consumed_fen=use.consumed_fen,
        held_fen=use.held_fen,
    )


def _standing_policy(row: Row[Any]) -> StandingPolicy:
    return StandingPolicy(
        home=row.author,
        policy=SubsidyPolicy.FromString(row.body),
        entry=EntryRef(log=str(LogName.registry(row.author)), index=row.log_index),
    )
