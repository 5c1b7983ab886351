"""The pytest plug-in, in projects of others: what is collected, what a failure shows, what it costs where it is not used."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from suites import ALLOWS, DENIES, write_suite

pytestmark = pytest.mark.slow

WRONG = {"name": "wrong", "set": {"spec.replicas": 9}, "expect": "allow"}
POD = """\
# expect: deny rule=requires-host-network
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: kube-system}
spec:
  os: {name: windows}
  securityContext: {windowsOptions: {hostProcess: true, runAsUserName: 'NT AUTHORITY\\LocalService'}}
  containers: [{name: a, image: 'example.com/i:1'}]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a suite, a file that looks like one, and a manifest."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    write_suite(tmp_path, [ALLOWS, DENIES, WRONG])
    (tmp_path / "helm.test.yaml").write_text("suite: a chart\ntests:\n  - it: works\n    rule: none\n    cases: []\n")
    (tmp_path / "values.test.yaml").write_text("cases: [a]\n")
    (tmp_path / "pods.yaml").write_text(POD)
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)


def results(done: subprocess.CompletedProcess[str]) -> list[str]:
    return sorted(re.findall(r"^(\S+::.*?) (?:PASSED|FAILED)", done.stdout, re.MULTILINE))


def test_the_cases_of_suites_are_items(project: Path) -> None:
    done = run(project, "-v", "-n", "2")
    assert done.returncode == 1, done.stdout + done.stderr
    assert sorted(re.findall(r"^\[gw\d\].* (?:PASSED|FAILED) (.*?) *$", done.stdout, re.MULTILINE)) == [
        f"replicas.test.yaml::{name}" for name in ("three replicas", "too many", "wrong")
    ]
    # What failed, with its trace and without one of Python.
    assert "replicas.test.yaml:28: case 'wrong': expected allow, got deny" in done.stdout
    assert "9 = object.spec.replicas" in done.stdout
    assert "policy.yaml:15: validations[0]" in done.stdout
    assert "Traceback" not in done.stdout
    assert "pytest_plugin.py" not in done.stdout
    assert "1 failed, 2 passed" in done.stdout
    assert results(run(project, "-v", "--lf")) == ["replicas.test.yaml::wrong"]
    assert results(run(project, "-v", "-k", "many or three", "replicas.test.yaml::too many")) == ["replicas.test.yaml::too many"]


def test_settings_and_fixtures(project: Path) -> None:
    (project / "pytest.ini").write_text("[pytest]\nhostprocess_suites = *.yaml\n")
    (project / "test_it.py").write_text(
        "import pytest\n\n"
        "POD = {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': 'a', 'namespace': 'kube-system'}, 'spec': {'os': {'name': 'windows'},\n"
        "       'securityContext': {'windowsOptions': {'hostProcess': True}}, 'containers': [{'name': 'a', 'image': 'i:1'}]}}\n\n\n"
        "def test_denied(admit, policy_engine):\n"
        "    verdict = admit(POD)\n"
        "    assert verdict.denied and not verdict.allowed\n"
        "    assert 'requires-host-network' in verdict.rules\n"
        "    assert any('hostNetwork must be true' in one for one in verdict.messages)\n"
        "    config = {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'a', 'namespace': 'shop'}}\n"
        "    assert policy_engine.admit(config).outcome == 'skip'\n\n\n"
        "def test_seen(admit):\n"
        "    assert admit(POD).allowed\n"
    )
    done = run(project, "-v")
    assert results(done) == [
        "pods.yaml::Pod a",
        *(f"replicas.test.yaml::{name}" for name in ("three replicas", "too many", "wrong")),
        "test_it.py::test_denied",
        "test_it.py::test_seen",
    ]
    assert "2 failed, 4 passed" in done.stdout, done.stdout
    assert "deny requires-host-network: hostNetwork must be true" in done.stdout  # what the verdict shows


def test_policies_of_the_project(project: Path) -> None:
    (project / "pytest.ini").write_text("[pytest]\nhostprocess_policies = policy.yaml\n")
    (project / "test_it.py").write_text(
        "import pytest\n\nfrom hostprocess import InputError\n\n"
        "WEB = {'apiVersion': 'apps/v1', 'kind': 'Deployment', 'metadata': {'name': 'web', 'namespace': 'shop'}, 'spec': {'replicas': 9,\n"
        "       'selector': {'matchLabels': {'a': 'b'}}, 'template': {'metadata': {'labels': {'a': 'b'}},\n"
        "       'spec': {'containers': [{'name': 'c', 'image': 'i'}]}}}}\n\n\n"
        "def test_it(admit):\n"
        "    verdict = admit(WEB)\n"
        "    assert (verdict.denied, verdict.messages, verdict.rules) == (True, ('at most 5',), ('validations[0]',))\n"
        "    assert verdict.audit_annotations['replicas/replicas'] == '9'\n"
        "    assert any('9 = object.spec.replicas' in line for line in verdict.trace)\n"
        "    assert admit(WEB, old_object=WEB, operation='DELETE').allowed\n"
        "    with pytest.raises(InputError):\n"
        "        admit({**WEB, 'spec': {'replicas': 'x'}})\n"
    )
    done = run(project, "-q", "test_it.py")
    assert done.returncode == 0, done.stdout


def test_what_is_wrong_with_a_suite_is_told_in_collection(project: Path) -> None:
    write_suite(project, [ALLOWS, {"name": "a", "expect": "yes"}])
    write_suite(project, [ALLOWS], name="half")
    done = run(project)
    assert done.returncode == 2
    assert re.search(r"replicas.test.yaml:\d+:3: cases\[1\].expect: 'yes' is no outcome; write `expect: allow`", done.stdout)
    assert "no case in which replicas fails" in done.stdout
    assert "Traceback" not in done.stdout


def test_it_costs_nothing_where_it_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import sys\n\n\ndef test_it():\n"
        "    loaded = sorted(name for name in sys.modules if name.startswith('hostprocess'))\n"
        "    assert loaded == ['hostprocess', 'hostprocess.pytest_plugin', 'hostprocess.version']\n"
        "    assert not {'yaml', 'cel_expr_python', 'celpy', 'click'} & set(sys.modules)\n"
    )
    for name in ("a.test.yaml", "b.yaml"):
        (tmp_path / name).write_text("suite: x\ntests: []\n")
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout
