"""Chinese for what does not prove what it should: notes, checkpoints, proofs, policies of logs."""

from collections.abc import Mapping

__all__ = ["ZH"]

ZH: Mapping[str, str] = {
    # Notes and signatures.
    "A signature in the name of {} does not verify.": "以 {} 名义的签名不能通过校验。",
    "An SM2 signature in the name of {} does not verify.": "以 {} 名义的 SM2 签名不能通过校验。",
    "The note has more than {} bytes.": "签名文本超过 {} 字节。",
    "The note is not UTF-8.": "签名文本不是 UTF-8 编码。",
    "The note holds a control character.": "签名文本含有控制字符。",
    "The note has more than {} signatures.": "签名文本的签名超过 {} 个。",
    "A signature line does not begin with a dash and a space.": (
        "有一行签名不以破折号和空格开头。"
    ),
    "A signature line has no proper key name.": "有一行签名缺少规范的密钥名称。",
    # Checkpoints.
    "A checkpoint has exactly three lines.": "检查点应恰为三行。",
    "The checkpoint's origin is not a log's name.": "检查点首行不是日志名称。",
    "The checkpoint's size is not a plain decimal below 2^63.": (
        "检查点的大小不是小于 2^63 的十进制数。"
    ),
    "The checkpoint's root is not canonical base64 of 32 bytes.": (
        "检查点的根不是 32 字节的规范 base64。"
    ),
    "The checkpoint gives the empty tree a root it does not have.": (
        "检查点给空树写了不属于它的根。"
    ),
    "The checkpoint is of {}, not of {}.": "检查点属于 {}，不属于 {}。",
    "The checkpoint of {} is signed by a key that its owner declared bad.": (
        "{} 的检查点由其所有者已声明失信的密钥签名。"
    ),
    "The checkpoint of {} is signed by a key that is not in force.": (
        "{} 的检查点由不在有效期内的密钥签名。"
    ),
    "The cosignature in the name of {} is not a time and a signature.": (
        "以 {} 名义的联签不是“时刻加签名”的形式。"
    ),
    "The cosignature by {} states an impossible time.": "{} 的联签所载时刻不可能。",
    "The cosignature is not in the name of {}.": "联签不是以 {} 的名义作出。",
    "The SM2 cosignature is not in the name of {}.": "SM2 联签不是以 {} 的名义作出。",
    "No SM2 key that the policy trusts for the log has signed the checkpoint.": (
        "策略所信任的该日志 SM2 密钥均未签署此检查点。"
    ),
    "Too few known witnesses have signed the checkpoint with SM2.": "检查点的 SM2 联签不足。",
    "These are not two checkpoints of one log, the smaller first.": (
        "不是同一日志由小到大的两个检查点。"
    ),
    "The root or the proof is not of the right length.": "根或证明的长度不对。",
    "The first checkpoint is one of the second one's history.": (
        "前一检查点属于后一检查点的历史，并无分叉。"
    ),
    "Checkpoints of one size need no proof.": "大小相同的检查点无需证明。",
    "Every history begins with the empty one.": "任何历史都始于空日志，不构成分叉。",
    # Proofs.
    "The later tree is smaller than the earlier.": "较晚的树反而较小。",
    "The consistency proof is empty.": "一致性证明为空。",
    "The consistency proof is too long.": "一致性证明过长。",
    "The consistency proof is too short.": "一致性证明过短。",
    "The later tree does not extend the earlier.": "较晚的树不是由较早的树延伸而来。",
    "The same size has two roots.": "同一大小有两个根。",
    "The empty tree has another root.": "空树的根不符。",
    "The proof has more hashes than any tree is high.": "证明中的哈希多于树可能的高度。",
    "A hash of the proof, or one it is about, has not 32 bytes.": (
        "证明所含或所涉的某个哈希不是 32 字节。"
    ),
    "The bytes are not those of a tree's frontier.": "字节不是树的前沿。",
    "Tile {} is too short.": "哈希块 {} 过短。",
    "The entry bundle is cut off.": "条目文件已被截断。",
    "The entry bundle has not exactly {} entries.": "条目文件应恰有 {} 条。",
    # Receipts.
    "The receipt has more than {} bytes.": "回执超过 {} 字节。",
    "The receipt's lines are not ASCII.": "回执含有非 ASCII 字符。",
    "The receipt's extra data is not canonical base64 of at most 64 KiB.": (
        "回执的附加数据不是至多 64 KiB 的规范 base64。"
    ),
    "The receipt's index is not a plain decimal below 2^63.": (
        "回执的序号不是小于 2^63 的十进制数。"
    ),
    "The receipt's proof has more than {} hashes.": "回执的证明多于 {} 个哈希。",
    "A line of the receipt's proof is not canonical base64 of 32 bytes.": (
        "回执的证明有一行不是 32 字节的规范 base64。"
    ),
    "The receipt is of a log that is not trusted here.": "策略未列该回执所属的日志。",
    # Policies of logs.
    "The file is not UTF-8.": "文件不是 UTF-8 编码。",
    "Save it as UTF-8.": "请另存为 UTF-8。",
    "Add one, such as quorum none.": "请添加，如 quorum none。",
    "There is no quorum line.": "缺少 quorum 行。",
    "The line holds a control character.": "该行含有控制字符。",
    "The policy has more than {} definitions.": "策略的定义超过 {} 项。",
    "This is not a line of a policy.": "不是策略文件的行。",
    "Lines begin with log, witness, group or quorum.": (
        "各行应以 log、witness、group 或 quorum 开头。"
    ),
    "This comment is addressed to deltacare, and does not say what it may.": (
        "此注释写给 deltacare，但不是规定的写法。"
    ),
    "Write # deltacare: tainted log VKEY since TIME, or witness for log.": (
        "请写 # deltacare: tainted log VKEY since TIME，见证方则以 witness 代 log。"
    ),
    "The log's key stands there twice.": "日志密钥重复出现。",
    "The witness's key stands there twice.": "见证方密钥重复出现。",
    "A name may be a member once.": "同一名称只能作一次成员。",
    "This is not a threshold.": "不是门限。",
    "Write any, all or 1-{}.": "请写 any、all 或 1 至 {} 的数。",
    "There is a second quorum line.": "quorum 行不止一行。",
    "This cannot name a witness or group.": "不能用作见证方或组的名称。",
    "The name is defined twice.": "名称重复定义。",
    "The name is not defined.": "名称未经定义。",
    "Define it on a line before.": "请在前面的行中定义。",
    # Logs that are read or verified as a whole.
    "The policy does not trust the log {}.": "策略未列日志 {}。",
    "Too few known witnesses have cosigned the checkpoint of {}.": "{} 的检查点联签不足。",
    "The entries of {} do not have the root that was signed.": (
        "{} 的条目算出的根与所签的不符，条目可能已被改动。"
    ),
    "The entries of {} do not have the root of its checkpoint.": (
        "{} 的条目算出的根与其检查点不符。"
    ),
    "The entry bundle {} is missing.": "缺少条目文件 {}。",
    "This is not a log of the federation.": "不是本联盟的日志。",
    "Its author, or too many of its witnesses, have no key of SM2.": (
        "其作者或过多见证方没有 SM2 密钥。"
    ),
    "Make keys with deltacare node keys new --suite sm2, and have them stated.": (
        "请用 deltacare node keys new --suite sm2 生成密钥，并由办公室列入声明。"
    ),
    "This member has no key for verdicts.": "该成员没有用于出具结论的密钥。",
    "The node holds {} of the {} results that it names.": (
        "所列 {1} 份对账结果中，本节点只持有 {0} 份。"
    ),
    # Signatures and proofs.
    "No known key has signed the note.": "没有策略所列的密钥签署过它。",
    "The note is signed twice in the name of {}.": "有两个以 {} 名义的签名。",
    "The note has no signatures, or is cut off.": "没有签名，或已被截断。",
    "A signature is not canonical base64 of a key id and a signature.": (
        "有一行签名不是规范的 base64。"
    ),
    "{} signature lines are by keys that no policy names: they may have been altered. Add "
    "the key to the policy, or allow unknown keys to ignore them.": (
        "有 {} 行签名出自策略未列的密钥，可能已被改动。请把密钥加入策略，或用 --allow-unknown "
        "忽略这些签名。"
    ),
    "Too few witnesses known to {} have cosigned the checkpoint of {}.": (
        "按策略 {}，{} 的检查点联签不足。"
    ),
    "Too few known witnesses have cosigned the receipt's checkpoint.": "回执的检查点联签不足。",
    "No policy given here names a key of {} of the log {}.": "策略文件未列日志 {1} 的 {0} 密钥。",
    "The inclusion proof leads to another root.": "包含证明得出另一个根：条目或证明已被改动。",
    "The inclusion proof is too long.": "包含证明过长。",
    "The inclusion proof is too short.": "包含证明过短。",
    "The index lies outside the tree.": "序号超出树的范围。",
    "This is not a receipt (c2sp.org/tlog-proof@v1).": "这不是回执（c2sp.org/tlog-proof@v1）。",
    "The receipt has a line of extra data, which nobody signed.": "回执带有无人签署的附加数据。",
}
