"""A whole node restored from last week's backup: it takes back its own history and forks nothing.

The partners hold its registry log and its settlement logs; what was paid and agreed comes back from
them. Its audit log nobody else holds: the node says so, and goes on when its operator says so too.
"""

import shutil
from collections.abc import Sequence
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from sqlite3 import connect

import pytest

from clients.sdk.retry import NO_RETRY, request_id
from deltacare.errors import Reason, Unavailable
from deltacare.ids import LogName, all_logs
from deltacare.purposes import PURPOSE_FIELD, Purpose
from deltacare.times import business_date
from deltacare.v1.clearing_service_pb2 import (
    PAIR_NIGHT_STATE_AGREED,
    ListPairNightsRequest,
    PairNight,
)
from deltacare.v1.entry_pb2 import Enrolment, Entry
from deltacare.v1.log_service_pb2 import GetCheckpointRequest, ListLogsRequest, ReadEntriesRequest
from deltacare.v1.settlement_service_pb2 import (
    CloseDayRequest,
    CreateEnrolmentsRequest,
    CreateEnrolmentsResponse,
    NewEnrolment,
)
from tests.support.foundations import DUTY, KIND, lay_foundations
from tests.support.wholes import PROVINCES, Wholes, settled

OWN, HOST = PROVINCES[0], PROVINCES[1]
AUDIT, REGISTRY = LogName.audit(OWN), LogName.registry(OWN)
HOUR = timedelta(hours=1)
_DONE = (PAIR_NIGHT_STATE_AGREED, "")


def back_up(directory: Path, copy: Path) -> None:
    """Copy the node's database as SQLite copies one in use, and what it signed of the trust."""
    copy.mkdir()
    with (
        closing(connect(directory / "node.sqlite")) as source,
        closing(connect(copy / "node.sqlite")) as target,
    ):
        source.backup(target)
    shutil.copytree(directory / "trust", copy / "trust")


def restore(directory: Path, copy: Path) -> None:
    """Put a copy in the place of what a stopped node has."""
    for file in directory.glob("node.sqlite*"):
        file.unlink()
    shutil.copy(copy / "node.sqlite", directory / "node.sqlite")
    shutil.rmtree(directory / "trust")
    shutil.copytree(copy / "trust", directory / "trust")


async def enrol(nodes: Wholes, number: int) -> CreateEnrolmentsResponse:
    """Enrol an elder of the own province: personal data, disclosed under the audit log."""
    enrolment = Enrolment(
        enrolment_id=f"E{number}",
        home_division="310101",
        subsidy_kinds=[KIND],
        from_date="2026-01-01",
    )
    async with nodes.client(OWN, "system", NO_RETRY) as system:
        return await system.settlement.CreateEnrolments(
            CreateEnrolmentsRequest(
                request_id=request_id(),
                duty=DUTY,
                host=HOST,
                enrolments=[NewEnrolment(elder_handle=f"sample-{number}", enrolment=enrolment)],
            ),
            metadata=((PURPOSE_FIELD, Purpose.ENROLMENT),),
        )


async def sizes(nodes: Wholes, province: str) -> dict[str, int]:
    """Return how much a node holds of each log."""
    async with nodes.client(province, "auditor") as auditor:
        listed = await auditor.log.ListLogs(ListLogsRequest())
    return {row.log: row.verified_size for row in listed.logs}


async def everybody_holds_all(nodes: Wholes) -> dict[str, int]:
    """Wait until partners hold what each author has, and return how much that is."""

    async def look() -> dict[str, int] | None:
        held = {province: await sizes(nodes, province) for province in PROVINCES}
        logs = all_logs(PROVINCES)
        own = {str(log): held[log.author].get(str(log), 0) for log in logs}
        lacking = [
            log
            for log in logs
            for province in PROVINCES
            if log.may_hold(province) and held[province].get(str(log), 0) != own[str(log)]
        ]
        return None if lacking else own

    return await settled(look, what="the same sizes everywhere")


async def night(nodes: Wholes, day: date, *, only: Sequence[str] = PROVINCES) -> list[PairNight]:
    """Close a date where it is open, and return the own pairs' nights once all agree."""
    for province in only:
        async with nodes.client(province, "clerk") as clerk:
            await clerk.settlement.CloseDay(
                CloseDayRequest(request_id=request_id(), business_date=day.isoformat())
            )
    return await nights(nodes, day, len(PROVINCES) - 1)


async def nights(nodes: Wholes, day: date, count: int) -> list[PairNight]:
    """Return the own pairs' nights once so many agree."""
    async with nodes.client(OWN, "clerk") as clerk:

        async def look() -> list[PairNight] | None:
            request = ListPairNightsRequest(until_date=day.isoformat())
            found = list((await clerk.clearing.ListPairNights(request)).nights)
            # A night that came back with the logs is due until the node has run it again.
            is_done = {(each.state, each.waiting_for) for each in found} == {_DONE}
            return found if is_done and len(found) >= count else None

        return await settled(look, what="agreed nights")


async def entries(nodes: Wholes, province: str, log: LogName) -> list[Entry]:
    """Return the entries of a log as a node holds them."""
    async with nodes.client(province, "auditor") as auditor:
        size = (await auditor.log.GetCheckpoint(GetCheckpointRequest(log=str(log)))).size
        request = ReadEntriesRequest(log=str(log), end_index=size, checkpoint_size=size)
        parts = [part async for part in auditor.log.ReadEntries(request)]
    return [Entry.FromString(data) for part in parts for data in part.entries]


def no_fork(nodes: Wholes) -> None:
    """No node was shown anything that contradicts a log."""
    for node in nodes.nodes.values():
        health = node.logs.health()
        rows = [*health.own, *(row for each in health.partners for row in each.logs)]
        assert [] == [row.log for row in rows if row.evidence_count]


@pytest.mark.long
async def test_a_node_restored_from_an_old_copy(tmp_path: Path) -> None:
    """Own logs and nights are what they were; a lost audit log is stated, not written anew."""
    copy = tmp_path / "last-week"
    async with Wholes.open(tmp_path) as nodes:
        directory = nodes.directories[OWN]
        day = business_date(nodes.clock.now()) - timedelta(days=1)
        await lay_foundations(nodes, day)
        await enrol(nodes, 1)
        await everybody_holds_all(nodes)
        back_up(directory, copy)
        # What happens after the copy: two elders, a night, an anchor of the audit log.
        await enrol(nodes, 2)
        await enrol(nodes, 3)
        agreed = await night(nodes, day)
        nodes.clock.ahead += 2 * HOUR
        await nodes.next_hour(1)
        await nodes.nodes[OWN]._audit.flush()
        await nodes.nodes[OWN]._audit.anchor()
        before = await everybody_holds_all(nodes)
        registry = await entries(nodes, HOST, REGISTRY)
        lost_size = len(await entries(nodes, OWN, AUDIT))
        await nodes.stop(OWN)
        restore(directory, copy)
        # It takes back what is its own, and comes to the same nights.
        await nodes.start(OWN)
        await nodes.confirmed()
        assert before == await everybody_holds_all(nodes)
        assert agreed == await nights(nodes, day, len(agreed))
        assert registry == await entries(nodes, OWN, REGISTRY)
        no_fork(nodes)
        # Nobody else has its audit log: nothing personal is disclosed until somebody answers.
        held = len(await entries(nodes, OWN, AUDIT))
        assert held < lost_size
        with pytest.raises(Unavailable) as caught:
            await enrol(nodes, 4)
        assert Reason.LOG_NOT_CONFIRMED is caught.value.reason
        assert held == len(await entries(nodes, OWN, AUDIT))
        await nodes.stop(OWN)
        config = directory / "node.toml"
        text = config.read_text().replace(
            "# accept_loss_of_size = 1234", f"accept_loss_of_size = {lost_size}"
        )
        config.write_text(text)
        await nodes.start(OWN)
        await nodes.confirmed()
        await enrol(nodes, 5)
        assert held < len(await entries(nodes, OWN, AUDIT))
        after = await everybody_holds_all(nodes)
        assert {str(REGISTRY), str(LogName.settlement(OWN, HOST))} <= {
            log for log, size in after.items() if size > before[log]
        }
        for province in PROVINCES:
            (stated,) = [
                entry.audit_anchor
                for entry in (await entries(nodes, province, REGISTRY))[len(registry) :]
                if entry.HasField("audit_anchor")
            ]
            assert (True, held) == (stated.HasField("lost_from_size"), stated.lost_from_size)
        no_fork(nodes)
