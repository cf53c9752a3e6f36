"""Schemes: what the own province states, and which there are.

What a statement may say is for the rules; the country's schemes are part of the program and listed
beside what provinces stated.
"""

from deltacare.errors import ViolationCollector
from deltacare.ids import parse_province
from deltacare.v1.certification_service_pb2 import (
    ListSchemesRequest,
    ListSchemesResponse,
    PublishSchemeRequest,
    PublishSchemeResponse,
)
from server.certification.bodies import read_scheme
from server.certification.room import Desk
from server.certification.scheme_store import find_schemes, scheme_key
from server.edge.call import Call
from server.registry.fields import read_page_size
from server.registry.paging import next_token, read_token

__all__ = ["SchemeDesk"]


class SchemeDesk(Desk):
    """Methods about schemes."""

    async def publish_scheme(
        self, request: PublishSchemeRequest, call: Call
    ) -> PublishSchemeResponse:
        """State a scheme under which the own province issues."""
        return await self._say(
            request,
            call,
            body=("scheme", "certification_scheme"),
            read=read_scheme,
            response=PublishSchemeResponse,
        )

    async def list_schemes(
        self,
        request: ListSchemesRequest,
        call: Call,  # noqa: ARG002  # the shape of a method
    ) -> ListSchemesResponse:
        """Return a page of schemes: the country's first, then by province and name."""
        bad = ViolationCollector()
        size = read_page_size(request.page_size, bad)
        if request.province:
            bad.take(parse_province, request.province, field="province")
        question = f"schemes\0{request.province}".encode()
        after = read_token(request.page_token, question, bad)
        bad.raise_if_any()
        found = await self._room.database.read(
            lambda connection: find_schemes(
                connection, province=request.province, after=after, limit=size + 1
            )
        )
        page = found[:size]
        return ListSchemesResponse(
            schemes=page,
            next_page_token=(
                next_token(question, scheme_key(page[-1].province, page[-1].scheme.scheme))
                if len(found) > size
                else ""
            ),
        )
