"""Values as `%v` of Go prints those of cel-go, for error messages."""

from __future__ import annotations

from typing import Any

from hostprocess.cel.library.texts import to_text
from hostprocess.cel.runtime import CelError
from hostprocess.cel.values import ABSENT, Optional

__all__ = ["shown"]


def shown(value: Any) -> str:
    """The text of a value."""
    if isinstance(value, list):
        return f"[{', '.join(map(shown, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{shown(key)}: {shown(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Optional):
        return "optional.none()" if value.value is ABSENT else f"optional({shown(value.value)})"
    if value is None:
        return "0"
    text = to_text(value)
    return str(value) if isinstance(text, CelError) else text
