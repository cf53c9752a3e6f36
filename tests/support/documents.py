"""Pages of commands and what they print: run as they stand, and compared.

A page shows commands after ``$``, with ``>`` before lines that go on, and below them what they
print. A ``Terminal`` understands what such pages use of a shell: variables, jobs in the background
and files; ``deltacare`` itself runs in this process, which is quicker than a process for each. What
differs from run to run (keys, ids, times, days) is compared as a word.

``DELTACARE_UPDATE_DOCUMENTS=1`` writes what the commands print into the page instead.
"""

import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from clients.cli.main import main

__all__ = ["Terminal", "check_document", "same"]

_BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.DOTALL | re.MULTILINE)
_VARIES = (
    (re.compile(r"\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}"), "+ID+KEY"),
    (re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z"), "TIME"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "HASH"),
    (re.compile(r"\b[0-9a-f]{8}\b"), "ID"),
)
_SHELL_S_MAX = 30
_JOB_S_MAX = 30


def same(text: str, *more: tuple[re.Pattern[str], str]) -> str:
    """Return a text without what differs from run to run.

    Args:
        text: What was printed.
        more: What else differs on this page, and the word for it.
    """
    for pattern, word in (*_VARIES, *more):
        text = pattern.sub(word, text)
    return text


class Terminal:
    """What a page's commands are typed into.

    Args:
        patch: Sets the variables, and takes them back in the end.
        directory: Where the commands run.
        before: Called before each command of ``deltacare`` that runs in this process.
        typed: What stands on the page, and what is used in its place: ports that are free.
    """

    def __init__(
        self,
        patch: pytest.MonkeyPatch,
        directory: Path,
        *,
        before: Callable[[], None] = lambda: None,
        typed: Mapping[str, str] | None = None,
    ) -> None:
        self._patch = patch
        self._before = before
        self._typed = dict(typed or {})
        self.jobs: list[subprocess.Popen[bytes]] = []
        patch.chdir(directory)
        patch.setenv("COLUMNS", "120")
        patch.setenv("DELTACARE_LANG", "en")
        for name in ("DELTACARE_KEY_PASSPHRASE_FILE", "DELTACARE_AS", "DELTACARE_POLICY"):
            patch.delenv(name, raising=False)

    def run_block(self, block: str) -> str:
        """Return a block with what its commands print now."""
        return "".join(f"$ {command}\n{self.run(_joined(command))}" for command in _split(block))

    def run(self, command: str) -> str:
        """Run a command as a person sees it: what it prints, and its code if it fails."""
        for on_page, used in self._typed.items():
            command = command.replace(on_page, used)
        first = command.split(maxsplit=1)[0]
        if first == "export":
            said, code = self._export(command), 0
        elif first in ("kill", "wait"):
            said, code = self._end(command), 0
        elif command.endswith("&"):
            said, code = self._spawn(command.removesuffix("&")), 0
        elif first == "deltacare":
            self._before()
            said, code = self._deltacare(command)
        else:
            said, code = _shell(command)
        for on_page, used in self._typed.items():
            said = said.replace(used, on_page)
        return said + (f"[exit {code}]\n" if code else "")

    def close(self) -> None:
        """End every job."""
        for job in self.jobs:
            _stop(job)

    def _export(self, command: str) -> str:
        """Set variables, as the shell does."""
        said, code = _shell(f"{command} && env -0")
        assert code == 0, said
        for name, value in (pair.split("=", 1) for pair in said.split("\0") if pair):
            if f"{name}=" in command:
                self._patch.setenv(name, value)
        return ""

    def _spawn(self, command: str) -> str:
        """Start a job; it ends with this process."""
        words, out = _redirected(shlex.split(os.path.expandvars(command)))
        assert words[0] == "deltacare", command
        with open(out or os.devnull, "wb") as file:
            self.jobs.append(
                subprocess.Popen(
                    [sys.executable, "-m", "clients.cli.child", *words[1:]],
                    stdin=subprocess.PIPE,
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
                )
            )
        return ""

    def _end(self, command: str) -> str:
        """End jobs, or wait until they end of themselves."""
        for job in [self.jobs[int(word.removeprefix("%")) - 1] for word in command.split()[1:]]:
            if command.startswith("wait"):
                job.wait(_JOB_S_MAX)
            _stop(job)
        return ""

    def _deltacare(self, command: str) -> tuple[str, int]:
        """Run the program in this process."""
        words, out = _redirected(shlex.split(os.path.expandvars(command)))
        said = io.StringIO()
        with redirect_stdout(said), redirect_stderr(said), pytest.raises(SystemExit) as ended:
            main(words[1:])
        if out is not None:
            Path(out).write_text(said.getvalue(), encoding="utf-8")
        code = ended.value.code
        assert code is None or isinstance(code, int)
        return "" if out else said.getvalue(), code or 0


def check_document(
    path: Path, run_block: Callable[[str], str], *more: tuple[re.Pattern[str], str]
) -> None:
    """Run a page from the first command to the last, and compare what each prints.

    Args:
        path: The page.
        run_block: Returns a block with what its commands print now.
        more: What else differs from run to run on this page, and the word for it.
    """
    text = path.read_text(encoding="utf-8")
    if os.environ.get("DELTACARE_UPDATE_DOCUMENTS"):
        path.write_text(_BLOCK.sub(lambda found: run_block(found[0]), text), encoding="utf-8")
        return
    blocks = _BLOCK.findall(text)
    assert len(blocks) > 5
    for block in blocks:
        assert same(block, *more) == same(run_block(block), *more)


def _split(block: str) -> Iterator[str]:
    """Yield the commands of a block as they stand, with the lines that go on."""
    lines = iter(block.splitlines())
    command = ""
    for line in lines:
        if command and (line == ">" or line.startswith("> ")):
            command += f"\n{line}"
            continue
        if command:
            yield command
        command = line.removeprefix("$ ") if line.startswith("$ ") else ""
    if command:
        yield command


def _joined(command: str) -> str:
    """Return a command without the marks before lines that go on."""
    return re.sub(r"\n> ?", "\n", command.replace("\\\n> ", ""))


def _redirected(words: list[str]) -> tuple[list[str], str | None]:
    """Return a command without ``> FILE`` and ``2>&1``, and the file."""
    words = [word for word in words if word != "2>&1"]
    if ">" not in words:
        return words, None
    place = words.index(">")
    return words[:place] + words[place + 2 :], words[place + 1]


def _shell(command: str) -> tuple[str, int]:
    """Run a command of the system."""
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_SHELL_S_MAX,
        check=False,
    )
    return done.stdout.decode(), done.returncode


def _stop(job: "subprocess.Popen[bytes]") -> None:
    """End a job in order, or else at once."""
    if job.poll() is None:
        job.terminate()
    try:
        job.wait(_JOB_S_MAX)
    except subprocess.TimeoutExpired:
        job.kill()
        job.wait()
    assert job.stdin is not None
    job.stdin.close()
