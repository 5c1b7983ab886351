"""What expressions ask as `authorizer`, answered from the RBAC objects of the inventory.

Source: k8s.io/apiserver/pkg/admission/plugin/cel/activation.go (NewAuthorizerVal, NewResourceAuthorizerVal).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hostprocess.cel.library import authz
from hostprocess.inventory import Inventory
from hostprocess.kubernetes.rbac import Attributes, Authorization, Authorizer
from hostprocess.model import Request, Unknown

__all__ = ["authorizer_inputs"]

_NO_RBAC = Unknown("no RBAC objects were given: add Roles, ClusterRoles and their bindings with --inventory")
_NOBODY = "\0"  # stands for the user nobody named: no user has such a name


def authorizer_inputs(inventory: Inventory) -> Callable[[Request], dict[str, Any]]:
    """A function that gives `authorizer` and `authorizer.requestResource` for a request. Raises `InputError` for an RBAC object that cannot be."""
    rbac = Authorizer.of(value for values in inventory.objects.values() for value in values)

    def inputs(request: Request) -> dict[str, Any]:
        user, groups, missing = _user(request)

        def decide(attributes: Attributes) -> Authorization | Unknown:
            asked: tuple[Any, ...] = (attributes.namespace, attributes.name)
            unknown = next((one for one in asked if isinstance(one, Unknown)), None)
            if unknown is not None:
                return unknown
            if missing is not None and attributes.user == _NOBODY:
                return missing
            return rbac.decide(attributes) if rbac else _NO_RBAC

        authorizer = authz.Authorizer(user, groups, decide)
        place: tuple[Any, Any] = (request.namespace, request.name)
        return {
            "authorizer": authorizer,
            "authorizer.requestResource": authz.resource_check(authorizer, request.group, request.plural, request.subresource, *place),
        }

    return inputs


def _user(request: Request) -> tuple[str, tuple[str, ...], Unknown | None]:
    info = request.user_info
    if isinstance(info, Unknown):
        return _NOBODY, (), info
    return str(info.get("username", "")), tuple(map(str, info.get("groups") or ())), None
