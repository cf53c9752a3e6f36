"""Paying at running nodes: an advance from terms to both banks' statements, and killed runs.

The checker is the payer of the node's own certificates. Where a run is to be killed, the program
kills itself at a named step, in a process of its own, as a power cut would. Everything is
generated; the accounts belong to nobody.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from clients.cli.connection import Connection
from clients.cli.main import main
from clients.demo.processes import Nodes
from deltacare.times import business_date
from deltacare.trust import Account
from tests.support.banking import Entry, Transaction, statement
from tests.support.processes import running_nodes

pytestmark = pytest.mark.slow

PAYEE, PAYER, THIRD, FOURTH = "310000", "320000", "330000", "340000"
PROVINCES = (PAYEE, PAYER, THIRD, FOURTH)
TODAY = business_date(datetime.now(UTC))
DAY = TODAY.isoformat()
WAIT_S_MAX = 60
STATED = ("--maker", "adm-1", "--reviewer", "adm-2")
MAKER = "pay-1"

KILLED_AT = ("prepared", "ordered", "named")
"""Steps of the checker's run, after each of which it is killed."""

KILLING = """
import os, signal, sys
from clients.cli import message_files, settle_pay

def dying(function, before):
    def run(*arguments):
        if before:
            os.kill(os.getpid(), signal.SIGKILL)
        function(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)
    return run

step = sys.argv.pop(1)
if step == "prepared":
    file = message_files.PreparedFile
    file.prepare = dying(file.prepare, False)
elif step == "ordered":
    settle_pay._order = dying(settle_pay._order, False)
elif step == "named":
    message_files.Path.hardlink_to = dying(message_files.Path.hardlink_to, False)
from clients.cli.main import main
main()
"""


def account(province: str) -> Account:
    """Return a generated account."""
    return Account(
        holder=f"示例{province}民政专户",
        number=f"{province}0000000001",
        bank_code=f"{province}000001",
        from_time=datetime(2026, 1, 1, tzinfo=UTC),
    )


class Staff:
    """Runs commands at the provinces' nodes, with a key for each who signs."""

    def __init__(self, nodes: Nodes, directory: Path) -> None:
        self.nodes = nodes
        self.directory = directory
        self.payers = {each: self._payer(each) for each in (PAYER, PAYEE)}
        names = (MAKER, self.payers[PAYER])
        self.keys = {name: directory / "keys" / name for name in names}
        (directory / "keys").mkdir()
        self.passphrase = directory / "passphrase"
        self.passphrase.write_text("generated passphrase of a test", encoding="utf-8")
        for name, path in self.keys.items():
            new = ("settle", "key", "new", "--principal", name, "--out", str(path))
            self.run(PAYER, *new, "--passphrase-file", str(self.passphrase))
        for path in self.keys.values():
            publish = ("settle", "key", "publish", str(path), "--from", "2026-01-01", *STATED)
            self.run(PAYER, *publish, role="system")

    def _payer(self, province: str) -> str:
        """Return the id of the person whom a node's certificate calls payer."""
        profile = str(self.nodes.node_directory(province) / "clients" / "payer")
        return Connection(node=None, profile=profile, timeout_s=1).caller().opaque_id

    def _as(self, province: str, role: str = "system") -> tuple[str, ...]:
        return ("--as", str(self.nodes.node_directory(province) / "clients" / role))

    def answered(self, province: str) -> tuple[str, ...]:
        """Return who answers for what a payer sends."""
        return ("--maker", MAKER, "--reviewer", self.payers[province])

    def run(self, province: str, *arguments: str, code: int = 0, role: str = "payer") -> Any:
        """Return the JSON answer of a command."""
        given = () if arguments[1:3] == ("key", "new") else self._as(province, role)
        result = CliRunner().invoke(main, [*arguments, *given, "--json"])
        assert "Traceback" not in result.stderr, result.stderr
        assert code == result.exit_code, (arguments, result.stdout, result.stderr)
        return json.loads(result.stdout) if result.stdout else {}

    def until(self, good: Callable[[Any], bool], province: str) -> Any:
        """Return the payments of a node once they are as wanted."""
        end_s = time.monotonic() + WAIT_S_MAX
        found: Any = None
        while time.monotonic() < end_s:
            arguments = ["settle", "pay", "list", *self._as(province), "--json"]
            result = CliRunner().invoke(main, arguments)
            found = json.loads(result.stdout)["payments"]
            if found and good(found):
                return found
            time.sleep(0.05)
        raise AssertionError(found)

    def sign(self, name: str) -> tuple[str, ...]:
        """Return the options of who signs: the maker's file is kept for the checker."""
        opened = ("--passphrase-file", str(self.passphrase))
        return ("--key", str(self.keys[name]), *opened)

    def grant(self, number: str, yuan: str) -> None:
        """Grant an advance."""
        file = self.directory / f"{number}.approval"
        grant = ("settle", "advance", "grant", number, "--payee", PAYEE, "--amount", yuan)
        self.run(PAYER, *grant, *self.sign(MAKER), "--out", str(file))
        self.run(PAYER, *grant, *self.sign(self.payers[PAYER]), "--with", str(file))

    def made(self, name: str, *more: str) -> Path:
        """Have the maker sign what is due, and return the file for the checker."""
        file = self.directory / f"{name}.approval"
        order = ("settle", "pay", "order", "--execution-date", DAY, *more)
        self.run(PAYER, *order, *self.sign(MAKER), "--out", str(file))
        return file

    def checker(self, made: Path, message: Path) -> tuple[str, ...]:
        """Return the checker's command."""
        return (
            *("settle", "pay", "order", "--execution-date", DAY),
            *("--with", str(made), "--message", str(message)),
            *self.sign(self.payers[PAYER]),
            *self._as(PAYER, "payer"),
            "--json",
        )


@pytest.fixture(scope="module")
def staff(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staff]:
    """Start four nodes with an account each, and wait until they take writes."""
    with running_nodes(
        tmp_path_factory.mktemp("nodes"),
        PROVINCES,
        opening_date=TODAY - timedelta(days=2),
        accounts={each: account(each) for each in PROVINCES},
    ) as made:
        staff = Staff(made, tmp_path_factory.mktemp("staff"))
        staff.run(
            PAYER,
            *("settle", "advance", "terms", PAYEE, "--limit", "100000", "--from", "2026-01-01"),
            *staff.answered(PAYER),
        )
        yield staff


def test_an_advance_is_paid_and_confirmed(staff: Staff, tmp_path: Path) -> None:
    """Granted, ordered, shown by both banks; a file read twice counts once."""
    staff.grant(f"{PAYER}-A1", "1,000.50")
    message = tmp_path / "pain.xml"
    made = staff.made("one")
    assert not message.exists(), "the maker sends nothing"
    result = CliRunner().invoke(main, [*staff.checker(made, message)])
    assert 0 == result.exit_code, result.stderr
    assert f"{PAYEE}0000000001" in result.stderr, "the account is shown before it is signed"
    data = message.read_bytes()
    assert 0o600 == message.stat().st_mode & 0o777
    assert [message] == list(tmp_path.iterdir()), "nothing is left behind"
    (payment,) = staff.until(lambda found: found[0]["state"] == "ORDERED", PAYEE)
    name = f"{payment['payment_id']}-01"
    assert name.encode() in data
    # Written again from the log, it is the same; over another file it is not written.
    again = tmp_path / "again.xml"
    staff.run(PAYER, "settle", "pay", "message", str(again), "--execution-date", DAY)
    assert data == again.read_bytes()
    again.unlink()
    again.write_bytes(b"other")
    staff.run(PAYER, "settle", "pay", "message", str(again), "--execution-date", DAY, code=2)
    assert b"other" == again.read_bytes()
    # Nothing is due any more.
    staff.run(PAYER, *_order(), *staff.sign(MAKER), "--out", str(tmp_path / "x"), code=1)
    # The payer's bank, then the payee's.
    transaction = Transaction(end_to_end_id=name)
    for province, direction in ((PAYER, "DBIT"), (PAYEE, "CRDT")):
        file = tmp_path / f"{province}.xml"
        entry = Entry(yuan="1000.50", direction=direction, transactions=[transaction], day=TODAY)
        file.write_bytes(statement(f"{province}0000000001", [entry], days=(TODAY, TODAY)))
        confirm = ("settle", "confirm", str(file), *staff.answered(province))
        found = staff.run(province, *confirm, "--dry-run")
        assert (1, 0) == (len(found["bookings"]), found["reported"])
        found = staff.run(province, *confirm)
        assert (1, 0, []) == (found["reported"], found["already_reported"], found["findings"])
        found = staff.run(province, *confirm)
        assert (0, 1) == (found["reported"], found["already_reported"])
    for province in (PAYER, PAYEE):
        staff.until(lambda found: found[0]["state"] == "PAID", province)
    (advance,) = staff.run(PAYER, "settle", "advance", "list")["advances"]
    assert "100050" == str(advance["received_fen"])


def _order() -> tuple[str, ...]:
    return ("settle", "pay", "order", "--execution-date", DAY)


def test_a_bad_file_is_refused(staff: Staff, tmp_path: Path) -> None:
    """What is no bank statement has one clear error, in Chinese too, and reports nothing."""
    file = tmp_path / "bad.xml"
    file.write_text('<!DOCTYPE a [<!ENTITY b "c">]><a/>', encoding="utf-8")
    found = staff.run(PAYER, "settle", "confirm", str(file), *staff.answered(PAYER), code=2)
    assert "document type" in json.dumps(found)


@pytest.mark.parametrize("step", KILLED_AT)
def test_a_run_that_is_killed_is_run_again(staff: Staff, tmp_path: Path, step: str) -> None:
    """After a kill at each step: the same bytes, one order, and nothing else left behind."""
    number = f"{PAYER}-K{KILLED_AT.index(step)}"
    staff.grant(number, "7.00")
    message = tmp_path / "pain.xml"
    command = staff.checker(staff.made(step), message)
    killed = subprocess.run(
        [sys.executable, "-c", KILLING, step, *command],
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert -9 == killed.returncode, killed.stderr
    part = tmp_path / ".pain.xml.part"
    assert part.exists()
    bytes_then = part.read_bytes()
    result = CliRunner().invoke(main, [*command])
    assert 0 == result.exit_code, result.stderr
    assert bytes_then == message.read_bytes()
    assert 0o600 == message.stat().st_mode & 0o777
    assert [message] == list(tmp_path.iterdir())
    found = staff.run(PAYER, "settle", "pay", "list", "--basis", number)["payments"]
    assert [(1, 1)] == [(len(each["orders"]), each["attempt"]) for each in found]
    # And once more: nothing is ordered, nothing is written.
    again = CliRunner().invoke(main, [*command])
    assert 0 == again.exit_code, again.stderr
    assert bytes_then == message.read_bytes()
    found = staff.run(PAYER, "settle", "pay", "list", "--basis", number)["payments"]
    assert 1 == len(found[0]["orders"])
