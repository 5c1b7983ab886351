"""Resources of a pod as a whole: its quality of service, and requests and limits of pod level that follow from the containers.

Source: pkg/apis/core/helper/qos, pkg/api/pod (DefaultPodLevelResources), k8s.io/component-helpers/resource (AggregateContainerRequests).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hostprocess.kubernetes.catalogue import release_number
from hostprocess.kubernetes.gates import enabled
from hostprocess.kubernetes.quantities import Quantity, parse

__all__ = ["default_pod_resources", "qos_class"]

Amounts = dict[str, str]
_HUGE_PAGES = "hugepages-"
_COUNTED = ("cpu", "memory")
_ZERO = Quantity(0)


def qos_class(spec: dict[str, Any], kubernetes: str) -> str:
    """`Guaranteed`, `Burstable` or `BestEffort` of a decoded pod spec."""
    whole = spec.get("resources")
    if whole is not None and enabled("PodLevelResources", kubernetes):
        given = bool(whole.get("requests") or whole.get("limits"))
        if given or not enabled("PodLevelResourcesFixKubeletQOSClass", kubernetes):
            return _class_of(whole)
    containers = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    if release_number(kubernetes) < (1, 37):
        return _class_of_sums([container["resources"] for container in containers])
    classes = {_class_of(container["resources"]) for container in containers}
    return classes.pop() if len(classes) == 1 else "Burstable" if classes else "BestEffort"


def _class_of(resources: dict[str, Any]) -> str:
    if not resources:
        return "BestEffort"
    classes = set()
    for name in _COUNTED:
        request, limit = _amount(resources, "requests", name), _amount(resources, "limits", name)
        if not request.equals(limit):
            return "Burstable"
        classes.add("Guaranteed" if request.unscaled else "BestEffort")
    return classes.pop() if len(classes) == 1 else "Burstable"


def _class_of_sums(all_resources: list[dict[str, Any]]) -> str:
    """Before 1.37: sums over the containers, amounts of zero left out."""
    requests: dict[str, Any] = {}
    limits: dict[str, Any] = {}
    guaranteed = True
    for resources in all_resources:
        found = set()
        for name in _COUNTED:
            request, limit = _amount(resources, "requests", name), _amount(resources, "limits", name)
            if request.unscaled > 0:
                requests[name] = requests.get(name, 0) + request.value
            if limit.unscaled > 0:
                found.add(name)
                limits[name] = limits.get(name, 0) + limit.value
        guaranteed = guaranteed and len(found) == len(_COUNTED)
    if not requests and not limits:
        return "BestEffort"
    return "Guaranteed" if guaranteed and requests == limits else "Burstable"


def _amount(resources: dict[str, Any], kind: str, name: str) -> Quantity:
    text = (resources.get(kind) or {}).get(name)
    return parse(text) if text else _ZERO


def default_pod_resources(spec: dict[str, Any], kubernetes: str) -> None:
    """Fills in `spec.resources` where it is given in part."""
    whole = spec.get("resources")
    if not whole or not (whole.get("requests") or whole.get("limits")) or not enabled("PodLevelResources", kubernetes):
        return
    latest = enabled("PodLevelResourcesFixDefaulting", kubernetes)
    requests: Amounts = dict(whole.get("requests") or {})
    limits: Amounts = dict(whole.get("limits") or {})
    all_limits = _aggregate(spec, "limits")
    for name, amount in all_limits.items():
        if name.startswith(_HUGE_PAGES) and name not in requests:
            limits.setdefault(name, str(amount))
    if limits or latest:
        for name, amount in _aggregate(spec, "requests").items():
            if name in _COUNTED:
                requests.setdefault(name, str(amount))
        for name, text in limits.items():
            if _is_supported(name):
                requests.setdefault(name, text)
    if latest:
        _default_limits(spec, requests, limits, all_limits)
    for kind, amounts in (("requests", requests), ("limits", limits)):
        if amounts:
            whole[kind] = amounts


def _default_limits(spec: dict[str, Any], requests: Amounts, limits: Amounts, all_limits: dict[str, Quantity]) -> None:
    """A limit of pod level for what every container limits."""
    containers = [one for kind in ("initContainers", "containers", "ephemeralContainers") for one in spec.get(kind) or ()]
    for name in [name for name in requests if _is_supported(name) and name not in limits]:
        if name in all_limits and all(name in (one["resources"].get("limits") or {}) for one in containers):
            wanted = parse(requests[name])
            limits[name] = str(max(all_limits[name], wanted, key=lambda amount: amount.value))


def _is_supported(name: str) -> bool:
    return name in _COUNTED or name.startswith(_HUGE_PAGES)


def _aggregate(spec: dict[str, Any], kind: str) -> dict[str, Quantity]:
    """What the pod needs at most: all containers together, or an init container with the sidecars before it."""
    total: dict[str, Quantity] = {}
    for container in spec.get("containers") or ():
        _add(total, _parsed(container, kind))
    sidecars: dict[str, Quantity] = {}
    most: dict[str, Quantity] = {}
    for container in spec.get("initContainers") or ():
        own = _parsed(container, kind)
        if container.get("restartPolicy") == "Always":
            _add(total, own)
            _add(sidecars, own)
            own = sidecars
        else:
            _add(own, sidecars)
        _raise(most, own)
    _raise(total, most)
    return total


def _parsed(container: dict[str, Any], kind: str) -> dict[str, Quantity]:
    return {name: parse(text) for name, text in (container["resources"].get(kind) or {}).items()}


def _add(total: dict[str, Quantity], more: dict[str, Quantity]) -> None:
    for name, amount in more.items():
        total[name] = _sum((total[name], amount)) if name in total else amount


def _raise(total: dict[str, Quantity], other: dict[str, Quantity]) -> None:
    for name, amount in other.items():
        if name not in total or amount.value > total[name].value:
            total[name] = amount


def _sum(amounts: Iterable[Quantity]) -> Quantity:
    """As Quantity.Add: the format is that of the first that is not zero."""
    first, second = amounts
    scale = min(first.scale, second.scale)
    unscaled = first.unscaled * 10 ** (first.scale - scale) + second.unscaled * 10 ** (second.scale - scale)
    return Quantity(unscaled, scale, first.format if first.unscaled else second.format, first.large or second.large)
