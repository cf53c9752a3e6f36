"""Phone certificates against npm @sd-jwt/sd-jwt-vc and jose: the same outcomes as ours.

VALID, then refused after a revocation, after the list's age, and when a byte was altered.
"""

import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_bytes
from typing import Any

import pytest

from deltacare.credential.certificate import CERTIFICATE_TYPE
from deltacare.credential.jws import SigningKey, VerifyingKey
from deltacare.credential.sd_jwt import present
from deltacare.times import posix_s
from deltacare.v1.credential_service_pb2 import ListCredentialKeysRequest
from tests.support.phones import HOLDER, Phones
from tests.support.rooms import Rooms, agreement_body, certificate_body, equivalence_body

pytestmark = pytest.mark.interop

HERE = Path(__file__).parent
HOST, ISSUER = "310000", "320000"


def npm(credential: str, token: str, key: VerifyingKey, now: datetime, **more: Any) -> Any:
    """Return what the npm verifiers make of a phone form and a status list."""
    node = shutil.which("node")
    assert node, "the interop tests need Node.js"
    assert (HERE / "node_modules" / "@sd-jwt" / "sd-jwt-vc").exists(), "run make test-interop"
    asked = {
        "credential": credential,
        "list": token,
        "key": key.to_jwk(),
        "now": posix_s(now),
        **more,
    }
    done = subprocess.run(
        [node, HERE / "credential" / "verify.js"],
        input=json.dumps(asked) + "\n",
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return json.loads(done.stdout)


@pytest.fixture
async def phones(tmp_path: Path) -> AsyncIterator[Phones]:
    """Shanghai recognises the caregivers of Jiangsu."""
    async with Rooms.open(tmp_path) as rooms:
        opened = Phones(rooms)
        await rooms.agree(agreement_body())
        await rooms.declare(HOST, equivalence_body())
        await rooms.issue(ISSUER, *(certificate_body(f"320000-C{n}") for n in (1, 2, 3)))
        await opened.publish_key(ISSUER)
        await rooms.spread(ISSUER)
        await rooms.spread(HOST)
        yield opened


async def key_of(phones: Phones) -> VerifyingKey:
    """Return the key that the issuer stated in its log."""
    service = phones.services[ISSUER]
    request = ListCredentialKeysRequest(province=ISSUER)
    stated = await service.list_credential_keys(request, phones.rooms.call(ISSUER))
    return VerifyingKey.from_der(stated.keys[0].key.public_key)


async def test_same_outcomes(phones: Phones) -> None:
    """Valid, revoked, suspended by nobody else, stale and altered: theirs are ours."""
    key = await key_of(phones)
    text = await phones.issue("320000-C2")
    token = (await phones.list_of(ISSUER)).token
    bundle = await phones.bundle(HOST)

    # 1. Valid, with the name and without.
    found = npm(text, token, key, phones.now)
    for each in ("vc", "jose"):
        assert {"verdict": "VALID", "holder_name": HOLDER, "grade": "三级"} == found[each], found
    assert "VALID" == phones.check(text, bundle).verdict
    bare = npm(present(text, (), typ=CERTIFICATE_TYPE), token, key, phones.now)
    assert [None, None] == [bare[each].get("holder_name", "") for each in ("vc", "jose")], bare

    # 2. After the list's age: ours is STALE, theirs says that it has run out.
    late = timedelta(hours=25)
    found = npm(text, token, key, phones.now + late)
    assert "STALE" == phones.check(text, bundle, later=late).verdict
    for each in ("vc", "jose"):
        assert "REFUSED" == found[each]["verdict"]
        assert "exp" in found[each]["message"], found

    # 3. After revocation; its neighbour in the same byte stays valid.
    await phones.rooms.revoke(ISSUER, "320000-C2", "2026-01-01")
    phones.rooms.nodes.clock.advance(timedelta(minutes=2))
    token, bundle = (await phones.list_of(ISSUER)).token, await phones.bundle(HOST)
    found = npm(text, token, key, phones.now)
    assert "REVOKED" == phones.check(text, bundle).verdict
    for each in ("vc", "jose"):
        assert "REFUSED" == found[each]["verdict"]
        assert "Status is not valid" in found[each]["message"], found
    neighbour = await phones.issue("320000-C3")
    assert "VALID" == phones.check(neighbour, bundle).verdict
    found = npm(neighbour, token, key, phones.now)
    assert ["VALID", "VALID"] == [found[each]["verdict"] for each in ("vc", "jose")], found

    # 4. A character altered in what was signed.
    head, payload, rest = neighbour.split(".", 2)
    altered = f"{head}.{payload[:-8]}{'A' if payload[-8] != 'A' else 'B'}{payload[-7:]}.{rest}"
    found = npm(altered, token, key, phones.now)
    assert ["REFUSED", "REFUSED"] == [found[each]["verdict"] for each in ("vc", "jose")]
    assert "BAD_SIGNATURE" == phones.check(altered, bundle).verdict


async def test_key_binding(phones: Phones) -> None:
    """A phone that answers a nonce is taken by them as by us, and refused for another nonce."""
    holder = SigningKey.from_secret(token_bytes(32))
    jwk = json.dumps(holder.verifying.to_jwk())
    key = await key_of(phones)
    whole = await phones.issue("320000-C1", holder_jwk=jwk)
    shown = present(
        whole,
        ("holder_name",),
        typ=CERTIFICATE_TYPE,
        holder=holder,
        audience="gate-1",
        nonce="n-1",
        now=phones.now,
    )
    token = (await phones.list_of(ISSUER)).token
    for nonce, verdict in (("n-1", "VALID"), ("n-2", "REFUSED")):
        found = npm(shown, token, key, phones.now, nonce=nonce, holder=holder.verifying.to_jwk())
        assert verdict == found["vc"]["verdict"], found
