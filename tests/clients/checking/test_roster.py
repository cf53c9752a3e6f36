"""Tests of rosters: whatever a spreadsheet did to them, every row comes out, with what is wrong."""

import csv
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from clients.checking.roster import COLUMN_NAMES, Roster, read_roster
from clients.checking.run import NOT_ASKED, Asked, check_rows, counts
from clients.checking.sheet import RESULT_COLUMNS, write_results
from clients.checking.words import REMEDIES, VERDICT_NAMES, remedy
from deltacare.v1 import certification_service_pb2 as pb
from server.certification.verdicts import RULES
from settlement.findings import BadFile

NAME = "示例甲"
ROWS = [["320000-C1", NAME, "夜班"], ["320000-C2", "", "白班"]]
HEADER = ["证书编号", "姓名", "班次"]


def csv_file(path: Path, rows: list[list[str]], *, encoding: str = "utf-8") -> Path:
    """Write a CSV file."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def numbers(roster: Roster) -> list[tuple[int, str, str]]:
    """Return row, certificate and name of every row."""
    return [(row.number, row.certificate_no, row.holder_name) for row in roster.rows]


class Answering:
    """A node that finds every certificate valid but some; keeps what it was asked."""

    def __init__(self, revoked: frozenset[str] = frozenset()) -> None:
        self.certification = self
        self.asked: list[pb.BatchCheckCertificationsRequest] = []
        self._revoked = revoked

    def BatchCheckCertifications(  # noqa: N802  # the method's name
        self, request: pb.BatchCheckCertificationsRequest
    ) -> pb.BatchCheckCertificationsResponse:
        """Answer a batch."""
        self.asked.append(request)
        response = pb.BatchCheckCertificationsResponse()
        for row in request.rows:
            if row.certificate_no.endswith("BAD"):
                response.rows.add(violations=["certificate_no: This is not it."])
                continue
            is_revoked = row.certificate_no in self._revoked
            response.rows.add(
                valid_until_date="2026-12-31",
                verdict=pb.CheckCertificationResponse(
                    verdict=pb.VERDICT_REVOKED if is_revoked else pb.VERDICT_VALID,
                    rule="R07-REVOKED" if is_revoked else "R22-RECOGNISED",
                    on_date="2026-12-01",
                    mapped_scheme="" if is_revoked else "SH_CAREGIVER",
                    mapped_grade="" if is_revoked else "中级",
                ),
            )
        return response


def checked(roster: Roster, node: Answering, **fields: Any) -> list[Any]:  # whatever is asked
    """Check a roster at a node."""
    return check_rows(
        node, roster.rows, Asked(**fields), in_chinese=lambda _: None, on_batch=lambda _: None
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_text_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    """A CSV file is read in the encodings that clerks' programs write."""
    path = csv_file(tmp_path / "roster.csv", [HEADER, *ROWS], encoding=encoding)
    assert [(2, "320000-C1", NAME), (3, "320000-C2", "")] == numbers(read_roster(path))


def test_a_workbook_in_disorder(tmp_path: Path) -> None:
    """Another sheet first, a merged title, columns in another order, empty lines: all read."""
    book = openpyxl.Workbook()
    first = book.worksheets[0]
    first.title = "说明"
    first.append(["本表为示例"])
    sheet = book.create_sheet("花名册")
    sheet.append(["示例养老院护理员花名册"])
    sheet.merge_cells("A1:C1")
    sheet.append([])
    sheet.append(["班次", "姓名", "资格证书编号"])
    sheet.append(["夜班", NAME, "320000-C1"])
    sheet.append([])
    sheet.append(["白班", None, " 320000－C2 "])  # full width, as typed
    path = tmp_path / "roster.xlsx"
    book.save(path)
    roster = read_roster(path)
    assert "花名册" == roster.sheet
    assert [(4, "320000-C1", NAME), (6, "320000-C2", "")] == numbers(roster)
    assert ("夜班", NAME, "320000-C1") == roster.rows[0].cells


def test_a_formula_without_a_value_is_said(tmp_path: Path) -> None:
    """Its row is not asked about and says what to do with the file, not that cells are missing."""
    book = openpyxl.Workbook()
    for row in (HEADER, ["320000-C1", NAME, ""], ['="320000-C"&2', NAME, ""]):
        book.worksheets[0].append(row)
    path = tmp_path / "roster.xlsx"
    book.save(path)
    roster = read_roster(path)
    assert [(2, "320000-C1", NAME), (3, "", "")] == numbers(roster)
    assert ((), 1) == (roster.rows[0].faults, len(roster.rows[1].faults))
    (said,) = roster.rows[1].faults
    assert "只有公式" in said[0]
    assert "formula without a value" in said[1]


def test_rows_at_fault_are_named_and_not_asked(tmp_path: Path) -> None:
    """Merged, damaged, misplaced, repeated, broken: each row says what is wrong with it."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in (
        HEADER,
        ["320000-C1", NAME, ""],
        [None, NAME, "merged away"],
        [320000123456789012, "", ""],
        ["1.23E+17", "", ""],
        [NAME, "320000-C1", ""],
        ["320000-C1", NAME, ""],
        ["320000-C1", "示例乙", ""],
        ["320000-C2", "x" * 65, ""],
    ):
        sheet.append(row)
    path = tmp_path / "roster.xlsx"
    book.save(path)
    node = Answering()
    results = checked(read_roster(path), node)
    assert [(row.certificate_no) for row in node.asked[0].rows] == ["320000-C1"] * 3
    assert ["VALID", *[NOT_ASKED] * 4, "VALID", "VALID", NOT_ASKED] == [
        result.verdict for result in results
    ]
    assert [0, 1, 1, 1, 1, 1, 1, 1] == [len(result.faults) for result in results]
    said = [" ".join(en for _, en in result.faults) for result in results]
    assert "Unmerge" in said[1]
    assert "scientific" in said[2]
    assert "scientific" in said[3]
    assert "not the number" in said[4]
    assert NAME not in said[4]
    assert "row 2" in said[5]
    assert "another name" in said[6]
    assert all(any("\u4e00" <= c <= "\u9fff" for c in zh) for r in results for zh, _ in r.faults)


def test_a_row_without_a_name_is_at_fault_where_names_are_compared(tmp_path: Path) -> None:
    """Its holder could not be compared, so it gets no verdict; without such a column none is."""
    path = csv_file(tmp_path / "roster.csv", [HEADER, *ROWS])
    node = Answering()
    results = checked(read_roster(path, needs_names=True), node)
    assert ["VALID", NOT_ASKED] == [result.verdict for result in results]
    assert ["320000-C1"] == [row.certificate_no for row in node.asked[0].rows]
    assert "--no-names" in results[1].faults[0][1]
    bare = csv_file(tmp_path / "bare.csv", [["证书编号"], ["320000-C1"]])
    assert [()] == [row.faults for row in read_roster(bare, needs_names=True).rows]


def test_small_letters_are_capitals(tmp_path: Path) -> None:
    """A certificate's number has no small letters: whoever types them means the capitals."""
    rows = [["证书编号"], ["320000-b000011"], ["３２００００－ｂ０１"], ["320000-ß1"]]
    roster = read_roster(csv_file(tmp_path / "roster.csv", rows))
    assert ["320000-B000011", "320000-B01", ""] == [row.certificate_no for row in roster.rows]


@pytest.mark.parametrize(
    "written",
    [
        *("320000\u2010C2", "320000\u2013C2", "320000\u2014C2", "320000\u2014\u2014C2"),
        *("320000 - C2", "320000\uff0dC2", "320000\u2212c2", "\u00a0320000-C2\n"),
    ],
)
def test_every_way_to_type_the_hyphen(tmp_path: Path, written: str) -> None:
    """An input method writes long dashes and spaces; the number is what was meant."""
    (row,) = read_roster(csv_file(tmp_path / "roster.csv", [["证书编号"], [written]])).rows
    assert ("320000-C2", ()) == (row.certificate_no, row.faults)


@pytest.mark.parametrize(
    "written, said",
    [
        ("320000-C1 320000-C2", "Two numbers"),
        ("320000-C1\n320000-C2", "Two numbers"),
        ("320000-C1、310000-C2", "Two numbers"),
        ("320000-C1; 310000-C2", "Two numbers"),
        ("320000-C1 C2", "parts the number"),
        ("320000-C2025\n000123", "parts the number"),
        ("320000-C1\u2014C5", "not the number"),
        ("示例 某人", "not the number"),
    ],
)
def test_no_number_is_made_of_two(tmp_path: Path, written: str, said: str) -> None:
    """What nobody wrote is not asked for: the row says what stands in the cell."""
    (row,) = read_roster(csv_file(tmp_path / "roster.csv", [["证书编号"], [written]])).rows
    (fault,) = row.faults
    assert "" == row.certificate_no
    assert said in fault[1]


def test_a_broken_row_of_a_text_keeps_its_place(tmp_path: Path) -> None:
    """A row with another number of cells comes out in its place, unread."""
    path = tmp_path / "roster.csv"
    path.write_text("certificate_no,name\n320000-C1,\n320000-C2,a,b,c\n320000-C3,\n")
    roster = read_roster(path)
    assert [2, 3, 4] == [row.number for row in roster.rows]
    assert [False, True, False] == [bool(row.faults) for row in roster.rows]


@pytest.mark.parametrize(
    "rows",
    [
        [["name"], [NAME]],
        [["证书编号", "证书号"], ["320000-C1", "320000-C2"]],
        [HEADER],
        [],
    ],
)
def test_what_is_no_roster_is_refused(tmp_path: Path, rows: list[list[str]]) -> None:
    """No column of certificates, two, no rows, nothing: refused with what is missing."""
    with pytest.raises(BadFile):
        read_roster(csv_file(tmp_path / "roster.csv", rows))


def test_a_roster_without_certificates_hears_what_the_column_may_be_called(
    tmp_path: Path,
) -> None:
    """Every name that would be taken, in both languages."""
    with pytest.raises(BadFile) as caught:
        read_roster(csv_file(tmp_path / "roster.csv", [["姓名", "编号"], [NAME, "320000-C1"]]))
    (finding,) = caught.value.findings
    for name in COLUMN_NAMES["certificate_no"]:
        assert name in finding.remedy
        assert name in finding.remedy_zh


def test_batches_are_of_one_day_and_moment(tmp_path: Path) -> None:
    """A long roster goes in batches of a thousand, all with the same question."""
    rows = [[f"320000-C{serial}", ""] for serial in range(2_500)]
    roster = read_roster(csv_file(tmp_path / "r.csv", [["certificate_no", "name"], *rows]))
    node = Answering(frozenset({"320000-C7"}))
    moment = datetime(2026, 11, 1, tzinfo=UTC)
    results = checked(roster, node, on_date="2026-12-01", known_time=moment, host="310115")
    assert [1_000, 1_000, 500] == [len(request.rows) for request in node.asked]
    assert {("2026-12-01", "310115", moment)} == {
        (each.on_date, each.host, each.known_time.ToDatetime(tzinfo=UTC)) for each in node.asked
    }
    assert {"VALID": 2_499, "REVOKED": 1} == counts(results)
    assert (30, "SH_CAREGIVER 中级") == (results[0].days_left, results[0].counts_as)


def test_what_the_node_cannot_read_is_shown(tmp_path: Path) -> None:
    """A row that only the node refuses gets its words."""
    roster = read_roster(csv_file(tmp_path / "r.csv", [["certificate_no"], ["320000-BAD"]]))
    (result,) = checked(roster, Answering())
    assert (NOT_ASKED, "certificate_no: This is not it.") == (result.verdict, result.faults[0][1])


@pytest.mark.parametrize("suffix", ["xlsx", "csv"])
def test_results_keep_every_column_and_run_no_formula(tmp_path: Path, suffix: str) -> None:
    """What came in stands first, unchanged; what looks like a formula is a text."""
    evil = '=HYPERLINK("http://example.invalid")'
    rows = [["班次", "证书编号"], [evil, "320000-C1"], ["夜班", "320000-C2"]]
    roster = read_roster(csv_file(tmp_path / "in.csv", rows))
    results = checked(roster, Answering(frozenset({"320000-C2"})))
    path = tmp_path / f"out.{suffix}"
    write_results(path, roster, results, counts(results))
    if suffix == "xlsx":
        book = openpyxl.load_workbook(path)
        read: list[list[Any]] = [
            [cell.value for cell in row] for row in book["核验结果"].iter_rows()
        ]
        assert "f" not in {cell.data_type for row in book["核验结果"].iter_rows() for cell in row}
        assert evil == read[1][0]
        totals = [[cell.value for cell in row] for row in book["合计"].iter_rows()]
        assert [["有效", "VALID", 1], ["撤销", "REVOKED", 1], ["合计", "TOTAL", 2]] == totals[1:]
    else:
        lines = csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""))
        read = [list[Any](line) for line in lines]
        assert f"'{evil}" == read[1][0]
    assert ["班次", "证书编号", *RESULT_COLUMNS] == read[0]
    # A workbook can be sorted by its numbers.
    row, days = (3, 30) if suffix == "xlsx" else ("3", "30")
    assert ["夜班", "320000-C2", row, "320000-C2", "撤销", "REVOKED", "R07-REVOKED"] == read[2][:7]
    assert days == read[1][10]
    assert list(remedy("R07-REVOKED")) == read[2][12:14]
    assert [path.name, "in.csv"] == sorted((each.name for each in tmp_path.iterdir()), reverse=True)


def test_a_workbook_is_laid_out_to_work_from(tmp_path: Path) -> None:
    """Columns are as wide as what they hold, remedies wrapped, rows filtered and coloured."""
    rows = [["班次", "证书编号"], ["夜", "320000-C1"], ["夜", "320000-C2"], ["夜", ""]]
    roster = read_roster(csv_file(tmp_path / "in.csv", rows))
    results = checked(roster, Answering(frozenset({"320000-C2"})))
    write_results(tmp_path / "out.xlsx", roster, results, counts(results))
    sheet = openpyxl.load_workbook(tmp_path / "out.xlsx")["核验结果"]
    heads = {cell.value: cell.column_letter for cell in sheet[1]}
    widths = {head: sheet.column_dimensions[letter].width for head, letter in heads.items()}
    assert widths["班次"] < widths["证书编号"] < widths["verdict"] < widths["remedy"]
    assert {True} == {sheet[f"{heads[head]}4"].alignment.wrap_text for head in ("remedy", "问题")}
    assert not sheet[f"{heads['verdict']}2"].alignment.wrap_text
    last = heads[RESULT_COLUMNS[-1]]
    assert f"A1:{last}4" == sheet.auto_filter.ref
    (coloured,) = sheet.conditional_formatting
    assert f"A2:{last}4" == str(coloured.sqref)
    verdict = heads["verdict"]
    assert [f'${verdict}2="NOT_ASKED"', f'${verdict}2<>"VALID"'] == [
        rule.formula[0] for rule in coloured.rules
    ]


def test_another_holders_last_day_is_not_told(tmp_path: Path) -> None:
    """Who shows a certificate of somebody else has none that is good until a day."""

    class Mismatching(Answering):
        def BatchCheckCertifications(  # noqa: N802  # the method's name
            self, request: pb.BatchCheckCertificationsRequest
        ) -> pb.BatchCheckCertificationsResponse:
            response = super().BatchCheckCertifications(request)
            for row in response.rows:
                row.verdict.verdict, row.verdict.rule = pb.VERDICT_HOLDER_MISMATCH, "R06-HOLDER"
            return response

    roster = read_roster(csv_file(tmp_path / "in.csv", [HEADER, *ROWS[:1]]))
    (result,) = checked(roster, Mismatching())
    assert ("HOLDER_MISMATCH", "", None) == (
        result.verdict,
        result.valid_until_date,
        result.days_left,
    )


def test_a_cell_keeps_what_a_workbook_can_hold(tmp_path: Path) -> None:
    """A remark that no workbook could hold is cut, and its row is there with its verdict."""
    rows = [["备注", "证书编号"], ["长" * 40_000, "320000-C1"], ["一\x02二", "320000-C2"]]
    roster = read_roster(csv_file(tmp_path / "in.csv", rows))
    results = checked(roster, Answering())
    write_results(tmp_path / "out.xlsx", roster, results, counts(results))
    sheet = openpyxl.load_workbook(tmp_path / "out.xlsx")["核验结果"]
    read = [[cell.value for cell in row][:5] for row in sheet.iter_rows(min_row=2)]
    assert ["长" * 32_767, "320000-C1", 2, "320000-C1", "有效"] == read[0]
    assert ["一二", "320000-C2", 3, "320000-C2", "有效"] == read[1]


@pytest.mark.parametrize("suffix", ["xlsx", "csv"])
def test_results_checked_again_are_replaced(tmp_path: Path, suffix: str) -> None:
    """A roster that has verdicts gets the new ones in their place, and its own columns stay."""
    rows = [["证书编号", "班次"], ["320000-C1", "夜班"]]
    roster = read_roster(csv_file(tmp_path / "in.csv", rows))
    path = tmp_path / f"out.{suffix}"
    for answering in (Answering(), Answering(frozenset({"320000-C1"}))):
        results = checked(roster, answering)
        write_results(path, roster, results, counts(results))
        roster = read_roster(path)
    assert ("证书编号", "班次", *RESULT_COLUMNS) == roster.header
    (row,) = roster.rows
    cells = dict(zip(roster.header, row.cells, strict=True))
    assert ("320000-C1", "夜班", "REVOKED") == (cells["证书编号"], cells["班次"], cells["verdict"])


def test_every_rule_has_a_remedy_and_every_verdict_a_name() -> None:
    """Tables keep up with the rules and the contract."""
    assert {rule.code for rule in RULES} == set(REMEDIES)
    names = {name.removeprefix("VERDICT_") for name in pb.Verdict.keys()}  # noqa: SIM118
    assert names - {"UNSPECIFIED"} == set(VERDICT_NAMES)
