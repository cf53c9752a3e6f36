"""Closes business dates: by a verb, or by the node itself at its hour.

A close ends a date in every own settlement log at once, in a transaction of its own, so that a
checkpoint ends exactly there. A node that was away first closes the dates it missed, one
transaction each. Each close carries what the node has stored of every registry log under a quorum.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection

from deltacare.errors import Reason, Refusal, ViolationCollector
from deltacare.ids import LogName, Principal, parse_request_id
from deltacare.times import business_date as date_of
from deltacare.times import parse_date
from deltacare.trust import Trust
from deltacare.v1.entry_pb2 import DayClose, Entry
from deltacare.v1.settlement_service_pb2 import (
    CloseDayRequest,
    CloseDayResponse,
    ListDayClosesResponse,
    LogClose,
)
from server.edge.call import Call
from server.log.ports import AppendedRun, LogReader, LogTx, Sequencer, Write
from server.settlement import rules, store
from server.settlement.requests import appended
from server.settlement.reworked import require_worked
from server.settlement.uuids import request_uuid
from server.store.database import Database

__all__ = ["METHOD_CLOSE_DAY", "DayCloser", "Stating"]

METHOD_CLOSE_DAY = "/deltacare.v1.SettlementService/CloseDay"
_DATES_MAX = 366  # missed dates that one call catches up


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asker:
    """In whose name a date is closed."""

    caller: Principal
    request_id: str


class Stating(Protocol):
    """What the end of a date brings forth, in the transaction that closes it."""

    def entries(self, tx: LogTx, day: date) -> Mapping[LogName, Sequence[Entry]]:
        """Return what is said in own settlement logs right before a date closes.

        Args:
            tx: Of the close; nothing of it is appended yet, neither closes nor what others state.
            day: The date that closes.
        """
        ...


class DayCloser:
    """Closes the dates of one province's settlement logs.

    Args:
        province: The own one.
        trust: Members and the opening date.
        database: To see what is open.
        sequencer: Appends.
        reader: Newest quorum checkpoints.
        stating: What is stated before each close, in this order; entries without a maker get the
            one who closes.
    """

    def __init__(
        self,
        *,
        province: str,
        trust: Trust,
        database: Database,
        sequencer: Sequencer,
        reader: LogReader,
        stating: Sequence[Stating] = (),
    ) -> None:
        self._province = province
        self._trust = trust
        self._database = database
        self._sequencer = sequencer
        self._reader = reader
        self._stating = tuple(stating)

    @property
    def _logs(self) -> list[LogName]:
        return [
            LogName.settlement(self._province, partner)
            for partner in self._trust.provinces
            if partner != self._province
        ]

    async def close_day(self, request: CloseDayRequest, call: Call) -> CloseDayResponse:
        """Close a date, and before it the ones that were missed."""
        bad = ViolationCollector()
        request_id = bad.take(parse_request_id, request.request_id, field="request_id") or ""
        asked = bad.take(parse_date, request.business_date, field="business_date")
        bad.raise_if_any()
        assert asked is not None, "a date that cannot be read was refused"
        return await self._close(_Asker(caller=call.caller, request_id=request_id), asked, call.now)

    async def close_due(self, principal: Principal, now: datetime) -> CloseDayResponse | None:
        """Close every date whose published hour has come, in the name of the node.

        Returns:
            What was closed, ``None`` if nothing was due.
        """
        last_date = date_of(now) - timedelta(days=1)
        missed = await self._database.read(self._open_date)
        if last_date.isoformat() < missed:
            return None
        request_id = request_uuid(METHOD_CLOSE_DAY, self._province, last_date.isoformat())
        return await self._close(_Asker(caller=principal, request_id=request_id), last_date, now)

    def _open_date(self, connection: Connection) -> str:
        """Return the date that is open; own logs close together."""
        return min(
            store.open_date(connection, log.author, log.partner, self._trust.opening_date)
            for log in self._logs
        )

    async def _close(self, asker: _Asker, asked: date, now: datetime) -> CloseDayResponse:
        if now < rules.published_time(asked):
            raise rules.CLOSE_TOO_EARLY.refusal(asked.isoformat())
        first = date.fromisoformat(await self._database.read(self._open_date))
        missed = [first + timedelta(days=each) for each in range((asked - first).days)]
        if len(missed) >= _DATES_MAX:
            raise Refusal(
                Reason.TOO_LARGE,
                f"More than {_DATES_MAX} dates are open: close an earlier one first.",
                details={"open_date": first.isoformat()},
            )
        closed: list[str] = []
        for day in missed:
            await self._append(
                _Asker(
                    caller=asker.caller, request_id=request_uuid(asker.request_id, day.isoformat())
                ),
                day,
                before=(),
            )
            closed.append(day.isoformat())
        return await self._append(asker, asked, before=closed)

    async def _append(self, asker: _Asker, day: date, *, before: Sequence[str]) -> CloseDayResponse:
        """Close one date in a transaction of its own."""
        text = day.isoformat()

        def decide(tx: LogTx) -> list[tuple[LogName, list[Entry]]]:
            rule = rules.close_rule(text, self._open_date(tx.connection), tx.now)
            if rule is not None:
                raise rule.refusal(text)
            entry = Entry(
                maker=asker.caller.opaque_id,
                day_close=DayClose(
                    business_date=text,
                    pins=self._newest_pins(tx.connection),
                    rules_version=rules.RULES_VERSION,
                ),
            )
            stated = self._stated(tx, day, asker.caller.opaque_id)
            closes = []
            for log in self._logs:
                own = Entry()
                own.CopyFrom(entry)
                closes.append((log, [*stated.get(log, ()), own]))
            return closes

        def answer(_tx: LogTx, runs: Sequence[AppendedRun]) -> CloseDayResponse:
            return CloseDayResponse(
                appended=[appended(run) for run in sorted(runs, key=lambda run: str(run.log))],
                business_dates=[*before, text],
            )

        data = await self._sequencer.submit(
            Write(
                caller=asker.caller,
                method=METHOD_CLOSE_DAY,
                request_id=asker.request_id,
                content=text.encode(),
                decide=decide,
                answer=answer,
                alone=True,
            )
        )
        return CloseDayResponse.FromString(data)

    def _stated(self, tx: LogTx, day: date, maker: str) -> Mapping[LogName, Sequence[Entry]]:
        """Return what is said right before the closes, by log.

        Raises:
            Refusal: `STALE`, while nights are worked out again after a rebuild: what is cleared
                would be held, and stay held.
        """
        require_worked(tx.connection, self._province)
        found: dict[LogName, list[Entry]] = {}
        for each in self._stating:
            for log, entries in each.entries(tx, day).items():
                assert log in self._logs, "only what is closed is written to"
                for entry in entries:
                    entry.maker = entry.maker or maker
                found.setdefault(log, []).extend(entries)
        return found

    def _newest_pins(self, connection: Connection) -> list[bytes]:
        """Return the newest quorum checkpoint stored of each registry log, sorted by log."""
        logs = sorted(LogName.registry(province) for province in self._trust.provinces)
        notes = (self._reader.quorum_checkpoint(connection, log) for log in logs)
        return [note for note in notes if note is not None]

    async def list_closes(self) -> ListDayClosesResponse:
        """Say how far each own and mirrored settlement log is closed."""

        def read(connection: Connection) -> list[LogClose]:
            mirrored = [LogName.settlement(log.partner, log.author) for log in self._logs]
            return [self._log_close(connection, log) for log in sorted([*self._logs, *mirrored])]

        return ListDayClosesResponse(
            closes=await self._database.read(read),
            opening_date=self._trust.opening_date.isoformat(),
        )

    def _log_close(self, connection: Connection, log: LogName) -> LogClose:
        last = store.last_closed_date(connection, log.author, log.partner)
        if last is None:
            return LogClose(log=str(log))
        found = store.day_close(connection, log.author, log.partner, last)
        assert found is not None, "the last close has a row"
        size = found[0] + 1
        note = self._reader.quorum_checkpoint(connection, log, size)
        return LogClose(
            log=str(log), last_closed_date=last, close_size=size, cosigned=note is not None
        )
