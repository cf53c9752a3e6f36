"""Finds identity numbers in writing requests, whatever the field: ids say nothing of a person.

What a request brings to a log is mirrored and never erased. So every text of it is looked at before
any service reads it, which holds for services to come as well; only what is kept in the vault
instead of a log is left out. No value is repeated. Partners do not ask this: what is in a log is
judged by numbered rules alone.
"""

from collections.abc import Iterator

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from deltacare.errors import ViolationCollector
from deltacare.identity_numbers import holds_identity_number
from deltacare.v1.entry_pb2 import InstitutionClaim

__all__ = ["HELD_ELSEWHERE", "NUMBERED_BY_MACHINES", "note_identity_numbers"]

_CREDIT_CODE = "unified_social_credit_code"

HELD_ELSEWHERE = frozenset({"holder_name", "identity_number", "phone", _CREDIT_CODE})
"""Fields that may: those of the vault, and a code whose own check character is checked.

A holder's name may not; the services that store one refuse it themselves, without a place in it.
"""

NUMBERED_BY_MACHINES = frozenset(
    {"beneficiary_ref", "elder_handle", "enrolment_code", "request_id", "settlement_no"}
)
"""Fields where a run of 15 digits is more likely a serial number than an old identity number."""


def note_identity_numbers(request: Message, bad: ViolationCollector) -> None:
    """Note every text of a request in which somebody's identity number stands."""
    for path, name, text in _texts(request, ""):
        if holds_identity_number(text, old_form=name not in NUMBERED_BY_MACHINES):
            bad.note(
                path,
                "",
                "Somebody's identity number stands in it, which no log may carry.",
                "Use a number or reference of your own that says nothing of the person.",
            )


def _texts(message: Message, path: str) -> Iterator[tuple[str, str, str]]:
    """Yield the texts of a message at any depth: path, name of the field, text."""
    for field, value in message.ListFields():
        name = field.name
        if field.type == FieldDescriptor.TYPE_STRING:
            if name in HELD_ELSEWHERE or (name == "value" and _is_credit_code(message)):
                continue
            if isinstance(value, str):
                yield f"{path}{name}", name, value
            else:
                for position, text in enumerate(value):
                    yield f"{path}{name}[{position}]", name, text
        elif field.message_type is not None:
            if isinstance(value, Message):
                yield from _texts(value, f"{path}{name}.")
            else:
                for position, each in enumerate(value):
                    yield from _texts(each, f"{path}{name}[{position}].")


def _is_credit_code(message: Message) -> bool:
    """Whether a message claims a unified social credit code."""
    return isinstance(message, InstitutionClaim) and message.attribute == _CREDIT_CODE
