"""A process of the demonstration that ends when whoever started it does, however that happened.

The parent holds the other end of this process's standard input. When the parent is gone, killed
or not, the operating system closes it, and a thread here notices on every platform alike. Run as
``python -m clients.cli.child ARGUMENTS``; the arguments are a command line of ``deltacare``.
"""

import os
import signal
import sys
import threading
import time

from clients.cli.main import main

_STDIN = 0
_DRAIN_S = 5.0


def _end_with_parent() -> None:
    """Wait for the parent's end; then stop in order, and if that takes too long, at once."""
    while os.read(_STDIN, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_DRAIN_S)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    main(sys.argv[1:])
