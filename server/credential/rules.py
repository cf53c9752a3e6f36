"""What may be said in a registry log of keys for phone certificates and of status lists.

Pure: values in, a rule or nothing out; the same at the author and at every node that projects. They
look at the author's own log up to the entry and at nothing else. Whether a list's hash is that of
the list is for whoever has the log to work out (`status.compute_list`): a wrong one proves its
author wrong, and restricts nobody.
"""

from dataclasses import dataclass
from datetime import date

from deltacare.credential.status_list import LIST_PLACES
from deltacare.errors import Reason
from deltacare.v1.entry_pb2 import CredentialKey, StatusList
from server.registry.rulebook import Rule

__all__ = ["RULES", "ListBefore", "judge_key", "judge_list", "places_in_list"]

_KEY = "deltacare/v1/entry.proto, CredentialKey"
_LIST = "deltacare/v1/entry.proto, StatusList"

_K01_KEY_REUSED = Rule(
    code="K01-KEY-REUSED",
    zh="同一密钥名称不得指称两把公钥。",
    en="A key's name stands for one public key and never for another.",
    source=_KEY,
    reason=Reason.ALREADY_EXISTS,
)
_K02_LIST_AHEAD = Rule(
    code="K02-LIST-AHEAD",
    zh="状态列表不得计入其后的条目。",
    en="A status list takes in no entry that comes after it.",
    source=_LIST,
)
_K03_LIST_GOES_BACK = Rule(
    code="K03-LIST-GOES-BACK",
    zh="状态列表的日志大小与日期不得早于同一列表上一次公布的。",
    en="A status list is of no smaller log and no earlier day than the one before it.",
    source=_LIST,
)
_K04_LIST_COUNT = Rule(
    code="K04-LIST-COUNT",
    zh="状态列表的位数与该日志中的证书数不符。",
    en="A status list has a place for each certificate that the log had issued by then.",
    source=_LIST,
)

RULES: tuple[Rule, ...] = (
    _K01_KEY_REUSED,
    _K02_LIST_AHEAD,
    _K03_LIST_GOES_BACK,
    _K04_LIST_COUNT,
)
"""Every rule, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListBefore:
    """What was stated of a list before.

    Attributes:
        log_size: Entries it took in.
        on_date: Day as of which it held.
    """

    log_size: int
    on_date: date


def judge_key(body: CredentialKey, *, known: bytes | None) -> Rule | None:
    """Return the rule that a readable key breaks.

    Args:
        body: the key.
        known: public key that the author stated under this name before; ``None`` if none.
    """
    return None if known is None or known == body.public_key else _K01_KEY_REUSED


def judge_list(
    body: StatusList, *, index: int, before: ListBefore | None, issued: int
) -> Rule | None:
    """Return the rule that a readable status list breaks.

    Args:
        body: the list.
        index: place of the entry in the log.
        before: what was stated of this list before; ``None`` if nothing.
        issued: certificates that the author had issued in the entries that the list takes in.
    """
    if body.log_size > index:
        return _K02_LIST_AHEAD
    if before is not None and (
        body.log_size < before.log_size or date.fromisoformat(body.on_date) < before.on_date
    ):
        return _K03_LIST_GOES_BACK
    if body.entry_count != places_in_list(issued, body.list_number):
        return _K04_LIST_COUNT
    return None


def places_in_list(issued: int, list_number: int) -> int:
    """Return how many places of a list are in use.

    Args:
        issued: certificates that the author has issued.
        list_number: from 0.
    """
    return min(max(issued - list_number * LIST_PLACES, 0), LIST_PLACES)
