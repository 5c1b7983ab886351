"""The mutants of what a policy or a binding matches, and of its selectors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hostprocess.model import MatchConstraints, ResourceRule
from hostprocess.mutation.source import written

__all__ = ["Matching", "matchings"]

Steps = tuple[str | int, ...]
_OPERATIONS = ("CREATE", "UPDATE", "DELETE", "CONNECT")
_OTHER = {"In": "NotIn", "NotIn": "In", "Exists": "DoesNotExist", "DoesNotExist": "Exists"}
_LISTS = (("operations", "operations"), ("resources", "resources"), ("api_groups", "apiGroups"), ("resource_names", "resourceNames"))


@dataclass(frozen=True, slots=True)
class Matching:
    """Changed constraints. `steps` lead to what was changed, below the constraints."""

    operator: str
    words: str
    steps: Steps
    before: str
    after: str
    constraints: MatchConstraints


def matchings(constraints: MatchConstraints) -> Iterator[Matching]:
    """All changes of what is matched."""
    rules = constraints.resource_rules
    for number, rule in enumerate(rules):
        at: Steps = ("resourceRules", number)
        if len(rules) > 1:
            left = replace(constraints, resource_rules=(*rules[:number], *rules[number + 1 :]))
            yield Matching("narrowed", "the resource rule was dropped", at, f"- {_rule(rule)}", "", left)
        for operator, words, key, before, after, new in _rules(rule):
            changed = replace(constraints, resource_rules=(*rules[:number], new, *rules[number + 1 :]))
            yield Matching(operator, words, (*at, key), before, after, changed)
    excluded = constraints.exclude_resource_rules
    for number, rule in enumerate(excluded):
        left = replace(constraints, exclude_resource_rules=(*excluded[:number], *excluded[number + 1 :]))
        yield Matching("widened", "the exception was dropped", ("excludeResourceRules", number), f"- {_rule(rule)}", "", left)
    for name, key in (("namespace_selector", "namespaceSelector"), ("object_selector", "objectSelector")):
        selector: Mapping[str, Any] = getattr(constraints, name) or {}
        for operator, words, steps, before, after, other in _selectors(selector):
            yield Matching(operator, words, (key, *steps), before, after, replace(constraints, **{name: other}))  # type: ignore[arg-type]
    other_policy = "Exact" if constraints.match_policy == "Equivalent" else "Equivalent"
    words = f"{constraints.match_policy} became {other_policy}"
    before, after = f"matchPolicy: {constraints.match_policy}", f"matchPolicy: {other_policy}"
    yield Matching("matchPolicy", words, ("matchPolicy",), before, after, replace(constraints, match_policy=other_policy))


def _rule(rule: ResourceRule) -> str:
    shown = {"apiGroups": rule.api_groups, "operations": rule.operations, "resources": rule.resources}
    return written(shown)


def _rules(rule: ResourceRule) -> Iterator[tuple[str, str, str, str, str, ResourceRule]]:
    for name, key in _LISTS:
        values: Sequence[str] = getattr(rule, name)
        operations = name == "operations"
        listed = _OPERATIONS if operations and "*" in values else values
        for one in listed if len(listed) > 1 else ():
            left = tuple(other for other in listed if other != one)
            kind = "operation" if operations else "narrowed"
            yield kind, f"{one!r} was dropped", key, *_shown(key, values, left), replace(rule, **{name: left})  # type: ignore[arg-type]
        wide: tuple[str, ...] = () if name == "resource_names" else ("*/*",) if name == "resources" else ("*",)
        if values and not {"*", "*/*"}.intersection(values):
            words = f"all {key} are matched"
            yield "widened", words, key, *_shown(key, values, wide), replace(rule, **{name: wide})  # type: ignore[arg-type]
    if rule.scope != "*":
        yield "widened", f"{rule.scope} became *", "scope", f"scope: {rule.scope}", 'scope: "*"', replace(rule, scope="*")


def _shown(key: str, before: Sequence[str], after: Sequence[str]) -> tuple[str, str]:
    return written({key: before}), written({key: after})


def _selectors(selector: Mapping[str, Any]) -> Iterator[tuple[str, str, Steps, str, str, Mapping[str, Any]]]:
    labels: Mapping[str, str] = selector.get("matchLabels") or {}
    expressions: Sequence[Mapping[str, Any]] = selector.get("matchExpressions") or ()
    for label, value in labels.items():
        left = {name: one for name, one in labels.items() if name != label}
        yield "widened", f"the label {label} was dropped", ("matchLabels", label), f"{label}: {value}", "", {**selector, "matchLabels": left}
    for number, one in enumerate(expressions):
        others = [*expressions[:number], *expressions[number + 1 :]]
        at: Steps = ("matchExpressions", number)
        yield "widened", "the requirement was dropped", at, f"- {written(one)}", "", {**selector, "matchExpressions": others}
        turned = {**one, "operator": _OTHER.get(str(one.get("operator")), "")}
        if turned["operator"]:
            changed = [*expressions[:number], turned, *expressions[number + 1 :]]
            words = f"{one['operator']} became {turned['operator']}"
            yield "narrowed", words, at, f"- {written(one)}", f"- {written(turned)}", {**selector, "matchExpressions": changed}
        for value in one.get("values") or () if len(one.get("values") or ()) > 1 else ():
            less = {**one, "values": [other for other in one["values"] if other != value]}
            changed = [*expressions[:number], less, *expressions[number + 1 :]]
            yield "element", f"{value!r} was dropped", at, f"- {written(one)}", f"- {written(less)}", {**selector, "matchExpressions": changed}
