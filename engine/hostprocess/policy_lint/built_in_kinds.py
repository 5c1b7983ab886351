"""The types of the built-in kinds, from the catalogue, as their data is when expressions see it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from hostprocess.cel.types import BOOL, DYN, INT, STRING, Type, list_of, map_of
from hostprocess.kubernetes.catalogue import fields_of, kinds
from hostprocess.policy_lint.always import ALWAYS
from hostprocess.policy_lint.schemas import OBJECT_META, Field, Message, Schemas, message

__all__ = ["CATALOGUED", "built_in_schemas", "catalogued"]

CATALOGUED = range(30, 38)
"""The releases of the catalogue; the first stands for those before it."""
# Quantities, times and bytes are strings in the data that expressions see; a double may be an integer there.
_LETTERS = {"s": STRING, "b": BOOL, "i": INT, "l": INT, "f": DYN, "q": STRING, "o": DYN, "t": STRING, "m": STRING, "d": STRING, "r": DYN, "y": STRING}
_TYPE_META = frozenset({"kind", "apiVersion"})


@cache
def built_in_schemas(minor: int) -> Schemas:
    """The built-in kinds of Kubernetes 1.`minor`."""
    release = catalogued(minor)
    found = kinds(release)
    messages: dict[str, Message] = {}
    wanted = [OBJECT_META, *(one.type for one in found.values() if one.type)]
    tops = frozenset(wanted)
    while wanted:
        name = wanted.pop()
        if name not in messages:
            messages[name] = dict(_fields(name, release, name in tops))
            wanted += {one for field in messages[name].values() for one in _named(field.type)}
    return Schemas(
        messages,
        {key: one.type for key, one in found.items() if one.type},
        {(one.group, one.version, one.resource): one.kind for one in found.values() if one.resource},
    )


def catalogued(minor: int) -> str:
    """The release of the catalogue that stands for 1.`minor`."""
    return f"1.{min(max(minor, CATALOGUED[0]), CATALOGUED[-1])}"


def _fields(owner: str, release: str, top: bool) -> Iterator[tuple[str, Field]]:
    always = ALWAYS.get(owner, ())
    for field in fields_of(owner, release):
        # omitempty leaves out no struct: only a pointer to one can be nil.
        present = not field.omitempty or (field.type[0] == "@" and not field.omitzero)
        yield field.name, Field(_type(field.type), present or field.name in always or (top and field.name in _TYPE_META))


def _type(text: str) -> Type:
    text = text.lstrip("*")
    match text[0]:
        case "[":
            return list_of(_type(text[1:]))
        case "{":
            return map_of(STRING, _type(text[1:]))
        case "@":
            return message(text[1:])
    return _LETTERS[text[0]]


def _named(kind: Type) -> Iterator[str]:
    if kind.kind == "struct":
        yield kind.name
    for part in kind.parameters:
        yield from _named(part)
