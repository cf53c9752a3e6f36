"""Two nodes as processes, for tests that examine a running one."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from clients.sdk.credentials import Profile
from clients.sdk.node import SyncNodeClient
from deltacare.v1.registry_service_pb2 import BatchUpsertInstitutionsRequest
from deltacare.v1.types_pb2 import Duty
from server.doctor.findings import Level
from server.doctor.run import Report, examine
from tests.support.federated import make_directories
from tests.support.nodes import request_uuid
from tests.support.postgres import postgres_url
from tests.support.rooms import institution_body

__all__ = ["Examined", "examined", "postgres_url", "serving"]

TRIES = 120
INSTITUTIONS = 3


@contextmanager
def serving(directory: Path) -> Iterator["subprocess.Popen[str]"]:
    """Run a node as a process until the block ends."""
    command = [sys.executable, "-m", "clients.cli.child", "node", "serve", str(directory)]
    with (
        (directory / "node.log").open("a", encoding="utf-8") as log,
        subprocess.Popen(
            [*command, "--json"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            assert "pid" in json.loads(said or "{}"), (directory / "node.log").read_text()
            yield process
        finally:
            process.kill()


@dataclass(frozen=True, slots=True)
class Examined:
    """Two nodes that know each other, whose logs hold something.

    Attributes:
        ours: The directory that is examined.
        theirs: The partner's.
    """

    ours: Path
    theirs: Path

    def report(self, **options: object) -> Report:
        """Examine our node."""
        asked: dict[str, object] = {"client": "administrator", "clock": lambda: datetime.now(UTC)}
        return asyncio.run(examine(self.ours, **{**asked, **options}))  # type: ignore[arg-type]  # a test's own

    def until_well(self) -> Report:
        """Examine until all is well."""
        for _ in range(TRIES):
            found = self.report()
            if found.worst is Level.OK:
                return found
        message = [finding.plain() for finding in found.findings if finding.level]
        raise AssertionError(message)


@pytest.fixture(scope="session")
def examined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Examined]:
    """Run two nodes with a few institutions in our registry log."""
    root = tmp_path_factory.mktemp("nodes")
    directories = make_directories(root)
    (root / "passphrase").chmod(0o600)
    found = Examined(directories["310000"], directories["320000"])
    with ExitStack() as stack:
        for directory in directories.values():
            stack.enter_context(serving(directory))
        found.until_well()
        profile = Profile.load(found.ours / "clients", name="system")
        with SyncNodeClient.of(profile) as node:
            node.registry.BatchUpsertInstitutions(
                BatchUpsertInstitutionsRequest(
                    request_id=request_uuid(1),
                    duty=Duty(maker="sys-1", reviewer="rev-1"),
                    institutions=[
                        institution_body(f"310000-{number + 1}") for number in range(INSTITUTIONS)
                    ],
                )
            )
        found.until_well()
        yield found
