"""``deltacare node``: a node's directory, its bundle, its running, how it is, and its tables.

Thin: every command gathers its options, calls one function and says what came of it. Whatever is
heavy is imported where it is used, because the whole program's help loads this module.
"""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click

from clients.cli.commands import Group, command, option, wants_json
from clients.cli.failures import Exit, InputRefused
from clients.cli.output import answer, print_table, progress, say
from clients.language import both, tr

__all__ = ["node"]

node = Group(
    name="node",
    help=both(
        "运行本省节点：init、bundle、client、serve、status、rebuild。",
        "Run a province's node: init, bundle, client, serve, status, rebuild.",
    ),
)

_FEDERATION = "deltacare"
_DIRECTORY = click.Path(path_type=Path, file_okay=False)
_ENDPOINT_DEFAULT = "127.0.0.1:7310"


@command(
    node,
    "init",
    help=both(
        "为一个省建立节点目录：密钥、测试用 CA、证书、配置、成员卡。",
        "Make a province's node directory: keys, test CA, certificates, settings, member card.",
    ),
)
@click.argument("directory", type=_DIRECTORY)
@option("--province", required=True, help=both("省级代码，如 310000。", "Such as 310000."))
@option(
    "--partner",
    "partners",
    multiple=True,
    help=both("其他成员省，可重复；默认其余三省。", "Another member; the other three by default."),
)
@option(
    "--endpoint",
    default=_ENDPOINT_DEFAULT,
    show_default=True,
    help=both("伙伴和客户端连接的地址。", "Where partners and clients reach it, host:port."),
)
@option(
    "--listen",
    help=both("监听地址；默认同 --endpoint。", "Where it serves; --endpoint by default."),
)
@option(
    "--database",
    "database_url",
    default="sqlite:///node.sqlite",
    show_default=True,
    help=both("数据库 URL：SQLite 或 PostgreSQL。", "URL of SQLite or PostgreSQL."),
)
def init(  # noqa: PLR0917  # options of one command
    directory: Path,
    province: str,
    partners: tuple[str, ...],
    endpoint: str,
    listen: str | None,
    database_url: str,
) -> None:
    """Make a node's directory."""
    import os

    from deltacare.divisions import PROVINCES
    from server.setup import MEMBER_FILE, init_node

    if province not in PROVINCES:
        known = ", ".join(PROVINCES)
        raise InputRefused(
            tr(f"没有省 {province}。可用：{known}", f"No province {province}. There are: {known}")
        )
    made = init_node(
        directory,
        province=province,
        partners=partners or tuple(code for code in PROVINCES if code != province),
        endpoint=endpoint,
        listen=listen or endpoint,
        database_url=database_url,
        now=datetime.now(UTC),
        entropy=os.urandom,
    )
    card = directory / MEMBER_FILE
    answer(
        {
            "directory": str(directory),
            "province": province,
            "endpoint": endpoint,
            "member_card": str(card),
            "bundle_key": made.card.bundle_key,
            "clients": dict(made.clients),
        },
        [
            tr(
                f"{directory}：{province} 的节点已建立。",
                f"{directory}: the node of {province} is made.",
            ),
            tr(
                f"把成员卡 {card} 交给各伙伴，并另行核对密钥：{made.card.bundle_key}",
                f"Hand the card {card} to each partner, and compare its key by another way: "
                f"{made.card.bundle_key}",
            ),
        ],
    )


@command(
    node,
    "bundle",
    help=both(
        "把成员卡合成信任包并签名（四家中三家）。",
        "Join member cards into a trust bundle and sign it (3 of 4).",
    ),
)
@option(
    "--member",
    "members",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path, exists=True),
    help=both("成员卡或节点目录，每省一个。", "A member card or node directory, one each."),
)
@option(
    "--sign",
    "signing",
    multiple=True,
    type=_DIRECTORY,
    help=both("以其密钥签名的节点目录，可重复。", "Node directory whose key signs."),
)
@option(
    "--opening-date",
    required=True,
    help=both("第一个日切日期，YYYY-MM-DD。", "First date that logs close, YYYY-MM-DD."),
)
@option("--out", type=click.Path(path_type=Path), help=both("写入文件。", "File to write."))
@option(
    "--install",
    "installing",
    multiple=True,
    type=_DIRECTORY,
    help=both("装入节点目录并固定各成员密钥。", "Node directory to install it in, pinning keys."),
)
@option(
    "--version",
    default=1,
    show_default=True,
    help=both("信任包的序号。", "Number of the bundle."),
)
@option(
    "--registry-quorum",
    default=2,
    show_default=True,
    help=both("登记日志须有几家伙伴联签。", "Partners that cosign a registry log."),
)
@option(
    "--threshold",
    default=3,
    show_default=True,
    help=both("至少几家签名。", "Signatures that it must have."),
)
def bundle(  # noqa: PLR0917  # options of one command
    members: tuple[Path, ...],
    signing: tuple[Path, ...],
    opening_date: str,
    out: Path | None,
    installing: tuple[Path, ...],
    version: int,
    registry_quorum: int,
    threshold: int,
) -> None:
    """Join member cards into a signed bundle."""
    from deltacare.times import parse_date
    from server.keyfiles import write_new
    from server.setup import install_bundle, make_bundle, read_card, read_signer

    if out is None and not installing:
        raise InputRefused(tr("请给出 --out 或 --install。", "Give --out or --install."))
    opening: date = parse_date(opening_date, field="--opening-date")
    cards = [read_card(path) for path in members]
    note = make_bundle(
        cards,
        [read_signer(directory) for directory in signing],
        federation=_FEDERATION,
        version=version,
        opening_date=opening,
        registry_quorum=registry_quorum,
        threshold=threshold,
        now=datetime.now(UTC),
    )
    keys = [card.bundle_key for card in sorted(cards, key=lambda card: card.province)]
    if out is not None:
        write_new(out, note, private=False)
    for directory in installing:
        install_bundle(directory, note, keys)
    answer(
        {
            "members": sorted(card.province for card in cards),
            "signatures": len(signing),
            "version": version,
            "out": str(out) if out else None,
            "installed": [str(directory) for directory in installing],
            "keys": keys,
        },
        [
            tr(
                f"信任包 {version}：{len(cards)} 个成员，{len(signing)} 个签名。",
                f"Trust bundle {version}: {len(cards)} members, {len(signing)} signatures.",
            ),
            *keys,
            tr(
                "请以另一途径逐一与各成员核对以上密钥。",
                "Compare each of these keys with its member by another way.",
            ),
        ],
    )


@command(node, "client", help=both("签发一张客户端证书。", "Issue a client certificate."))
@click.argument("directory", type=_DIRECTORY)
@option("--role", required=True, help=both("角色，如 clerk。", "Role, such as clerk."))
@option("--name", help=both("文件名；默认为编号。", "Name of the files; the id by default."))
@option(
    "--id",
    "opaque_id",
    help=both("不含个人信息的编号；默认随机。", "Opaque id; random by default."),
)
def client(directory: Path, role: str, name: str | None, opaque_id: str | None) -> None:
    """Issue a client certificate of a node's own CA."""
    import secrets

    from server.setup import CLIENTS_DIRECTORY, add_client, read_card

    opaque_id = opaque_id or secrets.token_hex(8)
    caller = add_client(
        directory,
        province=read_card(directory).province,
        role=role,
        name=name or opaque_id,
        opaque_id=opaque_id,
        now=datetime.now(UTC),
    )
    path = directory / CLIENTS_DIRECTORY / (name or opaque_id)
    answer(
        {"uri": caller.uri, "profile": str(path), "id": opaque_id},
        [f"{caller.uri}", tr(f"身份：--as {path}", f"Profile: --as {path}")],
    )


@command(node, "serve", help=both("运行节点，直到收到停止信号。", "Run the node until stopped."))
@click.argument("directory", type=_DIRECTORY)
@option(
    "--listen",
    help=both("代替配置中的监听地址。", "Serve here instead of what the settings say."),
)
def serve(directory: Path, listen: str | None) -> None:
    """Run a node."""
    import json
    import os
    from dataclasses import replace

    from server.config import CONFIG_FILE, read_config

    config = read_config(directory / CONFIG_FILE)
    if listen is not None:
        config = replace(config, listen=listen)
    as_json = wants_json()

    def on_serving(port: int) -> None:
        host = config.listen.rpartition(":")[0]
        if as_json:
            # One line, so that whoever started this process reads it and goes on.
            state = {
                "province": config.province,
                "endpoint": f"{host}:{port}",
                "pid": os.getpid(),
            }
            click.echo(json.dumps(state))
        else:
            click.echo(
                tr(
                    f"{config.province} 的节点在 {host}:{port} 提供服务。",
                    f"The node of {config.province} serves on {host}:{port}.",
                )
            )

    import uvloop

    from server.app import serve as run
    from server.edge.logging import configure_logging

    configure_logging(level=config.log_level)
    uvloop.run(run(config, on_serving=on_serving))


@command(
    node,
    "status",
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
    unconfirmed = list(health.unconfirmed_logs)
    waits = bool(unconfirmed) or not all(partner.connected for partner in health.partners)
    is_read = answer(
        {
            "province": members.province,
            "bundle_version": members.bundle_version,
            "partners": [_partner(partner) for partner in health.partners],
            "own_logs": own,
            "unconfirmed_logs": unconfirmed,
        },
        [
            tr(
                f"{members.province}，信任包 {members.bundle_version}，成员 {len(members.members)}",
                f"{members.province}, trust bundle {members.bundle_version}, "
                f"{len(members.members)} members",
            )
        ],
    )
    if is_read:
        _print_own_logs(own)
        _print_health(health)
        for log in unconfirmed:
            say(tr(f"尚未得到伙伴确认：{log}", f"Not confirmed by partners: {log}"))
    return Exit.NO if waits else Exit.YES


@command(
    node,
    "rebuild",
    help=both(
        "由日志重建投影表；请先停止节点。",
        "Make the tables anew from the logs; stop the node first.",
    ),
)
@click.argument("directory", type=_DIRECTORY)
def rebuild(directory: Path) -> None:
    """Forget every projection and make it anew from the entries."""
    import asyncio

    from server.app import rebuild as run
    from server.config import CONFIG_FILE, read_config
    from server.edge.logging import configure_logging

    config = read_config(directory / CONFIG_FILE)
    configure_logging(level="warning")
    with progress("重建投影", "rebuilding") as bar:
        sizes = asyncio.run(run(config, on_log=bar.advance))
    answer(
        {"province": config.province, "entries": {str(log): size for log, size in sizes.items()}},
        [
            tr(
                f"已由 {len(sizes)} 个日志的 {sum(sizes.values())} 条记录重建。",
                f"Rebuilt from {sum(sizes.values())} entries of {len(sizes)} logs.",
            )
        ],
    )


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


def _own_logs(remote: Any, members: Any, unconfirmed: set[str]) -> list[dict[str, Any]]:  # noqa: ANN401  # a client of a node, and a message
    """Return how far the node's own logs are, without the sizes that this client may not see."""
    from deltacare.errors import Reason, Refusal
    from deltacare.v1.log_service_pb2 import ListLogsRequest

    try:
        sizes = {row.log: row for row in remote.log.ListLogs(ListLogsRequest()).logs}
    except Refusal as error:
        if error.reason is not Reason.ROLE_NOT_ALLOWED:
            raise
        sizes = {}
    own = next(row for row in members.members if row.province == members.province)
    return [
        {
            "log": name,
            "size": sizes[name].verified_size if name in sizes else None,
            "quorum_size": sizes[name].quorum_size if name in sizes else None,
            "confirmed": name not in unconfirmed,
        }
        for name in sorted(key.partition("+")[0] for key in own.log_keys)
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
