"""What attributes of an institution and their values are called in Chinese: one table of them.

Tables and reports for people show these; JSON, mappings and logs keep the names of the contract,
and so does English, whose names those are. Codes that a register chose itself (schemes of grades,
reasons) stand as they are.
"""

import re
from collections.abc import Mapping

from clients.language import language

__all__ = ["attribute_name", "value_words"]

_NAMES: Mapping[str, str] = {
    "institution_id": "编号",
    "name": "名称",
    "division_code": "区划代码",
    "street": "街镇",
    "address": "地址",
    "postcode": "邮政编码",
    "approved_beds": "核定床位",
    "operation_mode": "运营方式",
    "established_date": "成立日期",
    "unified_social_credit_code": "统一社会信用代码",
    "longitude_e6": "经度",
    "latitude_e6": "纬度",
    "state": "运营状态",
    "provider_type": "机构类别",
    "open_beds": "可入住床位",
    "grades": "等级",
    "medical_facilities": "医疗机构",
    "successor_ids": "承接机构",
    "state_date": "状态起始日",
    "state_reason": "状态事由",
    # Of a mapping alone.
    "number": "登记编号",
    "province": "省份",
    "district_code": "区县代码",
    "street_code": "街镇代码",
    "longitude": "经度",
    "latitude": "纬度",
    "medical_insured": "医保定点",
}

_VALUES: Mapping[str, Mapping[str, str]] = {
    "operation_mode": {
        "PUBLIC_PUBLIC": "公建公营",
        "PUBLIC_PRIVATE": "公建民营",
        "PRIVATE_PRIVATE": "民建民营",
    },
    "provider_type": {
        "RESIDENTIAL_INSTITUTION": "养老机构",
        "COMMUNITY_CARE_HOME": "长者照护之家",
        "NURSING_STATION": "护理站",
        "COMMUNITY_ORGANISATION": "社区养老组织",
    },
    "state": {"OPERATING": "运营", "SUSPENDED": "暂停服务", "CLOSED": "已关闭"},
    "medical_facilities": {
        "MEDICAL_ROOM": "医务室",
        "CLINIC": "诊所",
        "NURSING_STATION": "护理站",
        "NURSING_HOSPITAL": "护理院",
        "HOSPITAL": "医院",
        "HEALTH_STATION": "卫生所（站）",
    },
}
_INSURED = ":INSURED"
_MICRO = 1_000_000
_DEGREES_E6 = re.compile(r"-?[0-9]{1,9}(,-?[0-9]{1,9})?", re.ASCII)


def attribute_name(name: str) -> str:
    """Return what an attribute is called in the language of the run."""
    return _NAMES.get(name, name) if language() == "zh" else name


def value_words(attribute: str, value: str) -> str:
    """Return a written value of an attribute in the language of the run.

    Args:
        attribute: Its name in the contract.
        value: As `deltacare.institutions` writes it; coordinates may be a pair.
    """
    if language() != "zh":
        return value
    if attribute in ("longitude_e6", "latitude_e6") and _DEGREES_E6.fullmatch(value):
        return "，".join(f"{int(each) / _MICRO:.6f}°" for each in value.split(","))
    known = _VALUES.get(attribute)
    if known is None:
        return value
    parts = []
    for each in value.split(","):
        kind = each.removesuffix(_INSURED)
        parts.append(known.get(kind, kind) + ("（医保定点）" if kind != each else ""))
    return "、".join(parts)
