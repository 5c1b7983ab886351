"""kyverno-test.yaml, for ValidatingAdmissionPolicies and for ValidatingPolicies of native CEL.

Its runner calls a row passed whatever it says if no rule answers ("Excluded"), and takes all resources where it finds none of those that a row names.
Neither is copied: the first is vacuous, the second an error.
Source: github.com/kyverno/kyverno, cmd/cli/kubectl-kyverno (apis/v1alpha1, commands/test), pkg/admissionpolicy/validate.go.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hostprocess.cel.runtime import NEWEST
from hostprocess.errors import PolicyError, raise_all, suggestion
from hostprocess.kubernetes.catalogue import kind_of
from hostprocess.kubernetes.kinds import group_version
from hostprocess.model import Outcome, Policy, Resource
from hostprocess.policy import POLICY_KIND
from hostprocess.suite.formats import SuiteFormat
from hostprocess.suite.importers.imported import (
    FAILS,
    ImportedSuite,
    known_namespaces,
    looks_at_namespaces,
    namespace_of,
    placed,
    subject_of,
    words_of,
)
from hostprocess.suite.importers.kyverno_policies import Policies
from hostprocess.suite.importers.kyverno_values import Values, read_user, read_values
from hostprocess.suite.importers.reading import Manifest, Manifests, Source, Steps, by_name, list_of, mapping, read_source, text, unique
from hostprocess.suite.load import Loader
from hostprocess.suite.model import Case, Expected, JSONObject, Setting, Suite, Unasked

__all__ = ["KYVERNO"]

_TOOL = "kyverno"
_FILES = ("kyverno-test.yaml", "kyverno-test.yml")
_GROUP_LINE = re.compile(r"""^apiVersion:[ \t]*["']?cli\.kyverno\.io/""", re.MULTILINE)
_KIND_LINE = re.compile(r"""^kind:[ \t]*["']?Test\b""", re.MULTILINE)
_RESULTS_LINE = re.compile(r"^(?:results|policies)[ \t]*:", re.MULTILINE)
_RESULTS = {"pass": (Outcome.ALLOW,), "fail": FAILS, "skip": (Outcome.SKIP,), "warn": (Outcome.WARN,), "error": (Outcome.ERROR,)}
_NATIVE = ("isValidatingAdmissionPolicy", "isValidatingPolicy")
_OTHERS = {
    "isMutatingAdmissionPolicy": "mutations are not evaluated here",
    "isMutatingPolicy": "mutations are not evaluated here",
    "isGeneratingPolicy": "nothing is generated here",
    "isDeletingPolicy": "nothing is deleted here",
    "isImageValidatingPolicy": "images are not fetched here",
    "isNamespacedValidatingPolicy": "policies of a namespace have no counterpart in Kubernetes",
    "isNamespacedMutatingPolicy": "mutations are not evaluated here",
    "isNamespacedGeneratingPolicy": "nothing is generated here",
    "isNamespacedDeletingPolicy": "nothing is deleted here",
    "isNamespacedImageValidatingPolicy": "images are not fetched here",
}
_MADE = {
    "patchedResource": "mutations are not evaluated here",
    "patchedResources": "mutations are not evaluated here",
    "generatedResource": "nothing is generated here",
    "generatedResources": "nothing is generated here",
    "cloneSourceResource": "nothing is generated here",
}
_OPERATION = {"type": "string", "enum": ["CREATE", "UPDATE", "DELETE", "CONNECT"]}
_RESULT = {"type": "string", "enum": list(_RESULTS)}
_ANY: Mapping[str, Any] = {}
_FLAG = {"type": "boolean"}
_SPEC = mapping(group={"type": "string"}, version={"type": "string"}, kind=text, namespace={"type": "string"}, subresource={"type": "string"}, name=text)
_ROW = mapping(
    ("policy",),
    policy=text,
    rule={"type": "string"},
    kind={"type": "string"},
    namespace={"type": "string"},
    resource=text,
    resources=list_of(text),
    resourceSpecs=list_of(_SPEC),
    operation=_OPERATION,
    resourceOperation=_OPERATION,
    result=_RESULT,
    status=_RESULT,
    failOnMissingResources=_FLAG,
    **dict.fromkeys((*_NATIVE, *_OTHERS), _FLAG),
    **dict.fromkeys(_MADE, _ANY),
)
_ELSEWHERE = {
    "exceptions": "PolicyExceptions are not evaluated here: what they exempt would fail",
    "checks": "`checks` are assertions about answers of Kyverno's engine",
    "jsonPayload": "payloads are no requests to Kubernetes",
    "jsonPayloads": "payloads are no requests to Kubernetes",
    "httpPayloads": "payloads are no requests to Kubernetes",
    "envoyPayloads": "payloads are no requests to Kubernetes",
}
# Native CEL cannot read the last three.
_SCHEMA = mapping(
    ("policies",),
    apiVersion=text,
    kind=text,
    metadata={"type": "object"},
    name=text,
    policies=list_of(text, 1),
    resources=list_of(text),
    oldResources=list_of(text),
    targetResources=list_of(text),
    paramResources=list_of(text),
    clusterResources=list_of(text),
    variables=text,
    values={"type": "object"},
    userinfo=text,
    results=list_of(_ROW),
    **dict.fromkeys(_ELSEWHERE, _ANY),
    **dict.fromkeys(("context", "apiCallResponses", "globalContextEntries"), _ANY),
)


def _recognises(path: str, content: str) -> bool:
    if os.path.basename(path) in _FILES and _RESULTS_LINE.search(content):
        return True
    return "cli.kyverno.io" in content and _GROUP_LINE.search(content) is not None and _KIND_LINE.search(content) is not None


def _load(path: str, content: str, loader: Loader) -> Suite:
    source = read_source(path, content, _SCHEMA)
    errors = [source.fault((key,), why) for key, why in _ELSEWHERE.items() if source.value.get(key)]
    if "exceptions" in source.value or not source.value.get("results"):
        raise_all(errors)
        raise source.fault((), "tests nothing: there are no results")
    return _Import(source).suite(errors)


@dataclass(slots=True)
class _Import:
    """One file on its way to a suite."""

    source: Source
    manifests: Manifests = field(default_factory=Manifests)
    policies: Policies = field(default_factory=Policies)
    names: set[str] = field(default_factory=set)
    comments: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def suite(self, errors: list[PolicyError]) -> Suite:
        """The suite, with what is wrong in it; raises `PolicyError` if nothing is left."""
        source = self.source
        for one in self._named("policies"):
            self.policies.add(one)
        world = self._world()
        cases: list[Case] = []
        told: set[str] = set()
        for index, row in enumerate(source.value["results"]):
            steps: Steps = ("results", index)
            try:
                self._check(steps, row, told)
                for at, one, subresource in world.resources_of(steps, row, errors):
                    case = world.case(steps, at, row, one, subresource, self.policies)
                    name = unique(case.name, self.names)
                    self.comments[name] = source.comment(at) or (source.comment(steps) if at[-1] == 0 else ())
                    cases.append(replace(case, name=name, raw={"name": name, **case.raw}))
            except PolicyError as error:
                errors.append(error)
        shown = [error for error in errors if error.message]
        if not cases:
            raise_all(shown)
        policies = self.policies
        bindings = [*policies.bindings, *(binding for _, binding, _ in policies.made.values())]
        wanted = {case.expected.only for case in cases if isinstance(case.expected, Expected)}
        tested = [policy for policy in policies.policies if policy.name in wanted]
        subject = subject_of(os.path.basename(source.path), tested, bindings, policies.objects)
        return ImportedSuite(
            subject=subject,
            cases=tuple(cases),
            path=source.path,
            errors=tuple(shown),
            tool=_TOOL,
            parts=tuple(map(policies.part, tested)),
            head=source.head(),
            comments=self.comments,
        )

    def _named(self, key: str) -> list[Manifest]:
        return self.manifests.named(self.source, (key,), self.source.value.get(key, ()))

    def _world(self) -> _World:
        source = self.source
        values = read_values(source)
        cluster = [one for index, name in enumerate(source.value.get("clusterResources", ())) for one in self._cluster(("clusterResources", index), name)]
        resources = self._named("resources")
        params = self._named("paramResources")
        return _World(
            source=source,
            resources=resources,
            named=by_name(resources),
            stored={one.key: one for one in self._named("oldResources")},
            params=[*params, *resources, *cluster],
            cluster=[one.object for one in cluster if one.resource.kind != "Namespace"],
            namespaces={**known_namespaces([*resources, *cluster]), **values.namespaces},
            values=values,
            user=read_user(source),
        )

    def _cluster(self, steps: Steps, name: str) -> Iterator[Manifest]:
        """The objects and the CustomResourceDefinitions of a ClusterResource."""
        for one in self.manifests.of(self.source, steps, name):
            found = one.object.get("spec")
            spec = found if one.resource.kind == "ClusterResource" and isinstance(found, dict) else None
            if spec is None:
                raise self.source.fault(steps, f"{name} is no ClusterResource")
            for crd in spec.get("crds") or ():
                yield from self.manifests.of(self.source, steps, str(crd))
            yield from (Manifest(Resource(object=value, origin=one.resource.origin)) for value in spec.get("resources") or () if isinstance(value, dict))

    def _check(self, steps: Steps, row: Mapping[str, Any], told: set[str]) -> None:
        """Raises `PolicyError` for a row that cannot be imported; one for each policy, whatever the number of its rows."""
        refused = [key for key in (*_OTHERS, *_MADE) if row.get(key)]
        if refused:
            raise self.source.fault((*steps, refused[0]), {**_OTHERS, **_MADE}[refused[0]])
        if "result" not in row and "status" not in row:
            raise self.source.fault(steps, "says no result: pass, fail or skip")
        name = row["policy"].rpartition("/")[2]
        policies = self.policies
        if name in policies.refused:
            if name in told:
                raise PolicyError("")
            told.add(name)
            several = sum(one["policy"].rpartition("/")[2] == name for one in self.source.value["results"])
            rows = f" ({several} rows)" if several > 1 else ""
            raise self.source.fault((*steps, "policy"), f"the rows of {name!r} are not imported{rows}: {policies.refused[name]}")
        known = [*policies.translated, *(one.name for one in policies.native)]
        if name not in known:
            there = f"; there are {', '.join(known)}" if known else ""
            raise self.source.fault((*steps, "policy"), f"there is no policy {name!r} in these files{suggestion(name, known)}{there}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _World:
    """What rows are judged in."""

    source: Source
    resources: list[Manifest]
    named: Mapping[str, list[Manifest]]
    stored: Mapping[tuple[str, str, str, str], Manifest]
    params: list[Manifest]
    cluster: list[JSONObject]
    namespaces: Mapping[str, JSONObject]
    values: Values
    user: JSONObject

    def resources_of(self, steps: Steps, row: Mapping[str, Any], errors: list[PolicyError]) -> Iterator[tuple[Steps, Manifest, str]]:
        """The objects that a row means, with the place that names them and a subresource; `errors` takes up what it names and is not there."""
        names = row.get("resources") or ([row["resource"]] if "resource" in row else [])
        kind = {"kind": row["kind"]} if row.get("kind") else {}  # Kyverno has not always looked at it
        wanted = [((*steps, "resources", index) if "resources" in row else (*steps, "resource"), {"name": name, **kind}) for index, name in enumerate(names)]
        wanted += [((*steps, "resourceSpecs", index), one) for index, one in enumerate(row.get("resourceSpecs", ()))]
        for at, query in wanted or [(steps, kind)]:
            among = self.named.get(query["name"].rpartition("/")[2], ()) if "name" in query else self.resources
            found = [one for one in among if _is_meant(one, query)]
            if not found:
                errors.append(self.source.fault(at, self._absent(query)))
            yield from ((at, one, query.get("subresource", "")) for one in self._distinct(at, found))

    def _absent(self, query: Mapping[str, str]) -> str:
        """That there is no such object, and what there is of the name."""
        name = query.get("name", "")
        found = [f"{one.resource.kind} {_full_name(one)}" for one in self.named.get(name.rpartition("/")[2], ())]
        others = f"; of this name there is {' and '.join(found)}" if found else _like(query, [one.resource.name for one in self.resources])
        rest = ", ".join(f"{key} {value}" for key, value in query.items() if key not in ("name", "kind"))
        return (
            f"there is no {query.get('kind', 'object')} {repr(name) if name else ''}{f' ({rest})' if rest else ''}".rstrip()
            + f" in the files of `resources`{others}"
        )

    def _distinct(self, at: Steps, found: list[Manifest]) -> Iterator[Manifest]:
        """Each object once. Raises `PolicyError` for two that differ under one name."""
        seen: dict[tuple[str, ...], Manifest] = {}
        for one in found:
            first = seen.setdefault(one.key, one)
            if first is one:
                yield one
            elif first.object != one.object:
                raise self.source.fault(at, f"{one.resource.kind} {one.resource.name} is there twice, in {first.place} and {one.place}, and they differ")

    def case(self, steps: Steps, at: Steps, row: Mapping[str, Any], one: Manifest, subresource: str, policies: Policies) -> Case:
        """The case of one object of a row."""
        kind, name = one.resource.kind, one.resource.name
        if kind in self.values.subresource_kinds and not subresource:
            raise self.source.fault(at, f"{kind} {name} is sent to a subresource, as the values say: that is not understood, give it in `resourceSpecs`")
        policy = policies.chosen(row, kind)
        if policy is None:
            raise self.source.fault((*steps, "policy"), f"there is no {POLICY_KIND} {row['policy']!r} in these files")
        operation = row.get("operation") or row.get("resourceOperation") or self.values.operation(row["policy"].rpartition("/")[2], name)
        if operation == "CONNECT":
            raise self.source.fault(steps, "what a connection sends is not given by a resource")
        # Where no other is given, Kyverno takes the object for the stored one too.
        old = self.stored.get(one.key, one)
        of_namespace = namespace_of(one.object, self.namespaces)
        params = self._params(policy)
        words = words_of(policy)
        setting = Setting(
            operation=operation,
            subresource=subresource,
            old_object=old.object if operation == "UPDATE" else None,
            user_info=self.user,
            namespace=of_namespace,
            params=params,
            inventory=tuple(self.cluster),
            raw=True,
        )
        raw = {
            "object": one,
            **({} if operation == "CREATE" else {"operation": operation}),
            **({"oldObject": old} if operation == "UPDATE" else {}),
            **({"subresource": subresource} if subresource else {}),
            **({} if params is None else {"params": list(params)}),
            **({"userInfo": self.user} if self.user or "userInfo" in words else {}),
            **placed(one.object, self.namespaces, looks_at_namespaces(policy, policies.bindings)),
            **({"inventory": list(self.cluster)} if self.cluster else {}),
            "raw": True,
        }
        told = f"{operation} " if operation != "CREATE" else ""
        outcome, *also = _RESULTS[row.get("result") or row["status"]]
        return Case(
            name=f"{row['policy']}: {told}{kind} {_full_name(one)}{'/' + subresource if subresource else ''}",
            object=one.object,
            setting=setting,
            expected=Expected(outcome=outcome, also=tuple(also), only=policy.name),
            path=self.source.path,
            line=self.source.line(at),
            raw=raw,
            # A condition of a ValidatingAdmissionPolicy that is false is an answer to Kyverno, one of its own policies is none.
            unasked=Unasked(tool=_TOOL, conditions=not policies.is_native(policy)),
        )

    def _params(self, policy: Policy) -> tuple[JSONObject, ...] | None:
        if policy.param_kind is None:
            return None
        wanted = (policy.param_kind.api_version, policy.param_kind.kind)
        return tuple(one.object for one in {one.key: one for one in self.params if one.key[:2] == wanted}.values())


def _is_meant(one: Manifest, query: Mapping[str, str]) -> bool:
    group, version = group_version(one.resource.api_version)
    given = {"group": group, "version": version, "kind": one.resource.kind, "namespace": _namespace(one), "subresource": query.get("subresource")}
    if any(value and given[key] != value for key, value in query.items() if key != "name"):
        return False
    return query.get("name") in (None, one.resource.name, f"{_namespace(one)}/{one.resource.name}")


def _namespace(one: Manifest) -> str:
    """An object of a namespaced kind that names none counts as one of `default`."""
    known = kind_of(one.resource.api_version, one.resource.kind, NEWEST)
    return one.resource.namespace or ("default" if known is None or known.namespaced else "")


def _full_name(one: Manifest) -> str:
    return f"{one.resource.namespace}/{one.resource.name}" if one.resource.namespace else one.resource.name


def _like(query: Mapping[str, str], known: list[str]) -> str:
    return suggestion(query["name"].rpartition("/")[2], known) if "name" in query else ""


KYVERNO = SuiteFormat(_recognises, _load)
"""Files `kyverno-test.yaml`, and others of `kind: Test` of `cli.kyverno.io`."""
