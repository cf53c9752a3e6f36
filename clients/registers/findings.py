"""Defects of a register: what is wrong, where, and what to do, in both languages.

A defect is reported, never mended by guessing. Most leave the row usable and one field empty; the
others leave the row out. Which is which stands in the table below and nowhere else.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from clients.language import tr

__all__ = ["UNREAD_FIELDS", "Defect", "Finding"]

_VALUE_SHOWN_CHARS_MAX = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """What a defect is called and how it is mended, Chinese first."""

    what: tuple[str, str]
    remedy: tuple[str, str]


class Defect(enum.Enum):
    """The kinds of defects; those that leave the row out come first."""

    ROW_BROKEN = "ROW_BROKEN"
    NUMBER_MISSING = "NUMBER_MISSING"
    NUMBER_MALFORMED = "NUMBER_MALFORMED"
    NUMBER_REPEATED = "NUMBER_REPEATED"
    PROVINCE_UNREADABLE = "PROVINCE_UNREADABLE"
    PROVINCE_OTHER = "PROVINCE_OTHER"
    NAME_MISSING = "NAME_MISSING"
    NAME_TOO_LONG = "NAME_TOO_LONG"
    BEDS_UNREADABLE = "BEDS_UNREADABLE"
    BEDS_ZERO = "BEDS_ZERO"
    DISTRICT_MISSING = "DISTRICT_MISSING"
    DISTRICT_MALFORMED = "DISTRICT_MALFORMED"
    DISTRICT_STATISTICAL = "DISTRICT_STATISTICAL"
    STREET_MISSING = "STREET_MISSING"
    STREET_WITHOUT_CODE = "STREET_WITHOUT_CODE"
    STREET_MALFORMED = "STREET_MALFORMED"
    STREET_ELSEWHERE = "STREET_ELSEWHERE"
    FOUNDING_MISSING = "FOUNDING_MISSING"
    FOUNDING_UNREADABLE = "FOUNDING_UNREADABLE"
    MODE_MISSING = "MODE_MISSING"
    MODE_UNKNOWN = "MODE_UNKNOWN"
    ADDRESS_MISSING = "ADDRESS_MISSING"
    ADDRESS_TOO_LONG = "ADDRESS_TOO_LONG"
    POSTCODE_MISSING = "POSTCODE_MISSING"
    POSTCODE_MALFORMED = "POSTCODE_MALFORMED"
    PLACE_MISSING = "PLACE_MISSING"
    PLACE_UNREADABLE = "PLACE_UNREADABLE"
    CREDIT_CODE_ABSENT = "CREDIT_CODE_ABSENT"
    CREDIT_CODE_MALFORMED = "CREDIT_CODE_MALFORMED"
    STREET_TOO_LONG = "STREET_TOO_LONG"

    @property
    def leaves_out(self) -> bool:
        """Whether a row with this defect cannot be taken."""
        return self in _LEAVE_OUT

    @property
    def what(self) -> str:
        """What is wrong, in the language of the run."""
        return tr(*_WORDS[self].what)

    @property
    def remedy(self) -> str:
        """What to do, in the language of the run."""
        return tr(*_WORDS[self].remedy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One defect of one cell.

    Attributes:
        row: Row of the file as a spreadsheet numbers it, the header being 1; 0 for the whole file.
        column: Name of the column.
        value: What was found, shortened.
        defect: What is wrong.
    """

    row: int
    column: str
    value: str
    defect: Defect

    @property
    def leaves_out(self) -> bool:
        """Whether the row was not taken because of it."""
        return self.defect.leaves_out

    def to_plain(self) -> dict[str, object]:
        """Return it for JSON, with its words in the language of the run."""
        return {
            "row": self.row,
            "column": self.column,
            "value": self.value,
            "defect": self.defect.value,
            "left_out": self.leaves_out,
            "description": self.defect.what,
            "remedy": self.defect.remedy,
        }


def finding(row: int, column: str, value: str, defect: Defect) -> Finding:
    """Return a finding with its value shortened."""
    if len(value) > _VALUE_SHOWN_CHARS_MAX:
        value = value[: _VALUE_SHOWN_CHARS_MAX - 1] + "…"
    return Finding(row=row, column=column, value=value, defect=defect)


_LEAVE_OUT = frozenset(
    {
        Defect.ROW_BROKEN,
        Defect.NUMBER_MISSING,
        Defect.NUMBER_MALFORMED,
        Defect.NUMBER_REPEATED,
        Defect.PROVINCE_UNREADABLE,
        Defect.PROVINCE_OTHER,
        Defect.NAME_MISSING,
        Defect.NAME_TOO_LONG,
        Defect.BEDS_UNREADABLE,
    }
)


# Fields that stay empty where a cell cannot be read: unlike an empty cell, the register says
# something there, and it is not known what.
UNREAD_FIELDS: Mapping[Defect, tuple[str, ...]] = {
    Defect.DISTRICT_MALFORMED: ("division_code",),
    Defect.STREET_MALFORMED: ("division_code",),
    Defect.STREET_ELSEWHERE: ("division_code",),
    Defect.STREET_TOO_LONG: ("street",),
    Defect.FOUNDING_UNREADABLE: ("established_date",),
    Defect.MODE_UNKNOWN: ("operation_mode",),
    Defect.ADDRESS_TOO_LONG: ("address",),
    Defect.POSTCODE_MALFORMED: ("postcode",),
    Defect.PLACE_UNREADABLE: ("longitude_e6", "latitude_e6"),
    Defect.CREDIT_CODE_MALFORMED: ("unified_social_credit_code",),
}


def _words(what_zh: str, what_en: str, remedy_zh: str, remedy_en: str) -> _Words:
    return _Words(what=(what_zh, what_en), remedy=(remedy_zh, remedy_en))


_ASK = ("向登记机关核实后补填", "Ask the registering authority and fill it in.")

_WORDS = {
    Defect.ROW_BROKEN: _words(
        "单元格数与列数不符",
        "The row has more or fewer cells than there are columns.",
        "含逗号的内容请加引号，并补齐单元格",
        "Put what contains a comma in quotation marks, and fill the missing cells.",
    ),
    Defect.NUMBER_MISSING: _words(
        "缺少登记编号", "The register's number is missing.", "补填编号", "Fill in the number."
    ),
    Defect.NUMBER_MALFORMED: _words(
        "登记编号格式有误",
        "The register's number is malformed.",
        "使用 1 至 32 位字母、数字、连字符；若为科学计数法，请把该列设为文本",
        "Use 1 to 32 letters, digits and hyphens; format the column as text if it shows an E.",
    ),
    Defect.NUMBER_REPEATED: _words(
        "登记编号与前面的行重复",
        "An earlier row has the same number.",
        "核对两行，保留正确的一行",
        "Compare the two rows and keep the right one.",
    ),
    Defect.PROVINCE_UNREADABLE: _words(
        "省级代码无法识别",
        "This is not the code of a province.",
        "填写六位代码，如 310000",
        "Write six digits, such as 310000.",
    ),
    Defect.PROVINCE_OTHER: _words(
        "不是本节点所属省份",
        "The row belongs to another province than the node's.",
        "交由该省的节点导入",
        "Import it at that province's node.",
    ),
    Defect.NAME_MISSING: _words("缺少机构名称", "The name is missing.", *_ASK),
    Defect.NAME_TOO_LONG: _words(
        "机构名称超过 200 字", "The name is longer than 200 characters.", *_ASK
    ),
    Defect.BEDS_UNREADABLE: _words(
        "核定床位不是 0 至 100000 的整数",
        "The approved beds are not a whole number from 0 to 100,000.",
        "填写核定床位数，只写数字",
        "Write the number of approved beds, digits only.",
    ),
    Defect.BEDS_ZERO: _words("核定床位为 0", "There are 0 approved beds.", *_ASK),
    Defect.DISTRICT_MISSING: _words(
        "缺少区县代码", "The district's code is missing.", "补填六位区县代码", "Fill in six digits."
    ),
    Defect.DISTRICT_MALFORMED: _words(
        "区县代码有误或不属于该省",
        "The district's code is malformed, or of another province.",
        "填写六位区县代码，如 310113",
        "Write six digits, such as 310113.",
    ),
    Defect.DISTRICT_STATISTICAL: _words(
        "区县代码是开发区的统计代码，不是行政区划代码",
        "The code is a statistical one of a development zone, not of a division.",
        "改用所在行政区的代码",
        "Use the code of the division that it lies in.",
    ),
    Defect.STREET_MISSING: _words("缺少街镇", "The street or town is missing.", *_ASK),
    Defect.STREET_WITHOUT_CODE: _words(
        "街镇没有代码：可能是错字、旧称或功能区名称",
        "The street has no code: perhaps misspelt, or an old or functional name.",
        "核对街镇的现用名称，补填九位代码",
        "Check the street's present name and fill in nine digits.",
    ),
    Defect.STREET_MALFORMED: _words(
        "街镇代码不是九位数字",
        "The street's code has not nine digits.",
        "填写九位代码；若为科学计数法，请把该列设为文本",
        "Write nine digits; format the column as text if it shows an E.",
    ),
    Defect.STREET_ELSEWHERE: _words(
        "街镇代码不在该区县内",
        "The street's code lies outside the district.",
        "核对街镇与区县",
        "Compare street and district.",
    ),
    Defect.FOUNDING_MISSING: _words("缺少成立日期", "The founding date is missing.", *_ASK),
    Defect.FOUNDING_UNREADABLE: _words(
        "成立日期无法识别，或晚于今天",
        "The founding date cannot be read, or lies in the future.",
        "按 2015-07-22 的形式填写",
        "Write it as 2015-07-22.",
    ),
    Defect.MODE_MISSING: _words("缺少运营方式", "The operation mode is missing.", *_ASK),
    Defect.MODE_UNKNOWN: _words(
        "运营方式无法识别",
        "The operation mode is unknown.",
        "填写公建公营、公建民营或民建民营",
        "Write 公建公营, 公建民营 or 民建民营.",
    ),
    Defect.ADDRESS_MISSING: _words("缺少地址", "The address is missing.", *_ASK),
    Defect.ADDRESS_TOO_LONG: _words(
        "地址超过 300 字，未采用",
        "The address is longer than 300 characters and was not taken.",
        "缩短地址",
        "Shorten the address.",
    ),
    Defect.POSTCODE_MISSING: _words("缺少邮政编码", "The postcode is missing.", *_ASK),
    Defect.POSTCODE_MALFORMED: _words(
        "邮政编码不是六位数字",
        "The postcode has not six digits.",
        "填写六位邮政编码",
        "Write six digits.",
    ),
    Defect.PLACE_MISSING: _words("缺少经纬度", "Longitude or latitude is missing.", *_ASK),
    Defect.PLACE_UNREADABLE: _words(
        "经纬度不是中国境内的度数",
        "Longitude or latitude is no place in China in degrees.",
        "按 121.415111 的形式填写",
        "Write them as 121.415111.",
    ),
    Defect.CREDIT_CODE_ABSENT: _words(
        "整个文件没有统一社会信用代码",
        "The whole file has no unified social credit codes.",
        "机构以省份和登记编号标识；如有代码，可加一列 unified_social_credit_code",
        "Institutions go by province and number; add unified_social_credit_code if you have it.",
    ),
    Defect.CREDIT_CODE_MALFORMED: _words(
        "统一社会信用代码有误",
        "The unified social credit code is malformed.",
        "按执照逐位核对 18 位代码",
        "Compare the 18 characters with the licence.",
    ),
    Defect.STREET_TOO_LONG: _words(
        "街镇名称超过 50 字，未采用",
        "The street's name is longer than 50 characters and was not taken.",
        "缩短街镇名称",
        "Shorten the street's name.",
    ),
}
assert set(_WORDS) == set(Defect), "every defect has its words"
