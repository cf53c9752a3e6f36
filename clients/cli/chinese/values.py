"""Chinese for what is wrong with single values: codes, numbers, dates, amounts, keys."""

from collections.abc import Mapping

__all__ = ["ZH"]

ZH: Mapping[str, str] = {
    # Codes and numbers.
    "Within {} the code names a part but not the whole it lies in.": (
        "在 {} 之内，代码只写了下级区划而缺其上级。"
    ),
    "Check the digits in the middle.": "请核对中间几位数字。",
    "The spreadsheet turned it into a number: format the column as text.": (
        "表格软件把它变成了数字：请将该列设为“文本”格式。"
    ),
    "Send a fresh random UUID with each new request.": "每次新请求请用新的随机 UUID。",
    "Compare it with the identity card, digit by digit.": "请与身份证逐位核对。",
    "An identity number has 18 characters.": "身份证号应为 18 位。",
    "The date of birth does not exist.": "出生日期不存在。",
    "The year of birth is before 1850.": "出生年份早于 1850 年。",
    "Copy the 18 characters from the licence; I, O, S, V and Z are never among them.": (
        "请照执照抄写 18 位代码；其中不会有 I、O、S、V、Z。"
    ),
    "This is not the number of {}.": "不是{}编号。",
    "Write the province's code, a hyphen and the number, such as {}.": (
        "请写省级代码、连字符和编号，如 {}。"
    ),
    "a certificate": "证书",
    "an institution": "机构",
    "This is not a caller of this federation.": "不是本联盟的调用方。",
    "Use a certificate with spiffe://deltacare/<province>/<role>/<opaque id>.": (
        "请用载有 spiffe://deltacare/<省级代码>/<角色>/<代号> 的证书。"
    ),
    "This is not the opaque id of a principal.": "不是人员或系统的代号。",
    "Use 1 to 64 lower-case letters, digits, inner hyphens, dots and underscores.": (
        "请用 1 至 64 个小写字母、数字和下划线，中间可有连字符和点。"
    ),
    "Use 1 to 64 letters, digits, inner hyphens, dots and underscores.": (
        "请用 1 至 64 个字母、数字和下划线，中间可有连字符和点。"
    ),
    "This is not a code.": "不是代码。",
    "Use 1 to {} capital letters, digits and underscores.": (
        "请用 1 至 {} 个大写字母、数字和下划线。"
    ),
    "This is not a province's code, a hyphen and a number of its choice.": (
        "不是“省级代码-自编号”的形式。"
    ),
    "Write it as 310000-2026-1.": "请写成 310000-2026-1。",
    # Amounts.
    "The amount is beyond {} yuan.": "金额超过 {} 元。",
    "Check that yuan were not entered as fen, or a digit twice.": (
        "请核对是否误将元填作分，或多填了一位。"
    ),
    "State whole fen: 100 to a yuan.": "请以整数分填写，1 元为 100 分。",
    "State yuan with at most two decimals.": "请以元填写，至多两位小数。",
    "This is a truth value, not an amount.": "这是真假值，不是金额。",
    "The amount is missing.": "未填写金额。",
    "The exponent is out of range.": "指数超出范围。",
    # Dates and times.
    "The timestamp lies outside 1970 to 2998.": "时刻不在 1970 至 2998 年之间。",
    "The time is finer than a microsecond.": "时刻精度超过微秒。",
    "The zone -00:00 means that the zone is unknown.": "时区 -00:00 表示时区不明。",
    "There is no such month.": "没有这一月份。",
    "The last day lies before the first.": "截止日早于起始日。",
    "It lies before the first day.": "早于起始日。",
    "It lies before the first date.": "早于起始日期。",
    "The moment lies outside 1970 to 2998.": "时刻不在 1970 至 2998 年之间。",
    "Nothing is known of the future.": "时刻尚未到来，无从得知。",
    # Names, texts and counts.
    "A name has 1 to 64 printable characters.": "姓名应为 1 至 64 个可显示字符。",
    "Write it as on the paper.": "请照证书所载填写。",
    "It has {} characters, not {} to {}.": "有 {} 个字符，应为 {} 至 {} 个。",
    "It holds unprintable characters or begins or ends with a space.": (
        "含有不可显示字符，或首尾有空格。"
    ),
    "It has 1 to 64 characters.": "应为 1 至 64 个字符。",
    "It has more than 64 characters.": "超过 64 个字符。",
    "It has at most 64 printable characters.": "应为至多 64 个可显示字符。",
    "It is more than {}.": "超过 {}。",
    "It is not 0 to {}.": "不在 0 至 {} 之间。",
    "It is not 1 to {}.": "不在 1 至 {} 之间。",
    "It is 0 to {}.": "应在 0 至 {} 之间。",
    "It is not {} to {}.": "不在 {} 至 {} 之间。",
    "It is not a known value.": "不是可用的值。",
    "It is not known.": "不是可用的值。",
    "It is empty or one of {}.": "应留空，或为以下之一：{}。",
    "It has {} values, not {} to {}.": "有 {} 个值，应为 {} 至 {} 个。",
    "A value stands more than once.": "有重复的值。",
    "It has not 32 bytes.": "不是 32 字节。",
    "It is not 32 bytes.": "不是 32 字节。",
    "A leaf hash has 32 bytes.": "叶哈希应为 32 字节。",
    "Leave it empty if unknown.": "不详时请留空。",
    "Leave the field empty.": "请将该字段留空。",
    "The contract knows no such field.": "接口中没有这一字段。",
    "Leave it out; write no names into it.": "请删去，切勿在其中填写姓名。",
    # Keys.
    "Copy the verifier key as its owner published it: name+8 hex digits+base64.": (
        "请照其所有者公布的原样抄写验证密钥：名称+8 位十六进制+base64。"
    ),
    "This is not a verifier key.": "不是验证密钥。",
    "The key is not of type 0x01 or 0x04 (Ed25519).": "密钥类型不是 0x01 或 0x04（Ed25519）。",
    "The key is of type 0x{}, but 0x{} is needed here.": "密钥类型为 0x{}，此处须为 0x{}。",
    "The key id is not that of the key.": "密钥编号与密钥不符。",
    "The key is weak: anyone can sign for it.": "弱密钥：任何人都能以其签名。",
    "Make another key.": "请另行生成密钥。",
    "A name has 1 to {} characters without spaces.": "名称应为 1 至 {} 个字符，不含空格。",
    "This is not a key of SM2 with SM3.": "不是 SM2（配 SM3）密钥。",
    "The key is for {}, but {} is needed here.": "该密钥用于 {}，此处须用于 {}。",
    "The key is not a point of the curve of SM2.": "密钥不是 SM2 曲线上的点。",
    "The bytes are not a private key of SM2.": "不是 SM2 私钥。",
    "SM2 with SM3 is not available here. Install it: pip install 'deltacare[sm]'": (
        "本机未安装 SM2（配 SM3）。请安装：pip install 'deltacare[sm]'"
    ),
    # What is often wrong.
    "It is missing.": "未填写。",
    "It is empty.": "为空。",
    "It is not host:port.": "不是“主机:端口”。",
    "It is no hour.": "不是时刻。",
    "The check character is wrong.": "校验码不符。",
    "The reviewer is the maker.": "复核人与经办人是同一人。",
    "There is no such day in the calendar.": "没有这一天。",
    "There is no such time.": "没有这一时刻。",
    "This is not a UUID.": "不是 UUID。",
    "This is not a date of the form YYYY-MM-DD.": "不是 YYYY-MM-DD 形式的日期。",
    "This is not a date.": "不是日期。",
    "This is not a month of the form YYYY-MM.": "不是 YYYY-MM 形式的月份。",
    "This is asked in a stream of batches.": "只能在分批报送时预检。",
    "This is not a partner.": "不是伙伴省。",
    "This is not a settlement number.": "不是结算编号。",
    "This is not a unified social credit code.": "不是统一社会信用代码。",
    "This is not an RFC 3339 time with a zone.": "不是带时区的 RFC 3339 时刻。",
    "This is not an amount.": "不是金额。",
    "This is not the code of a division.": "不是行政区划代码。",
    "This is not the code of a province.": "不是省级代码。",
    "This is not the code of a reason.": "不是事由代码。",
    "This is not the name of a log.": "不是日志名称。",
    "The year lies outside 1900 to 2999.": "年份不在 1900 至 2999 之间。",
    # What to do.
    "Check the path and the right to read it.": "请核对路径和读取权限。",
    "Give the directory that deltacare node init wrote for clients.": (
        "请给出 deltacare node init 为客户端写下的目录。"
    ),
    "Use 1 to 64 capital letters, digits and underscores; write no names.": (
        "请用 1 至 64 个大写字母、数字和下划线；不要写姓名。"
    ),
    "Use 1 to 64 letters, digits, hyphens and underscores.": (
        "请用 1 至 64 个字母、数字、连字符和下划线。"
    ),
    "Write 2026-11-22.": "请写成 2026-11-22。",
    "Write 2, 4, 6, 9 or 12 digits, such as 310151.": "请写 2、4、6、9 或 12 位数字，如 310151。",
    "Write deltacare/310000/registry or deltacare/310000/settlement/320000.": (
        "请写成 deltacare/310000/registry 或 deltacare/310000/settlement/320000。"
    ),
    "Write digits with at most one decimal point, such as 1234.50.": "请写数字，如 1234.50。",
    "Write it as 127.0.0.1:7310.": "请写成 127.0.0.1:7310。",
    "Write it as 2026-10.": "请写成 2026-10。",
    "Write it as 2026-11-22.": "请写成 2026-11-22。",
    "Write it as 2026-11-22T08:00:00Z.": "请写成 2026-11-22T08:00:00Z。",
    "Write six digits, such as 310000.": "请写六位数字，如 310000。",
    "Write six digits, such as 310151.": "请写六位数字，如 310151。",
}
