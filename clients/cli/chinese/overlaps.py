"""Chinese for what is refused of overlaps, holds and demands."""

from collections.abc import Mapping

__all__ = ["ZH"]

ZH: Mapping[str, str] = {
    # Overlaps.
    "With this key no secret can be shared.": "用该密钥无法协商出共同秘密。",
    "It is a year from 2000 to 2999.": "应为 2000 至 2999 年。",
    "There are 1 to {} of them.": "应为 1 至 {} 项。",
    "A field of it does not have its form.": "其中有要素格式不符。",
    "Claims are sorted by tag, month and group, each once.": ("须按标签、月份与组排序，不得重复。"),
    "The same elder has another one in this request.": "本次请求中同一老人另有不同的号码。",
    # Holds.
    "The same days are still claimed elsewhere: the hold ends after the other home or host "
    "withdrew them, or the days were revised.": (
        "重复享受尚未消除，不得解除暂缓：须另一户籍地或另一服务地先退出，或修订天数。"
    ),
    # Demands.
    "The demand's number is taken.": "追回编号已被使用。",
    "The settlement was demanded back already; that is done once.": (
        "该结算已追回，一笔结算只追回一次。"
    ),
    "The settlement is not cleared, or was cleared back: there is nothing to demand.": (
        "该结算尚未清分或已冲回，无可追回。"
    ),
    "What is demanded is what was cleared.": "追回金额须等于已清分金额。",
    "This is not the number of a demand of this province.": "不是本省的追回编号。",
    "Write {}-C2026-1: 1 to 64 letters, digits, dots, hyphens and underscores.": (
        "请写成 {}-C2026-1：1 至 64 位字母、数字、点、连字符或下划线。"
    ),
    "This is not the number of a settlement.": "不是结算编号。",
    "It is 1 to 10^12 fen.": "应为 1 至 10^12 分。",
    "Give a SHA-256.": "请给出 SHA-256。",
    "Only home demands back.": "只有户籍地可以追回。",
    "{} demands are not possible; first: {}": "{} 项追回不成立；第一项：{}",
}
