"""``deltacare institution import``: a register's file in, by its mapping, with a full report."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clients.cli.commands import Command, option
from clients.cli.connection import Connection, Signature, connected
from clients.cli.failures import Exit, InputRefused
from clients.cli.output import pages, progress, require_folder
from clients.language import both, tr

if TYPE_CHECKING:
    from datetime import date

    from clients.registers.plan import ImportPlan
    from clients.registers.reader import Register
    from deltacare.v1.registry_service_pb2 import Disagreement

__all__ = ["import_"]

BATCH_MAX = 1_000
MAPPING_DEFAULT = "shanghai"


@click.command(
    "import",
    cls=Command,
    help=both(
        "按映射导入名录：好的行入库，每个问题按行、列、处理办法报告；再次导入只更新有变化的。"
        "来源无权认定的内容登记为其说法。",
        "Import a register by a mapping: good rows go in, every defect is reported by row, column "
        "and remedy; importing again changes only what differs. What the source does not own "
        "becomes a claim.",
    ),
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@option(
    "--mapping",
    "mapping_name",
    default=MAPPING_DEFAULT,
    show_default=True,
    metavar="NAME|FILE",
    help=both(
        "内置映射名或 TOML 文件；见 institution mapping list。",
        "Name of a mapping, or its TOML file; see institution mapping list.",
    ),
)
@option(
    "--streets",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=both(
        "街镇代码表（列 code、name、areaCode），按名称补代码。",
        "Table of streets (columns code, name, areaCode), to find codes by names.",
    ),
)
@option("--dry-run", is_flag=True, help=both("只检查，不入库。", "Check only; nothing goes in."))
@option(
    "--claims-only",
    is_flag=True,
    help=both("只登记为说法，不写入名册。", "Only claim what the file says; state nothing."),
)
@option(
    "--as-of",
    "as_of",
    default="",
    metavar="DATE",
    help=both("来源内容的日期，默认今天。", "Day as of which the source says it; today."),
)
@option(
    "--province",
    default=None,
    metavar="CODE",
    help=both(
        "只接受该省的行；入库时默认为节点所属省。",
        "Take only rows of this province; the node's own when importing.",
    ),
)
@option(
    "--maker",
    envvar="DELTACARE_MAKER",
    metavar="ID",
    help=both("经办人编号；入库时必填。", "Maker; required unless --dry-run."),
)
@option(
    "--reviewer",
    envvar="DELTACARE_REVIEWER",
    metavar="ID",
    help=both("复核人编号；入库时必填。", "Checker; required unless --dry-run."),
)
@option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    help=both(
        "把全部问题写入 .csv 或 .xlsx 文件。", "Write every defect into a .csv or .xlsx file."
    ),
)
@connected
def import_(
    *,
    connection: Connection,
    file: Path,
    mapping_name: str,
    streets: Path | None,
    dry_run: bool,
    claims_only: bool,
    as_of: str,
    province: str | None,
    maker: str | None,
    reviewer: str | None,
    report: Path | None,
) -> int:
    """Import a register."""
    from datetime import UTC, datetime

    from clients.cli.institution_report import show_report
    from clients.registers.disagreements import joined_disagreements, local_disagreements
    from clients.registers.files import load_register
    from clients.registers.shipped import find_mapping
    from clients.registers.streets import load_streets
    from deltacare.times import business_date, parse_date

    _check_report(report)
    today = business_date(datetime.now(UTC))
    said = parse_date(as_of, field="--as-of") if as_of else today
    mapping = find_mapping(mapping_name)
    table = load_streets(streets) if streets is not None else None

    def load(province: str | None) -> "Register":
        return load_register(
            file,
            mapping=mapping,
            today=today,
            province=province,
            streets=table,
            claims_only=claims_only,
        )

    if dry_run:
        register = load(province)
        found = local_disagreements(register, today=today)
        show_report(register, None, None, found, report)
        return Exit.YES if register.rows else Exit.BAD_INPUT
    if not maker or not reviewer:
        raise InputRefused(
            tr(
                "入库需要 --maker（经办）与 --reviewer（复核）；只检查请用 --dry-run。",
                "Importing needs --maker and --reviewer; --dry-run only checks.",
            )
        )
    signature = Signature(maker=maker, reviewer=reviewer, request_id=None)
    with connection.open() as node:
        from deltacare.v1.federation_service_pb2 import WhoAmIRequest

        own = node.federation.WhoAmI(WhoAmIRequest()).province
        # Claims may be about anybody's institutions; statements are about the own ones.
        register = load(province or (None if claims_only else own))
        plan = _plan(node, register, own, claims_only=claims_only, as_of=said, given=bool(as_of))
        counts = _state(node, signature, plan) | _claim(node, signature, plan)
        found = joined_disagreements(
            _disagreements(node, register, plan), local_disagreements(register, today=today)
        )
    show_report(register, plan, counts, found, report)
    return Exit.YES if register.rows else Exit.BAD_INPUT


def _check_report(report: Path | None) -> None:
    """Refuse a report that cannot be written before anything is read."""
    from clients.registers.report import SUFFIXES

    if report is None:
        return
    if report.suffix.lower() not in SUFFIXES:
        raise InputRefused(
            tr(f"{report} 应以 .csv 或 .xlsx 结尾。", f"{report} must end in .csv or .xlsx.")
        )
    require_folder(report)


def _plan(
    node: Any,  # noqa: ANN401  # a client of a node
    register: "Register",
    province: str,
    *,
    claims_only: bool,
    as_of: "date",
    given: bool,
) -> "ImportPlan":
    """Return what is to be sent, given what the node has."""
    from clients.registers.plan import plan_import
    from deltacare.v1.registry_service_pb2 import (
        InstitutionFilter,
        ListClaimsRequest,
        ListInstitutionsRequest,
    )

    division = register.mapping.province if claims_only else province
    wanted = ListInstitutionsRequest(filter=InstitutionFilter(division=division))
    stored = {
        row.institution.institution_id: row.institution
        for page in pages(node.registry.ListInstitutions, wanted)
        for row in page.institutions
    }
    request = ListClaimsRequest(source=register.mapping.source)
    claimed = [
        row.claim
        for page in pages(node.registry.ListClaims, request)
        for row in page.claims
        if row.author == province
    ]
    return plan_import(
        register,
        stored,
        province=province,
        as_of=as_of,
        is_as_of_given=given,
        claims_only=claims_only,
        claimed=claimed,
    )


def _state(node: Any, signature: Signature, plan: "ImportPlan") -> dict[str, int]:  # noqa: ANN401  # a client of a node
    """State the institutions in batches and return what became of them."""
    from deltacare.v1.registry_service_pb2 import BatchUpsertInstitutionsRequest

    counts = {"created": 0, "updated": 0, "unchanged": 0}
    rows = plan.statements
    with progress("导入机构", "importing institutions", total=len(rows)) as bar:
        for first in range(0, len(rows), BATCH_MAX):
            batch = rows[first : first + BATCH_MAX]
            # A fresh id each time: what the register says now may be what it said once before.
            response = node.registry.BatchUpsertInstitutions(
                BatchUpsertInstitutionsRequest(
                    request_id=signature.once(), duty=signature.duty, institutions=batch
                )
            )
            counts["created"] += response.created_count
            counts["updated"] += response.updated_count
            counts["unchanged"] += response.unchanged_count
            bar.advance(len(batch))
    return counts


def _claim(node: Any, signature: Signature, plan: "ImportPlan") -> dict[str, int]:  # noqa: ANN401  # a client of a node
    """State the claims in batches and return what became of them."""
    from deltacare.v1.registry_service_pb2 import BatchStateClaimsRequest

    counts = {
        "claims": len(plan.claims),
        "claims_stated": 0,
        "claims_withdrawn": 0,
        "claims_unchanged": 0,
    }
    # Apart, so that the node's counts tell one from the other.
    said = [each for each in plan.claims if each.value]
    withdrawn = [each for each in plan.claims if not each.value]
    with progress("登记各方说法", "stating claims", total=len(plan.claims)) as bar:
        for name, rows in (("claims_stated", said), ("claims_withdrawn", withdrawn)):
            for first in range(0, len(rows), BATCH_MAX):
                batch = rows[first : first + BATCH_MAX]
                response = node.registry.BatchStateClaims(
                    BatchStateClaimsRequest(
                        request_id=signature.once(), duty=signature.duty, claims=batch
                    )
                )
                counts[name] += response.stated_count
                counts["claims_unchanged"] += response.unchanged_count
                bar.advance(len(batch))
    return counts


def _disagreements(
    node: Any,  # noqa: ANN401  # a client of a node
    register: "Register",
    plan: "ImportPlan",
) -> Iterable["Disagreement"]:
    """Yield what the node finds not to fit together of the institutions in a file."""
    from deltacare.v1.registry_service_pb2 import ListDisagreementsRequest

    named = {home.institution_id for home in plan.statements}
    named |= {claim.institution_id for claim in plan.claims}
    request = ListDisagreementsRequest(division=register.mapping.province)
    for page in pages(node.registry.ListDisagreements, request):
        for each in page.disagreements:
            if named & set(each.institution_ids):
                yield each
