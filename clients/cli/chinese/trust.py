"""Chinese for what is refused in the federation's metadata: members, keys, accounts, files."""

from collections.abc import Mapping

__all__ = ["ZH"]

ZH: Mapping[str, str] = {
    # Members, keys and accounts.
    "It has more than {} bytes.": "超过 {} 字节。",
    "It is not JSON in UTF-8 with each name once.": "不是 UTF-8 编码、名称不重复的 JSON。",
    "It is not {}.": "不是 {}。",
    "It is not an object of exactly {}.": "应为恰含 {} 的 JSON 对象。",
    "It is not of type {}.": "类型不是 {}。",
    "The key is also that of {}.": "该密钥也是 {} 的密钥。",
    "Use each once.": "每把密钥只能使用一次。",
    "A key stands there twice.": "有密钥重复出现。",
    "It is of another province.": "属于另一省。",
    "It is missing, strange, or contradicts the members.": "缺失、多余，或与成员不符。",
    "A federation has a name of 1 to 100 characters.": "联盟名称应为 1 至 100 个字符。",
    "A version counts from 1.": "版本号从 1 起。",
    "It is not 10 minutes to 31 days.": "不在 10 分钟至 31 天之间。",
    "A federation has 2 to {} members.": "联盟应有 2 至 {} 个成员。",
    "Members stand once each, ascending by code.": "成员应按代码升序排列，不得重复。",
    "It is not 1 to all partners.": "应在 1 至全部伙伴数之间。",
    "The federation has no {} {}.": "联盟中没有{} {}。",
    "province": "省级成员",
    "log": "日志",
    "A name has 1 to 100 printable characters.": "名称应为 1 至 100 个可显示字符。",
    "It is not one or more certificates in PEM.": "不是一张或多张 PEM 证书。",
    "A member has at most {} keys.": "每个成员至多 {} 把密钥。",
    "These keys are missing.": "缺少这些密钥。",
    "The member has no key of that name.": "该成员没有此名称的密钥。",
    "Its type is not 0x{}.": "类型不是 0x{}。",
    "Its use is not {}.": "用途不是 {}。",
    "Every key is tainted.": "该名称的密钥均已失信。",
    "Add the one that follows.": "请一并加入接替的密钥。",
    "These are too many accounts.": "账户过多。",
    "Accounts begin one after the other.": "各账户的生效时间应先后有序，不得相同。",
    "It is not 1 to 100 characters.": "应为 1 至 100 个字符。",
    "It is not 8 to 32 digits.": "账号应为 8 至 32 位数字。",
    "It is not 12 digits.": "联行号应为 12 位数字。",
    "Keys of one name begin one after the other.": "同名密钥的生效时间应先后有序，不得相同。",
    "Not ascending, each once, at most {}.": "应按升序排列，不得重复，至多 {} 项。",
    "It is not of the form that stands here.": "不是此处所要的形式。",
    "A key's window ends after it begins.": "密钥有效期的终止须晚于起始。",
    "The federation has no such member.": "联盟没有这个成员。",
    # Form of the metadata.
    "It does not ask for consistent snapshots.": "未要求 consistent_snapshot。",
    "A role has a field that does not belong.": "某角色有多余字段。",
    "Key ids of a role do not ascend.": "某角色的密钥编号未按升序排列。",
    "A threshold is not 1 to all keys.": "门限应在 1 至全部密钥数之间。",
    "Targets and snapshot are not signed as root is.": "目标与快照的签署方式与根不一致。",
    "Not every province has one root and one timestamp key.": (
        "并非每省都有一把根密钥和一把时间戳密钥。"
    ),
    "A key stands there twice, or members are few.": "有密钥重复，或成员过少。",
    "They delegate, which nobody may here.": "其中有委托，而本联盟不允许委托。",
    "{} has more or less than length and SHA-256.": "{} 应恰有长度和 SHA-256。",
    "It is not over one root and one targets.": "应恰对应一份根和一份目标。",
    "Its version is not that of its targets.": "版本号与其目标的不符。",
    "Its version {} is no hour.": "其版本号 {} 不是小时数。",
    "Its expiry is not 25 hours after its hour began.": "到期时间不是所属小时开始后 25 小时。",
    "A role names a key that is not there.": "某角色所指的密钥不存在。",
    "A key is not Ed25519 with its province and no more.": (
        "有密钥不是恰载省级代码的 Ed25519 密钥。"
    ),
    "A key is wrong: {}": "有密钥不正确：{}",
    "A key stands under an id that is not its own, or a province has two.": (
        "有密钥的编号不是它自己的，或一省有两把密钥。"
    ),
    "It is not of specification {}.": "不符合 {} 版规范。",
    "The signed part has other fields than it should.": "签署部分的字段与应有的不符。",
    "A reference says more than a version.": "引用处除版本号外还有其他内容。",
    "A version is no whole number.": "版本号不是整数。",
    "What it is bound to is not a SHA-256 in hex.": "所绑定的不是十六进制 SHA-256。",
    "The file has {} bytes, more than {}.": "文件有 {} 字节，超过 {}。",
    "The version is no number from 1 to {}.": "版本号不是 1 至 {} 的整数。",
    "Signatures stand by key id, at most {}.": "签名应按密钥编号排列，至多 {} 个。",
    "A signature has a field that does not belong.": "签名有多余字段。",
    "The file is too large for any role.": "文件过大，不属于任何一种元数据。",
    "The chain has more than {} roots.": "根的版本链超过 {} 版。",
    # Cards, proposals and offices.
    "The key is not named {}.": "密钥名称不是 {}。",
    "It lacks a field.": "缺少字段。",
    "There are more than {} files.": "文件超过 {} 个。",
    "This is no path of the federation's metadata.": "不是联盟元数据的路径。",
    "The file says version {}.": "文件自称第 {} 版。",
    "There is no {} among the federation's metadata.": "联盟元数据中没有 {}。",
    "{} is not empty; an office is never made over another.": (
        "{} 不是空目录；办公室不能建在已有内容之上。"
    ),
    "{} is another document.": "{} 是另一份文件。",
    "{} pins another root; it is replaced by hand only.": "{} 是另一联盟的根；只能由人更换。",
    "It names no later statement.": "未指向更新的声明。",
    "The node has no root of the federation yet.": "该节点还没有联盟的根元数据。",
    # Files of a node's trust, and its database, that were lost or damaged.
    "A file of a statement that is held was lost.": "已装入的声明缺少此文件。",
    "Install that statement again: deltacare federation publish … --install.": (
        "请再次装入该声明：deltacare federation publish … --install。"
    ),
    "The file is no snapshot: it is damaged.": "该文件不是快照，已损坏。",
    "Remove it, and install that statement again: deltacare federation publish … --install.": (
        "请删除该文件，并再次装入该声明：deltacare federation publish … --install。"
    ),
    "The file is no timestamp: it is damaged.": "该文件不是时间戳，已损坏。",
    "Remove the file; the running node and a partner make the next one.": (
        "请删除该文件；节点运行后会与伙伴节点签出下一份。"
    ),
    "Version {} has expired.": "第 {} 版已过期。",
    "The file is no SQLite database, or it is damaged.": "该文件不是 SQLite 数据库，或已损坏。",
    "Remove it with its -wal and -shm, and restore it from the backup; partners give back what "
    "that lacks.": ("请将其连同 -wal、-shm 一并删除，并由备份恢复；备份所缺由伙伴节点补回。"),
    # Statements and timestamps as nodes learn them from each other.
    "The TUF client does not accept it: {}.": "TUF 客户端不予接受：{}。",
    "The targets hold no federation.": "目标中没有联盟声明。",
    "Hour {} is not the present one.": "第 {} 小时不是当前小时。",
    "Another snapshot was signed for hour {}.": "第 {} 小时已为另一份快照签署。",
    "The snapshot is not the newest known here.": "快照不是本节点已知的最新一份。",
    "The newest statement has expired.": "最新声明已过期。",
    "This node does not hold the key {} that root {} states.": (
        "本节点没有第 {1} 版根所列的密钥 {0}。"
    ),
    "It does not say for which hours this node signed timestamps.": (
        "文件未载明本节点为哪些小时签署过时间戳。"
    ),
    "Wait for the next full hour, then remove the file.": "请待下一整点后删除该文件。",
    "The partner does not answer in time.": "伙伴节点未在时限内答复。",
    "The partner does not answer.": "伙伴节点无答复。",
    "They name {} documents.": "其中列有 {} 份文件。",
    "{} has {} bytes, more than {}.": "{} 有 {} 字节，超过 {}。",
    "It names another version {} than the one known here.": "所指第 {} 版与本节点已知的不同。",
    "It names version {}; version {} is in force.": "所指为第 {} 版，而第 {} 版已生效。",
    "It belongs to root {}, the one before to {}.": "它属于第 {} 版根，而前一份属于第 {} 版。",
    "A path has 1 to {} characters.": "路径应为 1 至 {} 个字符。",
    "There are not 1 to {}.": "应有 1 至 {} 个。",
    "It is no path, or stands there twice.": "不是路径，或重复出现。",
}
