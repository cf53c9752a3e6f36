"""A node's settings: one TOML file, read strictly, every limit with its unit in its name.

A key that is unknown, missing or out of range is reported with all the others, not one by one.
Paths are relative to the file. Keys and certificates are named here and read elsewhere.
"""

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import time
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, cast

from clients.sdk.credentials import read_file
from deltacare.errors import ViolationCollector, invalid_field
from deltacare.ids import parse_province
from deltacare.tlog.tree import SIZE_MAX
from server.edge.access_rules import Role
from server.edge.limits import Limits
from server.edge.logging import LEVELS
from server.http.limits import HttpLimits
from server.http.settings import HTTP_LIMITS, HTTP_OFF, HttpConfig, http_text

__all__ = ["CONFIG_FILE", "NodeConfig", "config_text", "parse_address", "read_config"]

CONFIG_FILE = "node.toml"

_PORT_MAX = 65_535
_ADDRESS = re.compile(r"(?:[0-9A-Za-z][0-9A-Za-z.-]{0,252}|\[[0-9A-Fa-f:]{2,45}\]):([0-9]{1,5})")
_HOUR = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_POLL_INTERVAL_S_MAX = 60
_TRUST_INTERVAL_S_DEFAULT = 20
_TRUST_INTERVAL_S_MAX = 300  # half of what is an alarm
_NIGHT_MEMORY_MB_DEFAULT = 1_536
_NIGHT_MEMORY_MB = (128, 1_048_576)
_SQLITE = "sqlite:///"
_MANUAL = "manual"
_ACCEPTED_LOSS = "audit.accept_loss_of_size"

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeConfig:
    """The settings of one node.

    Attributes:
        directory: Where the file stands; what it names is relative to it.
        province: Whose node it is, six digits.
        listen: ``host:port`` it serves on; port 0 lets the system choose.
        database_url: SQLAlchemy URL.
        certificate: The node's certificate.
        key: Its private key.
        keys: Directory of the other private keys.
        passphrase_file: File with the passphrase of the private keys; ``None``: the environment.
        trust: Directory of the federation's metadata and the root it is verified from.
        close_time: Published hour of the day close in Asia/Shanghai; ``None``: by hand.
        night_engine: On what nights run: `duckdb` or a Spark master.
        night_memory_mb: What the engine may take for a large night before it writes to files, MiB.
        night_directory: Where it writes them; ``None``: where the system keeps temporary files.
        write_unconfirmed: Write own logs before partners confirmed their ends.
        poll_interval_s: Seconds between looks at a partner whose stream is down.
        trust_interval_s: Seconds between refreshes of the federation's metadata.
        log_level: Of the structured log.
        limits: Of the edge.
        http: What is served to anybody.
        audit_accepted_loss_size: The operator's word that an audit log which was anchored with so
            many entries goes on with fewer; ``None``: nothing is accepted.
    """

    directory: Path
    province: str
    listen: str
    database_url: str
    certificate: Path
    key: Path
    keys: Path
    passphrase_file: Path | None
    trust: Path
    close_time: time | None
    night_engine: str
    night_memory_mb: int
    night_directory: Path | None
    write_unconfirmed: bool
    poll_interval_s: int
    trust_interval_s: int
    log_level: str
    limits: Limits = field(default_factory=Limits)
    http: HttpConfig = field(default_factory=HttpConfig)
    audit_accepted_loss_size: int | None = None


# By setting of the edge the least and the most that is accepted.
_LIMITS: Mapping[str, tuple[int, int]] = {
    "message_bytes_max": (64 * 1024, 64 * 1024 * 1024),
    "unary_duration_max_s": (1, 300),
    "calls_per_s_max": (1, 1_000_000),
    "burst_calls_max": (1, 1_000_000),
    "calls_at_once_max": (1, 4_096),
    "streams_at_once_max": (1, 4_096),
    "connection_streams_max": (1, 65_536),
    "handshake_duration_max_s": (1, 120),
    "connection_duration_max_s": (60, 86_400),
    "drain_duration_max_s": (0, 300),
    "refused_calls_per_min_max": (1, 1_000_000),
}
_BY_ROLE = "role_calls_per_s_max"
assert {*_LIMITS, _BY_ROLE} == {item.name for item in fields(Limits)}, "every limit has its range"
_ROLE_CALLS_PER_S_MAX = 1_000_000
_ROLE_LIMITS: Mapping[str, str] = {f"{role}_calls_per_s_max": str(role) for role in Role}

_TABLES: Mapping[str, frozenset[str]] = {
    "": frozenset({"province", "listen", "database_url"}),
    "tls": frozenset({"certificate", "key"}),
    "keys": frozenset({"directory", "passphrase_file"}),
    "trust": frozenset({"directory", "refresh_interval_s"}),
    "night": frozenset({"close_hour", "engine", "memory_mb", "directory"}),
    "logs": frozenset({"write_unconfirmed", "poll_interval_s"}),
    "log": frozenset({"level"}),
    "audit": frozenset({"accept_loss_of_size"}),
    "limits": frozenset(_LIMITS),
    "http": frozenset({"listen", "tls", *HTTP_LIMITS}),
    "limits.roles": frozenset(_ROLE_LIMITS),
}
_DEFAULTS: Mapping[str, object] = {
    "log.level": "info",
    "night.engine": "duckdb",
    "night.memory_mb": _NIGHT_MEMORY_MB_DEFAULT,
    "trust.refresh_interval_s": _TRUST_INTERVAL_S_DEFAULT,
    "http.listen": HTTP_OFF,
    "http.tls": True,
    **{f"http.{item.name}": item.default for item in fields(HttpLimits)},
    **{f"limits.{item.name}": item.default for item in fields(Limits) if item.name in _LIMITS},
}


def read_config(path: Path) -> NodeConfig:
    """Read a node's settings.

    Args:
        path: The TOML file.

    Raises:
        Refusal: ``INVALID_FIELD``, naming everything that is wrong with the file.
    """
    data = read_file(path, field_name="config")
    try:
        value = tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise invalid_field(
            "config", path, f"The file is not TOML: {error}.", "Compare it with a new one."
        ) from None
    reader = _Reader(value)
    directory = path.resolve().parent
    config = {
        "province": reader.text("province", parse_province),
        "listen": reader.text("listen", parse_address),
        "database_url": reader.text("database_url", _parse_database_url),
        "certificate": directory / reader.text("tls.certificate"),
        "key": directory / reader.text("tls.key"),
        "keys": directory / reader.text("keys.directory"),
        "passphrase_file": _optional_path(directory, reader.optional_text("keys.passphrase_file")),
        "trust": directory / reader.text("trust.directory"),
        "night_engine": reader.text("night.engine", _parse_engine),
        "night_memory_mb": reader.number("night.memory_mb", *_NIGHT_MEMORY_MB),
        "night_directory": _optional_path(directory, reader.optional_text("night.directory")),
        "write_unconfirmed": reader.flag("logs.write_unconfirmed"),
        "poll_interval_s": reader.number("logs.poll_interval_s", 1, _POLL_INTERVAL_S_MAX),
        "trust_interval_s": reader.number("trust.refresh_interval_s", 1, _TRUST_INTERVAL_S_MAX),
        "audit_accepted_loss_size": (
            reader.number(_ACCEPTED_LOSS, 1, SIZE_MAX) if reader.has(_ACCEPTED_LOSS) else None
        ),
        "log_level": reader.text("log.level", _parse_level),
    }
    hour = reader.text("night.close_hour", _parse_hour)
    limits = {name: reader.number(f"limits.{name}", *span) for name, span in _LIMITS.items()}
    by_role = {
        role: reader.number(f"limits.roles.{name}", 1, _ROLE_CALLS_PER_S_MAX)
        for name, role in _ROLE_LIMITS.items()
        if reader.has(f"limits.roles.{name}")
    }
    http_listen = reader.text("http.listen", _parse_http_listen)
    is_http_tls = reader.flag("http.tls")
    http = {name: reader.number(f"http.{name}", *span) for name, span in HTTP_LIMITS.items()}
    reader.bad.raise_if_any()
    config["database_url"] = _resolve_database_url(str(config["database_url"]), directory)
    return NodeConfig(
        directory=directory,
        close_time=None if hour == _MANUAL else time.fromisoformat(hour),
        limits=Limits(**limits, role_calls_per_s_max=MappingProxyType(by_role)),
        http=HttpConfig(
            listen=None if http_listen == HTTP_OFF else http_listen,
            is_tls=is_http_tls,
            limits=HttpLimits(**http),
        ),
        **config,  # type: ignore[arg-type]  # the reader gave each its type
    )


class _Reader:
    """Takes settings out of a TOML value and notes everything that is wrong with it.

    What is wrong is returned as an empty value of its type, which nobody sees: the caller raises
    what was noted.
    """

    def __init__(self, value: Mapping[str, Any]) -> None:
        self.bad = ViolationCollector()
        self._values: dict[str, Any] = {}
        self._take(value, "")
        known = {
            f"{table}.{name}" if table else name
            for table, names in _TABLES.items()
            for name in names
        }
        for name in sorted(self._values.keys() - known):
            self.bad.note(name, "", "There is no such setting.", "Remove it, or check its name.")

    def _take(self, value: Mapping[str, Any], table: str) -> None:
        """Note the settings of a table and of the tables in it by their full names."""
        for inner, item in value.items():
            name = f"{table}.{inner}" if table else inner
            if name in _TABLES and isinstance(item, dict):
                self._take(item, name)
            else:
                self._values[name] = item

    def has(self, name: str) -> bool:
        """Return whether a setting is given."""
        return name in self._values

    def text(self, name: str, parse: Callable[..., str] | None = None) -> str:
        """Return a setting that is a text."""
        value = self._typed(name, str, "a text in quotes")
        if value is None:
            return ""
        if not value:
            self.bad.note(name, "", "It is empty.")
        if parse is None:
            return value
        return self.bad.take(parse, value, field=name) or ""

    def optional_text(self, name: str) -> str | None:
        """Return a setting that is a text, if it is there."""
        return self.text(name) if name in self._values else None

    def number(self, name: str, least: int, most: int) -> int:
        """Return a setting that is a whole number."""
        value = self._typed(name, int, "a whole number")
        if value is None:
            return least
        if not least <= value <= most:
            self.bad.note(name, value, f"It is not {least} to {most}.")
        return value

    def flag(self, name: str) -> bool:
        """Return a setting that is true or false."""
        return self._typed(name, bool, "true or false") or False

    def _typed(self, name: str, kind: type[T], noun: str) -> T | None:
        """Return a setting of a type, its default if it has one, nothing if it is wrong."""
        if name not in self._values:
            if name in _DEFAULTS:
                return cast("T", _DEFAULTS[name])
            self.bad.note(name, "", "It is missing.", f"Set it to {noun}.")
            return None
        value = self._values[name]
        if type(value) is not kind:
            self.bad.note(name, value, f"It is not {noun}.")
            return None
        return value


def parse_address(text: str, *, field: str) -> str:
    """Return ``host:port``.

    Raises:
        Refusal: ``INVALID_FIELD``, if it is none.
    """
    match = _ADDRESS.fullmatch(text)
    if match is None or int(match[1]) > _PORT_MAX:
        raise invalid_field(field, text, "It is not host:port.", "Write it as 127.0.0.1:7310.")
    return text


def _parse_http_listen(text: str, *, field: str) -> str:
    """Return ``off`` or ``host:port``."""
    return text if text == HTTP_OFF else parse_address(text, field=field)


def _parse_database_url(text: str, *, field: str) -> str:
    """Return the URL of a database of a kind that is tested."""
    if not text.startswith((_SQLITE, "postgresql://", "postgresql+psycopg://")):
        raise invalid_field(
            field,
            "",
            "It is not the URL of SQLite or PostgreSQL.",
            "Write sqlite:///node.sqlite or postgresql://user@host/database.",
        )
    return text


def _parse_hour(text: str, *, field: str) -> str:
    """Return ``manual`` or ``HH:MM``."""
    if text != _MANUAL and not _HOUR.fullmatch(text):
        raise invalid_field(
            field, text, "It is no hour.", 'Write "manual", or HH:MM such as "18:00".'
        )
    return text


def _parse_engine(text: str, *, field: str) -> str:
    """Return the name of an engine that nights can run on."""
    from settlement.engine import parse_engine

    return parse_engine(text, field=field)


def _parse_level(text: str, *, field: str) -> str:
    """Return the name of a level of the log."""
    if text not in LEVELS:
        raise invalid_field(field, text, "There is no such level.", f"Use {', '.join(LEVELS)}.")
    return text


def _optional_path(directory: Path, text: str | None) -> Path | None:
    """Return a path relative to a directory, if there is one."""
    return None if text is None else directory / text


def _resolve_database_url(url: str, directory: Path) -> str:
    """Return the URL with the path of a SQLite file made absolute."""
    if not url.startswith(_SQLITE):
        return url
    return f"{_SQLITE}{directory / url.removeprefix(_SQLITE)}"


def config_text(
    *, province: str, listen: str, database_url: str, passphrase_file: Path | None = None
) -> str:
    """Return a commented configuration file for a new node.

    Args:
        province: Six digits.
        listen: ``host:port`` to serve on.
        database_url: SQLAlchemy URL; a SQLite path may be relative to the file.
        passphrase_file: File with the passphrase of the private keys, if one shall be named.
    """
    limits = Limits()
    rows = "\n".join(
        f"# {note}\n# {name} = {getattr(limits, name)}" for name, note in _LIMIT_NOTES.items()
    )
    return _TEMPLATE.format(
        province=json.dumps(province),
        listen=json.dumps(listen),
        database_url=json.dumps(database_url),
        passphrase_file=(
            '# passphrase_file = "/run/secrets/deltacare"'
            if passphrase_file is None
            else f"passphrase_file = {json.dumps(str(passphrase_file), ensure_ascii=False)}"
        ),
        limits=rows,
        http=http_text(),
    )


_LIMIT_NOTES = {
    "message_bytes_max": "Bytes of one message, either way.",
    "unary_duration_max_s": "Seconds a call may run; also the deadline of one that has none.",
    "calls_per_s_max": "Calls a second that one caller may begin.",
    "burst_calls_max": "Calls that a caller who was quiet may begin at once.",
    "calls_at_once_max": "Calls of one caller that may run at the same time.",
    "streams_at_once_max": "Streams of one caller among these.",
    "connection_streams_max": "Calls and streams at the same time on one connection.",
    "handshake_duration_max_s": "Seconds that a connection has to say who calls.",
    "connection_duration_max_s": "Seconds after which a connection is made anew.",
    "drain_duration_max_s": "Seconds that running calls get to finish when the node stops.",
    "refused_calls_per_min_max": "Calls of one caller a minute that may be denied before none is "
    "looked at for a while.",
}

_TEMPLATE = """\
# Settings of one province's node. Paths are relative to this file.

# The province whose node this is, six digits.
province = {province}

# Where it serves, host:port. Partners and clients come to the endpoint that the federation states
# for this province; it leads here.
listen = {listen}

# SQLite in one file, or PostgreSQL: "postgresql://user@host/database".
database_url = {database_url}

[tls]
# The node's certificate and its private key. It serves with them, and calls partners as "peer".
certificate = "node.crt"
key = "keys/tls.key"

[keys]
# Directory of the private keys, each encrypted under a passphrase. The node reads it from the file
# that DELTACARE_KEY_PASSPHRASE_FILE names, from DELTACARE_KEY_PASSPHRASE, or from the file named
# here, in this order.
directory = "keys"
{passphrase_file}

[trust]
# Directory of the federation's metadata: the root whose keys you compared with each partner by
# another way, and everything that was signed under it.
directory = "trust"
# Seconds between refreshes; none that succeeds for ten minutes is an alarm.
# refresh_interval_s = 20

[night]
# When the business date is closed: the published hour in Asia/Shanghai, such as "18:00", or
# "manual" for by hand.
close_hour = "manual"
# On what nights run: "duckdb", inside the node, or with the extra `spark` a Spark master, such as
# "local[*]" or "spark://host:7077". The result is the same to the byte.
# engine = "duckdb"
# What DuckDB may take for a large night before it writes to files, in MiB, and where those are; by
# default where the system keeps temporary files.
# memory_mb = 1536
# directory = "night"

[logs]
# A node asks its partners what they hold of its logs before it writes, so that it never signs a
# second history. True skips that: only if you know that nothing was lost.
write_unconfirmed = false
# Seconds between looks at a partner whose stream is down, while it answers.
poll_interval_s = 3

[log]
# debug, info, warning or error; goes to standard error, one JSON object a line.
level = "info"

[audit]
# Nobody else holds the audit log. If entries that were anchored are lost and no backup has them,
# the node discloses nothing. With the size that was anchored, which its refusal names, it goes on,
# and states to every member from where entries are missing.
# accept_loss_of_size = 1234

{http}
[limits]
{limits}

# Calls a second that all callers of a role together may begin; not limited unless named.
[limits.roles]
# operator_calls_per_s_max = 1000
"""
