"""How much strangers may take of a node over HTTP.

Nobody who comes here has a name, so what is counted is the address: one bucket of tokens and a
number of connections each, in memory, forgotten with the process. Behind a proxy all requests have
the proxy's address, and the proxy must count; no header that a client can write is believed.
"""

import ipaddress
from collections import Counter, OrderedDict
from dataclasses import dataclass

__all__ = ["ADDRESSES_MAX", "AddressMeter", "HttpLimits", "Places"]

ADDRESSES_MAX = 10_000

_IPV6_NETWORK_BITS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """What is allowed over HTTP.

    Attributes:
        request_bytes_max: Bytes of a request's body.
        requests_at_once_max: Requests that are worked on at the same time.
        connections_max: Connections at the same time.
        address_connections_max: Of these, from one address.
        requests_per_s_max: Requests a second from one address.
        burst_requests_max: Requests that an address that was quiet may send at once.
        request_duration_max_s: Seconds until a request that has begun, or the first of a
            connection, has its head; again until its body is whole; again until it is answered.
        idle_duration_max_s: Seconds that a connection may wait for its next request.
        connection_duration_max_s: Seconds after which a connection is closed, whatever it does.
        drain_duration_max_s: Seconds that running requests get to finish when the node stops.
    """

    request_bytes_max: int = 128 * 1024
    requests_at_once_max: int = 64
    connections_max: int = 512
    address_connections_max: int = 32
    requests_per_s_max: int = 50
    burst_requests_max: int = 500
    request_duration_max_s: int = 10
    idle_duration_max_s: int = 30
    connection_duration_max_s: int = 300
    drain_duration_max_s: int = 5


class _Bucket:
    """What an address has left."""

    __slots__ = ("counted_s", "tokens")

    def __init__(self, *, tokens: float, counted_s: float) -> None:
        self.tokens = tokens
        self.counted_s = counted_s


class AddressMeter:
    """Counts requests by address.

    Args:
        limits: The limits.
        addresses_max: Addresses remembered; those quiet for longest are forgotten first.
    """

    def __init__(self, limits: HttpLimits, *, addresses_max: int = ADDRESSES_MAX) -> None:
        self._limits = limits
        self._addresses_max = addresses_max
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def wait_s(self, address: str, *, monotonic_s: float) -> int:
        """Count a request in and return 0, or the seconds after which to come back.

        Args:
            address: Of the sender, as the socket says.
            monotonic_s: The present time of a clock that never runs back.
        """
        rate, burst = self._limits.requests_per_s_max, float(self._limits.burst_requests_max)
        key = _network(address)
        bucket = self._buckets.pop(key, None)
        if bucket is None:
            bucket = _Bucket(tokens=burst, counted_s=monotonic_s)
            if len(self._buckets) >= self._addresses_max:
                self._buckets.popitem(last=False)
        self._buckets[key] = bucket
        bucket.tokens = min(burst, bucket.tokens + (monotonic_s - bucket.counted_s) * rate)
        bucket.counted_s = monotonic_s
        if bucket.tokens < 1:
            return max(1, -int(-(1 - bucket.tokens) // rate))
        bucket.tokens -= 1
        return 0


class Places:
    """Counts connections at the same time, in all and by address.

    Args:
        limits: The limits.
    """

    def __init__(self, limits: HttpLimits) -> None:
        self._limits = limits
        self._taken: Counter[str] = Counter()

    def take(self, address: str) -> str | None:
        """Count a connection in.

        Args:
            address: Of the other side, as the socket says.

        Returns:
            As whom it was counted, to give back to `leave`; ``None`` if there is no place.
        """
        network = _network(address)
        is_full = self._taken.total() >= self._limits.connections_max
        if is_full or self._taken[network] >= self._limits.address_connections_max:
            return None
        self._taken[network] += 1
        return network

    def leave(self, network: str) -> None:
        """Count a connection out."""
        self._taken[network] -= 1
        if not self._taken[network]:
            del self._taken[network]


def _network(address: str) -> str:
    """Return what counts as one sender: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _IPV6_NETWORK_BITS), strict=False))
