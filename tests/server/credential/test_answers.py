"""What bundles say of many kinds and of many measures: little, of the right ones, and in turns."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from deltacare.credential.bundle import BUNDLE_BYTES_MAX, ClassAnswer, NumberAnswer
from deltacare.credential.kinds import KindTable, KindWithoutOffice, offices
from deltacare.credential.offline import TrustedBundle
from deltacare.times import business_date
from deltacare.v1 import entry_pb2 as pb
from deltacare.v1.certification_service_pb2 import Verdict
from server.certification.facts import Facts, Outcome
from server.certification.rules import check
from server.credential import answers, bundles, kinds, packing
from server.credential.answers import Said
from server.credential.packing import Part, fit
from tests.support.phones import Phones
from tests.support.rooms import Rooms, agreement_body, certificate_body, equivalence_body
from tests.support.supervising import measure_body

HOST, ISSUER, OTHER = "310000", "320000", "330000"
NUMBERS = tuple(f"{ISSUER}-C{n}" for n in (1, 2, 3))
CITY = "320100"
DIVISIONS = (ISSUER, CITY, "320102", "320114", "320500", "320508", "320581", "320684", "321999")


def by_division(division: str, grade: str) -> str:
    """Return the number of the certificate that a division issued at a grade."""
    return f"{ISSUER}-D{division}{'23'[grade == '三级']}"


async def agreed(rooms: Rooms) -> None:
    """Let Shanghai recognise the caregivers of Jiangsu, who issued three; and issue one itself."""
    await rooms.agree(agreement_body())
    await rooms.declare(HOST, equivalence_body())
    await rooms.issue(ISSUER, *(certificate_body(number) for number in NUMBERS))
    await rooms.issue(HOST, certificate_body(f"{HOST}-C1"))


async def agreed_with_cities(rooms: Rooms) -> None:
    """Let Shanghai recognise caregivers of one city and one county of Jiangsu, by many offices."""
    await rooms.agree(agreement_body(parties=(HOST, CITY, "320581")))
    await rooms.declare(HOST, equivalence_body())
    await rooms.issue(
        ISSUER,
        *(
            certificate_body(
                by_division(each, grade),
                grade=grade,
                division_code="" if each == ISSUER else each,
            )
            for each in DIVISIONS
            for grade in ("三级", "二级")
        ),
    )


async def opened(rooms: Rooms) -> Phones:
    """Return the phones of rooms whose issuers have keys."""
    phones = Phones(rooms)
    for province in (ISSUER, HOST):
        await phones.publish_key(province)
        await rooms.spread(province)
    return phones


@pytest.fixture
async def phones(tmp_path: Path) -> AsyncIterator[Phones]:
    """Shanghai recognises the caregivers of Jiangsu, who has a key and issued three."""
    async with Rooms.laid(tmp_path, agreed) as rooms:
        yield await opened(rooms)


async def made(phones: Phones) -> TrustedBundle:
    """Return a bundle of Shanghai's, opened."""
    return phones.trusted(await phones.bundle(HOST))


# --- Kinds ----------------------------------------------------------------------------------------


async def test_offices_do_not_multiply(phones: Phones) -> None:
    """Of a province that is recognised one answer speaks for all its offices."""
    before = len((await made(phones)).content.classes)
    await phones.rooms.issue(
        ISSUER,
        *(certificate_body(f"{ISSUER}-D{n}", division_code=f"32{n:04}") for n in range(100, 180)),
    )
    await phones.rooms.spread(ISSUER)
    phones.rooms.nodes.clock.advance(timedelta(seconds=61))  # the list of before is behind
    text = await phones.issue(f"{ISSUER}-D150")
    bundle = await phones.bundle(HOST)
    content = phones.trusted(bundle).content
    assert (before, "VALID") == (len(content.classes), phones.check(text, bundle).verdict)


async def test_each_office_as_online(tmp_path: Path) -> None:
    """Where only parts of a province are recognised, each office has the verdict of the rules."""
    async with Rooms.laid(tmp_path, agreed_with_cities) as rooms:
        phones = await opened(rooms)
        bundle = await phones.bundle(HOST)
        verdicts = {}
        for division in DIVISIONS:
            for grade in ("三级", "二级"):
                number = by_division(division, grade)
                found = phones.check(await phones.issue(number), bundle)
                online = await rooms.check(HOST, number)
                assert (Verdict.Name(online.verdict), online.rule) == (
                    f"VERDICT_{found.verdict}",
                    found.rule,
                ), number
                verdicts[division] = found.verdict
        assert {CITY, "320102", "320114", "320581"} == {
            each for each, verdict in verdicts.items() if verdict == "VALID"
        }
        said = [(e.grade, e.division) for e in phones.trusted(bundle).content.classes]
        assert sorted((g, d) for g in ("三级", "二级") for d in (ISSUER, CITY, "320581")) == sorted(
            said
        )


async def test_a_state_is_asked_about_once(phones: Phones, monkeypatch: pytest.MonkeyPatch) -> None:
    """While no log grew and no day came, another bundle asks the rules nothing of kinds."""
    asked: list[Facts] = []

    def noted(facts: Facts) -> Outcome:
        asked.append(facts)
        return check(facts)

    monkeypatch.setattr(kinds, "check", noted)
    first = (await made(phones)).content
    assert asked
    asked.clear()
    phones.rooms.nodes.clock.advance(timedelta(seconds=20))
    second = (await made(phones)).content
    assert ([], first.classes, True) == (
        asked,
        second.classes,
        second.made_time > first.made_time,
    )
    for change in ("growth", "day", "age"):
        if change == "growth":
            await phones.rooms.revoke(ISSUER, NUMBERS[0], "2026-01-01")
            await phones.rooms.spread(ISSUER)
        else:
            phones.rooms.nodes.clock.advance(timedelta(hours=20 if change == "day" else 48))
        await made(phones)
        assert asked, change
        asked.clear()


async def test_others_get_turns(phones: Phones, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many kinds there are, few are asked about at once."""
    many = {
        KindWithoutOffice(issuer=ISSUER, subject="CAREGIVER", scheme=f"S{n}", grade="三级"): {
            ISSUER
        }
        for n in range(1_000)
    }
    service = phones.services[HOST]
    service._bundles._answers._kinds._offices[ISSUER] = many
    at_once = [0]

    def counted(facts: Facts) -> Outcome:
        at_once[-1] += 1
        return check(facts)

    async def others() -> None:
        while True:
            at_once.append(0)
            await asyncio.sleep(0)

    monkeypatch.setattr(kinds, "check", counted)
    running = asyncio.create_task(others())
    await phones.bundle(HOST, ISSUER)
    running.cancel()
    assert (True, True) == (sum(at_once) >= 2_000, max(at_once) <= 64), max(at_once)


async def test_the_excess_of_one_issuer(phones: Phones, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one issuer says too much is stale and said by name; others lose nothing."""
    await phones.rooms.issue(
        ISSUER,
        *(
            certificate_body(f"{ISSUER}-X{n}", grade="二级", division_code=f"3201{n:02}")
            for n in range(1, 60)
        ),
    )
    await phones.rooms.spread(ISSUER)
    texts = [await phones.issue(each) for each in (NUMBERS[0], f"{HOST}-C1")]
    await phones.bundle(HOST)
    monkeypatch.setattr(kinds, "KINDS_MAX", 1)
    monkeypatch.setattr(answers, "KINDS_MAX", 1)
    bundle = await phones.bundle(HOST)
    assert ["VALID", "VALID"] == [phones.check(t, bundle).verdict for t in texts]  # kept
    phones.open(HOST)
    bundle = await phones.bundle(HOST)
    content = phones.trusted(bundle).content
    assert (["STALE", "VALID"], (ISSUER,)) == (
        [phones.check(t, bundle).verdict for t in texts],
        content.left_out,
    )


async def test_what_a_message_carries(phones: Phones, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundle is never larger than that; who says most is left out of it first."""
    await phones.rooms.issue(ISSUER, *(certificate_body(f"{ISSUER}-R{n}") for n in range(120)))
    texts = [await phones.issue(each) for each in (NUMBERS[0], f"{HOST}-C1")]
    await phones.bundle(HOST)
    await phones.rooms.spread(ISSUER)
    await phones.bundle(HOST)
    phones.cut.add(ISSUER)
    for n in range(120):
        await phones.rooms.revoke(ISSUER, f"{ISSUER}-R{n}", "2026-01-01")
    await phones.rooms.spread(ISSUER)
    for most, expected in ((BUNDLE_BYTES_MAX, ["VALID", "VALID"]), (20_000, ["STALE", "VALID"])):
        monkeypatch.setattr(bundles, "BUNDLE_BYTES_MAX", most)
        bundle = await phones.bundle(HOST)
        assert (expected, True) == (
            [phones.check(t, bundle).verdict for t in texts],
            len(bundle) <= most,
        ), len(bundle)


async def test_the_newest_keys(phones: Phones, monkeypatch: pytest.MonkeyPatch) -> None:
    """An issuer that states keys without end takes no more room than for some of them."""
    newest = (await phones.publish_key(ISSUER)).key.key_id
    await phones.rooms.spread(ISSUER)
    monkeypatch.setattr(bundles, "KEYS_OF_ISSUER_MAX", 1)
    keys = (await made(phones)).content.keys
    assert [newest] == [each.key_id for each in keys if each.issuer == ISSUER]


# --- Measures -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [pb.MEASURE_KIND_WARNING, pb.MEASURE_KIND_BAN])
async def test_what_bars_nobody_here(
    phones: Phones, monkeypatch: pytest.MonkeyPatch, kind: int
) -> None:
    """A third province's measures, and what bars nobody any more, take nobody's room."""
    texts = [await phones.issue(number) for number in NUMBERS]
    await phones.rooms.spread(ISSUER)
    for place, number in enumerate(NUMBERS):
        for author in (OTHER, ISSUER):
            name = f"{author}-M{place}"
            await phones.rooms.take(author, measure_body(name, kind=kind, certificate_no=number))
            if author == ISSUER:
                await phones.rooms.lift(author, name, "2026-10-05")
    await phones.rooms.spread(OTHER)
    await phones.rooms.spread(ISSUER)
    monkeypatch.setattr(answers, "ASKED_MAX", 0)
    bundle = await phones.bundle(HOST)
    assert ["VALID"] * 3 == [phones.check(text, bundle).verdict for text in texts]


async def test_what_bars_somebody(phones: Phones) -> None:
    """The issuer's ban, the host's, and one from tomorrow on; each certificate once."""
    tomorrow = business_date(phones.now) + timedelta(days=1)
    texts = [await phones.issue(number) for number in NUMBERS]
    for author, place, first in (
        (ISSUER, 0, "2026-10-01"),
        (HOST, 1, "2026-10-01"),
        (ISSUER, 2, tomorrow.isoformat()),
    ):
        body = measure_body(f"{author}-M{place}", certificate_no=NUMBERS[place], from_date=first)
        await phones.rooms.take(author, body)
    await phones.rooms.spread(ISSUER)
    bundle = await phones.bundle(HOST)
    bad = "NOT_RECOGNISED_HERE"
    assert [bad, bad, "VALID"] == [phones.check(text, bundle).verdict for text in texts]
    said = phones.trusted(bundle).content.numbers
    assert list(NUMBERS) == [each.certificate_no for each in said]


async def test_only_what_differs_counts(phones: Phones, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked about and found good, or as its kind, takes no room."""
    texts = [await phones.issue(number) for number in NUMBERS]
    service = phones.services[HOST]
    known = frozenset(NUMBERS)

    async def all_hidden(*_: object, **__: object) -> frozenset[str]:
        return known

    monkeypatch.setattr(service._bundles._mirror, "hidden", all_hidden)
    monkeypatch.setattr(answers, "NUMBERS_MAX", 0)
    bundle = await phones.bundle(HOST)
    assert (["VALID"] * 3, ()) == (
        [phones.check(text, bundle).verdict for text in texts],
        phones.trusted(bundle).content.numbers,
    )


# --- Below the service ----------------------------------------------------------------------------


def row(issuer: str, **changes: str) -> ClassAnswer:
    """Return an answer about a kind."""
    fields = {"subject": "CAREGIVER", "scheme": "S", "grade": "三级", "division": issuer}
    return ClassAnswer(
        **{**fields, **changes},
        issuer=issuer,
        from_date=date(2026, 11, 1),
        until_date=date(2026, 11, 2),
        verdict="VALID",
        rule="R22-RECOGNISED",
        mapped_scheme="S",
        mapped_grade="三级",
    )


def test_the_narrowest_office_decides() -> None:
    """Of its own issuer only, and of nothing that is no division."""
    kind = KindWithoutOffice(issuer=ISSUER, subject="CAREGIVER", scheme="S", grade="三级")
    table = KindTable([row(ISSUER), row(ISSUER, division=CITY)])
    for division, expected in (
        ("320102", CITY),
        (CITY, CITY),
        ("320581", ISSUER),
        (ISSUER, ISSUER),
        ("330102", None),
        ("", None),
        ("32", None),
        ("３２０１０２", None),
    ):
        found = table.on(kind, division, date(2026, 11, 1))
        assert expected == (None if found is None else found.division), division
    assert table.on(kind, CITY, date(2026, 11, 3)) is None
    assert ("320102", CITY, ISSUER) == offices(ISSUER, "320102")


def test_shares() -> None:
    """Each issuer has its share and what others leave; nobody takes another's."""
    days = (date(2026, 11, 1), date(2026, 11, 2))

    def part(issuer: str, rows: int, numbers: int | None, lists: int = 0) -> Part:
        said = None
        if numbers is not None:
            said = tuple(
                NumberAnswer(
                    certificate_no=f"{issuer}-C{n}",
                    from_date=days[0],
                    until_date=days[1],
                    verdict="REVOKED",
                    rule="R07-REVOKED",
                    reason="",
                )
                for n in range(numbers)
            )
        many = tuple(row(issuer, division=f"{issuer[:2]}{n:04}") for n in range(rows))
        few = (row(issuer, grade="二级"),)
        return Part(issuer=issuer, lists_bytes=lists, said=Said.of(many + few, said), days=days)

    fitted = fit(
        [part(HOST, 9_000, 1), part(ISSUER, 3, 3), part(OTHER, 3, 9_000), part("340000", 1, None)],
        free_bytes=30_000,
    )
    assert {HOST, ISSUER} == fitted.keys()
    assert (4, 3, ()) == (
        len(fitted[ISSUER].classes),
        len(fitted[ISSUER].numbers),
        fitted[ISSUER].stale_kinds,
    )
    assert {("二级", "VALID"), ("三级", "STALE")} == {
        (each.grade, each.verdict) for each in fitted[HOST].classes
    }
    # What others leave may be used.
    assert {ISSUER, OTHER} == fit(
        [part(ISSUER, 1, 1, 1_000), part(OTHER, 1, 1, 8_000)], free_bytes=11_000
    ).keys()
    assert packing.fit([], free_bytes=0) == {}
