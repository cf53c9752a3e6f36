"""A pair of nodes with every room up to the books, whose first month has three days.

```python
async with Ledger.open(tmp_path) as ledger:
    await ledger.facts()
    await ledger.both(ledger.record("S1"))
    await ledger.all_nights(28)
    await ledger.close_month(HOME)
```
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Self

from deltacare.ids import LogName
from deltacare.tlog.tree import leaf_hash
from deltacare.trust import Trust
from deltacare.v1 import books_service_pb2 as bpb
from deltacare.v1 import clearing_service_pb2 as cpb
from deltacare.v1 import entry_pb2 as epb
from server.books.projector import BooksProjector
from server.books.service import BooksServicer
from server.log.ports import Projector
from server.payment.projector import PaymentProjector
from settlement.core.net import payment_id
from tests.server.settlement.world import (
    APPROVERS,
    DUTY,
    HOME,
    HOST,
    INSTITUTION,
    World,
    answer_body,
    entries,
)
from tests.support.federation import make_trust
from tests.support.nodes import FourNodes

__all__ = ["FIRST", "HOME", "HOST", "INSTITUTION", "LAST", "MONTH", "OWNERS", "Ledger"]

OPENING = date(2026, 11, 28)
FIRST, LAST = 28, 30
"""Days of the first month."""
MONTH = "2026-11"
OWNERS = (HOST, HOME)


class Ledger(World):
    """Two nodes and their books."""

    _last_night = FIRST - 1

    @staticmethod
    def projectors(trust: Trust) -> list[Projector]:
        """Return the projectors of a node."""
        return [
            *World.projectors(trust),
            PaymentProjector(),
            BooksProjector(trust=trust),
        ]

    @classmethod
    @asynccontextmanager
    async def open(cls, directory: Path, **options: Any) -> AsyncIterator[Self]:
        """Bring the nodes up a week after the month, and down again."""
        trust = make_trust(OWNERS, registry_quorum=1, opening_date=OPENING)
        async with FourNodes.open(
            directory,
            provinces=OWNERS,
            trust=trust,
            projectors=lambda _province: cls.projectors(trust),
            **options,
        ) as nodes:
            await nodes.confirmed()
            ledger = cls(nodes)
            ledger.set_day(date(2026, 12, 5))
            yield ledger

    def set_day(self, day: date, hour: int = 4) -> None:
        """Set everybody's clock to noon of a day in Shanghai."""
        moment = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
        assert moment >= self.nodes.clock.now(), "time does not go back"
        self.nodes.clock.advance(moment - self.nodes.clock.now())

    def attach(self, province: str) -> None:
        """Make the services of a node that has started."""
        super().attach(province)
        node = self.nodes[province]
        if not hasattr(self, "books"):
            self.books: dict[str, BooksServicer] = {}
        self.books[province] = BooksServicer(
            province=province,
            trust=self.nodes.trust,
            database=node.database,
            sequencer=node.logs.sequencer,
            reader=node.logs.reader,
        )

    # --- Books ------------------------------------------------------------------------------------

    async def lines(self, province: str, **request: Any) -> list[bpb.JournalLine]:
        """Return the journal, page by page."""
        found: list[bpb.JournalLine] = []
        token = ""
        while True:
            answer = await self.books[province].list_journal(
                bpb.ListJournalRequest(page_token=token, **request), self.call(province)
            )
            found += answer.lines
            token = answer.next_page_token
            if not token:
                return found

    async def balances(self, province: str, on_date: str = "2026-12-31") -> dict[str, int]:
        """Return the balances that are not zero, debits less credits."""
        answer = await self.books[province].get_trial_balance(
            bpb.GetTrialBalanceRequest(on_date=on_date), self.call(province)
        )
        net = {each.account: each.debit_fen - each.credit_fen for each in answer.balances}
        return {account: fen for account, fen in net.items() if fen}

    async def close_month(
        self, province: str, month: str = MONTH, *, request_id: str = ""
    ) -> bpb.CloseMonthResponse:
        """Close a month, and wait until every node knows it."""
        answer = await self.books[province].close_month(
            bpb.CloseMonthRequest(
                request_id=request_id or self.request_id(), duty=APPROVERS, month=month
            ),
            self.call(province, "CloseMonth"),
        )
        await self.settled()
        return answer

    async def months(self, province: str) -> list[bpb.StandingMonthClose]:
        """Return the closed months."""
        answer = await self.books[province].list_month_closes(
            bpb.ListMonthClosesRequest(), self.call(province)
        )
        return list(answer.month_closes)

    # --- What is booked ---------------------------------------------------------------------------

    async def month_of_nights(self) -> None:
        """Close and run every night of the first month that was not."""
        for number in range(self._last_night + 1, LAST + 1):
            await self.all_nights(number)

    async def all_nights(self, number: int) -> None:
        """Close a date everywhere and run the night."""
        await super().all_nights(number)
        self._last_night = number

    async def statement(self, number: int = 1) -> bytes:
        """Propose a statement over the first month, have it approved, and return its hash."""
        answer = await self[HOST].clearing.propose_statement(
            cpb.ProposeStatementRequest(
                request_id=self.request_id(),
                duty=DUTY,
                statement_id=f"{HOST}-S{number}",
                from_date=f"{MONTH}-{FIRST}",
                until_date=f"{MONTH}-{LAST}",
                netting=epb.NETTING_BILATERAL,
            ),
            self.call(HOST, "ProposeStatement"),
        )
        await self.settled()
        for province in OWNERS:
            await self.approve(province, answer.statement_hash)
        return answer.statement_hash

    async def approve(self, province: str, statement_hash: bytes) -> None:
        """Approve a statement for one party."""
        await self.approvers(province, APPROVERS.maker, APPROVERS.reviewer)
        await self[province].clearing.answer_statement(
            cpb.AnswerStatementRequest(
                request_id=self.request_id(),
                duty=APPROVERS,
                answer=answer_body(province, statement_hash),
            ),
            self.call(province, "AnswerStatement"),
        )
        await self.settled()

    async def say(self, province: str, **body: Any) -> bytes:
        """Append an entry with one body to a registry log, and return its leaf hash."""
        ((field, value),) = body.items()
        index = await self.registry(province, *entries(field, value))
        await self.settled()
        log = LogName.registry(province)
        node = self[province].node
        (data,) = await node.database.read(
            lambda c: node.logs.reader.entries(c, log, index, index + 1)
        )
        return leaf_hash(data)

    async def report(
        self, province: str, payment: str, fen: int, *, day: str, ref: int, **changes: Any
    ) -> None:
        """State what a province's bank shows of a payment."""
        body = epb.PaymentReport(
            payment_id=payment,
            attempt=changes.get("attempt", 1),
            outcome=changes.get("outcome", epb.PAYMENT_OUTCOME_BOOKED),
            amount_fen=fen,
            booking_date=day,
            booking_ref=ref.to_bytes(32, "big"),
            message_hash=bytes(32),
        )
        await self.say(province, payment_report=body)

    async def voids_of(self, provinces: Sequence[str] = OWNERS) -> dict[str, list[Any]]:
        """Return what is void in each registry log."""
        return {each: await self.voids(each, LogName.registry(each)) for each in provinces}

    @staticmethod
    def payment(statement_hash: bytes) -> str:
        """Return the id of home's payment of a statement."""
        return payment_id(statement_hash, HOME, HOST)
