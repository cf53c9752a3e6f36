"""Whether our logs and the partners' are one history, and how old their cosignatures are.

Nothing that a partner says about itself is believed: its checkpoint must be signed by the log, and
its size and root must lie in our tree or be proven to extend it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from deltacare.errors import DeltacareError, PeerFault, Reason
from deltacare.ids import LogName
from deltacare.tlog.checkpoint import Checkpoint
from deltacare.tlog.opening import open_checkpoint
from deltacare.tlog.proof import verify_consistency
from deltacare.trust.federation import Trust
from server.doctor.findings import Check, Finding, Level, Side, ago, well
from server.doctor.reach import HEARD_MAX

__all__ = ["HeldLog", "ShownLog", "check_cosignatures", "check_history", "check_own_word"]

_WAITED_MAX = 6 * HEARD_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLog:
    """A log as this node's database has it.

    Attributes:
        log: Its name.
        size: Entries held.
        root: Root over them.
        fresh_time: In its author's newest own cosignature.
        is_stalled: Whether projection stopped.
        is_forked: Whether two histories were proven.
        cosigned: By province the time of its newest cosignature of any checkpoint of this log;
            none from the future.
        ahead: By province the time of a cosignature that has not come, where no later checkpoint
            of this log was cosigned since.
        waiting_time: When the oldest checkpoint beyond the quorum was stored; ``None`` if the
            newest has its quorum.
        lacking: The witnesses that cosigned none of those, ascending.
    """

    log: LogName
    size: int
    root: bytes
    fresh_time: datetime | None
    is_stalled: bool
    is_forked: bool
    cosigned: Mapping[str, datetime]
    ahead: Mapping[str, datetime] = field(default_factory=dict)
    waiting_time: datetime | None = None
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownLog:
    """A log as a partner shows it.

    Attributes:
        log: Its name.
        note: The newest checkpoint, as received; ``None`` if it has none.
        proof: That its checkpoint extends ours, where it is larger.
        our_root: Root of our own tree at its size, where it is not larger; ``None`` if our tree
            cannot be read.
        refusal: Why it shows nothing; ``None`` if it does.
    """

    log: LogName
    note: bytes | None
    proof: Sequence[bytes] = ()
    our_root: bytes | None = None
    refusal: DeltacareError | None = None


def check_own_word(held: HeldLog, *, directory: str) -> list[Finding]:
    """Return what our own node knows to be wrong with a log: a fork, or an entry it cannot read.

    Args:
        held: The log.
        directory: Of our node.
    """
    found: list[Finding] = []
    if held.is_forked:
        found.append(
            Finding(
                check=Check.LOGS,
                level=Level.BAD,
                code="FORK_KNOWN",
                subject=str(held.log),
                side=Side.PARTNER,
                province=held.log.author,
                zh=f"{held.log.author} 就此日志签出过两部历史，证据已存；依赖它的一律答 FORK。",
                en=f"{held.log.author} signed two histories of it; the evidence is kept, and what "
                "rests on it answers FORK.",
                remedy=f"deltacare log show {held.log} --forks --as {directory}/clients/auditor",
            )
        )
    if held.is_stalled:
        found.append(
            Finding(
                check=Check.LOGS,
                level=Level.BAD,
                code="LOG_STALLED",
                subject=str(held.log),
                side=Side.OURS,
                zh="含有本版本不认识的条目，投影停在那里；依赖它的结论为 STALE。",
                en="It holds an entry that this version does not know; projection stopped there, "
                "and what rests on it is STALE.",
                remedy=f"pip install --upgrade deltacare && deltacare node rebuild {directory}",
            )
        )
    return found


def check_history(
    province: str,
    held: HeldLog,
    shown: ShownLog,
    *,
    own: str,
    trust: Trust,
    now: datetime,
    directory: str,
) -> Finding:
    """Return whether a partner and we have one history of a log.

    Args:
        province: The partner that shows it.
        held: As we have it.
        shown: As it shows it.
        own: Our province.
        trust: Whose signatures count.
        now: The present instant.
        directory: Of our node.
    """
    subject = f"{held.log} ↔ {province}"
    if shown.refusal is not None or shown.note is None:
        return _not_shown(subject, province, held, shown)
    try:
        opened = open_checkpoint(shown.note, log=held.log, trust=trust, now=now)
    except PeerFault as fault:
        return _theirs(
            subject,
            province,
            fault.reason.wire,
            f"{province} 出示的检查点不成立（{fault.reason.wire}）。",
            f"The checkpoint that {province} shows does not hold: {fault.message}",
            level=Level.BAD,
        )
    theirs = opened.checkpoint
    if theirs.size <= held.size and shown.our_root is None:
        return _unreadable(subject, directory)
    try:
        _compare(held, shown, theirs)
    except PeerFault:
        return _torn(subject, held, theirs, province, own=own, directory=directory)
    lead = theirs.size - held.size
    zh, en = (f"，{held.size} 条", f" of {held.size}")
    if lead:
        zh = f"；对方{'多' if lead > 0 else '少'} {abs(lead)} 条"
        en = f"; it is {abs(lead)} {'ahead' if lead > 0 else 'behind'}"
    return _same(subject, province, f"一致{zh}。", f"One history{en}.")


def check_cosignatures(
    held: HeldLog, *, own: str, trust: Trust, is_running: bool, now: datetime, directory: str
) -> Finding:
    """Return how old a log's cosignatures are: those of its witnesses, and its author's own.

    Args:
        held: The log.
        own: Our province.
        trust: Quorum, and the ages that are allowed.
        is_running: Whether our node runs.
        now: The present instant.
        directory: Of our node.
    """
    subject = str(held.log)
    if not held.size:
        return well(Check.COSIGNATURES, "空日志。", "The log is empty.", subject=subject)
    quorum = trust.quorum(held.log)
    witnesses = trust.witnesses(held.log)
    times = sorted(((held.cosigned[p], p) for p in witnesses if p in held.cosigned), reverse=True)
    serve = f"deltacare node serve {directory}"
    # 1. What a wrong clock signed: nobody else takes it.
    if held.ahead:
        return _from_future(held, own=own, now=now)
    # 2. The author's own word, which everybody gets each minute.
    fresh_max = timedelta(seconds=trust.stale_after_s)
    fresh_age = now - held.fresh_time if held.fresh_time is not None else None
    if fresh_age is None or fresh_age > HEARD_MAX:
        author = held.log.author
        is_ours = author == own or not is_running
        zh, en = ago(fresh_age) if fresh_age is not None else ("", "")
        return Finding(
            check=Check.COSIGNATURES,
            level=Level.BAD if fresh_age is None or fresh_age > fresh_max else Level.WARN,
            code="LOG_SILENT",
            subject=subject,
            side=Side.OURS if is_ours else Side.PARTNER,
            province="" if is_ours else author,
            zh=f"作者 {author} 最近一次确认在 {zh}前。" if zh else f"作者 {author} 从未确认过。",
            en=f"Its author {author} last vouched for it {en} ago."
            if en
            else f"Its author {author} never vouched for it.",
            remedy=serve if is_ours else "deltacare node doctor DIR",
        )
    # 3. The quorum of witnesses, as old as the last of those that are needed.
    if len(times) < quorum:
        missing = [p for p in witnesses if p not in held.cosigned]
        return _late(
            subject,
            "NO_QUORUM",
            missing,
            (
                f"只有 {len(times)}/{quorum} 家联签，缺 {', '.join(missing)}。",
                f"{len(times)} of {quorum} cosigned; {', '.join(missing)} did not.",
            ),
            own=own,
            level=Level.BAD,
        )
    if quorum:
        age = now - times[quorum - 1][0]
        age_max = timedelta(seconds=trust.cosignature_age_max_s)
        if age > age_max / 2:
            zh, en = ago(age)
            return _late(
                subject,
                "COSIGNATURES_OLD",
                [p for _, p in times[quorum - 1 :]],
                (
                    f"法定数的联签已有 {zh}，最长 {ago(age_max)[0]}。",
                    f"The quorum's cosignatures are {en} old; {ago(age_max)[1]} is the most.",
                ),
                own=own,
                level=Level.BAD if age > age_max else Level.WARN,
            )
    # 4. What our node has out for cosigning.
    last_zh, last_en = ago(now - times[0][0]) if times else ago(fresh_age)
    return _not_cosigned(held, own=own, is_running=is_running, now=now) or well(
        Check.COSIGNATURES,
        f"联签 {len(times)}/{len(witnesses)}，最近 {last_zh}前。",
        f"Cosigned by {len(times)} of {len(witnesses)}, last {last_en} ago.",
        subject=subject,
    )


def _not_cosigned(held: HeldLog, *, own: str, is_running: bool, now: datetime) -> Finding | None:
    """Return that our newest checkpoint is out for long: partners answer within seconds, or not."""
    if held.waiting_time is None or held.log.author != own or not is_running:
        return None
    waited = now - held.waiting_time
    if waited <= HEARD_MAX:
        return None
    zh, en = ago(waited)
    names = ", ".join(held.lacking)
    return _late(
        str(held.log),
        "NOT_COSIGNED",
        held.lacking,
        (
            f"最新的检查点已送出 {zh}，{names} 仍未联签，或其联签被拒绝；夜间对账在等待。",
            (
                f"The newest checkpoint has been out for {en} and {names} did not cosign it, or "
                "the cosignature was refused; nights wait for it."
            ),
        ),
        own=own,
        level=Level.BAD if waited > _WAITED_MAX else Level.WARN,
    )


def _compare(held: HeldLog, shown: ShownLog, theirs: Checkpoint) -> None:
    """Raise unless the two trees are one history.

    Raises:
        PeerFault: ``FORK`` or ``BAD_PROOF``.
    """
    if theirs.size > held.size:
        verify_consistency(
            shown.proof,
            old_size=held.size,
            old_root=held.root,
            size=theirs.size,
            root=theirs.root,
        )
    elif theirs.root != shown.our_root:
        raise PeerFault(Reason.FORK, f"{held.log} has another root at {theirs.size}.")


def _torn(
    subject: str, held: HeldLog, theirs: Checkpoint, province: str, *, own: str, directory: str
) -> Finding:
    """Return that a partner shows another history than ours."""
    author = held.log.author
    is_ours = author == own
    is_proven = theirs.size <= held.size
    return Finding(
        check=Check.LOGS,
        level=Level.BAD,
        code="FORK" if is_proven else "HISTORY_NOT_PROVEN",
        subject=subject,
        side=Side.OURS if is_ours else Side.PARTNER,
        province="" if is_ours else author,
        zh=f"{province} 出示的 {theirs.size} 条历史"
        + ("与本方的不符" if is_proven else f"不能证明由本方的 {held.size} 条延伸而来")
        + f"，而其检查点有 {author} 的签名。",
        en=f"The history of {theirs.size} that {province} shows "
        + ("contradicts ours" if is_proven else f"is not proven to extend our {held.size}")
        + f", and {author} signed its checkpoint.",
        remedy=f"deltacare log show {held.log} --forks --as {directory}/clients/auditor",
    )


def _unreadable(subject: str, directory: str) -> Finding:
    """Return that our own tree lacks what its size says it has."""
    return Finding(
        check=Check.LOGS,
        level=Level.BAD,
        code="OWN_TREE_UNREADABLE",
        subject=subject,
        side=Side.OURS,
        zh="本方数据库中该日志的树不完整，无法比对；请停止节点并恢复备份。",
        en="The tree of this log in our database is not whole, so nothing can be compared; stop "
        "the node and restore the backup.",
        remedy=f"cp BACKUP DATABASE && deltacare node serve {directory}",
    )


def _same(subject: str, province: str, zh: str, en: str) -> Finding:
    return well(Check.LOGS, zh, en, subject=subject, province=province)


def _not_shown(subject: str, province: str, held: HeldLog, shown: ShownLog) -> Finding:
    """Return that a partner shows no checkpoint."""
    if shown.refusal is not None:
        reason = shown.refusal.reason.wire
        return _theirs(
            subject,
            province,
            "LOG_NOT_SHOWN",
            f"{province} 没有出示它（{reason}）。",
            f"{province} does not show it: {reason}.",
        )
    if not held.size:
        return _same(subject, province, "双方均为空。", "Empty on both sides.")
    return _theirs(
        subject,
        province,
        "LOG_NOT_MIRRORED",
        f"{province} 尚未持有；本方有 {held.size} 条。",
        f"{province} holds none of it; we have {held.size} entries.",
    )


def _theirs(
    subject: str, province: str, code: str, zh: str, en: str, *, level: Level = Level.WARN
) -> Finding:
    return Finding(
        check=Check.LOGS,
        level=level,
        code=code,
        subject=subject,
        side=Side.PARTNER,
        province=province,
        zh=zh,
        en=en,
        remedy="deltacare node doctor DIR",
    )


def _from_future(held: HeldLog, *, own: str, now: datetime) -> Finding:
    """Return that a cosignature states a time that has not come."""
    province = own if own in held.ahead else min(held.ahead)
    is_ours = province == own
    zh, en = ago(held.ahead[province] - now)
    return Finding(
        check=Check.COSIGNATURES,
        level=Level.BAD,
        code="COSIGNATURE_FROM_FUTURE",
        subject=str(held.log),
        side=Side.OURS if is_ours else Side.PARTNER,
        province="" if is_ours else province,
        zh=f"{province} 的联签所记时间比现在晚 {zh}，其他节点一律不认；"
        "时钟正确后该节点会重新联签。",
        en=f"The cosignature of {province} states a time {en} ahead, which no other node takes; "
        "that node cosigns anew once its clock is right.",
        remedy="timedatectl set-ntp true && timedatectl status",
    )


def _late(
    subject: str,
    code: str,
    late: Sequence[str],
    words: tuple[str, str],
    *,
    own: str,
    level: Level,
) -> Finding:
    """Return that witnesses are late: a partner, unless we alone are."""
    others = [province for province in late if province != own]
    return Finding(
        check=Check.COSIGNATURES,
        level=level,
        code=code,
        subject=subject,
        side=Side.PARTNER if others else Side.OURS,
        province=others[0] if others else "",
        zh=words[0],
        en=words[1],
        remedy="deltacare node doctor DIR",
    )
