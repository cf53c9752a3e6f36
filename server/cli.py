"""``deltacare node``: a node's directory, its running, and its tables; the rest is lazy.

Thin: every command gathers its options, calls one function and says what came of it. Whatever is
heavy is imported where it is used, because the whole program's help loads this module.
"""

from datetime import UTC, datetime
from pathlib import Path

import click

from clients.cli.commands import Group, LazyCommand, command, option, wants_json
from clients.cli.failures import InputRefused
from clients.cli.output import answer, progress
from clients.cli.passphrase import obtain_passphrase, passphrase_option
from clients.language import both, tr

__all__ = ["node"]

node = Group(
    name="node",
    help=both(
        "运行本省节点：init、client、keys、certificate、serve、status、doctor、rebuild。",
        "Run a province's node: init, client, keys, certificate, serve, status, doctor, rebuild.",
    ),
    lazy={
        "keys": LazyCommand(
            target="server.cli_keys:keys",
            help=both("签名密钥：列出、更换。", "Signing keys: list them, make new ones."),
        ),
        "certificate": LazyCommand(
            target="server.cli_keys:certificate",
            help=both("节点证书与 CA：换发。", "The node's certificate and CA: renew them."),
        ),
        "status": LazyCommand(
            target="server.cli_status:status",
            help=both(
                "节点及伙伴的状况；有待处理的事则退出码为 1。",
                "How the node and its partners are; exit 1 if something waits.",
            ),
        ),
        "doctor": LazyCommand(
            target="server.doctor.cli:doctor",
            help=both("逐项检查节点，并给出补救命令。", "Examine a node; says what mends it."),
        ),
    },
)

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
@option(
    "--suite",
    type=click.Choice(["sm2"]),
    help=both(
        "另建国密 SM2 密钥，各日志与联签各一把。",
        "Make keys of SM2 as well, one for each log and the witness.",
    ),
)
@passphrase_option
def init(  # noqa: PLR0917  # options of one command
    directory: Path,
    province: str,
    partners: tuple[str, ...],
    endpoint: str,
    listen: str | None,
    database_url: str,
    suite: str | None,
    passphrase_file: Path | None,
) -> None:
    """Make a node's directory."""
    import os

    from clients.federation.cards import CARD_FILE
    from clients.federation.fingerprints import spaced
    from deltacare.divisions import PROVINCES
    from deltacare.tlog.suite import Suite
    from server.setup import init_node

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
        passphrase=obtain_passphrase(passphrase_file, is_new=True),
        passphrase_file=passphrase_file,
        now=datetime.now(UTC),
        entropy=os.urandom,
        suite=None if suite is None else Suite(suite),
    )
    card = directory / CARD_FILE
    timestamp = made.card.timestamp.to_text()
    answer(
        {
            "directory": str(directory),
            "province": province,
            "endpoint": endpoint,
            "member_card": str(card),
            "card_sha256": made.card.sha256,
            "timestamp_key": timestamp,
            "clients": dict(made.clients),
        },
        [
            tr(
                f"{directory}：{province} 的节点已建立。",
                f"{directory}: the node of {province} is made.",
            ),
            tr(
                f"把成员卡 {card} 交给本省办公室，列入联盟声明（deltacare federation propose）。",
                f"Hand the card {card} to the offices, who state it: deltacare federation propose.",
            ),
            tr(
                f"请电话核对成员卡 SHA-256：{spaced(made.card.sha256)}",
                f"Read to them by telephone: card SHA-256 {spaced(made.card.sha256)}",
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
@option(
    "--pkcs8",
    type=click.Path(path_type=Path, dir_okay=False),
    help=both(
        "另将私钥写成加密的 PKCS#8，供其他语言的系统使用。",
        "Also write the key as encrypted PKCS#8, for systems in other languages.",
    ),
)
def client(
    directory: Path, role: str, name: str | None, opaque_id: str | None, pkcs8: Path | None
) -> None:
    """Issue a client certificate of a node's own CA."""
    import os
    import secrets

    from clients.vault import write_new
    from server.setup import CLIENTS_DIRECTORY, add_client, client_pkcs8

    if pkcs8 is not None and (pkcs8.exists() or not pkcs8.parent.is_dir()):
        # Looked at first: a certificate without the file that was asked for helps nobody.
        raise InputRefused(
            tr(
                f"{pkcs8} 已存在，或其目录不存在；请换一个文件名。",
                f"{pkcs8} exists already, or its directory does not; give another file.",
            )
        )
    opaque_id = opaque_id or secrets.token_hex(8)
    caller = add_client(
        directory,
        role=role,
        name=name or opaque_id,
        opaque_id=opaque_id,
        now=datetime.now(UTC),
        environ=os.environ,
        entropy=os.urandom,
    )
    path = directory / CLIENTS_DIRECTORY / (name or opaque_id)
    if pkcs8 is not None:
        key = client_pkcs8(directory, name=name or opaque_id, environ=os.environ)
        write_new(pkcs8, key, private=True)
    answer(
        {
            "uri": caller.uri,
            "profile": str(path),
            "id": opaque_id,
            "pkcs8": str(pkcs8) if pkcs8 else None,
        },
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
    from server.edge.descriptors import raise_descriptor_limit
    from server.edge.logging import configure_logging

    configure_logging(level=config.log_level)
    # Usual limits are 1,024 soft, for programs of the past, and far more if one asks.
    raise_descriptor_limit()
    uvloop.run(run(config, on_serving=on_serving))


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
