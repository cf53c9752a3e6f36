"""A log service that lies: it shows a history of its own, signed by the log's true key.

With what a liar adds to a note: lines that nobody signed.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from deltacare.ids import LogName
from deltacare.keys import NoteSignature
from deltacare.tlog.checkpoint import Checkpoint, SignedCheckpoint
from deltacare.tlog.note import SignedNote
from deltacare.tlog.proof import consistency_proof
from deltacare.tlog.tile import NodesFromTiles, grow
from deltacare.tlog.tree import Frontier, leaf_hashes
from deltacare.v1 import log_service_pb2 as pb
from server.edge.call import Call
from tests.support.federation import log_signer

__all__ = ["LyingAuthor", "with_junk"]


def with_junk(note: bytes, name: str, *, count: int, line_bytes: int = 400) -> bytes:
    """Return a note with lines that nobody signed, in the name of any key."""
    parsed = SignedNote.from_bytes(note)
    lines = (
        NoteSignature(name=name, key_id=n.to_bytes(4, "big"), signature=b"s" * line_bytes)
        for n in range(count)
    )
    return replace(parsed, signatures=(*parsed.signatures, *lines)).to_bytes()


class _Tiles:
    """The tiles of a small tree in memory."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        growth = grow(Frontier.empty(), {}, leaves)
        self.frontier = growth.frontier
        self._tiles = {(tile.level, tile.index): tile.data for tile in growth.tiles}

    def read_tile(self, level: int, index: int, width: int, /) -> bytes:
        """Return a tile."""
        del width
        return self._tiles[level, index]


class LyingAuthor:
    """Answers in the place of a node, for one log.

    Args:
        log: the log it lies about.
        datas: the entries of its history.
        garbled: whether it serves other bytes than those it signed.
        takes_cosignatures: whether being cosigned is expected.
    """

    def __init__(
        self,
        log: LogName,
        datas: Sequence[bytes],
        *,
        garbled: bool = False,
        takes_cosignatures: bool = False,
    ) -> None:
        self.log = log
        self._datas = list(datas)
        self._garbled = garbled
        self._takes_cosignatures = takes_cosignatures
        tiles = _Tiles(leaf_hashes(datas))
        self._nodes = NodesFromTiles(tiles, size=len(datas))
        checkpoint = Checkpoint(origin=str(log), size=len(datas), root=tiles.frontier.root)
        self.note = SignedCheckpoint.sign(checkpoint, log_signer(log)).to_bytes()

    @property
    def checkpoint(self) -> pb.Checkpoint:
        """What it shows."""
        return pb.Checkpoint(
            log=str(self.log), size=len(self._datas), note=self.note, cosign_requested=True
        )

    async def exchange_checkpoints(
        self, _request: pb.ExchangeCheckpointsRequest, _call: Call
    ) -> pb.ExchangeCheckpointsResponse:
        """Show the lie."""
        return pb.ExchangeCheckpointsResponse(checkpoints=[self.checkpoint])

    async def watch_checkpoints(
        self, _request: pb.WatchCheckpointsRequest, _call: Call
    ) -> AsyncIterator[pb.Checkpoint]:
        """Show the lie once."""
        yield self.checkpoint

    async def read_entries(
        self, request: pb.ReadEntriesRequest, _call: Call
    ) -> AsyncIterator[pb.ReadEntriesResponse]:
        """Serve the lie, with true proofs of it."""
        end = request.end_index or request.checkpoint_size
        if request.first_index < end:
            entries = self._datas[request.first_index : end]
            proof = consistency_proof(self._nodes, old_size=end, size=request.checkpoint_size)
            yield pb.ReadEntriesResponse(
                first_index=request.first_index,
                entries=[b"garbled" for _ in entries] if self._garbled else entries,
                consistency_proof=proof,
            )

    async def add_cosignature(
        self, _request: pb.AddCosignatureRequest, _call: Call
    ) -> pb.AddCosignatureResponse:
        """Nobody should cosign a lie."""
        assert self._takes_cosignatures, "a lie was cosigned"
        return pb.AddCosignatureResponse()
