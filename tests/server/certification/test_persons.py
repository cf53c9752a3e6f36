"""A reference, and a line of certificates, is one person's: what contradicts that is not issued."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deltacare.errors import Refusal
from tests.support.certifying import refused
from tests.support.people import People
from tests.support.persons import NAME, NUMBER, OTHER_NUMBER

OWN = "320000"
OTHER = "虚构样本·乙某某"
KEPT = {"holder_name": NAME, "identity_number": NUMBER}


@pytest.fixture
async def people(tmp_path: Path) -> AsyncIterator[People]:
    """One node that issued a certificate to a person of whom it keeps name and number."""
    async with People.open(tmp_path, OWN) as opened:
        await opened.issue(opened.row("C1", NAME, "P-1", identity_number=NUMBER))
        yield opened


def told(error: Refusal) -> tuple[str, list[tuple[str, str]]]:
    """Return rule and fields of a refusal, which repeats nothing and says what to do."""
    assert all(each.remedy for each in error.violations)
    shown = f"{error} {error.details} {error.violations}"
    assert not any(each in shown for each in (NAME, OTHER, NUMBER, OTHER_NUMBER, "P-1"))
    return error.details["rule"], [(each.field, each.value) for each in error.violations]


async def test_another_persons_reference_keeps_what_it_keeps(people: People) -> None:
    """A row under it with another name or number is refused by place; nothing is issued or kept."""
    size = people.size()
    for new, field in (
        (people.row("C2", OTHER, "P-1"), "holder_name"),
        (people.row("C2", OTHER, "P-1", identity_number=OTHER_NUMBER), "identity_number"),
        (people.row("C2", NAME, "P-1", identity_number=OTHER_NUMBER), "identity_number"),
    ):
        error = await refused(people.issue(people.row("C9", OTHER, "P-9"), new))
        assert ("P07-OTHER-PERSON", [(f"certificates[1].{field}", "")]) == told(error)
    assert (KEPT, {}, size) == (people.kept("P-1"), people.kept("P-9"), people.size())
    # The same person, typed otherwise, with or without the number.
    await people.issue(
        people.row("C3", f" {NAME}".replace("·", "•"), "P-1"),
        people.row("C4", NAME, "P-1", identity_number=NUMBER),
    )
    assert NUMBER == people.kept("P-1")["identity_number"]


async def test_two_rows_of_one_batch_are_compared(people: People) -> None:
    """The first that stands under a new reference says whose it is."""
    error = await refused(
        people.issue(
            people.row("C2", NAME, "P-2"),
            people.row("C3", OTHER, "P-2"),
            people.row("C4", OTHER, after="C2"),
        )
    )
    assert told(error) == (
        "P07-OTHER-PERSON",
        [("certificates[1].holder_name", ""), ("certificates[2].holder_name", "")],
    )
    assert "C33-OTHER-HOLDER" in error.violations[1].description
    assert {} == people.kept("P-2")


async def test_a_changed_name_is_taken_with_the_same_number(people: People) -> None:
    """Said so, and with the number that is kept; then the new name is kept."""
    for given in ({}, {"identity_number": OTHER_NUMBER}):
        row = people.row("C2", OTHER, "P-1", name_change_reason="RENAMED", **given)
        error = await refused(people.issue(row))
        assert ("P07-OTHER-PERSON", [("certificates[0].identity_number", "")]) == told(error)
    given = {"identity_number": NUMBER, "name_change_reason": "RENAMED"}
    await people.issue(people.row("C2", OTHER, "P-1", after="C1", **given))
    assert {**KEPT, "holder_name": OTHER} == people.kept("P-1")
    # Of whom no number is kept, the word alone is enough.
    await people.issue(people.row("D1", NAME, "P-2"))
    await people.issue(people.row("D2", OTHER, "P-2", after="D1", name_change_reason="RENAMED"))
    assert {"holder_name": OTHER} == people.kept("P-2")


async def test_a_line_is_one_holders(people: People) -> None:
    """By name, by reference, by number: what follows another's certificate is refused."""
    await people.issue(people.row("D1", NAME))  # a namesake of whom nothing is kept
    for row, field in (
        (people.row("C2", OTHER, after="C1"), "holder_name"),
        (people.row("C2", OTHER, after="D1"), "holder_name"),
        (people.row("C2", NAME, "P-2", after="C1"), "subject_ref"),
        (
            people.row("C2", NAME, "P-2", after="C1", identity_number=OTHER_NUMBER),
            "identity_number",
        ),
        (people.row("C2", OTHER, after="C1", name_change_reason="RENAMED"), "identity_number"),
    ):
        error = await refused(people.issue(row))
        assert ("C33-OTHER-HOLDER", [(f"certificates[0].{field}", "")]) == told(error)
    await people.issue(
        people.row("C2", NAME, "P-1", after="C1"),
        people.row("C3", NAME, "P-2", after="C1", identity_number=NUMBER),
        people.row("C4", NAME, after="C1"),
        people.row("D2", OTHER, after="D1", name_change_reason="RENAMED"),
    )


@pytest.mark.parametrize(
    "name",
    [
        "999999190001010015",
        "９９９９９９１９０００１０１００１５",
        "虚构样本 999999 19000101 0015",
        "999999000101001",
    ],
)
async def test_an_identity_number_is_no_name(people: People, name: str) -> None:
    """Neither where it is issued nor where it is put; it is not repeated."""
    assert "999999190001010015" == NUMBER
    for write, field in (
        (people.issue(people.row("C2", name, "P-2")), "certificates[0].holder_name"),
        (people.put("P-2", holder_name=name), "records[0].values.holder_name"),
    ):
        error = await refused(write)
        assert [(field, "")] == [(each.field, each.value) for each in error.violations]
        assert name not in f"{error} {error.violations}"
    assert {} == people.kept("P-2")


async def test_a_reason_of_a_changed_name_is_a_code(people: People) -> None:
    """What is no code is refused by field."""
    error = await refused(people.issue(people.row("C2", NAME, name_change_reason="was 甲")))
    assert ["certificates[0].name_change_reason"] == [each.field for each in error.violations]
