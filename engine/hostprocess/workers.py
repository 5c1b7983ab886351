"""Processes that help: what they make of signals, and of the end of the process they help."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor  # slow to import, for who needs no help

__all__ = ["become_worker", "start"]

_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM})


def start(pool: ProcessPoolExecutor) -> None:
    """Starts the processes of a pool whose initializer calls `become_worker`, before it is given any work.

    Signals are held back meanwhile. A new process has our handlers until it is a worker, and what they raise may be lost in its first steps: it
    would then outlive the signal that was to end it, and we would wait for it for ever.
    """
    if not hasattr(signal, "pthread_sigmask"):
        return  # Windows, where no process has the handlers of another
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        pool.submit(int)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def become_worker() -> None:
    """Called first in a process of a pool."""
    # Ctrl-C reaches the whole process group; the parent alone answers it, and ends the others by SIGTERM.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(parent: int) -> None:
    """A parent that was killed cannot end its pool, whose processes would wait for work for ever."""
    wait([parent])
    os._exit(1)
