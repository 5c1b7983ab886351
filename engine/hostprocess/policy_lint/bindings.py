"""Advice about policies and bindings together: what the API server accepts though it does nothing, or not what is meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hostprocess.cel.runtime import NEWEST
from hostprocess.kubernetes.catalogue import kind_of, kinds
from hostprocess.kubernetes.location import locate
from hostprocess.kubernetes.served import not_served
from hostprocess.model import Resource
from hostprocess.policy_lint.findings import finding
from hostprocess.policy_lint.report import Finding

__all__ = ["binding_advice"]

JSONObject = Mapping[str, Any]
_BINDING = "ValidatingAdmissionPolicyBinding"
_POLICY = "ValidatingAdmissionPolicy"


def binding_advice(judged: Sequence[Resource], known: Sequence[JSONObject], kubernetes: str = NEWEST) -> Iterator[Finding]:
    """Findings about the policies and bindings in `judged`, for a release; `known` are other objects of the cluster."""
    objects = [*(one.object for one in judged), *known]
    policies = {_name(one): one for one in objects if one.get("kind") == _POLICY}
    bindings = [one for one in objects if one.get("kind") == _BINDING]
    bound = {_policy_name(one) for one in bindings}
    first: dict[tuple[str, str], Resource] = {}
    for resource in judged:
        other = first.setdefault((resource.kind, resource.name), resource)
        if other is not resource and _name(resource.object):
            at = locate(other.origin, ()).line
            words = f"{other.origin.path}:{at} has a {resource.kind} of this name too; the cluster keeps only one"
            yield _advice(resource, ("metadata", "name"), "duplicate-name", words)
        if resource.kind == _POLICY:
            if _name(resource.object) and resource.name not in bound:
                yield _advice(resource, ("metadata", "name"), "no-binding", f"no binding names the policy {resource.name!r}; without one it does nothing")
            yield from _variable_advice(resource)
            yield from _kind_advice(resource, known, kubernetes)
            continue
        name = _policy_name(resource.object)
        if name and name not in policies:
            yield _advice(resource, ("spec", "policyName"), "missing-policy", f"there is no policy {name!r} here; the API server ignores such a binding")
        elif name:
            yield from _param_advice(resource, policies[name])


def _variable_advice(policy: Resource) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, one in enumerate(_list(_spec(policy.object).get("variables"))):
        name = one.get("name") if isinstance(one, Mapping) else None
        if isinstance(name, str) and name in seen:
            words = f"the variable {name!r} is defined twice: `kubectl create` lets it pass, and the last one counts; server-side apply refuses it"
            yield _advice(policy, ("spec", "variables", index, "name"), "duplicate-variable", words)
        seen.add(str(name))


def _kind_advice(policy: Resource, known: Sequence[JSONObject], kubernetes: str) -> Iterator[Finding]:
    """A paramKind that no API server has, or that none of the CustomResourceDefinitions defines (policy_source.go)."""
    kind = _spec(policy.object).get("paramKind")
    version, name = (kind.get("apiVersion"), kind.get("kind")) if isinstance(kind, Mapping) else (None, None)
    if not isinstance(version, str) or not isinstance(name, str) or not version or not name:
        return
    group = version.rpartition("/")[0]
    words = "the API server denies all that the policy matches (with failurePolicy Ignore: it does nothing)"
    definitions = [_spec(one) for one in known if one.get("kind") == "CustomResourceDefinition"]
    if group in {one.group for one in kinds(kubernetes).values()}:
        found = kind_of(version, name, kubernetes)
        if found is None or not found.resource:
            hint = not_served(version, name, kubernetes).partition("; ")[2]
            yield finding(policy, ("spec", "paramKind"), "unknown-param-kind", "warning", f"there is no {version} {name}: {words}", hint=hint)
    elif definitions and not any(one.get("group") == group and (one.get("names") or {}).get("kind") == name for one in definitions):
        hint = "give the CustomResourceDefinition with --inventory, if there is one"
        message = f"none of the CustomResourceDefinitions defines {version} {name}: without one {words}"
        yield finding(policy, ("spec", "paramKind"), "unknown-param-kind", "warning", message, hint=hint)


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _param_advice(binding: Resource, policy: JSONObject) -> Iterator[Finding]:
    takes, gives = _spec(policy).get("paramKind"), _spec(binding.object).get("paramRef")
    if takes and not gives:
        words = f"the policy {_name(policy)!r} has a paramKind, but this binding has no paramRef: `params` is null"
        yield _advice(binding, ("spec",), "no-param-ref", words)
    if gives and not takes:
        words = f"the policy {_name(policy)!r} has no paramKind: this paramRef is ignored"
        yield _advice(binding, ("spec", "paramRef"), "no-param-kind", words)


def _advice(resource: Resource, steps: tuple[str | int, ...], check: str, message: str) -> Finding:
    return finding(resource, steps, check, "warning", message)


def _policy_name(binding: JSONObject) -> str:
    name = _spec(binding).get("policyName")
    return name if isinstance(name, str) else ""


def _spec(value: JSONObject) -> JSONObject:
    spec = value.get("spec")
    return spec if isinstance(spec, Mapping) else {}


def _name(value: JSONObject) -> str:
    metadata = value.get("metadata")
    return str(metadata.get("name") or "") if isinstance(metadata, Mapping) else ""
