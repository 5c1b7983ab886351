"""What a request makes use of: resource rules, with their operations and resources, and lists of containers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hostprocess.cel.marks import CONTAINER_LISTS
from hostprocess.inventory import Inventory
from hostprocess.kubernetes.kinds import template_path
from hostprocess.matching import resource_matches, rule_matches
from hostprocess.model import GroupVersionResource, MatchConstraints, Request, ResourceRule

__all__ = ["Hit", "container_lists", "hits", "may_be_ephemeral"]

Hit = tuple[str, int, str, int]
"""An element of a resource rule: `resourceRules` or `excludeResourceRules`, number of the rule, list (`operations`, `resources`) and place in it."""
_TEMPLATES: tuple[tuple[str, ...], ...] = ((), ("spec", "template"), ("spec", "jobTemplate", "spec", "template"), ("template",))
_PODS = ("pods", "pods/ephemeralcontainers", "pods/*", "*", "*/*")


def hits(constraints: MatchConstraints, request: Request, inventory: Inventory, *, excluded: bool) -> frozenset[Hit]:
    """What a request meets of the rules that match it, or exclude it."""
    name, rules = ("excludeResourceRules", constraints.exclude_resource_rules) if excluded else ("resourceRules", constraints.resource_rules)
    found = _met(name, rules, request, request.gvr)
    if not found and constraints.match_policy == "Equivalent":
        for resource, _, _ in inventory.equivalents(request.gvr, request.kind.kind):
            found |= _met(name, rules, request, resource)
    return found


def _met(name: str, rules: tuple[ResourceRule, ...], request: Request, resource: GroupVersionResource) -> frozenset[Hit]:
    return frozenset(
        hit for number, rule in enumerate(rules) if rule_matches(rule, request, resource) for hit in _elements(name, number, rule, request, resource)
    )


def _elements(name: str, number: int, rule: ResourceRule, request: Request, resource: GroupVersionResource) -> Iterator[Hit]:
    for place, operation in enumerate(rule.operations):
        if operation in ("*", request.operation):
            yield name, number, "operations", place
    for place, entry in enumerate(rule.resources):
        if resource_matches(entry, resource.resource, request.subresource):
            yield name, number, "resources", place


def container_lists(request: Request) -> set[str]:
    """The lists of containers in which the object of a request has some; of a deletion, the old object."""
    value: Any = request.object if isinstance(request.object, dict) else request.old_object
    if not isinstance(value, dict):
        return set()
    known = template_path(str(value.get("apiVersion", "")), str(value.get("kind", "")))
    for path in _TEMPLATES if known is None else (known,):
        spec = _below(value, (*path, "spec"))
        found = {name for name in CONTAINER_LISTS if isinstance(spec, dict) and spec.get(name)}
        if found:
            return found
    return set()


def _below(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def may_be_ephemeral(constraints: MatchConstraints) -> bool:
    """Whether any of the requests is about pods themselves: templates have no ephemeral containers."""
    return any({"", "*"} & set(rule.api_groups) and set(_PODS) & set(rule.resources) for rule in constraints.resource_rules)
