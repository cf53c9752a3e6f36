"""Where a dispute stands: states, what is said, and what follows, as one table; and the terms.

Pure. A dispute is the words of both logs of a pair. They are put in one order (the dispute itself
first, then by time, log and place) and taken in one after the other; so both nodes, which hold the
same entries, come to the same state, in whatever order they came to them, and to the state of any
past moment by leaving out what was not known then. A word that does not fit where it stands has no
effect, by a numbered rule, and is shown with it.

Nothing is closed by silence. A deadline that passes lets the dispute go to the next level, when one
of the two says so; no more follows from it.
"""

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from types import MappingProxyType

from deltacare.times import business_date
from deltacare.v1.entry_pb2 import DISPUTE_REMEDY_NONE
from deltacare.working_days import add_working_days, missing_year
from server.dispute.rules import (
    D14_CLOSED,
    D15_ESCALATED,
    D16_TOO_EARLY,
    D17_LEVEL,
    D18_CALENDAR,
    LEVEL_MAX,
)
from server.registry.rulebook import Rule

__all__ = [
    "MACHINE",
    "TERMS",
    "Move",
    "Raised",
    "Said",
    "Standing",
    "State",
    "Taken",
    "Word",
    "fold",
    "in_order",
]


class State(enum.IntEnum):
    """Where a dispute stands; the value is that of ``DisputeState``."""

    RAISED = 1
    CONTESTED = 2
    AGREED = 3
    ESCALATED = 4
    CLOSED = 5


class Said(enum.StrEnum):
    """What an entry says of a dispute; the value is kept and shown."""

    AGREED = "AGREED"
    CONTESTED = "CONTESTED"
    ESCALATED = "ESCALATED"
    CLOSED = "CLOSED"

    @property
    def permits(self) -> bool:
        """Whether it gives something up, so that it counts under a quorum only."""
        return self in {Said.AGREED, Said.CLOSED}


class Move(enum.Enum):
    """What a word comes to where it stands."""

    AGREE = enum.auto()
    """The other side agrees to a remedy."""
    AGREE_AS_SAID = enum.auto()
    """It agrees to the outcome that the raiser has said the dispute is closed with."""
    CONTEST = enum.auto()
    """The other side contests."""
    ESCALATE_EARLY = enum.auto()
    """To the next level, and the last day to act has not passed."""
    ESCALATE_LATE = enum.auto()
    """To the next level, and the last day to act has passed."""
    ESCALATE_UNKNOWN = enum.auto()
    """To the next level, and nobody can say whether the last day has passed."""
    ESCALATE_ASTRAY = enum.auto()
    """To a level that is not the next."""
    WITHDRAW = enum.auto()
    """The raiser closes it with nothing to be done."""
    CLOSE_AS_AGREED = enum.auto()
    """The raiser closes it with the remedy that was agreed."""
    CLOSE_ALONE = enum.auto()
    """One says that it is closed; the other has not said the same."""
    CLOSE_TOGETHER = enum.auto()
    """One says that it is closed, as the other has said."""


def _row(
    *,
    answers: tuple[State | Rule, State | Rule, State | Rule],
    escalations: tuple[State | Rule, State | Rule, State | Rule, State | Rule],
    closures: tuple[State | Rule, State | Rule, State | Rule, State | Rule],
) -> Mapping[Move, State | Rule]:
    """Return one row of the table: a value for each move, in their order."""
    return MappingProxyType(dict(zip(Move, (*answers, *escalations, *closures), strict=True)))


_AGREED, _CONTESTED, _ESCALATED = State.AGREED, State.CONTESTED, State.ESCALATED
_CLOSED, _OVER = State.CLOSED, D14_CLOSED
_TO_AGREE = (_AGREED, _CLOSED, _CONTESTED)
_IN_TIME = (D16_TOO_EARLY, _ESCALATED, D18_CALENDAR, D17_LEVEL)

# answers:     AGREE, AGREE_AS_SAID, CONTEST
# escalations: EARLY, LATE, UNKNOWN, ASTRAY
# closures:    WITHDRAW, AS_AGREED, ALONE, TOGETHER
MACHINE: Mapping[State, Mapping[Move, State | Rule]] = MappingProxyType(
    {
        State.RAISED: _row(
            answers=_TO_AGREE,
            escalations=_IN_TIME,
            closures=(_CLOSED, State.RAISED, State.RAISED, _CLOSED),
        ),
        State.CONTESTED: _row(
            answers=_TO_AGREE,
            escalations=(_ESCALATED, _ESCALATED, _ESCALATED, D17_LEVEL),
            closures=(_CLOSED, _CONTESTED, _CONTESTED, _CLOSED),
        ),
        State.AGREED: _row(
            answers=_TO_AGREE,
            escalations=_IN_TIME,
            closures=(_CLOSED, _CLOSED, _AGREED, _CLOSED),
        ),
        State.ESCALATED: _row(
            answers=(D15_ESCALATED, D15_ESCALATED, D15_ESCALATED),
            escalations=_IN_TIME,
            closures=(_CLOSED, _ESCALATED, _ESCALATED, _CLOSED),
        ),
        State.CLOSED: _row(
            answers=(_OVER, _OVER, _OVER),
            escalations=(_OVER, _OVER, _OVER, _OVER),
            closures=(_OVER, _OVER, _OVER, _OVER),
        ),
    }
)
"""What each move comes to in each state: the next state, or the rule by which it has no effect."""

TERMS: Mapping[tuple[State, int], int] = MappingProxyType(
    {
        # One week of an office: to look into one's own file and say what it says.
        (State.RAISED, 0): 5,
        # Two weeks, in which the two talk before anybody above them is asked.
        (State.CONTESTED, 0): 10,
        # Two weeks: revisions and reversals are filed by maker and reviewer and take a night each.
        (State.AGREED, 0): 10,
        # Four weeks: departments of two provinces hear each other, and so does the board.
        (State.ESCALATED, 1): 20,
        (State.ESCALATED, 2): 20,
    }
)
"""Working days to act in each state and level; the State Council's calendar counts them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """A dispute as its author's log has it.

    Attributes:
        dispute_id: Its number.
        author: Who raised it.
        partner: The other side.
        index: Place in the author's log.
        entry_time: When it was sequenced there.
        settlement_no: Of the line.
        home: Of the line.
        host: Of the line.
        claim: Value of ``DisputeClaim``.
        body: The serialised ``Dispute``.
    """

    dispute_id: str
    author: str
    partner: str
    index: int
    entry_time: datetime
    settlement_no: str
    home: str
    host: str
    claim: int
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """An answer, an escalation or a closure as its author's log has it.

    Attributes:
        province: Who said it.
        log: Name of the log.
        index: Place in that log.
        entry_time: When it was sequenced there.
        said: What.
        level: Of an escalation, else 0.
        remedy: Of an agreement or a closure: value of ``DisputeRemedy``, else 0.
        reason: Code of the reason, or empty.
    """

    province: str
    log: str
    index: int
    entry_time: datetime
    said: Said
    level: int = 0
    remedy: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A word and what it came to.

    Attributes:
        word: The word.
        move: What it was where it stood.
        rule: By which it has no effect; ``None`` if it has one.
        closed: Whether the dispute was closed by it.
    """

    word: Word
    move: Move
    rule: Rule | None
    closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a dispute stands after the words that were taken in.

    Attributes:
        state: The state.
        level: Of the escalation; 0 before any.
        since_date: Business date on which the term that runs began.
        remedy: What was agreed, or with what it was closed; 0 if neither.
        outcomes: With what each side has said that it is closed, since the last escalation.
        taken: Every word, in order, with what it came to.
    """

    state: State
    level: int
    since_date: date
    remedy: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict)
    taken: tuple[Taken, ...] = ()

    @property
    def term_days(self) -> int:
        """Working days to act; 0 if it is closed."""
        return TERMS.get((self.state, self.level if self.state is State.ESCALATED else 0), 0)

    @property
    def due_date(self) -> date | None:
        """Last day to act; ``None`` if it is closed, or nobody can say yet."""
        return add_working_days(self.since_date, self.term_days) if self.term_days else None

    @property
    def missing_year(self) -> int:
        """Year without a published calendar into which the term runs; 0 if none is."""
        return missing_year(self.since_date, self.term_days) if self.term_days else 0


def in_order(words: Iterable[Word]) -> Sequence[Word]:
    """Return the words of both logs in one order: by time, log and place.

    An author's clock may have gone back; its log is the order of its words all the same, so each
    counts as said no earlier than those before it.
    """
    times: dict[str, datetime] = {}
    found: list[tuple[datetime, str, int, Word]] = []
    for word in sorted(words, key=lambda each: (each.log, each.index)):
        time = max(word.entry_time, times.get(word.log, word.entry_time))
        times[word.log] = time
        found.append((time, word.log, word.index, replace(word, entry_time=time)))
    return [word for _, _, _, word in sorted(found, key=lambda each: each[:3])]


def fold(raised: Raised, words: Iterable[Word]) -> Standing:
    """Return where a dispute stands by the words on it.

    Args:
        raised: The dispute; it comes before every word, whatever the clocks said.
        words: Of both sides, in any order, each once; none that its author's own log makes void.
    """
    standing = Standing(state=State.RAISED, level=0, since_date=business_date(raised.entry_time))
    for word in in_order(words):
        standing = _take(standing, raised, word)
    return standing


def _take(standing: Standing, raised: Raised, word: Word) -> Standing:
    """Return where a dispute stands after one more word."""
    day = max(business_date(word.entry_time), standing.since_date)
    move = _move(standing, raised, word, day)
    found = MACHINE[standing.state][move]
    if isinstance(found, Rule):
        taken = Taken(word=word, move=move, rule=found, closed=False)
        return replace(standing, taken=(*standing.taken, taken))
    after = standing
    if found is not standing.state or word.said is Said.ESCALATED:
        after = replace(standing, state=found, since_date=day)
    match word.said:
        case Said.AGREED:
            after = replace(after, remedy=word.remedy)
        case Said.CONTESTED:
            after = replace(after, remedy=0)
        case Said.ESCALATED:
            # What was said before counts no more: those above the two begin anew.
            after = replace(after, remedy=0, level=word.level, outcomes={})
        case Said.CLOSED:
            outcomes = {**standing.outcomes, word.province: word.remedy}
            after = replace(after, outcomes=outcomes)
            if found is State.CLOSED:
                after = replace(after, remedy=word.remedy)
    closed = found is State.CLOSED
    taken = Taken(word=word, move=move, rule=None, closed=closed)
    return replace(after, taken=(*standing.taken, taken))


def _move(standing: Standing, raised: Raised, word: Word, day: date) -> Move:
    """Return what a word is where it stands."""
    match word.said:
        case Said.AGREED:
            is_said = standing.outcomes.get(raised.author) == word.remedy
            return Move.AGREE_AS_SAID if is_said else Move.AGREE
        case Said.CONTESTED:
            return Move.CONTEST
        case Said.ESCALATED:
            return _escalation(standing, word.level, day)
        case Said.CLOSED:
            return _closure(standing, raised, word)


def _escalation(standing: Standing, level: int, day: date) -> Move:
    """Return what an escalation is where it stands."""
    if level != standing.level + 1 or level > LEVEL_MAX:
        return Move.ESCALATE_ASTRAY
    due_date = standing.due_date
    if due_date is None:
        return Move.ESCALATE_UNKNOWN
    return Move.ESCALATE_LATE if day > due_date else Move.ESCALATE_EARLY


def _closure(standing: Standing, raised: Raised, word: Word) -> Move:
    """Return what a closure is where it stands."""
    is_raiser = word.province == raised.author
    if is_raiser and word.remedy == DISPUTE_REMEDY_NONE:
        return Move.WITHDRAW
    if is_raiser and word.remedy == standing.remedy:
        return Move.CLOSE_AS_AGREED
    other = raised.partner if is_raiser else raised.author
    is_same = standing.outcomes.get(other) == word.remedy
    return Move.CLOSE_TOGETHER if is_same else Move.CLOSE_ALONE
