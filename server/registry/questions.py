"""Reads what callers of the registry ask: batches, names, filters and cursors.

Form, and what an own register may hold; whether anything answers is for the views.
"""

from collections.abc import Sequence

from deltacare.divisions import normalise_division
from deltacare.errors import ViolationCollector
from deltacare.ids import InstitutionId, LogName
from deltacare.v1.entry_pb2 import Institution, InstitutionState, OperationMode
from deltacare.v1.registry_service_pb2 import InstitutionFilter, LogCursor
from server.registry.bodies import canonical_institution, read_institution
from server.registry.fields import read_enum, repeated
from server.registry.requests import without_unknown
from server.registry.rules import judge_institution

__all__ = [
    "INSTITUTIONS_MAX",
    "NAMES_MAX",
    "NAME_PART_CHARS_MAX",
    "NAME_PREFIX",
    "read_cursors",
    "read_filter",
    "read_institutions",
    "read_name",
]

INSTITUTIONS_MAX = 1_000
NAMES_MAX = 1_000
NAME_PART_CHARS_MAX = 64
NAME_PREFIX = "institutions/"
_INDEX_MAX = 2**63 - 1


def read_institutions(
    institutions: Sequence[Institution], bad: ViolationCollector, *, own: str
) -> list[Institution]:
    """Return the institutions of a batch as the log will have them."""
    if not 1 <= len(institutions) <= INSTITUTIONS_MAX:
        bad.note("institutions", len(institutions), "A batch has 1 to 1,000 institutions.")
    again = repeated(each.institution_id for each in institutions)
    bodies = []
    for position, each in enumerate(institutions[:INSTITUTIONS_MAX]):
        at = f"institutions[{position}]."
        body = canonical_institution(each)
        before = bad.count
        read_institution(body, at, bad)
        rule = judge_institution(own, body) if bad.count == before else None
        if rule is not None:
            bad.note(f"{at}institution_id", body.institution_id, f"{rule.code}: {rule.en}")
        if body.institution_id in again:
            bad.note(
                f"{at}institution_id",
                body.institution_id,
                "The id stands more than once in the batch.",
            )
        bodies.append(body)
    return bodies


def read_cursors(given: Sequence[LogCursor], logs: Sequence[LogName]) -> dict[LogName, int]:
    """Return where to go on in each registry log."""
    bad = ViolationCollector()
    cursors = dict.fromkeys(logs, 0)
    if repeated(cursor.log for cursor in given):
        bad.note("cursors", "", "A log stands more than once.")
    for position, cursor in enumerate(given[: 2 * len(logs)]):
        at = f"cursors[{position}]"
        log = bad.take(LogName.parse, cursor.log, field=f"{at}.log")
        if log is not None and log not in cursors:
            bad.note(f"{at}.log", cursor.log, "This is not the registry log of a member.")
        elif cursor.next_index > _INDEX_MAX:
            bad.note(f"{at}.next_index", cursor.next_index, "No log is that long.")
        elif log is not None:
            cursors[log] = cursor.next_index
    bad.raise_if_any()
    return cursors


def read_name(name: str, field: str, bad: ViolationCollector) -> str:
    """Return the id of a resource name; empty if it cannot be read."""
    text = name.removeprefix(NAME_PREFIX)
    if text == name:
        bad.note(field, name, "A name begins with institutions/.")
        return ""
    institution_id = bad.take(InstitutionId.parse, text, field=field)
    return "" if institution_id is None else str(institution_id)


def read_filter(given: InstitutionFilter, bad: ViolationCollector) -> InstitutionFilter:
    """Return a filter with its division in canonical spelling."""
    wanted = without_unknown(given)
    if given.division:
        wanted.division = (
            bad.take(normalise_division, given.division, field="filter.division") or ""
        )
    if len(given.name_part) > NAME_PART_CHARS_MAX:
        bad.note("filter.name_part", given.name_part, "It has more than 64 characters.")
    at = "filter."
    read_enum(given.operation_mode, f"{at}operation_mode", bad, kind=OperationMode, optional=True)
    read_enum(given.state, f"{at}state", bad, kind=InstitutionState, optional=True)
    if given.beds_max and given.beds_max < given.beds_min:
        bad.note("filter.beds_max", given.beds_max, "It is less than beds_min.")
    return wanted
