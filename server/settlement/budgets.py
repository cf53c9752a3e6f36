"""What was granted and spent under own budgets, and the holds that keep within them.

A budget is reserved by home's own record, consumed when a night clears it, and released when the
record is reversed or revised, or the reversal of a cleared one is itself cleared. At each close,
what the year's budget does not cover is held (``OVER_BUDGET``), and so is everything of a kind
whose policy asks for a budget that nobody has stated. A date that is not judged yet clears what its
own close saw: until then, what replaced or withdrew a record later releases nothing.

Sums are made in the database; rows are read only of budgets that do not suffice.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta

from sqlalchemy import Connection, and_, case, func, or_, select
from sqlalchemy.sql import Subquery

from deltacare.ids import LogName
from deltacare.trust import Trust
from deltacare.v1.entry_pb2 import Entry, Hold, HoldClass
from server.log.ports import LogTx
from server.policy.ports import BudgetUse
from server.policy.store import BudgetCell
from server.registry.store import chunks
from server.settlement import tables
from server.settlement.cache import last_agreed_date
from server.settlement.covering import Claim, Covering, Group, uncovered
from server.settlement.reworked import require_worked
from server.settlement.stated_budgets import Room, StatedBudgets, added

__all__ = ["BudgetBook"]

_OVER_BUDGET = HoldClass.HOLD_CLASS_OVER_BUDGET
_REASON = "OVER_BUDGET"
_NO_DAY = "2999-12-31"  # where it does not matter what an earlier date may clear


def _once(entries: Iterable[Entry]) -> list[Entry]:
    """Return holds, the first of each number: a revision may have taken from two budgets."""
    return list({entry.hold.settlement_no: entry for entry in reversed(list(entries))}.values())[
        ::-1
    ]


class BudgetBook:
    """The budgets of one home province; implements `server.policy.ports.Spending` and `Stating`.

    Args:
        province: The own one.
        trust: Members and the opening date.
    """

    def __init__(self, *, province: str, trust: Trust) -> None:
        self._province = province
        self._trust = trust

    @property
    def _hosts(self) -> list[str]:
        return sorted(each for each in self._trust.provinces if each != self._province)

    # --- What is open -----------------------------------------------------------------------------

    def _judged_date(self, connection: Connection, host: str) -> str:
        """Return the first date of a pair that no agreed night has judged."""
        last = last_agreed_date(connection, host)
        if last is None:
            return self._trust.opening_date.isoformat()
        return (date.fromisoformat(last) + timedelta(days=1)).isoformat()

    def _open_rows(self, connection: Connection, host: str, day: str) -> Subquery:
        """Return the question for own open records with a host, one row a number and group.

        A record that was replaced or withdrawn still counts while a date that saw it whole is to be
        judged; and so does one that was held too late for such a date.

        Args:
            connection: To learn which date that is.
            host: The host province.
            day: The date that is open.
        """
        record, cleared = tables.record.c, tables.cleared.c
        own, judged = self._province, self._judged_date(connection, host)
        newer = tables.record.alias()
        reversals = self._reversals(host)
        holds = self._holds(host, is_ended=False)
        ended = self._holds(host, is_ended=True)
        # 1. From which date on it is no more, and on which it can be cleared first.
        gone_dates = (newer.c.filed_date, reversals.c.filed_date)
        first_date = case((record.filed_date > judged, record.filed_date), else_=judged)
        is_live = and_(*(or_(gone.is_(None), gone > first_date) for gone in gone_dates))
        # 2. Whether a hold stands against it on every date that is to be judged.
        is_held = and_(holds.c.first_date.is_not(None), holds.c.first_date <= first_date)
        # 3. Whether it can be cleared already before the open date.
        day_before = (date.fromisoformat(day) - timedelta(days=1)).isoformat()
        was_held = and_(
            ended.c.count == 1, ended.c.first_date <= first_date, ended.c.last_date >= day_before
        )
        is_firm = and_(first_date < day, or_(ended.c.count.is_(None), ~was_held))
        cleared_before = (
            select(cleared.settlement_no)
            .where(
                cleared.home == own,
                cleared.host == host,
                cleared.settlement_no == record.settlement_no,
            )
            .exists()
        )
        division = func.coalesce(record.home_division, "").label("division")
        group = (record.settlement_no, division, record.subsidy_kind, record.service_month)
        return (
            select(
                *group,
                func.max(record.amount_fen).label("amount_fen"),
                func.min(record.filed_date).label("filed_date"),
                func.min(record.idx).label("idx"),
                func.max(case((is_held, 1), else_=0)).label("is_held"),
                func.max(case((is_firm, 1), else_=0)).label("is_firm"),
                func.max(case((holds.c.first_date.is_not(None), 1), else_=0)).label("has_hold"),
            )
            .select_from(
                tables.record.outerjoin(
                    newer,
                    and_(
                        newer.c.author == record.author,
                        newer.c.partner == record.partner,
                        newer.c.idx == record.replaced_idx,
                    ),
                )
                .outerjoin(reversals, reversals.c.settlement_no == record.settlement_no)
                .outerjoin(holds, holds.c.settlement_no == record.settlement_no)
                .outerjoin(ended, ended.c.settlement_no == record.settlement_no)
            )
            .where(
                record.author == own,
                record.partner == host,
                record.home == own,
                record.closed_date.is_(None),
                record.void_rule.is_(None),
                is_live,
                ~cleared_before,
            )
            .group_by(*group)
            .subquery()
        )

    def _holds(self, host: str, *, is_ended: bool) -> Subquery:
        """Return own holds for want of budget, by number: those that stand, or were ended."""
        hold = tables.hold.c
        return (
            select(
                hold.settlement_no,
                func.min(hold.filed_date).label("first_date"),
                func.max(hold.end_filed_date).label("last_date"),
                func.count().label("count"),
            )
            .where(
                hold.author == self._province,
                hold.partner == host,
                hold.hold_class == _OVER_BUDGET,
                hold.end_idx.is_not(None) if is_ended else hold.end_idx.is_(None),
            )
            .group_by(hold.settlement_no)
            .subquery()
        )

    def _reversals(self, host: str) -> Subquery:
        """Return the date of the first own reversal of each number."""
        reversal = tables.reversal.c
        return (
            select(reversal.settlement_no, func.min(reversal.filed_date).label("filed_date"))
            .where(
                reversal.author == self._province,
                reversal.partner == host,
                reversal.home == self._province,
            )
            .group_by(reversal.settlement_no)
            .subquery()
        )

    # --- Sums -------------------------------------------------------------------------------------

    def _open_sums(self, connection: Connection) -> tuple[Mapping[Group, int], Mapping[Group, int]]:
        """Return what is reserved and what is held of own open records, by group."""
        reserved: dict[Group, int] = {}
        held: dict[Group, int] = {}
        for host in self._hosts:
            open_rows = self._open_rows(connection, host, _NO_DAY).c
            group = (open_rows.division, open_rows.subsidy_kind, open_rows.service_month)
            query = select(*group, open_rows.is_held, func.sum(open_rows.amount_fen)).group_by(
                *group, open_rows.is_held
            )
            for division, kind, month, is_held, fen in connection.execute(query):
                sums, key = (held if is_held else reserved), (division, kind, month)
                sums[key] = sums.get(key, 0) + int(fen)
        return reserved, held

    def _consumed_sums(self, connection: Connection) -> Mapping[Group, int]:
        """Return what agreed nights have consumed, less what they cleared back, by group."""
        consumed = tables.consumed.c
        group = (consumed.home_division, consumed.subsidy_kind, consumed.service_month)
        query = select(*group, func.sum(consumed.amount_fen)).group_by(*group)
        return {
            (division, kind, month): int(fen)
            for division, kind, month, fen in connection.execute(query)
        }

    def uses(
        self, connection: Connection, cells: Sequence[BudgetCell]
    ) -> Mapping[BudgetCell, BudgetUse]:
        """Return what became of each of some budgets, as if these were all that there are.

        Raises:
            Refusal: `STALE`, while nights are worked out again after a rebuild.
        """
        require_worked(connection, self._province)
        covering = Covering(self._province, cells)
        reserved, held = (covering.sums(each) for each in self._open_sums(connection))
        consumed = covering.sums(self._consumed_sums(connection))
        return {
            cell: BudgetUse(
                reserved_fen=reserved.get(cell, 0),
                consumed_fen=consumed.get(cell, 0),
                held_fen=held.get(cell, 0),
            )
            for cell in cells
        }

    # --- At a close -------------------------------------------------------------------------------

    def entries(self, tx: LogTx, day: date) -> Mapping[LogName, Sequence[Entry]]:
        """Return the holds of what own budgets do not cover, for the date that closes."""
        stated = StatedBudgets.load(tx.connection, self._province)
        if not stated.asks_for_budgets:
            return {}
        reserved, _ = self._open_sums(tx.connection)
        spent = self._consumed_sums(tx.connection)
        granted = stated.covering.sums(added(reserved, spent))
        wanting = set()
        for group in reserved:
            room_fen = stated.room_fen(group, granted)
            # A group without a budget that needs one has no room, nor has it too little of it.
            if room_fen is not None and (room_fen < 0 or stated.covering.cell(group) is None):
                wanting.add(group)
        if not wanting:
            return {}
        consumed = stated.covering.sums(spent)
        claims: dict[BudgetCell | None, list[Claim]] = {}
        for claim in self._claims(tx.connection, day.isoformat(), wanting):
            claims.setdefault(stated.covering.cell(claim.group), []).append(claim)
        found: dict[LogName, list[Entry]] = {}
        for cell, of_cell in claims.items():
            room_fen = 0 if cell is None else stated.amounts[cell] - consumed.get(cell, 0)
            for claim in uncovered(of_cell, room_fen):
                if claim.has_hold:
                    continue
                log = LogName.settlement(self._province, claim.host)
                found.setdefault(log, []).append(self._hold(claim))
        return {log: _once(entries) for log, entries in found.items()}

    def _claims(
        self, connection: Connection, day: str, groups: Collection[Group]
    ) -> Iterable[Claim]:
        """Yield what takes from budgets and no hold stands against, of some groups."""
        kinds = sorted({kind for _, kind, _ in groups})
        for host in self._hosts:
            open_rows = self._open_rows(connection, host, day)
            query = select(open_rows).where(
                open_rows.c.is_held == 0, open_rows.c.subsidy_kind.in_(kinds)
            )
            for row in connection.execute(query):
                group = (row.division, row.subsidy_kind, row.service_month)
                if group in groups:
                    yield Claim(
                        host=host,
                        settlement_no=row.settlement_no,
                        group=group,
                        amount_fen=row.amount_fen,
                        is_firm=bool(row.is_firm),
                        has_hold=bool(row.has_hold),
                        filed_date=row.filed_date,
                        index=row.idx,
                    )

    def _hold(self, claim: Claim) -> Entry:
        return Entry(
            hold=Hold(
                settlement_no=claim.settlement_no,
                home=self._province,
                host=claim.host,
                hold_class=_OVER_BUDGET,
                reason=_REASON,
            )
        )

    # --- What is left -----------------------------------------------------------------------------

    def room(self, connection: Connection) -> Room:
        """Return what own budgets still cover, after what is reserved and consumed.

        Raises:
            Refusal: `STALE`, while nights are worked out again after a rebuild.
        """
        require_worked(connection, self._province)
        stated = StatedBudgets.load(connection, self._province)
        if not stated.asks_for_budgets:
            return Room(stated, {})
        reserved, _ = self._open_sums(connection)
        spent = self._consumed_sums(connection)
        return Room(stated, stated.covering.sums(added(reserved, spent)))

    def still_over(
        self,
        connection: Connection,
        host: str,
        numbers: Collection[str],
        *,
        together: bool = False,
    ) -> list[str]:
        """Return those of some held settlements that their budget does not cover, in their order.

        Args:
            connection: A snapshot.
            host: The host province.
            numbers: Of settlements that are held for want of budget.
            together: Whether each is asked about with those before it, or by itself.
        """
        wanted = list(dict.fromkeys(numbers))
        held: dict[str, list[tuple[Group, int]]] = {}
        open_rows = self._open_rows(connection, host, _NO_DAY)
        for some in chunks(wanted):
            # What a date still to be judged may clear is reserved already, held or not.
            query = select(open_rows).where(
                open_rows.c.settlement_no.in_(some), open_rows.c.is_held == 1
            )
            for row in connection.execute(query):
                group = (row.division, row.subsidy_kind, row.service_month)
                held.setdefault(row.settlement_no, []).append((group, row.amount_fen))
        room = self.room(connection)
        found: list[str] = []
        for number in wanted:
            claims = held.get(number, ())
            if not all(room.covers(group, fen) for group, fen in claims):
                found.append(number)
            elif together:
                for group, fen in claims:
                    room.draw(group, fen)
        return found
