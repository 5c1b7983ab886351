"""Defaults and matrices: one case of a file becomes the cases that are run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

__all__ = ["expanded", "with_defaults"]

_MATRICES = ("wrap", "kubernetes")


def with_defaults(suite: Mapping[str, Any], case: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a case and, where it has none of its own, those of the suite."""
    defaults = dict(suite.get("defaults", {}))
    if "base" in suite:
        defaults["base"] = suite["base"]
    if "object" in case:
        defaults.pop("base", None)
    return {**defaults, **case}


def expanded(case: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A case for each combination of the values of its lists; `Pod` is the pod itself. The values are told in the name."""
    lists = [key for key in _MATRICES if isinstance(case.get(key), list)]
    for values in product(*(case[key] for key in lists)):
        one = {**case, **dict(zip(lists, values, strict=True))}
        if values:
            one["name"] = f"{case['name']} [{', '.join(values)}]"
        if one.get("wrap") == "Pod":
            del one["wrap"]
        yield one
