"""Proofs against the RFC's examples, published vectors and a naive tree."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltacare.errors import PeerFault, Reason
from deltacare.tlog.proof import (
    PROOF_HASHES_MAX,
    consistency_proof,
    inclusion_proof,
    root_at,
    verify_consistency,
    verify_inclusion,
)
from deltacare.tlog.tree import EMPTY_ROOT, leaf_hash, leaf_hashes, node_hash, root_of
from tests.deltacare.builders import (
    EntriesReader,
    naive_path,
    naive_root,
    naive_subproof,
)

ENTRIES = [f"entry {i}".encode() for i in range(300)]
SIZES = st.integers(1, len(ENTRIES))

# RFC 9162 section 2.1.5: seven leaves d0 to d6, nodes named as the RFC names them.
D = [f"d{i}".encode() for i in range(7)]
A, B, C, DD, E, F, J = leaf_hashes(D)
G, H, I_ = node_hash(A, B), node_hash(C, DD), node_hash(E, F)
K, L = node_hash(G, H), node_hash(I_, J)
RFC_ROOT = node_hash(K, L)


@pytest.mark.parametrize(
    "index, proof",
    [(0, [B, H, L]), (3, [C, G, L]), (4, [F, J, K]), (6, [I_, K])],
)
def test_inclusion_examples_of_the_rfc(index: int, proof: list[bytes]) -> None:
    """RFC 9162 section 2.1.5 gives these paths for d0, d3, d4 and d6."""
    made = inclusion_proof(EntriesReader(D), index=index, size=7)
    assert proof == list(made)
    verify_inclusion(proof, leaf=leaf_hash(D[index]), index=index, size=7, root=RFC_ROOT)


@pytest.mark.parametrize("old, proof", [(3, [C, DD, G, L]), (4, [L]), (6, [I_, J, K])])
def test_consistency_examples_of_the_rfc(old: int, proof: list[bytes]) -> None:
    """RFC 9162 section 2.1.5 gives these proofs from three, four and six leaves to seven."""
    made = consistency_proof(EntriesReader(D), old_size=old, size=7)
    assert proof == list(made)
    verify_consistency(proof, old_size=old, old_root=root_of(D[:old]), size=7, root=RFC_ROOT)


# transparency-dev/merkle, proof/verify_test.go (from google/certificate-transparency,
# cpp/merkletree/merkle_tree_test.cc), on the leaves of test_tree.py.
NODE_10 = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
NODE_11 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
NODE_20 = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
NODE_21 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
NODE_12 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
NODE_13 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
ROOT_5 = "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"
ROOT_6 = "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"
ROOT_8 = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
LEAF_5 = "4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658"
LEAF_4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
LEAF_0 = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
LEAF_1 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"


def _hashes(*texts: str) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


@pytest.mark.parametrize(
    "leaf, index, size, root, proof",
    [
        (LEAF_0, 0, 8, ROOT_8, [LEAF_1, NODE_11, NODE_21]),
        (LEAF_5, 5, 8, ROOT_8, [LEAF_4, NODE_13, NODE_20]),
        (LEAF_4, 4, 5, ROOT_5, [NODE_20]),
        (LEAF_0, 0, 1, LEAF_0, []),
    ],
)
def test_published_inclusion_proofs(
    leaf: str, index: int, size: int, root: str, proof: list[str]
) -> None:
    """Inclusion proofs made by others verify."""
    (leaf_bytes, root_bytes) = _hashes(leaf, root)
    verify_inclusion(_hashes(*proof), leaf=leaf_bytes, index=index, size=size, root=root_bytes)


@pytest.mark.parametrize(
    "old, old_root, size, root, proof",
    [
        (1, LEAF_0, 8, ROOT_8, [LEAF_1, NODE_11, NODE_21]),
        (6, ROOT_6, 8, ROOT_8, [NODE_12, NODE_13, NODE_20]),
        (2, NODE_10, 5, ROOT_5, [NODE_11, LEAF_4]),
    ],
)
def test_published_consistency_proofs(
    old: int, old_root: str, size: int, root: str, proof: list[str]
) -> None:
    """Consistency proofs made by others verify."""
    (old_bytes, root_bytes) = _hashes(old_root, root)
    verify_consistency(
        _hashes(*proof), old_size=old, old_root=old_bytes, size=size, root=root_bytes
    )


@given(st.data(), SIZES)
def test_inclusion_proofs_are_those_of_the_rfc(data: st.DataObject, size: int) -> None:
    """What is built is PATH(m, D[n]), and it verifies."""
    index = data.draw(st.integers(0, size - 1))
    entries = ENTRIES[:size]
    proof = inclusion_proof(EntriesReader(entries), index=index, size=size)
    assert naive_path(index, entries) == list(proof)
    verify_inclusion(
        proof, leaf=leaf_hash(entries[index]), index=index, size=size, root=naive_root(entries)
    )


@given(st.data(), SIZES)
def test_consistency_proofs_are_those_of_the_rfc(data: st.DataObject, size: int) -> None:
    """What is built is PROOF(m, D[n]), and it verifies."""
    old = data.draw(st.integers(0, size))
    entries = ENTRIES[:size]
    proof = consistency_proof(EntriesReader(entries), old_size=old, size=size)
    assert (naive_subproof(old, entries) if old else []) == list(proof)
    verify_consistency(
        proof,
        old_size=old,
        old_root=naive_root(entries[:old]),
        size=size,
        root=naive_root(entries),
    )


def _spoilt(data: st.DataObject, proof: Sequence[bytes]) -> list[bytes]:
    """Return a proof with one thing wrong."""
    wrong = list(proof)
    kinds = ["longer"] + (["shorter", "flip"] if wrong else []) + (["swap"] * (len(wrong) > 1))
    match data.draw(st.sampled_from(kinds)):
        case "longer":
            wrong.insert(data.draw(st.integers(0, len(wrong))), bytes(32))
        case "shorter":
            wrong.pop(data.draw(st.integers(0, len(wrong) - 1)))
        case "flip":
            at = data.draw(st.integers(0, len(wrong) - 1))
            bit = data.draw(st.integers(0, 255))
            wrong[at] = (int.from_bytes(wrong[at], "big") ^ (1 << bit)).to_bytes(32, "big")
        case _:
            wrong[0], wrong[-1] = wrong[-1], wrong[0]
    return wrong


@given(st.data(), SIZES)
def test_a_spoilt_inclusion_proof_proves_nothing(data: st.DataObject, size: int) -> None:
    """Longer, shorter, flipped or swapped: refused with the one reason."""
    index = data.draw(st.integers(0, size - 1))
    proof = _spoilt(data, inclusion_proof(EntriesReader(ENTRIES), index=index, size=size))
    root = naive_root(ENTRIES[:size])
    with pytest.raises(PeerFault) as caught:
        verify_inclusion(proof, leaf=leaf_hash(ENTRIES[index]), index=index, size=size, root=root)
    assert Reason.BAD_PROOF is caught.value.reason


@given(st.data(), SIZES)
def test_a_spoilt_consistency_proof_proves_nothing(data: st.DataObject, size: int) -> None:
    """Longer, shorter, flipped or swapped: refused with the one reason."""
    old = data.draw(st.integers(0, size))
    proof = _spoilt(data, consistency_proof(EntriesReader(ENTRIES), old_size=old, size=size))
    with pytest.raises(PeerFault) as caught:
        verify_consistency(
            proof,
            old_size=old,
            old_root=naive_root(ENTRIES[:old]),
            size=size,
            root=naive_root(ENTRIES[:size]),
        )
    assert Reason.BAD_PROOF is caught.value.reason


@given(st.data(), st.integers(2, len(ENTRIES)))
def test_a_proof_is_of_one_leaf_at_one_place(data: st.DataObject, size: int) -> None:
    """Another leaf, another index or another size does not pass with the same proof."""
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size - 1).filter(lambda i: i != index))
    proof = inclusion_proof(EntriesReader(ENTRIES), index=index, size=size)
    root = naive_root(ENTRIES[:size])
    leaf = leaf_hash(ENTRIES[index])
    for wrong in (
        {"leaf": leaf_hash(ENTRIES[other]), "index": index},
        {"leaf": leaf, "index": other},
    ):
        with pytest.raises(PeerFault):
            verify_inclusion(proof, size=size, root=root, **wrong)  # type: ignore[arg-type]  # mixed


@given(st.data(), st.integers(2, len(ENTRIES)))
def test_a_changed_history_has_no_proof(data: st.DataObject, size: int) -> None:
    """If an old entry was changed, no proof of the new tree leads to the old root."""
    old = data.draw(st.integers(1, size - 1))
    changed = data.draw(st.integers(0, old - 1))
    forged = [*ENTRIES[:changed], b"forged", *ENTRIES[changed + 1 : size]]
    proof = consistency_proof(EntriesReader(forged), old_size=old, size=size)
    with pytest.raises(PeerFault):
        verify_consistency(
            proof,
            old_size=old,
            old_root=naive_root(ENTRIES[:old]),
            size=size,
            root=naive_root(forged),
        )


@pytest.mark.parametrize("index, size", [(-1, 5), (5, 5), (0, 0), (7, 5), (0, 2**63)])
def test_an_index_outside_the_tree_is_refused(index: int, size: int) -> None:
    """Numbers that a partner made up do not crash the verifier."""
    with pytest.raises(PeerFault):
        verify_inclusion([], leaf=bytes(32), index=index, size=size, root=bytes(32))


@pytest.mark.parametrize(
    "old, old_root, size, root",
    [
        (5, bytes(32), 4, bytes(32)),
        (-1, bytes(32), 4, bytes(32)),
        (0, bytes(32), 4, bytes(32)),
        (0, EMPTY_ROOT, 0, bytes(32)),
        (0, bytes(32), 0, bytes(32)),
        (4, bytes(32), 4, EMPTY_ROOT),
        (3, bytes(32), 4, bytes(32)),
    ],
)
def test_trees_that_cannot_extend_are_refused(
    old: int, old_root: bytes, size: int, root: bytes
) -> None:
    """Smaller trees, two roots of one size and false empty roots are refused."""
    with pytest.raises(PeerFault):
        verify_consistency([], old_size=old, old_root=old_root, size=size, root=root)


@pytest.mark.parametrize("proof", [[bytes(31)], [b""], [bytes(33)] * 3])
def test_hashes_of_another_length_are_refused(proof: list[bytes]) -> None:
    """A hash has 32 bytes."""
    with pytest.raises(PeerFault, match="32 bytes"):
        verify_inclusion(proof, leaf=bytes(32), index=0, size=2, root=bytes(32))


def test_a_node_is_not_taken_for_a_leaf() -> None:
    """A path that starts higher up leads to the root, but is too short for a leaf."""
    node, right, root = _hashes(NODE_20, NODE_21, ROOT_8)
    with pytest.raises(PeerFault, match="too short"):
        verify_inclusion([right], leaf=node, index=0, size=8, root=root)


@pytest.mark.parametrize("old, size", [(1, 2), (3, 7), (4, 8), (5, 8)])
def test_a_proof_that_goes_beyond_the_root_is_too_long(old: int, size: int) -> None:
    """What is left over above the root is named."""
    proof = consistency_proof(EntriesReader(ENTRIES), old_size=old, size=size)
    with pytest.raises(PeerFault, match="too long"):
        verify_consistency(
            [*proof, bytes(32)],
            old_size=old,
            old_root=naive_root(ENTRIES[:old]),
            size=size,
            root=naive_root(ENTRIES[:size]),
        )


def test_an_empty_leaf_and_root_prove_nothing() -> None:
    """A published probe of transparency-dev/merkle: equal, but no hashes."""
    with pytest.raises(PeerFault, match="32 bytes"):
        verify_inclusion([], leaf=b"", index=0, size=1, root=b"")
    with pytest.raises(PeerFault, match="32 bytes"):
        verify_consistency([], old_size=1, old_root=b"", size=1, root=b"")


def test_an_endless_proof_is_refused_before_it_is_hashed() -> None:
    """No tree is higher than 63."""
    with pytest.raises(PeerFault, match="more hashes"):
        verify_inclusion(
            [bytes(32)] * (PROOF_HASHES_MAX + 1),
            leaf=bytes(32),
            index=0,
            size=2**62,
            root=bytes(32),
        )


def test_a_reader_is_asked_once() -> None:
    """A store can answer with one query."""

    class Counting(EntriesReader):
        calls = 0

        def read_nodes(self, nodes: Sequence[object], /) -> list[bytes]:
            self.calls += 1
            return super().read_nodes(nodes)  # type: ignore[arg-type]  # widened for the test

    reader = Counting(ENTRIES)
    inclusion_proof(reader, index=17, size=299)
    consistency_proof(reader, old_size=77, size=299)
    assert naive_root(ENTRIES[:299]) == root_at(reader, size=299)
    assert 3 == reader.calls
    assert EMPTY_ROOT == root_at(reader, size=0)
