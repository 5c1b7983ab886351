"""What the API server's account charges for a call.

Source: `CallCost` of k8s.io/apiserver/pkg/cel/library/cost.go, the cost trackers of github.com/google/cel-go/ext, and `costCall` of its
interpreter/runtimecost.go, which asks them in this order: the tracker of the overload, `CallCost` with the name of the function, its own
table by overload. Where the type checker left several overloads open, the overload has no name: no tracker and no entry of the table is found.
`Overload.cost` is what holds where it left one; for several, `CallCost` alone decides, and that is `call_cost(function, "", arguments, result)`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hostprocess.cel.values import Opaque

__all__ = ["call_cost", "cost_of", "list_allocation", "scaled", "scan", "size"]

_LIST_CREATION = 10
_STRUCT_CREATION = 40
_AUTHORIZATION = 350_000
_SIZED = (str, bytes, list, dict)  # a tuple, as a union takes longer to make than to test


def _exactly(count: int, percent: int) -> int:
    product = float(count) * (percent / 100)
    whole = int(product)
    return whole + 1 if product > whole else whole


_SHORT = 512
_SCALED = {percent: tuple(_exactly(count, percent) for count in range(_SHORT)) for percent in (10, 20, 25, 50)}
_TENTHS = _SCALED[10]


def scaled(count: int, percent: int = 10) -> int:
    """`math.Ceil(float64(count) * factor)`, exactly as in floating point; a factor of 10 percent is that of a walk over a string."""
    if count < _SHORT:
        return _TENTHS[count] if percent == 10 else _SCALED[percent][count]
    return _exactly(count, percent)


def size(value: Any) -> int:
    """`actualSize`: the length of strings (code points), bytes, lists and maps, the bytes of addresses, 1 for all else."""
    if isinstance(value, _SIZED):
        return len(value)
    return value.size() if isinstance(value, Opaque) else 1


def scan(position: int, percent: int = 10) -> Callable[[Sequence[Any], Any], int]:
    """The cost of a walk over the argument at that position."""
    known = _SCALED[percent]

    def charge(arguments: Sequence[Any], _result: Any) -> int:
        value = arguments[position]
        if value.__class__ is str and len(value) < _SHORT:
            return known[len(value)]
        return scaled(size(value), percent)

    return charge


def list_allocation(count: float) -> int:
    """The cost of a call of ext.Lists that makes a list of `count` (which may be weighted) elements."""
    return int(count) + 1 + _LIST_CREATION


def call_cost(function: str, overload: str, arguments: Sequence[Any], result: Any) -> int | None:
    """`CostEstimator.CallCost`; None where it leaves the cost to cel-go. `overload` is empty where the type checker left several open."""
    cost = _COSTS.get(function)
    return None if cost is None else cost(overload, arguments, result)


def cost_of(function: str, overload: str) -> Callable[[Sequence[Any], Any], int]:
    """The `cost` of an `Overload` whose function `CallCost` knows."""
    cost = _COSTS[function]
    if cost is _scan or cost is _scan_twice:
        return scan(0, 10 if cost is _scan else 20)

    def charge(arguments: Sequence[Any], result: Any) -> int:
        charged = cost(overload, arguments, result)
        return 1 if charged is None else charged

    return charge


def _one(_overload: str, _arguments: Sequence[Any], _result: Any) -> int | None:
    return 1


def _check(_overload: str, _arguments: Sequence[Any], _result: Any) -> int | None:
    return _AUTHORIZATION


def _selector(_overload: str, arguments: Sequence[Any], _result: Any) -> int | None:
    length = size(arguments[1])
    requirements = scaled(length, 50)
    return _LIST_CREATION + scaled(length) + requirements * (_LIST_CREATION + _STRUCT_CREATION)


def _walk(_overload: str, arguments: Sequence[Any], _result: Any) -> int | None:
    return _traversal(arguments[0])


def _traversal(value: Any) -> int:
    """`traversalCost`: strings count by bytes, rounded down."""
    if isinstance(value, str):
        return int(len(value.encode("utf-8", "surrogatepass")) * 0.1)
    if isinstance(value, bytes):
        return int(len(value) * 0.1)
    if isinstance(value, list):
        return sum(map(_traversal, value))
    if isinstance(value, dict):
        return sum(_traversal(key) + _traversal(item) for key, item in value.items())
    return 1


def _scan(_overload: str, arguments: Sequence[Any], _result: Any) -> int | None:
    return scaled(size(arguments[0]))


def _scan_twice(_overload: str, arguments: Sequence[Any], _result: Any) -> int | None:
    return scaled(size(arguments[0]), 20)


def _join(_overload: str, _arguments: Sequence[Any], result: Any) -> int | None:
    return scaled(size(result), 20)


def _search(_overload: str, arguments: Sequence[Any], _result: Any) -> int | None:
    return scaled(1 + size(arguments[0])) * scaled(size(arguments[1]), 25)


def _ip(overload: str, arguments: Sequence[Any], _result: Any) -> int | None:
    return 1 if overload == "cidr_ip" else scaled(size(arguments[0]))


def _contains_ip(overload: str, arguments: Sequence[Any], _result: Any) -> int | None:
    cost = scaled(2 * size(arguments[0]))
    return cost + scaled(size(arguments[1])) if overload == "cidr_contains_ip_string" else cost


def _contains_cidr(overload: str, arguments: Sequence[Any], _result: Any) -> int | None:
    cost = scaled(2 * size(arguments[0])) + scaled(size(arguments[0])) + 1
    return cost + scaled(size(arguments[1])) if overload == "cidr_contains_cidr_string" else cost


def _validate(_overload: str, arguments: Sequence[Any], _result: Any) -> int | None:
    if not isinstance(arguments[0], Opaque) or arguments[0].type_name != "kubernetes.NamedFormat":
        return None
    return scaled(1 + size(arguments[1])) * scaled(arguments[0].regex_size, 25)  # type: ignore[attr-defined]


def _equality(_overload: str, arguments: Sequence[Any], _result: Any) -> int | None:
    return 1 if isinstance(arguments[0], Opaque) else None


_Rule = Callable[[str, Sequence[Any], Any], "int | None"]
_RULES: tuple[tuple[_Rule, str], ...] = (
    (_check, "check"),
    (_one, "serviceAccount path group resource subresource namespace name allowed reason error errored"),
    (_selector, "fieldSelector labelSelector"),
    (_walk, "isSorted sum max min indexOf lastIndexOf includes"),
    (_scan, "url lowerAscii upperAscii substring trim cidr isIP isCIDR quantity isQuantity semver isSemver"),
    (_scan_twice, "replace split ip.isCanonical"),
    (_join, "join"),
    (_search, "find findAll"),
    (_ip, "ip"),
    (_one, "masked prefixLength family isUnspecified isLoopback isLinkLocalMulticast isLinkLocalUnicast isGlobalUnicast"),
    (_contains_ip, "containsIP"),
    (_contains_cidr, "containsCIDR"),
    (_validate, "validate"),
    (_one, "format.named"),
    (_one, "sign asInteger isInteger asApproximateFloat isGreaterThan isLessThan compareTo add sub major minor patch"),
    (_one, "getScheme getHostname getHost getPort getEscapedPath getQuery"),
    (_equality, "_==_"),
)
_COSTS: dict[str, _Rule] = {name: rule for rule, names in _RULES for name in names.split()}
