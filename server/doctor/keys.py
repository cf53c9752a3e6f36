"""Private keys: who may read the files, whether they are encrypted, and which of them count.

Judges names, modes and public halves; no private half comes here.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from deltacare.keys import VerifierKey
from deltacare.trust.terms import KeyTerm, in_force
from server.doctor.certificates import SOON
from server.doctor.findings import Check, Finding, Level, Side, well

__all__ = ["KeyFile", "check_files", "check_keys"]

_OTHERS = 0o077
_PRIVATE_FILE, _PRIVATE_DIRECTORY = 0o600, 0o700


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFile:
    """A file or directory that holds what nobody else may read.

    Attributes:
        path: Where.
        mode: Permission bits.
        is_directory: Whether it is one.
        is_clear: Whether a private key or secret lies in it unencrypted.
    """

    path: Path
    mode: int
    is_directory: bool
    is_clear: bool


def check_files(files: Sequence[KeyFile], *, directory: Path) -> list[Finding]:
    """Return how the files of private keys are kept.

    Args:
        files: Every one of them.
        directory: Of the node.
    """
    found: list[Finding] = []
    for file in files:
        inside = file.path.is_relative_to(directory)
        name = str(file.path.relative_to(directory) if inside else file.path)
        if file.mode & _OTHERS:
            right = _PRIVATE_DIRECTORY if file.is_directory else _PRIVATE_FILE
            found.append(
                _bad(
                    "KEY_FILE_OPEN",
                    f"权限为 {file.mode:04o}：本机其他用户也能读取。",
                    f"Its mode is {file.mode:04o}: other users of this machine can get at it.",
                    f"chmod {right:o} {file.path}",
                    subject=name,
                )
            )
        if file.is_clear:
            found.append(
                _bad(
                    "KEY_FILE_CLEAR",
                    "私钥未加密存放；应视为已泄露并更换。",
                    "The private key in it is not encrypted; treat it as lost and replace it.",
                    _replacing(file.path, directory),
                    subject=name,
                )
            )
    if found:
        return found
    count = sum(not file.is_directory for file in files)
    return [
        well(
            Check.KEYS,
            f"{count} 个密钥文件均已加密，且仅属主可读。",
            f"{count} files of keys, all encrypted and readable by their owner alone.",
            subject="keys/",
        )
    ]


def check_keys(
    terms: Mapping[str, Sequence[KeyTerm]],
    held: Mapping[str, Sequence[VerifierKey]],
    *,
    directory: Path,
    now: datetime,
    pending: Container[VerifierKey] = (),
) -> list[Finding]:
    """Return whether the node holds the keys by which the federation knows it.

    Args:
        terms: By name what the federation states of this member's keys.
        held: By name the public halves of the keys that the node holds.
        directory: Of the node.
        now: The present instant.
        pending: Keys in the statement that is signed and counts from the next full hour.
    """
    found: list[Finding] = []
    waiting = 0
    for name in sorted(terms):
        stated = {term.key for term in terms[name]}
        keys = held.get(name, ())
        to_come = [key for key in keys if key not in stated and key in pending]
        waiting += len(to_come)
        judged = [key for key in keys if key not in to_come]
        found.extend(_key(name, terms[name], judged, directory, now, is_followed=bool(to_come)))
    if not found:
        found.append(
            well(
                Check.KEYS,
                f"{len(terms)} 个名称的密钥都在手且有效。",
                f"The keys of all {len(terms)} names are held and in force.",
            )
        )
    if waiting:
        found.append(
            well(
                Check.KEYS,
                f"{waiting} 把密钥已列入签署的声明，自下一个整点起生效。",
                f"{waiting} keys stand in the signed statement that counts from the next full "
                "hour.",
                subject="pending",
            )
        )
    return found


def _replacing(path: Path, directory: Path) -> str:
    """Return the command that replaces a key that lay open."""
    if path.parent.name == "clients":
        return f"deltacare node client {directory} --role ROLE --name {path.stem}-2"
    if path.stem == "tls":
        return f"deltacare node certificate renew {directory}"
    return f"deltacare node keys new {directory}"


def _key(
    name: str,
    terms: Sequence[KeyTerm],
    held: Sequence[VerifierKey],
    directory: Path,
    now: datetime,
    *,
    is_followed: bool,
) -> list[Finding]:
    """Return what is wrong with the keys of one name."""
    new = f"deltacare node keys new {directory} --name {name}"
    propose = (
        f"deltacare federation propose --from {directory} --member {directory} --out proposal.json"
    )
    found: list[Finding] = []
    current = in_force(terms, now)
    usable = [term for term in current if term.key in held]
    if not current:
        found.append(
            _bad(
                "KEY_NONE_IN_FORCE",
                "联盟未公布任何现行有效的密钥，无法签名。",
                "The federation states no key of this name that is in force: nothing is signed.",
                f"{new} && {propose}",
                subject=name,
            )
        )
    elif not usable:
        ids = ", ".join(term.key.key_id.hex() for term in current)
        found.append(
            _bad(
                "KEY_NOT_HELD",
                f"现行有效的密钥 {ids} 不在本节点。",
                f"The key in force, {ids}, is not in this node's directory.",
                f"{new} && {propose}",
                subject=name,
            )
        )
    stated = [term.key for term in terms]
    ending = [
        term
        for term in usable[:1]
        if term.until_time is not None
        and term.until_time - now < SOON
        and not is_followed
        and not any(
            other.key in held
            and not other.is_tainted
            and (other.until_time is None or other.until_time > term.until_time)
            for other in terms
        )
    ]
    for term in ending:
        assert term.until_time is not None, "it ends"
        days = (term.until_time - now).days
        found.append(
            _warn(
                "KEY_ENDS_SOON",
                f"密钥 {term.key.key_id.hex()} 还有 {days} 天失效，尚无后继。",
                f"The key {term.key.key_id.hex()} ends in {days} days and none follows it.",
                f"{new} && {propose}",
                subject=name,
            )
        )
    found.extend(
        _warn(
            "KEY_NOT_STATED",
            f"密钥 {key.key_id.hex()} 尚未列入联盟文件，不能使用。",
            f"The federation does not state the key {key.key_id.hex()} yet: it is not used.",
            propose,
            subject=name,
        )
        for key in held
        if key not in stated
    )
    return found


def _bad(code: str, zh: str, en: str, remedy: str, *, subject: str) -> Finding:
    return _finding(Level.BAD, code, zh, en, remedy, subject=subject)


def _warn(code: str, zh: str, en: str, remedy: str, *, subject: str) -> Finding:
    return _finding(Level.WARN, code, zh, en, remedy, subject=subject)


def _finding(level: Level, code: str, zh: str, en: str, remedy: str, *, subject: str) -> Finding:
    return Finding(
        check=Check.KEYS,
        level=level,
        code=code,
        subject=subject,
        side=Side.OURS,
        zh=zh,
        en=en,
        remedy=remedy,
    )
