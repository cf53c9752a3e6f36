"""Tests of the rules of supervision: what is void, and what follows on which days."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

import pytest

from deltacare.times import ServiceMonth
from deltacare.v1 import entry_pb2 as pb
from deltacare.v1 import supervision_service_pb2 as sup_pb
from server.registry.values import EndSaid, Reach
from server.supervision import rules
from server.supervision.rules import (
    CONSEQUENCES,
    barred_days,
    barred_on,
    bars,
    bars_known,
    consequence_rule,
    judge_inspection,
    judge_lift,
    judge_measure,
    judge_report,
    measure_state,
)
from server.supervision.values import Effect, MeasureHistory, MeasureState, ReportSaid
from tests.support.supervising import inspection_body, measure_body

SH, JS, ZJ = "310000", "320000", "330000"
ALL = Reach(restrict_size=100, permit_size=100)
DUE = date(2026, 10, 10)


def code(rule: object) -> str | None:
    """Return the code of a rule that was broken."""
    return None if rule is None else str(rule)


def taken(kind: int = pb.MEASURE_KIND_BAN, **changes: object) -> MeasureHistory:
    """Return a measure of Shanghai against its own first institution, from October on."""
    fields: dict[str, object] = {
        "measure_id": "310000-M1",
        "author": SH,
        "index": 3,
        "kind": kind,
        "institution_id": "310000-1",
        "certificate_no": "",
        "from_date": date(2026, 10, 1),
        "until_date": None,
        "due_date": DUE if kind == pb.MEASURE_KIND_RECTIFICATION else None,
        "reason": "UNSAFE",
    }
    return MeasureHistory(**{**fields, **changes})  # type: ignore[arg-type]  # a test's own


def reported(day: int, *, accepted: bool = True, index: int = 5) -> ReportSaid:
    """Return a report of a day in October."""
    return ReportSaid(
        index=index, accepted=accepted, report_date=date(2026, 10, day), reason="SEEN"
    )


def rectified(*reports: ReportSaid, **changes: object) -> MeasureHistory:
    """Return a rectification that is due on 10 October, with reports."""
    return replace(taken(pb.MEASURE_KIND_RECTIFICATION, **changes), reports=reports)


def lifted(history: MeasureHistory, day: int, index: int = 6) -> MeasureHistory:
    """Return a measure that was lifted from a day in October on."""
    lift = EndSaid(index=index, from_date=date(2026, 10, day))
    return replace(history, lifts=(*history.lifts, lift))


def effects_on(history: MeasureHistory, day: int, reach: Reach = ALL) -> list[str]:
    """Return what a measure takes away on a day in October."""
    on = date(2026, 10, day)
    return sorted(bar.effect.name for bar in bars(history, reach) if bar.holds(on))


def days_of(history: MeasureHistory, effect: Effect = Effect.UNLISTED) -> list[int]:
    """Return the days of October on which a measure takes something away."""
    return [day for day in range(1, 32) if effect.name in effects_on(history, day)]


def until(day: int) -> list[int]:
    """Return the days of October up to one."""
    return list(range(1, day + 1))


def since(day: int) -> list[int]:
    """Return the days of October from one on."""
    return list(range(day, 32))


# --- What may be said -----------------------------------------------------------------------------


def test_every_rule_has_its_number_and_both_languages() -> None:
    """Codes are unique and ascend; each rule can be read and has a source."""
    codes = [rule.code for rule in rules.RULES]
    assert sorted(set(codes)) == codes
    assert [] == [rule.code for rule in rules.RULES if not (rule.zh and rule.en and rule.source)]


@pytest.mark.parametrize(
    "body, is_taken, expected",
    [
        (inspection_body(), False, None),
        (inspection_body("320000-I1"), False, "M03-NOT-OWN"),
        (inspection_body(), True, "M04-ID-TAKEN"),
        (inspection_body(joined_by=[JS]), False, None),
        (inspection_body(joined_by=[SH, JS]), False, "M07-JOINED-BY-SELF"),
        # Of another province's institution too: it concerns the own elders there.
        (inspection_body(institution_id="320000-1"), False, None),
    ],
)
def test_inspection(body: pb.Inspection, is_taken: bool, expected: str | None) -> None:  # noqa: FBT001
    """An inspection bears the own code, once, and names others that took part."""
    assert expected == code(judge_inspection(SH, body, taken=is_taken))


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({}, None),
        ({"measure_id": "320000-M1"}, "M03-NOT-OWN"),
        ({"institution_id": "320000-1"}, None),
        ({"inspection_id": "310000-I1"}, None),
        ({"inspection_id": "310000-I2"}, "M08-INSPECTION-UNKNOWN"),
        ({"inspection_id": "320000-I1"}, "M08-INSPECTION-UNKNOWN"),
        ({"due_date": "2026-10-10"}, "M09-DUE-DATE"),
    ],
)
def test_measure(changes: dict[str, str], expected: str | None) -> None:
    """A measure bears the own code and follows an inspection that was stated, if any."""
    body = measure_body(**changes)
    inspected = body.inspection_id == "310000-I1"
    assert expected == code(judge_measure(SH, body, taken=False, inspected=inspected))


def test_measure_once() -> None:
    """A measure's id is used once."""
    found = judge_measure(SH, measure_body(), taken=True, inspected=False)
    assert "M04-ID-TAKEN" == code(found)


@pytest.mark.parametrize(
    "due, last, expected",
    [
        ("", "", "M09-DUE-DATE"),
        ("2026-09-30", "", "M09-DUE-DATE"),
        ("2026-10-01", "", None),
        ("2026-10-10", "2026-10-10", None),
        ("2026-10-11", "2026-10-10", "M09-DUE-DATE"),
    ],
)
def test_due_date_lies_within_the_days(due: str, last: str, expected: str | None) -> None:
    """A rectification has a last day for mending, from its first day to its last."""
    body = measure_body(kind=pb.MEASURE_KIND_RECTIFICATION, due_date=due, until_date=last)
    assert expected == code(judge_measure(SH, body, taken=False, inspected=False))


@pytest.mark.parametrize(
    "measure_id, measure, day, expected",
    [
        ("310000-M1", rectified(), "2026-10-01", None),
        ("310000-M1", rectified(), "2026-09-30", "M14-TOO-EARLY"),
        ("320000-M1", rectified(), "2026-10-01", "M03-NOT-OWN"),
        ("310000-M1", None, "2026-10-01", "M10-MEASURE-UNKNOWN"),
        ("310000-M1", taken(), "2026-10-01", "M11-NO-RECTIFICATION"),
        ("310000-M1", rectified(reported(5, accepted=False)), "2026-10-06", None),
        ("310000-M1", rectified(reported(5)), "2026-10-06", "M12-MENDED"),
        ("310000-M1", lifted(rectified(), 5), "2026-10-04", None),
        ("310000-M1", lifted(rectified(), 5), "2026-10-05", "M13-LIFTED"),
    ],
)
def test_report(
    measure_id: str, measure: MeasureHistory | None, day: str, expected: str | None
) -> None:
    """A report is of an own rectification that is neither mended nor lifted."""
    body = pb.RectificationReport(measure_id=measure_id, report_date=day, accepted=True)
    assert expected == code(judge_report(SH, body, measure=measure))


@pytest.mark.parametrize(
    "measure_id, measure, day, expected",
    [
        ("310000-M1", taken(), "2026-10-01", None),
        ("310000-M1", taken(), "2026-09-30", "M14-TOO-EARLY"),
        ("320000-M1", taken(), "2026-10-01", "M03-NOT-OWN"),
        ("310000-M1", None, "2026-10-01", "M10-MEASURE-UNKNOWN"),
        ("310000-M1", lifted(taken(), 5), "2026-10-06", "M13-LIFTED"),
        ("310000-M1", lifted(taken(), 5), "2026-10-05", "M13-LIFTED"),
        ("310000-M1", lifted(taken(), 5), "2026-10-04", None),
        ("310000-M1", lifted(lifted(taken(), 5), 4, 7), "2026-10-04", "M13-LIFTED"),
        ("310000-M1", rectified(reported(12)), "2026-10-12", None),
    ],
)
def test_lift(
    measure_id: str, measure: MeasureHistory | None, day: str, expected: str | None
) -> None:
    """A lift is of an own measure that was not lifted before, or only from a later day."""
    body = pb.MeasureLift(measure_id=measure_id, effective_date=day, reason="MENDED")
    assert expected == code(judge_lift(SH, body, measure=measure))


# --- What follows ---------------------------------------------------------------------------------


def test_every_kind_has_its_consequence() -> None:
    """The table names every kind of the contract, each by a rule of its own."""
    kinds = [kind for kind in pb.MeasureKind.values() if kind]
    assert kinds == sorted(CONSEQUENCES)
    numbered = [CONSEQUENCES[kind].rule.code for kind in kinds]
    assert sorted(set(numbered)) == numbered


def test_numbers_are_those_of_the_contract() -> None:
    """Effects and states travel by their numbers."""
    assert {each.name: each.value for each in Effect} == {
        name.removeprefix("MEASURE_EFFECT_"): number
        for name, number in sup_pb.MeasureEffect.items()
        if number > sup_pb.MEASURE_EFFECT_RECORDED
    }
    assert {each.name: each.value for each in MeasureState} == {
        name.removeprefix("MEASURE_STATE_"): number
        for name, number in sup_pb.MeasureState.items()
        if number
    }


@pytest.mark.parametrize(
    "kind, expected",
    [
        (pb.MEASURE_KIND_WARNING, []),
        (pb.MEASURE_KIND_RECTIFICATION, []),
        (pb.MEASURE_KIND_ADMISSION_SUSPENSION, ["UNLISTED"]),
        (pb.MEASURE_KIND_PENALTY, []),
        (pb.MEASURE_KIND_BAN, ["NOT_RECOGNISED", "UNLISTED"]),
        (pb.MEASURE_KIND_DISHONESTY_LIST, ["NOT_RECOGNISED", "UNLISTED"]),
    ],
)
def test_effects_of_each_kind(kind: int, expected: list[str]) -> None:
    """What each kind takes away from its first day on, and not before."""
    history = taken(kind, from_date=date(2026, 10, 2))
    assert expected == effects_on(history, 2)
    assert [] == effects_on(history, 1)


def test_caregiver_is_not_listed_anyway() -> None:
    """A measure against a caregiver takes away recognition, never a listing."""
    banned = taken(institution_id="", certificate_no="310000-C1")
    assert ["NOT_RECOGNISED"] == effects_on(banned, 1)
    suspended = replace(banned, kind=pb.MEASURE_KIND_ADMISSION_SUSPENSION)
    assert [] == effects_on(suspended, 1)


@pytest.mark.parametrize(
    "history, expected",
    [
        (taken(), since(1)),
        (taken(until_date=date(2026, 10, 9)), until(9)),
        (lifted(taken(), 5), until(4)),
        (lifted(taken(until_date=date(2026, 10, 3)), 5), until(3)),
        (lifted(taken(), 1), []),
        (lifted(lifted(taken(), 9), 5, 7), until(4)),
        # Due on the 10th: overdue from the 11th until the day of an accepted report.
        (rectified(), since(11)),
        (rectified(reported(10)), []),
        (rectified(reported(11)), []),
        (rectified(reported(12)), [11]),
        (rectified(reported(12, accepted=False)), since(11)),
        (rectified(reported(12, accepted=False), reported(15, index=6)), [11, 12, 13, 14]),
        (rectified(until_date=date(2026, 10, 12)), [11, 12]),
        (lifted(rectified(), 13), [11, 12]),
        (lifted(rectified(reported(20)), 1), []),
    ],
)
def test_days(history: MeasureHistory, expected: list[int]) -> None:
    """Which days of October no listing opens the institution, to the day."""
    assert expected == days_of(history)
    mask = barred_days(
        bars(history, ALL),
        effect=Effect.UNLISTED,
        province=JS,
        month=ServiceMonth(year=2026, month=10),
    )
    assert expected == [day for day in range(1, 32) if mask >> (day - 1) & 1]


@pytest.mark.parametrize(
    "reach, expected",
    [
        ((3, 3), []),
        ((4, 0), since(1)),
        ((7, 6), since(1)),
        ((7, 7), until(4)),
    ],
)
def test_lift_waits_for_the_quorum(reach: tuple[int, int], expected: list[int]) -> None:
    """A measure counts once it is verified, its lift once a quorum cosigned it."""
    size = Reach(restrict_size=reach[0], permit_size=reach[1])
    history = lifted(taken(), 5)
    found = [day for day in range(1, 32) if "UNLISTED" in effects_on(history, day, size)]
    assert expected == found


@pytest.mark.parametrize(
    "permit_size, expected, state",
    [(5, since(11), MeasureState.OVERDUE), (6, [11], MeasureState.MENDED)],
)
def test_acceptance_waits_for_the_quorum(
    permit_size: int, expected: list[int], state: MeasureState
) -> None:
    """That something is mended counts once a quorum cosigned it."""
    size = Reach(restrict_size=100, permit_size=permit_size)
    history = rectified(reported(12))
    found = [day for day in range(1, 32) if "UNLISTED" in effects_on(history, day, size)]
    assert expected == found
    assert state is measure_state(history, size, date(2026, 10, 20))


@pytest.mark.parametrize(
    "history, expected",
    [
        (taken(from_date=date(2026, 10, 10)), {9: "PENDING", 10: "IN_FORCE"}),
        (taken(until_date=date(2026, 10, 10)), {10: "IN_FORCE", 11: "ENDED"}),
        (lifted(taken(), 10), {9: "IN_FORCE", 10: "LIFTED"}),
        (lifted(taken(until_date=date(2026, 10, 5)), 10), {9: "ENDED", 10: "LIFTED"}),
        (rectified(), {10: "IN_FORCE", 11: "OVERDUE"}),
        (rectified(reported(10)), {9: "IN_FORCE", 10: "MENDED", 11: "MENDED"}),
        (rectified(reported(13)), {12: "OVERDUE", 13: "MENDED"}),
        (rectified(until_date=date(2026, 10, 12)), {12: "OVERDUE", 13: "ENDED"}),
        (lifted(rectified(), 12), {11: "OVERDUE", 12: "LIFTED"}),
    ],
)
def test_states(history: MeasureHistory, expected: dict[int, str]) -> None:
    """Where a measure stands on either side of each day that changes it."""
    assert expected == {
        day: measure_state(history, ALL, date(2026, 10, day)).name for day in expected
    }


def test_overdue_has_a_rule_of_its_own() -> None:
    """What follows from an overdue rectification follows by another rule than before."""
    kind = pb.MEASURE_KIND_RECTIFICATION
    assert "M22-RECTIFICATION" == str(consequence_rule(kind, MeasureState.IN_FORCE))
    assert "M27-OVERDUE" == str(consequence_rule(kind, MeasureState.OVERDUE))
    assert ["M27-OVERDUE"] == [str(bar.rule) for bar in bars(rectified(), ALL)]
    assert "M25-BAN" == str(consequence_rule(pb.MEASURE_KIND_BAN, MeasureState.LIFTED))


OWN = taken()
ABROAD = taken(measure_id="320000-M1", author=JS)
JIANGSU_BY_SHANGHAI = taken(measure_id="310000-M2", institution_id="320000-1")
JIANGSU_BY_ITSELF = taken(measure_id="320000-M2", author=JS, institution_id="320000-1")


def barred(histories: Iterable[MeasureHistory], province: str) -> str | None:
    """Return which measure bars the institution in a province on 1 October."""
    known = bars_known(histories, {SH: ALL, JS: ALL})
    found = barred_on(known, day=date(2026, 10, 1), effect=Effect.UNLISTED, province=province)
    return None if found is None else found.measure_id


@pytest.mark.parametrize(
    "histories, expected",
    [
        ([OWN], {SH: "310000-M1", JS: "310000-M1", ZJ: "310000-M1"}),
        ([ABROAD], {SH: None, JS: "320000-M1", ZJ: None}),
        ([ABROAD, OWN], {SH: "310000-M1", JS: "310000-M1", ZJ: "310000-M1"}),
        ([replace(OWN, measure_id="310000-M0", index=7), OWN], {JS: "310000-M1"}),
        ([replace(OWN, author=ZJ, measure_id="330000-M1")], {ZJ: None}),
        # What counts everywhere is named before what counts there only, whoever comes first.
        ([JIANGSU_BY_SHANGHAI, JIANGSU_BY_ITSELF], {SH: "320000-M2", JS: "320000-M2"}),
    ],
)
def test_where_a_measure_counts(
    histories: list[MeasureHistory], expected: dict[str, str | None]
) -> None:
    """By the subject's own province everywhere, by another in that one; nothing of unknown logs."""
    assert expected == {province: barred(histories, province) for province in expected}


@pytest.mark.parametrize("day, expected", [(30, None), (1, "NOT_RECOGNISED")])
def test_barred_on_asks_for_one_effect(day: int, expected: str | None) -> None:
    """A bar is found for its own effect and on its own days only."""
    on = date(2026, 10 if day == 1 else 9, day)
    found = barred_on(bars(taken(), ALL), day=on, effect=Effect.NOT_RECOGNISED, province=ZJ)
    assert expected == (None if found is None else found.effect.name)
    suspended = bars(taken(pb.MEASURE_KIND_ADMISSION_SUSPENSION), ALL)
    assert None is barred_on(suspended, day=on, effect=Effect.NOT_RECOGNISED, province=ZJ)
