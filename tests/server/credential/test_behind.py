"""Status lists that are behind what the host knows: a bundle says what online checks say."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from deltacare.credential.offline import OfflineVerdict
from deltacare.credential.status_list import (
    LIST_PLACES,
    Status,
    new_list,
    set_status,
    verified_list,
)
from deltacare.ids import LogName
from deltacare.times import business_date
from deltacare.v1 import certification_service_pb2 as cert_pb
from deltacare.v1 import entry_pb2 as pb
from deltacare.v1.certification_service_pb2 import Verdict
from server.certification.projector import CertificationProjector
from server.credential import answers
from server.credential.mirror import Mirror, hidden_places
from server.credential.projector import CredentialProjector
from server.credential.status import LiveLists
from server.log.ports import Position
from server.registry.projector import RegistryProjector
from server.store.database import Database
from tests.support.certifying import certificate, reinstatement, revocation, suspension
from tests.support.phones import Phones
from tests.support.projecting import Book
from tests.support.rooms import (
    DUTY,
    Rooms,
    agreement_body,
    certificate_body,
    equivalence_body,
    request_id,
)

HOST, ISSUER, OTHER = "310000", "320000", "330000"
NUMBERS = tuple(f"{ISSUER}-C{n}" for n in (1, 2, 3))
LOG = LogName.registry(ISSUER)


async def recognised(rooms: Rooms) -> None:
    """Let Shanghai recognise the caregivers of Jiangsu, who issued three; issue one, state keys."""
    await rooms.agree(agreement_body())
    await rooms.declare(HOST, equivalence_body())
    await rooms.issue(ISSUER, *(certificate_body(number) for number in NUMBERS))
    await rooms.issue(HOST, certificate_body(f"{HOST}-C1"))
    phones = Phones(rooms)
    for province in (ISSUER, HOST):
        await phones.publish_key(province)


@pytest.fixture
async def phones(tmp_path: Path) -> AsyncIterator[Phones]:
    """Shanghai recognises the caregivers of Jiangsu, who has a key and issued three."""
    async with Rooms.laid(tmp_path, recognised) as rooms:
        opened = Phones(rooms)
        await opened.hold_keys(ISSUER, HOST)
        yield opened


async def suspend(phones: Phones, number: str, day: str) -> None:
    """Suspend a certificate of Jiangsu."""
    await phones.rooms.certification[ISSUER].suspend_certificate(
        cert_pb.SuspendCertificateRequest(
            request_id=request_id(),
            duty=DUTY,
            suspension=pb.CertificateSuspension(
                certificate_no=number, effective_date=day, reason="UNDER_REVIEW"
            ),
        ),
        phones.rooms.call(ISSUER, "Suspend"),
    )


async def reinstate(phones: Phones, number: str, day: str) -> None:
    """Reinstate a certificate of Jiangsu."""
    await phones.rooms.certification[ISSUER].reinstate_certificate(
        cert_pb.ReinstateCertificateRequest(
            request_id=request_id(),
            duty=DUTY,
            reinstatement=pb.CertificateReinstatement(
                certificate_no=number, effective_date=day, reason="CLEARED"
            ),
        ),
        phones.rooms.call(ISSUER, "Reinstate"),
    )


async def both(phones: Phones, text: str, number: str) -> tuple[str, str, OfflineVerdict]:
    """Return the verdict on the network, and by a bundle made now."""
    online = await phones.rooms.check(HOST, number)
    found = phones.check(text, await phones.bundle(HOST))
    name = Verdict.Name(online.verdict).removeprefix("VERDICT_")
    return f"{name} {online.rule}", f"{found.verdict} {found.rule}", found


async def test_issuer_gone(phones: Phones) -> None:
    """For as long as the kept list is not too old, every bundle made says what the log says."""
    text = await phones.issue(NUMBERS[0])
    assert "VALID" == phones.check(text, await phones.bundle(HOST)).verdict
    await phones.rooms.revoke(ISSUER, NUMBERS[0], "2026-01-01")
    await phones.rooms.spread(ISSUER)
    phones.cut.add(ISSUER)
    for minutes in (0, 2, 60, 600):
        phones.rooms.nodes.clock.advance(timedelta(minutes=minutes))
        online, offline, _ = await both(phones, text, NUMBERS[0])
        assert ("REVOKED R07-REVOKED", online) == (online, offline)


async def test_list_that_lies(phones: Phones) -> None:
    """What a list says that it takes in is not believed, of the present nor of days to come."""
    texts = [await phones.issue(number) for number in NUMBERS]
    await phones.bundle(HOST)
    good = verified_list((await phones.list_of(ISSUER)).token)
    await phones.rooms.revoke(ISSUER, NUMBERS[0], "2026-01-01")
    await suspend(phones, NUMBERS[1], "2026-01-01")
    await phones.rooms.spread(ISSUER)
    key = await phones.services[ISSUER]._tokens.signing_key(phones.now)  # the liar's
    for day in (0, 400):
        phones.rooms.nodes.clock.advance(timedelta(minutes=2))
        lie = replace(
            good,
            log_size=10**9,
            on_date=business_date(phones.now) + timedelta(days=day),
            issued_time=phones.now,
            expires_time=phones.now + timedelta(days=365),
        )
        phones.lying[ISSUER] = lie.to_jwt(key)
        bundle = await phones.bundle(HOST)
        assert ["REVOKED", "SUSPENDED", "VALID"] == [
            phones.check(text, bundle).verdict for text in texts
        ]
        assert 0 == phones.check(texts[0], bundle).list_age_s


async def test_restriction_that_begins_today(phones: Phones) -> None:
    """It was said in time, and the list that is kept is of the day before."""
    text = await phones.issue(NUMBERS[0])
    today = business_date(phones.now)
    await phones.rooms.revoke(ISSUER, NUMBERS[0], (today + timedelta(days=1)).isoformat())
    await phones.rooms.spread(ISSUER)
    assert "VALID" == phones.check(text, await phones.bundle(HOST)).verdict
    phones.cut.add(ISSUER)
    while business_date(phones.now) == today:
        phones.rooms.nodes.clock.advance(timedelta(hours=1))
    online, offline, found = await both(phones, text, NUMBERS[0])
    assert ("REVOKED R07-REVOKED", online, True) == (online, offline, (found.list_age_s or 0) > 0)


async def test_reinstated(phones: Phones) -> None:
    """A list that still restricts is left alone; the next that is fetched does not."""
    text = await phones.issue(NUMBERS[0])
    await suspend(phones, NUMBERS[0], "2026-01-01")
    await phones.rooms.spread(ISSUER)
    assert "SUSPENDED" == phones.check(text, await phones.bundle(HOST)).verdict
    await reinstate(phones, NUMBERS[0], "2026-01-02")
    await phones.rooms.spread(ISSUER)
    online, offline, _ = await both(phones, text, NUMBERS[0])
    assert ("VALID R22-RECOGNISED", "SUSPENDED R08-SUSPENDED") == (online, offline)
    phones.rooms.nodes.clock.advance(timedelta(seconds=6))
    online, offline, _ = await both(phones, text, NUMBERS[0])
    assert online == offline


async def test_list_behind_its_log_is_fetched_again(phones: Phones) -> None:
    """After five seconds and not after a minute; a log that only grew does not matter."""
    text = await phones.issue(NUMBERS[0])

    async def age() -> int | None:
        return phones.check(text, await phones.bundle(HOST)).list_age_s

    assert 0 == await age()
    await phones.rooms.issue(ISSUER, certificate_body(f"{ISSUER}-C4"))
    await phones.rooms.spread(ISSUER)
    phones.rooms.nodes.clock.advance(timedelta(seconds=6))
    assert 6 == await age()
    await phones.rooms.revoke(ISSUER, NUMBERS[1], "2026-01-01")
    await phones.rooms.spread(ISSUER)
    assert 0 == await age()
    # What does not answer is asked every five seconds, and not for every bundle.
    await phones.rooms.revoke(ISSUER, NUMBERS[2], "2026-01-01")
    await phones.rooms.spread(ISSUER)
    phones.cut.add(ISSUER)
    phones.rooms.nodes.clock.advance(timedelta(seconds=6))
    assert 6 == await age()
    phones.cut.clear()
    phones.rooms.nodes.clock.advance(timedelta(seconds=4))
    assert 10 == await age()
    phones.rooms.nodes.clock.advance(timedelta(seconds=1))
    assert 0 == await age()


async def test_own_certificates(phones: Phones) -> None:
    """The host's own list is as current as its log, with or without a network."""
    number = f"{HOST}-C1"
    text = await phones.issue(number)
    online, offline, _ = await both(phones, text, number)
    assert ("VALID R14-HOME", online) == (online, offline)
    await phones.rooms.revoke(HOST, number, "2026-01-01")
    online, offline, found = await both(phones, text, number)
    assert ("REVOKED R07-REVOKED", online, 0) == (online, offline, found.list_age_s)


async def test_too_much_to_say(phones: Phones, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then an issuer's certificates are stale, not half of them good; others are not touched."""
    texts = [await phones.issue(number) for number in NUMBERS]
    own = await phones.issue(f"{HOST}-C1")
    await phones.bundle(HOST)
    for number in NUMBERS[:2]:
        await phones.rooms.revoke(ISSUER, number, "2026-01-01")
    await phones.rooms.spread(ISSUER)
    for most, expected in ((2, ["REVOKED", "REVOKED", "VALID"]), (1, ["STALE"] * 3)):
        monkeypatch.setattr(answers, "NUMBERS_MAX", most)
        bundle = await phones.bundle(HOST)
        assert [*expected, "VALID"] == [phones.check(t, bundle).verdict for t in (*texts, own)]


async def test_edges_to_the_second(phones: Phones) -> None:
    """A list counts until before the second at which it expires, a bundle for its last second."""
    text = await phones.issue(NUMBERS[0])
    await phones.bundle(HOST)
    stale_after = timedelta(seconds=phones.rooms.nodes.trust.stale_after_s)
    second = timedelta(seconds=1)
    bundle = await phones.bundle(HOST)
    opened = phones.trusted(bundle)
    listed = opened.lists[ISSUER, 0]
    assert stale_after == listed.expires_time - listed.issued_time
    left = listed.expires_time - phones.now
    for later, expected in ((left - second, "VALID"), (left, "STALE"), (left + second, "STALE")):
        assert expected == phones.check(text, bundle, later=later).verdict
    # A list without an end, so that the age of the bundle alone decides.
    key = await phones.services[ISSUER]._tokens.signing_key(phones.now)  # the liar's
    endless = replace(listed, expires_time=listed.expires_time + timedelta(days=9))
    phones.lying[ISSUER] = endless.to_jwt(key)
    phones.rooms.nodes.clock.advance(timedelta(minutes=2))
    bundle = await phones.bundle(HOST)
    left = phones.trusted(bundle).content.made_time + stale_after - phones.now
    for later, expected in ((left, "VALID"), (left + timedelta.resolution, "STALE")):
        assert expected == phones.check(text, bundle, later=later).verdict
    ahead = phones.trusted(bundle).content.made_time - timedelta(minutes=5) - phones.now
    for later, expected in ((ahead, "VALID"), (ahead - timedelta.resolution, "STALE")):
        assert expected == phones.check(text, bundle, later=later).verdict


# --- Below the service ----------------------------------------------------------------------------


class _Held:
    """A reader that holds one log as far as a test says."""

    def __init__(self, size: int, quorum_size: int) -> None:
        self._position = Position(
            size=size,
            quorum_size=quorum_size,
            quorum_time=None,
            fresh_time=None,
            stalled=False,
            forked=False,
        )

    async def refresh(self) -> None:
        """Nothing came."""

    def position(self, log: LogName) -> Position:  # noqa: ARG002  # the port's
        """Return how far it is held."""
        return self._position


def hidden(database: Database, size: int, quorum: int, data: bytes, day: str) -> list[str]:
    """Return what a list hides of the first entries of Jiangsu's log."""
    reader = _Held(size, quorum)
    lists = LiveLists(own=HOST, database=database, reader=reader)  # type: ignore[arg-type]  # as far as it is asked
    mirror = Mirror(own=HOST, own_lists=lists, database=database, reader=reader)  # type: ignore[arg-type]  # the same
    found = mirror.hidden(ISSUER, {0: data}, date.fromisoformat(day), numbers_max=9)
    return sorted(asyncio.run(found))


def test_what_is_hidden(database: Database) -> None:
    """By size, by day and by quorum: a reinstatement that no quorum saw is asked about."""
    book = Book(database, RegistryProjector(), CertificationProjector(), CredentialProjector())
    book.say(
        ISSUER,
        certificate(),  # 0
        suspension("2026-10-05"),  # 1
        reinstatement("2026-10-08"),  # 2
        revocation("2026-10-20"),  # 3
    )
    number = certificate().certificate_no
    good, bad = bytes(1), bytes([Status.SUSPENDED])
    for size, quorum, data, day, expected in (
        (1, 1, good, "2026-10-05", []),
        (2, 2, good, "2026-10-04", []),
        (2, 2, good, "2026-10-05", [number]),
        (2, 2, bad, "2026-10-05", []),  # it says so itself
        (3, 3, good, "2026-10-09", []),
        (3, 2, good, "2026-10-09", [number]),  # not reinstated yet, by the rules
        (1, 0, good, "2026-10-01", [number]),  # not issued yet, by the rules
        (4, 4, good, "2026-10-19", []),
        (4, 4, good, "2026-10-20", [number]),
        (4, 4, b"", "2026-10-20", []),  # a list without this place is stale anyway
    ):
        assert expected == hidden(database, size, quorum, data, day), (size, quorum, data, day)


def test_hidden_places_are_those_one_by_one() -> None:
    """Runs that are passed over whole hide nothing, also where lists differ in length."""
    chance = random.Random(20_261_122)
    for count in (0, 1, 2_047, 2_048, 2_049, 9_001):
        known, shown = new_list(count), new_list(max(count - 5, 0) if count % 2 else count)
        for place in range(count):
            if chance.random() < 0.003:
                set_status(known, place, chance.choice((Status.INVALID, Status.SUSPENDED)))
            if place // 4 < len(shown) and chance.random() < 0.003:
                set_status(shown, place, Status.INVALID)
        expected = [
            place
            for place in range(min(len(known), len(shown)) * 4)
            if place // 4 < len(shown)
            and (known[place // 4] >> place % 4 * 2) & 3
            and not (shown[place // 4] >> place % 4 * 2) & 3
        ]
        assert expected == hidden_places(bytes(shown), bytes(known))
    assert LIST_PLACES // 4 == len(new_list(LIST_PLACES))
