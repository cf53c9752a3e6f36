"""Elders at the terminal: enrol a file of them with a host, end an enrolment, resolve a code.

A code is shown once to whoever enrolled the elder; the node keeps only its digest. The same file
enrolled again shows the same codes.
"""

from pathlib import Path
from typing import Any

import click

from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, Signature, connected, signed
from clients.cli.drafting import submit, submitted_lines
from clients.cli.output import answer, print_table, progress, require_folder, say
from clients.language import both, tr
from clients.plain import plain

__all__ = ["end_enrolment", "enrol", "resolve"]

_group = Group(name="enrol", help="")
_END_REASONS = ("DEATH", "MOVED", "EXPIRED", "REASSESSED", "WITHDRAWN", "ERROR")


@command(
    _group,
    "enrol",
    help=both(
        "作为户籍地，按文件登记老人到服务地省份，并列出每人的登记码。列：enrolment_id、"
        "elder_handle、home_division、subsidy_kinds（以 ; 分隔）、from_date、until_date、"
        "assessment_scheme、assessment_grade，另可有 assessment_until_date、identity_number"
        "（加密存于本方节点，不外传）。重跑给出同样的登记码；经办人提交的待他人复核。",
        "As home, enrol the elders of a file with a host, and list the code of each. Columns: "
        "enrolment_id, elder_handle, home_division, subsidy_kinds (separated by ;), from_date, "
        "until_date, assessment_scheme, assessment_grade, and, if you like, assessment_until_date, "
        "identity_number (kept sealed by the own node, sent nowhere). Running it again shows the "
        "same codes. What a clerk submits somebody else reviews.",
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
    waiting: list[Any] = []
    purpose = ((PURPOSE_FIELD, Purpose.ENROLMENT),)
    with connection.open() as node, progress("登记", "enrolling", total=len(elders)) as bar:
        for request in requests:
            if signature.is_draft:
                draft = submit(node, request)
                response = _filed(node, draft, purpose)
                waiting += [draft] if response is None else []
            else:
                response = node.settlement.CreateEnrolments(request, metadata=purpose)
            if response is None:
                continue
            tickets += response.tickets
            bar.advance(len(response.tickets))
    if waiting and answer({"drafts": [plain(each) for each in waiting]}, submitted_lines(waiting)):
        say(
            tr(
                "通过后以同一文件重跑本命令，即可取得登记码。",
                "Once they are approved, run this again with the same file to get the codes.",
            )
        )
    if waiting:
        return
    if out_path is not None:
        _write_csv(out_path, tickets)
        say(tr(f"{len(tickets)} 个登记码写入 {out_path}", f"{len(tickets)} codes in {out_path}"))
    if answer({"tickets": [plain(each) for each in tickets]}) and out_path is None:
        print_table(
            [tr("登记编号", "enrolment"), tr("登记码", "code"), tr("受益人编号", "beneficiary")],
            [(each.enrolment_id, each.enrolment_code, each.beneficiary_ref) for each in tickets],
        )


def _filed(node: Any, draft: Any, purpose: Any) -> Any:  # noqa: ANN401  # a client, messages
    """Return the answer to an enrolment that was approved, ``None`` while it waits."""
    from deltacare.v1.review_service_pb2 import DRAFT_STATE_FILED, GetDraftRequest
    from deltacare.v1.settlement_service_pb2 import CreateEnrolmentsResponse

    if draft.state != DRAFT_STATE_FILED:
        return None
    whole = node.review.GetDraft(GetDraftRequest(name=draft.name), metadata=purpose)
    return CreateEnrolmentsResponse.FromString(whole.response)


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
    "end-enrolment",
    help=both(
        "作为户籍地，自某日起终止一项登记（可早于今日）。已结清的结算不变：此后每夜把不再符合的列为"
        "建议冲正（settle proposals）。",
        "As home, end an enrolment from a day on, which may have passed. Nothing that is cleared "
        "changes: each night from now on lists what would be refused as settle proposals.",
    ),
)
@click.argument("enrolment_id", metavar="ID")
@option("--partner", required=True, metavar="CODE", help=both("服务地省份。", "The host province."))
@option(
    "--from",
    "from_date",
    required=True,
    metavar="DATE",
    help=both("不再有效的首日。", "First day on which it no longer holds."),
)
@option(
    "--reason",
    type=click.Choice(_END_REASONS),
    required=True,
    help=both(
        "事由：死亡、户籍迁出、到期、重新评估、本人撤回、误登记。",
        "Why: death, moved, expired, assessed anew, withdrawn by the elder, an error.",
    ),
)
@signed
@connected
def end_enrolment(
    *,
    connection: Connection,
    signature: Signature,
    enrolment_id: str,
    partner: str,
    from_date: str,
    reason: str,
) -> None:
    """End an enrolment."""
    from deltacare.v1.entry_pb2 import EnrolmentEnd
    from deltacare.v1.settlement_service_pb2 import EndEnrolmentRequest

    request = EndEnrolmentRequest(
        request_id=signature.once(),
        duty=signature.duty,
        host=partner,
        end=EnrolmentEnd(enrolment_id=enrolment_id, effective_date=from_date, reason=reason),
    )
    with connection.open() as node:
        response = node.settlement.EndEnrolment(request)
    appended = response.appended
    answer(
        plain(response),
        [
            tr(
                f"{enrolment_id} 自 {from_date} 起终止（{reason}）",
                f"{enrolment_id} ended from {from_date} on ({reason})",
            ),
            tr(
                f"日志 {appended.log}，序号 {appended.first_index}",
                f"log {appended.log}, index {appended.first_index}",
            ),
        ],
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
