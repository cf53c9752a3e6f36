"""The month in ``docs/clearing.md``: every command is run at four running nodes.

``DELTACARE_UPDATE_DOCUMENTS=1`` writes what the commands print into the document instead. The month
is the one before last, so that every date of it can be closed whenever this runs, and dates of the
next one too. Here is also looked at what a page cannot show: the reports, and the books of all four.
"""

import re
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from clients.sdk.credentials import Profile
from clients.sdk.node import SyncNodeClient
from deltacare.errors import Unavailable
from deltacare.times import business_date
from deltacare.trust import Account
from deltacare.v1.clearing_service_pb2 import PAIR_NIGHT_STATE_AGREED, ListPairNightsRequest
from deltacare.v1.log_service_pb2 import ListLogsRequest
from tests.support.documents import Terminal, compared
from tests.support.federated import make_directories, make_offices
from tests.support.serving import PROVINCES, Serving

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "clearing.md"
WAIT_S_MAX = 120.0
VARIES = (
    (re.compile(r"\b\d{4}-\d{2}-\d{2}\b"), "DATE"),
    (re.compile(r"\b\d{4}-\d{2}\b"), "MONTH"),
)


def opening_date(today: date) -> date:
    """Return the seventh-last date of the month before last."""
    last_month = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    return last_month - timedelta(days=7)


def account(province: str) -> Account:
    """Return a generated account."""
    return Account(
        holder=f"示例{province}民政专户（非真实账户）",
        number=f"{province}0000000001",
        bank_code=f"{province}000001",
        from_time=datetime(2026, 1, 1, tzinfo=UTC),
    )


class Nights:
    """Waits for what a reader would find: logs that arrived, and nights that ran.

    Args:
        directories: Where each node stands, by province.
    """

    def __init__(self, directories: dict[str, Path]) -> None:
        self._clients = {each: path / "clients" for each, path in directories.items()}

    def settle(self) -> None:
        """Wait until both nodes of a pair hold the same, and every night that can be run is."""
        end_s = time.monotonic() + WAIT_S_MAX
        while True:
            try:
                if self._agree():
                    return
            except Unavailable:
                pass
            assert time.monotonic() < end_s, "waited in vain for logs and nights"
            time.sleep(0.05)

    def _agree(self) -> bool:
        sizes: dict[str, set[int]] = {}
        for province, directory in self._clients.items():
            profile = Profile.load(directory, name="auditor")
            with SyncNodeClient.of(profile, timeout_s=5.0) as node:
                for row in node.log.ListLogs(ListLogsRequest()).logs:
                    sizes.setdefault(row.log, set()).add(row.verified_size)
                nights = node.clearing.ListPairNights(ListPairNightsRequest(page_size=1_000)).nights
                if any(
                    each.state != PAIR_NIGHT_STATE_AGREED
                    and not each.waiting_for.startswith("CLOSE_MISSING")
                    for each in nights
                ):
                    return False
        return all(len(found) == 1 for found in sizes.values())


def make_terminal(root: Path, patch: pytest.MonkeyPatch) -> Terminal:
    """Make four node directories, and a terminal beside them."""
    apart = root / "apart"
    made = make_directories(
        apart,
        provinces=PROVINCES,
        offices=make_offices(apart / "offices", PROVINCES),
        opening_date=opening_date(business_date(datetime.now(UTC))),
        accounts={province: account(province) for province in PROVINCES},
    )
    here = root / "here"
    here.mkdir()
    directories = {
        province: directory.rename(here / f"node-{province}")
        for province, directory in made.items()
    }
    nodes, nights = Serving(directories), Nights(directories)

    def settle() -> None:
        nodes.settle(found.jobs)
        if found.jobs:
            nights.settle()

    found = Terminal(patch, here, before=settle)
    return found


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """Make nodes and a terminal; ends whatever was started."""
    found = make_terminal(tmp_path, monkeypatch)
    try:
        yield found
    finally:
        found.close()


@pytest.mark.slow
def test_the_document_is_true(terminal: Terminal) -> None:
    """Each command prints what the document says it prints, from the first to the last."""
    for documented, printed in compared(DOCUMENT, terminal.run_block, *VARIES):
        assert documented == printed
