"""A federation whose nodes have the rooms up to this one, with statements that bind at once.

```python
async with World.open(tmp_path) as world:
    basis = await world.bind("310000-S1", 300_000)
    await world.order([world.payment(basis)])
```

Jiangsu (320000) pays and Shanghai (310000) is paid wherever nothing else is said. Statements name
results that nobody stated, which is no matter here: approved by all they bind. Everything is
generated; nobody here exists.
"""

import hashlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from uuid import UUID

from deltacare.approvals import ApprovalSubject, advance_hash
from deltacare.ids import LogName, Principal
from deltacare.times import business_date
from deltacare.tlog.tree import leaf_hash
from deltacare.trust import Account, Federation
from deltacare.v1 import entry_pb2 as epb
from deltacare.v1 import payment_service_pb2 as ppb
from deltacare.v1.types_pb2 import Duty
from server.approval.projector import ApprovalProjector
from server.edge.call import Call
from server.log.ports import Projector
from server.payment.projector import PaymentProjector
from server.payment.service import PaymentServicer
from server.settlement.netting import AgreedNight, build_statement
from server.settlement.projector import SettlementProjector
from settlement.bank.pain001 import Instruction, account_at, build_pain001, message_hash
from tests.support.federation import PROVINCES, make_trust
from tests.support.nodes import FourNodes
from tests.support.signing import APPROVERS, approvals, key_entries, person

__all__ = ["PAYEE", "PAYER", "THIRD", "World", "account", "make_federation"]

PAYER, PAYEE, THIRD = "320000", "310000", "330000"


def account(province: str, number: int = 1, *, day: date = date(2026, 1, 1)) -> Account:
    """Return a generated account of a province."""
    return Account(
        holder=f"示例{province}民政专户",
        number=f"{province}{number:010d}",
        bank_code=f"{province}{number:06d}",
        from_time=datetime(day.year, day.month, day.day, tzinfo=UTC),
    )


def make_federation(provinces: Sequence[str], *, without: Iterable[str] = ()) -> Federation:
    """Return members with an account each, but for some."""
    trust = make_trust(provinces, registry_quorum=min(2, len(provinces) - 1))
    members = tuple(
        replace(each, accounts=() if each.province in without else (account(each.province),))
        for each in trust.members
    )
    return replace(trust, members=members)


class World:
    """Nodes, their payment services, and a counter of request ids."""

    def __init__(self, nodes: FourNodes) -> None:
        self.nodes = nodes
        self._requests = 0
        self.services = {
            province: PaymentServicer(
                province=province,
                trust=nodes.trust,
                database=nodes[province].database,
                sequencer=nodes[province].logs.sequencer,
                reader=nodes[province].logs.reader,
            )
            for province in nodes.nodes
        }

    @classmethod
    @asynccontextmanager
    async def open(cls, directory: Path, *, without: Iterable[str] = ()) -> AsyncIterator[Self]:
        """Bring three nodes up, with the keys of who signs, and down again."""
        provinces = PROVINCES[:3]
        trust = make_federation(provinces, without=without)

        def projectors(_province: str) -> list[Projector]:
            return [ApprovalProjector(), SettlementProjector(trust=trust), PaymentProjector()]

        async with FourNodes.open(
            directory, provinces=provinces, projectors=projectors, trust=trust
        ) as nodes:
            await nodes.confirmed()
            world = cls(nodes)
            signers = [person(APPROVERS.maker), person(APPROVERS.reviewer)]
            for province in provinces:
                # Nodes that were there before know them.
                if not nodes[province].logs.reader.position(LogName.registry(province)).size:
                    await world.append(province, *key_entries(*signers))
            yield world

    @property
    def today(self) -> date:
        """The business date."""
        return business_date(self.nodes.clock.now())

    def request_id(self) -> str:
        """Return a new request id."""
        self._requests += 1
        return str(UUID(int=(6 << 100) + self._requests))

    def call(self, province: str, *, role: str = "payer") -> Call:
        """Return a caller of a node."""
        return Call(
            caller=Principal(province=province, role=role, opaque_id=APPROVERS.reviewer),
            method="/deltacare.v1.PaymentService/Test",
            now=self.nodes.clock.now(),
            purpose=None,
            disclosures=None,
        )

    # --- Logs -------------------------------------------------------------------------------------

    async def append(self, province: str, *entries: epb.Entry) -> int:
        """Append to a registry log as if its rooms had."""
        return await self.nodes[province].append(LogName.registry(province), entries)

    async def settled(self) -> None:
        """Wait until every node holds every registry log under its quorum."""
        for province in self.nodes.nodes:
            log = LogName.registry(province)
            size = self.nodes[province].logs.reader.position(log).size
            for other in self.nodes.nodes.values():
                await other.has_quorum(log, size)

    async def leaf(self, province: str, index: int) -> bytes:
        """Return the leaf hash of an entry."""
        log = LogName.registry(province)
        node = self.nodes[province]
        data = await node.database.read(
            lambda c: node.logs.reader.entries(c, log, index, index + 1)
        )
        return leaf_hash(data[0])

    async def voids(self, province: str) -> list[str]:
        """Return the rules by which entries are void at a node, in the order of the logs."""
        from sqlalchemy import text

        def read(connection: Any) -> list[str]:
            query = text("SELECT rule FROM void_entries ORDER BY log_id, entry_index")
            return list(connection.execute(query).scalars())

        return await self.nodes[province].database.read(read)

    # --- What is due ------------------------------------------------------------------------------

    async def state_statement(
        self, statement_id: str, fen: int, *, third_fen: int = 0, **changes: Any
    ) -> bytes:
        """State a statement by which the payer pays the payee, and return its leaf hash.

        Perhaps it pays the third province too, which then has to approve it.
        """
        seed = hashlib.sha256(statement_id.encode())
        night = AgreedNight(
            lower_hash=seed.digest(),
            higher_hash=hashlib.sha256(seed.digest()).digest(),
            result=epb.PairResult(
                lower=PAYEE, higher=PAYER, business_date="2026-11-20", higher_pays_fen=fen
            ),
        )
        nights = [night]
        if third_fen:
            more = hashlib.sha256(night.higher_hash)
            nights.append(
                AgreedNight(
                    lower_hash=more.digest(),
                    higher_hash=hashlib.sha256(more.digest()).digest(),
                    result=epb.PairResult(
                        lower=PAYER,
                        higher=THIRD,
                        business_date="2026-11-20",
                        lower_pays_fen=third_fen,
                    ),
                )
            )
        body = build_statement(
            statement_id,
            "2026-11-20",
            "2026-11-20",
            epb.NETTING_BILATERAL,
            nights,
            **changes,
        )
        author = statement_id[:6]
        index = await self.append(author, epb.Entry(maker="cl-1", reviewer="cl-2", statement=body))
        return await self.leaf(author, index)

    async def answer(self, province: str, statement_hash: bytes) -> None:
        """Approve a statement."""
        signed = approvals(APPROVERS, ApprovalSubject.STATEMENT, statement_hash, province=province)
        body = epb.StatementAnswer(
            statement_hash=statement_hash,
            word=epb.STATEMENT_WORD_APPROVED,
            approvals=signed,
        )
        await self.append(
            province,
            epb.Entry(maker=APPROVERS.maker, reviewer=APPROVERS.reviewer, statement_answer=body),
        )

    async def bind(self, statement_id: str, fen: int, **changes: Any) -> bytes:
        """State a statement that both approve, and return its leaf hash."""
        found = await self.state_statement(statement_id, fen, **changes)
        parties = (PAYER, PAYEE, THIRD) if changes.get("third_fen") else (PAYER, PAYEE)
        for province in parties:
            await self.answer(province, found)
        await self.settled()
        return found

    # --- Calls ------------------------------------------------------------------------------------

    async def payments(
        self, province: str = PAYER, *, of: str = "", **fields: Any
    ) -> list[ppb.StandingPayment]:
        """Return payments as a node has them, a page for each."""
        found: list[ppb.StandingPayment] = []
        token = ""
        while True:
            page = await self.services[province].list_payments(
                ppb.ListPaymentsRequest(page_size=1, page_token=token, province=of, **fields),
                self.call(province),
            )
            found += page.payments
            token = page.next_page_token
            if not token:
                return found

    async def payment(self, province: str = PAYER, **fields: Any) -> ppb.StandingPayment:
        """Return the only payment."""
        (found,) = await self.payments(province, **fields)
        return found

    async def state(self, province: str = PAYER) -> str:
        """Return where the only payment stands, whose move it is, and which."""
        found = await self.payment(province)
        name = ppb.PaymentState.Name(found.state).removeprefix("PAYMENT_STATE_")
        return f"{name} {found.owner} {found.next_action}"

    def orders(
        self,
        payments: Sequence[ppb.StandingPayment],
        *,
        day: date | None = None,
        accounts: Mapping[str, Account | None] | None = None,
        duty: Duty = APPROVERS,
        **changes: Any,
    ) -> list[epb.PaymentOrder]:
        """Return the orders of what is due of payments, signed."""
        execution = day or self.today
        payer = payments[0].payer
        message = build_pain001(
            payer,
            [
                Instruction(
                    payment_id=each.payment_id,
                    attempt=each.next_attempt or each.attempt,
                    payee=each.payee,
                    amount_fen=each.next_fen or each.amount_fen,
                    basis_id=each.basis_id,
                    basis_hash=each.basis_hash,
                    basis_time=each.basis_time.ToDatetime(tzinfo=UTC),
                )
                for each in payments
            ],
            execution_date=execution,
            accounts=accounts
            or {
                each: self.nodes.trust.member(each).account(account_at(execution))
                for each in self.nodes.nodes
            },
        )
        digest = message_hash(message)
        found = [
            epb.PaymentOrder(
                payment_id=each.payment_id,
                attempt=each.next_attempt or each.attempt,
                basis_hash=each.basis_hash,
                payee=each.payee,
                amount_fen=each.next_fen or each.amount_fen,
                execution_date=execution.isoformat(),
                message_hash=digest,
                approvals=approvals(duty, ApprovalSubject.PAYMENT, digest, province=payer),
            )
            for each in payments
        ]
        for order in found:
            for name, value in changes.items():
                setattr(order, name, value)
        return found

    async def order(
        self,
        orders: Sequence[epb.PaymentOrder],
        *,
        province: str = PAYER,
        duty: Duty = APPROVERS,
        request_id: str = "",
    ) -> ppb.OrderPaymentsResponse:
        """Order payments."""
        return await self.services[province].order_payments(
            ppb.OrderPaymentsRequest(
                request_id=request_id or self.request_id(), duty=duty, orders=orders
            ),
            self.call(province),
        )

    async def report(
        self,
        province: str,
        *bookings: tuple[str, int, str],
        attempt: int = 1,
        duty: Duty = APPROVERS,
        day: date | None = None,
    ) -> ppb.ReportPaymentsResponse:
        """Report bookings of the only payment: ``B`` or ``R``, fen, and the bank's reference."""
        (payment,) = await self.payments(province)
        outcomes = {"B": epb.PAYMENT_OUTCOME_BOOKED, "R": epb.PAYMENT_OUTCOME_RETURNED}
        reports = [
            epb.PaymentReport(
                payment_id=payment.payment_id,
                attempt=attempt,
                outcome=outcomes[kind],
                amount_fen=fen,
                booking_date=(day or self.today).isoformat(),
                booking_ref=hashlib.sha256(f"{province} {ref}".encode()).digest(),
                message_hash=bytes(32),
            )
            for kind, fen, ref in bookings
        ]
        found = await self.services[province].report_payments(
            ppb.ReportPaymentsRequest(request_id=self.request_id(), duty=duty, reports=reports),
            self.call(province),
        )
        await self.settled()
        return found

    async def terms(self, limit_fen: int, **changes: Any) -> None:
        """State how much the payer holds ready with the payee."""
        fields = {"payee": PAYEE, "from_date": "2026-01-01", **changes}
        await self.services[PAYER].set_advance_terms(
            ppb.SetAdvanceTermsRequest(
                request_id=self.request_id(),
                duty=APPROVERS,
                terms=epb.AdvanceTerms(limit_fen=limit_fen, **fields),
            ),
            self.call(PAYER),
        )

    async def grant(self, advance_id: str, fen: int, **changes: Any) -> bytes:
        """Grant an advance, and return its leaf hash."""
        body = epb.Advance(advance_id=advance_id, payee=PAYEE, amount_fen=fen)
        signed = approvals(APPROVERS, ApprovalSubject.ADVANCE, advance_hash(body), province=PAYER)
        body.approvals.extend(signed)
        for name, value in changes.items():
            setattr(body, name, value)
        found = await self.services[PAYER].grant_advance(
            ppb.GrantAdvanceRequest(request_id=self.request_id(), duty=APPROVERS, advance=body),
            self.call(PAYER),
        )
        await self.settled()
        return found.advance_hash

    def tomorrow(self) -> None:
        """Let a day pass."""
        self.nodes.clock.advance(timedelta(days=1))
