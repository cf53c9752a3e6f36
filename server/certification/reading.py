"""Reads the facts of checks: from memory where they stand, else with whoever else waits.

Facts are kept as long as no log says anything of what they are about. Those that are missing are
read from one snapshot for all questions that came while the last was read, so that many callers who
ask for different certificates cost a few statements and not a few each. What the facts mean is for
the rules.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from deltacare.ids import LogName
from server.certification.cache import CertificateFacts, DeclaredFacts, FactsCache
from server.certification.lines import same_line
from server.certification.store import (
    about_institutions,
    read_equivalences,
    read_histories,
    read_recognitions,
    touched,
)
from server.certification.values import RecognitionSaid
from server.log.ports import LogReader, Position
from server.registry.store import (
    agreement_changed,
    closings_touched,
    load_agreement_histories,
    read_closings,
)
from server.store.database import Database
from server.supervision.store import load_measures, measures_touched

__all__ = ["FactsReader", "read_certificates", "read_declared"]

# Beyond so many certificates in a growth it is cheaper to forget all.
_TOUCHED_MAX = 5_000
# Snapshots read at the same time: one may be long, a roster's.
_READS_MAX = 2

_Read = tuple[dict[str, CertificateFacts], DeclaredFacts]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """Certificates to be read together, and the answer to all who wait for them."""

    numbers: dict[str, None]
    read: "asyncio.Future[_Read]"


class FactsReader:
    """The facts at one node.

    Args:
        database: its rows.
        reader: how far it holds each log.
        logs: registry logs, by author.
        certificates_max: most certificates whose facts are kept in memory.
    """

    def __init__(
        self,
        *,
        database: Database,
        reader: LogReader,
        logs: Mapping[str, LogName],
        certificates_max: int,
    ) -> None:
        self._database = database
        self._reader = reader
        self._logs = logs
        self._cache = FactsCache(certificates_max)
        self._catching_up = asyncio.Lock()
        self._next: _Batch | None = None
        self._reading: set[asyncio.Task[None]] = set()

    async def at(
        self, numbers: Collection[str], positions: Mapping[str, Position]
    ) -> tuple[Mapping[str, CertificateFacts], DeclaredFacts]:
        """Return facts that hold at least to some sizes, of certificates by number."""
        cache = self._cache
        sizes = {province: position.size for province, position in positions.items()}
        if sizes != cache.sizes:
            async with self._catching_up:
                await self._catch_up()
        found: dict[str, CertificateFacts] = {}
        for number in numbers:
            held = cache.certificates.get(number)
            if held is not None:
                found[number] = held
        declared = cache.declared
        missing = [number for number in numbers if number not in found]
        if not missing and declared is not None:
            return found, declared
        loaded, said = await self._read(missing)
        found.update((number, loaded[number]) for number in missing)
        return found, said

    async def _read(self, numbers: Collection[str]) -> _Read:
        """Read certificates, with whoever else waits, from a snapshot taken from now on."""
        batch = self._next
        if batch is None:
            loop = asyncio.get_running_loop()
            batch = self._next = _Batch(numbers={}, read=loop.create_future())
            # Not at once: who was answered by one read asks again in the same turn of the loop.
            loop.call_soon(self._start)
        batch.numbers.update(dict.fromkeys(numbers))
        # Who goes away leaves the others waiting.
        return await asyncio.shield(batch.read)

    def _start(self) -> None:
        """Begin to read what waits, unless as many as may are reading."""
        if self._next is None or len(self._reading) >= _READS_MAX:
            return
        batch, self._next = self._next, None
        task = asyncio.create_task(self._answer(batch))
        self._reading.add(task)
        task.add_done_callback(self._finish)

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._reading.discard(task)
        self._start()

    async def _answer(self, batch: _Batch) -> None:
        """Read a batch and tell all who wait for it."""
        cache = self._cache
        generation, declared = cache.generation, cache.declared

        def read(connection: Connection) -> _Read:
            read_now = read_certificates(connection, batch.numbers) if batch.numbers else {}
            return read_now, declared or read_declared(connection)

        try:
            loaded, said = await self._database.read(read)
        except BaseException as error:
            batch.read.set_exception(error)
            batch.read.exception()  # whoever still waits gets it; that nobody does is no fault
            if not isinstance(error, Exception):
                raise
            return
        if generation == cache.generation:
            for number, about in loaded.items():
                cache.certificates.put(number, about)
            cache.declared = said
        batch.read.set_result((loaded, said))

    async def _catch_up(self) -> None:
        """Drop from memory what the logs said anew since it was last compared with them."""
        cache = self._cache
        before = cache.sizes
        sizes = {province: self._reader.position(log).size for province, log in self._logs.items()}
        if sizes == before:
            return
        grown = {p: (before.get(p, 0), size) for p, size in sizes.items() if size != before.get(p)}
        if not before or any(old > new for old, new in grown.values()):
            cache.clear()
            cache.advance(sizes)
            return

        def read(connection: Connection) -> tuple[frozenset[str] | None, bool]:
            numbers: frozenset[str] = frozenset()
            is_declared = False
            for province, (old, new) in grown.items():
                said = touched(connection, province, old, new, limit=_TOUCHED_MAX)
                barred = measures_touched(connection, province, old, new, limit=_TOUCHED_MAX)
                closed = closings_touched(connection, province, old, new, limit=_TOUCHED_MAX)
                if said is None or barred is None or closed is None:
                    return None, True
                # A measure against an institution, and its closing, concern those about it.
                about = about_institutions(connection, barred | closed, limit=_TOUCHED_MAX)
                if about is None:
                    return None, True
                # One against a certificate, or one that follows another, concerns the whole line.
                line = same_line(connection, said[0] | barred, limit=_TOUCHED_MAX)
                if line is None:
                    return None, True
                numbers |= said[0] | barred | about | line
                is_declared = (
                    is_declared or said[1] or agreement_changed(connection, province, old, new)
                )
            return numbers, is_declared

        numbers, is_declared = await self._database.read(read)
        if numbers is None:
            cache.clear()
        else:
            cache.certificates.drop(numbers)
            if is_declared:
                cache.declared = None
        cache.advance(sizes)


def read_certificates(
    connection: Connection, numbers: Collection[str]
) -> dict[str, CertificateFacts]:
    """Return the rows about certificates by number, each of which is answered."""
    histories = read_histories(connection, numbers)
    subjects = {subject for each in histories.values() for subject in each.subjects}
    taken = load_measures(connection, subjects | set(numbers))
    # Caregivers' certificates are about no institution: for these alone nothing is read.
    institutions = {each.institution_id for each in histories.values()} - {""}
    closed = read_closings(connection, institutions)
    words: dict[str, dict[str, tuple[RecognitionSaid, ...]]] = {}
    for (host, number), said in read_recognitions(connection, numbers).items():
        words.setdefault(number, {})[host] = said
    return {
        number: CertificateFacts(
            history=histories.get(number),
            recognitions=words.get(number, {}),
            measures=tuple(
                measure
                for subject in (histories[number].subjects if number in histories else (number,))
                for measure in taken.get(subject, ())
            ),
            closings=(
                closed.get(histories[number].institution_id, ()) if number in histories else ()
            ),
        )
        for number in numbers
    }


def read_declared(connection: Connection) -> DeclaredFacts:
    """Return the rows about equivalences and agreements."""
    return DeclaredFacts(
        equivalences=read_equivalences(connection),
        agreements=load_agreement_histories(connection),
    )
