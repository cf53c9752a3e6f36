"""All four kinds of keys replaced in four whole nodes while every pair settles.

Root key, log and witness keys, certificate and CA: each as an office or an operator replaces it,
under a load that runs over all 12 directed pairs. No call is lost, and nothing is unverifiable.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest
import structlog

from clients.federation.cards import MemberCard
from clients.federation.ceremony import Changes, KeyInstant
from clients.federation.office import Office, init_office
from clients.logs.verify import verify_log
from clients.sdk.node import NodeClient
from clients.sdk.retry import RetryPolicy, request_id
from clients.verify.files import verify_file
from clients.verify.receipt import verify_receipt
from clients.verify.steps import Steps
from clients.verify.trusting import Trusting
from deltacare.errors import DeltacareError, PeerFault
from deltacare.evidence import Evidence, EvidenceKind, EvidenceReceipt
from deltacare.ids import LogName, all_logs
from deltacare.times import business_date
from deltacare.tlog.note import SignedNote
from deltacare.tlog.receipt import verify_receipt_by_policy
from deltacare.trust import log_policy, witness_key_name
from deltacare.v1.certification_service_pb2 import VERDICT_VALID, CheckCertificationRequest
from deltacare.v1.clearing_service_pb2 import (
    PAIR_NIGHT_STATE_AGREED,
    ListPairNightsRequest,
    PairNight,
)
from deltacare.v1.entry_pb2 import SettlementRecord
from deltacare.v1.log_service_pb2 import (
    CHECKPOINT_SELECTOR_QUORUM,
    GetCheckpointRequest,
    GetReceiptRequest,
    ListTouchedRequest,
    ReadEntriesRequest,
)
from deltacare.v1.settlement_service_pb2 import (
    CloseDayRequest,
    FileRecordsRequest,
    FileRecordsResponse,
    ListRecordsRequest,
)
from server.renewal import add_ca, drop_old_cas, new_keys, renew_certificate
from server.setup import add_client
from tests.support.federated import CHEAP, PASSPHRASE
from tests.support.foundations import (
    DUTY,
    HOLDER,
    KIND,
    certificate_no,
    lay_foundations,
)
from tests.support.wholes import PROVINCES, Wholes, settled

_log = structlog.get_logger("tests.rotation")

PAIRS = tuple(permutations(PROVINCES, 2))
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
RECORDS = 1  # of one batch
CONNECTION_CALLS = 4  # rounds after which a client connects anew
PAUSE_S = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting(RetryPolicy):
    """The policy of every client, which tells how often it was asked for another attempt."""

    retried: Counter[str] = field(default_factory=Counter)

    def delay_s(
        self, error: DeltacareError, *, attempt: int, left_s: float | None, jitter: float
    ) -> float | None:
        """See `RetryPolicy`."""
        found = RetryPolicy().delay_s(error, attempt=attempt, left_s=left_s, jitter=jitter)
        if found is not None:
            self.retried[error.reason.wire] += 1
        return found


class Load:
    """Calls over every directed pair until it is told to end.

    For each pair the host files a batch, home files the same records, checks the host's caregiver
    and reads what has come from the host. What is answered otherwise than it should ends the load.

    Args:
        nodes: The nodes.
        month: Of the records.
    """

    def __init__(self, nodes: Wholes, month: str) -> None:
        self.names = dict.fromkeys(PROVINCES, "system")
        self.rounds = dict.fromkeys(PAIRS, 0)
        self.calls: Counter[str] = Counter()
        self.filed = dict.fromkeys((LogName.settlement(*pair) for pair in PAIRS), 0)
        self.policy = Counting()
        self._nodes = nodes
        self._month = month
        self._is_over = asyncio.Event()
        self._tasks = [asyncio.create_task(self._run(*pair)) for pair in PAIRS]

    async def more(self) -> None:
        """Wait until each pair has been through a round that began after this."""
        before = dict(self.rounds)

        async def look() -> bool | None:
            self.check()
            return all(count > before[pair] + 1 for pair, count in self.rounds.items()) or None

        await settled(look, what="more rounds")

    def check(self) -> None:
        """Raise what ended a pair's rounds, if anything did."""
        for task in self._tasks:
            if task.done():
                task.result()

    async def end(self) -> None:
        """Let the rounds that are under way come to their end."""
        self._is_over.set()
        await asyncio.gather(*self._tasks)

    def stop(self) -> None:
        """End at once."""
        for task in self._tasks:
            task.cancel()

    async def _run(self, host: str, home: str) -> None:
        while not self._is_over.is_set():
            async with (
                self._nodes.client(host, self.names[host], self.policy) as at_host,
                self._nodes.client(home, self.names[home], self.policy) as at_home,
            ):
                for _ in range(CONNECTION_CALLS):
                    await self._round(host, home, at_host, at_home)
                    if self._is_over.is_set():
                        return
                    await asyncio.sleep(PAUSE_S)

    async def _round(self, host: str, home: str, at_host: NodeClient, at_home: NodeClient) -> None:
        number = self.rounds[host, home]
        records = [
            SettlementRecord(
                settlement_no=f"{host}-{home}-{number}-{position}",
                home=home,
                host=host,
                beneficiary_ref=f"{number * RECORDS + position:032x}",
                institution=f"{host}-1",
                subsidy_kind=KIND,
                service_month=self._month,
                service_days=1,
                amount_fen=1_000,
                caregiver_cert_no=certificate_no(host),
            )
            for position in range(RECORDS)
        ]
        await self._file(at_host, LogName.settlement(host, home), records)
        await self._file(at_home, LogName.settlement(home, host), records)
        checked = await at_home.certification.CheckCertification(
            CheckCertificationRequest(certificate_no=certificate_no(host), holder_name=HOLDER)
        )
        assert VERDICT_VALID == checked.verdict, f"{home} says {checked.rule}"
        listed = await at_home.settlement.ListRecords(ListRecordsRequest(partner=host))
        assert listed.records
        self.calls["CheckCertification"] += 1
        self.calls["ListRecords"] += 1
        self.rounds[host, home] += 1

    async def _file(
        self, client: NodeClient, log: LogName, records: Sequence[SettlementRecord]
    ) -> None:
        """File a batch on a stream; tried again, with its request id, as the SDK tries calls."""
        assert log.partner
        request = FileRecordsRequest(
            request_id=request_id(), duty=DUTY, partner=log.partner, records=records
        )
        attempt = 0
        while True:
            attempt += 1
            try:
                answer = await self._answer(client, request)
                break
            except DeltacareError as error:
                delay_s = self.policy.delay_s(error, attempt=attempt, left_s=None, jitter=1)
                if delay_s is None:
                    raise
                await asyncio.sleep(delay_s)
        assert ("", str(log), RECORDS) == (
            answer.refusal_reason,
            answer.appended.log,
            answer.appended.entry_count,
        )
        self.calls["FileRecords"] += 1
        self.filed[log] += RECORDS

    @staticmethod
    async def _answer(client: NodeClient, request: FileRecordsRequest) -> FileRecordsResponse:
        async def requests() -> AsyncIterator[FileRecordsRequest]:
            yield request

        async for response in client.settlement.FileRecords(requests()):
            return response
        raise AssertionError("the stream ended without an answer")


@asynccontextmanager
async def loaded(nodes: Wholes, month: str) -> AsyncIterator[Load]:
    """Run a load; whatever happens it ends."""
    load = Load(nodes, month)
    try:
        yield load
    finally:
        load.stop()


# What offices and operators do. -------------------------------------------------------------------


def replace_office(nodes: Wholes, root: Path, province: str) -> Changes:
    """Make a new root key for an office that lost its own; it signs from now on."""
    directory = root / f"office-{province}-2"
    init_office(directory, province=province, passphrase=PASSPHRASE, entropy=os.urandom, cost=CHEAP)
    office = Office.open(directory, PASSPHRASE)
    signing = dict(nodes.offices.by_province)
    signing[province] = office
    nodes.offices = replace(nodes.offices, by_province=signing)
    return Changes(offices=[office.card])


def new_keys_everywhere(nodes: Wholes, from_time: datetime) -> None:
    """Have every operator make new keys for every name, and a new CA beside the old one."""
    for directory in nodes.directories.values():
        new_keys(directory, name=None, from_time=from_time, environ={}, entropy=os.urandom)
        add_ca(directory, now=datetime.now(from_time.tzinfo), environ={}, entropy=os.urandom)


def cards(nodes: Wholes) -> list[MemberCard]:
    """Return the cards of all nodes as they are now."""
    return [MemberCard.read(directory) for directory in nodes.directories.values()]


def renew_certificates(nodes: Wholes, load: Load) -> None:
    """Renew every node's certificate by its newest CA, and its clients' by the same."""
    for province, directory in nodes.directories.items():
        now = datetime.now(nodes.clock.now().tzinfo)
        renew_certificate(directory, now=now, environ={}, entropy=os.urandom)
        for role in ("system", "administrator", "auditor", "clerk"):
            add_client(
                directory,
                role=role,
                name=f"{role}-2",
                opaque_id=f"{role}-{province}-2",
                now=now,
                environ={},
                entropy=os.urandom,
            )
        load.names[province] = "system-2"
    nodes.administrator = "administrator-2"


def first_keys(nodes: Wholes, until: datetime) -> list[KeyInstant]:
    """Return the end of every key that has a successor."""
    return [
        KeyInstant(key_id=member.terms(term.key.name)[0].key.key_id.hex(), time=until)
        for member in nodes.federation.members
        for term in member.keys
        if term is member.terms(term.key.name)[-1] and len(member.terms(term.key.name)) > 1
    ]


# What is asked afterwards. ------------------------------------------------------------------------


class Source:
    """A log as a node gives it, read in one go; `clients.logs.source.LogSource`."""

    def __init__(self, note: bytes, entries: Sequence[bytes]) -> None:
        self._note, self._entries = note, entries

    def checkpoint(self) -> bytes:
        """Return the checkpoint."""
        return self._note

    def entries(self, size: int) -> Iterator[Sequence[bytes]]:
        """Yield all entries as one run."""
        yield self._entries[:size]

    @classmethod
    async def read(cls, client: NodeClient, log: LogName) -> "Source":
        """Read a log once all that is held of it has its quorum."""

        async def look() -> bytes | None:
            newest = await client.log.GetCheckpoint(GetCheckpointRequest(log=str(log)))
            found = await client.log.GetCheckpoint(
                GetCheckpointRequest(log=str(log), selector=CHECKPOINT_SELECTOR_QUORUM)
            )
            return found.note if found.size == newest.size else None

        note = await settled(look, what=f"a quorum over {log}")
        size = int(SignedNote.from_bytes(note).text.split("\n")[1])
        request = ReadEntriesRequest(log=str(log), end_index=size, checkpoint_size=size)
        parts = [part async for part in client.log.ReadEntries(request)]
        return cls(note, [data for part in parts for data in part.entries])

    @property
    def size(self) -> int:
        """Entries."""
        return len(self._entries)

    @property
    def key_ids(self) -> set[str]:
        """Ids of the keys that signed the checkpoint."""
        return {line.key_id.hex() for line in SignedNote.from_bytes(self._note).signatures}


async def everything_verifies(nodes: Wholes, directory: Path) -> dict[LogName, int]:
    """Verify every log whole and every receipt, at every node that holds it.

    Returns:
        The entries of each log.
    """
    federation = nodes.federation
    trusting = Trusting.read([nodes.write_policies(directory / "policies")], now=nodes.clock.now())
    sizes: dict[LogName, int] = {}
    for province in PROVINCES:
        async with nodes.client(province, "auditor-2") as client:
            health = nodes.nodes[province].logs.health()
            rows = [*health.own, *(row for each in health.partners for row in each.logs)]
            assert [] == [row.log for row in rows if row.evidence_count]
            for log in all_logs(PROVINCES):
                if not log.may_hold(province):
                    continue
                source = await Source.read(client, log)
                policy = log_policy(federation, log)
                assert source.size == verify_log(source, policy).size
                # The load is over; registry logs still get anchors of audit logs.
                known = sizes.setdefault(log, source.size)
                assert source.size == known or (not log.partner and source.size > known)
                await receipts_verify(client, log, source.size, trusting, directory)
    return sizes


async def receipts_verify(
    client: NodeClient, log: LogName, size: int, trusting: Trusting, directory: Path
) -> None:
    """Verify every entry's receipt by the log's policy, and as ``deltacare verify`` does.

    The last one also as a file that it reads.
    """
    log_policies = [
        policy for _, policy in trusting.policies if str(log) in {key.name for key in policy.logs}
    ]
    assert log_policies
    for index in range(size):
        found = await client.log.GetReceipt(GetReceiptRequest(log=str(log), index=index))
        for policy in log_policies:
            verify_receipt_by_policy(found.proof, found.entry, policy)
        receipt = EvidenceReceipt(proof=found.proof, entry=found.entry)
        verified = verify_receipt(receipt, trusting, Steps()).proved
        assert (str(log), index) == (verified.log, verified.index)
    if size:
        path = directory / "receipt.json"
        evidence = Evidence(kind=EvidenceKind.RECEIPT, receipts=(receipt,))
        path.write_bytes(evidence.to_bytes())
        summary = verify_file(path, trusting, Steps()).summary
        assert (str(log), size - 1) == (summary["log"], summary["index"])


async def nights_agree(nodes: Wholes, day: date) -> None:
    """Close a date at every node, and wait until every pair has come to equal digests."""
    for province in PROVINCES:
        async with nodes.client(province, "clerk-2") as clerk:
            await clerk.settlement.CloseDay(
                CloseDayRequest(request_id=request_id(), business_date=day.isoformat())
            )
    for province in PROVINCES:
        async with nodes.client(province, "clerk-2") as clerk:

            async def look(clerk: NodeClient = clerk) -> list[PairNight] | None:
                shown = await clerk.clearing.ListPairNights(
                    ListPairNightsRequest(until_date=day.isoformat())
                )
                found = list(shown.nights)
                is_done = {night.state for night in found} == {PAIR_NIGHT_STATE_AGREED}
                return found if is_done and len(found) >= 3 else None

            for night in await settled(look, what=f"the nights of {province}"):
                assert night.lower_result.digest == night.higher_result.digest


async def bad_keys_are_named_and_healed(nodes: Wholes) -> None:
    """Call a log's key and a witness's bad from long ago: what they touched is named and healed."""
    host, witness = PROVINCES[0], PROVINCES[3]
    log = LogName.registry(host)
    # Successors first: a log without a good key is not written.
    now = nodes.clock.now()
    for province, name in ((host, str(log)), (witness, witness_key_name(witness))):
        new_keys(
            nodes.directories[province],
            name=name,
            from_time=now,
            environ={},
            entropy=os.urandom,
        )
    federation = nodes.federation
    bad = [federation.log_keys(log)[1].key, federation.witness_keys(witness)[1].key]
    taints = [KeyInstant(key_id=key.key_id.hex(), time=now - 6 * HOUR) for key in bad]
    changes = Changes(cards=cards(nodes), taints=taints)
    await nodes.publish(nodes.offices.change(changes, *PROVINCES[1:], now=now))
    await nodes.next_hour(4)
    for province in PROVINCES:
        async with nodes.client(province, "auditor-2") as auditor:

            async def healed(auditor: NodeClient = auditor) -> set[tuple[str, str]] | None:
                answer = await auditor.log.ListTouched(ListTouchedRequest())
                if any(row.covered_index < row.end_index for row in answer.touched):
                    return None
                assert all(row.first_index < row.end_index for row in answer.touched)
                return {(row.log, row.key_id) for row in answer.touched}

            found = await settled(healed, what=f"a quorum without the bad keys at {province}")
            assert (str(log), bad[0].key_id.hex()) in found
            named = {key_id for _, key_id in found}
            assert named <= {key.key_id.hex() for key in bad}

            async def verified(auditor: NodeClient = auditor) -> Source | None:
                source = await Source.read(auditor, log)
                try:
                    verify_log(source, log_policy(nodes.federation, log))
                except PeerFault:
                    return None
                return source

            source = await settled(verified, what=f"{log} under good keys at {province}")
            assert not source.key_ids & {key.key_id.hex() for key in bad}


@pytest.mark.long
async def test_all_keys_are_replaced_under_load(tmp_path: Path) -> None:
    """Root, log, witness and TLS keys, while 12 pairs call: no call lost, all of it verifiable."""
    async with Wholes.open(tmp_path) as nodes:
        today = business_date(nodes.clock.now())
        await lay_foundations(nodes, today)
        month = (today.replace(day=1) - timedelta(days=1)).strftime("%Y-%m")
        async with loaded(nodes, month) as load:
            await load.more()
            # 1. The root key of one office; 2. and 3. log and witness keys, and CAs, are stated.
            new_keys_everywhere(nodes, nodes.clock.now() + 90 * MINUTE)
            office = replace_office(nodes, tmp_path, PROVINCES[0])
            changes = replace(office, cards=cards(nodes))
            files = nodes.offices.change(changes, *PROVINCES[1:], now=nodes.clock.now())
            await nodes.publish(files)
            await load.more()
            await nodes.next_hour(2)
            await load.more()
            # 4. Certificates, by the CA that all know by now. The new keys begin in this hour.
            renew_certificates(nodes, load)
            await load.more()
            await nodes.next_hour(2)
            await load.more()
            # The old keys and CAs end; the office with the new root key signs.
            for directory in nodes.directories.values():
                drop_old_cas(directory)
            retired = first_keys(nodes, nodes.clock.now() + 30 * MINUTE)
            changes = Changes(cards=cards(nodes), retires=retired)
            files = nodes.offices.change(changes, *PROVINCES[:3], now=nodes.clock.now())
            await nodes.publish(files)
            await nodes.next_hour(3)
            await load.more()
            await load.end()
        sizes = await everything_verifies(nodes, tmp_path)
        assert all(sizes[log] >= filed > 0 for log, filed in load.filed.items())
        await nights_agree(nodes, today - timedelta(days=1))
        # What the SDK tried again is counted, and told with the answers.
        _log.info("load", calls=dict(load.calls), tried_again=dict(load.policy.retried))
        await bad_keys_are_named_and_healed(nodes)
