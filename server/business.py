"""The rooms of a node that do its business, put together: registers to clearing.

What they stand on (database, logs, trust, edge) is put together in ``server.app``, which starts and
stops them with the rest; nothing is decided here.
"""

from datetime import time

from deltacare.trust import Trust
from server.approval.service import ApprovalServicer
from server.books.service import BooksServicer
from server.certification.barring import barred_still, unreached
from server.certification.ports import StatedSchemes
from server.certification.salts import SaltStore
from server.certification.service import CertificationServicer
from server.certification.store import read_histories
from server.credential.keys import CredentialKeys
from server.credential.service import CredentialServicer
from server.dispute.lines import DisputedLines
from server.dispute.service import DisputeServicer
from server.federation.partners import Partners
from server.keyfiles import Keyring
from server.log.ports import Clock, Entropy, LogReader, Rehearser, Sequencer
from server.payment.advances import PaidAdvances
from server.payment.service import PaymentServicer
from server.personal.compare import Comparer
from server.personal.service import PersonalServicer
from server.personal.vault import Vault
from server.personal.wiping import Wiper
from server.policy.service import PolicyServicer
from server.registry.service import RegistryServicer
from server.review.methods import reviewed_methods
from server.review.sealing import Sealer
from server.review.sequencing import ReviewSequencer
from server.review.service import ReviewServicer
from server.settlement.clearing import ClearingServicer
from server.settlement.entitlements import Entitlements
from server.settlement.keeper import NightKeeper
from server.settlement.nights import PairNights
from server.settlement.overlap_keys import OverlapKeys
from server.settlement.service import SettlementServicer
from server.store.database import Database
from server.supervision.service import SupervisionServicer
from settlement.engine import EngineSettings

__all__ = ["Business"]


class Business:
    """The business of one node.

    Attributes:
        services: By full name, what the edge serves.

    Args:
        province: Whose node it is.
        trust: Members, and what they agreed on.
        database: Its rows.
        sequencer: Appends to own logs.
        rehearser: Does so and undoes it.
        reader: How far each log is held.
        clock: The node's.
        entropy: The node's.
        keys: Its secrets.
        partners: The way to the other nodes.
        salts: Of name digests.
        vault: Of personal values.
        schemes: What the federation stated of each member, by time.
        close_time: Published hour of the day close in Asia/Shanghai; ``None``: by hand.
        engine: On what nights run.
    """

    def __init__(
        self,
        *,
        province: str,
        trust: Trust,
        database: Database,
        sequencer: Sequencer,
        rehearser: Rehearser,
        reader: LogReader,
        clock: Clock,
        entropy: Entropy,
        keys: Keyring,
        partners: Partners,
        salts: SaltStore,
        vault: Vault,
        schemes: StatedSchemes,
        close_time: time | None,
        engine: EngineSettings,
    ) -> None:
        sequencer = ReviewSequencer(sequencer, rehearser)
        comparer = Comparer(
            own=province,
            database=database,
            vault=vault,
            book=salts,
            peers=partners,
            clock=clock,
        )
        self._wiper = Wiper(database=database, reader=reader)
        nights = PairNights(
            province=province,
            trust=trust,
            database=database,
            sequencer=sequencer,
            reader=reader,
            entropy=entropy,
            engine=engine,
        )
        settlement = SettlementServicer(
            province=province,
            trust=trust,
            database=database,
            sequencer=sequencer,
            reader=reader,
            entropy=entropy,
            code_key=keys.code_key,
            peer=partners,
            vault=vault,
            overlap_keys=OverlapKeys(keys.vault, entropy=entropy.token),
            disputed=DisputedLines(reader),
        )
        self._nights = NightKeeper(
            province=province,
            nights=nights,
            closer=settlement.closer,
            reader=reader,
            clock=clock,
            close_time=(close_time.hour, close_time.minute) if close_time else None,
        )
        certification = CertificationServicer(
            own=province,
            trust=trust,
            database=database,
            sequencer=sequencer,
            reader=reader,
            salts=salts,
            entropy=entropy,
            clock=clock,
            signers=keys,
            vault=vault,
            comparer=comparer,
            schemes=schemes,
        )
        self._credential = CredentialServicer(
            own=province,
            trust=trust,
            database=database,
            sequencer=sequencer,
            reader=reader,
            clock=clock,
            entropy=entropy,
            keys=CredentialKeys(keys.vault, entropy=entropy.token),
            signers=keys,
            checker=certification.checker,
            vault=vault,
            book=salts,
            peer=partners,
        )
        self.services: dict[str, object] = {
            "deltacare.v1.RegistryService": RegistryServicer(
                own=province,
                trust=trust,
                database=database,
                sequencer=sequencer,
                reader=reader,
            ),
            "deltacare.v1.SupervisionService": SupervisionServicer(
                own=province,
                trust=trust,
                database=database,
                sequencer=sequencer,
                reader=reader,
                certificate_known=lambda connection, number: bool(
                    read_histories(connection, (number,))
                ),
                unreached=lambda connection, numbers, first, last: unreached(
                    connection, province, vault, numbers, from_date=first, until_date=last
                ),
            ),
            "deltacare.v1.PersonalService": PersonalServicer(
                own=province,
                database=database,
                sequencer=sequencer,
                reader=reader,
                vault=vault,
                book=salts,
                comparer=comparer,
                barred_still=lambda connection, numbers, day: barred_still(
                    connection, province, numbers, day
                ),
                on_destroyed=self._wiper.wake,
            ),
            "deltacare.v1.CertificationService": certification,
            "deltacare.v1.CredentialService": self._credential,
            "deltacare.v1.ApprovalService": ApprovalServicer(
                own=province, database=database, sequencer=sequencer, reader=reader
            ),
            "deltacare.v1.PolicyService": PolicyServicer(
                province=province,
                trust=trust,
                database=database,
                sequencer=sequencer,
                grants=Entitlements(),
                spending=settlement.budgets,
            ),
            "deltacare.v1.SettlementService": settlement,
            "deltacare.v1.PaymentService": PaymentServicer(
                province=province,
                trust=trust,
                database=database,
                sequencer=sequencer,
                reader=reader,
            ),
            "deltacare.v1.BooksService": BooksServicer(
                province=province,
                trust=trust,
                database=database,
                sequencer=sequencer,
                reader=reader,
            ),
            "deltacare.v1.DisputeService": DisputeServicer(
                province=province,
                trust=trust,
                database=database,
                sequencer=sequencer,
                reader=reader,
            ),
            "deltacare.v1.ClearingService": ClearingServicer(
                province=province,
                trust=trust,
                database=database,
                sequencer=sequencer,
                reader=reader,
                nights=nights,
                peer=partners,
                advances=PaidAdvances(),
            ),
        }
        self.services["deltacare.v1.ReviewService"] = ReviewServicer(
            province=province,
            database=database,
            sealer=Sealer(province, keys.vault_key, entropy),
            methods=reviewed_methods(
                self.services,
                handlers={"/deltacare.v1.SettlementService/FileRecords": settlement.file_batch},
                completions={
                    "/deltacare.v1.SettlementService/CreateEnrolments": settlement.add_codes
                },
            ),
        )

    async def start(self) -> None:
        """Start what works by itself."""
        await self._nights.start()
        await self._wiper.start()
        await self._credential.keeper.start()

    async def stop(self) -> None:
        """Stop it, from the roof down."""
        await self._credential.keeper.stop()
        await self._wiper.stop()
        await self._nights.stop()
