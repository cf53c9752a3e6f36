"""Reads what callers of the registry ask: batches, names, filters and cursors.

Form, and what an own register may hold; whether anything answers is for the views.
"""

from collections.abc import Collection, Sequence

from deltacare.divisions import normalise_division
from deltacare.errors import ViolationCollector
from deltacare.ids import InstitutionId, LogName
from deltacare.v1.entry_pb2 import (
    Institution,
    InstitutionClaim,
    InstitutionState,
    OperationMode,
    ProviderType,
)
from deltacare.v1.registry_service_pb2 import (
    InstitutionFilter,
    LogCursor,
    SearchInstitutionsRequest,
)
from server.registry.bodies import (
    LATITUDE_E6_MAX,
    LONGITUDE_E6_MAX,
    canonical_claim,
    canonical_institution,
    read_claim,
    read_institution,
)
from server.registry.fields import numbered_id_province, read_enum, repeated
from server.registry.requests import without_unknown
from server.registry.rules import G14_SUCCESSOR_OF_OPEN, judge_claim, judge_institution
from server.registry.searching import QUERY_CHARS_MAX, Place, Search

__all__ = [
    "CLAIMS_MAX",
    "INSTITUTIONS_MAX",
    "NAMES_MAX",
    "NAME_PART_CHARS_MAX",
    "NAME_PREFIX",
    "read_claims",
    "read_cursors",
    "read_filter",
    "read_institutions",
    "read_name",
    "read_search",
]

INSTITUTIONS_MAX = 1_000
CLAIMS_MAX = 1_000
FOUND_MAX = 200
RADIUS_M_MAX = 500_000
NAMES_MAX = 1_000
NAME_PART_CHARS_MAX = 64
NAME_PREFIX = "institutions/"
_FOUND_DEFAULT = 20
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
            field = "successor_ids" if rule is G14_SUCCESSOR_OF_OPEN else "institution_id"
            bad.note(f"{at}{field}", body.institution_id, f"{rule.code}: {rule.en}")
        if body.institution_id in again:
            bad.note(
                f"{at}institution_id",
                body.institution_id,
                "The id stands more than once in the batch.",
            )
        bodies.append(body)
    return bodies


def read_claims(
    claims: Sequence[InstitutionClaim],
    bad: ViolationCollector,
    *,
    own: str,
    members: Collection[str],
) -> list[InstitutionClaim]:
    """Return the claims of a batch as the log will have them."""
    if not 1 <= len(claims) <= CLAIMS_MAX:
        bad.note("claims", len(claims), "A batch has 1 to 1,000 claims.")
    again = repeated(f"{each.source} {each.institution_id} {each.attribute}" for each in claims)
    bodies = []
    for position, each in enumerate(claims[:CLAIMS_MAX]):
        at = f"claims[{position}]."
        body = canonical_claim(each)
        before = bad.count
        read_claim(body, at, bad)
        rule = judge_claim(own, body) if bad.count == before else None
        if rule is not None:
            bad.note(f"{at}authority", body.institution_id, f"{rule.code}: {rule.en}")
        if bad.count == before and numbered_id_province(body.institution_id) not in members:
            bad.note(f"{at}institution_id", body.institution_id, "Its province is no member.")
        if f"{body.source} {body.institution_id} {body.attribute}" in again:
            bad.note(
                f"{at}attribute",
                body.institution_id,
                "The source says something of this attribute more than once in the batch.",
            )
        bodies.append(body)
    return bodies


def read_search(request: SearchInstitutionsRequest, bad: ViolationCollector) -> Search:
    """Return what is searched for, without the filter."""
    if len(request.query) > QUERY_CHARS_MAX:
        bad.note("query", request.query, "It has more than 64 characters.")
    has_place = bool(request.longitude_e6 or request.latitude_e6)
    if abs(request.longitude_e6) > LONGITUDE_E6_MAX:
        bad.note("longitude_e6", request.longitude_e6, "It is beyond 180 degrees.")
    if abs(request.latitude_e6) > LATITUDE_E6_MAX:
        bad.note("latitude_e6", request.latitude_e6, "It is beyond 90 degrees.")
    if request.radius_m > RADIUS_M_MAX:
        bad.note("radius_m", request.radius_m, f"It is more than {RADIUS_M_MAX:,}.")
    if request.radius_m and not has_place:
        bad.note(
            "radius_m",
            request.radius_m,
            "There is no place to measure from.",
            "Give longitude_e6 and latitude_e6.",
        )
    if not 0 <= request.page_size <= FOUND_MAX:
        bad.note("page_size", request.page_size, f"It is not 0 to {FOUND_MAX:,}.")
    return Search(
        query=request.query,
        place=(
            Place(longitude_e6=request.longitude_e6, latitude_e6=request.latitude_e6)
            if has_place
            else None
        ),
        radius_m=request.radius_m or None,
        limit=request.page_size or _FOUND_DEFAULT,
    )


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
    read_enum(given.provider_type, f"{at}provider_type", bad, kind=ProviderType, optional=True)
    if given.beds_max and given.beds_max < given.beds_min:
        bad.note("filter.beds_max", given.beds_max, "It is less than beds_min.")
    return wanted
