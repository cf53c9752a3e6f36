"""Settlement files as clerks have them: what is read, what is refused, and with which remedy."""

import csv
import io
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deltacare.money import MAX_FEN
from settlement.columnar import read_plain, table_of_rows
from settlement.core.columns import COLUMNS
from settlement.findings import FINDINGS_MAX, BadFile, Problem
from settlement.grid import Grid, read_grid
from settlement.records import (
    ALIASES,
    parse_cell,
    read_settlement_table,
    read_settlements,
)
from tests.settlement.nights import row

Row = dict[str, Any]


def csv_text(*rows: Row, header: tuple[str, ...] = COLUMNS) -> str:
    """Return a CSV text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([one[name] for name in COLUMNS] for one in rows)
    return out.getvalue()


def save(path: Path, data: str | bytes, encoding: str = "utf-8") -> Path:
    """Write a file."""
    path.write_bytes(data if isinstance(data, bytes) else data.encode(encoding))
    return path


def rows_of(path: Path) -> list[Row]:
    """Return the columns of a file's rows as a plan reads them."""
    table = read_settlement_table(path)
    return [{name: one[name] for name in table.column_names} for one in table.to_pylist()]


def refusal(path: Path) -> BadFile:
    """Return the refusal of a file."""
    with pytest.raises(BadFile) as caught:
        read_settlement_table(path)
    return caught.value


CHINESE = row(subsidy_kind="机构养老", institution="320000-苏甲")


@pytest.mark.parametrize(
    "data",
    [
        csv_text(CHINESE).encode(),
        csv_text(CHINESE).encode("utf-8-sig"),
        csv_text(CHINESE).encode("gb18030"),
        csv_text(CHINESE).replace("\r\n", "\n").encode(),
        csv_text(CHINESE).replace(",", "\t").encode(),
        csv_text(CHINESE).replace(",", ";").encode("gb18030"),
        (csv_text(CHINESE) + ",,,,,,,,,\r\n\r\n").encode(),
        csv_text(CHINESE).replace("\r\n", ",,\r\n").encode("gb18030"),
        csv_text(CHINESE, header=tuple(ALIASES[name][0] for name in COLUMNS)).encode(),
        csv_text({**CHINESE, "service_month": "2025/3"}).encode(),
        csv_text({**CHINESE, "service_month": "2025年3月"}).encode(),
        csv_text({**CHINESE, "service_month": "202503"}).encode(),
        csv_text({**CHINESE, "home": "31", "host": "320000000000"}).encode(),
        csv_text({**CHINESE, "amount_fen": "1000.0", "service_days": "10.0"}).encode(),
        csv_text({**CHINESE, "amount_fen": " 1000 ", "settlement_no": "S1 "}).encode(),
        csv_text({**CHINESE, "amount_fen": "1,000"}).encode(),
    ],
    ids=lambda data: data[:0].decode() or str(len(data)),
)
def test_readable_forms_give_the_same_row(tmp_path: Path, data: bytes) -> None:
    """Encodings, separators, marks, Chinese headers and harmless forms all give one row."""
    expected = rows_of(save(tmp_path / "plain.csv", csv_text(CHINESE)))
    assert expected == rows_of(save(tmp_path / "other.csv", data))


def test_columns_in_any_order_and_more_of_them(tmp_path: Path) -> None:
    """Columns are found by name; a column that nobody wants is left alone."""
    order = ("remark", *reversed(COLUMNS))
    one = {**CHINESE, "remark": "x"}
    text = ",".join(order) + "\n" + ",".join(str(one[name]) for name in order) + "\n"
    expected = rows_of(save(tmp_path / "plain.csv", csv_text(CHINESE)))
    assert expected == rows_of(save(tmp_path / "other.csv", text))


BAD: list[tuple[str, str, Problem]] = [
    ("settlement_no", "", Problem.EMPTY_VALUE),
    ("settlement_no", "1.23457E+15", Problem.SCIENTIFIC_IDENTIFIER),
    ("settlement_no", "2E+15", Problem.SCIENTIFIC_IDENTIFIER),
    ("settlement_no", "S" * 65, Problem.TOO_LONG),
    ("settlement_no", "S\x1f1", Problem.CONTROL_CHARACTER),
    ("beneficiary_ref", "b\n1", Problem.CONTROL_CHARACTER),
    ("beneficiary_ref", "", Problem.EMPTY_VALUE),
    ("institution", "a\x7f", Problem.CONTROL_CHARACTER),
    ("subsidy_kind", "种\u2028类", Problem.CONTROL_CHARACTER),
    ("caregiver_cert_no", "1E+12", Problem.SCIENTIFIC_IDENTIFIER),
    ("home", "350000", Problem.UNKNOWN_PROVINCE),
    ("home", "310101", Problem.UNKNOWN_PROVINCE),
    ("host", "", Problem.EMPTY_VALUE),
    ("host", "310000", Problem.SAME_PROVINCE),
    ("service_month", "2025-13", Problem.BAD_MONTH),
    ("service_month", "2025-00", Problem.BAD_MONTH),
    ("service_month", "2025-03-15", Problem.BAD_MONTH),
    ("service_month", "Mar-25", Problem.BAD_MONTH),
    ("service_days", "0", Problem.BAD_DAYS),
    ("service_days", "32", Problem.BAD_DAYS),
    ("service_days", "1.5", Problem.BAD_DAYS),
    ("service_days", "-1", Problem.BAD_DAYS),
    ("amount_fen", "", Problem.NO_AMOUNT),
    ("amount_fen", "-1", Problem.NEGATIVE_AMOUNT),
    ("amount_fen", "10.5", Problem.FRACTION_AMOUNT),
    ("amount_fen", "1.5E+0", Problem.FRACTION_AMOUNT),
    ("amount_fen", "1.23457E+9", Problem.SCIENTIFIC_AMOUNT),
    ("amount_fen", "1E+3", Problem.SCIENTIFIC_AMOUNT),
    ("amount_fen", "1e3", Problem.SCIENTIFIC_AMOUNT),
    ("amount_fen", "1.23E+05", Problem.SCIENTIFIC_AMOUNT),
    ("amount_fen", "0x10", Problem.NOT_AMOUNT),
    ("amount_fen", "NaN", Problem.NOT_AMOUNT),
    ("amount_fen", str(MAX_FEN + 1), Problem.AMOUNT_TOO_LARGE),
    ("amount_fen", "9999999999999999999999", Problem.AMOUNT_TOO_LARGE),
]


@pytest.mark.parametrize("column, value, problem", BAD, ids=lambda value: repr(value)[:40])
def test_bad_value_is_named(tmp_path: Path, column: str, value: str, problem: Problem) -> None:
    """A bad value is reported with row, column, value and remedy, and nothing is used."""
    text = csv_text(row("S0"), {**row("S1"), column: value}, row("S2"))
    found = refusal(save(tmp_path / "bad.csv", text))
    (finding,) = found.findings
    assert (3, column, problem.en, problem.remedy_en) == (
        finding.row,
        finding.column,
        finding.problem,
        finding.remedy,
    )
    assert value[:70].strip() in finding.value or finding.value.endswith("…")
    assert (problem.zh, problem.remedy_zh) == finding.told("zh")


def test_all_bad_rows_are_reported(tmp_path: Path) -> None:
    """Every bad row is counted, the first thousand are listed, each under its own number."""
    rows = [row(f"S{n}", amount_fen=-n) for n in range(1, FINDINGS_MAX + 201)]
    found = refusal(save(tmp_path / "bad.csv", csv_text(*rows)))
    assert FINDINGS_MAX + 200 == found.total
    assert list(range(2, FINDINGS_MAX + 2)) == [finding.row for finding in found.findings]


def test_good_rows_of_a_bad_file_can_be_had(tmp_path: Path) -> None:
    """Row by row, the good rows come with the findings about the others."""
    text = csv_text(row("S1"), row("S2", service_days=0), row("S3"))
    file = read_settlements(save(tmp_path / "mixed.csv", text))
    assert [(2, "S1"), (4, "S3")] == [(one.row, one.settlement_no) for one in file.rows]
    assert (1, 3) == (file.findings_total, file.findings[0].row)


@pytest.mark.parametrize(
    "total, expected",
    [
        ("合计,,,,,,,,,", []),
        ("合计 2,,,,,,,20,2000,", []),
        ('TOTAL: 2 rows,,,,,,,,"2,000",', []),
        ("总计 3,,,,,,,,,", [("", Problem.OTHER_COUNT.en, "3 ≠ 2")]),
        ("合计,,,,,,,,2001,", [("amount_fen", Problem.OTHER_SUM.en, "2001 ≠ 2000")]),
        ("合计,,,,,,,,much,", [("amount_fen", Problem.OTHER_SUM.en, "? ≠ 2000")]),
        ("合计,,,,,,,21,,", [("service_days", Problem.OTHER_SUM.en, "21 ≠ 20")]),
    ],
)
def test_a_row_of_totals(tmp_path: Path, total: str, expected: list[tuple[str, str, str]]) -> None:
    """It is no record, and what it states has to be what the rows come to."""
    text = csv_text(row("S1"), row("S2"))
    plain = rows_of(save(tmp_path / "plain.csv", text))
    path = save(tmp_path / "total.csv", text + total + "\r\n")
    if expected:
        found = [(one.column, one.problem, one.value) for one in refusal(path).findings]
        assert (expected, {4}) == (found, {one.row for one in refusal(path).findings})
    else:
        assert plain == rows_of(path)


def test_a_number_that_reads_like_a_total_is_a_record_for_every_reader(tmp_path: Path) -> None:
    """A row that says whose it is is a record, whichever reader takes the file."""
    path = save(tmp_path / "plain.csv", csv_text(row("S1"), row("TOTAL")))
    assert isinstance(read_grid(path), Grid)
    assert ["S1", "TOTAL"] == [one.settlement_no for one in read_settlements(path).rows]


def test_totals_of_a_file_with_bad_rows_are_not_compared(tmp_path: Path) -> None:
    """Beside a row that is left out, its own fault is said and not that the sums differ."""
    text = csv_text(row("S1"), row("S2", service_days=0)) + "合计 2,,,,,,,,,\r\n"
    assert [3] == [one.row for one in refusal(save(tmp_path / "bad.csv", text)).findings]


@pytest.mark.parametrize(
    "data, problem, row_number",
    [
        (b"", Problem.EMPTY_FILE, 0),
        (b"\xef\xbb\xbf", Problem.EMPTY_FILE, 0),
        (b"\r\n\r\n", Problem.EMPTY_FILE, 0),
        (csv_text(row()).encode("utf-16"), Problem.UNKNOWN_ENCODING, 0),
        (b"\xff\xff,\xff", Problem.UNKNOWN_ENCODING, 0),
        (b"PK\x03\x04 not a workbook", Problem.NOT_A_WORKBOOK, 0),
        (csv_text(row("S1")).replace("S1", "S1,x").encode(), Problem.CELL_COUNT, 2),
        ((csv_text(row("S1")) + '"open').encode(), Problem.BROKEN_CSV, 3),
    ],
    ids=lambda value: value.name if isinstance(value, Problem) else "",
)
def test_unusable_file(tmp_path: Path, data: bytes, problem: Problem, row_number: int) -> None:
    """A file that is no table is refused as a whole, with the remedy."""
    finding = refusal(save(tmp_path / "bad.csv", data)).findings[0]
    assert (problem.en, row_number) == (finding.problem, finding.row)


def test_missing_file(tmp_path: Path) -> None:
    """A path that cannot be opened is refused like bad data."""
    assert Problem.NOT_READABLE.en == refusal(tmp_path / "none.csv").findings[0].problem


def test_missing_and_duplicate_columns(tmp_path: Path) -> None:
    """Every missing and every doubled column is named at once."""
    header = ("settlement_no", "home", "home", *COLUMNS[3:])
    found = refusal(save(tmp_path / "bad.csv", csv_text(row(), header=header)))
    assert [("home", Problem.DUPLICATE_COLUMN.en), ("host", Problem.MISSING_COLUMN.en)] == [
        (finding.column, finding.problem) for finding in found.findings
    ]


def workbook(cells: list[list[Any]]) -> bytes:
    """Return a workbook with one sheet."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for line in cells:
        sheet.append(line)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_workbook(tmp_path: Path) -> None:
    """Cells as numbers and dates give the row that their texts give."""
    one = row("20250300000001")
    cells = [one[name] for name in COLUMNS]
    cells[COLUMNS.index("settlement_no")] = 20250300000001
    cells[COLUMNS.index("home")] = 310000
    cells[COLUMNS.index("service_month")] = date(2025, 3, 1)
    cells[COLUMNS.index("amount_fen")] = 1000.0
    data = workbook([list(COLUMNS), cells, [None] * len(COLUMNS)])
    expected = rows_of(save(tmp_path / "plain.csv", csv_text(one)))
    assert expected == rows_of(save(tmp_path / "book.xlsx", data))


def test_workbook_number_beyond_fifteen_digits(tmp_path: Path) -> None:
    """An identifier that a spreadsheet has rounded is refused with the remedy."""
    one = {**row(), "settlement_no": 123456789012345678}
    data = workbook([list(COLUMNS), [one[name] for name in COLUMNS]])
    finding = refusal(save(tmp_path / "book.xlsx", data)).findings[0]
    assert (2, "settlement_no", Problem.SCIENTIFIC_IDENTIFIER.en) == (
        finding.row,
        finding.column,
        finding.problem,
    )


VALUES: dict[str, st.SearchStrategy[str]] = {
    "settlement_no": st.text("S1+.E é\x1f ", min_size=0, max_size=8),
    "home": st.sampled_from(["310000", "320000", "31", "350000", " 310000", "310101"]),
    "host": st.sampled_from(["320000", "330000", "310000", ""]),
    "beneficiary_ref": st.text('ab é\x85,"\n', min_size=0, max_size=5),
    "institution": st.sampled_from(["320000-1", "养老院", " x", "a\u3000b", ""]),
    "subsidy_kind": st.sampled_from(["BED", "机构养老", "1E+5", "a\u2028b"]),
    "service_month": st.sampled_from(["2025-03", "2025-3", "2025-13", "202503"]),
    "service_days": st.sampled_from(["1", "31", "32", "0", "007", "1.0", ""]),
    "amount_fen": st.sampled_from(
        ["0", "1", str(MAX_FEN), str(MAX_FEN + 1), "-1", "1E+3", "0x1F", "+5", " 7", "1.0", ""]
    ),
    "caregiver_cert_no": st.sampled_from(["", "C1", "C 1", "证", "x" * 65]),
}
PLAIN = row()
ROWS = st.fixed_dictionaries(
    {name: st.just(str(PLAIN[name])) | values for name, values in VALUES.items()}
)


@settings(
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(ROWS, min_size=1, max_size=4))
def test_quick_readers_agree_with_rows(tmp_path: Path, rows: list[Row]) -> None:
    """Whatever a quick reader takes, the row-by-row reader takes, with the same values."""
    path = save(tmp_path / "file.csv", csv_text(*rows))
    for read in (read_grid, read_plain):
        quick = read(path)
        if quick is not None:
            slow = read_settlements(path)
            assert slow.findings_total == 0
            table = quick.table() if isinstance(quick, Grid) else quick
            assert table_of_rows(slow.rows).to_pylist() == table.to_pylist()


def test_plainest_files_take_the_quickest_way(tmp_path: Path) -> None:
    """With either line end, with or without one at the end, the grid reads what rows read."""
    rows = [row(f"S{n}" * (n % 5 + 1), beneficiary_ref="b" * (n % 40 + 1)) for n in range(9_000)]
    rows[7]["caregiver_cert_no"] = ""
    text = csv_text(*rows)
    expected = table_of_rows(read_settlements(save(tmp_path / "file.csv", text)).rows).to_pylist()
    for other in (text, text.replace("\r\n", "\n"), text.rstrip()):
        grid = read_grid(save(tmp_path / "file.csv", other))
        assert grid is not None
        assert expected == grid.table().to_pylist()


def test_chinese_and_quoted_files_are_read_by_columns(tmp_path: Path) -> None:
    """Chinese kinds, quoted fields and GB18030 are still read column by column."""
    quoted = csv_text(row()).replace("S1", '"S1"')
    for data in (csv_text(CHINESE).encode(), csv_text(CHINESE).encode("gb18030"), quoted.encode()):
        path = save(tmp_path / "file.csv", data)
        assert read_grid(path) is None
        assert read_plain(path) is not None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("S1", "S\x1f1"),
        lambda text: text.replace("S1", '"S\n1"'),
        lambda text: text.replace(",1000,", ",0x3E8,"),
        lambda text: text.replace("S1", "1.2E+15"),
        lambda text: text.replace("S1", ""),
    ],
)
def test_quick_way_gives_up(tmp_path: Path, spoil: Callable[[str], str]) -> None:
    """What is not plain is left to the row-by-row reader."""
    path = save(tmp_path / "file.csv", spoil(csv_text(row())))
    assert read_grid(path) is None
    assert read_plain(path) is None


def test_parse_cell_keeps_good_values() -> None:
    """A canonical value is its own parse."""
    assert [str(PLAIN[name]) for name in COLUMNS] == [
        str(parse_cell(name, str(PLAIN[name]))) for name in COLUMNS
    ]
