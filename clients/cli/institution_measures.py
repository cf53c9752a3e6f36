"""What measures of supervision do to institutions, named where institutions and listings are.

The node says which measures hold and what follows from them; here they are put into words. Nothing
is decided, and nothing refused: who publishes a listing may know that the measure is about to end.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from clients.cli.output import pages
from clients.cli.supervision_shown import measure_words
from clients.language import tr
from clients.plain import enum_name
from deltacare.errors import Reason, Refusal

__all__ = ["closed_to_outsiders", "listing_warnings", "measures_in_force", "measures_text"]

Measures = Mapping[str, Sequence[Any]]


def measures_in_force(node: Any, institution_ids: Sequence[str], day: str = "") -> Measures | None:  # noqa: ANN401  # a client of a node
    """Return the measures that hold against institutions, by id.

    Args:
        node: A client of a node.
        institution_ids: Whom they are against.
        day: To judge by; empty means today.

    Returns:
        ``None`` if the caller's role may not read measures.
    """
    from deltacare.v1.supervision_service_pb2 import ListMeasuresRequest

    wanted = frozenset(institution_ids)
    request = ListMeasuresRequest(
        in_force_only=True,
        on_date=day,
        # One institution is asked for by name; of many, all measures are fewer calls.
        institution_id=institution_ids[0] if len(wanted) == 1 else "",
    )
    found: dict[str, list[Any]] = {}
    try:
        for page in pages(node.supervision.ListMeasures, request):
            for row in page.measures:
                if row.measure.institution_id in wanted:
                    found.setdefault(row.measure.institution_id, []).append(row)
    except Refusal as error:
        if error.reason is Reason.ROLE_NOT_ALLOWED:
            return None
        raise
    return found


def measures_text(measures: Measures | None, institution_id: str) -> str:
    """Return the measures against an institution in words, a line each."""
    if measures is None:
        return tr("当前角色不能查", "not shown to this role")
    return "\n".join(measure_words(row) for row in measures.get(institution_id, ()))


def closed_to_outsiders(row: Any) -> bool:  # noqa: ANN401  # a StandingMeasure
    """Whether a measure closes an institution to elders from outside."""
    from deltacare.v1.supervision_service_pb2 import MEASURE_EFFECT_UNLISTED

    return MEASURE_EFFECT_UNLISTED in row.effects


def listing_warnings(node: Any, homes: Mapping[str, Any], from_date: str) -> list[str]:  # noqa: ANN401  # a client of a node
    """Return what whoever lists institutions should know: who takes nobody in, now or later.

    Args:
        node: A client of a node.
        homes: Institutions as the register has them, by id.
        from_date: First day of the listing; what holds today and what holds then is named.
    """
    from clients.cli.institution_state import state_words
    from clients.cli.supervision import today

    lines = [
        tr(
            f"注意：{each} 在名册中的状态为：{state_words(home, today())}。",
            f"Warning: {each} in the register: {state_words(home, today())}.",
        )
        for each, home in sorted(homes.items())
        if enum_name(home, "state") != "OPERATING"
    ]
    known: dict[str, Any] = {}
    for day in dict.fromkeys((today(), max(today(), from_date))):
        found = measures_in_force(node, list(homes), day)
        if found is None:
            return [
                *lines,
                tr(
                    "注意：当前角色不能查监管措施，未核对名单中的机构。",
                    "Warning: this role may not read measures; the institutions were not compared "
                    "with them.",
                ),
            ]
        for rows in found.values():
            known.update({row.measure.measure_id: row for row in rows if closed_to_outsiders(row)})
    for _, row in sorted(known.items()):
        home, words = row.measure.institution_id, measure_words(row)
        lines.append(
            tr(
                f"注意：{home} 因措施不对异地老年人开放：{words}。列入名单不改变这一点。",
                f"Warning: a measure closes {home} to elders from outside: {words}. Listing it "
                "does not change that.",
            )
        )
    return lines
