"""Messages of the contract as plain values for JSON: numbers stay numbers, hashes are hexadecimal.

Protobuf's own JSON turns 64-bit integers into texts and bytes into base64; programs that read
amounts and people who compare hashes want neither.
"""

from datetime import UTC
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from deltacare.times import format_time

__all__ = ["enum_name", "plain"]


def plain(message: Message) -> dict[str, Any]:
    """Return a message as a dict by field name, in the order of the contract.

    Enums are their names without the prefix, bytes hexadecimal, or text where they are a signed
    note; instants RFC 3339; absent messages and absent optional fields are left out.
    """
    result: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        if field.has_presence and not message.HasField(field.name):
            continue
        value = getattr(message, field.name)
        if field.is_repeated:
            result[field.name] = [_value(field, item) for item in value]
        else:
            result[field.name] = _value(field, value)
    return result


def enum_name(message: Message, field_name: str) -> str:
    """Return the name of an enum field's value without its prefix, such as ``MATCHED``."""
    field = message.DESCRIPTOR.fields_by_name[field_name]
    return str(_value(field, getattr(message, field_name)))


def _value(field: Any, value: Any) -> Any:  # noqa: ANN401  # a descriptor of either kind, any value
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        if field.message_type.full_name == "google.protobuf.Timestamp":
            return format_time(value.ToDatetime(tzinfo=UTC))
        return plain(value)
    if field.type == FieldDescriptor.TYPE_ENUM:
        return _enum(field, value)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _bytes(field.name, value)
    return value


def _enum(field: Any, number: int) -> str | int:  # noqa: ANN401  # a descriptor of either kind
    """Return an enum's value by name; the prefix repeats the type and says nothing."""
    values = field.enum_type.values
    known = field.enum_type.values_by_number.get(number)
    if known is None:
        return number
    prefix = values[0].name.removesuffix("UNSPECIFIED")
    return str(known.name.removeprefix(prefix))


def _bytes(name: str, value: bytes) -> str:
    if name.endswith(("checkpoint", "note", "proof")):
        return value.decode("utf-8", errors="backslashreplace")
    return value.hex()
