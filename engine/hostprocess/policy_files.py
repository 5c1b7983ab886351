"""Files of ValidatingAdmissionPolicies, with the bindings and parameters that lie beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hostprocess.errors import HostprocessError, PolicyError, raise_all
from hostprocess.kubernetes.location import locate
from hostprocess.kubernetes.reader import expand, read_file
from hostprocess.model import Binding, InputProblem, Policy, Resource
from hostprocess.policy import BINDING_KIND, POLICY_KIND, check_kind, other_policy, parse_binding, parse_policy
from hostprocess.rules import PACK_FILE

__all__ = ["PolicyFiles", "read_policy_files"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFiles:
    """What lies in such files; `objects` are neither policies nor bindings, `notes` tell what is not used."""

    policies: tuple[Policy, ...]
    bindings: tuple[Binding, ...]
    objects: tuple[Resource, ...]
    notes: tuple[InputProblem, ...]


def read_policy_files(paths: Sequence[str]) -> PolicyFiles:
    """Reads files and folders. Raises `PolicyError` for all that the API server would refuse, and if there is no policy and no binding."""
    policies: dict[str, Policy] = {}
    places: dict[str, str] = {}
    bindings: list[Binding] = []
    others: list[Resource] = []
    notes: list[InputProblem] = []
    unused: list[InputProblem] = []
    errors: list[HostprocessError] = []
    for file in expand(paths):
        for resource in [file] if isinstance(file, InputProblem) else read_file(file):
            try:
                if isinstance(resource, InputProblem):
                    if not resource.note:
                        raise _policy_error(resource)
                    notes.append(resource)
                elif resource.kind == POLICY_KIND:
                    policy = parse_policy(resource)
                    if policy.name in policies:
                        words = f"the policy {policy.name!r} is also in {places[policy.name]}"
                        raise PolicyError(words, path=policy.path, line=locate(resource.origin, ()).line)
                    policies[policy.name] = policy
                    places[policy.name] = f"{policy.path}:{locate(resource.origin, ()).line}"
                elif resource.kind == BINDING_KIND:
                    bindings.append(parse_binding(resource))
                else:
                    check_kind(resource)
                    if note := other_policy(resource):
                        unused.append(note)
                    else:
                        others.append(resource)
            except PolicyError as error:
                errors.append(error)
    if not policies and not bindings:
        errors += map(_policy_error, unused)
    raise_all(errors)
    if not policies and not bindings:
        raise PolicyError(f"holds no {POLICY_KIND}, nor is it a rule pack (a folder with {PACK_FILE})", path=", ".join(paths))
    return PolicyFiles(policies=tuple(policies.values()), bindings=tuple(bindings), objects=tuple(others), notes=(*notes, *unused))


def _policy_error(problem: InputProblem) -> PolicyError:
    return PolicyError(problem.message, path=problem.path, line=problem.line, column=problem.column)
