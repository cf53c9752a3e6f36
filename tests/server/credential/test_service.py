"""Keys, phone forms, status lists and bundles at four nodes, checked by a verifier of its own."""

import hashlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from clients.credential.offline import signed_time
from deltacare.credential.bundle import OfflineBundle
from deltacare.credential.certificate import CERTIFICATE_TYPE
from deltacare.credential.offline import check_offline
from deltacare.credential.sd_jwt import present
from deltacare.credential.status_list import decompress_list, status_at, verified_list
from deltacare.errors import DeltacareError, Reason
from deltacare.ids import LogName
from deltacare.times import business_date
from deltacare.v1 import entry_pb2 as pb
from deltacare.v1.credential_service_pb2 import ListCredentialKeysRequest
from server.certification.salts import SaltStore
from tests.support.phones import HOLDER, Phones
from tests.support.ports import SeededEntropy
from tests.support.rooms import Rooms, agreement_body, certificate_body, equivalence_body
from tests.support.supervising import measure_body

HOST, ISSUER = "310000", "320000"


async def recognised(rooms: Rooms) -> None:
    """Let Shanghai recognise the caregivers of Jiangsu, who issued three; both state keys."""
    await rooms.agree(agreement_body())
    await rooms.declare(HOST, equivalence_body())
    await rooms.issue(ISSUER, *(certificate_body(f"320000-C{n}") for n in (1, 2, 3)))
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


async def test_phone_form_verifies_offline(phones: Phones) -> None:
    """Valid with its mapped grade and the holder's name; another name is a mismatch."""
    text, bundle = await phones.issue("320000-C1"), await phones.bundle(HOST)
    found = phones.check(text, bundle, holder_name="示例甲")
    assert ("VALID", "R22-RECOGNISED", "SH_CAREGIVER", "中级", HOLDER) == (
        found.verdict,
        found.rule,
        found.mapped_scheme,
        found.mapped_grade,
        found.shown.holder_name if found.shown else None,
    ), found.fault
    assert "HOLDER_MISMATCH" == phones.check(text, bundle, holder_name="示例乙").verdict
    hidden = present(text, (), typ=CERTIFICATE_TYPE)
    assert "VALID" == phones.check(hidden, bundle).verdict
    assert "HOLDER_MISMATCH" == phones.check(hidden, bundle, holder_name=HOLDER).verdict


async def test_no_name_is_kept(phones: Phones) -> None:
    """Without a value in the vault there is nothing to show, and a holder asked for mismatches."""
    phones.names[ISSUER].name = None
    text, bundle = await phones.issue("320000-C1"), await phones.bundle(HOST)
    assert ("VALID", "HOLDER_MISMATCH") == (
        phones.check(text, bundle).verdict,
        phones.check(text, bundle, holder_name=HOLDER).verdict,
    )


async def test_only_the_name_of_the_certificate_is_signed(phones: Phones) -> None:
    """Another one in the vault is refused; one that cannot be compared is left out."""
    phones.names[ISSUER].name = "示例乙"
    with pytest.raises(DeltacareError) as caught:
        await phones.issue("320000-C1")
    assert (Reason.RULE_REFUSED, False) == (caught.value.reason, "示例乙" in str(caught.value))
    phones.names[ISSUER].name = HOLDER
    phones.rooms.salts[ISSUER] = SaltStore(b"\1" * 32, SeededEntropy())
    phones.open(ISSUER)
    text, bundle = await phones.issue("320000-C1"), await phones.bundle(HOST)
    shown = phones.check(text, bundle).shown
    assert (True, None) == (shown is not None, shown and shown.holder_name)


async def test_every_verdict(phones: Phones) -> None:
    """Revoked, suspended, not recognised, stale: the same words as online."""
    texts = {n: await phones.issue(f"320000-C{n}") for n in (1, 2, 3)}
    old = await phones.bundle(HOST)
    await phones.rooms.revoke(ISSUER, "320000-C1", "2026-01-01")
    phones.rooms.nodes.clock.advance(timedelta(hours=2))
    new = await phones.bundle(HOST)
    assert "VALID" == phones.check(texts[1], old).verdict  # the bundle of before says so
    assert ("REVOKED", "VALID") == tuple(phones.check(texts[n], new).verdict for n in (1, 2))
    # The age of the list and of the bundle.
    late = phones.check(texts[2], new, later=timedelta(hours=25))
    assert ("STALE", 25 * 3600) == (late.verdict, late.bundle_age_s)
    assert "STALE" == phones.check(texts[2], new, later=-timedelta(hours=1)).verdict
    # A bundle that does not hold this issuer's list.
    own_only = await phones.bundle(HOST, HOST)
    assert "BAD_SIGNATURE" == phones.check(texts[2], own_only).verdict


async def test_a_ban_by_another_certificate_of_the_holder(phones: Phones) -> None:
    """A bundle speaks of every certificate of the line, whichever of them the ban is against."""
    text = await phones.issue("320000-C1")
    await phones.rooms.issue(
        ISSUER, certificate_body("320000-C9", grade="二级", predecessor_no="320000-C1")
    )
    measure = measure_body("320000-M1", certificate_no="320000-C9", from_date="2026-06-01")
    await phones.rooms.take(ISSUER, measure)
    await phones.rooms.spread(ISSUER)
    found = phones.check(text, await phones.bundle(HOST))
    assert ("NOT_RECOGNISED_HERE", "R12-BARRED") == (found.verdict, found.rule)


async def test_not_recognised_here(phones: Phones) -> None:
    """Zhejiang recognises nobody; what it says at home counts nothing elsewhere."""
    text = await phones.issue("320000-C1")
    bundle = await phones.bundle("330000")
    trusted = phones.trusted(bundle, "330000")
    found = check_offline(text, trusted, now=phones.now)
    assert ("NOT_RECOGNISED_HERE", "R18-NO-EQUIVALENCE") == (found.verdict, found.rule)


async def test_token_shows_a_revocation_at_once(phones: Phones) -> None:
    """Before any entry states the list, and the same token is served while nothing changed."""
    before = await phones.list_of(ISSUER)
    assert before.token == (await phones.list_of(ISSUER)).token
    await phones.rooms.revoke(ISSUER, "320000-C2", "2026-01-01")
    after = await phones.list_of(ISSUER, certificate_no="320000-C2")
    assert (True, 1, False) == (before.token != after.token, after.place, after.HasField("entry"))
    assert 1 == await phones.state(ISSUER)
    assert (await phones.list_of(ISSUER)).HasField("entry")


async def test_statements_are_coalesced(phones: Phones) -> None:
    """One at once, none within the minute behind it, then one for all that changed."""
    assert 1 == await phones.state(ISSUER)
    await phones.rooms.revoke(ISSUER, "320000-C1", "2026-01-01")
    await phones.rooms.revoke(ISSUER, "320000-C2", "2026-01-01")
    assert 0 == await phones.state(ISSUER)
    phones.open(ISSUER)  # a node that just came up, or another replica, keeps to it too
    assert 0 == await phones.state(ISSUER)
    phones.rooms.nodes.clock.advance(timedelta(seconds=61))
    assert (1, 0) == (await phones.state(ISSUER), await phones.state(ISSUER))


async def test_statement_that_was_not_committed(
    phones: Phones, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is due at once, not a minute later: nothing was stated."""
    database = phones.rooms.nodes[ISSUER].database
    real = database.write_now

    def broken(work: Callable[[Connection], object]) -> object:
        def then(connection: Connection) -> object:
            work(connection)
            raise OperationalError("COMMIT", {}, Exception("connection lost"))

        return real(then)

    monkeypatch.setattr(database, "write_now", broken)
    with pytest.raises(OperationalError):
        await phones.state(ISSUER)
    monkeypatch.setattr(database, "write_now", real)
    assert 1 == await phones.state(ISSUER)


async def test_partner_gone(phones: Phones) -> None:
    """The list that was kept goes into the bundle with its age; one never had leaves it stale."""
    text = await phones.issue("320000-C1")
    await phones.bundle(HOST)
    phones.cut.add(ISSUER)
    phones.rooms.nodes.clock.advance(timedelta(minutes=10))
    found = phones.check(text, await phones.bundle(HOST))
    assert ("VALID", 600, 0) == (found.verdict, found.list_age_s, found.bundle_age_s)
    never = await phones.bundle("330000")
    assert "STALE" == check_offline(text, phones.trusted(never, "330000"), now=phones.now).verdict


async def test_list_that_is_behind_its_log(phones: Phones) -> None:
    """What the log says already is in the bundle, though the issuer's list is the one kept."""
    texts = {n: await phones.issue(f"320000-C{n}") for n in (1, 2)}
    await phones.bundle(HOST)
    await phones.rooms.revoke(ISSUER, "320000-C1", "2026-01-01")
    await phones.rooms.spread(ISSUER)
    bundle = await phones.bundle(HOST)
    found = phones.check(texts[1], bundle)
    assert ("REVOKED", "R07-REVOKED", 0) == (found.verdict, found.rule, found.list_age_s)
    assert "VALID" == phones.check(texts[2], bundle).verdict
    phones.cut.add(ISSUER)
    assert "REVOKED" == phones.check(texts[1], await phones.bundle(HOST)).verdict


async def test_lying_partner_changes_nothing(phones: Phones) -> None:
    """Another province's list, or noise, is not kept in place of the right one."""
    text = await phones.issue("320000-C1")
    await phones.bundle(HOST)
    phones.rooms.nodes.clock.advance(timedelta(minutes=2))
    for lie in ("x" * 100_000, (await phones.list_of(ISSUER)).token[:-4] + "AAAA", "a.b.c"):
        phones.lying[ISSUER] = lie
        assert "VALID" == phones.check(text, await phones.bundle(HOST)).verdict


async def test_rotation_and_withdrawal(phones: Phones) -> None:
    """An old key verifies what it signed; one that is withdrawn verifies nothing."""
    old = await phones.issue("320000-C1")
    first = (
        (
            await phones.services[ISSUER].list_credential_keys(
                ListCredentialKeysRequest(province=ISSUER), phones.rooms.call(ISSUER)
            )
        )
        .keys[0]
        .key
    )
    second = (await phones.publish_key(ISSUER)).key
    new = await phones.issue("320000-C1")
    await phones.rooms.spread(ISSUER)
    phones.rooms.nodes.clock.advance(timedelta(seconds=61))
    bundle = await phones.bundle(HOST)
    assert first.key_id != second.key_id
    assert ["VALID", "VALID"] == [phones.check(t, bundle).verdict for t in (old, new)]
    await phones.publish_key(ISSUER, withdraw_key_id=first.key_id)
    await phones.rooms.spread(ISSUER)
    phones.rooms.nodes.clock.advance(timedelta(seconds=61))
    bundle = await phones.bundle(HOST)
    assert ["BAD_SIGNATURE", "VALID"] == [phones.check(t, bundle).verdict for t in (old, new)]


async def entry_at(phones: Phones, index: int) -> pb.Entry:
    """Return an entry of Jiangsu's log as Shanghai holds it."""
    node = phones.rooms.nodes[HOST]
    (raw,) = await node.database.read(
        lambda connection: node.logs.reader.entries(
            connection, LogName.registry(ISSUER), index, index + 1
        )
    )
    return pb.Entry.FromString(raw)


async def test_past_day_is_proved(phones: Phones) -> None:
    """Any node works a past list out again, and its hash is that of the entry."""
    await phones.state(ISSUER)
    today = business_date(phones.now).isoformat()
    await phones.rooms.revoke(ISSUER, "320000-C2", "2026-01-01")
    phones.rooms.nodes.clock.advance(timedelta(days=1))
    await phones.state(ISSUER)
    await phones.rooms.spread(ISSUER)
    tomorrow = business_date(phones.now).isoformat()
    for day, status in ((today, 0), (tomorrow, 1)):
        answer = await phones.list_of(HOST, certificate_no="320000-C2", on_date=day)
        data = decompress_list(answer.list)
        entry = await entry_at(phones, answer.entry.index)
        assert (status, hashlib.sha256(data).digest()) == (
            status_at(data, answer.place),
            entry.status_list.list_hash,
        )


async def test_refused(phones: Phones) -> None:
    """Another's certificate, one that nobody issued, a revoked one, and a private key."""
    await phones.rooms.revoke(ISSUER, "320000-C3", "2026-06-01")
    for number, fields, reason in (
        ("320000-C9", {}, Reason.NOT_FOUND),
        ("320000-C3", {}, Reason.RULE_REFUSED),
        ("320000-C1", {"holder_jwk": '{"kty":"EC","crv":"P-256","d":"AA"}'}, Reason.INVALID_FIELD),
    ):
        with pytest.raises(DeltacareError) as caught:
            await phones.issue(number, **fields)
        assert reason is caught.value.reason
    with pytest.raises(DeltacareError) as caught:
        await phones.list_of("330000")
    assert Reason.KEY_NOT_IN_FORCE is caught.value.reason


async def test_a_list_of_a_certificate_that_nobody_issued(phones: Phones) -> None:
    """What is missing is the certificate, and not a list."""
    with pytest.raises(DeltacareError) as caught:
        await phones.list_of(HOST, certificate_no="320000-NOPE", on_date="2026-06-01")
    assert (Reason.NOT_FOUND, "certificates/320000-NOPE") == (
        caught.value.reason,
        caught.value.details["name"],
    )


async def test_the_age_of_a_list_is_its_own(phones: Phones) -> None:
    """It counts from when its issuer signed it, wherever it was fetched since."""
    made = OfflineBundle.from_bytes(await phones.bundle(HOST))
    trusted = phones.trusted(made.to_bytes())
    assert made.content.lists
    assert [each.issued_time for each in trusted.lists.values()] == [
        signed_time(token) for token in made.tokens
    ]
    with pytest.raises(DeltacareError):
        signed_time("a.e30.b")


async def test_revoked_from_a_later_day(phones: Phones) -> None:
    """It is good until then: a phone form is made, and bundles and lists turn on that day."""
    tomorrow = business_date(phones.now) + timedelta(days=1)
    await phones.rooms.revoke(ISSUER, "320000-C1", tomorrow.isoformat())
    await phones.rooms.spread(ISSUER)
    text = await phones.issue("320000-C1")
    bundle = await phones.bundle(HOST)
    assert "VALID" == phones.check(text, bundle).verdict
    while business_date(phones.now) < tomorrow:
        phones.rooms.nodes.clock.advance(timedelta(hours=1))
    assert ["REVOKED", "REVOKED"] == [
        phones.check(text, each).verdict for each in (bundle, await phones.bundle(HOST))
    ]
    with pytest.raises(DeltacareError) as caught:
        await phones.issue("320000-C1")
    assert Reason.RULE_REFUSED is caught.value.reason


async def test_list_that_is_older_than_certificates(phones: Phones) -> None:
    """They are stale one and all, also where the last byte of the list has room for them."""
    await phones.bundle(HOST)
    numbers = [f"320000-C{n}" for n in range(4, 9)]  # the fourth to the eighth place
    await phones.rooms.issue(ISSUER, *(certificate_body(number) for number in numbers))
    await phones.rooms.spread(ISSUER)
    texts = [await phones.issue(number) for number in ("320000-C3", *numbers)]
    bundle = await phones.bundle(HOST)
    assert ["VALID", *["STALE"] * 5] == [phones.check(text, bundle).verdict for text in texts]
    phones.rooms.nodes.clock.advance(timedelta(seconds=61))
    bundle = await phones.bundle(HOST)
    assert ["VALID"] * 6 == [phones.check(text, bundle).verdict for text in texts]


async def test_token_of_a_list_that_only_grew(phones: Phones) -> None:
    """Its bytes may be the same; the token says how many certificates it speaks of."""

    async def count() -> int:
        return verified_list((await phones.list_of(ISSUER)).token).entry_count

    assert 3 == await count()
    await phones.rooms.issue(ISSUER, certificate_body("320000-C4"))
    assert 4 == await count()


async def test_days_to_come(phones: Phones) -> None:
    """What a certificate will be is asked of no list; of today it is answered."""
    await phones.state(ISSUER)
    today = business_date(phones.now)
    assert (
        await phones.list_of(ISSUER, certificate_no="320000-C1", on_date=today.isoformat())
    ).list
    tomorrow = (today + timedelta(days=1)).isoformat()
    with pytest.raises(DeltacareError) as caught:
        await phones.list_of(ISSUER, certificate_no="320000-C1", on_date=tomorrow)
    assert (Reason.INVALID_FIELD, "on_date") == (
        caught.value.reason,
        caught.value.violations[0].field,
    )
