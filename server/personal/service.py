"""PersonalService: what a node keeps of persons, at the author of their certificates.

Thin: reads are of the vault, writes go through the sequencer, so that a repetition gets its first
answer and an erasure is one transaction with its entry. No answer that is kept, no error and no
line of the node's own log holds a value.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from google.protobuf.message import Message
from sqlalchemy import Connection

from deltacare.errors import FieldViolation, Reason, Refusal, ViolationCollector
from deltacare.ids import CertificateNumber, LogName
from deltacare.times import business_date
from deltacare.v1.entry_pb2 import Entry, Erased
from deltacare.v1.personal_service_pb2 import (
    CompareIdentityRequest,
    CompareIdentityResponse,
    DisclosePersonalDataRequest,
    DisclosePersonalDataResponse,
    ErasePersonalDataRequest,
    ErasePersonalDataResponse,
    ListDisclosuresRequest,
    ListDisclosuresResponse,
    PersonalDisclosure,
    PersonalValues,
    PutPersonalDataRequest,
    PutPersonalDataResponse,
)
from deltacare.v1.types_pb2 import EntryRef
from server.audit.projector import disclosures_of
from server.edge.call import Call
from server.log.ports import AppendedRun, LogReader, LogTx, Sequencer, Write
from server.personal.compare import Comparer
from server.personal.names import NameCheck
from server.personal.ports import CertificateBook
from server.personal.requests import (
    parse_subject_ref,
    read_disclosure,
    read_own_numbers,
    read_records,
    require_known,
)
from server.personal.rules import ERASED_CERTIFICATES_MAX, P08_BARRED
from server.personal.vault import Vault
from server.registry.fields import read_page_size, read_reason
from server.registry.paging import next_token, read_token
from server.registry.requests import appended, begin_write, new_entry, require_own, submit
from server.store.database import Database

__all__ = ["BarredStill", "PersonalServicer"]

BarredStill = Callable[[Connection, Collection[str], date], Collection[str]]
"""Which own certificates' holders a measure bars on a day or after it; the room above knows."""

_BARRED_REMEDY = (
    "Wait until it has ended, or lift it with deltacare supervision lift if it was wrong; see "
    "deltacare supervision list."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Erasing:
    """Whom and what an erasure destroys.

    Attributes:
        certificate_nos: certificates, ascending.
        tags: of the persons, ascending.
    """

    certificate_nos: tuple[str, ...]
    tags: tuple[bytes, ...]


class PersonalServicer:
    """The service at one province's node.

    Args:
        own: the province.
        database: rows.
        sequencer: appends to own logs.
        reader: reads the audit log.
        vault: the vault.
        book: certificates and salts.
        comparer: compares identity numbers.
        barred_still: whose erasure has to wait.
        on_destroyed: called when something was destroyed, so that it is wiped.
    """

    def __init__(
        self,
        *,
        own: str,
        database: Database,
        sequencer: Sequencer,
        reader: LogReader,
        vault: Vault,
        book: CertificateBook,
        comparer: Comparer,
        barred_still: BarredStill,
        on_destroyed: Callable[[], None],
    ) -> None:
        self._own = own
        self._database = database
        self._sequencer = sequencer
        self._reader = reader
        self._vault = vault
        self._book = book
        self._comparer = comparer
        self._barred_still = barred_still
        self._on_destroyed = on_destroyed

    async def put_personal_data(
        self, request: PutPersonalDataRequest, call: Call
    ) -> PutPersonalDataResponse:
        """Put or replace values of persons; appends to no log."""
        require_own(call, self._own)
        bad = ViolationCollector()
        request_id = begin_write(request.request_id, request.duty, bad)
        records = read_records(request.records, bad, own=self._own)
        bad.raise_if_any()

        def decide(tx: LogTx) -> Sequence[tuple[LogName, Iterable[Entry]]]:
            numbers = sorted({number for each in records for number in each.certificate_nos})
            require_known(self._book.places(tx.connection, self._own, numbers), numbers)
            NameCheck(own=self._own, vault=self._vault, book=self._book).require(
                tx.connection, records
            )
            return []

        def answer(tx: LogTx, _runs: Sequence[AppendedRun]) -> Message:
            created = sum(
                self._vault.keep(
                    tx, each.subject_ref, each.given, each.certificate_nos, request_id=request_id
                )
                for each in records
            )
            return PutPersonalDataResponse(
                created_count=created, updated_count=len(records) - created
            )

        data = await self._sequencer.submit(
            Write(
                caller=call.caller,
                method=call.method,
                request_id=request_id,
                content=request.SerializeToString(deterministic=True),
                decide=decide,
                answer=answer,
                is_personal=True,
            )
        )
        return PutPersonalDataResponse.FromString(data)

    async def disclose_personal_data(
        self, request: DisclosePersonalDataRequest, call: Call
    ) -> DisclosePersonalDataResponse:
        """Disclose values of one person; the edge makes that durable before they leave."""
        require_own(call, self._own)
        subject_ref, certificate_no, fields, basis = read_disclosure(request, own=self._own)

        def read(connection: Connection) -> tuple[str, dict[str, str]] | None:
            holder = subject_ref or self._vault.holder_of(connection, certificate_no)
            if holder is None or not self._vault.is_known(connection, holder):
                return None
            return holder, self._vault.values_of(connection, holder, fields)

        found = await self._database.read(read)
        if found is None:
            raise _nothing_kept()
        holder, values = found
        call.disclose_person(holder, (f for f in fields if f in values), legal_basis=basis)
        return DisclosePersonalDataResponse(
            subject_ref=holder,
            values=PersonalValues(
                holder_name=values.get("holder_name", ""),
                identity_number=values.get("identity_number", ""),
                phone=values.get("phone", ""),
            ),
        )

    async def compare_identity(
        self, request: CompareIdentityRequest, call: Call
    ) -> CompareIdentityResponse:
        """Say whether an identity number is the holder's; noted as a disclosure of that."""
        bad = ViolationCollector()
        number = bad.take(CertificateNumber.parse, request.certificate_no, field="certificate_no")
        if number is not None and number.issuer != self._own:
            bad.note("certificate_no", str(number), "The certificate is of another province.")
        bad.raise_if_any()
        is_same = await self._comparer.same_here(
            str(number), request.identity_number, caller=call.caller.province
        )
        holder = await self._database.read(
            lambda connection: self._vault.holder_of(connection, str(number))
        )
        if holder is not None:
            call.disclose_person(holder, ("identity_number",))
        return CompareIdentityResponse(same=is_same)

    async def list_disclosures(
        self, request: ListDisclosuresRequest, call: Call
    ) -> ListDisclosuresResponse:
        """Return to whom values of a person were disclosed, in the order of the audit log."""
        require_own(call, self._own)
        bad = ViolationCollector()
        bad.take(parse_subject_ref, request.subject_ref, field="subject_ref")
        size = read_page_size(request.page_size, bad)
        question = f"disclosures {request.subject_ref}".encode()
        after = read_token(request.page_token, question, bad)
        bad.raise_if_any()
        log = LogName.audit(self._own)

        def read(connection: Connection) -> list[tuple[int, bytes]]:
            places = disclosures_of(
                connection,
                self._own,
                request.subject_ref,
                after_index=int(after) if after else -1,
                limit=size + 1,
            )
            return [(i, self._reader.entries(connection, log, i, i + 1)[0]) for i in places]

        found = await self._database.read(read)
        response = ListDisclosuresResponse(
            disclosures=[_disclosure(log, index, data) for index, data in found[:size]]
        )
        if len(found) > size:
            response.next_page_token = next_token(question, str(found[size - 1][0]))
        return response

    async def erase_personal_data(
        self, request: ErasePersonalDataRequest, call: Call
    ) -> ErasePersonalDataResponse:
        """Destroy a person's values, key and salts, and say so to every partner."""
        require_own(call, self._own)
        bad = ViolationCollector()
        request_id = begin_write(request.request_id, request.duty, bad)
        if request.subject_ref:
            bad.take(parse_subject_ref, request.subject_ref, field="subject_ref")
        elif not request.certificate_nos:
            bad.note("subject_ref", "", "Name the person, or certificates.")
        if len(request.certificate_nos) > ERASED_CERTIFICATES_MAX:
            bad.note(
                "certificate_nos",
                len(request.certificate_nos),
                f"At most {ERASED_CERTIFICATES_MAX:,} are erased at once.",
            )
        given = read_own_numbers(request.certificate_nos, "certificate_nos", bad, own=self._own)
        read_reason(request.reason, "reason", bad)
        bad.raise_if_any()
        erasing = _Erasing(certificate_nos=(), tags=())

        def decide(tx: LogTx) -> Sequence[Entry]:
            nonlocal erasing
            erasing = self._find(tx, request.subject_ref, given)
            self._require_unbarred(tx, erasing.certificate_nos, business_date(call.now))
            numbers, tags = erasing.certificate_nos, erasing.tags
            return [
                new_entry(
                    request.duty,
                    erased=Erased(
                        certificate_nos=numbers[start : start + ERASED_CERTIFICATES_MAX],
                        person_tags=tags[start : start + ERASED_CERTIFICATES_MAX],
                        reason=request.reason,
                    ),
                )
                for start in range(0, max(len(numbers), len(tags)), ERASED_CERTIFICATES_MAX)
            ]

        def answer(_tx: LogTx, run: AppendedRun) -> ErasePersonalDataResponse:
            # The entries have destroyed whom they name.
            return ErasePersonalDataResponse(
                appended=appended(run), certificate_nos=erasing.certificate_nos
            )

        response = await submit(
            self._sequencer,
            call,
            request,
            request_id,
            log=LogName.registry(self._own),
            decide=decide,
            answer=answer,
            response=ErasePersonalDataResponse,
        )
        self._on_destroyed()
        return response

    def _find(self, tx: LogTx, subject_ref: str, given: Sequence[str]) -> _Erasing:
        """Return whom and what an erasure is about: all that hangs together.

        Raises:
            Refusal: ``NOT_FOUND``, if nothing is kept or a certificate is in no log.
        """
        connection = tx.connection
        require_known(self._book.places(connection, self._own, given), given)
        persons = {subject_ref} if subject_ref else set()
        holders = (self._vault.holder_of(connection, number) for number in given)
        persons.update(holder for holder in holders if holder is not None)
        persons = {each for each in persons if self._vault.is_known(connection, each)}
        numbers = set(given).union(*(self._vault.held_by(connection, each) for each in persons))
        numbers -= self._vault.erased(connection, self._own, numbers)
        if not persons and not numbers:
            raise _nothing_kept()
        return _Erasing(
            certificate_nos=tuple(sorted(numbers)),
            tags=tuple(sorted(self._vault.tags_of(connection, persons))),
        )

    def _require_unbarred(self, tx: LogTx, numbers: Sequence[str], today: date) -> None:
        """Refuse to erase whom a measure bars: who could be certified anew, unrecognised.

        Raises:
            Refusal: P08, with every certificate that it is about.
        """
        barred = sorted(self._barred_still(tx.connection, numbers, today))
        if not barred:
            return
        refusal = P08_BARRED.refusal(barred[0])
        raise Refusal(
            refusal.reason,
            refusal.message,
            details=refusal.details,
            violations=[
                FieldViolation(
                    field="certificate_nos",
                    value=number,
                    description=f"{P08_BARRED.code}: {P08_BARRED.en}",
                    remedy=_BARRED_REMEDY,
                )
                for number in barred
            ],
        )


def _nothing_kept() -> Refusal:
    """Return the refusal of who asks for a person of whom nothing is kept, without naming it."""
    return Refusal(
        Reason.NOT_FOUND,
        "Nothing is kept of this person: it was never put, or it was erased.",
    )


def _disclosure(log: LogName, index: int, data: bytes) -> PersonalDisclosure:
    """Return an entry of the audit log as the person reads it."""
    entry = Entry.FromString(data)
    body = entry.disclosure
    return PersonalDisclosure(
        entry_time=entry.entry_time,
        province=body.province,
        role=body.role,
        principal=body.principal,
        purpose=body.purpose,
        legal_basis=body.legal_basis,
        fields=body.fields,
        entry=EntryRef(log=str(log), index=index),
    )
