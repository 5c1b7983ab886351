"""docs/conformance.md, written by the run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from compare import Tally
from session import MINORS

__all__ = ["document"]

_TITLES = {
    "rules": "Rules with `evidence: apiserver` against the real validation of generated pods and templates",
    "admitted": "The object as the API server presents it to policies",
    "pack": "Our pack on the examples and on every case of every suite",
    "policies": "Policies as others write them (`tests/conformance/policies`)",
    "expressions": "Generated expressions: type, value, error text, cost",
    "triples": "Generated policies, objects and requests",
    "lint": "Static validation of policies and bindings; type checking",
    "rbac": "The authorizer on generated RBAC objects",
}

_COUNTS = (
    ("error kinds", "Errors that the policies met in the API server", "error"),
    ("verdicts of policies", "What the API server said of the written policies (a verdict may be several of these)", "verdict"),
    ("verdicts of triples", "What the API server said of the generated triples", "verdict"),
)


# What tests/cluster/results.py writes.
_OF_CLUSTER = re.compile("<!-- make cluster-test: begin -->.*<!-- make cluster-test: end -->\n", re.DOTALL)


def document(tally: Tally, seed: int, old: str = "") -> str:
    """The whole text. Of the `old` one the section about a real API server is kept: it has another writer."""
    text = "\n".join([*_head(seed), *_parts(tally), *_figures(tally.figures), *_known(tally)]) + "\n"
    kept = _OF_CLUSTER.search(old)
    return f"{text}\n{kept[0]}" if kept else text


def _head(seed: int) -> Iterator[str]:
    yield "# Conformance"
    yield ""
    yield "Written by `make conformance`; do not edit. The run compares hostprocess, field by field, with the code of kube-apiserver itself"
    yield f"(`tests/oracle`, built on the Kubernetes modules) in the releases {', '.join(MINORS)}. Generated cases come from the seed {seed}. A difference"
    yield "that is not listed below fails the run. A cell reads agreements/cases; known differences are those of the list at the end."
    yield ""


def _parts(tally: Tally) -> Iterator[str]:
    for part, title in _TITLES.items():
        keys = [key for key in tally.cases if key[0] == part]
        if not keys:
            continue
        yield f"## {title}"
        yield ""
        yield f"| feature | {' | '.join(MINORS)} | known differences |"
        yield f"|---|{'---|' * len(MINORS)}---|"
        for feature in sorted({key[1] for key in keys}):
            cells = [_cell(tally, (part, feature, minor)) for minor in MINORS]
            yield f"| {feature} | {' | '.join(cells)} | {sum(tally.accepted[part, feature, minor] for minor in MINORS) or ''} |"
        apart = {
            feature: sum(count for key, count in tally.apart.items() if key[:2] == (part, feature))
            for _, feature in {key[:2] for key in tally.apart if key[0] == part}
        }
        for feature, count in sorted(apart.items()):
            yield ""
            yield f"Counted apart: {feature}, {count} cases."
        yield ""


def _cell(tally: Tally, key: tuple[str, str, str]) -> str:
    return f"{tally.agreements[key]}/{tally.cases[key]}" if tally.cases[key] else "-"


def _figures(figures: dict[str, Any]) -> Iterator[str]:
    if "cost" in figures:
        yield "## How far the cost account is off"
        yield ""
        yield "| release | evaluations | equal cost | furthest under | furthest over |"
        yield "|---|---|---|---|---|"
        for minor, one in figures["cost"].items():
            yield f"| {minor} | {one['evaluations']} | {one['equal']} | {one['worst under']:.2%} | {one['worst over']:.2%} |"
        yield ""
    if "hits of rules" in figures:
        yield "## How often each rule and the API server reported the same"
        yield ""
        yield f"| rule | {' | '.join(MINORS)} |"
        yield f"|---|{'---|' * len(MINORS)}"
        for rule, counts in sorted(figures["hits of rules"].items()):
            yield f"| {rule} | {' | '.join(str(counts.get(minor, '-')) for minor in MINORS)} |"
        yield ""
    for name, title, head in _COUNTS:
        if name in figures:
            yield f"## {title}"
            yield ""
            yield f"| {head} | {' | '.join(MINORS)} |"
            yield f"|---|{'---|' * len(MINORS)}"
            for one in sorted({one for counts in figures[name].values() for one in counts}):
                yield f"| {one} | {' | '.join(str(figures[name].get(minor, {}).get(one, 0)) for minor in MINORS)} |"
            yield ""


def _known(tally: Tally) -> Iterator[str]:
    yield "## Known differences"
    yield ""
    yield "| part | releases | cases | reason |"
    yield "|---|---|---|---|"
    for one in tally.known:
        releases = ", ".join(sorted(one.uses)) or "none"
        yield f"| {one.part} | {releases} | {sum(one.uses.values())} | {' '.join(one.reason.split()).replace('|', chr(92) + '|')} |"
