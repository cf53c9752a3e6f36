"""What an author's registry log says of its schemes and certificates, while a run is taken in.

The half of ``CertificationState`` that is about the author as issuer: schemes, certificates and
their life. The other half, what hosts recognise, is with the projector.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import Connection, func, insert, select

from deltacare.schemes import Scheme, scheme_on
from deltacare.v1.entry_pb2 import (
    Certificate,
    CertificateAddition,
    CertificateReinstatement,
    CertificateRenewal,
    CertificateRevocation,
    CertificateSuspension,
    CertificationScheme,
    Entry,
)
from server.certification.bodies import (
    read_addition,
    read_certificate,
    read_dated_word,
    read_renewal,
    read_scheme,
    read_suspension,
)
from server.certification.chains import Chain, read_chains
from server.certification.lifecycle import (
    judge_addition,
    judge_certificate,
    judge_reinstatement,
    judge_renewal,
    judge_restriction,
)
from server.certification.scheme_bodies import scheme_of
from server.certification.scheme_rules import (
    judge_prolonged,
    judge_statement,
    judge_under_scheme,
    prolonged_from,
)
from server.certification.scheme_store import read_schemes
from server.certification.standing import certificate_standing
from server.certification.store import history_of, read_histories
from server.certification.tables import certificate_events, certificates, schemes
from server.certification.values import (
    CertificateEventSaid,
    CertificateHistory,
    CertificateStanding,
    EventKind,
)
from server.log.ports import Sequenced
from server.registry.bodies import is_readable
from server.registry.rulebook import Rule
from server.registry.rules import G02_UNREADABLE
from server.registry.store import institutions_stated
from server.registry.values import Reach

__all__ = ["EVENTS", "LIFE_BODIES", "LifeState"]

# A log's own rules see all of it that there is.
_ALL = Reach(restrict_size=2**63 - 1, permit_size=2**63 - 1)

EVENTS = {
    "certificate_renewal": EventKind.RENEWED,
    "certificate_suspension": EventKind.SUSPENDED,
    "certificate_reinstatement": EventKind.REINSTATED,
    "certificate_revocation": EventKind.REVOKED,
    "certificate_addition": EventKind.ADDED,
}
"""Kind of event by body."""

LIFE_BODIES = frozenset({"certificate", "certification_scheme", *EVENTS})
"""Bodies that this half is about."""

_CHAINED = frozenset({"certificate_renewal", "certificate_addition"})

_Event = (
    CertificateRenewal
    | CertificateSuspension
    | CertificateReinstatement
    | CertificateRevocation
    | CertificateAddition
)


class LifeState:
    """Schemes, certificates and their life in one author's log so far.

    Args:
        connection: of the transaction.
        author: whose registry log it is.
        entries: those to come, so that what they refer to is read at once; others are passed over.
    """

    def __init__(self, connection: Connection, author: str, entries: Iterable[Entry]) -> None:
        self._connection = connection
        self._author = author
        self._rows: dict[str, list[dict[str, Any]]] = {}
        self._status_index: int | None = None
        # Of the lines that grew in this run.
        self._line_sizes: dict[str, int] = {}
        numbers: set[str] = set()
        chained: set[str] = set()
        names: set[str] = set()
        institution_ids: set[str] = set()
        for entry in entries:
            name = entry.WhichOneof("body")
            if name not in LIFE_BODIES:
                continue
            body = getattr(entry, name)
            if name != "certification_scheme":
                numbers.add(body.certificate_no)
            if name == "certificate":
                names.add(body.scheme)
                institution_ids.add(body.institution_id)
                if body.predecessor_no:
                    numbers.add(body.predecessor_no)
            elif name in _CHAINED:
                chained.add(body.certificate_no)
        self._histories: dict[str, CertificateHistory] = read_histories(connection, numbers)
        self._chains: dict[str, Chain] = read_chains(connection, chained)
        names.update(
            self._histories[number].scheme for number in chained if number in self._histories
        )
        self._schemes: dict[str, tuple[Scheme, ...]] = read_schemes(connection, author, names)
        # A log is projected in its order, so what is there now was said before all of the run.
        self._institutions = institutions_stated(connection, author, institution_ids - {""})
        self._judges: dict[str, Callable[[Any], Rule | None]] = {
            "certification_scheme": self._judge_scheme,
            "certificate": self._judge_certificate,
            "certificate_renewal": self._judge_renewal,
            "certificate_suspension": self._judge_suspension,
            "certificate_reinstatement": self._judge_reinstatement,
            "certificate_revocation": self._judge_revocation,
            "certificate_addition": self._judge_addition,
        }

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

    def judge(self, name: str, body: Any) -> Rule | None:  # noqa: ANN401  # one of the bodies
        """Return the first rule that a body of this half breaks."""
        return self._judges[name](body)

    def _standing(self, certificate_no: str) -> CertificateStanding | None:
        history = self._histories.get(certificate_no)
        return None if history is None else certificate_standing(history, _ALL)

    def _line_size(self, certificate: CertificateHistory | None) -> int:
        """Return how many certificates the line of one has so far."""
        if certificate is None:
            return 0
        return self._line_sizes.get(certificate.line_no, len(certificate.line) + 1)

    def _scheme_on(self, name: str, day: date) -> Scheme | None:
        return scheme_on(self._schemes.get(name, ()), name, day)

    def _judge_scheme(self, body: CertificationScheme) -> Rule | None:
        if not is_readable(read_scheme, body):
            return G02_UNREADABLE
        return judge_statement(self._author, scheme_of(body))

    def _judge_certificate(self, body: Certificate) -> Rule | None:
        if not is_readable(read_certificate, body):
            return G02_UNREADABLE
        rule = judge_certificate(
            self._author,
            body,
            taken=body.certificate_no in self._histories,
            predecessor=(before := self._histories.get(body.predecessor_no)),
            institution_stated=body.institution_id in self._institutions,
            line_size=self._line_size(before),
        )
        if rule is not None:
            return rule
        scheme = self._scheme_on(body.scheme, date.fromisoformat(body.valid_from_date))
        return judge_under_scheme(self._author, body, scheme=scheme)

    def _judge_renewal(self, body: CertificateRenewal) -> Rule | None:
        if not is_readable(read_renewal, body):
            return G02_UNREADABLE
        standing = self._standing(body.certificate_no)
        chain = self._chains.get(body.certificate_no)
        last_hash = b"" if chain is None else chain.last_hash
        rule = judge_renewal(self._author, body, standing=standing, last_hash=last_hash)
        if rule is not None:
            return rule
        assert standing is not None, "an unknown certificate broke a rule"
        assert chain is not None, "a known certificate has a chain"
        certificate = standing.history
        return judge_prolonged(
            subject=certificate.subject,
            grade=certificate.grade,
            valid_until=standing.valid_until_date,
            new_until=body.valid_until_date,
            hours=chain.hours_with(body),
            scheme=self._scheme_on(certificate.scheme, prolonged_from(standing.valid_until_date)),
        )

    def _judge_suspension(self, body: CertificateSuspension) -> Rule | None:
        if not is_readable(read_suspension, body):
            return G02_UNREADABLE
        return self._judge_restriction(body)

    def _judge_restriction(
        self, body: CertificateSuspension | CertificateRevocation
    ) -> Rule | None:
        return judge_restriction(
            self._author,
            body.certificate_no,
            day=date.fromisoformat(body.effective_date),
            standing=self._standing(body.certificate_no),
        )

    def _judge_reinstatement(self, body: CertificateReinstatement) -> Rule | None:
        if not is_readable(read_dated_word, body):
            return G02_UNREADABLE
        return judge_reinstatement(self._author, body, standing=self._standing(body.certificate_no))

    def _judge_revocation(self, body: CertificateRevocation) -> Rule | None:
        if not is_readable(read_dated_word, body):
            return G02_UNREADABLE
        return self._judge_restriction(body)

    def _judge_addition(self, body: CertificateAddition) -> Rule | None:
        if not is_readable(read_addition, body):
            return G02_UNREADABLE
        return judge_addition(self._author, body, standing=self._standing(body.certificate_no))

    def apply(self, item: Sequenced, name: str, body: Any) -> None:  # noqa: ANN401  # as above
        """Take in a body of this half that breaks no rule."""
        if name == "certification_scheme":
            self._apply_scheme(item.index, body)
        elif name == "certificate":
            self._apply_certificate(item, body)
        else:
            self._apply_event(item, EVENTS[name], body)

    def _add(self, table: str, row: dict[str, Any]) -> None:
        self._rows.setdefault(table, []).append(row)

    def _apply_scheme(self, index: int, body: CertificationScheme) -> None:
        scheme = scheme_of(body)
        self._schemes[scheme.name] = (*self._schemes.get(scheme.name, ()), scheme)
        self._add(
            "schemes",
            {
                "author": self._author,
                "log_index": index,
                "scheme": body.scheme,
                "from_date": body.from_date,
                "body": body.SerializeToString(deterministic=True),
            },
        )

    def _next_status_index(self) -> int:
        """Return the place in status lists of the next certificate, and count it."""
        if self._status_index is None:
            newest = self._connection.execute(
                select(func.max(certificates.c.status_index)).where(
                    certificates.c.author == self._author
                )
            ).scalar_one()
            self._status_index = -1 if newest is None else newest
        self._status_index += 1
        return self._status_index

    def _apply_certificate(self, item: Sequenced, body: Certificate) -> None:
        before = self._histories.get(body.predecessor_no)
        line_no = body.certificate_no if before is None else before.line_no
        self._line_sizes[line_no] = self._line_size(before) + 1
        self._histories[body.certificate_no] = history_of(
            self._author, item.index, body, line_no=line_no
        )
        self._chains[body.certificate_no] = Chain.issued(self._author, item.leaf_hash, body)
        self._add(
            "certificates",
            {
                "certificate_no": body.certificate_no,
                "author": self._author,
                "log_index": item.index,
                "leaf_hash": item.leaf_hash,
                "status_index": self._next_status_index(),
                "institution_id": body.institution_id,
                "predecessor_no": body.predecessor_no,
                "line_no": line_no,
                "body": body.SerializeToString(deterministic=True),
            },
        )

    def _apply_event(self, item: Sequenced, kind: EventKind, body: _Event) -> None:
        number = body.certificate_no
        # Only some have a first day or a reason; only a renewal and a suspension have a last day.
        effective = getattr(body, "effective_date", "")
        until = getattr(body, "until_date", "") or getattr(body, "valid_until_date", "")
        reason = getattr(body, "reason", "")
        if isinstance(body, CertificateAddition):
            self._chains[number] = self._chains[number].added(body)
        else:
            event = CertificateEventSaid(
                index=item.index,
                kind=kind,
                effective_date=date.fromisoformat(effective) if effective else None,
                until_date=date.fromisoformat(until) if until else None,
                reason=reason,
            )
            history = self._histories[number]
            self._histories[number] = replace(history, events=(*history.events, event))
        if isinstance(body, CertificateRenewal):
            self._chains[number] = self._chains[number].renewed(item.leaf_hash, body)
        self._add(
            "events",
            {
                "author": self._author,
                "log_index": item.index,
                "leaf_hash": item.leaf_hash,
                "certificate_no": number,
                "kind": int(kind),
                "effective_date": effective or None,
                "until_date": until or None,
                "reason": reason,
                "body": body.SerializeToString(deterministic=True),
            },
        )

    def flush(self) -> None:
        """Write what was taken in."""
        for name, table in (
            ("schemes", schemes),
            ("certificates", certificates),
            ("events", certificate_events),
        ):
            if name in self._rows:
                self._connection.execute(insert(table), self._rows[name])
