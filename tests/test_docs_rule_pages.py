"""docs/rules.md and the page of each rule: made from the rule files and their suites, and nothing in them has drifted."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt

import hostprocess
from hostprocess.api import load_rules
from hostprocess.explain import explain_rule
from hostprocess.model import Outcome
from hostprocess.render import rules_markdown
from support import REPOSITORY

SCRIPT = REPOSITORY / "tools" / "documentation" / "rule_pages.py"
PAGES = REPOSITORY / "docs" / "rules"
PACK = load_rules()


@pytest.fixture(scope="module")
def made() -> Any:
    specification = importlib.util.spec_from_file_location("rule_pages", SCRIPT)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def blocks(name: str, language: str) -> list[str]:
    """The fenced blocks of a page, as a reader of Markdown finds them."""
    tokens = MarkdownIt("commonmark").parse((PAGES / f"{name}.md").read_text("utf-8"))
    return [one.content for one in tokens if one.type == "fence" and one.info == language]


def test_the_pages_are_current(made: Any) -> None:
    """`make docs` writes them anew."""
    assert made.stale(made.pages(PACK)) == []


def test_a_page_that_differs_or_is_too_many_is_told(made: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(made, "DOCS", tmp_path / "docs")
    wanted = made.pages(PACK)
    assert len(made.stale(wanted)) == len(PACK.rules) + 1
    assert made.main([]) == 0
    assert made.stale(wanted) == []
    (tmp_path / "docs" / "rules" / "gone.md").write_text("x")
    (tmp_path / "docs" / "rules" / "os-name.md").write_text("x")
    assert made.stale(wanted) == ["docs/rules/gone.md", "docs/rules/os-name.md"]
    assert made.main(["--check"]) == 1
    assert (tmp_path / "docs" / "rules" / "gone.md").exists()
    assert made.main([]) == 0
    assert made.stale(wanted) == []


def test_the_check_of_lint_runs() -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_index_is_the_table_of_the_command() -> None:
    text = (REPOSITORY / "docs" / "rules.md").read_text("utf-8")
    for rule in PACK.rules:
        text = text.replace(f"[`{rule.id}`](rules/{rule.id}.md)", f"`{rule.id}`")
    assert text.split("\n\n", 2)[2].strip() == rules_markdown(PACK)


@pytest.mark.parametrize("name", [rule.id for rule in PACK.rules])
def test_the_examples_are_those_of_explain(name: str) -> None:
    explained = explain_rule(PACK, name)
    found = [yaml.safe_load(text) for text in blocks(name, "yaml")]
    assert [one for one in found if "kind" in one] == [yaml.safe_load(explained.failing), yaml.safe_load(explained.passing)]


@pytest.mark.parametrize("name", ["requires-host-network", "default-namespace", "user-name-escape", "unix-socket-mount"])
def test_what_a_page_says_is_what_check_says(name: str, tmp_path: Path) -> None:
    failing, passing, exception = blocks(name, "yaml")
    policies = hostprocess.load_policies(select=[name])
    for text, found in ((failing, True), (passing, False)):
        (tmp_path / "pod.yaml").write_text(text)
        report = hostprocess.check_files([str(tmp_path / "pod.yaml")], policies)
        messages = [one.decision.message for one in report.results]
        assert bool(messages) == found
        assert all(message in blocks(name, "text")[-1] for message in messages)
    (tmp_path / "pod.yaml").write_text(failing)
    (tmp_path / "exceptions.yaml").write_text(exception)
    report = hostprocess.check_files([str(tmp_path / "pod.yaml")], policies, exceptions=str(tmp_path / "exceptions.yaml"), today=date(2030, 12, 31))
    assert {one.decision.outcome for one in report.results} == {Outcome.EXCEPTED}


def test_text_of_rules_is_no_markup(made: Any) -> None:
    text = r"[a](b) <script>x</script> *b* _c_ `d` NT AUTHORITY\LocalService a|b ![i](j)"
    assert MarkdownIt("commonmark").renderInline(made.words(text)) == (
        r"[a](b) &lt;script&gt;x&lt;/script&gt; *b* _c_ `d` NT AUTHORITY\LocalService a|b ![i](j)"
    )
