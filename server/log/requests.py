"""Idempotency: the first answer to every write, kept under who asked, what and which id.

Content is compared by an HMAC under a key of this node, so that the table tells nobody what a
request said. What a rule refused stays refused under its id; overload, outage and missing rights
are not kept, because the same call is meant to be tried again; nor is that this node had no key to
sign with. In no log: it is backed up, and a
rebuild leaves it.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select, update

from deltacare.errors import DeltacareError, FieldViolation, Kind, Reason, Refusal
from deltacare.ids import Principal
from server.log import tables

__all__ = [
    "MAC_KEY_BYTES",
    "RequestKey",
    "RequestStore",
    "StoredAnswer",
    "blind_requests",
    "is_kept",
]

MAC_KEY_BYTES = 32

_DOMAIN = b"deltacare/v1/request-content\n"
_BLINDED_MAX = 500  # values in one statement
_KEPT_KINDS = frozenset({Kind.INVALID, Kind.NOT_FOUND, Kind.EXISTS, Kind.PRECONDITION})

_SELECT = select(
    tables.requests.c.content_mac, tables.requests.c.is_refusal, tables.requests.c.answer
).where(
    tables.requests.c.scope == bindparam("scope"),
    tables.requests.c.method == bindparam("method"),
    tables.requests.c.request_id == bindparam("request_id"),
)
_INSERT = insert(tables.requests)


def is_kept(error: DeltacareError) -> bool:
    """Whether a refusal stays under its request id: rules do, what passes and rights do not."""
    if not isinstance(error, Refusal) or error.retryable or error.reason is Reason.KEY_NOT_IN_FORCE:
        return False
    return error.reason.kind in _KEPT_KINDS or error.reason is Reason.NOT_AUTHOR


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestKey:
    """Under what an answer is kept.

    Attributes:
        scope: province and opaque id of the caller, whatever the role.
        method: full name of the method.
        request_id: UUID in canonical form.
    """

    scope: str
    method: str
    request_id: str

    @classmethod
    def of(cls, caller: Principal, method: str, request_id: str) -> "RequestKey":
        """Return the key of a call."""
        scope = f"{caller.province}/{caller.opaque_id}"
        return cls(scope=scope, method=method, request_id=request_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAnswer:
    """A first answer: its bytes, or the refusal that it was."""

    content_mac: bytes
    answer: bytes
    refusal: Refusal | None


class RequestStore:
    """The first answers of one node.

    Args:
        mac_key: 32 bytes of this node's own.
    """

    def __init__(self, mac_key: bytes) -> None:
        assert len(mac_key) == MAC_KEY_BYTES, "a MAC key has 32 bytes"
        self._mac_key = mac_key

    def mac(self, content: bytes) -> bytes:
        """Return what a request's content is compared by."""
        return hmac.digest(self._mac_key, _DOMAIN + content, hashlib.sha256)

    def find(self, connection: Connection, key: RequestKey) -> StoredAnswer | None:
        """Return the first answer to a request, if it was asked before."""
        row = connection.execute(
            _SELECT, {"scope": key.scope, "method": key.method, "request_id": key.request_id}
        ).first()
        if row is None:
            return None
        answer = bytes(row.answer)
        refusal = _decode(answer) if row.is_refusal else None
        return StoredAnswer(content_mac=bytes(row.content_mac), answer=answer, refusal=refusal)

    def keep(
        self,
        connection: Connection,
        key: RequestKey,
        *,
        content_mac: bytes,
        answer: bytes | Refusal,
        now: datetime,
    ) -> None:
        """Keep the first answer to a request."""
        is_refusal = isinstance(answer, Refusal)
        connection.execute(
            _INSERT,
            {
                "scope": key.scope,
                "method": key.method,
                "request_id": key.request_id,
                "content_mac": content_mac,
                "is_refusal": is_refusal,
                "answer": _encode(answer) if isinstance(answer, Refusal) else answer,
                "created_time": now,
            },
        )


def blind_requests(connection: Connection, request_ids: Iterable[str]) -> None:
    """Put nothing in the place of what content is compared by; no content has that MAC."""
    rows = tables.requests
    ids = tuple(request_ids)
    for start in range(0, len(ids), _BLINDED_MAX):
        some = ids[start : start + _BLINDED_MAX]
        connection.execute(update(rows).where(rows.c.request_id.in_(some)).values(content_mac=b""))


def _encode(refusal: Refusal) -> bytes:
    value = {
        "reason": refusal.reason.wire,
        "message": refusal.message,
        "details": dict(refusal.details),
        "violations": [[v.field, v.value, v.description, v.remedy] for v in refusal.violations],
    }
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _decode(data: bytes) -> Refusal:
    value = json.loads(data)
    return Refusal(
        Reason[value["reason"]],
        value["message"],
        details=value["details"],
        violations=[
            FieldViolation(field=field, value=shown, description=description, remedy=remedy)
            for field, shown, description, remedy in value["violations"]
        ],
    )
