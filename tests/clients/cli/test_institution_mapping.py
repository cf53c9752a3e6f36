"""``deltacare institution mapping`` and ``sample``: files and no node."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from clients.cli.main import main


def run(*arguments: str) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error."""
    result = CliRunner().invoke(main, ["institution", *arguments], env={"DELTACARE_AS": ""})
    assert "Traceback" not in result.stderr
    return result.exit_code, result.stdout, result.stderr


def test_list_and_show() -> None:
    """Every mapping of the program, and each of its attributes with its column and codes."""
    code, output, _ = run("mapping", "list", "--json")
    found = json.loads(output)["mappings"]
    assert (0, ["anhui-sample", "jiangsu-sample", "shanghai", "zhejiang-sample"]) == (
        code,
        [row["name"] for row in found],
    )
    code, output, _ = run("mapping", "show", "jiangsu-sample", "--json")
    shown = {row["attribute"]: row for row in json.loads(output)["columns"]}
    assert (0, ["核定床位"], "statement") == (
        code,
        shown["approved_beds"]["columns"],
        shown["approved_beds"]["becomes"],
    )
    assert "PRIVATE_PRIVATE" == shown["operation_mode"]["codes"]["民办"]
    code, output, _ = run("mapping", "show", "jiangsu-sample", "--lang", "zh")
    assert (0, True) == (code, "写入名册" in output)


def test_check_says_what_becomes_a_claim(tmp_path: Path) -> None:
    """Who leaves out an authority is told which columns will not be stated."""
    shipped = Path("clients/registers/mappings/shanghai.toml")
    text = (Path(__file__).parents[3] / shipped).read_text(encoding="utf-8")
    path = tmp_path / "city.toml"
    path.write_text(text, encoding="utf-8")
    code, output, _ = run("mapping", "check", str(path), "--json")
    assert (0, []) == (code, json.loads(output)["claims"])
    path.write_text(text.replace(', "PLACE_NAMES"', ""), encoding="utf-8")
    code, output, _ = run("mapping", "check", str(path), "--json")
    assert (0, ["district_code", "street", "street_code"]) == (code, json.loads(output)["claims"])
    code, output, _ = run("mapping", "check", str(path), "--lang", "zh")
    assert (0, True) == (code, "登记为说法" in output and "区县代码" in output)


@pytest.mark.parametrize("language, words", [("zh", "没有这一项"), ("en", "no such key")])
def test_check_names_line_and_key(tmp_path: Path, language: str, words: str) -> None:
    """A fault of a mapping is bad input: line, key, sentence and remedy in either language."""
    shipped = Path("clients/registers/mappings/shanghai.toml")
    text = (Path(__file__).parents[3] / shipped).read_text(encoding="utf-8")
    path = tmp_path / "city.toml"
    path.write_text(text, encoding="utf-8")
    assert 0 == run("mapping", "check", str(path))[0]
    path.write_text(text.replace("postcode =", "post_code ="), encoding="utf-8")
    code, _, errors = run("mapping", "check", str(path), "--lang", language)
    assert (2, True, True) == (code, "columns.post_code" in errors, words in errors)
    line = 1 + next(i for i, row in enumerate(text.splitlines()) if row.startswith("postcode"))
    assert str(line) in errors


def test_samples_of_four_provinces(tmp_path: Path) -> None:
    """Written, and each read by the mapping that the answer names."""
    code, output, _ = run("sample", str(tmp_path / "registers"), "--json")
    written = json.loads(output)
    assert (0, 4) == (code, len(written["registers"]))
    folder = Path(written["directory"])
    beds = 0
    for row in written["registers"]:
        code, output, _ = run(
            "import", str(folder / row["file"]), "--mapping", row["mapping"],
            "--streets", str(folder / written["streets"]), "--dry-run", "--json",
        )  # fmt: skip
        found = json.loads(output)
        assert (0, row["mapping"]) == (code, found["mapping"])
        beds += found["beds"]
    assert 25_698 == beds
    code, output, _ = run(
        "import", str(folder / "jiangsu-sample.csv"), "--mapping", "jiangsu-sample", "--dry-run",
        "--lang", "zh", "--report", str(tmp_path / "report.csv"),
    )  # fmt: skip
    assert (0, True) == (code, "同一地址登记了多家机构" in output)
    report = (tmp_path / "report.csv").read_text(encoding="utf-8-sig")
    assert "320000-0014 320000-0015" in report


def test_another_register_than_the_mapping_means(tmp_path: Path) -> None:
    """A file without the columns of the mapping is refused by the column's name there."""
    run("sample", str(tmp_path))
    path = str(tmp_path / "anhui-sample.csv")
    code, _, errors = run("import", path, "--mapping", "zhejiang-sample", "--dry-run")
    assert (2, True) == (code, "机构编码" in errors)
    code, _, errors = run("import", path, "--mapping", "nowhere", "--dry-run", "--lang", "en")
    assert (2, True) == (code, "shanghai" in errors)
