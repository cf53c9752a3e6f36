"""Chinese for what is refused in a ceremony: metadata, rules of succession, offices, passphrases.

Sentences of `deltacare.trust`, of ``clients.federation`` and of the vault, which say them in
English for programs, with what varies taken over as it stands. A sentence that is not known here
is shown as it came.
"""

import re
from collections.abc import Callable, Mapping

__all__ = ["trust_zh"]

_ROLES: Mapping[str, str] = {
    "root": "根 root",
    "targets": "目标 targets",
    "snapshot": "快照 snapshot",
    "timestamp": "时间戳 timestamp",
    "metadata": "元数据",
}
_PLAIN: Mapping[str, str] = {
    # Proposals and cards.
    "The copies are not of one proposal.": "这些文件不是同一份提议的副本。",
    "Its roots do not follow each other.": "各版根元数据不相衔接。",
    "Its roots are not those of the statement that counts.": "其根元数据与现行声明的不符。",
    "It has no format.": "缺少 format 字段。",
    "It has no root.": "没有根元数据。",
    "It is not in its canonical spelling.": "不是规定的唯一写法，可能被改动过。",
    "Take the file that federation propose wrote.": "请用 federation propose 写下的文件。",
    "Not every province has both cards.": "有的省缺办公室卡或成员卡。",
    "Give --office-card and --member.": "请给出 --office-card 与 --member。",
    "No key of the federation has this id.": "联盟中没有此编号的密钥。",
    "Two keys have this id.": "有两把密钥用此编号。",
    "See federation show for the keys and their ids.": "密钥及编号见 federation show。",
    "The key has not begun at that instant.": "该密钥在此时刻尚未生效。",
    "The federation has no such member.": "联盟没有这个成员。",
    "Give all that was published.": "请给出公布的全部文件。",
    "Every key is tainted.": "该名称的密钥均已失信。",
    "Add the one that follows.": "请一并加入接替的密钥。",
    "The node has no key of that name.": "节点没有该名称的密钥。",
    # What was published, and offices.
    "It is neither a published repository nor a node with the federation's metadata.": (
        "既不是已公布的目录，也不是装有联盟元数据的节点目录。"
    ),
    "Give what federation publish --out wrote, or the directory of a node.": (
        "请给出 federation publish --out 写下的目录，或节点目录。"
    ),
    "The directory holds no statement of the federation.": "该目录没有联盟声明。",
    "They hold no statement of the federation.": "其中没有联盟声明。",
    "Install what the offices published: deltacare federation publish … --install.": (
        "请装入各办公室公布的内容：deltacare federation publish … --install。"
    ),
    "The card does not belong to the key.": "办公室卡与密钥不符。",
    "Restore the backup.": "请从备份恢复。",
    "It is not what an office remembers.": "不是办公室的签署记录。",
    "Restore it from the backup.": "请从备份恢复。",
    # Passphrases and key files.
    "Take six random words, or openssl rand -base64 24.": (
        "可用六个随机词，或 openssl rand -base64 24 的输出。"
    ),
    "The file is empty.": "文件为空。",
    "Write the passphrase in it.": "请把口令写入其中。",
    "The file does not hold the key that belongs there.": "文件中不是应有的密钥。",
    "Restore it from the backup of this directory.": "请从该目录的备份恢复。",
    "Check the path and the right to read it, or restore it from the backup.": (
        "请核对路径和读取权限，或从备份恢复。"
    ),
    # Metadata.
    "The two copies do not say the same.": "两份副本内容不同。",
    "The file is of another role.": "文件属于另一种元数据。",
    "The file is of no role that there is.": "文件不属于任何一种元数据。",
    "The file is not metadata of TUF.": "文件不是 TUF 元数据。",
    "The file is not in its canonical spelling.": "文件不是规定的唯一写法，可能被改动过。",
    "The file is not JSON of an object that holds what is signed.": "文件不是所需的 JSON。",
    "The snapshot belongs to other targets.": "快照与目标不配套。",
    "The federation's version or members are not those of the metadata.": (
        "联盟的版本或成员与元数据不符。"
    ),
    "A signature is not key id and 64 bytes in hex.": "签名格式不对。",
    "A field beside the signed part does not belong.": "签署部分之外有多余字段。",
}
_PATTERNS: tuple[tuple[str, str], ...] = (
    (
        r"It is signed by (\d+) of the (\d+) that root (\d+) demands\.",
        r"第 \3 版根要求 \2 家签署，现只有 \1 家。",
    ),
    (r"Version (\d+) does not follow version (\d+)\.", r"第 \1 版不接续第 \2 版。"),
    (r"It belongs to root (\d+), not to (\d+)\.", r"它属于第 \1 版根，不属于第 \2 版。"),
    (r"(\S+) is missing or strange\.", r"缺少或多出 \1。"),
    (r"(\S+) is not what the targets name\.", r"\1 不是目标所指的文件，可能被改动过。"),
    (r"Version (\d+) is older than (\d+), which is known\.", r"第 \1 版旧于已知的第 \2 版。"),
    (r"Version (\d+) is known with another content\.", r"已知的第 \1 版内容与此不同。"),
    (
        r"Version (\d+), which is known here, is newer than these files\.",
        r"本节点已知的第 \1 版比这些文件更新。",
    ),
    (
        r"It is of hour (\d+); here it is hour (\d+)\.",
        r"它属于第 \1 小时，而本机现为第 \2 小时；请核对时钟。",
    ),
    (r"It expired with hour (\d+)\.", r"已随第 \1 小时过期。"),
    (
        r"This office signed another (\w+) of version (\d+) before\. .*",
        (
            r"本办公室已为第 \2 版签署过另一份内容（\1）。待前一份的全部副本销毁后，"
            r"加 --supersede 签署这一份。"
        ),
    ),
    (r"It does not open the keys in (.+)\.", r"口令不能打开 \1 中的密钥。"),
    (
        r"Give the one they were made with, by (\w+) or (\w+)\.",
        r"请用建立时的口令，由 \1 或 \2 给出。",
    ),
    (r"It has fewer than (\d+) characters\.", r"不足 \1 个字符。"),
    (
        r"Set (\w+) to a file that holds it, or (\w+) to itself\.",
        r"请将 \1 设为口令文件，或将 \2 设为口令本身。",
    ),
    (r"Check (\w+), or passphrase_file in the settings\.", r"请核对 \1，或配置中的口令文件。"),
    (r"They lack (.+)\.", r"缺少 \1。"),
    (r"Use the (\S+) that init wrote\.", r"请用 init 写下的 \1。"),
    (r"The file says version (\d+)\.", r"文件自称第 \1 版。"),
    (r"(.+) exists already and is not overwritten\.", r"\1 已存在，不予覆盖。"),
    (
        r"(.+) is not empty; an office is never made over another\.",
        r"\1 不是空目录；办公室不能建在已有内容之上。",
    ),
    (
        r"(.+) pins another root; it is replaced by hand only\.",
        r"\1 是另一联盟的根；只能由人更换。",
    ),
    (r"There is no (.+) among the federation's metadata\.", r"联盟元数据中没有 \1。"),
    (
        r"The newest CA is not stated yet, .*Publish the card first: (.+)",
        r"最新的 CA 尚未列入声明，伙伴会拒绝其证书。请先公布成员卡：\1",
    ),
    (
        r"The node's certificate is still of an old CA\. Renew it first: (.+)\.",
        r"节点证书仍由旧 CA 签发。请先换发：\1。",
    ),
    (
        r"The federation's metadata states other keys than this node holds for (.+?): .*",
        (
            r"联盟元数据所列 \1 的密钥与本节点持有的不同；请恢复密钥文件，"
            r"或由办公室以 deltacare federation propose 列入新密钥。"
        ),
    ),
)
_KNOWN = tuple((re.compile(pattern, re.DOTALL), words) for pattern, words in _PATTERNS)
_FINDING = re.compile(r"(T[0-9]{2}) (\S+) \((.*)\): .*", re.DOTALL)
_OPENING = re.compile(r"Statement (\d+) may not follow statement (\d+)")


def trust_zh(text: str) -> str | None:
    """Return a message in Chinese, ``None`` if it is not known here.

    Args:
        text: The whole message.
    """
    if text in _PLAIN:
        return _PLAIN[text]
    for pattern, words in _KNOWN:
        match = pattern.fullmatch(text)
        if match is not None:
            return match.expand(words)
    return next((found for build in _BUILDS if (found := build(text)) is not None), None)


def _of_role(text: str) -> str | None:
    """Return a sentence that begins with the role of a file."""
    role, _, rest = text.partition(": ")
    said = trust_zh(rest) if role in _ROLES else None
    return None if said is None else f"{_ROLES[role]}：{said}"


def _card(text: str) -> str | None:
    """Return a sentence about what is no card, and why."""
    opening = "This is no such card. "
    if not text.startswith(opening):
        return None
    why = text.removeprefix(opening)
    return f"这不是所要的卡。{trust_zh(why) or why}"


def _succession(text: str) -> str | None:
    """Return a sentence that lists breaches of the rules of succession."""
    opening, _, rest = text.partition(": ")
    follows = _OPENING.fullmatch(opening)
    if follows is not None:
        said = f"第 {follows[1]} 版声明不得接续第 {follows[2]} 版"
    elif opening == "This may not follow what counts":
        said = "不得接续现行声明"
    else:
        return None
    findings = re.split(r"; (?=T[0-9]{2} )", rest)
    return f"{said}：" + "；".join(_finding(each) or each for each in findings)


def _finding(text: str) -> str | None:
    """Return one breach, by the rule's own words."""
    from deltacare.trust.succession import RULES

    match = _FINDING.fullmatch(text)
    if match is None or match[1] not in RULES:
        return None
    return f"{match[1]} {match[2]}（{match[3]}）：{RULES[match[1]][0].rstrip('。')}"


_BUILDS: tuple[Callable[[str], str | None], ...] = (_of_role, _card, _succession, _finding)
