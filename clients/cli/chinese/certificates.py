"""Chinese for what is refused of schemes and certificates, at the node and in a file of them."""

from collections.abc import Mapping

__all__ = ["ZH"]

ZH: Mapping[str, str] = {
    # Patterns of numbers.
    "A pattern has 1 to {} characters.": "编号格式应为 1 至 {} 个字符。",
    "It cannot be read from character {} on.": "自第 {} 个字符起无法识别。",
    "A repetition is 1 to {} times, the least before the most.": (
        "重复次数应为 1 至 {}，且下限在前。"
    ),
    "It has {} steps, not 1 to {}.": "有 {} 段，应为 1 至 {} 段。",
    "No number is so long: it has at most {} characters.": "编号没有这么长：最多 {} 个字符。",
    "A class has {} parts, not 1 to {}.": "字符集有 {} 项，应为 1 至 {} 项。",
    "{}-{} is no range of digits or letters.": "{}-{} 不是数字或字母的范围。",
    "A hyphen in a class stands first or last.": "字符集中的连字符须在最前或最后。",
    "Write capital letters, digits, hyphens and classes such as [0-9], each with how "
    "often it stands in braces.": (
        "请使用大写字母、数字、连字符和 [0-9] 之类的字符集，次数写在花括号内。"
    ),
    # Fields.
    "It is no division in six digits.": "不是六位区划代码。",
    "Write it as 310115.": "请写作 310115。",
    "It is no number of a register or document.": "不是登记编号或文号。",
    "It has {} references, not 0 to 32.": "有 {} 项凭据，应为 0 至 32 项。",
    "A reference stands more than once.": "凭据重复。",
    "The hash of an entry has 32 bytes.": "条目的哈希应为 32 字节。",
    "Nothing is added.": "没有补充任何内容。",
    "Name 1 to 32 references.": "请给出 1 至 32 项凭据。",
    "An institution has no occupation.": "机构没有职业编码。",
    "It names more than 256.": "超过 256 个。",
    "A division stands more than once.": "区划重复。",
    "It is no code of the national classification of occupations.": "不是国家职业分类的编码。",
    "Write it as 4-10-01-05.": "请写作 4-10-01-05。",
    "It is no opaque reference.": "不是不含个人信息的人员编号。",
    "Use 1 to 64 letters, digits, inner hyphens, dots and underscores that say nothing of"
    " the person.": ("请使用 1 至 64 个字母、数字、中间的连字符、点或下划线，且不透露个人信息。"),
    "The number is somebody's identity number, which no log may carry.": (
        "这是身份证号，任何日志都不得记载。"
    ),
    "Somebody's identity number stands in it, which no log may carry.": (
        "其中含有身份证号，任何日志都不得记载。"
    ),
    "Use a number or reference of your own that says nothing of the person.": (
        "请使用本单位自编、不透露个人信息的编号。"
    ),
    "Write kind, number, day, hours and division, such as "
    "CONTINUING_EDUCATION:JX-9:2026-05-01:20; the kinds are TRAINING, CONTINUING_EDUCATION, "
    "EXAMINATION and AWARD, or their names in Chinese.": (
        "请依次写明类别、编号、日期、学时和地区，如 继续教育:JX-9:2026-05-01:20；"
        "类别为 培训、继续教育、考核评价、表彰奖励。"
    ),
    "Number the certificate otherwise.": "请为证书另行编号。",
    "Give the number of the record.": "请填写记录的编号。",
    "It is kept only for a person with a reference.": "只有给出人员编号才会保存身份证号。",
    "Give subject_ref, the number of the person in your own system.": (
        "请给出人员编号（subject_ref），即本单位系统中的编号。"
    ),
    "Somebody's identity number stands in the name.": "姓名中含有身份证号。",
    "Write the name alone; the number goes into identity_number.": (
        "请只写姓名；身份证号填入身份证号（identity_number）。"
    ),
    "Use the person's own reference; if the name was changed, say so with name_change_reason and "
    "the identity number; if what is kept is wrong, mend it with deltacare personal put.": (
        "请使用本人的人员编号；已更名的，请给出更名事由（name_change_reason）和身份证号；"
        "所存有误的，请用 deltacare personal put 更正。"
    ),
    "Use the person's own reference; if what is kept is wrong, mend it with deltacare personal "
    "put.": "请使用本人的人员编号；所存有误的，请用 deltacare personal put 更正。",
    "Give the identity number: with it alone a changed name is taken where one is kept; what is "
    "kept is mended with deltacare personal put.": (
        "请给出身份证号：已存身份证号的，须相符才可更名；所存有误的，"
        "请用 deltacare personal put 更正。"
    ),
    "Name a certificate of the same holder, or none; if the name was changed, say so with "
    "name_change_reason and the identity number.": (
        "请填写同一持证人的证书，或不填；已更名的，请给出更名事由（name_change_reason）和身份证号。"
    ),
    # In a file.
    "The number was issued before, for another certificate.": (
        "该编号先前已签发给内容不同的证书。"
    ),
    "The number was issued before, to another holder.": "该编号先前已签发给其他持证人。",
    "The number was issued before, and its holder was erased; nobody can compare it any more.": (
        "该编号先前已签发，其持证人信息已删除，已无从核对。"
    ),
    "Leave the row out: who asked to be erased is not certified again without asking.": (
        "请删去本行：未经本人重新申请，不得为已要求删除者再次发证。"
    ),
    "Give this one a number of its own.": "请另给编号。",
    "The certificate was issued before, and this is not the identity number kept for its holder: "
    "person and identity number were not taken.": (
        "该证书先前已签发，且此身份证号与所存持证人不符：人员信息和身份证号未被采用。"
    ),
    "Put what is right with deltacare personal put.": (
        "如需更正，请用 deltacare personal put 存入正确内容。"
    ),
    "The certificate was issued before, the same; subject_ref was not compared and not taken.": (
        "该证书先前已签发，内容相同；人员编号（subject_ref）未核对，也未被采用。"
    ),
    "If it has changed, put the person with deltacare personal put.": (
        "如有变更，请用 deltacare personal put 更新人员信息。"
    ),
    "The number stands in row {} already.": "编号与第 {} 行重复。",
    "This is no kind of subject.": "不是证书对象。",
    "Write caregiver or institution.": "请写“护理员”或“机构”。",
    "This is no reference.": "不是凭据。",
    # Rules.
    "Under the name of a national scheme a province states only what narrows it: the same"
    " subject and occupation, some of its grades in their order, no longer time, no "
    "earlier day.": (
        "以国家类别名称发布的本省规定只能收窄：对象、职业不变，等级取其部分且顺序不变，期"
        "限不更长，不早于国家标准施行之日。"
    ),
    "Only divisions of the province itself issue under its scheme.": "发证机构所在区划须属本省。",
    "On the first day of the certificate, or of the time by which it is prolonged, "
    "neither the country nor the province has this scheme; state it first.": (
        "在证书起始之日（续期则为新期限起始之日），国家与本省均无此类别。"
    ),
    "The scheme is about another kind of subject.": "该类别的证书对象与此不同。",
    "The scheme has no such grade.": "该类别没有这一等级。",
    "The number is not of the scheme's pattern.": "证书编号不符合该类别的编号格式。",
    "The certificate or renewal is good for longer than the scheme allows.": (
        "有效期或续期超过该类别的最长期限。"
    ),
    "The division that issues lies outside the province.": "发证机构不在本省。",
    "The scheme does not name the division among those that issue.": "该类别未列出此发证机构。",
    "The hours of continuing education since the issue or last renewal are fewer than the"
    " scheme asks; a reference counts once.": (
        "自签发或上次续期以来的继续教育学时未达到该类别的要求；同一记录只计一次。"
    ),
    "What a certificate follows was issued by the same province before, about the same "
    "kind of subject.": ("前一证书须由本省先行签发，且对象种类相同。"),
    "A renewal names the issue or last renewal that it prolongs; somebody may have "
    "renewed it meanwhile.": ("续期须指明它所延长的签发或最近一次续期；他人可能已先续期。"),
}
