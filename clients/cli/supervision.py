"""``deltacare supervision``: inspections and measures of the own province, and their end.

What the own province says is said here; what all provinces said, and what follows from it, is shown
by `clients.cli.supervision_shown`.
"""

import re
from pathlib import Path
from typing import Any

import click

from clients.cli.commands import Group, LazyCommand, command, option
from clients.cli.connection import Connection, Signature, connected, signed
from clients.cli.failures import InputRefused
from clients.cli.output import answer
from clients.language import both, tr
from clients.plain import plain

__all__ = ["supervision"]

supervision = Group(
    name="supervision",
    help=both("联动监管：检查、措施、整改与解除。", "Supervision across provinces."),
    lazy={
        "list": LazyCommand(
            target="clients.cli.supervision_shown:list_measures",
            help=both("列出措施及其效力。", "List measures and what follows from each."),
        ),
        "show": LazyCommand(
            target="clients.cli.supervision_shown:show",
            help=both("查看一项措施的全部经过。", "Show all that was said of one measure."),
        ),
        "inspections": LazyCommand(
            target="clients.cli.supervision_shown:inspections",
            help=both("列出检查。", "List inspections."),
        ),
    },
)

_KINDS = {
    "warning": 1,
    "rectification": 2,
    "admission-suspension": 3,
    "penalty": 4,
    "ban": 5,
    "dishonesty-list": 6,
}
_RECTIFICATION = "rectification"
_PASSED, _FINDINGS = 1, 2
_CODE = re.compile(r"[A-Z0-9_]{1,64}", re.ASCII)
_READ_BYTES = 1 << 20


def today() -> str:
    """Return the date in Asia/Shanghai."""
    from datetime import UTC, datetime

    from deltacare.times import business_date

    return business_date(datetime.now(UTC)).isoformat()


def _code(text: str, example: str) -> str:
    """Return a code that a person gave.

    Raises:
        InputRefused: If it is none; with the code that was probably meant.
    """
    if _CODE.fullmatch(text):
        return text
    meant = re.sub(r"[\s-]+", "_", text.strip()).upper()
    if not _CODE.fullmatch(meant):
        meant = example
    raise InputRefused(
        tr(
            f"“{text}”不是代码：须为 1 至 64 个大写字母、数字或下划线，例如 {meant}。"
            "代码会写入日志并送达各省，不得包含姓名。",
            f"{text!r} is no code: 1 to 64 capitals, digits and underscores, such as {meant}. "
            "It goes into the log of every province: never a name.",
        )
    )


def _one_subject(institution_id: str, certificate_no: str) -> None:
    """Refuse a call that is about nobody or about two.

    Raises:
        InputRefused: If it is.
    """
    if bool(institution_id) == bool(certificate_no):
        raise InputRefused(
            tr(
                "请用 --institution 给出机构，或用 --certificate 给出护理员证书，二者只取其一。",
                "Say whom it concerns: --institution, or --certificate of the caregiver; not both.",
            )
        )


def _done(appended: Any, done: str, **facts: object) -> None:  # noqa: ANN401  # a message
    """Say what was done and where the entry came to stand."""
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


def _about(function: Any) -> Any:  # noqa: ANN401  # click's own type
    """Add the options that say whom something concerns."""
    for decorate in (
        option(
            "--certificate",
            "certificate_no",
            default="",
            metavar="NO",
            help=both("护理员的证书编号。", "Certificate of the caregiver it concerns."),
        ),
        option(
            "--institution",
            "institution_id",
            default="",
            metavar="ID",
            help=both("机构编号。", "The institution it concerns."),
        ),
    ):
        function = decorate(function)
    return function


@command(
    supervision,
    "inspect",
    help=both(
        "登记一次检查（编号如 310000-I2026-9）。",
        "State an inspection (its id: 310000-I2026-9).",
    ),
)
@click.argument("inspection_id")
@_about
@option("--on", "on_date", default="", metavar="DATE", help=both("日期，默认今天。", "Day; today."))
@option(
    "--finding",
    "findings",
    multiple=True,
    metavar="CODE",
    help=both("需整改问题的代码，可多次。", "Code of something to mend; repeat it."),
)
@option("--passed", is_flag=True, help=both("未发现问题。", "Nothing is to be mended."))
@option(
    "--joined-by",
    multiple=True,
    metavar="CODE",
    help=both("共同检查的他省，可多次。", "Another province that took part; repeat it."),
)
@signed
@connected
def inspect(
    *,
    connection: Connection,
    signature: Signature,
    inspection_id: str,
    institution_id: str,
    certificate_no: str,
    on_date: str,
    findings: tuple[str, ...],
    passed: bool,
    joined_by: tuple[str, ...],
) -> None:
    """State an inspection."""
    from deltacare.v1.entry_pb2 import Inspection, InspectionResult
    from deltacare.v1.supervision_service_pb2 import RecordInspectionRequest

    _one_subject(institution_id, certificate_no)
    if passed == bool(findings):
        raise InputRefused(
            tr(
                "请用 --finding 逐条给出问题，或用 --passed 说明未发现问题。",
                "Name what is to be mended with --finding, or say --passed.",
            )
        )
    body = Inspection(
        inspection_id=inspection_id,
        institution_id=institution_id,
        certificate_no=certificate_no,
        inspection_date=on_date or today(),
        result=InspectionResult.ValueType(_PASSED if passed else _FINDINGS),
        finding_codes=[_code(each, "FIRE_EXIT_BLOCKED") for each in findings],
        joined_by=sorted(set(joined_by)),
    )
    with connection.open() as node:
        response = node.supervision.RecordInspection(
            RecordInspectionRequest(
                request_id=signature.once(), duty=signature.duty, inspection=body
            )
        )
    _done(
        response.appended,
        tr(
            f"已登记检查 {inspection_id}：{len(findings)} 个问题",
            f"Stated inspection {inspection_id}: {len(findings)} findings",
        ),
        inspection=inspection_id,
    )


@command(
    supervision,
    "measure",
    help=both(
        "采取一项措施（编号如 310000-M2026-4）。对本省机构、本省证书的措施在各省有效，"
        "对他省的只在本省有效。",
        "Take a measure (its id: 310000-M2026-4). Against the own province's it counts "
        "everywhere, against another's only here.",
    ),
)
@click.argument("measure_id")
@option(
    "--kind",
    type=click.Choice(list(_KINDS)),
    required=True,
    help=both(
        "种类：警告、限期整改、暂停收住、行政处罚、禁入、失信名单。", "What is done about it."
    ),
)
@_about
@option(
    "--also",
    "also",
    multiple=True,
    metavar="NO",
    help=both(
        "同一护理员的其他证书，可多次；一并采取措施，编号依次加 -2、-3。",
        "Another certificate of the same caregiver; repeat it. Each gets a measure of its own, by "
        "the id with -2, -3 behind it.",
    ),
)
@option(
    "--only-this",
    "only_this",
    default="",
    metavar="CODE",
    help=both(
        "不列入其他证书的理由代码，如 COURT_ORDER。",
        "Code of the reason why others are left out, such as COURT_ORDER.",
    ),
)
@option(
    "--inspection",
    "inspection_id",
    default="",
    metavar="ID",
    help=both("所依据的检查。", "Inspection that it follows."),
)
@option(
    "--from",
    "from_date",
    default="",
    metavar="DATE",
    help=both("起始日，默认今天。", "First day; today."),
)
@option(
    "--until",
    "until_date",
    default="",
    metavar="DATE",
    help=both("截止日；不填则至解除为止。", "Last day; without one it holds until it is lifted."),
)
@option(
    "--due",
    "due_date",
    default="",
    metavar="DATE",
    help=both("限期整改的最后一日。", "Last day for mending, of a rectification."),
)
@option(
    "--reason",
    required=True,
    metavar="CODE",
    help=both("事由代码，如 FIRE_EXIT_BLOCKED。", "Reason code, such as FIRE_EXIT_BLOCKED."),
)
@option(
    "--document",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=both("决定书文件；只记其摘要。", "The decision; only its SHA-256 is stated."),
)
@signed
@connected
def measure(
    *,
    connection: Connection,
    signature: Signature,
    measure_id: str,
    kind: str,
    institution_id: str,
    certificate_no: str,
    also: tuple[str, ...],
    only_this: str,
    inspection_id: str,
    from_date: str,
    until_date: str,
    due_date: str,
    reason: str,
    document: Path | None,
) -> None:
    """Take a measure."""
    from deltacare.v1.entry_pb2 import MeasureKind, SupervisionMeasure
    from deltacare.v1.supervision_service_pb2 import TakeMeasureRequest

    _one_subject(institution_id, certificate_no)
    if (kind == _RECTIFICATION) != bool(due_date):
        raise InputRefused(
            tr(
                "限期整改请用 --due 给出整改的最后一日。",
                "A rectification needs --due, the last day for mending.",
            )
            if kind == _RECTIFICATION
            else tr(
                "--due 只用于限期整改（--kind rectification）；期限请用 --until。",
                "--due is for --kind rectification only; a last day is --until.",
            )
        )
    body = SupervisionMeasure(
        measure_id=measure_id,
        kind=MeasureKind.ValueType(_KINDS[kind]),
        institution_id=institution_id,
        certificate_no=certificate_no,
        inspection_id=inspection_id,
        from_date=from_date or today(),
        until_date=until_date,
        due_date=due_date,
        reason=_code(reason, "FIRE_EXIT_BLOCKED"),
        document_hash=b"" if document is None else _digest(document),
    )
    with connection.open() as node:
        response = node.supervision.TakeMeasure(
            TakeMeasureRequest(
                request_id=signature.once(),
                duty=signature.duty,
                measure=body,
                also_certificate_nos=also,
                only_this_reason=_code(only_this, "COURT_ORDER") if only_this else "",
            )
        )
    ids = [measure_id, *(f"{measure_id}-{place}" for place in range(2, len(also) + 2))]
    _done(
        response.appended,
        tr(
            f"已采取措施 {'、'.join(ids)}，自 {body.from_date} 起",
            f"Took measure {', '.join(ids)}, from {body.from_date}",
        ),
        measure=measure_id,
        measures=ids,
        document_sha256=body.document_hash.hex(),
    )


def _digest(path: Path) -> bytes:
    """Return the SHA-256 of a file."""
    import hashlib

    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_READ_BYTES):
            digest.update(block)
    return digest.digest()


@command(
    supervision,
    "report",
    help=both("报告限期整改是否合格。", "State whether a rectification was mended."),
)
@click.argument("measure_id")
@option(
    "--mended/--not-mended",
    "accepted",
    default=None,
    help=both("整改合格，或不合格。", "Accepted as mended, or not."),
)
@option("--on", "on_date", default="", metavar="DATE", help=both("日期，默认今天。", "Day; today."))
@option(
    "--reason",
    default="",
    metavar="CODE",
    help=both("事由代码；不合格时必填。", "Reason code; needed when it is not mended."),
)
@signed
@connected
def report(
    *,
    connection: Connection,
    signature: Signature,
    measure_id: str,
    accepted: bool | None,
    on_date: str,
    reason: str,
) -> None:
    """Report on a rectification."""
    from deltacare.v1.entry_pb2 import RectificationReport
    from deltacare.v1.supervision_service_pb2 import ReportRectificationRequest

    if accepted is None:
        raise InputRefused(tr("请说明 --mended 或 --not-mended。", "Say --mended or --not-mended."))
    if not accepted and not reason:
        raise InputRefused(
            tr(
                "整改不合格时，请用 --reason 给出事由代码，如 STILL_BLOCKED。",
                "What is not mended needs --reason, a code such as STILL_BLOCKED.",
            )
        )
    body = RectificationReport(
        measure_id=measure_id,
        report_date=on_date or today(),
        accepted=accepted,
        reason=_code(reason, "STILL_BLOCKED") if reason else "",
    )
    with connection.open() as node:
        response = node.supervision.ReportRectification(
            ReportRectificationRequest(
                request_id=signature.once(), duty=signature.duty, report=body
            )
        )
    _done(
        response.appended,
        tr(
            f"{measure_id} 整改{'合格' if accepted else '不合格'}，{body.report_date}",
            f"{measure_id} is {'mended' if accepted else 'not mended'}, {body.report_date}",
        ),
        measure=measure_id,
        accepted=accepted,
    )


@command(supervision, "lift", help=both("解除一项措施。", "Lift a measure."))
@click.argument("measure_id")
@option(
    "--from",
    "effective_date",
    default="",
    metavar="DATE",
    help=both("不再有效的第一日，默认今天。", "First day it no longer holds; today."),
)
@option(
    "--reason",
    required=True,
    metavar="CODE",
    help=both("事由代码，如 MENDED。", "Reason code, such as MENDED."),
)
@signed
@connected
def lift(
    *,
    connection: Connection,
    signature: Signature,
    measure_id: str,
    effective_date: str,
    reason: str,
) -> None:
    """Lift a measure."""
    from deltacare.v1.entry_pb2 import MeasureLift
    from deltacare.v1.supervision_service_pb2 import LiftMeasureRequest

    body = MeasureLift(
        measure_id=measure_id,
        effective_date=effective_date or today(),
        reason=_code(reason, "MENDED"),
    )
    with connection.open() as node:
        response = node.supervision.LiftMeasure(
            LiftMeasureRequest(request_id=signature.once(), duty=signature.duty, lift=body)
        )
    _done(
        response.appended,
        tr(
            f"{measure_id} 自 {body.effective_date} 起解除",
            f"{measure_id} is lifted from {body.effective_date}",
        ),
        measure=measure_id,
    )
