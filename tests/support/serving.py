"""Four node processes that a page starts: what a command finds once the one before has arrived.

Nothing here starts or ends a node. A reader types slower than a federation exchanges entries; a
test does not, so it waits for what a reader would find: nodes that serve and write, and partners
that hold what was written.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from clients.sdk.credentials import Profile
from clients.sdk.node import SyncNodeClient
from deltacare.errors import Unavailable
from deltacare.v1.federation_service_pb2 import ListPartnerHealthRequest
from deltacare.v1.log_service_pb2 import ListLogsRequest
from tests.support.documents import Job

__all__ = ["PROVINCES", "Serving"]

PROVINCES = ("310000", "320000", "330000", "340000")
_DEADLINE_S = 60.0
_LOOK_EVERY_S = 0.05


class Serving:
    """Four nodes, up or down together.

    Args:
        directories: Where each stands, by province.
    """

    def __init__(self, directories: Mapping[str, Path]) -> None:
        self._directories = directories
        self._is_ready = False

    def endpoint(self, province: str) -> str:
        """Return where a node is reached."""
        return Profile.load(self._directories[province] / "clients", name="auditor").endpoint

    def settle(self, jobs: Sequence[Job]) -> None:
        """Wait until all hold what any of them holds, if all of them run.

        Args:
            jobs: What the page started.
        """
        nodes = [job for job in jobs if "serve" in job.words][-len(PROVINCES) :]
        if len(nodes) < len(PROVINCES) or not all(job.is_running for job in nodes):
            self._is_ready = False
            return
        if not self._is_ready:
            self._until(self._serve, what="four nodes to serve and to write")
            self._is_ready = True
        self._until(self._agree, what="four nodes to hold the same")
        # Whoever follows without a place to go on from is told of what comes after it was there.
        for job in jobs:
            if "--cursor-file" in job.words:
                file = Path(job.words[job.words.index("--cursor-file") + 1])
                self._until(file.exists, what=f"{file}, which a follower keeps")

    def _until(self, look: Callable[[], bool], *, what: str) -> None:
        end_s = time.monotonic() + _DEADLINE_S
        while True:
            try:
                if look():
                    return
            except Unavailable:
                pass
            assert time.monotonic() < end_s, f"waited {_DEADLINE_S:.0f} s in vain for {what}"
            time.sleep(_LOOK_EVERY_S)

    def _client(self, province: str) -> SyncNodeClient:
        profile = Profile.load(self._directories[province] / "clients", name="auditor")
        return SyncNodeClient.of(profile, timeout_s=5.0)

    def _serve(self) -> bool:
        for province in PROVINCES:
            with self._client(province) as node:
                health = node.federation.ListPartnerHealth(ListPartnerHealthRequest())
                if health.unconfirmed_logs or not all(each.connected for each in health.partners):
                    return False
        return True

    def _agree(self) -> bool:
        sizes: dict[str, set[int]] = {}
        for province in PROVINCES:
            with self._client(province) as node:
                for row in node.log.ListLogs(ListLogsRequest()).logs:
                    if row.log.endswith("/registry"):
                        sizes.setdefault(row.log, set()).update(
                            (row.verified_size, row.quorum_size)
                        )
        return all(len(found) == 1 for found in sizes.values())
