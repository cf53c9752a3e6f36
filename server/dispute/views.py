"""A dispute as callers see it: where it stands, whose move it is, until when, and every word.

What is owed follows from the state alone; only whether a remedy was done is asked of the records.
"""

from datetime import date

from deltacare.ids import LogName
from deltacare.times import business_date, format_time
from deltacare.v1.dispute_service_pb2 import DisputeState, DisputeStep, StandingDispute
from deltacare.v1.entry_pb2 import DISPUTE_REMEDY_UNSPECIFIED, Dispute, DisputeRemedy
from deltacare.v1.types_pb2 import EntryRef
from deltacare.working_days import working_days_after
from server.dispute.states import Raised, Said, Standing, State, Taken

__all__ = ["BOTH", "NAME_PREFIX", "next_move", "view"]

NAME_PREFIX = "disputes/"
BOTH = "BOTH"


def view(
    raised: Raised, standing: Standing, remedy_missing: tuple[str, ...], today: date
) -> StandingDispute:
    """Return a dispute as callers see it.

    Args:
        raised: The dispute.
        standing: Where it stands.
        remedy_missing: Who has not done their part of what was agreed; empty unless it is agreed.
        today: Business date on which it is asked.
    """
    owner, next_action = next_move(raised, standing, remedy_missing)
    raised_date = business_date(raised.entry_time)
    due_date, year = standing.due_date, standing.missing_year
    overdue_days = 0
    if due_date is not None:
        overdue_days, year = working_days_after(due_date, today)
    return StandingDispute(
        name=f"{NAME_PREFIX}{raised.dispute_id}",
        dispute=Dispute.FromString(raised.body),
        raised_by=raised.author,
        raised_date=raised_date.isoformat(),
        state=DisputeState.ValueType(standing.state),
        level=standing.level,
        owner=owner,
        due_date="" if due_date is None else due_date.isoformat(),
        calendar_missing_year=year,
        overdue_days=overdue_days,
        age_days=max((today - raised_date).days, 0),
        next_action=next_action,
        steps=[_raising(raised), *(_step(each) for each in standing.taken)],
        remedy=DisputeRemedy.ValueType(standing.remedy),
        remedy_missing=remedy_missing,
    )


def next_move(
    raised: Raised, standing: Standing, remedy_missing: tuple[str, ...]
) -> tuple[str, str]:
    """Return whose move it is, and what it is; both empty if the dispute is closed.

    Args:
        raised: The dispute.
        standing: Where it stands.
        remedy_missing: Who has not done their part of what was agreed.
    """
    if standing.state is State.CLOSED:
        return "", ""
    if standing.state is State.RAISED:
        return raised.partner, "ANSWER"
    if standing.state is State.AGREED:
        if not remedy_missing:
            return raised.author, "CLOSE"
        return (remedy_missing[0] if len(remedy_missing) == 1 else BOTH), "DO_REMEDY"
    # Before somebody above, or about to be: whoever has not yet said how it was closed.
    if len(standing.outcomes) == 1:
        (said_by,) = standing.outcomes
        return (raised.partner if said_by == raised.author else raised.author), "CLOSE"
    is_contested = standing.state is State.CONTESTED
    return BOTH, "ESCALATE_OR_AGREE" if is_contested else "DECIDE_TOGETHER"


def _raising(raised: Raised) -> DisputeStep:
    return DisputeStep(
        province=raised.author,
        entry=_entry(LogName.settlement(raised.author, raised.partner), raised.index),
        entry_time=format_time(raised.entry_time),
        step="RAISED",
        remedy=DISPUTE_REMEDY_UNSPECIFIED,
        reason=Dispute.FromString(raised.body).reason,
    )


def _step(taken: Taken) -> DisputeStep:
    word = taken.word
    is_said = word.said is Said.CLOSED and not taken.closed
    return DisputeStep(
        province=word.province,
        entry=_entry(LogName.parse(word.log), word.index),
        entry_time=format_time(word.entry_time),
        step="CLOSURE_SAID" if is_said else word.said.value,
        remedy=DisputeRemedy.ValueType(word.remedy),
        reason=word.reason,
        level=word.level,
        no_effect_rule="" if taken.rule is None else taken.rule.code,
    )


def _entry(log: LogName, index: int) -> EntryRef:
    return EntryRef(log=str(log), index=index)
