"""Whom a verifier trusts: policy files of his own, and what they say of a checkpoint or a note.

A C2SP tlog-policy has one quorum for all its logs, and the logs of a federation have several; so a
verifier may give several files, or a directory of them. Every file that names a log must be
satisfied: giving one more file never makes a verifier less strict. A key that was replaced is one
more line of the same name.

The second suite has files of its own, named ``*.sm2.txt``. Lines by their keys must verify where
they stand; that there are enough of them is asked only if the suite is demanded.

signed-note lets a verifier ignore lines by keys he does not know. A line that was altered is such a
line, so here they are refused unless the verifier asks otherwise; then they are told, and count for
nothing.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

from deltacare.errors import PeerFault, Reason, Refusal, invalid_field
from deltacare.keys import NoteSignature, VerifierKey, is_key_name
from deltacare.times import format_time
from deltacare.tlog.checkpoint import CHECKPOINT_BYTES_MAX, Checkpoint, SignedCheckpoint
from deltacare.tlog.cosignature import Cosignature, verify_cosignatures
from deltacare.tlog.note import SignedNote, only_signature, verify_note
from deltacare.tlog.policy import POLICY_BYTES_MAX, Policy, Sm2Policy
from deltacare.tlog.proof import verify_inclusion
from deltacare.tlog.receipt import Receipt
from deltacare.tlog.suite import Suite, require_sm2, verify_cosignature_sm2
from deltacare.tlog.suite_lines import SuiteLine
from deltacare.tlog.tree import leaf_hash

__all__ = ["ProvedEntry", "SeenCheckpoint", "SeenNote", "Trusting"]

POLICY_FILES_MAX = 1_000
SUITE_POLICY_SUFFIX = ".sm2.txt"
_SHOWN_CHARS_MAX = 60

# Clocks of honest nodes differ by seconds; minutes are somebody's mistake or lie.
_AHEAD_MAX = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenCheckpoint:
    """A checkpoint that every policy which names its log accepts.

    Attributes:
        checkpoint: Log, size and root.
        keys: Keys of the log that signed it.
        cosignatures: By known witnesses, each once, in the order of their times.
        is_demanded: Whether one of these policies demands a cosignature.
        sm2: Lines of the second suite by known keys: the log's, then its witnesses'.
        ignored: Lines by keys that no policy names.
        policies: Files that were satisfied.
    """

    checkpoint: Checkpoint
    keys: tuple[VerifierKey, ...]
    cosignatures: tuple[Cosignature, ...]
    ignored: tuple[NoteSignature, ...]
    policies: tuple[str, ...]
    is_demanded: bool
    sm2: tuple[SuiteLine, ...] = ()


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusting:
    """A verifier's policies, and the moment at which he looks.

    Attributes:
        policies: By the name of the file.
        now: No signature may state a later time than this.
        allow_unknown: Whether lines by keys that no policy names are ignored instead of refused.
        suites: Policies of the second suite, by the name of the file.
        require: The suite that is demanded besides Ed25519; ``None`` for none.
    """

    policies: tuple[tuple[str, Policy], ...]
    now: datetime
    allow_unknown: bool = False
    suites: tuple[tuple[str, Sm2Policy], ...] = ()
    require: Suite | None = None

    @classmethod
    def read(
        cls,
        paths: Iterable[Path],
        *,
        now: datetime,
        allow_unknown: bool = False,
        suites: Iterable[Path] = (),
        require: Suite | None = None,
    ) -> Self:
        """Read policy files; of a directory every ``*.txt`` below it.

        Args:
            paths: Files or directories; what is named ``*.sm2.txt`` is of the second suite.
            now: The moment at which he looks.
            allow_unknown: Whether lines by unknown keys are ignored.
            suites: Further files of the second suite, however they are named.
            require: The suite that is demanded.

        Raises:
            OSError: If one cannot be read.
            Refusal: ``INVALID_FIELD``, naming the file and what is wrong with it, or if a suite is
                demanded and no file says by which keys.
        """
        found: list[tuple[str, Policy]] = []
        sm2: list[tuple[str, Sm2Policy]] = []
        for path in paths:
            files = sorted(path.rglob("*.txt")) if path.is_dir() else [path]
            if not files:
                raise invalid_field("policy", path, "The directory holds no *.txt file.")
            if len(found) + len(sm2) + len(files) > POLICY_FILES_MAX:
                raise invalid_field("policy", path, f"There are more than {POLICY_FILES_MAX}.")
            for file in files:
                if file.name.endswith(SUITE_POLICY_SUFFIX):
                    sm2.append((str(file), Sm2Policy.from_bytes(_read(file))))
                else:
                    found.append((str(file), Policy.from_bytes(_read(file))))
        sm2 += [(str(file), Sm2Policy.from_bytes(_read(file))) for file in suites]
        if require is not None and not sm2:
            raise invalid_field(
                "suite-policy",
                "",
                f"No file says by which keys of {require} it is to be signed.",
                "Give one with --suite-policy, or a directory that holds *.sm2.txt.",
            )
        return cls(
            policies=tuple(found),
            now=now,
            allow_unknown=allow_unknown,
            suites=tuple(sm2),
            require=require,
        )

    def checkpoint(self, data: bytes) -> SeenCheckpoint:
        """Return the checkpoint of a signed note.

        1. It is a note whose first line is a log that a policy names. 2. A key of that log signed
        it. 3. Witnesses cosigned it as each of these policies demands, at no time still to come.
        4. Lines of the second suite verify, and suffice if it is demanded. 5. No line is by an
        unknown key.

        Raises:
            PeerFault: ``BAD_SIGNATURE`` or ``NO_QUORUM``.
            Refusal: ``SUITE_NOT_AVAILABLE``, if lines of the second suite cannot be checked here;
                not if it is not demanded and unknown keys are allowed.
        """
        # 1. Whose it claims to be.
        note = SignedNote.from_bytes(data, bytes_max=CHECKPOINT_BYTES_MAX)
        origin = note.text.partition("\n")[0]
        naming = self._naming(origin)
        # 2. The log's signatures.
        keys = _signing(note, [key for _, policy in naming for key in policy.logs], origin)
        signed = SignedCheckpoint.from_bytes(data, keys[0])
        # 3. The witnesses'. One that only another file names counts for no quorum of this log.
        witnesses = dict.fromkeys(
            key for _, policy in self.policies for key in policy.witnesses.values()
        )
        cosignatures = {each.key: each for each in verify_cosignatures(signed, witnesses)}
        for name, policy in naming:
            if not policy.is_met(cosignatures):
                count = sum(key in cosignatures for key in policy.witnesses.values())
                raise PeerFault(
                    Reason.NO_QUORUM,
                    f"Too few witnesses known to {name} have cosigned the checkpoint of {origin}.",
                    details={"log": origin, "cosignatures": str(count), "policy": name},
                )
        for each in cosignatures.values():
            self.require_past(each.time, f"The cosignature by {each.key.name}")
        # 4. The second suite.
        sm2 = self._suite(note, signed.checkpoint)
        # 5. What else stands there.
        known = [(key.name, key.key_id) for key in (*keys, *cosignatures)]
        known += [(line.key.name, line.key.key_id) for line in sm2]
        return SeenCheckpoint(
            checkpoint=signed.checkpoint,
            keys=keys,
            cosignatures=tuple(sorted(cosignatures.values(), key=lambda c: (c.time, c.key.name))),
            ignored=self._ignored(note, known),
            policies=tuple(name for name, _ in naming),
            is_demanded=any(policy.quorum != "none" for _, policy in naming),
            sm2=sm2,
        )

    def note(self, data: bytes) -> SeenNote:
        """Return a note that one of the keys of its first line's name signed.

        Raises:
            PeerFault: ``BAD_SIGNATURE``.
        """
        note = SignedNote.from_bytes(data)
        name = note.text.partition("\n")[0]
        naming = self._naming(name)
        keys = _signing(note, [key for _, policy in naming for key in policy.logs], name)
        return SeenNote(
            text=note.text,
            keys=keys,
            ignored=self._ignored(note, [(k.name, k.key_id) for k in keys]),
        )

    def receipt(self, proof: bytes, entry: bytes) -> ProvedEntry:
        """Return an entry whose receipt is in order, in the steps of C2SP tlog-proof.

        Raises:
            PeerFault: ``BAD_PROOF``, ``BAD_SIGNATURE`` or ``NO_QUORUM``.
        """
        receipt = Receipt.from_bytes(proof)
        seen = self.checkpoint(receipt.checkpoint)
        leaf = leaf_hash(entry)
        verify_inclusion(
            receipt.proof,
            leaf=leaf,
            index=receipt.index,
            size=seen.checkpoint.size,
            root=seen.checkpoint.root,
        )
        if receipt.extra is not None and not self.allow_unknown:
            raise PeerFault(
                Reason.BAD_PROOF,
                "The receipt has a line of extra data, which nobody signed.",
                details={"log": seen.checkpoint.origin},
            )
        return ProvedEntry(
            seen=seen,
            index=receipt.index,
            leaf=leaf,
            entry=entry,
            proof_hashes=len(receipt.proof),
            extra_bytes=len(receipt.extra or b""),
        )

    def require_past(self, time: datetime, what: str) -> None:
        """Refuse what states a time still to come.

        Raises:
            PeerFault: ``BAD_SIGNATURE``.
        """
        if time > self.now + _AHEAD_MAX:
            raise PeerFault(
                Reason.BAD_SIGNATURE,
                f"{what} states a time that has not come: {format_time(time)}.",
                details={"time": format_time(time), "now": format_time(self.now)},
            )

    def _suite(self, note: SignedNote, checkpoint: Checkpoint) -> tuple[SuiteLine, ...]:
        """Return the lines of the second suite by known keys; each verifies, and they suffice."""
        origin = checkpoint.origin
        if self.require is not None:
            naming = [p for _, p in self.suites if any(key.name == origin for key in p.logs)]
            if not naming:
                raise PeerFault(
                    Reason.BAD_SIGNATURE,
                    f"No policy given here names a key of {self.require} of the log {origin}.",
                    details={"log": origin, "suite": self.require},
                )
            for policy in naming:
                require_sm2(note, policy)
        logs = [key for _, p in self.suites for key in p.logs if key.name == origin]
        witnesses = [key for _, p in self.suites for key in p.witnesses.values()]
        lines: list[SuiteLine] = []
        try:
            for key in dict.fromkeys(logs):
                if (signature := only_signature(note, key)) is not None:
                    key.verify(note.text.encode(), signature.signature)
                    lines.append(SuiteLine(key=key, signature=signature, time=None))
            for key in dict.fromkeys(witnesses):
                if (signature := only_signature(note, key)) is not None:
                    time = verify_cosignature_sm2(checkpoint, signature, key).time
                    self.require_past(time, f"The SM2 cosignature by {key.name}")
                    lines.append(SuiteLine(key=key, signature=signature, time=time))
        except Refusal as refusal:
            if refusal.reason is not Reason.SUITE_NOT_AVAILABLE or not self.allow_unknown:
                raise
            return ()
        return tuple(lines)

    def _naming(self, origin: str) -> Sequence[tuple[str, Policy]]:
        """Return the policies that name a key."""
        found = [
            (name, policy)
            for name, policy in self.policies
            if any(key.name == origin for key in policy.logs)
        ]
        if not found:
            shown = origin if is_key_name(origin) else repr(origin[:_SHOWN_CHARS_MAX])
            raise PeerFault(
                Reason.BAD_SIGNATURE,
                f"The policy names no key of {shown}: nobody is trusted to sign it. "
                "Give the policy of it as well.",
                details={
                    "log": origin,
                    "text_zh": f"策略文件未列 {shown} 的密钥，无从信任其签名；请一并给出其策略文件",
                },
            )
        return found

    def _ignored(
        self, note: SignedNote, known: Collection[tuple[str, bytes]]
    ) -> tuple[NoteSignature, ...]:
        """Return the lines by unknown keys, or refuse them."""
        unknown = tuple(s for s in note.signatures if (s.name, s.key_id) not in known)
        if unknown and not self.allow_unknown:
            raise PeerFault(
                Reason.BAD_SIGNATURE,
                f"{len(unknown)} signature lines are by keys that no policy names: they may have "
                "been altered. Add the key to the policy, or allow unknown keys to ignore them.",
                details={"key": unknown[0].name, "key_id": unknown[0].key_id.hex()},
            )
        return unknown


def _read(path: Path) -> bytes:
    """Return a policy file; of one that is too large, too much to be taken."""
    with path.open("rb") as stream:
        return stream.read(POLICY_BYTES_MAX + 1)


def _signing(note: SignedNote, keys: Iterable[VerifierKey], name: str) -> tuple[VerifierKey, ...]:
    """Return the keys of a name that signed a note, each once; there is at least one.

    Raises:
        PeerFault: ``BAD_SIGNATURE``.
    """
    return verify_note(note, dict.fromkeys(key for key in keys if key.name == name))
