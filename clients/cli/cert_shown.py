"""Checks of what a phone shows, for ``deltacare cert check --qr`` and ``--credential``.

A check with a bundle reaches no node and no network; it trusts the verifier's own policy files and
nothing else. A check with a node trusts that node, as every other check does, and can be kept as a
verdict file. One without a network is kept by its bundle and its picture: judged again as of the
same time, they say the same.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from clients.checking.words import NOT_COMPARED, remedy, verdict_text
from clients.cli.connection import Connection
from clients.cli.failures import Exit, InputRefused
from clients.cli.kept_files import keep_file
from clients.cli.output import answer, require_folder, say
from clients.language import tr
from clients.plain import plain

if TYPE_CHECKING:
    from clients.checking.run import Asked
    from clients.sdk.node import SyncNodeClient
    from deltacare.credential.bundle import BundleContent
    from deltacare.credential.certificate import ShownCertificate
    from deltacare.credential.offline import OfflineVerdict

__all__ = ["check_shown", "left_out_text"]

_TEXT_BYTES_MAX = 65_536
_NAME_CHARS_MAX = 64


def check_shown(
    *,
    connection: Connection,
    picture: Path | None,
    credential: Path | None = None,
    bundle: Path | None,
    at_time: str | None = None,
    policies: tuple[Path, ...] = (),
    asked: "Asked",
    holder: str,
    save: Path | None = None,
) -> int:
    """Check what a phone shows: by a bundle without a network, or by the node.

    Args:
        connection: To the node; not opened if there is a bundle.
        picture: Of the QR code.
        credential: Or the text of it.
        bundle: The offline bundle; ``None`` asks the node.
        at_time: As of when to judge, with a bundle; ``None`` means now.
        policies: Whom to trust, with a bundle.
        asked: Another day than today, another place than the own province, a purpose: only at a
            node.
        holder: Who shows it; empty if that is not asked.
        save: Where the verdict file goes, if anywhere: only from a node.

    Returns:
        Exit code 0 only for VALID.
    """
    if save is not None and bundle is not None:
        raise InputRefused(
            tr(
                "结论文件由节点出具：离线核验请留存离线包与二维码图片，以 --at 可复核。",
                "A node makes verdict files. Of a check offline keep the bundle and the picture: "
                "with --at they say the same again.",
            )
        )
    if save is not None:
        require_folder(save)
    _require_name(holder)
    text = _shown_text(picture, credential)
    if bundle is None:
        with connection.open() as node:
            return _check_at_node(node, text, asked=asked, holder=holder, save=save)
    if asked.on_date or asked.host or asked.purpose:
        raise InputRefused(
            tr(
                "离线包只含本省今天起数日的互认：--on、--host、--purpose 需连网。",
                "A bundle knows of the coming days in its own province: --on, --host and "
                "--purpose need a node.",
            )
        )
    if not policies:
        raise InputRefused(
            tr(
                "信任谁由您决定：请用 --policy 给出策略文件，或设置 DELTACARE_POLICY。",
                "Whom to trust is yours to say: give a policy file with --policy, or set "
                "DELTACARE_POLICY.",
            )
        )
    from deltacare.times import parse_time

    now = parse_time(at_time, field="--at") if at_time else datetime.now(UTC)
    return _check_offline(text, bundle, policies, holder=holder, now=now)


def _require_name(holder: str) -> None:
    """Refuse what cannot be a name, as a node does; it is not repeated.

    Raises:
        Refusal: ``INVALID_FIELD``.
    """
    from deltacare.errors import invalid_field

    is_blank = holder and not holder.strip()
    if is_blank or len(holder) > _NAME_CHARS_MAX or not holder.isprintable():
        raise invalid_field(
            "--holder",
            "",
            "A name has 1 to 64 printable characters.",
            "Write it as on the paper.",
        )


def _shown_text(picture: Path | None, credential: Path | None) -> str:
    """Return what the phone shows, from a picture or a file."""
    from clients.credential.qr import read_qr
    from clients.regular_files import read_regular

    if picture is not None:
        return read_qr(picture)
    assert credential is not None, "one of them was given"
    data = read_regular(credential, bytes_max=_TEXT_BYTES_MAX)
    return data.decode("ascii", "replace").strip()


def _check_offline(
    text: str, bundle: Path, policies: tuple[Path, ...], *, holder: str, now: datetime
) -> int:
    """Check by a bundle; reaches no node and no network."""
    from clients.credential.offline import trusted_bundle
    from clients.regular_files import read_regular
    from clients.verify.trusting import Trusting
    from deltacare.credential.bundle import BUNDLE_BYTES_MAX
    from deltacare.credential.offline import check_offline

    data = read_regular(bundle, bytes_max=BUNDLE_BYTES_MAX)
    trusted = trusted_bundle(data, Trusting.read(policies, now=now))
    found = check_offline(text, trusted, now=now, holder_name=holder)
    issuer_fault = None
    if found.fault is not None and found.shown is None:
        issuer_fault = next(iter(trusted.faults.values()), None)
    _tell(found, issuer_fault, content=trusted.content, is_compared=bool(holder))
    return Exit.YES if found.is_valid else Exit.NO


def _tell(
    found: "OfflineVerdict",
    issuer_fault: Exception | None,
    *,
    content: "BundleContent",
    is_compared: bool,
) -> None:
    """Print an offline verdict."""
    from clients.cli.failures import failure_lines

    lines = [verdict_text(found.verdict)]
    lines += _shown_lines(found.shown)
    if found.rule:
        lines.append(tr("依据规则 ", "rule ") + found.rule)
    if found.mapped_grade:
        lines.append(
            tr("在本地相当于 ", "counts here as ") + f"{found.mapped_scheme} {found.mapped_grade}"
        )
    if found.reason:
        lines.append(tr("事由 ", "reason ") + found.reason)
    if not is_compared and found.shown is not None:
        lines += _not_compared(found.shown)
    if found.shown is not None and found.shown.certificate.issuer in content.left_out:
        lines.append(left_out_text([found.shown.certificate.issuer]))
    lines.append(
        tr(f"离线包已有 {found.bundle_age_s} 秒", f"the bundle is {found.bundle_age_s} s old")
    )
    if found.list_age_s is not None:
        lines.append(
            tr(f"状态列表已有 {found.list_age_s} 秒", f"the list is {found.list_age_s} s old")
        )
    for fault in (found.fault, issuer_fault):
        if fault is not None:
            lines += failure_lines(fault)
    if not found.is_valid and found.rule:
        lines.append(tr(*remedy(found.rule)))
    answer(
        {
            "verdict": found.verdict,
            "rule": found.rule,
            "host": content.host,
            "on_date": found.on_date.isoformat(),
            "holder_compared": is_compared,
            **_shown_plain(found.shown),
            "mapped_scheme": found.mapped_scheme,
            "mapped_grade": found.mapped_grade,
            "reason": found.reason,
            "bundle_age_s": found.bundle_age_s,
            "list_age_s": found.list_age_s,
            "left_out": list(content.left_out),
            "fault": None if found.fault is None else found.fault.message,
        },
        lines,
    )


def _check_at_node(
    node: "SyncNodeClient",
    text: str,
    *,
    asked: "Asked",
    holder: str,
    save: Path | None = None,
) -> int:
    """Check by the node: signature by the keys that logs state, everything else as any check."""
    from clients.cli.failures import failure_lines
    from clients.credential.online import KeysOfNode
    from deltacare.credential.certificate import open_certificate
    from deltacare.credential.offline import same_name
    from deltacare.errors import PeerFault
    from deltacare.v1.certification_service_pb2 import CheckCertificationRequest

    now = datetime.now(UTC)
    try:
        shown = open_certificate(text, KeysOfNode(node), now=now)
    except PeerFault as fault:
        answer(
            {"verdict": "BAD_SIGNATURE", "fault": fault.message},
            [verdict_text("BAD_SIGNATURE"), *failure_lines(fault)],
        )
        return Exit.NO
    response = node.certification.CheckCertification(
        CheckCertificationRequest(
            certificate_no=shown.certificate.certificate_no,
            # Nobody is asked for: then the name that is shown has to be the one in the log.
            holder_name=holder or shown.holder_name or "",
            on_date=asked.on_date,
            host=asked.host,
            purpose=asked.purpose,
            evidence=save is not None,
        )
    )
    is_compared = bool(holder or shown.holder_name)
    verdict, rule = str(plain(response)["verdict"]), response.rule
    # A name that is shown has to be the one asked for; one left out is compared by the node alone.
    if holder and shown.holder_name is not None and not same_name(shown.holder_name, holder):
        verdict, rule = "HOLDER_MISMATCH", "R06-HOLDER"
        response.ClearField("mapped_scheme")
        response.ClearField("mapped_grade")
        response.ClearField("reason")
        if save is not None:
            say(
                tr(
                    "未存结论文件：所出示的姓名不是所问之人，节点的结论不能代表本次核验。",
                    "No verdict file is kept: the name shown is not the one asked for, which the "
                    "node's verdict does not tell.",
                )
            )
    elif save is not None:
        keep_file(save, response.evidence)
        say(tr(f"结论文件已写入 {save}", f"Verdict file written to {save}"))
    result = plain(response)
    result.pop("evidence", None)
    lines = [verdict_text(verdict), *_shown_lines(shown), tr("依据规则 ", "rule ") + rule]
    if response.mapped_grade:
        lines.append(
            tr("在本地相当于 ", "counts here as ")
            + f"{response.mapped_scheme} {response.mapped_grade}"
        )
    if response.reason:
        lines.append(tr("事由 ", "reason ") + response.reason)
    if not is_compared:
        lines += _not_compared(shown)
    lines.append(tr(f"数据已有 {response.age_s} 秒", f"data is {response.age_s} s old"))
    if verdict != "VALID":
        lines.append(tr(*remedy(rule)))
    answer(
        {
            **result,
            "verdict": verdict,
            "rule": rule,
            "holder_compared": is_compared,
            **_shown_plain(shown),
        },
        lines,
    )
    return Exit.YES if verdict == "VALID" else Exit.NO


def _not_compared(shown: "ShownCertificate") -> list[str]:
    """Return that nobody was compared with the holder; an institution holds nothing in person."""
    return [tr(*NOT_COMPARED)] if shown.certificate.subject == "CAREGIVER" else []


def left_out_text(issuers: Sequence[str]) -> str:
    """Return of which issuers a bundle says nothing, so that all of theirs is stale."""
    names = "、".join(issuers), ", ".join(issuers)
    return tr(
        f"离线包因内容过多未含 {names[0]}：其证书请联网核验",
        f"the bundle leaves out {names[1]}, of whom too much would have to be said: check their "
        "certificates at a node",
    )


def _shown_plain(shown: "ShownCertificate | None") -> dict[str, object]:
    """Return what a certificate says, for a program."""
    if shown is None:
        return {}
    certificate = shown.certificate
    return {
        "certificate_no": certificate.certificate_no,
        "scheme": certificate.scheme,
        "grade": certificate.grade,
        "holder_name": shown.holder_name,
        "valid_from_date": certificate.valid_from_date.isoformat(),
        "valid_until_date": certificate.valid_until_date.isoformat(),
    }


def _shown_lines(shown: "ShownCertificate | None") -> list[str]:
    """Return what a certificate says, for a person."""
    if shown is None:
        return []
    certificate = shown.certificate
    name = shown.holder_name or tr("（未出示姓名）", "(no name shown)")
    return [
        f"{certificate.certificate_no}  {certificate.scheme} {certificate.grade}  {name}",
        tr("有效期 ", "valid ") + f"{certificate.valid_from_date} – {certificate.valid_until_date}",
    ]
