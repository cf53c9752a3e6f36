"""The federation as it counts at this node now: `Trust` whose answers change while the node runs.

Rooms read it at every use and follow by themselves; what was derived from it (connections, caches)
compares versions. It holds the statement that the newest accepted timestamp names, and knows how
long that has not been confirmed. How timestamps come is for ``server.federation.keeper``.
"""

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import structlog

from deltacare.ids import LogName
from deltacare.trust import KeyTerm, Member, SuiteTerm
from deltacare.trust.roles import HOUR_S, TIMESTAMP_DURATION_S, timestamp_hour
from server.federation.ledger import Known

__all__ = ["NOT_REFRESHED_AFTER_S", "LiveTrust", "Problem", "TrustState"]

NOT_REFRESHED_AFTER_S = 600
"""Seconds without a successful refresh after which there is an alarm, long before expiry."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_log = structlog.get_logger("deltacare.federation")


class Problem(enum.Enum):
    """What can be wrong with a node's trust, in the order in which it matters."""

    TRUST_STALE = 1
    TRUST_NEVER_CONFIRMED = 2
    TRUST_NOT_REFRESHED = 3
    TIMESTAMP_KEPT_FROM_FUTURE = 4
    TIMESTAMP_FROM_FUTURE = 5
    STATEMENT_SIGNED_TWICE = 6
    STATEMENT_EXPIRES_SOON = 7

    @property
    def zh(self) -> str:
        """In Chinese."""
        return _TEXTS[self][0]

    @property
    def en(self) -> str:
        """In English."""
        return _TEXTS[self][1]


_TEXTS: Mapping[Problem, tuple[str, str]] = {
    Problem.TRUST_STALE: (
        (
            "联盟元数据已失效：不再信任新内容，核验答 STALE，夜间对账等待。"
            "请检查与伙伴节点的连接和本机时钟。"
        ),
        (
            "The federation's metadata counts no more: nothing new is trusted, checks answer "
            "STALE, nights wait. Look at the connections to the partners and at this clock."
        ),
    ),
    Problem.TRUST_NEVER_CONFIRMED: (
        "联盟元数据尚未由两个节点确认：请至少启动一个伙伴节点并检查连接。",
        (
            "Two nodes have not confirmed the federation's metadata yet: have a partner's node "
            "running and reachable."
        ),
    ),
    Problem.TRUST_NOT_REFRESHED: (
        "联盟元数据已有十分钟以上未能更新：请检查与伙伴节点的连接和本机时钟。",
        (
            "The federation's metadata has not been refreshed for ten minutes: look at the "
            "connections to the partners and at this machine's clock."
        ),
    ),
    Problem.TIMESTAMP_KEPT_FROM_FUTURE: (
        (
            "本节点保存的时间戳属于尚未到来的时刻：本机时钟有误，或曾有两个节点的时钟有误。"
            "时钟正确时，伙伴确认本小时后它即被搁置。"
        ),
        (
            "The timestamp kept here is of an hour that has not come: this clock is wrong, or two "
            "nodes' clocks were. With a right clock it is set aside once a partner confirms the "
            "present hour."
        ),
    ),
    Problem.TIMESTAMP_FROM_FUTURE: (
        "有伙伴节点出示尚未到来的时刻的时间戳：双方之一的时钟有误。",
        "A partner shows a timestamp of an hour that has not come here: a clock is wrong.",
    ),
    Problem.STATEMENT_SIGNED_TWICE: (
        (
            "同一版本有两份签署人数足够的声明，各节点所持不同：请各办公室查明签署人，"
            "并公布一份版本号更高、包含两者内容的声明。"
        ),
        (
            "Two statements of one version are signed by enough offices, and nodes hold different "
            "ones: find out who signed both, and publish a statement of a higher version that "
            "holds what both say."
        ),
    ),
    Problem.STATEMENT_EXPIRES_SOON: (
        "联盟声明将在 30 天内到期：请举行签署仪式。",
        "The federation's statement expires within 30 days: hold the signing ceremony.",
    ),
}
_EXPIRES_SOON = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustState:
    """How a node's trust stands.

    Attributes:
        known: The statement in force.
        hour: Of the newest accepted timestamp, ``None`` before the first.
        started_time: When this node began to look.
        refreshed_time: When a partner last answered while the present hour's timestamp was here.
        is_from_future: Whether a partner lately showed a timestamp of an hour that has not come.
        is_signed_twice: Whether another statement of a version known here was signed by enough.
    """

    known: Known
    hour: int | None
    started_time: datetime
    refreshed_time: datetime | None = None
    is_from_future: bool = False
    is_signed_twice: bool = False

    @property
    def confirmed_time(self) -> datetime | None:
        """The beginning of the hour that was confirmed last."""
        return None if self.hour is None else _EPOCH + timedelta(seconds=self.hour * HOUR_S)

    @property
    def expire_time(self) -> datetime | None:
        """From when nothing new is trusted unless a newer timestamp comes."""
        confirmed = self.confirmed_time
        if confirmed is None:
            return None
        end = confirmed + timedelta(seconds=TIMESTAMP_DURATION_S)
        return min(end, self.known.until_time)

    def hour_at(self, now: datetime) -> int:
        """Return the hour that was confirmed; 0 if none was, or one that has not come by now."""
        if self.hour is None or self.hour > timestamp_hour(now) + 1:
            return 0
        return self.hour

    def stale_since(self, now: datetime) -> datetime | None:
        """Return since when nobody confirmed the statement; ``None`` while it counts.

        An hour that has not come confirms nothing: it would go on for as long as it is ahead.
        """
        if self.confirmed_time is None or not self.hour_at(now):
            return min(self.known.federation.issued_time, now)
        assert self.expire_time is not None, "what was confirmed expires"
        return self.confirmed_time if now >= self.expire_time else None

    def is_refreshed(self, now: datetime) -> bool:
        """Whether the last successful refresh is not too long ago."""
        since = self.refreshed_time or self.started_time
        return now - since < timedelta(seconds=NOT_REFRESHED_AFTER_S)

    def problems(self, now: datetime) -> tuple[Problem, ...]:
        """Return what is wrong, in the order in which it matters."""
        found = []
        if self.hour is None:
            found.append(Problem.TRUST_NEVER_CONFIRMED)
        elif self.stale_since(now) is not None:
            found.append(Problem.TRUST_STALE)
        if not self.is_refreshed(now):
            found.append(Problem.TRUST_NOT_REFRESHED)
        if self.hour is not None and not self.hour_at(now):
            found.append(Problem.TIMESTAMP_KEPT_FROM_FUTURE)
        if self.is_from_future:
            found.append(Problem.TIMESTAMP_FROM_FUTURE)
        if self.is_signed_twice:
            found.append(Problem.STATEMENT_SIGNED_TWICE)
        if now >= self.known.until_time - _EXPIRES_SOON:
            found.append(Problem.STATEMENT_EXPIRES_SOON)
        return tuple(found)


class LiveTrust:
    """`Trust` by the statement in force; read it at every use and keep nothing of it.

    Args:
        known: The statement in force.
        hour: Of the timestamp that put it there; ``None`` if there was none yet.
        now: The present instant.
    """

    def __init__(self, known: Known, *, hour: int | None, now: datetime) -> None:
        self._federation = known.federation
        self._state = TrustState(known=known, hour=hour, started_time=now)
        self._listeners: list[Callable[[], None]] = []
        # Asked by every check: between these instants nothing needs to be worked out.
        self._from = self._until = now
        self._set_window()

    @property
    def state(self) -> TrustState:
        """How it stands."""
        return self._state

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call a function after every change of the statement in force."""
        self._listeners.append(listener)

    def _set_window(self) -> None:
        """Work out from when to when what was confirmed counts."""
        confirmed, end = self._state.confirmed_time, self._state.expire_time
        if confirmed is not None and end is not None:
            self._from, self._until = confirmed - timedelta(seconds=HOUR_S), end

    def confirm(self, known: Known, *, hour: int) -> None:
        """Go by a statement that the timestamp of an hour names; never one before the present."""
        state = self._state
        is_change = known.version != state.known.version
        assert known.version >= state.known.version or state.hour is None, "versions only rise"
        self._state = replace(state, known=known, hour=hour)
        self._set_window()
        if not is_change:
            return
        self._federation = known.federation
        _log.info("trust_in_force", version=known.version, root=known.statement.root.version)
        for listener in self._listeners:
            listener()

    def note_refresh(self, now: datetime) -> None:
        """Take note that a refresh succeeded."""
        self._state = replace(self._state, refreshed_time=now)

    def note_future(self, *, is_from_future: bool) -> None:
        """Take note whether a partner shows an hour that has not come."""
        self._state = replace(self._state, is_from_future=is_from_future)

    def note_signed_twice(self, *, is_signed_twice: bool) -> None:
        """Take note whether another statement of a version known here was signed by enough."""
        self._state = replace(self._state, is_signed_twice=is_signed_twice)

    # Trust. --------------------------------------------------------------------------------------

    @property
    def version(self) -> int:
        """Number of what the members signed; rises with every change."""
        return self._federation.version

    @property
    def provinces(self) -> tuple[str, ...]:
        """The members' codes, ascending."""
        return self._federation.provinces

    @property
    def opening_date(self) -> date:
        """The first business date that settlement logs close."""
        return self._federation.opening_date

    @property
    def stale_after_s(self) -> int:
        """The age in seconds beyond which what rests on a log is stale."""
        return self._federation.stale_after_s

    @property
    def cosignature_age_max_s(self) -> int:
        """The age in seconds up to which a quorum's cosignatures let something new count."""
        return self._federation.cosignature_age_max_s

    def stale_since(self, now: datetime) -> datetime | None:
        """Return since when nobody confirmed what the members signed; ``None`` while it counts."""
        if self._from <= now < self._until:
            return None
        return self._state.stale_since(now)

    def member(self, province: str) -> Member:
        """Return a member; ``NOT_FOUND`` if there is none."""
        return self._federation.member(province)

    def log_keys(self, log: LogName) -> tuple[KeyTerm, ...]:
        """Return the keys of a log, oldest first; ``NOT_FOUND`` if no member writes it."""
        return self._federation.log_keys(log)

    def witness_keys(self, province: str) -> tuple[KeyTerm, ...]:
        """Return the keys a member cosigns with; ``NOT_FOUND`` if there is no such member."""
        return self._federation.witness_keys(province)

    def verdict_keys(self, province: str) -> tuple[KeyTerm, ...]:
        """Return the keys a member's node signs verdicts with; ``NOT_FOUND`` likewise."""
        return self._federation.verdict_keys(province)

    def suite_keys(self, name: str) -> tuple[SuiteTerm, ...]:
        """Return the keys of the second suite of a log or witness; empty if it has none."""
        return self._federation.suite_keys(name)

    def witnesses(self, log: LogName) -> tuple[str, ...]:
        """Return the partners whose cosignatures count for a log, ascending."""
        return self._federation.witnesses(log)

    def quorum(self, log: LogName) -> int:
        """Return how many of its witnesses must have cosigned a checkpoint of a log."""
        return self._federation.quorum(log)


def next_hour(now: datetime) -> datetime:
    """Return the beginning of the next full hour."""
    return _EPOCH + timedelta(seconds=(timestamp_hour(now) + 1) * HOUR_S)
