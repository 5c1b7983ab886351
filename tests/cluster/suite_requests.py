"""The cases of all suites as requests to an API server: each as its suite has it, then in other kinds, as updates and on subresources."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kube_client import Json

from hostprocess.model import Rule
from hostprocess.rules import Pack
from hostprocess.suite.edit import WRAPPERS, wrapped
from hostprocess.suite.native import Case, load_suite

__all__ = ["PARAMETERS", "Setting", "SuiteRequest", "suite_requests"]

PARAMETERS = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "hostprocess-access", "namespace": "hostprocess-policies"}}
INHERIT = "microsoft.com/hostprocess-inherit-user"
_KINDS = [kind for kind in WRAPPERS if kind != "Job"]  # the template of a Job does not change
_FIRST_RESIZED = 33  # the first release that serves pods/resize unless told otherwise
_LIMITS = {"cpu": "750m", "memory": "300Mi"}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What the cluster has to have for a case: the export's release of containerd, the parameters, RuntimeClasses, labels of Namespaces. All as JSON."""

    containerd: str
    parameters: str = "{}"
    classes: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()

    @property
    def parameter_object(self) -> Json | None:
        """The ConfigMap of the bundle `access`; None if there is none."""
        data = json.loads(self.parameters)
        return None if data is None else {**PARAMETERS, **data}


@dataclass(frozen=True, kw_only=True)
class SuiteRequest:
    """One request. `expect` is what the suite says of its rule, empty where the request is not the case as it stands.

    `stored` exists when the request is made, and is replaced by `object` (to which what the API server adds to stored objects is added).
    """

    rule: str
    name: str
    object: Json = field(repr=False)
    setting: Setting
    expect: str = ""
    stored: Json | None = field(default=None, repr=False)
    subresource: str = ""

    @property
    def operation(self) -> str:
        """CREATE or UPDATE."""
        return "CREATE" if self.stored is None else "UPDATE"


def suite_requests(pack: Pack, minor: str) -> list[SuiteRequest]:
    """All requests for a release: at least one for each case of each suite."""
    requests: list[SuiteRequest] = []
    for rule in pack.rules:
        for number, case in enumerate(load_suite(pack, rule).cases):
            requests += _of_case(pack, rule, case, number, minor)
    return requests


def _of_case(pack: Pack, rule: Rule, case: Case, number: int, minor: str) -> Iterator[SuiteRequest]:
    setting = _setting(case.raw, pack.containerd)
    value = _placed(case)
    # What a suite expects for another release, of one expression, or of an object that no API server has made is no business of this one; rules that ask
    # who makes the request have a test of their own.
    ours = case.raw.get("kubernetes", minor) == minor and rule.kubernetes.holds(minor) and not rule.opt_in and not case.raw.get("raw")
    expect = case.raw.get("expect", "") if ours else ""
    about: dict[str, Any] = {"rule": rule.id, "name": case.name, "setting": setting}
    yield SuiteRequest(**about, object=_restarting(value), expect=expect)
    if value["kind"] != "Pod":
        return
    kind = _KINDS[(number + len(rule.id)) % len(_KINDS)]
    yield SuiteRequest(**about | {"name": f"{case.name}, in a {kind}"}, object=_restarting(wrapped(value, kind)))
    if setting == Setting(containerd=pack.containerd):  # the same cluster for most: the others would need more stored objects than they are worth
        ways = ("a label", "another image", "the annotation", "resized" if int(minor.split(".")[1]) >= _FIRST_RESIZED else "a toleration")
        yield from _updates(about, case.name, value, kind, number, f"{rule.id}-{number}", ways)


def _updates(about: dict[str, Any], name: str, value: Json, kind: str, turn: int, unique: str, ways: Sequence[str]) -> Iterator[SuiteRequest]:
    held = {**value, "metadata": {**value["metadata"], "name": f"stored-{kind.lower()}"}}
    plain = {**held, "spec": {"containers": [{"name": "plain", "image": "registry.example.com/plain:1.0"}]}}
    plain["metadata"] = {key: held["metadata"][key] for key in ("name", "namespace")}
    yield SuiteRequest(**about | {"name": f"{name}, put into a {kind}"}, object=_restarting(wrapped(held, kind)), stored=_restarting(wrapped(plain, kind)))
    pod = {**value, "metadata": {**value["metadata"], "name": unique}}
    debuggers = pod["spec"].get("ephemeralContainers") or []
    without = {**pod, "spec": {key: one for key, one in pod["spec"].items() if key != "ephemeralContainers"}}
    if debuggers or turn % 5 == 4:
        added = debuggers or [{"name": "debugger", "image": "registry.example.com/debugger:1.0"}]
        yield SuiteRequest(
            **about | {"name": f"{name}, debugged"},
            object={**without, "spec": {**without["spec"], "ephemeralContainers": added}},
            stored=without,
            subresource="ephemeralcontainers",
        )
        return
    yield _changed(about, name, pod, ways[turn % 5])


def _changed(about: dict[str, Any], name: str, pod: Json, how: str) -> SuiteRequest:
    now = copy.deepcopy(pod)
    containers = now["spec"].get("containers") or [{}]
    if how == "a label":
        now["metadata"]["labels"] = {**(now["metadata"].get("labels") or {}), "changed": "yes"}
    elif how == "another image":
        containers[0]["image"] = "registry.example.com/other:2.0"
    elif how == "the annotation":
        now["metadata"]["annotations"] = {**(now["metadata"].get("annotations") or {}), INHERIT: "true"}
    elif how == "a toleration":
        now["spec"]["tolerations"] = [*(now["spec"].get("tolerations") or ()), {"key": "changed", "operator": "Exists", "effect": "NoSchedule"}]
    else:
        resources = containers[0].setdefault("resources", {})
        resources["limits"] = {**(resources.get("limits") or {}), **_LIMITS}
    return SuiteRequest(**about | {"name": f"{name}, {how}"}, object=now, stored=pod, subresource="resize" if how == "resized" else "")


def _setting(raw: Mapping[str, Any], containerd: str) -> Setting:
    chosen: dict[str, Any] = {"containerd": raw.get("containerd", containerd)}
    classes = [one for one in raw.get("inventory", ()) if one["kind"] == "RuntimeClass"]
    if "params" in raw:
        params = raw["params"]
        if params and "handler" in params:
            classes.append({"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", **params})
        else:
            chosen["parameters"] = json.dumps(params and {key: one for key, one in params.items() if key != "metadata"}, sort_keys=True)
    namespaces = [one for one in raw.get("inventory", ()) if one["kind"] == "Namespace"]
    if isinstance(raw.get("namespace"), dict):
        namespaces.append(raw["namespace"])
    return Setting(
        **chosen,
        classes=tuple(sorted(json.dumps(one, sort_keys=True) for one in classes)),
        labels=tuple(sorted((one["metadata"]["name"], json.dumps(one["metadata"].get("labels", {}), sort_keys=True)) for one in namespaces)),
    )


def _placed(case: Case) -> Json:
    """The object with a name and the namespace that the suite puts it into."""
    given = case.raw.get("namespace") or "default"
    metadata = {**(case.object.get("metadata") or {})}
    metadata.setdefault("name", "web")
    metadata["namespace"] = metadata.get("namespace") or (given if isinstance(given, str) else given["metadata"]["name"])
    return {**case.object, "metadata": metadata}


def _restarting(value: Json) -> Json:
    """A Job or CronJob whose pods are not restarted for ever, if it says nothing: the API server takes no other."""
    steps = {"Job": ("spec", "template", "spec"), "CronJob": ("spec", "jobTemplate", "spec", "template", "spec")}.get(value["kind"])
    if steps is None:
        return value
    value = copy.deepcopy(value)
    spec = value
    for step in steps:
        spec = spec[step]
    spec.setdefault("restartPolicy", "Never")
    return value
