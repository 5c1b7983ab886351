"""The marker that makes a function an answer to a hook of `hostprocess.hookspecs`."""

from __future__ import annotations

import pluggy

__all__ = ["PROJECT", "hookimpl"]

PROJECT = "hostprocess"
hookimpl = pluggy.HookimplMarker(PROJECT)
