"""A node's gRPC server over mTLS: plain service objects in, handlers out.

Which methods there are comes from the contract's descriptors, so that a service that lacks one does
not start. What a call passes is in ``server.edge.gate``; here is only how each of the four shapes
walks through it, and how the server starts and stops.
"""

import asyncio
import errno
import itertools
import os
import re
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import aclosing
from datetime import datetime
from typing import Any, TypeAlias

import grpc
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from deltacare.trust import Trust
from server.edge.audit import AuditSink
from server.edge.descriptors import DescriptorAlarm, connections_max
from server.edge.gate import Context, Gate, Method, Passage
from server.edge.health import Health, Reflection
from server.edge.identity import Identities
from server.edge.limits import Limits
from server.edge.logging import get_log
from server.edge.rights import Rights
from server.edge.tls import CertificateSource, ServerTls

__all__ = ["EdgeServer"]

HEALTH_SERVICE = "grpc.health.v1.Health"
REFLECTION_SERVICE = "grpc.reflection.v1alpha.ServerReflection"

_KEEPALIVE_MS = 30_000
_KEEPALIVE_TIMEOUT_MS = 10_000
_PING_INTERVAL_MIN_MS = 10_000
_SWEEP_INTERVAL_S = 1.0
_SWEEPS_PER_LOOK = 5
_CALLS_AT_ONCE_MAX = 4_096
_METADATA_BYTES_MAX = 8_192

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_log = get_log("edge")

_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


class EdgeServer:
    """Serves the services of one node.

    Args:
        province: Whose node this is.
        trust: The members, and the CAs that vouch for their callers.
        tls: The node's certificate and key, asked for at every handshake.
        limits: How much callers may take.
        audit: Takes denials, and disclosures before they are made.
        now: The node's clock.
        token: Unpredictable bytes of a length.
        services: By full name, objects with a method for each of the contract's.
    """

    def __init__(
        self,
        *,
        province: str,
        trust: Trust,
        tls: CertificateSource,
        limits: Limits,
        audit: AuditSink,
        now: Callable[[], datetime],
        token: Callable[[int], bytes],
        services: Mapping[str, object],
    ) -> None:
        self._limits = limits
        self._tls = ServerTls(tls, trust)
        self._gate = Gate(
            province=province,
            identities=Identities(trust),
            rights=Rights(province),
            limits=limits,
            audit=audit,
            now=now,
            request_id_prefix=token(4).hex(),
        )
        self.health = Health(services)
        self._handlers = _handlers(
            self._gate,
            {
                **services,
                HEALTH_SERVICE: self.health,
                REFLECTION_SERVICE: Reflection((*services, HEALTH_SERVICE, REFLECTION_SERVICE)),
            },
        )
        self._server: grpc.aio.Server | None = None
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self, address: str) -> int:
        """Begin to serve, and say so to who asks for the node's health.

        Args:
            address: ``host:port``; port 0 lets the system choose.

        Returns:
            The port.

        Raises:
            OSError: If the address cannot be had.
        """
        server = grpc.aio.server(
            options=_options(self._limits), maximum_concurrent_rpcs=_CALLS_AT_ONCE_MAX
        )
        server.add_generic_rpc_handlers((_Handlers(self._handlers),))
        try:
            port = server.add_secure_port(address, self._tls.credentials())
        except RuntimeError as error:
            raise _bind_error(address) from error
        await server.start()
        self._server = server
        self._sweeper = asyncio.create_task(self._sweep())
        await self.health.set_serving(True)
        _log.info("serving", address=address, port=port)
        return port

    async def stop(self) -> None:
        """Drain: take nothing new, end endless streams, let the rest finish in bounded time."""
        if self._server is None:
            return
        server, self._server = self._server, None
        await self.health.set_serving(False)
        self._gate.drain()
        await server.stop(self._limits.drain_duration_max_s)
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)
        _log.info("stopped")

    async def _sweep(self) -> None:
        """End overdue calls every second, and look at descriptors less often, until cancelled."""
        alarm = DescriptorAlarm()
        for count in itertools.count(1):
            await asyncio.sleep(_SWEEP_INTERVAL_S)
            self._gate.end_overdue()
            if count % _SWEEPS_PER_LOOK == 0:
                alarm.check()


class _Handlers(grpc.GenericRpcHandler):
    """Finds handlers by one look into a dictionary."""

    def __init__(self, handlers: Mapping[str, _Handler]) -> None:
        self._handlers = handlers

    def service(self, handler_call_details: Any) -> "_Handler | None":  # noqa: ANN401  # gRPC's own type
        """Return the handler of a method, or nothing: UNIMPLEMENTED."""
        return self._handlers.get(handler_call_details.method)


def _bind_error(address: str) -> OSError:
    """Return why an address cannot be had, which gRPC tells nobody."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    try:
        found = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
        with socket.socket(*found[:3]) as probe:
            probe.bind(found[4])
    except OSError as error:
        return OSError(error.errno, error.strerror, address)
    return OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE), address)


def _options(limits: Limits) -> list[tuple[str, int]]:
    """Return gRPC's channel arguments."""
    return [
        ("grpc.max_allowed_incoming_connections", connections_max()),
        ("grpc.max_receive_message_length", limits.message_bytes_max),
        ("grpc.max_concurrent_streams", limits.connection_streams_max),
        ("grpc.max_metadata_size", _METADATA_BYTES_MAX),
        ("grpc.absolute_max_metadata_size", 2 * _METADATA_BYTES_MAX),
        # By itself gRPC gives everybody who connects two minutes to say who calls.
        ("grpc.server_handshake_timeout_ms", limits.handshake_duration_max_s * 1_000),
        ("grpc.max_connection_age_ms", limits.connection_duration_max_s * 1_000),
        ("grpc.max_connection_age_grace_ms", limits.drain_duration_max_s * 1_000),
        ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", _KEEPALIVE_TIMEOUT_MS),
        ("grpc.http2.min_ping_interval_without_data_ms", _PING_INTERVAL_MIN_MS),
        # Two nodes on one port would answer in turns.
        ("grpc.so_reuseport", 0),
    ]


def _handlers(gate: Gate, services: Mapping[str, object]) -> dict[str, _Handler]:
    """Return a handler for every method of some services."""
    pool = descriptor_pool.Default()
    handlers: dict[str, _Handler] = {}
    for service_name, service in services.items():
        for descriptor in pool.FindServiceByName(service_name).methods:
            method = _method(service_name, service, descriptor)
            handlers[method.name] = _handler(gate, method, descriptor)
    return handlers


def _method(service_name: str, service: object, descriptor: MethodDescriptor) -> Method:
    """Return a method of a service, found by its name in snake case."""
    name = _WORD_START.sub("_", descriptor.name).lower()
    behaviour = getattr(service, name, None)
    assert behaviour is not None, f"{type(service).__name__} lacks {name} of {service_name}"
    return Method(
        name=f"/{service_name}/{descriptor.name}",
        behaviour=behaviour,
        parse=message_factory.GetMessageClass(descriptor.input_type).FromString,
        is_stream=descriptor.client_streaming or descriptor.server_streaming,
        is_endless=descriptor.server_streaming and descriptor.name.startswith("Watch"),
        has_duty="duty" in descriptor.input_type.fields_by_name,
        is_write="request_id" in descriptor.input_type.fields_by_name,
    )


def _handler(gate: Gate, method: Method, descriptor: MethodDescriptor) -> _Handler:
    """Return the handler of a method, by its shape. Bytes come and go: the gate parses."""
    if descriptor.client_streaming and descriptor.server_streaming:
        return grpc.stream_stream_rpc_method_handler(_server_stream(gate, method, _messages))
    if descriptor.client_streaming:
        return grpc.stream_unary_rpc_method_handler(_unary(gate, method, _messages))
    if descriptor.server_streaming:
        return grpc.unary_stream_rpc_method_handler(_server_stream(gate, method, _message))
    return grpc.unary_unary_rpc_method_handler(_unary(gate, method, _message))


def _message(gate: Gate, passage: Passage, data: bytes) -> Message:
    """Return the one request of a call."""
    return gate.parse(passage, data)


def _messages(gate: Gate, passage: Passage, stream: AsyncIterator[bytes]) -> AsyncIterator[Message]:
    """Return the requests of a client's stream."""
    return gate.messages(passage, stream)


def _unary(
    gate: Gate, method: Method, incoming: Callable[[Gate, Passage, Any], Any]
) -> Callable[[Any, Context], Coroutine[Any, Any, bytes]]:
    """Return the handler of a method that answers once."""
    behaviour = method.behaviour

    async def handle(received: Any, context: Context) -> bytes:  # noqa: ANN401  # bytes or a stream of them
        passage = gate.arrive(method, context)
        try:
            call = gate.admit(passage)
            request = incoming(gate, passage, received)
            data = gate.write(await behaviour(request, call))
            if call.disclosures is not None:
                await gate.disclose(passage)
        except BaseException as error:  # noqa: BLE001  # every end of a call is logged and mapped
            await gate.fail(passage, error)
        gate.succeed(passage)
        return data

    return handle


def _server_stream(
    gate: Gate, method: Method, incoming: Callable[[Gate, Passage, Any], Any]
) -> Callable[[Any, Context], Coroutine[Any, Any, None]]:
    """Return the handler of a method that answers with a stream."""
    behaviour = method.behaviour

    async def handle(received: Any, context: Context) -> None:  # noqa: ANN401  # bytes or a stream of them
        passage = gate.arrive(method, context)
        try:
            call = gate.admit(passage)
            async with aclosing(behaviour(incoming(gate, passage, received), call)) as responses:
                async for response in responses:
                    data = gate.write(response)
                    if call.disclosures is not None:
                        await gate.disclose(passage)
                    await context.write(data)
        except BaseException as error:  # noqa: BLE001  # every end of a call is logged and mapped
            await gate.fail(passage, error)
        gate.succeed(passage)

    return handle
