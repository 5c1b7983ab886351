"""The regular expressions of Kubernetes: `find` and `findAll`, with RE2 as in Go. Source: k8s.io/apiserver/pkg/cel/library/regex.go."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import re2  # type: ignore[import-untyped]

from hostprocess.cel.declarations import Library, Overload
from hostprocess.cel.library.costs import cost_of
from hostprocess.cel.runtime import CelError

__all__ = ["LIBRARY", "compile_pattern"]

# RE2's words for what is wrong, and those of Go's regexp/syntax.
_WORDS = {
    "bad repetition operator": "invalid nested repetition operator",
    "invalid named capture group": "invalid named capture",
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "invalid repetition size": "invalid repeat count",
    "missing )": "missing closing )",
    "missing ]": "missing closing ]",
    "no argument for repetition operator": "missing argument to repetition operator",
    "trailing \\": "trailing backslash at end of expression",
}

_ESCAPES = re.compile(r"\\.", re.DOTALL)
_ANY_BYTE = r"\C"  # RE2 has it, Go has not


@lru_cache(maxsize=512)
def compile_pattern(pattern: str) -> Any:
    """The compiled pattern, or the `CelError` of a bad one, with the text of Go's regexp.Compile as far as RE2 words it alike."""
    if _ANY_BYTE in _ESCAPES.findall(pattern):
        return CelError(f"error parsing regexp: invalid escape sequence: `{_ANY_BYTE}`")
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else b""
        return CelError(_go_words(reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)))


def _go_words(reason: str) -> str:
    code, _, part = reason.partition(": ")
    return f"error parsing regexp: {_WORDS.get(code, code)}: `{part}`"


def find(text: str, pattern: str) -> Any:
    """`find`: the whole first match, or an empty string."""
    compiled = compile_pattern(pattern)
    if isinstance(compiled, CelError):
        return CelError(f"Illegal regex: {compiled.message}")
    found = compiled.search(text)
    return found.group(0) if found else ""


def find_all(text: str, pattern: str, count: int = -1) -> Any:
    """`findAll`: the whole matches, at most `count` where that is not negative."""
    compiled = compile_pattern(pattern)
    if isinstance(compiled, CelError):
        return CelError(f"Illegal regex: {compiled.message}")
    found: list[str] = []
    last_end = -1
    for match in compiled.finditer(text):
        if len(found) == count:
            break
        start, end = match.span()
        # Go takes no empty match right behind the one before it.
        if not start == end == last_end:
            found.append(text[start:end])
        last_end = end
    return found


LIBRARY = Library(
    name="kubernetes.regex",
    overloads=(
        Overload(
            id="string_find_string",
            function="find",
            arguments=("string", "string"),
            result="string",
            member=True,
            implementation=find,
            cost=cost_of("find", "string_find_string"),
        ),
        Overload(
            id="string_find_all_string",
            function="findAll",
            arguments=("string", "string"),
            result="list(string)",
            member=True,
            implementation=find_all,
            cost=cost_of("findAll", "string_find_all_string"),
        ),
        Overload(
            id="string_find_all_string_int",
            function="findAll",
            arguments=("string", "string", "int"),
            result="list(string)",
            member=True,
            implementation=find_all,
            cost=cost_of("findAll", "string_find_all_string_int"),
        ),
    ),
)
