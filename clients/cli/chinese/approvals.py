"""Chinese for approvals: people's keys, signatures, windows of statements and what they draw."""

from collections.abc import Mapping

__all__ = ["ZH"]

ZH: Mapping[str, str] = {
    # The rules.
    "A key's name stands for one person and one public key, and never for another.": (
        "同一密钥名称不得改指他人或另一把公钥。"
    ),
    "A public key has one name and belongs to one person.": "同一把公钥不得属于两个名称或两个人。",
    "A key is stated by two persons of whom neither is its holder.": (
        "密钥须由持有人以外的两人声明。"
    ),
    "A key that was withdrawn does not come back: state another.": (
        "已撤回的密钥不得恢复，应另立新钥。"
    ),
    "It carries exactly one signature of the maker and one of the checker.": (
        "须有经办一份、复核一份签名，各限一份。"
    ),
    "Maker and checker are not one person.": "经办与复核不得为同一人。",
    "Who signs is who answers for the entry, in the same duty.": (
        "签名人须为该条目的经办人与复核人。"
    ),
    "No earlier entry of the author states the key that signed.": (
        "本方日志此前未声明签名所用的密钥。"
    ),
    "The key that signed is another person's.": "签名所用密钥属于他人。",
    "The key that signed was withdrawn before.": "签名所用密钥此前已撤回。",
    "The key that signed does not hold on the day of the entry.": "签名所用密钥在该日无效。",
    "A signature is not over this thing, word, province, duty and person, or not by its key.": (
        "签名与所批准的事项、用语、省份、岗位或签名人不符。"
    ),
    # Statements.
    "The statement's dates are not the whole day, week or month that it names.": (
        "清算单的起止日期不是其所称的一日、一周或一月。"
    ),
    # What is refused of keys, files and statements.
    "It is no public key, or one for which anybody can sign.": "不是公钥，或任何人都能以其签名。",
    "Write {}.": "请写 {}。",
    "They are not at most {} advances, sorted, each once, each above zero.": (
        "应为至多 {} 笔预付金，已排序、各一次、金额大于零。"
    ),
    "Write a day, a week or a month.": "请写日、周或月。",
    "Advances that {} draws are drawn by {}.": "{} 所抵付的预付金已由 {} 抵付。",
    "The two dates are not that window.": "起止日期不是所称的日、周或月。",
    "Write {} and {}.": "请写 {} 与 {}。",
    "The file holds no key for approvals.": "文件中没有批准用的密钥。",
    "Make one with deltacare settle key new.": "请以 deltacare settle key new 生成。",
    "This is no file of a maker's approval.": "这不是经办人的签名文件。",
    "Have the maker sign with --out, and pass that file on.": (
        "请经办人以 --out 签名，再交来该文件。"
    ),
    "The maker has signed something else.": "经办人所签的是另一事项。",
    "Compare the hashes; have the maker sign this one.": "请核对摘要，由经办人另签。",
    "Maker and checker are one person.": "经办与复核是同一人。",
    "Have another person check it, with a key of their own.": "请另一人以其本人的密钥复核。",
    "The node does not hold the advances that the statement draws.": (
        "节点没有清算单所抵付的预付金。"
    ),
    "The node shows another statement than that of the hash.": "节点所示的清算单与摘要不符。",
    "The node does not show every agreed night that the statement names.": (
        "节点未列出清算单所指的全部一致之夜。"
    ),
    "The node computes something else than the statement.": "节点算得的与清算单不同。",
    "The key {} in the file cannot be read.": "文件中的密钥 {} 无法读取。",
    "The advances in the file are not exactly those that the statement draws.": (
        "文件中的预付金与清算单所抵付的不完全相同。"
    ),
    "{} is no advance of {} to {}.": "{} 不是 {} 付给 {} 的预付金。",
    "More is drawn of {} than {} received.": "{} 的抵付额超过 {} 收到的金额。",
    "The dates of the statement are not the window that it names.": (
        "清算单的起止日期不是其所称的日、周或月。"
    ),
    "The file holds an entry on which a statement does not rest.": "文件中有与清算单无关的条目。",
    "The statement draws more of advances than is to be paid.": "清算单抵付的预付金超过应付额。",
}
