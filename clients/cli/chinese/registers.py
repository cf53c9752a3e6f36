"""Chinese for what is refused of institutions, agreements and certificates."""

from collections.abc import Mapping

__all__ = ["ZH"]

ZH: Mapping[str, str] = {
    # Certificates and recognition.
    "A caregiver's has 32 bytes, any other none.": "护理员证书应为 32 字节，其他证书应为空。",
    "A caregiver is no institution.": "护理员证书不填机构。",
    "It has {} grades, not 1 to 16.": "有 {} 个等级，应为 1 至 16 个。",
    "A grade stands more than once.": "有等级重复。",
    "This node holds no key for verdicts that is in force; its operator installs one.": (
        "本节点没有出具结论的有效密钥，请由管理员装入。"
    ),
    "Too few partners have cosigned what {} says of it; ask again in a moment.": (
        "{} 的有关条目联签尚不足，请稍后再问。"
    ),
    "A batch has 1 to 1,000 certificates.": "一批应有 1 至 1000 张证书。",
    "Leave it out: the node computes it.": "请勿填写：由节点计算。",
    "Only a caregiver's certificate has a holder.": "只有护理员证书有持证人。",
    "The number stands more than once in the batch.": "同一批中有重复的编号。",
    "A name begins with certificates/.": "名称应以 certificates/ 开头。",
    "No log has {}.": "任何日志中都没有 {}。",
    # Institutions, listings and agreements.
    "A postcode has six digits.": "邮政编码应为六位数字。",
    "It is beyond 180 degrees.": "超过 180 度。",
    "It is beyond 90 degrees.": "超过 90 度。",
    "The listing is too long for an entry.": "名单过长，一个条目容纳不下。",
    "Publish it in two batches.": "请分两批公布。",
    "A party is a province, city or district in six digits.": (
        "协议方应为六位数字的省、市或区县代码。"
    ),
    "Take it from the proposal.": "请取自提议。",
    "Only an end has a day; what is accepted holds from the version's first day.": (
        "只有终止才写日期；接受的版本自其起始日起有效。"
    ),
    "Leave it out.": "请勿填写。",
    "Have another person review it.": "请由另一人复核。",
    "It is not a token of this question.": "不是该查询的翻页标记。",
    "Leave it empty to begin again.": "留空即从头开始。",
    "A batch has 1 to 1,000 institutions.": "一批应有 1 至 1000 家机构。",
    "The id stands more than once in the batch.": "同一批中有重复的编号。",
    "A log stands more than once.": "有日志重复。",
    "This is not the registry log of a member.": "不是成员的登记日志。",
    "No log is that long.": "没有这样长的日志。",
    "A name begins with institutions/.": "名称应以 institutions/ 开头。",
    "It is less than beds_min.": "小于 beds_min。",
    "Only {} writes at its own node.": "只有 {} 可在其本省节点写入。",
    "No log states {}.": "任何日志中都没有 {}。",
    "A request has 1 to 1,000 names.": "一次请求应有 1 至 1000 个名称。",
    "Its province is no member.": "其所属省不是成员。",
}
