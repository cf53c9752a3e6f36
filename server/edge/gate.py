"""What every call passes on its way in and out: one straight line, the same for all shapes.

Identity, rights and limits before the request is parsed; on the way out the status and one line in
the log. There is no stack of interceptors, because every layer costs each call. What shape a call
has is for ``server.edge.shapes``; what it does, for the service behind.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NoReturn, Protocol

from google.protobuf.message import DecodeError, Message
from grpc import StatusCode

from clients.sdk.errors import DETAILS_KEY
from deltacare.errors import (
    DeltacareError,
    Kind,
    Reason,
    Refusal,
    Unavailable,
    ViolationCollector,
)
from deltacare.ids import Principal
from deltacare.purposes import PURPOSE_FIELD, Purpose
from server.edge.access_rules import NOT_NAMED
from server.edge.audit import AuditSink, Denial
from server.edge.call import Call, Disclosures
from server.edge.duties import check_duty
from server.edge.identity import Identities
from server.edge.known import check_known
from server.edge.limits import Allowance, Limits, Meter
from server.edge.logging import REQUEST_ID, CallLog, error_facts
from server.edge.opaque import note_identity_numbers
from server.edge.rights import Rights
from server.edge.status import code_of, details_limit, to_wire

__all__ = ["Context", "Gate", "Method", "Passage"]

_CERTIFICATE = "x509_pem_cert"
_DENIED = frozenset({Kind.DENIED, Kind.UNAUTHENTICATED})


class Context(Protocol):
    """What the gate uses of gRPC's context of a call."""

    def auth_context(self) -> Mapping[str, Any]:
        """Return what TLS knows of the other side."""
        ...

    def invocation_metadata(self) -> Any:  # noqa: ANN401  # gRPC's own type
        """Return the caller's metadata."""
        ...

    async def write(self, message: bytes) -> None:
        """Send one message of a stream, and wait until it may be followed by another."""
        ...

    async def abort(
        self, code: StatusCode, details: str, trailing_metadata: tuple[tuple[str, bytes], ...]
    ) -> NoReturn:
        """End the call with a status."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One method, prepared for serving.

    Attributes:
        name: Full name, ``/deltacare.v1.LogService/GetReceipt``.
        behaviour: The service's method, taking ``(request, call)``.
        parse: Makes a request of bytes.
        is_stream: Whether either side streams.
        is_endless: Whether the stream goes on until the node drains.
        has_duty: Whether the request says who answers for it.
        is_write: Whether the request has an id, and so may bring entries to a log.
    """

    name: str
    behaviour: Callable[[Any, Call], Any]
    parse: Callable[[bytes], Message]
    is_stream: bool
    is_endless: bool
    has_duty: bool
    is_write: bool


class Passage:
    """One call on its way through the gate."""

    __slots__ = (
        "allowance",
        "call",
        "caller",
        "context",
        "is_denied",
        "method",
        "request_id",
        "started_s",
        "task",
    )

    def __init__(
        self, method: Method, context: Context, *, request_id: str, started_s: float
    ) -> None:
        self.method: Final = method
        self.context: Final = context
        self.request_id: Final = request_id
        self.started_s: Final = started_s
        self.caller: Principal | None = None
        self.allowance: Allowance | None = None
        self.task: asyncio.Task[object] | None = None
        self.is_denied = False
        self.call: Call | None = None

    def purpose_given(self) -> str:
        """Return the purpose that the caller gave, empty if none."""
        for key, value in self.context.invocation_metadata() or ():
            if key == PURPOSE_FIELD:
                return value if isinstance(value, str) else value.decode("ascii", "replace")
        return ""


class Gate:
    """Lets calls in and out.

    Args:
        province: The node's own.
        identities: Reads callers from certificates.
        rights: Says who may call what.
        limits: How much.
        audit: Takes denials, and disclosures before they are made.
        now: The node's clock.
        request_id_prefix: Distinguishes this process's request ids from others'.
        monotonic: A clock in seconds that never runs back.
    """

    def __init__(
        self,
        *,
        province: str,
        identities: Identities,
        rights: Rights,
        limits: Limits,
        audit: AuditSink,
        now: Callable[[], datetime],
        request_id_prefix: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._identities = identities
        self._rights = rights
        self._limits = limits
        self._meter = Meter(limits, province=province)
        self._audit = audit
        self._now = now
        self._prefix = request_id_prefix
        self._monotonic = monotonic
        self._log = CallLog()
        self._count = 0
        # Unary calls in the order in which they began, so that the overdue ones come first.
        self._unary: dict[asyncio.Task[object], float] = {}
        self._overdue: set[asyncio.Task[object]] = set()
        self._endless: set[asyncio.Task[object]] = set()
        self.draining = False
        # Made when a loop runs: the first call that streams.
        self._drained_or_none: asyncio.Future[None] | None = None

    @property
    def _drained(self) -> asyncio.Future[None]:
        """Done when the node drains: client streams wait for it beside their next message."""
        if self._drained_or_none is None:
            self._drained_or_none = asyncio.get_running_loop().create_future()
        return self._drained_or_none

    def arrive(self, method: Method, context: Context) -> Passage:
        """Note that a call came, before anything is known of it."""
        self._count += 1
        request_id = f"{self._prefix}-{self._count}"
        REQUEST_ID.set(request_id)
        return Passage(method, context, request_id=request_id, started_s=self._monotonic())

    def admit(self, passage: Passage) -> Call:
        """Let a call in.

        1. The node is not stopping. 2. The certificate names a caller. 3. The caller's role may
        call the method here, for the purpose it gives where one counts. 4. The caller is within its
        limits; before that, it has not been refused too often.

        Raises:
            DeltacareError: If it is not let in.
        """
        method = passage.method
        # 1. The node is not stopping.
        if self.draining:
            raise _stopping()
        # 2. The certificate names a caller.
        now = self._now()
        certificates = passage.context.auth_context().get(_CERTIFICATE)
        caller = self._identities.caller(certificates[0] if certificates else None, now=now)
        passage.caller = caller
        self._meter.check_refused(caller, monotonic_s=passage.started_s)
        # 3. The caller's role may call the method here.
        try:
            rule, purpose = self._rights.admit(caller, method.name, passage.purpose_given)
        except Refusal:
            passage.is_denied = True
            raise
        # 4. The caller is within its limits.
        passage.allowance = self._meter.enter(
            caller, is_stream=method.is_stream, monotonic_s=passage.started_s
        )
        if not method.is_stream or method.is_endless:
            task = passage.task = asyncio.current_task()
            assert task is not None, "a call runs in a task"
            if method.is_endless:
                self._endless.add(task)
            else:
                self._unary[task] = passage.started_s
        call = Call(
            caller=caller,
            method=method.name,
            now=now,
            purpose=purpose,
            rule=rule.code,
            disclosures=None if purpose is None else Disclosures(),
        )
        passage.call = call
        return call

    def parse(self, passage: Passage, data: bytes) -> Message:
        """Return the request that some bytes are.

        Raises:
            Refusal: ``INVALID_FIELD``, if they are none, or a write holds fields that the contract
                does not know, or somebody's identity number; ``ROLE_NOT_ALLOWED``, if the caller
                signs for another.
        """
        method = passage.method
        try:
            request = method.parse(data)
        except DecodeError:
            raise Refusal(
                Reason.INVALID_FIELD, "The message is not of the method's request type."
            ) from None
        if method.is_write:
            check_known(request, method.parse, data)
            if not method.is_stream:  # in a stream each request has an answer of its own
                bad = ViolationCollector()
                note_identity_numbers(request, bad)
                bad.raise_if_any()
        if method.has_duty:
            assert passage.caller is not None, "a call that was let in has a caller"
            check_duty(passage.caller, request)
        return request

    async def messages(
        self, passage: Passage, stream: AsyncIterator[bytes]
    ) -> AsyncIterator[Message]:
        """Yield the requests of a client's stream, until it ends or the node drains.

        Raises:
            Unavailable: The node drains; what was yielded before is still answered.
        """
        stopping = self._drained
        while not stopping.done():
            reading = asyncio.ensure_future(_next(stream))
            try:
                await asyncio.wait((reading, stopping), return_when=asyncio.FIRST_COMPLETED)
            finally:
                if not reading.done():
                    reading.cancel()
            if stopping.done():
                await asyncio.gather(reading, return_exceptions=True)
                break
            data = reading.result()
            if data is None:
                return
            yield self.parse(passage, data)
        raise _stopping()

    def write(self, message: Message) -> bytes:
        """Return the bytes of an answer.

        Raises:
            Refusal: ``TOO_LARGE``.
        """
        data = message.SerializeToString()
        self._meter.check_message(len(data))
        return data

    async def disclose(self, passage: Passage) -> None:
        """Make durable what the next answer of a call discloses, before it leaves.

        A message of a stream that discloses nothing needs no entry; an answer always does.

        Raises:
            DeltacareError: It cannot be made durable: the answer must not leave.
        """
        call = passage.call
        if call is None or call.disclosures is None:
            return
        if call.disclosures.spans or not passage.method.is_stream:
            await self._audit.disclose(call)
            call.disclosures.spans.clear()

    def end_overdue(self) -> None:
        """End the unary calls that took too long; to be called every second.

        A caller's own deadline is gRPC's to keep. One timer for all costs nothing a call.
        """
        limit_s = self._monotonic() - self._limits.unary_duration_max_s
        for task, started_s in tuple(self._unary.items()):
            if started_s > limit_s:
                break
            if task not in self._overdue:
                self._overdue.add(task)
                task.cancel()

    async def fail(self, passage: Passage, error: BaseException) -> NoReturn:
        """Log how a call failed, and end it with the status that belongs to it."""
        if isinstance(error, asyncio.CancelledError):
            error = self._own_cancellation(passage) or error
        if isinstance(error, DeltacareError):
            code = code_of(error)
            self._leave(passage)
            self._note_denial(passage, error)
            self._log.failed(**self._facts(passage, code), reason=error.reason.wire)
        elif isinstance(error, Exception):
            self._leave(passage)
            self._log.broke(**self._facts(passage, StatusCode.INTERNAL), **error_facts(error))
        else:
            # The caller went away, or the process ends: there is nobody to tell.
            self._leave(passage)
            self._log.failed(**self._facts(passage, StatusCode.CANCELLED))
            raise error
        wire = to_wire(
            error,
            request_id=passage.request_id,
            details_bytes_max=details_limit(passage.context.invocation_metadata() or ()),
        )
        await passage.context.abort(wire.code, wire.message, ((DETAILS_KEY, wire.details),))

    def _note_denial(self, passage: Passage, error: DeltacareError) -> None:
        """Tell the audit of a call that was denied, and count it against its caller.

        Looking for personal data that is not there counts too: so are codes guessed.
        """
        if not isinstance(error, Refusal):
            return
        purpose = passage.call.purpose if passage.call is not None else None
        is_search = purpose is not None and error.reason is Reason.NOT_FOUND
        if not (passage.is_denied or is_search or error.reason.kind in _DENIED):
            return
        if passage.caller is not None:
            self._meter.count_refused(passage.caller, monotonic_s=self._monotonic())
        if passage.is_denied:
            given = error.details.get("purpose")
            purpose = Purpose(given) if given else None
        self._audit.deny(
            Denial(
                caller=passage.caller,
                method=passage.method.name,
                purpose=purpose,
                rule=error.details.get("rule", NOT_NAMED.code) if passage.is_denied else "",
                reason=error.reason.wire,
                cause=error.details.get("cause", "") if passage.caller is None else "",
            ),
            self._now(),
        )

    def succeed(self, passage: Passage) -> None:
        """Let a call out that has been answered."""
        self._leave(passage)
        call = passage.call
        assert call is not None, "a call that was answered was let in"
        self._log.ok(
            method=call.method,
            caller=call.caller.uri,
            request_id=passage.request_id,
            duration_ms=(self._monotonic() - passage.started_s) * 1_000,
            end_time=self._now(),
        )

    def _own_cancellation(self, passage: Passage) -> DeltacareError | None:
        """Return why we ended a call ourselves; nothing if it was not us."""
        task = passage.task
        if task in self._overdue:
            error = Unavailable(
                Reason.DEADLINE_EXCEEDED,
                f"The call took more than {self._limits.unary_duration_max_s} seconds.",
                details={"unary_duration_max_s": str(self._limits.unary_duration_max_s)},
            )
        elif self.draining and task in self._endless:
            error = _stopping()
        else:
            return None
        assert task is not None, "only a task was ended"
        task.uncancel()
        return error

    def _leave(self, passage: Passage) -> None:
        """Give back what a call used."""
        if passage.allowance is not None:
            self._meter.leave(passage.allowance, is_stream=passage.method.is_stream)
        task = passage.task
        if task is not None:
            self._unary.pop(task, None)
            self._overdue.discard(task)
            self._endless.discard(task)

    def _facts(self, passage: Passage, code: StatusCode) -> dict[str, object]:
        """Return what the log says of a call that did not succeed."""
        return {
            "method": passage.method.name,
            "caller": passage.caller.uri if passage.caller else None,
            "code": code.name,
            "duration_ms": round((self._monotonic() - passage.started_s) * 1_000, 3),
        }

    def drain(self) -> None:
        """Let nothing in from now on, and end the streams that would never end."""
        self.draining = True
        if not self._drained.done():
            self._drained.set_result(None)
        for task in tuple(self._endless):
            task.cancel()


def _stopping() -> Unavailable:
    """Return the refusal of a node that stops."""
    return Unavailable(
        Reason.SHUTTING_DOWN, "The node is stopping.", details={"retry_after_ms": "1000"}
    )


async def _next(stream: AsyncIterator[bytes]) -> bytes | None:
    """Return the next message of a stream, ``None`` at its end."""
    return await anext(stream, None)
