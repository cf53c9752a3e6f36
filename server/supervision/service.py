"""SupervisionService: inspections, measures and what follows them; writes its own, reads all.

Thin: fields are validated all at once, rules decide inside the transaction that appends, reads
answer from rows. What other logs have to say (is there such an institution, such a certificate,
such a member) is asked here alone, before anything is said; elsewhere it makes nothing void.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from typing import Any, TypeVar

import structlog
from google.protobuf.message import Message
from sqlalchemy import Connection

from deltacare.errors import FieldViolation, Refusal, ViolationCollector
from deltacare.ids import CertificateNumber, InstitutionId, LogName, parse_province
from deltacare.times import business_date, parse_date
from deltacare.trust import Trust
from deltacare.v1.entry_pb2 import Entry, Inspection, SupervisionMeasure
from deltacare.v1.supervision_service_pb2 import (
    LiftMeasureRequest,
    LiftMeasureResponse,
    ListInspectionsRequest,
    ListInspectionsResponse,
    ListMeasuresRequest,
    ListMeasuresResponse,
    RecordInspectionRequest,
    RecordInspectionResponse,
    ReportRectificationRequest,
    ReportRectificationResponse,
    TakeMeasureRequest,
    TakeMeasureResponse,
)
from server.edge.call import Call
from server.log.ports import LogReader, LogTx, Sequenced, Sequencer
from server.registry.fields import parse_numbered_id, read_page_size, read_reason
from server.registry.paging import next_token, read_token
from server.registry.requests import (
    appended,
    begin_write,
    new_entry,
    require_own,
    submit,
    without_unknown,
)
from server.registry.store import institutions_newest, optional_date
from server.registry.values import Reach
from server.store.database import Database
from server.supervision.bodies import read_inspection, read_lift, read_measure, read_report
from server.supervision.projector import SupervisionState, subject_of
from server.supervision.rules import (
    CONSEQUENCES,
    M05_NO_MEMBER,
    M06_SUBJECT_UNKNOWN,
    M15_PERSON_LEFT_OUT,
)
from server.supervision.values import Effect
from server.supervision.views import MeasureFilter, find_inspections, find_measures

__all__ = ["ALSO_MAX", "CertificateKnown", "SupervisionServicer", "Unreached"]

ALSO_MAX = 63
"""Other certificates against which one call takes the same measure."""

CertificateKnown = Callable[[Connection, str], bool]
"""Whether a log states a certificate; the room above knows."""

Unreached = Callable[[Connection, Collection[str], date, date | None], Sequence[str]]
"""Which other own certificates of the holders of some a bar between two days would not reach."""

_LEFT_OUT_REMEDY = (
    "Name it with --also (also_certificate_nos), or say why not with --only-this "
    "(only_this_reason)."
)
_SUBJECT_FIELD = "also_certificate_nos"

_log = structlog.get_logger("deltacare.supervision")

# All that a snapshot holds was verified.
_ALL = 2**63 - 1

R = TypeVar("R", bound=Message)


class SupervisionServicer:
    """The service at one province's node.

    Args:
        own: the province.
        trust: members.
        database: rows.
        sequencer: appends to own logs.
        reader: how far each log is held.
        certificate_known: whether a log states a certificate.
        unreached: what else a person holds that is to be barred.
    """

    def __init__(
        self,
        *,
        own: str,
        trust: Trust,
        database: Database,
        sequencer: Sequencer,
        reader: LogReader,
        certificate_known: CertificateKnown,
        unreached: Unreached,
    ) -> None:
        self._own = own
        self._own_log = LogName.registry(own)
        self._trust = trust
        self._database = database
        self._sequencer = sequencer
        self._reader = reader
        self._certificate_known = certificate_known
        self._unreached = unreached

    async def record_inspection(
        self, request: RecordInspectionRequest, call: Call
    ) -> RecordInspectionResponse:
        """State an inspection by the own province."""
        bad = ViolationCollector()
        _read_past(request.inspection.inspection_date, "inspection.inspection_date", call, bad)
        return await self._say(
            request,
            call,
            bad,
            body=("inspection", "inspection"),
            read=read_inspection,
            response=RecordInspectionResponse,
        )

    async def take_measure(self, request: TakeMeasureRequest, call: Call) -> TakeMeasureResponse:
        """Take a measure against an institution or a caregiver, and all that a caregiver holds."""
        bad = ViolationCollector()
        _read_also(request, bad)
        if request.only_this_reason:
            read_reason(request.only_this_reason, "only_this_reason", bad)
        response = await self._say(
            request,
            call,
            bad,
            body=("measure", "supervision_measure"),
            read=read_measure,
            response=TakeMeasureResponse,
            more=lambda first: _also(first, request.also_certificate_nos),
            ask=lambda connection, taken: self._require_whole(connection, request, taken),
        )
        if request.only_this_reason:
            _log.info(
                "measure_leaves_out",
                measure_id=request.measure.measure_id,
                reason=request.only_this_reason,
            )
        return response

    def _require_whole(
        self,
        connection: Connection,
        request: TakeMeasureRequest,
        taken: Sequence[SupervisionMeasure],
    ) -> None:
        """Refuse to bar somebody by some certificates and leave the others good.

        Raises:
            Refusal: M15, with every certificate that is left out.
        """
        first = taken[0]
        if (
            not first.certificate_no
            or request.only_this_reason
            or Effect.NOT_RECOGNISED not in CONSEQUENCES[first.kind].effects
        ):
            return
        left_out = self._unreached(
            connection,
            [each.certificate_no for each in taken],
            date.fromisoformat(first.from_date),
            optional_date(first.until_date),
        )
        if not left_out:
            return
        refusal = M15_PERSON_LEFT_OUT.refusal(", ".join(left_out))
        raise Refusal(
            refusal.reason,
            refusal.message,
            details=refusal.details,
            violations=[
                FieldViolation(
                    field=_SUBJECT_FIELD,
                    value=number,
                    description=f"{M15_PERSON_LEFT_OUT.code}: {M15_PERSON_LEFT_OUT.en}",
                    remedy=_LEFT_OUT_REMEDY,
                )
                for number in left_out
            ],
        )

    async def report_rectification(
        self, request: ReportRectificationRequest, call: Call
    ) -> ReportRectificationResponse:
        """State whether what a rectification of the own province ordered was mended."""
        bad = ViolationCollector()
        _read_past(request.report.report_date, "report.report_date", call, bad)
        return await self._say(
            request,
            call,
            bad,
            body=("report", "rectification_report"),
            read=read_report,
            response=ReportRectificationResponse,
        )

    async def lift_measure(self, request: LiftMeasureRequest, call: Call) -> LiftMeasureResponse:
        """Lift a measure of the own province."""
        return await self._say(
            request,
            call,
            ViolationCollector(),
            body=("lift", "measure_lift"),
            read=read_lift,
            response=LiftMeasureResponse,
        )

    async def _say(
        self,
        request: Any,  # noqa: ANN401  # any request with a request id, a duty and one body
        call: Call,
        bad: ViolationCollector,
        *,
        body: tuple[str, str],
        read: Callable[[Any, str, ViolationCollector], None],
        response: type[R],
        more: Callable[[Any], Sequence[Any]] = lambda _: (),
        ask: Callable[[Connection, Sequence[Any]], None] = lambda *_: None,
    ) -> R:
        """Append what the rules let pass: one entry, or several of a kind.

        Args:
            request: of the method.
            call: who calls.
            bad: what was found wrong already.
            body: field of the request that holds the body, and field of the entry that takes it.
            read: checks the body.
            response: type of the response; has ``appended``.
            more: returns what else is said with the first body; each is checked like it.
            ask: refuses all of it together, inside the transaction.
        """
        require_own(call, self._own)
        request_id = begin_write(request.request_id, request.duty, bad)
        first = without_unknown(getattr(request, body[0]))
        read(first, f"{body[0]}.", bad)
        bad.raise_if_any()
        bodies = [first, *more(first)]
        for said in bodies[1:]:  # what is worked out from the first, such as a longer id
            read(said, f"{body[0]}.", bad)
        bad.raise_if_any()

        def decide(tx: LogTx) -> Sequence[Entry]:
            entries = [new_entry(request.duty, **{body[1]: said}) for said in bodies]
            state = SupervisionState(tx.connection, self._own, entries)
            for position, entry in enumerate(entries):
                rule = state.judge(entry)
                if rule is not None:
                    raise rule.refusal(subject_of(entry))
                self._require_known(tx.connection, bodies[position])
                state.apply(Sequenced(index=position, leaf_hash=b"", entry=entry))
            ask(tx.connection, bodies)
            return entries

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

    def _require_known(self, connection: Connection, body: Message) -> None:
        """Refuse what names a subject or a member that nobody knows.

        A slip in a number would take a measure against nobody, and leave whom it meant untouched.
        """
        if not isinstance(body, Inspection | SupervisionMeasure):
            return
        if isinstance(body, Inspection):
            strangers = sorted(set(body.joined_by).difference(self._trust.provinces))
            if strangers:
                raise M05_NO_MEMBER.refusal(", ".join(strangers))
        if body.institution_id:
            known = bool(institutions_newest(connection, (body.institution_id,)))
        else:
            known = self._certificate_known(connection, body.certificate_no)
        if not known:
            raise M06_SUBJECT_UNKNOWN.refusal(body.institution_id or body.certificate_no)

    # Reads.

    async def list_measures(self, request: ListMeasuresRequest, call: Call) -> ListMeasuresResponse:
        """Return a page of measures by id, with what follows from each on a day."""
        bad = ViolationCollector()
        size = read_page_size(request.page_size, bad)
        _read_author(request.author, bad)
        if request.measure_id:
            bad.take(parse_numbered_id, request.measure_id, field="measure_id")
        if request.institution_id:
            bad.take(InstitutionId.parse, request.institution_id, field="institution_id")
        if request.certificate_no:
            bad.take(CertificateNumber.parse, request.certificate_no, field="certificate_no")
        if request.institution_id and request.certificate_no:
            bad.note(
                "certificate_no",
                request.certificate_no,
                "A measure is against an institution or a certificate, never both.",
                "Ask for one of them.",
            )
        day: date | None = business_date(call.now)
        if request.on_date:
            day = bad.take(parse_date, request.on_date, field="on_date")
        wanted = MeasureFilter(
            measure_id=request.measure_id,
            author=request.author,
            subject=request.institution_id or request.certificate_no,
            in_force_only=request.in_force_only,
        )
        question = "\0".join(
            (
                "measures",
                request.measure_id,
                request.author,
                wanted.subject,
                request.on_date,
                str(request.in_force_only),
            )
        ).encode()
        after = read_token(request.page_token, question, bad)
        bad.raise_if_any()
        assert day is not None, "what cannot be read was refused"
        on_date = day
        await self._reader.refresh()
        reaches = self._reaches()
        found = await self._database.read(
            lambda connection: find_measures(
                connection, wanted, day=on_date, reaches=reaches, after=after, limit=size + 1
            )
        )
        page = found[:size]
        return ListMeasuresResponse(
            measures=page,
            next_page_token=(
                next_token(question, page[-1].measure.measure_id) if len(found) > size else ""
            ),
        )

    def _reaches(self) -> Mapping[str, Reach]:
        """Return up to where each registry log counts now; read it before a snapshot begins."""
        return {
            province: Reach(
                restrict_size=_ALL,
                permit_size=(
                    _ALL
                    if province == self._own
                    else self._reader.position(LogName.registry(province)).quorum_size
                ),
            )
            for province in self._trust.provinces
        }

    async def list_inspections(
        self,
        request: ListInspectionsRequest,
        call: Call,  # noqa: ARG002  # the shape of a method
    ) -> ListInspectionsResponse:
        """Return a page of inspections by id."""
        bad = ViolationCollector()
        size = read_page_size(request.page_size, bad)
        _read_author(request.author, bad)
        if request.institution_id:
            bad.take(InstitutionId.parse, request.institution_id, field="institution_id")
        question = f"inspections\0{request.author}\0{request.institution_id}".encode()
        after = read_token(request.page_token, question, bad)
        bad.raise_if_any()
        found = await self._database.read(
            lambda connection: find_inspections(
                connection,
                author=request.author,
                institution_id=request.institution_id,
                after=after,
                limit=size + 1,
            )
        )
        page = found[:size]
        return ListInspectionsResponse(
            inspections=page,
            next_page_token=(
                next_token(question, page[-1].inspection.inspection_id) if len(found) > size else ""
            ),
        )


def _read_also(request: TakeMeasureRequest, bad: ViolationCollector) -> None:
    """Check the other certificates of a caregiver against which a measure is taken."""
    numbers = list(request.also_certificate_nos)
    if len(numbers) > ALSO_MAX:
        bad.note(_SUBJECT_FIELD, len(numbers), f"It has more than {ALSO_MAX} values.")
    if numbers and not request.measure.certificate_no:
        bad.note(
            _SUBJECT_FIELD,
            numbers[0],
            "A measure against an institution names no certificates.",
            "Leave them out, or name the caregiver's first one as the certificate.",
        )
    seen = {request.measure.certificate_no}
    for index, number in enumerate(numbers[:ALSO_MAX]):
        bad.take(CertificateNumber.parse, number, field=f"{_SUBJECT_FIELD}[{index}]")
        if number in seen:
            bad.note(
                f"{_SUBJECT_FIELD}[{index}]", number, "The certificate is named more than once."
            )
        seen.add(number)


def _also(first: SupervisionMeasure, numbers: Sequence[str]) -> list[SupervisionMeasure]:
    """Return the same measure against other certificates, each under an id of its own."""
    found = []
    for place, number in enumerate(numbers, start=2):
        body = SupervisionMeasure()
        body.CopyFrom(first)
        body.certificate_no = number
        body.measure_id = f"{first.measure_id}-{place}"
        found.append(body)
    return found


def _read_author(text: str, bad: ViolationCollector) -> None:
    """Check a province by which rows are chosen, if one was given."""
    if text:
        bad.take(parse_province, text, field="author")


def _read_past(text: str, field: str, call: Call, bad: ViolationCollector) -> None:
    """Check that what is said to have been done was not done in the future."""
    today = business_date(call.now).isoformat()
    if text > today:  # ISO dates sort as text; whether it is one is checked with the body
        bad.note(field, text, f"It lies after today, {today}.", "State it when it was done.")
