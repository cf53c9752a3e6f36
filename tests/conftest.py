"""What every test has in common: the log of a process goes back to its defaults after each."""

import logging
import sys
import threading
import warnings
from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def _log_of_its_own() -> Iterator[None]:
    """Undo what a test set: its stream is closed when it ends, and later tests log as well."""
    root, warned = logging.getLogger(), warnings.showwarning
    handlers, hooks = root.handlers[:], (threading.excepthook, sys.unraisablehook)
    yield
    structlog.reset_defaults()
    root.handlers[:], warnings.showwarning = handlers, warned
    threading.excepthook, sys.unraisablehook = hooks
