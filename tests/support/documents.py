"""Pages of commands and what they print: run as they stand, and compared.

A page shows commands after ``$``, with ``>`` before lines that go on, and below them what they
print. A ``Terminal`` understands what such pages use of a shell: variables, jobs in the background,
files, pipes and loops; ``deltacare`` itself runs in this process, which is quicker than a process
for each. What differs from run to run (keys, ids, times, days) is compared as a word.

``DELTACARE_UPDATE_DOCUMENTS=1`` writes what the commands print into the page instead.
"""

import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from clients.cli.main import main

__all__ = ["Job", "Terminal", "compared"]

_BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.DOTALL | re.MULTILINE)
_VARIES = (
    (re.compile(r"\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}"), "+ID+KEY"),
    (re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z"), "TIME"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "HASH"),
    (re.compile(r"\b[0-9a-f]{8}\b"), "ID"),
)
_LOOP = re.compile(r"for (\w+) in (.+?); do\s+(.+?);?\s+done", re.DOTALL)
_SHELL_S_MAX = 30
_JOB_S_MAX = 30


def _same(text: str, *more: tuple[re.Pattern[str], str]) -> str:
    """Return a text without what differs from run to run.

    Args:
        text: What was printed.
        more: What else differs on this page, and the word for it.
    """
    for pattern, word in (*_VARIES, *more):
        text = pattern.sub(word, text)
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A command in the background.

    Attributes:
        words: The command, without the program.
        process: Where it runs.
    """

    words: tuple[str, ...]
    process: "subprocess.Popen[bytes]"

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def leave(self) -> None:
        """Wait until it has ended; end it if that takes too long."""
        try:
            self.process.wait(_JOB_S_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        assert self.process.stdin is not None
        self.process.stdin.close()


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
        self._jobs: dict[int, Job] = {}
        patch.chdir(directory)
        patch.setenv("COLUMNS", "120")
        patch.setenv("DELTACARE_LANG", "en")
        for name in ("DELTACARE_KEY_PASSPHRASE_FILE", "DELTACARE_AS", "DELTACARE_POLICY"):
            patch.delenv(name, raising=False)

    @property
    def jobs(self) -> Sequence[Job]:
        """What was started and not ended, in that order."""
        return list(self._jobs.values())

    def run_block(self, block: str) -> str:
        """Return a block with what its commands print now."""
        said = "".join(f"$ {command}\n{self.run(_joined(command))}" for command in _split(block))
        return re.sub(r" +$", "", said, flags=re.MULTILINE)  # as editors leave a page

    def run(self, command: str) -> str:
        """Run a command as a person sees it: what it prints, and its code if it fails."""
        for on_page, used in self._typed.items():
            command = command.replace(on_page, used)
        loop = _LOOP.fullmatch(command)
        if loop:
            return self._repeat(*loop.groups())
        first = command.split(maxsplit=1)[0]
        if first == "export":
            said, code = self._export(command), 0
        elif first in ("kill", "wait"):
            said, code = self._end(command), 0
        elif command.endswith("&"):
            said, code = self._spawn(command.removesuffix("&")), 0
        elif first == "deltacare":
            self._before()
            command, _, reader = command.partition(" | ")
            said, code = self._deltacare(command)
            if reader:
                said, code = _shell(reader, said)
        else:
            said, code = _shell(command)
        for on_page, used in self._typed.items():
            said = said.replace(used, on_page)
        return said + (f"[exit {code}]\n" if code else "")

    def close(self) -> None:
        """End every job."""
        self._leave(list(self._jobs), is_told=True)

    def _repeat(self, name: str, words: str, body: str) -> str:
        """Run the commands of a loop for each of its words."""
        said = ""
        for word in _shell(f"printf '%s\\n' {words}")[0].split():
            self._patch.setenv(name, word)
            said += "".join(self.run(each.strip()) for each in re.split(r";\s+", body))
        return said

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
        words, out, mode = _redirected(shlex.split(os.path.expandvars(command)))
        assert words[0] == "deltacare", command
        with Path(out or os.devnull).open(f"{mode}b") as file:
            process = subprocess.Popen(  # our own interpreter and module
                [sys.executable, "-m", "clients.cli.child", *words[1:]],
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=subprocess.STDOUT,
                env={
                    **os.environ,
                    "PYTHONUNBUFFERED": "1",
                    "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                },
            )
        # The number that a shell gives: after those that still run.
        number = max((each for each, job in self._jobs.items() if job.is_running), default=0) + 1
        self._jobs = {each: job for each, job in self._jobs.items() if each < number}
        self._jobs[number] = Job(words=tuple(words[1:]), process=process)
        return ""

    def _end(self, command: str) -> str:
        """Tell jobs to end, or wait until they end; without a number, until all do."""
        numbers = [int(word.removeprefix("%")) for word in command.split()[1:]]
        self._leave(numbers or list(self._jobs), is_told=command.startswith("kill"))
        return ""

    def _leave(self, numbers: Sequence[int], *, is_told: bool) -> None:
        """Wait until jobs have ended, and forget them."""
        jobs = [self._jobs.pop(number) for number in numbers if number in self._jobs]
        for job in jobs:
            if is_told and job.is_running:
                job.process.terminate()
        for job in jobs:
            job.leave()

    def _deltacare(self, command: str) -> tuple[str, int]:
        """Run the program in this process."""
        words, out, mode = _redirected(shlex.split(os.path.expandvars(command)))
        said = io.StringIO()
        with redirect_stdout(said), redirect_stderr(said), pytest.raises(SystemExit) as ended:
            main(words[1:])
        if out is not None:
            with Path(out).open(mode, encoding="utf-8") as file:
                file.write(said.getvalue())
        code = ended.value.code
        assert code is None or isinstance(code, int)
        return "" if out else said.getvalue(), code or 0


def compared(
    path: Path, run_block: Callable[[str], str], *more: tuple[re.Pattern[str], str]
) -> Iterator[tuple[str, str]]:
    """Run a page from the first command to the last; yield blocks as they stand and as run now.

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
    assert len(blocks) > 5, "a page of commands"
    for block in blocks:
        yield _same(block, *more), _same(run_block(block), *more)


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


def _redirected(words: list[str]) -> tuple[list[str], str | None, str]:
    """Return a command without ``> FILE`` and ``2>&1``, the file and how it is opened."""
    words = [word for word in words if word != "2>&1"]
    for sign, mode in ((">", "w"), (">>", "a")):
        if sign in words:
            place = words.index(sign)
            return words[:place] + words[place + 2 :], words[place + 1], mode
    return words, None, "w"


def _shell(command: str, read: str = "") -> tuple[str, int]:
    """Run a command of the system, with what it reads."""
    done = subprocess.run(  # what a page of ours says
        ["/bin/sh", "-c", command],
        input=read.encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_SHELL_S_MAX,
        check=False,
    )
    return done.stdout.decode().replace("\r\n", "\n"), done.returncode
