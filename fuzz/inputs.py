"""Turns the bytes that a fuzzer invents into numbers, choices and edits of what was valid.

A format with signatures is never met by chance, so most targets take a valid text and a list of
edits. Reading past the end gives zeros: every input means something, and the same input the same.
"""

import base64
from collections.abc import Callable, Sequence
from typing import TypeVar

from deltacare.errors import DeltacareError, Reason

__all__ = ["Finding", "Input", "attempt", "edits", "expect"]

T = TypeVar("T")

_SHOWN_CHARS_MAX = 1_600  # 120 characters of a value, each perhaps escaped in ten


class Finding(AssertionError):  # noqa: N818 - a finding is what the fuzzer looks for
    """The kernel took what it should refuse, refused what is true, or told too much."""


class Input:
    """Reads an input from its beginning to its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        """Bytes that were not read yet."""
        return len(self._data) - self._at

    def take(self, count: int) -> bytes:
        """Return the next bytes, with zeros where there are no more."""
        part = self._data[self._at : self._at + count]
        self._at = min(len(self._data), self._at + count)
        return part.ljust(count, b"\x00")

    def number(self, width: int = 1) -> int:
        """Return a number of `width` bytes."""
        return int.from_bytes(self.take(width), "big")

    def below(self, bound: int) -> int:
        """Return a number below a bound of at most 65,536."""
        return self.number(1 if bound <= 0x100 else 2) % bound  # noqa: PLR2004 - a byte

    def choose(self, values: Sequence[T]) -> T:
        """Return one of some values."""
        return values[self.below(len(values))]

    def rest(self) -> bytes:
        """Return everything that was not read yet."""
        return self.take(self.left)


def edits(base: bytes, source: Input, *, others: Sequence[bytes] = ()) -> bytes:
    """Return a text after the edits that an input describes, at most 16.

    Args:
        base: The text.
        source: Says what to do; without bytes left, nothing is done.
        others: Texts from which pieces are taken.
    """
    data = bytearray(base)
    for _ in range(16):
        if not source.left:
            break
        kind = source.below(9)
        if kind == 7:  # noqa: PLR2004 - kinds of edits are numbered
            _edit_line(data, source)
        elif kind > 7:  # noqa: PLR2004
            _edit_encoded(data, source)
        elif kind == 6 and others:  # noqa: PLR2004
            at, other = source.below(len(data) + 1), source.choose(others)
            start = source.below(len(other) + 1)
            data[at:at] = other[start : start + source.below(300)]
        else:
            _edit_bytes(data, source, kind)
    return bytes(data)


def _edit_bytes(data: bytearray, source: Input, kind: int) -> None:
    """Change, put in, take out or repeat bytes."""
    at = source.below(len(data) + 1)
    if kind == 0 and at < len(data):
        data[at] ^= 1 << source.below(8)
    elif kind == 1 and at < len(data):
        data[at] = source.number()
    elif kind == 2:  # noqa: PLR2004
        data[at:at] = source.take(source.below(4) + 1) * (source.below(1_000) or 1)
    elif kind == 3:  # noqa: PLR2004
        del data[at : at + source.below(40) + 1]
    elif kind == 4:  # noqa: PLR2004
        data[at:at] = data[at : at + source.below(200)]
    elif kind == 5:  # noqa: PLR2004
        del data[at:]


def _edit_line(data: bytearray, source: Input) -> None:
    """Repeat, drop or move a line."""
    lines = bytes(data).split(b"\n")
    line = lines.pop(source.below(len(lines)))
    for _ in range(source.below(3)):
        lines.insert(source.below(len(lines) + 1), line)
    data[:] = b"\n".join(lines)


def _edit_encoded(data: bytearray, source: Input) -> None:
    """Change a bit of what a word in base64 stands for, or the last word of a line otherwise."""
    lines = bytes(data).split(b"\n")
    at = source.below(len(lines))
    head, space, word = lines[at].rpartition(b" ")
    try:
        inner = bytearray(base64.b64decode(word, validate=True))
    except ValueError:
        inner = bytearray()
    if inner:
        inner[source.below(len(inner))] ^= 1 << source.below(8)
        word = base64.b64encode(inner)
    else:
        word = b"%d" % source.number(source.below(9))
    lines[at] = head + space + word
    data[:] = b"\n".join(lines)


def attempt(run: Callable[[], T]) -> T | None:
    """Return what the kernel answers, ``None`` if it refuses as it should.

    Raises:
        Finding: If the refusal is our own error, or repeats more than a reader needs.
    """
    try:
        return run()
    except DeltacareError as error:
        expect(error.reason is not Reason.INTERNAL, "a refusal is not our own error")
        told = [error.message, *error.details.values()]
        told += [str(violation) for violation in error.violations]
        expect(all(len(text) <= _SHOWN_CHARS_MAX for text in told), "a refusal is short")
        return None


def expect(holds: bool, what: str) -> None:  # noqa: FBT001 - an assertion
    """Raise a finding unless something holds; not an ``assert``, which may be switched off."""
    if not holds:
        raise Finding(what)
