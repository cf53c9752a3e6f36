"""A statement as a node has it, rendered: plain values and a workbook that prints its hash."""

import io

import openpyxl
import pytest

from clients.language import using_language
from clients.statements import answer_words, workbook
from deltacare.v1.clearing_service_pb2 import (
    STATEMENT_STATE_BINDING,
    PairNight,
    PartyAnswer,
    StandingStatement,
)
from deltacare.v1.entry_pb2 import (
    NETTING_MULTILATERAL,
    STATEMENT_WORD_APPROVED,
    Flow,
    PairResult,
    Position,
    Statement,
)

HASH = bytes(range(32))
STANDING = StandingStatement(
    name="statements/310000-S2026-1",
    statement=Statement(
        statement_id="310000-S2026-1",
        from_date="2026-11-16",
        until_date="2026-11-20",
        pair_result_hashes=[b"\x01" * 32, b"\x02" * 32],
        bilateral=[
            Flow(payer="310000", payee="320000", amount_fen=500),
            Flow(payer="320000", payee="310000", amount_fen=200),
        ],
        positions=[
            Position(province="310000", net_fen=-300),
            Position(province="320000", net_fen=300),
        ],
        netting=NETTING_MULTILATERAL,
        payments=[Flow(payer="310000", payee="320000", amount_fen=300)],
    ),
    statement_hash=HASH,
    state=STATEMENT_STATE_BINDING,
    answers=[
        PartyAnswer(province="310000", word=STATEMENT_WORD_APPROVED, maker="m-1", reviewer="r-1"),
        PartyAnswer(province="320000"),
    ],
)
NIGHTS = [
    PairNight(
        lower="310000",
        higher="320000",
        business_date="2026-11-16",
        lower_result=PairResult(digest=b"\x07" * 32),
        lower_result_hash=b"\x01" * 32,
    ),
    PairNight(lower="310000", higher="330000", lower_result_hash=b"\x09" * 32),
]


def test_answers_in_the_language_of_the_run() -> None:
    """What a party said is in words."""
    assert ["approved", "no answer"] == [answer_words(each) for each in STANDING.answers]
    with using_language("zh"):
        assert ["同意", "未答复"] == [answer_words(each) for each in STANDING.answers]


def test_workbook_prints_the_hash_on_every_sheet() -> None:
    """What people approve stands on every sheet; the same statement gives the same bytes."""
    data = workbook(STANDING, NIGHTS)
    assert data == workbook(STANDING, NIGHTS)
    book = openpyxl.load_workbook(io.BytesIO(data))
    for sheet in book.worksheets:
        cells = {cell.value for row in sheet.iter_rows() for cell in row}
        assert HASH.hex() in cells, sheet.title
    book.close()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_workbook_is_chinese_whatever_the_run_speaks(lang: str) -> None:
    """Headings and answers are in one language: that of the finance offices that file it."""
    with using_language(lang):
        book = openpyxl.load_workbook(io.BytesIO(workbook(STANDING, NIGHTS)))
    texts = {
        str(cell.value) for sheet in book.worksheets for row in sheet.iter_rows() for cell in row
    }
    book.close()
    assert "同意" in texts
    assert "approved" not in texts
