"""Rules to policies: selection, names and groups, the generated matchCondition, lists; properties of the whole pack."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hostprocess.admission import Inventory, request_for
from hostprocess.api import load_policies, load_rules
from hostprocess.cel.source import variables_of
from hostprocess.compile import check_names, compile_pack, select_rules
from hostprocess.errors import PolicyError, UsageError
from hostprocess.evaluate import Decisions, Evaluator
from hostprocess.model import Outcome, ParamKind, ParamRef, Policy, Targets
from hostprocess.rules import Pack, load_pack
from hostprocess.suite.edit import WRAPPERS, wrapped
from support import RUNTIMES, evaluator, outcomes, pod, resource, rule_text, write_pack

NOW = Targets(kubernetes="1.36", containerd="2.0")
Edit = tuple[str, str]


def compiled(folder: Path, rules: dict[str, str], targets: Targets = NOW, **selection: Any) -> list[Policy]:
    pack = load_pack(write_pack(folder, {f"{name}.yaml": text for name, text in rules.items()}))
    return compile_pack(pack, select_rules(pack, targets, **selection), targets)[0]


def one(name: str = "a", *edits: Edit) -> dict[str, str]:
    return {name: rule_text(name, *edits)}


# Selection.


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    return load_pack(
        write_pack(
            tmp_path,
            {
                "a.yaml": rule_text("a"),
                "b.yaml": rule_text("b", ("bundle: base", "bundle: extra")),
                "c.yaml": rule_text("c", ("when:", "kubernetes: {since: 1.22, before: 1.30}\nwhen:")),
                "d.yaml": rule_text("d", ("when:", "containerd: {before: 1.7}\nwhen:")),
                "e.yaml": rule_text("e", ("status: stable", "status: retired\nreplaced-by: a")),
                "f.yaml": rule_text("f", ("status: stable", "status: draft")),
            },
        )
    )


@pytest.mark.parametrize(
    ("kubernetes", "containerd", "selection", "expected"),
    [
        ("1.36", "2.0", {}, "af"),
        ("1.29", "2.0", {}, "acf"),
        ("1.30", "2.0", {}, "af"),
        ("1.22", "2.0", {}, "acf"),
        ("1.9", "2.0", {}, "af"),
        ("1.36", "1.6", {}, "adf"),
        ("1.36", "1.7", {}, "af"),
        ("1.36", "2.0", {"bundles": ["extra"]}, "b"),
        ("1.36", "2.0", {"bundles": ["extra", "base"]}, "abf"),
        ("1.36", "2.0", {"bundles": ["limited"]}, ""),
        ("1.36", "2.0", {"select": ["b"]}, "b"),
        ("1.36", "2.0", {"select": ["b", "f"], "bundles": ["base"]}, "bf"),
        ("1.36", "2.0", {"select": ["c"]}, ""),
        ("1.36", "2.0", {"select": ["e"]}, ""),
        ("1.36", "2.0", {"ignore": ["a"]}, "f"),
        ("1.36", "2.0", {"select": ["a", "f"], "ignore": ["f"]}, "a"),
    ],
)
def test_selection(pack: Pack, kubernetes: str, containerd: str, selection: dict[str, list[str]], expected: str) -> None:
    chosen = select_rules(pack, Targets(kubernetes=kubernetes, containerd=containerd), **selection)
    assert "".join(rule.id for rule in chosen) == expected


@pytest.mark.parametrize(
    ("bundles", "rules", "message"),
    [
        (["extras"], [], "there is no bundle 'extras'; did you mean 'extra'?"),
        (["zzz"], [], "there is no bundle 'zzz'; there are base, extra, limited"),
        ([], ["zzz"], "there is no rule 'zzz'; there are a, b, c, d, e, f"),
        ([], ["a", "zzz"], "there is no rule 'zzz'"),
    ],
)
def test_names_that_do_not_exist(pack: Pack, bundles: list[str], rules: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_names([pack], bundles, rules)
    assert message in caught.value.message


def test_names_of_other_packs_choose_nothing(pack: Pack) -> None:
    assert select_rules(pack, NOW, select=["zzz"]) == select_rules(pack, NOW, bundles=["zzz"]) == []
    assert select_rules(pack, NOW, ignore=["zzz"]) == select_rules(pack, NOW)


# Groups, names, bindings.


def test_one_policy_for_each_bundle_and_severity(tmp_path: Path) -> None:
    second = "    path: spec.containers\n  - {expression: 'true', message: two, severity: info}"
    rules = {
        **one("a"),
        **one("b", ("severity: error", "severity: warning"), ("    path: spec.containers", second)),
        **one("c", ("bundle: base", "bundle: extra")),
        **one("d"),
    }
    pack = load_pack(write_pack(tmp_path, {f"{name}.yaml": text for name, text in rules.items()}))
    policies, bindings = compile_pack(pack, select_rules(pack, NOW, bundles=["extra", "base"]), NOW)
    assert [(one.name, [each.rule for each in one.validations], one.failure_policy) for one in policies] == [
        ("hostprocess-base-error", ["a", "d"], "Fail"),
        ("hostprocess-base-warning", ["b"], "Ignore"),
        ("hostprocess-base-info", ["b"], "Ignore"),
        ("hostprocess-extra-error", ["c"], "Fail"),
    ]
    assert [(one.name, one.policy_name, one.validation_actions) for one in bindings] == [
        ("hostprocess-base-error-deny", "hostprocess-base-error", ("Deny", "Audit")),
        ("hostprocess-base-warning-deny", "hostprocess-base-warning", ("Warn", "Audit")),
        ("hostprocess-base-info-deny", "hostprocess-base-info", ("Audit",)),
        ("hostprocess-extra-error-deny", "hostprocess-extra-error", ("Deny", "Audit")),
    ]


@pytest.mark.parametrize(
    ("edits", "name", "kind", "reference"),
    [
        ([], "hostprocess-base-error", None, None),
        (
            [("bundle: base", "bundle: limited"), ("< 2", "< variables.maximum")],
            "hostprocess-limited-error-configmap",
            ParamKind(api_version="v1", kind="ConfigMap"),
            ParamRef(name="limits", namespace="config", parameter_not_found_action="Allow"),
        ),
        ([("bundle: base", "bundle: limited")], "hostprocess-limited-error", None, None),
        (
            [("when:", "paramKind: {apiVersion: a.io/v1, kind: Limit}\nwhen:"), ("< 2", "< params.max")],
            "hostprocess-base-error-limit",
            ParamKind(api_version="a.io/v1", kind="Limit"),
            ParamRef(selector={}, parameter_not_found_action="Allow"),
        ),
        ([("when:", "paramKind: {apiVersion: a.io/v1, kind: Limit}\nwhen:"), ("< 2", "< object.params")], "hostprocess-base-error", None, None),
        (
            [("bundle: base", "bundle: limited"), ("    path:", "    messageExpression: \"'not ' + string(params.data.max)\"\n    path:")],
            "hostprocess-limited-error-configmap",
            ParamKind(api_version="v1", kind="ConfigMap"),
            ParamRef(name="limits", namespace="config", parameter_not_found_action="Allow"),
        ),
    ],
)
def test_parameters(edits: list[Edit], name: str, kind: ParamKind | None, reference: ParamRef | None, tmp_path: Path) -> None:
    pack = load_pack(write_pack(tmp_path, {"a.yaml": rule_text("a", *edits)}))
    (policy,), (binding,) = compile_pack(pack, pack.rules, NOW)
    assert (policy.name, policy.param_kind, binding.param_ref) == (name, kind, reference)


def test_a_policy_has_the_variables_it_uses_in_order(tmp_path: Path) -> None:
    (policy,) = compiled(tmp_path, one("a", ("size(variables.containers) < 2", "size(variables.named) < 2")))
    assert [variable.name for variable in policy.variables] == ["podTemplate", "podSpec", "containers", "hostNetwork", "named"]


@pytest.mark.parametrize(
    ("edits", "validation"),
    [
        (
            [],
            {"expression": "!(variables.hostNetwork) || (size(variables.containers) < 2)", "message": "[a] one container only", "paths": ("spec.containers",)},
        ),
        ([("    message:", "    messageExpression: \"'x'\"\n    message:")], {"message_expression": "'[a] ' + ('x')"}),
        ([("when: variables.hostNetwork", "when: variables.hostNetwork && (true || false)")], {"when": "variables.hostNetwork && (true || false)"}),
    ],
)
def test_what_a_validation_becomes(edits: list[Edit], validation: dict[str, Any], tmp_path: Path) -> None:
    (policy,) = compiled(tmp_path, one("a", *edits))
    (found,) = policy.validations
    assert {key: getattr(found, key) for key in validation} == validation
    assert found.rule == "a"


def test_validations_outside_the_targets_are_left_out(tmp_path: Path) -> None:
    second = "    path: spec.containers\n  - {expression: 'true', message: two, kubernetes: {before: 1.30}}"
    second += "\n  - {expression: 'true', message: three, containerd: {since: 1.7}}"
    rules = one("a", ("    path: spec.containers", second))
    for kubernetes, containerd, expected in (("1.36", "1.7", ["one container only", "three"]), ("1.29", "1.6", ["one container only", "two"])):
        (policy,) = compiled(tmp_path, rules, Targets(kubernetes=kubernetes, containerd=containerd))
        assert [validation.message.removeprefix("[a] ") for validation in policy.validations] == expected


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        ([("when: variables.hostNetwork", "when: 'true'")], "when: must be one of variables.hostNetwork, alone or followed by && (…)"),
        ([("when: variables.hostNetwork", "when: variables.podSpec")], "when: must be one of"),
        ([("when: variables.hostNetwork", "when: variables.hostNetwork || true")], "when: must be one of"),
        ([("when: variables.hostNetwork", "when: variables.hostNetwork && false || true")], "when: must be one of"),
        ([("when: variables.hostNetwork", "when: variables.hostNetwork && (false) || (true)")], "when: must be one of"),
        ([("when: variables.hostNetwork", "when: 'variables.hostNetwork && false ? false : true'")], "when: must be one of"),
        ([("variables.containers)", "variables.contaners)")], "there is no variable contaners in pack.yaml"),
        ([("when: variables.hostNetwork", "when: variables.hostNetwork && variables.nothing")], "there is no variable nothing in pack.yaml"),
        ([("< 2", "< params.max")], "neither the rule nor its bundle says of which paramKind"),
    ],
)
def test_rules_that_cannot_be_compiled(edits: list[Edit], message: str, tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as caught:
        compiled(tmp_path, one("a", *edits))
    assert message in caught.value.message
    assert caught.value.path == str(tmp_path / "a.yaml")


@pytest.mark.parametrize("when", ["variables.hostNetwork && variables.podSpec != {}", "variables.hostNetwork && ((true) || (false))", "variables.hostNetwork"])
def test_conditions_that_are_fine(when: str, tmp_path: Path) -> None:
    (policy,) = compiled(tmp_path, one("a", ("when: variables.hostNetwork", f"when: '{when}'")))
    assert policy.validations[0].when == when


@pytest.mark.parametrize(
    ("place", "edit"),
    [
        ("expression", ("  - expression: size(variables.containers) < 2", "  - expression: |\n      size(variables.containers) < 2 // two")),
        ("when", ("when: variables.hostNetwork", "when: |\n  variables.hostNetwork && true // or not")),
        ("each", ("  - expression: size(variables.containers) < 2", "  - each: containers\n    expression: |\n      item.name == 'x' // a name")),
        ("ports", ("  - expression: size(variables.containers) < 2", "  - each: ports\n    expression: |\n      item.n == 2 // a port")),
        ("named", ("  - expression: size(variables.containers) < 2", "  - each: named\n    expression: |\n      label == 'x' // a name")),
    ],
)
def test_comments_at_the_end(place: str, edit: Edit, tmp_path: Path) -> None:
    found = judged(tmp_path, pod(hostNetwork=True, containers=[{"name": "x", "ports": [{"n": 1}]}, {"name": "y"}]), edit)
    assert [one.outcome for one in found.findings] == [Outcome.DENY]


def judged(folder: Path, value: dict[str, Any], *edits: Edit, runtime: str = "cpp") -> Decisions:
    pack = load_pack(write_pack(folder, {"a.yaml": rule_text("a", *edits)}))
    policies, bindings = compile_pack(pack, pack.rules, NOW)
    evaluator(policies, bindings, runtime=runtime).check()
    return Evaluator(policies, bindings, RUNTIMES[runtime], Inventory.of([]), show_all=True).decide(request_for(resource(value), Inventory.of([])))


CONTAINERS = [{"name": "x", "ports": [{"n": 1}, {"n": 2}]}, {"ports": [{"n": 3}]}, {"name": "y"}, {"name": "z", "ports": [{"n": 2}, {"n": 1}]}]


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize(
    ("each", "expression", "path", "expected"),
    [
        ("containers", "has(item.name)", "name", ["containers[1].name"]),
        ("containers", "has(item.ports)", "", ["containers[2]"]),
        ("containers", "!has(item.name) || item.name == 'y'", "[nothing, name]", ["containers[0].name", "containers[3].name"]),
        ("named", "item.name != 'x'", "name", ["containers[0].name"]),
        ("named", "label.size() == 1 && label != 'z'", "name", ["containers[3].name"]),
        ("named", "has(item.ports)", "name", ["containers[2].name"]),
        ("ports", "item.n < 2", "n", ["containers[0].ports[1].n", "containers[1].ports[0].n", "containers[3].ports[0].n"]),
        ("ports", "item.n < 2 || !has(container.name)", "", ["containers[0].ports[1]", "containers[3].ports[0]"]),
        ("portsOfNamed", "item.n < 2", "n", ["containers[0].ports[1].n", "containers[3].ports[0].n"]),
        ("portsOfNamed", "item.n < 2 || container.name == 'x'", "spec.containers", ["containers"]),
        ("portsOfNamed", "item.n < 3", "n", []),
    ],
)
def test_lists(each: str, expression: str, path: str, expected: list[str], runtime: str, tmp_path: Path) -> None:
    edits = (
        ("  - expression: size(variables.containers) < 2", f'  - each: {each}\n    expression: "{expression}"'),
        ("path: spec.containers", "path: " + (path or "''")),
    )
    value = pod(hostNetwork=True, containers=CONTAINERS)
    found = judged(tmp_path, value, *edits, runtime=runtime)
    assert [field for one in found.findings for field in one.fields] == [f"spec.{field}" for field in expected]
    assert outcomes(found) == (["deny"] if expected else ["allow"])
    found = judged(tmp_path, wrapped(value, "Deployment"), *edits, runtime=runtime)
    assert [field for one in found.findings for field in one.fields] == [f"spec.template.spec.{field}" for field in expected]


# The generated matchCondition.


def test_the_match_condition_is_of_the_scopes_of_the_rules(tmp_path: Path) -> None:
    edits = [
        ("- {name: named,", "- {name: labelled, expression: has(object.metadata.labels)}\n  - {name: named,"),
        ("scopes:", "scopes:\n  labelled: has(template.metadata.labels)"),
    ]
    rules = {**one("a"), **one("b", ("severity: error", "severity: info"), ("variables.hostNetwork", "variables.labelled"))}
    pack = load_pack(write_pack(tmp_path, {f"{name}.yaml": text for name, text in rules.items()}, *edits))
    network = "has(template.spec.hostNetwork) && template.spec.hostNetwork == true"
    start = "[has(object.spec.template) ? object.spec.template : object].exists(template, has(template.spec) && ("
    conditions = [policy.match_conditions[0] for policy in compile_pack(pack, pack.rules, NOW)[0]]
    assert {one.name for one in conditions} == {"concerns-its-rules"}
    assert [one.expression for one in conditions] == [f"{start}{network}))", f"{start}has(template.metadata.labels)))"]
    together = [rule if rule.id == "a" else dataclasses.replace(rule, validations=pack.rules[0].validations) for rule in pack.rules]
    (policy,) = compile_pack(pack, together, NOW)[0]
    assert policy.match_conditions[0].expression == f"{start}has(template.metadata.labels) || {network}))"


# Properties of the built-in pack.

WHOLE = load_policies(bundles=list(load_rules().bundles))
OS = st.sampled_from(["windows", "linux", "Windows", ""])


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.just(...), strategy)


def mapping(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(fields).map(lambda value: {key: item for key, item in value.items() if item is not ...})


def security(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return mapping(runAsNonRoot=maybe(st.booleans()), privileged=maybe(st.booleans()), **fields)


options = maybe(
    mapping(
        hostProcess=maybe(st.booleans()),
        runAsUserName=maybe(st.sampled_from(["NT AUTHORITY\\SYSTEM", "ContainerUser", "bad/name", "", "a\\b\\c", "Administrators"])),
        gmsaCredentialSpecName=maybe(st.sampled_from(["ok", "Not Ok"])),
    )
)
ports = maybe(st.lists(mapping(containerPort=st.sampled_from([80, 443]), hostPort=maybe(st.sampled_from([0, 80]))), max_size=2))
mounts = maybe(st.lists(mapping(name=st.sampled_from("vw"), mountPath=st.sampled_from(["C:\\", "/etc", "data"]), readOnly=maybe(st.booleans())), max_size=2))


def containers(security_context: st.SearchStrategy[Any], least: int = 0) -> st.SearchStrategy[Any]:
    one = mapping(
        name=st.sampled_from(["a", "b"]),
        image=st.sampled_from(["i:1", "registry.example.com/i@sha256:0"]),
        command=maybe(st.just(["/app/x.exe", "$(CONTAINER_SANDBOX_MOUNT_POINT)"])),
        ports=ports,
        volumeMounts=mounts,
        resources=maybe(st.just({"limits": {"cpu": "1"}})),
        securityContext=security_context,
    )
    return st.lists(one, min_size=least, max_size=2)


def affinity(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    # The API server refuses In and NotIn without values.
    key = st.sampled_from(["kubernetes.io/os", "zone"])
    listed = mapping(key=key, operator=st.sampled_from(["In", "NotIn"]), values=st.lists(values, min_size=1, max_size=2))
    requirement = st.one_of(listed, mapping(key=key, operator=st.sampled_from(["Exists", "DoesNotExist"])))
    terms = st.lists(mapping(matchExpressions=maybe(st.lists(requirement, max_size=2))), max_size=2)
    return maybe(
        mapping(
            nodeAffinity=maybe(mapping(requiredDuringSchedulingIgnoredDuringExecution=maybe(mapping(nodeSelectorTerms=maybe(terms))))),
            podAffinity=maybe(st.just({})),
        )
    )


def pods(windows: st.SearchStrategy[Any], os: st.SearchStrategy[Any], least: int = 0) -> st.SearchStrategy[dict[str, Any]]:
    within = maybe(security(windowsOptions=windows))
    volumes = [{"name": "v", "hostPath": {"path": "\\\\.\\pipe\\x", "type": "Socket"}}, {"name": "w", "emptyDir": {"medium": "Memory"}}]
    spec = mapping(
        initContainers=maybe(containers(within)),
        containers=maybe(containers(within, least)) if not least else containers(within, least),
        ephemeralContainers=maybe(containers(within)),
        securityContext=within,
        os=maybe(mapping(name=maybe(os))),
        nodeSelector=maybe(st.dictionaries(st.sampled_from(["kubernetes.io/os", "beta.kubernetes.io/os", "zone"]), os, max_size=2)),
        affinity=affinity(os),
        hostNetwork=maybe(st.booleans()),
        hostUsers=maybe(st.booleans()),
        hostPID=maybe(st.booleans()),
        dnsPolicy=maybe(st.just("ClusterFirstWithHostNet")),
        runtimeClassName=maybe(st.sampled_from(["", "runhcs-wcow-hypervisor"])),
        volumes=maybe(st.just(volumes)),
        automountServiceAccountToken=maybe(st.booleans()),
    )
    annotations = maybe(st.dictionaries(st.sampled_from(["microsoft.com/hostprocess-inherit-user", "x"]), st.sampled_from(["true", ""]), max_size=1))
    metadata = mapping(name=st.just("p"), namespace=maybe(st.sampled_from(["shop", "default"])), annotations=annotations)
    return st.fixed_dictionaries({"apiVersion": st.just("v1"), "kind": st.just("Pod"), "metadata": metadata, "spec": spec})


def in_workloads(values: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(lambda value, kind: wrapped(value, kind) if kind else value, values, st.sampled_from(["", "", *WRAPPERS]))


NAMESPACES: list[dict[str, Any]] = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in ("shop", "default")]
PARAMS: list[dict[str, Any]] = [
    {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "hostprocess-access", "namespace": "hostprocess-policies"},
        "data": {"allowedAccounts": "x"},
    },
    {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "a"}, "handler": "runhcs-wcow-hypervisor"},
]
INVENTORY = Inventory.of([*NAMESPACES, *PARAMS])
GUARDED = {name: [Evaluator([policy], WHOLE.bindings, runtime, INVENTORY, show_all=True) for policy in WHOLE.policies] for name, runtime in RUNTIMES.items()}
UNGUARDED = {
    name: [Evaluator([dataclasses.replace(policy, match_conditions=())], WHOLE.bindings, runtime, INVENTORY, show_all=True) for policy in WHOLE.policies]
    for name, runtime in RUNTIMES.items()
}
generated = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def check_condition(value: dict[str, Any], runtime: str) -> None:
    """Where the matchCondition of a policy is false, each of its rules would have been skipped; and it never errs."""
    request = request_for(resource(value), INVENTORY)
    for guarded, unguarded in zip(GUARDED[runtime], UNGUARDED[runtime], strict=True):
        found = guarded.decide(request)
        assert not [one for one in found.findings if not one.rule], "the matchCondition has an error"
        if any(one.message == "the matchCondition 'concerns-its-rules' is false" for one in found.passed):
            bare = unguarded.decide(request)
            assert (bare.findings, bare.allowed) == ([], 0)
            assert set(outcomes(bare)) == {"skip"}


@settings(generated, max_examples=300)
@given(in_workloads(pods(options, OS)))
def test_a_false_match_condition_means_that_every_rule_is_skipped(value: dict[str, Any]) -> None:
    check_condition(value, "cpp")


@settings(generated, max_examples=10)
@given(in_workloads(pods(options, OS)))
def test_a_false_match_condition_means_that_every_rule_is_skipped_on_celpy(value: dict[str, Any]) -> None:
    check_condition(value, "celpy")


@settings(generated, max_examples=300)
@given(in_workloads(pods(options, OS, least=1)))
def test_no_rule_errs(value: dict[str, Any]) -> None:
    request = request_for(resource(value), INVENTORY)
    for unguarded in UNGUARDED["cpp"]:
        assert [one for one in unguarded.decide(request).findings if one.outcome is Outcome.ERROR] == []


def check_linux(value: dict[str, Any], runtime: str) -> None:
    request = request_for(resource(value), INVENTORY)
    for guarded, unguarded in zip(GUARDED[runtime], UNGUARDED[runtime], strict=True):
        for judge in (guarded, unguarded):
            found = judge.decide(request)
            assert (found.findings, found.allowed) == ([], 0)
            assert set(outcomes(found)) == {"skip"}


LINUX = pods(st.just(...), st.just("linux"), least=1)


@settings(generated, max_examples=300)
@given(in_workloads(LINUX))
def test_linux_pods_are_none_of_the_pack_s_business(value: dict[str, Any]) -> None:
    check_linux(value, "cpp")


@settings(generated, max_examples=8)
@given(in_workloads(LINUX))
def test_linux_pods_are_none_of_the_pack_s_business_on_celpy(value: dict[str, Any]) -> None:
    check_linux(value, "celpy")


def test_the_properties_are_about_something() -> None:
    """The pods above do meet the rules: a plain HostProcess pod has findings of several bundles."""
    value = pod(
        securityContext={"windowsOptions": {"hostProcess": True}}, initContainers=[{"name": "i", "securityContext": {"windowsOptions": {"hostProcess": False}}}]
    )
    request = request_for(resource(value), INVENTORY)
    found = [one for judge in GUARDED["cpp"] for one in judge.decide(request).findings]
    assert {"hostprocess-requirements-error", "hostprocess-least-privilege-warning"} <= {one.policy for one in found}


def test_the_pack_reads_no_variable_in_match_conditions() -> None:
    for policy in WHOLE.policies:
        names = [condition.name for condition in policy.match_conditions]
        assert names == ["concerns-its-rules", "not-being-deleted", "not-a-mirror-pod", "changes-what-its-rules-judge"]
        assert not any(variables_of(condition.expression) for condition in policy.match_conditions)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_whole_pack_compiles(runtime: str) -> None:
    Evaluator(WHOLE.policies, WHOLE.bindings, RUNTIMES[runtime], INVENTORY).check()
