"""SM2 lines of a checkpoint that somebody shows, judged by what the members signed.

For nodes, which keep such lines and hand them on, and rest nothing on them: whether a checkpoint
counts is decided without (`deltacare.tlog.opening`), and who demands the suite asks for himself
(`deltacare.tlog.suite.require_sm2`). So a line in a stated name that does not verify is left out
and told, like a bad cosignature, and one in another name is passed over.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from deltacare.errors import PeerFault, Reason, Refusal
from deltacare.ids import LogName
from deltacare.keys import NoteSignature
from deltacare.sm2 import Sm2VerifierKey
from deltacare.tlog.checkpoint import Checkpoint, SignedCheckpoint
from deltacare.tlog.note import only_signature
from deltacare.tlog.opening import CLOCK_SKEW_S_MAX
from deltacare.tlog.suite import verify_cosignature_sm2
from deltacare.trust.federation import Trust
from deltacare.trust.members import witness_key_name
from deltacare.trust.terms import SuiteTerm

__all__ = ["OpenedSuite", "SuiteLine", "open_suite_lines"]

_VERIFIED_MAX = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteLine:
    """An SM2 line that verified.

    Attributes:
        key: Of the log, or of a member's witness.
        signature: The line itself.
        time: When the witness signed, by its own clock; ``None`` of a log, which states no time.
    """

    key: Sm2VerifierKey
    signature: NoteSignature
    time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedSuite:
    """The SM2 lines of a checkpoint.

    Attributes:
        lines: The log's, then those of witnesses of other members.
        left_out: Names of stated keys whose lines do not count: they do not verify, stand there
            twice, or were made when the key did not count.
        is_available: Whether this installation could tell; if not, nothing is in either.
    """

    lines: tuple[SuiteLine, ...] = ()
    left_out: tuple[str, ...] = ()
    is_available: bool = True


def open_suite_lines(
    signed: SignedCheckpoint, *, log: LogName, trust: Trust, now: datetime
) -> OpenedSuite:
    """Return the SM2 lines of a checkpoint whose Ed25519 signature counts.

    1. The log's: its key came into force and was never called bad. It states no time, so one whose
       time is over may have signed in time.
    2. Those of the log's witnesses, whose key was in force at the time stated.

    Args:
        signed: The checkpoint with every line as received.
        log: Whose it is.
        trust: Keys and windows.
        now: The present instant.
    """
    lines: list[SuiteLine] = []
    left_out: list[str] = []
    terms = [(term, False) for term in trust.suite_keys(str(log))]
    for province in trust.witnesses(log):
        terms += [(term, True) for term in trust.suite_keys(witness_key_name(province))]
    for term, is_witness in terms:
        if not any(term.key.matches(line) for line in signed.note.signatures):
            continue
        try:
            line = _line(signed, term, is_witness=is_witness)
        except PeerFault:
            left_out.append(term.key.name)
            continue
        except Refusal as refusal:
            if refusal.reason is not Reason.SUITE_NOT_AVAILABLE:
                raise
            return OpenedSuite(is_available=False)
        if _counts(line, term, now):
            lines.append(line)
        else:
            left_out.append(term.key.name)
    return OpenedSuite(lines=tuple(lines), left_out=tuple(left_out))


def _line(signed: SignedCheckpoint, term: SuiteTerm, *, is_witness: bool) -> SuiteLine:
    """Return the one line that claims to be by a key, verified."""
    signature = only_signature(signed.note, term.key)
    assert signature is not None, "a line matched"
    return _verified(signed.checkpoint, signature, term.key, is_witness=is_witness)


@lru_cache(maxsize=_VERIFIED_MAX)
def _verified(
    checkpoint: Checkpoint, signature: NoteSignature, key: Sm2VerifierKey, *, is_witness: bool
) -> SuiteLine:
    """Return a line that verifies; only such are remembered.

    The same line arrives with every note of its checkpoint, and by several ways.
    """
    if is_witness:
        time = verify_cosignature_sm2(checkpoint, signature, key).time
        return SuiteLine(key=key, signature=signature, time=time)
    key.verify(checkpoint.to_text().encode(), signature.signature)
    return SuiteLine(key=key, signature=signature, time=None)


def _counts(line: SuiteLine, term: SuiteTerm, now: datetime) -> bool:
    """Whether a line was made when its key counted."""
    if term.is_tainted:
        return False
    if line.time is None:
        return term.from_time <= now
    return term.covers(line.time) and line.time <= now + timedelta(seconds=CLOCK_SKEW_S_MAX)
