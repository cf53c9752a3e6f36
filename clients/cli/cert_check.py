"""``deltacare cert check``: is a certificate good here, on a day, for the person who shows it?

Of one certificate, of a whole roster, or of what a phone shows. A roster's rows and an identity
number never stand on the command line, where other users of the machine could read them.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from clients.checking.words import NOT_COMPARED, remedy, verdict_text
from clients.cli.commands import Command, option
from clients.cli.connection import Connection, connected
from clients.cli.failures import Exit, InputRefused
from clients.cli.kept_files import keep_file, require_free
from clients.cli.output import answer, say
from clients.language import both, tr
from clients.plain import plain

if TYPE_CHECKING:
    from clients.checking.run import Asked

__all__ = ["check"]

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_IDENTITY_CHARS_MAX = 64


@click.command(
    "check",
    cls=Command,
    help=both(
        "一张证书、一份花名册或手机所示证书在本省、在某日是否有效。只有全部“有效”时退出码为 0。",
        "Is a certificate, every one of a roster, or one on a phone good in this province on a "
        "date? Exit code 0 only if all are VALID.",
    ),
)
@click.argument("certificate_no", required=False)
@option(
    "--holder",
    default="",
    envvar="DELTACARE_HOLDER",
    help=both("持证人姓名。", "Name of the person who shows it."),
)
@option(
    "--ask-identity",
    is_flag=True,
    help=both(
        "询问并核对身份证号（只由发证省核对，不留存）。",
        "Ask for the identity number, and compare it: at its issuer alone, and kept nowhere.",
    ),
)
@option(
    "--identity-file",
    type=_FILE,
    metavar="FILE",
    help=both("身份证号取自该文件。", "Take the identity number from a file."),
)
@option("--on", "on_date", default="", metavar="DATE", help=both("日期，默认今天。", "Day; today."))
@option(
    "--known",
    "known_time",
    metavar="TIME",
    help=both("以该时刻的事实判断。", "Facts known then."),
)
@option(
    "--host",
    default="",
    metavar="CODE",
    help=both(
        "在哪里使用：任一级行政区划代码，默认本省。",
        "Division where it should count, at any level; this province.",
    ),
)
@option("--purpose", default="", help=both("用途代码。", "Purpose, a code."))
@option(
    "--save",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help=both(
        "存下结论文件，日后可用 deltacare verify 离线核验。",
        "Save the verdict file, for deltacare verify to check offline years later.",
    ),
)
@option(
    "--roster",
    type=_FILE,
    metavar="FILE",
    help=both(
        "核验花名册（CSV 或 XLSX，含证书编号列，可含姓名列）。",
        "Check a roster: CSV or XLSX with a column of certificates, and one of names if wanted.",
    ),
)
@option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help=both(
        "花名册核验结果，XLSX 或 CSV。", "Where the roster with its verdicts goes: XLSX or CSV."
    ),
)
@option(
    "--no-names",
    is_flag=True,
    help=both(
        "不核对花名册中的姓名（默认核对，缺姓名的行视为有误）。",
        "Compare no names of the roster; else a row without one is at fault.",
    ),
)
@option(
    "--evidence-dir",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help=both("为花名册每行存下结论文件。", "Keep a verdict file for each row of the roster."),
)
@option(
    "--qr",
    type=_FILE,
    metavar="FILE",
    help=both("核验手机所示二维码的图片。", "Check the picture of a QR code on a phone."),
)
@option(
    "--credential",
    type=_FILE,
    metavar="FILE",
    help=both("核验手机证书的文本。", "Check the text of a phone certificate."),
)
@option(
    "--offline",
    type=_FILE,
    metavar="BUNDLE",
    help=both("不连网，以该离线包核验手机证书。", "Check it without a network, by this bundle."),
)
@option(
    "--at",
    "at_time",
    metavar="TIME",
    help=both(
        "离线核验时以该时刻为“现在”，如 2026-11-22T08:00:00Z；默认此刻。",
        "Judge offline as of that time, such as 2026-11-22T08:00:00Z; now.",
    ),
)
@option(
    "--policy",
    "policies",
    type=click.Path(exists=True, path_type=Path),
    multiple=True,
    envvar="DELTACARE_POLICY",
    help=both(
        "离线核验时信任谁：tlog-policy 文件或目录。",
        "Whom to trust offline: tlog-policy files, or directories of them.",
    ),
)
@connected
def check(
    *,
    connection: Connection,
    certificate_no: str | None,
    holder: str,
    ask_identity: bool,
    identity_file: Path | None,
    on_date: str,
    known_time: str | None,
    host: str,
    purpose: str,
    save: Path | None,
    roster: Path | None,
    out: Path | None,
    no_names: bool,
    evidence_dir: Path | None,
    qr: Path | None,
    credential: Path | None,
    offline: Path | None,
    at_time: str | None,
    policies: tuple[Path, ...],
) -> int:
    """Check a certificate, a roster, or what a phone shows."""
    is_shown = qr is not None or credential is not None
    forms = [form for form in (certificate_no, roster, qr, credential) if form is not None]
    if len(forms) != 1:
        raise InputRefused(
            tr(
                "请给出证书编号、--roster、--qr 或 --credential 之一。",
                "Give one of these: the number of a certificate, --roster, --qr, --credential.",
            )
        )
    _refuse_mixed(
        {"--out": out, "--no-names": no_names or None, "--evidence-dir": evidence_dir},
        is_fit=roster is not None,
        form="--roster",
    )
    _refuse_mixed({"--offline": offline}, is_fit=is_shown, form="--qr / --credential")
    _refuse_mixed(
        {"--at": at_time, "--policy": _typed("policies")},
        is_fit=offline is not None,
        form="--offline",
    )
    _refuse_mixed(
        {"--holder": holder or None},
        is_fit=roster is None,
        form=tr(
            "单张证书；花名册的姓名在其姓名列",
            "one certificate; a roster has names in a column of its own",
        ),
    )
    if ask_identity and identity_file is not None:
        raise InputRefused(
            tr(
                "请给出 --ask-identity 或 --identity-file 之一。",
                "Give either --ask-identity or --identity-file.",
            )
        )
    _refuse_mixed(
        {"--ask-identity": ask_identity or None, "--identity-file": identity_file},
        is_fit=certificate_no is not None,
        form=tr("单张证书", "a single certificate"),
    )
    _refuse_mixed(
        {"--save": save},
        is_fit=roster is None,
        form=tr(
            "单张证书；花名册用 --evidence-dir", "one certificate; a roster has --evidence-dir"
        ),
    )
    _refuse_mixed(
        {"--known": known_time},
        is_fit=not is_shown,
        form=tr("证书编号或花名册", "the number of a certificate, or a roster"),
    )
    if save is not None:
        require_free(save)
    if is_shown:
        from clients.cli.cert_shown import check_shown

        return check_shown(
            connection=connection,
            picture=qr,
            credential=credential,
            bundle=offline,
            at_time=at_time,
            policies=policies,
            asked=_asked(on_date=on_date, known_time=None, host=host, purpose=purpose),
            holder=holder,
            save=save,
        )
    if roster is not None:
        from clients.cli.cert_roster import check_roster

        asked = _asked(on_date=on_date, known_time=known_time, host=host, purpose=purpose)
        if out is None:
            raise InputRefused(
                tr(
                    "请用 --out 给出结果文件（.xlsx 或 .csv）。",
                    "Say with --out where the verdicts go: a .xlsx or .csv file.",
                )
            )
        return check_roster(
            connection,
            roster=roster,
            out=out,
            evidence_dir=evidence_dir,
            asked=asked,
            with_names=not no_names,
        )
    assert certificate_no is not None, "one form was given"
    return _check_one(
        connection,
        certificate_no=certificate_no,
        holder=holder,
        identity_number=_identity(identity_file, is_asked=ask_identity),
        asked=_asked(on_date=on_date, known_time=known_time, host=host, purpose=purpose),
        save=save,
    )


def _refuse_mixed(options: dict[str, Any], *, is_fit: bool, form: str) -> None:
    """Refuse options of another form.

    Raises:
        InputRefused: If one was given.
    """
    given = [name for name, value in options.items() if value is not None]
    if given and not is_fit:
        raise InputRefused(tr(f"{given[0]} 只用于 {form}。", f"{given[0]} goes with {form} only."))


def _typed(name: str) -> object | None:
    """Return an option that was typed; what an environment variable says goes with any form."""
    context = click.get_current_context()
    if context.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
        return None
    value: object = context.params[name]
    return value


def _asked(*, on_date: str, known_time: str | None, host: str, purpose: str) -> "Asked":
    """Return what is asked beside the certificate."""
    from clients.checking.run import Asked
    from deltacare.times import parse_time

    return Asked(
        on_date=on_date,
        known_time=parse_time(known_time, field="--known") if known_time else None,
        host=host,
        purpose=purpose,
    )


def _identity(file: Path | None, *, is_asked: bool) -> str:
    """Return the identity number, from a file or by asking; empty if none is to be compared.

    Raises:
        InputRefused: If it is none; it is not repeated.
    """
    if file is None and not is_asked:
        return ""
    from deltacare.errors import Refusal
    from deltacare.ids import parse_identity_number

    if file is not None:
        with file.open(encoding="utf-8-sig", errors="replace") as opened:
            text = opened.read(_IDENTITY_CHARS_MAX + 1)
    else:
        text = click.prompt(tr("身份证号", "Identity number"), hide_input=True, err=True)
    try:
        return parse_identity_number(text.strip())
    except Refusal:
        raise InputRefused(
            tr(
                "身份证号有误：应为 18 位，请逐位核对证件。",
                "This is no identity number of 18 characters; compare it with the card.",
            )
        ) from None


def _check_one(
    connection: Connection,
    *,
    certificate_no: str,
    holder: str,
    identity_number: str,
    asked: "Asked",
    save: Path | None,
) -> int:
    """Check one certificate."""
    from deltacare.v1.certification_service_pb2 import CheckCertificationRequest

    request = CheckCertificationRequest(
        certificate_no=certificate_no,
        holder_name=holder,
        identity_number=identity_number,
        on_date=asked.on_date,
        host=asked.host,
        purpose=asked.purpose,
        evidence=save is not None,
    )
    if asked.known_time is not None:
        request.known_time.FromDatetime(asked.known_time)
    with connection.open() as node:
        response = node.certification.CheckCertification(request)
    if save is not None:
        keep_file(save, response.evidence)
        say(tr(f"结论文件已写入 {save}", f"Verdict file written to {save}"))
    result = plain(response)
    del result["evidence"]  # bytes of the file, not for reading
    verdict = str(result["verdict"])
    lines = [
        verdict_text(verdict),
        tr("依据规则 ", "rule ") + response.rule,
        tr("日期 ", "on ")
        + response.on_date
        + tr("，事实截至 ", ", known at ")
        + str(result.get("known_time", "")),
    ]
    is_compared = bool(holder or identity_number)
    result["holder_compared"] = is_compared
    if not is_compared:
        lines.append(tr(*NOT_COMPARED))
    if response.mapped_grade:
        lines.append(
            tr("在本地相当于 ", "counts here as ")
            + f"{response.mapped_scheme} {response.mapped_grade}"
        )
    if response.reason:
        lines.append(tr("事由 ", "reason ") + response.reason)
    if response.age_s:
        lines.append(tr(f"数据已有 {response.age_s} 秒", f"data is {response.age_s} s old"))
    zh, en = remedy(response.rule)
    lines.append(tr("处理：", "To do: ") + tr(zh, en))
    result["remedy"] = {"zh": zh, "en": en}
    lines += [f"  {entry.log} #{entry.index}" for entry in response.entries]
    answer(result, lines)
    return Exit.YES if verdict == "VALID" else Exit.NO
