"""CertificationService: certificates of the own province, and whether any certificate counts here.

Thin: the methods are those of the desks, each about one subject; here they are put together.
"""

from deltacare.trust import Trust
from server.certification.checker import Checker
from server.certification.checking_desk import CheckingDesk
from server.certification.evidence import VerdictFiles, VerdictSigners
from server.certification.issuing_desk import IssuingDesk
from server.certification.ports import HolderVault, IdentityComparer, StatedSchemes
from server.certification.recognition_desk import RecognitionDesk
from server.certification.room import Room
from server.certification.salts import SaltStore
from server.certification.scheme_desk import SchemeDesk
from server.certification.watch_desk import WatchDesk
from server.log.ports import Clock, Entropy, LogReader, Sequencer
from server.store.database import Database

__all__ = ["CertificationServicer"]


class CertificationServicer(IssuingDesk, SchemeDesk, RecognitionDesk, CheckingDesk, WatchDesk):
    """The service at one province's node.

    Args:
        own: the province.
        trust: members, and the age beyond which a log is stale.
        database: rows.
        sequencer: appends to own logs.
        reader: how far each log is held.
        salts: keeps the salts of name digests.
        entropy: draws them.
        clock: the present moment.
        signers: gives the key that signs verdict files.
        vault: keeps who holds a certificate; ``None`` if this node keeps no values of persons.
        comparer: compares identity numbers; ``None`` if no number can be compared.
        schemes: what the federation stated before; ``None`` asks ``trust`` alone.
    """

    def __init__(
        self,
        *,
        own: str,
        trust: Trust,
        database: Database,
        sequencer: Sequencer,
        reader: LogReader,
        salts: SaltStore,
        entropy: Entropy,
        clock: Clock,
        signers: VerdictSigners,
        vault: HolderVault | None = None,
        comparer: IdentityComparer | None = None,
        schemes: StatedSchemes | None = None,
    ) -> None:
        super().__init__(
            Room(
                own=own,
                trust=trust,
                database=database,
                sequencer=sequencer,
                reader=reader,
                salts=salts,
                entropy=entropy,
                clock=clock,
                checker=Checker(
                    own=own,
                    trust=trust,
                    database=database,
                    reader=reader,
                    salts=salts,
                    comparer=comparer,
                    schemes=schemes,
                ),
                files=VerdictFiles(
                    own=own, trust=trust, database=database, reader=reader, signers=signers
                ),
                vault=vault,
            )
        )

    @property
    def checker(self) -> Checker:
        """What answers checks, for the room above that asks on behalf of offline bundles."""
        return self._room.checker
