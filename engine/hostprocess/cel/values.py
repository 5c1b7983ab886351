"""CEL values as the evaluator of checked trees holds them.

JSON data is used as it was read, without conversion: null, bool, int (a CEL int), float (a double), str, list, dict. The other types of
CEL are the classes below; the libraries add opaque ones. `CelError` and `Unknown` are values too: an operation that meets one gives it back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

__all__ = ["ABSENT", "Duration", "Opaque", "Optional", "Timestamp", "TypeValue", "Uint"]


class Uint(int):
    """A CEL uint; `1u`."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A CEL duration, in nanoseconds."""

    nanoseconds: int


@dataclass(frozen=True, slots=True, order=True)
class Timestamp:
    """A CEL timestamp, in nanoseconds since 1970-01-01T00:00:00Z; `offset` (seconds) is the zone it was written in, and is shown in."""

    nanoseconds: int
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class TypeValue:
    """A type as a value: `int`, `type(object)`."""

    name: str


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()


@dataclass(frozen=True, slots=True)
class Optional:
    """A CEL optional; `value` is `ABSENT` for `optional.none()`."""

    value: Any = ABSENT

    def present(self) -> bool:
        """Whether there is a value."""
        return self.value is not ABSENT


class Opaque:
    """The base of the opaque types of the libraries (Quantity, URL, IP …). `type_name` is what `type()` says."""

    type_name: ClassVar[str]

    def equal(self, other: Any) -> Any:
        """Equality with the left operand being this value: a bool or a `CelError`. Source: the library's `Equal` in k8s.io/apiserver/pkg/cel."""
        raise NotImplementedError

    def size(self) -> int:
        """What `actualSize` of k8s.io/apiserver/pkg/cel/library/cost.go says: 1, unless the Go type has a `Size` method."""
        return 1
