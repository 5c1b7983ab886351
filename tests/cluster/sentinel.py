"""Tells when the API server enforces what was written before: by a policy of its own that it must have heard of after all others.

The policy plug-in has an informer for each of policies, bindings, Namespaces and kinds of parameters, and each tells of changes in their order; once a
second it takes policies and bindings over together. So each round changes one object of each informer, and is over when a denial needs all four changes.
"""

from __future__ import annotations

import time

from kube_client import Client, Json

NAME = "hostprocess-sentinel"
INPUTS = f"{NAME}-inputs"
LABEL = "hostprocess-sentinel/round"
PROBE: Json = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{NAME}-probe", "namespace": NAME}}


class NotEnforced(RuntimeError):
    """The API server did not enforce the sentinel in time."""


class Sentinel:
    """The sentinel of one API server. Its policy matches the creation of one ConfigMap in a Namespace of its own, so it decides nothing else."""

    def __init__(self, client: Client, api_version: str) -> None:
        """`api_version`: of the policies, `admissionregistration.k8s.io/v1` or `v1beta1`."""
        self._client = client
        self._api_version = api_version
        self._round = 0

    def wait(self, timeout: float) -> None:
        """Write the objects of the next round and wait until they are enforced. Raises NotEnforced, or RequestRefused if they are refused."""
        if not self._round:
            # Objects that an informer does not have are fetched by the API server itself: only their second version proves anything.
            self._next(timeout)
        self._next(timeout)

    def _next(self, timeout: float) -> None:
        self._round += 1
        for obj in self._objects(str(self._round)):
            self._client.required(self._client.apply(obj), f"{obj['kind']} of the sentinel")
        deadline = time.monotonic() + timeout
        while True:
            answer = self._client.create(PROBE, dry_run=True)
            if answer.message.endswith(f" denied request: {NAME} {self._round}"):
                return
            if time.monotonic() > deadline:
                raise NotEnforced(f"policies were not enforced after {timeout:g} s; the last answer was {answer.code} {answer.message}")
            time.sleep(0.02)

    def _objects(self, number: str) -> list[Json]:
        label = {LABEL: number}
        rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"], "resourceNames": [PROBE["metadata"]["name"]]}
        policy = {
            "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
            "matchConstraints": {"resourceRules": [rule]},
            "failurePolicy": "Fail",
            "validations": [{"expression": "false", "message": f"{NAME} {number}"}],
        }
        binding = {
            "policyName": NAME,
            # By labels: a parameter with a name is fetched by newer API servers when their informer does not have it.
            "paramRef": {"selector": {"matchLabels": label}, "namespace": NAME, "parameterNotFoundAction": "Allow"},
            "matchResources": {"namespaceSelector": {"matchLabels": label}},
            "validationActions": ["Deny"],
        }
        return [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAME, "labels": label}},
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME, "namespace": NAME, "labels": label}},
            {"apiVersion": self._api_version, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": NAME}, "spec": policy},
            {"apiVersion": self._api_version, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": NAME}, "spec": binding},
        ]


class InputSentinel:
    """Tells when changes of Namespaces and of parameters, ConfigMaps and RuntimeClasses, are known: many times faster than `Sentinel`, as no policy changes.

    It leaves a RuntimeClass and a ConfigMap of its own, which other policies may find as parameters too.
    """

    def __init__(self, client: Client, api_version: str) -> None:
        """As of `Sentinel`."""
        self._client = client
        self._api_version = api_version
        self._round = 0

    def prepare(self) -> None:
        """Write the policies. They are enforced when those written later are. Raises RequestRefused."""
        self._next()
        for obj in self._policies():
            self._client.required(self._client.apply(obj), f"{obj['kind']} of the sentinel of inputs")

    def wait(self, timeout: float = 30.0) -> None:
        """Wait until what was written before is known. Raises NotEnforced."""
        self._next()
        wanted = {f"{kind} {self._round} of {self._round}" for kind in ("configmap", "runtimeclass")}
        probe = {**PROBE, "metadata": {"name": f"{INPUTS}-probe", "namespace": INPUTS}}
        deadline = time.monotonic() + timeout
        while True:
            told = {text.rpartition(": ")[2] for text in self._client.required(self._client.create(probe, dry_run=True)).warnings}
            if told == wanted:
                return
            if time.monotonic() > deadline:
                raise NotEnforced(f"parameters were not known after {timeout:g} s; the last warnings were {sorted(told)}")
            time.sleep(0.005)

    def _next(self) -> None:
        self._round += 1
        labels = {LABEL: str(self._round)}
        metadata = {"name": INPUTS, "labels": labels}
        for obj in (
            {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata},
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**metadata, "namespace": INPUTS}},
            {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": metadata, "handler": "none"},
        ):
            self._client.required(self._client.apply(obj), f"{obj['kind']} of the sentinel of inputs")

    def _policies(self) -> list[Json]:
        rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"], "resourceNames": [f"{INPUTS}-probe"]}
        objects: list[Json] = []
        for api_version, kind, place in (("v1", "ConfigMap", {"namespace": INPUTS}), ("node.k8s.io/v1", "RuntimeClass", {})):
            name = f"{INPUTS}-{kind.lower()}"
            label = f"labels['{LABEL}']"
            policy = {
                "paramKind": {"apiVersion": api_version, "kind": kind},
                "matchConstraints": {"resourceRules": [rule]},
                "validations": [
                    {"expression": "false", "messageExpression": f"'{kind.lower()} ' + params.metadata.{label} + ' of ' + namespaceObject.metadata.{label}"}
                ],
            }
            binding = {
                "policyName": name,
                "paramRef": {"name": INPUTS, **place, "parameterNotFoundAction": "Deny"},
                "validationActions": ["Warn"],
            }
            objects += [
                {"apiVersion": self._api_version, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name}, "spec": policy},
                {"apiVersion": self._api_version, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name}, "spec": binding},
            ]
        return objects
