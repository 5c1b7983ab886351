"""A configuration, checked before anything is done by it, and the options that a command takes from it."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hostprocess.configuration.keys import CHECK, COMMANDS, FILES, JOINED, SHARED, WRITTEN, outside_reason
from hostprocess.configuration.read import Source
from hostprocess.errors import HostprocessError, PolicyError, UsageError, raise_all
from hostprocess.export.releases import parse_releases
from hostprocess.kubernetes.fields import format_path
from hostprocess.releases import as_release
from hostprocess.schema import schema, violations

__all__ = ["Configuration", "Setting", "checked_configuration"]

Steps = tuple[str | int, ...]
_NUMBERS = ("expression-timeout", "fail-under")
_NUMBER = re.compile(r"\d+\.\d+")
_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Setting:
    """What an option gets from a configuration, and the place of that in the file."""

    value: Any
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Configuration:
    """A configuration file that is valid. Paths in it begin at its folder, those of settings at the working directory."""

    source: Source

    @property
    def path(self) -> str:
        """The file, as seen from the working directory."""
        return self.source.path

    def settings(self, command: str, known: Iterable[str]) -> dict[str, Setting]:
        """What it says about options of a command, of which `known` are there, by their long names."""
        top, known = self.source.value, frozenset(known)
        shared = {key: (key,) for key in top if key not in COMMANDS and key in known and (command == CHECK or key in SHARED)}
        own = {key: (command, key) for key in top.get(command, {})}
        return {key: self._setting(key, command, steps) for key, steps in {**shared, **own}.items()}

    def _setting(self, key: str, command: str, steps: Steps) -> Setting:
        value = self.source.value
        for step in steps:
            value = value[step]
        line, column = self.source.place(steps)
        return Setting(_resolved(key, value, command, os.path.dirname(self.path)), line, column)


def checked_configuration(source: Source) -> Configuration:
    """A configuration file that is valid. Raises `PolicyError` at the place of what is not."""
    _read_numbers(source.value)
    raise_all([_error(source, steps, _worded(source.value, steps, message)) for steps, message in violations(source.value, schema("configuration"))])
    raise_all([_error(source, steps, message) for steps, message in _faults(source)])
    return Configuration(source)


def _error(source: Source, steps: Steps, message: str) -> HostprocessError:
    line, column = source.place(steps)
    where = f"{format_path(steps)}: " if steps else ""
    return PolicyError(where + message, path=source.path, line=line, column=column)


def _read_numbers(value: Any) -> None:
    """Our YAML leaves 1.30 a text, for releases: where a number is meant it becomes one."""
    for table in [value, *value.values()] if isinstance(value, dict) else []:
        for key in _NUMBERS if isinstance(table, dict) else ():
            if isinstance(table.get(key), str) and _NUMBER.fullmatch(table[key]):
                table[key] = float(table[key])


def _worded(value: Any, steps: Steps, message: str) -> str:
    """A violation of the schema as one who writes a configuration understands it."""
    if message.startswith("unknown key") and steps:
        key = str(steps[-1])
        if reason := outside_reason(key):
            return reason
        holders = [name for name in COMMANDS if key in schema("configuration")["properties"][name]["properties"]]
        if len(steps) == 1 and holders:
            return f"belongs into the table of a command: {', '.join(holders)}"
        return message
    for step in steps:
        value = value[step]
    if isinstance(value, int | float) and not isinstance(value, bool) and message.startswith("must be of type string"):
        return f"{message}; write it in quotes"
    return message


def _faults(source: Source) -> Iterator[tuple[Steps, str]]:
    """What the schema cannot say."""
    tables: list[tuple[str, Steps, Mapping[str, Any]]] = [(CHECK, (), source.value)]
    tables += [(name, (name,), source.value[name]) for name in COMMANDS if name in source.value]
    for command, above, table in tables:
        for key, value in table.items():
            if key not in COMMANDS or above:
                for index, one in enumerate(value) if isinstance(value, list) else [(None, value)]:
                    steps = (*above, key) if index is None else (*above, key, index)
                    if fault := _fault(source, command, key, one):
                        yield steps, fault


def _fault(source: Source, command: str, key: str, value: Any) -> str:
    if key in ("kubernetes", "containerd"):
        try:
            parse_releases(value) if (command, key) == ("export", "kubernetes") else as_release(value, key)
        except UsageError as error:
            return error.message
    if isinstance(value, float) and math.isnan(value):
        return "nan is no number"
    file = _file_of(key, value, command)
    if not file:
        return ""
    if file == "-":
        return "standard input and output belong on the command line"
    folder = os.path.dirname(source.path)
    if key in WRITTEN:
        # Whoever checks what others wrote has not asked them where to write.
        inside = os.path.relpath(os.path.realpath(os.path.join(folder, file)), os.path.realpath(folder or os.curdir)).replace(os.sep, "/").split("/")
        if source.found and (inside[0] == os.pardir or os.path.isabs("/".join(inside)) or ".git" in map(str.lower, inside)):
            return f"{file!r} is not in the folder of this file: a configuration that nobody named with --config writes nowhere else"
    elif not _GLOB.search(file) and not os.path.exists(os.path.join(folder, file)):
        return f"there is no file {file!r}: paths begin at the folder of this file"
    return ""


def _file_of(key: str, value: Any, command: str) -> str:
    if key in FILES or (command, key) == ("export", "output"):
        return str(value)
    return str(value).partition("=")[2] if key in WRITTEN else ""


def _resolved(key: str, value: Any, command: str, folder: str) -> Any:
    if isinstance(value, list):
        return ",".join(value) if key in JOINED else [_resolved(key, one, command, folder) for one in value]
    file = _file_of(key, value, command)
    return value if not file else value.removesuffix(file) + (os.path.join(folder, file) if file != os.curdir or not folder else folder)
