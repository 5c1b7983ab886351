"""What an export is asked for, and what it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from hostprocess.compile import BINDING_SETS
from hostprocess.export.exemptions import Exemptions
from hostprocess.export.releases import Releases
from hostprocess.model import Resource

__all__ = ["WORKLOADS", "Export", "ExportOptions"]

WORKLOADS = ("deny", "warn", "off")
JSONObject = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """What is exported, and how strictly: see `hostprocess export --help`. `params` is the parameter object of the bundles that take one,
    `exceptions` an exceptions file, judged as on the day `today` (default: the current one)."""

    releases: Releases
    containerd: str = ""
    bundles: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    sets: tuple[str, ...] = tuple(BINDING_SETS)
    workloads: str = "warn"
    per_rule: bool = False
    deny_documented: bool = False
    with_authorizer: bool = False
    include_kube_system: bool = False
    params: Resource | None = None
    params_missing: str = "Allow"
    exemptions: Exemptions = field(default_factory=Exemptions)
    exceptions: str = ""
    today: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """Objects in the order in which they are applied: `base`, then one of the `sets` of bindings. `notes` are for whoever exports."""

    base: tuple[JSONObject, ...]
    sets: Mapping[str, tuple[JSONObject, ...]]
    notes: tuple[str, ...]
