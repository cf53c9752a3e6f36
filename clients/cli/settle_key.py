"""``deltacare settle key``: the keys with which people approve; made here, stated in the log."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, Signature, connected, signed
from clients.cli.failures import InputRefused
from clients.cli.output import answer, pages, print_table, require_folder
from clients.cli.passphrase import obtain_passphrase, passphrase_option
from clients.language import both, tr
from clients.plain import plain

if TYPE_CHECKING:
    from deltacare.v1.approval_service_pb2 import StandingApprovalKey
    from deltacare.v1.entry_pb2 import ApprovalKey

__all__ = ["key"]

key = Group(
    name="key",
    help=both("批准用的个人密钥。", "People's keys for approvals: new, publish, list, withdraw."),
)

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@command(
    key,
    "new",
    help=both(
        "为一人生成密钥，以口令封存；私钥不离开此文件。",
        "Make a person's key, sealed under a passphrase; the private key never leaves the file.",
    ),
)
@option("--principal", required=True, metavar="ID", help=both("持有人的内部编号。", "Opaque id."))
@option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help=both("写入何处。", "Where to."),
)
@option("--sm2", is_flag=True, help=both("用 SM2（默认 Ed25519）。", "SM2 instead of Ed25519."))
@passphrase_option
def new(*, principal: str, out: Path, sm2: bool, passphrase_file: Path | None) -> None:
    """Make a key."""
    from secrets import token_bytes

    from clients.approving import create_key
    from deltacare.approvals import ApprovalAlgorithm

    require_folder(out)
    signer = create_key(
        out,
        obtain_passphrase(passphrase_file, is_new=True),
        principal=principal,
        algorithm=ApprovalAlgorithm.SM2 if sm2 else ApprovalAlgorithm.ED25519,
        entropy=token_bytes,
    )
    answer(
        {
            "key_id": signer.key_id,
            "principal": signer.principal,
            "algorithm": str(signer.algorithm),
            "public_key": signer.public_key.hex(),
            "file": str(out),
        },
        [
            tr(
                f"{signer.principal} 的密钥 {signer.key_id}（{signer.algorithm}）已写入 {out}",
                f"Key {signer.key_id} ({signer.algorithm}) of {signer.principal} written to {out}",
            ),
            tr(
                "请由另外两人以 settle key publish 声明后使用。",
                "It counts once two others have stated it with settle key publish.",
            ),
        ],
    )


@command(
    key,
    "publish",
    help=both(
        "在本省日志中声明一人的密钥及其有效期；声明者不得是持有人。",
        "State a person's key and its days in the log; neither who states it is its holder.",
    ),
)
@click.argument("file", type=_FILE)
@option("--from", "from_date", required=True, metavar="DATE", help=both("起始日。", "First day."))
@option("--until", "until_date", default="", metavar="DATE", help=both("截止日。", "Last day."))
@signed
@connected
def publish(
    *,
    connection: Connection,
    signature: Signature,
    file: Path,
    from_date: str,
    until_date: str,
) -> None:
    """State a key."""
    from clients.approving import public_key_of

    stated = public_key_of(file)
    stated.from_date, stated.until_date = from_date, until_date
    _publish(connection, signature, stated)


@command(
    key,
    "withdraw",
    help=both(
        "撤回一把密钥：此后的条目一概不认其签名，且不得恢复。",
        "Withdraw a key for good: no later entry counts by its signature.",
    ),
)
@click.argument("key_id")
@signed
@connected
def withdraw(*, connection: Connection, signature: Signature, key_id: str) -> None:
    """Withdraw a key."""
    from datetime import date, timedelta

    province = connection.caller().province
    found = [each for each in _keys(connection, province) if each.key.key_id == key_id]
    if not found:
        raise InputRefused(
            tr(f"{province} 没有密钥 {key_id}。", f"{province} has stated no key {key_id}.")
        )
    stated = found[0].key
    before = date.fromisoformat(stated.from_date) - timedelta(days=1)
    stated.until_date = before.isoformat()
    _publish(connection, signature, stated)


@command(key, "list", help=both("列出各省声明的密钥。", "List what provinces have stated."))
@option("--province", default="", metavar="CODE", help=both("只看该省。", "Only of this one."))
@connected
def list_(*, connection: Connection, province: str) -> None:
    """List keys."""
    found = _keys(connection, province)
    if answer({"keys": [plain(each) for each in found]}):
        print_table(
            [
                tr("省份", "province"),
                tr("密钥", "key"),
                tr("持有人", "holder"),
                tr("算法", "algorithm"),
                tr("起始日", "from"),
                tr("截止日", "until"),
            ],
            [
                (
                    each.province,
                    each.key.key_id,
                    each.key.principal,
                    each.key.algorithm,
                    each.key.from_date,
                    _until(each.key),
                )
                for each in found
            ],
        )


def _until(stated: "ApprovalKey") -> str:
    from deltacare.approvals import key_is_withdrawn

    return tr("已撤回", "withdrawn") if key_is_withdrawn(stated) else stated.until_date


def _keys(connection: Connection, province: str) -> "list[StandingApprovalKey]":
    """Return every key of a province, or of all."""
    from deltacare.v1.approval_service_pb2 import ListApprovalKeysRequest

    with connection.open() as node:
        return [
            each
            for page in pages(
                node.approval.ListApprovalKeys, ListApprovalKeysRequest(province=province)
            )
            for each in page.keys
        ]


def _publish(connection: Connection, signature: Signature, stated: "ApprovalKey") -> None:
    """State what is to be said of a key, and say where it stands."""
    from deltacare.approvals import key_is_withdrawn
    from deltacare.v1.approval_service_pb2 import PublishApprovalKeyRequest

    with connection.open() as node:
        response = node.approval.PublishApprovalKey(
            PublishApprovalKeyRequest(request_id=signature.once(), duty=signature.duty, key=stated)
        )
    said = (
        tr(f"已撤回密钥 {stated.key_id}", f"Withdrawn: key {stated.key_id}")
        if key_is_withdrawn(stated)
        else tr(
            f"已声明 {stated.principal} 的密钥 {stated.key_id}，自 {stated.from_date} 起",
            f"Stated: key {stated.key_id} of {stated.principal}, from {stated.from_date}",
        )
    )
    answer(
        {**plain(response), "key_id": stated.key_id},
        [
            said,
            tr(
                f"日志 {response.appended.log}，序号 {response.appended.first_index}",
                f"log {response.appended.log}, index {response.appended.first_index}",
            ),
        ],
    )
