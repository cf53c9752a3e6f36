"""Chinese for what is refused of settlement records, nights and statements."""

from collections.abc import Mapping

__all__ = ["ZH"]

ZH: Mapping[str, str] = {
    # Records, reversals and holds.
    "Home and host are not {} and {}.": "户籍地与服务地不是 {} 与 {}。",
    "Home is not {}, or the host not {}.": "户籍地不是 {}，或服务地不是 {}。",
    "File it in the batch of its own partner.": "请列入其对应伙伴省的批次。",
    "No log has so many entries.": "没有条目如此多的日志。",
    "Use the index you were given.": "请用报送时得到的序号。",
    "A hold says why.": "暂缓须说明事由。",
    "Name its class.": "请写明类别。",
    "It is not 0 to 10^12 fen.": "不在 0 至 10^12 分之间。",
    "File a reversal of the own record.": "请冲正本方记录。",
    "The host has filed no record under this number.": "服务地未报送过该编号。",
    "{} revisions are not possible.": "有 {} 条不能修订。",
    "{} elements are not possible; first: {}": "有 {} 条不能受理，首条：{}",
    "A batch has 1 to {} elements.": "一批应有 1 至 {} 条。",
    "Send several batches.": "请分批报送。",
    # Enrolments and policies.
    "It stands twice in the request.": "在请求中重复出现。",
    "This is not a member that can be asked here.": "不是可在此查询的成员。",
    "No enrolment stands behind this code.": "该登记码没有对应的备案。",
    "This is not the number of an enrolment.": "不是备案编号。",
    "The node allocates it.": "由节点分配。",
    "This is not a division of the home province.": "不是户籍省的区划。",
    "Write the six digits of the county or district in which the elder is registered.": (
        "请写老年人户籍所在区县的六位代码。"
    ),
    "It names 1 to 16 kinds, without repetition.": "应列 1 至 16 种补贴，不得重复。",
    "A rate is counted by day, month or use.": "标准须按日、月或次计。",
    # Nights.
    "It is not a class.": "不是对账类别。",
    "The night has no such leaf.": "该夜对账没有这一叶。",
    "More than {} dates are open: close an earlier one first.": (
        "未日切的日期超过 {} 个：请先办理较早的日切。"
    ),
    "This node has not run that night.": "本节点尚未运行该夜对账。",
    "Both have to state a result of one attempt, with digests that differ.": (
        "须双方已声明同一次对账的结果，且摘要不同。"
    ),
    "The partner's leaves do not give the digest that it stated.": (
        "由伙伴给出的各叶算不出其声明的摘要。"
    ),
    "The partner's leaf does not have its hash.": "伙伴给出的叶与其哈希不符。",
    "A pin is of {}, which is no registry.": "日切所列的 {} 不是登记日志。",
    "The checkpoint of {} has no quorum.": "{} 的检查点未达法定联签数。",
    "It is not a checkpoint of that settlement log.": "不是该结算日志的检查点。",
    # Statements.
    "An answer approves or refuses.": "答复应为批准或拒绝。",
    "It does not begin with the proposer's code.": "不以提出方的代码开头。",
    "The window is not a first and a last date.": "清算期间不是起止日期。",
    "They are not 1 to {} leaf hashes, sorted, each once.": (
        "应为 1 至 {} 个叶哈希，按序排列，不得重复。"
    ),
    "The flows are not ordered pairs of members, sorted, each once.": (
        "流量应按成员两两列出，按序排列，不得重复。"
    ),
    "It does not begin with the own code.": "不以本省代码开头。",
    "Write it as {}-S2026-1.": "请写成 {}-S2026-1。",
    "At most {} dates.": "至多 {} 天。",
    "It is bilateral or multilateral.": "应为双边或多边。",
    "No log states this statement.": "任何日志中都没有该清算单。",
    "{} is no party of {}.": "{} 不是 {} 的当事方。",
    "{} is not cosigned by a quorum yet.": "{} 的联签尚未达到法定数。",
    "{} was refused by a party.": "{} 已被一方拒绝。",
    "This node does not compute what {} says.": "本节点算出的结果与 {} 不符。",
    "Results of {} are approved in {}.": "{} 所列的对账结果已在 {} 中获批准。",
    "It is no statement.": "不是清算单的名称。",
    "Write statements/ and its id.": "请写 statements/ 加清算单编号。",
    "{} nights of the window are not agreed.": "期间内有 {} 夜对账未达成一致。",
    "No registry log shows a night of any pair.": "任何登记日志中都没有对账结果。",
    "Nights of the window are in another statement: {}.": "期间内有的夜已列入另一清算单：{}。",
    # Files to compare.
    "Lines are written as Parquet or CSV.": "逐行结果只能写成 Parquet 或 CSV。",
    "Name a file that ends in .parquet or .csv.": "请给出以 .parquet 或 .csv 结尾的文件名。",
    "There is no such folder.": "没有这一文件夹。",
    "Make the folder, or name another.": "请新建该文件夹，或另选一个。",
    "This is one of the files to compare.": "这正是要比对的文件之一。",
    "Name another file.": "请另给文件名。",
}
