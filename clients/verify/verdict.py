"""Verifies a verdict file: what the node signed, what the logs prove, and that the one follows.

What is proved and what is the node's word are kept apart in the steps. Proved: each entry that the
verdict names stands in its log, a quorum saw it, and the verdict follows from these entries by the
rules of recognition, worked out anew. The node's word, under its signature: that it knew of no
other entry, how far and how fresh it held each log, whether the membership was confirmed, which
schemes the members' statement let the issuer issue under, and what came of comparing the holder.
The first of these can be looked up in the logs themselves, if the verifier has them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from clients.language import tr
from clients.plain import plain
from clients.verify.history import Searched, search_log
from clients.verify.receipt import VerifiedEntry, prove
from clients.verify.recognition import Derived, derive
from clients.verify.said import SaidEntry
from clients.verify.seen import SeenCheckpoint
from clients.verify.steps import Steps, checkpoint_facts, checkpoint_lines, key_facts, key_words
from clients.verify.trusting import Trusting
from clients.verify.unusable import Unusable
from clients.verify.words import entry_words
from deltacare.errors import PeerFault, Reason
from deltacare.evidence import Evidence, Holder, LogRead, Place, VerdictRecord
from deltacare.times import format_time

__all__ = ["VerifiedVerdict", "verify_verdict"]

_VERDICTS_ZH = {
    "VALID": "有效",
    "SUSPENDED": "暂停",
    "REVOKED": "撤销",
    "EXPIRED": "过期",
    "NOT_YET_VALID": "未生效",
    "NOT_RECOGNISED_HERE": "本地不予互认",
    "HOLDER_MISMATCH": "人证不符",
    "UNKNOWN": "查无此证",
    "STALE": "数据过旧",
    "FORK": "凭证异常",
}
_HOLDERS = {
    Holder.NOT_ASKED: ("未核对持证人", "the holder was not asked for"),
    Holder.MATCHED: ("持证人相符", "the holder matched"),
    Holder.NOT_MATCHED: ("持证人不符或无法核对", "the holder did not match, or was not comparable"),
}
_COMPARED = {
    "identity_number": ("身份证号", "identity number"),
    "name": ("姓名", "name"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedVerdict:
    """A verdict that its file bears out.

    Attributes:
        record: As the node signed it.
        searched: Logs that were looked through, by name.
    """

    record: VerdictRecord
    searched: Mapping[str, Searched]


def verify_verdict(
    evidence: Evidence, trusting: Trusting, steps: Steps, *, logs: Path | None = None
) -> VerifiedVerdict:
    """Verify a verdict file.

    1. The answering node's key signed the verdict. 2. It states how far each log was read, under
    checkpoints that the policy accepts. 3. Each entry it names is proved by a receipt. 4. The
    verdict follows from them. 5. What remains is the node's word, or is looked up in the logs.

    Args:
        evidence: As received.
        trusting: The verifier's policies.
        steps: Takes what was done.
        logs: Exported logs, ``<directory>/<log name>``; ``None`` to rest on the node's word.

    Raises:
        OSError: If a log cannot be read.
        PeerFault: ``BAD_PROOF``, ``BAD_SIGNATURE``, ``NO_QUORUM`` or ``FORK``.
        Unusable: If there is none of these logs where they should be.
    """
    # 1. Who says it.
    note = trusting.note(evidence.note)
    record = VerdictRecord.from_text(note.text)
    trusting.require_past(record.known_time, "The verdict")
    steps.add(
        f"{record.answered_by} 的节点签署了结论",
        f"The node of {record.answered_by} signed the verdict",
        *(key_words(key) for key in note.keys),
        *_question_lines(record),
        answered_by=record.answered_by,
        keys=[key_facts(key) for key in note.keys],
        question=_question(record),
        trust_version=record.trust_version,
    )
    # 2. How far it read.
    seen = _checkpoints(evidence, record, trusting)
    demanded = any(each.is_demanded for each in seen.values())
    steps.add(
        f"读到的 {len(seen)} 本日志，检查点均有所需联签"
        if demanded
        else f"读到的 {len(seen)} 本日志；策略未要求联签",
        f"The {len(seen)} logs that were read, under checkpoints cosigned as the policy demands"
        if demanded
        else f"The {len(seen)} logs that were read; the policy demands no cosignature",
        *(line for each in seen.values() for line in checkpoint_lines(each)),
        *(_read_words(each) for each in record.logs if each.is_used),
        checkpoints=[checkpoint_facts(each) for each in seen.values()],
        logs=[_read_facts(each) for each in record.logs if each.is_used],
    )
    _require_consistent(record)
    # 3. What was said.
    proved = _entries(evidence, record, seen, trusting)
    said = [
        SaidEntry(place=each.place, leaf=each.leaf, entry=found.entry)
        for each, found in zip(record.said, proved, strict=True)
    ]
    steps.add(
        f"{len(said)} 个条目均有回执",
        f"Each of {len(said)} entries is proved by its receipt",
        *(f"{each.place}: {entry_words(each.entry)[0]}" for each in said),
        entries=[
            {"log": str(each.place.log), "index": each.place.index, "entry": plain(each.entry)}
            for each in said
        ],
    )
    # 4. What follows.
    _require_follows(record, derive(record, said), "the entries in this file")
    steps.add(
        f"由这些条目重新推得同一结论：{_VERDICTS_ZH.get(record.verdict, '')} {record.verdict}",
        f"The same verdict follows from these entries: {record.verdict}",
        tr(f"依据规则 {record.rule}", f"by rule {record.rule}"),
        *(tr(f"定案条目 {place}", f"decided by {place}") for place in record.entries),
        verdict=record.verdict,
        rule=record.rule,
        mapped_scheme=record.mapped_scheme,
        mapped_grade=record.mapped_grade,
        reason=record.reason,
        decided_by=[{"log": str(place.log), "index": place.index} for place in record.entries],
    )
    # 5. What was not said.
    searched = {} if logs is None else _search(logs, record, said, trusting, steps)
    _add_word(record, searched, steps)
    return VerifiedVerdict(record=record, searched=searched)


def _checkpoints(
    evidence: Evidence, record: VerdictRecord, trusting: Trusting
) -> dict[str, SeenCheckpoint]:
    """Return the checkpoints beside a verdict; they are those that it names."""
    named = [each for each in record.logs if each.checkpoint is not None]
    if any(not each.is_used for each in named) or len(named) != len(evidence.checkpoints):
        raise _bad("The checkpoints are not those that the verdict names.")
    seen: dict[str, SeenCheckpoint] = {}
    for read, data in zip(named, evidence.checkpoints, strict=True):
        found = trusting.checkpoint(data)
        checkpoint = found.checkpoint
        if (checkpoint.origin, (checkpoint.size, checkpoint.root)) != (
            str(read.log),
            read.checkpoint,
        ):
            raise _bad(f"The checkpoint of {checkpoint.origin} is not the one the verdict names.")
        seen[checkpoint.origin] = found
    return seen


def _require_consistent(record: VerdictRecord) -> None:
    """Refuse a verdict that claims more of a log than its checkpoint or its author can bear out.

    Raises:
        PeerFault: ``BAD_PROOF``.
    """
    for read in record.logs:
        if read.is_own != (read.log.author == record.answered_by):
            raise _bad(f"The verdict says of {read.log} that it is, or is not, the node's own.")
        covered = 0 if read.checkpoint is None else read.checkpoint[0]
        if read.is_used and not read.is_own and read.quorum_size > covered:
            raise _bad(f"No checkpoint bears out the quorum over {read.quorum_size} of {read.log}.")
        if (
            record.unconfirmed_since is None
            and read.log.author == record.certificate_no[:6]
            and _age_s(read, record) != record.age_s
        ):
            raise _bad("The age of the issuer's log is not what its times give.")


def _entries(
    evidence: Evidence,
    record: VerdictRecord,
    seen: Mapping[str, SeenCheckpoint],
    trusting: Trusting,
) -> list[VerifiedEntry]:
    """Return the entries that a verdict names, each proved by the receipt in its place."""
    if len(record.said) != len(evidence.receipts):
        raise _bad("The receipts are not those of the entries that the verdict names.")
    proved = []
    for said, receipt in zip(record.said, evidence.receipts, strict=True):
        found = prove(receipt, trusting)
        where = found.proved
        if (where.log, where.index, where.leaf) != (
            str(said.place.log),
            said.place.index,
            said.leaf,
        ):
            raise _bad(f"The receipt in the place of {said.place} is of another entry.")
        under = seen.get(where.log)
        if under is None or under.checkpoint != where.seen.checkpoint:
            raise _bad(f"The receipt of {said.place} is under another checkpoint.")
        proved.append(found)
    return proved


def _require_follows(record: VerdictRecord, derived: Derived, source: str) -> None:
    """Refuse a verdict that does not follow.

    Raises:
        PeerFault: ``BAD_PROOF``.
    """
    stated = Derived(
        verdict=record.verdict,
        rule=record.rule,
        entries=record.entries,
        used=tuple(sorted(each.log.author for each in record.logs if each.is_used)),
        mapped_scheme=record.mapped_scheme,
        mapped_grade=record.mapped_grade,
        reason=record.reason,
    )
    found = Derived(
        verdict=derived.verdict,
        rule=derived.rule,
        entries=derived.entries,
        used=tuple(sorted(derived.used)),
        mapped_scheme=derived.mapped_scheme,
        mapped_grade=derived.mapped_grade,
        reason=derived.reason,
    )
    if stated != found:
        raise PeerFault(
            Reason.BAD_PROOF,
            f"The verdict {record.verdict} ({record.rule}) does not follow from {source}: they "
            f"give {derived.verdict} ({derived.rule}).",
            details={"stated": record.rule, "derived": derived.rule},
        )


def _search(
    logs: Path,
    record: VerdictRecord,
    said: Sequence[SaidEntry],
    trusting: Trusting,
    steps: Steps,
) -> dict[str, Searched]:
    """Look through the logs that are there, and see that nothing in them changes the verdict."""
    if not any(read.is_used for read in record.logs):
        steps.add(
            "该结论不依据任何日志，无须查阅",
            "The verdict rests on no log: there is nothing to look through",
            searched=[],
        )
        return {}
    searched: dict[str, Searched] = {}
    for read in record.logs:
        directory = logs / str(read.log)
        if read.is_used and directory.is_dir():
            searched[str(read.log)] = search_log(directory, read, record, trusting)
    if not searched:
        needed = [str(read.log) for read in record.logs if read.is_used]
        example = needed[0]
        target = f"{logs}/{example}"
        raise Unusable(
            f"{logs} 中没有该结论所依据的日志（{'、'.join(needed)}）。应有 {target}/checkpoint 等："
            f"以 deltacare log export {example} {target} 导出。",
            f"{logs} holds none of the logs that the verdict rests on ({', '.join(needed)}). It "
            f"should hold {target}/checkpoint and so on: deltacare log export {example} {target}",
        )
    found: dict[Place, SaidEntry] = {each.place: each for each in said}
    for each in searched.values():
        found.update((one.place, one) for one in each.found)
    agreements = {each.body.agreement_id for each in found.values() if each.name == "equivalence"}
    every = [
        found[place]
        for place in sorted(found)
        if found[place].name not in ("agreement", "agreement_answer")
        or found[place].body.agreement_id in agreements
    ]
    _require_follows(record, derive(record, every), f"the logs in {logs}")
    steps.add(
        f"逐条查阅 {len(searched)} 本日志，没有条目改变结论",
        f"{len(searched)} whole logs were looked through: no entry in them changes the verdict",
        *(
            tr(f"{name}：前 {one.looked_at} 条", f"{name}: its first {one.looked_at} entries")
            for name, one in searched.items()
        ),
        searched=[
            {"log": name, "entries": one.looked_at, **checkpoint_facts(one.seen)}
            for name, one in searched.items()
        ],
    )
    return searched


def _add_word(record: VerdictRecord, searched: Mapping[str, Searched], steps: Steps) -> None:
    """Say what rests on the node's signature alone."""
    unsearched = [each for each in record.logs if each.is_used and str(each.log) not in searched]
    steps.add(
        "以下仅凭该节点的签名",
        "What rests on the node's signature alone",
        *(
            tr(
                f"{each.log} 前 {each.size} 条中没有其他相关条目（可用 --logs 自行查阅）",
                f"no other entry of {each.log} below {each.size} bears on this (--logs looks)",
            )
            for each in unsearched
        ),
        *(
            tr(
                f"{each.log} 的作者最近一次签署于 {_time(each)}",
                f"{each.log} was last heard of its author at {_time(each)}",
            )
            for each in record.logs
            if each.is_used and not each.is_own
        ),
        _holder_words(record),
        _schemes_words(record),
        *_unconfirmed_words(record),
        unsearched=[str(each.log) for each in unsearched],
        holder=record.holder.value,
        compared=list(record.compared),
        stated_schemes=list(record.stated_schemes),
        unconfirmed_since=(
            None if record.unconfirmed_since is None else format_time(record.unconfirmed_since)
        ),
    )


def _holder_words(record: VerdictRecord) -> str:
    zh, en = _HOLDERS[record.holder]
    by = [_COMPARED[each] for each in record.compared]
    return tr(
        zh + (f"（{'、'.join(each for each, _ in by)}）" if by else ""),
        en + (f" ({', '.join(each for _, each in by)})" if by else ""),
    )


def _schemes_words(record: VerdictRecord) -> str:
    issuer = record.certificate_no[:6]
    if not record.stated_schemes:
        return tr(
            f"联盟声明未限定 {issuer} 可颁发的证书类别",
            f"the members' statement lets {issuer} issue under any scheme",
        )
    return tr(
        f"联盟声明许可 {issuer} 颁发：{'、'.join(record.stated_schemes)}",
        f"the members' statement lets {issuer} issue under: {', '.join(record.stated_schemes)}",
    )


def _unconfirmed_words(record: VerdictRecord) -> tuple[str, ...]:
    if record.unconfirmed_since is None:
        return ()
    since = format_time(record.unconfirmed_since)
    return (
        tr(
            f"自 {since} 起联盟元数据未获确认",
            f"nobody had confirmed the membership since {since}",
        ),
    )


def _question(record: VerdictRecord) -> dict[str, Any]:
    return {
        "certificate_no": record.certificate_no,
        "host": record.host,
        "on_date": record.on_date.isoformat(),
        "known_time": format_time(record.known_time),
        "purpose": record.purpose,
        "holder": record.holder.value,
    }


def _question_lines(record: VerdictRecord) -> tuple[str, ...]:
    day, time = record.on_date.isoformat(), format_time(record.known_time)
    return (
        tr(
            f"问：证书 {record.certificate_no} 在 {record.host}，{day} 当日是否有效；"
            f"事实截至 {time}，用途 {record.purpose}",
            f"asked: is certificate {record.certificate_no} good in {record.host} on {day}, as "
            f"known at {time}, for {record.purpose}",
        ),
        tr(
            f"答：{_VERDICTS_ZH.get(record.verdict, '')} {record.verdict}（{record.rule}）",
            f"answered: {record.verdict} ({record.rule})",
        ),
        tr(
            f"成员信任数据第 {record.trust_version} 版",
            f"by version {record.trust_version} of the membership",
        ),
    )


def _age_s(read: LogRead, record: VerdictRecord) -> int:
    """Return how old a log was; one that was never seen is as old as 1970."""
    if read.is_own:
        return 0
    since = record.known_time - (read.fresh_time or datetime(1970, 1, 1, tzinfo=UTC))
    return max(since // timedelta(seconds=1), 0)


def _time(read: LogRead) -> str:
    return tr("从未", "no time") if read.fresh_time is None else format_time(read.fresh_time)


def _read_words(read: LogRead) -> str:
    marks = [
        text
        for holds, text in (
            (read.is_own, tr("本省日志", "its own log")),
            (read.is_forked, tr("曾出示两份历史", "showed two histories")),
            (read.is_stalled, tr("含不能读取的内容", "holds what it could not read")),
        )
        if holds
    ]
    return tr(
        f"{read.log}：校验到 {read.size} 条，足数联签到 {read.quorum_size} 条",
        f"{read.log}: verified up to {read.size}, under a quorum up to {read.quorum_size}",
    ) + "".join(f" · {mark}" for mark in marks)


def _read_facts(read: LogRead) -> dict[str, Any]:
    return {
        "log": str(read.log),
        "size": read.size,
        "quorum_size": read.quorum_size,
        "fresh_time": None if read.fresh_time is None else format_time(read.fresh_time),
        "forked": read.is_forked,
        "stalled": read.is_stalled,
        "own": read.is_own,
    }


def _bad(message: str) -> PeerFault:
    return PeerFault(Reason.BAD_PROOF, message)
