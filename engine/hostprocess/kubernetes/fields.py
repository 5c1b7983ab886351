"""Field paths, as kubectl writes them: `spec.containers[0].name`."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["Steps", "format_path", "parse_path"]

Steps = tuple[str | int, ...]

_PLAIN = re.compile(r"[A-Za-z_$][\w$-]*")
_STEP = re.compile(r"""\.?(?:([A-Za-z_$][\w$-]*)|\[(\d+)\]|\[(?:"((?:[^"\\]|\\.)*)"|'([^']*)')\])""")


@lru_cache(maxsize=4096)
def format_path(steps: Steps) -> str:
    """Steps as kubectl would write them: `spec.nodeSelector["kubernetes.io/os"]`, `spec.containers[0]`."""
    path = ""
    for step in steps:
        if isinstance(step, int):
            path += f"[{step}]"
        elif _PLAIN.fullmatch(step):
            path += f".{step}" if path else step
        else:
            path += '["' + step.replace("\\", "\\\\").replace('"', '\\"') + '"]'
    return path


@lru_cache(maxsize=4096)
def parse_path(path: str) -> Steps:
    """The steps of a field path. Raises ValueError for what is not one."""
    steps: list[str | int] = []
    at = 0
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            raise ValueError(f"{path!r} is not a field path (at {path[at:]!r})")
        plain, index, double, single = match.groups()
        steps.append(int(index) if index else plain or (re.sub(r"\\(.)", r"\1", double) if double is not None else single))
        at = match.end()
    return tuple(steps)
