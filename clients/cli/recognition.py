"""Recognition in ``deltacare cert``: which grades of other issuers count in the own province."""

import click

from clients.cli.commands import Command, option
from clients.cli.connection import Connection, Signature, connected, signed
from clients.cli.failures import InputRefused
from clients.cli.output import answer, pages, print_table
from clients.language import both, tr
from clients.plain import plain

__all__ = ["end_recognition", "equivalences", "recognise"]


@click.command(
    "recognise",
    cls=Command,
    help=both(
        "公布互认对应关系：他省等级在本省相当于什么（编号如 310000-E2026-3）。",
        "Declare that grades of another issuer count here, and as what (its id: 310000-E2026-3).",
    ),
)
@click.argument("equivalence_id")
@option("--issuer", required=True, metavar="CODE", help=both("签发省。", "Issuing province."))
@option(
    "--scheme",
    required=True,
    help=both("签发省的评价体系，如 CAREGIVER_LEVEL。", "Its scheme, such as CAREGIVER_LEVEL."),
)
@option(
    "--grade",
    "grades",
    multiple=True,
    required=True,
    help=both("予以互认的等级，如 三级，可多次。", "A grade that counts, such as 三级; repeat it."),
)
@option(
    "--mapped-scheme",
    default="",
    help=both("本省的评价体系，默认相同。", "Scheme it counts as here; the same by default."),
)
@option(
    "--mapped-grade",
    default="",
    help=both(
        "在本省相当于的等级；只互认一个等级时默认相同。",
        "Grade it counts as here; the same by default, if there is one.",
    ),
)
@option(
    "--agreement",
    "agreement_id",
    required=True,
    metavar="ID",
    help=both("所依据的协议，如 310000-A2026-7。", "Its basis, such as 310000-A2026-7."),
)
@option("--from", "from_date", required=True, metavar="DATE", help=both("起始日。", "First day."))
@option(
    "--until", "until_date", default="", metavar="DATE", help=both("截止日。", "Last day, if any.")
)
@signed
@connected
def recognise(
    *,
    connection: Connection,
    signature: Signature,
    equivalence_id: str,
    issuer: str,
    scheme: str,
    grades: tuple[str, ...],
    mapped_scheme: str,
    mapped_grade: str,
    agreement_id: str,
    from_date: str,
    until_date: str,
) -> None:
    """Declare an equivalence."""
    from deltacare.v1.certification_service_pb2 import PublishEquivalenceRequest
    from deltacare.v1.entry_pb2 import Equivalence

    if not mapped_grade and len(grades) > 1:
        raise InputRefused(
            tr(
                "互认多个等级时，请用 --mapped-grade 说明在本省相当于什么。",
                "Several grades count: say as what, with --mapped-grade.",
            )
        )
    stated = Equivalence(
        equivalence_id=equivalence_id,
        issuer=issuer,
        scheme=scheme,
        grades=grades,
        mapped_scheme=mapped_scheme or scheme,
        mapped_grade=mapped_grade or grades[0],
        from_date=from_date,
        until_date=until_date,
        agreement_id=agreement_id,
    )
    with connection.open() as node:
        response = node.certification.PublishEquivalence(
            PublishEquivalenceRequest(
                request_id=signature.once(), duty=signature.duty, equivalence=stated
            )
        )
    counted = f"{stated.mapped_scheme} {stated.mapped_grade}"
    answer(
        {"equivalence": equivalence_id, "appended": plain(response.appended)},
        [
            tr(
                f"已公布 {equivalence_id}：{issuer} 的 {scheme} {'、'.join(grades)} "
                f"在本省相当于 {counted}",
                f"Declared {equivalence_id}: {scheme} {', '.join(grades)} of {issuer} "
                f"counts here as {counted}",
            )
        ],
    )


@click.command(
    "end-recognition",
    cls=Command,
    help=both("终止一项互认对应关系。", "End such a declaration."),
)
@click.argument("equivalence_id")
@option(
    "--from",
    "effective_date",
    required=True,
    metavar="DATE",
    help=both("不再有效的第一日。", "First day it no longer holds."),
)
@option(
    "--reason",
    required=True,
    metavar="CODE",
    help=both("事由代码，如 STANDARD_CHANGED。", "Reason code, such as STANDARD_CHANGED."),
)
@signed
@connected
def end_recognition(
    *,
    connection: Connection,
    signature: Signature,
    equivalence_id: str,
    effective_date: str,
    reason: str,
) -> None:
    """End an equivalence."""
    from deltacare.v1.certification_service_pb2 import EndEquivalenceRequest
    from deltacare.v1.entry_pb2 import EquivalenceEnd

    with connection.open() as node:
        response = node.certification.EndEquivalence(
            EndEquivalenceRequest(
                request_id=signature.once(),
                duty=signature.duty,
                end=EquivalenceEnd(
                    equivalence_id=equivalence_id, effective_date=effective_date, reason=reason
                ),
            )
        )
    answer(
        {"equivalence": equivalence_id, "appended": plain(response.appended)},
        [
            tr(
                f"{equivalence_id} 自 {effective_date} 起终止",
                f"{equivalence_id} ends from {effective_date}",
            )
        ],
    )


@click.command(
    "equivalences", cls=Command, help=both("列出互认对应关系。", "List what counts where.")
)
@option("--host", default="", metavar="CODE", help=both("只看该省。", "Only of this province."))
@connected
def equivalences(*, connection: Connection, host: str) -> None:
    """List equivalences."""
    from deltacare.v1.certification_service_pb2 import ListEquivalencesRequest

    with connection.open() as node:
        request = ListEquivalencesRequest(host=host)
        found = [
            row
            for page in pages(node.certification.ListEquivalences, request)
            for row in page.equivalences
        ]
    if answer({"equivalences": [plain(row) for row in found]}):
        print_table(
            [
                tr("编号", "id"),
                tr("签发省", "issuer"),
                tr("等级", "grades"),
                tr("相当于", "counts as"),
                tr("自", "from"),
                tr("至", "until"),
                tr("终止日", "ended"),
                tr("协议", "agreement"),
            ],
            [
                (
                    row.equivalence.equivalence_id,
                    row.equivalence.issuer,
                    f"{row.equivalence.scheme} {'、'.join(row.equivalence.grades)}",
                    f"{row.equivalence.mapped_scheme} {row.equivalence.mapped_grade}",
                    row.equivalence.from_date,
                    row.equivalence.until_date,
                    row.ended_date,
                    row.equivalence.agreement_id,
                )
                for row in found
            ],
        )
