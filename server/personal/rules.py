"""The numbered rules of erasure, and of who may be linked with which certificate. Pure.

P01 to P03 make an `Erased` entry void; they look at nothing but the entry and its author, so that
every node judges alike. P04 to P07 are asked at the author's node only, before it stores values,
and P08 there, before it erases.
"""

from itertools import pairwise

from deltacare.errors import Reason, ViolationCollector
from deltacare.ids import CertificateNumber
from deltacare.v1.entry_pb2 import Erased
from server.registry.fields import read_reason
from server.registry.rulebook import Rule

__all__ = [
    "ERASED_CERTIFICATES_MAX",
    "P01_NOT_REGISTRY",
    "P02_MALFORMED",
    "P03_NOT_ISSUER",
    "P04_HOLDER_ERASED",
    "P05_HELD_BY_ANOTHER",
    "P06_OTHER_NAME",
    "P07_OTHER_PERSON",
    "P08_BARRED",
    "RULES",
    "TAG_BYTES",
    "judge_erased",
]

ERASED_CERTIFICATES_MAX = 1_000
"""Certificates, and tags of persons, that one `Erased` entry names at most."""

TAG_BYTES = 16

_ERASED = "deltacare/v1/entry.proto, Erased"
_VAULT = "deltacare/v1/personal_service.proto"
_MEASURE = "deltacare/v1/entry.proto, SupervisionMeasure"

P01_NOT_REGISTRY = Rule(
    code="P01-NOT-REGISTRY",
    zh="删除个人信息的声明只能写入登记日志。",
    en="That a person was erased belongs into a registry log.",
    source=_ERASED,
)
P02_MALFORMED = Rule(
    code="P02-MALFORMED",
    zh="须列明证书编号或人员标签，各至多 1000 个，升序且不重复，并有事由代码。",
    en="An erasure names certificates, tags of persons or both, at most 1,000 of each in ascending "
    "order, and the code of a reason.",
    source=_ERASED,
)
P03_NOT_ISSUER = Rule(
    code="P03-NOT-ISSUER",
    zh="只有发证省可以声明其证书持有人的信息已删除。",
    en="Only the issuing province states that the holder of a certificate was erased.",
    source=_ERASED,
    reason=Reason.NOT_AUTHOR,
)
P04_HOLDER_ERASED = Rule(
    code="P04-HOLDER-ERASED",
    zh="该证书持有人的信息已删除，不得再存入。",
    en="The holder of the certificate was erased; nothing is kept of it again.",
    source=_VAULT,
)
P05_HELD_BY_ANOTHER = Rule(
    code="P05-HELD-BY-ANOTHER",
    zh="该证书已登记在另一人名下。",
    en="The certificate is linked with another person.",
    source=_VAULT,
    reason=Reason.ALREADY_EXISTS,
)
P06_OTHER_NAME = Rule(
    code="P06-OTHER-NAME",
    zh="姓名与证书签发时的不符。",
    en="The certificate was issued to another name.",
    source=_VAULT,
)
P07_OTHER_PERSON = Rule(
    code="P07-OTHER-PERSON",
    zh="该人员编号名下所存的是另一姓名或另一身份证号；所存内容不变。",
    en="Another name or identity number is kept under this reference; what is kept stays.",
    source=_VAULT,
)
P08_BARRED = Rule(
    code="P08-BARRED",
    zh="持证人受禁入措施或列入失信名单，措施尚未终止，不予删除。",
    en="A measure bars the holder and has not ended; until then nothing of the person is erased.",
    source=f"{_MEASURE}; 个人信息保护法第四十七条（处理目的尚未实现）",
)

RULES = (
    P01_NOT_REGISTRY,
    P02_MALFORMED,
    P03_NOT_ISSUER,
    P04_HOLDER_ERASED,
    P05_HELD_BY_ANOTHER,
    P06_OTHER_NAME,
    P07_OTHER_PERSON,
    P08_BARRED,
)


def judge_erased(author: str, body: Erased) -> Rule | None:
    """Return the rule that an erasure breaks, ``None`` if it stands.

    Args:
        author: province in whose registry log it is.
        body: what it says.
    """
    numbers, tags = list(body.certificate_nos), list(body.person_tags)
    bad = ViolationCollector()
    read_reason(body.reason, "reason", bad)
    parsed = [bad.take(CertificateNumber.parse, text, field="certificate_nos") for text in numbers]
    is_ascending = all(before < after for before, after in pairwise(numbers))
    is_ascending &= all(before < after for before, after in pairwise(tags))
    most = max(len(numbers), len(tags))
    if bad.count or not is_ascending or not 1 <= most <= ERASED_CERTIFICATES_MAX:
        return P02_MALFORMED
    if any(len(tag) != TAG_BYTES for tag in tags):
        return P02_MALFORMED
    if any(str(number) != text for number, text in zip(parsed, numbers, strict=True)):
        return P02_MALFORMED
    if any(number is not None and number.issuer != author for number in parsed):
        return P03_NOT_ISSUER
    return None
