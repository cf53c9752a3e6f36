"""Elders at the terminal: ``settle enrol`` a file of them with a host, ``settle resolve`` a code.

A code is shown once to whoever enrolled the elder; the node keeps only its digest. The same file
enrolled again shows the same codes.
"""

from pathlib import Path
from typing import Any

import click

from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, Signature, connected, signed
from clients.cli.output import answer, print_table, progress, require_folder, say
from clients.language import both, tr
from clients.plain import plain

__all__ = ["enrol", "resolve"]

_group = Group(name="enrol", help="")


@command(
    _group,
    "enrol",
    help=both(
        "作为户籍地，按文件登记老人到服务地省份，并列出每人的登记码。列：enrolment_id、"
        "elder_handle、home_division、subsidy_kinds（以 ; 分隔）、from_date、until_date、"
        "assessment_scheme、assessment_grade。重跑给出同样的登记码。",
        "As home, enrol the elders of a file with a host, and list the code of each. Columns: "
        "enrolment_id, elder_handle, home_division, subsidy_kinds (separated by ;), from_date, "
        "until_date, assessment_scheme, assessment_grade. Running it again shows the same codes.",
    ),
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@option("--partner", required=True, metavar="CODE", help=both("服务地省份。", "The host province."))
@option(
    "--out",
    "out_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help=both("把登记码写入该 CSV 文件。", "Write the codes to this CSV file."),
)
@signed
@connected
def enrol(
    *,
    connection: Connection,
    signature: Signature,
    file: Path,
    partner: str,
    out_path: Path | None,
) -> None:
    """Enrol the elders of a file."""
    from clients.filing.enrolling import enrolment_requests, read_elders
    from deltacare.purposes import PURPOSE_FIELD, Purpose

    if out_path is not None:
        require_folder(out_path)
    elders = read_elders(file)
    requests = enrolment_requests(
        elders, host=partner, duty=signature.duty, once=signature.request_id
    )
    tickets: list[Any] = []
    with connection.open() as node, progress("登记", "enrolling", total=len(elders)) as bar:
        for request in requests:
            response = node.settlement.CreateEnrolments(
                request, metadata=((PURPOSE_FIELD, Purpose.ENROLMENT),)
            )
            tickets += response.tickets
            bar.advance(len(response.tickets))
    if out_path is not None:
        _write_csv(out_path, tickets)
        say(tr(f"{len(tickets)} 个登记码写入 {out_path}", f"{len(tickets)} codes in {out_path}"))
    if answer({"tickets": [plain(each) for each in tickets]}) and out_path is None:
        print_table(
            [tr("登记编号", "enrolment"), tr("登记码", "code"), tr("受益人编号", "beneficiary")],
            [(each.enrolment_id, each.enrolment_code, each.beneficiary_ref) for each in tickets],
        )


def _write_csv(path: Path, tickets: list[Any]) -> None:
    import csv

    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("enrolment_id", "enrolment_code", "beneficiary_ref"))
        writer.writerows(
            (each.enrolment_id, each.enrolment_code, each.beneficiary_ref) for each in tickets
        )


@command(
    _group,
    "resolve",
    help=both(
        "按老人出示的登记码查找登记；户籍地会留下查询记录。",
        "Find an enrolment by the code that the elder shows; home keeps a record of the question.",
    ),
)
@click.argument("code")
@option(
    "--home", required=True, metavar="CODE", help=both("给出登记码的户籍地省份。", "Home province.")
)
@option(
    "--purpose",
    default="SETTLEMENT",
    show_default=True,
    metavar="CODE",
    help=both(
        "查询目的：CARE_PLACEMENT、SETTLEMENT 或 DISPUTE；记入两地审计日志。",
        "Purpose: CARE_PLACEMENT, SETTLEMENT or DISPUTE; both nodes' audit logs keep it.",
    ),
)
@connected
def resolve(*, connection: Connection, code: str, home: str, purpose: str) -> None:
    """Find an enrolment."""
    from deltacare.purposes import PURPOSE_FIELD
    from deltacare.v1.settlement_service_pb2 import ResolveEnrolmentRequest

    with connection.open() as node:
        found = node.settlement.ResolveEnrolment(
            ResolveEnrolmentRequest(home=home, enrolment_code=code),
            metadata=((PURPOSE_FIELD, purpose),),
        )
    data = plain(found)
    if answer(data):
        said = found.enrolment
        none = tr("无", "none")
        print_table(
            [tr("项目", "field"), tr("内容", "value")],
            [
                (tr("登记编号", "enrolment"), said.enrolment_id),
                (tr("受益人编号", "beneficiary"), said.beneficiary_ref),
                (tr("户籍地区", "home division"), said.home_division),
                (tr("补贴项目", "kinds"), ", ".join(said.subsidy_kinds)),
                (tr("起始日", "from"), said.from_date),
                (tr("截止日", "until"), said.until_date or none),
                (tr("终止日", "ended"), found.ended_date or none),
                (tr("评估", "assessment"), f"{said.assessment_scheme} {said.assessment_grade}"),
            ],
        )
        say(f"{found.entry.log} #{found.entry.index}")
