"""What edits make of plain objects: the text is right if it is read as this."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from hostprocess.kubernetes.yaml_edit import Edit

__all__ = ["patched"]


def patched(value: Any, edits: Iterable[Edit]) -> Any:
    """A copy of the value with the edits made; mappings that are missing, or null, on the way to what is set are made."""
    value = deepcopy(value)
    for edit in edits:
        *way, last = edit.steps
        owner = value
        for step in way:
            if edit.op == "set" and isinstance(owner, dict) and owner.get(step) is None:
                owner[step] = {}
            owner = owner[step]
        if edit.op == "set":
            owner[last] = edit.value
        else:
            del owner[last]
    return value
