"""Options that come from the configuration of a project: where it is found, what wins, what every command takes from it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from configuring import FAULTY, SOUND, WARNED, Project, make_project
from hostprocess import __version__
from hostprocess.cli import cli
from hostprocess.configuration import keys
from support import REPOSITORY, write_pack

PACK = REPOSITORY / "policies"
SUITE = """\
rule: one-container
base: pod
cases:
  - {name: one, expect: allow}
  - {name: two, set: {spec.containers: [{name: a}, {name: b}]}, expect: deny}
  - {name: not about it, unset: [spec.hostNetwork], expect: skip}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Project:
    return make_project(tmp_path, monkeypatch, capsys)


# Where it is found.


@pytest.mark.parametrize("folder", [".", "deploy", "deploy/windows"])
@pytest.mark.parametrize("name", ["pyproject.toml", ".hostprocess.yaml"])
def test_found_upwards_to_the_root_of_the_repository(project: Project, name: str, folder: str) -> None:
    project.write("deploy/windows/pod.yaml", WARNED)
    project.write(name, '[tool.hostprocess]\nfail-on = "warn"\n' if name.endswith("toml") else "fail-on: warn\n")
    file = os.path.relpath(project.root / "deploy/windows/pod.yaml", project.root / folder)
    done = project.run("check", file, folder=folder)
    assert done.status == 1
    assert f"note: options come from {os.path.relpath(project.root / name, project.root / folder)} too: fail-on; --no-config leaves them out" in done.err
    assert project.run("check", file, "--no-config", folder=folder).status == 0
    assert project.run("check", file, "--isolated", folder=folder).status == 0


def test_the_nearest_wins_as_a_whole(project: Project) -> None:
    project.write("sub/pod.yaml", WARNED)
    project.configure('fail-on = "warn"\nquiet = true')
    project.write("sub/.hostprocess.yaml", "show-all: true\n")
    done = project.run("check", "pod.yaml", folder="sub")
    assert (done.status, "1 judged" in done.out) == (0, True)
    assert project.run("check", "sub/pod.yaml").status == 1


def test_a_pyproject_without_the_table_is_passed_by(project: Project) -> None:
    project.write("sub/pyproject.toml", '[project]\nname = "x"\ndependencies = ["hostprocess==0.1", "a[hostprocess]"]\n[tool.other]\nhostprocess = 1\n')
    project.write("sub/pod.yaml", WARNED)
    project.configure('fail-on = "warn"')
    assert project.run("check", "pod.yaml", folder="sub").status == 1


def test_not_above_the_repository_and_not_above_the_folder_outside_of_one(project: Project) -> None:
    project.configure('fail-on = "warn"')
    project.write("inner/pod.yaml", WARNED)
    assert project.run("check", "pod.yaml", folder="inner").status == 1
    (project.root / "inner" / ".git").write_text("gitdir: elsewhere\n")  # as of a worktree or a submodule
    assert project.run("check", "pod.yaml", folder="inner").status == 0
    (project.root / "inner" / ".git").unlink()
    (project.root / ".git").rmdir()
    assert project.run("check", "pod.yaml", folder="inner").status == 0


def test_two_in_one_folder_are_an_error(project: Project) -> None:
    project.configure('fail-on = "warn"')
    project.write(".hostprocess.yaml", "fail-on: warn\n")
    done = project.run("check", "pod.yaml")
    assert done.status == 2
    assert done.err == (
        "error: .hostprocess.yaml: this folder has two configurations: the other is the table [tool.hostprocess] of pyproject.toml; keep one of them\n"
    )
    assert project.run("check", "pod.yaml", "--no-config").status == 0
    assert project.run("check", "pod.yaml", "--config", ".hostprocess.yaml").status == 0


def test_a_name_that_is_nearly_right_is_not_passed_over(project: Project) -> None:
    project.write(".hostprocess.yml", "fail-on: warn\n")
    done = project.run("check", "pod.yaml")
    assert (done.status, done.err) == (2, "error: .hostprocess.yml: the configuration is named .hostprocess.yaml: rename it, or use --no-config\n")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("any.toml", '[tool.hostprocess]\nfail-on = "warn"'),
        ("any.yml", "fail-on: warn"),
        ("any", "fail-on: warn"),
        ("crlf.toml", "[tool.hostprocess]\r\nfail-on='warn'\r\n"),
    ],
)
def test_a_file_that_is_named(project: Project, name: str, text: str) -> None:
    project.write("pod.yaml", WARNED)
    (project.root / name).write_bytes(b"\xef\xbb\xbf" + text.encode())
    project.configure("show-all = true")
    done = project.run("check", "pod.yaml", "--config", name)
    assert (done.status, f"from {name} too: fail-on;" in done.err) == (1, True)


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}\n", "---\n"])
def test_an_empty_one(project: Project, text: str) -> None:
    project.write(".hostprocess.yaml", text)
    assert project.run("check", "pod.yaml") == project.run("check", "pod.yaml", "--no-config")


def test_that_it_is_no_manifest_is_no_news(project: Project) -> None:
    project.write(".hostprocess.yaml", "jobs: 1\n")
    project.write("values.yaml", "a: 1\n")
    done = project.run("check", ".")
    assert "values.yaml:1:1: skipped" in done.err
    assert "hostprocess.yaml:1:1" not in done.err


# What wins.


def test_the_command_line_wins(project: Project) -> None:
    project.write("pod.yaml", WARNED)
    project.configure('fail-on = "warn"\nshow-all = true\nkubernetes = "1.30"\nignore = ["os-name-missing"]\nquiet = true')
    assert "Kubernetes 1.31" in project.run("check", "pod.yaml", "--kubernetes", "1.31", "--no-quiet").out
    assert project.run("check", "pod.yaml", "--fail-on", "deny").status == 0
    assert ": allow " in project.run("check", "pod.yaml").out
    assert ": allow " not in project.run("check", "pod.yaml", "--no-show-all").out


def test_a_list_on_the_command_line_takes_the_place_of_the_list(project: Project) -> None:
    project.write("pod.yaml", FAULTY)
    project.configure('ignore = ["requires-host-network"]')
    assert project.run("check", "pod.yaml").status == 0
    assert project.run("check", "pod.yaml", "--ignore", "os-name-missing").status == 1


def test_the_table_of_a_command_wins_over_what_is_for_all(project: Project) -> None:
    project.configure('kubernetes = "1.31"\n[tool.hostprocess.check]\nkubernetes = "1.32"\n[tool.hostprocess.export]\nkubernetes = "1.30..1.34"')
    assert "Kubernetes 1.32" in project.run("check", "pod.yaml").out
    assert shown(project, "lint")["kubernetes"] == ('"1.31"', "pyproject.toml:2")
    assert shown(project, "export")["kubernetes"] == ('"1.30..1.34"', "pyproject.toml:6")


def test_no_exceptions_wins_over_a_file_that_the_configuration_names(project: Project) -> None:
    project.write("pod.yaml", FAULTY)
    project.write("ours.yaml", "exceptions:\n  - {rule: requires-host-network, match: {name: agent}, owner: o, reason: r}\n")
    project.configure('exceptions = "ours.yaml"')
    assert project.run("check", "pod.yaml").status == 0
    assert project.run("check", "pod.yaml", "--no-exceptions").status == 1
    done = project.run("check", "pod.yaml", "--no-exceptions", "--exceptions", "ours.yaml")
    assert (done.status, "contradict each other" in done.err) == (2, True)


def test_config_and_no_config_contradict_each_other(project: Project) -> None:
    project.configure("")
    for order in (("--config", "pyproject.toml", "--no-config"), ("--isolated", "--config", "pyproject.toml")):
        done = project.run("check", "pod.yaml", *order)
        assert (done.status, done.err) == (2, "error: --config and --no-config contradict each other\n")


# What each command takes.


def shown(project: Project, command: str, *arguments: str, folder: str = ".") -> dict[str, tuple[str, str]]:
    """What `--show-config` says: by key, the value and where it is from."""
    done = project.run(command, "--show-config", *arguments, folder=folder)
    assert (done.status, done.err) == (0, "")
    rows = (line.partition(" = ") for line in done.out.splitlines() if not line.startswith("#"))
    return {key: (value.rpartition("  # ")[0].strip(), value.rpartition("  # ")[2]) for key, _, value in rows}


def test_show_config_tells_each_option_and_its_origin(project: Project) -> None:
    project.configure('ignore = ["a"]\njobs = 2\nraw = true\n')
    (project.root / "below").mkdir()
    found = shown(project, "check", "--jobs", "3", "--operation", "UPDATE", folder="below")
    assert found["ignore"] == ('["a"]', "../pyproject.toml:2")
    assert found["jobs"] == ("3", "command line")
    assert found["raw"] == ("true", "../pyproject.toml:4")
    assert found["operation"] == ('"UPDATE"', "command line")
    assert found["fail-on"] == ('"deny"', "default")
    assert "old" not in found
    out = project.run("check", "--show-config").out
    assert out.startswith("# hostprocess check: the configuration is pyproject.toml; ")
    assert "# baseline is not set\n" in out
    assert project.run("check", "--show-config", "--no-config").out.startswith("# hostprocess check: no configuration; ")


def test_paths_begin_at_the_folder_of_the_file(project: Project) -> None:
    shutil.copytree(PACK, project.root / "ours")
    project.write("cluster/namespaces.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n")
    project.write("deploy/a.yaml", FAULTY)
    project.write(
        ".hostprocess.yaml",
        "policies: [ours]\ninventory: cluster\noutput: [text, 'json=reports.json']\ncheck: {paths: ['deploy/*.yaml', .]}\nexport: {output: bundles}\n",
    )
    found = shown(project, "check", folder="deploy")
    assert found["paths"][0] == '["../deploy/*.yaml", ".."]'
    assert found["policies"][0] == '["../ours"]'
    assert found["inventory"][0] == '["../cluster"]'
    assert found["output"][0] == '["text", "json=../reports.json"]'
    assert shown(project, "export", folder="deploy")["output"][0] == '"../bundles"'
    assert project.run("check", folder="cluster").status == 1
    names = {one["resource"]["name"] for one in json.loads((project.root / "reports.json").read_text())["results"]}
    assert names == {"agent"}


def test_without_paths_anywhere_check_asks_for_them(project: Project) -> None:
    project.configure("jobs = 1")
    done = project.run("check")
    assert (done.status, "Missing argument 'PATH...'" in done.err) == (2, True)


def test_the_options_of_test_lint_and_mutate(project: Project) -> None:
    project.write("suites/pod.yaml", f"# expect: deny rule=requires-host-network\n{FAULTY}")
    (project.root / "ours").mkdir()
    write_pack(project.root / "ours")
    project.write("ours/area/one-container.test.yaml", SUITE)
    project.write(
        ".hostprocess.yaml",
        "jobs: 1\ntest: {paths: suites, verbose: true, junit: junit.xml}\nmutate: {fail-under: 12.5, paths: [suites]}\nlint: {format: json, paths: ours}\n",
    )
    done = project.run("test")
    assert (done.status, "PASSED" in done.out or "passed" in done.out) == (0, True)
    assert (project.root / "junit.xml").read_text().startswith("<?xml")
    assert shown(project, "mutate")["fail-under"] == ("12.5", ".hostprocess.yaml:3")
    done = project.run("lint")
    assert (done.status, json.loads(done.out)["rules"]) == (0, 1), done.out


def test_an_export_records_what_the_configuration_said_and_is_checked_without_it(project: Project) -> None:
    project.configure(
        'kubernetes = "1.32"\nselect = ["requires-host-network"]\nwith-authorizer = true\n[tool.hostprocess.export]\noutput = "bundles"\nper-rule = true'
    )
    assert project.run("export", "--no-with-authorizer").status == 0
    base = "".join(path.read_text() for path in sorted((project.root / "bundles/base").glob("*.yaml")))
    assert "# Made with: hostprocess export --select requires-host-network --kubernetes 1.32 --per-rule\n" in base
    project.configure('kubernetes = "1.31"\nselect = ["os-name-missing"]')
    assert project.run("export", "--check", "bundles").status == 0
    assert project.run("export", "--check", "bundles", "--no-config").status == 0
    done = project.run("export", "--check", "bundles", "--ignore", "x")
    assert (done.status, "leave out --ignore" in done.err) == (2, True)


def test_one_of_several_policies_for_export(project: Project) -> None:
    project.write("a/x", "")
    project.write("b/x", "")
    project.configure('policies = ["a",\n  "b"]')
    done = project.run("export")
    assert (done.status, done.err) == (2, "error: pyproject.toml:2:1: policies: `hostprocess export` takes one of these; name it in its own table\n")
    shutil.copytree(PACK, project.root / "ours")
    project.configure('policies = ["a", "b"]\n[tool.hostprocess.export]\npolicies = ["ours"]')
    assert project.run("export").status == 0
    project.configure('policies = ["a", "b"]\n[tool.hostprocess.export]\npolicies = []')
    assert project.run("export").status == 0


def test_fix_takes_what_check_takes(project: Project) -> None:
    project.write("deploy/pod.yaml", FAULTY)
    project.configure('ignore = ["requires-host-network"]\n[tool.hostprocess.fix]\npaths = ["deploy"]')
    assert project.run("fix").status == 0
    done = project.run("fix", "--ignore", "os-name-missing")
    assert (done.status, "+  hostNetwork: true" in done.out) == (1, True)
    assert (project.root / "deploy/pod.yaml").read_text() == FAULTY
    project.configure("")
    done = project.run("fix")
    assert (done.status, "Missing argument 'PATH...'" in done.err) == (2, True)


def test_rules_and_explain_take_the_pack_of_the_project(project: Project) -> None:
    (project.root / "ours").mkdir()
    write_pack(project.root / "ours")
    project.write("vap.yaml", "a: b\n")
    project.write("ours/area/one-container.test.yaml", SUITE)
    project.configure('policies = ["vap.yaml", "ours"]\nkubernetes = "1.36"\ninventory = ["pod.yaml"]\nselect = ["x"]')
    assert "one-container" in project.run("rules").out
    assert "requires-host-network" in project.run("rules", "--no-config").out
    assert project.run("explain", "one-container").out.startswith("one-container: ")
    done = project.run("explain", "one-container", "--kubernetes", "1.36")
    assert (done.status, "--kubernetes is for --object PATH" in done.err) == (2, True)
    project.configure('policies = ["ours"]')
    assert "allow" in project.run("explain", "one-container", "--object", "pod.yaml").out
    project.configure('policies = ["vap.yaml"]')
    assert "requires-host-network" in project.run("rules").out


@pytest.mark.parametrize("command", ["convert", "completion"])
def test_other_commands_take_none(command: str) -> None:
    assert not {"config", "no_config"} & {one.name for one in cli.commands[command].params}


# What it must not do.


def test_nothing_of_it_is_run_and_nothing_of_the_working_directory_is_imported(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "pod.yaml").write_text(SOUND)
    for name in ("tomllib.py", "yaml.py", "conftest.py", "hostprocess_plugin.py", "sitecustomize.py"):
        (tmp_path / name).write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    (tmp_path / "pyproject.toml").write_text('[tool.hostprocess]\nfail-on = "warn"\n[project.entry-points.hostprocess]\nx = "hostprocess_plugin"\n')
    command = [str(Path(sys.executable).parent / "hostprocess"), "check", "pod.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "ran").exists()
    for line in ("plugins = ['hostprocess_plugin']", "plugin = 'x'", "hooks = 'x'"):
        (tmp_path / "pyproject.toml").write_text(f"[tool.hostprocess]\n{line}\n")
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode, "unknown key" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    "key",
    ["output = 'json={}'", "output = ['json={}']", "[tool.hostprocess.test]\njunit = '{}'", "[tool.hostprocess.export]\noutput = '{}'", "baseline = '{}'"],
)
@pytest.mark.parametrize("file", ["../out", "link/out", "linked", ".git/config", "sub/.GIT/hooks/pre-commit", "{absolute}"])
def test_a_found_configuration_writes_into_its_folder_only(project: Project, key: str, file: str) -> None:
    outside = project.root.parent / f"{project.root.name}-outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    (project.root / "link").symlink_to(outside)
    (project.root / "linked").symlink_to(outside / "kept")
    (project.root / "sub").mkdir()
    named = file.format(absolute=outside / "kept")
    project.configure(key.format(named))
    done = project.run("check", "pod.yaml")
    assert (done.status, f"{named!r} is not in the folder of this file" in done.err) == (2, True)
    assert [one.name for one in outside.iterdir()] == ["kept"]
    assert (outside / "kept").read_text() == "kept"


def test_whoever_names_the_configuration_may_write_elsewhere(project: Project) -> None:
    project.write("ci/strict.yaml", "output: [text, json=../report.json]\n")
    assert project.run("check", "pod.yaml", "--config", "ci/strict.yaml").status == 0
    assert json.loads((project.root / "report.json").read_text())["summary"]["resources"] == 1


def test_looking_for_one_costs_next_to_nothing(project: Project) -> None:
    """Folders down from the root of a repository, each with a pyproject.toml of another tool: no TOML is parsed."""
    folder = project.root.joinpath(*"abcdefgh")
    folder.mkdir(parents=True)
    for place in [folder, *folder.parents]:
        if project.root in [place, *place.parents]:
            (place / "pyproject.toml").write_text("[tool.other]\nx = [1, 2]\n" + "# filler\n" * 2000)
    code = (
        "import sys, time; from hostprocess.configuration.find import find_source\n"
        "times = []\n"
        "for _ in range(5):\n    start = time.perf_counter(); assert find_source() is None; times.append(time.perf_counter() - start)\n"
        "print(min(times), 'tomllib' in sys.modules, 'yaml' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    seconds, *loaded = done.stdout.split()
    assert loaded == ["False", "False"]
    assert float(seconds) < 0.02


# The documentation.


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (REPOSITORY / "docs" / page).read_text("utf-8"), re.DOTALL)


def test_the_examples_of_the_documentation_are_valid(project: Project) -> None:
    for name in ("cluster/hostprocess-access.yaml", "cluster/namespaces.yaml", "deploy/pod.yaml"):
        project.write(name, SOUND)
    (toml,), (text,) = blocks("configuration.md", "toml"), blocks("configuration.md", "yaml")
    project.write("pyproject.toml", toml)
    assert shown(project, "check")["paths"] == ('["deploy"]', "pyproject.toml:11")
    assert shown(project, "export")["exempt-namespace"] == ('["lab"]', "pyproject.toml:15")
    (project.root / "pyproject.toml").unlink()
    project.write(".hostprocess.yaml", text)
    assert shown(project, "check")["fail-on"] == ('"warn"', ".hostprocess.yaml:2")
    (said,) = blocks("configuration.md", "text")
    project.write(".hostprocess.yaml", "{}")
    project.write("ours/pyproject.toml", "[tool.hostprocess]\n\nfail_on = 'deny'\n")
    assert project.run("check", "x", folder="ours").err.startswith(said.strip().removesuffix(" …"))


def test_the_documentation_names_the_keys_that_need_naming() -> None:
    page = (REPOSITORY / "docs" / "configuration.md").read_text("utf-8")
    for key in [*keys.SHARED, *keys.COMMAND_LINE_ONLY, *keys.COMMANDS]:
        assert f"`{key}`" in page, key


def test_the_examples_of_continuous_integration_name_what_there_is() -> None:
    hooks, workflow = (yaml.safe_load(one) for one in blocks("continuous-integration.md", "yaml"))
    known = [one["id"] for one in yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text("utf-8"))]
    assert [one["id"] for one in hooks["repos"][0]["hooks"]] == known
    action = yaml.safe_load((REPOSITORY / "action.yml").read_text("utf-8"))
    (step,) = [one for one in workflow["jobs"]["hostprocess"]["steps"] if "hostprocess" in one["uses"]]
    assert set(step["with"]) <= set(action["inputs"])
    for page in (step["uses"].rpartition("@")[2], hooks["repos"][0]["rev"]):
        assert page == f"v{__version__}"


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="needs root, to become another user")
def test_folders_that_may_not_be_entered_hold_no_configuration(tmp_path: Path) -> None:
    """As a clone in a folder of somebody else's, where another user runs the tool."""
    (tmp_path / "closed" / "work").mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    code = (
        "import os, sys; from hostprocess.configuration.find import find_source; from hostprocess.exceptions.find import find_file;"
        "os.chdir(sys.argv[1]); os.setuid(65534); print(find_source(), repr(find_file()))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "closed" / "work")], capture_output=True, text=True)
    assert done.stdout == "None ''\n", done.stderr
