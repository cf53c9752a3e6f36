"""The phone form of a certificate: which claims it has, and how it is verified.

An SD-JWT VC. In clear stands what a gate must know to judge it: number, scheme, grade, the office
that issued it, its days and its place in a status list. The holder's name is the one thing that a
holder may leave out; an identity number is never in it. Whether the certificate counts in a
province is no matter of this module.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from deltacare.credential.jws import SigningKey, VerifyingKey, bad_token, parse_object
from deltacare.credential.names import (
    CREDENTIAL_TYPE,
    issuer_of_uri,
    issuer_uri,
    parse_status_uri,
    status_uri,
)
from deltacare.credential.sd_jwt import (
    Presentation,
    check_key_binding,
    mint_sd_jwt,
    read_disclosures,
)
from deltacare.credential.status_list import LIST_PLACES
from deltacare.errors import Refusal
from deltacare.ids import CertificateNumber
from deltacare.times import business_date, day_start_time, from_posix_s, posix_s

__all__ = [
    "CERTIFICATE_TYPE",
    "HOLDER_NAME",
    "IssuerKeys",
    "PhoneCertificate",
    "Question",
    "ShownCertificate",
    "mint_certificate",
    "open_certificate",
]

CERTIFICATE_TYPE = "dc+sd-jwt"
HOLDER_NAME = "holder_name"

_ONE_DAY = timedelta(days=1)
# Clocks of honest machines differ by seconds; minutes are somebody's mistake or lie.
_AHEAD_MAX = timedelta(minutes=5)
_TEXT_CHARS_MAX = 128
_SUBJECTS = frozenset({"CAREGIVER", "INSTITUTION"})
_REQUIRED = frozenset(
    {
        "certificate_no",
        "division",
        "exp",
        "grade",
        "iat",
        "iss",
        "nbf",
        "scheme",
        "status",
        "subject",
        "vct",
    }
)
_OPTIONAL = frozenset({"_sd", "_sd_alg", "cnf", "institution"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneCertificate:
    """What the phone form says in clear.

    Attributes:
        certificate_no: ``320000-C2025000123``; says who issued it.
        subject: ``CAREGIVER`` or ``INSTITUTION``.
        scheme: Scheme.
        grade: Grade within it.
        division: Office that issued it, six digits.
        institution_id: Whose it is, of an institution's; else empty.
        valid_from_date: First day.
        valid_until_date: Last day.
        status_index: Running number among the issuer's certificates, from 0.
    """

    certificate_no: str
    subject: str
    scheme: str
    grade: str
    division: str
    institution_id: str
    valid_from_date: date
    valid_until_date: date
    status_index: int

    @property
    def issuer(self) -> str:
        """Province."""
        return self.certificate_no[:6]

    @property
    def list_number(self) -> int:
        """Status list that it stands in."""
        return self.status_index // LIST_PLACES

    @property
    def place(self) -> int:
        """Place in that list."""
        return self.status_index % LIST_PLACES


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCertificate:
    """A phone form whose signature, disclosures and binding verify.

    Attributes:
        certificate: What it says.
        issued_time: When the phone form was made.
        key_id: Key that signed it.
        holder_name: What the holder shows of the name; ``None`` if it was left out.
        is_bound: Whether the phone proved that it holds the key.
    """

    certificate: PhoneCertificate
    issued_time: datetime
    key_id: str
    holder_name: str | None
    is_bound: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a verifier asked a phone, for a key binding.

    Attributes:
        audience: Who asks.
        nonce: An unpredictable text, used once.
    """

    audience: str
    nonce: str


class IssuerKeys(Protocol):
    """The keys of issuers, trusted by whoever verifies."""

    def key(self, issuer: str, key_id: str, *, on_date: date) -> VerifyingKey | None:
        """Return a key of a province that signs on a day, ``None`` if there is none."""
        ...


def mint_certificate(
    certificate: PhoneCertificate,
    *,
    holder_name: str | None,
    holder_key: VerifyingKey | None,
    key: SigningKey,
    now: datetime,
    salt: Callable[[int], bytes],
) -> str:
    """Return the phone form with every disclosure.

    Args:
        certificate: What it says.
        holder_name: To be shown or left out by the holder; ``None`` if it is not known.
        holder_key: Of the phone; ``None`` if whoever has the form may show it.
        key: The issuer's.
        now: The moment.
        salt: Returns so many unpredictable bytes.
    """
    claims: dict[str, Any] = {
        "iss": issuer_uri(certificate.issuer),
        "vct": CREDENTIAL_TYPE,
        "iat": posix_s(now),
        "nbf": posix_s(day_start_time(certificate.valid_from_date)),
        # The first second of the day after the last: then it has run out.
        "exp": posix_s(day_start_time(certificate.valid_until_date + _ONE_DAY)),
        "status": {
            "status_list": {
                "idx": certificate.place,
                "uri": status_uri(certificate.issuer, certificate.list_number),
            }
        },
        "certificate_no": certificate.certificate_no,
        "subject": certificate.subject,
        "scheme": certificate.scheme,
        "grade": certificate.grade,
        "division": certificate.division,
    }
    if certificate.institution_id:
        claims["institution"] = certificate.institution_id
    if holder_key is not None:
        claims["cnf"] = {"jwk": holder_key.to_jwk()}
    selective = {} if holder_name is None else {HOLDER_NAME: holder_name}
    return mint_sd_jwt(claims, selective, key=key, typ=CERTIFICATE_TYPE, salt=salt)


def open_certificate(
    text: str, keys: IssuerKeys, *, now: datetime, question: Question | None = None
) -> ShownCertificate:
    """Return what a phone form says, once all that is signed in it verifies.

    1. It is an SD-JWT VC. 2. A key that its issuer stated, and that signed on that day, signed it.
    3. Its claims are those of a certificate. 4. What the holder shows was signed for. 5. The phone
    answered the question, if one was asked.

    Args:
        text: As it was shown.
        keys: Of issuers.
        now: The moment.
        question: What was asked of the phone; ``None`` if nothing was.

    Raises:
        PeerFault: ``BAD_SIGNATURE``.
    """
    # 1. An SD-JWT VC. Until step 2 its claims serve to find the key, and for nothing else.
    parsed = Presentation.parse(text, typ=CERTIFICATE_TYPE)
    try:
        claims = parse_object(parsed.jws.payload, "The payload")
        issuer = issuer_of_uri(claims.get("iss"))
        issued_time = from_posix_s(_number(claims, "iat"), field="iat")
        # 2. The signature.
        key = keys.key(issuer, parsed.jws.key_id, on_date=business_date(issued_time))
        if key is None:
            raise bad_token("The issuer stated no such key for that day, or it is not trusted.")
        parsed.jws.check(key)
        # 3. The claims.
        certificate = _read(claims, issuer)
    except Refusal as refusal:
        raise bad_token(f"The certificate cannot be read: {refusal.message}") from None
    if issued_time > now + _AHEAD_MAX:
        raise bad_token("The certificate was made at a time still to come.")
    # 4. What is shown.
    shown = read_disclosures(claims, parsed.disclosures)
    if not shown.keys() <= {HOLDER_NAME}:
        raise bad_token("The certificate shows what this version does not know.")
    # 5. The phone.
    if parsed.key_binding and "cnf" not in claims:
        raise bad_token("The certificate is bound to no key of a phone.")
    if question is not None:
        check_key_binding(
            parsed,
            claims.get("cnf"),
            audience=question.audience,
            nonce=question.nonce,
            now=now,
        )
    return ShownCertificate(
        certificate=certificate,
        issued_time=issued_time,
        key_id=parsed.jws.key_id,
        holder_name=shown.get(HOLDER_NAME),
        is_bound=question is not None,
    )


def _number(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if type(value) is not int:
        raise bad_token(f"{name} is not a whole number.")
    return value


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims[name]
    if not isinstance(value, str) or not 1 <= len(value) <= _TEXT_CHARS_MAX:
        raise bad_token(f"{name} is not a text of 1 to {_TEXT_CHARS_MAX} characters.")
    return value


def _read(claims: Mapping[str, Any], issuer: str) -> PhoneCertificate:
    """Return what verified claims say."""
    names = claims.keys()
    if not names >= _REQUIRED or not names <= _REQUIRED | _OPTIONAL:
        raise bad_token("The certificate has not exactly the claims that it should have.")
    if claims["vct"] != CREDENTIAL_TYPE or claims["subject"] not in _SUBJECTS:
        raise bad_token("The token is no certificate of this federation.")
    number = CertificateNumber.parse(_text(claims, "certificate_no"), field="certificate_no")
    if number.issuer != issuer:
        raise bad_token("The number is not of the issuer.")
    status = claims["status"]
    listed = status.get("status_list") if isinstance(status, dict) else None
    if not isinstance(listed, dict) or listed.keys() != {"idx", "uri"} or len(status) != 1:
        raise bad_token("The certificate names no place in a status list.")
    list_author, list_number = parse_status_uri(listed["uri"])
    place = _number(listed, "idx")
    if list_author != issuer or not 0 <= place < LIST_PLACES:
        raise bad_token("The certificate names no place in a status list of its issuer.")
    from_date = business_date(from_posix_s(_number(claims, "nbf"), field="nbf"))
    until_date = business_date(from_posix_s(_number(claims, "exp"), field="exp")) - _ONE_DAY
    return PhoneCertificate(
        certificate_no=str(number),
        subject=claims["subject"],
        scheme=_text(claims, "scheme"),
        grade=_text(claims, "grade"),
        division=_text(claims, "division"),
        institution_id=_text(claims, "institution") if "institution" in claims else "",
        valid_from_date=from_date,
        valid_until_date=until_date,
        status_index=list_number * LIST_PLACES + place,
    )
