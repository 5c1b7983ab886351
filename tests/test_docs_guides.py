"""docs/quick-start.md and docs/plug-ins.md: every command is run in a fresh virtual environment, and prints what stands there."""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from hostprocess import hookspecs
from support import REPOSITORY

pytestmark = pytest.mark.slow

SCRIPT = REPOSITORY / "tools" / "documentation" / "commands.py"
specification = importlib.util.spec_from_file_location("documentation_commands", SCRIPT)
assert specification is not None
assert specification.loader is not None
commands: Any = importlib.util.module_from_spec(specification)
sys.modules["documentation_commands"] = commands  # where dataclasses look for it
specification.loader.exec_module(commands)

PLUG_INS = (REPOSITORY / "docs" / "plug-ins.md").read_text("utf-8")


@pytest.mark.parametrize("path", commands.GUIDES, ids=lambda path: path.name)
def test_what_the_commands_print_stands_in_the_guide(path: Path, tmp_path: Path) -> None:
    """`make docs` writes them anew. It builds and installs the packages, as a reader would."""
    assert commands.run_guide(path, tmp_path) == path.read_text("utf-8")


def test_the_whole_way_is_there() -> None:
    """The guide goes from a finding over its fix to a gate that passes: not only that it is what is printed."""
    text = (REPOSITORY / "docs" / "quick-start.md").read_text("utf-8")
    assert [int(code) for code in re.findall(r"^\$ echo \$\?\n(\d+)$", text, re.MULTILINE)] == [1, 0, 0]
    assert "deny requires-host-network" in text
    assert "+      hostNetwork: true" in text
    assert "excepted requires-host-network" in text


def test_all_four_plug_ins_take_part() -> None:
    session = next(part for part in commands.parts_of(PLUG_INS) if part.is_session and any("findings.csv" in line for line in part.lines))
    text = "\n".join(session.lines)
    assert "guide.md,6,Pod,monitoring,agent,validations[0],deny,images must come from a registry of registries.txt" in text
    assert "guide.md,15,Pod,lab-1,agent,validations[0],audit,images must come from a registry of registries.txt (in the lab: recorded only)" in text


def test_every_hook_is_in_the_guide() -> None:
    table = PLUG_INS.partition("## All hooks")[2].partition("\n## ")[0]
    hooks = {name for name, value in vars(hookspecs).items() if inspect.isfunction(value) and hasattr(value, "hostprocess_spec")}
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == hooks


def test_a_guide_that_has_drifted_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    guide = tmp_path / "guide.md"
    guide.write_text(
        "a\n\n<!-- file: x/y.txt -->\n````text\n```yaml\nz\n```\n````\n\n```console\n$ cat x/y.txt\nold\nolder\n$ false\n$ echo $?\n```\n"
        "\n```console\nhostprocess check .   # not a session\n```\n\n<!-- include: .ci/run -->\n```sh\n```\nb\n"
    )
    made = commands.run_guide(guide, tmp_path / "there")
    assert "```console\n$ cat x/y.txt\n```yaml\nz\n```\n$ false\n$ echo $?\n1\n```\n" in made
    assert "# not a session\n```\n" in made
    assert "older" not in made
    assert (REPOSITORY / ".ci" / "run").read_text("utf-8").rstrip("\n") in made
    assert made.endswith("```\nb\n")
