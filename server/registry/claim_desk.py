"""What sources that own nothing say of institutions, and what does not fit together."""

from collections.abc import Sequence

from deltacare.divisions import normalise_division, province_of
from deltacare.errors import ViolationCollector
from deltacare.ids import InstitutionId
from deltacare.times import business_date
from deltacare.v1.entry_pb2 import Entry, InstitutionClaim
from deltacare.v1.registry_service_pb2 import (
    BatchStateClaimsRequest,
    BatchStateClaimsResponse,
    DisagreementKind,
    ListClaimsRequest,
    ListClaimsResponse,
    ListDisagreementsRequest,
    ListDisagreementsResponse,
)
from server.edge.call import Call
from server.log.ports import AppendedRun, LogTx
from server.registry.claim_rows import claim_key, claims_newest
from server.registry.claim_views import claim_id, find_claims, read_claim_id
from server.registry.disagreement_views import (
    DisagreementQuestion,
    disagreement_id,
    read_disagreement_id,
    shown,
)
from server.registry.fields import parse_code, read_enum, read_page_size
from server.registry.paging import next_token, read_token
from server.registry.questions import read_claims
from server.registry.requests import appended, begin_write, new_entry, require_own, submit
from server.registry.room import Desk

__all__ = ["ClaimDesk"]


class ClaimDesk(Desk):
    """Methods about claims and disagreements."""

    async def batch_state_claims(
        self, request: BatchStateClaimsRequest, call: Call
    ) -> BatchStateClaimsResponse:
        """State what other sources say; what was claimed in the same words is skipped."""
        require_own(call, self._room.own)
        bad = ViolationCollector()
        request_id = begin_write(request.request_id, request.duty, bad)
        bodies = read_claims(request.claims, bad, own=self._room.own, members=self._room.members)
        bad.raise_if_any()
        counts = BatchStateClaimsResponse()

        def decide(tx: LogTx) -> Sequence[Entry]:
            newest = claims_newest(
                tx.connection, self._room.own, [body.institution_id for body in bodies]
            )
            fresh: list[Entry] = []
            counts.Clear()
            for body in bodies:
                before = newest.get(claim_key(body))
                said = None if before is None else InstitutionClaim.FromString(before[1])
                # Nothing is withdrawn that was not claimed, or was withdrawn already.
                is_idle = not body.value and (said is None or not said.value)
                if is_idle or body == said:
                    counts.unchanged_count += 1
                    continue
                counts.stated_count += 1
                fresh.append(new_entry(request.duty, institution_claim=body))
            return fresh

        def answer(_: LogTx, run: AppendedRun) -> BatchStateClaimsResponse:
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
            response=BatchStateClaimsResponse,
        )

    async def list_claims(
        self,
        request: ListClaimsRequest,
        call: Call,  # noqa: ARG002  # the shape of a method
    ) -> ListClaimsResponse:
        """Return a page of the claims that count."""
        bad = ViolationCollector()
        size = read_page_size(request.page_size, bad)
        if request.institution_id:
            bad.take(InstitutionId.parse, request.institution_id, field="institution_id")
        if request.source:
            bad.take(parse_code, request.source, field="source")
        question = f"claims\0{request.institution_id}\0{request.source}".encode()
        after = read_token(request.page_token, question, bad)
        bad.raise_if_any()
        found = await self._room.database.read(
            lambda connection: find_claims(
                connection,
                institution_id=request.institution_id,
                source=request.source,
                after=read_claim_id(after),
                limit=size + 1,
            )
        )
        page = found[:size]
        return ListClaimsResponse(
            claims=page,
            next_page_token=next_token(question, claim_id(page[-1])) if len(found) > size else "",
        )

    async def list_disagreements(
        self, request: ListDisagreementsRequest, call: Call
    ) -> ListDisagreementsResponse:
        """Return a page of what does not fit together in the registers."""
        bad = ViolationCollector()
        size = read_page_size(request.page_size, bad)
        division = ""
        if request.division:
            division = bad.take(normalise_division, request.division) or ""
        read_enum(request.kind, "kind", bad, kind=DisagreementKind, optional=True)
        question = f"disagreements\0{division}\0{request.kind}".encode()
        after = read_token(request.page_token, question, bad)
        bad.raise_if_any()
        provinces = sorted({province_of(division)} if division else self._room.members)
        asked = DisagreementQuestion(
            provinces=tuple(provinces),
            division=division,
            kind=request.kind,
            on_date=business_date(call.now),
        )
        found = await self._room.database.read(
            lambda connection: self._room.disagreements.find(
                connection, asked, after=read_disagreement_id(after), limit=size + 1
            )
        )
        page = found[:size]
        return ListDisagreementsResponse(
            disagreements=[shown(finding) for finding in page],
            next_page_token=(
                next_token(question, disagreement_id(page[-1])) if len(found) > size else ""
            ),
        )
