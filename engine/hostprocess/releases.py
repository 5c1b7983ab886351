"""Releases as users write them."""

from __future__ import annotations

import re

from hostprocess.cel.runtime import NEWEST
from hostprocess.errors import UsageError
from hostprocess.version import __version__

__all__ = ["as_release"]

_RELEASE = re.compile(r"v?(\d{1,9})\.(\d{1,9})(?:\.\d{1,9})?", re.ASCII)


def as_release(text: str, option: str) -> str:
    """`1.30` for `v1.30.2`, and nothing for nothing; `option` is `kubernetes` or `containerd`. Raises `UsageError` for what is none that can be."""
    match = _RELEASE.fullmatch(text)
    if not text:
        return ""
    if match is None or (option == "kubernetes" and match[1] == "0"):
        raise UsageError(f"--{option} {text!r} is not a release; write it as {'1.30' if option == 'kubernetes' else '1.7'}")
    number = int(match[1]), int(match[2])
    if option == "kubernetes" and number > tuple(map(int, NEWEST.split("."))):
        raise UsageError(f"--{option} {text} is newer than {NEWEST}, the newest release that hostprocess {__version__} knows; use {NEWEST}")
    return f"{number[0]}.{number[1]}"
