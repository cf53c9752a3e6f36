"""Files records in streamed batches: read, checked and appended at 20,000 a second and more.

A batch is durable before it is answered, and refused whole with every fault if one record cannot be
read or is not the caller's to say. What a class names is not asked here: the night judges, so both
sides see it. A record that is sound costs one regular expression; only a batch with a fault is
looked at field by field.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from sqlalchemy import Connection

from deltacare.errors import (
    FieldViolation,
    Reason,
    Refusal,
    ViolationCollector,
    invalid_field,
)
from deltacare.identity_numbers import holds_identity_number
from deltacare.ids import LogName
from deltacare.trust import Trust
from deltacare.v1.entry_pb2 import Entry, SettlementRecord
from deltacare.v1.settlement_service_pb2 import FileRecordsRequest, FileRecordsResponse
from server.approval.duties import require_filing
from server.edge.call import Call
from server.edge.opaque import note_identity_numbers
from server.log.ports import AppendedRun, LogTx, Sequencer, Write
from server.settlement import fields, rules, store
from server.settlement.entitlements import TOO_MANY_DAYS, asked_of, entitle
from server.settlement.requests import (
    appended,
    check_batch,
    check_partner,
    field_faults,
    read_write,
)
from server.store.database import Database

__all__ = ["UNANSWERED_MAX", "RecordFiling"]

UNANSWERED_MAX = 8
_SHORTEST_MONTH_DAYS = 28


class RecordFiling:
    """Files the records of one province.

    Args:
        province: The own one.
        trust: Members.
        database: For batches that are only validated.
        sequencer: Appends the others.
    """

    def __init__(
        self, *, province: str, trust: Trust, database: Database, sequencer: Sequencer
    ) -> None:
        self._province = province
        self._trust = trust
        self._database = database
        self._sequencer = sequencer

    async def stream(
        self, requests: AsyncIterator[FileRecordsRequest], call: Call
    ) -> AsyncIterator[FileRecordsResponse]:
        """Answer batches in their order; at most 8 are read before the first is answered."""
        # One more is in the hands of this generator, and one in those of the reader.
        waiting: asyncio.Queue[asyncio.Task[FileRecordsResponse] | None]
        waiting = asyncio.Queue(UNANSWERED_MAX - 2)

        async def read() -> None:
            try:
                async for request in requests:
                    await waiting.put(asyncio.create_task(self.file(request, call)))
            except Exception:
                await waiting.put(None)
                raise
            await waiting.put(None)

        reading = asyncio.create_task(read())
        try:
            while (task := await waiting.get()) is not None:
                yield await task
            await reading
        finally:
            left: list[asyncio.Task[Any]] = [reading]
            while not waiting.empty():
                if (task := waiting.get_nowait()) is not None:
                    left.append(task)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def file(self, request: FileRecordsRequest, call: Call) -> FileRecordsResponse:
        """File or validate one batch and answer it; a refusal is an answer, an outage is raised."""
        try:
            if request.validate_only:
                return await self._validate(request, call)
            return await self.file_or_refuse(request, call)
        except Refusal as refusal:
            faults = refusal.violations or (_fault_of(refusal, request.request_id),)
            return FileRecordsResponse(
                request_id=request.request_id,
                refusal_reason=refusal.reason.wire,
                faults=field_faults(faults),
                fault_count=int(refusal.details.get("violations", len(faults))),
            )

    async def file_or_refuse(self, request: FileRecordsRequest, call: Call) -> FileRecordsResponse:
        """File one batch; what stands against it is raised.

        Raises:
            Refusal: With every fault.
        """
        if request.validate_only:
            raise invalid_field("validate_only", "true", "This is asked in a stream of batches.")
        request_id = self._check(request, call)
        data = await self._sequencer.submit(self._write(request, request_id, call))
        return FileRecordsResponse.FromString(data)

    async def _validate(self, request: FileRecordsRequest, call: Call) -> FileRecordsResponse:
        """Answer as if a batch were filed now.

        Raises:
            Refusal: What stands against it.
        """
        request_id = self._check(request, call)
        await self._database.read(lambda c: self._judge(c, request))
        return FileRecordsResponse(request_id=request_id)

    def _check(self, request: FileRecordsRequest, call: Call) -> str:
        """Return the request's id if everything in it can be read and is the caller's to say."""
        bad = ViolationCollector()
        request_id = read_write(request, call, bad, duty=request.duty)
        check_partner(request.partner, self._province, self._trust, bad)
        check_batch(len(request.records), "records", bad)
        are_placed = all(index <= fields.INDEX_MAX for index in _revisions(request).values())
        if bad.count or not are_placed or not self._are_sound(request.records, request.partner):
            for position, record in enumerate(request.records):
                where = f"records[{position}]"
                for fault in fields.record_faults(record, self._province, request.partner, where):
                    bad.add(fault)
        personal = ViolationCollector()
        if bad.count or holds_identity_number(_run_together(request)):
            note_identity_numbers(request, personal)
        # What holds an identity number is named once, without what else is wrong with it.
        named = {each.field for each in personal.violations}
        for fault in bad.violations:
            if fault.field not in named:
                personal.add(fault)
        personal.raise_if_any()
        return request_id

    def _are_sound(self, records: Sequence[SettlementRecord], partner: str) -> bool:
        """Whether every record has its form and is of the pair."""
        own, sound = self._province, fields.record_is_sound
        computed = fields.computation_is_sound
        for record in records:
            home, host = record.home, record.host
            if not ((home == own and host == partner) or (home == partner and host == own)):
                return False
            if not sound(
                host,
                record.settlement_no,
                record.beneficiary_ref,
                record.institution,
                record.subsidy_kind,
                record.service_month,
                record.service_days,
                record.amount_fen,
                record.caregiver_cert_no,
            ) or not computed(record):
                return False
        return True

    def _write(self, request: FileRecordsRequest, request_id: str, call: Call) -> Write:
        """Return the write of a batch that was checked."""
        log = LogName.settlement(self._province, request.partner)
        maker, reviewer = request.duty.maker, request.duty.reviewer

        def decide(tx: LogTx) -> list[tuple[LogName, list[Entry]]]:
            self._judge(tx.connection, request)
            entries = [
                Entry(maker=maker, reviewer=reviewer, settlement_record=record)
                for record in request.records
            ]
            return [(log, entries)]

        def answer(_tx: LogTx, runs: Sequence[AppendedRun]) -> FileRecordsResponse:
            return FileRecordsResponse(request_id=request_id, appended=appended(runs[0]))

        return Write(
            caller=call.caller,
            method=call.method,
            request_id=request_id,
            content=request.SerializeToString(deterministic=True),
            decide=decide,
            answer=answer,
        )

    def _judge(self, connection: Connection, request: FileRecordsRequest) -> None:
        """Refuse what the own logs stand against."""
        require_filing(connection, self._province, request.duty)
        self._check_months(connection, request)
        self._check_days(connection, request)
        revisions = _revisions(request)
        if revisions:
            self._check_revisions(connection, request, revisions)

    def _check_months(self, connection: Connection, request: FileRecordsRequest) -> None:
        """Refuse services of months that begin after the date under which they would be filed."""
        opening = self._trust.opening_date
        open_date = store.open_date(connection, self._province, request.partner, opening)
        if not any(fields.is_ahead(each.service_month, open_date) for each in request.records):
            return
        bad = ViolationCollector()
        for position, record in enumerate(request.records):
            if fields.is_ahead(record.service_month, open_date):
                bad.note(
                    f"records[{position}].service_month",
                    record.service_month,
                    f"The month begins after {open_date}, the business date it would be filed "
                    "under.",
                    "Correct the month, or file it once the month has begun.",
                )
        bad.raise_if_any()

    def _check_days(self, connection: Connection, request: FileRecordsRequest) -> None:
        """Refuse more days than a month has, of kinds that home pays by days."""
        beyond = {
            position: asked
            for position, record in enumerate(request.records)
            if record.service_days > _SHORTEST_MONTH_DAYS
            and record.service_days > (asked := asked_of(record)).month.days
        }
        if not beyond:
            return
        bad = ViolationCollector()
        granted = entitle(connection, list(beyond.values()))
        for (position, asked), each in zip(beyond.items(), granted, strict=True):
            if each.reason == TOO_MANY_DAYS:
                bad.note(
                    f"records[{position}].service_days",
                    asked.service_days,
                    f"The month has {asked.month.days} days.",
                    "Count the days of service in the month.",
                )
        bad.raise_if_any()

    def _check_revisions(
        self, connection: Connection, request: FileRecordsRequest, revisions: dict[int, int]
    ) -> None:
        """Refuse revisions that would be void: all of them are named."""
        targets = store.replaced_records(
            connection, self._province, request.partner, revisions.values()
        )
        bad = ViolationCollector()
        seen: set[int] = set()
        for position, index in revisions.items():
            record = request.records[position]
            rule = rules.replacement_rule(record.settlement_no, record.home, targets.get(index))
            if rule is None and index in seen:
                rule = rules.REPLACES_REPLACED
            seen.add(index)
            if rule is not None:
                bad.add(
                    FieldViolation(
                        field=f"records[{position}].replaces_index",
                        value=str(index),
                        description=f"{rule.code}: {rule.en}",
                    )
                )
        if bad.count:
            raise Refusal(
                Reason.RULE_REFUSED,
                f"{bad.count} revisions are not possible.",
                details={"violations": str(bad.count)},
                violations=bad.violations,
            )


def _run_together(request: FileRecordsRequest) -> str:
    """Return the texts of a sound batch that somebody chose, apart: one search for all of them.

    A pseudonym is 128 random bits that the home node drew.
    """
    texts = [request.duty.maker, request.duty.reviewer]
    for record in request.records:
        texts += (
            record.settlement_no,
            record.institution,
            record.subsidy_kind,
            record.caregiver_cert_no,
        )
    return "|".join(texts)


def _revisions(request: FileRecordsRequest) -> dict[int, int]:
    """Return what the revisions of a batch replace, by their position."""
    return {
        position: record.replaces_index
        for position, record in enumerate(request.records)
        if record.HasField("replaces_index")
    }


def _fault_of(refusal: Refusal, request_id: str) -> FieldViolation:
    """Return a refusal that names no field as the fault of what it is about."""
    field, value = "", ""
    if refusal.reason is Reason.REQUEST_ID_REUSED:
        field, value = "request_id", request_id
    elif refusal.reason is Reason.TOO_LARGE:
        position = refusal.details.get("position")
        field = "records" if position is None else f"records[{position}]"
    return FieldViolation(field=field, value=value, description=refusal.message)
