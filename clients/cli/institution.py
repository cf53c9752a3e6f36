"""``deltacare institution``: registers in, institutions, claims and disagreements out."""

from collections.abc import Sequence
from typing import Any

import click

from clients.cli.commands import Group, LazyCommand, command, option
from clients.cli.connection import Connection, connected
from clients.cli.output import answer, pages, print_table, say
from clients.language import both, tr
from clients.plain import plain

__all__ = ["institution"]

institution = Group(
    name="institution",
    help=both("养老机构名录。", "Registers of eldercare institutions."),
    lazy={
        "import": LazyCommand(
            target="clients.cli.institution_import:import_",
            help=both("按映射导入名录。", "Import a register by its mapping."),
        ),
        "mapping": LazyCommand(
            target="clients.cli.institution_mapping:mapping",
            help=both("名录映射。", "Mappings of registers."),
        ),
        "search": LazyCommand(
            target="clients.cli.institution_search:search",
            help=both(
                "按名称、拼音、地点查找机构。", "Find institutions by name, pinyin or place."
            ),
        ),
        "claims": LazyCommand(
            target="clients.cli.institution_claims:claims",
            help=both("列出其他来源的说法。", "List what other sources say."),
        ),
        "disagreements": LazyCommand(
            target="clients.cli.institution_claims:disagreements",
            help=both("列出名册中不一致之处。", "List what does not fit together."),
        ),
        "sample": LazyCommand(
            target="clients.cli.institution_mapping:sample",
            help=both("写出四省的合成样例名录。", "Write the four provinces' synthetic registers."),
        ),
    },
)

_LISTED_DEFAULT = 50


_MODES = {
    "": 0,
    "公建公营": 1,
    "公建民营": 2,
    "民建民营": 3,
}


def _filters(function: Any) -> Any:  # noqa: ANN401  # click's own type
    """Add the options that restrict a list."""
    for decorate in (
        option("--division", default="", metavar="CODE", help=both("地区代码。", "Division.")),
        option(
            "--mode",
            type=click.Choice([name for name in _MODES if name]),
            default=None,
            help=both("运营方式。", "Operation mode."),
        ),
        option("--beds-min", type=click.IntRange(0), default=0, help=both("床位下限。", "Beds.")),
        option("--beds-max", type=click.IntRange(0), default=0, help=both("床位上限。", "Beds.")),
        option(
            "--limit",
            type=click.IntRange(min=1),
            default=_LISTED_DEFAULT,
            show_default=True,
            help=both("最多列出多少家。", "List at most so many."),
        ),
    ):
        function = decorate(function)
    return function


@command(institution, "list", help=both("列出机构。", "List institutions."))
@_filters
@connected
def list_(*, connection: Connection, **filters: Any) -> None:  # noqa: ANN401  # options
    """List institutions."""
    _list(connection, **filters)


def _list(
    connection: Connection,
    *,
    division: str,
    mode: str | None,
    beds_min: int,
    beds_max: int,
    limit: int,
) -> None:
    from clients.cli.institution_state import other_state
    from clients.cli.supervision import today
    from deltacare.v1.entry_pb2 import OperationMode
    from deltacare.v1.registry_service_pb2 import (
        CountInstitutionsRequest,
        InstitutionFilter,
        ListInstitutionsRequest,
    )

    wanted = InstitutionFilter(
        division=division,
        operation_mode=OperationMode.ValueType(_MODES[mode or ""]),
        beds_min=beds_min,
        beds_max=beds_max,
    )
    found: list[Any] = []
    with connection.open() as node:
        counts = node.registry.CountInstitutions(CountInstitutionsRequest(filter=wanted)).counts
        for page in pages(node.registry.ListInstitutions, ListInstitutionsRequest(filter=wanted)):
            found += page.institutions
            if len(found) >= limit:
                break
    found = found[:limit]
    data = {
        "counts": [plain(count) for count in counts],
        "institutions": [plain(row) for row in found],
    }
    if not answer(data):
        return
    day = today()
    states = [other_state(row.institution, day) for row in found]
    # Where all operate, the addresses have the room.
    more = [states] if any(states) else []
    print_table(
        [
            tr("编号", "id"),
            tr("名称", "name"),
            tr("地区", "division"),
            tr("床位", "beds"),
            tr("地址", "address"),
            *(tr("状态", "state") for _ in more),
        ],
        [
            (*_row(row.institution), *(column[place] for column in more))
            for place, row in enumerate(found)
        ],
        numbers=(3,),
    )
    homes = sum(count.institution_count for count in counts)
    beds = sum(count.approved_beds for count in counts)
    say(
        tr(
            f"共 {homes} 家，{beds} 张床位；列出 {len(found)} 家。",
            f"{homes} institutions with {beds} beds; {len(found)} listed.",
        )
    )


def _row(found: Any) -> Sequence[object]:  # noqa: ANN401  # a message
    return (
        found.institution_id,
        found.name,
        found.division_code,
        found.approved_beds,
        found.address,
    )


@command(institution, "show", help=both("显示一家机构。", "Show an institution."))
@click.argument("institution_id")
@option(
    "--history",
    is_flag=True,
    help=both(
        "显示历次登记及其他来源的说法。", "Show all that was ever stated, and what others claim."
    ),
)
@connected
def show(*, connection: Connection, institution_id: str, history: bool) -> None:
    """Show an institution."""
    from clients.cli.institution_measures import measures_in_force, measures_text
    from clients.registers.attribute_words import attribute_name
    from deltacare.v1.registry_service_pb2 import GetInstitutionRequest

    if history:
        _history(connection, institution_id)
        return
    with connection.open() as node:
        found = node.registry.GetInstitution(
            GetInstitutionRequest(name=f"institutions/{institution_id}")
        )
        measures = measures_in_force(node, [institution_id])
    data = {
        **plain(found),
        "measures": None
        if measures is None
        else [plain(row) for row in measures.get(institution_id, ())],
    }
    rows = [
        (name, _shown(found.institution, name, value))
        for name, value in data["institution"].items()
        if value not in ("", 0, "UNSPECIFIED") and value != []
    ]
    if answer(data):
        print_table(
            [tr("项目", "field"), tr("内容", "value")],
            [(attribute_name(name), value) for name, value in rows],
        )
        if text := measures_text(measures, institution_id):
            say(tr("有效的监管措施：", "Measures in force:"))
            say(text)
        say(f"{found.entry.log} #{found.entry.index}")


def _shown(home: Any, name: str, value: Any) -> Any:  # noqa: ANN401  # an Institution and a plain value
    """Return a value as one line, in the language of the run."""
    from clients.cli.institution_state import state_words
    from clients.cli.supervision import today
    from clients.language import language
    from clients.registers.attribute_words import value_words
    from deltacare.institutions import value_of

    if name == "state":
        is_to_come = home.state_date > today()
        return state_words(home, today()) if is_to_come or language() == "zh" else value
    if name == "medical_facilities" and language() == "zh":
        return value_words(name, value_of(home, name))
    if not isinstance(value, list):
        return value_words(name, str(value))
    lines = (
        " ".join(map(str, each.values())) if isinstance(each, dict) else each for each in value
    )
    return "；".join(map(str, lines))


def _history(connection: Connection, institution_id: str) -> None:
    """Show what changed with each statement of an institution, then the claims that stand."""
    from clients.cli.institution_claims import print_claims
    from clients.registers.attribute_words import attribute_name, value_words
    from deltacare.institutions import ATTRIBUTES, value_of
    from deltacare.v1.registry_service_pb2 import GetInstitutionHistoryRequest

    with connection.open() as node:
        found = node.registry.GetInstitutionHistory(
            GetInstitutionHistoryRequest(name=f"institutions/{institution_id}")
        )
    if not answer(plain(found)):
        return
    rows = []
    before = dict.fromkeys(ATTRIBUTES, "")
    for statement in found.statements:
        now = {name: value_of(statement.institution, name) for name in ATTRIBUTES}
        changes = [(name, before[name], now[name]) for name in now if before[name] != now[name]]
        rows += [
            (
                f"{statement.entry.log} #{statement.entry.index}" if not place else "",
                attribute_name(name),
                value_words(name, old),
                value_words(name, new),
            )
            for place, (name, old, new) in enumerate(changes)
        ]
        before = now
    print_table(
        [tr("条目", "entry"), tr("要素", "attribute"), tr("原为", "before"), tr("改为", "after")],
        rows,
    )
    if found.claims:
        print_claims(found.claims)
