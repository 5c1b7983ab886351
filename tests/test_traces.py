"""How a decision came about: what a failing case shows, and `hostprocess explain RULE --object FILE`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from hostprocess.cli import cli
from hostprocess.errors import UsageError
from hostprocess.suite.run import Runner
from suites import DEPLOYMENT, failures, load, write_suite
from support import ALL_RUNTIMES, rule_text, write_pack

MANY = {"set": {"spec.replicas": 50}}


def trace(folder: Path, case: dict[str, Any], **rest: Any) -> list[str]:
    (failure,) = failures(folder, {"name": "c", **case}, **rest)
    assert str(failure).endswith("\n".join(f"    {line}" for line in failure.trace))
    return [line.replace(f"{folder}/", "") for line in failure.trace]


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (
            {**MANY, "expect": "allow"},
            [
                "policy.yaml:15: validations[0]",
                "  false = object == null || object.spec.replicas <= variables.limit",
                "    false = object == null",
                "    false = object.spec.replicas <= variables.limit",
                "      50 = object.spec.replicas",
                "      5 = variables.limit",
            ],
        ),
        (
            {"expect": "deny", "message": "this one stays"},
            [
                "policy.yaml:17: validations[1]",
                "  true = request.operation != 'DELETE' || oldObject.metadata.name != 'precious'",
                "    true = request.operation != 'DELETE'",
                '      "CREATE" = request.operation',
                "    (not evaluated) oldObject.metadata.name != 'precious'",
            ],
        ),
        (
            {"set": {"metadata.labels": {"exempt": "x"}}, "expect": "deny"},
            [
                "matchCondition 'not-exempt' of replicas",
                "  false = object == null || !has(object.metadata.labels) || !('exempt' in object.metadata.labels)",
                "    false = object == null",
                "    false = !has(object.metadata.labels)",
                "      true = has(object.metadata.labels)",
                "    false = !('exempt' in object.metadata.labels)",
                "      true = 'exempt' in object.metadata.labels",
                '        {"exempt": "x"} = object.metadata.labels',
            ],
        ),
        ({"set": {"metadata.namespace": "kube-system"}, "expect": "deny"}, []),
        ({"variable": "images", "value": []}, ['["i:1"] = object.spec.template.spec.containers.map(c, c.image)']),
        ({"expression": "variables.limit + 1", "value": 7}, ["6 = variables.limit + 1", "  5 = variables.limit"]),
        (
            {"expression": "request.userInfo.username", "value": 7},
            ["unknown (the user who makes the request is not known: name it with --user) = request.userInfo.username"],
        ),
    ],
    ids=str,
)
def test_the_trace_of_a_failing_case(case: dict[str, Any], expected: list[str], tmp_path: Path) -> None:
    found = trace(tmp_path, case)
    assert found[: len(expected)] == expected
    assert bool(found) is bool(expected)


def test_errors_are_values(tmp_path: Path) -> None:
    found = trace(tmp_path, {"raw": True, "unset": ["spec.replicas"], "expect": "allow"})
    assert "    error (no such key: replicas) = object.spec.replicas <= variables.limit" in found


def test_a_large_value_is_cut(tmp_path: Path) -> None:
    found = trace(tmp_path, {"expression": "object.metadata.name + 'x'", "set": {"metadata.name": "n" * 300}, "value": ""})
    assert found[0].startswith('"nnnn')
    assert max(map(len, found)) < 140


def test_rounds_are_shown(tmp_path: Path) -> None:
    found = trace(tmp_path, {"expression": "variables.images.all(i, i.startsWith('x'))", "value": True})
    assert found == ["false = variables.images.all(i, i.startsWith('x'))", '  ["i:1"] = variables.images', '  with i = "i:1":', "    false = i.startsWith('x')"]


PACKED = """\
rule: one-container
base: pod
defaults: {namespace: shop}
cases:
- {name: c, set: {spec.containers: [{name: a, image: i}, {name: b, image: i}]}, expect: allow}
- {name: d, unset: [spec.hostNetwork], expect: deny}
"""


def test_the_place_of_a_rule(tmp_path: Path) -> None:
    write_pack(tmp_path, {"one-container.yaml": rule_text("one-container")})
    (tmp_path / "one-container.test.yaml").write_text(PACKED)
    suite = load(tmp_path / "one-container.test.yaml")
    first, second = (Runner(ALL_RUNTIMES["tree"]).run(suite.subject, case) for case in suite.cases)
    assert first is not None
    assert second is not None
    line = next(number for number, text in enumerate(rule_text("one-container").splitlines(), 1) if "expression:" in text)
    assert first.trace == (
        f"{tmp_path}/one-container.yaml:{line}: one-container",
        "  false = size(variables.containers) < 2",
        "    2 = size(variables.containers)",
        *(one for one in first.trace if "= variables.containers" in one),
    )
    # The condition that a pack makes of the scopes of its rules.
    assert second.trace[0].startswith("matchCondition 'concerns-its-rules' of ")


# explain --object.


def explain(*arguments: Any) -> Result:
    return CliRunner().invoke(cli, ["explain", *map(str, arguments)], standalone_mode=False)


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    write_suite(tmp_path, [])
    many = {**DEPLOYMENT, "spec": {**DEPLOYMENT["spec"], "replicas": 9}}
    (tmp_path / "web.yaml").write_text(f"---\n{yaml.safe_dump(many, sort_keys=False)}---\n{yaml.safe_dump(DEPLOYMENT, sort_keys=False)}")
    return tmp_path


def test_a_policy_of_others_on_manifests(manifests: Path) -> None:
    result = explain("replicas", "--object", manifests / "web.yaml", "--policies", manifests / "policy.yaml")
    assert result.return_value == 0, result.output
    lines = result.stdout.replace(f"{manifests}/", "").splitlines()
    assert lines[:4] == [
        "web.yaml:5: Deployment shop/web: deny",
        "    deny: at most 5",
        "    policy.yaml:15: validations[0]",
        "      false = object == null || object.spec.replicas <= variables.limit",
    ]
    assert "          9 = object.spec.replicas" in lines
    start = lines.index("web.yaml:24: Deployment shop/web: allow")
    assert "          3 = object.spec.replicas" in lines[start:]


def test_a_built_in_rule_on_an_example() -> None:
    result = explain("requires-host-network", "--object", Path(__file__).parent.parent / "examples/device-plugin.yaml")
    assert result.return_value == 0
    assert ": DaemonSet devices/gpu-device-plugin: deny" in result.stdout
    assert "false = has(variables.podSpec.hostNetwork)" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["requires-host-netwrk", "--object", "x.yaml"], "there is no rule 'requires-host-netwrk'; did you mean 'requires-host-network'?"),
        (["replica", "--object", "web.yaml", "--policies", "policy.yaml"], "there is no policy 'replica'; did you mean 'replicas'?"),
        (["--symptom", "x", "--object", "web.yaml"], "--object shows how a rule decides: name the RULE"),
        (["requires-host-network", "--namespace", "x"], "--namespace is for --object PATH"),
    ],
)
def test_wrong_options(arguments: list[str], told: str, manifests: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(manifests)
    error = explain(*arguments).exception
    assert isinstance(error, UsageError)
    assert str(error) == told


def test_a_manifest_that_cannot_be_read(manifests: Path) -> None:
    result = explain("replicas", "--object", manifests / "none.yaml", "--policies", manifests / "policy.yaml")
    assert (result.return_value, "none.yaml: no such file or folder" in result.stderr) == (2, True)
