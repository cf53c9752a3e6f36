"""Mappings are read strictly: each fault by line and key, with its remedy, in both languages."""

from pathlib import Path

import pytest

from clients.registers.mapping import CELL_CHARS_MAX, Cell, DateForm, Match
from clients.registers.mapping_file import read_mapping
from clients.registers.shipped import find_mapping, shipped_mappings
from settlement.findings import BadFile, Finding

GOOD = """format = "deltacare/register-mapping/v1"

[source]
id = "TEST"
name_zh = "测试"
name_en = "Test"
authorities = ["CIVIL_AFFAIRS"]
province = "320000"

[file]
coordinates = "GCJ-02"

[columns]
number = "编号"
name = ["名称", "机构名称"]
approved_beds = { column = "床位", unit = "张" }
state = { constant = "OPERATING" }
operation_mode = "方式"
longitude = "经度"
latitude = "纬度"

[codes.operation_mode]
"民办" = "PRIVATE_PRIVATE"

[[grades]]
scheme = "GB_T_37276"
grade = "等级"
from_date = "日期"
"""


def faults(text: str) -> tuple[Finding, ...]:
    """Return what is wrong with a mapping."""
    try:
        read_mapping(text.encode(), name="test", file="test.toml")
    except BadFile as bad:
        return bad.findings
    return ()


def test_a_good_mapping() -> None:
    """What it says stands in the value."""
    found = read_mapping(GOOD.encode(), name="test", file="test.toml")
    assert ("TEST", "320000", Match.NUMBER, (1,)) == (
        found.source,
        found.province,
        found.match,
        found.authorities,
    )
    assert ("名称", "机构名称") == found.columns["name"].headers
    assert ("number", "name", "approved_beds") == found.required
    assert "张" == found.columns["approved_beds"].unit


@pytest.mark.parametrize(
    "old, new, line, key, value",
    [
        ("/v1", "/v9", 1, "format", "deltacare/register-mapping/v9"),
        ("[source]", "[sources]\nx = 1\n[source]", 3, "sources", ""),
        ('id = "TEST"', 'id = "test 1"', 4, "source.id", "test 1"),
        ('name_zh = "测试"', "", 3, "source.name_zh", ""),
        ('["CIVIL_AFFAIRS"]', '["CIVIL"]', 7, "source.authorities", "CIVIL"),
        ('"320000"', '"420000"', 8, "source.province", "420000"),
        ('province = "320000"', "", 3, "source.province", ""),
        ('"320000"', '"320000"\nmatch = "luck"', 9, "source.match", "luck"),
        ('"320000"', '"320000"\nauthority = "x"', 9, "source.authority", ""),
        ('"GCJ-02"', '"WGS-84"', 11, "file.coordinates", "WGS-84"),
        ('coordinates = "GCJ-02"', "", 10, "file.coordinates", ""),
        ('"GCJ-02"', '"GCJ-02"\nheader_row = 0', 12, "file.header_row", "0"),
        ('"GCJ-02"', '"GCJ-02"\ndelimiter = "x"', 12, "file.delimiter", "x"),
        ('"GCJ-02"', '"GCJ-02"\nencodings = ["big5"]', 12, "file.encodings", "big5"),
        ('"GCJ-02"', '"GCJ-02"\ndates = ["DD.MM.YY"]', 12, "file.dates", "DD.MM.YY"),
        ('number = "编号"', "", 13, "columns.number", ""),
        ('number = "编号"', "number = 7", 14, "columns.number", "7"),
        ('number = "编号"', 'number = "编号"\nbeds = "床"', 15, "columns.beds", ""),
        ('unit = "张"', 'units = "张"', 16, "columns.approved_beds.units", ""),
        ('unit = "张"', "part = 2", 16, "columns.approved_beds", "2"),
        ('unit = "张"', 'constant = "5"', 16, "columns.approved_beds", ""),
        ('"OPERATING"', '"OPEN"', 17, "columns.state", "OPEN"),
        ('latitude = "纬度"', "", 13, "columns.latitude", ""),
        ('"PRIVATE_PRIVATE"', '"PRIVATE"', 23, "codes.operation_mode.民办", "PRIVATE"),
        ("[codes.operation_mode]", "[codes.mode]", 22, "codes.mode", ""),
        ('operation_mode = "方式"', "", 22, "codes.operation_mode", ""),
        ('"GB_T_37276"', '"国标"', 26, "grades[0].scheme", "国标"),
        ('from_date = "日期"', "", 25, "grades[0].from_date", ""),
        ('from_date = "日期"', 'from_date = "日期"\nvalid_months = -1', 29,
         "grades[0].valid_months", "-1"),
    ],
)  # fmt: skip
def test_faults(old: str, new: str, line: int, key: str, value: str) -> None:
    """Line, key and value are named, with a sentence and a remedy in each language."""
    assert 1 == GOOD.count(old), "the change is one"
    found = faults(GOOD.replace(old, new))
    by_key = {each.column: each for each in found}
    assert key in by_key, found
    each = by_key[key]
    assert (line, value) == (each.row, each.value)
    for words in (each.problem, each.remedy, each.problem_zh, each.remedy_zh):
        assert words
    assert each.problem_zh != each.problem


def test_every_fault_at_once() -> None:
    """Nobody has to run it once for each fault."""
    text = GOOD.replace('"TEST"', '"?"').replace('"GCJ-02"', '"BD-09"').replace('"编号"', "1")
    assert {"source.id", "file.coordinates", "columns.number"} == {
        each.column for each in faults(text)
    }


@pytest.mark.parametrize(
    "table", ["columns = 3", "grades = 5", "grades = [1]", "codes = []", "source = 1", "file = 1"]
)
def test_tables_of_the_wrong_type(table: str) -> None:
    """What is no table where one belongs is named, and nothing fails for it."""
    found = faults('format = "deltacare/register-mapping/v1"\n' + table)
    assert table.partition(" ")[0] in {each.column for each in found}


@pytest.mark.parametrize("word", ["民办", "PRIVATE_PRIVATE"])
def test_a_constant_in_the_registers_words(word: str) -> None:
    """What every row says is run through the codes like what a row says."""
    text = GOOD.replace('operation_mode = "方式"', f'operation_mode = {{ constant = "{word}" }}')
    mapping = read_mapping(text.encode(), name="test", file="test.toml")
    assert "PRIVATE_PRIVATE" == mapping.columns["operation_mode"].constant


def test_replacing_grows_no_cell_without_end() -> None:
    """Texts that stand for one another in turn make a cell that says nothing, not a full memory."""
    letters = "abcdefghij"
    chain = tuple(zip(letters, (60 * each for each in f"{letters[1:]}!"), strict=True))
    cell = Cell(headers=("name",), replace=chain, separator=",")
    for cut in (cell.cut("a"), cell.cut_all("a,x")[0]):
        assert CELL_CHARS_MAX < len(cut) <= 2 * CELL_CHARS_MAX
    assert "x" == cell.cut_all("a,x")[1]
    assert 3_600 * "c" == Cell(replace=chain[:2]).cut("a")
    assert CELL_CHARS_MAX < len(Cell(replace=chain[:3]).cut("a")) <= 2 * CELL_CHARS_MAX


def test_no_toml() -> None:
    """The line on which the text stops being TOML is named."""
    (found,) = faults(GOOD.replace('name_en = "Test"', "name_en = Test"))
    assert 6 == found.row
    (found,) = faults("")[:1]
    assert "format" == found.column


def test_neither_shipped_nor_a_file(tmp_path: Path) -> None:
    """A name that is neither is refused with the names that there are; a path is read."""
    with pytest.raises(BadFile) as caught:
        find_mapping("nowhere")
    assert "shanghai" in caught.value.findings[0].remedy
    path = tmp_path / "suzhou.toml"
    path.write_text(GOOD, encoding="utf-8")
    assert "suzhou" == find_mapping(str(path)).name


def test_shipped_mappings_are_good() -> None:
    """The real register's and those of the three synthetic ones come with the program."""
    names = shipped_mappings()
    assert {"shanghai", "jiangsu-sample", "zhejiang-sample", "anhui-sample"} == set(names)
    for name in names:
        found = find_mapping(name)
        assert (name, True) == (found.name, bool(found.title_zh and found.title_en))


@pytest.mark.parametrize(
    "form, written, groups",
    [
        ("YYYY-MM-DD", "2025-03-07", ("2025", "03", "07")),
        ("YYYY/M/D", "2025/3/7", ("2025", "3", "7")),
        ("YYYY年M月D日", "2025年3月7日", ("2025", "3", "7")),
        ("YYYYMMDD", "20250307", ("2025", "03", "07")),
        ("YYYY-MM", "2025-03", ("2025", "03")),
    ],
)
def test_forms_of_dates(form: str, written: str, groups: tuple[str, ...]) -> None:
    """A form reads what is written so and nothing else."""
    found = DateForm.of(form)
    assert found is not None
    match = found.pattern.fullmatch(written)
    assert match is not None
    assert groups == match.groups()
    assert found.pattern.fullmatch(written + "x") is None


@pytest.mark.parametrize("form", ["", "YY-MM-DD", "YYYYMD", "YYYY-MM-DD hh", "MM/DD/YYYY"])
def test_what_is_no_form(form: str) -> None:
    """What could be read in two ways, or not at all, is refused."""
    assert None is DateForm.of(form)
