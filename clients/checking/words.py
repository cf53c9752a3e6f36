"""What verdicts are called in both languages, and what to do next about each, by rule.

Tables and the look-up in them; nothing here asks a node or judges anything.
"""

from collections.abc import Mapping

from clients.language import tr

__all__ = ["NOT_COMPARED", "REMEDIES", "VERDICT_NAMES", "announced", "remedy", "verdict_text"]

VERDICT_NAMES: Mapping[str, tuple[str, str]] = {
    "VALID": ("有效", "valid"),
    "SUSPENDED": ("暂停", "suspended"),
    "REVOKED": ("撤销", "revoked"),
    "EXPIRED": ("过期", "expired"),
    "NOT_YET_VALID": ("未生效", "not yet valid"),
    "NOT_RECOGNISED_HERE": ("本地不予互认", "not recognised here"),
    "HOLDER_MISMATCH": ("人证不符", "not this holder"),
    "UNKNOWN": ("查无此证", "no such certificate"),
    "STALE": ("数据过旧", "data too old"),
    "NOT_IN_LOG": ("凭证异常：不在日志中", "not in the log"),
    "BAD_SIGNATURE": ("凭证异常：签名有误", "bad signature"),
    "FORK": ("凭证异常：日志分叉", "two histories"),
}

REMEDIES: Mapping[str, tuple[str, str]] = {
    "R00-TRUST": (
        "暂不认可此证；请节点管理员恢复与联盟的连接后重新核验。",
        "Do not accept it yet; have the node's operator reconnect it, then check again.",
    ),
    "R01-ISSUER": (
        "发证省不在联盟内：核对编号开头的省级代码，或要求另行取得本省资格。",
        (
            "The issuer is no member: compare the code before the hyphen, or ask for a certificate "
            "of a member province."
        ),
    ),
    "R02-FORK": (
        "暂不认可此证；已告警，待联盟查明发证省日志后重新核验。",
        "Do not accept the certificate; wait until the members have looked into the issuer's log.",
    ),
    "R03-STALE": (
        "暂不认可此证；发证省数据过旧，待节点恢复同步后重新核验。",
        "Do not accept the certificate yet; check again when the issuer's log is current.",
    ),
    "R04-STALLED": (
        "暂不认可此证；请节点管理员升级程序后重新核验。",
        "Do not accept the certificate yet; have the node's operator upgrade it, then check again.",
    ),
    "R05-NOT-FOUND": (
        "对照证书原件核对编号；刚签发的请一分钟后再查，仍无则向发证机关查询。",
        (
            "Compare the number with the certificate; if it was issued just now, check again in a "
            "minute, else ask its issuer."
        ),
    ),
    "R06-HOLDER": (
        (
            "姓名或身份证号不符，或无法比对（持证人信息已删除，或未存有盐值、号码）：核对姓名与身份证件；"
            "核对一致前不得上岗，并向发证机关查询。"
        ),
        (
            "Name or number differs or could not be compared: the holder was erased, or no salt or "
            "number is kept. Compare both with the identity card; until they agree nobody works on "
            "it. Ask the issuer."
        ),
    ),
    "R07-REVOKED": (
        "立即停止认可此证，人员停止上岗；对撤销有异议的，由持证人或持证机构向发证机关提出。",
        "Accept it no more, a caregiver stops work at once; whoever objects turns to the issuer.",
    ),
    "R08-SUSPENDED": (
        "暂停认可此证，人员暂停上岗；待发证机关恢复后再核验。",
        "Do not accept it, and let no caregiver work on it, until its issuer reinstates it.",
    ),
    "R09-NOT-YET-VALID": (
        "起始日之前不予认可，人员不得上岗；届时再核验。",
        "It counts for nothing before its first day; check again then.",
    ),
    "R10-EXPIRED": (
        "停止认可此证，人员停止上岗；由持证人或持证机构向发证机关申请延期后再核验。",
        "Do not accept it, a caregiver stops work; let its issuer renew it, then check again.",
    ),
    "R11-SCOPE": (
        "发证省未获准颁发此类别：要求另行取得获准类别的证书。",
        "Its issuer may not issue under this scheme: ask for a certificate of another.",
    ),
    "R12-BARRED": (
        "立即停止认可此证，人员停止上岗；有异议的，由本人或机构向作出措施的机关提出。",
        (
            "Accept it no more, a caregiver stops work at once; whoever objects turns "
            "to the authority that took the measure."
        ),
    ),
    "R13-CLOSED": (
        "机构已关闭，此证不予认可；查名册中的承接机构并核验其证书。登记有误的，由机构向登记机关更正。",
        (
            "The institution is closed and this counts no more; look in the register for who took "
            "over, and check that one's. If it is an error, it has its register corrected."
        ),
    ),
    "R14-HOME": ("可予认可；在到期前续期。", "It counts; renew it before its last day."),
    "R15-HOST-STALE": (
        "暂不认可此证；使用地数据过旧，待节点恢复同步后重新核验。",
        "Do not accept the certificate yet; check again when the host's log is current.",
    ),
    "R16-BARRED-HERE": (
        "在此不予认可，人员不得上岗；有异议的，向作出措施的机关提出。",
        (
            "It does not count here, and no caregiver works here on it; whoever objects turns to "
            "the authority that took the measure."
        ),
    ),
    "R17-RECOGNITION-SUSPENDED": (
        "在此不予认可，人员不得上岗；请发证省答复，待使用地恢复互认后再核验。",
        (
            "It does not count here; ask the issuer to answer the host, and check again when "
            "recognition is resumed."
        ),
    ),
    "R18-NO-EQUIVALENCE": (
        "此类证书在此不予互认：另行取得本地资格或等级，或请主管部门公布互认关系。",
        (
            "Such certificates do not count here: get the local qualification, or ask the "
            "authority to declare an equivalence."
        ),
    ),
    "R19-LEVEL": (
        "该等级在此不予互认：取得予以互认的等级后再核验。",
        "This grade does not count here: check again with a grade that does.",
    ),
    "R20-BASIS-STALE": (
        "暂不认可此证；协议一方数据过旧，待节点恢复同步后重新核验。",
        "Do not accept the certificate yet; check again when the logs of all parties are current.",
    ),
    "R21-NO-AGREEMENT": (
        "互认所依据的协议不适用于此：向主管部门查询协议是否生效、是否涵盖本地。",
        (
            "No agreement in force carries it here: ask the authority whether one is due and "
            "covers this place."
        ),
    ),
    "R22-RECOGNISED": (
        "可按所列等级予以认可；在到期前续期。",
        "It counts at the grade named; renew it before its last day.",
    ),
}
"""What to do next, by the rule that decided; Chinese, then English."""

NOT_COMPARED = (
    "未核对持证人：未给出姓名或身份证号。",
    "holder not compared: no name and no identity number was given",
)
"""Said where nobody was compared with the holder, so that VALID is not taken for more."""

_UNREAD = (
    "按提示改正此行后重新核验。",
    "Mend the row as it says, then check it again.",
)
_UNKNOWN_RULE = (
    "除“有效”外不予认可；请升级本程序以了解此规则。",
    "Only a valid certificate counts; upgrade this program to learn of the rule.",
)


def remedy(rule: str) -> tuple[str, str]:
    """Return what to do next, in Chinese and English.

    Args:
        rule: Code of the rule that decided; empty if nothing could be asked.
    """
    return REMEDIES.get(rule, _UNKNOWN_RULE) if rule else _UNREAD


def announced(verdict: str, rule: str, on_date: str) -> tuple[str, str]:
    """Return what to do about a certificate that is good until a day, in Chinese and English.

    Args:
        verdict: Name of the verdict that it has from that day on.
        rule: Code of the rule that will decide.
        on_date: The day.
    """
    zh, en = VERDICT_NAMES.get(verdict, (verdict, verdict))
    then_zh, then_en = remedy(rule)
    return (
        f"{on_date} 起为“{zh}”：此前可上岗，请提前安排接替。自该日起：{then_zh}",
        (
            f"From {on_date} it is {en}: the person may work until the day before; arrange for "
            f"what comes. From that day: {then_en}"
        ),
    )


def verdict_text(verdict: str) -> str:
    """Return a verdict with its name in the language of the run."""
    return f"{verdict}  {tr(*VERDICT_NAMES.get(verdict, (verdict, verdict)))}"
