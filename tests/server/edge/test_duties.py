"""Tests of the table of duties: every pair, from both sides, and who signs for whom."""

from itertools import product

import pytest

from deltacare.errors import Reason, Refusal
from deltacare.ids import Principal
from deltacare.v1.clearing_service_pb2 import AnswerStatementRequest
from deltacare.v1.types_pb2 import Duty
from server.edge.duties import CONFLICTS, DutyKind, check_duty, conflicts, excluded_by

# Written by hand: who has done the row may not do the column.
MATRIX = {
    "POLICY": {"REVIEW", "PAYMENT", "MAKING"},
    "REVIEW": {"POLICY", "PAYMENT"},
    "PAYMENT": {"POLICY", "REVIEW", "MAKING"},
    "MAKING": {"POLICY", "PAYMENT"},
}


@pytest.mark.parametrize("held, taken", list(product(DutyKind, DutyKind)))
def test_every_pair(held: DutyKind, taken: DutyKind) -> None:
    """Two duties exclude each other exactly where the matrix says so, whichever came first."""
    expected = taken in MATRIX[held]
    assert expected is bool(conflicts([held], taken))
    assert expected is (taken in excluded_by(held))
    assert expected is (held in excluded_by(taken))


def test_texts() -> None:
    """Every conflict says why, in Chinese and English, and names two duties."""
    for conflict in CONFLICTS:
        assert 2 == len(conflict.duties)
        assert conflict.zh.endswith("。")
        assert conflict.en.endswith(".")


def test_all_conflicts_are_named() -> None:
    """Who holds several duties is told of each that stands against another."""
    found = conflicts([DutyKind.POLICY, DutyKind.REVIEW], DutyKind.PAYMENT)
    assert {frozenset({"POLICY", "PAYMENT"}), frozenset({"REVIEW", "PAYMENT"})} == {
        conflict.duties for conflict in found
    }
    assert () == conflicts([], DutyKind.PAYMENT)


def test_reviewer_signs_for_itself() -> None:
    """Who is no system must be the reviewer that the request names; a system names its staff."""

    def caller(role: str) -> Principal:
        return Principal(province="310000", role=role, opaque_id="id-1")

    request = AnswerStatementRequest(duty=Duty(maker="id-2", reviewer="id-1"))
    check_duty(caller("reviewer"), request)
    request.duty.reviewer = "id-3"
    check_duty(caller("system"), request)
    with pytest.raises(Refusal) as caught:
        check_duty(caller("reviewer"), request)
    assert Reason.ROLE_NOT_ALLOWED is caught.value.reason
    assert "duty.reviewer" == caught.value.details["field"]
