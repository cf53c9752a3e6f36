"""Processes that die in the middle of their work: each forked from one that has imported it.

A killed process takes all that it imported with it, and to import it again takes longer than what
is killed. So one process imports, and does nothing else: no loop, thread or connection is begun in
it, and what it forks is as good as started anew. What a work returns goes through a file.
"""

import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Self

__all__ = ["Dying", "serve"]

_LIFE_S_MAX = 240


class Dying:
    """Runs a work again and again, each time in a process of its own.

    Args:
        work: A function of a module, by whose name the other process finds it; takes texts and
            returns what JSON can say.
        kept: A directory for what it returns.
        imports: Modules that the work imports when it runs.
    """

    def __init__(self, work: Callable[..., Any], kept: Path, *imports: str) -> None:
        self._kept = kept
        names = (work.__module__, work.__qualname__, *imports)
        self._process = subprocess.Popen(  # our own interpreter and module
            [sys.executable, "-c", f"from {__name__} import serve; serve{names!r}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate()

    def run(self, *given: str) -> tuple[int, Any]:
        """Return how a process ended, as `subprocess` has it, and what its work returned.

        Args:
            given: To the work.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        out = self._kept / "returned.json"
        out.unlink(missing_ok=True)
        self._process.stdin.write(json.dumps([str(out), *given]) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        return code, json.loads(out.read_bytes()) if code == 0 else {}


def serve(module: str, name: str, *imports: str) -> None:
    """Import a work, and for each line that is read fork a process that does it."""
    work: Callable[..., Any] = getattr(import_module(module), name)
    for each in imports:
        import_module(each)
    for line in sys.stdin:
        out, *given = json.loads(line)
        sys.stdout.flush()
        pid = os.fork()
        if not pid:
            _work(work, Path(out), given)
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _work(work: Callable[..., Any], out: Path, given: list[str]) -> None:
    """Do it, keep what it returns, and end: nothing that forked may run here."""
    code = 1
    try:
        signal.alarm(_LIFE_S_MAX)
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what is logged is no answer
        out.write_text(json.dumps(work(*given)), encoding="utf-8")
        code = 0
    except BaseException:  # noqa: BLE001 - whatever it is, it ends here
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)
