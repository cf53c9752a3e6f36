"""The target of the one place that judges checkpoints by windows and taints.

One log changed its key, one witness declared a key bad; checkpoints of every kind are shown at
several times. What is taken must be what that key signed, seen by who made those lines, by then.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from deltacare.ids import LogName
from deltacare.keys import LogSigner, NoteSignature, WitnessSigner
from deltacare.tlog.checkpoint import Checkpoint, SignedCheckpoint
from deltacare.tlog.cosignature import cosign
from deltacare.tlog.opening import CLOCK_SKEW_S_MAX, cosigners, open_checkpoint
from deltacare.trust import Federation, KeyTerm
from fuzz import oracle
from fuzz.documents import PROVINCES, federation
from fuzz.inputs import Input, attempt, edits, expect
from fuzz.notes import seed_of

__all__ = ["opening", "opening_seeds"]

LOG = LogName.registry("310000")
CHANGED = datetime(2026, 6, 1, tzinfo=UTC)
TIMES = tuple(CHANGED + timedelta(days=days) for days in (-10, -1, 1, 10))
HEADS = tuple(
    Checkpoint(origin=str(LOG), size=size, root=oracle.leaf(b"%d" % size)) for size in (1, 2)
)
OLD = LogSigner(name=str(LOG), seed=seed_of(str(LOG)))
NEW = LogSigner(name=str(LOG), seed=seed_of("new key of the log"))
WITNESSES = tuple(
    WitnessSigner(name=name, seed=seed_of(name))
    for name in (f"deltacare/{province}/witness" for province in PROVINCES[1:])
)
TAINTED = WITNESSES[0]


@lru_cache(maxsize=1)
def _trust() -> Federation:
    """Return the federation in which the log changed its key and a witness's was bad."""
    members = []
    for member in federation().members:
        terms: list[KeyTerm] = []
        for term in member.keys:
            if term.key == OLD.verifier:
                terms.append(replace(term, until_time=CHANGED))
                terms.append(KeyTerm(key=NEW.verifier, from_time=CHANGED))
            elif term.key == TAINTED.verifier:
                terms.append(replace(term, tainted_time=CHANGED))
                follows = WitnessSigner(name=term.key.name, seed=seed_of("new key of the witness"))
                terms.append(KeyTerm(key=follows.verifier, from_time=CHANGED))
            else:
                terms.append(term)
        members.append(replace(member, keys=tuple(terms)))
    return replace(federation(), members=tuple(members))


@lru_cache(maxsize=1)
def _shown() -> tuple[tuple[bytes, ...], frozenset[NoteSignature]]:
    """Return checkpoints by either key with cosignatures of each time, and every line of them."""
    notes: list[bytes] = []
    lines: set[NoteSignature] = set()
    for head in HEADS:
        for signer in (OLD, NEW):
            for time in TIMES:
                seen = [cosign(head, witness, time=time) for witness in WITNESSES]
                for count in (0, 1, 3):
                    signed = SignedCheckpoint.sign(head, signer).with_signatures(seen[:count])
                    notes.append(signed.to_bytes())
                    lines.update(signed.note.signatures)
    return tuple(notes), frozenset(lines)


def opening(data: bytes) -> bool:
    """Open a checkpoint at some time: old keys count only as far as a quorum saw them in force."""
    source = Input(data)
    notes, lines = _shown()
    now = source.choose(TIMES) + timedelta(seconds=source.below(2) * 400 - 200)
    raw = edits(source.choose(notes), source, others=notes)
    trust = _trust()
    opened = attempt(lambda: open_checkpoint(raw, log=LOG, trust=trust, now=now))
    if opened is None:
        return False
    expect(opened.checkpoint in HEADS, "a checkpoint is one that was signed")
    signers = {term.key for term in opened.keys}
    made = [line for key in signers for line in opened.signed.note.signatures if key.matches(line)]
    expect(bool(made) and all(line in lines for line in made), "by a line that was made")
    for each in opened.cosignatures:
        expect(each.signature in lines, "a cosignature is one that was made")
        is_past = each.time <= now + timedelta(seconds=CLOCK_SKEW_S_MAX)
        expect(is_past, "a cosignature is not from the future")
        expect(each.key != TAINTED.verifier, "a key that was declared bad says nothing")
    is_due = OLD.verifier if now < CHANGED else NEW.verifier
    if is_due not in signers:
        seen = [c for c in opened.cosignatures if (c.time < CHANGED) == (OLD.verifier in signers)]
        count = len(cosigners(seen, log=LOG, trust=trust))
        expect(count >= trust.quorum(LOG), "a key that is over needs a quorum of its time")
    return True


def opening_seeds() -> Iterator[bytes]:
    """Yield every checkpoint at every time."""
    for i in range(len(_shown()[0])):
        for j in range(len(TIMES)):
            yield bytes((j, j % 2, i))
