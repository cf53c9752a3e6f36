"""How a statement comes to be proposed: from cards the first time, from what counts afterwards.

Pure on values and bytes; who signs, and in what order people carry the file, is theirs. A later
proposal changes only what it is told to, never loses a key, and is checked by the rules of
succession before anybody sees it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TypeVar

from clients.federation.cards import MemberCard, OfficeCard
from clients.federation.proposal import Proposal, StatementFiles
from deltacare.errors import DeltacareError, Reason, Refusal, invalid_field
from deltacare.times import require_utc
from deltacare.trust import Account, Federation, KeyTerm, Member, SuiteTerm
from deltacare.trust.roles import (
    Root,
    RootKey,
    new_root,
    new_snapshot,
    new_targets,
    open_snapshot,
    target_hashes,
    verify_root_chain,
    verify_statement,
)

__all__ = ["Base", "Changes", "KeyInstant", "open_base", "propose_first", "propose_next"]

FEDERATION_NAME = "deltacare"

T = TypeVar("T", KeyTerm, SuiteTerm)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyInstant:
    """A key, and an instant that is declared of it.

    Attributes:
        key_id: Eight hexadecimal digits, as in the key's text.
        time: The instant.
    """

    key_id: str
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a later statement changes.

    Attributes:
        cards: Of members whose endpoint, CA or keys changed.
        offices: Cards of offices whose root key takes the place of the present one.
        taints: Keys declared bad from an instant.
        retires: Keys whose window ends at an instant.
        revoked: Serial numbers in hex, by province.
        accounts: New accounts, by province.
        schemes: Certificate schemes that a member may issue under from now on, by province.
    """

    cards: Sequence[MemberCard] = ()
    offices: Sequence[OfficeCard] = ()
    taints: Sequence[KeyInstant] = ()
    retires: Sequence[KeyInstant] = ()
    revoked: Sequence[tuple[str, str]] = ()
    accounts: Sequence[tuple[str, Account]] = ()
    schemes: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What counts, verified: the ground of a later proposal.

    Attributes:
        roots: Every root, from the first to that of the statement.
        root: The last of them.
        statement: Its files.
        federation: What it states.
    """

    roots: tuple[bytes, ...]
    root: Root
    statement: StatementFiles
    federation: Federation


def propose_first(
    offices: Iterable[OfficeCard],
    cards: Iterable[MemberCard],
    *,
    opening_date: date,
    now: datetime,
    name: str = FEDERATION_NAME,
    registry_quorum: int = 2,
    accounts: Iterable[tuple[str, Account]] = (),
) -> Proposal:
    """Return the proposal of the first root and the first statement.

    Args:
        offices: Cards of every province's office.
        cards: Cards of every province's node.
        opening_date: The first business date that settlement logs close.
        now: The present instant.
        name: Of the federation.
        registry_quorum: How many partners must cosign a registry log.
        accounts: Into which others pay, by province; nobody was paid elsewhere before, so they may
            begin at any time.

    Raises:
        Refusal: ``INVALID_FIELD``, if the cards do not fit together, or there is no such member.
        PeerFault: ``BAD_METADATA``, if a key stands on two of them.
    """
    members = {card.province: card for card in cards}
    roots = {card.province: card for card in offices}
    if members.keys() != roots.keys():
        lacking = ", ".join(sorted(members.keys() ^ roots.keys()))
        raise invalid_field(
            "card",
            lacking,
            "Not every province has both cards.",
            "Give --office-card and --member.",
        )
    stated = {province: card.member for province, card in members.items()}
    for province, account in accounts:
        _add_account(stated, province, account)
    federation = Federation(
        federation=name,
        version=1,
        issued_time=require_utc(now).replace(microsecond=0),
        opening_date=opening_date,
        registry_quorum=registry_quorum,
        members=tuple(stated[province] for province in sorted(stated)),
    )
    root = new_root(
        [
            RootKey(
                province=province,
                root=roots[province].root,
                timestamp=members[province].timestamp,
            )
            for province in sorted(members)
        ],
        version=1,
        now=now,
    )
    return Proposal(
        roots=(root,), statement=_statement(federation, root_version=1, now=now), previous=None
    )


def propose_next(base: Base, changes: Changes, *, now: datetime) -> Proposal:
    """Return the proposal of the statement after the one that counts.

    Args:
        base: What counts.
        changes: What becomes different; nothing makes the same statement count for another year.
        now: The present instant.

    Raises:
        Refusal: ``INVALID_FIELD``, if a change names what there is not; ``RULE_REFUSED``, if what
            comes of it may not follow what counts, naming every rule.
    """
    old = base.federation
    issued = require_utc(now).replace(microsecond=0)
    members = {member.province: member for member in old.members}
    for card in changes.cards:
        _require_member(members, card.province)
        members[card.province] = _with_card(members[card.province], card.member, issued)
    for row in changes.retires:
        _change_key(members, row, until=True)
    for row in changes.taints:
        _change_key(members, row, until=False)
    for province, serial in changes.revoked:
        member = _require_member(members, province)
        serials = tuple(sorted({*member.revoked_serials, serial}))
        members[province] = replace(member, revoked_serials=serials)
    for province, account in changes.accounts:
        _add_account(members, province, account)
    for province, scheme in changes.schemes:
        member = _require_member(members, province)
        members[province] = replace(member, schemes=tuple(sorted({*member.schemes, scheme})))
    federation = replace(
        old,
        version=old.version + 1,
        issued_time=issued,
        members=tuple(members[province] for province in sorted(members)),
    )
    roots, root_version = _roots(base, changes, now)
    proposal = Proposal(
        roots=roots,
        statement=_statement(federation, root_version=root_version, now=now),
        previous=base.statement,
    )
    findings = proposal.judge().findings
    if findings:
        raise Refusal(
            Reason.RULE_REFUSED,
            "This may not follow what counts: " + "; ".join(map(str, findings)),
            details={"rules": ", ".join(sorted({finding.rule for finding in findings}))},
        )
    return proposal


def open_base(files: Mapping[str, bytes]) -> Base:
    """Return what counts according to published files, verified from their first root.

    Args:
        files: By path of a TUF client.

    Raises:
        PeerFault: ``BAD_METADATA``.
        Refusal: ``INVALID_FIELD``, if something is missing.
    """
    roots: dict[int, bytes] = {}
    versions: list[int] = []
    for path, data in files.items():
        number, _, kind = path.partition(".")
        if kind == "root.json" and number.isdecimal():
            roots[int(number)] = data
        if kind == "snapshot.json" and number.isdecimal():
            versions.append(int(number))
    if not roots or not versions:
        raise _missing("a root and a snapshot")
    version = max(versions)
    snapshot, targets = files[f"{version}.snapshot.json"], _need(files, f"{version}.targets.json")
    by_path = {path.rpartition("/")[2].partition(".")[0]: data for path, data in files.items()}
    documents = {path: _need(by_path, digest) for path, digest in target_hashes(targets).items()}
    chain = tuple(
        data
        for number, data in sorted(roots.items())
        if number <= open_snapshot(snapshot).root_version
    )
    if not chain:
        raise _missing(f"root {open_snapshot(snapshot).root_version}")
    root = verify_root_chain(chain[0], chain[1:])
    return Base(
        roots=chain,
        root=root,
        statement=StatementFiles(targets=targets, snapshot=snapshot, documents=documents),
        federation=verify_statement(root, targets, snapshot, documents),
    )


def _statement(federation: Federation, *, root_version: int, now: datetime) -> StatementFiles:
    documents = federation.to_documents()
    targets = new_targets(documents, version=federation.version, now=now)
    return StatementFiles(
        targets=targets,
        snapshot=new_snapshot(targets, root_version=root_version, now=now),
        documents=documents,
    )


def _roots(base: Base, changes: Changes, now: datetime) -> tuple[tuple[bytes, ...], int]:
    """Return the chain of roots, one longer if a key in it is replaced."""
    offices = {card.province: card.root for card in changes.offices}
    nodes = {card.province: card.timestamp for card in changes.cards}
    for province in offices:
        if base.root.key(province) is None:
            raise _no_member(province)
    keys = [
        RootKey(
            province=key.province,
            root=offices.get(key.province, key.root),
            timestamp=nodes.get(key.province, key.timestamp),
        )
        for key in base.root.keys
    ]
    if tuple(keys) == base.root.keys:
        return base.roots, base.root.version
    version = base.root.version + 1
    root = new_root(
        keys,
        version=version,
        now=now,
        statement=base.root.statement_threshold,
        timestamp=base.root.timestamp_threshold,
    )
    return (*base.roots, root), version


def _with_card(old: Member, card: Member, issued: datetime) -> Member:
    """Return a member as its card shows it; what was stated of a key stays as it was stated."""
    return replace(
        old,
        name_zh=card.name_zh,
        name_en=card.name_en,
        endpoint=card.endpoint,
        ca_pem=card.ca_pem,
        keys=_with_keys(old.keys, card.keys, issued),
        suite_keys=_with_keys(old.suite_keys, card.suite_keys, issued),
    )


def _with_keys(old: tuple[T, ...], card: tuple[T, ...], issued: datetime) -> tuple[T, ...]:
    """Return the keys of one suite with those that the card adds, by name."""
    known = {term.key for term in old}
    keys: list[T] = []
    for name in dict.fromkeys(term.key.name for term in (*old, *card)):
        terms = [term for term in old if term.key.name == name]
        added = [term for term in card if term.key.name == name and term.key not in known]
        for term in sorted(added, key=lambda term: term.from_time):
            # Keys of one name begin one after the other, the new ones not before they are said.
            after = [earlier.from_time + timedelta(seconds=1) for earlier in terms]
            terms.append(replace(term, from_time=max(term.from_time, issued, *after)))
        keys.extend(terms)
    return tuple(keys)


def _add_account(members: dict[str, Member], province: str, account: Account) -> None:
    """Put an account among those of a member."""
    member = _require_member(members, province)
    accounts = sorted((*member.accounts, account), key=lambda row: row.from_time)
    members[province] = replace(member, accounts=tuple(accounts))


def _change_key(members: dict[str, Member], row: KeyInstant, *, until: bool) -> None:
    """End a key's window, or declare it bad."""
    found: list[tuple[Member, KeyTerm | SuiteTerm]] = []
    for member in members.values():
        found += [(member, term) for term in member.keys if _is_named(term, row)]
        found += [(member, term) for term in member.suite_keys if _is_named(term, row)]
    if len(found) != 1:
        raise invalid_field(
            "key",
            row.key_id,
            "No key of the federation has this id." if not found else "Two keys have this id.",
            "See federation show for the keys and their ids.",
        )
    ((member, term),) = found
    if until and row.time <= term.from_time:
        raise invalid_field("retire", row.key_id, "The key has not begun at that instant.")
    members[member.province] = replace(
        member,
        keys=tuple(_changed(each, row, until=until) for each in member.keys),
        suite_keys=tuple(_changed(each, row, until=until) for each in member.suite_keys),
    )


def _is_named(term: KeyTerm | SuiteTerm, row: KeyInstant) -> bool:
    return term.key.key_id.hex() == row.key_id


def _changed(term: T, row: KeyInstant, *, until: bool) -> T:
    if not _is_named(term, row):
        return term
    return replace(term, until_time=row.time) if until else replace(term, tainted_time=row.time)


def _require_member(members: Mapping[str, Member], province: str) -> Member:
    if province not in members:
        raise _no_member(province)
    return members[province]


def _no_member(province: str) -> DeltacareError:
    return invalid_field("province", province, "The federation has no such member.")


def _need(files: Mapping[str, bytes], name: str) -> bytes:
    if name not in files:
        raise _missing(name)
    return files[name]


def _missing(name: str) -> DeltacareError:
    return invalid_field("files", "", f"They lack {name}.", "Give all that was published.")
