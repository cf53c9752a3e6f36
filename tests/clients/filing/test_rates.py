"""Files of rates: CSV, workbook and TOML say the same; every cell that cannot be read is named."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from openpyxl import Workbook

from clients.filing.rates import read_rates
from clients.language import using_language
from deltacare.errors import Refusal
from deltacare.v1.entry_pb2 import Rate
from settlement.findings import BadFile

EXPECTED = [
    Rate(amount_fen=4_550),
    Rate(assessment_grade="一级", tariff_fen=300_000, share_basis_points=6_250),
    Rate(assessment_grade="三级", amount_fen=100_000),
]
ROWS = [
    ("grade", "amount_yuan", "tariff_yuan", "share_percent"),
    ("三级", "1,000.00", "", ""),
    ("", "45.5", "", ""),
    ("一级", "", "3000", "62.5%"),
]
TOML = """
[[rates]]
grade = "三级"
amount_yuan = "1000.00"

[[rates]]
amount_yuan = 45.5

[[rates]]
grade = "一级"
tariff_yuan = 3000
share_percent = 62.5
"""


def write_csv(path: Path, rows: Sequence[tuple[str, ...]]) -> Path:
    """Write a CSV whose cells are quoted."""
    lines = (",".join(f'"{cell}"' for cell in row) for row in rows)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_xlsx(path: Path, rows: Sequence[tuple[str, ...]]) -> Path:
    """Write a workbook."""
    book = Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_three_forms_say_the_same(tmp_path: Path) -> None:
    """Sorted by grade as a policy needs them, in whatever order and form they were written."""
    toml = tmp_path / "rates.toml"
    toml.write_text(TOML, encoding="utf-8")
    chinese = [("评估等级", "金额（元）", "单价", "支付比例"), *ROWS[1:]]
    for path in (
        toml,
        write_csv(tmp_path / "rates.csv", ROWS),
        write_csv(tmp_path / "rates_zh.csv", chinese),
        write_xlsx(tmp_path / "rates.xlsx", ROWS),
    ):
        assert EXPECTED == read_rates(path), path.name


def test_every_bad_cell_is_named(tmp_path: Path) -> None:
    """Amounts with a fraction of a fen and shares beyond the whole are named by row and column."""
    rows = [*ROWS[:1], ("a", "1.005", "", ""), ("b", "", "x", "0"), ("c", "", "1", "100.01")]
    with pytest.raises(Refusal) as caught:
        read_rates(write_csv(tmp_path / "rates.csv", rows))
    expected = [
        "row 2, amount_yuan",
        "row 3, tariff_yuan",
        "row 3, share_percent",
        "row 4, share_percent",
    ]
    assert expected == [each.field for each in caught.value.violations]


@pytest.mark.parametrize(
    "text", ["", "rates = 3", "[[rates]]\namount = 3", "rates = [1]", "[rates", "\udcff"]
)
def test_no_rates_in_it(tmp_path: Path, text: str) -> None:
    """What is no TOML, has no rates or unknown fields is refused, not read by half."""
    path = tmp_path / "rates.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(Refusal):
        read_rates(path)


@pytest.mark.parametrize(
    "header, row, expected",
    [
        ("grade,amount_yuan", "一级,10", Rate(assessment_grade="一级", amount_fen=1_000)),
        (
            "grade,tariff_yuan,share_percent",
            "一级,10,50",
            Rate(assessment_grade="一级", tariff_fen=1_000, share_basis_points=5_000),
        ),
    ],
)
def test_columns_that_nobody_needs_may_be_missing(
    tmp_path: Path, header: str, row: str, expected: Rate
) -> None:
    """An amount by grade needs no tariff, and a tariff with its share no amount."""
    path = tmp_path / "rates.csv"
    path.write_text(f"{header}\n{row}\n", encoding="utf-8")
    assert [expected] == read_rates(path)


@pytest.mark.parametrize(
    "header, missing",
    [
        ("amount_yuan", ["grade"]),
        ("grade", ["amount_yuan"]),
        ("grade,tariff_yuan", ["share_percent"]),
        ("grade,amount_yuan,share_percent", ["tariff_yuan"]),
        ("标准", ["grade", "amount_yuan"]),
    ],
)
def test_a_missing_column(tmp_path: Path, header: str, missing: list[str]) -> None:
    """Which column is missing is said: of those that the others make useless, not of all."""
    path = tmp_path / "rates.csv"
    path.write_text(f"{header}\n{',' * header.count(',')}1\n", encoding="utf-8")
    with pytest.raises(BadFile) as caught:
        read_rates(path)
    assert missing == [finding.column for finding in caught.value.findings]


def test_a_grade_that_stands_twice_is_named(tmp_path: Path) -> None:
    """Of two rates of one grade it could not be said which counts."""
    rows = [*ROWS[:1], ("a", "1", "", ""), ("b", "2", "", ""), ("a", "3", "", "")]
    with pytest.raises(Refusal) as caught:
        read_rates(write_csv(tmp_path / "rates.csv", rows))
    assert [("row 4, grade", "a")] == [(each.field, each.value) for each in caught.value.violations]


def test_chinese_rows_name_the_columns_in_chinese(tmp_path: Path) -> None:
    """Who reads Chinese is told the name that stands above the column in Chinese sheets too."""
    rows = [*ROWS[:1], ("a", "1.005", "", "")]
    with using_language("zh"), pytest.raises(Refusal) as caught:
        read_rates(write_csv(tmp_path / "rates.csv", rows))
    assert ["第 2 行，金额（amount_yuan）"] == [each.field for each in caught.value.violations]


def test_no_rows(tmp_path: Path) -> None:
    """Column names alone are no rates."""
    with pytest.raises(BadFile):
        read_rates(write_csv(tmp_path / "rates.csv", ROWS[:1]))


def test_what_a_rate_cannot_be_is_said_by_row_and_in_yuan(tmp_path: Path) -> None:
    """An amount beside a share, nothing at all, and less than nothing: as they were written."""
    rows = [*ROWS[:1], ("a", "10", "120", "50"), ("b", "", "", ""), ("c", "-5", "", "")]
    with pytest.raises(Refusal) as caught:
        read_rates(write_csv(tmp_path / "rates.csv", rows))
    expected = [("row 2", "a, 10, 120, 50"), ("row 3", "b"), ("row 4, amount_yuan", "-5")]
    assert expected == [(each.field, each.value) for each in caught.value.violations]
    assert not any("reversal" in each.remedy for each in caught.value.violations)
