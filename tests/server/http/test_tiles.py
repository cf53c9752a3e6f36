"""The read path of registry logs: tlog-tiles up to the newest checkpoint with a quorum."""

import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from deltacare.ids import LogName
from deltacare.tlog.checkpoint import SignedCheckpoint
from deltacare.tlog.cosignature import verify_cosignatures
from deltacare.tlog.proof import root_at
from deltacare.tlog.tile import (
    NodesFromTiles,
    decode_entries,
    entries_path,
    tile_path,
    tile_width,
    tiles_of,
)
from deltacare.tlog.tree import leaf_hashes, root_of
from tests.support.federation import PROVINCES, log_signer, make_keys
from tests.support.http import Door, open_door
from tests.support.nodes import FourNodes, institution, record

AUTHOR, MIRROR = "310000", "320000"
LOG = LogName.registry(AUTHOR)
SIZE = 700
FOR_GOOD = "public, max-age=31536000, immutable"


def path_of(rest: str, log: LogName = LOG) -> str:
    """Return the path of a resource of a log."""
    return f"/logs/{log}/{rest}"


@asynccontextmanager
async def filled(
    directory: Path, province: str = MIRROR, size: int = SIZE
) -> AsyncIterator[tuple[FourNodes, Door]]:
    """Bring the federation up with a registry log of some size under its quorum everywhere."""
    async with FourNodes.open(directory) as nodes:
        await nodes.confirmed()
        await nodes[AUTHOR].append(LOG, [institution(f"310000-{n}") for n in range(size)])
        await nodes[province].holds(LOG, size)
        await nodes[province].has_quorum(LOG, size)
        async with open_door(nodes[province]) as door:
            yield nodes, door


@pytest.mark.parametrize("province", [AUTHOR, MIRROR])
async def test_a_stranger_verifies_a_whole_log(tmp_path: Path, province: str) -> None:
    """Own or mirrored: checkpoint with its quorum, every tile, every entry, one root."""
    async with filled(tmp_path, province) as (_, door):
        reply = await door.get(path_of("checkpoint"))
        assert "text/plain; charset=utf-8" == reply.headers["Content-Type"]
        assert "public, max-age=1" == reply.headers["Cache-Control"]
        signed = SignedCheckpoint.from_bytes(reply.body, log_signer(LOG).verifier)
        partners = [make_keys(p).witness.verifier for p in PROVINCES if p != AUTHOR]
        assert len(verify_cosignatures(signed, partners)) >= 2
        assert SIZE == signed.checkpoint.size
        tiles: dict[tuple[int, int], bytes] = {}
        for tile in tiles_of(SIZE):
            found = await door.get(path_of(tile_path(tile.level, tile.index, tile.width)))
            assert (200, tile.width * 32) == (found.status, len(found.body))
            assert "application/octet-stream" == found.headers["Content-Type"]
            assert FOR_GOOD == found.headers["Cache-Control"]
            tiles[tile.level, tile.index] = found.body
        entries: list[bytes] = []
        for index in range(-(-SIZE // 256)):
            width = tile_width(0, index, SIZE)
            found = await door.get(path_of(entries_path(index, width)))
            assert FOR_GOOD == found.headers["Cache-Control"]
            entries += decode_entries(found.body, width=width)
    assert signed.checkpoint.root == root_of(entries)

    class Tiles:
        def read_tile(self, level: int, index: int, width: int, /) -> bytes:
            del width
            return tiles[level, index]

    assert signed.checkpoint.root == root_at(NodesFromTiles(Tiles(), size=SIZE), size=SIZE)
    assert b"".join(leaf_hashes(entries))[: 256 * 32] == tiles[0, 0]


async def test_partial_tiles_of_earlier_sizes(tmp_path: Path) -> None:
    """A tile that has grown is still served as it was; nothing beyond the checkpoint is."""
    async with filled(tmp_path) as (_, door):
        whole = (await door.get(path_of("tile/0/000"))).body
        early = await door.get(path_of("tile/0/000.p/5"))
        assert (200, whole[: 5 * 32]) == (early.status, early.body)
        bundle = (await door.get(path_of("tile/entries/000.p/3"))).body
        assert 3 == len(decode_entries(bundle, width=3))
        edge = SIZE % 256
        found = {
            rest: (await door.get(path_of(rest))).status
            for rest in (
                f"tile/0/002.p/{edge}",
                f"tile/0/002.p/{edge + 1}",
                "tile/0/002",
                "tile/0/003.p/1",
                f"tile/entries/002.p/{edge + 1}",
                "tile/entries/002",
                "tile/1/000.p/2",
                "tile/1/000.p/3",
                "tile/1/000",
                "tile/2/000.p/1",
                "tile/63/000.p/1",
                "tile/0/x999/x999/x999/x999/x999/999",
            )
        }
    assert [200] + [404] * 5 + [200] + [404] * 5 == list(found.values())


async def test_nothing_without_a_quorum(tmp_path: Path) -> None:
    """What no partner has cosigned is shown to nobody, though it is held."""
    async with FourNodes.solo(tmp_path, AUTHOR) as node, open_door(node) as door:
        await node.append(LOG, [institution("310000-1")])
        for rest in ("checkpoint", "tile/0/000.p/1", "tile/entries/000.p/1"):
            assert 404 == (await door.get(path_of(rest))).status


async def test_other_logs_do_not_exist(tmp_path: Path) -> None:
    """Settlement and audit logs, and members that there are not, look the same: not found."""
    settlement = LogName.settlement(AUTHOR, MIRROR)
    async with filled(tmp_path, size=3) as (nodes, door):
        entry = record("S1", home=MIRROR, host=AUTHOR)
        await nodes[AUTHOR].append(settlement, [entry])
        await nodes[MIRROR].holds(settlement, 1)
        replies = [
            await door.get(path_of(rest, log))
            for log in (
                settlement,
                LogName.audit(AUTHOR),
                LogName.audit(MIRROR),
                LogName.registry("110000"),
            )
            for rest in ("checkpoint", "tile/0/000.p/1", "tile/entries/000.p/1")
        ]
    assert {404} == {reply.status for reply in replies}
    assert 1 == len({reply.body for reply in replies if b"NOT_FOUND" in reply.body})


@pytest.mark.parametrize(
    "accepts, is_packed",
    [
        ("gzip, identity", True),
        ("br;q=1.0, gzip;q=0.8", True),
        ("*", True),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.0, identity", False),
    ],
)
async def test_bundles_are_packed_if_that_is_taken(
    tmp_path: Path, accepts: str, *, is_packed: bool
) -> None:
    """Entries by gzip for who accepts it, as they are for who does not; hashes never."""
    async with filled(tmp_path, size=300) as (_, door):
        path = path_of("tile/entries/000")
        found = await door.get(path, Accept_Encoding=accepts)
        plain = await door.get(path, Accept_Encoding="identity")
        tile = await door.get(path_of("tile/0/000"), Accept_Encoding=accepts)
    assert is_packed == (found.headers.get("Content-Encoding") == "gzip")
    assert plain.body == (gzip.decompress(found.body) if is_packed else found.body)
    assert "Accept-Encoding" == found.headers["Vary"]
    assert "Content-Encoding" not in tile.headers


async def test_heads_and_methods(tmp_path: Path) -> None:
    """HEAD says how long; what is not allowed is named with what is."""
    async with filled(tmp_path, size=3) as (_, door):
        path = path_of("tile/0/000.p/3")
        whole = await door.get(path)
        head = await door.get(path, method="HEAD")
        assert (200, b"", str(len(whole.body))) == (
            head.status,
            head.body,
            head.headers["Content-Length"],
        )
        posted = await door.get(path, method="POST")
        assert (405, "GET, HEAD") == (posted.status, posted.headers["Allow"])
        fetched = await door.get("/witness/add-checkpoint")
        assert (405, "POST") == (fetched.status, fetched.headers["Allow"])
        assert 404 == (await door.get("/", method="DELETE")).status
