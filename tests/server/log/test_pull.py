"""What a partner sends is proven before anything is done with it."""

from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from deltacare.errors import PeerFault, Reason, Unavailable
from deltacare.ids import LogName
from deltacare.tlog.checkpoint import Checkpoint
from deltacare.tlog.proof import consistency_proof, verify_consistency
from deltacare.tlog.tile import NodesFromTiles, grow
from deltacare.tlog.tree import Frontier, leaf_hashes, root_of
from deltacare.v1.log_service_pb2 import Attachment, ReadEntriesRequest, ReadEntriesResponse
from server.log.pull import Pulled, judge, pull
from server.log.store import Tree

LOG = LogName.registry("310000")
DATAS = [f"entry {number}".encode() for number in range(10)]
CHECKPOINT = Checkpoint(origin=str(LOG), size=10, root=root_of(DATAS))


class _Tiles:
    def __init__(self, datas: Sequence[bytes]) -> None:
        growth = grow(Frontier.empty(), {}, leaf_hashes(datas))
        self._tiles = {(tile.level, tile.index): tile.data for tile in growth.tiles}

    def read_tile(self, level: int, index: int, width: int, /) -> bytes:
        """Return a tile."""
        del width
        return self._tiles[level, index]


def messages(first: int, *ends: int) -> list[ReadEntriesResponse]:
    """Return true messages of the log, cut at some places."""
    found = []
    for end in ends:
        nodes = NodesFromTiles(_Tiles(DATAS), size=10)
        found.append(
            ReadEntriesResponse(
                first_index=first,
                entries=DATAS[first:end],
                consistency_proof=consistency_proof(nodes, old_size=end, size=10),
            )
        )
        first = end
    return found


class _Peer:
    """A partner that sends what it is given."""

    def __init__(self, rows: Sequence[ReadEntriesResponse]) -> None:
        self.asked: list[ReadEntriesRequest] = []
        self._rows = rows

    async def read_entries(self, request: ReadEntriesRequest) -> AsyncIterator[ReadEntriesResponse]:
        """Send them."""
        self.asked.append(request)
        for row in self._rows:
            yield row


def tree(size: int) -> Tree:
    """Return what is held."""
    return Tree(frontier=Frontier.empty()).append(leaf_hashes(DATAS[:size]))[0]


async def collect(
    rows: Sequence[ReadEntriesResponse], held: int, *, entries_max: int = 100
) -> list[Pulled]:
    """Pull from a partner that sends these messages."""
    parts = pull(
        _Peer(rows),  # type: ignore[arg-type]  # entries are all that is asked of it
        LOG,
        CHECKPOINT,
        tree(held),
        entries_max=entries_max,
        bytes_max=1_000_000,
    )
    return [part async for part in parts]


@pytest.mark.parametrize("held", [0, 1, 3, 7, 9])
async def test_true_messages_lead_to_the_checkpoint(held: int) -> None:
    """From whatever is held, in whatever pieces."""
    ends = [end for end in (2, 5, 8, 10) if end > held]
    (part,) = await collect(messages(held, *ends), held)
    assert (part.first_index, part.datas) == (held, DATAS[held:])
    assert part.tree.frontier.root == CHECKPOINT.root


async def test_parts_end_where_they_are_large_enough() -> None:
    """Messages are gathered and never split."""
    parts = await collect(messages(0, 2, 4, 7, 10), 0, entries_max=3)
    assert [(part.first_index, len(part.datas)) for part in parts] == [(0, 4), (4, 3), (7, 3)]


def _swap(row: ReadEntriesResponse) -> None:
    row.entries[0], row.entries[1] = row.entries[1], row.entries[0]


def _skip(row: ReadEntriesResponse) -> None:
    row.first_index += 1


def _empty(row: ReadEntriesResponse) -> None:
    del row.entries[:]


def _more(row: ReadEntriesResponse) -> None:
    row.entries.extend(DATAS)


def _long(row: ReadEntriesResponse) -> None:
    row.entries[0] = b"x" * 65_536


def _unproven(row: ReadEntriesResponse) -> None:
    del row.consistency_proof[:]


@pytest.mark.parametrize("spoil", [_swap, _skip, _empty, _more, _long, _unproven])
async def test_what_is_not_proven_is_refused(spoil: Callable[[ReadEntriesResponse], None]) -> None:
    """Each way of lying in a message, before anything of it is given out."""
    rows = messages(0, 4, 10)
    spoil(rows[0])
    with pytest.raises(PeerFault) as caught:
        await collect(rows, 0)
    assert caught.value.reason is Reason.BAD_PROOF


async def test_a_stream_that_ends_early_is_an_outage() -> None:
    """What came was true; the rest may come later."""
    with pytest.raises(Unavailable):
        await collect(messages(0, 4), 0)


async def test_salts_outside_the_message_are_dropped() -> None:
    """A partner speaks only of the entries it sends."""
    rows = messages(0, 4, 10)
    rows[1].attachments.extend(Attachment(index=i, salt=b"s" * 16) for i in (3, 4, 9, 10))
    (part,) = await collect(rows, 0)
    assert sorted(part.salts) == [4, 9]


async def test_a_fork_is_told_from_a_bad_copy() -> None:
    """From the first entry on, the checkpoint's history is the held one or another."""
    peer = _Peer(messages(0, 3, 6))
    held = tree(6).frontier
    assert await judge(peer, LOG, CHECKPOINT, held) is None  # type: ignore[arg-type]
    other = Frontier.empty().append(leaf_hashes([b"other", *DATAS[1:6]]))
    found = await judge(_Peer(messages(0, 3, 6)), LOG, CHECKPOINT, other)  # type: ignore[arg-type]
    assert found is not None
    # The proof convinces whoever holds nothing: the checkpoint's own tree had this root then.
    assert held.root == found.root
    verify_consistency(found.hashes, old_size=6, old_root=found.root, size=10, root=CHECKPOINT.root)
    (request,) = peer.asked
    assert (request.first_index, request.end_index, request.checkpoint_size) == (0, 6, 10)
    assert await judge(_Peer([]), LOG, CHECKPOINT, Frontier.empty()) is None  # type: ignore[arg-type]
    with pytest.raises(Unavailable):
        await judge(_Peer(messages(0, 3)), LOG, CHECKPOINT, held)  # type: ignore[arg-type]
