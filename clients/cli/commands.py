"""What every command shares: two languages, ``--json``, lazy loading, and one way to fail.

Click's own classes are extended only where they show text or pick a command; nothing here knows
what any command does.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from clients.language import both, pick, tr

__all__ = ["Command", "Group", "LazyCommand", "Option", "command", "option", "wants_json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LazyCommand:
    """A command that is imported when it is used.

    Attributes:
        target: ``module:attribute``.
        help: One line for the list of commands, in both languages.
    """

    target: str
    help: str

    def load(self) -> click.Command:
        """Import it."""
        module, _, attribute = self.target.partition(":")
        loaded = getattr(importlib.import_module(module), attribute)
        assert isinstance(loaded, click.Command), f"{self.target} is a command"
        return loaded


class Option(click.Option):
    """An option whose help stands in both languages."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the option and its help in the language of this run."""
        kept = self.help
        try:
            self.help = pick(kept) if kept else kept
            return super().get_help_record(ctx)
        finally:
            self.help = kept


class _Bilingual(click.Command):
    """Shows help in the language of this run and takes the options of every command."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:  # noqa: ARG002  # the base class's signature
        """Return the command's parameters and those that every command has."""
        return [*self.params, *_shared_options(), _HELP]

    def get_help_option(self, ctx: click.Context) -> click.Option | None:  # noqa: ARG002  # the base class's signature
        """Return nothing: ``get_params`` has it, in both languages."""
        return None

    def get_short_help_str(self, limit: int = 45) -> str:  # noqa: ARG002  # the base class's signature
        """Return the first line of the help."""
        return pick(self.help or "").strip().split("\n", 1)[0]

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the usage line."""
        pieces = " ".join(self.collect_usage_pieces(ctx))
        formatter.write_usage(ctx.command_path, pieces, prefix=tr("用法：", "Usage: "))

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # the base class's signature
        """Write what the command does."""
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(pick(self.help or ""))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options."""
        # Arguments explain themselves in the usage line.
        options = [p for p in self.get_params(ctx) if isinstance(p, click.Option)]
        rows = [row for p in options if (row := p.get_help_record(ctx)) is not None]
        with formatter.section(tr("选项", "Options")):
            formatter.write_dl(rows)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # the base class's signature
        """Write what follows the options."""
        if self.epilog:
            formatter.write_paragraph()
            formatter.write_text(pick(self.epilog))


class Command(_Bilingual):
    """A command of this program."""


class Group(_Bilingual, click.Group):
    """A group of commands, some of them imported when they are used."""

    command_class = Command

    def __init__(
        self,
        *,
        name: str,
        help: str,  # noqa: A002  # click's word
        lazy: Mapping[str, LazyCommand] | None = None,
        epilog: str | None = None,
    ) -> None:
        super().__init__(
            name=name,
            help=help,
            epilog=epilog,
            invoke_without_command=True,
            callback=_show_help_if_alone,
        )
        self.lazy: dict[str, LazyCommand] = dict(lazy or {})

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # the base class's signature
        """Return the names in the order in which they are used, not sorted."""
        return [*self.commands, *self.lazy]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, importing it if need be."""
        if cmd_name in self.lazy:
            return self.lazy[cmd_name].load()
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is meant, or say which there are."""
        name = args[0]
        found = self.get_command(ctx, name)
        if found is None and not ctx.resilient_parsing:
            names = ", ".join(self.list_commands(ctx))
            ctx.fail(
                tr(f"没有命令“{name}”。可用：{names}", f"No command {name!r}. There are: {names}")
            )
        return name if found else None, found, args[1:]

    def line_of(self, name: str) -> str:
        """Return one line about a command, without importing it."""
        if name in self.lazy:
            return pick(self.lazy[name].help)
        return self.commands[name].get_short_help_str()

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options and the commands."""
        super().format_options(ctx, formatter)
        rows = [(name, self.line_of(name)) for name in self.list_commands(ctx)]
        with formatter.section(tr("命令", "Commands")):
            formatter.write_dl(rows)


def _keep(name: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    def keep(ctx: click.Context, _parameter: click.Parameter, value: Any) -> Any:  # noqa: ANN401  # click's own type
        if value:
            ctx.meta[f"deltacare.{name}"] = value
        return value

    return keep


def _show_help(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001  # click's signature
    if value and not ctx.resilient_parsing:
        click.echo(ctx.get_help(), color=ctx.color)
        ctx.exit()


_JSON = Option(
    ["--json", "as_json"],
    is_flag=True,
    expose_value=False,
    callback=_keep("json"),
    help=both("只输出 JSON，供程序读取。", "Print JSON and nothing else, for programs."),
)
# The value is read before anything is parsed, so that errors of parsing come in it too.
_LANG = Option(
    ["--lang"],
    type=click.Choice(["zh", "en"]),
    expose_value=False,
    help=both("界面语言；默认取自系统区域设置。", "Language; the locale decides by default."),
)
_HELP = Option(
    ["--help", "-h"],
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_help,
    help=both("显示本说明。", "Show this help."),
)


@click.pass_context
def _show_help_if_alone(ctx: click.Context) -> None:
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        ctx.exit(2)  # which command is missing: bad input


def _shared_options() -> Sequence[click.Option]:
    return (_JSON, _LANG)


def wants_json() -> bool:
    """Return whether the running command is to print JSON and nothing else."""
    context = click.get_current_context(silent=True)
    return bool(context and context.meta.get("deltacare.json"))


def option(*names: str, **attributes: Any) -> Callable[[Any], Any]:  # noqa: ANN401  # click's own types
    """Declare an option with help in both languages."""
    return click.option(*names, cls=Option, **attributes)


def command(
    parent: click.Group,
    name: str,
    *,
    help: str,  # noqa: A002  # click's word
    epilog: str | None = None,
) -> Callable[[Callable[..., Any]], Command]:
    """Declare a command of a group."""

    def declare(function: Callable[..., Any]) -> Command:
        made = click.command(name, cls=Command, help=help, epilog=epilog)(function)
        parent.add_command(made)
        return made

    return declare
