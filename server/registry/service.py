"""RegistryService: institutions, claims, listings and agreements; writes its own province's.

Thin: the methods are those of the desks, each about one subject; here they are put together.
"""

from deltacare.trust import Trust
from server.log.ports import LogReader, Sequencer
from server.registry.agreement_desk import AgreementDesk
from server.registry.claim_desk import ClaimDesk
from server.registry.disagreement_views import DisagreementBook
from server.registry.institution_desk import InstitutionDesk
from server.registry.listing_desk import ListingDesk
from server.registry.room import Room
from server.store.database import Database

__all__ = ["RegistryServicer"]


class RegistryServicer(InstitutionDesk, ClaimDesk, ListingDesk, AgreementDesk):
    """The service at one province's node.

    Args:
        own: the province.
        trust: members.
        database: rows.
        sequencer: appends to own logs.
        reader: how far each log is held, and when one grows.
    """

    def __init__(
        self,
        *,
        own: str,
        trust: Trust,
        database: Database,
        sequencer: Sequencer,
        reader: LogReader,
    ) -> None:
        super().__init__(
            Room(
                own=own,
                trust=trust,
                database=database,
                sequencer=sequencer,
                reader=reader,
                disagreements=DisagreementBook(),
            )
        )
