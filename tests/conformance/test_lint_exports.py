"""`hostprocess lint` has nothing against the checked-in exports, in the first and last releases that may get them. It takes up to a minute a release."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import hostprocess

BUNDLES = Path(__file__).parent.parent.parent / "bundles"
CASES = [("v1", 30), ("v1", 33), ("v1", 34), ("v1", 37), ("v1beta1", 30), ("v1beta1", 33)]  # 1.34 does not serve v1beta1 any more

pytestmark = pytest.mark.skipif("HOSTPROCESS_ORACLE" not in os.environ, reason="takes minutes: make conformance")


@pytest.mark.parametrize(("version", "minor"), CASES)
def test_nothing_is_found(version: str, minor: int) -> None:
    report = hostprocess.lint_policies([str(BUNDLES / version)], kubernetes=f"1.{minor}", type_checking=True)
    assert report.findings == ()
    assert all(one.note for one in report.problems)
