"""Where the exceptions file lies. Every run asks, so little is imported here."""

from __future__ import annotations

import os
from pathlib import Path

from hostprocess.repository import folders_up

__all__ = ["FILE_NAME", "find_file"]

FILE_NAME = ".hostprocess-exceptions.yaml"


def find_file(folder: str = "") -> str:
    """The exceptions file of a folder (default: the working directory) or the nearest one above it, up to the root of its Git repository.

    Outside a repository only the folder itself is looked at. Empty if there is none.
    """
    return next((str(place / FILE_NAME) for place in folders_up(Path(folder or os.curdir)) if os.path.isfile(place / FILE_NAME)), "")
