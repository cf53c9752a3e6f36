"""The recognition in ``docs/recognition.md``: every command is run at four running nodes.

``DELTACARE_UPDATE_DOCUMENTS=1`` writes what the commands print into the document instead. Here is
also looked at what a page cannot show: the workbook of verdicts, and a search for an erased
person's values in more than one writing.
"""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest

from tests.support.documents import Terminal, compared
from tests.support.federated import PASSPHRASE, make_directories, make_offices
from tests.support.serving import PROVINCES, Serving

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "recognition.md"
VARIES = (
    (re.compile(r"\b\d{4}-\d{2}-\d{2}\b"), "DATE"),
    (re.compile(r",DATE,\d+,"), ",DATE,DAYS,"),
    # Not said of what is less than a second old.
    (re.compile(r"^data is \d+ s old\n", re.MULTILINE), ""),
    (re.compile(r"\b\d+ s old\b"), "SECONDS s old"),
    (re.compile(r"^(│ \d{6} │ +\d+ │) +\d+ │$", re.MULTILINE), r"\1 AGE │"),
    (re.compile(r"\(\d+ bytes\)"), "(BYTES)"),
    (re.compile(r"\bkey [A-Za-z0-9_-]{43}"), "key KEY"),
    (re.compile(r"/[0-9a-f]{16}\b"), "/ID"),
    # Statements of status lists come into a log when a node gets round to it.
    (re.compile(r"\bindex \d+|#\d+(?: +(?=│))?"), "INDEX"),
    (re.compile(r"\b\d+ entries"), "ENTRIES"),
    # Said as long as the issuer's list, fetched once a minute, is behind its log.
    (re.compile(r"^reason HOLDER_ASKED\n", re.MULTILINE), ""),
)
ERASED = ("示例己", "999999190001010066", "000-0000-99887")


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """Make four node directories, and a terminal beside them; ends whatever was started."""
    apart = tmp_path / "apart"
    made = make_directories(
        apart,
        provinces=PROVINCES,
        offices=make_offices(apart / "offices", PROVINCES),
        registry_quorum=2,
    )
    here = tmp_path / "here"
    here.mkdir()
    directories = {
        province: directory.rename(here / f"node-{province}")
        for province, directory in made.items()
    }
    nodes = Serving(directories)
    found = Terminal(
        monkeypatch,
        here,
        before=lambda: nodes.settle(found.jobs),
        typed={"127.0.0.1:7310": nodes.endpoint(PROVINCES[0])},
    )
    try:
        yield found
    finally:
        found.close()


def writings(value: str) -> Iterator[bytes]:
    """Yield a value in the forms in which a program may have written it."""
    for encoding in ("utf-8", "utf-16-le", "gb18030"):
        data = value.encode(encoding)
        yield from (data, data.hex().encode(), base64.b64encode(data).rstrip(b"=")[:-1])
    yield json.dumps(value).strip('"').encode()


@pytest.mark.long
def test_the_document_is_true(terminal: Terminal) -> None:
    """Each command prints what the document says it prints, from the first to the last."""
    for documented, printed in compared(DOCUMENT, terminal.run_block, *VARIES):
        assert documented == printed
    # The workbook that the roster came back as.
    rows = list(openpyxl.load_workbook("verdicts.xlsx").worksheets[0].values)
    place = rows[0].index("verdict")
    assert ["VALID", "VALID", "NOT_RECOGNISED_HERE", "VALID", "HOLDER_MISMATCH", "VALID"] == [
        row[place] for row in rows[1:7]
    ]
    # The erased person, in other writings than a page's search knows.
    terminal.close()
    files = [each for each in Path().glob("node-*/**/*") if each.is_file()]
    held = {each: each.read_bytes() for each in (*files, *Path().glob("*.log"))}
    assert any(PASSPHRASE not in data and data for data in held.values())
    forms = [form for value in ERASED for form in writings(value)]
    assert [] == [each for each, data in held.items() if any(form in data for form in forms)]
