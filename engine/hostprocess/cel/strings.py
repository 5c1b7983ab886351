"""The extended string functions of Kubernetes for cel-python, which lacks them: those of `library.strings`, as of the newest release."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from celpy.celtypes import IntType, ListType, StringType

from hostprocess.cel.library import strings
from hostprocess.cel.runtime import CelError

__all__ = ["FUNCTIONS"]


def _for_celpy(implementation: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        result = implementation(*map(_plain, arguments))
        if isinstance(result, CelError):
            raise ValueError(result.message)
        if isinstance(result, list):
            return ListType(map(StringType, result))
        return StringType(result) if isinstance(result, str) else IntType(result)

    return call


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, str):
        return str(value)
    return int(value) if isinstance(value, IntType) else value


FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: _for_celpy(implementation)
    for name, implementation in (
        ("charAt", strings.char_at),
        ("indexOf", strings.index_of),
        ("join", strings.join),
        ("lastIndexOf", strings.last_index_of),
        ("lowerAscii", strings.lower_ascii),
        ("replace", strings.replace),
        ("split", strings.split),
        ("substring", strings.substring),
        ("trim", strings.trim),
        ("upperAscii", strings.upper_ascii),
    )
}
"""Name to function, as `Environment.program(functions=…)` takes them."""
