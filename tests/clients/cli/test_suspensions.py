"""``deltacare recognition``: a suspension, its answer and its end, through four real nodes."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from clients.cli.main import main
from tests.support.wholes import Wholes

SH, JS, AH = "310000", "320000", "340000"
NUMBER = "320000-C1"
SIGNED = ("--maker", "maker-1", "--reviewer", "reviewer-1")
WAIT_S_MAX = 30


@pytest.mark.parametrize(
    "arguments, zh, en",
    [
        (("answer", NUMBER, "--host", SH, "--word", "contested", "--suspension", "xyz",
          "--reason", "CLEARED"), "不是叶哈希", "is no leaf hash"),
        (("answer", NUMBER, "--host", SH, "--word", "maybe", "--reason", "X"),
         "investigating", "investigating"),
        (("suspend", NUMBER, "--reason", "COMPLAINT"), "--from", "--from"),
    ],
)  # fmt: skip
def test_bad_input_is_told_at_once(arguments: tuple[str, ...], zh: str, en: str) -> None:
    """What cannot be right is refused before a node is asked."""
    for language, words in (("zh", zh), ("en", en)):
        result = CliRunner().invoke(
            main, ["recognition", *arguments, *SIGNED, "--lang", language], env={"DELTACARE_AS": ""}
        )
        assert (2, True) == (result.exit_code, words in result.stderr), result.stderr


class Clerk:
    """Runs commands at the nodes of a federation."""

    def __init__(self, nodes: Wholes) -> None:
        self._nodes = nodes

    async def text(self, province: str, *arguments: str, lang: str = "zh") -> tuple[int, str]:
        """Return exit code and all that was said."""
        profile = str(self._nodes.directories[province] / "clients")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "clients.cli", "recognition", *arguments),
            *("--as", profile, "--lang", lang),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        said = output.decode()
        assert "Traceback" not in said, said
        return process.returncode or 0, said

    async def until(
        self, good: Callable[[Any], bool], province: str, *arguments: str
    ) -> list[dict[str, Any]]:
        """Return the first list that is good."""
        end_s = time.monotonic() + WAIT_S_MAX
        while time.monotonic() < end_s:
            _, said = await self.text(province, "list", *arguments, "--json")
            found = json.JSONDecoder().raw_decode(said)[0]["suspensions"]
            if good(found):
                return list(found)
            await asyncio.sleep(0.05)
        raise AssertionError(f"{arguments} came to {found}")


@pytest.fixture
async def clerk(tmp_path: Path) -> AsyncIterator[Clerk]:
    """Four nodes."""
    async with Wholes.open(tmp_path) as nodes:
        yield Clerk(nodes)


@pytest.mark.slow
async def test_from_suspension_to_resumption(clerk: Clerk) -> None:
    """Shanghai doubts, Jiangsu looks into it and answers, Shanghai resumes; all see it."""
    from_day = ("--from", "2026-01-05", "--reason", "COMPLAINT")
    code, text = await clerk.text(SH, "suspend", NUMBER, *from_day, *SIGNED)
    assert (0, True) == (code, "暂停互认 320000-C1" in text), text
    (row,) = await clerk.until(len, JS, "--open", "--issuer", JS)
    assert (SH, "COMPLAINT") == (row["host"], row["suspension"]["reason"])
    about = (NUMBER, "--host", SH, "--reason", "FILE_CHECKED")
    code, text = await clerk.text(JS, "answer", *about, "--word", "investigating", *SIGNED)
    assert (0, True) == (code, "正在核查" in text), text
    (row,) = await clerk.until(lambda rows: bool(rows[0].get("answer")), AH, "--open")
    assert "INVESTIGATING" == row["answer"]["word"]
    code, text = await clerk.text(JS, "answer", *about, "--word", "contested", *SIGNED, lang="en")
    assert (0, True) == (code, "contested" in text), text
    assert [] == await clerk.until(lambda rows: not rows, SH, "--open")
    code, text = await clerk.text(
        SH, "resume", NUMBER, "--from", "2026-01-20", "--reason", "CLEARED", *SIGNED
    )
    assert 0 == code, text
    (row,) = await clerk.until(lambda rows: bool(rows[0]["resumed_date"]), JS)
    assert "2026-01-20" == row["resumed_date"]
    code, text = await clerk.text(JS, "list")
    for words in ("1 项暂停互认", NUMBER, "未见问题", "2026-01-20"):
        assert words in text
    # Nobody else answers, and nothing that was not said.
    code, text = await clerk.text(AH, "answer", *about, "--word", "confirmed", *SIGNED)
    assert (1, True) == (code, "C28-ANSWER-NOT-ISSUER" in text), text
    code, text = await clerk.text(
        JS, "answer", "320000-C2", "--host", SH, "--reason", "X", "--word", "confirmed", *SIGNED
    )
    assert (1, True) == (code, "C29-SUSPENSION-UNKNOWN" in text), text
