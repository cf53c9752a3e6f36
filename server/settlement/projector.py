"""Turns what settlement logs say into rows, and hands what registry logs say to its neighbour.

Runs in the transaction that stores the entries, for own ones, mirrored ones and on a rebuild. It
depends on nothing but the entries of one log, what stood before them there, and the opening date;
only a revision also looks at whether a night has closed what it replaces, which comes out the same
whether the night or the revision is seen first (`server.settlement.nights` voids the late ones).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC
from itertools import groupby
from types import MappingProxyType

from sqlalchemy import delete, select, update

from deltacare.errors import FieldViolation
from deltacare.ids import LogKind, LogName
from deltacare.trust import Trust
from server.approval.duties import DutyKind, note_duties
from server.log.ports import LogTx, Sequenced
from server.registry.rulebook import Rule
from server.settlement import fields, rules, store, tables
from server.settlement.cache import forget_nights
from server.settlement.enrolled import HomeDivisions
from server.settlement.overlap_projection import (
    forget_overlaps,
    project_claims,
    project_clawbacks,
)
from server.settlement.registry_projection import REGISTRY_HANDLERS, forget_registry

__all__ = ["SettlementProjector"]

Run = Sequence[Sequenced]


def _body(item: Sequenced) -> str:
    return item.entry.WhichOneof("body") or ""


def _is_sound(faults: Iterable[FieldViolation]) -> bool:
    return next(iter(faults), None) is None


class _SettlementLog:
    """One projection of consecutive entries of one settlement log."""

    def __init__(self, tx: LogTx, log: LogName, trust: Trust) -> None:
        self._tx = tx
        self._log = log
        self._author = log.author
        self._partner = log.partner
        self._connection = tx.connection
        self._filed_date = store.open_date(
            tx.connection, log.author, log.partner, trust.opening_date
        )

    def take(self, body: str, run: Run) -> None:
        """Project consecutive entries with one kind of body."""
        _HANDLERS[body](self, run)

    def _void(self, item: Sequenced, rule: Rule) -> None:
        self._tx.void(self._log, item.index, rule.code)

    def _is_of_pair(self, home: str, host: str) -> bool:
        return (home == self._author and host == self._partner) or (
            home == self._partner and host == self._author
        )

    def _reviewed(self, run: Run) -> None:
        """Keep who made and who reviewed what is filed."""
        place = (self._connection, self._author, self._partner)
        note_duties(*place, {item.entry.maker for item in run}, DutyKind.MAKING)
        note_duties(*place, {item.entry.reviewer for item in run}, DutyKind.REVIEW)

    def records(self, run: Run) -> None:
        self._reviewed(run)
        author, partner, filed_date = self._author, self._partner, self._filed_date
        sound, numbered = fields.record_is_sound, fields.computation_is_sound
        homes = HomeDivisions.load(
            self._connection,
            author,
            partner,
            {
                item.entry.settlement_record.beneficiary_ref
                for item in run
                if item.entry.settlement_record.home == author
            },
            end_index=run[0].index,
        )
        rows: list[tuple[object, ...]] = []
        for item in run:
            record = item.entry.settlement_record
            home, host = record.home, record.host
            if not self._is_of_pair(home, host):
                self._void(item, rules.WRONG_PAIR)
                continue
            settlement_no = record.settlement_no
            content = (
                record.beneficiary_ref,
                record.institution,
                record.subsidy_kind,
                record.service_month,
                record.service_days,
                record.amount_fen,
                record.caregiver_cert_no,
            )
            if not sound(host, settlement_no, *content) or not numbered(record):
                self._void(item, rules.UNREADABLE)
                continue
            replaces = None
            if record.HasField("replaces_index"):
                store.insert_rows(self._connection, tables.record, rows)
                rows.clear()
                replaces = record.replaces_index
                if not self._replace(item, replaces):
                    continue
            rows.append(
                (
                    author,
                    partner,
                    item.index,
                    filed_date,
                    settlement_no,
                    home,
                    host,
                    *content,
                    record.policy_index if record.HasField("policy_index") else None,
                    record.computation_version,
                    homes.of(record) if home == author else None,
                    replaces,
                    None,
                    None,
                    None,
                )
            )
        store.insert_rows(self._connection, tables.record, rows)

    def _replace(self, item: Sequenced, replaces: int) -> bool:
        """Mark the record that a revision replaces; ``False`` if the revision is void."""
        record = item.entry.settlement_record
        rule: Rule | None = rules.REPLACES_UNKNOWN
        # What does not stand before it is no record; nor does every such number fit into SQL.
        if replaces < item.index:
            targets = store.replaced_records(
                self._connection, self._author, self._partner, [replaces]
            )
            rule = rules.replacement_rule(record.settlement_no, record.home, targets.get(replaces))
        if rule is not None:
            self._void(item, rule)
            return False
        place = tables.record.c
        self._connection.execute(
            update(tables.record)
            .where(
                place.author == self._author,
                place.partner == self._partner,
                place.idx == replaces,
            )
            .values(replaced_idx=item.index)
        )
        return True

    def reversals(self, run: Run) -> None:
        self._reviewed(run)
        filed = store.numbers_filed(
            self._connection,
            self._author,
            self._partner,
            (item.entry.reversal.settlement_no for item in run),
        )
        rows: list[tuple[object, ...]] = []
        for item in run:
            body = item.entry.reversal
            if not self._is_of_pair(body.home, body.host):
                self._void(item, rules.WRONG_PAIR)
            elif not _is_sound(fields.end_faults(body, "")):
                self._void(item, rules.UNREADABLE)
            elif (body.settlement_no, body.home) not in filed:
                self._void(item, rules.REVERSES_UNKNOWN)
            else:
                rows.append(
                    (
                        *self._place(item),
                        self._filed_date,
                        body.settlement_no,
                        body.home,
                        body.host,
                        body.reason,
                        None,
                    )
                )
        store.insert_rows(self._connection, tables.reversal, rows)

    def _place(self, item: Sequenced) -> tuple[str, str, int]:
        return self._author, self._partner, item.index

    def _home_rule(self, home: str, host: str) -> Rule | None:
        """Return the rule against what only the author, as home, may say of the pair."""
        if not self._is_of_pair(home, host):
            return rules.WRONG_PAIR
        return None if home == self._author else rules.NOT_HOME

    def refusals(self, run: Run) -> None:
        self._reviewed(run)
        standing = store.numbers_standing(
            self._connection,
            self._author,
            self._partner,
            (item.entry.record_refusal.settlement_no for item in run),
        )
        rows: list[tuple[object, ...]] = []
        for item in run:
            body = item.entry.record_refusal
            rule = self._home_rule(body.home, body.host)
            if rule is None and not _is_sound(fields.end_faults(body, "")):
                rule = rules.UNREADABLE
            elif rule is None and body.settlement_no in standing:
                rule = rules.REFUSES_OWN
            if rule is not None:
                self._void(item, rule)
                continue
            rows.append((*self._place(item), self._filed_date, body.settlement_no, body.reason))
        store.insert_rows(self._connection, tables.refusal, rows)

    def holds(self, run: Run) -> None:
        rows: list[tuple[object, ...]] = []
        for item in run:
            body = item.entry.hold
            rule = self._home_rule(body.home, body.host)
            if rule is None and not _is_sound(fields.hold_faults(body, "")):
                rule = rules.UNREADABLE
            if rule is not None:
                self._void(item, rule)
                continue
            said = (body.settlement_no, body.hold_class, body.reason)
            rows.append((*self._place(item), self._filed_date, *said, None, None))
        store.insert_rows(self._connection, tables.hold, rows)

    def hold_ends(self, run: Run) -> None:
        for item in run:
            body = item.entry.hold_end
            if not _is_sound(fields.hold_end_faults(body, "")):
                self._void(item, rules.UNREADABLE)
                continue
            if body.hold_index >= item.index:
                self._void(item, rules.HOLD_UNKNOWN)
                continue
            hold = tables.hold.c
            place = (
                hold.author == self._author,
                hold.partner == self._partner,
                hold.idx == body.hold_index,
            )
            found = self._connection.execute(select(hold.end_idx).where(*place)).first()
            if found is None:
                self._void(item, rules.HOLD_UNKNOWN)
            elif found.end_idx is not None:
                self._void(item, rules.HOLD_ENDED)
            else:
                self._connection.execute(
                    update(tables.hold)
                    .where(*place)
                    .values(end_idx=item.index, end_filed_date=self._filed_date)
                )

    def enrolments(self, run: Run) -> None:
        taken = set(
            store.enrolment_ids(
                self._connection,
                self._author,
                self._partner,
                (item.entry.enrolment.enrolment_id for item in run),
            )
        )
        rows: list[tuple[object, ...]] = []
        for item in run:
            body = item.entry.enrolment
            if not _is_sound(fields.enrolment_faults(body, self._author, "")):
                self._void(item, rules.UNREADABLE)
            elif body.enrolment_id in taken:
                self._void(item, rules.ENROLMENT_EXISTS)
            else:
                taken.add(body.enrolment_id)
                rows.append(
                    (
                        *self._place(item),
                        self._filed_date,
                        body.enrolment_id,
                        body.beneficiary_ref,
                        body.home_division,
                        " ".join(body.subsidy_kinds),
                        body.assessment_scheme,
                        body.assessment_grade,
                        body.from_date,
                        body.until_date,
                        body.assessment_until_date,
                    )
                )
        store.insert_rows(self._connection, tables.enrolment, rows)

    def enrolment_ends(self, run: Run) -> None:
        known = store.enrolment_ids(
            self._connection,
            self._author,
            self._partner,
            (item.entry.enrolment_end.enrolment_id for item in run),
        )
        rows: list[tuple[object, ...]] = []
        for item in run:
            body = item.entry.enrolment_end
            if not _is_sound(fields.enrolment_end_faults(body, "")):
                self._void(item, rules.UNREADABLE)
            elif body.enrolment_id not in known:
                self._void(item, rules.ENROLMENT_UNKNOWN)
            else:
                rows.append((*self._place(item), body.enrolment_id, body.effective_date))
        store.insert_rows(self._connection, tables.enrolment_end, rows)

    def overlap_claims(self, run: Run) -> None:
        project_claims(self._tx, self._log, run)

    def clawbacks(self, run: Run) -> None:
        self._reviewed(run)
        project_clawbacks(self._tx, self._log, run, self._filed_date)

    def day_closes(self, run: Run) -> None:
        for item in run:
            body = item.entry.day_close
            rule = rules.close_rule(
                body.business_date,
                self._filed_date,
                item.entry.entry_time.ToDatetime(tzinfo=UTC),
            )
            if rule is None and body.rules_version > fields.VERSION_MAX:
                rule = rules.UNREADABLE
            if rule is not None:
                self._void(item, rule)
                continue
            row = (*self._place(item), body.business_date, body.rules_version)
            store.insert_rows(self._connection, tables.day_close, [row])
            self._filed_date = rules.day_after(body.business_date)


_HANDLERS: Mapping[str, Callable[[_SettlementLog, Run], None]] = MappingProxyType(
    {
        "settlement_record": _SettlementLog.records,
        "reversal": _SettlementLog.reversals,
        "record_refusal": _SettlementLog.refusals,
        "hold": _SettlementLog.holds,
        "hold_end": _SettlementLog.hold_ends,
        "enrolment": _SettlementLog.enrolments,
        "enrolment_end": _SettlementLog.enrolment_ends,
        "overlap_claims": _SettlementLog.overlap_claims,
        "clawback": _SettlementLog.clawbacks,
        "day_close": _SettlementLog.day_closes,
    }
)

_LOG_TABLES = (
    tables.record,
    tables.reversal,
    tables.refusal,
    tables.hold,
    tables.enrolment,
    tables.enrolment_end,
    tables.day_close,
)


class SettlementProjector:
    """Projects the entries of this room; see `server.log.ports.Projector`.

    Args:
        trust: Members and the first business date.
    """

    bodies = frozenset(_HANDLERS) | frozenset(REGISTRY_HANDLERS)

    def __init__(self, *, trust: Trust) -> None:
        self._trust = trust

    def project(self, tx: LogTx, log: LogName, entries: Sequence[Sequenced]) -> None:
        """Store what consecutive entries of one log say."""
        is_settlement = log.kind is LogKind.SETTLEMENT
        handlers = _HANDLERS if is_settlement else REGISTRY_HANDLERS
        projection = _SettlementLog(tx, log, self._trust) if is_settlement else None
        for body, group in groupby(entries, key=_body):
            if body not in self.bodies:
                continue
            run = list(group)
            if body not in handlers:
                for item in run:
                    tx.void(log, item.index, rules.WRONG_LOG.code)
            elif projection is not None:
                projection.take(body, run)
            else:
                REGISTRY_HANDLERS[body](tx, log, run, self._trust)

    def forget(self, tx: LogTx, log: LogName) -> None:
        """Delete every row that came from a log, and what nights made of it."""
        if log.kind is LogKind.REGISTRY:
            forget_registry(tx.connection, log.author)
            return
        forget_nights(tx.connection, log.author, log.partner)
        forget_overlaps(tx.connection, log.author, log.partner)
        for table in _LOG_TABLES:
            tx.connection.execute(
                delete(table).where(table.c.author == log.author, table.c.partner == log.partner)
            )
