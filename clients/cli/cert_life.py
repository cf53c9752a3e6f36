"""The life of a certificate in ``deltacare cert``: renew, add, suspend, reinstate, revoke.

Each says why by a code, never by a name. A renewal names what it prolongs through the node, so that
of two who renew at once the second is told.
"""

from typing import Any

import click

from clients.cli.appended import tell_appended
from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, Signature, connected, signed
from clients.language import both, tr

__all__ = ["add", "reinstate", "renew", "revoke", "suspend"]

_group = Group(name="life", help="")


def _references(texts: tuple[str, ...]) -> list[Any]:
    """Return the references that were given, each fault named."""
    from clients.issuing.references import parse_reference

    return [parse_reference(text, field="--reference") for text in texts]


def _referring(function: Any) -> Any:  # noqa: ANN401  # click's own type
    """Add the option that names references."""
    return option(
        "--reference",
        "references",
        multiple=True,
        metavar="KIND:NO:DATE[:HOURS[:DIVISION]]",
        help=both(
            "凭据，可多次，如 继续教育:JX-9:2026-05-01:20；又有培训、考核评价、表彰奖励。",
            "What it rests on; repeat it. Such as CONTINUING_EDUCATION:JX-9:2026-05-01:20; kinds: "
            "TRAINING, CONTINUING_EDUCATION, EXAMINATION, AWARD.",
        ),
    )(function)


@command(_group, "renew", help=both("延长有效期。", "Prolong a certificate."))
@click.argument("certificate_no")
@option(
    "--until",
    "until_date",
    required=True,
    metavar="DATE",
    help=both("新截止日。", "New last day."),
)
@option(
    "--reason",
    default="",
    metavar="CODE",
    help=both("事由代码，可不填。", "Reason, a code; may be left out."),
)
@_referring
@signed
@connected
def renew(
    *,
    connection: Connection,
    signature: Signature,
    certificate_no: str,
    until_date: str,
    reason: str,
    references: tuple[str, ...],
) -> None:
    """Prolong a certificate."""
    from deltacare.v1.certification_service_pb2 import RenewCertificateRequest
    from deltacare.v1.entry_pb2 import CertificateRenewal

    renewal = CertificateRenewal(
        certificate_no=certificate_no,
        valid_until_date=until_date,
        reason=reason,
        references=_references(references),
    )
    with connection.open() as node:
        response = node.certification.RenewCertificate(
            RenewCertificateRequest(
                request_id=signature.once(), duty=signature.duty, renewal=renewal
            )
        )
    tell_appended(
        response.appended,
        tr(
            f"{certificate_no} 有效期至 {until_date}",
            f"{certificate_no} good until {until_date}",
        ),
        certificate=certificate_no,
    )


@command(
    _group,
    "add",
    help=both(
        "为证书补充培训、继续教育或表彰。", "Add training, education or an award to a certificate."
    ),
)
@click.argument("certificate_no")
@_referring
@signed
@connected
def add(
    *,
    connection: Connection,
    signature: Signature,
    certificate_no: str,
    references: tuple[str, ...],
) -> None:
    """Add to a certificate."""
    from deltacare.v1.certification_service_pb2 import AddToCertificateRequest
    from deltacare.v1.entry_pb2 import CertificateAddition

    addition = CertificateAddition(
        certificate_no=certificate_no, references=_references(references)
    )
    with connection.open() as node:
        response = node.certification.AddToCertificate(
            AddToCertificateRequest(
                request_id=signature.once(), duty=signature.duty, addition=addition
            )
        )
    tell_appended(
        response.appended,
        tr(
            f"已为 {certificate_no} 补充 {len(references)} 项",
            f"Added {len(references)} to {certificate_no}",
        ),
        certificate=certificate_no,
    )


def _reasoned(function: Any) -> Any:  # noqa: ANN401  # click's own type
    """Add what suspending, reinstating and revoking share."""
    for decorate in (
        connected,
        signed,
        option(
            "--reason",
            required=True,
            metavar="CODE",
            help=both(
                "事由代码：大写字母、数字、下划线，如 UNDER_INVESTIGATION。",
                "Reason, a code such as UNDER_INVESTIGATION; never a name.",
            ),
        ),
        option(
            "--from",
            "effective_date",
            required=True,
            metavar="DATE",
            help=both("生效日。", "First day it takes effect."),
        ),
        click.argument("certificate_no"),
    ):
        function = decorate(function)
    return function


@command(_group, "suspend", help=both("暂停证书。", "Suspend a certificate."))
@option(
    "--until",
    "until_date",
    default="",
    metavar="DATE",
    help=both("暂停至该日；不填则直至恢复。", "Last day; until reinstated if not given."),
)
@_reasoned
def suspend(
    *,
    connection: Connection,
    signature: Signature,
    certificate_no: str,
    effective_date: str,
    until_date: str,
    reason: str,
) -> None:
    """Suspend a certificate."""
    from deltacare.v1.certification_service_pb2 import SuspendCertificateRequest
    from deltacare.v1.entry_pb2 import CertificateSuspension

    with connection.open() as node:
        response = node.certification.SuspendCertificate(
            SuspendCertificateRequest(
                request_id=signature.once(),
                duty=signature.duty,
                suspension=CertificateSuspension(
                    certificate_no=certificate_no,
                    effective_date=effective_date,
                    until_date=until_date,
                    reason=reason,
                ),
            )
        )
    tell_appended(
        response.appended,
        tr(f"已暂停 {certificate_no}", f"Suspended {certificate_no}"),
        certificate=certificate_no,
    )


@command(_group, "reinstate", help=both("恢复证书。", "End a suspension."))
@_reasoned
def reinstate(
    *,
    connection: Connection,
    signature: Signature,
    certificate_no: str,
    effective_date: str,
    reason: str,
) -> None:
    """End a suspension."""
    from deltacare.v1.certification_service_pb2 import ReinstateCertificateRequest
    from deltacare.v1.entry_pb2 import CertificateReinstatement

    with connection.open() as node:
        response = node.certification.ReinstateCertificate(
            ReinstateCertificateRequest(
                request_id=signature.once(),
                duty=signature.duty,
                reinstatement=CertificateReinstatement(
                    certificate_no=certificate_no, effective_date=effective_date, reason=reason
                ),
            )
        )
    tell_appended(
        response.appended,
        tr(f"已恢复 {certificate_no}", f"Reinstated {certificate_no}"),
        certificate=certificate_no,
    )


@command(_group, "revoke", help=both("撤销证书，不可恢复。", "Revoke a certificate for good."))
@_reasoned
def revoke(
    *,
    connection: Connection,
    signature: Signature,
    certificate_no: str,
    effective_date: str,
    reason: str,
) -> None:
    """Revoke a certificate."""
    from deltacare.v1.certification_service_pb2 import RevokeCertificateRequest
    from deltacare.v1.entry_pb2 import CertificateRevocation

    with connection.open() as node:
        response = node.certification.RevokeCertificate(
            RevokeCertificateRequest(
                request_id=signature.once(),
                duty=signature.duty,
                revocation=CertificateRevocation(
                    certificate_no=certificate_no, effective_date=effective_date, reason=reason
                ),
            )
        )
    tell_appended(
        response.appended,
        tr(f"已撤销 {certificate_no}", f"Revoked {certificate_no}"),
        certificate=certificate_no,
    )
