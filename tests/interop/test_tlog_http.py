"""The open door against clients that are not ours: Go's tlog and note, PyPI aics-tlog and -witness.

A monitor reads a whole registry log over HTTP and proves every entry from tiles; a log of theirs
has its checkpoints cosigned by our witness, and a log of ours is read into their witness.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deltacare.ids import LogName
from deltacare.trust import log_policy
from tests.interop.go_support import Go, build_go
from tests.interop.tlog_support import ROOT
from tests.support.federation import log_signer, make_keys, seed
from tests.support.http import Door, History, open_door
from tests.support.nodes import FourNodes, institution

pytestmark = pytest.mark.interop

AUTHOR, WITNESS = "310000", "320000"
LOG = LogName.registry(AUTHOR)
INSTALLED = ROOT / ".venv" / "aics-tlog"
SIZE = 600


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Drop what is logged."""
    with structlog.testing.capture_logs():
        yield


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Go:
    """Build the Go program outside the tree and return how to run it."""
    return build_go(Path(__file__).parent / "go", tmp_path_factory.mktemp("go"))


@pytest.fixture(scope="module")
def aics() -> Iterator[ModuleType]:
    """Import aics-witness and aics-tlog from where setup.sh put them."""
    assert (INSTALLED / "aics_witness").exists(), "run make test-interop, which installs it"
    sys.path.append(str(INSTALLED))
    try:
        yield import_module("aics_witness.feeder")
    finally:
        sys.path.remove(str(INSTALLED))


@asynccontextmanager
async def door_of(directory: Path, *, size: int) -> AsyncIterator[Door]:
    """Serve the node of a partner that holds a registry log of some size under its quorum."""
    async with FourNodes.open(directory) as nodes:
        await nodes.confirmed()
        if size:
            await nodes[AUTHOR].append(LOG, [institution(f"310000-{n}") for n in range(size)])
            await nodes[WITNESS].holds(LOG, size)
            await nodes[WITNESS].has_quorum(LOG, size)
        (directory / "policy.txt").write_text(log_policy(nodes.trust, LOG).to_text())
        async with open_door(nodes[WITNESS]) as door:
            await door.settled(LOG)
            yield door


def answer(run: "subprocess.CompletedProcess[str]") -> Any:
    """Return what the program reported; it must have succeeded."""
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def vkey() -> str:
    """Return the key by which others verify our witness."""
    return make_keys(WITNESS).witness.verifier.to_text()


async def test_go_reads_a_log(go: Go, tmp_path: Path) -> None:
    """Checkpoint by tlog-policy, every entry proven by tlog.TileHashReader, all over HTTP."""
    async with door_of(tmp_path, size=SIZE) as door:
        policy = tmp_path / "policy.txt"
        found = answer(await asyncio.to_thread(go, "check-url", policy, door.url(f"/logs/{LOG}")))
        assert (str(LOG), SIZE, SIZE) == (found["origin"], found["size"], found["entries"])
        assert found["cosigners"] >= 2
        other = LogName.settlement(AUTHOR, WITNESS)
        run = await asyncio.to_thread(go, "check-url", policy, door.url(f"/logs/{other}"))
        assert (1, True) == (run.returncode, "404 Not Found" in run.stderr)


async def test_go_is_cosigned(go: Go, tmp_path: Path) -> None:
    """A log in Go proves its growth, is told where it stands, and cannot show another history."""

    def submit(door: Door, label: str, *sizes: int) -> Any:
        key = seed(str(LOG)).hex()
        return answer(go("submit", door.url("/witness"), LOG, key, vkey(), label, *sizes))

    async with door_of(tmp_path, size=0) as door:
        done = await asyncio.to_thread(submit, door, "entry", 1, 7, 7, 8, 300, 513)
        assert [(200, True)] * 6 == [(each["status"], each["cosigns"]) for each in done]
        # From nothing again: the witness says where it stands, and goes on from there.
        done = await asyncio.to_thread(submit, door, "entry", 1_999)
        assert [(0, 409, 513), (513, 200, 0)] == [
            (each["old"], each["status"], each["holds"]) for each in done
        ]
        assert "text/x.tlog.size" == done[0]["type"]
        done = await asyncio.to_thread(submit, door, "other", 2_000)
        assert [(0, 409), (1_999, 422)] == [(each["old"], each["status"]) for each in done]
        done = await asyncio.to_thread(submit, door, "entry", 2_000)
        assert [409, 200] == [each["status"] for each in done]


async def test_aics_reads_a_log(aics: ModuleType, tmp_path: Path) -> None:
    """Its tile reader audits the whole tree over HTTP and proves an entry."""
    del aics
    tlog, verified = import_module("aics_tlog"), import_module("aics_tlog.verified")
    async with door_of(tmp_path, size=SIZE) as door:
        note = tlog.parse_note((await door.get(f"/logs/{LOG}/checkpoint")).body)
        key = tlog.parse_vkey(log_signer(LOG).verifier.to_text())
        result = tlog.verify_checkpoint(note, key, [tlog.parse_vkey(vkey())], 1)
        assert result.ok, result.error
        reader = tlog.HttpTileReader([door.url(f"/logs/{LOG}")], proxies={})

        def audit() -> bytes:
            verified.audit_tiles(reader, result.size, result.root)
            entry: bytes = tlog.VerifiedTileReader(reader, result.size, result.root).entry(500)
            return entry

        assert b"310000-500" in await asyncio.to_thread(audit)
        assert 0 == reader.stats["errors"]


async def test_aics_is_cosigned(aics: ModuleType, tmp_path: Path) -> None:
    """Its client of witnesses submits to ours: growth, a lost answer, and another history."""
    true, other = History.of(LOG, 40), History.of(LOG, 40, label="other")
    merkle = import_module("aics_tlog").MerkleTree
    async with door_of(tmp_path, size=0) as door:

        def client() -> Any:
            url = door.url("/witness")
            # The nodes' clock stands still in tests.
            return aics.WitnessClient(url, vkey(), max_age_seconds=None, max_future_seconds=None)

        def submit(history: History, *sizes: int) -> list[bytes]:
            tree = merkle(history.datas)
            with client() as each:
                return [
                    aics.merge_cosignatures(
                        history.note(size), each.submit(history.note(size), tree.consistency_proof)
                    )
                    for size in sizes
                ]

        name = vkey().split("+")[0].encode()
        for merged in await asyncio.to_thread(submit, true, 3, 4, 20):
            assert name in merged
        # A client that remembers nothing is told; one with another history is refused.
        await asyncio.to_thread(submit, true, 20)
        await asyncio.to_thread(submit, true, 33)
        for size in (40, 33):
            with pytest.raises(aics.WitnessRejected) as caught:
                await asyncio.to_thread(submit, other, size)
            assert 422 == caught.value.status


async def test_a_stock_witness_follows_our_log(aics: ModuleType, tmp_path: Path) -> None:
    """Our checkpoints and tiles, read over HTTP, satisfy a witness of theirs as the log grows."""
    package, tlog = import_module("aics_witness"), import_module("aics_tlog")
    key = log_signer(LOG).verifier.to_text()
    config = package.LogConfig.from_strings(str(LOG), [key])
    secret = Ed25519PrivateKey.from_private_bytes(seed("a stock witness"))
    store = package.WitnessStore(tmp_path / "stock.db", create=True)
    stock = package.Witness("stock.example/w", secret, store, [config])

    def feed(url: str, note: bytes) -> bytes:
        checkpoint = tlog.parse_checkpoint(tlog.parse_note(note).text)
        reader = tlog.HttpTileReader([url], proxies={})
        tiles = tlog.VerifiedTileReader(reader, checkpoint.size, checkpoint.root)

        def prove(old: int, new: int) -> list[bytes]:
            found: list[bytes] = tlog.consistency_proof_from_tiles(tiles, old, new, new)
            return found

        with aics.WitnessClient(server.url, stock.vkey_text) as client:
            merged: bytes = aics.merge_cosignatures(note, client.submit(note, prove))
        return merged

    server = package.make_server(stock)
    serving = asyncio.create_task(asyncio.to_thread(server.serve_forever))
    try:
        async with FourNodes.open(tmp_path) as nodes, open_door(nodes[WITNESS]) as door:
            await nodes.confirmed()
            for size in (3, 300, 700):
                held = nodes[WITNESS].logs.reader.position(LOG).size
                await nodes[AUTHOR].append(
                    LOG, [institution(f"310000-{n}") for n in range(held, size)]
                )
                await nodes[WITNESS].holds(LOG, size)
                await nodes[WITNESS].has_quorum(LOG, size)
                note = (await door.get(f"/logs/{LOG}/checkpoint")).body
                merged = await asyncio.to_thread(feed, door.url(f"/logs/{LOG}"), note)
                assert b"stock.example/w" in merged
                assert size == store.get(str(LOG)).size
    finally:
        await asyncio.to_thread(server.shutdown)
        await serving
        server.server_close()
        store.close()
