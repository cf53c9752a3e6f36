"""Certificates on phones: ``deltacare cert qr``, ``bundle``, ``phone-key`` and ``status``.

What they are checked by stands in ``clients.cli.cert_shown``.
"""

from datetime import UTC, datetime
from pathlib import Path

import click

from clients.cli.commands import Command, option
from clients.cli.connection import Connection, Signature, connected, signed
from clients.cli.failures import Exit, InputRefused
from clients.cli.output import answer, print_table, require_folder, say
from clients.language import both, tr
from clients.plain import plain

__all__ = ["bundle", "phone_key", "qr", "status"]

_OUT = click.Path(dir_okay=False, path_type=Path)
_DISCLOSED = {"name": "holder_name"}
_HOUR_S = 3_600
_STATUS_NAMES = {0: ("有效", "valid"), 1: ("撤销", "revoked"), 2: ("暂停", "suspended")}


# --- Making it ------------------------------------------------------------------------------------


@click.command(
    "qr",
    cls=Command,
    help=both(
        "生成本省证书的手机二维码（SD-JWT VC）。默认不含姓名；用 --disclose name 出示。",
        "Make the QR code of a certificate of this province (SD-JWT VC). It shows no name unless "
        "--disclose name is given.",
    ),
)
@click.argument("certificate_no")
@option("--png", type=_OUT, metavar="FILE", help=both("写成 PNG。", "Write it as PNG."))
@option("--svg", type=_OUT, metavar="FILE", help=both("写成 SVG。", "Write it as SVG."))
@option(
    "--text",
    type=_OUT,
    metavar="FILE",
    help=both("另存证书文本。", "Write the text of it as well."),
)
@option(
    "--disclose",
    default="",
    metavar="NAMES",
    help=both("出示哪些可选内容，以逗号分隔：name。", "What to show, by commas: name."),
)
@option(
    "--holder-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help=both(
        "持证人手机的公钥（JWK）：此后可要求手机应答。",
        "Public key of the holder's phone (JWK), so that the phone can be asked to answer.",
    ),
)
@connected
def qr(
    *,
    connection: Connection,
    certificate_no: str,
    png: Path | None,
    svg: Path | None,
    text: Path | None,
    disclose: str,
    holder_key: Path | None,
) -> None:
    """Make the QR code of a certificate."""
    from clients.credential.qr import draw_qr
    from deltacare.credential.certificate import CERTIFICATE_TYPE
    from deltacare.credential.sd_jwt import Presentation, present
    from deltacare.purposes import PURPOSE_FIELD, Purpose
    from deltacare.v1.credential_service_pb2 import IssueCredentialRequest

    wanted = [each.strip() for each in disclose.split(",") if each.strip()]
    unknown = [each for each in wanted if each not in _DISCLOSED]
    if unknown:
        raise InputRefused(
            tr(
                f"--disclose {unknown[0]}：没有这一项；可用：name。",
                f"--disclose {unknown[0]}: there is no such part; there is: name.",
            )
        )
    if png is None and svg is None and text is None:
        raise InputRefused(
            tr("请用 --png、--svg 或 --text 给出文件。", "Give a file with --png, --svg or --text.")
        )
    for path in (png, svg, text):
        if path is not None:
            require_folder(path)
    request = IssueCredentialRequest(certificate_no=certificate_no)
    if holder_key is not None:
        request.holder_jwk = holder_key.read_text(encoding="utf-8")
    with connection.open() as node:
        whole = node.credential.IssueCredential(
            request, metadata=((PURPOSE_FIELD, Purpose.CERTIFICATION),)
        ).sd_jwt
    shown = present(whole, [_DISCLOSED[each] for each in wanted], typ=CERTIFICATE_TYPE)
    disclosed = len(Presentation.parse(shown, typ=CERTIFICATE_TYPE).disclosures)
    if disclosed < len(wanted):
        say(
            tr(
                "本省未存持证人姓名，或无法与签发时的姓名核对；二维码不含姓名。",
                "No name of the holder is kept here that can be compared with the certificate; the "
                "code shows none.",
            )
        )
    code = draw_qr(shown)
    for path, kind in ((png, "png"), (svg, "svg")):
        if path is not None:
            code.write(path, kind)
    if text is not None:
        text.write_text(shown, encoding="ascii")
    answer(
        {
            "certificate_no": certificate_no,
            "bytes": code.text_bytes,
            "version": code.version,
            "level": code.level,
            "disclosed": wanted[:disclosed],
            "files": [str(path) for path in (png, svg, text) if path is not None],
        },
        [
            tr(
                f"二维码版本 {code.version}，纠错级别 {code.level}，{code.text_bytes} 字节",
                f"QR version {code.version}, error correction {code.level}, "
                f"{code.text_bytes} bytes",
            ),
            *(str(path) for path in (png, svg, text) if path is not None),
        ],
    )


@click.command(
    "bundle",
    cls=Command,
    help=both(
        "取得离线包：各省状态列表、公钥与本省当前互认，供断网核验。",
        "Get the offline bundle: status lists, keys, and what this province recognises, to check "
        "without a network.",
    ),
)
@option("--out", type=_OUT, required=True, metavar="FILE", help=both("写入文件。", "The file."))
@option(
    "--issuer",
    "issuers",
    multiple=True,
    metavar="CODE",
    help=both("只含这些发证省。", "Only of these issuers."),
)
@connected
def bundle(*, connection: Connection, out: Path, issuers: tuple[str, ...]) -> None:
    """Get the offline bundle."""
    from clients.credential.offline import signed_time
    from deltacare.credential.bundle import OfflineBundle
    from deltacare.times import format_time
    from deltacare.v1.credential_service_pb2 import GetOfflineBundleRequest

    require_folder(out)
    with connection.open() as node:
        data = node.credential.GetOfflineBundle(GetOfflineBundleRequest(issuers=issuers)).bundle
    made = OfflineBundle.from_bytes(data)
    content = made.content
    out.write_bytes(data)
    hours = content.stale_after_s // _HOUR_S
    lists = [
        {
            "issuer": each.issuer,
            "list": each.list_number,
            # As a check counts it: from when its issuer signed it, not from when it was fetched.
            "age_s": int((content.made_time - signed_time(token)).total_seconds()),
            "fetched_age_s": int((content.made_time - each.fetched_time).total_seconds()),
        }
        for each, token in zip(content.lists, made.tokens, strict=True)
    ]
    if answer(
        {
            "file": str(out),
            "bytes": len(data),
            "made_time": format_time(content.made_time),
            "stale_after_s": content.stale_after_s,
            "keys": len(content.keys),
            "lists": lists,
        },
        [
            tr(
                f"离线包已写入 {out}（{len(data)} 字节），{hours} 小时内有效",
                f"Bundle written to {out} ({len(data)} bytes); it is good for {hours} hours",
            )
        ],
    ):
        print_table(
            [tr("发证省", "issuer"), tr("列表", "list"), tr("签发于几秒前", "age in s")],
            [[row["issuer"], row["list"], row["age_s"]] for row in lists],
            numbers=(1, 2),
        )


@click.command(
    "phone-key",
    cls=Command,
    help=both(
        "公布（或撤回）本省手机证书的签名公钥；私钥由节点生成且不离开节点。",
        "State the next key that signs phone certificates of this province, or withdraw one; the "
        "node makes it and keeps it.",
    ),
)
@option("--from", "from_date", default="", metavar="DATE", help=both("起始日。", "First day."))
@option("--until", "until_date", default="", metavar="DATE", help=both("截止日。", "Last day."))
@option(
    "--withdraw",
    default="",
    metavar="KEY",
    help=both(
        "撤回此公钥：它签过的一概不认。", "Withdraw this key: nothing that it signed counts."
    ),
)
@signed
@connected
def phone_key(
    *,
    connection: Connection,
    signature: Signature,
    from_date: str,
    until_date: str,
    withdraw: str,
) -> None:
    """State a key."""
    from deltacare.v1.credential_service_pb2 import PublishCredentialKeyRequest

    with connection.open() as node:
        response = node.credential.PublishCredentialKey(
            PublishCredentialKeyRequest(
                request_id=signature.once(),
                duty=signature.duty,
                from_date=from_date,
                until_date=until_date,
                withdraw_key_id=withdraw,
            )
        )
    key = response.key
    answer(
        plain(response),
        [
            tr(f"已撤回公钥 {key.key_id}", f"Withdrawn: key {key.key_id}")
            if withdraw
            else tr(
                f"已公布公钥 {key.key_id}，自 {key.from_date} 起",
                f"Stated: key {key.key_id}, from {key.from_date}",
            ),
            tr(
                f"日志 {response.appended.log}，序号 {response.appended.first_index}",
                f"log {response.appended.log}, index {response.appended.first_index}",
            ),
        ],
    )


@click.command(
    "status",
    cls=Command,
    help=both(
        "证明证书在过去某日的状态：节点给出当日列表，其摘要须与发证省日志中的条目一致。",
        "Prove what a certificate was on a past day: the list of that day is compared with the "
        "hash in its issuer's log.",
    ),
)
@click.argument("certificate_no")
@option("--on", "on_date", required=True, metavar="DATE", help=both("日期。", "The day."))
@option(
    "--policy",
    "policies",
    type=click.Path(exists=True, path_type=Path),
    multiple=True,
    envvar="DELTACARE_POLICY",
    help=both("信任谁：tlog-policy 文件或目录。", "Whom to trust: tlog-policy files."),
)
@connected
def status(
    *,
    connection: Connection,
    certificate_no: str,
    on_date: str,
    policies: tuple[Path, ...],
) -> int:
    """Prove a status."""
    from clients.credential.past import PastStatus, prove_status

    with connection.open() as node:
        found: PastStatus = prove_status(
            node, certificate_no, on_date, policies=policies, now=datetime.now(UTC)
        )
    name = tr(*_STATUS_NAMES.get(found.status, ("未知", "unknown")))
    answer(
        {
            "certificate_no": certificate_no,
            "on_date": on_date,
            "status": found.status,
            "list_number": found.list_number,
            "place": found.place,
            "stated_on": found.stated_on,
            "log": found.log,
            "index": found.index,
            "is_proved": found.is_proved,
        },
        [
            tr(f"{certificate_no}：{on_date} {name}", f"{certificate_no}: {name} on {on_date}"),
            tr(
                f"依据 {found.log} #{found.index}（{found.stated_on} 的列表）",
                f"by {found.log} #{found.index} (list of {found.stated_on})",
            ),
            tr("回执已按您的策略核验。", "Its receipt was verified by your policy.")
            if found.is_proved
            else tr(
                "未给 --policy：条目取自节点，未核验回执。",
                "No --policy was given: the entry is the node's word.",
            ),
        ],
    )
    return Exit.YES if found.status == 0 else Exit.NO
