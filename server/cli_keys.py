"""``deltacare node keys`` and ``node certificate``: what is replaced while a node runs."""

import os
from datetime import UTC, datetime
from pathlib import Path

import click

from clients.cli.commands import Group, command, option
from clients.cli.output import answer, print_table, say
from clients.language import both, tr

__all__ = ["certificate", "keys"]

_DIRECTORY = click.Path(path_type=Path, file_okay=False, exists=True)

keys = Group(
    name="keys",
    help=both("签名密钥：list、new。", "Signing keys: list, new."),
)
certificate = Group(
    name="certificate",
    help=both("节点证书与 CA：renew。", "The node's certificate and CA: renew."),
)


@command(
    keys,
    "list",
    help=both(
        "列出持有的密钥及联盟对其的声明；无需口令。",
        "List the keys held and what the federation states of them; no passphrase needed.",
    ),
)
@click.argument("directory", type=_DIRECTORY)
def list_(directory: Path) -> None:
    """List a node's signing keys."""
    from deltacare.keys import VerifierKey
    from deltacare.times import format_time
    from server.renewal import held_keys

    now = datetime.now(UTC)
    rows = []
    for held in held_keys(directory):
        term = held.stated
        if held.in_root:
            state = "pending" if held.is_pending else "in_force"
        elif term is None:
            state = "not_stated"
        elif held.is_pending:
            state = "pending"
        elif term.is_tainted:
            state = "tainted"
        elif term.covers(now):
            state = "in_force"
        else:
            state = "to_come" if now < term.from_time else "over"
        rows.append(
            {
                "name": held.key.name,
                "suite": "ed25519" if isinstance(held.key, VerifierKey) else "sm2",
                "key_id": held.key.key_id.hex(),
                "key": held.key.to_text(),
                "state": state,
                "from_time": None if term is None else format_time(term.from_time),
                "until_time": None
                if term is None or term.until_time is None
                else format_time(term.until_time),
                "file": str(held.path),
            }
        )
    if answer(rows):
        states = {
            "in_force": tr("有效", "in force"),
            "not_stated": tr("未列入声明", "not stated yet"),
            "pending": tr("已列入，下一整点生效", "stated, counts from the next full hour"),
            "tainted": tr("已声明失信", "tainted"),
            "to_come": tr("尚未生效", "to come"),
            "over": tr("已过期", "over"),
        }
        print_table(
            (
                tr("名称", "name"),
                tr("密钥号", "key id"),
                tr("状态", "state"),
                tr("起", "from"),
                tr("止", "until"),
            ),
            [
                (
                    f"{row['name']} (SM2)" if row["suite"] == "sm2" else row["name"],
                    row["key_id"],
                    states[str(row["state"])],
                    row["from_time"] or "-",
                    row["until_time"] or "-",
                )
                for row in rows
            ],
        )


@command(
    keys,
    "new",
    help=both(
        "在旧密钥旁生成新密钥，写入成员卡；列入联盟声明后生效。",
        "Make new keys beside the old ones and write them on the card; they count once stated.",
    ),
)
@click.argument("directory", type=_DIRECTORY)
@option(
    "--name",
    help=both(
        "密钥名称，如 deltacare/310000/registry；默认除时间戳外全部。",
        "Such as deltacare/310000/registry; all but the timestamp's by default.",
    ),
)
@option(
    "--suite",
    type=click.Choice(["sm2"]),
    help=both(
        "改为生成国密 SM2 密钥：各日志与联签各一把，或 --name 所指的一把。",
        "Make keys of SM2 instead: one for each log and the witness, or the one of --name.",
    ),
)
@option(
    "--from",
    "from_text",
    metavar="TIME",
    help=both(
        "生效时间（RFC 3339）；默认现在。", "From when it counts (RFC 3339); now by default."
    ),
)
def new(directory: Path, name: str | None, suite: str | None, from_text: str | None) -> None:
    """Make new signing keys."""
    from clients.federation.cards import CARD_FILE, MemberCard
    from deltacare.times import parse_time
    from server.renewal import new_keys, new_suite_keys

    now = datetime.now(UTC)
    make = new_keys if suite is None else new_suite_keys
    made = make(
        directory,
        name=name,
        from_time=now if from_text is None else parse_time(from_text, field="--from"),
        environ=os.environ,
        entropy=os.urandom,
    )
    digest = MemberCard.read(directory).sha256
    answer(
        {
            "keys": [key.to_text() for key in made],
            "member_card": str(directory / CARD_FILE),
            "card_sha256": digest,
        },
        [*(key.to_text() for key in made), *_hand_over(directory, digest)],
    )


@command(
    certificate,
    "renew",
    help=both(
        "换发节点证书；或用 --new-ca 在旧 CA 旁建立新 CA。",
        "Renew the node's certificate; or make a new CA beside the old one with --new-ca.",
    ),
)
@click.argument("directory", type=_DIRECTORY)
@option(
    "--new-ca",
    is_flag=True,
    help=both(
        "建立新 CA；写入成员卡，列入声明后再换发证书。",
        "Make a new CA; it goes on the card, and the certificate follows once it is stated.",
    ),
)
@option(
    "--drop-old-cas",
    is_flag=True,
    help=both("成员卡上只留最新的 CA。", "Leave only the newest CA on the card."),
)
def renew(directory: Path, *, new_ca: bool, drop_old_cas: bool) -> None:
    """Renew a node's certificate or CA."""
    from clients.cli.failures import InputRefused
    from clients.federation.cards import CARD_FILE, MemberCard
    from deltacare.times import format_time
    from server import renewal

    now = datetime.now(UTC)
    if new_ca and drop_old_cas:
        raise InputRefused(
            tr(
                "--new-ca 与 --drop-old-cas 不能同时使用。",
                "--new-ca and --drop-old-cas do not go together.",
            )
        )
    card = directory / CARD_FILE
    if drop_old_cas:
        gone = [f"{each.serial_number:x}" for each in renewal.drop_old_cas(directory)]
        digest = MemberCard.read(directory).sha256
        answer(
            {"dropped_cas": gone, "member_card": str(card), "card_sha256": digest},
            [
                tr(f"已移除的旧 CA：{len(gone)}", f"Old CAs dropped: {len(gone)}"),
                *_hand_over(directory, digest),
            ],
        )
        return
    replace = renewal.add_ca if new_ca else renewal.renew_certificate
    made = replace(directory, now=now, environ=os.environ, entropy=os.urandom)
    digest = MemberCard.read(directory).sha256
    until = format_time(made.not_valid_after_utc)
    is_read = answer(
        {
            "serial": f"{made.serial_number:x}",
            "not_valid_after_time": until,
            "is_ca": new_ca,
            "member_card": str(card),
            "card_sha256": digest,
        },
        [
            tr(
                f"序列号 {made.serial_number:x}，有效至 {until}",
                f"Serial {made.serial_number:x}, valid until {until}",
            )
        ],
    )
    if not is_read:
        return
    if new_ca:
        for line in _hand_over(directory, digest):
            say(line)
    else:
        say(
            tr(
                "运行中的节点会自行改用新证书。",
                "A running node takes the new certificate by itself.",
            )
        )


def _hand_over(directory: Path, digest: str) -> list[str]:
    """Return what is done with a card that has changed: the command, and what to compare."""
    from clients.federation.fingerprints import spaced

    propose = (
        f"deltacare federation propose --from {directory} --member {directory} --out proposal.json"
    )
    return [
        tr(
            f"请把成员卡 {directory}/member.json 交办公室提议：{propose}",
            f"Hand the card {directory}/member.json to the office: {propose}",
        ),
        tr(
            f"请电话核对成员卡 SHA-256：{spaced(digest)}",
            f"Read to them by telephone: card SHA-256 {spaced(digest)}",
        ),
    ]
