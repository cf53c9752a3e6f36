"""Whether partners can be reached from here and we from there, and where the way is broken.

The way out is a call that the examiner makes itself, with the node's certificate. The way in is
read from what the partner holds of our registry log: our node signs its newest checkpoint every
minute, so the time in the copy that a partner shows is when it last heard of us.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from server.doctor.findings import Check, Finding, Level, Side, ago, well

__all__ = ["HEARD_MAX", "Failure", "WayOut", "check_stream", "check_way_in", "check_way_out"]

HEARD_MAX = timedelta(minutes=10)
"""A node that was not heard of for so long is not reached: it is also when partners alarm."""


class Failure(enum.Enum):
    """How a call to a partner failed."""

    NAME = "NAME"
    """Its host name leads nowhere."""
    REFUSED = "REFUSED"
    """Its machine answers, and nothing serves there."""
    SILENT = "SILENT"
    """Nothing comes back in time."""
    UNTRUSTED = "UNTRUSTED"
    """What answers does not show a certificate of the partner's CA."""
    UNKNOWN_TO_IT = "UNKNOWN_TO_IT"
    """It answers and does not take us for who we are."""
    OUT_OF_ORDER = "OUT_OF_ORDER"
    """It answers with an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Broken:
    """What a failure means."""

    side: Side
    code: str
    zh: str
    en: str
    remedy: str


_BROKEN: Mapping[Failure, _Broken] = {
    Failure.NAME: _Broken(
        side=Side.NETWORK,
        code="PARTNER_NAME_UNKNOWN",
        zh="主机名 {host} 无法解析。",
        en="The host name {host} cannot be resolved.",
        remedy="getent hosts {host}",
    ),
    Failure.REFUSED: _Broken(
        side=Side.PARTNER,
        code="PARTNER_NOT_SERVING",
        zh="{endpoint} 上没有服务：对方节点未运行。",
        en="Nothing serves on {endpoint}: the partner's node does not run.",
        remedy="deltacare node serve DIR",
    ),
    Failure.SILENT: _Broken(
        side=Side.NETWORK,
        code="PARTNER_SILENT",
        zh="{endpoint} 没有回应：线路、防火墙或对方机器。",
        en="{endpoint} does not answer: the way, a firewall, or its machine.",
        remedy="nc -vz -w 5 {host} {port}",
    ),
    Failure.UNTRUSTED: _Broken(
        side=Side.PARTNER,
        code="PARTNER_UNTRUSTED",
        zh="{endpoint} 出示的证书不能证明它是 {province} 的节点。",
        en="What answers at {endpoint} cannot show that it is {province}'s node.",
        remedy="deltacare node certificate renew DIR",
    ),
    Failure.UNKNOWN_TO_IT: _Broken(
        side=Side.OURS,
        code="REFUSED_BY_PARTNER",
        zh="{province} 不承认本节点的证书{said}。",
        en="{province} does not accept our node's certificate{said}.",
        remedy="deltacare node certificate renew {directory}",
    ),
    Failure.OUT_OF_ORDER: _Broken(
        side=Side.PARTNER,
        code="PARTNER_OUT_OF_ORDER",
        zh="{province} 应答出错{said}。",
        en="{province} answers with an error{said}.",
        remedy="deltacare node doctor DIR",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WayOut:
    """What came of a call to a partner.

    Attributes:
        province: The partner.
        endpoint: ``host:port`` that the federation states.
        failure: ``None`` if it answered.
        said: What the failure said of itself, short.
        took: Until the answer.
    """

    province: str
    endpoint: str
    failure: Failure | None
    said: str = ""
    took: timedelta = timedelta(0)


def check_way_out(way: WayOut, *, directory: str) -> Finding:
    """Return whether a partner is reached from here.

    Args:
        way: What came of a call.
        directory: Of our node.
    """
    if way.failure is None:
        milliseconds = max(1, round(way.took.total_seconds() * 1_000))
        return well(
            Check.REACHABILITY,
            f"本方可达 {way.endpoint}，{milliseconds} 毫秒。",
            f"{way.endpoint} answers us in {milliseconds} ms.",
            subject=f"→ {way.province}",
            province=way.province,
        )
    broken = _BROKEN[way.failure]
    host, _, port = way.endpoint.rpartition(":")
    words = {
        "province": way.province,
        "endpoint": way.endpoint,
        "host": host.strip("[]"),
        "port": port,
        "said": f" ({way.said})" if way.said else "",
        "directory": directory,
    }
    return Finding(
        check=Check.REACHABILITY,
        level=Level.BAD,
        code=broken.code,
        subject=f"→ {way.province}",
        side=broken.side,
        province=way.province,
        zh=broken.zh.format(**words),
        en=broken.en.format(**words),
        remedy=broken.remedy.format(**words),
    )


def check_stream(
    province: str,
    *,
    is_connected: bool,
    last_contact: datetime | None,
    now: datetime,
    directory: str,
) -> Finding | None:
    """Return that our running node does not follow a partner which answers us; nothing if it does.

    Args:
        province: The partner.
        is_connected: Whether our node has its stream of checkpoints.
        last_contact: When it last answered our node.
        now: The present instant.
        directory: Of our node.
    """
    if is_connected:
        return None
    zh, en = ago(now - last_contact) if last_contact is not None else ("", "")
    return Finding(
        check=Check.REACHABILITY,
        level=Level.WARN,
        code="STREAM_DOWN",
        subject=f"→ {province}",
        side=Side.OURS,
        province=province,
        zh=f"{province} 可达，但本节点没有跟上它的检查点流"
        + (f"（最近联系在 {zh}前）。" if zh else "（从未联系上）。"),
        en=f"{province} can be reached, and our node does not follow its stream of checkpoints "
        + (f"(last contact {en} ago)." if en else "(no contact yet)."),
        remedy=f"deltacare node status {directory}",
    )


def check_way_in(
    province: str,
    *,
    heard: datetime | None,
    made: datetime | None,
    is_running: bool,
    our_endpoint: str,
    directory: str,
    now: datetime,
) -> Finding:
    """Return whether a partner hears of us.

    Args:
        province: The partner, which answered.
        heard: Time in our newest own cosignature that the partner shows; ``None`` if it shows none.
        made: Time in the newest that we made; ``None`` if we made none yet.
        is_running: Whether our node runs.
        our_endpoint: ``host:port`` that the federation states of us.
        directory: Of our node.
        now: The present instant.
    """
    subject = f"← {province}"
    if heard is not None and now - heard <= HEARD_MAX:
        zh, en = ago(now - heard)
        return well(
            Check.REACHABILITY,
            f"{province} 在 {zh}前还收到过本方消息。",
            f"{province} last heard of us {en} ago.",
            subject=subject,
            province=province,
        )
    last_zh, last_en = ago(now - heard) if heard is not None else ("", "")
    since_zh = f"{last_zh}前以来" if heard else "至今"
    since_en = f"for {last_en}" if heard else "yet"
    if not is_running or made is None or now - made > HEARD_MAX:
        return Finding(
            check=Check.REACHABILITY,
            level=Level.BAD,
            code="NOTHING_TO_HEAR",
            subject=subject,
            side=Side.OURS,
            province=province,
            zh=f"{province} {since_zh}没有收到本方消息：本节点没有签发新的检查点。",
            en=f"{province} has not heard of us {since_en}: our node signs no new checkpoint.",
            remedy=f"deltacare node serve {directory}",
        )
    host, _, port = our_endpoint.rpartition(":")
    return Finding(
        check=Check.REACHABILITY,
        level=Level.BAD,
        code="NOT_HEARD",
        subject=subject,
        side=Side.NETWORK,
        province=province,
        zh=f"{province} {since_zh}没有收到本方消息，虽然本方在签发：其到 {our_endpoint} 不通。",
        en=f"{province} has not heard of us {since_en}, though we sign: its way to {our_endpoint} "
        "is broken.",
        remedy=f"nc -vz -w 5 {host.strip('[]')} {port}  # at {province}",
    )
