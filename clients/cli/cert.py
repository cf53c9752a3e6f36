"""``deltacare cert``: a certificate's life at its issuer, and whether it counts here."""

from pathlib import Path
from typing import Any

import click

from clients.cli.commands import Group, LazyCommand, command, option
from clients.cli.connection import Connection, Signature, connected, signed
from clients.cli.failures import Exit
from clients.cli.output import answer, pages, print_table, require_folder, say
from clients.language import both, tr
from clients.plain import plain

__all__ = ["cert"]

cert = Group(
    name="cert",
    help=both("资格证书与互认。", "Certificates and their recognition."),
    lazy={
        "recognise": LazyCommand(
            target="clients.cli.recognition:recognise",
            help=both("公布互认对应关系。", "Declare that grades of another issuer count here."),
        ),
        "equivalences": LazyCommand(
            target="clients.cli.recognition:equivalences",
            help=both("列出互认对应关系。", "List what counts where."),
        ),
        "end-recognition": LazyCommand(
            target="clients.cli.recognition:end_recognition",
            help=both("终止互认对应关系。", "End such a declaration."),
        ),
    },
)

_LISTED_DEFAULT = 50
_SUBJECTS = {"caregiver": 1, "institution": 2}

VERDICT_NAMES = {
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


def _done(appended: Any, done: str, **facts: object) -> None:  # noqa: ANN401  # a message
    """Say where an entry came to stand."""
    answer(
        {**facts, "appended": plain(appended)},
        [
            done,
            tr(
                f"日志 {appended.log}，序号 {appended.first_index}",
                f"log {appended.log}, index {appended.first_index}",
            ),
        ],
    )


@command(cert, "issue", help=both("签发一张证书。", "Issue a certificate."))
@click.argument("certificate_no")
@option(
    "--subject",
    type=click.Choice(list(_SUBJECTS)),
    default="caregiver",
    show_default=True,
    help=both("对象：护理员或机构。", "Whom it is about."),
)
@option(
    "--scheme",
    required=True,
    help=both(
        "评价体系代码：大写字母、数字、下划线，如 CAREGIVER_LEVEL。",
        "Scheme, a code of capitals, digits and underscores, such as CAREGIVER_LEVEL.",
    ),
)
@option(
    "--grade",
    required=True,
    help=both("该体系中的等级名称，如 三级。", "Name of a grade in that scheme, such as 三级."),
)
@option(
    "--holder",
    default="",
    envvar="DELTACARE_HOLDER",
    help=both("护理员姓名；只存加盐摘要。", "Name of the caregiver; only a salted digest is kept."),
)
@option("--institution", "institution_id", default="", help=both("机构编号。", "The institution."))
@option("--from", "from_date", required=True, metavar="DATE", help=both("起始日。", "First day."))
@option("--until", "until_date", required=True, metavar="DATE", help=both("截止日。", "Last day."))
@signed
@connected
def issue(
    *,
    connection: Connection,
    signature: Signature,
    certificate_no: str,
    subject: str,
    scheme: str,
    grade: str,
    holder: str,
    institution_id: str,
    from_date: str,
    until_date: str,
) -> None:
    """Issue one certificate."""
    from deltacare.v1.certification_service_pb2 import IssueCertificatesRequest, NewCertificate
    from deltacare.v1.entry_pb2 import Certificate, CertificateSubject

    certificate = Certificate(
        certificate_no=certificate_no,
        subject=CertificateSubject.ValueType(_SUBJECTS[subject]),
        scheme=scheme,
        grade=grade,
        institution_id=institution_id,
        valid_from_date=from_date,
        valid_until_date=until_date,
    )
    new = NewCertificate(certificate=certificate, holder_name=holder)
    with connection.open() as node:
        response = node.certification.IssueCertificates(
            IssueCertificatesRequest(
                request_id=signature.once(), duty=signature.duty, certificates=[new]
            )
        )
    _done(
        response.appended,
        tr(f"已签发 {certificate_no}", f"Issued {certificate_no}"),
        certificate=certificate_no,
    )


@command(cert, "renew", help=both("延长有效期。", "Prolong a certificate."))
@click.argument("certificate_no")
@option(
    "--until",
    "until_date",
    required=True,
    metavar="DATE",
    help=both("新截止日。", "New last day."),
)
@signed
@connected
def renew(
    *, connection: Connection, signature: Signature, certificate_no: str, until_date: str
) -> None:
    """Prolong a certificate."""
    from deltacare.v1.certification_service_pb2 import RenewCertificateRequest
    from deltacare.v1.entry_pb2 import CertificateRenewal

    with connection.open() as node:
        response = node.certification.RenewCertificate(
            RenewCertificateRequest(
                request_id=signature.once(),
                duty=signature.duty,
                renewal=CertificateRenewal(
                    certificate_no=certificate_no, valid_until_date=until_date
                ),
            )
        )
    _done(
        response.appended,
        tr(
            f"{certificate_no} 有效期至 {until_date}",
            f"{certificate_no} good until {until_date}",
        ),
        certificate=certificate_no,
    )


def _reasoned(function: Any) -> Any:  # noqa: ANN401  # click's own type
    """Add what suspending, reinstating and revoking share."""
    for decorate in (
        connected,
        signed,
        option(
            "--reason",
            required=True,
            metavar="CODE",
            help=both(
                "事由代码：大写字母、数字、下划线，如 UNDER_INVESTIGATION。",
                "Reason, a code such as UNDER_INVESTIGATION; never a name.",
            ),
        ),
        option(
            "--from",
            "effective_date",
            required=True,
            metavar="DATE",
            help=both("生效日。", "First day it takes effect."),
        ),
        click.argument("certificate_no"),
    ):
        function = decorate(function)
    return function


@command(cert, "suspend", help=both("暂停证书。", "Suspend a certificate."))
@option(
    "--until",
    "until_date",
    default="",
    metavar="DATE",
    help=both("暂停至该日；不填则直至恢复。", "Last day; until reinstated if not given."),
)
@_reasoned
def suspend(
    *,
    connection: Connection,
    signature: Signature,
    certificate_no: str,
    effective_date: str,
    until_date: str,
    reason: str,
) -> None:
    """Suspend a certificate."""
    from deltacare.v1.certification_service_pb2 import SuspendCertificateRequest
    from deltacare.v1.entry_pb2 import CertificateSuspension

    with connection.open() as node:
        response = node.certification.SuspendCertificate(
            SuspendCertificateRequest(
                request_id=signature.once(),
                duty=signature.duty,
                suspension=CertificateSuspension(
                    certificate_no=certificate_no,
                    effective_date=effective_date,
                    until_date=until_date,
                    reason=reason,
                ),
            )
        )
    _done(
        response.appended,
        tr(f"已暂停 {certificate_no}", f"Suspended {certificate_no}"),
        certificate=certificate_no,
    )


@command(cert, "reinstate", help=both("恢复证书。", "End a suspension."))
@_reasoned
def reinstate(
    *,
    connection: Connection,
    signature: Signature,
    certificate_no: str,
    effective_date: str,
    reason: str,
) -> None:
    """End a suspension."""
    from deltacare.v1.certification_service_pb2 import ReinstateCertificateRequest
    from deltacare.v1.entry_pb2 import CertificateReinstatement

    with connection.open() as node:
        response = node.certification.ReinstateCertificate(
            ReinstateCertificateRequest(
                request_id=signature.once(),
                duty=signature.duty,
                reinstatement=CertificateReinstatement(
                    certificate_no=certificate_no, effective_date=effective_date, reason=reason
                ),
            )
        )
    _done(
        response.appended,
        tr(f"已恢复 {certificate_no}", f"Reinstated {certificate_no}"),
        certificate=certificate_no,
    )


@command(cert, "revoke", help=both("撤销证书，不可恢复。", "Revoke a certificate for good."))
@_reasoned
def revoke(
    *,
    connection: Connection,
    signature: Signature,
    certificate_no: str,
    effective_date: str,
    reason: str,
) -> None:
    """Revoke a certificate."""
    from deltacare.v1.certification_service_pb2 import RevokeCertificateRequest
    from deltacare.v1.entry_pb2 import CertificateRevocation

    with connection.open() as node:
        response = node.certification.RevokeCertificate(
            RevokeCertificateRequest(
                request_id=signature.once(),
                duty=signature.duty,
                revocation=CertificateRevocation(
                    certificate_no=certificate_no, effective_date=effective_date, reason=reason
                ),
            )
        )
    _done(
        response.appended,
        tr(f"已撤销 {certificate_no}", f"Revoked {certificate_no}"),
        certificate=certificate_no,
    )


@command(cert, "show", help=both("证书及其全部变动。", "A certificate and its whole history."))
@click.argument("certificate_no")
@connected
def show(*, connection: Connection, certificate_no: str) -> None:
    """Show a certificate."""
    from deltacare.v1.certification_service_pb2 import (
        CheckCertificationRequest,
        GetCertificateRequest,
    )

    with connection.open() as node:
        found = node.certification.GetCertificate(
            GetCertificateRequest(name=f"certificates/{certificate_no}")
        )
        # The rules of standing are the node's; at its issuer no recognition comes into it.
        judged = node.certification.CheckCertification(
            CheckCertificationRequest(
                certificate_no=certificate_no, host=certificate_no.partition("-")[0]
            )
        )
    certificate = found.certificate
    verdict = str(plain(judged)["verdict"])
    until_date = certificate.valid_until_date
    for event in found.events:
        if event.WhichOneof("event") == "renewed":
            until_date = event.renewed.valid_until_date
    lines = [
        f"{certificate.certificate_no}  {certificate.scheme} {certificate.grade}",
        tr("现状 ", "now ")
        + _verdict_text(verdict)
        + (tr("，事由 ", ", reason ") + judged.reason if judged.reason else ""),
        tr("有效期 ", "good from ") + f"{certificate.valid_from_date} – {until_date}",
    ]
    present = {"state": verdict, "on_date": judged.on_date, "valid_until_date": until_date}
    if answer({**plain(found), "present": present}, lines):
        print_table(
            [
                tr("序号", "index"),
                tr("事项", "event"),
                tr("生效日", "from"),
                tr("至", "until"),
                tr("事由", "reason"),
            ],
            [_event_row(event) for event in found.events],
        )


def _verdict_text(verdict: str) -> str:
    """Return a verdict with its name in the language of the run."""
    return f"{verdict}  {tr(*VERDICT_NAMES.get(verdict, (verdict, verdict)))}"


@command(cert, "list", help=both("列出证书。", "List certificates."))
@option("--issuer", default="", metavar="CODE", help=both("只看该签发省。", "Only this issuer."))
@option(
    "--institution", "institution_id", default="", help=both("只看该机构。", "Only about this one.")
)
@option(
    "--limit",
    type=click.IntRange(min=1),
    default=_LISTED_DEFAULT,
    show_default=True,
    help=both("最多列出多少张。", "List at most so many."),
)
@connected
def list_(*, connection: Connection, issuer: str, institution_id: str, limit: int) -> None:
    """List certificates."""
    from deltacare.v1.certification_service_pb2 import ListCertificatesRequest

    request = ListCertificatesRequest(issuer=issuer, institution_id=institution_id)
    found: list[Any] = []
    with connection.open() as node:
        for page in pages(node.certification.ListCertificates, request):
            found += page.certificates
            if len(found) > limit:
                break
    shown = [row.certificate for row in found[:limit]]
    if not answer({"certificates": [plain(row) for row in shown], "more": len(found) > limit}):
        return
    print_table(
        [
            tr("编号", "number"),
            tr("体系", "scheme"),
            tr("等级", "grade"),
            tr("机构", "institution"),
            tr("签发时有效期", "good, as issued"),
        ],
        [
            (
                row.certificate_no,
                row.scheme,
                row.grade,
                row.institution_id,
                f"{row.valid_from_date} – {row.valid_until_date}",
            )
            for row in shown
        ],
    )
    if len(found) > limit:
        say(tr("还有更多；用 --limit 增加。", "There are more; raise --limit."))


def _event_row(event: Any) -> list[object]:  # noqa: ANN401  # a message
    names = {
        "issued": tr("签发", "issued"),
        "renewed": tr("延期", "renewed"),
        "suspended": tr("暂停", "suspended"),
        "reinstated": tr("恢复", "reinstated"),
        "revoked": tr("撤销", "revoked"),
    }
    kind = event.WhichOneof("event")
    body = getattr(event, kind)
    first = getattr(body, "effective_date", "") or getattr(body, "valid_from_date", "")
    last = getattr(body, "until_date", "") or getattr(body, "valid_until_date", "")
    return [event.entry.index, names[kind], first, last, getattr(body, "reason", "")]


@command(
    cert,
    "check",
    help=both(
        "这张证书在本省、在某日是否有效。只有“有效”时退出码为 0。",
        "Is this certificate good in this province, on a date? Exit code 0 only for VALID.",
    ),
)
@click.argument("certificate_no")
@option(
    "--holder",
    default="",
    envvar="DELTACARE_HOLDER",
    help=both("持证人姓名。", "Name of the person who shows it."),
)
@option("--on", "on_date", default="", metavar="DATE", help=both("日期，默认今天。", "Day; today."))
@option(
    "--known",
    "known_time",
    metavar="TIME",
    help=both("以该时刻的事实判断。", "Facts known then."),
)
@option("--host", default="", help=both("在哪个省使用，默认本省。", "Province; this one."))
@option("--purpose", default="", help=both("用途代码。", "Purpose, a code."))
@option(
    "--save",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help=both(
        "存下结论文件，日后可用 deltacare verify 离线核验。",
        "Save the verdict file, for deltacare verify to check offline years later.",
    ),
)
@connected
def check(
    *,
    connection: Connection,
    certificate_no: str,
    holder: str,
    on_date: str,
    known_time: str | None,
    host: str,
    purpose: str,
    save: Path | None,
) -> int:
    """Check a certificate."""
    from deltacare.times import parse_time
    from deltacare.v1.certification_service_pb2 import CheckCertificationRequest

    request = CheckCertificationRequest(
        certificate_no=certificate_no,
        holder_name=holder,
        on_date=on_date,
        host=host,
        purpose=purpose,
        evidence=save is not None,
    )
    if save is not None:
        require_folder(save)
    if known_time:
        request.known_time.FromDatetime(parse_time(known_time, field="--known"))
    with connection.open() as node:
        response = node.certification.CheckCertification(request)
    if save is not None:
        save.write_bytes(response.evidence)
        say(tr(f"结论文件已写入 {save}", f"Verdict file written to {save}"))
    result = plain(response)
    del result["evidence"]  # bytes of the file, not for reading
    verdict = str(result["verdict"])
    lines = [
        _verdict_text(verdict),
        tr("依据规则 ", "rule ") + response.rule,
        tr("日期 ", "on ")
        + response.on_date
        + tr("，事实截至 ", ", known at ")
        + str(result.get("known_time", "")),
    ]
    if response.mapped_grade:
        lines.append(
            tr("在本地相当于 ", "counts here as ")
            + f"{response.mapped_scheme} {response.mapped_grade}"
        )
    if response.reason:
        lines.append(tr("事由 ", "reason ") + response.reason)
    if response.age_s:
        lines.append(tr(f"数据已有 {response.age_s} 秒", f"data is {response.age_s} s old"))
    lines += [f"  {entry.log} #{entry.index}" for entry in response.entries]
    answer(result, lines)
    return Exit.YES if verdict == "VALID" else Exit.NO
