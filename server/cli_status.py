"""``deltacare node status``: how a running node and its partners are."""

from pathlib import Path
from typing import Any

import click

from clients.cli.commands import Command, option
from clients.cli.failures import Exit
from clients.cli.output import answer, print_table, say
from clients.language import both, tr

__all__ = ["status"]

_DIRECTORY = click.Path(path_type=Path, file_okay=False)


@click.command(
    "status",
    cls=Command,
    help=both(
        "节点及伙伴的状况；有待处理的事则退出码为 1。",
        "How the node and its partners are; exit 1 if something waits.",
    ),
)
@click.argument("directory", type=_DIRECTORY)
@option("--node", "endpoint", help=both("节点地址。", "The node, host:port."))
@option(
    "--client",
    "name",
    default="administrator",
    show_default=True,
    help=both("以哪个客户端证书询问。", "Client certificate to ask with."),
)
def status(directory: Path, endpoint: str | None, name: str) -> int:
    """Ask a running node how it and its partners are."""
    from dataclasses import replace

    from clients.sdk.credentials import Profile
    from clients.sdk.node import SyncNodeClient
    from deltacare.v1.federation_service_pb2 import ListMembersRequest, ListPartnerHealthRequest
    from server.setup import CLIENTS_DIRECTORY

    profile = Profile.load(directory / CLIENTS_DIRECTORY, name=name)
    if endpoint is not None:
        profile = replace(profile, endpoint=endpoint)
    with SyncNodeClient.of(profile) as remote:
        members = remote.federation.ListMembers(ListMembersRequest())
        health = remote.federation.ListPartnerHealth(ListPartnerHealthRequest())
        own = _own_logs(remote, members, set(health.unconfirmed_logs))
        trust = _trust(remote)
    unconfirmed = list(health.unconfirmed_logs)
    problems = [] if trust is None else trust["problems"]
    waits = bool(unconfirmed or problems) or not all(
        partner.connected for partner in health.partners
    )
    is_read = answer(
        {
            "province": members.province,
            "trust_version": members.trust_version,
            "trust": trust,
            "partners": [_partner(partner) for partner in health.partners],
            "own_logs": own,
            "unconfirmed_logs": unconfirmed,
        },
        [
            tr(
                f"{members.province}，联盟声明 {members.trust_version}，"
                f"成员 {len(members.members)}",
                f"{members.province}, statement {members.trust_version}, "
                f"{len(members.members)} members",
            )
        ],
    )
    if is_read:
        _print_own_logs(own)
        _print_health(health)
        for problem in problems:
            say(tr(problem["text_zh"], problem["text_en"]))
        for log in unconfirmed:
            say(tr(f"尚未得到伙伴确认：{log}", f"Not confirmed by partners: {log}"))
    return Exit.NO if waits else Exit.YES


def _partner(partner: Any) -> dict[str, Any]:  # noqa: ANN401  # a message
    """Return a partner's health as JSON."""
    return {
        "province": partner.province,
        "connected": partner.connected,
        "last_contact_time": (
            partner.last_contact_time.ToJsonString()
            if partner.HasField("last_contact_time")
            else None
        ),
        "logs": [
            {
                "log": held.log,
                "verified_size": held.verified_size,
                "quorum_size": held.quorum_size,
                "fresh_time": held.fresh_time.ToJsonString()
                if held.HasField("fresh_time")
                else None,
                "stalled": held.stalled,
                "fork_count": held.fork_count,
            }
            for held in partner.logs
        ],
    }


def _trust(remote: Any) -> dict[str, Any] | None:  # noqa: ANN401  # a client of a node
    """Return how the node's trust stands, ``None`` if this client may not know."""
    from deltacare.errors import Reason, Refusal
    from deltacare.v1.federation_service_pb2 import GetTrustStatusRequest

    try:
        found = remote.federation.GetTrustStatus(GetTrustStatusRequest())
    except Refusal as error:
        if error.reason is not Reason.ROLE_NOT_ALLOWED:
            raise
        return None

    def moment(name: str) -> str | None:
        return getattr(found, name).ToJsonString() if found.HasField(name) else None

    return {
        "version": found.trust_version,
        "root_version": found.root_version,
        "timestamp_hour": found.timestamp_hour or None,
        "expire_time": moment("expire_time"),
        "refreshed_time": moment("refreshed_time"),
        "stale_time": moment("stale_time"),
        "pending_time": moment("pending_time"),
        "newest_version": found.newest_snapshot_version,
        "problems": [
            {"code": each.code, "text_zh": each.text.zh, "text_en": each.text.en}
            for each in found.problems
        ],
    }


def _own_logs(remote: Any, members: Any, unconfirmed: set[str]) -> list[dict[str, Any]]:  # noqa: ANN401  # a client of a node, and a message
    """Return how far the node's own logs are, without the sizes that this client may not see."""
    from deltacare.errors import Reason, Refusal
    from deltacare.ids import own_logs
    from deltacare.v1.log_service_pb2 import ListLogsRequest

    try:
        sizes = {row.log: row for row in remote.log.ListLogs(ListLogsRequest()).logs}
    except Refusal as error:
        if error.reason is not Reason.ROLE_NOT_ALLOWED:
            raise
        sizes = {}
    names = map(str, own_logs(members.province, [row.province for row in members.members]))
    return [
        {
            "log": name,
            "size": sizes[name].verified_size if name in sizes else None,
            "quorum_size": sizes[name].quorum_size if name in sizes else None,
            "confirmed": name not in unconfirmed,
        }
        for name in sorted(names)
    ]


def _print_own_logs(own: list[dict[str, Any]]) -> None:
    """Draw the node's own logs."""
    print_table(
        (
            tr("本省日志", "own log"),
            tr("条目", "entries"),
            tr("达联签数", "quorum"),
            tr("已确认", "confirmed"),
        ),
        [
            (
                row["log"],
                "-" if row["size"] is None else row["size"],
                "-" if row["quorum_size"] is None else row["quorum_size"],
                tr("是", "yes") if row["confirmed"] else tr("否", "no"),
            )
            for row in own
        ],
        numbers=(1, 2),
    )


def _print_health(health: Any) -> None:  # noqa: ANN401  # a message
    """Draw the partners' logs."""
    rows = [
        (
            partner.province,
            tr("是", "yes") if partner.connected else tr("否", "no"),
            held["log"],
            held["verified_size"],
            held["quorum_size"],
            held["fresh_time"] or "-",
            held["fork_count"],
        )
        for partner in health.partners
        for held in _partner(partner)["logs"]
    ]
    columns = (
        tr("伙伴", "partner"),
        tr("在线", "connected"),
        tr("日志", "log"),
        tr("已验", "verified"),
        tr("达联签数", "quorum"),
        tr("最新", "fresh"),
        tr("分叉", "forks"),
    )
    print_table(columns, rows, numbers=(3, 4, 6))
