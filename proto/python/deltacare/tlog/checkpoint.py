"""C2SP checkpoints: the signed size and root of a log.

Our logs sign three lines and no extension lines, so a checkpoint with more of them is not ours
and is refused.

Source: https://c2sp.org/tlog-checkpoint@v1.0.0
"""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from deltacare.errors import PeerFault, Reason
from deltacare.keys import LogSigner, NoteSignature, VerifierKey, decode_base64, is_key_name
from deltacare.tlog.note import SignedNote, sign_note, verify_note
from deltacare.tlog.tree import EMPTY_ROOT, HASH_BYTES, SIZE_MAX

__all__ = ["CHECKPOINT_BYTES_MAX", "Checkpoint", "SignedCheckpoint"]

# Four witnesses need under 1 KB; the note format asks for room for at least 16 signatures.
CHECKPOINT_BYTES_MAX = 65_536

_LINES = 3
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A log's tree head: which log, how many leaves, what root.

    Attributes:
        origin: The log's name.
        size: Leaves.
        root: 32 bytes.
    """

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        assert is_key_name(self.origin), "an origin has no spaces and no plus"
        assert 0 <= self.size <= SIZE_MAX, "a tree has less than 2^63 leaves"
        assert len(self.root) == HASH_BYTES, "a root has 32 bytes"

    def to_text(self) -> str:
        """Return the three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode('ascii')}\n"

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return the tree head of a note's text.

        Raises:
            PeerFault: ``BAD_SIGNATURE``, if it is not exactly such a text.
        """
        lines = text.split("\n")
        if len(lines) != _LINES + 1 or lines[-1]:
            raise _bad("A checkpoint has exactly three lines.")
        origin, size_text, root_text, _ = lines
        if not is_key_name(origin):
            raise _bad("The checkpoint's origin is not a log's name.")
        if not _DECIMAL.fullmatch(size_text) or int(size_text) > SIZE_MAX:
            raise _bad("The checkpoint's size is not a plain decimal below 2^63.")
        root = decode_base64(root_text)
        if root is None or len(root) != HASH_BYTES:
            raise _bad("The checkpoint's root is not canonical base64 of 32 bytes.")
        size = int(size_text)
        if size == 0 and root != EMPTY_ROOT:
            raise _bad("The checkpoint gives the empty tree a root it does not have.")
        return cls(origin=origin, size=size, root=root)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedCheckpoint:
    """A checkpoint that its log's key has signed: made only by signing or verifying.

    Attributes:
        checkpoint: The tree head.
        note: The note with the log's and perhaps witnesses' signatures; the latter unverified.
    """

    checkpoint: Checkpoint
    note: SignedNote

    @classmethod
    def sign(cls, checkpoint: Checkpoint, signer: LogSigner) -> Self:
        """Return a checkpoint signed by its log.

        Args:
            checkpoint: The tree head.
            signer: The log's key; its name is the origin.
        """
        assert signer.name == checkpoint.origin, "a log signs only for itself"
        text = checkpoint.to_text()
        note = SignedNote(text=text, signatures=(sign_note(text, signer),))
        return cls(checkpoint=checkpoint, note=note)

    @classmethod
    def from_bytes(cls, data: bytes, *log_keys: VerifierKey) -> Self:
        """Return the checkpoint of a note that one of a log's keys has signed.

        1. The note is well formed. 2. A key of the log signed it, and no line in the name of one of
        them is false. 3. Its text is a checkpoint. 4. The origin is the keys' name. Cosignatures
        are left to `deltacare.tlog.cosignature`, and the time at which a key counts to
        `deltacare.tlog.opening`.

        Args:
            data: The note.
            log_keys: The keys trusted for one log; their name is the log's.

        Raises:
            PeerFault: ``BAD_SIGNATURE``, if one of these does not hold.
        """
        assert len({key.name for key in log_keys}) == 1, "these are keys of one log"
        name = log_keys[0].name
        note = SignedNote.from_bytes(data, bytes_max=CHECKPOINT_BYTES_MAX)
        verify_note(note, log_keys)
        checkpoint = Checkpoint.from_text(note.text)
        if checkpoint.origin != name:
            raise _bad(f"The checkpoint is of {checkpoint.origin}, not of {name}.")
        return cls(checkpoint=checkpoint, note=note)

    def to_bytes(self) -> bytes:
        """Return the whole note."""
        return self.note.to_bytes()

    def with_signatures(self, signatures: Iterable[NoteSignature]) -> "SignedCheckpoint":
        """Return the checkpoint with further signature lines; a key's new line replaces its old."""
        return SignedCheckpoint(
            checkpoint=self.checkpoint, note=self.note.with_signatures(signatures)
        )


def _bad(message: str) -> PeerFault:
    return PeerFault(Reason.BAD_SIGNATURE, message)
