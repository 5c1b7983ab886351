"""`make bench`, second half: sixty policies of others over five thousand pods, and where the time goes. With Go, the API server's own time beside it."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import yaml
from corpus import objects
from policies import write_policies

import hostprocess
from hostprocess.cel.tree import TreeProgram
from hostprocess.matching import Matcher
from hostprocess.model import Origin, Resource
from hostprocess.presenting import Presenter

_ORACLE = Path(__file__).resolve().parent.parent / "oracle"
_MINOR = "1.37"


@contextmanager
def timed(spent: Counter[str], owner: type, name: str, what: str) -> Iterator[None]:
    """Adds up the seconds that a method takes, less those of timed methods inside it."""
    original: Callable[..., Any] = getattr(owner, name)

    def wrapper(*arguments: Any, **named: Any) -> Any:
        inside = sum(spent.values())
        start = time.perf_counter()
        try:
            return original(*arguments, **named)
        finally:
            spent[what] += time.perf_counter() - start - (sum(spent.values()) - inside)

    with patch.object(owner, name, wrapper):
        yield


def ours(policies: hostprocess.PolicySet, resources: list[Resource]) -> tuple[float, Counter[str], Counter[str]]:
    """Seconds without timers, seconds by part with them, and how often a binding denied or warned."""
    start = time.perf_counter()
    report = hostprocess.evaluate_resources(policies, resources)
    whole = time.perf_counter() - start
    if report.problems or report.summary.outcomes.get("unknown", 0):
        raise SystemExit(f"the corpus is not what it should be: {list(report.problems)[:1]}, {report.summary.outcomes}")
    spent: Counter[str] = Counter()
    with (
        timed(spent, TreeProgram, "run", "CEL"),
        timed(spent, Matcher, "match", "matching"),
        timed(spent, Presenter, "presented", "the object as the API server presents it"),
    ):
        start = time.perf_counter()
        hostprocess.evaluate_resources(policies, resources)
        spent["the rest: requests, decisions, messages, places in the source"] = time.perf_counter() - start - sum(spent.values())
    return whole, spent, Counter(report.summary.actions)


def theirs(file: Path, values: list[dict[str, Any]]) -> tuple[float, Counter[str]]:
    """Seconds that the API server's plug-in takes for the same, in its process, and how often it denied or warned: decoding and the answer are not counted."""
    sys.path.insert(0, str(_ORACLE))
    from client import Oracle

    requests = ({"op": "review", "policies": [], "request": {"operation": "CREATE", "object": value}} for value in values)
    with Oracle(_MINOR) as oracle:
        oracle.ask({"op": "cluster", "objects": [*yaml.safe_load_all(file.read_text("utf-8")), *_namespaces(values)]})
        nanoseconds, said = 0, Counter[str]()
        for answer in oracle.ask_many(requests):
            nanoseconds += answer["dispatchNanoseconds"]
            said += Counter({"Deny": len(answer["denials"]), "Warn": len(answer["warnings"])})
        return nanoseconds / 1e9, said


def _namespaces(values: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = sorted({value["metadata"]["namespace"] for value in values})
    return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in names]


def _make_valid(value: dict[str, Any]) -> None:
    """Gives HostProcess pods the host network: what validation refuses gets to no policy."""
    spec = value["spec"]["template"]["spec"] if "template" in value["spec"] else value["spec"]
    if spec["nodeSelector"]["kubernetes.io/os"] == "windows":
        spec["hostNetwork"] = True


def main() -> None:
    """Prints microseconds for one policy and one object, and the share of each part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full corpus, for a quick look")
    options = parser.parse_args()
    values = list(objects(int(5000 * options.scale)))
    for value in values:
        for key in ("uid", "resourceVersion", "creationTimestamp"):
            value["metadata"].pop(key, None)
        value.pop("status", None)
        _make_valid(value)
    resources = [Resource(object=value, origin=Origin(path="corpus")) for value in values]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "policies.yaml"
        write_policies(file)
        policies = hostprocess.load_policies([str(file)], kubernetes=_MINOR)
        whole, spent, said = ours(policies, resources)
        pairs = len(policies.policies) * len(resources)
        print(f"60 policies of 3 expressions, {len(values):,} objects: {whole / pairs * 1e6:.1f} µs for one policy and one object")
        total = sum(spent.values())
        for what, seconds in spent.most_common():
            print(f"  {what:<62} {seconds / total:6.1%}")
        around = total - spent["CEL"] - spent["the object as the API server presents it"]
        print(f"matching and bookkeeping / CEL {around / spent['CEL']:.2f} ×   goal ≤ 1 ×   {'met' if around <= spent['CEL'] else 'MISSED'}")
        if shutil.which("go") is None:
            print("the API server's own code: not compared, Go is missing")
            return
        seconds, answers = theirs(file, values)
        if answers != said:
            raise SystemExit(f"hostprocess says {dict(said)}, the API server {dict(answers)}")
        print(f"hostprocess / the API server's plug-in in its own process: {whole / seconds:.1f} ×")


if __name__ == "__main__":
    main()
