"""A second demonstration replaces what the first left, and touches nothing else."""

from pathlib import Path

from click.testing import CliRunner

from clients.cli.main import main
from clients.demo.outputs import clear_evidence


def left(out: Path) -> None:
    """Leave what a demonstration leaves, in small."""
    (out / "logs" / "deltacare").mkdir(parents=True)
    (out / "report.json").write_text("{}", encoding="utf-8")


def test_what_a_demonstration_left_is_replaced(tmp_path: Path) -> None:
    """Directories and files of an earlier one go; a directory that is not there is fine."""
    out = tmp_path / "out"
    assert () == clear_evidence(out)
    left(out)
    assert () == clear_evidence(out)
    assert [] == list(out.iterdir())


def test_anything_else_is_left_alone(tmp_path: Path) -> None:
    """One foreign file, and nothing is removed; the command refuses before it starts."""
    left(tmp_path)
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    assert ("thesis.txt",) == clear_evidence(tmp_path)
    assert {"logs", "report.json", "thesis.txt"} == {path.name for path in tmp_path.iterdir()}
    result = CliRunner().invoke(main, ["demo", "--out", str(tmp_path)])
    assert (2, True) == (result.exit_code, "thesis.txt" in result.stderr)
