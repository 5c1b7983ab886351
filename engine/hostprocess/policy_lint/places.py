"""Where a place inside an expression stands in its file."""

from __future__ import annotations

from hostprocess.kubernetes.location import locate
from hostprocess.model import Resource
from hostprocess.policy_lint.field_errors import Steps

__all__ = ["expression_place"]


def expression_place(resource: Resource, steps: Steps, expression: str, line: int, column: int) -> tuple[int, int]:
    """Line and column in the file of a place in an expression; those of the field where the expression is not written as it is read."""
    origin = resource.origin
    place = locate(origin, steps)
    lines = origin.text.split("\n")
    start = place.line - origin.line
    wanted = expression.split("\n")
    if not 0 <= start < len(lines):
        return place.line, place.column
    # On the line of its key, plain or between quotes.
    at = lines[start].rstrip("\r").find(expression)
    if len(wanted) == 1 and at >= 0:
        return place.line, at + column + (0 if start or origin.column == 1 else origin.column - 1)
    # A block below its key: the same lines, indented.
    found = start + line
    if found < len(lines) and wanted[line - 1].strip():
        text = lines[found].rstrip("\r")
        indent = len(text) - len(text.lstrip(" "))
        own = len(wanted[line - 1]) - len(wanted[line - 1].lstrip(" "))
        if text[indent:].startswith(wanted[line - 1].strip()):
            return origin.line + found, indent - own + column
    return place.line, place.column
