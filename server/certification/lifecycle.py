"""What may be said in a registry log of certificates and of their recognition.

Pure: values in, a rule or nothing out. The same rules run at the author before an entry is
appended and at every node that projects it, and they look at nothing but the author's own log up
to that entry. A certificate is changed by its issuer alone. Three rules are asked at the author
only: C15 looks at what the federation states now, of which a log knows nothing, C31 at measures and
at the vault (``server.certification.barring``), C33 at salts and at the vault
(``server.certification.persons``). The rules about schemes, C16 to C25, are in ``scheme_rules``.
"""

from collections.abc import Collection
from datetime import date

from deltacare.errors import Reason
from deltacare.v1.entry_pb2 import (
    Certificate,
    CertificateAddition,
    CertificateReinstatement,
    CertificateRenewal,
    Equivalence,
    EquivalenceEnd,
)
from server.certification.answers import ANSWER_RULES
from server.certification.scheme_rules import SCHEME_RULES, prolonged_from
from server.certification.standing import span_on
from server.certification.values import CertificateHistory, CertificateStanding, Span
from server.registry.fields import numbered_id_province
from server.registry.rulebook import Rule

__all__ = [
    "C15_SCHEME_NOT_STATED",
    "C26_PREDECESSOR",
    "C30_LINE_FULL",
    "C31_HOLDER_BARRED",
    "C32_INSTITUTION_NOT_STATED",
    "C33_OTHER_HOLDER",
    "LINE_MAX",
    "RULES",
    "judge_addition",
    "judge_certificate",
    "judge_equivalence",
    "judge_equivalence_end",
    "judge_reinstatement",
    "judge_renewal",
    "judge_restriction",
    "judge_resumption",
    "judge_scheme",
    "judge_suspended_recognition",
]

LINE_MAX = 64
"""Most certificates of one line, the first included: several times what a working life brings, and
few enough to be read, and proved in a verdict file, with each of them."""

_LIFE = "deltacare/v1/entry.proto, Certificate: only its author changes it"
_RECOGNITION = "deltacare/v1/entry.proto, Equivalence; 互认"

_C01_NOT_ISSUER = Rule(
    code="C01-NOT-ISSUER",
    zh="只有发证省可以签发或变更该证书。",
    en="Only the issuing province issues or changes a certificate.",
    source=_LIFE,
    reason=Reason.NOT_AUTHOR,
)
_C02_INSTITUTION_OUTSIDE = Rule(
    code="C02-INSTITUTION-OUTSIDE",
    zh="机构证书只能发给本省登记的机构。",
    en="A province certifies the institutions of its own register.",
    source=_LIFE,
)
_C03_REISSUED = Rule(
    code="C03-REISSUED",
    zh="该证书编号已签发过。",
    en="The number was issued before.",
    source=_LIFE,
    reason=Reason.ALREADY_EXISTS,
)
_C04_UNKNOWN = Rule(
    code="C04-UNKNOWN",
    zh="查无此证。",
    en="There is no such certificate.",
    source=_LIFE,
    reason=Reason.NOT_FOUND,
)
_C05_REVOKED_FOR_GOOD = Rule(
    code="C05-REVOKED-FOR-GOOD",
    zh="该证书在所述之日已撤销，不得再作变更；撤销日期有误的，只能改为更早之日。",
    en="The certificate is revoked by the day of which this speaks, and that is for good; only an "
    "earlier revocation is possible.",
    source="deltacare/v1/entry.proto, CertificateRevocation",
)
_C06_NOT_LATER = Rule(
    code="C06-NOT-LATER",
    zh="续期后的有效期须晚于现有效期。",
    en="A renewal ends later than what it renews.",
    source="deltacare/v1/entry.proto, CertificateRenewal",
)
_C07_NOT_SUSPENDED = Rule(
    code="C07-NOT-SUSPENDED",
    zh="该证书在恢复之日并未暂停。",
    en="The certificate is not suspended on the day from which it is reinstated.",
    source="deltacare/v1/entry.proto, CertificateReinstatement",
)
_C08_NOT_OWN = Rule(
    code="C08-NOT-OWN",
    zh="互认规则只能由编号所属省发布。",
    en="Only the province whose code it bears declares or ends an equivalence.",
    source=_RECOGNITION,
    reason=Reason.NOT_AUTHOR,
)
_C09_OWN_ISSUER = Rule(
    code="C09-OWN-ISSUER",
    zh="本省证书在本省无需互认。",
    en="A province needs no equivalence for its own certificates.",
    source=_RECOGNITION,
)
_C10_EQUIVALENCE_TAKEN = Rule(
    code="C10-EQUIVALENCE-TAKEN",
    zh="该互认规则编号已使用过。",
    en="The equivalence was declared before.",
    source=_RECOGNITION,
    reason=Reason.ALREADY_EXISTS,
)
_C11_EQUIVALENCE_UNKNOWN = Rule(
    code="C11-EQUIVALENCE-UNKNOWN",
    zh="没有这一互认规则。",
    en="There is no such equivalence.",
    source=_RECOGNITION,
    reason=Reason.NOT_FOUND,
)
_C12_EQUIVALENCE_ENDED = Rule(
    code="C12-EQUIVALENCE-ENDED",
    zh="该互认规则已自同日或更早之日起终止。",
    en="The equivalence was ended before, from the same day or an earlier one.",
    source=_RECOGNITION,
)
_C13_OWN_CERTIFICATE = Rule(
    code="C13-OWN-CERTIFICATE",
    zh="本省证书应暂停或撤销,不适用暂停互认。",
    en="A province suspends or revokes its own certificates; it does not recognise them.",
    source="deltacare/v1/entry.proto, RecognitionSuspension",
)
_C14_RECOGNISED = Rule(
    code="C14-RECOGNISED",
    zh="该证书在恢复之日并未暂停互认。",
    en="Recognition is not suspended on the day from which it is resumed.",
    source="deltacare/v1/entry.proto, RecognitionResumption",
)
C15_SCHEME_NOT_STATED = Rule(
    code="C15-SCHEME-NOT-STATED",
    zh="联盟未声明本省可颁发此类别的证书；未经他省互认规则认可的类别，他省一概不认。",
    en="The federation does not state that the province may issue under this scheme; partners "
    "recognise no scheme without an equivalence of their own in any case.",
    source="deltacare/member/v1, schemes",
)

C26_PREDECESSOR = Rule(
    code="C26-PREDECESSOR",
    zh="前一证书须由本省先行签发，且对象种类相同。",
    en="What a certificate follows was issued by the same province before, about the same kind of "
    "subject.",
    source="deltacare/v1/entry.proto, Certificate, predecessor_no",
)
_C27_NOT_THE_LAST = Rule(
    code="C27-NOT-THE-LAST",
    zh="续期须指明它所延长的签发或最近一次续期；他人可能已先续期。",
    en="A renewal names the issue or last renewal that it prolongs; somebody may have renewed it "
    "meanwhile.",
    source="deltacare/v1/entry.proto, CertificateRenewal, predecessor_hash",
)
C30_LINE_FULL = Rule(
    code="C30-LINE-FULL",
    zh="前后相续的证书至多 64 张，不得再接续。",
    en="Certificates that follow one another are at most 64; this line is full.",
    source="deltacare/v1/entry.proto, Certificate, predecessor_no",
)
C31_HOLDER_BARRED = Rule(
    code="C31-HOLDER-BARRED",
    zh="持证人（前一证书，或本省所知其名下的其他证书）在该证书生效之日处于禁入或失信名单之内。",
    en="On the certificate's first day its holder is barred, by a measure against what it follows "
    "or against another certificate known here to be theirs.",
    source="deltacare/v1/entry.proto, SupervisionMeasure; 联动监管",
)
C32_INSTITUTION_NOT_STATED = Rule(
    code="C32-INSTITUTION-NOT-STATED",
    zh="证书所发给的机构须先在本省名册中登记。",
    en="The institution that a certificate is about was stated in the province's own register "
    "before.",
    source="deltacare/v1/entry.proto, Certificate, institution_id",
    reason=Reason.NOT_FOUND,
)
C33_OTHER_HOLDER = Rule(
    code="C33-OTHER-HOLDER",
    zh="前一证书的持证人与此不同（姓名、人员编号或身份证号不符）；前后相续的证书须属同一人。",
    en="What the certificate follows is another holder's, by name, reference or identity number; "
    "certificates that follow one another are one holder's.",
    source="deltacare/v1/entry.proto, Certificate, predecessor_no",
)

RULES: tuple[Rule, ...] = (
    _C01_NOT_ISSUER,
    _C02_INSTITUTION_OUTSIDE,
    _C03_REISSUED,
    _C04_UNKNOWN,
    _C05_REVOKED_FOR_GOOD,
    _C06_NOT_LATER,
    _C07_NOT_SUSPENDED,
    _C08_NOT_OWN,
    _C09_OWN_ISSUER,
    _C10_EQUIVALENCE_TAKEN,
    _C11_EQUIVALENCE_UNKNOWN,
    _C12_EQUIVALENCE_ENDED,
    _C13_OWN_CERTIFICATE,
    _C14_RECOGNISED,
    C15_SCHEME_NOT_STATED,
    *SCHEME_RULES,
    C26_PREDECESSOR,
    _C27_NOT_THE_LAST,
    *ANSWER_RULES,
    C30_LINE_FULL,
    C31_HOLDER_BARRED,
    C32_INSTITUTION_NOT_STATED,
    C33_OTHER_HOLDER,
)
"""Every rule, in order."""


def judge_certificate(
    author: str,
    body: Certificate,
    *,
    taken: bool,
    predecessor: CertificateHistory | None,
    institution_stated: bool,
    line_size: int = 0,
) -> Rule | None:
    """Return the rule that a readable certificate breaks.

    Args:
        author: who says it.
        body: the certificate.
        taken: whether the author issued this number before.
        predecessor: the certificate that it follows; ``None`` if the author issued none of that
            number, or it names none.
        institution_stated: whether the author stated the institution before, if it is about one.
        line_size: certificates so far in the line of what it follows.
    """
    if numbered_id_province(body.certificate_no) != author:
        return _C01_NOT_ISSUER
    if body.institution_id and numbered_id_province(body.institution_id) != author:
        return _C02_INSTITUTION_OUTSIDE
    if taken:
        return _C03_REISSUED
    if body.predecessor_no and (
        predecessor is None or predecessor.issuer != author or predecessor.subject != body.subject
    ):
        return C26_PREDECESSOR
    if line_size >= LINE_MAX:
        return C30_LINE_FULL
    is_stated = institution_stated or not body.institution_id
    return None if is_stated else C32_INSTITUTION_NOT_STATED


def judge_restriction(
    author: str, certificate_no: str, *, day: date, standing: CertificateStanding | None
) -> Rule | None:
    """Return the rule that a readable suspension or revocation breaks.

    A revocation whose day is to come stops nothing that begins before it: somebody may have
    mistyped the day, and must be able to stop the certificate now.

    Args:
        author: who says it.
        certificate_no: the certificate.
        day: first day of which it speaks.
        standing: what the author said of it before; ``None`` if nothing.
    """
    rule = _judge_known(author, certificate_no, standing=standing)
    if rule is not None:
        return rule
    assert standing is not None, "an unknown certificate broke a rule"
    return _judge_unrevoked(standing, day)


def _judge_known(
    author: str, certificate_no: str, *, standing: CertificateStanding | None
) -> Rule | None:
    """Return the rule that anything said of a certificate breaks, whatever it says."""
    if numbered_id_province(certificate_no) != author:
        return _C01_NOT_ISSUER
    return _C04_UNKNOWN if standing is None else None


def _judge_unrevoked(standing: CertificateStanding, day: date) -> Rule | None:
    """Return the rule that a word about the days from one on breaks."""
    revocation = standing.revocation
    return _C05_REVOKED_FOR_GOOD if revocation is not None and revocation.holds(day) else None


def judge_addition(
    author: str, body: CertificateAddition, *, standing: CertificateStanding | None
) -> Rule | None:
    """Return the rule that a readable addition breaks; see ``judge_restriction``.

    It serves the next renewal, so it is possible for as long as that is.
    """
    rule = _judge_known(author, body.certificate_no, standing=standing)
    if rule is not None:
        return rule
    assert standing is not None, "an unknown certificate broke a rule"
    return _judge_unrevoked(standing, prolonged_from(standing.valid_until_date))


def judge_renewal(
    author: str, body: CertificateRenewal, *, standing: CertificateStanding | None, last_hash: bytes
) -> Rule | None:
    """Return the rule that a readable renewal breaks.

    The first day that it adds must not be one on which the certificate is revoked.

    Args:
        author: who says it.
        body: the renewal.
        standing: what the author said of the certificate before; ``None`` if nothing.
        last_hash: leaf hash of its issue or last renewal; empty if it is unknown.
    """
    rule = _judge_known(author, body.certificate_no, standing=standing)
    if rule is not None:
        return rule
    assert standing is not None, "an unknown certificate broke a rule"
    rule = _judge_unrevoked(standing, prolonged_from(standing.valid_until_date))
    if rule is not None:
        return rule
    if body.predecessor_hash != last_hash:
        return _C27_NOT_THE_LAST
    is_later = date.fromisoformat(body.valid_until_date) > standing.valid_until_date
    return None if is_later else _C06_NOT_LATER


def judge_reinstatement(
    author: str, body: CertificateReinstatement, *, standing: CertificateStanding | None
) -> Rule | None:
    """Return the rule that a readable reinstatement breaks; see ``judge_restriction``."""
    day = date.fromisoformat(body.effective_date)
    rule = judge_restriction(author, body.certificate_no, day=day, standing=standing)
    if rule is not None:
        return rule
    assert standing is not None, "an unknown certificate broke a rule"
    return None if span_on(standing.suspensions, day) else _C07_NOT_SUSPENDED


def judge_equivalence(author: str, body: Equivalence, *, taken: bool) -> Rule | None:
    """Return the rule that a readable equivalence breaks.

    Args:
        author: who says it.
        body: the equivalence.
        taken: whether the author declared one under this id before.
    """
    if numbered_id_province(body.equivalence_id) != author:
        return _C08_NOT_OWN
    if body.issuer == author:
        return _C09_OWN_ISSUER
    return _C10_EQUIVALENCE_TAKEN if taken else None


def judge_equivalence_end(
    author: str, body: EquivalenceEnd, *, known: bool, ended_date: date | None
) -> Rule | None:
    """Return the rule that a readable end of an equivalence breaks.

    One from an earlier day than before is possible: the first may have borne a wrong day.

    Args:
        author: who says it.
        body: the end.
        known: whether the author declared the equivalence before.
        ended_date: first day from which it ended it before; ``None`` if it did not.
    """
    if numbered_id_province(body.equivalence_id) != author:
        return _C08_NOT_OWN
    if not known:
        return _C11_EQUIVALENCE_UNKNOWN
    is_earlier = ended_date is None or date.fromisoformat(body.effective_date) < ended_date
    return None if is_earlier else _C12_EQUIVALENCE_ENDED


def judge_suspended_recognition(author: str, certificate_no: str) -> Rule | None:
    """Return the rule that a readable suspension of recognition breaks.

    Whether the issuer has such a certificate stands in another log, and does not matter.
    """
    return _C13_OWN_CERTIFICATE if numbered_id_province(certificate_no) == author else None


def judge_resumption(
    author: str, certificate_no: str, *, day: date, suspensions: tuple[Span, ...]
) -> Rule | None:
    """Return the rule that a readable resumption of recognition breaks.

    Args:
        author: who says it.
        certificate_no: the certificate.
        day: first day on which it is recognised again.
        suspensions: days on which the author does not recognise it.
    """
    rule = judge_suspended_recognition(author, certificate_no)
    if rule is not None:
        return rule
    return None if span_on(suspensions, day) else _C14_RECOGNISED


def judge_scheme(scheme: str, *, stated: Collection[str]) -> Rule | None:
    """Return the rule that issuing or renewing under a scheme breaks; asked at the author only.

    Args:
        scheme: of the certificate.
        stated: schemes that the federation states of the issuer; none stand for any.
    """
    return C15_SCHEME_NOT_STATED if stated and scheme not in stated else None
