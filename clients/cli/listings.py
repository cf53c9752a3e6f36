"""Listings of ``deltacare institution``: which homes are open to elders from other provinces."""

from pathlib import Path

import click

from clients.cli.commands import Command, option
from clients.cli.connection import Connection, Signature, connected, signed
from clients.cli.failures import InputRefused
from clients.cli.output import answer, pages, print_table
from clients.language import both, tr
from clients.plain import plain

__all__ = ["listings", "publish_listing", "withdraw_listing"]


@click.command(
    "publish-listing",
    cls=Command,
    help=both(
        "公布异地养老机构名单（编号如 310000-L2026-1）。",
        "Publish a listing of institutions that are open to elders from outside "
        "(its id: 310000-L2026-1).",
    ),
)
@click.argument("listing_id")
@option(
    "--institution",
    "institution_ids",
    multiple=True,
    metavar="ID",
    help=both("机构编号，可多次。", "An institution's id; repeat it."),
)
@option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=both("机构编号文件，每行一个。", "A file of institutions' ids, one a line."),
)
@option("--from", "from_date", required=True, metavar="DATE", help=both("起始日。", "First day."))
@option(
    "--until", "until_date", default="", metavar="DATE", help=both("截止日。", "Last day, if any.")
)
@signed
@connected
def publish_listing(
    *,
    connection: Connection,
    signature: Signature,
    listing_id: str,
    institution_ids: tuple[str, ...],
    file: Path | None,
    from_date: str,
    until_date: str,
) -> None:
    """Publish a listing."""
    from deltacare.v1.entry_pb2 import Listing
    from deltacare.v1.registry_service_pb2 import PublishListingRequest

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
    with connection.open() as node:
        response = node.registry.PublishListing(
            PublishListingRequest(
                request_id=signature.once(),
                duty=signature.duty,
                listing=Listing(
                    listing_id=listing_id,
                    institution_ids=named,
                    from_date=from_date,
                    until_date=until_date,
                ),
            )
        )
    answer(
        {
            "listing": listing_id,
            "institutions": len(named),
            "appended": plain(response.appended),
        },
        [
            tr(
                f"已公布名单 {listing_id}，{len(named)} 家机构，自 {from_date} 起",
                f"Published {listing_id}: {len(named)} institutions, from {from_date}",
            )
        ],
    )


@click.command(
    "withdraw-listing", cls=Command, help=both("撤回异地养老机构名单。", "Withdraw a listing.")
)
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
def withdraw_listing(
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


@click.command(
    "listings", cls=Command, help=both("列出异地养老机构名单。", "List the published listings.")
)
@option("--province", default="", metavar="CODE", help=both("只看该省。", "Only this province."))
@connected
def listings(*, connection: Connection, province: str) -> None:
    """List listings."""
    from deltacare.v1.registry_service_pb2 import ListListingsRequest

    with connection.open() as node:
        request = ListListingsRequest(province=province)
        found = [
            row for page in pages(node.registry.ListListings, request) for row in page.listings
        ]
    if answer({"listings": [plain(row) for row in found]}):
        print_table(
            [
                tr("编号", "id"),
                tr("机构数", "institutions"),
                tr("自", "from"),
                tr("至", "until"),
                tr("撤回日", "withdrawn"),
            ],
            [
                (
                    row.listing.listing_id,
                    len(row.listing.institution_ids),
                    row.listing.from_date,
                    row.listing.until_date,
                    row.withdrawn_date,
                )
                for row in found
            ],
            numbers=(1,),
        )
