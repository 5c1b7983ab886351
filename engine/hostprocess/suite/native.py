"""The native suite format: reads `*.test.yaml` and runs its cases on a runtime."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hostprocess.admission import request_for
from hostprocess.cel.runtime import Runtime
from hostprocess.compile import compile_pack, select_rules
from hostprocess.errors import InputError, PolicyError
from hostprocess.evaluate import Decisions, Evaluator
from hostprocess.inventory import Inventory
from hostprocess.kubernetes import json_text
from hostprocess.kubernetes.location import locate
from hostprocess.kubernetes.reader import read_piece
from hostprocess.model import Decision, InputProblem, Origin, Outcome, Policy, Resource, Rule, Targets
from hostprocess.rules import Pack, suite_path
from hostprocess.schema import fault_at, load_checked
from hostprocess.suite.edit import edited, wrapped

__all__ = ["Case", "Failure", "Suite", "decisions_of", "load_suite", "resource_of", "run_case"]

_STRENGTH = (Outcome.SKIP, Outcome.ALLOW, Outcome.AUDIT, Outcome.WARN, Outcome.DENY, Outcome.UNKNOWN, Outcome.ERROR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case: an object, what it is judged with, and what is expected. `raw` holds the keys of the file."""

    name: str
    object: dict[str, Any]
    raw: Mapping[str, Any]
    path: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """The cases of one rule."""

    rule: str
    cases: tuple[Case, ...]
    path: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a case failed: what was expected and what came, and every decision of the rule."""

    case: Case
    message: str
    decisions: tuple[Decision, ...]

    def __str__(self) -> str:
        lines = [f"{self.case.path}:{self.case.line}: case {self.case.name!r}: {self.message}"]
        lines += [f"    {one.outcome}: {one.message}" + (f"  at {', '.join(one.fields)}" if one.fields else "") for one in self.decisions]
        return "\n".join(lines)


def load_suite(pack: Pack, rule: Rule) -> Suite:
    """The suite beside a rule. Raises `PolicyError` with the line for what is missing or not valid."""
    path = suite_path(rule)
    try:
        text = Path(path).read_text("utf-8")
    except OSError as error:
        raise PolicyError(f"the rule {rule.id} has no readable suite: {error.strerror}", path=path) from None
    raw = load_checked(text, path, "suite")
    if raw["rule"] != rule.id:
        raise fault_at(text, path, ("rule",), f"must be {rule.id!r}, the rule that the file lies beside")
    cases: dict[str, Case] = {}
    for index, one in enumerate(raw["cases"]):
        if one["name"] in cases:
            raise fault_at(text, path, ("cases", index), f"the name {one['name']!r} is given to two cases")
        try:
            value = _object(pack, raw, one)
        except ValueError as error:
            raise fault_at(text, path, ("cases", index), str(error)) from None
        line = locate(Origin(path=path, text=text), ("cases", index)).line
        cases[one["name"]] = Case(name=one["name"], object=value, raw=one, path=path, line=line)
    return Suite(rule=rule.id, cases=tuple(cases.values()), path=path)


def _object(pack: Pack, suite: Mapping[str, Any], case: Mapping[str, Any]) -> dict[str, Any]:
    base = case.get("object") or case.get("base") or suite.get("base")
    if isinstance(base, str):
        if base not in pack.fixtures:
            raise ValueError(f"base: there is no fixture {base!r}; pack.yaml has {', '.join(pack.fixtures)}")
        base = pack.fixtures[base]
    if base is None:
        raise ValueError("neither the case nor the suite has a base or an object")
    value = edited(base, case.get("unset", ()), case.get("set", {}), case.get("edit", ""))
    result: dict[str, Any] = wrapped(value, case["wrap"]) if "wrap" in case else value
    return result


def resource_of(value: dict[str, Any], path: str) -> Resource:
    """Reads an object as a manifest that holds it would be read. Raises `InputError`."""
    # Not YAML: PyYAML writes the string "n" without quotes, which Kubernetes reads as false.
    parts = iter([json.dumps(value, ensure_ascii=False)])
    item = next(json_text.read(lambda size: next(parts, ""), path))
    resource = next(read_piece("json", path, item))
    if isinstance(resource, InputProblem):
        raise InputError(resource.message, path=path)
    return resource


def run_case(pack: Pack, rule: Rule, case: Case, runtime: Runtime) -> Failure | None:
    """Runs one case; None means that all is as expected."""
    try:
        decisions = decisions_of(pack, rule, case, runtime)
    except InputError as error:
        return Failure(case, f"the object of the case is refused on reading: {error.message}", ())
    problem = next(_differences(case.raw, decisions), None)
    return Failure(case, problem, decisions) if problem else None


def decisions_of(pack: Pack, rule: Rule, case: Case, runtime: Runtime) -> tuple[Decision, ...]:
    """All decisions of the rule on the object of a case. Raises `InputError` for an object that a manifest could not hold."""
    resource = resource_of(case.object, case.path)
    raw = case.raw
    targets = Targets(kubernetes=raw.get("kubernetes", pack.kubernetes), containerd=raw.get("containerd", pack.containerd))
    decisions = _decide(pack, rule, targets, raw, resource, runtime)
    return tuple(one for one in (*decisions.findings, *decisions.passed) if one.rule in (rule.id, ""))


def _decide(pack: Pack, rule: Rule, targets: Targets, raw: Mapping[str, Any], resource: Resource, runtime: Runtime) -> Decisions:
    selected = select_rules(pack, targets, select=[rule.id])
    policies, bindings = compile_pack(pack, selected, targets)
    inventory = Inventory.of([*raw.get("inventory", ()), *_namespace(raw), *_params(raw, policies)])
    if "params" in raw and raw["params"] is None:
        bindings = [type(one)(name=one.name, policy_name=one.policy_name, validation_actions=one.validation_actions) for one in bindings]
    name = raw.get("namespace", "")
    request = request_for(resource, inventory, name if isinstance(name, str) else name.get("metadata", {}).get("name", ""), raw.get("operation", "CREATE"))
    request = replace(request, subresource=raw.get("subresource", ""), user_info=raw.get("userInfo", request.user_info))
    if "oldObject" in raw or request.operation == "UPDATE":
        request = replace(request, old_object=raw.get("oldObject"))
    return Evaluator(policies, bindings, runtime, inventory, show_all=True).decide(request)


def _namespace(raw: Mapping[str, Any]) -> list[dict[str, Any]]:
    namespace = raw.get("namespace")
    if isinstance(namespace, str):
        return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}]
    return [namespace] if namespace else []


def _params(raw: Mapping[str, Any], policies: list[Policy]) -> Iterator[dict[str, Any]]:
    """The parameter object of a case; its kind and name need not be written where the rule's bundle fixes them."""
    value = raw.get("params")
    for policy in policies if value else ():
        if policy.param_kind:
            yield {"apiVersion": policy.param_kind.api_version, "kind": policy.param_kind.kind, **_named(value or {})}


def _named(value: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": "hostprocess-access", "namespace": "hostprocess-policies", **value.get("metadata", {})}
    return {**value, "metadata": metadata}


def _differences(raw: Mapping[str, Any], decisions: tuple[Decision, ...]) -> Iterator[str]:
    expected = Outcome(raw["expect"])
    outcome = max((one.outcome for one in decisions), key=_STRENGTH.index, default=Outcome.SKIP)
    if outcome is not expected:
        yield f"expected {expected}, got {outcome}"
    failing = [one for one in decisions if one.outcome not in (Outcome.ALLOW, Outcome.SKIP)]
    if "message" in raw and not any(raw["message"] in one.message for one in decisions):
        yield f"no message holds {raw['message']!r}"
    if "failures" in raw and len(failing) != raw["failures"]:
        yield f"expected {raw['failures']} failing validations, got {len(failing)}"
    if "field" in raw and not any(one.fields[:1] == (raw["field"],) for one in failing):
        yield f"no finding points at {raw['field']}"
    if "fields" in raw and not any(list(one.fields) == raw["fields"] for one in failing):
        yield f"no finding names exactly the fields {', '.join(raw['fields'])}"
