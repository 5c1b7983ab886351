"""Hooks: each is documented, and each can be answered by another plug-in instead of the built-in one."""

from __future__ import annotations

import inspect
import io
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

import pluggy
import pytest

import hostprocess
from hostprocess import api, built_in, hookspecs
from hostprocess.cel.runtime import Runtime
from hostprocess.errors import UsageError
from hostprocess.evaluate import Decisions
from hostprocess.hookspecs import PolicySource, Selection
from hostprocess.kubernetes.reader import Piece
from hostprocess.kubernetes.source import Spool
from hostprocess.model import Binding, Decision, InputProblem, Outcome, Policy, Report, Request, Rule, Targets
from hostprocess.plugins import collect, hookimpl, make_manager
from hostprocess.rules import Pack
from hostprocess.suite.formats import SuiteFormat
from hostprocess.suite.load import Loader
from hostprocess.suite.model import Case, Expected, Setting, Suite
from reports import FORMATS
from support import policy, write_pack

HOOKS = sorted(name for name, value in vars(hookspecs).items() if inspect.isfunction(value) and hasattr(value, "hostprocess_spec"))

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: shop}
spec:
  hostNetwork: true
  containers: [{name: a, image: i}, {name: b, image: i}]
"""


def replaced(monkeypatch: pytest.MonkeyPatch, hook: str, *plugins: Any) -> pluggy.PluginManager:
    """Makes the engine use a manager without the built-in answer to one hook, and with these plug-ins."""
    rest = types.SimpleNamespace(**{name: getattr(built_in, name) for name in HOOKS if name != hook})
    manager = make_manager([rest, *plugins], built_in=())
    monkeypatch.setattr("hostprocess.plugins.manager", lambda: manager)
    return manager


@pytest.fixture
def manifest(tmp_path: Path) -> str:
    (tmp_path / "pod.yaml").write_text(POD)
    return str(tmp_path / "pod.yaml")


@pytest.fixture
def pack(tmp_path: Path) -> str:
    (tmp_path / "pack").mkdir()
    return write_pack(tmp_path / "pack")


def findings(report: Report) -> list[tuple[str, str, str]]:
    return [(one.decision.rule, str(one.decision.outcome), one.decision.message) for one in report.results]


BROKEN = [("one-container", "deny", "one container only")]


def test_the_built_in_plug_in_answers_every_hook(manifest: str, pack: str) -> None:
    assert set(HOOKS) == {name for name, value in vars(built_in).items() if hasattr(value, "hostprocess_impl")}
    assert findings(hostprocess.check_files([manifest], hostprocess.load_policies([pack]))) == BROKEN


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_is_documented_and_typed(name: str) -> None:
    hook = getattr(hookspecs, name)
    assert inspect.getdoc(hook)
    signature = inspect.signature(hook)
    assert signature.return_annotation is not inspect.Signature.empty
    assert all(parameter.annotation is not inspect.Parameter.empty for parameter in signature.parameters.values())


def test_policy_sources(monkeypatch: pytest.MonkeyPatch, manifest: str) -> None:
    class Plugin:
        @hookimpl
        def policy_sources(self, path: str, selection: Selection) -> PolicySource | None:
            if path != "elsewhere:":
                return None
            bound = Binding(name="b", policy_name="mine", validation_actions=("Warn",))
            return PolicySource(policies=(policy("object.metadata.name == 'x'", name="mine"),), bindings=(bound,))

    replaced(monkeypatch, "policy_sources", Plugin())
    assert findings(hostprocess.check_files([manifest], hostprocess.load_policies(["elsewhere:"]))) == [
        ("validations[0]", "warn", "failed expression: object.metadata.name == 'x'")
    ]
    with pytest.raises(UsageError, match="no plug-in reads policies from 'other:'"):
        hostprocess.load_policies(["other:"])


def test_read_documents(monkeypatch: pytest.MonkeyPatch, pack: str) -> None:
    class Plugin:
        @hookimpl
        def read_documents(self, path: str, spool: Spool, cut: bool, seen: set[str]) -> Iterator[Piece | InputProblem] | None:
            return iter([("yaml", "cluster", 0, 1, POD), InputProblem(path="cluster", message="half of it")]) if path == "cluster:" else None

    policies = hostprocess.load_policies([pack])
    replaced(monkeypatch, "read_documents", Plugin())
    report = hostprocess.check_files(["cluster:"], policies)
    assert findings(report) == BROKEN
    assert [one.path for one in report.results] == ["cluster"]
    assert [problem.message for problem in report.problems] == ["half of it"]
    with pytest.raises(UsageError, match="no plug-in reads 'other:'"):
        hostprocess.check_files(["other:"], policies)


class Odd:
    """A CEL runtime to which every expression is false."""

    name = "odd"
    result_type = ""

    def compile(self, expression: str, variables: Mapping[str, str], declared: frozenset[str], **_: object) -> Odd:
        return self

    def activation(self, inputs: Mapping[str, Any]) -> None:
        return None

    def evaluate(self, activation: None, account: object = None) -> bool:
        return False


def test_cel_runtimes(monkeypatch: pytest.MonkeyPatch, manifest: str) -> None:
    class Plugin:
        @hookimpl
        def cel_runtimes(self) -> Mapping[str, Callable[[], Runtime]]:
            return {"odd": Odd}

    policies = hostprocess.PolicySet(
        policies=(policy("true"),),
        bindings=(Binding(name="b", policy_name="p", validation_actions=("Deny",)),),
        targets=Targets(kubernetes="1.37", containerd="1.7"),
    )
    assert findings(hostprocess.check_files([manifest], policies)) == []
    replaced(monkeypatch, "cel_runtimes", Plugin())
    assert api.runtime_names() == ["odd"]
    assert findings(hostprocess.check_files([manifest], policies, runtime="odd")) == [("validations[0]", "deny", "failed expression: true")]
    with pytest.raises(UsageError, match="there is no runtime 'cpp'; there are odd"):
        hostprocess.check_files([manifest], policies, runtime="cpp")


def test_evaluate_policy(monkeypatch: pytest.MonkeyPatch, manifest: str, pack: str) -> None:
    class Plugin:
        @hookimpl
        def evaluate_policy(self, policy: Policy, binding: Binding, request: Request, evaluation: Callable[[], Decisions]) -> Decisions:
            message = f"{policy.name} on {request.resource.name}"
            return Decisions([Decision(policy=policy.name, binding=binding.name, rule="r", outcome=Outcome.AUDIT, message=message)], [])

    policies = hostprocess.load_policies([pack])
    replaced(monkeypatch, "evaluate_policy", Plugin())
    assert findings(hostprocess.check_files([manifest], policies)) == [("r", "audit", "hostprocess-base-error on p")]


def test_check_rule(monkeypatch: pytest.MonkeyPatch, pack: str) -> None:
    class Plugin:
        @hookimpl
        def check_rule(self, rule: Rule, pack: Pack) -> list[str]:
            return [f"{rule.id} of {pack.name} is wrong"]

    assert hostprocess.lint_rules(pack) != []
    replaced(monkeypatch, "check_rule", Plugin())
    assert hostprocess.lint_rules(pack) == ["one-container of mine is wrong"]


def test_reporters(monkeypatch: pytest.MonkeyPatch, manifest: str, pack: str) -> None:
    def write(report: Report, stream: TextIO, *, color: bool, quiet: bool) -> None:
        stream.write(f"{report.summary.resources} {color} {quiet}")

    class Plugin:
        @hookimpl
        def reporters(self) -> Mapping[str, Any]:
            return {"short": write}

    report = hostprocess.check_files([manifest], hostprocess.load_policies([pack]))
    replaced(monkeypatch, "reporters", Plugin())
    assert api.reporter_names() == ["short"]
    stream = io.StringIO()
    hostprocess.write_report(report, stream, "short", quiet=True)
    assert stream.getvalue() == "1 False True"
    with pytest.raises(UsageError, match="there is no report format 'text'; there are short"):
        hostprocess.write_report(report, stream, "text")


def test_suite_formats(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def load(path: str, text: str, loader: Loader) -> Suite:
        subject = loader.default()
        line = text.split()
        expected = Expected(outcome=Outcome(line[1]))
        case = Case(
            name="c", object={"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "p"}}, setting=Setting(), expected=expected, path=path, line=1
        )
        return Suite(subject=subject, cases=(case,), path=path)

    class Plugin:
        @hookimpl
        def suite_formats(self) -> Mapping[str, SuiteFormat]:
            return {"words": SuiteFormat(lambda path, text: text.startswith("words "), load)}

    (tmp_path / "a.yaml").write_text("words skip")
    (tmp_path / "b.test.yaml").write_text("rule: a\ncases: []\n")
    replaced(monkeypatch, "suite_formats", Plugin())
    report = hostprocess.run_suites([str(tmp_path)])
    assert [(one.id, one.passed) for one in report.results] == [(f"{tmp_path}/a.yaml::c", True)]
    assert not report.errors
    (wrong,) = hostprocess.run_suites([str(tmp_path / "b.test.yaml")]).errors
    assert "is no test suite; there are the formats words" in str(wrong)


def test_every_hook_has_a_test_of_its_replacement() -> None:
    """Its name is that of the hook."""
    assert [name for name in HOOKS if f"test_{name}" not in globals()] == []


# Beside the built-in plug-in.


def beside(monkeypatch: pytest.MonkeyPatch, *plugins: Any) -> None:
    manager = make_manager(plugins)
    monkeypatch.setattr("hostprocess.plugins.manager", lambda: manager)


def test_a_plug_in_is_asked_before_the_built_in_one(monkeypatch: pytest.MonkeyPatch, manifest: str, pack: str) -> None:
    class Plugin:
        @hookimpl
        def read_documents(self, path: str) -> Iterator[Piece] | None:
            return iter([("yaml", path, 0, 1, POD)]) if path.startswith("x:") else None

    beside(monkeypatch, Plugin())
    report = hostprocess.check_files(["x:1", manifest], hostprocess.load_policies([pack]))
    assert [one.path for one in report.results] == ["x:1", manifest]


def test_a_wrapper_replaces_decisions(monkeypatch: pytest.MonkeyPatch, manifest: str, pack: str) -> None:
    class Exceptions:
        @hookimpl(wrapper=True)
        def evaluate_policy(self, request: Request) -> Iterator[None]:
            decisions: Decisions = yield
            excepted = [
                Decision(policy=one.policy, binding=one.binding, rule=one.rule, outcome=Outcome.EXCEPTED, message=f"{request.resource.name} may")
                for one in decisions.findings
            ]
            return Decisions(excepted, decisions.passed, decisions.allowed, decisions.skipped)

    policies = hostprocess.load_policies([pack])
    beside(monkeypatch, Exceptions())
    report = hostprocess.check_files([manifest], policies)
    assert findings(report) == [("one-container", "excepted", "p may")]
    assert (report.summary.actions, report.summary.outcomes[Outcome.EXCEPTED]) == ({}, 1)


def test_a_plug_in_may_leave_the_decision_to_the_engine(monkeypatch: pytest.MonkeyPatch, manifest: str, pack: str) -> None:
    seen = []

    class Tracing:
        @hookimpl
        def evaluate_policy(self, binding: Binding) -> None:
            seen.append(binding.name)

    policies = hostprocess.load_policies([pack])
    beside(monkeypatch, Tracing())
    assert findings(hostprocess.check_files([manifest], policies)) == BROKEN
    assert seen == ["hostprocess-base-error-deny"]


def test_the_lint_of_all_plug_ins_is_told(monkeypatch: pytest.MonkeyPatch, pack: str) -> None:
    class Plugin:
        @hookimpl
        def check_rule(self, rule: Rule) -> list[str]:
            return [f"{rule.id}: no owner"]

    plain = hostprocess.lint_rules(pack)
    beside(monkeypatch, Plugin())
    assert sorted(hostprocess.lint_rules(pack)) == sorted([*plain, "one-container: no owner"])


def test_a_new_format_stands_beside_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    class Plugin:
        @hookimpl
        def reporters(self) -> Mapping[str, Any]:
            return {"csv": print}

    beside(monkeypatch, Plugin())
    assert {*api.reporter_names()} == {*FORMATS, "csv"}


# Plug-ins that do not fit.


def test_a_misspelt_hook_is_an_error() -> None:
    class Plugin:
        @hookimpl
        def evaluate_polcy(self) -> None: ...

    with pytest.raises(UsageError, match="does not fit: unknown hook 'evaluate_polcy'"):
        make_manager([Plugin()])


def test_an_unknown_argument_is_an_error() -> None:
    class Plugin:
        @hookimpl
        def check_rule(self, rule: Rule, severity: str) -> list[str]:
            return []

    with pytest.raises(UsageError, match=r"(?s)does not fit: .*severity"):
        make_manager([Plugin()])


def test_a_name_given_twice_is_refused_with_both_origins() -> None:
    first = types.ModuleType("first_plugin")
    first.cel_runtimes = hookimpl(lambda: {"cpp": Odd})  # type: ignore[attr-defined]
    manager = make_manager()
    manager.register(first, "first")
    with pytest.raises(UsageError, match=r"cel_runtimes: both hostprocess\.built_in and first give 'cpp'; uninstall one of them"):
        collect(manager, "cel_runtimes")


def test_two_plug_ins_with_names_of_their_own_are_merged() -> None:
    manager = make_manager()
    for name in ("a", "b"):
        module = types.ModuleType(name)
        module.reporters = hookimpl(lambda name=name: {f"report-{name}": print})  # type: ignore[attr-defined]
        manager.register(module, name)
    assert set(collect(manager, "reporters")) == {*FORMATS, "report-a", "report-b"}


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Installs a distribution with one plug-in, as pip would leave it."""
    (folder / "broken_plugin.py").write_text(code)
    information = folder / "broken_plugin-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-plugin\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[hostprocess]\nbroken = broken_plugin\n")
    monkeypatch.syspath_prepend(str(folder))


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import nothing_of_that_name", "a plug-in of the group 'hostprocess' does not load: No module named 'nothing_of_that_name'; uninstall it, or"),
        ("raise RuntimeError('bad day')", "does not load: bad day; uninstall it"),
        ("def (", "does not load: invalid syntax"),
        ("from hostprocess import hookimpl\n@hookimpl\ndef evaluate_polcy(): ...", "the plug-in 'broken' does not fit: unknown hook 'evaluate_polcy'"),
    ],
)  # fmt: skip
def test_an_installed_plug_in_that_is_broken_gives_one_message(code: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "broken_plugin", raising=False)
    install(tmp_path, monkeypatch, code)
    with pytest.raises(UsageError) as caught:
        make_manager()
    assert message in caught.value.message
    monkeypatch.setenv("HOSTPROCESS_NO_PLUGINS", "1")
    assert make_manager().hook.reporters()


def test_an_installed_plug_in_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "broken_plugin", raising=False)
    install(tmp_path, monkeypatch, "from hostprocess import hookimpl\n@hookimpl\ndef reporters():\n    return {'mine': print}\n")
    assert set(collect(make_manager(), "reporters")) == {*FORMATS, "mine"}
    monkeypatch.setenv("HOSTPROCESS_NO_PLUGINS", "1")
    assert set(collect(make_manager(), "reporters")) == {*FORMATS}


def test_no_hook_is_for_cel_functions() -> None:
    """A private function would make a policy that no cluster can run."""
    assert not [name for name in HOOKS if "function" in name or "librar" in name]
