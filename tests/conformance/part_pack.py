"""Part 3: our own pack, on examples/ and on every case of every suite, in all operations and template kinds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from compare import shown
from export import binding_object, policy_object
from ours import Judge, resource
from part_policies import verdict_differences
from scenarios import review_of
from session import Session

import hostprocess
from hostprocess.compile import compile_pack, select_rules
from hostprocess.inventory import Inventory
from hostprocess.kubernetes.kinds import group_version, plural
from hostprocess.model import Binding, Policy, Targets
from hostprocess.policy import parse_binding, parse_policy
from hostprocess.responses import FAILURES_KEY
from hostprocess.rules import Pack
from hostprocess.suite.edit import WRAPPERS, wrapped
from hostprocess.suite.native import load_suite

T = TypeVar("T")
PART = "pack"
_LARGE = 50  # cases
EXAMPLES = Path(__file__).parent.parent.parent / "examples"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request with the objects that exist then and the release of containerd."""

    name: str
    request: dict[str, Any]
    objects: tuple[dict[str, Any], ...]
    containerd: str


def run(session: Session) -> None:
    """Cases that need the same cluster are asked together."""
    pack = hostprocess.load_rules()
    groups: dict[str, list[Asked]] = {}
    for one in _all(pack):
        groups.setdefault(shown([one.containerd, one.objects], 0), []).append(one)
    # Of a share of the run one cluster in so many, and of large clusters one case in so many: a cluster costs as much as a hundred cases.
    small = _share([group for group in groups.values() if len(group) < _LARGE], session.scale)
    for group in [*small, *(_share(group, session.scale) for group in groups.values() if len(group) >= _LARGE)]:
        _compare(session, pack, group)


def _share(values: Sequence[T], scale: float) -> list[T]:
    return [one for number, one in enumerate(values) if number * scale % 1 < scale]


def _compare(session: Session, pack: Pack, group: Sequence[Asked]) -> None:
    targets = Targets(kubernetes=session.minor, containerd=group[0].containerd)
    objects = list(group[0].objects)
    knows_rbac = any(one["apiVersion"].startswith("rbac.") for one in objects)
    policies, bindings = compile_pack(pack, select_rules(pack, targets, bundles=list(pack.bundles), with_authorizer=knows_rbac), targets)
    session.one("cluster", objects=[*objects, *map(policy_object, policies), *map(binding_object, bindings)])
    judge = _judge(policies, bindings, objects, session.minor)
    exported = _judge(*_read_back(policies, bindings), objects, session.minor)
    admitted = session.ask("admit", [_admission(one.request) for one in group])
    requests = []
    for one, seen in zip(group, admitted, strict=True):
        request = dict(one.request)
        # What the strategy refuses is none of the policies' business here: they are asked all the same, about the object it would have been.
        for key in ("object", "oldObject"):
            if request.get(key) and seen.get(key):
                request[key] = seen[key]
        requests.append(request)
    usable = [index for index, seen in enumerate(admitted) if not seen["decodeError"]]
    answers = session.ask("review", [{"request": requests[index], "raw": True} for index in usable])
    for _ in range(len(group) - len(usable)):
        session.tally.set_apart(PART, "refused on reading", session.minor)
    names = re.compile(rf"\[(?:{'|'.join(rule.id for rule in pack.rules)})\] ")
    for index, answer in zip(usable, answers, strict=True):
        theirs = {**answer, **_without_rules({key: answer[key] for key in ("denials", "warnings", "auditAnnotations")}, names)}
        request = requests[index]
        review = review_of(request, theirs)
        ours = judge.answer(review)
        if "was given" in ours.declined:
            # A pack's policy without its parameters is not decided here. As anyone's policy, told that there are none, it is.
            ours = exported.answer(review)
            ours = replace(
                ours, **_without_rules({"denials": [list(one) for one in ours.denials], "warnings": ours.warnings, "annotations": ours.annotations}, names)
            )
        how = {"case": group[index].name, "review": review, "exists": objects}
        feature = f"{(request.get('object') or request['oldObject'])['kind']} {request['operation']}"
        if ours.declined:
            session.tally.differ(PART, feature, session.minor, [("declined", theirs["denials"], ours.declined, how)])
            continue
        if session.minor != "1.37" and _first_failures_of_two_policies(theirs["auditAnnotations"], ours.annotations):
            theirs = {**theirs, "auditAnnotations": _but_failures(theirs["auditAnnotations"])}
            ours = replace(ours, annotations=_but_failures(ours.annotations))
        session.tally.differ(PART, feature, session.minor, verdict_differences(theirs, ours, how))


def _first_failures_of_two_policies(theirs: dict[str, str], ours: dict[str, str]) -> bool:
    """Before 1.37 only the failure that comes first is annotated, and the API server asks policies in no fixed order."""
    if FAILURES_KEY not in theirs or FAILURES_KEY not in ours:
        return False
    return json.loads(theirs[FAILURES_KEY])[0]["policy"] != json.loads(ours[FAILURES_KEY])[0]["policy"]


def _but_failures(annotations: dict[str, str]) -> dict[str, str]:
    return {key: text for key, text in annotations.items() if key != FAILURES_KEY}


def _admission(request: dict[str, Any]) -> dict[str, Any]:
    if "object" not in request:
        return {**request, "object": request["oldObject"], "oldObject": None, "operation": "CREATE"}
    if request.get("subresource") or request["operation"] == "UPDATE":
        return {**request, "oldObject": None, "operation": "CREATE", "subresource": ""}
    return request


def _judge(policies: Sequence[Policy], bindings: Sequence[Binding], objects: Sequence[dict[str, Any]], minor: str) -> Judge:
    # All parameters were given: where there is none, the API server finds none either.
    inventory = Inventory.of(objects, kubernetes=minor)
    asked = {(policy.param_kind.api_version, policy.param_kind.kind) for policy in policies if policy.param_kind}
    return Judge(policies, bindings, replace(inventory, complete=inventory.complete | asked), minor)


def _read_back(policies: Sequence[Policy], bindings: Sequence[Binding]) -> tuple[list[Policy], list[Binding]]:
    """The same policies, exported and read again."""
    return [parse_policy(resource(policy_object(one))) for one in policies], [parse_binding(resource(binding_object(one))) for one in bindings]


def _without_rules(value: Any, names: re.Pattern[str]) -> Any:
    """An answer without the `[rule] ` that a pack's messages begin with in a cluster: the engine names the rule apart."""
    if isinstance(value, dict):
        return {key: _without_rules(one, names) for key, one in value.items()}
    if isinstance(value, list):
        return [_without_rules(one, names) for one in value]
    return names.sub("", value) if isinstance(value, str) else value


def _all(pack: Pack) -> Iterator[Asked]:
    for read in hostprocess.read_resources([str(EXAMPLES)]):
        if isinstance(read, hostprocess.Resource):
            yield from _requests(f"examples: {read.name}", read.object, (), pack.containerd)
    for rule in pack.rules:
        for case in load_suite(pack, rule).cases:
            raw = {**case.raw, "oldObject": case.setting.old_object} if case.raw.get("oldObject") else case.raw
            yield from _of_case(pack, f"{rule.id}: {case.name}", case.object, raw)


def _of_case(pack: Pack, name: str, value: dict[str, Any], raw: Any) -> Iterator[Asked]:
    objects = list(raw.get("inventory", ()))
    namespace = raw.get("namespace")
    if isinstance(namespace, dict):
        objects.append(namespace)
    if raw.get("params"):
        given = raw["params"]
        metadata = {"name": "hostprocess-access", "namespace": "hostprocess-policies", **given.get("metadata", {})}
        objects.append({"apiVersion": "v1", "kind": "ConfigMap", **given, "metadata": metadata})
    values = value["items"] if value.get("kind") == "List" else [value]
    for one in values:
        yield from _requests(name, one, tuple(objects), raw.get("containerd", pack.containerd), raw)
        # A pod is asked as every other kind too, once for the whole of its suite's kinds would hide which one fails.
        if one.get("kind") == "Pod" and "wrap" not in raw and not raw.get("subresource"):
            kind = list(WRAPPERS)[sum(map(ord, name)) % len(WRAPPERS)]
            as_template = {**raw, "oldObject": wrapped(raw["oldObject"], kind)} if raw.get("oldObject") else raw
            yield from _requests(f"{name}, in a {kind}", wrapped(one, kind), tuple(objects), raw.get("containerd", pack.containerd), as_template)


def _requests(name: str, value: dict[str, Any], objects: tuple[dict[str, Any], ...], containerd: str, raw: Any = None) -> Iterator[Asked]:
    raw = raw or {}
    metadata = dict(value.get("metadata") or {})
    metadata.setdefault("name", "web")
    namespace = raw.get("namespace") or metadata.get("namespace") or "shop"
    namespace = namespace if isinstance(namespace, str) else namespace["metadata"]["name"]
    metadata["namespace"] = namespace if not metadata.get("namespace") else metadata["namespace"]
    value = {**value, "metadata": metadata}
    if not any(one.get("kind") == "Namespace" and one["metadata"]["name"] == metadata["namespace"] for one in objects):
        objects = (*objects, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": metadata["namespace"]}})
    group, version = group_version(value["apiVersion"])
    request = {
        "resource": {"group": group, "version": version, "resource": plural(value["kind"])},
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "userInfo": {"username": "tester", "groups": ["dev"], **(raw.get("userInfo") or {})},
    }
    turn = sum(map(ord, name))  # each case takes one other way beside its creation
    operations = [raw["operation"]] if "operation" in raw else ["CREATE", *(["UPDATE"] if turn % 3 == 0 else [])]
    for operation in operations:
        one = {**request, "operation": operation, "object": value}
        if raw.get("subresource"):
            one["subresource"] = raw["subresource"]
        if operation == "UPDATE":
            one["oldObject"] = raw.get("oldObject") or value
        yield Asked(name=name, request=one, objects=objects, containerd=containerd)
    if value.get("kind") == "Pod" and "operation" not in raw and not raw.get("subresource") and turn % 3:
        for operation, subresource in [("UPDATE", "ephemeralcontainers")] if turn % 3 == 1 else [("DELETE", ""), ("UPDATE", "resize")]:
            one = {**request, "operation": operation, "oldObject": value, **({"object": value, "subresource": subresource} if subresource else {})}
            yield Asked(name=f"{name}, {operation} {subresource}", request=one, objects=objects, containerd=containerd)
