"""The recognition in ``docs/recognition.md``: every command is run at four running nodes.

``DELTACARE_UPDATE_DOCUMENTS=1`` writes what the commands print into the document instead.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.documents import Terminal, check_document
from tests.support.federated import make_directories, make_offices
from tests.support.serving import PROVINCES, Serving

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "recognition.md"
VARIES = (
    (re.compile(r"\b\d{4}-\d{2}-\d{2}\b"), "DATE"),
    (re.compile(r"\b\d+ s old\b"), "SECONDS s old"),
)


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """Make four node directories, and a terminal beside them; ends whatever was started."""
    offices = make_offices(tmp_path / "offices", PROVINCES)
    nodes = Serving(
        make_directories(tmp_path, provinces=PROVINCES, offices=offices, registry_quorum=2)
    )
    found = Terminal(monkeypatch, tmp_path, before=lambda: nodes.settle(found.jobs))
    try:
        yield found
    finally:
        found.close()


@pytest.mark.slow
def test_the_document_is_true(terminal: Terminal) -> None:
    """Each command prints what the document says it prints, from the first to the last."""
    check_document(DOCUMENT, terminal.run_block, *VARIES)
