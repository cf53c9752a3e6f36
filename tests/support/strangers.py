"""A door without a node behind it, and what strangers do to its connections.

```python
async with serving(limits, tls=tls_of_today()) as (room, door):
    reply = await door.get(f"{LOG_PATH}/checkpoint")
```
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import aiohttp

from deltacare.errors import Reason, Refusal
from deltacare.tlog.resource import TileResource
from deltacare.tlog.submission import Submission
from server.certificates import issue_node, new_ca
from server.http.limits import HttpLimits
from server.http.server import HttpServer
from server.http.site import Site
from server.http.tls import ServerTls
from tests.support.http import GENEROUS, Door

__all__ = ["LOG_PATH", "Room", "ended", "hang_up", "serving", "tls_of_today"]

LOG_PATH = "/logs/deltacare/310000/registry"


class Room:
    """Logs and witness that do what a test says."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.note = b"checkpoint\n"
        self.wait = asyncio.Event()
        self.wait.set()

    async def checkpoint(self, name: str) -> bytes:
        """Return a text once the test lets it."""
        self.asked.append(name)
        await self.wait.wait()
        return self.note

    async def resource(self, name: str, resource: TileResource) -> bytes:
        """Break, as a bug would."""
        self.asked.append((name, resource))
        raise RuntimeError("a row with a name in it")

    async def add_checkpoint(self, submission: Submission) -> bytes:
        """Refuse."""
        self.asked.append(submission)
        raise Refusal(Reason.NOT_FOUND, "No.")

    async def cosigned(self, name: str) -> bytes:
        """Return a text."""
        self.asked.append(name)
        return b"cosigned\n"


@asynccontextmanager
async def serving(
    limits: HttpLimits = GENEROUS, *, tls: ServerTls | None = None
) -> AsyncIterator[tuple[Room, Door]]:
    """Serve such a room."""
    room = Room()
    server = HttpServer(Site(logs=room, witness=room), limits=limits, tls=tls)
    port = await server.start("127.0.0.1:0")
    connector = aiohttp.TCPConnector(limit=0, ssl=False)
    try:
        async with aiohttp.ClientSession(connector=connector) as session:
            yield room, Door(port=port, session=session, scheme="https" if tls else "http")
    finally:
        room.wait.set()
        await server.stop()


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close a connection, whatever has become of it."""
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def ended(reader: asyncio.StreamReader) -> None:
    """Wait until the other side has closed a connection."""
    with suppress(OSError):
        while await reader.read(4_096):
            pass


def tls_of_today() -> ServerTls:
    """Return a node's certificate."""
    now = datetime.now(UTC)
    made = issue_node(new_ca("310000", now=now), "310000", hosts=("127.0.0.1",), now=now)
    return ServerTls(certificate_pem=made.certificate_pem, key_pem=made.key_pem)
