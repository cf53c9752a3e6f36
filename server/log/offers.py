"""What partners show: a checkpoint as received, and what its signatures are worth.

Pure; stores nothing. A key whose time is over binds its log still: what it signed agrees with what
is held or contradicts it, and a node takes its own history back by the keys that it had. Only a new
entry is not believed under such a key, unless a quorum saw it in time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from deltacare.errors import PeerFault, Reason
from deltacare.ids import LogName
from deltacare.tlog.checkpoint import CHECKPOINT_BYTES_MAX, SignedCheckpoint
from deltacare.tlog.cosignature import Cosignature
from deltacare.tlog.note import SignedNote
from deltacare.tlog.opening import OpenedCheckpoint, open_checkpoint
from deltacare.tlog.suite_lines import OpenedSuite, open_suite_lines
from deltacare.trust import KeyTerm, Trust
from server.log.checkpoints import bare_checkpoint

__all__ = ["Offer", "VerifiedOffer", "open_offer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A checkpoint as somebody showed it: nothing in it is verified yet.

    Attributes:
        log: the log it is said to be of.
        size: entries it is said to cover.
        note: as received.
        is_asked: whether its author asks this node to cosign it.
        province: who showed it, and can be asked for the entries.
    """

    log: LogName
    size: int
    note: bytes
    is_asked: bool
    province: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedOffer:
    """An offer whose signatures verified.

    Attributes:
        offer: as it was shown.
        opened: its checkpoint with the log's keys and the members' cosignatures that count.
        signed: the checkpoint with the verified lines of its log only.
        is_asked: whether its author asks for this witness's cosignature.
        is_past: whether its log's key is over, and no quorum is known to have seen it in time.
        suite: its lines of the second suite; nothing rests on them.
    """

    offer: Offer
    opened: OpenedCheckpoint
    signed: SignedCheckpoint
    is_asked: bool
    is_past: bool
    suite: OpenedSuite

    @property
    def cosignatures(self) -> Sequence[Cosignature]:
        """By members, their keys in force at the times stated."""
        return self.opened.cosignatures


def open_offer(offer: Offer, *, trust: Trust, now: datetime) -> VerifiedOffer:
    """Return what an offer's signatures show.

    Args:
        offer: As it was shown.
        trust: Keys, windows and quorums.
        now: The present instant.

    Raises:
        PeerFault: ``BAD_SIGNATURE``, if the log did not sign it; ``KEY_NOT_IN_FORCE``, if it did
            with a key whose time is to come, or that was called bad and no quorum had seen it.
    """
    log = offer.log
    is_past = False
    try:
        opened = open_checkpoint(offer.note, log=log, trust=trust, now=now)
    except PeerFault as fault:
        last = _last_instant(offer.note, trust.log_keys(log), now)
        if fault.reason is not Reason.KEY_NOT_IN_FORCE or last is None:
            raise
        opened = open_checkpoint(offer.note, log=log, trust=trust, now=last)
        is_past = True
    return VerifiedOffer(
        offer=offer,
        opened=opened,
        signed=bare_checkpoint(opened),
        is_asked=offer.is_asked and not is_past,
        is_past=is_past,
        suite=open_suite_lines(opened.signed, log=log, trust=trust, now=now),
    )


def _last_instant(note: bytes, terms: Iterable[KeyTerm], now: datetime) -> datetime | None:
    """Return the last instant of the keys in a note that are over; ``None`` if there is none."""
    lines = SignedNote.from_bytes(note, bytes_max=CHECKPOINT_BYTES_MAX).signatures
    ends = [
        term.until_time
        for term in terms
        if term.until_time is not None
        and term.until_time <= now
        and not term.is_tainted
        and any(term.key.matches(line) for line in lines)
    ]
    return max(ends) - timedelta(microseconds=1) if ends else None
