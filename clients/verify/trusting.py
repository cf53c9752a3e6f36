"""Whom a verifier trusts: policy files of his own, and what they say of a checkpoint or a note.

A C2SP tlog-policy has one quorum for all its logs, and the logs of a federation have several; so a
verifier may give several files, or a directory of them. Every file that names a log must be
satisfied: giving one more file never makes a verifier less strict. A key that was replaced is one
more line of the same name.

The second suite has files of its own, named ``*.sm2.txt``. Lines by their keys must verify where
they stand; that there are enough of them is asked only if the suite is demanded.

A key that any of these files calls bad is bad for all: what only it signed must have been cosigned
by a quorum before that instant, and a bad witness counts for nothing. Lines by bad keys must verify
where they stand, and are told.

signed-note lets a verifier ignore lines by keys he does not know. A line that was altered is such a
line, so here they are refused unless the verifier asks otherwise; then they are told, and count for
nothing.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

from clients.regular_files import read_regular
from clients.verify.seen import ProvedEntry, SeenCheckpoint, SeenNote
from deltacare.errors import PeerFault, Reason, Refusal, invalid_field
from deltacare.keys import NoteSignature, VerifierKey, is_key_name
from deltacare.times import format_time
from deltacare.tlog.checkpoint import CHECKPOINT_BYTES_MAX, Checkpoint, SignedCheckpoint
from deltacare.tlog.cosignature import verify_cosignatures
from deltacare.tlog.note import SignedNote, only_signature, verify_note
from deltacare.tlog.policy import POLICY_BYTES_MAX, Policy, Sm2Policy, Tainted
from deltacare.tlog.proof import verify_inclusion
from deltacare.tlog.receipt import Receipt
from deltacare.tlog.standing import FETCH_AGAIN, called_bad, not_in_force, resting_on
from deltacare.tlog.suite import Suite, require_sm2, verify_cosignature_sm2
from deltacare.tlog.suite_lines import SuiteLine
from deltacare.tlog.tree import leaf_hash

__all__ = ["Trusting"]

POLICY_FILES_MAX = 1_000
SUITE_POLICY_SUFFIX = ".sm2.txt"
_SHOWN_CHARS_MAX = 60

# Clocks of honest nodes differ by seconds; minutes are somebody's mistake or lie.
_AHEAD_MAX = timedelta(minutes=5)


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
        it. 3. Witnesses cosigned it as each of these policies demands, at no time still to come;
        if only bad keys of the log signed it, before these were bad.
        4. Lines of the second suite verify, and suffice if it is demanded. 5. No line is by an
        unknown key.

        Raises:
            PeerFault: ``BAD_SIGNATURE``, ``KEY_NOT_IN_FORCE`` or ``NO_QUORUM``.
            Refusal: ``SUITE_NOT_AVAILABLE``, if lines of the second suite cannot be checked here;
                not if it is not demanded and unknown keys are allowed.
        """
        # 1. Whose it claims to be.
        note = SignedNote.from_bytes(data, bytes_max=CHECKPOINT_BYTES_MAX)
        origin = note.text.partition("\n")[0]
        naming = self._naming(origin)
        # 2. The log's signatures.
        signing = _signing(note, [k for _, policy in naming for k in policy.log_keys], origin)
        signed = SignedCheckpoint.from_bytes(data, signing[0])
        # 3. The witnesses'. One that only another file names counts for no quorum of this log.
        witnesses = dict.fromkeys(k for _, policy in self.policies for k in policy.witness_keys)
        cosigned = verify_cosignatures(signed, witnesses)
        bad = called_bad(policy for _, policy in self.policies)
        survived = resting_on(
            origin, signing, [(c.key, c.time) for c in cosigned], [p for _, p in naming], bad
        )
        keys = tuple(k for k in signing if k not in bad) if survived is None else (survived.key,)
        cosignatures = {each.key: each for each in cosigned if each.key not in bad}
        stated = [*signing, *(each.key for each in cosigned)]
        uncounted = [k for k in stated if k in bad and k not in keys]
        for name, policy in naming:
            if not policy.is_met(cosignatures):
                count = sum(key in cosignatures for key in policy.witnesses.values())
                raise _too_few(origin, name, count, {key: bad[key] for key in uncounted})
        for each in cosignatures.values():
            self.require_past(each.time, f"The cosignature by {each.key.name}")
        # 4. The second suite.
        sm2 = self._suite(note, signed.checkpoint)
        bad_sm2 = called_bad(policy for _, policy in self.suites)
        # 5. What else stands there.
        known = [(key.name, key.key_id) for key in stated]
        known += [(line.key.name, line.key.key_id) for line in sm2]
        return SeenCheckpoint(
            checkpoint=signed.checkpoint,
            keys=keys,
            cosignatures=tuple(sorted(cosignatures.values(), key=lambda c: (c.time, c.key.name))),
            ignored=self._ignored(note, known),
            policies=tuple(name for name, _ in naming),
            is_demanded=any(policy.quorum != "none" for _, policy in naming),
            sm2=tuple(line for line in sm2 if line.key not in bad_sm2),
            survived=survived,
            bad=(
                *(Tainted(key=key, since=bad[key]) for key in uncounted),
                *(
                    Tainted(key=line.key, since=bad_sm2[line.key])
                    for line in sm2
                    if line.key in bad_sm2
                ),
            ),
        )

    def note(self, data: bytes) -> SeenNote:
        """Return a note that one of the keys of its first line's name signed.

        Raises:
            PeerFault: ``BAD_SIGNATURE``; ``KEY_NOT_IN_FORCE``, if only bad keys signed it, for
                nobody else says when that was.
        """
        note = SignedNote.from_bytes(data)
        name = note.text.partition("\n")[0]
        naming = self._naming(name)
        signing = _signing(note, [k for _, policy in naming for k in policy.log_keys], name)
        bad = called_bad(policy for _, policy in self.policies)
        keys = tuple(key for key in signing if key not in bad)
        if not keys:
            raise not_in_force(
                name,
                {key: bad[key] for key in signing},
                "nobody else says that it is older",
                "且无他人证明其早于该时刻",
            )
        return SeenNote(
            text=note.text,
            keys=keys,
            ignored=self._ignored(note, [(k.name, k.key_id) for k in signing]),
        )

    def receipt(self, proof: bytes, entry: bytes) -> ProvedEntry:
        """Return an entry whose receipt is in order, in the steps of C2SP tlog-proof.

        Raises:
            PeerFault: ``BAD_PROOF``, or as for its checkpoint.
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
            naming = [p for _, p in self.suites if any(key.name == origin for key in p.log_keys)]
            if not naming:
                raise PeerFault(
                    Reason.BAD_SIGNATURE,
                    f"No policy given here names a key of {self.require} of the log {origin}.",
                    details={"log": origin, "suite": self.require},
                )
            for policy in naming:
                require_sm2(note, policy)
        logs = [key for _, p in self.suites for key in p.log_keys if key.name == origin]
        witnesses = [key for _, p in self.suites for key in p.witness_keys]
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
            if any(key.name == origin for key in policy.log_keys)
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
    return read_regular(path, bytes_max=POLICY_BYTES_MAX)


def _too_few(
    origin: str, policy: str, count: int, bad: Mapping[VerifierKey, datetime]
) -> PeerFault:
    """Return that a file's quorum is not met, and which lines by bad keys do not count for it."""
    details = {"log": origin, "cosignatures": str(count), "policy": policy}
    en = f"Too few witnesses known to {policy} have cosigned the checkpoint of {origin}."
    if not bad:
        return PeerFault(Reason.NO_QUORUM, en, details=details)
    zh = f"{policy} 所列见证方联签 {origin} 检查点的过少"
    for key, since in bad.items():
        who, time = f"{key.name} ({key.key_id.hex()})", format_time(since)
        en += f" The signature by {who}, called bad since {time}, does not count."
        zh += f"；{who} 自 {time} 起失信，其签名不计"
    en += f" Fetch it again from a node ({FETCH_AGAIN})."
    zh += f"。请从节点重新取得（{FETCH_AGAIN}）"
    return PeerFault(Reason.NO_QUORUM, en, details={**details, "text_zh": zh})


def _signing(note: SignedNote, keys: Iterable[VerifierKey], name: str) -> tuple[VerifierKey, ...]:
    """Return the keys of a name that signed a note, each once; there is at least one.

    Raises:
        PeerFault: ``BAD_SIGNATURE``.
    """
    return verify_note(note, dict.fromkeys(key for key in keys if key.name == name))
