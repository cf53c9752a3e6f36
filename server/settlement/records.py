"""What else is filed with a partner, and what was filed: reversals, refusals, holds, lists.

Each verb checks the whole batch, names every fault, and appends under the numbered rules that the
projection holds everyone to.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from google.protobuf.message import Message
from sqlalchemy import Connection, Row, and_, exists, or_, select

from deltacare.errors import FieldViolation, Reason, Refusal, ViolationCollector
from deltacare.ids import LogName
from deltacare.times import parse_date
from deltacare.trust import Trust
from deltacare.v1.entry_pb2 import Entry, HoldClass, SettlementRecord
from deltacare.v1.settlement_service_pb2 import (
    EndHoldsRequest,
    EndHoldsResponse,
    FiledRecord,
    FileReversalsRequest,
    FileReversalsResponse,
    ListRecordsRequest,
    ListRecordsResponse,
    PlaceHoldsRequest,
    PlaceHoldsResponse,
    RecordView,
    RefuseRecordsRequest,
    RefuseRecordsResponse,
)
from deltacare.v1.types_pb2 import Duty, EntryRef
from server.approval.duties import require_filing
from server.edge.call import Call
from server.log.ports import LogTx, Sequencer, Write
from server.registry.fields import read_page_size
from server.registry.paging import next_token, read_token
from server.settlement import fields, rules, store, tables
from server.settlement.budgets import BudgetBook
from server.settlement.holding import StillNeeded
from server.settlement.requests import appended, check_batch, check_partner, read_write
from server.settlement.reworked import require_worked
from server.store.database import Database

__all__ = ["PartnerRecords", "filed_record", "is_unanswered"]

R = TypeVar("R", bound=Message)
Check = Callable[[LogTx], None]


class PartnerRecords:
    """Reversals, refusals, holds and lists of one province with its partners.

    Args:
        province: The own one.
        trust: Members.
        database: For lists.
        sequencer: Appends.
        overlapping: Tells which held settlements with a host are still beyond a month.
        budgets: Knows what budgets cover.
    """

    def __init__(
        self,
        *,
        province: str,
        trust: Trust,
        database: Database,
        sequencer: Sequencer,
        overlapping: StillNeeded,
        budgets: BudgetBook,
    ) -> None:
        self._overlapping = overlapping
        self._budgets = budgets
        self._province = province
        self._trust = trust
        self._database = database
        self._sequencer = sequencer

    # --- Verbs ------------------------------------------------------------------------------------

    async def file_reversals(
        self, request: FileReversalsRequest, call: Call
    ) -> FileReversalsResponse:
        """Cancel own records."""

        def faults(position: int) -> Iterable[FieldViolation]:
            body, where = request.reversals[position], f"reversals[{position}]"
            yield from fields.pair_faults(
                body.home, body.host, self._province, request.partner, where
            )
            yield from fields.end_faults(body, where)

        def check(tx: LogTx) -> None:
            self._require_review(tx, request.duty)
            numbers = [each.settlement_no for each in request.reversals]
            place = (tx.connection, self._province, request.partner, numbers)
            filed, gone = store.numbers_filed(*place), set(store.numbers_reversed(*place))
            unknown, before = ViolationCollector(), ViolationCollector()
            for position, body in enumerate(request.reversals):
                key, where = (body.settlement_no, body.home), f"reversals[{position}].settlement_no"
                if key not in filed:
                    rule = rules.REVERSES_UNKNOWN
                    unknown.note(where, body.settlement_no, f"{rule.code}: {rule.en}")
                elif key in gone:
                    rule = rules.REVERSED_BEFORE
                    before.note(where, body.settlement_no, f"{rule.code}: {rule.en}")
                gone.add(key)
            for bad in (unknown, before):
                if bad.count:
                    _raise_rule(bad, rule.reason)

        entries = [
            Entry(maker=request.duty.maker, reviewer=request.duty.reviewer, reversal=each)
            for each in request.reversals
        ]
        return await self._file(
            request,
            call,
            FileReversalsResponse,
            field="reversals",
            entries=entries,
            faults=faults,
            check=check,
        )

    async def refuse_records(
        self, request: RefuseRecordsRequest, call: Call
    ) -> RefuseRecordsResponse:
        """Say, as home, why records of the host are not answered by own ones."""

        def faults(position: int) -> Iterable[FieldViolation]:
            body, where = request.refusals[position], f"refusals[{position}]"
            yield from self._home_faults(body.home, body.host, request.partner, where)
            yield from fields.end_faults(body, where)

        def check(tx: LogTx) -> None:
            self._require_review(tx, request.duty)
            numbers = [each.settlement_no for each in request.refusals]
            own, partner = self._province, request.partner
            filed = store.numbers_filed(tx.connection, partner, own, numbers)
            standing = store.numbers_standing(tx.connection, own, partner, numbers)
            bad, refused = ViolationCollector(), ViolationCollector()
            for position, body in enumerate(request.refusals):
                where = f"refusals[{position}].settlement_no"
                if body.settlement_no in standing:
                    refused.note(
                        where,
                        body.settlement_no,
                        f"{rules.REFUSES_OWN.code}: {rules.REFUSES_OWN.en}",
                        "File a reversal of the own record.",
                    )
                elif (body.settlement_no, body.home) not in filed:
                    bad.note(
                        where,
                        body.settlement_no,
                        "The host has filed no record under this number.",
                    )
            _raise_rule(bad, Reason.NOT_FOUND)
            _raise_rule(refused, Reason.RULE_REFUSED)

        entries = [
            Entry(maker=request.duty.maker, reviewer=request.duty.reviewer, record_refusal=each)
            for each in request.refusals
        ]
        return await self._file(
            request,
            call,
            RefuseRecordsResponse,
            field="refusals",
            entries=entries,
            faults=faults,
            check=check,
        )

    async def place_holds(self, request: PlaceHoldsRequest, call: Call) -> PlaceHoldsResponse:
        """Hold settlements back, as home."""

        def faults(position: int) -> Iterable[FieldViolation]:
            body, where = request.holds[position], f"holds[{position}]"
            yield from self._home_faults(body.home, body.host, request.partner, where)
            yield from fields.hold_faults(body, where)

        entries = [
            Entry(maker=request.duty.maker, reviewer=request.duty.reviewer, hold=each)
            for each in request.holds
        ]
        return await self._file(
            request,
            call,
            PlaceHoldsResponse,
            field="holds",
            entries=entries,
            faults=faults,
            check=lambda _tx: None,
        )

    async def end_holds(self, request: EndHoldsRequest, call: Call) -> EndHoldsResponse:
        """End own holds from the next business date on."""

        def faults(position: int) -> Iterable[FieldViolation]:
            yield from fields.hold_end_faults(request.ends[position], f"ends[{position}]")

        def check(tx: LogTx) -> None:
            holds, bad = tables.hold.c, ViolationCollector()
            seen: set[int] = set()
            over_budget: dict[str, int] = {}
            overlapping: dict[str, int] = {}
            for position, body in enumerate(request.ends):
                query = select(holds.end_idx, holds.hold_class, holds.settlement_no).where(
                    holds.author == self._province,
                    holds.partner == request.partner,
                    holds.idx == body.hold_index,
                )
                found = tx.connection.execute(query).first()
                rule = None
                if found is None:
                    rule = rules.HOLD_UNKNOWN
                elif found.end_idx is not None or body.hold_index in seen:
                    rule = rules.HOLD_ENDED
                elif found.hold_class == HoldClass.HOLD_CLASS_OVER_BUDGET:
                    over_budget.setdefault(found.settlement_no, position)
                elif found.hold_class == HoldClass.HOLD_CLASS_OVERLAP:
                    overlapping.setdefault(found.settlement_no, position)
                seen.add(body.hold_index)
                if rule is not None:
                    where = f"ends[{position}].hold_index"
                    bad.note(where, body.hold_index, f"{rule.code}: {rule.en}")
            self._note_causes(tx, request.partner, over_budget, overlapping, bad)
            _raise_rule(bad, Reason.RULE_REFUSED)

        entries = [
            Entry(maker=request.duty.maker, reviewer=request.duty.reviewer, hold_end=each)
            for each in request.ends
        ]
        return await self._file(
            request,
            call,
            EndHoldsResponse,
            field="ends",
            entries=entries,
            faults=faults,
            check=check,
        )

    def _note_causes(
        self,
        tx: LogTx,
        partner: str,
        over_budget: Mapping[str, int],
        overlapping: Mapping[str, int],
        bad: ViolationCollector,
    ) -> None:
        """Note the settlements whose holds may not end, because what they are for still stands.

        Args:
            tx: The transaction that would end them.
            partner: The host.
            over_budget: Places in the batch, by number, of holds for want of budget.
            overlapping: The same of holds for overlap.
            bad: Gets the violations.
        """
        connection = tx.connection
        # What budgets cover, they cover one after the other.
        short = self._budgets.still_over(connection, partner, over_budget, together=True)
        twice = sorted(self._overlapping(connection, partner, overlapping))
        for rule, numbers, places in (
            (rules.HOLD_OVER_BUDGET, short, over_budget),
            (rules.HOLD_OVERLAP, twice, overlapping),
        ):
            for number in numbers:
                where = f"ends[{places[number]}].hold_index"
                bad.note(where, number, f"{rule.code}: {rule.en}")

    def _require_review(self, tx: LogTx, duty: Duty) -> None:
        """Hold maker and reviewer of what is filed to these duties."""
        require_filing(tx.connection, self._province, duty)

    def _home_faults(
        self, home: str, host: str, partner: str, where: str
    ) -> Iterable[FieldViolation]:
        """Yield what is wrong with the provinces of what only home may say."""
        if (home, host) != (self._province, partner):
            yield FieldViolation(
                field=f"{where}.home",
                value=f"{home}/{host}"[:64],
                description=f"Home is not {self._province}, or the host not {partner}.",
            )

    async def _file(
        self,
        request: Any,  # noqa: ANN401 - any request with a batch and a partner
        call: Call,
        response: type[R],
        *,
        field: str,
        entries: Sequence[Entry],
        faults: Callable[[int], Iterable[FieldViolation]],
        check: Check,
    ) -> R:
        """Check a batch and append it."""
        bad = ViolationCollector()
        request_id = read_write(request, call, bad, duty=request.duty)
        check_partner(request.partner, self._province, self._trust, bad)
        check_batch(len(entries), field, bad)
        for position in range(len(entries)):
            for fault in faults(position):
                bad.add(fault)
        bad.raise_if_any()
        log = LogName.settlement(self._province, request.partner)

        def decide(tx: LogTx) -> list[tuple[LogName, list[Entry]]]:
            check(tx)
            return [(log, list(entries))]

        data = await self._sequencer.submit(
            Write(
                caller=call.caller,
                method=call.method,
                request_id=request_id,
                content=request.SerializeToString(deterministic=True),
                decide=decide,
                answer=lambda _tx, runs: response(appended=appended(runs[0])),
            )
        )
        return response.FromString(data)

    # --- Lists ------------------------------------------------------------------------------------

    async def list_records(self, request: ListRecordsRequest, _call: Call) -> ListRecordsResponse:
        """Return a page of records in the order of the logs."""
        bad = ViolationCollector()
        check_partner(request.partner, self._province, self._trust, bad)
        if request.filed_date:
            bad.take(parse_date, request.filed_date, field="filed_date")
        size = read_page_size(request.page_size, bad)
        if request.settlement_nos:
            check_batch(len(request.settlement_nos), "settlement_nos", bad)
        question = "\x1f".join(
            (
                "records",
                request.partner,
                str(request.view),
                request.settlement_no,
                request.filed_date,
                *request.settlement_nos,
            )
        ).encode()
        after = read_token(request.page_token, question, bad)
        bad.raise_if_any()

        def read(connection: Connection) -> Sequence[Row[Any]]:
            require_worked(connection, self._province)
            return self._rows(connection, request, after, size + 1)

        rows = await self._database.read(read)
        token = ""
        if len(rows) > size:
            last = rows[size - 1]
            token = next_token(question, f"{last.author}.{last.idx}")
        return ListRecordsResponse(
            records=[filed_record(row) for row in rows[:size]], next_page_token=token
        )

    def _rows(
        self, connection: Connection, request: ListRecordsRequest, after: str, limit: int
    ) -> Sequence[Row[Any]]:
        records = tables.record.c
        pair = (self._province, request.partner)
        query = select(tables.record).where(
            records.author.in_(pair), records.partner.in_(pair), records.void_rule.is_(None)
        )
        if request.view == RecordView.RECORD_VIEW_OWN:
            query = query.where(records.author == self._province)
        elif request.view == RecordView.RECORD_VIEW_INBOX:
            query = query.where(*is_unanswered(self._province, request.partner))
        if request.settlement_no:
            query = query.where(records.settlement_no == request.settlement_no)
        if request.settlement_nos:
            query = query.where(records.settlement_no.in_(sorted(set(request.settlement_nos))))
        if request.filed_date:
            query = query.where(records.filed_date == request.filed_date)
        if after:
            author, _, index = after.partition(".")
            query = query.where(
                or_(
                    records.author > author,
                    and_(records.author == author, records.idx > int(index)),
                )
            )
        ordered = query.order_by(records.author, records.idx).limit(limit)
        return connection.execute(ordered).all()


def is_unanswered(province: str, partner: str) -> tuple[Any, ...]:
    """Return the conditions of what the host filed and home neither filed nor refused.

    Args:
        province: Home.
        partner: The host.
    """
    records, refusals = tables.record.c, tables.refusal.c
    own = tables.record.alias().c
    return (
        records.author == partner,
        records.host == partner,
        records.replaced_idx.is_(None),
        records.closed_date.is_(None),
        ~exists().where(
            own.author == province,
            own.partner == partner,
            own.settlement_no == records.settlement_no,
            own.home == province,
            own.void_rule.is_(None),
        ),
        ~exists().where(
            refusals.author == province,
            refusals.partner == partner,
            refusals.settlement_no == records.settlement_no,
        ),
    )


def _raise_rule(bad: ViolationCollector, reason: Reason) -> None:
    """Refuse a batch by what the rules found."""
    if bad.count:
        raise Refusal(
            reason,
            f"{bad.count} elements are not possible; first: {bad.violations[0]}",
            details={"violations": str(bad.count)},
            violations=bad.violations,
        )


def filed_record(row: Row[Any]) -> FiledRecord:
    """Return a row as the contract shows it."""
    record = SettlementRecord(
        settlement_no=row.settlement_no,
        home=row.home,
        host=row.host,
        beneficiary_ref=row.beneficiary_ref,
        institution=row.institution,
        subsidy_kind=row.subsidy_kind,
        service_month=row.service_month,
        service_days=row.service_days,
        amount_fen=row.amount_fen,
        caregiver_cert_no=row.caregiver_cert_no,
        replaces_index=row.replaces_idx,
        policy_index=row.policy_idx,
        computation_version=row.computation_version,
    )
    return FiledRecord(
        record=record,
        entry=EntryRef(log=str(LogName.settlement(row.author, row.partner)), index=row.idx),
        filed_date=row.filed_date,
        replaced_by_index=row.replaced_idx,
        closed_date=row.closed_date or "",
    )
