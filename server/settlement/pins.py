"""The pins of a night: which size of each registry log counts, verified and held here.

Each close of a pair carries, for every registry log, the newest checkpoint with a quorum that its
node had stored. The larger of the two decides. A pin is believed only if the log's key and a quorum
of its witnesses signed it, and used only if this node holds the log that far with the same root.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import Connection

from deltacare.errors import DeltacareError, PeerFault, Reason
from deltacare.ids import LogKind, LogName
from deltacare.tlog.checkpoint import Checkpoint, SignedCheckpoint
from deltacare.tlog.cosignature import verify_cosignatures
from deltacare.trust import Trust
from deltacare.v1.entry_pb2 import Entry
from server.log.ports import LogReader

__all__ = ["Waiting", "read_pins", "verified_pin"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What a night waits for.

    Attributes:
        code: What is missing.
        detail: Of which log.
    """

    code: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.code} {self.detail}".rstrip()


@lru_cache(maxsize=4_096)
def verified_pin(note: bytes, trust: Trust) -> Checkpoint:
    """Return the checkpoint of a pin.

    1. It names a registry log of a member. 2. The log's key signed it. 3. A quorum of its witnesses
    cosigned it.

    Raises:
        PeerFault: One of these does not hold.
    """
    origin = note.partition(b"\n")[0].decode("ascii", "replace")
    log = LogName.parse(origin)
    key = trust.log_key(log)
    signed = SignedCheckpoint.from_bytes(note, key)
    witnesses = [trust.witness_key(province) for province in trust.witnesses(log)]
    if log.kind is not LogKind.REGISTRY or (
        len(verify_cosignatures(signed, witnesses)) < trust.quorum(log)
    ):
        raise PeerFault(Reason.NO_QUORUM, f"The pin of {log} has no quorum.")
    return signed.checkpoint


def read_pins(
    connection: Connection,
    reader: LogReader,
    trust: Trust,
    closes: Mapping[LogName, int],
) -> dict[LogName, int] | Waiting:
    """Return for each pinned registry log the size that counts, or what the night waits for.

    Args:
        connection: A snapshot.
        reader: The logs held.
        trust: Keys and quorums.
        closes: For each settlement log of the pair, the index of its close.
    """
    largest: dict[LogName, Checkpoint] = {}
    for log, index in sorted(closes.items()):
        (data,) = reader.entries(connection, log, index, index + 1)
        for note in Entry.FromString(data).day_close.pins:
            try:
                checkpoint = verified_pin(note, trust)
            except DeltacareError:
                return Waiting(code="PIN_NOT_VERIFIED", detail=str(log))
            pinned = LogName.parse(checkpoint.origin)
            held = largest.get(pinned)
            if held is None or held.size < checkpoint.size:
                largest[pinned] = checkpoint
    return _held(connection, reader, largest.items())


def _held(
    connection: Connection, reader: LogReader, pins: Iterable[tuple[LogName, Checkpoint]]
) -> dict[LogName, int] | Waiting:
    """Return the sizes of pins, if this node holds every log that far with the same root."""
    sizes: dict[LogName, int] = {}
    for log, checkpoint in pins:
        position = reader.position(log)
        if position.stalled:
            return Waiting(code="LOG_STALLED", detail=str(log))
        if position.size < checkpoint.size:
            return Waiting(code="PIN_NOT_HELD", detail=str(log))
        if reader.root(connection, log, checkpoint.size) != checkpoint.root:
            return Waiting(code="FORK", detail=str(log))
        sizes[log] = checkpoint.size
    return sizes
