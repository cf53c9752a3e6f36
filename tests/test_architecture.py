"""The house rules that imports can show: floors, rooms, purity and what leaves the wheel."""

import ast
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FLOORS = ("deltacare", "settlement", "clients", "server")
"""From the ground up: a floor imports only those before it."""
SERVER_ROOMS = (
    "store",
    "edge",
    "http",
    "log",
    "audit",
    "federation",
    "registry",
    "supervision",
    "personal",
    "certification",
    "credential",
    "approval",
    "policy",
    "settlement",
    "dispute",
    "payment",
    "books",
    "review",
)
"""From the ground up: a room imports only those before it."""
PORTS_OF_LOG = {"server.log.ports"}
"""What rooms above the log room may import of it."""
IMPURE = {
    "asyncio",
    "duckdb",
    "grpc",
    "io",
    "os",
    "pathlib",
    "random",
    "secrets",
    "shutil",
    "socket",
    "sqlalchemy",
    "sqlite3",
    "subprocess",
    "tempfile",
    "threading",
    "time",
    "urllib",
}


def _source(package: str) -> Path:
    """Return the folder of a package."""
    return ROOT / ("proto/python/deltacare" if package == "deltacare" else package)


def _modules(folder: Path) -> Iterator[Path]:
    """Yield the modules that people wrote."""
    for path in sorted(folder.rglob("*.py")):
        if not path.name.endswith(("_pb2.py", "_pb2_grpc.py")):
            yield path


def _imports(path: Path) -> set[str]:
    """Return the full names of what a module imports, at its head or inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


@pytest.mark.parametrize("package", FLOORS)
def test_floors(package: str) -> None:
    """A floor imports only floors below it."""
    above = set(FLOORS[FLOORS.index(package) + 1 :])
    broken = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in _modules(_source(package))
        for name in _imports(path)
        if name.split(".")[0] in above
    }
    assert set() == broken


@pytest.mark.parametrize("room", SERVER_ROOMS)
def test_rooms_of_the_server(room: str) -> None:
    """A room imports only rooms below it, and of the log room only its ports."""
    below = SERVER_ROOMS[: SERVER_ROOMS.index(room) + 1]
    broken = set()
    for path in _modules(ROOT / "server" / room):
        for name in _imports(path):
            parts = name.split(".")
            if parts[0] != "server" or len(parts) < 2:
                continue
            if parts[1] not in below:
                broken.add(f"{path.relative_to(ROOT)} imports {name}")
            is_log_room = parts[1] == "log" and room != "log" and len(parts) > 2
            if is_log_room and parts[2] != "ports":
                broken.add(f"{path.relative_to(ROOT)} imports {name}, not a port")
    assert set() == broken


def _pure_modules() -> Iterator[Path]:
    """Yield every module that must not touch the world."""
    yield from (p for p in _modules(_source("deltacare")) if "v1" not in p.parts)
    yield from _modules(ROOT / "settlement" / "core")
    yield from _modules(ROOT / "settlement" / "books")
    yield from sorted((ROOT / "server").glob("*/rules.py"))
    yield from (ROOT / "server/registry" / f"{name}.py" for name in ("disagreements", "in_force"))
    yield ROOT / "server/dispute/states.py"


@pytest.mark.parametrize("path", list(_pure_modules()), ids=lambda p: str(p.relative_to(ROOT)))
def test_purity(path: Path) -> None:
    """Pure modules import no I/O, transport, SQL, randomness or clock, and read no clock."""
    assert set() == {name for name in _imports(path) if name.split(".")[0] in IMPURE}
    calls = {
        node.func.attr
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert set() == calls & {"now", "utcnow", "today", "urandom"}


@pytest.mark.slow
def test_wheel_away_from_the_tree(tmp_path: Path) -> None:
    """The wheel holds the four packages and works where the tree is not."""
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(tmp_path), str(ROOT)],
        check=True,
        cwd=tmp_path,
    )
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    # -I and -S keep the tree out: no current directory, no .pth of the editable install.
    code = (
        "import sys; sys.path[:0] = sys.argv[1:];"
        "import deltacare.v1.entry_pb2, server.app, settlement.reconcile, clients.cli.main;"
        "print(*sorted({m.__file__.split('/site/')[1].split('/')[0] for m in"
        " (deltacare, server, settlement, clients)}))"
    )
    libraries = [path for path in sys.path if path.endswith("site-packages")]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(site), *libraries],
        check=True,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert "clients deltacare server settlement\n" == done.stdout
