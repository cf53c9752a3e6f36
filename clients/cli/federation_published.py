"""What ``deltacare federation show`` says of what was published: roots, members, keys, expiry."""

from pathlib import Path

from clients.cli.output import answer, print_table
from clients.language import tr

__all__ = ["show_published"]


def show_published(path: Path) -> None:
    """Show what was published.

    Args:
        path: A repository's directory, or a node's.
    """
    from clients.federation.ceremony import open_base
    from clients.federation.describe import member_lines, root_lines
    from clients.federation.repository import read_published
    from deltacare.times import format_time
    from deltacare.trust.roles import expires_time

    base = open_base(read_published(path))
    stated = base.federation
    until = format_time(expires_time(base.statement.snapshot))
    keys = [
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
    is_read = answer(
        {
            "version": stated.version,
            "root_version": base.root.version,
            "issued_time": format_time(stated.issued_time),
            "expire_time": until,
            "root_expire_time": format_time(base.root.expires),
            "provinces": list(stated.provinces),
            "keys": keys,
        },
        [
            *root_lines(base.root),
            *member_lines(stated),
            tr(f"声明有效至 {until}。", f"The statement expires {until}."),
        ],
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
