"""An exception, and whether it is about a request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from hostprocess.kubernetes.kinds import template_path
from hostprocess.model import Request

__all__ = ["CONTAINER_LISTS", "Match", "Subject", "Waiver", "glob_matches", "glob_regex", "is_glob", "subject_of"]

CONTAINER_LISTS = ("containers", "initContainers", "ephemeralContainers")
Patterns = tuple[str, ...]
_MAX_BASE = 58
"""Characters of generateName that a generated name begins with (k8s.io/apiserver/pkg/storage/names)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Which requests an exception is about: all that is given must fit. Each is a choice of globs, empty for whatever it is; `labels` by their key."""

    namespace: Patterns = ()
    name: Patterns = ()
    kind: Patterns = ()
    image: Patterns = ()
    labels: tuple[tuple[str, Patterns], ...] = ()

    def holds(self, subject: Subject) -> bool:
        """Whether it certainly fits: what is not known does not."""
        return (
            _fits(self.kind, subject.kind)
            and _fits(self.namespace, subject.namespace)
            and (_fits(self.name, subject.name) or (subject.name is None and _fits_any_name(self.name, subject.generate_name)))
            and (not self.image or (bool(subject.images) and all(_fits(self.image, image) for image in subject.images)))
            and (not self.labels or any(self._fits_labels(labels) for labels in subject.labels))
        )

    def _fits_labels(self, labels: Mapping[str, Any]) -> bool:
        return all(_fits(patterns, _text(labels.get(key))) for key, patterns in self.labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """An entry of an exceptions file: see docs/exceptions.md. `path` and `line` are its place; `expires` is the last day on which it holds."""

    rules: Patterns
    match: Match
    reason: str
    owner: str
    ticket: str = ""
    expires: date | None = None
    path: str = ""
    line: int = 0
    index: int = 0

    def expired(self, today: date) -> bool:
        """Whether its last day is over."""
        return self.expires is not None and today > self.expires

    def names(self, rules: Iterable[str]) -> bool:
        """Whether it is about one of these names of rules."""
        return any(glob_matches(pattern, rule) for pattern in self.rules for rule in rules)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What exceptions know of a request. None is not known; `labels` are those of the object, and of its pod template if it has one."""

    kind: str
    namespace: str | None
    name: str | None
    generate_name: str
    labels: tuple[Mapping[str, Any], ...]
    images: tuple[str | None, ...]


def subject_of(request: Request) -> Subject:
    """What exceptions know of a request: of its object, or the one that goes."""
    value = next((one for one in (request.object, request.old_object) if isinstance(one, dict)), {})
    metadata = _mapping(value.get("metadata"))
    path = template_path(str(value.get("apiVersion", "")), str(value.get("kind", "")))
    template: Mapping[str, Any] | None = None if path is None else value
    for step in path or ():
        template = _mapping(_mapping(template).get(step))
    spec = _mapping(_mapping(template).get("spec"))
    containers = [one for key in CONTAINER_LISTS for one in spec.get(key) or () if isinstance(one, dict)]
    owners = [metadata, _mapping(_mapping(template).get("metadata"))] if path else [metadata]
    return Subject(
        kind=request.kind.kind,
        namespace=_text(request.namespace) or None,
        name=_text(metadata.get("name") or request.name),
        generate_name=_text(metadata.get("generateName")) or "",
        labels=tuple(_mapping(one.get("labels")) for one in owners),
        images=tuple(_text(one.get("image")) for one in containers),
    )


def is_glob(pattern: str) -> bool:
    """Whether a pattern stands for more than itself."""
    return "*" in pattern or "?" in pattern


def glob_regex(pattern: str) -> str:
    """A glob as a regular expression for the whole text, in the common part of Python's syntax and RE2's: `*` is any text, `?` one character."""
    return "".join(".*" if one == "*" else "." if one == "?" else re.escape(one) if one.isascii() else one for one in pattern)


def glob_matches(pattern: str, text: str) -> bool:
    """Whether a glob matches all of a text; capitals count."""
    return pattern == text or (is_glob(pattern) and _compiled(pattern).fullmatch(text) is not None)


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(glob_regex(pattern), re.DOTALL)


def _fits(patterns: Patterns, text: str | None) -> bool:
    return not patterns or (text is not None and any(glob_matches(pattern, text) for pattern in patterns))


def _fits_any_name(patterns: Patterns, base: str) -> bool:
    """Whether each name that the API server may make of generateName fits."""
    return any(pattern.endswith("*") and glob_matches(pattern, base[:_MAX_BASE]) for pattern in patterns)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
