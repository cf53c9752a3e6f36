"""CredentialService: keys, phone forms, status lists and bundles of the own province.

Thin: what a list says is worked out in `status`, what a bundle says in `answers`. The phone form
holds its holder's name, so the call that makes it is personal: the edge notes it before it leaves.
"""

import json
from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Connection

from deltacare.credential.certificate import HOLDER_NAME, PhoneCertificate, mint_certificate
from deltacare.credential.jws import ALGORITHM, VerifyingKey
from deltacare.credential.names import LIST_NUMBER_MAX
from deltacare.credential.status_list import LIST_PLACES, compress_list
from deltacare.errors import PeerFault, Reason, Refusal, ViolationCollector, invalid_field
from deltacare.ids import CertificateNumber, LogName, parse_province
from deltacare.times import business_date, parse_date
from deltacare.trust import Trust
from deltacare.v1.credential_service_pb2 import (
    GetOfflineBundleRequest,
    GetOfflineBundleResponse,
    GetStatusListRequest,
    GetStatusListResponse,
    IssueCredentialRequest,
    IssueCredentialResponse,
    ListCredentialKeysRequest,
    ListCredentialKeysResponse,
    PublishCredentialKeyRequest,
    PublishCredentialKeyResponse,
    StatedCredentialKey,
)
from deltacare.v1.entry_pb2 import CredentialKey, Entry
from deltacare.v1.types_pb2 import EntryRef
from server.certification.checker import Checker
from server.certification.evidence import VerdictSigners
from server.certification.standing import certificate_standing
from server.certification.store import read_histories
from server.certification.values import CertificateStanding
from server.credential.answers import Answers
from server.credential.bundles import Bundles
from server.credential.keeper import StatusKeeper
from server.credential.keys import CredentialKeys
from server.credential.kinds import subject_name
from server.credential.mirror import Mirror
from server.credential.ports import HolderNames, NameBook, StatusListPeer
from server.credential.projector import judge_new_key
from server.credential.status import LiveLists, compute_list
from server.credential.store import ListStated, key_rows, last_list, status_indexes
from server.credential.tokens import OwnTokens, PartnerTokens
from server.edge.call import Call
from server.log.ports import AppendedRun, Clock, Entropy, LogReader, LogTx, Sequencer
from server.registry.requests import appended, begin_write, new_entry, require_own, submit
from server.registry.values import Reach
from server.store.database import Database

__all__ = ["CredentialServicer"]

_JWK_CHARS_MAX = 1_024


class CredentialServicer:
    """The service at one province's node.

    Args:
        own: the province.
        trust: members, and the age beyond which things are stale.
        database: rows.
        sequencer: appends to own logs.
        reader: how far each log is held.
        clock: the node's, for what runs beside the calls.
        entropy: draws salts.
        keys: sign phone forms and lists.
        signers: gives the key that signs bundles.
        checker: what is recognised, of the room of certification.
        vault: holders' names.
        book: names that certificates were issued to.
        peer: the way to partners' lists.
    """

    def __init__(
        self,
        *,
        own: str,
        trust: Trust,
        database: Database,
        sequencer: Sequencer,
        reader: LogReader,
        clock: Clock,
        entropy: Entropy,
        keys: CredentialKeys,
        signers: VerdictSigners,
        checker: Checker,
        vault: HolderNames,
        book: NameBook,
        peer: StatusListPeer,
    ) -> None:
        self._own = own
        self._trust = trust
        self._database = database
        self._sequencer = sequencer
        self._reader = reader
        self._entropy = entropy
        self._keys = keys
        self._vault = vault
        self._book = book
        lists = LiveLists(own=own, database=database, reader=reader)
        self._tokens = OwnTokens(own=own, trust=trust, database=database, lists=lists, keys=keys)
        partners = PartnerTokens(database=database, reader=reader, peer=peer)
        self._bundles = Bundles(
            own=own,
            trust=trust,
            database=database,
            reader=reader,
            signers=signers,
            answers=Answers(
                own=own, trust=trust, database=database, reader=reader, checker=checker
            ),
            mirror=Mirror(own=own, own_lists=lists, database=database, reader=reader),
            tokens=self._tokens,
            partners=partners,
        )
        self.keeper = StatusKeeper(
            own=own,
            trust=trust,
            sequencer=sequencer,
            clock=clock,
            entropy=entropy,
            lists=lists,
            partners=partners,
        )

    # --- Keys -------------------------------------------------------------------------------------

    async def publish_credential_key(
        self, request: PublishCredentialKeyRequest, call: Call
    ) -> PublishCredentialKeyResponse:
        """State the next key, or withdraw one."""
        require_own(call, self._own)
        bad = ViolationCollector()
        request_id = begin_write(request.request_id, request.duty, bad)
        withdrawn = request.withdraw_key_id
        today = business_date(call.now)
        first = bad.take(parse_date, request.from_date or today.isoformat(), field="from_date")
        last = (
            bad.take(parse_date, request.until_date, field="until_date")
            if request.until_date
            else None
        )
        if withdrawn and (request.from_date or request.until_date):
            bad.note("from_date", request.from_date, "A key that is withdrawn has no days.")
        if first is not None and first < today:
            bad.note("from_date", request.from_date, "A key signs nothing of days that are past.")
        if first is not None and last is not None and last < first:
            bad.note("until_date", request.until_date, "The last day lies before the first.")
        bad.raise_if_any()
        assert first is not None, "what cannot be read was refused"
        if withdrawn:
            body = await self._withdrawn(withdrawn)
        else:
            rows = await self._database.read(lambda connection: key_rows(connection, self._own))
            key = await self._keys.next(row[2].key_id for row in rows)
            body = CredentialKey(
                key_id=key.key_id,
                algorithm=ALGORITHM,
                public_key=key.verifying.der,
                from_date=first.isoformat(),
                until_date=request.until_date,
            )

        def decide(tx: LogTx) -> Sequence[Entry]:
            rule = judge_new_key(tx.connection, self._own, body)
            if rule is not None:
                raise rule.refusal(body.key_id)
            return [new_entry(request.duty, credential_key=body)]

        def answer(_: LogTx, run: AppendedRun) -> PublishCredentialKeyResponse:
            return PublishCredentialKeyResponse(appended=appended(run), key=body)

        return await submit(
            self._sequencer,
            call,
            request,
            request_id,
            log=LogName.registry(self._own),
            decide=decide,
            answer=answer,
            response=PublishCredentialKeyResponse,
        )

    async def _withdrawn(self, key_id: str) -> CredentialKey:
        """Return what is stated of a key that is withdrawn: a last day before its first."""
        rows = await self._database.read(lambda connection: key_rows(connection, self._own))
        found = [body for _, _, body in rows if body.key_id == key_id]
        if not found:
            raise Refusal(
                Reason.NOT_FOUND, "This province stated no such key.", details={"key": key_id[:64]}
            )
        body = CredentialKey()
        body.CopyFrom(found[-1])
        first = date.fromisoformat(body.from_date)
        body.until_date = date.fromordinal(first.toordinal() - 1).isoformat()
        return body

    async def list_credential_keys(
        self,
        request: ListCredentialKeysRequest,
        call: Call,  # noqa: ARG002  # the shape of a method
    ) -> ListCredentialKeysResponse:
        """Return the keys as the logs have them."""
        if request.province:
            parse_province(request.province, field="province")
        rows = await self._database.read(
            lambda connection: key_rows(connection, request.province or None)
        )
        return ListCredentialKeysResponse(
            keys=[
                StatedCredentialKey(
                    key=body,
                    author=author,
                    entry=EntryRef(log=str(LogName.registry(author)), index=index),
                )
                for author, index, body in rows
            ]
        )

    # --- Phone forms ------------------------------------------------------------------------------

    async def issue_credential(
        self, request: IssueCredentialRequest, call: Call
    ) -> IssueCredentialResponse:
        """Make the phone form of a certificate; the holder's name is in it if the vault has it."""
        require_own(call, self._own)
        bad = ViolationCollector()
        number = bad.take(CertificateNumber.parse, request.certificate_no, field="certificate_no")
        holder_key = bad.take(_read_jwk, request.holder_jwk, field="holder_jwk")
        bad.raise_if_any()
        assert number is not None, "what cannot be read was refused"
        if number.issuer != self._own:
            raise Refusal(
                Reason.WRONG_PROVINCE,
                "Only the issuer makes the phone form of its certificates.",
                details={"issuer": number.issuer},
            )
        key = await self._tokens.signing_key(call.now)

        def read(connection: Connection) -> tuple[PhoneCertificate, int, str | None, str]:
            certificate, index = self._phone_certificate(connection, str(number), call.now)
            name = person = None
            if certificate.subject == "CAREGIVER":
                name = self._holder_name(connection, str(number))
                person = self._vault.holder_of(connection, str(number))
            return certificate, index, name, person or ""

        certificate, index, name, person = await self._database.read(read)
        if name is not None and call.disclosures is not None:
            call.disclose(LogName.registry(self._own), index, 1)
            call.disclose_person(person, (HOLDER_NAME,))
        return IssueCredentialResponse(
            sd_jwt=mint_certificate(
                certificate,
                holder_name=name,
                holder_key=holder_key,
                key=key,
                now=call.now,
                salt=self._entropy.token,
            )
        )

    def _holder_name(self, connection: Connection, number: str) -> str | None:
        """Return the name that a phone form may show; ``None`` if none is kept or comparable.

        Raises:
            Refusal: ``RULE_REFUSED``, if the certificate was issued to another name.
        """
        name = self._vault.name_of(connection, number)
        if name is None:
            return None
        is_same = self._book.same_names(connection, self._own, {number: name}).get(number)
        if is_same is False:
            raise Refusal(
                Reason.RULE_REFUSED,
                f"The name that is kept of the holder is not the one that the certificate was "
                f"issued to ({number}); correct it with personal put.",
                details={"certificate_no": number},
            )
        return name if is_same else None

    def _phone_certificate(
        self, connection: Connection, number: str, now: datetime
    ) -> tuple[PhoneCertificate, int]:
        """Return what a phone form says of a certificate that may have one, and its place.

        Raises:
            Refusal: ``NOT_FOUND``; ``RULE_REFUSED``, if it is revoked or has run out.
        """
        history = read_histories(connection, (number,)).get(number)
        size = self._reader.position(LogName.registry(self._own)).size
        standing = (
            None
            if history is None
            else certificate_standing(history, Reach(restrict_size=size, permit_size=size))
        )
        if history is None or standing is None:
            raise _no_certificate(number)
        _require_good(standing, business_date(now))
        certificate = PhoneCertificate(
            certificate_no=number,
            subject=subject_name(history.subject),
            scheme=history.scheme,
            grade=history.grade,
            division=history.issuing_place,
            institution_id=history.institution_id,
            valid_from_date=history.valid_from_date,
            valid_until_date=standing.valid_until_date,
            status_index=status_indexes(connection, (number,))[number],
        )
        return certificate, history.index

    # --- Status lists and bundles -----------------------------------------------------------------

    async def get_status_list(
        self, request: GetStatusListRequest, call: Call
    ) -> GetStatusListResponse:
        """Return the newest own list, signed; or any province's as of a day that has come."""
        bad = ViolationCollector()
        issuer, number, index = request.issuer or self._own, request.list_number, 0
        if request.certificate_no:
            parsed = bad.take(
                CertificateNumber.parse, request.certificate_no, field="certificate_no"
            )
            issuer = parsed.issuer if parsed is not None else issuer
        if request.issuer:
            bad.take(parse_province, request.issuer, field="issuer")
        if number > LIST_NUMBER_MAX:
            bad.note("list_number", number, f"It is more than {LIST_NUMBER_MAX:,}.")
        if request.on_date:
            day = bad.take(parse_date, request.on_date, field="on_date")
            if day is not None and day > business_date(call.now):
                bad.note("on_date", request.on_date, "No status list speaks of days to come.")
        elif issuer != self._own:
            bad.note("issuer", issuer, "Another province's newest list is signed by its own node.")
        bad.raise_if_any()
        if request.certificate_no:
            places = await self._database.read(
                lambda connection: status_indexes(connection, (request.certificate_no,))
            )
            if request.certificate_no not in places:
                raise _no_certificate(request.certificate_no)
            index = places[request.certificate_no]
            number = index // LIST_PLACES
        response = (
            await self._past_list(issuer, number, request.on_date)
            if request.on_date
            else await self._own_list(number, call.now)
        )
        response.list_number, response.place = number, index % LIST_PLACES
        return response

    async def _own_list(self, number: int, now: datetime) -> GetStatusListResponse:
        signed = await self._tokens.get(number, now)
        if signed is None:
            raise _no_list(self._own, number)
        stated = await self._database.read(
            lambda connection: last_list(connection, self._own, number)
        )
        response = GetStatusListResponse(token=signed.jwt, cwt=signed.cwt)
        if stated is not None and stated.list_hash == signed.listed.list_hash:
            response.entry.CopyFrom(stated.ref(self._own))
        return response

    async def _past_list(self, issuer: str, number: int, day: str) -> GetStatusListResponse:
        """Return a list as the last statement of a day or before it has it, worked out anew."""

        def read(connection: Connection) -> tuple[ListStated, bytes]:
            stated = last_list(connection, issuer, number, until_date=day)
            if stated is None:
                raise _no_list(issuer, number)
            listed = compute_list(
                connection, issuer, number, size=stated.log_size, day=stated.on_date
            )
            return stated, b"" if listed is None else listed.data

        stated, data = await self._database.read(read)
        return GetStatusListResponse(entry=stated.ref(issuer), list=compress_list(data))

    async def get_offline_bundle(
        self, request: GetOfflineBundleRequest, call: Call
    ) -> GetOfflineBundleResponse:
        """Return all that a check without a network needs."""
        members = self._trust.provinces
        bad = ViolationCollector()
        for position, issuer in enumerate(request.issuers[: len(members) + 1]):
            if issuer not in members:
                bad.note(f"issuers[{position}]", issuer, "This province is no member.")
        bad.raise_if_any()
        issuers = sorted(set(request.issuers) or set(members))
        return GetOfflineBundleResponse(bundle=await self._bundles.make(issuers, call.now))


def _read_jwk(text: str, *, field: str) -> VerifyingKey | None:
    """Return the key of a holder's phone, ``None`` if none is given.

    Raises:
        Refusal: ``INVALID_FIELD``; what was given is not repeated, it may hold a private key.
    """
    if not text:
        return None
    try:
        return VerifyingKey.from_jwk(json.loads(text[: _JWK_CHARS_MAX + 1]))
    except (ValueError, RecursionError):
        description = "It is no JSON."
    except PeerFault as fault:
        description = fault.message
    raise invalid_field(field, "", description, "Give the public key of the phone as JWK.")


def _require_good(standing: CertificateStanding, day: date) -> None:
    """Refuse a certificate that is revoked, or ran out: no phone form is made of it.

    One that is revoked from a later day is good until then: its status list turns on that day.

    Raises:
        Refusal: ``RULE_REFUSED``.
    """
    number = standing.history.certificate_no
    if standing.revocation is not None and standing.revocation.holds(day):
        raise Refusal(
            Reason.RULE_REFUSED,
            f"The certificate is revoked ({number}).",
            details={"certificate_no": number},
        )
    if day > standing.valid_until_date:
        raise Refusal(
            Reason.RULE_REFUSED,
            f"The certificate has run out ({number}); renew it first.",
            details={"certificate_no": number},
        )


def _no_certificate(number: str) -> Refusal:
    return Refusal(
        Reason.NOT_FOUND,
        f"No log has certificates/{number}.",
        details={"name": f"certificates/{number}"},
    )


def _no_list(issuer: str, number: int) -> Refusal:
    return Refusal(
        Reason.NOT_FOUND,
        f"There is no status list {number} of {issuer} for that day.",
        details={"issuer": issuer, "list_number": str(number)},
    )
