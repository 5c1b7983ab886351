"""The frozen dataclasses that flow along the arrows of the architecture. It knows nothing but itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, NamedTuple

__all__ = [
    "CLUSTER",
    "FAIL_ON",
    "UNKNOWN",
    "AuditAnnotation",
    "Binding",
    "Decision",
    "Elements",
    "ExceptedBy",
    "Fix",
    "GroupVersionKind",
    "GroupVersionResource",
    "InputProblem",
    "MatchCondition",
    "MatchConstraints",
    "Origin",
    "Outcome",
    "ParamKind",
    "ParamRef",
    "Policy",
    "Range",
    "Report",
    "Request",
    "Resource",
    "ResourceRule",
    "Result",
    "Rule",
    "RuleValidation",
    "Summary",
    "Targets",
    "Unknown",
    "Validation",
    "Variable",
]

JSONObject = dict[str, Any]


class Outcome(StrEnum):
    """What one rule says about one request. There is no bool: an unknown is never a pass."""

    ALLOW = "allow"
    DENY = "deny"
    WARN = "warn"
    AUDIT = "audit"
    SKIP = "skip"
    ERROR = "error"
    UNKNOWN = "unknown"
    EXCEPTED = "excepted"


class Unknown:
    """The value of an input that nobody gave; `what` says which, and how to give it."""

    __slots__ = ("what",)

    def __init__(self, what: str = "") -> None:
        self.what = what

    def __repr__(self) -> str:
        return f"Unknown({self.what!r})" if self.what else "UNKNOWN"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unknown) and self.what == other.what

    def __hash__(self) -> int:
        return hash((Unknown, self.what))

    def __reduce__(self) -> str | tuple[type[Unknown], tuple[str]]:
        return (Unknown, (self.what,)) if self is not UNKNOWN else "UNKNOWN"


UNKNOWN: Final = Unknown()
CLUSTER: Final = "cluster://"
"""What the paths of objects begin with that were read from a running cluster, not from a file: there are no lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a resource was read: `path` as the user gave it, `document` counted from 0, `line` and `column` from 1.

    `text` is the piece of the source that holds the resource and starts at that line and column; `syntax` is `yaml` or
    `json`; `steps` is the way from the top of that piece to the resource (into the `items` of a List).
    """

    path: str
    document: int = 0
    line: int = 1
    column: int = 1
    text: str = ""
    syntax: str = "yaml"
    steps: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One Kubernetes object as it was read, nulls of built-in kinds dropped."""

    object: JSONObject
    origin: Origin

    @property
    def api_version(self) -> str:
        """`apiVersion`, for example `apps/v1`."""
        return str(self.object.get("apiVersion", ""))

    @property
    def kind(self) -> str:
        """`kind`, for example `Deployment`."""
        return str(self.object.get("kind", ""))

    @property
    def name(self) -> str:
        """`metadata.name`, or `metadata.generateName`, or nothing."""
        metadata = self.object.get("metadata")
        if not isinstance(metadata, dict):
            return ""
        return str(metadata.get("name") or metadata.get("generateName") or "")

    @property
    def namespace(self) -> str:
        """`metadata.namespace`, or nothing."""
        metadata = self.object.get("metadata")
        return str(metadata.get("namespace") or "") if isinstance(metadata, dict) else ""


class GroupVersionKind(NamedTuple):
    """A kind in one version of its group; the core group is the empty string."""

    group: str
    version: str
    kind: str


class GroupVersionResource(NamedTuple):
    """A resource, as it stands in URLs and rules, in one version of its group."""

    group: str
    version: str
    resource: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An admission request: what the API server would ask its plug-ins about `resource`, the manifest it was made of.

    `object` and `old_object` are what expressions see. `name` and `namespace` are those of the request: empty where the API server has none.
    `namespaced` is None where nobody said whether the kind is. `namespace_object` is the Namespace, None where the API server gives null. An
    `Unknown` stands for, and anywhere inside of, what nobody gave.
    Source of the fields: k8s.io/apiserver/pkg/admission/plugin/cel (CreateAdmissionRequest).
    """

    resource: Resource
    group: str
    version: str
    plural: str
    kind: GroupVersionKind
    object: JSONObject | Unknown | None
    subresource: str = ""
    operation: str = "CREATE"
    old_object: JSONObject | Unknown | None = None
    name: str | Unknown = ""
    namespace: str | Unknown = ""
    namespaced: bool | None = True
    namespace_object: JSONObject | Unknown | None = UNKNOWN
    user_info: JSONObject | Unknown = UNKNOWN
    options: JSONObject | Unknown | None = UNKNOWN
    dry_run: bool = False

    @property
    def gvr(self) -> GroupVersionResource:
        """The resource as it was requested."""
        return GroupVersionResource(self.group, self.version, self.plural)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A named expression: `spec.variables[]` of a policy."""

    name: str
    expression: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchCondition:
    """`spec.matchConditions[]` of a policy; may not use `variables`.

    `implies` stays in the engine: expressions of other conditions of its pack that are true wherever this one is.
    """

    name: str
    expression: str
    implies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Elements:
    """How a validation over a list says which elements failed: `expression` gives a list with one bool an element, in the order of `places`.

    `places` are fields relative to the pod (`spec.containers`); with `nested` set each element of them holds a list of that name, and
    the expression gives a list of lists.
    """

    expression: str
    places: tuple[str, ...]
    nested: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """`spec.validations[]` of a policy. `rule`, `when`, `body`, `paths` and `elements` stay in the engine; an export leaves them out.

    `body` is what is left of the expression where `when` is true; where that is false, the expression is true. `number` is that of the validation in its
    rule.
    """

    expression: str
    message: str = ""
    message_expression: str = ""
    reason: str = ""
    rule: str = ""
    when: str = ""
    body: str = ""
    paths: tuple[str, ...] = ()
    elements: Elements | None = None
    number: int = field(default=-1, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditAnnotation:
    """`spec.auditAnnotations[]` of a policy: published under `<policy>/<key>`."""

    key: str
    value_expression: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRule:
    """`resourceRules[]`: which requests a policy is about."""

    operations: tuple[str, ...]
    api_groups: tuple[str, ...]
    api_versions: tuple[str, ...]
    resources: tuple[str, ...]
    resource_names: tuple[str, ...] = ()
    scope: str = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchConstraints:
    """`matchConstraints` of a policy, `matchResources` of a binding."""

    resource_rules: tuple[ResourceRule, ...] = ()
    exclude_resource_rules: tuple[ResourceRule, ...] = ()
    namespace_selector: Mapping[str, Any] = field(default_factory=dict)
    object_selector: Mapping[str, Any] = field(default_factory=dict)
    match_policy: str = "Equivalent"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParamKind:
    """`spec.paramKind` of a policy."""

    api_version: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParamRef:
    """`spec.paramRef` of a binding: either `name` or `selector`."""

    name: str = ""
    namespace: str = ""
    selector: Mapping[str, Any] | None = None
    parameter_not_found_action: str = "Deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A ValidatingAdmissionPolicy. `origin` is where one that was read from YAML stands."""

    name: str
    match_constraints: MatchConstraints
    validations: tuple[Validation, ...]
    variables: tuple[Variable, ...] = ()
    match_conditions: tuple[MatchCondition, ...] = ()
    audit_annotations: tuple[AuditAnnotation, ...] = ()
    failure_policy: str = "Fail"
    param_kind: ParamKind | None = None
    path: str = ""
    origin: Origin | None = field(default=None, compare=False, repr=False)

    @property
    def of_pack(self) -> bool:
        """Whether the policy was compiled from the rules of a pack."""
        return any(validation.rule for validation in self.validations)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A ValidatingAdmissionPolicyBinding. `validation_actions` are sorted, the strongest first; `written_actions` are in the order of the object."""

    name: str
    policy_name: str
    validation_actions: tuple[str, ...]
    written_actions: tuple[str, ...] = ()
    param_ref: ParamRef | None = None
    match_resources: MatchConstraints | None = None
    path: str = ""
    origin: Origin | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Releases, as `major.minor`: from `since` on and before `before`; empty is open."""

    since: str = ""
    before: str = ""

    def holds(self, version: str) -> bool:
        """Whether `version` lies in the range."""
        number = _number(version)
        return (not self.since or number >= _number(self.since)) and (not self.before or number < _number(self.before))


@lru_cache(maxsize=1024)
def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")[:2]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """What `hostprocess fix` does about a failed validation: `op` is `remove` or `set`, at `path` of the pod, else at the fields that the finding names.

    `safe_if` is an expression without which a safe fix is not safe; `why` gives the reasons.
    """

    op: str
    safe: bool
    why: str
    path: str = ""
    value: bool | str | None = None
    safe_if: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleValidation:
    """`validations[]` of a rule file: see docs/writing-rules.md. `fix` is its own, or that of the rule."""

    expression: str
    severity: str
    each: str = ""
    message: str = ""
    message_expression: str = ""
    paths: tuple[str, ...] = ()
    kubernetes: Range = Range()
    containerd: Range = Range()
    fix: Fix | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule file: see docs/writing-rules.md."""

    id: str
    title: str
    severity: str
    bundle: str
    evidence: str
    enforced_by: tuple[str, ...]
    status: str
    since: str
    rationale: str
    when: str
    validations: tuple[RuleValidation, ...]
    remediation: Mapping[str, Any]
    symptoms: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    kubernetes: Range = Range()
    containerd: Range = Range()
    param_kind: ParamKind | None = None
    inputs: tuple[str, ...] = ()
    opt_in: str = ""
    replaced_by: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What one validation, or one rule as a whole, says about one request.

    `actions` are the binding's validation actions that follow, strongest first; `fields` the concrete fields at fault;
    `message` the reason, also of a skip, an error or an unknown. Where an action follows, `reason` and `code` are those of the status that a denial
    has; `warnings` are the texts of Warning headers, `client_message` is what kubectl prints, for a foreign policy. `audit_annotations` are those that
    the policy publishes for the request. `index` is the validation's, as the API server counts, -1 for a policy as a whole. `excepted_by` says why a
    finding does not count, or that it counts again.
    """

    policy: str
    binding: str
    rule: str
    outcome: Outcome
    actions: tuple[str, ...] = ()
    message: str = ""
    fields: tuple[str, ...] = ()
    reason: str = ""
    code: int = 0
    warnings: tuple[str, ...] = ()
    audit_annotations: Mapping[str, str] = field(default_factory=dict)
    client_message: str = ""
    index: int = -1
    excepted_by: ExceptedBy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptedBy:
    """What covers a finding: `by` is `exception` (an entry of the exceptions file at `path` and `line`), `annotation` (of the object itself) or `baseline`.

    With `expired` set the finding counts, as the exception has ended; else `finding` is the decision as it would be without. `expires` is the last day,
    as `2026-12-31`, empty for none. `fingerprints` are what a baseline knows the finding by.
    """

    by: str
    reason: str = ""
    owner: str = ""
    ticket: str = ""
    expires: str = ""
    path: str = ""
    line: int = 0
    expired: bool = False
    finding: Decision | None = None
    fingerprints: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What a report says about it, in one line."""
        about = [*filter(None, (self.owner, self.ticket))]
        if self.expires:
            about.append(f"{'expired on' if self.expired else 'until'} {self.expires}")
        place = f" {self.path}:{self.line}" if self.line else f" {self.path}" if self.path else ""
        reason = f": {self.reason}" if self.reason else ""
        return f"{self.by}{place}{reason}" + (f" ({', '.join(about)})" if about else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A decision with the resource it is about and the place to point at; `excerpt` is the source line there, `before` and `after` are those around it."""

    decision: Decision
    path: str
    document: int
    line: int
    column: int
    excerpt: str
    api_version: str
    kind: str
    namespace: str
    name: str
    operation: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InputProblem:
    """Something that could not be read or is not what Kubernetes would accept. `note` marks what is only worth a mention."""

    path: str
    message: str
    line: int = 0
    column: int = 0
    note: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """The releases that rules are selected for, as `major.minor`; `kubernetes_until` is the last of a range that begins with `kubernetes`."""

    kubernetes: str
    containerd: str
    kubernetes_until: str = ""

    def allow(self, one: Rule | RuleValidation) -> bool:
        """Whether a rule, or a validation of one, holds in all of these releases."""
        ends = (self.kubernetes, self.kubernetes_until or self.kubernetes)
        return all(map(one.kubernetes.holds, ends)) and one.containerd.holds(self.containerd)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Counts of one run: `outcomes` by outcome, `actions` by the strongest action that follows, `resources` read, `requests` that a policy
    was about, `errors` of input."""

    outcomes: Mapping[Outcome, int]
    actions: Mapping[str, int]
    resources: int
    requests: int
    errors: int


FAIL_ON: Final[Mapping[str, tuple[str, ...]]] = {"deny": ("Deny",), "warn": ("Deny", "Warn"), "audit": ("Deny", "Warn", "Audit")}
"""The actions that fail a run, by what `--fail-on` takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that a reporter may know. `results` can be iterated any number of times.

    `rules` are those of packs that were asked for, `policies` all that were; `fail_on` is the weakest finding that fails the run.
    """

    targets: Targets
    summary: Summary
    results: Iterable[Result]
    problems: tuple[InputProblem, ...]
    version: str
    pack_version: str
    rules: tuple[Rule, ...] = ()
    policies: tuple[Policy, ...] = ()
    fail_on: str = "deny"

    @property
    def failed(self) -> bool:
        """Whether there are findings that fail the run."""
        return any(self.summary.actions.get(action) for action in FAIL_ON[self.fail_on])
