"""Reports as workbooks: numbers as numbers, texts as texts, equal reports as equal bytes."""

import io
from dataclasses import replace
from decimal import Decimal
from typing import Any

import openpyxl

from clients.reports.month import month_digest, month_document
from clients.reports.statement import statement_document
from clients.reports.words import division
from clients.reports.xlsx import workbook
from settlement.core.net import payment_id
from tests.clients.reports.generated import HASH, MONTH, NIGHTS, STANDING, counts


def sheets(data: bytes) -> dict[str, list[list[Any]]]:
    """Return the cells of every sheet, without empty ones."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    found = {
        sheet.title: [[cell for cell in line if cell is not None] for line in sheet.values]
        for sheet in book.worksheets
    }
    book.close()
    return found


def statement(lang: str = "zh") -> dict[str, list[list[Any]]]:
    """Return the sheets of a statement with all that it can have."""
    document = statement_document(
        STANDING,
        NIGHTS,
        counts={"320000": counts()},
        payments=MONTH.payments,
        advances=MONTH.advances,
        lang=lang,
    )
    return sheets(workbook(document))


def test_statement() -> None:
    """Every sheet states the digest; positions, matrix, classes and payments add up."""
    found = statement()
    assert ["清算单", "双边矩阵", "分类汇总", "付款与预付金", "对账依据"] == list(found)
    for lines in found.values():
        assert ["摘要（审批以此为准）", HASH.hex()] in lines
    front = found["清算单"]
    assert ["清算单所在日志", "deltacare/310000/registry 序号 7"] in front
    assert ["上海市 310000", 1234.56, 234.55, -1000.01] in front
    assert ["合计", 1469.11, 1469.11, 0] in front
    expected = payment_id(HASH, "310000", "320000")
    capital = "人民币玖佰元零壹分"
    assert [expected, "上海市 310000", "江苏省 320000", 900.01, capital] in front
    assert ["上海市 310000", "江苏省 320000", 100, "05" * 32] in front
    assert ["上海市 310000", "同意", "=cmd()", "r-1", "r-1/key-r-1"] in front
    assert ["江苏省 320000", "未答复"] == [
        cell for cell in next(row for row in front if "未答复" in row) if cell
    ]
    assert ["应收合计", 234.55, 1234.56, 1469.11] in found["双边矩阵"]
    rows = [row[:4] for row in found["分类汇总"]]
    assert ["对平", 5, 3.5, 3.5] in rows
    assert ["合计", 6, 1238.06, 1237.5] in rows


def test_basis() -> None:
    """What the statement rests on: results, and how far the settlement logs went."""
    rows = statement()["对账依据"]
    first = NIGHTS[0]
    hashes = f"{first.lower_result_hash.hex()} {first.higher_result_hash.hex()}"
    assert ["310000", "320000", "2026-11-16", "10" * 32, hashes] in rows
    assert ["deltacare/320000/settlement/310000", 320, "05" * 32] in rows
    # A night that the statement does not name is not shown.
    assert "2026-11-17" not in [cell for row in rows for cell in row]


def test_english() -> None:
    """The same in English."""
    found = statement("en")
    assert ["Statement", "Bilateral matrix", "Classes", "Payments and advances", "Basis"] == list(
        found
    )
    assert "approved" in [cell for row in found["Statement"] for cell in row]
    for lines in found.values():
        for row in lines:
            assert not [cell for cell in row if isinstance(cell, str) and "摘要" in cell]


def test_month() -> None:
    """Each part of the month says what the node said, with its sums."""
    found = sheets(workbook(month_document(MONTH)))
    assert [
        *("双边矩阵", "分类汇总", "未结账龄", "分机构", "分区县"),
        *("付款与预付金", "差错单", "账簿", "对账依据"),
    ] == list(found)
    digest = month_digest(NIGHTS).hex()
    for lines in found.values():
        assert ["本月对账结果摘要", digest] in lines
        assert ["月结", f"流水摘要 {'0c' * 32}（9 笔）"] in lines
        assert ["试算平衡摘要", "0b" * 32] in lines
    assert ["上海市 310000", "—", 5, 5] in found["双边矩阵"]
    ageing = found["未结账龄"]
    assert [
        "户籍地 → 服务地",
        "类别",
        *("0–3 天", "4–7 天", "8–15 天", "16–30 天", "30 天以上"),
        *("已逾期", "未结金额"),
    ] in ageing
    assert ["320000 → 310000", "金额不一致", 1, 0, 1, 0, 1, 2, 6.03] in ageing
    assert ["320000 → 310000", "310000-1 示例养老院", "黄浦区 310101", 4, 1.5] in found["分机构"]
    assert 3.5 == found["分区县"][-1][-1]
    assert ["补付余款"] == [
        row[-1] for row in found["付款与预付金"] if row and str(row[0]).startswith("PPP")
    ]
    assert ["320000-A1", "江苏省 320000", "上海市 310000", 500, 500, 100, 400] in found[
        "付款与预付金"
    ]
    assert ["310000-D1", "S1", "320000 → 310000", "2026-11-20", "有争议", "双方", "2026-11-27"] in (
        found["差错单"]
    )
    assert ["Assets:Bank", "银行存款", 0, 900, -900] in found["账簿"]


def test_a_district_without_a_name_is_placed() -> None:
    """Of a district whose name no table here has, the city is said beside the code."""
    assert [
        "徐汇区 310104",
        "合肥市所辖 340104",
        "合肥市 340100",
        "安徽 340000",
        "999999",
    ] == [division(code) for code in ("310104", "340104", "340100", "340000", "999999")]


def test_amounts_are_exact() -> None:
    """Yuan are decimals up to the cell, and texts are never formulas."""
    book = openpyxl.load_workbook(io.BytesIO(workbook(statement_document(STANDING))))
    cells = {cell.value: cell for row in book.worksheets[0].iter_rows() for cell in row}
    assert "s" == cells["=cmd()"].data_type
    assert "#,##0.00;[Red]-#,##0.00" == cells[900.01].number_format
    book.close()
    table = statement_document(STANDING).parts[0].tables[0]
    assert Decimal("1234.56") == table.rows[0][1]


def test_same_bytes() -> None:
    """The same report gives the same bytes, another one others."""
    document = month_document(MONTH)
    assert workbook(document) == workbook(month_document(replace(MONTH)))
    other = month_document(replace(MONTH, until_date="2026-11-29"))
    assert workbook(document) != workbook(other)


def test_nothing_to_show() -> None:
    """A month without a night is a report that says so."""
    empty = month_document(replace(MONTH, nights=[], closed={}, open={}, open_lines=[], matched={}))
    found = sheets(workbook(empty))
    assert ["无。"] in found["未结账龄"]
    assert ["无。"] in found["分机构"]
