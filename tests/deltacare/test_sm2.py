"""SM2 with SM3: the standard's example, vkey texts, strict signatures."""

import base64
import hashlib
import sys

import pytest

from deltacare.errors import PeerFault, Reason, Refusal
from deltacare.keys import Algorithm, VerifierKey
from deltacare.sm2 import (
    Sm2Signer,
    Sm2Use,
    Sm2VerifierKey,
    is_sm2_private_key,
    is_sm2_public_key,
    is_sm2_signature,
)
from deltacare.sm2_curve import Point, add, combine, point_of
from tests.deltacare.builders import log_signer

N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123

# GB/T 32918.5-2017 Annex A.2: the signer "1234567812345678" signs "message digest".
PRIVATE = bytes.fromhex("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8")
PUBLIC = bytes.fromhex(
    "04"
    "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
SIGNATURE = bytes.fromhex(
    "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
    "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
)
MESSAGE = b"message digest"
SIGNER = Sm2Signer(name="a", use=Sm2Use.NOTE, seed=PRIVATE)
KEY = SIGNER.verifier


def test_the_example_of_the_standard() -> None:
    """GB/T 32918.5-2017 Annex A.2: the key pair and the signature."""
    assert PUBLIC == KEY.public_key
    KEY.verify(MESSAGE, SIGNATURE)


@pytest.mark.parametrize("value", [1, 2, 3, 2**128, N - 3, N - 2])
def test_public_keys_at_the_ends_of_the_range(value: int) -> None:
    """What is derived from a private key verifies what it signs; of 1 it is the base point."""
    signer = Sm2Signer(name="a", use=Sm2Use.NOTE, seed=value.to_bytes(32, "big"))
    signer.verifier.verify(b"x", signer.sign(b"x"))
    if value == 1:
        assert signer.verifier.public_key.hex().startswith("0432c4ae2c1f198119")


@pytest.mark.parametrize("value", [0, N - 1, N, 2**256 - 1])
def test_other_numbers_are_no_private_keys(value: int) -> None:
    """GB/T 32918.1 section 6.1 ends at n - 2; the refusal does not repeat the bytes."""
    raw = value.to_bytes(32, "big")
    assert not is_sm2_private_key(raw)
    with pytest.raises(Refusal, match="Make another key") as caught:
        Sm2Signer(name="a", use=Sm2Use.NOTE, seed=raw)
    assert "" == caught.value.violations[0].value


def test_the_bytes_of_a_key_id() -> None:
    """SHA-256 of name, newline, 0xff, identifier and key, written out; each use its own id."""
    identifiers = {
        Sm2Use.NOTE: b"deltacare/sm2-sm3/note/v1",
        Sm2Use.COSIGNATURE: b"deltacare/sm2-sm3/cosignature/v1",
        Sm2Use.APPROVAL: b"deltacare/sm2-sm3/approval/v1",
    }
    assert set(Sm2Use) == set(identifiers)
    for use, identifier in identifiers.items():
        key = Sm2VerifierKey(name="a/b", use=use, public_key=PUBLIC)
        material = b"\xff" + identifier + PUBLIC
        assert hashlib.sha256(b"a/b\n" + material).digest()[:4] == key.key_id
        text = f"a/b+{key.key_id.hex()}+{base64.b64encode(material).decode()}"
        assert text == key.to_text()
        assert key == Sm2VerifierKey.from_text(text, use=use)


def _vkey(
    public_key: bytes, *, kind: bytes = b"\xff", identifier: bytes = Sm2Use.NOTE.value
) -> str:
    """Return a vkey text whose id fits, whatever it holds."""
    material = kind + identifier + public_key
    key_id = hashlib.sha256(b"a\n" + material).digest()[:4].hex()
    return f"a+{key_id}+{base64.b64encode(material).decode()}"


_X, _Y = PUBLIC[1:33], PUBLIC[33:]
P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a+b+c",
        KEY.to_text() + "\n",
        KEY.to_text().replace("a+", "b+", 1),
        "a+00000000+" + KEY.to_text().split("+", 2)[2],
        "a+" + "A" * 2_000,
        log_signer("a").verifier.to_text(),
        _vkey(PUBLIC, kind=b"\x01"),
        _vkey(PUBLIC, identifier=b""),
        _vkey(PUBLIC, identifier=b"example.com/other/v1"),
        _vkey(PUBLIC[:-1]),
        _vkey(PUBLIC + b"\x00"),
        _vkey(b""),
        _vkey(b"\x02" + _X),
    ],
)
def test_other_texts_are_no_keys(text: str) -> None:
    """Another id, type, identifier or length: refused by field."""
    with pytest.raises(Refusal, match="sm2_key"):
        Sm2VerifierKey.from_text(text, field_name="sm2_key")


@pytest.mark.parametrize(
    "public_key",
    [
        bytes(65),
        b"\x04" + bytes(64),
        b"\x04" + _Y + _X,
        b"\x06" + _X + _Y,
        b"\x04" + _X + (int.from_bytes(_Y, "big") ^ 1).to_bytes(32, "big"),
        b"\x04" + P.to_bytes(32, "big") + bytes(32),
        b"\x04" + b"\xff" * 64,
    ],
)
def test_points_off_the_curve_are_refused(public_key: bytes) -> None:
    """Read from text it is a refusal; found in use it verifies nothing and crashes nothing."""
    with pytest.raises(Refusal, match="not a point"):
        Sm2VerifierKey.from_text(_vkey(public_key))
    key = Sm2VerifierKey(name="a", use=Sm2Use.NOTE, public_key=public_key)
    with pytest.raises(PeerFault) as caught:
        key.verify(MESSAGE, SIGNATURE)
    assert Reason.BAD_SIGNATURE is caught.value.reason


def test_a_coordinate_has_one_spelling() -> None:
    """The point with x = 0 is a key; with x = p, the same number to the field, it is not."""
    b = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
    y = pow(b, (P + 1) // 4, P)
    assert b == y * y % P
    tail = y.to_bytes(32, "big")
    Sm2VerifierKey.from_text(_vkey(b"\x04" + bytes(32) + tail))
    with pytest.raises(Refusal, match="not a point"):
        Sm2VerifierKey.from_text(_vkey(b"\x04" + P.to_bytes(32, "big") + tail))


def test_a_use_can_be_asked_for() -> None:
    """A log's key is not taken for a witness's."""
    with pytest.raises(Refusal, match="cosignature/v1 is needed"):
        Sm2VerifierKey.from_text(KEY.to_text(), use=Sm2Use.COSIGNATURE)


def test_readers_of_the_first_suite_refuse_the_key() -> None:
    """A key of type 0xff is not taken for an Ed25519 one."""
    with pytest.raises(Refusal, match="0x01 or 0x04"):
        VerifierKey.from_text(KEY.to_text())
    assert 0xFF not in list(Algorithm)


def _halves(r: int, s: int) -> bytes:
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


_R, _S = int.from_bytes(SIGNATURE[:32], "big"), int.from_bytes(SIGNATURE[32:], "big")


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        SIGNATURE[:-1],
        SIGNATURE + b"\x00",
        b"\x00" + SIGNATURE,
        bytes(64),
        _halves(0, _S),
        _halves(_R, 0),
        _halves(N, _S),
        _halves(_R, N),
        _halves(_R, N - _R),
        _halves(_S, _R),
        _halves(_R, N - _S),
        _halves(_R + 1, _S),
        b"\xff" * 64,
        # The DER that GB/T 35276 writes is not what is written here.
        b"\x30\x46\x02\x21\x00" + SIGNATURE[:32] + b"\x02\x21\x00" + SIGNATURE[32:],
    ],
)
def test_a_false_signature_is_the_peers_fault(signature: bytes) -> None:
    """Out of range, of another length or encoding, or simply wrong: one reason."""
    with pytest.raises(PeerFault) as caught:
        KEY.verify(MESSAGE, signature)
    assert Reason.BAD_SIGNATURE is caught.value.reason


def test_leading_zeros_stay() -> None:
    """An s that begins with a zero byte has that byte: without it, it is not the same bytes."""
    signature = bytes.fromhex(
        "2350905f9933fc016e54933b662250f15c400cd50de58cd85932a3e4b6e1b3e9"
        "00b2844cffb947e0401f8ae085f5d75a2ea7b534ade2aa29bde1ae76bf3964b6"
    )
    KEY.verify(MESSAGE, signature)
    with pytest.raises(PeerFault):
        KEY.verify(MESSAGE, signature[:32] + signature[33:])


def test_every_bit_of_a_signature_counts() -> None:
    """No single bit of r or s can change, nor a byte of the message."""
    for bit in range(512):
        changed = bytearray(SIGNATURE)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(PeerFault):
            KEY.verify(MESSAGE, bytes(changed))
    for other in (b"", b"message digesu", MESSAGE + b"\x00"):
        with pytest.raises(PeerFault):
            KEY.verify(other, SIGNATURE)


@pytest.mark.parametrize("message", [b"", b"\x00", b"x" * 100_000])
def test_messages_of_any_length(message: bytes) -> None:
    """What is signed verifies, each time with another signature."""
    first, second = SIGNER.sign(message), SIGNER.sign(message)
    assert first != second
    for signature in (first, second):
        assert 64 == len(signature)
        KEY.verify(message, signature)


def test_a_seed_is_never_shown() -> None:
    """A private key does not reach a log line."""
    assert PRIVATE.hex() not in repr(SIGNER)
    assert repr(PRIVATE) not in repr(SIGNER)


def test_without_the_extra_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading keys needs no library; signing and verifying say which extra to install."""
    monkeypatch.setitem(sys.modules, "gmssl_pyx", None)
    assert KEY == Sm2VerifierKey.from_text(KEY.to_text())
    for attempt in (
        lambda: SIGNER.sign(b"x"),
        lambda: KEY.verify(MESSAGE, SIGNATURE),
        lambda: Sm2Signer(name="a", use=Sm2Use.NOTE, seed=b"\x07" * 32),
    ):
        with pytest.raises(Refusal, match=r"pip install 'deltacare\[sm\]'") as caught:
            attempt()
        assert Reason.SUITE_NOT_AVAILABLE is caught.value.reason


def test_what_every_node_decides_alike_needs_no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Worked out by hand it is what GmSSL says, of good signatures and of every kind of bad one."""
    halves = (SIGNATURE[:32], SIGNATURE[32:])
    bad = [
        b"",
        SIGNATURE[:-1],
        SIGNATURE + b"\x00",
        bytes(64),
        halves[1] + halves[0],
        _halves(0, _S),
        _halves(_R, 0),
        _halves(N, _S),
        _halves(_R, N),
        _halves(_R, N - _R),
        *(
            (int.from_bytes(SIGNATURE, "big") ^ 1 << bit).to_bytes(64, "big")
            for bit in range(0, 512, 32)
        ),
    ]
    made = {message: SIGNER.sign(message) for message in (b"", b"\x00", b"x" * 10_000)}
    monkeypatch.setitem(sys.modules, "gmssl_pyx", None)
    assert is_sm2_signature(PUBLIC, MESSAGE, SIGNATURE)
    assert all(is_sm2_signature(PUBLIC, *each) for each in made.items())
    assert [] == [each for each in bad if is_sm2_signature(PUBLIC, MESSAGE, each)]
    assert not is_sm2_signature(PUBLIC, MESSAGE + b"\x00", SIGNATURE)
    other = b"\x04" + _point(_G_X, _G_Y)
    assert is_sm2_public_key(other)
    for public_key in (other, PUBLIC[:-1], b"", bytes(65), b"\x04" + _Y + _X):
        assert not is_sm2_signature(public_key, MESSAGE, SIGNATURE)


def multiply(factor: int, point: Point) -> Point:
    """Return a multiple of a point, by sums alone."""
    total: Point = None
    while factor:
        if factor & 1:
            total = add(total, point)
        point = add(point, point)
        factor >>= 1
    return total


def test_sums_of_multiples_agree() -> None:
    """One chain of doublings gives what two give, infinity, doubling and opposites included."""
    base = (_G_X, _G_Y)
    opposite = (_G_X, P - _G_Y)
    points = [base, opposite, point_of(PUBLIC), multiply(2, base)]
    factors = [0, 1, 2, N - 1, _S]
    for other in points:
        for left in factors:
            for right in (0, 1, 2, _R):
                wanted = add(multiply(left, base), multiply(right, other))
                assert wanted == combine(left, base, right, other)


_G_X = 0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7
_G_Y = 0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0


def _point(x: int, y: int) -> bytes:
    return x.to_bytes(32, "big") + y.to_bytes(32, "big")
