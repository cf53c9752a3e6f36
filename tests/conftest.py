"""What every test has in common: where its files lie, and a log that goes back to its defaults."""

import gc
import logging
import os
import shutil
import sys
import threading
import warnings
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

# An example's time says how busy the machine is, and nothing of what the example shows.
settings.register_profile("deltacare", deadline=None)
settings.load_profile("deltacare")

_MEMORY = Path("/dev/shm")
_MEMORY_BYTES_MIN = 4 * 2**30
_ROOT_VARIABLE = "PYTEST_DEBUG_TEMPROOT"


def pytest_configure() -> None:
    """Let temporary directories lie in memory, where there is room for them.

    Databases and key files are synced as on a disk, but nothing waits for one: that took longer
    than the tests did. Who names a root with pytest's own variable or option gets that one.
    """
    try:
        is_usable = not os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC and os.access(_MEMORY, os.W_OK)
    except OSError:
        return
    if is_usable and shutil.disk_usage(_MEMORY).free >= _MEMORY_BYTES_MIN:
        os.environ.setdefault(_ROOT_VARIABLE, str(_MEMORY))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage among what is collected: it stays as long as the process does."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(autouse=True)
def _log_of_its_own() -> Iterator[None]:
    """Undo what a test set: its stream is closed when it ends, and later tests log as well."""
    root, warned = logging.getLogger(), warnings.showwarning
    handlers, hooks = root.handlers[:], (threading.excepthook, sys.unraisablehook)
    yield
    structlog.reset_defaults()
    root.handlers[:], warnings.showwarning = handlers, warned
    threading.excepthook, sys.unraisablehook = hooks
