"""`hostprocess lint` has nothing against the checked-in exports, in any release that may get them. It takes half a minute a release."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import hostprocess

BUNDLES = Path(__file__).parent.parent.parent / "bundles"
V1BETA1_UNTIL = 33  # 1.34 does not serve it any more
CASES = [("v1", minor) for minor in range(30, 38)] + [("v1beta1", minor) for minor in range(30, V1BETA1_UNTIL + 1)]

pytestmark = pytest.mark.skipif("HOSTPROCESS_ORACLE" not in os.environ, reason="takes minutes: make conformance")


@pytest.mark.parametrize(("version", "minor"), CASES)
def test_nothing_is_found(version: str, minor: int) -> None:
    report = hostprocess.lint_policies([str(BUNDLES / version)], kubernetes=f"1.{minor}", type_checking=True)
    assert report.findings == ()
    assert all(one.note for one in report.problems)
