"""Every command against four running nodes, as clerks of several provinces would use them."""

import csv
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner

from clients.cli.main import main
from clients.demo.processes import Nodes
from clients.demo.scenario import PROVINCES
from clients.sample.generator import sample_csv, sample_rows
from deltacare.ids import LogName
from deltacare.times import ServiceMonth, business_date
from deltacare.tlog.policy import Policy
from deltacare.tlog.receipt import verify_receipt_by_policy
from deltacare.trust import log_policy
from settlement.core.columns import COLUMNS
from tests.support.processes import running_nodes

pytestmark = pytest.mark.long

OPENING = business_date(datetime.now(UTC)) - timedelta(days=3)
MONTH = str(ServiceMonth.of(OPENING.replace(day=1) - timedelta(days=1)))
SIGNED = ("--maker", "maker-1", "--reviewer", "reviewer-1")
# No principal holds two of policy, review and payment.
PAYING = ("--maker", "payer-1", "--reviewer", "payer-2")
STATING = ("--maker", "keys-1", "--reviewer", "keys-2")
PAYING3 = ("--maker", "payer-3", "--reviewer", "keys-2")
SH, JS = "310000", "320000"
WAIT_S_MAX = 60


class Clerk:
    """Runs commands at the provinces' nodes."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes

    def run(self, province: str, *arguments: str) -> tuple[int, Any]:
        """Return exit code and JSON answer of a command."""
        profile = str(self._nodes.node_directory(province) / "clients")
        # What is verified needs no node, and nobody to ask as.
        who = () if arguments[0] == "verify" else ("--as", profile)
        result = CliRunner().invoke(main, [*arguments, *who, "--json"])
        assert "Traceback" not in result.stderr
        return result.exit_code, json.loads(result.stdout)

    def text(self, province: str, *arguments: str) -> tuple[int, str]:
        """Return exit code and text of a command, in Chinese."""
        profile = str(self._nodes.node_directory(province) / "clients")
        result = CliRunner().invoke(main, [*arguments, "--as", profile, "--lang", "zh"])
        return result.exit_code, result.stdout + result.stderr

    def until(
        self, good: Callable[[int, Any], bool], province: str, *arguments: str
    ) -> tuple[int, Any]:
        """Return the first answer that is good; a refusal in between is not."""
        end_s = time.monotonic() + WAIT_S_MAX
        while time.monotonic() < end_s:
            code, found = self.run(province, *arguments)
            if "error" not in found and good(code, found):
                return code, found
            time.sleep(0.05)
        raise AssertionError(f"{arguments} came to {found}")


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Start four nodes."""
    directory = tmp_path_factory.mktemp("nodes")
    with running_nodes(directory, PROVINCES, opening_date=OPENING) as made:
        yield made


@pytest.fixture(scope="module")
def clerk(nodes: Nodes) -> Clerk:
    """Return a clerk."""
    return Clerk(nodes)


def test_register_in_and_out(clerk: Clerk, tmp_path: Path) -> None:
    """Import, import again, change one row; list, search and show at the own and another node."""
    rows = list(sample_rows(province=SH))
    path = tmp_path / "register.csv"
    path.write_bytes(sample_csv(rows))
    code, found = clerk.run(SH, "institution", "import", str(path), *SIGNED)
    assert (0, 9, 0, 0) == (code, found["created"], found["updated"], found["unchanged"])
    rows[2] = {**rows[2], "approved_beds": "77"}
    path.write_bytes(sample_csv(rows))
    code, found = clerk.run(SH, "institution", "import", str(path), *SIGNED)
    assert (0, 0, 1, 8) == (code, found["created"], found["updated"], found["unchanged"])
    # At the partner, from its mirror.
    _, found = clerk.until(
        lambda _, listed: (
            len(listed["institutions"]) == 9
            and listed["institutions"][2]["institution"]["approved_beds"] == 77
        ),
        JS,
        "institution",
        "list",
        "--division",
        "31",
    )
    assert [{"province": SH, "institution_count": 9}] == [
        {name: count[name] for name in ("province", "institution_count")}
        for count in found["counts"]
    ]
    code, found = clerk.run(JS, "institution", "search", "样例养老院03", "--limit", "1")
    assert (0, ["310000-3"]) == (
        code,
        [row["institution"]["institution_id"] for row in found["institutions"]],
    )
    code, text = clerk.text(JS, "institution", "show", "310000-3")
    assert (0, True) == (code, "77" in text)
    assert (1, "NOT_FOUND") == _refused(clerk.run(JS, "institution", "show", "310000-999"))


def test_listings(clerk: Clerk, tmp_path: Path) -> None:
    """Published with ids from the line and from a file, listed at a partner, withdrawn."""
    rows = list(sample_rows(province=SH))
    register = tmp_path / "register.csv"
    register.write_bytes(sample_csv(rows))
    assert 0 == clerk.run(SH, "institution", "import", str(register), *SIGNED)[0]
    ids = tmp_path / "ids.txt"
    ids.write_text("310000-2\n\n310000-3\n", encoding="utf-8")
    publish = ("listing", "publish", "310000-L2026-9", "--from", "2026-01-01", *SIGNED)
    assert 2 == clerk.run(SH, *publish)[0]
    code, found = clerk.run(SH, *publish, "--institution", "310000-1", "--file", str(ids))
    assert (0, 3) == (code, found["institutions"])
    clerk.until(
        lambda _, found: (
            [3] == [len(row["listing"]["institution_ids"]) for row in found["listings"]]
        ),
        JS, "listing", "list", "--province", SH,
    )  # fmt: skip
    # A measure that closes one of them is named wherever it is shown, and warned of.
    measure = (
        "supervision", "measure", "310000-M2026-9", "--institution", "310000-2", "--kind",
        "admission-suspension", "--from", "2026-01-01", "--reason", "SAFETY", *SIGNED,
    )  # fmt: skip
    assert 0 == clerk.run(SH, *measure)[0]
    code, found = clerk.run(
        SH, "listing", "publish", "310000-L2026-8", "--from", "2026-01-01", "--institution",
        "310000-2", *SIGNED,
    )  # fmt: skip
    assert (0, 1) == (code, len(found["warnings"])), found
    assert "310000-M2026-9" in found["warnings"][0]
    code, found = clerk.run(SH, "institution", "show", "310000-2")
    assert ["310000-M2026-9"] == [row["measure"]["measure_id"] for row in found["measures"]]
    code, text = clerk.text(SH, "institution", "search", "--division", "310000")
    assert (0, True) == (code, "310000-M2026-9" in text), text
    code, found = clerk.run(SH, "listing", "show", "310000-L2026-9")
    assert (0, ["310000-2"]) == (code, list(found["measures"]))
    code, text = clerk.text(SH, "listing", "show", "310000-L2026-9")
    assert (0, True) == (code, "310000-M2026-9" in text and "310000-3" in text), text
    assert 2 == clerk.run(SH, "listing", "show", "310000-L2026-77")[0]
    later = ("--from", "2062-01-01", "--reason", "CAPACITY_FULL", *SIGNED)
    assert 0 == clerk.run(SH, "listing", "withdraw", "310000-L2026-9", *later)[0]
    code, text = clerk.text(SH, "listing", "list")
    assert (0, True) == (code, "已公布，自 2062-01-01 起撤回" in text), text
    ending = ("--from", "2026-02-01", "--reason", "CAPACITY_FULL", *SIGNED)
    assert 0 == clerk.run(SH, "listing", "withdraw", "310000-L2026-9", *ending)[0]
    code, text = clerk.text(SH, "listing", "list")
    assert (0, True, True) == (code, "310000-L2026-9" in text, "2026-02-01" in text)
    # A rule's refusal is said in its Chinese words.
    code, text = clerk.text(SH, *publish, "--institution", "310000-1")
    assert (1, True) == (code, "该名单编号已使用过" in text), text


def test_recognition(clerk: Clerk) -> None:
    """Declared, listed and ended."""
    recognise = (
        "cert", "recognise", "310000-E2026-9", "--issuer", JS, "--scheme", "CAREGIVER_LEVEL",
        "--grade", "三级", "--from", "2026-01-01", "--agreement", "310000-A2026-9", *SIGNED,
    )  # fmt: skip
    assert 2 == clerk.run(SH, *recognise, "--grade", "二级")[0], "as what two grades count"
    code, found = clerk.run(SH, *recognise)
    assert 0 == code, found
    code, found = clerk.run(SH, "cert", "equivalences", "--host", SH)
    assert (0, "三级") == (code, found["equivalences"][0]["equivalence"]["mapped_grade"])
    ending = ("--from", "2026-02-01", "--reason", "STANDARD_CHANGED", *SIGNED)
    assert 0 == clerk.run(SH, "cert", "end-recognition", "310000-E2026-9", *ending)[0]
    code, text = clerk.text(SH, "cert", "equivalences")
    assert (0, True, True) == (code, "310000-E2026-9" in text, "2026-02-01" in text)


def test_another_provinces_node(clerk: Clerk, nodes: Nodes) -> None:
    """A node of another province is called that, and its address is not blamed."""
    endpoint = f"127.0.0.1:{nodes.ports[JS]}"
    code, text = clerk.text(SH, "log", "show", "--node", endpoint, "--timeout", "2")
    assert (3, True) == (code, "这不是本省的节点" in text)


def test_a_malformed_cell_erases_nothing(clerk: Clerk, tmp_path: Path) -> None:
    """What a spreadsheet spoilt keeps its stored value, and the report says so."""
    rows = list(sample_rows(province="340000"))
    path = tmp_path / "register.csv"
    path.write_bytes(sample_csv(rows))
    assert 0 == clerk.run("340000", "institution", "import", str(path), *SIGNED)[0]
    rows[0] = {**rows[0], "established": "42,207th day", "zipcode": "2E+05"}
    path.write_bytes(sample_csv(rows))
    code, found = clerk.run("340000", "institution", "import", str(path), *SIGNED)
    number = f"340000-{rows[0]['src_id']}"
    assert (0, 0, {number: ["established_date", "postcode"]}) == (
        code,
        found["updated"],
        found["kept"],
    )
    code, text = clerk.text("340000", "institution", "import", str(path), *SIGNED)
    assert (0, True) == (code, "1 家机构有无法识别或已过时的单元格" in text)


def _refused(answered: tuple[int, Any]) -> tuple[int, str]:
    code, found = answered
    return code, found["error"]["reason"]


def test_agreement(clerk: Clerk) -> None:
    """Proposed by one, accepted by the other, in force at both; ended by either."""
    code, _ = clerk.run(
        SH, "agreement", "propose", "310000-A2026-9", "--party", "310100", "--party", "320500",
        "--scope", "subsidy", "--kind", "CARE_BED", "--from", "2026-01-01", *SIGNED,
    )  # fmt: skip
    assert 0 == code
    clerk.until(lambda code, _: code == 0, JS, "agreement", "accept", "310000-A2026-9", *SIGNED)

    def in_force(expected: bool) -> Callable[[int, Any], bool]:  # noqa: FBT001  # a test's helper
        return lambda _, listed: [expected] == [row["in_force"] for row in listed["agreements"]]

    for province in (SH, JS):
        clerk.until(in_force(True), province, "agreement", "list")
    # An amendment that is open changes nothing; the list says who accepted which version.
    code, found = clerk.run(SH, "agreement", "list")
    code, _ = clerk.run(
        SH, "agreement", "propose", "310000-A2026-9", "--party", "310100", "--party", "320500",
        "--scope", "standard", "--from", "2027-01-01", "--replaces",
        found["agreements"][0]["version_hash"], *SIGNED,
    )  # fmt: skip
    assert 0 == code
    clerk.until(
        lambda _, listed: [2] == [row["version_number"] for row in listed["agreements"]],
        JS, "agreement", "list",
    )  # fmt: skip
    for province in (SH, JS):
        code, found = clerk.run(province, "agreement", "list")
        assert [(True, 1)] == [
            (row["in_force"], row["in_force_number"]) for row in found["agreements"]
        ]
        code, text = clerk.text(province, "agreement", "list")
        assert 0 == code
        for shown in (
            "310000-A2026-9 v1", "310000-A2026-9 v2", "310000 接受 v2", "320000 接受 v1",
            "补贴结算", "机构标准",
        ):  # fmt: skip
            assert shown in text, text
    code, text = clerk.text(SH, "agreement", "matrix", "--columns", "320500,320000,330000,340000")
    assert (0, True) == (code, "320000 江苏" in text), text
    assert "310000-A2026-9" in text
    code, text = clerk.text(SH, "agreement", "matrix", "--rows", "999999", "--columns", "320500")
    assert (2, True) == (code, "其所属省不是成员" in text), text
    # It is ended from a day to come, and then from today; never for days that have passed.
    ending = ("agreement", "end", "310000-A2026-9", "--reason", "TEST", *SIGNED)
    code, text = clerk.text(JS, *ending, "--from", "2062-03-01")
    assert (0, True) == (code, "310000-A2026-9 自 2062-03-01 起终止" in text), text
    clerk.until(
        lambda _, listed: ["2062-03-01"] == [row.get("ended_date") for row in listed["agreements"]],
        SH, "agreement", "list",
    )  # fmt: skip
    code, text = clerk.text(SH, "agreement", "list")
    assert (0, True) == (code, "是，自 2062-03-01 起终止" in " ".join(text.split())), text
    code, found = clerk.run(JS, *ending, "--from", "2026-01-01")
    assert "RULE_REFUSED" == found["error"]["reason"]
    assert 0 != code
    code, text = clerk.text(JS, *ending, "--from", "2026-01-01")
    assert "协议最早自陈述当日起终止" in text, text
    code, found = clerk.run(JS, *ending)
    assert 0 == code
    today = found["effective_date"]
    clerk.until(in_force(False), SH, "agreement", "list", "--division", "310100")
    code, text = clerk.text(SH, "agreement", "list")
    assert (0, True) == (code, "终止" in text)
    yesterday = (date.fromisoformat(today) - timedelta(days=1)).isoformat()
    code, found = clerk.run(SH, "agreement", "list", "--on", yesterday)
    assert [(True, today)] == [(row["in_force"], row["ended_date"]) for row in found["agreements"]]


def test_life_of_a_certificate(clerk: Clerk, tmp_path: Path) -> None:
    """Each step changes the verdict; only VALID is exit 0; the whole history is shown."""
    number, holder = "320000-C2026000001", "样例护理员（非真人）"

    def check(province: str = JS, *more: str) -> tuple[int, str]:
        code, found = clerk.run(province, "cert", "check", number, *more)
        return code, found["verdict"]

    code, _ = clerk.run(
        JS, "cert", "issue", number, "--scheme", "CAREGIVER_LEVEL", "--grade", "三级",
        "--holder", holder, "--from", "2026-01-01", "--until", "2027-12-31", *SIGNED,
    )  # fmt: skip
    assert 0 == code
    assert (0, "VALID") == check(JS, "--holder", holder)
    assert (1, "HOLDER_MISMATCH") == check(JS, "--holder", "另一位（非真人）")
    assert (1, "EXPIRED") == check(JS, "--on", "2028-01-01")
    reasoned = ("--from", "2026-01-02", "--reason", "TEST", *SIGNED)
    assert 0 == clerk.run(JS, "cert", "suspend", number, *reasoned)[0]
    assert (1, "SUSPENDED") == check()
    assert 0 == clerk.run(JS, "cert", "reinstate", number, *reasoned)[0]
    assert 0 == clerk.run(JS, "cert", "renew", number, "--until", "2029-12-31", *SIGNED)[0]
    code, found = clerk.run(JS, "cert", "show", number)
    assert (0, "VALID", "2029-12-31") == (
        code,
        found["present"]["state"],
        found["present"]["valid_until_date"],
    )
    assert (0, "VALID") == check(JS, "--on", "2028-01-01")
    assert 0 == clerk.run(JS, "cert", "revoke", number, *reasoned)[0]
    code, found = clerk.until(
        lambda _, found: found["verdict"] == "REVOKED", SH, "cert", "check", number
    )
    assert (1, True) == (code, bool(found["rule"]))
    code, found = clerk.run(SH, "cert", "show", number)
    assert ["issued", "suspended", "reinstated", "renewed", "revoked"] == [
        next(name for name in event if name != "entry") for event in found["events"]
    ]
    code, text = clerk.text(SH, "cert", "show", number)
    head = text.splitlines()[:3]
    assert (0, True, True) == (code, "撤销" in head[1], "2029-12-31" in head[2]), head
    code, found = clerk.run(SH, "cert", "list", "--issuer", JS)
    assert (0, [number]) == (code, [row["certificate_no"] for row in found["certificates"]])
    code, text = clerk.text(SH, "cert", "check", number)
    assert (1, True) == (code, "撤销" in text)
    code, found = clerk.run(SH, "cert", "check", "320000-C2026999999")
    assert (1, "UNKNOWN") == (code, found["verdict"])
    # The file of the verdict, checked by whoever holds the members' keys.
    saved = tmp_path / "verdict.json"
    code, _ = clerk.run(SH, "cert", "check", number, "--save", str(saved))
    assert 1 == code, "a revoked certificate stays no, saved or not"
    code, found = clerk.run(SH, "verify", str(saved), "--policy", policies(clerk, tmp_path))
    assert (0, "REVOKED", number) == (code, found["verdict"], found["certificate_no"])
    kept = saved.read_bytes()
    assert 2 == clerk.run(SH, "cert", "check", number, "--save", str(saved))[0]
    assert kept == saved.read_bytes()
    nowhere = str(tmp_path / "nowhere" / "verdict.json")
    assert 2 == clerk.run(SH, "cert", "check", number, "--save", nowhere)[0]


def policies(clerk: Clerk, tmp_path: Path) -> str:
    """Write what one verifies registry logs and verdicts by, and return its directory."""
    directory = tmp_path / "policies"
    directory.mkdir()
    for province in PROVINCES:
        for kind in ("registry", "verdicts"):
            path = directory / f"{province}-{kind}.txt"
            name = f"deltacare/{province}/{kind}"
            assert 0 == clerk.run(SH, "log", "policy", name, "--out", str(path))[0]
    return str(directory)


def settlement_file(path: Path, *changes: dict[str, str]) -> str:
    """Write records of elders of Shanghai in Jiangsu."""
    with path.open("w", encoding="gb18030", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for index, change in enumerate(changes):
            row = {
                "settlement_no": f"S{index}",
                "home": SH,
                "host": JS,
                "beneficiary_ref": f"{index:032x}",
                "institution": "320000-1",
                "subsidy_kind": "CARE_BED",
                "service_month": MONTH,
                "service_days": "10",
                "amount_fen": "45000",
                "caregiver_cert_no": "",
                **change,
            }
            writer.writerow(row[name] for name in COLUMNS)
    return str(path)


def test_month_from_files_to_statement(clerk: Clerk, tmp_path: Path) -> None:
    """Import, inbox, refuse, reverse, hold, close, nights, discrepancies, statement, export."""
    # 1. The host files five records; a bad row files nothing, unless only good ones are wanted.
    good: list[dict[str, str]] = [{} for _ in range(5)]
    bad = settlement_file(tmp_path / "bad.csv", *good, {"amount_fen": "-3"})
    code, found = clerk.run(JS, "settle", "import", bad, *SIGNED)
    assert (2, "row 7 amount_fen") == (code, found["error"]["faults"][0]["field"])
    code, found = clerk.run(JS, "settle", "import", bad, "--only-good", "--dry-run", *SIGNED)
    assert (2, 5, 0) == (code, found["good_rows"], found["filed"])
    path = settlement_file(tmp_path / "host.csv", *good)
    for filed in ((0, 5, 0), (0, 0, 5)):  # the second time is a repetition after a crash
        code, found = clerk.run(JS, "settle", "import", path, *SIGNED)
        assert filed == (code, found["filed"], found["already_filed"])
    # 2. A file of other provinces is not this node's to file.
    foreign = settlement_file(tmp_path / "foreign.csv", {"home": "330000", "host": "340000"})
    assert 2 == clerk.run(JS, "settle", "import", foreign, *SIGNED)[0]
    # 3. Home sees them, files three, refuses one and leaves one.
    answered = tmp_path / "inbox.csv"
    clerk.until(
        lambda _, found: len(found["records"]) == 5,
        SH, "settle", "inbox", "--partner", JS, "--csv", str(answered),
    )  # fmt: skip
    lines = answered.read_text(encoding="utf-8-sig").splitlines()
    assert 6 == len(lines)
    answered.write_text("\n".join(lines[:4]), encoding="utf-8")
    assert 0 == clerk.run(SH, "settle", "import", str(answered), *SIGNED)[0]
    reason = ("--partner", JS, "--reason", "TEST", *SIGNED)
    assert 0 == clerk.run(SH, "settle", "refuse", "S3", *reason)[0]
    clerk.until(
        lambda _, found: ["S4"]
        == [row["filed"]["record"]["settlement_no"] for row in found["records"]],
        SH, "settle", "inbox", "--partner", JS,
    )  # fmt: skip
    # 4. Both reverse one; home holds one.
    assert 0 == clerk.run(SH, "settle", "reverse", "S0", "--as-home", *reason)[0]
    assert 0 == clerk.run(
        JS, "settle", "reverse", "S0", "--as-host", "--partner", SH, "--reason", "TEST", *SIGNED
    )[0]  # fmt: skip
    assert 0 == clerk.run(SH, "settle", "hold", "S1", "--class", "over-budget", *reason)[0]
    _revise_and_release(clerk, tmp_path)
    # 5. All close the date; nights run; everybody sees every pair agree.
    for province in PROVINCES:
        code, found = clerk.run(province, "settle", "close-day", OPENING.isoformat())
        assert (0, [OPENING.isoformat()]) == (code, found["business_dates"])
    assert (1, "RULE_REFUSED") == _refused(
        clerk.run(SH, "settle", "close-day", OPENING.isoformat())
    )
    assert 0 == clerk.run(SH, "settle", "run")[0]
    for province in PROVINCES:
        clerk.until(
            lambda code, found: code == 0
            and ["AGREED"] * 6 == [night["state"] for night in found["nights"]],
            province, "settle", "nights", "--until", OPENING.isoformat(),
        )  # fmt: skip
    # 6. What is open, and whose move it is.
    code, found = clerk.run(SH, "settle", "discrepancies", "--partner", JS)
    assert (1, {"S1", "S2", "S3", "S4"}) == (
        code,
        {line["settlement_no"] for line in found["lines"]},
    )
    assert all(line["owner"] and line["due_date"] for line in found["lines"])
    # No agreement covers them, which comes before every other class.
    for name, expected in (("OUT_OF_AGREEMENT", (1, 4)), ("IN_TRANSIT", (0, 0))):
        code, found = clerk.run(SH, "settle", "discrepancies", "--partner", JS, "--class", name)
        assert expected == (code, len(found["lines"]))
    assert 2 == clerk.run(SH, "settle", "discrepancies", "--partner", JS, "--class", "X")[0]
    code, text = clerk.text(SH, "settle", "discrepancies", "--partner", JS)
    assert (1, True) == (code, "协议外" in text)
    _overview(clerk)
    compare = ("settle", "compare", "--partner", JS, "--date", OPENING.isoformat())
    assert (1, "RULE_REFUSED") == _refused(clerk.run(SH, *compare))
    # 7. The statement: proposed, approved by all, written out.
    _statement(clerk, tmp_path)


def _overview(clerk: Clerk) -> None:
    """See every partner at once, what waits, and whose turn it is."""
    code, everywhere = clerk.run(SH, "settle", "discrepancies")
    assert (1, 4) == (code, len(everywhere["lines"]))
    assert (0, {"proposals": []}) == clerk.run(SH, "settle", "proposals")
    code, found = clerk.run(SH, "settle", "run")
    assert (0, [], 3) == (code, found["nights"], len(found["waiting"]))
    _, text = clerk.text(SH, "settle", "run")
    assert "没有到期的对账" in text
    assert "未日切" in text
    _, found = clerk.run(SH, "settle", "nights")
    assert OPENING.isoformat() == found["turn"]["until_date"]


def _revise_and_release(clerk: Clerk, tmp_path: Path) -> None:
    """Replace an own open record; end the hold that was placed."""
    changed = settlement_file(tmp_path / "changed.csv", {}, {"amount_fen": "45001"})
    code, found = clerk.run(JS, "settle", "revise", changed, *SIGNED)
    assert (0, 1, 1) == (code, found["filed"], found["unchanged"])
    code, found = clerk.run(JS, "settle", "revise", changed, *SIGNED)
    assert (0, 0, 2) == (code, found["filed"], found["unchanged"])
    unknown = settlement_file(tmp_path / "unknown.csv", {"amount_fen": "7"}, {"settlement_no": "X"})
    code, found = clerk.run(JS, "settle", "revise", unknown, *SIGNED)
    assert (2, ["row 3 settlement_no"]) == (
        code,
        [fault["field"] for fault in found["error"]["faults"]],
    )
    held = ("settle", "hold", "S4", "--class", "overlap", "--partner", JS, "--reason", "TEST")
    _, found = clerk.run(SH, *held, *SIGNED)
    index = str(found["holds"][0]["hold_index"])
    release = ("settle", "release", "--index", index, "--partner", JS, "--reason", "TEST", *SIGNED)
    assert 0 == clerk.run(SH, *release)[0]
    assert (1, "RULE_REFUSED") == _refused(clerk.run(SH, *release))


def _statement(clerk: Clerk, tmp_path: Path) -> None:
    too_long = ("--from", OPENING.isoformat(), "--until", str(OPENING + timedelta(days=1)))
    _, text = clerk.text(SH, "settle", "propose", "310000-S2026-9", *too_long, *PAYING)
    assert f"{OPENING + timedelta(days=1)} 310000-320000" in text
    window = ("--from", OPENING.isoformat(), "--window", "day")
    neither = ("settle", "propose", "310000-S2026-9", "--from", OPENING.isoformat(), *PAYING)
    assert 2 == clerk.run(SH, *neither)[0], "neither a last date nor a window"
    assert 2 == clerk.run(SH, *neither, *window[2:], "--until", OPENING.isoformat())[0], "both"
    proposed: dict[str, Any] = {}
    for province in PROVINCES:
        name = f"{province}-S2026-1"
        code, found = clerk.run(province, "settle", "propose", name, *window, *PAYING)
        if code == 0:
            proposed = found
            break
        assert (1, "RULE_REFUSED") == (code, found["error"]["reason"])
    assert proposed, "somebody's turn it is"
    digest = proposed["statement_hash"]
    clerk.until(lambda code, _: code == 0, PROVINCES[3], "settle", "export", name)
    for province in PROVINCES:
        _approve(clerk, tmp_path, province, name, digest)
    clerk.until(lambda _, found: found["state"] == "BINDING", SH, "settle", "export", name)
    _, found = clerk.run(SH, "settle", "statements")
    assert [(name, "BINDING", 4)] == [
        (each["statement"]["statement_id"], each["state"], len(each["answers"]))
        for each in found["statements"]
    ]
    _, text = clerk.text(SH, "settle", "statements")
    assert "310000 320000 330000 340000" in text
    _, text = clerk.text(SH, "settle", "export", name)
    assert 4 == text.count("payer-1")
    for suffix in (".json", ".xlsx"):
        path = tmp_path / f"statement{suffix}"
        assert 0 == clerk.run(SH, "settle", "export", name, str(path))[0]
    stored = json.loads((tmp_path / "statement.json").read_text(encoding="utf-8"))
    assert digest == stored["statement_hash"]
    book = openpyxl.load_workbook(tmp_path / "statement.xlsx")
    assert digest in {cell.value for row in book.worksheets[0].iter_rows() for cell in row}
    book.close()
    assert 2 == clerk.run(SH, "settle", "export", name, str(tmp_path / "statement.pdf"))[0]
    saved = str(tmp_path / "statement.evidence.json")
    assert 0 == clerk.run(JS, "settle", "export", name, "--save", saved)[0]
    code, found = clerk.run(JS, "verify", saved, "--policy", policies(clerk, tmp_path))
    assert (0, digest, list(PROVINCES)) == (code, found["statement_hash"], found["parties"])


def _approve(clerk: Clerk, tmp_path: Path, province: str, name: str, digest: str) -> None:
    """Make keys for two people, have two others state them, sign one after the other."""
    folder = tmp_path / f"keys-{province}"
    folder.mkdir()
    sealed = ("--passphrase-file", str(folder / "passphrase"))
    (folder / "passphrase").write_text("a test's long passphrase\n", encoding="utf-8")
    files, key_ids = {}, {}
    for who in ("payer-1", "payer-2", "payer-3"):
        files[who] = str(folder / f"{who}.key")
        made = ("settle", "key", "new", "--principal", who, "--out", files[who], *sealed)
        done = CliRunner().invoke(main, [*made, "--json"])
        found = json.loads(done.stdout)
        assert (0, who) == (done.exit_code, found["principal"])
        key_ids[who] = found["key_id"]
        assert 1 == CliRunner().invoke(main, made).exit_code, "a key is not overwritten"
    days = ("--from", "2026-01-01")
    for who in ("payer-1", "payer-2"):
        code, _ = clerk.run(province, "settle", "key", "publish", files[who], *days, *STATING)
        assert 0 == code
    code, found = clerk.run(province, "settle", "key", "publish", files["payer-3"], *days, *PAYING3)
    assert (1, "RULE_REFUSED") == _refused((code, found)), "nobody states a key of their own"
    approve = ("settle", "approve", name, *sealed)
    one, two = (("--key", files[who]) for who in ("payer-1", "payer-2"))
    handed, other = str(folder / "maker.json"), str(folder / "other.json")
    # What is given wrongly is refused before anything is signed.
    assert 2 == clerk.run(province, *approve, *one, "--out", handed, "--hash", "00" * 32)[0]
    assert 2 == clerk.run(province, *approve, *one)[0], "neither maker nor checker"
    assert 2 == clerk.run(province, *approve, *two, "--with", handed)[0], "no such file"
    code, found = clerk.run(province, *approve, *one, "--out", handed, "--hash", digest)
    assert (0, "payer-1", [digest]) == (code, found["maker"], found["hashes"])
    assert 2 == clerk.run(province, *approve, *one, "--with", handed)[0], "the same person"
    assert 2 == clerk.run(province, *approve, *two, "--with", handed, "--refuse", "NO")[0]
    third = ("--key", files["payer-3"])
    code, found = clerk.run(province, *approve, *third, "--out", other)
    assert 0 == code
    code, found = clerk.run(province, *approve, *two, "--with", other)
    assert (1, "RULE_REFUSED") == _refused((code, found)), "a key that nobody has stated"
    clerk.until(lambda code, _: code == 0, province, *approve, *two, "--with", handed)
    _, found = clerk.run(province, "settle", "key", "list", "--province", province)
    assert sorted([key_ids["payer-1"], key_ids["payer-2"]]) == [
        each["key"]["key_id"] for each in found["keys"]
    ]
    # A key that is withdrawn is shown as such, and what it signed before stands.
    withdraw = ("settle", "key", "withdraw", key_ids["payer-2"], *STATING)
    assert 0 == clerk.run(province, *withdraw)[0]
    assert (1, "RULE_REFUSED") == _refused(clerk.run(province, *withdraw)), "for good"
    _, text = clerk.text(province, "settle", "key", "list", "--province", province)
    assert "已撤回" in text


def test_request_id_of_ones_own(clerk: Clerk, tmp_path: Path) -> None:
    """Under one id one file: again it is a repetition, other content is refused and not filed."""
    pair = {"home": "330000", "host": "340000", "institution": "340000-1"}
    first = settlement_file(tmp_path / "first.csv", pair)
    other = settlement_file(tmp_path / "other.csv", {**pair, "settlement_no": "R9"})
    once = ("--request-id", "0b5a1c7e-5a52-4c0e-9b0e-2f6b5b1f9a01", *SIGNED)
    for expected in ((0, 1, 0), (0, 0, 1)):
        code, found = clerk.run("340000", "settle", "import", first, *once)
        assert expected == (code, found["filed"], found["already_filed"])
    code, found = clerk.run("340000", "settle", "import", other, *once)
    assert (2, 0) == (code, found["filed"])
    assert "REQUEST_ID_REUSED" in found["refused"][0]["description"]
    assert "row 2 --request-id" == found["refused"][0]["field"]


def test_nothing_of_a_file_that_a_node_would_refuse_in_part(clerk: Clerk, tmp_path: Path) -> None:
    """A row of the second batch that the node cannot accept keeps the first from being filed."""
    pair = {"home": "320000", "host": "330000", "institution": "330000-1"}
    rows = [{**pair, "settlement_no": f"P{index}"} for index in range(1_001)]
    rows[-1]["subsidy_kind"] = "care bed"
    path = settlement_file(tmp_path / "long.csv", *rows)
    for more in ((), ("--dry-run",)):
        code, found = clerk.run("330000", "settle", "import", path, *more, *SIGNED)
        assert (2, ["row 1002 subsidy_kind"]) == (
            code,
            [fault["field"] for fault in found["error"]["faults"]],
        )
    code, found = clerk.run("330000", "settle", "import", path, "--only-good", *SIGNED)
    assert (2, 1_000, 0, []) == (
        code,
        found["filed"],
        found["already_filed"],
        found["refused"],
    )


def test_enrol_and_resolve(clerk: Clerk, tmp_path: Path) -> None:
    """A file of elders gives codes, the same again; the host finds an enrolment by its code."""
    path, codes = tmp_path / "elders.csv", tmp_path / "codes.csv"
    path.write_text(
        "enrolment_id,elder_handle,home_division,subsidy_kinds,from_date,until_date,"
        "assessment_scheme,assessment_grade\n"
        "E1,sample-1,310101,CARE_BED;MEALS,2026-01-01,,,\n"
        "E2,sample-2,310101,CARE_BED,2026-01-01,2027-12-31,GB_T_42195,2\n",
        encoding="utf-8",
    )
    enrol = ("settle", "enrol", str(path), "--partner", "340000", *SIGNED)
    code, found = clerk.run(SH, *enrol, "--out", str(codes))
    assert (0, ["E1", "E2"]) == (code, [each["enrolment_id"] for each in found["tickets"]])
    assert (0, found) == clerk.run(SH, *enrol)
    assert 3 == len(codes.read_text(encoding="utf-8-sig").splitlines())
    shown = found["tickets"][0]["enrolment_code"]
    _, found = clerk.until(
        lambda code, _: code == 0, "340000", "settle", "resolve", shown, "--home", SH
    )
    assert ("E1", ["CARE_BED", "MEALS"]) == (
        found["enrolment"]["enrolment_id"],
        found["enrolment"]["subsidy_kinds"],
    )
    unknown = ("settle", "resolve", "A" * 16, "--home", SH)
    assert (1, "NOT_FOUND") == _refused(clerk.run(SH, *unknown))
    end = ("settle", "end-enrolment", "--partner", "340000", "--from", "2026-02-01", *SIGNED)
    code, found = clerk.run(SH, *end, "E1", "--reason", "DEATH")
    assert (0, f"deltacare/{SH}/settlement/340000") == (code, found["appended"]["log"])
    assert 1 == clerk.run(SH, *end, "E9", "--reason", "DEATH")[0], "nobody is enrolled so"
    code, text = clerk.text(SH, *end, "E2", "--reason", "MOVED")
    assert (0, True) == (code, "E2 自 2026-02-01 起终止" in text)
    path.write_text("enrolment_id\nE1\n", encoding="utf-8")
    code, found = clerk.run(SH, *enrol)
    assert (2, 7) == (code, len(found["error"]["faults"]))


def test_policy(clerk: Clerk, tmp_path: Path) -> None:
    """Stated in yuan, listed everywhere; by persons who make no records, as a dry run says."""
    policy_makers = ("--maker", "policy-1", "--reviewer", "policy-2")
    code, _ = clerk.run(
        SH, "settle", "policy", "publish", "SAMPLE_KIND", "--unit", "day", "--rate", "45.50",
        "--cap", "1,365", "--from", "2026-01-01", *policy_makers,
    )  # fmt: skip
    assert 0 == code
    clerk.until(
        lambda _, found: [("SAMPLE_KIND", 4_550, 136_500)]
        == [
            (each["policy"]["subsidy_kind"], each["policy"]["rate_fen"], each["policy"]["cap_fen"])
            for each in found["policies"]
        ],
        JS, "settle", "policy", "list", "--home", SH,
    )  # fmt: skip
    path = settlement_file(tmp_path / "home.csv", {"settlement_no": "DRY-1"})
    dry = ("settle", "import", path, "--dry-run")
    code, found = clerk.run(SH, *dry, *policy_makers)
    assert (2, 1, 0) == (code, found["good_rows"], found["filed"])
    (fault,) = found["refused"]
    assert "S22-DUTIES-COMBINED" in fault["description"]
    code, found = clerk.run(SH, *dry, *SIGNED)
    assert (0, 1, 0, []) == (code, found["good_rows"], found["filed"], found["refused"])


def test_logs(clerk: Clerk, nodes: Nodes, tmp_path: Path) -> None:
    """Listed, shown, exported, and verified from the node and from the files."""
    name = LogName.registry(SH)
    code, found = clerk.run(SH, "log", "show")
    assert 4 + 6 == len(found["logs"]), "every registry, and the own pairs both ways"
    code, found = clerk.run(SH, "log", "show", str(name), "--index", "0")
    assert (0, "310000-1") == (code, found["entry"]["institution"]["institution_id"])
    code, found = clerk.run(SH, "log", "show", str(name))
    assert (0, True) == (code, found["note"].startswith(f"{name}\n"))
    trust = nodes.trust()
    policy = tmp_path / "policy.txt"
    for log in (name, LogName.settlement(SH, JS)):
        assert 0 == clerk.run(SH, "log", "policy", str(log), "--out", str(policy))[0]
        expected = log_policy(trust, log)
        assert expected.to_text() == policy.read_text(encoding="utf-8")
    assert 2 == clerk.run(SH, "log", "policy", "deltacare/350000/registry")[0]
    code, text = clerk.text(SH, "log", "policy", str(name))
    policy.write_text(text, encoding="utf-8")
    prefix = tmp_path / "receipts" / "first"
    clerk.until(
        lambda code, _: code == 0, SH, "log", "receipt", str(name), "0", "--out", str(prefix)
    )
    verify_receipt_by_policy(
        prefix.with_suffix(".tlog-proof").read_bytes(),
        prefix.with_suffix(".entry").read_bytes(),
        Policy.from_bytes(policy.read_bytes()),
    )
    held = clerk.run(JS, "log", "verify", str(name), "--policy", str(policy))
    assert (0, True, str(name)) == (held[0], held[1]["verified"], held[1]["log"])
    directory = tmp_path / "log"
    code, exported = clerk.run(JS, "log", "export", str(name), str(directory))
    assert 0 == code
    beside = str(directory / "policy.txt")
    code, found = clerk.run(SH, "log", "verify", str(directory), "--policy", beside)
    assert (0, exported["root"]) == (code, found["root"])
    files = [path for path in (directory / "tile" / "entries").rglob("*") if path.is_file()]
    data = bytearray(files[0].read_bytes())
    data[20] ^= 1
    files[0].write_bytes(bytes(data))
    assert (1, "BAD_PROOF") == _refused(
        clerk.run(SH, "log", "verify", str(directory), "--policy", str(policy))
    )


@pytest.mark.usefixtures("clerk")
def test_rights(nodes: Nodes) -> None:
    """A client of another role is told so, with role and method."""
    profile = str(nodes.node_directory(SH) / "clients" / "operator")
    result = CliRunner().invoke(
        main, ["settle", "inbox", "--partner", JS, "--as", profile, "--json"]
    )
    error = json.loads(result.stdout)["error"]
    assert (1, "ROLE_NOT_ALLOWED", "operator") == (
        result.exit_code,
        error["reason"],
        error["details"]["role"],
    )
    assert error["details"]["method"].endswith("/JudgeInbox")
