"""What reports are made of, asked of services that ran real nights."""

import asyncio
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from clients.reports.gathering import agreed_nights, count_classes, month_facts, statement_money
from clients.reports.month import MonthFacts, month_document
from clients.reports.statement import statement_document
from clients.reports.xlsx import workbook
from deltacare.ids import LogName
from deltacare.times import ServiceMonth
from deltacare.v1 import clearing_service_pb2 as cpb
from deltacare.v1.payment_service_pb2 import PaymentState
from server.dispute.service import DisputeServicer
from server.payment.service import PaymentServicer
from server.registry.service import RegistryServicer
from tests.server.books.support import HOME, HOST, INSTITUTION, MONTH, Ledger

_WORD = re.compile(r"(?<!^)(?=[A-Z])")


class Stub:
    """A service as a blocking client has it, from a thread of its own."""

    def __init__(self, ledger: Ledger, service: object, loop: asyncio.AbstractEventLoop) -> None:
        self._ledger = ledger
        self._service = service
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        """Return the method of a call."""
        method = getattr(self._service, _WORD.sub("_", name).lower())

        def call(request: Any) -> Any:
            waiting = method(request, self._ledger.call(HOME, name))
            return asyncio.run_coroutine_threadsafe(waiting, self._loop).result()

        return call


class Client:
    """Home's node as reports ask it."""

    def __init__(self, ledger: Ledger) -> None:
        node = ledger[HOME].node
        common: dict[str, Any] = {
            "trust": ledger.nodes.trust,
            "database": node.database,
            "sequencer": node.logs.sequencer,
            "reader": node.logs.reader,
        }
        services = {
            "clearing": ledger[HOME].clearing,
            "books": ledger.books[HOME],
            "registry": RegistryServicer(own=HOME, **common),
            "payment": PaymentServicer(province=HOME, **common),
            "dispute": DisputeServicer(province=HOME, **common),
        }
        loop = asyncio.get_running_loop()
        for name, service in services.items():
            setattr(self, name, Stub(ledger, service, loop))


@pytest.mark.slow
async def test_month(tmp_path: Path) -> None:
    """Lines by class, open ones by age, institutions by name and district, and the books."""
    async with Ledger.open(tmp_path) as ledger:
        await ledger.facts(10)
        await ledger.both(ledger.record("S1"), ledger.record("S2", 1, amount_fen=100_000))
        await ledger.file(HOME, [ledger.record("S3", 2)])
        await ledger.month_of_nights()
        await ledger.statement()
        await ledger.close_month(HOME)
        read: list[int] = []
        client: Any = Client(ledger)

        async def gathered(month: str, today: date, **more: Any) -> MonthFacts:
            return await asyncio.to_thread(
                month_facts, client, HOME, ServiceMonth.parse(month), today=today, **more
            )

        facts = await gathered(MONTH, date(2026, 12, 5), said=read.append)
        assert ["2026-11-28", "2026-11-29", "2026-11-30"] == [
            each.business_date for each in facts.nights
        ]
        ((key, matched),) = facts.matched.items()
        assert (HOME, HOST, INSTITUTION) == key
        assert ("示例养老院1", "310101", 2, 400_000) == (
            matched.name,
            matched.district,
            matched.line_count,
            matched.amount_fen,
        )
        assert [("S3", "2026-11-28")] == [
            (each.settlement_no, each.filed_date) for each in facts.open_lines
        ]
        assert {HOST: [(cpb.LINE_CLASS_MATCHED, 2)]} == {
            partner: [(each.line_class, each.line_count) for each in counts]
            for partner, counts in facts.closed.items()
        }
        assert [1] == [each.line_count for each in facts.open[HOST]]
        assert 3 == sum(read)
        # The statement was stated in December: at the end of November nothing was to be paid.
        assert [] == facts.payments
        running = await gathered("2026-12", date(2026, 12, 5))
        assert [(400_000, PaymentState.PAYMENT_STATE_DUE)] == [
            (each.amount_fen, each.state) for each in running.payments
        ]
        assert facts.close is not None
        assert MONTH == facts.close.month_close.month
        cleared = next(
            each for each in facts.balance.balances if each.account.startswith("Expenses")
        )
        assert 400_000 == cleared.debit_fen
        drawn = workbook(month_document(facts))
        # What comes later changes nothing in the report of a month that is over.
        payment = running.payments[0].payment_id
        await ledger.report(HOME, payment, 400_000, day="2026-12-05", ref=1)
        assert drawn == workbook(month_document(await gathered(MONTH, date(2026, 12, 9))))
        later = await gathered("2026-12", date(2026, 12, 5))
        assert [PaymentState.PAYMENT_STATE_DEBITED] == [each.state for each in later.payments]


async def test_statement(tmp_path: Path) -> None:
    """The statement with its classes and payments, as the node has them."""
    async with Ledger.open(tmp_path) as ledger:
        await ledger.facts(10)
        await ledger.both(ledger.record("S1"))
        await ledger.month_of_nights()
        await ledger.statement()
        client: Any = Client(ledger)

        def gather() -> Any:
            standing = client.clearing.GetStatement(
                cpb.GetStatementRequest(name=f"statements/{HOST}-S1")
            )
            stated = standing.statement
            nights = agreed_nights(client, stated.from_date, stated.until_date)
            counts = count_classes(client, HOME, nights)
            payments, advances = statement_money(client, stated.statement_id)
            return statement_document(
                standing, nights, counts=counts, payments=payments, advances=advances
            )

        document = await asyncio.to_thread(gather)
        names = [part.name for part in document.parts]
        assert ["清算单", "双边矩阵", "分类汇总", "付款与预付金", "对账依据"] == names
        basis, places = document.parts[-1].tables
        assert 3 == len(basis.rows)
        logs = [row[0] for row in places.rows]
        assert [
            f"deltacare/{HOST}/settlement/{HOME}",
            f"deltacare/{HOME}/settlement/{HOST}",
        ] == logs
        size, root = places.rows[1][1:]
        node = ledger[HOME].node
        log = LogName.settlement(HOME, HOST)
        expected = await node.database.read(
            lambda c: node.logs.reader.root(c, log, int(size)).hex()
        )
        assert expected == root
