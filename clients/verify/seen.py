"""What a verifier's own policies accepted: a checkpoint, a note, an entry under a checkpoint.

Made by `clients.verify.trusting` only, once everything in it was verified.
"""

from dataclasses import dataclass

from deltacare.keys import NoteSignature, VerifierKey
from deltacare.sm2 import Sm2VerifierKey
from deltacare.tlog.checkpoint import Checkpoint
from deltacare.tlog.cosignature import Cosignature
from deltacare.tlog.policy import Tainted
from deltacare.tlog.suite_lines import SuiteLine

__all__ = ["ProvedEntry", "SeenCheckpoint", "SeenNote"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenCheckpoint:
    """A checkpoint that every policy which names its log accepts.

    Attributes:
        checkpoint: Log, size and root.
        keys: Keys of the log that signed it and count.
        cosignatures: By known witnesses, each once, in the order of their times.
        is_demanded: Whether one of these policies demands a cosignature.
        sm2: Lines of the second suite by known keys: the log's, then its witnesses'.
        ignored: Lines by keys that no policy names.
        policies: Files that were satisfied.
        survived: The bad key of the log that it rests on, a quorum having cosigned it before.
        bad: Other keys called bad whose lines stand there, and count for nothing.
    """

    checkpoint: Checkpoint
    keys: tuple[VerifierKey, ...]
    cosignatures: tuple[Cosignature, ...]
    ignored: tuple[NoteSignature, ...]
    policies: tuple[str, ...]
    is_demanded: bool
    sm2: tuple[SuiteLine, ...] = ()
    survived: Tainted[VerifierKey] | None = None
    bad: tuple[Tainted[VerifierKey] | Tainted[Sm2VerifierKey], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenNote:
    """A note that a known key signed.

    Attributes:
        text: What was signed.
        keys: Known keys that signed it.
        ignored: Lines by keys that no policy names.
    """

    text: str
    keys: tuple[VerifierKey, ...]
    ignored: tuple[NoteSignature, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvedEntry:
    """An entry that stands in a log under a checkpoint.

    Attributes:
        seen: The checkpoint.
        index: Where the entry stands, from 0.
        leaf: Its leaf hash.
        entry: Its bytes.
        proof_hashes: How many hashes lead from it to the root.
        extra_bytes: Bytes in the receipt that nobody signed.
    """

    seen: SeenCheckpoint
    index: int
    leaf: bytes
    entry: bytes
    proof_hashes: int
    extra_bytes: int

    @property
    def log(self) -> str:
        """The log's name."""
        return self.seen.checkpoint.origin
