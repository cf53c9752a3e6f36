"""The tree against published vectors and a naive tree."""

import hashlib
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deltacare.errors import PeerFault, Reason
from deltacare.tlog.tree import (
    EMPTY_ROOT,
    SIZE_MAX,
    Frontier,
    leaf_hash,
    leaf_hashes,
    node_hash,
    root_of,
)
from tests.deltacare.builders import naive_root

# The leaves and roots by which implementations of RFC 6962 have been compared since the first:
# google/certificate-transparency, cpp/merkletree/merkle_tree_test.cc, now
# transparency-dev/merkle, testonly/constants.go.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.parametrize("size", range(9))
def test_published_roots(size: int) -> None:
    """The root at each size is the published one."""
    assert ROOTS[size] == root_of(LEAVES[:size]).hex()


def test_published_leaf_and_node() -> None:
    """Leaf and node hashes of RFC 6962 section 2.1, checked on the published tree."""
    assert ROOTS[1] == leaf_hash(b"").hex()
    assert ROOTS[2] == node_hash(leaf_hash(b""), leaf_hash(b"\x00")).hex()
    assert hashlib.sha256(b"").digest() == EMPTY_ROOT


@settings(deadline=None)
@given(st.integers(0, 700), st.lists(st.integers(0, 300), max_size=8))
def test_batches_make_the_tree_of_their_leaves(first: int, more: list[int]) -> None:
    """However leaves are batched, the frontier is that of all of them, and its root the naive."""
    entries: list[bytes] = []
    frontier = Frontier.empty()
    for count in [first, *more]:
        batch = [f"{len(entries) + i}".encode() for i in range(count)]
        entries += batch
        frontier = frontier.append(leaf_hashes(batch))
    assert len(entries) == frontier.size
    assert naive_root(entries) == frontier.root
    assert Frontier.empty().append(leaf_hashes(entries)) == frontier


@given(st.integers(0, 200), st.integers(0, 200))
def test_growth_names_every_new_complete_node(old: int, more: int) -> None:
    """Each complete subtree that an append finishes is named once, with its hash."""
    entries = [str(i).encode() for i in range(old + more)]
    frontier = Frontier.empty().append(leaf_hashes(entries[:old]))
    _, grown = frontier.grow(leaf_hashes(entries[old:]))
    found = {
        (row.level, row.first_index + i): hash_
        for row in grown
        for i, hash_ in enumerate(row.hashes)
    }
    expected = {
        (level, index): naive_root(entries[index << level : (index + 1) << level])
        for level in range(9)
        for index in range(old >> level, (old + more) >> level)
    }
    assert expected == found


@given(st.integers(0, 5_000))
def test_a_frontier_reads_back(size: int) -> None:
    """Size and hashes survive storage."""
    frontier = Frontier.empty().append([bytes(32)] * size)
    assert frontier == Frontier.from_bytes(frontier.to_bytes())
    assert 8 + 32 * size.bit_count() == len(frontier.to_bytes())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(7),
        bytes(9),
        (1).to_bytes(8, "big"),
        (1).to_bytes(8, "big") + bytes(31),
        (2).to_bytes(8, "big") + bytes(64),
        (2**63).to_bytes(8, "big") + bytes(32),
    ],
)
def test_other_bytes_are_no_frontier(data: bytes) -> None:
    """Bytes whose length does not fit their size are refused."""
    with pytest.raises(PeerFault) as caught:
        Frontier.from_bytes(data)
    assert Reason.BAD_PROOF is caught.value.reason


def test_a_frontier_near_the_limit_works() -> None:
    """Memory grows with the number of set bits, not with the size."""
    frontier = Frontier(size=SIZE_MAX - 1, hashes=tuple(bytes([i]) * 32 for i in range(62)))
    assert 63 == len(frontier.append([bytes(32)]).hashes)


def test_order_and_position_matter() -> None:
    """Two trees with the same leaves in another order have different roots."""
    rng = random.Random(7)
    entries = [rng.randbytes(20) for _ in range(50)]
    swapped = [entries[1], entries[0], *entries[2:]]
    assert root_of(entries) != root_of(swapped)
