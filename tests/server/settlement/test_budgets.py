"""Budgets: never overspent under any order of entries and nights; a dictionary is the oracle."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, insert, select

from deltacare.ids import LogName
from deltacare.tlog.tree import leaf_hash
from deltacare.v1 import entry_pb2 as epb
from server.log.ports import Sequenced
from server.policy.projector import PolicyProjector
from server.policy.store import load_budgets
from server.settlement import night_close, tables
from server.settlement.budgets import BudgetBook
from server.settlement.kept import Outcome
from server.settlement.projector import SettlementProjector
from server.store.schema import metadata
from tests.support.federation import make_trust

HOME, HOSTS = "340000", ("310000", "320000")
DISTRICT, OTHER, CITY = "340104", "340203", "340100"
BED, MEAL = "CARE_BED", "MEAL_AID"
ELDERS = {0: DISTRICT, 1: OTHER, 2: None}


def ref(elder: int) -> str:
    """Return a pseudonym."""
    return f"{elder:032x}"


class Ledger:
    """One home province's logs and nights, in memory, without partners' logs."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        trust = make_trust((*HOSTS, HOME))
        self.book = BudgetBook(province=HOME, trust=trust)
        self.opening = trust.opening_date
        self.day = self.opening
        self.now = datetime.now(UTC)
        self.voids: list[str] = []
        self._projectors = (PolicyProjector(), SettlementProjector(trust=trust))
        self._sizes: Counter[LogName] = Counter()

    # --- What a projector and the book ask of a transaction ---------------------------------------

    def void(self, _log: LogName, _index: int, rule: str) -> None:
        """Keep it."""
        self.voids.append(rule)

    def size(self, log: LogName) -> int:
        """Return what was said."""
        return self._sizes[log]

    def blind(self, request_ids: Any) -> None:
        """Nothing is kept here."""

    def say(self, log: LogName, *bodies: Any) -> int:
        """State bodies, or whole entries; return the place of the first."""
        first = self._sizes[log]
        run = []
        for body in bodies:
            entry = body if isinstance(body, epb.Entry) else _entry(body)
            entry.entry_time.FromDatetime(self._after_close())
            run.append(
                Sequenced(
                    index=self._sizes[log],
                    leaf_hash=leaf_hash(entry.SerializeToString(deterministic=True)),
                    entry=entry,
                )
            )
            self._sizes[log] += 1
        for projector in self._projectors:
            mine = [each for each in run if each.entry.WhichOneof("body") in projector.bodies]
            if mine:
                projector.project(self, log, mine)
        return first

    def _after_close(self) -> datetime:
        zone = ZoneInfo("Asia/Shanghai")
        return datetime.combine(self.day + timedelta(days=1), time(), zone).astimezone(UTC)

    # --- Verbs ------------------------------------------------------------------------------------

    def budget(self, division: str, kind: str, fen: int, year: int = 2026) -> bool:
        """Publish a budget, unless the book's figures say it is too small."""
        stated = load_budgets(self.connection, HOME)
        cell = (division, year, kind)
        others = sorted(set(stated) - {cell}, key=lambda each: stated[each].index)
        use = self.book.uses(self.connection, [*others, cell])[cell]
        if fen < use.reserved_fen + use.consumed_fen:
            return False
        body = epb.Budget(home_division=division, year=year, subsidy_kind=kind, amount_fen=fen)
        self.say(LogName.registry(HOME), body)
        return True

    def enrol(self, host: str, elder: int, division: str) -> None:
        """Enrol an elder."""
        log = LogName.settlement(HOME, host)
        self.say(
            log,
            epb.Enrolment(
                enrolment_id=f"E{self._sizes[log]}",
                beneficiary_ref=ref(elder),
                home_division=division,
                subsidy_kinds=[BED, MEAL],
                from_date="2026-01-01",
            ),
        )

    def file(self, host: str, record: epb.SettlementRecord) -> int:
        """File an own record."""
        return self.say(LogName.settlement(HOME, host), record)

    def reverse(self, host: str, number: str) -> None:
        """File an own reversal."""
        body = epb.Reversal(settlement_no=number, home=HOME, host=host, reason="ERROR")
        self.say(LogName.settlement(HOME, host), body)

    def held(self) -> dict[tuple[str, str], int]:
        """Return the standing holds, by host and number."""
        hold = tables.hold.c
        query = select(hold.partner, hold.settlement_no, hold.idx).where(hold.end_idx.is_(None))
        return {(host, number): index for host, number, index in self.connection.execute(query)}

    def end_hold(self, host: str, number: str) -> bool:
        """End a hold, unless the book refuses."""
        if self.book.still_over(self.connection, host, [number]):
            return False
        index = self.held()[host, number]
        self.say(LogName.settlement(HOME, host), epb.HoldEnd(hold_index=index, reason="RAISED"))
        return True

    def close(self) -> list[epb.Hold]:
        """Close the date in every log, holds first."""
        stated = self.book.entries(self, self.day)
        for host in HOSTS:
            log = LogName.settlement(HOME, host)
            self.say(log, *stated.get(log, ()))
            close = epb.DayClose(business_date=self.day.isoformat(), rules_version=3)
            self.say(log, close)
        self.day += timedelta(days=1)
        return [entry.hold for entries in stated.values() for entry in entries]

    def agree(
        self, host: str, day: date, cleared: Sequence[int], cancelled: Sequence[str] = ()
    ) -> None:
        """Close a night in which some own records matched and some reversals did."""
        self.connection.execute(
            insert(tables.night).values(
                partner=host,
                business_date=day.isoformat(),
                attempt=1,
                digest=b"",
                line_count=0,
                lower_pays_fen=0,
                higher_pays_fen=0,
                rules_version=3,
                agreed=0,
                outcome=b"",
            )
        )
        runs = {HOME: tuple((index, index) for index in sorted(cleared))}
        outcome = Outcome(
            closed=runs,
            cleared=runs,
            cancelled=tuple((HOME, host, number) for number in cancelled),
        )
        with patch.object(night_close, "unpack_outcome", return_value=outcome):
            night_close.close_night(
                self,
                own=HOME,
                partner=host,
                business_date=day.isoformat(),
                attempt=1,
                close_indexes={HOME: 1 << 40, host: 1 << 40},
            )


def _entry(body: Any) -> epb.Entry:
    fields = epb.Entry.DESCRIPTOR.oneofs_by_name["body"].fields
    name = next(each.name for each in fields if each.message_type is body.DESCRIPTOR)
    return epb.Entry(maker="mk-1", reviewer="rv-1", **{name: body})


@contextmanager
def ledgers() -> Iterator[Ledger]:
    """Open a ledger on an empty database."""
    engine = create_engine("sqlite://")
    try:
        with engine.begin() as connection:
            rooms = ("settlement_", "policy_", "approval_")
            ours = [table for table in metadata.sorted_tables if table.name.startswith(rooms)]
            metadata.create_all(connection, tables=ours)
            yield Ledger(connection)
    finally:
        engine.dispose()


def record(
    number: str,
    host: str,
    fen: int,
    *,
    elder: int = 0,
    kind: str = BED,
    replaces: int | None = None,
) -> epb.SettlementRecord:
    """Return an own record."""
    return epb.SettlementRecord(
        settlement_no=number,
        home=HOME,
        host=host,
        beneficiary_ref=ref(elder),
        institution=f"{host}-1",
        subsidy_kind=kind,
        service_month="2026-10",
        service_days=1,
        amount_fen=fen,
        replaces_index=replaces,
    )


def use_of(ledger: Ledger, division: str = HOME, kind: str = BED) -> tuple[int, int, int]:
    """Return what is reserved, consumed and held under a budget, among all that are stated."""
    stated = load_budgets(ledger.connection, HOME)
    cells = sorted(stated, key=lambda each: stated[each].index)
    use = ledger.book.uses(ledger.connection, cells)[division, 2026, kind]
    return use.reserved_fen, use.consumed_fen, use.held_fen


# --- By example -----------------------------------------------------------------------------------


def test_reserved_at_filing_consumed_at_clearing_released_at_reversal() -> None:
    """A record goes through the whole of its life under one budget."""
    with ledgers() as ledger:
        host, day = HOSTS[0], ledger.day
        ledger.enrol(host, 0, DISTRICT)
        assert ledger.budget(HOME, BED, 1_000)
        index = ledger.file(host, record("S1", host, 400))
        ledger.file(host, record("S2", host, 300))
        assert (700, 0, 0) == use_of(ledger)
        assert [] == ledger.close()
        ledger.agree(host, day, [index])
        assert (300, 400, 0) == use_of(ledger)
        assert not ledger.budget(HOME, BED, 699)
        assert ledger.budget(HOME, BED, 700)
        # 1. Withdrawn before it was cleared: released once no date that saw it waits.
        ledger.reverse(host, "S2")
        ledger.close()
        assert (0, 400, 0) == use_of(ledger)
        # 2. Cleared back.
        ledger.reverse(host, "S1")
        ledger.close()
        assert (0, 400, 0) == use_of(ledger)
        ledger.agree(host, day + timedelta(days=1), [])
        ledger.agree(host, day + timedelta(days=2), [], ["S1"])
        assert (0, 0, 0) == use_of(ledger)


def test_what_does_not_fit_is_held_in_the_order_of_filing() -> None:
    """The one too much is held, a smaller one behind it fits, and ending the hold is refused."""
    with ledgers() as ledger:
        host = HOSTS[0]
        ledger.enrol(host, 0, DISTRICT)
        ledger.budget(HOME, BED, 100)
        for number, fen in (("S1", 60), ("S2", 50), ("S3", 30), ("S4", 20)):
            ledger.file(host, record(number, host, fen))
        assert ["S2", "S4"] == [hold.settlement_no for hold in ledger.close()]
        assert [] == ledger.close()
        assert (90, 0, 70) == use_of(ledger)
        # 1. Not before there is room, and then one after the other.
        assert not ledger.end_hold(host, "S2")
        assert ledger.budget(HOME, BED, 150)
        both = ledger.book.still_over(ledger.connection, host, ["S2", "S4"], together=True)
        assert ["S4"] == both
        assert [] == ledger.book.still_over(ledger.connection, host, ["S4", "S2"])
        assert ledger.end_hold(host, "S2")
        # 2. What is filed after the hold was ended does not take its place.
        ledger.file(host, record("S5", host, 20))
        assert ["S5"] == [hold.settlement_no for hold in ledger.close()]
        assert (140, 0, 40) == use_of(ledger)


def test_the_narrowest_budget_counts() -> None:
    """A district's own budget covers its elders, the province's everyone else's."""
    with ledgers() as ledger:
        host = HOSTS[0]
        for elder, division in ((0, DISTRICT), (1, OTHER)):
            ledger.enrol(host, elder, division)
        ledger.budget(HOME, BED, 100)
        ledger.file(host, record("S1", host, 80, elder=0))
        assert (80, 0, 0) == use_of(ledger)
        assert not ledger.budget(DISTRICT, BED, 79)
        assert ledger.budget(CITY, BED, 80)
        assert [(0, 0, 0), (80, 0, 0)] == [use_of(ledger, each) for each in (HOME, CITY)]
        ledger.file(host, record("S2", host, 90, elder=1))
        ledger.file(host, record("S3", host, 10, elder=2))  # never enrolled: the province's
        ledger.file(host, record("S4", host, 1, elder=0))
        assert ["S4"] == [hold.settlement_no for hold in ledger.close()]


def test_a_kind_that_needs_a_budget_is_held_without_one() -> None:
    """A policy may ask for a budget; of a kind whose policy does not, nothing is held."""
    with ledgers() as ledger:
        host = HOSTS[0]
        ledger.enrol(host, 0, DISTRICT)
        for kind in (BED, MEAL):
            ledger.say(
                LogName.registry(HOME),
                epb.SubsidyPolicy(
                    subsidy_kind=kind,
                    unit=epb.SUBSIDY_UNIT_DAY,
                    rate_fen=100,
                    cap_fen=3_100,
                    budgeted=kind == BED,
                    from_date="2026-01-01",
                ),
            )
            ledger.file(host, record(f"S-{kind}", host, 50, kind=kind))
        held = ledger.close()
        assert [f"S-{BED}"] == [hold.settlement_no for hold in held]
        assert not ledger.end_hold(host, f"S-{BED}")
        assert ledger.budget(HOME, BED, 50)
        assert ledger.end_hold(host, f"S-{BED}")
        assert [] == ledger.close()


def test_an_enrolment_that_comes_later_moves_no_money() -> None:
    """What was filed under one budget stays there, whatever is enrolled afterwards."""
    with ledgers() as ledger:
        host = HOSTS[0]
        ledger.enrol(host, 0, OTHER)
        ledger.budget(HOME, BED, 100)
        ledger.budget(DISTRICT, BED, 10)
        ledger.file(host, record("S1", host, 80))
        ledger.enrol(host, 0, DISTRICT)
        assert [] == ledger.close()
        assert (80, 0, 0) == use_of(ledger)
        ledger.file(host, record("S2", host, 80))
        assert ["S2"] == [hold.settlement_no for hold in ledger.close()]


def test_what_a_waiting_date_may_clear_stays_reserved() -> None:
    """Until the night of a date that saw it whole, neither reversal nor revision nor hold frees."""
    with ledgers() as ledger:
        host, day = HOSTS[0], ledger.day
        ledger.enrol(host, 0, DISTRICT)
        ledger.budget(HOME, BED, 100)
        first = ledger.file(host, record("S1", host, 60))
        second = ledger.file(host, record("S2", host, 40))
        assert [] == ledger.close()
        # 1. The night of the first date has not run: what it may clear is not given away.
        ledger.reverse(host, "S1")
        ledger.file(host, record("S2", host, 10, replaces=second))
        ledger.file(host, record("S3", host, 50))
        assert (150, 0, 0) == use_of(ledger)
        assert ["S3"] == [hold.settlement_no for hold in ledger.close()]
        # 2. It runs, and clears one of the two as they were.
        ledger.agree(host, day, [first])
        assert (10, 60, 50) == use_of(ledger)
        assert [] == ledger.close()
        # 3. A kind comes to need a budget after its records were let through.
        meal = ledger.file(host, record("S4", host, 5, kind=MEAL))
        ledger.close()
        ledger.budget(OTHER, MEAL, 0)
        ledger.say(
            LogName.registry(HOME),
            epb.SubsidyPolicy(
                subsidy_kind=MEAL,
                unit=epb.SUBSIDY_UNIT_USE,
                rate_fen=5,
                cap_fen=500,
                budgeted=True,
                from_date="2026-01-01",
            ),
        )
        assert ["S4"] == [hold.settlement_no for hold in ledger.close()]
        assert [] == ledger.close()
        assert not ledger.budget(HOME, MEAL, 4)
        for late in range(1, 5):
            ledger.agree(host, day + timedelta(days=late), [meal] if late == 3 else [])
        assert not ledger.budget(HOME, MEAL, 4)
        assert ledger.budget(HOME, MEAL, 5)
        assert (0, 5, 0) == use_of(ledger, HOME, MEAL)


# --- Under any order ------------------------------------------------------------------------------


@dataclass
class Filed:
    """A version of a settlement as the oracle keeps it; dates are counted from the opening."""

    host: str
    number: str
    index: int
    fen: int
    cell: str
    filed: int
    gone: int = 1 << 30
    state: str = "open"


@dataclass
class Oracle:
    """What a dictionary makes of the same story."""

    amounts: dict[str, int] = field(default_factory=dict)
    consumed: Counter[str] = field(default_factory=Counter)
    filed: list[Filed] = field(default_factory=list)
    holds: list[list[Any]] = field(default_factory=list)  # host, number, first day, last day
    judged: dict[str, int] = field(default_factory=lambda: dict.fromkeys(HOSTS, 0))
    cleared: dict[tuple[str, str], Filed] = field(default_factory=dict)
    reversed: dict[tuple[str, str], int] = field(default_factory=dict)

    def is_held(self, host: str, number: str, day: int) -> bool:
        """Whether a hold stands against a number in the night of a day."""
        return any(
            (one, other) == (host, number) and first <= day <= last
            for one, other, first, last in self.holds
        )

    def live(self, host: str, day: int) -> list[Filed]:
        """Return the records that the night of a day may clear."""
        return [
            one
            for one in self.filed
            if one.host == host
            and one.state == "open"
            and one.filed <= day < one.gone
            and (host, one.number) not in self.cleared
            and self.reversed.get((host, one.number), 1 << 30) > day
            and not self.is_held(host, one.number, day)
        ]


FILE = st.tuples(
    st.just("file"),
    st.sampled_from(HOSTS),
    st.integers(0, 7),
    st.integers(0, 2),
    st.sampled_from([2, 5, 6]),
)
NIGHT = st.tuples(st.just("night"), st.sampled_from(HOSTS), st.sampled_from([255, 255, 1, 2, 0]))
PICK = st.integers(0, 50)
ACTIONS = st.one_of(
    st.tuples(st.just("budget"), st.sampled_from([HOME, HOME, DISTRICT]), st.integers(4, 14)),
    FILE,
    FILE,
    FILE,
    st.tuples(st.just("revise"), PICK, st.integers(0, 2), st.sampled_from([1, 6])),
    st.tuples(st.just("reverse"), PICK),
    st.tuples(st.just("end"), PICK),
    st.tuples(st.just("end"), PICK),
    st.tuples(st.just("close")),
    st.tuples(st.just("close")),
    st.tuples(st.just("day")),
    NIGHT,
)


class Story:
    """Plays actions on a ledger and an oracle at once."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.oracle = Oracle()
        self.today = 0
        ledger.budget(HOME, BED, 10)
        self.oracle.amounts[HOME] = 10
        for host in HOSTS:
            for elder, division in ELDERS.items():
                if division is not None:
                    ledger.enrol(host, elder, division)

    def _cell(self, elder: int) -> str:
        return DISTRICT if elder == 0 else HOME

    def budget(self, division: str, fen: int) -> None:
        """Publish a budget."""
        if self.ledger.budget(division, BED, fen):
            event(f"budget {division}")
            self.oracle.amounts[division] = fen

    def file(self, host: str, number: int, elder: int, fen: int) -> None:
        """File a record, again under numbers that were filed before."""
        name = f"S{number}"
        if any((one.host, one.number) == (host, name) for one in self.oracle.filed):
            return
        index = self.ledger.file(host, record(name, host, fen, elder=elder))
        self.oracle.filed.append(Filed(host, name, index, fen, self._cell(elder), self.today))

    def revise(self, pick: int, elder: int, fen: int) -> None:
        """Replace an open record."""
        last = [one for one in self.oracle.filed if one.state == "open" and one.gone > 1 << 20]
        if not last:
            return
        old = last[pick % len(last)]
        new = record(old.number, old.host, fen, elder=elder, replaces=old.index)
        index = self.ledger.file(old.host, new)
        event("revised")
        old.gone = self.today
        self.oracle.filed.append(
            Filed(old.host, old.number, index, fen, self._cell(elder), self.today)
        )

    def reverse(self, pick: int) -> None:
        """Cancel what was filed under a number."""
        cleared = [one for one in self.oracle.filed if one.state == "cleared"]
        if choice := (cleared or self.oracle.filed if pick % 2 else self.oracle.filed):
            one = choice[pick % len(choice)]
            self.ledger.reverse(one.host, one.number)
            self.oracle.reversed.setdefault((one.host, one.number), self.today)

    def end(self, pick: int) -> None:
        """End a hold, if the book lets it."""
        standing = sorted(self.ledger.held())
        if standing:
            host, number = standing[pick % len(standing)]
            if self.ledger.end_hold(host, number):
                event("hold ended")
                mine = [h for h in self.oracle.holds if h[:2] == [host, number]]
                mine[-1][3] = self.today

    def close(self) -> None:
        """Close a date."""
        for hold in self.ledger.close():
            event("held")
            self.oracle.holds.append([hold.host, hold.settlement_no, self.today, 1 << 30])
        self.today += 1

    def day(self) -> None:
        """Close a date and judge all that waits, as in ordinary times."""
        self.close()
        for host in HOSTS:
            while self.oracle.judged[host] < self.today:
                self.night(host, 255)

    def night(self, host: str, matched: int) -> None:
        """Judge the next closed date of a pair: of what is live, the host filed some."""
        day = self.oracle.judged[host]
        if day >= self.today:
            return
        live = self.oracle.live(host, day)
        cleared = [one for place, one in enumerate(live) if matched >> place & 1]
        back = [
            key[1]
            for key, one in self.oracle.cleared.items()
            if key[0] == host
            and one.state == "cleared"
            and self.oracle.reversed.get(key, day) < day
        ]
        self.ledger.agree(
            host, self.ledger.opening + timedelta(days=day), [one.index for one in cleared], back
        )
        for number in back:
            event("cleared back")
            one = self.oracle.cleared[host, number]
            one.state = "cancelled"
            self.oracle.consumed[one.cell] -= one.fen
        for one in cleared:
            event("cleared")
            one.state = "cleared"
            self.oracle.cleared[host, one.number] = one
            self.oracle.consumed[one.cell] += one.fen
            for other in self.oracle.filed:
                # A revision that comes after the night is void; what was replaced is closed.
                if (other.host, other.number) == (host, one.number) and other is not one:
                    other.state = "done"
        self.oracle.judged[host] = day + 1

    def check(self) -> None:
        """Assert what always holds."""
        spent: Counter[str] = Counter()
        for cell, fen in self.oracle.consumed.items():
            spent[cell if cell in self.oracle.amounts else HOME] += fen
        cells = [(cell, 2026, BED) for cell in self.oracle.amounts]
        uses = self.ledger.book.uses(self.ledger.connection, cells)
        for cell, amount in self.oracle.amounts.items():
            assert spent[cell] == uses[cell, 2026, BED].consumed_fen, "as the nights say"
            assert spent[cell] <= amount, "never overspent"
        # Whatever the dates that wait come to, together with what is spent it is covered.
        coming: Counter[str] = Counter()
        for host in HOSTS:
            most: dict[tuple[str, str], int] = {}
            for day in range(self.oracle.judged[host], self.today):
                for one in self.oracle.live(host, day):
                    cell = one.cell if one.cell in self.oracle.amounts else HOME
                    most[one.number, cell] = max(most.get((one.number, cell), 0), one.fen)
            for (_, cell), fen in most.items():
                coming[cell] += fen
        for cell, amount in self.oracle.amounts.items():
            assert spent[cell] + coming[cell] <= amount, "what may still be cleared is covered"


@pytest.mark.slow
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.lists(ACTIONS, min_size=12, max_size=50))
def test_never_overspent_under_any_order(actions: list[tuple[Any, ...]]) -> None:
    """Budgets raised and narrowed, records filed, revised and reversed, nights late or at once."""
    with ledgers() as ledger:
        story = Story(ledger)
        for name, *given_values in actions:
            getattr(story, name)(*given_values)
            if name in ("close", "day", "night"):
                story.check()
