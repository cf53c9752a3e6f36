"""The curve of SM2: points, their sums and multiples. Nothing here is for secrets.

Python's numbers take a time that tells of their value, so private keys never come here; signing is
for a library (`deltacare.sm2`). What is public is worked out here, the same on every machine.

Source: GB/T 32918.1-2016 (sums of points), GB/T 32918.5-2017 section 2 (the curve).
"""

from functools import lru_cache

__all__ = [
    "FIELD_BYTES",
    "PUBLIC_BYTES",
    "UNCOMPRESSED",
    "A",
    "B",
    "G",
    "N",
    "P",
    "Point",
    "add",
    "combine",
    "point_of",
]

FIELD_BYTES = 32
PUBLIC_BYTES = 1 + 2 * FIELD_BYTES
UNCOMPRESSED = 0x04

# The curve, GB/T 32918.5 section 2.
P = 0xFFFFFFFE_FFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_00000000_FFFFFFFF_FFFFFFFF
A = P - 3
B = 0x28E9FA9E_9D9F5E34_4D5A9E4B_CF6509A7_F39789F5_15AB8F92_DDBCBD41_4D940E93
N = 0xFFFFFFFE_FFFFFFFF_FFFFFFFF_FFFFFFFF_7203DF6B_21C6052B_53BBF409_39D54123
G = (
    0x32C4AE2C_1F198119_5F990446_6A39C994_8FE30BBF_F2660BE1_715A4589_334C74C7,
    0xBC3736A2_F4F6779C_59BDCEE3_6B692153_D0A9877C_C62A4740_02DF32E5_2139F0A0,
)

Point = tuple[int, int] | None  # affine; None at infinity


@lru_cache(maxsize=256)
def point_of(public_key: bytes) -> Point:
    """Return the point that 65 bytes spell, ``None`` if they spell none of the curve.

    The curve's order is prime, so every point of it but infinity, which has no such spelling,
    is a key.
    """
    x = int.from_bytes(public_key[1 : 1 + FIELD_BYTES], "big")
    y = int.from_bytes(public_key[1 + FIELD_BYTES :], "big")
    is_point = public_key[0] == UNCOMPRESSED and x < P and y < P
    return (x, y) if is_point and (y * y - (x * x + A) * x - B) % P == 0 else None


def add(left: Point, right: Point) -> Point:
    """Return the sum of two points (GB/T 32918.1 section 3.2.3.1). Not for secrets."""
    if left is None or right is None:
        return right if left is None else left
    (x1, y1), (x2, y2) = left, right
    if x1 == x2 and (y1 + y2) % P == 0:
        return None
    slope = (
        (3 * x1 * x1 + A) * pow(2 * y1, -1, P) if x1 == x2 else (y2 - y1) * pow(x2 - x1, -1, P)
    ) % P
    x = (slope * slope - x1 - x2) % P
    return x, (slope * (x1 - x) - y1) % P


def combine(left: int, one: Point, right: int, other: Point) -> Point:
    """Return left times one point plus right times another. Not for secrets.

    Both go through one chain of doublings, in Jacobian coordinates: (X/Z², Y/Z³), Z = 0 at
    infinity. One inversion in the end instead of one a step makes it a tenth of the time.
    """
    summed = add(one, other)
    x, y, z = 1, 1, 0
    for bit in range(max(left.bit_length(), right.bit_length()) - 1, -1, -1):
        x, y, z = _double_jacobian(x, y, z)
        is_left, is_right = left >> bit & 1, right >> bit & 1
        if is_left or is_right:
            added = summed if is_left and is_right else one if is_left else other
            if added is not None:
                x, y, z = _add_jacobian(x, y, z, added)
    if not z:
        return None
    inverse = pow(z, -1, P)
    square = inverse * inverse % P
    return x * square % P, y * square * inverse % P


def _double_jacobian(x: int, y: int, z: int) -> tuple[int, int, int]:
    """Return twice a point; the curve has a = -3. Of infinity it is infinity."""
    delta, gamma = z * z % P, y * y % P
    beta = x * gamma % P
    alpha = 3 * (x - delta) * (x + delta) % P
    doubled = (alpha * alpha - 8 * beta) % P
    return (
        doubled,
        (alpha * (4 * beta - doubled) - 8 * gamma * gamma) % P,
        2 * y * z % P,
    )


def _add_jacobian(x: int, y: int, z: int, added: tuple[int, int]) -> tuple[int, int, int]:
    """Return the sum of a point and one in plain coordinates."""
    if not z:
        return (*added, 1)
    square = z * z % P
    h = (added[0] * square - x) % P
    r = (added[1] * square * z - y) % P
    if not h:
        return _double_jacobian(x, y, z) if not r else (1, 1, 0)
    h_square = h * h % P
    h_cube, v = h * h_square % P, x * h_square % P
    summed = (r * r - h_cube - 2 * v) % P
    return summed, (r * (v - summed) - y * h_cube) % P, z * h % P
