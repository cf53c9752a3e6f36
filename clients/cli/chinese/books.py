"""Chinese for what is refused of books and of months that close."""

from collections.abc import Mapping

__all__ = ["ZH"]

ZH: Mapping[str, str] = {
    "It has not {} bytes.": "长度不是 {} 字节。",
    "They are not names of logs, sorted, each once.": "须为日志名称，按序、不重复。",
    "Nights are still being worked out again after a rebuild; ask again in a moment.": (
        "重建后夜间对账仍在重算，请稍后再试。"
    ),
    "Nights of closed months are still being worked out again; ask again in a moment.": (
        "已结账月份的夜间对账仍在重算，请稍后再试。"
    ),
}
