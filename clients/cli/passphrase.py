"""How a command learns the passphrase of private keys: a file, the environment, or by asking."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from clients.cli.commands import option
from clients.language import both, tr

__all__ = ["known_passphrase", "obtain_passphrase", "passphrase_option"]


def passphrase_option(function: Callable[..., Any]) -> Any:  # noqa: ANN401  # click's own type
    """Give a command the option that names the file of the passphrase."""
    return option(
        "--passphrase-file",
        type=click.Path(path_type=Path, dir_okay=False),
        help=both(
            "口令文件；默认取自 DELTACARE_KEY_PASSPHRASE_FILE 或 DELTACARE_KEY_PASSPHRASE。",
            "File with the passphrase; DELTACARE_KEY_PASSPHRASE_FILE or "
            "DELTACARE_KEY_PASSPHRASE by default.",
        ),
    )(function)


def known_passphrase(file: Path | None) -> bytes | None:
    """Return the passphrase that a file or the environment says, ``None`` if neither does.

    Args:
        file: As the option names it; it wins over the environment.

    Raises:
        Refusal: ``INVALID_FIELD``, if the file cannot be read.
    """
    from clients.vault import read_passphrase

    return read_passphrase({} if file is not None else os.environ, file)


def obtain_passphrase(file: Path | None, *, is_new: bool = False) -> bytes:
    """Return the passphrase; a person at a terminal is asked if nothing else says it.

    Args:
        file: As the option names it; it wins over the environment.
        is_new: Whether it is chosen now, and so asked for twice.

    Raises:
        Refusal: ``INVALID_FIELD``, if nobody says one.
    """
    from clients.vault import require_passphrase

    found = known_passphrase(file)
    if found is not None:
        return found
    if sys.stdin.isatty() and sys.stderr.isatty():
        text: str = click.prompt(
            tr("私钥口令", "Passphrase of the private keys"),
            hide_input=True,
            confirmation_prompt=is_new,
            err=True,
        )
        return text.encode()
    return require_passphrase({}, None)
