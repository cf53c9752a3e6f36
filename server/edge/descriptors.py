"""Open descriptors: as many as the machine allows, and an alarm before they run out.

Every connection takes one, also that of a stranger who never says who calls, and so does every file
of the database. A process that has none left cannot open a connection to a partner either. How
long a stranger may hold one is a limit of the edge; who may connect at all is for a firewall.

Connections from outside take seven eighths at most. Without that, whoever keeps connecting leaves
no descriptor for the database and for connections to partners, and lets nobody else in either.
"""

import errno
import resource
import time
from collections.abc import Callable
from pathlib import Path

import structlog

__all__ = ["DescriptorAlarm", "connections_max", "count_descriptors", "raise_descriptor_limit"]

DESCRIPTORS_MAX = 8_192
"""A connection without a caller takes some 60 kB, so this many take half a gigabyte."""

_EVERY_S = 60.0
_DIRECTORY = "/dev/fd"

_alarm = structlog.get_logger("deltacare.alarm")


def raise_descriptor_limit(ceiling: int = DESCRIPTORS_MAX) -> int:
    """Let this process open as many descriptors as it may, and return how many.

    Args:
        ceiling: Not more than this; a higher limit that is there already stays.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ceiling if hard == resource.RLIM_INFINITY else min(ceiling, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def connections_max() -> int:
    """Return how many connections from outside may be open."""
    return _limit() * 7 // 8


def count_descriptors() -> int:
    """Return how many descriptors this process has open.

    Raises:
        OSError: If the system does not tell, or because not one more can be opened.
    """
    # The one that lists them is among them.
    return sum(1 for _ in Path(_DIRECTORY).iterdir()) - 1


class DescriptorAlarm:
    """Tells people when more than four fifths of the descriptors are in use, and when no longer.

    Args:
        monotonic_s: A clock that never runs back.
    """

    def __init__(self, *, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._monotonic_s = monotonic_s
        self._told_s: float | None = None
        self._lasts = False

    def look(self, count: int, *, limit: int) -> None:
        """Raise the alarm if it is time: when it begins, then once a minute while it lasts.

        Its end is told as well, once a minute has passed: who comes and goes fills no disk.

        Args:
            count: Open descriptors.
            limit: How many there may be.
        """
        now_s = self._monotonic_s()
        if self._told_s is not None and now_s - self._told_s < _EVERY_S:
            return
        if count * 5 <= limit * 4:
            if self._lasts:
                self._lasts = False
                _alarm.warning("descriptors_suffice_again", open=count, limit=limit)
            return
        self._lasts = True
        self._told_s = now_s
        _alarm.error(
            "descriptors_run_out",
            open=count,
            limit=limit,
            text="Most file descriptors are in use: somebody may be holding connections open.",
            text_zh="文件描述符将尽：可能有人占用大量连接。请以防火墙只放行伙伴与本省客户端的地址。",
            remedy="Let a firewall pass only the addresses of partners and own clients; a limit "
            f"below {DESCRIPTORS_MAX} can be raised (LimitNOFILE=, ulimit -n).",
        )

    def check(self) -> None:
        """Look at this process."""
        limit = _limit()
        try:
            count = count_descriptors()
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                return
            count = limit  # not one more to list them with
        self.look(count, limit=limit)


def _limit() -> int:
    """Return how many descriptors are counted on: a container may allow a million."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return DESCRIPTORS_MAX if soft == resource.RLIM_INFINITY else min(soft, DESCRIPTORS_MAX)
