"""Certificates on phones: ``deltacare cert qr``, ``bundle``, ``phone-key`` and ``status``.

What they are checked by stands in ``clients.cli.cert_shown``.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from clients.cli.commands import Command, option
from clients.cli.connection import Connection, Signature, connected, signed
from clients.cli.failures import Exit, InputRefused
from clients.cli.output import answer, print_table, require_folder, say
from clients.language import both, tr
from clients.plain import plain

if TYPE_CHECKING:
    from clients.credential.past import PastStatus

__all__ = ["bundle", "phone_key", "qr", "status", "status_lines"]

_OUT = click.Path(dir_okay=False, path_type=Path)
_DISCLOSED = {"name": "holder_name"}
_HOUR_S = 3_600
_STATUS_NAMES = {
    0: ("未撤销，也未暂停", "neither revoked nor suspended"),
    1: ("已撤销", "revoked"),
    2: ("已暂停", "suspended"),
}


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
    from clients.cli.cert_shown import left_out_text
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
            "left_out": list(content.left_out),
        },
        [
            tr(
                f"离线包已写入 {out}（{len(data)} 字节），{hours} 小时内有效",
                f"Bundle written to {out} ({len(data)} bytes); it is good for {hours} hours",
            ),
            *([left_out_text(content.left_out)] if content.left_out else []),
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
        "证明某日（今天或以前）的状态列表如何说某证书：未撤销也未暂停、已撤销或已暂停。列表的摘要须与"
        "发证省日志中的条目一致；列表不说证书的有效期（见 cert check --on）。",
        "Prove what the status list of a day, today or before, says of a certificate: neither "
        "revoked nor suspended, or one of these. The list is compared with the hash in its "
        "issuer's log; it does not say from when until when the certificate runs (cert check "
        "--on does).",
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
@option(
    "--logs",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help=both(
        "导出的日志目录（其下为 deltacare/320000/registry 等）：逐条查找该日以前是否另有更新的"
        "列表，并核对证书在列表中的位置。",
        "Directory of exported logs (deltacare/320000/registry below it): look whether a newer "
        "list was stated up to that day, and count the certificate's place.",
    ),
)
@connected
def status(
    *,
    connection: Connection,
    certificate_no: str,
    on_date: str,
    policies: tuple[Path, ...],
    logs: Path | None,
) -> int:
    """Prove a status."""
    from clients.credential.past import prove_status
    from clients.verify.unusable import Unusable

    if logs is not None and not policies:
        raise InputRefused(
            tr(
                "--logs 须与 --policy 同用：日志由谁签署、信任谁，由您决定。",
                "--logs goes with --policy: whom to trust for the log is yours to say.",
            )
        )
    with connection.open() as node:
        try:
            found = prove_status(
                node,
                certificate_no,
                on_date,
                policies=policies,
                now=datetime.now(UTC),
                logs=logs,
            )
        except Unusable as error:
            raise InputRefused(tr(error.zh, error.en)) from None
    searched = found.searched
    answer(
        {
            "certificate_no": certificate_no,
            "on_date": on_date,
            "status": found.status,
            "list_number": found.list_number,
            "place": found.place,
            "stated_on": found.stated_on,
            "age_days": found.age_days,
            "log": found.log,
            "index": found.index,
            "is_proved": found.is_proved,
            "is_newest_proved": searched is not None,
            "is_place_proved": searched is not None and searched.is_place_proved,
            "searched_entries": None if searched is None else searched.entries,
        },
        status_lines(found, certificate_no, on_date),
    )
    return Exit.YES if found.status == 0 else Exit.NO


def status_lines(found: "PastStatus", certificate_no: str, on_date: str) -> list[str]:
    """Return what was found, what of it was proved, and what a list does not say.

    Args:
        found: The status.
        certificate_no: The certificate.
        on_date: The day.
    """
    name = tr(*_STATUS_NAMES.get(found.status, ("未知", "unknown")))
    searched = found.searched
    is_place_proved = searched is not None and searched.is_place_proved
    lines = [
        tr(
            f"{certificate_no}：按 {on_date} 的状态列表，{name}",
            f"{certificate_no}: {name}, by the status list of {on_date}",
        ),
        tr(
            f"依据 {found.log} #{found.index}：{found.stated_on} 的列表，"
            f"至 {on_date} 已 {found.age_days} 天",
            f"by {found.log} #{found.index}: the list of {found.stated_on}, "
            f"{found.age_days} days old on {on_date}",
        ),
        tr("条目的回执已按您的策略核验。", "The entry's receipt was verified by your policy.")
        if found.is_proved
        else tr(
            "未给 --policy：条目取自节点，未核验回执。",
            "No --policy was given: the entry is the node's word.",
        ),
    ]
    if searched is not None:
        lines.append(
            tr(
                f"已逐条查阅该日志前 {searched.entries} 条：截至 {on_date} 没有更新的列表。",
                f"The first {searched.entries} entries of that log were looked through: up to "
                f"{on_date} no newer list is stated.",
            )
        )
    else:
        lines.append(
            tr(
                f"截至 {on_date} 没有更新的列表：仅凭节点所言（可用 --logs 自行查阅）。",
                f"That no newer list was stated up to {on_date} is the node's word (--logs looks).",
            )
        )
    if is_place_proved:
        lines.append(
            tr(
                "证书在列表中的位置已按日志核对。",
                "The certificate's place in the list was counted in the log.",
            )
        )
    else:
        lines.append(
            tr(
                "证书在列表中的位置：仅凭节点所言。",
                "Which place in the list is the certificate's is the node's word.",
            )
        )
    lines.append(
        tr(
            f"列表不说证书自何日起、至何日止；请用 cert check {certificate_no} --on {on_date}。",
            "A list does not say from when until when a certificate runs: "
            f"cert check {certificate_no} --on {on_date} does.",
        )
    )
    return lines
