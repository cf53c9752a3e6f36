"""The kernel performs no I/O, reads no clock and draws no randomness, and is quick to import."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

KERNEL = Path(__file__).parents[2] / "proto" / "python" / "deltacare"
MODULES = sorted(p for p in KERNEL.rglob("*.py") if "v1" not in p.relative_to(KERNEL).parts)

# What may be imported from outside the kernel; everything else is asked about in a review.
ALLOWED = {
    "base64",
    "binascii",
    "calendar",
    "collections",
    "copy",
    "cryptography",
    "dataclasses",
    "datetime",
    "decimal",
    "difflib",
    "enum",
    "functools",
    "gmssl_pyx",
    "hashlib",
    "hmac",
    "itertools",
    "json",
    "re",
    "securesystemslib",
    "stdnum",
    "string",
    "tuf",
    "types",
    "typing",
    "unicodedata",
    "uuid",
    "zlib",
}
CALLS_FORBIDDEN = {"open", "input", "print", "exec", "eval", "compile", "__import__", "breakpoint"}
ATTRIBUTES_FORBIDDEN = {
    "now",
    "utcnow",
    "today",
    "generate",
    "uuid1",
    "uuid4",
    "read_text",
    "write_text",
    "read_bytes",
    "write_bytes",
    "urandom",
    "token_bytes",
}


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "the kernel imports by full name"
            yield node.module or ""


def _offences(source: str) -> list[str]:
    """Return what a module's source does that the kernel must not."""
    tree = ast.parse(source)
    found = [
        name
        for name in _imports(tree)
        if name.partition(".")[0] not in {*ALLOWED, "deltacare"} or name.startswith("deltacare.v1")
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in CALLS_FORBIDDEN:
            found.append(node.id)
        if isinstance(node, ast.Attribute) and node.attr in ATTRIBUTES_FORBIDDEN:
            found.append(node.attr)
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(KERNEL)))
def test_a_module_of_the_kernel_is_pure(path: Path) -> None:
    """No I/O, clock, randomness, transport, SQL or generated code in any module."""
    assert [] == _offences(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "source",
    [
        "import os",
        "import socket",
        "import time",
        "from random import random",
        "import secrets",
        "import asyncio",
        "import grpc",
        "import sqlalchemy",
        "from pathlib import Path",
        "import deltacare.v1.types_pb2",
        "from deltacare.v1 import types_pb2",
        "from datetime import datetime\ndatetime.now()",
        "from datetime import date\ndate.today()",
        "from uuid import uuid4\nx.uuid4()",
        "open('x')",
        "print('x')",
        "Ed25519PrivateKey.generate()",
    ],
)
def test_the_rule_sees_what_it_forbids(source: str) -> None:
    """Each forbidden thing is found."""
    assert _offences(source)


def _loaded_by(statement: str) -> set[str]:
    """Return the modules that a statement loads in a fresh interpreter."""
    code = f"import sys\n{statement}\nprint(' '.join(sys.modules))"
    run = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return set(run.stdout.split())


def test_importing_the_kernel_loads_no_heavy_library() -> None:
    """All of the kernel together loads neither cryptography nor stdnum until they are used."""
    names = sorted(
        ".".join(("deltacare", *path.relative_to(KERNEL).with_suffix("").parts)).removesuffix(
            ".__init__"
        )
        for path in MODULES
    )
    loaded = _loaded_by(f"import {', '.join(names)}")
    heavy = {
        "cryptography",
        "gmssl_pyx",
        "securesystemslib",
        "stdnum",
        "tuf",
        "google",
        "grpc",
        "sqlalchemy",
        "asyncio",
        "socket",
    }
    assert set() == loaded & heavy
    assert set(names) <= loaded
