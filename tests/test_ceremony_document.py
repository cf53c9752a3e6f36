"""The ceremony in ``docs/ceremony.md``: every command is run, and prints what stands there.

``DELTACARE_UPDATE_DOCUMENTS=1`` writes what the commands print into the document instead.
"""

from pathlib import Path

import pytest

from tests.support.documents import Terminal, compared

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "ceremony.md"
PASSPHRASE = "four offices, one passphrase"


@pytest.mark.long
def test_the_document_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command prints what the document says it prints, from the first to the last."""
    terminal = Terminal(monkeypatch, tmp_path)
    monkeypatch.setenv("DELTACARE_KEY_PASSPHRASE", PASSPHRASE)
    for documented, printed in compared(DOCUMENT, terminal.run_block):
        assert documented == printed
