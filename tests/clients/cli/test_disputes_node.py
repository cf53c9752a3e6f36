"""What is open, what is disputed and what is next, against running nodes, as clerks see it."""

import csv
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner

from clients.cli.main import main
from clients.demo.processes import Nodes
from deltacare.times import business_date
from settlement.core.columns import COLUMNS
from tests.support.processes import running_nodes

pytestmark = pytest.mark.slow

SH, JS = "310000", "320000"
ALL = (SH, JS, "330000", "340000")
SIGNED = ("--maker", "maker-1", "--reviewer", "reviewer-1")
OPENING = business_date(datetime.now(UTC)) - timedelta(days=3)
WAIT_S_MAX = 90


class Clerk:
    """Runs commands at the provinces' nodes."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes

    def run(self, province: str, *arguments: str, name: str = "system") -> tuple[int, Any]:
        """Return exit code and JSON answer of a command."""
        result = self._invoke(province, *arguments, "--json", name=name)
        return result.exit_code, json.loads(result.stdout)

    def text(self, province: str, *arguments: str, name: str = "system") -> tuple[int, str]:
        """Return exit code and text of a command, in Chinese."""
        result = self._invoke(province, *arguments, "--lang", "zh", name=name)
        return result.exit_code, result.stdout + result.stderr

    def until(self, good: Callable[[Any], bool], province: str, *arguments: str) -> Any:
        """Return the first answer that is good."""
        found: Any = None
        end_s = time.monotonic() + WAIT_S_MAX
        while time.monotonic() < end_s:
            _, found = self.run(province, *arguments)
            if "error" not in found and good(found):
                return found
            time.sleep(0.05)
        raise AssertionError(f"{arguments} came to {found}")

    def _invoke(self, province: str, *arguments: str, name: str) -> Any:
        profile = str(self._nodes.node_directory(province) / "clients" / name)
        result = CliRunner().invoke(main, [*arguments, "--as", profile])
        assert "Traceback" not in result.stderr, result.stderr
        return result


@pytest.fixture(scope="module")
def clerk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clerk]:
    """Start the nodes of the four provinces, and wait until they take writes."""
    directory = tmp_path_factory.mktemp("nodes")
    with running_nodes(directory, ALL, opening_date=OPENING) as made:
        yield Clerk(made)


def settlement_file(path: Path, rows: dict[str, int]) -> Path:
    """Write a settlement file: amounts in fen by number."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for elder, (number, amount) in enumerate(rows.items()):
            writer.writerow(
                {
                    "settlement_no": number,
                    "home": JS,
                    "host": SH,
                    "beneficiary_ref": f"{elder:032x}",
                    "institution": f"{SH}-1",
                    "subsidy_kind": "CARE_BED",
                    "service_month": "2026-10",
                    "service_days": 30,
                    "amount_fen": amount,
                    "caregiver_cert_no": "",
                }
            )
    return path


@pytest.fixture(scope="module")
def night(clerk: Clerk, tmp_path_factory: pytest.TempPathFactory) -> Clerk:
    """File from both sides, close the first date, and run its night at both nodes."""
    folder = tmp_path_factory.mktemp("files")
    files = {
        SH: settlement_file(folder / "host.csv", {"S1": 300_000, "S2": 200_000, "S3": 100_000}),
        JS: settlement_file(folder / "home.csv", {"S1": 310_000, "S2": 200_000}),
    }
    for province, file in files.items():
        code, found = clerk.run(province, "settle", "import", str(file), *SIGNED)
        assert 0 == code, found
    for province in ALL:
        code, found = clerk.run(province, "settle", "close-day", OPENING.isoformat())
        assert 0 == code, found
    for province in (SH, JS):
        partner = JS if province == SH else SH
        clerk.until(
            lambda found: any(
                {SH, JS} == {each["lower"], each["higher"]} and each["state"] == "AGREED"
                for each in found["nights"]
            ),
            province,
            *("settle", "nights", "--province", partner),
        )
    return clerk


def points(found: Any, topic: str) -> list[Any]:
    """Return what waits of one topic."""
    (answer,) = (each for each in found["topics"] if each["topic"] == topic)
    return answer["points"]  # type: ignore[no-any-return]  # parsed


def test_open_lines(night: Clerk, tmp_path: Path) -> None:
    """Every line with class, owner, day, age and command; totals are the node's counts."""
    code, found = night.run(JS, "settle", "discrepancies", "--partner", SH)
    assert 1 == code
    assert ["S1", "S2", "S3"] == [line["settlement_no"] for line in found["lines"]]
    for line in found["lines"]:
        assert ("OUT_OF_AGREEMENT", "BOTH", [], "deltacare agreement list") == (
            line["line_class"],
            line["owner"],
            line["disputes"],
            line["command"],
        )
    assert [
        {"class": "OUT_OF_AGREEMENT", "lines": 3, "home_fen": 510_000, "host_fen": 600_000}
    ] == found["totals"]
    book = tmp_path / "open.xlsx"
    code, _ = night.run(JS, "settle", "discrepancies", "--xlsx", str(book))
    assert 1 == code
    sheet = openpyxl.load_workbook(book).worksheets[0]
    assert ["S1", "S2", "S3"] == [row[0] for row in sheet.iter_rows(min_row=2, values_only=True)]
    for options in (
        ("--overdue",),
        ("--owner", "other"),
        ("--class", "AMOUNT"),
        ("--institution", f"{SH}-2"),
        ("--district", "310101"),
    ):
        assert (0, []) == (
            (answer := night.run(JS, "settle", "discrepancies", *options))[0],
            answer[1]["lines"],
        )
    code, _ = night.text(JS, "settle", "discrepancies", "--class", "NOTHING")
    assert 2 == code
    code, text = night.text(JS, "settle", "discrepancies", "--partner", SH)
    assert 1 == code
    assert "  deltacare agreement list\n      S1, S2, S3\n" in text
    assert "双方核对合作协议" in text


def test_a_dispute_through_the_commands(night: Clerk, tmp_path: Path) -> None:
    """Raised in bulk, answered, put right and closed; both sides see the same, and what is next."""
    file = tmp_path / "disputes.csv"
    file.write_text(
        "结算编号,户籍地,服务地,差错类型,事由\n"
        f"S1,{JS},{SH},AMOUNT,WRONG_AMOUNT\n"
        f"S2,{JS},{SH},not_there,WRONG\n"
    )
    code, found = night.run(SH, "settle", "dispute", "raise", "--file", str(file), *SIGNED)
    assert (2, 1) == (code, found["error"]["fault_count"])
    file.write_text(file.read_text().replace("not_there", "DUPLICATE"))
    code, found = night.run(SH, "settle", "dispute", "raise", "--file", str(file), *SIGNED)
    assert 0 == code, found
    ids = {each["settlement_no"]: each["dispute_id"] for each in found["disputes"]}
    # Sent again it says nothing twice.
    assert (0, found) == night.run(SH, "settle", "dispute", "raise", "--file", str(file), *SIGNED)
    waiting = night.until(
        lambda found: len(found["disputes"]) == 2, JS, "settle", "dispute", "list", "--mine"
    )
    assert [
        f"deltacare settle dispute answer {ids[number]} --agree|--contest"
        for number in ("S1", "S2")
    ] == [each["next_command"] for each in waiting["disputes"]]
    code, _ = night.text(SH, "settle", "dispute", "list")
    assert 0 == code
    code, status = night.run(JS, "settle", "status", "--topic", "disputes")
    assert (1, 2) == (code, len([each for each in points(status, "DISPUTES") if each["is_due"]]))
    # The other side answers from a file.
    answers = tmp_path / "answers.csv"
    answers.write_text(
        f"dispute_id,word,remedy,reason\n{ids['S1']},AGREED,REVERSE,\n"
        f"{ids['S2']},CONTESTED,,AS_FILED\n"
    )
    code, found = night.run(JS, "settle", "dispute", "answer", "--file", str(answers), *SIGNED)
    assert 0 == code, found
    night.until(
        lambda found: found["state"] == "AGREED", SH, "settle", "dispute", "show", ids["S1"]
    )
    code, text = night.text(
        SH,
        *("settle", "dispute", "close", ids["S1"], "--outcome", "reverse", "--reason", "DONE"),
        *SIGNED,
    )
    assert 1 == code
    assert f"REVERSE {SH}, {JS}" in text
    _, shown = night.run(SH, "settle", "dispute", "show", ids["S1"])
    command = f"deltacare settle reverse S1 --partner {JS} --as-host --reason CODE"
    assert command == shown["next_command"]
    for province, partner, side in ((SH, JS, "--as-host"), (JS, SH, "--as-home")):
        code, found = night.run(
            province,
            *("settle", "reverse", "S1", "--partner", partner, side, "--reason", "ERROR"),
            *SIGNED,
        )
        assert 0 == code, found
    night.until(
        lambda found: found["next_action"] == "CLOSE", SH, "settle", "dispute", "show", ids["S1"]
    )
    code, found = night.run(
        SH,
        *("settle", "dispute", "close", ids["S1"], "--outcome", "reverse", "--reason", "DONE"),
        *SIGNED,
    )
    assert (0, "CLOSED") == (code, found["state"])
    for province in (SH, JS):
        shown = night.until(
            lambda found: found["state"] == "CLOSED",
            *(province, "settle", "dispute", "show", ids["S1"]),
        )
        assert ["RAISED", "AGREED", "CLOSED"] == [step["step"] for step in shown["steps"]]
    # The contested one goes up, by level; then both say how it ends.
    code, found = night.run(
        SH, "settle", "dispute", "escalate", ids["S2"], "--reason", "NO_AGREEMENT", *SIGNED
    )
    assert (0, 1) == (code, found["level"])
    code, text = night.text(SH, "settle", "dispute", "show", ids["S2"])
    assert 1 == code
    assert "两省民政部门" in text
    code, found = night.run(JS, "settle", "discrepancies", "--partner", SH)
    disputed = {line["settlement_no"]: line["disputes"] for line in found["lines"]}
    assert [ids["S2"]] == disputed["S2"]


def test_what_a_clerk_raises_waits_for_a_reviewer(night: Clerk) -> None:
    """A person files nothing alone: it is a draft, and the status says for whom it waits."""
    code, found = night.run(
        SH,
        *("settle", "dispute", "raise", "S3", "--partner", JS, "--as-host", "--claim", "days"),
        *("--reason", "WRONG_DAYS"),
        name="clerk",
    )
    assert (0, 1) == (code, len(found["drafts"])), found
    for name, is_due in (("clerk", False), ("reviewer", True)):
        _, status = night.run(SH, "settle", "status", "--topic", "drafts", name=name)
        (point,) = points(status, "DRAFTS")
        assert (is_due, 1) == (point["is_due"], point["count"])
    draft = found["drafts"][0]
    code, filed = night.run(
        SH,
        *("settle", "drafts", "approve", draft["name"].removeprefix("drafts/")),
        *("--digest", draft["digest"]),
        name="reviewer",
    )
    assert 0 == code, filed
    night.until(
        lambda found: ["DAYS"] == [each["dispute"]["claim"] for each in found["disputes"]],
        *(JS, "settle", "dispute", "list", "--number", "S3"),
    )


def test_status_of_every_role(night: Clerk) -> None:
    """One page for each: what it may not ask is said, nothing fails, every line has a command."""
    for name in ("system", "clerk", "reviewer", "payer", "auditor", "operator", "administrator"):
        code, found = night.run(JS, "settle", "status", name=name)
        assert {0, 1} >= {code}, found
        assert name == found["role"]
        unknown = {each["topic"] for each in found["topics"] if "unknown" in each}
        known = {each["topic"] for each in found["topics"]} - unknown
        assert (1 if found["due_count"] or not known else 0) == code
        if name in {"operator", "administrator"}:
            assert set() == known
        else:
            assert "DISPUTES" in known
        for each in found["topics"]:
            for point in each.get("points", ()):
                assert point["command"].startswith("deltacare "), point
        code, text = night.text(JS, "settle", "status", name=name)
        assert "本省待办" in text
    _, found = night.run(JS, "settle", "status")
    texts = [point["text"] for point in points(found, "DISCREPANCIES")]
    assert any("OUT_OF_AGREEMENT" in text for text in texts), texts
    (closing,) = (point for point in points(found, "NIGHTS") if "close-day" in point["command"])
    assert closing["is_due"]
