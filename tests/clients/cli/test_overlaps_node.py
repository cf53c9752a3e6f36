"""Holds, overlaps and demands against running nodes, as the finance staff of two homes see them."""

import csv
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from clients.cli.main import main
from clients.demo.processes import Nodes
from clients.sample.generator import sample_csv, sample_rows
from deltacare.times import business_date
from settlement.core.columns import COLUMNS
from tests.support.persons import identity_number
from tests.support.processes import running_nodes

pytestmark = pytest.mark.slow

SH, JS, ZJ, AH = "310000", "320000", "330000", "340000"
ALL = (SH, JS, ZJ, AH)
SIGNED = ("--maker", "mk-1", "--reviewer", "rv-1")
POLICY = ("--maker", "policy-1", "--reviewer", "policy-2")
STATED = ("--maker", "adm-1", "--reviewer", "adm-2")
OPENING = business_date(datetime.now(UTC)) - timedelta(days=5)
MONTH = "2026-10"
WAIT_S_MAX = 90


class Staff:
    """Runs commands at the provinces' nodes, with a key for each who signs."""

    def __init__(self, nodes: Nodes, directory: Path) -> None:
        self._nodes = nodes
        self.directory = directory
        self.passphrase = directory / "passphrase"
        self.passphrase.write_text("generated passphrase of a test", encoding="utf-8")
        (directory / "keys").mkdir()

    def invoke(self, province: str, *arguments: str) -> Any:
        """Return the result of a command."""
        profile = self._nodes.node_directory(province) / "clients" / "system"
        given: tuple[str, ...] = ("--as", str(profile))
        if arguments[1:3] == ("key", "new"):
            given = ()
        result = CliRunner().invoke(main, [*arguments, *given])
        assert "Traceback" not in result.stderr, result.stderr
        return result

    def run(self, province: str, *arguments: str, code: int = 0) -> Any:
        """Return the JSON answer of a command."""
        result = self.invoke(province, *arguments, "--json")
        assert code == result.exit_code, (arguments, result.stdout, result.stderr)
        return json.loads(result.stdout) if result.stdout else {}

    def text(self, province: str, *arguments: str) -> str:
        """Return what a person reads, in Chinese."""
        result = self.invoke(province, *arguments, "--lang", "zh")
        return str(result.stdout + result.stderr)

    def until(self, good: Callable[[Any], bool], province: str, *arguments: str) -> Any:
        """Return the first answer that is good."""
        found: Any = None
        end_s = time.monotonic() + WAIT_S_MAX
        while time.monotonic() < end_s:
            result = self.invoke(province, *arguments, "--json")
            found = json.loads(result.stdout)
            if "error" not in found and good(found):
                return found
            time.sleep(0.05)
        raise AssertionError(f"{arguments} came to {found}")

    def close(self, number: int) -> None:
        """Close a date everywhere, 0 for the opening date."""
        day = (OPENING + timedelta(days=number)).isoformat()
        for province in ALL:
            self.run(province, "settle", "close-day", day)

    def enrol(self, home: str, host: str, handle: str, number: str) -> str:
        """Enrol an elder and return the pseudonym."""
        path = self.directory / f"{handle}.csv"
        path.write_text(
            "enrolment_id,elder_handle,home_division,subsidy_kinds,from_date,until_date,"
            "assessment_scheme,assessment_grade,identity_number\n"
            f"E-{handle},{handle},{home[:2]}0106,CARE_BED,2026-01-01,,,,{number}\n",
            encoding="utf-8",
        )
        found = self.run(home, "settle", "enrol", str(path), "--partner", host, *SIGNED)
        return str(found["tickets"][0]["beneficiary_ref"])

    def file(self, province: str, home: str, host: str, number: str, elder: str) -> None:
        """File a record of twenty days."""
        path = self.directory / f"{province}-{number}.csv"
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerow(
                {
                    "settlement_no": number,
                    "home": home,
                    "host": host,
                    "beneficiary_ref": elder,
                    "institution": f"{host}-1",
                    "subsidy_kind": "CARE_BED",
                    "service_month": MONTH,
                    "service_days": 20,
                    "amount_fen": 200_000,
                    "caregiver_cert_no": "",
                }
            )
        self.run(province, "settle", "import", str(path), *SIGNED)


@pytest.fixture(scope="module")
def staff(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staff]:
    """Start the nodes of the four provinces, and wait until they take writes."""
    directory = tmp_path_factory.mktemp("nodes")
    with running_nodes(directory, ALL, opening_date=OPENING) as made:
        yield Staff(made, tmp_path_factory.mktemp("staff"))


def test_two_homes_pay_for_one_elder(staff: Staff) -> None:
    """Keys, numbers, the hold that the second home's close places, and its end by a person."""
    policy = (
        "settle", "policy", "publish", "CARE_BED", "--unit", "day", "--rate", "100", "--cap",
        "3100", "--from", "2026-01-01", "--exclusivity-group", "CARE", *POLICY,
    )  # fmt: skip
    for home in (JS, ZJ):
        staff.run(home, *policy)
        found = staff.run(home, "settle", "overlap-key", "--from-year", "2026", *SIGNED)
        assert 2026 == found["key"]["from_year"]
    number = identity_number(5)
    at_js = staff.enrol(JS, SH, "js-5", number)
    at_zj = staff.enrol(ZJ, AH, "zj-5", number)
    staff.file(JS, JS, SH, "S1", at_js)
    staff.close(0)
    staff.file(ZJ, ZJ, AH, "A1", at_zj)
    staff.close(1)
    # Whose close came before the other's claim holds a night later.
    staff.close(2)
    for home, host, held in ((JS, SH, "S1"), (ZJ, AH, "A1")):
        (hold,) = staff.run(home, "settle", "holds", "--partner", host)["holds"]
        assert (held, "OVERLAP_WITH_OTHER_HOME") == (
            hold["hold"]["settlement_no"],
            hold["hold"]["reason"],
        )
    shown = staff.text(JS, "settle", "holds", "--partner", SH)
    assert "与其他户籍地重复" in shown
    assert "暂缓中" in shown
    (overlap,) = staff.run(JS, "settle", "overlaps", "--with", ZJ)["overlaps"]
    assert (20, 20, True) == (
        overlap["own_days"],
        overlap["other_days"],
        overlap["settlements"][0]["held"],
    )
    assert "S1" in staff.text(JS, "settle", "overlaps", "--with", ZJ)
    # Zhejiang withdraws; its own hold can be ended at once, which the exit code says.
    staff.run(
        ZJ, "settle", "reverse", "A1", "--as-home", "--partner", AH, "--reason", "ERROR", *SIGNED
    )
    (hold,) = staff.run(ZJ, "settle", "holds", "--partner", AH, code=1)["holds"]
    assert hold["can_end"]
    staff.run(
        ZJ, "settle", "release", "--index", str(hold["entry"].get("index", 0)),
        "--partner", AH, "--reason", "REVERSED", *SIGNED,
    )  # fmt: skip
    assert [] == staff.run(ZJ, "settle", "holds", "--partner", AH)["holds"]
    assert "解除" in staff.text(ZJ, "settle", "holds", "--partner", AH, "--all")


def test_a_demand_from_two_signatures_to_the_money(staff: Staff) -> None:
    """Cleared, demanded by maker and checker, found by the host, reversed and recovered."""
    register = staff.directory / "register.csv"
    register.write_bytes(sample_csv(list(sample_rows(province=SH))))
    staff.run(SH, "institution", "import", str(register), *SIGNED)
    listing = ("listing", "publish", "310000-L1", "--from", "2026-01-01", *SIGNED)
    staff.run(SH, *listing, "--institution", f"{SH}-1")
    staff.run(
        SH, "agreement", "propose", "310000-A1", "--party", SH, "--party", JS,
        "--scope", "subsidy", "--kind", "CARE_BED", "--from", "2026-01-01", *SIGNED,
    )  # fmt: skip
    staff.until(lambda found: found["agreements"], JS, "agreement", "list")
    staff.run(JS, "agreement", "accept", "310000-A1", *SIGNED)
    for province in (SH, JS):
        staff.until(
            lambda found: [True] == [row["in_force"] for row in found["agreements"]],
            province,
            *("agreement", "list"),
        )
    elder = staff.enrol(JS, SH, "js-6", "")
    for province in (SH, JS):
        staff.file(province, JS, SH, "C1", elder)
    staff.close(3)

    def agreed(number: int) -> Callable[[Any], bool]:
        day = (OPENING + timedelta(days=number)).isoformat()
        return lambda found: any(
            {SH, JS} == {each["lower"], each["higher"]}
            and (each["state"], each["business_date"]) == ("AGREED", day)
            for each in found["nights"]
        )

    for province in (SH, JS):
        staff.until(agreed(3), province, "settle", "nights", "--province", JS)
    # What nobody cleared is not demanded.
    names = {name: staff.directory / "keys" / name for name in ("mk-1", "rv-1")}
    opened = ("--passphrase-file", str(staff.passphrase))
    for name, path in names.items():
        new = ("settle", "key", "new", "--principal", name, "--out", str(path), *opened)
        staff.run(JS, *new)
        publish = ("settle", "key", "publish", str(path), "--from", "2026-01-01", *STATED)
        staff.run(JS, *publish)
    demand = ("settle", "clawback", "demand")
    options = ("--partner", SH, "--reason", "NOT_SERVED")
    maker_file = staff.directory / "demand.approval"
    maker = ("--key", str(names["mk-1"]), *opened, "--out", str(maker_file))
    checker = ("--key", str(names["rv-1"]), *opened, "--with", str(maker_file))
    staff.run(JS, *demand, "NEVER", *options, *maker, code=2)
    staff.run(JS, *demand, "C1", *options, *maker)
    staff.run(JS, *demand, "C1", *options, *checker)
    listed = ("settle", "clawback", "list", "--partner")
    found = staff.until(lambda found: found["clawbacks"], SH, *listed, JS)
    (one,) = found["clawbacks"]
    assert ("320000-C-C1", "DEMANDED", 200_000) == (
        one["clawback"]["clawback_id"],
        one["state"],
        one["clawback"]["amount_fen"],
    )
    shown = staff.text(SH, *listed, JS)
    assert "待对方冲正" in shown
    assert "2,000.00" in shown
    staff.run(
        SH, "settle", "reverse", "C1", "--as-host", "--partner", JS, "--reason", "AGREED", *SIGNED
    )
    staff.close(4)
    for province, partner in ((SH, JS), (JS, SH)):
        staff.until(
            lambda found: ["RECOVERED"] == [each["state"] for each in found["clawbacks"]],
            province,
            *listed,
            partner,
        )
    assert "已追回" in staff.text(JS, *listed, SH)
