"""Chinese for what is refused of checks of many and of watch lists."""

from collections.abc import Mapping

__all__ = ["ZH"]

ZH: Mapping[str, str] = {
    "A batch of checks has 1 to 1,000 rows.": "一批核验应有 1 至 1000 行。",
    "Check the rest in further batches.": "其余请分批核验。",
    "A list has at most {} certificates.": "一份关注名单最多 {} 张证书。",
    "With it the caller would watch more than {} certificates.": ("如此关注的证书将超过 {} 张。"),
    "With it the caller would watch more than {} institutions.": ("如此关注的机构将超过 {} 家。"),
    "Remove lists that are not needed.": "请取消不需要的关注名单。",
    "This is no registry log of a member.": "不是成员的登记日志。",
    "The log is named more than once.": "同一日志重复列出。",
    "No certificate has such a number.": "没有这样的证书编号。",
    "More than {} streams of this caller watch certificates.": "该调用方的关注连接已超过 {} 条。",
    "Watching ended; go on from the last cursors.": "关注连接已结束；请自上次进度续接。",
    "Nothing can have been told of a day that is still to come.": "尚未到来的日期不可能已告知。",
    "Give the place back as it came, or leave it out to begin with the present day.": (
        "请原样交回进度，或不填而自当日起关注。"
    ),
    "It is no later than the last day told.": "不晚于已告知的最后一日。",
    "It stands only beside next_date.": "仅可与 next_date 同时填写。",
    "This is no file of cursors.": "不是进度文件。",
    "Name another file; watching then begins at the present.": (
        "请换一个文件名，届时自当前起关注。"
    ),
}
