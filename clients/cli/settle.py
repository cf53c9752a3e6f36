"""``deltacare settle``: the finance clerk's commands, gathered; each lives in its own module."""

from clients.cli.commands import Group, LazyCommand
from clients.language import both

__all__ = ["settle"]


def _lazy(target: str, zh: str, en: str) -> LazyCommand:
    return LazyCommand(target=f"clients.cli.settle_{target}", help=both(zh, en))


settle = Group(
    name="settle",
    help=both("结算、对账与清分。", "Settle, reconcile and clear."),
    lazy={
        "import": _lazy("files:import_", "报送结算文件。", "File a settlement file."),
        "inbox": _lazy(
            "filing:inbox", "对方已报、本方待办。", "What the host filed and we have not."
        ),
        "refuse": _lazy("filing:refuse", "说明为何不报。", "Say why a record is not answered."),
        "reverse": _lazy("filing:reverse", "冲正本方记录。", "Cancel own records."),
        "hold": _lazy("filing:hold", "暂缓支付。", "Hold settlements back."),
        "close-day": _lazy("night:close_day", "日切。", "Close a business date."),
        "run": _lazy("night:run", "运行到期的对账。", "Run the nights that are due."),
        "status": _lazy("night:status", "各对、各日的进度。", "Where each night stands."),
        "discrepancies": _lazy(
            "night:discrepancies", "差错及下一步。", "What is open, and whose move."
        ),
        "compare": _lazy(
            "night:compare", "两方结果的首个差异。", "First line in which two nights differ."
        ),
        "propose": _lazy("statement:propose", "提出清算单。", "Propose a statement."),
        "approve": _lazy(
            "statement:approve", "批准或拒绝清算单。", "Approve or refuse a statement."
        ),
        "export": _lazy("statement:export", "导出清算单。", "Write a statement as XLSX or JSON."),
        "reconcile": _lazy(
            "files:reconcile", "两份文件直接对账。", "Reconcile two files, no node."
        ),
    },
)
