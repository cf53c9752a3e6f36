"""What was noticed while the trust is kept: how partners answered, and the alarms that calls for.

Kept in memory, for the operator and the next round; nothing here decides what is believed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from deltacare.errors import DeltacareError, Reason
from deltacare.tlog.opening import CLOCK_SKEW_S_MAX
from deltacare.v1.federation_service_pb2 import GetTrustStatusResponse
from server.federation.trust import NOT_REFRESHED_AFTER_S, TrustState

__all__ = ["PartnerAnswer", "TrustNotes"]

_CLOCK_S_MAX = 10**9
_LATELY = timedelta(seconds=NOT_REFRESHED_AFTER_S)
_WORDS_MIN = 2
_FAULTS = frozenset({Reason.BAD_METADATA, Reason.BAD_SIGNATURE, Reason.INVALID_FIELD})

_alarm = structlog.get_logger("deltacare.alarm")


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerAnswer:
    """How a partner answered when it was last asked about trust.

    Attributes:
        answered_time: When it last did, ``None`` if never.
        clock_ahead_s: Seconds by which its clock was ahead of ours then.
        newest_version: Of its newest statement.
        hour: Of its newest timestamp, 0 if it had none.
        reason: Why it, or what it said, was refused; empty if it was not.
    """

    answered_time: datetime | None = None
    clock_ahead_s: int = 0
    newest_version: int = 0
    hour: int = 0
    reason: str = ""


class TrustNotes:
    """The notes of one node.

    Args:
        alarm_s: Seconds between alarms about the same thing.
        avoid_s: Seconds for which no statement is fetched from a partner whose last was refused.
    """

    def __init__(self, *, alarm_s: float, avoid_s: float) -> None:
        self._alarm_duration = timedelta(seconds=alarm_s)
        self._avoid_duration = timedelta(seconds=avoid_s)
        self._answers: dict[str, PartnerAnswer] = {}
        self._alarmed: dict[str, datetime] = {}
        self._refused: dict[str, datetime] = {}

    def partners(self, provinces: Iterable[str]) -> Mapping[str, PartnerAnswer]:
        """Return how partners answered last."""
        return {p: self._answers.get(p, PartnerAnswer()) for p in provinces}

    def answered(self, province: str, answer: GetTrustStatusResponse, now: datetime) -> None:
        """Note a partner's answer; while it is avoided, the reason for that stays."""
        reason = self._answers[province].reason if self.is_avoided(province, now) else ""
        ahead_s = answer.now_time.seconds - int(now.timestamp())
        self._answers[province] = PartnerAnswer(
            answered_time=now,
            clock_ahead_s=max(-_CLOCK_S_MAX, min(_CLOCK_S_MAX, ahead_s)),
            newest_version=answer.newest_snapshot_version,
            hour=answer.timestamp_hour,
            reason=reason,
        )

    def refused(self, province: str, error: DeltacareError, now: datetime) -> None:
        """Note why a partner, or what it said, was refused; data that does not verify alarms."""
        known = self._answers.get(province, PartnerAnswer())
        self._answers[province] = replace(known, reason=error.reason.name)
        if error.reason in _FAULTS:
            self.alarm(
                "trust_metadata_refused",
                now,
                partner=province,
                reason=error.reason.name,
                fault=error.details.get("fault", ""),
                text=error.message,
            )

    def avoid(self, province: str, now: datetime) -> None:
        """Fetch no statement from a partner for a while."""
        self._refused[province] = now

    def is_avoided(self, province: str, now: datetime) -> bool:
        """Whether no statement is fetched from a partner now."""
        since = self._refused.get(province)
        return since is not None and abs(now - since) < self._avoid_duration

    def is_clock_off(self, now: datetime) -> bool:
        """Whether this clock is wrong: ahead or behind of most partners that answered lately.

        By more than others believe of a signature, and by the word of two at least: of two clocks
        nobody knows which is the wrong one.
        """
        lately = [
            answer.clock_ahead_s
            for answer in self._answers.values()
            if answer.answered_time is not None and abs(now - answer.answered_time) < _LATELY
        ]
        behind = sum(ahead_s > CLOCK_SKEW_S_MAX for ahead_s in lately)
        ahead = sum(ahead_s < -CLOCK_SKEW_S_MAX for ahead_s in lately)
        most = max(behind, ahead)
        return most >= _WORDS_MIN and 2 * most > len(lately)

    def watch(self, state: TrustState, now: datetime) -> None:
        """Raise the alarms that a state calls for."""
        if state.hour is not None and state.stale_since(now) is not None:
            self.alarm("trust_stale", now, hour=state.hour)
        if not state.is_refreshed(now):
            since = state.refreshed_time or state.started_time
            self.alarm(
                "trust_not_refreshed",
                now,
                since_s=int((now - since).total_seconds()),
                after_s=NOT_REFRESHED_AFTER_S,
                hour=state.hour,
            )

    def alarm(self, event: str, now: datetime, **facts: object) -> None:
        """Raise an alarm, and the same again only after some time."""
        key = f"{event} {facts.get('partner', '')}"
        last = self._alarmed.get(key)
        if last is not None and abs(now - last) < self._alarm_duration:
            return
        self._alarmed[key] = now
        _alarm.error(event, **facts)
