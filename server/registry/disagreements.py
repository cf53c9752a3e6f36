"""What does not fit together in the registers: found, not settled.

Pure: what registers state and what others claim in, disagreements out, in one fixed order. A closed
institution may stand where its successor stands and under a name that another took over, so it is
compared with claims only.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from deltacare.addresses import address_place
from deltacare.divisions import CHANGES, Validity, is_statistical
from deltacare.institutions import fold_text, same_value
from deltacare.v1.registry_service_pb2 import (
    DISAGREEMENT_KIND_CLAIM,
    DISAGREEMENT_KIND_CLAIM_ONLY,
    DISAGREEMENT_KIND_DIVISION_ABOLISHED,
    DISAGREEMENT_KIND_DIVISION_STATISTICAL,
    DISAGREEMENT_KIND_SAME_ADDRESS,
    DISAGREEMENT_KIND_SAME_NAME,
    DISAGREEMENT_KIND_SAME_PLACE,
    DISAGREEMENT_KIND_STREET_UNKNOWN,
)

__all__ = ["Claimed", "Finding", "Site", "claim_findings", "register_findings"]

_COUNTY_CHARS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What a register states of one institution, as far as it is compared with others.

    Attributes:
        institution_id: the institution.
        name: its name.
        division_code: canonical code.
        street: name of the street or town.
        address: postal address.
        place: longitude and latitude in micro-degrees; ``None`` if not known.
        is_closed: whether it is closed.
    """

    institution_id: str
    name: str
    division_code: str
    street: str
    address: str
    place: tuple[int, int] | None
    is_closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A claim that counts.

    Attributes:
        institution_id: the institution.
        attribute: the attribute.
        author: province that stated it.
        source: who says it.
        value: in the form in which it is compared.
    """

    institution_id: str
    attribute: str
    author: str
    source: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that does not fit together.

    Attributes:
        kind: value of ``DisagreementKind``.
        institution_ids: ascending.
        attribute: name of a field of ``Institution``.
        stated: what the owner states.
        claimed: what is said against it.
        author: province that stated a claim.
        source: source of a claim.
    """

    kind: int
    institution_ids: tuple[str, ...]
    attribute: str
    stated: str = ""
    claimed: str = ""
    author: str = ""
    source: str = ""

    @property
    def order(self) -> tuple[int, str, str, str, str]:
        """Where it stands among all; no two have the same."""
        return (self.kind, self.institution_ids[0], self.attribute, self.author, self.source)


def _groups(
    sites: Iterable[Site], key: Callable[[Site], object | None]
) -> Iterator[tuple[Site, ...]]:
    """Yield the sites that share a key, two or more."""
    found: dict[object, list[Site]] = {}
    for site in sites:
        shared = key(site)
        if shared is not None:
            found.setdefault(shared, []).append(site)
    for group in found.values():
        if len(group) > 1:
            yield tuple(sorted(group, key=lambda site: site.institution_id))


def _together(sites: Iterable[Site]) -> Iterator[Finding]:
    """Yield the institutions of one register that share an address, a place or a name."""
    standing = [site for site in sites if not site.is_closed]

    def at_address(site: Site) -> object | None:
        return address_place(site.address, site.street, site.division_code)

    seen: set[tuple[str, ...]] = set()
    for group in _groups(standing, at_address):
        ids = tuple(site.institution_id for site in group)
        seen.add(ids)
        yield Finding(
            kind=DISAGREEMENT_KIND_SAME_ADDRESS,
            institution_ids=ids,
            attribute="address",
            stated=group[0].address,
        )
    for group in _groups(standing, lambda site: site.place):
        ids = tuple(site.institution_id for site in group)
        place = group[0].place
        assert place is not None, "who has no place shares none"
        if len({at_address(site) for site in group} - {None}) > 1:
            yield Finding(
                kind=DISAGREEMENT_KIND_SAME_PLACE,
                institution_ids=ids,
                attribute="longitude_e6",
                stated=f"{place[0]},{place[1]}",
                claimed="; ".join(site.address for site in group),
            )
        elif ids not in seen:
            yield Finding(
                kind=DISAGREEMENT_KIND_SAME_ADDRESS,
                institution_ids=ids,
                attribute="longitude_e6",
                stated=f"{place[0]},{place[1]}",
            )
    for group in _groups(standing, lambda site: fold_text(site.name)):
        yield Finding(
            kind=DISAGREEMENT_KIND_SAME_NAME,
            institution_ids=tuple(site.institution_id for site in group),
            attribute="name",
            stated=group[0].name,
        )


def _of_division(site: Site, on_date: date) -> Iterator[Finding]:
    """Yield what does not fit in the division of one institution."""
    ids, code = (site.institution_id,), site.division_code
    if CHANGES.validity(code[:_COUNTY_CHARS], on_date) is Validity.ABOLISHED:
        yield Finding(
            kind=DISAGREEMENT_KIND_DIVISION_ABOLISHED,
            institution_ids=ids,
            attribute="division_code",
            stated=code,
            claimed=" ".join(CHANGES.resolve(code, on_date)),
        )
    if is_statistical(code):
        yield Finding(
            kind=DISAGREEMENT_KIND_DIVISION_STATISTICAL,
            institution_ids=ids,
            attribute="division_code",
            stated=code,
        )
    if site.street and len(code) == _COUNTY_CHARS:
        yield Finding(
            kind=DISAGREEMENT_KIND_STREET_UNKNOWN,
            institution_ids=ids,
            attribute="street",
            stated=site.street,
        )


def register_findings(sites: Iterable[Site], *, on_date: date) -> list[Finding]:
    """Return what does not fit together within one register.

    Args:
        sites: all institutions of one province.
        on_date: day on which divisions are looked up.
    """
    listed = list(sites)
    found = list(_together(listed))
    for site in listed:
        if not site.is_closed:
            found += _of_division(site, on_date)
    return found


def claim_findings(
    claims: Iterable[Claimed], stated: Mapping[tuple[str, str], str]
) -> list[Finding]:
    """Return the claims that say what their owners do not.

    Args:
        claims: those that count.
        stated: what owners state, by institution and attribute; empty or missing where nothing.
    """
    found = []
    for claim in claims:
        says = stated.get((claim.institution_id, claim.attribute), "")
        if says and same_value(claim.attribute, says, claim.value):
            continue
        found.append(
            Finding(
                kind=DISAGREEMENT_KIND_CLAIM if says else DISAGREEMENT_KIND_CLAIM_ONLY,
                institution_ids=(claim.institution_id,),
                attribute=claim.attribute,
                stated=says,
                claimed=claim.value,
                author=claim.author,
                source=claim.source,
            )
        )
    return found
