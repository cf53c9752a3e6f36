"""Void rules, rows, rebuilds and restarts; lists worked out anew against lists kept up."""

import contextlib
import random
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from secrets import token_bytes

import pytest

from clients.vault import Vault
from deltacare.credential.jws import SigningKey, VerifyingKey
from deltacare.credential.status_list import StatusListToken, list_hash, new_list, status_at
from deltacare.errors import DeltacareError, Reason, Refusal
from deltacare.ids import LogName
from deltacare.times import business_date
from deltacare.v1 import credential_service_pb2 as cpb
from deltacare.v1 import entry_pb2 as pb
from server.certification.projector import CertificationProjector
from server.credential.keys import CredentialKeys
from server.credential.projector import CredentialProjector
from server.credential.status import compute_list
from server.credential.store import key_rows, last_list
from server.registry.projector import RegistryProjector
from server.store.database import Database
from tests.support.certifying import certificate, reinstatement, revocation, suspension
from tests.support.phones import Phones
from tests.support.ports import SeededEntropy
from tests.support.projecting import Book
from tests.support.rooms import DUTY, Rooms, certificate_body, request_id

JS = "320000"
LOG = LogName.registry(JS)
DAY = "2026-06-01"


@pytest.fixture
def book(database: Database) -> Book:
    """An empty node."""
    return Book(database, RegistryProjector(), CertificationProjector(), CredentialProjector())


def key_body(key: SigningKey, **changes: str) -> pb.CredentialKey:
    """Return a key as it is stated."""
    fields = {"key_id": key.key_id, "algorithm": "ES256", "from_date": DAY, **changes}
    return pb.CredentialKey(public_key=key.verifying.der, **fields)


def list_body(count: int, size: int, **changes: object) -> pb.StatusList:
    """Return a list in which every place is valid."""
    fields: dict[str, object] = {
        "status_bits": 2,
        "entry_count": count,
        "list_hash": list_hash(new_list(count)),
        "log_size": size,
        "on_date": DAY,
    }
    return pb.StatusList(**{**fields, **changes})  # type: ignore[arg-type]  # a test's own


def test_what_is_void(book: Book) -> None:
    """Each rule from both sides of its edge, in one run and entry by entry."""
    one, two = SigningKey.from_secret(token_bytes(32)), SigningKey.from_secret(token_bytes(32))
    book.say(JS, certificate())  # 0
    book.say(
        JS,
        key_body(one),  # 1
        key_body(one, until_date="2026-05-31"),  # 2: withdrawn
        key_body(two, key_id=one.key_id),  # 3: another key under this name
        key_body(two, algorithm="EdDSA"),  # 4
        key_body(two, key_id="a/b"),  # 5
        list_body(1, 6),  # 6
        list_body(1, 8),  # 7: one entry too many
        list_body(2, 8),  # 8: a place too many
        list_body(1, 5),  # 9: smaller than the one before
        list_body(1, 9, on_date="2026-05-31"),  # 10: earlier
        list_body(1, 9, status_bits=1),  # 11
        list_body(0, 9, list_number=1),  # 12: a second list, empty
        list_body(1, 13),  # 13
    )
    assert {
        3: "K01-KEY-REUSED",
        4: "G02-UNREADABLE",
        5: "G02-UNREADABLE",
        7: "K02-LIST-AHEAD",
        8: "K04-LIST-COUNT",
        9: "K03-LIST-GOES-BACK",
        10: "K03-LIST-GOES-BACK",
        11: "G02-UNREADABLE",
    } == {index: rule for (log, index), rule in book.voids.items() if log == LOG}
    settlement = LogName.settlement(JS, "310000")
    book.say(settlement, key_body(two))
    assert "G01-NOT-REGISTRY" == book.voids[settlement, 0]


def test_days_of_a_list(book: Book, database: Database) -> None:
    """A suspension with an end, a reinstatement, a revocation to come: by size and by day."""
    book.say(
        JS,
        certificate(),
        suspension("2026-10-05"),
        reinstatement("2026-10-08"),
        revocation("2026-10-20"),
    )

    def status(size: int, day: str) -> int | None:
        found = database.read_now(
            lambda c: compute_list(c, JS, 0, size=size, day=date.fromisoformat(day))
        )
        return None if found is None else status_at(found.data, 0)

    assert (None, 0, 0, 2, 2) == (
        status(0, "2026-10-05"),
        status(1, "2026-10-05"),
        status(2, "2026-10-04"),
        status(2, "2026-10-05"),
        status(2, "2026-12-31"),
    )
    assert (2, 0, 0, 1) == (
        status(4, "2026-10-07"),
        status(4, "2026-10-08"),
        status(4, "2026-10-19"),
        status(4, "2026-10-20"),
    )


async def keys_of(phones: Phones) -> dict[str, VerifyingKey]:
    """Return the keys that Jiangsu stated."""
    request = cpb.ListCredentialKeysRequest(province=JS)
    stated = await phones.services[JS].list_credential_keys(request, phones.rooms.call(JS))
    return {each.key.key_id: VerifyingKey.from_der(each.key.public_key) for each in stated.keys}


async def test_kept_up_is_worked_out(tmp_path: Path) -> None:
    """After random events and days, the list that is kept up is the one from nothing."""
    chance = random.Random(20_260_601)
    async with Rooms.open(tmp_path) as rooms:
        phones = Phones(rooms)
        await phones.publish_key(JS)
        node = rooms.nodes[JS]
        issued = 0
        for _ in range(6):
            bodies = [certificate_body(f"{JS}-C{issued + n}") for n in range(chance.randint(1, 9))]
            issued += len(bodies)
            await rooms.issue(JS, *bodies)
            for number in {chance.randrange(issued) for _ in range(2)}:
                day = business_date(phones.now) + timedelta(days=chance.randint(-2, 3))
                with contextlib.suppress(Refusal):  # revoked before
                    await rooms.revoke(JS, f"{JS}-C{number}", day.isoformat())
            rooms.nodes.clock.advance(timedelta(hours=chance.choice((1, 20, 30))))
            answer = await phones.list_of(JS)
            size, day = node.logs.reader.position(LOG).size, business_date(phones.now)
            anew = await node.database.read(
                partial(compute_list, author=JS, list_number=0, size=size, day=day)
            )
            assert anew is not None
            kept_up = StatusListToken.open(answer.token, await keys_of(phones))
            assert (anew.data, size, day) == (kept_up.data, kept_up.log_size, kept_up.on_date)


async def test_second_submit_restart_and_rebuild(tmp_path: Path) -> None:
    """One key for one request; a node that comes back has the same rows, and states nothing."""
    async with Rooms.open(tmp_path) as rooms:
        phones = Phones(rooms)
        await rooms.issue(JS, certificate_body("320000-C1"))
        request = cpb.PublishCredentialKeyRequest(request_id=request_id(), duty=DUTY)
        call = rooms.call(JS, "PublishKey")
        first = await phones.services[JS].publish_credential_key(request, call)
        assert first == await phones.services[JS].publish_credential_key(request, call)
        assert 1 == await phones.state(JS)
        node = rooms.nodes[JS]

        def rows() -> object:
            return node.database.read_now(lambda c: (key_rows(c), last_list(c, JS, 0)))

        before = rows()
        await node.logs.rebuild(LOG)
        assert before == rows()
        await node.stop()
        await node.start()
        await rooms.nodes.confirmed()
        rooms.restarted(JS)
        phones.open(JS)
        assert (before, 0) == (rows(), await phones.state(JS))
        await rooms.spread(JS)
        assert (await phones.list_of(JS)).HasField("entry")


async def test_keys_are_sealed(tmp_path: Path) -> None:
    """A key comes back from its file, which shows nothing of it; a misplaced file is noticed."""
    entropy = SeededEntropy("vault").token
    vault = Vault.create(
        tmp_path / "keys", b"a passphrase of some length", entropy=entropy, cost=1024
    )
    made = await CredentialKeys(vault, entropy=entropy).next([])
    (path,) = vault.directory.glob("*.es256")
    assert made.secret not in path.read_bytes()
    assert made.secret.hex() not in path.read_text()
    again = await CredentialKeys(vault, entropy=entropy).next([])
    assert made.key_id == again.key_id
    path.rename(path.with_name("credential.other.es256"))
    with pytest.raises(DeltacareError) as caught:
        CredentialKeys(vault, entropy=entropy)
    assert Reason.INVALID_FIELD is caught.value.reason
