"""Watch lists, and the stream of what happens to the certificates on them.

A stream keeps a cursor for each registry log and nothing else: it looks, tells, and waits until
there is something to look at; while its reader is slow it does not look. So it costs the same
however long it runs, and goes on at any replica from the cursors that it gave.
"""

from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from deltacare.errors import Refusal, ViolationCollector
from deltacare.ids import CertificateNumber, InstitutionId, LogKind, LogName
from deltacare.times import business_date, parse_date
from deltacare.v1.certification_service_pb2 import (
    CertificateAlert,
    CheckCertificationRequest,
    CheckCertificationResponse,
    ListWatchListsRequest,
    ListWatchListsResponse,
    PutWatchListRequest,
    PutWatchListResponse,
    WatchCertificatesRequest,
    WatchCursor,
    WatchList,
)
from server.certification.questions import Question
from server.certification.requests import read_question
from server.certification.room import Desk, Room
from server.certification.watch_hub import Hub, reached
from server.certification.watch_lists import NUMBERS_PER_LIST_MAX, find_lists, put_list
from server.certification.watch_values import Cursor, Reached, Watcher
from server.certification.watching import Found, Turn, read_turn
from server.edge.call import Call
from server.log.ports import Position
from server.registry.fields import read_page_size
from server.registry.paging import next_token, read_token

__all__ = ["WatchDesk"]

_INDEX_MAX = 2**63 - 1
_NUMBER_CHARS_MAX = 64
# First and last day of what a body says, by its name in an entry.
_FIRST_DAYS: Final = {
    "agreement": "from_date",
    "certificate": "valid_from_date",
    "certificate_reinstatement": "effective_date",
    "certificate_revocation": "effective_date",
    "certificate_suspension": "effective_date",
    "equivalence": "from_date",
    "equivalence_end": "effective_date",
    "measure_lift": "effective_date",
    "recognition_resumption": "effective_date",
    "recognition_suspension": "effective_date",
    "supervision_measure": "from_date",
}
_LAST_DAYS: Final = {
    "agreement": "until_date",
    "certificate": "valid_until_date",
    "certificate_renewal": "valid_until_date",
    "certificate_suspension": "until_date",
    "equivalence": "until_date",
    "supervision_measure": "until_date",
}
# All that is held counts, also what another replica stored whose clock is ahead.
_CLOCKS_APART = timedelta(days=1)
# A reader who hears nothing is told where it stands after so many entries.
_SILENT_ENTRIES_MAX = 10_000


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
                _cursor(
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
        watcher, given = self._read_watching(request, call)
        async with self._hub.subscribe(call.caller.opaque_id) as subscription:
            await self._room.reader.refresh()
            cursors = {log: given.get(log) or _present(self._reached(log)) for log in self._logs()}
            yield CertificateAlert(cursors=[_cursor(log, at) for log, at in cursors.items()])
            told = dict(cursors)
            waiting: deque[LogName] = deque(cursors)
            while True:
                # 1. Which log: those that wait in turn, else those that somebody woke us for.
                if not waiting:
                    waiting.extend(sorted(set(await subscription.next()) & set(cursors)))
                    continue
                log = waiting.popleft()
                before = subscription.skip(log, cursors[log])
                # 2. What it has for this caller.
                turn = await self._look(watcher, log, before)
                verdicts = await self._verdicts(turn, request.host)
                for found in turn.found:
                    yield _alert(log, found, verdicts)
                    told[log] = found.cursor
                cursors[log] = turn.cursor
                # 3. Where it stands, said now and then; and again if there is more.
                if turn.cursor.next_index - told[log].next_index > _SILENT_ENTRIES_MAX:
                    yield CertificateAlert(cursors=[_cursor(log, turn.cursor)])
                    told[log] = turn.cursor
                if turn.cursor != before and self._is_behind(log, turn.cursor):
                    waiting.append(log)

    def _is_behind(self, log: LogName, cursor: Cursor) -> bool:
        """Whether a log is held further than a cursor stands."""
        at = self._reached(log)
        return cursor.next_index < at.size or cursor.next_permit_index < at.quorum_size

    def _read_watching(
        self, request: WatchCertificatesRequest, call: Call
    ) -> tuple[Watcher, Mapping[LogName, Cursor]]:
        """Return who watches what, and from where.

        Raises:
            Refusal: ``INVALID_FIELD``, with all that cannot be read.
        """
        bad = ViolationCollector()
        if request.institution_id:
            bad.take(InstitutionId.parse, request.institution_id, field="institution_id")
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
            if max(map(len, after)) > _NUMBER_CHARS_MAX:
                bad.note(f"{at}.after_certificate_no", "", "No certificate has such a number.")
            if log is not None:
                cursors[log] = Cursor(
                    next_index=given.next_index,
                    next_permit_index=given.next_permit_index,
                    after=after[0],
                    after_permit=after[1],
                )
        try:
            self._question("320000-0", request.host, call.now)
        except Refusal as refusal:
            for fault in refusal.violations:
                bad.add(fault)
        bad.raise_if_any()
        watcher = Watcher(caller=call.caller.opaque_id, institution_id=request.institution_id)
        return watcher, cursors

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
            for day in ("", _first_day(found))
            if not day or day > today
        }
        if not asked:
            return {}
        await self._room.reader.refresh()
        questions = [self._question(number, host, now, day) for number, day in sorted(asked)]
        answers = await self._room.checker.answer_many(questions, now)
        return {
            key: answered.response for key, answered in zip(sorted(asked), answers, strict=True)
        }

    def _question(self, number: str, host: str, now: datetime, on_date: str = "") -> Question:
        """Return the question whether a certificate is good today, or on a day.

        Raises:
            Refusal: ``INVALID_FIELD``, if the host cannot be read.
        """
        request = CheckCertificationRequest(certificate_no=number, host=host, on_date=on_date)
        return read_question(request, now=now, own=self._room.own, members=self._room.members)

    def _logs(self) -> list[LogName]:
        """Return the registry logs of the members."""
        return sorted(LogName.registry(province) for province in self._room.members)

    def _reached(self, log: LogName) -> Reached:
        assert log.kind is LogKind.REGISTRY, "only registry logs speak of certificates"
        return reached(self._room.reader, log)


def _held(position: Position) -> Reached:
    """Return how far a log is held at a position."""
    return Reached(size=position.size, quorum_size=position.quorum_size)


def _present(at: Reached) -> Cursor:
    """Return the cursor at the present end of a log."""
    return Cursor(next_index=at.size, next_permit_index=at.quorum_size)


def _cursor(log: LogName, cursor: Cursor) -> WatchCursor:
    """Return a cursor as the contract has it."""
    return WatchCursor(
        log=str(log),
        next_index=cursor.next_index,
        next_permit_index=cursor.next_permit_index,
        after_certificate_no=cursor.after,
        after_permit_certificate_no=cursor.after_permit,
    )


def _alert(
    log: LogName, found: Found, verdicts: Mapping[tuple[str, str], CheckCertificationResponse]
) -> CertificateAlert:
    """Return what is told of an entry."""
    first_day = _first_day(found)
    alert = CertificateAlert(
        body=found.entry.WhichOneof("body") or "",
        effective_date=first_day,
        until_date=_day(found, _LAST_DAYS),
        entry_time=found.entry.entry_time,
        cursors=[_cursor(log, found.cursor)],
    )
    alert.entry.log, alert.entry.index = str(log), found.index
    issued = found.entry.certificate.certificate_no  # empty if it issues none
    for number, institution_ids in found.institutions.items():
        alert.certificates.add(
            certificate_no=number,
            institution_ids=institution_ids,
            verdict=verdicts[number, ""],
            superseded_by="" if number == issued else issued,
            coming_verdict=verdicts.get((number, first_day)) if first_day else None,
        )
    return alert


def _first_day(found: Found) -> str:
    """Return the first day of what an entry says, empty if it names none."""
    return _day(found, _FIRST_DAYS)


def _day(found: Found, fields: Mapping[str, str]) -> str:
    """Return a day that an entry names, from the field that its body has for it."""
    name = found.entry.WhichOneof("body") or ""
    if name not in fields:
        return ""
    text = str(getattr(getattr(found.entry, name), fields[name]))
    with suppress(Refusal):  # whatever a partner writes ends nobody's stream
        return parse_date(text).isoformat() if text else ""
    return ""
