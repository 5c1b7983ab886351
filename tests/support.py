"""What several tests need: both runtimes, and short ways to make policies, requests and decisions."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from hostprocess.admission import request_for
from hostprocess.cel.celpy import CelpyRuntime
from hostprocess.cel.cpp import CppRuntime
from hostprocess.cel.runtime import Runtime
from hostprocess.cel.tree import TreeRuntime
from hostprocess.evaluate import Decisions, EvaluatePolicy, Evaluator
from hostprocess.inventory import Inventory
from hostprocess.model import Binding, MatchConstraints, Origin, Policy, Request, Resource, ResourceRule, Validation, Variable

REPOSITORY = Path(__file__).parent.parent
RUNTIMES: dict[str, Runtime] = {"cpp": CppRuntime(), "celpy": CelpyRuntime()}
ALL_RUNTIMES: dict[str, Runtime] = {**RUNTIMES, "tree": TreeRuntime()}
INPUTS = frozenset({"object", "oldObject", "request", "namespaceObject", "params"})
EVERYTHING = MatchConstraints(resource_rules=(ResourceRule(operations=("*",), api_groups=("*",), api_versions=("*",), resources=("*/*",)),))


def run(runtime: str, expression: str, variables: Mapping[str, str] | None = None, **inputs: Any) -> Any:
    """The value of an expression, or the `CelError`, on one runtime."""
    used = RUNTIMES[runtime]
    return used.compile(expression, variables or {}, INPUTS).evaluate(used.activation({"object": {}, **inputs}))


def resource(value: Mapping[str, Any]) -> Resource:
    """A resource that was read from a file with nothing else in it."""
    return Resource(object=dict(value), origin=Origin(path="test.yaml", text=yaml.safe_dump(dict(value))))


def pod(name: str = "p", namespace: str = "shop", labels: Mapping[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """A pod; a namespace that is empty is left out."""
    metadata: dict[str, Any] = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    if labels is not None:
        metadata["labels"] = dict(labels)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [{"name": "c", "image": "i:1"}], **spec}}


def namespace(name: str, **labels: str) -> dict[str, Any]:
    """A Namespace; label keys with underscores stand for those with dashes."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {key.replace("_", "-"): value for key, value in labels.items()}}}


def policy(*validations: str | Validation, name: str = "p", variables: Mapping[str, str] | None = None, **rest: Any) -> Policy:
    """A policy about everything, unless `match_constraints` says otherwise."""
    return Policy(
        name=name,
        match_constraints=rest.pop("match_constraints", EVERYTHING),
        validations=tuple(Validation(expression=one) if isinstance(one, str) else one for one in validations),
        variables=tuple(Variable(name=key, expression=text) for key, text in (variables or {}).items()),
        **rest,
    )


def binding(*actions: str, name: str = "b", policy_name: str = "p", **rest: Any) -> Binding:
    """A binding; `Deny` unless other actions are given."""
    return Binding(name=name, policy_name=policy_name, validation_actions=actions or ("Deny",), **rest)


def evaluator(
    policies: Policy | Sequence[Policy],
    bindings: Binding | Sequence[Binding] | None = None,
    *,
    inventory: Iterable[dict[str, Any]] = (),
    runtime: str = "cpp",
    show_all: bool = True,
    evaluate_policy: EvaluatePolicy | None = None,
) -> Evaluator:
    """An evaluator; every policy is bound with `Deny` unless bindings are given."""
    policies = [policies] if isinstance(policies, Policy) else policies
    if bindings is None:
        bindings = [binding(name=f"{one.name}-b", policy_name=one.name) for one in policies]
    bindings = [bindings] if isinstance(bindings, Binding) else bindings
    return Evaluator(policies, bindings, ALL_RUNTIMES[runtime], Inventory.of(inventory), show_all=show_all, evaluate_policy=evaluate_policy)


def decide(
    policies: Policy | Sequence[Policy], value: Mapping[str, Any], bindings: Binding | Sequence[Binding] | None = None, default_namespace: str = "", **rest: Any
) -> Decisions:
    """What policies decide about the creation of an object."""
    judge = evaluator(policies, bindings, **rest)
    return judge.decide(request_for(resource(value), judge.inventory, default_namespace))


def outcomes(decisions: Decisions) -> list[str]:
    """The outcomes of all decisions, those that pass last."""
    return [str(one.outcome) for one in (*decisions.findings, *decisions.passed)]


def request(value: Mapping[str, Any], inventory: Iterable[dict[str, Any]] = (), **fields: Any) -> Request:
    """The request that creates an object, with some of its fields changed."""
    return dataclasses.replace(request_for(resource(value), Inventory.of(inventory)), **fields)


# A pack of one's own.

PACK = """\
name: mine
version: "1.2.3"
targets: {kubernetes: "1.36", containerd: "2.0"}
matchConstraints:
  resourceRules:
    - {apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [pods]}
    - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}
bundles:
  base: {title: The base, default: true}
  extra: {title: More, default: false}
  limited: {title: With parameters, default: false, params: {apiVersion: v1, kind: ConfigMap, name: limits, namespace: config}}
variables:
  - {name: podTemplate, expression: "has(object.spec.template) ? object.spec.template : object"}
  - {name: podSpec, expression: "has(variables.podTemplate.spec) ? variables.podTemplate.spec : {}"}
  - {name: containers, expression: "has(variables.podSpec.containers) ? variables.podSpec.containers : []"}
  - {name: hostNetwork, expression: "has(variables.podSpec.hostNetwork) && variables.podSpec.hostNetwork == true"}
  - {name: named, expression: "variables.containers.filter(item, has(item.name))"}
  - {name: maximum, expression: "params != null && has(params.data) && 'max' in params.data ? int(params.data['max']) : 9"}
lists:
  containers: {paths: [spec.containers]}
  named: {of: containers, where: has(item.name), let: {label: string(item.name)}}
  ports: {of: containers, field: ports}
  portsOfNamed: {of: named, field: ports}
scopes:
  hostNetwork: has(template.spec.hostNetwork) && template.spec.hostNetwork == true
fixtures:
  pod: {apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {hostNetwork: true, containers: [{name: a}]}}
"""
RULE = """\
id: {id}
title: A title
severity: error
bundle: base
evidence: documented
enforced-by: []
status: stable
since: "0.1.0"
rationale: Because.
symptoms: []
references: [https://example.com/]
when: variables.hostNetwork
validations:
  - expression: size(variables.containers) < 2
    message: one container only
    path: spec.containers
remediation: {{safety: manual, text: Remove the others.}}
"""


def rule_text(name: str, *edits: tuple[str, str]) -> str:
    """A rule file; each edit replaces one text, which must be there, by another."""
    text = RULE.format(id=name)
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new)
    return text


def write_pack(folder: Path, rules: Mapping[str, str] | None = None, *edits: tuple[str, str]) -> str:
    """Writes a pack: `rules` is file name to text (default: one sound rule), `edits` are of pack.yaml."""
    text = PACK
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new)
    (folder / "pack.yaml").write_text(text)
    for name, rule in (rules if rules is not None else {"area/one-container.yaml": rule_text("one-container")}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(rule)
    return str(folder)
