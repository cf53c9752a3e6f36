"""Writes the sample as four provinces' systems would: four shapes, and defects sown on purpose.

Shanghai's part has the columns of its public register and no defect. The others come in shapes of
their own, which mappings of the program read: Jiangsu's as CSV in GB18030 with names instead of
codes, Zhejiang's as a workbook of system codes under titles, Anhui's as CSV with semicolons. Each
says in the file that it is synthetic. What is sown into them is listed beside, so that a report can
be held against it; rows that cannot be taken are added to the sample's, so that its totals stay.
"""

import csv
import io
import random
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any

from clients.registers.findings import Defect
from clients.sample.generator import SEED_DEFAULT, city_of, sample_csv, sample_rows

__all__ = ["SampleRegister", "sample_register", "sample_registers"]

SYNTHETIC = "合成样例，非真实数据"

_TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_GRADES = ("一级", "二级", "三级", "四级", "五级")
_EXPIRED = (date(2019, 3, 1), date(2022, 2, 28))


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRegister:
    """A province's register as a file.

    Attributes:
        province: Six digits.
        file_name: What the file is called.
        mapping: The mapping that reads it.
        data: Its bytes.
        sown: Defects that a report has to name: row, 0 for the whole file, and kind.
        disagreements: Kinds of what does not fit together, with the ids.
    """

    province: str
    file_name: str
    mapping: str
    data: bytes
    sown: tuple[tuple[int, Defect], ...]
    disagreements: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(slots=True, kw_only=True)
class _Home:
    """One institution while its row is made; changed only by what is sown."""

    number: int
    row: dict[str, str]
    beds: int
    open_beds: int | None
    provider: int
    facilities: list[str]
    insured: bool
    grade: tuple[str, date, date] | None
    state: str = "OPERATING"
    state_date: date | None = None
    reason: str = ""
    successor: int | None = None
    cells: dict[str, Any] = field(default_factory=dict)

    @property
    def founded(self) -> date:
        """Day of founding."""
        return date.fromisoformat(self.row["established"])


def sample_registers(*, seed: int = SEED_DEFAULT) -> tuple[SampleRegister, ...]:
    """Return the registers of the four provinces."""
    return tuple(sample_register(province, seed=seed) for province in _MAKERS)


def sample_register(province: str, *, seed: int = SEED_DEFAULT) -> SampleRegister:
    """Return one province's register.

    Args:
        province: Six digits.
        seed: The same seed gives the same bytes.
    """
    return _MAKERS[province](seed)


def _homes(province: str, seed: int, *, closed: int) -> list[_Home]:
    """Return a province's institutions; one has closed, and the one before it took its beds."""
    randomness = random.Random(f"{seed}/{province}")  # noqa: S311  # a sample, not a secret
    homes = []
    for number, row in enumerate(sample_rows(province=province, seed=seed), start=1):
        beds = int(row["approved_beds"])
        graded = date(2025, randomness.randrange(1, 13), 1)
        homes.append(
            _Home(
                number=number,
                row=row,
                beds=beds,
                open_beds=randomness.randrange(beds // 5 + 1),
                provider=randomness.choices((0, 1, 2), (8, 1, 1))[0],
                facilities=sorted(randomness.sample(("A", "B"), randomness.randrange(3))),
                insured=randomness.random() < 0.5,  # noqa: PLR2004  # every other
                grade=(
                    (randomness.choice(_GRADES), graded, _three_years(graded))
                    if randomness.random() < 0.6  # noqa: PLR2004  # most
                    else None
                ),
            )
        )
    gone, heir = homes[closed], homes[closed - 1]
    heir.beds += gone.beds
    gone.beds, gone.open_beds, gone.grade, gone.facilities = 0, None, None, []
    gone.state, gone.state_date, gone.reason = "CLOSED", date(2025, 3, 31), "MERGED"
    gone.successor = heir.number
    return homes


def _three_years(begins: date) -> date:
    """Return the last day of three years."""
    return date.fromordinal(begins.replace(year=begins.year + 3).toordinal() - 1)


def _shanghai(seed: int) -> SampleRegister:
    return SampleRegister(
        province="310000",
        file_name="shanghai-sample.csv",
        mapping="shanghai",
        data=sample_csv(sample_rows(province="310000", seed=seed)),
        sown=((0, Defect.CREDIT_CODE_ABSENT),),
    )


_JS_COLUMNS = (
    "备案编号", "养老机构名称", "所在县（市、区）", "乡镇（街道）", "详细地址", "核定床位",
    "可入住床位", "机构性质", "机构类别", "开办日期", "等级评定", "内设医疗机构", "医保定点",
    "运营状态", "状态日期", "状态事由", "承接机构", "经度", "纬度", "说明",
)  # fmt: skip


def _jiangsu(seed: int) -> SampleRegister:
    homes = _homes("320000", seed, closed=17)
    homes[15].state, homes[15].state_date = "SUSPENDED", date(2026, 5, 1)
    homes[15].reason = "FIRE_SAFETY_WORKS"
    sow: dict[int, tuple[str, str, Defect]] = {
        6: ("可入住床位", f"{homes[6].beds + 5}张", Defect.OPEN_BEDS_ABOVE_APPROVED),
        7: ("等级评定", "五星/2024-05", Defect.GRADE_UNKNOWN),
        8: ("等级评定", "二级/2019-03", Defect.GRADE_EXPIRED),
        9: ("乡镇（街道）", "白洋弯街道", Defect.STREET_UNKNOWN),  # misspelt
        10: ("所在县（市、区）", "苏州市沧浪区", Defect.DISTRICT_UNKNOWN),  # abolished in 2012
        11: ("内设医疗机构", "康复角", Defect.FACILITY_UNKNOWN),
        12: ("开办日期", "二〇一五年", Defect.FOUNDING_UNREADABLE),
    }
    homes[14].cells["详细地址"] = homes[13].row["address"]
    return _jiangsu_file(homes, sow)


def _jiangsu_file(homes: list[_Home], sow: Mapping[int, tuple[str, str, Defect]]) -> SampleRegister:
    rows = [_jiangsu_row(home) for home in homes]
    sown = [(0, Defect.CREDIT_CODE_ABSENT), *_sow(rows, sow, first_row=2)]
    # Rows that cannot be taken.
    extra = {**rows[0], "备案编号": "苏合成备0091号"}
    for changes, defect in (
        ({"核定床位": "若干"}, Defect.BEDS_UNREADABLE),
        ({"备案编号": rows[3]["备案编号"]}, Defect.NUMBER_REPEATED),
        ({"备案编号": "苏合成备0092号", "养老机构名称": ""}, Defect.NAME_MISSING),
    ):
        rows.append({**extra, **changes})
        sown.append((len(rows) + 1, defect))
    text = _csv_text(_JS_COLUMNS, rows, ",")
    text += "苏合成备0093号,缺少单元格的一行（非真实机构）\r\n"
    sown.append((len(rows) + 2, Defect.ROW_BROKEN))
    return SampleRegister(
        province="320000",
        file_name="jiangsu-sample.csv",
        mapping="jiangsu-sample",
        data=text.encode("gb18030"),
        sown=tuple(sorted(sown, key=lambda each: each[0])),
        disagreements=(
            ("SAME_ADDRESS", ("320000-0014", "320000-0015")),
            ("STREET_UNKNOWN", ("320000-0010",)),
            ("STREET_UNKNOWN", ("320000-0011",)),
        ),
    )


def _jiangsu_row(home: _Home) -> dict[str, str]:
    row = home.row
    grade = f"{home.grade[0]}/{home.grade[1]:%Y-%m}" if home.grade else ""
    return {
        "备案编号": f"苏合成备{home.number:04d}号",
        "养老机构名称": row["name"],
        "所在县（市、区）": city_of(row["street_code"]) + row["district"],
        "乡镇（街道）": row["street"],
        "详细地址": row["address"],
        "核定床位": f"{home.beds}张",
        "可入住床位": "" if home.open_beds is None else f"{home.open_beds}张",
        "机构性质": {"公建公营": "公办公营", "公建民营": "公办民营"}.get(
            row["operation_mode"], "民办"
        ),
        "机构类别": ("养老院", "嵌入式护理之家", "社区居家养老组织")[home.provider],
        "开办日期": f"{home.founded.year}年{home.founded.month}月{home.founded.day}日",
        "等级评定": grade,
        "内设医疗机构": "、".join({"A": "医务室", "B": "护理站"}[each] for each in home.facilities),
        "医保定点": "是" if home.insured else "否",
        "运营状态": {"OPERATING": "正常运营", "SUSPENDED": "暂停运营"}.get(home.state, "已注销"),
        "状态日期": (
            f"{home.state_date.year}年{home.state_date.month}月{home.state_date.day}日"
            if home.state_date
            else ""
        ),
        "状态事由": {"MERGED": "合并", "FIRE_SAFETY_WORKS": "消防改造"}.get(home.reason, ""),
        "承接机构": f"苏合成备{home.successor:04d}号" if home.successor else "",
        "经度": row["lng"],
        "纬度": row["lat"],
        "说明": SYNTHETIC,
        **home.cells,
    }


_ZJ_COLUMNS = (
    "机构编码", "机构全称", "区划代码", "街道代码", "街道名称", "住所", "邮编", "床位总数",
    "空床数", "运营类型", "机构类型", "成立时间", "统一社会信用代码", "医疗类型", "定点", "状态",
    "状态变更日", "变更原因", "承接单位编码", "等级", "评定日期", "有效期至", "经度E6", "纬度E6",
)  # fmt: skip


def _zhejiang(seed: int) -> SampleRegister:
    homes = _homes("330000", seed, closed=15)
    homes[5].cells["机构全称"] = homes[4].row["name"]
    # A district that was split in 2021, and a street of it.
    homes[3].cells["街道代码"] = 330_104_001
    sow: dict[int, tuple[str, Any, Defect]] = {
        3: ("区划代码", 330_104, Defect.DISTRICT_ABOLISHED),
        6: ("统一社会信用代码", "合成样例无代码", Defect.CREDIT_CODE_MALFORMED),
        7: ("邮编", 3140, Defect.POSTCODE_MALFORMED),
        8: ("经度E6", 120.76, Defect.PLACE_UNREADABLE),
        9: ("评定日期", None, Defect.GRADE_DATE_UNREADABLE),
        10: ("有效期至", _EXPIRED[1], Defect.GRADE_EXPIRED),
        11: ("运营类型", "D", Defect.MODE_UNKNOWN),
        12: ("机构类型", None, Defect.PROVIDER_TYPE_MISSING),
        15: ("承接单位编码", f"ZJ-HC-{15:04d},ZJ-HC-9999", Defect.SUCCESSOR_UNKNOWN),
    }
    homes[9].grade = ("三级", date(2025, 6, 1), date(2028, 5, 31))
    homes[10].grade = ("二级", *_EXPIRED)
    rows = [_zhejiang_row(home) for home in homes]
    sown = list(_sow(rows, sow, first_row=4))
    for changes, defect in (
        ({"机构编码": "ZJ-HC-0091", "状态": 9}, Defect.STATE_UNKNOWN),
        ({"机构编码": "ZJ-HC 0092"}, Defect.NUMBER_MALFORMED),
    ):
        rows.append({**rows[0], **changes})
        sown.append((len(rows) + 3, defect))
    return SampleRegister(
        province="330000",
        file_name="zhejiang-sample.xlsx",
        mapping="zhejiang-sample",
        data=_workbook(rows),
        sown=tuple(sown),
        disagreements=(
            ("SAME_NAME", ("330000-HC-0005", "330000-HC-0006")),
            ("DIVISION_ABOLISHED", ("330000-HC-0004",)),
        ),
    )


def _zhejiang_row(home: _Home) -> dict[str, Any]:
    row = home.row
    grade, begins, ends = home.grade or (None, None, None)
    return {
        "机构编码": f"ZJ-HC-{home.number:04d}",
        "机构全称": row["name"],
        "区划代码": int(row["district_code"]),
        "街道代码": int(row["street_code"]),
        "街道名称": row["street"],
        "住所": row["address"],
        "邮编": row["zipcode"],
        "床位总数": home.beds,
        "空床数": home.open_beds,
        "运营类型": {"公建公营": "A", "公建民营": "B"}.get(row["operation_mode"], "C"),
        "机构类型": ("01", "02", "04")[home.provider],
        "成立时间": home.founded,
        "统一社会信用代码": None,
        "医疗类型": ",".join({"A": "Y1", "B": "Y3"}[each] for each in home.facilities),
        "定点": int(home.insured),
        "状态": {"OPERATING": 1, "SUSPENDED": 2}.get(home.state, 3),
        "状态变更日": home.state_date,
        "变更原因": {"MERGED": "R02", "FIRE_SAFETY_WORKS": "R01"}.get(home.reason),
        "承接单位编码": f"ZJ-HC-{home.successor:04d}" if home.successor else None,
        "等级": _GRADES.index(grade) + 1 if grade else None,
        "评定日期": begins,
        "有效期至": ends,
        "经度E6": round(float(row["lng"]) * 1_000_000),
        "纬度E6": round(float(row["lat"]) * 1_000_000),
        **home.cells,
    }


def _workbook(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Return a workbook with a title, a line about it, a header and rows; the same every time."""
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    assert sheet is not None, "a new workbook has a sheet"
    sheet.title = "说明"
    sheet.append([SYNTHETIC])
    sheet = book.create_sheet("机构名录")
    sheet.append(["浙江省养老机构名录"])
    sheet.append([SYNTHETIC])
    sheet.append(list(_ZJ_COLUMNS))
    for row in rows:
        sheet.append([row[name] for name in _ZJ_COLUMNS])
    data = io.BytesIO()
    book.save(data)
    return _without_times(data.getvalue())


def _without_times(workbook: bytes) -> bytes:
    """Return a workbook without the times at which it was written."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as old, zipfile.ZipFile(made, "w") as new:
        for name in sorted(old.namelist()):
            content = _TIME.sub(rb"2026-01-01T00:00:00Z", old.read(name))
            new.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return made.getvalue()


_AH_COLUMNS = (
    "许可证号", "单位名称", "县区码", "乡镇码", "乡镇街道", "地址", "核准床位数", "剩余床位数",
    "建设运营模式", "类别", "设立日期", "医养结合", "登记状态", "承接单位", "坐标",
    "国标等级（级/起/止）",
)  # fmt: skip


def _anhui(seed: int) -> SampleRegister:
    homes = _homes("340000", seed, closed=8)
    # A development zone's code, which statisticians use and GB/T 2260 does not know.
    homes[1].cells["乡镇码"] = "340176400"
    sow: dict[int, tuple[str, str, Defect]] = {
        1: ("县区码", "340176", Defect.DISTRICT_STATISTICAL),
        2: ("剩余床位数", "若干", Defect.OPEN_BEDS_UNREADABLE),
        3: ("乡镇码", "340207001", Defect.STREET_ELSEWHERE),
        4: ("乡镇码", "3.40202E+08", Defect.STREET_MALFORMED),
        5: ("坐标", "", Defect.PLACE_MISSING),
        6: ("登记状态", "停业/2025年春/消防改造", Defect.STATE_DATE_UNREADABLE),
        9: ("地址", "", Defect.ADDRESS_MISSING),
        10: ("设立日期", "", Defect.FOUNDING_MISSING),
    }
    rows = [_anhui_row(home) for home in homes]
    sown = [(0, Defect.CREDIT_CODE_ABSENT), *_sow(rows, sow, first_row=3)]
    rows.append({**rows[0], "许可证号": ""})
    sown.append((len(rows) + 2, Defect.NUMBER_MISSING))
    text = f"安徽省养老机构名录（{SYNTHETIC}）\r\n" + _csv_text(_AH_COLUMNS, rows, ";")
    surplus = {**rows[0], "许可证号": "0092"}
    text += ";".join([*surplus.values(), "多出的单元格"]) + "\r\n"
    sown.append((len(rows) + 3, Defect.ROW_BROKEN))
    return SampleRegister(
        province="340000",
        file_name="anhui-sample.csv",
        mapping="anhui-sample",
        data=text.encode("utf-8-sig"),
        sown=tuple(sown),
        disagreements=(
            ("DIVISION_STATISTICAL", ("340000-0002",)),
            ("STREET_UNKNOWN", ("340000-0004",)),
            ("STREET_UNKNOWN", ("340000-0005",)),
        ),
    )


def _anhui_row(home: _Home) -> dict[str, str]:
    row = home.row
    state = "在业"
    if home.state_date is not None:
        state = f"注销/{home.state_date:%Y%m%d}/合并"
    grade = ""
    if home.grade is not None:
        grade = f"{home.grade[0]}/{home.grade[1]:%Y%m%d}/{home.grade[2]:%Y%m%d}"
    return {
        "许可证号": f"{home.number:04d}",
        "单位名称": row["name"],
        "县区码": row["district_code"],
        "乡镇码": row["street_code"],
        "乡镇街道": row["street"],
        "地址": row["address"],
        "核准床位数": f"{home.beds:,}",
        "剩余床位数": "" if home.open_beds is None else str(home.open_beds),
        "建设运营模式": {"公建公营": "公建公营", "公建民营": "公建（委托）民营"}.get(
            row["operation_mode"], "社会办"
        ),
        "类别": ("养老机构", "护理站", "社区养老服务组织")[home.provider],
        "设立日期": f"{home.founded:%Y%m%d}",
        "医养结合": "+".join({"A": "医务室", "B": "卫生服务站"}[each] for each in home.facilities),
        "登记状态": state,
        "承接单位": f"{home.successor:04d}" if home.successor else "",
        "坐标": f"{row['lng']},{row['lat']}",
        "国标等级（级/起/止）": grade,
        **home.cells,
    }


def _sow(
    rows: list[dict[str, Any]], sow: Mapping[int, tuple[str, Any, Defect]], *, first_row: int
) -> Iterable[tuple[int, Defect]]:
    """Put a defect into each of some rows, and yield where which is."""
    for index, (column, value, defect) in sorted(sow.items()):
        rows[index][column] = value
        yield index + first_row, defect


def _csv_text(columns: tuple[str, ...], rows: Iterable[Mapping[str, str]], delimiter: str) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


_MAKERS: Mapping[str, Callable[[int], SampleRegister]] = MappingProxyType(
    {"310000": _shanghai, "320000": _jiangsu, "330000": _zhejiang, "340000": _anhui}
)
