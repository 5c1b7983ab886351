"""What importers make: suites that know what they would be in our own format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hostprocess.bindings import complete_bindings
from hostprocess.cel.runtime import NEWEST
from hostprocess.kubernetes.catalogue import kind_of
from hostprocess.model import Binding, Outcome, Policy
from hostprocess.suite.importers.reading import Manifest
from hostprocess.suite.model import JSONObject, Suite
from hostprocess.suite.subjects import PolicySubject

__all__ = ["FAILS", "ImportedSuite", "Part", "known_namespaces", "looks_at_namespaces", "namespace_of", "placed", "policy_files", "subject_of", "words_of"]

FAILS = (Outcome.DENY, Outcome.WARN, Outcome.AUDIT)
"""What a validation that is false comes to, as the binding has it."""
_DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What becomes one suite of our own: the cases about one policy.

    `files` hold the policy and its bindings, and others if there is an `only`; where no file holds it, `documents` are the policy and its binding, and
    `made_of` names what they were made of.
    """

    policy: str
    files: tuple[str, ...] = ()
    only: bool = False
    documents: tuple[JSONObject, ...] = ()
    made_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedSuite(Suite):
    """A suite of another `tool`. In `raw` of its cases objects that come from files are a `Manifest`; `comments` stand above cases, by their names."""

    tool: str
    parts: tuple[Part, ...]
    head: tuple[str, ...] = ()
    comments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def subject_of(name: str, policies: Sequence[Policy], bindings: Sequence[Binding], objects: Iterable[JSONObject] = ()) -> PolicySubject:
    """The policies of a suite with their bindings; those without get one that denies. Raises `PolicyError` for bindings that cannot be."""
    names = {one.name for one in policies}
    bindings = [one for one in bindings if one.policy_name in names]
    bound = {one.policy_name for one in bindings}
    assume = "deny" if any(one.name not in bound for one in policies) else ""
    complete, _ = complete_bindings(policies, bindings, assume)
    return PolicySubject(name=name, policies=policies, bindings=complete, objects=list(objects))


def policy_files(policy: Policy, policies: Sequence[Policy], bindings: Sequence[Binding]) -> Part:
    """The part of a policy that lies in files of its own format."""
    files = tuple(dict.fromkeys([policy.path, *(one.path for one in bindings if one.policy_name == policy.name)]))
    return Part(policy=policy.name, files=files, only=sum(one.path in files for one in policies) > 1)


def words_of(policy: Policy) -> str:
    """All expressions of a policy, to look for words in them."""
    found = [variable.expression for variable in policy.variables] + [condition.expression for condition in policy.match_conditions]
    found += [text for validation in policy.validations for text in (validation.expression, validation.message_expression)]
    return "\n".join([*found, *(annotation.value_expression for annotation in policy.audit_annotations)])


def known_namespaces(manifests: Iterable[Manifest]) -> dict[str, JSONObject]:
    """The Namespaces among manifests, by name."""
    return {one.resource.name: one.object for one in manifests if one.resource.kind == "Namespace" and one.resource.api_version == "v1"}


def namespace_of(value: JSONObject, namespaces: Mapping[str, JSONObject]) -> str | JSONObject:
    """The Namespace that an object is in, its name if it is not known otherwise; as with kubectl it is `default` unless the object says so. Empty for
    objects that are in none."""
    api_version, kind = str(value.get("apiVersion")), str(value.get("kind"))
    known = kind_of(api_version, kind, NEWEST)
    if known and not known.namespaced:
        return ""
    name = str((value.get("metadata") or {}).get("namespace") or _DEFAULT)
    return namespaces.get(name, name)


def placed(value: JSONObject, namespaces: Mapping[str, JSONObject], looked_at: bool) -> dict[str, Any]:
    """The key `namespace` of a native case, if it needs one: the object has no namespace, or what the Namespace is like is `looked_at`."""
    found = namespace_of(value, namespaces)
    named = bool((value.get("metadata") or {}).get("namespace"))
    return {"namespace": found} if found and (looked_at or not named or not isinstance(found, str)) else {}


def looks_at_namespaces(policy: Policy, bindings: Iterable[Binding]) -> bool:
    """Whether anything depends on the Namespace of a request."""
    matches = [policy.match_constraints, *(one.match_resources for one in bindings if one.policy_name == policy.name)]
    return "namespaceObject" in words_of(policy) or any(one is not None and bool(one.namespace_selector) for one in matches)
