"""Chinese for what is refused in supervision, and for the rules of its measures."""

from collections.abc import Mapping

__all__ = ["ZH"]

ZH: Mapping[str, str] = {
    # Fields.
    "Exactly one of an institution and a certificate is given.": "机构与证书须且只能给出一个。",
    "Give the institution, or the certificate of the caregiver.": "请给出机构，或护理员的证书。",
    "It has more than {} values.": "超过 {} 个。",
    "The provinces do not stand in ascending order, each once.": (
        "各省须按代码升序排列，不得重复。"
    ),
    "Name what is to be mended, or say that the inspection was passed.": (
        "请列出需整改的问题，或说明检查未发现问题。"
    ),
    "A SHA-256 has 32 bytes.": "SHA-256 摘要应为 32 字节。",
    "It lies after today, {}.": "晚于今天 {}。",
    "State it when it was done.": "请在办理之后再登记。",
    "A measure is against an institution or a certificate, never both.": (
        "一项措施只针对机构或证书之一。"
    ),
    "Ask for one of them.": "请只查询其一。",
    "A measure against an institution names no certificates.": "针对机构的措施不列证书。",
    "Leave them out, or name the caregiver's first one as the certificate.": (
        "请删去，或以护理员的第一张证书作为措施对象。"
    ),
    "The certificate is named more than once.": "证书重复列出。",
    "Name it with --also (also_certificate_nos), or say why not with --only-this "
    "(only_this_reason).": (
        "请用 --also（also_certificate_nos）一并列明，"
        "或用 --only-this（only_this_reason）说明不列入的理由。"
    ),
    # Rules.
    "The same person holds another certificate, by what this node keeps of persons, that the "
    "measure does not reach; name it as well, or say why it is left out.": (
        "据本节点所存信息，同一人另有证书不在该措施范围之内；请一并列明，或说明不列入的理由。"
    ),
    "Of an inspection or measure only the province speaks whose code it bears.": (
        "检查、措施及其后续只能由编号所属的省作出。"
    ),
    "The inspection or measure was stated before.": "该检查或措施编号已使用过。",
    "A province that took part is no member.": "参与检查的省不是成员。",
    "No log states this institution or certificate.": "没有任何日志登记过该机构或证书。",
    "The province itself is not among the others that took part.": (
        "参与检查的他省中不得列入本省。"
    ),
    "The measure follows an inspection that its province has not stated.": (
        "措施所依据的检查未在本省登记。"
    ),
    (
        "A rectification has a last day for mending, within its own days; no other measure has one."
    ): ("限期整改须有整改期限，且在措施的起止日之内；其他措施不得有。"),
    "There is no such measure.": "没有这一措施。",
    "The measure is no rectification; there is nothing to report.": (
        "该措施不是限期整改，无从报告整改。"
    ),
    "It was accepted as mended before.": "整改已验收合格。",
    "The measure was lifted before, from the same day or an earlier one.": (
        "该措施已自同日或更早之日起解除。"
    ),
    "A report or lift bears a day before the first day of the measure.": (
        "整改报告或解除的日期早于措施起始日。"
    ),
    "A warning is on record; nothing else follows.": "约谈、警告：记录在案。",
    "A rectification is on record until its last day for mending has passed.": (
        "责令限期整改：期限届满之前记录在案。"
    ),
    "While admission is suspended, no listing opens the institution to elders from outside.": (
        "暂停收住：名单不再对异地老年人开放该机构。"
    ),
    "A penalty is on record; to restrict admission as well, that is suspended by a measure.": (
        "行政处罚：记录在案；需限制收住的，另作暂停收住。"
    ),
    ("While a ban holds, no listing opens the institution, and certificates are not recognised."): (
        "行业禁入、从业禁止：名单不再开放该机构，其证书不予认可。"
    ),
    (
        "While somebody is on the list of those who gravely broke trust, no listing opens "
        "the institution, and certificates are not recognised."
    ): ("列入严重失信主体名单：名单不再开放该机构，其证书不予认可。"),
    (
        "From the day after the last day for mending until the day of an accepted report, no "
        "listing opens the institution to elders from outside."
    ): ("逾期未整改：自期限届满次日起，至整改验收合格之日止，名单不对异地老年人开放该机构。"),
}
