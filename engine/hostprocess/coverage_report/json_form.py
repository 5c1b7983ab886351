"""Coverage for programs: see docs/testing.md."""

from __future__ import annotations

import json
from typing import Any

from hostprocess.cel.marks import EVALUATED, FALSE, TRUE
from hostprocess.coverage.model import Coverage, Part, Unit, percent
from hostprocess.coverage_report.places import PlacedExpression, PlacedUnit
from hostprocess.kubernetes.fields import format_path

__all__ = ["as_json", "as_value"]

_WORDS = {"true": TRUE, "false": FALSE, "evaluated": EVALUATED}


def as_json(coverage: Coverage) -> str:
    """The report as text."""
    return json.dumps(as_value(coverage), indent=2, ensure_ascii=False)


def as_value(coverage: Coverage) -> dict[str, Any]:
    """The report as plain data."""
    return {
        "covered": coverage.covered,
        "points": coverage.points,
        "percent": percent(coverage.covered, coverage.points),
        "partial": coverage.partial,
        "notes": list(coverage.notes),
        "policies": [_unit(PlacedUnit(one)) for one in sorted(coverage.units, key=lambda one: (one.path, one.kind, one.name))],
    }


def _unit(placed: PlacedUnit) -> dict[str, Any]:
    unit: Unit = placed.unit
    return {
        "kind": unit.kind,
        "name": unit.name,
        "path": unit.path,
        "line": placed.line,
        "covered": unit.covered,
        "points": unit.points,
        "percent": percent(unit.covered, unit.points),
        "expressions": [_expression(one) for one in placed.expressions],
        "uses": [
            {"kind": use.kind, "name": use.name, "field": format_path(use.steps), "line": line, "column": column, "seen": use.seen}
            for use, line, column in placed.uses
        ],
    }


def _expression(placed: PlacedExpression) -> dict[str, Any]:
    one = placed.expression
    line, column = placed.start
    return {
        "kind": one.kind,
        "name": one.name,
        "field": format_path(one.steps),
        "line": line,
        "column": column,
        "text": one.text,
        "parts": [_part(placed, part) for part in one.parts],
    }


def _part(placed: PlacedExpression, part: Part) -> dict[str, Any]:
    (line, column), (end_line, end_column) = placed.ends(part)
    seen = {"true": bool(part.seen & TRUE), "false": bool(part.seen & FALSE)} if part.boolean else {}
    return {
        "start": part.start,
        "end": part.end,
        "line": line,
        "column": column,
        "endLine": end_line,
        "endColumn": end_column + 1,
        "text": placed.expression.text[part.start : part.end],
        "whole": part.whole,
        "evaluated": part.seen != 0,
        **seen,
        **({"unreachable": [word for word, mark in _WORDS.items() if part.unreachable & mark]} if part.unreachable else {}),
    }
