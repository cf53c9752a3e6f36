"""Chinese for what is refused about personal values, and for the rules of erasure."""

from collections.abc import Mapping

__all__ = ["ZH"]

ZH: Mapping[str, str] = {
    # Fields.
    "There is no such legal basis.": "没有这一法律依据。",
    "This is not an opaque reference.": "这不是内部编号。",
    "A reference is never an identity number.": "内部编号不得是身份证号。",
    "Use 1 to 64 letters, digits, dots, underscores and hyphens that say nothing.": (
        "请用 1 至 64 个不含意义的字母、数字、点、下划线或连字符。"
    ),
    "A batch has 1 to 1,000 persons.": "一批为 1 至 1,000 人。",
    "The person stands more than once in the batch.": "同一人在本批中出现多次。",
    "One person brings at most {} certificates at once.": "一人一次至多登记 {} 张证书。",
    "A telephone number has 5 to 20 digits, + or -.": "电话为 5 至 20 位数字、+ 或 -。",
    "No value is given.": "未给出任何内容。",
    "Give at least one.": "请至少给出一项。",
    "The certificate is of another province.": "该证书由他省签发。",
    "Give either a person or a certificate.": "请给出内部编号或证书编号之一。",
    "Fields that do not exist, or none.": "所列项目不存在，或未列项目。",
    "Use some of {}.": "请从以下选用：{}。",
    "Name the person, or certificates.": "请给出内部编号或证书编号。",
    "At most {} are erased at once.": "一次至多删除 {} 张。",
    # Refusals.
    "Nothing is kept of this person: it was never put, or it was erased.": (
        "未存有此人的信息：从未存入，或已删除。"
    ),
    "Too many identity numbers were compared with the holder of this certificate and were others; "
    "come back in a day.": "与该证书持有人比对的身份证号多次不符，请一天后再试。",
    "The vault key of this node does not open what is kept of the person.": (
        "本节点的 vault 密钥不能解开此人的信息。"
    ),
    # Rules.
    "That a person was erased belongs into a registry log.": (
        "删除个人信息的声明只能写入登记日志。"
    ),
    "An erasure names certificates, tags of persons or both, at most 1,000 of each in ascending "
    "order, and the code of a reason.": (
        "须列明证书编号或人员标签，各至多 1000 个，升序且不重复，并有事由代码。"
    ),
    "Only the issuing province states that the holder of a certificate was erased.": (
        "只有发证省可以声明其证书持有人的信息已删除。"
    ),
    "The holder of the certificate was erased; nothing is kept of it again.": (
        "该证书持有人的信息已删除，不得再存入。"
    ),
    "The certificate is linked with another person.": "该证书已登记在另一人名下。",
    "The certificate was issued to another name.": "姓名与证书签发时的不符。",
    "Another name or identity number is kept under this reference; what is kept stays.": (
        "该人员编号名下所存的是另一姓名或另一身份证号；所存内容不变。"
    ),
    "A measure bars the holder and has not ended; until then nothing of the person is erased.": (
        "持证人受禁入措施或列入失信名单，措施尚未终止，不予删除。"
    ),
    "Wait until it has ended, or lift it with deltacare supervision lift if it was wrong; see "
    "deltacare supervision list.": (
        "请待措施终止后再办理；措施有误的，请用 deltacare supervision lift 解除；"
        "查看用 deltacare supervision list。"
    ),
    "Compare name and certificate number with the paper and correct the wrong one; leave out a "
    "certificate that was issued under an earlier name.": (
        "请对照证书原件核对姓名与证书编号并更正；以曾用名签发的证书请勿列入。"
    ),
}
