"""How much one caller, one call and one message may take of a node.

Limits protect a node from its friends: a batch in a loop, a client without a deadline. They are
counted in memory, in this process, and forgotten with it; nothing here is a right.

A principal has one bucket of calls, whatever its roles. Who comes from another province was named
by that province's CA, which can name as many as it likes: all its nodes count as one caller, and
all who are no nodes as another, so that these cannot use up what its node needs. A role may have a
bucket that all its callers share, so that a thousand operators leave room for one system. Who is
refused again and again gets no hearing for a while.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from deltacare.errors import Reason, Refusal, Unavailable
from deltacare.ids import Principal
from server.edge.access_rules import Role

__all__ = ["Allowance", "Limits", "Meter"]

CALLERS_MAX = 10_000
_MINUTE_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the edge allows.

    Attributes:
        message_bytes_max: Bytes of one message, either way.
        unary_duration_max_s: Seconds a unary call may run; also its deadline if it has none.
        calls_per_s_max: Calls a second that a caller may begin, streams included.
        burst_calls_max: Calls that a caller who was quiet may begin at once.
        calls_at_once_max: Calls of one caller that may run at the same time.
        streams_at_once_max: Streams of one caller among these.
        connection_streams_max: Calls and streams at the same time on one connection.
        handshake_duration_max_s: Seconds that a connection has to say who calls, before which
            anybody may hold one.
        connection_duration_max_s: Seconds after which a connection is made anew, so that its
            certificate is looked at again even if a stream on it never ends.
        drain_duration_max_s: Seconds that running calls get to finish when the node stops, or a
            connection is made anew.
        refused_calls_per_min_max: Calls of one caller a minute that may be denied; after as many,
            no call of it is looked at until some time has passed.
        role_calls_per_s_max: By role the calls a second that all its callers together may begin;
            a role that is not named has no limit of its own.
    """

    message_bytes_max: int = 4 * 1024 * 1024
    unary_duration_max_s: int = 60
    calls_per_s_max: int = 20_000
    burst_calls_max: int = 40_000
    calls_at_once_max: int = 512
    streams_at_once_max: int = 64
    connection_streams_max: int = 1_024
    handshake_duration_max_s: int = 10
    connection_duration_max_s: int = 3_600
    drain_duration_max_s: int = 10
    refused_calls_per_min_max: int = 120
    role_calls_per_s_max: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


class Allowance:
    """What one caller is using now."""

    __slots__ = ("calls", "counted_s", "streams", "tokens")

    def __init__(self, *, tokens: float, counted_s: float) -> None:
        self.tokens = tokens
        self.counted_s = counted_s
        self.calls = 0
        self.streams = 0


class _Bucket:
    """Tokens that come back with time."""

    __slots__ = ("counted_s", "tokens")

    def __init__(self, *, tokens: float, counted_s: float) -> None:
        self.tokens = tokens
        self.counted_s = counted_s

    def fill(self, *, per_s: float, most: float, monotonic_s: float) -> float:
        """Put in what has come back since the last time, and return what there is."""
        self.tokens = min(most, self.tokens + (monotonic_s - self.counted_s) * per_s)
        self.counted_s = monotonic_s
        return self.tokens


class Meter:
    """Counts what callers use: one bucket of tokens and two counters for each.

    Args:
        limits: The limits.
        province: The node's own, whose callers are counted one by one.
        callers_max: Callers remembered; those idle for longest are forgotten first.
    """

    def __init__(self, limits: Limits, *, province: str, callers_max: int = CALLERS_MAX) -> None:
        self._limits = limits
        self._province = province
        self._callers_max = callers_max
        self._callers: OrderedDict[tuple[str, str], Allowance] = OrderedDict()
        self._refused: OrderedDict[tuple[str, str], _Bucket] = OrderedDict()
        self._roles: dict[str, _Bucket] = {}

    def enter(self, caller: Principal, *, is_stream: bool, monotonic_s: float) -> Allowance:
        """Count a call in; give the answer back to `leave` when the call has ended.

        Args:
            caller: Who calls. A principal is the opaque id, so its roles share one allowance; so
                do the nodes of another province. What a role may take in all is shared by its
                callers.
            is_stream: Whether the call is a stream either way.
            monotonic_s: The present time of a clock that never runs back.

        Raises:
            Unavailable: ``RATE_LIMITED``, with ``retry_after_ms``, if the bucket of the caller or
                of its role is empty.
            Unavailable: ``OVERLOADED``, if too many calls or streams of this caller are running.
        """
        limits = self._limits
        key = self._key(caller)
        allowance = self._callers.get(key)
        if allowance is None:
            allowance = self._remember(key, monotonic_s)
        else:
            self._callers.move_to_end(key)
        # 1. Fill the bucket for the time that has passed, and take one token.
        tokens = min(
            float(limits.burst_calls_max),
            allowance.tokens + (monotonic_s - allowance.counted_s) * limits.calls_per_s_max,
        )
        allowance.counted_s = monotonic_s
        allowance.tokens = tokens
        if tokens < 1:
            raise _too_often(
                f"More than {limits.calls_per_s_max} calls a second.",
                calls_per_s_max=limits.calls_per_s_max,
                wait_s=(1 - tokens) / limits.calls_per_s_max,
            )
        role = self._role_bucket(caller.role, monotonic_s) if limits.role_calls_per_s_max else None
        # 2. Count what runs at the same time.
        if allowance.calls >= limits.calls_at_once_max:
            raise _too_many("calls_at_once_max", limits.calls_at_once_max)
        if is_stream and allowance.streams >= limits.streams_at_once_max:
            raise _too_many("streams_at_once_max", limits.streams_at_once_max)
        allowance.tokens = tokens - 1
        if role is not None:
            role.tokens -= 1
        allowance.calls += 1
        allowance.streams += is_stream
        return allowance

    def check_refused(self, caller: Principal, *, monotonic_s: float) -> None:
        """Refuse to hear a caller that was denied too often.

        Raises:
            Unavailable: ``RATE_LIMITED``, with ``retry_after_ms``.
        """
        if not self._refused:
            return
        bucket = self._refused.get(self._key(caller))
        if bucket is None:
            return
        most = self._limits.refused_calls_per_min_max
        per_s = most / _MINUTE_S
        tokens = bucket.fill(per_s=per_s, most=most, monotonic_s=monotonic_s)
        if tokens < 1:
            raise _too_often(
                f"More than {most} calls of this caller were denied within a minute.",
                refused_calls_per_min_max=most,
                wait_s=(1 - tokens) / per_s,
            )

    def count_refused(self, caller: Principal, *, monotonic_s: float) -> None:
        """Count a call that was denied against its caller."""
        most = self._limits.refused_calls_per_min_max
        key = self._key(caller)
        bucket = self._refused.get(key)
        if bucket is None:
            if len(self._refused) >= self._callers_max:
                self._refused.popitem(last=False)
            bucket = self._refused[key] = _Bucket(tokens=most, counted_s=monotonic_s)
        self._refused.move_to_end(key)
        tokens = bucket.fill(per_s=most / _MINUTE_S, most=most, monotonic_s=monotonic_s)
        bucket.tokens = max(0.0, tokens - 1)

    def _key(self, caller: Principal) -> tuple[str, str]:
        """Return as whom a caller is counted; no opaque id has a slash."""
        if caller.province == self._province:
            return (caller.province, caller.opaque_id)
        return (caller.province, "/nodes" if caller.role == Role.PEER else "/others")

    def _role_bucket(self, role: str, monotonic_s: float) -> _Bucket | None:
        """Return the bucket of a role with a token in it, nothing if the role has no limit.

        Raises:
            Unavailable: ``RATE_LIMITED``, if it is empty.
        """
        most = self._limits.role_calls_per_s_max.get(role)
        if most is None:
            return None
        bucket = self._roles.get(role)
        if bucket is None:
            bucket = self._roles[role] = _Bucket(tokens=most, counted_s=monotonic_s)
        tokens = bucket.fill(per_s=most, most=most, monotonic_s=monotonic_s)
        if tokens < 1:
            raise _too_often(
                f"More than {most} calls a second of all callers in the role {role}.",
                role_calls_per_s_max=most,
                wait_s=(1 - tokens) / most,
            )
        return bucket

    @staticmethod
    def leave(allowance: Allowance, *, is_stream: bool) -> None:
        """Count a call out."""
        allowance.calls -= 1
        allowance.streams -= is_stream

    def check_message(self, size_bytes: int) -> None:
        """Refuse a message that is too large to send.

        Raises:
            Refusal: ``TOO_LARGE``.
        """
        if size_bytes > self._limits.message_bytes_max:
            raise Refusal(
                Reason.TOO_LARGE,
                f"The answer has more than {self._limits.message_bytes_max} bytes: "
                "ask for fewer rows.",
                details={"message_bytes_max": str(self._limits.message_bytes_max)},
            )

    def _remember(self, key: tuple[str, str], monotonic_s: float) -> Allowance:
        """Begin to count a caller, and forget one that has nothing running if there are many."""
        if len(self._callers) >= self._callers_max:
            idle = next((name for name, used in self._callers.items() if not used.calls), None)
            if idle is not None:
                del self._callers[idle]
        allowance = Allowance(tokens=self._limits.burst_calls_max, counted_s=monotonic_s)
        self._callers[key] = allowance
        return allowance


def _too_many(name: str, limit: int) -> Unavailable:
    """Return the refusal of a call too many."""
    return Unavailable(
        Reason.OVERLOADED,
        f"More than {limit} of this caller's calls are running ({name}).",
        details={name: str(limit), "retry_after_ms": "100"},
    )


def _too_often(message: str, *, wait_s: float, **limit: int) -> Unavailable:
    """Return the refusal of a call that came too early."""
    return Unavailable(
        Reason.RATE_LIMITED,
        message,
        details={
            **{name: str(value) for name, value in limit.items()},
            "retry_after_ms": str(max(1, round(wait_s * 1_000))),
        },
    )
