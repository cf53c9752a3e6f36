"""The digest builder: blocks of any size give the digest of the whole; leaves can be compared."""

import hashlib
from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from settlement.core.digest import LINES_PER_LEAF, DigestBuilder, first_difference
from tests.settlement import oracle


@dataclass(frozen=True)
class Block:
    """Lines in one buffer."""

    data: bytes
    offsets: list[int]


def block(lines: list[bytes]) -> Block:
    """Return lines in one buffer, behind some bytes that are not theirs."""
    offsets = [3]
    for line in lines:
        offsets.append(offsets[-1] + len(line))
    return Block(b"###" + b"".join(lines) + b"##", offsets)


@given(
    st.integers(0, 3 * LINES_PER_LEAF + 1), st.lists(st.integers(0, 3 * LINES_PER_LEAF), max_size=6)
)
def test_blocks_do_not_matter(count: int, cuts: list[int]) -> None:
    """However lines are cut into blocks, leaves and digest are those of all lines."""
    lines = [f"{number:05d}\n".encode() for number in range(count)]
    builder = DigestBuilder(keep_leaves=True)
    edges = sorted({0, count, *(cut for cut in cuts if cut < count)})
    for start, end in pairwise(edges):
        builder.add(block(lines[start:end]))
    assert oracle.digest(lines) == builder.digest()
    assert b"".join(lines) == b"".join(builder.leaves())
    expected = [hashlib.sha256(b"\x00" + leaf).digest() for leaf in builder.leaves()]
    assert expected == list(builder.leaf_hashes())


def test_first_difference() -> None:
    """The first item that differs is found, also where one is only longer."""
    assert first_difference([b"a", b"b"], [b"a", b"b"]) is None
    assert first_difference([b"a", b"b"], [b"a", b"c"]) == 1
    assert first_difference([b"a"], [b"a", b"c"]) == 1
