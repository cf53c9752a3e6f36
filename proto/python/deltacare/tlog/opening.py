"""A checkpoint that somebody shows, judged by what the members signed: keys, windows and taints.

The one place that decides whether a checkpoint's signature counts. Keys are replaced while logs
grow, so the question is not only who signed but when: now, by a key in force; or in the past, and
then a quorum of witnesses must say that it was so.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from deltacare.errors import PeerFault, Reason
from deltacare.ids import LogName
from deltacare.keys import VerifierKey
from deltacare.tlog.checkpoint import CHECKPOINT_BYTES_MAX, Checkpoint, SignedCheckpoint
from deltacare.tlog.cosignature import Cosignature, verify_cosignature
from deltacare.tlog.note import SignedNote, only_signature, verify_note
from deltacare.trust.federation import Trust
from deltacare.trust.terms import KeyTerm

__all__ = ["CLOCK_SKEW_S_MAX", "OpenedCheckpoint", "cosigners", "open_checkpoint"]

CLOCK_SKEW_S_MAX = 300
"""Seconds by which a partner's clock may be ahead of ours before what it signs is not believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedCheckpoint:
    """A checkpoint whose log's signature counts.

    Attributes:
        signed: The checkpoint with every signature line as received.
        keys: The keys of the log that signed it.
        cosignatures: By members, the author's own included, whose key was in force at their time.
        left_out: Names of members' keys whose lines do not count: they do not verify, stand there
            twice, or state a time at which the key did not count, or that has not come.
    """

    signed: SignedCheckpoint
    keys: tuple[KeyTerm, ...]
    cosignatures: tuple[Cosignature, ...]
    left_out: tuple[str, ...]

    @property
    def checkpoint(self) -> Checkpoint:
        """What was signed."""
        return self.signed.checkpoint


def open_checkpoint(note: bytes, *, log: LogName, trust: Trust, now: datetime) -> OpenedCheckpoint:
    """Return the checkpoint of a note if its log's signature counts.

    1. The note is well formed, and known keys of the log signed it.
    2. Its text is a checkpoint of that log.
    3. Members' cosignatures that verify are taken, at the times they state.
    4. One of the log's keys is in force now; or a quorum of witnesses whose keys are not tainted
       saw the checkpoint while the key that signed it was in force.

    Cosignatures are not counted beyond that; see `cosigners`.

    Args:
        note: As received.
        log: The log it is said to be of.
        trust: Keys, windows and quorums.
        now: The present instant, or that of the entry that carries the note.

    Raises:
        PeerFault: ``BAD_SIGNATURE``, if it is not signed by the log or is no checkpoint of it;
            ``KEY_NOT_IN_FORCE``, if the key's time is over, has not come, or the key is tainted.
        Refusal: ``NOT_FOUND``, if no member writes the log.
    """
    # 1. Signatures of the log.
    terms = trust.log_keys(log)
    parsed = SignedNote.from_bytes(note, bytes_max=CHECKPOINT_BYTES_MAX)
    signing = set(verify_note(parsed, [term.key for term in terms]))
    keys = tuple(term for term in terms if term.key in signing)
    # 2. The checkpoint.
    signed = SignedCheckpoint.from_bytes(note, keys[0].key)
    # 3. Cosignatures.
    found: list[Cosignature] = []
    left_out: list[str] = []
    for province in trust.provinces:
        for term in trust.witness_keys(province):
            cosignature = _cosignature(signed, term, now, left_out)
            if cosignature is not None:
                found.append(cosignature)
    opened = OpenedCheckpoint(
        signed=signed, keys=keys, cosignatures=tuple(found), left_out=tuple(left_out)
    )
    # 4. The time of the log's key.
    if not any(term.covers(now) and not term.is_tainted for term in keys) and not any(
        _was_seen(opened, term, log, trust) for term in keys
    ):
        tainted = any(term.is_tainted for term in keys)
        raise PeerFault(
            Reason.KEY_NOT_IN_FORCE,
            f"The checkpoint of {log} is signed by a key that its owner declared bad."
            if tainted
            else f"The checkpoint of {log} is signed by a key that is not in force.",
            details={"log": str(log), "key_ids": ", ".join(t.key.key_id.hex() for t in keys)},
        )
    return opened


def cosigners(cosignatures: Iterable[Cosignature], *, log: LogName, trust: Trust) -> frozenset[str]:
    """Return the provinces whose cosignatures count towards a log's quorum.

    Args:
        cosignatures: As opened.
        log: The log.
        trust: Who its witnesses are.
    """
    keys = {cosignature.key for cosignature in cosignatures}
    return frozenset(
        province
        for province in trust.witnesses(log)
        if any(term.key in keys and not term.is_tainted for term in trust.witness_keys(province))
    )


def _was_seen(opened: OpenedCheckpoint, term: KeyTerm, log: LogName, trust: Trust) -> bool:
    """Whether a quorum saw the checkpoint while a key of its log was in force."""
    seen = [c for c in opened.cosignatures if term.covers(c.time)]
    return len(cosigners(seen, log=log, trust=trust)) >= max(1, trust.quorum(log))


def _cosignature(
    signed: SignedCheckpoint, term: KeyTerm, now: datetime, left_out: list[str]
) -> Cosignature | None:
    """Return a member's cosignature if it counts; anybody could have put a bad line there."""
    key: VerifierKey = term.key
    if not any(key.matches(line) for line in signed.note.signatures):
        return None
    try:
        line = only_signature(signed.note, key)
        assert line is not None, "a line matched"
        cosignature = verify_cosignature(signed.checkpoint, line, key)
    except PeerFault:
        left_out.append(key.name)
        return None
    is_future = cosignature.time > now + timedelta(seconds=CLOCK_SKEW_S_MAX)
    if is_future or term.is_tainted or not term.covers(cosignature.time):
        left_out.append(key.name)
        return None
    return cosignature
