"""The status list of a million certificates at 2 % revoked: its size, its upkeep, its look-ups.

Places are drawn with a fixed seed. Sizes are those of the bytes that travel; the JWT writes the
compressed list as text twice, the CWT holds its bytes. What deflate could do at best is beside it:
the entropy of the list.
"""

import math
import random
import statistics
import time
from datetime import UTC, date, datetime, timedelta
from secrets import token_bytes
from typing import Any

from deltacare.credential.cwt import to_cwt
from deltacare.credential.jws import SigningKey
from deltacare.credential.status_list import (
    TTL_S,
    Status,
    StatusListToken,
    compress_list,
    list_bytes,
    new_list,
    set_status,
)

__all__ = ["run"]

CERTIFICATES = 1_000_000
REVOKED = 20_000
LOOKUPS = 1_000_000
ROUNDS = 5
GOAL_COMPRESSED_BYTES = 30_000
GOAL_TOKEN_BYTES = 36_000
GOAL_LOOKUPS_PER_S = 1_000_000


def _list() -> bytes:
    data = new_list(CERTIFICATES)
    for index in random.Random(20_260_101).sample(range(CERTIFICATES), REVOKED):
        set_status(data, index, Status.INVALID)
    return bytes(data)


def _lookups_per_s(token: StatusListToken) -> float:
    places = random.Random(1).sample(range(CERTIFICATES), LOOKUPS // 10)
    rates = []
    for _ in range(ROUNDS):
        status = token.status
        begun = time.perf_counter()
        for _ in range(10):
            for place in places:
                status(place)
        rates.append(LOOKUPS / (time.perf_counter() - begun))
    return statistics.median(rates)


def _figure(value: float, unit: str, goal: float | None, *, at_most: bool) -> dict[str, Any]:
    met = None if goal is None else (value <= goal if at_most else value >= goal)
    return {
        "value": value,
        "unit": unit,
        "ratio": None,
        "baseline": None,
        "goal": goal,
        "met": met,
    }


def run() -> dict[str, dict[str, Any]]:
    """Return the figures."""
    data = _list()
    begun = time.perf_counter()
    compressed = compress_list(data)
    compress_s = time.perf_counter() - begun
    key = SigningKey.from_secret(token_bytes(32))
    now = datetime.now(UTC)
    token = StatusListToken(
        issuer="310000",
        list_number=0,
        data=data,
        entry_count=CERTIFICATES,
        issued_time=now,
        expires_time=now + timedelta(days=1),
        ttl_s=TTL_S,
        log_size=CERTIFICATES + REVOKED,
        on_date=date(2026, 1, 1),
        key_id=key.key_id,
    )
    jwt, cwt = token.to_jwt(key, compressed), to_cwt(token, key, compressed)
    share = REVOKED / CERTIFICATES
    bits = -share * math.log2(share) - (1 - share) * math.log2(1 - share)
    return {
        "status_list_uncompressed": _figure(list_bytes(CERTIFICATES), "B", None, at_most=True),
        "status_list_entropy": _figure(round(bits * CERTIFICATES / 8), "B", None, at_most=True),
        "status_list_compressed": _figure(
            len(compressed), "B", GOAL_COMPRESSED_BYTES, at_most=True
        ),
        "status_list_cwt": _figure(len(cwt), "B", GOAL_TOKEN_BYTES, at_most=True),
        "status_list_jwt": _figure(len(jwt), "B", GOAL_TOKEN_BYTES, at_most=True),
        "status_list_compress": _figure(round(compress_s, 3), "s", None, at_most=True),
        "status_list_lookups": _figure(
            round(_lookups_per_s(token)), "/s", GOAL_LOOKUPS_PER_S, at_most=False
        ),
    }
