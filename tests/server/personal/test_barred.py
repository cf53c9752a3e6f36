"""A bar is against a person: all that the author knows to be theirs is barred; they are kept."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.certifying import refused, verdict
from tests.support.people import People
from tests.support.persons import NAME, NUMBER, OTHER_NUMBER

OWN = "320000"


@pytest.fixture
async def people(tmp_path: Path) -> AsyncIterator[People]:
    """A person holds C1, C3 after it, C2, and D1 under another reference; E1 is another's."""
    async with People.open(tmp_path, OWN) as opened:
        await opened.issue(
            opened.row("C1", NAME, "P-1", identity_number=NUMBER),
            opened.row("C2", NAME, "P-1"),
            opened.row("C3", NAME, "P-1", after="C1"),
            opened.row("D1", NAME, "P-2", identity_number=NUMBER),
            opened.row("E1", NAME, "P-3", identity_number=OTHER_NUMBER),
        )
        yield opened


def numbers(*short: str) -> list[str]:
    """Return numbers of certificates."""
    return [f"{OWN}-{each}" for each in short]


async def test_a_bar_names_all_that_the_person_holds(people: People) -> None:
    """What is left out is named, also under another reference; nothing is written until then."""
    size = people.size()
    for also, left_out in (((), ("C2", "D1")), (("D1",), ("C2",))):
        error = await refused(people.bar("C1", *also))
        assert ("M15-PERSON-LEFT-OUT", numbers(*left_out)) == (
            error.details["rule"],
            [each.value for each in error.violations],
        )
        assert {"also_certificate_nos"} == {each.field for each in error.violations}
        assert all(each.remedy for each in error.violations)
    assert size == people.size()
    answer = await people.bar("C1", "C2", "D1")
    assert (size, 3) == (answer.appended.first_index, answer.appended.entry_count)
    taken = [each.supervision_measure for each in people.standing()[size:]]
    assert [
        (f"{OWN}-M1", f"{OWN}-C1"),
        (f"{OWN}-M1-2", f"{OWN}-C2"),
        (f"{OWN}-M1-3", f"{OWN}-D1"),
    ] == [(each.measure_id, each.certificate_no) for each in taken]
    found = [await people.rooms.check(OWN, each) for each in numbers("C1", "C2", "C3", "D1", "E1")]
    assert [*["NOT_RECOGNISED_HERE"] * 4, "VALID"] == [verdict(each) for each in found]


async def test_a_bar_may_leave_out_what_is_said_or_barred(people: People) -> None:
    """With a reason, without a bar, or where another bar holds as long."""
    await people.bar("E1")
    await people.bar("C1", measure="M2", kind=1)  # a warning
    await people.bar("C1", measure="M3", only_this="COURT_ORDER", until_date="2026-12-31")
    await people.bar("C2", "D1", measure="M4", until_date="2026-12-31")
    error = await refused(people.bar("C2", "D1", measure="M5", until_date="2027-12-31"))
    assert numbers("C1", "C3") == [each.value for each in error.violations]
    assert "VALID" != verdict(await people.rooms.check(OWN, f"{OWN}-D1"))


async def test_also_is_checked_like_the_first(people: People) -> None:
    """Numbers, repetitions, unknown ones, ids that are taken: nothing of it is written."""
    size = people.size()
    for also, fields in (
        (("C1",), ["also_certificate_nos[0]"]),
        (("C2", "x y"), ["also_certificate_nos[1]"]),
    ):
        error = await refused(people.bar("C1", *also))
        assert fields == [each.field for each in error.violations]
    error = await refused(people.bar("C1", "C2", "D1", "C77"))
    assert "M06-SUBJECT-UNKNOWN" == error.details["rule"]
    error = await refused(people.bar("C1", "C2", certificate_no="", institution_id="320000-1"))
    assert ["also_certificate_nos"] == [each.field for each in error.violations]
    await people.bar("E1", measure="M1-2")
    error = await refused(people.bar("C1", "C2", "D1"))
    assert ("M04-ID-TAKEN", f"{OWN}-M1-2") == (error.details["rule"], error.details["subject"])
    assert size + 1 == people.size()


async def test_who_is_barred_gets_none_under_another_reference(people: People) -> None:
    """By the identity number that is given, or kept, and by whose certificate is followed."""
    await people.bar("D1", only_this="COURT_ORDER")
    for row, field in (
        (people.row("F1", NAME, "P-4", identity_number=NUMBER), "identity_number"),
        (people.row("F1", NAME, "P-1"), "subject_ref"),
        (people.row("F1", NAME, after="C2"), "certificate.predecessor_no"),
    ):
        error = await refused(people.issue(row))
        assert ("C31-HOLDER-BARRED", [f"certificates[0].{field}"]) == (
            error.details["rule"],
            [each.field for each in error.violations],
        )
        assert NUMBER not in f"{error} {error.violations}"
    await people.issue(people.row("F1", NAME, "P-4", identity_number=OTHER_NUMBER))


async def test_who_is_barred_is_not_erased(people: People) -> None:
    """Neither by reference nor by certificate, while the bar holds or is to come; then it is."""
    await people.bar("C1", "C2", "D1", from_date="2040-01-01")
    for given in (("P-1",), ("", "C3"), ("P-2",)):
        error = await refused(people.erase(*given))
        assert "P08-BARRED" == error.details["rule"]
        assert all(each.remedy for each in error.violations)
    assert NAME == people.kept("P-1")["holder_name"]
    for measure in ("M1", "M1-2", "M1-3"):
        await people.rooms.lift(OWN, f"{OWN}-{measure}", "2040-01-01")
    assert numbers("C1", "C2", "C3") == list((await people.erase("P-1")).certificate_nos)


async def test_a_bar_that_ended_keeps_nobody(people: People) -> None:
    """Its last day has passed: the person is erased."""
    await people.bar("E1", from_date="2025-01-01", until_date="2025-12-31")
    assert numbers("E1") == list((await people.erase("P-3")).certificate_nos)
