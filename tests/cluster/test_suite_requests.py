"""Every case of every suite, and what is made of it, as a request to the API server; every answer compared with what the engine says."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import yaml
from alone import alone, labelled
from decided import Decider, Difference
from exports import as_written, exported
from kube_cluster import Cluster
from record import Record
from suite_requests import Setting, SuiteRequest, suite_requests
from suite_run import SuiteRun

import hostprocess
from hostprocess.rules import built_in_folder

PACK = hostprocess.load_rules()
MINIMUM = yaml.safe_load(Path(__file__).with_name("minimum.yaml").read_text("utf-8"))
FINDINGS = ("deny", "warn", "audit")
# What suites expect holds for the newest release. Older ones drop fields whose feature is off, before any policy sees them.
DROPPED = {"1.29": ["hostUsers"], "1.30": ["hostUsers"]}


@pytest.fixture(scope="module")
def own_cluster(kubernetes: str) -> Iterator[Cluster]:
    """A cluster in which no other test changes policies or Namespaces."""
    with Cluster(kubernetes) as running:
        yield running


@pytest.fixture(scope="module")
def requests(kubernetes: str) -> Sequence[SuiteRequest]:
    return suite_requests(PACK, kubernetes)


@pytest.fixture(scope="module")
def cases(own_cluster: Cluster, requests: Sequence[SuiteRequest], record: Record) -> Iterator[SuiteRun]:
    """The cases as they stand, each for its own rule."""
    run = SuiteRun(own_cluster, labelled(requests))
    run.store()
    yield run
    run.clear()
    record.missing(run.not_brought)


def told(differences: Sequence[Difference]) -> str:
    """The first differences, for whoever reads that the test failed."""
    return "\n".join([f"{len(differences)} differences", *map(str, differences[:30])])


def test_every_request_gets_the_answer_that_the_engine_gives(own_cluster: Cluster, requests: Sequence[SuiteRequest], record: Record, kubernetes: str) -> None:
    run = SuiteRun(own_cluster, requests)
    run.store()
    compared = run.compare(lambda containerd: as_written(exported(kubernetes, containerd=containerd, include_kube_system=True), "deny"))
    run.clear()
    record.missing(run.not_brought)
    unknown = record.count("every request", compared)
    assert not unknown, told(unknown)
    assert len(compared) + len(run.not_brought) == len(requests)
    assert record.type_faults(run.type_warnings) == []


def test_each_rule_decides_by_itself(cases: SuiteRun, record: Record, kubernetes: str) -> None:
    """Where its suite expects a finding its policy denies, and lets pass where it expects none; rules that nobody else enforces do both on the cluster."""
    compared = cases.compare(lambda containerd: alone(kubernetes, containerd=containerd))
    unknown = record.count("each rule alone", compared)
    assert not unknown, told(unknown)
    contrary = []
    dropped = DROPPED.get(kubernetes, [])
    for one in compared:
        record.decided(one.request.rule, one.answer)
        if any(f'"{name}"' in json.dumps(one.request.object) for name in dropped):
            continue
        ways = ("admitted", "denied") if one.request.expect == "unknown" else ("denied",) if one.request.expect in FINDINGS else ("admitted",)
        if one.answer.decider is Decider.POLICIES and one.answer.verdict not in ways:
            contrary.append(f"{one.request.rule}: {one.request.name}: {one.request.expect} expected, {one.answer.verdict} by the API server")
    assert contrary == []
    lacking = [
        rule.id
        for rule in PACK.rules
        if not rule.opt_in
        and "kube-apiserver" not in rule.enforced_by
        and rule.kubernetes.holds(kubernetes)
        and not {"admitted", "denied"} <= record.rules[rule.id].keys()
    ]
    assert lacking == []
    assert record.type_faults(cases.type_warnings) == []


@pytest.mark.parametrize("name", ["deny", "warn", "audit"])
def test_each_set_of_bindings_answers_as_the_engine_says(cases: SuiteRun, record: Record, kubernetes: str, name: str) -> None:
    """As `hostprocess export` writes them if nothing else is asked for: with kube-system apart."""
    usual = Setting(containerd=PACK.containerd)
    compared = cases.compare(lambda containerd: as_written(exported(kubernetes), name), lambda one: one.setting == usual)
    unknown = record.count(f"set {name}", compared)
    assert not unknown, told(unknown)
    denied = sum(one.answer.verdict == "denied" for one in compared)
    warned = sum(bool(one.answer.warnings) for one in compared)
    annotated = sum(bool(one.answer.failures) for one in compared)
    assert (denied > 0, warned > 0, annotated > 0) == (name == "deny", name != "audit", True)


@pytest.mark.parametrize(
    ("rule", "old", "new", "what"),
    [
        pytest.param("isolation/host-pid-ipc", "variables.podSpec.hostPID == false", "true", "verdict", id="weaker"),
        pytest.param("network/dns-policy", "!= 'ClusterFirstWithHostNet'", "!= 'ClusterFirst'", "denial", id="other values"),
        pytest.param("network/dns-policy", "leave dnsPolicy out", "omit dnsPolicy", "denial", id="other words"),
    ],
)
def test_a_broken_rule_is_found(cases: SuiteRun, kubernetes: str, tmp_path: Path, rule: str, old: str, new: str, what: str) -> None:
    """The engine is told the rule as it is, and the cluster enforces another."""
    pack = tmp_path / "pack"
    shutil.copytree(built_in_folder(), pack)
    path = pack / f"{rule}.yaml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    compared = cases.compare(
        lambda containerd: alone(kubernetes, str(pack), containerd=containerd, select=(path.stem,)),
        lambda one: one.rule == path.stem,
        lambda containerd: alone(kubernetes, containerd=containerd, select=(path.stem,)),
    )
    unknown = Record(kubernetes).count("broken", compared)
    assert what in {one.what for one in unknown}


def test_enough_was_compared(record: Record, kubernetes: str) -> None:
    """Last: the tests before it have counted."""
    assert {name: record.agreeing(name) for name in MINIMUM[kubernetes]} == {
        name: max(count, record.agreeing(name)) for name, count in MINIMUM[kubernetes].items()
    }
    assert [one.reason for one in record.known if not one.cases] == [], "known_differences.yaml has entries that nothing needs"
