"""On which days a register closes an institution: the rule, the rows, and what stands at a pin."""

from datetime import date

import pytest

from deltacare.ids import LogName
from deltacare.v1 import entry_pb2 as pb
from server.registry.closings import ClosingSaid, closed_on, closings
from server.registry.projector import RegistryProjector
from server.registry.store import closings_touched, load_closings, read_closings
from server.registry.values import Reach
from server.store.database import Database
from tests.support.projecting import Book
from tests.support.rooms import institution_body

SH, JS = "310000", "320000"
SH_LOG = LogName.registry(SH)
CLOSED = pb.INSTITUTION_STATE_CLOSED
ONE = "310000-1"


@pytest.fixture
def book(database: Database) -> Book:
    """An empty node."""
    return Book(database, RegistryProjector())


def closed(index: int, day: int) -> ClosingSaid:
    """Return a closing from a day of May 2026."""
    return ClosingSaid(index=index, is_closed=True, from_date=date(2026, 5, day), reason="MERGED")


def back(index: int, day: int) -> ClosingSaid:
    """Return a coming back from a day of May 2026."""
    return ClosingSaid(index=index, is_closed=False, from_date=date(2026, 5, day), reason="WRONG")


@pytest.mark.parametrize(
    "said, sizes, expected",
    [
        ([], (9, 9), []),
        ([closed(1, 5)], (9, 9), [(5, 31, 1)]),
        # What closes counts once verified, what opens once a quorum saw it.
        ([closed(1, 5)], (1, 1), []),
        ([closed(1, 5)], (2, 0), [(5, 31, 1)]),
        ([closed(1, 5), back(2, 8)], (3, 3), [(5, 7, 1)]),
        ([closed(1, 5), back(2, 8)], (3, 2), [(5, 31, 1)]),
        # From the same day: it was an error and never held.
        ([closed(1, 5), back(2, 5)], (9, 9), []),
        # Said again for a later day, without coming back: no day is given back.
        ([closed(1, 5), closed(2, 9)], (9, 9), [(5, 31, 1)]),
        ([closed(1, 9), closed(2, 5)], (9, 9), [(5, 8, 2), (9, 31, 1)]),
        ([closed(1, 9), closed(2, 5), back(3, 7)], (9, 9), [(5, 6, 2)]),
        # Closed twice, and only the first is over.
        ([closed(1, 5), back(2, 8), closed(3, 20)], (9, 9), [(5, 7, 1), (20, 31, 3)]),
        ([closed(1, 5), back(2, 8), closed(3, 20)], (4, 2), [(5, 31, 1)]),
    ],
)
def test_days(
    said: list[ClosingSaid], sizes: tuple[int, int], expected: list[tuple[int, int, int]]
) -> None:
    """On which days of a month it is closed, and by which statement; in any order of rows."""
    reach = Reach(restrict_size=sizes[0], permit_size=sizes[1])
    by_day = {day: index for first, last, index in expected for day in range(first, last + 1)}
    for some in (said, said[::-1]):
        found = closings(some, reach)
        holding = {day: closed_on(found, date(2026, 5, day)) for day in range(1, 32)}
        actual = {day: each.index for day, each in holding.items() if each is not None}
        assert by_day == actual


STORY = (
    institution_body(ONE),
    institution_body("310000-2", state=pb.INSTITUTION_STATE_SUSPENDED, state_date="2026-01-01"),
    # 2: it closes; the same is said again with other beds, then with another day.
    institution_body(ONE, state=CLOSED, state_date="2026-05-05", state_reason="MERGED"),
    institution_body(ONE, state=CLOSED, state_date="2026-05-05", approved_beds=7),
    institution_body(ONE, state=CLOSED, state_date="2026-05-01"),
    # 5: void, then back, and said again.
    institution_body(ONE),
    institution_body(ONE, state_date="2026-05-20", state_reason="WRONG"),
    institution_body(ONE, state_date="2026-05-20", state_reason="WRONG", approved_beds=9),
    # 8: closed without a day, twice.
    institution_body(ONE, state=CLOSED),
    institution_body(ONE, state=CLOSED, approved_beds=7),
)
STATED = date(1970, 1, 1)  # the time of entries here


@pytest.mark.parametrize("at_once", [True, False])
def test_rows(book: Book, database: Database, *, at_once: bool) -> None:
    """Only what closes or opens leaves a row, in whatever runs it came, and after a rebuild."""
    book.say(SH, *STORY, at_once=at_once)
    assert {5: "G17-REOPENED"} == book.rules(SH)
    expected = {
        ONE: (
            closed(2, 5),
            ClosingSaid(index=4, is_closed=True, from_date=date(2026, 5, 1), reason=""),
            back(6, 20),
            *(
                ClosingSaid(index=each, is_closed=True, from_date=STATED, reason="")
                for each in (8, 9)
            ),
        )
    }

    def rows() -> dict[str, tuple[ClosingSaid, ...]]:
        return database.read_now(lambda c: read_closings(c, [ONE, "310000-2", "310000-9"]))

    assert expected == rows()
    book.rebuild(SH)
    assert expected == rows()


def test_at_pins(book: Book, database: Database) -> None:
    """A pin shows what a log said up to it, and nothing of a log without one."""
    book.say(SH, *STORY)

    def at(pins: dict[LogName, int]) -> list[tuple[int, date, date | None]]:
        found = database.read_now(lambda c: load_closings(c, pins, [ONE, "310000-2"]))
        assert {ONE} >= found.keys()
        return [(each.index, each.from_date, each.until_date) for each in found.get(ONE, ())]

    first, last = date(2026, 5, 1), date(2026, 5, 19)
    fifth = date(2026, 5, 5)
    assert [] == at({SH_LOG: 2}) == at({LogName.registry(JS): 9})
    assert [(2, fifth, None)] == at({SH_LOG: 3}) == at({SH_LOG: 4})
    assert [(2, fifth, None), (4, first, None)] == at({SH_LOG: 6})
    assert [(2, fifth, last), (4, first, last)] == at({SH_LOG: 8})


def test_touched(book: Book, database: Database) -> None:
    """A run names whom it closes or opens, and says when these are too many."""
    book.say(SH, *STORY, institution_body("310000-2", state=CLOSED))

    def touched(first: int, end: int, limit: int = 9) -> frozenset[str] | None:
        return database.read_now(lambda c: closings_touched(c, SH, first, end, limit=limit))

    none, one = frozenset[str](), frozenset({ONE})
    assert [none, one, none, one, one] == [
        touched(0, 2),
        touched(2, 3),
        touched(3, 4),
        touched(5, 7),
        touched(8, 9),
    ]
    assert frozenset({ONE, "310000-2"}) == touched(9, 11)
    assert touched(9, 11, limit=1) is None
