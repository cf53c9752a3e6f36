"""Is a certificate good here, on a date, for a holder? Of one, or of a whole roster at once.

A holder's name is compared and then forgotten; it is in no log, no table, no error and no line of
the node's own log. What cannot be read in a row is told to the caller alone, and without its value:
a name that stands in the wrong column goes no further.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from deltacare.errors import FieldViolation, Refusal, ViolationCollector, invalid_field
from deltacare.times import business_date, day_start_time
from deltacare.v1.certification_service_pb2 import (
    VERDICT_STALE,
    BatchCheckCertificationsRequest,
    BatchCheckCertificationsResponse,
    CheckCertificationRequest,
    CheckCertificationResponse,
    CheckedRow,
    CheckRow,
)
from server.certification.checker import Answered
from server.certification.questions import Question
from server.certification.requests import PURPOSE_DEFAULT, read_question
from server.certification.room import Desk, Room
from server.certification.standing import certificate_standing
from server.edge.call import Call
from server.edge.logging import get_log

__all__ = ["ROWS_MAX", "CheckingDesk"]

ROWS_MAX = 1_000
"""Most rows of one batch of checks."""

_OF_ROW = frozenset({"certificate_no", "holder_name"})

_log = get_log("certification")


class CheckingDesk(Desk):
    """Methods that answer checks.

    Args:
        room: what they work with.
    """

    def __init__(self, room: Room) -> None:
        super().__init__(room)
        # The business date of the last call, and until when it lasts.
        self._today = ""
        self._today_from = self._today_until = datetime.fromtimestamp(0, tz=UTC)

    async def check_certification(
        self, request: CheckCertificationRequest, call: Call
    ) -> CheckCertificationResponse:
        """Answer whether a certificate is good in a province, on a date, for a holder."""
        now = call.now
        await self._room.reader.refresh()
        if not (
            request.holder_name
            or request.identity_number
            or request.purpose
            or request.evidence
            or request.HasField("known_time")
        ):
            if not self._today_from <= now < self._today_until:
                self._begin_day(now)
            remembered = self._room.checker.remembered(
                request.certificate_no,
                request.host or self._room.own,
                request.on_date or self._today,
                now,
            )
            if remembered is not None:
                return remembered
        question = read_question(request, now=now, own=self._room.own, members=self._room.members)
        answered = await self._room.checker.answer(question, now)
        response = answered.response
        if request.evidence:
            response.evidence = await self._room.files.make(
                answered, purpose=request.purpose or PURPOSE_DEFAULT, now=now
            )
        _note_purpose(call, request.purpose, (answered,))
        return response

    async def batch_check_certifications(
        self, request: BatchCheckCertificationsRequest, call: Call
    ) -> BatchCheckCertificationsResponse:
        """Answer as many checks as rows, all as of one moment; see the contract.

        Every row is read and judged as ``check_certification`` would, by the same code.
        """
        now = call.now
        if not 1 <= len(request.rows) <= ROWS_MAX:
            raise invalid_field(
                "rows",
                len(request.rows),
                "A batch of checks has 1 to 1,000 rows.",
                "Check the rest in further batches.",
            )
        await self._room.reader.refresh()
        # 1. What can be read; a fault that every row shares is the whole request's.
        questions: dict[int, Question] = {}
        faults: dict[int, Sequence[FieldViolation]] = {}
        for place, row in enumerate(request.rows):
            try:
                questions[place] = self._read_row(request, row, now)
            except Refusal as refusal:
                shared = [fault for fault in refusal.violations if fault.field not in _OF_ROW]
                if shared or not refusal.violations:
                    _refuse(refusal, shared)
                faults[place] = refusal.violations
        # 2. The verdicts.
        answers = dict(
            zip(
                questions,
                await self._room.checker.answer_many(tuple(questions.values()), now),
                strict=True,
            )
        )
        _note_purpose(call, request.purpose, answers.values())
        # 3. In the order of the request.
        response = BatchCheckCertificationsResponse()
        for place in range(len(request.rows)):
            answered = answers.get(place)
            if answered is None:
                response.rows.add(violations=[_text(fault) for fault in faults[place]])
            else:
                response.rows.append(_checked(answered))
        return response

    def _read_row(
        self, request: BatchCheckCertificationsRequest, row: CheckRow, now: datetime
    ) -> Question:
        """Return what one row asks.

        Raises:
            Refusal: ``INVALID_FIELD``, if it or what it shares with the others cannot be read.
        """
        alone = CheckCertificationRequest(
            certificate_no=row.certificate_no,
            holder_name=row.holder_name,
            on_date=request.on_date,
            purpose=request.purpose,
            host=request.host,
        )
        if request.HasField("known_time"):
            alone.known_time.CopyFrom(request.known_time)
        return read_question(alone, now=now, own=self._room.own, members=self._room.members)

    def _begin_day(self, now: datetime) -> None:
        today = business_date(now)
        self._today = today.isoformat()
        self._today_from = day_start_time(today)
        self._today_until = day_start_time(today + timedelta(days=1))


def _refuse(refusal: Refusal, shared: Sequence[FieldViolation]) -> None:
    """Refuse a batch for what all its rows share, without a word of a row.

    Raises:
        Refusal: Always.
    """
    if not refusal.violations:
        raise refusal
    bad = ViolationCollector()
    for fault in shared:
        bad.note(fault.field, fault.value, fault.description, fault.remedy)
    bad.raise_if_any()


def _text(fault: FieldViolation) -> str:
    """Return a fault of a row in one line, without the value: the caller has that."""
    return " ".join(part for part in (f"{fault.field}:", fault.description, fault.remedy) if part)


def _checked(answered: Answered) -> CheckedRow:
    """Return a verdict with the last day of the certificate, as far as that is known."""
    facts = answered.facts
    log = facts.logs.get(facts.issuer)
    standing = None
    if facts.certificate is not None and log is not None:
        standing = certificate_standing(facts.certificate, log.reach)
    is_known = standing is not None and answered.outcome.verdict != VERDICT_STALE
    return CheckedRow(
        verdict=answered.response,
        valid_until_date=standing.valid_until_date.isoformat() if is_known and standing else "",
    )


def _note_purpose(call: Call, purpose: str, answers: Iterable[Answered]) -> None:
    """Write a line for each check that named its purpose: no line names a person."""
    if not purpose:
        return
    for answered in answers:
        _log.info(
            "check",
            caller=call.caller.uri,
            purpose=purpose,
            certificate_no=answered.facts.certificate_no,
            rule=answered.response.rule,
        )
