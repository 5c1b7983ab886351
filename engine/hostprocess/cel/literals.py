"""Lists and maps that are written out, and `in` with a list of constants.

Source: `evalList`, `evalMap` of github.com/google/cel-go/interpreter/interpretable.go; `maybeOptimizeSetMembership` of decorators.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from hostprocess.cel.attributes import FAILED, VALUES, Frame, Run
from hostprocess.cel.declarations import GoPanic
from hostprocess.cel.library.texts import type_name
from hostprocess.cel.runtime import CelError
from hostprocess.cel.shown import shown
from hostprocess.cel.values import ABSENT, Optional, Uint

__all__ = ["list_literal", "map_literal", "membership"]

_LIST_COST = 10
_MAP_COST = 30
_UNHASHABLE = "runtime error: hash of unhashable type types.Bytes"
_PRIMITIVE = frozenset({bool, float, int, str, Uint})


def list_literal(elements: Sequence[Run], optional: frozenset[int]) -> Run:
    """`[a, ?b]`."""
    if not optional:

        def plain(frame: Frame) -> Any:
            frame[0] += _LIST_COST
            values = []
            for element in elements:
                value = element(frame)
                if value.__class__ not in VALUES and isinstance(value, FAILED):
                    return value
                values.append(value)
            return values

        return plain

    def run(frame: Frame) -> Any:
        frame[0] += _LIST_COST
        values = []
        for index, element in enumerate(elements):
            value = element(frame)
            if isinstance(value, FAILED):
                return value
            if index in optional:
                if not isinstance(value, Optional):
                    return CelError(f"cannot initialize optional list element from non-optional value {shown(value)}")
                if value.value is ABSENT:
                    continue
                value = value.value
            values.append(value)
        return values

    return run


def map_literal(keys: Sequence[Run], values: Sequence[Run], optional: Sequence[bool]) -> Run:
    """`{key: value, ?key: optional}`."""

    def made(frame: Frame) -> Any:
        found: dict[Any, Any] = {}
        for read_key, read_value, may_be_absent in zip(keys, values, optional, strict=True):
            key = read_key(frame)
            if isinstance(key, FAILED):
                return key
            value = read_value(frame)
            if isinstance(value, FAILED):
                return value
            if not isinstance(key, str) and (bad := _bad_key(found, key)) is not None:
                return bad
            if may_be_absent:
                if not isinstance(value, Optional):
                    return CelError(f"cannot initialize optional entry '{shown(key)}' from non-optional value {shown(value)}")
                if value.value is ABSENT:
                    found.pop(key, None)
                    continue
                value = value.value
            found[key] = value
        return found

    def run(frame: Frame) -> Any:
        value = made(frame)
        frame[0] += _MAP_COST  # not where cel-go panics
        return value

    return run


def _bad_key(found: dict[Any, Any], key: Any) -> CelError | None:
    """What is wrong with a key that is no string: not hashable for cel-go, or one that Python's maps do not hold beside the others."""
    if isinstance(key, bytes):
        raise GoPanic(_UNHASHABLE)
    if key is not None and not isinstance(key, int | float):
        return CelError(f"maps with keys of type {type_name(key)} are not supported", kind="limitation")
    if key in found and any(each == key and type(each) is not type(key) for each in found):
        return CelError("maps with keys that are equal numbers of different types are not supported", kind="limitation")
    return None


def membership(value: Run, elements: list[Any]) -> Run | Literal[False] | None:
    """`value in elements` where those are constants: free, but for the value. False for an empty list, None where the list is not so simple."""
    if not elements:
        return False
    if not all(type(element) in _PRIMITIVE for element in elements):
        return None
    members = {(_group(element), element) for element in elements}
    members |= {("number", float(element)) for element in elements if type(element) in (int, Uint)}

    def run(frame: Frame) -> Any:
        wanted = value(frame)
        if isinstance(wanted, FAILED):
            return wanted
        if type(wanted) not in _PRIMITIVE:
            if type(wanted) is bytes:
                raise GoPanic(_UNHASHABLE)
            return False
        return (_group(wanted), wanted) in members

    return run


def _group(value: Any) -> str:
    """Numbers are found across their types, the others within theirs."""
    return "number" if type(value) in (int, Uint, float) else type_name(value)
