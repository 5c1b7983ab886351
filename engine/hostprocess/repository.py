"""The Git repository around a folder. Every run asks for it, so nothing else is imported here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["folders_up", "repository_root"]


def repository_root(folder: Path) -> Path | None:
    """The nearest folder with a `.git`, links followed: this one or one above it. What may not be entered holds none."""
    here = folder.resolve()
    return next((place for place in (here, *here.parents) if os.path.exists(place / ".git")), None)


def folders_up(folder: Path) -> Iterator[Path]:
    """The folder, and those above it up to the root of its repository, as the user would name them; outside of one the folder alone."""
    here, root = folder.resolve(), repository_root(folder)
    yield folder
    for number in range(1, len(here.parts) - len(root.parts) + 1 if root else 0):
        yield folder / os.sep.join([os.pardir] * number)
