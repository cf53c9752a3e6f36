"""The numbered rules of disputes: what makes a word void, and what gives it no effect.

Pure: values in, a rule or a value out. Rules D01 to D08 look at the author's own log up to the
entry, and make it void everywhere. D11 to D20 look at the other log of the pair, at records or at
the calendar: the author's node refuses by them, and elsewhere a word that breaks one of D14 to D18
stands in the log without effect, as long as it does not fit (`server.dispute.states`).
"""

from deltacare.errors import Reason, ViolationCollector
from deltacare.v1.entry_pb2 import (
    DISPUTE_WORD_AGREED,
    DISPUTE_WORD_CONTESTED,
    Dispute,
    DisputeAnswer,
    DisputeClaim,
    DisputeClosure,
    DisputeEscalation,
    DisputeRemedy,
    DisputeWord,
)
from server.registry.fields import (
    numbered_id_province,
    parse_numbered_id,
    read_enum,
    read_reason,
)
from server.registry.rulebook import Rule
from server.settlement.fields import is_number
from settlement.findings import Problem

__all__ = [
    "D01_WRONG_LOG",
    "D02_UNREADABLE",
    "D05_ID_TAKEN",
    "D11_UNKNOWN",
    "D12_LINE_UNKNOWN",
    "D13_OPEN_ALREADY",
    "D14_CLOSED",
    "D15_ESCALATED",
    "D16_TOO_EARLY",
    "D17_LEVEL",
    "D18_CALENDAR",
    "D19_REMEDY_MISSING",
    "D20_CLEARED",
    "LEVEL_MAX",
    "RULES",
    "judge_answer",
    "judge_dispute",
    "judge_party",
    "read_answer",
    "read_closure",
    "read_dispute",
    "read_escalation",
]

LEVEL_MAX = 2
"""The federation's board; there is nothing above it."""

_DIGEST_BYTES = 32

_DISPUTE = "deltacare/v1/entry.proto, Dispute"
_ANSWER = "deltacare/v1/entry.proto, DisputeAnswer"
_ESCALATION = "deltacare/v1/entry.proto, DisputeEscalation"
_CLOSURE = "deltacare/v1/entry.proto, DisputeClosure"

# --- What makes an entry void ---------------------------------------------------------------------

D01_WRONG_LOG = Rule(
    code="D01-WRONG-LOG",
    zh="差错单只能写入结算日志",
    en="A dispute belongs into a settlement log.",
    source=_DISPUTE,
)
D02_UNREADABLE = Rule(
    code="D02-UNREADABLE",
    zh="差错单的要素缺失、格式有误或超出范围",
    en="A field of the dispute is missing, malformed or out of range.",
    source=_DISPUTE,
    reason=Reason.INVALID_FIELD,
)
_D03_WRONG_PAIR = Rule(
    code="D03-WRONG-PAIR",
    zh="差错单所指的户籍地与服务地不是该日志的双方",
    en="Home and host of the disputed line are not the two provinces of the log.",
    source=_DISPUTE,
)
_D04_NOT_OWN = Rule(
    code="D04-NOT-OWN",
    zh="差错单编号须以提出方的省份代码开头",
    en="A dispute bears the code of the province that raises it.",
    source=_DISPUTE,
    reason=Reason.NOT_AUTHOR,
)
D05_ID_TAKEN = Rule(
    code="D05-ID-TAKEN",
    zh="该差错单编号已使用过",
    en="The dispute's number is taken.",
    source=_DISPUTE,
    reason=Reason.ALREADY_EXISTS,
)
_D06_OTHER_SIDE = Rule(
    code="D06-OTHER-SIDE",
    zh="差错单由被提出的一方答复，提出方不得自答",
    en="A dispute is answered by the other side, never by who raised it.",
    source=_ANSWER,
    reason=Reason.NOT_AUTHOR,
)
_D07_NO_PARTY = Rule(
    code="D07-NO-PARTY",
    zh="该差错单不是由该日志双方之一提出的",
    en="The dispute was raised by neither of the two provinces of the log.",
    source=_ESCALATION,
    reason=Reason.NOT_AUTHOR,
)
_D08_NEVER_RAISED = Rule(
    code="D08-NEVER-RAISED",
    zh="本方从未提出过该差错单",
    en="Its author never raised this dispute.",
    source=_CLOSURE,
    reason=Reason.NOT_FOUND,
)

# --- What the other log, records and the calendar say ---------------------------------------------

D11_UNKNOWN = Rule(
    code="D11-UNKNOWN",
    zh="双方日志中都没有该差错单",
    en="No log of the pair states this dispute.",
    source=_ANSWER,
    reason=Reason.NOT_FOUND,
)
D12_LINE_UNKNOWN = Rule(
    code="D12-LINE-UNKNOWN",
    zh="双方日志中都没有该编号的结算记录",
    en="No log of the pair has a record of this settlement.",
    source=_DISPUTE,
    reason=Reason.NOT_FOUND,
)
D13_OPEN_ALREADY = Rule(
    code="D13-OPEN-ALREADY",
    zh="本方对该行的同一主张已有未办结的差错单",
    en="The own province has an open dispute on this line with the same claim.",
    source=_DISPUTE,
    reason=Reason.ALREADY_EXISTS,
)
D14_CLOSED = Rule(
    code="D14-CLOSED",
    zh="该差错单已办结",
    en="The dispute is closed.",
    source=_CLOSURE,
)
D15_ESCALATED = Rule(
    code="D15-ESCALATED",
    zh="该差错单已提级，由双方以相同结果办结，不再答复",
    en="The dispute is escalated: it is closed by the same outcome said by both, not answered.",
    source=_ANSWER,
)
D16_TOO_EARLY = Rule(
    code="D16-TOO-EARLY",
    zh="期限未过且对方未否认，不得提级",
    en="It is not contested and the last day to act has not passed: it cannot be escalated yet.",
    source=_ESCALATION,
)
D17_LEVEL = Rule(
    code="D17-LEVEL",
    zh="提级须逐级：先两省民政部门，再联盟理事会",
    en="Levels follow each other: first the two departments, then the federation's board.",
    source=_ESCALATION,
)
D18_CALENDAR = Rule(
    code="D18-CALENDAR",
    zh="期限所在年份的放假安排尚未公布，无从判断是否逾期",
    en="The last day to act lies in a year whose calendar is not published: nobody can say that it "
    "has passed.",
    source="deltacare/working_days.py",
)
D19_REMEDY_MISSING = Rule(
    code="D19-REMEDY-MISSING",
    zh="日志尚未显示已按该方式更正，不得以此办结",
    en="The logs do not show that the line was put right in this way.",
    source=_CLOSURE,
)
D20_CLEARED = Rule(
    code="D20-CLEARED",
    zh="该结算已清算，不能修订，只能冲正",
    en="The settlement is cleared: it cannot be revised, only reversed.",
    source=_ANSWER,
)

RULES: tuple[Rule, ...] = (
    D01_WRONG_LOG,
    D02_UNREADABLE,
    _D03_WRONG_PAIR,
    _D04_NOT_OWN,
    D05_ID_TAKEN,
    _D06_OTHER_SIDE,
    _D07_NO_PARTY,
    _D08_NEVER_RAISED,
    D11_UNKNOWN,
    D12_LINE_UNKNOWN,
    D13_OPEN_ALREADY,
    D14_CLOSED,
    D15_ESCALATED,
    D16_TOO_EARLY,
    D17_LEVEL,
    D18_CALENDAR,
    D19_REMEDY_MISSING,
    D20_CLEARED,
)
"""Every rule, in order."""

# --- Form -----------------------------------------------------------------------------------------


def read_dispute(body: Dispute, at: str, bad: ViolationCollector) -> None:
    """Check the fields of a dispute.

    Args:
        body: What is stated.
        at: Prefix of the fields in violations: empty, or a path that ends with a dot.
        bad: Takes the violations.
    """
    bad.take(parse_numbered_id, body.dispute_id, field=f"{at}dispute_id")
    if not is_number(body.settlement_no):
        problem = Problem.BAD_SETTLEMENT_NO
        bad.note(f"{at}settlement_no", body.settlement_no, problem.en, problem.remedy_en)
    read_enum(body.claim, f"{at}claim", bad, kind=DisputeClaim, optional=False)
    read_reason(body.reason, f"{at}reason", bad)
    if len(body.note_digest) not in {0, _DIGEST_BYTES}:
        bad.note(
            f"{at}note_digest",
            body.note_digest.hex(),
            "A digest has 32 bytes.",
            "Leave it empty if there is no note.",
        )


def read_answer(body: DisputeAnswer, at: str, bad: ViolationCollector) -> None:
    """Check the fields of an answer; arguments as for `read_dispute`."""
    bad.take(parse_numbered_id, body.dispute_id, field=f"{at}dispute_id")
    read_enum(body.word, f"{at}word", bad, kind=DisputeWord, optional=False)
    read_enum(
        body.remedy,
        f"{at}remedy",
        bad,
        kind=DisputeRemedy,
        optional=body.word != DISPUTE_WORD_AGREED,
    )
    if body.word == DISPUTE_WORD_CONTESTED and body.remedy:
        bad.note(
            f"{at}remedy",
            body.remedy,
            "Who contests a dispute names no remedy.",
            "Leave it out, or agree.",
        )
    if body.word == DISPUTE_WORD_CONTESTED or body.reason:
        read_reason(body.reason, f"{at}reason", bad)


def read_escalation(body: DisputeEscalation, at: str, bad: ViolationCollector) -> None:
    """Check the fields of an escalation; arguments as for `read_dispute`."""
    bad.take(parse_numbered_id, body.dispute_id, field=f"{at}dispute_id")
    if not 1 <= body.level <= LEVEL_MAX:
        bad.note(
            f"{at}level",
            body.level,
            "There is no such level.",
            "Use 1 for the two departments, 2 for the federation's board.",
        )
    read_reason(body.reason, f"{at}reason", bad)


def read_closure(body: DisputeClosure, at: str, bad: ViolationCollector) -> None:
    """Check the fields of a closure; arguments as for `read_dispute`."""
    bad.take(parse_numbered_id, body.dispute_id, field=f"{at}dispute_id")
    read_enum(body.outcome, f"{at}outcome", bad, kind=DisputeRemedy, optional=False)
    read_reason(body.reason, f"{at}reason", bad)


# --- What a word breaks by its author's own log ---------------------------------------------------


def judge_dispute(author: str, partner: str, body: Dispute, *, taken: bool) -> Rule | None:
    """Return the rule that a readable dispute breaks.

    Args:
        author: Who raises it.
        partner: Of the log.
        body: The dispute.
        taken: Whether the author's log states a dispute under this number before.
    """
    if (body.home, body.host) not in {(author, partner), (partner, author)}:
        return _D03_WRONG_PAIR
    if numbered_id_province(body.dispute_id) != author:
        return _D04_NOT_OWN
    return D05_ID_TAKEN if taken else None


def judge_answer(partner: str, body: DisputeAnswer) -> Rule | None:
    """Return the rule that a readable answer breaks: it is to a dispute of the partner."""
    return None if numbered_id_province(body.dispute_id) == partner else _D06_OTHER_SIDE


def judge_party(author: str, partner: str, dispute_id: str, *, raised: bool) -> Rule | None:
    """Return the rule that a readable escalation or closure breaks.

    Args:
        author: Who says it.
        partner: Of the log.
        dispute_id: The dispute.
        raised: Whether the author's log states the dispute before.
    """
    by = numbered_id_province(dispute_id)
    if by not in {author, partner}:
        return _D07_NO_PARTY
    return _D08_NEVER_RAISED if by == author and not raised else None
