"""``deltacare.v1.PaymentService``: advances, orders to the bank, and what banks show.

Thin: fields are validated all at once, rules decide inside the transaction that appends. Money goes
once: an order must be for what is still due, after the bank showed what became of the attempt
before; and its message must be the one that the node makes itself from the orders and from the
accounts that the members signed, so that nobody's file pays into another account.
"""

from collections.abc import Callable, Sequence

from google.protobuf.message import Message
from sqlalchemy import Connection, select

from deltacare.errors import ViolationCollector
from deltacare.ids import LogName, parse_province, parse_request_id
from deltacare.times import business_date
from deltacare.trust import Trust
from deltacare.v1.entry_pb2 import Entry, PaymentReport
from deltacare.v1.payment_service_pb2 import (
    GrantAdvanceRequest,
    GrantAdvanceResponse,
    ListAdvancesRequest,
    ListAdvancesResponse,
    ListPaymentsRequest,
    ListPaymentsResponse,
    OrderPaymentsRequest,
    OrderPaymentsResponse,
    PaymentState,
    ReportPaymentsRequest,
    ReportPaymentsResponse,
    SetAdvanceTermsRequest,
    SetAdvanceTermsResponse,
    StandingAdvance,
    StandingPayment,
    StandingTerms,
)
from deltacare.v1.types_pb2 import Appended
from server.approval.duties import DutyKind, require_apart
from server.edge.call import Call
from server.log.ports import AppendedRun, LogReader, LogTx, Sequencer, Write
from server.payment import ordering, rules, store, tables
from server.payment.advances import PaidAdvances
from server.payment.projector import judge
from server.payment.terms import terms_that_hold, terms_with
from server.registry.fields import parse_numbered_id, read_duty, read_enum, read_page_size
from server.registry.paging import next_token, read_token
from server.registry.requests import appended, new_entry, require_own, without_unknown
from server.settlement.fields import is_date
from server.settlement.statements import Reach
from server.store.database import Database

__all__ = ["ORDERS_MAX", "REPORTS_MAX", "PaymentServicer"]

ORDERS_MAX = 100
REPORTS_MAX = 1_000

_Decide = Callable[[LogTx], Sequence[tuple[LogName, Sequence[Entry]]]]
_Answer = Callable[[LogTx, Sequence[AppendedRun]], Message]


class PaymentServicer:
    """The service at one province's node.

    Args:
        province: The own one.
        trust: Members and their accounts.
        database: This node's.
        sequencer: Appends to the own registry log.
        reader: How far registry logs count.
    """

    def __init__(
        self,
        *,
        province: str,
        trust: Trust,
        database: Database,
        sequencer: Sequencer,
        reader: LogReader,
    ) -> None:
        self._province = province
        self._trust = trust
        self._database = database
        self._sequencer = sequencer
        self._reader = reader
        self._log = LogName.registry(province)

    async def _reach(self) -> Reach:
        """Return how far registry logs count; read before a snapshot begins."""
        await self._reader.refresh()
        logs = (LogName.registry(each) for each in self._trust.provinces)
        return Reach(
            own=self._province,
            positions={log: self._reader.position(log) for log in logs},
            opening_date=self._trust.opening_date,
            advances=PaidAdvances(),
        )

    def _begin(
        self,
        request: SetAdvanceTermsRequest
        | GrantAdvanceRequest
        | OrderPaymentsRequest
        | ReportPaymentsRequest,
        call: Call,
        bad: ViolationCollector,
    ) -> str:
        """Check what every write carries, and return its id in canonical form."""
        require_own(call, self._province)
        read_duty(request.duty, bad)
        return bad.take(parse_request_id, request.request_id, field="request_id") or ""

    def _require(self, tx: LogTx, entries: Sequence[Entry], subjects: Sequence[str]) -> None:
        """Hold entries to the rules by which every node projects them, and people to their duties.

        Raises:
            Refusal: Naming the rule.
        """
        for entry, subject in zip(entries, subjects, strict=True):
            rule = judge(tx.connection, self._province, entry, entry_time=tx.now)
            if rule is not None:
                raise rule.refusal(subject)
            principals = (entry.maker, entry.reviewer)
            require_apart(tx.connection, self._province, principals, DutyKind.PAYMENT)

    def _write(
        self,
        request: Message,
        call: Call,
        request_id: str,
        *,
        decide: _Decide,
        answer: _Answer,
    ) -> Write:
        return Write(
            caller=call.caller,
            method=call.method,
            request_id=request_id,
            content=request.SerializeToString(deterministic=True),
            decide=decide,
            answer=answer,
        )

    # --- Advances ---------------------------------------------------------------------------------

    async def set_advance_terms(
        self, request: SetAdvanceTermsRequest, call: Call
    ) -> SetAdvanceTermsResponse:
        """State how much is held ready with another member."""
        bad = ViolationCollector()
        request_id = self._begin(request, call, bad)
        rules.read_terms(request.terms, "terms.", bad)
        self._check_member(request.terms.payee, "terms.payee", bad)
        bad.raise_if_any()
        body = without_unknown(request.terms)

        def decide(tx: LogTx) -> list[tuple[LogName, list[Entry]]]:
            entry = new_entry(request.duty, advance_terms=body)
            self._require(tx, [entry], [body.payee])
            return [(self._log, [entry])]

        data = await self._sequencer.submit(
            self._write(
                request,
                call,
                request_id,
                decide=decide,
                answer=lambda _tx, runs: SetAdvanceTermsResponse(appended=appended(runs[0])),
            )
        )
        return SetAdvanceTermsResponse.FromString(data)

    async def grant_advance(self, request: GrantAdvanceRequest, call: Call) -> GrantAdvanceResponse:
        """State that an advance will be paid."""
        bad = ViolationCollector()
        request_id = self._begin(request, call, bad)
        rules.read_advance(request.advance, "advance.", bad)
        self._check_member(request.advance.payee, "advance.payee", bad)
        bad.raise_if_any()
        body = without_unknown(request.advance)
        reach = await self._reach()
        kept: list[GrantAdvanceResponse] = []

        def decide(tx: LogTx) -> list[tuple[LogName, list[Entry]]]:
            known = store.kept_advance(tx.connection, self._province, body)
            kept[:] = [] if known is None else [self._kept_advance(tx.connection, *known)]
            if kept:
                return []
            entry = new_entry(request.duty, advance=body)
            self._require(tx, [entry], [body.advance_id])
            terms = terms_with(tx.connection, self._province, body.payee, tx.size(self._log))
            assert terms is not None, "without terms it was refused"
            held = store.balance_held(tx.connection, reach, self._province, body.payee)
            if held + body.amount_fen > terms.limit_fen:
                facts = f"{held} + {body.amount_fen} > {terms.limit_fen}"
                raise rules.Z26_ABOVE_LIMIT.refusal(f"{body.advance_id}: {facts}")
            return [(self._log, [entry])]

        def answer(_tx: LogTx, runs: Sequence[AppendedRun]) -> GrantAdvanceResponse:
            if kept:
                return kept[0]
            return GrantAdvanceResponse(
                appended=appended(runs[0]), advance_hash=runs[0].leaf_hashes[0]
            )

        data = await self._sequencer.submit(
            self._write(request, call, request_id, decide=decide, answer=answer)
        )
        return GrantAdvanceResponse.FromString(data)

    def _kept_advance(
        self, connection: Connection, index: int, advance_hash: bytes
    ) -> GrantAdvanceResponse:
        """Return the answer to an advance that stands in the log already."""
        return GrantAdvanceResponse(
            appended=self._place(connection, index, 1), advance_hash=advance_hash
        )

    def _place(self, connection: Connection, index: int, count: int) -> Appended:
        """Return where entries stand that were appended before."""
        checkpoint = self._reader.checkpoint(connection, self._log) or b""
        return Appended(
            log=str(self._log), first_index=index, entry_count=count, checkpoint=checkpoint
        )

    def _check_member(self, province: str, field: str, bad: ViolationCollector) -> None:
        if province not in self._trust.provinces:
            members = ", ".join(self._trust.provinces)
            bad.note(field, province, "It is no member.", f"Use one of {members}.")

    async def list_advances(
        self,
        request: ListAdvancesRequest,
        call: Call,  # noqa: ARG002  # the shape of a method
    ) -> ListAdvancesResponse:
        """Return a page of advances by payer, payee and place."""
        bad = ViolationCollector()
        size = read_page_size(request.page_size, bad)
        if request.province:
            bad.take(parse_province, request.province, field="province")
        question = f"advances\0{request.province}".encode()
        token = read_token(request.page_token, question, bad)
        bad.raise_if_any()
        after: tuple[str, str, int] | None = None
        if token:
            payer, payee, index = token.split(" ")
            after = (payer, payee, int(index))
        reach = await self._reach()

        def read(
            connection: Connection,
        ) -> tuple[Sequence[StandingAdvance], Sequence[StandingTerms]]:
            page = store.advances_page(
                connection, reach, province=request.province, after=after, limit=size + 1
            )
            if after is not None:
                return page, ()
            return page, terms_that_hold(connection, reach, province=request.province)

        found, terms = await self._database.read(read)
        token = ""
        if len(found) > size:
            last = found[size - 1]
            place = f"{last.payer} {last.advance.payee} {last.entry.index}"
            token = next_token(question, place)
        return ListAdvancesResponse(advances=found[:size], next_page_token=token, terms=terms)

    # --- Orders -----------------------------------------------------------------------------------

    async def order_payments(
        self, request: OrderPaymentsRequest, call: Call
    ) -> OrderPaymentsResponse:
        """Keep the order of payments of one message."""
        bad = ViolationCollector()
        request_id = self._begin(request, call, bad)
        _check_count(len(request.orders), "orders", bad, most=ORDERS_MAX)
        for index, order in enumerate(request.orders[:ORDERS_MAX]):
            rules.read_order(order, f"orders[{index}].", bad)
        bad.raise_if_any()
        orders = [without_unknown(each) for each in request.orders]
        ordering.require_one_message(orders)
        reach = await self._reach()
        kept: list[Appended] = []

        def decide(tx: LogTx) -> list[tuple[LogName, list[Entry]]]:
            kept[:] = []
            payments = ordering.payments_of(tx.connection, reach, orders)
            known_index = ordering.kept_index(tx.connection, payments, orders)
            if known_index is not None:
                kept[:] = [self._place(tx.connection, known_index, len(orders))]
                return []
            ordering.require_due(payments, orders, business_date(tx.now))
            ordering.require_message(self._trust, payments, orders)
            entries = [new_entry(request.duty, payment_order=each) for each in orders]
            self._require(tx, entries, [ordering.attempt_name(each) for each in orders])
            return [(self._log, entries)]

        def answer(_tx: LogTx, runs: Sequence[AppendedRun]) -> OrderPaymentsResponse:
            return OrderPaymentsResponse(appended=appended(runs[0]) if runs else kept[0])

        data = await self._sequencer.submit(
            self._write(request, call, request_id, decide=decide, answer=answer)
        )
        return OrderPaymentsResponse.FromString(data)

    # --- Reports ----------------------------------------------------------------------------------

    async def report_payments(
        self, request: ReportPaymentsRequest, call: Call
    ) -> ReportPaymentsResponse:
        """Keep what a bank statement shows; what is known is passed over."""
        bad = ViolationCollector()
        request_id = self._begin(request, call, bad)
        _check_count(len(request.reports), "reports", bad, most=REPORTS_MAX)
        today = business_date(call.now).isoformat()
        for index, report in enumerate(request.reports[:REPORTS_MAX]):
            rules.read_report(report, f"reports[{index}].", bad)
            if is_date(report.booking_date) and report.booking_date > today:
                field = f"reports[{index}].booking_date"
                bad.note(field, report.booking_date, f"It lies after today, {today}.")
        bad.raise_if_any()
        reports = [without_unknown(each) for each in request.reports]
        reach = await self._reach()

        def decide(tx: LogTx) -> list[tuple[LogName, list[Entry]]]:
            fresh = self._fresh(tx.connection, reports)
            ids = {each.payment_id for each in fresh}
            known = store.payments_with(tx.connection, reach, ids, province=self._province)
            for each in fresh:
                if each.payment_id not in known:
                    raise rules.Z27_PAYMENT_UNKNOWN.refusal(each.payment_id)
                earliest = known[each.payment_id].earliest_booking(each.attempt).isoformat()
                if each.booking_date < earliest:
                    facts = f"{ordering.attempt_name(each)}: {each.booking_date} < {earliest}"
                    raise rules.Z30_BOOKED_EARLY.refusal(facts)
            entries = [new_entry(request.duty, payment_report=each) for each in fresh]
            self._require(tx, entries, [each.payment_id for each in fresh])
            return [(self._log, entries)] if entries else []

        def answer(_tx: LogTx, runs: Sequence[AppendedRun]) -> ReportPaymentsResponse:
            count = len(runs[0].leaf_hashes) if runs else 0
            return ReportPaymentsResponse(
                appended=appended(runs[0]) if runs else None, known_count=len(reports) - count
            )

        data = await self._sequencer.submit(
            self._write(request, call, request_id, decide=decide, answer=answer)
        )
        return ReportPaymentsResponse.FromString(data)

    def _fresh(
        self, connection: Connection, reports: Sequence[PaymentReport]
    ) -> list[PaymentReport]:
        """Return reports of bookings that the own log does not have, each booking once.

        Raises:
            Refusal: By rule Z29, if a booking was reported with other content, here or before.
        """
        row = tables.report.c
        refs = sorted({each.booking_ref for each in reports})
        query = select(
            row.booking_ref, row.payment_id, row.attempt, row.outcome, row.amount_fen
        ).where(row.author == self._province, row.booking_ref.in_(refs))
        said = {bytes(ref): tuple(rest) for ref, *rest in connection.execute(query)}
        found: dict[bytes, PaymentReport] = {}
        for each in reports:
            content = (each.payment_id, each.attempt, each.outcome, each.amount_fen)
            before = said.get(each.booking_ref)
            if before is None:
                found[each.booking_ref] = each
                said[each.booking_ref] = content
            elif before != content:
                facts = f"{each.amount_fen} ≠ {before[-1]}"
                name = ordering.attempt_name(each)
                raise rules.Z29_BOOKED_OTHERWISE.refusal(f"{name}: {facts}")
        return list(found.values())

    # --- Where payments stand ---------------------------------------------------------------------

    async def list_payments(self, request: ListPaymentsRequest, call: Call) -> ListPaymentsResponse:
        """Return a page of payments by the place of what makes them due."""
        bad = ViolationCollector()
        size = read_page_size(request.page_size, bad)
        if request.province:
            bad.take(parse_province, request.province, field="province")
        if request.basis_id:
            bad.take(parse_numbered_id, request.basis_id, field="basis_id")
        for index, state in enumerate(request.states):
            read_enum(state, f"states[{index}]", bad, kind=PaymentState, optional=False)
        states = frozenset(request.states)
        asked = ",".join(map(str, sorted(states)))
        question = f"payments\0{request.province}\0{request.basis_id}\0{asked}".encode()
        token = read_token(request.page_token, question, bad)
        bad.raise_if_any()
        after: tuple[str, int, str, str] | None = None
        if token:
            author, index_text, payer, payee = token.split(" ")
            after = (author, int(index_text), payer, payee)
        reach = await self._reach()
        today = business_date(call.now)

        def read(connection: Connection) -> tuple[list[StandingPayment], str]:
            found: list[StandingPayment] = []
            last = ""
            for payment in store.payments_of(
                connection,
                reach,
                province=request.province,
                basis_id=request.basis_id,
                after=after,
            ):
                message = payment.message(today)
                if states and message.state not in states:
                    continue
                if len(found) == size:
                    return found, last
                found.append(message)
                basis, flow = payment.basis, payment.flow
                last = f"{basis.author} {basis.index} {flow.payer} {flow.payee}"
            return found, ""

        found, last = await self._database.read(read)
        return ListPaymentsResponse(
            payments=found, next_page_token=next_token(question, last) if last else ""
        )


def _check_count(count: int, field: str, bad: ViolationCollector, *, most: int) -> None:
    if not 1 <= count <= most:
        bad.note(field, count, f"It has 1 to {most:,} elements.", "Send several requests.")
