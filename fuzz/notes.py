"""Targets with signatures: what verifies must be one of the things that were signed.

Everything valid is made here once from fixed keys; the set of what each key signed is the oracle.
Inputs are texts of their own or edits of valid ones. Signatures of the kernel are trusted only to
be unforgeable by edits.
"""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache

from deltacare.keys import LogSigner, NoteSignature, VerifierKey, WitnessSigner
from deltacare.sm2 import Sm2Signer, Sm2Use
from deltacare.tlog.checkpoint import CHECKPOINT_BYTES_MAX, Checkpoint, SignedCheckpoint
from deltacare.tlog.cosignature import cosign, verify_cosignatures
from deltacare.tlog.note import SIGNATURES_MAX, SignedNote, sign_note, verify_note
from deltacare.tlog.policy import Policy, Sm2Policy
from deltacare.tlog.receipt import Receipt, verify_receipt, verify_receipt_by_policy
from deltacare.tlog.suite import cosign_sm2, require_sm2, sign_checkpoint_sm2
from fuzz import oracle
from fuzz.inputs import Input, attempt, edits, expect

__all__ = [
    "checkpoint",
    "cosignature",
    "note",
    "note_seeds",
    "receipt",
    "receipt_seeds",
    "seed_of",
    "suite",
]

LOG = "deltacare/310000/registry"
WITNESSES = tuple(f"deltacare/{p}/witness" for p in ("320000", "330000", "340000"))
QUORUM = 2
SIZES = (1, 2, 3, 5, 8, 13)
ENTRIES = tuple(b"entry %d" % i for i in range(SIZES[-1]))
LEAVES = tuple(oracle.leaf(entry) for entry in ENTRIES)
TIMES = tuple(datetime(2026, 11, day, 8, 0, tzinfo=UTC) for day in (20, 21))


def seed_of(name: str) -> bytes:
    """Return the private key of a name: 32 bytes that are always the same."""
    return hashlib.sha256(b"deltacare fuzz key " + name.encode()).digest()


LOG_SIGNER = LogSigner(name=LOG, seed=seed_of(LOG))
OTHER_SIGNER = LogSigner(name="deltacare/320000/registry", seed=seed_of("other"))
WITNESS_SIGNERS = tuple(WitnessSigner(name=name, seed=seed_of(name)) for name in WITNESSES)
LOG_KEY, OTHER_KEY = LOG_SIGNER.verifier, OTHER_SIGNER.verifier
WITNESS_KEYS = tuple(signer.verifier for signer in WITNESS_SIGNERS)
POLICY = Policy.of(logs=[LOG_KEY, OTHER_KEY], witnesses=WITNESS_KEYS, quorum=QUORUM)

HEADS = tuple(
    Checkpoint(origin=LOG, size=size, root=oracle.root(LEAVES[:size])) for size in (0, *SIZES)
)
# What the log's key signed that is no checkpoint: signatures of it exist, so text must not do.
TEXTS = ("\n", "one\n\ntwo\n", f"{LOG}\n1\n", f"{LOG}\n01\nAAAA\n", "\N{EM DASH} a AAAA\n")
STRANGER = NoteSignature(name="example.com/w", key_id=b"abcd", signature=b"\x00" * 72)

SIGNED: set[tuple[VerifierKey, str]] = set()
"""Which key signed which text as a note."""
COSIGNED: set[tuple[VerifierKey, str, datetime]] = set()
"""Which witness signed which checkpoint with which time."""
LINES: set[NoteSignature] = set()
"""Every signature that was made: of an Ed25519 signature no second one can be made from it."""


def _notes() -> Iterator[SignedNote]:
    for text in (*TEXTS, *(head.to_text() for head in HEADS)):
        lines = []
        for signer in (LOG_SIGNER, OTHER_SIGNER):
            SIGNED.add((signer.verifier, text))
            lines.append(sign_note(text, signer))
        LINES.update(lines)
        yield SignedNote(text=text, signatures=(lines[0],))
        yield SignedNote(text=text, signatures=(STRANGER, *lines))
    for i, head in enumerate(HEADS):
        signed = SignedCheckpoint.sign(head, LOG_SIGNER)
        lines = []
        for j, witness in enumerate(WITNESS_SIGNERS):
            time = TIMES[(i + j) % 2]
            COSIGNED.add((witness.verifier, head.to_text(), time))
            lines.append(cosign(head, witness, time=time))
        LINES.update(lines)
        yield signed.with_signatures(lines[: i % 4]).note
        yield signed.with_signatures([*lines, STRANGER]).note


NOTES = tuple(note.to_bytes() for note in _notes())


def _text_of(source: Input, texts: tuple[bytes, ...]) -> bytes:
    """Return a text of the input's own, or a valid one after edits."""
    if source.below(2):
        return edits(source.choose(texts), source, others=texts)
    return source.rest()


def note(data: bytes) -> bool:
    """Read a note: it is written again byte for byte, and verifies only as it was signed."""
    source = Input(data)
    raw = _text_of(source, NOTES)
    parsed = attempt(lambda: SignedNote.from_bytes(raw))
    if parsed is None:
        return False
    expect(parsed.to_bytes() == raw, "a note has one spelling")
    expect(0 < len(parsed.signatures) <= SIGNATURES_MAX, "a note has 1 to 100 signatures")
    keys = attempt(lambda: verify_note(parsed, (LOG_KEY, OTHER_KEY, *WITNESS_KEYS)))
    for key in keys or ():
        expect((key, parsed.text) in SIGNED, "a text verifies only if its key signed it")
        lines = [line for line in parsed.signatures if key.matches(line)]
        expect(len(lines) == 1 and lines[0] in LINES, "by the one signature that was made")
    return bool(keys)


def checkpoint(data: bytes) -> bool:
    """Read a checkpoint, as a stranger's bytes and as text that a dishonest log did sign."""
    source = Input(data)
    if source.below(2):
        raw = edits(source.choose(NOTES), source, others=NOTES)
        signed = attempt(lambda: SignedCheckpoint.from_bytes(raw, LOG_KEY))
        if signed is None:
            return False
        expect(signed.checkpoint in HEADS, "a checkpoint verifies only if its log signed it")
        lines = [line for line in signed.note.signatures if LOG_KEY.matches(line)]
        expect(len(lines) == 1 and lines[0] in LINES, "by the one signature that was made")
        expect(signed.to_bytes() == raw, "a checkpoint has one spelling")
        return True
    base = source.choose((*HEADS[:3], None))
    raw = source.rest() if base is None else edits(base.to_text().encode(), source)
    text = raw.decode("utf-8", "ignore") + "\n"
    head = attempt(lambda: Checkpoint.from_text(text))
    if head is None:
        return False
    expect(head.to_text() == text, "a tree head has one spelling")
    expect(text.count("\n") == 3 and " " not in head.origin, "it is three lines")  # noqa: PLR2004
    whole = SignedNote(text=text, signatures=(sign_note(text, LOG_SIGNER),)).to_bytes()
    signed = attempt(lambda: SignedCheckpoint.from_bytes(whole, LOG_KEY))
    is_taken = head.origin == LOG and len(whole) <= CHECKPOINT_BYTES_MAX
    expect((signed is not None) == is_taken, "a log signs for itself only")
    return True


def cosignature(data: bytes) -> bool:
    """Read cosignatures: each that counts was made by that witness over that tree at that time."""
    source = Input(data)
    raw = edits(source.choose(NOTES), source, others=NOTES)
    signed = attempt(lambda: SignedCheckpoint.from_bytes(raw, LOG_KEY))
    if signed is None:
        return False
    found = attempt(lambda: verify_cosignatures(signed, WITNESS_KEYS))
    for each in found or ():
        fact = (each.key, signed.checkpoint.to_text(), each.time)
        is_made = fact in COSIGNED and each.signature in LINES
        expect(is_made, "a cosignature counts only if the witness made it")
    expect(len({each.key for each in found or ()}) == len(found or ()), "a witness counts once")
    return bool(found)


def note_seeds() -> Iterator[bytes]:
    """Yield every valid note as itself and as the base of edits."""
    for i, raw in enumerate(NOTES):
        yield b"\x00" + raw
        yield bytes((1, i))
        # Edits of each kind somewhere in it.
        yield bytes((1, i, i % 7, 0, 3 * i % 251, 5, 7))


def _receipts() -> Iterator[tuple[bytes, bytes]]:
    for size, head in zip(SIZES, HEADS[1:], strict=True):
        lines = []
        for witness in WITNESS_SIGNERS[: size % 4]:
            COSIGNED.add((witness.verifier, head.to_text(), TIMES[0]))
            lines.append(cosign(head, witness, time=TIMES[0]))
        LINES.update(lines)
        signed = SignedCheckpoint.sign(head, LOG_SIGNER).with_signatures(lines)
        for index in {0, size // 2, size - 1}:
            receipt_ = Receipt(
                index=index,
                proof=tuple(oracle.path(index, LEAVES[:size])),
                checkpoint=signed.to_bytes(),
                extra=b"extra" if index else None,
            )
            yield receipt_.to_bytes(), ENTRIES[index]


RECEIPTS = tuple(_receipts())
_RECEIPT_TEXTS = tuple(raw for raw, _ in RECEIPTS)


def receipt(data: bytes) -> bool:
    """Read a receipt: what it proves is an entry of that log at that index, seen by a quorum."""
    source = Input(data)
    raw, entry = source.choose(RECEIPTS)
    if source.below(8) == 0:
        raw = source.rest()
    elif source.below(8) == 0:
        entry = source.take(source.below(20))
    else:
        raw = edits(raw, source, others=_RECEIPT_TEXTS)
    parsed = attempt(lambda: Receipt.from_bytes(raw))
    if parsed is not None:
        expect(parsed.to_bytes() == raw, "a receipt has one spelling")
    by_keys = attempt(
        lambda: verify_receipt(
            raw, entry, log_key=LOG_KEY, witness_keys=WITNESS_KEYS, quorum=QUORUM
        )
    )
    by_policy = attempt(lambda: verify_receipt_by_policy(raw, entry, POLICY))
    expect(by_keys == by_policy, "keys and policy that say the same answer the same")
    if by_keys is None:
        return False
    expect(by_keys.checkpoint in HEADS, "a receipt is under a checkpoint that the log signed")
    expect(by_keys.index < by_keys.checkpoint.size, "an entry is in the tree")
    expect(ENTRIES[by_keys.index] == entry, "a receipt proves the entry that is there")
    expect(len({c.key for c in by_keys.cosignatures}) >= QUORUM, "a quorum saw it")
    for each in by_keys.cosignatures:
        fact = (each.key, by_keys.checkpoint.to_text(), each.time)
        is_made = fact in COSIGNED and each.signature in LINES
        expect(is_made, "a cosignature counts only if the witness made it")
    return True


def receipt_seeds() -> Iterator[bytes]:
    """Yield every valid receipt: as it is, with another entry, and as bytes of the input's own."""
    for i, (raw, _) in enumerate(RECEIPTS):
        yield bytes((i, 1, 1))
        yield bytes((i, 1, 0, 3)) + b"abc"
        yield bytes((i, 0)) + raw
        yield bytes((i, 1, 1, i % 7, 0, 5 * i % 251, 3))


@lru_cache(maxsize=1)
def _suite() -> tuple[bytes, Sm2Policy]:
    """Return a checkpoint with SM2 lines, and the demand for them; GmSSL is loaded only here."""
    head = HEADS[-1]
    log = Sm2Signer(name=LOG, use=Sm2Use.NOTE, seed=seed_of("sm2"))
    witnesses = [
        Sm2Signer(name=name, use=Sm2Use.COSIGNATURE, seed=seed_of(f"sm2 {name}"))
        for name in WITNESSES
    ]
    signed = SignedCheckpoint.sign(head, LOG_SIGNER).with_signatures(
        [sign_checkpoint_sm2(head, log), *(cosign_sm2(head, s, time=TIMES[0]) for s in witnesses)]
    )
    policy = Sm2Policy.of(
        logs=[log.verifier], witnesses=[s.verifier for s in witnesses], quorum=QUORUM
    )
    return signed.to_bytes(), policy


def suite(data: bytes) -> bool:
    """Demand the second suite of an edited checkpoint: only the one that was signed has it."""
    whole, policy = _suite()
    raw = edits(whole, Input(data), others=(whole,))
    parsed = attempt(lambda: SignedNote.from_bytes(raw))
    if parsed is None:
        return False
    found = attempt(lambda: require_sm2(parsed, policy))
    if found is None:
        return False
    expect(found.checkpoint == HEADS[-1], "SM2 lines verify only over what was signed")
    made = SignedNote.from_bytes(whole).signatures
    expect(all(c.signature in made for c in found.cosignatures), "and by the lines that were made")
    expect(len({c.key for c in found.cosignatures}) >= QUORUM, "and by a quorum")
    return True
