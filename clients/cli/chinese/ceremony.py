"""Chinese for what is refused in a ceremony: passphrases, cards, proposals, publications."""

from collections.abc import Mapping

__all__ = ["ZH"]

ZH: Mapping[str, str] = {
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
    # Metadata, cards and proposals.
    "This office signed another {} of version {} before. Once every copy of that is "
    "destroyed, sign this one with --supersede.": (
        "本办公室此前签署过第 {1} 版的另一份 {0}；确认其所有副本均已销毁后，方可加 --supersede "
        "签署这一份。"
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
    # More.
    "It is not what an office remembers.": "不是办公室的签署记录。",
    "Restore it from the backup.": "请从备份恢复。",
    "A signature is not key id and 64 bytes in hex.": "签名格式不对。",
    "A field beside the signed part does not belong.": "签署部分之外有多余字段。",
}
