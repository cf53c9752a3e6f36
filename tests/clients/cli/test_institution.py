"""``deltacare institution import --dry-run``: a clerk learns what is wrong before a node does."""

import csv
import json
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner

from clients.cli.main import main
from clients.sample.generator import sample_csv, sample_rows


def run(*arguments: str) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error."""
    result = CliRunner().invoke(main, ["institution", *arguments], env={"DELTACARE_AS": ""})
    return result.exit_code, result.stdout, result.stderr


def register(tmp_path: Path, **change: str) -> str:
    """Write the sample's part of Anhui, its first row changed."""
    rows = list(sample_rows(province="340000"))
    rows[0] = {**rows[0], **change}
    path = tmp_path / "register.csv"
    path.write_bytes(sample_csv(rows))
    return str(path)


def test_report_as_json(tmp_path: Path) -> None:
    """Counts, defects by kind, and every finding by row, column, value and remedy."""
    code, output, _ = run("import", register(tmp_path, zipcode="", lat=""), "--dry-run", "--json")
    found = json.loads(output)
    assert (0, True, 12, 12, 0) == (
        code,
        found["dry_run"],
        found["rows"],
        found["institutions"],
        found["left_out"],
    )
    assert {"CREDIT_CODE_ABSENT": 1, "POSTCODE_MISSING": 1, "PLACE_MISSING": 1} == found["defects"]
    assert {(0, "unified_social_credit_code"), (2, "zipcode"), (2, "lat")} == {
        (row["row"], row["column"]) for row in found["findings"]
    }
    assert all(row["remedy"] for row in found["findings"])


def test_report_for_people(tmp_path: Path) -> None:
    """The same in words, in either language."""
    path = register(tmp_path, approved_beds="many")
    code, output, _ = run("import", path, "--dry-run", "--lang", "zh")
    assert (0, True) == (code, "核定床位" in output)
    assert "1 行" in output
    code, output, _ = run("import", path, "--dry-run", "--lang", "en")
    assert "1 rows left out" in output


def test_rows_of_another_province(tmp_path: Path) -> None:
    """With a province given, rows of others are left out, and none left is no success."""
    code, output, _ = run(
        "import", register(tmp_path), "--dry-run", "--province", "310000", "--json"
    )
    assert (2, 0, 12) == (
        code,
        json.loads(output)["institutions"],
        json.loads(output)["defects"]["PROVINCE_OTHER"],
    )


def test_importing_needs_two_persons(tmp_path: Path) -> None:
    """Without maker and checker nothing is sent, and the way out is named."""
    code, _, errors = run("import", register(tmp_path), "--lang", "en")
    assert (2, True) == (code, "--maker" in errors)


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_report_as_a_file(tmp_path: Path, suffix: str) -> None:
    """Every finding with its remedy; what a cell said stays text, formulas too."""
    path = tmp_path / f"report{suffix}"
    source = register(tmp_path, zipcode="=1+1", approved_beds="many")
    code, _, _ = run("import", source, "--dry-run", "--report", str(path), "--lang", "zh")
    assert 0 == code
    own = ["机构", "要素", "名册所载", "另一说法", "来源"]
    if suffix == ".csv":
        rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
        assert own == rows[0][6:]
        rows = [row[:6] for row in rows if row[0]]
    else:
        book = openpyxl.load_workbook(path)
        cells = list(book.worksheets[0].iter_rows())
        assert all(cell.data_type != "f" for row in cells for cell in row)
        numbers = {row[0].data_type for row in cells[1:] if row[0].value}
        assert {"n"} == numbers, "row numbers sort as numbers"
        assert "A2" == book.worksheets[0].freeze_panes
        rows = [[str(cell.value or "") for cell in row] for row in cells]
    assert ["行", "列", "内容", "问题", "处理办法", "未采用该行"] == rows[0]
    found = {row[1]: row for row in rows[1:]}
    assert "=1+1" == found["zipcode"][2].removeprefix("'")
    assert ("2", "many", "是") == tuple(found["approved_beds"][index] for index in (0, 2, 5))
    assert all(row[4] for row in rows[1:])


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_disagreements_in_a_file(tmp_path: Path, suffix: str) -> None:
    """They stand in columns of their own, never under the headings of the defects."""
    path = tmp_path / f"report{suffix}"
    rows = list(sample_rows(province="340000"))
    rows[1] = {**rows[1], "address": rows[0]["address"]}
    source = tmp_path / "register.csv"
    source.write_bytes(sample_csv(rows))
    code, _, _ = run("import", str(source), "--dry-run", "--report", str(path), "--lang", "zh")
    assert 0 == code
    if suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as opened:
            found = list(csv.DictReader(opened))
        assert all(not row["行"] and not row["列"] for row in found if row["机构"])
    else:
        header, *lines = openpyxl.load_workbook(path).worksheets[1].iter_rows(values_only=True)
        found = [dict(zip(header, line, strict=True)) for line in lines]
    ids = " ".join(f"340000-{row['src_id']}" for row in rows[:2])
    assert (ids, "地址", rows[0]["address"]) in {
        (row["机构"], row["要素"], row["名册所载"]) for row in found
    }
    assert all(row["问题"] and row["处理办法"] for row in found if row["机构"])


def test_report_of_another_kind(tmp_path: Path) -> None:
    """A name that says neither CSV nor XLSX is refused before anything is read."""
    source = register(tmp_path)
    code, _, errors = run("import", source, "--dry-run", "--report", str(tmp_path / "r.pdf"))
    assert (2, True) == (code, ".xlsx" in errors)
