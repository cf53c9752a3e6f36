"""A proposal or what counts, in words: who signs, what changes, until when. Both languages.

For people who must decide in an office whether to sign. Everything that is signed is shown or
follows from what is shown; nothing is said that is not in the files.
"""

from collections.abc import Iterator
from dataclasses import replace

from clients.federation.proposal import Judged
from clients.language import tr
from deltacare.times import format_time
from deltacare.trust import Federation, KeyTerm, Member, SuiteTerm
from deltacare.trust.roles import Root

__all__ = ["change_lines", "member_lines", "root_lines", "signature_lines"]


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


def member_lines(federation: Federation) -> list[str]:
    """Return who belongs to the federation, and what is in force of each."""
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
        cas = member.ca_pem.count("-----BEGIN CERTIFICATE-----")
        count = len(member.suite_keys)
        suite_zh, suite_en = (
            (f"，SM2 密钥 {count} 把", f", SM2 keys {count}") if count else ("", "")
        )
        lines.append(
            tr(
                f"  {member.province} {member.name_zh}：{member.endpoint}，CA {cas} 个，"
                f"密钥 {len(member.keys)} 把{suite_zh}，账户 {len(member.accounts)} 个",
                f"  {member.province} {member.name_en}: {member.endpoint}, CAs {cas}, "
                f"keys {len(member.keys)}{suite_en}, accounts {len(member.accounts)}",
            )
        )
    return lines


def change_lines(judged: Judged) -> list[str]:
    """Return what a proposal changes."""
    if judged.previous is None:
        return [
            tr("这是第一份声明。", "This is the first statement."),
            *root_lines(judged.root),
            *member_lines(judged.federation),
        ]
    old, new = judged.previous, judged.federation
    lines = [
        tr(
            f"第 {new.version} 版接续第 {old.version} 版，签发于 {format_time(new.issued_time)}。",
            f"Version {new.version} follows version {old.version}, "
            f"issued {format_time(new.issued_time)}.",
        )
    ]
    changes = [*_root_changes(judged), *_federation_changes(old, new)]
    for member in new.members:
        if member.province in old.provinces:
            changes.extend(_member_changes(old.member(member.province), member))
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


def _root_changes(judged: Judged) -> Iterator[str]:
    if not judged.root_changed:
        return
    old, new = judged.old_root, judged.root
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
    if old.ca_pem != new.ca_pem:
        was, now = (each.ca_pem.count("-----BEGIN CERTIFICATE-----") for each in (old, new))
        yield tr(
            f"{where} 的 CA 变更（{was} 个 → {now} 个）", f"{where} CAs change ({was} -> {now})"
        )
    for serial in sorted(set(new.revoked_serials) - set(old.revoked_serials)):
        yield tr(f"{where} 吊销证书 {serial}", f"{where} revokes certificate {serial}")
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
            f"密钥 {label} 自 {time} 起失信：此前未经可信联签的条目不再算数",
            f"key {label} is tainted from {time}: entries that no untainted quorum had cosigned "
            "before count no more",
        )
