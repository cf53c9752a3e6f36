"""CertificationService: certificates of the own province, and whether any certificate counts here.

Thin: fields are validated all at once, rules decide inside the transaction that appends, reads
answer from rows. A holder's name is used for its digest or its comparison and then forgotten; it
is in no log, no table, no error and no line of the node's own log.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from google.protobuf.message import Message

from deltacare.errors import FieldViolation, Reason, Refusal, ViolationCollector
from deltacare.ids import CertificateNumber, InstitutionId, LogName, parse_province
from deltacare.times import business_date, day_start_time
from deltacare.trust import Trust
from deltacare.v1.certification_service_pb2 import (
    CheckCertificationRequest,
    CheckCertificationResponse,
    EndEquivalenceRequest,
    EndEquivalenceResponse,
    GetCertificateRequest,
    IssueCertificatesRequest,
    IssueCertificatesResponse,
    ListCertificatesRequest,
    ListCertificatesResponse,
    ListEquivalencesRequest,
    ListEquivalencesResponse,
    PublishEquivalenceRequest,
    PublishEquivalenceResponse,
    RegisteredCertificate,
    ReinstateCertificateRequest,
    ReinstateCertificateResponse,
    RenewCertificateRequest,
    RenewCertificateResponse,
    ResumeRecognitionRequest,
    ResumeRecognitionResponse,
    RevokeCertificateRequest,
    RevokeCertificateResponse,
    SuspendCertificateRequest,
    SuspendCertificateResponse,
    SuspendRecognitionRequest,
    SuspendRecognitionResponse,
)
from deltacare.v1.entry_pb2 import Certificate, Entry
from server.certification.bodies import (
    read_dated_word,
    read_equivalence,
    read_equivalence_end,
    read_renewal,
    read_suspension,
)
from server.certification.checker import Checker
from server.certification.evidence import VerdictFiles, VerdictSigners
from server.certification.lifecycle import C15_SCHEME_NOT_STATED, judge_scheme
from server.certification.projector import CertificationState
from server.certification.requests import (
    PURPOSE_DEFAULT,
    read_new_certificates,
    read_question,
)
from server.certification.salts import SaltStore
from server.certification.views import find_certificate, find_certificates, find_equivalences
from server.edge.call import Call
from server.edge.logging import get_log
from server.log.ports import AppendedRun, Entropy, LogReader, LogTx, Sequencer
from server.registry.fields import read_page_size
from server.registry.paging import next_token, read_token
from server.registry.requests import (
    appended,
    begin_write,
    new_entry,
    require_own,
    submit,
    without_unknown,
)
from server.registry.rulebook import Rule
from server.store.database import Database

__all__ = ["CertificationServicer"]

_NAME_PREFIX = "certificates/"

B = TypeVar("B", bound=Message)
R = TypeVar("R", bound=Message)

_log = get_log("certification")


class CertificationServicer:
    """The service at one province's node.

    Args:
        own: the province.
        trust: members, and the age beyond which a log is stale.
        database: rows.
        sequencer: appends to own logs.
        reader: how far each log is held.
        salts: keeps the salts of name digests.
        entropy: draws them.
        signers: gives the key that signs verdict files.
    """

    def __init__(
        self,
        *,
        own: str,
        trust: Trust,
        database: Database,
        sequencer: Sequencer,
        reader: LogReader,
        salts: SaltStore,
        entropy: Entropy,
        signers: VerdictSigners,
    ) -> None:
        self._own = own
        self._own_log = LogName.registry(own)
        self._trust = trust
        self._members = frozenset(trust.provinces)
        self._database = database
        self._sequencer = sequencer
        self._reader = reader
        self._salts = salts
        self._entropy = entropy
        self._checker = Checker(own=own, trust=trust, database=database, reader=reader, salts=salts)
        self._files = VerdictFiles(
            own=own, trust=trust, database=database, reader=reader, signers=signers
        )
        # The business date of the last call, and until when it lasts.
        self._today = ""
        self._today_from = self._today_until = datetime.fromtimestamp(0, tz=UTC)

    # Writes.

    async def issue_certificates(
        self, request: IssueCertificatesRequest, call: Call
    ) -> IssueCertificatesResponse:
        """Issue a batch: see the contract."""
        require_own(call, self._own)
        bad = ViolationCollector()
        request_id = begin_write(request.request_id, request.duty, bad)
        bodies, salts = read_new_certificates(request.certificates, bad, entropy=self._entropy)
        bad.raise_if_any()

        def decide(tx: LogTx) -> Sequence[Entry]:
            entries = [new_entry(request.duty, certificate=body) for body in bodies]
            state = CertificationState(tx.connection, self._own, entries)
            refused = [
                (position, rule)
                for position, entry in enumerate(entries)
                if (rule := self._judge(state, entry)) is not None
            ]
            if refused:
                first = refused[0][1]
                raise Refusal(
                    first.reason,
                    f"{len(refused)} of {len(bodies)} certificates are refused; first: "
                    f"{first.code} ({bodies[refused[0][0]].certificate_no})",
                    details={"rule": first.code},
                    violations=[
                        _violation(position, bodies[position], rule) for position, rule in refused
                    ],
                )
            return entries

        def answer(tx: LogTx, run: AppendedRun) -> IssueCertificatesResponse:
            placed = {run.first_index + position: salt for position, salt in salts.items()}
            self._salts.write(tx, run.log, placed)
            return IssueCertificatesResponse(appended=appended(run))

        return await submit(
            self._sequencer,
            call,
            request,
            request_id,
            log=self._own_log,
            decide=decide,
            answer=answer,
            response=IssueCertificatesResponse,
        )

    async def renew_certificate(
        self, request: RenewCertificateRequest, call: Call
    ) -> RenewCertificateResponse:
        """Prolong a certificate of the own province."""
        return await self._say(
            request,
            call,
            body=("renewal", "certificate_renewal"),
            read=read_renewal,
            response=RenewCertificateResponse,
        )

    async def suspend_certificate(
        self, request: SuspendCertificateRequest, call: Call
    ) -> SuspendCertificateResponse:
        """Suspend a certificate of the own province."""
        return await self._say(
            request,
            call,
            body=("suspension", "certificate_suspension"),
            read=read_suspension,
            response=SuspendCertificateResponse,
        )

    async def reinstate_certificate(
        self, request: ReinstateCertificateRequest, call: Call
    ) -> ReinstateCertificateResponse:
        """End a suspension of a certificate of the own province."""
        return await self._say(
            request,
            call,
            body=("reinstatement", "certificate_reinstatement"),
            read=read_dated_word,
            response=ReinstateCertificateResponse,
        )

    async def revoke_certificate(
        self, request: RevokeCertificateRequest, call: Call
    ) -> RevokeCertificateResponse:
        """Revoke a certificate of the own province for good."""
        return await self._say(
            request,
            call,
            body=("revocation", "certificate_revocation"),
            read=read_dated_word,
            response=RevokeCertificateResponse,
        )

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

    async def _say(
        self,
        request: Any,  # noqa: ANN401  # any request with a request id, a duty and one body
        call: Call,
        *,
        body: tuple[str, str],
        read: Callable[[Any, str, ViolationCollector], None],
        response: type[R],
    ) -> R:
        """Append one entry that the rules let pass.

        Args:
            request: of the method.
            call: who calls.
            body: field of the request that holds the body, and field of the entry that takes it.
            read: checks the body.
            response: type of the response; has ``appended``.
        """
        require_own(call, self._own)
        bad = ViolationCollector()
        request_id = begin_write(request.request_id, request.duty, bad)
        said = without_unknown(getattr(request, body[0]))
        read(said, f"{body[0]}.", bad)
        bad.raise_if_any()

        def decide(tx: LogTx) -> Sequence[Entry]:
            entry = new_entry(request.duty, **{body[1]: said})
            rule = self._judge(CertificationState(tx.connection, self._own, (entry,)), entry)
            if rule is not None:
                raise rule.refusal(_subject(said))
            return (entry,)

        return await submit(
            self._sequencer,
            call,
            request,
            request_id,
            log=self._own_log,
            decide=decide,
            answer=lambda _, run: response(appended=appended(run)),
            response=response,
        )

    def _judge(self, state: CertificationState, entry: Entry) -> Rule | None:
        """Return the rule that a new entry breaks, by this log or by what the federation states."""
        rule = state.judge(entry)
        if rule is not None or (scheme := state.scheme_of(entry)) is None:
            return rule
        return judge_scheme(scheme, stated=self._trust.member(self._own).schemes)

    # Reads.

    async def check_certification(
        self, request: CheckCertificationRequest, call: Call
    ) -> CheckCertificationResponse:
        """Answer whether a certificate is good in a province, on a date, for a holder."""
        now = call.now
        await self._reader.refresh()
        if not (
            request.holder_name
            or request.purpose
            or request.evidence
            or request.HasField("known_time")
        ):
            if not self._today_from <= now < self._today_until:
                self._begin_day(now)
            remembered = self._checker.remembered(
                request.certificate_no,
                request.host or self._own,
                request.on_date or self._today,
                now,
            )
            if remembered is not None:
                return remembered
        question = read_question(request, now=now, own=self._own, members=self._members)
        answered = await self._checker.answer(question, now)
        response = answered.response
        if request.evidence:
            response.evidence = await self._files.make(
                answered, purpose=request.purpose or PURPOSE_DEFAULT, now=now
            )
        if request.purpose:
            _log.info(
                "check",
                caller=call.caller.uri,
                purpose=request.purpose,
                certificate_no=request.certificate_no,
                rule=response.rule,
            )
        return response

    def _begin_day(self, now: datetime) -> None:
        today = business_date(now)
        self._today = today.isoformat()
        self._today_from = day_start_time(today)
        self._today_until = day_start_time(today + timedelta(days=1))

    async def get_certificate(
        self,
        request: GetCertificateRequest,
        call: Call,  # noqa: ARG002  # the shape of a method
    ) -> RegisteredCertificate:
        """Return a certificate with its whole history."""
        bad = ViolationCollector()
        text = request.name.removeprefix(_NAME_PREFIX)
        number = bad.take(CertificateNumber.parse, text, field="name")
        if number is not None and text == request.name:
            bad.note("name", request.name, "A name begins with certificates/.")
        bad.raise_if_any()
        found = await self._database.read(
            lambda connection: find_certificate(connection, str(number))
        )
        if found is None:
            raise Refusal(
                Reason.NOT_FOUND, f"No log has {request.name}.", details={"name": request.name}
            )
        return found

    async def list_certificates(
        self,
        request: ListCertificatesRequest,
        call: Call,  # noqa: ARG002  # the shape of a method
    ) -> ListCertificatesResponse:
        """Return a page of certificates by number."""
        bad = ViolationCollector()
        size = read_page_size(request.page_size, bad)
        if request.issuer:
            bad.take(parse_province, request.issuer, field="issuer")
        if request.institution_id:
            bad.take(InstitutionId.parse, request.institution_id, field="institution_id")
        question = f"certificates\0{request.issuer}\0{request.institution_id}".encode()
        after = read_token(request.page_token, question, bad)
        bad.raise_if_any()
        found = await self._database.read(
            lambda connection: find_certificates(
                connection,
                issuer=request.issuer,
                institution_id=request.institution_id,
                after=after,
                limit=size + 1,
            )
        )
        page = found[:size]
        return ListCertificatesResponse(
            certificates=page,
            next_page_token=(
                next_token(question, page[-1].certificate.certificate_no)
                if len(found) > size
                else ""
            ),
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
        found = await self._database.read(
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


def _violation(position: int, body: Certificate, rule: Rule) -> FieldViolation:
    """Return what is wrong with one certificate of a batch."""
    name = "scheme" if rule is C15_SCHEME_NOT_STATED else "certificate_no"
    return FieldViolation(
        field=f"certificates[{position}].certificate.{name}",
        value=getattr(body, name),
        description=f"{rule.code}: {rule.en}",
    )


def _subject(body: Any) -> str:  # noqa: ANN401  # any body of this room
    """Return the id that a body speaks of."""
    for name in ("certificate_no", "equivalence_id"):
        if name in body.DESCRIPTOR.fields_by_name:
            return str(getattr(body, name))
    raise AssertionError("every body of this room names its subject")
