"""Never fork yourself: who has confirmed where the logs end, since this process began.

A node that lost its last commits must not sign another history, nor may its witness cosign one.
So at start nothing is written and nothing cosigned until enough partners have shown what they
hold, and what was lacking has been taken back. Enough: so many that every quorum there ever was
has one of them in it. This is memory only, on purpose: every start asks again.
"""

from collections.abc import Callable, Iterable

import structlog

from deltacare.ids import LogKind, LogName
from deltacare.trust import Trust

__all__ = ["Confirmations"]

_log = structlog.get_logger("deltacare.log")


class Confirmations:
    """Which partners confirmed which logs.

    Args:
        trust: members and quorums.
        province: this node's.
        write_unconfirmed: an operator's word that own logs are whole; cosigning still waits.
        on_lost: called when a confirmed log turned out to be longer than what is held.
    """

    def __init__(
        self,
        trust: Trust,
        province: str,
        *,
        write_unconfirmed: bool,
        on_lost: Callable[[], None],
    ) -> None:
        self._trust = trust
        self._province = province
        self._write_unconfirmed = write_unconfirmed
        self._on_lost = on_lost
        self._confirmed: dict[LogName, set[str]] = {}
        self._contradicted: set[LogName] = set()

    def needed(self, log: LogName) -> int:
        """Return how many of a log's other holders must have answered."""
        holders = [p for p in self._trust.provinces if p != self._province and log.may_hold(p)]
        return len(holders) - self._trust.quorum(log) + 1

    def is_settled(self, log: LogName) -> bool:
        """Whether enough holders have shown what they hold of a log, and it is held here too.

        Nobody else holds an audit log: it is settled with the registry log, which anchors it, and
        the audit room compares the two before it writes.
        """
        asked = LogName.registry(log.author) if log.kind is LogKind.AUDIT else log
        return len(self._confirmed.get(asked, ())) >= self.needed(asked)

    def is_writable(self, log: LogName) -> bool:
        """Whether an own log may be appended to."""
        if log in self._contradicted:
            return False
        return self._write_unconfirmed or self.is_settled(log)

    def confirm(self, log: LogName, province: str) -> bool:
        """Note that all a partner holds of a log is held here.

        Returns:
            Whether the log is settled by this.
        """
        before = self.is_settled(log)
        self._confirmed.setdefault(log, set()).add(province)
        is_new = self.is_settled(log) and not before
        if is_new and log.author == self._province:
            _log.info("log_confirmed", log=str(log))
        return is_new

    def contradict(self, log: LogName) -> None:
        """Note that an own log is forked: it is written no more, whatever the operator says."""
        self._contradicted.add(log)

    def lose(self, logs: Iterable[LogName]) -> None:
        """Note that there is more of some own logs than is held: they must be confirmed anew.

        The operator's word was about what was known when it was given.
        """
        for log in logs:
            self._confirmed.pop(log, None)
            _log.error("log_unconfirmed", log=str(log))
        self._write_unconfirmed = False
        self._on_lost()
