"""``deltacare cert watch``: certificates that an institution relies on, and their changes."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clients.checking.words import announced, remedy, verdict_text
from clients.cli.commands import Group, command, option, wants_json
from clients.cli.connection import Connection, connected
from clients.cli.failures import Exit, Fault, InputRefused, failure_words
from clients.cli.output import answer, pages, print_table, require_folder, say
from clients.language import both, tr
from clients.plain import enum_name, plain

if TYPE_CHECKING:
    from clients.checking.roster import RosterRow
    from deltacare.errors import DeltacareError
    from deltacare.v1.certification_service_pb2 import AlertedCertificate, CertificateAlert

__all__ = ["watch"]

watch = Group(
    name="watch",
    help=both(
        "按机构关注证书，变更即时告知。",
        "Watch the certificates of an institution, and be told of changes.",
    ),
)

_BODIES = {
    "certificate": ("签发", "issued"),
    "certificate_renewal": ("延期", "renewed"),
    "certificate_suspension": ("暂停", "suspended"),
    "certificate_reinstatement": ("恢复", "reinstated"),
    "certificate_revocation": ("撤销", "revoked"),
    "certificate_addition": ("补记", "added to"),
    "recognition_suspension": ("他省暂停互认", "recognition suspended"),
    "recognition_resumption": ("他省恢复互认", "recognition resumed"),
    "recognition_answer": ("发证省答复", "answered by its issuer"),
    "equivalence": ("公布互认对应关系", "equivalence declared"),
    "equivalence_end": ("终止互认对应关系", "equivalence ended"),
    "agreement": ("提出协议", "agreement proposed"),
    "agreement_answer": ("答复协议", "agreement answered"),
    "supervision_measure": ("采取监管措施", "measure taken"),
    "rectification_report": ("整改报告", "mending reported"),
    "measure_lift": ("解除监管措施", "measure lifted"),
    "institution": ("机构关闭或恢复", "institution closed, or back"),
    "erased": ("个人信息已删除", "holder erased"),
}


@command(
    watch,
    "set",
    help=both(
        "以花名册设定机构的关注名单；--none 取消关注。",
        "Set an institution's watch list from a roster; --none ends watching.",
    ),
)
@click.argument("institution_id")
@option(
    "--roster",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help=both("花名册：CSV 或 XLSX，含证书编号列。", "Roster: CSV or XLSX with certificates."),
)
@option("--none", "is_none", is_flag=True, help=both("取消关注。", "Watch none."))
@option(
    "--only-good",
    is_flag=True,
    help=both(
        "略去有误的行并逐一列明，其余照常关注。",
        "Leave out the rows at fault, name each, and watch the others.",
    ),
)
@option(
    "--cursor-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help=both(
        "在其中记下名单生效时的进度；follow 用同一文件，即不漏其后的变更。",
        "Keep the place from which the list counts: follow with the same file misses nothing.",
    ),
)
@connected
def set_(
    *,
    connection: Connection,
    institution_id: str,
    roster: Path | None,
    is_none: bool,
    only_good: bool,
    cursor_file: Path | None,
) -> None:
    """Replace a watch list."""
    from clients.checking.following import Cursors
    from deltacare.v1.certification_service_pb2 import PutWatchListRequest, WatchList

    if (roster is None) != is_none:
        raise InputRefused(
            tr("请给出 --roster 或 --none 之一。", "Give either --roster or --none.")
        )
    if only_good and roster is None:
        raise InputRefused(
            tr("--only-good 只用于 --roster。", "--only-good goes with --roster only.")
        )
    if cursor_file is not None:
        require_folder(cursor_file)
    cursors = Cursors.load(cursor_file)
    numbers, faults = ([], []) if roster is None else _numbers(roster, only_good=only_good)
    with connection.open() as node:
        kept = node.certification.PutWatchList(
            PutWatchListRequest(
                list=WatchList(institution_id=institution_id, certificate_nos=numbers)
            )
        )
    cursors.hold(kept)
    count = len(kept.list.certificate_nos)
    lines = [
        tr(
            f"{institution_id} 关注 {count} 张证书（新增 {kept.added_count}，"
            f"移除 {kept.removed_count}）",
            f"{institution_id}: {count} certificates watched ({kept.added_count} added, "
            f"{kept.removed_count} removed)",
        )
    ]
    if cursor_file is not None:
        lines.append(
            tr(
                f"此后的变更自 {cursor_file} 续接；此前的请再核验一次花名册。",
                f"Changes from now on: follow from {cursor_file}. For earlier ones check the "
                "roster once more.",
            )
        )
    lines += [
        tr("未关注：", "not watched: ") + f"{fault.field}: {fault.description}" for fault in faults
    ]
    left_out = [{"row": fault.field, "description": fault.description} for fault in faults]
    answer({**plain(kept), "left_out": left_out}, lines)


def _numbers(path: Path, *, only_good: bool) -> tuple[list[str], list[Fault]]:
    """Return the certificates of a roster, each once, and what is wrong with the other rows.

    Args:
        path: The roster.
        only_good: Whether rows at fault are left out.

    Raises:
        InputRefused: If a row has none that can be read, or with ``only_good`` if no row has one.
    """
    from clients.checking.roster import read_roster

    rows = read_roster(path).rows
    faults = [fault for row in rows for fault in row_faults(row)]
    numbers = list(dict.fromkeys(row.certificate_no for row in rows if not row.faults))
    if faults and not (only_good and numbers):
        raise InputRefused(
            tr(
                f"{path.name} 有 {len(faults)} 处问题，关注名单未变。请改正，"
                "或加 --only-good 略去有误的行。",
                f"{path.name}: {len(faults)} problems; the watch list is as it was. Mend them, or "
                "leave those rows out with --only-good.",
            )
            if numbers
            else tr(
                f"{path.name} 没有可以关注的行，关注名单未变。",
                f"{path.name} has no row that can be watched; the watch list is as it was.",
            ),
            faults=tuple(faults),
        )
    return numbers, faults


def row_faults(row: "RosterRow") -> list[Fault]:
    """Return what is wrong with a row of a roster, in the language of the run."""
    where = tr(f"第 {row.number} 行", f"row {row.number}")
    return [Fault(field=where, value="", description=tr(*fault)) for fault in row.faults]


@command(watch, "list", help=both("列出本身份的关注名单。", "List what this identity watches."))
@connected
def list_(*, connection: Connection) -> None:
    """List watch lists."""
    from deltacare.v1.certification_service_pb2 import ListWatchListsRequest

    found: list[Any] = []
    with connection.open() as node:
        for page in pages(node.certification.ListWatchLists, ListWatchListsRequest()):
            found += page.lists
    if answer({"lists": [plain(each) for each in found]}):
        print_table(
            [tr("机构", "institution"), tr("证书数", "certificates")],
            [(each.institution_id, len(each.certificate_nos)) for each in found],
            numbers=(1,),
        )


@command(
    watch,
    "follow",
    help=both(
        "持续接收关注证书的变更，断线后自动续接。",
        "Be told of changes to watched certificates, across disconnects.",
    ),
)
@option("--institution", "institution_id", default="", help=both("只看该机构。", "Only this one."))
@option(
    "--cursor-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help=both(
        "记下进度；下次自此续接，不漏；若曾突然中断，至多重复一条。",
        "Keep the place there, to go on from it another time: nothing is lost, and after a crash "
        "one answer at most comes again.",
    ),
)
@option("--host", default="", help=both("在哪里使用，默认本省。", "Division; this province."))
@option(
    "--count",
    type=click.IntRange(min=1),
    help=both("收到这么多条变更后结束。", "End after so many changes."),
)
@connected
def follow(
    *,
    connection: Connection,
    institution_id: str,
    cursor_file: Path | None,
    host: str,
    count: int | None,
) -> int:
    """Follow alerts until interrupted."""
    from clients.checking.following import Cursors
    from clients.checking.following import follow as following

    if cursor_file is not None:
        require_folder(cursor_file)
    cursors = Cursors.load(cursor_file)
    if not cursors.of_log:
        say(
            tr(
                "自现在起告知；此前的变更不会告知，请用 cert check --roster 核验，"
                "或对 watch set 和 follow 使用同一 --cursor-file。",
                "Told from now on, not of what was before: see cert check --roster, or give watch "
                "set and follow the same --cursor-file.",
            )
        )
    with connection.open() as node:
        alerts = following(
            node, cursors, institution_id=institution_id, host=host, on_away=_say_away
        )
        left = count
        for alert in alerts:
            if not alert.HasField("entry") and not alert.day:
                continue
            _show(alert)
            if left is not None:
                left -= 1
                if not left:
                    # What was shown was handled: the next run goes on behind it.
                    cursors.take(alert)
                    break
    return Exit.YES


def _say_away(error: "DeltacareError", rest_s: float) -> None:
    words = failure_words(error)
    say(
        tr(
            f"连接中断（{words}），{rest_s:.1f} 秒后续接",
            f"Interrupted ({words}); going on in {rest_s:.1f} s",
        )
    )


def _show(alert: "CertificateAlert") -> None:
    """Print an alert: one JSON document a line for programs, or lines for people."""
    if wants_json():
        import json

        data = plain(alert)
        for shown, each in zip(data["certificates"], alert.certificates, strict=True):
            for verdict in ("verdict", "coming_verdict", "previous_verdict"):
                (shown.get(verdict) or {}).pop("evidence", None)
            zh, en = _to_do(each)
            shown["remedy"] = {"zh": zh, "en": en}
        click.echo(json.dumps(data, ensure_ascii=False))
        return
    click.echo(_head(alert))
    for each in alert.certificates:
        places = ", ".join(each.institution_ids)
        click.echo(
            f"  {each.certificate_no}  {verdict_text(enum_name(each.verdict, 'verdict'))}  "
            f"{each.verdict.rule}  {places}"
        )
        if alert.day:
            before = each.previous_verdict
            was = f"{verdict_text(enum_name(before, 'verdict'))}  {before.rule}"
            click.echo(
                "    " + tr(f"{before.on_date} 为：{was}", f"on {before.on_date} it was: {was}")
            )
        if each.superseded_by:
            click.echo(
                "    "
                + tr(
                    f"已另发后续证书 {each.superseded_by}，请一并列入关注名单",
                    f"superseded by {each.superseded_by}; put that on the list as well",
                )
            )
        click.echo("    " + tr("处理：", "To do: ") + tr(*_to_do(each)))


def _head(alert: "CertificateAlert") -> str:
    """Return the line that says what an alert is about: a day that came, or an entry."""
    if alert.day:
        came = tr(
            "当日已到：此前载明的事项使结论变更",
            "has come: what was stated for it changes these verdicts",
        )
        return f"{alert.day}  {came}"
    what = tr(*_BODIES.get(alert.body, (alert.body, alert.body)))
    time = plain(alert).get("entry_time", "")
    return f"{time}  {what}{_days(alert)}  {alert.entry.log} #{alert.entry.index}"


def _days(alert: "CertificateAlert") -> str:
    """Return from when and until when it holds what an entry says, as far as it says so."""
    first, last = alert.effective_date, alert.until_date
    said = tr(f"自 {first} 起", f"from {first}") if first else ""
    said += (" " if first and last else "") + (tr(f"至 {last}", f"until {last}") if last else "")
    return f"  {said}" if said else ""


def _to_do(each: "AlertedCertificate") -> tuple[str, str]:
    """Return what to do about a certificate: about what is to come, if it is still good."""
    from deltacare.v1.certification_service_pb2 import VERDICT_VALID

    verdict, coming = each.verdict, each.coming_verdict
    is_lost = each.HasField("coming_verdict") and coming.verdict != VERDICT_VALID
    if verdict.verdict == VERDICT_VALID and is_lost:
        return announced(enum_name(coming, "verdict"), coming.rule, coming.on_date)
    return remedy(verdict.rule)
