"""What may be said in supervision, and what follows from each measure.

Pure: values in, a rule or a value out. Rules M01 to M15 judge what is said. Of these all but M05,
M06 and M15 make an entry void, and look at nothing but its author's own log up to that entry; the
three are refused at the author alone, because they look at other logs and at the vault. Rules M21
to M27 say what follows from a measure. Against an institution or a certificate of the author's own
province it counts everywhere, against another's in the author's province.

What restricts (a measure) counts as far as a log was verified, what gives back (a report that
something is mended, a lift) as far as a quorum cosigned it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from deltacare.errors import Reason
from deltacare.times import ServiceMonth
from deltacare.v1.entry_pb2 import (
    MEASURE_KIND_ADMISSION_SUSPENSION,
    MEASURE_KIND_BAN,
    MEASURE_KIND_DISHONESTY_LIST,
    MEASURE_KIND_PENALTY,
    MEASURE_KIND_RECTIFICATION,
    MEASURE_KIND_WARNING,
    Inspection,
    MeasureLift,
    RectificationReport,
    SupervisionMeasure,
)
from server.registry.fields import numbered_id_province
from server.registry.rulebook import Rule
from server.registry.values import Reach
from server.supervision.values import Bar, Effect, MeasureHistory, MeasureState, ReportSaid

__all__ = [
    "CONSEQUENCES",
    "M01_NOT_REGISTRY",
    "M02_UNREADABLE",
    "M05_NO_MEMBER",
    "M06_SUBJECT_UNKNOWN",
    "M15_PERSON_LEFT_OUT",
    "RULES",
    "Consequence",
    "barred_days",
    "barred_on",
    "bars",
    "bars_known",
    "consequence_rule",
    "counts_everywhere",
    "judge_inspection",
    "judge_lift",
    "judge_measure",
    "judge_report",
    "measure_counts",
    "measure_state",
    "mended_report",
]

_OWN_WORD = "deltacare/v1/entry.proto: a province speaks for itself"
_INSPECTION = "deltacare/v1/entry.proto, Inspection; 养老机构行政检查办法"
_MEASURE = "deltacare/v1/entry.proto, SupervisionMeasure"
# 责令改正、警告、罚款 stand there; what follows for partners is the contract's.
_ORDER_66 = f"{_MEASURE}; 养老机构管理办法（民政部令第66号）"
_REPORT = "deltacare/v1/entry.proto, RectificationReport"
_LIFT = "deltacare/v1/entry.proto, MeasureLift"

M01_NOT_REGISTRY = Rule(
    code="M01-NOT-REGISTRY",
    zh="该内容只能写入登记日志。",
    en="This belongs into a registry log.",
    source=_OWN_WORD,
)
M02_UNREADABLE = Rule(
    code="M02-UNREADABLE",
    zh="字段缺失、格式有误或超出范围。",
    en="A field is missing, malformed or out of range.",
    source=_OWN_WORD,
    reason=Reason.INVALID_FIELD,
)
_M03_NOT_OWN = Rule(
    code="M03-NOT-OWN",
    zh="检查、措施及其后续只能由编号所属的省作出。",
    en="Of an inspection or measure only the province speaks whose code it bears.",
    source=_OWN_WORD,
    reason=Reason.NOT_AUTHOR,
)
_M04_ID_TAKEN = Rule(
    code="M04-ID-TAKEN",
    zh="该检查或措施编号已使用过。",
    en="The inspection or measure was stated before.",
    source=_OWN_WORD,
    reason=Reason.ALREADY_EXISTS,
)
M05_NO_MEMBER = Rule(
    code="M05-NO-MEMBER",
    zh="参与检查的省不是成员。",
    en="A province that took part is no member.",
    source=_INSPECTION,
)
M06_SUBJECT_UNKNOWN = Rule(
    code="M06-SUBJECT-UNKNOWN",
    zh="没有任何日志登记过该机构或证书。",
    en="No log states this institution or certificate.",
    source=_INSPECTION,
    reason=Reason.NOT_FOUND,
)
_M07_JOINED_BY_SELF = Rule(
    code="M07-JOINED-BY-SELF",
    zh="参与检查的他省中不得列入本省。",
    en="The province itself is not among the others that took part.",
    source=_INSPECTION,
)
_M08_INSPECTION_UNKNOWN = Rule(
    code="M08-INSPECTION-UNKNOWN",
    zh="措施所依据的检查未在本省登记。",
    en="The measure follows an inspection that its province has not stated.",
    source=_MEASURE,
    reason=Reason.NOT_FOUND,
)
_M09_DUE_DATE = Rule(
    code="M09-DUE-DATE",
    zh="限期整改须有整改期限，且在措施的起止日之内；其他措施不得有。",
    en="A rectification has a last day for mending, within its own days; no other measure has one.",
    source=_MEASURE,
)
_M10_MEASURE_UNKNOWN = Rule(
    code="M10-MEASURE-UNKNOWN",
    zh="没有这一措施。",
    en="There is no such measure.",
    source=_OWN_WORD,
    reason=Reason.NOT_FOUND,
)
_M11_NO_RECTIFICATION = Rule(
    code="M11-NO-RECTIFICATION",
    zh="该措施不是限期整改，无从报告整改。",
    en="The measure is no rectification; there is nothing to report.",
    source=_REPORT,
)
_M12_MENDED = Rule(
    code="M12-MENDED",
    zh="整改已验收合格。",
    en="It was accepted as mended before.",
    source=_REPORT,
)
_M13_LIFTED = Rule(
    code="M13-LIFTED",
    zh="该措施已自同日或更早之日起解除。",
    en="The measure was lifted before, from the same day or an earlier one.",
    source=_LIFT,
)
_M14_TOO_EARLY = Rule(
    code="M14-TOO-EARLY",
    zh="整改报告或解除的日期早于措施起始日。",
    en="A report or lift bears a day before the first day of the measure.",
    source=_LIFT,
)

M15_PERSON_LEFT_OUT = Rule(
    code="M15-PERSON-LEFT-OUT",
    zh="据本节点所存信息，同一人另有证书不在该措施范围之内；请一并列明，或说明不列入的理由。",
    en="The same person holds another certificate, by what this node keeps of persons, that the "
    "measure does not reach; name it as well, or say why it is left out.",
    source=_MEASURE,
)
_M21_WARNING = Rule(
    code="M21-WARNING",
    zh="约谈、警告：记录在案。",
    en="A warning is on record; nothing else follows.",
    source=_ORDER_66,
)
_M22_RECTIFICATION = Rule(
    code="M22-RECTIFICATION",
    zh="责令限期整改：期限届满之前记录在案。",
    en="A rectification is on record until its last day for mending has passed.",
    source=_ORDER_66,
)
_M23_ADMISSION = Rule(
    code="M23-ADMISSION",
    zh="暂停收住：名单不再对异地老年人开放该机构。",
    en="While admission is suspended, no listing opens the institution to elders from outside.",
    source=_MEASURE,
)
_M24_PENALTY = Rule(
    code="M24-PENALTY",
    zh="行政处罚：记录在案；需限制收住的，另作暂停收住。",
    en="A penalty is on record; to restrict admission as well, that is suspended by a measure.",
    source=_ORDER_66,
)
_M25_BAN = Rule(
    code="M25-BAN",
    zh="行业禁入、从业禁止：名单不再开放该机构，其证书不予认可。",
    en="While a ban holds, no listing opens the institution, and certificates are not recognised.",
    source=_MEASURE,
)
_M26_DISHONESTY = Rule(
    code="M26-DISHONESTY",
    zh="列入严重失信主体名单：名单不再开放该机构，其证书不予认可。",
    en=(
        "While somebody is on the list of those who gravely broke trust, no listing opens the"
        " institution, and certificates are not recognised."
    ),
    source=_MEASURE,
)
_M27_OVERDUE = Rule(
    code="M27-OVERDUE",
    zh="逾期未整改：自期限届满次日起，至整改验收合格之日止，名单不对异地老年人开放该机构。",
    en=(
        "From the day after the last day for mending until the day of an accepted report, no"
        " listing opens the institution to elders from outside."
    ),
    source=_ORDER_66,
)

RULES: tuple[Rule, ...] = (
    M01_NOT_REGISTRY,
    M02_UNREADABLE,
    _M03_NOT_OWN,
    _M04_ID_TAKEN,
    M05_NO_MEMBER,
    M06_SUBJECT_UNKNOWN,
    _M07_JOINED_BY_SELF,
    _M08_INSPECTION_UNKNOWN,
    _M09_DUE_DATE,
    _M10_MEASURE_UNKNOWN,
    _M11_NO_RECTIFICATION,
    _M12_MENDED,
    _M13_LIFTED,
    _M14_TOO_EARLY,
    M15_PERSON_LEFT_OUT,
    _M21_WARNING,
    _M22_RECTIFICATION,
    _M23_ADMISSION,
    _M24_PENALTY,
    _M25_BAN,
    _M26_DISHONESTY,
    _M27_OVERDUE,
)
"""Every rule, in order."""

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequence:
    """What follows from one kind of measure.

    Attributes:
        rule: by which.
        effects: what it takes away while it holds. ``UNLISTED`` concerns institutions only.
        overdue_rule: by which more follows once the last day for mending has passed; ``None`` if
            the kind has no such day.
        overdue_effects: what it takes away then.
    """

    rule: Rule
    effects: tuple[Effect, ...] = ()
    overdue_rule: Rule | None = None
    overdue_effects: tuple[Effect, ...] = ()


CONSEQUENCES: Mapping[int, Consequence] = {
    MEASURE_KIND_WARNING: Consequence(rule=_M21_WARNING),
    MEASURE_KIND_RECTIFICATION: Consequence(
        rule=_M22_RECTIFICATION,
        overdue_rule=_M27_OVERDUE,
        overdue_effects=(Effect.UNLISTED,),
    ),
    MEASURE_KIND_ADMISSION_SUSPENSION: Consequence(rule=_M23_ADMISSION, effects=(Effect.UNLISTED,)),
    MEASURE_KIND_PENALTY: Consequence(rule=_M24_PENALTY),
    MEASURE_KIND_BAN: Consequence(rule=_M25_BAN, effects=(Effect.UNLISTED, Effect.NOT_RECOGNISED)),
    MEASURE_KIND_DISHONESTY_LIST: Consequence(
        rule=_M26_DISHONESTY, effects=(Effect.UNLISTED, Effect.NOT_RECOGNISED)
    ),
}
"""What follows from each kind of measure: the one table of it."""


# --- What may be said -----------------------------------------------------------------------------


def judge_inspection(author: str, body: Inspection, *, taken: bool) -> Rule | None:
    """Return the rule that a readable inspection breaks.

    Args:
        author: who says it.
        body: the inspection.
        taken: whether the author stated an inspection under this id before.
    """
    if numbered_id_province(body.inspection_id) != author:
        return _M03_NOT_OWN
    if taken:
        return _M04_ID_TAKEN
    return _M07_JOINED_BY_SELF if author in body.joined_by else None


def judge_measure(
    author: str, body: SupervisionMeasure, *, taken: bool, inspected: bool
) -> Rule | None:
    """Return the rule that a readable measure breaks.

    Args:
        author: who says it.
        body: the measure.
        taken: whether the author took a measure under this id before.
        inspected: whether the author stated the inspection that it names before.
    """
    if numbered_id_province(body.measure_id) != author:
        return _M03_NOT_OWN
    if taken:
        return _M04_ID_TAKEN
    if body.inspection_id and not inspected:
        return _M08_INSPECTION_UNKNOWN
    return None if _due_date_fits(body) else _M09_DUE_DATE


def _due_date_fits(body: SupervisionMeasure) -> bool:
    """Whether a rectification, and nothing else, has a last day for mending, within its days."""
    if (body.kind == MEASURE_KIND_RECTIFICATION) != bool(body.due_date):
        return False
    # ISO dates of four-digit years sort as text.
    last = body.until_date or body.due_date
    return not body.due_date or body.from_date <= body.due_date <= last


def judge_report(
    author: str, body: RectificationReport, *, measure: MeasureHistory | None
) -> Rule | None:
    """Return the rule that a readable report breaks.

    Args:
        author: who says it.
        body: the report.
        measure: the author's measure with all that was said of it before; ``None`` if there is
            none.
    """
    if numbered_id_province(body.measure_id) != author:
        return _M03_NOT_OWN
    if measure is None:
        return _M10_MEASURE_UNKNOWN
    if measure.kind != MEASURE_KIND_RECTIFICATION:
        return _M11_NO_RECTIFICATION
    if any(report.accepted for report in measure.reports):
        return _M12_MENDED
    return _followed(measure, body.report_date)


def _followed(measure: MeasureHistory, day: str) -> Rule | None:
    """Return the rule that anything said of a measure on a day breaks.

    A lift whose day is to come stops neither a report before it nor an earlier lift.
    """
    said = date.fromisoformat(day)
    if any(said >= lift.from_date for lift in measure.lifts):
        return _M13_LIFTED
    return _M14_TOO_EARLY if said < measure.from_date else None


def judge_lift(author: str, body: MeasureLift, *, measure: MeasureHistory | None) -> Rule | None:
    """Return the rule that a readable lift breaks; for the arguments see ``judge_report``.

    A lift from the first day on takes the measure back as if it had never held. A rectification
    that was mended can be lifted too: that takes back the days on which it was overdue.
    """
    if numbered_id_province(body.measure_id) != author:
        return _M03_NOT_OWN
    if measure is None:
        return _M10_MEASURE_UNKNOWN
    return _followed(measure, body.effective_date)


# --- What follows ---------------------------------------------------------------------------------


def counts_everywhere(author: str, subject: str) -> bool:
    """Whether a measure counts in every province: its subject is of the author's own."""
    return numbered_id_province(subject) == author


def measure_counts(history: MeasureHistory, reach: Reach) -> bool:
    """Whether a measure counts at all: as soon as it is verified."""
    return history.index < reach.restrict_size


def mended_report(history: MeasureHistory, reach: Reach) -> ReportSaid | None:
    """Return the report that accepts a rectification as mended, once a quorum cosigned it."""
    for report in history.reports:
        if report.accepted and report.index < reach.permit_size:
            return report
    return None


def _lifted_from(history: MeasureHistory, reach: Reach) -> date | None:
    """Return the first day on which a lift that counts ends a measure."""
    counting = (lift.from_date for lift in history.lifts if lift.index < reach.permit_size)
    return min(counting, default=None)


def _spans(
    history: MeasureHistory, reach: Reach
) -> Iterable[tuple[Rule, tuple[Effect, ...], date, date | None]]:
    """Yield by which rule a measure does what, from the first to the last day if it has one."""
    consequence = CONSEQUENCES[history.kind]
    lifted = _lifted_from(history, reach)
    ends = [history.until_date, None if lifted is None else lifted - _ONE_DAY]
    last = min((each for each in ends if each is not None), default=None)
    if consequence.effects:
        yield consequence.rule, consequence.effects, history.from_date, last
    if consequence.overdue_rule is not None:
        assert history.due_date is not None, "a rectification has a last day for mending"
        mended = mended_report(history, reach)
        if mended is not None:
            day_before = mended.report_date - _ONE_DAY
            last = day_before if last is None else min(last, day_before)
        first = history.due_date + _ONE_DAY
        yield consequence.overdue_rule, consequence.overdue_effects, first, last


def bars(history: MeasureHistory, reach: Reach) -> tuple[Bar, ...]:
    """Return what follows from a measure, as far as what was said counts.

    Args:
        history: the measure and all that was said of it.
        reach: of its author's registry log.
    """
    if not measure_counts(history, reach):
        return ()
    return tuple(
        Bar(
            effect=effect,
            author=history.author,
            index=history.index,
            measure_id=history.measure_id,
            from_date=first,
            until_date=last,
            reason=history.reason,
            rule=rule,
            everywhere=counts_everywhere(history.author, history.subject),
        )
        for rule, effects, first, last in _spans(history, reach)
        if last is None or first <= last
        for effect in effects
        if history.institution_id or effect is not Effect.UNLISTED
    )


def barred_on(bars: Iterable[Bar], *, day: date, effect: Effect, province: str) -> Bar | None:
    """Return what takes something away on a day, as it counts in a province.

    Of several it is one that counts everywhere before one that counts there only, of these the one
    that was said first; so every node names the same.

    Args:
        bars: against one subject, of any author.
        day: the day asked about.
        effect: what is taken away.
        province: where it should count.
    """
    holding = (
        bar for bar in bars if bar.effect is effect and bar.holds(day) and bar.counts_in(province)
    )
    return min(holding, key=lambda bar: (not bar.everywhere, bar.author, bar.index), default=None)


def barred_days(bars: Iterable[Bar], *, effect: Effect, province: str, month: ServiceMonth) -> int:
    """Return the days of a month on which something is taken away, as it counts in a province.

    Args:
        bars: against one subject, of any author.
        effect: what is taken away.
        province: where it should count.
        month: the month of service.

    Returns:
        A mask of up to 31 bits: bit 0 is the first day.
    """
    days = 0
    for bar in bars:
        if bar.effect is effect and bar.counts_in(province):
            days |= month.mask(bar.from_date, bar.until_date)
    return days


def measure_state(history: MeasureHistory, reach: Reach, day: date) -> MeasureState:
    """Return where a measure that counts stands on a day."""
    lifted, mended = _lifted_from(history, reach), mended_report(history, reach)
    if lifted is not None and lifted <= day:
        return MeasureState.LIFTED
    if mended is not None and mended.report_date <= day:
        return MeasureState.MENDED
    if history.until_date is not None and history.until_date < day:
        return MeasureState.ENDED
    if day < history.from_date:
        return MeasureState.PENDING
    if history.due_date is not None and history.due_date < day:
        return MeasureState.OVERDUE
    return MeasureState.IN_FORCE


def consequence_rule(kind: int, state: MeasureState) -> Rule:
    """Return the rule by which a measure does what it does in a state."""
    consequence = CONSEQUENCES[kind]
    if state is MeasureState.OVERDUE and consequence.overdue_rule is not None:
        return consequence.overdue_rule
    return consequence.rule


def bars_known(
    histories: Iterable[MeasureHistory], reaches: Mapping[str, Reach]
) -> tuple[Bar, ...]:
    """Return what follows from measures, as far as each author's log counts.

    Args:
        histories: of any authors.
        reaches: of the registry logs, by author; of one that is missing nothing counts.
    """
    return tuple(
        bar
        for history in histories
        if history.author in reaches
        for bar in bars(history, reaches[history.author])
    )
