"""What is said of a configuration that is wrong: the file, the line, the column, what was expected. Never a traceback."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import click
import pytest

from configuring import Project, make_project
from hostprocess.cli import cli
from hostprocess.cli_configuration import option_names
from hostprocess.configuration import keys
from hostprocess.schema import schema
from support import REPOSITORY

SCHEMA = REPOSITORY / "engine" / "hostprocess" / "schemas" / "configuration.schema.json"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Project:
    return make_project(tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('fail_on = "deny"', "3:1: fail_on: unknown key; did you mean 'fail-on'?; known are policies, bundle, select"),
        ('  bundles = ["x"]', "3:3: bundles: unknown key; did you mean 'bundle'?"),
        ('check.fail-on = "dny"', "3:7: check.fail-on: 'dny' is not one of deny, warn, audit; did you mean 'deny'?"),
        ("kubernetes = 1.30", "3:1: kubernetes: must be of type string, not float; write it in quotes"),
        ("containerd = 2", "3:1: containerd: must be of type string, not int; write it in quotes"),
        ('kubernetes = "1.99"', "3:1: kubernetes: --kubernetes 1.99 is newer than"),
        ('kubernetes = "new"', "3:1: kubernetes: --kubernetes 'new' is not a release"),
        ('export.kubernetes = "1.34..1.30"', "3:8: export.kubernetes: --kubernetes 1.34..1.30: the range ends before it begins"),
        ('ignore = ["a", 1]', "3:16: ignore[1]: must be of type string, not int; write it in quotes"),
        ('ignore = [\n  "a", # one\n  "",\n]', "5:3: ignore[1]: must not be empty"),
        ("params = ''", "3:1: params: must not be empty"),
        ("params = 'gone.yaml'", "3:1: params: there is no file 'gone.yaml': paths begin at the folder of this file"),
        ("policies = ['pod.yaml', 'gone']", "3:25: policies[1]: there is no file 'gone'"),
        ("inventory = '-'", "3:1: inventory: standard input and output belong on the command line"),
        ("check.paths = ['-']", "3:16: check.paths[0]: standard input and output belong on the command line"),
        ("jobs = -1", "3:1: jobs: must be at least 0, not -1"),
        ("test.fail-under = 100.5", "3:6: test.fail-under: must be at most 100, not 100.5"),
        ("jobs = true", "3:1: jobs: must be of type integer, not bool"),
        ("raw = 'yes'", "3:1: raw: must be of type boolean, not str"),
        ("expression-timeout = nan", "3:1: expression-timeout: nan is no number"),
        ("expression-timeout = 0", "3:1: expression-timeout: must be at least 0.001, not 0"),
        ("operation = 'UPDATE'", "3:1: operation: --operation belongs on the command line: it says what this run is about"),
        ("write_baseline = true", "3:1: write_baseline: --write-baseline belongs on the command line: it changes a file"),
        ("export.force = true", "3:8: export.force: --force belongs on the command line: it replaces files"),
        ("paths = ['.']", "3:1: paths: belongs into the table of a command: check, fix, lint, test, mutate"),
        ("junit = 'x.xml'", "3:1: junit: belongs into the table of a command: test"),
        ("lint.bundle = ['x']", "3:6: lint.bundle: unknown key"),
        ("check = 3", "3:1: check: must be of type object, not int"),
        ("check = [{}]", "3:1: check: must be of type object, not list"),
        ("fail-on = 2026-01-01", "3:1: fail-on: must be of type string, not date"),
        # What only the command itself can tell stands at the line all the same.
        ("ignore = ['a', 'nope']", "3:1: there is no rule 'a'"),
        ("\nbundle = ['nope']", "4:1: there is no bundle 'nope'"),
        ("output = 'srif'", "3:1: --output: there is no format 'srif'"),
        ("runtime = 'x'", "3:1: "),
        ("admission-plugins = ['Priority', 'Foo']", "3:1: the admission plug-in 'Foo' is not imitated"),
        ("assume-namespace-labels = ['a']", "3:1: --assume-namespace-labels 'a': write it as KEY=VALUE"),
        # What is no TOML.
        ("x = ", "3:5: is not valid TOML: Invalid value"),
        ("jobs = 1\njobs = 2", "4:9: is not valid TOML: Cannot overwrite a value"),
        ("x = [1,", "4: is not valid TOML: "),
    ],
)
def test_a_fault_in_pyproject(project: Project, line: str, said: str) -> None:
    project.configure(f"# a comment\n{line}")
    done = project.run("check", "pod.yaml")
    assert done.status == 2
    assert f"error: pyproject.toml:{said}" in done.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# a comment\nfail_on: deny\n", ":2:1: fail_on: unknown key; did you mean 'fail-on'?"),
        ("check:\n  fail-on: dny\n", ":2:3: check.fail-on: 'dny' is not one of deny, warn, audit"),
        ("jobs: many\n", ":1:1: jobs: must be of type integer, not str"),
        ("raw: yes\n", ":1:1: raw: must be of type boolean, not str"),
        ("ignore:\n- a\n- 1\n", ":3:3: ignore[1]: must be of type string, not int; write it in quotes"),
        ("check:\n", ":1:1: check: must be of type object, not null"),
        ("- a\n", ":1:1: must be of type object, not list"),
        ("text\n", ":1:1: must be of type object, not str"),
        ("jobs: 1\njobs: 2\n", ":2:1: the key 'jobs' is given twice"),
        ("jobs: 1\n---\njobs: 2\n", ": expected one YAML document, found 2"),
        ("jobs: [1\n", ":2:1: "),
        ("a: !!python/object/apply:os.system [id]\n", ":1:1: a: unknown key"),
        ("inventory: gone\n", ":1:1: inventory: there is no file 'gone'"),
        ("tool: {hostprocess: {}}\n", ":1:1: tool: unknown key"),
    ],
)
def test_a_fault_in_yaml(project: Project, text: str, said: str) -> None:
    project.write(".hostprocess.yaml", text)
    done = project.run("check", "pod.yaml")
    assert (done.status, done.out) == (2, "")
    assert f"error: .hostprocess.yaml{said}" in done.err


def test_all_faults_are_told_at_once(project: Project) -> None:
    project.configure("jobs = -1\nraw = 1")
    done = project.run("check", "pod.yaml")
    assert [line.partition(": must")[0] for line in done.err.splitlines()] == ["error: pyproject.toml:2:1: jobs", "error: pyproject.toml:3:1: raw"]


@pytest.mark.parametrize("table", ["tool.hostprocess = 3", "[tool]\nhostprocess = []", "[[tool.hostprocess]]"])
def test_a_table_that_is_none(project: Project, table: str) -> None:
    project.write("pyproject.toml", f"{table}\n")
    done = project.run("check", "pod.yaml")
    assert (done.status, "must be of type object" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.toml", b"[other]\n", "a.toml: holds no configuration: that is the table [tool.hostprocess], in any TOML file"),
        ("pyproject.toml", b"", "pyproject.toml: holds no configuration: that is the table [tool.hostprocess]\n"),
        ("a.yaml", b"\xff\xfe\x00", "a.yaml: is not UTF-8 text"),
        ("a.toml", b"\xff", "a.toml: is not UTF-8 text"),
        ("a.toml", b"[tool.hostprocess]\nx = " + b"[" * 5000, "a.toml:"),
        ("a.yaml", b"x: " + b"[" * 5000, "a.yaml:1"),
        ("a.yaml", None, "a.yaml: the configuration cannot be read: No such file or directory"),
        (".", None, ".: the configuration cannot be read: Is a directory"),
        ("", None, "--config: the path is empty"),
    ],
)
def test_a_named_file_that_is_none(project: Project, name: str, content: bytes | None, said: str) -> None:
    if content is not None:
        (project.root / name).write_bytes(content)
    done = project.run("check", "pod.yaml", "--config", name)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith(f"error: {said}")
    assert done.err.count("\n") == 1


def test_an_error_that_may_come_of_the_configuration_says_that_there_is_one(project: Project) -> None:
    project.configure("quiet = true\nselect = ['requires-host-network']")
    project.write(
        "vap.yaml", (REPOSITORY / "bundles/v1/base/policies.yaml").read_text("utf-8") if (REPOSITORY / "bundles/v1/base/policies.yaml").exists() else VAP
    )
    done = project.run("check", "pod.yaml", "--policies", "vap.yaml")
    assert done.status == 2
    assert "error: pyproject.toml:3:1: --select: there are no rules to choose from, as vap.yaml is no rule pack" in done.err
    done = project.run("check", "pod.yaml", "--group", "a")
    assert "error: --group and --user-extra say more about --user: give that, too (options come from pyproject.toml too: quiet, select)\n" in done.err


def test_a_name_of_the_command_line_is_not_blamed_on_the_configuration(project: Project) -> None:
    project.configure("namespace = 'nope'\nquiet = true")
    done = project.run("check", "pod.yaml", "--select", "nope")
    assert (done.status, done.err.startswith("error: there is no rule 'nope'")) == (2, True)


def test_hostile_texts_do_not_reach_the_terminal(project: Project) -> None:
    project.configure(r"namespace = 'a'" + '\nuser = "\\u001b[31m\\u202e\\u009b"\nignore = ["\\u001b[2J\\u202e"]')
    for arguments in (("pod.yaml",), ("--show-config",)):
        done = project.run("check", *arguments)
        assert not {"\x1b", "\u202e", "\x9b"} & {*done.out, *done.err}


VAP = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: p}
spec:
  matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}
  validations: [{expression: "true"}]
"""


# The schema and the code.


def generator() -> Any:
    spec = importlib.util.spec_from_file_location("configuration_schema", REPOSITORY / "tools" / "configuration" / "schema.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_published_schema_is_what_the_options_are() -> None:
    """Write it anew: .venv/bin/python tools/configuration/schema.py > engine/hostprocess/schemas/configuration.schema.json"""
    assert SCHEMA.read_text("utf-8") == generator().generated()


@pytest.mark.parametrize("command", keys.COMMANDS)
def test_every_option_is_either_a_key_or_one_of_the_command_line(command: str) -> None:
    known = set(schema("configuration")["properties"][command]["properties"])
    options = set(option_names(cli.commands[command]))
    assert known == options - set(keys.COMMAND_LINE_ONLY)
    for option in options & set(keys.COMMAND_LINE_ONLY):
        assert keys.outside_reason(option)


def test_the_lists_of_keys_name_options_that_exist() -> None:
    every = {name for command in keys.COMMANDS for name in option_names(cli.commands[command])}
    for several in (keys.SHARED, keys.FILES, keys.WRITTEN, keys.JOINED, keys.UNSET_BY_LIST, set(keys.COMMAND_LINE_ONLY)):
        assert several <= every, several - every


@pytest.mark.parametrize("command", keys.COMMANDS)
def test_every_option_that_takes_a_path_is_known_as_one(command: str) -> None:
    for key, parameter in option_names(cli.commands[command]).items():
        if (
            key not in keys.COMMAND_LINE_ONLY
            and isinstance(parameter, click.Option)
            and any(word in (parameter.metavar or "") for word in ("PATH", "FILE", "DIR"))
        ):
            assert key in keys.FILES | keys.WRITTEN, key
