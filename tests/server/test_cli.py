"""Tests of ``deltacare node``: what it makes, says and exits with."""

import http.client
import json
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from clients.cli.main import main
from server.config import read_config
from tests.support.federated import PASSPHRASE, free_ports, make_directories

pytestmark = pytest.mark.long

START_TIMEOUT_S = 30


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Run a command line; return exit code, standard output and standard error."""
    with pytest.raises(SystemExit) as caught:
        main.main([str(argument) for argument in arguments])
    shown = capsys.readouterr()
    code = caught.value.code
    assert isinstance(code, int)
    return code, shown.out, shown.err


def run_json(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    """Run a command line that succeeds; return its JSON."""
    code, out, err = run(capsys, *arguments, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


@pytest.fixture(autouse=True)
def passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the environment say the passphrase of what is made here."""
    monkeypatch.setenv("DELTACARE_KEY_PASSPHRASE", PASSPHRASE.decode())
    monkeypatch.delenv("DELTACARE_KEY_PASSPHRASE_FILE", raising=False)


def test_init(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A node is made, its card and clients named, in JSON; nothing of a private key is shown."""
    code, out, err = run(capsys, "node", "init", tmp_path / "n", "--province", "310000", "--json")
    assert (code, err) == (0, "")
    made = json.loads(out)
    assert (made["province"], made["endpoint"]) == ("310000", "127.0.0.1:7310")
    assert set(made["clients"]) >= {"system", "operator", "clerk", "reviewer", "auditor"}
    assert made["member_card"] == str(tmp_path / "n" / "member.json")
    assert made["timestamp_key"].startswith("deltacare/310000/timestamp+")
    assert "PRIVATE" not in out


def test_init_without_a_passphrase(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody says a passphrase, or a short one: no key is made, and the remedy is named."""
    arguments = ("node", "init", tmp_path / "n", "--province", "310000", "--lang", "en")
    monkeypatch.delenv("DELTACARE_KEY_PASSPHRASE")
    code, _, err = run(capsys, *arguments)
    assert (code, "DELTACARE_KEY_PASSPHRASE_FILE" in err) == (2, True)
    monkeypatch.setenv("DELTACARE_KEY_PASSPHRASE", "short")
    code, _, err = run(capsys, *arguments)
    assert (code, "12 characters" in err, "short" in err) == (2, True, False)
    assert not list(tmp_path.rglob("*.key"))


def test_passphrase_file_is_remembered(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file that was given stands in the settings, so that the node starts by itself."""
    monkeypatch.delenv("DELTACARE_KEY_PASSPHRASE")
    secret = tmp_path / "secret"
    secret.write_bytes(PASSPHRASE + b"\n")
    arguments = ("node", "init", tmp_path / "n", "--province", "310000")
    run_json(capsys, *arguments, "--passphrase-file", secret)
    assert secret == read_config(tmp_path / "n" / "node.toml").passphrase_file
    made = run_json(capsys, "node", "client", tmp_path / "n", "--role", "clerk")
    assert Path(made["profile"]).with_suffix(".key").exists()


def test_keys(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Keys are listed without a passphrase; a new one is told apart until it is stated."""
    directory = make_directories(tmp_path)["310000"]
    name = "deltacare/310000/registry"
    before = run_json(capsys, "node", "keys", "list", directory)
    assert {"in_force"} == {row["state"] for row in before}
    assert 6 == len(before)
    made = run_json(capsys, "node", "keys", "new", directory, "--name", name)
    (key,) = made["keys"]
    rows = run_json(capsys, "node", "keys", "list", directory)
    assert [(row["key"], row["state"]) for row in rows if row not in before] == [
        (key, "not_stated")
    ]
    code, out, _ = run(capsys, "node", "keys", "list", directory, "--lang", "zh")
    assert (code, "未列入声明" in out) == (0, True)
    code, _, err = run(capsys, "node", "keys", "new", directory, "--name", "x", "--lang", "en")
    assert (code, "no key of that name" in err) == (2, True)
    code, _, err = run(capsys, "node", "keys", "new", directory, "--from", "soon")
    assert (code, "--from" in err) == (2, True)


def test_certificate(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Renewed, prepared for another CA, and refused where that is not stated yet."""
    directory = make_directories(tmp_path)["310000"]
    renew = ("node", "certificate", "renew", directory)
    first, second = (run_json(capsys, *renew)["serial"] for _ in range(2))
    assert first != second
    assert run_json(capsys, *renew, "--new-ca")["is_ca"]
    code, _, err = run(capsys, *renew, "--lang", "en")
    assert (code, "federation propose" in err) == (1, True)
    code, _, err = run(capsys, *renew, "--drop-old-cas", "--lang", "en")
    assert (code, "of an old CA" in err) == (1, True)
    assert 2 == run(capsys, *renew, "--drop-old-cas", "--new-ca")[0]


@pytest.mark.parametrize("lang, word", [("zh", "节点已建立"), ("en", "is made")])
def test_both_languages(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, lang: str, word: str
) -> None:
    """What a person reads comes in the language that was asked for."""
    made = run(capsys, "node", "init", tmp_path / "n", "--province", "310000", "--lang", lang)
    assert made[0] == 0
    assert word in made[1]


def test_init_refuses(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """An unknown province is bad input; a directory in use is a no, and stays as it is."""
    code, _, err = run(capsys, "node", "init", tmp_path / "x", "--province", "350000")
    assert (code, "350000" in err) == (2, True)
    assert not (tmp_path / "x").exists()
    run_json(capsys, "node", "init", tmp_path / "n", "--province", "310000")
    before = (tmp_path / "n" / "node.toml").read_bytes()
    code, _, err = run(capsys, "node", "init", tmp_path / "n", "--province", "310000")
    assert (code, "not empty" in err) == (1, True)
    assert (tmp_path / "n" / "node.toml").read_bytes() == before


def test_client(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A further client certificate is issued once a name."""
    directory = make_directories(tmp_path)["310000"]
    arguments = ("node", "client", directory, "--role", "clerk", "--name", "c2", "--id", "k-2")
    made = run_json(capsys, *arguments)
    assert made["uri"] == "spiffe://deltacare/310000/clerk/k-2"
    assert Path(made["profile"]).with_suffix(".crt").exists()
    assert run(capsys, *arguments)[0] == 1
    assert run(capsys, "node", "client", directory, "--role", "peer")[0] == 2


def test_serve_without_trust(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A node that was not given the federation's metadata says what is missing."""
    directory = make_directories(tmp_path, install=False)["310000"]
    code, out, _ = run(capsys, "node", "serve", directory, "--json")
    error = json.loads(out)["error"]
    assert (code, error["reason"]) == (2, "INVALID_FIELD")
    assert error["faults"][0]["value"].endswith("pinned.root.json")
    code, _, err = run(capsys, "node", "serve", directory, "--lang", "zh")
    assert (code, "deltacare federation publish … --install" in err) == (2, True)


def test_status_of_a_stopped_node(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A node that does not answer is exit code 3."""
    directory = make_directories(tmp_path)["310000"]
    code, out, _ = run(capsys, "node", "status", directory, "--json")
    assert (code, json.loads(out)["error"]["reason"]) == (3, "PEER_UNREACHABLE")


def test_rebuild_of_an_empty_node(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A new node has nothing to rebuild, and says so log by log."""
    directory = make_directories(tmp_path)["310000"]
    made = run_json(capsys, "node", "rebuild", directory)
    assert made["province"] == "310000"
    assert set(made["entries"].values()) == {0}
    assert len(made["entries"]) == 4


@contextmanager
def serving(directory: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], Any]]:
    """Run ``node serve`` as a process; yield it and the line it printed."""
    program = "from clients.cli.main import main; main()"
    command = [sys.executable, "-c", program, "node", "serve", str(directory)]
    with (
        (directory / "node.log").open("w", encoding="utf-8") as log,
        subprocess.Popen(
            [*command, "--json", *arguments], stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def test_serve_status_stop(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Nodes as processes: they say where they serve, find each other, and stop on SIGTERM."""
    directories = list(make_directories(tmp_path).values())
    port = free_ports(1)[0]
    with serving(directories[0]) as (first, said):
        assert (said["province"], said["pid"]) == ("310000", first.pid)
        code, out, _ = run(capsys, "node", "status", directories[0], "--json")
        assert code == 1
        assert not json.loads(out)["partners"][0]["connected"]
        assert {log["confirmed"] for log in json.loads(out)["own_logs"]} == {False}
        with serving(directories[1]):
            until = time.monotonic() + START_TIMEOUT_S
            while (shown := run(capsys, "node", "status", directories[0], "--json"))[0] != 0:
                assert time.monotonic() < until, shown
            health = json.loads(shown[1])
            assert health["unconfirmed_logs"] == []
            own = [(log["log"], log["size"], log["confirmed"]) for log in health["own_logs"]]
            assert own == [
                ("deltacare/310000/audit", None, True),
                ("deltacare/310000/registry", 0, True),
                ("deltacare/310000/settlement/320000", None, True),  # not an administrator's
            ]
            assert health["trust_version"] == 1
            assert (health["trust"]["version"], health["trust"]["problems"]) == (1, [])
            assert health["trust"]["stale_time"] is None
            assert [partner["province"] for partner in health["partners"]] == ["320000"]
            code, out, _ = run(capsys, "node", "status", directories[0], "--lang", "zh")
            assert (code, "deltacare/320000/registry" in out) == (0, True)
            assert ("本省日志" in out, "联盟声明 1" in out) == (True, True)
            asked = run(capsys, "node", "status", directories[0], "--client", "clerk", "--json")
            assert {log["size"] for log in json.loads(asked[1])["own_logs"]} == {None}
            asked = run(capsys, "node", "status", directories[0], "--client", "system", "--json")
            sizes = {log["log"]: log["size"] for log in json.loads(asked[1])["own_logs"]}
            assert sizes.pop("deltacare/310000/audit") is None  # an auditor's alone
            assert set(sizes.values()) == {0}
        first.send_signal(signal.SIGTERM)
        assert first.wait(timeout=START_TIMEOUT_S) == 0
    log = (directories[0] / "node.log").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in log.splitlines()]
    assert lines[-1]["event"] == "stopped"
    assert all("time" in line and "level" in line for line in lines)
    with serving(directories[0], "--listen", f"127.0.0.1:{port}") as (_, said):
        assert said["endpoint"] == f"127.0.0.1:{port}"
    with serving(directories[0], "--listen", "127.0.0.1:0") as (_, said):
        assert int(said["endpoint"].rpartition(":")[2]) > 0


def stranger_status(port: int) -> int:
    """Ask the open door over TLS for our registry log's checkpoint; return the status."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection(
        "127.0.0.1", port, context=context, timeout=START_TIMEOUT_S
    )
    with closing(connection):
        connection.request("GET", "/logs/deltacare/310000/registry/checkpoint")
        answer = connection.getresponse()
        assert "deltacare" == answer.getheader("Server")
        answer.read()
        return answer.status


def test_serve_http(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The open door of a process answers everybody, is examined, and stops with the node."""
    directory = make_directories(tmp_path)["310000"]
    settings = directory / "node.toml"
    off = settings.read_text(encoding="utf-8")
    port, closed = free_ports(2)

    def examined(listen: str) -> list[tuple[str, str]]:
        settings.write_text(off.replace('listen = "off"', f'listen = "{listen}"'), "utf-8")
        findings = json.loads(run(capsys, "node", "doctor", directory, "--json")[1])["findings"]
        return [(each["code"], each["en"]) for each in findings if each["subject"] == "http"]

    assert [] == examined(f"127.0.0.1:{port}")  # the node is down, and its own line says so
    with serving(directory) as (process, _):
        statuses = [stranger_status(port) for _ in range(60)]
        with ThreadPoolExecutor(30) as threads:
            statuses += threads.map(stranger_status, [port] * 30)
        assert {404} == set(statuses)  # without a partner's signature it shows none
        assert [("OK", f"HTTP on 127.0.0.1:{port} answers.")] == examined(f"127.0.0.1:{port}")
        assert ["HTTP_CLOSED"] == [code for code, _ in examined(f"127.0.0.1:{closed}")]
        with socket.create_connection(("127.0.0.1", port)) as idle:
            process.send_signal(signal.SIGTERM)
            assert 0 == process.wait(timeout=START_TIMEOUT_S)
            idle.settimeout(START_TIMEOUT_S)
            assert b"" == idle.recv(1)
    log = (directory / "node.log").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in log.splitlines()]
    assert "stopped" == lines[-1]["event"]
    assert set() == {line["event"] for line in lines if line["level"] in {"error", "critical"}}


def test_help_is_quick_to_load() -> None:
    """The commands' module loads nothing heavy: help of the whole program needs it."""
    code = (
        "import sys, server.cli; "
        "print([m for m in ('grpc', 'sqlalchemy', 'cryptography', 'uvloop', 'rich', "
        "'google.protobuf', 'duckdb', 'structlog') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def refused_to_serve(directory: Path, *arguments: str) -> tuple[int, str]:
    """Run ``node serve`` that cannot; return exit code and standard error.

    A process of its own: logging stays bound to the standard error that it began with.
    """
    command = [sys.executable, "-m", "clients.cli", "node", "serve", str(directory), *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=START_TIMEOUT_S
    )
    return done.returncode, done.stdout + done.stderr


def test_one_process_a_directory(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Under a live node neither a second one nor a rebuild starts; a killed one is in no way."""
    directory = make_directories(tmp_path)["310000"]
    with serving(directory) as (first, _):
        holder = f"process {first.pid}"
        code, said = refused_to_serve(directory, "--listen", "127.0.0.1:0", "--lang", "en")
        assert (code, holder in said) == (2, True), said
        code, _, err = run(capsys, "node", "rebuild", directory, "--lang", "en")
        assert (code, holder in err) == (2, True), err
    assert run(capsys, "node", "rebuild", directory)[0] == 0


def test_port_in_use(tmp_path: Path) -> None:
    """The address that is taken is named, in either language, and gRPC says nothing."""
    directory = make_directories(tmp_path)["310000"]
    with socket.create_server(("127.0.0.1", 0)) as held:
        address = f"127.0.0.1:{held.getsockname()[1]}"
        for lang, words in (
            ("en", f"Error: {address} is in use"),
            ("zh", f"错误：{address} 已被占用"),
        ):
            code, said = refused_to_serve(directory, "--listen", address, "--lang", lang)
            lines = [line for line in said.splitlines() if not line.startswith("{")]
            assert (code, lines) == (2, [words])


def test_database_out_of_reach(tmp_path: Path) -> None:
    """A PostgreSQL that nobody serves is named by host and port; its password is not."""
    directory = make_directories(tmp_path)["310000"]
    settings = directory / "node.toml"
    port = free_ports(1)[0]
    url = f"postgresql://node:hushed@127.0.0.1:{port}/delta"
    text = settings.read_text(encoding="utf-8").replace("sqlite:///node.sqlite", url)
    settings.write_text(text, encoding="utf-8")
    for lang, words in (("en", "cannot be reached"), ("zh", "无法连接")):
        code, said = refused_to_serve(directory, "--lang", lang)
        assert (code, f"127.0.0.1:{port}/delta" in said, words in said) == (3, True, True)
        assert "hushed" not in said


def test_addresses_are_looked_at(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """An endpoint without a port makes no node."""
    arguments = ("node", "init", tmp_path / "n", "--province", "310000")
    for option in ("--endpoint", "--listen"):
        code, _, err = run(capsys, *arguments, option, "foo", "--lang", "en")
        assert (code, "host:port" in err) == (2, True)
        assert not (tmp_path / "n").exists()
