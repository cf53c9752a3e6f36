"""What does not fit together in registers: the words for it, and what a file alone can show.

A node lists disagreements over all that it holds, claims included. Before anything is sent, a file
shows those that need nothing else: sites at one address, sites of one name, divisions that are no
more or never were, streets that no table knows. Both are the same message, and one report.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from clients.language import tr
from clients.registers.reader import Register
from deltacare.addresses import address_place
from deltacare.divisions import CHANGES, Validity, is_statistical
from deltacare.institutions import fold_text
from deltacare.v1.entry_pb2 import INSTITUTION_STATE_CLOSED, Institution
from deltacare.v1.registry_service_pb2 import (
    DISAGREEMENT_KIND_CLAIM,
    DISAGREEMENT_KIND_CLAIM_ONLY,
    DISAGREEMENT_KIND_DIVISION_ABOLISHED,
    DISAGREEMENT_KIND_DIVISION_STATISTICAL,
    DISAGREEMENT_KIND_SAME_ADDRESS,
    DISAGREEMENT_KIND_SAME_NAME,
    DISAGREEMENT_KIND_SAME_PLACE,
    DISAGREEMENT_KIND_STREET_UNKNOWN,
    Disagreement,
    DisagreementKind,
)

__all__ = [
    "KINDS",
    "disagreement_words",
    "joined_disagreements",
    "kind_name",
    "local_disagreements",
]

_PREFIX = "DISAGREEMENT_KIND_"
_DISTRICT_CHARS = 6
_SEVERAL = 2

_WORDS: Mapping[int, tuple[tuple[str, str], tuple[str, str]]] = {
    DISAGREEMENT_KIND_CLAIM: (
        ("其他来源的说法与名册不同", "Another source says otherwise than the register."),
        ("向主管部门核实；名册以主管部门所述为准", "Ask the owner, whose word stands."),
    ),
    DISAGREEMENT_KIND_CLAIM_ONLY: (
        ("名册未载，只有其他来源的说法", "The register says nothing, another source does."),
        ("请主管部门补填或否认", "Let the owner state it, or say that it is not so."),
    ),
    DISAGREEMENT_KIND_SAME_ADDRESS: (
        ("同一地址登记了多家机构", "Several institutions are registered at one address."),
        ("核实是否重复登记，或为一址多户", "Find out whether one was registered twice."),
    ),
    DISAGREEMENT_KIND_SAME_NAME: (
        ("多家机构同名", "Several institutions have one name."),
        ("核实是否重复登记", "Find out whether one was registered twice."),
    ),
    DISAGREEMENT_KIND_DIVISION_ABOLISHED: (
        ("所在区划已撤销", "The division was abolished."),
        ("改用承接区划的代码", "Use the code of the division that took over."),
    ),
    DISAGREEMENT_KIND_DIVISION_STATISTICAL: (
        ("区划代码是开发区的统计代码", "The code is a statistical one of a development zone."),
        ("改用所在行政区的代码", "Use the code of the division that it lies in."),
    ),
    DISAGREEMENT_KIND_STREET_UNKNOWN: (
        ("街镇名称查不到代码", "No code was found for the street's name."),
        ("核对街镇的现用名称", "Check the street's present name."),
    ),
    DISAGREEMENT_KIND_SAME_PLACE: (
        (
            "多家机构坐标相同而地址不同，可能未能定位",
            "Several institutions have one place and other addresses: perhaps not located.",
        ),
        (
            "按地址重新定位；距离查询暂不可靠",
            "Locate each by its address; distances are uncertain.",
        ),
    ),
}

KINDS: tuple[str, ...] = tuple(
    DisagreementKind.Name(DisagreementKind.ValueType(number)).removeprefix(_PREFIX)
    for number in _WORDS
)
"""Names of the kinds, without the prefix."""


def kind_name(found: Disagreement) -> str:
    """Return the name of a disagreement's kind without its prefix."""
    return DisagreementKind.Name(found.kind).removeprefix(_PREFIX)


def disagreement_words(found: Disagreement) -> tuple[str, str]:
    """Return what does not fit and what to do, in the language of the run."""
    words = _WORDS.get(found.kind)
    return (tr(*words[0]), tr(*words[1])) if words else (kind_name(found), "")


def joined_disagreements(
    node: Iterable[Disagreement], local: Iterable[Disagreement]
) -> tuple[Disagreement, ...]:
    """Return what a node found, and what of a file's own it has not."""
    listed = list(node)
    known = [(each.kind, set(each.institution_ids)) for each in listed]
    listed += [
        each
        for each in local
        # A node compares more closely, and may have found more of them together.
        if not any(
            each.kind == kind and ids.issuperset(each.institution_ids) for kind, ids in known
        )
    ]
    return tuple(sorted(listed, key=lambda each: (each.kind, list(each.institution_ids))))


def local_disagreements(register: Register, *, today: date) -> tuple[Disagreement, ...]:
    """Return what a file by itself shows not to fit together, sorted by kind and institution."""
    open_homes = [
        each
        for each in register.institutions
        if each.institution_id and each.state != INSTITUTION_STATE_CLOSED
    ]
    addresses = list(_together(open_homes, "address", DISAGREEMENT_KIND_SAME_ADDRESS))
    found = [
        *joined_disagreements(addresses, _at_one_place(open_homes)),
        *_together(open_homes, "name", DISAGREEMENT_KIND_SAME_NAME),
        *_divisions(open_homes, today),
    ]
    return joined_disagreements(found, ())


def _together(
    homes: Iterable[Institution], attribute: str, kind: DisagreementKind.ValueType
) -> Iterator[Disagreement]:
    """Yield several institutions of a register that say the same of what should differ."""
    groups: dict[tuple[str, str], list[Institution]] = {}
    for home in homes:
        text = fold_text(getattr(home, attribute))
        if text:
            groups.setdefault((home.institution_id[:6], text), []).append(home)
    for group in groups.values():
        if len(group) > 1:
            yield Disagreement(
                kind=kind,
                institution_ids=sorted(each.institution_id for each in group),
                attribute=attribute,
                stated=getattr(group[0], attribute),
            )


def _at_one_place(homes: Iterable[Institution]) -> Iterator[Disagreement]:
    """Yield several institutions of a register whose coordinates are the same."""
    groups: dict[tuple[str, int, int], list[Institution]] = {}
    for home in homes:
        if home.longitude_e6 or home.latitude_e6:
            key = (home.institution_id[:6], home.longitude_e6, home.latitude_e6)
            groups.setdefault(key, []).append(home)
    for (_, longitude, latitude), group in groups.items():
        if len(group) < _SEVERAL:
            continue
        group.sort(key=lambda home: home.institution_id)
        said = Disagreement(
            kind=DISAGREEMENT_KIND_SAME_ADDRESS,
            institution_ids=[home.institution_id for home in group],
            attribute="longitude_e6",
            stated=f"{longitude},{latitude}",
        )
        if len({_address(home) for home in group} - {None}) > 1:
            said.kind = DISAGREEMENT_KIND_SAME_PLACE
            said.claimed = "; ".join(home.address for home in group)
        yield said


def _address(home: Institution) -> tuple[str, str] | None:
    return address_place(home.address, home.street, home.division_code)


def _divisions(homes: Iterable[Institution], today: date) -> Iterator[Disagreement]:
    """Yield institutions whose division is no more or is none, or whose street has no code."""
    for home in homes:
        code = home.division_code
        district = code[:_DISTRICT_CHARS]
        said = Disagreement(
            institution_ids=[home.institution_id], attribute="division_code", stated=code
        )
        if CHANGES.validity(district, today) is Validity.ABOLISHED:
            said.kind = DISAGREEMENT_KIND_DIVISION_ABOLISHED
            said.claimed = " ".join(CHANGES.resolve(district, today))
            yield said
        elif is_statistical(district):
            said.kind = DISAGREEMENT_KIND_DIVISION_STATISTICAL
            yield said
        if home.street and len(code) <= _DISTRICT_CHARS:
            yield Disagreement(
                kind=DISAGREEMENT_KIND_STREET_UNKNOWN,
                institution_ids=[home.institution_id],
                attribute="street",
                stated=home.street,
            )
