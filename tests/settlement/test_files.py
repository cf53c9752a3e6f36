"""Tables in files: texts as they stand, rows as the spreadsheet numbers them."""

import io
import tracemalloc
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from settlement.files import cell_text, column_positions, read_table
from settlement.findings import BadFile, Problem


def test_csv_rows_are_numbered_as_in_a_spreadsheet(tmp_path: Path) -> None:
    """Blank rows count but are left out; a field with a line break is one row."""
    path = tmp_path / "t.csv"
    path.write_text('name,beds\n\n"two\nlines",5\n,\nlast,7\n', encoding="utf-8")
    table = read_table(path)
    assert ("name", "beds") == table.header
    assert [(3, ("two\nlines", "5")), (5, ("last", "7"))] == [
        (row.number, row.cells) for row in table.rows
    ]
    assert [(3, {"name": "two\nlines", "beds": "5"}), (5, {"name": "last", "beds": "7"})] == list(
        table.records()
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    """Chinese text is read in each encoding, which is told."""
    path = tmp_path / "t.csv"
    path.write_bytes("机构名称,床位\n某某养老院,120\n".encode(encoding))
    table = read_table(path)
    assert (("机构名称", "床位"), encoding) == (table.header, table.encoding)


def test_wrong_number_of_cells_is_a_finding(tmp_path: Path) -> None:
    """A row that does not fit the header is reported; the others are read."""
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n1,2,3\n4,5,,\n6\n", encoding="utf-8")
    table = read_table(path)
    assert [("1", "2"), ("4", "5")] == [row.cells for row in table.rows]
    assert [(3, Problem.CELL_COUNT.en), (5, Problem.CELL_COUNT.en)] == [
        (finding.row, finding.problem) for finding in table.findings
    ]


@pytest.mark.parametrize(
    "text, broken",
    [
        ("name,fen,note\nx,1,200,\n", True),
        ("name,fen,note\nx,1,200,000,\n", True),
        ("name,fen,note\nx,1,234.50,\n", True),
        ("name,fen,note\nx,¥1,200,,\n", True),
        ("name;fen;note\nx;1;200;\n", False),  # no thousands mark can have split it
        ("name,fen,note\nx,1,20,\n", False),
        ("name,fen,note\nx,0,200,\n", False),
        ("name,fen,note\nx,1234,200,\n", False),
        ("name,fen,note,\nx,1,200,\n", False),  # as wide as the header
        ("name,fen,note\nx,1,200\n", False),
    ],
)
def test_a_number_split_at_its_thousands_mark(tmp_path: Path, text: str, *, broken: bool) -> None:
    """The cells behind it are one place off: the row has a cell too many, not an amount of 1."""
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    table = read_table(path)
    assert [Problem.CELL_COUNT.en] * broken == [found.problem for found in table.findings]
    assert (not broken) == bool(table.rows)


@pytest.mark.parametrize(
    "cell, text",
    [
        (None, ""),
        ("x", "x"),
        (True, "TRUE"),
        (5, "5"),
        (5.0, "5"),
        (0.1, "0.1"),
        (123456789012345, "123456789012345"),
        (1234567890123456, "1.23456789012346E+15"),
        (1.2e15, "1.20000000000000E+15"),
        (date(2025, 3, 1), "2025-03-01"),
        (datetime(2025, 3, 1), "2025-03-01"),  # noqa: DTZ001 - as a workbook gives it
        (datetime(2025, 3, 1, 8, 30), "2025-03-01 08:30:00"),  # noqa: DTZ001 - as above
    ],
)
def test_cell_text(cell: Any, text: str) -> None:
    """A cell gives what it says, and a number that was rounded shows it."""
    assert text == cell_text(cell)


def test_workbook(tmp_path: Path) -> None:
    """The first sheet is read; empty rows and columns at the end are left out."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for cells in (["名称", "床位", None], ["甲", 12, None], [None, None, None], ["乙", 3.0, None]):
        sheet.append(cells)
    book.create_sheet("other").append(["x"])
    data = io.BytesIO()
    book.save(data)
    path = tmp_path / "t.xlsx"
    path.write_bytes(data.getvalue())
    table = read_table(path)
    assert (("名称", "床位"), "xlsx") == (table.header, table.encoding)
    assert [(2, ("甲", "12")), (4, ("乙", "3"))] == [(row.number, row.cells) for row in table.rows]


def test_column_positions() -> None:
    """Columns are found under any of their names, however written."""
    positions, findings = column_positions(
        ["\ufeffName ", "床位", "x", "X"], {"name": (), "beds": ("床位",), "x": (), "y": ()}
    )
    assert {"name": 0, "beds": 1} == positions
    assert [("x", Problem.DUPLICATE_COLUMN.en), ("y", Problem.MISSING_COLUMN.en)] == [
        (finding.column, finding.problem) for finding in findings
    ]


def test_null_characters_are_no_text(tmp_path: Path) -> None:
    """A binary file is refused."""
    path = tmp_path / "t.csv"
    path.write_bytes(b"a,b\n\x00,1\n")
    with pytest.raises(BadFile, match="UTF-8"):
        read_table(path)


def test_empty_cells_at_the_end_of_a_workbook_row_are_empty(tmp_path: Path) -> None:
    """A workbook leaves them out; the row still has as many cells as there are columns."""
    book = openpyxl.Workbook()
    book.worksheets[0].append(["a", "b", "c"])
    book.worksheets[0].append(["1", None, None])
    path = tmp_path / "t.xlsx"
    book.save(path)
    table = read_table(path)
    assert ((), [("1", "", "")]) == (table.findings, [row.cells for row in table.rows])


@pytest.mark.parametrize("damage", ["cut", "flipped", "chart"])
def test_damaged_workbooks_are_refused(tmp_path: Path, damage: str) -> None:
    """A sheet that is cut in half, damaged inside, or no sheet of cells: refused as a workbook."""
    book = openpyxl.Workbook()
    if damage == "chart":
        book.remove(book.worksheets[0])
        book.create_chartsheet("图")
    else:
        for number in range(200):
            book.worksheets[0].append([f"a{number}", f"b{number}"])
    path = tmp_path / "t.xlsx"
    book.save(path)
    if damage != "chart":
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        sheet = "xl/worksheets/sheet1.xml"
        whole = members[sheet]
        members[sheet] = whole[: len(whole) // 2]
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in members.items():
                archive.writestr(name, whole if damage == "flipped" and name == sheet else data)
        if damage == "flipped":
            data = bytearray(path.read_bytes())
            start = data.index(sheet.encode()) + len(sheet)
            data[start + 20 : start + 60] = bytes(40)
            path.write_bytes(bytes(data))
    with pytest.raises(BadFile) as refused:
        read_table(path)
    assert [Problem.NOT_A_WORKBOOK.en] == [found.problem for found in refused.value.findings]


def workbook_of(path: Path, sheet: bytes) -> Path:
    """Write a workbook whose first sheet is what is given."""
    book = openpyxl.Workbook()
    book.worksheets[0].append(["a"])
    book.save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, sheet if name == "xl/worksheets/sheet1.xml" else data)
    return path


def sheet_xml(rows: bytes) -> bytes:
    """Return a sheet of rows."""
    space = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return b'<worksheet xmlns="%s"><sheetData>%s</sheetData></worksheet>' % (space, rows)


def text_row(number: int, text: bytes) -> bytes:
    """Return a row of one text."""
    cell = b'<c r="A%d" t="inlineStr"><is><t>%s</t></is></c>' % (number, text)
    return b'<row r="%d">%s</row>' % (number, cell)


HEAD = text_row(1, b"a")


@pytest.mark.parametrize(
    "rows, problem",
    [
        (text_row(2, b"x" * 32_768), Problem.CELL_TOO_LONG),
        (text_row(2, b"x" * 64_000_000), Problem.CELL_TOO_LONG),
        (text_row(2, b"</row>" + b"x" * 5_000_000), Problem.CELL_TOO_LONG),
        (text_row(2, b"<![CDATA[" + b"</row>x" * 5_000_000 + b"]]>"), Problem.NOT_A_WORKBOOK),
        (text_row(2, b"<r/>" * 3_000_000), Problem.UNPACKED_TOO_LARGE),
        (text_row(1_000_000_000, b"x"), Problem.TOO_LARGE),
    ],
)
def test_workbooks_that_unpack_to_too_much_are_refused(
    tmp_path: Path, rows: bytes, problem: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cell, a row, a place beyond what spreadsheets hold: refused, before it costs memory."""
    monkeypatch.setattr("settlement.files.SHEET_ROWS_MAX", 10_000)  # a million blank rows take time
    path = workbook_of(tmp_path / "t.xlsx", sheet_xml(HEAD + rows))
    tracemalloc.start()
    try:
        with pytest.raises(BadFile) as refused:
            read_table(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [problem.en] == [found.problem for found in refused.value.findings]
    assert peak < 40_000_000


def test_a_full_cell_is_read_whatever_it_is_written_as(tmp_path: Path) -> None:
    """As many characters as a spreadsheet keeps, each as a reference: no fault."""
    rows = HEAD + text_row(2, b"&#x4E2D;" * 32_767)
    table = read_table(workbook_of(tmp_path / "t.xlsx", sheet_xml(rows)))
    assert ["中" * 32_767] == [row.cells[0] for row in table.rows]


def test_a_workbook_is_bounded_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it says it unpacks to, and the cells of rows that are as wide as the header."""
    rows = b"".join(text_row(number, b"x") for number in range(2, 100))
    path = workbook_of(tmp_path / "t.xlsx", sheet_xml(HEAD + rows))
    assert 98 == len(read_table(path).rows)
    monkeypatch.setattr("settlement.files.SHEET_CELLS_MAX", 50)
    with pytest.raises(BadFile) as refused:
        read_table(path)
    assert [Problem.TOO_LARGE.en] == [found.problem for found in refused.value.findings]
    monkeypatch.setattr("settlement.unpacked.UNPACKED_BYTES_MAX", 10_000)
    with pytest.raises(BadFile) as refused:
        read_table(path)
    assert [Problem.UNPACKED_TOO_LARGE.en] == [found.problem for found in refused.value.findings]


def test_too_little_memory_is_a_fault_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused with a remedy, like whatever else cannot be read."""

    def no_memory(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(openpyxl, "load_workbook", no_memory)
    path = workbook_of(tmp_path / "t.xlsx", sheet_xml(HEAD))
    with pytest.raises(BadFile) as refused:
        read_table(path)
    assert [Problem.OUT_OF_MEMORY.en] == [found.problem for found in refused.value.findings]


def cell_xml(cell: bytes) -> bytes:
    """Return a sheet of one column with one row below its header, which holds a cell."""
    return sheet_xml(HEAD + b'<row r="2">%s</row>' % cell)


@pytest.mark.parametrize(
    "cell",
    [
        b'<c r="A2"><f>1200*50</f><v></v></c>',
        b'<c r="A2"><f>1200*50</f><v/></c>',
        b'<c r="A2"><f>1200*50</f></c>',
        b"<c><f>1200*50</f></c>",
        b'<c r="A2" t="str"><f>1200*50</f></c>',
    ],
)
def test_a_formula_without_a_value_is_no_empty_cell(tmp_path: Path, cell: bytes) -> None:
    """A program wrote it and no spreadsheet program worked it out: the row is not used."""
    table = read_table(workbook_of(tmp_path / "t.xlsx", cell_xml(cell)))
    found = table.findings[0]
    assert ((), 1) == (table.rows, table.findings_total)
    assert (2, "a", "=1200*50", Problem.UNSAVED_FORMULA.en) == (
        found.row,
        found.column,
        found.value,
        found.problem,
    )


@pytest.mark.parametrize(
    "cell, text",
    [
        (b'<c r="A2"><f>1200*50</f><v>60000</v></c>', "60000"),
        (b'<c r="A2" t="str"><f>"x"</f><v>x</v></c>', "x"),
        (b'<c r="A2" t="e"><f>1/0</f><v>#DIV/0!</v></c>', "#DIV/0!"),
    ],
)
def test_a_formula_counts_as_what_it_came_to(tmp_path: Path, cell: bytes, text: str) -> None:
    """What the spreadsheet program saved is what the cell says."""
    table = read_table(workbook_of(tmp_path / "t.xlsx", cell_xml(cell)))
    assert ((), [(text,)]) == (table.findings, [row.cells for row in table.rows])


def test_a_formula_that_came_to_an_empty_text_is_an_empty_cell(tmp_path: Path) -> None:
    """A spreadsheet program saves it as an empty text: that is its value."""
    rows = (
        b'<row r="1"><c t="str"><v>a</v></c><c t="str"><v>b</v></c></row>'
        b'<row r="2"><c r="A2" t="str"><f>""</f><v></v></c><c r="B2"><v>5</v></c></row>'
    )
    table = read_table(workbook_of(tmp_path / "t.xlsx", sheet_xml(rows)))
    assert ((), [("", "5")]) == (table.findings, [row.cells for row in table.rows])


def test_formulas_are_found_at_their_place(tmp_path: Path) -> None:
    """Rows may be missing and cells need not say where they are; each row is told once."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for cells in (
        ["a", "b", "c"],
        [],
        [None, "1", "=A1"],
        [],
        ["1", "=1", "=2"],
        ["2", "3", "4"],
        ["5", None, None, None, "=1"],
    ):
        sheet.append(cells)
    book.create_sheet("other")["A1"] = "=1"
    path = tmp_path / "t.xlsx"
    book.save(path)
    table = read_table(path)
    assert [(3, "c", "=A1"), (5, "b", "=1"), (7, "", "5,,,,=1")] == [
        (found.row, found.column, found.value) for found in table.findings
    ]
    assert [(6, ("2", "3", "4"))] == [(row.number, row.cells) for row in table.rows]
