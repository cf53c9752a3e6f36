"""Institutions of the own register, stated, and of all provinces, shown and followed."""

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial

from deltacare.errors import Reason, Refusal, ViolationCollector
from deltacare.ids import LogName
from deltacare.times import business_date
from deltacare.v1.entry_pb2 import Entry, Institution
from deltacare.v1.registry_service_pb2 import (
    BatchGetInstitutionsRequest,
    BatchGetInstitutionsResponse,
    BatchUpsertInstitutionsRequest,
    BatchUpsertInstitutionsResponse,
    CountInstitutionsRequest,
    CountInstitutionsResponse,
    GetInstitutionHistoryRequest,
    GetInstitutionRequest,
    InstitutionChange,
    InstitutionHistory,
    ListInstitutionsRequest,
    ListInstitutionsResponse,
    LogCursor,
    RegisteredInstitution,
    SearchInstitutionsRequest,
    SearchInstitutionsResponse,
    WatchInstitutionsRequest,
)
from server.edge.call import Call
from server.log.ports import AppendedRun, LogTx
from server.registry.fields import read_page_size
from server.registry.institution_rows import InstitutionRows, standing_of
from server.registry.paging import next_token, read_token
from server.registry.questions import (
    NAME_PREFIX,
    NAMES_MAX,
    read_cursors,
    read_filter,
    read_institutions,
    read_name,
    read_search,
)
from server.registry.requests import appended, begin_write, new_entry, require_own, submit
from server.registry.room import Desk
from server.registry.rules import G17_REOPENED, judge_institution_change
from server.registry.searching import search_institutions
from server.registry.store import institutions_newest
from server.registry.views import (
    count_institutions,
    find_changes,
    find_history,
    find_institutions,
    find_institutions_by_id,
)

__all__ = ["InstitutionDesk"]

_WATCH_ROWS = 500


class InstitutionDesk(Desk):
    """Methods about institutions."""

    async def batch_upsert_institutions(
        self, request: BatchUpsertInstitutionsRequest, call: Call
    ) -> BatchUpsertInstitutionsResponse:
        """State a batch of the own register; what is there already and unchanged is skipped."""
        require_own(call, self._room.own)
        bad = ViolationCollector()
        request_id = begin_write(request.request_id, request.duty, bad)
        bodies = read_institutions(request.institutions, bad, own=self._room.own)
        bad.raise_if_any()
        counts = BatchUpsertInstitutionsResponse()
        positions = {body.institution_id: position for position, body in enumerate(bodies)}

        def decide(tx: LogTx) -> Sequence[Entry]:
            newest = institutions_newest(tx.connection, [body.institution_id for body in bodies])
            changed: list[Institution] = []
            counts.Clear()
            for body in bodies:
                before = newest.get(body.institution_id)
                if before is None:
                    counts.created_count += 1
                elif before[1] == body:
                    counts.unchanged_count += 1
                    continue
                else:
                    counts.updated_count += 1
                changed.append(body)
            # A successor may come in the same batch: it is stated before who names it.
            changed.sort(key=lambda body: bool(body.successor_ids))
            self._judge_changes(tx, changed, positions)
            return [new_entry(request.duty, institution=body) for body in changed]

        def answer(_: LogTx, run: AppendedRun) -> BatchUpsertInstitutionsResponse:
            counts.appended.CopyFrom(appended(run))
            return counts

        return await submit(
            self._room.sequencer,
            call,
            request,
            request_id,
            log=self._room.own_log,
            decide=decide,
            answer=answer,
            response=BatchUpsertInstitutionsResponse,
        )

    def _judge_changes(
        self, tx: LogTx, changed: Sequence[Institution], positions: Mapping[str, int]
    ) -> None:
        """Refuse a batch in which a statement breaks a rule by what was stated before.

        Args:
            tx: of the write.
            changed: what is to be appended, in order; each is readable.
            positions: of each in the request, by id.

        Raises:
            Refusal: ``INVALID_FIELD``, with every violation.
        """
        bad = ViolationCollector()
        named = {each for body in changed for each in (body.institution_id, *body.successor_ids)}
        standing = InstitutionRows(tx.connection, self._room.own, named).standing
        for body in changed:
            rule = judge_institution_change(body, standing=standing)
            if rule is not None:
                field = "state" if rule is G17_REOPENED else "successor_ids"
                at = f"institutions[{positions[body.institution_id]}].{field}"
                bad.note(at, body.institution_id, f"{rule.code}: {rule.en}")
            standing[body.institution_id] = standing_of(0, body)
        bad.raise_if_any()

    async def get_institution(
        self,
        request: GetInstitutionRequest,
        call: Call,  # noqa: ARG002  # the shape of a method
    ) -> RegisteredInstitution:
        """Return one institution of any province."""
        bad = ViolationCollector()
        institution_id = read_name(request.name, "name", bad)
        bad.raise_if_any()
        found = await self._room.database.read(
            lambda connection: find_institutions_by_id(connection, (institution_id,))
        )
        if institution_id not in found:
            raise Refusal(
                Reason.NOT_FOUND, f"No log states {request.name}.", details={"name": request.name}
            )
        return found[institution_id]

    async def batch_get_institutions(
        self,
        request: BatchGetInstitutionsRequest,
        call: Call,  # noqa: ARG002  # the shape of a method
    ) -> BatchGetInstitutionsResponse:
        """Return up to 1,000 institutions, and the names that no log states."""
        bad = ViolationCollector()
        if not 1 <= len(request.names) <= NAMES_MAX:
            bad.note("names", len(request.names), "A request has 1 to 1,000 names.")
        ids = [
            read_name(name, f"names[{position}]", bad)
            for position, name in enumerate(request.names[:NAMES_MAX])
        ]
        bad.raise_if_any()
        found = await self._room.database.read(
            lambda connection: find_institutions_by_id(connection, ids)
        )
        return BatchGetInstitutionsResponse(
            institutions=[found[each] for each in ids if each in found],
            missing_names=[f"{NAME_PREFIX}{each}" for each in ids if each not in found],
        )

    async def list_institutions(
        self, request: ListInstitutionsRequest, call: Call
    ) -> ListInstitutionsResponse:
        """Return a page of institutions by id."""
        bad = ViolationCollector()
        wanted = read_filter(request.filter, bad)
        size = read_page_size(request.page_size, bad)
        question = b"institutions\0" + wanted.SerializeToString(deterministic=True)
        after = read_token(request.page_token, question, bad)
        bad.raise_if_any()
        on_date = business_date(call.now)
        found = await self._room.database.read(
            lambda connection: find_institutions(
                connection, wanted, on_date=on_date, after=after, limit=size + 1
            )
        )
        page = found[:size]
        return ListInstitutionsResponse(
            institutions=page,
            next_page_token=(
                next_token(question, page[-1].institution.institution_id)
                if len(found) > size
                else ""
            ),
        )

    async def count_institutions(
        self, request: CountInstitutionsRequest, call: Call
    ) -> CountInstitutionsResponse:
        """Return how many institutions and beds each province has."""
        bad = ViolationCollector()
        wanted = read_filter(request.filter, bad)
        bad.raise_if_any()
        on_date = business_date(call.now)
        counts = await self._room.database.read(
            lambda connection: count_institutions(connection, wanted, on_date=on_date)
        )
        return CountInstitutionsResponse(counts=counts)

    async def watch_institutions(
        self,
        request: WatchInstitutionsRequest,
        call: Call,  # noqa: ARG002  # the shape of a method
    ) -> AsyncIterator[InstitutionChange]:
        """Stream changes of institutions in the order of each log, for ever."""
        cursors = read_cursors(request.cursors, self._room.logs)
        waiting = frozenset(cursors)
        async for grown in self._room.reader.changes():
            for log in sorted(waiting | (grown & cursors.keys())):
                async for change in self._changes(log, cursors[log]):
                    cursors[log] = change.cursor.next_index
                    yield change
            waiting = frozenset()

    async def get_institution_history(
        self,
        request: GetInstitutionHistoryRequest,
        call: Call,  # noqa: ARG002  # the shape of a method
    ) -> InstitutionHistory:
        """Return all that was ever stated of one institution, and what others claim of it."""
        bad = ViolationCollector()
        institution_id = read_name(request.name, "name", bad)
        bad.raise_if_any()
        history = await self._room.database.read(
            lambda connection: find_history(connection, institution_id)
        )
        if not history.statements:
            raise Refusal(
                Reason.NOT_FOUND, f"No log states {request.name}.", details={"name": request.name}
            )
        return history

    async def search_institutions(
        self, request: SearchInstitutionsRequest, call: Call
    ) -> SearchInstitutionsResponse:
        """Return the institutions that fit best, by name or by distance."""
        bad = ViolationCollector()
        search = read_search(request, bad)
        wanted = read_filter(request.filter, bad)
        bad.raise_if_any()
        on_date = business_date(call.now)
        return await self._room.database.read(
            lambda connection: search_institutions(connection, search, wanted, on_date=on_date)
        )

    async def _changes(self, log: LogName, next_index: int) -> AsyncIterator[InstitutionChange]:
        """Yield what one log says of institutions from an index on."""
        while True:
            read = partial(
                find_changes, author=log.author, first_index=next_index, limit=_WATCH_ROWS
            )
            rows = await self._room.database.read(read)
            for row in rows:
                next_index = row.entry.index + 1
                yield InstitutionChange(
                    institution=row, cursor=LogCursor(log=str(log), next_index=next_index)
                )
            if len(rows) < _WATCH_ROWS:
                return
