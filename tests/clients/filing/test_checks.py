"""Rows of a file, held to what a node would ask of them."""

from dataclasses import replace

import pytest

from clients.filing.checks import sound_rows
from settlement.findings import Findings
from settlement.records import SettlementRow

ROW = SettlementRow(
    row=2,
    settlement_no="S1",
    home="310000",
    host="320000",
    beneficiary_ref="0" * 32,
    institution="320000-1",
    subsidy_kind="CARE_BED",
    service_month="2026-10",
    service_days=10,
    amount_fen=100,
    caregiver_cert_no="",
)


def test_a_good_row() -> None:
    """Nothing is found and the row is kept."""
    findings = Findings()
    assert [ROW] == sound_rows([ROW], findings)
    assert 0 == findings.total


@pytest.mark.parametrize(
    "column, value, shown",
    [
        ("settlement_no", "a b", "a b"),
        ("beneficiary_ref", "B1", ""),
        ("institution", "310000-1", "310000-1"),
        ("subsidy_kind", "care", "care"),
        ("service_month", "1850-01", "1850-01"),
        ("service_days", 1_001, "1001"),
        ("amount_fen", 0, "0"),
        ("caregiver_cert_no", "C1", "C1"),
    ],
)
def test_a_field_without_its_form(column: str, value: str | int, shown: str) -> None:
    """The row is left out and its field named, in both languages; a person's is not repeated."""
    findings = Findings()
    assert [ROW] == sound_rows([ROW, replace(ROW, row=3, **{column: value})], findings)  # type: ignore[arg-type]  # by column
    (found,) = findings.listed
    assert (3, column, shown) == (found.row, found.column, found.value)
    assert found.problem_zh
    assert found.remedy
