"""Reports for the tests of report formats: made by a run, and made by hand with text in them that tries to be more than text."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis.strategies as st

from hostprocess import __version__
from hostprocess.api import check_files, load_policies, write_report
from hostprocess.model import Decision, ExceptedBy, InputProblem, Outcome, Report, Result, Summary, Targets

REPOSITORY = Path(__file__).parent.parent
SCHEMAS = Path(__file__).parent / "schemas"
FORMATS = ("text", "json", "jsonl", "sarif", "junit", "github", "gitlab", "markdown", "policyreport", "html")
ACTION = {Outcome.DENY: "Deny", Outcome.WARN: "Warn", Outcome.AUDIT: "Audit", Outcome.ERROR: "Deny", Outcome.UNKNOWN: "Deny"}
# Each is a way out of some format, or into a log.
HOSTILE = (
    *(
        "]]>",
        "<!--",
        "-->",
        "</script><script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        '"',
        "'",
        '" onclick="alert(1)',
        ",x=y",
        "&amp;",
        "&#10;",
        "<![CDATA[",
        "<br>",
    ),
    *("\n", "\r", "\r\n", "\t", "\0", "\x1b[31m", "\x85", "\u2028", "\u2029", "\u202e", "\u2066", "\ufeff", "\ufffe", "\ud800", "\U000e0001"),
    *("\n::error::x", "::set-output name=a::b", "::add-mask::a", "##[add-mask]a", "##vso[task.setvariable]a", "%0A::error::", "::"),
    *("`", "``", "|", "\\|", "\\", "[a](http://evil.example)", "![a](http://evil.example/x.png)", "https://evil.example", "@octocat", "#1", "**", "~~~", "---"),
    *("{0}", "{{", "$(id)", "%", "=cmd()", ",", ":", ";", "../../etc/passwd", "C:\\a b", "日本", "é", " "),
)
hostile_text = st.lists(st.sampled_from(HOSTILE) | st.text(max_size=3), max_size=6).map("".join)


@cache
def report_of(name: str) -> Report:
    """`findings` (those of the examples), `nothing` or `everything` (with what passed), each from a run."""
    paths = [str(REPOSITORY / "examples")] if name != "nothing" else []
    return check_files(paths, load_policies(), show_all=name == "everything")


def written(report: Report, name: str) -> str:
    """The report in a format."""
    stream = io.StringIO()
    write_report(report, stream, name)
    return stream.getvalue()


def decision(outcome: Outcome = Outcome.DENY, **rest: Any) -> Decision:
    """A decision with the action that its outcome stands for."""
    given = {"policy": "p", "binding": "b", "rule": "validations[0]", "message": "too many", "fields": ("spec.replicas",), **rest}
    given.setdefault("actions", (ACTION[outcome],) if outcome in ACTION else ())
    return Decision(outcome=outcome, **given)


def excepted(by: str = "exception", **rest: Any) -> Decision:
    """A decision that an exception covers."""
    return decision(Outcome.EXCEPTED, message="excepted", excepted_by=ExceptedBy(by=by, reason="agreed", finding=decision(**rest)))


def result(made: Decision | None = None, **rest: Any) -> Result:
    """A result about a Deployment."""
    given = {"path": "deploy/app.yaml", "document": 0, "line": 7, "column": 3, "excerpt": "  replicas: 50", "before": ("spec:",), "after": ("  template:",)}
    named = {"api_version": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "web", "operation": "CREATE"}
    return Result(decision=made or decision(), **{**given, **named, **rest})


def report(*results: Result, problems: tuple[InputProblem, ...] = (), **rest: Any) -> Report:
    """A report with some results."""
    outcomes = Counter(one.decision.outcome for one in results)
    actions = Counter(one.decision.actions[0] for one in results if one.decision.actions)
    errors = sum(not one.note for one in problems)
    summary = Summary(outcomes=outcomes, actions=actions, resources=len(results), requests=len(results), errors=errors)
    made = Report(
        targets=Targets(kubernetes="1.37", containerd="1.7"),
        summary=summary,
        results=results,
        problems=problems,
        version=__version__,
        pack_version="hostprocess 0.1.0",
        rules=report_of("nothing").rules,
    )
    return replace(made, **rest)


def filled(text: Any) -> Report:
    """A report with text from `text()` wherever a manifest, a policy or a file name can put some."""
    outcomes = [*ACTION, Outcome.EXCEPTED, Outcome.ALLOW, Outcome.SKIP]
    results = []
    for outcome in outcomes:
        by = ExceptedBy(by="exception", reason=text(), owner=text(), ticket=text(), path=text(), finding=decision(message=text(), fields=(text(),)))
        made = decision(
            outcome,
            **{name: text() for name in ("policy", "binding", "message", "client_message")},
            rule=text() if outcome is not Outcome.DENY else "requires-host-network",
            fields=(text(), text()),
            warnings=(text(),),
            audit_annotations={text(): text()},
            excepted_by=by if outcome is Outcome.EXCEPTED else None,
        )
        given: Mapping[str, Any] = {name: text() for name in ("path", "excerpt", "api_version", "kind", "namespace", "name")}
        results.append(result(made, before=(text(),), after=(text(),), **given))
    problems = (InputProblem(path=text(), message=text(), line=3), InputProblem(path=text(), message=text()), InputProblem(path="", message=text(), note=True))
    return report(*results, problems=problems)


def huge() -> Report:
    """A report with a message, a name and a field of a million characters each."""
    text = "x" * 1_000_000
    return report(result(decision(message=text, fields=(text,)), name=text), problems=(InputProblem(path="a.yaml", message=text, line=1),))


def worst() -> Report:
    """All hostile text, one after another."""
    texts = iter(HOSTILE * 5)
    return filled(lambda: next(texts))


def foreign(folder: Path) -> Report:
    """A report of a policy that is of no pack."""
    (folder / "policy.yaml").write_text(
        """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: replicas}
spec:
  matchConstraints: {resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}]}
  validations:
    - {expression: object.spec.replicas <= 5, message: at most five}
    - {expression: object.spec.replicas > 0}
"""
    )
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}
    spec = {"replicas": 50, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    (folder / "app.yaml").write_text(json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}, indent=1))
    return check_files([str(folder / "app.yaml")], load_policies([str(folder / "policy.yaml")], assume_binding="deny"), namespace="shop")


def unread(folder: Path) -> Report:
    """A report of a file that is no YAML, beside one with a finding."""
    (folder / "broken.yaml").write_text("a: [\n")
    (folder / "pod.yaml").write_text((REPOSITORY / "examples" / "device-plugin.yaml").read_text())
    return check_files([str(folder)], load_policies())
