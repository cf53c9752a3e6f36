"""Postal addresses as they are compared: two spellings of one address are one.

Registers write province, city, county and street before a house, or leave them out. Nothing is
looked up, and what is returned is for comparing only, never for showing.
"""

import re

from deltacare.institutions import fold_text

__all__ = ["address_key", "address_place"]

_COUNTY_CHARS = 6
# Cities of the four provinces (GB/T 2260): what an address may begin with.
_CITIES = (
    "上海|南京|无锡|徐州|常州|苏州|南通|连云港|淮安|盐城|扬州|镇江|泰州|宿迁|"
    "杭州|宁波|温州|嘉兴|湖州|绍兴|金华|衢州|舟山|台州|丽水|"
    "合肥|芜湖|蚌埠|淮南|马鞍山|淮北|铜陵|安庆|黄山|滁州|阜阳|宿州|六安|亳州|池州|宣城"
)
# Province, city and county; a housing estate (小区) or a zone (园区) is no county, nor is a market.
_WIDER = re.compile(
    rf"^(?:(?:江苏|浙江|安徽)省)?(?:(?:{_CITIES})市)?"
    r"(?:[^省市区县路街巷弄号]{1,4}(?:(?<![小社园发业宅校厂片])区|县|市(?!场)))?"
)
_MARKS = re.compile(r"[\s,.;:'\"()\[\]{}、。·•~_-]+")


def address_key(address: str, street: str) -> str:
    """Return an address as it is compared within one county; empty if it says nothing.

    Width, case, spaces and marks mean nothing, and neither do the province, city and county that it
    begins with, nor the street or town that is stated beside it: registers write them or not.
    """
    key = _MARKS.sub("", _WIDER.sub("", fold_text(address)))
    return key.removeprefix(_MARKS.sub("", fold_text(street)))


def address_place(address: str, street: str, division_code: str) -> tuple[str, str] | None:
    """Return county and key of an address, ``None`` if it says nothing; equal where it is one."""
    key = address_key(address, street)
    return (division_code[:_COUNTY_CHARS], key) if key else None
