"""Label selectors (k8s.io/apimachinery/pkg/apis/meta/v1, LabelSelectorAsSelector)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["matches"]


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether `labels` satisfy a label selector; the empty selector matches everything."""
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_requirement(requirement, labels) for requirement in selector.get("matchExpressions") or ())


def _requirement(requirement: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, operator, values = requirement.get("key", ""), requirement.get("operator"), requirement.get("values") or ()
    match operator:
        case "In":
            return labels.get(key) in values if key in labels else False
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case _:  # DoesNotExist; policy.py refuses any other
            return key not in labels
