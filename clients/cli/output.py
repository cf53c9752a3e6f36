"""How an answer reaches the reader: one JSON document, or text and tables; progress beside it.

Answers go to standard output, everything else to standard error. Rich is loaded when something is
drawn, because it costs more than the rest of the program's start.
"""

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import click

from clients.cli.commands import wants_json
from clients.cli.failures import InputRefused
from clients.language import tr

__all__ = [
    "Bar",
    "answer",
    "pages",
    "print_table",
    "progress",
    "require_folder",
    "say",
    "yuan",
]

PAGE_SIZE = 1_000
_PROGRESS_AFTER_S = 1.0


def answer(data: Mapping[str, Any] | Sequence[Any], lines: Iterable[str] = ()) -> bool:
    """Print data as JSON if that was asked for, else the lines.

    Returns:
        Whether a person reads, so that the caller may go on drawing.
    """
    if wants_json():
        click.echo(json.dumps(data, ensure_ascii=False, indent=2))
        return False
    for line in lines:
        click.echo(line)
    return True


def pages(call: Callable[[Any], Any], request: Any) -> Iterator[Any]:  # noqa: ANN401  # any message
    """Yield every page of a list; the request is used up.

    Args:
        call: The method.
        request: Has ``page_size`` and ``page_token``.
    """
    request.page_size = PAGE_SIZE
    while True:
        page = call(request)
        yield page
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


def say(text: str) -> None:
    """Tell a person something that is not the answer."""
    click.echo(text, err=True)


def require_folder(path: Path) -> None:
    """Refuse to write a file where there is no directory, before any work is done for it.

    Raises:
        InputRefused: If there is none.
    """
    if not path.parent.is_dir():
        raise InputRefused(
            tr(
                f"没有目录 {path.parent}，无法写入 {path.name}；请先建立。",
                f"There is no directory {path.parent} to write {path.name} in; make it first.",
            )
        )


def yuan(fen: int) -> str:
    """Return an amount as people read it."""
    from deltacare.money import format_yuan

    return format_yuan(fen)


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    title: str | None = None,
    numbers: Sequence[int] = (),
) -> None:
    """Draw a table.

    Args:
        columns: Headings, in the language of the run.
        rows: Cells.
        title: Above it.
        numbers: Columns, from 0, that are set flush right.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    # A pipe has no width: nothing is folded that a program or grep would look for.
    width = None if sys.stdout.isatty() else 200
    Console(file=sys.stdout, width=width, highlight=False).print(table)


class Bar(Protocol):
    """How far something is."""

    def advance(self, count: int = 1) -> None:
        """Say that so much more is done."""
        ...


class _Silent:
    """Nobody watches."""

    def advance(self, count: int = 1) -> None:
        """Do nothing."""


class _Drawn:
    """A bar that appears once the work has taken a second."""

    def __init__(self, text: str, total: int | None) -> None:
        self._text = text
        self._total = total
        self._done = 0
        self._begun = time.monotonic()
        self._progress: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def advance(self, count: int = 1) -> None:
        """Say that so much more is done, and draw it if it takes long."""
        self._done += count
        if self._progress is None and time.monotonic() - self._begun >= _PROGRESS_AFTER_S:
            self._start()
        if self._progress is not None:
            self._progress.update(self._task, completed=self._done)

    def _start(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

        self._progress = Progress(
            "{task.description}",
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._progress.start()
        self._task = self._progress.add_task(self._text, total=self._total)


@contextmanager
def progress(zh: str, en: str, *, total: int | None = None) -> Iterator[Bar]:
    """Show how far something is, on a terminal, from the first second on."""
    if not sys.stderr.isatty():
        yield _Silent()
        return
    with _Drawn(tr(zh, en), total) as bar:
        yield bar
