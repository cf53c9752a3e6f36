"""The federation's metadata against npm tuf-js: a stock client takes it, and refuses what we do."""

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from deltacare.trust.roles import timestamp_hour
from tests.support.federation import PROVINCES, make_trust
from tests.support.metadata import make_root, make_signed, next_federation, stamp

pytestmark = pytest.mark.interop

HERE = Path(__file__).parent
NOW = datetime.now(UTC)


@contextmanager
def served(files: Mapping[str, bytes]) -> Iterator[str]:
    """Serve files on loopback, as any web server would; yields the address."""

    class Handler(BaseHTTPRequestHandler):
        """Answers with a file, or 404."""

        def do_GET(self) -> None:
            data = files.get(self.path.lstrip("/"))
            self.send_response(404 if data is None else 200)
            self.send_header("Content-Length", str(len(data or b"")))
            self.end_headers()
            self.wfile.write(data or b"")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def state(directory: Path, root: bytes) -> Path:
    """Return a client's directory that trusts a root."""
    directory.mkdir()
    (directory / "root.json").write_bytes(root)
    return directory


def refresh(directory: Path, files: Mapping[str, bytes], *targets: str) -> dict[str, Any]:
    """Return what tuf-js makes of a repository."""
    node = shutil.which("node")
    assert node, "the interop tests need Node.js"
    assert (HERE / "node_modules" / "tuf-js").exists(), "run make test-interop"
    with served(files) as base:
        line = json.dumps({"state": str(directory), "base": base, "targets": targets})
        run = subprocess.run(
            [node, HERE / "tuf" / "refresh.js"],
            input=line + "\n",
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
    answer: dict[str, Any] = json.loads(run.stdout)
    return answer


FIRST = make_signed(now=NOW, roots=[make_root(now=NOW)])
SECOND = make_signed(
    next_federation(make_trust()),
    now=NOW,
    roots=[FIRST.roots[0], make_root(version=2, replaced=["340000"], now=NOW)],
)


def test_stock_client_takes_it(tmp_path: Path) -> None:
    """Root, timestamp, snapshot, targets and documents, byte for byte, then the next version."""
    client = state(tmp_path / "client", FIRST.roots[0])
    files = {**FIRST.files(), "timestamp.json": stamp(FIRST.snapshot, NOW, hours=-1)}
    answer = refresh(client, files, *FIRST.documents)
    expected = {path: base64.b64encode(data).decode() for path, data in FIRST.documents.items()}
    hour = timestamp_hour(NOW)
    assert {
        "ok": True,
        "root": 1,
        "timestamp": hour - 1,
        "snapshot": 1,
        "targets": expected,
    } == answer
    files = {**files, **SECOND.files(), "timestamp.json": stamp(SECOND.snapshot, NOW)}
    answer = refresh(client, files, "members/340000.json")
    assert (True, 2, hour, 2) == (
        answer["ok"],
        answer["root"],
        answer["timestamp"],
        answer["snapshot"],
    )


@pytest.mark.parametrize(
    "changes, error",
    [
        # One node signed the timestamp, or two offices the snapshot.
        ({"timestamp.json": stamp(FIRST.snapshot, NOW, signing=PROVINCES[:1])}, "was signed by"),
        (
            {
                "1.snapshot.json": make_signed(
                    now=NOW, roots=FIRST.roots, signing=PROVINCES[:2]
                ).snapshot
            },
            "snapshot",
        ),
        # A timestamp that was true a day and an hour ago.
        ({"timestamp.json": stamp(FIRST.snapshot, NOW - timedelta(hours=26))}, "expired"),
        # A root that two offices signed.
        ({"2.root.json": make_root(version=2, signing=PROVINCES[:2], now=NOW)}, "was signed by"),
        # A root that leaves one out.
        ({"2.root.json": make_root(version=3, now=NOW)}, "Expected version 2"),
    ],
)
def test_stock_client_refuses(tmp_path: Path, changes: dict[str, bytes], error: str) -> None:
    """Too few signatures, what is expired, and what does not follow."""
    client = state(tmp_path / "client", FIRST.roots[0])
    files = {**FIRST.files(), "timestamp.json": stamp(FIRST.snapshot, NOW), **changes}
    answer = refresh(client, files)
    assert (False, True) == (answer["ok"], error in answer["message"]), answer


def test_stock_client_does_not_go_back(tmp_path: Path) -> None:
    """After a newer timestamp an older one, or an older snapshot under a newer hour, is refused."""
    client = state(tmp_path / "client", FIRST.roots[0])
    files = {**FIRST.files(), **SECOND.files(), "timestamp.json": stamp(SECOND.snapshot, NOW)}
    assert refresh(client, files)["ok"]
    for data in (
        stamp(SECOND.snapshot, NOW, hours=-1),
        stamp(FIRST.snapshot, NOW, hours=1),
    ):
        answer = refresh(client, {**files, "timestamp.json": data})
        assert (False, "BadVersionError") == (answer["ok"], answer["error"])
