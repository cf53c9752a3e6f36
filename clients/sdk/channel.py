"""Channels under the generated stubs: deadline, retry and errors, the same for every method.

The stubs ask a channel for one callable a method; these channels wrap what gRPC gives. Unary calls
are tried again where that can help; streams are not, because only their reader knows how far it
came.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, Self, TypeAlias

import grpc

from clients.sdk.credentials import Credentials, node_tls_name
from clients.sdk.errors import DETAILS_BYTES_KEY, DETAILS_BYTES_MAX, from_rpc
from clients.sdk.retry import RetryPolicy
from deltacare.errors import Reason, Unavailable

__all__ = ["AsyncChannel", "SyncChannel"]

MESSAGE_BYTES_MAX = 4 * 1024 * 1024

Metadata: TypeAlias = Sequence[tuple[str, str]]
"""What goes beside a call, such as its purpose."""

_METADATA: Metadata = ((DETAILS_BYTES_KEY, str(DETAILS_BYTES_MAX)),)
_RECONNECT_FIRST_MS = 100
_RECONNECT_MAX_MS = 1_000
# Despite its name in gRPC, the time that one attempt may take: a busy node's handshake is slow.
_CONNECT_MS = 5_000
_KEEPALIVE_MS = 30_000
_KEEPALIVE_TIMEOUT_MS = 10_000


def _options(credentials: Credentials) -> list[tuple[str, str | int]]:
    """Return gRPC's channel arguments."""
    return [
        ("grpc.ssl_target_name_override", node_tls_name(credentials.province)),
        ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
        ("grpc.max_metadata_size", 2 * DETAILS_BYTES_MAX),
        ("grpc.absolute_max_metadata_size", 2 * DETAILS_BYTES_MAX),
        ("grpc.initial_reconnect_backoff_ms", _RECONNECT_FIRST_MS),
        ("grpc.min_reconnect_backoff_ms", _CONNECT_MS),
        ("grpc.max_reconnect_backoff_ms", _RECONNECT_MAX_MS),
        ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", _KEEPALIVE_TIMEOUT_MS),
        # Retries are ours: they know reasons, gRPC's know codes, and are given no policy. It sends
        # again by itself only what no server has seen: a call that was about to leave on a
        # connection that is being made anew is not lost.
        ("grpc.enable_retries", 1),
        # Clients in one process do not share a connection, nor its limits.
        ("grpc.use_local_subchannel_pool", 1),
    ]


class AsyncChannel:
    """An asynchronous channel that raises ``deltacare.errors``.

    Args:
        endpoint: ``host:port``.
        credentials: Who calls, and whose node must answer.
        timeout_s: Time for a unary call, all attempts together, unless the call gives its own.
        retry: When to try again.
    """

    def __init__(
        self, *, endpoint: str, credentials: Credentials, timeout_s: float, retry: RetryPolicy
    ) -> None:
        self._channel = grpc.aio.secure_channel(
            endpoint, credentials.to_grpc(), options=_options(credentials)
        )
        self._endpoint = endpoint
        self._timeout_s = timeout_s
        self._retry = retry

    async def close(self, grace_s: float | None = None) -> None:
        """End every call and the connection.

        Args:
            grace_s: Seconds that running calls get to finish; none by default.
        """
        await self._channel.close(grace_s)

    def unary_unary(self, *arguments: Any, **options: Any) -> Callable[..., Any]:  # noqa: ANN401  # gRPC's own types
        """Return the callable of a method that takes and gives one message."""
        callable_ = self._channel.unary_unary(*arguments, **options)

        async def call(
            request: Any,  # noqa: ANN401  # any message
            *,
            timeout: float | None = None,  # noqa: ASYNC109  # the stubs' signature
            metadata: Metadata = (),
        ) -> Any:  # noqa: ANN401  # any message
            sent = (*_METADATA, *metadata)
            end_s = time.monotonic() + (self._timeout_s if timeout is None else timeout)
            attempt = 0
            while True:
                attempt += 1
                left_s = end_s - time.monotonic()
                try:
                    return await callable_(request, timeout=left_s, metadata=sent)
                except grpc.aio.AioRpcError as failure:
                    error = from_rpc(failure, endpoint=self._endpoint)
                except asyncio.CancelledError:
                    raise _ended() from None
                delay_s = self._retry.delay_s(
                    error,
                    attempt=attempt,
                    left_s=end_s - time.monotonic(),
                    jitter=random.random(),  # noqa: S311  # spreads load, guards nothing
                )
                if delay_s is None:
                    raise error
                await asyncio.sleep(delay_s)

        return call

    def unary_stream(self, *arguments: Any, **options: Any) -> Callable[..., "_AsyncStream"]:  # noqa: ANN401  # gRPC's own types
        """Return the callable of a method that gives a stream."""
        return self._streaming(self._channel.unary_stream(*arguments, **options))

    def stream_stream(self, *arguments: Any, **options: Any) -> Callable[..., "_AsyncStream"]:  # noqa: ANN401  # gRPC's own types
        """Return the callable of a method that takes and gives a stream."""
        return self._streaming(self._channel.stream_stream(*arguments, **options))

    @staticmethod
    def _streaming(callable_: Any) -> Callable[..., "_AsyncStream"]:  # noqa: ANN401  # gRPC's own type
        """Wrap a callable that gives a stream; without a timeout it may go on for ever."""

        def call(
            request: Any,  # noqa: ANN401  # any message
            *,
            timeout: float | None = None,
            metadata: Metadata = (),
        ) -> "_AsyncStream":
            sent = (*_METADATA, *metadata)
            return _AsyncStream(callable_(request, timeout=timeout, metadata=sent))

        return call


class _AsyncStream:
    """A stream of answers that raises ``deltacare.errors``."""

    def __init__(self, call: Any) -> None:  # noqa: ANN401  # gRPC's own type
        self._call = call
        self._answers: AsyncIterator[Any] = aiter(call)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:  # noqa: ANN401  # any message
        try:
            return await anext(self._answers)
        except grpc.aio.AioRpcError as failure:
            raise from_rpc(failure) from None
        except asyncio.CancelledError:
            raise _ended() from None

    def cancel(self) -> None:
        """End the call."""
        self._call.cancel()

    async def aclose(self) -> None:
        """End the call, as an asynchronous generator would."""
        self._call.cancel()


def _ended() -> BaseException:
    """Return what a call ends with that was not allowed to finish.

    gRPC says the same when the reader's task is cancelled and when the channel under it was closed;
    only the first may end the task.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        return asyncio.CancelledError()
    return Unavailable(Reason.PEER_UNREACHABLE, "The connection was closed.")


class SyncChannel:
    """A blocking channel that raises ``deltacare.errors``. Arguments as for `AsyncChannel`."""

    def __init__(
        self, *, endpoint: str, credentials: Credentials, timeout_s: float, retry: RetryPolicy
    ) -> None:
        self._channel = grpc.secure_channel(
            endpoint, credentials.to_grpc(), options=_options(credentials)
        )
        self._endpoint = endpoint
        self._timeout_s = timeout_s
        self._retry = retry

    def close(self) -> None:
        """End every call and the connection."""
        self._channel.close()

    def unary_unary(self, *arguments: Any, **options: Any) -> Callable[..., Any]:  # noqa: ANN401  # gRPC's own types
        """Return the callable of a method that takes and gives one message."""
        callable_ = self._channel.unary_unary(*arguments, **options)

        def call(
            request: Any,  # noqa: ANN401  # any message
            *,
            timeout: float | None = None,
            metadata: Metadata = (),
        ) -> Any:  # noqa: ANN401  # any message
            sent = (*_METADATA, *metadata)
            end_s = time.monotonic() + (self._timeout_s if timeout is None else timeout)
            attempt = 0
            while True:
                attempt += 1
                left_s = end_s - time.monotonic()
                try:
                    return callable_(request, timeout=left_s, metadata=sent)
                except grpc.RpcError as failure:
                    error = from_rpc(failure, endpoint=self._endpoint)  # type: ignore[arg-type]  # it is the call as well
                delay_s = self._retry.delay_s(
                    error,
                    attempt=attempt,
                    left_s=end_s - time.monotonic(),
                    jitter=random.random(),  # noqa: S311  # spreads load, guards nothing
                )
                if delay_s is None:
                    raise error
                time.sleep(delay_s)

        return call

    def unary_stream(self, *arguments: Any, **options: Any) -> Callable[..., "_SyncStream"]:  # noqa: ANN401  # gRPC's own types
        """Return the callable of a method that gives a stream."""
        return self._streaming(self._channel.unary_stream(*arguments, **options))

    def stream_stream(self, *arguments: Any, **options: Any) -> Callable[..., "_SyncStream"]:  # noqa: ANN401  # gRPC's own types
        """Return the callable of a method that takes and gives a stream."""
        return self._streaming(self._channel.stream_stream(*arguments, **options))

    @staticmethod
    def _streaming(callable_: Any) -> Callable[..., "_SyncStream"]:  # noqa: ANN401  # gRPC's own type
        """Wrap a callable that gives a stream; without a timeout it may go on for ever."""

        def call(
            request: Any,  # noqa: ANN401  # any message
            *,
            timeout: float | None = None,
            metadata: Metadata = (),
        ) -> "_SyncStream":
            sent = (*_METADATA, *metadata)
            return _SyncStream(callable_(request, timeout=timeout, metadata=sent))

        return call


class _SyncStream:
    """A stream of answers that raises ``deltacare.errors``."""

    def __init__(self, call: Any) -> None:  # noqa: ANN401  # gRPC's own type
        self._call = call
        self._answers: Iterator[Any] = iter(call)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:  # noqa: ANN401  # any message
        try:
            return next(self._answers)
        except grpc.RpcError as failure:
            raise from_rpc(failure) from None  # type: ignore[arg-type]  # it is the call as well

    def cancel(self) -> None:
        """End the call."""
        self._call.cancel()
