"""Where a whole log is read from: a node, or a directory of tiles.

Neither is trusted: what they give is bytes until ``clients.logs.verify`` has checked them. How many
bytes is limited before, for a directory may hold more than there is memory.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from clients.regular_files import read_regular
from deltacare.errors import PeerFault, Reason, Refusal
from deltacare.tlog.checkpoint import CHECKPOINT_BYTES_MAX
from deltacare.tlog.note import SignedNote
from deltacare.tlog.tile import (
    ENTRY_BYTES_MAX,
    TILE_WIDTH,
    decode_entries,
    encode_entries,
    entries_path,
    tile_width,
)

if TYPE_CHECKING:
    from clients.sdk.node import SyncNodeClient

__all__ = ["LogSource", "NodeLog", "TilesDirectory", "claimed_size"]

_BUNDLE_BYTES_MAX = TILE_WIDTH * (len(encode_entries([b""])) + ENTRY_BYTES_MAX)


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
        """Return the file ``checkpoint``.

        Raises:
            OSError: If it cannot be read.
            PeerFault: ``BAD_PROOF``, if it is larger than any checkpoint.
            Refusal: ``INVALID_FIELD``, if it is no file.
        """
        return _read(self._directory / "checkpoint", CHECKPOINT_BYTES_MAX)

    def entries(self, size: int) -> Iterator[Sequence[bytes]]:
        """Yield the entries bundle by bundle.

        Raises:
            OSError: If a bundle cannot be read.
            PeerFault: ``BAD_PROOF``, if one is larger than any bundle, or none.
            Refusal: ``NOT_FOUND``, naming the bundle that is missing, or ``INVALID_FIELD``, if one
                is no file.
        """
        for index in range(-(-size // TILE_WIDTH)):
            width = tile_width(0, index, size)
            path = self._directory / entries_path(index, width)
            try:
                data = _read(path, _BUNDLE_BYTES_MAX)
            except FileNotFoundError:
                raise Refusal(Reason.NOT_FOUND, f"The entry bundle {path} is missing.") from None
            yield decode_entries(data, width=width)


def _read(path: Path, bytes_max: int) -> bytes:
    data = read_regular(path, bytes_max=bytes_max)
    if len(data) > bytes_max:
        raise PeerFault(
            Reason.BAD_PROOF,
            f"{path} has more than {bytes_max} bytes.",
            details={"path": str(path), "text_zh": f"{path} 超过 {bytes_max} 字节"},
        )
    return data
