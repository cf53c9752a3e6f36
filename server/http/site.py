"""Which path is what, and what is answered there: plain requests in, plain answers out.

No sockets here and no HTTP library: the server gives a method, a path and a body, and sends what it
gets. A path has one spelling; everything else is not found.

    GET  /logs/deltacare/310000/registry/checkpoint      the newest with a quorum
    GET  /logs/deltacare/310000/registry/tile/…          C2SP tlog-tiles
    POST /witness/add-checkpoint                         C2SP tlog-witness
    GET  /witness/<SHA-256 of the origin>/checkpoint     what this witness cosigned last

Source: https://c2sp.org/tlog-tiles, https://c2sp.org/tlog-witness@v1.0.0
"""

import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol

from deltacare.errors import DeltacareError, Kind, Reason, Unavailable
from deltacare.tlog.resource import TileResource, parse_resource
from deltacare.tlog.submission import Submission

__all__ = ["LOGS_PREFIX", "WITNESS_PREFIX", "Answer", "Logs", "Site", "Witness"]

LOGS_PREFIX = "/logs"
WITNESS_PREFIX = "/witness"

_LOG_PATH = re.compile(rf"{LOGS_PREFIX}/(deltacare/[0-9]{{6}}/registry)/(.+)", re.ASCII)
_COSIGNED_PATH = re.compile(rf"{WITNESS_PREFIX}/([0-9a-f]{{64}})/checkpoint", re.ASCII)
_SUBMIT_PATH = f"{WITNESS_PREFIX}/add-checkpoint"
_PATH_CHARS_MAX = 200

_TEXT = "text/plain; charset=utf-8"
_BYTES = "application/octet-stream"
_SIZE = "text/x.tlog.size"

# Tiles never change; a partial one has its width in its path.
_FOR_GOOD = "public, max-age=31536000, immutable"
_FOR_A_MOMENT = "public, max-age=1"
_NEVER = "no-store"


class Logs(Protocol):
    """The registry logs held here, for anybody."""

    async def checkpoint(self, name: str) -> bytes:
        """Return a log's newest checkpoint with a quorum; ``NOT_FOUND`` if there is none."""
        ...

    async def resource(self, name: str, resource: TileResource) -> bytes:
        """Return a tile or a bundle of entries; ``NOT_FOUND`` beyond the checkpoint."""
        ...


class Witness(Protocol):
    """Cosigns what anybody brings, if it extends what was verified."""

    async def add_checkpoint(self, submission: Submission) -> bytes:
        """Return the cosignature lines, or raise why there are none."""
        ...

    async def cosigned(self, name: str) -> bytes:
        """Return the checkpoint that was cosigned last, by the hash of the log's origin."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is sent back.

    Attributes:
        status: Of HTTP.
        body: Bytes.
        content_type: Of the body.
        cache_control: How long the answer may be kept.
        is_compressible: Whether compression is worth it.
        headers: Further ones.
    """

    status: HTTPStatus = HTTPStatus.OK
    body: bytes = b""
    content_type: str = _TEXT
    cache_control: str = _NEVER
    is_compressible: bool = False
    headers: tuple[tuple[str, str], ...] = field(default=())

    @classmethod
    def refusal(
        cls, status: HTTPStatus, message: str = "", headers: tuple[tuple[str, str], ...] = ()
    ) -> "Answer":
        """Return a refusal with one line of text."""
        return cls(status=status, body=f"{message or status.phrase}\n".encode(), headers=headers)


class Site:
    """What is served.

    Args:
        logs: Read by anybody.
        witness: Signs for whoever proves.
    """

    def __init__(self, *, logs: Logs, witness: Witness) -> None:
        self._logs = logs
        self._witness = witness

    def allowed(self, path: str) -> tuple[str, ...]:
        """Return the methods that a path has; none if nothing is there."""
        if len(path) > _PATH_CHARS_MAX:
            return ()
        if path == _SUBMIT_PATH:
            return ("POST",)
        match = _LOG_PATH.fullmatch(path)
        is_log = match is not None and (
            match[2] == "checkpoint" or parse_resource(match[2]) is not None
        )
        return ("GET", "HEAD") if is_log or _COSIGNED_PATH.fullmatch(path) else ()

    async def answer(self, path: str, body: bytes) -> Answer:
        """Return what a path with an allowed method is answered.

        Args:
            path: As received, without a query.
            body: Of a submission; not looked at otherwise.
        """
        try:
            if path == _SUBMIT_PATH:
                lines = await self._witness.add_checkpoint(Submission.from_bytes(body))
                return Answer(body=lines)
            if (cosigned := _COSIGNED_PATH.fullmatch(path)) is not None:
                note = await self._witness.cosigned(cosigned[1])
                return Answer(body=note, cache_control=_FOR_A_MOMENT)
            return await self._read(path)
        except DeltacareError as error:
            return _refusal(error)

    async def _read(self, path: str) -> Answer:
        match = _LOG_PATH.fullmatch(path)
        assert match is not None, "the caller asked whether the path is allowed"
        name, rest = match[1], match[2]
        if rest == "checkpoint":
            note = await self._logs.checkpoint(name)
            return Answer(body=note, cache_control=_FOR_A_MOMENT)
        resource = parse_resource(rest)
        assert resource is not None, "the caller asked whether the path is allowed"
        return Answer(
            body=await self._logs.resource(name, resource),
            content_type=_BYTES,
            cache_control=_FOR_GOOD,
            # Hashes are noise, entries are not.
            is_compressible=resource.level is None,
        )


# What a witness answers, by reason; other reasons go by their kind.
_BY_REASON = {
    Reason.BAD_SIGNATURE: HTTPStatus.FORBIDDEN,
    Reason.KEY_NOT_IN_FORCE: HTTPStatus.FORBIDDEN,
    Reason.BAD_PROOF: HTTPStatus.UNPROCESSABLE_ENTITY,
    Reason.FORK: HTTPStatus.UNPROCESSABLE_ENTITY,
    Reason.ALREADY_EXISTS: HTTPStatus.CONFLICT,
}
_BY_KIND = {
    Kind.INVALID: HTTPStatus.BAD_REQUEST,
    Kind.NOT_FOUND: HTTPStatus.NOT_FOUND,
}


def _refusal(error: DeltacareError) -> Answer:
    status = HTTPStatus.SERVICE_UNAVAILABLE
    if not isinstance(error, Unavailable):
        status = _BY_REASON.get(error.reason) or _BY_KIND.get(
            error.reason.kind, HTTPStatus.INTERNAL_SERVER_ERROR
        )
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        return Answer.refusal(status)
    if "cosigned_size" in error.details:
        size = error.details["cosigned_size"]
        return Answer(status=status, body=f"{size}\n".encode(), content_type=_SIZE)
    headers = (("Retry-After", "5"),) if isinstance(error, Unavailable) else ()
    return Answer.refusal(status, str(error), headers)
