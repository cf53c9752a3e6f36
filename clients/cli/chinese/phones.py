"""Chinese for what is refused of phone certificates, status lists, bundles and QR codes."""

from collections.abc import Mapping

__all__ = ["ZH"]

ZH: Mapping[str, str] = {
    # What is meant.
    "A disclosure": "出示项",
    "The bundle": "离线包",
    "The content": "离线包内容",
    "The header": "标头",
    "The payload": "载荷",
    "The signature": "签名",
    "The status list": "状态列表",
    "a coordinate": "坐标",
    "offline bundle": "离线包",
    "no QR code": "没有二维码",
    "several QR codes": "不止一个二维码",
    # Tokens and keys.
    "{} is not CBOR in its one spelling.": "{}不是规定唯一写法的 CBOR。",
    "{} is not JSON, or a name stands twice in it.": "{}不是 JSON，或其中名称重复。",
    "{} is not a JSON object.": "{}不是 JSON 对象。",
    "{} is not base64url.": "{}不是 base64url。",
    "{} is not a whole number.": "{} 不是整数。",
    "{} is not a text of 1 to {} characters.": "{} 不是 1 至 {} 个字符的文本。",
    "The token has more than {} bytes.": "令牌超过 {} 字节。",
    "The token has not three parts.": "令牌不是三段。",
    "The header is too long.": "标头过长。",
    "The header names no key.": "标头未指明公钥。",
    "The header says what this version does not know.": "标头含本版本不认识的内容。",
    "The algorithm is not {}.": "算法不是 {}。",
    "The token is no {}.": "令牌不是 {}。",
    "The signature has not 64 bytes.": "签名不是 64 字节。",
    "The signature is not by the key that it names.": "签名不是其所称公钥所签。",
    "The public key cannot be read.": "公钥无法读取。",
    "The public key is not on P-256.": "公钥不在 P-256 曲线上。",
    "The public key is not spelled in the one way.": "公钥的写法不是规定的唯一形式。",
    "The key is not a JWK on P-256.": "公钥不是 P-256 的 JWK。",
    "The JWK holds a private key: keep it, and give the public part.": (
        "JWK 含私钥：请自行保管，只提供公钥部分。"
    ),
    "The JWK lacks x or y.": "JWK 缺少 x 或 y。",
    "A coordinate of the JWK has not 32 bytes.": "JWK 的坐标不是 32 字节。",
    "The point of the JWK is not on P-256.": "JWK 的点不在 P-256 曲线上。",
    "The issuer is no province.": "发证方不是省级代码。",
    "The token names no status list of a province.": "令牌未指明任何省的状态列表。",
    # Phone forms.
    "The certificate has more than {} bytes.": "手机证书超过 {} 字节。",
    "The certificate has more than {} disclosures.": "手机证书的出示项超过 {} 个。",
    "The certificate has no tilde after its token: it is no SD-JWT.": (
        "令牌之后没有波浪号：这不是 SD-JWT。"
    ),
    "The certificate has not exactly the claims that it should have.": (
        "手机证书的内容项多于或少于应有的。"
    ),
    "The name that is kept of the holder is not the one that the certificate was issued to ({}); "
    "correct it with personal put.": (
        "所存持证人姓名与证书签发时的不符（{}）；请用 personal put 更正。"
    ),
    "The certificate is bound to no key of a phone.": "手机证书未绑定任何手机的公钥。",
    "The certificate names no place in a status list of its issuer.": (
        "手机证书未指明其发证省状态列表中的位置。"
    ),
    "The certificate names no place in a status list.": "手机证书未指明状态列表中的位置。",
    "The certificate shows what this version does not know.": "手机证书出示了本版本不认识的内容。",
    "The certificate was made at a time still to come.": "手机证书的制作时刻尚未到来。",
    "The issuer stated no such key for that day, or it is not trusted.": (
        "发证省未公布当日可用的此公钥，或该公钥不受信任。"
    ),
    "The number is not of the issuer.": "证书编号不属于该发证省。",
    "The token is no certificate of this federation.": "令牌不是本联盟的证书。",
    "A digest stands twice, or there are too many.": "摘要重复，或数量过多。",
    "A disclosure has a name that is reserved.": "出示项使用了保留名称。",
    "A disclosure is not a salt, a name and a text.": "出示项不是盐值、名称与文本三项。",
    "A disclosure names a claim that stands in clear, or stands twice.": (
        "出示项与明示内容重名，或重复出示。"
    ),
    "A disclosure was not signed for by the issuer, or stands twice.": (
        "出示项未经发证省签名，或重复出示。"
    ),
    "The digests are not of SHA-256.": "摘要不是 SHA-256。",
    "The digests of what may be disclosed are no texts.": "可出示内容的摘要不是文本。",
    "The phone answered another question.": "手机应答的不是本次提问。",
    "The phone did not answer the question (no key binding).": "手机未应答提问（没有密钥绑定）。",
    "The phone's answer is about another certificate.": "手机的应答针对另一份证书。",
    "The phone's answer is not of this moment.": "手机的应答不是此刻作出的。",
    # Status lists.
    "A number in the status list is none.": "状态列表中的数字无效。",
    "The status list has more than {} places.": "状态列表超过 {} 位。",
    "The status list has not exactly the claims that it should have.": (
        "状态列表的内容项多于或少于应有的。"
    ),
    "The status list has not as many places as it says.": "状态列表的位数与其所称不符。",
    "The status list has not two bits for each place.": "状态列表不是每位两比特。",
    "The status list is another one.": "状态列表不是所要的那一个。",
    "The status list is no COSE_Sign1 without open headers.": (
        "状态列表不是标头全受保护的 COSE_Sign1。"
    ),
    "The status list is not compressed as it should be.": "状态列表的压缩方式有误。",
    "The status list is of another issuer.": "状态列表属于另一发证省。",
    "The status list is signed by a key that the issuer did not state.": (
        "状态列表的签名公钥未经发证省公布。"
    ),
    "The status list names no day.": "状态列表未写明日期。",
    "The token is no status list under ES256.": "令牌不是 ES256 签名的状态列表。",
    "There is no status list {} of {} for that day.": "没有第 {0} 号状态列表（{1}，当日）。",
    "The list is not the one that the entry states.": "列表与条目所述摘要不符。",
    "The entry states another list, or one of a later day.": "条目所述为另一列表，或日期更晚。",
    "The receipt is of another entry.": "回执属于另一条目。",
    "The log has another entry at {} #{}.": "日志在 {} #{} 处是另一条目。",
    "The entry is void: it states a list of entries that were not there yet.": (
        "该条目无效：它公布的列表所依据的条目当时尚不存在。"
    ),
    "The certificate has another place in the list than the node says.": (
        "证书在列表中的位置与节点所述不同。"
    ),
    "The node gave an older list: {} #{} states a newer one of that day or before.": (
        "节点给出的列表较旧：{} #{} 公布了该日以前更新的列表。"
    ),
    "The certificate was not issued yet when the list was stated.": ("该列表公布时证书尚未签发。"),
    # Bundles.
    "This is no offline bundle ({}).": "这不是离线包（{}）。",
    "The note is not of an offline bundle ({}).": "签名文本不属于离线包（{}）。",
    "The bundle cannot be read: {}": "离线包无法读取：{}",
    "The bundle has more or fewer lists or keys than its content names.": (
        "离线包中的列表或公钥多于或少于其内容所列。"
    ),
    "The bundle is signed by the key of another province.": "离线包由另一省的密钥签名。",
    "The content of the bundle is not what its node signed.": "离线包内容与节点所签不符。",
    "The receipt of a key of {} proves something else.": "{} 的公钥回执所证为他事。",
    "A status list is another one than the node says.": "状态列表与节点所述不是同一个。",
    "A status list does not say when it was signed.": "状态列表未载明签发时刻。",
    "A status list is not the one that the node put there.": "状态列表不是节点放入的那一个。",
    "A status list is signed by a key that does not sign on its day.": (
        "状态列表由当日不可用的公钥签名。"
    ),
    "{} is not a verdict that this version knows.": "{} 不是本版本认识的结论。",
    # Calls.
    "A key signs nothing of days that are past.": "公钥不能自过去的日期起签名。",
    "A key that is withdrawn has no days.": "撤回公钥时不得填写日期。",
    "No status list speaks of days to come.": "状态列表不说尚未到来的日期。",
    "Another province's newest list is signed by its own node.": (
        "他省最新的状态列表由其本省节点签名。"
    ),
    "Give the public key of the phone as JWK.": "请以 JWK 提供手机的公钥。",
    "It is no JSON.": "不是 JSON。",
    "It is not 1 to 64 characters of [A-Za-z0-9._-].": "不是 1 至 64 个 [A-Za-z0-9._-] 字符。",
    "No key for phone certificates that this node holds is stated for today: state one with "
    "deltacare cert phone-key.": (
        "本节点没有今日可用的手机证书密钥：请用 deltacare cert phone-key 公布。"
    ),
    "No log has certificates/{}.": "任何日志中都没有 certificates/{}。",
    "Only the issuer makes the phone form of its certificates.": (
        "只有发证省可以制作其证书的手机形式。"
    ),
    "The certificate has run out ({}); renew it first.": "证书已过期（{}），请先续期。",
    "The certificate is revoked ({}).": "证书已撤销（{}）。",
    "This province is no member.": "该省不是成员。",
    "This province stated no such key.": "本省未公布过此公钥。",
    # QR codes.
    "The phone form has {} bytes and a QR code holds {}: leave out the holder's name or the key "
    "of the phone.": "手机证书有 {} 字节，二维码最多容纳 {} 字节：请不出示姓名，或不绑定手机公钥。",
    "Give a picture of the code.": "请提供二维码图片。",
    "It is no PNG or JPEG that can be read.": "不是可读取的 PNG 或 JPEG。",
    "Take it again: one code, sharp, with its white edge.": (
        "请重新拍摄：只含一个二维码，清晰，并留白边。"
    ),
    "The picture has more than {} bytes.": "图片超过 {} 字节。",
    "The picture has more than {} pixels.": "图片超过 {} 像素。",
    "The picture shows {}.": "图片中{}。",
}
