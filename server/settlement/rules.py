"""The numbered rules by which an entry of this room counts or is void: values in, verdict out.

The same rules run where an author writes, refusing before anything is appended, and wherever its
log is projected, so that what one node calls void is void everywhere. A rule here may depend on
the entry, on what stood before it in the same log and on constants of the federation; what
depends on another log is judged by the night or by whoever answers a statement, because logs
arrive in no common order. Nothing here classes a settlement.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from deltacare.errors import Reason
from deltacare.times import day_start_time
from server.approval.rules import DUTIES_COMBINED, MAKER_COMBINED
from server.registry.rulebook import Rule
from settlement.turns import statement_turn

__all__ = [
    "CLAWBACK_AMOUNT",
    "CLAWBACK_DEMANDED",
    "CLAWBACK_EXISTS",
    "CLAWBACK_NOT_CLEARED",
    "CLOSE_OUT_OF_ORDER",
    "CLOSE_TOO_EARLY",
    "ENROLMENT_EXISTS",
    "ENROLMENT_UNKNOWN",
    "HOLD_ENDED",
    "HOLD_OVERLAP",
    "HOLD_OVER_BUDGET",
    "HOLD_UNKNOWN",
    "NOT_HOME",
    "REFUSES_OWN",
    "REPLACES_CLOSED",
    "REPLACES_OTHER_KEY",
    "REPLACES_REPLACED",
    "REPLACES_UNKNOWN",
    "RESULT_BY_STRANGER",
    "RESULT_EXISTS",
    "REVERSED_BEFORE",
    "REVERSES_UNKNOWN",
    "RULES",
    "RULES_VERSION",
    "STATEMENT_ANSWERED",
    "STATEMENT_CONTRADICTS_ITSELF",
    "STATEMENT_EXISTS",
    "STATEMENT_TURN",
    "STATEMENT_TURN_DURATION",
    "STATEMENT_WINDOW",
    "UNREADABLE",
    "WRONG_LOG",
    "WRONG_PAIR",
    "Replaced",
    "close_rule",
    "day_after",
    "next_date",
    "published_time",
    "replacement_rule",
    "result_author_rule",
    "statement_turn",
    "turn_rule",
]

STATEMENT_TURN_DURATION = timedelta(hours=24)

RULES_VERSION = 3
"""Version of rules, classes and shipped tables together; a pair uses the lower of its two."""

WRONG_LOG = Rule(
    code="S01-WRONG-LOG",
    zh="该条目不属于此类日志",
    en="The body does not belong in a log of this kind.",
    source="design, Logs",
)
WRONG_PAIR = Rule(
    code="S02-WRONG-PAIR",
    zh="户籍地与服务地不是该日志的双方",
    en="Home and host are not the two provinces of the log.",
    source="design, Logs",
)
NOT_HOME = Rule(
    code="S03-NOT-HOME",
    zh="只有户籍地可作此声明",
    en="Only the home province may say this.",
    source="design, Settlement",
)
UNREADABLE = Rule(
    code="S04-UNREADABLE",
    zh="要素格式不符合约定",
    en="A field does not have the form that the contract gives it.",
    source="contract, entry.proto",
    reason=Reason.INVALID_FIELD,
)
ENROLMENT_EXISTS = Rule(
    code="S05-ENROLMENT-EXISTS",
    zh="备案编号已被使用",
    en="The enrolment's number is taken.",
    source="design, Settlement",
    reason=Reason.ALREADY_EXISTS,
)
ENROLMENT_UNKNOWN = Rule(
    code="S06-ENROLMENT-UNKNOWN",
    zh="日志中没有该备案",
    en="The log states no such enrolment.",
    source="design, Settlement",
    reason=Reason.NOT_FOUND,
)
REPLACES_UNKNOWN = Rule(
    code="S07-REPLACES-UNKNOWN",
    zh="所修订的记录不存在或无效",
    en="The record to replace is not in the log, or void.",
    source="design, Settlement",
)
REPLACES_OTHER_KEY = Rule(
    code="S08-REPLACES-OTHER-KEY",
    zh="修订不得改变结算编号及双方",
    en="A revision keeps the number, home and host.",
    source="design, Settlement",
)
REPLACES_REPLACED = Rule(
    code="S09-REPLACES-REPLACED",
    zh="所修订的记录已被修订",
    en="The record to replace was replaced already.",
    source="design, Settlement",
)
REPLACES_CLOSED = Rule(
    code="S10-REPLACES-CLOSED",
    zh="所修订的记录已结清，只能冲正",
    en="An earlier night closed the record to replace: reverse it instead.",
    source="design, Settlement",
)
REVERSES_UNKNOWN = Rule(
    code="S11-REVERSES-UNKNOWN",
    zh="本方未报送该编号，无可冲正",
    en="The author filed no record under the number to reverse.",
    source="design, Settlement",
    reason=Reason.NOT_FOUND,
)
HOLD_UNKNOWN = Rule(
    code="S12-HOLD-UNKNOWN",
    zh="日志中没有该暂缓",
    en="The log states no such hold.",
    source="design, The night, step 1",
    reason=Reason.NOT_FOUND,
)
HOLD_ENDED = Rule(
    code="S13-HOLD-ENDED",
    zh="该暂缓已解除",
    en="The hold was ended already.",
    source="design, The night, step 1",
)
CLOSE_OUT_OF_ORDER = Rule(
    code="S14-CLOSE-OUT-OF-ORDER",
    zh="日切须逐日按序，每日一次",
    en="A log closes every date once, in order.",
    source="design, The night, step 1",
)
CLOSE_TOO_EARLY = Rule(
    code="S15-CLOSE-TOO-EARLY",
    zh="未到该日公布的日切时点",
    en="The published hour of the date has not come.",
    source="design, The night, step 1",
)
RESULT_BY_STRANGER = Rule(
    code="S16-RESULT-BY-STRANGER",
    zh="对账结果须由双方之一声明，低代码在前",
    en="A pair's result is stated by one of the two, lower code first.",
    source="design, The night, step 2",
)
RESULT_EXISTS = Rule(
    code="S17-RESULT-EXISTS",
    zh="该次对账结果已声明",
    en="The author stated a result of that attempt already.",
    source="design, The night, step 2",
    reason=Reason.ALREADY_EXISTS,
)
STATEMENT_EXISTS = Rule(
    code="S18-STATEMENT-EXISTS",
    zh="清算单编号已被使用",
    en="The statement's number is taken.",
    source="design, The night, step 3",
    reason=Reason.ALREADY_EXISTS,
)
STATEMENT_TURN = Rule(
    code="S19-STATEMENT-TURN",
    zh="本期应由他省（市）提出清算单",
    en="It is another province's turn to propose.",
    source="design, The night, step 3",
)
STATEMENT_CONTRADICTS_ITSELF = Rule(
    code="S20-STATEMENT-CONTRADICTS-ITSELF",
    zh="清算单的净额或付款与流量不符",
    en="The statement's positions or payments do not follow from its flows.",
    source="design, The night, step 3",
)
STATEMENT_ANSWERED = Rule(
    code="S21-STATEMENT-ANSWERED",
    zh="本方已答复该清算单，答复不可更改",
    en="The author answered the statement already, for good.",
    source="design, The night, step 3",
)
REFUSES_OWN = Rule(
    code="S23-REFUSES-OWN",
    zh="户籍地已报送该编号，应予冲正而非拒绝",
    en="Home has filed this number itself: reverse it instead.",
    source="design, Settlement",
)

CLAWBACK_EXISTS = Rule(
    code="S25-CLAWBACK-EXISTS",
    zh="追回编号已被使用",
    en="The demand's number is taken.",
    source="contract, entry.proto",
    reason=Reason.ALREADY_EXISTS,
)
CLAWBACK_DEMANDED = Rule(
    code="S26-CLAWBACK-DEMANDED",
    zh="该结算已追回，一笔结算只追回一次",
    en="The settlement was demanded back already; that is done once.",
    source="design, Settlement",
)
CLAWBACK_NOT_CLEARED = Rule(
    code="S27-CLAWBACK-NOT-CLEARED",
    zh="该结算尚未清分或已冲回，无可追回",
    en="The settlement is not cleared, or was cleared back: there is nothing to demand.",
    source="design, Settlement",
)
CLAWBACK_AMOUNT = Rule(
    code="S28-CLAWBACK-AMOUNT",
    zh="追回金额须等于已清分金额",
    en="What is demanded is what was cleared.",
    source="contract, entry.proto",
)

STATEMENT_WINDOW = Rule(
    code="S29-STATEMENT-WINDOW",
    zh="清算单的起止日期不是其所称的一日、一周或一月",
    en="The statement's dates are not the whole day, week or month that it names.",
    source="contract, entry.proto, StatementWindow",
)

HOLD_OVER_BUDGET = Rule(
    code="S30-HOLD-OVER-BUDGET",
    zh="预算仍不足以支付该笔，不得解除暂缓：请先追加预算",
    en="The budget does not cover it yet: raise the budget before the hold is ended.",
    source="contract, PolicyService; Budget Law, article 13",
)

HOLD_OVERLAP = Rule(
    code="S31-HOLD-OVERLAP",
    zh="重复享受尚未消除，不得解除暂缓：须另一户籍地或另一服务地先退出，或修订天数",
    en=(
        "The same days are still claimed elsewhere: the hold ends after the other home or host "
        "withdrew them, or the days were revised."
    ),
    source="design, The night, step 1",
)

REVERSED_BEFORE = Rule(
    code="S32-REVERSED-BEFORE",
    zh="本方已冲正该编号，其后未再报送，无可再冲正",
    en="The number is reversed already, and the author filed nothing under it since.",
    source="contract, entry.proto",
    reason=Reason.ALREADY_EXISTS,
)

RULES = (
    WRONG_LOG,
    WRONG_PAIR,
    NOT_HOME,
    UNREADABLE,
    ENROLMENT_EXISTS,
    ENROLMENT_UNKNOWN,
    REPLACES_UNKNOWN,
    REPLACES_OTHER_KEY,
    REPLACES_REPLACED,
    REPLACES_CLOSED,
    REVERSES_UNKNOWN,
    HOLD_UNKNOWN,
    HOLD_ENDED,
    CLOSE_OUT_OF_ORDER,
    CLOSE_TOO_EARLY,
    RESULT_BY_STRANGER,
    RESULT_EXISTS,
    STATEMENT_EXISTS,
    STATEMENT_TURN,
    STATEMENT_CONTRADICTS_ITSELF,
    STATEMENT_ANSWERED,
    DUTIES_COMBINED,
    REFUSES_OWN,
    MAKER_COMBINED,
    CLAWBACK_EXISTS,
    CLAWBACK_DEMANDED,
    CLAWBACK_NOT_CLEARED,
    CLAWBACK_AMOUNT,
    STATEMENT_WINDOW,
    HOLD_OVER_BUDGET,
    HOLD_OVERLAP,
    REVERSED_BEFORE,
)


def published_time(business_date: date) -> datetime:
    """Return the published hour of a date: its end, 24:00 in Asia/Shanghai."""
    return day_start_time(business_date + timedelta(days=1))


def day_after(day: str) -> str:
    """Return the date that follows one."""
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def next_date(last_closed_date: str | None, opening_date: date) -> str:
    """Return the open business date of a log.

    Args:
        last_closed_date: ISO 8601; ``None`` before the first close.
        opening_date: First business date of every settlement log.
    """
    if last_closed_date is None:
        return opening_date.isoformat()
    return day_after(last_closed_date)


def turn_rule(
    until_date: date, author: str, parties: Sequence[str], entry_time: datetime
) -> Rule | None:
    """Return the rule against a proposal out of turn, if one stands against it.

    Args:
        until_date: Last date of the window.
        author: Who proposes.
        parties: Provinces that the statement nets.
        entry_time: When it is proposed; 24 hours after the window's last published hour anyone may.
    """
    if author not in parties:
        return STATEMENT_TURN
    is_open = entry_time >= published_time(until_date) + STATEMENT_TURN_DURATION
    return None if is_open or author == statement_turn(until_date, parties) else STATEMENT_TURN


def close_rule(business_date: str, open_date: str, entry_time: datetime) -> Rule | None:
    """Return the rule against a day close, if one stands against it.

    Args:
        business_date: The date it closes.
        open_date: The date that is open in the log.
        entry_time: When it was sequenced, by its author's clock.
    """
    if business_date != open_date:
        return CLOSE_OUT_OF_ORDER
    if entry_time < published_time(date.fromisoformat(business_date)):
        return CLOSE_TOO_EARLY
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """A record that a revision names, as the log has it.

    Attributes:
        settlement_no: Its number.
        home: Its home province.
        is_void: It counts for nothing itself.
        is_replaced: Another revision took its place.
        closed_date: The agreed night that closed it; ``None`` while it is open.
    """

    settlement_no: str
    home: str
    is_void: bool
    is_replaced: bool
    closed_date: str | None


def replacement_rule(settlement_no: str, home: str, target: Replaced | None) -> Rule | None:
    """Return the rule against a revision, if one stands against it.

    A record that a night closed cannot have been replaced before that night, so a revision of one
    comes too late whenever it is looked at.

    Args:
        settlement_no: Number of the revision.
        home: Its home province.
        target: What it names; ``None`` if the log has no such record.
    """
    if target is None or target.is_void:
        return REPLACES_UNKNOWN
    if (target.settlement_no, target.home) != (settlement_no, home):
        return REPLACES_OTHER_KEY
    if target.closed_date is not None:
        return REPLACES_CLOSED
    return REPLACES_REPLACED if target.is_replaced else None


def result_author_rule(
    author: str, lower: str, higher: str, provinces: Sequence[str]
) -> Rule | None:
    """Return the rule against who states a pair's result, if one stands against it."""
    is_pair = lower < higher and {lower, higher} <= set(provinces)
    return None if is_pair and author in (lower, higher) else RESULT_BY_STRANGER
