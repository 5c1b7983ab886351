"""Reading the files of another tool's suite: strictly, with the line of everything that is wrong. It knows no format."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from typing import Any

from hostprocess.errors import InputError, PolicyError, raise_all
from hostprocess.kubernetes.location import locate
from hostprocess.kubernetes.reader import expand, read_piece, read_pieces
from hostprocess.kubernetes.yaml_text import load
from hostprocess.model import InputProblem, Origin, Resource
from hostprocess.schema import fault_at, violations
from hostprocess.suite.confine import leads_out
from hostprocess.suite.model import JSONObject

__all__ = ["Manifest", "Manifests", "Source", "Steps", "by_name", "list_of", "mapping", "read_source", "read_text", "text", "unique"]

Steps = tuple[str | int, ...]
_FETCHED = re.compile(r"[a-z]+://")
text: Mapping[str, Any] = {"type": "string", "minLength": 1}


def list_of(items: Mapping[str, Any], least: int = 0) -> dict[str, Any]:
    """The schema of a list."""
    return {"type": "array", "items": dict(items), "minItems": least}


def mapping(required: Sequence[str] = (), /, **properties: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a mapping that has no other keys."""
    return {"type": "object", "additionalProperties": False, "required": list(required), "properties": {key: dict(one) for key, one in properties.items()}}


@dataclass(frozen=True, slots=True)
class Source:
    """A file, and what it holds."""

    path: str
    text: str
    value: JSONObject

    @property
    def folder(self) -> str:
        """Where paths in it begin."""
        return os.path.dirname(self.path)

    def fault(self, steps: Steps, message: str) -> PolicyError:
        """What is wrong with a field."""
        return fault_at(self.text, self.path, steps, message)

    def line(self, steps: Steps) -> int:
        """The line of a field."""
        return locate(Origin(path=self.path, text=self.text), steps).line

    def comment(self, steps: Steps) -> tuple[str, ...]:
        """The comment lines right above a field."""
        lines = _lines(self.text)
        return tuple(_comments(lines[number] for number in range(self.line(steps) - 2, -1, -1)))[::-1]

    def head(self) -> tuple[str, ...]:
        """The comment lines that the file begins with."""
        return tuple(_comments(line for line in _lines(self.text) if line.strip() != "---"))


@lru_cache(maxsize=4)
def _lines(text: str) -> list[str]:
    return text.splitlines()


def _comments(lines: Iterable[str]) -> Iterator[str]:
    for line in map(str.strip, lines):
        if not line.startswith("#"):
            return
        if "yaml-language-server" not in line:
            yield line


def read_source(path: str, content: str, schema: Mapping[str, Any]) -> Source:
    """A file of the other tool, checked. Raises `PolicyError` for everything that does not fit the schema."""
    try:
        documents = [value for value, _ in load(content, path)]
    except InputError as error:
        raise PolicyError(error.message, path=error.path, line=error.line, column=error.column) from None
    if len(documents) != 1:
        raise PolicyError(f"expected one YAML document, found {len(documents)}", path=path)
    value = _without_nulls(documents[0])  # to Go a null is as good as absent
    raise_all([fault_at(content, path, steps, message + _quotes(message)) for steps, message in violations(value, dict(schema))])
    return Source(path, content, value)


def _quotes(message: str) -> str:
    """What to do about a word or a number that is no text to YAML."""
    return "; put it in quotes" if message.endswith(("string, not bool", "string, not int", "string, not float")) else ""


def read_text(source: Source, steps: Steps, name: str) -> tuple[str, str]:
    """Path and text of a file that a suite names. Raises `PolicyError` at the line that names it."""
    path = _path(source, steps, name)
    try:
        with open(path, encoding="utf-8-sig") as file:
            return path, file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise source.fault(steps, f"{name} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}") from None


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(one) for key, one in value.items() if one is not None}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value


def _path(source: Source, steps: Steps, name: str) -> str:
    if _FETCHED.match(name):
        raise source.fault(steps, f"{name} is fetched from the network: save it to a file, and name that")
    if reason := leads_out(source.folder, name):
        raise source.fault(steps, reason)
    path = os.path.join(source.folder, name)
    if not os.path.exists(path):
        raise source.fault(steps, f"there is no file {name!r}: paths begin at the folder of the suite")
    return path


@dataclass(frozen=True, slots=True)
class Manifest:
    """An object of a file; `alone` if the file holds no other."""

    resource: Resource
    alone: bool = False

    @property
    def object(self) -> JSONObject:
        """The object."""
        return self.resource.object

    @property
    def path(self) -> str:
        """Its file."""
        return self.resource.origin.path

    @property
    def line(self) -> int:
        """Where it begins."""
        return locate(self.resource.origin, ()).line

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells it from others: apiVersion, kind, namespace, name."""
        one = self.resource
        return one.api_version, one.kind, one.namespace, one.name

    @property
    def place(self) -> str:
        """File and line, for messages."""
        return f"{self.path}:{self.line}"


def by_name(manifests: Iterable[Manifest]) -> dict[str, list[Manifest]]:
    """The objects of each name."""
    found: dict[str, list[Manifest]] = {}
    for one in manifests:
        found.setdefault(one.resource.name, []).append(one)
    return found


@dataclass(slots=True)
class Manifests:
    """Reads manifests, each file once."""

    _files: dict[str, tuple[Manifest, ...]] = field(default_factory=dict)

    def named(self, source: Source, steps: Steps, names: Sequence[str]) -> list[Manifest]:
        """The objects of the files of a list. Raises `PolicyError` at the line of a file that is not there, and for what cannot be read in one."""
        return [one for index, name in enumerate(names) for one in self.of(source, (*steps, index), name)]

    def of(self, source: Source, steps: Steps, name: str) -> tuple[Manifest, ...]:
        """The objects of one file, or of all in a folder."""
        path = os.path.normpath(_path(source, steps, name))
        if path not in self._files:
            self._files[path] = tuple(_read(path))
        return self._files[path]


def _read(path: str) -> Iterator[Manifest]:
    for file in expand([path]):
        if isinstance(file, InputProblem):
            raise _error(file)
        found: list[Resource] = []
        # As they are written: what these tools do not check is none of their faults.
        pieces = ([piece] if isinstance(piece, InputProblem) else read_piece(*piece, check=False) for piece in read_pieces(file))
        for one in chain.from_iterable(pieces):
            if isinstance(one, Resource):
                found.append(one)
            elif not one.note:
                raise _error(one)
        yield from (Manifest(one, alone=len(found) == 1) for one in found)


def _error(problem: InputProblem) -> PolicyError:
    return PolicyError(problem.message, path=problem.path, line=problem.line, column=problem.column)


def unique(name: str, names: set[str]) -> str:
    """The name, with a number behind it if it is taken; takes it."""
    found, number = name, 2
    while found in names:
        found, number = f"{name} ({number})", number + 1
    names.add(found)
    return found
