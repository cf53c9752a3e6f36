"""Certificates of the own province: issuing them, their life, and reading any certificate.

Fields are validated all at once. A holder's name is used for its digest and then forgotten; it is
in no log, no error and no line of the node's own log.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress

import structlog

from deltacare.errors import FieldViolation, Reason, Refusal, ViolationCollector
from deltacare.ids import CertificateNumber, InstitutionId, parse_province
from deltacare.v1.certification_service_pb2 import (
    AddToCertificateRequest,
    AddToCertificateResponse,
    GetCertificateRequest,
    IssueCertificatesRequest,
    IssueCertificatesResponse,
    ListCertificatesRequest,
    ListCertificatesResponse,
    NewCertificate,
    RegisteredCertificate,
    ReinstateCertificateRequest,
    ReinstateCertificateResponse,
    RenewCertificateRequest,
    RenewCertificateResponse,
    RevokeCertificateRequest,
    RevokeCertificateResponse,
    SuspendCertificateRequest,
    SuspendCertificateResponse,
)
from deltacare.v1.entry_pb2 import (
    Certificate,
    CertificateAddition,
    CertificateRenewal,
    Entry,
)
from server.certification.barring import barred_issues
from server.certification.bodies import (
    HASH_BYTES,
    read_addition,
    read_dated_word,
    read_renewal,
    read_suspension,
)
from server.certification.chains import read_chains
from server.certification.lifecycle import (
    C15_SCHEME_NOT_STATED,
    C26_PREDECESSOR,
    C30_LINE_FULL,
    C31_HOLDER_BARRED,
    C32_INSTITUTION_NOT_STATED,
)
from server.certification.persons import Contradiction, PersonState
from server.certification.projector import CertificationState
from server.certification.requests import (
    read_new_certificates,
    refuse_personal_references,
)
from server.certification.room import Desk
from server.certification.scheme_rules import field_of
from server.certification.views import find_certificate, find_certificates
from server.edge.call import Call
from server.log.ports import AppendedRun, LogTx, Sequenced
from server.registry.fields import read_page_size
from server.registry.paging import next_token, read_token
from server.registry.requests import (
    appended,
    begin_write,
    new_entry,
    require_own,
    submit,
)
from server.registry.rulebook import Rule

__all__ = ["IssuingDesk"]

_NAME_PREFIX = "certificates/"

_log = structlog.get_logger("deltacare.certification")


class IssuingDesk(Desk):
    """Methods about certificates and their life."""

    async def issue_certificates(
        self, request: IssueCertificatesRequest, call: Call
    ) -> IssueCertificatesResponse:
        """Issue a batch: see the contract."""
        require_own(call, self._room.own)
        bad = ViolationCollector()
        request_id = begin_write(request.request_id, request.duty, bad)
        bodies, salts = read_new_certificates(request.certificates, bad, entropy=self._room.entropy)
        bad.raise_if_any()

        def decide(tx: LogTx) -> Sequence[Entry]:
            entries = [new_entry(request.duty, certificate=body) for body in bodies]
            state = CertificationState(tx.connection, self._room.own, entries)
            barred = barred_issues(
                tx.connection, self._room.own, request.certificates, self._room.vault
            )
            persons = PersonState(
                tx.connection,
                self._room.own,
                request.certificates,
                self._room.vault,
                self._room.salts,
            )
            refused: list[tuple[int, Rule, FieldViolation]] = []
            for position, entry in enumerate(entries):
                new = request.certificates[position]
                rule = self._judge(state, entry)
                if rule is None and position in barred:
                    rule = C31_HOLDER_BARRED
                if rule is not None:
                    shows = barred.get(position, "")
                    said = _violation(position, bodies[position], rule, shows)
                    refused.append((position, rule, said))
                elif (found := persons.judge(new)) is not None:
                    refused.append((position, found.rule, _contradicted(position, found)))
                else:  # a later one of the batch may follow it
                    state.apply(Sequenced(index=position, leaf_hash=b"", entry=entry))
                    persons.apply(new)
            if refused:
                place, first, _ = refused[0]
                raise Refusal(
                    first.reason,
                    f"{len(refused)} of {len(bodies)} certificates are refused; first: "
                    f"{first.code} ({bodies[place].certificate_no})",
                    details={"rule": first.code},
                    violations=[said for _, _, said in refused],
                )
            return entries

        def answer(tx: LogTx, run: AppendedRun) -> IssueCertificatesResponse:
            placed = {run.first_index + position: salt for position, salt in salts.items()}
            self._room.salts.write(tx, run.log, placed, request_id=request_id)
            self._keep_holders(tx, request.certificates)
            return IssueCertificatesResponse(appended=appended(run))

        response = await submit(
            self._room.sequencer,
            call,
            request,
            request_id,
            log=self._room.own_log,
            decide=decide,
            answer=answer,
            response=IssueCertificatesResponse,
            is_personal=bool(salts),
        )
        for each in request.certificates:
            if each.name_change_reason:
                _log.info(
                    "name_change_stated",
                    certificate_no=each.certificate.certificate_no,
                    reason=each.name_change_reason,
                )
        return response

    def _keep_holders(self, tx: LogTx, issued: Iterable[NewCertificate]) -> None:
        """Put those into the vault who are named by a reference."""
        for each in issued:
            if each.subject_ref and self._room.vault is not None:
                numbers = (each.certificate.certificate_no,)
                self._room.vault.put(
                    tx, each.subject_ref, each.holder_name, each.identity_number, numbers
                )

    async def renew_certificate(
        self, request: RenewCertificateRequest, call: Call
    ) -> RenewCertificateResponse:
        """Prolong a certificate of the own province."""
        return await self._say(
            request,
            call,
            body=("renewal", "certificate_renewal"),
            read=_read_renewal,
            response=RenewCertificateResponse,
            fill=self._fill_predecessor,
        )

    async def _fill_predecessor(self, renewal: CertificateRenewal) -> None:
        """Name the issue or renewal that a renewal prolongs as of now, if its caller names none.

        It is read before the write, so that of two who prolong one at once the second is refused.
        """
        if renewal.predecessor_hash:
            return
        renewal.predecessor_hash = bytes(HASH_BYTES)  # of an unknown number another rule speaks
        with suppress(Refusal):
            number = str(CertificateNumber.parse(renewal.certificate_no))
            chains = await self._room.database.read(lambda c: read_chains(c, (number,)))
            if number in chains:
                renewal.predecessor_hash = chains[number].last_hash

    async def add_to_certificate(
        self, request: AddToCertificateRequest, call: Call
    ) -> AddToCertificateResponse:
        """Add training, education or an award to a certificate of the own province."""
        return await self._say(
            request,
            call,
            body=("addition", "certificate_addition"),
            read=_read_addition,
            response=AddToCertificateResponse,
        )

    async def suspend_certificate(
        self, request: SuspendCertificateRequest, call: Call
    ) -> SuspendCertificateResponse:
        """Suspend a certificate of the own province."""
        return await self._say(
            request,
            call,
            body=("suspension", "certificate_suspension"),
            read=read_suspension,
            response=SuspendCertificateResponse,
        )

    async def reinstate_certificate(
        self, request: ReinstateCertificateRequest, call: Call
    ) -> ReinstateCertificateResponse:
        """End a suspension of a certificate of the own province."""
        return await self._say(
            request,
            call,
            body=("reinstatement", "certificate_reinstatement"),
            read=read_dated_word,
            response=ReinstateCertificateResponse,
        )

    async def revoke_certificate(
        self, request: RevokeCertificateRequest, call: Call
    ) -> RevokeCertificateResponse:
        """Revoke a certificate of the own province for good."""
        return await self._say(
            request,
            call,
            body=("revocation", "certificate_revocation"),
            read=read_dated_word,
            response=RevokeCertificateResponse,
        )

    async def get_certificate(
        self,
        request: GetCertificateRequest,
        call: Call,  # noqa: ARG002  # the shape of a method
    ) -> RegisteredCertificate:
        """Return a certificate with its whole history."""
        bad = ViolationCollector()
        text = request.name.removeprefix(_NAME_PREFIX)
        number = bad.take(CertificateNumber.parse, text, field="name")
        if number is not None and text == request.name:
            bad.note("name", request.name, "A name begins with certificates/.")
        bad.raise_if_any()
        found = await self._room.database.read(
            lambda connection: find_certificate(connection, str(number))
        )
        if found is None:
            raise Refusal(
                Reason.NOT_FOUND, f"No log has {request.name}.", details={"name": request.name}
            )
        return found

    async def list_certificates(
        self,
        request: ListCertificatesRequest,
        call: Call,  # noqa: ARG002  # the shape of a method
    ) -> ListCertificatesResponse:
        """Return a page of certificates by number."""
        bad = ViolationCollector()
        size = read_page_size(request.page_size, bad)
        if request.issuer:
            bad.take(parse_province, request.issuer, field="issuer")
        if request.institution_id:
            bad.take(InstitutionId.parse, request.institution_id, field="institution_id")
        question = f"certificates\0{request.issuer}\0{request.institution_id}".encode()
        after = read_token(request.page_token, question, bad)
        bad.raise_if_any()
        found = await self._room.database.read(
            lambda connection: find_certificates(
                connection,
                issuer=request.issuer,
                institution_id=request.institution_id,
                after=after,
                limit=size + 1,
            )
        )
        page = found[:size]
        return ListCertificatesResponse(
            certificates=page,
            next_page_token=(
                next_token(question, page[-1].certificate.certificate_no)
                if len(found) > size
                else ""
            ),
        )


def _read_renewal(body: CertificateRenewal, at: str, bad: ViolationCollector) -> None:
    read_renewal(body, at, bad)
    refuse_personal_references(body.references, f"{at}references", bad)


def _read_addition(body: CertificateAddition, at: str, bad: ViolationCollector) -> None:
    read_addition(body, at, bad)
    refuse_personal_references(body.references, f"{at}references", bad)


def _contradicted(position: int, found: Contradiction) -> FieldViolation:
    """Return what a certificate of a batch contradicts; nothing of a person is said back."""
    return FieldViolation(
        field=f"certificates[{position}].{found.field}",
        value="",
        description=f"{found.rule.code}: {found.rule.en}",
        remedy=found.remedy,
    )


def _violation(position: int, body: Certificate, rule: Rule, shows: str) -> FieldViolation:
    """Return what is wrong with one certificate of a batch.

    Args:
        position: its place.
        body: what would be issued.
        rule: that it breaks.
        shows: field that shows that its holder is barred; empty if that is not known.
    """
    if rule is C31_HOLDER_BARRED:
        # The reference of a person is not said back.
        value = body.predecessor_no if shows == "certificate.predecessor_no" else ""
        return FieldViolation(
            field=f"certificates[{position}].{shows}",
            value=value,
            description=f"{rule.code}: {rule.en}",
        )
    if rule is C15_SCHEME_NOT_STATED:
        name = "scheme"
    elif rule in (C26_PREDECESSOR, C30_LINE_FULL):
        name = "predecessor_no"
    elif rule is C32_INSTITUTION_NOT_STATED:
        name = "institution_id"
    else:
        name = field_of(rule)
    return FieldViolation(
        field=f"certificates[{position}].certificate.{name}",
        value=str(getattr(body, name)),
        description=f"{rule.code}: {rule.en}",
    )
