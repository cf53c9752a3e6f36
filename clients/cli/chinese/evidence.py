"""Chinese for what evidence files lack, and what `verify` refuses."""

from collections.abc import Mapping

__all__ = ["ZH"]

ZH: Mapping[str, str] = {
    # The file.
    "The file has more than {} bytes.": "文件超过 {} 字节。",
    "kind is not receipt, verdict or statement.": "kind 不是 receipt、verdict 或 statement。",
    "A receipt's file holds one receipt.": "回执文件应恰有一份回执。",
    "A statement's file begins with the statement's receipt.": "清算单文件应以清算单的回执开头。",
    "{}.entry has more than {} bytes.": "{}.entry 超过 {} 字节。",
    "{} is not a text in UTF-8.": "{} 不是 UTF-8 文本。",
    "The {} is not JSON in UTF-8.": "{}不是 UTF-8 编码的 JSON：已被改动或截断。",
    "The {} is not spelled in the one way: it was altered or is not ours.": (
        "{}的书写格式不是规定的唯一形式：已被改动，或不是本程序所写。"
    ),
    "evidence file": "证据文件",
    "The verdict": "结论",
    "verdict": "结论",
    "{} has not exactly the fields it should have; see: {}.": "{} 的字段多于或少于应有的：{}。",
    "{} is not of type {}.": "{} 的类型不是 {}。",
    "{} has more than {} items.": "{} 超过 {} 项。",
    # The verdict.
    "The note is not a verdict ({}).": "签名文本不是结论（{}）。",
    "The verdict cannot be read: {}": "结论无法读取：{}",
    "The note's first line is not the name of a key for verdicts.": (
        "签名文本首行不是出具结论的密钥名称。"
    ),
    "{}.log is not a registry log.": "{}.log 不是登记日志。",
    "{} is not spelled in the one way.": "{} 的写法不是规定的唯一形式。",
    "holder is not NOT_ASKED, MATCHED or NOT_MATCHED.": (
        "holder 不是 NOT_ASKED、MATCHED 或 NOT_MATCHED。"
    ),
    "verdict is not one that this version knows.": "verdict 不是本版本认识的结论。",
    "{} has more than {} characters.": "{} 超过 {} 个字符。",
    "{} is not a number from 0 to 2^63 - 1.": "{} 不是 0 至 2^63 - 1 的整数。",
    "{} is not 64 lower-case hexadecimal digits.": "{} 不是 64 位小写十六进制数字。",
    "{} are not sorted, each once.": "{} 未按序排列，或有重复。",
    "The checkpoints are not those that the verdict names.": "检查点与结论所列的不一致。",
    "The checkpoint of {} is not the one the verdict names.": "{} 的检查点不是结论所列的那一个。",
    "The verdict says of {} that it is, or is not, the node's own.": (
        "结论对 {} 是否为本节点日志的说法不实。"
    ),
    "No checkpoint bears out the quorum over {} of {}.": (
        "没有检查点能证明 {1} 前 {0} 条已达法定联签数。"
    ),
    "The age of the issuer's log is not what its times give.": "发证省日志的时效与所载时刻不符。",
    "The receipts are not those of the entries that the verdict names.": (
        "回执与结论所列条目不一致。"
    ),
    "The receipt in the place of {} is of another entry.": "{} 处的回执属于另一条目。",
    "The receipt of {} is under another checkpoint.": "{} 的回执所依据的是另一检查点。",
    "The entry {} has no bearing on this question.": "条目 {} 与所问无关。",
    "An entry states a date that is none.": "有条目所载日期不存在。",
    "An entry states a time that is none.": "有条目所载时间不存在。",
    # The statement.
    "The first receipt is not that of a statement.": "首份回执不是清算单的回执。",
    "{} stands in the log of {}, not its proposer's.": "{} 载于 {} 的日志，而非其提出方的日志。",
    "{}: maker and reviewer are not two persons.": "{} 的经办人与复核人不是两个人。",
    "A result of {} and {} is stated by {}.": "{} 与 {} 的对账结果由 {} 声明。",
    "{} states {} twice.": "{} 对 {} 作了两次声明。",
    "Of the night {} of {} and {} one side is missing.": "{1} 与 {2} 在 {0} 夜的对账结果缺一方。",
    "The two sides of {} and {} state {} differently.": "{} 与 {} 双方对 {} 的声明不一致。",
    "The nights of {} and {} are not those of the window: {}": (
        "{} 与 {} 的各夜对账结果与清算期间不符：{}"
    ),
    "The window of the statement is not two dates.": "清算期间不是起止两个日期。",
    "The window of the statement is longer than the results it names.": (
        "清算期间长于所列对账结果的日期。"
    ),
    "The statement says no netting that this version knows.": (
        "清算单所用轧差方式不是本版本认识的。"
    ),
    "An answer of {} is not its one answer to this statement.": (
        "{} 的答复不是其对该清算单的唯一答复。"
    ),
    "An entry stands in {}, not in a registry log.": "有条目载于 {}，不在登记日志中。",
    "bilateral": "双边流量",
    "positions": "净额",
    "payments": "付款",
    # The files given.
    "The directory holds no *.txt file.": "目录中没有 *.txt 文件。",
    "There are more than {}.": "超过 {} 个。",
    "No file says by which keys of {} it is to be signed.": "没有文件说明须由哪些 {} 密钥签署。",
    "Give one with --suite-policy, or a directory that holds *.sm2.txt.": (
        "请用 --suite-policy 给出，或给出含 *.sm2.txt 的目录。"
    ),
    # What a verdict or statement does not bear out.
    "The evidence file is not JSON in UTF-8.": "证据文件不是 UTF-8 编码的 JSON：已被改动或截断。",
    "The evidence file is not spelled in the one way: it was altered or is not ours.": (
        "证据文件的书写格式不是规定的唯一形式：已被改动，或不是本程序所写。"
    ),
    "This is not an evidence file ({}).": "这不是证据文件（{}）。",
    "{} has more than {} bytes.": "{} 超过 {} 字节。",
    "{} is not canonical base64.": "{} 不是规范的 base64。",
    "{} is not an object.": "{} 不是 JSON 对象。",
    "{} states a time that has not come: {}.": "{} 所载时刻尚未到来：{}。",
    "The entry's bytes are no entry of deltacare.": "条目的字节不是本系统的条目。",
    "The entry says nothing that this version can read. A newer version may.": (
        "本版本读不懂该条目，较新版本或许可以。"
    ),
    "The verdict {} ({}) does not follow from {}: they give {} ({}).": (
        "由 {2} 推不出结论 {0}（{1}），只能得出 {3}（{4}）。"
    ),
    "The log has another entry at {}.": "日志在 {} 处是另一条目。",
    "{} holds {}, not {}.": "{} 中是 {}，不是 {}。",
    "{} has {} entries, and the verdict was read under {}: export it again.": (
        "{} 只有 {} 条，而结论依据前 {} 条作出：请重新导出。"
    ),
    "{} is another history of {} than the verdict was read under.": (
        "{} 与结论所依据的 {} 是两份不同的历史。"
    ),
    "The entries in {} do not have the root that was signed.": "{} 中条目的根与所签的不符。",
    "The statement does not bind. {}": "清算单不生效：{}",
    "Refused by {}.": "{} 已拒绝。",
    "The approval of {} is missing.": "缺 {} 的批准。",
    "The {} of the statement are not those of the nights it names.": (
        "清算单的 {} 与其所列各夜对账结果不符。"
    ),
    "The pair results are not exactly those that the statement names.": (
        "对账结果与清算单所列的不完全一致。"
    ),
}
