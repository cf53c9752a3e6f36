"""Holds a writing request to the contract: no field that it does not know, at any depth."""

from collections.abc import Callable, Iterator

from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

from deltacare.errors import invalid_field

__all__ = ["check_known"]


def check_known(request: Message, parse: Callable[[bytes], Message], data: bytes) -> None:
    """Refuse a write that holds fields which the contract does not know, at any depth.

    They would travel unseen into a log, which forgets nothing. Dropping them and weighing what is
    left costs little; only a request that weighs less than what came is looked at again.

    Args:
        request: As parsed; it loses what is unknown.
        parse: Makes a request of bytes.
        data: The bytes.

    Raises:
        Refusal: ``INVALID_FIELD``, naming the first by its number.
    """
    request.DiscardUnknownFields()
    known_bytes = request.ByteSize()
    if known_bytes == len(data):
        return
    whole = parse(data)
    if whole.ByteSize() == known_bytes:
        return  # the same, written less tersely
    where = next(_unknown(whole, ""), "")
    raise invalid_field(
        where, "", "The contract knows no such field.", "Leave it out; write no names into it."
    )


def _unknown(message: Message, path: str) -> Iterator[str]:
    """Yield the paths of unknown fields by their numbers, such as ``records[3].99``."""
    for field in UnknownFieldSet(message):  # type: ignore[attr-defined]  # its stubs lack the iterator
        yield f"{path}{field.field_number}"
    for known, value in message.ListFields():
        if known.message_type is None:
            continue
        if isinstance(value, Message):
            yield from _unknown(value, f"{path}{known.name}.")
        else:
            for position, each in enumerate(value):
                yield from _unknown(each, f"{path}{known.name}[{position}].")
