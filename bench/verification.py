"""Verifying a month's 400,000 records of a partner, against a signature for each of them.

Ours is what a mirror does with entry bytes before it stores anything: it hashes every leaf, builds
the tree, parses every entry, and verifies one signed checkpoint whose root must come out. The
baseline verifies one Ed25519 signature for every record over the same bytes, as a protocol that
signs messages must; a sample of it is measured, alternating with ours, on the same core. Neither
stores. The entries are generated.
"""

import statistics
import time
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from deltacare.keys import LogSigner, ed25519_public_key, ed25519_sign
from deltacare.tlog.checkpoint import Checkpoint, SignedCheckpoint
from deltacare.tlog.tree import Frontier, leaf_hashes
from deltacare.v1.entry_pb2 import Entry, SettlementRecord

__all__ = ["run"]

RECORDS = 400_000
SAMPLE = 4_000
ROUNDS = 5
GOAL = 40.0
_MESSAGE_ENTRIES = 4_096
_ORIGIN = "deltacare/310000/settlement/320000"


def _entries() -> list[bytes]:
    """Return the entries of a month, as a log holds them."""
    made = []
    for number in range(RECORDS):
        entry = Entry(maker="mk-1", reviewer="rv-1")
        entry.entry_time.FromSeconds(1_790_000_000 + number)
        entry.settlement_record.CopyFrom(
            SettlementRecord(
                settlement_no=f"S31{number:012d}",
                home="320000",
                host="310000",
                beneficiary_ref=f"{number * 2_654_435_761 % 2**128:032x}",
                institution=f"310000-{number % 600}",
                subsidy_kind="CARE_BED",
                service_month="2026-10",
                service_days=number % 28 + 1,
                amount_fen=4_500 * (number % 28 + 1),
                caregiver_cert_no=f"310000-C{number % 2_000:06d}",
            )
        )
        made.append(entry.SerializeToString(deterministic=True))
    return made


def _verified(entries: list[bytes], note: bytes, signer: LogSigner) -> int:
    """Return how many records stand in entries that a signed checkpoint covers."""
    frontier = Frontier.empty()
    parse = Entry.FromString
    records = 0
    for start in range(0, len(entries), _MESSAGE_ENTRIES):
        message = entries[start : start + _MESSAGE_ENTRIES]
        frontier = frontier.append(leaf_hashes(message))
        for data in message:
            records += parse(data).HasField("settlement_record")
    checkpoint = SignedCheckpoint.from_bytes(note, signer.verifier).checkpoint
    assert (checkpoint.size, checkpoint.root) == (len(entries), frontier.root), "proven"
    return records


def run() -> dict[str, dict[str, Any]]:
    """Measure and return the figure."""
    entries = _entries()
    seed = bytes(range(32))
    signer = LogSigner(name=_ORIGIN, seed=seed)
    tree = Frontier.empty().append(leaf_hashes(entries))
    checkpoint = Checkpoint(origin=_ORIGIN, size=len(entries), root=tree.root)
    note = SignedCheckpoint.sign(checkpoint, signer).to_bytes()
    # The library itself: the node's own function remembers what it has verified.
    verify = Ed25519PublicKey.from_public_bytes(ed25519_public_key(seed)).verify
    sample = entries[:: RECORDS // SAMPLE]
    signed = [(data, ed25519_sign(seed, data)) for data in sample]
    ours, theirs = [], []
    for _ in range(ROUNDS):
        # Time of this process: others at work on the machine do not count.
        begun_s = time.process_time()
        assert _verified(entries, note, signer) == RECORDS
        ours.append(RECORDS / (time.process_time() - begun_s))
        begun_s = time.process_time()
        for data, signature in signed:
            verify(signature, data)
        theirs.append(len(signed) / (time.process_time() - begun_s))
    rate, baseline = statistics.median(ours), statistics.median(theirs)
    return {
        f"verification of {RECORDS:,} records": {
            "value": round(rate),
            "unit": "records/s",
            "ratio": round(rate / baseline, 1),
            "baseline": f"a signature for each: {baseline:,.0f}/s",
            "goal": f"ratio >= {GOAL:.0f}",
            "met": rate / baseline >= GOAL,
        }
    }
