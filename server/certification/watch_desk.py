"""Watch lists, and the stream of what happens to the certificates on them.

A stream keeps a cursor for each registry log and a place in the days, and little else: it looks,
tells, and waits until there is something to look at or a day has come; while its reader is slow it
does not look. So it costs the same however long it runs, and goes on at any replica from the
cursors that it gave.

When a day has come, the entries that are held by then are told first; then a page of the day and a
look at the logs take turns, so that a long list holds no entry up. What an entry's answer said of a
certificate on the day itself is not said again by the day's: that is noted until the day is told.
"""

from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import date, timedelta

from deltacare.errors import Refusal, ViolationCollector
from deltacare.ids import CertificateNumber, InstitutionId, LogKind, LogName
from deltacare.times import business_date
from deltacare.v1.certification_service_pb2 import (
    CertificateAlert,
    CheckCertificationResponse,
    ListWatchListsRequest,
    ListWatchListsResponse,
    PutWatchListRequest,
    PutWatchListResponse,
    WatchCertificatesRequest,
    WatchList,
)
from server.certification.room import Desk, Room
from server.certification.watch_answers import (
    cursor_answer,
    day_alert,
    day_answer,
    entry_alert,
    first_day,
)
from server.certification.watch_days import Said, ask, read_day, read_place, said_of
from server.certification.watch_hub import Hub, reached
from server.certification.watch_lists import NUMBERS_PER_LIST_MAX, find_lists, put_list
from server.certification.watch_values import Cursor, DayPlace, Reached, Watcher
from server.certification.watching import Turn, read_turn
from server.edge.call import Call
from server.log.ports import Position
from server.registry.fields import read_page_size
from server.registry.paging import next_token, read_token

__all__ = ["WatchDesk"]

_INDEX_MAX = 2**63 - 1
_NUMBER_CHARS_MAX = 64
# All that is held counts, also what another replica stored whose clock is ahead.
_CLOCKS_APART = timedelta(days=1)
# A reader who hears nothing is told where it stands after so many entries.
_SILENT_ENTRIES_MAX = 10_000
# How often a stream that has nothing to do asks the clock whether a day has come. Each began at
# another moment, so that not all compare at once.
_CLOCK_LOOK_S = 5.0


class WatchDesk(Desk):
    """Methods about watching.

    Args:
        room: what they work with.
    """

    def __init__(self, room: Room) -> None:
        super().__init__(room)
        self._hub = Hub(database=room.database, reader=room.reader)

    async def put_watch_list(
        self, request: PutWatchListRequest, call: Call
    ) -> PutWatchListResponse:
        """Replace what the caller watches for an institution."""
        bad = ViolationCollector()
        institution = bad.take(
            InstitutionId.parse, request.list.institution_id, field="list.institution_id"
        )
        given = request.list.certificate_nos
        if len(given) > NUMBERS_PER_LIST_MAX:
            bad.note(
                "list.certificate_nos",
                len(given),
                f"A list has at most {NUMBERS_PER_LIST_MAX:,} certificates.",
            )
        numbers: set[str] = set()
        for place, text in enumerate(given[:NUMBERS_PER_LIST_MAX]):
            number = bad.take(CertificateNumber.parse, text, field=f"list.certificate_nos[{place}]")
            if number is not None:
                numbers.add(str(number))
        bad.raise_if_any()
        changed = await self._room.database.write(
            lambda connection: put_list(
                connection, call.caller.opaque_id, str(institution), numbers
            )
        )
        # After the list is kept, and as the database has it, not this replica's memory: whatever is
        # appended behind these places finds the list, also in streams that run already, anywhere.
        # What came before is not told, so that nothing that a stream passed has to be told again.
        moment = call.now + _CLOCKS_APART
        cursors = await self._room.database.read(
            lambda connection: [
                cursor_answer(
                    log, _present(_held(self._room.reader.position_at(connection, log, moment)))
                )
                for log in self._logs()
            ]
        )
        return PutWatchListResponse(
            list=WatchList(institution_id=str(institution), certificate_nos=sorted(numbers)),
            added_count=changed.added_count,
            removed_count=changed.removed_count,
            cursors=cursors,
            day_cursor=day_answer(DayPlace(told_date=self._business_day())),
        )

    async def list_watch_lists(
        self, request: ListWatchListsRequest, call: Call
    ) -> ListWatchListsResponse:
        """Return a page of what the caller watches."""
        bad = ViolationCollector()
        size = read_page_size(request.page_size, bad)
        question = f"watching\0{call.caller.opaque_id}".encode()
        after = read_token(request.page_token, question, bad)
        bad.raise_if_any()
        found = await self._room.database.read(
            lambda connection: find_lists(
                connection, call.caller.opaque_id, after=after, limit=size + 1
            )
        )
        page = found[:size]
        return ListWatchListsResponse(
            lists=[
                WatchList(institution_id=institution_id, certificate_nos=numbers)
                for institution_id, numbers in page
            ],
            next_page_token=next_token(question, page[-1][0]) if len(found) > size else "",
        )

    async def watch_certificates(
        self, request: WatchCertificatesRequest, call: Call
    ) -> AsyncIterator[CertificateAlert]:
        """Stream what touches the caller's certificates; see the contract."""
        watcher, given, place = self._read_watching(request, call)
        async with self._hub.subscribe(call.caller.opaque_id) as subscription:
            await self._room.reader.refresh()
            cursors = {log: given.get(log) or _present(self._reached(log)) for log in self._logs()}
            yield CertificateAlert(
                cursors=[cursor_answer(log, at) for log, at in cursors.items()],
                day_cursor=day_answer(place),
            )
            told = dict(cursors)
            waiting: deque[LogName] = deque(cursors)
            days = _Days(place)
            while True:
                # 1. A day that came, when the entries held by then are told: a page of it.
                if days.begins(self._business_day()):
                    days.ends = {log: self._reached(log) for log in cursors}
                    waiting.extend(log for log in cursors if log not in waiting)
                if days.due is not None and not days.ends:
                    day = days.due
                    page = await read_day(
                        self._room, watcher, request.host, days.place, day, told=days.said
                    )
                    days.move(page.place)
                    if page.changes or page.place.next_date is None:
                        yield day_alert(day, page.changes, page.place)
                # 2. Which log: those that wait in turn, else those that somebody woke us for.
                if not waiting:
                    is_free = days.due is None
                    woken = await subscription.next(_CLOCK_LOOK_S if is_free else 0)
                    waiting.extend(sorted(set(woken) & set(cursors)))
                    if not waiting:
                        continue
                log = waiting.popleft()
                before = subscription.skip(log, cursors[log])
                # 3. What it has for this caller.
                turn = await self._look(watcher, log, before)
                verdicts = await self._verdicts(turn, request.host)
                for found in turn.found:
                    days.note(found.institutions, verdicts)
                    yield entry_alert(log, found, verdicts)
                    told[log] = found.cursor
                cursors[log] = turn.cursor
                # 4. Where it stands, said now and then; and again if there is more.
                if turn.cursor.next_index - told[log].next_index > _SILENT_ENTRIES_MAX:
                    yield CertificateAlert(cursors=[cursor_answer(log, turn.cursor)])
                    told[log] = turn.cursor
                has_more = turn.cursor != before and self._is_behind(log, turn.cursor)
                if has_more:
                    waiting.append(log)
                days.passed(log, turn.cursor, has_more=has_more)

    def _is_behind(self, log: LogName, cursor: Cursor) -> bool:
        """Whether a log is held further than a cursor stands."""
        at = self._reached(log)
        return cursor.next_index < at.size or cursor.next_permit_index < at.quorum_size

    def _read_watching(
        self, request: WatchCertificatesRequest, call: Call
    ) -> tuple[Watcher, Mapping[LogName, Cursor], DayPlace]:
        """Return who watches what, and from where in the logs and in the days.

        Raises:
            Refusal: ``INVALID_FIELD``, with all that cannot be read.
        """
        bad = ViolationCollector()
        if request.institution_id:
            bad.take(InstitutionId.parse, request.institution_id, field="institution_id")
        cursors = self._read_cursors(request, bad)
        place = DayPlace(told_date=self._business_day())
        if request.HasField("day_cursor"):
            place = read_place(
                request.day_cursor, today=place.told_date, field="day_cursor", bad=bad
            )
        try:
            ask(self._room, "320000-0", request.host, call.now)
        except Refusal as refusal:
            for fault in refusal.violations:
                bad.add(fault)
        bad.raise_if_any()
        watcher = Watcher(caller=call.caller.opaque_id, institution_id=request.institution_id)
        return watcher, cursors, place

    def _read_cursors(
        self, request: WatchCertificatesRequest, bad: ViolationCollector
    ) -> Mapping[LogName, Cursor]:
        """Return from where in the logs."""
        known = set(self._logs())
        cursors: dict[LogName, Cursor] = {}
        for place, given in enumerate(request.cursors):
            at = f"cursors[{place}]"
            log = bad.take(LogName.parse, given.log, field=f"{at}.log")
            if log is not None and log not in known:
                bad.note(f"{at}.log", given.log, "This is no registry log of a member.")
            elif log in cursors:
                bad.note(f"{at}.log", given.log, "The log is named more than once.")
            if max(given.next_index, given.next_permit_index) > _INDEX_MAX:
                bad.note(f"{at}.next_index", "", "No log has so many entries.")
            after = (given.after_certificate_no, given.after_permit_certificate_no)
            if any(len(each) > _NUMBER_CHARS_MAX or "\0" in each for each in after):
                bad.note(f"{at}.after_certificate_no", "", "No certificate has such a number.")
            if log is not None:
                cursors[log] = Cursor(
                    next_index=given.next_index,
                    next_permit_index=given.next_permit_index,
                    after=after[0],
                    after_permit=after[1],
                )
        return cursors

    async def _look(self, watcher: Watcher, log: LogName, cursor: Cursor) -> Turn:
        """Return what a log has for a watcher."""
        at, reader = self._reached(log), self._room.reader
        return await self._room.database.read(
            lambda connection: read_turn(
                connection,
                watcher,
                log.author,
                cursor,
                at,
                entry_bytes=lambda index: reader.entries(connection, log, index, index + 1)[0],
            )
        )

    async def _verdicts(
        self, turn: Turn, host: str
    ) -> Mapping[tuple[str, str], CheckCertificationResponse]:
        """Return what a check says now of the certificates of a turn, by number and day.

        The day is empty for the present one; others are those to come that entries name.
        """
        now = self._room.clock.now()
        today = business_date(now).isoformat()
        asked = {
            (number, day)
            for found in turn.found
            for number in found.institutions
            for day in ("", first_day(found))
            if not day or day > today
        }
        if not asked:
            return {}
        await self._room.reader.refresh()
        questions = [ask(self._room, number, host, now, day) for number, day in sorted(asked)]
        answers = await self._room.checker.answer_many(questions, now)
        return {
            key: answered.response for key, answered in zip(sorted(asked), answers, strict=True)
        }

    def _logs(self) -> list[LogName]:
        """Return the registry logs of the members."""
        return sorted(LogName.registry(province) for province in self._room.members)

    def _business_day(self) -> date:
        """Return the business day by the node's clock."""
        return business_date(self._room.clock.now())

    def _reached(self, log: LogName) -> Reached:
        assert log.kind is LogKind.REGISTRY, "only registry logs speak of certificates"
        return reached(self._room.reader, log)


class _Days:
    """Where a stream stands in the days.

    Args:
        place: where it goes on.

    Attributes:
        place: where it stands.
        due: the day that has come and is to be told of; ``None`` if none is.
        ends: the logs of which entries are told before that, and up to where.
        said: by certificate, what was said since the last day told.
    """

    def __init__(self, place: DayPlace) -> None:
        self.place = place
        self.due: date | None = None
        self.ends: dict[LogName, Reached] = {}
        self.said: dict[str, Said] = {}

    def begins(self, today: date) -> bool:
        """Look at the clock; return whether a day has come that was not due before."""
        before, self.due = self.due, self.place.due(today)
        return self.due is not None and self.due != before

    def move(self, place: DayPlace) -> None:
        """Go on behind what a turn found."""
        self.place = place
        self.due = place.next_date
        if self.due is None:
            last = place.told_date
            self.said = {number: said for number, said in self.said.items() if said[0] > last}

    def note(
        self,
        numbers: Iterable[str],
        verdicts: Mapping[tuple[str, str], CheckCertificationResponse],
    ) -> None:
        """Note what an entry's answer says of certificates, if their day is not told yet."""
        for number in numbers:
            said = said_of(verdicts[number, ""])
            if said[0] > self.place.told_date:
                self.said[number] = said

    def passed(self, log: LogName, cursor: Cursor, *, has_more: bool) -> None:
        """Note that a log was looked at, up to a cursor."""
        end = self.ends.get(log)
        if end is not None and (not has_more or cursor.covers(end)):
            del self.ends[log]


def _held(position: Position) -> Reached:
    """Return how far a log is held at a position."""
    return Reached(size=position.size, quorum_size=position.quorum_size)


def _present(at: Reached) -> Cursor:
    """Return the cursor at the present end of a log."""
    return Cursor(next_index=at.size, next_permit_index=at.quorum_size)
