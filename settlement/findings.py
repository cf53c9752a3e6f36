"""What is wrong with a file, as typed findings that a clerk can act on, in Chinese and English.

A finding names the row as the spreadsheet numbers it (the header is row 1), the column, the value
and the remedy. Bad data is returned as findings, all of them up to a limit; only a file that cannot
be used at all is refused. Nothing here reads a file.
"""

import enum
from collections.abc import Iterable
from dataclasses import dataclass, replace

from deltacare.errors import FieldViolation, Reason, Refusal

__all__ = ["FINDINGS_MAX", "BadFile", "Finding", "Findings", "Problem"]

# More findings than this are counted, not listed: a file this bad is mended at its source.
FINDINGS_MAX = 1_000

_VALUE_CHARS_MAX = 80


class Problem(enum.Enum):
    """What can be wrong: sentence and remedy in English, then in Chinese."""

    EMPTY_FILE = (
        "The file is empty.",
        "Export it again; the first row names the columns.",
        "文件为空。",
        "请重新导出；首行应为列名。",
    )
    NO_ROWS = (
        "The file has column names but no rows.",
        "Export it again with its rows.",
        "文件只有列名，没有数据行。",
        "请重新导出数据行。",
    )
    TOO_LARGE = (
        "The file is larger than the limit.",
        "Split it and import the parts one after another.",
        "文件超过大小上限。",
        "请拆分后分批导入。",
    )
    UNPACKED_TOO_LARGE = (
        "The workbook unpacks to more than is read of one.",
        "Delete sheets, columns and formats that are not needed, save it as CSV, or split it.",
        "工作簿解压后超过可读取的大小上限。",
        "请删除不需要的工作表、列和格式，另存为 CSV，或拆分后分批导入。",
    )
    CELL_TOO_LONG = (
        "A cell of the workbook has more than 32,767 characters.",
        "Open it in the spreadsheet program, shorten that cell and save it again as XLSX.",
        "工作簿中有单元格超过 32767 个字符。",
        "请用表格软件打开，缩短该单元格后重新另存为 XLSX。",
    )
    OUT_OF_MEMORY = (
        "The file needs more memory than this machine has.",
        "Split it and import the parts one after another, or use a machine with more memory.",
        "读取该文件所需内存超过本机可用内存。",
        "请拆分后分批导入，或换用内存更大的计算机。",
    )
    NOT_READABLE = (
        "The file cannot be opened.",
        "Check the path and the rights on the file.",
        "文件无法打开。",
        "请检查路径和读取权限。",
    )
    UNKNOWN_ENCODING = (
        "The text is neither UTF-8 nor GB18030.",
        "Save it as CSV UTF-8, or as XLSX.",
        "文本既不是 UTF-8 也不是 GB18030 编码。",
        "请另存为“CSV UTF-8”或 XLSX。",
    )
    NOT_A_WORKBOOK = (
        "This is not an XLSX workbook that can be read.",
        "Open it in the spreadsheet program and save it as XLSX without a password.",
        "不是可读取的 XLSX 工作簿。",
        "请用表格软件打开，另存为不加密的 XLSX。",
    )
    NO_SUCH_SHEET = (
        "The workbook has no sheet of this name.",
        "Rename the sheet, or name the one that the register stands on.",
        "工作簿中没有这个名称的工作表。",
        "请更改工作表名称，或指定名录所在的工作表。",
    )
    BROKEN_CSV = (
        "The text is not CSV from here on: a quotation mark is not closed or stands in a field.",
        "Close the quotation mark, or export the file again.",
        "自此处起不是合法的 CSV：引号未闭合或出现在字段中间。",
        "请补全引号或重新导出。",
    )
    MISSING_COLUMN = (
        "The column is missing.",
        "Add the column with this name to the first row.",
        "缺少该列。",
        "请在首行补上该列名。",
    )
    DUPLICATE_COLUMN = (
        "The column is there more than once.",
        "Keep one and remove or rename the others.",
        "该列重复出现。",
        "请只保留一列，其余删除或改名。",
    )
    CELL_COUNT = (
        "The row has more or fewer cells than there are columns.",
        "Put fields that contain a comma in quotation marks, and fill the missing cells.",
        "该行单元格数与列数不符。",
        "含逗号的内容请加引号，并补齐缺少的单元格。",
    )
    UNSAVED_FORMULA = (
        "The cell holds a formula without a value.",
        "Open the file in the spreadsheet program and save it, or write the value itself.",
        "该单元格只有公式，没有计算结果。",
        "请用表格软件打开并保存该文件，或直接填写数值。",
    )
    EMPTY_VALUE = (
        "The value is missing.",
        "Fill it in.",
        "缺少内容。",
        "请补填。",
    )
    NO_AMOUNT = (
        "The amount is missing.",
        "Fill it in: here nothing computes it; a node does, when the file is imported.",
        "缺少金额。",
        "请补填：此处无从计算；只有向节点报送（settle import）时才由节点按政策计算。",
    )
    OTHER_COUNT = (
        "The row of totals states another number of rows than there are.",
        "Compare the file with its source.",
        "合计行的笔数与明细不符。",
        "请核对文件与来源。",
    )
    OTHER_SUM = (
        "The row of totals states another sum than the rows come to.",
        "Compare the file with its source.",
        "合计行的合计数与明细不符。",
        "请核对文件与来源。",
    )
    REPEATED_VALUE = (
        "The value stands in an earlier row.",
        "Keep one of the rows.",
        "与前面的行重复。",
        "请只保留一行。",
    )
    TOO_LONG = (
        "The value is too long.",
        "Use at most 64 characters.",
        "内容过长。",
        "请不超过 64 个字符。",
    )
    CONTROL_CHARACTER = (
        "The value contains a line break or another control character.",
        "Remove it; such characters separate the fields of a line.",
        "内容含换行或其他控制字符。",
        "请删除；这类字符用于分隔字段。",
    )
    SCIENTIFIC_IDENTIFIER = (
        "The spreadsheet turned the number into scientific notation and lost digits.",
        "Format the column as text and enter the number again from its source.",
        "表格软件已将编号变为科学计数法，末尾数字已丢失。",
        "请将该列设为“文本”格式，并从原始来源重新录入编号。",
    )
    UNKNOWN_PROVINCE = (
        "This is not the code of a province of the federation.",
        "Use 310000, 320000, 330000 or 340000.",
        "不是联盟内省份的行政区划代码。",
        "请使用 310000、320000、330000 或 340000。",
    )
    SAME_PROVINCE = (
        "Home and host are the same province.",
        "A settlement has two provinces; correct one of them.",
        "户籍地与服务地为同一省份。",
        "结算涉及两个省份，请更正其中之一。",
    )
    BAD_MONTH = (
        "This is not a month.",
        "Write it as 2026-10.",
        "不是月份。",
        "请写作 2026-10。",
    )
    BAD_DATE = (
        "This is not a date.",
        "Write it as 2026-11-22.",
        "不是日期。",
        "请写作 2026-11-22。",
    )
    NOT_DECISION = (
        "This is no decision.",
        "Write confirm or refuse, or leave it empty.",
        "不是决定。",
        "请填写“确认”或“拒绝”，或留空。",
    )
    BAD_DAYS = (
        "This is not a number of days from 1 to 31.",
        "Write a whole number of days.",
        "不是 1 至 31 的天数。",
        "请填写整数天数。",
    )
    NOT_AMOUNT = (
        "This is not an amount.",
        "Write whole fen in digits, such as 123450.",
        "不是金额。",
        "请以分为单位填写整数，如 123450。",
    )
    NEGATIVE_AMOUNT = (
        "The amount is negative.",
        "File a reversal instead of a negative amount.",
        "金额为负。",
        "请用冲正代替负数金额。",
    )
    FRACTION_AMOUNT = (
        "The amount has a fraction of a fen.",
        "The column is in fen: multiply yuan by 100.",
        "金额含不足一分的小数。",
        "该列以分为单位：元请乘以 100。",
    )
    AMOUNT_TOO_LARGE = (
        "The amount is larger than a record may hold.",
        "Check that no digit was entered twice.",
        "金额超过单条记录的上限。",
        "请检查是否多输了数字。",
    )
    SCIENTIFIC_AMOUNT = (
        "Scientific notation may have dropped the last digits of the amount.",
        "Write all its digits; in a spreadsheet, format the column as a number or as text.",
        "科学计数法可能已丢失金额的末尾数字。",
        "请写出全部数字；表格软件中请将该列设为“数值”或“文本”格式后重新导出。",
    )

    BAD_SETTLEMENT_NO = (
        "This is not a settlement number.",
        "Use 1 to 64 letters, digits, dots, hyphens and underscores.",
        "不是结算编号。",
        "请使用 1 至 64 个字母、数字、点、连字符或下划线。",
    )
    BAD_BENEFICIARY_REF = (
        "This is not a beneficiary reference.",
        "Use the 32 hexadecimal digits that the enrolment gave; never an identity number.",
        "不是受益人编号。",
        "请使用登记时给出的 32 位十六进制编号（小写），切勿使用身份证号。",
    )
    BAD_INSTITUTION = (
        "This is not an institution of the host province.",
        "Write the host's code, a hyphen and the number in its register: 310000-137.",
        "不是服务地省份的机构编号。",
        "请写服务地代码、连字符和名录编号，如 310000-137。",
    )
    BAD_SUBSIDY_KIND = (
        "This is not a kind of subsidy.",
        "Use 1 to 32 capital letters, digits and underscores.",
        "不是补贴项目代码。",
        "请使用 1 至 32 个大写字母、数字或下划线。",
    )
    BAD_CERTIFICATE_NO = (
        "This is not the number of a certificate.",
        "Write the issuer's code, a hyphen and the number, or leave it empty.",
        "不是证书编号。",
        "请写发证省份代码、连字符和编号，或留空。",
    )
    BAD_DAYS_OR_USES = (
        "It is not 1 to 1000.",
        "Count the days of service in the month, or the uses.",
        "不在 1 至 1000 之间。",
        "请填写当月服务天数或次数。",
    )
    AMOUNT_OUT_OF_RANGE = (
        "The amount is not 1 fen to 10,000,000,000.00 yuan.",
        "File a reversal instead of a negative amount.",
        "金额不在 1 分至 10,000,000,000.00 元之间。",
        "请用冲正代替负数金额；无金额的不必报送。",
    )

    def __init__(self, en: str, remedy_en: str, zh: str, remedy_zh: str) -> None:
        self.en = en
        self.remedy_en = remedy_en
        self.zh = zh
        self.remedy_zh = remedy_zh


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Finding:
    """One thing that is wrong with a file.

    Attributes:
        row: Row as the spreadsheet numbers it, from 1 for the header; 0 for the file as a whole.
        column: Name of the column; empty for a whole row.
        value: What stands there, shortened.
        problem: What is wrong, one sentence.
        remedy: What to do, one sentence.
        problem_zh: The same in Chinese.
        remedy_zh: The same in Chinese.
        file: Name of the file, where there are several.
    """

    row: int
    column: str
    value: str
    problem: str
    remedy: str
    problem_zh: str = ""
    remedy_zh: str = ""
    file: str = ""

    @classmethod
    def of(cls, problem: Problem, *, row: int = 0, column: str = "", value: str = "") -> "Finding":
        """Return the finding of a known problem."""
        shown = value if len(value) <= _VALUE_CHARS_MAX else value[: _VALUE_CHARS_MAX - 1] + "…"
        return cls(
            row=row,
            column=column,
            value=shown,
            problem=problem.en,
            remedy=problem.remedy_en,
            problem_zh=problem.zh,
            remedy_zh=problem.remedy_zh,
        )

    def told(self, lang: str) -> tuple[str, str]:
        """Return problem and remedy in a language, `zh` or `en`."""
        if lang == "zh" and self.problem_zh:
            return self.problem_zh, self.remedy_zh
        return self.problem, self.remedy


class Findings:
    """Gathers findings: lists the first 1,000 and counts all. Used for one file and thrown away."""

    def __init__(self, findings: Iterable[Finding] = ()) -> None:
        self._listed: list[Finding] = []
        self.total = 0
        for finding in findings:
            self.add(finding)

    def add(self, finding: Finding) -> None:
        """Note one finding."""
        self.total += 1
        if len(self._listed) < FINDINGS_MAX:
            self._listed.append(finding)

    def note(self, problem: Problem, *, row: int = 0, column: str = "", value: str = "") -> None:
        """Note one known problem."""
        self.add(Finding.of(problem, row=row, column=column, value=value))

    @property
    def listed(self) -> tuple[Finding, ...]:
        """What was noted, in the order it was found, at most 1,000."""
        return tuple(self._listed)


class BadFile(Refusal):
    """A file that is not used, because something in it is wrong; nothing of it was processed.

    Args:
        file: Name of the file, as the caller knows it.
        findings: What is wrong with it.
    """

    def __init__(self, file: str, findings: Findings) -> None:
        assert findings.total, "a file is refused for a reason"
        listed = tuple(
            finding if finding.file else replace(finding, file=file) for finding in findings.listed
        )
        first = listed[0]
        noun = "problem" if findings.total == 1 else "problems"
        place = f"row {first.row}, {first.column}".rstrip(", ") if first.row else "the whole file"
        super().__init__(
            Reason.INVALID_FIELD,
            f"{file}: {findings.total} {noun}; first: {place}: {first.problem} {first.remedy}",
            details={"file": file, "findings": str(findings.total)},
            violations=(
                FieldViolation(
                    field=f"{finding.file}:{finding.row}:{finding.column}",
                    value=finding.value,
                    description=finding.problem,
                    remedy=finding.remedy,
                )
                for finding in listed
            ),
        )
        self.file = file
        self.findings = listed
        self.total = findings.total

    @classmethod
    def of_both(cls, first: "BadFile", second: "BadFile") -> "BadFile":
        """Return one refusal for two files that are both bad."""
        findings = Findings((*first.findings, *second.findings))
        findings.total = first.total + second.total
        return cls(f"{first.file}, {second.file}", findings)
