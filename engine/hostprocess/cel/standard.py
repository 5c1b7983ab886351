"""The functions of standard CEL and of optional values, as declared; what they do is in `operators`, `conversions` and `calls`.

Source: github.com/google/cel-go/common/stdlib/standard.go and cel/library.go.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from hostprocess.cel.types import Type, names_of_parameters, parse_type

__all__ = ["CROSS_NUMERIC", "INT_DURATION", "MAP_INSERT", "OPTIONAL", "OPTIONAL_LISTS", "STANDARD", "Signature", "signatures"]


@dataclass(frozen=True, slots=True)
class Signature:
    """One overload: its types, and for what is no part of the language itself also its implementation and cost (`declarations.Overload`)."""

    id: str
    function: str
    arguments: tuple[Type, ...]
    result: Type
    member: bool
    implementation: Callable[..., Any] | None = None
    cost: Callable[..., int] | None = None
    gated_cost: bool = False
    guard: str = "types"
    kinds: tuple[Type, ...] = field(init=False, repr=False, compare=False)
    """The result and the arguments."""
    parameters: tuple[str, ...] = field(init=False, repr=False, compare=False)
    """The names of the type parameters in `kinds`, in order."""

    def __post_init__(self) -> None:
        kinds = (self.result, *self.arguments)
        object.__setattr__(self, "kinds", kinds)
        object.__setattr__(self, "parameters", tuple(dict.fromkeys(name for kind in kinds for name in names_of_parameters(kind))))


STANDARD: Final = """
_?_:_: conditional(bool, A, A) A
_&&_: logical_and(bool, bool) bool
_||_: logical_or(bool, bool) bool
!_: logical_not(bool) bool
@not_strictly_false: not_strictly_false(bool) bool
_==_: equals(A, A) bool
_!=_: not_equals(A, A) bool
_+_: add_bytes(bytes, bytes) bytes; add_double(double, double) double; add_duration_duration(duration, duration) duration
_+_: add_duration_timestamp(duration, timestamp) timestamp; add_timestamp_duration(timestamp, duration) timestamp; add_int64(int, int) int
_+_: add_list(list(A), list(A)) list(A); add_string(string, string) string; add_uint64(uint, uint) uint
_/_: divide_double(double, double) double; divide_int64(int, int) int; divide_uint64(uint, uint) uint
_%_: modulo_int64(int, int) int; modulo_uint64(uint, uint) uint
_*_: multiply_double(double, double) double; multiply_int64(int, int) int; multiply_uint64(uint, uint) uint
-_: negate_double(double) double; negate_int64(int) int
_-_: subtract_double(double, double) double; subtract_duration_duration(duration, duration) duration; subtract_int64(int, int) int
_-_: subtract_timestamp_duration(timestamp, duration) timestamp; subtract_timestamp_timestamp(timestamp, timestamp) duration
_-_: subtract_uint64(uint, uint) uint
_[_]: index_list(list(A), int) A; index_map(map(A, B), A) B
@in: in_list(A, list(A)) bool; in_map(A, map(A, B)) bool
size: size_bytes(bytes) int; .bytes_size(bytes) int; size_list(list(A)) int; .list_size(list(A)) int; size_map(map(A, B)) int
size: .map_size(map(A, B)) int; size_string(string) int; .string_size(string) int
type: type(A) type(A)
bool: bool_to_bool(bool) bool; string_to_bool(string) bool
bytes: bytes_to_bytes(bytes) bytes; string_to_bytes(string) bytes
double: double_to_double(double) double; int64_to_double(int) double; string_to_double(string) double; uint64_to_double(uint) double
duration: duration_to_duration(duration) duration; string_to_duration(string) duration
dyn: to_dyn(A) dyn
int: int64_to_int64(int) int; double_to_int64(double) int; duration_to_int64(duration) int; string_to_int64(string) int
int: timestamp_to_int64(timestamp) int; uint64_to_int64(uint) int
string: string_to_string(string) string; bool_to_string(bool) string; bytes_to_string(bytes) string; double_to_string(double) string
string: duration_to_string(duration) string; int64_to_string(int) string; timestamp_to_string(timestamp) string; uint64_to_string(uint) string
timestamp: timestamp_to_timestamp(timestamp) timestamp; int64_to_timestamp(int) timestamp; string_to_timestamp(string) timestamp
uint: uint64_to_uint64(uint) uint; double_to_uint64(double) uint; int64_to_uint64(int) uint; string_to_uint64(string) uint
contains: .contains_string(string, string) bool
endsWith: .ends_with_string(string, string) bool
startsWith: .starts_with_string(string, string) bool
matches: matches(string, string) bool; .matches_string(string, string) bool
getFullYear: .timestamp_to_year(timestamp) int; .timestamp_to_year_with_tz(timestamp, string) int
getMonth: .timestamp_to_month(timestamp) int; .timestamp_to_month_with_tz(timestamp, string) int
getDayOfYear: .timestamp_to_day_of_year(timestamp) int; .timestamp_to_day_of_year_with_tz(timestamp, string) int
getDayOfMonth: .timestamp_to_day_of_month(timestamp) int; .timestamp_to_day_of_month_with_tz(timestamp, string) int
getDate: .timestamp_to_day_of_month_1_based(timestamp) int; .timestamp_to_day_of_month_1_based_with_tz(timestamp, string) int
getDayOfWeek: .timestamp_to_day_of_week(timestamp) int; .timestamp_to_day_of_week_with_tz(timestamp, string) int
getHours: .timestamp_to_hours(timestamp) int; .timestamp_to_hours_with_tz(timestamp, string) int; .duration_to_hours(duration) int
getMinutes: .timestamp_to_minutes(timestamp) int; .timestamp_to_minutes_with_tz(timestamp, string) int; .duration_to_minutes(duration) int
getSeconds: .timestamp_to_seconds(timestamp) int; .timestamp_to_seconds_tz(timestamp, string) int; .duration_to_seconds(duration) int
getMilliseconds: .timestamp_to_milliseconds(timestamp) int; .timestamp_to_milliseconds_with_tz(timestamp, string) int
getMilliseconds: .duration_to_milliseconds(duration) int
"""

OPTIONAL: Final = """
optional.of: optional_of(V) optional_type(V)
optional.ofNonZeroValue: optional_ofNonZeroValue(V) optional_type(V)
optional.none: optional_none() optional_type(V)
value: .optional_value(optional_type(V)) V
hasValue: .optional_hasValue(optional_type(V)) bool
or: .optional_or_optional(optional_type(V), optional_type(V)) optional_type(V)
orValue: .optional_orValue_value(optional_type(V), V) V
_?._: select_optional_field(dyn, string) optional_type(V)
_[?_]: list_optindex_optional_int(list(V), int) optional_type(V); optional_list_optindex_optional_int(optional_type(list(V)), int) optional_type(V)
_[?_]: map_optindex_optional_value(map(K, V), K) optional_type(V)
_[?_]: optional_map_optindex_optional_value(optional_type(map(K, V)), K) optional_type(V)
_[_]: optional_list_index_int(optional_type(list(V)), int) optional_type(V); optional_map_index_value(optional_type(map(K, V)), K) optional_type(V)
"""

# Version 2 of the library, which came with cel-go 0.21 and so with Kubernetes 1.32.
OPTIONAL_LISTS: Final = """
last: .list_last(list(V)) optional_type(V)
first: .list_first(list(V)) optional_type(V)
optional.unwrap: optional_unwrap(list(optional_type(V))) list(V)
unwrapOpt: .optional_unwrapOpt(list(optional_type(V))) list(V)
"""

# Up to Kubernetes 1.36; it fails whenever it is called.
INT_DURATION: Final = """
duration: int64_to_duration(int) duration
"""

MAP_INSERT: Final = """
cel.@mapInsert: @mapInsert_map_key_value(map(K, V), K, V) map(K, V); @mapInsert_map_map(map(K, V), map(K, V)) map(K, V)
"""

# In the order of cel-go, where those of two number types stand between the others; the types of one order operator.
_ORDERED = (
    ("bool", "bool", "bool"),
    ("int64", "int", "int"),
    ("int64_double", "int", "double"),
    ("int64_uint64", "int", "uint"),
    ("uint64", "uint", "uint"),
    ("uint64_double", "uint", "double"),
    ("uint64_int64", "uint", "int"),
    ("double", "double", "double"),
    ("double_int64", "double", "int"),
    ("double_uint64", "double", "uint"),
    ("string", "string", "string"),
    ("bytes", "bytes", "bytes"),
    ("timestamp", "timestamp", "timestamp"),
    ("duration", "duration", "duration"),
)
_ORDERS = {"_<_": "less", "_<=_": "less_equals", "_>_": "greater", "_>=_": "greater_equals"}
CROSS_NUMERIC: Final = frozenset(f"{word}_{name}" for word in _ORDERS.values() for name, first, second in _ORDERED if first != second)
"""The overloads that compare numbers of two types, which Kubernetes has from 1.28 on."""


@cache
def signatures(text: str) -> tuple[Signature, ...]:
    """Reads one of the tables above; that of standard CEL with its order operators."""
    found = []
    for line in text.strip().splitlines():
        function, _, overloads = line.partition(": ")
        for overload in overloads.split("; "):
            head, _, result = overload.rpartition(") ")
            name, _, arguments = head.partition("(")
            types = parse_type(f"list({arguments})").parameters if arguments else ()
            found.append(Signature(name.lstrip("."), function, types, parse_type(result), name.startswith(".")))
    if text is STANDARD:
        for operator, word in _ORDERS.items():
            for name, first, second in _ORDERED:
                found.append(Signature(f"{word}_{name}", operator, (parse_type(first), parse_type(second)), parse_type("bool"), False))
    return tuple(found)
