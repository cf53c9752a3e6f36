"""The settings of the open door as they stand in a node's configuration file: ranges and words."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from server.http.limits import HttpLimits

__all__ = ["HTTP_LIMITS", "HTTP_OFF", "HttpConfig", "http_text"]

HTTP_OFF = "off"

HTTP_LIMITS: Mapping[str, tuple[int, int]] = {
    "request_bytes_max": (8 * 1024, 1024 * 1024),
    "requests_at_once_max": (1, 4_096),
    "connections_max": (1, 65_536),
    "address_connections_max": (1, 65_536),
    "requests_per_s_max": (1, 1_000_000),
    "burst_requests_max": (1, 1_000_000),
    "request_duration_max_s": (1, 300),
    "idle_duration_max_s": (1, 3_600),
    "connection_duration_max_s": (10, 86_400),
    "drain_duration_max_s": (0, 300),
}
"""By setting the least and the most that is accepted."""
assert set(HTTP_LIMITS) == {item.name for item in fields(HttpLimits)}, "every limit has its range"

_NOTES = {
    "request_bytes_max": "Bytes of a request's body.",
    "requests_at_once_max": "Requests that are worked on at the same time.",
    "connections_max": "Connections at the same time.",
    "address_connections_max": "Of these, from one address; behind a proxy, give it all of them.",
    "requests_per_s_max": "Requests a second from one address; behind a proxy, from all of them.",
    "burst_requests_max": "Requests that an address that was quiet may send at once.",
    "request_duration_max_s": "Seconds for a request's head, its body and its answer, each.",
    "idle_duration_max_s": "Seconds that a connection may wait for its next request.",
    "connection_duration_max_s": "Seconds after which a connection is closed.",
    "drain_duration_max_s": "Seconds that running requests get to finish when the node stops.",
}

_TEMPLATE = """\
[http]
# Where anybody may read the registry logs held here (C2SP tlog-tiles) and have a partner's
# checkpoint cosigned (C2SP tlog-witness), host:port; "off" for nowhere. Registry logs carry no
# personal data; settlement and audit logs are never served here.
listen = "off"
# With the node's certificate. Plain HTTP is for loopback, or behind a proxy that speaks TLS.
tls = true
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpConfig:
    """How a node serves HTTP.

    Attributes:
        listen: ``host:port``; ``None`` for nowhere.
        is_tls: Whether with the node's certificate.
        limits: How much strangers may take.
    """

    listen: str | None = None
    is_tls: bool = True
    limits: HttpLimits = field(default_factory=HttpLimits)


def http_text() -> str:
    """Return the commented section of a new node's configuration file."""
    limits = HttpLimits()
    rows = "".join(
        f"# {note}\n# {name} = {getattr(limits, name)}\n" for name, note in _NOTES.items()
    )
    return f"{_TEMPLATE}{rows}"
