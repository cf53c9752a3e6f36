"""``deltacare institution mapping``: the files that say how registers are read; needs no node."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clients.cli.commands import Command, Group, command
from clients.cli.output import answer, print_table
from clients.language import both, tr

if TYPE_CHECKING:
    from clients.registers.mapping import Cell, RegisterMapping

__all__ = ["mapping", "sample"]

mapping = Group(
    name="mapping",
    help=both(
        "名录映射：另一城市的系统是一个文件，不是一个程序。",
        "Mappings of registers: another city's system is a file, not a program.",
    ),
)


@command(mapping, "list", help=both("列出内置映射。", "List the mappings of the program."))
def list_() -> None:
    """List the shipped mappings."""
    from clients.registers.shipped import find_mapping, shipped_mappings

    found = [find_mapping(name) for name in shipped_mappings()]
    data = [
        {
            "name": each.name,
            "source": each.source,
            "title": tr(each.title_zh, each.title_en),
            "province": each.province,
            "authorities": list(each.authority_names),
        }
        for each in found
    ]
    if answer({"mappings": data}):
        print_table(
            [
                tr("名称", "name"),
                tr("来源", "source"),
                tr("说明", "register"),
                tr("省份", "province"),
                tr("主管职责", "authorities"),
            ],
            [
                (
                    row["name"],
                    row["source"],
                    row["title"],
                    row["province"] or tr("见列", "by column"),
                    " ".join(row["authorities"]),
                )
                for row in data
            ],
        )


@command(
    mapping,
    "show",
    help=both(
        "逐项显示映射：要素、列、代码、由谁主管。",
        "Show a mapping: attributes, columns, codes, and what it owns.",
    ),
)
@click.argument("name")
def show(*, name: str) -> None:
    """Show a mapping."""
    from clients.registers.shipped import find_mapping

    _show(find_mapping(name))


@command(
    mapping,
    "check",
    help=both("检查映射文件，逐行指出问题。", "Check a mapping's file, fault by fault and line."),
)
@click.argument("file")
def check(*, file: str) -> None:
    """Check a mapping's file."""
    from clients.registers.attribute_words import attribute_name
    from clients.registers.shipped import find_mapping

    found = find_mapping(file)
    claims = sorted(
        {name.partition("[")[0] for name in found.cells if _role(found, name) == "claim"}
    )
    lines = [
        tr(
            f"{file} 可用：来源 {found.source}，{len(found.columns)} 个要素，"
            f"{len(found.grades)} 个等级体系",
            f"{file} is good: source {found.source}, {len(found.columns)} attributes, "
            f"{len(found.grades)} schemes of grades",
        )
    ]
    if claims:
        owned = " ".join(found.authority_names)
        named = tr("、", ", ").join(map(attribute_name, claims))
        lines.append(
            tr(
                f"按主管职责 {owned}，以下要素登记为说法，不写入名册：{named}",
                f"Under the authorities {owned} these become claims, not statements: {named}",
            )
        )
    answer(
        {
            "mapping": found.name,
            "source": found.source,
            "attributes": sorted(found.columns),
            "claims": claims,
        },
        lines,
    )


@click.command(
    "sample",
    cls=Command,
    help=both(
        "写出四省的合成样例名录（非真实数据）及其街镇代码表，供试用导入。",
        "Write the four provinces' synthetic registers and their table of streets, to try imports.",
    ),
)
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
def sample(*, directory: Path) -> None:
    """Write the sample's registers."""
    from clients.sample.generator import sample_streets_csv
    from clients.sample.registers import sample_registers

    directory.mkdir(parents=True, exist_ok=True)
    registers = sample_registers()
    for register in registers:
        (directory / register.file_name).write_bytes(register.data)
    (directory / "streets-sample.csv").write_bytes(sample_streets_csv())
    data = [
        {"file": register.file_name, "mapping": register.mapping, "province": register.province}
        for register in registers
    ]
    answer(
        {"directory": str(directory), "registers": data, "streets": "streets-sample.csv"},
        [
            f"deltacare institution import {directory / row['file']} --mapping {row['mapping']} "
            f"--streets {directory / 'streets-sample.csv'} --dry-run"
            for row in data
        ],
    )


def _role(found: "RegisterMapping", name: str) -> str:
    """Return what a column becomes under the authorities of its source: a statement or a claim."""
    from clients.registers.mapping import ATTRIBUTES
    from deltacare.institutions import ATTRIBUTES as OWNED

    attribute = name.partition("[")[0]
    fields = ATTRIBUTES[attribute].fields if attribute in ATTRIBUTES else ("grades",)
    owners = {OWNED[field].owner for field in fields if field in OWNED}
    if not owners:
        return ""
    return "statement" if owners <= set(found.authorities) else "claim"


def _show(found: "RegisterMapping") -> None:
    rows: list[dict[str, Any]] = [
        {
            "attribute": name,
            "columns": list(cell.headers),
            "how": _how(cell),
            "codes": dict(found.codes.get(name, {})),
            "becomes": _role(found, name),
        }
        for name, cell in found.cells.items()
    ]
    data = {
        "name": found.name,
        "source": found.source,
        "title": tr(found.title_zh, found.title_en),
        "authorities": list(found.authority_names),
        "province": found.province,
        "match": found.match.value,
        "sheet": found.layout.sheet,
        "header_row": found.layout.header_row,
        "delimiter": found.layout.delimiter,
        "encodings": list(found.layout.encodings),
        "dates": [form.text for form in found.dates],
        "columns": rows,
    }
    lines = [
        f"{found.name}: {tr(found.title_zh, found.title_en)} ({found.source})",
        tr("主管职责 ", "authorities ") + " ".join(found.authority_names),
    ]
    words = {"statement": tr("写入名册", "statement"), "claim": tr("登记为说法", "claim")}
    if answer(data, lines):
        print_table(
            [
                tr("要素", "attribute"),
                tr("列", "column"),
                tr("取法", "how"),
                tr("代码", "codes"),
                tr("去向", "becomes"),
            ],
            [
                (
                    row["attribute"],
                    " | ".join(row["columns"]),
                    row["how"],
                    "，".join(f"{word}→{code}" for word, code in row["codes"].items()),
                    words.get(row["becomes"], ""),
                )
                for row in rows
            ],
        )


def _how(cell: "Cell") -> str:
    """Return in few words what is done to the text of a cell."""
    said = []
    if cell.constant is not None:
        said.append(f"= {cell.constant}")
    if cell.separator:
        part = f" {cell.part}" if cell.part else ""
        said.append(tr(f"按“{cell.separator}”分{part}", f"split by {cell.separator!r}{part}"))
    said += [f"{old}→{new}" for old, new in cell.replace]
    if cell.unit:
        said.append(tr(f"单位 {cell.unit}", f"unit {cell.unit}"))
    if cell.divisor != 1:
        said.append(f"÷ {cell.divisor}")
    return "；".join(said)
