"""CustomResourceDefinitions that cannot be read: told at their line, wherever they are given, and never passed over."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

import hostprocess
from hostprocess.errors import InputError
from hostprocess.inventory import Inventory
from hostprocess.kubernetes.definitions import definition_faults

SOUND = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: foos.example.com}
spec:
  group: example.com
  scope: Namespaced
  names:
    plural: foos
    kind: Foo
  conversion: {strategy: None}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              required: [a]
              properties:
                a: {type: string}
                b: {type: array, items: {type: integer}}
                c: {type: object, additionalProperties: true}
                d: {anyOf: [{type: integer}], x-kubernetes-int-or-string: true}
"""
POLICY = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: p}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [example.com], apiVersions: [v1], operations: [CREATE], resources: [foos]}]
  validations: [{expression: object.spec.a != 'x'}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: p}
spec: {policyName: p, validationActions: [Deny]}
"""
BROKEN = [
    ("spec:\n  group:", "spec: [{}]\nrest:\n  group:", "4:1", "spec must be a mapping, not a list"),
    ("  group: example.com\n", "", "4:1", "spec.group is needed"),
    ("group: example.com", "group: 7", "5:3", "spec.group must be a string, not the number 7"),
    ("  scope: Namespaced\n", "", "4:1", "spec.scope is needed"),
    ("  names:\n", "  names: []\n  rest:\n", "7:3", "spec.names must be a mapping, not a list"),
    ("    plural: foos\n", "", "7:3", "spec.names.plural is needed"),
    ("kind: Foo", "kind: {}", "9:5", "spec.names.kind must be a string, not a mapping"),
    ("{strategy: None}", "none", "10:3", "spec.conversion must be a mapping, not the string 'none'"),
    ("{strategy: None}", "{strategy: 1}", "10:16", "spec.conversion.strategy must be a string, not the number 1"),
    ("  versions:\n", "  versions: x\n  rest:\n", "11:3", "spec.versions must be a list, not the string 'x'"),
    ("  versions:\n", "  rest:\n", "4:1", "spec.versions is needed"),
    ("    - name: v1\n", "    - v1\n    - name: v1\n", "12:7", "spec.versions[0] must be a mapping, not the string 'v1'"),
    ("name: v1", "name: 1", "12:7", "spec.versions[0].name must be a string, not the number 1"),
    ("served: true", "served: 'no'", "13:7", "spec.versions[0].served must be true or false, not the string 'no'"),
    ("      schema:\n", "      schema: x\n      rest:\n", "15:7", "spec.versions[0].schema must be a mapping, not the string 'x'"),
    ("openAPIV3Schema:\n", "openAPIV3Schema: []\n        rest:\n", "16:9", "spec.versions[0].schema.openAPIV3Schema must be a mapping, not a list"),
    ("required: [a]", "required: a", "21:15", "properties.spec.required must be a list, not the string 'a'"),
    ("a: {type: string}", "a: string", "23:17", "properties.a must be a mapping, not the string 'string'"),
    ("a: {type: string}", "a: {type: [string]}", "23:21", "properties.a.type must be a string, not a list"),
    ("items: {type: integer}", "items: [{type: integer}]", "24:34", "properties.b.items must be a mapping, not a list"),
    ("anyOf: [{type: integer}]", "anyOf: {type: integer}", "26:21", "properties.d.anyOf must be a list, not a mapping"),
]


def load(text: str) -> dict[str, Any]:
    return dict(yaml.safe_load(text))


def test_a_sound_one_has_no_faults() -> None:
    assert list(definition_faults(load(SOUND))) == []
    assert Inventory.of([load(SOUND)]).resource_type("example.com/v1", "Foo").plural == "foos"


@pytest.mark.parametrize(("before", "after", "place", "words"), BROKEN)
@pytest.mark.parametrize("where", ["inventory", "input", "linted", "inventory of lint", "beside the policies"])
def test_a_broken_one_is_one_error_at_its_line(tmp_path: Path, before: str, after: str, place: str, words: str, where: str) -> None:
    assert SOUND.count(before) == 1
    folder = tmp_path / "policies"
    folder.mkdir()
    crd, policy, foo = folder / "crd.yaml", folder / "policy.yaml", tmp_path / "foo.yaml"
    crd.write_text(SOUND.replace(before, after))
    policy.write_text(POLICY)
    foo.write_text("apiVersion: example.com/v1\nkind: Foo\nmetadata: {name: f, namespace: n1}\nspec: {a: y}\n")
    errors: list[Any] = []
    try:
        if "lint" in where:
            linted = [str(policy), str(crd)] if where == "linted" else [str(policy)]
            errors += hostprocess.lint_policies(linted, inventory=[str(crd)] if where != "linted" else []).problems
        else:
            policies = hostprocess.load_policies([str(folder)] if where.startswith("beside") else [str(policy)])
            inputs, inventory = ([str(foo), str(crd)], []) if where == "input" else ([str(foo)], [str(crd)] if where == "inventory" else [])
            errors += hostprocess.check_files(inputs, policies, inventory=inventory).problems
    except InputError as error:
        errors.append(error)
    [found] = errors
    assert (f"{found.line}:{found.column}", found.path) == (place, str(crd))
    assert found.message.startswith("CustomResourceDefinition foos.example.com: spec")
    assert words in found.message


@pytest.mark.parametrize(("before", "after", "place", "words"), BROKEN)
def test_a_broken_one_defines_nothing(before: str, after: str, place: str, words: str) -> None:
    assert Inventory.of([load(SOUND.replace(before, after))]).custom == {}


def test_empty_parts_are_absent() -> None:
    value = copy.deepcopy(load(SOUND))
    value["spec"] |= {"conversion": None}
    value["spec"]["versions"][0] |= {"schema": None, "served": None}
    assert list(definition_faults(value)) == []
