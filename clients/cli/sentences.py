"""Chinese for sentences of the ceremony, of passphrases, of the rights table and of `verify`.

Libraries say what is wrong in English, once, for programs and logs. A sentence is known here by its
whole English form, with `{}` where a name, a number or another sentence stands; names and numbers
are carried over as they are.
What is not known is not translated, never by half. Nothing decides by these texts.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache

__all__ = ["METADATA_ROLES_ZH", "in_chinese"]

METADATA_ROLES_ZH: Mapping[str, str] = {
    "root": "根（root）",
    "targets": "目标（targets）",
    "snapshot": "快照（snapshot）",
    "timestamp": "时间戳（timestamp）",
    "metadata": "元数据",
}
"""What the roles of the federation's metadata are called."""

# A longer form stands before one that would match it as well.
_ZH: Mapping[str, str] = {
    # Passphrases and keys.
    "It does not open the keys in {}.": "口令不对，打不开 {} 中的密钥。",
    "Give the one they were made with, by {} or {}.": "请用 {} 或 {} 给出当初设定的口令。",
    "It has fewer than {} characters.": "少于 {} 个字符。",
    "Take six random words, or openssl rand -base64 24.": (
        "请取六个随机词，或用 openssl rand -base64 24 生成。"
    ),
    "Set {} to a file that holds it, or {} to itself.": (
        "请把 {} 设为存有口令的文件，或把 {} 设为口令本身。"
    ),
    "Check {}, or passphrase_file in the settings.": "请核对 {}，或配置中的 passphrase_file。",
    "The file is empty.": "文件为空。",
    "Write the passphrase in it.": "请把口令写入该文件。",
    "The file does not hold the key that belongs there.": "文件中不是应有的密钥。",
    "Restore it from the backup of this directory.": "请由该目录的备份恢复。",
    "Check the path and the right to read it, or restore it from the backup.": (
        "请核对路径和读取权限，或由备份恢复。"
    ),
    "The card does not belong to the key.": "办公室卡与密钥不相配。",
    "Restore the backup.": "请由备份恢复。",
    # The ceremony.
    "This office signed another {} of version {} before. Once every copy of that is destroyed, "
    "sign this one with --supersede.": (
        "本办公室此前签署过第 {1} 版的另一份 {0}；确认其所有副本均已销毁后，"
        "方可加 --supersede 签署这一份。"
    ),
    "Version {}, which is known here, is newer than these files.": (
        "本节点已知的第 {} 版比这些文件更新。"
    ),
    "The two copies do not say the same.": "两份副本内容不同。",
    "The file is of another role.": "文件属于另一种元数据。",
    "The file is of no role that there is.": "文件不属于任何一种元数据。",
    "The file is not metadata of TUF.": "文件不是 TUF 元数据。",
    "The file is not in its canonical spelling.": "文件不是规定的唯一写法，可能被改动过。",
    "The file is not JSON of an object that holds what is signed.": (
        "文件不是载有所签内容的 JSON。"
    ),
    "Version {} is older than {}, which is known.": "第 {} 版比已知的第 {} 版旧。",
    "Version {} is known with another content.": "第 {} 版已知，但内容不同。",
    "Version {} does not follow version {}.": "第 {} 版不接续第 {} 版。",
    "It belongs to root {}, not to {}.": "它属于第 {} 版根，不属于第 {} 版。",
    "The snapshot belongs to other targets.": "快照与目标不配套。",
    "{} is missing or strange.": "{} 缺失或多余。",
    "{} is not what the targets name.": "{} 不是目标所指的文件，可能被改动过。",
    "{} has expired.": "{} 已过期。",
    "{} is known with another content.": "{} 已知，但内容不同。",
    "It is signed by {} of the {} that root {} demands.": (
        "第 {2} 版根要求 {1} 家签署，现只有 {0} 家。"
    ),
    "It is signed by {} of {}.": "仅有 {} 家签署，须 {} 家。",
    "It is of hour {}; here it is hour {}.": "它属于第 {} 小时，而本机现为第 {} 小时。",
    "It is of hour {}, hour {} is known.": "它属于第 {} 小时，而已知第 {} 小时。",
    "It expired with hour {}.": "已于第 {} 小时末过期。",
    "It names another snapshot {} than the one that is held.": "所指第 {} 版快照与所持的不同。",
    "It names snapshot {}; {} counts already.": "所指为第 {} 版快照，而第 {} 版已生效。",
    "It belongs to root {}, not known.": "它属于尚未得知的第 {} 版根。",
    "No statement belongs to the newest root, {}.": "没有属于最新的第 {} 版根的声明。",
    "The federation's version or members are not those of the metadata.": (
        "联盟的版本或成员与元数据不符。"
    ),
    "It is neither a published repository nor a node with the federation's metadata.": (
        "既不是已公布的目录，也不是装有联盟元数据的节点目录。"
    ),
    "Give what federation publish --out wrote, or the directory of a node.": (
        "请给出 federation publish --out 写下的目录，或节点目录。"
    ),
    "Install what the offices published: deltacare federation publish … --install.": (
        "请装入各办公室公布的内容：deltacare federation publish … --install。"
    ),
    "The directory holds no statement of the federation.": "该目录中没有联盟声明。",
    "They hold no statement of the federation.": "其中没有联盟声明。",
    "They lack {}.": "缺少 {}。",
    "Give all that was published.": "请给出公布的全部文件。",
    "Not every province has both cards.": "有的省缺办公室卡或成员卡。",
    "Give --office-card and --member.": "请给出 --office-card 与 --member。",
    "The federation has no such member.": "联盟没有这个成员。",
    "No key of the federation has this id.": "联盟中没有此编号的密钥。",
    "Two keys have this id.": "有两把密钥用此编号。",
    "See federation show for the keys and their ids.": "密钥及编号见 federation show。",
    "The key has not begun at that instant.": "该密钥在此时刻尚未生效。",
    "This is no such card. {}": "这不是所要的卡。{}",
    "Use the {} that init wrote.": "请用 init 写下的 {}。",
    "It has no format.": "缺少 format 字段。",
    "It has no root.": "没有根元数据。",
    "It is not in its canonical spelling.": "不是规定的唯一写法，可能被改动过。",
    "Its roots do not follow each other.": "各版根元数据不相衔接。",
    "The copies are not of one proposal.": "这些文件不是同一份提议的副本。",
    "Its roots are not those of the statement that counts.": "其根元数据与现行声明的不符。",
    "Take the file that federation propose wrote.": "请用 federation propose 写下的文件。",
    # Rights.
    "There is no such method.": "没有这一方法。",
    "There is no such role.": "没有这一角色。",
    "There is no such purpose.": "没有这一目的。",
    "Did you mean {}?": "是否指 {}？",
    "Use one of {}.": "可用：{}。",
    "deltacare explain --list shows what there is.": "可用的见 deltacare explain --list。",
    "This method discloses personal data: say why, one of {}.": (
        "该方法涉及个人信息，须说明目的：{}。"
    ),
    "This method discloses personal data.": "该方法涉及个人信息。",
    # Certificates.
    "Only the issuing province issues or changes a certificate.": (
        "只有发证省可以签发或变更该证书。"
    ),
    "A province certifies the institutions of its own register.": (
        "机构证书只能发给本省登记的机构。"
    ),
    "The federation does not state that the province may issue under this scheme; partners "
    "recognise no scheme without an equivalence of their own in any case.": (
        "联盟未声明本省可颁发此类别的证书；未经他省互认规则认可的类别，他省一概不认。"
    ),
    # Evidence.
    "The evidence file is not JSON in UTF-8.": "证据文件不是 UTF-8 编码的 JSON：已被改动或截断。",
    "The evidence file is not spelled in the one way: it was altered or is not ours.": (
        "证据文件的书写格式不是规定的唯一形式：已被改动，或不是本程序所写。"
    ),
    "This is not an evidence file ({}).": "这不是证据文件（{}）。",
    "{} has more than {} bytes.": "{} 超过 {} 字节。",
    "{} is not canonical base64.": "{} 不是规范的 base64。",
    "{} is not an object.": "{} 不是 JSON 对象。",
    "No known key has signed the note.": "没有策略所列的密钥签署过它。",
    "A signature in the name of {} does not verify.": "以 {} 名义的签名不能通过校验。",
    "The note is signed twice in the name of {}.": "有两个以 {} 名义的签名。",
    "The note has no signatures, or is cut off.": "没有签名，或已被截断。",
    "A signature is not canonical base64 of a key id and a signature.": (
        "有一行签名不是规范的 base64。"
    ),
    "{} signature lines are by keys that no policy names: they may have been altered. Add the key "
    "to the policy, or allow unknown keys to ignore them.": (
        "有 {} 行签名出自策略未列的密钥，可能已被改动。请把密钥加入策略，"
        "或用 --allow-unknown 忽略这些签名。"
    ),
    "Too few witnesses known to {} have cosigned the checkpoint of {}.": (
        "按策略 {}，{} 的检查点联签不足。"
    ),
    "Too few known witnesses have cosigned the receipt's checkpoint.": "回执的检查点联签不足。",
    "No policy given here names a key of {} of the log {}.": "策略文件未列日志 {1} 的 {0} 密钥。",
    "{} states a time that has not come: {}.": "{} 所载时刻尚未到来：{}。",
    "The inclusion proof leads to another root.": "包含证明得出另一个根：条目或证明已被改动。",
    "The inclusion proof is too long.": "包含证明过长。",
    "The inclusion proof is too short.": "包含证明过短。",
    "The index lies outside the tree.": "序号超出树的范围。",
    "This is not a receipt (c2sp.org/tlog-proof@v1).": "这不是回执（c2sp.org/tlog-proof@v1）。",
    "The receipt has a line of extra data, which nobody signed.": "回执带有无人签署的附加数据。",
    "The entry's bytes are no entry of deltacare.": "条目的字节不是本系统的条目。",
    "The entry says nothing that this version can read. A newer version may.": (
        "本版本读不懂该条目，较新版本或许可以。"
    ),
    "The verdict {} ({}) does not follow from {}: they give {} ({}).": (
        "由 {2} 推不出结论 {0}（{1}），只能得出 {3}（{4}）。"
    ),
    "The log has another entry at {}.": "日志在 {} 处是另一条目。",
    "{} holds {}, not {}.": "{} 中是 {}，不是 {}。",
    "{} has {} entries, and the verdict was read under {}: export it again.": (
        "{} 只有 {} 条，而结论依据前 {} 条作出：请重新导出。"
    ),
    "{} is another history of {} than the verdict was read under.": (
        "{} 与结论所依据的 {} 是两份不同的历史。"
    ),
    "The entries in {} do not have the root that was signed.": "{} 中条目的根与所签的不符。",
    "The entry bundle {} is missing.": "缺少条目文件 {}。",
    "The statement does not bind. {}": "清算单不生效：{}",
    "Refused by {}.": "{} 已拒绝。",
    "The approval of {} is missing.": "缺 {} 的批准。",
    "{}: maker and reviewer are not two persons.": "{} 的经办人与复核人不是两个人。",
    "The {} of the statement are not those of the nights it names.": (
        "清算单的 {} 与其所列各夜对账结果不符。"
    ),
    "The pair results are not exactly those that the statement names.": (
        "对账结果与清算单所列的不完全一致。"
    ),
}

_RULE = re.compile(r"([A-Z][0-9]{2}-[A-Z0-9-]+): (.+)", re.DOTALL)


def in_chinese(text: str) -> str | None:
    """Return a sentence in Chinese, ``None`` if it is not known."""
    rule = _RULE.fullmatch(text)
    if rule is not None:
        said = in_chinese(rule[2])
        return None if said is None else f"{rule[1]}：{said}"
    for form, zh in _forms():
        found = form.fullmatch(text)
        if found is not None:
            return _filled(zh, [in_chinese(each) or each for each in found.groups()])
    return None


def _filled(zh: str, values: Sequence[str]) -> str:
    """Return a text with its places filled: those with a number by it, the others in order."""
    rest = iter([each for i, each in enumerate(values) if f"{{{i}}}" not in zh])
    numbered = re.compile(r"\{(\d*)\}")
    return numbered.sub(lambda at: values[int(at[1])] if at[1] else next(rest), zh)


@cache
def _forms() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return the forms of all sentences, read once and only if one is looked for."""
    return tuple(
        (re.compile(re.escape(en).replace(r"\{\}", "(.+?)"), re.DOTALL), zh)
        for en, zh in _ZH.items()
    )
