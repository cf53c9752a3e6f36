"""Turns certification entries into rows: certificates, their life, equivalences, recognition.

A run of entries is judged in order against what the run itself and the rows before it say, then
written in a few statements. What breaks a rule is recorded as void and leaves no row. Depends on
nothing but the entries of this log and the rows that came from it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from deltacare.ids import LogKind, LogName
from deltacare.v1.entry_pb2 import (
    Certificate,
    CertificateReinstatement,
    CertificateRenewal,
    CertificateRevocation,
    CertificateSuspension,
    Entry,
    Equivalence,
    EquivalenceEnd,
    RecognitionResumption,
    RecognitionSuspension,
)
from server.certification.bodies import (
    DatedWord,
    read_certificate,
    read_dated_word,
    read_equivalence,
    read_equivalence_end,
    read_renewal,
    read_suspension,
)
from server.certification.lifecycle import (
    judge_certificate,
    judge_equivalence,
    judge_equivalence_end,
    judge_reinstatement,
    judge_renewal,
    judge_restriction,
    judge_resumption,
    judge_suspended_recognition,
)
from server.certification.standing import certificate_standing, recognition_suspensions
from server.certification.store import history_of, read_histories, read_recognitions
from server.certification.tables import (
    certificate_events,
    certificates,
    equivalences,
    recognitions,
)
from server.certification.values import (
    CertificateEventSaid,
    CertificateHistory,
    CertificateStanding,
    EventKind,
    RecognitionSaid,
)
from server.log.ports import LogTx, Sequenced
from server.registry.bodies import is_readable
from server.registry.rulebook import Rule
from server.registry.rules import G01_NOT_REGISTRY, G02_UNREADABLE
from server.registry.store import chunks
from server.registry.values import Reach

__all__ = ["CertificationProjector", "CertificationState"]

# A log's own rules see all of it that there is.
_ALL = Reach(restrict_size=2**63 - 1, permit_size=2**63 - 1)

_EVENTS = {
    "certificate_renewal": EventKind.RENEWED,
    "certificate_suspension": EventKind.SUSPENDED,
    "certificate_reinstatement": EventKind.REINSTATED,
    "certificate_revocation": EventKind.REVOKED,
}
_RECOGNITION = {"recognition_suspension": True, "recognition_resumption": False}


class CertificationState:
    """What an author's registry log says so far, and what a run of entries adds to it.

    Lives in one transaction. ``judge`` says what an entry breaks, ``apply`` takes in one that
    breaks nothing, ``flush`` writes all that was taken in.

    Args:
        connection: of the transaction.
        author: whose registry log it is.
        entries: those to come, so that what they refer to is read at once.
    """

    def __init__(self, connection: Connection, author: str, entries: Iterable[Entry]) -> None:
        self._connection = connection
        self._author = author
        self._rows: dict[str, list[dict[str, Any]]] = {}
        numbers: set[str] = set()
        recognised: set[str] = set()
        declared: set[str] = set()
        for entry in entries:
            name = entry.WhichOneof("body")
            assert name is not None, "the log room gives a projector its own bodies"
            body = getattr(entry, name)
            if name in _RECOGNITION:
                recognised.add(body.certificate_no)
            elif name in ("equivalence", "equivalence_end"):
                declared.add(body.equivalence_id)
            else:
                numbers.add(body.certificate_no)
        self._histories: dict[str, CertificateHistory] = read_histories(connection, numbers)
        self._recognitions: dict[str, tuple[RecognitionSaid, ...]] = {
            number: words
            for (host, number), words in read_recognitions(connection, recognised).items()
            if host == author
        }
        self._equivalences = self._read_equivalences(declared)
        self._judges: dict[str, Callable[[Any], Rule | None]] = {
            "certificate": self._judge_certificate,
            "certificate_renewal": self._judge_renewal,
            "certificate_suspension": self._judge_suspension,
            "certificate_reinstatement": self._judge_reinstatement,
            "certificate_revocation": self._judge_revocation,
            "equivalence": self._judge_equivalence,
            "equivalence_end": self._judge_equivalence_end,
            "recognition_suspension": self._judge_recognition_suspension,
            "recognition_resumption": self._judge_resumption,
        }

    def _read_equivalences(self, ids: Iterable[str]) -> dict[str, bool]:
        """Return whether each equivalence was ended, by id."""
        found: dict[str, bool] = {}
        for some in chunks(ids):
            query = select(equivalences.c.equivalence_id, equivalences.c.ended_index).where(
                equivalences.c.equivalence_id.in_(some)
            )
            for equivalence_id, ended_index in self._connection.execute(query):
                found[equivalence_id] = ended_index is not None
        return found

    def _standing(self, certificate_no: str) -> CertificateStanding | None:
        history = self._histories.get(certificate_no)
        return None if history is None else certificate_standing(history, _ALL)

    def scheme_of(self, entry: Entry) -> str | None:
        """Return the scheme under which an entry issues or renews; ``None`` if it does neither.

        The entry broke no rule.
        """
        match entry.WhichOneof("body"):
            case "certificate":
                return entry.certificate.scheme
            case "certificate_renewal":
                return self._histories[entry.certificate_renewal.certificate_no].scheme
        return None

    def judge(self, entry: Entry) -> Rule | None:
        """Return the first rule that an entry breaks."""
        name = entry.WhichOneof("body")
        assert name is not None, "the log room gives a projector its own bodies"
        return self._judges[name](getattr(entry, name))

    def _judge_certificate(self, body: Certificate) -> Rule | None:
        if not is_readable(read_certificate, body):
            return G02_UNREADABLE
        return judge_certificate(self._author, body, taken=body.certificate_no in self._histories)

    def _judge_renewal(self, body: CertificateRenewal) -> Rule | None:
        if not is_readable(read_renewal, body):
            return G02_UNREADABLE
        return judge_renewal(self._author, body, standing=self._standing(body.certificate_no))

    def _judge_suspension(self, body: CertificateSuspension) -> Rule | None:
        if not is_readable(read_suspension, body):
            return G02_UNREADABLE
        standing = self._standing(body.certificate_no)
        return judge_restriction(self._author, body.certificate_no, standing=standing)

    def _judge_reinstatement(self, body: CertificateReinstatement) -> Rule | None:
        if not is_readable(read_dated_word, body):
            return G02_UNREADABLE
        return judge_reinstatement(self._author, body, standing=self._standing(body.certificate_no))

    def _judge_revocation(self, body: CertificateRevocation) -> Rule | None:
        if not is_readable(read_dated_word, body):
            return G02_UNREADABLE
        standing = self._standing(body.certificate_no)
        return judge_restriction(self._author, body.certificate_no, standing=standing)

    def _judge_recognition_suspension(self, body: RecognitionSuspension) -> Rule | None:
        if not is_readable(read_dated_word, body):
            return G02_UNREADABLE
        return judge_suspended_recognition(self._author, body.certificate_no)

    def _judge_equivalence(self, body: Equivalence) -> Rule | None:
        if not is_readable(read_equivalence, body):
            return G02_UNREADABLE
        return judge_equivalence(
            self._author, body, taken=body.equivalence_id in self._equivalences
        )

    def _judge_equivalence_end(self, body: EquivalenceEnd) -> Rule | None:
        if not is_readable(read_equivalence_end, body):
            return G02_UNREADABLE
        return judge_equivalence_end(
            self._author,
            body.equivalence_id,
            known=body.equivalence_id in self._equivalences,
            ended=self._equivalences.get(body.equivalence_id, False),
        )

    def _judge_resumption(self, body: RecognitionResumption) -> Rule | None:
        if not is_readable(read_dated_word, body):
            return G02_UNREADABLE
        words = self._recognitions.get(body.certificate_no, ())
        return judge_resumption(
            self._author,
            body.certificate_no,
            day=date.fromisoformat(body.effective_date),
            suspensions=recognition_suspensions(words, _ALL),
        )

    def apply(self, item: Sequenced) -> None:
        """Take in an entry that breaks no rule."""
        name = item.entry.WhichOneof("body")
        assert name is not None, "an entry that was judged says something"
        body = getattr(item.entry, name)
        if name == "certificate":
            self._apply_certificate(item.index, body)
        elif name in _EVENTS:
            self._apply_event(item.index, _EVENTS[name], body)
        elif name == "equivalence":
            self._apply_equivalence(item.index, body)
        elif name == "equivalence_end":
            self._apply_equivalence_end(item.index, body)
        else:
            self._apply_recognition(item.index, body, is_suspension=_RECOGNITION[name])

    def _add(self, table: str, row: dict[str, Any]) -> None:
        self._rows.setdefault(table, []).append(row)

    def _apply_certificate(self, index: int, body: Certificate) -> None:
        self._histories[body.certificate_no] = history_of(self._author, index, body)
        self._add(
            "certificates",
            {
                "certificate_no": body.certificate_no,
                "author": self._author,
                "log_index": index,
                "institution_id": body.institution_id,
                "body": body.SerializeToString(deterministic=True),
            },
        )

    def _apply_event(
        self, index: int, kind: EventKind, body: CertificateRenewal | CertificateSuspension
    ) -> None:
        # A renewal has no first day and no reason, and only it and a suspension have a last day.
        effective = getattr(body, "effective_date", "")
        until = getattr(body, "until_date", "") or getattr(body, "valid_until_date", "")
        event = CertificateEventSaid(
            index=index,
            kind=kind,
            effective_date=date.fromisoformat(effective) if effective else None,
            until_date=date.fromisoformat(until) if until else None,
            reason=getattr(body, "reason", ""),
        )
        history = self._histories[body.certificate_no]
        self._histories[body.certificate_no] = replace(history, events=(*history.events, event))
        self._add(
            "events",
            {
                "author": self._author,
                "log_index": index,
                "certificate_no": body.certificate_no,
                "kind": int(kind),
                "effective_date": effective or None,
                "until_date": until or None,
                "reason": event.reason,
            },
        )

    def _apply_equivalence(self, index: int, body: Equivalence) -> None:
        self._equivalences[body.equivalence_id] = False
        self._add(
            "equivalences",
            {
                "equivalence_id": body.equivalence_id,
                "author": self._author,
                "log_index": index,
                "body": body.SerializeToString(deterministic=True),
                "ended_index": None,
                "ended_date": None,
            },
        )

    def _apply_equivalence_end(self, index: int, body: EquivalenceEnd) -> None:
        self._equivalences[body.equivalence_id] = True
        self._add(
            "ends",
            {
                "old_id": body.equivalence_id,
                "new_index": index,
                "new_date": body.effective_date,
            },
        )

    def _apply_recognition(self, index: int, body: DatedWord, *, is_suspension: bool) -> None:
        word = RecognitionSaid(
            host=self._author,
            index=index,
            is_suspension=is_suspension,
            effective_date=date.fromisoformat(body.effective_date),
            reason=body.reason,
        )
        number = body.certificate_no
        self._recognitions[number] = (*self._recognitions.get(number, ()), word)
        self._add(
            "recognitions",
            {
                "author": self._author,
                "log_index": index,
                "certificate_no": number,
                "is_suspension": is_suspension,
                "effective_date": body.effective_date,
                "reason": body.reason,
            },
        )

    def flush(self) -> None:
        """Write what was taken in: first what is new, then what ends it."""
        for name, table in (
            ("certificates", certificates),
            ("events", certificate_events),
            ("equivalences", equivalences),
            ("recognitions", recognitions),
        ):
            if name in self._rows:
                self._connection.execute(insert(table), self._rows[name])
        if "ends" in self._rows:
            self._connection.execute(
                update(equivalences)
                .where(equivalences.c.equivalence_id == bindparam("old_id"))
                .values(ended_index=bindparam("new_index"), ended_date=bindparam("new_date")),
                self._rows["ends"],
            )


class CertificationProjector:
    """Stores what certification entries say; implements the log room's ``Projector``."""

    bodies = frozenset({"certificate", "equivalence", "equivalence_end", *_EVENTS, *_RECOGNITION})

    def project(self, tx: LogTx, log: LogName, entries: Sequence[Sequenced]) -> None:
        """Judge and store consecutive entries of one log."""
        if log.kind is not LogKind.REGISTRY:
            for item in entries:
                tx.void(log, item.index, G01_NOT_REGISTRY.code)
            return
        state = CertificationState(tx.connection, log.author, (item.entry for item in entries))
        for item in entries:
            rule = state.judge(item.entry)
            if rule is None:
                state.apply(item)
            else:
                tx.void(log, item.index, rule.code)
        state.flush()

    def forget(self, tx: LogTx, log: LogName) -> None:
        """Delete every row that came from a log; salts came from none and stay."""
        if log.kind is LogKind.REGISTRY:
            for table in (certificates, certificate_events, equivalences, recognitions):
                tx.connection.execute(delete(table).where(table.c.author == log.author))
