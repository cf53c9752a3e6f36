"""``deltacare demo``: four nodes, a month, the nights, everything shown."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clients.cli.commands import Group, command, option
from clients.cli.failures import Exit, InputRefused
from clients.cli.output import answer, print_table, say, yuan
from clients.language import both, tr
from deltacare.errors import DeltacareError

if TYPE_CHECKING:
    from clients.demo.run import Options, Outcome

__all__ = ["demo"]

_group = Group(name="demo", help="")

RECORDS_DEFAULT = 20_000
RECORDS_MAX = 1_000_000
SEED_DEFAULT = 20_251_101


@command(
    _group,
    "demo",
    help=both(
        "在本机启动四个省级节点：登记、互认、双方报送一个月的结算、日切、对账、清算单由四方批准。"
        "除 --register 给出的名录外，全部数据均为合成。",
        "Start four province nodes on this machine: registers, recognition, a month filed from "
        "both sides, day closes, nights, and a statement that all four approve. All data is "
        "synthetic, except a register given with --register.",
    ),
)
@option(
    "--register",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=both("上海的机构名录；默认用内置样例。", "Register of Shanghai; else the sample."),
)
@option(
    "--records",
    type=click.IntRange(300, RECORDS_MAX),
    default=RECORDS_DEFAULT,
    show_default=True,
    help=both("结算笔数，每笔由双方报送。", "Settlements; both sides file each."),
)
@option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help=both(
        "把日志、策略、回执、清算单和报告留在该目录，取代上一次演示所留。",
        "Leave logs, policies, receipts, the statement and a report in this directory, in place "
        "of those of an earlier demonstration.",
    ),
)
@option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=SEED_DEFAULT,
    show_default=True,
    help=both("同一种子得到同样的笔数与金额。", "The same seed gives the same counts and money."),
)
@option(
    "--stop-node",
    metavar="CODE",
    help=both(
        "报送途中强行终止该省节点再启动，结果应当不变。",
        "Kill this province's node while it is filing and start it again; nothing may change.",
    ),
)
@option(
    "--work",
    type=click.Path(file_okay=False, path_type=Path),
    help=both(
        "节点目录放在这里并保留；默认用临时目录。", "Keep the nodes' directories here afterwards."
    ),
)
@option(
    "--suite",
    type=click.Choice(["sm2"]),
    help=both(
        "各节点另以国密 SM2 签名；需安装 deltacare[sm]。",
        "Let the nodes sign with SM2 as well; needs deltacare[sm].",
    ),
)
def demo(
    *,
    register: Path | None,
    records: int,
    out: Path | None,
    seed: int,
    stop_node: str | None,
    work: Path | None,
    suite: str | None,
) -> int:
    """Run the demonstration."""
    import tempfile
    from datetime import UTC, datetime

    from clients.demo.outputs import foreign_content
    from clients.demo.run import Options
    from clients.demo.scenario import PROVINCES
    from deltacare.times import business_date

    if stop_node is not None and stop_node not in PROVINCES:
        known = ", ".join(PROVINCES)
        raise InputRefused(
            tr(f"没有省 {stop_node}。可用：{known}", f"No province {stop_node}. There are: {known}")
        )
    if work is not None and work.exists() and any(work.iterdir()):
        raise InputRefused(
            tr(f"{work} 不是空目录。", f"{work} is not empty; name another directory.")
        )
    foreign = foreign_content(out) if out is not None else ()
    if foreign:
        names = ", ".join(foreign[:5])
        raise InputRefused(
            tr(
                f"{out} 中有不是演示留下的内容（{names}），请换一个目录。",
                f"{out} holds what no demonstration left ({names}); name another directory.",
            )
        )
    today = business_date(datetime.now(UTC))

    def options(directory: Path) -> "Options":
        return Options(
            work=directory,
            today=today,
            register=register,
            records=records,
            seed=seed,
            out=out,
            stop_node=stop_node,
            suite=suite,
        )

    if work is not None:
        work.mkdir(parents=True, exist_ok=True)
        outcome = _run(options(work))
    else:
        with tempfile.TemporaryDirectory(prefix="deltacare-demo-") as temporary:
            try:
                outcome = _run(options(Path(temporary)))
            except DeltacareError:
                if any(Path(temporary).glob("*.log")):  # else no node ever ran
                    say(
                        tr(
                            "加 --work DIR 可保留各节点的日志。",
                            "--work DIR keeps the nodes' logs.",
                        )
                    )
                raise
    if answer(outcome.report):
        _draw(outcome, out)
    return Exit.YES


def _run(options: "Options") -> "Outcome":
    """Run it to its end; an interrupt or a termination ends the nodes as well."""
    import asyncio
    import signal
    from contextlib import suppress

    from clients.demo.run import run_demo

    async def whole() -> "Outcome":
        task = asyncio.ensure_future(run_demo(options, _Stages()))
        with suppress(NotImplementedError):  # a platform without signals in its loop
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await task

    try:
        return asyncio.run(whole())
    except asyncio.CancelledError:
        raise click.Abort from None


class _Stages:
    """Shows stages on standard error: drawn on a terminal, else a line as each ends."""

    def __init__(self) -> None:
        self._begun_s = time.monotonic()

    @contextmanager
    def stage(
        self, zh: str, en: str, *, total: int | None = None
    ) -> Iterator[Callable[[int], None]]:
        """Show one stage."""
        text = tr(zh, en)
        begun_s = time.monotonic()
        if sys.stderr.isatty():
            with self._drawn(text, total) as advance:
                yield advance
        else:
            yield lambda _: None
        now_s = time.monotonic()
        say(f"[{now_s - self._begun_s:5.1f} s] {text} ({now_s - begun_s:.1f} s)")

    @contextmanager
    def _drawn(self, text: str, total: int | None) -> Iterator[Callable[[int], None]]:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            ProgressColumn,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
        )

        counted: list[ProgressColumn] = [BarColumn(), MofNCompleteColumn()] if total else []
        shown: list[ProgressColumn] = [SpinnerColumn(), TextColumn("{task.description}")]
        shown += [*counted, TimeElapsedColumn()]
        with Progress(*shown, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(text, total=total)
            yield lambda count: bar.advance(task, count)


def _draw(outcome: "Outcome", out: Path | None) -> None:
    """Show what came of it."""
    report = outcome.report
    _draw_registers(report, outcome)
    _draw_verdicts(report)
    _draw_counts(report)
    _draw_money(report)
    click.echo(
        tr(
            f"清算单 {report['statement']['id']}：{_state(report)}，"
            f"摘要 {report['statement']['hash']}",
            f"Statement {report['statement']['id']}: {_state(report)}, "
            f"hash {report['statement']['hash']}",
        )
    )
    click.echo(
        tr(
            f"共用 {report['seconds']['total']} 秒。除给出的名录外，人员、证书、金额均为合成。",
            f"{report['seconds']['total']} s in all. Persons, certificates and amounts are "
            "synthetic.",
        )
    )
    if out is not None:
        click.echo(tr(f"可供任何人核验的文件：{out}", f"What anyone may check: {out}"))


def _state(report: Any) -> str:  # noqa: ANN401  # plain values
    return (
        tr("四方批准，生效", "approved by all four, binding")
        if report["statement"]["state"] == "BINDING"
        else str(report["statement"]["state"])
    )


def _draw_registers(report: Any, outcome: "Outcome") -> None:  # noqa: ANN401  # plain values
    visible = report["revocation_visible_s"]
    print_table(
        [
            tr("省份", "province"),
            tr("机构", "institutions"),
            tr("床位", "beds"),
            tr("名录问题", "defects reported"),
            tr("撤销可见（秒）", "revocation seen, s"),
        ],
        [
            (
                code,
                report["institutions"][code],
                report["beds"][code],
                len(outcome.registers[code].findings),
                visible.get(code, tr("签发方", "issuer")),
            )
            for code in report["institutions"]
        ],
        title=tr("名录", "Registers"),
        numbers=(1, 2, 3, 4),
    )


def _draw_verdicts(report: Any) -> None:  # noqa: ANN401  # plain values
    from clients.checking.words import VERDICT_NAMES

    first: dict[str, Any] = {}
    times: dict[str, int] = {}
    for judged in report["verdicts"]:
        first.setdefault(judged["verdict"], judged)
        times[judged["verdict"]] = times.get(judged["verdict"], 0) + 1
    print_table(
        [
            tr("结论", "verdict"),
            tr("次数", "times"),
            tr("例：证书", "such as"),
            tr("核验省", "checked at"),
            tr("规则", "rule"),
        ],
        [
            (
                f"{verdict} {tr(VERDICT_NAMES[verdict][0], '')}".rstrip(),
                times[verdict],
                judged["certificate"],
                judged["checker"],
                judged["rule"],
            )
            for verdict, judged in first.items()
        ],
        title=tr("跨省核验", "Checked across provinces"),
        numbers=(1,),
    )


def _draw_counts(report: Any) -> None:  # noqa: ANN401  # plain values
    from settlement.core.classes import LineClass

    print_table(
        [tr("类别", "class"), tr("行数", "lines"), tr("下一步", "next")],
        [
            (
                f"{name} {tr(LineClass[name].zh, '')}".rstrip(),
                count,
                tr(LineClass[name].action_zh, LineClass[name].action_en),
            )
            for name, count in report["counts"].items()
        ],
        title=tr("各行最后的类别（与预设一致）", "Lines by last class, as planted"),
        numbers=(1,),
    )
    print_table(
        [
            tr("双方", "pair"),
            tr("低码方摘要", "lower's digest"),
            tr("高码方摘要", "higher's digest"),
        ],
        [(pair, low[:24], high[:24]) for pair, (low, high) in report["digests"].items()],
        title=tr("各对独立计算，结果一致", "Each pair computed alone, and agrees"),
    )


def _draw_money(report: Any) -> None:  # noqa: ANN401  # plain values
    codes = sorted(report["net"])
    flows = {(flow["payer"], flow["payee"]): flow["fen"] for flow in report["bilateral"]}
    print_table(
        [tr("付款方＼收款方", "payer \\ payee"), *codes, tr("净额", "net")],
        [
            (
                payer,
                *("" if payer == payee else yuan(flows.get((payer, payee), 0)) for payee in codes),
                yuan(report["net"][payer]),
            )
            for payer in codes
        ],
        title=tr("清分（元）", "Clearing, yuan"),
        numbers=tuple(range(1, len(codes) + 2)),
    )
    print_table(
        [tr("付款方", "payer"), tr("收款方", "payee"), tr("金额（元）", "yuan")],
        [(flow["payer"], flow["payee"], yuan(flow["fen"])) for flow in report["payments"]],
        title=tr("多边轧差后的付款", "Payments after multilateral netting"),
        numbers=(2,),
    )
