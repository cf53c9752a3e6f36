"""What only registers can tell of a settlement: agreement, listing, enrolment, certificate, money.

A condition is met if it holds on at least as many days of the month as the record claims; for
kinds by use, on one day. Days are bits, so that a condition that several intervals or agreements
meet together is counted once a day. If the two sides differ, a condition is violated when either
side's row violates it. What is granted depends on the elder's enrolment: of those that hold on a
day of the month, the one with the latest first day not after the first of the month decides; if
none had begun by then, the one that began first; of several, the last in the log. Sums (days of
kinds of one exclusivity group, amounts under a cap) run over the lines that no earlier class holds
back and the cleared ones; of a line whose sides differ the larger counts.

The facts come as tables that the caller pinned; nothing here knows where they are from.
"""

from collections.abc import Mapping

import ibis

from settlement.core.classes import LineClass
from settlement.core.columns import SEQUENCE_MAX, STANDING_MAX
from settlement.core.terms import (
    KEY,
    Expression,
    Table,
    bit_count,
    bit_or,
    home_of,
    host_of,
    left_joined,
    month_mask,
    rank_of,
    union_of,
)

__all__ = ["agreed_days", "barred", "enrolled", "over_cap", "overlapping", "priced"]

_ELDER_KIND = ["pair", "beneficiary_ref", "subsidy_kind", "service_month"]


def enrolled(rows: Table, enrolments: Table, months: Table) -> Table:
    """Return, by elder, kind and month of the rows, the days of enrolment and the standing.

    Args:
        rows: Rows of both sides, and cleared ones that count as well.
        enrolments: Pinned enrolments.
        months: The calendar.

    Returns:
        pair, beneficiary_ref, subsidy_kind, service_month, enrolled_mask, standing.
    """
    cells = rows.select(_ELDER_KIND).distinct().join(months, "service_month")
    table = cells.join(enrolments, ["pair", "beneficiary_ref", "subsidy_kind"])
    # One number tells which enrolment decides: the day it began, below zero if that was later than
    # the first of the month, then its place among the elder's, then what it says.
    has_begun = table.from_day <= table.first_day
    order = ibis.ifelse(has_begun, table.from_day, -table.from_day)
    order = order * (SEQUENCE_MAX + 1) + table.sequence
    table = table.select(
        *_ELDER_KIND,
        day_mask=month_mask(table),
        choice=order * (STANDING_MAX + 1) + table.standing,
    )
    table = table.filter(table.day_mask != 0)
    table = table.group_by(_ELDER_KIND).agg(
        enrolled_mask=bit_or(table.day_mask), choice=table.choice.max()
    )
    standing = table.choice & ibis.literal(STANDING_MAX, "int64")
    return table.select(*_ELDER_KIND, "enrolled_mask", standing=standing)


def priced(rows: Table, known: Table, policies: Table) -> Table:
    """Return rows with what is known of the elder and what home's policy grants.

    Columns of a policy are null where none is in force.

    Args:
        rows: Rows with the columns of a record.
        known: What `enrolled` told of them.
        policies: Pinned policies.
    """
    table = left_joined(rows, known, _ELDER_KIND)
    table = table.mutate(
        home=home_of(table),
        enrolled_mask=table.enrolled_mask.fill_null(0),
        standing=table.standing.fill_null(0),
    )
    keys = ["home", "standing", "subsidy_kind", "service_month", "service_days"]
    table = left_joined(table, policies, keys)
    return table.select([name for name in table.columns if name not in ("home", "standing")])


def barred(rows: Table, facts: Mapping[str, Table], agreed: Table) -> Table:
    """Return the numbers of which a row violates a condition of its own, with the first class.

    Args:
        rows: Rows of both sides, as `priced` returns them.
        facts: The tables of `settlement.core.columns.FACTS`.
        agreed: What `agreed_days` told of the rows.
    """
    # 1. The policy tells on how many days a condition must hold.
    needed = ibis.ifelse(rows.by_use.fill_null(False), ibis.literal(1, "int64"), rows.service_days)
    table = rows.mutate(needed_days=needed, host=host_of(rows))
    # 2. The days on which each condition holds.
    table = _with_mask(table, agreed, "agreed_mask")
    table = _with_mask(table, facts["listings"], "listed_mask")
    table = _with_mask(table, facts["caregivers"], "certified_mask")
    # 3. The first condition that is not met.
    named = table.caregiver_cert_no != ""
    certified = ibis.ifelse(
        named, _met(table.certified_mask, table), ~table.needs_caregiver.fill_null(False)
    )
    rank = ibis.cases(
        (~_met(table.agreed_mask, table), rank_of(LineClass.OUT_OF_AGREEMENT.rank)),
        (~_met(table.listed_mask, table), rank_of(LineClass.INSTITUTION_UNLISTED.rank)),
        (~_met(table.enrolled_mask, table), rank_of(LineClass.ELDER_INELIGIBLE.rank)),
        (~certified, rank_of(LineClass.CAREGIVER_UNCERTIFIED.rank)),
        else_=rank_of(0),
    )
    judged = table.select(*KEY, rank=rank)
    judged = judged.filter(judged["rank"] > 0)
    return judged.group_by(KEY).agg(rank=judged["rank"].min())


def overlapping(rows: Table, counted: Table, months: Table) -> Table:
    """Return the numbers whose beneficiary has more days of one exclusivity group than the month.

    Args:
        rows: Rows of both sides that reach this step, as `priced` returns them.
        counted: Cleared rows that count as well, as `priced` returns them.
        months: The calendar.
    """
    table = union_of(rows, counted)
    table = table.filter(table.exclusivity_group.fill_null("") != "")
    group = ["pair", "beneficiary_ref", "service_month", "exclusivity_group"]
    limits = months.select("service_month", limit=months.days)
    beyond = _beyond(table.mutate(value=table.service_days), group, limits)
    return table.semi_join(beyond, group).select(KEY).distinct()


def over_cap(rows: Table, counted: Table) -> Table:
    """Return the numbers above the entitlement, above the cap, or without a policy.

    Args:
        rows: Rows of both sides that reach this step, as `priced` returns them.
        counted: Cleared rows that count towards the cap as well, as `priced` returns them.
    """
    # 1. One record: no policy in force means that nothing may be paid.
    above = rows.entitled_fen.isnull() | (rows.amount_fen > rows.entitled_fen)
    by_rate = rows.filter(above).select(KEY)
    # 2. All records of one beneficiary, kind and month.
    pool = union_of(rows, counted)
    pool = pool.filter(pool.cap_fen.notnull())
    group = [*_ELDER_KIND, "cap_fen"]
    caps = pool.select("cap_fen", limit=pool.cap_fen).distinct()
    beyond = _beyond(pool.mutate(value=pool.amount_fen), group, caps)
    by_cap = pool.semi_join(beyond, group).select(KEY)
    return union_of(by_rate, by_cap).distinct()


def _met(mask: Expression, table: Table) -> Expression:
    """Return whether a condition holds on enough days."""
    return bit_count(mask.fill_null(0)) >= table.needed_days


def _with_mask(table: Table, days: Table, name: str) -> Table:
    """Return a table with the days of a condition under `name`, joined by all columns they share.

    Args:
        table: Rows.
        days: Columns that the rows have, which identify it, and `day_mask`.
        name: The name of the new column.
    """
    keys = [column for column in days.columns if column != "day_mask"]
    merged = days.group_by(keys).agg(**{name: bit_or(days.day_mask)})
    return left_joined(table, merged, keys)


def agreed_days(rows: Table, facts: Mapping[str, Table], months: Table) -> Table:
    """Return the days of the rows' months on which an agreement covers them.

    Day by day: where an enrolment of any kind tells the home division of the elder, that division's
    agreements count; on the other days any division's do, because a missing enrolment is a class of
    its own and must not look like a missing agreement.

    Args:
        rows: Rows of both sides.
        facts: The tables of `settlement.core.columns.FACTS`.
        months: The calendar.
    """
    agreements, enrolments = facts["agreements"], facts["enrolments"]
    place = ["institution", "subsidy_kind", "service_month"]
    cells = rows.select("pair", "beneficiary_ref", *place).distinct()
    # 1. The days on which the division is known.
    elder = ["pair", "beneficiary_ref", "service_month"]
    lives = cells.select(elder).distinct().join(months, "service_month")
    lives = lives.join(enrolments, ["pair", "beneficiary_ref"])
    lives = lives.select(*elder, "home_division", known_mask=month_mask(lives))
    lives = lives.filter(lives.known_mask != 0)
    known = lives.group_by(elder).agg(known_mask=bit_or(lives.known_mask))
    # 2. Agreements of the division on those days.
    own = cells.join(lives, elder)
    own = own.join(
        agreements.filter(agreements.home_division != ""), ["pair", "home_division", *place]
    )
    own = own.select(*cells.columns, day_mask=own.known_mask & own.day_mask)
    # 3. Agreements of any division on the others.
    anyone = agreements.filter(agreements.home_division == "")
    anyone = anyone.select("pair", *place, "day_mask")
    other = cells.join(anyone, ["pair", *place])
    other = left_joined(other, known, elder)
    covered = other.day_mask & other.known_mask.fill_null(0)
    other = other.select(*cells.columns, day_mask=other.day_mask - covered)
    return union_of(own, other)


def _beyond(table: Table, group: list[str], limits: Table) -> Table:
    """Return the groups whose lines sum up to more than their limit; of a line, the larger counts.

    No value is below zero, so a group whose rows all together stay within the limit is settled with
    one sum, as nearly every one is.

    Args:
        table: Rows with a `value`.
        group: The columns that make a group.
        limits: A column of the group, and the `limit` that goes with it.
    """
    of_group = [name for name in limits.columns if name != "limit"]
    rough = table.group_by(group).agg(total=table.value.sum()).join(limits, of_group)
    near = table.semi_join(rough.filter(rough.total > rough["limit"]), group)
    keys = [*group, *(key for key in KEY if key not in group)]
    by_line = near.group_by(keys).agg(value=near.value.max())
    exact = by_line.group_by(group).agg(total=by_line.value.sum()).join(limits, of_group)
    return exact.filter(exact.total > exact["limit"])
