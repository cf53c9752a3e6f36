"""A province's phone certificates, the bundle of another, and the policy files of a verifier.

Everything in it is made up.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import structlog

from deltacare.credential.certificate import CERTIFICATE_TYPE
from deltacare.credential.sd_jwt import present
from deltacare.ids import LogName
from deltacare.trust.policies import log_policy, note_policy
from tests.support.federation import PROVINCES
from tests.support.phones import Phones
from tests.support.rooms import Rooms, agreement_body, certificate_body, equivalence_body

HOST, ISSUER = "310000", "320000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What lies at a gate without a network.

    Attributes:
        phones: The nodes that made it.
        whole: Phone form with every disclosure.
        bare: The same without the name.
        bundle: Made before the revocation.
        revoked: Made after it.
        policy: Directory of policy files.
    """

    phones: Phones
    whole: str
    bare: str
    bundle: Path
    revoked: Path
    policy: Path


async def recognised(rooms: Rooms) -> None:
    """Let Shanghai recognise the caregivers of Jiangsu, who issued one."""
    await rooms.agree(agreement_body())
    await rooms.declare(HOST, equivalence_body())
    await rooms.issue(ISSUER, certificate_body("320000-C1"))


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    """Jiangsu issued a certificate that Shanghai recognises, and revoked it later."""
    with structlog.testing.capture_logs():
        (tmp_path / "nodes").mkdir()
        async with Rooms.laid(tmp_path / "nodes", recognised) as rooms:
            phones = Phones(rooms)
            await phones.publish_key(ISSUER)
            await rooms.spread(ISSUER)
            await rooms.spread(HOST)
            whole = await phones.issue("320000-C1")
            bundle = tmp_path / "before.bundle"
            bundle.write_bytes(await phones.bundle(HOST))
            await rooms.revoke(ISSUER, "320000-C1", "2026-01-01")
            rooms.nodes.clock.advance(timedelta(minutes=2))
            revoked = tmp_path / "after.bundle"
            revoked.write_bytes(await phones.bundle(HOST))
            policy = tmp_path / "policy"
            policy.mkdir()
            trust = rooms.nodes.trust
            (policy / "verdicts.txt").write_text(note_policy(trust.verdict_keys(HOST)).to_text())
            for province in PROVINCES:
                log = LogName.registry(province)
                (policy / f"{province}.txt").write_text(log_policy(trust, log).to_text())
            yield Gate(
                phones=phones,
                whole=whole,
                bare=present(whole, (), typ=CERTIFICATE_TYPE),
                bundle=bundle,
                revoked=revoked,
                policy=policy,
            )
