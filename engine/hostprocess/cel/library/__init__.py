"""The CEL libraries of Kubernetes, one module each: data for the type checker, functions for the evaluator, costs for its account.

`LIBRARIES` holds what the API server knows beyond the standard functions and the optional types, in the order of its base environment.
A library whose behaviour changed between releases of Kubernetes stands once for each, with `introduced` and `removed` that do not overlap.
"""

from __future__ import annotations

from hostprocess.cel.declarations import Library
from hostprocess.cel.library import addresses, authz, ext_lists, lists, named_format, quantity, regex, semver, sets, strings, urls

__all__ = ["LIBRARIES"]

LIBRARIES: tuple[Library, ...] = (
    *urls.LIBRARIES,
    regex.LIBRARY,
    *lists.LIBRARIES,
    *strings.LIBRARIES,
    *authz.LIBRARIES,
    quantity.LIBRARY,
    sets.LIBRARY,
    *addresses.LIBRARIES,
    *named_format.LIBRARIES,
    semver.LIBRARY,
    *ext_lists.LIBRARIES,
)
