"""Writes docs/rules.md and docs/rules/ from the rule files and their suites: `make docs`. With `--check` it writes nothing and tells what is out of date."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from hostprocess.api import load_rules
from hostprocess.cel.tree import TreeRuntime
from hostprocess.explain import applies_to
from hostprocess.model import Rule
from hostprocess.render import rules_markdown
from hostprocess.rules import Pack, suite_path
from hostprocess.suite.native import Case, decisions_of, load_suite

try:
    from hostprocess.fix.words import fix_commands, fix_words
except ImportError:  # of a checkout without the command
    fix_commands = fix_words = lambda rule: []

DOCS = Path(__file__).parent.parent.parent / "docs"
EVIDENCE = {
    "apiserver": "the API server's own code refuses it",
    "code": "the code of kubelet, containerd or hcsshim shows it",
    "documented": "the documentation says so, and nothing was found that contradicts it",
}
GIVEN = ("containerd", "kubernetes", "params", "namespace", "userInfo", "operation")
"""The keys of a case, besides its object, that decide about it."""


def pages(pack: Pack) -> dict[Path, str]:
    """Every generated page by its file."""
    return {DOCS / "rules.md": index(pack), **{DOCS / "rules" / f"{rule.id}.md": page(pack, rule) for rule in pack.rules}}


def index(pack: Pack) -> str:
    """The table of all rules, each with a link to its page."""
    rows = rules_markdown(pack)
    for rule in pack.rules:
        rows = rows.replace(f"| `{rule.id}` |", f"| [`{rule.id}`](rules/{rule.id}.md) |")
    about = "Made from the rule files and their suites by `make docs`. Each rule has a page; `hostprocess explain RULE` tells the same at a terminal."
    return f"# Rules\n\n{about}\n\n{rows}\n"


def page(pack: Pack, rule: Rule) -> str:
    """What one rule says and why, what to do, an example of each kind, and how to except it."""
    cases = [case for case in load_suite(pack, rule).cases if "wrap" not in case.raw]
    failing = next(case for case in cases if case.raw.get("expect") in ("deny", "warn", "audit"))
    passing = next(case for case in cases if case.raw.get("expect") == "allow")
    parts = [
        f"# {rule.id}",
        f"{rule.title}.",
        "\n".join(facts(pack, rule)),
        "## Why",
        words(rule.rationale),
        *(["Messages that it explains:", code("text", "\n".join(rule.symptoms))] if rule.symptoms else []),
        "## How to fix it",
        words(str(rule.remediation["text"])),
        *map(words, fix_words(rule)),
        *([code("console", "\n".join(f"{one} --diff deploy/" for one in fix_commands(rule)))] if fix_commands(rule) else []),
        "## An example that fails",
        *example(failing),
        "It is told:",
        code("text", "\n".join(told(pack, rule, failing))),
        "## An example that passes",
        *example(passing),
        "## How to except it",
        "With a reason, an owner and an end, in `.hostprocess-exceptions.yaml`: [Exceptions and baselines](../exceptions.md).",
        code("yaml", exception(rule, failing)),
        f"`hostprocess check --ignore {rule.id}` leaves the rule out of a run altogether.",
        "## Source",
        "\n".join(links(rule)),
    ]
    return "\n\n".join(parts) + "\n"


def facts(pack: Pack, rule: Rule) -> Iterator[str]:
    """The table at the top of a page."""
    bundle = pack.bundles[rule.bundle]
    releases = [text for text in (applies_to(rule.kubernetes, "Kubernetes"), applies_to(rule.containerd, "containerd")) if text]
    yield "| | |"
    yield "|---|---|"
    yield f"| severity | {rule.severity} |"
    yield f"| bundle | `{bundle.name}`: {bundle.title}{'' if bundle.default else ' (off unless asked for)'} |"
    yield f"| enforced by | {', '.join(rule.enforced_by) or 'nothing but this pack'} |"
    yield f"| how it is known | {EVIDENCE[rule.evidence]} |"
    yield f"| releases | {' and '.join(releases) or 'all'} |"
    yield f"| status | {rule.status}, since {rule.since} of the pack |"


def example(case: Case) -> Iterator[str]:
    """The object of a case, and what it is judged with."""
    yield code("yaml", dump(case.object))
    given = {key: case.raw[key] for key in GIVEN if case.raw.get(key) is not None}
    if given:
        yield "Judged with:"
        yield code("yaml", dump(given))


def told(pack: Pack, rule: Rule, case: Case) -> Iterator[str]:
    """What the rule says of a case, as the engine decides now."""
    found = [one for one in decisions_of(pack, rule, case, TreeRuntime()) if one.message]
    assert found, (rule.id, case.name)
    for one in found:
        yield one.message
        if one.fields:
            yield f"at {', '.join(one.fields)}"


def exception(rule: Rule, case: Case) -> str:
    """An entry of the exceptions file for the failing example."""
    metadata = case.object["metadata"]
    match = {key: metadata[key] for key in ("namespace", "name") if key in metadata}
    entry = {"rule": rule.id, "match": match, "owner": "team-of-yours", "reason": "Say why this is right.", "expires": "2030-12-31"}
    return dump({"exceptions": [entry]})


def links(rule: Rule) -> Iterator[str]:
    """Where the rule comes from."""
    for path in (rule.path, suite_path(rule)):
        inside = Path(os.path.relpath(path, DOCS.parent)).as_posix()
        yield f"* [{inside}](../../{inside})"
    yield from (f"* <{link}>" for link in rule.references)


def words(text: str) -> str:
    """Text of a rule file as a paragraph of Markdown: nothing in it is markup."""
    folded = " ".join(text.split())
    for sign in "\\`*_<[|":
        folded = folded.replace(sign, f"\\{sign}")
    return folded


def code(language: str, text: str) -> str:
    """A fenced block."""
    fence = "````" if "```" in text else "```"
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def dump(value: Any) -> str:
    """YAML in the order of the keys."""
    text: str = yaml.dump(value, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=140)
    return text


def stale(wanted: dict[Path, str]) -> list[str]:
    """The pages that are missing, differ or should not be there."""
    there = {*(DOCS / "rules").glob("*.md"), DOCS / "rules.md"}
    differ = [path for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text]
    return sorted(path.relative_to(DOCS.parent).as_posix() for path in {*differ, *(there - wanted.keys())})


def main(arguments: Sequence[str]) -> int:
    """Writes the pages, or compares them."""
    wanted = pages(load_rules())
    if "--check" in arguments:
        for path in (old := stale(wanted)):
            print(f"{path} is not what the rule files and suites say: run `make docs`", file=sys.stderr)
        return 1 if old else 0
    (DOCS / "rules").mkdir(parents=True, exist_ok=True)
    for path in (DOCS / "rules").glob("*.md"):
        if path not in wanted:
            path.unlink()
    for path, text in wanted.items():
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
