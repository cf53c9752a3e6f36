"""Enrolments: home opens the way for an elder, and a host finds it by the code the elder shows.

The log says a pseudonym and nothing of the person. Who asked for what, and why, goes to the audit
log of every node that the answer passes, before it leaves: here is only said which entry it is
about. A code that is not found is counted there among the denials.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from sqlalchemy import Connection, func, select

from deltacare.errors import Reason, Refusal, ViolationCollector
from deltacare.ids import LogName, Principal, parse_identity_number, parse_opaque_id
from deltacare.purposes import Purpose
from deltacare.trust import Trust
from deltacare.v1.entry_pb2 import Enrolment, Entry
from deltacare.v1.settlement_service_pb2 import (
    CreateEnrolmentsRequest,
    CreateEnrolmentsResponse,
    EndEnrolmentRequest,
    EndEnrolmentResponse,
    EnrolmentTicket,
    ResolveEnrolmentRequest,
    ResolveEnrolmentResponse,
)
from deltacare.v1.types_pb2 import EntryRef
from server.edge.call import Call
from server.log.ports import AppendedRun, Entropy, LogTx, Sequencer, Write
from server.registry.fields import repeated
from server.settlement import fields, rules, store, tables
from server.settlement.codes import CodeBook, normalise_code
from server.settlement.elders import Elders
from server.settlement.requests import appended, check_batch, check_partner, read_write
from server.store.database import Database

__all__ = ["EnrolmentPeer", "Enrolments"]

_HANDLE_CHARS_MAX = 64
_REF_BYTES = 16


class EnrolmentPeer(Protocol):
    """The way to another home's node."""

    async def resolve_enrolment(
        self, home: str, request: ResolveEnrolmentRequest, purpose: Purpose
    ) -> ResolveEnrolmentResponse:
        """Ask a partner, as ``SettlementService.ResolveEnrolment``; raises ``deltacare.errors``."""
        ...


class Enrolments:
    """The enrolments of one province as home, and its questions as host.

    Args:
        province: The own one.
        trust: Members.
        database: This node's.
        sequencer: Appends.
        entropy: Pseudonyms.
        codes: Codes and digests.
        elders: Who stands behind pseudonyms.
        peer: The way to other homes.
    """

    def __init__(
        self,
        *,
        province: str,
        trust: Trust,
        database: Database,
        sequencer: Sequencer,
        entropy: Entropy,
        codes: CodeBook,
        elders: Elders,
        peer: EnrolmentPeer,
    ) -> None:
        self._province = province
        self._trust = trust
        self._database = database
        self._sequencer = sequencer
        self._entropy = entropy
        self._codes = codes
        self._elders = elders
        self._peer = peer

    # --- As home ----------------------------------------------------------------------------------

    async def create(
        self, request: CreateEnrolmentsRequest, call: Call
    ) -> CreateEnrolmentsResponse:
        """Enrol elders with one host."""
        request_id, numbers = self._check(request, call)
        log = LogName.settlement(self._province, request.host)
        codes = [
            self._codes.code(call.caller.uri, request_id, position)
            for position in range(len(request.enrolments))
        ]
        stated: list[Enrolment] = []

        def decide(tx: LogTx) -> list[tuple[LogName, list[Entry]]]:
            ids = [each.enrolment.enrolment_id for each in request.enrolments]
            taken = store.enrolment_ids(tx.connection, self._province, request.host, ids)
            if taken:
                raise rules.ENROLMENT_EXISTS.refusal(", ".join(sorted(taken)[:10]))
            for handle in dict.fromkeys(each.elder_handle for each in request.enrolments):
                mac = self._codes.elder_mac(handle)
                self._elders.keep(tx, mac, handle, numbers.get(handle, ""), request_id)
            stated.clear()
            for each in request.enrolments:
                enrolment = Enrolment()
                enrolment.CopyFrom(each.enrolment)
                enrolment.beneficiary_ref = self._pseudonym(
                    tx.connection, each.elder_handle, request.host
                )
                stated.append(enrolment)
            store.insert_rows(
                tx.connection,
                tables.code,
                [
                    (self._codes.code_mac(code), request.host, enrolment_id)
                    for code, enrolment_id in zip(codes, ids, strict=True)
                ],
            )
            duty = request.duty
            entries = [
                Entry(maker=duty.maker, reviewer=duty.reviewer, enrolment=each) for each in stated
            ]
            return [(log, entries)]

        def answer(_tx: LogTx, runs: Sequence[AppendedRun]) -> CreateEnrolmentsResponse:
            # The answer is kept for repetitions; the codes are not.
            tickets = [
                EnrolmentTicket(
                    enrolment_id=each.enrolment_id, beneficiary_ref=each.beneficiary_ref
                )
                for each in stated
            ]
            return CreateEnrolmentsResponse(appended=appended(runs[0]), tickets=tickets)

        data = await self._sequencer.submit(
            Write(
                caller=call.caller,
                method=call.method,
                request_id=request_id,
                content=request.SerializeToString(deterministic=True),
                decide=decide,
                answer=answer,
                is_personal=bool(numbers),
            )
        )
        response = CreateEnrolmentsResponse.FromString(data)
        self.add_codes(response, call.caller, request_id)
        call.disclose(log, response.appended.first_index, response.appended.entry_count)
        return response

    def add_codes(
        self, response: CreateEnrolmentsResponse, told: Principal, request_id: str
    ) -> None:
        """Add to a kept answer the codes, which are not kept: they follow from whom they were told.

        Args:
            response: The answer.
            told: Who enrolled the elders.
            request_id: By which request.
        """
        for position, ticket in enumerate(response.tickets):
            ticket.enrolment_code = self._codes.code(told.uri, request_id, position)

    def _check(self, request: CreateEnrolmentsRequest, call: Call) -> tuple[str, Mapping[str, str]]:
        """Return the request's id, and the identity numbers that it gives, by handle."""
        bad = ViolationCollector()
        request_id = read_write(request, call, bad, duty=request.duty)
        check_partner(request.host, self._province, self._trust, bad, field="host")
        check_batch(len(request.enrolments), "enrolments", bad)
        numbers: dict[str, str] = {}
        twice = repeated(each.enrolment.enrolment_id for each in request.enrolments)
        for position, each in enumerate(request.enrolments):
            where = f"enrolments[{position}]"
            if not 0 < len(each.elder_handle) <= _HANDLE_CHARS_MAX:
                bad.note(f"{where}.elder_handle", "", "It has 1 to 64 characters.")
            if each.identity_number:
                at = f"{where}.identity_number"
                number = bad.take(parse_identity_number, each.identity_number, field=at) or ""
                if numbers.setdefault(each.elder_handle, number) != number:
                    bad.note(at, "", "The same elder has another one in this request.")
            faults = fields.enrolment_faults(
                each.enrolment, self._province, f"{where}.enrolment", is_new=True
            )
            for fault in faults:
                bad.add(fault)
            if each.enrolment.enrolment_id in twice:
                bad.note(
                    f"{where}.enrolment.enrolment_id",
                    each.enrolment.enrolment_id,
                    "It stands twice in the request.",
                )
        bad.raise_if_any()
        return request_id, numbers

    def _pseudonym(self, connection: Connection, elder_handle: str, host: str) -> str:
        """Return the pseudonym of an elder with a host, a new one the first time."""
        mac = self._codes.handle_mac(elder_handle, host)
        query = select(tables.pseudonym.c.beneficiary_ref).where(
            tables.pseudonym.c.handle_mac == mac
        )
        known: str | None = connection.execute(query).scalar()
        if known is not None:
            return known
        ref = self._entropy.token(_REF_BYTES).hex()
        row = (mac, ref, self._codes.elder_mac(elder_handle))
        store.insert_rows(connection, tables.pseudonym, [row])
        return ref

    async def end(self, request: EndEnrolmentRequest, call: Call) -> EndEnrolmentResponse:
        """End an enrolment."""
        bad = ViolationCollector()
        request_id = read_write(request, call, bad, duty=request.duty)
        check_partner(request.host, self._province, self._trust, bad, field="host")
        for fault in fields.enrolment_end_faults(request.end, "end"):
            bad.add(fault)
        if not bad.violations:
            for fault in fields.end_reason_faults(request.end, "end"):
                bad.add(fault)
        bad.raise_if_any()
        log = LogName.settlement(self._province, request.host)

        def decide(tx: LogTx) -> list[tuple[LogName, list[Entry]]]:
            enrolment_id = request.end.enrolment_id
            if not store.enrolment_ids(tx.connection, self._province, request.host, [enrolment_id]):
                raise rules.ENROLMENT_UNKNOWN.refusal(enrolment_id)
            duty = request.duty
            entry = Entry(maker=duty.maker, reviewer=duty.reviewer, enrolment_end=request.end)
            return [(log, [entry])]

        data = await self._sequencer.submit(
            Write(
                caller=call.caller,
                method=call.method,
                request_id=request_id,
                content=request.SerializeToString(deterministic=True),
                decide=decide,
                answer=lambda _tx, runs: EndEnrolmentResponse(appended=appended(runs[0])),
            )
        )
        return EndEnrolmentResponse.FromString(data)

    # --- By code ----------------------------------------------------------------------------------

    async def resolve(
        self, request: ResolveEnrolmentRequest, call: Call
    ) -> ResolveEnrolmentResponse:
        """Return the enrolment behind a code: from here if this is home, else from home's node."""
        is_local = call.caller.province == self._province
        bad = ViolationCollector()
        if request.home not in self._trust.provinces or not (
            is_local or request.home == self._province
        ):
            bad.note("home", request.home, "This is not a member that can be asked here.")
        principal = call.caller.opaque_id
        if not is_local:
            principal = bad.take(parse_opaque_id, request.principal, field="principal") or ""
        bad.raise_if_any()
        if request.home != self._province:
            asked = ResolveEnrolmentRequest()
            asked.CopyFrom(request)
            asked.principal = principal
            assert call.purpose is not None, "the right to ask names a purpose"
            answer = await self._peer.resolve_enrolment(request.home, asked, call.purpose)
            call.disclose(LogName.settlement(request.home, self._province), answer.entry.index, 1)
            return answer
        if not is_local:
            call.ask_for(principal)
        mac = self._codes.code_mac(normalise_code(request.enrolment_code))
        asker = call.caller.province
        found = await self._database.read(lambda c: self._answer(c, mac, asker))
        if found is None:
            raise Refusal(Reason.NOT_FOUND, "No enrolment stands behind this code.")
        call.disclose(LogName.parse(found.entry.log), found.entry.index, 1)
        return found

    def _answer(
        self, connection: Connection, mac: bytes, asker: str
    ) -> ResolveEnrolmentResponse | None:
        """Look a code up for a province that asks; nothing if it is not that one's to know."""
        codes, enrolments = tables.code.c, tables.enrolment.c
        query = (
            select(tables.enrolment)
            .join(
                tables.code,
                (codes.enrolment_id == enrolments.enrolment_id)
                & (codes.host == enrolments.partner),
            )
            .where(codes.code_mac == mac, enrolments.author == self._province)
        )
        row = connection.execute(query).first()
        if row is not None and asker not in (self._province, row.partner):
            row = None
        if row is None:
            return None
        ends = tables.enrolment_end.c
        ended_date = connection.execute(
            select(func.min(ends.effective_date)).where(
                ends.author == self._province,
                ends.partner == row.partner,
                ends.enrolment_id == row.enrolment_id,
            )
        ).scalar()
        return ResolveEnrolmentResponse(
            enrolment=Enrolment(
                enrolment_id=row.enrolment_id,
                beneficiary_ref=row.beneficiary_ref,
                home_division=row.home_division,
                subsidy_kinds=row.subsidy_kinds.split(" "),
                assessment_scheme=row.assessment_scheme,
                assessment_grade=row.assessment_grade,
                from_date=row.from_date,
                until_date=row.until_date,
            ),
            entry=EntryRef(log=str(LogName.settlement(self._province, row.partner)), index=row.idx),
            ended_date=ended_date or "",
        )
