"""A progress bar on standard error."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

__all__ = ["bar"]

_DELAY = 1.0  # seconds of work before the bar appears


@contextlib.contextmanager
def bar(paths: Sequence[str]) -> Iterator[Callable[[int], None]]:
    """Gives a function to be told the number of characters read. The bar appears only if the work takes a while."""
    sizes = [os.path.getsize(path) for path in paths if os.path.isfile(path)]
    total = sum(sizes) if len(sizes) == len(paths) else None
    columns = (TextColumn("checking"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=Console(stderr=True), transient=True)
    task = progress.add_task("", total=total)
    started = time.monotonic()
    shown = False

    def advance(size: int) -> None:
        nonlocal shown
        progress.advance(task, size)
        if not shown and time.monotonic() - started > _DELAY:
            progress.start()
            shown = True

    try:
        yield advance
    finally:
        if shown:
            progress.stop()
