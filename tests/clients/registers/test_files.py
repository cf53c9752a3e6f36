"""Register files as programs write them: encodings, workbooks, Chinese headers, broken rows."""

import csv
import io
from datetime import date
from pathlib import Path

import pytest
from openpyxl import Workbook

from clients.registers.files import load_register
from clients.registers.findings import Defect
from clients.sample.generator import COLUMNS, sample_csv, sample_rows
from settlement.findings import BadFile

TODAY = date(2026, 11, 22)
PART = sample_rows(province="340000")
BEDS = sum(int(row["approved_beds"]) for row in PART)


def load(path: Path) -> tuple[int, int]:
    """Return institutions and beds of a file."""
    register = load_register(path, today=TODAY, province="340000")
    return len(register.institutions), register.beds


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    """UTF-8 with and without a mark, and GB18030."""
    path = tmp_path / "register.csv"
    path.write_bytes(sample_csv(PART).decode("utf-8-sig").encode(encoding))
    assert (len(PART), BEDS) == load(path)


def test_workbook_with_numbers_and_dates(tmp_path: Path) -> None:
    """XLSX whose cells are numbers and dates instead of texts."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(list(COLUMNS))
    for row in PART:
        cells: list[object] = [row[name] for name in COLUMNS]
        for name in ("src_id", "approved_beds", "district_code", "street_code"):
            cells[COLUMNS.index(name)] = float(row[name])
        cells[COLUMNS.index("established")] = date.fromisoformat(row["established"])
        sheet.append(cells)
    path = tmp_path / "register.xlsx"
    book.save(path)
    register = load_register(path, today=TODAY, province="340000")
    assert (len(PART), BEDS) == (len(register.institutions), register.beds)
    assert {Defect.CREDIT_CODE_ABSENT} == {found.defect for found in register.findings}


def test_chinese_headers_in_another_order(tmp_path: Path) -> None:
    """Columns are found by name, not by place."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["核定床位", "机构名称", "省级代码", "编号"])
    writer.writerow(["12", "编造的养老院（测试用）", "340000", "9"])
    path = tmp_path / "register.csv"
    path.write_text(text.getvalue(), encoding="utf-8")
    assert (1, 12) == load(path)


def test_missing_column_is_named(tmp_path: Path) -> None:
    """Without a column that names institutions nothing is read, and the column is named."""
    path = tmp_path / "register.csv"
    path.write_text("src_id,province_code,name\n1,340000,x\n", encoding="utf-8")
    with pytest.raises(BadFile) as caught:
        load(path)
    assert ["approved_beds"] == [found.column for found in caught.value.findings]


def test_row_with_a_comma_too_many(tmp_path: Path) -> None:
    """A row that is no row is reported by its number and left out; the others go in."""
    lines = sample_csv(PART).decode("utf-8-sig").splitlines()
    lines[2] += ",surplus"
    path = tmp_path / "register.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    register = load_register(path, today=TODAY, province="340000")
    assert (len(PART) - 1, 1) == (len(register.institutions), register.left_out_count)
    assert [3] == [found.row for found in register.findings if found.defect is Defect.ROW_BROKEN]


def test_empty_file(tmp_path: Path) -> None:
    """An empty file is refused."""
    path = tmp_path / "register.csv"
    path.write_bytes(b"")
    with pytest.raises(BadFile):
        load(path)
