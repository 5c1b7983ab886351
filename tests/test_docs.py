"""Documentation that must not drift from what it documents."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import hostprocess
from hostprocess.api import load_rules
from hostprocess.schema import schema

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def test_the_readme_counts_the_rules() -> None:
    assert f"* {len(load_rules().rules)} rules," in README


def test_the_example_of_the_readme_runs() -> None:
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert code is not None
    done = subprocess.run([sys.executable, "-c", code[1]], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "requires-host-network deny" in done.stdout
    assert len(code[1].strip().splitlines()) <= 11


def test_the_readme_names_every_option_of_check() -> None:
    done = subprocess.run([sys.executable, "-m", "hostprocess.cli", "check", "--help"], capture_output=True, text=True, check=True)
    for option in set(re.findall(r"--[a-z][a-z-]+", done.stdout)) - {"--help"}:
        assert option.replace("--no-", "--", 1) in README or option in README, option


def test_every_key_of_rules_and_suites_is_documented() -> None:
    rule, suite = schema("rule")["properties"], schema("suite")["properties"]
    keys = {"writing-rules": [*rule, *rule["validations"]["items"]["properties"]], "testing": [*suite, *suite["cases"]["items"]["properties"]]}
    for name, several in keys.items():
        text = (ROOT / "docs" / f"{name}.md").read_text("utf-8")
        for key in several:
            assert f"`{key}`" in text, (name, key)


def test_no_public_name_is_hidden_by_a_module() -> None:
    """`hostprocess.NAME` is the function whatever has been imported before: a submodule of that name would take its place."""
    modules = {path.stem for path in (ROOT / "engine" / "hostprocess").iterdir()}
    assert not modules & set(hostprocess.__all__)
    for name in hostprocess.__all__:
        assert getattr(hostprocess, name) is not None
