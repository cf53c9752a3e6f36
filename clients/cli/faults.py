"""Chinese for what nodes most often say of a field; they say it in English, for programs.

Only whole sentences are known here. What is not is shown as it came: never half translated.
"""

from collections.abc import Mapping

from clients.cli.faults_trust import trust_zh
from clients.cli.sentences import in_chinese
from clients.language import language

__all__ = ["told"]

_ZH: Mapping[str, str] = {
    # What is wrong.
    "It is missing.": "未填写。",
    "It is empty.": "为空。",
    "It is not host:port.": "不是“主机:端口”。",
    "It is no hour.": "不是时刻。",
    "The check character is wrong.": "校验码不符。",
    "The number was issued before.": "该编号已签发过。",
    "The reviewer is the maker.": "复核人与经办人是同一人。",
    "The node has no root of the federation yet.": "该节点还没有联盟的根元数据。",
    "The private keys are encrypted, and no passphrase is given.": "私钥已加密，但未给出口令。",
    "There is no such day in the calendar.": "没有这一天。",
    "There is no such setting.": "没有这一设置。",
    "There is no such time.": "没有这一时刻。",
    "This is not a UUID.": "不是 UUID。",
    "This is not a code.": "不是代码。",
    "This is not a date of the form YYYY-MM-DD.": "不是 YYYY-MM-DD 形式的日期。",
    "This is not a date.": "不是日期。",
    "This is not a month of the form YYYY-MM.": "不是 YYYY-MM 形式的月份。",
    "This is not a partner.": "不是伙伴省。",
    "This is not a settlement number.": "不是结算编号。",
    "This is not a unified social credit code.": "不是统一社会信用代码。",
    "This is not an RFC 3339 time with a zone.": "不是带时区的 RFC 3339 时刻。",
    "This is not an amount.": "不是金额。",
    "This is not the code of a division.": "不是行政区划代码。",
    "This is not the code of a province.": "不是省级代码。",
    "This is not the code of a purpose.": "不是用途代码。",
    "This is not the code of a reason.": "不是事由代码。",
    "This is not the name of a log.": "不是日志名称。",
    "This is not a province's code, a hyphen and a number of its choice.": (
        "不是“省级代码-自编号”的形式。"
    ),
    "The year lies outside 1900 to 2999.": "年份不在 1900 至 2999 之间。",
    # What to do.
    "Check the path and the right to read it.": "请核对路径和读取权限。",
    "Give the directory that deltacare node init wrote for clients.": (
        "请给出 deltacare node init 为客户端写下的目录。"
    ),
    "Use 1 to 64 capital letters, digits and underscores.": (
        "请用 1 至 64 个大写字母、数字和下划线。"
    ),
    "Use 1 to 64 capital letters, digits and underscores; write no names.": (
        "请用 1 至 64 个大写字母、数字和下划线；不要写姓名。"
    ),
    "Use 1 to 64 letters, digits, hyphens and underscores.": (
        "请用 1 至 64 个字母、数字、连字符和下划线。"
    ),
    "Write 2026-11-22.": "请写成 2026-11-22。",
    "Write 2, 4, 6, 9 or 12 digits, such as 310151.": "请写 2、4、6、9 或 12 位数字，如 310151。",
    "Write deltacare/310000/registry or deltacare/310000/settlement/320000.": (
        "请写成 deltacare/310000/registry 或 deltacare/310000/settlement/320000。"
    ),
    "Write digits with at most one decimal point, such as 1234.50.": "请写数字，如 1234.50。",
    "Write it as 127.0.0.1:7310.": "请写成 127.0.0.1:7310。",
    "Write it as 2026-10.": "请写成 2026-10。",
    "Write it as 2026-11-22.": "请写成 2026-11-22。",
    "Write it as 2026-11-22T08:00:00Z.": "请写成 2026-11-22T08:00:00Z。",
    "Write it as 310000-2026-1.": "请写成 310000-2026-1。",
    "Write six digits, such as 310000.": "请写六位数字，如 310000。",
    "Write six digits, such as 310151.": "请写六位数字，如 310151。",
}

# Sentences that end in what a program filled in.
_OPENINGS_ZH = {
    "The file cannot be read: ": "无法读取该文件：",
    "Run deltacare ": "请运行 deltacare ",
}


def told(text: str) -> str:
    """Return a sentence about a field in the language of the run, as far as it is known."""
    if language() != "zh":
        return text
    found = _ZH.get(text) or in_chinese(text) or trust_zh(text)
    if found is None:
        for opening, zh in _OPENINGS_ZH.items():
            if text.startswith(opening):
                found = zh + text.removeprefix(opening)
    return found or text
