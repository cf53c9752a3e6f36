"""The verbs of statements: proposing, answering once and for good, and reading.

What a statement says and where it stands is worked out in `server.settlement.statements`; here a
request is checked, decided inside the transaction that appends, and answered.
"""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection

from deltacare.errors import Reason, Refusal, ViolationCollector
from deltacare.ids import LogName
from deltacare.times import parse_date
from deltacare.trust import Trust
from deltacare.v1.clearing_service_pb2 import (
    AnswerStatementRequest,
    AnswerStatementResponse,
    GetStatementRequest,
    ListStatementsRequest,
    ListStatementsResponse,
    ProposeStatementRequest,
    ProposeStatementResponse,
    StandingStatement,
    StatementState,
)
from deltacare.v1.entry_pb2 import (
    Entry,
    Netting,
    Statement,
    StatementWindow,
    StatementWord,
)
from server.approval.duties import DutyKind, require_apart
from server.edge.call import Call
from server.log.ports import AppendedRun, LogReader, LogTx, Sequencer, Write
from server.registry.fields import numbered_id_province, parse_numbered_id, read_page_size
from server.registry.paging import next_token, read_token
from server.registry.requests import without_unknown
from server.settlement import fields, rules, statement_drafts, statements
from server.settlement.drawdowns import AdvanceBook
from server.settlement.netting import parties_of
from server.settlement.requests import appended, read_write
from server.settlement.statement_answers import statement_approvals_rule
from server.settlement.statements import Reach, Standing
from server.store.database import Database
from settlement.windows import WindowKind, window_of

__all__ = ["StatementDesk"]

_COLLECTION = "statements/"
_WINDOW_DAYS_MAX = 83  # of six pairs: what one entry has room for


class StatementDesk:
    """The statements of the federation, as one province proposes and answers them.

    Args:
        province: The own one.
        trust: Members.
        database: This node's.
        sequencer: Appends to the own registry log.
        reader: How far registry logs count.
        advances: What was received of advances.
    """

    def __init__(
        self,
        *,
        province: str,
        trust: Trust,
        database: Database,
        sequencer: Sequencer,
        reader: LogReader,
        advances: AdvanceBook,
    ) -> None:
        self._province = province
        self._trust = trust
        self._database = database
        self._sequencer = sequencer
        self._reader = reader
        self._advances = advances
        self._log = LogName.registry(province)

    async def _reach(self) -> Reach:
        """Return how far registry logs count; read before a snapshot begins."""
        await self._reader.refresh()
        logs = (LogName.registry(each) for each in self._trust.provinces)
        positions = {log: self._reader.position(log) for log in logs}
        return Reach(
            own=self._province,
            positions=positions,
            opening_date=self._trust.opening_date,
            advances=self._advances,
        )

    # --- Proposing --------------------------------------------------------------------------------

    async def propose(
        self, request: ProposeStatementRequest, call: Call
    ) -> ProposeStatementResponse:
        """Propose a statement over a window."""
        bad = ViolationCollector()
        request_id = read_write(request, call, bad, duty=request.duty)
        number = bad.take(parse_numbered_id, request.statement_id, field="statement_id")
        if number is not None and numbered_id_province(number) != self._province:
            bad.note(
                "statement_id",
                number,
                "It does not begin with the own code.",
                f"Write it as {self._province}-S2026-1.",
            )
        first = bad.take(parse_date, request.from_date, field="from_date")
        last = bad.take(parse_date, request.until_date, field="until_date")
        if first is not None and last is not None:
            if last < first:
                bad.note("until_date", request.until_date, "It lies before the first date.")
            elif (last - first).days >= _WINDOW_DAYS_MAX:
                bad.note("until_date", request.until_date, f"At most {_WINDOW_DAYS_MAX} dates.")
            else:
                _read_window(request, first, last, bad)
        if request.netting not in (Netting.NETTING_BILATERAL, Netting.NETTING_MULTILATERAL):
            bad.note("netting", request.netting, "It is bilateral or multilateral.")
        bad.raise_if_any()
        assert first is not None, "a date that cannot be read was refused"
        assert last is not None, "a date that cannot be read was refused"
        reach = await self._reach()
        drafted: list[Statement] = []

        def decide(tx: LogTx) -> list[tuple[LogName, list[Entry]]]:
            statement_id = request.statement_id
            if statements.find(tx.connection, reach, statement_id=statement_id) is not None:
                raise rules.STATEMENT_EXISTS.refusal(statement_id)
            statement = statement_drafts.draft(
                tx.connection,
                reach,
                statement_id=statement_id,
                from_date=first,
                until_date=last,
                netting=request.netting,
                window=request.window,
                draw_advances=request.draw_advances,
            )
            parties = parties_of(statement)
            rule = rules.turn_rule(last, self._province, parties, tx.now)
            if rule is not None:
                raise rule.refusal(f"{statement_id}: {rules.statement_turn(last, parties)}")
            drafted[:] = [statement]
            duty = request.duty
            entry = Entry(maker=duty.maker, reviewer=duty.reviewer, statement=statement)
            return [(self._log, [entry])]

        def answer(_tx: LogTx, runs: Sequence[AppendedRun]) -> ProposeStatementResponse:
            return ProposeStatementResponse(
                appended=appended(runs[0]),
                statement=drafted[0],
                statement_hash=runs[0].leaf_hashes[0],
            )

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
        return ProposeStatementResponse.FromString(data)

    # --- Answering --------------------------------------------------------------------------------

    async def answer(self, request: AnswerStatementRequest, call: Call) -> AnswerStatementResponse:
        """Approve or refuse a statement for the own province."""
        bad = ViolationCollector()
        request_id = read_write(request, call, bad, duty=request.duty)
        for fault in fields.answer_faults(request.answer, "answer"):
            bad.add(fault)
        bad.raise_if_any()
        reach = await self._reach()

        def decide(tx: LogTx) -> list[tuple[LogName, list[Entry]]]:
            self._check_answer(tx.connection, reach, request)
            duty = request.duty
            if request.answer.word == StatementWord.STATEMENT_WORD_APPROVED:
                principals = (duty.maker, duty.reviewer)
                require_apart(tx.connection, self._province, principals, DutyKind.PAYMENT)
            said = without_unknown(request.answer)
            entry = Entry(maker=duty.maker, reviewer=duty.reviewer, statement_answer=said)
            rule = statement_approvals_rule(tx.connection, self._province, entry, entry_time=tx.now)
            if rule is not None:
                raise rule.refusal(request.answer.statement_hash.hex())
            return [(self._log, [entry])]

        data = await self._sequencer.submit(
            Write(
                caller=call.caller,
                method=call.method,
                request_id=request_id,
                content=request.SerializeToString(deterministic=True),
                decide=decide,
                answer=lambda _tx, runs: AnswerStatementResponse(appended=appended(runs[0])),
            )
        )
        return AnswerStatementResponse.FromString(data)

    def _check_answer(
        self, connection: Connection, reach: Reach, request: AnswerStatementRequest
    ) -> None:
        """Hold an answer to the rules: the first that stands against it is named.

        1. The statement is known and the own province a party. 2. It was not answered. To approve:
        3. it stands under a quorum and nobody has refused it; 4. this node computes the same; 5. no
        result of it is approved elsewhere; 6. nor is what it draws of advances.
        """
        leaf_hash = request.answer.statement_hash
        found = statements.find(connection, reach, leaf_hash=leaf_hash)
        # 1.
        if found is None:
            raise Refusal(Reason.NOT_FOUND, "No log states this statement.")
        name = found.body.statement_id
        if self._province not in found.parties:
            raise _refused(f"{self._province} is no party of {name}.", "NO_PARTY")
        # 2.
        if self._province in found.answers:
            raise rules.STATEMENT_ANSWERED.refusal(name)
        if request.answer.word == StatementWord.STATEMENT_WORD_REFUSED:
            return
        # 3.
        if found.index >= reach.permits(found.author):
            raise _refused(f"{name} is not cosigned by a quorum yet.", "NO_QUORUM")
        if found.state == StatementState.STATEMENT_STATE_VOID:
            raise _refused(f"{name} was refused by a party.", "VOID")
        # 4.
        if not found.recomputed:
            raise _refused(f"This node does not compute what {name} says.", "RECOMPUTED_DIFFERS")
        # 5.
        elsewhere = self._approved_elsewhere(connection, reach, found)
        if elsewhere:
            raise _refused(
                f"Results of {name} are approved in {', '.join(elsewhere)}.", "APPROVED_ELSEWHERE"
            )
        # 6.
        drawn = {each.statement_id for each in statement_drafts.overdrawn(connection, reach, found)}
        if drawn:
            raise _refused(
                f"Advances that {name} draws are drawn by {', '.join(sorted(drawn))}.",
                "DRAWN_ELSEWHERE",
            )

    def _approved_elsewhere(
        self, connection: Connection, reach: Reach, statement: Standing
    ) -> list[str]:
        """Return other statements that name a result of one and that the own province approved."""
        named = statements.named_by(connection, reach, statement.body.pair_result_hashes)
        return sorted(
            {
                each.statement_id
                for namings in named.values()
                for each in namings
                if each.leaf_hash != statement.leaf_hash and self._province in each.answers
            }
        )

    # --- Reading ----------------------------------------------------------------------------------

    async def get(self, request: GetStatementRequest) -> StandingStatement:
        """Return a statement with every answer."""
        bad = ViolationCollector()
        number = request.name.removeprefix(_COLLECTION)
        if not request.name.startswith(_COLLECTION):
            bad.note("name", request.name, "It is no statement.", "Write statements/ and its id.")
        else:
            bad.take(parse_numbered_id, number, field="name")
        bad.raise_if_any()
        reach = await self._reach()

        def read(connection: Connection) -> StandingStatement | None:
            found = statements.find(connection, reach, statement_id=number)
            if found is None:
                return None
            message = found.message(with_results=True)
            log = LogName.registry(found.author)
            (message.entry_bytes,) = self._reader.entries(
                connection, log, found.index, found.index + 1
            )
            return message

        message = await self._database.read(read)
        if message is None:
            raise Refusal(Reason.NOT_FOUND, f"No log states {request.name}.")
        return message

    async def list_page(self, request: ListStatementsRequest) -> ListStatementsResponse:
        """Return a page of statements, newest first."""
        bad = ViolationCollector()
        size = read_page_size(request.page_size, bad)
        question = b"statements"
        after = read_token(request.page_token, question, bad)
        bad.raise_if_any()
        reach = await self._reach()
        found = await self._database.read(lambda c: statements.page(c, reach, after, size + 1))
        token = next_token(question, found[size - 1][0]) if len(found) > size else ""
        return ListStatementsResponse(
            statements=[standing.message() for _, standing in found[:size]], next_page_token=token
        )


def _read_window(
    request: ProposeStatementRequest, first: date, last: date, bad: ViolationCollector
) -> None:
    """Check that two dates are the window that a request names."""
    if request.window not in StatementWindow.values():
        bad.note("window", request.window, "It is not known.", "Write a day, a week or a month.")
    elif request.window:
        wanted = window_of(WindowKind(request.window), first)
        if wanted != (first, last):
            bad.note(
                "window",
                StatementWindow.Name(request.window),
                "The two dates are not that window.",
                f"Write {wanted[0].isoformat()} and {wanted[1].isoformat()}.",
            )


def _refused(message: str, code: str) -> Refusal:
    return Refusal(Reason.RULE_REFUSED, message, details={"code": code})
