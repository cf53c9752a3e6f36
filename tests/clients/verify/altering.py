"""Ways to alter a file by one byte, for tests that let none of them pass."""

from collections.abc import Iterable, Iterator

__all__ = ["altered", "one_byte_off"]


def altered(data: bytes, position: int) -> Iterator[bytes]:
    """Yield a file with one byte changed, in several ways, gone, or doubled."""
    old = data[position]
    # Lower case for upper, the next letter, a set top bit, a space, a newline, a zero.
    for new in {old ^ 0x01, old ^ 0x20, old ^ 0x80, 0x20, 0x0A, 0x00, 0x41, 0x2B} - {old}:
        yield data[:position] + bytes([new]) + data[position + 1 :]
    yield data[:position] + data[position + 1 :]
    yield data[:position] + data[position : position + 1] + data[position:]


def one_byte_off(data: bytes, positions: Iterable[int]) -> Iterator[bytes]:
    """Yield every such change at some positions that gives another file."""
    for position in positions:
        for changed in altered(data, position):
            if changed != data:
                yield changed
