"""An object of a built-in kind as the API server decodes and encodes it: fields and types checked, zero values and nulls dropped.

Every struct of the catalogue becomes a walker that is built when it is first used. A walk makes new mappings and lists (strings and mappings of
strings are shared), so the object as it was read stays as it is. Sources: sigs.k8s.io/json (strict decoding), runtime.DefaultUnstructuredConverter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from hostprocess.kubernetes import scalars
from hostprocess.kubernetes.catalogue import Field, Kind, fields_of, release_number
from hostprocess.kubernetes.fields import Steps
from hostprocess.kubernetes.scalars import Trail
from hostprocess.kubernetes.wording import json_word, mismatch, unknown_field

__all__ = ["Decoding", "Fault", "Struct", "check", "decode", "struct"]

Default = Callable[[dict[str, Any], "Decoding"], None]
Walker = Callable[[Any, Trail, str | int, "Decoding"], Any]
DROP: Any = object()


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """A field that the API server would not decode: the steps to it, what to say of it, and the API server's words.

    `unknown` marks what strict decoding alone refuses; the rest fails in any case. `aborts` marks what ends the API server's decoding at once, so that
    it hears of nothing else.
    """

    steps: Steps
    message: str
    server: str
    unknown: bool = False
    aborts: bool = False


@dataclass(slots=True)
class Decoding:
    """One decoding: the release, what was found, and the defaults to fill in by struct (none by default)."""

    kubernetes: str
    defaults: Mapping[str, Default] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    stored: bool = False  # the object comes from the storage: fields of disabled features stay, and are noted
    in_use: set[str] = field(default_factory=set)  # the feature gates whose fields the stored object has
    broken: bool = False  # something could not be decoded, so nothing is filled in any more

    def mismatch(self, value: Any, at: Trail, key: str | int, entry: _Entry, in_map: bool = False, go_type: str = "") -> Any:
        """Notes a value of the wrong type; `go_type` is the type that it is decoded into, if not that of the field."""
        steps = _steps((at, key))
        inlined = release_number(self.kubernetes) >= (1, 35)
        names = ".".join(
            step.go_name if inlined and isinstance(step, _Inlined) else step for step in (steps[:-1] if in_map else steps) if isinstance(step, str)
        )
        server = f"json: cannot unmarshal {json_word(value, entry.type)} into Go struct field {entry.owner}.{names} of type {go_type or entry.go_type}"
        self.broken = True
        self.faults.append(Fault(steps, f"{mismatch(value, entry.type, in_map)} ({server})", server, aborts=bool(go_type)))
        return DROP

    def keeps(self, gate: str) -> bool:
        """Whether a field stays although its feature gate is off."""
        if self.stored:
            self.in_use.add(gate)
        return gate in self.in_use

    def refuse(self, at: Trail, key: str | int, message: str, aborts: bool = True) -> Any:
        """Notes a value that a type's own decoder refuses."""
        self.broken = True
        self.faults.append(Fault(_steps((at, key)), message, message, aborts=aborts))
        return DROP


class _Inlined(str):
    """The name of a field that a message of the API server names with the struct it was inlined from."""

    go_name: str


@dataclass(slots=True)
class _Entry:
    """How one field is decoded: a value of the class `wanted` is taken as it is, or goes through `walk`; others through `other`."""

    wanted: type | None
    keeps_zero: bool
    walk: Walker | None
    other: Walker
    type: str
    go_type: str
    owner: str


class Struct:
    """The walker of one struct in one release."""

    def __init__(self, name: str, kubernetes: str) -> None:
        self.name = name
        self.kubernetes = kubernetes
        self.entries: dict[str, _Entry] = {}
        self.quick: dict[str, tuple[type | None, bool, Walker | None, str]] = {}
        self.always: list[tuple[str, Callable[[Decoding], Any]]] = []
        self.judged: dict[str, str] = {}  # what has been said of other keys; manifests repeat them

    def _fill(self) -> None:
        """Builds the walkers of the fields, when the first object of this struct comes."""
        for one in fields_of(self.name, self.kubernetes):
            entry = self.entries[one.name] = _entry(one, self.name, self.kubernetes)
            self.quick[one.name] = (entry.wanted, entry.keeps_zero, entry.walk, _key(one))
            if (zero := _zero(one, self.kubernetes)) is not None:
                self.always.append((one.name, zero))

    def decode(self, value: dict[str, Any], at: Trail, key: str | int, decoding: Decoding) -> dict[str, Any]:
        """The struct at the field `key` of what lies at `at`."""
        if not self.quick:
            self._fill()
        here = (at, key)
        out: dict[str, Any] = {}
        get = self.quick.get
        for name, item in value.items():
            known = get(name)
            if known is None:
                self._unknown(name, here, decoding)
                continue
            wanted, keeps_zero, walk, key = known
            if item.__class__ is wanted:
                if walk is not None:
                    item = walk(item, here, key, decoding)
                if item or keeps_zero:
                    out[name] = item
            elif item is not None:
                item = self.entries[name].other(item, here, key, decoding)
                if item is not DROP and (item or keeps_zero):
                    out[name] = item
        for name, zero in self.always:
            if name not in out:
                out[name] = zero(decoding)
        default = decoding.defaults.get(self.name)
        if default is not None and not decoding.broken:
            default(out, decoding)
        return out

    def zero(self, name: str) -> dict[str, Any]:
        """What a field that is not given leaves in the struct, nothing filled in: the field, or nothing."""
        if not self.quick:
            self._fill()
        return {field: make(Decoding(self.kubernetes)) for field, make in self.always if field == name}

    def _unknown(self, name: str, here: Trail, decoding: Decoding) -> None:
        if name not in self.judged:
            self.judged[name] = unknown_field(name, list(self.entries))
        steps = _steps((here, name))
        decoding.faults.append(Fault(steps, self.judged[name], f'unknown field "{_server_path(steps)}"', True))


def _key(one: Field) -> str:
    if not one.inlined_from:
        return one.name
    key = _Inlined(one.name)
    key.go_name = f"{one.inlined_from}.{one.name}"
    return key


def _steps(trail: Trail) -> Steps:
    """The steps of a trail, without that to the object itself."""
    steps = []
    while trail:
        trail, step = trail
        steps.append(step)
    return tuple(reversed(steps[:-1]))


def _server_path(steps: Steps) -> str:
    path = ""
    for step in steps:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    return path


@cache
def struct(name: str, kubernetes: str) -> Struct:
    """The walker of a struct of the catalogue."""
    return Struct(name, kubernetes)


def decode(value: dict[str, Any], kind: Kind, decoding: Decoding) -> dict[str, Any]:
    """An object of a built-in kind as it is after decoding (and the defaults of `decoding`) and encoding. Faults go to `decoding.faults`."""
    decoded = struct(kind.type, decoding.kubernetes).decode(value, (), _TOP, decoding)
    return decoded


_TOP = ""  # stands for the object itself as the first of all steps; no fault names it


def check(value: dict[str, Any], kind: Kind, kubernetes: str) -> list[tuple[Steps, str]]:
    """What is misspelt, misplaced or of the wrong type in an object: pairs of steps and message, in the order of the steps."""
    decoding = Decoding(kubernetes)
    decode(value, kind, decoding)
    return sorted((fault.steps, fault.message) for fault in decoding.faults)


# --- how the types are walked ---

_CLASSES: dict[str, type] = {
    "s": str,
    "b": bool,
    "i": int,
    "l": int,
    "f": float,
    "[": list,
    "{": dict,
    "@": dict,
    "y": str,
    "q": str,
    "o": int,
    "t": str,
    "m": str,
}


def _entry(one: Field, owner: str, kubernetes: str) -> _Entry:
    pointer = one.type[0] == "*"
    letter = one.type.lstrip("*")[0]
    entry = _Entry(
        _CLASSES.get(letter),
        pointer or letter in "@oq" or not one.omitempty or (letter in "tm" and not one.omitzero) or (owner, one.name) in _EMPTY_TELLS,
        None,
        _wrong,
        one.type,
        one.go_type,
        owner.partition(".")[2],
    )
    if letter == "r":
        entry.other = entry.walk = _raw
        return entry
    entry.walk = _walker(one.type, entry, kubernetes)
    entry.other = _other(letter, entry)
    return entry


# Fields with omitempty whose emptiness what fills in defaults reads, and takes away: the Go value is not nil.
_EMPTY_TELLS = {("autoscaling/v2.HPAScalingRules", "policies"), ("core/v1.NodeStatus", "allocatable")}


def _raw(value: Any, at: Trail, key: str | int, decoding: Decoding) -> Any:
    return value


def _wrong(value: Any, at: Trail, key: str | int, decoding: Decoding) -> Any:
    raise AssertionError("replaced when the entry is made")


def _other(letter: str, entry: _Entry) -> Walker:
    """What to do with a value of another class than the usual one."""

    def other(value: Any, at: Trail, key: str | int, decoding: Decoding) -> Any:
        kind = value.__class__
        if letter == "f" and kind is int:
            return float(value)
        if letter == "q":
            return scalars.quantity(value, at, key, decoding)
        if letter == "o" and kind is str:
            return value
        return decoding.mismatch(value, at, key, entry, go_type={"o": "int32", "t": "string", "m": "string"}.get(letter, ""))

    return other


def _walker(type: str, entry: _Entry, kubernetes: str) -> Walker | None:
    letter, rest = type[0], type[1:]
    if letter == "*":
        return _walker(rest, entry, kubernetes)
    if letter == "@":
        return struct(rest, kubernetes).decode
    if letter == "[":
        return _list_walker(rest, entry, kubernetes)
    if letter == "{":
        return _string_map_walker(entry) if rest == "s" else _map_walker(rest, entry, kubernetes)
    if letter in "io":
        aborts = "int32" if letter == "o" else ""

        def bounded(value: Any, at: Trail, key: str | int, decoding: Decoding) -> Any:
            return value if -(1 << 31) <= value < 1 << 31 else decoding.mismatch(value, at, key, entry, go_type=aborts)

        return bounded
    return scalars.WALKERS.get(letter)


def _inner(type: str, entry: _Entry) -> _Entry:
    """The entry of the elements of a list or a map."""
    go_type = entry.go_type
    for prefix in ("[]", "map[string]"):
        if go_type.startswith(prefix):
            go_type = go_type.removeprefix(prefix)
            break
    else:
        go_type = "string" if type == "s" else go_type
    inner = _Entry(_CLASSES.get(type.lstrip("*")[0]), True, None, _wrong, type, go_type, entry.owner)
    inner.other = _other(type.lstrip("*")[0], inner)
    return inner


_ZERO: dict[str, Any] = {"s": "", "b": False, "i": 0, "l": 0, "f": 0.0, "q": "0", "o": 0}


def _element(value: Any, inner: _Entry, at: Trail, key: str | int, decoding: Decoding, in_map: bool) -> Any:
    """An element that is null or of an unusual class."""
    letter = inner.type[0]
    if value is None:
        return struct(inner.type[1:], decoding.kubernetes).decode({}, at, key, decoding) if letter == "@" else _ZERO.get(letter)
    return decoding.mismatch(value, at, key, inner, in_map) if letter in "sbily[{@" else inner.other(value, at, key, decoding)


def _list_walker(type: str, entry: _Entry, kubernetes: str) -> Walker:
    inner = _inner(type, entry)
    wanted = inner.wanted
    walk = _walker(type, inner, kubernetes)

    def each(value: Any, at: Trail, key: str | int, decoding: Decoding) -> Any:
        if walk is None:
            for item in value:
                if item.__class__ is not wanted:
                    break
            else:
                return value
        here = (at, key)
        out = []
        for index, item in enumerate(value):
            if item.__class__ is not wanted:
                item = _element(item, inner, here, index, decoding, False)
            elif walk is not None:
                item = walk(item, here, index, decoding)
            out.append(item)
        return out

    return each


def _map_walker(type: str, entry: _Entry, kubernetes: str) -> Walker:
    inner = _inner(type, entry)
    wanted = inner.wanted
    walk = _walker(type, inner, kubernetes)

    def each(value: Any, at: Trail, key: str | int, decoding: Decoding) -> Any:
        here = (at, key)
        out = {}
        for name, item in value.items():
            if item.__class__ is not wanted:
                item = _element(item, inner, here, name, decoding, True)
            elif walk is not None:
                item = walk(item, here, name, decoding)
            out[name] = item
        return out

    return each


def _string_map_walker(entry: _Entry) -> Walker:
    inner = _inner("s", entry)

    def each(value: Any, at: Trail, key: str | int, decoding: Decoding) -> Any:
        for item in value.values():
            if item.__class__ is not str:
                break
        else:
            return value
        here = (at, key)
        return {name: item if item.__class__ is str else _element(item, inner, here, name, decoding, True) for name, item in value.items()}

    return each


def _zero(one: Field, kubernetes: str) -> Callable[[Decoding], Any] | None:
    """What stands for a field that is not given; None where it is left out."""
    letter = one.type[0]
    if letter == "@":
        target = one.type[1:]
        return None if one.omitzero else lambda decoding: struct(target, kubernetes).decode({}, (), "", decoding)
    if letter in "tm" and not one.omitzero:
        return lambda decoding: None
    if letter in "oq" and not one.omitzero:
        return lambda decoding: _ZERO[letter]
    if one.omitempty or one.omitzero:
        return None
    return lambda decoding: _ZERO.get(letter)
