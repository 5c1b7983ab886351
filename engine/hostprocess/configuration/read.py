"""Configuration files: from text to a value, and from a field to its line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hostprocess.configuration.keys import PROJECT_FILE
from hostprocess.errors import InputError, PolicyError

__all__ = ["Source", "project_table", "read_source"]

Steps = tuple[str | int, ...]
_TABLE = ("tool", "hostprocess")
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


@dataclass(frozen=True)
class Source:
    """What a configuration file says. `above` are the steps to it in the file; `found` is whether nobody named the file."""

    path: str
    text: str
    value: Any
    above: Steps = ()
    found: bool = False

    def place(self, steps: Steps) -> tuple[int, int]:
        """Line and column of a field, or of the nearest one above that exists."""
        return self._places_toml(self.above + steps) if self._toml else self._places_yaml(steps)

    @property
    def _toml(self) -> bool:
        return self.path.endswith(".toml")

    @cached_property
    def _found_places(self) -> dict[Steps, int]:
        from hostprocess.configuration.toml_places import toml_places  # for messages only

        return toml_places(self.text)

    def _places_toml(self, steps: Steps) -> tuple[int, int]:
        known = self._found_places
        while steps and steps not in known:
            steps = steps[:-1]
        at = known.get(steps, 0)
        return self.text.count("\n", 0, at) + 1, at - self.text.rfind("\n", 0, at)

    def _places_yaml(self, steps: Steps) -> tuple[int, int]:
        from hostprocess.kubernetes.location import locate  # for messages only
        from hostprocess.model import Origin

        place = locate(Origin(path=self.path, text=self.text), steps)
        return place.line, place.column


def project_table(path: str) -> Source | None:
    """The table `tool.hostprocess` of a TOML file, if it has one. Raises `InputError`."""
    import tomllib  # of such projects only: it costs as much as a small run

    text = _text(path).replace("\r\n", "\n")
    try:
        value: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _PLACE.search(str(error))
        line, column = (int(place[1]), int(place[2])) if place and place[1] else (text.count("\n") + 1, 0)
        raise InputError(f"is not valid TOML: {_PLACE.sub('', str(error))}", path=path, line=line, column=column) from None
    except RecursionError:
        raise InputError("is nested too deeply to be read", path=path) from None
    for key in _TABLE:
        if not isinstance(value, dict) or key not in value:
            return None
        value = value[key]
    return Source(path=path, text=text, value=value, above=_TABLE)


def read_source(path: str) -> Source:
    """What a configuration file holds, TOML if its name says so and YAML otherwise. Raises `InputError` or `PolicyError`."""
    if path.endswith(".toml"):
        found = project_table(path)
        if found is None:
            hint = "" if path.endswith(PROJECT_FILE) else ", in any TOML file"
            raise PolicyError(f"holds no configuration: that is the table [tool.hostprocess]{hint}", path=path)
        return found
    from hostprocess.kubernetes.yaml_text import load  # not needed for TOML

    text = _text(path)
    documents = load(text, path, strict=True)
    if len(documents) > 1:
        raise PolicyError(f"expected one YAML document, found {len(documents)}", path=path)
    return Source(path=path, text=text, value=documents[0][0] if documents else {})


def _text(path: str) -> str:
    try:
        return Path(path).read_text("utf-8-sig")
    except OSError as error:
        raise InputError(f"the configuration cannot be read: {error.strerror}", path=path) from None
    except UnicodeDecodeError:
        raise InputError("is not UTF-8 text", path=path) from None
