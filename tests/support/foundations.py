"""What four whole nodes need before they settle: institutions, agreements, certificates, policies.

Synthetic throughout: names say that they belong to nobody.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from itertools import combinations

from clients.sdk.node import NodeClient
from clients.sdk.retry import request_id
from deltacare.errors import DeltacareError, Refusal, Unavailable
from deltacare.v1 import certification_service_pb2 as cpb
from deltacare.v1 import entry_pb2 as epb
from deltacare.v1 import registry_service_pb2 as rpb
from deltacare.v1.policy_service_pb2 import PublishSubsidyPolicyRequest
from deltacare.v1.types_pb2 import Duty
from tests.support.wholes import PROVINCES, Wholes, settled

__all__ = ["DUTY", "HOLDER", "KIND", "certificate_no", "lay_foundations"]

DUTY = Duty(maker="m-1", reviewer="r-1")
HOLDER = "Sample Caregiver Nobody"
KIND = "CARE_BED"
_SCHEME, _GRADE = "CAREGIVER_LEVEL", "三级"


def certificate_no(issuer: str) -> str:
    """Return the number of a province's one certificate."""
    return f"{issuer}-C1"


async def lay_foundations(nodes: Wholes, today: date) -> None:
    """Have every province state what its partners count on, and wait until all count on it."""
    start = (today - timedelta(days=90)).isoformat()
    clients = {province: nodes.client(province, "system") for province in PROVINCES}
    try:
        await asyncio.gather(*(_own(client, code, start) for code, client in clients.items()))
        for low, high in combinations(PROVINCES, 2):
            await _agree(clients, low, high, start)
        pairs = [(a, b) for a in PROVINCES for b in PROVINCES if a != b]
        await asyncio.gather(*(_recognise(clients[a], a, b, start) for a, b in pairs))
        await asyncio.gather(*(_valid(clients[a], b, f"{b} at {a}") for a, b in pairs))
    finally:
        for client in clients.values():
            await client.close()


async def _own(client: NodeClient, province: str, start: str) -> None:
    """State institution, listing, certificate and policy of a province."""
    institution = epb.Institution(
        institution_id=f"{province}-1",
        name="Synthetic Home 1",
        division_code=f"{province[:2]}0101",
        approved_beds=12,
        state=epb.INSTITUTION_STATE_OPERATING,
    )
    await client.registry.BatchUpsertInstitutions(
        rpb.BatchUpsertInstitutionsRequest(
            request_id=request_id(), duty=DUTY, institutions=[institution]
        )
    )
    listing = epb.Listing(
        listing_id=f"{province}-L1",
        institution_ids=[f"{province}-1"],
        from_date=start,
        totals=epb.ControlTotals(institution_count=1, city_count=1, approved_beds=12),
    )
    await client.registry.PublishListing(
        rpb.PublishListingRequest(request_id=request_id(), duty=DUTY, listing=listing)
    )
    certificate = epb.Certificate(
        certificate_no=certificate_no(province),
        subject=epb.CERTIFICATE_SUBJECT_CAREGIVER,
        scheme=_SCHEME,
        grade=_GRADE,
        valid_from_date=start,
        valid_until_date=(date.fromisoformat(start) + timedelta(days=730)).isoformat(),
    )
    new = cpb.NewCertificate(certificate=certificate, holder_name=HOLDER)
    await client.certification.IssueCertificates(
        cpb.IssueCertificatesRequest(request_id=request_id(), duty=DUTY, certificates=[new])
    )
    policy = epb.SubsidyPolicy(
        subsidy_kind=KIND,
        unit=epb.SUBSIDY_UNIT_DAY,
        rate_fen=1_000,
        cap_fen=31_000,
        from_date=start,
    )
    await client.policy.PublishSubsidyPolicy(
        PublishSubsidyPolicyRequest(
            request_id=request_id(), duty=Duty(maker="p-1", reviewer="p-2"), policy=policy
        )
    )


async def _agree(clients: dict[str, NodeClient], low: str, high: str, start: str) -> None:
    """Have two provinces conclude an agreement."""
    agreement = epb.Agreement(
        agreement_id=f"{low}-A{high[:2]}",
        parties=(low, high),
        scopes=[
            epb.AGREEMENT_SCOPE_INSTITUTION_STANDARD,
            epb.AGREEMENT_SCOPE_CAREGIVER_QUALIFICATION,
            epb.AGREEMENT_SCOPE_SUBSIDY,
        ],
        subsidy_kinds=[KIND],
        from_date=start,
    )
    proposed = await clients[low].registry.ProposeAgreement(
        rpb.ProposeAgreementRequest(request_id=request_id(), duty=DUTY, agreement=agreement)
    )
    answer = epb.AgreementAnswer(
        agreement_id=agreement.agreement_id,
        version_hash=proposed.version_hash,
        word=epb.AGREEMENT_WORD_ACCEPTED,
    )
    await _once_known(
        lambda: clients[high].registry.AnswerAgreement(
            rpb.AnswerAgreementRequest(request_id=request_id(), duty=DUTY, answer=answer)
        )
    )


async def _recognise(client: NodeClient, host: str, issuer: str, start: str) -> None:
    """Have a province recognise another's certificates."""
    low, high = sorted((host, issuer))
    equivalence = epb.Equivalence(
        equivalence_id=f"{host}-E{issuer[:2]}",
        issuer=issuer,
        scheme=_SCHEME,
        grades=[_GRADE],
        mapped_scheme=_SCHEME,
        mapped_grade=_GRADE,
        from_date=start,
        agreement_id=f"{low}-A{high[:2]}",
    )
    await _once_known(
        lambda: client.certification.PublishEquivalence(
            cpb.PublishEquivalenceRequest(
                request_id=request_id(), duty=DUTY, equivalence=equivalence
            )
        )
    )


async def _once_known(call: Callable[[], Awaitable[object]]) -> None:
    """Call until what the call refers to has come: what a rule refused stays so under its id."""
    refused: list[DeltacareError] = []

    async def look() -> bool | None:
        try:
            await call()
        except (Refusal, Unavailable) as error:
            refused.append(error)
            return None
        return True

    try:
        await settled(look, what="a partner's word")
    except AssertionError:
        raise refused[-1] from None


async def _valid(client: NodeClient, issuer: str, what: str) -> None:
    """Wait until a partner's certificate is valid."""

    async def look() -> bool | None:
        request = cpb.CheckCertificationRequest(
            certificate_no=certificate_no(issuer), holder_name=HOLDER
        )
        answer = await client.certification.CheckCertification(request)
        return answer.verdict == cpb.VERDICT_VALID or None

    await settled(look, what=f"the certificate of {what}")
