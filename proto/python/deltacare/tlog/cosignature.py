"""C2SP cosignatures of type 0x04: a witness says what it saw of a log, and when.

The time is part of what is signed: it is when, in law and in this program, a partner received
what the checkpoint covers. Whether enough witnesses signed is judged by the caller.

Source: https://c2sp.org/tlog-cosignature (Ed25519, cosignature/v1)
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from deltacare.errors import PeerFault, Reason, Refusal
from deltacare.keys import SIGNATURE_BYTES, Algorithm, NoteSignature, VerifierKey, WitnessSigner
from deltacare.times import from_posix_s, posix_s
from deltacare.tlog.checkpoint import Checkpoint, SignedCheckpoint
from deltacare.tlog.note import only_signature

__all__ = [
    "Cosignature",
    "cosign",
    "cosigned_message",
    "join_timed",
    "split_timed",
    "stated_time",
    "verify_cosignature",
    "verify_cosignatures",
]

_TIMESTAMP_BYTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosignature:
    """A cosignature that verified.

    Attributes:
        key: The witness's key.
        time: When the witness signed, to the second, by its own clock.
        signature: The line itself.
    """

    key: VerifierKey
    time: datetime
    signature: NoteSignature


def cosigned_message(text: str, timestamp_s: int) -> bytes:
    """Return the bytes that a cosignature signs: header, time, and the checkpoint's text."""
    return f"cosignature/v1\ntime {timestamp_s}\n{text}".encode()


def cosign(checkpoint: Checkpoint, signer: WitnessSigner, *, time: datetime) -> NoteSignature:
    """Return a witness's cosignature over a checkpoint.

    The caller has verified that the checkpoint extends the last one it cosigned.

    Args:
        checkpoint: The tree head.
        signer: The witness's key.
        time: Now, rounded down to the second.
    """
    timestamp_s = posix_s(time)
    assert timestamp_s > 0, "a cosignature states a time"
    signature = signer.sign(cosigned_message(checkpoint.to_text(), timestamp_s))
    verifier = signer.verifier
    return NoteSignature(
        name=verifier.name, key_id=verifier.key_id, signature=join_timed(timestamp_s, signature)
    )


def join_timed(timestamp_s: int, signature: bytes) -> bytes:
    """Return a timestamped signature: the time in eight bytes, big-endian, and the signature."""
    return timestamp_s.to_bytes(_TIMESTAMP_BYTES, "big") + signature


def split_timed(signature: NoteSignature) -> tuple[int, bytes]:
    """Return the time in seconds and the 64 bytes of a timestamped signature, of either suite.

    Raises:
        PeerFault: ``BAD_SIGNATURE``, if it has another length.
    """
    data = signature.signature
    if len(data) != _TIMESTAMP_BYTES + SIGNATURE_BYTES:
        raise _bad(
            f"The cosignature in the name of {signature.name} is not a time and a signature."
        )
    return int.from_bytes(data[:_TIMESTAMP_BYTES], "big"), data[_TIMESTAMP_BYTES:]


def stated_time(timestamp_s: int, name: str) -> datetime:
    """Return the time that a cosignature which verified states.

    Raises:
        PeerFault: ``BAD_SIGNATURE``, if there is no such time.
    """
    try:
        return from_posix_s(timestamp_s)
    except Refusal:
        raise _bad(f"The cosignature by {name} states an impossible time.") from None


def verify_cosignature(
    checkpoint: Checkpoint, signature: NoteSignature, key: VerifierKey
) -> Cosignature:
    """Return a witness's cosignature over a checkpoint with its time.

    Args:
        checkpoint: The tree head.
        signature: The line.
        key: The witness's key, of type 0x04.

    Raises:
        PeerFault: ``BAD_SIGNATURE``, if it is not that witness's cosignature over it.
    """
    assert key.algorithm is Algorithm.COSIGNATURE_V1, "a witness's key is of type 0x04"
    if not key.matches(signature):
        raise _bad(f"The cosignature is not in the name of {key.name}.")
    timestamp_s, body = split_timed(signature)
    key.verify(cosigned_message(checkpoint.to_text(), timestamp_s), body)
    time = stated_time(timestamp_s, key.name)
    return Cosignature(key=key, time=time, signature=signature)


def verify_cosignatures(
    signed: SignedCheckpoint, keys: Iterable[VerifierKey]
) -> tuple[Cosignature, ...]:
    """Return the cosignatures by known witnesses on a signed checkpoint.

    Lines by unknown keys are ignored; a line in the name of a known witness must verify.

    Args:
        signed: Verified with the log's key.
        keys: The witnesses' keys, of type 0x04.

    Returns:
        In the order of `keys`; empty if none of them signed.

    Raises:
        PeerFault: ``BAD_SIGNATURE``, if a line in a known witness's name does not verify.
    """
    found: list[Cosignature] = []
    for key in keys:
        signature = only_signature(signed.note, key)
        if signature is not None:
            found.append(verify_cosignature(signed.checkpoint, signature, key))
    return tuple(found)


def _bad(message: str) -> PeerFault:
    return PeerFault(Reason.BAD_SIGNATURE, message)
