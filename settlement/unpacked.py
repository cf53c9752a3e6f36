"""Bounds what a workbook may unpack to, before anything is made of it.

A workbook is an archive of XML texts, which can unpack to a thousand times its size: one cell of
400 MB comes in 400 kB. Texts are read here once as bytes, in pieces, and nothing is kept of them.
What is in a cell, and whether it is a workbook at all, is for whoever reads it.
"""

import re
import zipfile
from typing import IO, Final

from settlement.findings import Problem

__all__ = ["CELL_CHARS_MAX", "SHEET_ROWS_MAX", "UNPACKED_BYTES_MAX", "problem_of"]

UNPACKED_BYTES_MAX: Final = 768 * 1024**2
"""A million rows of the ten columns of a settlement file unpack to 540 MiB, of three to 200 MiB."""

CELL_CHARS_MAX: Final = 32_767
"""What spreadsheet programs keep in a cell."""

SHEET_ROWS_MAX: Final = 1_048_576
"""What they keep in a sheet."""

_MEMBERS_MAX = 10_000
_PIECE_BYTES = 1024**2
# Between two tags: a full cell, each character of it written as a reference such as `&#x1F600;`.
_RUN_BYTES_MAX = 10 * CELL_CHARS_MAX
# A reader keeps a row, or a shared text, whole until it ends. A full row of short cells has 1.6 MB.
_ROW_BYTES_MAX = 8 * 1024**2
_ROW_END = re.compile(rb"</(?:[A-Za-z0-9_]+:)?(?:row|si|r)\s*>")
_ROW_END_BYTES_MAX = 64
# Comments and verbatim sections could hide what is looked for; spreadsheet programs write none.
_HIDING = (b"<!--", b"<![", b"<!DOCTYPE", b"<!ENTITY")
_BLANK = b"\xef\xbb\xbf\xfe\xff\0 \t\r\n"


def problem_of(archive: zipfile.ZipFile) -> Problem | None:
    """Return why a workbook must not be unpacked into memory, ``None`` if it may be.

    Args:
        archive: The workbook.

    Raises:
        zipfile.BadZipFile: If it is damaged; likewise `zlib.error`, `EOFError` and `OSError`.
    """
    members = archive.infolist()
    if len(members) > _MEMBERS_MAX:
        return Problem.TOO_LARGE
    # What a member says of its size binds: no more of it is ever read.
    if sum(member.file_size for member in members) > UNPACKED_BYTES_MAX:
        return Problem.UNPACKED_TOO_LARGE
    for member in members:
        with archive.open(member) as text:
            problem = _problem_of_text(text)
        if problem is not None:
            return problem
    return None


def _problem_of_text(text: IO[bytes]) -> Problem | None:
    """Return what is wrong with a member, if it is XML."""
    piece = text.read(_PIECE_BYTES)
    start = piece.lstrip(_BLANK)
    if start and not start.startswith(b"<"):
        return None  # a picture or the like, which nobody reads here
    # Places are counted from the start of the member; `base` is where the present piece begins.
    base = last_tag = last_row = 0
    kept = b""
    while piece:
        if any(mark in kept + piece for mark in _HIDING):
            return Problem.NOT_A_WORKBOOK
        if _longest_run(piece, base - last_tag) > _RUN_BYTES_MAX:
            return Problem.CELL_TOO_LONG
        found = piece.rfind(b"<")
        last_tag = last_tag if found < 0 else base + found
        joined, origin = kept + piece, base - len(kept)
        for end in _ROW_END.finditer(joined):
            if origin + end.end() - last_row > _ROW_BYTES_MAX:
                return Problem.UNPACKED_TOO_LARGE
            last_row = max(last_row, origin + end.end())
        base += len(piece)
        if base - last_row > _ROW_BYTES_MAX:
            return Problem.UNPACKED_TOO_LARGE
        kept = piece[-_ROW_END_BYTES_MAX:]
        piece = text.read(_PIECE_BYTES)
    return None


def _longest_run(piece: bytes, before: int) -> int:
    """Return the most bytes between two tags, counting those since the last tag before a piece."""
    first = piece.find(b"<")
    if first < 0:
        return before + len(piece)
    longest = max(before + first, len(piece) - piece.rfind(b"<"))
    if longest > _RUN_BYTES_MAX:
        return longest
    # Between the first and the last tag: any run too long covers one of these places, and shows.
    place = first
    while place + _RUN_BYTES_MAX < len(piece):
        tag = piece.rfind(b"<", place + 1, place + _RUN_BYTES_MAX + 1)
        if tag < 0:
            return _RUN_BYTES_MAX + 1
        place = tag
    return longest
