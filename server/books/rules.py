"""The numbered rules of closing a month: values in, verdict out.

B01 to B04 look at the entry, at what the same log said before and at constants of the federation,
so they make an entry void wherever it is projected. B05 and B06 need other logs and the books
themselves: they refuse at the author's own node, and elsewhere nothing follows from them. There is
no exception to any of them, and no word that opens a closed month again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from deltacare.errors import FieldViolation, Reason, Refusal
from deltacare.ids import LogName
from deltacare.times import ServiceMonth, business_date
from deltacare.v1.entry_pb2 import MonthClose
from server.registry.rulebook import Rule

__all__ = [
    "B01_UNREADABLE",
    "B02_OUT_OF_ORDER",
    "B03_NOT_ENDED",
    "B04_ENDS_SHRINK",
    "B05_NIGHT_NOT_AGREED",
    "B06_BOOKS_DISAGREE",
    "RULES",
    "ClosedBefore",
    "close_faults",
    "close_rule",
]

_HASH_BYTES: Final = 32
_LOGS_MAX: Final = 64

B01_UNREADABLE = Rule(
    code="B01-UNREADABLE",
    zh="要素格式不符合约定",
    en="A field does not have the form that the contract gives it.",
    source="contract, entry.proto",
    reason=Reason.INVALID_FIELD,
)
B02_OUT_OF_ORDER = Rule(
    code="B02-MONTH-OUT-OF-ORDER",
    zh="月份须按序结账，每月一次",
    en="Months close once each, in order, from the month of the opening date on.",
    source="design, Books",
)
B03_NOT_ENDED = Rule(
    code="B03-MONTH-NOT-ENDED",
    zh="该月尚未结束",
    en="The month has not ended.",
    source="design, Books",
)
B04_ENDS_SHRINK = Rule(
    code="B04-ENDS-SHRINK",
    zh="所列日志末端短于上月结账时",
    en="The books took in less of a log than those of the month before.",
    source="design, Books",
)
B05_NIGHT_NOT_AGREED = Rule(
    code="B05-NIGHT-NOT-AGREED",
    zh="该月尚有业务日双方未达成一致",
    en="A night of the month is not agreed.",
    source="design, Books",
)
B06_BOOKS_DISAGREE = Rule(
    code="B06-BOOKS-DISAGREE",
    zh="账簿与对账结果或清算单不符",
    en="The books do not agree with a night's result or with a statement.",
    source="design, Books",
)

RULES: tuple[Rule, ...] = (
    B01_UNREADABLE,
    B02_OUT_OF_ORDER,
    B03_NOT_ENDED,
    B04_ENDS_SHRINK,
    B05_NIGHT_NOT_AGREED,
    B06_BOOKS_DISAGREE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedBefore:
    """The last month that the author closed.

    Attributes:
        month: `YYYY-MM`.
        log_ends: By log, how many entries its books took in.
    """

    month: str
    log_ends: Mapping[str, int]


def close_faults(body: MonthClose, where: str = "") -> Iterable[FieldViolation]:
    """Yield what cannot be read in a month's close.

    Args:
        body: As stated.
        where: Path of the body, with a point at its end.
    """
    try:
        ServiceMonth.parse(body.month, field=f"{where}month")
    except Refusal as refusal:
        yield from refusal.violations
    for name in ("journal_hash", "trial_balance_hash"):
        if len(getattr(body, name)) != _HASH_BYTES:
            yield FieldViolation(
                field=f"{where}{name}", value="", description=f"It has not {_HASH_BYTES} bytes."
            )
    names = [each.log for each in body.log_ends]
    if (
        not 0 < len(names) <= _LOGS_MAX
        or names != sorted(set(names))
        or not all(map(_is_log, names))
    ):
        yield FieldViolation(
            field=f"{where}log_ends",
            value=str(len(names)),
            description="They are not names of logs, sorted, each once.",
        )


def _is_log(text: str) -> bool:
    try:
        LogName.parse(text)
    except Refusal:
        return False
    return True


def close_rule(
    body: MonthClose, *, first_month: str, before: ClosedBefore | None, entry_time: datetime
) -> Rule | None:
    """Return the rule against a readable close, if one stands against it.

    Args:
        body: What is stated.
        first_month: `YYYY-MM` of the opening date.
        before: What the author closed last; ``None`` if nothing.
        entry_time: When it was sequenced, by its author's clock.
    """
    month = ServiceMonth.parse(body.month)
    expected = first_month if before is None else str(ServiceMonth.parse(before.month).next())
    if body.month != expected:
        return B02_OUT_OF_ORDER
    if business_date(entry_time) <= month.last_date:
        return B03_NOT_ENDED
    if before is not None and _shrinks(before.log_ends, body.log_ends):
        return B04_ENDS_SHRINK
    return None


def _shrinks(before: Mapping[str, int], ends: Sequence[object]) -> bool:
    """Whether less of a log is taken in than before."""
    now = {each.log: each.size for each in ends}  # type: ignore[attr-defined]  # LogEnd
    return any(now.get(log, 0) < size for log, size in before.items())
