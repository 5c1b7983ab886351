"""kaptest.yaml, v0.1 and v0.2: rows that name objects of resource files.

Its runner evaluates the CEL expressions of a policy and nothing else: no resource rules, no selectors, no bindings. So a row that is as expected there,
of a request that the policy is not about, is vacuous.
Source: github.com/pfnet/kaptest, internal/tester (manifest.go, tester.go, result.go) and README.md, which do not agree about the keys of a row.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hostprocess.errors import PolicyError, raise_all, suggestion
from hostprocess.kubernetes.kinds import group_version
from hostprocess.model import Binding, MatchConstraints, Outcome, ParamRef, Policy, ResourceRule
from hostprocess.policy_files import read_policy_files
from hostprocess.suite.formats import SuiteFormat
from hostprocess.suite.importers.imported import (
    FAILS,
    ImportedSuite,
    known_namespaces,
    looks_at_namespaces,
    namespace_of,
    placed,
    policy_files,
    subject_of,
    words_of,
)
from hostprocess.suite.importers.reading import Manifest, Manifests, Source, Steps, by_name, list_of, mapping, read_source, text, unique
from hostprocess.suite.load import Loader
from hostprocess.suite.model import Case, Expected, JSONObject, Setting, Suite, Unasked
from hostprocess.suite.subjects import PolicySubject

__all__ = ["KAPTEST"]

_TOOL = "kaptest"
_LOOK = re.compile(r"^(?:testSuites|vapTestSuites|mapTestSuites)[ \t]*:", re.MULTILINE)
_POLICIES = re.compile(r"^(?:policies|validatingAdmissionPolicies)[ \t]*:", re.MULTILINE)
_EXPECTS = {
    **dict.fromkeys(("admit", "allow"), (Outcome.ALLOW,)),
    "deny": FAILS,
    "skip": (Outcome.SKIP,),
    "error": (Outcome.ERROR,),
}
_OBJECT = mapping(("kind", "name"), group={"type": "string"}, version={"type": "string"}, kind=text, namespace={"type": "string"}, name=text)
_PARAM = mapping(("name",), namespace={"type": "string"}, name=text)
_USER = mapping(name=text, user=text, groups=list_of(text), extra={"type": "object", "additionalProperties": list_of({"type": "string"})})
_ROW = mapping(
    ("expect",),
    object=_OBJECT,
    oldObject=_OBJECT,
    param=_PARAM,
    params=_PARAM,
    userInfo=_USER,
    expect={"type": "string", "enum": list(_EXPECTS)},
    deniedMessage={"type": "string"},
)
_SUITES = list_of(mapping(("policy", "tests"), policy=text, tests=list_of(_ROW, 1)), 1)
_PATHS = list_of(text, 1)
_SCHEMA = mapping(
    ("resources",),
    version={"type": "string", "enum": ["v1alpha1"]},
    policies=_PATHS,
    validatingAdmissionPolicies=_PATHS,
    resources=_PATHS,
    params=_PATHS,
    namespaces=_PATHS,
    schemaLocations=list_of(text),
    crds=list_of(text),
    skipSchemaValidation={"type": "boolean"},
    testSuites=_SUITES,
    vapTestSuites=_SUITES,
    mapTestSuites=list_of({"type": "object"}),
)
_SPELLINGS = (("validatingAdmissionPolicies", "policies"), ("testSuites", "vapTestSuites"))
_EVERYTHING = MatchConstraints(resource_rules=(ResourceRule(operations=("*",), api_groups=("*",), api_versions=("*",), resources=("*/*",)),))


def _recognises(path: str, content: str) -> bool:
    return "estSuites" in content and _LOOK.search(content) is not None and _POLICIES.search(content) is not None


def _load(path: str, content: str, loader: Loader) -> Suite:
    source = read_source(path, content, _SCHEMA)
    for old, new in _SPELLINGS:
        if old in source.value and new in source.value:
            raise source.fault((old,), f"is what v0.1 calls {new}; give one of them")
    policies = next((key for key in ("policies", "validatingAdmissionPolicies") if key in source.value), "")
    suites = next((key for key in ("vapTestSuites", "testSuites") if key in source.value), "")
    if not policies:
        raise source.fault((), "names no policies")
    errors = [
        source.fault(("mapTestSuites", index), "tests a MutatingAdmissionPolicy; what is evaluated here is a ValidatingAdmissionPolicy")
        for index in range(len(source.value.get("mapTestSuites", ())))
    ]
    if not suites:
        raise_all(errors)
        raise source.fault((), "tests nothing: there are no vapTestSuites")
    return _Import(source, policies, suites).suite(errors)


@dataclass(slots=True)
class _Import:
    """One file on its way to a suite."""

    source: Source
    policies_key: str
    suites_key: str
    names: set[str] = field(default_factory=set)
    comments: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def suite(self, errors: list[PolicyError]) -> Suite:
        """The suite, with what is wrong in it; raises `PolicyError` if nothing is left."""
        source, manifests = self.source, Manifests()
        resources = [one for key in ("resources", "params", "namespaces") for one in manifests.named(source, (key,), source.value.get(key, ()))]
        files = [self._policy_file(index, name) for index, name in enumerate(source.value[self.policies_key])]
        read = read_policy_files(files)
        wanted = {given["policy"] for given in source.value[self.suites_key]}
        tested = [one for one in read.policies if one.name in wanted]
        subject = subject_of(os.path.basename(source.path), tested, read.bindings, [one.object for one in read.objects])
        objects = _Objects(source, by_name(resources), known_namespaces(resources), self._crds(manifests), subject, _unmatched(subject))
        several = len(source.value[self.suites_key]) > 1
        cases: list[Case] = []
        parts = {}
        for number, given in enumerate(source.value[self.suites_key]):
            steps: Steps = (self.suites_key, number)
            policy = next((one for one in read.policies if one.name == given["policy"]), None)
            if policy is None:
                errors.append(source.fault((*steps, "policy"), _no_policy(given["policy"], [one.name for one in read.policies])))
                continue
            parts[policy.name] = policy_files(policy, read.policies, read.bindings)
            for index, row in enumerate(given["tests"]):
                at = (*steps, "tests", index)
                try:
                    case = objects.case(at, row, policy, f"{policy.name}: " if several else "")
                except PolicyError as error:
                    errors.append(error)
                    continue
                name = unique(case.name, self.names)
                self.comments[name] = source.comment(at)
                cases.append(replace(case, name=name, raw={"name": name, **case.raw}))
        if not cases:
            raise_all(errors)
        return ImportedSuite(
            subject=subject,
            cases=tuple(cases),
            path=source.path,
            errors=tuple(errors),
            tool=_TOOL,
            parts=tuple(parts.values()),
            head=source.head(),
            comments=self.comments,
        )

    def _policy_file(self, index: int, name: str) -> str:
        path = os.path.normpath(os.path.join(self.source.folder, name))
        if not os.path.exists(path):
            raise self.source.fault((self.policies_key, index), f"there is no file {name!r}: paths begin at the folder of the suite")
        return path

    def _crds(self, manifests: Manifests) -> list[JSONObject]:
        """CustomResourceDefinitions that lie in files; those of addresses serve kaptest to check fields, and nothing else."""
        given = [(index, name) for index, name in enumerate(self.source.value.get("crds", ())) if "://" not in name]
        return [one.object for index, name in given for one in manifests.of(self.source, ("crds", index), name)]


def _no_policy(name: str, known: Sequence[str]) -> str:
    return f"there is no ValidatingAdmissionPolicy {name!r} in these files{suggestion(name, known)}; there are {', '.join(known)}"


def _unmatched(subject: PolicySubject) -> PolicySubject:
    """The policies as kaptest takes them: about every request, and without their bindings."""
    policies = [replace(one, match_constraints=_EVERYTHING) for one in subject.policies]
    bindings = [
        Binding(name=_TOOL, policy_name=one.name, validation_actions=("Deny",), param_ref=ParamRef(selector={}) if one.param_kind else None) for one in policies
    ]
    return replace(subject, policies=policies, bindings=bindings)


@dataclass(frozen=True, slots=True)
class _Objects:
    """What rows name; `resources` by their names."""

    source: Source
    resources: Mapping[str, Sequence[Manifest]]
    namespaces: Mapping[str, JSONObject]
    crds: Sequence[JSONObject]
    subject: PolicySubject
    unmatched: PolicySubject

    def case(self, at: Steps, row: Mapping[str, Any], policy: Policy, prefix: str) -> Case:
        """The case of a row. Raises `PolicyError` for what it names and is not there."""
        new = self._found((*at, "object"), row["object"]) if "object" in row else None
        old = self._found((*at, "oldObject"), row["oldObject"]) if "oldObject" in row else None
        about = new or old
        if about is None:
            raise self.source.fault(at, "names neither an object nor an oldObject")
        operation = "DELETE" if new is None else "CREATE" if old is None else "UPDATE"
        param = self._param(at, row, policy)
        words = words_of(policy)
        user = self._user(at, row)
        setting = Setting(
            operation=operation,
            old_object=old.object if new and old else None,
            user_info=user,
            namespace=namespace_of(about.object, self.namespaces),
            params=None if param is None else (param,),
            inventory=tuple(self.crds),
            raw=True,
            dry_run=True,
        )
        raw = {
            "object": about,
            **({"oldObject": old} if new and old else {"operation": operation} if operation == "DELETE" else {}),
            **({"params": param} if param is not None else {}),
            **({"userInfo": user} if user or "userInfo" in words else {}),
            **placed(about.object, self.namespaces, looks_at_namespaces(policy, self.subject.bindings)),
            **({"inventory": list(self.crds)} if self.crds else {}),
            **({"dryRun": True} if "dryRun" in words else {}),
            "raw": True,
        }
        return Case(
            name=f"{prefix}{_name(operation, about, old if new else None, row.get('param') or row.get('params'))}",
            object=about.object,
            setting=setting,
            expected=self._expected(at, row, policy),
            path=self.source.path,
            line=self.source.line(at),
            raw=raw,
            unasked=Unasked(tool=_TOOL, judged=self.unmatched),
        )

    def _expected(self, at: Steps, row: Mapping[str, Any], policy: Policy) -> Expected:
        outcome, *also = _EXPECTS[row["expect"]]
        message = row.get("deniedMessage")
        if message and outcome is not Outcome.DENY:
            raise self.source.fault((*at, "deniedMessage"), "is what a row with `expect: deny` says")
        return Expected(outcome=outcome, also=tuple(also), only=policy.name, message=message or None)

    def _user(self, at: Steps, row: Mapping[str, Any]) -> JSONObject:
        """The user of a row; one that says nothing of it has a user without name and groups."""
        given = row.get("userInfo", {})
        if "name" in given and "user" in given:
            raise self.source.fault((*at, "userInfo", "user"), "the row has a name; give one of them")
        name = given.get("name") or given.get("user")
        return {
            **({"username": name} if name else {}),
            **{key: given[key] for key in ("groups", "extra") if given.get(key)},
        }

    def _param(self, at: Steps, row: Mapping[str, Any], policy: Policy) -> JSONObject | None:
        given = [key for key in ("param", "params") if key in row]
        if len(given) > 1:
            raise self.source.fault((*at, "params"), "the row has a param; give one of them")
        if not policy.param_kind:
            if given:
                raise self.source.fault((*at, given[0]), f"the policy {policy.name!r} takes no parameters: it has no paramKind")
            return None
        if not given:
            raise self.source.fault(at, f"the policy {policy.name!r} takes parameters: name the {policy.param_kind.kind} as `param`")
        group, version = group_version(policy.param_kind.api_version)
        query = {"group": group, "version": version, "kind": policy.param_kind.kind, **row[given[0]]}
        return _as_bound(self._found((*at, given[0]), query).object, policy, self.subject.bindings)

    def _found(self, at: Steps, query: Mapping[str, str]) -> Manifest:
        """The one object that a row means: name and kind agree, and all else that it says."""
        found = [one for one in self.resources.get(query["name"], ()) if _matches(one, query)]
        told = f"{query['kind']} {query['namespace'] + '/' if query.get('namespace') else ''}{query['name']}"
        if not found:
            known = [name for name, several in self.resources.items() if any(one.resource.kind == query["kind"] for one in several)]
            raise self.source.fault(at, f"there is no {told} in the files of `resources`{suggestion(query['name'], known)}")
        if len({one.key for one in found}) > 1:
            places = ", ".join(one.place for one in found)
            raise self.source.fault(at, f"there are several objects {told}, in {places}: say its namespace, group or version")
        return found[-1]


def _matches(one: Manifest, query: Mapping[str, str]) -> bool:
    group, version = group_version(one.resource.api_version)
    given = {"name": one.resource.name, "kind": one.resource.kind, "namespace": one.resource.namespace, "group": group, "version": version}
    return all(not value or given[key] == value for key, value in query.items())


def _as_bound(value: JSONObject, policy: Policy, bindings: Sequence[Binding]) -> JSONObject:
    """The parameter under the name by which the binding asks for it: a row says which it is, whatever its name and namespace."""
    metadata = {key: one for key, one in (value.get("metadata") or {}).items() if key != "namespace"}
    named = next((one.param_ref for one in bindings if one.policy_name == policy.name and one.param_ref and one.param_ref.name), None)
    if named:
        metadata["name"] = named.name
        if named.namespace:
            metadata["namespace"] = named.namespace
    return {**value, "metadata": metadata}


def _name(operation: str, about: Manifest, old: Manifest | None, param: Mapping[str, str] | None) -> str:
    told = f"{operation} {about.resource.kind} {_named(about)}"
    if old:
        told = f"{operation} {about.resource.kind} {_named(old)} -> {_named(about)}"
    return f"{told} with {param['name']}" if param else told


def _named(one: Manifest) -> str:
    return f"{one.resource.namespace}/{one.resource.name}" if one.resource.namespace else one.resource.name


KAPTEST = SuiteFormat(_recognises, _load)
"""Files with `testSuites` or `vapTestSuites`."""
