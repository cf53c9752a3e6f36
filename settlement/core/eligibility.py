"""What only registers can tell of a settlement: agreement, listing, enrolment, certificate, money.

A condition is met if it holds on at least as many days of the month as the record claims; for
kinds by use, on one day. Days are bits, so that a condition that several intervals or agreements
meet together is counted once a day. If the two sides differ, a condition is violated when either
side's row violates it. Sums (days of exclusive kinds, amounts under a cap) run over the lines that
no earlier class holds back and the cleared ones; of a line whose sides differ the larger counts.

The facts come as tables that the caller pinned; nothing here knows where they are from.
"""

from collections.abc import Mapping

import ibis

from settlement.core.classes import LineClass
from settlement.core.terms import (
    KEY,
    Expression,
    Table,
    bit_count,
    home_of,
    host_of,
    interval_mask,
    left_joined,
    month_days,
    rank_of,
    union_of,
)

__all__ = ["agreed_days", "barred", "enrolled_days", "over_cap", "overlapping"]

_BY_USE = "USE"
_BY_MONTH = "MONTH"


def barred(rows: Table, facts: Mapping[str, Table], agreed: Table, enrolled: Table) -> Table:
    """Return the numbers of which a row violates a condition of its own, with the first class.

    Args:
        rows: Rows of both sides.
        facts: The tables of `settlement.core.columns.FACTS`.
        agreed: What `agreed_days` told of the rows.
        enrolled: What `enrolled_days` told of the rows.
    """
    # 1. The policy tells on how many days a condition must hold.
    table = _with_policy(rows, facts["policies"])
    needed = ibis.ifelse(
        (table.unit == _BY_USE).fill_null(False), ibis.literal(1, "int64"), table.service_days
    )
    table = table.mutate(needed_days=needed, host=host_of(table))
    # 2. The days on which each condition holds.
    table = _with_mask(table, agreed, "agreed_mask")
    table = _with_mask(table, facts["listings"], "listed_mask")
    table = _with_mask(table, enrolled, "enrolled_mask")
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


def overlapping(rows: Table, counted: Table, policies: Table) -> Table:
    """Return the numbers whose beneficiary has more days of exclusive kinds than the month.

    Args:
        rows: Rows of both sides that reach this step.
        counted: Cleared rows that count as well.
        policies: Pinned policies.
    """
    table = _with_policy(union_of(rows, counted), policies)
    table = table.filter(table.exclusive.fill_null(False))
    group = ["pair", "beneficiary_ref", "service_month"]
    total = _sum_of_lines(table, group, table.service_days)
    beyond = total.filter(total.total > month_days(total.service_month))
    return table.semi_join(beyond, group).select(KEY).distinct()


def over_cap(rows: Table, counted: Table, policies: Table) -> Table:
    """Return the numbers above the rate, above the cap, or of a kind without a policy.

    Args:
        rows: Rows of both sides that reach this step.
        counted: Cleared rows that count towards the cap as well.
        policies: Pinned policies.
    """
    # 1. One record: no policy in force means that nothing may be paid.
    table = _with_policy(rows, policies)
    units = ibis.ifelse(table.unit == _BY_MONTH, ibis.literal(1, "int64"), table.service_days)
    above = table.unit.isnull() | (table.amount_fen > table.rate_fen * units)
    by_rate = table.filter(above).select(KEY)
    # 2. All records of one beneficiary, kind and month.
    group = ["pair", "beneficiary_ref", "subsidy_kind", "service_month"]
    pool = _with_policy(union_of(rows, counted), policies)
    pool = pool.filter(pool.unit.notnull())
    total = _sum_of_lines(pool, [*group, "cap_fen"], pool.amount_fen)
    beyond = total.filter(total.total > total.cap_fen)
    by_cap = pool.semi_join(beyond, group).select(KEY)
    return union_of(by_rate, by_cap).distinct()


def _met(mask: Expression, table: Table) -> Expression:
    """Return whether a condition holds on enough days."""
    return bit_count(mask.fill_null(0)) >= table.needed_days


def _with_policy(rows: Table, policies: Table) -> Table:
    """Return rows with the policy of their kind and month, null where none is in force."""
    table = rows.mutate(home=home_of(rows))
    shared = ["home", "subsidy_kind", "service_month"]
    return left_joined(table, policies, shared)


def _with_mask(table: Table, days: Table, name: str) -> Table:
    """Return a table with the days of a condition under `name`, joined by all columns they share.

    Args:
        table: Rows.
        days: Columns that the rows have, which identify it, and `day_mask`.
        name: The name of the new column.
    """
    keys = [column for column in days.columns if column != "day_mask"]
    merged = days.group_by(keys).agg(**{name: days.day_mask.bit_or()})
    return left_joined(table, merged, keys)


def enrolled_days(rows: Table, facts: Mapping[str, Table]) -> Table:
    """Return the days of the rows' months on which a beneficiary is enrolled for a kind.

    Args:
        rows: Rows of both sides.
        facts: The tables of `settlement.core.columns.FACTS`.
    """
    cells = rows.select("pair", "beneficiary_ref", "subsidy_kind", "service_month").distinct()
    keys = ["pair", "beneficiary_ref", "subsidy_kind"]
    table = cells.join(facts["enrolments"], keys)
    mask = interval_mask(table.from_date, table.until_date, table.service_month)
    return table.select(*cells.columns, day_mask=mask)


def agreed_days(rows: Table, facts: Mapping[str, Table]) -> Table:
    """Return the days of the rows' months on which an agreement covers them.

    Day by day: where an enrolment of any kind tells the home division of the elder, that division's
    agreements count; on the other days any division's do, because a missing enrolment is a class of
    its own and must not look like a missing agreement.

    Args:
        rows: Rows of both sides.
        facts: The tables of `settlement.core.columns.FACTS`.
    """
    agreements, enrolments = facts["agreements"], facts["enrolments"]
    place = ["institution", "subsidy_kind", "service_month"]
    cells = rows.select("pair", "beneficiary_ref", *place).distinct()
    # 1. The days on which the division is known.
    lives = cells.select("pair", "beneficiary_ref", "service_month").distinct()
    lives = lives.join(enrolments, ["pair", "beneficiary_ref"])
    mask = interval_mask(lives.from_date, lives.until_date, lives.service_month)
    elder = ["pair", "beneficiary_ref", "service_month"]
    lives = lives.select(*elder, "home_division", known_mask=mask)
    lives = lives.filter(lives.known_mask != 0)
    known = lives.group_by(elder).agg(known_mask=lives.known_mask.bit_or())
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


def _sum_of_lines(table: Table, group: list[str], value: Expression) -> Table:
    """Return the sum of a value over the lines of each group; of a line, the larger side counts."""
    named = table.mutate(value=value)
    keys = [*group, *(key for key in KEY if key not in group)]
    by_line = named.group_by(keys).agg(value=named.value.max())
    return by_line.group_by(group).agg(total=by_line.value.sum())
