"""A status list as a CWT: the compressed list stands in it as bytes, not as text written twice.

COSE_Sign1 under ES256 (RFC 9052, RFC 8392; draft-ietf-oauth-status-list, section 5.2). The same
claims as the JWT, so that either form says the same; `StatusListToken` is what both open to.
"""

from collections.abc import Mapping
from typing import Any

from deltacare.credential.cbor import Tagged, decode, encode
from deltacare.credential.jws import SigningKey, VerifyingKey, bad_token
from deltacare.credential.names import issuer_of_uri, issuer_uri, parse_status_uri
from deltacare.credential.status_list import (
    STATUS_BITS,
    TOKEN_BYTES_MAX,
    StatusListToken,
    compress_list,
    decompress_list,
    require_places,
)
from deltacare.errors import Refusal
from deltacare.times import from_posix_s, parse_date, posix_s

__all__ = ["CWT_TYPE", "open_cwt", "to_cwt"]

CWT_TYPE = "application/statuslist+cwt"

_SIGN1 = 18
_ALG, _KID, _TYP = 1, 4, 16
_ES256 = -7
_ISS, _SUB, _EXP, _IAT, _STATUS_LIST, _TTL = 1, 2, 4, 6, 65533, 65534
_NUMBERS = (_IAT, _EXP, _TTL, "log_size", "entry_count")
_CLAIMS = frozenset({_ISS, _SUB, _STATUS_LIST, *_NUMBERS, "on_date"})
_PARTS = 4


def _signed(protected: bytes, payload: bytes) -> bytes:
    """Return what the signature is over (RFC 9052, section 4.4)."""
    return encode(["Signature1", protected, b"", payload])


def to_cwt(token: StatusListToken, key: SigningKey, compressed: bytes | None = None) -> bytes:
    """Return a status list as a CWT.

    Args:
        token: The list.
        key: Signs it.
        compressed: The compressed list, if it is at hand.
    """
    protected = encode({_ALG: _ES256, _KID: token.key_id.encode(), _TYP: CWT_TYPE})
    lst = compress_list(token.data) if compressed is None else compressed
    payload = encode(
        {
            _ISS: issuer_uri(token.issuer),
            _SUB: token.uri,
            _EXP: posix_s(token.expires_time),
            _IAT: posix_s(token.issued_time),
            _STATUS_LIST: {"bits": STATUS_BITS, "lst": lst},
            _TTL: token.ttl_s,
            "entry_count": token.entry_count,
            "log_size": token.log_size,
            "on_date": token.on_date.isoformat(),
        }
    )
    signature = key.sign(_signed(protected, payload))
    return encode(Tagged(_SIGN1, [protected, {}, payload, signature]))


def open_cwt(data: bytes, keys: Mapping[str, VerifyingKey]) -> StatusListToken:
    """Return the list of a CWT, once its signature was verified.

    Args:
        data: As received.
        keys: Of the issuer that is asked about, by id.

    Raises:
        PeerFault: ``BAD_SIGNATURE``, if it is not exactly such a token by one of these keys.
    """
    # 1. The form, and the key it names.
    if len(data) > TOKEN_BYTES_MAX:
        raise bad_token(f"The token has more than {TOKEN_BYTES_MAX} bytes.")
    outer = decode(data, "The status list")
    parts = outer[1] if isinstance(outer, Tagged) and outer[0] == _SIGN1 else None
    if not isinstance(parts, list) or len(parts) != _PARTS or parts[1] != {}:
        raise bad_token("The status list is no COSE_Sign1 without open headers.")
    protected, _, payload, signature = parts
    if not all(isinstance(each, bytes) for each in (protected, payload, signature)):
        raise bad_token("The status list is no COSE_Sign1 without open headers.")
    header = decode(protected, "The header")
    if (
        not isinstance(header, dict)
        or header.keys() != {_ALG, _KID, _TYP}
        or (header[_ALG], header[_TYP]) != (_ES256, CWT_TYPE)
        or not isinstance(header[_KID], bytes)
    ):
        raise bad_token("The token is no status list under ES256.")
    key_id = header[_KID].decode("ascii", "replace")
    key = keys.get(key_id)
    if key is None:
        raise bad_token("The status list is signed by a key that the issuer did not state.")
    # 2. The signature.
    key.verify(signature, _signed(protected, payload))
    # 3. What it says.
    try:
        return _read(decode(payload, "The payload"), key_id)
    except Refusal as refusal:
        raise bad_token(f"The status list cannot be read: {refusal.message}") from None


def _read(claims: Any, key_id: str) -> StatusListToken:  # noqa: ANN401  # any item
    listed = claims.get(_STATUS_LIST) if isinstance(claims, dict) else None
    if (
        not isinstance(claims, dict)
        or claims.keys() != _CLAIMS
        or not isinstance(listed, dict)
        or listed.keys() != {"bits", "lst"}
    ):
        raise bad_token("The status list has not exactly the claims that it should have.")
    numbers = [claims[name] for name in _NUMBERS]
    if any(type(number) is not int or number < 0 for number in numbers):
        raise bad_token("A number in the status list is none.")
    if listed["bits"] != STATUS_BITS or not isinstance(listed["lst"], bytes):
        raise bad_token("The status list has not two bits for each place.")
    issuer, number = parse_status_uri(claims[_SUB])
    if issuer_of_uri(claims[_ISS]) != issuer:
        raise bad_token("The status list is of another issuer.")
    if not isinstance(claims["on_date"], str):
        raise bad_token("The status list names no day.")
    return StatusListToken(
        issuer=issuer,
        list_number=number,
        data=require_places(decompress_list(listed["lst"]), numbers[4]),
        entry_count=numbers[4],
        issued_time=from_posix_s(numbers[0], field="iat"),
        expires_time=from_posix_s(numbers[1], field="exp"),
        ttl_s=numbers[2],
        log_size=numbers[3],
        on_date=parse_date(claims["on_date"], field="on_date"),
        key_id=key_id,
    )
