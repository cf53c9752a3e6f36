"""How a command says where what it wrote came to stand."""

from typing import Any

from clients.cli.output import answer
from clients.language import tr
from clients.plain import plain

__all__ = ["tell_appended"]


def tell_appended(appended: Any, done: str, **facts: object) -> None:  # noqa: ANN401  # a message
    """Say where an entry came to stand.

    Args:
        appended: Of the response.
        done: What was done, for a person.
        facts: What a program is told beside it.
    """
    answer(
        {**facts, "appended": plain(appended)},
        [
            done,
            tr(
                f"日志 {appended.log}，序号 {appended.first_index}",
                f"log {appended.log}, index {appended.first_index}",
            ),
        ],
    )
