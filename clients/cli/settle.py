"""``deltacare settle``: the finance clerk's commands, gathered; each lives in its own module."""

from clients.cli.commands import Group, LazyCommand
from clients.language import both

__all__ = ["settle"]


def _lazy(target: str, zh: str, en: str) -> LazyCommand:
    return LazyCommand(target=f"clients.cli.settle_{target}", help=both(zh, en))


_COMMANDS = (
    ("import", "files:import_", "报送结算文件。", "File a settlement file."),
    ("revise", "revise:revise", "更正未结清的记录。", "Replace own open records."),
    ("inbox", "filing:inbox", "对方已报、本方待办。", "What the host filed and we have not."),
    ("refuse", "filing:refuse", "说明为何不报。", "Say why a record is not answered."),
    ("reverse", "filing:reverse", "冲正本方记录。", "Cancel own records."),
    ("hold", "filing:hold", "暂缓支付。", "Hold settlements back."),
    ("release", "filing:release", "解除暂缓。", "End own holds."),
    ("enrol", "enrol:enrol", "登记老人，取登记码。", "Enrol elders with a host; get codes."),
    ("resolve", "enrol:resolve", "按登记码查登记。", "Find an enrolment by its code."),
    ("policy", "policy:policy", "补贴政策。", "Subsidy policies: publish, list."),
    ("close-day", "night:close_day", "日切。", "Close a business date."),
    ("run", "night:run", "运行到期的对账。", "Run the nights that are due."),
    ("status", "night:status", "各对、各日的进度。", "Where each night stands."),
    ("discrepancies", "night:discrepancies", "差错及下一步。", "What is open, and whose move."),
    ("proposals", "night:proposals", "建议冲正的已结清记录。", "Cleared, and to be reversed."),
    ("compare", "night:compare", "两方结果的首个差异。", "First line that two nights differ in."),
    ("statements", "statement:statements", "列出清算单。", "List statements and answers."),
    ("propose", "statement:propose", "提出清算单。", "Propose a statement."),
    ("approve", "statement:approve", "批准或拒绝清算单。", "Approve or refuse a statement."),
    ("export", "statement:export", "导出清算单。", "Write a statement as XLSX or JSON."),
    ("reconcile", "files:reconcile", "两份文件直接对账。", "Reconcile two files, no node."),
)

settle = Group(
    name="settle",
    help=both("结算、对账与清分。", "Settle, reconcile and clear."),
    lazy={name: _lazy(target, zh, en) for name, target, zh, en in _COMMANDS},
)
