"""What people sign: the maker's signature comes with the draft, the checker's with the review."""

import pytest

from deltacare.errors import Reason, Refusal
from deltacare.v1 import entry_pb2 as epb
from deltacare.v1 import review_service_pb2 as rpb
from deltacare.v1 import settlement_service_pb2 as spb
from deltacare.v1.types_pb2 import Duty
from server.approval.rules import FAULTS
from server.review.service import add_approvals
from server.review.submitting import lacks_checker

NOT_SIGNED = next(rule for rule in FAULTS.values() if rule.code.startswith("A05"))
OTHER = Refusal(Reason.RULE_REFUSED, "Something else.", details={"rule": "S22-DUTIES-COMBINED"})


def request(*signed: tuple[str, ...]) -> spb.FileClawbacksRequest:
    """Return demands, each signed by some persons in the order maker, checker."""
    duties = (epb.APPROVAL_DUTY_MAKER, epb.APPROVAL_DUTY_CHECKER)
    return spb.FileClawbacksRequest(
        duty=Duty(maker="clerk-1"),
        clawbacks=[
            epb.Clawback(
                clawback_id=f"320000-C{number}",
                approvals=[
                    epb.Approval(principal=each, duty=duty)
                    for each, duty in zip(persons, duties, strict=False)
                ],
            )
            for number, persons in enumerate(signed)
        ],
    )


@pytest.mark.parametrize(
    "signed, is_good",
    [
        ([("clerk-1",), ("clerk-1",)], True),
        ([("clerk-1",), ()], False),
        ([("clerk-2",)], False),
        ([("clerk-1", "reviewer-1")], False),
    ],
)
def test_only_the_checkers_signature_may_lack(
    signed: list[tuple[str, ...]], *, is_good: bool
) -> None:
    """A draft waits with its maker's signature on each thing; any other fault stands against it."""
    assert is_good == lacks_checker(NOT_SIGNED.refusal("x"), request(*signed))
    assert not lacks_checker(OTHER, request(*signed))


def test_each_signature_finds_its_place() -> None:
    """As many as things that are signed, in their order, behind the maker's."""
    wanted = request(("clerk-1",), ("clerk-1",))
    own = [
        epb.Approval(principal="reviewer-1", key_id=f"k{number}", duty=epb.APPROVAL_DUTY_CHECKER)
        for number in range(2)
    ]
    with pytest.raises(Refusal) as caught:
        add_approvals(wanted, rpb.ApproveDraftRequest(approvals=own[:1]))
    assert ["approvals"] == [each.field for each in caught.value.violations]
    add_approvals(wanted, rpb.ApproveDraftRequest(approvals=own))
    assert [["", "k0"], ["", "k1"]] == [
        [each.key_id for each in body.approvals] for body in wanted.clawbacks
    ]
    nothing = spb.EndHoldsRequest(ends=[epb.HoldEnd(hold_index=1)])
    with pytest.raises(Refusal):
        add_approvals(nothing, rpb.ApproveDraftRequest(approvals=own[:1]))
