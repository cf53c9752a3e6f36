"""Tests of what a call ends with when the connection under it is closed, or its caller stops."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from deltacare.errors import Reason, Unavailable
from deltacare.v1.federation_service_pb2 import PingRequest, PingResponse
from deltacare.v1.log_service_pb2 import Checkpoint, WatchCheckpointsRequest
from server.edge.call import Call
from tests.support.tls import Edge, Scripted, ScriptedFederation, running_edge, until


class Waiting:
    """Calls that wait until they are let go."""

    def __init__(self) -> None:
        self.arrived = 0
        self.go = asyncio.Event()

    async def ping(self, _request: PingRequest, _call: Call) -> PingResponse:
        """Wait, then answer."""
        self.arrived += 1
        await self.go.wait()
        return PingResponse()

    async def watch_checkpoints(
        self, _request: WatchCheckpointsRequest, _call: Call
    ) -> AsyncIterator[Checkpoint]:
        """Say one thing, and nothing more."""
        yield Checkpoint(log="a")
        await asyncio.Event().wait()

    @property
    def services(self) -> dict[str, object]:
        """The services that a node serves with it."""
        return {
            "deltacare.v1.FederationService": ScriptedFederation(ping=self.ping),
            "deltacare.v1.LogService": Scripted(watch_checkpoints=self.watch_checkpoints),
        }


async def running_ping(edge: Edge, waiting: Waiting) -> "asyncio.Task[PingResponse]":
    """Begin a call that waits at the node."""
    task = asyncio.create_task(edge.client("system").federation.Ping(PingRequest()))
    await until(lambda: waiting.arrived == 1)
    return task


async def test_closed_at_once() -> None:
    """A call whose connection is closed under it is an outage, not the end of its task."""
    waiting = Waiting()
    async with running_edge(waiting.services) as edge:
        task = await running_ping(edge, waiting)
        await edge.clients[0].close()
        with pytest.raises(Unavailable) as caught:
            await task
    assert caught.value.reason is Reason.PEER_UNREACHABLE


async def test_closed_with_grace() -> None:
    """A call that is given time finishes on the connection that is being closed."""
    waiting = Waiting()
    async with running_edge(waiting.services) as edge:
        task = await running_ping(edge, waiting)
        closing = asyncio.create_task(edge.clients[0].close(10))
        await asyncio.sleep(0)
        waiting.go.set()
        assert PingResponse() == await task
        await closing


async def test_stream_closed_under_its_reader() -> None:
    """The reader of a stream is told of an outage too, and may come again."""
    waiting = Waiting()
    async with running_edge(waiting.services) as edge:
        stream = edge.client("system").log.WatchCheckpoints(WatchCheckpointsRequest())
        assert "a" == (await anext(stream)).log
        reading = asyncio.create_task(_next(stream))
        await asyncio.sleep(0)
        await edge.clients[0].close()
        with pytest.raises(Unavailable):
            await reading


async def test_cancelled_by_its_caller() -> None:
    """A caller that is cancelled ends as cancelled, whatever the connection says."""
    waiting = Waiting()
    async with running_edge(waiting.services) as edge:
        task = await running_ping(edge, waiting)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        waiting.go.set()


async def _next(stream: AsyncIterator[Checkpoint]) -> Checkpoint:
    return await anext(stream)
