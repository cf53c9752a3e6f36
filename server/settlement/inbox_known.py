"""What the judgement of an inbox holds records against: what home filed, what is cleared and waits.

Duplicates are found by number and by what a service is; days of one exclusivity group and sums of
one kind are added up for each elder and month, as a night does (`settlement.core.eligibility`).
Of the records that wait, those that fit are added as they are judged. Nothing is kept.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, exists, select

from deltacare.times import ServiceMonth
from server.registry.store import chunks
from server.settlement import tables
from server.settlement.entitlements import Entitlement, asked_of, entitle

__all__ = ["Known", "Sums"]

Claim = tuple[str, str, str, str, int, int]
"""Elder, institution, kind, month, days and amount: what the night finds twins by."""


def _claim(row: Row[Any]) -> Claim:
    return (
        row.beneficiary_ref,
        row.institution,
        row.subsidy_kind,
        row.service_month,
        row.service_days,
        row.amount_fen,
    )


def _own_rows(
    connection: Connection, own: str, refs: Collection[str]
) -> tuple[list[Row[Any]], list[Row[Any]]]:
    """Return what home filed of some elders and did not replace, and what is cleared of them."""
    filed, cleared, reversals = tables.record.c, tables.cleared.c, tables.reversal.c
    is_reversed = exists().where(
        reversals.author == own,
        reversals.partner == filed.partner,
        reversals.home == own,
        reversals.settlement_no == filed.settlement_no,
    )
    columns = (
        "home",
        "host",
        "settlement_no",
        "beneficiary_ref",
        "institution",
        "subsidy_kind",
        "service_month",
        "service_days",
        "amount_fen",
    )
    of_filed = select(
        *(filed[name] for name in columns), filed.closed_date, is_reversed.label("is_reversed")
    ).where(
        filed.author == own,
        filed.home == own,
        filed.replaced_idx.is_(None),
        filed.void_rule.is_(None),
    )
    of_cleared = select(*(cleared[name] for name in columns)).where(
        cleared.home == own, cleared.reversed_date.is_(None)
    )
    found: tuple[list[Row[Any]], list[Row[Any]]] = ([], [])
    for some in chunks(sorted(refs)):
        found[0].extend(connection.execute(of_filed.where(filed.beneficiary_ref.in_(some))))
        found[1].extend(connection.execute(of_cleared.where(cleared.beneficiary_ref.in_(some))))
    return found


@dataclass(slots=True, kw_only=True)
class Known:
    """What stands against records that wait.

    Attributes:
        numbers: Hosts and numbers that are cleared.
        claims: By what records of one service have in common, the numbers filed or cleared.
        waiting: The same of the records that wait: of two alike, both are suspect.
        contents: What waits under each number: of two that differ, both are suspect.
        seen: Numbers of which a record was judged: of copies the first is judged as if alone.
        sums: Days and amounts of the elders.
    """

    numbers: Collection[tuple[str, str]]
    claims: Mapping[Claim, Collection[str]]
    waiting: Mapping[Claim, Collection[str]]
    contents: Mapping[str, Collection[tuple[Any, ...]]]
    sums: "Sums"
    seen: set[str] = field(default_factory=set)

    @classmethod
    def load(cls, connection: Connection, own: str, rows: Sequence[Row[Any]]) -> "Known":
        """Read what stands against some records.

        Args:
            connection: A snapshot.
            own: Home.
            rows: Everything that waits of the elders, and under the numbers, that are judged.
        """
        numbers: set[tuple[str, str]] = set()
        cleared = tables.cleared.c
        for some in chunks(sorted({row.settlement_no for row in rows})):
            by_number = select(cleared.host, cleared.settlement_no).where(
                cleared.home == own, cleared.settlement_no.in_(some)
            )
            numbers.update((host, number) for host, number in connection.execute(by_number))
        of_home, standing = _own_rows(connection, own, {row.beneficiary_ref for row in rows})
        claims: dict[Claim, set[str]] = {}
        for row in (*of_home, *standing):
            claims.setdefault(_claim(row), set()).add(row.settlement_no)
        waiting: dict[Claim, set[str]] = {}
        contents: dict[str, set[tuple[Any, ...]]] = {}
        for row in rows:
            waiting.setdefault(_claim(row), set()).add(row.settlement_no)
            contents.setdefault(row.settlement_no, set()).add(_content(row))
        is_open = [row for row in of_home if row.closed_date is None and not row.is_reversed]
        return cls(
            numbers=numbers,
            claims=claims,
            waiting=waiting,
            contents=contents,
            sums=Sums.load(connection, (*is_open, *standing)),
        )

    def has(self, row: Row[Any]) -> bool:
        """Whether something else stands under a record's number, or it looks like another.

        Of equal copies under one number, that is so of all but the first that is asked about.
        """
        number = row.settlement_no
        is_copy = number in self.seen
        self.seen.add(number)
        if is_copy or (row.host, number) in self.numbers or len(self.contents[number]) > 1:
            return True
        others = {*self.claims.get(_claim(row), ()), *self.waiting[_claim(row)]}
        return bool(others - {number})


def _content(row: Row[Any]) -> tuple[Any, ...]:
    """Return what equal copies of a record have in common."""
    return (*_claim(row), row.caregiver_cert_no)


@dataclass(slots=True, kw_only=True)
class Sums:
    """Days and amounts of elders, of what home filed, what is cleared, and what was added since.

    Attributes:
        days: Of one elder, month and exclusivity group.
        fen: Of one elder, kind and month.
    """

    days: dict[tuple[str, str, str], int] = field(default_factory=dict)
    fen: dict[tuple[str, str, str], int] = field(default_factory=dict)

    @classmethod
    def load(cls, connection: Connection, rows: Iterable[Row[Any]]) -> "Sums":
        """Add up some records of home; of several under one number, the larger counts."""
        listed = list(rows)
        granted = entitle(connection, [asked_of(row) for row in listed])
        days: dict[tuple[str, str, str], dict[tuple[str, str], int]] = {}
        fen: dict[tuple[str, str, str], dict[tuple[str, str], int]] = {}
        for row, each in zip(listed, granted, strict=True):
            line = (row.host, row.settlement_no)
            for values, key, value in (
                (days, _group(row, each), row.service_days),
                (fen, _kind(row), row.amount_fen),
            ):
                if key is not None:
                    by_line = values.setdefault(key, {})
                    by_line[line] = max(value, by_line.get(line, 0))
        return cls(
            days={key: sum(each.values()) for key, each in days.items()},
            fen={key: sum(each.values()) for key, each in fen.items()},
        )

    def overlaps(self, row: Row[Any], granted: Entitlement) -> bool:
        """Whether a record brings the days of its exclusivity group beyond the month."""
        key = _group(row, granted)
        if key is None:
            return False
        month_days = ServiceMonth.parse(row.service_month).days
        return self.days.get(key, 0) + int(row.service_days) > month_days

    def is_over_cap(self, row: Row[Any], granted: Entitlement) -> bool:
        """Whether a record brings the sum of its kind above the cap."""
        if granted.version is None:
            return False
        sum_fen = self.fen.get(_kind(row), 0) + int(row.amount_fen)
        return sum_fen > granted.version.tariff.cap_fen

    def add(self, row: Row[Any], granted: Entitlement) -> None:
        """Count a record that fits."""
        group, kind = _group(row, granted), _kind(row)
        if group is not None:
            self.days[group] = self.days.get(group, 0) + row.service_days
        self.fen[kind] = self.fen.get(kind, 0) + row.amount_fen


def _group(row: Row[Any], granted: Entitlement) -> tuple[str, str, str] | None:
    """Return by what the days of a record are added up; ``None`` if its kind excludes no other."""
    group = "" if granted.version is None else granted.version.exclusivity_group
    return (row.beneficiary_ref, row.service_month, group) if group else None


def _kind(row: Row[Any]) -> tuple[str, str, str]:
    """Return by what the amount of a record is added up."""
    return (row.beneficiary_ref, row.subsidy_kind, row.service_month)
