"""The federation as its members state it: canonical, without contradiction, keys with windows."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from deltacare.errors import Reason, Refusal
from deltacare.ids import LogName, all_logs, own_logs
from deltacare.keys import WitnessSigner
from deltacare.trust import (
    Account,
    Federation,
    KeyTerm,
    Member,
    Trust,
    in_force,
    log_policy,
    witness_key_name,
)
from tests.deltacare.builders import (
    KEYS_FROM,
    NOW,
    PROVINCES,
    federation,
    log_signer,
    member,
    seed,
    witness_signer,
)

SECOND_WITNESS = WitnessSigner(name=witness_key_name("320000"), seed=seed("second witness"))


def _with_member(changed: Member) -> Federation:
    """Return the federation with one member stated anew."""
    value = federation()
    members = tuple(changed if m.province == changed.province else m for m in value.members)
    return replace(value, members=members, version=2)


def test_documents_read_back() -> None:
    """What members sign is the whole statement."""
    changed = replace(
        member("320000"),
        revoked_serials=("1f", "2a"),
        schemes=("GB/T-37276",),
        accounts=(
            Account(
                holder="民政厅", number="12345678", bank_code="123456789012", from_time=KEYS_FROM
            ),
        ),
        keys=(
            *member("320000").keys,
            KeyTerm(key=SECOND_WITNESS.verifier, from_time=NOW, until_time=NOW + timedelta(days=1)),
        ),
    )
    value = _with_member(changed)
    documents = value.to_documents()
    assert {"federation.json", "members/310000.json"} < documents.keys()
    assert 1 + 4 + 16 == len(documents)
    assert value == Federation.from_documents(documents)


def test_what_rooms_ask() -> None:
    """Members, keys, witnesses and quorum of each log."""
    trust: Trust = federation()
    assert PROVINCES == trust.provinces
    assert "node-320000.example:7443" == trust.member("320000").endpoint
    assert date(2026, 11, 1) == trust.opening_date
    assert (86_400, 86_400) == (trust.stale_after_s, trust.cosignature_age_max_s)
    for log in (*all_logs(PROVINCES), LogName.audit("310000")):
        assert [str(log)] == [term.key.name for term in trust.log_keys(log)]
    registry = LogName.registry("310000")
    settlement = LogName.settlement("340000", "310000")
    audit = LogName.audit("330000")
    assert ("320000", "330000", "340000") == trust.witnesses(registry)
    assert ("310000",) == trust.witnesses(settlement)
    assert () == trust.witnesses(audit)
    assert [2, 1, 0] == [trust.quorum(log) for log in (registry, settlement, audit)]
    assert "deltacare/330000/witness" == trust.witness_keys("330000")[0].key.name
    assert "deltacare/330000/verdicts" == trust.verdict_keys("330000")[0].key.name
    assert 5 == len(own_logs("310000", PROVINCES))


def test_strangers_are_not_found() -> None:
    """What is no member's has a reason of its own."""
    trust = federation()
    asks: list[Callable[[], object]] = [
        lambda: trust.member("350000"),
        lambda: trust.witness_keys("350000"),
        lambda: trust.log_keys(LogName.registry("350000")),
        lambda: trust.quorum(LogName.settlement("310000", "350000")),
        lambda: trust.witnesses(LogName.registry("350000")),
    ]
    for ask in asks:
        with pytest.raises(Refusal) as caught:
            ask()
        assert Reason.NOT_FOUND is caught.value.reason


def test_a_window_ends_before_its_last_instant() -> None:
    """A key counts from its first instant on, up to its end or its taint."""
    key = log_signer("a").verifier
    term = KeyTerm(key=key, from_time=NOW, until_time=NOW + timedelta(hours=1))
    moments = [NOW - timedelta(seconds=1), NOW, NOW + timedelta(minutes=59), term.until_time]
    assert [False, True, True, False] == [term.covers(at) for at in moments if at]
    tainted = replace(term, tainted_time=NOW + timedelta(minutes=30))
    assert [False, True, False, False] == [tainted.covers(at) for at in moments if at]


def test_the_newest_key_signs_and_a_tainted_one_never() -> None:
    """Of two in force the one that came last; a taint ends a key at once, whatever its instant."""
    old = KeyTerm(key=log_signer("old").verifier, from_time=KEYS_FROM)
    new = KeyTerm(key=log_signer("new").verifier, from_time=NOW)
    bad = KeyTerm(
        key=log_signer("bad").verifier, from_time=NOW, tainted_time=NOW + timedelta(days=9)
    )
    assert (old,) == in_force([old, new, bad], NOW - timedelta(days=1))
    assert (new, old) == in_force([old, new, bad], NOW)


def test_a_province_with_two_witness_keys_counts_once() -> None:
    """In the policy its keys are a group of which any one suffices; a tainted one is left out."""
    log = LogName.registry("310000")
    first, second = witness_signer("320000").verifier, SECOND_WITNESS.verifier
    terms = (*member("320000").keys, KeyTerm(key=second, from_time=NOW))
    policy = log_policy(_with_member(replace(member("320000"), keys=terms)), log)
    assert not policy.is_met([first, second])
    assert policy.is_met([second, witness_signer("330000").verifier])
    assert policy == type(policy).from_bytes(policy.to_text().encode())
    tainted = tuple(
        replace(term, tainted_time=NOW) if term.key == first else term for term in terms
    )
    policy = log_policy(_with_member(replace(member("320000"), keys=tainted)), log)
    assert first not in policy.witnesses.values()
    assert policy.is_met([second, witness_signer("330000").verifier])


def test_the_account_that_counts() -> None:
    """The newest that has begun; none before the first."""
    accounts = tuple(
        Account(holder="厅", number=f"1234567{day}", bank_code="1" * 12, from_time=at)
        for day, at in enumerate([NOW, NOW + timedelta(days=1)])
    )
    stated = replace(member("310000"), accounts=accounts)
    assert stated.account(NOW - timedelta(seconds=1)) is None
    assert accounts[0] == stated.account(NOW)
    assert accounts[1] == stated.account(NOW + timedelta(days=2))


def _edit(path: str, **changes: object) -> Callable[[dict[str, bytes]], None]:
    """Return an edit of one document's top fields that keeps the canonical spelling."""

    def edit(documents: dict[str, bytes]) -> None:
        value: dict[str, Any] = json.loads(documents[path])
        value.update(changes)
        text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        documents[path] = text.encode() + b"\n"

    return edit


def _put(path: str, data: bytes) -> Callable[[dict[str, bytes]], None]:
    return lambda documents: documents.update({path: data})


MEMBER = "members/310000.json"
STATED = json.loads(federation().to_documents()[MEMBER])
ROW = STATED["keys"][0]


@pytest.mark.parametrize(
    "change, named",
    [
        (lambda documents: documents.pop("federation.json"), "federation.json"),
        (lambda documents: documents.pop(MEMBER), MEMBER),
        (_put("stranger.json", b"{}"), "stranger.json"),
        (_put("policies/deltacare/310000/registry.txt", b"quorum none\n"), "policies/"),
        (_put("federation.json", b"[]"), "federation"),
        (_put("federation.json", b'{"a":1,"a":2}'), "federation"),
        (_put("federation.json", b"[" * 100_000), "federation"),
        (_put("federation.json", b" " * 1_000_001), "federation"),
        (_edit("federation.json", format="x"), "format"),
        (_edit("federation.json", version=0), "version"),
        (_edit("federation.json", version=True), "version"),
        (_edit("federation.json", stale_after_s=1), "stale_after_s"),
        (_edit("federation.json", cosignature_age_max_s=10**9), "cosignature_age_max_s"),
        (_edit("federation.json", registry_quorum=4), "registry_quorum"),
        (_edit("federation.json", provinces=["310000"]), "members"),
        (_edit("federation.json", provinces=list(reversed(PROVINCES))), "members"),
        (_edit("federation.json", federation="x\ny"), "federation"),
        (_edit(MEMBER, province="320000"), MEMBER),
        (_edit(MEMBER, endpoint="nowhere"), "endpoint"),
        (_edit(MEMBER, endpoint="host:99999"), "endpoint"),
        (_edit(MEMBER, ca_pem="none"), "ca_pem"),
        (_edit(MEMBER, name_zh=""), "name_zh"),
        (_edit(MEMBER, revoked_serials=["xyz"]), "revoked_serials"),
        (_edit(MEMBER, revoked_serials=["2", "1"]), "revoked_serials"),
        (_edit(MEMBER, schemes=["no spaces"]), "schemes"),
        (_edit(MEMBER, keys=STATED["keys"][1:]), "missing"),
        (_edit(MEMBER, keys=[*STATED["keys"], ROW]), "one after the other"),
        (_edit(MEMBER, keys=[{**ROW, "key": "x"}]), r"keys\[0\].key"),
        (_edit(MEMBER, keys=[{**ROW, "until_time": ROW["from_time"]}]), "until_time"),
        (_edit(MEMBER, keys=[{**ROW, "from_time": "yesterday"}]), "from_time"),
        (
            _edit(
                MEMBER, keys=[{**row, "tainted_time": row["from_time"]} for row in STATED["keys"]]
            ),
            "tainted",
        ),
        (
            _edit(
                MEMBER,
                keys=[
                    *STATED["keys"],
                    {**ROW, "key": witness_signer("320000").verifier.to_text()},
                ],
            ),
            "no key of that name",
        ),
        (
            _edit(
                MEMBER,
                accounts=[
                    {
                        "holder": "厅",
                        "number": "1",
                        "bank_code": "1" * 12,
                        "from_time": ROW["from_time"],
                    }
                ],
            ),
            "number",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(
    change: Callable[[dict[str, bytes]], None], named: str
) -> None:
    """Each with the field that is wrong."""
    documents = federation().to_documents()
    change(documents)
    with pytest.raises(Refusal, match=named) as caught:
        Federation.from_documents(documents)
    assert Reason.INVALID_FIELD is caught.value.reason


def test_another_spelling_is_refused() -> None:
    """One value has one spelling, or its hash would say nothing."""
    documents = federation().to_documents()
    documents[MEMBER] = json.dumps(json.loads(documents[MEMBER])).encode()
    with pytest.raises(Refusal, match="canonical"):
        Federation.from_documents(documents)


def test_one_key_under_two_names_is_refused() -> None:
    """A witness that is also a log could vouch for itself."""
    name = witness_key_name("310000")
    twin = WitnessSigner(name=name, seed=log_signer("deltacare/310000/registry").seed)
    keys = tuple(
        KeyTerm(key=twin.verifier, from_time=KEYS_FROM) if term.key.name == name else term
        for term in member("310000").keys
    )
    with pytest.raises(Refusal, match="also that of"):
        _with_member(replace(member("310000"), keys=keys))


def test_times_are_in_utc() -> None:
    """A document states instants with Z."""
    assert "2020-01-01T00:00:00Z" == ROW["from_time"]
    assert datetime(2020, 1, 1, tzinfo=UTC) == KEYS_FROM
