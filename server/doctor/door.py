"""Whether the open door answers: asked over HTTP like by any stranger, on the node's own machine.

That a node runs says nothing of its door, which has a port, an event loop's TLS and limits of its
own. It is asked for the checkpoint of the node's registry log; that it has none yet is an answer.
What is in the checkpoint is looked at elsewhere, and whether strangers are let through to the
door's address cannot be seen from here.
"""

import enum
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

from deltacare.ids import LogName
from server.doctor.findings import Check, Finding, Level, Side, well
from server.http.settings import HttpConfig
from server.http.site import LOGS_PREFIX

__all__ = ["Door", "DoorAnswer", "ask_door", "check_door"]

_ANSWER_BYTES_MAX = 16 * 1024
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104  # asked there, not served
_OK, _NOT_FOUND = 200, 404
_IN_PLENTY = frozenset({429, 503})


class Door(enum.Enum):
    """What came of asking a door."""

    ANSWERS = "ANSWERS"
    """It is ours, and it works."""
    CLOSED = "CLOSED"
    """Nothing listens there."""
    SILENT = "SILENT"
    """Connections are taken, and end or wait without an answer."""
    NO_TLS = "NO_TLS"
    """What answers does not speak TLS as the settings say."""
    BUSY = "BUSY"
    """It has no room for a request."""
    BROKEN = "BROKEN"
    """It answers with an error."""
    FOREIGN = "FOREIGN"
    """What answers is no door of this node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorAnswer:
    """What came of asking the door.

    Attributes:
        address: ``host:port`` that was asked.
        state: What came of it.
        said: The status or the failure, short.
    """

    address: str
    state: Door
    said: str = ""


async def ask_door(config: HttpConfig, *, own: str, timeout_s: float) -> DoorAnswer | None:
    """Ask the door for the newest checkpoint of the registry log.

    Args:
        config: Where it is.
        own: The node's province.
        timeout_s: After which nothing comes any more.

    Returns:
        What came of it; ``None`` if there is no door, or the system chose its port.
    """
    host, _, port = (config.listen or "").rpartition(":")
    if config.listen is None or int(port) == 0:
        return None
    import aiohttp

    address = f"{_LOOPBACK.get(host, host)}:{port}"
    log = LogName.registry(own)
    url = f"{'https' if config.is_tls else 'http'}://{address}{LOGS_PREFIX}/{log}/checkpoint"
    # Its certificate was examined where it lies.
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=False),
        timeout=aiohttp.ClientTimeout(total=timeout_s),
    ) as session:
        try:
            async with session.get(url, allow_redirects=False) as reply:
                body = await reply.content.read(_ANSWER_BYTES_MAX)
                server = reply.headers.get("Server", "")
                state = _state(reply.status, is_ours=server == "deltacare")
                if state is Door.ANSWERS and reply.status == _OK:
                    is_log = body.startswith(f"{log}\n".encode())
                    state = Door.ANSWERS if is_log else Door.FOREIGN
                return DoorAnswer(address=address, state=state, said=str(reply.status))
        except (aiohttp.ClientError, OSError) as error:
            return DoorAnswer(address=address, state=_failed(error), said=type(error).__name__)


def _state(status: int, *, is_ours: bool) -> Door:
    """Return what a status means."""
    if not is_ours:
        return Door.FOREIGN
    if status in _IN_PLENTY:
        return Door.BUSY
    return Door.ANSWERS if status in {_OK, _NOT_FOUND} else Door.BROKEN


def _failed(error: Exception) -> Door:
    """Return what a failure means."""
    import aiohttp

    cause = getattr(error, "os_error", error)
    if isinstance(cause, ConnectionRefusedError):
        return Door.CLOSED
    if isinstance(error, aiohttp.ClientSSLError) or isinstance(cause, ssl.SSLError):
        return Door.NO_TLS
    if isinstance(error, aiohttp.ClientResponseError):
        # Plain TLS alerts and other protocols end here too.
        return Door.FOREIGN
    return Door.SILENT


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wrong:
    """What a state means."""

    level: Level = Level.BAD
    code: str
    zh: str
    en: str
    remedy: str


_WRONG: Mapping[Door, _Wrong] = {
    Door.CLOSED: _Wrong(
        code="HTTP_CLOSED",
        zh="{address} 上没有 HTTP 服务：节点启动后设置有改动，请停止后重新启动。",
        en="Nothing serves HTTP on {address}: the settings changed since the node started; "
        "stop it and start it again.",
        remedy="deltacare node serve {directory}",
    ),
    Door.SILENT: _Wrong(
        code="HTTP_SILENT",
        zh="{address} 接受连接而不应答（{said}）：名额被占满，或服务出错。",
        en="{address} takes connections and does not answer ({said}): they are all in use, or it "
        "is out of order.",
        remedy="ss -tnp 'sport = :{port}'",
    ),
    Door.NO_TLS: _Wrong(
        code="HTTP_WITHOUT_TLS",
        zh="{address} 上的服务不使用 TLS，与 node.toml 的 [http] tls 不符，请停止节点后重新启动。",
        en="What serves on {address} does not speak TLS, unlike [http] tls in node.toml: stop the "
        "node and start it again.",
        remedy="deltacare node serve {directory}",
    ),
    Door.BUSY: _Wrong(
        level=Level.WARN,
        code="HTTP_BUSY",
        zh="{address} 暂不受理请求（HTTP {said}）。",
        en="{address} has no room for requests now (HTTP {said}).",
        remedy="ss -tnp 'sport = :{port}'",
    ),
    Door.BROKEN: _Wrong(
        code="HTTP_OUT_OF_ORDER",
        zh="{address} 应答出错（HTTP {said}）。",
        en="{address} answers with an error (HTTP {said}).",
        remedy="deltacare node status {directory}",
    ),
    Door.FOREIGN: _Wrong(
        code="HTTP_FOREIGN",
        zh="在 {address} 应答的不是本节点的 HTTP 服务（{said}）。",
        en="What answers on {address} is not this node's HTTP service ({said}).",
        remedy="ss -ltnp 'sport = :{port}'",
    ),
}


def check_door(seen: DoorAnswer, *, directory: str) -> Finding:
    """Return whether the door answers.

    Args:
        seen: What came of asking.
        directory: Of the node.
    """
    wrong = _WRONG.get(seen.state)
    if wrong is None:
        return well(
            Check.NODE,
            f"HTTP 服务 {seen.address} 应答。",
            f"HTTP on {seen.address} answers.",
            subject="http",
        )
    words = {
        "address": seen.address,
        "port": seen.address.rpartition(":")[2],
        "said": seen.said,
        "directory": directory,
    }
    return Finding(
        check=Check.NODE,
        level=wrong.level,
        code=wrong.code,
        subject="http",
        side=Side.OURS,
        zh=wrong.zh.format(**words),
        en=wrong.en.format(**words),
        remedy=wrong.remedy.format(**words),
    )
