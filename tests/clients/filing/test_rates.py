"""Files of rates: CSV, workbook and TOML say the same; every cell that cannot be read is named."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from openpyxl import Workbook

from clients.filing.rates import read_rates
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


def test_a_missing_column(tmp_path: Path) -> None:
    """Which column is missing is said."""
    with pytest.raises(BadFile) as caught:
        read_rates(write_csv(tmp_path / "rates.csv", [("grade", "amount_yuan"), ("a", "1")]))
    assert 2 == len(caught.value.violations)
    with pytest.raises(BadFile):
        read_rates(write_csv(tmp_path / "rates.csv", ROWS[:1]))
