"""The open door of a node under test, and histories that a log's key holder could bring to it.

```python
async with FourNodes.open(tmp_path) as nodes, open_door(nodes["320000"]) as door:
    answer = await door.get("/logs/deltacare/310000/registry/checkpoint")
```
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import aiohttp

from deltacare.ids import LogName
from deltacare.keys import LogSigner
from deltacare.tlog.checkpoint import Checkpoint, SignedCheckpoint
from deltacare.tlog.proof import consistency_proof
from deltacare.tlog.submission import Submission
from deltacare.tlog.tree import root_of
from server.http.limits import HttpLimits
from server.http.server import HttpServer
from server.http.site import Site
from server.http.tls import ServerTls
from tests.deltacare.builders import EntriesReader
from tests.support.federation import log_signer
from tests.support.nodes import UNTIL_S, Node

__all__ = ["GENEROUS", "Door", "History", "Reply", "open_door"]

GENEROUS = HttpLimits(
    burst_requests_max=100_000, requests_per_s_max=100_000, address_connections_max=500
)
"""Limits that no test meets by accident."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What was answered."""

    status: int
    body: bytes
    headers: dict[str, str]


class History:
    """Entries and the checkpoints that a log's true key signs over them.

    Args:
        log: The log.
        datas: Its entries.
        signer: The log's own key unless given.
    """

    def __init__(
        self, log: LogName, datas: Sequence[bytes], *, signer: LogSigner | None = None
    ) -> None:
        self.log = log
        self.datas = list(datas)
        self._signer = signer or log_signer(log)

    @classmethod
    def of(cls, log: LogName, size: int, *, label: str = "entry") -> "History":
        """Return a history of made-up entries."""
        return cls(log, [f"{label} {i}".encode() for i in range(size)])

    def root(self, size: int) -> bytes:
        """Return the root at a size."""
        return root_of(self.datas[:size])

    def note(self, size: int) -> bytes:
        """Return the signed checkpoint at a size."""
        checkpoint = Checkpoint(origin=str(self.log), size=size, root=self.root(size))
        return SignedCheckpoint.sign(checkpoint, self._signer).to_bytes()

    def submission(self, size: int, *, old_size: int = 0) -> Submission:
        """Return the request to cosign the checkpoint at a size."""
        reader = EntriesReader(self.datas[:size])
        proof = consistency_proof(reader, old_size=old_size, size=size)
        return Submission.of(self.note(size), old_size=old_size, proof=proof)


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A running server and a client of it."""

    port: int
    session: aiohttp.ClientSession
    scheme: str = "http"

    def url(self, path: str) -> str:
        """Return the address of a path."""
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"

    async def get(self, path: str, *, method: str = "GET", **headers: str) -> Reply:
        """Send a request without a body; header names have underscores for dashes."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.request(method, self.url(path), headers=sent) as response:
            return Reply(
                status=response.status,
                body=await response.read(),
                headers=dict(response.headers),
            )

    async def post(self, body: bytes) -> Reply:
        """Send a submission."""
        url = self.url("/witness/add-checkpoint")
        async with self.session.post(url, data=body) as response:
            return Reply(
                status=response.status,
                body=await response.read(),
                headers=dict(response.headers),
            )

    async def settled(self, log: LogName) -> None:
        """Wait until the witness has asked its partners what it cosigned before."""
        probe = History.of(log, 1).submission(1, old_size=0)
        wrong = Submission(old_size=1, proof=(bytes(32),), note=probe.note, origin=probe.origin)
        async with asyncio.timeout(UNTIL_S):
            while (await self.post(wrong.to_bytes())).status == 503:  # noqa: ASYNC110  # no event
                await asyncio.sleep(0.01)

    async def raw(self, data: bytes) -> bytes:
        """Send bytes as they are and return all that comes until the other side closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(data)
            await writer.drain()
            async with asyncio.timeout(UNTIL_S):
                return await reader.read()
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


@asynccontextmanager
async def open_door(
    node: Node, *, limits: HttpLimits = GENEROUS, tls: ServerTls | None = None
) -> AsyncIterator[Door]:
    """Serve a node's public logs and its witness on loopback, and stop in the end."""
    site = Site(logs=node.logs.public, witness=node.logs.submissions)
    server = HttpServer(site, limits=limits, tls=tls)
    port = await server.start("127.0.0.1:0")
    session = aiohttp.ClientSession(
        auto_decompress=False,
        connector=aiohttp.TCPConnector(limit=0, ssl=False),
        headers={"Accept-Encoding": "identity"},
    )
    try:
        async with session:
            yield Door(port=port, session=session, scheme="https" if tls else "http")
    finally:
        await server.stop()
