"""Forks and bad keys in words: both languages, every case of what can be said."""

from datetime import UTC, datetime

import pytest

from clients.language import using_language
from clients.logs.forks import fork_lines, touched_lines
from deltacare.ids import LogName
from deltacare.tlog.checkpoint import Checkpoint, SignedCheckpoint
from deltacare.tlog.cosignature import cosign
from deltacare.v1.log_service_pb2 import Evidence, TouchedEntries
from tests.support.federation import log_signer, make_keys

LOG = LogName.registry("310000")
TIME = datetime(2026, 11, 22, 8, tzinfo=UTC)


def note(size: int, root: bytes, *witnesses: str) -> bytes:
    """Return a signed checkpoint."""
    checkpoint = Checkpoint(origin=str(LOG), size=size, root=root * 32)
    signed = SignedCheckpoint.sign(checkpoint, log_signer(LOG))
    lines = [cosign(checkpoint, make_keys(p).witness, time=TIME) for p in witnesses]
    return signed.with_signatures(lines).to_bytes()


def evidence(held: bytes, shown: bytes, root: bytes = b"") -> Evidence:
    """Return evidence of a fork."""
    return Evidence(
        log=str(LOG),
        reason="FORK",
        held_note=held,
        shown_note=shown,
        shown_by="320000",
        seen_time="2026-11-22T08:00:00Z",
        root=root,
    )


@pytest.mark.parametrize(
    "lang, words",
    [
        ("en", ("contradict each other", "held here", "shown by 320000", "One size, two roots")),
        ("zh", ("两份互相矛盾的历史", "本节点所持", "320000 于", "条数相同而根不同")),
    ],
)
def test_a_fork_in_words(lang: str, words: tuple[str, ...]) -> None:
    """Both checkpoints, who showed it, when, and who cosigned both."""
    found = evidence(note(5, b"a", "320000", "340000"), note(5, b"b", "340000"))
    with using_language(lang):
        lines = fork_lines(found)
    text = "\n".join(lines)
    for word in (*words, "61" * 32, "62" * 32, "2026-11-22T08:00:00Z"):
        assert word in text
    (both,) = [line for line in lines if "witness" in line]
    assert "deltacare/340000/witness" in both
    assert "320000/witness" not in both


def test_why_is_told_for_two_sizes() -> None:
    """By a root and a proof if they are known, by what is held otherwise."""
    held, shown = note(3, b"a"), note(5, b"b")
    with using_language("en"):
        proven = fork_lines(evidence(held, shown, b"c" * 32))
        known = fork_lines(evidence(held, shown))
        bare = fork_lines(evidence(b"", shown))
    assert any("63" * 32 in line and "consistency proof" in line for line in proven)
    assert any("entries that are held here" in line for line in known)
    assert any("no checkpoint" in line for line in bare)


@pytest.mark.parametrize(
    "survived, covered, words",
    [
        (2, 2, ("Entries 2 to 8 are under no quorum",)),
        (5, 5, ("Entries 2 to 4 survive", "Entries 5 to 8 are under no quorum")),
        (5, 7, ("2 to 4 survive", "5 to 6 were signed", "7 to 8 are under no quorum")),
        (9, 9, ("Entries 2 to 8 survive",)),
        (2, 9, ("Entries 2 to 8 were signed and cosigned again",)),
    ],
    ids=["nothing", "some", "some again", "all", "all again"],
)
def test_what_was_touched_in_words(survived: int, covered: int, words: tuple[str, ...]) -> None:
    """Each range is named once, with what it is good for; the last entry is included."""
    row = TouchedEntries(
        log=str(LOG),
        key_name=str(LOG),
        key_id="01020304",
        tainted_time="2026-11-22T08:00:00Z",
        first_index=2,
        end_index=9,
        survived_index=survived,
        covered_index=covered,
    )
    with using_language("en"):
        lines = touched_lines(row)
    assert "01020304" in lines[0]
    assert "entries 2 to 8" in lines[0]
    assert len(lines) == 1 + len(words)
    for line, word in zip(lines[1:], words, strict=True):
        assert word in line
    with using_language("zh"):
        assert len(touched_lines(row)) == len(lines)
