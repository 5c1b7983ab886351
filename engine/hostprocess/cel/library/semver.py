"""Semantic versions. Source: k8s.io/apiserver/pkg/cel/library/semverlib.go, k8s.io/apiserver/pkg/cel/semver.go, github.com/blang/semver/v4."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from hostprocess.cel.declarations import Library, Overload
from hostprocess.cel.equality import NO_SUCH_OVERLOAD
from hostprocess.cel.library.costs import cost_of
from hostprocess.cel.library.texts import go_quote
from hostprocess.cel.runtime import CelError
from hostprocess.cel.values import Opaque

__all__ = ["LIBRARY", "Semver", "parse"]

_NUMBER = re.compile("[0-9]*")
_IDENTIFIER = re.compile("[0-9A-Za-z-]*")
_MOST = 2**64 - 1


class _SemverError(ValueError):
    """A text that is no semantic version, in the words of the Go library."""


@dataclass(frozen=True, slots=True)
class Semver(Opaque):
    """`kubernetes.Semver`. Numeric parts of `prerelease` are numbers."""

    type_name: ClassVar[str] = "kubernetes.Semver"
    major: int
    minor: int
    patch: int
    prerelease: tuple[int | str, ...] = ()
    build: tuple[str, ...] = ()

    def equal(self, other: Any) -> Any:
        """Equal in order, so whatever the build is."""
        return self.compare(other) == 0 if isinstance(other, Semver) else NO_SUCH_OVERLOAD

    def compare(self, other: Semver) -> int:
        """-1, 0 or 1 (`Version.Compare`)."""
        left, right = self._key(), other._key()
        return (left > right) - (left < right)

    def _key(self) -> tuple[Any, ...]:
        # A release is behind all its prereleases, numbers before words, and fewer parts before more.
        parts = tuple((0, part, "") if isinstance(part, int) else (1, 0, part) for part in self.prerelease)
        return self.major, self.minor, self.patch, not self.prerelease, parts

    def __str__(self) -> str:
        text = f"{self.major}.{self.minor}.{self.patch}"
        text += f"-{'.'.join(map(str, self.prerelease))}" if self.prerelease else ""
        return text + (f"+{'.'.join(self.build)}" if self.build else "")


def parse(text: str, normalize: bool = False) -> Any:
    """The version, or the `CelError` of a text that is none."""
    try:
        return _parse(_normalized(text) if normalize else text)
    except _SemverError as error:
        return CelError(str(error))


def _normalized(text: str) -> str:
    parts = text.removeprefix("v").split(".", 2)
    for index, part in enumerate(parts):
        if len(part.encode("utf-8", "surrogateescape")) > 1:
            stripped = part.lstrip("0")
            parts[index] = stripped if stripped[:1] in frozenset("0123456789") else f"0{stripped}"
    if len(parts) < 3:
        if "+" in parts[-1] or "-" in parts[-1]:
            raise _SemverError("short version cannot contain PreRelease/Build meta data")
        parts += ["0"] * (3 - len(parts))
    return ".".join(parts)


def _parse(text: str) -> Semver:
    if not text:
        raise _SemverError("Version string empty")
    parts = text.split(".", 2)
    if len(parts) != 3:
        raise _SemverError("No Major.Minor.Patch elements found")
    major, minor = _number(parts[0], "Major"), _number(parts[1], "Minor")
    rest, plus, build = parts[2].partition("+")
    rest, minus, prerelease = rest.partition("-")
    patch = _number(rest, "Patch")
    return Semver(
        major,
        minor,
        patch,
        tuple(map(_prerelease_part, prerelease.split("."))) if minus else (),
        tuple(map(_build_part, build.split("."))) if plus else (),
    )


def _number(text: str, name: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise _SemverError(f"Invalid character(s) found in {name.lower()} number {go_quote(text)}")
    if len(text) > 1 and text[0] == "0":
        raise _SemverError(f"{name} number must not contain leading zeroes {go_quote(text)}")
    return _unsigned(text)


def _unsigned(text: str) -> int:
    if not text:
        raise _SemverError('strconv.ParseUint: parsing "": invalid syntax')
    if len(text) > 20 or int(text) > _MOST:
        raise _SemverError(f"strconv.ParseUint: parsing {go_quote(text)}: value out of range")
    return int(text)


def _prerelease_part(text: str) -> int | str:
    if not text:
        raise _SemverError("Prerelease is empty")
    if _NUMBER.fullmatch(text):
        if len(text) > 1 and text[0] == "0":
            raise _SemverError(f"Numeric PreRelease version must not contain leading zeroes {go_quote(text)}")
        return _unsigned(text)
    if not _IDENTIFIER.fullmatch(text):
        raise _SemverError(f"Invalid character(s) found in prerelease {go_quote(text)}")
    return text


def _build_part(text: str) -> str:
    if not text:
        raise _SemverError("Build meta data is empty")
    if not _IDENTIFIER.fullmatch(text):
        raise _SemverError(f"Invalid character(s) found in build meta data {go_quote(text)}")
    return text


def _is_semver(text: str, normalize: bool = False) -> bool:
    return isinstance(parse(text, normalize), Semver)


def _signed(number: int) -> int:
    """An int of CEL has a sign; numbers beyond wrap around."""
    return (number + 2**63) % 2**64 - 2**63


def _overload(identifier: str, function: str, arguments: str, result: str, implementation: Callable[..., Any]) -> Overload:
    return Overload(
        id=identifier,
        function=function,
        arguments=tuple(arguments.split()),
        result=result,
        member=arguments.startswith(Semver.type_name),
        implementation=implementation,
        cost=cost_of(function, identifier),
    )


_ONE, _TWO = Semver.type_name, f"{Semver.type_name} {Semver.type_name}"
LIBRARY = Library(
    name="kubernetes.Semver",
    introduced=33,
    overloads=(
        _overload("string_to_semver", "semver", "string", _ONE, parse),
        _overload("string_bool_to_semver", "semver", "string bool", _ONE, parse),
        _overload("is_semver_string", "isSemver", "string", "bool", _is_semver),
        _overload("is_semver_string_bool", "isSemver", "string bool", "bool", _is_semver),
        _overload("semver_is_greater_than", "isGreaterThan", _TWO, "bool", lambda left, right: left.compare(right) == 1),
        _overload("semver_is_less_than", "isLessThan", _TWO, "bool", lambda left, right: left.compare(right) == -1),
        _overload("semver_compare_to", "compareTo", _TWO, "int", lambda left, right: left.compare(right)),
        _overload("semver_major", "major", _ONE, "int", lambda version: _signed(version.major)),
        _overload("semver_minor", "minor", _ONE, "int", lambda version: _signed(version.minor)),
        _overload("semver_patch", "patch", _ONE, "int", lambda version: _signed(version.patch)),
    ),
)
