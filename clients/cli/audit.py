"""``deltacare audit list``: who was denied and what was disclosed, by the own node's audit log.

Read with an auditor's certificate; nobody else is let in. What is listed is the node's word: that
the log is whole and was not rewritten is for ``deltacare log verify`` and the anchors in the
registry log.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, connected
from clients.cli.failures import InputRefused
from clients.cli.output import answer, print_table, progress, say
from clients.language import both, tr
from clients.plain import plain

if TYPE_CHECKING:
    from clients.sdk.node import SyncNodeClient
    from deltacare.v1.entry_pb2 import Entry

__all__ = ["audit"]

audit = Group(
    name="audit",
    help=both("审计：被拒绝的调用与个人信息的披露。", "Audit: calls denied and data disclosed."),
)

_BLOCK = 1_000
_LIMIT_DEFAULT = 100
_LIMIT_MAX = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Noted:
    """One entry of the audit log."""

    index: int
    time: datetime
    kind: str
    entry: "Entry"

    @property
    def first_time(self) -> datetime:
        """When it happened first: calls that were denied alike are one entry, written later."""
        return self._happened("first_time")

    @property
    def last_time(self) -> datetime:
        """When it happened last."""
        return self._happened("last_time")

    def _happened(self, name: str) -> datetime:
        if self.kind != "access_denied":
            return self.time
        happened: datetime = getattr(self.entry.access_denied, name).ToDatetime(tzinfo=UTC)
        return happened


@command(
    audit,
    "list",
    help=both(
        "按时间列出本省审计日志；须以稽核身份（--as …/auditor）连接。",
        "List the own audit log in order of time; connect as an auditor (--as …/auditor).",
    ),
)
@option(
    "--since",
    metavar="TIME",
    help=both(
        "自该日期（YYYY-MM-DD，北京时间）或时刻（RFC 3339）起。",
        "From a date (YYYY-MM-DD, Asia/Shanghai) or an instant (RFC 3339) on.",
    ),
)
@option("--denials", is_flag=True, help=both("只列被拒绝的调用。", "Denied calls only."))
@option("--disclosures", is_flag=True, help=both("只列披露。", "Disclosures only."))
@option(
    "--limit",
    type=int,
    default=_LIMIT_DEFAULT,
    show_default=True,
    help=both("最多列出最近多少条。", "At most so many, the newest."),
)
@connected
def list_(
    *, connection: Connection, since: str | None, denials: bool, disclosures: bool, limit: int
) -> None:
    """List the audit log."""
    if not 1 <= limit <= _LIMIT_MAX:
        raise InputRefused(
            tr(f"--limit 应为 1 至 {_LIMIT_MAX}。", f"--limit is 1 to {_LIMIT_MAX}.")
        )
    since_time = _parse_since(since) if since else None
    kinds = {
        kind
        for kind, is_wanted in (("access_denied", denials), ("disclosure", disclosures))
        if is_wanted or denials is disclosures
    }
    found: list[_Noted] = []
    with connection.open() as node, progress("读取审计日志", "reading the audit log") as bar:
        name, size = _own_log(node)
        for noted in _newest_first(node, name, size):
            bar.advance()
            if since_time is not None and noted.time < since_time:
                break
            if noted.kind in kinds and (since_time is None or noted.last_time >= since_time):
                found.append(noted)
            if len(found) == limit:
                break
    found.reverse()
    _show(name, size, found)
    if "access_denied" in kinds:
        say(tr("拒绝在一分钟内入日志。", "Denials appear within a minute."))


def _own_log(node: "SyncNodeClient") -> tuple[str, int]:
    """Return the name of the audit log of the caller's province, and how many entries it has."""
    from deltacare.errors import Refusal
    from deltacare.ids import LogName
    from deltacare.v1.federation_service_pb2 import WhoAmIRequest
    from deltacare.v1.log_service_pb2 import GetCheckpointRequest

    name = str(LogName.audit(node.federation.WhoAmI(WhoAmIRequest()).province))
    try:
        return name, node.log.GetCheckpoint(GetCheckpointRequest(log=name)).size
    except Refusal as error:
        # Whoever may not call the method at all is not told of which log.
        details = {**error.details, "log": name}
        raise Refusal(error.reason, error.message, details=details) from None


def _newest_first(node: "SyncNodeClient", name: str, size: int) -> Iterator[_Noted]:
    """Yield the entries from the last to the first, read in blocks."""
    from deltacare.v1.entry_pb2 import Entry
    from deltacare.v1.log_service_pb2 import ReadEntriesRequest

    end = size
    while end:
        first = max(0, end - _BLOCK)
        request = ReadEntriesRequest(
            log=name, first_index=first, end_index=end, checkpoint_size=size
        )
        datas = [data for part in node.log.ReadEntries(request) for data in part.entries]
        for offset, data in reversed(list(enumerate(datas))):
            entry = Entry.FromString(data)
            yield _Noted(
                index=first + offset,
                time=entry.entry_time.ToDatetime(tzinfo=UTC),
                kind=entry.WhichOneof("body") or "",
                entry=entry,
            )
        end = first


def _show(name: str, size: int, found: list[_Noted]) -> None:
    """Print what was found."""
    from deltacare.times import format_time

    data = {
        "log": name,
        "size": size,
        "entries": [
            {
                "index": noted.index,
                "time": format_time(noted.time),
                "kind": noted.kind,
                **plain(getattr(noted.entry, noted.kind)),
            }
            for noted in found
        ],
    }
    if not answer(data):
        return
    print_table(
        [
            tr("序号", "index"),
            tr("时间（首次～末次）", "time (first - last)"),
            tr("事项", "what"),
            tr("调用方", "caller"),
            tr("方法", "method"),
            tr("目的", "purpose"),
            tr("规则/原因", "rule/reason"),
            tr("次数/条目", "count/entries"),
        ],
        [(noted.index, _when(noted), *_cells(noted)) for noted in found],
        title=tr(f"{name}，共 {size} 条", f"{name}, {size} entries"),
        numbers=(0,),
    )


def _when(noted: _Noted) -> str:
    """Return when something happened, from the first to the last time."""
    from deltacare.times import format_time

    first, last = format_time(noted.first_time), format_time(noted.last_time)
    return first if first == last else f"{first} - {last}"


def _cells(noted: _Noted) -> tuple[str, ...]:
    """Return the cells of an entry behind its time."""
    body: Any = getattr(noted.entry, noted.kind)
    caller = "/".join(part for part in (body.province, body.role, body.principal) if part)
    method = body.method.rpartition("/")[2]
    if noted.kind == "disclosure":
        asked = f" ← {body.on_behalf_of}" if body.on_behalf_of else ""
        spans = ", ".join(
            f"{span.log}#{span.first_index}"
            + (f"+{span.entry_count}" if span.entry_count > 1 else "")
            for span in body.spans
        )
        return (tr("披露", "disclosed"), caller + asked, method, body.purpose, body.rule, spans)
    caller = caller or tr("身份不明", "nobody")
    why = " ".join(part for part in (body.rule, body.reason, body.cause) if part)
    return (tr("拒绝", "denied"), caller, method, body.purpose, why, f"×{body.count}")


def _parse_since(text: str) -> datetime:
    """Return the instant from which entries are listed."""
    from deltacare.errors import Refusal
    from deltacare.times import day_start_time, parse_date, parse_time

    try:
        if "T" in text or ":" in text:
            return parse_time(text, field="since")
        return day_start_time(parse_date(text, field="since"))
    except Refusal as error:
        raise InputRefused(
            tr(
                f"--since {text}：请写成 2026-11-22 或 2026-11-22T08:00:00Z。",
                f"--since {text}: write 2026-11-22 or 2026-11-22T08:00:00Z.",
            ),
            faults=error.violations,
        ) from None
