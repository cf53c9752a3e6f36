"""Tests of the node's certificate and of the CAs it trusts, replaced while calls run."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from clients.sdk.credentials import Credentials
from clients.sdk.node import NodeClient
from clients.sdk.retry import NO_RETRY
from deltacare.errors import DeltacareError, Reason, Refusal, Unavailable
from deltacare.trust import Federation
from deltacare.v1.federation_service_pb2 import PingRequest
from server.certificates import KeyPair, issue_node, new_ca
from server.edge.limits import Limits
from server.edge.server import EdgeServer
from server.edge.tls import CertificateFiles, TlsFiles
from server.federation.partners import Partners
from tests.support.federation import make_trust, seed
from tests.support.tls import NotedAudit, ScriptedFederation, until

SH, JS = "310000", "320000"
PAIR = (SH, JS)


def now() -> datetime:
    """Return the present instant: certificates are real."""
    return datetime.now(UTC)


def node_pair(ca: KeyPair, province: str = SH) -> KeyPair:
    """Return a node's certificate."""
    return issue_node(ca, province, hosts=("127.0.0.1",), now=now())


class Files:
    """A certificate on disk."""

    def __init__(self, directory: Path, pair: KeyPair) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.certificate, self.key = directory / "node.crt", directory / "tls.key"
        self.put(pair)
        self.source = CertificateFiles((self.certificate, self.key), self.load)

    def put(self, pair: KeyPair) -> None:
        """Replace both files."""
        self.certificate.write_bytes(pair.certificate_pem)
        self.key.write_bytes(pair.key_pem)

    def load(self) -> TlsFiles:
        """Read both files."""
        return TlsFiles(
            certificate_pem=self.certificate.read_bytes(), key_pem=self.key.read_bytes()
        )


# Files. -------------------------------------------------------------------------------------------


def test_renewed_file_is_read(tmp_path: Path) -> None:
    """A pair that is put there is shown from the next question on."""
    ca = new_ca(SH, now=now())
    files = Files(tmp_path, node_pair(ca))
    first = files.source.current()
    assert files.source.current() is first
    renewed = node_pair(ca)
    files.put(renewed)
    assert files.source.current().certificate_pem == renewed.certificate_pem


def test_half_of_a_renewal(tmp_path: Path) -> None:
    """While only one of the two files is new the last pair is shown; if it stays so, an alarm."""
    ca = new_ca(SH, now=now())
    files = Files(tmp_path, node_pair(ca))
    first = files.source.current()
    renewed = node_pair(ca)
    files.certificate.write_bytes(renewed.certificate_pem)
    with capture_logs() as logs:
        assert files.source.current() == first
        assert logs == []
        assert files.source.current() == first
    assert [line["event"] for line in logs] == ["certificate_not_renewed"]
    assert renewed.key_pem.decode() not in str(logs)
    files.key.write_bytes(renewed.key_pem)
    assert files.source.current().certificate_pem == renewed.certificate_pem


@pytest.mark.parametrize("content", [b"", b"rubbish", b"-----BEGIN CERTIFICATE-----\nAA==\n"])
def test_unreadable_at_the_start(tmp_path: Path, content: bytes) -> None:
    """What is no certificate, or not that of the key, is refused by name before anything starts."""
    files = Files(tmp_path, node_pair(new_ca(SH, now=now())))
    files.certificate.write_bytes(content)
    with pytest.raises(Refusal) as caught:
        CertificateFiles((files.certificate, files.key), files.load)
    assert (caught.value.reason, caught.value.violations[0].field) == (Reason.INVALID_FIELD, "tls")


# Under traffic. -----------------------------------------------------------------------------------


class Changing:
    """A trust that a test changes: everything is asked of what the members signed last."""

    def __init__(self, federation: Federation) -> None:
        self.federation = federation

    def __getattr__(self, name: str) -> Any:
        return getattr(self.federation, name)

    def set_cas(self, cas: Mapping[str, str]) -> None:
        """State other CAs."""
        members = tuple(replace(m, ca_pem=cas[m.province]) for m in self.federation.members)
        self.federation = replace(
            self.federation, version=self.federation.version + 1, members=members
        )


@dataclass(kw_only=True)
class Two:
    """Two nodes' edges, the way from each to the other, and calls that run all the time."""

    trust: Changing
    files: dict[str, Files]
    servers: dict[str, EdgeServer] = field(default_factory=dict)
    partners: dict[str, Partners] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    failures: list[DeltacareError] = field(default_factory=list)

    async def load(self, province: str) -> None:
        """Call the partner again and again."""
        other = JS if province == SH else SH
        while True:
            try:
                await self.partners[province].client(other).federation.Ping(PingRequest())
            except DeltacareError as error:
                self.failures.append(error)
            self.counts[province] = self.counts.get(province, 0) + 1
            await asyncio.sleep(0)

    async def more(self, count: int = 100) -> None:
        """Wait until each way has carried so many more calls."""
        goals = {province: self.counts.get(province, 0) + count for province in PAIR}
        await until(lambda: all(self.counts.get(p, 0) >= goals[p] for p in PAIR))


@asynccontextmanager
async def two(tmp_path: Path, cas: Mapping[str, KeyPair]) -> AsyncIterator[Two]:
    """Run two nodes that call each other all the time over connections of a second."""
    pems = {province: ca.certificate_pem.decode() for province, ca in cas.items()}
    files = {p: Files(tmp_path / p, node_pair(cas[p], p)) for p in PAIR}
    both = Two(trust=Changing(make_trust(PAIR, ca_pem=pems, registry_quorum=1)), files=files)
    for province in PAIR:
        server = EdgeServer(
            province=province,
            trust=both.trust,  # type: ignore[arg-type]  # it has everything
            tls=files[province].source,
            # Connections end often; running calls have as long as a busy machine needs.
            limits=Limits(connection_duration_max_s=1, drain_duration_max_s=15),
            audit=NotedAudit(),
            now=now,
            token=lambda size: seed("edge")[:size],
            services={"deltacare.v1.FederationService": ScriptedFederation()},
        )
        both.servers[province] = server
        both.ports[province] = await server.start("127.0.0.1:0")
    members = tuple(
        replace(m, endpoint=f"127.0.0.1:{both.ports[m.province]}")
        for m in both.trust.federation.members
    )
    both.trust.federation = replace(both.trust.federation, members=members)
    for province in PAIR:
        both.partners[province] = Partners(
            province=province,
            trust=both.trust,  # type: ignore[arg-type]  # it has everything
            certificate=files[province].source,
        )
    tasks = [asyncio.create_task(both.load(p)) for p in PAIR for _ in range(4)]
    try:
        yield both
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for partners in both.partners.values():
            await partners.close()
        for server in both.servers.values():
            await server.stop()


async def ping(both: Two, *, ca: KeyPair, shown: KeyPair) -> None:
    """Call Shanghai on a new connection with a certificate of Jiangsu, trusting one CA."""
    credentials = Credentials(
        province=SH,
        ca_pem=ca.certificate_pem,
        certificate_pem=shown.certificate_pem,
        key_pem=shown.key_pem,
    )
    endpoint = f"127.0.0.1:{both.ports[SH]}"
    client = NodeClient(endpoint=endpoint, credentials=credentials, timeout_s=2, retry=NO_RETRY)
    try:
        await client.federation.Ping(PingRequest())
    finally:
        await client.close()


async def test_leaf_renewed_under_traffic(tmp_path: Path) -> None:
    """Both certificates are replaced several times while each node calls the other: none lost."""
    cas = {province: new_ca(province, now=now()) for province in PAIR}
    async with two(tmp_path, cas) as both:
        await both.more()
        for _ in range(3):
            for province in PAIR:
                both.files[province].put(node_pair(cas[province], province))
            await both.more(300)
        # Past the age at which a connection is made anew.
        end_s = time.monotonic() + 1.5
        await until(lambda: time.monotonic() > end_s)
        await both.more()
    assert [] == both.failures


async def test_ca_replaced_under_traffic(tmp_path: Path) -> None:
    """A CA is replaced with overlap, without a call lost; in the end the old one opens no door."""
    old = {province: new_ca(province, now=now()) for province in PAIR}
    new = {province: new_ca(province, now=now()) for province in PAIR}
    texts = [{p: ca.certificate_pem.decode() for p, ca in cas.items()} for cas in (old, new)]
    shown_before = node_pair(old[JS], JS)
    async with two(tmp_path, old) as both:
        await both.more()
        await ping(both, ca=old[SH], shown=shown_before)
        # 1. The members state both CAs.
        both.trust.set_cas({p: texts[0][p] + texts[1][p] for p in PAIR})
        await both.more()
        # 2. Each node gets a certificate of its new CA.
        for province in PAIR:
            both.files[province].put(node_pair(new[province], province))
            await both.more()
        await ping(both, ca=new[SH], shown=shown_before)
        # 3. The members state the new CA only.
        both.trust.set_cas(texts[1])
        await both.more()
        await ping(both, ca=new[SH], shown=node_pair(new[JS], JS))
        with pytest.raises(Unavailable):
            await ping(both, ca=new[SH], shown=shown_before)
        with pytest.raises(Unavailable):
            await ping(both, ca=old[SH], shown=node_pair(new[JS], JS))
    assert [] == both.failures


async def test_partner_that_moved(tmp_path: Path) -> None:
    """A partner's new endpoint is used from the next call on; running calls finish on the old."""
    cas = {province: new_ca(province, now=now()) for province in PAIR}
    async with two(tmp_path, cas) as both, two(tmp_path / "moved", cas) as moved:
        await both.more()
        before = both.partners[JS].client(SH)
        assert both.partners[JS].client(SH) is before
        running = asyncio.create_task(_ping(before))
        members = tuple(
            replace(m, endpoint=f"127.0.0.1:{moved.ports[m.province]}")
            for m in both.trust.federation.members
        )
        await asyncio.sleep(0)
        both.trust.federation = replace(both.trust.federation, members=members)
        assert both.partners[JS].client(SH) is not before
        await running
        await both.more()
        await both.servers[SH].stop()
        await both.more()
        assert [] == both.failures


async def _ping(client: NodeClient) -> None:
    await client.federation.Ping(PingRequest())
