"""Tests of the rules by which an anchor of an audit log counts."""

import hashlib

import pytest

from deltacare.keys import LogSigner
from deltacare.tlog.checkpoint import Checkpoint, SignedCheckpoint
from server.audit.rules import (
    ANCHOR_CONTRADICTS,
    ANCHOR_SHRINKS,
    ANCHOR_UNREADABLE,
    RULES,
    AuditRule,
    anchor_rule,
    anchored,
)
from tests.support.federation import seed

AUTHOR = "310000"
NAME = f"deltacare/{AUTHOR}/audit"


def checkpoint(size: int, history: str = "a", origin: str = NAME) -> Checkpoint:
    """Return a tree head of an invented history."""
    return Checkpoint(
        origin=origin, size=size, root=hashlib.sha256(f"{history}{size}".encode()).digest()
    )


def note(found: Checkpoint) -> bytes:
    """Return a checkpoint signed in its own name."""
    signer = LogSigner(name=found.origin, seed=seed(found.origin))
    return SignedCheckpoint.sign(found, signer).to_bytes()


@pytest.mark.parametrize(
    "now, before, rule",
    [
        (checkpoint(5), None, None),
        (checkpoint(6), checkpoint(5), None),
        (checkpoint(5), checkpoint(5), None),
        (checkpoint(4), checkpoint(5), ANCHOR_SHRINKS),
        (checkpoint(5, "b"), checkpoint(5), ANCHOR_CONTRADICTS),
        (None, None, ANCHOR_UNREADABLE),
        (None, checkpoint(5), ANCHOR_UNREADABLE),
    ],
)
def test_anchors_only_grow(
    now: Checkpoint | None, before: Checkpoint | None, rule: AuditRule | None
) -> None:
    """Smaller, or the same size with another root, is void."""
    assert rule == anchor_rule(now, before)


def test_what_an_anchor_holds() -> None:
    """A signed checkpoint of the author's own audit log, and nothing else."""
    good = checkpoint(5)
    assert good == anchored(note(good), AUTHOR)
    assert anchored(note(good), "320000") is None
    assert anchored(note(checkpoint(5, origin="deltacare/310000/registry")), AUTHOR) is None
    assert anchored(good.to_text().encode(), AUTHOR) is None
    assert anchored(b"", AUTHOR) is None
    assert anchored(b"x" * 100_000, AUTHOR) is None
    assert anchored(note(good)[:-3], AUTHOR) is None
    foreign = note(good).replace(b"\xe2\x80\x94 " + NAME.encode(), b"\xe2\x80\x94 other")
    assert anchored(foreign, AUTHOR) is None


def test_texts() -> None:
    """Numbered, in Chinese and English."""
    assert [f"A{number:02d}" for number in range(1, 5)] == [rule.code[:3] for rule in RULES]
    assert all(rule.zh and rule.en.endswith(".") for rule in RULES)
