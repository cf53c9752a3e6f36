"""The core is pure: no file, database, network, clock or randomness, by import or by call."""

import ast
from pathlib import Path

import pytest

import settlement.core

CORE = Path(settlement.core.__file__).parent
ALLOWED = {
    "base64",
    "collections",
    "dataclasses",
    "enum",
    "hashlib",
    "types",
    "typing",
    "deltacare",
    "ibis",
    "settlement",
}
CALLS = {"open", "print", "input", "exec", "eval", "__import__"}


def imports_of(tree: ast.AST) -> set[str]:
    """Return the full names that a module imports."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", sorted(CORE.glob("*.py")), ids=lambda path: path.stem)
def test_core_module_is_pure(path: Path) -> None:
    """It imports nothing that reaches outside, and of this package only the core."""
    tree = ast.parse(path.read_text("utf-8"))
    names = imports_of(tree)
    assert {name.split(".")[0] for name in names} <= ALLOWED
    own = {name for name in names if name.startswith("settlement")}
    assert all(name.startswith("settlement.core") for name in own)
    called = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not called & CALLS
    assert not any(name.startswith("ibis.backends") for name in names)


@pytest.mark.parametrize("path", sorted(CORE.parent.rglob("*.py")), ids=lambda path: path.stem)
def test_settlement_stays_on_its_floor(path: Path) -> None:
    """The money imports the kernel and libraries, never a server or a client."""
    roots = {name.split(".")[0] for name in imports_of(ast.parse(path.read_text("utf-8")))}
    assert not roots & {"server", "clients", "grpc", "sqlalchemy", "socket"}
