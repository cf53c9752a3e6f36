"""Demands for money that was cleared (追回): home states one, with its reversal and two signatures.

Nothing that a night closed is touched: the host answers with its own reversal, and the next night
clears both the other way. A demand does not move money; two reversals do. Where one stands is read
from the logs, never stored.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, or_, select

from deltacare.approvals import ApprovalSubject, ApprovalWord, clawback_hash
from deltacare.errors import Reason, Refusal, ViolationCollector
from deltacare.ids import LogName
from deltacare.times import business_date
from deltacare.trust import Trust
from deltacare.v1.entry_pb2 import Clawback, Entry, Reversal
from deltacare.v1.settlement_service_pb2 import (
    ClawbackState,
    FileClawbacksRequest,
    FileClawbacksResponse,
    ListClawbacksRequest,
    ListClawbacksResponse,
    StandingClawback,
)
from deltacare.v1.types_pb2 import EntryRef
from deltacare.working_days import add_working_days
from server.approval.duties import require_filing
from server.approval.judging import approvals_rule
from server.edge.call import Call
from server.log.ports import AppendedRun, LogTx, Sequencer, Write
from server.registry.fields import read_page_size
from server.registry.paging import next_token, read_token
from server.registry.rulebook import Rule
from server.registry.store import chunks
from server.settlement import overlap_tables as tables
from server.settlement import rules
from server.settlement import tables as rows
from server.settlement.fields import pair_faults
from server.settlement.overlap_fields import clawback_faults
from server.settlement.requests import appended, check_partner, read_write
from server.settlement.reworked import require_worked
from server.store.database import Database

__all__ = ["ANSWER_WORKING_DAYS", "BATCH_MAX", "Clawbacks", "Disputed", "due_date"]

BATCH_MAX = 100
ANSWER_WORKING_DAYS = 10
"""Within which the host reverses or disputes, counted from the date the demand is filed under, or
from the day it was made if its log is behind."""

Disputed = Callable[[Connection, str, str, Collection[str]], Mapping[str, datetime]]
"""Of settlements of a home with a host, those that the host disputes at present, each with when it
raised the last of those disputes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cleared:
    """A settlement that was cleared.

    Attributes:
        amount_fen: What was cleared.
        reversed_date: The night that cleared it back; ``None`` if none did.
    """

    amount_fen: int
    reversed_date: str | None


class Clawbacks:
    """The demands of one province as home, and those it gets as host.

    Args:
        province: The own one.
        trust: Members.
        database: For lists.
        sequencer: Appends.
        disputed: Tells which settlements are disputed.
    """

    def __init__(
        self,
        *,
        province: str,
        trust: Trust,
        database: Database,
        sequencer: Sequencer,
        disputed: Disputed,
    ) -> None:
        self._province = province
        self._trust = trust
        self._database = database
        self._sequencer = sequencer
        self._disputed = disputed

    # --- Demanding --------------------------------------------------------------------------------

    async def file_clawbacks(
        self, request: FileClawbacksRequest, call: Call
    ) -> FileClawbacksResponse:
        """State demands, each with the own reversal of the settlement unless that was filed."""
        request_id = self._check(request, call)
        log = LogName.settlement(self._province, request.partner)
        duty = request.duty

        def decide(tx: LogTx) -> list[tuple[LogName, list[Entry]]]:
            require_filing(tx.connection, self._province, duty)
            withdrawn = self._judge(tx, request)
            entries: list[Entry] = []
            for body in request.clawbacks:
                entries.append(Entry(maker=duty.maker, reviewer=duty.reviewer, clawback=body))
                if body.settlement_no not in withdrawn:
                    reversal = Reversal(
                        settlement_no=body.settlement_no,
                        home=body.home,
                        host=body.host,
                        reason=body.reason,
                    )
                    entries.append(
                        Entry(maker=duty.maker, reviewer=duty.reviewer, reversal=reversal)
                    )
            return [(log, entries)]

        def answer(_tx: LogTx, runs: Sequence[AppendedRun]) -> FileClawbacksResponse:
            return FileClawbacksResponse(appended=appended(runs[0]))

        data = await self._sequencer.submit(
            Write(
                caller=call.caller,
                method=call.method,
                request_id=request_id,
                content=request.SerializeToString(deterministic=True),
                decide=decide,
                answer=answer,
            )
        )
        return FileClawbacksResponse.FromString(data)

    def _check(self, request: FileClawbacksRequest, call: Call) -> str:
        """Return the request's id if everything in it can be read and is the caller's to say."""
        bad = ViolationCollector()
        request_id = read_write(request, call, bad, duty=request.duty)
        check_partner(request.partner, self._province, self._trust, bad)
        if not 1 <= len(request.clawbacks) <= BATCH_MAX:
            count = len(request.clawbacks)
            bad.note("clawbacks", count, f"A batch has 1 to {BATCH_MAX} elements.")
        seen: dict[str, set[str]] = {"clawback_id": set(), "settlement_no": set()}
        for position, body in enumerate(request.clawbacks):
            where = f"clawbacks[{position}]"
            for fault in pair_faults(body.home, body.host, self._province, request.partner, where):
                bad.add(fault)
            if body.home == request.partner:
                bad.note(f"{where}.home", body.home, "Only home demands back.")
            for fault in clawback_faults(body, self._province, where):
                bad.add(fault)
            for name, values in seen.items():
                value: str = getattr(body, name)
                if value in values:
                    bad.note(f"{where}.{name}", value, "It stands twice in the request.")
                values.add(value)
        bad.raise_if_any()
        return request_id

    def _judge(self, tx: LogTx, request: FileClawbacksRequest) -> frozenset[str]:
        """Refuse demands that a rule stands against; return what home has reversed already."""
        connection, partner = tx.connection, request.partner
        numbers = [body.settlement_no for body in request.clawbacks]
        cleared = self._cleared(connection, self._province, partner, numbers)
        demands = tables.clawback.c
        of_author = select(demands.clawback_id).where(demands.author == self._province)
        ids = [body.clawback_id for body in request.clawbacks]
        taken = set(connection.execute(of_author.where(demands.clawback_id.in_(ids))).scalars())
        demanded = set(
            connection.execute(
                select(demands.settlement_no).where(
                    demands.author == self._province,
                    demands.partner == partner,
                    demands.settlement_no.in_(numbers),
                )
            ).scalars()
        )
        bad = ViolationCollector()
        reason = Reason.RULE_REFUSED
        for position, body in enumerate(request.clawbacks):
            row = cleared.get(body.settlement_no)
            rule: Rule | None = None
            if body.clawback_id in taken:
                rule = rules.CLAWBACK_EXISTS
            elif body.settlement_no in demanded:
                rule = rules.CLAWBACK_DEMANDED
            elif row is None or row.reversed_date is not None:
                rule = rules.CLAWBACK_NOT_CLEARED
            elif row.amount_fen != body.amount_fen:
                rule = rules.CLAWBACK_AMOUNT
            else:
                rule = self._approvals_rule(
                    connection, body, request.duty.maker, request.duty.reviewer, tx.now
                )
            if rule is not None:
                reason = rule.reason if not bad.count else Reason.RULE_REFUSED
                where = f"clawbacks[{position}]"
                bad.note(where, body.clawback_id, f"{rule.code}: {rule.en}")
        if bad.count:
            raise Refusal(
                reason,
                f"{bad.count} demands are not possible; first: {bad.violations[0]}",
                details={"violations": str(bad.count)},
                violations=bad.violations,
            )
        return self._reversed(connection, self._province, self._province, partner, numbers)

    @staticmethod
    def _approvals_rule(
        connection: Connection, body: Clawback, maker: str, reviewer: str, entry_time: datetime
    ) -> Rule | None:
        return approvals_rule(
            connection,
            body.home,
            subject=ApprovalSubject.CLAWBACK,
            subject_hash=clawback_hash(body),
            word=ApprovalWord.APPROVED,
            approvals=body.approvals,
            maker=maker,
            reviewer=reviewer,
            entry_time=entry_time,
        )

    @staticmethod
    def _cleared(
        connection: Connection, home: str, host: str, numbers: Collection[str]
    ) -> Mapping[str, _Cleared]:
        """Return what was ever cleared of some settlements."""
        cleared = rows.cleared.c
        found: dict[str, _Cleared] = {}
        for some in chunks(sorted(set(numbers))):
            query = select(cleared.settlement_no, cleared.amount_fen, cleared.reversed_date).where(
                cleared.home == home, cleared.host == host, cleared.settlement_no.in_(some)
            )
            for number, amount_fen, reversed_date in connection.execute(query):
                found[number] = _Cleared(amount_fen=amount_fen, reversed_date=reversed_date)
        return found

    @staticmethod
    def _reversed(
        connection: Connection, author: str, home: str, host: str, numbers: Collection[str]
    ) -> frozenset[str]:
        """Return the settlements of a home with a host that an author, one of them, reversed."""
        reversals = rows.reversal.c
        found: set[str] = set()
        for some in chunks(sorted(set(numbers))):
            query = select(reversals.settlement_no).where(
                reversals.author == author,
                reversals.partner == (host if author == home else home),
                reversals.home == home,
                reversals.settlement_no.in_(some),
            )
            found.update(connection.execute(query).scalars())
        return frozenset(found)

    # --- Reading ----------------------------------------------------------------------------------

    async def list_clawbacks(
        self, request: ListClawbacksRequest, _call: Call
    ) -> ListClawbacksResponse:
        """Return a page of demands of a pair, both sides'."""
        bad = ViolationCollector()
        check_partner(request.partner, self._province, self._trust, bad)
        size = read_page_size(request.page_size, bad)
        question = f"clawbacks\x1f{request.partner}".encode()
        after = read_token(request.page_token, question, bad)
        bad.raise_if_any()

        def read(connection: Connection) -> tuple[list[StandingClawback], str]:
            require_worked(connection, self._province)
            demands = tables.clawback.c
            pair = (self._province, request.partner)
            query = select(tables.clawback).where(
                demands.author.in_(pair), demands.partner.in_(pair)
            )
            if after:
                author, _, index = after.partition(".")
                query = query.where(
                    or_(
                        demands.author > author,
                        and_(demands.author == author, demands.idx > int(index)),
                    )
                )
            ordered = query.order_by(demands.author, demands.idx).limit(size + 1)
            found = connection.execute(ordered).all()
            token = ""
            if len(found) > size:
                last = found[size - 1]
                token = next_token(question, f"{last.author}.{last.idx}")
            return self._standing(connection, found[:size]), token

        found, token = await self._database.read(read)
        return ListClawbacksResponse(clawbacks=found, next_page_token=token)

    def _standing(
        self, connection: Connection, found: Sequence[Row[Any]]
    ) -> list[StandingClawback]:
        """Return demands with what became of them."""
        by_home: dict[tuple[str, str], list[Row[Any]]] = {}
        for row in found:
            by_home.setdefault((row.author, row.partner), []).append(row)
        states: dict[tuple[str, str], ClawbackState.ValueType] = {}
        for (home, host), rows_ in by_home.items():
            numbers = [row.settlement_no for row in rows_]
            cleared = self._cleared(connection, home, host, numbers)
            reversed_by_host = self._reversed(connection, host, home, host, numbers)
            disputed = self._disputed(connection, home, host, numbers)
            for row in rows_:
                number, state = row.settlement_no, ClawbackState.CLAWBACK_STATE_DEMANDED
                if number in cleared and cleared[number].reversed_date is not None:
                    state = ClawbackState.CLAWBACK_STATE_RECOVERED
                elif number in reversed_by_host:
                    state = ClawbackState.CLAWBACK_STATE_ANSWERED
                elif number in disputed and disputed[number] >= row.entry_time:
                    # A dispute from before the demand is no answer to it.
                    state = ClawbackState.CLAWBACK_STATE_DISPUTED
                states[(home, number)] = state
        answers = []
        for row in found:
            body = Clawback.FromString(row.body)
            state = states[(row.author, row.settlement_no)]
            rule = self._approvals_rule(connection, body, row.maker, row.reviewer, row.entry_time)
            answers.append(
                StandingClawback(
                    clawback=body,
                    entry=EntryRef(
                        log=str(LogName.settlement(row.author, row.partner)), index=row.idx
                    ),
                    state=state,
                    due_date=due_date(row.filed_date, row.entry_time, state),
                    approvals_rule="" if rule is None else rule.code,
                )
            )
        return answers


def due_date(filed_date: str, entry_time: datetime, state: ClawbackState.ValueType) -> str:
    """Return the last working day to answer; empty once answered, or if no calendar tells it.

    Args:
        filed_date: Business date under which the demand is filed.
        entry_time: When it was made; a log that is behind shortens nobody's term.
        state: Where it stands.
    """
    waiting = (
        ClawbackState.CLAWBACK_STATE_DEMANDED,
        ClawbackState.CLAWBACK_STATE_DISPUTED,
    )
    if state not in waiting:
        return ""
    start = max(date.fromisoformat(filed_date), business_date(entry_time))
    due = add_working_days(start, ANSWER_WORKING_DAYS)
    return "" if due is None else due.isoformat()
