"""Results of two nodes, leaves and differences, as values."""

from datetime import date, timedelta

import pytest

from deltacare.v1 import clearing_service_pb2 as cpb
from deltacare.v1 import entry_pb2 as epb
from server.settlement.codes import CodeBook, normalise_code
from server.settlement.leaves import first_difference, line_message, owner_and_due
from server.settlement.results import NightResults, StatedResult
from settlement.core.classes import LineClass
from settlement.core.columns import COLUMNS, SEPARATOR

WAITING = cpb.PAIR_NIGHT_STATE_WAITING
ONE_SIDED = cpb.PAIR_NIGHT_STATE_ONE_SIDED
AGREED = cpb.PAIR_NIGHT_STATE_AGREED
DIVERGED = cpb.PAIR_NIGHT_STATE_DIVERGED


def stated(author: str, attempt: int, digest: bytes, fen: int = 0) -> StatedResult:
    """Return a result."""
    body = epb.PairResult(attempt=attempt, digest=digest, lower_pays_fen=fen, rules_version=1)
    return StatedResult(author=author, index=0, leaf_hash=digest, body=body)


def night(lower: dict[int, bytes], higher: dict[int, bytes], **fen: int) -> NightResults:
    """Return a night with digests by attempt."""
    return NightResults(
        lower="310000",
        higher="320000",
        business_date="2026-11-01",
        by_author={
            "310000": {key: stated("310000", key, value) for key, value in lower.items()},
            "320000": {
                key: stated("320000", key, value, fen.get("fen", 0))
                for key, value in higher.items()
            },
        },
    )


@pytest.mark.parametrize(
    "lower,higher,expected",
    [
        ({}, {}, (WAITING, 0)),
        ({1: b"a"}, {}, (ONE_SIDED, 1)),
        ({1: b"a"}, {1: b"a"}, (AGREED, 1)),
        ({1: b"a"}, {1: b"b"}, (DIVERGED, 1)),
        ({1: b"a", 2: b"b"}, {1: b"b"}, (ONE_SIDED, 2)),
        ({1: b"a", 2: b"b"}, {1: b"b", 2: b"b"}, (AGREED, 2)),
        ({1: b"a", 2: b"b"}, {1: b"a", 2: b"c"}, (AGREED, 1)),
    ],
)
def test_states(
    lower: dict[int, bytes], higher: dict[int, bytes], expected: tuple[int, int]
) -> None:
    """Equal digests at one attempt agree; the first that does stands, else the newest attempt."""
    found = night(lower, higher)
    assert expected == (found.state, found.attempt)


def test_equal_lines_with_other_sums_do_not_agree() -> None:
    """What all four net by is part of what two agree on."""
    assert DIVERGED == night({1: b"a"}, {1: b"a"}, fen=1).state


def test_first_difference() -> None:
    """The first line that differs is shown; where one side has none, it is empty."""
    found = first_difference(b"a\nb\nc\n", b"a\nx\nc\n")
    assert ("b", "x") == (found.own_line, found.partner_line)
    found = first_difference(b"a\n", b"a\nb\n")
    assert ("", "b") == (found.own_line, found.partner_line)
    found = first_difference(b"a\n", b"a\n")
    assert ("", "") == (found.own_line, found.partner_line)


def test_owner_and_due_date() -> None:
    """Whose move it is follows from the class; nothing is to be done for what is closed."""
    day = date(2026, 11, 1)
    expected = {
        LineClass.MATCHED: ("", ""),
        LineClass.AMOUNT: ("BOTH", "2026-11-06"),
        LineClass.HOME_ONLY: ("310000", "2026-11-06"),
        LineClass.OVER_BUDGET: ("320000", "2026-12-01"),
    }
    assert expected == {each: owner_and_due(each, "320000", "310000", day) for each in expected}


@pytest.mark.parametrize(
    "start, due_date",
    [
        # In the National Day holiday, and a Saturday.
        ("2026-09-26", "2026-10-08"),
        ("2026-10-14", "2026-10-26"),
        # A Saturday on which people work.
        ("2026-09-30", "2026-10-10"),
        # Nothing is known of the Sundays of a year that is not published.
        ("2026-12-24", "2027-01-03"),
    ],
)
def test_no_term_ends_on_a_day_off(start: str, due_date: str) -> None:
    """It ends on the next working day; transit alone is calendar days to its end."""
    day = date.fromisoformat(start)
    assert due_date == owner_and_due(LineClass.OVERLAP, "320000", "310000", day)[1]
    assert date.fromisoformat(due_date) >= day + timedelta(days=10)
    transit = owner_and_due(LineClass.IN_TRANSIT, "320000", "310000", day)[1]
    assert (day + timedelta(days=3)).isoformat() == transit


@pytest.mark.parametrize(
    "name, due_date",
    [
        ("IN_TRANSIT", "2026-11-04"),
        ("HOME_ONLY", "2026-11-09"),
        ("HOST_ONLY", "2026-11-09"),
        ("AMOUNT", "2026-11-06"),
        ("OUT_OF_AGREEMENT", "2026-11-11"),
        ("MATCHED", ""),
    ],
)
def test_a_term_runs_from_the_first_filing(name: str, due_date: str) -> None:
    """Each night judges a line anew, and gives it no new term; transit comes before it."""
    side = ("0", "0", *(("",) * len(COLUMNS)))
    text = SEPARATOR.join(("320000", "310000", "S1", name, *side, *side))
    assert due_date == line_message(text, "2026-11-01").due_date


def test_classes_are_those_of_the_contract() -> None:
    """The enum of the contract names the classes by their rank."""
    names = {f"LINE_CLASS_{each.name}": each.rank for each in LineClass}
    assert names == {name: value for name, value in cpb.LineClass.items() if value != 0}


def test_codes() -> None:
    """A code follows from caller, request and place; it is read however it is written."""
    book = CodeBook(bytes(32))
    code = book.code("spiffe://a", "r", 0)
    assert code == book.code("spiffe://a", "r", 0)
    others = {
        book.code("spiffe://b", "r", 0),
        book.code("spiffe://a", "q", 0),
        book.code("spiffe://a", "r", 1),
        CodeBook(bytes(31) + b"1").code("spiffe://a", "r", 0),
    }
    assert 4 == len(others - {code})
    assert code == normalise_code(f" {code[:4].lower()}-{code[4:]} ")
    assert "" == normalise_code(code[:15])
    assert "" == normalise_code(code[:15] + "1")
    assert book.code_mac(code) != book.code_mac("A" * 16)
    assert book.handle_mac("h", "310000") != book.handle_mac("h", "330000")
