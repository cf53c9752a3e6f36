"""What is wrong with a command line, in the language of the run.

click says it in English; most of what it says of a value names the option and the value, which are
kept. What a command says itself is in the right language already and is not touched.
"""

import click

from clients.cli.faults import told
from clients.language import tr

__all__ = ["usage_words"]


def usage_words(error: click.UsageError) -> str:
    """Return what is wrong, one sentence; in English as click has it."""
    english = error.format_message()
    hint = _hint(error)
    match error:
        case click.NoSuchOption():
            return tr(_whole(f"没有选项 {error.option_name}", error.possibilities), english)
        case click.MissingParameter():
            return tr(f"缺少 {hint}", english)
        case click.BadParameter():
            return tr(f"{hint} 有误：{told(error.message)}", english)
    return told(english)


def _hint(error: click.UsageError) -> str:
    """Return the option or argument that is meant, as click writes it."""
    if not isinstance(error, click.BadParameter):
        return ""
    if error.param_hint is not None:
        hints = [error.param_hint] if isinstance(error.param_hint, str) else error.param_hint
        return " / ".join(hints)
    return error.param.get_error_hint(error.ctx) if error.param and error.ctx else ""


def _whole(said: str, possibilities: list[str] | None) -> str:
    """Return a sentence with what may have been meant."""
    return f"{said}；是否指 {'、'.join(possibilities)}？" if possibilities else said
