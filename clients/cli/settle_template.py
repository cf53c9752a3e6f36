"""``settle template``: writes an empty file to fill in, with its columns, checks and guidance."""

from pathlib import Path

import click

from clients.cli.commands import Group, command, option
from clients.cli.failures import InputRefused
from clients.cli.output import answer, require_folder
from clients.language import both, language, tr

__all__ = ["template"]

_group = Group(name="template", help="")
_KINDS = ("records", "enrolments", "refusals", "reversals")


@command(
    _group,
    "template",
    help=both(
        "写出空白模板：结算记录（records）、异地登记（enrolments）、"
        "拒绝（refusals）、冲正（reversals）。"
        "XLSX 带填写检查与说明页；CSV 为带标记的 UTF-8。中英文列名读回时都认。",
        "Write an empty file to fill in: records, enrolments, refusals or reversals. XLSX has "
        "checks and a sheet of guidance, CSV is UTF-8 with a mark. Column names are read back in "
        "Chinese and in English.",
    ),
)
@click.argument("kind", type=click.Choice(_KINDS))
@option(
    "--out",
    "out_path",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help=both("写到哪里：.csv 或 .xlsx。", "Where to: .csv or .xlsx."),
)
def template(*, kind: str, out_path: Path) -> None:
    """Write a template."""
    from clients.filing.columns import TEMPLATES
    from clients.filing.templates import SUFFIXES, write_template

    require_folder(out_path)
    if out_path.suffix.lower() not in SUFFIXES:
        raise InputRefused(
            tr(
                f"{out_path.name}：模板只能写成 .csv 或 .xlsx。",
                f"{out_path.name}: a template is a .csv or an .xlsx.",
            )
        )
    if out_path.exists():
        raise InputRefused(
            tr(
                f"{out_path} 已存在，不覆盖；请另起名称或先移走。",
                f"{out_path} exists and is not overwritten; name another file or move it.",
            )
        )
    form = TEMPLATES[kind]
    write_template(form, out_path, is_chinese=language() == "zh")
    following = form.command_for(str(out_path))
    answer(
        {
            "file": str(out_path),
            "kind": kind,
            "columns": [each.name for each in form.columns],
            "command": following,
        },
        [
            tr(f"模板写入 {out_path}", f"Template written to {out_path}"),
            tr(f"填好后：{following}", f"Next: {following}"),
        ],
    )
