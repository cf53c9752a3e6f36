"""Tests of which statement may follow which: every rule from both sides."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from deltacare.errors import DeltacareError, PeerFault, Reason
from deltacare.keys import LogSigner
from deltacare.trust import Account, Federation, KeyTerm
from deltacare.trust.succession import (
    RULES,
    check_at_node,
    check_at_office,
    check_succession,
    require_succession,
)
from tests.support.federation import PROVINCES, make_trust, seed
from tests.support.ports import START_TIME

ISSUED = START_TIME + timedelta(days=1)
SECOND = timedelta(seconds=1)
NAME = "deltacare/310000/registry"
OLD = make_trust()
KEY = LogSigner(name=NAME, seed=seed("a second key")).verifier


def rules(new: Federation, *, old: Federation = OLD, root_changed: bool = False) -> list[str]:
    """Return the rules that a statement breaks."""
    found = check_succession(old, new, root_changed=root_changed)
    assert all(finding.rule in RULES and str(finding) for finding in found)
    return sorted({finding.rule for finding in found})


def following(old: Federation = OLD, **changes: Any) -> Federation:
    """Return the statement that follows another, issued a day later."""
    given = {"version": old.version + 1, "issued_time": old.issued_time + timedelta(days=1)}
    return replace(old, **{**given, **changes})


def with_member(old: Federation = OLD, **changes: Any) -> Federation:
    """Return a following statement in which 310000 is another."""
    member = replace(old.member("310000"), **changes)
    others = tuple(row for row in old.members if row.province != "310000")
    return following(old, members=(member, *others))


def with_terms(*terms: KeyTerm, old: Federation = OLD) -> Federation:
    """Return a following statement with other terms of the registry key."""
    kept = [term for term in old.member("310000").keys if term.key.name != NAME]
    return with_member(old, keys=(*kept, *terms))


def term(old: Federation = OLD) -> KeyTerm:
    """Return the term of the registry key."""
    return old.member("310000").terms(NAME)[0]


def test_nothing_changes() -> None:
    """A statement that says the same may follow, and may change what no rule holds."""
    assert [] == rules(following())
    assert [] == rules(following(stale_after_s=7_200))
    assert [] == rules(with_member(endpoint="other.example:7443", schemes=("care-1",)))


@pytest.mark.parametrize("version", [1, 3, 7])
def test_version(version: int) -> None:
    """T01: the version rises by one, neither less nor more."""
    assert ["T01"] == rules(following(version=version))


def test_issued_time() -> None:
    """T02: a statement is not issued before the one it follows."""
    assert [] == rules(following(issued_time=OLD.issued_time))
    assert ["T02"] == rules(following(issued_time=OLD.issued_time - SECOND))


@pytest.mark.parametrize(
    "changes",
    [
        {"federation": "another"},
        {"opening_date": OLD.opening_date + timedelta(days=1)},
    ],
)
def test_what_changes_with_root_only(changes: dict[str, Any]) -> None:
    """T03: name, opening date and members stay unless root changes."""
    assert ["T03"] == rules(following(**changes))
    assert [] == rules(following(**changes), root_changed=True)


def test_members() -> None:
    """T03: a member leaves or comes only with root."""
    fewer = make_trust(PROVINCES[:3])
    new = following(members=fewer.members)
    assert ["T03"] == rules(new)
    assert [] == rules(new, root_changed=True)


def test_quorum() -> None:
    """T04: the quorum rises freely, and falls only with root."""
    assert [] == rules(following(registry_quorum=3))
    assert ["T04"] == rules(following(registry_quorum=1))
    assert [] == rules(following(registry_quorum=1), root_changed=True)


def test_keys_stay() -> None:
    """T05: no key leaves, and none begins at another time."""
    new = KeyTerm(key=KEY, from_time=ISSUED)
    assert [] == rules(with_terms(term(), new))
    assert ["T05"] == rules(with_terms(new))
    moved = replace(term(), from_time=term().from_time + SECOND)
    assert ["T05"] == rules(with_terms(moved))
    assert ["T05"] == rules(with_terms(moved), root_changed=True)


def test_windows() -> None:
    """T06: a window is shortened to now or later, and never made longer."""
    new = KeyTerm(key=KEY, from_time=ISSUED)
    assert [] == rules(with_terms(replace(term(), until_time=ISSUED), new))
    past = replace(term(), until_time=ISSUED - SECOND)
    assert ["T06", "T09"] == rules(with_terms(past, new))
    ended = with_terms(replace(term(), until_time=ISSUED + timedelta(days=9)), new)
    issued = ended.issued_time + timedelta(days=1)
    shorter = replace(term(), until_time=issued)
    later = replace(term(), until_time=issued + timedelta(days=20))
    assert [] == rules(with_terms(shorter, new, old=ended), old=ended)
    assert ["T06"] == rules(with_terms(later, new, old=ended), old=ended)
    assert ["T06"] == rules(with_terms(term(), new, old=ended), old=ended)


def test_taints() -> None:
    """T07: a taint stays, may name an earlier instant, and none in the future."""
    new = KeyTerm(key=KEY, from_time=ISSUED)
    assert [] == rules(with_terms(replace(term(), tainted_time=ISSUED), new))
    future = replace(term(), tainted_time=ISSUED + SECOND)
    assert ["T07"] == rules(with_terms(future, new))
    tainted = with_terms(replace(term(), tainted_time=START_TIME), new)
    for time, expected in (
        (START_TIME, []),
        (START_TIME - timedelta(days=1), []),
        (START_TIME + SECOND, ["T07"]),
        (None, ["T07"]),
    ):
        again = with_terms(replace(term(), tainted_time=time), new, old=tainted)
        assert expected == rules(again, old=tainted)


def test_new_keys_begin_when_they_are_known() -> None:
    """T08: a key speaks of no time before its statement."""
    early = KeyTerm(key=KEY, from_time=ISSUED - SECOND)
    assert ["T08"] == rules(with_terms(term(), early))


def test_no_gap() -> None:
    """T09: somebody can always sign: keys follow each other, and the last has no end."""
    until = ISSUED + timedelta(days=1)
    ending = replace(term(), until_time=until)
    assert ["T09"] == rules(with_terms(ending))
    assert [] == rules(with_terms(ending, KeyTerm(key=KEY, from_time=until)))
    assert ["T09"] == rules(with_terms(ending, KeyTerm(key=KEY, from_time=until + SECOND)))
    closed = KeyTerm(key=KEY, from_time=ISSUED, until_time=until)
    assert ["T09"] == rules(with_terms(ending, closed))


def test_a_bad_key_that_had_a_predecessor() -> None:
    """T09: a key that ended in its time leaves no gap if the one that followed it turns bad."""
    ended = replace(term(), until_time=ISSUED)
    second = KeyTerm(key=KEY, from_time=ISSUED)
    old = with_terms(ended, second)
    assert [] == rules(old)
    later = old.issued_time + timedelta(days=1)
    third = KeyTerm(key=LogSigner(name=NAME, seed=seed("a third key")).verifier, from_time=later)
    bad = replace(second, tainted_time=ISSUED + SECOND)
    assert [] == rules(with_terms(ended, bad, third, old=old), old=old)
    assert ["T09"] == rules(with_terms(ended, bad, old=old), old=old)


def test_a_taint_brings_its_successor() -> None:
    """A key cannot be called bad while no other one takes its place."""
    with pytest.raises(DeltacareError) as caught:
        with_terms(replace(term(), tainted_time=ISSUED))
    assert caught.value.reason is Reason.INVALID_FIELD


def account(**changes: Any) -> Account:
    """Return an account that may be stated now."""
    given = Account(
        holder="民政局",
        number="12345678",
        bank_code="1" * 12,
        from_time=ISSUED + timedelta(days=1),
    )
    return replace(given, **changes)


def test_accounts() -> None:
    """T10: a new account waits a day, and no account changes or leaves."""
    assert [] == rules(with_member(accounts=(account(),)))
    early = account(from_time=account().from_time - SECOND)
    assert ["T10"] == rules(with_member(accounts=(early,)))
    paid = with_member(accounts=(account(),))
    assert ["T10"] == rules(with_member(paid, accounts=()), old=paid)
    other = account(number="87654321")
    assert ["T10"] == rules(with_member(paid, accounts=(other,)), old=paid)


def test_revoked_stays_revoked() -> None:
    """T11: serial numbers are added only."""
    revoked = with_member(revoked_serials=("1f",))
    assert [] == rules(revoked)
    assert [] == rules(with_member(revoked, revoked_serials=("1f", "2f")), old=revoked)
    assert ["T11"] == rules(with_member(revoked, revoked_serials=("2f",)), old=revoked)


def test_every_breach_is_told() -> None:
    """All findings come at once, and as one error they name every rule."""
    new = replace(with_terms(KeyTerm(key=KEY, from_time=START_TIME)), version=9)
    assert ["T01", "T05", "T08"] == rules(new)
    with pytest.raises(PeerFault) as caught:
        require_succession(OLD, new)
    assert (Reason.BAD_METADATA, "T01, T05, T08") == (
        caught.value.reason,
        caught.value.details["rules"],
    )
    require_succession(OLD, following())


def test_issued_in_the_future() -> None:
    """T12: neither office nor node takes a statement more than five minutes ahead of its clock."""
    new = following()
    for old in (None, OLD):
        for check in (check_at_office, check_at_node):
            at = new.issued_time - timedelta(seconds=300)
            assert [] == check(old, new, now=at)
            assert ["T12"] == [found.rule for found in check(old, new, now=at - SECOND)]


def test_notice_of_an_account_by_the_clock() -> None:
    """T13: a backdated statement brings no account that begins within a day of being seen."""
    day = timedelta(days=1)
    account = Account(
        holder="x", number="1" * 12, bank_code="2" * 12, from_time=ISSUED + day + SECOND
    )
    new = with_member(accounts=(account,))
    begin, hour = account.from_time, timedelta(hours=1)

    def rules_at(check: Any, now: Any, old: Federation | None = OLD) -> list[str]:
        return [found.rule for found in check(old, new, now=now)]

    # An office: within an hour of the issue its time is believed, then a day is left or it refuses.
    assert [] == rules_at(check_at_office, ISSUED + hour)
    assert ["T13"] == rules_at(check_at_office, ISSUED + hour + SECOND)
    assert ["T13"] == rules_at(check_at_office, ISSUED + day)
    # A node: 23 hours are left, or it refuses.
    assert [] == rules_at(check_at_node, begin - 23 * hour)
    assert ["T13"] == rules_at(check_at_node, begin - 23 * hour + SECOND)
    # What was there before, and what a first statement says, needs no notice.
    assert [] == rules_at(check_at_node, begin, old=new)
    assert [] == rules_at(check_at_node, begin, old=None)
