"""What provinces recognise: equivalences, suspended recognition of one certificate, and answers."""

from deltacare.errors import ViolationCollector
from deltacare.ids import CertificateNumber, parse_province
from deltacare.times import business_date
from deltacare.v1.certification_service_pb2 import (
    AnswerRecognitionSuspensionRequest,
    AnswerRecognitionSuspensionResponse,
    EndEquivalenceRequest,
    EndEquivalenceResponse,
    ListEquivalencesRequest,
    ListEquivalencesResponse,
    ListRecognitionSuspensionsRequest,
    ListRecognitionSuspensionsResponse,
    PublishEquivalenceRequest,
    PublishEquivalenceResponse,
    ResumeRecognitionRequest,
    ResumeRecognitionResponse,
    SuspendRecognitionRequest,
    SuspendRecognitionResponse,
)
from deltacare.v1.entry_pb2 import RecognitionAnswer
from server.certification.answers import C29_SUSPENSION_UNKNOWN, judge_answer, read_answer
from server.certification.bodies import (
    read_dated_word,
    read_equivalence,
    read_equivalence_end,
)
from server.certification.room import Desk
from server.certification.suspensions import (
    find_suspensions,
    is_page_key,
    newest_suspension,
    page_key,
    suspension_is_said,
)
from server.certification.views import find_equivalences
from server.edge.call import Call
from server.registry.fields import read_page_size
from server.registry.paging import next_token, read_token

__all__ = ["RecognitionDesk"]


class RecognitionDesk(Desk):
    """Methods about recognition."""

    async def publish_equivalence(
        self, request: PublishEquivalenceRequest, call: Call
    ) -> PublishEquivalenceResponse:
        """Declare that certifications of another issuer count in the own province."""
        return await self._say(
            request,
            call,
            body=("equivalence", "equivalence"),
            read=read_equivalence,
            response=PublishEquivalenceResponse,
        )

    async def end_equivalence(
        self, request: EndEquivalenceRequest, call: Call
    ) -> EndEquivalenceResponse:
        """End such a declaration."""
        return await self._say(
            request,
            call,
            body=("end", "equivalence_end"),
            read=read_equivalence_end,
            response=EndEquivalenceResponse,
        )

    async def suspend_recognition(
        self, request: SuspendRecognitionRequest, call: Call
    ) -> SuspendRecognitionResponse:
        """Stop recognising one certificate of another issuer in the own province."""
        return await self._say(
            request,
            call,
            body=("suspension", "recognition_suspension"),
            read=read_dated_word,
            response=SuspendRecognitionResponse,
        )

    async def resume_recognition(
        self, request: ResumeRecognitionRequest, call: Call
    ) -> ResumeRecognitionResponse:
        """Recognise it again."""
        return await self._say(
            request,
            call,
            body=("resumption", "recognition_resumption"),
            read=read_dated_word,
            response=ResumeRecognitionResponse,
        )

    async def answer_recognition_suspension(
        self, request: AnswerRecognitionSuspensionRequest, call: Call
    ) -> AnswerRecognitionSuspensionResponse:
        """Answer, as issuer, a host that suspended its recognition.

        A suspension never vanishes from a log, so it is looked for before the transaction.
        """
        return await self._say(
            request,
            call,
            body=("answer", "recognition_answer"),
            read=read_answer,
            response=AnswerRecognitionSuspensionResponse,
            fill=self._fill_answer,
        )

    async def _fill_answer(self, said: RecognitionAnswer) -> None:
        """Name the host's newest suspension if none is named; refuse one that is not there."""
        bad = ViolationCollector()
        bad.take(CertificateNumber.parse, said.certificate_no, field="answer.certificate_no")
        bad.take(parse_province, said.host, field="answer.host")
        if bad.count:
            return  # all that cannot be read is told at once, by whoever reads the body
        rule = judge_answer(self._room.own, said)
        if rule is None:
            number, host = said.certificate_no, said.host
            if not said.suspension_hash:
                newest = await self._room.database.read(
                    lambda connection: newest_suspension(connection, number, host)
                )
                said.suspension_hash = newest or b""
            named = said.suspension_hash
            is_said = await self._room.database.read(
                lambda connection: suspension_is_said(connection, number, host, named)
            )
            rule = None if is_said else C29_SUSPENSION_UNKNOWN
        if rule is not None:
            raise rule.refusal(said.certificate_no)

    async def list_recognition_suspensions(
        self, request: ListRecognitionSuspensionsRequest, call: Call
    ) -> ListRecognitionSuspensionsResponse:
        """Return a page of suspensions of recognition, by host and place."""
        bad = ViolationCollector()
        size = read_page_size(request.page_size, bad)
        for field in ("issuer", "host"):
            if value := getattr(request, field):
                bad.take(parse_province, value, field=field)
        asked = (request.issuer, request.host, str(request.open_only))
        question = "\0".join(("recognition suspensions", *asked)).encode()
        after = read_token(request.page_token, question, bad)
        if after and not is_page_key(after):
            bad.note("page_token", request.page_token, "It is not a token of this question.")
        bad.raise_if_any()
        found = await self._room.database.read(
            lambda connection: find_suspensions(
                connection,
                issuer=request.issuer,
                host=request.host,
                open_only=request.open_only,
                after=after,
                limit=size + 1,
                today=business_date(call.now),
            )
        )
        page = found[:size]
        last = page_key(page[-1].host, page[-1].entry.index) if len(found) > size else ""
        return ListRecognitionSuspensionsResponse(
            suspensions=page, next_page_token=next_token(question, last) if last else ""
        )

    async def list_equivalences(
        self,
        request: ListEquivalencesRequest,
        call: Call,  # noqa: ARG002  # the shape of a method
    ) -> ListEquivalencesResponse:
        """Return a page of equivalences by id."""
        bad = ViolationCollector()
        size = read_page_size(request.page_size, bad)
        if request.host:
            bad.take(parse_province, request.host, field="host")
        question = f"equivalences\0{request.host}".encode()
        after = read_token(request.page_token, question, bad)
        bad.raise_if_any()
        found = await self._room.database.read(
            lambda connection: find_equivalences(
                connection, host=request.host, after=after, limit=size + 1
            )
        )
        page = found[:size]
        return ListEquivalencesResponse(
            equivalences=page,
            next_page_token=(
                next_token(question, page[-1].equivalence.equivalence_id)
                if len(found) > size
                else ""
            ),
        )
