"""Pods and pod templates as the rules of the pack speak of them: sound ones, and ones with some faults."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

from hostprocess.suite.edit import WRAPPERS, wrapped

__all__ = ["EDITS", "objects"]

_USERS: list[Any] = [
    "NT AUTHORITY\\SYSTEM", "ContainerAdministrator", "DOMAIN\\user", "user", "a b", "sub.example.com\\svc$", "x" * 104, "ü" * 52, "D" * 15 + "\\u",
    "", "a\x01", "tab\there", "a\x7f", "a\\b\\c", "\\\\", "\\", "D" * 256 + "\\u", "d." * 127 + "d\\u", "d." * 130 + "d\\u", ".hidden\\u", "dom:ain\\u",
    "D" * 16 + "\\u", "-bad.example\\u", "a..b\\u", "DOM\\", "\\u", "x" * 105, "ü" * 53, "DOM\\" + "x" * 105, "...", ". .", "DOM\\..", " ", "u@example.com",
    "DOM/u", "a;b", "a|b", "a=b", "a,b", "a+b", "a*b", "a?b", "a<b", "a>b", "a[b", "a]b", 'a"b', "a:b", "DOM\\a[b", "a\nb", "D" * 300 + "\\" + "x" * 105,
    "ex_ample.com\\u", "a\x85b", "a\u2028b", "é\\ü", "long-domain-name-16.x\\u",
]  # fmt: skip
_SPEC_NAMES: list[Any] = ["gmsa", "gmsa.example.com", "", "UPPER", "a_b", "a..b", "-a", "a-", ".a", "a" * 253, "a" * 254, "é", "a" * 300 + "_", "a\n"]
_SPECS: list[Any] = ["{}", "", " ", "x" * 65536, "x" * 65537, "ü" * 32768, "ü" * 32769]
_LEVEL: list[Any] = [{}, {"level": "s0:c1,c2"}]
_PROFILE: list[Any] = [{"type": "RuntimeDefault"}, {"type": "Unconfined"}, {"type": "Localhost", "localhostProfile": "p"}]
_BOOLS: list[Any] = [True, False, None]
_WINDOWS = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
    {"matchExpressions": [{"key": "kubernetes.io/os", "operator": "In", "values": ["windows"]}]}]}}  # fmt: skip

# Where (pod or container), the field, and values for it; `...` removes it.
EDITS: list[tuple[str, str, list[Any]]] = [
    ("pod", "hostNetwork", [..., False, None, True, ...]),
    ("pod", "securityContext.windowsOptions.hostProcess", [..., False, None, True]),
    ("pod", "securityContext.windowsOptions.runAsUserName", [..., None, *_USERS]),
    ("pod", "securityContext.windowsOptions.runAsUserName", _USERS),
    ("pod", "securityContext.windowsOptions.gmsaCredentialSpecName", _SPEC_NAMES),
    ("pod", "securityContext.windowsOptions.gmsaCredentialSpec", _SPECS),
    ("pod", "securityContext.windowsOptions", [..., None, {}]),
    ("pod", "securityContext", [..., None, {}]),
    ("pod", "os", [{}, {"name": ""}, {"name": "Windows"}, {"name": "Windows"}, {"name": "WINDOWS"},
        {"name": "linux"}, {"name": "freebsd"}, {"name": "win dows"}, None]),
    ("pod", "os", [{"name": "windows"}]),
    ("pod", "os", [{"name": "windows"}, {"name": "linux"}]),
    ("pod", "hostUsers", [False]),
    ("pod", "hostUsers", _BOOLS),
    ("pod", "hostPID", _BOOLS),
    ("pod", "hostIPC", _BOOLS),
    ("pod", "shareProcessNamespace", _BOOLS),
    ("pod", "resources", [{}, {"limits": {"cpu": "1"}}]),
    ("pod", "securityContext.appArmorProfile", _PROFILE),
    ("pod", "securityContext.seLinuxOptions", _LEVEL),
    ("pod", "securityContext.seccompProfile", _PROFILE),
    ("pod", "securityContext.fsGroup", [0, 1000]),
    ("pod", "securityContext.fsGroupChangePolicy", ["Always", "OnRootMismatch"]),
    ("pod", "securityContext.runAsUser", [0, 1000]),
    ("pod", "securityContext.runAsGroup", [0, 1000]),
    ("pod", "securityContext.supplementalGroups", [[], [1], None]),
    ("pod", "securityContext.supplementalGroupsPolicy", ["Merge", "Strict"]),
    ("pod", "securityContext.seLinuxChangePolicy", ["MountOption", "Recursive"]),
    ("pod", "securityContext.sysctls", [[], [{"name": "kernel.shm_rmid_forced", "value": "1"}]]),
    ("pod", "nodeSelector", [..., {"kubernetes.io/os": "windows"}, {"beta.kubernetes.io/os": "windows"}, {"kubernetes.io/os": "linux"}, {}]),
    ("pod", "affinity", [..., {"nodeAffinity": _WINDOWS}, {"nodeAffinity": {}}]),
    ("container", "securityContext.windowsOptions.hostProcess", [..., False, None, True]),
    ("container", "securityContext.windowsOptions.hostProcess", [False, True]),
    ("container", "securityContext.windowsOptions.runAsUserName", _USERS),
    ("container", "securityContext.windowsOptions.gmsaCredentialSpecName", _SPEC_NAMES),
    ("container", "securityContext.windowsOptions.gmsaCredentialSpec", _SPECS),
    ("container", "securityContext.windowsOptions", [..., None, {}]),
    ("container", "ports", [[{"containerPort": 80, "hostPort": 8080}], [{"name": "a", "containerPort": 80, "hostPort": 81}]]),
    ("container", "securityContext.appArmorProfile", _PROFILE),
    ("container", "securityContext.seLinuxOptions", _LEVEL),
    ("container", "securityContext.seccompProfile", _PROFILE),
    ("container", "securityContext.capabilities", [{}, {"drop": ["ALL"]}, {"add": []}]),
    ("container", "securityContext.readOnlyRootFilesystem", _BOOLS),
    ("container", "securityContext.privileged", _BOOLS),
    ("container", "securityContext.allowPrivilegeEscalation", _BOOLS),
    ("container", "securityContext.procMount", ["Default", "Unmasked"]),
    ("container", "securityContext.runAsUser", [0, 1000]),
    ("container", "securityContext.runAsGroup", [0, 1000]),
    ("container", "ports", [
        [{"containerPort": 80, "hostPort": 8080}], [{"containerPort": 80, "hostPort": 0}], [{"containerPort": 80}], [{"hostPort": 80}], [],
        [{"containerPort": 80, "hostPort": 80}, {"containerPort": 81, "hostPort": 82, "protocol": "UDP"}], [{"containerPort": 80, "hostPort": None}]]),
]  # fmt: skip
_LISTS = ("initContainers", "containers", "ephemeralContainers")


def _pods() -> st.SearchStrategy[dict[str, Any]]:
    def pod(kind: str, hp: Any, numbers: tuple[int, int, int], image: str) -> dict[str, Any]:
        spec: dict[str, Any] = {}
        for name, number in zip(_LISTS, numbers, strict=True):
            if number:
                spec[name] = [{"name": f"{name[0]}{index}", "image": image} for index in range(number)]
        if kind != "linux":
            spec |= {"hostNetwork": True, "securityContext": {"windowsOptions": {"hostProcess": True, "runAsUserName": "NT AUTHORITY\\SYSTEM"}}}
        if kind == "os":
            spec["os"] = {"name": "windows"}
        if kind == "container":
            spec["securityContext"] = {"windowsOptions": {}}
            for name in _LISTS:
                for container in spec.get(name, ()):
                    container["securityContext"] = {"windowsOptions": {"hostProcess": hp}}
        if kind == "plain":
            spec |= {"hostNetwork": False, "securityContext": {}, "nodeSelector": {"kubernetes.io/os": "windows"}}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "shop"}, "spec": spec}

    numbers = st.sampled_from([(0, 1, 0), (0, 2, 0), (1, 1, 0), (1, 2, 1), (0, 1, 1), (2, 1, 0)])
    kinds = st.sampled_from(["pod", "pod", "os", "os", "container", "plain", "linux"])
    return st.builds(pod, kinds, st.sampled_from([True, True, True, False]), numbers, st.sampled_from(["i:1", "registry.example.com/a:1"]))


def _edit(value: dict[str, Any], path: str, new: Any) -> None:
    *way, last = path.split(".")
    for step in way:
        if not isinstance(value.get(step), dict):
            value[step] = {}
        value = value[step]
    if new is ...:
        value.pop(last, None)
    else:
        value[last] = copy.deepcopy(new)


@st.composite
def objects(draw: st.DrawFn) -> dict[str, Any]:
    """A pod, or a workload with that pod as its template, with up to five edits."""
    pod = draw(_pods())
    for _ in range(draw(st.integers(0, 5))):
        level, path, values = draw(st.sampled_from(EDITS))
        new = draw(st.sampled_from(values))
        if path.endswith("runAsUserName") and draw(st.integers(0, 5)) == 0:
            new = draw(st.text(st.sampled_from("aZ9.- \\/:@[]=+*?<>|\"'_é\x01"), max_size=24))
        containers = [one for name in _LISTS for one in pod["spec"].get(name) or ()]
        _edit(pod["spec"] if level == "pod" else draw(st.sampled_from(containers)), path, new)
    kind = draw(st.sampled_from(["Pod", "Pod", "Pod", *WRAPPERS]))
    if kind == "Pod":
        return pod
    value = wrapped(pod, kind)
    if kind == "StatefulSet":
        value["spec"]["serviceName"] = "s"
    if kind in ("Job", "CronJob"):
        template = value["spec"]["template"] if kind == "Job" else value["spec"]["jobTemplate"]["spec"]["template"]
        template["spec"]["restartPolicy"] = "Never"
    return value
