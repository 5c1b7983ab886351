"""A file that appears under its name only when it is whole."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from typing import TextIO

__all__ = ["replaced"]


@contextlib.contextmanager
def replaced(path: str) -> Iterator[TextIO]:
    """A stream to a new file beside `path`, which takes its place when the block ends without an exception. Raises OSError."""
    handle, temporary = tempfile.mkstemp(prefix=f".{os.path.basename(path)}."[:200], dir=os.path.dirname(path) or ".")
    try:
        with open(handle, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
            yield stream
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
