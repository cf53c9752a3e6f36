"""Registers, claims, listings and agreements against running nodes, as clerks use them."""

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
from clients.sample.generator import sample_csv, sample_rows
from deltacare.times import business_date
from tests.support.processes import running_nodes

pytestmark = pytest.mark.slow

SH, JS = "310000", "320000"
SIGNED = ("--maker", "maker-1", "--reviewer", "reviewer-1")
OPENING = business_date(datetime.now(UTC)) - timedelta(days=3)
WAIT_S_MAX = 60

DIRECTORY = """
format = "deltacare/register-mapping/v1"
[source]
id = "TEST_DIRECTORY"
name_zh = "编造的目录（测试用）"
name_en = "Made-up directory"
authorities = ["DIRECTORY"]
province = "310000"
match = "name"
[columns]
name = "name"
approved_beds = "beds"
postcode = "postcode"
"""


class Clerk:
    """Runs commands at the provinces' nodes."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes

    def run(self, province: str, *arguments: str) -> tuple[int, Any]:
        """Return exit code and JSON answer of a command."""
        result = self._invoke(province, *arguments, "--json")
        return result.exit_code, json.loads(result.stdout)

    def text(self, province: str, *arguments: str) -> tuple[int, str]:
        """Return exit code and text of a command, in Chinese."""
        result = self._invoke(province, *arguments, "--lang", "zh")
        return result.exit_code, result.stdout + result.stderr

    def until(self, good: Callable[[Any], bool], province: str, *arguments: str) -> Any:
        """Return the first answer that is good."""
        end_s = time.monotonic() + WAIT_S_MAX
        while time.monotonic() < end_s:
            _, found = self.run(province, *arguments)
            if "error" not in found and good(found):
                return found
            time.sleep(0.05)
        raise AssertionError(f"{arguments} came to {found}")

    def _invoke(self, province: str, *arguments: str) -> Any:
        profile = str(self._nodes.node_directory(province) / "clients")
        result = CliRunner().invoke(main, [*arguments, "--as", profile])
        assert "Traceback" not in result.stderr, result.stderr
        return result


@pytest.fixture(scope="module")
def clerk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clerk]:
    """Start the nodes of two of the four provinces, and wait until they take writes."""
    provinces = (SH, JS, "330000", "340000")
    directory = tmp_path_factory.mktemp("nodes")
    with running_nodes(directory, provinces, opening_date=OPENING) as made:
        yield Clerk(made)


@pytest.fixture(scope="module")
def registers(clerk: Clerk, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the synthetic registers and import Shanghai's and Jiangsu's."""
    folder = tmp_path_factory.mktemp("registers")
    result = CliRunner().invoke(main, ["institution", "sample", str(folder)])
    assert 0 == result.exit_code
    code, found = clerk.run(
        SH, "institution", "import", str(folder / "shanghai-sample.csv"), *SIGNED
    )
    assert (0, 9) == (code, found["created"]), found
    code, found = clerk.run(JS, *_jiangsu(folder))
    assert (0, 19, 0, 4) == (code, found["created"], found["claims"], found["left_out"]), found
    return folder


def _jiangsu(folder: Path) -> tuple[str, ...]:
    return (
        "institution", "import", str(folder / "jiangsu-sample.csv"),
        "--mapping", "jiangsu-sample", "--streets", str(folder / "streets-sample.csv"), *SIGNED,
    )  # fmt: skip


def test_import_again(clerk: Clerk, registers: Path, tmp_path: Path) -> None:
    """Nothing changes; the report holds defects and what the node finds not to fit together."""
    report = tmp_path / "report.xlsx"
    code, found = clerk.run(JS, *_jiangsu(registers), "--report", str(report))
    assert (0, 0, 0, 19) == (code, found["created"], found["updated"], found["unchanged"])
    assert ["320000-0014", "320000-0015"] in [
        each["institution_ids"] for each in found["disagreements"]
    ]
    book = openpyxl.load_workbook(report)
    assert 2 == len(book.worksheets)
    rows = list(book.worksheets[1].iter_rows(values_only=True))
    assert "320000-0014 320000-0015" in {row[0] for row in rows}


@pytest.mark.usefixtures("registers")
def test_a_closed_home_and_its_history(clerk: Clerk, tmp_path: Path) -> None:
    """State, day, reason and successor go in; the history shows what each statement changed."""
    code, found = clerk.run(JS, "institution", "show", "320000-0018")
    home = found["institution"]
    assert (0, "CLOSED", "2025-03-31", "MERGED", ["320000-0017"]) == (
        code,
        home["state"],
        home["state_date"],
        home["state_reason"],
        home["successor_ids"],
    )
    rows = list(sample_rows(province=SH))
    rows[0] = {**rows[0], "approved_beds": "77"}
    path = tmp_path / "register.csv"
    path.write_bytes(sample_csv(rows[:-1]))
    code, found = clerk.run(SH, "institution", "import", str(path), *SIGNED)
    assert (0, 1, ["310000-9"]) == (code, found["updated"], found["gone"])
    code, found = clerk.run(SH, "institution", "show", "310000-1", "--history")
    assert [77] == [row["institution"]["approved_beds"] for row in found["statements"]][1:]
    code, text = clerk.text(SH, "institution", "show", "310000-1", "--history")
    assert (0, True, True) == (code, "核定床位" in text, "77" in text), text
    for arguments in (("search", "--division", "32", "--limit", "50"), ("list", "--division", JS)):
        code, text = clerk.text(JS, "institution", *arguments)
        lines = [line for line in text.splitlines() if "已关闭" in line]
        assert (0, 1, True) == (code, len(lines), "320000-0018" in lines[0]), text
    code, text = clerk.text(JS, "institution", "show", "320000-0018")
    assert 0 == code
    for words in ("区划代码", "已关闭", "承接机构", "MERGED", "纬度", "°"):
        assert words in text, text
    for word in ("approved_beds", "CLOSED", "PRIVATE", "_e6", "UNSPECIFIED"):
        assert word not in text, text


@pytest.mark.usefixtures("registers")
def test_claims_of_a_directory(clerk: Clerk, tmp_path: Path) -> None:
    """A directory knows names only; what it says stands beside the register until taken back."""
    mapping = tmp_path / "directory.toml"
    mapping.write_text(DIRECTORY, encoding="utf-8")
    names = [row["name"] for row in sample_rows(province=SH)]
    path = tmp_path / "directory.csv"

    def directory(*rows: tuple[str, str, str]) -> Any:
        with path.open("w", encoding="utf-8", newline="") as opened:
            csv.writer(opened).writerows([("name", "beds", "postcode"), *rows])
        code, found = clerk.run(
            SH, "institution", "import", str(path), "--mapping", str(mapping),
            "--as-of", "2026-10-01", *SIGNED,
        )  # fmt: skip
        assert 0 == code, found
        return found

    rows = [(names[1], "2100", "200000"), ("查无此院（测试用）", "5", "")]
    found = directory(*rows)
    # Who is not registered is left out, and is not counted among those that were taken.
    assert (2, 1, 2100, 1) == tuple(
        found[name] for name in ("rows", "institutions", "beds", "left_out")
    )
    assert (2, 0, {"NOT_REGISTERED": 1}) == (
        found["claims_stated"],
        found["claims_withdrawn"],
        {name: n for name, n in found["defects"].items() if name == "NOT_REGISTERED"},
    )
    assert "310000-2" in {
        each["institution_ids"][0] for each in found["disagreements"] if each["source"]
    }
    assert (0, 2) == (directory(*rows)["claims_stated"], directory(*rows)["claims_unchanged"])
    _, found = clerk.run(SH, "institution", "claims", "--institution", "310000-2")
    assert [("approved_beds", "2100"), ("postcode", "200000")] == [
        (row["claim"]["attribute"], row["claim"]["value"]) for row in found["claims"]
    ]
    code, found = clerk.run(SH, "institution", "disagreements", "--kind", "CLAIM")
    assert (0, True) == (
        code,
        ("approved_beds", "2100", "TEST_DIRECTORY")
        in {(row["attribute"], row["claimed"], row["source"]) for row in found["disagreements"]},
    )
    code, text = clerk.text(SH, "institution", "disagreements", "--kind", "CLAIM")
    assert (0, True) == (code, "其他来源的说法与名册不同" in text)
    assert 2 == clerk.run(SH, "institution", "disagreements", "--kind", "BAD")[0]
    found = directory((names[1], "2100", ""))
    assert (0, 1, 1) == tuple(
        found[f"claims_{name}"] for name in ("stated", "withdrawn", "unchanged")
    )
    _, found = clerk.run(SH, "institution", "claims", "--source", "TEST_DIRECTORY")
    assert ["approved_beds"] == [row["claim"]["attribute"] for row in found["claims"]]
    path.write_text(f"name,beds,postcode\n{names[1]},,\n", encoding="utf-8")
    code, text = clerk.text(
        SH, "institution", "import", str(path), "--mapping", str(mapping),
        "--as-of", "2026-10-02", *SIGNED,
    )  # fmt: skip
    assert (0, True) == (code, "登记说法 0 条，撤回 1 条，未变 0 条" in text), text
    _, found = clerk.run(SH, "institution", "claims", "--source", "TEST_DIRECTORY")
    assert [] == found["claims"]


@pytest.mark.usefixtures("registers")
def test_search(clerk: Clerk) -> None:
    """By a part of the name, by initials, by place and distance, by what can be taken in."""
    code, found = clerk.run(SH, "institution", "search", "样例养老院03")
    assert (0, ["310000-3"]) == (code, _ids(found))
    code, found = clerk.run(
        SH, "institution", "search", "hcyl", "--division", "3101", "--limit", "3"
    )
    assert (0, 3, True) == (code, len(_ids(found)), found["more"]), found
    code, found = clerk.run(
        SH, "institution", "search", "--near", "121.44,31.20", "--within", "5000"
    )
    distances = [row["distance_m"] for row in found["institutions"]]
    assert (0, sorted(distances)) == (code, distances)
    assert distances
    assert max(distances) <= 5_000
    found = clerk.until(
        lambda found: bool(found["institutions"]),
        SH, "institution", "search", "--division", "32", "--open-beds", "10",
        "--type", "residential",
    )  # fmt: skip
    assert all(row["institution"]["open_beds"] >= 10 for row in found["institutions"])
    for bad in (("--within", "5"), ("--near", "here"), ("--near", "200,31")):
        assert 2 == clerk.run(SH, "institution", "search", "x", *bad)[0]


def _ids(found: Any) -> list[str]:
    return [row["institution"]["institution_id"] for row in found["institutions"]]


@pytest.mark.usefixtures("registers")
def test_listings(clerk: Clerk, tmp_path: Path) -> None:
    """Proposed with totals from the register, published as proposed, withdrawn."""
    ids = tmp_path / "ids.txt"
    ids.write_text("310000-2\n\n310000-3\n", encoding="utf-8")
    _, listed = clerk.run(SH, "institution", "list", "--division", "3101")
    beds = {row["institution"]["institution_id"]: row["institution"] for row in
            listed["institutions"]}  # fmt: skip
    total = sum(beds[each]["approved_beds"] for each in ("310000-2", "310000-3"))
    listing = ("310000-L2026-5", "--file", str(ids), "--from", "2026-01-01")
    code, text = clerk.text(SH, "listing", "propose", *listing, "--totals", "2,1,1", *SIGNED)
    assert (2, True, True) == (code, "总分核对不符" in text, str(total) in text)
    assert 2 == clerk.run(SH, "listing", "propose", *listing, "--totals", "two", *SIGNED)[0]
    ids.write_text("310000-2\n310000-3\n310000-404\n310000-2\n", encoding="utf-8")
    code, text = clerk.text(SH, "listing", "propose", *listing, "--totals", "2,1,1", *SIGNED)
    assert (2, False) == (code, "总分核对不符" in text), "who is named wrongly comes first"
    assert "名册中没有 310000-404。重复列出 310000-2。" in text
    ids.write_text("310000-2\n\n310000-3\n", encoding="utf-8")
    paper = ("--totals", f"2,1,{total}")
    code, found = clerk.run(SH, "listing", "propose", *listing, *paper, *SIGNED)
    assert (0, total) == (code, found["totals"]["approved_beds"]), found
    code, found = clerk.run(SH, "listing", "list", "--province", SH)
    assert [("PROPOSED", 2)] == [
        (row["state"], row["listing"]["totals"]["institution_count"]) for row in found["listings"]
    ]
    publish = ("listing", "publish", "310000-L2026-5", *paper, *SIGNED)
    assert 2 == clerk.run(SH, *publish, "--from", "2026-02-01")[0], "a proposal has its own days"
    code, found = clerk.run(SH, *publish)
    assert (0, 2) == (code, found["institutions"]), found
    clerk.until(
        lambda found: ["PUBLISHED"] == [row["state"] for row in found["listings"]],
        JS, "listing", "list", "--province", SH,
    )  # fmt: skip
    ending = ("--from", "2026-02-01", "--reason", "CAPACITY_FULL", *SIGNED)
    assert 0 == clerk.run(SH, "listing", "withdraw", "310000-L2026-5", *ending)[0]
    code, text = clerk.text(SH, "listing", "list")
    assert (0, True, True) == (code, "已撤回" in text, str(total) in text)
    assert 2 == clerk.run(SH, "listing", "publish", "310000-L2026-6", *SIGNED)[0]


def test_who_closes_on_a_day_to_come(clerk: Clerk, registers: Path, tmp_path: Path) -> None:
    """Until then it has its beds and is listed; whoever looks is told the day."""
    text = (registers / "jiangsu-sample.csv").read_text(encoding="gb18030")
    (line,) = (each for each in text.splitlines() if each.startswith("苏合成备0019号"))
    closing = line.replace("正常运营,,,", "已注销,2062年1月1日,合并,")
    folder = tmp_path / "registers"
    folder.mkdir()
    for file in registers.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    changed = text.replace(line, closing)
    assert changed != text
    (folder / "jiangsu-sample.csv").write_text(changed, encoding="gb18030")
    code, found = clerk.run(JS, *_jiangsu(folder))
    assert (0, 1) == (code, found["updated"]), found
    code, text = clerk.text(JS, "institution", "search", "样例养老院28", "--open-beds", "1")
    assert (0, True) == (code, "自 2062-01-01 起关闭" in text), text
    listing = ("listing", "propose", "320000-L2026-9", "--institution", "320000-0019")
    code, text = clerk.text(JS, *listing, "--from", "2026-01-01", *SIGNED)
    assert (0, True) == (
        code,
        "注意：320000-0019 在名册中的状态为：自 2062-01-01 起关闭。" in text,
    ), text
    code, text = clerk.text(JS, *listing, "--from", "2062-01-01", *SIGNED)
    assert 1 == code, text
    for words in ("G18-LISTED-CLOSED", "320000-0019", "该机构自 2062-01-01 起关闭"):
        assert words in text, text
    code, text = clerk.text(JS, "listing", "show", "320000-L2026-9")
    assert (0, True) == (code, "自 2062-01-01 起关闭" in text), text


def test_agreement_matrix(clerk: Clerk, tmp_path: Path) -> None:
    """Districts against cities; a province's agreement covers what lies inside it."""
    code, found = clerk.run(SH, "agreement", "matrix")
    assert 2 == code, "no agreement yet, and no divisions named"
    for name, parties in (
        ("310000-A2026-1", ("310113", "320500")),
        ("310000-A2026-2", ("310113", "310115", "320000")),
    ):
        code, found = clerk.run(
            SH, "agreement", "propose", name, *(w for p in parties for w in ("--party", p)),
            "--scope", "standard", "--from", "2026-01-01", *SIGNED,
        )  # fmt: skip
        assert 0 == code, found
        clerk.until(
            lambda found, name=name: any(
                row["agreement"]["agreement_id"] == name for row in found["agreements"]
            ),
            JS, "agreement", "list",
        )  # fmt: skip
        assert 0 == clerk.run(JS, "agreement", "accept", name, *SIGNED)[0]
    found = clerk.until(
        lambda found: sum(row["in_force"] for row in found["agreements"]) == 2,
        SH, "agreement", "list",
    )  # fmt: skip
    out = tmp_path / "matrix.xlsx"
    code, found = clerk.run(SH, "agreement", "matrix", "--out", str(out))
    assert (0, ["310113", "310115"], ["320000", "320500"]) == (
        code,
        found["rows"],
        found["columns"],
    )
    cells = {(row["row_division"], row["column_division"]): row["agreement_ids"] for row in
             found["cells"]}  # fmt: skip
    assert ["310000-A2026-1", "310000-A2026-2"] == cells["310113", "320500"]
    assert ["310000-A2026-2"] == cells["310115", "320500"]
    book = openpyxl.load_workbook(out)
    rows = list(book.worksheets[0].iter_rows(values_only=True))
    assert ("320000 江苏", "320500 苏州市") == rows[0][1:]
    assert ("310113 宝山区", "310115 浦东新区") == (rows[1][0], rows[2][0])
    assert "B2" == book.worksheets[0].freeze_panes, "codes stay in sight"
    assert book.worksheets[0].column_dimensions["C"].width > len("310000-A2026-1 310000-A2026-2")
    assert "310000-A2026-1 310000-A2026-2" == rows[1][2]
    code, text = clerk.text(SH, "agreement", "matrix", "--rows", "310113", "--columns", "320500")
    assert (0, True) == (code, "1 对中 1 对有协议" in text)
    assert 2 == clerk.run(SH, "agreement", "matrix", "--rows", "31", "--columns", "320500")[0]
