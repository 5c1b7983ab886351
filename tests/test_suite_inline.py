"""Expectations in the comments of manifests."""

from __future__ import annotations

from pathlib import Path

import pytest

from suites import POLICY, command

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: NAME, namespace: kube-system}
spec:
  hostNetwork: NETWORK
  os: {name: windows}
  nodeSelector: {kubernetes.io/os: windows}
  securityContext: {windowsOptions: {hostProcess: true, runAsUserName: 'NT AUTHORITY\\LocalService'}}
  containers: [{name: a, image: 'example.com/i:1'}]
"""


def pod(name: str, network: bool = True) -> str:
    return POD.replace("NAME", name).replace("NETWORK", str(network).lower())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_documents_with_a_comment_are_cases(folder: Path) -> None:
    text = (
        "# A file of examples.\n# expect: deny rule=requires-host-network message=hostNetwork must be true\n"
        + pod("a", network=False)
        + "---\n"
        + pod("b", network=False)
        + "---\n#expect: allow   rule=requires-host-network\n# expect: warn rule=resource-limits field=spec.containers[0].resources.limits\n"
        + pod("c")
        + "---\n# expect: skip\n\n# of what there is nothing to say\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: d}\n"
    )
    (folder / "pods.yaml").write_text(text)
    result = command("-v")
    assert result.stderr == ""
    assert result.stdout.splitlines()[:4] == [
        "pods.yaml::Pod a PASSED",
        "pods.yaml::Pod c: allow   rule=requires-host-network PASSED",
        "pods.yaml::Pod c: warn rule=resource-limits field=spec.containers[0].resources.limits PASSED",
        "pods.yaml::ConfigMap d PASSED",
    ]
    assert result.return_value == 0


def test_a_failure_is_told_at_the_comment(folder: Path) -> None:
    (folder / "pods.yaml").write_text(pod("a") + "---\n# expect: deny rule=requires-host-network\n" + pod("b"))
    result = command()
    assert result.return_value == 1
    assert "pods.yaml:11: case 'Pod b': expected deny, got allow" in result.stdout
    assert "true = variables.podSpec.hostNetwork == true" in result.stdout


def test_other_objects_of_the_file_are_looked_up(folder: Path) -> None:
    (folder / "policy.yaml").write_text(
        POLICY.replace("- {key: kubernetes.io/metadata.name, operator: NotIn, values: [kube-system]}", "{key: team, operator: Exists}")
        .replace("{matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [kube-system]}]}", "{matchLabels: {team: a}}")
        .replace("[deployments]", "[deployments, replicasets]")
        + "---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nmetadata: {name: b}\n"
        "spec: {policyName: replicas, validationActions: [Deny]}\n"
    )
    named = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {team: LABEL}}\n"
    web = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\n"
        "spec: {replicas: 9, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}}\n"
    )
    (folder / "web.yaml").write_text("# expect: deny policy=replicas messageMatches=^at most\n" + web + named.replace("LABEL", "a"))
    assert command("--policies", "policy.yaml", "web.yaml").return_value == 0
    (folder / "web.yaml").write_text("# expect: skip policy=replicas\n" + web + named.replace("LABEL", "b"))
    assert command("--policies", "policy.yaml", "web.yaml").return_value == 0
    (folder / "web.yaml").write_text("# expect: deny rule=validations[0]\n" + web)
    result = command("--policies", "policy.yaml", "web.yaml")
    assert "web.yaml:1: case 'Deployment web': expected deny, got" in result.stdout


@pytest.mark.parametrize(
    ("comment", "line", "message"),
    [
        ("# expect: dney", 1, "expect: 'dney' is no outcome; did you mean 'deny'?; there are allow, deny"),
        ("# expect:", 1, "expect: '' is no outcome; there are allow"),
        ("# expect: deny rle=x", 1, "expect: unknown key 'rle'; did you mean 'rule'?; known are rule, policy, message, messageMatches, field"),
        ("# expect: deny because I say so", 1, "expect: unknown key 'because'"),
        ("# expect: deny rule=requires-host-netwrk", 1, "expect: there is no rule 'requires-host-netwrk'; did you mean 'requires-host-network'?"),
        ("# expect: deny policy=x", 1, "expect: there is no policy 'x'"),
        ("# expect: deny rule=requires-host-network mesage=x", 1, "expect: unknown key 'mesage'; did you mean 'message'?"),
        ("# expect: deny message=", 1, "expect: message= has no value"),
        ("# expect: deny message=a message=b", 1, "expect: message= is given twice"),
        ("# expect: deny messageMatches=(", 1, "expect: messageMatches is no RE2 expression"),
        ("\n# expect: deny policy=hostprocess-requirements-error rule=requires-host-network", 2, "expect: give a rule or a policy"),
        ("---\n# expect: deny\n---", 2, "expect: stands above no objects; it is about one"),
        ("# expect: deny\napiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: A}, {apiVersion: v1, kind: B}]\n---", 1, "expect: stands above 2"),
        ("# expect: deny\na: b\n---", 2, "no apiVersion and kind, so this is not a Kubernetes object"),
        ("apiVersion: v1\n# expect: deny\nkind: Pod\n---", 2, "an `# expect:` stands above the document that it is about"),
        ("# expect: deny\na: [\n---", 3, "not valid YAML"),
    ],
)  # fmt: skip
def test_expectations_that_are_refused(comment: str, line: int, message: str, folder: Path) -> None:
    (folder / "pods.yaml").write_text(f"{comment}\n{pod('a')}")
    result = command()
    assert result.return_value == 2
    assert result.stderr.startswith(f"error: pods.yaml:{line}:")
    assert message in result.stderr


def test_quotes_around_a_message(folder: Path) -> None:
    (folder / "pods.yaml").write_text("# expect: deny message='hostNetwork must be true' rule=requires-host-network\n" + pod("a", network=False))
    assert command().return_value == 0


def test_two_of_one_name(folder: Path) -> None:
    (folder / "pods.yaml").write_text("---\n".join(f"# expect: allow rule=requires-host-network\n{pod('a')}" for _ in range(2)))
    assert command("-v").stdout.splitlines()[:2] == ["pods.yaml::Pod a PASSED", "pods.yaml::Pod a (2) PASSED"]
