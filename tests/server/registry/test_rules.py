"""Tests of the registry's rules: what is void, what is in force, and on which days."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from deltacare.ids import LogName
from deltacare.times import ServiceMonth
from deltacare.v1 import entry_pb2 as pb
from server.registry import rules
from server.registry.closings import ClosingSaid
from server.registry.in_force import (
    agreement_days,
    agreement_in_force,
    agreement_words_in_force,
    agreements_in_force,
    holds_on,
    listing_days,
    matrix_cells,
)
from server.registry.rules import (
    closed_throughout,
    judge_agreement,
    judge_answer,
    judge_claim,
    judge_end,
    judge_institution,
    judge_institution_change,
    judge_listing,
    judge_publication,
    judge_withdrawal,
    totals_of,
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
V1, V2, V3 = b"1" * 32, b"2" * 32, b"3" * 32
DAY = date(2026, 11, 22)


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
    province: str, index: int, version_hash: bytes = V1, *, accepted: bool = True, ends: date = DAY
) -> AgreementWordSaid:
    """Return a word; an end is from the day that is asked about, unless another is named."""
    return AgreementWordSaid(
        province=province,
        index=index,
        version_hash=version_hash,
        ended_date=None if accepted else ends,
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
    assert [f"G{n:02d}" for n in range(1, 24)] == [rule.code[:3] for rule in rules.RULES]
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
        # A closing has its days: see below.
        (SH, ("310000-1",), False, {"310000-1": standing(state=CLOSED)}, None),
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
    assert expected == code(
        judge_listing(author, body, taken=taken, standing=registered, closed={})
    )


def closing(day: str, *, index: int = 0) -> ClosingSaid:
    """Return that a register closes an institution from a day on."""
    return ClosingSaid(
        index=index, is_closed=True, from_date=date.fromisoformat(day), reason="MERGED"
    )


def coming_back(day: str, *, index: int = 1) -> ClosingSaid:
    """Return that an institution comes back on a day."""
    return ClosingSaid(
        index=index, is_closed=False, from_date=date.fromisoformat(day), reason="IN_ERROR"
    )


@pytest.mark.parametrize(
    "days, said, expected",
    [
        # It closes while it is listed, or had been listed before it closed.
        (("2026-01-01", ""), (closing("2027-01-01"),), None),
        (("2024-01-01", "2024-06-30"), (closing("2024-12-31"),), None),
        (("2026-12-31", "2027-06-30"), (closing("2027-01-01"),), None),
        (("2027-01-01", "2027-06-30"), (closing("2027-01-01"),), "G18"),
        (("2027-01-01", ""), (closing("2027-01-01"),), "G18"),
        # It comes back while it is listed, on the day after, or closes again at once.
        (("2027-01-01", ""), (closing("2027-01-01"), coming_back("2027-07-01")), None),
        (("2027-01-01", "2027-07-01"), (closing("2027-01-01"), coming_back("2027-07-01")), None),
        (("2027-01-01", "2027-06-30"), (closing("2027-01-01"), coming_back("2027-07-01")), "G18"),
        (
            ("2027-02-01", ""),
            (closing("2027-01-01"), coming_back("2027-07-01"), closing("2027-07-01", index=2)),
            "G18",
        ),
        (
            ("2027-02-01", ""),
            (closing("2027-01-01"), coming_back("2027-07-01"), closing("2027-07-02", index=2)),
            None,
        ),
    ],
)
def test_listing_of_the_closed(
    days: tuple[str, str], said: tuple[ClosingSaid, ...], expected: str | None
) -> None:
    """A listing is refused where it opens an institution on no day on which it is not closed."""
    body = listing_body("310000-L1", "310000-1", from_date=days[0], until_date=days[1])
    registered = {"310000-1": standing(state=CLOSED)}
    closed = {"310000-1": said}
    assert expected == code(
        judge_listing(SH, body, taken=False, standing=registered, closed=closed)
    )
    assert (["310000-1"] if expected else []) == list(closed_throughout(body, closed))


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
    assert expected == code(judge_listing(JS, body, taken=False, standing=register, closed={}))


@pytest.mark.parametrize(
    "author, divisions, cities",
    [
        # Known by its province alone, an institution stands in no city that is known.
        (ZJ, (ZJ, "330106"), 1),
        (ZJ, (ZJ, ZJ), 0),
        (ZJ, ("330106", "330100", "330203"), 2),
        # A municipality is one city.
        (SH, (SH, "310105"), 1),
        (SH, (SH, "310230"), 1),
    ],
)
def test_cities_are_those_known(author: str, divisions: tuple[str, ...], cities: int) -> None:
    """The total of cities counts different cities, and no province as one."""
    register = {f"{author}-{n}": standing(division_code=d) for n, d in enumerate(divisions)}
    body = listing_body(f"{author}-L1", *register)
    assert cities == totals_of(body, register).city_count


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
    "author, known, withdrawn, day, expected",
    [
        (SH, True, None, "2026-10-05", None),
        (JS, True, None, "2026-10-05", "G03"),
        (SH, False, None, "2026-10-05", "G07"),
        (SH, True, date(2026, 10, 5), "2026-10-04", None),
        (SH, True, date(2026, 10, 5), "2026-10-05", "G08"),
        (SH, True, date(2026, 10, 5), "2026-10-06", "G08"),
    ],
)
def test_withdrawal(
    author: str, *, known: bool, withdrawn: date | None, day: str, expected: str | None
) -> None:
    """Only a listing of the author is withdrawn; again only from an earlier day."""
    body = pb.ListingWithdrawal(listing_id="310000-L1", effective_date=day)
    assert expected == code(judge_withdrawal(author, body, known=known, withdrawn_date=withdrawn))


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
    "day, expected",
    [("2026-11-21", "G23"), ("2026-11-22", None), ("2026-11-23", None), ("2062-01-01", None)],
)
def test_no_past_day_is_ended(day: str, expected: str | None) -> None:
    """One party takes back no day that has passed; accepting names no day."""
    ended = pb.AgreementAnswer(word=pb.AGREEMENT_WORD_ENDED, effective_date=day)
    assert expected == code(judge_end(ended, stated_date=DAY))
    accepted = pb.AgreementAnswer(word=pb.AGREEMENT_WORD_ACCEPTED)
    assert judge_end(accepted, stated_date=DAY) is None


E1, E2 = date(2026, 12, 1), date(2026, 12, 20)


def end_of(province: str, index: int, ends: date, version_hash: bytes = V1) -> AgreementWordSaid:
    """Return an end."""
    return word(province, index, version_hash, accepted=False, ends=ends)


ONE_DAY = timedelta(days=1)
LATER_OF = (version(), version(version_hash=V2, index=4, from_date=E2))
JOINED = (version(), version(version_hash=V2, index=4, parties=(SH, JS, ZJ)))


@pytest.mark.parametrize(
    "said, sizes, spans",
    [
        # What was before the day stays; the day itself is the first without.
        ((end_of(JS, 3, E1),), {}, [(1, None, E1)]),
        ((end_of(SH, 3, E1),), {}, [(1, None, E1)]),
        # An end restricts: verified is enough. What is not verified is nothing.
        ((end_of(JS, 3, E1),), {"js": (4, 3)}, [(1, None, E1)]),
        ((end_of(JS, 3, E1),), {"js": 3}, [(1, None, None)]),
        # Of several the earliest, whoever said it and in whatever order.
        ((end_of(JS, 3, E1), end_of(JS, 4, E2)), {}, [(1, None, E1)]),
        ((end_of(JS, 3, E2), end_of(JS, 4, E1)), {}, [(1, None, E1)]),
        ((end_of(JS, 3, E2), end_of(SH, 4, E1)), {}, [(1, None, E1)]),
        ((end_of(JS, 3, E1), end_of(SH, 4, E2)), {}, [(1, None, E1)]),
        # Accepted anew, it goes on as if nobody had ended it; under no quorum, it does not.
        ((end_of(JS, 3, E1), word(JS, 4)), {}, [(1, None, None)]),
        ((end_of(JS, 3, E1), word(JS, 4)), {"js": (5, 4)}, [(1, None, E1)]),
        ((end_of(JS, 3, E1), word(JS, 4), end_of(JS, 5, E2)), {}, [(1, None, E2)]),
        ((end_of(JS, 3, E1), end_of(SH, 4, E2), word(JS, 4)), {}, [(1, None, E2)]),
        # An end before the first day leaves nothing.
        ((end_of(JS, 3, date(2026, 1, 1)),), {}, []),
        ((end_of(JS, 3, date(2025, 1, 1)),), {}, []),
    ],
)
def test_ended_from_a_day(
    said: tuple[AgreementWordSaid, ...],
    sizes: dict[str, int | tuple[int, int]],
    spans: list[tuple[int, date | None, date | None]],
) -> None:
    """An end takes the days from its own on, and none before it."""
    assert_spans(history(word(JS, 1), *said), sizes, spans)


@pytest.mark.parametrize(
    "versions, said, spans",
    [
        # An end of the newest is an end of what it replaced, and of what it is to replace.
        (
            LATER_OF,
            (word(JS, 6, V2), end_of(JS, 7, E1, V2)),
            [(1, None, E1)],
        ),
        (
            LATER_OF,
            (word(JS, 6, V2), end_of(JS, 7, date(2027, 2, 1), V2)),
            [(1, None, E2), (2, E2, date(2027, 2, 1))],
        ),
        # The version before is ended from a day, and a new one begins then, before, or later.
        (LATER_OF, (end_of(JS, 3, E2), word(JS, 6, V2)), [(1, None, E2), (2, E2, None)]),
        (LATER_OF, (end_of(JS, 3, E1), word(JS, 6, V2)), [(1, None, E1), (2, E2, None)]),
        (
            LATER_OF,
            (end_of(JS, 3, date(2027, 2, 1)), word(JS, 6, V2)),
            [(1, None, E2), (2, E2, None)],
        ),
        # A party that joined with an amendment leaves: from then those before it have theirs.
        (
            JOINED,
            (word(JS, 6, V2), word(ZJ, 1, V2), end_of(ZJ, 2, E1, V2)),
            [(2, None, E1), (1, E1, None)],
        ),
        (
            (replace(JOINED[0], until_date=date(2026, 12, 10)), JOINED[1]),
            (word(JS, 6, V2), word(ZJ, 1, V2), end_of(ZJ, 2, E1, V2)),
            [(2, None, E1), (1, E1, date(2026, 12, 11))],
        ),
        # The last day of a version that is over by itself is no other for an end after it.
        (
            (version(until_date=date(2026, 11, 30)),),
            (end_of(JS, 3, E2),),
            [(1, None, E1)],
        ),
    ],
)
def test_versions_ended_from_a_day(
    versions: tuple[AgreementVersion, ...],
    said: tuple[AgreementWordSaid, ...],
    spans: list[tuple[int, date | None, date | None]],
) -> None:
    """Each day has the newest version that all accept for it."""
    proposals = tuple(word(SH, each.index, each.version_hash) for each in versions[1:])
    assert_spans(history(word(JS, 1), *proposals, *said, versions=versions), {}, spans)


def assert_spans(
    said: AgreementHistory,
    sizes: dict[str, int | tuple[int, int]],
    spans: list[tuple[int, date | None, date | None]],
) -> None:
    """Compare which version has which days: from its own first, to the day before another."""
    expected = [
        ((V1, V2)[number - 1], first or date(2026, 1, 1), over and over - ONE_DAY)
        for number, first, over in spans
    ]
    found = agreements_in_force([said], reaches(**sizes))
    assert sorted(expected, key=lambda each: each[1]) == [
        (each.version_hash, each.from_date, each.until_date) for each in found
    ]
    for version_hash, first, last in expected:
        for day in (first, *([last] if last else [date(2062, 1, 1)])):
            on_day = agreement_in_force(said, reaches(**sizes), day)
            assert on_day is not None
            assert version_hash == on_day.version_hash


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
        # Accepting another version is not accepting this one, and an end is either side's.
        ((word(JS, 0, V2),), {}, False),
        ((word(JS, 0), word(SH, 5, accepted=False)), {}, False),
    ],
)
def test_in_force(
    words: tuple[AgreementWordSaid, ...], sizes: dict[str, int], *, is_in_force: bool
) -> None:
    """A version is in force if every party's province accepts it and has not ended it since."""
    found = agreement_in_force(history(*words), reaches(**sizes), DAY)
    assert (V1 if is_in_force else None) == (found and found.version_hash)


AMENDED = (version(), version(version_hash=V2, index=4))
LATER = (version(), version(version_hash=V2, index=4, from_date=date(2027, 1, 1)))
PROPOSED = word(SH, 4, V2)
ACCEPTED = word(JS, 6, V2)


def found_on(history_: AgreementHistory, day: date = DAY, **sizes: int | tuple[int, int]) -> int:
    """Return which version is in force on a day, from 1; 0 if none."""
    found = agreement_in_force(history_, reaches(**sizes), day)
    return 0 if found is None else (V1, V2, V3).index(found.version_hash) + 1


@pytest.mark.parametrize(
    "words, sizes, expected",
    [
        # A proposal takes nothing back, on whichever side of its quorum it stands.
        ((PROPOSED,), {}, 1),
        ((PROPOSED,), {"sh": (5, 4)}, 1),
        # It replaces once everybody accepted it under a quorum, its proposal as well.
        ((PROPOSED, ACCEPTED), {}, 2),
        ((PROPOSED, ACCEPTED), {"js": 6}, 1),
        ((PROPOSED, ACCEPTED), {"js": (7, 6)}, 1),
        ((PROPOSED, ACCEPTED), {"sh": 4}, 1),
        ((PROPOSED, ACCEPTED), {"sh": (5, 4)}, 1),
        # An end ends what it names and what was before it, by whichever side, once it is verified.
        ((PROPOSED, word(JS, 6, V2, accepted=False)), {}, 0),
        ((PROPOSED, word(JS, 6, V2, accepted=False)), {"js": (7, 6)}, 0),
        ((PROPOSED, word(JS, 6, V2, accepted=False)), {"js": 6}, 1),
        ((PROPOSED, ACCEPTED, word(SH, 8, V2, accepted=False)), {}, 0),
        ((word(JS, 3, accepted=False), PROPOSED), {}, 0),
        # The end of an earlier version leaves a later one.
        ((PROPOSED, ACCEPTED, word(JS, 8, V1, accepted=False)), {}, 2),
        ((word(JS, 3, accepted=False), PROPOSED, ACCEPTED), {}, 2),
        # What is not known to be an earlier version can only be a later one.
        ((PROPOSED, ACCEPTED, word(JS, 8, V3, accepted=False)), {}, 0),
        # Accepted again after an end, it is accepted, and what was before stays ended.
        ((PROPOSED, word(JS, 6, V2, accepted=False), word(JS, 7, V2)), {}, 2),
        ((PROPOSED, word(JS, 6, V2, accepted=False), word(JS, 7, V2)), {"sh": 4}, 0),
        ((PROPOSED, word(JS, 6, V2, accepted=False), word(JS, 7, V2)), {"js": (8, 7)}, 0),
    ],
)
def test_amended(
    words: tuple[AgreementWordSaid, ...], sizes: dict[str, int], expected: int
) -> None:
    """A version holds until all accepted a later one; only an end takes away."""
    said = history(word(JS, 1), *words, versions=AMENDED)
    assert expected == found_on(said, **sizes)


@pytest.mark.parametrize(
    "versions, day, expected",
    [
        (LATER, date(2026, 12, 31), 1),
        (LATER, date(2027, 1, 1), 2),
        # A window that has ended before, or that ends later, is what it was.
        ((version(until_date=date(2026, 10, 31)), LATER[1]), date(2026, 10, 31), 1),
        ((version(until_date=date(2026, 10, 31)), LATER[1]), date(2026, 11, 1), 0),
        ((version(until_date=date(2028, 1, 1)), LATER[1]), date(2027, 1, 1), 2),
        # What was replaced does not come back when its successor's last day has passed.
        ((AMENDED[0], replace(AMENDED[1], until_date=DAY)), DAY, 2),
        ((AMENDED[0], replace(AMENDED[1], until_date=DAY)), date(2026, 12, 1), 0),
        # A later version that begins earlier leaves nothing of the one before it.
        ((LATER[1], replace(AMENDED[0], index=5)), DAY, 1),
        ((LATER[1], replace(AMENDED[0], index=5)), date(2027, 1, 1), 1),
        # Of three the middle one has its days.
        ((*LATER, version(version_hash=V3, index=5, from_date=DAY)), date(2027, 1, 1), 3),
        ((*LATER, version(version_hash=V3, index=5, from_date=DAY)), date(2026, 1, 1), 1),
        ((*LATER, version(version_hash=V3, index=5, from_date=date(2028, 1, 1))), DAY, 1),
        (
            (*LATER, version(version_hash=V3, index=5, from_date=date(2028, 1, 1))),
            date(2027, 12, 31),
            2,
        ),
    ],
)
def test_each_version_has_its_days(
    versions: tuple[AgreementVersion, ...], day: date, expected: int
) -> None:
    """The newest accepted version that has begun is in force; a night's windows say the same."""
    said = AgreementHistory(
        versions=versions,
        words=tuple(
            word(author, index, each)
            for author in (SH, JS)
            for index, each in enumerate((V1, V2, V3))
        ),
    )
    assert expected == found_on(said, day)
    holding = [each for each in agreements_in_force([said], reaches()) if holds_on(each, day)]
    assert ([(V1, V2, V3)[expected - 1]] if expected else []) == [
        each.version_hash for each in holding
    ]


def test_words_in_force_are_acceptances_of_that_version() -> None:
    """What a verdict names are the words on the version in force, not on an open amendment."""
    said = history(word(JS, 1), word(JS, 3), PROPOSED, versions=AMENDED)
    found = agreement_in_force(said, reaches(), DAY)
    assert found is not None
    words = agreement_words_in_force(said, found, reaches())
    assert [(SH, 0), (JS, 3)] == [(each.province, each.index) for each in words]


def test_a_month_has_the_days_of_both_versions() -> None:
    """A night settles each day under the version in force on it."""
    second = version(
        version_hash=V2, index=4, from_date=date(2026, 10, 11), subsidy_kinds=frozenset({"MEALS"})
    )
    said = history(word(JS, 1), PROPOSED, ACCEPTED, versions=(version(), second))
    asked = {"home": JS, "home_division": "320505", "host_division": "310105", "month": OCTOBER}
    found = agreements_in_force([said], reaches())
    first_days = OCTOBER.mask(OCTOBER.first_date, date(2026, 10, 10))
    assert first_days == agreement_days(found, kind="CARE_BED", **asked)
    assert ALL_DAYS & ~first_days == agreement_days(found, kind="MEALS", **asked)


def test_every_party_province_is_asked() -> None:
    """Three provinces with parties need three acceptances; a log that is not pinned has none."""
    versions = (version(parties=(SH, "320500", ZJ)),)
    two = history(word(JS, 0), versions=versions)
    three = history(word(JS, 0), word(ZJ, 0), versions=versions)
    assert agreement_in_force(two, reaches(), DAY) is None
    assert agreement_in_force(three, reaches(), DAY) is not None
    unpinned = {SH: Reach(restrict_size=9, permit_size=9)}
    assert agreement_in_force(three, unpinned, DAY) is None


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
