"""Reads files of disputes and of answers to them, and makes the requests of what is in them.

Every row is checked before anything is sent. The number of a dispute that names none, and the id of
a request, come from content and day: a file that is sent again on the same day says nothing twice.
Whether a line may be disputed is the node's to judge.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from clients.filing.ids import content_id
from deltacare.v1.dispute_service_pb2 import AnswerDisputesRequest, RaiseDisputesRequest
from deltacare.v1.entry_pb2 import (
    Dispute,
    DisputeAnswer,
    DisputeClaim,
    DisputeRemedy,
    DisputeWord,
)
from deltacare.v1.types_pb2 import Duty
from settlement.files import Table, column_positions, read_table
from settlement.findings import BadFile, Finding, Findings, Problem

__all__ = [
    "ANSWER_COLUMNS",
    "BATCH_MAX",
    "CLAIMS",
    "DISPUTE_COLUMNS",
    "REMEDIES",
    "answer_requests",
    "dispute_number",
    "partner_of",
    "raise_requests",
    "read_answers",
    "read_disputes",
]

BATCH_MAX: Final = 100

_PROVINCE_CHARS = 6

CLAIMS: Final[Mapping[str, int]] = MappingProxyType(
    {name.removeprefix("DISPUTE_CLAIM_"): value for name, value in DisputeClaim.items() if value}
)
"""What may be disputed, by the name that stands in a file."""

REMEDIES: Final[Mapping[str, int]] = MappingProxyType(
    {name.removeprefix("DISPUTE_REMEDY_"): value for name, value in DisputeRemedy.items() if value}
)
"""What puts a line right, likewise."""

_WORDS: Final[Mapping[str, int]] = MappingProxyType(
    {name.removeprefix("DISPUTE_WORD_"): value for name, value in DisputeWord.items() if value}
)

DISPUTE_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "settlement_no": ("结算编号", "结算单号"),
        "home": ("户籍地", "户籍省份"),
        "host": ("服务地", "服务省份"),
        "claim": ("差错类型", "主张"),
        "reason": ("事由",),
    }
)
ANSWER_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "dispute_id": ("差错单编号",),
        "word": ("答复",),
        "remedy": ("更正方式",),
        "reason": ("事由",),
    }
)
_DISPUTE_ID: Final[Mapping[str, tuple[str, ...]]] = {"dispute_id": ("差错单编号",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sheet:
    """The cells of a file by column, and what is wrong with it so far."""

    rows: Sequence[tuple[int, dict[str, str]]]
    findings: Findings

    def choice(self, row: int, column: str, value: str, known: Mapping[str, int]) -> int:
        """Return what a cell names, 0 after noting that it names nothing known."""
        found = known.get(value.upper(), 0)
        if not found:
            names = ", ".join(known)
            self.findings.add(
                Finding(
                    row=row,
                    column=column,
                    value=value[:64],
                    problem="It is not a known value.",
                    remedy=f"Use one of {names}.",
                    problem_zh="不是已知的值。",
                    remedy_zh=f"请用：{names}。",
                )
            )
        return found


def _sheet(
    path: Path,
    columns: Mapping[str, tuple[str, ...]],
    optional: Mapping[str, tuple[str, ...]],
) -> _Sheet:
    """Return the cells of a file.

    Raises:
        BadFile: If a column is missing.
    """
    table: Table = read_table(path)
    positions, missing = column_positions(table.header, columns)
    if missing:
        raise BadFile(path.name, Findings(missing))
    more, _ = column_positions(table.header, optional)
    findings = Findings(table.findings)
    findings.total = table.findings_total
    if not table.rows and not findings.total:
        findings.note(Problem.NO_ROWS)
    rows = [
        (
            row.number,
            {name: row.cells[position].strip() for name, position in {**positions, **more}.items()},
        )
        for row in table.rows
    ]
    return _Sheet(rows=rows, findings=findings)


def read_disputes(path: Path, *, own: str, today: date) -> list[Dispute]:
    """Return the disputes of a file.

    Args:
        path: CSV or XLSX with the columns settlement_no, home, host, claim, reason, and dispute_id
            where the clerk numbers them.
        own: The node's province.
        today: From which numbers are made.

    Raises:
        BadFile: If a column is missing or a row cannot be read; names all.
    """
    sheet = _sheet(path, DISPUTE_COLUMNS, _DISPUTE_ID)
    disputes: list[Dispute] = []
    seen: set[str] = set()
    for number, cells in sheet.rows:
        for name in ("settlement_no", "home", "host", "reason"):
            if not cells[name]:
                sheet.findings.note(Problem.EMPTY_VALUE, row=number, column=name)
        if own not in {cells["home"], cells["host"]}:
            sheet.findings.add(
                Finding(
                    row=number,
                    column="home",
                    value=f"{cells['home']}, {cells['host']}"[:64],
                    problem=f"It is not between {own} and another province.",
                    remedy="Have one of its two provinces file it.",
                    problem_zh=f"不涉及本省 {own}。",
                    remedy_zh="请交由有关省份报送。",
                )
            )
        body = Dispute(
            settlement_no=cells["settlement_no"],
            home=cells["home"],
            host=cells["host"],
            claim=DisputeClaim.ValueType(sheet.choice(number, "claim", cells["claim"], CLAIMS)),
            reason=cells["reason"],
        )
        body.dispute_id = cells.get("dispute_id") or dispute_number(own, today, body)
        if body.dispute_id in seen:
            sheet.findings.note(
                Problem.REPEATED_VALUE, row=number, column="dispute_id", value=body.dispute_id
            )
        seen.add(body.dispute_id)
        disputes.append(body)
    if sheet.findings.total:
        raise BadFile(path.name, sheet.findings)
    return disputes


def read_answers(path: Path) -> list[DisputeAnswer]:
    """Return the answers of a file.

    Args:
        path: CSV or XLSX with the columns dispute_id, word (AGREED or CONTESTED), remedy, reason.

    Raises:
        BadFile: If a column is missing or a row cannot be read; names all.
    """
    sheet = _sheet(path, ANSWER_COLUMNS, {})
    answers: list[DisputeAnswer] = []
    seen: set[str] = set()
    for number, cells in sheet.rows:
        if not cells["dispute_id"]:
            sheet.findings.note(Problem.EMPTY_VALUE, row=number, column="dispute_id")
        elif cells["dispute_id"] in seen:
            sheet.findings.note(
                Problem.REPEATED_VALUE,
                row=number,
                column="dispute_id",
                value=cells["dispute_id"],
            )
        seen.add(cells["dispute_id"])
        word = sheet.choice(number, "word", cells["word"], _WORDS)
        remedy = 0
        if word == DisputeWord.DISPUTE_WORD_AGREED or cells["remedy"]:
            remedy = sheet.choice(number, "remedy", cells["remedy"], REMEDIES)
        if word == DisputeWord.DISPUTE_WORD_CONTESTED and not cells["reason"]:
            sheet.findings.note(Problem.EMPTY_VALUE, row=number, column="reason")
        answers.append(
            DisputeAnswer(
                dispute_id=cells["dispute_id"],
                word=DisputeWord.ValueType(word),
                remedy=DisputeRemedy.ValueType(remedy),
                reason=cells["reason"],
            )
        )
    if sheet.findings.total:
        raise BadFile(path.name, sheet.findings)
    return answers


def dispute_number(own: str, today: date, body: Dispute) -> str:
    """Return the number of a dispute that its author does not number: from its content and day."""
    parts = (body.settlement_no, body.home, body.host, str(body.claim), body.reason)
    digest = content_id(*(part.encode() for part in parts)).partition("-")[0]
    return f"{own}-D{today:%Y%m%d}-{digest}"


def partner_of(dispute: Dispute, own: str) -> str:
    """Return the other province of a disputed line."""
    return dispute.host if dispute.home == own else dispute.home


def raise_requests(
    disputes: Iterable[Dispute], *, own: str, duty: Duty, once: str | None
) -> list[RaiseDisputesRequest]:
    """Return the requests that raise disputes, at most 100 each, by partner.

    Args:
        disputes: In the order of the file.
        own: The node's province.
        duty: Who answers for it.
        once: Request id of the caller's choice; ``None`` lets content decide.
    """
    by_partner: dict[str, list[Dispute]] = {}
    for each in disputes:
        by_partner.setdefault(partner_of(each, own), []).append(each)
    return [
        RaiseDisputesRequest(
            request_id=_request_id("raise", partner, duty, once, batch),
            duty=duty,
            partner=partner,
            disputes=batch,
        )
        for partner, batch in _batches(by_partner)
    ]


def answer_requests(
    answers: Iterable[DisputeAnswer], *, duty: Duty, once: str | None
) -> list[AnswerDisputesRequest]:
    """Return the requests that answer disputes, at most 100 each, by who raised them.

    Args:
        answers: In the order of the file.
        duty: Who answers for it.
        once: As for `raise_requests`.
    """
    by_partner: dict[str, list[DisputeAnswer]] = {}
    for each in answers:
        by_partner.setdefault(each.dispute_id[:_PROVINCE_CHARS], []).append(each)
    return [
        AnswerDisputesRequest(
            request_id=_request_id("answer", partner, duty, once, batch),
            duty=duty,
            partner=partner,
            answers=batch,
        )
        for partner, batch in _batches(by_partner)
    ]


def _batches(by_partner: Mapping[str, Sequence[Any]]) -> Iterable[tuple[str, Sequence[Any]]]:
    for partner in sorted(by_partner):
        rows = by_partner[partner]
        for first in range(0, len(rows), BATCH_MAX):
            yield partner, rows[first : first + BATCH_MAX]


def _request_id(verb: str, partner: str, duty: Duty, once: str | None, batch: Sequence[Any]) -> str:
    """Return the id of one request, by its content or by an id that the caller chose."""
    content = [each.SerializeToString(deterministic=True) for each in batch]
    named = (verb, partner, once) if once else (verb, partner, duty.maker, duty.reviewer)
    return content_id(b"dispute", *(text.encode() for text in named), *content)
