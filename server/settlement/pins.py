"""What cosigned checkpoints a night rests on: pins of registry logs, and the closes of the pair.

Each close of a pair carries, for every registry log, the newest checkpoint with a quorum that its
node had stored. The larger of the two decides. A pin is believed only if the log's key and a quorum
of its witnesses signed it, and used only if this node holds the log that far with the same root.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from deltacare.errors import DeltacareError, PeerFault, Reason
from deltacare.ids import LogKind, LogName
from deltacare.tlog.checkpoint import Checkpoint
from deltacare.tlog.opening import cosigners, open_checkpoint
from deltacare.trust import Trust
from deltacare.v1.entry_pb2 import Entry
from server.log.ports import LogReader, Position

__all__ = ["Pins", "Waiting"]

_VERIFIED_MAX = 10_000  # notes of about 1 KB


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


class Pins:
    """Reads and verifies pins; remembers which notes it has verified.

    Args:
        trust: Keys and quorums.
        reader: The logs held.
    """

    def __init__(self, *, trust: Trust, reader: LogReader) -> None:
        self._trust = trust
        self._reader = reader
        self._verified: dict[tuple[int, datetime, bytes], Checkpoint] = {}

    def verify(self, note: bytes, at: datetime) -> Checkpoint:
        """Return the checkpoint of a pin.

        1. It names a registry log of a member. 2. A key of the log signed it that counted. 3. A
        quorum of its witnesses cosigned it.

        Args:
            note: The pin.
            at: The time of the close that carries it, so that both nodes judge alike whenever
                they compute the night.

        Raises:
            DeltacareError: One of these does not hold.
        """
        log = LogName.parse(note.partition(b"\n")[0].decode("ascii", "replace"))
        if log.kind is not LogKind.REGISTRY:
            raise PeerFault(Reason.BAD_SIGNATURE, f"A pin is of {log}, which is no registry.")
        return self._verify(log, note, at)

    def cosigned_note(
        self,
        connection: Connection,
        log: LogName,
        size: int,
        notes: Iterable[bytes],
        *,
        now: datetime,
    ) -> bytes | None:
        """Return the first note that proves where a settlement log ends; ``None`` if none does.

        It is signed by the log's key and a quorum of its witnesses, and is of the tree held here.

        Args:
            connection: A snapshot.
            log: The log.
            size: How many entries it has to cover.
            notes: As others state them.
            now: The present instant.
        """
        for note in notes:
            try:
                checkpoint = self._verify(log, note, now)
            except DeltacareError:
                continue
            root = self._reader.root(connection, log, size)
            if (checkpoint.size, checkpoint.root) == (size, root):
                return note
        return None

    def _verify(self, log: LogName, note: bytes, at: datetime) -> Checkpoint:
        """Return the checkpoint of a note if it is of that log, with its quorum."""
        key = (self._trust.version, at, note)
        known = self._verified.get(key)
        if known is not None and known.origin == str(log):
            return known
        opened = open_checkpoint(note, log=log, trust=self._trust, now=at)
        found = cosigners(opened.cosignatures, log=log, trust=self._trust)
        if len(found) < self._trust.quorum(log):
            raise PeerFault(Reason.NO_QUORUM, f"The checkpoint of {log} has no quorum.")
        if len(self._verified) >= _VERIFIED_MAX:
            self._verified.clear()
        self._verified[key] = opened.checkpoint
        return opened.checkpoint

    def read(
        self,
        connection: Connection,
        positions: Mapping[LogName, Position],
        closes: Mapping[LogName, int],
    ) -> dict[LogName, int] | Waiting:
        """Return for each pinned registry log the size that counts, or what the night waits for.

        Args:
            connection: A snapshot.
            positions: Of registry logs, read before the snapshot began.
            closes: For each settlement log of the pair, the index of its close.
        """
        largest: dict[LogName, Checkpoint] = {}
        for log, index in sorted(closes.items()):
            (data,) = self._reader.entries(connection, log, index, index + 1)
            entry = Entry.FromString(data)
            closed_time = entry.entry_time.ToDatetime(UTC)
            for note in entry.day_close.pins:
                try:
                    checkpoint = self.verify(note, closed_time)
                except DeltacareError:
                    return Waiting(code="PIN_NOT_VERIFIED", detail=str(log))
                pinned = LogName.parse(checkpoint.origin)
                held = largest.get(pinned)
                if held is None or held.size < checkpoint.size:
                    largest[pinned] = checkpoint
        for log, checkpoint in largest.items():
            position = positions[log]
            if position.stalled:
                return Waiting(code="LOG_STALLED", detail=str(log))
            if position.size < checkpoint.size:
                return Waiting(code="PIN_NOT_HELD", detail=str(log))
            if self._reader.root(connection, log, checkpoint.size) != checkpoint.root:
                return Waiting(code="FORK", detail=str(log))
        return {log: checkpoint.size for log, checkpoint in largest.items()}
