"""Where the paths in a suite may lead: a suite may come from a stranger, and shows what it reads."""

from __future__ import annotations

import ntpath
import os
from pathlib import Path

from hostprocess.repository import repository_root

__all__ = ["leads_out"]


def leads_out(folder: str, name: str) -> str:
    """Why a path in a suite of this folder is not followed; empty if it is.

    It may not be absolute, nor leave the Git repository of the suite; outside of one not the working directory, if the suite lies below that.
    Symbolic links are followed before it is looked at.
    """
    if os.path.isabs(name) or ntpath.isabs(name) or ntpath.splitdrive(name)[0]:
        return f"{name!r} is an absolute path: paths begin at the folder of the suite"
    here = Path(os.path.realpath(folder or os.curdir))
    root, what, instead = repository_root(here), "the repository", "copy the file into it"
    if root is None:
        root, what, instead = Path(os.path.realpath(os.curdir)), "the working directory", "run from a folder that holds both"
        if not here.is_relative_to(root):
            return ""
    if not Path(os.path.realpath(here / name)).is_relative_to(root):
        return f"{name!r} leads out of {what} of the suite, {root}: {instead}"
    return ""
