"""``deltacare personal``: values of persons in the own node's vault, put, shown and erased.

A name, an identity number or a telephone number is never an argument or an option: other users of
the machine see command lines, and the shell keeps them. They come from a file. What is shown goes
to standard output and nowhere else, and the audit log says before that who asked for it and why.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, Signature, connected, signed
from clients.cli.failures import InputRefused
from clients.cli.output import answer, pages, print_table, say
from clients.language import both, tr
from clients.plain import plain

if TYPE_CHECKING:
    from clients.filing.persons import PersonRow
    from deltacare.errors import Refusal

__all__ = ["personal"]

personal = Group(
    name="personal",
    help=both(
        "个人信息：存入、查看、披露记录、删除。", "Personal values: put, show, disclosures, erase."
    ),
)

_FIELDS = ("holder_name", "identity_number", "phone")


def _metadata(purpose: str) -> tuple[tuple[str, str], ...]:
    """Return what gives a purpose beside a call."""
    from deltacare.purposes import PURPOSE_FIELD, Purpose

    return ((PURPOSE_FIELD, Purpose.parse(purpose, field="--purpose")),)


@command(
    personal,
    "put",
    help=both(
        "由文件存入或更新个人信息。列：内部编号、姓名、身份证号、电话、证书编号（多个以分号分隔）；"
        "空格子不改动已存内容。个人信息只从文件读取，不在命令行给出，以免留在历史记录中。",
        "Put or replace values from a file. Columns: subject_ref, holder_name, identity_number, "
        "phone, certificate_nos (separated by ;); an empty cell leaves what is kept. Values come "
        "from a file only, because a command line is seen by others and kept by the shell.",
    ),
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@signed
@connected
def put(*, connection: Connection, signature: Signature, file: Path) -> None:
    """Put the persons of a file."""
    from clients.filing.persons import PERSONS_MAX, read_persons
    from deltacare.errors import Refusal
    from deltacare.v1.personal_service_pb2 import PutPersonalDataRequest

    rows = read_persons(file)
    if len(rows) > PERSONS_MAX:
        raise InputRefused(
            tr(
                f"{file.name} 有 {len(rows)} 人，一次至多 {PERSONS_MAX} 人；请分成几个文件。",
                f"{file.name} has {len(rows)} persons, and {PERSONS_MAX} go at once: split it.",
            )
        )
    request = PutPersonalDataRequest(
        request_id=signature.once(), duty=signature.duty, records=[row.record for row in rows]
    )
    with connection.open() as node:
        try:
            response = node.personal.PutPersonalData(request, metadata=_metadata("CERTIFICATION"))
        except Refusal as refusal:
            raise _with_rows(refusal, rows) from None
    answer(
        plain(response),
        [
            tr(
                f"新存入 {response.created_count} 人，更新 {response.updated_count} 人。",
                f"{response.created_count} persons are new, {response.updated_count} were known.",
            )
        ],
    )


def _with_rows(refusal: "Refusal", rows: Sequence["PersonRow"]) -> "Refusal":
    """Return a refusal that names the rows of the file instead of places in the request."""
    from dataclasses import replace

    from clients.filing.persons import refused_rows
    from deltacare.errors import Refusal

    violations = [
        replace(each, field=tr(f"第 {row} 行 {each.field}", f"row {row} {each.field}"))
        if row
        else each
        for row, each in refused_rows(rows, refusal.violations)
    ]
    return Refusal(refusal.reason, refusal.message, details=refusal.details, violations=violations)


@command(
    personal,
    "show",
    help=both(
        "取得一人的个人信息；须说明目的与法律依据，二者先记入审计日志。",
        "Show values of a person, for a purpose and on a legal basis; the audit log notes both "
        "before anything is shown.",
    ),
)
@click.argument("subject_ref", required=False, default="")
@option(
    "--certificate",
    "certificate_no",
    default="",
    metavar="NO",
    help=both("以证书编号代替内部编号。", "A certificate instead of the reference."),
)
@option(
    "--field",
    "fields",
    multiple=True,
    required=True,
    type=click.Choice(_FIELDS),
    help=both("所需项目，可多次；只取必要的。", "What is needed; repeat it. Ask for no more."),
)
@option(
    "--purpose",
    required=True,
    metavar="CODE",
    help=both(
        "目的：CARE_PLACEMENT、DISPUTE、SUPERVISION 或 SUBJECT_REQUEST。",
        "CARE_PLACEMENT, DISPUTE, SUPERVISION or SUBJECT_REQUEST.",
    ),
)
@option(
    "--basis",
    "legal_basis",
    required=True,
    metavar="CODE",
    help=both(
        "法律依据代码，如 PIPL_45（个人信息保护法第四十五条）；写 LIST 列出全部。",
        "Code of the legal basis, such as PIPL_45 (art. 45); LIST shows all.",
    ),
)
@connected
def show(
    *,
    connection: Connection,
    subject_ref: str,
    certificate_no: str,
    fields: tuple[str, ...],
    purpose: str,
    legal_basis: str,
) -> None:
    """Show values of a person."""
    from deltacare.legal_bases import LegalBasis
    from deltacare.v1.personal_service_pb2 import DisclosePersonalDataRequest

    if legal_basis == "LIST":
        _show_bases()
        return
    request = DisclosePersonalDataRequest(
        subject_ref=subject_ref,
        certificate_no=certificate_no,
        fields=fields,
        legal_basis=LegalBasis.parse(legal_basis, field="--basis"),
    )
    metadata = _metadata(purpose)
    with connection.open() as node:
        found = node.personal.DisclosePersonalData(request, metadata=metadata)
    if answer(plain(found)):
        none = tr("未存", "none")
        names = {
            "holder_name": tr("姓名", "name"),
            "identity_number": tr("身份证号", "identity number"),
            "phone": tr("电话", "telephone"),
        }
        print_table(
            [tr("项目", "field"), tr("内容", "value")],
            [(names[each], getattr(found.values, each) or none) for each in dict.fromkeys(fields)],
            title=found.subject_ref,
        )
        say(tr("本次披露已记入审计日志。", "The audit log has noted this disclosure."))


def _show_bases() -> None:
    """Print the legal bases."""
    from deltacare.legal_bases import LegalBasis

    bases = [{"code": each.value, "zh": each.zh, "en": each.en} for each in LegalBasis]
    if answer({"legal_bases": bases}):
        print_table(
            [tr("代码", "code"), tr("法律依据", "legal basis")],
            [(each.value, tr(each.zh, each.en)) for each in LegalBasis],
        )


@command(
    personal,
    "disclosures",
    help=both(
        "列出一人的信息曾披露给谁、为何、依据什么；供本人查询。",
        "List to whom values of a person were disclosed, what for and on what basis.",
    ),
)
@click.argument("subject_ref")
@option(
    "--purpose",
    default="SUBJECT_REQUEST",
    show_default=True,
    metavar="CODE",
    help=both("目的：SUBJECT_REQUEST 或 DISPUTE。", "SUBJECT_REQUEST or DISPUTE."),
)
@connected
def disclosures(*, connection: Connection, subject_ref: str, purpose: str) -> None:
    """List disclosures."""
    from deltacare.v1.personal_service_pb2 import ListDisclosuresRequest

    metadata = _metadata(purpose)
    rows: list[Any] = []
    with connection.open() as node:
        for page in pages(
            lambda request: node.personal.ListDisclosures(request, metadata=metadata),
            ListDisclosuresRequest(subject_ref=subject_ref),
        ):
            rows += page.disclosures
    listed = [plain(each) for each in rows]
    if answer({"disclosures": listed}):
        print_table(
            [
                tr("时间", "time"),
                tr("调用方", "caller"),
                tr("目的", "purpose"),
                tr("法律依据", "basis"),
                tr("项目", "fields"),
                tr("审计日志", "audit log"),
            ],
            [
                (
                    said["entry_time"],
                    f"{each.province}/{each.role}/{each.principal}",
                    each.purpose,
                    each.legal_basis,
                    ", ".join(each.fields),
                    f"#{each.entry.index}",
                )
                for each, said in zip(rows, listed, strict=True)
            ],
        )


@command(
    personal,
    "erase",
    help=both(
        "删除一人的全部个人信息、密钥与盐值，并通知各省；不可恢复。",
        "Erase all values, the key and the salts of a person, and tell every partner. It cannot be "
        "undone.",
    ),
)
@click.argument("subject_ref", required=False, default="")
@option(
    "--certificate",
    "certificate_nos",
    multiple=True,
    metavar="NO",
    help=both("其盐值一并删除的证书，可多次。", "A certificate whose salt goes too; repeat it."),
)
@option(
    "--reason",
    default="REQUESTED",
    show_default=True,
    metavar="CODE",
    help=both("事由代码。", "Reason code."),
)
@option("--yes", is_flag=True, help=both("不再询问。", "Do not ask again."))
@signed
@connected
def erase(
    *,
    connection: Connection,
    signature: Signature,
    subject_ref: str,
    certificate_nos: tuple[str, ...],
    reason: str,
    yes: bool,
) -> None:
    """Erase a person."""
    from deltacare.v1.personal_service_pb2 import ErasePersonalDataRequest

    if not subject_ref and not certificate_nos:
        raise InputRefused(
            tr(
                "请给出内部编号，或以 --certificate 给出证书编号。",
                "Give the reference of the person, or a certificate by --certificate.",
            )
        )
    if not yes:
        _confirm(subject_ref, certificate_nos)
    with connection.open() as node:
        response = node.personal.ErasePersonalData(
            ErasePersonalDataRequest(
                request_id=signature.once(),
                duty=signature.duty,
                subject_ref=subject_ref,
                certificate_nos=certificate_nos,
                reason=reason,
            ),
            metadata=_metadata("ERASURE"),
        )
    numbers = ", ".join(response.certificate_nos) or tr("无", "none")
    answer(
        plain(response),
        [
            tr("已删除，不可恢复。", "Erased; nothing brings it back."),
            tr(f"已删盐值的证书：{numbers}", f"certificates without salts now: {numbers}"),
        ],
    )


def _confirm(subject_ref: str, certificate_nos: Sequence[str]) -> None:
    """Have whoever erases type what is erased.

    Raises:
        InputRefused: Something else was typed, or nobody is there to ask.
    """
    import sys

    meant = subject_ref or certificate_nos[0]
    if not sys.stdin.isatty():
        raise InputRefused(
            tr(
                "无人可确认。确要删除请加 --yes。",
                "Nobody is there to confirm it. Give --yes if it is meant.",
            )
        )
    typed = click.prompt(
        tr(f"删除不可恢复。请输入 {meant} 以确认", f"This cannot be undone. Type {meant} to go on"),
        err=True,
    )
    if typed.strip() != meant:
        raise InputRefused(
            tr("输入不符，未删除任何内容。", "That is something else; nothing was erased.")
        )
