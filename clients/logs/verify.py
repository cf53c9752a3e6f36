"""Verifies a whole log against a verifier's own policy: who signed, who saw it, what it holds.

The root is computed from every entry, so nothing rests on proofs that someone else made.
"""

from collections.abc import Callable
from dataclasses import dataclass

from clients.logs.source import LogSource, claimed_size
from deltacare.errors import PeerFault, Reason
from deltacare.times import format_time
from deltacare.tlog.checkpoint import CHECKPOINT_BYTES_MAX, SignedCheckpoint
from deltacare.tlog.cosignature import verify_cosignatures
from deltacare.tlog.note import SignedNote, verify_note
from deltacare.tlog.policy import Policy
from deltacare.tlog.standing import called_bad, resting_on
from deltacare.tlog.tree import Frontier, leaf_hashes

__all__ = ["VerifiedLog", "verify_log"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedLog:
    """What was proved about a log.

    Attributes:
        origin: Its name.
        size: Entries.
        root: Root of the tree over all of them, 32 bytes.
        cosignatures: Witnesses that saw this checkpoint, each with its time, RFC 3339.
    """

    origin: str
    size: int
    root: bytes
    cosignatures: tuple[tuple[str, str], ...]


def verify_log(
    source: LogSource, policy: Policy, advance: Callable[[int], None] = lambda _: None
) -> VerifiedLog:
    """Verify a whole log.

    1. The checkpoint is of a log that the policy trusts, and signed by a key of it. 2. Known
    witnesses cosigned it, and they meet the policy's quorum; if only bad keys of the log signed it,
    before these were bad. 3. The entries are as many as it says,
    and their tree has its root.

    Args:
        source: Where to read it.
        policy: The logs, witnesses and quorum that the verifier trusts.
        advance: Is told how many more entries were read.

    Raises:
        PeerFault: ``BAD_SIGNATURE``, ``KEY_NOT_IN_FORCE``, ``NO_QUORUM`` or ``BAD_PROOF``.
    """
    # 1. The log's signature.
    note = source.checkpoint()
    parsed = SignedNote.from_bytes(note, bytes_max=CHECKPOINT_BYTES_MAX)
    origin = parsed.text.partition("\n")[0]
    keys = tuple(key for key in policy.log_keys if key.name == origin)
    if not keys:
        raise PeerFault(
            Reason.BAD_SIGNATURE,
            f"The policy does not trust the log {origin}.",
            details={"log": origin},
        )
    signed = SignedCheckpoint.from_bytes(note, *keys)
    # 2. The witnesses' cosignatures.
    cosigned = verify_cosignatures(signed, policy.witness_keys)
    bad = called_bad([policy])
    signing = verify_note(parsed, keys)
    resting_on(origin, signing, [(c.key, c.time) for c in cosigned], [policy], bad)
    cosignatures = [each for each in cosigned if each.key not in bad]
    if not policy.is_met(cosignature.key for cosignature in cosignatures):
        raise PeerFault(
            Reason.NO_QUORUM,
            f"Too few known witnesses have cosigned the checkpoint of {origin}.",
            details={"log": origin, "cosignatures": str(len(cosignatures))},
        )
    # 3. The entries.
    frontier = Frontier.empty()
    for run in source.entries(claimed_size(note)):
        frontier = frontier.append(leaf_hashes(run))
        advance(len(run))
    checkpoint = signed.checkpoint
    if (frontier.size, frontier.root) != (checkpoint.size, checkpoint.root):
        raise PeerFault(
            Reason.BAD_PROOF,
            f"The entries of {origin} do not have the root that was signed.",
            details={"log": origin, "size": str(frontier.size), "signed": str(checkpoint.size)},
        )
    return VerifiedLog(
        origin=origin,
        size=checkpoint.size,
        root=checkpoint.root,
        cosignatures=tuple((c.key.name, format_time(c.time)) for c in cosignatures),
    )
