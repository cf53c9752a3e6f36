"""Verdict files: a verdict signed by this node, with the receipts of all that decided it.

What decided is more than what the answer names: also what was said and did not count that day, so
that whoever holds the file can work the verdict out again. That nothing else was said is this
node's word, under its signature, and the sizes of the logs stand beside it. The holder's name is
never in a file, only whether it was asked for and what came out.

Every entry needs a checkpoint with a quorum, of own logs too: the file is for people who trust no
node. A verdict may be right before that; its file has to wait.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from deltacare.errors import Reason, Refusal, Unavailable
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
from deltacare.keys import LogSigner
from deltacare.tlog.checkpoint import Checkpoint
from deltacare.tlog.note import SignedNote
from deltacare.tlog.tree import leaf_hash
from deltacare.trust import Trust, in_force, verdict_key_name
from deltacare.v1.certification_service_pb2 import Verdict
from server.certification.checker import Answered
from server.certification.facts import Facts, Outcome
from server.certification.standing import (
    DECIDING_EVENTS,
    equivalence_applies,
    equivalence_concerns,
)
from server.certification.values import CertificateHistory
from server.certification.verdicts import (
    R00_TRUST,
    R01_ISSUER,
    R02_FORK,
    R03_STALE,
    R04_STALLED,
    R12_BARRED,
    R13_CLOSED,
    R14_HOME,
    R15_HOST_STALE,
    R16_BARRED_HERE,
    R17_RECOGNITION_SUSPENDED,
    R18_NO_EQUIVALENCE,
    R19_LEVEL,
    R20_BASIS_STALE,
    R21_NO_AGREEMENT,
    R22_RECOGNISED,
)
from server.log.ports import LogReader
from server.store.database import Database

__all__ = ["VerdictFiles", "VerdictSigners", "places_said"]

# These look at no entry, and those look at what the host says too.
_BEFORE_ENTRIES = (R00_TRUST, R01_ISSUER, R02_FORK, R03_STALE, R04_STALLED)
_OF_HOST = (
    R16_BARRED_HERE,
    R17_RECOGNITION_SUSPENDED,
    R18_NO_EQUIVALENCE,
    R19_LEVEL,
    R20_BASIS_STALE,
    R21_NO_AGREEMENT,
    R22_RECOGNISED,
)
# These and those of the host looked at closings, and these and R12 at measures of supervision.
_OF_CLOSINGS = (R13_CLOSED, R14_HOME, R15_HOST_STALE, *_OF_HOST)
_OF_MEASURES = (R12_BARRED, *_OF_CLOSINGS)


class VerdictSigners(Protocol):
    """The keys that a node holds for verdicts; never shown."""

    @property
    def verdict_signers(self) -> tuple[LogSigner, ...]:
        """The keys held, in no order; what the members stated says which of them signs."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proved:
    """What one log gives to a file."""

    checkpoint: bytes
    proofs: Sequence[bytes]
    entries: Sequence[bytes]


class VerdictFiles:
    """Makes the verdict files of one node.

    Args:
        own: its province.
        trust: membership, of which the version is named.
        database: its rows.
        reader: gives entries, checkpoints and proofs.
        signers: gives the keys held.
    """

    def __init__(
        self,
        *,
        own: str,
        trust: Trust,
        database: Database,
        reader: LogReader,
        signers: VerdictSigners,
    ) -> None:
        self._own = own
        self._trust = trust
        self._database = database
        self._reader = reader
        self._signers = signers

    async def make(self, answered: Answered, *, purpose: str, now: datetime) -> bytes:
        """Return the verdict file of an answer.

        Args:
            answered: the verdict.
            purpose: code of the question.
            now: the moment of the call.

        Raises:
            Refusal: ``KEY_NOT_IN_FORCE``, if no key for verdicts is held that is in force.
            Unavailable: ``NO_QUORUM``, if what decided is not yet cosigned.
        """
        signer = self._signer(now)
        facts, outcome = answered.facts, answered.outcome
        said = places_said(facts, outcome)
        proved = await self._database.read(
            lambda connection: {
                log: self._prove(connection, log, said.get(log.author, ()))
                for log in map(LogName.registry, outcome.used)
            }
        )
        record = self._record(answered, purpose, said, proved)
        order = [LogName.registry(author) for author in sorted(outcome.used)]
        found = [proved[log] for log in order]
        return Evidence(
            kind=EvidenceKind.VERDICT,
            note=record.to_note(signer),
            checkpoints=tuple(each.checkpoint for each in found if each is not None),
            receipts=tuple(
                EvidenceReceipt(proof=proof, entry=entry)
                for each in found
                if each is not None
                for proof, entry in zip(each.proofs, each.entries, strict=True)
            ),
        ).to_bytes()

    def _signer(self, now: datetime) -> LogSigner:
        """Return the newest key that the members stated for this node and that is held."""
        held = {signer.verifier: signer for signer in self._signers.verdict_signers}
        for term in in_force(self._trust.verdict_keys(self._own), now):
            if term.key in held:
                return held[term.key]
        raise Refusal(
            Reason.KEY_NOT_IN_FORCE,
            "This node holds no key for verdicts that is in force; its operator installs one.",
            details={"key": verdict_key_name(self._own)},
        )

    def _prove(
        self, connection: Connection, log: LogName, indexes: Sequence[int]
    ) -> _Proved | None:
        """Return the newest checkpoint of a log with the receipts of some entries under it."""
        found = self._reader.receipts(connection, log, indexes)
        if found is None:
            if not indexes:
                return None
            raise Unavailable(
                Reason.NO_QUORUM,
                f"Too few partners have cosigned what {log} says of it; ask again in a moment.",
                details={"log": str(log), "index": str(max(indexes))},
            )
        checkpoint, proofs = found
        entries = [self._reader.entries(connection, log, i, i + 1)[0] for i in indexes]
        return _Proved(checkpoint=checkpoint, proofs=proofs, entries=entries)

    def _record(
        self,
        answered: Answered,
        purpose: str,
        said: Mapping[str, Sequence[int]],
        proved: Mapping[LogName, _Proved | None],
    ) -> VerdictRecord:
        facts, outcome, response = answered.facts, answered.outcome, answered.response
        return VerdictRecord(
            answered_by=self._own,
            certificate_no=facts.certificate_no,
            host=facts.host,
            on_date=facts.on_date,
            known_time=facts.known_time,
            purpose=purpose,
            holder=_HOLDERS[facts.holder_matches],
            compared=facts.compared,
            verdict=Verdict.Name(outcome.verdict).removeprefix("VERDICT_"),
            rule=outcome.rule.code,
            mapped_scheme=outcome.mapped_scheme,
            mapped_grade=outcome.mapped_grade,
            reason=outcome.reason,
            age_s=response.age_s,
            entries=tuple(
                Place(log=LogName.registry(author), index=index)
                for author, index in outcome.entries
            ),
            said=tuple(
                Said(place=Place(log=log, index=index), leaf=leaf_hash(entry))
                for log in map(LogName.registry, sorted(outcome.used))
                if (found := proved[log]) is not None
                for index, entry in zip(said.get(log.author, ()), found.entries, strict=True)
            ),
            logs=tuple(
                _log_read(facts, outcome, author, proved.get(LogName.registry(author)))
                for author in sorted(facts.logs)
            ),
            stale_after_s=int(facts.stale_after.total_seconds()),
            trust_version=self._trust.version,
            stated_schemes=tuple(sorted(facts.stated_schemes)),
            unconfirmed_since=facts.unconfirmed_since,
        )


_HOLDERS = {None: Holder.NOT_ASKED, True: Holder.MATCHED, False: Holder.NOT_MATCHED}


def _log_read(facts: Facts, outcome: Outcome, author: str, proved: _Proved | None) -> LogRead:
    """Return how far a log was read."""
    log = facts.logs[author]
    checkpoint = None
    if proved is not None:
        head = Checkpoint.from_text(SignedNote.from_bytes(proved.checkpoint).text)
        checkpoint = (head.size, head.root)
    return LogRead(
        log=LogName.registry(author),
        size=log.size,
        quorum_size=log.quorum_size,
        fresh_time=log.fresh_time,
        is_stalled=log.is_stalled,
        is_forked=log.is_forked,
        is_own=log.is_own,
        is_used=author in outcome.used,
        checkpoint=checkpoint,
    )


def places_said(facts: Facts, outcome: Outcome) -> dict[str, tuple[int, ...]]:
    """Return where all that bears on a verdict stands: indexes by author, ascending.

    Only of logs that the outcome rests on, and only as far as they were verified.
    """
    if outcome.rule in _BEFORE_ENTRIES or facts.certificate is None:
        return {}
    found: dict[str, set[int]] = {}
    for author, index in _said(facts, facts.certificate, outcome):
        if author in outcome.used and index is not None and index < facts.logs[author].size:
            found.setdefault(author, set()).add(index)
    return {author: tuple(sorted(indexes)) for author, indexes in found.items()}


def _said(
    facts: Facts, certificate: CertificateHistory, outcome: Outcome
) -> Iterator[tuple[str, int | None]]:
    """Yield author and place of all that may bear on a verdict; ``None`` where nothing was said."""
    # 1. The certificate's life, as its issuer tells it.
    yield facts.issuer, certificate.index
    for event in certificate.events:
        if event.kind in DECIDING_EVENTS:
            yield facts.issuer, event.index
    # 2. Measures: those that count everywhere, and those of the host.
    if outcome.rule in _OF_MEASURES:
        yield from _said_by_measures(facts, certificate)
    # 3. The closing of its institution, and what opened it again.
    if outcome.rule in _OF_CLOSINGS:
        yield from ((facts.issuer, closing.index) for closing in facts.closings)
    # 4. What the host says of it, and of certificates like it.
    if outcome.rule in _OF_HOST:
        yield from _said_by_host(facts, certificate)


def _said_by_measures(
    facts: Facts, certificate: CertificateHistory
) -> Iterator[tuple[str, int | None]]:
    """Yield what measures rest on: see ``_said``."""
    for measure in facts.measures:
        if measure.author in (facts.issuer, facts.host_province):
            yield measure.author, measure.index
            for lift in measure.lifts:
                yield measure.author, lift.index
            # Against the holder of another certificate: what shows that he holds both.
            for index in certificate.links_to(measure.subject):
                yield facts.issuer, index


def _said_by_host(
    facts: Facts, certificate: CertificateHistory
) -> Iterator[tuple[str, int | None]]:
    """Yield what recognition may rest on: see ``_said``."""
    host = facts.host_province
    size = facts.logs[host].size
    agreement_ids = set()
    for word in facts.recognitions:
        yield host, word.index
    for equivalence in facts.equivalences:
        # What was not said yet at that moment names no agreement either.
        if equivalence.index < size and equivalence_concerns(equivalence, certificate):
            yield host, equivalence.index
            for end in equivalence.ends:
                yield host, end.index
            if equivalence_applies(equivalence, certificate):
                agreement_ids.add(equivalence.agreement_id)
    for agreement_id in agreement_ids & facts.agreements.keys():
        history = facts.agreements[agreement_id]
        for version in history.versions:
            yield version.author, version.index
        for said in history.words:
            yield said.province, said.index
