"""What a CEL library is made of: overloads with their types, implementations and costs. Data; it evaluates nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["GoPanic", "Guard", "Library", "Overload"]

Cost = Callable[[Sequence[Any], Any], int]
Guard = Literal["types", "list", "none"]


class GoPanic(Exception):
    """Raised by an implementation or a cost where cel-go panics: the evaluation ends with the error `internal error: ` and this text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overload:
    """One overload of a function.

    `arguments` and `result` are types as cel-go writes them (`string`, `list(T)`, `map(string, list(string))`, `kubernetes.Quantity`,
    `optional_type(string)`); a single capital letter is a type parameter; a member's receiver comes first. `implementation` takes the
    values and gives a value or a `CelError`; it is called only with values whose runtime types fit `arguments`, and never with a
    `CelError` or an `Unknown`. `cost(arguments, result)` is what the API server's account charges for the call where costs are tracked
    strictly (1.32 and newer), None stands for 1; `gated_cost` says that before 1.32 the call cost 1 (k8s.io/apiserver/pkg/cel/library/cost.go).
    `id` is that of cel-go or of k8s.io/apiserver/pkg/cel/library.

    `guard` is what cel-go asks of the values before the call: `types` that each fits its type, as said above; `list` only that the first is a
    list, whatever its elements (a function with one implementation for all overloads; otherwise the error is `no such overload: sort`, without
    types); `none` nothing (`DisableTypeGuards`). `implementation` takes care of the rest. Elements of lists may be `Unknown` in any case.
    """

    id: str
    function: str
    arguments: tuple[str, ...]
    result: str
    member: bool = False
    implementation: Callable[..., Any]
    cost: Cost | None = None
    gated_cost: bool = True
    guard: Guard = "types"


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """Functions that came to Kubernetes together. `introduced` and `removed` are minors of 1.x, as `base.go` of k8s.io/apiserver/pkg/cel/environment
    has them; 0 stands for always, or never removed. `types` are the names of types that an expression may use as values: `type(x) == net.IP`.
    """

    name: str
    introduced: int = 0
    removed: int = 0
    overloads: tuple[Overload, ...] = ()
    types: tuple[str, ...] = ()
