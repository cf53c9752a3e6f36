"""Chinese for what is refused of payments, advances and bank messages."""

from collections.abc import Mapping

__all__ = ["ZH"]

ZH: Mapping[str, str] = {
    "What is said of payments stands in the author's registry log.": (
        "付款事项只写入本省名录日志。"
    ),
    "It cannot be read.": ("内容不可读。"),
    "Nobody pays or holds money ready with itself.": ("不得付款给本省。"),
    "The number of an advance begins with its author's code.": ("预付款编号须以本省代码开头。"),
    "The number of the advance is taken.": ("预付款编号已被使用。"),
    "No terms with that payee, stated before by the author, hold on the day of the entry.": (
        "本省此前未声明当日有效的预付条款。"
    ),
    "The advance alone is above the limit of the terms.": ("单笔预付款超过条款限额。"),
    "The payment's id follows from its basis, its payer, who is the author, and its payee.": (
        "付款编号须由依据、付款方与收款方推算。"
    ),
    "The attempt was ordered before: an attempt is ordered once.": ("该次付款已下达过指令。"),
    "The bank has not shown what became of the attempt before, so none follows.": (
        "上一次付款的结果银行尚未显示，不得再付。"
    ),
    "The day of execution lies before the day of the entry.": ("付款日早于指令日。"),
    "The booking was reported before: it counts once.": ("该笔银行流水此前已登记，只计一次。"),
    "The booking was reported before with other content: what a bank corrects it books anew.": (
        "该笔银行流水此前已以其他内容登记；银行更正须另记一笔。"
    ),
    "The booking is dated before the payment was ordered, or before anything was due.": (
        "入账日早于下达指令之日，或早于款项应付之日。"
    ),
    "No binding statement and no advance of the own province has this hash.": (
        "没有以此为摘要的生效清算单或本省预付款。"
    ),
    "Its basis has no payment by the own province to that payee.": (
        "依据中没有本省向该收款方的付款。"
    ),
    "The payment is not to be ordered now: see where it stands and what to do next.": (
        "该笔付款现在不应付，或上一次尚未了结。"
    ),
    "What is ordered is what is still due, to the fen.": ("指令金额须等于尚欠金额。"),
    "The message does not follow from the orders and the accounts that members signed.": (
        "报文与指令或联盟签署的账户不符。"
    ),
    "The attempt was ordered before with other content.": ("该次付款已以其他内容下达指令。"),
    "With this advance the balance held by the payee would exceed the limit.": (
        "预付余额将超过限额。"
    ),
    "No payment of this id is known of which the own province is a party.": (
        "本省不是该笔付款的任何一方，或尚无生效依据。"
    ),
    "Orders given together share one message, one day and one approval, each payment once.": (
        "一次指令须同属一个报文、同一付款日、同一批准，且每笔付款一次。"
    ),
    "It is not {} to {} fen.": ("不在 {} 至 {} 分之间。"),
    "It is not 32 characters of base32.": ("不是 32 位 base32 字符。"),
    "It has 1 to {} elements.": ("应有 1 至 {} 条。"),
    "Send several requests.": ("请分几次请求。"),
    "It is no member.": ("不是联盟成员。"),
    "Give the camt.053 file as the bank's system exported it.": (
        "请给出银行系统导出的 camt.053 原始文件。"
    ),
    "The message has more than {} bytes; have the bank split it.": (
        "报文超过 {} 字节；请银行拆分。"
    ),
    "It is none of {}.": ("不是以下任何一种：{}。"),
    "Elements lie more than {} deep.": ("元素嵌套超过 {} 层。"),
    "It is not the GB18030 that it says: byte {}.": ("并非其声明的 GB18030 编码：第 {} 字节。"),
    "It declares a document type or entities; no bank does.": (
        "含文档类型或实体声明，银行报文不会如此。"
    ),
    "It is not XML: {}, {}.": ("不是合法的 XML：{}，{}。"),
    "Its encoding cannot be read; have it exported as UTF-8.": (
        "编码无法读取；请以 UTF-8 重新导出。"
    ),
    "It names a day that no calendar here has.": ("所载日期不存在。"),
    "It does not follow its schema.": ("不符合其报文结构。"),
    "The node's first root is not the one that was given to compare.": (
        "节点的首个根文件与所给的不同。"
    ),
    "The node goes by statement {}; the one given is {}.": (
        "节点现行第 {} 版声明，所给的是第 {} 版。"
    ),
    (
        "The members' signed metadata states no account of {} for that day. Have the offices "
        "sign one: federation propose --account."
    ): ("联盟签署的元数据未载明 {} 在该日的账户。请由各省签署账户：federation propose --account。"),
    (
        "The holder of the account of {} has a name that banks do not take. Have the offices "
        "sign it without such characters."
    ): ("{} 的账户户名含银行不接受的字符。请由各省重新签署，去掉此类字符。"),
    (
        "The signed accounts have changed since it was ordered: the message cannot be made "
        "again. Look for the file that was written then, and ask the bank."
    ): ("下达指令之后联盟签署的账户已变更：报文无法重做。请查找当时写出的文件，并询问银行。"),
}
