"""The authorizer. What is allowed is decided by whoever makes the `Authorizer`; here are the questions and answers.

Source: k8s.io/apiserver/pkg/cel/library/authz.go.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from hostprocess.cel.declarations import Library, Overload
from hostprocess.cel.equality import NO_SUCH_OVERLOAD
from hostprocess.cel.library.costs import cost_of
from hostprocess.cel.library.names import dns1123_label, dns1123_subdomain
from hostprocess.cel.library.strings import trim
from hostprocess.cel.runtime import CelError
from hostprocess.cel.values import Opaque
from hostprocess.kubernetes.rbac import Attributes, Authorization, service_account_user
from hostprocess.model import Unknown

__all__ = ["LIBRARIES", "Authorizer", "Decide", "Decision", "GroupCheck", "PathCheck", "ResourceCheck", "resource_check"]

Decide = Callable[[Attributes], "Authorization | Unknown"]


class _Receiver(Opaque):
    """A value that has member functions and nothing else."""

    __slots__ = ()

    def equal(self, other: Any) -> Any:
        """Always an error: Go looks for a type that no value has."""
        return NO_SUCH_OVERLOAD


@dataclass(frozen=True, slots=True)
class Authorizer(_Receiver):
    """The variable `authorizer`: `user` and `groups` are those of the request, `decide` answers."""

    type_name: ClassVar[str] = "kubernetes.authorization.Authorizer"
    user: str
    groups: tuple[str, ...]
    decide: Decide


@dataclass(frozen=True, slots=True)
class PathCheck(_Receiver):
    """`authorizer.path('/healthz')`."""

    type_name: ClassVar[str] = "kubernetes.authorization.PathCheck"
    authorizer: Authorizer
    path: str


@dataclass(frozen=True, slots=True)
class GroupCheck(_Receiver):
    """`authorizer.group('apps')`."""

    type_name: ClassVar[str] = "kubernetes.authorization.GroupCheck"
    authorizer: Authorizer
    group: str


@dataclass(frozen=True, slots=True)
class ResourceCheck(_Receiver):
    """`authorizer.group('apps').resource('deployments')`, and `authorizer.requestResource`."""

    type_name: ClassVar[str] = "kubernetes.authorization.ResourceCheck"
    authorizer: Authorizer
    group: str
    resource: str
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    field_selector: str = ""
    label_selector: str = ""


@dataclass(frozen=True, slots=True)
class Decision(_Receiver):
    """The answer to `check`."""

    type_name: ClassVar[str] = "kubernetes.authorization.Decision"
    authorization: Authorization


def resource_check(authorizer: Authorizer, group: str, resource: str, subresource: str, namespace: str, name: str) -> ResourceCheck:
    """`authorizer.requestResource` for the resource of a request (`NewResourceAuthorizerVal`)."""
    return ResourceCheck(authorizer, group, resource, subresource, namespace, name)


def _path(authorizer: Authorizer, path: str) -> Any:
    return PathCheck(authorizer, path) if trim(path) else CelError("path must not be empty")


def _service_account(authorizer: Authorizer, namespace: str, name: str) -> Any:
    if dns1123_subdomain(name):
        return CelError("Invalid service account name")
    if dns1123_label(namespace):
        return CelError("Invalid service account namespace")
    user, groups = service_account_user(namespace, name)
    return Authorizer(user, groups, authorizer.decide)


def _resource(check: GroupCheck, resource: str) -> Any:
    return ResourceCheck(check.authorizer, check.group, resource) if trim(resource) else CelError("resource must not be empty")


def _check_path(check: PathCheck, verb: str) -> Any:
    return _decision(check.authorizer, Attributes(user=check.authorizer.user, groups=check.authorizer.groups, verb=verb, path=check.path))


def _check_resource(check: ResourceCheck, verb: str) -> Any:
    """The selectors are not handed on: RBAC, the authorizer that is imitated, does not look at them."""
    attributes = Attributes(
        user=check.authorizer.user,
        groups=check.authorizer.groups,
        verb=verb,
        group=check.group,
        resource=check.resource,
        subresource=check.subresource,
        namespace=check.namespace,
        name=check.name,
    )
    return _decision(check.authorizer, attributes)


def _decision(authorizer: Authorizer, attributes: Attributes) -> Decision | Unknown:
    answer = authorizer.decide(attributes)
    return answer if isinstance(answer, Unknown) else Decision(answer)


def _overload(identifier: str, function: str, arguments: tuple[str, ...], result: str, implementation: Callable[..., Any]) -> Overload:
    cost = cost_of(function, identifier)
    return Overload(id=identifier, function=function, arguments=arguments, result=result, member=True, implementation=implementation, cost=cost)


_A, _P, _G, _R, _D = (kind.type_name for kind in (Authorizer, PathCheck, GroupCheck, ResourceCheck, Decision))
_FIRST = (
    _overload("authorizer_path", "path", (_A, "string"), _P, _path),
    _overload("authorizer_group", "group", (_A, "string"), _G, GroupCheck),
    _overload("authorizer_serviceaccount", "serviceAccount", (_A, "string", "string"), _A, _service_account),
    _overload("groupcheck_resource", "resource", (_G, "string"), _R, _resource),
    _overload("resourcecheck_subresource", "subresource", (_R, "string"), _R, lambda check, value: replace(check, subresource=value)),
    _overload("resourcecheck_namespace", "namespace", (_R, "string"), _R, lambda check, value: replace(check, namespace=value)),
    _overload("resourcecheck_name", "name", (_R, "string"), _R, lambda check, value: replace(check, name=value)),
    _overload("pathcheck_check", "check", (_P, "string"), _D, _check_path),
    _overload("resourcecheck_check", "check", (_R, "string"), _D, _check_resource),
    _overload("decision_allowed", "allowed", (_D,), "bool", lambda decision: decision.authorization.allowed),
    _overload("decision_reason", "reason", (_D,), "string", lambda decision: decision.authorization.reason),
)
_ERRORS = (
    _overload("decision_errored", "errored", (_D,), "bool", lambda decision: bool(decision.authorization.error)),
    _overload("decision_error", "error", (_D,), "string", lambda decision: decision.authorization.error),
)
_SELECTORS = (
    _overload("authorizer_fieldselector", "fieldSelector", (_R, "string"), _R, lambda check, value: replace(check, field_selector=value)),
    _overload("authorizer_labelselector", "labelSelector", (_R, "string"), _R, lambda check, value: replace(check, label_selector=value)),
)
LIBRARIES: tuple[Library, ...] = (
    Library(name="kubernetes.authz", introduced=27, removed=28, overloads=_FIRST),
    Library(name="kubernetes.authz", introduced=28, overloads=(*_FIRST, *_ERRORS)),
    Library(name="kubernetes.authzSelectors", introduced=31, overloads=_SELECTORS),
)
