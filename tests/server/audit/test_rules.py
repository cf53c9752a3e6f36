"""Tests of the rules by which an anchor of an audit log counts."""

import hashlib

import pytest

from deltacare.keys import LogSigner
from deltacare.tlog.checkpoint import Checkpoint, SignedCheckpoint
from deltacare.tlog.tree import EMPTY_ROOT
from deltacare.v1.entry_pb2 import AuditAnchor
from server.audit.rules import (
    ANCHOR_CONTRADICTS,
    ANCHOR_SHRINKS,
    ANCHOR_UNREADABLE,
    LOSS_UNFOUNDED,
    RULES,
    AuditRule,
    Before,
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
    same = before if before is not None and now is not None and before.size == now.size else None
    said = None if before is None else Before(last=before, same_size=same)
    assert rule == anchor_rule(now, said)


@pytest.mark.parametrize(
    "lost, now, same, rule",
    [
        (4, checkpoint(4), None, None),
        (4, checkpoint(4), checkpoint(4), None),
        (0, checkpoint(0), None, None),
        (4, checkpoint(4, "b"), checkpoint(4), ANCHOR_CONTRADICTS),
        (3, checkpoint(4), None, LOSS_UNFOUNDED),
        (5, checkpoint(5), checkpoint(5), LOSS_UNFOUNDED),
        (6, checkpoint(6), None, LOSS_UNFOUNDED),
        (4, None, None, ANCHOR_UNREADABLE),
    ],
)
def test_a_loss_is_stated_where_it_is(
    lost: int, now: Checkpoint | None, same: Checkpoint | None, rule: AuditRule | None
) -> None:
    """Only below what was anchored, at the size of the checkpoint, and never over another root."""
    before = Before(last=checkpoint(5), same_size=same)
    assert rule == anchor_rule(now, before, lost_from_size=lost)
    if now is not None:
        assert LOSS_UNFOUNDED == anchor_rule(now, None, lost_from_size=lost)


def test_what_an_anchor_holds() -> None:
    """A signed checkpoint of the author's own audit log, and nothing else."""

    def held(note: bytes, author: str, lost: int | None = None) -> Checkpoint | None:
        return anchored(AuditAnchor(checkpoint=note, lost_from_size=lost), author)

    good = checkpoint(5)
    assert good == held(note(good), AUTHOR)
    assert held(note(good), "320000") is None
    assert held(note(checkpoint(5, origin="deltacare/310000/registry")), AUTHOR) is None
    assert held(good.to_text().encode(), AUTHOR) is None
    assert held(b"", AUTHOR) is None
    assert held(b"", AUTHOR, 1) is None
    assert Checkpoint(origin=NAME, size=0, root=EMPTY_ROOT) == held(b"", AUTHOR, 0)
    assert held(b"x" * 100_000, AUTHOR) is None
    assert held(note(good)[:-3], AUTHOR) is None
    foreign = note(good).replace(b"\xe2\x80\x94 " + NAME.encode(), b"\xe2\x80\x94 other")
    assert held(foreign, AUTHOR) is None


def test_texts() -> None:
    """Numbered, in Chinese and English."""
    assert [f"A{number:02d}" for number in range(1, 6)] == [rule.code[:3] for rule in RULES]
    assert all(rule.zh and rule.en.endswith(".") for rule in RULES)
