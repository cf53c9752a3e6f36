"""What this room asks of those below: for each method, who reads and who handles its requests."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from deltacare.ids import Principal
from server.edge.call import Call

__all__ = ["ReviewedMethod"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewedMethod:
    """A method by which people file.

    Attributes:
        request_type: Class of its requests.
        response_type: Class of its answers.
        handler: Takes a system's call of it, and raises what it refuses.
        complete: Adds to an answer that was kept what is never kept, for whom it was first given
            and the request's id; ``None`` if an answer is kept whole.
    """

    request_type: type[Message]
    response_type: type[Message]
    handler: Callable[[Any, Call], Awaitable[Message]]
    complete: Callable[[Any, Principal, str], None] | None = None
