"""Writes the template for issuing many certificates, and the report of what became of each row.

Cells are texts, whatever they begin with: a number keeps its digits and nothing is a formula. A
report names certificates and faults, never a name or identity number. A file is written whole or
not at all.
"""

import csv
import io
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from clients.issuing.sheet import COLUMNS, REQUIRED

__all__ = ["COLUMN_HELP", "REPORT_COLUMNS", "ReportRow", "write_report", "write_template"]

REPORT_COLUMNS: Final = ("行号 row", "证书编号 certificate", "结果", "result", "说明 why")

ReportRow = tuple[str, str, str, str, str]
"""Cells of a row of the report, by ``REPORT_COLUMNS``."""

COLUMN_HELP: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "certificate_no": (
            "发证省份代码、连字符和编号，如 320000-C2025000123。",
            "Issuing province, a hyphen and the number, such as 320000-C2025000123.",
        ),
        "subject": ("护理员或机构；可空。", "caregiver or institution; may be empty."),
        "scheme": ("类别代码，如 CAREGIVER_LEVEL。", "Code of the scheme: CAREGIVER_LEVEL."),
        "grade": ("该类别中的等级，如 三级。", "Grade in that scheme, such as 三级."),
        "holder_name": (
            "护理员姓名；日志只存加盐摘要。",
            "Name of the caregiver; the log has a salted digest only.",
        ),
        "subject_ref": (
            "本单位系统中的人员编号，不含个人信息；填写后姓名与身份证号加密存入本省节点。",
            "The person's number in your own system; the node then keeps the values, encrypted.",
        ),
        "identity_number": (
            "身份证号，可空；须同时填写人员编号。",
            "Identity number, or empty; only with subject_ref.",
        ),
        "name_change_reason": (
            "持证人已更名的，填事由代码，如 RENAMED；可空。",
            "Code of the reason, such as RENAMED, if the holder's name was changed; else empty.",
        ),
        "institution_id": ("机构证书填机构编号。", "The institution, for its certificate."),
        "valid_from_date": ("首日，如 2026-01-01。", "First day, such as 2026-01-01."),
        "valid_until_date": ("末日，如 2028-12-31。", "Last day, such as 2028-12-31."),
        "division_code": (
            "发证机构所在区划，六位；可空，即省级。",
            "Division whose office issues, six digits; empty: the province.",
        ),
        "predecessor_no": (
            "所接续的本省证书编号；可空。",
            "Certificate of the same province that it follows; may be empty.",
        ),
        "references": (
            "种类:编号:日期:学时:区划，以 ; 分隔；种类为培训、继续教育、考核评价、表彰奖励。",
            "kind:number:day:hours:division, separated by ; such as TRAINING:PX-9:2026-05-01:20.",
        ),
    }
)
"""What each column holds, in Chinese and English."""

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_UNWRITABLE = {code: None for code in range(32) if code not in (9, 10, 13)}  # XML 1.0, 2.2
_TEXT_FORMAT = "@"
_WIDTH = 22
_TEMPLATE_ROWS = 1_000  # rows that are set to text, so that no number loses digits


def write_report(path: Path, rows: Iterable[ReportRow]) -> None:
    """Write what became of each row.

    Args:
        path: Ends in ``.xlsx`` for a workbook; else CSV in UTF-8 with a byte order mark.
        rows: In order.
    """
    _write(path, "结果", (REPORT_COLUMNS, *rows))


def write_template(path: Path) -> None:
    """Write an empty sheet with the columns and, in a workbook, what each of them holds."""
    heads = tuple(names[0] for names in COLUMNS.values())
    if path.suffix.lower() != ".xlsx":
        _write(path, "", (heads,))
        return
    import openpyxl
    from openpyxl.utils import get_column_letter

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None, "a new workbook has a sheet"
    sheet.title = "证书"
    sheet.freeze_panes = "A2"
    sheet.append(heads)
    for position in range(1, len(heads) + 1):
        sheet.column_dimensions[get_column_letter(position)].width = _WIDTH
        for row in range(2, _TEMPLATE_ROWS + 2):
            sheet.cell(row=row, column=position).number_format = _TEXT_FORMAT
    notes = book.create_sheet("说明")
    notes.append(("列", "column", "必填 required", "内容", "what it holds"))
    for name, names in COLUMNS.items():
        needed = "是 yes" if name in REQUIRED else ""
        notes.append((names[0], name, needed, *COLUMN_HELP[name]))
    stream = io.BytesIO()
    book.save(stream)
    _put(path, stream.getvalue())


def _write(path: Path, title: str, rows: Sequence[Sequence[str]]) -> None:
    is_workbook = path.suffix.lower() == ".xlsx"
    _put(path, _workbook(title, rows) if is_workbook else _csv(rows))


def _put(path: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _csv(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for row in rows:
        writer.writerow([f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell for cell in row])
    return text.getvalue().encode("utf-8-sig")


def _workbook(title: str, rows: Sequence[Sequence[str]]) -> bytes:
    import openpyxl
    from openpyxl.cell import WriteOnlyCell

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for row in rows:
        cells = []
        for value in row:
            cell = WriteOnlyCell(sheet, value=value.translate(_UNWRITABLE))
            cell.data_type = "s"
            cells.append(cell)
        sheet.append(cells)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()
