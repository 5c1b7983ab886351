"""Where the configuration of a project lies. Every run asks, so what costs time is not imported here."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hostprocess.configuration.keys import FILE_NAME, PROJECT_FILE
from hostprocess.errors import UsageError
from hostprocess.repository import folders_up

if TYPE_CHECKING:
    from hostprocess.configuration.read import Source  # where there is one only

__all__ = ["find_source", "named_source"]

_MISNAMED = ".hostprocess.yml"
_OURS = re.compile(rb"""hostprocess["']?\s*[.\]=]""")


def find_source(folder: str = "") -> Source | None:
    """The configuration of a folder (default: the working directory) or the nearest one above it, up to the root of its Git repository.

    Outside a repository only the folder itself is looked at. Raises `UsageError` where it is not clear which one is meant, and
    `InputError` for one that cannot be read, or a `pyproject.toml` that may hold one.
    """
    for place in folders_up(Path(folder or os.curdir)):
        own, project = place / FILE_NAME, place / PROJECT_FILE
        if os.path.isfile(place / _MISNAMED):
            raise UsageError(f"the configuration is named {FILE_NAME}: rename it, or use --no-config", path=str(place / _MISNAMED))
        table = _table(project)
        if os.path.isfile(own):
            if table:
                message = f"this folder has two configurations: the other is the table [tool.hostprocess] of {PROJECT_FILE}; keep one of them"
                raise UsageError(message, path=str(own))
            from hostprocess.configuration.read import read_source  # late, as above

            return replace(read_source(str(own)), found=True)
        if table:
            return replace(table, found=True)
    return None


def named_source(path: str) -> Source:
    """The configuration in a file that is named. Raises `InputError` or `PolicyError`."""
    from hostprocess.configuration.read import read_source  # late, as above

    return read_source(path)


def _table(file: Path) -> Source | None:
    try:
        if not os.path.isfile(file) or not _OURS.search(file.read_bytes()):
            return None  # as good as all: reading TOML costs more than all the rest here
    except OSError:
        return None  # the project's own tools tell of it
    from hostprocess.configuration.read import project_table  # late, as above

    return project_table(str(file))
