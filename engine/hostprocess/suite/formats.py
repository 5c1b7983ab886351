"""Which formats of suites there are, and which files are suites."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hostprocess.errors import HostprocessError, PolicyError, UsageError
from hostprocess.model import Outcome
from hostprocess.rules import SUITE_SUFFIX
from hostprocess.schema import fault_at
from hostprocess.suite.load import Loader, file_text
from hostprocess.suite.model import Expected, Suite

__all__ = ["NATIVE", "SuiteFile", "SuiteFormat", "find_suites", "is_native"]

_CANDIDATES = (".yaml", ".yml", ".json")
_OF_SUITES = frozenset({".kaptest", ".kyverno-test"})  # hidden folders in which other tools keep their suites
_FAILING = (Outcome.DENY, Outcome.WARN, Outcome.AUDIT, Outcome.ERROR)


@dataclass(frozen=True, slots=True)
class SuiteFormat:
    """A format of suites.

    `recognises(path, text)` tells whether a file is a suite of it, by a look; `load(path, text, loader)` reads one, and raises `PolicyError` for what
    is wrong with it.
    """

    recognises: Callable[[str, str], bool]
    load: Callable[[str, str, Loader], Suite]


@dataclass(frozen=True, slots=True)
class SuiteFile:
    """A file that is a suite, the name of its format, and the cases that are wanted, None for all."""

    path: str
    format: str
    names: frozenset[str] | None = None


def is_native(path: str, text: str) -> bool:
    """Whether a file is a native suite beyond doubt: its top level says what it is about, and has cases."""
    keys = _top_keys(text)
    return path.endswith(SUITE_SUFFIX) and "cases" in keys and bool(keys & {"rule", "policy"})


def find_suites(paths: Sequence[str], formats: Mapping[str, SuiteFormat]) -> Iterator[SuiteFile | HostprocessError]:
    """The suites that `paths` name: files, or `FILE::CASE`, and folders, in which hidden folders are left out. What is none of these comes as an error."""
    seen: set[str] = set()
    for path in paths:
        file, _, name = path.partition("::")
        if os.path.isdir(path):
            found: Iterator[SuiteFile | HostprocessError] = _in_folder(path, formats)
        elif os.path.exists(file):
            found = iter([_named(file, frozenset([name]) if name else None, formats)])
        else:
            found = iter([UsageError(f"{file}: no such file or folder")])
        for one in found:
            if isinstance(one, SuiteFile) and not one.names:
                place = os.path.abspath(one.path)
                if place in seen:
                    continue
                seen.add(place)
            yield one


def _named(path: str, names: frozenset[str] | None, formats: Mapping[str, SuiteFormat]) -> SuiteFile | HostprocessError:
    try:
        text = file_text(path)
    except PolicyError as error:
        return error
    found = _format_of(path, text, formats)
    if found is None:
        return PolicyError(f"is no test suite; there are the formats {', '.join(formats)}", path=path)
    return SuiteFile(path, found, names)


def _in_folder(folder: str, formats: Mapping[str, SuiteFormat]) -> Iterator[SuiteFile | HostprocessError]:
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") or name in _OF_SUITES)
        for name in sorted(files):
            path = os.path.join("" if place == os.curdir else place.removeprefix(os.curdir + os.sep), name)
            if not name.endswith(_CANDIDATES) or not os.path.isfile(path):
                continue
            try:
                text = file_text(path)
            except PolicyError as error:
                if name.endswith(SUITE_SUFFIX):
                    yield error
                continue
            found = _format_of(path, text, formats)
            if found:
                yield SuiteFile(path, found)


def _format_of(path: str, text: str, formats: Mapping[str, SuiteFormat]) -> str | None:
    return next((name for name, one in formats.items() if one.recognises(path, text)), None)


def _top_keys(text: str) -> set[str]:
    if "cases" not in text and "rule" not in text and "policy" not in text:
        return set()
    flow = text.lstrip().startswith("{")
    pattern = re.compile(r"""['"]?\b(rule|policy|cases)\b['"]?[ \t]*:""") if flow else re.compile(r"""^['"]?(rule|policy|cases)['"]?[ \t]*:""", re.MULTILINE)
    return {match[1] for match in pattern.finditer(text)}


def _recognises(path: str, text: str) -> bool:
    return path.endswith(SUITE_SUFFIX) and bool(_top_keys(text))


def _load(path: str, text: str, loader: Loader) -> Suite:
    suite = loader.load(path, text)
    outcomes = {case.expected.outcome for case in suite.cases if isinstance(case.expected, Expected)}
    policies, _ = suite.subject.compiled(suite.subject.kubernetes, suite.subject.containerd)
    wanted: dict[str, tuple[Outcome, ...]] = {"passes": (Outcome.ALLOW,)}
    if any(policy.validations for policy in policies) or not policies:
        wanted["fails"] = _FAILING
    missing = [words for words, found in wanted.items() if not outcomes.intersection(found)]
    if missing:
        told = f"no case in which {suite.name} {' or '.join(missing)}: a policy that always says the same is not tested; add one that expects"
        names = [word for word, key in (("deny, warn or audit", "fails"), ("allow", "passes")) if key in missing]
        raise fault_at(text, path, ("cases",), f"{told} {', and one that expects '.join(names)}")
    return suite


NATIVE = SuiteFormat(_recognises, _load)
"""Files `*.test.yaml`: see docs/testing.md."""
