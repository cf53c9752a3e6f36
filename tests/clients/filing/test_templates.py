"""What the program writes to be filled in, it reads back, with what clerks add to it."""

import csv
import json
import shlex
from pathlib import Path
from typing import Any

import click
import openpyxl
import pytest
from click.testing import CliRunner

from clients.cli.main import main
from clients.cli.settle import settle
from clients.filing.columns import TEMPLATES, Form
from clients.filing.control import row_sums
from clients.filing.end_files import read_ends
from clients.filing.enrolling import enrolment_requests, read_elders
from clients.filing.record_files import read_records
from clients.filing.templates import write_template
from deltacare.v1.types_pb2 import Duty
from settlement.findings import BadFile, Problem
from settlement.stated import Mismatch, StatedTotals, mismatches
from tests.support.persons import NUMBER

RECORD = {
    "settlement_no": "S1",
    "home": "320000",
    "host": "310000",
    "beneficiary_ref": "0" * 32,
    "institution": "310000-1",
    "subsidy_kind": "CARE_BED",
    "service_month": "2026-10",
    "service_days": "31",
    "amount_fen": "310000",
    "caregiver_cert_no": "",
}


def filled(
    form: Form,
    path: Path,
    rows: list[dict[str, Any]],
    *,
    is_chinese: bool = True,
    total: tuple[object, ...] = (),
) -> Path:
    """Write a template and fill it in as a clerk would, each row below the other."""
    write_template(form, path, is_chinese=is_chinese)
    values = [[row.get(each.name, "") for each in form.columns] for row in rows]
    # A spreadsheet writes every cell of a row, the empty ones too.
    values += [[*total, *[""] * (len(form.columns) - len(total))]] if total else []
    if path.suffix == ".csv":
        with path.open("a", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(values)
        return path
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    for number, row in enumerate(values, start=2):
        for position, value in enumerate(row, start=1):
            sheet.cell(number, position).value = value
    book.save(path)
    return path


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_a_filled_template_is_accepted(suffix: str, lang: str, tmp_path: Path) -> None:
    """Every form, in both languages and both kinds of file, is read back as it was filled in."""
    is_chinese = lang == "zh"
    examples = {
        name: {each.name: each.example for each in form.columns} for name, form in TEMPLATES.items()
    }
    paths = {
        name: filled(form, tmp_path / f"{name}{suffix}", [examples[name]], is_chinese=is_chinese)
        for name, form in TEMPLATES.items()
    }
    read = read_records(paths["records"])
    (row,) = read.rows
    assert 0 == read.findings.total
    assert examples["records"] == {
        each.name: str(getattr(row, each.name)) for each in TEMPLATES["records"].columns
    }
    (elder,) = read_elders(paths["enrolments"])
    assert ("SAMPLE-E1", "SAMPLE-H1", ["CARE_BED"]) == (
        elder.new.enrolment.enrolment_id,
        elder.new.elder_handle,
        list(elder.new.enrolment.subsidy_kinds),
    )
    for name in ("refusals", "reversals"):
        (end,) = read_ends(paths[name])
        assert (2, "SAMPLE-2026-10-0001", "NOT_SERVED") == (end.row, end.settlement_no, end.reason)


@pytest.mark.parametrize("name", list(TEMPLATES))
def test_the_command_that_follows_is_whole(name: str, tmp_path: Path) -> None:
    """What is printed after a template is written, and stands in its guidance, can be typed."""
    path = tmp_path / "a file.xlsx"
    run = CliRunner().invoke(main, ["settle", "template", name, "--out", str(path), "--json"])
    printed = json.loads(run.stdout)["command"]
    guided = [cell.value for cell in openpyxl.load_workbook(path).worksheets[1]["A"]]
    assert f"When it is filled in: {printed.replace(shlex.quote(str(path)), 'FILE')}" in guided
    program, group, *words = shlex.split(printed)
    assert ("deltacare", "settle") == (program, group)
    context = click.Context(settle)
    command = settle.get_command(context, words[0])
    assert command is not None
    # Parsed as the shell would have it; a missing or unknown option raises.
    parsed = command.make_context(words[0], words[1:], parent=context)
    assert path in parsed.params.values()


@pytest.mark.parametrize("name", list(TEMPLATES))
def test_an_empty_template_has_no_rows(name: str, tmp_path: Path) -> None:
    """Formats and checks of empty rows are no rows, and every column says what belongs in it."""
    for suffix in (".csv", ".xlsx"):
        path = tmp_path / f"{name}{suffix}"
        write_template(TEMPLATES[name], path, is_chinese=True)
        readers = {"records": read_records, "enrolments": read_elders}
        with pytest.raises(BadFile) as caught:
            readers.get(name, read_ends)(path)
        assert [Problem.NO_ROWS.en] == [each.problem for each in caught.value.findings]
    book = openpyxl.load_workbook(path)
    guided = [[cell.value for cell in row] for row in book.worksheets[1].iter_rows(min_row=2)]
    for column, row in zip(TEMPLATES[name].columns, guided, strict=False):
        assert [column.zh, column.name] == row[:2]
        assert all(row[2:5])
    checks = book.worksheets[0].data_validations.dataValidation
    wanted = [each for each in TEMPLATES[name].columns if each.choices or each.whole]
    assert len(wanted) == len(checks)


def test_gb18030_from_a_spreadsheet(tmp_path: Path) -> None:
    """A CSV that a Chinese spreadsheet saved, with a total, is read like any other."""
    path = filled(TEMPLATES["records"], tmp_path / "a.csv", [RECORD], total=("合计 1",))
    text = path.read_text(encoding="utf-8-sig")
    path.write_bytes(text.encode("gb18030"))
    read = read_records(path)
    assert (1, 0) == (len(read.rows), read.findings.total)
    assert (StatedTotals(row=3, record_count=1),) == read.totals


@pytest.mark.parametrize(
    "first, amount, days, expected",
    [
        ("合计", "620,000", "62", []),
        ("TOTAL 2", "620000", "", []),
        ("总计：3笔", "620000", "", [Mismatch(row=4, name="record_count", stated=3, held=2)]),
        ("Total", "620001", "", [Mismatch(row=4, name="sum_fen", stated=620_001, held=620_000)]),
        ("合计", "", "61", [Mismatch(row=4, name="service_days", stated=61, held=62)]),
        ("合计", "many", "", [Mismatch(row=4, name="sum_fen", stated=-1, held=620_000)]),
    ],
)
def test_a_row_of_totals(
    first: str, amount: str, days: str, expected: list[Mismatch], tmp_path: Path
) -> None:
    """What the row states is compared; a fen, a row or a day more is found with both figures."""
    total = (first, "", "", "", "", "", "", days, amount, "")
    rows = [RECORD, {**RECORD, "settlement_no": "S2"}]
    read = read_records(filled(TEMPLATES["records"], tmp_path / "a.xlsx", rows, total=total))
    assert ["S1", "S2"] == [row.settlement_no for row in read.rows]
    assert expected == list(mismatches(read.totals, read.rows))


def test_a_number_that_reads_like_a_total(tmp_path: Path) -> None:
    """A row that says whose it is is a record, whatever its number."""
    row = {**RECORD, "settlement_no": "TOTAL"}
    read = read_records(filled(TEMPLATES["records"], tmp_path / "a.csv", [row]))
    assert (["TOTAL"], ()) == ([each.settlement_no for each in read.rows], read.totals)


def test_empty_amounts_and_dates(tmp_path: Path) -> None:
    """An empty amount is the node's to compute; a column may say when a row was filed."""
    path = tmp_path / "a.csv"
    header = [*RECORD, "报送日"]
    rows = [
        [*RECORD.values(), "2026-11-02"],
        [*{**RECORD, "settlement_no": "S2", "amount_fen": ""}.values(), ""],
        [*{**RECORD, "settlement_no": "S3"}.values(), "2.11.2026"],
        [*{**RECORD, "settlement_no": "S4", "home": "310000"}.values(), ""],
        ["", *list(RECORD.values())[1:], ""],
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    read = read_records(path)
    assert ["S1", "S2"] == [row.settlement_no for row in read.rows]
    assert frozenset({3}) == read.computed_rows
    assert {2: "2026-11-02"} == read.filed_dates
    assert [
        (4, "filed_date", Problem.BAD_DATE.en),
        (5, "host", Problem.SAME_PROVINCE.en),
        (6, "settlement_no", Problem.EMPTY_VALUE.en),
    ] == [(each.row, each.column, each.problem) for each in read.findings.listed]


def test_sums_by_provinces_month_and_kind(tmp_path: Path) -> None:
    """What a dry run shows adds up."""
    rows = [
        RECORD,
        {**RECORD, "settlement_no": "S2", "amount_fen": "1"},
        {**RECORD, "settlement_no": "S3", "service_month": "2026-09"},
    ]
    read = read_records(filled(TEMPLATES["records"], tmp_path / "a.csv", rows))
    assert [("2026-09", 1, 310_000), ("2026-10", 2, 310_001)] == [
        (each.service_month, each.record_count, each.sum_fen) for each in row_sums(read.rows)
    ]


def test_a_request_id_says_nothing_of_a_person(tmp_path: Path) -> None:
    """The id of an enrolment stands in a log: identity number and handle are no part of it."""
    form = TEMPLATES["enrolments"]
    example = {each.name: each.example for each in form.columns}
    ids = set()
    for number, (identity, handle) in enumerate((("", "H1"), (NUMBER, "H1"), (NUMBER, "H2"))):
        row = {**example, "identity_number": identity, "elder_handle": handle}
        elders = read_elders(filled(form, tmp_path / f"{number}.csv", [row]))
        duty = Duty(maker="m", reviewer="r")
        (request,) = enrolment_requests(elders, host="310000", duty=duty, once=None)
        assert identity == request.enrolments[0].identity_number
        ids.add(request.request_id)
    assert 1 == len(ids)


def test_bad_ends_are_all_named(tmp_path: Path) -> None:
    """A number that stands twice or is none, and a reason that lacks, are found together."""
    rows = [
        {"settlement_no": "S1", "reason": "ERROR"},
        {"settlement_no": "S1", "reason": "ERROR"},
        {"settlement_no": "a b", "reason": ""},
    ]
    path = filled(TEMPLATES["reversals"], tmp_path / "a.xlsx", rows)
    with pytest.raises(BadFile) as caught:
        read_ends(path)
    assert [(3, "settlement_no"), (4, "settlement_no"), (4, "reason")] == [
        (each.row, each.column) for each in caught.value.findings
    ]
