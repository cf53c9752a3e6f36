"""What the log room asks of others, and what it gives them.

Rooms above import this module and nothing else of the log room; ``server.app`` wires the rest.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from google.protobuf.message import Message
from sqlalchemy import Connection

from deltacare.ids import LogName, Principal
from deltacare.v1.entry_pb2 import Entry
from deltacare.v1.log_service_pb2 import (
    AddCosignatureRequest,
    AddCosignatureResponse,
    Checkpoint,
    ExchangeCheckpointsRequest,
    ExchangeCheckpointsResponse,
    ReadEntriesRequest,
    ReadEntriesResponse,
    WatchCheckpointsRequest,
)

__all__ = [
    "AppendedRun",
    "AttachmentStore",
    "Clock",
    "Entropy",
    "LogReader",
    "LogTx",
    "Peer",
    "Peers",
    "Position",
    "Projector",
    "Rehearser",
    "Sequenced",
    "Sequencer",
    "Write",
]


class Clock(Protocol):
    """Time, so that a simulator can give its own."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        ...


class Entropy(Protocol):
    """Randomness, so that a simulator can give its own."""

    def token(self, size: int) -> bytes:
        """Return so many unpredictable bytes."""
        ...


class Peer(Protocol):
    """A partner's log service, as this node calls it. Raises ``deltacare.errors`` only."""

    async def exchange_checkpoints(
        self, request: ExchangeCheckpointsRequest
    ) -> ExchangeCheckpointsResponse:
        """See LogService.ExchangeCheckpoints."""
        ...

    async def add_cosignature(self, request: AddCosignatureRequest) -> AddCosignatureResponse:
        """See LogService.AddCosignature."""
        ...

    def read_entries(self, request: ReadEntriesRequest) -> AsyncIterator[ReadEntriesResponse]:
        """See LogService.ReadEntries."""
        ...

    def watch_checkpoints(self, request: WatchCheckpointsRequest) -> AsyncIterator[Checkpoint]:
        """See LogService.WatchCheckpoints."""
        ...


class Peers(Protocol):
    """The partners of this node."""

    def peer(self, province: str) -> Peer:
        """Return the way to a partner; connecting happens when it is called."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequenced:
    """An entry at its place in a log, verified and parsed.

    Attributes:
        index: place in the log, from 0.
        leaf_hash: RFC 6962 leaf hash of ``data``.
        entry: what ``data`` says.
    """

    index: int
    leaf_hash: bytes
    entry: Entry


class LogTx(Protocol):
    """One writing transaction that touches logs."""

    connection: Connection
    now: datetime
    """Read once when the transaction began; the ``entry_time`` of what it appends."""

    def void(self, log: LogName, index: int, rule: str) -> None:
        """Record that an entry says what its author had no right to say, by a numbered rule."""
        ...

    def size(self, log: LogName) -> int:
        """Return the entries of a held log as of this transaction, its own appends included."""
        ...

    def blind(self, request_ids: Iterable[str]) -> None:
        """Make what is kept under request ids comparable with nothing, whoever asked.

        The answer stays kept, so that a late repetition brings nothing back; but whatever content
        comes again, it is other content, so nobody learns by trying what the first one said.
        """
        ...


class Projector(Protocol):
    """Turns the entries of some bodies into rows, in the transaction that stores the entries.

    The same code runs for own entries as they are appended, for partners' as they are mirrored,
    and for all of them on a rebuild; so it may depend on nothing but the entries and its rows.
    """

    bodies: frozenset[str]
    """Names of the fields of ``Entry.body`` that it understands."""

    def project(self, tx: LogTx, log: LogName, entries: Sequence[Sequenced]) -> None:
        """Store what consecutive entries of one log say; those of other bodies are left out."""
        ...

    def forget(self, tx: LogTx, log: LogName) -> None:
        """Delete every row that came from a log, before it is projected anew."""
        ...


class AttachmentStore(Protocol):
    """Keeps the secrets that travel beside entries and are in no log."""

    def read(
        self, connection: Connection, log: LogName, first_index: int, end_index: int
    ) -> Mapping[int, bytes]:
        """Return the salts of a range of entries by index; the erased ones are missing."""
        ...

    def write(self, tx: LogTx, log: LogName, salts: Mapping[int, bytes]) -> None:
        """Keep the salts that a partner sent beside its entries."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendedRun:
    """Where the entries that one write brought to one log stand.

    Attributes:
        log: the log.
        first_index: place of the first, from 0.
        leaf_hashes: of each, in order.
        checkpoint: signed note over at least these entries.
    """

    log: LogName
    first_index: int
    leaf_hashes: tuple[bytes, ...]
    checkpoint: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A request that appends to own logs, decided and stored in one transaction.

    Attributes:
        caller: who asks; with ``method`` and ``request_id`` it scopes idempotency.
        method: full name of the gRPC method, ``/deltacare.v1.RegistryService/PublishListing``.
        request_id: UUID in canonical form.
        content: deterministic bytes of the request, compared on a repetition by an HMAC.
        decide: runs inside the transaction; reads what it needs there and returns the entries
            for each own log, without ``entry_time``, ``request_id`` and ``request_position``,
            which the sequencer sets. A ``Refusal`` raised here is kept under the request id.
            It may be called again if the transaction is tried again.
        answer: makes the response from where the entries came to stand, in the order in which
            ``decide`` gave the logs; its bytes are kept under the request id. Runs inside the
            transaction after projection.
        alone: commit alone and sign the checkpoint right behind these entries, and ask for its
            cosignatures whatever the pacing (day closes).
        is_personal: the content holds values of persons. A refusal is not kept then: nothing could
            tell, when a person is erased, that its id has to be blinded.
        is_draft: a draft that was approved. A refusal is not kept then: the draft waits on, and is
            approved again once nothing stands against it.
    """

    caller: Principal
    method: str
    request_id: str
    content: bytes
    decide: Callable[[LogTx], Sequence[tuple[LogName, Iterable[Entry]]]]
    answer: Callable[[LogTx, Sequence[AppendedRun]], Message]
    alone: bool = False
    is_personal: bool = False
    is_draft: bool = False


class Sequencer(Protocol):
    """Appends to own logs: concurrent writes are sequenced and committed together."""

    async def submit(self, write: Write) -> bytes:
        """Return the serialised answer once it is durable.

        A repetition returns the stored first answer, or raises the stored first refusal.

        Raises:
            Refusal: ``decide`` refused; or REQUEST_ID_REUSED: same id, other content; or
                KEY_NOT_IN_FORCE, kept under no id: this node cannot sign now.
            Unavailable: LOG_NOT_CONFIRMED before the partners confirmed the log's end;
                OVERLOADED when too many writes wait; SHUTTING_DOWN.
        """
        ...


class Rehearser(Protocol):
    """Does to own logs what a write would do, and undoes it."""

    async def rehearse(self, write: Write) -> bytes:
        """Return the answer that a write would get now; nothing of it stays, nor does a refusal.

        Whether its request id was used before is not asked.

        Raises:
            Refusal: ``decide`` refused.
            Unavailable: as for ``Sequencer.submit``.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far a log is held.

    Attributes:
        size: entries verified and stored; what restricts counts up to here.
        quorum_size: entries under a quorum of cosignatures; what permits counts up to here.
            Equal to ``size`` for own logs, of which a node asks no quorum.
        quorum_time: oldest of the newest cosignatures that make that quorum; ``None`` if there
            never was one. The present time for own logs.
        fresh_time: time in the author's own newest cosignature; ``None`` if never seen.
            The present time for own logs.
        stalled: projection stopped at a body that this version does not know.
        forked: signed evidence of two histories is held.
    """

    size: int
    quorum_size: int
    quorum_time: datetime | None
    fresh_time: datetime | None
    stalled: bool
    forked: bool


class LogReader(Protocol):
    """Reads of the logs held, for the rooms above."""

    def position(self, log: LogName) -> Position:
        """Return how far a log is held, from memory: compared with the database within 200 ms.

        Never touches the disk; ``refresh`` keeps it current. A log not held has size 0.
        """
        ...

    async def refresh(self) -> None:
        """Compare positions with the database if that was not done within 200 ms."""
        ...

    def position_at(self, connection: Connection, log: LogName, known_time: datetime) -> Position:
        """Return how far a log was held at a past moment, by when its checkpoints were stored."""
        ...

    def entries(
        self, connection: Connection, log: LogName, first_index: int, end_index: int
    ) -> Sequence[bytes]:
        """Return the exact bytes of a range of entries."""
        ...

    def quorum_checkpoint(
        self, connection: Connection, log: LogName, size: int | None = None
    ) -> bytes | None:
        """Return a signed checkpoint with its quorum of cosignatures: of that size, or the newest.

        Also of own logs: what partners have cosigned.
        """
        ...

    def checkpoint(self, connection: Connection, log: LogName) -> bytes | None:
        """Return the newest signed checkpoint of a log, cosigned or not."""
        ...

    def receipts(
        self, connection: Connection, log: LogName, indexes: Sequence[int]
    ) -> tuple[bytes, Sequence[bytes]] | None:
        """Return the newest checkpoint with its quorum, and tlog-proofs of entries under it.

        ``None`` if there is no such checkpoint, or it does not cover one of the entries.
        """
        ...

    def root(self, connection: Connection, log: LogName, size: int) -> bytes:
        """Return the root of a log's tree as it was at a size that is held."""
        ...

    def changes(self) -> AsyncIterator[frozenset[LogName]]:
        """Yield the logs that grew, or got a quorum, since the last yield; the first at once."""
        ...
