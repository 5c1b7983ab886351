"""From source text to a checked tree, or to the errors that the API server would report, in its form.

The parser is that of cel-expr-python, which has cel-go's grammar and messages; the rest is ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from cel_expr_python import cel
from cel_expr_python.ext import ext_optional

from hostprocess.cel.checker import Checked, check
from hostprocess.cel.environment import Environment
from hostprocess.cel.macros import MacroError, expand
from hostprocess.cel.nodes import Node, decode
from hostprocess.cel.runtime import CompileError
from hostprocess.cel.validators import literal_errors

__all__ = ["compile_checked", "parse"]

_REPORTED = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*?)(?=\n \| |\nERROR: <input>|\Z)", re.DOTALL)
_MAX_ERRORS = 100
_MAX_SNIPPET = 16384


def compile_checked(expression: str, environment: Environment) -> Checked:
    """Parses and checks. Raises `CompileError`; its `text` is what the API server says: `compilation failed: ERROR: <input>:1:1: …`."""
    root, positions = parse(expression, environment)
    checked = check(root, environment)
    errors: Iterable[tuple[int, str]] = checked.errors
    if not errors and environment.validators:
        errors = literal_errors(checked)
    found = [(positions.get(node, 0), message) for node, message in errors]
    if found:
        raise _error(expression, found)
    return checked


def parse(expression: str, environment: Environment) -> tuple[Node, dict[int, int]]:
    """The tree with its macros expanded, and the offset of each node in the expression. Raises `CompileError`, with a `text` as `compile_checked`."""
    root, positions = _parsed(expression, environment)
    if environment.two_variables:
        try:
            root = expand(root, positions)
        except MacroError as error:
            raise _error(expression, [(positions.get(error.id, 0), error.message)]) from None
    return root, positions


@cache
def _parser(optional: bool) -> cel.Env:
    return cel.NewEnv(extensions=[ext_optional.ExtOptional()] if optional else [])


def _parsed(expression: str, environment: Environment) -> tuple[Node, dict[int, int]]:
    try:
        serialized = _parser(environment.optional).compile(expression, disable_check=True).serialize()
    except RuntimeError as error:
        text = str(error)
        if "recursion depth" in text:
            raise CompileError("the expression is nested deeper than 32 levels, which is more than this parser takes", limitation=True) from None
        found = [(int(line), int(column), message) for line, column, message in _REPORTED.findall(text.removesuffix(" [INVALID_ARGUMENT]"))]
        if not found:
            raise CompileError(text.strip()) from None
        raise _reported(expression, found) from None
    return decode(serialized)


def _error(expression: str, errors: Iterable[tuple[int, str]]) -> CompileError:
    found = []
    for offset, message in errors:
        before = expression[:offset]
        found.append((before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1, message))
    return _reported(expression, found)


def _reported(expression: str, errors: list[tuple[int, int, str]]) -> CompileError:
    """The errors as `Errors.ToDisplayString` of cel-go joins them; lines and columns count from 1."""
    ordered = sorted(errors[:_MAX_ERRORS], key=lambda error: error[:2])
    lines = expression.split("\n")
    shown = [_display(lines, *error) for error in ordered]
    if len(errors) > _MAX_ERRORS:
        shown.append(f"{len(errors) - _MAX_ERRORS} more errors were truncated")
    line, column, message = ordered[0]
    return CompileError(message, line, column, text="compilation failed: " + "\n".join(shown))


def _display(lines: list[str], line: int, column: int, message: str) -> str:
    text = f"ERROR: <input>:{line}:{column}: {message}"
    if not 0 < line <= len(lines) or len(lines[line - 1]) > _MAX_SNIPPET:
        return text
    snippet = lines[line - 1].replace("\t", " ")
    marks = "".join("." if ord(each) < 0x80 else "\uff0e" for each in snippet[: column - 1])
    pointed = snippet[column - 1 : column]
    return f"{text}\n | {snippet}\n | {marks}{'^' if not pointed or ord(pointed) < 0x80 else chr(0xFF3E)}"
