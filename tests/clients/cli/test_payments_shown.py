"""What is shown of payments to people: the commands that go on, word by word."""

import shlex
from datetime import date
from pathlib import Path

import click
from click.testing import CliRunner

from clients.cli.main import main
from clients.cli.payments_shown import kept_lines
from clients.language import using_language

DAY = date(2026, 11, 23)
HASHES = ["aa" * 32, "bb" * 32]


def test_a_message_that_was_ordered_is_written_again_by_the_command_that_is_shown() -> None:
    """Where nothing is due, each message of the day comes with its whole command."""
    with using_language("en"):
        lines = kept_lines(HASHES, DAY, Path("my other.xml"))
    assert f"What was ordered for {DAY} is written again by:" == lines[0]
    assert [
        f"  deltacare settle pay message 'my other.xml' --execution-date {DAY} --hash {each}"
        for each in HASHES
    ] == lines[1:]
    with using_language("zh"):
        assert f"{DAY} 已下指令的报文重新写出：" == kept_lines(HASHES, DAY, None)[0]
    assert "message FILE --execution-date" in kept_lines(HASHES, DAY, None)[1]
    assert [] == kept_lines([], DAY, None)


def test_the_command_that_is_shown_is_one() -> None:
    """It is read as it stands: no option is missing, none unknown."""
    (_, line, _) = kept_lines(HASHES, DAY, Path("other.xml"))
    program, *arguments = shlex.split(line)
    assert "deltacare" == program
    command: click.Command = main
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), arguments.pop(0))
        assert found is not None
        command = found
    context = command.make_context("message", arguments, resilient_parsing=False)
    assert (Path("other.xml"), HASHES[0]) == (context.params["file"], context.params["wanted"])
    assert DAY.isoformat() == context.params["day"]
    assert 0 == CliRunner().invoke(main, ["settle", "pay", "message", "--help"]).exit_code
