"""Shows disagreements page by page without working them out for each page.

What a register disagrees on changes only with its log, with the claims about it and with the day;
so for each province the last answer is kept with what it was worked out from. It is a cache of what
the rows say and nothing more: a rebuilt or restarted node works it out again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, func, select

from deltacare.institutions import value_of
from deltacare.v1.entry_pb2 import INSTITUTION_STATE_CLOSED, Institution
from deltacare.v1.registry_service_pb2 import Disagreement
from server.registry.disagreements import (
    Claimed,
    Finding,
    Site,
    claim_findings,
    register_findings,
)
from server.registry.tables import claims, institutions
from server.registry.views import divisions_inside

__all__ = ["DisagreementBook", "DisagreementQuestion", "disagreement_id", "read_disagreement_id"]

_BREAK = "|"
_PARTS = 5

_Key = tuple[int | None, tuple[tuple[str, int], ...], date]
_Order = tuple[int, str, str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DisagreementQuestion:
    """Which disagreements are asked for.

    Attributes:
        provinces: whose registers.
        division: canonical code that one of the institutions lies in; empty means all.
        kind: value of ``DisagreementKind``; 0 means all.
        on_date: day on which divisions are looked up.
    """

    provinces: tuple[str, ...]
    division: str
    kind: int
    on_date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """What was worked out for one register.

    Attributes:
        key: from what.
        findings: in order.
        divisions: canonical division of each institution that a finding names, if stated.
    """

    key: _Key
    findings: tuple[Finding, ...]
    divisions: Mapping[str, str]


def disagreement_id(finding: Finding) -> str:
    """Return what names a finding in a page token."""
    return _BREAK.join(map(str, finding.order))


def read_disagreement_id(text: str) -> _Order | None:
    """Return the order that ``disagreement_id`` wrote; ``None`` for an empty text."""
    parts = text.split(_BREAK)
    if len(parts) != _PARTS or not parts[0].isdigit():
        return None
    kind, institution_id, attribute, author, source = parts
    return (int(kind), institution_id, attribute, author, source)


def shown(finding: Finding) -> Disagreement:
    """Return a finding as the contract has it."""
    return Disagreement(
        kind=finding.kind,  # type: ignore[arg-type]  # a number of that enumeration
        institution_ids=finding.institution_ids,
        attribute=finding.attribute,
        stated=finding.stated,
        claimed=finding.claimed,
        source=finding.source,
    )


class DisagreementBook:
    """The disagreements of each register, as last worked out."""

    def __init__(self) -> None:
        self._pages: dict[str, _Page] = {}

    def find(
        self,
        connection: Connection,
        question: DisagreementQuestion,
        *,
        after: _Order | None,
        limit: int,
    ) -> Sequence[Finding]:
        """Return disagreements in order.

        Args:
            connection: a snapshot.
            question: which.
            after: only those behind this one.
            limit: most rows.
        """
        found: list[Finding] = []
        for province in question.provinces:
            page = self._page(connection, province, question.on_date)
            inside = None
            if question.division:
                inside = divisions_inside(connection, question.division, question.on_date)
            found += [
                finding
                for finding in page.findings
                if (after is None or finding.order > after)
                and (not question.kind or finding.kind == question.kind)
                and (
                    inside is None
                    or any(page.divisions.get(each) in inside for each in finding.institution_ids)
                )
            ]
        found.sort(key=lambda finding: finding.order)
        return found[:limit]

    def _page(self, connection: Connection, province: str, on_date: date) -> _Page:
        """Return what one register disagrees on, worked out anew if anything was said since."""
        newest = connection.execute(
            select(func.max(institutions.c.log_index)).where(institutions.c.author == province)
        ).scalar()
        claimed = connection.execute(
            select(claims.c.author, func.max(claims.c.log_index))
            .group_by(claims.c.author)
            .order_by(claims.c.author)
        )
        key: _Key = (newest, tuple((row[0], row[1]) for row in claimed), on_date)
        known = self._pages.get(province)
        if known is None or known.key != key:
            known = _work_out(connection, province, key)
            self._pages[province] = known
        return known


def _work_out(connection: Connection, province: str, key: _Key) -> _Page:
    """Return what one register disagrees on."""
    on_date = key[2]
    table = claims.c
    said = [
        Claimed(
            institution_id=row.institution_id,
            attribute=row.attribute,
            author=row.author,
            source=row.source,
            value=row.value,
        )
        for row in connection.execute(
            select(claims).where(
                table.superseded_index.is_(None),
                table.value != "",
                table.institution_id.between(f"{province}-", f"{province}."),
            )
        )
    ]
    wanted: dict[str, set[str]] = {}
    for claim in said:
        wanted.setdefault(claim.institution_id, set()).add(claim.attribute)
    sites: list[Site] = []
    divisions: dict[str, str] = {}
    stated: dict[tuple[str, str], str] = {}
    rows = connection.execute(
        select(
            institutions.c.division_code,
            institutions.c.longitude_e6,
            institutions.c.latitude_e6,
            institutions.c.body,
        ).where(institutions.c.author == province, institutions.c.superseded_index.is_(None))
    )
    for division_code, longitude_e6, latitude_e6, data in rows:
        body = Institution.FromString(data)
        divisions[body.institution_id] = division_code
        sites.append(
            Site(
                institution_id=body.institution_id,
                name=body.name,
                division_code=division_code,
                street=body.street,
                address=body.address,
                place=None if latitude_e6 is None else (longitude_e6, latitude_e6),
                is_closed=body.state == INSTITUTION_STATE_CLOSED,
            )
        )
        for attribute in wanted.get(body.institution_id, ()):
            stated[body.institution_id, attribute] = value_of(body, attribute)
    found = [*register_findings(sites, on_date=on_date), *claim_findings(said, stated)]
    found.sort(key=lambda finding: finding.order)
    named = {each for finding in found for each in finding.institution_ids}
    return _Page(
        key=key,
        findings=tuple(found),
        divisions={each: code for each, code in divisions.items() if each in named},
    )
