"""Which concrete fields of an object a failed validation speaks about."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hostprocess.context import Context
from hostprocess.kubernetes.fields import Steps, format_path, parse_path
from hostprocess.kubernetes.kinds import template_path
from hostprocess.model import Elements, Validation
from hostprocess.prepared import PreparedPolicy

__all__ = ["fields_of"]


def fields_of(prepared: PreparedPolicy, validation: Validation, index: int, context: Context) -> tuple[str, ...]:
    """The concrete fields a failed validation speaks about, as far as its rule names them."""
    if not validation.paths:
        return ()
    resource = context.request.resource
    root: Steps = template_path(resource.api_version, resource.kind) or ()
    if validation.elements is None:
        return (format_path(_choose(resource.object, root, (), validation.paths)),)
    passed = prepared.elements(validation.elements, index, context)
    if not isinstance(passed, list):
        return ()
    chosen = [_choose(resource.object, root, steps, validation.paths) for steps in _failed(resource.object, root, validation.elements, passed)]
    return tuple(dict.fromkeys(map(format_path, chosen)))


def _failed(value: Any, root: Steps, elements: Elements, passed: list[Any]) -> Iterable[Steps]:
    """Where the elements lie for which the list holds False."""
    at = 0
    for place in elements.places:
        steps = root + parse_path(place)
        for index in range(len(_get(value, steps) or ())):
            verdict = passed[at] if at < len(passed) else True
            at += 1
            if elements.nested:
                for inner, ok in enumerate(verdict if isinstance(verdict, list) else ()):
                    if ok is False:
                        yield (*steps, index, elements.nested, inner)
            elif verdict is False:
                yield (*steps, index)


def _choose(value: Any, root: Steps, element: Steps, paths: tuple[str, ...]) -> Steps:
    """The first of the paths that exists; else the last."""
    steps: Steps = element
    for path in paths:
        if path.startswith("object."):
            steps = parse_path(path.removeprefix("object."))
        else:
            in_pod = not element or path.startswith(("spec.", "metadata."))
            steps = (root if in_pod else element) + parse_path(path)
        if _get(value, steps) is not None:
            break
    return steps


def _get(value: Any, steps: Steps) -> Any:
    for step in steps:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value
