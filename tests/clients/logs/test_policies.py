"""Tests of a log's policy as a node lists it: the one that the members signed."""

import pytest

from clients.logs.policies import listed_policy, listed_sm2_policy
from deltacare.errors import Reason, Refusal
from deltacare.ids import LogName, all_logs
from deltacare.trust import log_policy, sm2_policy
from deltacare.v1.federation_service_pb2 import ListMembersResponse
from server.federation import service
from tests.support.federation import PROVINCES, make_trust
from tests.support.suite import with_suite_keys

TRUST = make_trust()
LISTED = ListMembersResponse(
    members=[service._member(TRUST, province) for province in PROVINCES], registry_quorum=2
)


@pytest.mark.parametrize(
    "log", [*all_logs(PROVINCES), *(LogName.audit(each) for each in PROVINCES)], ids=str
)
def test_it_is_the_policy_of_the_members(log: LogName) -> None:
    """Keys, witnesses and quorum of every log; of an audit log no quorum at all."""
    policy = listed_policy(LISTED, log)
    assert log_policy(TRUST, log).to_text() == policy.to_text()
    has_none = "quorum none" in policy.to_text()
    assert has_none is (log == LogName.audit(log.author))


def test_a_log_of_nobody() -> None:
    """A province that is no member has no log."""
    with pytest.raises(Refusal) as caught:
        listed_policy(LISTED, LogName.registry("350000"))
    assert Reason.INVALID_FIELD is caught.value.reason


def test_the_second_suite() -> None:
    """The same policy that the members signed; where they have too few keys there is none."""
    trust = with_suite_keys(TRUST, PROVINCES[:2])
    members = [service._member(trust, province) for province in PROVINCES]
    listed = ListMembersResponse(members=members, registry_quorum=2)
    log = LogName.settlement("310000", "320000")
    assert sm2_policy(trust, log) == listed_sm2_policy(listed, log)
    with pytest.raises(Refusal, match="no key of SM2") as caught:
        listed_sm2_policy(listed, LogName.registry("310000"))
    assert Reason.INVALID_FIELD is caught.value.reason
