"""The comparison with the API server's own code is run by `make conformance`, not by `make test`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "oracle"), str(HERE.parent)]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips the tests of this folder that need Go, unless told that the oracle is there."""
    if os.environ.get("HOSTPROCESS_ORACLE"):
        return
    reason = "compares with the API server's own code, built with Go: make conformance"
    for item in items:
        if HERE in item.path.parents and "oracle" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.skip(reason=reason))
