"""LogService: the logs held here, served to whoever may read them, with proofs.

Thin: checks who asks and every field of what is asked, reads one snapshot, and answers. Nothing
here needs to be believed: entries prove themselves against a checkpoint that their author signed.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from deltacare.errors import Reason, Refusal, Unavailable, ViolationCollector, invalid_field
from deltacare.ids import LogKind, LogName, all_logs
from deltacare.tlog.checkpoint import CHECKPOINT_BYTES_MAX
from deltacare.tlog.proof import consistency_proof, inclusion_proof
from deltacare.tlog.tree import leaf_hash
from deltacare.trust import Trust
from deltacare.v1 import log_service_pb2 as pb
from deltacare.v1.types_pb2 import LogSize
from server.edge.call import Call
from server.log.author import Author
from server.log.board import Board
from server.log.checkpoints import CheckpointStore
from server.log.entitlement import is_partner, may_read, may_read_salts
from server.log.evidence import Wrong, list_evidence
from server.log.forks import FORKS_MAX, Forks
from server.log.links import offer_of
from server.log.messages import (
    checkpoint_message,
    fitting,
    fitting_evidence,
    touched_message,
)
from server.log.offers import Offer
from server.log.ports import AttachmentStore
from server.log.pull import MESSAGE_ENTRIES_MAX
from server.log.reader import Reader
from server.log.receipts import receipt_bytes
from server.log.store import LogStore
from server.log.touched import Touched, touched_by
from server.store.database import Database

__all__ = ["LogServicer"]

_LOGS_MAX = 64
_PAGE_DEFAULT, _PAGE_MAX = 100, 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Range:
    """Entries that were asked for."""

    log: LogName
    first_index: int
    end_index: int
    checkpoint_size: int
    has_salts: bool


class LogServicer:
    """See ``deltacare.v1.LogService``.

    Args:
        database: this node's.
        store: entries and heads.
        checkpoints: what is signed about them.
        attachments: what travels beside entries.
        board: what is known in memory.
        reader: keeps the board current.
        author: takes cosignatures of own logs.
        trust: members.
        forks: proof that logs are forked.
        offer: takes what partners show; never blocks.
        relay_s: for which news of others' logs is gathered before partners hear it.
    """

    def __init__(
        self,
        *,
        database: Database,
        store: LogStore,
        checkpoints: CheckpointStore,
        attachments: AttachmentStore,
        board: Board,
        reader: Reader,
        author: Author,
        trust: Trust,
        forks: Forks,
        offer: Callable[[Offer], None],
        relay_s: float,
    ) -> None:
        self._database = database
        self._store = store
        self._checkpoints = checkpoints
        self._attachments = attachments
        self._board = board
        self._reader = reader
        self._author = author
        self._trust = trust
        self._offer = offer
        self._province = store.province
        self._forks = forks
        self._relay_s = relay_s

    async def list_logs(self, request: pb.ListLogsRequest, call: Call) -> pb.ListLogsResponse:
        """List the logs held here that the caller may read."""
        del request
        await self._reader.refresh()
        heads = self._board.heads
        return pb.ListLogsResponse(
            logs=[
                LogSize(
                    log=str(log),
                    verified_size=heads[log].size,
                    quorum_size=heads[log].quorum_size,
                )
                for log in self._readable(call)
                if log in heads
            ]
        )

    async def get_checkpoint(self, request: pb.GetCheckpointRequest, call: Call) -> pb.Checkpoint:
        """Get the newest checkpoint, or the newest with a quorum."""
        log = self._log(request.log, call)
        if request.selector not in pb.CheckpointSelector.values():
            raise invalid_field("selector", request.selector, "There is no such selector.")
        is_quorum = request.selector == pb.CHECKPOINT_SELECTOR_QUORUM
        find = self._checkpoints.newest_quorum if is_quorum else self._checkpoints.newest
        known = await self._database.read(lambda c: find(c, log))
        if known is None:
            raise Refusal(
                Reason.NOT_FOUND,
                f"No such checkpoint of {log} is held here.",
                details={"log": str(log)},
            )
        return checkpoint_message(log, known)

    async def read_entries(
        self, request: pb.ReadEntriesRequest, call: Call
    ) -> AsyncIterator[pb.ReadEntriesResponse]:
        """Stream entries, the next message read while the one before is on its way."""
        wanted = await self._range(request, call)
        cursor = wanted.first_index
        coming: asyncio.Task[pb.ReadEntriesResponse] | None = None
        try:
            while cursor < wanted.end_index:
                message = await (coming or self._message(wanted, cursor))
                cursor += len(message.entries)
                coming = None
                if cursor < wanted.end_index:
                    coming = asyncio.create_task(self._message(wanted, cursor))
                if message.attachments:
                    call.disclose(wanted.log, message.first_index, len(message.entries))
                yield message
        finally:
            if coming is not None:
                coming.cancel()

    async def get_inclusion_proof(
        self, request: pb.GetInclusionProofRequest, call: Call
    ) -> pb.InclusionProof:
        """Prove that an entry is in the tree of a size."""
        log = self._log(request.log, call)

        def read(connection: Connection) -> pb.InclusionProof:
            size = self._size(connection, log, request.tree_size, "tree_size")
            if request.index >= size:
                raise invalid_field("index", request.index, f"The tree has {size} entries.")
            (data,) = self._store.entries(connection, log, request.index, request.index + 1)
            nodes = self._store.nodes(connection, log, size)
            return pb.InclusionProof(
                index=request.index,
                tree_size=size,
                hashes=inclusion_proof(nodes, index=request.index, size=size),
                leaf_hash=leaf_hash(data),
            )

        return await self._database.read(read)

    async def get_consistency_proof(
        self, request: pb.GetConsistencyProofRequest, call: Call
    ) -> pb.ConsistencyProof:
        """Prove that the tree of one size extends that of a smaller one."""
        log = self._log(request.log, call)

        def read(connection: Connection) -> pb.ConsistencyProof:
            size = self._size(connection, log, request.new_size, "new_size")
            if request.old_size > size:
                raise invalid_field("old_size", request.old_size, f"It is more than {size}.")
            nodes = self._store.nodes(connection, log, size)
            hashes = consistency_proof(nodes, old_size=request.old_size, size=size)
            return pb.ConsistencyProof(old_size=request.old_size, new_size=size, hashes=hashes)

        return await self._database.read(read)

    async def get_receipt(self, request: pb.GetReceiptRequest, call: Call) -> pb.Receipt:
        """Get an entry with its proof under the first checkpoint that a quorum cosigned."""
        log = self._log(request.log, call)

        def read(connection: Connection) -> pb.Receipt:
            head = self._store.head(connection, log)
            if request.index >= head.size:
                raise Refusal(
                    Reason.NOT_FOUND,
                    f"{log} has {head.size} entries here.",
                    details={"log": str(log), "index": str(request.index)},
                )
            known = self._checkpoints.first_quorum_over(connection, log, request.index)
            if known is None:
                raise Unavailable(
                    Reason.NO_QUORUM,
                    f"Too few partners have cosigned a checkpoint over entry {request.index}.",
                    details={"log": str(log), "index": str(request.index)},
                )
            (data,) = self._store.entries(connection, log, request.index, request.index + 1)
            proof = receipt_bytes(
                self._store,
                connection,
                log,
                index=request.index,
                size=known.size,
                note=known.note,
            )
            return pb.Receipt(proof=proof, entry=data)

        return await self._database.read(read)

    async def watch_checkpoints(
        self, request: pb.WatchCheckpointsRequest, call: Call
    ) -> AsyncIterator[pb.Checkpoint]:
        """Stream what is held, then every growth and cosignature, until the node drains."""
        if len(request.logs) > _LOGS_MAX:
            raise invalid_field("logs", len(request.logs), f"At most {_LOGS_MAX} are watched.")
        wanted = (
            {self._log(name, call) for name in request.logs}
            if request.logs
            else set(self._readable(call))
        )
        await self._reader.refresh()
        seen: dict[LogName, int] = {}
        # What a partner hears of others' logs it mostly knows already, from their authors.
        relayed = wanted - set(self._store.own) if self._is_partner(call) else ()
        async for changed in self._board.changes(gathered=relayed, gather_s=self._relay_s):
            for log in sorted(wanted & changed):
                shown = self._board.shown(log, after=seen.get(log, 0))
                seen[log] = self._board.revision
                for one in shown:
                    yield pb.Checkpoint(
                        log=str(log),
                        size=one.size,
                        note=one.note,
                        cosign_requested=one.is_asked,
                    )

    async def exchange_checkpoints(
        self, request: pb.ExchangeCheckpointsRequest, call: Call
    ) -> pb.ExchangeCheckpointsResponse:
        """Look at what a partner holds, and show what is held here."""
        self._require_partner(call)
        bad = ViolationCollector()
        if len(request.checkpoints) > _LOGS_MAX:
            bad.note("checkpoints", len(request.checkpoints), f"At most {_LOGS_MAX} are taken.")
        if len(request.forks) > FORKS_MAX:
            bad.note("forks", len(request.forks), f"At most {FORKS_MAX} are taken.")
        for index, checkpoint in enumerate(request.checkpoints[:_LOGS_MAX]):
            if len(checkpoint.note) > CHECKPOINT_BYTES_MAX:
                bad.note(f"checkpoints[{index}].note", "", "The note is too long.")
        bad.raise_if_any()
        for checkpoint in request.checkpoints:
            offer = offer_of(checkpoint, call.caller.province, self._store.held)
            if offer is not None:
                self._offer(offer)
        await self._forks.take(request.forks, call.caller.province)
        return pb.ExchangeCheckpointsResponse(
            checkpoints=await self.newest_for(call.caller.province),
            forks=await self._forks.proofs(),
        )

    async def newest_for(self, province: str) -> list[pb.Checkpoint]:
        """Return what a partner is shown on contact.

        Of each log that both may hold: the newest checkpoint, and of registry logs the newest
        that the partner's own witness cosigned, in case it forgot; of own logs also the one that
        is out for cosigning.
        """
        await self._reader.refresh()
        logs = [log for log in self._store.held if log.may_hold(province)]

        def read(connection: Connection) -> list[pb.Checkpoint]:
            return [
                checkpoint for log in logs for checkpoint in self._newest(connection, log, province)
            ]

        return (await self._database.read(read))[:_LOGS_MAX]

    async def add_cosignature(
        self, request: pb.AddCosignatureRequest, call: Call
    ) -> pb.AddCosignatureResponse:
        """Take a partner's cosignature of an own checkpoint."""
        self._require_partner(call)
        log = self._log(request.log, call)
        if log.author != self._province:
            raise Refusal(
                Reason.NOT_AUTHOR,
                f"Cosignatures of {log} go to its author.",
                details={"log": str(log)},
            )
        if len(request.note) > CHECKPOINT_BYTES_MAX:
            raise invalid_field("note", "", "The note is too long.")
        has_quorum = await self._author.add_cosignature(log, request.note, call.caller.province)
        return pb.AddCosignatureResponse(quorum=has_quorum)

    async def list_evidence(
        self, request: pb.ListEvidenceRequest, call: Call
    ) -> pb.ListEvidenceResponse:
        """List what contradicts the logs that the caller may read, oldest first."""
        bad = ViolationCollector()
        if not 0 <= request.page_size <= _PAGE_MAX:
            bad.note("page_size", request.page_size, f"It is 0 to {_PAGE_MAX}.")
        token = request.page_token
        if token and not (token.isascii() and token.isdigit() and len(token) <= 18):  # noqa: PLR2004 - fits 64 bits
            bad.note("page_token", token, "No page goes by this token.", "Send the one you got.")
        reasons = {wrong.value: wrong for wrong in Wrong}
        if request.reason and request.reason not in reasons:
            bad.note("reason", request.reason, f"It is empty or one of {', '.join(reasons)}.")
        bad.raise_if_any()
        wrong = reasons.get(request.reason)
        limit = request.page_size or _PAGE_DEFAULT
        logs = self._told_of(call)
        rows = await self._database.read(
            lambda c: list_evidence(
                c, logs, after_id=int(token or "0"), limit=limit + 1, wrong=wrong
            )
        )
        page = fitting_evidence(rows[:limit])
        has_more = len(rows) > len(page)
        return pb.ListEvidenceResponse(
            evidence=page,
            next_page_token=str(rows[len(page) - 1].evidence_id) if has_more else "",
        )

    async def list_touched(
        self, request: pb.ListTouchedRequest, call: Call
    ) -> pb.ListTouchedResponse:
        """List what keys that were called bad have touched."""
        logs = [self._log(request.log, call)] if request.log else self._readable(call)

        def read(connection: Connection) -> list[Touched]:
            return [
                touched
                for log in logs
                for touched in touched_by(connection, log, store=self._store, trust=self._trust)
            ]

        return pb.ListTouchedResponse(
            touched=[touched_message(row) for row in await self._database.read(read)]
        )

    def _readable(self, call: Call) -> Sequence[LogName]:
        members = self._trust.provinces
        return [
            log
            for log in self._store.held
            if may_read(call.caller, log, province=self._province, members=members)
        ]

    def _told_of(self, call: Call) -> Sequence[LogName]:
        """Return the logs of which the caller is shown evidence: those it may read.

        Whoever reads this node's settlement logs is also told what partners announced of others'.
        """
        readable = self._readable(call)
        is_local = call.caller.province == self._province
        if not is_local or all(log.kind is LogKind.REGISTRY for log in readable):
            return readable
        others = set(all_logs(self._trust.provinces)) - set(self._store.held)
        return [*readable, *sorted(others)]

    def _log(self, name: str, call: Call) -> LogName:
        """Return the log that is asked for, if the caller may read it and it is held here."""
        log = LogName.parse(name, field="log")
        members = self._trust.provinces
        if not may_read(call.caller, log, province=self._province, members=members):
            raise Refusal(
                Reason.LOG_NOT_ENTITLED,
                f"The caller may not read {log} here.",
                details={"log": str(log), "caller": call.caller.uri},
            )
        self._store.log_id(log)
        return log

    def _is_partner(self, call: Call) -> bool:
        return is_partner(call.caller, province=self._province, members=self._trust.provinces)

    def _require_partner(self, call: Call) -> None:
        if not self._is_partner(call):
            raise Refusal(
                Reason.ROLE_NOT_ALLOWED,
                f"{call.method} is for partners' nodes.",
                details={"method": call.method, "role": call.caller.role},
            )

    def _size(self, connection: Connection, log: LogName, size: int, field: str) -> int:
        """Return the size that is meant, 0 being the newest checkpoint's."""
        head = self._store.head(connection, log)
        if size > head.size:
            raise invalid_field(field, size, f"{log} has {head.size} entries here.")
        return size or head.size

    async def _range(self, request: pb.ReadEntriesRequest, call: Call) -> _Range:
        log = self._log(request.log, call)
        head = await self._database.read(lambda c: self._store.head(c, log))
        end = request.end_index or request.checkpoint_size
        bad = ViolationCollector()
        if not 0 < request.checkpoint_size <= head.size:
            bad.note(
                "checkpoint_size", request.checkpoint_size, f"{log} has {head.size} entries here."
            )
        if end > request.checkpoint_size:
            bad.note("end_index", end, "The range ends behind the checkpoint.")
        if request.first_index > end:
            bad.note("first_index", request.first_index, "The range begins behind its end.")
        bad.raise_if_any()
        members = self._trust.provinces
        return _Range(
            log=log,
            first_index=request.first_index,
            end_index=end,
            checkpoint_size=request.checkpoint_size,
            has_salts=call.disclosures is not None
            and may_read_salts(call.caller, log, province=self._province, members=members),
        )

    async def _message(self, wanted: _Range, cursor: int) -> pb.ReadEntriesResponse:
        return await self._database.read(lambda c: self._read_message(c, wanted, cursor))

    def _read_message(
        self, connection: Connection, wanted: _Range, cursor: int
    ) -> pb.ReadEntriesResponse:
        end = min(cursor + MESSAGE_ENTRIES_MAX, wanted.end_index)
        entries = fitting(self._store.entries(connection, wanted.log, cursor, end))
        end = cursor + len(entries)
        nodes = self._store.nodes(connection, wanted.log, wanted.checkpoint_size)
        salts: Mapping[int, bytes] = {}
        if wanted.has_salts:
            salts = self._attachments.read(connection, wanted.log, cursor, end)
        return pb.ReadEntriesResponse(
            first_index=cursor,
            entries=entries,
            consistency_proof=consistency_proof(nodes, old_size=end, size=wanted.checkpoint_size),
            attachments=[pb.Attachment(index=i, salt=salts[i]) for i in sorted(salts)],
        )

    def _newest(
        self, connection: Connection, log: LogName, province: str
    ) -> Sequence[pb.Checkpoint]:
        found: dict[int, pb.Checkpoint] = {}
        newest = self._checkpoints.newest(connection, log)
        theirs = self._checkpoints.newest_by(connection, log, province, newest=newest)
        for known in (theirs, newest):
            if known is not None:
                found[known.size] = checkpoint_message(log, known)
        for shown in self._board.shown(log) if log.author == self._province else ():
            asked = self._checkpoints.get(connection, log, shown.size) if shown.is_asked else None
            if asked is not None:
                found[shown.size] = checkpoint_message(log, asked, is_asked=True)
        return [found[size] for size in sorted(found)]
