"""Makes the object of a case out of a base: `unset`, `set`, `edit`, `wrap`."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Iterable, Mapping
from typing import Any

from hostprocess.kubernetes.fields import parse_path
from hostprocess.kubernetes.kinds import POD_TEMPLATES

__all__ = ["WRAPPERS", "edited", "set_path", "unset_path", "wrapped"]

WRAPPERS = {kind: (api_version, steps) for (api_version, kind), steps in POD_TEMPLATES.items() if steps}


def edited(base: Any, unset: Iterable[str], assign: Mapping[str, Any], program: str) -> Any:
    """A changed copy of `base`. Raises ValueError for a path or a jq program that does not fit."""
    value = copy.deepcopy(base)
    for path in unset:
        unset_path(value, path)
    for path, new in assign.items():
        set_path(value, path, copy.deepcopy(new))
    if program:
        before, value = value, _jq(program, value)
        if value == before:
            raise ValueError(f"edit: {program!r} changes nothing, so the case tests what another one does")
    return value


def set_path(value: Any, path: str, new: Any) -> None:
    """Sets one field; missing mappings and lists on the way are made, a list grows by one element at most."""
    steps = parse_path(path)
    for step, following in itertools.pairwise(steps):
        _check_container(value, step, path)
        if isinstance(step, int):
            _grow(value, step, path)
        elif not isinstance(value.get(step), (dict, list)):
            value[step] = [] if isinstance(following, int) else {}
        value = value[step]
    _check_container(value, steps[-1], path)
    if isinstance(steps[-1], int):
        _grow(value, steps[-1], path)
    value[steps[-1]] = new


def _check_container(value: Any, step: str | int, path: str) -> None:
    if isinstance(step, str) and not isinstance(value, dict):
        raise ValueError(f"set: {path}: there is {'a list' if isinstance(value, list) else 'no mapping'} where {step!r} should be")


def _grow(value: Any, index: int, path: str) -> None:
    if not isinstance(value, list) or index > len(value):
        raise ValueError(f"set: {path}: there is no list with an element {index} or one before it")
    if index == len(value):
        value.append({})


def unset_path(value: Any, path: str) -> None:
    """Removes one field, which must be there: else the case would not test what it says."""
    *way, last = parse_path(path)
    try:
        for step in way:
            value = value[step]
        del value[last]
    except (KeyError, IndexError, TypeError):
        raise ValueError(f"unset: {path}: there is no such field") from None


def wrapped(pod: dict[str, Any], kind: str) -> dict[str, Any]:
    """The pod as the template of a workload of that kind, or as the item of a List."""
    if kind == "List":
        return {"apiVersion": "v1", "kind": "List", "items": [pod]}
    api_version, steps = WRAPPERS[kind]
    if not isinstance(pod.get("metadata", {}), dict):
        raise ValueError("wrap: metadata must be a mapping")
    metadata = dict(pod.get("metadata", {}))
    owner = {key: metadata.pop(key) for key in ("name", "namespace") if key in metadata}
    labels = {"app": owner.get("name", "app")}
    template = {"metadata": {**metadata, "labels": {**metadata.get("labels", {}), **labels}}, "spec": pod.get("spec", {})}
    value: dict[str, Any] = {"apiVersion": api_version, "kind": kind, "metadata": owner}
    place = value
    for step in steps[:-1]:
        place = place.setdefault(step, {})
    place[steps[-1]] = template
    if kind in ("Deployment", "ReplicaSet", "DaemonSet", "StatefulSet"):
        value["spec"]["selector"] = {"matchLabels": labels}
    if kind == "CronJob":
        value["spec"]["schedule"] = "0 * * * *"
    return value


def _jq(program: str, value: Any) -> Any:
    # Optional libraries, imported when a case needs one: pyjq must be built, jq comes as a wheel.
    try:
        try:
            import jq

            results = jq.compile(program).input_value(value).all()
        except ImportError:
            import pyjq

            results = pyjq.all(program, value)
    except ImportError:
        raise ValueError("`edit` needs a jq library: pip install 'hostprocess[jq]'; `set` and `unset` need none") from None
    except Exception as error:  # the two libraries raise what they like, and a program may fail in any way
        raise ValueError(f"edit: {program!r}: {_first_line(error)}") from None
    if len(results) != 1 or not isinstance(results[0], dict):
        raise ValueError(f"edit: {program!r} must give one object, gave {json.dumps(results)[:80]}")
    return results[0]


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0].rstrip(":") if text else type(error).__name__
