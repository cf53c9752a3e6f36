"""Runs the nights of the own pairs: looks what is due, computes it, states it, closes it.

The shell around the pure night. A night of a pair is due when both its logs are closed for the
date after the last agreed one, both closes are cosigned and every pin is held here; then both nodes
compute the same, each states its result, and equal results close the lines. Each step looks at the
logs again and is harmless to repeat, on this replica or on another.
"""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pyarrow as pa
import structlog
from sqlalchemy import Connection

from deltacare.ids import LogName
from deltacare.times import format_time
from deltacare.trust import Trust
from deltacare.v1.clearing_service_pb2 import PairNight, RunNightResponse
from deltacare.v1.entry_pb2 import Entry, PairResult
from server.log.ports import Entropy, LogReader, LogTx, Position, Sequencer, Write
from server.settlement import cache, proposals, rules, store
from server.settlement.facts import load_facts
from server.settlement.inputs import Closes, live_count, load_inputs
from server.settlement.kept import KeptNight, keep_night
from server.settlement.night_close import close_night
from server.settlement.pins import Pins, Waiting
from server.settlement.results import (
    NightResults,
    has_stated,
    load_results,
    night_message,
    stated_checkpoints,
)
from server.settlement.uuids import node_principal, request_uuid
from server.store.columns import ColumnReader
from server.store.database import Database
from settlement.engine import EngineSettings
from settlement.night import Facts, Night, open_night

__all__ = ["MEMORY_MB_DEFAULT", "METHOD_CLOSE", "METHOD_RESULT", "PairNights"]

MEMORY_MB_DEFAULT = 1_536
"""What the engine may take for a large night before it writes to files, in MiB."""

# From so many rows a night is read as columns, and may go to files.
_LARGE_NIGHT_ROWS = 50_000

METHOD_RESULT = "/deltacare.v1.ClearingService/RunNight"
METHOD_CLOSE = f"{METHOD_RESULT}#close"

_log = structlog.get_logger("deltacare.settlement")
_alarm = structlog.get_logger("deltacare.alarm")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    """A night that can be computed.

    Attributes:
        closes: Where the two logs end.
        checkpoints: For each author, the cosigned checkpoint that ends in its close.
        rules_version: The lower of the two that the closes name.
        results: What the registry logs say of it.
        stored: The attempt that matters as this node computed it, ``None`` if it has not.
        pins: For each registry log the size that counts.
    """

    closes: Closes
    checkpoints: Mapping[str, bytes]
    rules_version: int
    results: NightResults
    stored: cache.StoredNight | None
    pins: Mapping[LogName, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    """A night whose inputs are loaded.

    Attributes:
        opened: Closes its engine.
        night: To be read.
        asked: What was cleared before and is to be looked at again.
    """

    opened: ExitStack
    night: Night
    asked: proposals.Asked | None


class PairNights:
    """The nights of one province with its partners.

    Args:
        province: The own one.
        trust: Members, keys, opening date.
        database: This node's.
        sequencer: Appends results.
        reader: The logs held.
        entropy: For the ids of writes that append nothing.
        engine: On what nights run; its limit on memory is for large ones.
    """

    def __init__(
        self,
        *,
        province: str,
        trust: Trust,
        database: Database,
        sequencer: Sequencer,
        reader: LogReader,
        entropy: Entropy,
        engine: EngineSettings | None = None,
    ) -> None:
        self._province = province
        self._engine = engine or EngineSettings(memory_mb=MEMORY_MB_DEFAULT)
        self._trust = trust
        self._database = database
        self._sequencer = sequencer
        self._reader = reader
        self._entropy = entropy
        self._pins = Pins(trust=trust, reader=reader)
        self._locks = {partner: asyncio.Lock() for partner in self.partners}
        self._running = asyncio.Semaphore(1)

    @property
    def partners(self) -> tuple[str, ...]:
        """The other members, ascending."""
        return tuple(each for each in self._trust.provinces if each != self._province)

    def positions(self) -> dict[LogName, Position]:
        """Return how far every registry log is held; read it before a snapshot begins."""
        logs = (LogName.registry(each) for each in self._trust.provinces)
        return {log: self._reader.position(log) for log in logs}

    async def run_due(self, partner: str, *, retry_diverged: bool = False) -> list[PairNight]:
        """Run what is due with a partner, date after date, and return the nights that got a result.

        Args:
            partner: The other province.
            retry_diverged: Whether to make another attempt at a night whose digests differ.
        """
        stated: list[PairNight] = []
        async with self._locks[partner]:
            while True:
                await self._reader.refresh()
                positions = self.positions()
                due = await self._database.read(lambda c: self._look(c, partner, positions))  # noqa: B023 - awaited here
                if isinstance(due, Waiting):
                    return stated
                step = await self._step(partner, due, retry_diverged=retry_diverged)
                if step is None:
                    return stated
                if isinstance(step, PairNight):
                    stated.append(step)
                    retry_diverged = False

    async def waiting_for(self, partner: str) -> tuple[str, Waiting]:
        """Return the date that is next with a partner and what it waits for."""
        positions = self.positions()

        def look(connection: Connection) -> tuple[str, Waiting]:
            found = self._look(connection, partner, positions)
            waiting = found if isinstance(found, Waiting) else Waiting(code="DUE")
            return self._next_date(connection, partner).isoformat(), waiting

        return await self._database.read(look)

    # --- Looking ----------------------------------------------------------------------------------

    def _next_date(self, connection: Connection, partner: str) -> date:
        last = cache.last_agreed_date(connection, partner)
        return date.fromisoformat(rules.next_date(last, self._trust.opening_date))

    def _now(self, positions: Mapping[LogName, Position]) -> datetime:
        """Return the present instant: an own log is always as fresh as that."""
        fresh_time = positions[LogName.registry(self._province)].fresh_time
        assert fresh_time is not None, "own logs are held"
        return fresh_time

    def quorum_of(self, positions: Mapping[LogName, Position], province: str) -> int:
        """Return how far a registry log permits; of the own one a node asks no quorum."""
        position = positions[LogName.registry(province)]
        return position.size if province == self._province else position.quorum_size

    def _doubt(
        self, sides: Iterable[tuple[str, str]], positions: Mapping[LogName, Position]
    ) -> Waiting | None:
        """Return what puts a pair's nights in doubt, ``None`` if nothing does."""
        # 1. It is known who the members are and how they sign; until then what was filed waits.
        unconfirmed = self._trust.stale_since(self._now(positions))
        if unconfirmed is not None:
            return Waiting(code="TRUST_STALE", detail=format_time(unconfirmed))
        for author, other in sides:
            log, registry = LogName.settlement(author, other), LogName.registry(author)
            position = self._reader.position(log)
            # 2. Neither side has shown two histories.
            for each, held in ((log, position), (registry, positions[registry])):
                if held.forked:
                    return Waiting(code="FORK", detail=str(each))
            # 3. Both logs can be read to their end.
            if position.stalled:
                return Waiting(code="LOG_STALLED", detail=str(log))
        return None

    def _look(
        self, connection: Connection, partner: str, positions: Mapping[LogName, Position]
    ) -> _Due | Waiting:
        """Return the next night of a pair, or what it waits for."""
        business_date = self._next_date(connection, partner)
        lower, higher = sorted((self._province, partner))
        indexes: dict[str, int] = {}
        versions: list[int] = []
        checkpoints: dict[str, bytes] = {}
        sides = ((lower, higher), (higher, lower))
        # 0. Nothing that it rests on is in doubt.
        doubt = self._doubt(sides, positions)
        if doubt is not None:
            return doubt
        # 1. Both logs are closed, and the closes cosigned.
        for author, other in sides:
            log = LogName.settlement(author, other)
            found = store.day_close(connection, author, other, business_date.isoformat())
            if found is None:
                return Waiting(code="CLOSE_MISSING", detail=str(log))
            indexes[author] = found[0]
            versions.append(found[1])
        for author, other in sides:
            log = LogName.settlement(author, other)
            size = indexes[author] + 1
            note = self._reader.quorum_checkpoint(connection, log, size)
            if note is None:
                # Entries that were mirrored or taken back came with the newest checkpoint only.
                stated = stated_checkpoints(connection, log, business_date.isoformat())
                note = self._pins.cosigned_note(
                    connection, log, size, stated, now=self._now(positions)
                )
            if note is None:
                return Waiting(code="CLOSE_NOT_COSIGNED", detail=str(log))
            checkpoints[author] = note
        # 2. Every pin is verified and held.
        closes = {
            LogName.settlement(lower, higher): indexes[lower],
            LogName.settlement(higher, lower): indexes[higher],
        }
        pins = self._pins.read(connection, positions, closes)
        if isinstance(pins, Waiting):
            return pins
        # 3. What was stated of it, and computed here.
        results = self._results(connection, positions, lower, higher, business_date.isoformat())
        attempt = results.agreed_attempt or results.newest(self._province)
        return _Due(
            closes=Closes(lower=lower, higher=higher, business_date=business_date, indexes=indexes),
            checkpoints=checkpoints,
            rules_version=min(versions),
            results=results,
            stored=cache.stored_night(
                connection, partner, business_date.isoformat(), max(attempt, 1)
            ),
            pins=pins,
        )

    def _night_before(
        self, connection: Connection, closes: Closes, positions: Mapping[LogName, Position]
    ) -> proposals.Seen | None:
        """Return what the night before was judged by, ``None`` if there was none."""
        business_date = closes.business_date - timedelta(days=1)
        indexes: dict[str, int] = {}
        by_log: dict[LogName, int] = {}
        for author, other in closes.authors:
            found = store.day_close(connection, author, other, business_date.isoformat())
            if found is None:
                return None
            indexes[author] = by_log[LogName.settlement(author, other)] = found[0]
        pins = self._pins.read(connection, positions, by_log)
        if isinstance(pins, Waiting):
            return None
        before = replace(closes, business_date=business_date, indexes=indexes)
        return proposals.Seen(closes=before, pins=pins)

    def _results(
        self,
        connection: Connection,
        positions: Mapping[LogName, Position],
        lower: str,
        higher: str,
        business_date: str,
    ) -> NightResults:
        found = load_results(
            connection,
            lambda province: self.quorum_of(positions, province),
            pair=(lower, higher),
            from_date=business_date,
            until_date=business_date,
        )
        if found:
            return found[0]
        return NightResults(lower=lower, higher=higher, business_date=business_date, by_author={})

    # --- Stepping ---------------------------------------------------------------------------------

    async def _step(
        self, partner: str, due: _Due, *, retry_diverged: bool
    ) -> PairNight | bool | None:
        """Take the next step of a night.

        Returns:
            The night if a result was stated, ``True`` if something else was done, ``None`` if there
            is nothing to do.
        """
        results, own = due.results, due.results.newest(self._province)
        agreed = results.agreed_attempt
        # 1. A result that this node has not computed: the first, or after a rebuild.
        if own == 0:
            return await self._compute(partner, due, attempt=1)
        if due.stored is None:
            await self._compute(partner, due, attempt=agreed or own)
            return True
        # 2. Both agree: close, if it is also what this node computes from its logs now.
        if agreed:
            stated = results.by_author[self._province][agreed].body
            if due.stored.digest != stated.digest:
                _alarm.error(
                    "night_recomputed_differs",
                    partner=partner,
                    business_date=results.business_date,
                    attempt=agreed,
                )
                return None
            await self._close(partner, due, attempt=agreed)
            return True
        # 3. They differ: another attempt when asked for, or when the partner has made one.
        other = results.newest(partner)
        is_diverged = other >= own
        if is_diverged and (retry_diverged or other > own):
            return await self._compute(partner, due, attempt=max(own + 1, other))
        return None

    async def _compute(self, partner: str, due: _Due, *, attempt: int) -> PairNight | None:
        """Compute a night, keep its lines and state its result."""
        positions = self.positions()

        def count(connection: Connection) -> int:
            return live_count(connection, due.closes)

        def load(connection: Connection, columns: ColumnReader | None) -> _Loaded:
            seen = self._night_before(connection, due.closes, positions)
            asked = proposals.load(connection, due.closes, due.pins, seen)
            inputs = load_inputs(connection, due.closes, columns)

            def facts(cells: pa.Table) -> Facts:
                return load_facts(connection, due.closes, due.pins, (cells,))

            opened = ExitStack()
            try:
                settings = self._settings(is_large=columns is not None)
                night = open_night(replace(inputs, facts=facts), settings)
                return _Loaded(opened=opened, night=opened.enter_context(night), asked=asked)
            except BaseException:
                opened.close()
                raise

        rows = await self._database.read(count)
        async with self._running:
            if rows < _LARGE_NIGHT_ROWS:
                loaded = await self._database.read(lambda connection: load(connection, None))
            else:
                loaded = await self._database.read_columns(load)
            kept, proposed = await asyncio.to_thread(self._run, loaded)
        return await self._state(partner, due, attempt, kept, proposed)

    def _settings(self, *, is_large: bool) -> EngineSettings:
        """Return on what a night runs; memory is limited where it is large."""
        if is_large:
            return replace(self._engine, threads=self._engine.threads or 2)
        return replace(self._engine, threads=self._engine.threads or 1, memory_mb=None)

    def _run(self, loaded: "_Loaded") -> tuple[KeptNight, pa.Table | None]:
        """Run the core, on a thread of its own."""
        with loaded.opened:
            kept = keep_night(loaded.night)
        return kept, None if loaded.asked is None else proposals.run(loaded.asked)

    async def _state(
        self,
        partner: str,
        due: _Due,
        attempt: int,
        kept: KeptNight,
        proposed: pa.Table | None,
    ) -> PairNight | None:
        """Keep a night's lines and append its result in one transaction."""
        closes = due.closes
        business_date = closes.business_date.isoformat()
        flows = kept.summary.bilateral
        lower_pays = flows.get((closes.lower, closes.higher), 0)
        higher_pays = flows.get((closes.higher, closes.lower), 0)
        body = PairResult(
            lower=closes.lower,
            higher=closes.higher,
            business_date=business_date,
            attempt=attempt,
            lower_checkpoint=due.checkpoints[closes.lower],
            higher_checkpoint=due.checkpoints[closes.higher],
            digest=kept.digest,
            lower_pays_fen=lower_pays,
            higher_pays_fen=higher_pays,
            rules_version=due.rules_version,
        )
        is_stated = attempt in due.results.by_author.get(self._province, {})

        def decide(tx: LogTx) -> list[tuple[LogName, list[Entry]]]:
            cache.store_night(
                tx.connection,
                partner=partner,
                business_date=business_date,
                attempt=attempt,
                flows=(lower_pays, higher_pays),
                kept=kept,
                is_again=is_stated and attempt == due.results.agreed_attempt,
            )
            if proposed is not None:
                proposals.store(tx.connection, closes, proposed)
            # A node that takes its logs back may have got its own word since it looked.
            if is_stated or has_stated(tx.connection, self._province, body):
                return []
            entry = Entry(maker=node_principal(self._province).opaque_id, pair_result=body)
            return [(LogName.registry(self._province), [entry])]

        # The checkpoints are left out: replicas may have seen different cosignatures of them.
        content = b"\x1f".join((business_date.encode(), kept.digest))
        parts = (METHOD_RESULT, partner, business_date, attempt)
        await self._submit(
            METHOD_RESULT,
            request_id=self._fresh_uuid() if is_stated else request_uuid(*parts),
            content=content,
            decide=decide,
        )
        _log.info(
            "night_computed",
            partner=partner,
            business_date=business_date,
            attempt=attempt,
            lines=kept.line_count,
            digest=kept.digest.hex(),
        )
        if is_stated:
            return None
        positions = self.positions()
        results = await self._database.read(
            lambda c: self._results(c, positions, closes.lower, closes.higher, business_date)
        )
        return night_message(results)

    async def _close(self, partner: str, due: _Due, *, attempt: int) -> None:
        """Close an agreed night; nothing is appended, so the request's id is a new one."""
        business_date = due.results.business_date

        def decide(tx: LogTx) -> list[tuple[LogName, list[Entry]]]:
            stored = cache.stored_night(tx.connection, partner, business_date, attempt)
            if stored is not None and not stored.is_agreed:
                close_night(
                    tx,
                    own=self._province,
                    partner=partner,
                    business_date=business_date,
                    attempt=attempt,
                    close_indexes=dict(due.closes.indexes),
                )
            return []

        await self._submit(METHOD_CLOSE, request_id=self._fresh_uuid(), content=b"", decide=decide)
        _log.info("night_agreed", partner=partner, business_date=business_date, attempt=attempt)

    def _fresh_uuid(self) -> str:
        return str(UUID(bytes=self._entropy.token(16), version=4))

    async def _submit(self, method: str, *, request_id: str, content: bytes, decide: Any) -> None:  # noqa: ANN401 - see Write
        await self._sequencer.submit(
            Write(
                caller=node_principal(self._province),
                method=method,
                request_id=request_id,
                content=content,
                decide=decide,
                answer=lambda _tx, _runs: RunNightResponse(),
            )
        )
