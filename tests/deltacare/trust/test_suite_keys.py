"""Keys of the second suite in what the members state: optional, checked, and never given up."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from deltacare.errors import Refusal
from deltacare.ids import LogName
from deltacare.sm2 import Sm2Use
from deltacare.tlog.policy import Sm2Policy
from deltacare.trust import (
    Federation,
    SuiteTerm,
    Trust,
    in_force,
    sm2_policy,
    sm2_policy_path,
    witness_key_name,
)
from deltacare.trust.documents import canonical
from deltacare.trust.succession import check_succession
from tests.support.federation import KEYS_FROM, PROVINCES, make_trust
from tests.support.ports import START_TIME
from tests.support.suite import sm2_signer, sm2_witness, with_suite_keys, with_suite_terms

SHANGHAI, JIANGSU, ZHEJIANG, ANHUI = PROVINCES
REGISTRY = LogName.registry(SHANGHAI)
NAME = str(REGISTRY)
PLAIN = make_trust()
OLD = with_suite_keys(PLAIN)
ISSUED = START_TIME + timedelta(days=1)
TERM = OLD.suite_keys(NAME)[0]


def following(*terms: SuiteTerm, old: Federation = OLD) -> Federation:
    """Return the statement that follows, in which the registry's keys are these."""
    kept = [term for term in old.member(SHANGHAI).suite_keys if term.key.name != NAME]
    changed = with_suite_terms(old, SHANGHAI, (*kept, *terms))
    return replace(changed, version=old.version + 1, issued_time=ISSUED)


def rules(new: Federation, old: Federation = OLD) -> list[str]:
    """Return the rules that a statement breaks."""
    return sorted({finding.rule for finding in check_succession(old, new)})


def test_documents_read_back() -> None:
    """A member's document says its keys; one without any says so, too."""
    documents = OLD.to_documents()
    assert OLD == Federation.from_documents(documents)
    assert 6 == len(json.loads(documents["members/310000.json"])["suite_keys"])
    plain = PLAIN.to_documents()
    assert [] == json.loads(plain["members/310000.json"])["suite_keys"]
    assert () == PLAIN.suite_keys(NAME)


def test_what_rooms_ask() -> None:
    """Keys by the name of a log or witness; a stranger has none."""
    trust: Trust = OLD
    assert [sm2_signer(NAME).verifier] == [term.key for term in trust.suite_keys(NAME)]
    name = witness_key_name(ANHUI)
    assert [sm2_witness(ANHUI).verifier] == [term.key for term in trust.suite_keys(name)]
    assert () == trust.suite_keys("deltacare/350000/registry")
    assert (TERM,) == in_force(trust.suite_keys(NAME), START_TIME)
    assert () == in_force([replace(TERM, tainted_time=ISSUED)], START_TIME)


def test_a_policy_where_enough_have_keys() -> None:
    """The log's key and as many witnesses as the quorum: then it can be demanded, else not."""
    path = sm2_policy_path(REGISTRY)
    assert "policies/deltacare/310000/registry.sm2.txt" == path
    two = with_suite_keys(PLAIN, (SHANGHAI, JIANGSU, ANHUI))
    found = sm2_policy(two, REGISTRY)
    assert found == Sm2Policy.from_bytes(two.to_documents()[path])
    assert found is not None
    cosigners = [sm2_witness(p).verifier for p in (JIANGSU, ANHUI)]
    assert found.is_met(cosigners)
    assert not found.is_met(cosigners[:1])
    one = with_suite_keys(PLAIN, (SHANGHAI, JIANGSU))
    assert sm2_policy(one, REGISTRY) is None
    assert path not in one.to_documents()
    # The settlement log of these two has a partner with a key.
    assert sm2_policy_path(LogName.settlement(SHANGHAI, JIANGSU)) in one.to_documents()
    # Others' keys do not help a log that has none.
    assert sm2_policy(with_suite_keys(PLAIN, PROVINCES[1:]), REGISTRY) is None


def test_a_tainted_key_is_in_no_policy() -> None:
    """Nobody can be asked to trust it."""
    tainted = following(replace(TERM, tainted_time=ISSUED))
    assert sm2_policy(tainted, REGISTRY) is None
    second = SuiteTerm(key=sm2_signer(NAME, number=2).verifier, from_time=ISSUED)
    found = sm2_policy(following(replace(TERM, tainted_time=ISSUED), second), REGISTRY)
    assert found is not None
    assert (second.key,) == found.logs


@pytest.mark.parametrize(
    "terms, where",
    [
        ([replace(TERM, key=sm2_signer("deltacare/320000/registry").verifier)], "suite_keys[0]"),
        ([replace(TERM, key=sm2_signer("deltacare/310000/verdicts").verifier)], "suite_keys[0]"),
        ([replace(TERM, key=sm2_signer(NAME, Sm2Use.COSIGNATURE).verifier)], "suite_keys[0]"),
        ([replace(TERM, key=sm2_signer(NAME, Sm2Use.APPROVAL).verifier)], "suite_keys[0]"),
        ([replace(TERM, key=sm2_signer(witness_key_name(SHANGHAI)).verifier)], "suite_keys[0]"),
        ([TERM, replace(TERM, key=sm2_signer(NAME, number=2).verifier)], "suite_keys"),
        ([TERM, replace(TERM, from_time=ISSUED)], "members[310000]"),
        (
            [TERM, *(replace(TERM, from_time=ISSUED + timedelta(days=n)) for n in range(256))],
            "suite_keys",
        ),
    ],
)
def test_keys_that_a_member_may_not_have(terms: list[SuiteTerm], where: str) -> None:
    """Others' names, other uses, two from one instant on, one twice, too many."""
    with pytest.raises(Refusal) as caught:
        with_suite_terms(PLAIN, SHANGHAI, tuple(terms))
    fields = [violation.field for violation in caught.value.violations]
    assert any(field.endswith(where) for field in fields), fields


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda row: row | {"key": row["key"].replace("+", "x", 1)}, "not a verifier key"),
        (lambda row: row | {"key": PLAIN.log_keys(REGISTRY)[0].key.to_text()}, "not a key of SM2"),
        (lambda row: row | {"until_time": row["from_time"]}, "ends after it begins"),
        (lambda row: row | {"more": 1}, "not an object of exactly"),
        (lambda row: row | {"key": 7}, "not of type str"),
    ],
)
def test_a_row_that_is_none(change: Callable[[dict[str, str]], object], words: str) -> None:
    """Refused with the field's name; nothing of it reaches a member."""
    documents = OLD.to_documents()
    value = json.loads(documents["members/310000.json"])
    value["suite_keys"][0] = change(value["suite_keys"][0])
    documents["members/310000.json"] = canonical(value)
    with pytest.raises(Refusal, match=words) as caught:
        Federation.from_documents(documents)
    assert "suite_keys[0]" in caught.value.message


def test_succession() -> None:
    """Added from the issue on, shortened, tainted, ended with nothing after it; never withdrawn."""
    second = SuiteTerm(key=sm2_signer(NAME, number=2).verifier, from_time=ISSUED)
    assert [] == rules(following(TERM, second))
    assert [] == rules(following(replace(TERM, until_time=ISSUED)))
    assert [] == rules(following(replace(TERM, tainted_time=KEYS_FROM)))
    switched_on = with_suite_keys(PLAIN, from_time=ISSUED)
    assert [] == rules(replace(switched_on, version=2, issued_time=ISSUED), old=PLAIN)
    assert ["T05"] == rules(following())
    assert ["T05"] == rules(following(replace(TERM, from_time=ISSUED)))
    early = ISSUED - timedelta(seconds=1)
    assert ["T06"] == rules(following(replace(TERM, until_time=early)))
    assert ["T07"] == rules(following(replace(TERM, tainted_time=ISSUED + timedelta(seconds=1))))
    assert ["T08"] == rules(following(TERM, replace(second, from_time=early)))
