"""Appends denials and disclosures to the own audit log, and anchors it in the own registry log.

A disclosure waits until its entry is durable; the sequencer commits those that wait together.
Denials never wait: they are counted in memory and appended once their window is over, so a crash
loses at most a minute of counts, and no disclosure. What could not be appended is counted on.

The audit log has no partner that could give it back. A database from before the last anchor would
sign a second history of it, so whoever has anchored more than is held appends nothing and discloses
nothing until the entries are back, or until the operator states the loss: an anchor that says from
where entries are missing, which every member holds and cosigns.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from google.protobuf.message import Message

from deltacare.errors import DeltacareError, Reason, Unavailable
from deltacare.ids import LogName, Principal
from deltacare.v1.entry_pb2 import AuditAnchor, Disclosure, Entry, EntrySpan
from deltacare.v1.types_pb2 import Appended
from server.audit.denials import Denials
from server.audit.projector import last_anchor
from server.edge.audit import Denial
from server.edge.call import Call
from server.log.ports import AppendedRun, Clock, Entropy, LogReader, LogTx, Sequencer, Write

__all__ = ["ANCHOR_INTERVAL", "AuditRecorder"]

ANCHOR_INTERVAL = timedelta(hours=1)

_METHOD = "/deltacare.audit/"  # no method of the contract: it only scopes request ids
_UUID_BYTES = 16
_STEP_S = 1.0
_ANCHOR_STEPS = 60

_log = structlog.get_logger("deltacare.audit")
_alarm = structlog.get_logger("deltacare.alarm")

Decide = Callable[[LogTx], Sequence[tuple[LogName, Iterable[Entry]]]]


class AuditRecorder:
    """The audit of one node; implements `server.edge.audit.AuditSink`.

    Args:
        province: Whose node this is.
        sequencer: Appends to own logs.
        reader: Gives the audit log's checkpoint.
        clock: The node's.
        entropy: Request ids.
        denials: Counts; the present window.
        accepted_loss_size: The operator's word that a log which was anchored with so many entries
            goes on with fewer; ``None`` if nothing was said. It is about that anchor alone.
    """

    def __init__(
        self,
        *,
        province: str,
        sequencer: Sequencer,
        reader: LogReader,
        clock: Clock,
        entropy: Entropy,
        denials: Denials | None = None,
        accepted_loss_size: int | None = None,
    ) -> None:
        self.log: Final = LogName.audit(province)
        self._province = province
        self._node = Principal(province=province, role="node", opaque_id=f"node-{province}")
        self._sequencer = sequencer
        self._reader = reader
        self._clock = clock
        self._entropy = entropy
        self._accepted_loss_size = accepted_loss_size
        self._denials = Denials() if denials is None else denials
        self._task: asyncio.Task[None] | None = None
        self._is_stopping = asyncio.Event()

    # --- What the edge calls ----------------------------------------------------------------------

    def deny(self, denial: Denial, now: datetime) -> None:
        """Count a denial."""
        self._denials.add(denial, now)

    async def disclose(self, call: Call) -> None:
        """Return once it is durable what a call discloses.

        Raises:
            Unavailable: It cannot be made durable now.
            Refusal: The log holds what this version does not know.
        """
        assert call.disclosures is not None, "what has no purpose discloses nothing"
        body = Disclosure(
            province=call.caller.province,
            role=call.caller.role,
            principal=call.caller.opaque_id,
            on_behalf_of=call.disclosures.on_behalf_of,
            method=call.method,
            purpose=call.purpose or "",
            rule=call.rule,
            spans=[
                EntrySpan(
                    log=str(span.log), first_index=span.first_index, entry_count=span.entry_count
                )
                for span in call.disclosures.spans
            ],
            legal_basis=call.disclosures.legal_basis,
            subject_ref=call.disclosures.subject_ref,
            fields=call.disclosures.fields,
        )
        await self._append("Disclose", [Entry(disclosure=body)])

    # --- What runs beside the calls ---------------------------------------------------------------

    async def start(self) -> None:
        """Begin to append what is due."""
        self._is_stopping.clear()
        self._task = asyncio.create_task(self._run(), name="audit")

    async def stop(self) -> None:
        """Append what was counted, and stop; call it while the log room still takes writes."""
        if self._task is not None:
            # Not cancelled: what is on its way to the log would be given back, and noted twice.
            self._is_stopping.set()
            await self._task
            self._task = None
        try:
            await self.flush()
        except Exception:  # noqa: BLE001 - a database that went away must not keep a node from stopping
            _alarm.exception("audit_failed")

    async def flush(self, *, only_due: bool = False) -> None:
        """Append the denials that were counted, or those whose window is over."""
        denials = self._denials
        counted = denials.take_due(self._clock.now()) if only_due else denials.take()
        if not counted:
            return
        try:
            await self._append("Deny", [Entry(access_denied=each.to_body()) for each in counted])
        except BaseException as error:
            denials.give_back(counted)
            if not isinstance(error, DeltacareError):
                raise
            _log.warning("denials_wait", kinds=len(counted), reason=error.reason.wire)

    async def anchor(self) -> bool:
        """Anchor the audit log if it grew since the last anchor, an hour ago or more.

        Returns:
            Whether it was anchored.
        """
        anchored: list[bytes] = []

        def decide(tx: LogTx) -> Sequence[tuple[LogName, Iterable[Entry]]]:
            anchored.clear()
            last = last_anchor(tx.connection, self._province)
            size = tx.size(self.log)
            if last is None:
                is_due = size > 0
            else:
                is_grown = size > last.checkpoint.size
                is_due = is_grown and tx.now - last.entry_time >= ANCHOR_INTERVAL
            note = self._reader.checkpoint(tx.connection, self.log) if is_due else None
            if note is None:
                return []
            anchored.append(note)
            entry = Entry(maker=self._node.opaque_id, audit_anchor=AuditAnchor(checkpoint=note))
            return [(LogName.registry(self._province), [entry])]

        await self._submit("Anchor", decide)
        return bool(anchored)

    async def _run(self) -> None:
        """Append what is due, every second; anchor every minute. Whatever breaks is tried again."""
        step = 0
        while not await self._is_over(_STEP_S):
            try:
                await self.flush(only_due=True)
                if step % _ANCHOR_STEPS == 0 and self._reader.position(self.log).size:
                    await self.anchor()
            except DeltacareError as error:
                _log.warning("audit_waits", reason=error.reason.wire)
            except Exception:  # noqa: BLE001 - the database, most likely; the duty must outlive it
                _alarm.exception("audit_failed")
            step += 1

    async def _is_over(self, wait_s: float) -> bool:
        """Wait for a while, and return whether the node is stopping."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._is_stopping.wait()
        return self._is_stopping.is_set()

    async def _append(self, method: str, entries: Sequence[Entry]) -> None:
        """Append entries to the audit log."""

        def decide(tx: LogTx) -> Sequence[tuple[LogName, Iterable[Entry]]]:
            self._require_whole(tx)
            for entry in entries:
                entry.maker = self._node.opaque_id
            return [(self.log, entries)]

        try:
            await self._submit(method, decide)
        except Unavailable as error:
            if error.reason is not Reason.LOG_NOT_CONFIRMED or not await self._state_loss():
                raise
            await self._submit(method, decide)

    async def _state_loss(self) -> bool:
        """State that entries are lost, if the operator said so of what was anchored last.

        Returns:
            Whether the log may be written now.
        """
        if self._accepted_loss_size is None:
            return False
        is_whole = False

        def decide(tx: LogTx) -> Sequence[tuple[LogName, Iterable[Entry]]]:
            nonlocal is_whole
            last = last_anchor(tx.connection, self._province)
            held = tx.size(self.log)
            is_whole = last is None or last.checkpoint.size <= held
            if is_whole or last is None or last.checkpoint.size != self._accepted_loss_size:
                return []
            is_whole = True
            note = self._reader.checkpoint(tx.connection, self.log) or b""
            body = AuditAnchor(checkpoint=note, lost_from_size=held)
            entry = Entry(maker=self._node.opaque_id, audit_anchor=body)
            return [(LogName.registry(self._province), [entry])]

        await self._submit("StateLoss", decide)
        return is_whole

    def _require_whole(self, tx: LogTx) -> None:
        """Refuse to write a log of which more was anchored than is held.

        Raises:
            Unavailable: ``LOG_NOT_CONFIRMED``.
        """
        last = last_anchor(tx.connection, self._province)
        held = tx.size(self.log)
        if last is None or last.checkpoint.size <= held:
            return
        _alarm.error("audit_log_lost", anchored=last.checkpoint.size, held=held)
        raise Unavailable(
            Reason.LOG_NOT_CONFIRMED,
            f"{self.log} had {last.checkpoint.size} entries when it was anchored and has {held} "
            "here: restore a newer backup. If there is none, state the loss to every member with "
            f"accept_loss_of_size = {last.checkpoint.size} under [audit] in node.toml.",
            details={
                "log": str(self.log),
                "text_zh": f"审计日志曾锚定 {last.checkpoint.size} 条，本节点仅有 {held} 条；"
                "请恢复更新的备份；如无备份，可在 node.toml 的 [audit] 下设 "
                f"accept_loss_of_size = {last.checkpoint.size}，向各成员声明丢失",
            },
        )

    async def _submit(self, method: str, decide: Decide) -> None:
        """Let the sequencer decide and append."""

        def answer(_tx: LogTx, _runs: Sequence[AppendedRun]) -> Message:
            return Appended()

        request_id = str(UUID(bytes=self._entropy.token(_UUID_BYTES)))
        await self._sequencer.submit(
            Write(
                caller=self._node,
                method=_METHOD + method,
                request_id=request_id,
                content=b"",
                decide=decide,
                answer=answer,
            )
        )
