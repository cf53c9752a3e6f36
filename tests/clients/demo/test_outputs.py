"""A second demonstration replaces what the first left, once it is whole, and nothing else."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from clients.cli.main import main
from clients.demo.outputs import MARK, MARK_VALUE, evidence_draft, foreign_content, write_report


def left(out: Path, report: str = json.dumps({MARK: MARK_VALUE})) -> None:
    """Leave what a demonstration leaves, in small."""
    (out / "logs" / "deltacare").mkdir(parents=True)
    (out / "report.json").write_text(report, encoding="utf-8")


def names(out: Path) -> set[str]:
    """Return what stands in a directory."""
    return {path.name for path in out.iterdir()}


def test_what_a_demonstration_left_is_replaced(tmp_path: Path) -> None:
    """Directories and files of an earlier one go, once the new ones are ready."""
    out = tmp_path / "out"
    assert () == foreign_content(out)
    left(out)
    assert () == foreign_content(out)
    with evidence_draft(out) as draft:
        assert draft is not None
        write_report(draft, {MARK: MARK_VALUE, "seed": 2})
        assert {"logs", "report.json", draft.name} == names(out)
    assert {"report.json"} == names(out)
    assert 2 == json.loads((out / "report.json").read_bytes())["seed"]
    assert () == foreign_content(out)


def test_a_demonstration_that_fails_changes_nothing(tmp_path: Path) -> None:
    """What stood there before still does, and the draft is gone; so is one of a killed process."""
    left(tmp_path)
    (tmp_path / ".deltacare-demo-old").mkdir()
    assert () == foreign_content(tmp_path)
    with suppress(KeyError), evidence_draft(tmp_path) as draft:
        assert draft is not None
        write_report(draft, {})
        raise KeyError
    assert {"logs", "report.json"} == names(tmp_path)
    assert {MARK: MARK_VALUE} == json.loads((tmp_path / "report.json").read_bytes())


@pytest.mark.parametrize("report", ["{}", "[]", "no JSON", '{"made_by": "me"}'])
def test_the_names_alone_prove_nothing(tmp_path: Path, report: str) -> None:
    """Logs and a report that no demonstration made are somebody's own, and stay."""
    left(tmp_path, report)
    assert ("logs", "report.json") == foreign_content(tmp_path)
    result = CliRunner().invoke(main, ["demo", "--out", str(tmp_path)])
    assert (2, True) == (result.exit_code, "report.json" in result.stderr)
    assert {"logs", "report.json"} == names(tmp_path)


def test_anything_else_is_left_alone(tmp_path: Path) -> None:
    """One foreign file, and nothing is removed; the command refuses before it starts."""
    left(tmp_path)
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    assert ("thesis.txt",) == foreign_content(tmp_path)
    result = CliRunner().invoke(main, ["demo", "--out", str(tmp_path)])
    assert (2, True) == (result.exit_code, "thesis.txt" in result.stderr)
    assert {"logs", "report.json", "thesis.txt"} == names(tmp_path)


def test_no_logs_are_promised_before_a_node_ran(tmp_path: Path) -> None:
    """A register that cannot be read ends it at once, and names the file only."""
    empty = tmp_path / "empty.csv"
    empty.write_bytes(b"")
    result = CliRunner().invoke(main, ["demo", "--register", str(empty), "--lang", "en"])
    assert (2, True) == (result.exit_code, "empty.csv" in result.stderr)
    assert "--work" not in result.stderr
