"""RegistryService: institutions, listings and agreements; writes its own province's, reads all.

Thin: fields are validated all at once, rules decide inside the transaction that appends, reads
answer from rows.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, TypeVar

from google.protobuf.message import Message

from deltacare.divisions import normalise_division
from deltacare.errors import Reason, Refusal, ViolationCollector
from deltacare.ids import LogName, parse_province
from deltacare.times import business_date, parse_date
from deltacare.trust import Trust
from deltacare.v1.entry_pb2 import (
    Agreement,
    Entry,
)
from deltacare.v1.registry_service_pb2 import (
    AnswerAgreementRequest,
    AnswerAgreementResponse,
    BatchGetInstitutionsRequest,
    BatchGetInstitutionsResponse,
    BatchUpsertInstitutionsRequest,
    BatchUpsertInstitutionsResponse,
    CountInstitutionsRequest,
    CountInstitutionsResponse,
    GetInstitutionRequest,
    InstitutionChange,
    ListAgreementsRequest,
    ListAgreementsResponse,
    ListInstitutionsRequest,
    ListInstitutionsResponse,
    ListListingsRequest,
    ListListingsResponse,
    LogCursor,
    ProposeAgreementRequest,
    ProposeAgreementResponse,
    PublishListingRequest,
    PublishListingResponse,
    RegisteredInstitution,
    WatchInstitutionsRequest,
    WithdrawListingRequest,
    WithdrawListingResponse,
)
from server.edge.call import Call
from server.log.ports import AppendedRun, LogReader, LogTx, Sequencer
from server.registry.bodies import (
    read_agreement,
    read_answer,
    read_listing,
    read_withdrawal,
)
from server.registry.fields import read_page_size
from server.registry.paging import next_token, read_token
from server.registry.projector import RegistryState
from server.registry.questions import (
    NAME_PREFIX,
    NAMES_MAX,
    read_cursors,
    read_filter,
    read_institutions,
    read_name,
)
from server.registry.requests import (
    appended,
    begin_write,
    new_entry,
    require_own,
    submit,
    without_unknown,
)
from server.registry.store import institutions_newest
from server.registry.values import Reach
from server.registry.views import (
    count_institutions,
    find_agreements,
    find_changes,
    find_institutions,
    find_institutions_by_id,
    find_listings,
)
from server.store.database import Database

__all__ = ["RegistryServicer"]

_WATCH_ROWS = 500

R = TypeVar("R", bound=Message)


class RegistryServicer:
    """The service at one province's node.

    Args:
        own: the province.
        trust: members.
        database: rows.
        sequencer: appends to own logs.
        reader: how far each log is held, and when one grows.
    """

    def __init__(
        self,
        *,
        own: str,
        trust: Trust,
        database: Database,
        sequencer: Sequencer,
        reader: LogReader,
    ) -> None:
        self._own = own
        self._own_log = LogName.registry(own)
        self._logs = tuple(LogName.registry(province) for province in trust.provinces)
        self._members = frozenset(trust.provinces)
        self._database = database
        self._sequencer = sequencer
        self._reader = reader

    # Institutions.

    async def batch_upsert_institutions(
        self, request: BatchUpsertInstitutionsRequest, call: Call
    ) -> BatchUpsertInstitutionsResponse:
        """State a batch of the own register; what is there already and unchanged is skipped."""
        require_own(call, self._own)
        bad = ViolationCollector()
        request_id = begin_write(request.request_id, request.duty, bad)
        bodies = read_institutions(request.institutions, bad, own=self._own)
        bad.raise_if_any()
        counts = BatchUpsertInstitutionsResponse()

        def decide(tx: LogTx) -> Sequence[Entry]:
            newest = institutions_newest(tx.connection, [body.institution_id for body in bodies])
            changed: list[Entry] = []
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
                changed.append(new_entry(request.duty, institution=body))
            return changed

        def answer(_: LogTx, run: AppendedRun) -> BatchUpsertInstitutionsResponse:
            counts.appended.CopyFrom(appended(run))
            return counts

        return await submit(
            self._sequencer,
            call,
            request,
            request_id,
            log=self._own_log,
            decide=decide,
            answer=answer,
            response=BatchUpsertInstitutionsResponse,
        )

    async def get_institution(
        self,
        request: GetInstitutionRequest,
        call: Call,  # noqa: ARG002  # the shape of a method
    ) -> RegisteredInstitution:
        """Return one institution of any province."""
        bad = ViolationCollector()
        institution_id = read_name(request.name, "name", bad)
        bad.raise_if_any()
        found = await self._database.read(
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
        found = await self._database.read(
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
        found = await self._database.read(
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
        counts = await self._database.read(
            lambda connection: count_institutions(connection, wanted, on_date=on_date)
        )
        return CountInstitutionsResponse(counts=counts)

    async def watch_institutions(
        self,
        request: WatchInstitutionsRequest,
        call: Call,  # noqa: ARG002  # the shape of a method
    ) -> AsyncIterator[InstitutionChange]:
        """Stream changes of institutions in the order of each log, for ever."""
        cursors = read_cursors(request.cursors, self._logs)
        waiting = frozenset(cursors)
        async for grown in self._reader.changes():
            for log in sorted(waiting | (grown & cursors.keys())):
                async for change in self._changes(log, cursors[log]):
                    cursors[log] = change.cursor.next_index
                    yield change
            waiting = frozenset()

    async def _changes(self, log: LogName, next_index: int) -> AsyncIterator[InstitutionChange]:
        """Yield what one log says of institutions from an index on."""
        while True:
            read = partial(
                find_changes, author=log.author, first_index=next_index, limit=_WATCH_ROWS
            )
            rows = await self._database.read(read)
            for row in rows:
                next_index = row.entry.index + 1
                yield InstitutionChange(
                    institution=row, cursor=LogCursor(log=str(log), next_index=next_index)
                )
            if len(rows) < _WATCH_ROWS:
                return

    # Listings.

    async def publish_listing(
        self, request: PublishListingRequest, call: Call
    ) -> PublishListingResponse:
        """Publish a listing of the own province."""
        return await self._say(
            request,
            call,
            body=("listing", "listing"),
            read=read_listing,
            answer=lambda run: PublishListingResponse(appended=appended(run)),
            response=PublishListingResponse,
        )

    async def withdraw_listing(
        self, request: WithdrawListingRequest, call: Call
    ) -> WithdrawListingResponse:
        """Withdraw a listing of the own province."""
        return await self._say(
            request,
            call,
            body=("withdrawal", "listing_withdrawal"),
            read=read_withdrawal,
            answer=lambda run: WithdrawListingResponse(appended=appended(run)),
            response=WithdrawListingResponse,
        )

    async def list_listings(
        self,
        request: ListListingsRequest,
        call: Call,  # noqa: ARG002  # the shape of a method
    ) -> ListListingsResponse:
        """Return a page of listings by id."""
        bad = ViolationCollector()
        size = read_page_size(request.page_size, bad)
        if request.province:
            bad.take(parse_province, request.province)
        question = f"listings\0{request.province}".encode()
        after = read_token(request.page_token, question, bad)
        bad.raise_if_any()
        found = await self._database.read(
            lambda connection: find_listings(
                connection, province=request.province, after=after, limit=size + 1
            )
        )
        page = found[:size]
        return ListListingsResponse(
            listings=page,
            next_page_token=(
                next_token(question, page[-1].listing.listing_id) if len(found) > size else ""
            ),
        )

    # Agreements.

    async def propose_agreement(
        self, request: ProposeAgreementRequest, call: Call
    ) -> ProposeAgreementResponse:
        """Propose a version of an agreement, which accepts it for the own parties."""
        return await self._say(
            request,
            call,
            body=("agreement", "agreement"),
            read=self._read_agreement,
            answer=lambda run: ProposeAgreementResponse(
                appended=appended(run), version_hash=run.leaf_hashes[0]
            ),
            response=ProposeAgreementResponse,
        )

    def _read_agreement(self, body: Agreement, at: str, bad: ViolationCollector) -> None:
        """Check an agreement, and that its parties are in the federation as it is now."""
        read_agreement(body, at, bad)
        for position, party in enumerate(body.parties):
            if f"{party[:2]}0000" not in self._members:
                bad.note(f"{at}parties[{position}]", party, "Its province is no member.")

    async def answer_agreement(
        self, request: AnswerAgreementRequest, call: Call
    ) -> AnswerAgreementResponse:
        """Accept a version of an agreement for the own parties, or end it."""
        return await self._say(
            request,
            call,
            body=("answer", "agreement_answer"),
            read=read_answer,
            answer=lambda run: AnswerAgreementResponse(appended=appended(run)),
            response=AnswerAgreementResponse,
        )

    async def _say(
        self,
        request: Any,  # noqa: ANN401  # any request with a request id, a duty and one body
        call: Call,
        *,
        body: tuple[str, str],
        read: Callable[[Any, str, ViolationCollector], None],
        answer: Callable[[AppendedRun], Message],
        response: type[R],
    ) -> R:
        """Append one entry that the rules let pass.

        Args:
            request: of the method.
            call: who calls.
            body: field of the request that holds the body, and field of the entry that takes it.
            read: checks the body.
            answer: makes the response.
            response: its type.
        """
        require_own(call, self._own)
        bad = ViolationCollector()
        request_id = begin_write(request.request_id, request.duty, bad)
        said = without_unknown(getattr(request, body[0]))
        read(said, f"{body[0]}.", bad)
        bad.raise_if_any()

        def decide(tx: LogTx) -> Sequence[Entry]:
            entry = new_entry(request.duty, **{body[1]: said})
            state = RegistryState(tx.connection, self._own, (entry,))
            rule = state.judge(entry, writing=True)
            if rule is not None:
                raise rule.refusal(state.subject(entry))
            return (entry,)

        return await submit(
            self._sequencer,
            call,
            request,
            request_id,
            log=self._own_log,
            decide=decide,
            answer=lambda _, run: answer(run),
            response=response,
        )

    async def list_agreements(
        self, request: ListAgreementsRequest, call: Call
    ) -> ListAgreementsResponse:
        """Return a page of agreements by id, with the last word of each party."""
        bad = ViolationCollector()
        size = read_page_size(request.page_size, bad)
        division = ""
        if request.division:
            division = bad.take(normalise_division, request.division) or ""
        on_date: date | None = business_date(call.now)
        if request.on_date:
            on_date = bad.take(parse_date, request.on_date, field="on_date")
        question = f"agreements\0{division}\0{request.on_date}".encode()
        after = read_token(request.page_token, question, bad)
        bad.raise_if_any()
        assert on_date is not None, "what cannot be read was refused"
        day = on_date
        await self._reader.refresh()
        reaches = self._reaches()
        found = await self._database.read(
            lambda connection: find_agreements(
                connection,
                division=division,
                on_date=day,
                reaches=reaches,
                after=after,
                limit=size + 1,
            )
        )
        page = found[:size]
        return ListAgreementsResponse(
            agreements=page,
            next_page_token=(
                next_token(question, page[-1].agreement.agreement_id) if len(found) > size else ""
            ),
        )

    def _reaches(self) -> Mapping[str, Reach]:
        """Return up to where each registry log counts now."""
        positions = {log.author: self._reader.position(log) for log in self._logs}
        return {
            author: Reach(restrict_size=position.size, permit_size=position.quorum_size)
            for author, position in positions.items()
        }
