"""What the tests of four trusts share: forged hours, lies about a status, lines of an event."""

from collections.abc import Callable
from datetime import timedelta

from deltacare.trust.roles import sign, timestamp_bytes
from deltacare.v1 import federation_service_pb2 as pb
from tests.support.trusts import FourTrusts, timestamp_seed

SH, JS, ZJ, AH = "310000", "320000", "330000", "340000"
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def forged(nodes: FourTrusts, hour: int, *provinces: str) -> bytes:
    """Return an hour's timestamp over the statement in force at Shanghai, signed by some nodes."""
    data = timestamp_bytes(hour, nodes[SH].room.ledger.newest.snapshot)
    for province in provinces:
        data = sign(data, timestamp_seed(province))
    return data


def events(logs: list[dict[str, object]], event: str) -> list[dict[str, object]]:
    """Return the lines of an event."""
    return [line for line in logs if line["event"] == event]


async def ask(nodes: FourTrusts, province: str, hour: int, sha256: str, version: int = 1) -> bytes:
    """Ask a node for its signature as Jiangsu does."""
    request = pb.GetTimestampSignatureRequest(
        hour=hour, snapshot_version=version, snapshot_sha256=bytes.fromhex(sha256)
    )
    node = nodes[province]
    answer = await node.service.get_timestamp_signature(request, node.call(JS))
    return answer.signature


def claiming(**fields: int) -> Callable[[bytes], bytes]:
    """Return a lie about a node's status."""

    def lie(data: bytes) -> bytes:
        answer = pb.GetTrustStatusResponse.FromString(data)
        for name, value in fields.items():
            setattr(answer, name, value)
        return answer.SerializeToString()

    return lie
