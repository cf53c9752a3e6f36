"""Status lists: bits, both forms of token, PyPI-free vectors of the draft, and hostile ones."""

import random
import tracemalloc
import zlib
from dataclasses import replace
from datetime import timedelta
from secrets import token_bytes

import pytest

from deltacare.credential import cbor
from deltacare.credential.cwt import open_cwt, to_cwt
from deltacare.credential.jws import SigningKey, b64url, sign_jws
from deltacare.credential.keys import KeyStated, key_windows
from deltacare.credential.status_list import (
    LIST_BYTES_MAX,
    STATUS_LIST_TYPE,
    Status,
    StatusListToken,
    decompress_list,
    new_list,
    set_status,
    status_at,
)
from deltacare.errors import PeerFault
from tests.deltacare.credential.conftest import NOW, Issuer


def test_order_of_bits() -> None:
    """The example of the draft (section 4.2): twelve statuses of two bits are C9 44 F9."""
    data = new_list(12)
    statuses = [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]
    for index, status in enumerate(statuses):
        set_status(data, index, status)  # type: ignore[arg-type]  # 3 is no name of ours
    assert "c944f9" == data.hex()
    assert statuses == [status_at(data, index) for index in range(12)]


def test_places_do_not_touch_each_other() -> None:
    """Random writes against a plain list, by a fixed seed."""
    chance = random.Random(20_260_601)
    data, plain = new_list(1_000), [0] * 1_000
    for _ in range(5_000):
        index, status = chance.randrange(1_000), chance.choice(list(Status))
        set_status(data, index, status)
        plain[index] = int(status)
    assert plain == [status_at(data, index) for index in range(1_000)]


def test_both_forms_say_the_same(issuer: Issuer) -> None:
    """JWT and CWT open to what was signed."""
    token = issuer.token((5, Status.INVALID), (6, Status.SUSPENDED))
    assert token == StatusListToken.open(token.to_jwt(issuer.key), issuer.keys)
    assert token == open_cwt(to_cwt(token, issuer.key), issuer.keys)
    assert (0, 1, 2, None) == tuple(token.status(index) for index in (4, 5, 6, 100))


def test_places_in_use(issuer: Issuer) -> None:
    """A place in the last byte that no certificate has yet is none."""
    for count in (97, 98, 99, 100):
        token = issuer.token(count=count)
        assert (25, 0, None) == (len(token.data), token.status(count - 1), token.status(count))
        for opened in (
            StatusListToken.open(token.to_jwt(issuer.key), issuer.keys),
            open_cwt(to_cwt(token, issuer.key), issuer.keys),
        ):
            assert token == opened
    beyond = replace(issuer.token(count=100), entry_count=101)
    with pytest.raises(PeerFault):
        open_cwt(to_cwt(beyond, issuer.key), issuer.keys)


def test_forged(issuer: Issuer) -> None:
    """Another key, and every altered byte of either form."""
    token = issuer.token((5, Status.INVALID))
    stranger = SigningKey.from_secret(token_bytes(32))
    with pytest.raises(PeerFault):
        StatusListToken.open(replace(token, key_id=stranger.key_id).to_jwt(stranger), issuer.keys)
    jwt, cwt = token.to_jwt(issuer.key), to_cwt(token, issuer.key)
    for position in range(0, len(jwt), 5):
        new = "A" if jwt[position] != "A" else "B"
        with pytest.raises(PeerFault):
            StatusListToken.open(jwt[:position] + new + jwt[position + 1 :], issuer.keys)
    for position in range(len(cwt)):
        altered = bytes([*cwt[:position], cwt[position] ^ 1, *cwt[position + 1 :]])
        with pytest.raises(PeerFault):
            open_cwt(altered, issuer.keys)


def test_bombs() -> None:
    """What would unpack to a gigabyte is refused after a quarter of a megabyte."""
    bomb = zlib.compress(bytes(64 * LIST_BYTES_MAX), 9)
    tracemalloc.start()
    with pytest.raises(PeerFault):
        decompress_list(bomb)
    assert 4 * LIST_BYTES_MAX > tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    for data in (bomb, b"", b"x", zlib.compress(b"ab") + b"more", zlib.compress(b"ab")[:-1]):
        with pytest.raises(PeerFault):
            decompress_list(data)
    assert LIST_BYTES_MAX == len(decompress_list(zlib.compress(bytes(LIST_BYTES_MAX))))


def test_wrong_though_signed(issuer: Issuer) -> None:
    """Claims missing, too many, of other kinds, or of another issuer."""
    token = issuer.token()
    lst = b64url(zlib.compress(token.data))
    good = {
        "iss": "deltacare://320000",
        "sub": "deltacare://320000/status/0",
        "iat": 1,
        "exp": 2,
        "ttl": 300,
        "entry_count": 100,
        "log_size": 1,
        "on_date": "2026-06-01",
        "status_list": {"bits": 2, "lst": lst},
    }

    def opened(claims: object) -> StatusListToken:
        text = sign_jws(claims, issuer.key, typ=STATUS_LIST_TYPE, key_id=issuer.key.key_id)
        return StatusListToken.open(text, issuer.keys)

    assert token.data == opened(good).data
    for changes in (
        {"iss": "deltacare://310000"},
        {"sub": "https://example.org/1"},
        {"sub": "deltacare://320000/status/4096"},
        {"exp": -1},
        {"exp": True},
        {"exp": 10**30},
        {"ttl": "300"},
        {"entry_count": 101},
        {"entry_count": 96},
        {"entry_count": 2**70},
        {"on_date": "2026-02-30"},
        {"status_list": {"bits": 1, "lst": lst}},
        {"status_list": {"bits": 2, "lst": lst, "aggregation_uri": "x"}},
        {"more": 1},
    ):
        with pytest.raises(PeerFault):
            opened({**good, **changes})
    with pytest.raises(PeerFault):
        opened({name: good[name] for name in good if name != "exp"})
    with pytest.raises(PeerFault):
        opened([])


@pytest.mark.parametrize(
    "text",
    [
        *("", "18", "1801", "5f4101ff", "9f01ff", "a201010102", "1bffffffffffffffff00", "7f", "f5"),
        *("81" * 40 + "01", "5bffffffffffffffff", "c24101" * 2),
    ],
)
def test_hostile_cbor(text: str) -> None:
    """Long heads, endless items, keys twice, deep lists and huge lengths are refused."""
    with pytest.raises(PeerFault):
        cbor.decode(bytes.fromhex(text), "The test")


def test_key_windows() -> None:
    """Until replaced, the day of replacement included; a last day before the first withdraws."""
    from datetime import date

    def stated(index: int, name: str, first: int, last: int | None = None) -> KeyStated:
        return KeyStated(
            index=index,
            key_id=name,
            public_key=b"",
            from_date=date(2026, 1, first),
            until_date=None if last is None else date(2026, 1, last),
        )

    def covers(*rows: KeyStated) -> dict[str, list[int]]:
        return {
            each.stated.key_id: [d for d in range(1, 10) if each.covers(date(2026, 1, d))]
            for each in key_windows(rows)
        }

    assert {"a": [1, 2, 3, 4, 5, 6, 7, 8, 9]} == covers(stated(0, "a", 1))
    assert {"a": [1, 2, 3], "b": [3, 4, 5, 6, 7, 8, 9]} == covers(
        stated(0, "a", 1), stated(1, "b", 3)
    )
    assert {"a": [2, 3, 4]} == covers(stated(0, "a", 2, 4))
    withdrawn = (
        stated(0, "a", 1),
        stated(1, "b", 3),
        stated(2, "a", 1, 1 - 0),
        stated(3, "b", 3, 2),
    )
    assert {"a": [1], "b": []} == covers(*withdrawn)
    assert {"a": [1, 2, 3, 4, 5, 6, 7, 8, 9], "b": []} == covers(
        stated(0, "a", 1), stated(1, "b", 3, 2)
    )


def test_ages_are_of_the_token(issuer: Issuer) -> None:
    """A token states when it runs out; the list in it does not."""
    token = issuer.token()
    assert NOW + timedelta(days=1) == token.expires_time
