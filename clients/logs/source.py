"""Where a whole log is read from: a node, or a directory of tiles.

Neither is trusted: what they give is bytes until ``clients.logs.verify`` has checked them.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from deltacare.errors import Reason, Refusal
from deltacare.tlog.note import SignedNote
from deltacare.tlog.tile import TILE_WIDTH, decode_entries, entries_path, tile_width

if TYPE_CHECKING:
    from clients.sdk.node import SyncNodeClient

__all__ = ["LogSource", "NodeLog", "TilesDirectory", "claimed_size"]


class LogSource(Protocol):
    """Gives a log's checkpoint and its entries."""

    def checkpoint(self) -> bytes:
        """Return the newest cosigned checkpoint, as a signed note."""
        ...

    def entries(self, size: int) -> Iterator[Sequence[bytes]]:
        """Yield the first ``size`` entries in runs."""
        ...


def claimed_size(note: bytes) -> int:
    """Return the size that a checkpoint states, unverified: to know how much to ask for."""
    lines = SignedNote.from_bytes(note).text.split("\n")
    return int(lines[1]) if len(lines) > 1 and lines[1].isdecimal() else 0


class NodeLog:
    """A log that a node holds.

    Args:
        node: A client of it.
        name: Name of the log.
    """

    def __init__(self, node: "SyncNodeClient", name: str) -> None:
        self._node = node
        self._name = name

    def checkpoint(self) -> bytes:
        """Return the newest checkpoint with its quorum."""
        from deltacare.v1.log_service_pb2 import CHECKPOINT_SELECTOR_QUORUM, GetCheckpointRequest

        return self._node.log.GetCheckpoint(
            GetCheckpointRequest(log=self._name, selector=CHECKPOINT_SELECTOR_QUORUM)
        ).note

    def entries(self, size: int) -> Iterator[Sequence[bytes]]:
        """Yield the entries in the runs in which they come."""
        from deltacare.v1.log_service_pb2 import ReadEntriesRequest

        if not size:
            return
        request = ReadEntriesRequest(log=self._name, end_index=size, checkpoint_size=size)
        for run in self._node.log.ReadEntries(request):
            yield run.entries


class TilesDirectory:
    """A log as a C2SP tlog-tiles directory.

    Args:
        directory: Has ``checkpoint`` and ``tile/entries/…``.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def checkpoint(self) -> bytes:
        """Return the file ``checkpoint``."""
        return (self._directory / "checkpoint").read_bytes()

    def entries(self, size: int) -> Iterator[Sequence[bytes]]:
        """Yield the entries bundle by bundle.

        Raises:
            Refusal: ``NOT_FOUND``, naming the bundle that is missing.
        """
        for index in range(-(-size // TILE_WIDTH)):
            width = tile_width(0, index, size)
            path = self._directory / entries_path(index, width)
            if not path.is_file():
                raise Refusal(Reason.NOT_FOUND, f"The entry bundle {path} is missing.")
            yield decode_entries(path.read_bytes(), width=width)
