"""Tests of what ``cert check`` and ``cert watch`` refuse before anybody is asked; of kept files.

No identity is given: whatever would ask a node ends with the word that one is needed.
"""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from clients.cli.failures import InputRefused
from clients.cli.kept_files import keep_file
from clients.cli.main import main

NUMBER = "320000-C1"
NAME = "示例甲"
ASKED = "a node would have been asked"


def run(*arguments: str, lang: str = "en", **environment: str) -> tuple[object, str]:
    """Run a command without an identity; return exit code, or ``ASKED``, and what was said."""
    env = {"DELTACARE_AS": None, **environment}
    result = CliRunner().invoke(main, [*arguments, "--lang", lang], env=env)
    return ASKED if "DELTACARE_AS" in result.output else result.exit_code, result.output


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Return a directory with a roster, an identity number, a policy, a picture and a text."""
    (tmp_path / "roster.csv").write_text(f"证书编号,姓名\n{NUMBER},{NAME}\n", encoding="utf-8")
    for name in ("number.txt", "policy.txt", "phone.png", "phone.txt"):
        (tmp_path / name).write_text("", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    "form, given, said",
    [
        ("roster", ["--holder", NAME], "--holder goes with"),
        ("roster", ["--policy", "policy.txt"], "--policy goes with"),
        ("roster", ["--save", "kept.json"], "--save goes with"),
        ("roster", ["--at", "2026-11-22T08:00:00Z"], "--at goes with"),
        ("roster", ["--offline", "policy.txt"], "--offline goes with"),
        ("roster", ["--ask-identity"], "--ask-identity goes with"),
        ("number", ["--policy", "policy.txt"], "--policy goes with"),
        ("number", ["--no-names"], "--no-names goes with"),
        ("number", ["--out", "out.csv"], "--out goes with"),
        ("number", ["--evidence-dir", "kept"], "--evidence-dir goes with"),
        ("number", ["--ask-identity", "--identity-file", "number.txt"], "Give either"),
        ("--credential", ["--policy", "policy.txt"], "--policy goes with"),
        ("--qr", ["--policy", "policy.txt"], "--policy goes with"),
        ("--credential", ["--identity-file", "number.txt"], "--identity-file goes with"),
        ("--credential", ["--known", "2026-11-22T08:00:00Z"], "--known goes with"),
    ],
)
def test_no_option_is_passed_over(
    files: Path, monkeypatch: pytest.MonkeyPatch, form: str, given: list[str], said: str
) -> None:
    """What another form of the check would heed is refused, not ignored."""
    monkeypatch.chdir(files)
    what = {
        "number": [NUMBER],
        "roster": ["--roster", "roster.csv", "--out", "out.csv"],
        "--qr": ["--qr", "phone.png"],
        "--credential": ["--credential", "phone.txt"],
    }[form]
    if form == "roster" and "--out" in given:
        what = what[:2]
    code, output = run("cert", "check", *what, *given)
    assert (2, True) == (code, said in output), output


def test_policies_of_the_environment_go_with_every_form(files: Path) -> None:
    """They are set once for all commands, so they stand in the way of none."""
    code, output = run("cert", "check", NUMBER, DELTACARE_POLICY=str(files / "policy.txt"))
    assert (ASKED, False) == (code, "--policy" in output)


def test_a_holder_of_the_environment_is_no_holder_of_a_roster(files: Path) -> None:
    """Whom to compare is never passed over, wherever it was said."""
    roster = ("--roster", str(files / "roster.csv"), "--out", str(files / "out.csv"))
    code, output = run("cert", "check", *roster, DELTACARE_HOLDER=NAME)
    assert (2, True, False) == (code, "--holder" in output, NAME in output)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_no_kept_verdict_is_overwritten(files: Path, lang: str) -> None:
    """A file of that name, or verdict files in the directory: refused before anybody is asked."""
    saved, kept = files / "kept.json", files / "kept"
    saved.write_bytes(b"of yesterday")
    kept.mkdir()
    (kept / "notes.txt").write_text("mine", encoding="utf-8")
    roster = ("--roster", str(files / "roster.csv"), "--out", str(files / "out.csv"))
    for form in ((NUMBER,), ("--credential", str(files / "phone.txt"))):
        code, output = run("cert", "check", *form, "--save", str(saved), lang=lang)
        assert (2, True) == (code, "kept.json" in output)
    # A directory with other things in it will do.
    assert ASKED == run("cert", "check", *roster, "--evidence-dir", str(kept), lang=lang)[0]
    (kept / f"000009-{NUMBER}.verdict").write_bytes(b"of yesterday")
    code, output = run("cert", "check", *roster, "--evidence-dir", str(kept), lang=lang)
    assert (2, True) == (code, f"000009-{NUMBER}.verdict" in output)
    assert b"of yesterday" == saved.read_bytes()


def test_what_is_kept_is_whole_and_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never over another that came meanwhile, where names can be doubled and where not."""
    keep_file(tmp_path / "one", b"1")

    def unable(_self: Path, _target: Path) -> None:
        raise PermissionError

    for is_able in (True, False):
        if not is_able:
            monkeypatch.setattr(Path, "hardlink_to", unable)
            keep_file(tmp_path / "two", b"2")
        with pytest.raises(InputRefused):
            keep_file(tmp_path / "one", b"another")
    assert {"one": b"1", "two": b"2"} == {p.name: p.read_bytes() for p in tmp_path.iterdir()}


def test_a_watch_list_says_what_would_be_left_out(files: Path) -> None:
    """One bad row stands in the way, with what to do; with none good the list stays as it is."""
    roster = files / "roster.csv"
    watch = ("cert", "watch", "set", "320000-1", "--roster", str(roster))
    assert ASKED == run(*watch, "--only-good")[0]
    roster.write_text(f"证书编号\n{NUMBER}\n无\n", encoding="utf-8")
    code, output = run(*watch)
    assert (2, True, True) == (code, "--only-good" in output, "row 3" in output)
    assert ASKED == run(*watch, "--only-good")[0]
    roster.write_text("证书编号\n无\n", encoding="utf-8")
    code, output = run(*watch, "--only-good")
    assert (2, True) == (code, "no row that can be watched" in output)
    assert 2 == run("cert", "watch", "set", "320000-1", "--none", "--only-good")[0]


def test_a_roster_without_certificates_names_what_it_would_take(files: Path) -> None:
    """The headings are listed, for people and for programs."""
    path = files / "bare.csv"
    path.write_text("姓名,编号\n甲,1\n", encoding="utf-8")
    check = ("cert", "check", "--roster", str(path), "--out", str(files / "out.csv"))
    for lang in ("zh", "en"):
        code, output = run(*check, lang=lang)
        assert (2, True) == (code, "职业资格证书编号" in output)
    result = CliRunner().invoke(main, [*check, "--json"])
    (fault,) = json.loads(result.stdout)["error"]["faults"]
    assert "职业资格证书编号" in fault["remedy"]
