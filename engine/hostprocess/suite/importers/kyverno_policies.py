"""The policies of a kyverno-test.yaml: those that can be evaluated here, and why others cannot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hostprocess.errors import PolicyError
from hostprocess.kubernetes.kinds import group_version
from hostprocess.model import Binding, Policy, Resource
from hostprocess.policy import BINDING_KIND, POLICY_KIND, check_kind, other_policy, parse_binding, parse_policy
from hostprocess.suite.importers.imported import Part, policy_files
from hostprocess.suite.importers.reading import Manifest
from hostprocess.suite.importers.validating_policy import GROUP, KIND, Translated, translated
from hostprocess.suite.model import JSONObject

__all__ = ["Policies"]


@dataclass(slots=True)
class Policies:
    """What lies in the files of `policies`. `refused` says why one cannot be evaluated here, by its name."""

    native: list[Policy] = field(default_factory=list)
    bindings: list[Binding] = field(default_factory=list)
    objects: list[JSONObject] = field(default_factory=list)
    translated: dict[str, tuple[Translated, ...]] = field(default_factory=dict)
    made: dict[str, tuple[Policy, Binding, str]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def add(self, manifest: Manifest) -> None:
        """Takes up one object. Raises `PolicyError` for a policy that the API server would refuse."""
        one = manifest.resource
        if one.kind == POLICY_KIND:
            self.native.append(parse_policy(one))
        elif one.kind == BINDING_KIND:
            self.bindings.append(parse_binding(one))
        elif one.kind == KIND and group_version(one.api_version)[0] == GROUP:
            self._translate(manifest)
        else:
            check_kind(one)
            if other_policy(one):
                self.refused[one.name] = f"{manifest.place} is a {one.kind}: {_why(one)}"
            else:
                self.objects.append(one.object)

    def _translate(self, manifest: Manifest) -> None:
        name = manifest.resource.name
        try:
            self.translated[name] = translated(manifest)
        except PolicyError as error:
            self.refused[name] = str(error)
            return
        for one in self.translated[name]:
            origin = manifest.resource.origin  # the fields are at the same place there
            policy = parse_policy(Resource(object=one.policy, origin=origin))
            binding = parse_binding(Resource(object=one.binding, origin=origin))
            self.made[one.name] = (policy, binding, manifest.path)

    def chosen(self, row: Mapping[str, Any], kind: str) -> Policy | None:
        """The policy of a row for an object of that kind: what `autogen` made for it of one about Pods."""
        name = row["policy"].rpartition("/")[2]
        if name in self.translated and not row.get("isValidatingAdmissionPolicy"):
            one = next((one for one in self.translated[name] if kind in one.kinds), self.translated[name][0])
            return self.made[one.name][0]
        return next((one for one in self.native if one.name == name), None)

    @property
    def policies(self) -> list[Policy]:
        """All that can be evaluated."""
        return [*self.native, *(policy for policy, _, _ in self.made.values())]

    def is_native(self, policy: Policy) -> bool:
        """Whether it is a ValidatingAdmissionPolicy as it was written."""
        return any(one is policy for one in self.native)

    def part(self, policy: Policy) -> Part:
        """What becomes of a policy in our own format."""
        if self.is_native(policy):
            return policy_files(policy, self.native, self.bindings)
        translated = next(one for several in self.translated.values() for one in several if one.name == policy.name)
        return Part(policy=policy.name, documents=(translated.policy, translated.binding), made_of=(self.made[policy.name][2],))


def _why(resource: Resource) -> str:
    if resource.kind in ("ClusterPolicy", "Policy"):
        return "its rules are for the engine of Kyverno (patterns, JMESPath, mutations …), not CEL of the API server"
    if "Mutating" in resource.kind:
        return "mutations are not evaluated here"
    return f"what can be evaluated here are a {POLICY_KIND} and a {KIND} that uses native CEL alone"
