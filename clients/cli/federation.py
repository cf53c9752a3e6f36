"""``deltacare federation``: how four offices agree on who belongs and which keys count.

Thin: reads files, calls `clients.federation`, says what came of it. Every step leaves a file that
can be carried by hand; only ``publish --as`` speaks to a node.
"""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clients.cli.commands import Group, command, option
from clients.cli.failures import Exit, InputRefused
from clients.cli.federation_changes import first_proposal, next_proposal
from clients.cli.federation_published import show_published
from clients.cli.output import answer, require_folder
from clients.cli.passphrase import obtain_passphrase, passphrase_option
from clients.language import both, tr

if TYPE_CHECKING:
    from clients.federation.proposal import Judged, Proposal

__all__ = ["federation"]

federation = Group(
    name="federation",
    help=both(
        "联盟成员：由各省办公室提议、签署、公布。",
        "Who belongs to the federation: offices propose, sign and publish it.",
    ),
)

_FILE = click.Path(path_type=Path, exists=True)
_OUT = click.Path(path_type=Path, dir_okay=False)
_DIRECTORY = click.Path(path_type=Path, file_okay=False)


@command(
    federation,
    "init",
    help=both(
        "建立本省办公室：离线保存的根密钥（加密）与公开的办公室卡。",
        "Make a province's office: its root key, encrypted and kept offline, and its public card.",
    ),
)
@click.argument("office", type=_DIRECTORY)
@option("--province", required=True, help=both("省级代码，如 310000。", "Such as 310000."))
@passphrase_option
def init(office: Path, province: str, passphrase_file: Path | None) -> None:
    """Make an office."""
    from clients.federation.cards import OFFICE_CARD_FILE
    from clients.federation.office import init_office

    passphrase = obtain_passphrase(passphrase_file, is_new=True)
    card = init_office(office, province=province, passphrase=passphrase, entropy=os.urandom)
    path = office / OFFICE_CARD_FILE
    answer(
        {"office": str(office), "card": str(path), "root_key": card.root.to_text()},
        [
            tr(f"{office}：{province} 的办公室已建立。", f"{office}: the office of {province}."),
            tr(
                f"把卡 {path} 交给其他办公室，并另行核对密钥：",
                f"Hand the card {path} to the other offices, and compare its key by another way:",
            ),
            f"  {card.root.to_text()}",
        ],
    )


@command(
    federation,
    "propose",
    help=both(
        "提议第一份声明（--office-card、--member、--opening-date，可加 --account），"
        "或在现行声明之上提议变更（--from）。",
        "Propose the first statement (--office-card, --member, --opening-date, and --account if "
        "wanted), or a change of the one that counts (--from).",
    ),
)
@option("--out", type=_OUT, required=True, help=both("写入文件。", "File to write."))
@option(
    "--from",
    "base",
    type=_FILE,
    help=both("已公布的目录或节点目录。", "What was published, or a node's directory."),
)
@option(
    "--office-card",
    "offices",
    multiple=True,
    type=_FILE,
    help=both("办公室卡，每省一个。", "Card of an office, one for each province."),
)
@option(
    "--member",
    "members",
    multiple=True,
    type=_FILE,
    help=both("成员卡或节点目录。", "A member card, or a node's directory."),
)
@option(
    "--opening-date",
    metavar="DATE",
    help=both("第一个日切日期。", "First date that settlement logs close."),
)
@option(
    "--registry-quorum",
    type=int,
    default=2,
    show_default=True,
    help=both("登记日志须有几家伙伴联签（首次）。", "Partners that cosign a registry log (first)."),
)
@option(
    "--replace-root",
    "roots",
    multiple=True,
    metavar="P=CARD",
    help=both("以新办公室卡更换一省的根密钥。", "Replace a province's root key by a new card's."),
)
@option(
    "--taint",
    "taints",
    multiple=True,
    metavar="KEYID@TIME",
    help=both("声明密钥自某时起失信。", "Declare a key bad from an instant."),
)
@option(
    "--retire",
    "retires",
    multiple=True,
    metavar="KEYID@TIME",
    help=both("密钥至某时止。", "End a key's window at an instant."),
)
@option(
    "--revoke-serial",
    "serials",
    multiple=True,
    metavar="P=HEX",
    help=both("吊销一张证书。", "Revoke a certificate by its serial number."),
)
@option(
    "--account",
    "accounts",
    multiple=True,
    metavar="P=HOLDER,NUMBER,BANKCODE,TIME",
    help=both(
        "新的收款账户；BANKCODE 为 12 位联行号；"
        "在第一份声明中可自任一时刻起，此后签发 24 小时后方可生效。",
        "A new account; BANKCODE is the bank's 12-digit CNAPS code. In a first statement it begins "
        "at any TIME, later a day after at least.",
    ),
)
@option(
    "--scheme",
    "schemes",
    multiple=True,
    metavar="P=SCHEME",
    help=both("一省可颁发的证书类别。", "A certificate scheme that a province may issue under."),
)
def propose(out: Path, base: Path | None, **given: Any) -> None:  # noqa: ANN401  # options by name
    """Propose a statement."""
    from clients.federation.describe import change_lines
    from clients.federation.files import write_atomic

    require_folder(out.parent)
    if out.exists():
        raise InputRefused(tr(f"{out} 已存在。", f"{out} exists already; name another file."))
    proposal = first_proposal(given) if base is None else next_proposal(base, given)
    write_atomic(out, proposal.to_bytes())
    judged = proposal.judge()
    answer(
        {"proposal": str(out), **_plain(judged)},
        [
            *change_lines(judged),
            tr(
                f"已写入 {out}；请各办公室签署：deltacare federation sign {out} --office …",
                f"Written to {out}; offices sign it: deltacare federation sign {out} --office …",
            ),
        ],
    )


@command(
    federation,
    "show",
    help=both(
        "说明一份提议或已公布的声明：版本、签署者、变更、有效期。",
        "Say what a proposal or what was published holds: versions, signers, changes, expiry.",
    ),
)
@click.argument("path", type=_FILE)
def show(path: Path) -> int:
    """Show a proposal, or what was published."""
    from clients.cli.faults import told
    from clients.federation.describe import change_lines, signature_lines

    if path.is_dir():
        show_published(path)
        return Exit.YES
    judged = _read(path).judge()
    answer(
        _plain(judged),
        [
            *change_lines(judged),
            *(told(str(finding)) for finding in judged.findings),
            *signature_lines(judged),
        ],
    )
    return Exit.NO if judged.findings else Exit.YES


@command(
    federation,
    "sign",
    help=both(
        "显示将签署的内容，并加上本办公室的签名；重复签署不改变文件。",
        "Show what is signed and add the office's signature; signing twice changes nothing.",
    ),
)
@click.argument("file", type=_FILE)
@option(
    "--office", required=True, type=_DIRECTORY, help=both("办公室目录。", "The office's directory.")
)
@option("--out", type=_OUT, help=both("另存为；默认写回。", "Write here, not over the file."))
@option(
    "--supersede",
    is_flag=True,
    help=both(
        "取代本办公室先前签署、现已作废的同一版本。",
        "Sign in place of another content of this version that was signed and given up.",
    ),
)
@option("--yes", is_flag=True, help=both("不再询问。", "Do not ask."))
@passphrase_option
def sign(
    file: Path,
    office: Path,
    out: Path | None,
    passphrase_file: Path | None,
    *,
    supersede: bool,
    yes: bool,
) -> None:
    """Sign a proposal."""
    from clients.cli.commands import wants_json
    from clients.federation.describe import change_lines, signature_lines
    from clients.federation.files import write_atomic
    from clients.federation.office import Office
    from deltacare.trust.roles import key_id

    proposal = _read(file)
    judged = proposal.judge(now=datetime.now(UTC))
    if judged.findings:
        _refuse_findings(judged)
    if not wants_json():
        for line in change_lines(judged):
            click.echo(line)
        if not yes and os.isatty(0):
            click.confirm(tr("签署？", "Sign this?"), abort=True, err=True)
    opened = Office.open(office, obtain_passphrase(passphrase_file))
    rows = [*judged.root.keys, *judged.old_root.keys]
    if key_id(opened.card.root) not in {key_id(row.root) for row in rows}:
        raise InputRefused(
            tr(
                f"{opened.card.province} 的这把根密钥不在该提议的根中。",
                f"This root key of {opened.card.province} stands in no root of the proposal.",
            )
        )
    signed = proposal.with_signed(opened.sign(proposal.to_sign(judged), supersede=supersede))
    target = out or file
    write_atomic(target, signed.to_bytes())
    judged = signed.judge()
    answer(
        {"proposal": str(target), "office": opened.card.province, **_plain(judged)},
        signature_lines(judged),
    )


@command(
    federation,
    "publish",
    help=both(
        "合并各份签署并检查人数，装入节点、写入目录，或发给运行中的节点。",
        "Merge signed copies, check that enough signed, and install, write or send the result.",
    ),
)
@click.argument("files", type=_FILE, nargs=-1, required=True)
@option(
    "--install",
    "nodes",
    multiple=True,
    type=_DIRECTORY,
    help=both("装入节点目录。", "Node directory to install it in."),
)
@option("--out", type=_DIRECTORY, help=both("写入目录（TUF 布局）。", "Directory (TUF layout)."))
@option(
    "--as",
    "profile",
    metavar="DIR[/NAME]",
    help=both("以此身份发给运行中的节点。", "Send it to a running node with this profile."),
)
@option("--node", metavar="HOST:PORT", help=both("节点地址。", "The node; the profile's if not."))
@option(
    "--again",
    is_flag=True,
    help=both(
        "此前已按时公布，现再次装入或写出：新账户可以已经生效。",
        "It was published in time before: its new accounts may have begun since.",
    ),
)
def publish(
    files: tuple[Path, ...],
    nodes: tuple[Path, ...],
    out: Path | None,
    profile: str | None,
    node: str | None,
    *,
    again: bool,
) -> None:
    """Publish a proposal that enough offices signed."""
    from clients.federation.describe import signature_lines
    from clients.federation.repository import install, write_repository

    proposal = _read(files[0])
    for file in files[1:]:
        proposal = proposal.merged(_read(file))
    judged = proposal.judge()
    published = proposal.publish(now=datetime.now(UTC), again=again)
    if out is not None:
        write_repository(out, published)
    for directory in nodes:
        install(directory, published)
    sent = None if profile is None else _send(published, profile, node)
    lines = signature_lines(judged)
    if out is not None:
        lines.append(tr(f"已写入 {out}。", f"Written to {out}."))
    lines.extend(tr(f"已装入 {each}。", f"Installed in {each}.") for each in nodes)
    if sent is not None:
        lines.append(tr(f"已发给节点 {sent}。", f"Sent to the node {sent}."))
    if judged.previous is not None and (nodes or profile):
        lines.append(
            tr("自下一个整点起在各节点生效。", "It counts everywhere from the next full hour on.")
        )
    answer(
        {
            **_plain(judged),
            "files": len(published),
            "out": None if out is None else str(out),
            "installed": [str(each) for each in nodes],
            "sent_to": sent,
        },
        lines,
    )


def _read(path: Path) -> "Proposal":
    """Return the proposal of a file."""
    from clients.federation.proposal import Proposal
    from clients.sdk.credentials import read_file

    return Proposal.from_bytes(read_file(path, field_name="proposal"))


def _plain(judged: "Judged") -> dict[str, Any]:
    """Return what a proposal says as JSON."""
    from deltacare.times import format_time

    return {
        "version": judged.federation.version,
        "issued_time": format_time(judged.federation.issued_time),
        "root_version": judged.root.version,
        "root_changed": judged.root_changed,
        "provinces": list(judged.federation.provinces),
        "signed": {name: list(found) for name, found in judged.signed.items()},
        "lacking": dict(judged.lacking),
        "findings": [str(finding) for finding in judged.findings],
    }


def _refuse_findings(judged: "Judged") -> None:
    """Refuse to sign what may not follow what counts."""
    from deltacare.errors import Reason, Refusal

    raise Refusal(
        Reason.RULE_REFUSED,
        "This may not follow what counts: " + "; ".join(map(str, judged.findings)),
    )


def _send(files: dict[str, bytes], profile: str, node: str | None) -> str:
    """Send what was published to a running node, and return which."""
    from clients.cli.connection import TIMEOUT_S_DEFAULT, Connection
    from deltacare.v1.federation_service_pb2 import PublishTrustRequest, TrustFile

    connection = Connection(node=node, profile=profile, timeout_s=TIMEOUT_S_DEFAULT)
    request = PublishTrustRequest(
        files=[TrustFile(path=path, content=data) for path, data in files.items()]
    )
    with connection.open() as remote:
        remote.federation.PublishTrust(request)
    return node or profile
