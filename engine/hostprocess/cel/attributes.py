"""How names, fields and indices are read: paths from a base value, one qualifier after the other, with the cost of each.

Source: github.com/google/cel-go/interpreter/attributes.go and `Observe` of interpreter/runtimecost.go. A frame is a list: the cost so
far, the inputs, the activation, the program, the cost at which to look at the clock next, the time when it must be over, what `variables`
is as a value, then the variables of comprehensions. The time and `variables` are made when they are needed: most evaluations take microseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from hostprocess.cel.equality import NO_SUCH_OVERLOAD
from hostprocess.cel.library.texts import go_type, to_text, type_name
from hostprocess.cel.operators import found_key
from hostprocess.cel.runtime import CelError
from hostprocess.cel.typed import TypedValues
from hostprocess.cel.values import ABSENT, Opaque, Optional, Uint
from hostprocess.model import Unknown

__all__ = [
    "COST",
    "DEADLINE",
    "FAILED",
    "INPUTS",
    "PAUSE",
    "PROGRAM",
    "SLOTS",
    "VALUES",
    "Attribute",
    "Frame",
    "Lazy",
    "Path",
    "Qualifier",
    "Run",
    "Ternary",
    "bad_key",
    "plain_keys",
    "read_variables",
    "resolver",
    "runner",
    "typed_values",
]

Frame = list[Any]
Run = Callable[[Frame], Any]
COST: Final = 0
INPUTS: Final = 1
_ACTIVATION: Final = 2
PROGRAM: Final = 3
PAUSE: Final = 4
DEADLINE: Final = 5
_VARIABLES: Final = 6
SLOTS: Final = 7
FAILED: Final = (CelError, Unknown)
"""What an operation that meets it gives back; a tuple, as a union takes longer to make than to test."""
VALUES: Final = frozenset({str, int, bool, list, dict})
"""Classes of values that have not failed: quicker to ask than for those in `FAILED`."""
_KEYS = (str, int, float)


class Lazy(Opaque):
    """A map whose values are made when they are read: `variables`."""

    type_name = "kubernetes.variables"

    def equal(self, other: Any) -> Any:
        """See `Opaque.equal`."""
        return self is other if isinstance(other, Lazy) else NO_SUCH_OVERLOAD

    def find(self, name: str) -> Any:
        """The value or the error of a name; `ABSENT` if there is no such name."""
        raise NotImplementedError

    def size(self) -> int:
        """How many names there are."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Qualifier:
    """A field, key or index: either `key`, or what `dynamic` gives. `optional`: `.?field`, `[?key]`; `test`: the last one of a `has()`."""

    key: Any = None
    dynamic: Run | None = None
    optional: bool = False
    test: bool = False


def read_variables(frame: Frame) -> Any:
    """The base `variables`: one and the same value for the whole evaluation."""
    value = frame[_VARIABLES]
    if value is None:
        value = frame[_VARIABLES] = frame[PROGRAM].lazy_variables(frame[_ACTIVATION])
    return value


def typed_values(frame: Frame) -> TypedValues | None:
    """Which lists and maps are Go values; None where none are."""
    return frame[_ACTIVATION].typed_values() if frame[PROGRAM].shows_typed else None


@dataclass(slots=True)
class Path:
    """A base and the qualifiers behind it. `base` costs nothing itself where it is a name, and as much as it is where it is an expression.

    `place` is that in the frame where the base is a variable of a comprehension: then it need not be called.
    """

    base: Run
    qualifiers: list[Qualifier] = field(default_factory=list)
    place: int | None = None


@dataclass(slots=True)
class Ternary:
    """`condition ? truthy : falsy`; a qualifier behind it belongs to both."""

    condition: Run
    truthy: Path | Ternary
    falsy: Path | Ternary

    @property
    def qualifiers(self) -> tuple[list[Qualifier], ...]:
        """The lists to which a qualifier has to be added."""
        found: list[list[Qualifier]] = []
        for branch in (self.truthy, self.falsy):
            found += [branch.qualifiers] if isinstance(branch, Path) else branch.qualifiers
        return tuple(found)


Attribute = Path | Ternary


def resolver(attribute: Attribute) -> Run:
    """What reads the attribute, and charges for its qualifiers, not for the attribute itself."""
    if isinstance(attribute, Ternary):
        return _conditional(attribute.condition, resolver(attribute.truthy), resolver(attribute.falsy))
    base, qualifiers = attribute.base, tuple(attribute.qualifiers)
    if not qualifiers:
        return base
    if all(_is_plain(each) and not each.test for each in qualifiers):
        return _plain_path(attribute, tuple(each.key for each in qualifiers), 0)

    def resolve(frame: Frame) -> Any:
        return _applied(frame, base(frame), qualifiers)

    return resolve


def runner(attribute: Attribute, tests: bool = False) -> Run:
    """What reads the attribute, at its full cost: 1 for the name and 1 for each qualifier; a ternary costs nothing itself, a `has()` 1 less."""
    own = isinstance(attribute, Path) - tests
    if isinstance(attribute, Path) and (keys := plain_keys(attribute)):
        return _plain_test(attribute, keys) if tests else _plain_path(attribute, keys, 1)
    resolve = resolver(attribute)
    if not own:
        return _tested(resolve) if tests else resolve

    def run(frame: Frame) -> Any:
        value = resolve(frame)
        frame[0] += own
        return value.present() if tests and value.__class__ is Optional else value

    return run


def plain_keys(path: Path) -> tuple[str, ...] | None:
    """The fields of a path that has nothing else behind its base; None for any other."""
    return tuple(each.key for each in path.qualifiers) if all(map(_is_plain, path.qualifiers)) else None


def _is_plain(qualifier: Qualifier) -> bool:
    return type(qualifier.key) is str and not qualifier.optional and qualifier.dynamic is None


def _tested(resolve: Run) -> Run:
    def run(frame: Frame) -> Any:
        value = resolve(frame)
        return value.present() if value.__class__ is Optional else value

    return run


def _conditional(condition: Run, truthy: Run, falsy: Run) -> Run:
    def resolve(frame: Frame) -> Any:
        chosen = condition(frame)
        if chosen is True:
            return truthy(frame)
        if chosen is False:
            return falsy(frame)
        return chosen if isinstance(chosen, FAILED) else NO_SUCH_OVERLOAD

    return resolve


def _plain_path(path: Path, keys: tuple[str, ...], own: int) -> Run:
    """Fields one after the other: the common case, and so without detours."""
    base, place = path.base, path.place
    qualifiers = tuple(map(Qualifier, keys))
    first = keys[0]
    charge = len(keys) + own
    if base is read_variables:
        return _variable_path(keys, own)
    if len(keys) == 1:

        def single(frame: Frame) -> Any:
            value = base(frame) if place is None else frame[place]
            if value.__class__ is dict and first in value:
                frame[0] += charge
                return value[first]
            frame[0] += own
            return _applied(frame, value, qualifiers)

        return single

    def several(frame: Frame) -> Any:
        start = value = base(frame) if place is None else frame[place]
        for key in keys:
            if value.__class__ is not dict or key not in value:
                frame[0] += own
                return _applied(frame, start, qualifiers)
            value = value[key]
        frame[0] += charge
        return value

    return several


def _variable_path(keys: tuple[str, ...], own: int) -> Run:
    """A variable, and fields of it."""
    qualifiers = tuple(map(Qualifier, keys))
    first, *others = keys
    charge = len(keys) + own

    def variable(frame: Frame) -> Any:
        known = frame[PROGRAM].variables.get(first)
        value = frame[_ACTIVATION].variables.get(known, ABSENT)
        if value is ABSENT and known is not None:
            value = known.evaluated(frame[_ACTIVATION])
        for key in others:
            if value.__class__ is not dict or key not in value:
                break
            value = value[key]
        else:
            if value is not ABSENT:
                frame[0] += charge
                return value
        frame[0] += own
        return _applied(frame, read_variables(frame), qualifiers)

    return variable


def _variable_test(keys: tuple[str, ...]) -> Run:
    """`has()` of a field of a variable."""
    first, *between, last = keys
    charge = len(keys)
    qualifiers = (*map(Qualifier, keys[:-1]), Qualifier(last, test=True))

    def test(frame: Frame) -> Any:
        known = frame[PROGRAM].variables.get(first)
        value = frame[_ACTIVATION].variables.get(known, ABSENT)
        if value is ABSENT and known is not None:
            value = known.evaluated(frame[_ACTIVATION])
        for key in between:
            if value.__class__ is not dict or key not in value:
                break
            value = value[key]
        else:
            if value.__class__ is dict:
                frame[0] += charge
                return last in value
        found = _applied(frame, read_variables(frame), qualifiers)
        return found.present() if found.__class__ is Optional else found

    return test


def _plain_test(start: Path, keys: tuple[str, ...]) -> Run:
    base, place = start.base, start.place
    if base is read_variables and len(keys) > 1:
        return _variable_test(keys)
    *before, last = keys
    path = tuple(before)
    charge = len(keys)
    qualifiers = (*map(Qualifier, path), Qualifier(last, test=True))

    def test(frame: Frame) -> Any:
        start = value = base(frame) if place is None else frame[place]
        for key in path:
            if value.__class__ is not dict or key not in value:
                break
            value = value[key]
        else:
            if value.__class__ is dict:
                frame[0] += charge
                return last in value
        found = _applied(frame, start, qualifiers)
        return found.present() if found.__class__ is Optional else found

    return test


def _applied(frame: Frame, value: Any, qualifiers: tuple[Qualifier, ...]) -> Any:
    """`applyQualifiers`: once something is optional, all behind it is, and what is not there ends it."""
    optional = value.__class__ is Optional
    if optional:
        if value.value is ABSENT:
            return value
        value = value.value
    held = False  # whether the value is an error that a list has given as its element: it fails only what is done with it
    for qualifier in qualifiers:
        if isinstance(value, FAILED) and not held:
            return value
        optional = optional or qualifier.optional
        key = qualifier.key
        if qualifier.dynamic is not None:
            key = qualifier.dynamic(frame)
            if isinstance(key, FAILED):
                frame[0] += not optional
                return key
        if held:
            frame[0] += not optional
            return value
        found = _found(value, key, optional or qualifier.test)
        if key.__class__ is not str and (key.__class__ is not int or value.__class__ is dict) and (typed := typed_values(frame)) is not None:
            plain, found = found, _in_typed(typed, value, key, found)
            held = found is not plain and value.__class__ is list and isinstance(key, _KEYS)
        if qualifier.test and not optional:
            frame[0] += 1
            if isinstance(found, CelError):
                return found
            if isinstance(value, Unknown):
                return value
            # A field that holds something unknown is there; a variable that is unknown may turn out to fail.
            return found if isinstance(found, Unknown) and isinstance(value, Lazy) else found is not ABSENT
        if found is ABSENT:
            return Optional()
        frame[0] += held or not (optional and isinstance(found, CelError))
        value = found
    if not optional or (isinstance(value, FAILED) and not held):
        return value
    return Optional(value)


def bad_key(key: Any) -> CelError | None:
    """The error of what can be neither key nor index, in Go's names of types."""
    if isinstance(key, _KEYS):
        return None
    return CelError(f"invalid qualifier type: {go_type(key)}")


def _found(value: Any, key: Any, presence: bool) -> Any:
    """`refQualify`: what stands under a key; if it may be absent, `ABSENT`, otherwise an error."""
    if isinstance(value, Unknown):
        return value
    if not isinstance(key, _KEYS):
        return bad_key(key)
    if isinstance(value, dict):
        if key.__class__ is str:
            if key in value:
                return value[key]
        elif (pair := found_key(value, key)) is not None:
            return pair[0]
    elif isinstance(value, list):
        return _element(value, key, presence)
    elif isinstance(value, Lazy):
        found = value.find(key) if isinstance(key, str) else NO_SUCH_OVERLOAD
        if found is not ABSENT:
            return found
    return ABSENT if presence else CelError(f"no such key: {to_text(key)}")


def _in_typed(typed: TypedValues, value: Any, key: Any, found: Any) -> Any:
    """What a Go value says of a key that is no string, or an index that is no int; `found` is what plain JSON has there."""
    if not isinstance(key, _KEYS):
        name = typed.go_type(key)
        return CelError(f"invalid qualifier type: {name}") if name else found
    if value not in typed:
        return found
    if isinstance(value, dict):
        return CelError(f"unsupported map key type: {go_type(key)}")
    return found if found is ABSENT or isinstance(found, CelError) else CelError(f"unsupported index type: {go_type(key)}")


def _element(value: list[Any], key: Any, presence: bool) -> Any:
    if isinstance(key, bool | str):
        return CelError(f"unsupported index type '{type_name(key)}' in list")
    if isinstance(key, float) and not (key.is_integer() and abs(key) < 2.0**63):
        return CelError(f"unsupported index value {to_text(key)} in list")
    if isinstance(key, Uint) and key >= 2**63:
        return CelError(f"unsupported index value {int(key)} in list")
    if 0 <= key < len(value):
        return value[int(key)]
    return ABSENT if presence else CelError(f"index out of bounds: {to_text(key)}")
