"""Keeps the results of the last runs, `results/<minor>.yaml`, and writes them into docs/conformance.md. Run it after `make cluster-test`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
KEPT = HERE / "results"
DOCUMENT = HERE.parents[1] / "docs" / "conformance.md"
BEGIN, END = "<!-- make cluster-test: begin -->", "<!-- make cluster-test: end -->"
_LAST = HERE.parents[1] / ".cluster" / "results"

_PARTS = {
    "every request": "every case of every suite as it stands, in another kind, and as an update; the set `deny`",
    "each rule alone": "every case under the policy of its own rule, which denies",
    "set deny": "every case, the set `deny` as exported by default",
    "set warn": "every case, the set `warn`",
    "set audit": "every case, the set `audit`",
    "safety": "kube-system, mirror pods, stored objects, parameters, exemptions",
    "access": "who may use HostProcess pods, by the RBAC of the cluster",
}
Results = Mapping[str, Mapping[str, Any]]


def section(results: Results) -> str:
    """The section of the document, between its markers."""
    return "\n".join([BEGIN, *_head(), *_requests(results), *_rules(results), *_latency(results), *_known(results), END]) + "\n"


def with_section(document: str, text: str) -> str:
    """The document with this section in the place of the one that it has, or at its end."""
    if BEGIN not in document:
        return f"{document.rstrip()}\n\n{text}" if document.strip() else text
    return re.sub(f"{re.escape(BEGIN)}.*{re.escape(END)}\n?", lambda _: text, document, flags=re.DOTALL)


def _head() -> Iterator[str]:
    yield "## A real API server"
    yield ""
    yield "Written by `tests/cluster/results.py` after `make cluster-test`, which has a real kube-apiserver enforce what `hostprocess export` writes."
    yield "Code, reason, message, causes, warnings and audit annotation of each answer are compared with what the engine says of the same policies,"
    yield "objects and user."
    yield ""


def _table(head: str, minors: Iterator[str] | list[str], rows: Mapping[str, list[str]]) -> Iterator[str]:
    minors = list(minors)
    yield f"| {head} | {' | '.join(minors)} |"
    yield f"|---|{'---|' * len(minors)}"
    for name, cells in rows.items():
        yield f"| {name} | {' | '.join(cells)} |"
    yield ""


def _requests(results: Results) -> Iterator[str]:
    yield "A cell reads: same answer / requests that policies or decoding decided + requests that validation or another plug-in refused before them."
    yield ""
    rows = {"kube-apiserver": [str(one["version"]) for one in results.values()]}
    for part, title in _PARTS.items():
        rows[title] = [_counts(one["requests"].get(part, {})) for one in results.values()]
    rows["could not be brought to the cluster"] = [str(sum(one["not brought"].values())) for one in results.values()]
    yield from _table("requests", list(results), rows)


def _counts(counts: Mapping[str, int]) -> str:
    agree, others = counts.get("agree", 0), counts.get("known differences", 0) + counts.get("differ", 0)
    return f"{agree}/{agree + others} + {counts.get('refused before policies', 0)}" if counts else "-"


def _rules(results: Results) -> Iterator[str]:
    yield "### Who decided about each rule"
    yield ""
    yield "How many cases of its suite the policy of the rule denied (d) and admitted (a), and how many built-in validation (v), decoding (s) or another"
    yield "plug-in (p) refused before. A rule that denies nothing here is one that the API server enforces by itself."
    yield ""
    words = {"denied": "d", "admitted": "a", "built-in validation": "v", "decoding": "s", "another plug-in": "p", "other": "p"}
    rows = {}
    for rule in sorted({rule for one in results.values() for rule in one["rules"]}):
        counts = [one["rules"].get(rule, {}) for one in results.values()]
        rows[rule] = [" ".join(f"{found[word]}{letter}" for word, letter in words.items() if word in found) or "-" for found in counts]
    yield from _table("rule", list(results), rows)


def _latency(results: Results) -> Iterator[str]:
    yield "### What all bundles cost"
    yield ""
    yield "Median time of a pod create, asked in turns of a cluster without policies and one with all bundles (set `deny`)."
    yield ""
    names = list(dict.fromkeys(name for one in results.values() for name in one["latency"]))
    rows = {name: [_taken(one["latency"].get(name)) for one in results.values()] for name in names}
    yield from _table("pod create", list(results), rows)


def _taken(figures: Mapping[str, float] | None) -> str:
    return f"{figures['none, ms']} → {figures['all, ms']} ms, {figures['ratio'] - 1:+.0%}" if figures else "-"


def _known(results: Results) -> Iterator[str]:
    yield "### Known differences on the cluster"
    yield ""
    reasons = list(dict.fromkeys(entry["reason"] for one in results.values() for entry in one["known differences"]))
    counts = {
        reason: [str(sum(entry["cases"] for entry in one["known differences"] if entry["reason"] == reason)) for one in results.values()] for reason in reasons
    }
    yield from _table("reason", list(results), {reason.replace("|", "\\|"): cells for reason, cells in counts.items()})


def kept() -> Results:
    """The results that are kept, by release."""
    paths = sorted(KEPT.glob("*.yaml"), key=lambda path: [int(part) for part in path.stem.split(".")])
    return {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in paths}


def main() -> int:
    """Takes over what the last runs have left, and writes the section."""
    KEPT.mkdir(exist_ok=True)
    for path in sorted(_LAST.glob("*.yaml")):
        (KEPT / path.name).write_text(path.read_text("utf-8"), "utf-8")
        print(f"kept the results of {path.stem}")
    if not (results := kept()):
        print("there are no results: run make cluster-test first", file=sys.stderr)
        return 1
    old = DOCUMENT.read_text("utf-8") if DOCUMENT.exists() else ""
    DOCUMENT.write_text(with_section(old, section(results)), "utf-8")
    print(f"wrote {DOCUMENT.relative_to(HERE.parents[1])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
