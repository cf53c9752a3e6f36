"""The month in ``docs/clearing.md``: every command is run at four running nodes.

``DELTACARE_UPDATE_DOCUMENTS=1`` writes what the commands print into the document instead.
Settlement opens six days before the end of the month before last: whenever this runs, every date
of that month can be closed, and dates of the next one too.
"""

import os
import re
import sys
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
    (re.compile(r"\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\+08:00"), "TIME"),
    (re.compile(r"\b\d{4}-\d{2}-\d{2}\b"), "DATE"),
    (re.compile(r"\b\d{4}-\d{2}\b"), "MONTH"),
    (re.compile(r"\b20\d{2}(?=[ │:]|$)", re.MULTILINE), "YEAR"),
    (re.compile(r"\((?:\d+ working days )?late\) *"), "LATE"),
    (re.compile(r"│ +\d+ (│ +│)$", re.MULTILINE), r"│ AGE \1"),
    # The entry, of the last command's table, and places in registry logs.
    (re.compile(r"\bindex \d+|#\d+(?: +(?=│))?|(?<=registry )\d+ *"), "INDEX"),
    (re.compile(r"\b[0-9a-f]{16}\b"), "ID"),
    (re.compile(r"\bID(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "UUID"),
    (re.compile(r"\b\d{2}:\d{2}:\d{2}\b"), "CLOCK"),
    (re.compile(r"\bY20\d{2}\b"), "YEAR"),
    (re.compile(r"\b(town|pay)-(\d)-(?:ID|[0-9a-f]{8})"), r"\1-\2-KEY"),
    # Identifiers of payments and of messages.
    (re.compile(r"\b[MP]?[A-Z2-7]{32}(?=\b|-\d\d)"), "PAYMENT"),
    (re.compile(r"\b[A-Z2-7]{8}(?=-\d\d)"), "PAYMENT"),
    # Whose turn it is depends on the date.
    (re.compile(r"\b3[1234]0000-S1\b"), "TURN-S1"),
    (re.compile(r"is 3[1234]0000's to propose"), "is TURN's to propose"),
)


def opening_date(today: date) -> date:
    """Return the sixth-last date of the month before last."""
    last_month = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    return last_month - timedelta(days=6)


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
        self._open: dict[str, SyncNodeClient] = {}
        # Every night before this date was found agreed, which it stays.
        self._from_date = ""

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

    def close(self) -> None:
        """Close the connections."""
        for client in self._open.values():
            client.close()

    def _node(self, province: str) -> SyncNodeClient:
        if province not in self._open:
            profile = Profile.load(self._clients[province], name="auditor")
            self._open[province] = SyncNodeClient.of(profile, timeout_s=5.0)
        return self._open[province]

    def _agree(self) -> bool:
        sizes: dict[str, set[int]] = {}
        nodes = [self._node(province) for province in self._clients]
        for node in nodes:
            for row in node.log.ListLogs(ListLogsRequest()).logs:
                known = sizes.setdefault(row.log, set())
                known.add(row.verified_size)
                if row.log.endswith("/registry"):
                    known.add(row.quorum_size)
        if any(len(found) > 1 for found in sizes.values()):
            return False
        asked = ListPairNightsRequest(page_size=1_000, from_date=self._from_date)
        open_dates: list[str] = []
        for node in nodes:
            for night in node.clearing.ListPairNights(asked).nights:
                if night.state != PAIR_NIGHT_STATE_AGREED:
                    if not night.waiting_for.startswith("CLOSE_MISSING"):
                        return False
                    open_dates.append(night.business_date)
        self._from_date = min(open_dates)
        return True


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """Make four node directories, and a terminal beside them; ends whatever was started."""
    apart = tmp_path / "apart"
    made = make_directories(
        apart,
        provinces=PROVINCES,
        offices=make_offices(apart / "offices", PROVINCES),
        opening_date=opening_date(business_date(datetime.now(UTC))),
        accounts={province: account(province) for province in PROVINCES},
    )
    here = tmp_path / "here"
    here.mkdir()
    directories = {
        province: directory.rename(here / f"node-{province}")
        for province, directory in made.items()
    }
    nodes, nights = Serving(directories), Nights(directories)
    is_ready = False

    def settle() -> None:
        nonlocal is_ready
        if found.jobs and not is_ready:
            nodes.settle(found.jobs)
            is_ready = True
        if found.jobs:
            nights.settle()

    # As in a shell in which the environment is active: the page runs beancount's own check.
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    found = Terminal(monkeypatch, here, before=settle)
    try:
        yield found
    finally:
        found.close()
        nights.close()


@pytest.mark.slow
def test_the_document_is_true(terminal: Terminal) -> None:
    """Each command prints what the document says it prints, from the first to the last."""
    for documented, printed in compared(DOCUMENT, terminal.run_block, *VARIES):
        assert documented == printed
