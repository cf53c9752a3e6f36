"""What is wrong, or worth a look, in a bank statement: typed, in Chinese and English.

A finding names the entry as the statement numbers it, the ``EndToEndId`` and the value; a problem
says its remedy, and whether the booking is reported all the same: what contradicts itself is not.
"""

import enum
from dataclasses import dataclass

__all__ = ["BankFinding", "BankProblem"]


class BankProblem(enum.Enum):
    """What can be found: whether the booking counts; sentence and remedy in English and Chinese."""

    # --- The statement as a whole
    ACCOUNT_NOT_OURS = (
        False,
        "The statement is of an account that the members' metadata does not state as ours.",
        "Read the statement of our account; a new account is signed by the offices first.",
        "对账单账户不是联盟元数据所载的本省账户。",
        "请读取本省账户的对账单；新账户须先由各省签署。",
    )
    BALANCE_DIFFERS = (
        True,
        "Opening balance and booked entries do not add up to the closing balance.",
        "Ask the bank for the whole statement; what it shows is reported meanwhile.",
        "期初余额加已入账分录不等于期末余额。",
        "请向银行索取完整对账单；所示内容先行登记。",
    )
    # --- A booking that is not reported
    FOREIGN_CURRENCY = (
        False,
        "The booking is not in CNY.",
        "Ask the bank to book the payment in CNY.",
        "入账币种不是人民币。",
        "请与银行核实，应以人民币入账。",
    )
    NOT_WHOLE_FEN = (
        False,
        "The amount is not a whole number of fen above zero and up to a trillion yuan.",
        "Ask the bank for a corrected statement.",
        "金额不是大于零、至多一万亿元的整数分。",
        "请向银行索取更正的对账单。",
    )
    BATCH_SUM = (
        False,
        "The transactions of the entry do not add up to its amount.",
        "Ask the bank for a corrected statement, or for each transaction by itself.",
        "批量分录的明细之和与分录金额不符。",
        "请向银行索取更正的对账单或逐笔明细。",
    )
    NO_REFERENCE = (
        False,
        "The booking has no reference of the bank, so it cannot be told from another.",
        "Ask the bank for statements with its own references (AcctSvcrRef).",
        "入账无银行流水号，无法与他笔区分。",
        "请银行在对账单中给出流水号（AcctSvcrRef）。",
    )
    NO_DATE = (
        False,
        "The booking has no date.",
        "Ask the bank for a corrected statement.",
        "入账无日期。",
        "请向银行索取更正的对账单。",
    )
    BEFORE_ORDER = (
        False,
        "The booking is dated before the payment was ordered, or before anything was due.",
        "Ask the bank for a corrected statement.",
        "入账日早于下达指令之日，或早于款项应付之日。",
        "请向银行索取更正的对账单。",
    )
    AFTER_TODAY = (
        False,
        "The booking is dated after today.",
        "Read the statement again on that day, or ask the bank for a corrected one.",
        "入账日晚于今日。",
        "请于当日再次读取，或向银行索取更正的对账单。",
    )
    RETURN_CONTRADICTS = (
        False,
        "The booking is called a return but goes the way of the payment.",
        "Ask the bank what it booked.",
        "标明为退汇，但方向与付款相同。",
        "请向银行核实该笔入账。",
    )
    UNKNOWN_PAYMENT = (
        False,
        "The EndToEndId has the form of ours, but no binding statement or advance leads to it.",
        "It is not ours, or the node has not received the statement yet: look again later.",
        "EndToEndId 为本系统格式，但无任何生效清算单或预付款与之对应。",
        "并非本方付款，或节点尚未收到清算单；请稍后再试。",
    )
    BOOKED_OTHERWISE = (
        False,
        "The booking was reported before, under the same reference, with another amount.",
        "What was reported stands. Ask the bank which is right: it corrects by another booking.",
        "该笔流水此前已以其他金额登记。",
        "仍以先前登记为准；请向银行核实，更正须另记一笔。",
    )
    TWO_AMOUNTS = (
        False,
        "The message shows the booking twice under one reference, with two amounts.",
        "Ask the bank for a corrected statement.",
        "报文中同一流水号出现两个不同金额。",
        "请向银行索取更正的对账单。",
    )
    # --- A booking that is reported, and has to be looked at
    NOT_ORDERED = (
        True,
        "The bank booked an attempt that was never ordered here.",
        "Find out who gave the bank the order.",
        "银行入账了本节点从未指令的一次付款。",
        "请查明是谁向银行下达的指令。",
    )
    NOT_SENT_BY_PAYER = (
        True,
        "The money came under an attempt that the payer's log, as held here, does not order.",
        "Ask the payer. What it did not send goes back under the same EndToEndId.",
        "到账所注付款次数在付款方日志（以本节点所存为准）中无指令。",
        "请询问付款方；非其所付者以同一 EndToEndId 退回。",
    )
    WRONG_AMOUNT = (
        True,
        "The amount booked is not the amount ordered.",
        "See settle pay list: the rest is ordered again, a surplus is returned.",
        "入账金额与指令金额不符。",
        "见 settle pay list：不足者补付，多付者退回。",
    )
    DOUBLED = (
        True,
        "The attempt was booked more than once under different references.",
        "Ask the bank; the surplus is returned by the payee.",
        "同一次付款以不同流水号重复入账。",
        "请询问银行；多付部分由收款方退回。",
    )
    RETURNED = (
        True,
        "The payment came back.",
        "Find out why; settle pay order then orders another attempt.",
        "付款被退回。",
        "查明原因后用 settle pay order 重新付款。",
    )
    SENT_BACK = (
        True,
        "Money that is due left our account again.",
        "Ask the bank why. The payer orders it again once its own bank shows it.",
        "应收款项又从本方账户转出。",
        "请向银行查明原因；付款方对账单显示后由其重付。",
    )
    SURPLUS_LEFT = (
        True,
        "A part of the surplus went back; the payee still has more than is due.",
        "See settle pay list: the payee returns the rest under the same EndToEndId.",
        "多付款项只退回一部分，收款方所收仍多于应付。",
        "见 settle pay list：收款方以同一 EndToEndId 退回其余部分。",
    )
    # --- What is not in it
    PENDING = (
        False,
        "The bank has the payment and has not booked it yet.",
        "Read the next statement. Do not order it again.",
        "银行已受理该笔付款，尚未入账。",
        "请读取下一份对账单，切勿重复付款。",
    )
    MISSING = (
        True,
        "The statement covers the day of execution and does not show the payment.",
        "Read the next statement; if it is not there either, ask the bank. Do not order it again.",
        "对账单已覆盖付款日，但未见该笔付款。",
        "请读取下一份对账单；仍无则询问银行，切勿重复付款。",
    )

    def __init__(self, is_reported: bool, en: str, remedy_en: str, zh: str, remedy_zh: str) -> None:  # noqa: FBT001 - a row of the enumeration
        self.is_reported = is_reported
        self.en = en
        self.remedy_en = remedy_en
        self.zh = zh
        self.remedy_zh = remedy_zh


@dataclass(frozen=True, slots=True, kw_only=True)
class BankFinding:
    """One thing that was found.

    Attributes:
        problem: What.
        place: Statement and entry, such as ``2/17``, both counted from 1; the statement alone where
            it is about the whole.
        end_to_end_id: Of the booking; empty if it is about none.
        value: What was found there, short; an amount with its currency.
    """

    problem: BankProblem
    place: str
    end_to_end_id: str = ""
    value: str = ""
