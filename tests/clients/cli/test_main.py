"""The program as a whole: help at once, two languages, JSON, exit codes, no traceback ever."""

import json
import os
import re
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from clients.cli.failures import Exit, exit_code, failure_json, failure_lines
from clients.cli.main import main
from clients.cli.settle import settle
from clients.language import using_language
from deltacare.errors import PeerFault, Reason, Refusal, Unavailable, invalid_field

# Promised on an idle machine; a suite runs beside others.
HELP_S_MAX = 0.3
BUSY_FACTOR = 5


def run(*arguments: str) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error of a command line."""
    result = CliRunner().invoke(main, list(arguments), env={"DELTACARE_AS": ""})
    return result.exit_code, result.stdout, result.stderr


def test_help_answers_at_once() -> None:
    """Nothing heavy is imported for help: measured as CPU time, median of five processes."""
    code = "import sys; sys.argv=['deltacare','--help']; from clients.cli.main import main; main()"
    seconds = []
    for _ in range(5):
        before = os.times()
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
        after = os.times()
        seconds.append(
            after.children_user
            + after.children_system
            - before.children_user
            - before.children_system
        )
    assert statistics.median(seconds) < HELP_S_MAX * 2


def test_help_within_a_generous_wall_time() -> None:
    """The same by the clock on the wall, with room for a busy machine."""
    begun_s = time.perf_counter()
    subprocess.run([sys.executable, "-m", "clients.cli", "--help"], check=True, capture_output=True)
    assert time.perf_counter() - begun_s < HELP_S_MAX * BUSY_FACTOR


@pytest.mark.parametrize("heavy", ["grpc", "rich", "duckdb", "ibis", "pyarrow", "openpyxl"])
def test_help_imports_nothing_heavy(heavy: str) -> None:
    """What costs time to load is loaded where it is used."""
    code = (
        "import sys\nfrom clients.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"sys.exit({heavy!r} in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert 0 == done.returncode


def _all_commands() -> list[list[str]]:
    """Return the path of every command."""
    import click

    found: list[list[str]] = [[]]
    context = click.Context(main)
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        found.append([name])
        if isinstance(command, click.Group):
            found += [[name, inner] for inner in command.list_commands(context)]
    return found


@pytest.mark.parametrize("path", _all_commands(), ids=" ".join)
def test_every_command_has_help_in_both_languages(path: list[str]) -> None:
    """Each command explains itself in Chinese and in English, and takes --json and --lang."""
    english = run(*path, "--help", "--lang", "en")
    chinese = run(*path, "--lang", "zh", "--help")
    assert (0, 0) == (english[0], chinese[0])
    assert "Usage:" in english[1]
    assert "用法：" in chinese[1]
    names = "公建公营|公建民营|民建民营|三级"  # have no English
    assert not re.search("[\u4e00-\u9fff]", re.sub(names, "", english[1]))
    for text in (english[1], chinese[1]):
        assert "--json" in text
        assert "--lang" in text
        assert "\x1f" not in text


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ([], 2),
        (["nonsense"], 2),
        (["--nonsense"], 2),
        (["settle"], 2),
        (["settle", "reconcile"], 2),
        (["cert", "check", "310000-C1"], 2),
        (["cert", "check", "310000-C1", "--as", "/nowhere/system"], 2),
        (["institution", "import", "/nowhere.csv"], 2),
        (["--help"], 0),
    ],
)
def test_bad_input_is_2_without_a_traceback(arguments: list[str], expected: int) -> None:
    """What is wrong with the command line is said, and never as a traceback."""
    code, output, errors = run(*arguments)
    assert expected == code
    assert "Traceback" not in output + errors
    assert (output + errors).strip()


def test_errors_as_json() -> None:
    """With --json a failure is one JSON object on standard output."""
    code, output, errors = run("settle", "nonsense", "--json")
    assert (2, "USAGE") == (code, json.loads(output)["error"]["reason"])
    assert "nonsense" in errors


def test_nobody_listens_is_3(tmp_path: Path) -> None:
    """A node that does not answer is unreachable."""
    with socket.socket() as held:  # bound and not listening: nobody else can answer there
        held.bind(("127.0.0.1", 0))
        endpoint = f"127.0.0.1:{held.getsockname()[1]}"
        node = tmp_path / "node"
        secret = tmp_path / "passphrase"
        secret.write_text("correct horse battery staple", encoding="ascii")
        made = run(
            *("node", "init", str(node), "--province", "310000", "--endpoint", endpoint),
            *("--passphrase-file", str(secret)),
        )
        assert 0 == made[0], made[2]
        code, _, errors = run(
            "cert", "check", "310000-C1", "--as", str(node / "clients"), "--timeout", "0.5"
        )
    assert (3, True) == (code, "PEER_UNREACHABLE" in errors or "DEADLINE_EXCEEDED" in errors)


@pytest.mark.parametrize(
    "error, expected",
    [
        (invalid_field("f", "v", "It is wrong."), Exit.BAD_INPUT),
        (Refusal(Reason.REQUEST_ID_REUSED, "x"), Exit.BAD_INPUT),
        (Refusal(Reason.NOT_FOUND, "x"), Exit.NO),
        (Refusal(Reason.ROLE_NOT_ALLOWED, "x"), Exit.NO),
        (Refusal(Reason.RULE_REFUSED, "x"), Exit.NO),
        (PeerFault(Reason.BAD_PROOF, "x"), Exit.NO),
        (Unavailable(Reason.OVERLOADED, "x"), Exit.UNREACHABLE),
        (Unavailable(Reason.PEER_UNREACHABLE, "x"), Exit.UNREACHABLE),
        (FileNotFoundError(2, "no", "f"), Exit.BAD_INPUT),
        (RuntimeError("secret"), Exit.UNREACHABLE),
    ],
)
def test_exit_codes(error: Exception, expected: Exit) -> None:
    """0 yes, 1 no, 2 bad input, 3 unreachable or out of order."""
    assert expected == exit_code(error)


def test_every_reason_has_its_code_and_its_chinese() -> None:
    """A reason that is added later must be given an exit code and Chinese words."""
    for reason in Reason:
        error = Refusal(reason, "x")
        assert exit_code(error) in tuple(Exit)
        with using_language("zh"):
            assert any("\u4e00" <= letter <= "\u9fff" for letter in failure_lines(error)[0][3:])


def test_a_file_without_a_name_is_not_named() -> None:
    """What the system says without a file's name is shown; no sentence ends in nothing."""
    named = failure_lines(FileNotFoundError(2, "No such file", "f.csv"))
    nameless = failure_lines(FileNotFoundError(2, "No such file"))
    assert ["Error: There is no file f.csv"] == named
    assert ["Error: A file could not be read or written: No such file"] == nameless


def test_nights_that_are_missing_are_named() -> None:
    """A refusal's list of nights is shown, one on a line."""
    error = Refusal(Reason.RULE_REFUSED, "x", details={"missing": "2026-11-01 a; 2026-11-02 a"})
    assert ["  2026-11-01 a", "  2026-11-02 a"] == failure_lines(error)[1:]


def test_unexpected_errors_show_no_inside() -> None:
    """A mistake of ours shows neither its text nor a traceback."""
    error = RuntimeError("secret")
    assert "secret" not in failure_json(error) + "".join(failure_lines(error))


def test_every_settle_command_loads() -> None:
    """What the group lists is there."""
    import click

    for name in settle.list_commands(click.Context(settle)):
        found = settle.get_command(click.Context(settle), name)
        assert found is not None
        assert name == found.name


def test_a_rules_refusal_in_its_own_chinese() -> None:
    """What a rule says in Chinese is shown in Chinese, with rule and subject, without English."""
    details = {"rule": "G05-LISTING-TAKEN", "subject": "310000-L1", "text_zh": "该编号已使用过。"}
    error = Refusal(Reason.RULE_REFUSED, "G05: The number is taken.", details=details)
    with using_language("zh"):
        said = "错误：规则不允许：该编号已使用过（G05-LISTING-TAKEN，310000-L1）"
        assert [said] == failure_lines(error)
    with using_language("en"):
        assert "The number is taken." in failure_lines(error)[0]


def test_common_faults_in_chinese() -> None:
    """What nodes most often say of a field is known in Chinese; the rest is shown as it came."""
    error = invalid_field("from_date", "soon", "This is not a date.", "Write 2026-11-22.")
    with using_language("zh"):
        assert "  from_date“soon”: 不是日期。 → 请写成 2026-11-22。" == failure_lines(error)[1]
        assert "It is odd." in failure_lines(invalid_field("f", "", "It is odd."))[1]
    with using_language("en"):
        assert "This is not a date. → Write 2026-11-22." in failure_lines(error)[1]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_profile_that_is_not_there_is_named_as_given(language: str, tmp_path: Path) -> None:
    """The path in the message is the one that was typed, not a file that was sought in it."""
    for path in ("/nonexist", str(tmp_path)):
        code, _, errors = run("log", "show", "--as", path, "--lang", language)
        assert (2, True) == (code, f"--as {path}" in errors)


def test_the_node_group_names_its_commands() -> None:
    """The list of commands says what can be done with a node, without importing it."""
    for name in ("init", "client", "keys", "certificate", "serve", "status", "rebuild"):
        assert name in run("--help", "--lang", "zh")[1]


def test_grpc_keeps_quiet() -> None:
    """What gRPC writes by itself is turned off before it is imported, unless it is asked for."""
    code = (
        "import os\nfrom clients.cli.main import main\n"
        "try:\n    main(['--version-of-nothing'])\nexcept SystemExit:\n    pass\n"
        "print(os.environ['GRPC_VERBOSITY'])"
    )
    for given, expected in (({}, "NONE"), ({"GRPC_VERBOSITY": "DEBUG"}, "DEBUG")):
        environment = {**os.environ, **given}
        if not given:
            environment.pop("GRPC_VERBOSITY", None)
        done = subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True,
            env=environment,
        )  # fmt: skip
        assert expected == done.stdout.strip()
