"""Chinese for what is refused of policies, budgets, rates and computed amounts."""

from collections.abc import Mapping

__all__ = ["ZH"]

ZH: Mapping[str, str] = {
    # Rules.
    "Policies and budgets are stated in registry logs only.": "补贴政策与预算只在登记日志中声明。",
    "A field of a policy or budget does not have the form that the contract gives it.": (
        "政策或预算的要素格式不符合约定。"
    ),
    "A budget is not less than what is reserved and consumed under it already.": (
        "预算不得少于已占用与已支用之和。"
    ),
    "{} fen, {} reserved, {} consumed": "{} 分，已占用 {}，已支用 {}",
    "The budget does not cover it yet: raise the budget before the hold is ended.": (
        "预算仍不足以支付该笔，不得解除暂缓：请先追加预算。"
    ),
    # Policies and budgets.
    "This is not a division of {}.": "不是 {} 的区划。",
    "Write the six digits of the own province, or of a city or district in it.": (
        "请写本省或其市、区县的六位代码。"
    ),
    "It has at most 100 printable characters.": "至多 100 个可显示的字符。",
    "Shorten it.": "请缩短。",
    "Give the SHA-256 of the document, or nothing.": "请给出文件的 SHA-256，或不填。",
    "A rate is an amount above zero, or a tariff above zero and a share.": (
        "标准须为大于零的金额，或大于零的单价及支付比例。"
    ),
    "Give amount_yuan alone, or tariff_yuan with share_percent.": (
        "请只填 amount_yuan，或填 tariff_yuan 与 share_percent。"
    ),
    "An earlier rate is of this grade too.": "前面已有该等级的标准。",
    "Leave one rate for each grade.": "每个等级请只留一条标准。",
    "A rate is not negative.": "标准不得为负。",
    "Write yuan above zero, such as 45.00.": "请填写大于零的金额（元），如 45.00。",
    "Give amount_fen alone, or tariff_fen with share_basis_points from 1 to 10,000.": (
        "请只填 amount_fen，或填 tariff_fen 与 1 至 10,000 的 share_basis_points。"
    ),
    "There are more than {} rates.": "标准多于 {} 条。",
    "The rates are not sorted by grade, each once.": "标准未按等级排序，或等级重复。",
    "Sort them by the bytes of their grade; leave no grade twice.": (
        "请按等级的字节排序，每个等级只留一条。"
    ),
    "The rates name grades of no scheme.": "标准列有等级，却未写评估体系。",
    "Name the scheme, such as GB_T_42195.": "请写明评估体系，如 GB_T_42195。",
    "The rates say what is paid already.": "分等级标准已说明金额。",
    "Leave rate_fen 0, or give no rates.": "请将 rate_fen 置 0，或不列分等级标准。",
    "Name one.": "请写明一种。",
    "Check the digits.": "请核对数字。",
    "This is not the name of a group.": "不是互斥组名称。",
    "Only a month is paid by its days.": "只有按月计的才按天折算。",
    "Leave it out, or count by month.": "请去掉折算，或改为按月计。",
    "Write a day that does not.": "请写不早于起始日的日期。",
    "It is not 2000 to 2999.": "不在 2000 至 2999 之间。",
    "Write 2026.": "请写如 2026。",
    "Write 2026, or 0 for all.": "请写如 2026；全部则写 0。",
    "It is not 0 to 10^14 fen.": "不在 0 至 10^14 分之间。",
    # Amounts.
    "A request has 1 to 1,000 services.": "一次请求应有 1 至 1,000 项服务。",
    "Send several.": "请分次发送。",
    "Home and host are not {} and a partner.": "户籍地与服务地不是 {} 与一个伙伴省。",
    "Ask a node of one of the two.": "请向两地之一的节点查询。",
    "Take it from the enrolment: 32 lower-case hexadecimal digits.": (
        "请取自备案：32 位小写十六进制数。"
    ),
    "Write 2026-10.": "请写如 2026-10。",
    "Give the days or uses of that month.": "请给出该月的天数或次数。",
    "It goes with the policy by which the amount was computed.": "须与计算所依的政策一同给出。",
    "Give policy_index and a version from 1, as ComputeAmounts answered, or neither.": (
        "请按 ComputeAmounts 的答复同时给出 policy_index 与自 1 起的版本，或都不给。"
    ),
    # Enrolments.
    "This is no reason for which an enrolment ends.": "不是终止备案的事由。",
    "The assessment ended before the first day.": "评估在起始日之前已到期。",
    "Have the elder assessed again, or enrol from an earlier day.": (
        "请重新评估老人，或改用较早的起始日备案。"
    ),
    # Files of rates.
    "The file has no tables [[rates]].": "文件没有 [[rates]] 表。",
    "Write one [[rates]] for each grade.": "请为每个等级写一个 [[rates]]。",
    "This is not a share from 0.01 to 100 percent.": "不是 0.01 至 100 之间的百分比。",
    "Write 60 or 62.5, with at most two decimals.": "请写如 60 或 62.5，至多两位小数。",
    "A file of rates has at most 1 MiB.": "标准文件至多 1 MiB。",
    "This is not a field of a rate.": "不是标准的要素。",
    "Use grade, amount_yuan, tariff_yuan and share_percent.": (
        "请用 grade、amount_yuan、tariff_yuan 与 share_percent。"
    ),
}
