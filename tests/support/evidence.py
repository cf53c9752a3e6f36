"""Registry logs of four provinces in memory, and evidence files over them, synthetic throughout.

The node's own rules judge here (`server.certification.rules`), so that what a verifier works out
is compared with what a node would have said.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from deltacare.approvals import ApprovalSubject, ApprovalWord
from deltacare.divisions import province_of
from deltacare.evidence import (
    Evidence,
    EvidenceKind,
    EvidenceReceipt,
    Holder,
    LogRead,
    Place,
    Said,
    VerdictRecord,
)
from deltacare.ids import LogName
from deltacare.times import business_date
from deltacare.tlog.checkpoint import Checkpoint, SignedCheckpoint
from deltacare.tlog.cosignature import cosign
from deltacare.tlog.policy import Policy
from deltacare.tlog.proof import inclusion_proof
from deltacare.tlog.receipt import Receipt
from deltacare.tlog.tree import leaf_hash
from deltacare.trust import verdict_key_name
from deltacare.v1 import entry_pb2 as pb
from deltacare.v1.certification_service_pb2 import Verdict
from deltacare.v1.types_pb2 import Duty
from server.certification.evidence import places_said
from server.certification.facts import Facts, LogFacts, Outcome, log_age
from server.certification.rules import check
from server.certification.store import history_of
from server.certification.values import (
    CertificateEventSaid,
    CertificateHistory,
    EquivalenceHistory,
    EventKind,
    LineMember,
    RecognitionSaid,
)
from server.registry.closings import ClosingSaid
from server.registry.store import version_of
from server.registry.values import AgreementHistory, AgreementVersion, AgreementWordSaid, EndSaid
from server.supervision.store import history_of as measure_history
from server.supervision.values import MeasureHistory
from settlement.core import net
from tests.deltacare.builders import (
    NOW,
    PROVINCES,
    EntriesReader,
    log_signer,
    naive_root,
    witness_signer,
)
from tests.support.signing import approvals, key_body, person

__all__ = ["NOW", "PROVINCES", "Asked", "Logs"]

SH, JS, ZJ, AH = PROVINCES
NUMBER = "320000-C1"
STALE_AFTER_S = 86_400

_EVENTS = {
    "certificate_renewal": EventKind.RENEWED,
    "certificate_suspension": EventKind.SUSPENDED,
    "certificate_reinstatement": EventKind.REINSTATED,
    "certificate_revocation": EventKind.REVOKED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question to a node in memory."""

    certificate_no: str = NUMBER
    host: str = SH
    on_date: date = date(2026, 11, 22)
    answered_by: str = SH
    holder_matches: bool | None = None
    stated_schemes: tuple[str, ...] = ()
    unconfirmed_since: datetime | None = None

    @property
    def compared(self) -> tuple[str, ...]:
        """By what the holder was compared."""
        return () if self.holder_matches is None else ("name",)


@dataclass(slots=True)
class Logs:
    """Entries of registry logs by author, and how far each counts.

    Attributes:
        entries: Of each log.
        unseen: How many of the last entries of a log no quorum has seen.
        later: How many of the last entries of a log were said after the moment asked about.
        facts: Changes what is known of a log.
        signers: People whose keys were stated, each with whose log states them.
    """

    entries: dict[str, list[bytes]] = field(default_factory=lambda: {p: [] for p in PROVINCES})
    unseen: dict[str, int] = field(default_factory=dict)
    later: dict[str, int] = field(default_factory=dict)
    facts: dict[str, Callable[[LogFacts], LogFacts]] = field(default_factory=dict)
    signers: set[tuple[str, str]] = field(default_factory=set)

    def say(
        self,
        author: str,
        maker: str = "m-1",
        reviewer: str = "r-1",
        time: datetime = NOW,
        **body: object,
    ) -> bytes:
        """Append an entry and return its leaf hash."""
        request_id = f"00000000-0000-4000-8000-{author}{len(self.entries[author]):06d}"
        entry = pb.Entry(maker=maker, reviewer=reviewer, request_id=request_id, **body)  # type: ignore[arg-type]
        entry.entry_time.FromDatetime(time)
        data = entry.SerializeToString(deterministic=True)
        self.entries[author].append(data)
        return leaf_hash(data)

    def recognised(self) -> "Logs":
        """Fill in a certificate of Jiangsu that Shanghai recognises by an agreement."""
        self.say(
            JS,
            certificate=pb.Certificate(
                certificate_no=NUMBER,
                subject=pb.CERTIFICATE_SUBJECT_CAREGIVER,
                scheme="CAREGIVER_LEVEL",
                grade="三级",
                holder_name_digest=bytes(32),
                valid_from_date="2026-01-01",
                valid_until_date="2026-12-31",
                division_code="320505",
            ),
        )
        version = self.say(
            SH,
            agreement=pb.Agreement(
                agreement_id="310000-A1",
                parties=(SH, "320500"),
                scopes=(pb.AGREEMENT_SCOPE_CAREGIVER_QUALIFICATION,),
                from_date="2026-01-01",
            ),
        )
        self.say(
            JS,
            agreement_answer=pb.AgreementAnswer(
                agreement_id="310000-A1", version_hash=version, word=pb.AGREEMENT_WORD_ACCEPTED
            ),
        )
        self.say(
            SH,
            equivalence=pb.Equivalence(
                equivalence_id="310000-E1",
                issuer=JS,
                scheme="CAREGIVER_LEVEL",
                grades=("三级", "二级"),
                mapped_scheme="SH_CAREGIVER",
                mapped_grade="中级",
                from_date="2026-01-01",
                agreement_id="310000-A1",
            ),
        )
        return self

    def settled(self, *, answers: Sequence[str] = (SH, JS), days: int = 2) -> "Logs":
        """Fill in nights of a pair, a statement over them and its answers."""
        dates = [(date(2026, 11, 1) + timedelta(days=i)).isoformat() for i in range(days)]
        hashes = [
            self.say(
                author,
                maker="",
                reviewer="",
                pair_result=pb.PairResult(
                    lower=SH,
                    higher=JS,
                    business_date=day,
                    attempt=1,
                    digest=bytes([position]) * 32,
                    lower_pays_fen=1_000,
                    higher_pays_fen=250,
                    rules_version=1,
                ),
            )
            for position, day in enumerate(dates)
            for author in (SH, JS)
        ]
        matrix = net.bilateral([(SH, JS, 1_000 * days), (JS, SH, 250 * days)])
        statement = pb.Statement(
            statement_id="310000-S2026-1",
            from_date=dates[0],
            until_date=dates[-1],
            pair_result_hashes=sorted(hashes),
            bilateral=[pb.Flow(payer=a, payee=b, amount_fen=fen) for (a, b), fen in matrix.items()],
            positions=[
                pb.Position(province=p, net_fen=fen) for p, fen in net.positions(matrix).items()
            ],
            netting=pb.NETTING_MULTILATERAL,
            payments=[pb.Flow(payer=SH, payee=JS, amount_fen=750 * days)],
        )
        leaf = self.say(SH, statement=statement)
        for author in answers:
            self.answered(author, leaf)
        return self

    def answered(
        self, author: str, leaf: bytes, *, refused: bool = False, **duty: str
    ) -> pb.StatementAnswer:
        """Answer a statement by the signatures of two, whose keys are stated first."""
        who = Duty(**{"maker": f"m-{author}", "reviewer": f"r-{author}", **duty})
        for name in (who.maker, who.reviewer):
            if name and (author, name) not in self.signers:
                self.signers.add((author, name))
                self.say(author, approval_key=key_body(person(name)))
        word = ApprovalWord.REFUSED if refused else ApprovalWord.APPROVED
        body = pb.StatementAnswer(
            statement_hash=leaf,
            word=pb.STATEMENT_WORD_REFUSED if refused else pb.STATEMENT_WORD_APPROVED,
            reason="NO" if refused else "",
            approvals=approvals(who, ApprovalSubject.STATEMENT, leaf, province=author, word=word),
        )
        self.say(author, maker=who.maker, reviewer=who.reviewer, statement_answer=body)
        return body

    # What is signed about them.

    def checkpoint(
        self, author: str, witnesses: Sequence[str] | None = None, time: datetime = NOW
    ) -> bytes:
        """Return the checkpoint over a log, cosigned by two partners unless others are named."""
        log = LogName.registry(author)
        entries = self.entries[author]
        head = Checkpoint(origin=str(log), size=len(entries), root=naive_root(entries))
        if witnesses is None:
            witnesses = [p for p in PROVINCES if p != author][:2]
        lines = [cosign(head, witness_signer(p), time=time) for p in witnesses]
        return SignedCheckpoint.sign(head, log_signer(str(log))).with_signatures(lines).to_bytes()

    def receipt(self, author: str, index: int, checkpoint: bytes | None = None) -> EvidenceReceipt:
        """Return the receipt of an entry under a log's newest checkpoint."""
        entries = self.entries[author]
        proof = inclusion_proof(EntriesReader(entries), index=index, size=len(entries))
        note = self.checkpoint(author) if checkpoint is None else checkpoint
        return EvidenceReceipt(
            proof=Receipt(index=index, proof=proof, checkpoint=note).to_bytes(),
            entry=entries[index],
        )

    def receipt_evidence(self, author: str, index: int) -> Evidence:
        """Return the file of one receipt."""
        return Evidence(kind=EvidenceKind.RECEIPT, receipts=(self.receipt(author, index),))

    # What a node says of them.

    def log_facts(self, asked: Asked) -> dict[str, LogFacts]:
        """Return how far the answering node holds each log."""
        found = {}
        for author, entries in self.entries.items():
            is_own = author == asked.answered_by
            unseen = 0 if is_own else self.unseen.get(author, 0)
            size = len(entries) - self.later.get(author, 0)
            facts = LogFacts(
                size=size,
                quorum_size=max(size - unseen, 0),
                fresh_time=NOW - timedelta(seconds=30),
                is_stalled=False,
                is_forked=False,
                is_own=is_own,
            )
            found[author] = self.facts.get(author, lambda same: same)(facts)
        return found

    def judge(self, asked: Asked) -> tuple[Facts, Outcome]:
        """Return what the node's own rules say."""
        facts = Facts(
            certificate_no=asked.certificate_no,
            issuer=asked.certificate_no[:6],
            host=asked.host,
            on_date=asked.on_date,
            known_time=NOW,
            stale_after=timedelta(seconds=STALE_AFTER_S),
            logs=self.log_facts(asked),
            certificate=self._certificate(asked.certificate_no),
            recognitions=self._recognitions(asked),
            equivalences=self._equivalences(province_of(asked.host)),
            agreements=self._agreements(),
            holder_matches=asked.holder_matches,
            compared=asked.compared,
            measures=self._measures(asked.certificate_no),
            closings=self._closings(asked.certificate_no),
            stated_schemes=frozenset(asked.stated_schemes),
            unconfirmed_since=asked.unconfirmed_since,
        )
        return facts, check(facts)

    def record(self, asked: Asked) -> VerdictRecord:
        """Return the verdict as the node would state it."""
        facts, outcome = self.judge(asked)
        said = places_said(facts, outcome)
        return VerdictRecord(
            answered_by=asked.answered_by,
            certificate_no=facts.certificate_no,
            host=facts.host,
            on_date=facts.on_date,
            known_time=facts.known_time,
            purpose="WORK",
            holder={None: Holder.NOT_ASKED, True: Holder.MATCHED, False: Holder.NOT_MATCHED}[
                facts.holder_matches
            ],
            compared=facts.compared,
            verdict=Verdict.Name(outcome.verdict).removeprefix("VERDICT_"),
            rule=outcome.rule.code,
            mapped_scheme=outcome.mapped_scheme,
            mapped_grade=outcome.mapped_grade,
            reason=outcome.reason,
            age_s=(
                (NOW - facts.unconfirmed_since) // timedelta(seconds=1)
                if facts.unconfirmed_since is not None
                else log_age(facts.logs[facts.issuer], NOW) // timedelta(seconds=1)
                if facts.issuer in facts.logs
                else 0
            ),
            entries=tuple(Place(log=LogName.registry(p), index=i) for p, i in outcome.entries),
            said=tuple(
                Said(
                    place=Place(log=LogName.registry(author), index=index),
                    leaf=leaf_hash(self.entries[author][index]),
                )
                for author in sorted(said)
                for index in said[author]
            ),
            logs=tuple(
                LogRead(
                    log=LogName.registry(author),
                    size=log.size,
                    quorum_size=log.quorum_size,
                    fresh_time=log.fresh_time,
                    is_stalled=log.is_stalled,
                    is_forked=log.is_forked,
                    is_own=log.is_own,
                    is_used=author in outcome.used,
                    checkpoint=(
                        (len(self.entries[author]), naive_root(self.entries[author]))
                        if author in outcome.used
                        else None
                    ),
                )
                for author, log in sorted(facts.logs.items())
            ),
            stale_after_s=STALE_AFTER_S,
            trust_version=1,
            stated_schemes=tuple(sorted(facts.stated_schemes)),
            unconfirmed_since=facts.unconfirmed_since,
        )

    def verdict_evidence(
        self,
        asked: Asked | None = None,
        change: Callable[[VerdictRecord], VerdictRecord] = lambda same: same,
    ) -> Evidence:
        """Return the verdict file of a question, perhaps of a node that lies."""
        record = change(self.record(asked or Asked()))
        signer = log_signer(verdict_key_name(record.answered_by))
        return Evidence(
            kind=EvidenceKind.VERDICT,
            note=record.to_note(signer),
            checkpoints=tuple(
                self.checkpoint(each.log.author) for each in record.logs if each.checkpoint
            ),
            receipts=tuple(
                self.receipt(each.place.log.author, each.place.index) for each in record.said
            ),
        )

    def statement_evidence(self) -> Evidence:
        """Return the statement file: the statement, its results, advances, keys and answers."""
        places: dict[str, list[tuple[str, int]]] = {}
        for author, entries in self.entries.items():
            for index, data in enumerate(entries):
                name = pb.Entry.FromString(data).WhichOneof("body")
                places.setdefault(str(name), []).append((author, index))
        names = ("statement", "pair_result", "advance", "payment_report", "approval_key")
        return Evidence(
            kind=EvidenceKind.STATEMENT,
            receipts=tuple(
                self.receipt(author, index)
                for name in (*names, "statement_answer")
                for author, index in places.get(name, ())
            ),
        )

    # Policies.

    def write_policies(self, directory: Path, *, quorum: int = 2) -> Path:
        """Write what one verifies by: a file for each log, one for the nodes' verdicts."""
        for author in PROVINCES:
            log = str(LogName.registry(author))
            policy = Policy.of(
                logs=[log_signer(log).verifier],
                witnesses=[witness_signer(p).verifier for p in PROVINCES if p != author],
                quorum=quorum,
            )
            path = directory / f"{log}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(policy.to_text(), encoding="utf-8")
        verdicts = [log_signer(verdict_key_name(p)).verifier for p in PROVINCES]
        text = Policy(logs=tuple(verdicts)).to_text()
        (directory / "verdicts.txt").write_text(text, encoding="utf-8")
        return directory

    # Rows as a projection would have them.

    def _said(self, *names: str) -> list[tuple[str, int, str, object, bytes]]:
        found = []
        for author, entries in self.entries.items():
            for index, data in enumerate(entries):
                entry = pb.Entry.FromString(data)
                name = str(entry.WhichOneof("body"))
                if name in names:
                    found.append((author, index, name, getattr(entry, name), leaf_hash(data)))
        return found

    def _stated_date(self, author: str, index: int) -> date:
        time = pb.Entry.FromString(self.entries[author][index]).entry_time
        return business_date(time.ToDatetime(UTC))

    def _certificate(self, number: str) -> CertificateHistory | None:
        issued = [
            (index, body)
            for author, index, _, body, _ in self._said("certificate")
            if author == number[:6] and body.certificate_no == number
        ]
        if not issued:
            return None
        index, body = issued[0]
        events = [
            CertificateEventSaid(
                index=at,
                kind=_EVENTS[name],
                effective_date=_optional(getattr(event, "effective_date", "")),
                until_date=_optional(
                    getattr(event, "until_date", "") or getattr(event, "valid_until_date", "")
                ),
                reason=getattr(event, "reason", ""),
            )
            for author, at, name, event, _ in self._said(*_EVENTS)
            if author == number[:6] and event.certificate_no == number
        ]
        return history_of(number[:6], index, body, events, line=self._line(number))

    def _line(self, number: str) -> list[LineMember]:
        """Return the others of a line, as projected: all that lead back to the same first one."""
        issued = {
            body.certificate_no: LineMember(
                certificate_no=body.certificate_no, index=index, predecessor_no=body.predecessor_no
            )
            for author, index, _, body, _ in self._said("certificate")
            if author == number[:6]
        }

        def first_of(no: str) -> str:
            before = issued[no].predecessor_no
            return first_of(before) if before else no

        return [
            each for no, each in issued.items() if no != number and first_of(no) == first_of(number)
        ]

    def _recognitions(self, asked: Asked) -> tuple[RecognitionSaid, ...]:
        return tuple(
            RecognitionSaid(
                host=author,
                index=index,
                is_suspension=name == "recognition_suspension",
                effective_date=date.fromisoformat(body.effective_date),
                reason=body.reason,
            )
            for author, index, name, body, _ in self._said(
                "recognition_suspension", "recognition_resumption"
            )
            if author == province_of(asked.host) and body.certificate_no == asked.certificate_no
        )

    def _equivalences(self, host: str) -> tuple[EquivalenceHistory, ...]:
        found: dict[str, EquivalenceHistory] = {}
        for author, index, name, body, _ in self._said("equivalence", "equivalence_end"):
            if author != host:
                continue
            if name == "equivalence_end":
                found[body.equivalence_id] = replace(
                    found[body.equivalence_id],
                    ends=(
                        *found[body.equivalence_id].ends,
                        EndSaid(index=index, from_date=date.fromisoformat(body.effective_date)),
                    ),
                )
                continue
            found[body.equivalence_id] = EquivalenceHistory(
                equivalence_id=body.equivalence_id,
                host=author,
                index=index,
                issuer=body.issuer,
                scheme=body.scheme,
                grades=frozenset(body.grades),
                mapped_scheme=body.mapped_scheme,
                mapped_grade=body.mapped_grade,
                from_date=date.fromisoformat(body.from_date),
                until_date=_optional(body.until_date),
                agreement_id=body.agreement_id,
            )
        return tuple(sorted(found.values(), key=lambda each: -each.index))

    def _measures(self, number: str) -> tuple[MeasureHistory, ...]:
        """Return the measures against a certificate or its institution, as projected."""
        certificate = self._certificate(number)
        subjects = (number,) if certificate is None else certificate.subjects
        lifts: dict[str, list[EndSaid]] = {}
        for _, index, _, body, _ in self._said("measure_lift"):
            lift = EndSaid(index=index, from_date=date.fromisoformat(body.effective_date))
            lifts.setdefault(body.measure_id, []).append(lift)
        return tuple(
            measure_history(author, index, body, lifts=lifts.get(body.measure_id, ()))
            for author, index, _, body, _ in self._said("supervision_measure")
            if (body.institution_id or body.certificate_no) in subjects
        )

    def _closings(self, number: str) -> tuple[ClosingSaid, ...]:
        """Return what closed a certificate's institution or opened it again, as projected."""
        certificate = self._certificate(number)
        found: list[ClosingSaid] = []
        state_date: str | None = None  # of the statement before, where that closes it
        for author, index, _, body, _ in self._said("institution"):
            if certificate is None or (author, body.institution_id) != (
                number[:6],
                certificate.institution_id,
            ):
                continue
            is_closed = body.state == pb.INSTITUTION_STATE_CLOSED
            is_new = state_date is None or not body.state_date or body.state_date != state_date
            if is_new if is_closed else state_date is not None:
                day = date.fromisoformat(body.state_date) if body.state_date else business_date(NOW)
                found.append(
                    ClosingSaid(
                        index=index, is_closed=is_closed, from_date=day, reason=body.state_reason
                    )
                )
            state_date = body.state_date if is_closed else None
        return tuple(found)

    def _agreements(self) -> dict[str, AgreementHistory]:
        versions: dict[str, list[AgreementVersion]] = {}
        words: dict[str, list[AgreementWordSaid]] = {}
        for author, index, name, body, leaf in self._said("agreement", "agreement_answer"):
            ended_date, version_hash = None, leaf
            if name == "agreement":
                data = body.SerializeToString()
                versions.setdefault(body.agreement_id, []).append(
                    version_of(author, index, leaf, data)
                )
            else:
                version_hash = body.version_hash
                if body.word == pb.AGREEMENT_WORD_ENDED:
                    ended_date = date.fromisoformat(body.effective_date)
                    if ended_date < self._stated_date(author, index):
                        continue  # void
            words.setdefault(body.agreement_id, []).append(
                AgreementWordSaid(
                    province=author, index=index, version_hash=version_hash, ended_date=ended_date
                )
            )
        return {
            agreement_id: AgreementHistory(versions=tuple(chain), words=tuple(words[agreement_id]))
            for agreement_id, chain in versions.items()
        }


def _optional(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
