"""What ``deltacare federation show`` says of what was published: roots, members, keys, expiry.

Of a node's directory it says which statement is in force, and which is signed and waits.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from clients.cli.output import answer, print_table
from clients.language import tr

if TYPE_CHECKING:
    from clients.federation.store import Statement
    from deltacare.trust import Federation
    from deltacare.trust.roles import Root

__all__ = ["show_published"]


def show_published(path: Path) -> None:
    """Show what was published.

    Args:
        path: A repository's directory, or a node's.
    """
    from clients.federation.ceremony import open_base
    from clients.federation.describe import difference_lines, member_lines, root_lines
    from clients.federation.repository import read_published, trust_store
    from deltacare.times import format_time
    from deltacare.trust.roles import expires_time

    store = trust_store(path)
    pending: Statement | None = None
    if store is None:
        base = open_base(read_published(path))
    else:
        pending = store.pending()
        base = open_base(store.files((store.current().version,)))
    stated = base.federation
    until = format_time(expires_time(base.statement.snapshot))
    keys = _keys(stated)
    lines = [
        *root_lines(base.root),
        *member_lines(stated, base.root),
        tr(f"声明有效至 {until}。", f"The statement expires {until}."),
    ]
    if pending is not None:
        now, later = stated.version, pending.version
        lines += [
            tr(
                f"现行的是第 {now} 版；第 {later} 版已签署，自下一个整点起生效：",
                f"Version {now} is in force; version {later} is signed and counts from the next "
                "full hour:",
            ),
            *difference_lines(stated, pending.federation, base.root, pending.root),
        ]
    is_read = answer(
        {
            "version": stated.version,
            "pending_version": None if pending is None else pending.version,
            "root_version": base.root.version,
            "issued_time": format_time(stated.issued_time),
            "expire_time": until,
            "root_expire_time": format_time(base.root.expires),
            "provinces": list(stated.provinces),
            "members": _members(stated, base.root),
            "keys": keys,
        },
        lines,
    )
    if is_read:
        print_table(
            (
                tr("密钥", "key"),
                tr("密钥号", "key id"),
                tr("起", "from"),
                tr("止", "until"),
                tr("失信自", "tainted from"),
            ),
            [
                (
                    row["name"],
                    row["key_id"],
                    row["from_time"],
                    row["until_time"] or "-",
                    row["tainted_time"] or "-",
                )
                for row in keys
            ],
        )


def _keys(stated: "Federation") -> list[dict[str, Any]]:
    """Return every member's keys as JSON."""
    from deltacare.times import format_time

    return [
        {
            "name": term.key.name,
            "key_id": term.key.key_id.hex(),
            "from_time": format_time(term.from_time),
            "until_time": None if term.until_time is None else format_time(term.until_time),
            "tainted_time": None if term.tainted_time is None else format_time(term.tainted_time),
        }
        for member in stated.members
        for term in member.keys
    ]


def _members(stated: "Federation", root: "Root") -> list[dict[str, Any]]:
    """Return what else is stated of each member as JSON."""
    from clients.federation.fingerprints import ca_fingerprints, card_sha256
    from deltacare.times import format_time

    rows = {row.province: row.timestamp for row in root.keys}
    return [
        {
            "province": member.province,
            "name_zh": member.name_zh,
            "name_en": member.name_en,
            "endpoint": member.endpoint,
            "card_sha256": card_sha256(member, rows[member.province]),
            "ca_sha256": list(ca_fingerprints(member.ca_pem)),
            "schemes": list(member.schemes),
            "accounts": [
                {
                    "holder": account.holder,
                    "number": account.number,
                    "bank_code": account.bank_code,
                    "from_time": format_time(account.from_time),
                }
                for account in member.accounts
            ],
            "revoked_serials": list(member.revoked_serials),
        }
        for member in stated.members
    ]
