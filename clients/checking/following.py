"""Follows the alerts of a node across disconnects, from places kept in a file.

The file is written after an alert was handed on: whoever handles it before that hears of it again
after a crash, and of none too few. Reconnecting rests a little, longer each time, up to a limit.
"""

import glob
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deltacare.errors import DeltacareError, Kind, invalid_field
from deltacare.v1.certification_service_pb2 import (
    CertificateAlert,
    PutWatchListResponse,
    WatchCertificatesRequest,
    WatchCursor,
    WatchDay,
)

__all__ = ["Cursors", "follow"]

_FORMAT = "deltacare/watch-cursors/v1"
_FIELDS = (
    *("next_index", "next_permit_index"),
    *("after_certificate_no", "after_permit_certificate_no"),
)
_DAY_FIELDS = ("told_date", "next_date", "after_certificate_no")
_MARK_CHARS = 8  # of what `tempfile` makes a name different by
_LEFT_AFTER_S = 60.0
_REST_FIRST_S = 0.2
_REST_MAX_S = 30.0
_AWAY = frozenset({Kind.UNAVAILABLE, Kind.DEADLINE, Kind.EXHAUSTED, Kind.INTERNAL})


@dataclass(slots=True, kw_only=True)
class Cursors:
    """Where a follower stands, in memory and, if a file is named, there too.

    Attributes:
        path: The file; ``None`` keeps them in memory only.
        of_log: The cursor of each log.
        day: The place in the days; ``None`` begins with the present one.
    """

    path: Path | None
    of_log: dict[str, WatchCursor] = field(default_factory=dict)
    day: WatchDay | None = None

    @classmethod
    def load(cls, path: Path | None) -> "Cursors":
        """Return what a file holds, nothing if there is none yet.

        Raises:
            Refusal: ``INVALID_FIELD``, if the file holds something else.
        """
        cursors = cls(path=path)
        if path is None:
            return cursors
        _clear(path)
        if not path.exists():
            return cursors
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            _read(data, cursors)
        except (ValueError, KeyError, TypeError, AttributeError, OSError):
            raise invalid_field(
                "--cursor-file",
                path.name,
                "This is no file of cursors.",
                "Name another file; watching then begins at the present.",
            ) from None
        return cursors

    def take(self, said: CertificateAlert | PutWatchListResponse) -> None:
        """Move on to where an answer says that watching stands, and keep it."""
        for cursor in said.cursors:
            self.of_log[cursor.log] = cursor
        if said.HasField("day_cursor"):
            self.day = said.day_cursor
        if self.path is not None:
            self._save(self.path)

    def hold(self, said: PutWatchListResponse) -> None:
        """Keep the places where a list begins, unless those that are kept already are earlier.

        What was watched before goes on from where it stood; what is new is told of from then too.
        """
        for cursor in said.cursors:
            kept = self.of_log.get(cursor.log)
            self.of_log[cursor.log] = cursor if kept is None else _earlier(kept, cursor)
        days = [each for each in (self.day, said.day_cursor) if each is not None]
        self.day = min(days, key=lambda each: (each.told_date, each.after_certificate_no))
        if self.path is not None:
            self._save(self.path)

    def _save(self, path: Path) -> None:
        """Write the file whole or not at all."""
        data = {
            "format": _FORMAT,
            "cursors": [
                {"log": log, **{name: getattr(cursor, name) for name in _FIELDS}}
                for log, cursor in sorted(self.of_log.items())
            ],
            "day": (
                None
                if self.day is None
                else {name: getattr(self.day, name) for name in _DAY_FIELDS}
            ),
        }
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(data, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def follow(
    node: Any,  # noqa: ANN401  # a client of a node
    cursors: Cursors,
    *,
    institution_id: str,
    host: str,
    on_away: Callable[[DeltacareError, float], None],
    rest: Callable[[float], None] = time.sleep,
) -> Iterator[CertificateAlert]:
    """Yield alerts for ever, each once as long as what is yielded is handled.

    Args:
        node: Answers.
        cursors: Where to go on; moved on after each alert was handled.
        institution_id: Only of this list; empty for all.
        host: Division for which verdicts are given; empty for the node's province.
        on_away: Called when the node is away, with the seconds until the next try.
        rest: Waits.

    Raises:
        Refusal: If the node will not answer.
    """
    rest_s = _REST_FIRST_S
    while True:
        request = WatchCertificatesRequest(
            institution_id=institution_id,
            host=host,
            cursors=cursors.of_log.values(),
            day_cursor=cursors.day,
        )
        try:
            for alert in node.certification.WatchCertificates(request):
                rest_s = _REST_FIRST_S
                yield alert
                cursors.take(alert)
        except DeltacareError as error:
            if error.reason.kind not in _AWAY:
                raise
            on_away(error, rest_s)
        rest(rest_s)
        rest_s = min(_REST_MAX_S, rest_s * 2)


def _clear(path: Path) -> None:
    """Remove what a writer left beside a file of cursors that was killed while it wrote.

    One that is young may be another's, who is at it.
    """
    oldest = time.time() - _LEFT_AFTER_S
    for left in path.parent.glob(f".{glob.escape(path.name)}.{'[a-z0-9_]' * _MARK_CHARS}"):
        with suppress(OSError):
            if left.stat().st_mtime < oldest:
                left.unlink()


def _earlier(one: WatchCursor, other: WatchCursor) -> WatchCursor:
    """Return where a follower of both must go on: each of the two places the earlier one."""
    index, after = min((each.next_index, each.after_certificate_no) for each in (one, other))
    permit_index, after_permit = min(
        (each.next_permit_index, each.after_permit_certificate_no) for each in (one, other)
    )
    return WatchCursor(
        log=one.log,
        next_index=index,
        next_permit_index=permit_index,
        after_certificate_no=after,
        after_permit_certificate_no=after_permit,
    )


def _read(data: Mapping[str, Any], cursors: Cursors) -> None:
    """Take cursors from a file.

    Raises:
        ValueError: If it is of another format.
    """
    if data["format"] != _FORMAT:
        message = "another format"
        raise ValueError(message)
    for each in data["cursors"]:
        cursors.of_log[each["log"]] = WatchCursor(
            log=each["log"],
            next_index=int(each["next_index"]),
            next_permit_index=int(each["next_permit_index"]),
            after_certificate_no=str(each["after_certificate_no"]),
            after_permit_certificate_no=str(each["after_permit_certificate_no"]),
        )
    if data.get("day") is not None:
        cursors.day = WatchDay(**{name: str(data["day"][name]) for name in _DAY_FIELDS})
