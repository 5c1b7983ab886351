"""How parts of expressions are marked that have been evaluated."""

from __future__ import annotations

from typing import Final

__all__ = ["CONTAINER_LISTS", "EVALUATED", "FALSE", "TRUE"]

EVALUATED: Final = 1
"""Evaluated to something else than a bool: a value where one is not asked for, or an error."""
TRUE: Final = 2
FALSE: Final = 4
CONTAINER_LISTS: Final = ("initContainers", "containers", "ephemeralContainers")
"""The fields of a pod that hold containers."""
