"""Judges, as home, the records of a host that wait for an answer: does each fit what home grants.

As this node knows enrolments, policies and budgets now; a night judges again, by its pins. Nothing
is kept, and nothing is refused here: whoever answers decides. Records are judged in the order of
the host's log, each with what is filed, what is cleared and the records of the elder before it that
fit; within a page budgets are drawn on, so that of two for the last of the money only one fits.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from deltacare.entitlement import COMPUTATION_VERSION
from deltacare.errors import ViolationCollector
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
from server.settlement import fields, tables
from server.settlement.budgets import BudgetBook
from server.settlement.entitlements import (
    NOT_ENROLLED,
    TOO_MANY_DAYS,
    Entitlement,
    asked_of,
    entitle,
)
from server.settlement.inbox_known import Known
from server.settlement.records import filed_record, is_unanswered
from server.settlement.requests import check_partner
from server.settlement.reworked import require_worked
from server.store.database import Database

__all__ = ["Inbox", "verdict_of"]


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
        require_worked(connection, self._province)
        records = tables.record.c
        rows = connection.execute(
            self._waiting(partner).where(records.idx > after).order_by(records.idx).limit(size + 1)
        ).all()
        return self._judged(connection, partner, rows[:size]), len(rows) > size

    def _waiting(self, partner: str) -> Select[Any]:
        """Return the question for everything of a host that waits."""
        records = tables.record.c
        return select(tables.record).where(
            *is_unanswered(self._province, partner),
            records.void_rule.is_(None),
            records.partner == self._province,
        )

    def _related(
        self, connection: Connection, partner: str, rows: Sequence[Row[Any]]
    ) -> list[Row[Any]]:
        """Return what waits of the same elders or under the same numbers, in order."""
        records = tables.record.c
        found: dict[int, Row[Any]] = {}
        for column in (records.beneficiary_ref, records.settlement_no):
            for some in chunks(sorted({getattr(row, column.name) for row in rows})):
                query = self._waiting(partner).where(column.in_(some))
                found.update((row.idx, row) for row in connection.execute(query))
        return [found[index] for index in sorted(found)]

    def _judged(
        self, connection: Connection, partner: str, rows: Sequence[Row[Any]]
    ) -> list[JudgedRecord]:
        if not rows:
            return []
        related = self._related(connection, partner, rows)
        known = Known.load(connection, self._province, related)
        left = _Left(connection, self._budgets)
        # What stands on an earlier page is judged first: of the same elders, so in full.
        asked = {row.idx for row in rows}
        before = [row for row in related if row.idx < rows[0].idx]
        ordered = [*before, *rows]
        granted = entitle(connection, [asked_of(row) for row in ordered])
        judged = [
            _message(row, each, verdict_of(row, each, known=known, left=left))
            for row, each in zip(ordered, granted, strict=True)
        ]
        return [each for each in judged if each.filed.entry.index in asked]


def verdict_of(
    row: Row[Any], granted: Entitlement, *, known: Known, left: "_Left"
) -> "InboxVerdict.ValueType":
    """Return what home thinks of a record: the first verdict that applies.

    Args:
        row: The record.
        granted: What the policy comes to.
        known: What home has filed and cleared already; a record that fits is added.
        left: What budgets still cover; a record that fits is drawn from it.
    """
    # It is asked of every record: of equal copies it is the first that is judged as if alone.
    is_known = known.has(row)
    alone = _alone(row, granted)
    if alone is not None:
        return alone
    if is_known:
        return InboxVerdict.INBOX_VERDICT_DUPLICATE
    if known.sums.overlaps(row, granted):
        return InboxVerdict.INBOX_VERDICT_OVERLAP
    if known.sums.is_over_cap(row, granted):
        return InboxVerdict.INBOX_VERDICT_OVER_CAP
    if not left.draw(row, granted):
        return InboxVerdict.INBOX_VERDICT_OVER_BUDGET
    known.sums.add(row, granted)
    return InboxVerdict.INBOX_VERDICT_FITS


def _alone(row: Row[Any], granted: Entitlement) -> "InboxVerdict.ValueType | None":
    """Return what stands against a record by itself, ``None`` if nothing does."""
    if fields.is_ahead(row.service_month, row.filed_date):
        return InboxVerdict.INBOX_VERDICT_NOT_BEGUN
    if granted.reason in (NOT_ENROLLED, TOO_MANY_DAYS):
        return InboxVerdict.INBOX_VERDICT_NOT_ENROLLED
    if granted.reason:
        return InboxVerdict.INBOX_VERDICT_NO_POLICY
    if not granted.fits(row.amount_fen):
        return InboxVerdict.INBOX_VERDICT_AMOUNT
    return None


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
