"""Tests of the registry's rules: what is void, what is in force, and on which days."""

from datetime import date

import pytest

from deltacare.ids import LogName
from deltacare.times import ServiceMonth
from deltacare.v1 import entry_pb2 as pb
from server.registry import rules
from server.registry.in_force import (
    agreement_days,
    agreement_in_force,
    agreements_in_force,
    listing_days,
    matrix_cells,
)
from server.registry.rules import (
    judge_agreement,
    judge_answer,
    judge_claim,
    judge_institution,
    judge_institution_change,
    judge_listing,
    judge_publication,
    judge_withdrawal,
)
from server.registry.values import (
    AgreementHistory,
    AgreementVersion,
    AgreementWordSaid,
    InstitutionStanding,
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
    assert [f"G{n:02d}" for n in range(1, 23)] == [rule.code[:3] for rule in rules.RULES]
    for rule in rules.RULES:
        assert rule.zh.endswith("。")
        assert rule.en.endswith(".")
        assert rule.source


def standing(**changes: object) -> InstitutionStanding:
    """Return an open home in 徐汇 with 100 beds."""
    fields: dict[str, object] = {
        "index": 0,
        "state": pb.INSTITUTION_STATE_OPERATING,
        "state_date": "",
        "successor_ids": (),
        "division_code": "310105",
        "approved_beds": 100,
    }
    return InstitutionStanding(**{**fields, **changes})


CLOSED = pb.INSTITUTION_STATE_CLOSED


@pytest.mark.parametrize(
    "author, changes, expected",
    [
        (SH, {}, None),
        (SH, {"division_code": "310151001"}, None),
        (JS, {}, "G03"),
        (SH, {"division_code": "320102"}, "G04"),
        (SH, {"successor_ids": ["310000-2"]}, "G14"),
        (SH, {"successor_ids": ["310000-2"], "state": pb.INSTITUTION_STATE_SUSPENDED}, "G14"),
        (SH, {"successor_ids": ["310000-2"], "state": CLOSED}, None),
    ],
)
def test_institution(author: str, changes: dict[str, object], expected: str | None) -> None:
    """A province states the institutions of its own number and area; the closed have heirs."""
    assert expected == code(judge_institution(author, institution_body(**changes)))


@pytest.mark.parametrize(
    "successors, before, other, expected",
    [
        (["310000-2"], standing(), standing(), None),
        (["310000-2"], None, standing(), None),
        (["310000-2"], standing(), standing(state=pb.INSTITUTION_STATE_SUSPENDED), None),
        (["310000-2"], standing(), None, "G15"),
        (["320000-2"], standing(), standing(), "G15"),
        (["310000-1"], standing(), standing(), "G15"),
        (["310000-2"], standing(), standing(state=CLOSED), "G16"),
        # What was named while it was open stays, so that an address can still be mended.
        (["310000-2"], standing(successor_ids=("310000-2",)), standing(state=CLOSED), None),
    ],
)
def test_successors(
    successors: list[str],
    before: InstitutionStanding | None,
    other: InstitutionStanding | None,
    expected: str | None,
) -> None:
    """A successor is another one of the register, open when it is named."""
    body = institution_body(state=CLOSED, successor_ids=successors)
    given = {"310000-1": before, "310000-2": other}
    known = {key: each for key, each in given.items() if each is not None}
    assert expected == code(judge_institution_change(body, standing=known))


@pytest.mark.parametrize(
    "before, changes, expected",
    [
        (standing(), {}, None),
        (standing(state=pb.INSTITUTION_STATE_SUSPENDED), {}, None),
        (standing(state=CLOSED), {}, "G17"),
        (standing(state=CLOSED), {"state": CLOSED}, None),
        (standing(state=CLOSED), {"state_date": "2026-10-02"}, "G17"),
        (standing(state=CLOSED), {"state_reason": "IN_ERROR"}, "G17"),
        (standing(state=CLOSED), {"state_date": "2026-10-02", "state_reason": "IN_ERROR"}, None),
        (
            standing(state=CLOSED, state_date="2026-10-02"),
            {"state_date": "2026-10-02", "state_reason": "IN_ERROR"},
            None,
        ),
        (
            standing(state=CLOSED, state_date="2026-10-03"),
            {"state_date": "2026-10-02", "state_reason": "IN_ERROR"},
            "G17",
        ),
        (
            standing(state=CLOSED),
            {
                "state": pb.INSTITUTION_STATE_SUSPENDED,
                "state_date": "2026-10-02",
                "state_reason": "IN_ERROR",
            },
            None,
        ),
        (standing(state=CLOSED), {"state": pb.INSTITUTION_STATE_SUSPENDED}, "G17"),
    ],
)
def test_nobody_comes_back_in_silence(
    before: InstitutionStanding, changes: dict[str, object], expected: str | None
) -> None:
    """Coming back from being closed needs a day, not before the closing, and a reason."""
    body = institution_body(**changes)
    assert expected == code(judge_institution_change(body, standing={"310000-1": before}))


def test_no_chain_of_successors_leads_back() -> None:
    """Three that close one after the other cannot name each other in a circle."""
    ids = ["310000-1", "310000-2", "310000-3"]
    known = {each: standing() for each in ids}
    for one, heir, expected in zip(ids, [*ids[1:], ids[0]], [None, None, "G16"], strict=True):
        body = institution_body(one, state=CLOSED, successor_ids=[heir])
        assert expected == code(judge_institution_change(body, standing=known))
        if expected is None:
            known[one] = standing(state=CLOSED, successor_ids=(heir,))


@pytest.mark.parametrize(
    "author, ids, taken, registered, expected",
    [
        (SH, ("310000-1",), False, {"310000-1": standing()}, None),
        (JS, ("310000-1",), False, {"310000-1": standing()}, "G03"),
        (SH, ("320000-1",), False, {"320000-1": standing()}, "G03"),
        (SH, ("310000-1",), True, {"310000-1": standing()}, "G05"),
        (SH, ("310000-1", "310000-2"), False, {"310000-1": standing()}, "G06"),
        (SH, ("310000-1",), False, {"310000-1": standing(state=CLOSED)}, "G18"),
        (
            SH,
            ("310000-1",),
            False,
            {"310000-1": standing(state=pb.INSTITUTION_STATE_SUSPENDED)},
            None,
        ),
    ],
)
def test_listing(
    author: str,
    ids: tuple[str, ...],
    *,
    taken: bool,
    registered: dict[str, InstitutionStanding],
    expected: str | None,
) -> None:
    """A listing is new, and names the author's registered institutions that are not closed."""
    body = listing_body("310000-L1", *ids)
    assert expected == code(judge_listing(author, body, taken=taken, standing=registered))


@pytest.mark.parametrize(
    "totals, expected",
    [
        ((3, 2, 157), None),
        ((2, 2, 157), "G19"),
        ((3, 1, 157), "G19"),
        ((3, 3, 157), "G19"),
        ((3, 2, 156), "G19"),
        ((0, 0, 0), "G19"),
    ],
)
def test_control_totals(totals: tuple[int, int, int], expected: str | None) -> None:
    """Institutions, cities and beds each agree with the register; districts are of their city."""
    institutions, cities, beds = totals
    body = listing_body(
        "320000-L1",
        "320000-1",
        "320000-2",
        "320000-3",
        totals=pb.ControlTotals(
            institution_count=institutions, city_count=cities, approved_beds=beds
        ),
    )
    register = {
        "320000-1": standing(division_code="320102001"),
        "320000-2": standing(division_code="320506", approved_beds=50),
        "320000-3": standing(division_code="320505", approved_beds=7),
    }
    assert expected == code(judge_listing(JS, body, taken=False, standing=register))


@pytest.mark.parametrize(
    "named, changes, proposed, expected",
    [
        (b"", {}, None, None),
        (V1, {}, None, "G20"),
        (V1, {}, V1, None),
        (b"", {}, V1, "G20"),
        (V2, {}, V1, "G20"),
        (V1, {"until_date": "2026-12-31"}, V1, "G20"),
    ],
)
def test_publication_says_what_was_proposed(
    named: bytes, changes: dict[str, object], proposed: bytes | None, expected: str | None
) -> None:
    """What was proposed is published as its last proposal says, by its hash, or not at all."""
    proposal = None if proposed is None else (proposed, listing_body())
    body = listing_body(proposal_hash=named, **changes)
    assert expected == code(judge_publication(body, proposal=proposal))


@pytest.mark.parametrize(
    "author, institution, authority, attribute, expected",
    [
        (SH, "310000-1", pb.AUTHORITY_DIRECTORY, "approved_beds", None),
        (SH, "310000-1", pb.AUTHORITY_HEALTH, "approved_beds", None),
        (SH, "310000-1", pb.AUTHORITY_CIVIL_AFFAIRS, "approved_beds", "G21"),
        (SH, "310000-1", pb.AUTHORITY_CIVIL_AFFAIRS, "medical_facilities", None),
        (SH, "310000-1", pb.AUTHORITY_HEALTH, "medical_facilities", "G21"),
        (SH, "310000-1", pb.AUTHORITY_REGISTRAR, "unified_social_credit_code", "G21"),
        (JS, "310000-1", pb.AUTHORITY_DIRECTORY, "approved_beds", None),
        (JS, "310000-1", pb.AUTHORITY_HEALTH, "approved_beds", "G22"),
        (JS, "310000-1", pb.AUTHORITY_CIVIL_AFFAIRS, "approved_beds", "G21"),
    ],
)
def test_claim(
    author: str, institution: str, authority: int, attribute: str, expected: str | None
) -> None:
    """Anybody claims anything of anyone's institutions, but an owner states what it owns."""
    body = pb.InstitutionClaim(institution_id=institution, authority=authority, attribute=attribute)
    assert expected == code(judge_claim(author, body))


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


TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    "parties, expected",
    [
        # 13 districts of 16 and a city, each by itself.
        (("310101", "320500"), [("310101", "320500")]),
        # A wider division binds what lies inside it.
        (("310000", "320500"), [("310101", "320500"), ("310115", "320500")]),
        (("310000", "320000"), [("310101", "320500"), ("310115", "320500")]),
        # A narrower one binds no more than itself.
        (("310101", "320506"), []),
        # An abolished district binds nobody; one that only changed its code goes on.
        (("310103", "320500"), []),
        (("330000", "320500"), []),
    ],
)
def test_matrix(parties: tuple[str, ...], expected: list[tuple[str, str]]) -> None:
    """A pair has an agreement if parties cover both, by themselves or as wider divisions."""
    cells = matrix_cells(
        [version(parties=parties)],
        rows=("310101", "310115"),
        columns=("320500", "340100"),
        on_date=TODAY,
    )
    assert {pair: ["310000-A1"] for pair in expected} == cells


def test_matrix_of_a_province_with_itself() -> None:
    """One party does not make its own districts partners; two parties of one province do."""
    rows = ("310101", "310115")
    wide, narrow = (
        matrix_cells([version(parties=parties)], rows=rows, columns=rows, on_date=TODAY)
        for parties in ((SH, JS), (*rows, JS))
    )
    assert {} == wide
    assert {("310101", "310115"), ("310115", "310101")} == set(narrow)


def test_matrix_on_a_past_day() -> None:
    """卢湾 was merged into 黄浦 on 2011-06-08: until the day before, its agreement held there."""
    cells = [
        matrix_cells(
            [version(parties=("310103", "320500"))],
            rows=("310103",),
            columns=("320500",),
            on_date=day,
        )
        for day in (date(2011, 6, 7), date(2011, 6, 8))
    ]
    assert [{("310103", "320500"): ["310000-A1"]}, {}] == cells
