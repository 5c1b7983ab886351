"""A ValidatingPolicy of Kyverno as ValidatingAdmissionPolicies: itself, and what `autogen` makes of one about Pods for the workloads that hold them.

Source: github.com/kyverno/kyverno, pkg/cel/policies/vpol/autogen, pkg/cel/autogen, pkg/cel/libs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hostprocess.cel.nodes import Call, Ident, Node, children
from hostprocess.cel.parser import TooDeep, parse
from hostprocess.errors import PolicyError, suggestion
from hostprocess.kubernetes.location import locate
from hostprocess.policy_fields import API_VERSIONS
from hostprocess.suite.importers.reading import Manifest, Steps
from hostprocess.suite.model import JSONObject

__all__ = ["GROUP", "KIND", "Translated", "translated"]

GROUP, KIND = "policies.kyverno.io", "ValidatingPolicy"
_COPIED = ("failurePolicy", "matchConstraints", "matchConditions", "variables", "validations", "auditAnnotations")
_WITHOUT_EFFECT = ("validationActions", "autogen", "evaluation", "webhookConfiguration")  # on what expressions say
_EXPRESSIONS = ("expression", "messageExpression", "valueExpression")
# What Kyverno adds to CEL and Kubernetes does not have: objects, and functions without one.
_OBJECTS = frozenset({"resource", "http", "globalContext", "imageData", "images", "exceptions", "generator", "x509", "json", "yaml", "time", "math"})
_FUNCTIONS = frozenset({"image", "parseImageReference", "parseServiceAccount", "random", "sha1", "sha256", "md5", "toBundle", "listObjToMap"})
_MACROS = frozenset({"all", "exists", "exists_one", "existsOne", "filter", "map", "transformList", "transformMap", "bind"})  # with a name of their own
_WORKLOADS = {
    "daemonsets": ("apps", "DaemonSet"),
    "deployments": ("apps", "Deployment"),
    "replicasets": ("apps", "ReplicaSet"),
    "statefulsets": ("apps", "StatefulSet"),
    "jobs": ("batch", "Job"),
    "cronjobs": ("batch", "CronJob"),
}
_TEMPLATES = {"defaults": ("spec", "template"), "cronjobs": ("spec", "jobTemplate", "spec", "template")}
_POD_FIELD = re.compile(
    r"""
    (?P<skip> [rRbB]{0,2}(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*') | //[^\n]* )
    | (?P<whole> (?<![\w.])(?:object|oldObject)\s*\.\s*\??\s*metadata\s*\.\s*\??\s*(?:namespace|name)\b )
    | (?P<root> (?<![\w.])(?:object|oldObject) )\s*\.\s*(?P<mark>\??)\s*(?P<field>spec|metadata)\b
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Translated:
    """One of the policies: the object and its binding, and the kinds of workloads that it is about instead of Pods."""

    policy: JSONObject
    binding: JSONObject
    kinds: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The name of the policy."""
        return str(self.policy["metadata"]["name"])


def translated(manifest: Manifest) -> tuple[Translated, ...]:
    """The policies. Raises `PolicyError` with the line of what only Kyverno can evaluate."""
    found = manifest.object.get("spec")
    spec: JSONObject = found if isinstance(found, dict) else {}
    _check(manifest, spec)
    actions = spec.get("validationActions") or ["Deny"]
    body = {key: spec[key] for key in _COPIED if spec.get(key) is not None}
    if isinstance(body.get("validations"), list):
        body["validations"] = [_validation(one) for one in body["validations"]]
    name = manifest.resource.name
    made = [Translated(*_objects(name, body, actions))]
    for template, resources in _autogen(manifest, spec).items():
        kinds = frozenset(_WORKLOADS[one][1] for one in resources)
        made.append(Translated(*_objects(f"autogen-{template}-{name}", _for_workloads(body, template, resources), actions), kinds))
    return tuple(made)


def _objects(name: str, spec: JSONObject, actions: Sequence[str]) -> tuple[JSONObject, JSONObject]:
    metadata = {"name": name}
    policy = {"apiVersion": API_VERSIONS[0], "kind": "ValidatingAdmissionPolicy", "metadata": metadata, "spec": spec}
    bound = {"policyName": name, "validationActions": list(actions)}
    return policy, {"apiVersion": API_VERSIONS[0], "kind": "ValidatingAdmissionPolicyBinding", "metadata": metadata, "spec": bound}


def _validation(one: Any) -> Any:
    """One validation without Kyverno's identifier; messages of several lines are one line to the API server."""
    if not isinstance(one, dict):
        return one
    found = {key: value for key, value in one.items() if key != "identifier"}
    if isinstance(found.get("message"), str):
        found["message"] = " ".join(found["message"].split())
    return found


def _check(manifest: Manifest, spec: Mapping[str, Any]) -> None:
    """Raises `PolicyError` for what is Kyverno's own."""

    def refused(steps: Steps, why: str) -> PolicyError:
        return PolicyError(f"the ValidatingPolicy {manifest.resource.name!r} is not imported: {why}", path=manifest.path, line=_line(manifest, steps))

    for key in spec:
        if key not in (*_COPIED, *_WITHOUT_EFFECT):
            raise refused(("spec", key), f"spec.{key} has no counterpart in a ValidatingAdmissionPolicy")
    mode = (spec.get("evaluation") or {}).get("mode") or "Kubernetes"
    if mode != "Kubernetes":
        raise refused(("spec", "evaluation", "mode"), f"it judges {mode} payloads, no requests to Kubernetes")
    for steps, expression in _expressions(spec):
        if name := _own(expression):
            raise refused(("spec", *steps), f"{name} is of Kyverno's own CEL libraries; only native CEL can be evaluated here")


def _line(manifest: Manifest, steps: Steps) -> int:
    return locate(manifest.resource.origin, steps).line


def _expressions(spec: Mapping[str, Any]) -> Iterator[tuple[tuple[str, int, str], str]]:
    for key in ("matchConditions", "variables", "validations", "auditAnnotations"):
        given = spec.get(key)
        for index, one in enumerate(given if isinstance(given, list) else ()):
            for field in _EXPRESSIONS if isinstance(one, dict) else ():
                if isinstance(one.get(field), str):
                    yield (key, index, field), one[field]


def _own(expression: str) -> str:
    """What an expression uses of Kyverno's libraries; empty if it uses nothing of them."""
    try:
        parsed = parse(expression)
    except TooDeep:
        return ""  # told when it is compiled
    nodes = list(_all_nodes(parsed[0])) if parsed else []
    bound = {one.arguments[0].name for one in nodes if isinstance(one, Call) and one.function in _MACROS and isinstance(one.arguments[0], Ident)}
    for node in nodes:
        if isinstance(node, Call) and node.target is None and node.function in _FUNCTIONS:
            return f"{node.function}()"
        if isinstance(node, Call) and isinstance(node.target, Ident) and node.target.name in _OBJECTS - bound:
            return f"{node.target.name}.{node.function}()"
        if isinstance(node, Ident) and node.name in {"images", "exceptions"} - bound:
            return node.name
    return ""


def _all_nodes(node: Node) -> Iterator[Node]:
    todo = [node]
    while todo:
        yield (one := todo.pop())
        todo += children(one)


def _autogen(manifest: Manifest, spec: Mapping[str, Any]) -> dict[str, list[str]]:
    """The workloads that the policy is expanded to, by how they hold the pod."""
    controllers = ((spec.get("autogen") or {}).get("podControllers") or {}).get("controllers")
    wanted = list(_WORKLOADS) if controllers is None else controllers
    if unknown := [one for one in wanted if one not in _WORKLOADS]:
        line = _line(manifest, ("spec", "autogen", "podControllers", "controllers"))
        words = f"autogen: there are no controllers {unknown[0]!r}{suggestion(str(unknown[0]), _WORKLOADS)}; there are {', '.join(_WORKLOADS)}"
        raise PolicyError(words, path=manifest.path, line=line)
    if not _is_about_pods(spec.get("matchConstraints") or {}):
        return {}
    found: dict[str, list[str]] = {}
    for one in sorted(set(wanted)):
        found.setdefault("cronjobs" if one == "cronjobs" else "defaults", []).append(one)
    return dict(sorted(found.items(), reverse=True))


def _is_about_pods(match: Mapping[str, Any]) -> bool:
    """Whether a policy is about Pods and nothing else, without any selection: others are not expanded."""
    rules = match.get("resourceRules") or []
    selectors = [match.get(key) or {} for key in ("namespaceSelector", "objectSelector")]
    if match.get("excludeResourceRules") or len(rules) != 1 or any(one.get("matchLabels") or one.get("matchExpressions") for one in selectors):
        return False
    given = [rules[0].get(key) for key in ("apiGroups", "apiVersions", "resources")]
    return given == [[""], ["v1"], ["pods"]] and not rules[0].get("resourceNames")


def _for_workloads(body: JSONObject, template: str, resources: Sequence[str]) -> JSONObject:
    operations = body["matchConstraints"]["resourceRules"][0].get("operations")
    groups: dict[str, list[str]] = {}
    for one in resources:
        groups.setdefault(_WORKLOADS[one][0], []).append(one)
    rules = [{"apiGroups": [group], "apiVersions": ["v1"], "operations": operations, "resources": names} for group, names in groups.items()]
    found = {**body, "matchConstraints": {"resourceRules": rules}}
    for steps, expression in _expressions(body):
        key, index, field = steps
        if found[key] is body[key]:
            found[key] = [dict(one) for one in body[key]]
        found[key][index][field] = _rewritten(expression, _TEMPLATES[template])
    return found


def _rewritten(expression: str, template: Sequence[str]) -> str:
    """The expression about the pod in a workload. What names the object itself stays: a pod template has neither name nor namespace."""

    def replaced(match: re.Match[str]) -> str:
        if match["skip"] or match["whole"]:
            return match[0]
        dot = f".{match['mark']}"
        return "".join((match["root"], *(f"{dot}{step}" for step in (*template, match["field"]))))

    return _POD_FIELD.sub(replaced, expression)
