"""Reads the bodies of credential entries: is each field there, well formed, within its limits?"""

import re

from deltacare.credential.jws import ALGORITHM, VerifyingKey
from deltacare.credential.names import LIST_NUMBER_MAX
from deltacare.credential.status_list import LIST_PLACES, STATUS_BITS
from deltacare.errors import PeerFault, ViolationCollector
from deltacare.times import parse_date
from deltacare.v1.entry_pb2 import CredentialKey, StatusList
from server.registry.fields import read_count, read_optional_date

__all__ = ["read_key", "read_list"]

_KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_HASH_BYTES = 32
_LOG_SIZE_MAX = 2**63 - 1


def read_key(body: CredentialKey, at: str, bad: ViolationCollector) -> None:
    """Check a key. A last day before the first is no mistake: it withdraws the key."""
    if not _KEY_ID.fullmatch(body.key_id):
        bad.note(f"{at}key_id", body.key_id, "It is not 1 to 64 characters of [A-Za-z0-9._-].")
    if body.algorithm != ALGORITHM:
        bad.note(f"{at}algorithm", body.algorithm, f"It is not {ALGORITHM}.")
    try:
        VerifyingKey.from_der(body.public_key)
    except PeerFault as fault:
        bad.note(f"{at}public_key", body.public_key.hex(), fault.message)
    bad.take(parse_date, body.from_date, field=f"{at}from_date")
    read_optional_date(body.until_date, f"{at}until_date", bad)


def read_list(body: StatusList, at: str, bad: ViolationCollector) -> None:
    """Check a status list."""
    read_count(body.list_number, f"{at}list_number", bad, most=LIST_NUMBER_MAX)
    if body.status_bits != STATUS_BITS:
        bad.note(f"{at}status_bits", body.status_bits, f"It is not {STATUS_BITS}.")
    read_count(body.entry_count, f"{at}entry_count", bad, most=LIST_PLACES)
    if len(body.list_hash) != _HASH_BYTES:
        bad.note(f"{at}list_hash", body.list_hash.hex(), "It has not 32 bytes.")
    read_count(body.log_size, f"{at}log_size", bad, most=_LOG_SIZE_MAX)
    bad.take(parse_date, body.on_date, field=f"{at}on_date")
