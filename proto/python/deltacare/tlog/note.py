"""C2SP signed notes: a text and the signatures under it, read strictly.

A note is parsed only far enough to know its text and its signature lines; the text means nothing
until a known key has verified it. Notes that could be read in two ways are refused.

Source: https://c2sp.org/signed-note
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from deltacare.errors import PeerFault, Reason
from deltacare.keys import (
    Algorithm,
    LogSigner,
    NoteSignature,
    VerifierKey,
    decode_base64,
    is_key_name,
)
from deltacare.sm2 import Sm2VerifierKey

__all__ = [
    "NOTE_BYTES_MAX",
    "SIGNATURES_MAX",
    "SignedNote",
    "only_signature",
    "sign_note",
    "verify_note",
]

NOTE_BYTES_MAX = 1_000_000
SIGNATURES_MAX = 100

_SEPARATOR = "\n\n"
_LINE_START = "\N{EM DASH} "
_SIGNED_BYTES_MIN = 4 + 1  # key id and something after it
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")  # but the newline


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedNote:
    """A note as it was received: nothing in it is verified yet.

    Attributes:
        text: The signed text with its final newline.
        signatures: The signature lines, in order, one to 100.
    """

    text: str
    signatures: tuple[NoteSignature, ...]

    def __post_init__(self) -> None:
        assert self.text.endswith("\n"), "a note's text ends in a newline"
        assert 0 < len(self.signatures) <= SIGNATURES_MAX, "a note has 1 to 100 signatures"

    @classmethod
    def from_bytes(cls, data: bytes, *, bytes_max: int = NOTE_BYTES_MAX) -> Self:
        """Return the parts of a note.

        Args:
            data: The whole note.
            bytes_max: The size above which it is not looked at.

        Raises:
            PeerFault: ``BAD_SIGNATURE``, if it is no well-formed note.
        """
        # 1. Size and alphabet.
        if len(data) > bytes_max:
            raise malformed(f"The note has more than {bytes_max} bytes.")
        try:
            whole = data.decode("utf-8")
        except UnicodeDecodeError:
            raise malformed("The note is not UTF-8.") from None
        if _CONTROL.search(whole):
            raise malformed("The note holds a control character.")
        # 2. The last empty line separates text and signatures.
        text, separator, lines = whole.rpartition(_SEPARATOR)
        if not separator or not lines.endswith("\n"):
            raise malformed("The note has no signatures, or is cut off.")
        # 3. Signature lines.
        rows = lines[:-1].split("\n")
        if len(rows) > SIGNATURES_MAX:
            raise malformed(f"The note has more than {SIGNATURES_MAX} signatures.")
        return cls(text=text + "\n", signatures=tuple(_parse_line(row) for row in rows))

    def to_bytes(self) -> bytes:
        """Return the whole note."""
        lines = "".join(signature.to_line() for signature in self.signatures)
        return f"{self.text}\n{lines}".encode()

    def with_signatures(self, signatures: Iterable[NoteSignature]) -> "SignedNote":
        """Return the note with signatures put in; a key's new line takes the place of its old."""
        rows = {(s.name, s.key_id): s for s in self.signatures}
        rows.update({(s.name, s.key_id): s for s in signatures})
        return SignedNote(text=self.text, signatures=tuple(rows.values()))


def sign_note(text: str, signer: LogSigner) -> NoteSignature:
    """Return the signature of type 0x01 over a note's text.

    Args:
        text: The text with its final newline.
        signer: The key.
    """
    assert text.endswith("\n"), "a note's text ends in a newline"
    verifier = signer.verifier
    return NoteSignature(
        name=verifier.name, key_id=verifier.key_id, signature=signer.sign(text.encode())
    )


def verify_note(note: SignedNote, keys: Iterable[VerifierKey]) -> tuple[VerifierKey, ...]:
    """Return the known keys that signed a note.

    Signatures by unknown keys are ignored, as are keys of another type. A known key's signature
    that does not verify, or stands there twice, refuses the whole note.

    Args:
        note: As received.
        keys: The keys the caller trusts; those of type 0x01 count.

    Raises:
        PeerFault: ``BAD_SIGNATURE``, if no known key signed it, or one that is claimed did not.
    """
    message = note.text.encode()
    verified: list[VerifierKey] = []
    for key in keys:
        if key.algorithm is not Algorithm.ED25519:
            continue
        signature = only_signature(note, key)
        if signature is not None:
            key.verify(message, signature.signature)
            verified.append(key)
    if not verified:
        raise malformed("No known key has signed the note.")
    return tuple(verified)


def only_signature(note: SignedNote, key: VerifierKey | Sm2VerifierKey) -> NoteSignature | None:
    """Return the one line that claims to be by a key of any suite, ``None`` if there is none.

    Raises:
        PeerFault: ``BAD_SIGNATURE``, if there are several.
    """
    found = [signature for signature in note.signatures if key.matches(signature)]
    if len(found) > 1:
        raise malformed(f"The note is signed twice in the name of {key.name}.")
    return found[0] if found else None


def malformed(message: str) -> PeerFault:
    """Return the fault of a note that is not taken."""
    return PeerFault(Reason.BAD_SIGNATURE, message)


def _parse_line(row: str) -> NoteSignature:
    if not row.startswith(_LINE_START):
        raise malformed("A signature line does not begin with a dash and a space.")
    name, separator, encoded = row[len(_LINE_START) :].partition(" ")
    if not separator or not is_key_name(name):
        raise malformed("A signature line has no proper key name.")
    data = decode_base64(encoded)
    if data is None or len(data) < _SIGNED_BYTES_MIN:
        raise malformed("A signature is not canonical base64 of a key id and a signature.")
    return NoteSignature(name=name, key_id=data[:4], signature=data[4:])
