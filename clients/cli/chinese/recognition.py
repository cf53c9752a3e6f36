"""Chinese for what is refused about recognition: where, answers to suspensions, verdict files."""

from collections.abc import Mapping

__all__ = ["ZH"]

ZH: Mapping[str, str] = {
    "It lies in no province that is a member of the federation.": "该地不在任何成员省内。",
    "Name a division of a member; deltacare node status lists them.": (
        "请写成员省内的区划；成员见 deltacare node status。"
    ),
    "The issuer's node did not compare the identity number now, so nothing is said of the "
    "holder; ask again in a moment, or check by name.": (
        "发证省节点现在未能核对身份证号，因此对持证人不作结论；请稍后再试，或改以姓名核对。"
    ),
    "Leave it empty to mean the host's newest suspension.": "留空即指该省最近一次暂停。",
    "host is not spelled in the one way.": "host 写法不唯一。",
    "compared is not identity_number and name, ascending, each once.": (
        "compared 须为 identity_number 与 name，依次各至多一次。"
    ),
    "compared and holder contradict each other.": "compared 与 holder 相互矛盾。",
    "stated_schemes[{}] has more than {} characters.": "stated_schemes[{}] 超过 {} 个字符。",
}
