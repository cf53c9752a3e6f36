"""Which role may call which method: one table, and what it does not name is denied.

A right lets a call in; whether this caller may say this, or see that log, is for the rooms behind.
Of the business a province's own people and systems ask their own node; another province's node
comes as ``peer`` and gets what peers exchange. Administrators keep a node running and see none of
its business.
"""

import enum
from collections.abc import Mapping
from types import MappingProxyType

from google.protobuf.message import Message

from deltacare.errors import Reason, Refusal
from deltacare.ids import Principal

__all__ = ["RIGHTS", "Rights", "Role", "check_duty"]


class Role(enum.StrEnum):
    """What a caller is, as its certificate says."""

    SYSTEM = "system"
    """A province's civil-affairs system; names maker and reviewer of what it writes."""
    OPERATOR = "operator"
    """Staff of an institution: asks whether a certificate is good."""
    CLERK = "clerk"
    """Finance staff: reads records and discrepancies, runs the night."""
    REVIEWER = "reviewer"
    """Finance staff who approve what others made."""
    PAYER = "payer"
    """Pays what a binding statement says."""
    AUDITOR = "auditor"
    """Reads everything, writes nothing."""
    PEER = "peer"
    """Another province's node."""
    ADMINISTRATOR = "administrator"
    """Keeps the node running."""


_SYSTEM = frozenset({Role.SYSTEM})
_PEER = frozenset({Role.PEER})
_ALL = frozenset(Role)
_LOCAL = _ALL - _PEER
_BUSINESS = _LOCAL - {Role.ADMINISTRATOR}
_FINANCE = frozenset({Role.SYSTEM, Role.CLERK, Role.REVIEWER, Role.AUDITOR})
_PAYMENT = _FINANCE | {Role.PAYER}
_CHECKING = _BUSINESS - {Role.PAYER}
_REVIEWED = frozenset({Role.SYSTEM, Role.REVIEWER})
_NIGHT = frozenset({Role.SYSTEM, Role.CLERK, Role.REVIEWER})
_LOGS = frozenset({Role.SYSTEM, Role.AUDITOR, Role.PEER})
_EVIDENCE = _LOGS | {Role.ADMINISTRATOR}
_STREAMS = frozenset({Role.SYSTEM, Role.AUDITOR})

_TABLE: Mapping[str, Mapping[str, frozenset[Role]]] = {
    "grpc.health.v1.Health": {"Check": _ALL, "Watch": _ALL, "List": _ALL},
    "grpc.reflection.v1alpha.ServerReflection": {"ServerReflectionInfo": _ALL},
    "deltacare.v1.FederationService": {
        "ListMembers": _ALL,
        "WhoAmI": _ALL,
        "ListPartnerHealth": _FINANCE | {Role.ADMINISTRATOR},
        "Ping": _ALL,
    },
    "deltacare.v1.LogService": {
        "ListLogs": _EVIDENCE,
        "GetCheckpoint": _LOGS,
        "ReadEntries": _LOGS,
        "GetInclusionProof": _LOGS,
        "GetConsistencyProof": _LOGS,
        "GetReceipt": _LOGS,
        "WatchCheckpoints": _LOGS,
        "ExchangeCheckpoints": _PEER,
        "AddCosignature": _PEER,
        "ListEvidence": _EVIDENCE,
    },
    "deltacare.v1.RegistryService": {
        "BatchUpsertInstitutions": _SYSTEM,
        "GetInstitution": _BUSINESS,
        "BatchGetInstitutions": _BUSINESS,
        "ListInstitutions": _BUSINESS,
        "CountInstitutions": _BUSINESS,
        "WatchInstitutions": _STREAMS,
        "PublishListing": _SYSTEM,
        "WithdrawListing": _SYSTEM,
        "ListListings": _BUSINESS,
        "ProposeAgreement": _SYSTEM,
        "AnswerAgreement": _REVIEWED,
        "ListAgreements": _BUSINESS,
    },
    "deltacare.v1.CertificationService": {
        "IssueCertificates": _SYSTEM,
        "RenewCertificate": _SYSTEM,
        "SuspendCertificate": _REVIEWED,
        "ReinstateCertificate": _REVIEWED,
        "RevokeCertificate": _REVIEWED,
        "GetCertificate": _CHECKING,
        "ListCertificates": _CHECKING,
        "CheckCertification": _CHECKING,
        "PublishEquivalence": _SYSTEM,
        "EndEquivalence": _SYSTEM,
        "ListEquivalences": _CHECKING,
        "SuspendRecognition": _REVIEWED,
        "ResumeRecognition": _REVIEWED,
    },
    "deltacare.v1.SettlementService": {
        "PublishSubsidyPolicy": _SYSTEM,
        "ListSubsidyPolicies": _PAYMENT,
        "CreateEnrolments": _SYSTEM,
        "EndEnrolment": _SYSTEM,
        "ResolveEnrolment": frozenset({Role.SYSTEM, Role.OPERATOR, Role.CLERK, Role.PEER}),
        "FileRecords": _SYSTEM,
        "FileReversals": _REVIEWED,
        "RefuseRecords": _REVIEWED,
        "PlaceHolds": _REVIEWED,
        "EndHolds": _REVIEWED,
        "ListRecords": _FINANCE,
        "CloseDay": _NIGHT,
        "ListDayCloses": _PAYMENT,
    },
    "deltacare.v1.ClearingService": {
        "RunNight": _NIGHT,
        "ListPairNights": _PAYMENT,
        "ListLines": _FINANCE,
        "CountLines": _FINANCE,
        "CompareNights": _FINANCE,
        "ListNightLeaves": _PEER,
        "ListReversalProposals": _FINANCE,
        "ProposeStatement": _REVIEWED,
        "AnswerStatement": _REVIEWED,
        "GetStatement": _PAYMENT,
        "ListStatements": _PAYMENT,
    },
}

RIGHTS: Mapping[str, frozenset[Role]] = MappingProxyType(
    {
        f"/{service}/{method}": roles
        for service, methods in _TABLE.items()
        for method, roles in methods.items()
    }
)
"""By full method name the roles that may call it."""


class Rights:
    """Says at one province's node who may call what.

    Args:
        province: The province whose node this is.
    """

    def __init__(self, province: str) -> None:
        self._province = province

    def check(self, caller: Principal, method: str) -> None:
        """Let a caller pass to a method.

        Args:
            caller: From the certificate.
            method: Full name, ``/deltacare.v1.LogService/GetReceipt``.

        Raises:
            Refusal: ``ROLE_NOT_ALLOWED``, naming role and method; ``WRONG_PROVINCE``, if another
                province's people or systems come here, or a peer of the own one.
        """
        if caller.role not in RIGHTS.get(method, ()):
            raise Refusal(
                Reason.ROLE_NOT_ALLOWED,
                f"The role {caller.role} may not call {method}.",
                details={"role": caller.role, "method": method},
            )
        is_local = caller.province == self._province
        if is_local is (caller.role == Role.PEER):
            raise Refusal(
                Reason.WRONG_PROVINCE,
                f"This is the node of {self._province}: {caller.role} of {caller.province} has "
                "nothing to ask here.",
                details={
                    "role": caller.role,
                    "method": method,
                    "province": caller.province,
                    "node": self._province,
                },
            )

    def methods(self, caller: Principal) -> tuple[str, ...]:
        """Return the full names of the methods that a caller may call here, sorted."""
        if (caller.province == self._province) is (caller.role == Role.PEER):
            return ()
        return tuple(sorted(method for method, roles in RIGHTS.items() if caller.role in roles))


def check_duty(caller: Principal, request: Message) -> None:
    """Hold a person to what they sign for: who is no system answers only for their own review.

    A system is trusted by its province to name its own staff. Anybody else must be the reviewer
    that the request names.

    Args:
        caller: From the certificate.
        request: A message with a field ``duty``.

    Raises:
        Refusal: ``ROLE_NOT_ALLOWED``, if the request names another as its reviewer.
    """
    if caller.role == Role.SYSTEM:
        return
    reviewer = request.duty.reviewer  # type: ignore[attr-defined]  # the caller saw the field
    if reviewer != caller.opaque_id:
        raise Refusal(
            Reason.ROLE_NOT_ALLOWED,
            "The reviewer of a request is who sends it.",
            details={"role": caller.role, "field": "duty.reviewer"},
        )
