"""The standard health and reflection services, in the form of every other service here.

They pass the same identity, rights and limits. What a service's health is, others say.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable

from google.protobuf.message import Message
from grpc_health.v1.health_pb2 import (  # type: ignore[import-untyped]  # ships no py.typed
    HealthCheckRequest,
    HealthCheckResponse,
    HealthListRequest,
    HealthListResponse,
)
from grpc_reflection.v1alpha.reflection import (  # type: ignore[import-untyped]  # as above
    aio as reflection_aio,
)
from grpc_reflection.v1alpha.reflection_pb2 import (  # type: ignore[import-untyped]  # as above
    ServerReflectionRequest,
)

from deltacare.errors import Reason, Refusal
from server.edge.call import Call

__all__ = ["Health", "Reflection"]


class Health:
    """``grpc.health.v1.Health``: whether the node, and each service, takes calls.

    Args:
        services: Full names of the services; the empty name is the node as a whole.
    """

    def __init__(self, services: Iterable[str]) -> None:
        names = ("", *services)
        self._serving = dict.fromkeys(names, False)
        self._changed = asyncio.Condition()

    async def set_serving(self, serving: bool, *, services: Iterable[str] = ()) -> None:  # noqa: FBT001  # the value itself
        """Say whether some services, or all if none is named, take calls now."""
        async with self._changed:
            self._serving.update(dict.fromkeys(tuple(services) or self._serving, serving))
            self._changed.notify_all()

    async def check(self, request: HealthCheckRequest, _call: Call) -> HealthCheckResponse:
        """Answer for one service; ``NOT_FOUND`` if there is none of that name."""
        serving = self._serving.get(request.service)
        if serving is None:
            raise Refusal(
                Reason.NOT_FOUND, "There is no such service.", details={"service": request.service}
            )
        return HealthCheckResponse(status=_status(serving=serving))

    async def list(self, _request: HealthListRequest, _call: Call) -> HealthListResponse:
        """Answer for all services."""
        return HealthListResponse(
            statuses={
                name: HealthCheckResponse(status=_status(serving=serving))
                for name, serving in self._serving.items()
            }
        )

    async def watch(
        self, request: HealthCheckRequest, _call: Call
    ) -> AsyncIterator[HealthCheckResponse]:
        """Tell of every change of one service; an unknown one is told as such."""
        told = None
        while True:
            async with self._changed:
                while (current := self._of(request.service)) == told:
                    await self._changed.wait()
            told = current
            yield HealthCheckResponse(status=told)

    def _of(self, service: str) -> HealthCheckResponse.ServingStatus:
        """Return the status of a service."""
        serving = self._serving.get(service)
        if serving is None:
            return HealthCheckResponse.SERVICE_UNKNOWN
        return _status(serving=serving)


class Reflection:
    """``grpc.reflection.v1alpha.ServerReflection``: the contract, for tools.

    Args:
        services: Full names of the services to tell of.
    """

    def __init__(self, services: Iterable[str]) -> None:
        self._servicer = reflection_aio.ReflectionServicer(services)

    def server_reflection_info(
        self, requests: AsyncIterator[ServerReflectionRequest], _call: Call
    ) -> AsyncIterator[Message]:
        """Answer questions about services, files and symbols."""
        answers: AsyncIterator[Message] = self._servicer.ServerReflectionInfo(requests, None)
        return answers


def _status(*, serving: bool) -> HealthCheckResponse.ServingStatus:
    """Return the standard's word."""
    return HealthCheckResponse.SERVING if serving else HealthCheckResponse.NOT_SERVING
