"""``deltacare settle``: the finance clerk's commands, gathered; each lives in its own module."""

from clients.cli.commands import Group, LazyCommand
from clients.language import both

__all__ = ["settle"]


def _lazy(target: str, zh: str, en: str) -> LazyCommand:
    return LazyCommand(target=f"clients.cli.settle_{target}", help=both(zh, en))


_COMMANDS = (
    ("template", "template:template", "写出待填的模板。", "Write a template to fill in."),
    ("import", "import:import_", "报送结算文件。", "File a settlement file."),
    ("revise", "revise:revise", "更正未结清的记录。", "Replace own open records."),
    ("totals", "totals:totals", "与节点核对总数。", "Compare totals with the node."),
    ("drafts", "drafts:drafts", "待复核事项。", "What waits for a reviewer."),
    ("inbox", "inbox:inbox", "对方已报、本方待办。", "What the host filed and we have not."),
    ("answer", "inbox:answer_", "批量确认或拒绝待办。", "Confirm in bulk what fits, or refuse."),
    ("refuse", "filing:refuse", "说明为何不报。", "Say why a record is not answered."),
    ("reverse", "filing:reverse", "冲正本方记录。", "Cancel own records."),
    ("hold", "filing:hold", "暂缓支付。", "Hold settlements back."),
    ("release", "filing:release", "解除暂缓。", "End own holds."),
    ("holds", "holds:holds", "列出暂缓。", "Holds of a pair, and which can be ended."),
    ("overlaps", "holds:overlaps", "重复享受。", "Elders whose days are paid for twice."),
    ("overlap-key", "holds:overlap_key", "比对重复享受的密钥。", "The key that finds overlaps."),
    ("clawback", "clawback:clawback", "追回已清分的结算。", "Demand cleared settlements back."),
    ("enrol", "enrol:enrol", "登记老人，取登记码。", "Enrol elders with a host; get codes."),
    ("end-enrolment", "enrol:end_enrolment", "终止登记。", "End an enrolment from a day on."),
    ("resolve", "enrol:resolve", "按登记码查登记。", "Find an enrolment by its code."),
    ("policy", "policy:policy", "补贴政策。", "Subsidy policies: publish, list."),
    ("budget", "budget:budget", "预算。", "Budgets: publish, and what is left."),
    ("close-day", "night:close_day", "日切。", "Close a business date."),
    ("run", "night:run", "运行到期的对账。", "Run the nights that are due."),
    ("nights", "night:nights", "各对、各日的进度。", "Where each night stands."),
    ("status", "status:status", "下一步做什么。", "What to do next, and who does it."),
    (
        "discrepancies",
        "discrepancies:discrepancies",
        "差错及下一步。",
        "What is open, and whose move.",
    ),
    ("dispute", "dispute:dispute", "差错单。", "Disputes on lines: raise, answer, close."),
    ("proposals", "night:proposals", "建议冲正的已结清记录。", "Cleared, and to be reversed."),
    ("compare", "night:compare", "两方结果的首个差异。", "First line that two nights differ in."),
    ("statements", "statement:statements", "列出清算单。", "List statements and answers."),
    ("propose", "statement:propose", "提出清算单。", "Propose a statement."),
    ("approve", "statement:approve", "批准或拒绝清算单。", "Approve or refuse a statement."),
    ("key", "key:key", "批准用的个人密钥。", "People's keys for approvals."),
    ("advance", "advance:advance", "预付金。", "Advances: terms, grant, list."),
    ("pay", "pay:pay", "付款进度与指令。", "Payments: where they stand, ordering."),
    ("confirm", "confirm:confirm", "读取银行对账单。", "Read a bank statement and report it."),
    ("export", "statement:export", "导出清算单。", "Write a statement as XLSX or JSON."),
    ("books", "books:books", "账簿：流水、余额、月结。", "Books: journal, balances, months."),
    ("report", "report:report", "报表（XLSX、PDF）。", "Reports as XLSX and PDF."),
    ("reconcile", "files:reconcile", "两份文件直接对账。", "Reconcile two files, no node."),
)

settle = Group(
    name="settle",
    help=both("结算、对账与清分。", "Settle, reconcile and clear."),
    lazy={name: _lazy(target, zh, en) for name, target, zh, en in _COMMANDS},
)
