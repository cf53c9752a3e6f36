"""``deltacare institution import --dry-run``: a clerk learns what is wrong before a node does."""

import json
from pathlib import Path

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
