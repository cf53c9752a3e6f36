"""``deltacare listing``: which homes are open to elders from other provinces.

A listing is proposed, looked at by others, and published as proposed; its control totals
(institutions, cities, beds) are computed from the register, and compared with those on paper.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, Signature, connected, signed
from clients.cli.failures import InputRefused
from clients.cli.output import answer, pages, print_table
from clients.language import both, tr
from clients.plain import enum_name, plain

if TYPE_CHECKING:
    from deltacare.v1.entry_pb2 import ControlTotals, Listing

__all__ = ["listing"]

listing = Group(
    name="listing",
    help=both(
        "异地养老机构名单：提出、公布、撤回。",
        "Listings of institutions open to elders from outside: propose, publish, withdraw.",
    ),
)

_BATCH_MAX = 1_000
_TOTALS = 3
_NAMED_MAX = 40


def _named(function: Any) -> Any:  # noqa: ANN401  # click's own type
    """Add the options that say what is listed."""
    for decorate in (
        option(
            "--institution",
            "institution_ids",
            multiple=True,
            metavar="ID",
            help=both("机构编号，可多次。", "An institution's id; repeat it."),
        ),
        option(
            "--file",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help=both("机构编号文件，每行一个。", "A file of institutions' ids, one a line."),
        ),
        option(
            "--from", "from_date", default="", metavar="DATE", help=both("起始日。", "First day.")
        ),
        option(
            "--until",
            "until_date",
            default="",
            metavar="DATE",
            help=both("截止日。", "Last day, if any."),
        ),
        option(
            "--totals",
            default="",
            metavar="N,CITIES,BEDS",
            help=both(
                "纸面上的总数（机构、城市、床位），须与名册相符。",
                "Totals as on paper (institutions, cities, beds), which must agree.",
            ),
        ),
    ):
        function = decorate(function)
    return function


@command(
    listing,
    "propose",
    help=both(
        "提出名单供核对（编号如 310000-L2026-1），尚不开放。",
        "Propose a listing (its id: 310000-L2026-1); it opens nothing yet.",
    ),
)
@click.argument("listing_id")
@_named
@signed
@connected
def propose(
    *,
    connection: Connection,
    signature: Signature,
    listing_id: str,
    **said: Any,  # noqa: ANN401  # options
) -> None:
    """Propose a listing."""
    from deltacare.v1.registry_service_pb2 import ProposeListingRequest

    with connection.open() as node:
        made = _listing(node, listing_id, **said)
        warnings = _warnings(node, made)
        response = node.registry.ProposeListing(
            ProposeListingRequest(request_id=signature.once(), duty=signature.duty, listing=made)
        )
    answer(
        {
            "listing": listing_id,
            "totals": plain(made.totals),
            "proposal_hash": response.proposal_hash.hex(),
            "warnings": warnings,
            "appended": plain(response.appended),
        },
        [
            tr(f"已提出名单 {listing_id}：", f"Proposed {listing_id}: ")
            + _totals_text(made.totals),
            tr("提案摘要 ", "proposal ") + response.proposal_hash.hex(),
            *warnings,
        ],
    )


@command(
    listing,
    "publish",
    help=both(
        "公布名单；提出过的按最近一次提案公布，不必再列机构。",
        "Publish a listing; one that was proposed is published as proposed, with nothing repeated.",
    ),
)
@click.argument("listing_id")
@_named
@signed
@connected
def publish(
    *,
    connection: Connection,
    signature: Signature,
    listing_id: str,
    **said: Any,  # noqa: ANN401  # options
) -> None:
    """Publish a listing."""
    from deltacare.v1.registry_service_pb2 import PublishListingRequest

    with connection.open() as node:
        if said["institution_ids"] or said["file"]:
            made = _listing(node, listing_id, **said)
        else:
            made = _proposed(node, listing_id, said)
        warnings = _warnings(node, made)
        response = node.registry.PublishListing(
            PublishListingRequest(request_id=signature.once(), duty=signature.duty, listing=made)
        )
    answer(
        {
            "listing": listing_id,
            "institutions": len(made.institution_ids),
            "totals": plain(made.totals),
            "warnings": warnings,
            "appended": plain(response.appended),
        },
        [
            tr(
                f"已公布名单 {listing_id}，自 {made.from_date} 起：",
                f"Published {listing_id} from {made.from_date}: ",
            )
            + _totals_text(made.totals),
            *warnings,
        ],
    )


@command(listing, "withdraw", help=both("撤回名单。", "Withdraw a listing."))
@click.argument("listing_id")
@option(
    "--from",
    "effective_date",
    required=True,
    metavar="DATE",
    help=both("不再有效的第一日。", "First day it no longer holds."),
)
@option(
    "--reason",
    required=True,
    metavar="CODE",
    help=both("事由代码，如 CAPACITY_FULL。", "Reason code, such as CAPACITY_FULL."),
)
@signed
@connected
def withdraw(
    *,
    connection: Connection,
    signature: Signature,
    listing_id: str,
    effective_date: str,
    reason: str,
) -> None:
    """Withdraw a listing."""
    from deltacare.v1.entry_pb2 import ListingWithdrawal
    from deltacare.v1.registry_service_pb2 import WithdrawListingRequest

    with connection.open() as node:
        response = node.registry.WithdrawListing(
            WithdrawListingRequest(
                request_id=signature.once(),
                duty=signature.duty,
                withdrawal=ListingWithdrawal(
                    listing_id=listing_id, effective_date=effective_date, reason=reason
                ),
            )
        )
    answer(
        {"listing": listing_id, "appended": plain(response.appended)},
        [
            tr(
                f"名单 {listing_id} 自 {effective_date} 起撤回",
                f"{listing_id} is withdrawn from {effective_date}",
            )
        ],
    )


@command(listing, "list", help=both("列出名单及其总数。", "List listings and their totals."))
@option("--province", default="", metavar="CODE", help=both("只看该省。", "Only this province."))
@connected
def list_(*, connection: Connection, province: str) -> None:
    """List listings."""
    with connection.open() as node:
        found = list(_listings(node, province))
    if answer({"listings": [plain(row) for row in found]}):
        print_table(
            [
                tr("编号", "id"),
                tr("状态", "state"),
                tr("机构数", "institutions"),
                tr("城市", "cities"),
                tr("床位", "beds"),
                tr("自", "from"),
                tr("至", "until"),
            ],
            [
                (
                    row.listing.listing_id,
                    _state(row),
                    row.listing.totals.institution_count,
                    row.listing.totals.city_count,
                    row.listing.totals.approved_beds,
                    row.listing.from_date,
                    row.listing.until_date,
                )
                for row in found
            ],
            numbers=(2, 3, 4),
        )


@command(
    listing,
    "show",
    help=both(
        "显示一份名单中的机构、其状态与有效措施。",
        "Show the institutions of a listing, their state and the measures in force.",
    ),
)
@click.argument("listing_id")
@connected
def show(*, connection: Connection, listing_id: str) -> None:
    """Show a listing."""
    from clients.cli.institution_measures import measures_in_force, measures_text
    from clients.cli.institution_state import state_words
    from clients.cli.supervision import today

    with connection.open() as node:
        found = [
            row for row in _listings(node, listing_id[:6]) if row.listing.listing_id == listing_id
        ]
        if not found:
            raise InputRefused(
                tr(
                    f"本节点没有名单 {listing_id}；用 listing list 查看。",
                    f"This node knows no listing {listing_id}; see listing list.",
                )
            )
        row = found[0]
        ids = list(row.listing.institution_ids)
        homes = _institutions(node, ids)
        measures = measures_in_force(node, ids)
    data = {
        **plain(row),
        "institutions": [plain(homes[each]) for each in ids if each in homes],
        "measures": None
        if measures is None
        else {each: [plain(one) for one in rows] for each, rows in sorted(measures.items())},
    }
    line = " ".join(
        (
            listing_id,
            _state(row),
            f"{row.listing.from_date} – {row.listing.until_date}",
            _totals_text(row.listing.totals),
        )
    )
    if not answer(data, [line]):
        return
    print_table(
        [
            tr("编号", "id"),
            tr("名称", "name"),
            tr("地区", "division"),
            tr("床位", "beds"),
            tr("状态", "state"),
            tr("有效措施", "measures in force"),
        ],
        [
            (
                each,
                homes[each].name if each in homes else "",
                homes[each].division_code if each in homes else "",
                homes[each].approved_beds if each in homes else "",
                state_words(homes[each], today()) if each in homes else "",
                measures_text(measures, each),
            )
            for each in ids
        ],
        numbers=(3,),
    )


def _state(row: Any) -> str:  # noqa: ANN401  # a PublishedListing
    """Return where a listing stands, with the day from which it is withdrawn."""
    states = {
        "PROPOSED": tr("已提出", "proposed"),
        "PUBLISHED": tr("已公布", "published"),
        "WITHDRAWN": tr("已撤回", "withdrawn"),
    }
    state, day = enum_name(row, "state"), row.withdrawn_date
    if not day:
        return states.get(state, "")
    if state == "WITHDRAWN":
        return tr(f"已撤回（自 {day} 起）", f"withdrawn from {day}")
    return tr(f"已公布，自 {day} 起撤回", f"published, withdrawn from {day}")


def _warnings(node: Any, made: "Listing") -> list[str]:  # noqa: ANN401  # a client of a node
    """Return what is to be said of the institutions of a listing before it is said."""
    from clients.cli.institution_measures import listing_warnings

    homes = _institutions(node, made.institution_ids)
    return listing_warnings(node, homes, made.from_date)


def _listings(node: Any, province: str) -> Sequence[Any]:  # noqa: ANN401  # a client of a node
    from deltacare.v1.registry_service_pb2 import ListListingsRequest

    request = ListListingsRequest(province=province)
    return [row for page in pages(node.registry.ListListings, request) for row in page.listings]


def _listing(
    node: Any,  # noqa: ANN401  # a client of a node
    listing_id: str,
    *,
    institution_ids: tuple[str, ...],
    file: Path | None,
    from_date: str,
    until_date: str,
    totals: str,
) -> "Listing":
    """Return the listing that the options describe, with totals from the register."""
    from deltacare.v1.entry_pb2 import Listing

    named = list(institution_ids)
    if file is not None:
        lines = file.read_text(encoding="utf-8-sig", errors="replace").splitlines()
        named += [line.strip() for line in lines if line.strip()]
    if not named:
        raise InputRefused(
            tr(
                "请用 --institution 或 --file 给出机构编号。",
                "Name the institutions with --institution or --file.",
            )
        )
    if not from_date:
        raise InputRefused(tr("请用 --from 给出起始日。", "Say the first day with --from."))
    homes = _institutions(node, named)
    _check_ids(named, homes)
    made = Listing(
        listing_id=listing_id,
        institution_ids=named,
        from_date=from_date,
        until_date=until_date,
        totals=_totals(homes.values()),
    )
    _compare(totals, made.totals)
    return made


def _proposed(node: Any, listing_id: str, said: dict[str, Any]) -> "Listing":  # noqa: ANN401  # a client of a node
    """Return the last proposal of a listing, as it is to be published."""
    from deltacare.v1.entry_pb2 import Listing

    for row in _listings(node, listing_id[:6]):
        if row.listing.listing_id == listing_id and enum_name(row, "state") == "PROPOSED":
            if said["from_date"] or said["until_date"]:
                raise InputRefused(
                    tr(
                        "公布提案时不得改动起止日；请重新提出。",
                        "A proposal is published with its own days; propose it anew.",
                    )
                )
            made = Listing()
            made.CopyFrom(row.listing)
            made.proposal_hash = row.proposal_hash
            _compare(said["totals"], made.totals)
            return made
    raise InputRefused(
        tr(
            f"没有名单 {listing_id} 的提案；请用 --institution 或 --file 给出机构。",
            f"There is no proposal of {listing_id}; name the institutions with --institution or "
            "--file.",
        )
    )


def _check_ids(named: Sequence[str], homes: Mapping[str, Any]) -> None:
    """Refuse ids that stand twice or that the register has not: of them no total is right."""
    doubled = [each for each, count in Counter(named).items() if count > 1]
    unknown = [each for each in dict.fromkeys(named) if each not in homes]
    said = []
    if unknown:
        said.append(tr(f"名册中没有 {_some(unknown)}。", f"Not in the register: {_some(unknown)}."))
    if doubled:
        said.append(tr(f"重复列出 {_some(doubled)}。", f"Listed more than once: {_some(doubled)}."))
    if said:
        said.append(tr("请更正编号；未作任何登记。", "Correct the ids. Nothing was said."))
        raise InputRefused(tr("", " ").join(said))


def _some(ids: Sequence[str]) -> str:
    """Return ids in one line, the first of many."""
    return " ".join(ids[:_NAMED_MAX]) + (" …" if len(ids) > _NAMED_MAX else "")


def _totals(homes: Collection[Any]) -> "ControlTotals":
    """Return what institutions add up to by the node's register."""
    from deltacare.divisions import city_of, normalise_division
    from deltacare.v1.entry_pb2 import ControlTotals

    cities = {city_of(normalise_division(home.division_code)) for home in homes}
    return ControlTotals(
        institution_count=len(homes),
        city_count=len(cities - {None}),
        approved_beds=sum(home.approved_beds for home in homes),
    )


def _institutions(node: Any, named: Sequence[str]) -> dict[str, Any]:  # noqa: ANN401  # a client of a node
    """Return institutions by id, as far as the node's register has them."""
    from deltacare.v1.registry_service_pb2 import BatchGetInstitutionsRequest

    found = {}
    unique = list(dict.fromkeys(named))
    for first in range(0, len(unique), _BATCH_MAX):
        names = [f"institutions/{each}" for each in unique[first : first + _BATCH_MAX]]
        for row in node.registry.BatchGetInstitutions(
            BatchGetInstitutionsRequest(names=names)
        ).institutions:
            found[row.institution.institution_id] = row.institution
    return found


def _compare(typed: str, totals: "ControlTotals") -> None:
    """Refuse totals from paper that differ from the register's."""
    if not typed:
        return
    parts = typed.replace("，", ",").split(",")
    if len(parts) != _TOTALS or not all(part.strip().isdecimal() for part in parts):
        raise InputRefused(
            tr(
                f"--totals “{typed}” 应为 机构数,城市数,床位数，如 57,20,25698。",
                f"--totals {typed!r} takes N,CITIES,BEDS, such as 57,20,25698.",
            )
        )
    computed = (totals.institution_count, totals.city_count, totals.approved_beds)
    if tuple(map(int, parts)) != computed:
        raise InputRefused(
            tr(
                f"总分核对不符：纸面 {typed}，名册 {','.join(map(str, computed))}。未作任何登记。",
                f"The totals differ: {typed} on paper, {','.join(map(str, computed))} in the "
                "register. Nothing was said.",
            )
        )


def _totals_text(totals: "ControlTotals") -> str:
    homes, cities, beds = totals.institution_count, totals.city_count, totals.approved_beds
    return tr(
        f"{homes} 家机构，{cities} 个城市，{beds} 张床位",
        f"{homes} institutions, {cities} cities, {beds} beds",
    )
