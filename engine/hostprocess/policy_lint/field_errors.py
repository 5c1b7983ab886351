"""Errors of fields, in the words of the API server.

Source: k8s.io/apimachinery/pkg/util/validation/field/errors.go.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

__all__ = [
    "NEWER_WORDS",
    "FieldError",
    "Steps",
    "duplicate",
    "field_path",
    "forbidden",
    "internal",
    "invalid",
    "invalid_list",
    "not_supported",
    "quoted",
    "renamed",
    "required",
    "too_long",
    "too_many",
]

Steps = tuple[str | int, ...]
NEWER_WORDS = 34
"""The release from which most texts of 1.37 hold."""
_JSON_MINOR = 34
_LONGER_MINOR = 32
_ESCAPES = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v", "\\": "\\\\", '"': '\\"'}


@dataclass(frozen=True, slots=True)
class FieldError:
    """One error: where, in steps and as the API server writes the path; what, as `field.Error.ErrorBody` gives it.

    `check` is the stable name of the check that found it; `hint` is ours.
    """

    steps: Steps
    field: str
    body: str
    check: str = "invalid-policy"
    hint: str = ""

    @property
    def message(self) -> str:
        """As `field.Error.Error` gives it."""
        return f"{self.field}: {self.body}"


def required(steps: Steps, detail: str = "", **rest: str) -> FieldError:
    """`Required value`."""
    return _error(steps, "Required value", detail, rest)


def forbidden(steps: Steps, detail: str, **rest: str) -> FieldError:
    """`Forbidden`."""
    return _error(steps, "Forbidden", detail, rest)


def invalid(steps: Steps, value: Any, detail: str, **rest: str) -> FieldError:
    """`Invalid value`, with the value: a string is quoted as Go quotes it, anything else is JSON."""
    return _error(steps, f"Invalid value: {_shown(value)}", detail, rest)


def internal(steps: Steps, detail: str, **rest: str) -> FieldError:
    """`Internal error`."""
    return _error(steps, "Internal error", detail, rest)


def invalid_list(steps: Steps, values: Sequence[Any], go_type: str, detail: str, minor: int) -> FieldError:
    """`Invalid value` with a list, whose elements have that Go type: JSON, or Go's own notation before 1.34."""
    if minor >= _JSON_MINOR:
        return _error(steps, f"Invalid value: {_json(list(values))}", detail, {})
    name = go_type if go_type == "string" else f"admissionregistration.{go_type}"
    return _error(steps, f"Invalid value: []{name}{{{', '.join(_go(one, name) for one in values)}}}", detail, {})


def duplicate(steps: Steps, value: Any, **rest: str) -> FieldError:
    """`Duplicate value`."""
    return _error(steps, f"Duplicate value: {_shown(value)}", "", rest)


def not_supported(steps: Steps, value: str, known: Sequence[str], minor: int) -> FieldError:
    """`Unsupported value`. The values are of named Go types, so they stand there as JSON since 1.34."""
    shown = _json(value) if minor >= _JSON_MINOR else quoted(value)
    return _error(steps, f"Unsupported value: {shown}", f"supported values: {', '.join(map(quoted, known))}", {})


def too_many(steps: Steps, count: int, limit: int, **rest: str) -> FieldError:
    """`Too many`."""
    return _error(steps, f"Too many: {count}", f"must have at most {limit} items", rest)


def too_long(steps: Steps, limit: int, minor: int) -> FieldError:
    """`Too long`, in the words of that release."""
    words = "may not be more than" if minor >= _LONGER_MINOR else "must have at most"
    return _error(steps, "Too long", f"{words} {limit} bytes", {})


def renamed(error: FieldError, steps: Steps, written: str) -> FieldError:
    """The error, with `written` where its path names the last of `steps`: some releases misspell their own fields."""
    right, wrong = field_path(steps), field_path((*steps[:-1], written))
    return replace(error, field=wrong + error.field.removeprefix(right))


def field_path(steps: Steps) -> str:
    """`spec.validations[0].expression`."""
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def quoted(text: str) -> str:
    """`text` as Go's strconv.Quote writes it."""
    return '"' + "".join(_ESCAPES.get(one) or (one if one.isprintable() else _escape(ord(one))) for one in text) + '"'


def _escape(code: int) -> str:
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _error(steps: Steps, kind: str, detail: str, rest: dict[str, str]) -> FieldError:
    field = rest.pop("field", "") or field_path(steps)
    return FieldError(steps, field, f"{kind}: {detail}" if detail else kind, **rest)


def _shown(value: Any) -> str:
    return quoted(value) if isinstance(value, str) else _json(value)


def _go(value: Any, name: str) -> str:
    if isinstance(value, str):
        return quoted(value)
    return f"{name}{{{', '.join(f'{key}:{quoted(text)}' for key, text in value.items())}}}"


def _json(value: Any) -> str:
    # encoding/json escapes what could hurt inside HTML.
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for one in "<>&\u2028\u2029":
        text = text.replace(one, f"\\u{ord(one):04x}")
    return text
