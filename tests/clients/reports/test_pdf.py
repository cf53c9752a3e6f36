"""Reports as PDF: what is read back from them, on every page, and equal bytes."""

import io
from dataclasses import replace

from pypdf import PdfReader

from clients.reports.month import Matched, month_digest, month_document
from clients.reports.pdf import pdf
from clients.reports.statement import statement_document
from tests.clients.reports.generated import HASH, MONTH, NIGHTS, STANDING, counts

MANY = {
    ("320000", "310000", f"310000-{number}"): Matched(
        name=f"示例养老院{number}", district="310101", line_count=1, amount_fen=100 * number
    )
    for number in range(1, 101)
}


def pages(data: bytes) -> list[str]:
    """Return the text of each page."""
    return [page.extract_text() for page in PdfReader(io.BytesIO(data)).pages]


def test_statement() -> None:
    """The statement in Chinese, amounts in figures and capitals, the digest on every page."""
    document = statement_document(STANDING, NIGHTS, counts={"320000": counts()})
    found = pages(pdf(document))
    assert 2 == len(found)
    for number, text in enumerate(found, start=1):
        assert f"摘要（审批以此为准） {HASH.hex()}" in text
        assert f"第 {number} 页，共 2" in text
    for shown in (
        "长三角养老补贴跨省结算 · 清算单",
        "上海市 310000",
        "900.01",
        "人民币玖佰元零壹分",
    ):
        assert shown in found[0]
    assert "对平" in found[1]
    assert "deltacare/320000/settlement/310000" in found[1].replace("\n", "")


def test_headings_are_repeated() -> None:
    """A table that goes on on another page has its headings there again."""
    found = pages(pdf(month_document(replace(MONTH, matched=MANY))))
    chapter = [text for text in found if "示例养老院" in text]
    assert len(chapter) > 2
    for text in chapter:
        assert "户籍地 → 服务地 机构 区县 笔数 金额" in text.replace("\n", " ")
        assert f"本月对账结果摘要 {month_digest(NIGHTS).hex()}" in text
    whole = "".join(chapter)
    assert [] == [number for number in range(1, 101) if f"示例养老院{number}" not in whole]


def test_hashes_are_broken_in_the_middle() -> None:
    """A hash that does not fit a line is two halves, not all but two characters and these."""
    drawn = pdf(statement_document(STANDING, NIGHTS, counts={"320000": counts()}))
    words = " ".join(pages(drawn)).split()
    first = NIGHTS[0]
    shown = (first.lower_result.digest, first.lower_result_hash, b"\x05" * 32)
    for text in (each.hex() for each in shown):
        assert {text[:32], text[32:]} <= set(words), text


def test_english() -> None:
    """The month in English."""
    (first, *_) = pages(pdf(month_document(MONTH, lang="en")))
    assert "2026-11 Monthly report" in first
    assert "page 1 of" in first


def test_same_bytes() -> None:
    """The same report gives the same bytes; nothing says when it was made."""
    document = month_document(MONTH)
    data = pdf(document)
    assert data == pdf(month_document(replace(MONTH)))
    assert data != pdf(month_document(replace(MONTH, until_date="2026-11-29")))
    assert "D:20000101000000Z" == PdfReader(io.BytesIO(data)).metadata["/CreationDate"]


def test_fonts_are_inside() -> None:
    """Both weights are embedded, and small."""
    data = pdf(month_document(MONTH))
    assert len(data) < 200_000
    reader = PdfReader(io.BytesIO(data))
    fonts = reader.pages[0]["/Resources"]["/Font"]
    found = [each.get_object() for each in fonts.values()]
    assert 2 == len(found)
    for font in found:
        inner = font["/DescendantFonts"][0].get_object()
        assert "/FontFile2" in inner["/FontDescriptor"].get_object()
