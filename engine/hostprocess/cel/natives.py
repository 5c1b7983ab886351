"""What becomes of the value in an optional that is read by its name or chosen by a ternary, before cel-go 0.29: a Go value and back again.

Source: `applyQualifiers` and `relativeAttribute.Resolve` of github.com/google/cel-go/interpreter/attributes.go up to 0.28, where `Value()` of the value is
taken and `NativeToValue` (common/types/provider.go) makes a value of that.
"""

from __future__ import annotations

from typing import Any, Final

from hostprocess.cel.attributes import Frame, Run
from hostprocess.cel.equality import NO_SUCH_OVERLOAD
from hostprocess.cel.runtime import CelError
from hostprocess.cel.values import ABSENT, Opaque, Optional, TypeValue

__all__ = ["reread"]

# What `%T` says of the Go values. Those of other opaque types, the authorizer's and `variables`, have none; a format is its own.
_GO_TYPES: Final = {
    "kubernetes.Quantity": "*resource.Quantity",
    "kubernetes.URL": "*url.URL",
    "kubernetes.Semver": "semver.Version",
    "net.IP": "netip.Addr",
    "net.CIDR": "netip.Prefix",
}
_OWN: Final = "kubernetes.NamedFormat"


def reread(base: Run) -> Run:
    """Reads an optional as it is read by its name."""

    def run(frame: Frame) -> Any:
        value = base(frame)
        if value.__class__ is not Optional or value.value is ABSENT:
            return value
        return Optional(_back(value.value))

    return run


def _back(value: Any) -> Any:
    if isinstance(value, TypeValue):
        return value.name
    if isinstance(value, Optional):
        return None if value.value is ABSENT else _back(value.value)
    if not isinstance(value, Opaque) or value.type_name == _OWN:
        return value
    name = _GO_TYPES.get(value.type_name)
    return CelError(f"unsupported conversion to ref.Val: ({name}){value}") if name else NO_SUCH_OVERLOAD
