"""What a column of a file is called in Chinese, as templates head it, for who is told of a cell.

Both names are said: a file may bear either, and the English one is that of the contract.
"""

from collections.abc import Mapping
from functools import cache

from clients.language import tr

__all__ = ["column_words"]


def column_words(name: str) -> str:
    """Return a column's name, in the language of the run; one that has no other stays as it is.

    Args:
        name: In English, as findings name it; empty stays empty.
    """
    zh = _chinese().get(name, "")
    return tr(f"{zh}（{name}）", name) if zh else name


@cache
def _chinese() -> Mapping[str, str]:
    """Return the Chinese name of every column of the files of settlement."""
    from clients.filing import disputing, enrolling, rates
    from clients.filing.answering import ADDED_COLUMNS
    from clients.filing.record_files import FILED_DATE
    from settlement.records import ALIASES

    # Certificates have grades too: the shorter name suits both.
    found = {FILED_DATE: "报送日", "grade": "等级"}
    for columns in (
        ALIASES,
        enrolling.COLUMNS,
        rates.COLUMNS,
        ADDED_COLUMNS,
        disputing.DISPUTE_COLUMNS,
        disputing.ANSWER_COLUMNS,
    ):
        for name, others in columns.items():
            found.setdefault(name, others[0])
    return found
