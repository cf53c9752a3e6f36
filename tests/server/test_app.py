"""Tests of a whole node: every room wired, on a real socket, with a real partner."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from clients.federation.ceremony import Changes
from clients.sdk.credentials import Profile
from clients.sdk.node import NodeClient
from clients.sdk.retry import request_id
from deltacare.errors import PeerFault, Reason, Refusal
from deltacare.times import business_date
from deltacare.tlog.checkpoint import Checkpoint
from deltacare.tlog.note import SignedNote
from deltacare.v1.clearing_service_pb2 import PAIR_NIGHT_STATE_AGREED, ListPairNightsRequest
from deltacare.v1.entry_pb2 import (
    INSTITUTION_STATE_OPERATING,
    Institution,
)
from deltacare.v1.federation_service_pb2 import (
    GetTrustStatusRequest,
    GetTrustStatusResponse,
    ListMembersRequest,
    ListPartnerHealthRequest,
    PublishTrustRequest,
    TrustFile,
    WhoAmIRequest,
)
from deltacare.v1.registry_service_pb2 import (
    BatchUpsertInstitutionsRequest,
    CountInstitutionsRequest,
)
from deltacare.v1.settlement_service_pb2 import CloseDayRequest
from deltacare.v1.types_pb2 import Duty
from server.app import Node, SystemClock, SystemEntropy, rebuild
from server.config import NodeConfig, read_config
from server.federation.keeper import KeeperSettings
from server.renewal import renew_certificate
from tests.support.federated import free_ports, make_directories, make_offices

DEADLINE_S = 20


def config_of(directory: Path) -> NodeConfig:
    """Return a node's settings."""
    return read_config(directory / "node.toml")


@asynccontextmanager
async def running(directory: Path) -> AsyncIterator[Node]:
    """Run a node."""
    node = Node(config_of(directory))
    try:
        await node.start()
        yield node
    finally:
        await node.stop()


def client_of(directory: Path, role: str) -> NodeClient:
    """Return a client of a node."""
    return NodeClient.of(Profile.load(directory / "clients", name=role))


async def connected(client: NodeClient) -> None:
    """Wait until a node's partners are connected and its logs confirmed."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            health = await client.federation.ListPartnerHealth(ListPartnerHealthRequest())
            if not health.unconfirmed_logs and all(p.connected for p in health.partners):
                return
            await asyncio.sleep(0.05)


async def test_two_nodes(tmp_path: Path) -> None:
    """Two nodes find each other over mTLS; what one states, the other counts."""
    directories = make_directories(tmp_path)
    async with AsyncExitStack() as stack:
        for directory in directories.values():
            await stack.enter_async_context(running(directory))
        shanghai = await stack.enter_async_context(client_of(directories["310000"], "system"))
        jiangsu = await stack.enter_async_context(client_of(directories["320000"], "auditor"))
        await connected(shanghai)
        await connected(jiangsu)
        institution = Institution(
            institution_id="310000-1",
            name="Synthetic Home 1",
            division_code="310151",
            approved_beds=12,
            state=INSTITUTION_STATE_OPERATING,
        )
        await shanghai.registry.BatchUpsertInstitutions(
            BatchUpsertInstitutionsRequest(
                request_id=request_id(),
                duty=Duty(maker="m-1", reviewer="r-1"),
                institutions=[institution],
            )
        )
        async with asyncio.timeout(DEADLINE_S):
            while True:
                counted = await jiangsu.registry.CountInstitutions(CountInstitutionsRequest())
                if counted.counts:
                    break
                await asyncio.sleep(0.05)
    assert [(c.province, c.approved_beds) for c in counted.counts] == [("310000", 12)]
    seen = await rebuild(config_of(directories["320000"]), on_log=lambda: None)
    assert {str(log): size for log, size in seen.items()} == {
        "deltacare/310000/registry": 1,
        "deltacare/310000/settlement/320000": 0,
        "deltacare/320000/registry": 0,
        "deltacare/320000/settlement/310000": 0,
    }
    directory = directories["320000"]
    async with running(directory), client_of(directory, "auditor") as again:
        counted = await again.registry.CountInstitutions(CountInstitutionsRequest())
    assert [(c.province, c.approved_beds) for c in counted.counts] == [("310000", 12)]


async def test_a_whole_node_opens_its_door(tmp_path: Path) -> None:
    """With ``[http]`` anybody reads what the partner cosigned, under the node's certificate."""
    directories = make_directories(tmp_path)
    directory, (port,) = directories["310000"], free_ports(1)
    settings = directory / "node.toml"
    text = settings.read_text(encoding="utf-8")
    assert 'listen = "off"' in text
    settings.write_text(
        text.replace('listen = "off"', f'listen = "127.0.0.1:{port}"'), encoding="utf-8"
    )
    context = ssl.create_default_context(cafile=str(directory / "ca.crt"))
    url = f"https://127.0.0.1:{port}/logs/deltacare/310000/registry/checkpoint"
    async with AsyncExitStack() as stack:
        for each in directories.values():
            await stack.enter_async_context(running(each))
        client = await stack.enter_async_context(client_of(directory, "system"))
        await connected(client)
        institution = Institution(
            institution_id="310000-1",
            name="Synthetic Home 1",
            division_code="310151",
            approved_beds=12,
            state=INSTITUTION_STATE_OPERATING,
        )
        await client.registry.BatchUpsertInstitutions(
            BatchUpsertInstitutionsRequest(
                request_id=request_id(),
                duty=Duty(maker="m-1", reviewer="r-1"),
                institutions=[institution],
            )
        )
        session = await stack.enter_async_context(aiohttp.ClientSession())
        async with asyncio.timeout(DEADLINE_S):
            while True:
                async with session.get(url, ssl=context) as reply:
                    body = await reply.read()
                if reply.status == 200:
                    note = SignedNote.from_bytes(body)
                    checkpoint = Checkpoint.from_text(note.text)
                    if checkpoint.size:
                        break
                await asyncio.sleep(0.05)
        private = url.replace("registry", "settlement/320000")
        async with session.get(private, ssl=context) as reply:
            assert 404 == reply.status
    assert ("deltacare/310000/registry", 1) == (checkpoint.origin, checkpoint.size)
    assert {"deltacare/310000/registry", "deltacare/320000/witness"} <= {
        line.name for line in note.signatures
    }
    with pytest.raises(OSError, match="Connect"):
        await asyncio.open_connection("127.0.0.1", port)


async def test_night_runs_by_itself(tmp_path: Path) -> None:
    """Once both sides closed a date, each node runs the night and both agree, unasked."""
    directories = make_directories(tmp_path)
    yesterday = (business_date(datetime.now(UTC)) - timedelta(days=1)).isoformat()
    async with AsyncExitStack() as stack:
        for directory in directories.values():
            await stack.enter_async_context(running(directory))
        clients = [
            await stack.enter_async_context(client_of(directory, "clerk"))
            for directory in directories.values()
        ]
        for client in clients:
            await connected(client)
        for client in clients:
            await client.settlement.CloseDay(
                CloseDayRequest(request_id=request_id(), business_date=yesterday)
            )
        async with asyncio.timeout(DEADLINE_S):
            while True:
                shown = await clients[0].clearing.ListPairNights(
                    ListPairNightsRequest(until_date=yesterday)
                )
                if [night.state for night in shown.nights] == [PAIR_NIGHT_STATE_AGREED]:
                    break
                await asyncio.sleep(0.05)
    assert shown.nights[0].lower_result.digest == shown.nights[0].higher_result.digest


async def test_alone_it_reads_and_does_not_write(tmp_path: Path) -> None:
    """A node whose partners do not answer serves reads and refuses writes for now."""
    directory = make_directories(tmp_path)["310000"]
    async with running(directory), client_of(directory, "system") as client:
        who = await client.federation.WhoAmI(WhoAmIRequest())
        assert who.role == "system"
        health = await client.federation.ListPartnerHealth(ListPartnerHealthRequest())
        assert list(health.unconfirmed_logs) == [
            "deltacare/310000/audit",
            "deltacare/310000/registry",
            "deltacare/310000/settlement/320000",
        ]


async def test_stops_in_whatever_state(tmp_path: Path) -> None:
    """A node that could not take its address stops as one that never started."""
    directories = make_directories(tmp_path)
    async with running(directories["310000"]):
        node = Node(
            replace(
                config_of(directories["320000"]), listen=config_of(directories["310000"]).listen
            )
        )
        with pytest.raises(OSError, match="in use"):
            await node.start()
        await node.stop()
    await Node(config_of(directories["320000"])).stop()


def test_altered_metadata(tmp_path: Path) -> None:
    """A node does not start on metadata that somebody altered on its disk."""
    directory = make_directories(tmp_path)["310000"]
    (document,) = [
        path
        for path in (directory / "trust" / "documents").iterdir()
        if b"deltacare test" in path.read_bytes()
    ]
    data = document.read_bytes()
    document.write_bytes(data.replace(b"deltacare test", b"deltacare lies"))
    with pytest.raises(PeerFault) as caught:
        Node(config_of(directory))
    assert caught.value.reason is Reason.BAD_METADATA


def test_nothing_installed(tmp_path: Path) -> None:
    """A node without the federation's metadata says what to do."""
    directory = make_directories(tmp_path, install=False)["310000"]
    with pytest.raises(Refusal) as caught:
        Node(config_of(directory))
    assert caught.value.violations[0].field == "trust"
    assert "federation publish" in caught.value.violations[0].remedy


def test_no_passphrase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node without its passphrase, or with another one, does not start and says why."""
    directory = make_directories(tmp_path)["310000"]
    monkeypatch.delenv("DELTACARE_KEY_PASSPHRASE", raising=False)
    monkeypatch.delenv("DELTACARE_KEY_PASSPHRASE_FILE", raising=False)
    with pytest.raises(Refusal) as caught:
        Node(replace(config_of(directory), passphrase_file=None))
    assert caught.value.violations[0].field == "passphrase"
    monkeypatch.setenv("DELTACARE_KEY_PASSPHRASE", "another passphrase than that")
    with pytest.raises(Refusal) as caught:
        Node(config_of(directory))
    assert caught.value.reason is Reason.INVALID_FIELD
    assert "another passphrase" not in str(caught.value)


def test_keys_must_be_those_that_are_stated(tmp_path: Path) -> None:
    """A node with other keys than the federation knows does not start: nobody would believe it."""
    directories = make_directories(tmp_path / "a")
    others = make_directories(tmp_path / "b", seed="others")
    foreign = replace(config_of(directories["310000"]), keys=others["310000"] / "keys")
    with pytest.raises(Refusal) as caught:
        Node(foreign)
    assert caught.value.reason is Reason.KEY_NOT_IN_FORCE
    assert "deltacare/310000/witness" in caught.value.details["keys"]
    assert "deltacare/310000/verdicts" in caught.value.details["keys"]


def test_a_stranger_does_not_start(tmp_path: Path) -> None:
    """A province that is no member has no node."""
    directory = make_directories(tmp_path)["310000"]
    with pytest.raises(Refusal) as caught:
        Node(replace(config_of(directory), province="330000"))
    assert caught.value.reason is Reason.NOT_FOUND


class AheadClock(SystemClock):
    """The machine's clock, moved on by a test: every node of the test reads it."""

    ahead = timedelta(0)

    def now(self) -> datetime:
        """Return the instant that the test means."""
        return super().now() + self.ahead


async def test_membership_changes_while_nodes_run(tmp_path: Path) -> None:
    """What offices signed is published at one node and in force at both from the next hour."""
    provinces = ("310000", "320000")
    offices = make_offices(tmp_path / "offices", provinces)
    directories = make_directories(tmp_path / "nodes", offices=offices)
    clock = AheadClock()
    fast = KeeperSettings(interval_s=0.2, backoff_s_min=0.05)
    nodes = [Node(config_of(directories[p]), clock=clock, trust_settings=fast) for p in provinces]
    async with AsyncExitStack() as stack:
        for node in nodes:
            stack.push_async_callback(node.stop)
            await node.start()
        clients = [
            await stack.enter_async_context(client_of(directories[p], "administrator"))
            for p in provinces
        ]

        async def statuses() -> list[GetTrustStatusResponse]:
            asked = [c.federation.GetTrustStatus(GetTrustStatusRequest()) for c in clients]
            return await asyncio.gather(*asked)

        async def until(condition: Callable[[GetTrustStatusResponse], bool]) -> None:
            async with asyncio.timeout(DEADLINE_S):
                while True:
                    if all(map(condition, await statuses())):
                        return
                    await asyncio.sleep(0.05)

        await until(lambda status: not status.problems)
        files = offices.change(Changes(revoked=[("310000", "ab12")]), now=clock.now())
        rows = [TrustFile(path=path, content=data) for path, data in files.items()]
        await clients[0].federation.PublishTrust(PublishTrustRequest(files=rows))
        await until(lambda status: status.newest_snapshot_version == 2)
        assert [status.trust_version for status in await statuses()] == [1, 1]
        clock.ahead = timedelta(hours=1)
        await until(lambda status: status.trust_version == 2)
        members = await clients[1].federation.ListMembers(ListMembersRequest())
        assert members.trust_version == 2


async def test_renewed_certificate_is_shown(tmp_path: Path) -> None:
    """A certificate that is put into the directory is shown without a restart."""
    directories = make_directories(tmp_path)
    directory = directories["310000"]
    async with running(directory) as node:
        config = config_of(directory)
        before = config.certificate.read_bytes()
        assert _shown(node) == before
        renew_certificate(
            directory,
            now=datetime.now(UTC),
            environ={},
            entropy=SystemEntropy().token,
        )
        assert config.certificate.read_bytes() != before
        assert _shown(node) == config.certificate.read_bytes()
        async with client_of(directory, "system") as client:
            await client.federation.WhoAmI(WhoAmIRequest())


def _shown(node: Node) -> bytes:
    """Return the certificate that a node shows its partners."""
    return node._partners._certificate.current().certificate_pem
