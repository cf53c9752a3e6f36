"""What was filed before: an amount is computed once, and a number that is known is told."""

from dataclasses import replace
from typing import Any

import pytest

from clients.cli.sending import CheckedFile, compute
from clients.filing.batches import batches_of, record_of
from clients.filing.earlier import computed_before, known_rows
from deltacare.v1.entry_pb2 import SettlementRecord
from deltacare.v1.policy_service_pb2 import ComputedAmount
from settlement.records import SettlementRow
from tests.clients.filing.test_batches import OWN, rows


def empty(count: int) -> list[SettlementRow]:
    """Return rows without amounts."""
    return [replace(row, amount_fen=0) for row in rows(count)]


def filed(row: SettlementRow, amount_fen: int = 79_233, policy_index: int = 4) -> SettlementRecord:
    """Return the record that an import made of a row without an amount."""
    amount = ComputedAmount(amount_fen=amount_fen, policy_index=policy_index, computation_version=1)
    return record_of(replace(row, amount_fen=amount_fen), computed=amount)


def file_of(found: list[SettlementRow]) -> CheckedFile:
    """Return a file of rows without amounts."""
    return CheckedFile(
        good=found, faults=[], fault_count=0, empty=frozenset(row.row for row in found)
    )


def test_the_same_file_makes_the_same_requests() -> None:
    """Whatever the policy says now: nobody is asked for an amount that was computed before."""
    found = empty(3)
    earlier = [filed(row) for row in found]
    checked = compute(None, file_of(found), earlier=earlier)
    assert [79_233] * 3 == [row.amount_fen for row in checked.good]
    given: dict[str, Any] = {"own": OWN, "maker": "m", "reviewer": "r"}
    (batch,) = batches_of(checked.good, **given, computed=checked.computed)
    assert earlier == list(batch.records)


def test_the_first_computation_counts() -> None:
    """Not a second one, nor a revision, nor what somebody gave by hand."""
    (row,) = empty(1)
    by_hand = record_of(replace(row, amount_fen=5))
    revision = record_of(
        replace(row, amount_fen=6), 3, ComputedAmount(policy_index=9, computation_version=1)
    )
    records = [by_hand, revision, filed(row, 100, 4), filed(row, 200, 7)]
    assert {row.row: ComputedAmount(amount_fen=100, policy_index=4, computation_version=1)} == (
        computed_before([row], records)
    )
    assert {} == computed_before([row], records[:2])


@pytest.mark.parametrize(
    "changes",
    [{"service_days": 11}, {"settlement_no": "S9"}, {"host": "340000"}, {"beneficiary_ref": "0"}],
)
def test_another_line_is_computed_anew(changes: dict[str, Any]) -> None:
    """What says something else beside the amount was not computed before."""
    (row,) = empty(1)
    assert {} == computed_before([replace(row, **changes)], [filed(row)])


def test_numbers_that_are_known() -> None:
    """By number and both provinces; what else the record says does not matter."""
    found = rows(3)
    other_way = replace(found[1], home=found[1].host, host=found[1].home)
    records = [record_of(replace(found[0], amount_fen=1)), record_of(other_way)]
    assert found[:1] == known_rows(found, records)
