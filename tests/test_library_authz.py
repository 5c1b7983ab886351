"""The authorizer: the questions it asks, and its answers."""

from __future__ import annotations

from typing import Any

import pytest

from hostprocess.cel.equality import NO_SUCH_OVERLOAD, equal
from hostprocess.cel.library.authz import Authorizer, resource_check
from hostprocess.cel.runtime import CelError
from hostprocess.kubernetes.rbac import Attributes, Authorization
from hostprocess.model import UNKNOWN, Unknown
from library_calls import overloads


def call(overload: str, *arguments: Any) -> Any:
    return overloads(37)[overload].implementation(*arguments)


@pytest.fixture
def asked() -> list[Attributes]:
    return []


@pytest.fixture
def authorizer(asked: list[Attributes]) -> Authorizer:
    def decide(attributes: Attributes) -> Authorization | Unknown:
        asked.append(attributes)
        return (
            UNKNOWN if attributes.verb == "watch" else Authorization(attributes.verb == "get", f"may {attributes.verb}", "broken" * (attributes.verb == "list"))
        )

    return Authorizer("ann", ("devs",), decide)


def test_a_path(authorizer: Authorizer, asked: list[Attributes]) -> None:
    decision = call("pathcheck_check", call("authorizer_path", authorizer, "/healthz"), "get")
    assert asked == [Attributes(user="ann", groups=("devs",), verb="get", path="/healthz")]
    assert (call("decision_allowed", decision), call("decision_reason", decision)) == (True, "may get")
    assert call("authorizer_path", authorizer, " \u2003") == CelError("path must not be empty")


def test_a_resource(authorizer: Authorizer, asked: list[Attributes]) -> None:
    check = call("groupcheck_resource", call("authorizer_group", authorizer, "apps"), "deployments")
    check = call("resourcecheck_subresource", check, "scale")
    check = call("resourcecheck_namespace", check, "prod")
    check = call("resourcecheck_name", check, "web")
    check = call("authorizer_fieldselector", call("authorizer_labelselector", check, "a=b"), "!!")
    decision = call("resourcecheck_check", check, "list")
    question = Attributes(user="ann", groups=("devs",), verb="list", group="apps", resource="deployments", subresource="scale", namespace="prod", name="web")
    assert asked == [question]
    assert [call(f"decision_{what}", decision) for what in ("allowed", "errored", "error", "reason")] == [False, True, "broken", "may list"]
    assert call("groupcheck_resource", call("authorizer_group", authorizer, ""), "") == CelError("resource must not be empty")
    assert call("resourcecheck_check", resource_check(authorizer, "apps", "deployments", "scale", "prod", "web"), "list") == decision


def test_a_service_account(authorizer: Authorizer, asked: list[Attributes]) -> None:
    account = call("authorizer_serviceaccount", authorizer, "prod", "web")
    call("pathcheck_check", call("authorizer_path", account, "/x"), "get")
    assert (asked[0].user, asked[0].groups) == ("system:serviceaccount:prod:web", ("system:serviceaccounts", "system:serviceaccounts:prod"))
    assert call("authorizer_serviceaccount", authorizer, "prod", "A") == CelError("Invalid service account name")
    assert call("authorizer_serviceaccount", authorizer, "a.b", "web") == CelError("Invalid service account namespace")


def test_an_answer_that_nobody_gave(authorizer: Authorizer) -> None:
    assert call("pathcheck_check", call("authorizer_path", authorizer, "/x"), "watch") is UNKNOWN


def test_no_two_are_equal(authorizer: Authorizer) -> None:
    assert equal(authorizer, authorizer) == NO_SUCH_OVERLOAD


def test_costs(authorizer: Authorizer) -> None:
    check = call("groupcheck_resource", call("authorizer_group", authorizer, ""), "pods")
    for overload, arguments, cost in (
        ("authorizer_group", [authorizer, ""], 1),
        ("resourcecheck_check", [check, "get"], 350_000),
        ("authorizer_labelselector", [check, "app=web"], 10 + 1 + 200),
    ):
        charge = overloads(37)[overload].cost
        assert charge is not None
        assert charge(arguments, None) == cost


def test_releases() -> None:
    assert "decision_errored" not in overloads(27)
    assert "authorizer_group" not in overloads(26)
    assert "authorizer_fieldselector" not in overloads(30)
