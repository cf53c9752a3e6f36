"""Computes a pair's nights again from the logs alone, as an auditor does, years later.

Everything the incremental nights keep is a cache of this: here the entries are projected anew into
a database in memory, and the nights run one after another from the opening date. Nothing is stored
and nothing stated. It costs what all nights together have cost.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import groupby

from google.protobuf.message import DecodeError
from sqlalchemy import Connection, create_engine

from deltacare.ids import LogName, all_logs
from deltacare.tlog.tree import leaf_hash
from deltacare.trust import Trust
from deltacare.v1.entry_pb2 import Entry
from server.log.ports import LogReader, Position, Projector, Sequenced
from server.settlement import cache, rules, store
from server.settlement.facts import load_facts
from server.settlement.inputs import Closes, load_inputs
from server.settlement.kept import keep_night
from server.settlement.night_close import close_night
from server.settlement.pins import Pins, Waiting
from server.store.schema import metadata
from settlement.engine import EngineSettings
from settlement.night import open_night

__all__ = ["RecomputedNight", "recompute_nights"]

_CHUNK = 1_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecomputedNight:
    """A night as the logs alone bring it forth.

    Attributes:
        business_date: The date.
        digest: Of its lines, 32 bytes.
        lower_pays_fen: What the lower code pays the higher.
        higher_pays_fen: What the higher pays the lower.
    """

    business_date: date
    digest: bytes
    lower_pays_fen: int
    higher_pays_fen: int


class _ScratchTx:
    """A transaction in memory: voids are worked out and forgotten."""

    now = _EPOCH

    def __init__(self, connection: Connection, sizes: dict[LogName, int]) -> None:
        self.connection = connection
        self._sizes = sizes

    def void(self, log: LogName, index: int, rule: str) -> None:
        """Note nothing: only rows are read here."""

    def size(self, log: LogName) -> int:
        """Return the entries that were projected."""
        return self._sizes.get(log, 0)


def recompute_nights(
    connection: Connection,
    *,
    reader: LogReader,
    trust: Trust,
    pair: tuple[str, str],
    projectors: Sequence[Projector],
    until_date: date,
) -> list[RecomputedNight]:
    """Return the nights of a pair up to a date, computed from the entries of the logs.

    Ends before the first date that is not closed on both sides, or of which a pin is not held.

    Args:
        connection: A snapshot of the node.
        reader: The logs held.
        trust: Members, keys and the opening date.
        pair: Two provinces, one of them the node's own.
        projectors: Of this room and those below, in their order.
        until_date: The last date.
    """
    lower, higher = sorted(pair)
    wanted = [
        log
        for log in all_logs(trust.provinces)
        if not log.partner or {log.author, log.partner} == set(pair)
    ]
    positions = {log: reader.position(log) for log in wanted}
    engine = create_engine("sqlite://")
    try:
        with engine.begin() as scratch:
            metadata.create_all(scratch)
            for log in wanted:
                datas = _entries(connection, reader, log, positions[log].size)
                _project(scratch, projectors, log, datas)
            nights = _Nights(
                source=connection,
                scratch=scratch,
                pins=Pins(trust=trust, reader=reader),
                positions=positions,
                pair=(lower, higher),
            )
            return list(nights.run(trust.opening_date, until_date))
    finally:
        engine.dispose()


def _entries(
    connection: Connection, reader: LogReader, log: LogName, size: int
) -> Iterator[list[Sequenced]]:
    """Yield the entries of a log in runs; what is no entry is left out."""
    for first in range(0, size, _CHUNK):
        datas = reader.entries(connection, log, first, min(first + _CHUNK, size))
        yield [entry for entry in map(_parse, range(first, first + _CHUNK), datas) if entry]


def _project(
    scratch: Connection,
    projectors: Sequence[Projector],
    log: LogName,
    runs: Iterator[list[Sequenced]],
) -> None:
    """Project the entries of one log into the scratch database."""
    by_body = {body: projector for projector in projectors for body in projector.bodies}
    for entries in runs:
        tx = _ScratchTx(scratch, {log: entries[-1].index + 1} if entries else {})
        for projector, group in groupby(
            entries, key=lambda each: by_body.get(each.entry.WhichOneof("body") or "")
        ):
            if projector is not None:
                projector.project(tx, log, list(group))


def _parse(index: int, data: bytes) -> Sequenced | None:
    try:
        entry = Entry.FromString(data)
    except DecodeError:
        return None
    return Sequenced(index=index, leaf_hash=leaf_hash(data), entry=entry)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Nights:
    """The nights of a pair in a scratch database."""

    source: Connection
    scratch: Connection
    pins: Pins
    positions: dict[LogName, Position]
    pair: tuple[str, str]

    def run(self, opening_date: date, until_date: date) -> Iterator[RecomputedNight]:
        """Yield the nights, closing each before the next."""
        day = opening_date
        while day <= until_date:
            closes = self._closes(day)
            pins = None if closes is None else self._read_pins(closes)
            if closes is None or pins is None:
                return
            yield self._night(closes, pins)
            day = date.fromisoformat(rules.day_after(day.isoformat()))

    def _closes(self, day: date) -> Closes | None:
        lower, higher = self.pair
        indexes: dict[str, int] = {}
        for author, other in ((lower, higher), (higher, lower)):
            found = store.day_close(self.scratch, author, other, day.isoformat())
            if found is None:
                return None
            indexes[author] = found[0]
        return Closes(lower=lower, higher=higher, business_date=day, indexes=indexes)

    def _read_pins(self, closes: Closes) -> dict[LogName, int] | None:
        by_log = {
            LogName.settlement(author, other): closes.indexes[author]
            for author, other in closes.authors
        }
        pins = self.pins.read(self.source, self.positions, by_log)
        return None if isinstance(pins, Waiting) else pins

    def _night(self, closes: Closes, pins: dict[LogName, int]) -> RecomputedNight:
        """Compute a night and close it, as if both had agreed."""
        inputs = load_inputs(self.scratch, closes)
        facts = load_facts(self.scratch, closes, pins, (inputs.rows, inputs.cleared))
        with open_night(replace(inputs, facts=facts), EngineSettings(threads=1)) as night:
            kept = keep_night(night)
        flows = kept.summary.bilateral
        lower_pays = flows.get((closes.lower, closes.higher), 0)
        higher_pays = flows.get((closes.higher, closes.lower), 0)
        business_date = closes.business_date.isoformat()
        cache.store_night(
            self.scratch,
            partner=closes.higher,
            business_date=business_date,
            attempt=1,
            flows=(lower_pays, higher_pays),
            kept=replace(kept, leaf_rows=()),
        )
        close_night(
            _ScratchTx(self.scratch, {}),
            own=closes.lower,
            partner=closes.higher,
            business_date=business_date,
            attempt=1,
            close_indexes=dict(closes.indexes),
        )
        return RecomputedNight(
            business_date=closes.business_date,
            digest=kept.digest,
            lower_pays_fen=lower_pays,
            higher_pays_fen=higher_pays,
        )
