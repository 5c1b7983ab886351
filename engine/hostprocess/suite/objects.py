"""The objects of a case: whole, in a file, or made out of a base."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hostprocess.admission import check_metadata
from hostprocess.errors import InputError, place, suggestion
from hostprocess.kubernetes.fields import format_path
from hostprocess.kubernetes.kinds import POD_TEMPLATES
from hostprocess.kubernetes.reader import SUFFIXES, expand, read_piece, read_pieces
from hostprocess.model import InputProblem, Origin, Resource
from hostprocess.schema import schema, violations
from hostprocess.suite.confine import leads_out
from hostprocess.suite.edit import edited, wrapped
from hostprocess.suite.model import JSONObject

__all__ = ["Objects", "check_known"]

_FORM = frozenset({"base", "object", "unset", "set", "edit", "wrap"})


@dataclass(slots=True)
class Objects:
    """Finds the objects that a suite names. `folder` is the suite's: its paths begin there. All methods raise ValueError for what is not there."""

    folder: str
    fixtures: Mapping[str, Any]
    where: str
    """Where fixtures are declared, for messages."""
    confined: bool = True
    """Whether paths are held to the repository of the suite."""
    _files: dict[str, list[JSONObject]] = field(default_factory=dict)

    def object(self, case: Mapping[str, Any]) -> JSONObject:
        """The object of a case."""
        return self._made(case, None)

    def old(self, case: Mapping[str, Any]) -> JSONObject | None:
        """The old object: whole, or changes of a base (by default that of the case), put into the same workload."""
        given = case.get("oldObject")
        if given is None or isinstance(given, str):
            return None if given is None else self.one(given)
        if not given or not _FORM.issuperset(given):
            return dict(given)
        for steps, message in violations(given, schema("suite")["$defs"]["changes"]):
            raise ValueError(f"oldObject.{format_path(steps)}: {message}")
        if not {"base", "object"} & given.keys():
            given = {**given, **{key: case[key] for key in ("object", "base") if key in case}}
        return self._made(given, case.get("wrap"))

    def one(self, given: str | JSONObject) -> JSONObject:
        """An object that is written out, or the only one of a file."""
        if isinstance(given, dict):
            return given
        found = self._file(given)
        if len(found) != 1:
            raise ValueError(f"{given} holds {len(found) or 'no'} objects; one is needed")
        return found[0]

    def several(self, given: str | list[Any]) -> tuple[JSONObject, ...]:
        """Objects that are written out, and all of files."""
        listed = given if isinstance(given, list) else [given]
        found = tuple(value for one in listed for value in (self._file(one) if isinstance(one, str) else [one]))
        for value in found:
            check_known(value)
        return found

    def _made(self, case: Mapping[str, Any], wrap: str | None) -> JSONObject:
        if "object" in case:
            base = self.one(case["object"])
        elif "base" in case:
            base = self._base(case["base"])
        else:
            raise ValueError("neither the case nor the suite has a base or an object")
        value: JSONObject = edited(base, case.get("unset", ()), case.get("set", {}), case.get("edit", ""))
        kind = case.get("wrap", wrap)
        if not kind or kind == "Pod":
            return value
        if POD_TEMPLATES.get((str(value.get("apiVersion")), str(value.get("kind")))) != ():
            raise ValueError(f"wrap: a {value.get('kind') or 'thing without kind'} is no Pod, and only Pods are put into a {kind}")
        return wrapped(value, kind)

    def _base(self, given: str | JSONObject) -> JSONObject:
        if isinstance(given, dict):
            return given
        if given in self.fixtures:
            return self.one(self.fixtures[given])
        if given.endswith(SUFFIXES):
            return self.one(given)
        known = list(self.fixtures)
        raise ValueError(f"base: there is no fixture {given!r}{suggestion(given, known)}; {self.where} has {', '.join(known) or 'none'}")

    def _file(self, path: str) -> list[JSONObject]:
        found = self._files.get(path)
        if found is None:
            if self.confined and (reason := leads_out(self.folder, path)):
                raise ValueError(reason)
            full = os.path.join(self.folder, path)
            found = self._files[path] = list(_read(full))
        return found


def check_known(value: JSONObject) -> None:
    """Raises ValueError for an object that nothing can be looked up in."""
    try:
        check_metadata(Resource(object=value, origin=Origin(path="")))
    except InputError as error:
        raise ValueError(error.message) from None


def _read(path: str) -> Iterator[JSONObject]:
    """The objects of a file as they are written: they are checked as the object of a request is."""
    for file in expand([path]):
        for piece in [file] if isinstance(file, InputProblem) else read_pieces(file):
            for found in [piece] if isinstance(piece, InputProblem) else read_piece(*piece, check=False):
                if isinstance(found, Resource):
                    yield found.object
                elif not found.note:
                    raise ValueError(f"{place(found.path, found.line, found.column)}{found.message}")
