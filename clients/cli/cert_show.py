"""Certificates shown in ``deltacare cert``: one with its whole history and chain, or a list."""

from typing import Any

import click

from clients.checking.words import verdict_text
from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, connected
from clients.cli.output import answer, pages, print_table, say
from clients.language import both, tr
from clients.plain import plain

__all__ = ["list_", "show"]

_group = Group(name="show", help="")

_LISTED_DEFAULT = 50
_CHAIN_MAX = 64


@command(_group, "show", help=both("证书及其全部变动。", "A certificate and its whole history."))
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
        chain = _chain(node, found.certificate)
    certificate = found.certificate
    verdict = str(plain(judged)["verdict"])
    until_date = certificate.valid_until_date
    for event in found.events:
        if event.WhichOneof("event") == "renewed":
            until_date = event.renewed.valid_until_date
    lines = [
        f"{certificate.certificate_no}  {certificate.scheme} {certificate.grade}",
        tr("现状 ", "now ")
        + verdict_text(verdict)
        + (tr("，事由 ", ", reason ") + judged.reason if judged.reason else ""),
        tr("有效期 ", "good from ") + f"{certificate.valid_from_date} – {until_date}",
    ]
    if certificate.division_code:
        lines.append(tr("发证区划 ", "issued by ") + certificate.division_code)
    lines += [
        tr("接续 ", "follows ") + f"{each.certificate_no}  {each.scheme} {each.grade}"
        for each in chain
    ]
    lines += [
        tr("凭据 ", "rests on ") + _reference_text(each) for each in _references(found.events)
    ]
    present = {"state": verdict, "on_date": judged.on_date, "valid_until_date": until_date}
    predecessors = [each.certificate_no for each in chain]
    if answer({**plain(found), "predecessors": predecessors, "present": present}, lines):
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


def _chain(node: Any, certificate: Any) -> list[Any]:  # noqa: ANN401  # a client, a message
    """Return the certificates that one follows, the nearest first."""
    from deltacare.v1.certification_service_pb2 import GetCertificateRequest

    chain: list[Any] = []
    while certificate.predecessor_no and len(chain) < _CHAIN_MAX:
        name = f"certificates/{certificate.predecessor_no}"
        certificate = node.certification.GetCertificate(
            GetCertificateRequest(name=name)
        ).certificate
        chain.append(certificate)
    return chain


def _references(events: Any) -> list[Any]:  # noqa: ANN401  # messages
    """Return all that a certificate rests on, in the order in which it was stated."""
    bodies = [getattr(event, event.WhichOneof("event")) for event in events]
    return [each for body in bodies for each in getattr(body, "references", ())]


def _reference_text(reference: Any) -> str:  # noqa: ANN401  # a message
    """Return a reference as it can be given again."""
    from clients.issuing.references import KIND_NAMES
    from deltacare.v1.entry_pb2 import ReferenceKind

    kind = ReferenceKind.Name(reference.kind).removeprefix("REFERENCE_KIND_")
    parts = [tr(KIND_NAMES.get(kind, kind), kind), reference.reference_no, reference.completed_date]
    if reference.hours or reference.division_code:
        parts.append(str(reference.hours))
    return ":".join([*parts, *([reference.division_code] if reference.division_code else [])])


@command(_group, "list", help=both("列出证书。", "List certificates."))
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
        "added": tr("补充", "added"),
        "erased": tr("已删除持证人信息", "holder erased"),
    }
    kind = event.WhichOneof("event")
    body = getattr(event, kind)
    first = getattr(body, "effective_date", "") or getattr(body, "valid_from_date", "")
    last = getattr(body, "until_date", "") or getattr(body, "valid_until_date", "")
    return [event.entry.index, names[kind], first, last, getattr(body, "reason", "")]
