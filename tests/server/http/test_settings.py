"""The settings of the open door: off unless asked for, every limit with its range."""

from pathlib import Path

import pytest

from deltacare.errors import Refusal
from server.config import NodeConfig, config_text, read_config
from server.http.limits import HttpLimits
from server.http.settings import HTTP_LIMITS, HttpConfig


def read(directory: Path, section: str | None = None) -> NodeConfig:
    """Return the settings of a new node's file, with another section of HTTP if one is given."""
    text = config_text(
        province="310000", listen="127.0.0.1:7310", database_url="sqlite:///node.sqlite"
    )
    if section is not None:
        head, _, rest = text.partition("[http]")
        text = f"{head}[http]\n{section}\n{rest[rest.index('[limits]') :]}"
    path = directory / "node.toml"
    path.write_text(text, encoding="utf-8")
    return read_config(path)


def refused(directory: Path, section: str) -> dict[str, str]:
    """Return by setting why a section is refused."""
    with pytest.raises(Refusal) as caught:
        read(directory, section)
    return {violation.field: violation.description for violation in caught.value.violations}


def test_nothing_is_served_unless_asked_for(tmp_path: Path) -> None:
    """A new node's file, and one that does not speak of it, serve no HTTP."""
    for section in (None, "", 'listen = "off"'):
        assert HttpConfig(listen=None, is_tls=True) == read(tmp_path, section).http


def test_settings_are_read(tmp_path: Path) -> None:
    """Where, how, and every limit."""
    least = {name: span[0] for name, span in HTTP_LIMITS.items()}
    rows = "\n".join(f"{name} = {value}" for name, value in least.items())
    found = read(tmp_path, f'listen = "[::1]:8443"\ntls = false\n{rows}').http
    assert HttpConfig(listen="[::1]:8443", is_tls=False, limits=HttpLimits(**least)) == found


def test_every_default_is_in_its_range() -> None:
    """And stands in the template as it is."""
    text = config_text(province="310000", listen="x:1", database_url="sqlite:///x")
    section = text.partition("[http]")[2].partition("[limits]")[0]
    for name, (low, high) in HTTP_LIMITS.items():
        default = getattr(HttpLimits(), name)
        assert low <= default <= high
        assert f"# {name} = {default}\n" in section


def test_what_is_wrong_is_named_at_once(tmp_path: Path) -> None:
    """An address that is none, a type, a range, a name."""
    section = 'listen = "here"\ntls = "no"\nconnections_max = 0\nport = 1'
    assert {"http.listen", "http.tls", "http.connections_max", "http.port"} == set(
        refused(tmp_path, section)
    )
