"""Whole offline checks of phone certificates: on one core, and on all that the machine has.

Each check takes the text apart, verifies ES256, hashes the disclosure, looks the status up in a
list of a million, and asks the bundle's answers. Keys and lists are held, texts differ. The
baseline is what ``cryptography`` needs for the signature alone, on one core in the same run.
"""

import os
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime, timedelta
from secrets import token_bytes
from typing import Any

from deltacare.credential.bundle import BundleContent, ClassAnswer
from deltacare.credential.certificate import PhoneCertificate, mint_certificate
from deltacare.credential.jws import SigningKey
from deltacare.credential.offline import TrustedBundle, TrustedKey, check_offline
from deltacare.credential.status_list import TTL_S, StatusListToken, new_list

__all__ = ["run"]

CERTIFICATES = 1_000_000
TEXTS = 500
CHECKS = 5_000
ROUNDS = 5
GOAL_PER_S = 10_000
FIRST, LAST = date(2020, 1, 1), date(2099, 12, 31)


def _prepare() -> tuple[TrustedBundle, list[str], datetime, SigningKey]:
    key, now = SigningKey.from_secret(token_bytes(32)), datetime.now(UTC)
    token = StatusListToken(
        issuer="320000",
        list_number=0,
        data=bytes(new_list(CERTIFICATES)),
        entry_count=CERTIFICATES,
        issued_time=now,
        expires_time=now + timedelta(days=1),
        ttl_s=TTL_S,
        log_size=CERTIFICATES,
        on_date=now.date(),
        key_id=key.key_id,
    )
    answer = ClassAnswer(
        issuer="320000",
        subject="CAREGIVER",
        scheme="CAREGIVER_LEVEL",
        grade="三级",
        division="320100",
        from_date=FIRST,
        until_date=LAST,
        verdict="VALID",
        rule="R22-RECOGNISED",
        mapped_scheme="CAREGIVER_LEVEL",
        mapped_grade="三级",
    )
    bundle = TrustedBundle(
        content=BundleContent(
            host="310000",
            made_time=now,
            stale_after_s=86_400,
            trust_version=1,
            keys=(),
            lists=(),
            classes=(answer,),
            numbers=(),
        ),
        keys={
            "320000": {key.key_id: TrustedKey(key=key.verifying, from_date=FIRST, until_date=None)}
        },
        lists={("320000", 0): token},
        faults={},
    )
    texts = [
        mint_certificate(
            PhoneCertificate(
                certificate_no=f"320000-C{serial}",
                subject="CAREGIVER",
                scheme="CAREGIVER_LEVEL",
                grade="三级",
                division="320100",
                institution_id="",
                valid_from_date=FIRST,
                valid_until_date=LAST,
                status_index=serial * 1_999,
            ),
            holder_name="示例甲",
            holder_key=None,
            key=key,
            now=now,
            salt=os.urandom,
        )
        for serial in range(TEXTS)
    ]
    return bundle, texts, now, key


def _checks(rounds: int) -> list[tuple[float, float]]:
    """Return begin and end of each round of whole checks, on a clock that processes share."""
    bundle, texts, now, _ = _prepare()
    found = []
    for _ in range(rounds):
        begun = time.monotonic()
        for position in range(CHECKS):
            verdict = check_offline(
                texts[position % TEXTS], bundle, now=now, holder_name="示例甲"
            ).verdict
            assert verdict == "VALID", verdict
        found.append((begun, time.monotonic()))
    return found


def _signatures_per_s() -> float:
    key = SigningKey.from_secret(token_bytes(32))
    data = bytes(600)
    signature, verifying = key.sign(data), key.verifying
    rates = []
    for _ in range(ROUNDS):
        begun = time.monotonic()
        for _ in range(CHECKS):
            verifying.verify(signature, data)
        rates.append(CHECKS / (time.monotonic() - begun))
    return statistics.median(rates)


def run() -> dict[str, dict[str, Any]]:
    """Return the figures."""
    bare = _signatures_per_s()
    one = statistics.median(CHECKS / (end - begun) for begun, end in _checks(ROUNDS))
    cores = len(os.sched_getaffinity(0))
    with ProcessPoolExecutor(cores) as pool:
        runs = list(pool.map(_checks, [ROUNDS] * cores))
    # Only the span in which every process was at work counts.
    all_rate = sum(CHECKS * ROUNDS / (each[-1][1] - each[0][0]) for each in runs)
    return {
        "offline_checks_one_core": {
            "value": round(one),
            "unit": "/s",
            "ratio": one / bare,
            "baseline": round(bare),
            "goal": None,
            "met": None,
        },
        f"offline_checks_{cores}_cores": {
            "value": round(all_rate),
            "unit": "/s",
            "ratio": all_rate / bare,
            "baseline": round(bare),
            "goal": GOAL_PER_S,
            "met": all_rate >= GOAL_PER_S,
        },
    }
