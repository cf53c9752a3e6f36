"""One node, as a program sees it: its services as attributes, over one connection.

``NodeClient`` for asynchronous programs, ``SyncNodeClient`` for the others. Calls raise
``deltacare.errors`` and nothing else.
"""

from typing import TYPE_CHECKING, Self, cast

from clients.sdk.channel import AsyncChannel, SyncChannel
from clients.sdk.credentials import Credentials, Profile
from clients.sdk.retry import RetryPolicy
from deltacare.v1.approval_service_pb2_grpc import ApprovalServiceStub
from deltacare.v1.books_service_pb2_grpc import BooksServiceStub
from deltacare.v1.certification_service_pb2_grpc import CertificationServiceStub
from deltacare.v1.clearing_service_pb2_grpc import ClearingServiceStub
from deltacare.v1.credential_service_pb2_grpc import CredentialServiceStub
from deltacare.v1.dispute_service_pb2_grpc import DisputeServiceStub
from deltacare.v1.federation_service_pb2_grpc import FederationServiceStub
from deltacare.v1.log_service_pb2_grpc import LogServiceStub
from deltacare.v1.payment_service_pb2_grpc import PaymentServiceStub
from deltacare.v1.personal_service_pb2_grpc import PersonalServiceStub
from deltacare.v1.policy_service_pb2_grpc import PolicyServiceStub
from deltacare.v1.registry_service_pb2_grpc import RegistryServiceStub
from deltacare.v1.review_service_pb2_grpc import ReviewServiceStub
from deltacare.v1.settlement_service_pb2_grpc import SettlementServiceStub
from deltacare.v1.supervision_service_pb2_grpc import SupervisionServiceStub

if TYPE_CHECKING:
    import grpc

__all__ = ["TIMEOUT_S_DEFAULT", "NodeClient", "SyncNodeClient"]

TIMEOUT_S_DEFAULT = 30.0


class NodeClient:
    """An asynchronous client of one node; close it, or use it with ``async with``.

    Attributes:
        federation: Members, who am I, partners' health.
        log: Checkpoints, entries, proofs, receipts.
        registry: Institutions, listings, agreements.
        certification: Certificates and checks.
        supervision: Inspections and measures.
        personal: The vault of personal values.
        credential: Certificates on phones.
        approval: People's keys for approvals.
        policy: Subsidy policies and budgets.
        settlement: Enrolments, records, day closes.
        clearing: Nights and statements.
        dispute: Disputes on lines of a pair.
        review: What waits for a reviewer.
        payment: Advances, orders to the bank, and what banks show.
        books: The own province's journal and months.

    Args:
        endpoint: ``host:port``.
        credentials: Who calls, and whose node must answer.
        timeout_s: Time for a unary call, all attempts together, unless the call gives its own.
        retry: When to try a unary call again.
    """

    def __init__(
        self,
        *,
        endpoint: str,
        credentials: Credentials,
        timeout_s: float = TIMEOUT_S_DEFAULT,
        retry: RetryPolicy | None = None,
    ) -> None:
        self._channel = AsyncChannel(
            endpoint=endpoint,
            credentials=credentials,
            timeout_s=timeout_s,
            retry=retry or RetryPolicy(),
        )
        # The stubs use of a channel what ours has.
        channel = cast("grpc.aio.Channel", self._channel)
        self.federation = FederationServiceStub(channel)
        self.log = LogServiceStub(channel)
        self.registry = RegistryServiceStub(channel)
        self.certification = CertificationServiceStub(channel)
        self.supervision = SupervisionServiceStub(channel)
        self.personal = PersonalServiceStub(channel)
        self.credential = CredentialServiceStub(channel)
        self.approval = ApprovalServiceStub(channel)
        self.policy = PolicyServiceStub(channel)
        self.settlement = SettlementServiceStub(channel)
        self.clearing = ClearingServiceStub(channel)
        self.dispute = DisputeServiceStub(channel)
        self.review = ReviewServiceStub(channel)
        self.payment = PaymentServiceStub(channel)
        self.books = BooksServiceStub(channel)

    @classmethod
    def of(cls, profile: Profile, *, timeout_s: float = TIMEOUT_S_DEFAULT) -> Self:
        """Return the client of a profile."""
        return cls(endpoint=profile.endpoint, credentials=profile.credentials, timeout_s=timeout_s)

    async def close(self, grace_s: float | None = None) -> None:
        """End every call and the connection.

        Args:
            grace_s: Seconds that running calls get to finish; none by default.
        """
        await self._channel.close(grace_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class SyncNodeClient:
    """A blocking client of one node; attributes and arguments as for `NodeClient`."""

    def __init__(
        self,
        *,
        endpoint: str,
        credentials: Credentials,
        timeout_s: float = TIMEOUT_S_DEFAULT,
        retry: RetryPolicy | None = None,
    ) -> None:
        self._channel = SyncChannel(
            endpoint=endpoint,
            credentials=credentials,
            timeout_s=timeout_s,
            retry=retry or RetryPolicy(),
        )
        # The stubs use of a channel what ours has.
        channel = cast("grpc.Channel", self._channel)
        self.federation = FederationServiceStub(channel)
        self.log = LogServiceStub(channel)
        self.registry = RegistryServiceStub(channel)
        self.certification = CertificationServiceStub(channel)
        self.supervision = SupervisionServiceStub(channel)
        self.personal = PersonalServiceStub(channel)
        self.credential = CredentialServiceStub(channel)
        self.approval = ApprovalServiceStub(channel)
        self.policy = PolicyServiceStub(channel)
        self.settlement = SettlementServiceStub(channel)
        self.clearing = ClearingServiceStub(channel)
        self.dispute = DisputeServiceStub(channel)
        self.review = ReviewServiceStub(channel)
        self.payment = PaymentServiceStub(channel)
        self.books = BooksServiceStub(channel)

    @classmethod
    def of(cls, profile: Profile, *, timeout_s: float = TIMEOUT_S_DEFAULT) -> Self:
        """Return the client of a profile."""
        return cls(endpoint=profile.endpoint, credentials=profile.credentials, timeout_s=timeout_s)

    def close(self) -> None:
        """End every call and the connection."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
