"""Asks a node about a roster, batch by batch, and returns a result for each row.

All batches are asked as of one day and, if one is given, one moment. Nothing is written here.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clients.checking.roster import RosterRow
from clients.checking.words import remedy
from clients.plain import enum_name
from deltacare.times import parse_date
from deltacare.v1.certification_service_pb2 import (
    VERDICT_HOLDER_MISMATCH,
    BatchCheckCertificationsRequest,
    CheckCertificationRequest,
    CheckCertificationResponse,
    CheckedRow,
    CheckRow,
)

__all__ = ["BATCH_ROWS", "NOT_ASKED", "Asked", "RowResult", "check_rows", "counts", "verdict_file"]

BATCH_ROWS = 1_000
NOT_ASKED = "NOT_ASKED"
"""In place of a verdict: the row could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is the same for all rows.

    Attributes:
        on_date: Day they should be good for; empty for today.
        known_time: Moment whose facts are used; ``None`` for now.
        host: Division where they should count; empty for the node's province.
        purpose: Code of the purpose; empty for ``WORK``, not noted.
    """

    on_date: str = ""
    known_time: datetime | None = None
    host: str = ""
    purpose: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowResult:
    """What came of a row.

    Attributes:
        row: As read.
        verdict: Name of the verdict, or ``NOT_ASKED``.
        rule: Rule that decided; empty if not asked.
        reason: Code of the reason that issuer or host gave.
        on_date: Day that was judged.
        valid_until_date: Last day, renewals included; empty if unknown, or another's.
        days_left: From the judged day to the last; ``None`` if unknown.
        counts_as: Scheme and grade it counts as here; empty unless valid.
        remedy: What to do next, in Chinese and English.
        faults: What cannot be read, and what else is to be known, in Chinese and English.
    """

    row: RosterRow
    verdict: str
    rule: str = ""
    reason: str = ""
    on_date: str = ""
    valid_until_date: str = ""
    days_left: int | None = None
    counts_as: str = ""
    remedy: tuple[str, str]
    faults: tuple[tuple[str, str], ...] = ()


def check_rows(
    node: Any,  # noqa: ANN401  # a client of a node
    rows: Sequence[RosterRow],
    asked: Asked,
    *,
    in_chinese: Callable[[str], str | None],
    on_batch: Callable[[int], None],
) -> list[RowResult]:
    """Return the results of rows, in their order.

    Args:
        node: Answers.
        rows: Of a roster.
        asked: What is the same for all.
        in_chinese: Finds the Chinese of what the node says of a row.
        on_batch: Called with the number of rows that a batch took.
    """
    results: list[RowResult] = []
    for start in range(0, len(rows), BATCH_ROWS):
        some = rows[start : start + BATCH_ROWS]
        good = [row for row in some if not row.faults]
        answers: Iterable[CheckedRow] = ()
        if good:
            request = BatchCheckCertificationsRequest(
                rows=[
                    CheckRow(certificate_no=row.certificate_no, holder_name=row.holder_name)
                    for row in good
                ],
                on_date=asked.on_date,
                host=asked.host,
                purpose=asked.purpose,
            )
            if asked.known_time is not None:
                request.known_time.FromDatetime(asked.known_time)
            answers = node.certification.BatchCheckCertifications(request).rows
        results += _merged(some, iter(answers), in_chinese)
        on_batch(len(some))
    return results


def counts(results: Iterable[RowResult]) -> dict[str, int]:
    """Return how many rows have each verdict, ``VALID`` first, then by name; and the total."""
    found = Counter(result.verdict for result in results)
    order = sorted(found, key=lambda name: (name != "VALID", name == NOT_ASKED, name))
    return {name: found[name] for name in order}


def verdict_file(
    node: Any,  # noqa: ANN401  # a client of a node
    row: RosterRow,
    asked: Asked,
) -> tuple[str, bytes]:
    """Return the verdict and the verdict file of a row.

    Args:
        node: Makes it.
        row: One that was asked about.
        asked: What is the same for all; of a past moment too.
    """
    request = CheckCertificationRequest(
        certificate_no=row.certificate_no,
        holder_name=row.holder_name,
        on_date=asked.on_date,
        host=asked.host,
        purpose=asked.purpose,
        evidence=True,
    )
    if asked.known_time is not None:
        request.known_time.FromDatetime(asked.known_time)
    response = node.certification.CheckCertification(request)
    return enum_name(response, "verdict"), response.evidence


def _merged(
    rows: Iterable[RosterRow],
    answers: Iterator[CheckedRow],
    in_chinese: Callable[[str], str | None],
) -> Iterator[RowResult]:
    """Yield results of rows, of which those without fault were answered in order."""
    for row in rows:
        if row.faults:
            yield RowResult(
                row=row, verdict=NOT_ASKED, remedy=remedy(""), faults=(*row.faults, *row.notes)
            )
            continue
        answer = next(answers)
        if not answer.HasField("verdict"):
            said = tuple((in_chinese(text) or text, text) for text in answer.violations)
            yield RowResult(
                row=row, verdict=NOT_ASKED, remedy=remedy(""), faults=(*said, *row.notes)
            )
            continue
        yield _result(row, answer.verdict, answer.valid_until_date)


def _result(
    row: RosterRow, verdict: CheckCertificationResponse, valid_until_date: str
) -> RowResult:
    """Return the result of a row that was answered.

    Of a certificate that is somebody else's the last day says nothing of the one who shows it.
    """
    if verdict.verdict == VERDICT_HOLDER_MISMATCH:
        valid_until_date = ""
    return RowResult(
        row=row,
        verdict=enum_name(verdict, "verdict"),
        rule=verdict.rule,
        reason=verdict.reason,
        on_date=verdict.on_date,
        valid_until_date=valid_until_date,
        days_left=_days_left(verdict.on_date, valid_until_date),
        counts_as=" ".join(filter(None, (verdict.mapped_scheme, verdict.mapped_grade))),
        remedy=remedy(verdict.rule),
        faults=row.notes,
    )


def _days_left(on_date: str, until_date: str) -> int | None:
    """Return the days from one date to another, ``None`` if the last is unknown."""
    if not until_date:
        return None
    return (parse_date(until_date) - parse_date(on_date)).days
