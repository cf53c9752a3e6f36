"""Receipts: one file that proves, offline, that an entry is in a log and who saw it there.

The file is a C2SP tlog-proof: index, inclusion proof and cosigned checkpoint. The entry's bytes
travel beside it. Trust is the verifier's own: keys, witnesses and quorum are passed in and never
read from the receipt.

Source: https://c2sp.org/tlog-proof@v1
"""

import base64
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from deltacare.errors import PeerFault, Reason
from deltacare.keys import KEY_NAME_CHARS_MAX, VerifierKey, decode_base64
from deltacare.tlog.checkpoint import CHECKPOINT_BYTES_MAX, Checkpoint, SignedCheckpoint
from deltacare.tlog.cosignature import Cosignature, verify_cosignatures
from deltacare.tlog.note import SignedNote, verify_note
from deltacare.tlog.policy import Policy, Sm2Policy
from deltacare.tlog.proof import PROOF_HASHES_MAX, verify_inclusion
from deltacare.tlog.standing import called_bad, resting_on
from deltacare.tlog.suite import SuiteEvidence, require_sm2
from deltacare.tlog.tree import HASH_BYTES, SIZE_MAX, leaf_hash

__all__ = [
    "EXTRA_BYTES_MAX",
    "RECEIPT_BYTES_MAX",
    "Receipt",
    "VerifiedReceipt",
    "verify_receipt",
    "verify_receipt_by_policy",
]

EXTRA_BYTES_MAX = 65_536
RECEIPT_BYTES_MAX = 2 * EXTRA_BYTES_MAX + 64 * PROOF_HASHES_MAX + CHECKPOINT_BYTES_MAX

_HEADER = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})", re.ASCII)
_EXTRA = "extra "

_Counted = Callable[
    [str, Sequence[VerifierKey], Sequence[Cosignature]], tuple[bool, Sequence[Cosignature]]
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A receipt as it was received: nothing in it is verified yet.

    Attributes:
        index: Index of the entry in the log, from zero.
        proof: Inclusion proof, leaf to root.
        checkpoint: The signed checkpoint's bytes, verbatim.
        extra: Opaque bytes that nobody signed; ``None`` if there is no such line.
    """

    index: int
    proof: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def __post_init__(self) -> None:
        assert 0 <= self.index <= SIZE_MAX, "an index is not negative"
        assert len(self.proof) <= PROOF_HASHES_MAX, "a proof is no longer than a tree is high"
        assert len(self.extra or b"") <= EXTRA_BYTES_MAX, "extra data is at most 64 KiB"

    def to_bytes(self) -> bytes:
        """Return the file's bytes."""
        lines = [_HEADER]
        if self.extra is not None:
            lines.append(_EXTRA + base64.b64encode(self.extra).decode("ascii"))
        lines.append(f"index {self.index}")
        lines += [base64.b64encode(hash_).decode("ascii") for hash_ in self.proof]
        return "\n".join(lines).encode() + b"\n\n" + self.checkpoint

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the parts of a receipt.

        Raises:
            PeerFault: ``BAD_PROOF``, if it is not exactly such a file.
        """
        if len(data) > RECEIPT_BYTES_MAX:
            raise _bad(f"The receipt has more than {RECEIPT_BYTES_MAX} bytes.")
        head, separator, checkpoint = data.partition(b"\n\n")
        try:
            lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise _bad("The receipt's lines are not ASCII.") from None
        # 1. The format.
        if not separator or lines.pop(0) != _HEADER:
            raise _bad("This is not a receipt (c2sp.org/tlog-proof@v1).")
        # 2. Perhaps extra data.
        extra: bytes | None = None
        if lines and lines[0].startswith(_EXTRA):
            extra = decode_base64(lines.pop(0)[len(_EXTRA) :])
            if extra is None or len(extra) > EXTRA_BYTES_MAX:
                raise _bad("The receipt's extra data is not canonical base64 of at most 64 KiB.")
        # 3. The index.
        match = _INDEX.fullmatch(lines.pop(0)) if lines else None
        if match is None or int(match[1]) > SIZE_MAX:
            raise _bad("The receipt's index is not a plain decimal below 2^63.")
        # 4. The proof. The checkpoint is read when it is verified.
        if len(lines) > PROOF_HASHES_MAX:
            raise _bad(f"The receipt's proof has more than {PROOF_HASHES_MAX} hashes.")
        proof: list[bytes] = []
        for line in lines:
            hash_ = decode_base64(line)
            if hash_ is None or len(hash_) != HASH_BYTES:
                raise _bad("A line of the receipt's proof is not canonical base64 of 32 bytes.")
            proof.append(hash_)
        return cls(index=int(match[1]), proof=tuple(proof), checkpoint=checkpoint, extra=extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedReceipt:
    """What a receipt proves about an entry.

    Attributes:
        checkpoint: The log, its size and root.
        index: Where the entry is in it.
        leaf: The entry's leaf hash.
        cosignatures: The known witnesses that saw the checkpoint, with their times.
        extra: Opaque bytes that nobody signed; not proved.
        sm2: What the second suite shows, if the verifier demanded it.
    """

    checkpoint: Checkpoint
    index: int
    leaf: bytes
    cosignatures: tuple[Cosignature, ...]
    extra: bytes | None
    sm2: SuiteEvidence | None = None

    def received_time(self, witness: str) -> datetime | None:
        """Return when a witness, by its key's name, received the entry; ``None`` if it has not."""
        times = [c.time for c in self.cosignatures if c.key.name == witness]
        return times[0] if times else None


def verify_receipt(
    data: bytes,
    entry: bytes,
    *,
    log_key: VerifierKey,
    witness_keys: Iterable[VerifierKey],
    quorum: int,
) -> VerifiedReceipt:
    """Check a receipt against one log's key and a number of known witnesses.

    Args:
        data: The receipt's bytes.
        entry: The entry's bytes as they are in the log.
        log_key: The key trusted for the log; its name is the log's.
        witness_keys: The witnesses that count, of type 0x04.
        quorum: How many of them must have cosigned; 0 for none.

    Raises:
        PeerFault: ``BAD_PROOF`` or ``BAD_SIGNATURE`` if it does not verify, ``NO_QUORUM`` if too
            few witnesses cosigned.
    """
    keys = tuple(witness_keys)
    assert 0 <= quorum <= len(keys), "a quorum is among the witnesses"
    # A cosignature does not name its witness: one key under two names would count twice.
    assert len({key.public_key for key in keys}) == len(keys), "witnesses have keys of their own"

    def counted(
        _origin: str, _signing: Sequence[VerifierKey], found: Sequence[Cosignature]
    ) -> tuple[bool, Sequence[Cosignature]]:
        return len(found) >= quorum, found

    return _verify(data, entry, (log_key,), keys, counted)


def verify_receipt_by_policy(
    data: bytes, entry: bytes, policy: Policy, *, sm2: Sm2Policy | None = None
) -> VerifiedReceipt:
    """Check a receipt against a verifier's own policy.

    Args:
        data: The receipt's bytes.
        entry: The entry's bytes as they are in the log.
        policy: The logs, witnesses and quorum the verifier trusts.
        sm2: The same in keys of the second suite, if the verifier demands that suite as well.

    Raises:
        PeerFault: ``BAD_PROOF`` or ``BAD_SIGNATURE`` if it does not verify, ``KEY_NOT_IN_FORCE``
            if it rests on a key called bad and does not survive, ``NO_QUORUM`` if the quorum is
            not met.
        Refusal: ``SUITE_NOT_AVAILABLE``, if `sm2` is given and this installation cannot tell.
    """
    bad = called_bad([policy])

    def counted(
        origin: str, signing: Sequence[VerifierKey], found: Sequence[Cosignature]
    ) -> tuple[bool, Sequence[Cosignature]]:
        resting_on(origin, signing, [(c.key, c.time) for c in found], [policy], bad)
        good = tuple(each for each in found if each.key not in bad)
        return policy.is_met(each.key for each in good), good

    verified = _verify(data, entry, policy.log_keys, policy.witness_keys, counted)
    if sm2 is None:
        return verified
    note = SignedNote.from_bytes(Receipt.from_bytes(data).checkpoint)
    return replace(verified, sm2=require_sm2(note, sm2))


def _verify(
    data: bytes,
    entry: bytes,
    log_keys: Sequence[VerifierKey],
    witness_keys: Sequence[VerifierKey],
    counted: _Counted,
) -> VerifiedReceipt:
    """Verify in the steps of tlog-proof, "Verifying a tlog proof".

    `counted` is told the log, its keys that signed and the cosignatures; it returns whether these
    suffice, and which of them count.
    """
    receipt = Receipt.from_bytes(data)
    # 1. The leaf hash, from the entry's bytes.
    leaf = leaf_hash(entry)
    # 2. The checkpoint is of an acceptable log, signed by one of the keys that it had.
    note = SignedNote.from_bytes(receipt.checkpoint, bytes_max=CHECKPOINT_BYTES_MAX)
    origin = note.text.partition("\n")[0]
    keys = [key for key in log_keys if key.name == origin]
    if not keys:
        raise PeerFault(
            Reason.BAD_SIGNATURE,
            "The receipt is of a log that is not trusted here.",
            details={"log": origin[:KEY_NAME_CHARS_MAX]},
        )
    signed = SignedCheckpoint.from_bytes(receipt.checkpoint, *keys)
    checkpoint = signed.checkpoint
    # 3. Cosignatures by known witnesses, and whether they suffice.
    is_quorum, cosignatures = counted(
        origin, verify_note(note, keys), verify_cosignatures(signed, witness_keys)
    )
    if not is_quorum:
        raise PeerFault(
            Reason.NO_QUORUM,
            "Too few known witnesses have cosigned the receipt's checkpoint.",
            details={"log": origin, "cosignatures": str(len(cosignatures))},
        )
    # 4. The entry is in the tree of that checkpoint.
    verify_inclusion(
        receipt.proof, leaf=leaf, index=receipt.index, size=checkpoint.size, root=checkpoint.root
    )
    return VerifiedReceipt(
        checkpoint=checkpoint,
        index=receipt.index,
        leaf=leaf,
        cosignatures=tuple(cosignatures),
        extra=receipt.extra,
    )


def _bad(message: str) -> PeerFault:
    return PeerFault(Reason.BAD_PROOF, message)
