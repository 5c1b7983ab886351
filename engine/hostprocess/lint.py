"""Lint of rules: what the loader cannot see because it needs the runtimes, the suites or the whole pack."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from hostprocess.cel.celpy import CelpyRuntime
from hostprocess.cel.cpp import CppRuntime
from hostprocess.cel.runtime import Runtime
from hostprocess.cel.tree import TreeRuntime
from hostprocess.compile import compile_pack
from hostprocess.errors import HostprocessError
from hostprocess.evaluate import Evaluator
from hostprocess.inventory import Inventory
from hostprocess.lint_fixes import fix_problems
from hostprocess.model import Range, Rule, Targets
from hostprocess.rules import Pack
from hostprocess.suite.native import Case, Suite, load_suite
from hostprocess.suite.run import Runner

__all__ = ["problems"]

_FINDINGS = ("deny", "warn", "audit")
_CONTAINER_PLACES = ("initContainers", "ephemeralContainers")


def problems(rule: Rule, pack: Pack) -> list[str]:
    """What is wrong with a rule, one line each, with the file."""
    try:
        return [f"{rule.path}: {problem}" for problem in _problems(rule, pack)]
    except HostprocessError as error:
        return [str(error) if error.path else f"{rule.path}: {error}"]


def _problems(rule: Rule, pack: Pack) -> Iterator[str]:
    if rule.bundle not in pack.bundles:
        yield f"bundle: {rule.bundle!r} is none of {', '.join(pack.bundles)}"
        return
    if not rule.references:
        yield "references: at least one link that the rule rests on"
    if rule.replaced_by and rule.replaced_by not in {one.id for one in pack.rules}:
        yield f"replaced-by: there is no rule {rule.replaced_by!r}"
    for targets in _targets(rule, pack):
        policies, bindings = compile_pack(pack, [rule], targets)
        for runtime in _runtimes():
            Evaluator(policies, bindings, runtime, Inventory.of([])).check()
    if rule.status != "retired":
        suite = load_suite(pack, rule)
        yield from _suite_problems(rule, pack, suite)
        yield from fix_problems(rule, pack, suite, Runner(_runtimes()[-1]), _runtimes()[-1])


def _suite_problems(rule: Rule, pack: Pack, suite: Suite) -> Iterator[str]:
    failed: set[str] = set()
    runner = Runner(_runtimes()[-1])
    decided = [case for case in suite.cases if "expect" in case.raw]
    passed = any(case.raw["expect"] == "allow" for case in decided)
    for case in decided:
        told = runner.told(suite.subject, case, runner.decide(suite.subject, case))
        failed |= {one.message for one in told if one.outcome in _FINDINGS}
    if not passed:
        yield f"{suite.path} has no case that expects allow"
    for validation in rule.validations:
        # A message made by an expression cannot be told by its text: any finding counts.
        if not (failed if validation.message_expression else validation.message in failed):
            yield f"{suite.path} has no case in which this validation fails: {validation.message}"
    if any(validation.each in ("containers", "hostProcessContainers") for validation in rule.validations):
        for place in _CONTAINER_PLACES:
            if not any(place in _names(case) for case in decided if case.raw["expect"] in _FINDINGS):
                yield f"{suite.path} has no failing case with {place}"


def _names(case: Case) -> str:
    return str(case.object)


def _targets(rule: Rule, pack: Pack) -> Iterator[Targets]:
    """Targets that between them compile each validation of the rule."""
    ranges = [(rule.kubernetes, rule.containerd), *((one.kubernetes, one.containerd) for one in rule.validations)]
    for kubernetes, containerd in dict.fromkeys(ranges):
        yield Targets(kubernetes=_inside(kubernetes, pack.kubernetes), containerd=_inside(containerd, pack.containerd))


def _inside(releases: Range, newest: str) -> str:
    if releases.holds(newest):
        return newest
    if releases.since:
        return releases.since
    major, minor = releases.before.split(".")
    return f"{major}.{int(minor) - 1}"


@cache
def _runtimes() -> tuple[Runtime, ...]:
    return CppRuntime(), CelpyRuntime(), TreeRuntime()
