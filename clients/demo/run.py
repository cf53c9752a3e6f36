"""Runs the demonstration from nothing to an approved statement, in numbered steps.

It checks what it shows: verdicts, counts, flows and digests are compared with what was planned, and
the first difference ends it. The nodes are stopped however it ends.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from clients.demo import certificates, foundations, nights
from clients.demo.federation import DemoFailed, Federation, gather_all
from clients.demo.foundations import Calendar
from clients.demo.month import Filer, enrol
from clients.demo.outputs import (
    MARK,
    MARK_VALUE,
    evidence_draft,
    write_evidence,
    write_report,
)
from clients.demo.plan import Plan, make_plan
from clients.demo.processes import Nodes, make_nodes
from clients.demo.scenario import CLOSED_DATES, PROVINCES
from clients.demo.signing import publish_approval_keys
from clients.plain import enum_name
from clients.registers.reader import Register
from clients.sdk.node import NodeClient
from deltacare.v1.clearing_service_pb2 import PairNight, StandingStatement
from deltacare.v1.entry_pb2 import Flow

__all__ = ["Options", "Outcome", "Watcher", "run_demo"]

# The date in the middle of whose filing a node may be killed.
_STOP_DATE = 1


class Watcher(Protocol):
    """Shows how far the demonstration is."""

    def stage(
        self, zh: str, en: str, *, total: int | None = None
    ) -> AbstractContextManager[Callable[[int], None]]:
        """Begin a stage; the value is told how much more is done."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a demonstration is asked for.

    Attributes:
        work: Empty directory for the nodes.
        today: Business date on which it runs.
        register: Register of Shanghai, or ``None`` for the sample.
        records: Settlements that both sides file.
        seed: The same seed gives the same counts and money.
        out: Where to leave what anyone may check, or ``None``.
        stop_node: Province whose node is killed in the middle of filing and started again.
        suite: The second suite in which the nodes sign as well; ``None`` for none.
    """

    work: Path
    today: date
    register: Path | None
    records: int
    seed: int
    out: Path | None
    stop_node: str | None
    suite: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a demonstration came to.

    Attributes:
        report: As it stands in ``report.json``.
        registers: What was read, by province.
        nights: By (lower, higher, date).
    """

    report: Mapping[str, Any]
    registers: Mapping[str, Register]
    nights: Mapping[tuple[str, str, str], PairNight]


async def run_demo(
    options: Options,
    watcher: Watcher,
    *,
    visit: Callable[[Nodes, Outcome], Awaitable[None]] | None = None,
) -> Outcome:
    """Run the demonstration.

    Args:
        options: What is asked for.
        watcher: Shows how far it is.
        visit: Called in the end, while the nodes still run.

    Raises:
        DeltacareError: The first thing that was not as it should be.
    """
    return await _Run(options=options, watcher=watcher).whole(visit)


class _Run:
    """One demonstration; used once."""

    def __init__(self, *, options: Options, watcher: Watcher) -> None:
        self._options = options
        self._watcher = watcher
        self._calendar = Calendar.of(options.today, dates=CLOSED_DATES)
        self._seconds: dict[str, float] = {}
        self._killed = False

    async def whole(self, visit: Callable[[Nodes, Outcome], Awaitable[None]] | None) -> Outcome:
        """Do everything, and stop the nodes whatever happens."""
        begun_s = time.monotonic()
        with self._stage("plan", "读取名录，安排结算", "Reading registers, planning a month"):
            registers = foundations.read_registers(
                self._options.register, today=self._options.today
            )
            plan = make_plan(seed=self._options.seed, records=self._options.records)
        # 1. Four nodes.
        with self._stage("init", "初始化四个节点", "Making four nodes"):
            nodes = await make_nodes(
                self._options.work,
                PROVINCES,
                opening_date=self._calendar.opening,
                suite=self._options.suite,
            )
        try:
            with self._stage("serve", "启动四个节点", "Starting four nodes"):
                await nodes.start(*PROVINCES)
            async with AsyncExitStack() as stack:
                federation = Federation(
                    nodes={
                        province: await stack.enter_async_context(
                            NodeClient.of(nodes.profile(province))
                        )
                        for province in PROVINCES
                    },
                    seed=self._options.seed,
                )
                outcome = await self._story(nodes, federation, registers, plan, begun_s)
            if visit is not None:
                await visit(nodes, outcome)
            return outcome
        finally:
            nodes.stop()

    async def _story(
        self,
        nodes: Nodes,
        federation: Federation,
        registers: Mapping[str, Register],
        plan: Plan,
        begun_s: float,
    ) -> Outcome:
        calendar = self._calendar
        # 2. Registers and listings, policies, agreements.
        with self._stage("registers", "登记机构、名单与补贴标准", "Registers, listings, policies"):
            institutions = await foundations.load_registers(federation, registers, calendar)
            await foundations.publish_policies(federation, calendar)
            await publish_approval_keys(federation, calendar)
        with self._stage("agreements", "六对省份签订协议", "Six pairs conclude agreements"):
            await foundations.agree(federation, calendar)
            homes, beds = await foundations.count_institutions(federation, registers)
        # 3. Certificates and their recognition.
        with self._stage("certificates", "签发证书，跨省核验", "Certificates, checked across"):
            await foundations.publish_equivalences(
                federation, calendar, certificates.GRADES_RECOGNISED
            )
            await certificates.issue_certificates(federation, calendar)
            await federation.everybody_holds()
            verdicts = await certificates.check_verdicts(federation, calendar)
            revoked = await certificates.time_revocation(federation, calendar)
            federation.mark("revocation", revoked.log, revoked.index)
        # 4. The month.
        elders = sum(map(len, plan.elders.values()))
        with self._stage("enrolments", "异地备案", "Enrolling elders", total=elders) as advance:
            refs = await enrol(federation, plan, calendar, institutions, advance)
            await federation.everybody_holds()
        rows = sum(len(day.rows) for days in plan.days.values() for day in days)
        with self._stage("filing", "双方报送与日切", "Both sides file", total=rows) as advance:
            await self._file(
                nodes, federation, plan, institutions=institutions, refs=refs, advance=advance
            )
        # 5. The nights.
        count = len(calendar.closed) * len(plan.days) // 2
        with self._stage("nights", "各对对账", "Pairs agree on nights", total=count) as advance:
            agreed = await nights.agree_on_nights(federation, calendar, advance)
            counts = await nights.count_lines(federation, plan)
        # 6. The statement.
        with self._stage("statement", "清算单：提出与批准", "The statement, approved by all"):
            approved = await nights.approve_statement(federation, calendar, plan)
            await federation.everybody_holds()
            federation.mark("statement", approved.entry_log, approved.entry_index)
        # 7. What anyone may check.
        with evidence_draft(self._options.out) as draft:
            if draft is not None:
                with self._stage("export", "导出日志与回执", "Exporting logs and receipts") as seen:
                    await asyncio.to_thread(
                        write_evidence,
                        draft,
                        nodes,
                        trust=nodes.trust(),
                        approved=approved,
                        nights=agreed.values(),
                        marks=federation.marks,
                        verdicts=federation.verdicts,
                        advance=seen,
                    )
            self._seconds["total"] = round(time.monotonic() - begun_s, 3)
            report: dict[str, Any] = {
                MARK: MARK_VALUE,
                "synthetic": "Persons, certificates, enrolments and amounts are invented.",
                "seed": self._options.seed,
                "records": plan.settlements,
                "rows_filed": rows,
                "institutions": homes,
                "beds": beds,
                "revocation_visible_s": {
                    province: round(seconds, 3) for province, seconds in revoked.visible_s.items()
                },
                "verdicts": [asdict(judged) for judged in verdicts],
                "counts": counts,
                **_money(approved.standing),
                "digests": nights.digests(agreed, calendar.closed[-1].isoformat()),
                "dates": [day.isoformat() for day in calendar.closed],
                "seconds": dict(self._seconds),
            }
            if draft is not None:
                write_report(draft, report)
        return Outcome(report=report, registers=registers, nights=agreed)

    async def _file(
        self,
        nodes: Nodes,
        federation: Federation,
        plan: Plan,
        *,
        institutions: Mapping[str, foundations.Institutions],
        refs: Mapping[tuple[str, str], list[str]],
        advance: Callable[[int], None],
    ) -> None:
        """File every date on both sides and close it; perhaps kill a node in between."""
        restarts: list[asyncio.Task[None]] = []
        current = 0

        def on_answer(author: str, count: int) -> None:
            advance(count)
            if author == self._options.stop_node and current == _STOP_DATE and not self._killed:
                self._killed = True
                nodes.kill(author)
                restarts.append(asyncio.create_task(nodes.start(author)))

        filer = Filer(
            federation=federation,
            plan=plan,
            calendar=self._calendar,
            institutions=institutions,
            refs=refs,
            on_answer=on_answer,
        )
        for current, day in enumerate(self._calendar.closed):
            await gather_all(filer.file_date(province, current) for province in PROVINCES)
            await asyncio.gather(*restarts)
            await gather_all(
                nights.close_date(federation, province, day.isoformat()) for province in PROVINCES
            )
            await federation.everybody_holds()
        if self._options.stop_node and not self._killed:
            raise DemoFailed(f"The node of {self._options.stop_node} was never stopped.")

    @contextmanager
    def _stage(
        self, name: str, zh: str, en: str, *, total: int | None = None
    ) -> Iterator[Callable[[int], None]]:
        """Show a stage, and note how long it took."""
        begun_s = time.monotonic()
        with self._watcher.stage(zh, en, total=total) as advance:
            yield advance
        self._seconds[name] = round(time.monotonic() - begun_s, 3)


def _money(standing: StandingStatement) -> dict[str, Any]:
    """Return what a statement says, as plain values."""
    statement = standing.statement

    def flows(rows: Iterable[Flow]) -> list[dict[str, Any]]:
        return [{"payer": flow.payer, "payee": flow.payee, "fen": flow.amount_fen} for flow in rows]

    return {
        "bilateral": flows(statement.bilateral),
        "net": {position.province: position.net_fen for position in statement.positions},
        "payments": flows(statement.payments),
        "statement": {
            "id": statement.statement_id,
            "hash": standing.statement_hash.hex(),
            "state": enum_name(standing, "state"),
        },
    }
