"""What each kind of defect is called and how it is mended, in both languages; nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["WORDS", "DefectWords"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DefectWords:
    """What a defect is called and how it is mended, Chinese first."""

    what: tuple[str, str]
    remedy: tuple[str, str]


def _words(what_zh: str, what_en: str, remedy_zh: str, remedy_en: str) -> DefectWords:
    return DefectWords(what=(what_zh, what_en), remedy=(remedy_zh, remedy_en))


_ASK = ("向登记机关核实后补填", "Ask the registering authority and fill it in.")

WORDS: Mapping[str, DefectWords] = {
    "ROW_BROKEN": _words(
        "单元格数与列数不符",
        "The row has more or fewer cells than there are columns.",
        "含逗号的内容请加引号，并补齐单元格",
        "Put what contains a comma in quotation marks, and fill the missing cells.",
    ),
    "FORMULA_UNSAVED": _words(
        "单元格只有公式，没有计算结果",
        "A cell holds a formula without a value.",
        "用表格软件打开并保存该文件，或直接填写",
        "Open the file in the spreadsheet program and save it, or write the value itself.",
    ),
    "NUMBER_MISSING": _words(
        "缺少登记编号", "The register's number is missing.", "补填编号", "Fill in the number."
    ),
    "NUMBER_MALFORMED": _words(
        "登记编号格式有误",
        "The register's number is malformed.",
        "使用 1 至 32 位字母、数字、连字符；若为科学计数法，请把该列设为文本",
        "Use 1 to 32 letters, digits and hyphens; format the column as text if it shows an E.",
    ),
    "NUMBER_REPEATED": _words(
        "登记编号与前面的行重复",
        "An earlier row has the same number.",
        "核对两行，保留正确的一行",
        "Compare the two rows and keep the right one.",
    ),
    "PROVINCE_UNREADABLE": _words(
        "省级代码无法识别",
        "This is not the code of a province.",
        "填写六位代码，如 310000",
        "Write six digits, such as 310000.",
    ),
    "PROVINCE_OTHER": _words(
        "不是本节点所属省份",
        "The row belongs to another province than the node's.",
        "交由该省的节点导入",
        "Import it at that province's node.",
    ),
    "NAME_MISSING": _words("缺少机构名称", "The name is missing.", *_ASK),
    "NAME_TOO_LONG": _words(
        "机构名称超过 200 字，或含不可见字符",
        "The name is longer than 200 characters, or holds unprintable ones.",
        *_ASK,
    ),
    "BEDS_UNREADABLE": _words(
        "核定床位不是 0 至 100000 的整数",
        "The approved beds are not a whole number from 0 to 100,000.",
        "填写核定床位数，只写数字",
        "Write the number of approved beds, digits only.",
    ),
    "BEDS_ZERO": _words("核定床位为 0", "There are 0 approved beds.", *_ASK),
    "DISTRICT_MISSING": _words(
        "缺少区县代码", "The district's code is missing.", "补填六位区县代码", "Fill in six digits."
    ),
    "DISTRICT_MALFORMED": _words(
        "区县代码有误或不属于该省",
        "The district's code is malformed, or of another province.",
        "填写六位区县代码，如 310113",
        "Write six digits, such as 310113.",
    ),
    "DISTRICT_STATISTICAL": _words(
        "区县代码是开发区的统计代码，不是行政区划代码",
        "The code is a statistical one of a development zone, not of a division.",
        "改用所在行政区的代码",
        "Use the code of the division that it lies in.",
    ),
    "STREET_MISSING": _words("缺少街镇", "The street or town is missing.", *_ASK),
    "STREET_WITHOUT_CODE": _words(
        "街镇没有代码：可能是错字、旧称或功能区名称",
        "The street has no code: perhaps misspelt, or an old or functional name.",
        "核对街镇的现用名称，补填九位代码",
        "Check the street's present name and fill in nine digits.",
    ),
    "STREET_MALFORMED": _words(
        "街镇代码不是九位数字",
        "The street's code has not nine digits.",
        "填写九位代码；若为科学计数法，请把该列设为文本",
        "Write nine digits; format the column as text if it shows an E.",
    ),
    "STREET_ELSEWHERE": _words(
        "街镇代码不在该区县内",
        "The street's code lies outside the district.",
        "核对街镇与区县",
        "Compare street and district.",
    ),
    "FOUNDING_MISSING": _words("缺少成立日期", "The founding date is missing.", *_ASK),
    "FOUNDING_UNREADABLE": _words(
        "成立日期无法识别，或晚于今天",
        "The founding date cannot be read, or lies in the future.",
        "按 2015-07-22 的形式填写，或在映射文件 file.dates 中补上该写法",
        "Write it as 2015-07-22, or add the form to file.dates in the mapping.",
    ),
    "MODE_MISSING": _words("缺少运营方式", "The operation mode is missing.", *_ASK),
    "MODE_UNKNOWN": _words(
        "运营方式无法识别",
        "The operation mode is unknown.",
        "改用映射文件 codes.operation_mode 中的写法，或在其中补上该写法",
        "Use a word of codes.operation_mode in the mapping, or add this one there.",
    ),
    "ADDRESS_MISSING": _words("缺少地址", "The address is missing.", *_ASK),
    "ADDRESS_TOO_LONG": _words(
        "地址超过 300 字或含不可见字符，未采用",
        "The address is longer than 300 characters or holds unprintable ones; it was not taken.",
        "缩短地址，去除不可见字符",
        "Shorten the address and remove unprintable characters.",
    ),
    "POSTCODE_MISSING": _words("缺少邮政编码", "The postcode is missing.", *_ASK),
    "POSTCODE_MALFORMED": _words(
        "邮政编码不是六位数字",
        "The postcode has not six digits.",
        "填写六位邮政编码",
        "Write six digits.",
    ),
    "PLACE_MISSING": _words("缺少经纬度", "Longitude or latitude is missing.", *_ASK),
    "PLACE_UNREADABLE": _words(
        "经纬度不是中国境内的度数",
        "Longitude or latitude is no place in China in degrees.",
        "按 121.415111 的形式填写",
        "Write them as 121.415111.",
    ),
    "CREDIT_CODE_ABSENT": _words(
        "整个文件没有统一社会信用代码",
        "The whole file has no unified social credit codes.",
        "机构以省份和登记编号标识；如有代码，可加一列并写入映射",
        "Institutions go by province and number; add a column, and map it, if you have them.",
    ),
    "CREDIT_CODE_MALFORMED": _words(
        "统一社会信用代码有误",
        "The unified social credit code is malformed.",
        "按执照逐位核对 18 位代码",
        "Compare the 18 characters with the licence.",
    ),
    "STREET_TOO_LONG": _words(
        "街镇名称超过 50 字或含不可见字符，未采用",
        "The street's name is longer than 50 characters or holds unprintable ones.",
        "缩短街镇名称，去除不可见字符",
        "Shorten the street's name and remove unprintable characters.",
    ),
    "STATE_UNKNOWN": _words(
        "运营状态缺失或无法识别",
        "The state is missing or unknown.",
        "改用映射文件 codes.state 中的写法，或在其中补上该写法",
        "Use a word of codes.state in the mapping, or add this one there.",
    ),
    "NOT_REGISTERED": _words(
        "本节点没有与之相符的机构",
        "No institution of this node matches the row.",
        "核对名称或代码；机构应先由其登记机关的名录导入",
        "Compare name or code; its own register brings an institution in.",
    ),
    "SEVERAL_REGISTERED": _words(
        "有多家机构与之相符",
        "Several institutions match the row.",
        "改按登记编号或统一社会信用代码匹配",
        "Match by register number or credit code instead.",
    ),
    "REOPENED_UNEXPLAINED": _words(
        "机构已登记为关闭，名录又写作未关闭，却无日期和事由",
        "The institution is registered as closed; the row says otherwise without day and reason.",
        "核实是否恢复运营，补填状态日期和事由",
        "Find out whether it came back; fill in the day and reason of its state.",
    ),
    "COLUMN_ABSENT": _words(
        "缺少映射所指的列，该要素保留原有内容",
        "The file lacks a column that the mapping names; what is stored stays.",
        "补上该列，或从映射中删去",
        "Add the column, or take it out of the mapping.",
    ),
    "OPEN_BEDS_UNREADABLE": _words(
        "可入住床位不是整数",
        "The open beds are not a whole number.",
        "只写数字",
        "Write digits only.",
    ),
    "OPEN_BEDS_ABOVE_APPROVED": _words(
        "可入住床位多于核定床位，未采用",
        "There are more open beds than approved ones; they were not taken.",
        "核对两个床位数",
        "Compare the two numbers of beds.",
    ),
    "DISTRICT_UNKNOWN": _words(
        "县区名称不在映射的对照表中",
        "The district's name stands in no code of the mapping.",
        "改用现用名称，或在 codes.district_code 中补上",
        "Use its present name, or add it to codes.district_code.",
    ),
    "DISTRICT_ABOLISHED": _words(
        "区县代码已撤销",
        "The code is of a district that was abolished.",
        "改用承接的区县代码",
        "Use the code of the district that took over.",
    ),
    "STREET_UNKNOWN": _words(
        "街镇名称不在该区县的对照表中：可能是错字、旧称或功能区名称",
        "No table knows a street of this name in the district: perhaps misspelt, or an old name.",
        "核对街镇的现用名称，或补填九位代码",
        "Check the street's present name, or fill in nine digits.",
    ),
    "PROVIDER_TYPE_MISSING": _words("缺少机构类别", "The sort of provider is missing.", *_ASK),
    "PROVIDER_TYPE_UNKNOWN": _words(
        "机构类别无法识别",
        "The sort of provider is unknown.",
        "改用映射文件 codes.provider_type 中的写法，或在其中补上该写法",
        "Use a word of codes.provider_type in the mapping, or add this one there.",
    ),
    "STATE_DATE_UNREADABLE": _words(
        "状态日期无法识别",
        "The day of the state cannot be read.",
        "按映射文件 file.dates 的写法填写",
        "Write it in a form of file.dates in the mapping.",
    ),
    "STATE_REASON_UNKNOWN": _words(
        "状态事由无法识别",
        "The reason of the state is unknown.",
        "改用映射文件 codes.state_reason 中的写法，或在其中补上该写法",
        "Use a word of codes.state_reason in the mapping, or add this one there.",
    ),
    "SUCCESSOR_MALFORMED": _words(
        "承接机构的编号有误",
        "The successor's number is malformed.",
        "填写名录中的登记编号",
        "Write its number in the register.",
    ),
    "SUCCESSOR_UNKNOWN": _words(
        "名录中没有这家承接机构，未采用",
        "The register has no such successor; it was not taken.",
        "核对承接机构的编号",
        "Compare the successor's number.",
    ),
    "SUCCESSOR_OF_OPEN": _words(
        "机构未关闭，却写了承接机构，未采用",
        "The institution is not closed and has a successor, which was not taken.",
        "核对运营状态与承接机构",
        "Compare state and successor.",
    ),
    "SUCCESSOR_CLOSED": _words(
        "承接机构本身已关闭，未采用",
        "The successor is closed itself; it was not taken.",
        "填写现在承接的机构",
        "Name the institution that carries on now.",
    ),
    "GRADE_UNKNOWN": _words(
        "等级无法识别，未采用",
        "The grade is unknown and was not taken.",
        "改用映射文件中该等级体系的写法，或在其中补上该写法",
        "Use a word of this scheme in the mapping, or add this one there.",
    ),
    "GRADE_DATE_UNREADABLE": _words(
        "等级的起止日期缺失、无法识别或颠倒，该等级未采用",
        "The days of the grade are missing, unreadable or reversed; it was not taken.",
        "补填评定日期与有效期",
        "Fill in the day of the award and the end of its validity.",
    ),
    "GRADE_EXPIRED": _words(
        "等级已过有效期",
        "The grade has expired.",
        "核实是否已复评，更新等级",
        "Find out whether it was assessed again, and bring the grade up to date.",
    ),
    "FACILITY_UNKNOWN": _words(
        "医疗机构类别无法识别，未采用",
        "The sort of medical facility is unknown and was not taken.",
        "改用映射文件 codes.medical_facilities 中的写法，或在其中补上该写法",
        "Use a word of codes.medical_facilities in the mapping, or add this one there.",
    ),
    "INSURED_UNKNOWN": _words(
        "医保定点的写法无法识别",
        "Whether insurance pays cannot be read.",
        "改用映射文件 codes.medical_insured 中的写法，或在其中补上该写法",
        "Use a word of codes.medical_insured in the mapping, or add this one there.",
    ),
}
