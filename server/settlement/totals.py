"""Compares totals of own records with what a caller's books have: what is equal need not travel.

Only live records count: those that a revision replaced do not, nor do void ones. Nothing is kept.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from itertools import groupby

from sqlalchemy import Connection, select

from deltacare.errors import ViolationCollector
from deltacare.times import parse_date
from deltacare.trust import Trust
from deltacare.v1.settlement_service_pb2 import (
    CompareTotalsRequest,
    CompareTotalsResponse,
    RecordTotal,
    TotalDifference,
)
from server.edge.call import Call
from server.settlement import fields, store, tables
from server.settlement.requests import check_partner
from server.store.database import Database
from settlement.core.columns import COLUMNS
from settlement.totals import Key, Total, line_of, total_of

__all__ = ["DAYS_MAX", "TOTALS_MAX", "TotalsReader"]

TOTALS_MAX = 1_000
"""Totals in one request, and differences in one answer."""

DAYS_MAX = 31
"""Business dates that one question covers."""

_DIGEST_BYTES = 32
_ROWS_AT_ONCE = 10_000
_AMOUNT = COLUMNS.index("amount_fen")


class TotalsReader:
    """Totals of one province's own records.

    Args:
        province: The own one.
        trust: Members.
        database: This node's.
    """

    def __init__(self, *, province: str, trust: Trust, database: Database) -> None:
        self._province = province
        self._trust = trust
        self._database = database

    async def compare(self, request: CompareTotalsRequest, _call: Call) -> CompareTotalsResponse:
        """Return which totals differ, sorted by partner, date, home and kind."""
        bad = ViolationCollector()
        days = _days(request, bad)
        given = self._given(request, bad)
        if request.partner:
            check_partner(request.partner, self._province, self._trust, bad)
        elif not request.totals:
            bad.note("totals", "", "Nothing is compared.", "Give totals, or a partner.")
        bad.raise_if_any()
        assert days is not None, "what is wrong was raised"
        partners = {request.partner} if request.partner else {key.partner for key in given}
        held = await self._database.read(lambda c: self._held(c, partners, *days))
        differing = [key for key in sorted({*given, *held}) if given.get(key) != held.get(key)]
        return CompareTotalsResponse(
            equal_count=len({*given, *held}) - len(differing),
            differences=[
                TotalDifference(given=_message(key, given), held=_message(key, held))
                for key in differing
            ],
        )

    def _given(self, request: CompareTotalsRequest, bad: ViolationCollector) -> dict[Key, Total]:
        """Return what the caller has, by what is totalled together."""
        if len(request.totals) > TOTALS_MAX:
            bad.note(
                "totals",
                len(request.totals),
                f"There are at most {TOTALS_MAX:,}.",
                "Ask about fewer dates or partners at once.",
            )
            return {}
        found: dict[Key, Total] = {}
        for position, total in enumerate(request.totals):
            where = f"totals[{position}]"
            check_partner(total.partner, self._province, self._trust, bad, field=f"{where}.partner")
            if request.partner and total.partner != request.partner:
                bad.note(f"{where}.partner", total.partner, "It is not the partner asked about.")
            if not request.from_date <= total.business_date <= request.until_date:
                bad.note(
                    f"{where}.business_date",
                    total.business_date,
                    "It does not lie between from_date and until_date.",
                )
            if total.home not in (self._province, total.partner):
                bad.note(f"{where}.home", total.home, "Home is neither the own province nor it.")
            if len(total.digest) != _DIGEST_BYTES:
                bad.note(f"{where}.digest", "", "It has not 32 bytes.")
            key = Key(
                partner=total.partner,
                business_date=total.business_date,
                home=total.home,
                subsidy_kind=total.subsidy_kind,
            )
            if key in found:
                bad.note(where, total.subsidy_kind, "The same total stands twice.")
            found[key] = Total(
                record_count=total.record_count, sum_fen=total.sum_fen, digest=total.digest
            )
        return found

    def _held(
        self, connection: Connection, partners: Iterable[str], first: date, last: date
    ) -> dict[Key, Total]:
        """Return the node's own totals of some dates."""
        found: dict[Key, Total] = {}
        for partner in sorted(partners):
            found.update(self._held_with(connection, partner, first, last))
        return found

    def _held_with(
        self, connection: Connection, partner: str, first: date, last: date
    ) -> Mapping[Key, Total]:
        records, own = tables.record.c, self._province
        query = select(records.filed_date, *(records[name] for name in COLUMNS)).where(
            records.author == own,
            records.partner == partner,
            records.filed_date >= first.isoformat(),
            records.filed_date <= last.isoformat(),
            records.replaced_idx.is_(None),
            records.void_rule.is_(None),
        )
        # Where dates begin and end in the log is known; so no row of another date is read.
        before = store.day_close(connection, own, partner, (first - timedelta(days=1)).isoformat())
        if before is not None:
            query = query.where(records.idx > before[0])
        after = store.day_close(connection, own, partner, last.isoformat())
        if after is not None:
            query = query.where(records.idx < after[0])
        ordered = query.order_by(records.filed_date, records.home, records.subsidy_kind)
        rows = connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(ordered)
        found: dict[Key, Total] = {}
        for (day, home, kind), some in groupby(
            rows, lambda row: (row.filed_date, row.home, row.subsidy_kind)
        ):
            key = Key(partner=partner, business_date=day, home=home, subsidy_kind=kind)
            lines, sum_fen = [], 0
            for row in some:
                values = row[1:]
                lines.append(line_of(values))
                sum_fen += int(values[_AMOUNT])
            found[key] = total_of(lines, sum_fen)
        return found


def _days(request: CompareTotalsRequest, bad: ViolationCollector) -> tuple[date, date] | None:
    """Return the first and the last date asked about."""
    for name in ("from_date", "until_date"):
        text: str = getattr(request, name)
        if not fields.is_date(text):
            bad.note(name, text, "This is not a date.", "Write 2026-11-22.")
            return None
    first = parse_date(request.from_date, field="from_date")
    last = parse_date(request.until_date, field="until_date")
    if not timedelta(0) <= last - first < timedelta(days=DAYS_MAX):
        bad.note(
            "until_date", request.until_date, f"It is not within {DAYS_MAX} days of the first."
        )
    return first, last


def _message(key: Key, totals: Mapping[Key, Total]) -> RecordTotal | None:
    """Return a total as it travels; ``None`` if there is none."""
    total = totals.get(key)
    if total is None:
        return None
    return RecordTotal(
        partner=key.partner,
        business_date=key.business_date,
        home=key.home,
        subsidy_kind=key.subsidy_kind,
        record_count=total.record_count,
        sum_fen=total.sum_fen,
        digest=total.digest,
    )
