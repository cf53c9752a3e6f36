"""As much CBOR as a signed status list needs: whole numbers, bytes, texts, lists and maps.

One spelling for one value (RFC 8949, section 4.2.1, without the order of keys): definite lengths
and the shortest heads. What was read must give the same bytes when it is written.
"""

from typing import Any, Self

from deltacare.credential.jws import bad_token

__all__ = ["Tagged", "decode", "encode"]

_DEPTH_MAX = 8
_ITEMS_MAX = 64
_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _LIST, _MAP, _TAG = range(7)
_SCALARS = (_UNSIGNED, _NEGATIVE, _BYTES, _TEXT)
_ONE_BYTE = 24
_HEADS = {24: 1, 25: 2, 26: 4, 27: 8}


class Tagged(tuple[int, Any]):
    """A tag and what it stands before."""

    __slots__ = ()

    def __new__(cls, tag: int, value: Any) -> Self:  # noqa: ANN401  # any item
        """Return the pair."""
        return super().__new__(cls, (tag, value))


def _head(major: int, number: int) -> bytes:
    if number < _ONE_BYTE:
        return bytes([major << 5 | number])
    for code, size in _HEADS.items():
        if number < 1 << 8 * size:
            return bytes([major << 5 | code]) + number.to_bytes(size)
    raise ValueError


def encode(value: object) -> bytes:
    """Return the bytes of a value.

    Raises:
        ValueError: If it is none of those that this module knows.
    """
    match value:
        case bool():
            raise ValueError
        case int():
            return _head(_UNSIGNED, value) if value >= 0 else _head(_NEGATIVE, -1 - value)
        case bytes():
            return _head(_BYTES, len(value)) + value
        case str():
            data = value.encode()
            return _head(_TEXT, len(data)) + data
        case Tagged():
            return _head(_TAG, value[0]) + encode(value[1])
        case list():
            return _head(_LIST, len(value)) + b"".join(map(encode, value))
        case dict():
            rows = (encode(name) + encode(each) for name, each in value.items())
            return _head(_MAP, len(value)) + b"".join(rows)
    raise ValueError


class _Reader:
    """Reads items one behind the other."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def _take(self, size: int) -> bytes:
        if size > len(self.data) - self.at:
            raise ValueError
        self.at += size
        return self.data[self.at - size : self.at]

    def item(self, depth: int) -> Any:  # noqa: ANN401  # any item
        """Return the next item."""
        if depth > _DEPTH_MAX:
            raise ValueError
        first = self._take(1)[0]
        major, short = first >> 5, first & 31
        number = short
        if short >= _ONE_BYTE:
            number = int.from_bytes(self._take(_HEADS.get(short, len(self.data))))
        if major in _SCALARS:
            return self._scalar(major, number)
        if major == _TAG:
            return Tagged(number, self.item(depth + 1))
        if number > _ITEMS_MAX or major not in (_LIST, _MAP):
            raise ValueError
        if major == _MAP:
            return self._map(number, depth)
        return [self.item(depth + 1) for _ in range(number)]

    def _scalar(self, major: int, number: int) -> int | bytes | str:
        if major == _UNSIGNED:
            return number
        if major == _NEGATIVE:
            return -1 - number
        data = self._take(number)
        return data if major == _BYTES else data.decode("utf-8")

    def _map(self, count: int, depth: int) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for _ in range(count):
            name = self.item(depth + 1)
            if not isinstance(name, int | str) or name in found:
                raise ValueError
            found[name] = self.item(depth + 1)
        return found


def decode(data: bytes, what: str) -> Any:  # noqa: ANN401  # any item
    """Return the one value that bytes spell, in the one way.

    Raises:
        PeerFault: ``BAD_SIGNATURE``.
    """
    reader = _Reader(data)
    try:
        value = reader.item(0)
        is_whole = reader.at == len(data) and encode(value) == data
    except (ValueError, OverflowError, MemoryError):
        is_whole = False
    if not is_whole:
        raise bad_token(f"{what} is not CBOR in its one spelling.")
    return value
