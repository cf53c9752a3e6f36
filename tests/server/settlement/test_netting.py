"""Statements as values: positions, payments and drawdowns, whatever the nights and advances."""

from itertools import combinations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from deltacare.v1 import entry_pb2 as epb
from server.settlement.netting import (
    AdvanceLeft,
    AgreedNight,
    build_statement,
    contradicts_itself,
    draw_down,
    is_whole_window,
    statement_faults,
)
from tests.support.federation import PROVINCES

FEN = st.integers(min_value=-(10**12), max_value=10**12)
NETTINGS = st.sampled_from([epb.NETTING_BILATERAL, epb.NETTING_MULTILATERAL])
PAIRS = list(combinations(PROVINCES, 2))


@st.composite
def nights(draw: st.DrawFn) -> list[AgreedNight]:
    """Return agreed nights of some pairs, each with what flows each way."""
    found = []
    for number, (lower, higher) in enumerate(draw(st.lists(st.sampled_from(PAIRS), max_size=12))):
        result = epb.PairResult(
            lower=lower, higher=higher, lower_pays_fen=draw(FEN), higher_pays_fen=draw(FEN)
        )
        found.append(
            AgreedNight(
                lower_hash=bytes([1, number]) * 16,
                higher_hash=bytes([2, number]) * 16,
                result=result,
            )
        )
    return found


@st.composite
def advances(draw: st.DrawFn) -> list[AdvanceLeft]:
    """Return what is left of some advances, of any pair."""
    ends = st.tuples(st.sampled_from(PROVINCES), st.sampled_from(PROVINCES)).filter(
        lambda pair: pair[0] != pair[1]
    )
    left = st.integers(min_value=0, max_value=2 * 10**12)
    return [
        AdvanceLeft(
            payer=payer, payee=payee, advance_hash=number.to_bytes(32, "big"), left_fen=draw(left)
        )
        for number, (payer, payee) in enumerate(draw(st.lists(ends, max_size=20)))
    ]


def built(
    chosen: list[AgreedNight], netting: epb.Netting.ValueType, drawn: list[epb.Drawdown]
) -> epb.Statement:
    """Return a statement over nights."""
    return build_statement(
        "310000-S1", "2026-11-01", "2026-11-30", netting, chosen, drawdowns=drawn
    )


@given(nights(), NETTINGS, advances())
def test_what_is_paid_and_drawn_settles_what_is_owed(
    chosen: list[AgreedNight], netting: epb.Netting.ValueType, left: list[AdvanceLeft]
) -> None:
    """Positions sum to zero; payments and drawdowns together are the net; nothing is overdrawn."""
    due = built(chosen, netting, [])
    drawn = draw_down(due.payments, left)
    statement = built(chosen, netting, drawn)
    assert 0 == sum(each.net_fen for each in statement.positions)
    moved = dict.fromkeys((each.province for each in statement.positions), 0)
    moves = [(each.payer, each.payee, each.amount_fen) for each in statement.payments]
    moves += [(each.payer, each.payee, each.amount_fen) for each in statement.drawdowns]
    for payer, payee, fen in moves:
        assert fen > 0
        moved[payer] -= fen
        moved[payee] += fen
    assert {each.province: each.net_fen for each in statement.positions} == moved
    room = {each.advance_hash: each.left_fen for each in left}
    assert all(each.amount_fen <= room[each.advance_hash] for each in drawn)
    assert not contradicts_itself(statement)
    if chosen:
        assert [] == list(statement_faults(statement, "310000", PROVINCES, ""))
    # What could still be drawn is drawn: nobody pays while the payee holds their money.
    drawn_of = {each.advance_hash: each.amount_fen for each in drawn}
    open_pairs = {(each.payer, each.payee) for each in statement.payments}
    assert all(
        drawn_of.get(each.advance_hash, 0) == each.left_fen
        for each in left
        if (each.payer, each.payee) in open_pairs
    )


@given(nights(), NETTINGS, advances(), st.data())
def test_one_fen_more_contradicts(
    chosen: list[AgreedNight],
    netting: epb.Netting.ValueType,
    left: list[AdvanceLeft],
    data: st.DataObject,
) -> None:
    """A payment, position or drawdown that is altered by one fen is found out."""
    due = built(chosen, netting, [])
    statement = built(chosen, netting, draw_down(due.payments, left))
    parts: list[Any] = [*statement.payments, *statement.drawdowns]
    if parts:
        data.draw(st.sampled_from(parts)).amount_fen += data.draw(st.sampled_from([-1, 1]))
        assert contradicts_itself(statement)


def test_advances_are_drawn_in_their_order() -> None:
    """The first one to its end, then the next; those of other pairs and the empty stay."""
    left = [
        AdvanceLeft(payer="320000", payee="310000", advance_hash=b"c" * 32, left_fen=30),
        AdvanceLeft(payer="320000", payee="330000", advance_hash=b"b" * 32, left_fen=99),
        AdvanceLeft(payer="320000", payee="310000", advance_hash=b"d" * 32, left_fen=0),
        AdvanceLeft(payer="320000", payee="310000", advance_hash=b"a" * 32, left_fen=50),
    ]
    due = [epb.Flow(payer="320000", payee="310000", amount_fen=70)]
    assert [(b"a" * 32, 40), (b"c" * 32, 30)] == [
        (each.advance_hash, each.amount_fen) for each in draw_down(due, left)
    ]


def test_drawdowns_that_cannot_be_read() -> None:
    """Out of order, twice of one advance, of nothing, or with another hash."""
    night = AgreedNight(
        lower_hash=bytes(32),
        higher_hash=b"\1" * 32,
        result=epb.PairResult(lower="310000", higher="320000", higher_pays_fen=100),
    )
    left = [
        AdvanceLeft(payer="320000", payee="310000", advance_hash=bytes([n]) * 32, left_fen=20)
        for n in range(3)
    ]

    def fields(change: object = None) -> list[str]:
        statement = built([night], epb.NETTING_BILATERAL, [])
        statement = built([night], epb.NETTING_BILATERAL, draw_down(list(statement.payments), left))
        if callable(change):
            change(statement)
        return [e.field for e in statement_faults(statement, "310000", PROVINCES, "s")]

    assert [] == fields()
    for change in (
        lambda s: s.drawdowns.reverse(),
        lambda s: s.drawdowns.add().CopyFrom(s.drawdowns[2]),
        lambda s: setattr(s.drawdowns[0], "amount_fen", 0),
        lambda s: setattr(s.drawdowns[0], "advance_hash", b""),
        lambda s: [s.drawdowns.add().CopyFrom(s.drawdowns[0]) for _ in range(300)],
    ):
        assert ["s.drawdowns"] == fields(change)
    assert ["s.window"] == fields(lambda s: setattr(s, "window", 9))


def test_whole_windows() -> None:
    """A statement that names a window has its dates."""

    def of(window: int, first: str, last: str) -> bool:
        return is_whole_window(
            epb.Statement(window=window, from_date=first, until_date=last)  # type: ignore[arg-type]
        )

    assert of(0, "2026-11-03", "2026-11-09")
    assert of(1, "2026-11-03", "2026-11-03")
    assert not of(1, "2026-11-03", "2026-11-04")
    assert of(2, "2026-11-02", "2026-11-08")
    assert not of(2, "2026-11-03", "2026-11-09")
    assert of(3, "2026-11-01", "2026-11-30")
    assert not of(3, "2026-11-01", "2026-11-29")
