"""The floors of the architecture: a module imports only floors below its own, late imports and type hints included."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

import hostprocess
from support import REPOSITORY

PACKAGE = REPOSITORY / "engine" / "hostprocess"

# From the ground up. A package stands for all its modules, which may import each other; other modules of one floor may not.
FLOORS: list[list[str]] = [
    ["errors", "marker", "model", "repository", "version", "whole_file", "workers"],
    ["kubernetes"],
    ["cel"],
    ["policy_fields", "releases", "schema"],
    ["policy"],
    ["rules"],
    ["compile", "context", "inventory", "policy_files"],
    ["admission", "authorization", "matching", "prepared"],
    ["faults", "presenting", "responses"],
    ["bindings", "decide", "given", "runtimes"],
    ["evaluate"],
    ["baseline", "check", "coverage", "exceptions"],
    ["excepting", "fix", "live"],
    ["report", "suite"],
    ["lint_fixes"],
    ["explain", "lint", "mutation", "policy_lint"],
    ["export", "progress", "render", "coverage_report", "suite_report"],
    ["convert", "hookspecs"],
    ["built_in"],
    ["plugins"],
    ["policy_sets"],
    ["judging", "suite_runs"],
    ["api"],
    ["policy_engine"],
    ["__init__"],
    ["cli_options", "cli_outputs", "configuration"],
    ["cli_configuration", "cli_coverage", "cli_excepting"],
    ["cli_completion", "cli_convert", "cli_export", "cli_fix", "cli_live", "cli_mutate", "cli_test"],
    ["cli", "pytest_plugin"],
    ["__main__"],
]
NOT_YET: set[str] = set()  # on the plan of the architecture
Graph = Mapping[str, frozenset[str]]


def module_name(path: Path) -> str:
    """`kubernetes.reader` for that file; `kubernetes` for the package itself; `__init__` for the top."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


def imports(source: str, modules: Iterable[str]) -> frozenset[str]:
    """The modules of the package that a source text imports, anywhere in it, or names whole in a string to import them by name."""
    return frozenset(_imports(source, frozenset(modules)))


def _imports(source: str, modules: frozenset[str]) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports of this package are absolute"
            names = [name for one in node.names for name in (f"{node.module}.{one.name}", node.module or "")]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("hostprocess."):
            names = [node.value]
        found = [name.removeprefix("hostprocess.") for name in names if name.startswith("hostprocess.")]
        yield from (name for name in found if name in modules)
        if isinstance(node, ast.ImportFrom) and node.module == "hostprocess" and any(one.name not in modules for one in node.names):
            yield "__init__"
        if isinstance(node, ast.Import) and any(one.name == "hostprocess" for one in node.names):
            yield "__init__"


def read_graph() -> dict[str, frozenset[str]]:
    """Module to the modules it imports."""
    files = {module_name(path): path for path in PACKAGE.rglob("*.py")}
    return {name: imports(path.read_text("utf-8"), files) - {name, name.partition(".")[0]} for name, path in files.items()}


def floor_of(module: str) -> int:
    top = module.partition(".")[0]
    return next(number for number, names in enumerate(FLOORS) if top in names)


def breaches(graph: Graph) -> list[str]:
    """Imports that do not go down."""
    found = []
    for module, imported in sorted(graph.items()):
        for other in sorted(imported):
            same_package = "." in module and module.partition(".")[0] == other.partition(".")[0]
            if not same_package and floor_of(other) >= floor_of(module):
                found.append(f"{module} imports {other}")
    return found


def cycle(graph: Graph) -> list[str]:
    """Modules that import each other in a ring; empty if there is none."""
    done: set[str] = set()

    def search(module: str, way: list[str]) -> list[str]:
        if module in way:
            return [*way[way.index(module) :], module]
        if module not in done:
            for other in sorted(graph.get(module, ())):
                if found := search(other, [*way, module]):
                    return found
            done.add(module)
        return []

    return next((found for module in sorted(graph) if (found := search(module, []))), [])


GRAPH = read_graph()


def test_every_module_has_a_floor() -> None:
    named = {name for names in FLOORS for name in names}
    assert {module.partition(".")[0] for module in GRAPH} == named - (NOT_YET - {module.partition(".")[0] for module in GRAPH})


def test_imports_go_down() -> None:
    assert breaches(GRAPH) == []


def test_there_is_no_cycle() -> None:
    assert cycle(GRAPH) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import hostprocess.api", {"api"}),
        ("from hostprocess.api import check", {"api"}),
        ("from hostprocess import api, render", {"api", "render"}),
        ("from hostprocess import check_all", {"__init__"}),
        ("from hostprocess.cel import cpp", {"cel", "cel.cpp"}),
        ("from hostprocess.cel.cpp import CppRuntime", {"cel.cpp"}),
        ("def late() -> None:\n    if True:\n        import hostprocess.api", {"api"}),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from hostprocess.api import PolicySet", {"api"}),
        ("PARTS = ('hostprocess.api',)", {"api"}),
        ("import json, hostprocess_other\nfrom json import dumps", set()),
    ],
)
def test_imports_are_seen_wherever_they_stand(source: str, expected: set[str]) -> None:
    assert imports(source, ["api", "render", "cel", "cel.cpp"]) == expected


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        ({"model": frozenset({"api"})}, ["model imports api"]),
        ({"errors": frozenset({"model"})}, ["errors imports model"]),
        ({"cel.cpp": frozenset({"cel.source", "kubernetes.reader", "policy"})}, ["cel.cpp imports policy"]),
        ({"api": frozenset({"model", "cel.cpp"})}, []),
    ],
)
def test_a_breach_is_found(graph: Graph, expected: list[str]) -> None:
    assert breaches(graph) == expected


def test_a_cycle_is_found() -> None:
    assert cycle({"a": frozenset({"b"}), "b": frozenset({"c"}), "c": frozenset({"b"})}) == ["b", "c", "b"]
    assert cycle({"a": frozenset({"b", "c"}), "b": frozenset({"c"}), "c": frozenset()}) == []


def loaded_by(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after running some code."""
    code = f"import sys, contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()):\n    {code}\nprint(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"HOSTPROCESS_NO_PLUGINS": "1"})
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_the_package_is_light_to_import() -> None:
    assert loaded_by("import hostprocess") & {"yaml", "cel_expr_python", "celpy", "click", "pluggy", "rich", "multiprocessing"} == set()


def test_a_check_loads_only_what_it_uses(tmp_path: Path) -> None:
    file = tmp_path / "pod.yaml"
    file.write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a}]}\n")
    code = f"sys.argv = ['hostprocess', 'check', {str(file)!r}]; from hostprocess.cli import main\n    with contextlib.suppress(SystemExit): main()"
    loaded = loaded_by(code)
    assert {"yaml", "click", "cel_expr_python", "hostprocess"} <= loaded
    assert loaded & {"celpy", "lark", "rich", "hypothesis", "pytest", "_pytest", "jsonschema", "jq"} == set()


def test_the_version_is_that_of_the_distribution() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == hostprocess.__version__
