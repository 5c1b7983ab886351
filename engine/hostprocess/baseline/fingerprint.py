"""What a baseline knows a finding by: it stays the same when lines move and documents or containers change places."""

from __future__ import annotations

import hashlib
import json
from typing import Any, NamedTuple

from hostprocess.kubernetes.fields import format_path, parse_path
from hostprocess.kubernetes.kinds import group_version
from hostprocess.model import Decision, Outcome, Policy, Request

__all__ = ["Fingerprint", "fingerprints_of", "rule_of", "stable_field"]

_CERTAIN = (Outcome.DENY, Outcome.WARN, Outcome.AUDIT)
# What tells the elements of Kubernetes' lists apart: the merge keys of its API, the more telling first.
_KEYS = ("name", "mountPath", "devicePath", "containerPort", "ip", "topologyKey", "key", "path", "port")


class Fingerprint(NamedTuple):
    """Rule, object and field of a finding; `outcome` only where the evaluation failed or lacked an input, which says nothing of what will be found."""

    rule: str
    kind: str
    namespace: str
    name: str
    field: str
    outcome: str = ""

    def encoded(self) -> str:
        """As one string."""
        return json.dumps(self, ensure_ascii=False, separators=(",", ":"))


def fingerprints_of(policy: Policy, finding: Decision, request: Request) -> tuple[str, ...]:
    """The fingerprints of a finding, one for each field at fault: mending one of two leaves the other known."""
    resource = request.resource
    group, _ = group_version(resource.api_version)
    fields = sorted({stable_field(field, resource.object) for field in finding.fields}) or [""]
    return tuple(
        Fingerprint(
            rule=rule_of(policy, finding),
            kind=f"{group}/{resource.kind}" if group else resource.kind,
            namespace=resource.namespace,
            name=resource.name,
            field=field,
            outcome="" if finding.outcome in _CERTAIN else str(finding.outcome),
        ).encoded()
        for field in fields
    )


def rule_of(policy: Policy, finding: Decision) -> str:
    """The rule of a pack; of other policies the policy and the place in it; of a policy as a whole its name."""
    if finding.rule and policy.of_pack and not finding.rule.startswith("auditAnnotations["):
        return finding.rule
    return f"{policy.name}/{finding.rule}" if finding.rule else policy.name


def stable_field(field: str, value: Any) -> str:
    """A field path in which elements of lists go by what tells them apart, not by their place: `spec.containers[name=agent].image`."""
    text = ""
    for step in parse_path(field):
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
            text += f"[{_identity(value, step)}]"
        else:
            value = value.get(step) if isinstance(value, dict) else None
            shown = format_path((step,))
            text += shown if not text or shown.startswith("[") else f".{shown}"
    return text


def _identity(element: Any, index: int) -> str:
    if element is None:
        return str(index)
    if isinstance(element, dict):
        for key in _KEYS:
            if isinstance(element.get(key), str | int):
                return f"{key}={element[key]}"
        text = json.dumps(element, sort_keys=True, default=str)
        return f"#{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"
    return json.dumps(element, ensure_ascii=False, default=str)
