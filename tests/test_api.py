"""The public API: load, read, evaluate, report; several processes; look-ups; parameters."""

from __future__ import annotations

import gzip
import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import hostprocess
from hostprocess import check as check_module
from hostprocess.api import PolicySet
from hostprocess.check import Results
from hostprocess.model import Decision, MatchConstraints, Origin, Outcome, ParamKind, ParamRef, Policy, Result, Targets, Validation
from support import PACK, binding, namespace, pod, policy, rule_text, write_pack

Write = Callable[[str, Any], str]
NOWHERE = Targets(kubernetes="", containerd="")


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(name: str, value: Any) -> str:
        (tmp_path / name).write_text(value if isinstance(value, str) else json.dumps(value) if name.endswith("json") else yaml.safe_dump_all(value))
        return str(tmp_path / name)

    return write_file


@pytest.fixture
def pack(tmp_path: Path) -> PolicySet:
    (tmp_path / "pack").mkdir()
    return hostprocess.load_policies([write_pack(tmp_path / "pack")])


def bound(one: Policy, *, reference: ParamRef | None = None) -> PolicySet:
    return PolicySet(policies=(one,), bindings=(binding(param_ref=reference),), targets=NOWHERE)


def found(report: hostprocess.Report) -> list[tuple[str, str]]:
    return [(one.name, str(one.decision.outcome)) for one in report.results]


TWO = [{"name": "a", "image": "i"}, {"name": "b", "image": "i"}]


def test_every_public_name_exists() -> None:
    for name in hostprocess.__all__:
        assert getattr(hostprocess, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = hostprocess.nothing


def test_load_read_evaluate_write(write: Write, pack: PolicySet) -> None:
    file = write("pods.yaml", [pod("good", hostNetwork=True), pod("bad", hostNetwork=True, containers=TWO), pod("other", containers=TWO)])
    report = hostprocess.evaluate_resources(pack, hostprocess.read_resources([file]), show_all=True)
    assert found(report) == [("good", "allow"), ("bad", "deny"), ("other", "skip")]
    (finding,) = (one for one in report.results if one.decision.outcome == hostprocess.Outcome.DENY)
    assert (finding.decision.rule, finding.decision.fields, finding.path, finding.document) == ("one-container", ("spec.containers",), file, 1)
    assert Path(file).read_text().splitlines()[finding.line - 1].strip() == "containers:" == finding.excerpt.strip()
    assert (report.summary.resources, report.summary.requests, report.summary.errors) == (3, 3, 0)
    assert report.summary.outcomes == {Outcome.ALLOW: 1, Outcome.DENY: 1, Outcome.SKIP: 1}
    assert report.summary.actions == {"Deny": 1}
    assert (report.targets, report.pack_version, report.version) == (Targets(kubernetes="1.36", containerd="2.0"), "mine 1.2.3", hostprocess.__version__)
    stream = io.StringIO()
    hostprocess.write_report(report, stream, "json")
    assert [one["outcome"] for one in json.loads(stream.getvalue())["results"]] == ["allow", "deny", "skip"]
    assert list(report.results) == list(report.results)


def test_targets_are_those_asked_for(tmp_path: Path) -> None:
    folder = write_pack(tmp_path, {"a.yaml": rule_text("a", ("when:", "kubernetes: {before: 1.30}\nwhen:"))})
    assert hostprocess.load_policies([folder]).policies == ()
    old = hostprocess.load_policies([folder], kubernetes="1.29", containerd="1.6")
    assert (old.targets, len(old.policies)) == (Targets(kubernetes="1.29", containerd="1.6"), 1)


def test_a_pack_and_other_policies_together(tmp_path: Path, write: Write) -> None:
    (tmp_path / "pack").mkdir()
    write("vap.yaml", VAP)
    both = hostprocess.load_policies([write_pack(tmp_path / "pack"), str(tmp_path / "vap.yaml"), str(tmp_path / "pack")])
    assert [one.name for one in both.policies] == ["hostprocess-base-error", "small-names"]
    report = hostprocess.evaluate_resources(both, hostprocess.read_resources([write("p.yaml", [pod("long-name", hostNetwork=True, containers=TWO)])]))
    # The results of one resource come by their lines.
    assert [(one.decision.policy, one.decision.fields) for one in report.results] == [("small-names", ()), ("hostprocess-base-error", ("spec.containers",))]


VAP = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: small-names}
spec:
  matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: ["*"], resources: [pods]}]}
  validations: [{expression: size(object.metadata.name) < 5}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: small-names}
spec: {policyName: small-names, validationActions: [Deny]}
"""


def test_policies_beside_a_pack_are_checked_before_anything_is_judged(tmp_path: Path, write: Write) -> None:
    (tmp_path / "pack").mkdir()
    both = hostprocess.load_policies([write_pack(tmp_path / "pack"), write("vap.yaml", VAP.replace("< 5", "< nope"))])
    with pytest.raises(hostprocess.PolicyError, match="undeclared reference to 'nope'"):
        hostprocess.evaluate_resources(both, [])


def test_parameters_switch_on_their_bundles(tmp_path: Path) -> None:
    limited = rule_text("limited", ("bundle: base", "bundle: limited"), ("< 2", "< variables.maximum"))
    folder = write_pack(tmp_path, {"one-container.yaml": rule_text("one-container"), "limited.yaml": limited})
    names = [one.name for one in hostprocess.load_policies([folder], with_params=True).policies]
    assert names == ["hostprocess-base-error", "hostprocess-limited-error-configmap"]
    assert [one.name for one in hostprocess.load_policies([folder]).policies] == ["hostprocess-base-error"]
    assert [one.name for one in hostprocess.load_policies([folder], with_params=True, bundles=["base"]).policies] == ["hostprocess-base-error"]


def test_problems_of_the_input_are_told_and_the_rest_is_judged(write: Write, pack: PolicySet) -> None:
    file = write("p.yaml", "{" + "\n---\n" + yaml.safe_dump(pod("bad", hostNetwork=True, containers=TWO)) + "---\njust: values\n")
    for report in (
        hostprocess.check_files([file, "missing.yaml"], pack),
        hostprocess.evaluate_resources(pack, hostprocess.read_resources([file, "missing.yaml"])),
    ):
        assert found(report) == [("bad", "deny")]
        assert [(one.path, one.note) for one in report.problems] == [(file, False), (file, True), ("missing.yaml", False)]
        assert (report.summary.errors, report.summary.resources) == (2, 1)


def test_the_default_namespace(write: Write) -> None:
    file = write("p.yaml", [pod("a", namespace=""), pod("b", namespace="x")])
    report = hostprocess.check_files([file], bound(policy("object.metadata.namespace == 'shop'")), namespace="shop")
    assert [(one.name, one.namespace) for one in report.results] == [("b", "x")]


@pytest.mark.parametrize(("runtime", "cross_check"), [("cpp", False), ("celpy", False), ("", False), ("", True)])
def test_runtimes(write: Write, pack: PolicySet, runtime: str, cross_check: bool) -> None:
    file = write("p.yaml", [pod("bad", hostNetwork=True, containers=TWO)])
    assert found(hostprocess.check_files([file], pack, runtime=runtime, cross_check=cross_check)) == [("bad", "deny")]


def test_a_runtime_that_does_not_exist(write: Write, pack: PolicySet) -> None:
    with pytest.raises(hostprocess.UsageError, match="there is no runtime 'go'; there are cpp, celpy"):
        hostprocess.check_files([write("p.yaml", [pod()])], pack, runtime="go")


def test_the_pure_python_runtime_stands_in(write: Write, pack: PolicySet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hostprocess.cel.cpp", None)
    file = write("p.yaml", [pod("bad", hostNetwork=True, containers=TWO)])
    assert found(hostprocess.check_files([file], pack)) == [("bad", "deny")]
    with pytest.raises(hostprocess.UsageError, match="the runtime 'cpp' is not installed"):
        hostprocess.check_files([file], pack, runtime="cpp")


# Several processes.

MANY = 900


def many() -> Iterator[dict[str, Any]]:
    for number in range(MANY):
        containers = TWO if number % 7 == 0 else TWO[:1]
        yield pod(f"pod-{number}", hostNetwork=number % 2 == 0, containers=containers, nodeSelector={"notes": "x" * 700})


@pytest.fixture(params=["yaml", "json", "json.gz"])
def large(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    path = tmp_path / f"many.{request.param}"
    if request.param == "yaml":
        path.write_text("---\n".join(yaml.dump(one, Dumper=yaml.CSafeDumper) for one in many()) + "---\n{\n---\n")
    else:
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(many())}).encode()
        path.write_bytes(gzip.compress(text) if request.param == "json.gz" else text)
    return str(path)


def test_two_processes_give_what_one_gives(large: str, pack: PolicySet) -> None:
    one, two = (hostprocess.check_files([large], pack, jobs=jobs, show_all=True) for jobs in (1, 2))
    assert [result.name for result in one.results if result.decision.outcome == "deny"] == [f"pod-{number}" for number in range(0, MANY, 14)]
    assert list(two.results) == list(one.results)
    assert (two.summary, two.problems) == (one.summary, one.problems)
    assert one.summary.resources == MANY
    assert len({result.line for result in one.results}) == (MANY if large.endswith("yaml") else 1)


@pytest.mark.parametrize("jobs", [1, 2])
def test_progress_is_told_of_all_characters(large: str, pack: PolicySet, jobs: int) -> None:
    told: list[int] = []
    hostprocess.check_files([large], pack, jobs=jobs, progress=told.append)
    assert len(told) > 1
    if large.endswith("yaml"):
        assert sum(told) == len(Path(large).read_text())


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_invalid_policy_is_told_by_every_number_of_processes(write: Write, jobs: int) -> None:
    file = write("p.yaml", [pod()])
    with pytest.raises(hostprocess.PolicyError, match="undeclared reference to 'nope'"):
        hostprocess.check_files([file], bound(policy("nope == 1")), jobs=jobs)


def test_processes_look_things_up_too(large: str) -> None:
    team = bound(policy("namespaceObject.metadata.labels.team == 'a'"))
    known = Path(large).parent / "n.yaml"
    known.write_text(yaml.safe_dump(namespace("shop", team="b")))
    report = hostprocess.check_files([large, str(known)], team, jobs=2)
    assert report.summary.outcomes[Outcome.DENY] == MANY


# Results.


def result(number: int) -> Result:
    decision = Decision(policy="p", binding="b", rule=f"rule-{number}", outcome=Outcome.DENY, actions=("Deny",), message="m" * 50, fields=("a", "b"))
    return Result(
        decision=decision, path="f", document=0, line=number, column=1, excerpt="e", api_version="v1", kind="Pod", namespace="", name="n", operation="CREATE"
    )


def test_many_results_go_to_a_file_and_come_back_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_module, "_MEMORY", 10_000)
    results = Results()
    assert list(results) == []
    for start in range(0, 3000, 10):
        results.extend([result(number) for number in range(start, start + 10)])
        if start == 1000:
            assert [one.line for one in results] == list(range(1010))
    assert results._file._rolled  # type: ignore[attr-defined]
    assert list(results) == [result(number) for number in range(3000)]
    # Two readers at a time do not disturb each other.
    first, second = iter(results), iter(results)
    assert [next(first).line, next(second).line, next(first).line] == [0, 0, 1]
    assert [one.line for one in first] == list(range(2, 3000))
    assert sum(1 for _ in second) == 2999
    results.extend([result(3000)])
    assert [one.line for one in results] == list(range(3001))


# Look-ups.


@pytest.mark.parametrize("where", ["before", "behind", "inventory"])
def test_a_namespace_is_looked_up(write: Write, where: str) -> None:
    team = bound(policy("namespaceObject == null || namespaceObject.metadata.labels.team == 'a'"))
    documents = [pod("good"), pod("bad", namespace="other"), pod("unknown", namespace="nowhere")]
    known = [namespace("shop", team="a"), namespace("other", team="b")]
    paths = [write("p.yaml", documents)]
    if where == "inventory":
        report = hostprocess.check_files(paths, team, inventory=[write("n.yaml", known)])
        assert report.summary.resources == 3
    else:
        both = known + documents if where == "before" else documents + known
        report = hostprocess.check_files([write("p.yaml", both)], team)
        assert report.summary.resources == 5
    assert found(report) == [("bad", "deny"), ("unknown", "unknown")]


def test_what_is_looked_up_may_lie_in_another_file(write: Write) -> None:
    team = bound(policy("namespaceObject == null || namespaceObject.metadata.labels.team == 'a'"))
    paths = [write("p.yaml", [pod("bad")]), write("n.json", {"apiVersion": "v1", "kind": "List", "items": [namespace("shop", team="b")]})]
    assert found(hostprocess.check_files(paths, team)) == [("bad", "deny")]


@pytest.mark.parametrize("jobs", [1, 2])
def test_standard_input_is_read_in_two_passes(monkeypatch: pytest.MonkeyPatch, jobs: int) -> None:
    text = yaml.safe_dump_all([pod("bad"), namespace("shop", team="b")])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    team = bound(policy("namespaceObject == null || namespaceObject.metadata.labels.team == 'a'"))
    report = hostprocess.check_files(["-"], team, jobs=jobs)
    assert found(report) == [("bad", "deny")]
    assert [one.path for one in report.results] == ["<stdin>"]


def test_the_labels_of_a_namespace_select_policies(write: Write) -> None:
    chosen = bound(policy("false", match_constraints=MatchConstraints(namespace_selector={"matchLabels": {"team": "a"}})))
    file = write("p.yaml", [pod("a"), pod("b", namespace="other"), namespace("shop", team="a"), namespace("other", team="b")])
    assert found(hostprocess.check_files([file], chosen)) == [("a", "deny"), ("shop", "deny")]


def test_an_inventory_that_cannot_be_read(write: Write, pack: PolicySet) -> None:
    with pytest.raises(hostprocess.InputError, match="no such file or folder"):
        hostprocess.check_files([write("p.yaml", [pod()])], pack, inventory=["missing.yaml"])
    with pytest.raises(hostprocess.InputError, match="not valid YAML"):
        hostprocess.check_files([write("p.yaml", [pod()])], pack, inventory=[write("n.yaml", "a: [b")])


def test_a_broken_file_does_not_hide_what_is_looked_up(write: Write) -> None:
    team = bound(policy("namespaceObject.metadata.labels.team == 'a'"))
    broken = write("a.yaml", "kind: Namespace\na: [b\n---\n" + yaml.safe_dump(namespace("shop", team="a")))
    report = hostprocess.check_files([broken, write("p.yaml", [pod("good")])], bound(team.policies[0]))
    assert [(one.name, str(one.decision.outcome)) for one in report.results if one.kind == "Pod"] == []
    assert report.summary.errors == 1


# Parameters.

LIMITS = ParamKind(api_version="example.com/v1", kind="Limits")
LIMITED = policy(Validation(expression="size(object.metadata.name) <= params.max"), param_kind=LIMITS)


def limits(maximum: int, **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "example.com/v1", "kind": "Limits", "max": maximum} | ({"metadata": metadata} if metadata else {})


@pytest.mark.parametrize(
    ("reference", "params", "expected"),
    [
        (ParamRef(name="l", namespace="config"), limits(2, name="l", namespace="config"), ["abc"]),
        (ParamRef(name="l", namespace="config"), limits(2), ["abc"]),
        (ParamRef(name="l", namespace="config"), limits(2, name="l"), ["abc"]),
        (ParamRef(name="l"), limits(2, name="l", namespace="shop"), ["abc"]),
        (ParamRef(name="l"), limits(2, name="l"), ["abc"]),
        (ParamRef(name="l"), limits(2), ["abc"]),
        (ParamRef(selector={"matchLabels": {"a": "b"}}), limits(2, name="x", labels={"a": "b"}), ["abc"]),
        (ParamRef(selector={}), limits(3, name="x"), []),
    ],
)
def test_a_file_of_parameters(reference: ParamRef, params: dict[str, Any], expected: list[str], write: Write) -> None:
    report = hostprocess.check_files([write("p.yaml", [pod("ab"), pod("abc")])], bound(LIMITED, reference=reference), params=write("l.yaml", [params]))
    assert found(report) == [(name, "deny") for name in expected]


@pytest.mark.parametrize(
    ("reference", "params", "message"),
    [
        (ParamRef(name="l", namespace="config"), limits(2, name="other", namespace="config"), "expected Limits config/l"),
        (ParamRef(name="l", namespace="config"), limits(2, name="l", namespace="other"), "expected Limits config/l"),
        (ParamRef(name="l"), limits(2, name="other"), "expected Limits l"),
        (ParamRef(selector={}), {**limits(2, name="x"), "kind": "Limit"}, "expected Limits"),
        (ParamRef(selector={"matchLabels": {"a": "b"}}), limits(2, name="x"), "expected Limits"),
    ],
)
def test_a_file_of_other_parameters(reference: ParamRef, params: dict[str, Any], message: str, write: Write) -> None:
    with pytest.raises(hostprocess.InputError, match=f"holds no parameter object that a binding refers to; {message}$"):
        hostprocess.check_files([write("p.yaml", [pod()])], bound(LIMITED, reference=reference), params=write("l.yaml", [params]))


def test_an_object_without_a_name_is_none_of_several_that_are_asked_for(write: Write) -> None:
    bindings = tuple(binding(name=name, param_ref=ParamRef(name=name)) for name in ("a", "b"))
    policies = PolicySet(policies=(LIMITED,), bindings=bindings, targets=NOWHERE)
    file, params = write("p.yaml", [pod()]), write("l.yaml", [limits(2)])
    with pytest.raises(hostprocess.InputError, match="expected Limits a, Limits b"):
        hostprocess.check_files([file], policies, params=params)


@pytest.mark.parametrize(("params", "error"), [("-", "--params must be a file"), ("missing.yaml", "no such file")])
def test_parameters_that_cannot_be_read(params: str, error: str, write: Write) -> None:
    with pytest.raises(hostprocess.HostprocessError, match=error):
        hostprocess.check_files([write("p.yaml", [pod()])], bound(LIMITED, reference=ParamRef(name="l")), params=params)


def test_a_file_without_parameters(write: Write) -> None:
    with pytest.raises(hostprocess.InputError, match="holds no parameter object"):
        hostprocess.check_files([write("p.yaml", [pod()])], bound(LIMITED, reference=ParamRef(name="l")), params=write("l.yaml", "a: b\n"))


def test_the_pack_of_these_tests_has_parameters(tmp_path: Path, write: Write) -> None:
    """The bundle `limited` of the pack: its ConfigMap is found by the name that pack.yaml gives it, here left out."""
    assert "name: limits, namespace: config" in PACK
    folder = write_pack(tmp_path, {"limited.yaml": rule_text("limited", ("bundle: base", "bundle: limited"), ("< 2", "< variables.maximum"))})
    policies = hostprocess.load_policies([folder], bundles=["limited"])
    file = write("p.yaml", [pod("two", hostNetwork=True, containers=TWO)])
    for maximum, expected in (("2", [("two", "deny")]), ("3", [])):
        params = write("l.yaml", [{"apiVersion": "v1", "kind": "ConfigMap", "data": {"max": maximum}}])
        assert found(hostprocess.check_files([file], policies, params=params)) == expected
    assert found(hostprocess.check_files([file], policies)) == [("two", "unknown")]


def test_an_error_hangs_on_parameters_too() -> None:
    """Where no parameter object exists, as here nobody knows, the API server does not evaluate a policy that wants one, and meets no error in it."""
    policies = hostprocess.load_policies(bundles=["access"])
    broken = hostprocess.Resource(object={**pod(), "spec": {"containers": None}}, origin=Origin(path="pod.yaml"))
    report = hostprocess.evaluate_resources(policies, [broken], raw=True)
    found = {one.decision.policy: (one.decision.outcome, one.decision.message) for one in report.results}
    outcome, message = found["hostprocess-access-error-configmap"]
    assert outcome is Outcome.UNKNOWN
    assert message.startswith("no ConfigMap was given")
    assert found["hostprocess-access-error"][0] is Outcome.ERROR
