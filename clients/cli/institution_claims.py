"""``deltacare institution claims`` and ``disagreements``: what stands beside the register."""

from collections.abc import Sequence
from typing import Any

import click

from clients.cli.commands import Command, option
from clients.cli.connection import Connection, connected
from clients.cli.failures import InputRefused
from clients.cli.output import answer, pages, print_table
from clients.language import both, tr
from clients.plain import enum_name, plain

__all__ = ["claims", "disagreements", "print_claims"]

_DISAGREEMENTS_SHOWN = 200


@click.command(
    "claims",
    cls=Command,
    help=both(
        "列出其他来源对机构的说法。", "List what sources that own nothing say of institutions."
    ),
)
@option("--institution", "institution_id", default="", metavar="ID", help=both("机构。", "Of one."))
@option("--source", default="", metavar="CODE", help=both("来源代码。", "Of one source."))
@connected
def claims(*, connection: Connection, institution_id: str, source: str) -> None:
    """List claims."""
    from deltacare.v1.registry_service_pb2 import ListClaimsRequest

    request = ListClaimsRequest(institution_id=institution_id, source=source)
    with connection.open() as node:
        found = [row for page in pages(node.registry.ListClaims, request) for row in page.claims]
    if answer({"claims": [plain(row) for row in found]}):
        print_claims(found)


def print_claims(found: Sequence[Any]) -> None:
    """Draw claims as a table."""
    from clients.registers.attribute_words import attribute_name, value_words

    print_table(
        [
            tr("机构", "institution"),
            tr("要素", "attribute"),
            tr("说法", "claimed"),
            tr("来源", "source"),
            tr("性质", "authority"),
            tr("登记省", "stated by"),
            tr("日期", "as of"),
        ],
        [
            (
                row.claim.institution_id,
                attribute_name(row.claim.attribute),
                value_words(row.claim.attribute, row.claim.value),
                row.claim.source,
                enum_name(row.claim, "authority"),
                row.author,
                row.claim.as_of_date,
            )
            for row in found
        ],
    )


@click.command(
    "disagreements",
    cls=Command,
    help=both(
        "列出名册中不一致之处：床位、名称、同址、撤销的区划、查不到的街镇。",
        "List what does not fit together: beds, names, sites at one address, divisions, streets.",
    ),
)
@option("--division", default="", metavar="CODE", help=both("地区代码。", "Division."))
@option("--kind", default=None, metavar="KIND", help=both("只看一种。", "Only of this kind."))
@connected
def disagreements(*, connection: Connection, division: str, kind: str | None) -> None:
    """List disagreements."""
    from clients.cli.institution_report import draw_disagreements
    from clients.registers.disagreements import KINDS
    from deltacare.v1.registry_service_pb2 import DisagreementKind, ListDisagreementsRequest

    if kind is not None and kind not in KINDS:
        known = ", ".join(KINDS)
        raise InputRefused(
            tr(f"没有“{kind}”这一种。可用：{known}", f"No kind {kind}. There are: {known}")
        )
    request = ListDisagreementsRequest(
        division=division,
        kind=DisagreementKind.Value(f"DISAGREEMENT_KIND_{kind or 'UNSPECIFIED'}"),
    )
    with connection.open() as node:
        found = [
            each
            for page in pages(node.registry.ListDisagreements, request)
            for each in page.disagreements
        ]
    if answer(
        {"disagreements": [plain(each) for each in found]},
        [tr(f"{len(found)} 处不一致", f"{len(found)} disagreements")],
    ):
        draw_disagreements(found[:_DISAGREEMENTS_SHOWN], len(found))
