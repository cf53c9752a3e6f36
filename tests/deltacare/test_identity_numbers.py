"""Tests of finding identity numbers in other texts, and of how often an innocent text is taken."""

import random
from uuid import UUID

import pytest

from deltacare.identity_numbers import holds_identity_number
from tests.support.persons import NUMBER, identity_number

BORN = identity_number(9, birth="19500101")
OLD = "999999500101001"
WITH_X = next(
    number for n in range(100) if (number := identity_number(n, birth="19491001"))[-1] == "X"
)

SEEDED = random.Random(20260101)  # the same texts at every run


@pytest.mark.parametrize(
    "text",
    [
        NUMBER,
        BORN,
        f"320000-C{BORN}",
        f"320000-{BORN}",
        f"NO{BORN}",
        f"P{BORN}",
        f"{BORN}-2",
        f"2026{BORN}0001",
        f"REASON_{BORN}",
        f"the card {BORN} of",
        f"证{BORN}号",
        f"{BORN[:6]}-{BORN[6:14]}-{BORN[14:]}",
        f"{BORN[:6]} {BORN[6:14]} {BORN[14:]}",
        ".".join(BORN),
        BORN.translate(str.maketrans("0123456789", "０１２３４５６７８９")),
        WITH_X,
        f"p-{WITH_X.lower()}",
        OLD,
        f"P{OLD}",
        f"320000-{OLD}",
        f"{OLD[:6]}-{OLD[6:12]}-{OLD[12:]}",
    ],
)
def test_found_wherever_it_stands(text: str) -> None:
    """Before, behind and between other characters, spaced, wide, and in the old form."""
    assert holds_identity_number(text)


def test_the_check_character_decides() -> None:
    """One of eleven is right; with another it is some other number."""
    body = BORN[:17]
    found = [last for last in "0123456789X" if holds_identity_number(body + last)]
    assert [BORN[17]] == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "320000-C2025000123",
        "310000-137",
        "310000-2026-1",
        "S-2026-11-22-0001",
        "20261122143005000123456",
        "2026112020010203045678",  # a time of the 20th looks like a date of birth
        "320000202611220001",
        "320000201011220001",  # a province is no county
        "310101-20261122-0001",
        "1732032000123456789",
        "+86-000-0000-99887",
        "999999191302300019",  # no 30th of February
        f"{OLD[:8]}1301{OLD[12:]}",
        f"{OLD}0",
    ],
)
def test_what_people_and_systems_number_by_is_let_through(text: str) -> None:
    """Dates, times, provinces with a date, amounts of seconds: nothing of them is a person's."""
    assert not holds_identity_number(text)


def test_the_old_form_is_not_asked_where_machines_number() -> None:
    """It has no check digit; the form of 18 characters is found there all the same."""
    assert not holds_identity_number(OLD, old_form=False)
    assert holds_identity_number(BORN, old_form=False)


def shapes() -> dict[str, str]:
    """Return one random id of each shape that samples, the demonstration and systems use."""

    def digits(count: int) -> str:
        return "".join(SEEDED.choices("0123456789", k=count))

    day = f"20{SEEDED.randint(24, 40)}{SEEDED.randint(1, 12):02d}{SEEDED.randint(1, 28):02d}"
    county = f"{SEEDED.choice((11, 31, 32, 33, 34))}{SEEDED.randint(1, 13):02d}{digits(2)}"
    return {
        "certificate": f"{SEEDED.choice((31, 32, 33, 34))}0000-C{day[:4]}{digits(6)}",
        "institution": f"{SEEDED.choice((31, 32, 33, 34))}0000-{digits(4)}",
        "dated certificate": f"320000-{day}-{digits(4)}",
        "settlement of a month": f"S{day[:6]}-{digits(8)}",
        "settlement of a county and day": f"{county}{day}{digits(6)}",
        "settlement of a time": f"{day}{SEEDED.randint(0, 23):02d}{digits(10)}",
        "request": str(UUID(int=SEEDED.getrandbits(128), version=4)),
        "pseudonym": f"{SEEDED.getrandbits(128):032x}",
        "opaque": f"id-{digits(8)}",
        "reference": f"TR-{day}-{digits(5)}",
    }


def test_random_ids_of_our_shapes_are_let_through() -> None:
    """Of 20,000 of each shape not one in a thousand is taken for an identity number."""
    hits: dict[str, int] = {}
    for _ in range(20_000):
        for shape, text in shapes().items():
            by_machine = shape in ("request", "pseudonym") or shape.startswith("settlement")
            hits[shape] = hits.get(shape, 0) + holds_identity_number(text, old_form=not by_machine)
    assert all(count <= 20 for count in hits.values()), hits
    nearly_never = {shape for shape, count in hits.items() if count <= 1}
    assert {"certificate", "institution", "request", "pseudonym", "opaque"} <= nearly_never


def test_random_digits_are_taken_as_often_as_the_documents_say() -> None:
    """One window of some 40,000 by the long form, one run of 15 of some 60 by the old one."""
    count = 200_000
    long = sum(
        holds_identity_number("".join(SEEDED.choices("0123456789", k=20)), old_form=False)
        for _ in range(count)
    )
    assert 2 <= long <= 40  # 3 windows each: 15 expected
    old = sum(
        holds_identity_number("".join(SEEDED.choices("0123456789", k=15))) for _ in range(20_000)
    )
    assert 250 <= old <= 400
