"""What the formats share: the findings of a report, what is known of their rules, and how grave they are. It knows no format."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from hostprocess.errors import place
from hostprocess.fix.words import fix_commands
from hostprocess.model import CLUSTER, FAIL_ON, Decision, InputProblem, Outcome, Policy, Report, Result, Rule
from hostprocess.report.text import printable

__all__ = [
    "LEVELS",
    "About",
    "Finding",
    "Fingerprints",
    "about",
    "clipped",
    "errors",
    "findings",
    "from_root",
    "how_to_fix",
    "json_text",
    "lines_of",
    "one_line",
    "versions",
]

LEVELS = ("error", "warning", "note")
_PASSED = (Outcome.ALLOW, Outcome.SKIP)
_OF_ACTION = {"Deny": "error", "Warn": "warning", "Audit": "note"}
_OF_SEVERITY = {"error": "error", "warning": "warning", "info": "note"}
_ROOTS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR", "BUILD_SOURCESDIRECTORY")
_INDEX = re.compile(r"\[\d+\]")
_MAX_NAME = 500  # characters of one name, path or field
_MAX_TEXT = 10_000  # characters of one message: services refuse, or cut, what is longer


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What is known of a rule of a pack, or of a validation of another policy, by the id that reports give it."""

    id: str
    title: str
    level: str
    rule: Rule | None = None
    expression: str = ""

    @property
    def group(self) -> str:
        """The bundle of a rule; the policy, or nothing, otherwise."""
        return self.rule.bundle if self.rule else self.id.rpartition("/")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A result that is neither a pass nor about something else. `decision` is the one that would stand without an exception.

    What its properties give can be shown: control characters are visible in it, and it is not too long.
    """

    result: Result
    decision: Decision
    about: About
    level: str
    fails: bool
    excepted: str = field(default="")

    @property
    def rule(self) -> str:
        """The id of the rule."""
        return one_line(self.about.id) or "policy"

    @property
    def object(self) -> str:
        """The object, as `Kind namespace/name`."""
        result = self.result
        name = f"{result.namespace}/{result.name}" if result.namespace else result.name or "(no name)"
        return one_line(f"{result.kind} {name}")

    @property
    def fields(self) -> list[str]:
        """The fields at fault."""
        return [one_line(field) for field in self.decision.fields]

    @property
    def message(self) -> str:
        """What the policy says, and why an exception does not cover it any more."""
        by = self.decision.excepted_by
        told = clipped(self.decision.message) or clipped(self.about.title)
        return f"{told} ({clipped(by.text)})" if by and by.expired else told

    @property
    def place(self) -> str:
        """`path:line:column`, or the object of a cluster."""
        return one_line(place(self.result.path, self.result.line, self.result.column).removesuffix(": "))


class Fingerprints:
    """Names for findings that stay when lines, list elements or files are moved. Those of one report differ."""

    def __init__(self) -> None:
        self._seen: Counter[bytes] = Counter()

    def __call__(self, finding: Finding) -> str:
        """The name of a finding: of what is wrong with which object, and of how many alike came before it."""
        result = finding.result
        fields = [_INDEX.sub("[]", one) for one in finding.decision.fields[:1]]
        group = result.api_version.rpartition("/")[0]
        return self.of(finding.about.id, group, result.kind, result.namespace, result.name, *fields)

    def of(self, *parts: str) -> str:
        """The name of something else that these parts tell apart."""
        key = _digest(parts)
        self._seen[key] += 1
        return _digest([key.hex(), str(self._seen[key])]).hex()


def _digest(parts: Sequence[str]) -> bytes:
    return hashlib.sha256(json.dumps(parts).encode()).digest()[:20]


def about(report: Report) -> dict[str, About]:
    """All rules and validations that were evaluated, by the ids that findings name."""
    rules = {rule.id: About(id=rule.id, title=rule.title, level=_OF_SEVERITY[rule.severity], rule=rule) for rule in report.rules}
    others = [one for policy in report.policies if not policy.of_pack for one in _validations(policy)]
    return rules | {one.id: one for one in others}


def _validations(policy: Policy) -> Iterator[About]:
    for index, validation in enumerate(policy.validations):
        title = validation.message.strip() or f"failed expression: {validation.expression.strip()}"
        name = f"{policy.name}/validations[{index}]"
        yield About(id=name, title=clipped(title, 200), level="error", expression=clipped(validation.expression.strip()))


def findings(report: Report) -> Iterator[Finding]:
    """The findings in the order of the report; of those in one document that look the same, the first."""
    known = about(report)
    told: set[tuple[object, ...]] = set()
    document: tuple[str, int] | None = None
    for result in report.results:
        if result.decision.outcome in _PASSED:
            continue
        if document != (result.path, result.document):
            document = (result.path, result.document)
            told.clear()
        finding = _finding(result, known, report.fail_on)
        alike = (finding.about.id, finding.decision.outcome, finding.excepted, finding.decision.message, result.line, result.column, finding.object)
        if alike not in told:
            told.add(alike)
            yield finding


def _finding(result: Result, known: Mapping[str, About], fail_on: str) -> Finding:
    told = result.decision
    excepted = told.outcome is Outcome.EXCEPTED
    by = told.excepted_by
    decision = by.finding if excepted and by and by.finding else told
    name = decision.rule if decision.rule in known else f"{decision.policy}/{decision.rule}".rstrip("/")
    found = known.get(name) or About(id=name, title=f"the policy {decision.policy}", level="error")
    action = decision.actions[0] if decision.actions else ""
    return Finding(
        result=result,
        decision=decision,
        about=found,
        level=_OF_ACTION.get(action, found.level if excepted else "note"),
        fails=not excepted and action in FAIL_ON[fail_on],
        excepted=(clipped(by.text) if by else clipped(told.message) or "excepted") if excepted else "",
    )


def errors(report: Report) -> list[InputProblem]:
    """What could not be read."""
    return [problem for problem in report.problems if not problem.note]


def versions(report: Report) -> dict[str, str]:
    """The versions of tool, pack and targets; of the pack only where there is one."""
    pack = {"pack": report.pack_version} if report.pack_version else {}
    return {"hostprocess": report.version, **pack, "kubernetes": report.targets.kubernetes, "containerd": report.targets.containerd}


def clipped(text: str, length: int = _MAX_TEXT) -> str:
    """Text that a service can take and show: line breaks stay, other control characters become visible, and it is not too long."""
    text = text.replace("\r\n", "\n").strip("\n")
    if len(text) > length:
        text = f"{text[:length]}… ({len(text):,} characters)"
    return "\n".join(map(printable, text.split("\n")))


def one_line(text: str, length: int = _MAX_NAME) -> str:
    """Text for a line of its own or a part of one."""
    return printable(text if len(text) <= length else f"{text[:length]}…")


def how_to_fix(one: About) -> list[str]:
    """What to do about a finding: the advice of the rule, and the command that does it, if there is one."""
    if one.rule is None:
        return []
    return [" ".join(str(one.rule.remediation["text"]).split()), *fix_commands(one.rule)]


def lines_of(result: Result) -> list[tuple[int, str]]:
    """The line at fault and those around it, with their numbers, as they can be shown; none of an object of a cluster."""
    if not result.line:
        return []
    lines = [*result.before, result.excerpt, *result.after]
    return [(result.line - len(result.before) + index, printable(line.expandtabs(4))) for index, line in enumerate(lines)]


def from_root(path: str) -> str:
    """A file as a CI service knows it, from the root of the repository, where it lies below that or the current folder; with slashes."""
    if not path or path.startswith(("<", CLUSTER)):  # standard input, or no file at all
        return path
    folder = os.getcwd()
    whole = PurePath(os.path.normpath(os.path.join(folder, path)))
    for root in (*filter(None, map(os.environ.get, _ROOTS)), folder):
        if whole.is_relative_to(os.path.normpath(root)):
            return whole.relative_to(os.path.normpath(root)).as_posix()
    return path.replace(os.sep, "/")


def json_text(value: object, indent: int | None = None) -> str:
    """JSON in ASCII, in which no CI service finds a command."""
    return json.dumps(value, indent=indent).replace("##", "#\\u0023")
