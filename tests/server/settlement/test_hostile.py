"""What a partner or client could write to harm others: void, refused, and nobody stops for it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from deltacare.errors import Reason, Refusal
from deltacare.ids import LogName
from deltacare.v1 import entry_pb2 as epb
from deltacare.v1 import settlement_service_pb2 as spb
from server.certification.projector import CertificationProjector
from server.log.ports import Projector
from server.registry.projector import RegistryProjector
from server.settlement.projector import SettlementProjector
from tests.server.settlement.world import DUTY, HOME, HOST, World, make_record
from tests.support.federation import make_trust
from tests.support.liars import LyingAuthor
from tests.support.nodes import FourNodes

PAIR = (HOST, HOME)
LOG = LogName.settlement(HOST, HOME)
HUGE = (2**63 - 1, 2**63, 2**64 - 1)


def projectors(_province: str) -> list[Projector]:
    """Return every room's."""
    trust = make_trust(PAIR, registry_quorum=1)
    return [RegistryProjector(), CertificationProjector(), SettlementProjector(trust=trust)]


def entry(**body: object) -> epb.Entry:
    """Return an entry with one body, as an author stamps it."""
    found = epb.Entry(maker="mk-1", reviewer="rv-1", **body)  # type: ignore[arg-type]  # by name
    found.entry_time.FromDatetime(datetime(2026, 11, 22, tzinfo=UTC))
    return found


async def voids(tmp_path: Path, log: LogName, entries: list[epb.Entry]) -> list[tuple[int, str]]:
    """Let home mirror what a lying host wrote; it holds and cosigns all, and this much is void."""
    nodes = FourNodes(tmp_path, provinces=PAIR, projectors=projectors)
    node = nodes[HOME]
    datas = [each.SerializeToString() for each in entries]
    nodes.network.services[HOST] = LyingAuthor(log, datas, takes_cosignatures=True)
    try:
        await node.start()
        await node.holds(log, len(datas))
        await node.has_quorum(log, len(datas))
        assert not node.logs.reader.position(log).stalled
        query = text("SELECT entry_index, rule FROM void_entries ORDER BY entry_index")
        rows = await node.database.read(lambda c: c.execute(query).all())
        return [(row.entry_index, row.rule) for row in rows]
    finally:
        await node.stop()


async def test_places_that_no_log_has_are_void(tmp_path: Path) -> None:
    """A revision or the end of a hold may name any 64 bits: itself, what follows, and no number."""
    entries = [entry(settlement_record=make_record("S0"))]
    entries += [
        entry(settlement_record=make_record("S0", replaces_index=index)) for index in (1, 9, *HUGE)
    ]
    entries += [entry(hold_end=epb.HoldEnd(hold_index=index, reason="X")) for index in (6, *HUGE)]
    entries.append(entry(settlement_record=make_record("S1")))
    unknown, no_hold, bad = "S07-REPLACES-UNKNOWN", "S12-HOLD-UNKNOWN", "S04-UNREADABLE"
    expected = [*(unknown for _ in range(5)), no_hold, no_hold, bad, bad]
    assert list(enumerate(expected, 1)) == await voids(tmp_path, LOG, entries)


async def test_a_close_with_an_impossible_version_or_time_is_void(tmp_path: Path) -> None:
    """Neither a version that no table holds nor a time that never comes closes a date."""
    close = entry(day_close=epb.DayClose(business_date="2026-11-01", rules_version=2**32 - 1))
    late = entry(day_close=epb.DayClose(business_date="2026-11-01", rules_version=1))
    late.entry_time.seconds = 2**62
    assert [(0, "S04-UNREADABLE"), (1, "LOG-3")] == await voids(tmp_path, LOG, [close, late])


async def test_a_statement_at_an_impossible_time_is_void(tmp_path: Path) -> None:
    """In a registry log as well."""
    statement = entry(statement=epb.Statement(statement_id="X"))
    statement.entry_time.nanos = -5
    assert [(0, "LOG-3")] == await voids(tmp_path, LogName.registry(HOST), [statement])


async def test_impossible_places_are_faults_of_their_fields(tmp_path: Path) -> None:
    """The batch is refused naming the field, and the stream goes on; so with the end of a hold."""
    async with World.open(tmp_path) as world:
        await world.facts(elders=5)
        requests = [
            spb.FileRecordsRequest(
                request_id=world.request_id(),
                duty=DUTY,
                partner=HOME,
                records=[
                    world.record(f"A{position}"),
                    world.record(f"B{position}", 1, **changes),
                ],
            )
            for position, changes in enumerate([*({"replaces_index": index} for index in HUGE), {}])
        ]
        # 1. FileRecords.
        *refused, last = await world.stream(HOST, requests)
        found = [(each.refusal_reason, each.fault_count) for each in refused]
        assert [("RULE_REFUSED", 1), ("INVALID_FIELD", 1), ("INVALID_FIELD", 1)] == found
        for each, index in zip(refused, HUGE, strict=True):
            (fault,) = each.faults
            assert ("records[1].replaces_index", str(index)) == (fault.field, fault.value)
        assert (0, 2) == (last.appended.first_index, last.appended.entry_count)
        # 2. A batch whose id was used before is told so.
        requests[3].records[0].service_days = 1
        (again,) = await world.stream(HOST, requests[3:])
        (fault,) = again.faults
        assert ("REQUEST_ID_REUSED", 1) == (again.refusal_reason, again.fault_count)
        assert ("request_id", requests[3].request_id) == (fault.field, fault.value)
        assert fault.description
        # 3. EndHolds.
        for index in HUGE[1:]:
            with pytest.raises(Refusal) as caught:
                await world.end_hold(index)
            assert Reason.INVALID_FIELD is caught.value.reason
            assert ["ends[0].hold_index"] == [each.field for each in caught.value.violations]


async def test_a_record_too_large_is_named_by_its_place(tmp_path: Path) -> None:
    """However an entry came to exceed what a log takes, its batch says which record it was."""
    async with World.open(tmp_path) as world:
        await world.facts(elders=5)
        large = world.record("S1", 1)
        large.MergeFromString(b"\x9a\x06\xf0\xa2\x04" + bytes(70_000))
        answer = await world.file(HOST, [world.record("S0"), large])
        (fault,) = answer.faults
        assert ("TOO_LARGE", "records[1]") == (answer.refusal_reason, fault.field)
        assert fault.description


async def test_home_reverses_what_it_filed_and_refuses_only_the_rest(tmp_path: Path) -> None:
    """A number that home filed cannot be refused until it is reversed; a lying home's is void."""

    def refusing(world: World, number: str) -> spb.RefuseRecordsRequest:
        body = epb.RecordRefusal(settlement_no=number, home=HOME, host=HOST, reason="UNKNOWN")
        return spb.RefuseRecordsRequest(
            request_id=world.request_id(), duty=DUTY, partner=HOST, refusals=[body]
        )

    async with World.open(tmp_path) as world:
        await world.facts(elders=5)
        await world.both(world.record("S1"))
        call = world.call(HOME, "RefuseRecords")
        with pytest.raises(Refusal) as caught:
            await world[HOME].settlement.refuse_records(refusing(world, "S1"), call)
        assert Reason.RULE_REFUSED is caught.value.reason
        (violation,) = caught.value.violations
        assert "refusals[0].settlement_no" == violation.field
        assert violation.description.startswith("S23-REFUSES-OWN: ")
        # 1. Appended as if the rule had not been asked, it is void everywhere.
        log = LogName.settlement(HOME, HOST)
        body = refusing(world, "S1").refusals[0]
        index = await world[HOME].node.append(
            log, [epb.Entry(maker="mk-1", reviewer="rv-1", record_refusal=body)]
        )
        await world[HOST].node.holds(log, index + 1)
        for province in (HOME, HOST):
            assert [(index, "S23-REFUSES-OWN")] == await world.voids(province, log)
        # 2. Reversed, it can be refused; filed again, it cannot.
        await world.reverse(HOME, "S1")
        await world[HOME].settlement.refuse_records(refusing(world, "S1"), call)
        await world.file(HOME, [world.record("S1")])
        with pytest.raises(Refusal, match="S23-REFUSES-OWN"):
            await world[HOME].settlement.refuse_records(refusing(world, "S1"), call)
