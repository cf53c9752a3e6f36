"""A province's phone certificates, the bundle of another, and the policy files of a verifier.

Everything in it is made up.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from shutil import copy, copytree

import pytest
import pytest_asyncio
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


@asynccontextmanager
async def made(directory: Path) -> AsyncIterator[Gate]:
    """Make what lies at a gate; the nodes stay up until the block ends."""
    with structlog.testing.capture_logs():
        (directory / "nodes").mkdir()
        async with Rooms.laid(directory / "nodes", recognised) as rooms:
            phones = Phones(rooms)
            await phones.publish_key(ISSUER)
            await rooms.spread(ISSUER)
            await rooms.spread(HOST)
            whole = await phones.issue("320000-C1")
            bundle = directory / "before.bundle"
            bundle.write_bytes(await phones.bundle(HOST))
            await rooms.revoke(ISSUER, "320000-C1", "2026-01-01")
            rooms.nodes.clock.advance(timedelta(minutes=2))
            revoked = directory / "after.bundle"
            revoked.write_bytes(await phones.bundle(HOST))
            policy = directory / "policy"
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


@pytest.fixture
async def gate_of_nodes(tmp_path: Path) -> AsyncIterator[Gate]:
    """Jiangsu issued a certificate that Shanghai recognises, and revoked it; both may say more."""
    async with made(tmp_path) as found:
        yield found


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def _made_once(tmp_path_factory: pytest.TempPathFactory) -> Gate:
    """Return what nodes made before they stopped."""
    async with made(tmp_path_factory.mktemp("gate")) as found:
        return found


@pytest.fixture
def gate(_made_once: Gate, tmp_path: Path) -> Gate:
    """Jiangsu issued a certificate that Shanghai recognises, and revoked it; no node is up.

    The files are the test's own.
    """

    def own(path: Path) -> Path:
        return Path((copytree if path.is_dir() else copy)(path, tmp_path / path.name))

    return replace(
        _made_once,
        bundle=own(_made_once.bundle),
        revoked=own(_made_once.revoked),
        policy=own(_made_once.policy),
    )
