"""What every suite format comes to: suites of cases, each a request and what is expected of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from hostprocess.errors import PolicyError
from hostprocess.model import Binding, Decision, Outcome, Policy

if TYPE_CHECKING:
    from hostprocess.coverage.model import Unreachable  # of runs with coverage only

__all__ = ["Case", "Expected", "ExpectedValue", "Failure", "JSONObject", "MessageCount", "Setting", "Subject", "Suite", "Unasked"]

JSONObject = dict[str, Any]


class Subject(Protocol):
    """What a suite is about."""

    @property
    def name(self) -> str:
        """The rule or the policies, in one word."""

    @property
    def kubernetes(self) -> str:
        """The release of cases that name none."""

    @property
    def containerd(self) -> str:
        """The release of cases that name none."""

    @property
    def objects(self) -> Sequence[JSONObject]:
        """What is known beside the inventory of a case."""

    def compiled(self, kubernetes: str, containerd: str) -> tuple[Sequence[Policy], Sequence[Binding]]:
        """The policies for these releases; none where it does not hold there."""

    def with_variables(self, kubernetes: str, containerd: str) -> tuple[Sequence[Policy], Sequence[Binding]]:
        """The same with every variable that a test may read, whether a validation needs it or not."""

    def concerns(self, decision: Decision) -> bool:
        """Whether a decision of these policies is one about it."""

    def place(self, policy: Policy, index: int) -> tuple[str, int]:
        """File and line of a validation; of the whole for an index below 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What the object of a case is judged with.

    `old_object` is None where none was given; `user_info` likewise. `namespace` is a name or a Namespace. `params` are parameter objects, None where
    the case says nothing of them; with `without_params` the binding has no paramRef. An empty release is that of the subject. `raw` takes the objects
    as they are written, without defaults. `dry_run` marks the request as one of a server-side dry run.
    """

    operation: str = "CREATE"
    subresource: str = ""
    old_object: JSONObject | None = None
    user_info: JSONObject | None = None
    namespace: str | JSONObject = ""
    params: tuple[JSONObject, ...] | None = None
    without_params: bool = False
    inventory: tuple[JSONObject, ...] = ()
    kubernetes: str = ""
    containerd: str = ""
    raw: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class MessageCount:
    """How many failing validations have a message that the RE2 expression `matches` matches; None: at least one."""

    matches: str
    count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What is expected of a decision; what is None is not looked at.

    `also` are other outcomes that do as well. `only` leaves out the decisions of other rules, or policies. `message` is a part of a message,
    `message_matches` an RE2 expression for one; `rules` are all that fail; `field` is the first field of a finding, `fields` are all of one; `failures`
    counts findings, `messages` those with certain messages; of `warnings` each is a part of one, and there are no others; an audit annotation that is
    None is not published.
    """

    outcome: Outcome
    also: tuple[Outcome, ...] = ()
    only: str = ""
    message: str | None = None
    message_matches: str | None = None
    rules: tuple[str, ...] | None = None
    field: str | None = None
    fields: tuple[str, ...] | None = None
    failures: int | None = None
    messages: tuple[MessageCount, ...] = ()
    audit_annotations: Mapping[str, str | None] | None = None
    warnings: tuple[str, ...] | None = None

    @property
    def wants_details(self) -> bool:
        """Whether it takes the fields of findings, or audit annotations, to tell."""
        return self.field is not None or self.fields is not None or self.audit_annotations is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedValue:
    """What an expression is expected to give: a `value`, or an `error` of which that is a part. `variable` is its name, if it is one."""

    expression: str
    variable: str = ""
    value: Any = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unasked:
    """What the runner of another format, `tool`, makes of a case of which nothing asks the policy: it calls it passed.

    `judged` are the policies as the tool takes them if it evaluates them all the same: then what they come to has to be as expected. `conditions` says
    that a matchCondition that is false counts as well.
    """

    tool: str
    judged: Subject | None = None
    conditions: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case. `raw` holds its keys as the file has them, after defaults and matrices; of a case of another format those that it has in ours.

    `unasked` is None where a case that expects a decision and gets none fails in every runner.
    """

    name: str
    object: JSONObject
    setting: Setting
    expected: Expected | ExpectedValue
    path: str
    line: int
    raw: Mapping[str, Any] = field(default_factory=dict)
    unasked: Unasked | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """The cases of one file, and what they are about.

    `errors` tell of tests in it that cannot be run here, `left_out` counts those that it switches off itself; `unreachable` is what coverage leaves out.
    """

    subject: Subject
    cases: tuple[Case, ...]
    path: str
    errors: tuple[PolicyError, ...] = ()
    left_out: int = 0
    unreachable: tuple[Unreachable, ...] = ()

    @property
    def name(self) -> str:
        """The rule or the policies it is about, in one word."""
        return self.subject.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a case failed: what was expected and what came, what was decided, and how it came about, line by line.

    `vacuous` marks one that the runner of its own format would call passed, because nothing matched.
    """

    case: Case
    problems: tuple[str, ...]
    decisions: tuple[Decision, ...] = ()
    trace: tuple[str, ...] = ()
    vacuous: bool = False

    @property
    def message(self) -> str:
        """The first problem."""
        return self.problems[0]

    def __str__(self) -> str:
        lines = [f"{self.case.path}:{self.case.line}: case {self.case.name!r}: {self.problems[0]}"]
        lines += [f"    {problem}" for problem in self.problems[1:]]
        lines += [f"    {one.outcome}: {one.message}" + (f"  at {', '.join(one.fields)}" if one.fields else "") for one in self.decisions]
        return "\n".join([*lines, *(f"    {line}" for line in self.trace)])
