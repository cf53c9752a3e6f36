"""``deltacare cert issue``: one certificate, or those of a spreadsheet with a report of each row.

A file is checked whole before anything is sent; what the node has against a row costs that row
alone. Running the same file again issues nothing twice. Names and identity numbers go to the node
and nowhere else.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clients.cli.appended import tell_appended
from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, Signature, connected, signed
from clients.cli.failures import Exit, Fault, InputRefused, fault_lines, fault_plain
from clients.cli.faults import told
from clients.cli.output import answer, progress, require_folder, say
from clients.cli.sending import row_fault
from clients.language import both, tr

if TYPE_CHECKING:
    from clients.issuing.batches import RowOutcome
    from clients.issuing.books import ReportRow
    from clients.issuing.sheet import Sheet

__all__ = ["issue", "template"]

_group = Group(name="issue", help="")

_SUBJECTS = {"caregiver": 1, "institution": 2}
_OUTCOMES = {
    "ISSUED": ("已签发", "issued"),
    "UNCHANGED": ("先前已签发，内容相同", "issued before, the same"),
    "REFUSED": ("未签发", "refused"),
    "NOT_SENT": ("未报送", "not sent"),
}
_SINGLE = ("scheme", "grade", "from_date", "until_date")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_OUT = click.Path(dir_okay=False, path_type=Path)


@command(
    _group,
    "issue",
    help=both(
        "签发一张证书，或用 --file 按 CSV、XLSX 文件批量签发（空表：cert template）。"
        "同一文件重跑不会重复签发；中断后重跑即从断点继续。",
        "Issue a certificate, or with --file those of a CSV or XLSX (an empty one: cert template). "
        "Running a file again issues nothing twice and goes on where it was cut off.",
    ),
)
@click.argument("certificate_no", required=False)
@option("--file", "file", type=_FILE, help=both("批量签发的文件。", "Certificates to issue."))
@option(
    "--report",
    type=_OUT,
    help=both("把每行结果写入该 CSV 或 XLSX。", "Write what became of each row to this file."),
)
@option(
    "--only-good",
    is_flag=True,
    help=both("跳过有问题的行，只签发合格的。", "Leave rows at fault out and issue the others."),
)
@option(
    "--dry-run", is_flag=True, help=both("只检查文件，不签发。", "Check the file, issue nothing.")
)
@option(
    "--subject",
    type=click.Choice(list(_SUBJECTS)),
    default="caregiver",
    show_default=True,
    help=both("对象：护理员或机构。", "Whom it is about."),
)
@option(
    "--scheme",
    default="",
    help=both(
        "类别代码：大写字母、数字、下划线，如 CAREGIVER_LEVEL。",
        "Scheme, a code of capitals, digits and underscores, such as CAREGIVER_LEVEL.",
    ),
)
@option(
    "--grade",
    default="",
    help=both("该类别中的等级名称，如 三级。", "Name of a grade in that scheme, such as 三级."),
)
@option(
    "--holder",
    default="",
    envvar="DELTACARE_HOLDER",
    help=both("护理员姓名；只存加盐摘要。", "Name of the caregiver; only a salted digest is kept."),
)
@option(
    "--subject-ref",
    default="",
    metavar="ID",
    help=both(
        "人员在本单位系统中的编号；给出后姓名加密存入本省节点。",
        "The person's number in your own system; the node then keeps the name, encrypted.",
    ),
)
@option(
    "--identity-number",
    default="",
    envvar="DELTACARE_IDENTITY_NUMBER",
    help=both(
        "身份证号，须有人员编号；宜用环境变量给出。",
        "Identity number, with --subject-ref; better given by the variable.",
    ),
)
@option(
    "--name-changed",
    "name_change_reason",
    default="",
    metavar="CODE",
    help=both(
        "持证人已更名：事由代码，如 RENAMED；所存身份证号须相符。",
        "The holder's name was changed: code of the reason, such as RENAMED. Where an identity "
        "number is kept, give it as well.",
    ),
)
@option("--institution", "institution_id", default="", help=both("机构编号。", "The institution."))
@option("--from", "from_date", default="", metavar="DATE", help=both("起始日。", "First day."))
@option("--until", "until_date", default="", metavar="DATE", help=both("截止日。", "Last day."))
@option(
    "--division",
    "division_code",
    default="",
    metavar="CODE",
    help=both("发证机构所在区划；默认省级。", "Division whose office issues; the province."),
)
@option(
    "--after",
    "predecessor_no",
    default="",
    metavar="NUMBER",
    help=both("所接续的本省证书。", "Certificate of the own province that it follows."),
)
@option(
    "--reference",
    "references",
    multiple=True,
    metavar="KIND:NO:DATE[:HOURS[:DIVISION]]",
    help=both("凭据，可多次，如 培训:PX-9:2026-05-01:40。", "What it rests on; repeat it."),
)
@signed
@connected
def issue(
    *,
    connection: Connection,
    signature: Signature,
    certificate_no: str | None,
    file: Path | None,
    report: Path | None,
    only_good: bool,
    dry_run: bool,
    **single: Any,  # noqa: ANN401  # the options of one certificate
) -> int:
    """Issue certificates."""
    if (certificate_no is None) == (file is None):
        raise InputRefused(
            tr(
                "请给出证书编号，或用 --file 给出文件。",
                "Give a certificate's number, or a --file.",
            )
        )
    if file is not None:
        variables = ("subject", "holder", "identity_number")  # may be set for other runs
        given = [name for name, value in single.items() if value and name not in variables]
        if given:
            raise InputRefused(
                tr(
                    "使用 --file 时，内容都写在文件里；请去掉其他内容选项。",
                    "With --file everything stands in the file; leave the other options out.",
                )
            )
        return _issue_file(
            connection, signature, file, report=report, only_good=only_good, is_dry_run=dry_run
        )
    if report is not None or only_good or dry_run:
        raise InputRefused(
            tr(
                "--report、--only-good、--dry-run 只与 --file 同用。",
                "--report, --only-good and --dry-run go with --file.",
            )
        )
    assert certificate_no is not None, "either a number or a file"
    _issue_one(connection, signature, certificate_no, single)
    return Exit.YES


def _issue_one(
    connection: Connection, signature: Signature, certificate_no: str, said: dict[str, Any]
) -> None:
    """Issue one certificate."""
    from clients.issuing.references import parse_reference
    from deltacare.v1.certification_service_pb2 import IssueCertificatesRequest, NewCertificate
    from deltacare.v1.entry_pb2 import Certificate, CertificateSubject

    missing = [name for name in _SINGLE if not said[name]]
    if missing:
        names = ", ".join(f"--{name.removesuffix('_date')}" for name in missing)
        raise InputRefused(tr(f"缺少 {names}。", f"Missing: {names}."))
    certificate = Certificate(
        certificate_no=certificate_no,
        subject=CertificateSubject.ValueType(_SUBJECTS[said["subject"]]),
        scheme=said["scheme"],
        grade=said["grade"],
        institution_id=said["institution_id"],
        valid_from_date=said["from_date"],
        valid_until_date=said["until_date"],
        division_code=said["division_code"],
        predecessor_no=said["predecessor_no"],
        references=[parse_reference(text, field="--reference") for text in said["references"]],
    )
    new = NewCertificate(
        certificate=certificate,
        holder_name=said["holder"],
        subject_ref=said["subject_ref"],
        identity_number=said["identity_number"],
        name_change_reason=said["name_change_reason"],
    )
    with connection.open() as node:
        response = node.certification.IssueCertificates(
            IssueCertificatesRequest(
                request_id=signature.once(), duty=signature.duty, certificates=[new]
            )
        )
    tell_appended(
        response.appended,
        tr(f"已签发 {certificate_no}", f"Issued {certificate_no}"),
        certificate=certificate_no,
    )


def _issue_file(
    connection: Connection,
    signature: Signature,
    file: Path,
    *,
    report: Path | None,
    only_good: bool,
    is_dry_run: bool,
) -> int:
    """Issue the certificates of a file, and tell and report what became of each row."""
    from clients.issuing.batches import issue_rows
    from clients.issuing.sheet import read_sheet

    if report is not None:
        require_folder(report)
    with progress("检查文件", "checking the file") as bar:
        sheet = read_sheet(file)
        bar.advance(len(sheet.numbers))
    outcomes: list[RowOutcome] = []
    is_sent = not is_dry_run and (only_good or not sheet.faults)
    try:
        if is_sent:
            with (
                connection.open() as node,
                progress("签发", "issuing", total=len(sheet.rows)) as bar,
            ):
                for done in issue_rows(
                    node,
                    sheet.rows,
                    signature.duty,
                    sizes=_sizes(node),
                    once=signature.request_id,
                ):
                    outcomes += done
                    bar.advance(len(done))
    finally:  # what is issued is reported, whatever stopped the rest
        if report is not None:
            _write_report(report, sheet, outcomes)
    return _tell(file, sheet, outcomes, is_sent=is_sent, is_dry_run=is_dry_run)


def _sizes(node: Any) -> dict[str, int]:  # noqa: ANN401  # a client
    """Return how large the logs are, to tell what an earlier run issued."""
    from clients.filing.batches import log_sizes
    from deltacare.errors import Reason, Refusal

    try:
        return log_sizes(node)
    except Refusal as refusal:
        if refusal.reason is not Reason.ROLE_NOT_ALLOWED:
            raise
        return {}  # who may not ask this is told of all as issued now


def _faults(sheet: "Sheet") -> list[Fault]:
    """Return what is wrong in the file."""
    return [
        row_fault(each.row, each.column, each.value, each.description, each.remedy)
        for each in sheet.faults
    ]


def _write_report(path: Path, sheet: "Sheet", outcomes: Sequence["RowOutcome"]) -> None:
    """Write what became of every row of the file."""
    from clients.issuing.books import write_report

    found: dict[int, tuple[str, str]] = dict.fromkeys(sheet.numbers, ("NOT_SENT", ""))
    for fault in sheet.faults:
        said = f"{fault.column}: {told(fault.description)} {told(fault.remedy)}".strip()
        before = found[fault.row][1]
        found[fault.row] = ("REFUSED", f"{before}; {said}" if before else said)
    for each in outcomes:
        why = f"{told(each.why)} {told(each.remedy)}".strip() if each.why else each.place
        found[each.row.number] = (each.kind, why)

    def cells(row: int) -> "ReportRow":
        kind, why = found[row]
        zh, _ = _OUTCOMES[kind]
        return (str(row), sheet.numbers[row], zh, kind, why)

    write_report(path, [cells(row) for row in sorted(found)])


def _tell(
    file: Path,
    sheet: "Sheet",
    outcomes: Sequence["RowOutcome"],
    *,
    is_sent: bool,
    is_dry_run: bool,
) -> int:
    """Say how many were issued and what is against the others, and return the exit code."""
    counted = {kind: sum(each.kind == kind for each in outcomes) for kind in _OUTCOMES}
    faults = _faults(sheet)
    refused = [
        row_fault(each.row.number, each.column, each.value, each.why, each.remedy)
        for each in outcomes
        if each.kind == "REFUSED"
    ]
    noted = [each for each in outcomes if each.kind == "UNCHANGED" and each.why]
    data = {
        "file": file.name,
        "dry_run": is_dry_run,
        "rows": len(sheet.numbers),
        "issued": counted["ISSUED"],
        "unchanged": counted["UNCHANGED"],
        "fault_count": len(faults),
        "faults": [fault_plain(fault) for fault in faults],
        "refused": [fault_plain(fault) for fault in refused],
        "noted": [
            fault_plain(row_fault(each.row.number, each.column, each.value, each.why, each.remedy))
            for each in noted
        ],
    }
    parts = [tr(f"{file.name} 共 {len(sheet.numbers)} 行", f"{len(sheet.numbers)} rows")]
    if is_sent:
        parts += [f"{tr(*_OUTCOMES[kind])} {counted[kind]}" for kind in ("ISSUED", "UNCHANGED")]
    elif is_dry_run:
        parts.append(tr("未签发（--dry-run）", "nothing issued (--dry-run)"))
    else:
        parts.append(
            tr(
                "未签发任何证书；改好后重来，或用 --only-good 只签发合格的行",
                "nothing was issued; mend the rows, or use --only-good to issue the others",
            )
        )
    answer(data, [tr("，", ", ").join(parts)])
    for title, listed in (
        (tr("文件问题：", "In the file:"), faults),
        (tr("节点拒绝：", "Refused by the node:"), refused),
    ):
        if listed:
            say("\n".join([title, *fault_lines(listed, len(listed))]))
    for (why, remedy), count in Counter((each.why, each.remedy) for each in noted).items():
        title = tr(f"请留意（{count} 行）：", f"To be known of {count} rows: ")
        say(f"{title}{told(why)} → {told(remedy)}")
    return Exit.BAD_INPUT if faults or refused else Exit.YES


@command(
    _group,
    "template",
    help=both(
        "写出批量签发的空表：XLSX（附各列说明）或 CSV。",
        "Write an empty sheet for issuing many: XLSX, with what each column holds, or CSV.",
    ),
)
@click.argument("file", type=_OUT)
def template(*, file: Path) -> None:
    """Write an empty sheet."""
    from clients.issuing.books import write_template

    require_folder(file)
    if file.exists():
        raise InputRefused(
            tr(
                f"{file.name} 已存在，未覆盖；请换一个名称。",
                f"{file.name} exists and was left as it is; choose another name.",
            )
        )
    write_template(file)
    answer({"file": str(file)}, [tr(f"已写出 {file}", f"Written: {file}")])
