"""Tests of a log's policy as a node lists it: the one that the members signed."""

import pytest

from clients.logs.policies import listed_policy, listed_sm2_policy, listed_verdict_policy
from deltacare.errors import Reason, Refusal
from deltacare.ids import LogName, all_logs
from deltacare.keys import LogSigner
from deltacare.tlog.policy import Tainted
from deltacare.trust import log_policy, sm2_policy
from deltacare.v1.federation_service_pb2 import ListMembersResponse
from server.federation import service
from tests.deltacare.builders import NOW, log_signer, seed, witness_signer
from tests.support.federation import PROVINCES, make_trust
from tests.support.rotating import later_witness_signer, with_key, with_taint
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


def test_keys_called_bad_are_listed_with_their_instants() -> None:
    """The same comments that the members signed: of the log, of its witnesses, of verdicts."""
    names = ("deltacare/310000/registry", "deltacare/310000/verdicts")
    later = [LogSigner(name=name, seed=seed(f"later {name}")) for name in names]
    keys = [log_signer(name).verifier for name in names]
    trust = TRUST
    for signer in later:
        trust = with_key(trust, signer, from_time=NOW)
    trust = with_key(trust, later_witness_signer("320000"), from_time=NOW)
    for key in (*keys, witness_signer("320000").verifier):
        trust = with_taint(trust, key, NOW)
    members = [service._member(trust, province) for province in PROVINCES]
    listed = ListMembersResponse(members=members, registry_quorum=2)
    log = LogName.registry("310000")
    found = listed_policy(listed, log)
    assert log_policy(trust, log) == found
    verdicts = listed_verdict_policy(listed, "310000")
    assert (Tainted(key=keys[1], since=NOW),) == verdicts.tainted_logs
    said = [line for line in found.to_text().split("\n") if line.startswith("# deltacare: ")]
    assert ["log", "witness"] == [line.split(" ")[3] for line in said]
    assert all(line.endswith(" since 2026-11-22T08:00:00Z") for line in said)


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
