"""docs/reports.md says what is so: which formats there are, and what they look like."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from hostprocess.api import check_files, load_policies, reporter_names
from hostprocess.cli import cli
from reports import FORMATS, REPOSITORY, written

DOCS = (REPOSITORY / "docs" / "reports.md").read_text("utf-8")
EXAMPLES = dict(re.findall(r"^### (.+?)\n\n```\w+\n(.*?)\n```$", DOCS, re.MULTILINE | re.DOTALL))


def test_all_formats_are_told() -> None:
    assert re.findall(r"^\| `(\w+)` \|", DOCS, re.MULTILINE) == list(FORMATS) == reporter_names()
    assert ", ".join(FORMATS) in " ".join(CliRunner().invoke(cli, ["check", "--help"]).output.split())
    assert {name for title in EXAMPLES for name in title.split(" and ")} == {*FORMATS} - {"html"}


@pytest.mark.parametrize("title", EXAMPLES)
def test_the_examples_are_what_is_written(title: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ellipsis stands for anything."""
    monkeypatch.chdir(REPOSITORY)
    report = check_files([os.path.join("examples", "device-plugin.yaml")], load_policies(select=["requires-host-network"]))
    for name in title.split(" and "):
        text = _without_versions(written(report, name))
        pieces = [piece.strip("{}], ") for piece in _without_versions(EXAMPLES[title]).split("…")]
        if name == "json":  # whose lines have no `type`
            pieces = [piece.removeprefix('"type": "result", ') for piece in pieces]
        for piece in pieces:
            assert piece in text
        assert len(pieces[0]) > 100


def _without_versions(text: str) -> str:
    return re.sub(r"\b\d+(\\?\.\d+)+\b", "N", text)


@pytest.mark.parametrize("path", ["exceptions.md"])
def test_its_links_lead_somewhere(path: str) -> None:
    assert set(re.findall(r"\]\((\w[^):]+)\)", DOCS)) == {path}
    assert Path(REPOSITORY, "docs", path).is_file()
