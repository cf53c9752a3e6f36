"""Keys: published vectors, vkey texts, name digests."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltacare.errors import PeerFault, Reason, Refusal
from deltacare.keys import (
    Algorithm,
    LogSigner,
    NoteSignature,
    VerifierKey,
    WitnessSigner,
    decode_base64,
    is_key_name,
    name_digest,
)
from tests.deltacare.builders import log_signer, witness_signer

# RFC 8032 section 7.1, tests 1 to 3: secret key, public key, message, signature.
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
]


@pytest.mark.parametrize("secret, public, message, signature", RFC_8032)
def test_ed25519_vectors(secret: str, public: str, message: str, signature: str) -> None:
    """RFC 8032 section 7.1."""
    signer = LogSigner(name="test", seed=bytes.fromhex(secret))
    assert public == signer.verifier.public_key.hex()
    assert signature == signer.sign(bytes.fromhex(message)).hex()
    signer.verifier.verify(bytes.fromhex(message), bytes.fromhex(signature))


def test_the_key_of_the_specification_reads_back() -> None:
    """https://c2sp.org/signed-note, "Example"."""
    text = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    key = VerifierKey.from_text(text)
    assert ("example.com/foo", Algorithm.ED25519) == (key.name, key.algorithm)
    assert "530d903a" == key.key_id.hex()
    assert text == key.to_text()


def test_one_key_of_two_types_has_two_ids() -> None:
    """The type is part of the id, so that signatures cannot be taken for each other."""
    seed = bytes(range(32))
    log, witness = LogSigner(name="a", seed=seed), WitnessSigner(name="a", seed=seed)
    assert log.verifier.public_key == witness.verifier.public_key
    assert log.verifier.key_id != witness.verifier.key_id
    assert witness.verifier == VerifierKey.from_text(witness.verifier.to_text())


VKEY = log_signer("deltacare/310000/registry").verifier.to_text()
NAME, KEY_ID, MATERIAL = VKEY.split("+", 2)


@pytest.mark.parametrize(
    "text",
    [
        "",
        NAME,
        f"{NAME}+{KEY_ID}",
        f"+{KEY_ID}+{MATERIAL}",
        f"a b+{KEY_ID}+{MATERIAL}",
        f"{NAME}x+{KEY_ID}+{MATERIAL}",
        f"{NAME}+00000000+{MATERIAL}",
        f"{NAME}+{KEY_ID.upper()}+{MATERIAL}" if KEY_ID != KEY_ID.upper() else "",
        f"{NAME}+0{KEY_ID}+{MATERIAL}",
        f"{NAME}+{KEY_ID}+{MATERIAL[:-4]}",
        f"{NAME}+{KEY_ID}+{MATERIAL}AAAA",
        f"{NAME}+{KEY_ID}+Ag{MATERIAL[2:]}",
        f"{NAME}+{KEY_ID}+{MATERIAL}\n",
        f"{NAME}+{KEY_ID}+" + "A" * 2_000,
    ],
)
def test_other_texts_are_no_keys(text: str) -> None:
    """Another id, another type, another length: refused by field."""
    with pytest.raises(Refusal, match="log_key"):
        VerifierKey.from_text(text, field_name="log_key")


@pytest.mark.parametrize(
    "public_key",
    [
        bytes(32),
        bytes(31) + b"\x80",
        b"\x01" + bytes(31),
        b"\xec" + b"\xff" * 30 + b"\x7f",
        b"\xed" + b"\xff" * 30 + b"\x7f",
        b"\xff" * 32,
        bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    ],
)
def test_weak_keys_are_refused(public_key: bytes) -> None:
    """Points of small order and other spellings of a point are nobody's key."""
    text = VerifierKey(name="a", algorithm=Algorithm.ED25519, public_key=public_key).to_text()
    with pytest.raises(Refusal, match="weak"):
        VerifierKey.from_text(text)


def test_a_type_can_be_asked_for() -> None:
    """A witness's key is not taken for a log's."""
    VerifierKey.from_text(VKEY, algorithm=Algorithm.ED25519)
    with pytest.raises(Refusal, match="0x04 is needed"):
        VerifierKey.from_text(VKEY, algorithm=Algorithm.COSIGNATURE_V1)


@pytest.mark.parametrize("signature", [b"", bytes(63), bytes(64), bytes(65)])
def test_a_false_signature_is_the_peers_fault(signature: bytes) -> None:
    """Whatever its length, it is refused with one reason."""
    with pytest.raises(PeerFault) as caught:
        log_signer("a").verifier.verify(b"message", signature)
    assert Reason.BAD_SIGNATURE is caught.value.reason


def test_a_point_that_is_none_verifies_nothing() -> None:
    """A public key that is no point of the curve refuses instead of crashing."""
    key = VerifierKey(name="a", algorithm=Algorithm.ED25519, public_key=b"\x02" + bytes(31))
    with pytest.raises(PeerFault):
        key.verify(b"message", bytes(64))


def test_a_seed_is_never_shown() -> None:
    """A private key does not reach a log line."""
    for signer in (log_signer("a"), witness_signer("310000")):
        assert signer.seed.hex() not in repr(signer)
        assert repr(signer.seed) not in repr(signer)


def test_a_seed_has_32_bytes() -> None:
    """Shorter entropy is our own mistake."""
    with pytest.raises(AssertionError):
        LogSigner(name="a", seed=bytes(31))


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2003b", "a\nb", "a\x7f", "x" * 256])
def test_other_key_names_are_refused(name: str) -> None:
    """No spaces of any script, no plus, no controls, not empty."""
    assert not is_key_name(name)


def test_a_signature_matches_by_name_and_id() -> None:
    """Neither alone is enough."""
    key = log_signer("a").verifier
    for name, key_id, same in (
        ("a", key.key_id, True),
        ("b", key.key_id, False),
        ("a", bytes(4), False),
    ):
        line = NoteSignature(name=name, key_id=key_id, signature=b"x")
        assert same is key.matches(line)


@given(st.binary(max_size=100))
def test_base64_has_one_spelling(data: bytes) -> None:
    """What decodes is exactly what encodes."""
    import base64

    text = base64.b64encode(data).decode()
    assert data == decode_base64(text)
    for wrong in (text + "\n", " " + text, text + "=", text.rstrip("=") + "*"):
        assert decode_base64(wrong) is None


def test_a_name_digest_is_domain_separated_and_length_prefixed() -> None:
    """The bytes that are hashed, written out."""
    salt, name = bytes(range(16)), "测试甲"
    domain = b"deltacare/v1/name-digest"
    encoded = name.encode()
    expected = hashlib.sha256(
        len(domain).to_bytes(4, "big")
        + domain
        + (16).to_bytes(4, "big")
        + salt
        + len(encoded).to_bytes(4, "big")
        + encoded
    ).digest()
    assert expected == name_digest(name, salt=salt)


def test_spellings_of_one_name_agree() -> None:
    """Spaces of any width and composed or decomposed letters do not matter; case does."""
    salt = bytes(16)
    same = {
        name_digest(name, salt=salt)
        for name in ("José Test", "Jose\u0301Test", " José\u3000Test ", "JoséTest")
    }
    assert 1 == len(same)
    assert name_digest("joséTest", salt=salt) not in same
    assert name_digest("JoséTest", salt=bytes([1]) * 16) not in same


@pytest.mark.parametrize("name", ["", " \u3000", "x" * 257])
def test_a_name_is_neither_empty_nor_endless(name: str) -> None:
    """A refusal does not repeat the name."""
    with pytest.raises(Refusal) as caught:
        name_digest(name, salt=bytes(16))
    assert "" == caught.value.violations[0].value


def test_a_salt_has_16_bytes() -> None:
    """A shorter salt is our own mistake."""
    with pytest.raises(AssertionError):
        name_digest("x", salt=bytes(8))
