"""A policy source: `--policies registries:FILE` makes a policy of a text file that names one image registry a line."""

from __future__ import annotations

from pathlib import Path

from hostprocess import PolicyError, hookimpl
from hostprocess.hookspecs import PolicySource, Selection
from hostprocess.kubernetes.reader import read_piece
from hostprocess.model import InputProblem
from hostprocess.policy import parse_binding, parse_policy

PREFIX = "registries:"
NAME = "registries.example.com"
OBJECTS = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {{name: {name}}}
spec:
  matchConstraints:
    resourceRules: [{{apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [pods]}}]
  variables:
    - {{name: registries, expression: '{registries}'}}
    - {{name: containers, expression: 'object.spec.containers + (has(object.spec.initContainers) ? object.spec.initContainers : [])'}}
  validations:
    - expression: variables.containers.all(c, variables.registries.exists(r, c.image.startsWith(r + '/')))
      message: images must come from a registry of {path}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {{name: {name}}}
spec: {{policyName: {name}, validationActions: [Deny]}}
"""


@hookimpl
def policy_sources(path: str, selection: Selection) -> PolicySource | None:
    """None for every path that is not ours: the next plug-in is asked then."""
    if not path.startswith(PREFIX):
        return None
    file = path.removeprefix(PREFIX)
    try:
        lines = [line.strip() for line in Path(file).read_text("utf-8").splitlines()]
    except OSError as error:
        raise PolicyError(f"cannot be read: {error.strerror}", path=file) from None
    names = [line for line in lines if line and not line.startswith("#")]
    for name in names:
        if not name.replace(".", "").replace("-", "").replace(":", "").isalnum():  # it goes into an expression
            raise PolicyError(f"{name!r} is no name of a registry", path=file)
    text = OBJECTS.format(name=NAME, registries="[" + ", ".join(f'"{name}"' for name in names) + "]", path=Path(file).name)
    # The door for all policies: what the API server would refuse is refused here.
    policy, binding = (resource for document in text.split("---\n") for resource in read_piece("yaml", file, 0, 1, document))
    assert not isinstance(policy, InputProblem)
    assert not isinstance(binding, InputProblem)
    return PolicySource(policies=(parse_policy(policy),), bindings=(parse_binding(binding),))
