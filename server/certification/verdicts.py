"""The numbered rules of a check, in the order in which ``rules.check`` runs them.

The number and name of the rule that decided travel in every answer; a rule never changes its
meaning, it gets a successor.
"""

from server.registry.rulebook import Rule

__all__ = [
    "R00_TRUST",
    "R01_ISSUER",
    "R02_FORK",
    "R03_STALE",
    "R04_STALLED",
    "R05_NOT_FOUND",
    "R06_HOLDER",
    "R07_REVOKED",
    "R08_SUSPENDED",
    "R09_NOT_YET_VALID",
    "R10_EXPIRED",
    "R11_SCOPE",
    "R12_BARRED",
    "R13_CLOSED",
    "R14_HOME",
    "R15_HOST_STALE",
    "R16_BARRED_HERE",
    "R17_RECOGNITION_SUSPENDED",
    "R18_NO_EQUIVALENCE",
    "R19_LEVEL",
    "R20_BASIS_STALE",
    "R21_NO_AGREEMENT",
    "R22_RECOGNISED",
    "RULES",
]

_VERDICTS = "deltacare/v1/certification_service.proto, Verdict"
_RECOGNITION = "deltacare/v1/entry.proto, Equivalence; 互认"
_SUPERVISION = "deltacare/v1/entry.proto, SupervisionMeasure; server/supervision/rules.py; 联动监管"
_CLOSING = (
    "deltacare/v1/entry.proto, Institution, state; 《养老机构管理办法》(民政部令第66号): "
    "暂停、终止服务"
)
_FRESHNESS = "deltacare/v1/certification_service.proto, Verdict; stale_after of the federation"

R00_TRUST = Rule(
    code="R00-TRUST",
    zh="联盟元数据已失效,无从得知谁可出具证明:数据过旧。",
    en="The federation's metadata is not confirmed any more, nor who may say what: stale.",
    source="The Update Framework 1.0.31, 5.3; trust expires when no timestamp comes",
)
R01_ISSUER = Rule(
    code="R01-ISSUER",
    zh="发证省不是成员:查无此证。",
    en="The issuer is no member of the federation: unknown.",
    source=_VERDICTS,
)
R02_FORK = Rule(
    code="R02-FORK",
    zh="发证省出示过两份相互矛盾的日志:凭证异常。",
    en="The issuer signed two histories that contradict each other: fork.",
    source=_VERDICTS,
)
R03_STALE = Rule(
    code="R03-STALE",
    zh="发证省日志从未收到或超过允许时限:数据过旧。",
    en="The issuer's log was never seen, or is older than allowed: stale.",
    source=_FRESHNESS,
)
R04_STALLED = Rule(
    code="R04-STALLED",
    zh="发证省日志含有本版本不能读取的内容:数据过旧。",
    en="The issuer's log holds what this version cannot read: stale.",
    source=_FRESHNESS,
)
R05_NOT_FOUND = Rule(
    code="R05-NOT-FOUND",
    zh="发证省日志中没有此证,或尚未经足数联签:查无此证。",
    en="The issuer's log has no such certificate, or no quorum saw it yet: unknown.",
    source=_VERDICTS,
)
R06_HOLDER = Rule(
    code="R06-HOLDER",
    zh="持证人姓名或身份证号不符,或无法核对:人证不符。",
    en="The holder is another by name or number, or could not be compared: holder mismatch.",
    source=_VERDICTS,
)
R07_REVOKED = Rule(
    code="R07-REVOKED",
    zh="发证省已撤销:撤销。",
    en="Its issuer revoked it: revoked.",
    source="deltacare/v1/entry.proto, CertificateRevocation",
)
R08_SUSPENDED = Rule(
    code="R08-SUSPENDED",
    zh="发证省已暂停,且当日仍在暂停期内:暂停。",
    en="Its issuer suspended it, and the day lies within: suspended.",
    source="deltacare/v1/entry.proto, CertificateSuspension",
)
R09_NOT_YET_VALID = Rule(
    code="R09-NOT-YET-VALID",
    zh="有效期尚未开始:未生效。",
    en="Its first day has not come: not yet valid.",
    source="deltacare/v1/entry.proto, Certificate",
)
R10_EXPIRED = Rule(
    code="R10-EXPIRED",
    zh="有效期(含续期)已过:过期。",
    en="Its last day, renewals included, has passed: expired.",
    source="deltacare/v1/entry.proto, CertificateRenewal",
)
R11_SCOPE = Rule(
    code="R11-SCOPE",
    zh="联盟声明当时未许可发证省颁发此类别的证书:不予认可。",
    en="The federation does not let its issuer issue under this scheme: not recognised.",
    source="deltacare/member/v1, schemes",
)
R12_BARRED = Rule(
    code="R12-BARRED",
    zh="持证人(凭前后相续的任一证书)或机构被其所在省禁入或列入失信名单:各地均不予认可。",
    en="Its own province barred the holder, by this certificate or another of its line, or the "
    "institution: recognised nowhere.",
    source=_SUPERVISION,
)
# A standard or grade is of the service that an institution gives. Where that has ended for good,
# nothing is left to be of that grade, whether or not somebody thought of revoking the certificate.
# Where it is suspended, what was assessed is still there: who wants the certificate to rest
# meanwhile suspends it (R08), who wants admission to stop takes a measure (M23).
R13_CLOSED = Rule(
    code="R13-CLOSED",
    zh="名册载明机构当日已关闭,其标准、等级证书各地均不予认可,直至载明恢复;"
    "暂停服务的机构仍在,证书照常,须一并暂停的由发证省暂停证书。护理员证书不因任职机构关闭而受影响。",
    en="Its register says that the institution is closed on that day: certificates about it are "
    "recognised nowhere until the register says that it came back. One that is suspended is still "
    "there, and its certificates count unless their issuer suspends them. A caregiver's does not "
    "depend on any employer.",
    source=_CLOSING,
)
R14_HOME = Rule(
    code="R14-HOME",
    zh="本省签发,在本省有效:有效。",
    en="It counts where it was issued: valid.",
    source=_VERDICTS,
)
R15_HOST_STALE = Rule(
    code="R15-HOST-STALE",
    zh="使用地日志过旧、矛盾或不能读取,无从判断是否互认:数据过旧。",
    en="The host's log is too old, contradicts itself or cannot be read: stale.",
    source=_FRESHNESS,
)
R16_BARRED_HERE = Rule(
    code="R16-BARRED-HERE",
    zh="使用地对持证人(凭前后相续的任一证书)或机构作出禁入等措施:本地不予互认。",
    en="The host barred the holder, by this certificate or another of its line, or the "
    "institution, from its own province: not recognised here.",
    source=_SUPERVISION,
)
R17_RECOGNITION_SUSPENDED = Rule(
    code="R17-RECOGNITION-SUSPENDED",
    zh="使用地已暂停互认此证:本地不予互认。",
    en="The host suspended its recognition of this certificate: not recognised here.",
    source="deltacare/v1/entry.proto, RecognitionSuspension",
)
R18_NO_EQUIVALENCE = Rule(
    code="R18-NO-EQUIVALENCE",
    zh="使用地当日没有适用于该发证省和体系的互认规则:本地不予互认。",
    en="The host has no equivalence for this issuer and scheme that day: not recognised.",
    source=_RECOGNITION,
)
R19_LEVEL = Rule(
    code="R19-LEVEL",
    zh="使用地认可该发证省的这一体系,但不认可此等级:本地不予互认。",
    en="The host recognises this issuer and scheme that day, but not this grade: not recognised.",
    source=_RECOGNITION,
)
R20_BASIS_STALE = Rule(
    code="R20-BASIS-STALE",
    zh="互认所依据协议的某方日志过旧、矛盾或不能读取:数据过旧。",
    en="The log of a party to its agreement is too old, forked or cannot be read: stale.",
    source=_FRESHNESS,
)
R21_NO_AGREEMENT = Rule(
    code="R21-NO-AGREEMENT",
    zh="互认所依据的协议当日不生效,或不涵盖此类证书、发证地或使用地:本地不予互认。",
    en="Its agreement is not in force that day, or covers other things or places: not recognised.",
    source="deltacare/v1/entry.proto, Agreement; 合作协议",
)
R22_RECOGNISED = Rule(
    code="R22-RECOGNISED",
    zh="使用地依据生效协议予以互认:有效。",
    en="The host recognises it on the basis of an agreement in force: valid.",
    source=_RECOGNITION,
)

RULES: tuple[Rule, ...] = (
    R00_TRUST,
    R01_ISSUER,
    R02_FORK,
    R03_STALE,
    R04_STALLED,
    R05_NOT_FOUND,
    R06_HOLDER,
    R07_REVOKED,
    R08_SUSPENDED,
    R09_NOT_YET_VALID,
    R10_EXPIRED,
    R11_SCOPE,
    R12_BARRED,
    R13_CLOSED,
    R14_HOME,
    R15_HOST_STALE,
    R16_BARRED_HERE,
    R17_RECOGNITION_SUSPENDED,
    R18_NO_EQUIVALENCE,
    R19_LEVEL,
    R20_BASIS_STALE,
    R21_NO_AGREEMENT,
    R22_RECOGNISED,
)
"""Every rule, in order."""
