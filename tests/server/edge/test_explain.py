"""Tests of the explanation: it is the decision that a call would get, with what would be needed."""

import pytest

from deltacare.errors import Reason, Refusal
from deltacare.ids import Principal
from deltacare.purposes import Purpose
from deltacare.v1.federation_service_pb2 import ExplainAccessRequest, ExplainAccessResponse
from server.edge.access_rules import Role
from server.edge.explain import explain
from server.edge.rights import METHODS, Rights

OWN, OTHER = "310000", "320000"
RIGHTS_HERE = Rights(OWN)
CALLER = Principal(province=OWN, role="clerk", opaque_id="id-1")


def ask(caller: Principal = CALLER, **fields: str) -> ExplainAccessResponse:
    """Return an explanation."""
    return explain(RIGHTS_HERE, ExplainAccessRequest(**fields), caller=caller, node=OWN)


def test_allowed() -> None:
    """Rule, class and texts; nothing else is needed."""
    found = ask(method="ListRecords")
    assert (True, "E20") == (found.allowed, found.rule.rule)
    assert "/deltacare.v1.SettlementService/ListRecords" == found.method
    assert ("clerk", OWN, OWN) == (found.role, found.province, found.node)
    assert ("SETTLEMENT", "OWN") == (found.rule.record_class, found.rule.organisation)
    assert found.rule.text.zh.endswith("。")
    assert found.rule.text.en.endswith(".")
    assert found.rule.record_class_text.en == "policies, enrolments and settlement records"
    assert [] == list(found.others)


def test_denied_says_what_would_be_needed() -> None:
    """By E00, why, and the rules that let somebody in."""
    found = ask(method="FileRecords")
    assert (False, "E00") == (found.allowed, found.rule.rule)
    assert "clerk" in found.why.en
    assert "clerk" in found.why.zh
    assert [("E18", ["system"])] == [(rule.rule, list(rule.roles)) for rule in found.others]


def test_personal_data_needs_a_purpose() -> None:
    """Without one denied, with the right one allowed by its own rule."""
    found = ask(method="ResolveEnrolment")
    assert not found.allowed
    assert "DISPUTE" in found.why.en
    assert ["E22", "E23", "E24", "E25"] == [rule.rule for rule in found.others]
    assert not ask(method="ResolveEnrolment", purpose="CARE_PLACEMENT").allowed
    found = ask(method="ResolveEnrolment", purpose="DISPUTE")
    assert (True, "E24", "DISPUTE") == (found.allowed, found.rule.rule, found.purpose)
    assert ["DISPUTE", "SETTLEMENT"] == list(found.rule.purposes)


def test_of_another_role_and_province() -> None:
    """Anyone may ask about anyone."""
    found = ask(method="ListNightLeaves", role="peer", province=OTHER)
    assert (True, "E30", "peer", OTHER) == (
        found.allowed,
        found.rule.rule,
        found.role,
        found.province,
    )
    assert not ask(method="ListNightLeaves", role="peer").allowed
    found = ask(method="ListRecords", province=OTHER)
    assert not found.allowed
    assert OTHER in found.why.en


def test_rules_of_a_role() -> None:
    """Without a method every rule that lets the role in is listed."""
    found = ask(role="administrator")
    assert ["E01", "E03", "E04", "E31", "E32"] == [rule.rule for rule in found.others]
    assert not found.allowed
    assert not found.HasField("rule")
    assert [] == list(ask(role="peer").others)


def test_it_is_the_decision() -> None:
    """For every method, role, province and purpose the same as a call would get."""
    for method in METHODS:
        for role in Role:
            for province in (OWN, OTHER):
                for purpose in (None, *Purpose):
                    principal = Principal(province=province, role=role, opaque_id="id-1")
                    decision = RIGHTS_HERE.decide(principal, method, purpose)
                    found = ask(method=method, role=role, province=province, purpose=purpose or "")
                    assert decision.allowed is found.allowed
                    assert decision.rule.code == found.rule.rule


@pytest.mark.parametrize(
    "fields, field, remedy",
    [
        ({"method": "FilRecords"}, "method", "FileRecords"),
        ({"method": "zzz"}, "method", "explain --list"),
        ({"method": "Ping", "role": "clark"}, "role", "clerk"),
        ({"method": "Ping", "role": "zzz"}, "role", "administrator"),
        ({"method": "Ping", "province": "31"}, "province", "six digits"),
        ({"method": "Ping", "purpose": "SETTLEMNT"}, "purpose", "SETTLEMENT"),
    ],
)
def test_bad_input(fields: dict[str, str], field: str, remedy: str) -> None:
    """What does not exist is refused by field, with what is spelled alike."""
    with pytest.raises(Refusal) as caught:
        ask(**fields)
    assert Reason.INVALID_FIELD is caught.value.reason
    assert [field] == [each.field for each in caught.value.violations]
    assert remedy in caught.value.violations[0].remedy


def test_all_bad_input_at_once() -> None:
    """Every field that is wrong is named."""
    with pytest.raises(Refusal) as caught:
        ask(method="x", role="y", province="z", purpose="w")
    assert {"method", "role", "province", "purpose"} == {
        each.field for each in caught.value.violations
    }
