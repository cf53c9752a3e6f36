"""Tests of requests that hold values of persons: kept so that nothing can be guessed from them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from google.protobuf.message import Message
from sqlalchemy import select

from deltacare.errors import Reason, Refusal, invalid_field
from deltacare.ids import LogName
from deltacare.v1.entry_pb2 import Entry
from deltacare.v1.types_pb2 import Appended
from server.log.ports import AppendedRun, LogTx, Write
from server.log.tables import requests
from tests.support.federation import principal
from tests.support.nodes import FourNodes, request_uuid


def personal(number: int, content: bytes = b"a name", *, blinds: Sequence[str] = ()) -> Write:
    """Return a write that holds values, appends to no log, and may blind what was kept before."""

    def decide(_tx: LogTx) -> Sequence[tuple[LogName, Iterable[Entry]]]:
        return []

    def answer(tx: LogTx, _runs: Sequence[AppendedRun]) -> Message:
        tx.blind(blinds)
        return Appended(first_index=number)

    return Write(
        caller=principal("310000"),
        method="/deltacare.v1.TestService/Put",
        request_id=request_uuid(number),
        content=content,
        decide=decide,
        answer=answer,
        is_personal=True,
    )


async def test_a_blinded_request_is_equal_to_none(tmp_path: Path) -> None:
    """Neither its own content nor another gets the first answer; other requests are as before."""
    async with FourNodes.solo(tmp_path) as node:
        submit = node.logs.sequencer.submit
        first = await submit(personal(1))
        assert first == await submit(personal(1))
        second = await submit(personal(2))
        await submit(personal(3, blinds=[request_uuid(1)]))
        for content in (b"a name", b"another", b""):
            with pytest.raises(Refusal) as caught:
                await submit(personal(1, content))
            assert Reason.REQUEST_ID_REUSED is caught.value.reason
        assert second == await submit(personal(2))
        query = select(requests.c.content_mac).where(requests.c.request_id == request_uuid(1))
        assert b"" == await node.database.read(lambda c: c.execute(query).scalar_one())


async def test_a_refusal_of_values_is_not_kept(tmp_path: Path) -> None:
    """Nothing could tell that its id has to be blinded when the person is erased."""

    def refuse(_tx: LogTx) -> Sequence[tuple[LogName, Iterable[Entry]]]:
        raise invalid_field("records", "", "Too few.", "Give more.")

    async with FourNodes.solo(tmp_path) as node:
        with pytest.raises(Refusal):
            await node.logs.sequencer.submit(replace(personal(1), decide=refuse))
        kept = await node.database.read(lambda c: c.execute(select(requests)).all())
        assert [] == kept
        await node.logs.sequencer.submit(personal(1))
