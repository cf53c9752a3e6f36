"""``deltacare settle reconcile``: two files, no node, as a clerk and as a program see it."""

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from clients.cli.main import main
from clients.filing.columns import TEMPLATES
from clients.filing.templates import write_template
from settlement.core.columns import COLUMNS
from settlement.records import ALIASES

ROW = {
    "settlement_no": "S1",
    "home": "310000",
    "host": "320000",
    "beneficiary_ref": "b1",
    "institution": "320000-1",
    "subsidy_kind": "CARE_BED",
    "service_month": "2026-10",
    "service_days": "10",
    "amount_fen": "45000",
    "caregiver_cert_no": "",
}


def write(path: Path, *changes: dict[str, str], encoding: str = "utf-8") -> str:
    """Write a settlement file of rows that differ from the one above."""
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows({**ROW, **change} for change in changes)
    return str(path)


def run(*arguments: str) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error."""
    result = CliRunner().invoke(main, ["settle", "reconcile", *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_everything_matches(tmp_path: Path) -> None:
    """Equal files: exit 0, and the JSON that programs are promised."""
    home = write(tmp_path / "home.csv", {}, {"settlement_no": "S2", "beneficiary_ref": "b2"})
    code, output, _ = run("--home", home, "--host", home, "--json")
    found = json.loads(output)
    assert (0, {"MATCHED": 2}) == (code, found["counts"])
    assert {"MATCHED": {"home": 90_000, "host": 90_000}} == found["fen"]
    assert [{"payer": "310000", "payee": "320000", "fen": 90_000}] == found["bilateral"]
    assert {"310000": -90_000, "320000": 90_000} == found["net"]
    assert 64 == len(found["digest"])
    assert "total" in found["seconds"]


def test_a_discrepancy_is_exit_1(tmp_path: Path) -> None:
    """What is open is shown with its class and the next action; both files are readable."""
    home = write(tmp_path / "home.csv", {}, {"settlement_no": "S2", "beneficiary_ref": "b2"})
    host = write(tmp_path / "host.csv", {"amount_fen": "45001"}, encoding="gb18030")
    code, output, _ = run("--home", home, "--host", host, "--lang", "zh")
    assert 1 == code
    assert "金额不一致" in output
    assert "单边账" in output
    code, output, _ = run("--home", home, "--host", host, "--json")
    assert {"HOME_ONLY": 1, "AMOUNT": 1} == json.loads(output)["counts"]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_lines_are_written(tmp_path: Path, suffix: str) -> None:
    """Every line with its class goes to the file that was named."""
    home = write(tmp_path / "home.csv", {})
    lines = tmp_path / f"lines{suffix}"
    code, _, _ = run("--home", home, "--host", home, "--lines", str(lines))
    assert (0, True) == (code, lines.stat().st_size > 0)


@pytest.mark.parametrize(
    "change, column, value",
    [
        ({"amount_fen": "-1"}, "amount_fen", "-1"),
        ({"amount_fen": "10.5"}, "amount_fen", "10.5"),
        ({"settlement_no": "1.23E+11"}, "settlement_no", "1.23E+11"),
        ({"service_month": "October"}, "service_month", "October"),
        ({"host": "310000"}, "host", "310000"),
    ],
)
def test_bad_rows_are_named(
    tmp_path: Path, change: dict[str, str], column: str, value: str
) -> None:
    """Row, column, value and remedy, in the language asked for; nothing is computed."""
    home = write(tmp_path / "home.csv", {}, {"settlement_no": "S2", **change})
    code, output, errors = run("--home", home, "--host", home, "--json", "--lang", "en")
    (fault, *_) = json.loads(output)["error"]["faults"]
    assert (2, f"row 3 {column}", value) == (code, fault["field"], fault["value"])
    assert fault["remedy"]
    assert value in errors
    code, _, errors = run("--home", home, "--host", home, "--lang", "zh")
    # A sheet may bear either name above the column, so both are said.
    expected = f"第 3 行 {ALIASES[column][0]}（{column}）"
    assert (2, True) == (code, expected in errors), errors


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_side_that_filed_nothing(tmp_path: Path, form: str) -> None:
    """A template without rows is a side without records: what the other filed stands alone."""
    filed = write(tmp_path / "filed.csv", {}, {"settlement_no": "S2", "beneficiary_ref": "b2"})
    nothing = tmp_path / f"nothing.{form}"
    write_template(TEMPLATES["records"], nothing, is_chinese=True)
    for sides, expected in (
        (("--home", filed, "--host", str(nothing)), "HOME_ONLY"),
        (("--home", str(nothing), "--host", filed), "HOST_ONLY"),
    ):
        code, output, _ = run(*sides, "--json")
        assert (1, {expected: 2}) == (code, json.loads(output).get("counts")), output
    code, _, errors = run("--home", str(nothing), "--host", str(nothing), "--lang", "en")
    assert (2, 2) == (code, errors.count("no rows"))


def test_an_empty_amount_needs_a_node(tmp_path: Path) -> None:
    """What a template leaves to the node is said to be the node's, not merely missing."""
    path = write(tmp_path / "home.csv", {"amount_fen": ""})
    code, _, errors = run("--home", path, "--host", path, "--lang", "en")
    assert (2, True) == (code, "a node does, when the file is imported" in errors), errors
    code, _, errors = run("--home", path, "--host", path, "--lang", "zh")
    assert (2, True) == (code, "settle import" in errors), errors


def test_a_row_of_totals_is_no_record(tmp_path: Path) -> None:
    """The row that a template allows below the others is compared with them and left out."""
    plain, summed = tmp_path / "plain.csv", tmp_path / "summed.csv"
    write(plain, {})
    text = plain.read_text(encoding="utf-8")
    for total, expected in (("合计 1,,,,,,,10,45000,", 0), ("合计 1,,,,,,,10,45001,", 2)):
        summed.write_text(f"{text}{total}\n", encoding="utf-8")
        code, output, errors = run("--home", str(summed), "--host", str(plain), "--json")
        assert expected == code, output + errors


def test_missing_column_and_empty_file(tmp_path: Path) -> None:
    """A file without a column, and one without anything, are refused with the remedy."""
    good = write(tmp_path / "good.csv", {})
    lacking = tmp_path / "lacking.csv"
    lacking.write_text("settlement_no,home\nS1,310000\n", encoding="utf-8")
    empty = tmp_path / "empty.csv"
    empty.write_bytes(b"")
    for path in (lacking, empty):
        code, output, errors = run("--home", good, "--host", str(path), "--json")
        assert 2 == code
        assert json.loads(output)["error"]["faults"]
        assert path.name in errors


def test_what_is_no_workbook_is_called_so(tmp_path: Path) -> None:
    """A file under a workbook's name that is none is refused as such, not as text."""
    good = write(tmp_path / "host.csv", {})
    for data in (b"\0\1\2" * 99, b"not a workbook\n"):
        path = tmp_path / "bin.xlsx"
        path.write_bytes(data)
        code, output, errors = run("--home", str(path), "--host", good, "--lang", "en")
        assert (2, True) == (code, "not an XLSX workbook" in errors), output + errors


def test_lines_need_a_directory_before_anything_is_computed(tmp_path: Path) -> None:
    """Where the lines cannot be written, neither file is read."""
    broken = tmp_path / "broken.csv"
    broken.write_text("nothing", encoding="utf-8")
    lines = str(tmp_path / "nodir" / "l.csv")
    code, _, errors = run(
        "--home", str(broken), "--host", str(broken), "--lines", lines, "--lang", "en"
    )
    assert (2, True) == (code, "There is no directory" in errors)
    assert "broken" not in errors
