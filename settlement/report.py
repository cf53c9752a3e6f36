"""Draws a clearing statement as a workbook that a finance clerk can read, print and sign.

A rendering, not the statement: what people approve is the leaf hash of the statement's entry, which
every sheet prints. It takes plain values and returns bytes, the same bytes for the same values on
every node, so that two provinces can compare their files. It reads and stores nothing.
"""

import io
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from deltacare.money import FEN_PER_YUAN, capital_yuan
from settlement.core.net import Payment
from settlement.core.summary import ClassTotal

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

__all__ = ["PaymentLine", "StatementView", "statement_workbook"]

# A workbook records when it was made; a fixed instant keeps equal statements equal.
_FIXED_TIME = datetime(2000, 1, 1)  # noqa: DTZ001 - the format knows no zones
_FIXED_ZIP_TIME = (2000, 1, 1, 0, 0, 0)

_YUAN_FORMAT = "#,##0.00;[Red]-#,##0.00"
_COUNT_FORMAT = "#,##0"
_COLUMN_CHARS = 24
_COLUMNS_MAX = 8
_FILE_MODE = 0o600 << 16
_MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*")
_FIXED_MODIFIED = rb"\g<1>2000-01-01T00:00:00Z"

# What people read: Chinese, English.
_WORDS: Final = {
    "front": ("清算单", "Statement"),
    "matrix": ("双边矩阵", "Bilateral matrix"),
    "totals": ("分类汇总", "Classes"),
    "basis": ("对账依据", "Basis"),
    "head": ("长三角养老补贴跨省结算", "Cross-province settlement of eldercare subsidies"),
    "statement_id": ("清算单编号", "Statement"),
    "proposer": ("提出方", "Proposed by"),
    "dates": ("业务日期", "Business dates"),
    "until": ("至", "to"),
    "hash": ("摘要（审批以此为准）", "Digest (what is approved)"),
    "rendering": (
        "金额单位：人民币元。本表为清算单的呈现形式，审批对象为上列摘要所指的日志条目。",
        "Amounts in yuan. This is a rendering; what is approved is the log entry with the digest.",
    ),
    "netting": ("轧差方式", "Netting"),
    "BILATERAL": ("双边轧差（每对一笔）", "Bilateral (one payment a pair)"),
    "MULTILATERAL": ("多边轧差（经各方同意）", "Multilateral (all consent)"),
    "positions": ("一、净额（应收减应付）", "1. Positions (received less paid)"),
    "province": ("省份", "Province"),
    "pays": ("应付", "Pays"),
    "receives": ("应收", "Receives"),
    "net": ("净额", "Net"),
    "total": ("合计", "Total"),
    "payments": ("二、付款", "2. Payments"),
    "no_payments": ("无需付款。", "Nothing is to be paid."),
    "payment_id": ("付款编号", "Payment"),
    "payer": ("付款方", "Payer"),
    "payee": ("收款方", "Payee"),
    "amount": ("金额", "Amount"),
    "capital": ("金额大写", "Amount in capitals"),
    "state": ("状态", "State"),
    "answers": ("三、各方意见", "3. Answers"),
    "answer": ("意见", "Answer"),
    "maker": ("经办", "Maker"),
    "checker": ("复核", "Checker"),
    "matrix_heading": (
        "付款方（行，户籍地）→ 收款方（列，服务地）",
        "Payer (row, home) → payee (column, host)",
    ),
    "corner": ("付款方＼收款方", "Payer \\ payee"),
    "sum_paid": ("应付合计", "Paid in all"),
    "sum_received": ("应收合计", "Received in all"),
    "home": ("户籍地", "Home"),
    "host": ("服务地", "Host"),
    "class": ("类别", "Class"),
    "lines": ("笔数", "Lines"),
    "home_fen": ("户籍地金额", "Filed by home"),
    "host_fen": ("服务地金额", "Filed by host"),
    "closed": ("是否办结", "Closed"),
    "yes": ("是", "yes"),
    "no": ("否", "no"),
    "action": ("下一步", "Next"),
    "agreed": ("双方一致的对账结果", "Results on which both sides agree"),
    "one": ("一方", "One side"),
    "other": ("另一方", "Other side"),
    "digest": ("对账摘要", "Digest of lines"),
    "310000": ("上海市", "Shanghai"),
    "320000": ("江苏省", "Jiangsu"),
    "330000": ("浙江省", "Zhejiang"),
    "340000": ("安徽省", "Anhui"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentLine:
    """A payment as the statement shows it.

    Attributes:
        payment_id: Its one id.
        payment: Who pays whom how much.
        state: Where it stands, in words; empty if not known.
    """

    payment_id: str
    payment: Payment
    state: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementView:
    """Everything that a statement's workbook shows, as plain values.

    Attributes:
        statement_id: Such as `310000-S2026-11`.
        proposer: Six digits.
        from_date: First business date, `YYYY-MM-DD`.
        until_date: Last business date.
        netting: `BILATERAL` or `MULTILATERAL`.
        leaf_hash: Leaf hash of the statement's entry, 32 bytes: what people approve.
        pair_results: (lower, higher, business date, digest of lines) of the agreed results.
        bilateral: Gross flow by (payer, payee).
        positions: Received less paid by province.
        payments: What is to be paid.
        totals: Lines by direction and class; empty if the viewer does not hold them.
        answers: (province, answer in words, maker, checker) of each party.
    """

    statement_id: str
    proposer: str
    from_date: str
    until_date: str
    netting: str
    leaf_hash: bytes
    bilateral: Mapping[tuple[str, str], int]
    positions: Mapping[str, int]
    payments: Sequence[PaymentLine]
    pair_results: Sequence[tuple[str, str, str, bytes]] = ()
    totals: Sequence[ClassTotal] = ()
    answers: Sequence[tuple[str, str, str, str]] = ()


def statement_workbook(view: StatementView, *, lang: str = "zh") -> bytes:
    """Return the workbook of a statement as XLSX.

    Sheets: 清算单 (positions, payments, answers), 双边矩阵 (gross flows), 分类汇总 (class totals of
    each direction, if given), 对账依据 (the pair results it rests on). Amounts are yuan with two
    decimals. The same view and language give the same bytes.

    Args:
        view: What it shows.
        lang: `zh` or `en`.
    """
    from openpyxl import Workbook

    book = Workbook()
    book.properties.creator = "deltacare"
    book.properties.created = _FIXED_TIME
    book.remove(book.worksheets[0])
    for name, draw in _DRAWERS.items():
        if name == "totals" and not view.totals:
            continue
        page = _Page(book.create_sheet(_word(name, lang)), lang)
        _draw_head(page, view, name)
        draw(page, view)
    data = io.BytesIO()
    book.save(data)
    return _with_fixed_times(data.getvalue())


class _Page:
    """A sheet that is written from top to bottom; used for one sheet and thrown away."""

    def __init__(self, sheet: "Worksheet", lang: str) -> None:
        from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
        from openpyxl.utils import get_column_letter
        from openpyxl.worksheet.properties import PageSetupProperties

        self.lang = lang
        self._sheet = sheet
        self._row = 0
        self._bold = Font(bold=True)
        self._title = Font(bold=True, size=16)
        self._shade = PatternFill("solid", fgColor="FFE8EEF4")
        line = Side(style="thin", color="FF9AA5B1")
        self._border = Border(left=line, right=line, top=line, bottom=line)
        self._wrap = Alignment(vertical="center", wrap_text=True)
        sheet.page_setup.orientation = "landscape"
        sheet.page_setup.fitToHeight = 0
        sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
        for index in range(1, _COLUMNS_MAX + 1):
            sheet.column_dimensions[get_column_letter(index)].width = _COLUMN_CHARS

    def word(self, name: str) -> str:
        """Return what people read for a name."""
        return _word(name, self.lang)

    def province(self, code: str) -> str:
        """Return a province's name and code."""
        return f"{self.word(code)} {code}" if code in _WORDS else code

    def title(self, text: str) -> None:
        """Write the title of the page."""
        self._row += 1
        self._sheet.cell(self._row, 1, text).font = self._title

    def heading(self, text: str) -> None:
        """Write the heading of a part, after a gap."""
        self._row += 2
        self._sheet.cell(self._row, 1, text).font = self._bold

    def note(self, text: str) -> None:
        """Write a line of text."""
        self._row += 1
        self._sheet.cell(self._row, 1, text)

    def fact(self, name: str, value: str) -> None:
        """Write what a name stands for, and its value."""
        self._row += 1
        self._sheet.cell(self._row, 1, self.word(name)).font = self._bold
        self._write(2, value)

    def header(self, *texts: str) -> None:
        """Write the names of a table's columns."""
        self.row(*texts, bold=True)
        for index in range(1, len(texts) + 1):
            self._sheet.cell(self._row, index).fill = self._shade

    def row(self, *values: "str | int | Decimal", bold: bool = False) -> None:
        """Write a row of a table: texts, counts (`int`) and yuan (`Decimal`)."""
        self._row += 1
        for index, value in enumerate(values, start=1):
            self._write(index, value)
            cell = self._sheet.cell(self._row, index)
            cell.border = self._border
            if bold:
                cell.font = self._bold

    def _write(self, column: int, value: "str | int | Decimal") -> None:
        """Write a value; a text is never a formula, whatever it begins with."""
        cell = self._sheet.cell(self._row, column)
        cell.value = value
        if isinstance(value, str):
            cell.data_type = "s"
            cell.alignment = self._wrap
        else:
            cell.number_format = _YUAN_FORMAT if isinstance(value, Decimal) else _COUNT_FORMAT


def _draw_head(page: _Page, view: StatementView, name: str) -> None:
    """Write what stands at the top of every page."""
    page.title(f"{page.word('head')} · {page.word(name)}")
    page.fact("statement_id", view.statement_id)
    page.fact("proposer", page.province(view.proposer))
    page.fact("dates", f"{view.from_date} {page.word('until')} {view.until_date}")
    page.fact("hash", view.leaf_hash.hex())
    page.note(page.word("rendering"))


def _draw_front(page: _Page, view: StatementView) -> None:
    """Write positions, payments and answers."""
    word = page.word
    page.fact("netting", word(view.netting))
    # 1. Positions.
    page.heading(word("positions"))
    page.header(*(word(name) for name in ("province", "pays", "receives", "net")))
    for code, net_fen in sorted(view.positions.items()):
        pays = sum(fen for (payer, _), fen in view.bilateral.items() if payer == code)
        receives = sum(fen for (_, payee), fen in view.bilateral.items() if payee == code)
        assert receives - pays == net_fen, "a position is what the matrix says"
        page.row(page.province(code), _yuan(pays), _yuan(receives), _yuan(net_fen))
    gross = sum(view.bilateral.values())
    net = sum(view.positions.values())
    page.row(word("total"), _yuan(gross), _yuan(gross), _yuan(net), bold=True)
    # 2. Payments.
    page.heading(word("payments"))
    if view.payments:
        names = ("payment_id", "payer", "payee", "amount", "capital", "state")
        page.header(*(word(name) for name in names))
    else:
        page.note(word("no_payments"))
    for line in view.payments:
        payment = line.payment
        page.row(
            line.payment_id,
            page.province(payment.payer),
            page.province(payment.payee),
            _yuan(payment.fen),
            capital_yuan(payment.fen),
            line.state,
        )
    # 3. Answers.
    page.heading(word("answers"))
    page.header(*(word(name) for name in ("province", "answer", "maker", "checker")))
    for code, answer, maker, checker in sorted(view.answers):
        page.row(page.province(code), answer, maker, checker)


def _draw_matrix(page: _Page, view: StatementView) -> None:
    """Write the gross flow of each ordered pair."""
    codes = sorted({code for pair in view.bilateral for code in pair} | set(view.positions))
    page.heading(page.word("matrix_heading"))
    page.header(
        page.word("corner"), *(page.province(code) for code in codes), page.word("sum_paid")
    )
    for payer in codes:
        flows = [view.bilateral.get((payer, payee), 0) for payee in codes]
        cells: list[str | Decimal] = [
            "—" if payer == payee else _yuan(fen) for payee, fen in zip(codes, flows, strict=True)
        ]
        page.row(page.province(payer), *cells, _yuan(sum(flows)))
    totals = [sum(view.bilateral.get((payer, code), 0) for payer in codes) for code in codes]
    page.row(
        page.word("sum_received"), *(_yuan(fen) for fen in totals), _yuan(sum(totals)), bold=True
    )


def _draw_totals(page: _Page, view: StatementView) -> None:
    """Write the lines of each direction by class, with what to do next."""
    word = page.word
    for home, host in sorted({(total.home, total.host) for total in view.totals}):
        page.heading(f"{word('home')} {page.province(home)} → {word('host')} {page.province(host)}")
        names = ("class", "lines", "home_fen", "host_fen", "closed", "action")
        page.header(*(word(name) for name in names))
        mine = [total for total in view.totals if (total.home, total.host) == (home, host)]
        for total in sorted(mine, key=lambda total: total.line_class.rank):
            line_class = total.line_class
            page.row(
                line_class.zh if page.lang == "zh" else line_class.en,
                total.line_count,
                _yuan(total.home_fen),
                _yuan(total.host_fen),
                word("yes" if line_class.closed else "no"),
                line_class.action_zh if page.lang == "zh" else line_class.action_en,
            )
        page.row(
            word("total"),
            sum(total.line_count for total in mine),
            _yuan(sum(total.home_fen for total in mine)),
            _yuan(sum(total.host_fen for total in mine)),
            "",
            "",
            bold=True,
        )


def _draw_basis(page: _Page, view: StatementView) -> None:
    """Write the pair results on which the statement rests."""
    page.heading(page.word("agreed"))
    page.header(*(page.word(name) for name in ("one", "other", "dates", "digest")))
    for lower, higher, business_date, digest in sorted(view.pair_results):
        page.row(page.province(lower), page.province(higher), business_date, digest.hex())


_DRAWERS: Final[Mapping[str, Callable[[_Page, StatementView], None]]] = MappingProxyType(
    {
        "front": _draw_front,
        "matrix": _draw_matrix,
        "totals": _draw_totals,
        "basis": _draw_basis,
    }
)


def _word(name: str, lang: str) -> str:
    """Return what people read for a name."""
    return _WORDS[name][0 if lang == "zh" else 1]


def _yuan(fen: int) -> Decimal:
    """Return fen as yuan, exactly."""
    return Decimal(fen) / FEN_PER_YUAN


def _with_fixed_times(data: bytes) -> bytes:
    """Return a workbook whose members bear one fixed time, so that equal content is equal."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w") as target:
        for member in source.infolist():
            content = source.read(member)
            if member.filename == "docProps/core.xml":
                # The library stamps the time of saving whatever the properties say.
                content = _MODIFIED.sub(_FIXED_MODIFIED, content)
            info = zipfile.ZipInfo(member.filename, _FIXED_ZIP_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = _FILE_MODE
            target.writestr(info, content)
    return out.getvalue()
