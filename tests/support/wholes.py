"""Four whole nodes on loopback, their offices, their clients, and a clock that a test moves on.

```python
async with Wholes.open(tmp_path) as nodes:
    files = nodes.offices.change(Changes(...), now=nodes.clock.now())
    await nodes.publish(files)
    await nodes.next_hour()
```

Everything is real: keys sealed on disk, mTLS, SQLite, metadata that the offices signed. Only the
clock is moved on, for all nodes at once; certificates are checked by TLS against the machine's.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from clients.sdk.credentials import Profile
from clients.sdk.node import NodeClient
from clients.sdk.retry import RetryPolicy
from deltacare.trust import Federation
from deltacare.v1.federation_service_pb2 import (
    GetTrustStatusRequest,
    ListPartnerHealthRequest,
    PublishTrustRequest,
    TrustFile,
)
from server.app import Node, SystemClock
from server.config import read_config
from server.federation.keeper import KeeperSettings
from tests.support.federated import Offices, make_directories, make_offices

__all__ = ["PROVINCES", "AheadClock", "Wholes", "client_of", "settled"]

PROVINCES = ("310000", "320000", "330000", "340000")
DEADLINE_S = 20.0
HOUR = timedelta(hours=1)
_FAST = KeeperSettings(interval_s=0.5, backoff_s_min=0.1)

T = TypeVar("T")


class AheadClock(SystemClock):
    """The machine's clock, moved on by a test: every node of the test reads it."""

    ahead = timedelta(0)

    def now(self) -> datetime:
        """Return the instant that the test means."""
        return super().now() + self.ahead


def client_of(directory: Path, name: str, retry: RetryPolicy | None = None) -> NodeClient:
    """Return a client of a node, by what stands in its directory now."""
    profile = Profile.load(directory / "clients", name=name)
    return NodeClient(endpoint=profile.endpoint, credentials=profile.credentials, retry=retry)


async def settled(look: Callable[[], Awaitable[T | None]], *, what: str) -> T:
    """Return what a question answers once it does.

    Args:
        look: Asks; ``None`` means not yet.
        what: For the failure.
    """
    try:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                found = await look()
                if found is not None:
                    return found
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"waited in vain for {what}") from None


class Wholes:
    """Four nodes, up or down, by province.

    Args:
        directories: Where each stands.
        offices: Who signs for them.
    """

    def __init__(self, directories: Mapping[str, Path], offices: Offices) -> None:
        self.directories = directories
        self.offices = offices
        self.clock = AheadClock()
        self.nodes: dict[str, Node] = {}

    @classmethod
    @asynccontextmanager
    async def open(cls, root: Path) -> AsyncIterator["Wholes"]:
        """Bring four nodes up, every log confirmed, and down again."""
        offices = make_offices(root / "offices", PROVINCES)
        directories = make_directories(
            root / "nodes", provinces=PROVINCES, offices=offices, registry_quorum=2
        )
        found = cls(directories, offices)
        try:
            for province in PROVINCES:  # migrations of one process do not run at the same time
                await found.start(province)
            await found.confirmed()
            yield found
        finally:
            await asyncio.gather(*map(found.stop, list(found.nodes)))

    async def start(self, province: str) -> Node:
        """Start a node."""
        config = read_config(self.directories[province] / "node.toml")
        node = Node(config, clock=self.clock, trust_settings=_FAST)
        self.nodes[province] = node
        await node.start()
        return node

    async def stop(self, province: str) -> None:
        """Stop a node."""
        await self.nodes.pop(province).stop()

    def client(self, province: str, name: str, retry: RetryPolicy | None = None) -> NodeClient:
        """Return a client of a node."""
        return client_of(self.directories[province], name, retry)

    async def confirmed(self) -> None:
        """Wait until every node that is up has its partners, and its logs confirmed."""
        for province in self.nodes:
            async with self.client(province, "auditor") as client:

                async def look(client: NodeClient = client) -> bool | None:
                    health = await client.federation.ListPartnerHealth(ListPartnerHealthRequest())
                    is_up = all(partner.connected for partner in health.partners)
                    return (is_up and not health.unconfirmed_logs) or None

                await settled(look, what=f"{province} confirmed")

    # The federation. ------------------------------------------------------------------------------

    async def publish(self, files: Mapping[str, bytes], *, at: str = PROVINCES[0]) -> None:
        """Publish what the offices signed at one node, and wait until all have learned it."""
        rows = [TrustFile(path=path, content=data) for path, data in files.items()]
        # An administrator's certificate may be of a CA that is gone: the node's newest is used.
        async with self.client(at, self.administrator) as client:
            answer = await client.federation.PublishTrust(PublishTrustRequest(files=rows))
        await self._status(
            lambda status: status.newest_snapshot_version >= answer.snapshot_version,
            what=f"statement {answer.snapshot_version} known everywhere",
        )

    administrator = "administrator"
    """Name of the client that publishes and asks for the state."""

    async def next_hour(self, version: int) -> None:
        """Move the clock on by an hour, and wait until a statement is in force everywhere."""
        self.clock.ahead += HOUR
        hour = int(self.clock.now().timestamp()) // 3600
        await self._status(
            lambda status: (status.timestamp_hour, status.trust_version) >= (hour, version),
            what=f"statement {version} in force everywhere",
        )

    async def _status(self, is_good: Callable[[Any], bool], *, what: str) -> None:
        for province in self.nodes:
            async with self.client(province, self.administrator) as client:

                async def look(client: NodeClient = client) -> bool | None:
                    status = await client.federation.GetTrustStatus(GetTrustStatusRequest())
                    return is_good(status) or None

                await settled(look, what=f"{what}, at {province}")

    @property
    def federation(self) -> Federation:
        """What the offices published last, as its files say."""
        from clients.federation.ceremony import open_base

        return open_base(self.offices.published).federation

    def write_policies(self, directory: Path) -> Path:
        """Write the policies of what was published last, as a verifier takes them."""
        for path, data in self.federation.to_documents().items():
            if path.startswith("policies/"):
                file = directory / path.removeprefix("policies/")
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(data)
        return directory
