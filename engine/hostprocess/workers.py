"""Processes that help: what they make of signals, and of the end of the process they help."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import wait

__all__ = ["become_worker"]


def become_worker() -> None:
    """Called first in a process of a pool."""
    # Ctrl-C reaches the whole process group; the parent alone answers it, and ends the others by SIGTERM.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(parent: int) -> None:
    """A parent that was killed cannot end its pool, whose processes would wait for work for ever."""
    wait([parent])
    os._exit(1)
