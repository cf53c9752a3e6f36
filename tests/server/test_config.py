"""Tests of a node's settings: what is read, and everything that is refused, at once."""

from datetime import time
from pathlib import Path

import pytest

from deltacare.errors import Reason, Refusal
from server.config import config_text, read_config
from server.edge.limits import Limits
from settlement.engine import MEMORY_MB_MIN


def written(directory: Path, text: str | None = None, **replaced: str) -> Path:
    """Write a configuration file, with some lines replaced by others.

    A name of the table ``http`` is written with it, because other tables have some of its names.
    """
    if text is None:
        text = config_text(
            province="310000", listen="127.0.0.1:7310", database_url="sqlite:///node.sqlite"
        )
    lines = text.splitlines()
    table = ""
    tables = [table := line if line.startswith("[") else table for line in lines]
    for full_name, line in replaced.items():
        name = full_name.removeprefix("http.")
        places = [
            n
            for n, old in enumerate(lines)
            if old.startswith((f"{name} =", f"# {name} ="))
            and (tables[n] == "[http]") == full_name.startswith("http.")
        ]
        assert len(places) == 1, f"{name} stands once in the template"
        lines[places[0]] = line
    path = directory / "node.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def refused(path: Path) -> dict[str, str]:
    """Return by setting why a file is refused."""
    with pytest.raises(Refusal) as caught:
        read_config(path)
    assert caught.value.reason is Reason.INVALID_FIELD
    return {violation.field: violation.description for violation in caught.value.violations}


def test_template_is_read(tmp_path: Path) -> None:
    """The commented file of a new node is a good one, and its paths are beside it."""
    config = read_config(written(tmp_path))
    assert config.province == "310000"
    assert config.database_url == f"sqlite:///{tmp_path / 'node.sqlite'}"
    assert config.key == tmp_path / "keys" / "tls.key"
    assert (config.keys, config.trust) == (tmp_path / "keys", tmp_path / "trust")
    assert config.passphrase_file is None
    assert config.close_time is None
    assert config.write_unconfirmed is False
    assert config.limits == Limits()


def test_template_shows_every_limit(tmp_path: Path) -> None:
    """Each limit stands in the file with its default, and can be taken from there."""
    defaults = Limits()
    names = set(Limits.__dataclass_fields__) - {"role_calls_per_s_max"}
    lines = {name: f"{name} = {getattr(defaults, name)}" for name in names}
    assert read_config(written(tmp_path, **lines)).limits == defaults


def test_settings_are_read(tmp_path: Path) -> None:
    """What is set is what the node runs with."""
    config = read_config(
        written(
            tmp_path,
            listen='listen = "[::1]:0"',
            database_url='database_url = "postgresql://node@db/deltacare"',
            close_hour='close_hour = "18:30"',
            write_unconfirmed="write_unconfirmed = true",
            poll_interval_s="poll_interval_s = 7",
            refresh_interval_s="refresh_interval_s = 8",
            calls_per_s_max="calls_per_s_max = 5",
            key='key = "/etc/deltacare/node.key"',
            passphrase_file='passphrase_file = "secret"',
        )
    )
    assert config.listen == "[::1]:0"
    assert config.database_url == "postgresql://node@db/deltacare"
    assert config.close_time == time(18, 30)
    assert config.write_unconfirmed is True
    assert config.poll_interval_s == 7
    assert config.trust_interval_s == 8
    assert config.limits.calls_per_s_max == 5
    assert config.key == Path("/etc/deltacare/node.key")
    assert config.passphrase_file == tmp_path / "secret"


def with_night(*lines: str) -> str:
    """Return a good file with settings of the table ``night``."""
    text = config_text(
        province="310000", listen="127.0.0.1:7310", database_url="sqlite:///node.sqlite"
    )
    return text.replace("[night]\n", "\n".join(("[night]", *lines, "")))


def test_night_settings(tmp_path: Path) -> None:
    """By default a night runs inside the node with limited memory; each setting can be given."""
    config = read_config(written(tmp_path))
    found = config.night_engine, config.night_memory_mb, config.night_directory
    assert ("duckdb", 1_536, None) == found
    text = with_night('engine = "local[2]"', "memory_mb = 128", 'directory = "spilled/here"')
    config = read_config(written(tmp_path, text))
    found = config.night_engine, config.night_memory_mb, config.night_directory
    assert ("local[2]", MEMORY_MB_MIN, tmp_path / "spilled" / "here") == found
    # The lines that the template shows are what holds without them, but for the folder.
    shown = text.replace("# memory_mb", "memory_mb").replace("memory_mb = 128\n", "")
    assert 1_536 == read_config(written(tmp_path, shown)).night_memory_mb


@pytest.mark.parametrize(
    "line, field",
    [
        ('engine = "postgres"', "night.engine"),
        ('engine = ""', "night.engine"),
        ("engine = 1", "night.engine"),
        ("memory_mb = 127", "night.memory_mb"),
        ("memory_mb = 1048577", "night.memory_mb"),
        ('memory_mb = "1 GB"', "night.memory_mb"),
        ("directory = 1", "night.directory"),
        ('directory = ""', "night.directory"),
        ("threads = 2", "night.threads"),
    ],
)
def test_wrong_night_setting(tmp_path: Path, line: str, field: str) -> None:
    """What no night can run on is refused by the name of its setting."""
    assert {field} == set(refused(written(tmp_path, with_night(line))))


@pytest.mark.parametrize(
    "name, line, field",
    [
        ("province", 'province = "31"', "province"),
        ("listen", 'listen = "somewhere"', "listen"),
        ("listen", 'listen = "host:70000"', "listen"),
        ("database_url", 'database_url = "mysql://x"', "database_url"),
        ("certificate", 'certificate = ""', "tls.certificate"),
        ("poll_interval_s", "poll_interval_s = 0", "logs.poll_interval_s"),
        ("poll_interval_s", 'poll_interval_s = "3"', "logs.poll_interval_s"),
        ("poll_interval_s", "poll_interval_s = true", "logs.poll_interval_s"),
        ("refresh_interval_s", "refresh_interval_s = 301", "trust.refresh_interval_s"),
        ("passphrase_file", "passphrase_file = 7", "keys.passphrase_file"),
        ("passphrase_file", 'passphrase_file = ""', "keys.passphrase_file"),
        ("close_hour", 'close_hour = "24:00"', "night.close_hour"),
        ("close_hour", 'close_hour = "noon"', "night.close_hour"),
        ("write_unconfirmed", "write_unconfirmed = 1", "logs.write_unconfirmed"),
        ("poll_interval_s", "poll_interval_s = 61", "logs.poll_interval_s"),
        ("level", 'level = "loud"', "log.level"),
        ("message_bytes_max", "message_bytes_max = 1", "limits.message_bytes_max"),
        ("unary_duration_max_s", "unary_duration_max_s = 0", "limits.unary_duration_max_s"),
        ("poll_interval_s", "", "logs.poll_interval_s"),
        ("province", 'colour = "red"', "colour"),
        ("level", 'colour = "red"', "log.colour"),
        ("province", "province = 310000", "province"),
    ],
)
def test_wrong_setting(tmp_path: Path, name: str, line: str, field: str) -> None:
    """A setting that is unknown, missing, of another type or out of range is named."""
    assert field in refused(written(tmp_path, **{name: line}))


def test_everything_wrong_is_named_at_once(tmp_path: Path) -> None:
    """All faults of a file come together."""
    path = written(
        tmp_path,
        listen='listen = "x"',
        poll_interval_s="poll_interval_s = 99",
        close_hour="colour = 1",
        calls_per_s_max="calls_per_s_max = -1",
    )
    assert set(refused(path)) == {
        "listen",
        "logs.poll_interval_s",
        "night.close_hour",
        "night.colour",
        "limits.calls_per_s_max",
    }


@pytest.mark.parametrize("text", ["province = ", "province = '310000'\nprovince = '320000'"])
def test_not_toml(tmp_path: Path, text: str) -> None:
    """What is no TOML is refused with the parser's reason."""
    assert "not TOML" in refused(written(tmp_path, text))["config"]


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there is named."""
    assert "No such file" in refused(tmp_path / "node.toml")["config"]


def test_password_is_not_repeated(tmp_path: Path) -> None:
    """A database URL may hold a password, so a refusal does not show it."""
    path = written(tmp_path, database_url='database_url = "mysql://u:secret@h/d"')
    with pytest.raises(Refusal) as caught:
        read_config(path)
    assert "secret" not in str(caught.value) + str(caught.value.violations)


def test_limits_by_role(tmp_path: Path) -> None:
    """A role that is named has a limit, the others none; one that does not exist is refused."""
    text = config_text(
        province="310000", listen="127.0.0.1:7310", database_url="sqlite:///node.sqlite"
    )
    config = read_config(
        written(tmp_path, f"{text}operator_calls_per_s_max = 50\nsystem_calls_per_s_max = 900\n")
    )
    assert {"operator": 50, "system": 900} == dict(config.limits.role_calls_per_s_max)
    wrong = f"{text}visitor_calls_per_s_max = 5\nclerk_calls_per_s_max = 0\n"
    assert {
        "limits.roles.visitor_calls_per_s_max": "There is no such setting.",
        "limits.roles.clerk_calls_per_s_max": "It is not 1 to 1000000.",
    } == refused(written(tmp_path, wrong))
