"""The statement as a workbook: what it says, and that equal statements are equal bytes."""

import io
from dataclasses import replace
from decimal import Decimal
from typing import Any

import openpyxl
import pytest

from settlement.core.classes import LineClass
from settlement.core.net import multilateral, payment_id, positions
from settlement.core.summary import ClassTotal
from settlement.report import PaymentLine, StatementView, statement_workbook

LEAF = bytes(range(32))
MATRIX = {("310000", "320000"): 123_456, ("320000", "310000"): 23_455}
NET = positions(MATRIX)
VIEW = StatementView(
    statement_id="310000-S2026-11",
    proposer="310000",
    from_date="2026-11-01",
    until_date="2026-11-05",
    netting="MULTILATERAL",
    leaf_hash=LEAF,
    bilateral=MATRIX,
    positions=NET,
    payments=[
        PaymentLine(payment_id=payment_id(LEAF, p.payer, p.payee), payment=p)
        for p in multilateral(NET)
    ],
    pair_results=[("310000", "320000", "2026-11-01", b"\x02" * 32)],
    totals=[
        ClassTotal(
            home="310000",
            host="320000",
            line_class=LineClass.AMOUNT,
            line_count=3,
            home_fen=123_456,
            host_fen=123_400,
        )
    ],
    answers=[("310000", "=cmd()", "maker-1", "checker-1")],
)


def sheets(data: bytes) -> dict[str, list[list[Any]]]:
    """Return the cells of every sheet, without empty ones."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    return {
        sheet.title: [[cell for cell in line if cell is not None] for line in sheet.values]
        for sheet in book.worksheets
    }


def test_chinese_workbook() -> None:
    """Every sheet prints the digest; amounts are yuan with two decimals and add up."""
    found = sheets(statement_workbook(VIEW))
    assert ["清算单", "双边矩阵", "分类汇总", "对账依据"] == list(found)
    for lines in found.values():
        assert ["摘要（审批以此为准）", LEAF.hex()] in lines
    front = found["清算单"]
    assert ["上海市 310000", 1234.56, 234.55, -1000.01] in front
    assert ["合计", 1469.11, 1469.11, 0] in front
    payment = next(line for line in front if payment_id(LEAF, "310000", "320000") in line)
    assert "人民币壹仟元零壹分" in payment
    assert ["上海市 310000", "—", 1234.56, 1234.56] in found["双边矩阵"]
    classes = next(line for line in found["分类汇总"] if line and line[0] == "金额不一致")
    assert [3, 1234.56, 1234, "否", LineClass.AMOUNT.action_zh] == classes[1:]
    assert ["上海市 310000", "江苏省 320000", "2026-11-01", "02" * 32] in found["对账依据"]


def test_english_workbook() -> None:
    """The same in English."""
    found = sheets(statement_workbook(VIEW, lang="en"))
    assert ["Statement", "Bilateral matrix", "Classes", "Basis"] == list(found)
    assert ["Digest (what is approved)", LEAF.hex()] in found["Statement"]


def test_same_view_same_bytes() -> None:
    """Two nodes that draw the same statement have the same file; another amount, another file."""
    assert statement_workbook(VIEW) == statement_workbook(replace(VIEW))
    other = replace(VIEW, statement_id="310000-S2026-12")
    assert statement_workbook(VIEW) != statement_workbook(other)


def test_text_is_never_a_formula() -> None:
    """A text that begins with an equals sign stays a text."""
    book = openpyxl.load_workbook(io.BytesIO(statement_workbook(VIEW)))
    cells = [cell for line in book["清算单"].iter_rows() for cell in line]
    assert [cell.data_type for cell in cells if cell.value == "=cmd()"] == ["s"]
    shown = [cell for cell in cells if cell.value == 1234.56]
    assert {"#,##0.00;[Red]-#,##0.00"} == {cell.number_format for cell in shown}


def test_without_totals_there_is_no_sheet_for_them() -> None:
    """A viewer that holds no lines gets no empty sheet."""
    assert "分类汇总" not in sheets(statement_workbook(replace(VIEW, totals=())))


def test_positions_must_follow_from_the_matrix() -> None:
    """A view that contradicts itself is our fault and is not drawn."""
    with pytest.raises(AssertionError, match="matrix"):
        statement_workbook(replace(VIEW, positions={"310000": 1, "320000": -1}))
    assert Decimal("1234.56") == Decimal(123_456) / 100
