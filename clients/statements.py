"""Turns a statement as a node has it into what people read: plain values and a workbook.

A rendering: what binds is the leaf hash of the entry, which every rendering prints.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from clients.language import tr, using_language
from clients.plain import enum_name
from deltacare.v1.clearing_service_pb2 import PairNight, PartyAnswer, StandingStatement

if TYPE_CHECKING:
    from settlement.report import StatementView

__all__ = ["answer_words", "statement_view", "workbook"]

_WORDS = {"APPROVED": ("同意", "approved"), "REFUSED": ("拒绝", "refused")}


def answer_words(answer: PartyAnswer) -> str:
    """Return what a party said, in the language of the run."""
    return tr(*_WORDS.get(enum_name(answer, "word"), ("未答复", "no answer")))


def statement_view(
    standing: StandingStatement, nights: Iterable[PairNight] = ()
) -> "StatementView":
    """Return what a statement's workbook shows.

    Args:
        standing: The statement with its answers.
        nights: Pairs' nights; those that the statement rests on are shown.
    """
    from settlement.core.net import Payment, payment_id
    from settlement.report import PaymentLine, StatementView

    statement, leaf_hash = standing.statement, standing.statement_hash
    named = set(statement.pair_result_hashes)
    return StatementView(
        statement_id=statement.statement_id,
        proposer=statement.statement_id[:6],
        from_date=statement.from_date,
        until_date=statement.until_date,
        netting=enum_name(statement, "netting"),
        leaf_hash=leaf_hash,
        bilateral={(flow.payer, flow.payee): flow.amount_fen for flow in statement.bilateral},
        positions={position.province: position.net_fen for position in statement.positions},
        payments=[
            PaymentLine(
                payment_id=payment_id(leaf_hash, flow.payer, flow.payee),
                payment=Payment(payer=flow.payer, payee=flow.payee, fen=flow.amount_fen),
            )
            for flow in statement.payments
        ],
        pair_results=[
            (night.lower, night.higher, night.business_date, night.lower_result.digest)
            for night in nights
            if night.lower_result_hash in named
        ],
        answers=[
            (
                answer.province,
                answer_words(answer),
                answer.maker,
                answer.reviewer,
            )
            for answer in standing.answers
        ],
    )


def workbook(standing: StandingStatement, nights: Iterable[PairNight] = ()) -> bytes:
    """Return a statement as XLSX, in Chinese whatever the run speaks: finance offices file it."""
    from settlement.report import statement_workbook

    with using_language("zh"):
        return statement_workbook(statement_view(standing, nights))
