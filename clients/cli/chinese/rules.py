"""Chinese for the numbered rules of nodes, as they stand in a list of faults.

Where a rule refuses a call as a whole, the node sends the Chinese along.
"""

from collections.abc import Mapping

__all__ = ["ZH"]

ZH: Mapping[str, str] = {
    # Registers.
    "This belongs into a registry log.": "该内容只能写入登记日志。",
    "A field is missing, malformed or out of range.": "字段缺失、格式有误或超出范围。",
    "A province states only what bears its own code.": "一省只能为本省编号的对象作出陈述。",
    "The institution's division lies outside its province.": "机构所在区划不属于本省。",
    "The listing was published before.": "该名单编号已使用过。",
    "The listing names an institution that its province has not stated.": (
        "名单中的机构未在本省登记。"
    ),
    "There is no such listing.": "没有这一名单。",
    "The listing was withdrawn before, from the same day or an earlier one.": (
        "该名单已自同日或更早之日起撤回。"
    ),
    "An agreement has parties in two or more provinces.": "协议各方须来自两个以上的省。",
    "No party of the agreement is of this province.": "本省没有协议当事方。",
    "A version names the newest one before it, and the first names none.": (
        "新版本须以现行最新版本为前版，首版不得有前版。"
    ),
    "There is no such agreement.": "没有这一协议。",
    "An agreement ends from the day of the entry at the earliest; days that have passed are "
    "changed by an amendment that all accept.": (
        "协议最早自陈述当日起终止；已过之日由各方均接受的修改处理。"
    ),
    "The version answered is not the newest of the agreement.": "所答复的不是协议的最新版本。",
    # Certificates.
    "Only the issuing province issues or changes a certificate.": (
        "只有发证省可以签发或变更该证书。"
    ),
    "A province certifies the institutions of its own register.": (
        "机构证书只能发给本省登记的机构。"
    ),
    "The number was issued before.": "该证书编号已签发过。",
    "There is no such certificate.": "查无此证。",
    "The certificate is revoked by the day of which this speaks, and that is for good; only an "
    "earlier revocation is possible.": (
        "该证书在所述之日已撤销，不得再作变更；撤销日期有误的，只能改为更早之日。"
    ),
    "The institution that a certificate is about was stated in the province's own register "
    "before.": "证书所发给的机构须先在本省名册中登记。",
    "What the certificate follows is another holder's, by name, reference or identity number; "
    "certificates that follow one another are one holder's.": (
        "前一证书的持证人与此不同（姓名、人员编号或身份证号不符）；前后相续的证书须属同一人。"
    ),
    "A renewal ends later than what it renews.": "续期后的有效期须晚于现有效期。",
    "The certificate is not suspended on the day from which it is reinstated.": (
        "该证书在恢复之日并未暂停。"
    ),
    "Only the province whose code it bears declares or ends an equivalence.": (
        "互认规则只能由编号所属省发布。"
    ),
    "A province needs no equivalence for its own certificates.": "本省证书在本省无需互认。",
    "The equivalence was declared before.": "该互认规则编号已使用过。",
    "There is no such equivalence.": "没有这一互认规则。",
    "The equivalence was ended before, from the same day or an earlier one.": (
        "该互认规则已自同日或更早之日起终止。"
    ),
    "A province suspends or revokes its own certificates; it does not recognise them.": (
        "本省证书应暂停或撤销，不适用暂停互认。"
    ),
    "Recognition is not suspended on the day from which it is resumed.": (
        "该证书在恢复之日并未暂停互认。"
    ),
    "The federation does not state that the province may issue under this scheme; partners "
    "recognise no scheme without an equivalence of their own in any case.": (
        "联盟未声明本省可颁发此类别的证书；未经他省互认规则认可的类别，他省一概不认。"
    ),
    "Certificates that follow one another are at most 64; this line is full.": (
        "前后相续的证书至多 64 张，不得再接续。"
    ),
    "On the certificate's first day its holder is barred, by a measure against what it follows or "
    "against another certificate known here to be theirs.": (
        "持证人（前一证书，或本省所知其名下的其他证书）在该证书生效之日处于禁入或失信名单之内。"
    ),
    # Settlement.
    "The body does not belong in a log of this kind.": "该条目不属于此类日志。",
    "Home and host are not the two provinces of the log.": "户籍地与服务地不是该日志的双方。",
    "Only the home province may say this.": "只有户籍地可作此声明。",
    "A field does not have the form that the contract gives it.": "要素格式不符合约定。",
    "The enrolment's number is taken.": "备案编号已被使用。",
    "The log states no such enrolment.": "日志中没有该备案。",
    "The record to replace is not in the log, or void.": "所修订的记录不存在或无效。",
    "A revision keeps the number, home and host.": "修订不得改变结算编号及双方。",
    "The record to replace was replaced already.": "所修订的记录已被修订。",
    "An earlier night closed the record to replace: reverse it instead.": (
        "所修订的记录已结清，只能冲正。"
    ),
    "The author filed no record under the number to reverse.": "本方未报送该编号，无可冲正。",
    "The number is reversed already, and the author filed nothing under it since.": (
        "本方已冲正该编号，其后未再报送，无可再冲正。"
    ),
    "The log states no such hold.": "日志中没有该暂缓。",
    "The hold was ended already.": "该暂缓已解除。",
    "A log closes every date once, in order.": "日切须逐日按序，每日一次。",
    "The published hour of the date has not come.": "未到该日公布的日切时点。",
    "A pair's result is stated by one of the two, lower code first.": (
        "对账结果须由双方之一声明，低代码在前。"
    ),
    "The author stated a result of that attempt already.": "该次对账结果已声明。",
    "The statement's number is taken.": "清算单编号已被使用。",
    "It is another province's turn to propose.": "本期应由他省（市）提出清算单。",
    "The statement's positions or payments do not follow from its flows.": (
        "清算单的净额或付款与流量不符。"
    ),
    "The author answered the statement already, for good.": "本方已答复该清算单，答复不可更改。",
    "No principal holds two of policy, review and payment.": (
        "同一人不得兼任政策制定、审核与付款中的两项。"
    ),
    "Home has filed this number itself: reverse it instead.": (
        "户籍地已报送该编号，应予冲正而非拒绝。"
    ),
    "Who makes records neither sets their policy nor approves their payment, nor the other way.": (
        "经办记录者不得制定相关政策或批准相关付款，反之亦然。"
    ),
}
