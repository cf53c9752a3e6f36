"""A federation whose nodes have every room up to this one, and the facts that a settlement needs.

```python
async with World.open(tmp_path) as world:
    await world.facts()
    await world.file("310000", "320000", [world.record("S1")])
    await world.night(1)
```

Jiangsu (320000) is home and Shanghai (310000) the host wherever nothing else is said. Everything is
generated; nobody here exists.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any, Self
from uuid import UUID

from sqlalchemy import Connection

from deltacare.approvals import ApprovalSubject, ApprovalWord
from deltacare.ids import LogName, Principal
from deltacare.purposes import Purpose
from deltacare.trust import Trust
from deltacare.v1 import clearing_service_pb2 as cpb
from deltacare.v1 import entry_pb2 as epb
from deltacare.v1 import settlement_service_pb2 as spb
from deltacare.v1.types_pb2 import Duty
from server.approval.projector import ApprovalProjector
from server.approval.service import ApprovalServicer
from server.certification.projector import CertificationProjector
from server.edge.call import Call, Disclosures
from server.log.ports import Projector
from server.personal.vault import Vault
from server.policy.projector import PolicyProjector
from server.policy.service import PolicyServicer
from server.registry.projector import RegistryProjector
from server.review.sequencing import ReviewSequencer
from server.settlement.clearing import ClearingServicer
from server.settlement.drawdowns import ReceivedAdvance
from server.settlement.entitlements import Entitlements
from server.settlement.nights import PairNights
from server.settlement.overlap_keys import OverlapKeys
from server.settlement.projector import SettlementProjector
from server.settlement.service import SettlementServicer
from server.supervision.projector import SupervisionProjector
from tests.support.federation import PROVINCES, make_trust, seed
from tests.support.nodes import FourNodes, Node
from tests.support.ports import SeededEntropy
from tests.support.signing import APPROVERS, approvals, key_entries, person

__all__ = [
    "APPROVERS",
    "CERTIFICATE",
    "DUTY",
    "HOME",
    "HOST",
    "INSTITUTION",
    "KIND",
    "MONTH",
    "OPENING",
    "Province",
    "World",
    "answer_body",
    "day",
    "entries",
    "make_record",
    "ref",
]

HOME, HOST = "320000", "310000"
OPENING = date(2026, 11, 1)
KIND, MONTH = "CARE_BED", "2026-10"
INSTITUTION = f"{HOST}-1"
CERTIFICATE = f"{HOST}-C1"
_CLASSES = [value for value in cpb.LineClass.values() if value]
DUTY = Duty(maker="mk-1", reviewer="rv-1")


def ref(number: int) -> str:
    """Return the pseudonym of a generated elder."""
    return f"{number:032x}"


def day(number: int) -> str:
    """Return a business date, 1 for the opening date."""
    return (OPENING + timedelta(days=number - 1)).isoformat()


def make_record(number: str, elder: int = 0, **changes: Any) -> epb.SettlementRecord:
    """Return an ordinary record of a generated elder, with changes."""
    record = epb.SettlementRecord(
        settlement_no=number,
        home=HOME,
        host=HOST,
        beneficiary_ref=ref(elder),
        institution=INSTITUTION,
        subsidy_kind=KIND,
        service_month=MONTH,
        service_days=30,
        amount_fen=300_000,
    )
    for name, value in changes.items():
        setattr(record, name, value)
    return record


class Advances:
    """A `server.settlement.drawdowns.AdvanceBook` of what a test says was received."""

    def __init__(self) -> None:
        self.known: list[ReceivedAdvance] = []

    def received(
        self, connection: Connection, permits: Callable[[str], int]
    ) -> Sequence[ReceivedAdvance]:
        """Return what was said."""
        del connection, permits
        return self.known


def answer_body(
    province: str, leaf_hash: bytes, *, refused: bool = False, duty: Duty = APPROVERS
) -> epb.StatementAnswer:
    """Return an answer to a statement with the signatures of the two who answer for it."""
    word = ApprovalWord.REFUSED if refused else ApprovalWord.APPROVED
    return epb.StatementAnswer(
        statement_hash=leaf_hash,
        word=epb.STATEMENT_WORD_REFUSED if refused else epb.STATEMENT_WORD_APPROVED,
        reason="MISTAKE" if refused else "",
        approvals=approvals(
            duty, ApprovalSubject.STATEMENT, leaf_hash, province=province, word=word
        ),
    )


@dataclass(slots=True, kw_only=True)
class Province:
    """The rooms of one running node that a test calls."""

    node: Node
    approval: ApprovalServicer
    policy: PolicyServicer
    settlement: SettlementServicer
    clearing: ClearingServicer
    nights: PairNights


class World:
    """Nodes, services, and a counter of request ids."""

    def __init__(self, nodes: FourNodes) -> None:
        self.nodes = nodes
        self.provinces: dict[str, Province] = {}
        self.asked: list[Call] = []
        self.overlap_keys: dict[str, OverlapKeys] = {}
        self.vaults: dict[str, Vault] = {}
        self.disputed: dict[str, datetime] = {}
        self.advances = Advances()
        self._approvers: set[tuple[str, str]] = set()
        self._requests = 0
        for province in nodes.nodes:
            self.attach(province)

    def __getitem__(self, province: str) -> Province:
        return self.provinces[province]

    @staticmethod
    def projectors(trust: Trust) -> list[Projector]:
        """Return the projectors of a node; rooms above add theirs."""
        return [
            RegistryProjector(),
            SupervisionProjector(),
            CertificationProjector(),
            ApprovalProjector(),
            PolicyProjector(),
            SettlementProjector(trust=trust),
        ]

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        directory: Path,
        *,
        provinces: Sequence[str] = PROVINCES[:3],
        urls: Mapping[str, str] | None = None,
        **options: Any,
    ) -> AsyncIterator[Self]:
        """Bring the nodes up, and down again."""

        def projectors(_province: str) -> list[Projector]:
            return cls.projectors(make_trust(provinces))

        async with FourNodes.open(
            directory, provinces=provinces, projectors=projectors, urls=urls, **options
        ) as nodes:
            await nodes.confirmed()
            yield cls(nodes)

    def attach(self, province: str) -> None:
        """Make the services of a node that has started."""
        node = self.nodes[province]
        common = self.common(province)
        entropy = SeededEntropy(f"{province}/settlement")
        self.vaults[province] = Vault(province, seed(f"{province}/vault"), entropy)
        nights = PairNights(**common, entropy=entropy)
        settlement = SettlementServicer(
            **common,
            entropy=entropy,
            code_key=seed(f"{province}/codes"),
            peer=self,
            vault=self.vaults[province],
            overlap_keys=self.overlap_keys.setdefault(
                province, OverlapKeys(None, entropy=entropy.token)
            ),
            disputed=lambda *_: self.disputed,
        )
        self.provinces[province] = Province(
            node=node,
            policy=PolicyServicer(
                province=province,
                trust=self.nodes.trust,
                database=node.database,
                sequencer=common["sequencer"],
                grants=Entitlements(),
                spending=settlement.budgets,
            ),
            settlement=settlement,
            approval=ApprovalServicer(
                own=province,
                database=node.database,
                sequencer=common["sequencer"],
                reader=node.logs.reader,
            ),
            clearing=ClearingServicer(
                **common,
                nights=nights,
                peer=_Peer(self, province),
                advances=self.advances,
            ),
            nights=nights,
        )

    def common(self, province: str) -> dict[str, Any]:
        """Return what every service of a node is made with."""
        node = self.nodes[province]
        return {
            "province": province,
            "trust": self.nodes.trust,
            "database": node.database,
            # As in a node: a room does not know whether it files a draft.
            "sequencer": ReviewSequencer(node.logs.sequencer, node.logs.rehearser),
            "reader": node.logs.reader,
        }

    # --- Calls ------------------------------------------------------------------------------------

    def request_id(self) -> str:
        """Return a new request id."""
        self._requests += 1
        return str(UUID(int=(5 << 100) + self._requests))

    def call(
        self,
        province: str,
        method: str = "Test",
        *,
        role: str = "system",
        purpose: Purpose | None = None,
    ) -> Call:
        """Return a caller of a node's own system, or of another role."""
        return Call(
            caller=Principal(province=province, role=role, opaque_id="sys-1"),
            method=f"/deltacare.v1.SettlementService/{method}",
            now=self.nodes.clock.now(),
            purpose=purpose,
            disclosures=None if purpose is None else Disclosures(),
        )

    async def resolve_enrolment(
        self, home: str, request: spb.ResolveEnrolmentRequest, purpose: Purpose
    ) -> spb.ResolveEnrolmentResponse:
        """Ask a home's node as a peer; `server.settlement.enrolments.EnrolmentPeer`."""
        asker = next(each for each in self.provinces if each != home)
        call = self.call(asker, "ResolveEnrolment", role="peer", purpose=purpose)
        self.asked.append(call)
        return await self[home].settlement.resolve_enrolment(request, call)

    # --- Facts ------------------------------------------------------------------------------------

    async def facts(self, elders: int = 50) -> None:
        """State what an ordinary settlement needs, and wait until every node knows it."""
        agreement_hash = await self._agreement()
        answer = epb.AgreementAnswer(
            agreement_id=f"{HOST}-A1",
            version_hash=agreement_hash,
            word=epb.AGREEMENT_WORD_ACCEPTED,
        )
        policies = [
            epb.SubsidyPolicy(
                subsidy_kind=kind,
                unit=epb.SUBSIDY_UNIT_DAY,
                rate_fen=10_000,
                cap_fen=310_000,
                exclusivity_group="CARE",
                needs_caregiver=kind == "CARE_VISIT",
                from_date="2026-01-01",
            )
            for kind in (KIND, "CARE_VISIT")
        ]
        await self.registry(HOME, *entries("agreement_answer", answer))
        await self.registry(HOME, *entries("subsidy_policy", *policies))
        await self.registry(
            HOST,
            *entries(
                "certificate",
                epb.Certificate(
                    certificate_no=CERTIFICATE,
                    subject=epb.CERTIFICATE_SUBJECT_CAREGIVER,
                    scheme="CAREGIVER_LEVEL",
                    grade="三级",
                    holder_name_digest=bytes(32),
                    valid_from_date="2025-01-01",
                    valid_until_date="2027-12-31",
                ),
            ),
        )
        await self.enrol(range(elders))
        await self.settled()

    async def _agreement(self) -> bytes:
        """State an institution, its listing and an agreement; return the agreement's leaf hash."""
        await self.registry(
            HOST,
            *entries(
                "institution",
                *(
                    epb.Institution(
                        institution_id=f"{HOST}-{number}",
                        name=f"示例养老院{number}",
                        division_code="310101",
                        approved_beds=100,
                        state=epb.INSTITUTION_STATE_OPERATING,
                    )
                    for number in (1, 2)
                ),
            ),
        )
        await self.registry(
            HOST,
            *entries(
                "listing",
                epb.Listing(
                    listing_id=f"{HOST}-L1",
                    institution_ids=[INSTITUTION],
                    from_date="2026-01-01",
                    totals=epb.ControlTotals(institution_count=1, city_count=1, approved_beds=100),
                ),
            ),
        )
        agreement = epb.Agreement(
            agreement_id=f"{HOST}-A1",
            parties=[HOST, HOME],
            scopes=[epb.AGREEMENT_SCOPE_SUBSIDY],
            subsidy_kinds=[KIND, "CARE_VISIT"],
            from_date="2026-01-01",
        )
        index = await self.registry(HOST, *entries("agreement", agreement))
        log = LogName.registry(HOST)
        node = self[HOST].node
        data = await node.database.read(
            lambda c: node.logs.reader.entries(c, log, index, index + 1)
        )
        from deltacare.tlog.tree import leaf_hash

        return leaf_hash(data[0])

    async def approvers(self, province: str, *names: str) -> None:
        """State the keys of people who sign, those that are stated already left out."""
        missing = [each for each in names if (province, each) not in self._approvers]
        if missing:
            self._approvers.update((province, each) for each in missing)
            await self.registry(province, *key_entries(*map(person, missing)))

    async def registry(self, province: str, *entries: epb.Entry) -> int:
        """Append to a registry log as if its rooms had."""
        return await self[province].node.append(LogName.registry(province), entries)

    async def enrol(self, elders: Iterable[int], *, division: str = "320106") -> None:
        """Enrol elders at home, so that their pseudonyms are `ref(number)`."""
        enrolments = [
            epb.Enrolment(
                enrolment_id=f"E{number}",
                beneficiary_ref=ref(number),
                home_division=division,
                subsidy_kinds=[KIND, "CARE_VISIT"],
                from_date="2026-01-01",
            )
            for number in elders
        ]
        for start in range(0, len(enrolments), 1_000):
            await self[HOME].node.append(
                LogName.settlement(HOME, HOST),
                entries("enrolment", *enrolments[start : start + 1_000]),
            )

    # --- Filing -----------------------------------------------------------------------------------

    @staticmethod
    def record(settlement_no: str, elder: int = 0, **changes: Any) -> epb.SettlementRecord:
        """Return an ordinary record; see `make_record`."""
        return make_record(settlement_no, elder, **changes)

    async def file(
        self,
        province: str,
        records: Sequence[epb.SettlementRecord],
        *,
        partner: str = "",
        request_id: str = "",
    ) -> spb.FileRecordsResponse:
        """File one batch and return its answer."""
        request = spb.FileRecordsRequest(
            request_id=request_id or self.request_id(),
            duty=DUTY,
            partner=partner or (HOST if province == HOME else HOME),
            records=records,
        )
        (answer,) = await self.stream(province, [request])
        return answer

    async def stream(
        self, province: str, requests: Sequence[spb.FileRecordsRequest]
    ) -> list[spb.FileRecordsResponse]:
        """Stream batches and return the answers."""

        async def source() -> AsyncIterator[spb.FileRecordsRequest]:
            for request in requests:
                yield request

        service = self[province].settlement
        call = self.call(province, "FileRecords")
        return [answer async for answer in service.file_records(source(), call)]

    async def both(self, *records: epb.SettlementRecord) -> None:
        """File the same records from both sides."""
        for province in (HOME, HOST):
            answer = await self.file(province, records)
            assert not answer.refusal_reason, answer

    async def reverse(self, province: str, *numbers: str) -> None:
        """File reversals of one side."""
        await self[province].settlement.file_reversals(
            spb.FileReversalsRequest(
                request_id=self.request_id(),
                duty=DUTY,
                partner=HOST if province == HOME else HOME,
                reversals=[
                    epb.Reversal(settlement_no=each, home=HOME, host=HOST, reason="ERROR")
                    for each in numbers
                ],
            ),
            self.call(province, "FileReversals"),
        )

    async def hold(self, number: str, hold_class: epb.HoldClass.ValueType) -> int:
        """Hold a settlement back as home, and return the index of the hold."""
        answer = await self[HOME].settlement.place_holds(
            spb.PlaceHoldsRequest(
                request_id=self.request_id(),
                duty=DUTY,
                partner=HOST,
                holds=[
                    epb.Hold(
                        settlement_no=number,
                        home=HOME,
                        host=HOST,
                        hold_class=hold_class,
                        reason="CHECK",
                    )
                ],
            ),
            self.call(HOME, "PlaceHolds"),
        )
        return answer.appended.first_index

    async def end_hold(self, index: int) -> None:
        """End a hold."""
        await self[HOME].settlement.end_holds(
            spb.EndHoldsRequest(
                request_id=self.request_id(),
                duty=DUTY,
                partner=HOST,
                ends=[epb.HoldEnd(hold_index=index, reason="CHECKED")],
            ),
            self.call(HOME, "EndHolds"),
        )

    # --- Statements -------------------------------------------------------------------------------

    async def answer(
        self,
        province: str,
        leaf_hash: bytes,
        *,
        refused: bool = False,
        duty: Duty = APPROVERS,
    ) -> None:
        """Answer a statement with both signatures, and wait until every node knows it."""
        await self.approvers(province, duty.maker, duty.reviewer)
        await self[province].clearing.answer_statement(
            cpb.AnswerStatementRequest(
                request_id=self.request_id(),
                duty=duty,
                answer=answer_body(province, leaf_hash, refused=refused, duty=duty),
            ),
            self.call(province, "AnswerStatement"),
        )
        await self.settled()

    # --- Nights -----------------------------------------------------------------------------------

    async def settled(self) -> None:
        """Wait until every node holds every registry log under its quorum."""
        for province in self.provinces:
            log = LogName.registry(province)
            size = self[province].node.logs.reader.position(log).size
            for other in self.provinces.values():
                await other.node.has_quorum(log, size)

    async def close(self, number: int, *provinces: str) -> None:
        """Close a date in some provinces, and wait until the pair knows it."""
        await self.settled()
        for province in provinces or (HOME, HOST):
            await self[province].settlement.close_day(
                spb.CloseDayRequest(request_id=self.request_id(), business_date=day(number)),
                self.call(province, "CloseDay"),
            )
        for author, other in ((HOME, HOST), (HOST, HOME)):
            log = LogName.settlement(author, other)
            size = self[author].node.logs.reader.position(log).size
            for province in (author, other):
                await self[province].node.has_quorum(log, size)

    async def run(self, *provinces: str, **options: bool) -> None:
        """Run what is due of the pair on both nodes until neither has anything left."""
        for _ in range(3):
            for province in provinces or (HOME, HOST):
                await self[province].nights.run_due(HOST if province == HOME else HOME, **options)
            await self.settled()

    async def night(self, number: int) -> cpb.PairNight:
        """Close a date on both sides, run the night, and return it as home sees it."""
        await self.close(number)
        await self.run()
        return await self.pair_night(HOME, number)

    async def all_nights(self, number: int) -> None:
        """Close a date everywhere and run the nights of every pair."""
        await self.settled()
        for province in self.provinces:
            await self[province].settlement.close_day(
                spb.CloseDayRequest(request_id=self.request_id(), business_date=day(number)),
                self.call(province, "CloseDay"),
            )
        for author, other in permutations(self.provinces, 2):
            log = LogName.settlement(author, other)
            size = self[author].node.logs.reader.position(log).size
            for province in (author, other):
                await self[province].node.has_quorum(log, size)
        for _ in range(2):
            for province, other in permutations(self.provinces, 2):
                await self[province].nights.run_due(other)
            await self.settled()

    async def pair_night(self, province: str, number: int) -> cpb.PairNight:
        """Return the pair's night of a date as one node sees it."""
        answer = await self[province].clearing.list_pair_nights(
            cpb.ListPairNightsRequest(from_date=day(number), until_date=day(number)),
            self.call(province),
        )
        pair = (HOST, HOME)
        return next(each for each in answer.nights if (each.lower, each.higher) == pair)

    async def classes(self, number: int, province: str = HOME) -> dict[str, list[str]]:
        """Return the numbers of a night's lines by class."""
        found: dict[str, list[str]] = {}
        token = ""
        while True:
            answer = await self[province].clearing.list_lines(
                cpb.ListLinesRequest(
                    partner=HOST if province == HOME else HOME,
                    business_date=day(number),
                    classes=_CLASSES,
                    page_token=token,
                ),
                self.call(province),
            )
            for line in answer.lines:
                name = cpb.LineClass.Name(line.line_class).removeprefix("LINE_CLASS_")
                found.setdefault(name, []).append(line.settlement_no)
            token = answer.next_page_token
            if not token:
                return found

    async def voids(self, province: str, log: LogName) -> list[tuple[int, str]]:
        """Return which entries of a log a node holds void, and by which rules."""
        from sqlalchemy import text

        query = text(
            "SELECT entry_index, rule FROM void_entries JOIN logs USING (log_id)"
            " WHERE name = :name ORDER BY entry_index"
        )
        rows = await self[province].node.database.read(
            lambda c: c.execute(query, {"name": str(log)}).all()
        )
        return [(row.entry_index, row.rule) for row in rows]


class _Peer:
    """The way from one node to its partners' leaves; `server.settlement.clearing.NightPeer`."""

    def __init__(self, world: World, province: str) -> None:
        self._world = world
        self._province = province

    async def list_night_leaves(
        self, partner: str, request: cpb.ListNightLeavesRequest
    ) -> cpb.ListNightLeavesResponse:
        """Ask a partner's node as a peer."""
        await asyncio.sleep(0)
        return await self._world[partner].clearing.list_night_leaves(
            request, self._world.call(self._province, role="peer")
        )


def entries(field: str, *bodies: Any) -> list[epb.Entry]:
    """Return entries with bodies of one kind."""
    return [epb.Entry(maker="reg-1", reviewer="reg-2", **{field: body}) for body in bodies]
