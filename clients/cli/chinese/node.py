"""Chinese for what a node says of calls, its settings, its files and its logs."""

from collections.abc import Mapping

__all__ = ["ZH"]

ZH: Mapping[str, str] = {
    # Callers and calls.
    "The connection carries no client certificate.": "连接未出示客户端证书。",
    "The client certificate cannot be read.": "客户端证书无法读取。",
    "The certificate is a CA's, or is not meant for clients.": "证书是 CA 证书，或不用于客户端。",
    "The certificate names no URI.": "证书未载 URI。",
    "The certificate names more than one URI.": "证书载有多个 URI。",
    "The URI is not of the form spiffe://deltacare/<province>/<role>/<opaque id>.": (
        "URI 不是 spiffe://deltacare/<省级代码>/<角色>/<代号> 的形式。"
    ),
    "The URI's province is no member of the federation.": "URI 所载的省不是联盟成员。",
    "The certificate was not issued by a CA of the URI's province.": (
        "证书不是由 URI 所载省的 CA 签发。"
    ),
    "The certificate, or the CA that issued it, was revoked by its province.": (
        "证书或签发它的 CA 已被所属省吊销。"
    ),
    "The certificate, or the CA that issued it, is not valid yet.": (
        "证书或签发它的 CA 尚未生效。"
    ),
    "The certificate, or the CA that issued it, has expired.": "证书或签发它的 CA 已过期。",
    "The reviewer of a request is who sends it.": "请求的复核人须为发送者本人。",
    "This method discloses personal data: say why, one of {}.": (
        "该方法涉及个人信息，须说明目的：{}。"
    ),
    "There is no such service.": "没有这一服务。",
    "The message is not of the method's request type.": "报文不是该方法的请求类型。",
    "The call took more than {} seconds.": "调用超过 {} 秒。",
    "The node is stopping.": "节点正在停止。",
    "The node is shutting down.": "节点正在停止。",
    "The node failed; its log has the cause under {}.": "节点出错；原因见节点运行日志中的 {}。",
    "The connection was closed.": "连接已关闭。",
    "More than {} calls a second.": "每秒调用超过 {} 次。",
    "More than {} calls of this caller were denied within a minute.": (
        "该调用方一分钟内被拒绝超过 {} 次。"
    ),
    "More than {} calls a second of all callers in the role {}.": (
        "角色 {1} 的全部调用每秒超过 {0} 次。"
    ),
    "The answer has more than {} bytes: ask for fewer rows.": (
        "答复超过 {} 字节：请减少所查行数。"
    ),
    "More than {} of this caller's calls are running ({}).": (
        "该调用方同时进行的调用超过 {} 个（{}）。"
    ),
    "{} writes wait; come back later.": "有 {} 项写入在等待，请稍后再试。",
    "This request id was used before with other content.": "该请求号已用于其他内容。",
    "One request brings at most {} entries.": "一次请求至多 {} 条。",
    # Settings and files of a node.
    "The file is not TOML: {}.": "文件不是 TOML：{}。",
    "Compare it with a new one.": "请与新生成的文件对照。",
    "Remove it, or check its name.": "请删去，或核对其名称。",
    "Set it to {}.": "请设为{}。",
    "a text in quotes": "带引号的文本",
    "a whole number": "整数",
    "true or false": "true 或 false",
    "It is not the URL of SQLite or PostgreSQL.": "不是 SQLite 或 PostgreSQL 的 URL。",
    "Write sqlite:///node.sqlite or postgresql://user@host/database.": (
        "请写成 sqlite:///node.sqlite 或 postgresql://user@host/database。"
    ),
    'Write "manual", or HH:MM such as "18:00".': '请写 "manual"，或 HH:MM，如 "18:00"。',
    "There is no such level.": "没有这一级别。",
    "Use {}.": "可用：{}。",
    "There is no such setting.": "没有这一设置。",
    "Certificate and key cannot be read, or do not belong together.": (
        "证书与私钥无法读取，或不相匹配。"
    ),
    "Renew both with deltacare node certificate renew.": (
        "请用 deltacare node certificate renew 一并换发。"
    ),
    "Restore it from the backup of this node.": "请由该节点的备份恢复。",
    "The federation's metadata states other keys than this node holds for {}: restore the "
    "key files, or have the offices state the new keys with deltacare federation propose.": (
        "联盟元数据所列 {} 的密钥与本节点持有的不同；请恢复密钥文件，或由办公室以 deltacare "
        "federation propose 列入新密钥。"
    ),
    "{} is not empty; a node is never made over another.": (
        "{} 不是空目录；节点不能建在已有内容之上。"
    ),
    "No client has this role.": "没有此角色的客户端。",
    "The node has no key of that name.": "节点没有该名称的密钥。",
    "The node has no key of that name in this suite.": "节点在该密码套件中没有此名称的密钥。",
    "The newest CA is not stated yet, so partners would refuse the certificate. Publish the "
    "card first: deltacare federation propose --from {} --member {} --out proposal.json": (
        "最新的 CA 尚未列入声明，伙伴会拒绝其证书。请先公布成员卡：deltacare federation "
        "propose --from {} --member {} --out proposal.json"
    ),
    "The node's certificate is still of an old CA. Renew it first: deltacare node "
    "certificate renew {}.": (
        "节点证书仍由旧 CA 签发。请先换发：deltacare node certificate renew {}。"
    ),
    "{} had {} entries when it was anchored and has {} here: restore a newer backup. If "
    "there is none, state the loss to every member with accept_loss_of_size = {} under "
    "[audit] in node.toml.": (
        "{} 锚定时有 {} 条，本节点只有 {} 条：请恢复较新的备份；若无备份，请在 node.toml 的 "
        "[audit] 下设 accept_loss_of_size = {}，向全体成员声明丢失。"
    ),
    # Files of clients.
    "The private keys are encrypted, and no passphrase is given.": "私钥已加密，但未给出口令。",
    "The file cannot be read: {}.": "无法读取该文件：{}。",
    "The file is not JSON.": "文件不是 JSON。",
    "It lacks endpoint or province.": "缺少 endpoint 或 province。",
    "It is not a regular file.": "不是普通文件。",
    "Give the path of a file.": "请给出文件路径。",
    "{} exists already and is not overwritten.": "{} 已存在，不予覆盖。",
    # Logs that a node holds.
    "The caller may not read {} here.": "调用方无权在本节点读取 {}。",
    "{} is for partners' nodes.": "{} 仅供伙伴节点调用。",
    "This node does not hold {}.": "本节点不持有 {}。",
    "{} has {} entries here.": "{} 在本节点有 {} 条。",
    "The tree has {} entries.": "该树有 {} 条。",
    "There is no such selector.": "没有这种选择方式。",
    "No such checkpoint of {} is held here.": "本节点没有 {} 的这一检查点。",
    "Too few partners have cosigned a checkpoint over entry {}.": (
        "涵盖第 {} 条的检查点联签不足。"
    ),
    "At most {} are watched.": "至多关注 {} 个。",
    "At most {} are taken.": "至多接收 {} 个。",
    "The note is too long.": "签名文本过长。",
    "A note is too long.": "有签名文本过长。",
    "Cosignatures of {} go to its author.": "{} 的联签应交给其作者。",
    "No page goes by this token.": "没有此标记对应的页。",
    "Send the one you got.": "请原样交回所得的标记。",
    "The range ends behind the checkpoint.": "范围超出检查点。",
    "The range begins behind its end.": "范围的起点在终点之后。",
    "This node holds no key of {} that is in force; its operator installs one.": (
        "本节点没有 {} 的有效密钥，请由管理员装入。"
    ),
    "{} is no witness of {}.": "{} 不是 {} 的见证方。",
    "This node's clock differs from those of most partners: nothing is signed until it is right.": (
        "本节点的时钟与多数伙伴不一致：校正之前不签署任何内容。"
    ),
    "The note is not cosigned by {} with a key that was in force then, or at a time that has not"
    " come here.": ("签名文本没有 {} 以当时有效的密钥所作的联签，或联签所记时间在本节点尚未到来。"),
    "The note is of another history of {}.": "签名文本属于 {} 的另一份历史。",
    "The note covers more of {} than is held here.": "签名文本所涵盖的 {} 条目多于本节点所持。",
    "{} has shown two histories.": "{} 出示过两份历史。",
    "{} has another root at {}.": "{} 前 {} 条的根不同。",
    "{} holds entries that this version does not know.": "{} 含有本版本不认识的条目。",
    "Too few partners have confirmed where {} ends.": "确认 {} 末端的伙伴不足。",
    "Entry {} has {} bytes; at most {} fit.": "第 {} 条有 {} 字节，至多可为 {} 字节。",
    "The partner's entries ended before the checkpoint.": "伙伴给出的条目未到检查点即止。",
    "The partner's entries ended before what is held.": "伙伴给出的条目少于本节点所持。",
    "The partner's entries are not those asked for.": "伙伴给出的不是所要的条目。",
    "The partner's entries are more than was asked for.": "伙伴给出的条目多于所要的。",
    # Rights.
    "There is no such method.": "没有这一方法。",
    "There is no such role.": "没有这一角色。",
    "There is no such purpose.": "没有这一目的。",
    "Did you mean {}?": "是否指 {}？",
    "Use one of {}.": "可用：{}。",
    "deltacare explain --list shows what there is.": "可用的见 deltacare explain --list。",
    "This method discloses personal data.": "该方法涉及个人信息。",
}
