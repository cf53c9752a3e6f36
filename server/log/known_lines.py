"""Which lines of a checkpoint are kept as evidence: those that a member's key has signed.

Whoever shows a note can put any lines into it that fit; kept, they fill the disk, and shown on,
they fill other members'. Pure; that the log signed the note has been verified before.
"""

from deltacare.errors import PeerFault
from deltacare.ids import LogName
from deltacare.keys import NoteSignature
from deltacare.tlog.checkpoint import CHECKPOINT_BYTES_MAX, Checkpoint
from deltacare.tlog.cosignature import verify_cosignature
from deltacare.tlog.note import SignedNote
from deltacare.trust import Trust, witness_key_name

__all__ = ["known_lines"]

# A signature and a time; those of the second suite are not verified here.
_LINE_BYTES_MAX = 128


def known_lines(note: bytes, *, log: LogName, trust: Trust) -> bytes:
    """Return a checkpoint's note without the lines that no member signed.

    Args:
        note: as received; the log has signed it.
        log: its log.
        trust: the members' keys; those that are over or were called bad are known as well.

    Raises:
        PeerFault: ``BAD_SIGNATURE``, if it is no checkpoint.
    """
    parsed = SignedNote.from_bytes(note, bytes_max=CHECKPOINT_BYTES_MAX)
    checkpoint = Checkpoint.from_text(parsed.text)
    lines = dict.fromkeys(
        line
        for line in parsed.signatures
        if _is_by_log(checkpoint, line, log, trust)
        or _is_by_witness(checkpoint, line, trust)
        or _is_of_suite(line, log, trust)
    )
    assert lines, "the log has signed it"
    return SignedNote(text=parsed.text, signatures=tuple(lines)).to_bytes()


def _is_by_log(checkpoint: Checkpoint, line: NoteSignature, log: LogName, trust: Trust) -> bool:
    message = checkpoint.to_text().encode()
    for term in trust.log_keys(log):
        if term.key.matches(line):
            try:
                term.key.verify(message, line.signature)
            except PeerFault:
                continue
            return True
    return False


def _is_by_witness(checkpoint: Checkpoint, line: NoteSignature, trust: Trust) -> bool:
    for province in trust.provinces:
        for term in trust.witness_keys(province):
            if term.key.matches(line):
                try:
                    verify_cosignature(checkpoint, line, term.key)
                except PeerFault:
                    continue
                return True
    return False


def _is_of_suite(line: NoteSignature, log: LogName, trust: Trust) -> bool:
    if len(line.signature) > _LINE_BYTES_MAX:
        return False
    names = (str(log), *map(witness_key_name, trust.provinces))
    return any(term.key.matches(line) for name in names for term in trust.suite_keys(name))
