"""What the status list of a past day proves of a certificate, and what it does not."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog

from clients.cli.cert_phone import status_lines
from clients.credential.past import PastStatus, prove_status
from clients.language import using_language
from clients.logs.source import NodeLog
from clients.logs.tiles import export_tiles
from clients.verify.unusable import Unusable
from deltacare.errors import DeltacareError, Reason
from deltacare.ids import LogName
from deltacare.times import business_date
from deltacare.trust.policies import log_policy
from deltacare.v1 import credential_service_pb2 as pb
from tests.clients.credential.conftest import HOST, ISSUER, recognised
from tests.support.phones import Phones
from tests.support.rooms import Rooms, certificate_body

NUMBER, OTHER = f"{ISSUER}-C1", f"{ISSUER}-C2"
LOG = LogName.registry(ISSUER)
ONE_DAY = timedelta(days=1)


class _Node:
    """A node as a client sees it, for calls on another thread; it may lie about lists."""

    def __init__(self, phones: Phones, province: str) -> None:
        self._loop = asyncio.get_running_loop()
        logs = phones.rooms.nodes[province].logs.service
        self.lie: Callable[..., Any] | None = None

        def status_list(request: pb.GetStatusListRequest) -> Any:
            call = phones.rooms.call(province, "GetStatusList")
            answer: Any = self._wait(phones.services[province].get_status_list(request, call))
            return self.lie(request, answer) if self.lie is not None else answer

        def entries(request: Any) -> Iterator[Any]:
            async def read() -> list[Any]:
                return [
                    each async for each in logs.read_entries(request, phones.rooms.call(province))
                ]

            yield from self._wait(read())

        def asked(method: Callable[..., Any]) -> Callable[[Any], Any]:
            return lambda request: self._wait(method(request, phones.rooms.call(province)))

        self.credential = SimpleNamespace(GetStatusList=status_list)
        self.log = SimpleNamespace(
            GetReceipt=asked(logs.get_receipt),
            GetCheckpoint=asked(logs.get_checkpoint),
            ReadEntries=entries,
        )

    def _wait(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)


class Past:
    """Jiangsu's certificates on three days, asked about at Shanghai's node.

    Attributes:
        phones: The nodes.
        node: Shanghai's.
        first: The first day: nothing was said.
        policy: The verifier's.
        logs: Where logs are exported to.
    """

    def __init__(self, phones: Phones, root: Path) -> None:
        self.phones = phones
        self.node = _Node(phones, HOST)
        self.first = business_date(phones.now)
        self.policy = root / "policy.txt"
        self.policy.write_text(log_policy(phones.rooms.nodes.trust, LOG).to_text())
        self.logs = root / "logs"

    async def next_day(self) -> None:
        """Let a day pass, on which the list is stated if it changed."""
        self.phones.rooms.nodes.clock.advance(ONE_DAY)
        await self.phones.state(ISSUER)
        await self.phones.rooms.spread(ISSUER)

    async def export(self) -> None:
        """Write Jiangsu's log as the verifier has it, from a node that does not lie."""
        node: Any = _Node(self.phones, ISSUER)
        await asyncio.to_thread(export_tiles, NodeLog(node, str(LOG)), self.logs / str(LOG))

    async def ask(self, day: date, number: str = NUMBER, **given: Any) -> PastStatus:
        """Return what is proved."""
        asked = {"policies": (self.policy,), "now": self.phones.now, **given}
        node: Any = self.node
        return await asyncio.to_thread(prove_status, node, number, day.isoformat(), **asked)

    async def refused(self, day: date, **given: Any) -> DeltacareError:
        """Return why nothing is proved."""
        with pytest.raises(DeltacareError) as caught:
            await self.ask(day, **given)
        return caught.value


@pytest.fixture
async def past(tmp_path: Path) -> AsyncIterator[Past]:
    """Two certificates; the first is revoked from the third day on, as was said on the first."""
    with structlog.testing.capture_logs():
        (tmp_path / "nodes").mkdir()
        async with Rooms.laid(tmp_path / "nodes", recognised) as rooms:
            phones = Phones(rooms)
            await rooms.issue(ISSUER, certificate_body(OTHER))
            await phones.publish_key(ISSUER)
            await phones.state(ISSUER)
            found = Past(phones, tmp_path)
            await rooms.revoke(ISSUER, NUMBER, (found.first + 2 * ONE_DAY).isoformat())
            await rooms.spread(ISSUER)
            yield found


async def test_days_to_come(past: Past) -> None:
    """Neither verifier nor node says what a certificate will be."""
    for days in (1, 2, 400):
        refusal = await past.refused(past.first + days * ONE_DAY)
        assert (Reason.INVALID_FIELD, "on_date") == (refusal.reason, refusal.violations[0].field)
    later = past.phones.now + 5 * ONE_DAY  # the verifier's clock runs ahead
    refusal = await past.refused(past.first + ONE_DAY, now=later)
    assert Reason.INVALID_FIELD is refusal.reason
    assert 0 == (await past.ask(past.first)).status
    # By the verifier also where a node answers.
    past.node.credential.GetStatusList = older(past, past.first)
    assert 0 == (await past.ask(past.first)).status
    refusal = await past.refused(past.first + ONE_DAY)
    assert Reason.INVALID_FIELD is refusal.reason


async def test_the_last_list_counts(past: Past) -> None:
    """Of each day the newest list of that day or before, with its age."""
    await past.next_day()
    await past.next_day()
    await past.next_day()
    expected = [(0, 0), (0, 1), (1, 0), (1, 1)]
    days = [past.first + offset * ONE_DAY for offset in range(4)]
    found = [await past.ask(day) for day in days]
    assert expected == [(each.status, each.age_days) for each in found]
    assert [(True, None)] * 4 == [(each.is_proved, each.searched) for each in found]


def older(past: Past, day: date) -> Callable[..., Any]:
    """Return a lie: the list of an earlier day in place of the one that was asked for."""
    node = _Node(past.phones, HOST)

    def lie(request: pb.GetStatusListRequest, *_: object) -> Any:
        asked = pb.GetStatusListRequest(
            certificate_no=request.certificate_no, on_date=day.isoformat()
        )
        return node.credential.GetStatusList(asked)

    return lie


async def test_an_older_list_is_found_out(past: Past) -> None:
    """By whoever has the log; to the others it is the node's word, and they are told so."""
    await past.next_day()
    await past.next_day()
    await past.export()
    today = business_date(past.phones.now)
    found = await past.ask(today, logs=past.logs)
    assert found.searched is not None
    assert (1, True) == (found.status, found.searched.is_place_proved)
    past.node.lie = older(past, past.first)
    lied = await past.ask(today)
    assert (0, 2, None) == (lied.status, lied.age_days, lied.searched)
    fault = await past.refused(today, logs=past.logs)
    assert (Reason.BAD_PROOF, True) == (fault.reason, "gave an older list" in fault.message)
    # Of the day before it was the newest.
    assert 0 == (await past.ask(today - ONE_DAY, logs=past.logs)).status


async def test_another_place_is_found_out(past: Past) -> None:
    """The place of a good certificate in place of the one that is revoked."""
    await past.next_day()
    await past.next_day()
    await past.export()
    today = business_date(past.phones.now)

    def lie(_: object, answer: pb.GetStatusListResponse) -> pb.GetStatusListResponse:
        answer.place = 1 - answer.place
        return answer

    past.node.lie = lie
    assert 0 == (await past.ask(today)).status
    fault = await past.refused(today, logs=past.logs)
    assert (Reason.BAD_PROOF, True) == (fault.reason, "another place" in fault.message)


async def test_log_from_before_that_day(past: Past) -> None:
    """It cannot tell; nor can another log, nor a directory without one."""
    await past.export()
    assert (await past.ask(past.first, logs=past.logs)).searched is not None
    await past.next_day()
    assert 1 == (await past.ask(past.first + ONE_DAY)).age_days  # nothing was stated since
    assert isinstance(await past.refused(past.first + ONE_DAY, logs=past.logs), Unusable)
    await past.next_day()
    today = business_date(past.phones.now)
    for logs in (past.logs, past.logs / "none"):
        assert isinstance(await past.refused(today, logs=logs), Unusable)


def lines(found: PastStatus, language: str) -> Sequence[str]:
    """Return what is said of a status."""
    with using_language(language):
        return status_lines(found, NUMBER, "2026-11-30")


async def test_what_is_said(past: Past) -> None:
    """What a list says and no more, its age, and whose word the rest is."""
    await past.export()
    proved = await past.ask(past.first, logs=past.logs)
    english = "\n".join(lines(proved, "en"))
    assert "neither revoked nor suspended, by the status list of 2026-11-30" in english
    assert "0 days old on 2026-11-30" in english
    assert (1, 0) == (english.count("looked through"), english.count("node's word"))
    assert f"cert check {NUMBER} --on 2026-11-30 does" in english
    unsearched = replace(proved, searched=None, is_proved=False)
    assert 3 == "\n".join(lines(unsearched, "en")).count("node's word")
    assert len(lines(proved, "zh")) == len(lines(unsearched, "zh"))
