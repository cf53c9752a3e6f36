"""Register files as programs write them: encodings, workbooks, Chinese headers, broken rows."""

import csv
import io
from datetime import date
from pathlib import Path

import pytest
from openpyxl import Workbook

from clients.registers.files import load_register
from clients.registers.findings import Defect
from clients.registers.mapping_file import read_mapping
from clients.registers.shipped import find_mapping
from clients.sample.generator import COLUMNS, sample_csv, sample_rows
from settlement.findings import BadFile

TODAY = date(2026, 11, 22)
SHANGHAI = find_mapping("shanghai")
PART = sample_rows(province="340000")
BEDS = sum(int(row["approved_beds"]) for row in PART)


def load(path: Path) -> tuple[int, int]:
    """Return institutions and beds of a file."""
    register = load_register(path, mapping=SHANGHAI, today=TODAY, province="340000")
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
    register = load_register(path, mapping=SHANGHAI, today=TODAY, province="340000")
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
    register = load_register(path, mapping=SHANGHAI, today=TODAY, province="340000")
    assert (len(PART) - 1, 1) == (len(register.institutions), register.left_out_count)
    assert [3] == [found.row for found in register.findings if found.defect is Defect.ROW_BROKEN]


def test_a_formula_without_a_value_is_said(tmp_path: Path) -> None:
    """Its row is left out under its own name: it was never worked out, and is not empty."""
    book = Workbook()
    for row in csv.reader(sample_csv(PART).decode("utf-8-sig").splitlines()):
        book.worksheets[0].append(row)
    book.worksheets[0]["A3"] = "=1+1"
    path = tmp_path / "register.xlsx"
    book.save(path)
    register = load_register(path, mapping=SHANGHAI, today=TODAY, province="340000")
    assert (len(PART) - 1, 1) == (len(register.institutions), register.left_out_count)
    assert [(3, "=1+1")] == [
        (found.row, found.value)
        for found in register.findings
        if found.defect is Defect.FORMULA_UNSAVED
    ]


SHEETS = """
format = "deltacare/register-mapping/v1"
[source]
id = "TEST"
name_zh = "测试"
name_en = "Test"
authorities = ["CIVIL_AFFAIRS"]
province = "340000"
[file]
sheet = "名录"
header_row = 3
encodings = ["utf-8"]
[columns]
number = "no"
name = "name"
approved_beds = "beds"
state = { constant = "OPERATING" }
"""


def test_a_sheet_below_titles(tmp_path: Path) -> None:
    """The named sheet is read from its header on; a workbook without it is refused by name."""
    mapping = read_mapping(SHEETS.encode(), name="sheets", file="sheets.toml")
    book = Workbook()
    sheet = book.create_sheet("名录")
    for row in (["标题"], ["说明", "x"], ["no", "name", "beds"], [1, "编造的养老院（测试用）", 5]):
        sheet.append(row)
    path = tmp_path / "register.xlsx"
    book.save(path)
    register = load_register(path, mapping=mapping, today=TODAY)
    assert ["340000-1"] == [home.institution_id for home in register.institutions]
    assert [4] == [row.number for row in register.rows]
    sheet.title = "其他"
    book.save(path)
    with pytest.raises(BadFile) as caught:
        load_register(path, mapping=mapping, today=TODAY)
    assert ["名录"] == [found.value for found in caught.value.findings]


def test_an_encoding_that_the_mapping_does_not_name(tmp_path: Path) -> None:
    """Bytes that are no text in the named encodings are refused, not guessed at."""
    mapping = read_mapping(SHEETS.encode(), name="sheets", file="sheets.toml")
    path = tmp_path / "register.csv"
    text = "标题\n说明\nno,name,beds\n1,编造的养老院（测试用）,5\n"
    path.write_bytes(text.encode())
    assert 1 == len(load_register(path, mapping=mapping, today=TODAY).rows)
    path.write_bytes(text.encode("gb18030"))
    with pytest.raises(BadFile):
        load_register(path, mapping=mapping, today=TODAY)


def test_a_column_that_is_there_twice(tmp_path: Path) -> None:
    """Which of two is meant cannot be known, so the file is refused."""
    path = tmp_path / "register.csv"
    lines = sample_csv(PART).decode("utf-8-sig").replace("zipcode", "name")
    path.write_text(lines, encoding="utf-8")
    with pytest.raises(BadFile) as caught:
        load(path)
    assert ["name"] == [found.column for found in caught.value.findings]


def test_empty_file(tmp_path: Path) -> None:
    """An empty file is refused."""
    path = tmp_path / "register.csv"
    path.write_bytes(b"")
    with pytest.raises(BadFile):
        load(path)
