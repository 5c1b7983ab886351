"""From source text to a checked tree, or to the errors that the API server would report, in its form.

The parser is that of cel-expr-python, which has cel-go's grammar and messages; the rest is ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache

from cel_expr_python import cel
from cel_expr_python.ext import ext_optional

from hostprocess.cel import parser
from hostprocess.cel.checker import Checked, check
from hostprocess.cel.environment import Environment
from hostprocess.cel.macros import MacroErrors, expand
from hostprocess.cel.nodes import Node, Select, Struct, children, decode
from hostprocess.cel.runtime import CompileError
from hostprocess.cel.standard_macros import expand_standard
from hostprocess.cel.validators import literal_errors

__all__ = ["compile_checked", "parse"]

_REPORTED = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*?)(?=\n \| |\nERROR: <input>|\Z)", re.DOTALL)
_MAX_ERRORS = 100
_MAX_SNIPPET = 16384
_MAX_SIZE = 100_000
_NO_LINE = 2**31
_TOO_DEEP = "the expression is nested too deeply for this package"
_ESCAPED_NAMES = 37
_OPTIONAL_TYPE = 31  # before, cel-go had another name for the type
_KNOWN_ESCAPES = 33
_NO_NAME = re.compile(r"(\w+)\(\) variable name must be a simple identifier")
_RESERVED_NAME = re.compile(r"\w+\(\) variable name cannot be \w+")


def compile_checked(expression: str, environment: Environment) -> Checked:
    """Parses and checks. Raises `CompileError`; its `text` is what the API server says: `compilation failed: ERROR: <input>:1:1: …`."""
    try:
        return _compiled(expression, environment)
    except RecursionError:
        raise CompileError(_TOO_DEEP, limitation=True) from None


def _compiled(expression: str, environment: Environment) -> Checked:
    root, positions = parse(expression, environment)
    if "{" in expression:
        _refuse_messages(root, environment, expression, positions)
    if environment.minor < _ESCAPED_NAMES and "`" in expression:
        _refuse_escapes(root, environment.minor, expression, positions)
    checked = check(root, environment)
    errors: Iterable[tuple[int, str]] = checked.errors
    if not errors:
        errors = literal_errors(checked, environment)
    found = [(positions.get(node, 0), message) for node, message in errors]
    if environment.minor < _OPTIONAL_TYPE:
        found = [(place, message.replace("optional_type(", "optional(")) for place, message in found]
    if found:
        raise _error(expression, found)
    return checked


def parse(expression: str, environment: Environment) -> tuple[Node, dict[int, int]]:
    """The tree with its macros expanded, and the offset of each node in the expression. Raises `CompileError`, with a `text` as `compile_checked`."""
    root, found = _parsed(expression, environment.optional)
    positions = dict(found)
    if environment.macros:
        try:
            root = expand(root, positions, environment.macros)
        except MacroErrors as error:
            raise _error(expression, error.errors) from None
    return root, positions


def _refuse_messages(node: Node, environment: Environment, expression: str, positions: dict[int, int]) -> None:
    """Makes a limitation of the literals of messages that the API server knows, and puts the others where cel-go sees them: at their brace."""
    if isinstance(node, Struct):
        name = node.type_name.removeprefix(".")
        if name in environment.identifiers or name in environment.fields or name.startswith("google.protobuf."):
            raise CompileError(f"literals of messages such as {name}{{}} are not supported", limitation=True)
        positions[node.id] = expression.find("{", positions.get(node.id, 0))
    for child in children(node):
        _refuse_messages(child, environment, expression, positions)


def _refuse_escapes(root: Node, minor: int, expression: str, positions: dict[int, int]) -> None:
    """Refuses names in backticks, which the parser here takes: 1.33 to 1.36 know them and do not allow them, before they were not even tokens."""
    found: list[tuple[int, str]] = []
    todo = [root]
    while todo:
        node = todo.pop()
        todo += children(node)
        start = positions.get(node.id, 0) + 1
        if isinstance(node, Select) and expression[start : start + 1] == "`":
            if minor >= _KNOWN_ESCAPES:
                found.append((start, "unsupported syntax: '`'"))
            else:
                found += ((at, "Syntax error: token recognition error at: '`'") for at in (start, expression.find("`", start + 1)))
    if found:
        raise _error(expression, found)


@cache
def _parser(optional: bool) -> cel.Env:
    return cel.NewEnv(extensions=[ext_optional.ExtOptional()] if optional else [])


@lru_cache(maxsize=512)
def _parsed(expression: str, optional: bool) -> tuple[Node, Mapping[int, int]]:
    """What all releases of an environment with or without optional values have in common."""
    if len(expression) > _MAX_SIZE:
        raise _internal(f"expression code point size exceeds limit: size: {len(expression)}, limit {_MAX_SIZE}")
    try:
        serialized = _parser(optional).compile(expression, disable_check=True).serialize()
    except RuntimeError as error:
        text = str(error)
        if "recursion" in text:
            return _deep(expression, optional)
        reported = _REPORTED.findall(text.removesuffix(" [INVALID_ARGUMENT]"))
        found = [(int(line), int(column), _go_words(message)) for line, column, message in reported if int(line) < _NO_LINE]
        if not found:
            raise CompileError(text.strip()) from None
        raise _reported(expression, found) from None
    return decode(serialized)


def _go_words(message: str) -> str:
    """The messages of the macros as cel-go has them."""
    if message == "has() argument must be a field selection":
        return "invalid argument to has() macro"
    if message.startswith(("Invalid string literal", "Invalid bytes literal")):
        return "invalid unicode code point" if "is invalid" in message or "Unicode limit" in message else "unable to unescape string"
    if _RESERVED_NAME.fullmatch(message):
        return "iteration variable overwrites accumulator variable"
    if (match := _NO_NAME.fullmatch(message)) and not match[1].startswith("opt"):
        return "argument is not an identifier" if match[1] in ("map", "filter") else "argument must be a simple name"
    return message


def _deep(expression: str, optional: bool) -> tuple[Node, dict[int, int]]:
    """What is too deep for the parser of cel-expr-python, by our own."""
    try:
        parsed = parser.parse(expression)
    except parser.TooDeep as error:
        raise _internal(str(error)) from None
    if parsed is None:
        raise CompileError("the expression is nested deeper than 32 levels, and this package cannot parse it", limitation=True)
    root, positions = parsed
    try:
        return expand_standard(root, positions, optional), positions
    except MacroErrors as error:
        raise _error(expression, error.errors) from None
    except RecursionError:
        raise CompileError(_TOO_DEEP, limitation=True) from None


def _internal(message: str) -> CompileError:
    """An error without a place, as `Errors.internalError` of cel-go's parser makes it."""
    return CompileError(message, text=f"compilation failed: ERROR: <input>:-1:0: {message}")


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
