"""`hostprocess lint` has nothing against an export. `make conformance` asks it about all checked-in policies and every release."""

from __future__ import annotations

from pathlib import Path

import pytest

import hostprocess
from exporting import ONE, run


@pytest.mark.parametrize(("made_for", "linted_for"), [("1.30", "1.30"), ("1.30", "1.37"), ("1.28..1.29", "1.30")])
def test_nothing_is_found_in_an_export(tmp_path: Path, made_for: str, linted_for: str) -> None:
    """Of the oldest and the newest release with v1; v1beta1 is what 1.30 still takes."""
    options = ("--exempt-user=a", "--exempt-namespace-selector=a=b", "--output", tmp_path / "out")
    assert run(ONE, "--kubernetes", made_for, *options).status == 0
    report = hostprocess.lint_policies([str(tmp_path / "out")], kubernetes=linted_for, type_checking=True)
    assert report.findings == ()
    assert all(one.note for one in report.problems)
