"""A month of the own pairs as a report: what was matched, what is open and how old, and the money.

Everything in it comes from the node and can be asked for again; the digest is made of the leaf
hashes of the results on which both sides of each pair agreed, which stand in the registry logs.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from clients.plain import enum_name
from clients.reports.document import Cell, Document, Part, Table, yuan
from clients.reports.tables import (
    advance_table,
    basis_tables,
    class_table,
    dated,
    matrix_table,
    payment_table,
    position_table,
)
from clients.reports.words import class_name, division, province, word
from deltacare.v1.books_service_pb2 import StandingMonthClose, TrialBalance
from deltacare.v1.clearing_service_pb2 import Line, LineCount, PairNight
from settlement.books.accounts import account_words
from settlement.core.classes import LineClass

__all__ = ["AGES_DAYS", "Matched", "MonthFacts", "month_digest", "month_document"]

AGES_DAYS: Final = (3, 7, 15, 30)
"""Upper ends of the columns in which open lines are counted by age."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """What was matched of one institution.

    Attributes:
        name: What it is called; empty if the registers do not say.
        district: Six digits of where it is; empty likewise.
        line_count: Lines.
        amount_fen: Their sum.
    """

    name: str
    district: str
    line_count: int
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthFacts:
    """What a month's report is made of, as the node answers it.

    Attributes:
        own: The own province.
        month: `YYYY-MM`.
        until_date: Last day of the month whose nights are run.
        nights: Agreed nights of every pair, sorted by date and pair.
        closed: By partner, counts of each night's closed classes.
        open: By partner, counts of the classes that are carried after the last night.
        open_lines: Those lines.
        matched: By home, host and institution.
        money_date: Day as of whose end payments, advances and disputes are shown: the last of the
            month once that is over.
        payments: `StandingPayment`s of the own province.
        advances: `StandingAdvance`s of the own province.
        disputes: `StandingDispute`s that were open.
        balance: At the end of the month.
        close: The month's close, if it was closed.
    """

    own: str
    month: str
    until_date: str
    nights: Sequence[PairNight]
    closed: Mapping[str, Sequence[LineCount]] = field(default_factory=dict)
    open: Mapping[str, Sequence[LineCount]] = field(default_factory=dict)
    open_lines: Sequence[Line] = ()
    matched: Mapping[tuple[str, str, str], Matched] = field(default_factory=dict)
    money_date: str = ""
    payments: Sequence[Any] = ()
    advances: Sequence[Any] = ()
    disputes: Sequence[Any] = ()
    balance: TrialBalance = field(default_factory=TrialBalance)
    close: StandingMonthClose | None = None


def month_digest(nights: Iterable[PairNight]) -> bytes:
    """Return the SHA-256 of the leaf hashes of results, both of each night, in the order given."""
    digest = hashlib.sha256()
    for night in nights:
        digest.update(night.lower_result_hash + night.higher_result_hash)
    return digest.digest()


def month_document(facts: MonthFacts, *, lang: str = "zh") -> Document:
    """Return the report of a month.

    Args:
        facts: What it is made of.
        lang: `zh` or `en`.
    """
    matrix: dict[tuple[str, str], int] = {}
    for night in facts.nights:
        result = night.lower_result
        for payer, payee, fen in (
            (night.lower, night.higher, result.lower_pays_fen),
            (night.higher, night.lower, result.higher_pays_fen),
        ):
            matrix[payer, payee] = matrix.get((payer, payee), 0) + fen
    codes = sorted({code for pair in matrix for code in pair} or {facts.own})
    parts = (
        ("matrix", [matrix_table(matrix, codes, lang), position_table(matrix, codes, lang)]),
        ("totals", _totals(facts, lang)),
        ("ageing", [_ageing(facts, lang)]),
        ("institutions", [_institutions(facts, lang)]),
        ("districts", [_districts(facts, lang)]),
        (
            "money",
            [
                payment_table(facts.payments, lang, facts.money_date),
                advance_table(facts.advances, lang, facts.money_date),
            ],
        ),
        ("disputes", [_disputes(facts, lang)]),
        ("books", [_balance(facts, lang)]),
        ("basis", basis_tables(facts.nights, lang)),
    )
    return Document(
        title=f"{word('head', lang)} · {facts.month} {word('month_report', lang)}",
        facts=_facts(facts, lang),
        note=word("month_note", lang),
        digest=month_digest(facts.nights).hex(),
        digest_name=word("month_digest", lang),
        page_words=(word("page", lang), word("of", lang)),
        parts=[Part(name=word(name, lang), tables=tables) for name, tables in parts],
    )


def _facts(facts: MonthFacts, lang: str) -> list[tuple[str, str]]:
    """Return what stands at the head."""
    closed = word("not_closed", lang)
    if facts.close is not None:
        stated = facts.close.month_close
        closed = word("journal_hash", lang).format(stated.journal_hash.hex(), stated.line_count)
    return [
        (word("province", lang), province(facts.own, lang)),
        (word("month", lang), f"{facts.month} ({word('until', lang)} {facts.until_date})"),
        (word("closed_month", lang), closed),
        (word("balance_digest", lang), facts.balance.digest.hex()),
    ]


def _totals(facts: MonthFacts, lang: str) -> list[Table]:
    """Return lines by class: what was closed in the month, and what is open at its end."""
    heading = word("with", lang)
    return [
        class_table(
            heading.format(province(partner, lang), word(name, lang)), counts.get(partner, ()), lang
        )
        for partner in sorted(facts.closed.keys() | facts.open.keys())
        for name, counts in (("cleared_in", facts.closed), ("open_at", facts.open))
    ]


def _ageing(facts: MonthFacts, lang: str) -> Table:
    """Return open lines by class and age."""
    end = date.fromisoformat(facts.until_date)
    cells: dict[tuple[str, str, int], list[int]] = {}
    for line in facts.open_lines:
        key = (line.home, line.host, line.line_class)
        cell = cells.setdefault(key, [0] * (len(AGES_DAYS) + 3))
        age = (end - date.fromisoformat(line.filed_date)).days
        cell[sum(age > each for each in AGES_DAYS)] += 1
        cell[-2] += bool(line.due_date) and line.due_date < facts.until_date
        cell[-1] += max(line.home_side.sum_fen, line.host_side.sum_fen)
    rows: list[list[Cell]] = [
        [
            f"{home} → {host}",
            class_name(LineClass.of_rank(rank), lang),
            *counts[:-1],
            yuan(counts[-1]),
        ]
        for (home, host, rank), counts in sorted(cells.items())
    ]
    if rows:
        sums = [sum(each) for each in zip(*cells.values(), strict=True)]
        rows.append([word("total", lang), "", *sums[:-1], yuan(sums[-1])])
    firsts = (0, *(each + 1 for each in AGES_DAYS))
    return Table(
        heading=word("open_by_age", lang),
        columns=[
            word("direction", lang),
            word("class", lang),
            *(
                word("days", lang).format(f"{first}–{last}")
                for first, last in zip(firsts, AGES_DAYS, strict=False)
            ),
            word("older", lang).format(AGES_DAYS[-1]),
            word("overdue", lang),
            word("open_fen", lang),
        ],
        rows=rows,
        total=True,
        empty=word("no_lines", lang),
    )


def _institutions(facts: MonthFacts, lang: str) -> Table:
    """Return what was matched, by institution."""
    names = ("direction", "institution", "district", "lines", "amount")
    return _with_total(
        word("by_institution", lang),
        [word(name, lang) for name in names],
        [
            [
                f"{home} → {host}",
                f"{institution} {each.name}".strip(),
                division(each.district) if each.district else "",
                each.line_count,
                each.amount_fen,
            ]
            for (home, host, institution), each in sorted(facts.matched.items())
        ],
        lang,
    )


def _districts(facts: MonthFacts, lang: str) -> Table:
    """Return what was matched, by the district of the institution."""
    sums: dict[tuple[str, str, str], list[int]] = {}
    for (home, host, _), each in facts.matched.items():
        cell = sums.setdefault((home, host, each.district), [0, 0])
        cell[0] += each.line_count
        cell[1] += each.amount_fen
    return _with_total(
        word("by_district", lang),
        [word(name, lang) for name in ("direction", "district", "lines", "amount")],
        [
            [f"{home} → {host}", division(district) if district else "", *sums_of]
            for (home, host, district), sums_of in sorted(sums.items())
        ],
        lang,
    )


def _with_total(
    heading: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], lang: str
) -> Table:
    """Return a table whose last two columns are counts and fen, with their sums below."""
    drawn: list[list[Cell]] = [[*row[:-1], yuan(row[-1])] for row in rows]
    if rows:
        blank = [""] * (len(columns) - 3)
        count, fen = (sum(row[index] for row in rows) for index in (-2, -1))
        drawn.append([word("total", lang), *blank, count, yuan(fen)])
    return Table(
        heading=heading, columns=columns, rows=drawn, total=True, empty=word("no_lines", lang)
    )


def _disputes(facts: MonthFacts, lang: str) -> Table:
    """Return the disputes that are open, or were."""
    names = ("dispute", "settlement_no", "direction", "raised", "state", "owner", "due")
    return Table(
        heading=dated(word("open_disputes", lang), facts.money_date, lang),
        columns=[word(name, lang) for name in names],
        rows=[
            [
                each.dispute.dispute_id,
                each.dispute.settlement_no,
                f"{each.dispute.home} → {each.dispute.host}",
                each.raised_date,
                word(enum_name(each, "state"), lang),
                word(each.owner, lang) if each.owner == "BOTH" else province(each.owner, lang),
                each.due_date,
            ]
            for each in facts.disputes
        ],
        empty=word("no_disputes", lang),
    )


def _balance(facts: MonthFacts, lang: str) -> Table:
    """Return the trial balance at the end of the month."""
    rows: list[list[Cell]] = [
        [
            each.account,
            account_words(each.account, lang=lang),
            yuan(each.debit_fen),
            yuan(each.credit_fen),
            yuan(each.debit_fen - each.credit_fen),
        ]
        for each in facts.balance.balances
    ]
    if rows:
        debit = sum(each.debit_fen for each in facts.balance.balances)
        credit = sum(each.credit_fen for each in facts.balance.balances)
        rows.append([word("total", lang), "", *map(yuan, (debit, credit, debit - credit))])
    return Table(
        heading=f"{word('trial_balance', lang)} {facts.balance.on_date}",
        columns=[word(name, lang) for name in ("account", "name", "debit", "credit", "balance")],
        rows=rows,
        total=True,
        empty=word("no_lines", lang),
    )
