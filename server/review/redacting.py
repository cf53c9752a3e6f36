"""Takes out of a request what says who somebody is, for those who give no purpose."""

from typing import TypeVar

from google.protobuf.message import Message

__all__ = ["redacted"]

M = TypeVar("M", bound=Message)

_PERSONAL = frozenset({"elder_handle", "identity_number"})


def redacted(request: M) -> M:
    """Return a request without values of persons; what was given is used up."""
    for field, value in request.ListFields():
        if field.name in _PERSONAL:
            request.ClearField(field.name)
        elif field.message_type is not None:
            for each in (value,) if isinstance(value, Message) else value:
                redacted(each)
    return request
