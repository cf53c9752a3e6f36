"""Nights of two nodes, end to end: both file, close and compute, and the lines are closed."""

from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from deltacare.errors import Refusal
from deltacare.ids import LogName
from deltacare.v1 import clearing_service_pb2 as cpb
from deltacare.v1 import entry_pb2 as epb
from deltacare.v1 import settlement_service_pb2 as spb
from server.settlement import nights
from server.settlement.nights import PairNights
from settlement.engine import MEMORY_MB_MIN, EngineSettings
from settlement.night import Night, NightInputs, open_night
from tests.server.settlement.world import CERTIFICATE, DUTY, HOME, HOST, World, day, entries
from tests.support.ports import SeededEntropy

AGREED = cpb.PAIR_NIGHT_STATE_AGREED


async def test_matched_records_are_cleared(tmp_path: Path) -> None:
    """What both sides file alike is agreed, netted, and seen alike by both nodes."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await world.both(*(world.record(f"S{number}", number) for number in range(10)))
        night = await world.night(1)
        assert AGREED == night.state, night
        assert night.lower_result.digest == night.higher_result.digest
        assert {"MATCHED": [f"S{number}" for number in range(10)]} == await world.classes(1)
        assert await world.classes(1, HOST) == await world.classes(1, HOME)
        assert 3_000_000 == night.lower_result.higher_pays_fen
        assert 0 == night.lower_result.lower_pays_fen


async def test_every_class(tmp_path: Path) -> None:
    """One planted line of each class comes out as that class, on both nodes, with an owner."""
    async with World.open(tmp_path) as world:
        await world.facts(elders=40)
        record = world.record
        # 0. Something that is cleared first, and one that is left to age.
        await world.both(record("CLEARED", 0), record("CANCEL", 1))
        await world.file(HOME, [record("OLD", 2)])
        await world.file(HOST, [record("OLDHOST", 3)])
        assert AGREED == (await world.night(1)).state
        assert {"MATCHED": ["CANCEL", "CLEARED"], "IN_TRANSIT": ["OLD", "OLDHOST"]} == {
            name: sorted(numbers) for name, numbers in (await world.classes(1)).items()
        }
        for number in (2, 3):
            await world.night(number)
        # 1. One of each.
        await world.both(
            record("MATCHED", 10),
            record("DUPSEM1", 11),
            record("DUPSEM2", 11),
            record("NOAGREEMENT", 12, subsidy_kind="OTHER"),
            record("UNLISTED", 13, institution=f"{HOST}-2"),
            record("NOELDER", 4_000),
            record("NOCAREGIVER", 14, subsidy_kind="CARE_VISIT"),
            record("CAREGIVER", 15, subsidy_kind="CARE_VISIT", caregiver_cert_no=CERTIFICATE),
            record("HELD", 16),
            record("OVERCAP", 17, amount_fen=300_001),
            record("BUDGET", 18),
            record("REVERSED", 19),
            record("ONESIDE", 20),
        )
        await world.file(HOME, [record("CONFLICT", 21), record("CONFLICT", 21, service_days=29)])
        await world.file(HOST, [record("CONFLICT", 21)])
        await world.file(HOME, [record("EXACT", 22), record("EXACT", 22)])
        await world.file(HOST, [record("EXACT", 22)])
        await world.file(HOME, [record("AMOUNT", 23)])
        await world.file(HOST, [record("AMOUNT", 23, amount_fen=290_000)])
        await world.file(HOME, [record("FIELD", 25, service_days=29, amount_fen=290_000)])
        await world.file(HOST, [record("FIELD", 25, amount_fen=290_000)])
        await world.file(HOST, [record("TRANSIT", 26)])
        await world.reverse(HOME, "REVERSED", "ONESIDE")
        await world.reverse(HOST, "REVERSED")
        await world.hold("HELD", epb.HOLD_CLASS_OVERLAP)
        await world.hold("BUDGET", epb.HOLD_CLASS_OVER_BUDGET)
        assert AGREED == (await world.night(4)).state
        expected = {
            "REVERSED": ["REVERSED"],
            "REVERSED_ONE_SIDE": ["ONESIDE"],
            "DUP_CONFLICT": ["CONFLICT"],
            "DUP_EXACT": ["EXACT"],
            "DUP_SEMANTIC": ["DUPSEM1", "DUPSEM2"],
            "OUT_OF_AGREEMENT": ["NOAGREEMENT"],
            "INSTITUTION_UNLISTED": ["UNLISTED"],
            "ELDER_INELIGIBLE": ["NOELDER"],
            "CAREGIVER_UNCERTIFIED": ["NOCAREGIVER"],
            "OVERLAP": ["HELD"],
            "OVER_CAP": ["OVERCAP"],
            "OVER_BUDGET": ["BUDGET"],
            "IN_TRANSIT": ["TRANSIT"],
            "HOME_ONLY": ["OLD"],
            "HOST_ONLY": ["OLDHOST"],
            "AMOUNT": ["AMOUNT"],
            "FIELD": ["FIELD"],
            "MATCHED": ["CAREGIVER", "EXACT", "MATCHED"],
        }
        found = await world.classes(4)
        assert expected == {name: sorted(numbers) for name, numbers in found.items()}
        assert found == await world.classes(4, HOST)
        lines = await world[HOME].clearing.list_lines(
            cpb.ListLinesRequest(partner=HOST, page_size=1_000), world.call(HOME)
        )
        by_number = {line.settlement_no: line for line in lines.lines}
        assert "MATCHED" not in by_number, "closed lines are shown when asked for"
        assert ("BOTH", day(9)) == (by_number["AMOUNT"].owner, by_number["AMOUNT"].due_date)
        assert (HOST, day(1)) == (by_number["OLD"].owner, by_number["OLD"].filed_date)
        assert 300_000 == by_number["AMOUNT"].home_side.record.amount_fen
        assert 290_000 == by_number["AMOUNT"].host_side.sum_fen
        assert 0 == by_number["OLD"].host_side.row_count
        # 2. Each line's last class over all nights.
        counts = await world[HOME].clearing.count_lines(
            cpb.CountLinesRequest(partner=HOST), world.call(HOME)
        )
        by_class = {cpb.LineClass.Name(each.line_class): each for each in counts.counts}
        assert 18 == len(by_class)
        assert 5 == by_class["LINE_CLASS_MATCHED"].line_count
        assert 5 * 300_000 == by_class["LINE_CLASS_MATCHED"].home_fen
        assert 1 == by_class["LINE_CLASS_IN_TRANSIT"].line_count


async def test_cleared_number_filed_again_is_not_paid_twice(tmp_path: Path) -> None:
    """An equal copy of a cleared number is surplus, a differing one a conflict; nothing is paid."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await world.both(world.record("S1"), world.record("S2", 1))
        await world.night(1)
        await world.both(world.record("S1"), world.record("S2", 1, amount_fen=1))
        night = await world.night(2)
        assert AGREED == night.state
        found = await world.classes(2)
        assert {"DUP_EXACT": ["S1", "S1"], "DUP_CONFLICT": ["S2"]} == found
        assert 0 == night.lower_result.higher_pays_fen
        await world.night(3)
        assert {"DUP_CONFLICT": ["S2"]} == await world.classes(3)


async def test_reversal_of_a_cleared_settlement(tmp_path: Path) -> None:
    """It waits for the other side, is netted once the other way, and cannot be had twice."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await world.both(world.record("S1"))
        await world.night(1)
        await world.reverse(HOST, "S1")
        night = await world.night(2)
        assert {"REVERSED_ONE_SIDE": ["S1"]} == await world.classes(2)
        assert 0 == night.lower_result.higher_pays_fen
        await world.reverse(HOME, "S1")
        night = await world.night(3)
        assert {"MATCHED": ["S1"]} == await world.classes(3)
        assert -300_000 == night.lower_result.higher_pays_fen
        again = epb.Reversal(settlement_no="S1", home=HOME, host=HOST, reason="ERROR")
        for side, other in ((HOME, HOST), (HOST, HOME)):
            with pytest.raises(Refusal, match="S32-REVERSED-BEFORE"):
                await world.reverse(side, "S1")
            # Appended as if the rule had not been asked, it nets nothing.
            log = LogName.settlement(side, other)
            entry = epb.Entry(maker="mk-1", reviewer="rv-1", reversal=again)
            index = await world[side].node.append(log, [entry])
            await world[other].node.holds(log, index + 1)
        night = await world.night(4)
        assert {} == await world.classes(4)
        assert 0 == night.lower_result.higher_pays_fen


async def test_hold_ends_from_the_next_date(tmp_path: Path) -> None:
    """In the night of the date under which its end was filed a hold still holds."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await world.both(world.record("S1"))
        index = await world.hold("S1", epb.HOLD_CLASS_OVER_BUDGET)
        await world.end_hold(index)
        await world.night(1)
        assert {"OVER_BUDGET": ["S1"]} == await world.classes(1)
        await world.night(2)
        assert {"MATCHED": ["S1"]} == await world.classes(2)
        with pytest.raises(Refusal, match="1 elements"):
            await world.end_hold(index)


async def test_revision_after_the_close_counts_in_the_next_night(tmp_path: Path) -> None:
    """A night reads what stood before the closes, whatever has been filed since."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await world.file(HOST, [world.record("S1")])
        answer = await world.file(HOME, [world.record("S1", amount_fen=1)])
        await world.close(1)
        await world.file(HOME, [world.record("S1", replaces_index=answer.appended.first_index)])
        await world.run()
        assert {"AMOUNT": ["S1"]} == await world.classes(1)
        await world.night(2)
        assert {"MATCHED": ["S1"]} == await world.classes(2)


async def test_revision_of_what_a_night_closed_is_void(tmp_path: Path) -> None:
    """Filed before the night was run or after it, a revision comes too late, and its own too."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await world.file(HOST, [world.record("S1")])
        first = (await world.file(HOME, [world.record("S1")])).appended.first_index
        await world.close(1)
        late = world.record("S1", amount_fen=1, replaces_index=first)
        second = (await world.file(HOME, [late])).appended.first_index
        later = world.record("S1", amount_fen=2, replaces_index=second)
        third = (await world.file(HOME, [later])).appended.first_index
        await world.run()
        log = LogName.settlement(HOME, HOST)
        expected = [(second, "S10-REPLACES-CLOSED"), (third, "S07-REPLACES-UNKNOWN")]
        for province in (HOME, HOST):
            assert expected == await world.voids(province, log)
        answer = await world.file(HOME, [late])
        assert "RULE_REFUSED" == answer.refusal_reason
        assert ["records[0].replaces_index"] == [fault.field for fault in answer.faults]
        await world.night(2)
        assert {} == await world.classes(2)


async def test_late_facts_are_proposed_for_reversal(tmp_path: Path) -> None:
    """A revocation into the past changes no closed date; the cleared line is listed."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await world.both(
            world.record("S1", 1, subsidy_kind="CARE_VISIT", caregiver_cert_no=CERTIFICATE),
            world.record("S2", 2),
        )
        await world.night(1)
        revocation = epb.CertificateRevocation(
            certificate_no=CERTIFICATE, effective_date="2026-10-02", reason="FRAUD"
        )
        await world.registry(HOST, *entries("certificate_revocation", revocation))
        await world.settled()
        await world.night(2)
        await world.night(3)
        for province, partner in ((HOME, HOST), (HOST, HOME)):
            answer = await world[province].clearing.list_reversal_proposals(
                cpb.ListReversalProposalsRequest(partner=partner), world.call(province)
            )
            (proposal,) = answer.proposals
            assert "S1" == proposal.record.settlement_no
            assert cpb.LINE_CLASS_CAREGIVER_UNCERTIFIED == proposal.line_class
            assert (day(1), day(2)) == (proposal.cleared_date, proposal.noticed_date)
            assert (HOST, day(12)) == (proposal.owner, proposal.due_date)
        # Once one side has reversed it, the move is the other's; once both have, nobody's, though
        # a night has still to clear it.
        await world.reverse(HOST, "S1")
        answer = await world[HOST].clearing.list_reversal_proposals(
            cpb.ListReversalProposalsRequest(partner=HOME), world.call(HOST)
        )
        assert [HOME] == [each.owner for each in answer.proposals]
        await world.reverse(HOME, "S1")
        log = LogName.settlement(HOST, HOME)
        await world[HOME].node.has_quorum(log, world[HOST].node.logs.reader.position(log).size)
        log = LogName.settlement(HOST, HOME)
        size = world[HOST].node.logs.reader.position(log).size
        await world[HOME].node.holds(log, size)
        answer = await world[HOME].clearing.list_reversal_proposals(
            cpb.ListReversalProposalsRequest(partner=HOST), world.call(HOME)
        )
        assert [] == list(answer.proposals)
        await world.night(4)
        answer = await world[HOME].clearing.list_reversal_proposals(
            cpb.ListReversalProposalsRequest(partner=HOST), world.call(HOME)
        )
        assert [] == list(answer.proposals)


async def test_a_large_night_is_that_of_a_small_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One node reads rows as columns and works in files where its settings say, the other not."""
    directory = tmp_path / "night"
    used: list[EngineSettings] = []

    def opened(inputs: NightInputs, settings: EngineSettings) -> AbstractContextManager[Night]:
        used.append(settings)
        return open_night(inputs, settings)

    async with World.open(tmp_path) as world:
        await world.facts()
        await world.both(*(world.record(f"S{number}", number) for number in range(20)))
        await world.file(HOME, [world.record("CHANGED", 30)])
        await world.file(HOST, [world.record("CHANGED", 30, amount_fen=1)])
        await world.reverse(HOST, "S1")
        await world.close(1)
        common = world.common(HOST)
        settings = EngineSettings(memory_mb=MEMORY_MB_MIN, directory=directory)
        large = PairNights(**common, entropy=SeededEntropy("large"), engine=settings)
        monkeypatch.setattr(nights, "open_night", opened)
        with monkeypatch.context() as patch:
            patch.setattr(nights, "_LARGE_NIGHT_ROWS", 1)
            await large.run_due(HOME)
        assert [replace(settings, threads=2)] == used
        assert [] == list(directory.iterdir())
        await world.run()
        assert {replace(settings, threads=2), EngineSettings(threads=1)} == set(used)
        night = await world.pair_night(HOME, 1)
        assert AGREED == night.state
        assert night.lower_result.digest == night.higher_result.digest
        assert await world.classes(1, HOST) == await world.classes(1, HOME)
        assert 20 == len((await world.classes(1))["MATCHED"]) + 1


async def test_missed_dates_are_closed_first(tmp_path: Path) -> None:
    """A node that was away closes what it missed, in order; the pair then catches up."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await world.both(world.record("S1"))
        answer = await world[HOST].settlement.close_day(
            spb.CloseDayRequest(request_id=world.request_id(), business_date=day(3)),
            world.call(HOST, "CloseDay"),
        )
        assert [day(1), day(2), day(3)] == list(answer.business_dates)
        assert [1, 1] == [each.entry_count for each in answer.appended]
        waiting = await world.pair_night(HOST, 1)
        assert cpb.PAIR_NIGHT_STATE_WAITING == waiting.state
        assert f"CLOSE_MISSING {LogName.settlement(HOME, HOST)}" == waiting.waiting_for
        await world.close(3, HOME)
        await world.run()
        assert [AGREED] * 3 == [(await world.pair_night(HOME, each)).state for each in (1, 2, 3)]
        assert {"MATCHED": ["S1"]} == await world.classes(1)


async def test_a_close_is_refused_out_of_order_and_before_its_hour(tmp_path: Path) -> None:
    """A date that is closed, or whose published hour has not come, is refused with its rule."""
    async with World.open(tmp_path) as world:
        await world.close(1, HOME)
        for number, rule in ((1, "S14"), (22, "S15")):
            with pytest.raises(Refusal, match=rule):
                await world[HOME].settlement.close_day(
                    spb.CloseDayRequest(request_id=world.request_id(), business_date=day(number)),
                    world.call(HOME, "CloseDay"),
                )
        closes = await world[HOME].settlement.list_day_closes(
            spb.ListDayClosesRequest(), world.call(HOME)
        )
        found = {each.log: (each.last_closed_date, each.cosigned) for each in closes.closes}
        assert (day(1), True) == found[str(LogName.settlement(HOME, HOST))]
        assert ("", False) == found[str(LogName.settlement(HOST, HOME))]
        assert day(1) == closes.opening_date
        assert DUTY.maker != DUTY.reviewer
