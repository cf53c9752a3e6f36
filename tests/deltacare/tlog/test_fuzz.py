"""The fuzzing targets under hypothesis, and proofs against RFC 6962 as it is written.

The long runs are `make fuzz`; here each target gets some hundred inputs, and is shown to be able to
find something: a kernel that accepts too much, refuses too much or crashes.
"""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deltacare.errors import PeerFault, Reason, Refusal
from deltacare.keys import VerifierKey
from deltacare.sm2 import Sm2VerifierKey
from deltacare.tlog.proof import verify_consistency, verify_inclusion
from fuzz import notes, oracle, texts, trees
from fuzz.__main__ import main
from fuzz.inputs import Finding, Input, attempt, edits
from fuzz.targets import TARGETS, Target

EXAMPLES = 120
NAMES = pytest.mark.parametrize("name", list(TARGETS))


@NAMES
def test_a_target_takes_what_it_begins_with(name: str) -> None:
    """Its own seeds are no findings, and some of them are accepted: it reaches the end."""
    accepted = [TARGETS[name].run(seed) for seed in TARGETS[name].seeds()]
    assert any(accepted)


@NAMES
def test_a_target_finds_nothing(name: str) -> None:
    """Bytes of any kind, and seeds with bytes put in: refused or rightly accepted."""
    target = TARGETS[name]
    seeds = list(target.seeds())

    @settings(max_examples=EXAMPLES // 6 if target.is_slow else EXAMPLES, deadline=None)
    @given(st.binary(max_size=400), st.sampled_from(seeds), st.integers(0, 400), st.booleans())
    def run(data: bytes, seed: bytes, at: int, keep: bool) -> None:  # noqa: FBT001 - hypothesis
        target.run(data)
        target.run(seed[:at] + data[:8] + seed[at if keep else at + len(data) :])

    run()


@pytest.mark.parametrize(
    "name, found",
    [
        pytest.param("document", "00000126021107", id="a province that stands there twice"),
        pytest.param("metadata", "4278d403c7fb105301000100250510", id="a key id that is no text"),
    ],
)
def test_what_was_found_once_is_not_found_again(name: str, found: str) -> None:
    """Inputs that made the kernel fail, kept."""
    TARGETS[name].run(bytes.fromhex(found))


def _leaves(count: int, mark: bytes = b"") -> list[bytes]:
    return [oracle.leaf(b"%d" % i + mark) for i in range(count)]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_inclusion_is_what_the_definition_says(data: st.DataObject) -> None:
    """A path proves a leaf exactly where PATH(m, D[n]) says so."""
    size = data.draw(st.integers(1, 130))
    index, claimed = data.draw(st.integers(0, size - 1)), data.draw(st.integers(-1, size + 1))
    leaves = _leaves(size)
    proof = oracle.path(index, leaves)
    hashes = st.sampled_from([*leaves, *proof, oracle.root(leaves), oracle.EMPTY])
    changed = data.draw(
        st.one_of(
            st.just(proof),
            st.lists(hashes, max_size=9),
            st.builds(lambda i, h: [*proof[:i], h, *proof[i:]], st.integers(0, 9), hashes),
            st.builds(lambda i: proof[:i] + proof[i + 1 :], st.integers(0, 9)),
        )
    )
    leaf = data.draw(st.one_of(st.just(leaves[index]), hashes))
    is_true = (
        0 <= claimed < size and leaf == leaves[claimed] and changed == oracle.path(claimed, leaves)
    )
    root = oracle.root(leaves)
    for at, expected in ((claimed, is_true), (index, leaf == leaves[index] and changed == proof)):
        assert expected == _holds(
            lambda at=at: verify_inclusion(changed, leaf=leaf, index=at, size=size, root=root)
        )


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_consistency_is_what_the_definition_says(data: st.DataObject) -> None:
    """A proof shows an extension exactly where SUBPROOF(m, D[n], b) says so; never a fork."""
    size = data.draw(st.integers(1, 130))
    old = data.draw(st.integers(1, size))
    leaves, parted = _leaves(size), data.draw(st.integers(0, size))
    fork = leaves[:parted] + _leaves(size, b"fork")[parted:]
    proof = [] if old == size else oracle.subproof(old, leaves)
    hashes = st.sampled_from([*leaves, *proof, oracle.root(fork), oracle.EMPTY])
    changed = data.draw(
        st.one_of(
            st.just(proof),
            st.builds(lambda i, h: [*proof[:i], h, *proof[i + 1 :]], st.integers(0, 9), hashes),
            st.builds(lambda i: proof[:i], st.integers(0, 9)),
        )
    )
    for history in (leaves, fork):
        old_root = oracle.root(history[:old])
        is_true = old_root == oracle.root(leaves[:old]) and changed == proof
        assert is_true == _holds(
            lambda old_root=old_root: verify_consistency(
                changed, old_size=old, old_root=old_root, size=size, root=oracle.root(leaves)
            )
        )


def _holds(verify: Callable[[], None]) -> bool:
    """Whether a proof verifies; a refusal is a bad proof and nothing else."""
    try:
        verify()
    except PeerFault as fault:
        reason = fault.reason
    else:
        return True
    assert Reason.BAD_PROOF is reason
    return False


def _all(target: Target) -> None:
    """Run a target on its seeds and on many inputs that go on from them."""
    invent = random.Random(1)
    for seed in target.seeds():
        target.run(seed)
        for _ in range(100):
            target.run(seed + invent.randbytes(invent.randrange(12)))


def _yes(*_: object, **__: object) -> None:
    """Verify nothing."""


@pytest.mark.parametrize(
    "name, where, what",
    [
        ("inclusion", trees, "verify_inclusion"),
        ("consistency", trees, "verify_consistency"),
        ("tile", trees, "verify_inclusion"),
        ("note", VerifierKey, "verify"),
        ("checkpoint", VerifierKey, "verify"),
        ("cosignature", VerifierKey, "verify"),
        ("receipt", VerifierKey, "verify"),
        ("suite", Sm2VerifierKey, "verify"),
        ("opening", VerifierKey, "verify"),
    ],
)
def test_a_kernel_that_accepts_all_is_found(
    monkeypatch: pytest.MonkeyPatch, name: str, where: object, what: str
) -> None:
    """Each target that judges acceptance fails where nothing is verified."""
    monkeypatch.setattr(where, what, _yes)
    with pytest.raises(Finding):
        _all(TARGETS[name])


def test_a_kernel_that_refuses_the_truth_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """So does one that refuses what is true."""

    def refuse(*_: object, **__: object) -> None:
        raise PeerFault(Reason.BAD_PROOF, "no")

    for name in ("inclusion", "consistency"):
        monkeypatch.setattr(trees, f"verify_{name}", refuse)
        with pytest.raises(Finding):
            _all(TARGETS[name])


def test_a_quorum_that_counts_wrongly_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy that is always met differs from its text."""
    monkeypatch.setattr(texts.Policy, "is_met", lambda *_: True)
    with pytest.raises(Finding, match="what the text says"):
        _all(TARGETS["policy"])


def test_a_crash_and_a_long_refusal_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another exception passes through; our own error and too much told are findings."""

    def crash(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(notes, "verify_receipt", crash)
    with pytest.raises(ZeroDivisionError):
        _all(TARGETS["receipt"])

    def told(error: Exception) -> Callable[[], None]:
        def run() -> None:
            raise error

        return run

    assert attempt(told(PeerFault(Reason.BAD_PROOF, "short"))) is None
    with pytest.raises(Finding, match="our own"):
        attempt(told(Refusal(Reason.INTERNAL, "x")))
    for long in (
        PeerFault(Reason.BAD_PROOF, "x" * 3_000),
        PeerFault(Reason.BAD_PROOF, "x", details={"log": "y" * 3_000}),
    ):
        with pytest.raises(Finding, match="short"):
            attempt(told(long))


def test_an_input_without_bytes_edits_nothing() -> None:
    """What is valid stays valid, so that a seed reaches the end."""
    assert b"abc" == edits(b"abc", Input(b""))
    assert b"abb" == edits(b"abc", Input(bytes((0, 2, 0))))


def test_an_input_is_run_again_from_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """0 for what passes, 1 with the traceback for a finding, 2 for wrong usage."""
    path = tmp_path / "input"
    path.write_bytes(next(iter(TARGETS["inclusion"].seeds())))
    arguments = ["inclusion", "--reproduce", str(path)]
    assert 0 == main(arguments)
    assert "accepted" in capsys.readouterr().out
    monkeypatch.setattr(oracle, "path", _yes)
    trees._path.cache_clear()
    assert 1 == main(arguments)
    assert "Traceback" in capsys.readouterr().err
    trees._path.cache_clear()
    for wrong in (
        ["nothing"],
        ["--reproduce", str(path)],
        ["note", "--reproduce", str(tmp_path / "missing")],
        ["--seconds", "0"],
    ):
        with pytest.raises(SystemExit) as caught:
            main(wrong)
        assert 2 == caught.value.code
