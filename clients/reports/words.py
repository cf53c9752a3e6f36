"""What stands in reports, Chinese and English side by side; and names of provinces and classes."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from clients.division_names import division_name
from settlement.core.classes import LineClass

__all__ = ["class_action", "class_name", "division", "province", "word"]

_WORDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "head": ("长三角养老补贴跨省结算", "Cross-province settlement of eldercare subsidies"),
        "page": ("第", "page"),
        "of": ("页，共", "of"),
        # Parts.
        "statement": ("清算单", "Statement"),
        "month_report": ("月报", "Monthly report"),
        "matrix": ("双边矩阵", "Bilateral matrix"),
        "totals": ("分类汇总", "Classes"),
        "ageing": ("未结账龄", "Ageing of open lines"),
        "institutions": ("分机构", "By institution"),
        "districts": ("分区县", "By district"),
        "money": ("付款与预付金", "Payments and advances"),
        "disputes": ("差错单", "Disputes"),
        "books": ("账簿", "Books"),
        "basis": ("对账依据", "Basis"),
        # Facts.
        "statement_id": ("清算单编号", "Statement"),
        "proposer": ("提出方", "Proposed by"),
        "dates": ("业务日期", "Business dates"),
        "as_of": ("（截至 {}）", " as of {}"),
        "until": ("至", "to"),
        "state": ("状态", "State"),
        "netting": ("轧差方式", "Netting"),
        "statement_entry": ("清算单所在日志", "Log of the statement"),
        "place": ("{} 序号 {}", "{} index {}"),
        "BILATERAL": ("双边轧差（每对一笔）", "Bilateral (one payment a pair)"),
        "MULTILATERAL": ("多边轧差（经各方同意）", "Multilateral (all consent)"),
        "statement_digest": ("摘要（审批以此为准）", "Digest (what is approved)"),
        "statement_note": (
            "金额单位：人民币元。本表为清算单的呈现形式，审批对象为上列摘要所指的日志条目。",
            "Amounts in yuan. A rendering: what is approved is the log entry with the digest.",
        ),
        "month_digest": ("本月对账结果摘要", "Digest of the month's results"),
        "month_note": (
            "金额单位：人民币元。摘要为“对账依据”所列结果叶哈希依次相接后的 SHA-256。",
            "Amounts in yuan. The digest is the SHA-256 of the leaf hashes under Basis, in order.",
        ),
        "month": ("月份", "Month"),
        "closed_month": ("月结", "Closing of the month"),
        "not_closed": ("尚未结账", "not closed yet"),
        "journal_hash": ("流水摘要 {}（{} 笔）", "journal {} ({} lines)"),
        # Tables.
        "positions": ("净额（应收减应付）", "Positions (received less paid)"),
        "province": ("省份", "Province"),
        "pays": ("应付", "Pays"),
        "receives": ("应收", "Receives"),
        "net": ("净额", "Net"),
        "total": ("合计", "Total"),
        "payments": ("付款", "Payments"),
        "no_payments": ("无需付款。", "Nothing is to be paid."),
        "drawdowns": ("以预付金清偿", "Paid from advances"),
        "no_drawdowns": ("未动用预付金。", "No advance is drawn."),
        "payment_id": ("付款编号", "Payment"),
        "basis_id": ("依据", "For"),
        "payer": ("付款方", "Payer"),
        "payee": ("收款方", "Payee"),
        "amount": ("金额", "Amount"),
        "capital": ("金额大写", "Amount in capitals"),
        "debited": ("付方已出账", "Debited"),
        "credited": ("收方已入账", "Credited"),
        "next": ("下一步", "Next"),
        "answers": ("各方意见", "Answers"),
        "answer": ("意见", "Answer"),
        "maker": ("经办", "Maker"),
        "checker": ("复核", "Checker"),
        "signatures": ("签名", "Signatures"),
        "matrix_heading": (
            "付款方（行，户籍地）→ 收款方（列，服务地）",
            "Payer (row, home) → payee (column, host)",
        ),
        "corner": ("付款方＼收款方", "Payer \\ payee"),
        "sum_paid": ("应付合计", "Paid in all"),
        "sum_received": ("应收合计", "Received in all"),
        "with": ("与 {} 的业务，{}", "With {}, {}"),
        "cleared_in": ("本期已办结", "closed in these days"),
        "open_at": ("期末未结", "open at their end"),
        "class": ("类别", "Class"),
        "lines": ("笔数", "Lines"),
        "home_fen": ("户籍地金额", "Filed by home"),
        "host_fen": ("服务地金额", "Filed by host"),
        "no_lines": ("无。", "None."),
        "open_by_age": (
            "未结笔数（按首次报送至期末的天数）",
            "Open lines by days since filing",
        ),
        "days": ("{} 天", "{} days"),
        "older": ("{} 天以上", "over {} days"),
        "open_fen": ("未结金额", "Open amount"),
        "overdue": ("已逾期", "Overdue"),
        "by_institution": ("本期对平（按机构）", "Matched in these days, by institution"),
        "by_district": ("本期对平（按机构所在区县）", "Matched in these days, by its district"),
        "institution": ("机构", "Institution"),
        "district": ("区县", "District"),
        "direction": ("户籍地 → 服务地", "Home → host"),
        "advances": ("预付金", "Advances"),
        "advance": ("预付金编号", "Advance"),
        "received": ("已到账", "Received"),
        "drawn": ("已动用", "Drawn"),
        "left": ("余额", "Left"),
        "no_advances": ("无预付金。", "There is no advance."),
        "no_payment": ("无付款。", "There is no payment."),
        "open_disputes": ("未办结的差错单", "Disputes that are open"),
        "no_disputes": ("无未办结的差错单。", "No dispute is open."),
        "dispute": ("差错单编号", "Dispute"),
        "settlement_no": ("结算编号", "Settlement"),
        "raised": ("提出日", "Raised"),
        "owner": ("应办方", "Whose move"),
        "due": ("限期", "Due"),
        "BOTH": ("双方", "both"),
        "trial_balance": ("试算平衡表", "Trial balance"),
        "account": ("科目", "Account"),
        "name": ("名称", "Name"),
        "debit": ("借方", "Debit"),
        "credit": ("贷方", "Credit"),
        "balance": ("余额", "Balance"),
        "balance_digest": ("试算平衡摘要", "Digest of the balance"),
        "agreed": ("双方一致的对账结果", "Results on which both sides agree"),
        "one": ("一方", "One side"),
        "other": ("另一方", "Other side"),
        "date": ("业务日", "Date"),
        "digest": ("明细摘要", "Digest of lines"),
        "result_hash": ("结果叶哈希（一方；另一方）", "Leaf hashes of the results"),
        "positions_heading": ("日志位置（期末检查点）", "Places in the logs (last checkpoints)"),
        "log": ("日志", "Log"),
        "size": ("条目数", "Entries"),
        "root": ("根哈希", "Root"),
        # States.
        "DUE": ("待付", "due"),
        "ORDERED": ("已指令", "ordered"),
        "UNKNOWN": ("未知", "unknown"),
        "DEBITED": ("已出账", "debited"),
        "PAID": ("已付", "paid"),
        "RETURNED": ("已退回", "returned"),
        "PARTIAL": ("部分支付", "paid in part"),
        "OVERPAID": ("多付", "paid too much"),
        "PROPOSED": ("待各方答复", "waits for answers"),
        "BINDING": ("生效", "binding"),
        "VOID": ("无效", "void"),
        "RAISED": ("待答复", "raised"),
        "CONTESTED": ("有争议", "contested"),
        "AGREED": ("已同意", "agreed"),
        "ESCALATED": ("已提级", "escalated"),
        # Next actions.
        "ORDER": ("付款", "order it"),
        "READ_BANK_STATEMENT": ("读取银行回单", "read the bank's statement"),
        "ASK_BANK": ("向银行查询", "ask the bank"),
        "PAYEE_READ_BANK_STATEMENT": ("收方读取银行回单", "the payee reads its bank's statement"),
        "ORDER_AGAIN": ("再次付款", "order it again"),
        "ORDER_REST": ("补付余款", "order the rest"),
        "RETURN_SURPLUS": ("退回多付", "return the surplus"),
        "310000": ("上海市", "Shanghai"),
        "320000": ("江苏省", "Jiangsu"),
        "330000": ("浙江省", "Zhejiang"),
        "340000": ("安徽省", "Anhui"),
    }
)

_CITY_DIGITS: Final = 4


def word(name: str, lang: str) -> str:
    """Return what people read for a name; a code that has no words is read as it is."""
    return _WORDS[name][0 if lang == "zh" else 1] if name in _WORDS else name


def province(code: str, lang: str) -> str:
    """Return a province's name and code."""
    return f"{word(code, lang)} {code}" if code in _WORDS else code


def division(code: str) -> str:
    """Return a division's name and code; where that is not known, the city in which it lies."""
    name = division_name(code)
    if name:
        return f"{name} {code}"
    city = division_name(f"{code[:_CITY_DIGITS]}00")
    return f"{city}所辖 {code}" if city else code


def class_name(line_class: LineClass, lang: str) -> str:
    """Return what a class is called."""
    return line_class.zh if lang == "zh" else line_class.en


def class_action(line_class: LineClass, lang: str) -> str:
    """Return what is to be done with a line of a class."""
    return line_class.action_zh if lang == "zh" else line_class.action_en
