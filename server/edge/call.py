"""One call, as a service sees it.

A service method is named after its RPC in snake case and takes ``(request, call)``. Unary methods
are coroutines that return the response; server streams are asynchronous generators; with a client
stream the request is an asynchronous iterator. Failures are ``deltacare.errors`` and nothing else.
"""

from dataclasses import dataclass
from datetime import datetime

from deltacare.ids import Principal

__all__ = ["Call"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Who calls what, when.

    Attributes:
        caller: from the caller's certificate, never from the request.
        method: full name, ``/deltacare.v1.LogService/GetReceipt``.
        now: the node's clock, read once for this call, aware, in UTC.
    """

    caller: Principal
    method: str
    now: datetime
