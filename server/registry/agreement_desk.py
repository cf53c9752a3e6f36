"""Agreements between divisions: proposed, answered, shown, and who has one with whom."""

from datetime import date, datetime

from deltacare.divisions import normalise_division
from deltacare.errors import ViolationCollector
from deltacare.times import business_date, parse_date
from deltacare.v1.entry_pb2 import (
    AGREEMENT_WORD_ENDED,
    Agreement,
    AgreementAnswer,
    AgreementScope,
    Entry,
)
from deltacare.v1.registry_service_pb2 import (
    AgreementMatrix,
    AnswerAgreementRequest,
    AnswerAgreementResponse,
    GetAgreementMatrixRequest,
    ListAgreementsRequest,
    ListAgreementsResponse,
    ProposeAgreementRequest,
    ProposeAgreementResponse,
)
from server.edge.call import Call
from server.registry.agreement_views import find_agreements, find_matrix
from server.registry.bodies import read_agreement, read_answer, read_parties
from server.registry.fields import read_enum, read_page_size
from server.registry.paging import next_token, read_token
from server.registry.requests import appended, new_entry, without_unknown
from server.registry.room import Desk

__all__ = ["AgreementDesk"]

_CODE_CHARS = 6


def _with_day(said: AgreementAnswer, now: datetime) -> AgreementAnswer:
    """Return an answer with the day of its entry, if it is an end that names none."""
    result = AgreementAnswer()
    result.CopyFrom(said)
    if said.word == AGREEMENT_WORD_ENDED and not said.effective_date:
        result.effective_date = business_date(now).isoformat()
    return result


class AgreementDesk(Desk):
    """Methods about agreements."""

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
            if f"{party[:2]}0000" not in self._room.members:
                bad.note(f"{at}parties[{position}]", party, "Its province is no member.")

    async def answer_agreement(
        self, request: AnswerAgreementRequest, call: Call
    ) -> AnswerAgreementResponse:
        """Accept a version of an agreement for the own parties, or end it."""
        said = dated = without_unknown(request.answer)

        def entry(now: datetime) -> Entry:
            nonlocal dated
            dated = _with_day(said, now)
            return new_entry(request.duty, agreement_answer=dated)

        return await self._append(
            request,
            call,
            entry=entry,
            read=lambda bad: read_answer(_with_day(said, call.now), "answer.", bad),
            answer=lambda run: AnswerAgreementResponse(
                appended=appended(run), effective_date=dated.effective_date
            ),
            response=AnswerAgreementResponse,
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
        reaches = await self._room.reaches()
        found = await self._room.database.read(
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

    async def get_agreement_matrix(
        self, request: GetAgreementMatrixRequest, call: Call
    ) -> AgreementMatrix:
        """Return which of some divisions have an agreement in force with which of others."""
        bad = ViolationCollector()
        rows, columns = tuple(request.row_divisions), tuple(request.column_divisions)
        read_parties(rows, "row_divisions", bad, least=1)
        read_parties(columns, "column_divisions", bad, least=1)
        for codes, name in ((rows, "row_divisions"), (columns, "column_divisions")):
            for position, code in enumerate(codes):
                if len(code) == _CODE_CHARS and f"{code[:2]}0000" not in self._room.members:
                    bad.note(f"{name}[{position}]", code, "Its province is no member.")
        read_enum(request.scope, "scope", bad, kind=AgreementScope, optional=True)
        on_date: date | None = business_date(call.now)
        if request.on_date:
            on_date = bad.take(parse_date, request.on_date, field="on_date")
        bad.raise_if_any()
        assert on_date is not None, "what cannot be read was refused"
        day = on_date
        reaches = await self._room.reaches()
        cells = await self._room.database.read(
            lambda connection: find_matrix(
                connection,
                rows=rows,
                columns=columns,
                scope=request.scope,
                on_date=day,
                reaches=reaches,
            )
        )
        return AgreementMatrix(cells=cells, on_date=day.isoformat())
