"""Tests of reading certificates from spreadsheets: every fault, and nothing personal said."""

import csv
import io
from pathlib import Path

import openpyxl
import pytest

from clients.issuing.batches import batch_id
from clients.issuing.books import COLUMN_HELP, write_report, write_template
from clients.issuing.sheet import COLUMNS, RowFault, masked, read_sheet
from deltacare.ids import parse_identity_number
from deltacare.v1 import entry_pb2 as pb
from deltacare.v1.types_pb2 import Duty
from settlement.findings import BadFile

# The division 999999 and the year 1850: nobody has this number.
IDENTITY = "99999918500101001"
IDENTITY += "10X98765432"[sum(int(c) * pow(2, 17 - i, 11) for i, c in enumerate(IDENTITY)) % 11]
NAME = "示例甲"
HEADS = ("证书编号", "类别", "等级", "姓名", "人员编号", "身份证号", "起始日", "截止日", "凭据")
GOOD = (
    *("320000-C1", "CAREGIVER_LEVEL", "三级", NAME, "P-1", IDENTITY, "2026-01-01", "2028-12-31"),
    "培训:PX-1:2025-11-02:40；继续教育：JX-2：2025-12-01：20：320100",
)


def sheet_file(path: Path, *rows: tuple[str, ...], heads: tuple[str, ...] = HEADS) -> Path:
    """Write rows as a file: a workbook, or CSV in the encoding that its name has."""
    if path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        for row in (heads, *rows):
            book.active.append(row)  # type: ignore[union-attr]  # a new workbook has a sheet
        book.save(path)
        return path
    text = io.StringIO(newline="")
    csv.writer(text, delimiter="\t" if "tab" in path.stem else ",").writerows((heads, *rows))
    encoding = "gb18030" if "gb" in path.stem else "utf-8-sig" if "bom" in path.stem else "utf-8"
    path.write_bytes(text.getvalue().encode(encoding))
    return path


@pytest.mark.parametrize("name", ["a.csv", "bom.csv", "gb.csv", "tab-gb.csv", "a.xlsx"])
def test_a_row_in_every_encoding(tmp_path: Path, name: str) -> None:
    """The same row comes out of whatever a clerk's program writes."""
    sheet = read_sheet(sheet_file(tmp_path / name, GOOD))
    assert () == sheet.faults
    (row,) = sheet.rows
    expected = pb.Certificate(
        certificate_no="320000-C1",
        subject=pb.CERTIFICATE_SUBJECT_CAREGIVER,
        scheme="CAREGIVER_LEVEL",
        grade="三级",
        valid_from_date="2026-01-01",
        valid_until_date="2028-12-31",
        references=[
            pb.CertificateReference(
                kind=pb.REFERENCE_KIND_TRAINING,
                reference_no="PX-1",
                completed_date="2025-11-02",
                hours=40,
            ),
            pb.CertificateReference(
                kind=pb.REFERENCE_KIND_CONTINUING_EDUCATION,
                reference_no="JX-2",
                completed_date="2025-12-01",
                hours=20,
                division_code="320100",
            ),
        ],
    )
    assert (2, expected) == (row.number, row.new.certificate)
    assert (NAME, "P-1", IDENTITY) == (
        row.new.holder_name,
        row.new.subject_ref,
        row.new.identity_number,
    )


def changed(**cells: str) -> tuple[str, ...]:
    """Return the good row with other cells."""
    return tuple(cells.get(head, cell) for head, cell in zip(HEADS, GOOD, strict=True))


@pytest.mark.parametrize(
    "cells, column",
    [
        ({"证书编号": ""}, "certificate_no"),
        ({"证书编号": "三二"}, "certificate_no"),
        ({"证书编号": "3.2E+15"}, "certificate_no"),
        ({"类别": ""}, "scheme"),
        ({"等级": " "}, "grade"),
        ({"姓名": ""}, "holder_name"),
        ({"姓名": "名" * 65}, "holder_name"),
        ({"身份证号": IDENTITY[:-1]}, "identity_number"),
        ({"身份证号": "9.9999918500101E+17"}, "identity_number"),
        ({"人员编号": ""}, "subject_ref"),
        ({"起始日": "2026-02-30"}, "valid_from_date"),
        ({"截止日": "长期"}, "valid_until_date"),
        ({"凭据": "听说:1:2026-01-01"}, "references"),
        ({"凭据": "培训:PX-1"}, "references"),
        ({"凭据": "培训:PX-1:2026-01-01:四十"}, "references"),
    ],
)
def test_every_fault_is_named(tmp_path: Path, cells: dict[str, str], column: str) -> None:
    """A bad cell is told by row, column and remedy; the good rows are there all the same."""
    path = sheet_file(tmp_path / "a.csv", GOOD, changed(**{"证书编号": "320000-C2", **cells}))
    sheet = read_sheet(path)
    assert [2] == [row.number for row in sheet.rows]
    assert {(3, column)} == {(fault.row, fault.column) for fault in sheet.faults}
    assert all(fault.description and fault.remedy for fault in sheet.faults)


def test_all_faults_of_all_rows(tmp_path: Path) -> None:
    """Rows at fault do not hide one another; a number stands once; nothing personal is repeated."""
    rows = [
        changed(证书编号=f"320000-{IDENTITY}", 姓名="", 等级=""),
        GOOD,
        GOOD,
        (*GOOD, "too much"),
        changed(证书编号="320000-C9", 身份证号=IDENTITY[:-1] + "y"),
    ]
    sheet = read_sheet(sheet_file(tmp_path / "a.csv", *rows))
    assert {
        (2, "grade"),
        (2, "holder_name"),
        (4, "certificate_no"),
        (5, ""),
        (6, "identity_number"),
    } == {(fault.row, fault.column) for fault in sheet.faults}
    assert ["320000-******", "320000-C1", "320000-C1", "", "320000-C9"] == [
        sheet.numbers[number] for number in range(2, 7)
    ]
    assert not any(NAME in str(fault) or IDENTITY[:17] in str(fault) for fault in sheet.faults)


def test_institutions_and_days_as_spreadsheets_write_them(tmp_path: Path) -> None:
    """An institution's certificate needs no name; 2026/1/1 and 2026年1月1日 are days."""
    heads = ("certificate_no", "scheme", "grade", "机构编号", "有效期起", "有效期止")
    good = ("320000-S1", "GB_T_37276", "三级", "320000-1", "2026/1/1", "2028年12月31日")
    bad = ("320000-S2", "GB_T_37276", "三级", "甲", "2026-01-01", "2028-12-31")
    sheet = read_sheet(sheet_file(tmp_path / "a.csv", good, bad, heads=heads))
    (row,) = sheet.rows
    certificate = row.new.certificate
    assert (pb.CERTIFICATE_SUBJECT_INSTITUTION, "2026-01-01", "2028-12-31") == (
        certificate.subject,
        certificate.valid_from_date,
        certificate.valid_until_date,
    )
    assert [(3, "institution_id", "甲")] == [(f.row, f.column, f.value) for f in sheet.faults]


def test_what_is_no_sheet(tmp_path: Path) -> None:
    """A missing or doubled column and a sheet without rows are refused as a whole."""
    with pytest.raises(BadFile, match="grade"):
        read_sheet(sheet_file(tmp_path / "a.csv", GOOD[:2], heads=HEADS[:2]))
    with pytest.raises(BadFile, match="more than once"):
        read_sheet(sheet_file(tmp_path / "b.csv", (*GOOD, ""), heads=(*HEADS, "certificate_no")))
    with pytest.raises(BadFile, match="no rows"):
        read_sheet(sheet_file(tmp_path / "c.csv"))


def test_ids_rest_on_certificates_and_hold_nothing_of_a_person(tmp_path: Path) -> None:
    """The same certificates at the same place have one id, whatever the holder is called."""
    duty = Duty(maker="m", reviewer="r")

    def name(row: tuple[str, ...], first: int = 0, once: str | None = None) -> str:
        rows = read_sheet(sheet_file(tmp_path / "a.csv", row)).rows
        return batch_id(rows, duty, first, once)

    same = name(GOOD)
    assert same == name(GOOD)
    assert same == name(changed(姓名="示例乙", 身份证号="", 人员编号="P-2"))
    assert 4 == len({same, name(changed(等级="二级")), name(GOOD, 1_000), name(GOOD, once="x")})


def test_template_is_read_back(tmp_path: Path) -> None:
    """A filled template is a sheet; its cells are text, so that no number loses digits."""
    path = tmp_path / "a.xlsx"
    write_template(path)
    book = openpyxl.load_workbook(path)
    assert set(COLUMNS) == set(COLUMN_HELP)
    sheet = book["证书"]
    assert [names[0] for names in COLUMNS.values()] == [cell.value for cell in sheet[1]]
    assert {"@"} == {cell.number_format for cell in sheet[2]}
    values = dict(zip(HEADS, GOOD, strict=True))
    for position, names in enumerate(COLUMNS.values(), 1):
        sheet.cell(row=2, column=position).value = values.get(names[0])
    book.save(path)
    (row,) = read_sheet(path).rows
    assert IDENTITY == row.new.identity_number
    write_template(tmp_path / "a.csv")
    with pytest.raises(BadFile, match="no rows"):
        read_sheet(tmp_path / "a.csv")


@pytest.mark.parametrize("name", ["r.csv", "r.xlsx"])
def test_a_report_holds_no_formula(tmp_path: Path, name: str) -> None:
    """What begins like a formula stays a text."""
    write_report(tmp_path / name, [("2", "=1+1", "未签发", "REFUSED", "-2\x07")])
    if name.endswith("csv"):
        text = (tmp_path / name).read_text(encoding="utf-8-sig")
        assert "2,'=1+1,未签发,REFUSED,'-2" in text
    else:
        cells = openpyxl.load_workbook(tmp_path / name)["结果"][2]
        assert ["s", "=1+1", "-2"] == [cells[1].data_type, cells[1].value, cells[4].value]


def test_masking() -> None:
    """An identity number is found in whatever stands around it, and nothing else is."""
    assert parse_identity_number(IDENTITY) == IDENTITY
    assert "证******号" == masked(f"证{IDENTITY}号")
    assert "320000-C2025000123" == masked("320000-C2025000123")
    assert RowFault(row=1, column="a", value="", description="b", remedy="c").value == ""
