"""What SECURITY.md promises: no code from input, no path that leads out, and limits in time and memory."""

from __future__ import annotations

import gzip
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import hostprocess
from hostprocess.cel.limits import PER_CALL_LIMIT
from hostprocess.cel.parser import MAX_LEVELS
from hostprocess.errors import HostprocessError
from hostprocess.kubernetes.yaml_text import MAX_DEPTH, MAX_VALUES, load
from hostprocess.model import Binding, Outcome, Targets
from support import REPOSITORY, policy, rule_text, write_pack

TEXT = (REPOSITORY / "SECURITY.md").read_text("utf-8")
COMMAND = [sys.executable, "-m", "hostprocess"]
SCRIPT = [str(Path(sys.executable).parent / "hostprocess")]
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop}\nspec: {containers: [{name: a, image: i}]}\n"
POLICY = (
    "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: a}\nspec:\n"
    '  matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}\n'
    "  validations: [{expression: 'true'}]\n"
)
OF_A_TEAM = POLICY.replace("'true'", '"has(object.metadata.labels)"')
OTHERWISE = (
    "{name: labelled, object: {apiVersion: v1, kind: Pod, metadata: {name: q, labels: {a: b}}, spec: {containers: [{name: a, image: i}]}}, expect: allow}"
)
LEAVE = "open('executed', 'w').close()\n"


def run(*arguments: str, folder: Path, command: list[str] = COMMAND, seconds: float = 120) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("GITHUB_", "GITLAB_", "PYTHONPATH"))}
    return subprocess.run([*command, *arguments], cwd=folder, capture_output=True, text=True, timeout=seconds, env=environment)


# No code from input.


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A working directory full of code that would be found by whoever looked there."""
    for name in ("evil", "yaml", "click", "pluggy", "json", "conftest", "sitecustomize", "usercustomize", "hostprocess_plugin"):
        (tmp_path / f"{name}.py").write_text(LEAVE)
    information = tmp_path / "evil-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[hostprocess]\nevil = evil\n")
    (tmp_path / "pod.yaml").write_text(POD)
    (tmp_path / "a.test.yaml").write_text("policy: policy.yaml\ncases:\n  - {name: a, object: pod.yaml, expect: allow}\n")
    (tmp_path / ".hostprocess.yaml").write_text("check: {jobs: 2}\n")
    return tmp_path


@pytest.mark.parametrize("command", [COMMAND, SCRIPT], ids=["module", "script"])
@pytest.mark.parametrize(
    "arguments", [("check", "."), ("check", "pod.yaml", "--jobs", "2"), ("test", "."), ("lint", "pod.yaml"), ("rules",)], ids=lambda one: "-".join(one)
)
def test_no_code_is_taken_from_the_working_directory(hostile: Path, command: list[str], arguments: tuple[str, ...]) -> None:
    done = run(*arguments, folder=hostile, command=command)
    assert not (hostile / "executed").exists()
    assert done.returncode in (0, 2), done.stderr
    assert "Traceback" not in done.stderr


def test_the_trap_would_work(hostile: Path) -> None:
    """Python itself falls into it: else the test above could not fail."""
    subprocess.run([sys.executable, "-c", "import evil"], cwd=hostile, check=True)
    assert (hostile / "executed").exists()


def test_a_plug_in_on_pythonpath_is_asked_for(hostile: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(hostile)}
    for name in ("yaml", "click", "pluggy", "json", "sitecustomize", "usercustomize"):
        (hostile / f"{name}.py").unlink()
    subprocess.run([*COMMAND, "check", "pod.yaml"], cwd=hostile, capture_output=True, env=environment)
    assert (hostile / "executed").exists()


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system [touch executed]", "!!python/name:os.system x", "!!python/object/new:type [x]", "!x y"])
@pytest.mark.parametrize("name", ["pod.yaml", "policy.yaml", "a.test.yaml", "pack/pack.yaml", ".hostprocess.yaml", ".hostprocess-exceptions.yaml"])
def test_yaml_makes_no_objects(tag: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    (tmp_path / "pod.yaml").write_text(POD)
    (tmp_path / name).write_text(f"{POD}status: {tag}\n" if name == "pod.yaml" else f"a: {tag}\n")
    arguments = {
        "policy.yaml": ("check", "pod.yaml", "--policies", "policy.yaml"),
        "a.test.yaml": ("test", "a.test.yaml"),
        "pack/pack.yaml": ("check", "pod.yaml", "--policies", "pack"),
    }
    done = run(*arguments.get(name, ("check", "pod.yaml")), folder=tmp_path)
    assert done.returncode == 2, done.stdout
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "executed").exists()


def test_no_loader_but_the_safe_one_is_in_the_code() -> None:
    for path in (REPOSITORY / "engine").rglob("*.py"):
        code = path.read_text("utf-8")
        assert not re.search(r"yaml\.(load|load_all|full_load|unsafe_load|Loader|FullLoader|UnsafeLoader)\b|\b(eval|exec)\(|os\.system|shell=True", code), path


# No path leads out.


def test_names_from_a_pack_do_not_lead_out_of_an_export(tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    name = "x/../../../evil"
    rules = {"one-container.yaml": rule_text("one-container", ("bundle: base", f"bundle: {name}"))}
    write_pack(tmp_path / "pack", rules, ("  base: {title: The base", f"  {name}: {{title: The base"))
    before = sorted(tmp_path.rglob("*"))
    done = run("export", "--policies", "pack", "--output", "a/b/c", folder=tmp_path)
    assert done.returncode == 2
    assert sorted(tmp_path.rglob("*")) == before


def test_names_from_suites_do_not_lead_out_of_a_conversion(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "policy.yaml").write_text(
        "apiVersion: policies.kyverno.io/v1\nkind: ValidatingPolicy\nmetadata: {name: ../../escaped}\nspec:\n  validationActions: [Deny]\n"
        '  matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}\n'
        '  validations: [{expression: "false"}]\n'
    )
    (work / "pod.yaml").write_text(POD)
    (work / "kyverno-test.yaml").write_text(
        "apiVersion: cli.kyverno.io/v1alpha1\nkind: Test\nmetadata: {name: ../../escaped}\npolicies: [policy.yaml]\nresources: [pod.yaml]\n"
        "results: [{policy: ../../escaped, isValidatingPolicy: true, kind: Pod, resources: [p], result: fail}]\n"
    )
    run("convert", "work", "--output", "a/b", folder=tmp_path)
    assert not [*tmp_path.rglob("*escaped*"), *tmp_path.parent.glob("*escaped*")]


@pytest.mark.parametrize("name", ["../secret.yaml", "/etc/hostname", "C:/secret.yaml", "link.yaml"])
@pytest.mark.parametrize("where", ["object", "policy", "fixture", "kaptest"])
def test_paths_in_a_suite_do_not_lead_out(name: str, where: str, tmp_path: Path) -> None:
    work = tmp_path / "work"
    (work / ".git").mkdir(parents=True)
    (tmp_path / "secret.yaml").write_text(POD.replace("name: p,", "name: secret,"))
    (work / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    (work / "pod.yaml").write_text(POD)
    (work / "policy.yaml").write_text(OF_A_TEAM)
    case = f"cases: [{{name: a, object: pod.yaml, expect: deny}}, {OTHERWISE}]\n"
    suites = {
        "object": f"policy: policy.yaml\n{case.replace('pod.yaml', repr(name))}",
        "policy": f"policy: '{name}'\n{case}",
        "fixture": f"policy: policy.yaml\nfixtures: {{f: '{name}'}}\n{case.replace('object: pod.yaml', 'base: f')}",
        "kaptest": f"validatingAdmissionPolicies: [policy.yaml]\nresources: ['{name}']\n"
        "testSuites: [{policy: a, tests: [{object: {kind: Pod, name: p}, expect: admit}]}]\n",
    }
    (work / ("kaptest.yaml" if where == "kaptest" else "a.test.yaml")).write_text(suites[where])
    done = run("test", ".", folder=work)
    assert done.returncode == 2, done.stdout
    assert "is an absolute path" in done.stderr or "leads out of the repository" in done.stderr, done.stderr
    assert "secret" not in done.stdout


def test_paths_in_a_suite_may_lead_through_the_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "suites").mkdir()
    (tmp_path / "pod.yaml").write_text(POD)
    (tmp_path / "suites" / "a.test.yaml").write_text(
        "fixtures: {p: ../pod.yaml}\npolicy: p.yaml\n"
        f"cases: [{{name: a, object: ../pod.yaml, expect: deny}}, {{name: b, base: p, expect: deny}}, {OTHERWISE}]\n"
    )
    (tmp_path / "suites" / "p.yaml").write_text(OF_A_TEAM)
    done = run("test", "suites", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


# Limits.


def refusal(text: str) -> str:
    with pytest.raises(HostprocessError) as caught:
        load(text)
    return caught.value.message


def test_nesting() -> None:
    assert f"{MAX_DEPTH} levels" in refusal("[" * 100_000)
    assert f"{MAX_DEPTH} levels" in refusal("a: " + "{a: " * 10_000 + "1" + "}" * 10_000)


def test_aliases_do_not_multiply() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True))
    start = time.process_time()
    assert "aliases" in refusal(bomb)
    assert time.process_time() - start < 5


def evaluated(expression: str, **arguments: float) -> tuple[Outcome, str, float]:
    """The outcome of one expression about a pod, its message and the seconds of computing."""
    policies = hostprocess.PolicySet(
        policies=(policy(expression),),
        bindings=(Binding(name="b", policy_name="p", validation_actions=("Deny",)),),
        targets=Targets(kubernetes="1.37", containerd="1.7"),
    )
    resources = list(hostprocess.read_resources([str(REPOSITORY / "examples" / "kube-proxy.yaml")]))
    start = time.process_time()
    report = hostprocess.evaluate_resources(policies, resources, raw=True, **arguments)  # type: ignore[arg-type]
    took = time.process_time() - start
    one = next(iter(report.results)).decision
    return one.outcome, one.message, took


def nested(levels: int) -> str:
    """An expression of 10 to the power of `levels` steps."""
    numbers = "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"
    text = "true"
    for level in range(levels):
        text = f"{numbers}.all(v{level}, {text})"
    return text


def test_what_costs_too_much_ends_as_in_the_api_server() -> None:
    outcome, message, took = evaluated(nested(9))
    assert (outcome, "cost" in message) == (Outcome.ERROR, True), message
    assert took < 20
    assert PER_CALL_LIMIT == 1_000_000


def test_what_takes_too_long_is_unknown() -> None:
    outcome, message, took = evaluated(nested(5), expression_timeout=0.001)
    assert outcome is Outcome.UNKNOWN, message
    assert took < 5


def test_regular_expressions_take_linear_time() -> None:
    outcome, _, took = evaluated(f"'{'a' * 20_000}!'.matches('^(a+)+$') || '{'a' * 20_000}!'.matches('(a|a)*b')")
    assert outcome is Outcome.DENY
    assert took < 5


@pytest.mark.parametrize("expression", ["(" * 5_000 + "true" + ")" * 5_000, "!" * 50_001 + "true", "[" * 5_000, "a" * 200_000, "true" + " && true" * 20_000])
def test_expressions_too_deep_or_too_long_are_refused(expression: str, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY.replace("'true'", f"'{expression}'"))
    (tmp_path / "pod.yaml").write_text(POD)
    start = time.monotonic()
    done = run("check", "pod.yaml", "--policies", "policy.yaml", "--assume-binding", "deny", folder=tmp_path)
    assert time.monotonic() - start < 60
    assert done.returncode in (1, 2), done.stdout
    assert "Traceback" not in done.stderr


@pytest.fixture
def large(tmp_path: Path) -> Iterator[Path]:
    """A list of 60,000 pods, some tens of megabytes, in a gzip file of some tens of kilobytes."""
    path = tmp_path / "large.json.gz"
    item = (
        '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"shop","annotations":{"a":"'
        + "x" * 800
        + '"}},"spec":{"containers":[{"name":"a","image":"i"}]}}'
    )
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write('{"apiVersion":"v1","kind":"List","items":[' + ",".join([item] * 60_000) + "]}")
    yield path
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_input(large: Path) -> None:
    """The limit is set on the process: what needs more ends in an error."""
    code = (
        f"import resource, sys; resource.setrlimit(resource.RLIMIT_AS, ({1 << 30}, {1 << 30}));"
        f"sys.argv[1:] = ['check', {str(large)!r}, '--quiet']; from hostprocess.__main__ import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=large.parent)
    assert done.returncode == 0, done.stderr
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 < 1 << 30


# What is written is what holds.


def test_the_numbers_in_the_document_are_those_of_the_code() -> None:
    for number in (
        f"{MAX_DEPTH} levels",
        f"{MAX_VALUES:,} values",
        f"{PER_CALL_LIMIT:,}",
        f"{MAX_LEVELS} levels",
        "10,000,000",
        "10 seconds",
        "100,000 characters",
        "300 MB",
    ):
        assert number in TEXT, number
