"""What commands about policies and budgets share: the document that sets them, and yuan."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from clients.cli.commands import option
from clients.language import both, tr

__all__ = ["document_option", "fen_of", "hash_of", "number_option"]

_CHUNK = 1 << 20

document_option: Callable[[Any], Any] = option(
    "--document",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=both(
        "文件原件；只公布其 SHA-256，文件不离开本机。",
        "The document; its SHA-256 is stated, the file stays here.",
    ),
)
number_option: Callable[[Any], Any] = option(
    "--document-no",
    default="",
    metavar="TEXT",
    help=both("文号。", "Number of the document that sets it."),
)


def hash_of(document: Path | None) -> bytes:
    """Return the SHA-256 of a document, nothing without one."""
    import hashlib

    if document is None:
        return b""
    digest = hashlib.sha256()
    with document.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.digest()


def fen_of(text: str, name: str) -> int:
    """Return yuan as written, in fen.

    Args:
        text: Such as ``45.00``.
        name: The option, for a refusal.

    Raises:
        BadParameter: If it is no amount.
    """
    from deltacare.errors import Refusal
    from deltacare.money import parse_yuan

    try:
        return parse_yuan(text)
    except Refusal:
        raise click.BadParameter(
            tr(f"“{text}”不是金额，请写作 45.00。", f"{text!r} is no amount; write 45.00."),
            param_hint=name,
        ) from None
