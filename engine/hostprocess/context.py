"""One request with its values in CEL: what each phase of an evaluation sees, on each runtime."""

from __future__ import annotations

import marshal
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from hostprocess.cel.runtime import UNBOUND, Activation, CelError, Runtime
from hostprocess.cel.values import Opaque
from hostprocess.model import Request, Unknown

__all__ = ["Context", "Phase"]

_NO_KEY = re.compile(r"no such key: (\w+)")
# validator.go leaves the authorizer out of the last two phases, though audit annotations may name it.
_NO_AUTHORIZER = {"authorizer": UNBOUND, "authorizer.requestResource": UNBOUND}


class Context:
    """A request (with one parameter object) and its inputs; `known_conditions` are values of matchConditions by their text,
    of those that read no parameters. `details`: whether the fields of findings are wanted."""

    def __init__(self, inputs: Mapping[str, Any], request: Request, conditions_request: Mapping[str, Any] | None = None, *, details: bool = True) -> None:
        self.inputs = inputs
        self.request = request
        self.details = details
        self.known_conditions: dict[str, Any] = {}
        self._conditions_request = conditions_request
        self._main: Phase | None = None
        self._condition_phase: Phase | None = None

    def with_params(self, params: Any) -> Context:
        """The same request with a parameter object, null, or an `Unknown`."""
        with_params = Context({**self.inputs, "params": params}, self.request, self._conditions_request, details=self.details)
        with_params.known_conditions = self.known_conditions
        return with_params

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
        self._paths: set[str] = set()

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

    @property
    def unknown_fields(self) -> re.Pattern[str] | None:
        """What tests the presence of a field that nobody gave, in an expression; None if there is no such field."""
        self._known_inputs()
        return _pattern(tuple(sorted(self._paths))) if self._paths else None

    def unknown_field(self, name: str) -> CelError:
        """The error of reading what `unknown_fields` has found by this name."""
        return CelError((self._unknown or {}).get(name) or f"{name} was not given", missing=name)

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
        for name, value in self._inputs.items():
            if isinstance(value, Unknown):
                unknown[name] = value.what
            elif isinstance(value, Opaque):
                unknown[name] = "only the runtime tree can ask the authorizer"
            elif value is not UNBOUND:
                self._known[name] = self._without_unknowns(value, name, unknown)
        self._unknown = unknown
        return self._known

    def _without_unknowns(self, value: Any, parent: str, unknown: dict[str, str]) -> Any:
        """The value without the `Unknown` fields in it, the very same if there are none; takes up what they are."""
        if isinstance(value, dict):
            changed: dict[str, Any] = {}
            for key, one in value.items():
                if isinstance(one, Unknown):
                    unknown.setdefault(key, one.what)
                    self._paths.add(f"{parent}.{key}")
                    changed[key] = one
                elif isinstance(one, dict | list) and not _is_plain(one):
                    kept = self._without_unknowns(one, key, unknown)
                    if kept is not one:
                        changed[key] = kept
            return {key: changed.get(key, one) for key, one in value.items() if not isinstance(one, Unknown)} if changed else value
        if isinstance(value, list):
            items = [self._without_unknowns(one, parent, unknown) for one in value]
            return items if any(kept is not one for kept, one in zip(items, value, strict=True)) else value
        return value


def _is_plain(value: dict[str, Any] | list[Any]) -> bool:
    """Whether there is nothing but JSON in it, told faster than by a walk: `marshal` takes nothing else."""
    try:
        marshal.dumps(value)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=256)
def _pattern(paths: tuple[str, ...]) -> re.Pattern[str]:
    """Finds too much rather than too little: a field may be read by way of a variable, which has another name than its parent.

    A plain read needs no finding: it is an error that says what is missing. The tests of presence would say no.
    """
    keys = "|".join(sorted({re.escape(path.rpartition(".")[2]) for path in paths}))
    within = r"(?:[^()]|\([^()]*\))*"
    tests = (rf"\bhas\s*\({within}\.\s*(?P<tested>{keys})\s*\)", rf"\.\s*\?\s*(?P<optional>{keys})\b", rf"['\"](?P<quoted>{keys})['\"]")
    return re.compile("|".join(tests))
