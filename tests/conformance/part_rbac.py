"""The authorizer: RBAC objects and questions, decided by the real RBAC authorizer and by hostprocess.kubernetes.rbac."""

from __future__ import annotations

from typing import Any

from draw import drawn
from hypothesis import strategies as st
from session import Session

from hostprocess.kubernetes.rbac import Attributes, Authorizer, implied_groups, service_account_user

PART = "rbac"
CLUSTERS, QUESTIONS = 12, 150
_GROUP = "rbac.authorization.k8s.io"


def _of(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


_names = _of("a", "b", "c")
_rule = st.one_of(
    st.fixed_dictionaries(
        {
            "apiGroups": _of([""], ["apps"], ["*"], ["", "apps"]),
            "resources": _of(["pods"], ["*"], ["pods/log"], ["*/log"], ["pods/*"], ["deployments", "pods"], ["*/scale"]),
            "verbs": _of(["get"], ["*"], ["get", "list"], ["use"]),
        },
        optional={"resourceNames": _of(["a"], ["a", "b"], [])},
    ),
    st.fixed_dictionaries({"nonResourceURLs": _of(["/healthz"], ["/metrics/*"], ["*"], ["/a/*", "/b"]), "verbs": _of(["get"], ["*"])}),
)
_subject = _of(
    {"kind": "User", "name": "alice", "apiGroup": _GROUP},
    {"kind": "Group", "name": "dev", "apiGroup": _GROUP},
    {"kind": "Group", "name": "system:authenticated", "apiGroup": _GROUP},
    {"kind": "Group", "name": "system:serviceaccounts:shop", "apiGroup": _GROUP},
    {"kind": "ServiceAccount", "name": "robot", "namespace": "shop"},
    {"kind": "ServiceAccount", "name": "robot", "namespace": "other"},
    {"kind": "User", "name": "system:serviceaccount:shop:robot", "apiGroup": _GROUP},
)


@st.composite
def clusters(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Roles and bindings; some bindings refer to roles that do not exist."""
    objects: dict[tuple[str, str, str], dict[str, Any]] = {}

    def add(kind: str, name: str, namespace: str, **rest: Any) -> None:
        metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
        objects[kind, namespace, name] = {"apiVersion": f"{_GROUP}/v1", "kind": kind, "metadata": metadata, **rest}

    for name in ("a", "b"):
        add("ClusterRole", name, "", rules=draw(st.lists(_rule, max_size=3)))
        add("Role", name, "shop", rules=draw(st.lists(_rule.filter(lambda rule: "resources" in rule), max_size=2)))
    for number in range(draw(st.integers(0, 3))):
        reference = {"apiGroup": _GROUP, "kind": "ClusterRole", "name": draw(_names)}
        add("ClusterRoleBinding", f"g{number}", "", roleRef=reference, subjects=draw(st.lists(_subject, max_size=2)))
    for number in range(draw(st.integers(0, 3))):
        reference = {"apiGroup": _GROUP, "kind": draw(_of("Role", "ClusterRole")), "name": draw(_names)}
        add("RoleBinding", f"n{number}", draw(_of("shop", "shop", "other")), roleRef=reference, subjects=draw(st.lists(_subject, max_size=2)))
    return list(objects.values())


questions = st.fixed_dictionaries(
    {
        "user": _of("alice", "bob", "system:serviceaccount:shop:robot", "system:anonymous", "root"),
        "groups": _of([], ["dev"], ["ops"], ["system:masters"]),
        "verb": _of("get", "list", "use", "delete", "*"),
        "namespace": _of("", "shop", "other"),
        "group": _of("", "apps", "*"),
        "resource": _of("pods", "deployments", "secrets", "*"),
        "subresource": _of("", "", "log", "scale"),
        "name": _of("", "a", "c"),
        "path": _of("", "", "", "/healthz", "/metrics/x", "/a/", "/a", "/b/c"),
    }
)


def run(session: Session) -> None:
    """Compares whether each question is allowed, and what the authorizer says when it is not."""
    for number, objects in enumerate(drawn(clusters(), max(3, session.cases(CLUSTERS)), session.seed)):
        session.one("cluster", objects=objects)
        authorizer = Authorizer.of(objects)
        asked = drawn(questions, QUESTIONS, session.seed + number)
        for one in asked:
            account = one["user"].split(":") if one["user"].startswith("system:serviceaccount:") else None
            groups = service_account_user(account[2], account[3])[1] if account else tuple(one["groups"])
            if one["path"]:
                one |= {"group": "", "resource": "", "subresource": "", "namespace": "", "name": ""}
            one["groups"] = list(implied_groups(one["user"], groups))
        answers = session.ask("authorize", [{"attributes": {**one, "version": "*"}} for one in asked])
        for one, theirs in zip(asked, answers, strict=True):
            given = {**one, "groups": tuple(one["groups"])}
            ours = authorizer.decide(Attributes(**given)) if authorizer else None
            mine = {"allowed": ours.allowed, "reason": ours.reason} if ours else {"allowed": False, "reason": ""}
            found = [("allowed", theirs["allowed"], mine["allowed"], {"objects": objects, "attributes": one})] if theirs["allowed"] != mine["allowed"] else []
            if not found and not mine["allowed"] and _causes(theirs["reason"]) != _causes(mine["reason"]):
                found = [("reason", theirs["reason"], mine["reason"], {"objects": objects, "attributes": one})]
            session.tally.differ(PART, "path" if one["path"] else "resource", session.minor, found)


def _causes(reason: str) -> list[str]:
    """What a reason is made of, in any order: the API server asks its bindings in none. Newer releases put the configured name of the authorizer before it."""
    return sorted(reason.removeprefix("RBAC: ").removeprefix("RBAC: ").strip("[]").split(", "))
