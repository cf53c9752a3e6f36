"""The month of the demonstration, decided before anything runs: who files what on which date.

Pure: the same seed and size give the same plan, and with it the same counts and money. The plan
names elders, institutions and caregivers by their order; what they are called is found out when the
nodes have answered. It also says which class each line must end in, so that the demonstration
checks the nights against it instead of only showing them.
"""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from clients.demo.scenario import (
    CLOSED_DATES,
    KINDS,
    PAIRS,
    TREATY_KIND_OUTSIDE,
    Kind,
    rate_fen,
)
from settlement.core.classes import LineClass

__all__ = [
    "CAREGIVERS_VALID",
    "INSTITUTIONS_USED",
    "RECORDS_MIN",
    "UNLISTED",
    "Day",
    "Elder",
    "Hold",
    "Plan",
    "Row",
    "make_plan",
]

# Fewer settlements leave no room for every class in every pair.
RECORDS_MIN: Final = 300

# One elder has at most one settlement of each kind, so that no cap or month is exceeded by chance.
_ELDER_KINDS: Final = len(KINDS)

_NURSING = next(kind for kind in KINDS if kind.needs_caregiver)
_BED = next(kind for kind in KINDS if kind.exclusivity_group)
_MEAL = KINDS[2]

# How many elders of each province live in another one, in proportion.
_TRAVEL = {"310000": 5, "320000": 3, "330000": 3, "340000": 2}

# One in so many settlements of a pair is planted, for each class.
_PLANT_EVERY = 400
# One in so many ordinary settlements is filed by home a date later than by the host.
_LATE_EVERY = 20
# Days of each of two stays that together exceed any month.
_OVERLAP_DAYS = 20

# How many of a host's caregivers and listed institutions the records name.
CAREGIVERS_VALID: Final = 12
INSTITUTIONS_USED: Final = 6
UNLISTED: Final = -1

HOME, HOST = "home", "host"


@dataclass(frozen=True, slots=True, kw_only=True)
class Elder:
    """An elder of one direction.

    Attributes:
        home: Where the elder is registered.
        host: Where care is given.
        order: From 0 within the direction.
        enrolled: Whether the enrolment holds in the month; else it ended before.
    """

    home: str
    host: str
    order: int
    enrolled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One side's record.

    Attributes:
        number: Number of the settlement.
        elder: Whose.
        kind: What for.
        units: Days or uses.
        amount_fen: How much.
        caregiver: Part and order, such as ``valid-3``, or empty.
        institution: Order among the host's listed institutions, or ``UNLISTED``.
        revises: Whether it replaces the same side's earlier record of the number.
    """

    number: str
    elder: Elder
    kind: Kind
    units: int
    amount_fen: int
    caregiver: str
    institution: int
    revises: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A settlement that home holds back.

    Attributes:
        elder: Tells the direction.
        number: Which.
        over_budget: The budget is spent; else the elder is paid for elsewhere.
    """

    elder: Elder
    number: str
    over_budget: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What one author files with one partner under one date, in this order.

    Attributes:
        rows: Records.
        reversals: Numbers that it reverses, with the elder that tells the direction.
        refusals: Numbers of the host that it, as home, refuses.
        holds: What it, as home, holds back.
    """

    rows: tuple[Row, ...] = ()
    reversals: tuple[tuple[Elder, str], ...] = ()
    refusals: tuple[tuple[Elder, str], ...] = ()
    holds: tuple[Hold, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The month.

    Attributes:
        elders: Of each direction (home, host), in order.
        days: By (author, partner), one for each closed date.
        expected: Lines by their last class.
        flows: Netted fen by (home, host): home pays host.
        settlements: How many numbers there are.
    """

    elders: Mapping[tuple[str, str], tuple[Elder, ...]]
    days: Mapping[tuple[str, str], tuple[Day, ...]]
    expected: Mapping[LineClass, int]
    flows: Mapping[tuple[str, str], int]
    settlements: int


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What one author files with one partner under one date, while the plan is made."""

    rows: list[Row] = field(default_factory=list)
    reversals: list[tuple[Elder, str]] = field(default_factory=list)
    refusals: list[tuple[Elder, str]] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)

    def day(self) -> Day:
        return Day(
            rows=tuple(self.rows),
            reversals=tuple(self.reversals),
            refusals=tuple(self.refusals),
            holds=tuple(self.holds),
        )


class _Book:
    """Collects what is filed while a plan is made; used once."""

    def __init__(self) -> None:
        self._elders: dict[tuple[str, str], list[Elder]] = {}
        self._sheets: dict[tuple[str, str], list[_Sheet]] = {}
        self._expected: Counter[LineClass] = Counter()
        self._flows: Counter[tuple[str, str]] = Counter()
        self.settlements = 0
        for low, high in PAIRS:
            for author, partner in ((low, high), (high, low)):
                self._elders[author, partner] = []
                self._sheets[author, partner] = [_Sheet() for _ in range(CLOSED_DATES)]

    def new_elder(self, home: str, host: str, *, enrolled: bool = True) -> Elder:
        """Return one more elder of a direction."""
        known = self._elders[home, host]
        known.append(Elder(home=home, host=host, order=len(known), enrolled=enrolled))
        return known[-1]

    def number(self, elder: Elder) -> str:
        """Return the next number, as the host would allocate it."""
        self.settlements += 1
        return f"{elder.host[:2]}{elder.home[:2]}-{self.settlements:07d}"

    def _sheet(self, elder: Elder, side: str, date: int) -> _Sheet:
        key = (elder.home, elder.host) if side == HOME else (elder.host, elder.home)
        return self._sheets[key][date]

    def file(self, date: int, side: str, *rows: Row) -> None:
        """File records on one side."""
        for row in rows:
            self._sheet(row.elder, side, date).rows.append(row)

    def file_both(self, date: int, *rows: Row) -> None:
        """File the same records on both sides."""
        self.file(date, HOST, *rows)
        self.file(date, HOME, *rows)

    def reverse(self, date: int, side: str, row: Row) -> None:
        """Reverse a number on one side."""
        self._sheet(row.elder, side, date).reversals.append((row.elder, row.number))

    def refuse(self, date: int, row: Row) -> None:
        """Refuse, as home, a number that the host filed."""
        self._sheet(row.elder, HOME, date).refusals.append((row.elder, row.number))

    def hold(self, date: int, row: Row, *, over_budget: bool) -> None:
        """Hold a number back, as home."""
        held = Hold(elder=row.elder, number=row.number, over_budget=over_budget)
        self._sheet(row.elder, HOME, date).holds.append(held)

    def expect(self, line_class: LineClass, count: int = 1) -> None:
        """Note the class in which lines must end."""
        self._expected[line_class] += count

    def expect_paid(self, row: Row, *, sign: int = 1) -> None:
        """Note that a line must end matched, and is netted."""
        self._flows[row.elder.home, row.elder.host] += sign * row.amount_fen
        self.expect(LineClass.MATCHED)

    def plan(self) -> Plan:
        """Return what was collected."""
        ranked = sorted(self._expected.items(), key=lambda item: item[0].rank)
        return Plan(
            elders={key: tuple(value) for key, value in self._elders.items()},
            days={
                key: tuple(sheet.day() for sheet in sheets) for key, sheets in self._sheets.items()
            },
            expected=dict(ranked),
            flows=dict(sorted(self._flows.items())),
            settlements=self.settlements,
        )


def make_plan(*, seed: int, records: int) -> Plan:
    """Return the month for a seed.

    Args:
        seed: The same seed and number give the same plan.
        records: Settlements that both sides file, at least ``RECORDS_MIN``; planted ones included.
    """
    assert records >= RECORDS_MIN, "every class needs room in every pair"
    randomness = random.Random(seed)  # noqa: S311  # a plan, not a secret
    book = _Book()
    for order, pair in enumerate(PAIRS):
        share = records // len(PAIRS) + (order < records % len(PAIRS))
        before = book.settlements
        for turn in range(max(1, share // _PLANT_EVERY)):
            _plant(_Desk(book=book, randomness=randomness, pair=pair, turn=turn))
        _fill(book, randomness, pair, share - (book.settlements - before))
    return book.plan()


def _fill(book: _Book, randomness: random.Random, pair: tuple[str, str], count: int) -> None:
    """File ordinary settlements, most on both sides under one date, some by home a date later."""
    weights = [_TRAVEL[home] for home in pair]
    first = count * weights[0] // sum(weights)
    for (home, host), share in ((pair, first), (pair[::-1], count - first)):
        for order in range(share):
            if order % _ELDER_KINDS == 0:
                elder = book.new_elder(home, host)
            row = _row(book, randomness, elder, KINDS[order % _ELDER_KINDS])
            date = order * CLOSED_DATES // share
            is_late = order % _LATE_EVERY == 0 and date + 1 < CLOSED_DATES
            book.file(date, HOST, row)
            book.file(date + is_late, HOME, row)
            book.expect_paid(row)


def _row(book: _Book, randomness: random.Random, elder: Elder, kind: Kind) -> Row:
    """Return a record at or somewhat below the rate."""
    units = randomness.randint(max(1, kind.units_max // 2), kind.units_max)
    percent = randomness.choice((100, 100, 80, 60))
    caregiver = f"valid-{randomness.randrange(CAREGIVERS_VALID)}" if kind.needs_caregiver else ""
    return Row(
        number=book.number(elder),
        elder=elder,
        kind=kind,
        units=units,
        amount_fen=rate_fen(elder.home, kind) * units * percent // 100,
        caregiver=caregiver,
        institution=randomness.randrange(INSTITUTIONS_USED),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    """Plants one of each class in a pair; home is the lower province in even turns."""

    book: _Book
    randomness: random.Random
    pair: tuple[str, str]
    turn: int

    def row(self, kind: Kind = _MEAL, *, enrolled: bool = True) -> Row:
        """Return a record of an elder whom no other settlement has."""
        home, host = self.pair if self.turn % 2 == 0 else self.pair[::-1]
        elder = self.book.new_elder(home, host, enrolled=enrolled)
        return _row(self.book, self.randomness, elder, kind)

    def again(self, row: Row) -> Row:
        """Return the same content under another number."""
        return replace(row, number=self.book.number(row.elder))


def _plant(desk: _Desk) -> None:
    """File what each class needs, in the order of precedence of the classes."""
    _plant_reversals(desk)
    _plant_duplicates(desk)
    _plant_barred(desk)
    _plant_one_sided(desk)
    _plant_differences(desk)
    _plant_after_clearing(desk)


def _plant_reversals(desk: _Desk) -> None:
    book = desk.book
    # Both sides see that they filed a mistake, and reverse it before it clears.
    row = desk.row()
    book.file(0, HOST, row)
    book.file(0, HOME, replace(row, amount_fen=row.amount_fen - 100))
    book.reverse(1, HOST, row)
    book.reverse(1, HOME, row)
    book.expect(LineClass.REVERSED)
    # Only the host does.
    row = desk.row()
    book.file(0, HOST, row)
    book.file(0, HOME, replace(row, amount_fen=row.amount_fen - 100))
    book.reverse(1, HOST, row)
    book.expect(LineClass.REVERSED_ONE_SIDE)


def _plant_duplicates(desk: _Desk) -> None:
    book = desk.book
    # The host files one number twice with different amounts.
    row = desk.row()
    book.file(1, HOST, row, replace(row, amount_fen=row.amount_fen - 200))
    book.file(1, HOME, row)
    book.expect(LineClass.DUP_CONFLICT)
    # The host files one record twice: the first copy settles, the second is surplus.
    row = desk.row()
    book.file(1, HOST, row, row)
    book.file(1, HOME, row)
    book.expect_paid(row)
    book.expect(LineClass.DUP_EXACT)
    # One service under two numbers, on both sides.
    row = desk.row()
    book.file_both(2, row, desk.again(row))
    book.expect(LineClass.DUP_SEMANTIC, 2)


def _plant_barred(desk: _Desk) -> None:
    book = desk.book
    book.file_both(1, desk.row(TREATY_KIND_OUTSIDE))
    book.expect(LineClass.OUT_OF_AGREEMENT)
    book.file_both(1, replace(desk.row(), institution=UNLISTED))
    book.expect(LineClass.INSTITUTION_UNLISTED)
    book.file_both(1, desk.row(enrolled=False))
    book.expect(LineClass.ELDER_INELIGIBLE)
    # A caregiver who was revoked, who never was, or who is missing.
    caregiver = ("revoked-0", "unknown-0", "")[desk.turn % 3]
    book.file_both(1, replace(desk.row(_NURSING), caregiver=caregiver))
    book.expect(LineClass.CAREGIVER_UNCERTIFIED)
    # Paid for elsewhere in the same days: home knows of one, the month shows the other.
    row = desk.row()
    book.file_both(1, row)
    book.hold(1, row, over_budget=False)
    row = replace(desk.row(_BED), units=_OVERLAP_DAYS)
    row = replace(row, amount_fen=rate_fen(row.elder.home, _BED) * _OVERLAP_DAYS)
    other = replace(desk.again(row), amount_fen=row.amount_fen - 100)
    book.file_both(1, row, other)
    book.expect(LineClass.OVERLAP, 3)
    row = desk.row()
    book.file_both(1, replace(row, amount_fen=rate_fen(row.elder.home, _MEAL) * row.units + 1))
    book.expect(LineClass.OVER_CAP)
    row = desk.row()
    book.file_both(1, row)
    book.hold(1, row, over_budget=True)
    book.expect(LineClass.OVER_BUDGET)


def _plant_one_sided(desk: _Desk) -> None:
    book = desk.book
    last = CLOSED_DATES - 1
    book.file(last, HOST, desk.row())
    book.file(last - 1, HOME, desk.row())
    book.expect(LineClass.IN_TRANSIT, 2)
    book.file(0, HOME, desk.row())
    book.expect(LineClass.HOME_ONLY)
    # Home says why it does not answer; the line stays open until the host reverses.
    row = desk.row()
    book.file(0, HOST, row)
    book.refuse(1, row)
    book.expect(LineClass.HOST_ONLY)


def _plant_differences(desk: _Desk) -> None:
    book = desk.book
    row = desk.row()
    book.file(2, HOST, row)
    book.file(2, HOME, replace(row, amount_fen=row.amount_fen - 1))
    book.expect(LineClass.AMOUNT)
    row = desk.row(_NURSING)
    number = int(row.caregiver.removeprefix("valid-"))
    book.file(2, HOST, row)
    book.file(2, HOME, replace(row, caregiver=f"valid-{(number + 1) % CAREGIVERS_VALID}"))
    book.expect(LineClass.FIELD)
    # Home corrects itself the next day: the line moves from 金额不一致 to 对平.
    row = desk.row()
    book.file(2, HOST, row)
    book.file(2, HOME, replace(row, amount_fen=row.amount_fen - 1))
    book.file(3, HOME, replace(row, revises=True))
    book.expect_paid(row)


def _plant_after_clearing(desk: _Desk) -> None:
    book = desk.book
    # Cleared on the first date, reversed by both on the third: a line of its own, the other way.
    row = desk.row()
    book.file_both(0, row)
    book.expect_paid(row)
    book.reverse(2, HOST, row)
    book.reverse(2, HOME, row)
    book.expect_paid(row, sign=-1)
    # Cleared on the first date and filed again by both on the fourth: surplus, and not paid twice.
    row = desk.row()
    book.file_both(0, row)
    book.expect_paid(row)
    book.file_both(3, row)
    book.expect(LineClass.DUP_EXACT, 2)
