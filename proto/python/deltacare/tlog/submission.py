"""C2SP tlog-witness: what a log sends a witness to get a checkpoint cosigned, and what comes back.

Anybody can send this, so it is read strictly and only far enough to know what is claimed: nothing
in it is verified here, and no number in it is believed. Whether the witness cosigns is decided by
who knows what it cosigned before.

Source: https://c2sp.org/tlog-witness@v1.0.0
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from deltacare.errors import PeerFault, invalid_field
from deltacare.keys import NoteSignature, decode_base64
from deltacare.tlog.checkpoint import CHECKPOINT_BYTES_MAX
from deltacare.tlog.note import SignedNote
from deltacare.tlog.tree import HASH_BYTES, SIZE_MAX

__all__ = [
    "PROOF_LINES_MAX",
    "SUBMISSION_BYTES_MAX",
    "Submission",
    "cosignature_lines",
    "origin_hash",
]

PROOF_LINES_MAX = 63
"""More than the longest proof between two trees of less than 2^63 leaves."""

_HASH_LINE_BYTES = 45  # 32 bytes in base64, and a newline
_OLD_LINE_BYTES_MAX = 24
SUBMISSION_BYTES_MAX = (
    _OLD_LINE_BYTES_MAX + PROOF_LINES_MAX * _HASH_LINE_BYTES + 1 + CHECKPOINT_BYTES_MAX
)

_OLD_LINE = re.compile(r"old (0|[1-9][0-9]{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A request to cosign, as it was received: nothing in it is verified yet.

    Attributes:
        old_size: Size of the checkpoint that the sender believes was cosigned last.
        proof: Consistency proof from that size to the checkpoint's.
        note: The signed checkpoint, exact bytes.
        origin: The log that its first line names.
    """

    old_size: int
    proof: tuple[bytes, ...]
    note: bytes
    origin: str

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the parts of a request.

        Raises:
            Refusal: ``INVALID_FIELD``, if it is no well-formed request.
        """
        # 1. Size, and the empty line between the proof and the checkpoint.
        if len(data) > SUBMISSION_BYTES_MAX:
            raise invalid_field("body", len(data), f"It is over {SUBMISSION_BYTES_MAX} bytes.")
        head, separator, note = data.partition(b"\n\n")
        if not separator:
            raise invalid_field("body", "", "No empty line stands before the checkpoint.")
        try:
            first, *lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise invalid_field("body", "", "What precedes the checkpoint is not ASCII.") from None
        # 2. The old size.
        match = _OLD_LINE.fullmatch(first)
        if match is None or int(match[1]) > SIZE_MAX:
            raise invalid_field(
                "old", first, "The first line is not a plain decimal size.", "Write it as old 0."
            )
        # 3. The proof.
        if len(lines) > PROOF_LINES_MAX:
            raise invalid_field("proof", len(lines), f"It has over {PROOF_LINES_MAX} lines.")
        proof = tuple(_hash(line, index) for index, line in enumerate(lines))
        # 4. The checkpoint, as far as it is a note.
        try:
            text = SignedNote.from_bytes(note, bytes_max=CHECKPOINT_BYTES_MAX).text
        except PeerFault as fault:
            raise invalid_field("checkpoint", "", fault.message) from None
        return cls(old_size=int(match[1]), proof=proof, note=note, origin=text.partition("\n")[0])

    def to_bytes(self) -> bytes:
        """Return the request's body."""
        lines = "".join(f"{base64.b64encode(hash_).decode('ascii')}\n" for hash_ in self.proof)
        return f"old {self.old_size}\n{lines}\n".encode("ascii") + self.note

    @classmethod
    def of(cls, note: bytes, *, old_size: int = 0, proof: Sequence[bytes] = ()) -> Self:
        """Return the request to cosign a signed checkpoint.

        Args:
            note: The signed checkpoint.
            old_size: What the witness cosigned last.
            proof: From there to the checkpoint.
        """
        origin = SignedNote.from_bytes(note).text.partition("\n")[0]
        return cls(old_size=old_size, proof=tuple(proof), note=note, origin=origin)


def cosignature_lines(signatures: Iterable[NoteSignature]) -> bytes:
    """Return the body of a witness's answer: one signature line for each cosignature."""
    return "".join(signature.to_line() for signature in signatures).encode()


def origin_hash(origin: str) -> str:
    """Return the name under which a witness serves what it cosigned of a log: 64 hex digits."""
    return hashlib.sha256(origin.encode()).hexdigest()


def _hash(line: str, index: int) -> bytes:
    found = decode_base64(line)
    if found is None or len(found) != HASH_BYTES:
        raise invalid_field(
            f"proof[{index}]", line, f"It is not canonical base64 of {HASH_BYTES} bytes."
        )
    return found
