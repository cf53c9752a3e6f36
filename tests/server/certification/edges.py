"""Where each rule of recognition begins and ends: facts on either side of its edge, as data.

Each edge has two sides that differ in one fact: a day, an entry, a second, a place. What both
implementations must say of each side stands beside it; `docs/recognition-rules.md` is made of this.
All of it is synthetic.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from deltacare.v1 import entry_pb2 as pb
from tests.support.evidence import AH, JS, NOW, NUMBER, SH, STALE_AFTER_S, ZJ, Asked, Logs

__all__ = ["EDGES", "Edge", "Side"]

TODAY, TOMORROW, YESTERDAY = "2026-11-22", "2026-11-23", "2026-11-21"
LIMIT = timedelta(seconds=STALE_AFTER_S)
SECOND = timedelta(seconds=1)

OPERATING = pb.INSTITUTION_STATE_OPERATING
ACCEPTED, ENDED = pb.AGREEMENT_WORD_ACCEPTED, pb.AGREEMENT_WORD_ENDED
# What the agreement would be changed to: no longer about caregivers.
OTHER: dict[str, object] = {"scopes": (pb.AGREEMENT_SCOPE_INSTITUTION_STANDARD,)}

Build = Callable[[], tuple[Logs, Asked]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Facts on one side of an edge, and what must be said of them.

    Attributes:
        zh: The fact, in Chinese.
        en: The fact, in English.
        build: Makes the logs and the question.
        verdict: Expected.
        rule: That decides.
    """

    zh: str
    en: str
    build: Build
    verdict: str
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """Two sides of a rule's edge.

    Attributes:
        rule: Whose edge it is.
        inside: The rule decides.
        outside: It does not, by one step.
    """

    rule: str
    inside: Side
    outside: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A certificate of Jiangsu that Shanghai recognises, with changes."""

    asked: Asked = field(default_factory=Asked)
    certificate: dict[str, object] = field(default_factory=dict)
    agreement: dict[str, object] = field(default_factory=dict)
    equivalence: dict[str, object] = field(default_factory=dict)
    accepted_by: tuple[str, ...] = (JS,)
    more: tuple[tuple[str, dict[str, object]], ...] = ()
    amendment: dict[str, object] | None = None
    amended_by: tuple[tuple[str, int], ...] = ()
    ended_by: tuple[tuple[str, str], ...] = ()
    unseen: dict[str, int] = field(default_factory=dict)
    logs: dict[str, dict[str, object]] = field(default_factory=dict)

    def __call__(self) -> tuple[Logs, Asked]:
        """Say it all: certificate, agreement, answers, equivalence, then what else there is."""
        logs = Logs()
        certificate: dict[str, object] = {
            "certificate_no": NUMBER,
            "subject": pb.CERTIFICATE_SUBJECT_CAREGIVER,
            "scheme": "CAREGIVER_LEVEL",
            "grade": "三级",
            "holder_name_digest": bytes(32),
            "valid_from_date": "2026-01-01",
            "valid_until_date": "2026-12-31",
            "division_code": "320505",
        }
        agreement: dict[str, object] = {
            "agreement_id": f"{SH}-A1",
            "parties": (SH, "320500"),
            "scopes": (pb.AGREEMENT_SCOPE_CAREGIVER_QUALIFICATION,),
            "from_date": "2025-01-01",
        }
        equivalence: dict[str, object] = {
            "equivalence_id": f"{SH}-E1",
            "issuer": JS,
            "scheme": "CAREGIVER_LEVEL",
            "grades": ("三级",),
            "mapped_scheme": "SH_CAREGIVER",
            "mapped_grade": "中级",
            "from_date": "2025-01-01",
            "agreement_id": f"{SH}-A1",
        }
        logs.say(JS, certificate=pb.Certificate(**{**certificate, **self.certificate}))  # type: ignore[arg-type]  # data
        version = logs.say(SH, agreement=pb.Agreement(**{**agreement, **self.agreement}))  # type: ignore[arg-type]  # data
        logs.say(SH, equivalence=pb.Equivalence(**{**equivalence, **self.equivalence}))  # type: ignore[arg-type]  # data
        for author, body in self.more:
            logs.say(author, **body)
        for author in self.accepted_by:
            logs.say(
                author,
                agreement_answer=pb.AgreementAnswer(
                    agreement_id=f"{SH}-A1", version_hash=version, word=pb.AGREEMENT_WORD_ACCEPTED
                ),
            )
        if self.amendment is not None:
            amended = logs.say(
                SH,
                agreement=pb.Agreement(
                    **{**agreement, **self.agreement, "predecessor_hash": version, **self.amendment}  # type: ignore[arg-type]  # data
                ),
            )
            for author, word in self.amended_by:
                logs.say(
                    author,
                    agreement_answer=pb.AgreementAnswer(
                        agreement_id=f"{SH}-A1",
                        version_hash=amended,
                        word=pb.AgreementWord.ValueType(word),
                        reason="" if word == ACCEPTED else "POLICY",
                        effective_date="" if word == ACCEPTED else TODAY,
                    ),
                )
        for author, day in self.ended_by:
            logs.say(
                author,
                agreement_answer=pb.AgreementAnswer(
                    agreement_id=f"{SH}-A1",
                    version_hash=version,
                    word=ENDED,
                    reason="POLICY",
                    effective_date=day,
                ),
            )
        logs.unseen.update(self.unseen)
        for author, changes in self.logs.items():
            logs.facts[author] = lambda facts, changes=changes: replace(facts, **changes)  # type: ignore[misc]  # bound at once
        return logs, self.asked


def asks(**changes: object) -> Asked:
    """Return the question with changes."""
    return replace(Asked(), **changes)  # type: ignore[arg-type]  # data


def said(author: str, kind: str, body: object) -> tuple[str, dict[str, object]]:
    """Return an entry to say."""
    return author, {kind: body}


def revoked(day: str) -> tuple[str, dict[str, object]]:
    """Return a revocation."""
    body = pb.CertificateRevocation(certificate_no=NUMBER, effective_date=day, reason="FRAUD")
    return said(JS, "certificate_revocation", body)


def suspended(day: str, until: str = "") -> tuple[str, dict[str, object]]:
    """Return a suspension by the issuer."""
    body = pb.CertificateSuspension(
        certificate_no=NUMBER, effective_date=day, until_date=until, reason="COMPLAINT"
    )
    return said(JS, "certificate_suspension", body)


def reinstated(day: str) -> tuple[str, dict[str, object]]:
    """Return a reinstatement."""
    body = pb.CertificateReinstatement(certificate_no=NUMBER, effective_date=day, reason="CLEARED")
    return said(JS, "certificate_reinstatement", body)


def renewed(until: str) -> tuple[str, dict[str, object]]:
    """Return a renewal."""
    body = pb.CertificateRenewal(certificate_no=NUMBER, valid_until_date=until)
    return said(JS, "certificate_renewal", body)


def measure(author: str, **changes: object) -> tuple[str, dict[str, object]]:
    """Return a ban, unless another kind is named."""
    fields: dict[str, object] = {
        "measure_id": f"{author}-M1",
        "kind": pb.MEASURE_KIND_BAN,
        "certificate_no": NUMBER,
        "from_date": TODAY,
        "reason": "ABUSE",
    }
    return said(author, "supervision_measure", pb.SupervisionMeasure(**{**fields, **changes}))  # type: ignore[arg-type]  # data


def followed(number: str, follows: str) -> tuple[str, dict[str, object]]:
    """Return the issue of another certificate, that follows one or none."""
    body = pb.Certificate(
        certificate_no=number,
        subject=pb.CERTIFICATE_SUBJECT_CAREGIVER,
        scheme="CAREGIVER_LEVEL",
        grade="二级",
        valid_from_date=TODAY,
        valid_until_date=TODAY,
        predecessor_no=follows,
    )
    return said(JS, "certificate", body)


def lifted(author: str, day: str) -> tuple[str, dict[str, object]]:
    """Return the lift of a measure."""
    body = pb.MeasureLift(measure_id=f"{author}-M1", effective_date=day, reason="CLEARED")
    return said(author, "measure_lift", body)


def stopped(day: str) -> tuple[str, dict[str, object]]:
    """Return the host's suspension of recognition."""
    body = pb.RecognitionSuspension(certificate_no=NUMBER, effective_date=day, reason="DOUBT")
    return said(SH, "recognition_suspension", body)


def resumed(day: str) -> tuple[str, dict[str, object]]:
    """Return the host's resumption of recognition."""
    body = pb.RecognitionResumption(certificate_no=NUMBER, effective_date=day, reason="CLEARED")
    return said(SH, "recognition_resumption", body)


def of_institution(**changes: object) -> Case:
    """Return a grade of an institution of Jiangsu that Shanghai recognises, with changes."""
    scheme = "GB_T_37276"
    fields: dict[str, object] = {
        "certificate": {
            "subject": pb.CERTIFICATE_SUBJECT_INSTITUTION,
            "institution_id": f"{JS}-1",
            "scheme": scheme,
            "holder_name_digest": b"",
        },
        "agreement": OTHER,
        "equivalence": {"scheme": scheme, "mapped_scheme": scheme, "mapped_grade": "三级"},
    }
    return Case(**{**fields, **changes})  # type: ignore[arg-type]  # data


def stated(
    day: str, state: int = pb.INSTITUTION_STATE_CLOSED, number: int = 1
) -> tuple[str, dict[str, object]]:
    """Return a statement of an institution: closed, unless another state is named."""
    body = pb.Institution(
        institution_id=f"{JS}-{number}",
        state=pb.InstitutionState.ValueType(state),
        state_date=day,
        state_reason="MERGED" if state == pb.INSTITUTION_STATE_CLOSED else "MISTAKEN",
    )
    return said(JS, "institution", body)


def edge(
    rule: str,
    inside: tuple[str, str, Build, str],
    outside: tuple[str, str, Build, str, str],
) -> Edge:
    """Return an edge: inside the rule itself decides."""
    return Edge(
        rule=rule,
        inside=Side(zh=inside[0], en=inside[1], build=inside[2], verdict=inside[3], rule=rule),
        outside=Side(
            zh=outside[0], en=outside[1], build=outside[2], verdict=outside[3], rule=outside[4]
        ),
    )


GOOD = ("VALID", "R22-RECOGNISED")
NOT_HERE = "NOT_RECOGNISED_HERE"
# Seen from a third province, no log is the checker's own.
AT_HOME = asks(host=JS, answered_by=AH)
ELSEWHERE = asks(answered_by=AH)
THREE: dict[str, object] = {"parties": (SH, "320500", ZJ)}

EDGES: tuple[Edge, ...] = (
    edge(
        "R00-TRUST",
        (
            "联盟元数据已有一天无人确认",
            "nobody confirmed the membership for a day",
            Case(asked=asks(unconfirmed_since=NOW - LIMIT)),
            "STALE",
        ),
        ("联盟元数据已确认", "it is confirmed", Case(), *GOOD),
    ),
    edge(
        "R01-ISSUER",
        (
            "编号属于非成员省 510000",
            "its number is of 510000, no member",
            Case(asked=asks(certificate_no="510000-C1")),
            "UNKNOWN",
        ),
        (
            "编号属于成员省 330000，但该省无此证",
            "its number is of 330000, a member without it",
            Case(asked=asks(certificate_no="330000-C1")),
            "UNKNOWN",
            "R05-NOT-FOUND",
        ),
    ),
    edge(
        "R02-FORK",
        (
            "发证省出示过两份历史",
            "the issuer showed two histories",
            Case(logs={JS: {"is_forked": True}}),
            "FORK",
        ),
        ("只有一份历史", "it showed one", Case(), *GOOD),
    ),
    edge(
        "R03-STALE",
        (
            "发证省日志的时间为 86401 秒前",
            "the issuer's log is 86,401 seconds old",
            Case(logs={JS: {"fresh_time": NOW - LIMIT - SECOND}}),
            "STALE",
        ),
        (
            "发证省日志的时间为 86400 秒前",
            "it is 86,400 seconds old",
            Case(logs={JS: {"fresh_time": NOW - LIMIT}}),
            *GOOD,
        ),
    ),
    edge(
        "R03-STALE",
        (
            "发证省日志从未收到",
            "the issuer's log was never seen",
            Case(logs={JS: {"fresh_time": None}}),
            "STALE",
        ),
        (
            "核验节点即发证省节点，不问时限",
            "it is the answering node's own: no age is asked",
            Case(asked=asks(answered_by=JS), logs={JS: {"fresh_time": None}}),
            *GOOD,
        ),
    ),
    edge(
        "R04-STALLED",
        (
            "发证省日志含不能读取的内容",
            "the issuer's log holds what cannot be read",
            Case(logs={JS: {"is_stalled": True}}),
            "STALE",
        ),
        ("全部可读", "all of it can be read", Case(), *GOOD),
    ),
    edge(
        "R05-NOT-FOUND",
        (
            "足数联签到证书条目之前一条",
            "the quorum ends just before the certificate's entry",
            Case(asked=AT_HOME, unseen={JS: 2}),
            "UNKNOWN",
        ),
        (
            "足数联签到证书条目",
            "the quorum includes the certificate's entry",
            Case(asked=AT_HOME, unseen={JS: 1}),
            "VALID",
            "R14-HOME",
        ),
    ),
    edge(
        "R06-HOLDER",
        (
            "持证人不符或无法核对",
            "the holder is another, or could not be compared",
            Case(asked=asks(holder_matches=False)),
            "HOLDER_MISMATCH",
        ),
        ("持证人相符", "the holder matches", Case(asked=asks(holder_matches=True)), *GOOD),
    ),
    edge(
        "R07-REVOKED",
        ("自当日起撤销", "revoked from that day", Case(more=(revoked(TODAY),)), "REVOKED"),
        ("自次日起撤销", "revoked from the next day", Case(more=(revoked(TOMORROW),)), *GOOD),
    ),
    edge(
        "R07-REVOKED",
        (
            "误自2062年起撤销，后改自当日起",
            "revoked from 2062 by mistake, then from that day",
            Case(more=(revoked("2062-11-22"), revoked(TODAY))),
            "REVOKED",
        ),
        (
            "误自2062年起撤销，后改自次日起",
            "revoked from 2062 by mistake, then from the next day",
            Case(more=(revoked("2062-11-22"), revoked(TOMORROW))),
            *GOOD,
        ),
    ),
    edge(
        "R07-REVOKED",
        (
            "撤销条目已校验、未联签",
            "the revocation is verified and under no quorum",
            Case(asked=AT_HOME, more=(revoked(TODAY),), accepted_by=(), unseen={JS: 1}),
            "REVOKED",
        ),
        (
            "撤销条目尚未收到",
            "the revocation has not arrived",
            Case(
                asked=AT_HOME,
                more=(revoked(TODAY),),
                accepted_by=(),
                logs={JS: {"size": 1, "quorum_size": 1}},
            ),
            "VALID",
            "R14-HOME",
        ),
    ),
    edge(
        "R08-SUSPENDED",
        ("自当日起暂停", "suspended from that day", Case(more=(suspended(TODAY),)), "SUSPENDED"),
        ("自次日起暂停", "suspended from the next day", Case(more=(suspended(TOMORROW),)), *GOOD),
    ),
    edge(
        "R08-SUSPENDED",
        (
            "暂停至当日",
            "suspended until that day",
            Case(more=(suspended(YESTERDAY, TODAY),)),
            "SUSPENDED",
        ),
        (
            "暂停至前一日",
            "suspended until the day before",
            Case(more=(suspended(YESTERDAY, YESTERDAY),)),
            *GOOD,
        ),
    ),
    edge(
        "R08-SUSPENDED",
        (
            "自次日起恢复",
            "reinstated from the next day",
            Case(more=(suspended(YESTERDAY), reinstated(TOMORROW))),
            "SUSPENDED",
        ),
        (
            "自当日起恢复",
            "reinstated from that day",
            Case(more=(suspended(YESTERDAY), reinstated(TODAY))),
            *GOOD,
        ),
    ),
    edge(
        "R08-SUSPENDED",
        (
            "另案自当日起暂停，恢复自前一日起",
            "suspended in another case from that day, reinstated from the day before",
            Case(more=(suspended(YESTERDAY), suspended(TODAY), reinstated(YESTERDAY))),
            "SUSPENDED",
        ),
        (
            "另案自当日起暂停，恢复自当日起",
            "suspended in another case from that day, reinstated from that day",
            Case(more=(suspended(YESTERDAY), suspended(TODAY), reinstated(TODAY))),
            *GOOD,
        ),
    ),
    edge(
        "R08-SUSPENDED",
        (
            "恢复条目未经足数联签",
            "the reinstatement is under no quorum",
            Case(
                asked=AT_HOME,
                more=(suspended(YESTERDAY), reinstated(TODAY)),
                accepted_by=(),
                unseen={JS: 1},
            ),
            "SUSPENDED",
        ),
        (
            "恢复条目已足数联签",
            "the reinstatement is under the quorum",
            Case(asked=AT_HOME, more=(suspended(YESTERDAY), reinstated(TODAY)), accepted_by=()),
            "VALID",
            "R14-HOME",
        ),
    ),
    edge(
        "R09-NOT-YET-VALID",
        (
            "有效期自次日开始",
            "its first day is the next day",
            Case(certificate={"valid_from_date": TOMORROW}),
            "NOT_YET_VALID",
        ),
        (
            "有效期自当日开始",
            "its first day is that day",
            Case(certificate={"valid_from_date": TODAY}),
            *GOOD,
        ),
    ),
    edge(
        "R10-EXPIRED",
        (
            "有效期至前一日",
            "its last day was the day before",
            Case(certificate={"valid_until_date": YESTERDAY}),
            "EXPIRED",
        ),
        (
            "有效期至当日",
            "its last day is that day",
            Case(certificate={"valid_until_date": TODAY}),
            *GOOD,
        ),
    ),
    edge(
        "R10-EXPIRED",
        (
            "续期条目未经足数联签",
            "its renewal is under no quorum",
            Case(
                asked=AT_HOME,
                certificate={"valid_until_date": YESTERDAY},
                accepted_by=(),
                more=(renewed(TODAY),),
                unseen={JS: 1},
            ),
            "EXPIRED",
        ),
        (
            "续期至当日并已足数联签",
            "it was renewed until that day, under the quorum",
            Case(
                asked=AT_HOME,
                certificate={"valid_until_date": YESTERDAY},
                accepted_by=(),
                more=(renewed(TODAY),),
            ),
            "VALID",
            "R14-HOME",
        ),
    ),
    edge(
        "R11-SCOPE",
        (
            "联盟声明只许可 GB_T_37276",
            "the federation states GB_T_37276 alone",
            Case(asked=asks(stated_schemes=("GB_T_37276",))),
            NOT_HERE,
        ),
        (
            "联盟声明许可 CAREGIVER_LEVEL",
            "the federation states CAREGIVER_LEVEL",
            Case(asked=asks(stated_schemes=("CAREGIVER_LEVEL", "GB_T_37276"))),
            *GOOD,
        ),
    ),
    edge(
        "R12-BARRED",
        (
            "发证省自当日起禁入",
            "its own province bars the holder from that day",
            Case(more=(measure(JS),)),
            NOT_HERE,
        ),
        (
            "发证省自次日起禁入",
            "from the next day",
            Case(more=(measure(JS, from_date=TOMORROW),)),
            *GOOD,
        ),
    ),
    edge(
        "R12-BARRED",
        (
            "列入失信名单至当日，在本省",
            "on the list of broken trust until that day, at home",
            Case(
                asked=asks(host=JS),
                more=(
                    measure(
                        JS,
                        kind=pb.MEASURE_KIND_DISHONESTY_LIST,
                        from_date=YESTERDAY,
                        until_date=TODAY,
                    ),
                ),
            ),
            NOT_HERE,
        ),
        (
            "列入失信名单至前一日，在本省",
            "until the day before, at home",
            Case(
                asked=asks(host=JS),
                more=(
                    measure(
                        JS,
                        kind=pb.MEASURE_KIND_DISHONESTY_LIST,
                        from_date=YESTERDAY,
                        until_date=YESTERDAY,
                    ),
                ),
            ),
            "VALID",
            "R14-HOME",
        ),
    ),
    edge(
        "R12-BARRED",
        (
            "自次日起解除",
            "lifted from the next day",
            Case(more=(measure(JS, from_date=YESTERDAY), lifted(JS, TOMORROW))),
            NOT_HERE,
        ),
        (
            "自当日起解除",
            "lifted from that day",
            Case(more=(measure(JS, from_date=YESTERDAY), lifted(JS, TODAY))),
            *GOOD,
        ),
    ),
    edge(
        "R12-BARRED",
        (
            "解除条目未经足数联签",
            "the lift is under no quorum",
            Case(
                asked=AT_HOME, more=(measure(JS), lifted(JS, TODAY)), accepted_by=(), unseen={JS: 1}
            ),
            NOT_HERE,
        ),
        (
            "解除条目已足数联签",
            "the lift is under the quorum",
            Case(asked=AT_HOME, more=(measure(JS), lifted(JS, TODAY)), accepted_by=()),
            "VALID",
            "R14-HOME",
        ),
    ),
    edge(
        "R12-BARRED",
        ("禁入", "a ban", Case(more=(measure(JS),)), NOT_HERE),
        ("行政处罚", "a penalty", Case(more=(measure(JS, kind=pb.MEASURE_KIND_PENALTY),)), *GOOD),
    ),
    edge(
        "R12-BARRED",
        (
            "禁入后续证书的持证人",
            "the holder of a certificate that follows it is barred",
            Case(more=(followed("320000-C2", NUMBER), measure(JS, certificate_no="320000-C2"))),
            NOT_HERE,
        ),
        (
            "禁入与其无前后相续关系的证书的持证人",
            "the holder of one that does not follow it is",
            Case(more=(followed("320000-C2", ""), measure(JS, certificate_no="320000-C2"))),
            *GOOD,
        ),
    ),
    edge(
        "R13-CLOSED",
        (
            "所涉机构自当日起关闭",
            "the institution that it is about is closed from that day",
            of_institution(more=(stated(TODAY),)),
            NOT_HERE,
        ),
        ("自次日起关闭", "from the next day", of_institution(more=(stated(TOMORROW),)), *GOOD),
    ),
    edge(
        "R13-CLOSED",
        (
            "自当日起关闭，在本省",
            "closed from that day, at home",
            of_institution(asked=asks(host=JS), more=(stated(TODAY),)),
            NOT_HERE,
        ),
        (
            "自当日起暂停服务，在本省",
            "suspended from that day, at home",
            of_institution(
                asked=asks(host=JS), more=(stated(TODAY, pb.INSTITUTION_STATE_SUSPENDED),)
            ),
            "VALID",
            "R14-HOME",
        ),
    ),
    edge(
        "R13-CLOSED",
        (
            "自次日起恢复",
            "back from the next day",
            of_institution(more=(stated(YESTERDAY), stated(TOMORROW, OPERATING))),
            NOT_HERE,
        ),
        (
            "自当日起恢复",
            "back from that day",
            of_institution(more=(stated(YESTERDAY), stated(TODAY, OPERATING))),
            *GOOD,
        ),
    ),
    edge(
        "R13-CLOSED",
        (
            "关闭条目已校验、未联签",
            "the closing is verified and under no quorum",
            of_institution(asked=AT_HOME, more=(stated(TODAY),), accepted_by=(), unseen={JS: 1}),
            NOT_HERE,
        ),
        (
            "关闭条目尚未收到",
            "the closing has not arrived",
            of_institution(
                asked=AT_HOME,
                more=(stated(TODAY),),
                accepted_by=(),
                logs={JS: {"size": 1, "quorum_size": 1}},
            ),
            "VALID",
            "R14-HOME",
        ),
    ),
    edge(
        "R13-CLOSED",
        (
            "恢复条目未经足数联签",
            "its coming back is under no quorum",
            of_institution(
                asked=AT_HOME,
                more=(stated(YESTERDAY), stated(TODAY, OPERATING)),
                accepted_by=(),
                unseen={JS: 1},
            ),
            NOT_HERE,
        ),
        (
            "恢复条目已足数联签",
            "it is under the quorum",
            of_institution(
                asked=AT_HOME,
                more=(stated(YESTERDAY), stated(TODAY, OPERATING)),
                accepted_by=(),
            ),
            "VALID",
            "R14-HOME",
        ),
    ),
    edge(
        "R13-CLOSED",
        (
            "名册未载关闭日期，条目于当日作出",
            "the register has no day of the closing, and stated it on that day",
            of_institution(more=(stated(""),)),
            NOT_HERE,
        ),
        (
            "问条目作出的前一日",
            "asked for the day before it stated it",
            of_institution(asked=asks(on_date=date.fromisoformat(YESTERDAY)), more=(stated(""),)),
            *GOOD,
        ),
    ),
    edge(
        "R13-CLOSED",
        (
            "自前一日起关闭，再次载为自次日起，其间未载恢复",
            "closed from the day before, then stated as from the next day without coming back",
            of_institution(more=(stated(YESTERDAY), stated(TOMORROW))),
            NOT_HERE,
        ),
        (
            "先载自前一日起恢复，再载自次日起关闭",
            "it came back from the day before, then was closed from the next day",
            of_institution(
                more=(stated(YESTERDAY), stated(YESTERDAY, OPERATING), stated(TOMORROW))
            ),
            *GOOD,
        ),
    ),
    edge(
        "R13-CLOSED",
        (
            "已关闭机构的等级证书",
            "a grade of the institution that is closed",
            of_institution(more=(stated(TODAY),)),
            NOT_HERE,
        ),
        (
            "已关闭机构所在省的护理员证书",
            "a caregiver's certificate of the same province",
            Case(more=(stated(TODAY),)),
            *GOOD,
        ),
    ),
    edge(
        "R14-HOME",
        (
            "使用地在发证省",
            "it is to count where it was issued",
            Case(asked=asks(host="320102")),
            "VALID",
        ),
        (
            "使用地在他省",
            "it is to count in another province",
            Case(asked=asks(host=ZJ)),
            NOT_HERE,
            "R18-NO-EQUIVALENCE",
        ),
    ),
    edge(
        "R15-HOST-STALE",
        (
            "使用地日志的时间为 86401 秒前",
            "the host's log is 86,401 seconds old",
            Case(asked=ELSEWHERE, logs={SH: {"fresh_time": NOW - LIMIT - SECOND}}),
            "STALE",
        ),
        (
            "使用地日志的时间为 86400 秒前",
            "it is 86,400 seconds old",
            Case(asked=ELSEWHERE, logs={SH: {"fresh_time": NOW - LIMIT}}),
            *GOOD,
        ),
    ),
    edge(
        "R16-BARRED-HERE",
        (
            "使用地禁入他省持证人",
            "the host bars the holder of another province",
            Case(more=(measure(SH),)),
            NOT_HERE,
        ),
        (
            "第三省禁入，只在该省有效",
            "a third province does: it counts there only",
            Case(more=(measure(ZJ),)),
            *GOOD,
        ),
    ),
    edge(
        "R16-BARRED-HERE",
        (
            "使用地禁入至当日",
            "the host bars until that day",
            Case(more=(measure(SH, from_date=YESTERDAY, until_date=TODAY),)),
            NOT_HERE,
        ),
        (
            "使用地禁入至前一日",
            "until the day before",
            Case(more=(measure(SH, from_date=YESTERDAY, until_date=YESTERDAY),)),
            *GOOD,
        ),
    ),
    edge(
        "R17-RECOGNITION-SUSPENDED",
        (
            "自当日起暂停互认",
            "recognition is suspended from that day",
            Case(more=(stopped(TODAY),)),
            NOT_HERE,
        ),
        ("自次日起暂停互认", "from the next day", Case(more=(stopped(TOMORROW),)), *GOOD),
    ),
    edge(
        "R17-RECOGNITION-SUSPENDED",
        (
            "自次日起恢复互认",
            "recognition is resumed from the next day",
            Case(more=(stopped(YESTERDAY), resumed(TOMORROW))),
            NOT_HERE,
        ),
        (
            "自当日起恢复互认",
            "from that day",
            Case(more=(stopped(YESTERDAY), resumed(TODAY))),
            *GOOD,
        ),
    ),
    edge(
        "R17-RECOGNITION-SUSPENDED",
        (
            "另自当日起暂停互认，恢复自前一日起",
            "suspended again from that day, resumed from the day before",
            Case(more=(stopped(YESTERDAY), stopped(TODAY), resumed(YESTERDAY))),
            NOT_HERE,
        ),
        (
            "另自当日起暂停互认，恢复自当日起",
            "suspended again from that day, resumed from that day",
            Case(more=(stopped(YESTERDAY), stopped(TODAY), resumed(TODAY))),
            *GOOD,
        ),
    ),
    edge(
        "R18-NO-EQUIVALENCE",
        (
            "互认规则至前一日",
            "the equivalence ended the day before",
            Case(equivalence={"until_date": YESTERDAY}),
            NOT_HERE,
        ),
        (
            "互认规则至当日",
            "its last day is that day",
            Case(equivalence={"until_date": TODAY}),
            *GOOD,
        ),
    ),
    edge(
        "R18-NO-EQUIVALENCE",
        (
            "互认规则自次日起",
            "the equivalence begins the next day",
            Case(equivalence={"from_date": TOMORROW}),
            NOT_HERE,
        ),
        ("互认规则自当日起", "it begins that day", Case(equivalence={"from_date": TODAY}), *GOOD),
    ),
    edge(
        "R18-NO-EQUIVALENCE",
        (
            "互认规则针对其他体系",
            "the equivalence is of another scheme",
            Case(equivalence={"scheme": "SENIOR_CARE"}),
            NOT_HERE,
        ),
        ("互认规则针对该体系", "it is of this scheme", Case(), *GOOD),
    ),
    edge(
        "R19-LEVEL",
        (
            "互认规则只认可二级以上",
            "the equivalence names 二级 and 一级 alone",
            Case(equivalence={"grades": ("二级", "一级")}),
            NOT_HERE,
        ),
        ("互认规则认可三级", "it names 三级", Case(equivalence={"grades": ("三级",)}), *GOOD),
    ),
    edge(
        "R20-BASIS-STALE",
        (
            "协议第三方日志的时间为 86401 秒前",
            "a third party's log is 86,401 seconds old",
            Case(
                agreement=THREE,
                accepted_by=(JS, ZJ),
                logs={ZJ: {"fresh_time": NOW - LIMIT - SECOND}},
            ),
            "STALE",
        ),
        (
            "协议第三方日志的时间为 86400 秒前",
            "it is 86,400 seconds old",
            Case(agreement=THREE, accepted_by=(JS, ZJ), logs={ZJ: {"fresh_time": NOW - LIMIT}}),
            *GOOD,
        ),
    ),
    edge(
        "R20-BASIS-STALE",
        (
            "只待第三方答复新版本，其日志的时间为 86401 秒前",
            "only a third party has yet to answer a new version, and its log is 86,401 seconds old",
            Case(
                amendment=THREE,
                amended_by=((JS, ACCEPTED),),
                logs={ZJ: {"fresh_time": NOW - LIMIT - SECOND}},
            ),
            "STALE",
        ),
        (
            "原版本的一方也未答复，原版本仍有效",
            "a party of the version before it has not answered either: that one is in force",
            Case(amendment=THREE, logs={ZJ: {"fresh_time": NOW - LIMIT - SECOND}}),
            *GOOD,
        ),
    ),
    edge(
        "R21-NO-AGREEMENT",
        (
            "协议至前一日",
            "the agreement ended the day before",
            Case(agreement={"until_date": YESTERDAY}),
            NOT_HERE,
        ),
        ("协议至当日", "its last day is that day", Case(agreement={"until_date": TODAY}), *GOOD),
    ),
    edge(
        "R21-NO-AGREEMENT",
        (
            "协议只涵盖机构标准",
            "the agreement covers institution standards alone",
            Case(agreement={"scopes": (pb.AGREEMENT_SCOPE_INSTITUTION_STANDARD,)}),
            NOT_HERE,
        ),
        ("协议涵盖护理员资格", "it covers caregiver qualifications", Case(), *GOOD),
    ),
    edge(
        "R21-NO-AGREEMENT",
        (
            "协议方为 310105，使用地为 310104",
            "310105 is a party, and it is to count in 310104",
            Case(asked=asks(host="310104"), agreement={"parties": ("310105", "320500")}),
            NOT_HERE,
        ),
        (
            "协议方为 310105，使用地为其街道 310105001",
            "310105 is a party, and it is to count in its street 310105001",
            Case(asked=asks(host="310105001"), agreement={"parties": ("310105", "320500")}),
            *GOOD,
        ),
    ),
    edge(
        "R21-NO-AGREEMENT",
        (
            "协议方为 310105，使用地为全市",
            "310105 is a party, and it is to count in all of 310000",
            Case(agreement={"parties": ("310105", "320500")}),
            NOT_HERE,
        ),
        ("协议方为全市", "310000 is a party", Case(), *GOOD),
    ),
    edge(
        "R21-NO-AGREEMENT",
        (
            "协议方为 320500，由省直接发证",
            "320500 is a party, and the province itself issued it",
            Case(certificate={"division_code": ""}),
            NOT_HERE,
        ),
        (
            "协议方为 320500，由 320505 发证",
            "320500 is a party, and 320505 issued it",
            Case(),
            *GOOD,
        ),
    ),
    edge(
        "R21-NO-AGREEMENT",
        (
            "协议方为已撤销的 310108",
            "310108, merged into 310106 in 2015, is a party",
            Case(asked=asks(host="310106"), agreement={"parties": ("310108", "320500")}),
            NOT_HERE,
        ),
        (
            "协议方为 310106，使用地写作已撤销的 310108",
            "310106 is a party, and the place is named by the merged 310108",
            Case(asked=asks(host="310108"), agreement={"parties": ("310106", "320500")}),
            *GOOD,
        ),
    ),
    edge(
        "R21-NO-AGREEMENT",
        (
            "对方接受的条目未经足数联签",
            "the other party's acceptance is under no quorum",
            Case(asked=ELSEWHERE, unseen={JS: 1}),
            NOT_HERE,
        ),
        ("对方接受的条目已足数联签", "it is under the quorum", Case(asked=ELSEWHERE), *GOOD),
    ),
    edge(
        "R21-NO-AGREEMENT",
        (
            "新版本不再涵盖护理员资格，各方均已接受",
            "a new version no longer covers caregiver qualifications, and all accepted it",
            Case(amendment=OTHER, amended_by=((JS, ACCEPTED),)),
            NOT_HERE,
        ),
        (
            "对方尚未答复新版本，原版本仍有效",
            "the other party has not answered it: the version before it is in force",
            Case(amendment=OTHER),
            *GOOD,
        ),
    ),
    edge(
        "R21-NO-AGREEMENT",
        (
            "各方均已接受的新版本自当日起",
            "a new version that all accepted begins that day",
            Case(amendment={**OTHER, "from_date": TODAY}, amended_by=((JS, ACCEPTED),)),
            NOT_HERE,
        ),
        (
            "自次日起，当日原版本仍有效",
            "it begins the next day: on that day the version before it is in force",
            Case(amendment={**OTHER, "from_date": TOMORROW}, amended_by=((JS, ACCEPTED),)),
            *GOOD,
        ),
    ),
    edge(
        "R21-NO-AGREEMENT",
        (
            "接受后又终止新版本，原版本一并终止",
            "a party accepted a new version and then ended it, and with it the one before",
            Case(amendment={}, amended_by=((JS, ACCEPTED), (JS, ENDED))),
            NOT_HERE,
        ),
        (
            "接受新版本，未终止",
            "it accepted it, and did not end it",
            Case(amendment={}, amended_by=((JS, ACCEPTED),)),
            *GOOD,
        ),
    ),
    edge(
        "R21-NO-AGREEMENT",
        (
            "一方自当日起终止协议",
            "a party ended the agreement from that day",
            Case(ended_by=((JS, TODAY),)),
            NOT_HERE,
        ),
        (
            "自次日起终止，当日仍有效",
            "it ended it from the next day: on that day it is in force",
            Case(ended_by=((JS, TOMORROW),)),
            *GOOD,
        ),
    ),
    edge(
        "R21-NO-AGREEMENT",
        (
            "一方自次日起、另一方自当日起终止，以最早之日为准",
            "one ended it from the next day and the other from that day: the earliest counts",
            Case(ended_by=((JS, TOMORROW), (SH, TODAY))),
            NOT_HERE,
        ),
        (
            "双方均自次日起终止",
            "both ended it from the next day",
            Case(ended_by=((JS, TOMORROW), (SH, TOMORROW))),
            *GOOD,
        ),
    ),
    edge(
        "R21-NO-AGREEMENT",
        (
            "对方终止的条目只经核实，未经足数联签",
            "the other party's end is verified, and under no quorum",
            Case(
                asked=ELSEWHERE, amendment=OTHER, amended_by=((JS, ENDED),), unseen={JS: 1, SH: 1}
            ),
            NOT_HERE,
        ),
        (
            "接受新版本的条目未经足数联签，原版本仍有效",
            "it accepted a new version under no quorum: the version before it is in force",
            Case(asked=ELSEWHERE, amendment=OTHER, amended_by=((JS, ACCEPTED),), unseen={JS: 1}),
            *GOOD,
        ),
    ),
    edge(
        "R22-RECOGNISED",
        (
            "各方均已接受协议",
            "every party accepts the agreement",
            Case(agreement=THREE, accepted_by=(JS, ZJ)),
            "VALID",
        ),
        (
            "一方尚未接受",
            "one party has not accepted",
            Case(agreement=THREE, accepted_by=(JS,)),
            NOT_HERE,
            "R21-NO-AGREEMENT",
        ),
    ),
)
"""In the order of the rules."""
