"""Baseline files: sorted JSON with one finding a line, so that a diff shows what was mended."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hostprocess.baseline.fingerprint import Fingerprint
from hostprocess.errors import InputError
from hostprocess.kubernetes.fields import format_path
from hostprocess.kubernetes.location import locate
from hostprocess.model import Origin
from hostprocess.schema import Steps, schema, violations
from hostprocess.whole_file import replaced

__all__ = ["decoded", "read_baseline", "write_baseline"]

_VERSION = 1
_MAKE = "make it with --write-baseline"


def read_baseline(path: str) -> Counter[str]:
    """The findings of a baseline by their fingerprints, with their counts. Raises `InputError` at the line of what is not valid."""
    try:
        text = Path(path).read_text("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"there is no such baseline; {_MAKE}", path=path) from None
    except OSError as error:
        raise InputError(f"the baseline cannot be read: {error.strerror}", path=path) from None
    except UnicodeDecodeError:
        raise InputError("is not UTF-8 text, so it is no baseline", path=path) from None
    try:
        raw = json.loads(text, object_pairs_hook=_distinct)
    except json.JSONDecodeError as error:
        raise InputError(f"is not JSON, so it is no baseline: {error.msg}", path=path, line=error.lineno, column=error.colno) from None
    except (_TwiceError, RecursionError) as error:
        raise InputError(f"is no baseline: {error}", path=path) from None
    for steps, message in violations(raw, schema("baseline")):
        raise _fault_at(text, path, steps, message)
    counts: Counter[str] = Counter()
    for index, one in enumerate(raw["findings"]):
        key = Fingerprint(**{name: value for name, value in one.items() if name != "count"}).encoded()
        if key in counts:
            raise _fault_at(text, path, ("findings", index), "is there twice; leave one, with the sum of the counts")
        counts[key] = one["count"]
    return counts


def write_baseline(path: str, counts: Mapping[str, int]) -> None:
    """Writes a baseline, whole or not at all. Raises `InputError` if it cannot be written."""
    rows = []
    for finding in sorted(decoded(key) for key, count in counts.items() if count > 0):
        row: dict[str, Any] = {key: value for key, value in finding._asdict().items() if key != "outcome" or value}
        row["count"] = counts[finding.encoded()]
        text = json.dumps(row, ensure_ascii=False)
        rows.append("\n    " + (text if text.isprintable() else json.dumps(row)))
    end = "\n  ]" if rows else "]"
    text = f'{{\n  "version": {_VERSION},\n  "findings": [{",".join(rows)}{end}\n}}\n'
    try:
        with replaced(path) as stream:
            stream.write(text)
    except OSError as error:
        raise InputError(f"the baseline cannot be written: {error.strerror}", path=path) from None


def decoded(key: str) -> Fingerprint:
    """The fingerprint that was encoded as this string."""
    return Fingerprint(*json.loads(key))


def _fault_at(text: str, path: str, steps: Steps, message: str) -> InputError:
    place = locate(Origin(path=path, text=text, syntax="json"), steps)
    where = f"{format_path(steps)}: " if steps else ""
    return InputError(where + message, path=path, line=place.line, column=place.column)


class _TwiceError(ValueError):
    pass


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _TwiceError(f"an object has a key twice, of {', '.join(found)}")
    return found
