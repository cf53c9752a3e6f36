"""Tags of elders: the same from both provinces, another for everybody else, and nothing besides."""

from itertools import combinations

import pytest

from deltacare.errors import Refusal
from deltacare.overlap import (
    OVERLAP_TAG_BYTES,
    OverlapSecret,
    TagKey,
    is_overlap_public_key,
    overlap_key_id,
)
from tests.support.federation import seed
from tests.support.persons import NUMBER, OTHER_NUMBER

JS, ZJ, AH = "320000", "330000", "340000"
SECRETS = {province: OverlapSecret(seed(f"overlap {province}")) for province in (JS, ZJ, AH)}


def agree(own: str, other: str, year: int = 2026) -> TagKey:
    """Return the key of two provinces as one of them makes it."""
    return SECRETS[own].agree(SECRETS[other].public_key, own=own, other=other, service_year=year)


def test_both_make_the_same_tags() -> None:
    """Whoever asks; spaces and a small check letter do not matter."""
    tag = agree(JS, ZJ).tag(NUMBER)
    assert OVERLAP_TAG_BYTES == len(tag)
    assert tag == agree(ZJ, JS).tag(f" {NUMBER.lower()} ")


def test_every_pair_year_and_person_has_another() -> None:
    """So that no two logs, and no two years of one log, can be brought together by tags."""
    tags = [
        agree(own, other, year).tag(number)
        for own, other in combinations(SECRETS, 2)
        for year in (2026, 2027)
        for number in (NUMBER, OTHER_NUMBER)
    ]
    assert len(set(tags)) == len(tags)


def test_tags_are_what_the_contract_says() -> None:
    """HMAC-SHA-256 under HKDF of the shared secret, computed here by another library's words."""
    import hashlib
    import hmac

    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

    publics = [SECRETS[each].public_key for each in (JS, ZJ)]
    private = X25519PrivateKey.from_private_bytes(seed(f"overlap {JS}"))
    shared = private.exchange(X25519PublicKey.from_public_bytes(publics[1]))
    salt = hashlib.sha256(b"".join(sorted(publics))).digest()
    pseudorandom = hmac.digest(salt, shared, "sha256")
    info = b"deltacare/v1/overlap\n320000\n330000\n2026"
    key = hmac.digest(pseudorandom, info + b"\x01", "sha256")
    assert hmac.digest(key, NUMBER.encode(), "sha256")[:16] == agree(JS, ZJ).tag(NUMBER)


def test_no_key_shows_itself() -> None:
    """Neither in its own text nor in that of what is made of it."""
    private_key = seed(f"overlap {JS}")
    for shown in (repr(SECRETS[JS]), repr(agree(JS, ZJ)), str(SECRETS[JS])):
        assert private_key.hex() not in shown
        assert str(private_key) not in shown
    assert SECRETS[JS].key_id == overlap_key_id(SECRETS[JS].public_key)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(31),
        bytes(32),
        b"\x01" + bytes(31),
        bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
        bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
        bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        bytes.fromhex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        bytes.fromhex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    ],
)
def test_points_of_small_order_are_no_keys(data: bytes) -> None:
    """With them everybody would share one secret (RFC 7748, section 6.1)."""
    assert not is_overlap_public_key(data)
    assert is_overlap_public_key(SECRETS[JS].public_key)


def test_what_is_no_identity_number_has_no_tag() -> None:
    """And the refusal does not repeat it."""
    wrong = NUMBER[:-1] + ("0" if NUMBER[-1] != "0" else "1")
    with pytest.raises(Refusal) as refused:
        agree(JS, ZJ).tag(wrong)
    assert wrong not in str(refused.value)
