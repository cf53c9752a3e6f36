"""The program ``deltacare``: gathers the commands and says once how a run ended.

Own groups are imported when they are used, so that ``--help`` answers at once; commands of other
packages come from the entry points ``deltacare.commands``. No command lives here.
"""

import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from clients.cli.commands import Group, LazyCommand
from clients.cli.failures import Exit, exit_code, failure_json, failure_lines
from clients.language import both, choose_language, pick, tr, using_language

__all__ = ["main"]

_ENTRY_POINTS = "deltacare.commands"
_INTERRUPTED = 130  # 128 and the number of SIGINT, as shells have it

# Help of commands that come from entry points, so that listing them imports nothing.
_ENTRY_POINT_HELP = {
    "node": both(
        "运行本省节点：init、client、keys、certificate、serve、status、rebuild。",
        "Run a province's node: init, client, keys, certificate, serve, status, rebuild.",
    )
}


def _lazy(module: str, zh: str, en: str) -> LazyCommand:
    return LazyCommand(target=f"clients.cli.{module}", help=both(zh, en))


_COMMANDS = {
    "demo": _lazy(
        "demo:demo",
        "四个节点、一夜清分，全部展示。",
        "Four nodes, a night, everything shown.",
    ),
    "institution": _lazy(
        "institution:institution", "养老机构名录。", "Registers of eldercare institutions."
    ),
    "listing": _lazy(
        "listings:listing",
        "异地养老机构名单。",
        "Listings of institutions open to elders from outside.",
    ),
    "scheme": _lazy(
        "scheme:scheme", "证书类别与等级。", "Schemes of certification and their grades."
    ),
    "cert": _lazy("cert:cert", "资格证书与互认。", "Certificates and their recognition."),
    "recognition": _lazy(
        "suspensions:recognition",
        "暂停互认与发证省的答复。",
        "Suspended recognition and issuers' answers.",
    ),
    "agreement": _lazy("agreement:agreement", "合作协议。", "Agreements between divisions."),
    "supervision": _lazy(
        "supervision:supervision",
        "联动监管：检查、措施、整改与解除。",
        "Supervision across provinces.",
    ),
    "personal": _lazy(
        "personal:personal",
        "个人信息：存入、查看、披露记录、删除。",
        "Personal values: put, show, disclosures, erase.",
    ),
    "settle": _lazy("settle:settle", "结算、对账与清分。", "Settle, reconcile and clear."),
    "log": _lazy("log:log", "日志：查看、校验、导出。", "Logs: show, verify, export."),
    "federation": _lazy(
        "federation:federation",
        "联盟成员：提议、签署、公布。",
        "Who belongs to the federation: propose, sign, publish.",
    ),
    "verify": _lazy(
        "verify:verify",
        "离线核验回执、结论与清算单文件。",
        "Verify a receipt, verdict or statement file offline.",
    ),
    "audit": _lazy(
        "audit:audit",
        "审计：被拒绝的调用与个人信息的披露。",
        "Audit: calls denied and data disclosed.",
    ),
    "explain": _lazy(
        "explain:explain",
        "说明一项权限由哪条规则允许或拒绝。",
        "Which rule allows or denies a call.",
    ),
}


class _Program(Group):
    """The root: adds the commands of other packages, and ends every run in one way."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return own commands and those of entry points."""
        own = super().list_commands(ctx)
        return own[:1] + [name for name in _entry_points() if name not in own] + own[1:]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return an own command, or one of an entry point."""
        found = super().get_command(ctx, cmd_name)
        if found is None and cmd_name in (points := _entry_points()):
            loaded = points[cmd_name].load()
            assert isinstance(loaded, click.Command), f"{cmd_name} is a command"
            return loaded
        return found

    def line_of(self, name: str) -> str:
        """Return one line about a command, without importing it."""
        if name in self.lazy or name in self.commands:
            return super().line_of(name)
        return pick(_ENTRY_POINT_HELP.get(name, ""))

    def main(  # type: ignore[override]  # always in the one mode that lets us end the run
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        **extra: Any,  # noqa: ANN401  # the base class's signature
    ) -> Any:  # noqa: ANN401  # the base class's signature
        """Run a command line and leave with its exit code."""
        arguments = list(sys.argv[1:] if args is None else args)
        # gRPC writes to standard error by itself; what fails is said once, by us. It reads this
        # when it is imported, which no command has done yet.
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")
        extra["standalone_mode"] = False
        with using_language(choose_language(arguments, os.environ)):
            try:
                result = super().main(arguments, prog_name or "deltacare", **extra)
                code = int(result) if isinstance(result, int) else Exit.YES
            except (click.Abort, KeyboardInterrupt):
                click.echo(tr("已中断。", "Interrupted."), err=True)
                code = _INTERRUPTED
            except BrokenPipeError:
                # Whoever read the answer has had enough; nothing more can be said.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                code = Exit.YES
            except Exception as error:  # noqa: BLE001  # the one place where a run ends
                code = _fail(error, arguments)
        sys.exit(code)


def _fail(error: Exception, arguments: Sequence[str]) -> int:
    """Say what went wrong and return the exit code."""
    if os.environ.get("DELTACARE_TRACEBACK"):
        import traceback

        traceback.print_exception(error)
    if "--json" in arguments:
        click.echo(failure_json(error))
    for line in failure_lines(error, arguments):
        click.echo(line, err=True)
    if isinstance(error, click.UsageError) and error.ctx is not None:
        path = error.ctx.command_path
        click.echo(tr(f"用法见 {path} --help", f"See {path} --help"), err=True)
    return exit_code(error)


def _entry_points() -> Any:  # noqa: ANN401  # importlib's own type
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=_ENTRY_POINTS)}


main = _Program(
    name="deltacare",
    help=both(
        "长三角养老服务互认与跨省结算。",
        "Mutual recognition and cross-province settlement of eldercare in the Yangtze delta.",
    ),
    epilog=both(
        "退出码：0 是；1 否（除“有效”外的结论、存在差错）；2 输入有误；3 无法连接。",
        "Exit codes: 0 yes; 1 no (any verdict but VALID, a discrepancy); 2 bad input; "
        "3 unreachable.",
    ),
    lazy=_COMMANDS,
)
