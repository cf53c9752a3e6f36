"""Files of disputes and answers, and the workbook of open lines: what is read, sent and written."""

import io
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from clients.cli.failures import InputRefused
from clients.cli.line_sheet import line_workbook
from clients.cli.open_lines import LineFilter, OpenLine, add_up, require_equal
from clients.filing.disputing import (
    BATCH_MAX,
    answer_requests,
    dispute_number,
    partner_of,
    raise_requests,
    read_answers,
    read_disputes,
)
from deltacare.v1 import clearing_service_pb2 as cpb
from deltacare.v1 import entry_pb2 as epb
from deltacare.v1.types_pb2 import Duty
from settlement.core.classes import LineClass
from settlement.findings import BadFile

OWN, OTHER, THIRD = "310000", "320000", "330000"
TODAY = date(2026, 11, 22)
DUTY = Duty(maker="mk-1", reviewer="rv-1")


def write(path: Path, *lines: str) -> Path:
    """Write a file of lines."""
    path.write_text("\n".join(lines) + "\n", encoding="utf-8-sig")
    return path


def test_disputes_of_a_file(tmp_path: Path) -> None:
    """In the columns' own or in Chinese names, with the clerk's numbers or without."""
    file = write(
        tmp_path / "a.csv",
        "差错单编号,结算编号,户籍地,服务地,差错类型,事由",
        f",S1,{OTHER},{OWN},amount,WRONG_AMOUNT",
        f"{OWN}-D9,S2,{OWN},{THIRD},NOT_SERVED,NEVER_CAME",
    )
    first, second = read_disputes(file, own=OWN, today=TODAY)
    assert (OTHER, epb.DISPUTE_CLAIM_AMOUNT) == (partner_of(first, OWN), first.claim)
    assert first.dispute_id == dispute_number(OWN, TODAY, first)
    assert first.dispute_id.startswith(f"{OWN}-D20261122-")
    assert (f"{OWN}-D9", THIRD) == (second.dispute_id, partner_of(second, OWN))


@pytest.mark.parametrize(
    "row, columns",
    [
        (f"S1,{OTHER},{OWN},nothing,WRONG", ["claim"]),
        (f",{OTHER},{OWN},AMOUNT,WRONG", ["settlement_no"]),
        (f"S1,{OTHER},{OWN},AMOUNT,", ["reason"]),
        (f"S1,{OTHER},{THIRD},AMOUNT,WRONG", ["home"]),
    ],
)
def test_every_bad_row_is_named(tmp_path: Path, row: str, columns: list[str]) -> None:
    """Row, column, value and remedy; one bad row and nothing is made of the file."""
    file = write(
        tmp_path / "a.csv",
        "settlement_no,home,host,claim,reason",
        f"S0,{OTHER},{OWN},AMOUNT,WRONG",
        row,
    )
    with pytest.raises(BadFile) as caught:
        read_disputes(file, own=OWN, today=TODAY)
    assert [(3, column) for column in columns] == [
        (each.row, each.column) for each in caught.value.findings
    ]
    assert all(each.remedy and each.remedy_zh for each in caught.value.findings)


@pytest.mark.parametrize(
    "row, columns",
    [
        (f"{OTHER}-D1,AGREED,REVISE,", []),
        (f"{OTHER}-D1,contested,,AS_FILED", []),
        (f"{OTHER}-D1,AGREED,,", ["remedy"]),
        (f"{OTHER}-D1,CONTESTED,,", ["reason"]),
        (f"{OTHER}-D1,maybe,,X", ["word"]),
        (f"{OTHER}-D0,AGREED,REVISE,", ["dispute_id"]),
        (",AGREED,REVISE,", ["dispute_id"]),
    ],
)
def test_answers_of_a_file(tmp_path: Path, row: str, columns: list[str]) -> None:
    """An agreement names a remedy, a contestation a reason; each dispute stands once."""
    file = write(
        tmp_path / "a.csv", "dispute_id,word,remedy,reason", f"{OTHER}-D0,AGREED,FILE,", row
    )
    if not columns:
        assert 2 == len(read_answers(file))
        return
    with pytest.raises(BadFile) as caught:
        read_answers(file)
    assert columns == [each.column for each in caught.value.findings]


def test_requests_come_by_partner_and_hundred() -> None:
    """The same content has the same id, other content another; no request is too large."""
    disputes = [
        epb.Dispute(
            dispute_id=f"{OWN}-D{number}",
            settlement_no=f"S{number}",
            home=OTHER if number % 3 else THIRD,
            host=OWN,
            claim=epb.DISPUTE_CLAIM_DAYS,
            reason="WRONG",
        )
        for number in range(250)
    ]
    requests = raise_requests(disputes, own=OWN, duty=DUTY, once=None)
    assert [(OTHER, 100), (OTHER, 66), (THIRD, 84)] == [
        (each.partner, len(each.disputes)) for each in requests
    ]
    assert BATCH_MAX == max(len(each.disputes) for each in requests)
    assert requests == raise_requests(disputes, own=OWN, duty=DUTY, once=None)
    ids = {each.request_id for each in requests}
    again = raise_requests(disputes, own=OWN, duty=DUTY, once="a")
    assert 6 == len(ids | {each.request_id for each in again})
    answers = [
        epb.DisputeAnswer(
            dispute_id=f"{OTHER}-D{number}", word=epb.DISPUTE_WORD_CONTESTED, reason="NO"
        )
        for number in range(101)
    ]
    assert [100, 1] == [
        len(each.answers) for each in answer_requests(answers, duty=DUTY, once=None)
    ]


# --- Open lines -----------------------------------------------------------------------------------


def open_line(number: str, owner: str, *, institution: str = "", overdue: bool = False) -> OpenLine:
    """Return an open line with one side's record."""
    line = cpb.Line(
        home=OTHER,
        host=OWN,
        settlement_no=number,
        line_class=LineClass.AMOUNT.rank,  # type: ignore[arg-type]  # the enum is by rank
        owner=owner,
        host_side=cpb.LineSide(
            row_count=1,
            sum_fen=100,
            record=epb.SettlementRecord(institution=institution),
        ),
    )
    return OpenLine(
        line=line,
        business_date="2026-11-01",
        age_days=1,
        overdue_days=0,
        is_overdue=overdue,
        command="",
    )


@pytest.mark.parametrize(
    "options, numbers",
    [
        ({}, "ABCD"),
        ({"owner": "mine"}, "AC"),
        ({"owner": "other"}, "B"),
        ({"owner": "both"}, "C"),
        ({"owner": OTHER}, "B"),
        ({"overdue": True}, "D"),
        ({"institution": f"{OWN}-1"}, "A"),
        ({"institutions": frozenset({f"{OWN}-1", f"{OWN}-2"})}, "AB"),
        ({"institutions": frozenset()}, ""),
        ({"owner": "mine", "institution": f"{OWN}-2"}, ""),
    ],
)
def test_filters(options: dict[str, Any], numbers: str) -> None:
    """By whose move, what is overdue, institution and division; together they narrow."""
    lines = [
        open_line("A", OWN, institution=f"{OWN}-1"),
        open_line("B", OTHER, institution=f"{OWN}-2"),
        open_line("C", "BOTH"),
        open_line("D", THIRD, overdue=True),
    ]
    wanted = LineFilter(
        **{"owner": "", "overdue": False, "institution": "", "institutions": None, **options}
    )
    assert numbers == "".join(each.line.settlement_no for each in lines if wanted.takes(each, OWN))
    assert (not options) is wanted.is_whole


def test_totals_are_those_that_the_node_counts() -> None:
    """A list that is not the whole is not shown as if it were."""
    totals = add_up([open_line("A", OWN), open_line("B", OWN)])
    assert {"AMOUNT": (2, 0, 200)} == totals
    require_equal(totals, {"AMOUNT": (2, 0, 200)})
    with pytest.raises(InputRefused):
        require_equal(totals, {"AMOUNT": (3, 0, 300)})


def test_no_cell_is_a_formula() -> None:
    """Whatever a text begins with it stays one; numbers are numbers; equal lines, equal bytes."""
    texts = ["=1+1", "+1", "-1", "@SUM(A1)", "{=1}", "http://example.org", "3", ""]
    data = line_workbook([("差错", ["文本", "数"], [(text, 7) for text in texts])])
    assert data == line_workbook([("差错", ["文本", "数"], [(text, 7) for text in texts])])
    sheet = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]
    rows = list(sheet.iter_rows(min_row=2))
    assert texts == [row[0].value or "" for row in rows]
    assert {"s", "n"} >= {row[0].data_type for row in rows}
    assert ["s"] * 7 == [row[0].data_type for row in rows[:7]]
    assert [7] * 8 == [row[1].value for row in rows]
    assert not any(row[0].hyperlink for row in rows)
