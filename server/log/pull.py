"""Entries from a partner, verified before anything else is done with them.

No storage here: a partner's messages in, proven parts out. Each message must lead from what is
held to the signed checkpoint, by its consistency proof or, at the end, by the root itself.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from deltacare.errors import PeerFault, Reason, Unavailable
from deltacare.ids import LogName
from deltacare.tlog.checkpoint import Checkpoint
from deltacare.tlog.fork import Contradiction
from deltacare.tlog.proof import verify_consistency
from deltacare.tlog.tile import ENTRY_BYTES_MAX, Tile
from deltacare.tlog.tree import Frontier, leaf_hashes
from deltacare.v1.log_service_pb2 import ReadEntriesRequest, ReadEntriesResponse
from server.log.ports import Peer
from server.log.store import Tree

__all__ = ["MESSAGE_ENTRIES_MAX", "Pulled", "judge", "pull"]

MESSAGE_ENTRIES_MAX = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """Consecutive entries that were proven to be under a signed checkpoint.

    Attributes:
        first_index: of the first.
        datas: exact bytes of each.
        tree: right edge behind them.
        tiles: to be written with them.
        salts: what travelled beside them, by index.
    """

    first_index: int
    datas: list[bytes]
    tree: Tree
    tiles: tuple[Tile, ...]
    salts: Mapping[int, bytes]


async def pull(
    peer: Peer,
    log: LogName,
    checkpoint: Checkpoint,
    tree: Tree,
    *,
    entries_max: int,
    bytes_max: int,
) -> AsyncIterator[Pulled]:
    """Yield proven parts from the end of what is held to a checkpoint.

    Args:
        peer: whom to ask.
        log: the log.
        checkpoint: signed by the log's key, larger than what is held.
        tree: what is held.
        entries_max: of a part; a message is not split.
        bytes_max: of a part; a message is not split.

    Raises:
        PeerFault: ``BAD_PROOF``, if what the partner sends does not lead to the checkpoint.
        DeltacareError: whatever else the partner answers.
    """
    request = ReadEntriesRequest(
        log=str(log), first_index=tree.frontier.size, checkpoint_size=checkpoint.size
    )
    part = _Part(tree)
    async for message in peer.read_entries(request):
        datas = list(message.entries)
        _check_message(message, part.tree.frontier.size, checkpoint.size)
        part.add(datas, message)
        _prove(message, part.tree.frontier, checkpoint)
        if len(part.datas) >= entries_max or part.bytes >= bytes_max:
            yield part.done()
            part = _Part(part.tree)
    if part.tree.frontier.size != checkpoint.size:
        raise Unavailable(
            Reason.PEER_UNREACHABLE, "The partner's entries ended before the checkpoint."
        )
    if part.datas:
        yield part.done()


async def judge(
    peer: Peer, log: LogName, checkpoint: Checkpoint, held: Frontier
) -> Contradiction | None:
    """Return how a signed checkpoint's history differs from what is held, ``None`` if it does not.

    The partner's entries are asked for and hashed from the first on, and each message is proven to
    lead to the checkpoint; so the root at the size held here is the one that the checkpoint's
    signer vouches for. Needs memory for one message only.

    Raises:
        PeerFault: if the partner cannot prove its entries either: then nothing is known of the
            log, only of the partner.
        DeltacareError: whatever else the partner answers.
    """
    if held.size == 0:
        return None
    request = ReadEntriesRequest(log=str(log), end_index=held.size, checkpoint_size=checkpoint.size)
    frontier = Frontier.empty()
    hashes: tuple[bytes, ...] = ()
    async for message in peer.read_entries(request):
        _check_message(message, frontier.size, held.size)
        frontier = frontier.append(leaf_hashes(message.entries))
        _prove(message, frontier, checkpoint)
        hashes = tuple(message.consistency_proof)
    if frontier.size != held.size:
        raise Unavailable(
            Reason.PEER_UNREACHABLE, "The partner's entries ended before what is held."
        )
    if frontier.root == held.root:
        return None
    return Contradiction(root=frontier.root, hashes=hashes)


class _Part:
    """A part that is being gathered."""

    def __init__(self, tree: Tree) -> None:
        self._first_index = tree.frontier.size
        self._tiles: dict[tuple[int, int], Tile] = {}
        self._salts: dict[int, bytes] = {}
        self.tree = tree
        self.datas: list[bytes] = []
        self.bytes = 0

    def add(self, datas: list[bytes], message: ReadEntriesResponse) -> None:
        """Take a message; what it says is not proven yet."""
        first = self.tree.frontier.size
        self.tree, tiles = self.tree.append(leaf_hashes(datas))
        self._tiles.update({(tile.level, tile.index): tile for tile in tiles})
        self.datas += datas
        self.bytes += sum(map(len, datas))
        end = first + len(datas)
        self._salts.update({a.index: a.salt for a in message.attachments if first <= a.index < end})

    def done(self) -> Pulled:
        """Return the part, whose messages were all proven."""
        return Pulled(
            first_index=self._first_index,
            datas=self.datas,
            tree=self.tree,
            tiles=tuple(self._tiles.values()),
            salts=self._salts,
        )


def _check_message(message: ReadEntriesResponse, cursor: int, end: int) -> None:
    """Check a message's shape before anything is hashed."""
    count = len(message.entries)
    if message.first_index != cursor or not 0 < count <= MESSAGE_ENTRIES_MAX:
        raise PeerFault(Reason.BAD_PROOF, "The partner's entries are not those asked for.")
    if cursor + count > end or max(map(len, message.entries)) > ENTRY_BYTES_MAX:
        raise PeerFault(Reason.BAD_PROOF, "The partner's entries are more than was asked for.")


def _prove(message: ReadEntriesResponse, frontier: Frontier, checkpoint: Checkpoint) -> None:
    verify_consistency(
        tuple(message.consistency_proof),
        old_size=frontier.size,
        old_root=frontier.root,
        size=checkpoint.size,
        root=checkpoint.root,
    )
