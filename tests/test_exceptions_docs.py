"""docs/exceptions.md says what exceptions and baselines are: its example is valid, its names and options exist."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from hostprocess.cli import cli
from hostprocess.excepting import TODAY, known_rules
from hostprocess.exceptions.find import FILE_NAME
from hostprocess.exceptions.load import load_waivers
from hostprocess.exceptions.wrapper import ANNOTATION
from hostprocess.export.build import GROUP
from hostprocess.schema import schema
from support import REPOSITORY

TEXT = (REPOSITORY / "docs" / "exceptions.md").read_text("utf-8")


def test_the_example_is_valid(tmp_path: Path) -> None:
    example = re.search(r"```yaml\n(exceptions:.*?)```", TEXT, re.DOTALL)
    assert example is not None
    file = tmp_path / "e.yaml"
    file.write_text(example[1])
    (one,) = load_waivers(str(file), known_rules((), ()))
    assert (one.owner, str(one.expires)) == ("team-gpu", "2026-12-31")


def test_every_key_is_documented() -> None:
    properties = schema("exceptions")["$defs"]["exception"]["properties"]
    for key in [*properties, *(f"match.{name}" for name in properties["match"]["properties"])]:
        assert f"`{key}`" in TEXT, key


@pytest.mark.parametrize("name", [FILE_NAME, f"{ANNOTATION}requires-host-network", TODAY, f"{GROUP}/exceptions", f"{GROUP}/expires", "not-excepted-N"])
def test_names_are_those_of_the_code(name: str) -> None:
    assert name in TEXT


def test_options_exist() -> None:
    known = {option for name in ("check", "export") for one in _command(name).params for option in one.opts}
    told = set(re.findall(r"--[a-z][a-z-]+", TEXT))
    assert told <= known
    assert {"--exceptions", "--no-exceptions", "--allow-exception-annotations", "--expiry-notice", "--baseline", "--write-baseline", "--force"} <= told


def _command(name: str) -> click.Command:
    return cli.commands[name]
