"""Rewrites suites of other tools as suites of ours: to text, checked by a run that it says the same, and to files."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Any

from hostprocess.errors import HostprocessError, InputError, PolicyError, UsageError
from hostprocess.export.yaml_text import documents
from hostprocess.model import Outcome
from hostprocess.rules import SUITE_SUFFIX
from hostprocess.suite.expect import outcome_of
from hostprocess.suite.importers.imported import FAILS, ImportedSuite, Part
from hostprocess.suite.importers.reading import Manifest
from hostprocess.suite.load import Loader
from hostprocess.suite.model import Case, Expected, Failure, JSONObject
from hostprocess.suite.run import Runner

__all__ = ["Conversion", "NewFile", "convert", "write_files"]

_POLICY_SUFFIX = ".policy.yaml"
_SHARED = ("operation", "subresource", "userInfo", "namespace", "params", "inventory", "raw", "dryRun")  # keys that `defaults` takes
_ACTIONS = {"Deny": Outcome.DENY, "Warn": Outcome.WARN, "Audit": Outcome.AUDIT}


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to be written, and the suite that it comes of; `cases` counts those of a suite."""

    path: str
    text: str
    source: str
    cases: int = 0


@dataclass(slots=True)
class Conversion:
    """What suites of other tools come to. `notes` tell what to add, `errors` what could not be converted."""

    files: list[NewFile] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    errors: list[HostprocessError] = field(default_factory=list)

    def add(self, suite: ImportedSuite, folder: str, runner: Runner) -> None:
        """Converts a suite, for files in `folder`. What cannot be converted is told in `errors`."""
        self.errors += suite.errors
        taken = {one.path for one in self.files}
        try:
            for part in suite.parts:
                made = _Native(suite, part, folder, runner, taken)
                self.files += made.files()
                self.notes += made.notes()
        except HostprocessError as error:
            self.errors.append(error)


def convert(suites: Iterable[tuple[ImportedSuite, str]], runner: Runner) -> Conversion:
    """Suites with the folders that their files are for."""
    found = Conversion()
    for suite, folder in suites:
        found.add(suite, folder, runner)
    return found


class _Native:
    """One part of a suite in our own format."""

    def __init__(self, suite: ImportedSuite, part: Part, folder: str, runner: Runner, taken: set[str]) -> None:
        self._suite, self._part, self._folder, self._runner = suite, part, folder, runner
        self._cases = [one for one in suite.cases if isinstance(one.expected, Expected) and one.expected.only == part.policy]
        self._failures = {one.name: runner.run(suite.subject, one) for one in self._cases}
        self._outcomes = {one.name: self._outcome(one) for one in self._cases}
        self._fixtures = _fixtures(self._cases)
        self._named = {id(one): name for name, one in self._fixtures.items()}
        self._stem = self._name(taken)

    def _name(self, taken: set[str]) -> str:
        """The name of the policy; behind that of the suite if another suite of this run has taken it."""
        if os.path.join(self._folder, self._part.policy + SUITE_SUFFIX) not in taken:
            return self._part.policy
        return f"{os.path.basename(self._suite.path).partition('.')[0]}.{self._part.policy}"

    def files(self) -> Iterator[NewFile]:
        """The suite, and the policy if it is in no file of ours. Raises `PolicyError` if the suite would say something else than the one it comes of."""
        self._check()
        path = os.path.join(self._folder, self._stem + SUITE_SUFFIX)
        if self._part.documents:
            yield NewFile(os.path.join(self._folder, self._policy_name), self._policy_text(), self._suite.path)
        yield NewFile(path, self._text(self._relative, [self._policy_name]), self._suite.path, len(self._cases))

    def notes(self) -> Iterator[str]:
        """What `hostprocess test` will ask for."""
        outcomes = set(self._outcomes.values())
        missing = [word for word, among in (("passes", {Outcome.ALLOW}), ("fails", {*FAILS, Outcome.ERROR})) if not outcomes & among]
        if missing:
            path = os.path.join(self._folder, self._stem + SUITE_SUFFIX)
            yield f"{path}: there is no case in which {self._part.policy} {' or '.join(missing)}: `hostprocess test` asks for one"

    @property
    def _policy_name(self) -> str:
        return self._stem + _POLICY_SUFFIX

    def _policy_text(self) -> str:
        made_of = " and ".join(self._relative(one) for one in self._part.made_of)
        return documents(self._part.documents, f"Made of {made_of} by `hostprocess convert`: when that changes, make it anew.")

    def _relative(self, path: str) -> str:
        return os.path.relpath(path, self._folder or os.curdir).replace(os.sep, "/")

    def _text(self, place: Callable[[str], str], made: Sequence[str]) -> str:
        """The suite; `place` says how a file is named in it, `made` are the files of a policy that is made."""
        policy = [place(one) for one in self._part.files] or list(made)
        values = [self._case(one, place) for one in self._cases]
        defaults = _hoisted(values)
        top: JSONObject = {"policy": policy[0] if len(policy) == 1 else policy}
        if self._part.only:
            top["only"] = self._part.policy
        if self._fixtures:
            top["fixtures"] = {name: _written(one, place) for name, one in self._fixtures.items()}
        if defaults:
            top["defaults"] = defaults
        origin = f"Converted from {self._relative(self._suite.path)} ({self._suite.tool}) by `hostprocess convert`."
        head = "\n".join([*self._suite.head, f"# {origin}", ""]) if self._suite.head else f"# {origin}\n"
        lost = "".join(f"# Not converted: line {one.line}: {_one_line(one.message)}\n" for one in self._suite.errors)
        return head + lost + documents([top], "") + "cases:\n" + "".join(self._items(values))

    def _items(self, values: Sequence[JSONObject]) -> Iterator[str]:
        for case, value in zip(self._cases, values, strict=True):
            comments = [*self._suite.comments.get(case.name, ()), *self._verdict(case)]
            lines = [*comments, *documents([{"cases": [value]}], "").splitlines()[1:]]
            yield "".join(f"  {line}\n" if line else "\n" for line in lines)

    def _verdict(self, case: Case) -> Iterator[str]:
        """A comment above a case that does not pass."""
        failure = self._failures[case.name]
        if failure:
            yield f"# {'' if failure.vacuous else 'fails: '}{_one_line(failure.message)}"

    def _case(self, case: Case, place: Callable[[str], str]) -> JSONObject:
        value: JSONObject = {"name": case.name}
        for key, given in case.raw.items():
            fixture = self._named.get(id(given))
            if key == "object" and fixture:
                value["base"] = fixture
            elif fixture:
                value[key] = {"base": fixture}
            else:
                value[key] = _written(given, place)
        return {**value, **self._expectation(case)}

    def _expectation(self, case: Case) -> JSONObject:
        expected = case.expected
        assert isinstance(expected, Expected)
        found: dict[str, Any] = {"expect": str(self._outcomes[case.name])}
        if expected.message is not None:
            found["message"] = expected.message
        if len(expected.messages) == 1 and expected.messages[0].count is None:
            found["messageMatches"] = expected.messages[0].matches
        elif expected.messages:
            counted = [{"matches": one.matches, **({} if one.count is None else {"count": one.count})} for one in expected.messages]
            found["messages"] = counted
        if expected.failures is not None:
            found["failures"] = expected.failures
        return found

    def _outcome(self, case: Case) -> Outcome:
        """What a case expects, in one word: of several that would do what came, or what the binding makes of a failing validation."""
        expected = case.expected
        assert isinstance(expected, Expected)
        if not expected.also:
            return expected.outcome
        if self._failures[case.name] is None:
            return outcome_of(self._runner.told(self._suite.subject, case, self._runner.decide(self._suite.subject, case)))
        _, bindings = self._suite.subject.compiled(self._suite.subject.kubernetes, self._suite.subject.containerd)
        actions = {action for one in bindings if one.policy_name == self._part.policy for action in one.validation_actions}
        return next((outcome for action, outcome in _ACTIONS.items() if action in actions and outcome in (expected.outcome, *expected.also)), expected.outcome)

    def _check(self) -> None:
        """Runs the new suite."""
        path = os.path.join(self._folder, self._stem + SUITE_SUFFIX)
        with tempfile.TemporaryDirectory(prefix="hostprocess-") as aside:
            made = os.path.join(aside, self._policy_name)
            if self._part.documents:
                with open(made, "w", encoding="utf-8") as file:
                    file.write(self._policy_text())
            suite = Loader(confined=False).load(path, self._text(os.path.abspath, [made]))
        failures = {one.name: self._runner.run(suite.subject, one) for one in suite.cases}
        for case in self._cases:
            before, after = self._failures[case.name], failures[case.name]
            if (before is None) != (after is None):
                told = f"{_told(before)} as it is, and {_told(after)} in the new suite"
                raise PolicyError(f"the case {case.name!r} is {told}: the suite is not converted", path=case.path, line=case.line)


def _told(failure: Failure | None) -> str:
    return f"failed ({failure.message})" if failure else "passed"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _fixtures(cases: Sequence[Case]) -> dict[str, Manifest]:
    """The objects that several places of the cases name and no file holds alone, by a name."""
    uses: dict[int, int] = {}
    manifests: dict[int, Manifest] = {}
    for case in cases:
        for one in case.raw.values():
            if isinstance(one, Manifest) and not one.alone:
                uses[id(one)] = uses.get(id(one), 0) + 1
                manifests[id(one)] = one
    found: dict[str, Manifest] = {}
    for key, one in manifests.items():
        if uses[key] > 1:
            base = f"{one.resource.kind}-{one.resource.name}".lower()
            found[next(name for name in chain([base], (f"{base}-{number}" for number in count(2))) if name not in found)] = one
    return found


def _written(given: Any, place: Callable[[str], str]) -> Any:
    """An object as a suite holds it: the name of its file if it is the only one there."""
    if not isinstance(given, Manifest):
        return given
    return place(given.path) if given.alone else given.object


def _hoisted(values: Sequence[JSONObject]) -> JSONObject:
    """What all cases have in common goes to the defaults."""
    found: JSONObject = {}
    for key in _SHARED if len(values) > 1 else ():
        if all(key in one and one[key] == values[0][key] for one in values):
            found[key] = values[0][key]
            for one in values:
                del one[key]
    return found


def write_files(files: Sequence[NewFile], *, force: bool = False) -> None:
    """Writes them, each aside first. Raises `UsageError` if one is there already, unless `force`, `InputError` for one that cannot be written."""
    kept = [one for one in files if os.path.lexists(one.path) and not _holds(one)]
    if kept and not force:
        others = f" (and {len(kept) - 1} more)" if len(kept) > 1 else ""
        raise UsageError(f"{kept[0].path} is there already{others}: --force replaces it, --output DIR writes elsewhere; nothing was written")
    with contextlib.ExitStack() as undo:
        made: list[tuple[str, str]] = []
        for one in files:
            made.append((_aside(one, undo), one.path))
        for temporary, path in made:
            with _told_of(path):
                os.replace(temporary, path)


def _holds(one: NewFile) -> bool:
    try:
        with open(one.path, encoding="utf-8", newline="") as file:
            return file.read() == one.text
    except (OSError, UnicodeDecodeError):
        return False


def _aside(one: NewFile, undo: contextlib.ExitStack) -> str:
    """The text in a file beside the one that it is for."""
    folder = os.path.dirname(one.path)
    with _told_of(one.path):
        os.makedirs(folder or os.curdir, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{os.path.basename(one.path)}.", dir=folder or os.curdir)
        undo.callback(_remove, temporary)
        with open(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(one.text)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
    return temporary


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)


@contextlib.contextmanager
def _told_of(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", path=path) from None
