"""The columns of every file that a command reads and a template has: names, meaning, an example.

One description for both: what the program writes above a column it accepts when it reads the file
again, in Chinese and in English. Which rows are good is not decided here.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from clients.filing.enrolling import COLUMNS as ENROLMENT_COLUMNS
from settlement.records import ALIASES, PROVINCES

__all__ = ["TEMPLATES", "Column", "Form", "aliases_of"]

_HOME_HOST: Final = ("户籍地省份代码", "Code of the home province")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a file.

    Attributes:
        name: In English, as the contract names the field.
        zh: What stands above it in Chinese.
        help_zh: What belongs in it, in Chinese.
        help_en: The same in English.
        example: A value that is nobody's.
        is_needed: Whether a row without it is refused.
        choices: The values there are, where they are few.
        whole: Lowest and highest whole number, where it is one.
    """

    name: str
    zh: str
    help_zh: str
    help_en: str
    example: str
    is_needed: bool = True
    choices: tuple[str, ...] = ()
    whole: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A kind of file.

    Attributes:
        name: Of the kind, as commands take it.
        zh: Name of its sheet in Chinese.
        en: The same in English.
        columns: In order.
        command: What reads it, with all that it needs; ``FILE`` stands for the file, ``CODE`` for
            the other province.
        notes_zh: What else holds, one sentence each.
        notes_en: The same in English.
    """

    name: str
    zh: str
    en: str
    columns: tuple[Column, ...]
    command: str
    notes_zh: tuple[str, ...] = ()
    notes_en: tuple[str, ...] = ()

    def command_for(self, file: str) -> str:
        """Return what reads a file of this name, as a shell takes it."""
        return self.command.replace("FILE", shlex.quote(file))


def aliases_of(form: Form) -> Mapping[str, tuple[str, ...]]:
    """Return the names under which each column of a form is read."""
    return MappingProxyType({each.name: (each.zh,) for each in form.columns})


def _record(name: str, help_zh: str, help_en: str, example: str, **more: object) -> Column:
    return Column(
        name=name,
        zh=ALIASES[name][0],
        help_zh=help_zh,
        help_en=help_en,
        example=example,
        **more,  # type: ignore[arg-type]  # as `Column` takes them
    )


_NUMBER: Final = _record(
    "settlement_no",
    "服务地编的结算编号，1 至 64 个字母、数字、点、连字符或下划线",
    "Number allocated by the host: 1 to 64 letters, digits, dots, hyphens and underscores",
    "SAMPLE-2026-10-0001",
)
_HOME: Final = _record("home", *_HOME_HOST, "320000", choices=PROVINCES)
_HOST: Final = _record(
    "host", "服务地省份代码", "Code of the host province", "310000", choices=PROVINCES
)
_REASON: Final = Column(
    name="reason",
    zh="事由代码",
    help_zh="事由代码：大写字母、数字与下划线，不写姓名",
    help_en="Code of the reason: capital letters, digits and underscores; no names",
    example="NOT_SERVED",
)

_RECORDS: Final = Form(
    name="records",
    zh="结算记录",
    en="records",
    command="deltacare settle import FILE",
    columns=(
        _NUMBER,
        _HOME,
        _HOST,
        _record(
            "beneficiary_ref",
            "登记时给出的 32 位十六进制编号，切勿填写身份证号",
            "The 32 hexadecimal digits that the enrolment gave; never an identity number",
            "0" * 32,
        ),
        _record(
            "institution",
            "服务地代码、连字符和名录编号",
            "Code of the host, a hyphen, and the number in its register",
            "310000-1",
        ),
        _record(
            "subsidy_kind",
            "补贴项目代码：大写字母、数字与下划线",
            "Kind of subsidy: capital letters, digits and underscores",
            "CARE_BED",
        ),
        _record("service_month", "服务月份", "Month of service", "2026-10"),
        _record("service_days", "当月服务天数", "Days of service", "31", whole=(1, 31)),
        _record(
            "amount_fen",
            "金额，以分为单位的整数；留空则由节点按政策计算",
            "Amount in whole fen; left empty, the node computes it by the policy",
            "123450",
            is_needed=False,
            whole=(1, 10**12),
        ),
        _record(
            "caregiver_cert_no",
            "护理员证书编号，可留空",
            "Certificate of the caregiver, or empty",
            "",
            is_needed=False,
        ),
    ),
    notes_zh=(
        (
            "可加一行合计：首列写“合计”（可加笔数，如“合计 120”），天数与金额列写合计数；"
            "报送前与明细核对，不符则全部不报送。"
        ),
    ),
    notes_en=(
        (
            "A row of totals may follow: TOTAL in the first column (and how many rows, TOTAL 120), "
            "sums below days and amount; they are compared before anything is filed."
        ),
    ),
)

_ENROLMENTS: Final = Form(
    name="enrolments",
    zh="异地登记",
    en="enrolments",
    command="deltacare settle enrol FILE --partner CODE",
    columns=tuple(
        Column(
            name=name,
            zh=ENROLMENT_COLUMNS[name][0],
            help_zh=help_zh,
            help_en=help_en,
            example=example,
            is_needed=is_needed,
        )
        for name, help_zh, help_en, example, is_needed in (
            ("enrolment_id", "本方登记编号", "Home's own number", "SAMPLE-E1", True),
            (
                "elder_handle",
                "本方内部编号，不外传；不写姓名或身份证号",
                "Home's own handle, never sent on; no name, no identity number",
                "SAMPLE-H1",
                True,
            ),
            (
                "home_division",
                "户籍所在区县的六位代码",
                "Six digits of the county or district in which the elder is registered",
                "320106",
                True,
            ),
            (
                "subsidy_kinds",
                "补贴项目，多项以分号分隔",
                "Kinds of subsidy, separated by semicolons",
                "CARE_BED",
                True,
            ),
            ("from_date", "起始日", "First day", "2026-11-01", True),
            ("until_date", "截止日，可留空", "Last day, or empty", "", False),
            ("assessment_scheme", "评估体系，可留空", "Scheme of the assessment", "", False),
            ("assessment_grade", "评估等级，可留空", "Grade under it", "", False),
            ("assessment_until_date", "评估截止日，可留空", "Last day it counts", "", False),
            (
                "identity_number",
                "身份证号，可留空；只存于本方节点，加密，不外传",
                "Identity number, or empty; kept sealed by the own node and sent nowhere",
                "",
                False,
            ),
        )
    ),
)

_ENDS: Final = (_NUMBER, _REASON)
_REFUSALS: Final = Form(
    name="refusals",
    zh="拒绝",
    en="refusals",
    command="deltacare settle refuse --file FILE --partner CODE",
    columns=_ENDS,
)
_REVERSALS: Final = Form(
    name="reversals",
    zh="冲正",
    en="reversals",
    command="deltacare settle reverse --file FILE --partner CODE --as-host",
    columns=_ENDS,
    notes_zh=("本方是这些结算的户籍地时，把 --as-host 换成 --as-home。",),
    notes_en=("Where the own province is home in them, --as-home takes the place of --as-host.",),
)

TEMPLATES: Final[Mapping[str, Form]] = MappingProxyType(
    {form.name: form for form in (_RECORDS, _ENROLMENTS, _REFUSALS, _REVERSALS)}
)
"""Every kind of file that the program writes a template of."""
