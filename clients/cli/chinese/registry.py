"""Chinese for what is refused of institutions, claims and listings, by rule and by field."""

from collections.abc import Mapping

__all__ = ["ZH"]

ZH: Mapping[str, str] = {
    # Rules.
    "Only a closed institution has successors.": "只有已关闭的机构才有承接机构。",
    "A successor is another institution that the same register has stated before.": (
        "承接机构须是本省名册中已登记的其他机构。"
    ),
    "An institution that is newly named as successor is not closed itself.": (
        "新列的承接机构不得已关闭。"
    ),
    (
        "An institution comes back from being closed only with the day, not before the closing, "
        "and the reason."
    ): "已关闭的机构恢复时须写明不早于关闭之日的起始日期和原因。",
    "The listing names an institution that is closed on every day of it.": (
        "名单中的机构在名单的全部日期均已关闭。"
    ),
    "It is closed from {}; leave it out.": "该机构自 {} 起关闭，请从名单中删去。",
    "The control totals differ from what the register says.": "名单的总分核对不符。",
    (
        "A listing that was proposed is published as its last proposal says, naming its hash; one "
        "that was not proposed names none."
    ): "公布的名单须与最近一次提出的内容一致并写明其哈希；未提出过的不写。",
    "What the owner of an attribute says is stated in the register, not claimed.": (
        "要素主管部门的说法应写入名册，不作为其他来源的说法。"
    ),
    "No authority of a province owns anything of another's institutions: it is a directory.": (
        "对外省机构的说法一律按无主管权的来源登记。"
    ),
    # Fields.
    "It is more than the approved beds.": "多于核定床位数。",
    "It is not an attribute of an institution.": "不是机构的要素。",
    "It is not a whole number.": "不是整数。",
    "Write digits, such as 120.": "请写数字，如 120。",
    "Write micro-degrees, such as 121473667.": "请以百万分之一度为单位书写，如 121473667。",
    "This is no grade under a scheme.": "不是某标准下的等级。",
    "Write it as GB_T_37276=三级.": "请写成 GB_T_37276=三级。",
    "Use 1 to 64 capital letters, digits and underscores.": (
        "请使用 1 至 64 个大写字母、数字和下划线。"
    ),
    "The control totals are missing.": "缺少总分核对。",
    "State how many institutions, cities and approved beds the listing has.": (
        "请写明名单的机构数、城市数和核定床位数。"
    ),
    "The register says {}.": "名册中为 {}。",
    "A proposal names no proposal.": "提出名单时不写提出的哈希。",
    "A batch has 1 to 1,000 claims.": "一批应有 1 至 1000 条说法。",
    "The source says something of this attribute more than once in the batch.": (
        "同一批中该来源对这一要素有多条说法。"
    ),
    "There is no place to measure from.": "没有可供测距的地点。",
    "Give longitude_e6 and latitude_e6.": "请给出 longitude_e6 和 latitude_e6。",
}
