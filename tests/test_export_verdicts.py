"""What is exported decides as the pack does: the exported YAML, read back as anybody's policies, on the examples and on every case of every suite."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

import hostprocess
from hostprocess.admission import request_for
from hostprocess.authorization import authorizer_inputs
from hostprocess.cel.tree import TreeRuntime
from hostprocess.compile import BINDING_SETS, compile_pack, select_rules
from hostprocess.evaluate import Evaluator
from hostprocess.export.layout import files_of
from hostprocess.export.options import ExportOptions
from hostprocess.export.releases import parse_releases
from hostprocess.inventory import Inventory
from hostprocess.model import Binding, Decision, Policy, Request, Targets
from hostprocess.rules import built_in_folder, load_pack
from hostprocess.suite.native import Case, load_suite, resource_of
from support import REPOSITORY, namespace

pytestmark = pytest.mark.slow

PACK = load_pack(built_in_folder())
SUITES = {rule.id: load_suite(PACK, rule).cases for rule in PACK.rules}
RULES = tuple(rule.id for rule in PACK.rules if rule.status != "retired")
OLDEST = 28  # that can be exported for
RUNTIME = TreeRuntime()
Verdict = tuple[str, str]
Read = Callable[[str, Targets], hostprocess.PolicySet]

# What the set does with a finding of the pack, by what that is.
FOLLOWS = {
    name: {
        outcome: {"Deny": "deny", "Warn": "warn", "Audit": "audit"}[actions[severity][0]]
        for outcome, severity in (("deny", "error"), ("warn", "warning"), ("audit", "info"))
    }
    for name, actions in BINDING_SETS.items()
}


def exported(folder: Path, *sets: str, **options: Any) -> hostprocess.PolicySet:
    """The policies with these sets of bindings, written as YAML and read as policies of others are."""
    kubernetes = options.pop("kubernetes", PACK.kubernetes)
    options |= {"sets": sets, "releases": parse_releases(kubernetes), "deny_documented": True, "include_kube_system": True, "workloads": "deny"}
    made = hostprocess.export_policies(ExportOptions(**options))
    for name, text in files_of(made, "0", "export").items():
        if not name.endswith("kustomization.yaml"):
            (folder / name.replace("/", "-")).write_text(text, "utf-8")
    return hostprocess.load_policies([str(folder)], kubernetes=kubernetes)


def verdicts(decisions: Iterable[Decision], name: str) -> list[Verdict]:
    """Outcomes and messages that a set of bindings leads to."""
    return sorted((str(one.outcome), one.message) for one in decisions if one.binding == f"{one.policy}-{name}")


def expected(decisions: Iterable[Decision], name: str) -> list[Verdict]:
    """What the set makes of the pack's own findings, with the rule in front of the message as in policies."""
    follows = FOLLOWS[name]
    return sorted((follows[one.outcome], f"[{one.rule}] {one.message}") if one.outcome in follows else (str(one.outcome), one.message) for one in decisions)


# The examples.


def test_the_examples(tmp_path: Path) -> None:
    manifests = [str(REPOSITORY / "examples")]
    own, foreign = ([*hostprocess.check_files(manifests, each).results] for each in (hostprocess.load_policies(), exported(tmp_path, *BINDING_SETS)))
    for place in {(one.path, one.kind, one.name) for one in own}:
        pack, policies = ([one.decision for one in found if (one.path, one.kind, one.name) == place] for found in (own, foreign))
        for name in BINDING_SETS:
            assert verdicts(policies, name) == expected(pack, name), (place, name)
    assert len(own) * len(BINDING_SETS) == len(foreign)
    assert {one.decision.outcome for one in own} == {"deny", "warn", "audit"}


# The suites.


@cache
def pack_judge(targets: Targets) -> tuple[list[Policy], list[Binding]]:
    return compile_pack(PACK, select_rules(PACK, targets, select=RULES), targets)


def without_params(bindings: list[Binding]) -> list[Binding]:
    return [dataclasses.replace(one, param_ref=None) for one in bindings]


def asked(rule: str, case: Case) -> tuple[Request, Inventory]:
    """The request of a case, and what is in the cluster with it."""
    raw = case.raw
    given = raw.get("namespace")
    known = [*raw.get("inventory", ())]
    if given:
        known.append(namespace(given) if isinstance(given, str) else given)
    if raw.get("params"):
        metadata = {"name": "hostprocess-access", "namespace": "hostprocess-policies", **raw["params"].get("metadata", {})}
        kinds = {one.param_kind for one in pack_judge(targets_of(case))[0] if one.param_kind and rule in {each.rule for each in one.validations}}
        known += [{"apiVersion": kind.api_version, "kind": kind.kind, **raw["params"], "metadata": metadata} for kind in kinds]
    inventory = Inventory.of(known)
    name = given["metadata"]["name"] if isinstance(given, dict) else given or ""
    request = request_for(resource_of(case.object, case.path), inventory, name, raw.get("operation", "CREATE"))
    request = dataclasses.replace(request, subresource=raw.get("subresource", ""), user_info=raw.get("userInfo", request.user_info))
    if "oldObject" in raw or request.operation == "UPDATE":
        request = dataclasses.replace(request, old_object=case.setting.old_object)
    return request, inventory


def targets_of(case: Case) -> Targets:
    return Targets(kubernetes=case.raw.get("kubernetes", PACK.kubernetes), containerd=case.raw.get("containerd", PACK.containerd))


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Read:
    @cache
    def read(name: str, targets: Targets) -> hostprocess.PolicySet:
        return exported(tmp_path_factory.mktemp("export"), name, kubernetes=targets.kubernetes, containerd=targets.containerd, select=RULES)

    return read


def exportable(case: Case) -> bool:
    return int(targets_of(case).kubernetes.split(".")[1]) >= OLDEST


def test_nearly_every_case_can_be_exported_for() -> None:
    cases = [case for suite in SUITES.values() for case in suite]
    assert sum(map(exportable, cases)) > 0.98 * len(cases)


@pytest.mark.parametrize("rule", SUITES)
def test_every_case_of_every_suite(rule: str, exports: Read) -> None:
    """All rules judge each case, not only the one that the suite is about. The sets take turns: they share the policies."""
    ready: dict[Any, tuple[Evaluator, Evaluator]] = {}
    for case, name in zip(filter(exportable, SUITES[rule]), cycle(BINDING_SETS)):
        request, inventory = asked(rule, case)
        policies, bindings = pack_judge(targets_of(case))
        exported = exports(name, targets_of(case))
        others = list(exported.bindings)
        if no_params := "params" in case.raw and case.raw["params"] is None:
            bindings, others = without_params(bindings), without_params(others)
        key = (name, targets_of(case), no_params, case.name if inventory.objects else "")
        if key not in ready:
            pairs = ((policies, bindings), (exported.policies, others))
            pack, foreign = (Evaluator(*pair, RUNTIME, inventory, authorizer=authorizer_inputs(inventory)) for pair in pairs)
            ready[key] = (pack, foreign)
        own, found = (judge.decide(request).findings for judge in ready[key])
        assert verdicts(found, name) == expected(own, name), (case.name, name)
