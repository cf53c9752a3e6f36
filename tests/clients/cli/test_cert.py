"""The commands ``cert`` and ``scheme`` at a running node: schemes, many certificates, a life."""

import json
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner

from clients.checking.words import REMEDIES
from clients.cli.main import main
from deltacare.schemes import NATIONAL
from server.certification.scheme_rules import SCHEME_RULES
from tests.clients.cli.test_commands import SIGNED, Clerk, clerk, nodes
from tests.clients.issuing.test_sheet import GOOD, HEADS, IDENTITY, NAME, sheet_file

__all__ = ["clerk", "nodes"]

pytestmark = pytest.mark.long

JS = "320000"
SCHEME = """
scheme = "JS_CARE"
subject = "caregiver"
occupation = "4-10-01-05"
grades = ["初级", "高级"]
number_pattern = "J[0-9]{4}"
validity_months_max = 36
renewal_hours_min = 20
from_date = 2026-01-01
basis = "JS-2025-1"
"""


def row(number: str, **cells: str) -> tuple[str, ...]:
    """Return a row under the scheme."""
    cells = {"类别": "JS_CARE", "等级": "初级", "凭据": "", **cells, "证书编号": number}
    return tuple(cells.get(head, cell) for head, cell in zip(HEADS, GOOD, strict=True))


def report_of(path: Path) -> list[tuple[str, str, str]]:
    """Return row, certificate and result of a report."""
    cells = list(openpyxl.load_workbook(path)["结果"].values)[1:]
    text = str(cells)
    assert NAME not in text
    assert IDENTITY not in text
    return [(str(line[0]), str(line[1] or ""), str(line[3])) for line in cells]


def test_schemes(clerk: Clerk, tmp_path: Path) -> None:
    """A scheme is published from a file, listed, shown, written as a file and published again."""
    path = tmp_path / "scheme.toml"
    path.write_text("grades = 3\nnumber = 'x'\n", encoding="utf-8")
    code, found = clerk.run(JS, "scheme", "publish", str(path), *SIGNED)
    assert (2, True) == (code, "grades, number" in found["error"]["message"])
    path.write_text("scheme = [", encoding="utf-8")
    assert 2 == clerk.run(JS, "scheme", "publish", str(path), *SIGNED)[0]
    path.write_text(SCHEME, encoding="utf-8")
    assert 0 == clerk.run(JS, "scheme", "publish", str(path), *SIGNED)[0]
    _, found = clerk.run(JS, "scheme", "list")
    names = [each["scheme"]["scheme"] for each in found["schemes"]]
    assert [*sorted(NATIONAL), "JS_CARE"] == names
    code, text = clerk.text(JS, "scheme", "show", "JS_CARE")
    assert (0, True, True) == (code, "J[0-9]{4}" in text, "初级 高级" in text)
    assert 2 == clerk.run(JS, "scheme", "show", "NOTHING")[0]
    code, text = clerk.text(JS, "scheme", "show", "CAREGIVER_LEVEL", "--toml")
    path.write_text(text, encoding="utf-8")
    assert 0 == clerk.run(JS, "scheme", "publish", str(path), *SIGNED)[0]
    path.write_text(text.replace('"五级"', '"特级"'), encoding="utf-8")
    code, text = clerk.text(JS, "scheme", "publish", str(path), *SIGNED)
    assert (1, True) == (code, "CAREGIVER_LEVEL.grades" in text)


def test_a_file_of_certificates(clerk: Clerk, tmp_path: Path) -> None:
    """Faults first, then what the node has against rows, then all of it; nothing twice."""
    scheme, path, report = (tmp_path / name for name in ("s.toml", "c.xlsx", "r.xlsx"))
    issue = ("cert", "issue", "--file", str(path), "--report", str(report), *SIGNED)
    scheme.write_text(SCHEME.replace("JS_CARE", "JS_FILE"), encoding="utf-8")
    rows = [row(f"320000-J{n:04d}", 类别="JS_FILE") for n in range(1, 6)]
    sheet_file(path, *rows, row("320000-J0006", 类别="JS_FILE", 姓名=""))
    code, found = clerk.run(JS, *issue)
    assert (2, 0, 1) == (code, found["issued"], found["fault_count"])
    assert {"NOT_SENT": 5, "REFUSED": 1} == {
        kind: [line[2] for line in report_of(report)].count(kind)
        for kind in ("NOT_SENT", "REFUSED")
    }
    # The scheme was not stated yet: every row is refused; then it is, and the same file goes.
    sheet_file(path, *rows)
    code, found = clerk.run(JS, *issue)
    assert (2, 0, 5) == (code, found["issued"], len(found["refused"]))
    assert "C18-SCHEME-UNKNOWN" in found["refused"][0]["description"]
    assert 0 == clerk.run(JS, "scheme", "publish", str(scheme), *SIGNED)[0]
    assert (0, 0) == ((dry := clerk.run(JS, *issue, "--dry-run"))[0], dry[1]["issued"])
    code, found = clerk.run(JS, *issue)
    assert (0, 5, 0) == (code, found["issued"], found["unchanged"])
    assert [(str(n + 1), f"320000-J{n:04d}", "ISSUED") for n in range(1, 6)] == report_of(report)
    code, found = clerk.run(JS, *issue)
    assert (0, 0, 5) == (code, found["issued"], found["unchanged"])
    # Grown, moved and with rows that say something else of a number that was issued.
    more = [
        row("320000-J0007", 类别="JS_FILE"),
        rows[3],
        row("320000-J0001", 类别="JS_FILE", 等级="高级"),
        row("320000-J0002", 类别="JS_FILE", 姓名="示例乙"),
        row("320000-K0001", 类别="JS_FILE"),
        row("320000-J0008", 类别="JS_FILE", 等级="特级"),
        row("320000-J0009", 类别="JS_FILE"),
    ]
    sheet_file(path, *more)
    code, found = clerk.run(JS, *issue)
    assert (2, 2, 1) == (code, found["issued"], found["unchanged"])
    assert ["ISSUED", "UNCHANGED", *["REFUSED"] * 4, "ISSUED"] == [
        line[2] for line in report_of(report)
    ]
    code, text = clerk.text(JS, *issue)
    for said in ("其他持证人", "内容不同", "编号格式", "没有这一等级", "第 4 行", "第 6 行"):
        assert said in text
    assert NAME not in text
    assert "示例乙" not in text
    # Another identity number under the same certificate is not taken, and that is said.
    other = IDENTITY[:14] + "102"
    other += "10X98765432"[sum(int(c) * pow(2, 17 - i, 11) for i, c in enumerate(other)) % 11]
    sheet_file(path, row("320000-J0009", 类别="JS_FILE", 身份证号=other), rows[0])
    code, found = clerk.run(JS, *issue)
    assert (2, 1) == (code, found["unchanged"])
    (refused,), (noted,) = found["refused"], found["noted"]
    assert "identity_number" in refused["field"]
    assert "personal put" in refused["remedy"]
    assert "subject_ref" in noted["description"]
    assert other not in str(found)
    code, found = clerk.run(JS, "cert", "list", "--issuer", JS)
    listed = [each["certificate_no"] for each in found["certificates"]]
    assert [f"320000-J{n:04d}" for n in (1, 2, 3, 4, 5, 7, 9)] == [
        number for number in listed if number.startswith("320000-J00")
    ]
    # Under an id of one's own choice, other content is refused as a whole.
    once = "00000000-0000-4000-8000-00000000c0de"
    sheet_file(path, row("320000-J0010", 类别="JS_FILE"))
    assert 0 == clerk.run(JS, *issue, "--request-id", once)[0]
    sheet_file(path, row("320000-J0011", 类别="JS_FILE"))
    code, found = clerk.run(JS, *issue, "--request-id", once)
    assert (2, "REQUEST_ID_REUSED") == (code, found["error"]["reason"])


def test_anothers_reference_is_not_buried(clerk: Clerk, tmp_path: Path) -> None:
    """Of unchanged rows one line is said, however many; the row under it is refused by column."""
    scheme, path, report = (tmp_path / name for name in ("s.toml", "c.csv", "r.xlsx"))
    scheme.write_text(SCHEME.replace("JS_CARE", "JS_REF"), encoding="utf-8")
    assert 0 == clerk.run(JS, "scheme", "publish", str(scheme), *SIGNED)[0]
    cells = {"类别": "JS_REF", "人员编号": "P-ref", "身份证号": ""}
    rows = [row(f"320000-J700{n}", **cells) for n in (1, 2, 3)]
    issue = ("cert", "issue", "--file", str(path), "--report", str(report), *SIGNED)
    sheet_file(path, *rows)
    assert 0 == clerk.run(JS, *issue)[0]
    sheet_file(path, *rows, row("320000-J7004", **cells, 姓名="示例乙"))
    code, text = clerk.text(JS, *issue)
    assert (2, 1, True) == (code, text.count("subject_ref"), "请留意（3 行）" in text), text
    assert "第 5 行 holder_name: P07-OTHER-PERSON：" in text, text
    assert ("5", "320000-J7004", "REFUSED") == report_of(report)[-1]
    assert "示例乙" not in text
    show = ("personal", "show", "P-ref", "--field", "holder_name", "--purpose", "SUBJECT_REQUEST")
    code, text = clerk.text(JS, *show, "--basis", "PIPL_45")
    assert (0, True) == (code, NAME in text), text


def test_a_ban_names_what_the_person_holds(clerk: Clerk, tmp_path: Path) -> None:
    """What is left out is told with the remedy; with --also each is barred, in one write."""
    scheme, path = tmp_path / "s.toml", tmp_path / "c.csv"
    scheme.write_text(SCHEME.replace("JS_CARE", "JS_BAN"), encoding="utf-8")
    assert 0 == clerk.run(JS, "scheme", "publish", str(scheme), *SIGNED)[0]
    cells = {"类别": "JS_BAN", "人员编号": "P-ban", "身份证号": ""}
    sheet_file(path, *(row(f"320000-J600{n}", **cells) for n in (1, 2)))
    assert 0 == clerk.run(JS, "cert", "issue", "--file", str(path), *SIGNED)[0]
    ban = ("supervision", "measure", "320000-M80", "--certificate", "320000-J6001", "--kind", "ban")
    code, text = clerk.text(JS, *ban, "--reason", "FRAUD", *SIGNED)
    assert (1, True) == (code, "M15-PERSON-LEFT-OUT" in text and "320000-J6002" in text), text
    assert "--also" in text
    also = ("--also", "320000-J6002", "--reason", "FRAUD")
    code, found = clerk.run(JS, *ban, *also, *SIGNED)
    assert (0, ["320000-M80", "320000-M80-2"], 2) == (
        code,
        found["measures"],
        int(found["appended"]["entry_count"]),
    )
    for number in ("320000-J6001", "320000-J6002"):
        _, found = clerk.run(JS, "cert", "check", number)
        assert "R12-BARRED" == found["rule"], found
    code, text = clerk.text(JS, "personal", "erase", "P-ban", "--yes", *SIGNED)
    assert (1, True) == (code, "P08-BARRED" in text and "supervision lift" in text), text


def test_a_life_with_education(clerk: Clerk, tmp_path: Path) -> None:
    """Issued after another, added to, renewed once the hours are there, and all of it shown."""
    scheme = tmp_path / "s.toml"
    scheme.write_text(SCHEME.replace("JS_CARE", "JS_LIFE"), encoding="utf-8")
    assert 0 == clerk.run(JS, "scheme", "publish", str(scheme), *SIGNED)[0]
    days = ("--from", "2026-01-01", "--until", "2028-12-31", "--holder", NAME)
    common = ("--scheme", "JS_LIFE", *days, *SIGNED)
    assert 2 == clerk.run(JS, "cert", "issue", "320000-J9001", "--grade", "初级", *SIGNED)[0]
    assert 2 == clerk.run(JS, "cert", "issue", *SIGNED)[0]
    assert 0 == clerk.run(JS, "cert", "issue", "320000-J9001", "--grade", "初级", *common)[0]
    follows = ("--after", "320000-J9001", "--division", "320100", "--grade", "高级")
    training = ("--reference", "培训:PX-1:2025-11-02:40")
    assert 0 == clerk.run(JS, "cert", "issue", "320000-J9002", *follows, *training, *common)[0]
    renew = ("cert", "renew", "320000-J9002", "--until", "2029-12-31", *SIGNED)
    code, found = clerk.run(JS, *renew)
    assert (1, "C25-HOURS-TOO-FEW") == (code, found["error"]["details"]["rule"])
    add = ("cert", "add", "320000-J9002", *SIGNED)
    assert 2 == clerk.run(JS, *add)[0]
    assert 2 == clerk.run(JS, *add, "--reference", "JX-1")[0]
    education = "CONTINUING_EDUCATION:JX-1:2026-05-01:20:310115"
    assert 0 == clerk.run(JS, *add, "--reference", education)[0]
    assert 0 == clerk.run(JS, *renew, "--reason", "ON_TIME")[0]
    code, found = clerk.run(JS, "cert", "show", "320000-J9002")
    assert ["320000-J9001"] == found["predecessors"]
    assert ["issued", "added", "renewed"] == [
        next(iter(set(event) - {"entry"})) for event in found["events"]
    ]
    code, text = clerk.text(JS, "cert", "show", "320000-J9002")
    for said in ("接续 320000-J9001", "继续教育:JX-1:2026-05-01:20:310115", "320100", "ON_TIME"):
        assert said in text
    target = tmp_path / "t.xlsx"
    written = [CliRunner().invoke(main, ["cert", "template", str(target)]) for _ in range(2)]
    assert [0, 2] == [each.exit_code for each in written], "what is there is not written over"


def test_rules_of_schemes_in_their_own_chinese() -> None:
    """A rule in a list of faults says in Chinese what it says where it refuses a whole call."""
    from clients.cli.sentences import in_chinese

    for rule in SCHEME_RULES:
        said = rule.zh.rstrip("。")
        assert f"{rule.code}：{said}。" == in_chinese(f"{rule.code}: {rule.en}"), rule.code


def test_a_list_and_what_comes_between_setting_and_following(clerk: Clerk, tmp_path: Path) -> None:
    """With one cursor file nothing is lost; what is to come is told with its day and no leave."""
    scheme, roster, cursors = (tmp_path / name for name in ("s.toml", "r.csv", "c.json"))
    scheme.write_text(SCHEME.replace("JS_CARE", "JS_WATCH"), encoding="utf-8")
    assert 0 == clerk.run(JS, "scheme", "publish", str(scheme), *SIGNED)[0]
    sheet_file(tmp_path / "c.csv", row("320000-J8001", 类别="JS_WATCH"))
    assert 0 == clerk.run(JS, "cert", "issue", "--file", str(tmp_path / "c.csv"), *SIGNED)[0]
    roster.write_text("证书编号,姓名\n320000-j8001,\n", encoding="utf-8")
    check = ("cert", "check", "--roster", str(roster), "--out", str(tmp_path / "out.csv"))
    code, found = clerk.run(JS, *check)
    assert (1, {"NOT_ASKED": 1}) == (code, found["counts"])
    code, found = clerk.run(JS, *check, "--no-names")
    assert (0, {"VALID": 1}) == (code, found["counts"])
    watched = ("320000-1", "--roster", str(roster), "--cursor-file", str(cursors))
    _, found = clerk.run(JS, "cert", "watch", "set", *watched)
    assert (1, []) == (len(found["list"]["certificate_nos"]), found["left_out"])
    # One row that cannot be read leaves the list as it is, unless it is to be left out.
    mixed = tmp_path / "mixed.csv"
    mixed.write_text("证书编号\n无\n320000-J8001\n", encoding="utf-8")
    mixed_set = ("cert", "watch", "set", "320000-1", "--roster", str(mixed))
    assert 2 == clerk.run(JS, *mixed_set)[0]
    code, found = clerk.run(JS, *mixed_set, "--only-good")
    assert (0, ["320000-J8001"]) == (code, found["list"]["certificate_nos"])
    assert ["2"] == ["".join(filter(str.isdigit, one["row"])) for one in found["left_out"]]
    code, text = clerk.text(JS, *mixed_set, "--only-good")
    assert (0, True) == (code, "未关注：第 2 行" in text)
    later = ("--from", "2028-06-01", "--reason", "FRAUD", *SIGNED)
    assert 0 == clerk.run(JS, "cert", "revoke", "320000-J8001", *later)[0]
    follow = ("cert", "watch", "follow", "--count", "1", "--cursor-file", str(cursors))
    before = cursors.read_bytes()
    code, text = clerk.text(JS, *follow)
    assert 0 == code
    assert "自 2028-06-01 起" in text
    assert f"自该日起：{REMEDIES['R07-REVOKED'][0]}" in text
    cursors.write_bytes(before)
    code, found = clerk.run(JS, *follow)
    (touched,) = found["certificates"]
    assert ("2028-06-01", "VERDICT_REVOKED") == (
        found["effective_date"],
        "VERDICT_" + touched["coming_verdict"]["verdict"].removeprefix("VERDICT_"),
    )
    # As if it had been away since before the first day of the certificate.
    place = json.loads(cursors.read_text(encoding="utf-8"))
    today = place["day"]["told_date"]
    place["day"]["told_date"] = "2000-01-01"
    before = json.dumps(place)
    cursors.write_text(before, encoding="utf-8")
    code, text = clerk.text(JS, *follow)
    assert 0 == code
    assert f"{today}  当日已到" in text
    assert "2000-01-01 为：NOT_YET_VALID  未生效" in text
    assert today == json.loads(cursors.read_text(encoding="utf-8"))["day"]["told_date"]
    cursors.write_text(before, encoding="utf-8")
    _, found = clerk.run(JS, *follow)
    (touched,) = found["certificates"]
    assert (today, None, "NOT_YET_VALID", "VALID") == (
        found["day"],
        found.get("entry"),
        touched["previous_verdict"]["verdict"].removeprefix("VERDICT_"),
        touched["verdict"]["verdict"].removeprefix("VERDICT_"),
    )
