"""The demonstration's month: elders are enrolled, then both sides file what the plan says.

Every write goes out under an id that comes from what it is for, so that a node that dies in the
middle of a stream gets the same batches again and keeps each once.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from clients.demo.certificates import caregiver_no
from clients.demo.federation import DemoFailed, Federation, gather_all, until
from clients.demo.foundations import Calendar, Institutions
from clients.demo.plan import UNLISTED, Day, Elder, Plan, Row
from clients.demo.scenario import AGREED_KINDS
from deltacare.errors import Reason, Refusal, Unavailable
from deltacare.purposes import PURPOSE_FIELD, Purpose
from deltacare.v1.entry_pb2 import (
    HOLD_CLASS_OVER_BUDGET,
    HOLD_CLASS_OVERLAP,
    Enrolment,
    Hold,
    RecordRefusal,
    Reversal,
    SettlementRecord,
)
from deltacare.v1.settlement_service_pb2 import (
    CreateEnrolmentsRequest,
    FileRecordsRequest,
    FileReversalsRequest,
    NewEnrolment,
    PlaceHoldsRequest,
    RefuseRecordsRequest,
    ResolveEnrolmentRequest,
)

__all__ = ["Filer", "enrol"]

_BATCH_MAX = 1_000
_UNANSWERED_MAX = 8
_REASON = "DEMONSTRATION"

Refs = Mapping[tuple[str, str], Sequence[str]]


async def enrol(
    federation: Federation,
    plan: Plan,
    calendar: Calendar,
    institutions: Mapping[str, Institutions],
    advance: Callable[[int], None],
) -> dict[tuple[str, str], list[str]]:
    """Enrol every elder of the plan, and have each host resolve the code of one.

    Returns:
        Pseudonyms by direction (home, host), in the order of the plan's elders.

    Raises:
        DemoFailed: If a code leads to another elder.
    """

    async def direction(home: str, host: str) -> list[str]:
        elders = plan.elders[home, host]
        districts = institutions[home].districts
        refs: list[str] = []
        code = ""
        for first in range(0, len(elders), _BATCH_MAX):
            request = CreateEnrolmentsRequest(
                request_id=federation.request_id("enrolments", home, host, first),
                duty=federation.duty(home, "enrolment"),
                host=host,
                enrolments=[
                    _enrolment(elder, calendar, districts[elder.order % len(districts)])
                    for elder in elders[first : first + _BATCH_MAX]
                ],
            )
            create = partial(
                federation.nodes[home].settlement.CreateEnrolments,
                metadata=((PURPOSE_FIELD, Purpose.ENROLMENT),),
            )
            created = await federation.write(create, request)
            federation.note(created.appended)
            refs += [ticket.beneficiary_ref for ticket in created.tickets]
            code = code or created.tickets[0].enrolment_code
            advance(len(created.tickets))
        await _resolve(federation, home, host, code, refs[0])
        return refs

    directions = list(plan.elders)
    found = await gather_all(direction(home, host) for home, host in directions)
    return dict(zip(directions, found, strict=True))


def _enrolment(elder: Elder, calendar: Calendar, district: str) -> NewEnrolment:
    number = f"{elder.home[:2]}{elder.host[:2]}-{elder.order:06d}"
    # Who is not enrolled in the month was so until the day before it.
    until_date = "" if elder.enrolled else str(calendar.month.first_date - timedelta(days=1))
    return NewEnrolment(
        enrolment=Enrolment(
            enrolment_id=number,
            home_division=district,
            subsidy_kinds=AGREED_KINDS,
            from_date=calendar.facts_from.isoformat(),
            until_date=until_date,
        ),
        elder_handle=number,
    )


async def _resolve(federation: Federation, home: str, host: str, code: str, ref: str) -> None:
    """Have the host find an elder by the code that the elder shows."""

    async def look() -> str | None:
        try:
            resolved = await federation.nodes[host].settlement.ResolveEnrolment(
                ResolveEnrolmentRequest(home=home, enrolment_code=code),
                metadata=((PURPOSE_FIELD, Purpose.SETTLEMENT),),
            )
        except Refusal as error:
            if error.reason is Reason.NOT_FOUND:
                return None
            raise
        return resolved.enrolment.beneficiary_ref

    found = await until(f"{host} to resolve a code of {home}", look)
    if found != ref:
        raise DemoFailed(f"A code of {home} led {host} to another elder.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """Records of one request, and the numbers by place."""

    request: FileRecordsRequest
    numbers: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Filer:
    """Files the plan's days.

    Attributes:
        federation: The nodes.
        plan: The month.
        calendar: Its dates.
        institutions: What records name, by host.
        refs: Pseudonyms by direction.
        on_answer: Is told author and records of every batch that was answered.
    """

    federation: Federation
    plan: Plan
    calendar: Calendar
    institutions: Mapping[str, Institutions]
    refs: Refs
    on_answer: Callable[[str, int], None]
    _places: dict[tuple[str, str, str], int] = field(default_factory=dict)
    _revised: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self._revised = frozenset(
            row.number
            for days in self.plan.days.values()
            for day in days
            for row in day.rows
            if row.revises
        )

    async def file_date(self, author: str, date: int) -> None:
        """File everything that an author has for one date, with all partners."""
        days = {
            partner: days[date] for (who, partner), days in self.plan.days.items() if who == author
        }
        await self._file_records(author, date, days)
        await gather_all(
            self._file_rest(author, partner, date, day) for partner, day in days.items()
        )

    async def _file_records(self, author: str, date: int, days: Mapping[str, Day]) -> None:
        """File all records on one stream; on a new one what it did not answer."""
        waiting: dict[str, _Batch] = {}
        for partner, day in days.items():
            for first in range(0, len(day.rows), _BATCH_MAX):
                rows = day.rows[first : first + _BATCH_MAX]
                batch = self._batch(author, partner, date, first, rows)
                waiting[batch.request.request_id] = batch

        async def stream() -> bool | None:
            await self._stream(author, waiting)
            return None if waiting else True

        await until(f"{author} to take the records of a date", stream)

    async def _stream(self, author: str, waiting: dict[str, _Batch]) -> None:
        """Send what waits and take the answers; what is answered waits no longer.

        Raises:
            Unavailable: If the stream breaks.
            DemoFailed: If the node refuses a batch.
        """
        free = asyncio.Semaphore(_UNANSWERED_MAX)

        async def requests() -> AsyncIterator[FileRecordsRequest]:
            for batch in list(waiting.values()):
                await free.acquire()
                yield batch.request

        answers = self.federation.nodes[author].settlement.FileRecords(requests())
        async for answer in answers:
            free.release()
            if answer.refusal_reason in _PASSING:
                raise Unavailable(Reason[answer.refusal_reason], "The node cannot take it now.")
            if answer.refusal_reason:
                first = str(answer.faults[0]) if answer.faults else ""
                raise DemoFailed(f"{author} refuses records: {answer.refusal_reason} {first}")
            batch = waiting.pop(answer.request_id)
            self.federation.note(answer.appended)
            self.federation.mark("record", answer.appended.log, answer.appended.first_index)
            self._remember(author, batch, answer.appended.first_index)
            self.on_answer(author, len(batch.numbers))

    def _batch(
        self, author: str, partner: str, date: int, first: int, rows: Sequence[Row]
    ) -> _Batch:
        return _Batch(
            request=FileRecordsRequest(
                request_id=self.federation.request_id("records", author, partner, date, first),
                duty=self.federation.duty(author, "filing"),
                partner=partner,
                records=[self._record(author, partner, row) for row in rows],
            ),
            numbers=tuple(row.number for row in rows),
        )

    def _record(self, author: str, partner: str, row: Row) -> SettlementRecord:
        elder = row.elder
        host = self.institutions[elder.host]
        record = SettlementRecord(
            settlement_no=row.number,
            home=elder.home,
            host=elder.host,
            beneficiary_ref=self.refs[elder.home, elder.host][elder.order],
            institution=host.unlisted
            if row.institution == UNLISTED
            else host.listed[row.institution],
            subsidy_kind=row.kind.code,
            service_month=str(self.calendar.month),
            service_days=row.units,
            amount_fen=row.amount_fen,
            caregiver_cert_no=caregiver_no(elder.host, row.caregiver, self.calendar),
        )
        if row.revises:
            record.replaces_index = self._places[author, partner, row.number]
        return record

    def _remember(self, author: str, batch: _Batch, first_index: int) -> None:
        """Keep where records came to stand that are going to be revised."""
        for place, number in enumerate(batch.numbers):
            if number in self._revised:
                self._places[author, batch.request.partner, number] = first_index + place

    async def _file_rest(self, author: str, partner: str, date: int, day: Day) -> None:
        """File reversals, refusals and holds."""
        settlement = self.federation.nodes[author].settlement
        duty = self.federation.duty(author, "review")
        if day.reversals:
            reversals = FileReversalsRequest(
                request_id=self.federation.request_id("reversals", author, partner, date),
                reversals=[
                    Reversal(settlement_no=number, home=elder.home, host=elder.host, reason=_REASON)
                    for elder, number in day.reversals
                ],
                duty=duty,
                partner=partner,
            )
            filed = await self.federation.write(settlement.FileReversals, reversals)
            self.federation.note(filed.appended)
        if day.refusals:
            refusals = RefuseRecordsRequest(
                request_id=self.federation.request_id("refusals", author, partner, date),
                refusals=[
                    RecordRefusal(
                        settlement_no=number, home=elder.home, host=elder.host, reason=_REASON
                    )
                    for elder, number in day.refusals
                ],
                duty=duty,
                partner=partner,
            )
            refused = await self.federation.write(settlement.RefuseRecords, refusals)
            self.federation.note(refused.appended)
        if day.holds:
            holds = PlaceHoldsRequest(
                request_id=self.federation.request_id("holds", author, partner, date),
                holds=[
                    Hold(
                        settlement_no=held.number,
                        home=held.elder.home,
                        host=held.elder.host,
                        hold_class=HOLD_CLASS_OVER_BUDGET
                        if held.over_budget
                        else HOLD_CLASS_OVERLAP,
                        reason=_REASON,
                    )
                    for held in day.holds
                ],
                duty=duty,
                partner=partner,
            )
            placed = await self.federation.write(settlement.PlaceHolds, holds)
            self.federation.note(placed.appended)


# Reasons of a refused batch that pass by themselves.
_PASSING = frozenset(reason.wire for reason in Reason if reason.retryable)
