"""Which policies do anything: those with a binding, or with one that is assumed."""

from __future__ import annotations

from collections.abc import Sequence

from hostprocess.errors import PolicyError, UsageError, place
from hostprocess.kubernetes.location import locate
from hostprocess.model import Binding, InputProblem, ParamRef, Policy

__all__ = ["ASSUMED", "complete_bindings", "release_note"]

_INTRODUCED, _COMPARED = 26, 30  # minors of Kubernetes: of the alpha version, and of the oldest API server that the engine is compared with
ASSUMED = {"deny": ("Deny",), "warn": ("Warn",), "audit": ("Audit",)}


def complete_bindings(policies: Sequence[Policy], bindings: Sequence[Binding], assume: str = "") -> tuple[tuple[Binding, ...], tuple[InputProblem, ...]]:
    """The bindings, with those that are assumed (`deny`, `warn` or `audit`), and notes about what does nothing in a cluster.

    An assumed binding takes every parameter object. Raises `PolicyError` if no policy has a binding, as nothing would be checked; `UsageError` if
    there is nothing to assume.
    """
    if assume and assume not in ASSUMED:
        raise UsageError(f"there is no binding {assume!r} to assume; there are {', '.join(ASSUMED)}")
    found: dict[str, Binding] = {}
    for binding in bindings:
        if binding.name in found:
            other = found[binding.name]
            words = f"the binding {binding.name!r} is also in {place(other.path, _line(other), 0).removesuffix(': ')}"
            raise PolicyError(words, path=binding.path, line=_line(binding))
        found[binding.name] = binding
    if bindings and not policies:
        raise PolicyError("holds no ValidatingAdmissionPolicy, only bindings", path=bindings[0].path, line=_line(bindings[0]))
    bound, known = {binding.policy_name for binding in bindings}, {policy.name for policy in policies}
    unbound = [policy for policy in policies if policy.name not in bound]
    notes = [
        InputProblem(path=one.path, line=_line(one), message=f"the binding {one.name!r} does nothing: there is no policy {one.policy_name!r}", note=True)
        for one in bindings
        if one.policy_name not in known
    ]
    if assume:
        if not unbound:
            raise UsageError("--assume-binding: every policy has a binding; leave it out")
        return (*bindings, *(_assumed(policy, assume) for policy in unbound)), tuple(notes)
    if unbound and len(unbound) == len(policies):
        policy = unbound[0]
        which = f"the policy {policy.name!r} has" if len(unbound) == 1 else f"the {len(unbound)} policies have"
        raise PolicyError(
            f"{which} no ValidatingAdmissionPolicyBinding; without one a policy does nothing: add one, or use --assume-binding deny",
            path=policy.path,
            line=_line(policy),
        )
    notes += [
        InputProblem(
            path=one.path,
            line=_line(one),
            message=f"the policy {one.name!r} has no ValidatingAdmissionPolicyBinding, so it does nothing: add one, or use --assume-binding deny",
            note=True,
        )
        for one in unbound
    ]
    return tuple(bindings), tuple(notes)


def release_note(kubernetes: str, path: str) -> InputProblem | None:
    """What is not known of a release, for the policies of a file that is no rule pack; an empty release is the newest.

    Raises `UsageError` for a release that had no ValidatingAdmissionPolicy.
    """
    minor = int(kubernetes.partition(".")[2] or _COMPARED)
    if minor < _INTRODUCED:
        raise UsageError(f"--kubernetes {kubernetes}: there is no ValidatingAdmissionPolicy before 1.{_INTRODUCED}, so {path} cannot be judged for it")
    if minor < _COMPARED:
        words = f"of Kubernetes {kubernetes} only the CEL functions are known: all else is as in 1.{_COMPARED}, the first with ValidatingAdmissionPolicy v1"
        return InputProblem(path=path, message=words, note=True)
    return None


def _assumed(policy: Policy, action: str) -> Binding:
    reference = ParamRef(selector={}) if policy.param_kind else None
    return Binding(name="assumed", policy_name=policy.name, validation_actions=ASSUMED[action], param_ref=reference, path=policy.path, origin=policy.origin)


def _line(value: Policy | Binding) -> int:
    return locate(value.origin, ()).line if value.origin else 0
