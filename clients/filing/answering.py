"""Decides, as home, what becomes of the records that wait for an answer, and makes the requests.

What fits is confirmed by filing the same; what does not is never confirmed unless somebody named
the line and a reason. An answer is of a number: of several records under one, one is answered, and
the others with it. A run that broke off is run again: what was answered has left the inbox, and
what was not gets the same requests.
"""

import enum
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from clients.filing.batches import BATCH_MAX, Batch
from clients.filing.ids import content_id
from deltacare.v1.entry_pb2 import RecordRefusal, SettlementRecord
from deltacare.v1.settlement_service_pb2 import (
    FileRecordsRequest,
    InboxVerdict,
    JudgedRecord,
    RefuseRecordsRequest,
)
from settlement.core.columns import COLUMNS
from settlement.files import column_positions, read_table
from settlement.findings import BadFile, Findings, Problem
from settlement.records import ALIASES

if TYPE_CHECKING:
    from clients.sdk.node import SyncNodeClient
    from deltacare.v1.types_pb2 import Duty

__all__ = [
    "ADDED_COLUMNS",
    "VERDICTS",
    "Decision",
    "Decisions",
    "Line",
    "Word",
    "confirmations",
    "decide",
    "read_decisions",
    "refusals",
    "waiting_numbers",
    "write_inbox",
]

VERDICTS: Final[Mapping[str, "InboxVerdict.ValueType"]] = MappingProxyType(
    {name.removeprefix("INBOX_VERDICT_"): number for name, number in InboxVerdict.items() if number}
)
"""Verdicts by the names that a clerk writes: `FITS`, `AMOUNT` …"""

_FITS = InboxVerdict.INBOX_VERDICT_FITS

ADDED_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "entry_index": ("条目序号",),
        "verdict": ("核对结果",),
        "entitled_fen": ("应付金额（分）",),
        "decision": ("决定",),
        "reason": ("事由代码", "事由"),
    }
)


class Word(enum.Enum):
    """What is decided of a line."""

    CONFIRM = ("confirm", "确认")
    REFUSE = ("refuse", "拒绝")

    @classmethod
    def parse(cls, text: str) -> "Word | None":
        """Return the word of a cell, ``None`` if it is none."""
        return next((word for word in cls if text.strip().lower() in word.value), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What somebody decided of one line.

    Attributes:
        row: Of the file that says so; 0 if it was said otherwise.
        word: The word.
        reason: Code; needed to refuse, and to confirm what does not fit.
        entry_index: Of the record that was looked at; ``None``: whichever waits under the number.
    """

    row: int
    word: Word
    reason: str
    entry_index: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A record that waits, and what becomes of it.

    Attributes:
        judged: As the node judged it.
        word: ``None``: nothing yet.
        reason: Code of the reason, if there is one.
        problem: Why a decision cannot be carried out: `CHANGED` if another record waits under the
            number now, `NEEDS_REASON` if it does not fit and no reason is given, `CONTRADICTS` if
            another record of the number is answered otherwise; else empty.
        row: Of the file that decided; 0 if it was said otherwise.
        is_said: Whether somebody decided of this line, or its number.
        is_answered: Whether another record of its number is answered, and this with it.
    """

    judged: JudgedRecord
    word: Word | None
    reason: str = ""
    problem: str = ""
    row: int = 0
    is_said: bool = False
    is_answered: bool = False

    @property
    def number(self) -> str:
        """Number of the record."""
        return self.judged.filed.record.settlement_no

    @property
    def content(self) -> tuple[Any, ...]:
        """What equal copies have in common."""
        return tuple(getattr(self.judged.filed.record, name) for name in COLUMNS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """What is decided, by line or in bulk.

    Attributes:
        lines: By number, those of single records and those of whichever waits under it.
        refused: By verdict, the reason with which lines are refused that have it.
        confirms_fitting: Whether what fits is confirmed where nothing is said of the line.
    """

    lines: Mapping[str, Sequence[Decision]]
    refused: Mapping["InboxVerdict.ValueType", str]
    confirms_fitting: bool


def decide(judged: Iterable[JudgedRecord], decisions: Decisions) -> list[Line]:
    """Return what becomes of each record that waits: one of each number is answered at most."""
    records = list(judged)
    waiting: dict[str, set[int]] = {}
    for each in records:
        waiting.setdefault(each.filed.record.settlement_no, set()).add(each.filed.entry.index)
    lines = [_line(each, decisions, waiting[each.filed.record.settlement_no]) for each in records]
    positions: dict[str, list[int]] = {}
    for position, line in enumerate(lines):
        positions.setdefault(line.number, []).append(position)
    for some in positions.values():
        for position, line in zip(some, _once([lines[each] for each in some]), strict=True):
            lines[position] = line
    return lines


def _once(lines: Sequence[Line]) -> Sequence[Line]:
    """Return the lines of one number, of which one is answered; what was said comes first."""
    answers = [line for line in lines if line.word is not None]
    if len(lines) == 1 or not answers or any(line.problem for line in lines):
        return lines
    said = [line for line in answers if line.is_said]
    confirmed = [line for line in answers if line.word is Word.CONFIRM]
    chosen = (said or confirmed or answers)[0]

    def agrees(line: Line) -> bool:
        if not line.is_said or line.word is None:
            return True
        is_same = line.word is Word.REFUSE or line.content == chosen.content
        return line.word is chosen.word and is_same

    return [
        line
        if line is chosen
        else replace(line, word=None, reason="", is_answered=True)
        if agrees(line)
        else replace(line, word=None, problem="CONTRADICTS")
        for line in lines
    ]


def _line(judged: JudgedRecord, decisions: Decisions, waiting: Collection[int]) -> Line:
    """Return what becomes of one record.

    Args:
        judged: The record.
        decisions: What is decided.
        waiting: The places of every record that waits under its number.
    """
    by_number = decisions.lines.get(judged.filed.record.settlement_no, ())
    mine = [each for each in by_number if each.entry_index in (None, judged.filed.entry.index)]
    gone = [each for each in by_number if each.entry_index not in (None, *waiting)]
    if mine:
        said = mine[-1]
        needs_reason = not said.reason and (said.word is Word.REFUSE or judged.verdict != _FITS)
        return Line(
            judged=judged,
            word=None if needs_reason else said.word,
            reason=said.reason,
            problem="NEEDS_REASON" if needs_reason else "",
            row=said.row,
            is_said=True,
        )
    if gone:
        return Line(judged=judged, word=None, problem="CHANGED", row=gone[0].row, is_said=True)
    if judged.verdict == _FITS:
        word = Word.CONFIRM if decisions.confirms_fitting else None
        return Line(judged=judged, word=word)
    reason = decisions.refused.get(judged.verdict)
    return Line(judged=judged, word=Word.REFUSE if reason else None, reason=reason or "")


def confirmations(
    lines: Iterable[Line], *, partner: str, duty: "Duty", once: str | None
) -> list[Batch]:
    """Return the batches that file what is confirmed: the same records, with their policies."""
    records = []
    for line in lines:
        if line.word is not Word.CONFIRM:
            continue
        judged = line.judged
        own = SettlementRecord()
        own.CopyFrom(judged.filed.record)
        for name in ("replaces_index", "policy_index", "computation_version"):
            own.ClearField(name)
        # What was confirmed against the policy was not computed by it.
        if judged.verdict == _FITS and judged.HasField("policy_index"):
            own.policy_index = judged.policy_index
            own.computation_version = judged.computation_version
        records.append(own)
    return [
        Batch(
            request_id=_id("confirm", partner, duty, part, first, once),
            partner=partner,
            rows=tuple(range(first + 1, first + 1 + len(part))),
            records=tuple(part),
        )
        for first, part in _parts(records)
    ]


def refusals(
    lines: Iterable[Line], *, own: str, partner: str, duty: "Duty", once: str | None
) -> list[RefuseRecordsRequest]:
    """Return the requests that refuse what is refused."""
    bodies = [
        RecordRefusal(
            settlement_no=line.judged.filed.record.settlement_no,
            home=own,
            host=partner,
            reason=line.reason,
        )
        for line in lines
        if line.word is Word.REFUSE
    ]
    return [
        RefuseRecordsRequest(
            request_id=_id("refuse", partner, duty, part, first, once),
            duty=duty,
            partner=partner,
            refusals=part,
        )
        for first, part in _parts(bodies)
    ]


def _parts(bodies: Sequence[Any]) -> list[tuple[int, Sequence[Any]]]:
    return [
        (first, bodies[first : first + BATCH_MAX]) for first in range(0, len(bodies), BATCH_MAX)
    ]


def _id(  # noqa: PLR0917 - what an id is made of, in order
    verb: str, partner: str, duty: "Duty", part: Sequence[Any], first: int, once: str | None
) -> str:
    """Return a request id: from content and place, or from an id of the caller's choice."""
    if once is not None:
        return content_id(verb.encode(), once.encode(), str(first).encode())
    content = (each.SerializeToString(deterministic=True) for each in part)
    named = (verb, partner, duty.maker, duty.reviewer, str(first))
    return content_id(*(text.encode() for text in named), *content)


def waiting_numbers(node: "SyncNodeClient", partner: str) -> frozenset[str]:
    """Return the numbers that drafts answer which wait for a reviewer."""
    from deltacare.v1.review_service_pb2 import GetDraftRequest, ListDraftsRequest

    found: set[str] = set()
    request = ListDraftsRequest(page_size=1_000)
    while True:
        page = node.review.ListDrafts(request)
        for draft in page.drafts:
            verb = draft.method.rpartition("/")[2]
            if draft.partner != partner or verb not in {"FileRecords", "RefuseRecords"}:
                continue
            data = node.review.GetDraft(GetDraftRequest(name=draft.name)).request
            if verb == "FileRecords":
                found |= {x.settlement_no for x in FileRecordsRequest.FromString(data).records}
            else:
                found |= {x.settlement_no for x in RefuseRecordsRequest.FromString(data).refusals}
        if not page.next_page_token:
            return frozenset(found)
        request.page_token = page.next_page_token


# --- Files ----------------------------------------------------------------------------------------


def write_inbox(path: Path, judged: Sequence[JudgedRecord], *, is_chinese: bool) -> None:
    """Write what waits as a file to decide in: the ten columns, the verdict, and what is decided.

    Args:
        path: Ends in ``.csv`` or ``.xlsx``.
        judged: What waits.
        is_chinese: Whether the columns are named in Chinese; both are read.
    """
    names = {**{name: ALIASES[name] for name in COLUMNS}, **ADDED_COLUMNS}
    header = [others[0] if is_chinese else name for name, others in names.items()]
    verdicts = {number: name for name, number in VERDICTS.items()}
    rows = [
        [
            *(getattr(each.filed.record, name) for name in COLUMNS),
            each.filed.entry.index,
            verdicts[each.verdict],
            each.entitled_fen,
            "",
            "",
        ]
        for each in judged
    ]
    if path.suffix.lower() == ".csv":
        import csv

        with path.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows([header, *rows])
        return
    _write_workbook(path, header, rows, position=len(names) - 1)


def _write_workbook(
    path: Path, header: Sequence[str], rows: Sequence[Sequence[Any]], *, position: int
) -> None:
    """Write a workbook whose column of decisions offers the words that are read."""
    from openpyxl import Workbook
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    book = Workbook()
    sheet: Any = book.active
    sheet.title = "inbox"
    sheet.append(list(header))
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    sheet.freeze_panes = "A2"
    for row in rows:
        sheet.append(list(row))
    words = ",".join(word.value[1] for word in Word) + "," + ",".join(w.value[0] for w in Word)
    check = DataValidation(type="list", formula1=f'"{words}"', allow_blank=True)
    sheet.add_data_validation(check)
    letter = get_column_letter(position)
    check.add(f"{letter}2:{letter}{len(rows) + 2}")
    book.save(path)


def read_decisions(path: Path) -> dict[str, list[Decision]]:
    """Return what a file decides, by number; rows without a word are left alone.

    Args:
        path: CSV or XLSX, as `write_inbox` wrote it.

    Raises:
        BadFile: If a column is missing, a word is none, or an entry stands twice; names all.
    """
    table = read_table(path)
    wanted = {"settlement_no": ALIASES["settlement_no"], **ADDED_COLUMNS}
    positions, wrong = column_positions(table.header, wanted)
    if wrong:
        raise BadFile(path.name, Findings(wrong))
    findings = Findings(table.findings)
    findings.total = table.findings_total
    found: dict[str, list[Decision]] = {}
    seen: set[int] = set()
    for row in table.rows:
        cells = {name: row.cells[position].strip() for name, position in positions.items()}
        if not cells["decision"]:
            continue
        word, number = Word.parse(cells["decision"]), cells["settlement_no"]
        if word is None:
            findings.note(
                Problem.NOT_DECISION, row=row.number, column="decision", value=cells["decision"]
            )
        elif not cells["entry_index"].isdecimal():
            findings.note(Problem.EMPTY_VALUE, row=row.number, column="entry_index")
        elif (index := int(cells["entry_index"])) in seen:
            findings.note(
                Problem.REPEATED_VALUE, row=row.number, column="entry_index", value=str(index)
            )
        else:
            seen.add(index)
            decision = Decision(
                row=row.number, word=word, reason=cells["reason"], entry_index=index
            )
            found.setdefault(number, []).append(decision)
    if not table.rows and not findings.total:
        findings.note(Problem.NO_ROWS)
    if findings.total:
        raise BadFile(path.name, findings)
    return found
