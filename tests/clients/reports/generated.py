"""A statement and a month as a node answers them. Generated; nobody here exists."""

import base64

from clients.reports.month import Matched, MonthFacts
from deltacare.v1 import books_service_pb2 as bpb
from deltacare.v1 import clearing_service_pb2 as cpb
from deltacare.v1 import dispute_service_pb2 as dpb
from deltacare.v1 import entry_pb2 as epb
from deltacare.v1 import payment_service_pb2 as ppb
from deltacare.v1.types_pb2 import EntryRef

__all__ = ["HASH", "MONTH", "NIGHTS", "STANDING", "counts", "note"]

HASH = bytes(range(32))
ROOT = b"\x05" * 32


def note(author: str, partner: str, size: int) -> bytes:
    """Return the text of a checkpoint, unsigned."""
    root = base64.b64encode(ROOT).decode()
    return f"deltacare/{author}/settlement/{partner}\n{size}\n{root}\n".encode()


def night(day: int) -> cpb.PairNight:
    """Return an agreed night."""
    result = epb.PairResult(
        lower="310000",
        higher="320000",
        business_date=f"2026-11-{day:02d}",
        lower_checkpoint=note("310000", "320000", 10 * day),
        higher_checkpoint=note("320000", "310000", 20 * day),
        digest=bytes([day]) * 32,
        lower_pays_fen=250,
        higher_pays_fen=100,
    )
    return cpb.PairNight(
        lower="310000",
        higher="320000",
        business_date=result.business_date,
        state=cpb.PAIR_NIGHT_STATE_AGREED,
        lower_result=result,
        higher_result=result,
        lower_result_hash=bytes([day, 1]) * 16,
        higher_result_hash=bytes([day, 2]) * 16,
    )


NIGHTS = [night(16), night(17)]

STANDING = cpb.StandingStatement(
    name="statements/310000-S2026-1",
    statement=epb.Statement(
        statement_id="310000-S2026-1",
        from_date="2026-11-16",
        until_date="2026-11-17",
        pair_result_hashes=[NIGHTS[0].lower_result_hash, NIGHTS[0].higher_result_hash],
        bilateral=[
            epb.Flow(payer="310000", payee="320000", amount_fen=123_456),
            epb.Flow(payer="320000", payee="310000", amount_fen=23_455),
        ],
        positions=[
            epb.Position(province="310000", net_fen=-100_001),
            epb.Position(province="320000", net_fen=100_001),
        ],
        netting=epb.NETTING_MULTILATERAL,
        payments=[epb.Flow(payer="310000", payee="320000", amount_fen=90_001)],
        drawdowns=[
            epb.Drawdown(payer="310000", payee="320000", amount_fen=10_000, advance_hash=ROOT)
        ],
    ),
    statement_hash=HASH,
    state=cpb.STATEMENT_STATE_BINDING,
    answers=[
        cpb.PartyAnswer(
            province="310000",
            word=epb.STATEMENT_WORD_APPROVED,
            maker="=cmd()",
            reviewer="r-1",
            approvals=[epb.Approval(principal="r-1", key_id="key-r-1")],
        ),
        cpb.PartyAnswer(province="320000"),
    ],
    entry=EntryRef(log="deltacare/310000/registry", index=7),
)


def counts() -> list[cpb.LineCount]:
    """Return counts of one class twice and of another once."""
    return [
        cpb.LineCount(line_class=cpb.LINE_CLASS_MATCHED, line_count=2, home_fen=100, host_fen=100),
        cpb.LineCount(line_class=cpb.LINE_CLASS_MATCHED, line_count=3, home_fen=250, host_fen=250),
        cpb.LineCount(
            line_class=cpb.LINE_CLASS_AMOUNT, line_count=1, home_fen=123_456, host_fen=123_400
        ),
    ]


def _line(day: str, due: str, fen: int) -> cpb.Line:
    return cpb.Line(
        home="320000",
        host="310000",
        settlement_no="S1",
        line_class=cpb.LINE_CLASS_AMOUNT,
        home_side=cpb.LineSide(row_count=1, sum_fen=fen),
        host_side=cpb.LineSide(row_count=1, sum_fen=fen + 1),
        filed_date=day,
        owner="BOTH",
        due_date=due,
    )


MONTH = MonthFacts(
    own="320000",
    month="2026-11",
    until_date="2026-11-30",
    nights=NIGHTS,
    closed={"310000": counts()[:2]},
    open={"310000": counts()[2:]},
    open_lines=[
        _line("2026-11-27", "2026-12-05", 100),
        _line("2026-11-20", "2026-11-25", 200),
        _line("2026-10-01", "2026-10-06", 300),
    ],
    matched={
        ("320000", "310000", "310000-1"): Matched(
            name="示例养老院", district="310101", line_count=4, amount_fen=150
        ),
        ("320000", "310000", "310000-2"): Matched(
            name="", district="", line_count=1, amount_fen=200
        ),
    },
    payments=[
        ppb.StandingPayment(
            payment_id="P" * 32,
            basis_id="310000-S2026-1",
            payer="320000",
            payee="310000",
            amount_fen=90_001,
            debited_fen=90_000,
            state=ppb.PAYMENT_STATE_PARTIAL,
            next_action="ORDER_REST",
        )
    ],
    advances=[
        ppb.StandingAdvance(
            payer="320000",
            advance=epb.Advance(advance_id="320000-A1", payee="310000", amount_fen=50_000),
            received_fen=50_000,
            drawn_fen=10_000,
        )
    ],
    disputes=[
        dpb.StandingDispute(
            dispute=epb.Dispute(
                dispute_id="310000-D1", settlement_no="S1", home="320000", host="310000"
            ),
            raised_date="2026-11-20",
            state=dpb.DISPUTE_STATE_CONTESTED,
            owner="BOTH",
            due_date="2026-11-27",
        )
    ],
    balance=bpb.TrialBalance(
        on_date="2026-11-30",
        balances=[
            bpb.AccountBalance(account="Assets:Bank", credit_fen=90_000),
            bpb.AccountBalance(account="Assets:InTransit:P310000", debit_fen=90_000),
        ],
        digest=b"\x0b" * 32,
    ),
    close=bpb.StandingMonthClose(
        month_close=epb.MonthClose(month="2026-11", journal_hash=b"\x0c" * 32, line_count=9)
    ),
)
