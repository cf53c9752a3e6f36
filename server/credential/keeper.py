"""States the own status lists in the log when they changed, and keeps partners' tokens at hand.

A list is stated when its bytes or its count differ from what was stated last, and at most once a
minute, so that a day of bulk issuing brings 1,440 entries at most and not one for each certificate.
Nothing waits for it: a token shows a revocation at once, and the revocation itself is an entry; the
stated hash only makes provable afterwards what the list said. So the first change is stated at
once, and what changes within the minute behind it together at its end.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from deltacare.credential.status_list import STATUS_BITS, TTL_S
from deltacare.errors import DeltacareError
from deltacare.ids import LogName, Principal
from deltacare.times import business_date
from deltacare.trust import Trust
from deltacare.v1.entry_pb2 import Entry, StatusList
from deltacare.v1.types_pb2 import Appended
from server.credential.projector import judge_new_list
from server.credential.status import ListAt, LiveLists
from server.credential.store import last_list
from server.credential.tokens import PartnerTokens
from server.log.ports import AppendedRun, Clock, Entropy, LogTx, Sequencer, Write

__all__ = ["STATE_INTERVAL", "StatusKeeper"]

STATE_INTERVAL = timedelta(seconds=60)

_METHOD = "/deltacare.credential/StateList"  # no method of the contract: it scopes request ids
_UUID_BYTES = 16
_STEP_S = 1.0

_log = structlog.get_logger("deltacare.credential")
_alarm = structlog.get_logger("deltacare.alarm")


class StatusKeeper:
    """What runs beside the calls.

    Args:
        own: the province.
        trust: the partners.
        sequencer: appends to the own log.
        clock: the node's.
        entropy: request ids.
        lists: what is stated.
        partners: whose tokens are kept.
        interval: least time between two statements of one list.
    """

    def __init__(
        self,
        *,
        own: str,
        trust: Trust,
        sequencer: Sequencer,
        clock: Clock,
        entropy: Entropy,
        lists: LiveLists,
        partners: PartnerTokens,
        interval: timedelta = STATE_INTERVAL,
    ) -> None:
        self._own = own
        self._log = LogName.registry(own)
        self._node = Principal(province=own, role="node", opaque_id=f"node-{own}")
        self._trust = trust
        self._sequencer = sequencer
        self._clock = clock
        self._entropy = entropy
        self._lists = lists
        self._partners = partners
        self._interval = interval
        # What was found to be stated already, so that an unchanged list costs no transaction.
        self._stated: dict[int, tuple[bytes, int]] = {}
        self._due_time: dict[int, datetime] = {}
        self._task: asyncio.Task[None] | None = None
        self._is_stopping = asyncio.Event()

    async def start(self) -> None:
        """Begin to state what changed."""
        self._is_stopping.clear()
        self._task = asyncio.create_task(self._run(), name="status-lists")

    async def stop(self) -> None:
        """Stop; call it while the log room still takes writes."""
        if self._task is not None:
            self._is_stopping.set()
            await self._task
            self._task = None

    async def state(self) -> int:
        """State every list that changed and is due.

        Returns:
            How many were stated.
        """
        now = self._clock.now()
        done = 0
        for listed in await self._lists.current(business_date(now)):
            number = listed.list_number
            if self._stated.get(number) == (listed.list_hash, listed.entry_count):
                continue
            due = self._due_time.get(number)
            if due is None or not due - self._interval <= now < due:
                done += await self._state(listed)
        return done

    async def _state(self, listed: ListAt) -> int:
        """State one list unless that was done, or the last time was less than a minute ago."""
        outcome: list[int] = []
        due_time: list[datetime] = []

        def decide(tx: LogTx) -> Sequence[tuple[LogName, Iterable[Entry]]]:
            outcome.clear()
            due_time.clear()
            last = last_list(tx.connection, self._own, listed.list_number)
            if last is not None:
                if (last.list_hash, last.entry_count) == (listed.list_hash, listed.entry_count):
                    outcome.append(0)
                    return []
                if timedelta(0) <= tx.now - last.stated_time < self._interval:
                    due_time.append(last.stated_time + self._interval)
                    return []
            body = StatusList(
                list_number=listed.list_number,
                status_bits=STATUS_BITS,
                entry_count=listed.entry_count,
                list_hash=listed.list_hash,
                log_size=listed.log_size,
                on_date=listed.on_date.isoformat(),
            )
            size = tx.size(self._log)
            if listed.log_size > size or judge_new_list(tx.connection, self._own, size, body):
                return []  # another replica was faster, or the clock ran back: look again
            outcome.append(1)
            due_time.append(tx.now + self._interval)
            return [(self._log, [Entry(maker=self._node.opaque_id, status_list=body)])]

        def answer(_: LogTx, runs: Sequence[AppendedRun]) -> Appended:
            return Appended(log=str(self._log), first_index=runs[0].first_index if runs else 0)

        await self._sequencer.submit(
            Write(
                caller=self._node,
                method=_METHOD,
                request_id=str(UUID(bytes=self._entropy.token(_UUID_BYTES), version=4)),
                content=b"",
                decide=decide,
                answer=answer,
            )
        )
        # Known only now that it is committed: what failed is due again at once.
        for due in due_time:
            self._due_time[listed.list_number] = due
        if outcome:
            self._stated[listed.list_number] = (listed.list_hash, listed.entry_count)
        return sum(outcome)

    async def refresh(self) -> None:
        """Fetch partners' tokens that are due."""
        now = self._clock.now()
        for province in self._trust.provinces:
            if province != self._own:
                await self._partners.get(province, now)

    async def _run(self) -> None:
        """State what is due, every second; fetch at a fifth of a token's time to live.

        Whatever breaks is tried again.
        """
        step = 0
        while not await self._is_over(_STEP_S):
            try:
                await self.state()
                if step % (TTL_S // 5) == 0:
                    await self.refresh()
            except DeltacareError as error:
                _log.warning("status_lists_wait", reason=error.reason.wire)
            except Exception:  # noqa: BLE001 - the database, most likely; the duty must outlive it
                _alarm.exception("status_lists_failed")
            step += 1

    async def _is_over(self, wait_s: float) -> bool:
        """Wait for a while, and return whether the node is stopping."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._is_stopping.wait()
        return self._is_stopping.is_set()
