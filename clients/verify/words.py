"""What an entry says, in a sentence: for people who hold a receipt and no program of ours.

A rendering of what was verified. Codes, numbers and dates are the entry's own; nothing is judged.
"""

from collections.abc import Callable, Mapping
from typing import Any

from clients.language import tr
from clients.plain import enum_name
from deltacare.errors import PeerFault, Reason, Refusal
from deltacare.money import format_yuan
from deltacare.times import format_time, from_posix_s
from deltacare.v1.entry_pb2 import Entry

__all__ = ["body_of", "entry_words", "read_entry"]


def read_entry(data: bytes) -> Entry:
    """Return what an entry's bytes say.

    Raises:
        PeerFault: ``BAD_PROOF``, if they are no entry that this version can read.
    """
    from google.protobuf.message import DecodeError

    try:
        entry = Entry.FromString(data)
    except DecodeError:
        raise PeerFault(Reason.BAD_PROOF, "The entry's bytes are no entry of deltacare.") from None
    if entry.WhichOneof("body") is None:
        raise PeerFault(
            Reason.BAD_PROOF,
            "The entry says nothing that this version can read. A newer version may.",
        )
    return entry


def body_of(entry: Entry) -> tuple[str, Any]:
    """Return the name of an entry's body, and the body."""
    name = entry.WhichOneof("body")
    assert name is not None, "an entry that was read says something"
    return name, getattr(entry, name)


def entry_words(entry: Entry) -> tuple[str, ...]:
    """Return what an entry says, and who answers for it, in the language of the run."""
    name, body = body_of(entry)
    say = _WORDS.get(name)
    first = say(body) if say is not None else tr(f"条目 {name}", f"An entry: {name}")
    lines = [first]
    if entry.HasField("entry_time"):
        lines.append(tr("入日志 ", "logged at ") + _moment(entry.entry_time.seconds))
    if entry.maker or entry.reviewer:
        lines.append(
            tr(
                f"经办 {entry.maker}，复核 {entry.reviewer or '无'}",
                f"made by {entry.maker}, reviewed by {entry.reviewer or 'nobody'}",
            )
        )
    return tuple(lines)


def _moment(seconds: int) -> str:
    """Return an instant that an author stated; anything may stand there."""
    try:
        return format_time(from_posix_s(seconds))
    except Refusal:
        return str(seconds)


def _span(from_date: str, until_date: str) -> str:
    return tr(
        f"{from_date} 起至 {until_date}" if until_date else f"{from_date} 起",
        f"from {from_date} until {until_date}" if until_date else f"from {from_date}",
    )


def _certificate(body: Any) -> str:  # noqa: ANN401  # a body
    until = _span(body.valid_from_date, body.valid_until_date)
    about = body.institution_id or tr("护理员", "a caregiver")
    return tr(
        f"签发证书 {body.certificate_no}（{about}，{body.scheme} {body.grade}），{until}",
        f"Issues certificate {body.certificate_no} ({about}, {body.scheme} {body.grade}), {until}",
    )


def _renewal(body: Any) -> str:  # noqa: ANN401  # a body
    return tr(
        f"证书 {body.certificate_no} 续期至 {body.valid_until_date}",
        f"Renews certificate {body.certificate_no} until {body.valid_until_date}",
    )


def _suspension(body: Any) -> str:  # noqa: ANN401  # a body
    span = _span(body.effective_date, body.until_date)
    return tr(
        f"暂停证书 {body.certificate_no}，{span}，事由 {body.reason}",
        f"Suspends certificate {body.certificate_no} {span}, reason {body.reason}",
    )


def _dated(zh: str, en: str) -> Callable[[Any], str]:
    def say(body: Any) -> str:  # noqa: ANN401  # a body
        day = body.effective_date
        return tr(
            f"{zh} {body.certificate_no}，自 {day}，事由 {body.reason}",
            f"{en} {body.certificate_no} from {day}, reason {body.reason}",
        )

    return say


def _equivalence(body: Any) -> str:  # noqa: ANN401  # a body
    grades = "/".join(body.grades)
    span = _span(body.from_date, body.until_date)
    return tr(
        f"互认规则 {body.equivalence_id}：{body.issuer} 的 {body.scheme} {grades} 在本地视同 "
        f"{body.mapped_scheme} {body.mapped_grade}，{span}，依据协议 {body.agreement_id}",
        f"Equivalence {body.equivalence_id}: {body.scheme} {grades} of {body.issuer} count here as "
        f"{body.mapped_scheme} {body.mapped_grade} {span}, by agreement {body.agreement_id}",
    )


def _equivalence_end(body: Any) -> str:  # noqa: ANN401  # a body
    return tr(
        f"互认规则 {body.equivalence_id} 自 {body.effective_date} 终止，事由 {body.reason}",
        f"Ends equivalence {body.equivalence_id} from {body.effective_date}, reason {body.reason}",
    )


def _agreement(body: Any) -> str:  # noqa: ANN401  # a body
    parties, span = " ".join(body.parties), _span(body.from_date, body.until_date)
    return tr(
        f"提出并接受协议 {body.agreement_id}，各方 {parties}，{span}",
        f"Proposes and accepts agreement {body.agreement_id} of {parties}, {span}",
    )


def _agreement_answer(body: Any) -> str:  # noqa: ANN401  # a body
    version = body.version_hash.hex()[:16]
    if enum_name(body, "word") == "ENDED":
        return tr(
            f"自 {body.effective_date} 起终止协议 {body.agreement_id} 的版本 {version}… "
            f"及此前各版本，事由 {body.reason}",
            f"Ends version {version}… of agreement {body.agreement_id} and all before it from "
            f"{body.effective_date}, reason {body.reason}",
        )
    return tr(
        f"接受协议 {body.agreement_id} 的版本 {version}…",
        f"Accepts version {version}… of agreement {body.agreement_id}",
    )


def _pair_result(body: Any) -> str:  # noqa: ANN401  # a body
    lower, higher = format_yuan(body.lower_pays_fen), format_yuan(body.higher_pays_fen)
    return tr(
        f"{body.lower} 与 {body.higher} {body.business_date} 第 {body.attempt} 次对账："
        f"{body.lower} 应付 {lower} 元，{body.higher} 应付 {higher} 元，"
        f"明细摘要 {body.digest.hex()[:16]}…",
        f"Night {body.business_date} of {body.lower} and {body.higher}, attempt {body.attempt}: "
        f"{body.lower} pays {lower} yuan, {body.higher} pays {higher} yuan, "
        f"digest of lines {body.digest.hex()[:16]}…",
    )


def _statement(body: Any) -> str:  # noqa: ANN401  # a body
    total = format_yuan(sum(flow.amount_fen for flow in body.payments))
    return tr(
        f"清算单 {body.statement_id}，{body.from_date} 至 {body.until_date}，"
        f"{len(body.payments)} 笔付款，共 {total} 元",
        f"Statement {body.statement_id}, {body.from_date} to {body.until_date}: "
        f"{len(body.payments)} payments, {total} yuan in all",
    )


def _statement_answer(body: Any) -> str:  # noqa: ANN401  # a body
    refused = enum_name(body, "word") == "REFUSED"
    zh, en = ("拒绝", "Refuses") if refused else ("批准", "Approves")
    hash_ = body.statement_hash.hex()[:16]
    return tr(f"{zh}摘要为 {hash_}… 的清算单", f"{en} the statement with hash {hash_}…")


def _approval_key(body: Any) -> str:  # noqa: ANN401  # a body
    if body.until_date and body.until_date < body.from_date:
        return tr(
            f"撤回 {body.principal} 的批准密钥 {body.key_id}",
            f"Withdraws the key {body.key_id} of {body.principal} for approvals",
        )
    span = _span(body.from_date, body.until_date)
    return tr(
        f"{body.principal} 的批准密钥 {body.key_id}（{body.algorithm}），{span}",
        f"A key of {body.principal} for approvals: {body.key_id} ({body.algorithm}), {span}",
    )


def _advance(body: Any) -> str:  # noqa: ANN401  # a body
    fen = format_yuan(body.amount_fen)
    return tr(
        f"预付金 {body.advance_id}：付 {body.payee} {fen} 元",
        f"Advance {body.advance_id}: {fen} yuan to {body.payee}",
    )


def _record(body: Any) -> str:  # noqa: ANN401  # a body
    fen = format_yuan(body.amount_fen)
    return tr(
        f"结算记录 {body.settlement_no}：{body.home} 付 {body.host} {fen} 元，"
        f"{body.subsidy_kind} {body.service_month}，{body.service_days} 天，"
        f"机构 {body.institution}",
        f"Settlement {body.settlement_no}: {body.home} pays {body.host} {fen} yuan for "
        f"{body.subsidy_kind} in {body.service_month}, {body.service_days} days at "
        f"{body.institution}",
    )


def _reversal(body: Any) -> str:  # noqa: ANN401  # a body
    return tr(
        f"冲正 {body.settlement_no}（{body.home} 付 {body.host}），事由 {body.reason}",
        f"Reverses settlement {body.settlement_no} ({body.home} pays {body.host}), "
        f"reason {body.reason}",
    )


def _day_close(body: Any) -> str:  # noqa: ANN401  # a body
    return tr(f"日切 {body.business_date}", f"Closes business date {body.business_date}")


_STATES = {
    "OPERATING": ("运营", "operating"),
    "SUSPENDED": ("暂停服务", "suspended"),
    "CLOSED": ("关闭", "closed"),
}


def _institution(body: Any) -> str:  # noqa: ANN401  # a body
    state = enum_name(body, "state")
    zh, en = _STATES.get(state, (state, state))
    day = body.state_date
    return tr(
        f"机构 {body.institution_id} {body.name}，核定床位 {body.approved_beds}，"
        f"{f'自 {day} 起' if day else ''}{zh}",
        f"Institution {body.institution_id} {body.name}, {body.approved_beds} beds, "
        f"{en}{f' from {day}' if day else ''}",
    )


def _listing(body: Any) -> str:  # noqa: ANN401  # a body
    count, span = len(body.institution_ids), _span(body.from_date, body.until_date)
    return tr(
        f"异地养老机构名单 {body.listing_id}，{count} 家，{span}",
        f"Listing {body.listing_id} of {count} institutions, {span}",
    )


_WORDS: Mapping[str, Callable[[Any], str]] = {
    "advance": _advance,
    "agreement": _agreement,
    "agreement_answer": _agreement_answer,
    "approval_key": _approval_key,
    "certificate": _certificate,
    "certificate_reinstatement": _dated("恢复证书", "Reinstates certificate"),
    "certificate_renewal": _renewal,
    "certificate_revocation": _dated("撤销证书", "Revokes certificate"),
    "certificate_suspension": _suspension,
    "day_close": _day_close,
    "equivalence": _equivalence,
    "equivalence_end": _equivalence_end,
    "institution": _institution,
    "listing": _listing,
    "pair_result": _pair_result,
    "recognition_resumption": _dated("恢复互认证书", "Recognises again certificate"),
    "recognition_suspension": _dated("暂停互认证书", "Stops recognising certificate"),
    "reversal": _reversal,
    "settlement_record": _record,
    "statement": _statement,
    "statement_answer": _statement_answer,
}
