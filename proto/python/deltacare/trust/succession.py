"""Whether one statement of the federation may follow another: numbered rules, all findings at once.

Signatures say that enough provinces wanted a statement; these rules say what even they do not do,
because others rest on it: nothing that was signed loses its key, no key speaks of a time before it
was known, no account changes overnight. The office's tools apply them before anybody signs, and
every node before it believes. Whoever judges by a clock brings the time along; there is none here.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from deltacare.errors import PeerFault, Reason
from deltacare.times import format_time
from deltacare.trust.federation import Federation
from deltacare.trust.members import Member, key_names, suite_key_names
from deltacare.trust.terms import KeyTerm, SuiteTerm, Term

__all__ = [
    "ACCOUNT_NOTICE_S",
    "RULES",
    "Finding",
    "check_at_node",
    "check_at_office",
    "check_succession",
    "require_none",
    "require_succession",
]

ACCOUNT_NOTICE_S = 86_400
"""Seconds between a statement and the first instant at which a new account of it counts."""

SEEN_NOTICE_S = 82_800
"""Seconds between the first that a node sees of a new account and that instant: an hour less."""

ISSUED_AHEAD_S_MAX = 300
"""Seconds by which a statement may be issued after the present instant: clocks differ a little."""

ISSUED_AGE_S_MAX = 3_600
"""Seconds after its issue within which a statement's own time is taken for that of signing it."""

RULES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "T01": ("版本号恰好加一。", "The version rises by one."),
        "T02": ("签发时间不早于上一版。", "It is not issued before the one it follows."),
        "T03": (
            "联盟名称、开业日期与成员仅在更换根密钥版本时可变。",
            "Name, opening date and members change only together with root.",
        ),
        "T04": (
            "登记日志的联签家数仅在更换根密钥版本时可减少。",
            "The quorum of registry logs falls only together with root.",
        ),
        "T05": (
            "密钥只增不减，起始时间不变。",
            "Keys are only added; none leaves or begins at another time.",
        ),
        "T06": (
            "密钥有效期只可缩短，且不得缩短到签发之前。",
            "A key's window is only shortened, and not into the past.",
        ),
        "T07": (
            "失信声明不得撤回、推迟或指向未来。",
            "A taint is never withdrawn, postponed, or set in the future.",
        ),
        "T08": (
            "新密钥不得早于签发时间生效。",
            "A new key begins no earlier than the statement is issued.",
        ),
        "T09": (
            "同名密钥首尾相接，最后一把没有终止时间。",
            "Keys of one name leave no gap, and the last has no end.",
        ),
        "T10": (
            "已有账户不变；新账户在签发至少 24 小时后生效。",
            "Accounts stay; a new one begins at least 24 hours after the statement is issued.",
        ),
        "T11": ("已吊销的证书序列号不得恢复。", "A revoked serial number stays revoked."),
        "T12": (
            "签发时间不得晚于本机时钟五分钟以上。",
            "It is issued at most five minutes after what this machine's clock says.",
        ),
        "T13": (
            "新账户须在办公室签署、节点首次见到之后约一天方生效。",
            "A new account begins about a day after people and nodes first see it.",
        ),
    }
)
"""Each rule in Chinese and English."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One breach of a rule.

    Attributes:
        rule: Such as ``T05``.
        where: Path of what breaks it.
        value: What stands there; nothing secret stands in a statement.
    """

    rule: str
    where: str
    value: str

    def __str__(self) -> str:
        return f"{self.rule} {self.where} ({self.value}): {RULES[self.rule][1]}"


def check_succession(
    old: Federation, new: Federation, *, root_changed: bool = False
) -> tuple[Finding, ...]:
    """Return every breach; empty if the one may follow the other.

    Args:
        old: What counts.
        new: What shall follow it.
        root_changed: Whether the new one stands under another root version.
    """
    found = [finding for rule in _RULES for finding in rule(old, new)]
    if not root_changed:
        found.extend(_needs_root(old, new))
    return tuple(sorted(found, key=lambda finding: (finding.rule, finding.where)))


def require_succession(old: Federation, new: Federation, *, root_changed: bool = False) -> None:
    """Refuse a statement that may not follow another.

    Raises:
        PeerFault: ``BAD_METADATA``, naming the first rule that is broken and how many are.
    """
    require_none(check_succession(old, new, root_changed=root_changed), old, new)


def check_at_office(old: Federation | None, new: Federation, *, now: datetime) -> list[Finding]:
    """Return what speaks against signing or publishing a statement now.

    Three offices with right clocks are worth no more than the time that the proposer wrote, unless
    each compares it with its own: a statement of the future would forbid every later one until
    then, and one of the past would let an account count at once.

    Args:
        old: What counts; ``None`` for a first statement.
        new: What shall follow it.
        now: The present instant.
    """
    is_fresh = now - new.issued_time <= timedelta(seconds=ISSUED_AGE_S_MAX)
    notice = timedelta(0) if is_fresh else timedelta(seconds=ACCOUNT_NOTICE_S)
    return [*_ahead(new, now), *_unnoticed(old, new, now + notice)]


def check_at_node(old: Federation | None, new: Federation, *, now: datetime) -> list[Finding]:
    """Return what speaks against believing a statement that a node sees for the first time now.

    Args:
        old: The one before it; ``None`` for a first statement.
        new: The statement.
        now: The present instant.
    """
    seen = now + timedelta(seconds=SEEN_NOTICE_S)
    return [*_ahead(new, now), *_unnoticed(old, new, seen)]


def require_none(found: Sequence[Finding], old: Federation | None, new: Federation) -> None:
    """Refuse a statement of which there are findings.

    Raises:
        PeerFault: ``BAD_METADATA``, naming the first rule that is broken and how many are.
    """
    if found:
        opening = "This may not follow what counts"
        if old is not None:
            opening = f"Statement {new.version} may not follow statement {old.version}"
        raise PeerFault(
            Reason.BAD_METADATA,
            f"{opening}: {found[0]}",
            details={
                "fault": "SUCCESSION",
                "rules": ", ".join(sorted({finding.rule for finding in found})),
                "findings": str(len(found)),
            },
        )


def _header(old: Federation, new: Federation) -> Iterator[Finding]:
    if new.version != old.version + 1:
        yield Finding(rule="T01", where="version", value=str(new.version))
    if new.issued_time < old.issued_time:
        yield Finding(rule="T02", where="issued_time", value=format_time(new.issued_time))


def _needs_root(old: Federation, new: Federation) -> Iterator[Finding]:
    for name in ("federation", "opening_date", "provinces"):
        if getattr(old, name) != getattr(new, name):
            yield Finding(rule="T03", where=name, value=str(getattr(new, name)))
    if new.registry_quorum < old.registry_quorum:
        yield Finding(rule="T04", where="registry_quorum", value=str(new.registry_quorum))


def _keys(old: Federation, new: Federation) -> Iterator[Finding]:
    for before, after, where in _pairs(old, new):
        names = key_names(after.province, new.provinces)
        place = f"{where}.keys"
        yield from _terms(_named(before.keys, names), _named(after.keys), new, place)
        yield from _gaps(after, where)


def _suite_keys(old: Federation, new: Federation) -> Iterator[Finding]:
    """Yield what is wrong with keys of the second suite; nobody owes one, so gaps are none."""
    for before, after, where in _pairs(old, new):
        names = suite_key_names(after.province, new.provinces)
        place = f"{where}.suite_keys"
        yield from _terms(_named(before.suite_keys, names), _named(after.suite_keys), new, place)


def _named(
    terms: Iterable[KeyTerm] | Iterable[SuiteTerm], names: Container[str] | None = None
) -> dict[str, Term]:
    """Return windows by their whole key, without logs that end with a member who leaves."""
    return {term.key.to_text(): term for term in terms if names is None or term.key.name in names}


def _terms(
    old: Mapping[str, Term], terms: Mapping[str, Term], new: Federation, where: str
) -> Iterator[Finding]:
    """Yield what is wrong with how keys of one suite changed."""
    for key, term in old.items():
        place = f"{where}[{_label(key)}]"
        same = terms.get(key)
        if same is None or same.from_time != term.from_time:
            yield Finding(rule="T05", where=place, value="gone" if same is None else "moved")
        else:
            yield from _window(term, same, new, place)
    for key, term in terms.items():
        if key not in old and term.from_time < new.issued_time:
            yield Finding(
                rule="T08",
                where=f"{where}[{_label(key)}].from_time",
                value=format_time(term.from_time),
            )


def _window(old: Term, new: Term, statement: Federation, place: str) -> Iterator[Finding]:
    """Yield what is wrong with how a key's window and taint changed."""
    if new.until_time != old.until_time:
        is_longer = new.until_time is None or (
            old.until_time is not None and new.until_time > old.until_time
        )
        if is_longer or (new.until_time is not None and new.until_time < statement.issued_time):
            value = "open" if new.until_time is None else format_time(new.until_time)
            yield Finding(rule="T06", where=f"{place}.until_time", value=value)
    if new.tainted_time != old.tainted_time:
        is_later = old.tainted_time is not None and (
            new.tainted_time is None or new.tainted_time > old.tainted_time
        )
        if is_later or (new.tainted_time or statement.issued_time) > statement.issued_time:
            value = "none" if new.tainted_time is None else format_time(new.tainted_time)
            yield Finding(rule="T07", where=f"{place}.tainted_time", value=value)


def _gaps(member: Member, where: str) -> Iterator[Finding]:
    """Yield the names whose keys do not follow each other without a gap, to one that is good.

    Of the keys before it a bad one fills its time like any other: what it was is past.
    """
    for name in dict.fromkeys(term.key.name for term in member.keys):
        terms = member.terms(name)
        ends = [term.until_time for term in terms]
        holds = any(term.until_time is None and not term.is_tainted for term in terms)
        for index, following in enumerate(terms[1:], start=1):
            reached = ends[:index]
            holds &= any(end is None or end >= following.from_time for end in reached)
        if not holds:
            yield Finding(rule="T09", where=f"{where}.keys", value=name)


def _accounts(old: Federation, new: Federation) -> Iterator[Finding]:
    for before, after, where in _pairs(old, new):
        for account in before.accounts:
            if account not in after.accounts:
                yield Finding(
                    rule="T10", where=f"{where}.accounts", value=format_time(account.from_time)
                )
        earliest = new.issued_time + timedelta(seconds=ACCOUNT_NOTICE_S)
        for account in after.accounts:
            if account not in before.accounts and account.from_time < earliest:
                yield Finding(
                    rule="T10",
                    where=f"{where}.accounts.from_time",
                    value=format_time(account.from_time),
                )


def _ahead(new: Federation, now: datetime) -> Iterator[Finding]:
    if new.issued_time > now + timedelta(seconds=ISSUED_AHEAD_S_MAX):
        yield Finding(rule="T12", where="issued_time", value=format_time(new.issued_time))


def _unnoticed(old: Federation | None, new: Federation, earliest: datetime) -> Iterator[Finding]:
    """Yield the new accounts that begin before an instant."""
    for before, after, where in _pairs(old, new) if old is not None else ():
        for account in after.accounts:
            if account not in before.accounts and account.from_time < earliest:
                yield Finding(
                    rule="T13",
                    where=f"{where}.accounts.from_time",
                    value=format_time(account.from_time),
                )


def _serials(old: Federation, new: Federation) -> Iterator[Finding]:
    for before, after, where in _pairs(old, new):
        for serial in sorted(set(before.revoked_serials) - set(after.revoked_serials)):
            yield Finding(rule="T11", where=f"{where}.revoked_serials", value=serial)


def _pairs(old: Federation, new: Federation) -> Iterator[tuple[Member, Member, str]]:
    """Yield each member that stands in both, and its path."""
    for province in old.provinces:
        if province in new.provinces:
            yield old.member(province), new.member(province), f"members[{province}]"


def _label(key: str) -> str:
    """Return a key's name and id; what follows them is too long to be read."""
    name, key_id, _ = key.split("+", 2)
    return f"{name}+{key_id}"


_RULES: tuple[Callable[[Federation, Federation], Iterator[Finding]], ...] = (
    _header,
    _keys,
    _suite_keys,
    _accounts,
    _serials,
)
