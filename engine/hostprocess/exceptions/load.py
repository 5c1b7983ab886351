"""Exceptions files: read, and checked before anything is judged by them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from hostprocess.errors import InputError, suggestion
from hostprocess.exceptions.model import Match, Waiver, glob_matches, is_glob
from hostprocess.kubernetes.kinds import POD_TEMPLATES
from hostprocess.kubernetes.location import locate
from hostprocess.model import Origin
from hostprocess.policy_fields import is_qualified_name
from hostprocess.schema import Steps, fault_at, load_checked

__all__ = ["KnownRules", "load_waivers"]

_KINDS = {kind.lower(): kind for _, kind in POD_TEMPLATES}


@dataclass(frozen=True, slots=True)
class KnownRules:
    """The names that an exception may be about: ids of rules and names of policies. `retired` are ids that have gone, with what replaces them."""

    names: Collection[str]
    retired: Mapping[str, str]

    def fault(self, pattern: str) -> str:
        """What is wrong with a name or a glob; empty if it stands for something."""
        name = pattern.partition("/")[0]
        if any(glob_matches(name, known) for known in self.names):
            return ""
        if name in self.retired:
            return f"the rule {name!r} is retired; it is {self.retired[name]!r} now"
        if is_glob(name):
            return f"no rule and no policy has a name like {name!r}"
        return f"there is no rule and no policy {name!r}" + (suggestion(name, self.names) or "; `hostprocess rules` lists the rules")


def load_waivers(path: str, known: KnownRules) -> tuple[Waiver, ...]:
    """The exceptions of a file. Raises `PolicyError` at the line of what is not valid, `InputError` for a file that cannot be read."""
    text = _read(path)
    try:
        raw = load_checked(text, path, "exceptions")
    except InputError as error:
        hint = "; a glob that begins with * stands in quotes" if "alias" in error.message else ""
        raise InputError(error.message + hint, path=error.path, line=error.line, column=error.column) from None
    return tuple(_waiver(one, text, path, index, known) for index, one in enumerate(raw["exceptions"]))


def _read(path: str) -> str:
    try:
        return Path(path).read_text("utf-8-sig")
    except OSError as error:
        raise InputError(f"the exceptions cannot be read: {error.strerror}", path=path) from None
    except UnicodeDecodeError:
        raise InputError("is not UTF-8 text", path=path) from None


def _waiver(raw: Mapping[str, Any], text: str, path: str, index: int, known: KnownRules) -> Waiver:
    here: Steps = ("exceptions", index)
    for steps, fault in _faults(raw, known):
        raise fault_at(text, path, (*here, *steps), fault)
    match = raw["match"]
    return Waiver(
        rules=_listed(raw["rule"]),
        match=Match(
            **{key: _listed(match[key]) for key in ("namespace", "name", "kind", "image") if key in match},
            labels=tuple((key, _listed(value)) for key, value in match.get("labels", {}).items()),
        ),
        reason=raw["reason"].strip(),
        owner=raw["owner"].strip(),
        ticket=str(raw.get("ticket", "")).strip(),
        expires=date.fromisoformat(raw["expires"]) if "expires" in raw else None,
        path=path,
        line=locate(Origin(path=path, text=text), here).line,
        index=index,
    )


def _faults(raw: Mapping[str, Any], known: KnownRules) -> Iterator[tuple[Steps, str]]:
    """What the schema cannot say: pairs of (steps, message)."""
    match = raw["match"]
    for steps, rule in _each(("rule",), raw["rule"]):
        if fault := known.fault(rule):
            yield steps, fault
    if not match or not all(match.values()):
        yield ("match",), "must say which objects: namespace, name, kind, labels or image; to leave out a rule everywhere there is --ignore"
    for key, value in match.items():
        for inner, patterns in value.items() if key == "labels" else [("", value)]:
            where: Steps = ("match", key, inner) if inner else ("match", key)
            if inner and not is_qualified_name(inner):
                yield where, f"{inner!r} is not a key that labels can have"
            for steps, pattern in _each(where, patterns):
                if fault := _pattern_fault(key, pattern):
                    yield steps, fault
    for key in ("reason", "owner"):
        if not raw[key].strip():
            yield (key,), "must not be empty"
    if "expires" in raw and not _is_day(raw["expires"]):
        yield ("expires",), f"{raw['expires']!r} is not a day; write it as YYYY-MM-DD, for example 2026-12-31"


def _pattern_fault(key: str, pattern: str) -> str:
    if not pattern.isprintable() or pattern != pattern.strip():
        return f"{pattern!r} matches nothing: there are spaces around it, or characters that do not print"
    if any(one in pattern for one in "[]{}!^"):
        return f"{pattern!r}: globs know * and ? only; several patterns are a list"
    meant = _KINDS.get(pattern.lower()) or _KINDS.get(pattern.lower().removesuffix("s"))
    if key == "kind" and meant and meant != pattern:
        return f"there is no kind {pattern!r}; did you mean {meant!r}?"
    return ""


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _each(where: Steps, value: Any) -> Iterable[tuple[Steps, str]]:
    return [(where, value)] if isinstance(value, str) else [((*where, index), one) for index, one in enumerate(value)]


def _listed(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
