"""Chinese for what is said of drafts, of totals and of the inbox."""

from collections.abc import Mapping

__all__ = ["ZH"]

ZH: Mapping[str, str] = {
    # Drafts.
    "Nobody reviews what they submitted.": "经办人不得复核自己提交的事项。",
    "The draft does not wait any more.": "该事项已不在待复核状态。",
    "What was reviewed is not what was submitted.": "所复核内容的摘要与提交内容不符。",
    "Only who submitted a draft takes it back.": "只有经办人可撤回自己提交的事项。",
    "Count or sum is not what the file says it holds.": (
        "总分核对不符：笔数或金额合计与明细不一致。"
    ),
    "The vault key of this node does not open the draft.": "本节点的密钥不能打开该待复核事项。",
    "{} drafts of {} wait: have them reviewed first.": "{1} 已有 {0} 项待复核：请先办理复核。",
    "{} things are signed in it.": "其中须签名的有 {} 项。",
    "Sign each of them, in the order of the request.": "请按请求中的顺序逐项签名。",
    "There is no such draft.": "没有该待复核事项。",
    "The role {} does not review this.": "角色 {} 不得复核该事项。",
    "There is no such state.": "没有这种状态。",
    "Nothing is submitted for review by this method.": "该方法不经待复核提交。",
    "Use the full name of one of {}.": "请用以下方法之一的全名：{}。",
    "The role {} does not submit this.": "角色 {} 不得提交该事项。",
    "The request has more than {} bytes: submit it in parts.": "请求超过 {} 字节：请分批提交。",
    "Its request_id is another.": "其中的请求号与提交的不同。",
    "Give both the same UUID.": "两处请用同一 UUID。",
    "Who answers for it follows from the review.": "经办与复核由复核流程确定。",
    "{}: the request holds {}.": "{}：请求中有 {} 条。",
    "{}: the request comes to {} fen.": "{}：请求合计 {} 分。",
    "Compare the file with its source.": "请核对文件与来源。",
    "It is not of the method's request type.": "内容不是该方法的请求。",
    "Serialise that type.": "请序列化该类型的请求。",
    # Records.
    "The month begins after {}, the business date it would be filed under.": (
        "服务月份在本次报送的业务日期（{}）之后。"
    ),
    "The month has {} days.": "该月只有 {} 天。",
    "Count the days of service in the month.": "请填写当月服务天数。",
    "Correct the month, or file it once the month has begun.": "请更正月份，或待该月开始后报送。",
    # Totals and the inbox.
    "It is not within {} days of the first.": "不在首日起 {} 天之内。",
    "There are at most {}.": "至多 {} 项。",
    "Ask about fewer dates or partners at once.": "请减少一次查询的日期或对方。",
    "Nothing is compared.": "没有可核对的内容。",
    "Give totals, or a partner.": "请给出总数，或指明对方。",
    "It is not the partner asked about.": "不是所查询的对方。",
    "It does not lie between from_date and until_date.": "不在起止日期之间。",
    "Home is neither the own province nor it.": "户籍地既非本省，也非对方。",
    "The same total stands twice.": "同一总数重复出现。",
}
