"""The parameters of an export: the object that the policies take them from, what may stand in it, and what happens without it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hostprocess.compile import PolicyKey
from hostprocess.errors import InputError, PolicyError, UsageError, suggestion
from hostprocess.export.exemptions import KUBE_SYSTEM
from hostprocess.export.options import ExportOptions
from hostprocess.kubernetes.location import locate
from hostprocess.model import Policy, Resource
from hostprocess.policy_fields import is_dns_label, is_dns_subdomain
from hostprocess.rules import PACK_FILE, Pack

__all__ = ["Place", "check_wanted", "parameter_notes", "parameter_objects", "places_of"]

JSONObject = Mapping[str, Any]


class Place(NamedTuple):
    """Where the parameters of a bundle are."""

    api_version: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name} of {self.api_version}"


def places_of(pack: Pack, keys: Iterable[PolicyKey]) -> list[Place]:
    """The parameter objects of the bundles of these policies, which take one. Raises `PolicyError` for names that no object can have."""
    wanted = [about for bundle in dict.fromkeys(key.bundle for key in keys) if (about := pack.bundles[bundle].params)]
    places = list(dict.fromkeys(Place(about["apiVersion"], about["kind"], about["namespace"], about["name"]) for about in wanted))
    for place in places:
        if not is_dns_label(place.namespace) or not is_dns_subdomain(place.name):
            raise PolicyError(f"there cannot be a {place}: the names are not those of objects", path=str(Path(pack.folder) / PACK_FILE))
    return places


def check_wanted(pack: Pack, places: Sequence[Place], options: ExportOptions) -> None:
    """Raises `UsageError` for options about parameters that would do nothing."""
    named = {"--params": options.params is not None, "--params-missing deny": options.params_missing == "Deny"}
    for option in [option for option, given in named.items() if given and not places]:
        bundles = ", ".join(f"`{name}`" for name, bundle in pack.bundles.items() if bundle.params)
        raise UsageError(f"{option}: no rule of this export takes parameters" + (f"; those of the bundle {bundles} do" if bundles else ""))
    if options.params_missing == "Deny" and "deny" not in options.sets:
        raise UsageError("--params-missing deny: is about the bindings `deny`, and this export has none; add --enforcement deny")


def parameter_objects(places: Sequence[Place], params: Resource | None, labels: JSONObject) -> Iterator[JSONObject]:
    """The Namespaces and the parameter objects, of which one holds what `params` does. Raises `InputError` for parameters of the wrong shape."""
    for namespace in dict.fromkeys(place.namespace for place in places):
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}}
    here = _checked(params, places) if params is not None else None
    for place in places:
        given = params.object if params is not None and place == here else {}
        rest = {field: value for field, value in given.items() if field not in ("apiVersion", "kind", "metadata")}
        yield {"apiVersion": place.api_version, "kind": place.kind, "metadata": {"name": place.name, "namespace": place.namespace, "labels": labels}, **rest}


def parameter_notes(places: Sequence[Place], options: ExportOptions, readers: Sequence[Policy]) -> Iterator[str]:
    """What whoever exports should know about the parameters that the policies `readers` take."""
    if options.params is not None:
        yield from _unread(options.params, readers)
    if options.params_missing == "Deny":
        yield _stopped(places, options)


def _checked(given: Resource, places: Sequence[Place]) -> Place:
    """The place that parameters are for; without a name or a namespace they are for the one of their kind. Raises `InputError` for any other."""
    name, namespace = (given.object.get("metadata", {}).get(field) for field in ("name", "namespace"))
    kind = [place for place in places if (place.api_version, place.kind) == (given.api_version, given.kind)]
    fitting = [place for place in kind if name in (None, place.name) and namespace in (None, place.namespace)]
    if len(fitting) != 1:
        wanted = " or ".join(f"the {place}" for place in places)
        found = f"{given.kind} {namespace or 'without namespace'}/{name}" if name else f"{given.kind} without name"
        raise _wrong(given, f"the parameters are {wanted}; this is the {found} of {given.api_version}", ())
    data = given.object.get("data", {})
    if given.kind == "ConfigMap" and not isinstance(data, Mapping):
        raise _wrong(given, "data must be a mapping of strings, with one item a line", ("data",))
    for key, value in data.items() if given.kind == "ConfigMap" else ():
        if not isinstance(value, str):
            raise _wrong(given, f"data.{key} must be a string with one item a line; write it as {key}: |", ("data", key))
    return fitting[0]


def _wrong(given: Resource, message: str, steps: tuple[str, ...]) -> InputError:
    place = locate(given.origin, steps)
    return InputError(f"--params: {message}", path=given.origin.path, line=place.line, column=place.column)


def _unread(params: Resource, readers: Sequence[Policy]) -> Iterator[str]:
    """Keys of parameters that no expression names: a list that is misspelt is one that is not there, and lets everything pass."""
    texts = [variable.expression for policy in readers for variable in policy.variables]
    texts += [text for policy in readers for one in policy.validations for text in (one.expression, one.message_expression)]
    words = {word for text in texts for word in re.findall(r"\w+", text)}
    for key in params.object.get("data", {}) if params.kind == "ConfigMap" else ():
        if not any(re.search(rf"(?<!\w){re.escape(key)}(?!\w)", text) for text in texts):
            yield f"--params: no rule of this export reads data.{key}{suggestion(key, words)}"


def _stopped(places: Sequence[Place], options: ExportOptions) -> str:
    what = "every pod and workload" if options.workloads == "deny" else "every pod"
    spared = [] if options.include_kube_system else [KUBE_SYSTEM]
    spared += ["the exempt namespaces"] if options.exemptions.namespaces or options.exemptions.namespace_selectors else []
    outside = f" outside {' and '.join(spared)}" if spared else ""
    return (
        f"--params-missing deny: while the {' or the '.join(map(str, places))} is missing, the bindings `deny` refuse {what} "
        f"that is created or updated{outside}: Linux ones, static ones and those of exempt users as well"
    )
