"""Judges, as home, the records of a host that wait for an answer: does each fit what home grants.

As this node knows enrolments, policies and budgets now; a night judges again, by its pins. Nothing
is kept, and nothing is refused here: whoever answers decides. Within a page budgets are drawn on in
the order of the host's log, so that of two records for the last of the money only one fits.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from deltacare.entitlement import COMPUTATION_VERSION
from deltacare.errors import ViolationCollector
from deltacare.times import ServiceMonth
from deltacare.trust import Trust
from deltacare.v1.settlement_service_pb2 import (
    InboxVerdict,
    JudgedRecord,
    JudgeInboxRequest,
    JudgeInboxResponse,
)
from server.edge.call import Call
from server.registry.fields import read_page_size
from server.registry.paging import next_token, read_token
from server.registry.store import chunks
from server.settlement import tables
from server.settlement.budgets import BudgetBook
from server.settlement.entitlements import NOT_ENROLLED, Asked, Entitlement, entitle
from server.settlement.records import filed_record, is_unanswered
from server.settlement.requests import check_partner
from server.store.database import Database

__all__ = ["Inbox", "verdict_of"]

Claim = tuple[str, str, str, str, int, int]
"""Elder, institution, kind, month, days and amount: what the night finds twins by."""


class Inbox:
    """What hosts filed and one province, as home, has not answered.

    Args:
        province: The own one.
        trust: Members.
        database: This node's.
        budgets: Knows what was granted under budgets.
    """

    def __init__(
        self, *, province: str, trust: Trust, database: Database, budgets: BudgetBook
    ) -> None:
        self._province = province
        self._trust = trust
        self._database = database
        self._budgets = budgets

    async def judge(self, request: JudgeInboxRequest, _call: Call) -> JudgeInboxResponse:
        """Return a page of what waits, each with what home thinks of it."""
        bad = ViolationCollector()
        check_partner(request.partner, self._province, self._trust, bad)
        size = read_page_size(request.page_size, bad)
        question = f"inbox\x1f{request.partner}".encode()
        after = read_token(request.page_token, question, bad)
        if after and not after.isdecimal():
            bad.note("page_token", "", "It is not a token of this question.")
        bad.raise_if_any()
        judged, is_more = await self._database.read(
            lambda c: self._page(c, request.partner, int(after) if after else -1, size)
        )
        token = next_token(question, str(judged[-1].filed.entry.index)) if is_more else ""
        return JudgeInboxResponse(records=judged, next_page_token=token)

    def _page(
        self, connection: Connection, partner: str, after: int, size: int
    ) -> tuple[list[JudgedRecord], bool]:
        """Return the records behind a place, judged, and whether there are more."""
        records = tables.record.c
        query = (
            select(tables.record)
            .where(
                *is_unanswered(self._province, partner),
                records.void_rule.is_(None),
                records.partner == self._province,
                records.idx > after,
            )
            .order_by(records.idx)
            .limit(size + 1)
        )
        rows = connection.execute(query).all()
        return self._judged(connection, rows[:size]), len(rows) > size

    def _judged(self, connection: Connection, rows: Sequence[Row[Any]]) -> list[JudgedRecord]:
        granted = entitle(
            connection,
            [
                Asked(
                    home=row.home,
                    host=row.host,
                    ref=row.beneficiary_ref,
                    kind=row.subsidy_kind,
                    month=ServiceMonth.parse(row.service_month),
                    service_days=row.service_days,
                )
                for row in rows
            ],
        )
        known = _Known.load(connection, self._province, rows)
        left = _Left(connection, self._budgets)
        return [
            _message(row, each, verdict_of(row, each, known=known, left=left))
            for row, each in zip(rows, granted, strict=True)
        ]


def verdict_of(
    row: Row[Any], granted: Entitlement, *, known: "_Known", left: "_Left"
) -> "InboxVerdict.ValueType":
    """Return what home thinks of a record: the first verdict that applies.

    Args:
        row: The record.
        granted: What the policy comes to.
        known: What home has filed and cleared already.
        left: What budgets still cover; a record that fits is drawn from it.
    """
    if granted.reason == NOT_ENROLLED:
        return InboxVerdict.INBOX_VERDICT_NOT_ENROLLED
    if granted.reason:
        return InboxVerdict.INBOX_VERDICT_NO_POLICY
    if not granted.fits(row.amount_fen):
        return InboxVerdict.INBOX_VERDICT_AMOUNT
    if known.has(row):
        return InboxVerdict.INBOX_VERDICT_DUPLICATE
    if not left.draw(row, granted):
        return InboxVerdict.INBOX_VERDICT_OVER_BUDGET
    return InboxVerdict.INBOX_VERDICT_FITS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What home has filed under other numbers, and what is cleared.

    Attributes:
        numbers: Hosts and numbers that are cleared.
        claims: By what records of one service have in common, the numbers filed or cleared.
        waiting: The same of the records that are judged: of two alike, both are suspect.
    """

    numbers: Collection[tuple[str, str]]
    claims: Mapping[Claim, Collection[str]]
    waiting: Mapping[Claim, Collection[str]]

    @classmethod
    def load(cls, connection: Connection, own: str, rows: Sequence[Row[Any]]) -> "_Known":
        """Read what stands against some records."""
        numbers: set[tuple[str, str]] = set()
        claims: dict[Claim, set[str]] = {}
        filed, cleared = tables.record.c, tables.cleared.c
        for some in chunks(sorted({row.settlement_no for row in rows})):
            by_number = select(cleared.host, cleared.settlement_no).where(
                cleared.home == own, cleared.settlement_no.in_(some)
            )
            numbers.update((host, number) for host, number in connection.execute(by_number))
        live = (
            filed.author == own,
            filed.home == own,
            filed.replaced_idx.is_(None),
            filed.void_rule.is_(None),
        )
        standing = (cleared.home == own, cleared.reversed_date.is_(None))
        for some in chunks(sorted({row.beneficiary_ref for row in rows})):
            for columns, conditions in ((filed, live), (cleared, standing)):
                query = select(
                    columns.settlement_no,
                    columns.beneficiary_ref,
                    columns.institution,
                    columns.subsidy_kind,
                    columns.service_month,
                    columns.service_days,
                    columns.amount_fen,
                ).where(*conditions, columns.beneficiary_ref.in_(some))
                for number, *claim in connection.execute(query):
                    claims.setdefault(tuple(claim), set()).add(number)
        waiting: dict[Claim, set[str]] = {}
        for row in rows:
            waiting.setdefault(_claim(row), set()).add(row.settlement_no)
        return cls(numbers=numbers, claims=claims, waiting=waiting)

    def has(self, row: Row[Any]) -> bool:
        """Whether a record's number is cleared, or its service was filed under another number."""
        if (row.host, row.settlement_no) in self.numbers:
            return True
        others = {*self.claims.get(_claim(row), ()), *self.waiting[_claim(row)]}
        return bool(others - {row.settlement_no})


def _claim(row: Row[Any]) -> Claim:
    return (
        row.beneficiary_ref,
        row.institution,
        row.subsidy_kind,
        row.service_month,
        row.service_days,
        row.amount_fen,
    )


class _Left:
    """What budgets still cover; drawn on as records fit. For one page, then thrown away."""

    def __init__(self, connection: Connection, budgets: BudgetBook) -> None:
        self._room = budgets.room(connection)

    def draw(self, row: Row[Any], granted: Entitlement) -> bool:
        """Draw a record's amount, if the budget that counts for it covers it or none is needed."""
        group = (granted.home_division or "", row.subsidy_kind, row.service_month)
        return self._room.draw(group, row.amount_fen)


def _message(
    row: Row[Any], granted: Entitlement, verdict: "InboxVerdict.ValueType"
) -> JudgedRecord:
    return JudgedRecord(
        filed=filed_record(row),
        verdict=verdict,
        entitled_fen=granted.amount_fen,
        policy_index=None if granted.version is None else granted.version.index,
        computation_version=0 if granted.version is None else COMPUTATION_VERSION,
    )
