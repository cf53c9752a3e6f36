"""A made-up certificate, its issuer's key, and what a verifier holds."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from secrets import token_bytes

import pytest

from deltacare.credential.certificate import PhoneCertificate, mint_certificate
from deltacare.credential.jws import SigningKey, VerifyingKey
from deltacare.credential.status_list import TTL_S, Status, StatusListToken, new_list, set_status

NOW = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)
NAME = "示例甲"


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """An issuer's key, and the keys that a verifier trusts."""

    key: SigningKey

    @property
    def keys(self) -> dict[str, VerifyingKey]:
        """By id."""
        return {self.key.key_id: self.key.verifying}

    def key_of(self, issuer: str, key_id: str) -> VerifyingKey | None:
        """Return the key of Jiangsu."""
        return self.keys.get(key_id) if issuer == "320000" else None

    def mint(self, *, holder: VerifyingKey | None = None, **changes: object) -> str:
        """Return a phone form with its name disclosed."""
        fields: dict[str, object] = {
            "certificate_no": "320000-C1",
            "subject": "CAREGIVER",
            "scheme": "CAREGIVER_LEVEL",
            "grade": "三级",
            "division": "320100",
            "institution_id": "",
            "valid_from_date": date(2026, 1, 1),
            "valid_until_date": date(2026, 12, 31),
            "status_index": 5,
            **changes,
        }
        return mint_certificate(
            PhoneCertificate(**fields),  # type: ignore[arg-type]  # a test's own
            holder_name=NAME,
            holder_key=holder,
            key=self.key,
            now=NOW,
            salt=bytes,
        )

    def token(self, *marks: tuple[int, Status], count: int = 100) -> StatusListToken:
        """Return a list with some places marked."""
        data = new_list(count)
        for index, status in marks:
            set_status(data, index, status)
        return StatusListToken(
            issuer="320000",
            list_number=0,
            data=bytes(data),
            entry_count=count,
            issued_time=NOW,
            expires_time=NOW + timedelta(days=1),
            ttl_s=TTL_S,
            log_size=7,
            on_date=date(2026, 6, 1),
            key_id=self.key.key_id,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Implements ``IssuerKeys`` for one issuer."""

    issuer: Issuer

    def key(self, issuer: str, key_id: str, *, on_date: date) -> VerifyingKey | None:  # noqa: ARG002  # the port's
        """Return the key."""
        return self.issuer.key_of(issuer, key_id)


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    """Jiangsu."""
    return Issuer(key=SigningKey.from_secret(token_bytes(32)))


@pytest.fixture
def keys(issuer: Issuer) -> Keys:
    """What a verifier trusts."""
    return Keys(issuer=issuer)
