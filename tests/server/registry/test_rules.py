"""Tests of the registry's rules: what is void, what is in force, and on which days."""

from datetime import date

import pytest

from deltacare.ids import LogName
from deltacare.times import ServiceMonth
from deltacare.v1 import entry_pb2 as pb
from server.registry import rules
from server.registry.rules import (
    agreement_days,
    agreement_in_force,
    agreements_in_force,
    judge_agreement,
    judge_answer,
    judge_institution,
    judge_listing,
    judge_withdrawal,
    listing_days,
)
from server.registry.values import (
    AgreementHistory,
    AgreementVersion,
    AgreementWordSaid,
    ListingStanding,
    Reach,
    reaches_of,
)
from tests.support.rooms import agreement_body, institution_body, listing_body

SH, JS, ZJ = "310000", "320000", "330000"
OCTOBER = ServiceMonth(year=2026, month=10)
ALL_DAYS = OCTOBER.full_mask
V1, V2 = b"1" * 32, b"2" * 32


def version(**changes: object) -> AgreementVersion:
    """Return a version between Shanghai and Jiangsu about the subsidy CARE_BED."""
    fields: dict[str, object] = {
        "agreement_id": "310000-A1",
        "version_hash": V1,
        "author": SH,
        "index": 0,
        "parties": (SH, JS),
        "scopes": frozenset({pb.AGREEMENT_SCOPE_SUBSIDY}),
        "subsidy_kinds": frozenset({"CARE_BED"}),
        "from_date": date(2026, 1, 1),
        "until_date": None,
    }
    return AgreementVersion(**{**fields, **changes})


def word(
    province: str, index: int, version_hash: bytes = V1, *, accepted: bool = True
) -> AgreementWordSaid:
    """Return a word."""
    return AgreementWordSaid(
        province=province, index=index, version_hash=version_hash, accepted=accepted
    )


def history(
    *words: AgreementWordSaid, versions: tuple[AgreementVersion, ...] | None = None
) -> AgreementHistory:
    """Return what was said, Shanghai's proposal included."""
    return AgreementHistory(versions=versions or (version(),), words=(word(SH, 0), *words))


def reaches(**sizes: int | tuple[int, int]) -> dict[str, Reach]:
    """Return reaches by province letters: sh=3, js=(verified, quorum)."""
    found = {}
    for letters, size in {"sh": 10, "js": 10, "zj": 10, **sizes}.items():
        restrict, permit = size if isinstance(size, tuple) else (size, size)
        code = {"sh": SH, "js": JS, "zj": ZJ}[letters]
        found[code] = Reach(restrict_size=restrict, permit_size=permit)
    return found


def code(rule: object) -> str | None:
    """Return the number of a rule."""
    return None if rule is None else str(rule)[:3]


def test_rules_are_numbered_in_order_and_say_themselves_twice() -> None:
    """Every rule has its number in order, a text in both languages, and a source."""
    assert [f"G{n:02d}" for n in range(1, 14)] == [rule.code[:3] for rule in rules.RULES]
    for rule in rules.RULES:
        assert rule.zh.endswith("。")
        assert rule.en.endswith(".")
        assert rule.source


@pytest.mark.parametrize(
    "author, changes, expected",
    [
        (SH, {}, None),
        (SH, {"division_code": "310151001"}, None),
        (JS, {}, "G03"),
        (SH, {"division_code": "320102"}, "G04"),
    ],
)
def test_institution(author: str, changes: dict[str, object], expected: str | None) -> None:
    """A province states the institutions of its own number and area."""
    assert expected == code(judge_institution(author, institution_body(**changes)))


@pytest.mark.parametrize(
    "author, ids, taken, registered, expected",
    [
        (SH, ("310000-1",), False, {"310000-1"}, None),
        (JS, ("310000-1",), False, {"310000-1"}, "G03"),
        (SH, ("320000-1",), False, {"320000-1"}, "G03"),
        (SH, ("310000-1",), True, {"310000-1"}, "G05"),
        (SH, ("310000-1", "310000-2"), False, {"310000-1"}, "G06"),
    ],
)
def test_listing(
    author: str, ids: tuple[str, ...], *, taken: bool, registered: set[str], expected: str | None
) -> None:
    """A listing is new, and names the author's registered institutions."""
    body = listing_body("310000-L1", *ids)
    assert expected == code(judge_listing(author, body, taken=taken, registered=registered))


@pytest.mark.parametrize(
    "author, known, withdrawn, expected",
    [
        (SH, True, False, None),
        (JS, True, False, "G03"),
        (SH, False, False, "G07"),
        (SH, True, True, "G08"),
    ],
)
def test_withdrawal(author: str, *, known: bool, withdrawn: bool, expected: str | None) -> None:
    """Only a standing listing of the author is withdrawn."""
    body = pb.ListingWithdrawal(listing_id="310000-L1")
    assert expected == code(judge_withdrawal(author, body, known=known, withdrawn=withdrawn))


@pytest.mark.parametrize(
    "author, changes, newest, expected",
    [
        (SH, {}, None, None),
        (SH, {"predecessor_hash": V1}, V1, None),
        (JS, {}, None, "G03"),
        (SH, {"parties": ("310101", "310115")}, None, "G09"),
        (SH, {"parties": ("320100", "330100")}, None, "G10"),
        (SH, {"predecessor_hash": V1}, None, "G11"),
        (SH, {}, V1, "G11"),
        (SH, {"predecessor_hash": V1}, V2, "G11"),
    ],
)
def test_agreement(
    author: str, changes: dict[str, object], newest: bytes | None, expected: str | None
) -> None:
    """Versions form one chain in the log of the province whose code the agreement bears."""
    body = agreement_body(**changes)
    assert expected == code(judge_agreement(author, body, newest_hash=newest))


@pytest.mark.parametrize(
    "author, newest, expected",
    [(JS, V1, None), (JS, None, "G12"), (ZJ, V1, "G10"), (JS, V2, "G13")],
)
def test_answer(author: str, newest: bytes | None, expected: str | None) -> None:
    """A party answers the newest version of an agreement that exists."""
    body = pb.AgreementAnswer(agreement_id="310000-A1", version_hash=V1)
    parties = (SH, "320500") if newest else ()
    assert expected == code(judge_answer(author, body, newest_hash=newest, parties=parties))


@pytest.mark.parametrize(
    "words, sizes, is_in_force",
    [
        ((), {}, False),
        ((word(JS, 0),), {}, True),
        # A word of a party that is not pinned that far, or of nobody who is asked.
        ((word(JS, 3),), {"js": 3}, False),
        ((word(JS, 3),), {"js": 4}, True),
        ((word(ZJ, 0),), {}, False),
        # What permits waits for the quorum, on either side.
        ((word(JS, 3),), {"js": (4, 3)}, False),
        ((word(JS, 3),), {"js": (9, 4)}, True),
        ((word(JS, 0),), {"sh": (1, 0)}, False),
        # What restricts counts as soon as it is verified.
        ((word(JS, 0), word(JS, 3, accepted=False)), {"js": (3, 3)}, True),
        ((word(JS, 0), word(JS, 3, accepted=False)), {"js": (4, 3)}, False),
        # A later acceptance does not undo an end before its quorum, and does after.
        ((word(JS, 0), word(JS, 3, accepted=False), word(JS, 4)), {"js": (5, 3)}, False),
        ((word(JS, 0), word(JS, 3, accepted=False), word(JS, 4)), {"js": (5, 5)}, True),
        # Saying the same again changes nothing.
        ((word(JS, 0), word(JS, 3)), {"js": (4, 3)}, True),
        # The last word is acceptance of this same version.
        ((word(JS, 0, V2),), {}, False),
        ((word(JS, 0), word(SH, 5, accepted=False)), {}, False),
    ],
)
def test_in_force(
    words: tuple[AgreementWordSaid, ...], sizes: dict[str, int], *, is_in_force: bool
) -> None:
    """A version is in force if the last word of every party's province accepts it."""
    found = agreement_in_force(history(*words), reaches(**sizes))
    assert (V1 if is_in_force else None) == (found and found.version_hash)


def test_new_version_replaces_once_all_accept() -> None:
    """A proposal takes back the author's word on the old version and waits for the others."""
    versions = (version(), version(version_hash=V2, index=4))
    proposed = history(word(SH, 4, V2), word(JS, 1), versions=versions)
    accepted = history(word(SH, 4, V2), word(JS, 1), word(JS, 6, V2), versions=versions)
    assert V1 == agreement_in_force(proposed, reaches(sh=4)).version_hash
    assert agreement_in_force(proposed, reaches(sh=5)) is None
    assert agreement_in_force(proposed, reaches(sh=(5, 4))) is None
    assert V2 == agreement_in_force(accepted, reaches()).version_hash
    assert V1 == agreement_in_force(accepted, reaches(sh=4, js=6)).version_hash
    assert agreement_in_force(accepted, reaches(sh=4)) is None


def test_every_party_province_is_asked() -> None:
    """Three provinces with parties need three acceptances; a log that is not pinned has none."""
    versions = (version(parties=(SH, "320500", ZJ)),)
    two = history(word(JS, 0), versions=versions)
    three = history(word(JS, 0), word(ZJ, 0), versions=versions)
    assert agreement_in_force(two, reaches()) is None
    assert agreement_in_force(three, reaches()) is not None
    unpinned = {SH: Reach(restrict_size=9, permit_size=9)}
    assert agreement_in_force(three, unpinned) is None


def test_agreements_in_force_are_sorted() -> None:
    """What is not in force is left out, the rest comes by id."""
    first = history(word(JS, 0), versions=(version(agreement_id="310000-A2"),))
    second = history(word(JS, 0), versions=(version(agreement_id="310000-A1"),))
    found = agreements_in_force([first, history(), second], reaches())
    assert ["310000-A1", "310000-A2"] == [each.agreement_id for each in found]


def test_pins_of_settlement_logs_say_nothing_here() -> None:
    """Pins give a registry log one size for both ends."""
    pins = {LogName.registry(SH): 7, LogName.settlement(SH, JS): 3}
    assert {SH: Reach(restrict_size=7, permit_size=7)} == reaches_of(pins)


def days(version_: AgreementVersion, **changes: object) -> int:
    """Return the days of October on which an agreement covers a settlement."""
    asked: dict[str, object] = {
        "home": JS,
        "home_division": "320505",
        "host_division": "310105",
        "kind": "CARE_BED",
        "month": OCTOBER,
    }
    return agreement_days([version_], **{**asked, **changes})


@pytest.mark.parametrize(
    "changes, asked, expected",
    [
        ({}, {}, ALL_DAYS),
        ({}, {"kind": "MEALS"}, 0),
        ({"scopes": frozenset({pb.AGREEMENT_SCOPE_CAREGIVER_QUALIFICATION})}, {}, 0),
        ({}, {"home": ZJ, "home_division": "330102"}, 0),
        ({}, {"host_division": "340102"}, 0),
        # Cities and districts cover what lies inside them and no more.
        ({"parties": (SH, "320500")}, {}, ALL_DAYS),
        ({"parties": (SH, "320100")}, {}, 0),
        ({"parties": ("310105", "320505")}, {"host_division": "310105001"}, ALL_DAYS),
        ({"parties": ("310105", "320505")}, {"host_division": "310101"}, 0),
        # Without an enrolment any party of the home province will do.
        ({"parties": (SH, "320100")}, {"home_division": None}, ALL_DAYS),
        ({"parties": (SH, "320100")}, {"home": ZJ, "home_division": None}, 0),
        # The window counts with both its days.
        ({"from_date": date(2026, 10, 31)}, {}, 1 << 30),
        ({"from_date": date(2026, 11, 1)}, {}, 0),
        ({"until_date": date(2026, 10, 1)}, {}, 1),
        ({"until_date": date(2026, 9, 30)}, {}, 0),
    ],
)
def test_agreement_days(
    changes: dict[str, object], asked: dict[str, object], expected: int
) -> None:
    """Days count if one agreement covers kind, home and host within its window."""
    assert expected == days(version(**changes), **asked)


def test_two_agreements_add_up_and_halves_do_not() -> None:
    """Days of several agreements add up, but one must cover both places by itself."""
    early = version(until_date=date(2026, 10, 10))
    late = version(from_date=date(2026, 10, 20))
    asked = {"home": JS, "home_division": "320505", "host_division": "310105"}
    found = agreement_days([early, late], kind="CARE_BED", month=OCTOBER, **asked)
    assert 10 + 12 == found.bit_count()
    halves = [version(parties=("310105", "320100")), version(parties=("310101", "320505"))]
    assert agreement_days(halves, kind="CARE_BED", month=OCTOBER, **asked) == 0


def test_divisions_change_within_a_month() -> None:
    """崇明县 became 崇明区 on 2016-07-22: its agreement goes on, by whatever code one asks."""
    july = ServiceMonth(year=2016, month=7)
    old = version(parties=("310230", JS), from_date=date(2016, 1, 1))
    for place in ("310230", "310151", "310151001"):
        assert july.full_mask == days(old, host_division=place, month=july)
    new = version(parties=("310151", JS), from_date=date(2016, 1, 1))
    assert july.mask(date(2016, 7, 22), None) == days(new, host_division="310230", month=july)


def test_merged_district_ends_its_agreement() -> None:
    """闸北 was merged into 静安 on 2015-11-04: its agreement covers nothing from that day."""
    november = ServiceMonth(year=2015, month=11)
    merged = version(parties=("310108", JS), from_date=date(2015, 1, 1))
    expected = november.mask(None, date(2015, 11, 3))
    assert expected == days(merged, host_division="310108", month=november)


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({}, ALL_DAYS),
        ({"institution_ids": frozenset({"310000-2"})}, 0),
        ({"from_date": date(2026, 10, 31)}, 1 << 30),
        ({"until_date": date(2026, 10, 1)}, 1),
        ({"withdrawn_date": date(2026, 10, 2)}, 1),
        ({"withdrawn_date": date(2026, 10, 1)}, 0),
        ({"withdrawn_date": date(2026, 11, 1)}, ALL_DAYS),
        ({"until_date": date(2026, 10, 5), "withdrawn_date": date(2026, 10, 9)}, 0b11111),
    ],
)
def test_listing_days(changes: dict[str, object], expected: int) -> None:
    """A listing opens an institution from its first day to its last or the day before its end."""
    fields: dict[str, object] = {
        "listing_id": "310000-L1",
        "institution_ids": frozenset({"310000-1"}),
        "from_date": date(2026, 1, 1),
        "until_date": None,
        "withdrawn_date": None,
    }
    listing = ListingStanding(**{**fields, **changes})
    found = listing_days([listing], institution_id="310000-1", month=OCTOBER)
    assert expected == found
