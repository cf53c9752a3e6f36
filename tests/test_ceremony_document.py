"""The ceremony in ``docs/ceremony.md``: every command is run, and prints what stands there.

``DELTACARE_UPDATE_DOCUMENTS=1`` writes what the commands print into the document instead.
"""

import io
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from clients.cli.main import main

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "ceremony.md"
BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.DOTALL | re.MULTILINE)
VARIES = (
    (re.compile(r"\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}"), "+ID+KEY"),
    (re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z"), "TIME"),
    (re.compile(r"\b[0-9a-f]{8}\b"), "ID"),
)
PASSPHRASE = "four offices, one passphrase"


def same(text: str) -> str:
    """Return a text without what differs from run to run."""
    for pattern, word in VARIES:
        text = pattern.sub(word, text)
    return text


def commands(block: str) -> Iterator[str]:
    """Yield the commands of a block."""
    yield from (line[2:] for line in block.splitlines() if line.startswith("$ "))


def run(command: str) -> str:
    """Run a command as a person at a terminal sees it: what it prints, and a code if it fails."""
    program, *arguments = shlex.split(command)
    if program == "cp":
        shutil.copy(*arguments)
        return ""
    assert program == "deltacare"
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said), pytest.raises(SystemExit) as ended:
        main([*arguments, "--lang", "en"])
    code = f"[exit {ended.value.code}]\n" if ended.value.code else ""
    return said.getvalue() + code


def run_block(block: str) -> str:
    """Return a block with what its commands print now."""
    return "".join(f"$ {command}\n{run(command)}" for command in commands(block))


@pytest.mark.slow
def test_the_document_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command prints what the document says it prints, from the first to the last."""
    text = DOCUMENT.read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DELTACARE_KEY_PASSPHRASE", PASSPHRASE)
    monkeypatch.delenv("DELTACARE_KEY_PASSPHRASE_FILE", raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    if os.environ.get("DELTACARE_UPDATE_DOCUMENTS"):
        DOCUMENT.write_text(BLOCK.sub(lambda m: run_block(m[0]), text), encoding="utf-8")
        return
    blocks = BLOCK.findall(text)
    assert len(blocks) > 5
    for block in blocks:
        assert same(block) == same(run_block(block))
