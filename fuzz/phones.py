"""Targets for what phones and partners show: SD-JWTs, status lists as JWT and CWT, and CBOR.

Every input is the true token with some bytes exchanged, cut or put in; nothing but the true one may
be taken. Keys are made from fixed secrets, so that a finding can be run again.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from deltacare.credential import cbor
from deltacare.credential.certificate import PhoneCertificate, mint_certificate, open_certificate
from deltacare.credential.cwt import open_cwt, to_cwt
from deltacare.credential.jws import SigningKey, VerifyingKey
from deltacare.credential.status_list import LIST_BYTES_MAX, StatusListToken, decompress_list
from fuzz.inputs import attempt, expect

__all__ = ["cbor_item", "credential", "credential_seeds", "status_list", "status_list_seeds"]

_NOW = datetime(2026, 6, 1, tzinfo=UTC)
_SECRET = bytes(31) + b"\x07"


@lru_cache(maxsize=1)
def _key() -> SigningKey:
    """Return the issuer's key."""
    return SigningKey.from_secret(_SECRET)


class _Keys:
    """Trusts that key for every issuer and day; implements ``IssuerKeys``."""

    def key(self, issuer: str, key_id: str, *, on_date: date) -> VerifyingKey | None:  # noqa: ARG002  # the port's
        """Return the key, whatever is asked."""
        return _key().verifying


@lru_cache(maxsize=1)
def _credential() -> str:
    """Return a phone form."""
    return mint_certificate(
        PhoneCertificate(
            certificate_no="320000-C1",
            subject="CAREGIVER",
            scheme="CAREGIVER_LEVEL",
            grade="三级",
            division="320100",
            institution_id="",
            valid_from_date=date(2026, 1, 1),
            valid_until_date=date(2026, 12, 31),
            status_index=5,
        ),
        holder_name="示例甲",
        holder_key=None,
        key=_key(),
        now=_NOW,
        salt=bytes,
    )


@lru_cache(maxsize=1)
def _token() -> StatusListToken:
    """Return a status list."""
    return StatusListToken(
        issuer="320000",
        list_number=0,
        data=bytes(25),
        entry_count=100,
        issued_time=_NOW,
        expires_time=_NOW + timedelta(days=1),
        ttl_s=300,
        log_size=1,
        on_date=date(2026, 6, 1),
        key_id=_key().key_id,
    )


def credential_seeds() -> Iterable[bytes]:
    """Yield the phone form, and it without its disclosure."""
    text = _credential()
    yield text.encode()
    yield text.partition("~")[0].encode() + b"~"


def credential(data: bytes) -> bool:
    """Open a phone form: what opens says what was signed."""
    text = data.decode("utf-8", "replace")
    shown = attempt(lambda: open_certificate(text, _Keys(), now=_NOW))
    if shown is None:
        return False
    expect(shown.certificate.certificate_no == "320000-C1", "only what was signed opens")
    expect(shown.holder_name in (None, "示例甲"), "only a name that was signed for is shown")
    return True


def status_list_seeds() -> Iterable[bytes]:
    """Yield the list in both forms."""
    yield to_cwt(_token(), _key())
    yield _token().to_jwt(_key()).encode()


def status_list(data: bytes) -> bool:
    """Open a status list in either form: what opens is what was signed."""
    keys = {_key().key_id: _key().verifying}
    found = attempt(lambda: open_cwt(data, keys)) or attempt(
        lambda: StatusListToken.open(data.decode("latin-1"), keys)
    )
    if found is None:
        unpacked = attempt(lambda: decompress_list(data))
        expect(unpacked is None or len(unpacked) <= LIST_BYTES_MAX, "unpacking has a bound")
        return False
    expect(found == _token(), "only what was signed opens")
    return True


def cbor_item(data: bytes) -> bool:
    """Read CBOR: it has one spelling."""
    value = attempt(lambda: [cbor.decode(data, "The input")])
    if value is None:
        return False
    expect(cbor.encode(value[0]) == data, "a value has one spelling")
    return True
