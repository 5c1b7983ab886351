"""Rules, explanations and advice as text: what `rules` and `explain` print."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from hostprocess.explain import Explanation, applies_to
from hostprocess.fix.words import fix_words
from hostprocess.model import Rule
from hostprocess.policy_lint.report import LintReport
from hostprocess.report.text import printable
from hostprocess.rules import Advice, Pack

if TYPE_CHECKING:
    from hostprocess.suite.trace import Trace  # loads the CEL front end

__all__ = ["explanation", "lint_json", "lint_text", "rules_json", "rules_markdown", "rules_table", "symptom", "trace"]

_WIDTH = 100


def rules_table(pack: Pack) -> str:
    """One line a rule, grouped by bundle."""
    width = max(len(rule.id) for rule in pack.rules)
    return "\n".join(
        line
        for bundle in pack.bundles.values()
        for line in (
            f"{bundle.name}: {bundle.title}" + ("" if bundle.default else " (off unless asked for)"),
            *(f"  {rule.id:<{width}}  {rule.severity:<7}  {rule.title}" for rule in _of(pack, bundle.name)),
            "",
        )
    ).rstrip()


def lint_text(rules: int, problems: Sequence[str], report: LintReport | None, *, packs: bool) -> str:
    """What lint found: of packs one problem a line, of policies their findings."""
    lines = list(problems)
    if packs:
        lines.append(f"{rules} rules, {len(problems)} problems" if problems else f"{rules} rules, no problems")
    if report is not None:
        lines += map(printable, report.as_text())
    return "\n".join(lines)


def lint_json(rules: int, problems: Sequence[str], report: LintReport | None) -> str:
    """The same as JSON."""
    unreadable = (
        [{"path": one.path, "line": one.line, "column": one.column, "message": one.message} for one in report.problems if not one.note] if report else []
    )
    value = {"rules": rules, "problems": list(problems), "findings": report.as_json() if report else [], "unreadable": unreadable}
    return json.dumps(value, indent=2, ensure_ascii=False)


def rules_markdown(pack: Pack) -> str:
    """A Markdown table of all rules."""
    lines = ["| rule | bundle | severity | enforced by | what it says |", "|---|---|---|---|---|"]
    for bundle in pack.bundles:
        for rule in _of(pack, bundle):
            title = rule.title.replace("|", "\\|")
            lines.append(f"| `{rule.id}` | {rule.bundle} | {rule.severity} | {', '.join(rule.enforced_by) or 'this pack only'} | {title} |")
    return "\n".join(lines)


def rules_json(pack: Pack) -> str:
    """All that identifies each rule, as a JSON list."""
    return json.dumps(
        [
            {
                "id": rule.id,
                "title": rule.title,
                "bundle": rule.bundle,
                "severity": rule.severity,
                "evidence": rule.evidence,
                "enforcedBy": list(rule.enforced_by),
                "status": rule.status,
                "since": rule.since,
                "rationale": rule.rationale,
                "remediation": rule.remediation,
                "references": list(rule.references),
            }
            for rule in pack.rules
        ],
        indent=2,
    )


def explanation(explained: Explanation) -> str:
    """Why there is a rule, how to mend a pod that fails it, and an example of each."""
    return "\n".join(_rule(explained.rule)) + _example("An example that fails", explained.failing) + _example("An example that passes", explained.passing)


def trace(found: Trace, place: str) -> str:
    """What was decided about a resource, and how that came about."""
    from hostprocess.suite.expect import outcome_of  # as above

    resource = found.resource
    lines = [printable(f"{place}{resource.kind} {f'{resource.namespace}/{resource.name}'.strip('/')}: {outcome_of(found.decisions)}")]
    for one in found.decisions:
        if one.message:
            lines.append(printable(f"    {one.outcome}: {one.message}" + (f"  at {', '.join(one.fields)}" if one.fields else "")))
    return "\n".join([*lines, *(printable(f"    {line}") for line in found.lines)])


def symptom(found: Rule | Advice) -> str:
    """What explains an error message."""
    if isinstance(found, Rule):
        return "\n".join([*_rule(found), "", f"Examples: hostprocess explain {found.id}"])
    return "\n".join([found.title, "", _wrapped(found.text), *_links(found.references)])


def _of(pack: Pack, bundle: str) -> list[Rule]:
    return [rule for rule in pack.rules if rule.bundle == bundle]


def _rule(rule: Rule) -> Iterator[str]:
    by = f"enforced by {', '.join(rule.enforced_by)}" if rule.enforced_by else "enforced by nothing but this pack"
    yield f"{rule.id}: {rule.title}"
    yield f"{rule.severity}, bundle {rule.bundle}, {by}"
    if releases := [text for text in (applies_to(rule.kubernetes, "Kubernetes"), applies_to(rule.containerd, "containerd")) if text]:
        yield f"for {' and '.join(releases)}"
    yield ""
    yield _wrapped(rule.rationale)
    yield ""
    yield "How to fix it"
    yield _wrapped(str(rule.remediation["text"]))
    yield from (_wrapped(text) for text in fix_words(rule))
    yield from _links(rule.references)


def _links(links: tuple[str, ...]) -> list[str]:
    return ["", "See", *(f"  {link}" for link in links)] if links else []


def _wrapped(text: str) -> str:
    return textwrap.fill(text.strip(), _WIDTH, initial_indent="  ", subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _example(title: str, text: str) -> str:
    return f"\n\n{title}\n{textwrap.indent(text.rstrip(), '  ')}" if text else ""
