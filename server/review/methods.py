"""Finds in the services of a node who handles each method that people file by.

The contract's descriptors say what a request and an answer are; nothing is named twice.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import Message

from deltacare.ids import Principal
from server.edge.call import Call
from server.review.ports import ReviewedMethod
from server.review.rules import DRAFTED

__all__ = ["reviewed_methods"]

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

Handler = Callable[[Any, Call], Awaitable[Message]]
Complete = Callable[[Any, Principal, str], None]


def reviewed_methods(
    services: Mapping[str, object],
    *,
    handlers: Mapping[str, Handler],
    completions: Mapping[str, Complete],
) -> Mapping[str, ReviewedMethod]:
    """Return by full name the methods of ``rules.DRAFTED`` that some services have.

    Args:
        services: By full name, as the edge serves them; a node has all of them.
        handlers: By full name of a method, what handles one request of it, where the service's own
            method takes a stream.
        completions: By full name of a method, what adds to its kept answers.
    """
    pool = descriptor_pool.Default()
    methods: dict[str, ReviewedMethod] = {}
    for full_name in DRAFTED:
        service, _, name = full_name.removeprefix("/").partition("/")
        if service not in services:
            continue
        descriptor = pool.FindServiceByName(service).FindMethodByName(name)
        assert "duty" in descriptor.input_type.fields_by_name, f"{full_name} names two persons"
        snake = _WORD_START.sub("_", name).lower()
        handler = handlers.get(full_name) or getattr(services[service], snake)
        methods[full_name] = ReviewedMethod(
            request_type=message_factory.GetMessageClass(descriptor.input_type),
            response_type=message_factory.GetMessageClass(descriptor.output_type),
            handler=handler,
            complete=completions.get(full_name),
        )
    return methods
