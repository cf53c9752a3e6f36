"""A proposal or what counts, in words: who signs, what changes, until when. Both languages.

For people who must decide in an office whether to sign. Everything that is signed is shown or
follows from what is shown; nothing is said that is not in the files.
"""

from collections.abc import Iterator
from dataclasses import replace

from clients.federation.fingerprints import ca_fingerprints, card_sha256, spaced
from clients.federation.proposal import Judged
from clients.language import tr
from deltacare.times import format_time
from deltacare.trust import Federation, KeyTerm, Member, SuiteTerm
from deltacare.trust.roles import Root

__all__ = [
    "card_line",
    "change_lines",
    "difference_lines",
    "member_lines",
    "root_lines",
    "signature_lines",
]


def root_lines(root: Root) -> list[str]:
    """Return what a root says: whose keys, how many must sign, until when."""
    until = format_time(root.expires)
    return [
        tr(
            f"根 {root.version}：声明须 {root.statement_threshold} 个办公室签署，"
            f"时间戳须 {root.timestamp_threshold} 个节点签署；有效至 {until}",
            f"Root {root.version}: {root.statement_threshold} offices sign statements, "
            f"{root.timestamp_threshold} nodes the timestamp; expires {until}",
        ),
        *(f"  {key.root.to_text()}" for key in root.keys),
        *(f"  {key.timestamp.to_text()}" for key in root.keys),
    ]


def card_line(member: Member, root: Root) -> str:
    """Return the digest of a member's card, to be compared by telephone."""
    row = root.key(member.province)
    digest = "-" if row is None else spaced(card_sha256(member, row.timestamp))
    return tr(f"成员卡 SHA-256：{digest}", f"card SHA-256 {digest}")


def member_lines(federation: Federation, root: Root) -> list[str]:
    """Return who belongs to the federation, and everything that is stated of each.

    Args:
        federation: As it is stated.
        root: Under which it stands; it has the timestamp's keys.
    """
    issued = format_time(federation.issued_time)
    lines = [
        tr(
            f"联盟“{federation.federation}”第 {federation.version} 版，签发于 {issued}，"
            f"开业日 {federation.opening_date}，登记日志须 {federation.registry_quorum} 家联签",
            f"Federation {federation.federation!r} version {federation.version}, issued {issued}, "
            f"opens on {federation.opening_date}, registry logs cosigned by "
            f"{federation.registry_quorum}",
        )
    ]
    for member in federation.members:
        lines.append(
            tr(
                f"  {member.province} {member.name_zh}：{member.endpoint}",
                f"  {member.province} {member.name_en}: {member.endpoint}",
            )
        )
        lines.extend(f"    {line}" for line in _stated(member, root))
    return lines


def _stated(member: Member, root: Root) -> Iterator[str]:
    """Yield what is stated of a member: card, CAs, keys, schemes, accounts, revocations."""
    yield card_line(member, root)
    for digest in ca_fingerprints(member.ca_pem):
        yield tr(f"CA SHA-256：{spaced(digest)}", f"CA SHA-256 {spaced(digest)}")
    for label_zh, label_en, terms in (
        ("密钥", "keys", member.keys),
        ("SM2 密钥", "SM2 keys", member.suite_keys),
    ):
        if terms:
            ids = ", ".join(_short(term) for term in terms)
            yield tr(f"{label_zh} {len(terms)} 把：{ids}", f"{label_en} {len(terms)}: {ids}")
    schemes = ", ".join(member.schemes)
    yield tr(
        f"可颁发的证书类别：{schemes or '不限'}", f"may issue under: {schemes or 'any scheme'}"
    )
    for account in member.accounts:
        time = format_time(account.from_time)
        yield tr(
            f"收款账户自 {time} 起：{account.holder} {account.number}（行号 {account.bank_code}）",
            f"paid from {time} on account {account.number} of {account.holder} "
            f"(bank {account.bank_code})",
        )
    if not member.accounts:
        yield tr("收款账户：无", "paid on: no account yet")
    if member.revoked_serials:
        serials = ", ".join(member.revoked_serials)
        yield tr(f"已吊销的证书：{serials}", f"revoked certificates: {serials}")


def _short(term: KeyTerm | SuiteTerm) -> str:
    """Return a key's name without its member, and its id."""
    return f"{term.key.name.split('/', 2)[-1]}+{term.key.key_id.hex()}"


def change_lines(judged: Judged) -> list[str]:
    """Return what a proposal changes."""
    if judged.previous is None:
        return [
            tr("这是第一份声明。", "This is the first statement."),
            *root_lines(judged.root),
            *member_lines(judged.federation, judged.root),
        ]
    return difference_lines(judged.previous, judged.federation, judged.old_root, judged.root)


def difference_lines(old: Federation, new: Federation, old_root: Root, new_root: Root) -> list[str]:
    """Return what a statement changes of the one that it follows.

    Args:
        old: What is stated before.
        new: What is stated after.
        old_root: Under which the one stands.
        new_root: Under which the other stands.
    """
    lines = [
        tr(
            f"第 {new.version} 版接续第 {old.version} 版，签发于 {format_time(new.issued_time)}。",
            f"Version {new.version} follows version {old.version}, "
            f"issued {format_time(new.issued_time)}.",
        )
    ]
    changes = [*_root_changes(old_root, new_root), *_federation_changes(old, new)]
    for member in new.members:
        if member.province in old.provinces:
            before = old.member(member.province)
            changes.extend(_member_changes(before, member))
            if card_line(before, old_root) != card_line(member, new_root):
                changes.append(f"{member.province} {card_line(member, new_root)}")
    if not changes:
        changes.append(tr("内容不变，仅续期。", "Nothing changes but how long it counts."))
    return [*lines, *(f"  {line}" for line in changes)]


def signature_lines(judged: Judged) -> list[str]:
    """Return who signed each file so far, and how many signatures are missing."""
    names = {
        "old root": tr(
            f"根 {judged.root.version}（旧根密钥）", f"root {judged.root.version} (by old keys)"
        ),
        "root": tr(f"根 {judged.root.version}", f"root {judged.root.version}"),
        "targets": tr("目标 targets", "targets"),
        "snapshot": tr("快照 snapshot", "snapshot"),
    }
    lacking = judged.lacking
    lines = []
    for name, label in names.items():
        if name not in judged.signed or (name == "old root" and judged.previous is None):
            continue
        who = ", ".join(judged.signed[name]) or tr("无", "nobody")
        missing = lacking.get(name, 0)
        rest = (
            tr(f"；尚缺 {missing} 个", f"; {missing} missing")
            if missing
            else tr("；足够", "; enough")
        )
        lines.append(tr(f"已签 {label}：{who}{rest}", f"Signed {label}: {who}{rest}"))
    return lines


def _root_changes(old: Root, new: Root) -> Iterator[str]:
    if old.version == new.version:
        return
    yield tr(
        f"根由第 {old.version} 版更换为第 {new.version} 版，有效至 {format_time(new.expires)}",
        f"Root {old.version} is replaced by root {new.version}, "
        f"which expires {format_time(new.expires)}",
    )
    for key in new.keys:
        before = old.key(key.province)
        for label_zh, label_en, was, now in (
            ("根密钥", "root key", before.root if before else None, key.root),
            ("时间戳密钥", "timestamp key", before.timestamp if before else None, key.timestamp),
        ):
            if was == now:
                continue
            gone = "-" if was is None else was.key_id.hex()
            yield tr(
                f"{key.province} 的{label_zh}由 {gone} 更换为 {now.to_text()}",
                f"{label_en} of {key.province}: {gone} is replaced by {now.to_text()}",
            )


def _federation_changes(old: Federation, new: Federation) -> Iterator[str]:
    for name in (
        "federation",
        "opening_date",
        "provinces",
        "registry_quorum",
        "stale_after_s",
        "cosignature_age_max_s",
    ):
        was, now = getattr(old, name), getattr(new, name)
        if was != now:
            yield tr(f"{name}：{was} → {now}", f"{name}: {was} -> {now}")


def _member_changes(old: Member, new: Member) -> Iterator[str]:
    where = new.province
    for name in ("name_zh", "name_en", "endpoint"):
        was, now = getattr(old, name), getattr(new, name)
        if was != now:
            yield tr(f"{where} {name}：{was} → {now}", f"{where} {name}: {was} -> {now}")
    yield from _ca_changes(old, new)
    for serial in sorted(set(new.revoked_serials) - set(old.revoked_serials)):
        yield tr(f"{where} 吊销证书 {serial}", f"{where} revokes certificate {serial}")
    if bool(old.schemes) != bool(new.schemes):
        yield tr(
            f"{where} 可颁发的证书类别由“{'所列' if old.schemes else '不限'}”改为"
            f"“{'只限所列' if new.schemes else '不限'}”",
            f"{where} may issue under {'only these schemes' if new.schemes else 'any scheme'} "
            f"from now on, {'only those listed' if old.schemes else 'any'} before",
        )
    for scheme in sorted(set(new.schemes) ^ set(old.schemes)):
        is_new = scheme in new.schemes
        yield tr(
            f"{where} {'可' if is_new else '不再'}颁发 {scheme}",
            f"{where} {'may issue' if is_new else 'no longer issues'} {scheme}",
        )
    for account in new.accounts:
        if account not in old.accounts:
            time = format_time(account.from_time)
            yield tr(
                f"{where} 收款账户自 {time} 起：{account.holder} {account.number}"
                f"（行号 {account.bank_code}）",
                f"{where} is paid from {time} on account {account.number} of {account.holder} "
                f"(bank {account.bank_code})",
            )
    before = {term.key.to_text(): term for term in _terms(old)}
    for term in _terms(new):
        yield from _key_changes(before.get(term.key.to_text()), term)


def _ca_changes(old: Member, new: Member) -> Iterator[str]:
    where = new.province
    was, now = ca_fingerprints(old.ca_pem), ca_fingerprints(new.ca_pem)
    for digest in now:
        if digest not in was:
            text = spaced(digest)
            yield tr(f"{where} 新增 CA SHA-256：{text}", f"{where} adds CA SHA-256 {text}")
    for digest in was:
        if digest not in now:
            text = spaced(digest)
            yield tr(f"{where} 移除 CA SHA-256：{text}", f"{where} drops CA SHA-256 {text}")
    if not set(was) & set(now):
        yield tr(
            f"注意：{where} 不保留任何旧 CA，其节点与客户端现有的证书将同时失效；"
            "请先公布新旧并列的成员卡，换发证书后再移除旧 CA",
            f"Warning: {where} keeps no old CA, so every certificate of its node and clients stops "
            "counting at once; state both CAs first, renew, and drop the old one later",
        )


def _terms(member: Member) -> Iterator[KeyTerm | SuiteTerm]:
    """Yield the keys of both suites."""
    yield from member.keys
    yield from member.suite_keys


def _key_changes(old: KeyTerm | SuiteTerm | None, new: KeyTerm | SuiteTerm) -> Iterator[str]:
    label = f"{new.key.name}+{new.key.key_id.hex()}"
    if old is None:
        time = format_time(new.from_time)
        yield tr(
            f"新密钥 {new.key.to_text()}，自 {time} 起", f"new key {new.key.to_text()} from {time}"
        )
        old = replace(new, until_time=None, tainted_time=None)
    if new.until_time is not None and new.until_time != old.until_time:
        time = format_time(new.until_time)
        yield tr(f"密钥 {label} 至 {time} 止", f"key {label} ends at {time}")
    if new.tainted_time is None or new.tainted_time == old.tainted_time:
        return
    time = format_time(new.tainted_time)
    if isinstance(new, SuiteTerm):
        yield tr(
            f"密钥 {label} 自 {time} 起失信：其 SM2 签名不再算数",
            f"key {label} is tainted from {time}: its SM2 lines count no more",
        )
    else:
        yield tr(
            f"密钥 {label} 自 {time} 起失信：此前未经可信联签的条目暂不算数，"
            "须待该省以新密钥重新签署并经伙伴联签",
            f"key {label} is tainted from {time}: entries that no untainted quorum had cosigned "
            "before do not count until the province has signed them again with the new key and "
            "partners have cosigned",
        )
