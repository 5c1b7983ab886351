"""One request with its values in CEL: what each phase of an evaluation sees, on each runtime."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hostprocess.cel.runtime import UNBOUND, Activation, CelError, Runtime
from hostprocess.cel.source import needed
from hostprocess.cel.values import Opaque
from hostprocess.model import Request, Unknown

__all__ = ["Context", "Phase"]

_NO_KEY = re.compile(r"no such key: (\w+)")
# Where in the inputs an `Unknown` may stand: for runtimes that do not know such values it is taken out.
_INSIDE: dict[str, tuple[tuple[str, ...], ...]] = {
    "request": ((),),
    "object": ((), ("metadata",)),
    "oldObject": ((), ("metadata",)),
    "namespaceObject": ((), ("metadata",)),
    "params": ((), ("metadata",)),
}
# validator.go leaves the authorizer out of the last two phases, though audit annotations may name it.
_NO_AUTHORIZER = {"authorizer": UNBOUND, "authorizer.requestResource": UNBOUND}


class Context:
    """A request (with one parameter object) and its inputs; `known_conditions` are values of matchConditions by their text."""

    def __init__(self, inputs: Mapping[str, Any], request: Request, conditions_request: Mapping[str, Any] | None = None) -> None:
        self.inputs = inputs
        self.request = request
        self.known_conditions: dict[str, Any] = {}
        self._conditions_request = conditions_request
        self._main: Phase | None = None
        self._condition_phase: Phase | None = None

    def with_params(self, params: Any) -> Context:
        """The same request with a parameter object, null, or an `Unknown`."""
        return Context({**self.inputs, "params": params}, self.request, self._conditions_request)

    def conditions(self) -> Phase:
        """What matchConditions see: no Namespace, and the resource as it was requested (matchconditions/matcher.go)."""
        if self._condition_phase is None:
            changed: dict[str, Any] = {"namespaceObject": None}
            if self._conditions_request is not None:
                changed["request"] = self._conditions_request
            self._condition_phase = Phase({**self.inputs, **changed})
        return self._condition_phase

    def validations(self) -> Phase:
        """What validations see."""
        if self._main is None:
            self._main = Phase(self.inputs)
        return self._main

    def messages(self) -> Phase:
        """What messageExpressions see."""
        return Phase({**self.inputs, **_NO_AUTHORIZER}, self.validations())

    def annotations(self) -> Phase:
        """What audit annotations see."""
        return Phase({**self.inputs, **_NO_AUTHORIZER}, self.validations())


class Phase:
    """The inputs of one phase. A runtime that keeps the values of variables has one activation for each policy and phase."""

    def __init__(self, inputs: Mapping[str, Any], shared: Phase | None = None) -> None:
        self._inputs = inputs
        self._activations: dict[tuple[str, str], Activation] = {}
        self._shared = shared
        self._unknown: dict[str, str] | None = None
        self._known: dict[str, Any] = {}
        self._pattern: re.Pattern[str] | None = None

    def activation(self, runtime: Runtime, policy: str) -> Activation:
        """The activation for a policy on a runtime."""
        keeps_variables = runtime.name == "tree"
        if not keeps_variables and self._shared is not None:
            return self._shared.activation(runtime, policy)
        key = (runtime.name, policy if keeps_variables else "")
        found = self._activations.get(key)
        if found is None:
            found = self._activations[key] = runtime.activation(self._inputs if keeps_variables else self._known_inputs())
        return found

    def reads_unknown(self, expression: str, variables: Mapping[str, str]) -> bool:
        """Whether an expression, or a variable it reads, names a field that nobody gave."""
        self._known_inputs()
        if self._pattern is None:
            return False
        if self._pattern.search(expression):
            return True
        return any(self._pattern.search(variables[name]) for name in needed([expression], variables))

    def explained(self, error: CelError) -> CelError:
        """An error that only stems from what nobody gave says so."""
        self._known_inputs()
        unknown = self._unknown or {}
        missing = error.missing
        if not missing and not error.kind and (match := _NO_KEY.fullmatch(error.message)):
            missing = match[1] if match[1] in unknown else ""
        if not missing:
            return error
        return replace(error, message=unknown.get(missing) or f"{missing} was not given", missing=missing)

    def _known_inputs(self) -> Mapping[str, Any]:
        if self._unknown is not None:
            return self._known
        unknown: dict[str, str] = {}
        paths: list[str] = []
        for name, value in self._inputs.items():
            if isinstance(value, Unknown) or value is UNBOUND:
                if isinstance(value, Unknown):
                    unknown[name] = value.what
                continue
            if isinstance(value, Opaque):
                unknown[name] = "only the runtime tree can ask the authorizer"
                continue
            for steps in _INSIDE.get(name, ()):
                value = _without_unknowns(value, steps, unknown, paths)
            self._known[name] = value
        self._unknown = unknown
        if paths:
            self._pattern = re.compile(rf"\b(?:{'|'.join(paths)})\b")
        return self._known


def _without_unknowns(value: Any, steps: tuple[str, ...], unknown: dict[str, str], paths: list[str]) -> Any:
    """The value without the `Unknown` fields of the mapping at `steps`; these are added to `unknown`, and as patterns to `paths`."""
    inner = value
    for step in steps:
        inner = inner.get(step) if isinstance(inner, dict) else None
    if not isinstance(inner, dict):
        return value
    fields = [key for key, one in inner.items() if isinstance(one, Unknown)]
    if not fields:
        return value
    for key in fields:
        unknown.setdefault(key, inner[key].what)
        paths.append(rf"{steps[-1] if steps else 'request'}\s*\.\s*\??{re.escape(key)}")
    kept: Any = {key: one for key, one in inner.items() if not isinstance(one, Unknown)}
    for step in reversed(steps):
        kept = {**value, step: kept}
    return kept
