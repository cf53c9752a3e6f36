"""The federation's metadata as this node has it: how new, how long it holds, and what is coming.

Judges what was read from the trust directory and, where the node runs, what it says of itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from server.doctor.findings import Check, Finding, Level, Side, ago, well

__all__ = ["REFRESH_MAX", "RENEW", "TrustSeen", "check_trust"]

REFRESH_MAX = timedelta(minutes=10)
"""A refresh that has not succeeded for so long is an alarm, long before anything expires."""

RENEW = timedelta(days=60)
"""So long before metadata ends, four offices begin to sign its successor."""


_AHEAD = "TIMESTAMP_KEPT_FROM_FUTURE"
_AHEAD_MAX = timedelta(hours=1)
_TWICE = "STATEMENT_SIGNED_TWICE"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustSeen:
    """What is known of a node's trust.

    Attributes:
        failure: Why it cannot be loaded; empty if it can.
        failure_zh: The same in Chinese.
        is_timestamp: Whether it is the timestamp alone that cannot be read.
        version: Of what the members signed.
        installed_version: Of the newest statement in the node's directory, which may be waiting.
        node_version: Of the newest that the running node knows; ``None`` if it does not run.
        expires: By role (``root``, ``targets``, ``snapshot``) when it ends.
        timestamp_hour: Of the newest timestamp, as hours since 1970; ``None`` if there is none.
        timestamp_expires: When that ends.
        refreshed: When the running node last refreshed; ``None`` if it never did or does not run.
        is_running: Whether the node runs, and says how its refreshing goes.
        pending_time: When what is signed and waits takes effect; ``None`` if nothing waits.
        partners: By province the version that it says it goes by.
        silent: Partners that did not answer, if none did; empty if one did.
        problems: Code and words, in Chinese and English, of what the running node says is wrong.
    """

    failure: str = ""
    failure_zh: str = ""
    is_timestamp: bool = False
    version: int = 0
    installed_version: int = 0
    node_version: int | None = None
    expires: Mapping[str, datetime] = field(default_factory=dict)
    timestamp_hour: int | None = None
    timestamp_expires: datetime | None = None
    refreshed: datetime | None = None
    is_running: bool = False
    pending_time: datetime | None = None
    partners: Mapping[str, int] = field(default_factory=dict)
    silent: tuple[str, ...] = ()
    problems: Sequence[tuple[str, str, str]] = ()


def check_trust(seen: TrustSeen, *, directory: str, now: datetime) -> list[Finding]:
    """Return how the federation's metadata is.

    Args:
        seen: What is known of it.
        directory: Of the node.
        now: The present instant.
    """
    if seen.failure:
        return [
            _ours(
                Level.BAD,
                "TRUST_UNREADABLE",
                f"信任元数据不能使用：{seen.failure_zh}",
                f"The trust metadata cannot be used: {seen.failure}",
                f"rm {directory}/trust/timestamp.json && deltacare node serve {directory}"
                if seen.is_timestamp
                else f"deltacare federation publish FILE --install {directory}",
            )
        ]
    found = [
        *_ends(seen, directory, now),
        *_timestamp(seen, directory, now),
        *_taken_in(seen, directory),
    ]
    found.extend(
        Finding(
            check=Check.TRUST,
            level=Level.WARN,
            code="TRUST_BEHIND" if version > seen.version else "PARTNER_TRUST_BEHIND",
            subject=province,
            side=Side.OURS if version > seen.version else Side.PARTNER,
            province=province,
            zh=f"{province} 的信任版本为 {version}，本方为 {seen.version}。",
            en=f"{province} has version {version}, we have {seen.version}.",
            remedy=f"deltacare node status {directory}"
            if version > seen.version
            else "deltacare node doctor DIR",
        )
        for province, version in sorted(seen.partners.items())
        if version != seen.version
    )
    known = {finding.code for finding in found}
    propose = f"deltacare federation propose --from {directory} --out proposal.json"
    if _AHEAD in known:
        known.add("TRUST_STALE")
    found.extend(
        _ours(Level.BAD, code, zh, en, propose)
        if code == _TWICE
        else _ours(Level.WARN, code, zh, en, f"deltacare node status {directory}")
        for code, zh, en in seen.problems
        if code not in known
    )
    if not found and seen.expires:
        first = min(seen.expires, key=lambda role: seen.expires[role])
        days = (seen.expires[first] - now).days
        found.insert(
            0,
            well(
                Check.TRUST,
                f"版本 {seen.version}，{first} 还有 {days} 天。",
                f"Version {seen.version}; {first} has {days} days left.",
            ),
        )
    if seen.pending_time is not None:
        begin = f"{seen.pending_time:%Y-%m-%d %H:%M}Z"
        found.append(
            well(
                Check.TRUST,
                f"新的一版已签署，{begin} 起生效。",
                f"A later version is signed; it takes effect at {begin}.",
                subject="pending",
            )
        )
    return found


def _ends(seen: TrustSeen, directory: str, now: datetime) -> list[Finding]:
    """Return which metadata ended or ends soon: all but the timestamp, which renews itself."""
    propose = f"deltacare federation propose --from {directory} --out proposal.json"
    found = []
    for role, end in sorted(seen.expires.items()):
        if now >= end:
            zh, en = ago(now - end)
            found.append(
                _ours(
                    Level.BAD,
                    "TRUST_EXPIRED",
                    f"{role} 已过期 {zh}。",
                    f"{role} expired {en} ago.",
                    propose,
                    subject=role,
                )
            )
        elif end - now < RENEW:
            days = (end - now).days
            found.append(
                _ours(
                    Level.WARN,
                    "TRUST_ENDS_SOON",
                    f"{role} 还有 {days} 天到期，须四家中三家重新签署。",
                    f"{role} ends in {days} days; three of the four must sign its successor.",
                    propose,
                    subject=role,
                )
            )
    return found


def _taken_in(seen: TrustSeen, directory: str) -> list[Finding]:
    """Return whether the running node knows what people installed in its directory."""
    if seen.node_version is None or seen.node_version >= seen.installed_version:
        return []
    there, known = seen.installed_version, seen.node_version
    return [
        _ours(
            Level.WARN,
            "TRUST_NOT_TAKEN_IN",
            f"目录中有第 {there} 版，运行中的节点只知道第 {known} 版：它每隔数秒查看一次；"
            "若此行不消失，发给节点即可知其不接受的原因。",
            f"Version {there} lies in the directory, the running node knows version {known}: it "
            "looks every few seconds; if this line stays, send it to the node, which says why not.",
            f"deltacare federation publish FILE --as {directory}/clients/administrator",
            subject=f"{directory}/trust",
        )
    ]


def _timestamp(seen: TrustSeen, directory: str, now: datetime) -> list[Finding]:
    """Return whether the timestamp is of this hour, and whether refreshing it works."""
    if seen.timestamp_hour is None or seen.timestamp_expires is None:
        return [
            _unconfirmed(
                seen,
                directory,
                Level.BAD,
                "TRUST_NEVER_CONFIRMED",
                (
                    "还没有两家节点签署的时间戳，本节点视信任为过旧。",
                    "There is no timestamp by two nodes yet; the node takes its trust for stale.",
                ),
            )
        ]
    made = datetime.fromtimestamp(seen.timestamp_hour * 3_600, tz=now.tzinfo)
    if made - now > _AHEAD_MAX:
        zh, en = ago(made - now)
        return [_kept_from_future(seen, directory, zh, en)]
    if now >= seen.timestamp_expires:
        zh, en = ago(now - made)
        words = (
            f"时间戳已是 {zh}前的，核验一律答 STALE，清算暂停。",
            f"The timestamp is {en} old: checks answer STALE and settlement waits.",
        )
        return [_unconfirmed(seen, directory, Level.BAD, "TRUST_STALE", words)]
    return _refreshing(seen, directory, now) if seen.is_running else []


def _refreshing(seen: TrustSeen, directory: str, now: datetime) -> list[Finding]:
    """Return whether a running node's refreshing works."""
    if seen.refreshed is None:
        words = ("启动后从未成功刷新信任元数据。", "Trust was never refreshed since the start.")
        return [_unconfirmed(seen, directory, Level.WARN, "TRUST_NOT_REFRESHED", words)]
    if now - seen.refreshed > REFRESH_MAX:
        zh, en = ago(now - seen.refreshed)
        words = (f"已有 {zh}未能刷新信任元数据。", f"Trust has not been refreshed for {en}.")
        return [_unconfirmed(seen, directory, Level.WARN, "TRUST_NOT_REFRESHED", words)]
    return []


def _kept_from_future(seen: TrustSeen, directory: str, zh: str, en: str) -> Finding:
    """Return that the timestamp on disk is of an hour so far ahead, whoever made it."""
    path = f"{directory}/trust/timestamp.json"
    clock = "timedatectl status"
    return _ours(
        Level.BAD,
        _AHEAD,
        f"{path} 属于 {zh}之后的时刻：本机时钟有误，或曾有两个节点的时钟有误；"
        "在伙伴确认本小时之前，核验一律答 STALE。",
        f"{path} is of an hour {en} ahead: this clock is wrong, or two nodes' clocks were; until "
        "a partner confirms the present hour, checks answer STALE.",
        clock if seen.is_running else f"{clock} && deltacare node serve {directory}",
        subject=path,
    )


def _unconfirmed(
    seen: TrustSeen, directory: str, level: Level, code: str, words: tuple[str, str]
) -> Finding:
    """Return that the timestamp is not what it should be: ours, unless no partner is there."""
    is_alone = seen.is_running and bool(seen.silent)
    remedy = f"deltacare node {'status' if seen.is_running else 'serve'} {directory}"
    return Finding(
        check=Check.TRUST,
        level=level,
        code=code,
        subject="timestamp",
        side=Side.PARTNER if is_alone else Side.OURS,
        province=seen.silent[0] if is_alone else "",
        zh=words[0],
        en=words[1],
        remedy="deltacare node serve DIR" if is_alone else remedy,
    )


def _ours(level: Level, code: str, zh: str, en: str, remedy: str, *, subject: str = "") -> Finding:
    return Finding(
        check=Check.TRUST,
        level=level,
        code=code,
        subject=subject,
        side=Side.OURS,
        zh=zh,
        en=en,
        remedy=remedy,
    )
