"""Templates, control totals, the review queue, the inbox and totals, at two running nodes."""

import csv
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner

from clients.cli.main import main
from clients.demo.processes import Nodes
from deltacare.times import ServiceMonth, business_date
from tests.support.processes import running_nodes

pytestmark = pytest.mark.slow

SH, JS = "310000", "320000"
ALL = (SH, JS, "330000", "340000")
SIGNED = ("--maker", "sys-maker", "--reviewer", "sys-reviewer")
OPENING = business_date(datetime.now(UTC)) - timedelta(days=3)
MONTH = str(ServiceMonth.of(OPENING.replace(day=1) - timedelta(days=1)))
CLERK, REVIEWER, OTHER = "clerk-1", "reviewer-1", "reviewer-2"
WAIT_S_MAX = 20


class People:
    """Runs commands as persons of a province."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes

    def run(self, province: str, *arguments: str, name: str = "system") -> tuple[int, Any]:
        """Return exit code and JSON answer of a command."""
        profile = str(self._nodes.node_directory(province) / "clients" / name)
        result = CliRunner().invoke(main, [*arguments, "--as", profile, "--json"])
        assert "Traceback" not in result.stderr, result.stderr
        return result.exit_code, json.loads(result.stdout)

    def text(self, province: str, *arguments: str, name: str = "system") -> tuple[int, str]:
        """Return exit code and text of a command, in Chinese."""
        profile = str(self._nodes.node_directory(province) / "clients" / name)
        who = () if arguments[1] == "template" else ("--as", profile)
        result = CliRunner().invoke(main, [*arguments, *who, "--lang", "zh"])
        assert "Traceback" not in result.stderr, result.stderr
        return result.exit_code, result.stdout + result.stderr

    def until(
        self, good: Callable[[Any], bool], province: str, *arguments: str, name: str = "system"
    ) -> Any:
        """Return the first answer that is good."""
        found: Any = None
        end_s = time.monotonic() + WAIT_S_MAX
        while time.monotonic() < end_s:
            _, found = self.run(province, *arguments, name=name)
            if "error" not in found and good(found):
                return found
            time.sleep(0.05)
        raise AssertionError(f"{arguments} came to {found}")

    def approve(self, draft: str, *, province: str = JS, name: str = REVIEWER) -> tuple[int, Any]:
        """Look at a draft and approve it."""
        code, shown = self.run(province, "settle", "drafts", "show", draft, name=name)
        assert 0 == code, shown
        digest = shown["digest"]
        return self.run(
            province, "settle", "drafts", "approve", draft, "--digest", digest, name=name
        )


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    """Start the nodes of the four provinces, with people of two of them."""

    def before(nodes: Nodes) -> None:
        for role, name in (("clerk", CLERK), ("reviewer", REVIEWER), ("reviewer", OTHER)):
            directory = str(nodes.node_directory(JS))
            given = ["node", "client", directory, "--role", role, "--id", name, "--name", name]
            result = CliRunner().invoke(main, given)
            assert 0 == result.exit_code, result.output

    directory = tmp_path_factory.mktemp("nodes")
    with running_nodes(directory, ALL, opening_date=OPENING, before=before) as made:
        yield People(made)


def write_elders(path: Path, numbers: Sequence[str]) -> Path:
    """Write a file of elders to enrol, with Chinese headings."""
    header = (
        "登记编号",
        "内部编号",
        "户籍地区",
        "补贴项目",
        "起始日",
        "截止日",
        "评估体系",
        "评估等级",
    )
    rows = [
        (number, f"handle-{number}", "320106", "CARE_BED", "2020-01-01", "", "", "")
        for number in numbers
    ]
    with path.open("w", encoding="gb18030", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def fill(path: Path, rows: Sequence[Mapping[str, Any]], *, total: Sequence[Any] = ()) -> Path:
    """Fill in a template by its Chinese headings."""
    book = openpyxl.load_workbook(path)
    sheet: Any = book.worksheets[0]
    header = [cell.value for cell in sheet[1]]
    # A template has formats in its empty rows: what is filled in stands from row 2 on.
    for number, row in enumerate(rows, start=2):
        for position, name in enumerate(header, start=1):
            sheet.cell(number, position).value = row.get(name)
    for position, value in enumerate(total, start=1):
        sheet.cell(len(rows) + 2, position).value = value
    book.save(path)
    return path


def records(refs: Sequence[str], amounts: Sequence[int | None]) -> list[dict[str, Any]]:
    """Return the rows of a file of records, for elders with pseudonyms."""
    return [
        {
            "结算编号": f"{SH}-S{number}",
            "户籍地": JS,
            "服务地": SH,
            "受益人编号": ref,
            "机构编号": f"{SH}-1",
            "补贴项目": "CARE_BED",
            "服务月份": MONTH,
            "服务天数": "20",
            "金额（分）": amount,
        }
        for number, (ref, amount) in enumerate(zip(refs, amounts, strict=True))
    ]


def enrolled(people: People, tmp_path: Path) -> list[str]:
    """State a policy and enrol three elders by a draft; return their pseudonyms."""
    # A policy by the city; the elders by a clerk, whose draft another approves.
    code, found = people.run(
        JS, "settle", "policy", "publish", "CARE_BED", "--unit", "day",
        "--rate", "100", "--cap", "3100", "--from", "2020-01-01",
        "--maker", "city-1", "--reviewer", "city-2",
    )  # fmt: skip
    assert 0 == code, found
    elders = write_elders(tmp_path / "elders.csv", ["E1", "E2", "E3"])
    enrol = ("settle", "enrol", str(elders), "--partner", SH)
    code, found = people.run(JS, *enrol, name=CLERK)
    assert 0 == code, found
    (draft,) = found["drafts"]
    name = draft["name"].removeprefix("drafts/")
    code, text = people.text(JS, *enrol, name=CLERK)
    assert 0 == code
    assert f"settle drafts show {name}" in text, "the next command is told"
    # A clerk does not approve, nor does a reviewer without the digest.
    code, found = people.run(
        JS, "settle", "drafts", "approve", name, "--digest", "0" * 64, name=REVIEWER
    )
    assert 2 == code
    code, found = people.approve(name, name=CLERK)
    assert (1, "ROLE_NOT_ALLOWED") == (code, found["error"]["reason"])
    code, found = people.approve(name)
    assert (0, "FILED", CLERK, REVIEWER) == (
        code,
        found["state"],
        found["maker"],
        found["reviewer"],
    )
    code, found = people.run(JS, *enrol, name=CLERK)
    assert 0 == code
    tickets = {each["enrolment_id"]: each for each in found["tickets"]}
    assert all(each["enrolment_code"] for each in tickets.values())
    return [tickets[number]["beneficiary_ref"] for number in ("E1", "E2", "E3")]


def imported(people: People, refs: Sequence[str], path: Path) -> None:
    """File four records as host from a template, one of them of nobody who is enrolled."""
    # The host fills in a template; the node computes what is left empty once it knows.
    assert 0 == people.text(SH, "settle", "template", "records", "--out", str(path))[0]
    fill(path, records([*refs, "f" * 32], [None, 200_000, 150_000, 1_000]), total=["合计 4"])
    people.until(
        lambda found: found["good_rows"] == 4,
        SH, "settle", "import", str(path), "--dry-run", *SIGNED,
    )  # fmt: skip
    dry = people.run(SH, "settle", "import", str(path), "--dry-run", *SIGNED)[1]
    assert (1, 0, 0) == (dry["computed"], dry["filed"], dry["known_numbers"])
    assert [(4, 551_000)] == [(each["record_count"], each["sum_fen"]) for each in dry["sums"]]
    # 总分核对: the options and the row are compared, and both figures told.
    code, found = people.run(
        SH, "settle", "import", str(path), "--control-yuan", "5510.01", *SIGNED
    )
    assert 2 == code
    (fault,) = found["error"]["faults"]
    assert ("--control-yuan", "5510.01") == (fault["field"], fault["value"].replace(",", ""))
    assert "5,510.00" in fault["description"]
    control = ("--control-count", "4", "--control-yuan", "5510.00")
    code, found = people.run(SH, "settle", "import", str(path), *control, *SIGNED)
    assert (0, 4) == (code, found["filed"])
    dry = people.run(SH, "settle", "import", str(path), "--dry-run", *SIGNED)[1]
    assert 4 == dry["known_numbers"]


def test_from_a_template_to_the_log(people: People, tmp_path: Path) -> None:
    """A clerk's day: enrolled by draft, computed by the node, judged, answered in bulk."""
    # 1. and 2. Enrolled, and filed by the host.
    refs = enrolled(people, tmp_path)
    path = tmp_path / "records.xlsx"
    imported(people, refs, path)
    # 3. Home sees which fit.
    judged = people.until(
        lambda found: len(found["records"]) == 4, JS, "settle", "inbox", "--partner", SH
    )
    assert {"S0": "FITS", "S1": "FITS", "S2": "FITS", "S3": "NOT_ENROLLED"} == {
        each["filed"]["record"]["settlement_no"].partition("-")[2]: each["verdict"]
        for each in judged["records"]
    }
    # 4. In bulk, as a clerk: what fits is submitted once, however often it is run.
    answering = ("settle", "answer", "--partner", SH, "--refuse", "NOT_ENROLLED=NOT_ENROLLED")
    code, found = people.run(JS, *answering, name=CLERK)
    assert (0, 3, 1, 2) == (code, found["confirmed"], found["refused"], len(found["drafts"]))
    names = [each["name"].removeprefix("drafts/") for each in found["drafts"]]
    code, found = people.run(JS, *answering, name=CLERK)
    assert (0, 0, 4, []) == (code, found["confirmed"], found["in_drafts"], found["drafts"])
    for name in names:
        assert 0 == people.approve(name)[0]
    assert [] == people.run(JS, "settle", "inbox", "--partner", SH)[1]["records"]
    own = people.run(JS, "settle", "answer", "--partner", SH, "--dry-run", *SIGNED)[1]
    assert (0, {}) == (own["confirmed"], own["left"])
    # 5. The books agree; one fen does not.
    code, found = people.run(SH, "settle", "totals", str(path))
    assert (0, 1) == (code, found["equal_count"])
    fill(path, records([*refs, "f" * 32], [200_000, 200_000, 150_001, 1_000]))
    code, found = people.run(SH, "settle", "totals", str(path))
    assert (1, 1) == (code, len(found["differences"]))
    # 6. Only what the node lacks is filed; what it has otherwise is told.
    rows = records([*refs, "f" * 32], [200_000, 200_000, 150_000, 1_000])
    rows.append({**rows[0], "结算编号": f"{SH}-S9"})
    fill(path, rows)
    code, found = people.run(SH, "settle", "import", str(path), "--only-different", *SIGNED)
    assert (0, 1, 4) == (code, found["filed"], found["equal"])


def test_what_does_not_fit_is_named(people: People, tmp_path: Path) -> None:
    """Decisions come from a file; what does not fit is confirmed only by number and reason."""
    judged = people.until(
        lambda found: len(found["records"]) == 1, JS, "settle", "inbox", "--partner", SH
    )
    (waiting,) = judged["records"]
    number = waiting["filed"]["record"]["settlement_no"]
    assert "DUPLICATE" == waiting["verdict"], "it looks like S0"
    path = tmp_path / "inbox.xlsx"
    assert 0 == people.text(JS, "settle", "inbox", "--partner", SH, "--out", str(path))[0]

    def decided(word: str, reason: str) -> Path:
        book = openpyxl.load_workbook(path)
        sheet: Any = book.active
        header = [cell.value for cell in sheet[1]]
        sheet.cell(2, header.index("决定") + 1).value = word
        sheet.cell(2, header.index("事由代码") + 1).value = reason
        book.save(path)
        return path

    answering = ("settle", "answer", "--partner", SH, *SIGNED)
    # In bulk nothing happens to it.
    code, found = people.run(JS, *answering)
    assert (0, 0, {"DUPLICATE": 1}) == (code, found["confirmed"], found["left"])
    # Confirmed without a reason it is refused, and so is a word that is none.
    code, found = people.run(JS, *answering, "--decisions", str(decided("确认", "")))
    assert (2, number) == (code, found["error"]["faults"][0]["value"])
    code, found = people.run(JS, *answering, "--decisions", str(decided("maybe", "")))
    assert 2 == code
    assert 2 == people.run(JS, *answering, "--refuse", "FITS=X")[0]
    code, found = people.run(JS, *answering, "--decisions", str(decided("确认", "CHECKED")))
    assert (0, 1, 1) == (code, found["confirmed"], found["filed"])
    code, text = people.text(JS, *answering, "--decisions", str(path))
    assert (0, True) == (code, number in text), "it does not wait any more, and that is said"


def test_who_is_a_maker(people: People, tmp_path: Path) -> None:
    """A clerk is the maker of what it submits; a system names two persons; nobody reviews alone."""
    reverse = ("settle", "reverse", f"{SH}-S0", "--partner", SH, "--as-home", "--reason", "ERROR")
    assert 2 == people.run(JS, *reverse)[0], "a system names both"
    assert 2 == people.run(JS, *reverse, "--maker", "somebody", name=CLERK)[0]
    path = tmp_path / "reversals.csv"
    assert 0 == people.text(JS, "settle", "template", "reversals", "--out", str(path))[0]
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.writer(file).writerow((f"{SH}-S0", "ERROR"))
    by_file = ("settle", "reverse", "--file", str(path), "--partner", SH, "--as-home")
    code, found = people.run(JS, *by_file, name=CLERK)
    assert 0 == code, found
    (draft,) = found["drafts"]
    name = draft["name"].removeprefix("drafts/")
    code, found = people.run(JS, "settle", "drafts", "list", name=OTHER)
    assert [draft["name"]] == [each["name"] for each in found["drafts"]]
    code, text = people.text(JS, "settle", "drafts", "show", name, name=OTHER)
    assert (0, True) == (code, f"{SH}-S0" in text)
    code, found = people.run(
        JS, "settle", "drafts", "reject", name, "--reason", "NOT_NEEDED", name=OTHER
    )
    assert (0, "REJECTED") == (code, found["state"])
    code, found = people.approve(name)
    assert (1, "RULE_REFUSED") == (code, found["error"]["reason"])
    # The same file again is the same request, which was rejected: another id submits it anew.
    code, found = people.run(
        JS, *by_file, "--request-id", "6f1c1f9e-9f0a-4d0e-8d5b-0a7e4cf1b001", name=CLERK
    )
    (again,) = found["drafts"]
    code, found = people.run(JS, "settle", "drafts", "withdraw", again["name"], name=CLERK)
    assert (0, "WITHDRAWN") == (code, found["state"])


def test_an_amount_is_computed_once(people: People, tmp_path: Path) -> None:
    """A rate that changes makes no other line of the same file; known numbers are told to all."""
    policy = (
        "settle", "policy", "publish", "CARE_BED", "--unit", "day", "--cap", "3100",
        "--from", "2020-01-01", "--maker", "city-1", "--reviewer", "city-2",
    )  # fmt: skip
    assert 0 == people.run(JS, *policy, "--rate", "100")[0]
    elders = write_elders(tmp_path / "elders.csv", ["E9"])
    code, found = people.run(JS, "settle", "enrol", str(elders), "--partner", SH, *SIGNED)
    assert 0 == code, found
    (elder,) = [each["beneficiary_ref"] for each in found["tickets"]]
    first, second = tmp_path / "first.xlsx", tmp_path / "second.xlsx"
    assert 0 == people.text(SH, "settle", "template", "records", "--out", str(first))[0]
    second.write_bytes(first.read_bytes())
    (row,) = records([elder], [None])
    row["结算编号"] = f"{SH}-T0"
    fill(first, [row])
    fill(second, [row, {**row, "结算编号": f"{SH}-T1", "服务天数": "10"}])
    dry = ("settle", "import", str(second), "--dry-run", *SIGNED)
    people.until(lambda found: found["good_rows"] == 2, SH, *dry)
    code, found = people.run(SH, "settle", "import", str(first), *SIGNED)
    assert (0, 1, 0) == (code, found["filed"], found["known_numbers"])
    # Ten days at another rate are what the node computes now; what is filed stays what it is.
    assert 0 == people.run(JS, *policy, "--rate", "90")[0]
    found = people.until(
        lambda found: found["sums"][0]["sum_fen"] == 20 * 10_000 + 10 * 9_000, SH, *dry
    )
    assert [2] == found["known_rows"]
    for _ in range(2):
        code, found = people.run(SH, "settle", "import", str(first), *SIGNED)
        assert (0, 0, 1, []) == (
            code, found["filed"], found["already_filed"], found["known_rows"],
        )  # fmt: skip
    # Another file with the number is filed, and its row is named.
    code, text = people.text(SH, "settle", "import", str(second), *SIGNED)
    assert (0, True) == (code, "1 行的编号先前已报（第 2 行" in text), text
    # The reviewer of a clerk's draft is told as well.
    fill(first, [{**row, "金额（分）": 200_000}])
    assert 0 == people.run(JS, "settle", "import", str(first), *SIGNED)[0]
    code, found = people.run(JS, "settle", "import", str(first), name=CLERK)
    assert (0, [2]) == (code, found["known_rows"])
    name = found["drafts"][0]["name"].removeprefix("drafts/")
    code, found = people.run(JS, "settle", "drafts", "show", name, name=REVIEWER)
    assert (0, [f"{SH}-T0"]) == (code, found["known_numbers"])
    code, text = people.text(JS, "settle", "drafts", "show", name, name=REVIEWER)
    assert (0, True) == (code, f"1 个编号本方先前已报：{SH}-T0" in text), text


def test_months_and_their_days(people: People, tmp_path: Path) -> None:
    """A month that has not begun, and more days than a month has, are told by a dry run."""
    path = tmp_path / "records.xlsx"
    assert 0 == people.text(SH, "settle", "template", "records", "--out", str(path))[0]
    policy = (
        "settle", "policy", "publish", "CARE_BED", "--unit", "day", "--rate", "100", "--cap",
        "3100", "--from", "2020-01-01", "--maker", "city-1", "--reviewer", "city-2",
    )  # fmt: skip
    assert 0 == people.run(JS, *policy)[0]
    ahead = str(ServiceMonth.of(OPENING + timedelta(days=64)))
    february = f"{OPENING.year - 1}-02"
    rows = records(["0" * 32] * 4, [100] * 4)
    for row, month, days in zip(
        rows, (MONTH, ahead, february, february), (20, 20, 30, 28), strict=True
    ):
        row |= {"服务月份": month, "服务天数": str(days)}
    fill(path, rows)
    importing = ("settle", "import", str(path), "--only-good", *SIGNED)
    expected = [("row 3 service_month", ahead), ("row 4 service_days", "30")]

    def told(found: Any) -> bool:
        return expected == [(each["field"], each["value"]) for each in found["faults"]]

    found = people.until(told, SH, *importing, "--dry-run")
    assert 2 == found["good_rows"]
    code, found = people.run(SH, *importing)
    assert (2, True, 2) == (code, told(found), found["filed"])
