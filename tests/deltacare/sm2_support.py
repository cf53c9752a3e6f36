"""Seeded keys of the second suite and a log whose checkpoint carries both, for its tests."""

from collections.abc import Sequence
from dataclasses import dataclass

from deltacare.keys import LogSigner, WitnessSigner
from deltacare.sm2 import Sm2Signer, Sm2Use
from deltacare.tlog.checkpoint import Checkpoint, SignedCheckpoint
from deltacare.tlog.cosignature import cosign
from deltacare.tlog.policy import Policy, Sm2Policy
from deltacare.tlog.proof import inclusion_proof
from deltacare.tlog.receipt import Receipt
from deltacare.tlog.suite import cosign_sm2, sign_checkpoint_sm2
from tests.deltacare.builders import NOW, EntriesReader, naive_root, seed

LOG = "deltacare/310000/registry"
WITNESSES = ("deltacare/320000/witness", "deltacare/330000/witness")


def sm2_signer(name: str, use: Sm2Use = Sm2Use.NOTE) -> Sm2Signer:
    """Return the test key of a name and use."""
    return Sm2Signer(name=name, use=use, seed=seed(f"sm2 {use.name} {name}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A receipt under a checkpoint that the log and two witnesses signed in both suites.

    Attributes:
        entry: The entry's bytes.
        receipt: The receipt's bytes.
        checkpoint: The checkpoint with all six lines.
        policy: What a verifier trusts: both witnesses are needed.
        sm2: The same in keys of the second suite.
    """

    entry: bytes
    receipt: bytes
    checkpoint: SignedCheckpoint
    policy: Policy
    sm2: Sm2Policy


def shown(entries: Sequence[bytes] = (b"one", b"two", b"three")) -> Shown:
    """Return a receipt of the last entry of a log."""
    log = LogSigner(name=LOG, seed=seed(LOG))
    witnesses = [WitnessSigner(name=name, seed=seed(name)) for name in WITNESSES]
    sm2_log = sm2_signer(LOG)
    sm2_witnesses = [sm2_signer(name, Sm2Use.COSIGNATURE) for name in WITNESSES]
    head = Checkpoint(origin=LOG, size=len(entries), root=naive_root(entries))
    checkpoint = SignedCheckpoint.sign(head, log).with_signatures(
        [
            sign_checkpoint_sm2(head, sm2_log),
            *(cosign(head, signer, time=NOW) for signer in witnesses),
            *(cosign_sm2(head, signer, time=NOW) for signer in sm2_witnesses),
        ]
    )
    index = len(entries) - 1
    proof = inclusion_proof(EntriesReader(entries), index=index, size=len(entries))
    return Shown(
        entry=entries[index],
        receipt=Receipt(index=index, proof=proof, checkpoint=checkpoint.to_bytes()).to_bytes(),
        checkpoint=checkpoint,
        policy=Policy.of(
            logs=[log.verifier], witnesses=[signer.verifier for signer in witnesses], quorum=2
        ),
        sm2=Sm2Policy.of(
            logs=[sm2_log.verifier],
            witnesses=[signer.verifier for signer in sm2_witnesses],
            quorum=2,
        ),
    )
