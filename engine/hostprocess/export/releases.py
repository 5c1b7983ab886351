"""Which releases of Kubernetes an export is for, and what they call the objects."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hostprocess.cel.runtime import NEWEST
from hostprocess.errors import UsageError

__all__ = ["Releases", "parse_releases"]

_FIRST, _FIRST_V1 = 28, 30
_BEFORE_VARIABLES = {
    26: "its v1alpha1 knows neither variables nor matchConditions",
    27: "its v1alpha1 knows no variables",
}


@dataclass(frozen=True, slots=True)
class Releases:
    """The releases from `first` to `last`, as `major.minor`, and the API version of the policies that all of them serve."""

    first: str
    last: str
    api_version: str

    def __str__(self) -> str:
        return self.first if self.first == self.last else f"{self.first}..{self.last}"


def parse_releases(text: str) -> Releases:
    """The releases that `1.30` or `1.30..1.34` names. Raises `UsageError` for what is no release, not known, or has no API version in common.

    Source of the versions: k8s.io/api/admissionregistration (v1 since 1.30, v1beta1 since 1.28), served by kube-apiserver of these releases.
    """
    match = re.fullmatch(r"v?1\.(\d+)(?:\.\d+)?(?:\.\.v?1\.(\d+)(?:\.\d+)?)?", text, re.ASCII)
    if not match:
        raise UsageError(f"--kubernetes {text!r} is not a release; write it as 1.30, or 1.30..1.34 for all from the first to the last")
    first = int(match[1])
    last = int(match[2] or first)
    newest = int(NEWEST.split(".")[1])
    if last < first:
        raise UsageError(f"--kubernetes {text}: the range ends before it begins; write 1.{last}..1.{first}")
    if last > newest:
        raise UsageError(f"--kubernetes {text}: 1.{last} is newer than {NEWEST}, the newest release that is known")
    if first < _FIRST:
        reason = _BEFORE_VARIABLES.get(first, "it has no ValidatingAdmissionPolicy")
        raise UsageError(f"--kubernetes {text}: policies cannot be exported for 1.{first}: {reason}; 1.{_FIRST} is the first that can have them")
    if first < _FIRST_V1 <= last:
        raise UsageError(
            f"--kubernetes {text}: 1.{_FIRST_V1} and newer take admissionregistration.k8s.io/v1, older ones only v1beta1; "
            f"export twice, for {_range(first, _FIRST_V1 - 1)} and {_range(_FIRST_V1, last)}"
        )
    version = "v1" if first >= _FIRST_V1 else "v1beta1"
    return Releases(f"1.{first}", f"1.{last}", f"admissionregistration.k8s.io/{version}")


def _range(first: int, last: int) -> str:
    return f"1.{first}" if first == last else f"1.{first}..1.{last}"
