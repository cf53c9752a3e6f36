"""Four nodes' log rooms in one process, each on a database of its own, over a faulty network.

```python
async with FourNodes.open(tmp_path) as nodes:
    await nodes.confirmed()
    log = LogName.registry("310000")
    await nodes["310000"].append(log, [institution("310000-1")])
    await nodes["320000"].holds(log, 1)
```

Intervals are short, so that nothing waits; the clock stands still until it is moved. Rooms above
are tested by passing their projectors: ``projectors=lambda province: [RegistryProjector()]``.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from google.protobuf.message import Message
from sqlalchemy import Connection

from deltacare.ids import LogName, Principal
from deltacare.trust import Trust
from deltacare.v1.entry_pb2 import Entry, Institution, SettlementRecord
from deltacare.v1.types_pb2 import Appended
from server.log.logs import Logs
from server.log.ports import AppendedRun, AttachmentStore, LogTx, Projector, Sequenced, Write
from server.log.settings import LogSettings, Signers
from server.store.database import Database
from server.store.migrations import upgrade
from tests.support.databases import put_migrated
from tests.support.federation import PROVINCES, make_keys, make_trust, principal
from tests.support.network import Network
from tests.support.ports import ManualClock, SeededEntropy

__all__ = [
    "FAST",
    "AnyProjector",
    "FourNodes",
    "NoAttachments",
    "Node",
    "appending",
    "institution",
    "record",
    "request_uuid",
    "until",
]

FAST = LogSettings(
    refresh_s=0.2,
    pace_s=0.1,
    freshness_s=3_600.0,
    exchange_s=8.0,
    poll_s=0.05,
    backoff_s_min=0.05,
    backoff_s_max=0.1,
)
"""Settings under which nothing in a test waits long."""

UNTIL_S = 60.0

_BODIES = frozenset(field.name for field in Entry.DESCRIPTOR.oneofs_by_name["body"].fields)


class AnyProjector:
    """Understands every body and keeps in memory what it was given, by log: (index, body)."""

    def __init__(self, bodies: Iterable[str] = _BODIES) -> None:
        self.bodies = frozenset(bodies)
        self.seen: dict[LogName, list[tuple[int, str]]] = {}

    def project(self, tx: LogTx, log: LogName, entries: Sequence[Sequenced]) -> None:
        """Remember what was given."""
        del tx
        rows = [(e.index, e.entry.WhichOneof("body") or "") for e in entries]
        self.seen.setdefault(log, []).extend(rows)

    def forget(self, tx: LogTx, log: LogName) -> None:
        """Forget a log."""
        del tx
        self.seen.pop(log, None)


class NoAttachments:
    """A node without salts."""

    def read(
        self, connection: Connection, log: LogName, first_index: int, end_index: int
    ) -> Mapping[int, bytes]:
        """Return none."""
        del connection, log, first_index, end_index
        return {}

    def write(self, tx: LogTx, log: LogName, salts: Mapping[int, bytes]) -> None:
        """Keep none."""


def institution(institution_id: str, *, beds: int = 100) -> Entry:
    """Return an entry of a registry log."""
    body = Institution(institution_id=institution_id, name="示例养老院", approved_beds=beds)
    return Entry(maker="sys-1", reviewer="rev-1", institution=body)


def record(settlement_no: str, *, home: str, host: str, amount_fen: int = 12_000) -> Entry:
    """Return an entry of a settlement log."""
    body = SettlementRecord(
        settlement_no=settlement_no,
        home=home,
        host=host,
        beneficiary_ref="0" * 32,
        institution=f"{host}-1",
        subsidy_kind="CARE_BED",
        service_month="2026-10",
        service_days=30,
        amount_fen=amount_fen,
    )
    return Entry(maker="sys-1", reviewer="rev-1", settlement_record=body)


def request_uuid(number: int) -> str:
    """Return the request id of a number."""
    return str(UUID(int=number + 1))


def appending(
    appends: Sequence[tuple[LogName, Sequence[Entry]]],
    *,
    request_id: str,
    content: bytes | None = None,
    caller: Principal | None = None,
    alone: bool = False,
) -> Write:
    """Return a write that appends entries and answers with one ``Appended``."""

    def decide(_tx: LogTx) -> Sequence[tuple[LogName, Iterable[Entry]]]:
        return [(log, [_copy(entry) for entry in entries]) for log, entries in appends]

    def answer(_tx: LogTx, runs: Sequence[AppendedRun]) -> Message:
        run = runs[0]
        return Appended(
            log=str(run.log),
            first_index=run.first_index,
            entry_count=len(run.leaf_hashes),
            checkpoint=run.checkpoint,
        )

    return Write(
        caller=caller or principal(appends[0][0].author),
        method="/deltacare.v1.TestService/Append",
        request_id=request_id,
        content=request_id.encode() if content is None else content,
        decide=decide,
        answer=answer,
        alone=alone,
    )


async def until(condition: Callable[[], object], *, what: str = "condition") -> None:
    """Wait until a condition holds; fail after a minute."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + UNTIL_S
    while not condition():
        assert loop.time() < end_s, f"{what} did not come about in {UNTIL_S} s"
        await asyncio.sleep(0.005)


def _open(url: str) -> Database:
    """Return a database with every table in place."""
    path = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:") and not path.exists():
        put_migrated(path)
    database = Database(url, readers=2)
    if not url.startswith("sqlite:"):
        database.write_now(upgrade)
    return database


class Node:
    """One node's log room.

    Attributes:
        province: whose.
        database: its own.
        logs: the room; ``None`` while it is down.
        projectors: as passed.
        is_clock_off: whether it is told that its clock is wrong.
    """

    def __init__(
        self,
        province: str,
        *,
        url: str,
        trust: Trust,
        clock: ManualClock,
        network: Network,
        projectors: Sequence[Projector],
        attachments: AttachmentStore,
        settings: LogSettings,
        signers: Signers,
    ) -> None:
        self.province = province
        self.url = url
        self.projectors = projectors
        self.settings = settings
        self.is_clock_off = False
        self._trust = trust
        self._clock = clock
        self._network = network
        self._attachments = attachments
        self._signers = signers
        self._requests = 0
        self._database: Database | None = None
        self._logs: Logs | None = None

    @property
    def logs(self) -> Logs:
        """The running room."""
        assert self._logs is not None, "the node is down"
        return self._logs

    @property
    def database(self) -> Database:
        """The open database."""
        assert self._database is not None, "the node is down"
        return self._database

    async def start(self, **changes: object) -> None:
        """Bring the node up; ``changes`` replace settings."""
        self.settings = replace(self.settings, **changes)  # type: ignore[arg-type]  # a test's own
        self._database = _open(self.url)
        self._logs = Logs(
            database=self._database,
            trust=self._trust,
            province=self.province,
            signers=self._signers,
            clock=self._clock,
            entropy=SeededEntropy(self.province),
            peers=self._network.peers(self.province),
            projectors=self.projectors,
            attachments=self._attachments,
            settings=self.settings,
            is_clock_off=lambda: self.is_clock_off,
        )
        await self._logs.start()
        self._network.services[self.province] = self._logs.service

    async def stop(self) -> None:
        """Take the node down in good order."""
        if self._logs is None:
            return
        self._network.remove(self.province)
        await self._logs.stop()
        self.database.close()
        self._logs = self._database = None

    async def append(self, log: LogName, entries: Sequence[Entry], *, alone: bool = False) -> int:
        """Append to an own log and return the index of the first entry."""
        self._requests += 1
        number = int(self.province) * 1_000_000 + self._requests
        write = appending([(log, entries)], request_id=request_uuid(number), alone=alone)
        answer = Appended.FromString(await self.logs.sequencer.submit(write))
        return answer.first_index

    async def confirmed(self, *logs: LogName) -> None:
        """Wait until some own logs may be written; every one of them if none is named."""

        def is_done() -> bool:
            unconfirmed = self.logs.health().unconfirmed
            return not any(log in unconfirmed for log in logs) if logs else not unconfirmed

        await until(is_done, what=f"{self.province} confirmed")

    async def holds(self, log: LogName, size: int) -> None:
        """Wait until so many entries of a log are held."""
        reader = self.logs.reader
        await until(
            lambda: reader.position(log).size >= size, what=f"{self.province} holds {log}@{size}"
        )

    async def has_quorum(self, log: LogName, size: int) -> None:
        """Wait until so many entries of a log are known to be under a quorum."""

        def quorum_size() -> int:
            health = self.logs.health()
            rows = [*health.own, *(row for partner in health.partners for row in partner.logs)]
            return next(row.quorum_size for row in rows if row.log == log)

        await until(lambda: quorum_size() >= size, what=f"{self.province} quorum of {log}@{size}")


class FourNodes:
    """The federation.

    Attributes:
        clock: everybody's.
        network: between them.
        trust: everybody's.
        nodes: by province.
    """

    def __init__(
        self,
        directory: Path,
        *,
        provinces: Sequence[str] = PROVINCES,
        projectors: Callable[[str], Sequence[Projector]] = lambda _: [AnyProjector()],
        attachments: Callable[[str], AttachmentStore] = lambda _: NoAttachments(),
        settings: LogSettings = FAST,
        urls: Mapping[str, str] | None = None,
        trust: Trust | None = None,
        signers: Callable[[str], Signers] | None = None,
    ) -> None:
        self.clock = ManualClock()
        self.network = Network(self.clock)
        self.trust = trust or make_trust(provinces, registry_quorum=min(2, len(provinces) - 1))
        self.nodes = {
            province: Node(
                province,
                url=(urls or {}).get(province, f"sqlite:///{directory}/{province}.db"),
                trust=self.trust,
                clock=self.clock,
                network=self.network,
                projectors=projectors(province),
                attachments=attachments(province),
                settings=settings,
                signers=signers(province) if signers else make_keys(province, provinces),
            )
            for province in provinces
        }

    def __getitem__(self, province: str) -> Node:
        return self.nodes[province]

    @classmethod
    @asynccontextmanager
    async def solo(
        cls, directory: Path, province: str = "310000", **options: object
    ) -> AsyncIterator[Node]:
        """Bring one node up by an operator's word, without its partners."""
        nodes = cls(directory, **options)  # type: ignore[arg-type]  # passed on as they are
        node = nodes[province]
        try:
            await node.start(write_unconfirmed=True)
            yield node
        finally:
            await node.stop()

    @classmethod
    @asynccontextmanager
    async def open(cls, directory: Path, **options: object) -> AsyncIterator["FourNodes"]:
        """Bring all nodes up, and down again; options are those of the constructor."""
        nodes = cls(directory, **options)  # type: ignore[arg-type]  # passed on as they are
        try:
            for node in nodes.nodes.values():
                await node.start()
            yield nodes
        finally:
            for node in nodes.nodes.values():
                await node.stop()

    async def confirmed(self) -> None:
        """Wait until every node may write its logs."""
        for node in self.nodes.values():
            await node.confirmed()


def _copy(entry: Entry) -> Entry:
    found = Entry()
    found.CopyFrom(entry)
    return found
