"""The machine of disputes: the whole table, the terms, and any order in which words come."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltacare.v1 import entry_pb2 as epb
from deltacare.v1.dispute_service_pb2 import DisputeState
from deltacare.working_days import missing_year, working_days_after
from server.dispute.rules import (
    D14_CLOSED,
    D15_ESCALATED,
    D16_TOO_EARLY,
    D17_LEVEL,
    D18_CALENDAR,
)
from server.dispute.states import (
    MACHINE,
    TERMS,
    Move,
    Raised,
    Said,
    Standing,
    State,
    Word,
    fold,
    in_order,
)
from server.registry.rulebook import Rule

RAISER, OTHER = "310000", "320000"
LOGS = {RAISER: "deltacare/310000/settlement/320000", OTHER: "deltacare/320000/settlement/310000"}
START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)  # a Sunday; the next working day is the 23rd
RAISED = Raised(
    dispute_id=f"{RAISER}-D1",
    author=RAISER,
    partner=OTHER,
    index=3,
    entry_time=START,
    settlement_no="S1",
    home=OTHER,
    host=RAISER,
    claim=1,
)
NONE, REVISE, REVERSE, FILE = 1, 2, 3, 4


def word(said: Said, days: float = 0, *, by: str = OTHER, index: int = 0, **more: int) -> Word:
    """Return a word said some days after the dispute was raised."""
    return Word(
        province=by,
        log=LOGS[by],
        index=index,
        entry_time=START + timedelta(days=days),
        said=said,
        **more,  # type: ignore[arg-type]  # level and remedy
    )


def chain(*words: Word) -> list[Word]:
    """Return words at places of their logs and at times in the order given."""
    found: list[Word] = []
    for position, each in enumerate(words):
        time = each.entry_time
        if found:
            time = max(time, found[-1].entry_time + timedelta(seconds=1))
        found.append(replace(each, index=10 + position, entry_time=time))
    return found


def after(*words: Word) -> Standing:
    """Return where the dispute stands after some words, in the order given."""
    return fold(RAISED, chain(*words))


AGREE = word(Said.AGREED, 1, remedy=REVERSE)
CONTEST = word(Said.CONTESTED, 1)
ESCALATE = word(Said.ESCALATED, 1, by=RAISER, level=1)


def closing(outcome: int, by: str = RAISER, days: float = 2) -> Word:
    """Return a closure."""
    return word(Said.CLOSED, days, by=by, remedy=outcome)


# --- The table ------------------------------------------------------------------------------------


def test_the_table_is_whole() -> None:
    """Every state has an answer to every move, and its own name on the wire."""
    assert set(State) == set(MACHINE)
    for state, row in MACHINE.items():
        assert list(Move) == list(row)
        assert f"DISPUTE_STATE_{state.name}" == DisputeState.Name(state.value)  # type: ignore[arg-type]


def test_every_open_state_has_a_term() -> None:
    """Somebody has a last day in every state but the last."""
    assert {(State.RAISED, 0), (State.CONTESTED, 0), (State.AGREED, 0)} | {
        (State.ESCALATED, 1),
        (State.ESCALATED, 2),
    } == set(TERMS)
    assert [5, 10, 10, 20, 20] == list(TERMS.values())


CLOSING_MOVES = {
    State.RAISED: {Move.AGREE_AS_SAID, Move.WITHDRAW, Move.CLOSE_TOGETHER},
    State.CONTESTED: {Move.AGREE_AS_SAID, Move.WITHDRAW, Move.CLOSE_TOGETHER},
    State.AGREED: {Move.AGREE_AS_SAID, Move.WITHDRAW, Move.CLOSE_AS_AGREED, Move.CLOSE_TOGETHER},
    State.ESCALATED: {Move.WITHDRAW, Move.CLOSE_TOGETHER},
    State.CLOSED: set(),
}


def test_what_closes() -> None:
    """Nothing closes but the raiser's withdrawal, or words of both that say the same."""
    assert CLOSING_MOVES == {
        state: {move for move, found in row.items() if found is State.CLOSED}
        for state, row in MACHINE.items()
    }


@pytest.mark.parametrize(
    "words, state, level, remedy, since",
    [
        pytest.param([], State.RAISED, 0, 0, 0, id="raised"),
        pytest.param([AGREE], State.AGREED, 0, REVERSE, 1, id="agreed"),
        pytest.param([CONTEST], State.CONTESTED, 0, 0, 1, id="contested"),
        pytest.param([CONTEST, AGREE], State.AGREED, 0, REVERSE, 1, id="agreed after all"),
        pytest.param([AGREE, CONTEST], State.CONTESTED, 0, 0, 1, id="the last word counts"),
        pytest.param([CONTEST, ESCALATE], State.ESCALATED, 1, 0, 1, id="escalated"),
        pytest.param([closing(NONE)], State.CLOSED, 0, NONE, 2, id="withdrawn"),
        pytest.param([AGREE, closing(REVERSE)], State.CLOSED, 0, REVERSE, 2, id="done as agreed"),
        pytest.param([AGREE, closing(NONE)], State.CLOSED, 0, NONE, 2, id="withdrawn after all"),
        pytest.param([AGREE, closing(FILE)], State.AGREED, 0, REVERSE, 1, id="not as agreed"),
        pytest.param([closing(FILE)], State.RAISED, 0, 0, 0, id="one word closes nothing"),
        pytest.param([closing(FILE, OTHER)], State.RAISED, 0, 0, 0, id="nor does the other's"),
        pytest.param([closing(NONE, OTHER)], State.RAISED, 0, 0, 0, id="nobody withdraws for me"),
        pytest.param(
            [closing(FILE), closing(FILE, OTHER)], State.CLOSED, 0, FILE, 2, id="both say the same"
        ),
        pytest.param(
            [closing(FILE), closing(REVERSE, OTHER)], State.RAISED, 0, 0, 0, id="not the same"
        ),
        pytest.param(
            [closing(FILE), closing(REVERSE, OTHER), closing(REVERSE)],
            State.CLOSED,
            0,
            REVERSE,
            2,
            id="the same in the end",
        ),
        pytest.param(
            [closing(REVERSE, days=0.5), AGREE], State.CLOSED, 0, REVERSE, 1, id="agreed as said"
        ),
        pytest.param(
            [CONTEST, closing(REVISE), word(Said.ESCALATED, 3, level=1), closing(REVISE, OTHER, 4)],
            State.ESCALATED,
            1,
            0,
            3,
            id="what was said before an escalation counts no more",
        ),
        pytest.param(
            [CONTEST, ESCALATE, closing(REVISE, days=3), closing(REVISE, OTHER, 4)],
            State.CLOSED,
            1,
            REVISE,
            4,
            id="closed by both above",
        ),
    ],
)
def test_where_words_lead(
    words: Sequence[Word], state: State, level: int, remedy: int, since: int
) -> None:
    """Each way through the table, with the day from which the term runs."""
    standing = after(*words)
    since_date = date(2026, 11, 22) + timedelta(days=since)
    assert (state, level, remedy, since_date) == (
        standing.state,
        standing.level,
        standing.remedy,
        standing.since_date,
    )


@pytest.mark.parametrize(
    "words, rule",
    [
        pytest.param([closing(NONE), AGREE], D14_CLOSED, id="answered when closed"),
        pytest.param([closing(NONE), closing(NONE)], D14_CLOSED, id="closed twice"),
        pytest.param([closing(NONE), ESCALATE], D14_CLOSED, id="escalated when closed"),
        pytest.param([CONTEST, ESCALATE, AGREE], D15_ESCALATED, id="agreed when escalated"),
        pytest.param([CONTEST, ESCALATE, CONTEST], D15_ESCALATED, id="contested when escalated"),
        pytest.param([ESCALATE], D16_TOO_EARLY, id="escalated before the term"),
        pytest.param([AGREE, ESCALATE], D16_TOO_EARLY, id="escalated while it is put right"),
        pytest.param(
            [CONTEST, ESCALATE, word(Said.ESCALATED, 3, level=2)],
            D16_TOO_EARLY,
            id="to the board before the departments' term",
        ),
        pytest.param([CONTEST, word(Said.ESCALATED, 2, level=2)], D17_LEVEL, id="level left out"),
        pytest.param(
            [CONTEST, ESCALATE, word(Said.ESCALATED, 60, level=1)], D17_LEVEL, id="same level"
        ),
        pytest.param(
            [word(Said.AGREED, 30, remedy=REVISE), word(Said.ESCALATED, 60, by=RAISER, level=1)],
            D18_CALENDAR,
            id="nobody knows the working days of 2027",
        ),
    ],
)
def test_words_without_effect(words: Sequence[Word], rule: Rule) -> None:
    """A word that does not fit leaves everything as it was, and says by which rule."""
    standing, before = after(*words), after(*words[:-1])
    assert rule == standing.taken[-1].rule
    assert (before.state, before.level, before.remedy, before.outcomes, before.since_date) == (
        standing.state,
        standing.level,
        standing.remedy,
        standing.outcomes,
        standing.since_date,
    )


# --- Terms ----------------------------------------------------------------------------------------


def test_terms_are_working_days() -> None:
    """Raised on a Sunday: the last day to answer is Friday, to escalate by silence Saturday."""
    assert date(2026, 11, 27) == after().due_date
    on_time = word(Said.ESCALATED, 5, by=RAISER, level=1)
    assert D16_TOO_EARLY == after(on_time).taken[-1].rule
    late = word(Said.ESCALATED, 6, by=RAISER, level=1)
    standing = after(late)
    assert (State.ESCALATED, 1, date(2026, 12, 25)) == (
        standing.state,
        standing.level,
        standing.due_date,
    )


def test_an_agreement_that_is_not_kept_goes_up() -> None:
    """When the remedy is not done in its term, either may escalate."""
    standing = after(AGREE, word(Said.ESCALATED, 16, by=RAISER, level=1))
    assert (State.ESCALATED, 0) == (standing.state, standing.remedy)


def test_agreeing_again_wins_no_time() -> None:
    """Another remedy is another remedy, in the term of the first."""
    again = after(AGREE, word(Said.AGREED, 9, remedy=REVISE))
    assert (REVISE, after(AGREE).due_date) == (again.remedy, again.due_date)


def test_a_year_that_is_not_published_is_said() -> None:
    """No last day is guessed; the year is named."""
    standing = after(CONTEST, word(Said.ESCALATED, 30, by=RAISER, level=1))
    assert (None, 2027) == (standing.due_date, standing.missing_year)
    assert (0, 0) == (after().missing_year, after(closing(NONE)).missing_year)


def test_working_days_past_a_last_day() -> None:
    """Days off are not counted; beyond the last published year there are at least so many."""
    friday = date(2026, 9, 18)
    assert (0, 0) == working_days_after(friday, friday)
    # Sunday the 20th is worked in exchange for the holiday of the 25th to the 27th.
    assert (1, 0) == working_days_after(friday, date(2026, 9, 20))
    assert (5, 0) == working_days_after(friday, date(2026, 9, 27))
    assert (2, 2027) == working_days_after(date(2026, 12, 29), date(2027, 2, 1))
    assert (0, 0) == working_days_after(date(2027, 2, 1), friday)
    assert (2027, 0) == (missing_year(date(2026, 12, 29), 3), missing_year(date(2026, 12, 29), 2))


# --- Order ----------------------------------------------------------------------------------------


def test_a_slow_clock_answers_after_all() -> None:
    """The dispute comes before every word, though the other's clock is behind."""
    assert State.AGREED is fold(RAISED, [word(Said.AGREED, -1, remedy=REVERSE)]).state


def test_a_clock_that_went_back_keeps_its_logs_order() -> None:
    """What a log says later counts as said no earlier."""
    words = [word(Said.AGREED, 3, remedy=REVISE, index=1), word(Said.CONTESTED, 1, index=2)]
    assert [1, 2] == [each.index for each in in_order(words)]
    assert State.CONTESTED is fold(RAISED, words).state


def test_equal_times_have_one_order() -> None:
    """At one instant the name of the log decides, on every node."""
    words = [word(Said.CLOSED, 1, remedy=FILE), word(Said.CLOSED, 1, by=RAISER, remedy=NONE)]
    assert [RAISER, OTHER] == [each.province for each in in_order(words)]


@st.composite
def words_of(draw: st.DrawFn, by: str) -> list[Word]:
    """Draw what one side says, in the order of its log; its clock may go back."""
    kinds = [Said.ESCALATED, Said.CLOSED]
    if by == OTHER:
        kinds += [Said.AGREED, Said.CONTESTED]
    found = []
    for index in range(draw(st.integers(0, 5))):
        said = draw(st.sampled_from(kinds))
        remedies = {
            Said.AGREED: st.integers(NONE, FILE),
            Said.CLOSED: st.integers(NONE, FILE),
        }.get(said, st.just(0))
        found.append(
            word(
                said,
                draw(st.integers(-1, 60)),
                by=by,
                index=index,
                level=draw(st.integers(1, 3)) if said is Said.ESCALATED else 0,
                remedy=draw(remedies),
            )
        )
    return found


@st.composite
def interleavings(draw: st.DrawFn) -> tuple[list[Word], list[Word]]:
    """Draw both logs, interleaved in two ways that keep each log's order."""
    logs = [draw(words_of(RAISER)), draw(words_of(OTHER))]
    both = []
    for _ in range(2):
        left = [list(log) for log in logs]
        found: list[Word] = []
        while any(left):
            some = [log for log in left if log]
            found.append(draw(st.sampled_from(some)).pop(0))
        both.append(found)
    return both[0], both[1]


@given(interleavings())
def test_both_nodes_come_to_the_same(two: tuple[list[Word], list[Word]]) -> None:
    """In whatever order the words of the two logs come to a node, it says what the other says."""
    one, other = two
    assert fold(RAISED, one) == fold(RAISED, other)


def is_earned(words: Sequence[Word]) -> bool:
    """Whether the words that are there could close it: worked out without the machine.

    The raiser withdrew; or both said one outcome: as a closure of both, or the other's agreement
    with the raiser's closure.
    """
    raiser = {each.remedy for each in words if each.province == RAISER and each.said is Said.CLOSED}
    other = {
        each.remedy
        for each in words
        if each.province == OTHER and each.said in {Said.CLOSED, Said.AGREED}
    }
    return NONE in raiser or bool(raiser & other)


@given(interleavings())
def test_nothing_closes_without_the_words(two: tuple[list[Word], list[Word]]) -> None:
    """Closed means that the words are there; a last one that closes is the raiser's or matches."""
    words, _ = two
    standing = fold(RAISED, words)
    if standing.state is State.CLOSED:
        assert is_earned(words)
        last = next(each for each in standing.taken if each.closed)
        assert last.word.remedy == standing.remedy
    else:
        assert not any(each.closed for each in standing.taken)


@given(interleavings())
def test_what_is_closed_stays_closed(two: tuple[list[Word], list[Word]]) -> None:
    """Whatever comes later in the order has no effect."""
    standing = fold(RAISED, two[0])
    closed = [position for position, each in enumerate(standing.taken) if each.closed]
    if closed:
        assert 1 == len(closed)
        later = standing.taken[closed[0] + 1 :]
        assert all(each.rule is D14_CLOSED for each in later)


@given(interleavings(), st.data())
def test_silence_changes_nothing(two: tuple[list[Word], list[Word]], data: st.DataObject) -> None:
    """What was known at a past moment is the state of the words that were there."""
    ordered = list(in_order(two[0]))
    known = ordered[: data.draw(st.integers(0, len(ordered)))]
    standing = fold(RAISED, known)
    whole = fold(RAISED, ordered)
    assert standing.taken == whole.taken[: len(known)]


def test_the_remedies_are_those_of_the_contract() -> None:
    """The numbers that these tests write out are the contract's."""
    assert [NONE, REVISE, REVERSE, FILE] == [
        epb.DISPUTE_REMEDY_NONE,
        epb.DISPUTE_REMEDY_REVISE,
        epb.DISPUTE_REMEDY_REVERSE,
        epb.DISPUTE_REMEDY_FILE,
    ]
