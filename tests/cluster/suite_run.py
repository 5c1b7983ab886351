"""Sends the requests of all suites to a cluster, and compares every answer with what the engine says of the same policies."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from decided import Answer, Difference, answer_of, differences
from exports import policy_set, replaced
from kube_client import Json, RequestRefused, Response
from kube_cluster import Cluster
from predicted import Asked, inventory_of, predictions
from suite_requests import PARAMETERS, Setting, SuiteRequest

from hostprocess import PolicySet

__all__ = ["Compared", "SuiteRun", "sent"]

_THREADS = 4
_MAKE = Callable[[str], Sequence[Json]]  # the objects of an export, by the release of containerd
_NAME = re.compile(r"[a-z0-9]([-.a-z0-9]*[a-z0-9])?")


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One request with its answer, and the differences to what was predicted."""

    request: SuiteRequest
    answer: Answer
    differences: tuple[Difference, ...]


@dataclass(slots=True)
class SuiteRun:
    """Objects that requests update are stored by `store`, before any policy is there.

    `not_brought` are requests that could not be made, with the reason, `type_warnings` what the type check of the applied policies warned of.
    """

    cluster: Cluster
    requests: Sequence[SuiteRequest]
    not_brought: list[tuple[SuiteRequest, str]] = field(default_factory=list)
    type_warnings: dict[str, list[Json]] = field(default_factory=dict)
    _stored: dict[tuple[str, str, str], Json] = field(default_factory=dict)
    _applied: list[Json] = field(default_factory=list)
    _classes: dict[str, Json] = field(default_factory=dict)
    _labelled: set[str] = field(default_factory=set)

    def store(self) -> None:
        """Creates Namespaces, ServiceAccounts and the objects that are to be updated. What the API server does not store, or does not serve, is noted."""
        self.not_brought += [(one, reason) for one in self.requests if (reason := self._unserved(one.object))]
        self.requests = [one for one in self.requests if not self._unserved(one.object)]
        for name in sorted({one.object["metadata"]["namespace"] for one in self.requests} | {PARAMETERS["metadata"]["namespace"]}):
            self.cluster.namespace(name)
        for namespace, name in sorted(self._named("serviceAccountName")):
            self.cluster.apply_all([{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}}])
        self._set_classes({})
        wanted = {_key(one.stored): one.stored for one in self.requests if one.stored is not None}
        # Real requests of one kind and namespace after each other would be no faster.
        answers = self._each(lambda value: self.cluster.create(value), wanted.values())
        refused = {}
        for (key, _), answer in zip(wanted.items(), answers, strict=True):
            if answer.ok:
                self._stored[key] = answer.body
            else:
                refused[key] = answer.message
        kept = []
        for one in self.requests:
            reason = refused.get(_key(one.stored)) if one.stored is not None else None
            if reason is None:
                kept.append(one)
            else:
                self.not_brought.append((one, f"what it updates cannot be stored: {reason}"))
        self.requests = kept

    def compare(self, make: _MAKE, wanted: Callable[[SuiteRequest], bool] = lambda one: True, told: _MAKE | None = None) -> list[Compared]:
        """Applies what `make` gives for each release of containerd, makes the requests in the settings that they need, and compares.

        `told` gives what the engine is told; if nothing is said, the same.
        """
        settings: dict[Setting, list[SuiteRequest]] = {}
        for one in filter(wanted, self.requests):
            settings.setdefault(one.setting, []).append(one)
        found: list[Compared] = []
        containerd, policies = "", None
        for setting in sorted(settings, key=lambda one: (one.containerd, one.classes, one.parameters, one.labels)):
            if policies is None or setting.containerd != containerd:
                containerd, objects = setting.containerd, list(make(setting.containerd))
                replaced(self.cluster, self._applied, [one for one in objects if one["kind"] != "ConfigMap"])
                names = [one["metadata"]["name"] for one in objects if one["kind"] == "ValidatingAdmissionPolicy"]
                self.type_warnings |= {name: warned for name in names if (warned := self.cluster.type_checking(name))}
                self._applied, policies = objects, policy_set((told or make)(containerd), self.cluster.minor)
            try:
                self._set(setting)
            except RequestRefused as refused:
                self.not_brought += [(one, f"what the cluster has to have is refused: {refused.response.message}") for one in settings[setting]]
            else:
                found += self._compared(policies, settings[setting])
        return found

    def clear(self) -> None:
        """Takes away what the last comparison applied."""
        replaced(self.cluster, self._applied, [])
        self._applied = []
        self._set(Setting(containerd=""))

    def _compared(self, policies: PolicySet, requests: Sequence[SuiteRequest]) -> list[Compared]:
        asked = [Asked(object=self._object(one), old=self._stored[_key(one.stored)] if one.stored else None, subresource=one.subresource) for one in requests]
        responses = self._each(self._send, asked)
        predicted = predictions(policies, asked, inventory_of(self.cluster))
        found = []
        for one, response, said in zip(requests, responses, predicted, strict=True):
            answer = answer_of(self.cluster, response)
            where = f"{one.rule}: {one.name} (containerd {one.setting.containerd})"
            found.append(Compared(request=one, answer=answer, differences=tuple(differences(answer, said, self.cluster.minor, where))))
        return found

    def _object(self, one: SuiteRequest) -> Json:
        return one.object if one.stored is None else sent(one.object, one.stored, self._stored[_key(one.stored)])

    def _send(self, one: Asked) -> Response:
        if one.old is None:
            return self.cluster.create(one.object, dry_run=True, validation="Strict")
        return self.cluster.update(one.object, subresource=one.subresource, dry_run=True, validation="Strict")

    def _each(self, make: Callable[..., Response], values: Iterable[object]) -> list[Response]:
        with ThreadPoolExecutor(_THREADS) as threads:
            return list(threads.map(make, values))

    def _set(self, setting: Setting) -> None:
        if setting.parameter_object is None:
            self.cluster.delete("v1", "ConfigMap", PARAMETERS["metadata"]["name"], namespace=PARAMETERS["metadata"]["namespace"])
        else:
            self.cluster.apply_all([setting.parameter_object])
        self._set_classes({one["metadata"]["name"]: one for one in map(json.loads, setting.classes)})
        labels: Mapping[str, str] = dict(setting.labels)
        for name in sorted(self._labelled | labels.keys()):
            self.cluster.namespace(name, json.loads(labels.get(name, "{}")))
        self._labelled = set(labels)
        self.cluster.wait_for_inputs()

    def _set_classes(self, given: Mapping[str, Json]) -> None:
        """The RuntimeClasses that pods name, as otherwise a plug-in refuses them, and those that a case has; `handler` does not change."""
        # Of a name in capitals there can be no object.
        names = {name for _, name in self._named("runtimeClassName") if _NAME.fullmatch(name)}
        wanted = {name: {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": name}, "handler": name} for name in names} | given
        for name in [name for name, one in self._classes.items() if wanted.get(name) != one]:
            self.cluster.delete("node.k8s.io/v1", "RuntimeClass", name)
        self.cluster.apply_all([one for name, one in wanted.items() if self._classes.get(name) != one])
        self._classes = wanted

    def _unserved(self, value: Json) -> str:
        try:
            self.cluster.path(value["apiVersion"], value["kind"])
        except LookupError as error:
            return str(error)
        return ""

    def _named(self, field_name: str) -> set[tuple[str, str]]:
        """The values of a field of pods, with their namespaces."""
        pods = [one.object for one in self.requests if one.object["kind"] == "Pod"]
        return {(pod["metadata"]["namespace"], pod["spec"][field_name]) for pod in pods if pod["spec"].get(field_name)}


def _key(value: Json | None) -> tuple[str, str, str]:
    assert value is not None
    return value["kind"], value["metadata"]["namespace"], value["metadata"]["name"]


def sent(value: Json, given: Json, stored: Json) -> Json:
    """What is sent to replace an object that was `given` to the API server and is now `stored`: `value` with all that was added to it there."""
    gone = given["metadata"].keys() - value["metadata"].keys()
    metadata = {**{name: field for name, field in stored["metadata"].items() if name not in gone}, **value["metadata"]}
    if value["kind"] != "Pod":
        return {**value, "metadata": metadata}
    # What plug-ins and defaults added at creation; they do not do it again.
    spec = {**stored["spec"], **value["spec"]}
    for name in ("initContainers", "containers"):
        if name in stored["spec"]:
            spec[name] = [{**old, **new, **_mounts(old)} for old, new in zip(stored["spec"][name], value["spec"][name], strict=True)]
    tolerations = stored["spec"]["tolerations"]  # the plug-in DefaultTolerationSeconds gives each pod two
    spec["tolerations"] = [*tolerations, *(one for one in value["spec"].get("tolerations") or () if one not in tolerations)]
    if "volumes" in stored["spec"]:
        spec["volumes"] = stored["spec"]["volumes"]
    return {**value, "metadata": metadata, "spec": spec}


def _mounts(old: Json) -> Json:
    return {"volumeMounts": old["volumeMounts"]} if "volumeMounts" in old else {}
