"""The second suite on checkpoints: SM2 lines of logs and witnesses, made, and demanded by policy.

An SM2 line signs what the Ed25519 line beside it signs: a log's the note's text, a witness's the
text with its time. Readers that do not know the suite pass over both. Nothing here replaces
`SignedCheckpoint` and the cosignatures of type 0x04: the caller verifies those first, and asks for
this suite as well if its own policy demands it.
"""

import enum
from dataclasses import dataclass
from datetime import datetime

from deltacare.errors import PeerFault, Reason
from deltacare.keys import KEY_NAME_CHARS_MAX, NoteSignature
from deltacare.sm2 import Sm2Signer, Sm2Use, Sm2VerifierKey
from deltacare.times import posix_s
from deltacare.tlog.checkpoint import Checkpoint
from deltacare.tlog.cosignature import cosigned_message, join_timed, split_timed, stated_time
from deltacare.tlog.note import SignedNote, only_signature
from deltacare.tlog.policy import Sm2Policy
from deltacare.tlog.standing import called_bad, resting_on

__all__ = [
    "Sm2Cosignature",
    "Suite",
    "SuiteEvidence",
    "cosign_sm2",
    "require_sm2",
    "sign_checkpoint_sm2",
    "verify_cosignature_sm2",
]


class Suite(enum.StrEnum):
    """A suite that a verifier may demand besides Ed25519."""

    SM2 = "sm2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sm2Cosignature:
    """A witness's SM2 line that verified.

    Attributes:
        key: The witness's key.
        time: When the witness signed, to the second, by its own clock.
        signature: The line itself.
    """

    key: Sm2VerifierKey
    time: datetime
    signature: NoteSignature


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteEvidence:
    """What the SM2 lines of a checkpoint show.

    Attributes:
        checkpoint: The log, its size and root.
        log_key: The key of the log that signed.
        cosignatures: The known witnesses that signed, with their times; they meet the quorum.
    """

    checkpoint: Checkpoint
    log_key: Sm2VerifierKey
    cosignatures: tuple[Sm2Cosignature, ...]


def sign_checkpoint_sm2(checkpoint: Checkpoint, signer: Sm2Signer) -> NoteSignature:
    """Return a log's SM2 line, for `SignedCheckpoint.with_signatures`.

    Args:
        checkpoint: The tree head.
        signer: The log's key for notes; its name is the origin.
    """
    assert signer.use is Sm2Use.NOTE, "a log signs with a key for notes"
    assert signer.name == checkpoint.origin, "a log signs only for itself"
    return _line(signer, signer.sign(checkpoint.to_text().encode()))


def cosign_sm2(checkpoint: Checkpoint, signer: Sm2Signer, *, time: datetime) -> NoteSignature:
    """Return a witness's SM2 line, to stand beside its cosignature of type 0x04.

    The caller has verified that the checkpoint extends the last one it cosigned, and passes the
    time that it passes to `deltacare.tlog.cosignature.cosign`.

    Args:
        checkpoint: The tree head.
        signer: The witness's key for cosignatures.
        time: Now, rounded down to the second.
    """
    assert signer.use is Sm2Use.COSIGNATURE, "a witness signs with a key for cosignatures"
    timestamp_s = posix_s(time)
    assert timestamp_s > 0, "a cosignature states a time"
    signature = signer.sign(cosigned_message(checkpoint.to_text(), timestamp_s))
    return _line(signer, join_timed(timestamp_s, signature))


def verify_cosignature_sm2(
    checkpoint: Checkpoint, signature: NoteSignature, key: Sm2VerifierKey
) -> Sm2Cosignature:
    """Return a witness's SM2 line over a checkpoint with its time.

    Args:
        checkpoint: The tree head.
        signature: The line.
        key: The witness's key for cosignatures.

    Raises:
        PeerFault: ``BAD_SIGNATURE``, if it is not that witness's line over it.
        Refusal: ``SUITE_NOT_AVAILABLE``, if this installation cannot tell.
    """
    assert key.use is Sm2Use.COSIGNATURE, "a witness signs with a key for cosignatures"
    if not key.matches(signature):
        raise _bad(f"The SM2 cosignature is not in the name of {key.name}.")
    timestamp_s, body = split_timed(signature)
    key.verify(cosigned_message(checkpoint.to_text(), timestamp_s), body)
    return Sm2Cosignature(key=key, time=stated_time(timestamp_s, key.name), signature=signature)


def require_sm2(note: SignedNote, policy: Sm2Policy) -> SuiteEvidence:
    """Return what the SM2 lines of a checkpoint show, if they meet a policy's demand.

    Lines by unknown keys are ignored; a line in the name of a known key must verify, and may stand
    there once.

    Args:
        note: The checkpoint's note.
        policy: The SM2 keys of logs and witnesses the verifier trusts, and the quorum.

    Raises:
        PeerFault: ``BAD_SIGNATURE``, if no trusted SM2 key of the log has signed, or a line in a
            known name does not verify, or the text is no checkpoint; ``KEY_NOT_IN_FORCE``, if
            only keys called bad have, and it does not survive; ``NO_QUORUM``, if too few witnesses
            have.
        Refusal: ``SUITE_NOT_AVAILABLE``, if this installation cannot tell.
    """
    # 1. A key that the policy names for this log has signed the text.
    origin = note.text.partition("\n")[0]
    message = note.text.encode()
    signed: list[Sm2VerifierKey] = []
    for key in policy.log_keys:
        signature = only_signature(note, key) if key.name == origin else None
        if signature is not None:
            key.verify(message, signature.signature)
            signed.append(key)
    if not signed:
        raise PeerFault(
            Reason.BAD_SIGNATURE,
            "No SM2 key that the policy trusts for the log has signed the checkpoint.",
            details={"log": origin[:KEY_NAME_CHARS_MAX], "suite": Suite.SM2},
        )
    # 2. The text is a checkpoint.
    checkpoint = Checkpoint.from_text(note.text)
    # 3. Witnesses that the policy names have signed it with their times, and they suffice.
    cosignatures: list[Sm2Cosignature] = []
    for key in policy.witness_keys:
        signature = only_signature(note, key)
        if signature is not None:
            cosignatures.append(verify_cosignature_sm2(checkpoint, signature, key))
    # 4. Keys that were called bad count for nothing, but for what a quorum had signed before.
    bad = called_bad([policy])
    survived = resting_on(origin, signed, [(c.key, c.time) for c in cosignatures], [policy], bad)
    cosignatures = [each for each in cosignatures if each.key not in bad]
    if not policy.is_met(c.key for c in cosignatures):
        raise PeerFault(
            Reason.NO_QUORUM,
            "Too few known witnesses have signed the checkpoint with SM2.",
            details={"log": origin, "suite": Suite.SM2, "cosignatures": str(len(cosignatures))},
        )
    log_key = next((key for key in signed if key not in bad), signed[0])
    return SuiteEvidence(
        checkpoint=checkpoint,
        log_key=log_key if survived is None else survived.key,
        cosignatures=tuple(cosignatures),
    )


def _line(signer: Sm2Signer, signature: bytes) -> NoteSignature:
    verifier = signer.verifier
    return NoteSignature(name=verifier.name, key_id=verifier.key_id, signature=signature)


def _bad(message: str) -> PeerFault:
    return PeerFault(Reason.BAD_SIGNATURE, message)
