"""An entry of a registry log that was proved, and whether it bears on what a verdict was asked.

Whether it counts is not decided here: `clients.verify.recognition` does that.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from clients.verify.words import body_of
from deltacare.evidence import Place, VerdictRecord
from deltacare.v1.entry_pb2 import Entry

__all__ = ["SaidEntry", "bears_on", "line_of"]

_OF_ISSUER = frozenset(
    {
        "certificate_reinstatement",
        "certificate_renewal",
        "certificate_revocation",
        "certificate_suspension",
    }
)
_MEASURES = frozenset({"supervision_measure", "measure_lift"})
_OF_HOST = frozenset({"recognition_suspension", "recognition_resumption"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidEntry:
    """An entry that was proved.

    Attributes:
        place: Where it stands.
        leaf: Its leaf hash.
        entry: What it says.
    """

    place: Place
    leaf: bytes
    entry: Entry

    @property
    def author(self) -> str:
        """Province that says it."""
        return self.place.log.author

    @property
    def index(self) -> int:
        """Where it stands in its author's log."""
        return self.place.index

    @property
    def name(self) -> str:
        """Name of the body."""
        return body_of(self.entry)[0]

    @property
    def body(self) -> Any:  # noqa: ANN401  # any body
        """What is said."""
        return body_of(self.entry)[1]


def line_of(certificate_no: str, follows: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return a certificate and all others of its line: what it follows, and what follows these.

    Args:
        certificate_no: The certificate.
        follows: Certificates, each with the one that it names as its predecessor, or nothing.
    """
    beside: dict[str, set[str]] = {}
    for number, predecessor_no in follows:
        if predecessor_no:
            beside.setdefault(number, set()).add(predecessor_no)
            beside.setdefault(predecessor_no, set()).add(number)
    found, waiting = {certificate_no}, [certificate_no]
    while waiting:
        fresh = beside.get(waiting.pop(), set()) - found
        found |= fresh
        waiting += sorted(fresh)
    return frozenset(found)


def bears_on(  # noqa: PLR0911  # one for each kind of entry
    record: VerdictRecord,
    said: SaidEntry,
    agreements: Collection[str] | None,
    line: Collection[str] | None,
    institutions: Collection[str] | None,
) -> bool:
    """Whether its author may say an entry, and it speaks of what a verdict was asked.

    Args:
        record: The question.
        said: The entry.
        agreements: Ids of those that the host's equivalences name; ``None`` for any.
        line: Certificates of the same holder as the one asked about; ``None`` for any.
        institutions: Those that it is about; ``None`` for any.
    """
    name, body = said.name, said.body
    issuer, host = record.certificate_no[:6], record.host_province
    if name in _MEASURES:
        # Whom a measure is against is seen when all entries are looked at together.
        return said.author in (issuer, host) and bool(body.measure_id[:6] == said.author)
    if name == "certificate":
        # Others of its line show that a measure against them is against its holder.
        return said.author == issuer and (line is None or body.certificate_no in line)
    if name == "institution":
        return said.author == issuer and (
            institutions is None or body.institution_id in institutions
        )
    if name in _OF_ISSUER:
        return said.author == issuer and bool(body.certificate_no == record.certificate_no)
    if name in _OF_HOST:
        return said.author == host and bool(body.certificate_no == record.certificate_no)
    if name in ("equivalence", "equivalence_end"):
        return said.author == host and bool(body.equivalence_id[:6] == host)
    if name not in ("agreement", "agreement_answer"):
        return False
    if name == "agreement" and said.author != body.agreement_id[:6]:
        return False
    return agreements is None or body.agreement_id in agreements
