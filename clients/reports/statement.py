"""A clearing statement as a report: what is approved, what follows from it, and what it rests on.

A rendering, not the statement: what people approve is the leaf hash of its entry, which every page
states.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from clients.language import tr, using_language
from clients.plain import enum_name
from clients.reports.document import Cell, Document, Part, Table, yuan
from clients.reports.tables import (
    advance_table,
    basis_tables,
    class_table,
    matrix_table,
    payment_table,
    position_table,
)
from clients.reports.words import province, word
from deltacare.money import capital_yuan
from deltacare.v1.clearing_service_pb2 import LineCount, PairNight, PartyAnswer, StandingStatement
from deltacare.v1.entry_pb2 import Statement
from settlement.core.net import payment_id

__all__ = ["answer_words", "statement_document"]

_ANSWERS = {"APPROVED": ("同意", "approved"), "REFUSED": ("拒绝", "refused")}


def answer_words(answer: PartyAnswer) -> str:
    """Return what a party said, in the language of the run."""
    return tr(*_ANSWERS.get(enum_name(answer, "word"), ("未答复", "no answer")))


def statement_document(
    standing: StandingStatement,
    nights: Iterable[PairNight] = (),
    *,
    counts: Mapping[str, Sequence[LineCount]] | None = None,
    payments: Sequence[Any] = (),
    advances: Sequence[Any] = (),
    today: str = "",
    lang: str = "zh",
) -> Document:
    """Return the report of a statement.

    Args:
        standing: The statement with its answers.
        nights: Pairs' nights; those that the statement rests on are shown.
        counts: Lines of the own pairs in its window by partner and class; none: not shown.
        payments: `StandingPayment`s of it; none: what it says is to be paid is shown alone.
        advances: `StandingAdvance`s of its parties.
        today: The day on which payments and advances stand so; empty: not said.
        lang: `zh` or `en`.
    """
    statement = standing.statement
    named = set(statement.pair_result_hashes)
    matrix = {(flow.payer, flow.payee): flow.amount_fen for flow in statement.bilateral}
    codes = sorted({code for pair in matrix for code in pair})
    shown = [each for each in nights if each.lower_result_hash in named]
    parts = [
        Part(
            name=word("statement", lang),
            tables=[
                position_table(matrix, codes, lang),
                _payable(standing, lang),
                _drawdowns(statement, lang),
                _answers(standing, lang),
            ],
        ),
        Part(name=word("matrix", lang), tables=[matrix_table(matrix, codes, lang)]),
    ]
    if counts:
        days = f"{statement.from_date} {word('until', lang)} {statement.until_date}"
        heading = word("with", lang)
        tables = [
            class_table(heading.format(province(partner, lang), days), each, lang)
            for partner, each in sorted(counts.items())
        ]
        parts.append(Part(name=word("totals", lang), tables=tables))
    if payments or advances:
        tables = [payment_table(payments, lang, today), advance_table(advances, lang, today)]
        parts.append(Part(name=word("money", lang), tables=tables))
    parts.append(Part(name=word("basis", lang), tables=basis_tables(shown, lang)))
    return Document(
        title=f"{word('head', lang)} · {word('statement', lang)}",
        facts=_facts(standing, lang),
        note=word("statement_note", lang),
        digest=standing.statement_hash.hex(),
        digest_name=word("statement_digest", lang),
        page_words=(word("page", lang), word("of", lang)),
        parts=parts,
    )


def _facts(standing: StandingStatement, lang: str) -> list[tuple[str, str]]:
    """Return what stands at the head."""
    statement, entry = standing.statement, standing.entry
    facts = [
        ("statement_id", statement.statement_id),
        ("proposer", province(statement.statement_id[:6], lang)),
        ("dates", f"{statement.from_date} {word('until', lang)} {statement.until_date}"),
        ("netting", word(enum_name(statement, "netting"), lang)),
        ("state", word(enum_name(standing, "state"), lang)),
    ]
    if entry.log:
        facts.append(("statement_entry", word("place", lang).format(entry.log, entry.index)))
    return [(word(name, lang), value) for name, value in facts]


def _payable(standing: StandingStatement, lang: str) -> Table:
    """Return what is to be paid, each with the one id under which it is ever made."""
    return Table(
        heading=word("payments", lang),
        columns=[
            word(name, lang) for name in ("payment_id", "payer", "payee", "amount", "capital")
        ],
        rows=[
            [
                payment_id(standing.statement_hash, flow.payer, flow.payee),
                province(flow.payer, lang),
                province(flow.payee, lang),
                yuan(flow.amount_fen),
                capital_yuan(flow.amount_fen),
            ]
            for flow in standing.statement.payments
        ],
        empty=word("no_payments", lang),
    )


def _drawdowns(statement: Statement, lang: str) -> Table:
    """Return what advances pay."""
    return Table(
        heading=word("drawdowns", lang),
        columns=[word(name, lang) for name in ("payer", "payee", "amount", "advance")],
        rows=[
            [
                province(each.payer, lang),
                province(each.payee, lang),
                yuan(each.amount_fen),
                each.advance_hash.hex(),
            ]
            for each in statement.drawdowns
        ],
        empty=word("no_drawdowns", lang),
    )


def _answers(standing: StandingStatement, lang: str) -> Table:
    """Return what each party said, and whose keys signed it."""
    rows: list[list[Cell]] = []
    with using_language("zh" if lang == "zh" else "en"):
        for each in standing.answers:
            keys = " ".join(f"{given.principal}/{given.key_id}" for given in each.approvals)
            rows.append(
                [
                    province(each.province, lang),
                    answer_words(each),
                    each.maker,
                    each.reviewer,
                    keys,
                ]
            )
    return Table(
        heading=word("answers", lang),
        columns=[
            word(name, lang) for name in ("province", "answer", "maker", "checker", "signatures")
        ],
        rows=rows,
    )
