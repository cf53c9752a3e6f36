"""What the options of ``deltacare federation propose`` say, as a proposal."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clients.cli.failures import InputRefused
from clients.language import tr

if TYPE_CHECKING:
    from clients.federation.ceremony import Changes, KeyInstant
    from clients.federation.proposal import Proposal
    from deltacare.trust import Account

__all__ = ["first_proposal", "next_proposal"]

# What a statement takes, refused here by the name that the option has for it.
_ACCOUNT_NUMBER = re.compile(r"[0-9]{8,32}", re.ASCII)
_BANK_CODE = re.compile(r"[0-9]{12}", re.ASCII)


def first_proposal(given: dict[str, Any]) -> "Proposal":
    """Return the proposal of a first statement.

    Args:
        given: The options by name.
    """
    from clients.federation.cards import MemberCard, OfficeCard
    from clients.federation.ceremony import propose_first
    from deltacare.times import parse_date

    later = ("roots", "taints", "retires", "serials", "schemes")
    if any(given[name] for name in later) or not given["offices"] or not given["opening_date"]:
        raise InputRefused(
            tr(
                "第一份声明需要 --office-card、--member 和 --opening-date，可加 --account；"
                "变更须以 --from 起头。",
                "A first statement takes --office-card, --member and --opening-date, and may take "
                "--account; a change begins with --from.",
            )
        )
    return propose_first(
        [OfficeCard.read(path) for path in given["offices"]],
        [MemberCard.read(path) for path in given["members"]],
        opening_date=parse_date(given["opening_date"], field="--opening-date"),
        registry_quorum=given["registry_quorum"],
        accounts=[_account(text) for text in given["accounts"]],
        now=datetime.now(UTC),
    )


def next_proposal(base: Path, given: dict[str, Any]) -> "Proposal":
    """Return the proposal of a later statement.

    Args:
        base: What was published, or a node's directory.
        given: The options by name.
    """
    from clients.federation.ceremony import open_base, propose_next
    from clients.federation.repository import read_published

    if given["offices"] or given["opening_date"]:
        raise InputRefused(
            tr(
                "--office-card 与 --opening-date 只用于第一份声明；更换根密钥用 --replace-root。",
                "--office-card and --opening-date belong to a first statement; replace a root key "
                "with --replace-root.",
            )
        )
    opened = open_base(read_published(base))
    return propose_next(opened, _changes(given), now=datetime.now(UTC))


def _changes(given: dict[str, Any]) -> "Changes":
    """Return what the options change."""
    from clients.federation.cards import MemberCard, OfficeCard
    from clients.federation.ceremony import Changes

    offices = []
    for province, path in (_pair(text, "--replace-root") for text in given["roots"]):
        card = OfficeCard.read(Path(path))
        if card.province != province:
            raise InputRefused(
                tr(
                    f"{path} 是 {card.province} 的办公室卡，不是 {province} 的。",
                    f"{path} is the card of {card.province}, not of {province}.",
                )
            )
        offices.append(card)
    return Changes(
        cards=[MemberCard.read(path) for path in given["members"]],
        offices=offices,
        taints=[_instant(text, "--taint") for text in given["taints"]],
        retires=[_instant(text, "--retire") for text in given["retires"]],
        revoked=[_pair(text.lower(), "--revoke-serial") for text in given["serials"]],
        accounts=[_account(text) for text in given["accounts"]],
        schemes=[_pair(text, "--scheme") for text in given["schemes"]],
    )


def _pair(text: str, name: str) -> tuple[str, str]:
    """Return the province and the value of an option."""
    province, separator, value = text.partition("=")
    if not separator or not value:
        raise InputRefused(
            tr(f"{name} {text}：应写作 310000=…", f"{name} {text}: write it as 310000=…")
        )
    return province, value


def _instant(text: str, name: str) -> "KeyInstant":
    """Return the key and the time of an option."""
    from clients.federation.ceremony import KeyInstant
    from deltacare.times import parse_time

    key_id, separator, time = text.partition("@")
    if not separator:
        raise InputRefused(
            tr(
                f"{name} {text}：应写作 0a1b2c3d@2026-11-22T08:00:00Z",
                f"{name} {text}: write it as 0a1b2c3d@2026-11-22T08:00:00Z",
            )
        )
    return KeyInstant(key_id=key_id.lower(), time=parse_time(time, field=name))


def _account(text: str) -> "tuple[str, Account]":
    """Return the province and the account of an option."""
    from deltacare.times import parse_time
    from deltacare.trust import Account

    province, value = _pair(text, "--account")
    parts = value.rsplit(",", 3)
    if len(parts) != 4:  # noqa: PLR2004  # holder, number, bank code, time
        raise InputRefused(
            tr(
                "--account 应写作 310000=户名,账号,行号,生效时间",
                "--account: write it as 310000=HOLDER,NUMBER,BANKCODE,TIME",
            )
        )
    holder, number, bank, time = parts
    if not _ACCOUNT_NUMBER.fullmatch(number):
        raise InputRefused(
            tr(
                f"--account 账号 {number}：应为 8 至 32 位数字，不含空格和连字符。",
                f"--account NUMBER {number}: it is 8 to 32 digits, without spaces and hyphens.",
            )
        )
    if not _BANK_CODE.fullmatch(bank):
        raise InputRefused(
            tr(
                f"--account 行号 {bank}：应为开户行的 12 位联行号（CNAPS），如 102290000000。",
                f"--account BANKCODE {bank}: it is 12 digits: the bank's code in the clearing "
                "system (CNAPS, 联行号), such as 102290000000.",
            )
        )
    from_time = parse_time(time, field="--account")
    return province, Account(holder=holder, number=number, bank_code=bank, from_time=from_time)
