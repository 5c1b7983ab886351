"""Where the exceptions file lies. Every run asks, so nothing else is imported here."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["FILE_NAME", "find_file"]

FILE_NAME = ".hostprocess-exceptions.yaml"


def find_file(folder: str = "") -> str:
    """The exceptions file of a folder (default: the working directory) or the nearest one above it, up to the root of its Git repository.

    Outside a repository only the folder itself is looked at. Empty if there is none.
    """
    start = Path(folder or os.curdir)
    places = [start]
    above = [start.resolve(), *start.resolve().parents]
    root = next((number for number, place in enumerate(above) if os.path.exists(place / ".git")), 0)
    places += [start / os.sep.join([os.pardir] * number) for number in range(1, root + 1)]
    return next((str(place / FILE_NAME) for place in places if os.path.isfile(place / FILE_NAME)), "")
