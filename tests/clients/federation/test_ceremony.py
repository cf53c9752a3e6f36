"""Tests of the ceremony: who proposes what, who signs, and what comes of it."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from clients.federation import repository as repository_module
from clients.federation.cards import MemberCard, OfficeCard
from clients.federation.ceremony import (
    Base,
    Changes,
    KeyInstant,
    open_base,
    propose_first,
    propose_next,
)
from clients.federation.office import Office, init_office
from clients.federation.proposal import Proposal
from clients.federation.repository import install, read_published, write_repository
from clients.federation.store import TrustStore
from deltacare.errors import DeltacareError, PeerFault, Reason, Refusal
from deltacare.keys import LogSigner
from deltacare.trust import Account, KeyTerm
from tests.support.federated import CHEAP, PASSPHRASE, Offices, make_offices
from tests.support.federation import PROVINCES, make_trust, seed
from tests.support.metadata import root_key
from tests.support.ports import START_TIME, SeededEntropy

LATER = START_TIME + timedelta(days=1)
NAME = "deltacare/310000/registry"
NEW_KEY = LogSigner(name=NAME, seed=seed("another registry key")).verifier


@pytest.fixture
def offices(tmp_path: Path) -> Offices:
    """Return four offices."""
    return make_offices(tmp_path / "offices", PROVINCES)


def cards() -> list[MemberCard]:
    """Return the cards of four nodes."""
    return [
        MemberCard(member=member, timestamp=root_key(member.province).timestamp)
        for member in make_trust().members
    ]


def first(offices: Offices) -> Proposal:
    """Return the proposal of a first statement."""
    return propose_first(
        [office.card for office in offices.by_province.values()],
        cards(),
        opening_date=date(2026, 12, 1),
        now=START_TIME,
    )


def base(offices: Offices) -> Base:
    """Return what counts after the first ceremony."""
    offices.published.update(offices.sign(first(offices), *PROVINCES[:3]).publish())
    return open_base(offices.published)


def fault_of(call: Any, *arguments: Any, **named: Any) -> str:
    """Return the fault, or the reason, for which a call is refused."""
    with pytest.raises(DeltacareError) as caught:
        call(*arguments, **named)
    return caught.value.details.get("fault", caught.value.reason.name)


def card_with(member_changes: dict[str, Any]) -> MemberCard:
    """Return the card of 310000, changed."""
    card = cards()[0]
    return replace(card, member=replace(card.member, **member_changes))


def with_new_key(**changes: Any) -> MemberCard:
    """Return the card of 310000 with a second registry key."""
    member = cards()[0].member
    term = KeyTerm(key=NEW_KEY, from_time=changes.get("from_time", LATER))
    keys = sorted((*member.keys, term), key=lambda t: (t.key.name, t.from_time))
    return card_with({"keys": tuple(keys)})


def test_three_of_four_make_the_first_statement(offices: Offices) -> None:
    """Two are told how many are missing, three are enough, and four change nothing."""
    proposal = offices.sign(first(offices), *PROVINCES[:2])
    assert {"root": 1, "old root": 1, "targets": 1, "snapshot": 1} == proposal.judge().lacking
    assert "TOO_FEW_SIGNATURES" == fault_of(proposal.publish)
    three = offices.sign(proposal, "330000")
    assert {} == three.judge().lacking
    found = open_base(three.publish()).federation
    assert (1, PROVINCES, date(2026, 12, 1)) == (
        found.version,
        found.provinces,
        found.opening_date,
    )
    assert found == open_base(offices.sign(three, "340000").publish()).federation


def test_copies_signed_apart(offices: Offices) -> None:
    """Each office may sign its own copy; merged in any order they are the same."""
    proposal = first(offices)
    copies = [offices.sign(proposal, province) for province in PROVINCES[:3]]
    merged = copies[0].merged(copies[1]).merged(copies[2])
    assert merged == copies[2].merged(copies[1]).merged(copies[0])
    assert merged == offices.sign(proposal, *PROVINCES[:3])
    other = propose_first(
        [office.card for office in offices.by_province.values()],
        cards(),
        opening_date=date(2026, 12, 2),
        now=START_TIME,
    )
    assert "INVALID_FIELD" == fault_of(proposal.merged, other)


def test_signing_twice(offices: Offices) -> None:
    """A second signature of an office changes no byte of the file."""
    once = offices.sign(first(offices), "310000")
    assert once.to_bytes() == offices.sign(once, "310000").to_bytes()


def test_file_survives_the_way(offices: Offices) -> None:
    """A proposal is its file, and nothing but its one spelling."""
    data = offices.sign(first(offices), "310000").to_bytes()
    assert data == Proposal.from_bytes(data).to_bytes()
    value = json.loads(data)
    for bad in (
        b"",
        b"[]",
        b"{}",
        data[:-1],
        data + b" ",
        json.dumps(value).encode(),
        json.dumps({**value, "note": 1}).encode(),
        json.dumps({**value, "roots": []}, separators=(",", ":"), sort_keys=True).encode(),
        json.dumps({**value, "roots": [7]}).encode(),
        json.dumps({**value, "statement": None}).encode(),
        data.replace(b"deltacare/proposal/v1", b"deltacare/proposal/v2"),
        b'{"format":"deltacare/proposal/v1","previous":null,"roots":["\\ud800"],"statement":{}}',
        b"\xff" * 100,
        b" " * 2_000_000,
    ):
        assert "INVALID_FIELD" == fault_of(Proposal.from_bytes, bad)


def test_file_altered_on_the_way(offices: Offices) -> None:
    """What somebody changed in a file is found before an office signs it."""
    data = first(offices).to_bytes()
    for old, new in (
        (b"node-310000.example:7443", b"node-310000.evil.cn:7443"),
        (b"2026-12-01", b"2026-12-02"),
        (b"quorum-group 2", b"quorum-group 1"),
    ):
        assert old in data
        with pytest.raises(DeltacareError):
            Proposal.from_bytes(data.replace(old, new)).judge()


def test_every_province_has_both_cards(offices: Offices) -> None:
    """A card that is missing, or a key that stands on two, makes no proposal."""
    own = [office.card for office in offices.by_province.values()]
    for office_cards, member_cards in ((own[:3], cards()), (own, cards()[:3])):
        assert "INVALID_FIELD" == fault_of(
            propose_first,
            office_cards,
            member_cards,
            opening_date=date(2026, 12, 1),
            now=START_TIME,
        )
    doubled = [*own[:3], OfficeCard(province="340000", root=own[0].root)]
    with pytest.raises(PeerFault):
        propose_first(doubled, cards(), opening_date=date(2026, 12, 1), now=START_TIME)


# Later statements. ------------------------------------------------------------------------------


def test_another_year(offices: Offices) -> None:
    """A proposal without changes counts for another year and says the same."""
    found = base(offices)
    files = offices.change(Changes(), *PROVINCES[1:], now=LATER)
    again = open_base(files)
    assert 2 == again.federation.version
    assert replace(found.federation, version=2, issued_time=LATER) == again.federation
    assert found.roots == again.roots


def test_new_key(offices: Offices) -> None:
    """A key from a card begins no earlier than the statement; the old one may end."""
    found = base(offices)
    old = found.federation.member("310000").terms(NAME)[0].key
    retire = KeyInstant(key_id=old.key_id.hex(), time=LATER + timedelta(days=2))
    changes = Changes(cards=[with_new_key(from_time=START_TIME)], retires=[retire])
    terms = open_base(offices.change(changes, now=LATER)).federation.member("310000").terms(NAME)
    assert [(old, retire.time), (NEW_KEY, None)] == [(t.key, t.until_time) for t in terms]
    assert LATER == terms[1].from_time


def test_two_new_keys_of_one_name(offices: Offices) -> None:
    """Keys that were made before anybody stated them begin one after the other."""
    found = base(offices)
    third = LogSigner(name=NAME, seed=seed("a third registry key")).verifier
    card = with_new_key(from_time=START_TIME)
    terms = (*card.member.keys, KeyTerm(key=third, from_time=START_TIME + timedelta(hours=1)))
    card = replace(card, member=replace(card.member, keys=terms))
    stated = open_base(offices.change(Changes(cards=[card]), now=LATER)).federation
    old = found.federation.member("310000").terms(NAME)[0]
    assert [
        (old.key, old.from_time),
        (NEW_KEY, LATER),
        (third, LATER + timedelta(seconds=1)),
    ] == [(term.key, term.from_time) for term in stated.member("310000").terms(NAME)]


def test_taint_brings_the_successor(offices: Offices) -> None:
    """A key is called bad together with the one that follows, not alone."""
    found = base(offices)
    old = found.federation.member("310000").terms(NAME)[0].key
    taint = KeyInstant(key_id=old.key_id.hex(), time=START_TIME)
    assert "INVALID_FIELD" == fault_of(propose_next, found, Changes(taints=[taint]), now=LATER)
    changes = Changes(cards=[with_new_key()], taints=[taint])
    terms = open_base(offices.change(changes, now=LATER)).federation.member("310000").terms(NAME)
    assert [START_TIME, None] == [term.tainted_time for term in terms]


def test_what_changes_and_what_does_not(offices: Offices) -> None:
    """Endpoint, CA, serials, schemes and accounts follow the options."""
    found = base(offices)
    account = Account(
        holder="上海市民政局",
        number="1" * 12,
        bank_code="2" * 12,
        from_time=LATER + timedelta(days=1),
    )
    changes = Changes(
        cards=[card_with({"endpoint": "new.example:7443"})],
        revoked=[("320000", "1f"), ("320000", "0a".lstrip("0"))],
        accounts=[("330000", account)],
        schemes=[("340000", "care-1")],
    )
    new = open_base(offices.change(changes, now=LATER)).federation
    assert "new.example:7443" == new.member("310000").endpoint
    assert ("1f", "a") == new.member("320000").revoked_serials
    assert (account,) == new.member("330000").accounts
    assert ("care-1",) == new.member("340000").schemes
    assert found.federation.member("310000").keys == new.member("310000").keys


@pytest.mark.parametrize(
    "changes, expected",
    [
        (Changes(revoked=[("990000", "1f")]), "INVALID_FIELD"),
        (Changes(revoked=[("310000", "xyz")]), "INVALID_FIELD"),
        (Changes(taints=[KeyInstant(key_id="00000000", time=START_TIME)]), "INVALID_FIELD"),
        (Changes(retires=[KeyInstant(key_id="00000000", time=START_TIME)]), "INVALID_FIELD"),
        (
            Changes(
                accounts=[
                    (
                        "310000",
                        Account(
                            holder="x",
                            number="1" * 12,
                            bank_code="2" * 12,
                            from_time=LATER + timedelta(hours=23),
                        ),
                    )
                ]
            ),
            "RULE_REFUSED",
        ),
    ],
)
def test_changes_that_are_refused(offices: Offices, changes: Changes, expected: str) -> None:
    """What names nothing, or breaks a rule, becomes no proposal."""
    assert expected == fault_of(propose_next, base(offices), changes, now=LATER)


def test_a_lost_root_key(offices: Offices, tmp_path: Path) -> None:
    """Three replace the fourth's key; from then on the old one signs nothing."""
    found = base(offices)
    directory = tmp_path / "new-office"
    init_office(
        directory,
        province="340000",
        passphrase=PASSPHRASE,
        entropy=SeededEntropy("new").token,
        cost=CHEAP,
    )
    new = Office.open(directory, PASSPHRASE)
    proposal = propose_next(found, Changes(offices=[new.card]), now=LATER)
    judged = proposal.judge()
    assert (True, 2) == (judged.root_changed, judged.root.version)
    # The thief and two others do not suffice, nor do the new office and two others.
    for signing in (("310000", "320000", "340000"),):
        assert "TOO_FEW_SIGNATURES" == fault_of(offices.sign(proposal, *signing).publish)
    two = offices.sign(proposal, "310000", "320000")
    with_new = two.with_signed(new.sign(two.to_sign(two.judge())))
    assert "TOO_FEW_SIGNATURES" == fault_of(with_new.publish)
    offices.published.update(offices.sign(proposal, *PROVINCES[:3]).publish())
    again = open_base(offices.published)
    assert new.card.root == next(k.root for k in again.root.keys if k.province == "340000")
    later = propose_next(again, Changes(), now=LATER + timedelta(days=1))
    by_thief = offices.sign(later, "310000", "320000", "340000")
    assert ("310000", "320000") == by_thief.judge().signed["targets"]
    assert "TOO_FEW_SIGNATURES" == fault_of(by_thief.publish)
    by_new = offices.sign(later, "310000", "320000")
    by_new = by_new.with_signed(new.sign(by_new.to_sign(by_new.judge())))
    assert 3 == open_base(by_new.publish()).federation.version


def test_forged_ground(offices: Offices) -> None:
    """A proposal on the ground of a statement that too few signed is refused."""
    proposal = propose_next(base(offices), Changes(), now=LATER)
    assert proposal.previous is not None
    unsigned = first(offices).statement
    forged = replace(proposal, previous=unsigned)
    assert "TOO_FEW_SIGNATURES" == fault_of(forged.judge)
    assert "TOO_FEW_SIGNATURES" == fault_of(replace(proposal, roots=first(offices).roots).judge)
    assert "INVALID_FIELD" == fault_of(replace(proposal, roots=proposal.roots * 2).judge)


# Offices. ---------------------------------------------------------------------------------------


def test_an_office_signs_one_content(offices: Offices) -> None:
    """Two statements of one version are not signed by one office, unless the first was given up."""
    found = base(offices)
    one = propose_next(found, Changes(), now=LATER)
    other = propose_next(found, Changes(revoked=[("310000", "1f")]), now=LATER)
    offices.sign(one, "310000")
    assert "RULE_REFUSED" == fault_of(offices.sign, other, "310000")
    office = offices.by_province["310000"]
    files = other.to_sign(other.judge())
    assert office.sign(files, supersede=True)
    assert "RULE_REFUSED" == fault_of(offices.sign, one, "310000")


def test_office_keeps_its_key(tmp_path: Path) -> None:
    """The root key is encrypted, needs its passphrase, and belongs to the card."""
    for name in ("a", "b"):
        init_office(
            tmp_path / name,
            province="310000",
            passphrase=PASSPHRASE,
            entropy=SeededEntropy(name).token,
            cost=CHEAP,
        )
    office = Office.open(tmp_path / "a", PASSPHRASE)
    for path in (tmp_path / "a").iterdir():
        assert office.seed not in path.read_bytes()
        assert office.seed.hex().encode() not in path.read_bytes()
    assert office.seed.hex() not in repr(office)
    assert repr(office.seed) not in repr(office)
    with pytest.raises(Refusal) as caught:
        Office.open(tmp_path / "a", b"another passphrase")
    assert "passphrase" == caught.value.violations[0].field
    (tmp_path / "a" / "office.json").write_bytes((tmp_path / "b" / "office.json").read_bytes())
    with pytest.raises(Refusal) as caught:
        Office.open(tmp_path / "a", PASSPHRASE)
    assert "office" == caught.value.violations[0].field


def test_office_is_made_once(tmp_path: Path) -> None:
    """An office is never made over another, and not without a province or a passphrase."""

    def make(province: str = "310000", passphrase: bytes = PASSPHRASE) -> OfficeCard:
        return init_office(
            tmp_path / "o",
            province=province,
            passphrase=passphrase,
            entropy=SeededEntropy().token,
            cost=CHEAP,
        )

    assert "INVALID_FIELD" == fault_of(make, province="31")
    assert "INVALID_FIELD" == fault_of(make, passphrase=b"short")
    assert make() == OfficeCard.read(tmp_path / "o")
    assert "ALREADY_EXISTS" == fault_of(make)


# Published files. -------------------------------------------------------------------------------


def test_repository(offices: Offices, tmp_path: Path) -> None:
    """What was published is read again, grows by versions, and never changes."""
    found = base(offices)
    out = tmp_path / "published"
    write_repository(out, offices.published)
    assert found == open_base(read_published(out))
    later = offices.change(Changes(), now=LATER)
    write_repository(out, later)
    write_repository(out, later)
    assert later == read_published(out)
    assert 2 == open_base(read_published(out)).federation.version
    other = propose_next(found, Changes(revoked=[("310000", "1f")]), now=LATER)
    for province in PROVINCES[:3]:
        office = offices.by_province[province]
        other = other.with_signed(office.sign(other.to_sign(other.judge()), supersede=True))
    assert "OTHER_CONTENT" == fault_of(write_repository, out, other.publish())
    assert later == read_published(out)


def test_repository_written_halfway(
    offices: Offices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where writing was stopped, at any place, another statement of that version is published."""
    found, before = base(offices), dict(offices.published)
    given_up = offices.change(Changes(), now=LATER)
    other = propose_next(found, Changes(revoked=[("310000", "1f")]), now=LATER)
    for province in PROVINCES[:3]:
        office = offices.by_province[province]
        other = other.with_signed(office.sign(other.to_sign(other.judge()), supersede=True))
    # As if the one that was given up had brought a root of its own.
    given_up = {**given_up, "2.root.json": b"{}"}
    stop = left_over = 0
    while True:
        out = tmp_path / str(stop)
        write_repository(out, before)
        left = stop

        def stopping(path: Path, data: bytes) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise OSError
            path.write_bytes(data)

        with monkeypatch.context() as patch, suppress(OSError):
            patch.setattr(repository_module, "write_atomic", stopping)
            write_repository(out, given_up)
            break
        left_over += (out / "2.root.json").exists() and (out / "2.targets.json").exists()
        assert found == open_base(read_published(out))
        write_repository(out, other.publish())
        assert 2 == open_base(read_published(out)).federation.version
        stop += 1
    assert left_over


def test_install(offices: Offices, tmp_path: Path) -> None:
    """A node gets the root to pin and the statement; from it, a proposal can go on."""
    found = base(offices)
    assert 1 == install(tmp_path / "node", offices.published)
    assert 2 == install(tmp_path / "node", offices.change(Changes(), now=LATER))
    assert found.federation == TrustStore(tmp_path / "node" / "trust").statement(1).federation
    for path in (tmp_path / "node", tmp_path / "node" / "trust"):
        assert 2 == open_base(read_published(path)).federation.version
    strangers = make_offices(tmp_path / "strangers", PROVINCES, seed="strangers")
    base(strangers)
    assert "ALREADY_EXISTS" == fault_of(install_pinned, tmp_path / "node", strangers.published)


def install_pinned(directory: Path, files: dict[str, bytes]) -> None:
    """Install files of another federation by hand."""
    store = TrustStore(directory / "trust")
    store.pin(files["1.root.json"])


def test_nothing_published(tmp_path: Path) -> None:
    """A directory that holds no metadata is named."""
    (tmp_path / "note.txt").write_text("x", encoding="utf-8")
    assert "INVALID_FIELD" == fault_of(read_published, tmp_path)
    assert "INVALID_FIELD" == fault_of(open_base, {})
    with pytest.raises(Refusal) as caught:
        read_published(tmp_path / "nowhere")
    assert caught.value.reason is Reason.INVALID_FIELD
