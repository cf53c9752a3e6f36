"""Chinese for what is refused of disputes."""

from collections.abc import Mapping

__all__ = ["ZH"]

ZH: Mapping[str, str] = {
    # Rules.
    "A dispute belongs into a settlement log.": "差错单只能写入结算日志。",
    "A field of the dispute is missing, malformed or out of range.": (
        "差错单的要素缺失、格式有误或超出范围。"
    ),
    "Home and host of the disputed line are not the two provinces of the log.": (
        "差错单所指的户籍地与服务地不是该日志的双方。"
    ),
    "A dispute bears the code of the province that raises it.": (
        "差错单编号须以提出方的省份代码开头。"
    ),
    "The dispute's number is taken.": "该差错单编号已使用过。",
    "A dispute is answered by the other side, never by who raised it.": (
        "差错单由被提出的一方答复，提出方不得自答。"
    ),
    "The dispute was raised by neither of the two provinces of the log.": (
        "该差错单不是由该日志双方之一提出的。"
    ),
    "Its author never raised this dispute.": "本方从未提出过该差错单。",
    "No log of the pair states this dispute.": "双方日志中都没有该差错单。",
    "No log of the pair has a record of this settlement.": "双方日志中都没有该编号的结算记录。",
    "The own province has an open dispute on this line with the same claim.": (
        "本方对该行的同一主张已有未办结的差错单。"
    ),
    "The dispute is closed.": "该差错单已办结。",
    "The dispute is escalated: it is closed by the same outcome said by both, not answered.": (
        "该差错单已提级，由双方以相同结果办结，不再答复。"
    ),
    "It is not contested and the last day to act has not passed: it cannot be escalated yet.": (
        "期限未过且对方未否认，不得提级。"
    ),
    "Levels follow each other: first the two departments, then the federation's board.": (
        "提级须逐级：先两省民政部门，再联盟理事会。"
    ),
    (
        "The last day to act lies in a year whose calendar is not published: nobody can say that "
        "it has passed."
    ): "期限所在年份的放假安排尚未公布，无从判断是否逾期。",
    "The logs do not show that the line was put right in this way.": (
        "日志尚未显示已按该方式更正，不得以此办结。"
    ),
    "The settlement is cleared: it cannot be revised, only reversed.": (
        "该结算已清算，不能修订，只能冲正。"
    ),
    # Fields and answers.
    "Who contests a dispute names no remedy.": "否认差错单的，不得写更正方式。",
    "Leave it out, or agree.": "请留空，或改为同意。",
    "A digest has 32 bytes.": "摘要应为 32 字节。",
    "Leave it empty if there is no note.": "没有附言的请留空。",
    "Use 1 for the two departments, 2 for the federation's board.": (
        "请用 1（两省民政部门）或 2（联盟理事会）。"
    ),
    "It is no dispute.": "不是差错单的名称。",
    "Write disputes/ and its number.": "请写 disputes/ 加差错单编号。",
    "No log states this dispute.": "任何日志中都没有该差错单。",
    "It is not a state of a dispute.": "不是差错单的状态。",
    "The partner's last word on {} bears a time {} s ahead of this node's clock.": (
        "对方对 {} 的最后一次声明，其时间比本节点时钟快 {} 秒；请稍候再试。"
    ),
}
