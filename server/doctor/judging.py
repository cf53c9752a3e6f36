"""Puts together what was gathered of the node and its partners, and has each check judge its part.

Pure: whatever was asked has been asked before, and the present instant is given.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from clients.cli.failures import failure_words
from clients.federation.store import TIMESTAMP_FILE
from clients.language import using_language
from deltacare.errors import DeltacareError, PeerFault, Reason
from deltacare.ids import LogName
from deltacare.tlog.opening import open_checkpoint
from deltacare.trust.federation import Federation
from deltacare.trust.members import witness_key_name
from server.doctor.asking import NodeAnswer, PartnerAnswer
from server.doctor.certificates import CertificateSeen, check_certificate
from server.doctor.clock import ClockReading, check_clock
from server.doctor.files import Installed
from server.doctor.findings import Check, Finding, Level, Side, well
from server.doctor.logs import (
    HeldLog,
    check_cosignatures,
    check_history,
    check_own_word,
)
from server.doctor.reach import check_stream, check_way_in, check_way_out
from server.doctor.trust import TrustSeen, check_trust

__all__ = ["Gathered", "damaged_key", "judge"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What was found of a node and its partners.

    Attributes:
        directory: Of the node.
        own: Its province.
        holder: The process that serves it; 0 if none does.
        trust: What is installed; ``None`` if nothing can be used.
        trust_failure: Why not; ``None`` if it can.
        caller_failure: Why partners were not called; ``None`` if they were.
        node: What the running node answered.
        partners: What its partners answered.
        held: Its logs.
    """

    directory: str
    own: str
    holder: int
    trust: Installed | None
    trust_failure: DeltacareError | None
    caller_failure: DeltacareError | None
    node: NodeAnswer
    partners: Sequence[PartnerAnswer]
    held: Sequence[HeldLog]

    @property
    def is_running(self) -> bool:
        """Whether the node answered."""
        return self.node.failure is None


def judge(seen: Gathered, *, now: datetime) -> list[Finding]:
    """Return every line that rests on the node's and its partners' answers.

    Args:
        seen: What was gathered.
        now: The present instant.
    """
    found = [_node(seen), *check_trust(_trust(seen), directory=seen.directory, now=now)]
    if seen.trust is None:
        return found
    federation = seen.trust.statement.federation
    found.extend(check_clock(list(_readings(seen.partners))))
    if seen.caller_failure is not None:
        found.append(_not_called(seen.caller_failure))
    for answer in seen.partners:
        found.extend(_partner_certificates(answer, federation, now))
        found.append(check_way_out(answer.way, directory=seen.directory))
        if answer.status is not None:
            found.extend(_ways(seen, answer, federation, now))
            found.extend(_histories(seen, answer, federation, now))
    found.extend(_unconfirmed(seen))
    for held in seen.held:
        found.extend(check_own_word(held, directory=seen.directory))
    found.extend(_cosignatures(seen, federation, now))
    return found


def damaged_key(error: DeltacareError) -> Finding:
    """Return that a key file is not what it should be."""
    violation = error.violations[0] if error.violations else None
    return Finding(
        check=Check.KEYS,
        level=Level.BAD,
        code="KEY_FILE_DAMAGED",
        subject=violation.value if violation is not None else "",
        side=Side.OURS,
        zh="密钥文件损坏或放错了位置。",
        en="The file does not hold the key that belongs there.",
        remedy=f"cp BACKUP {violation.value}" if violation is not None else "cp BACKUP FILE",
    )


def _node(seen: Gathered) -> Finding:
    """Return whether the node runs and answers."""
    failure = seen.node.failure
    if failure is None:
        return well(
            Check.NODE,
            f"{seen.own} 的节点在运行并应答。",
            f"The node of {seen.own} runs and answers.",
        )
    if failure.reason not in {Reason.PEER_UNREACHABLE, Reason.DEADLINE_EXCEEDED}:
        return _bad_node(
            "NODE_NOT_ASKED",
            f"不能询问本节点：{_told(failure, 'zh')}",
            f"The node could not be asked: {_told(failure, 'en')}",
            "export DELTACARE_KEY_PASSPHRASE_FILE=FILE"
            if any(each.field == "passphrase" for each in failure.violations)
            else f"deltacare node client {seen.directory} --role administrator",
        )
    if seen.holder:
        return _bad_node(
            "NODE_SILENT",
            f"进程 {seen.holder} 占用此目录，但不应答。",
            f"Process {seen.holder} serves this directory and does not answer.",
            f"ps -fp {seen.holder} && ss -ltnp | grep {seen.holder}",
        )
    return _bad_node(
        "NODE_DOWN",
        "节点没有运行。",
        "The node does not run.",
        f"deltacare node serve {seen.directory}",
    )


def _bad_node(code: str, zh: str, en: str, remedy: str) -> Finding:
    return Finding(
        check=Check.NODE,
        level=Level.BAD,
        code=code,
        side=Side.OURS,
        zh=zh,
        en=en,
        remedy=remedy,
    )


def _not_called(failure: DeltacareError) -> Finding:
    """Return that partners were seen and not called, because our own key cannot be read."""
    is_passphrase = any(each.field == "passphrase" for each in failure.violations)
    return Finding(
        check=Check.REACHABILITY,
        level=Level.WARN,
        code="PARTNERS_NOT_CALLED",
        side=Side.OURS,
        zh="不能打开节点证书的私钥，只看了伙伴的证书，没有调用：" + _told(failure, "zh"),
        en="The key of the node's certificate cannot be opened: partners were seen, not called. "
        + _told(failure, "en"),
        remedy="export DELTACARE_KEY_PASSPHRASE_FILE=FILE"
        if is_passphrase
        else "cp BACKUP keys/tls.key",
    )


def _told(failure: DeltacareError, language: str) -> str:
    """Return why something failed, as the program says it anywhere."""
    with using_language(language):
        return failure_words(failure)


def _trust(seen: Gathered) -> TrustSeen:
    """Return what is known of the node's trust: from its files, and from itself if it runs."""
    partners = {
        answer.province: answer.status.trust_version
        for answer in seen.partners
        if answer.status is not None
    }
    silent = tuple(answer.province for answer in seen.partners if answer.way.failure is not None)
    status = seen.node.status
    if seen.trust is None:
        failure = seen.trust_failure
        assert failure is not None, "nothing is installed for a reason"
        return TrustSeen(
            failure=_told(failure, "en"),
            failure_zh=_told(failure, "zh"),
            is_timestamp=any(each.value.endswith(TIMESTAMP_FILE) for each in failure.violations),
        )
    timestamp = seen.trust.timestamp
    return TrustSeen(
        version=seen.trust.statement.federation.version,
        installed_version=seen.trust.newest_version,
        node_version=status.newest_snapshot_version if status is not None else None,
        expires=seen.trust.expires,
        timestamp_hour=timestamp.hour if timestamp is not None else None,
        timestamp_expires=timestamp.expires if timestamp is not None else None,
        is_running=seen.is_running,
        refreshed=_time(status.refreshed_time)
        if status is not None and status.HasField("refreshed_time")
        else None,
        pending_time=_time(status.pending_time)
        if status is not None and status.HasField("pending_time")
        else None,
        partners=partners,
        silent=silent if len(silent) == len(seen.partners) else (),
        problems=tuple((each.code, each.text.zh, each.text.en) for each in status.problems)
        if status is not None
        else (),
    )


def _readings(partners: Sequence[PartnerAnswer]) -> Iterator[ClockReading]:
    """Yield what each partner's answer says of the clocks."""
    for answer in partners:
        if answer.status is not None and answer.status.HasField("now_time"):
            yield ClockReading.of_statement(
                answer.province,
                _time(answer.status.now_time),
                asked=answer.asked,
                answered=answer.answered,
            )


def _partner_certificates(
    answer: PartnerAnswer, federation: Federation, now: datetime
) -> Iterator[Finding]:
    """Yield how a partner's certificate is, as its server showed it; nothing if it showed none."""
    if not answer.certificate_pem:
        return
    member = federation.member(answer.province)
    yield check_certificate(
        CertificateSeen(
            subject=f"{answer.province} ({answer.way.endpoint})",
            pem=answer.certificate_pem,
            issuers_pem=member.ca_pem.encode(),
            revoked_serials=member.revoked_serials,
            side=Side.PARTNER,
            province=answer.province,
            remedy="deltacare node certificate renew DIR",
        ),
        now=now,
    )


def _ways(
    seen: Gathered, answer: PartnerAnswer, federation: Federation, now: datetime
) -> Iterator[Finding]:
    """Yield whether a partner hears us, and whether our node follows it."""
    own_log = LogName.registry(seen.own)
    made = next((held.fresh_time for held in seen.held if held.log == own_log), None)
    yield check_way_in(
        answer.province,
        heard=_heard(seen.own, answer, federation, now),
        # A node without entries signs none, and answers partners all the same.
        made=now if made is None and seen.is_running else made,
        is_running=seen.is_running,
        our_endpoint=federation.member(seen.own).endpoint,
        directory=seen.directory,
        now=now,
    )
    for health in seen.node.health.partners if seen.node.health is not None else ():
        if health.province == answer.province:
            has_time = health.HasField("last_contact_time")
            stream = check_stream(
                answer.province,
                is_connected=health.connected,
                last_contact=_time(health.last_contact_time) if has_time else None,
                now=now,
                directory=seen.directory,
            )
            if stream is not None:
                yield stream


def _heard(
    own: str, answer: PartnerAnswer, federation: Federation, now: datetime
) -> datetime | None:
    """Return when a partner last heard of us: as it says, and as our own signature there says."""
    assert answer.status is not None, "it answered"
    times = [
        _time(partner.answered_time)
        for partner in answer.status.partners
        if partner.province == own and partner.HasField("answered_time")
    ]
    log = LogName.registry(own)
    for shown in answer.shown:
        if shown.log == log and shown.note is not None:
            try:
                opened = open_checkpoint(shown.note, log=log, trust=federation, now=now)
            except PeerFault:
                continue  # another check says so
            times += [c.time for c in opened.cosignatures if c.key.name == witness_key_name(own)]
    return max(times, default=None)


def _histories(
    seen: Gathered, answer: PartnerAnswer, federation: Federation, now: datetime
) -> list[Finding]:
    """Return how the logs that a partner shows compare with ours: one line if all are well."""
    by_name = {held.log: held for held in seen.held}
    found = [
        check_history(
            answer.province,
            by_name[shown.log],
            shown,
            own=seen.own,
            trust=federation,
            now=now,
            directory=seen.directory,
        )
        for shown in answer.shown
    ]
    wrong = [finding for finding in found if finding.level is not Level.OK]
    if wrong or not found:
        return wrong
    return [
        well(
            Check.LOGS,
            f"与 {answer.province} 共有的 {len(found)} 个日志均为同一历史。",
            f"The {len(found)} logs shared with {answer.province} are one history each.",
            subject=f"↔ {answer.province}",
            province=answer.province,
        )
    ]


def _cosignatures(seen: Gathered, federation: Federation, now: datetime) -> Iterator[Finding]:
    """Yield how old the cosignatures of each log are; logs without an entry share a line."""
    for held in seen.held:
        if held.size:
            yield check_cosignatures(
                held,
                own=seen.own,
                trust=federation,
                is_running=seen.is_running,
                now=now,
                directory=seen.directory,
            )
    empty = sum(not held.size for held in seen.held)
    if empty:
        yield well(Check.COSIGNATURES, f"{empty} 个日志为空。", f"{empty} logs are empty.")


def _unconfirmed(seen: Gathered) -> Iterator[Finding]:
    """Yield the own logs that may not be written, because partners did not confirm their ends."""
    if seen.node.health is None or not seen.node.health.unconfirmed_logs:
        return
    silent = [answer.province for answer in seen.partners if answer.way.failure is not None]
    logs = seen.node.health.unconfirmed_logs
    names = ", ".join(log.removeprefix(f"deltacare/{seen.own}/") for log in logs)
    yield Finding(
        check=Check.LOGS,
        level=Level.BAD,
        code="LOG_NOT_CONFIRMED",
        subject=names,
        side=Side.PARTNER if silent else Side.OURS,
        province=silent[0] if silent else "",
        zh="伙伴尚未确认这些日志的末端，本节点只读不写。",
        en="Partners have not confirmed where these logs end: the node reads and does not write.",
        remedy=f"deltacare node status {seen.directory}"
        if not silent
        else "deltacare node serve DIR",
    )


def _time(stamp: Timestamp) -> datetime:
    return stamp.ToDatetime(tzinfo=UTC)
