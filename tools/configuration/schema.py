"""Prints the JSON Schema of the configuration, made from the options of the commands.

    .venv/bin/python tools/configuration/schema.py > engine/hostprocess/schemas/configuration.schema.json

A new option needs a line in engine/hostprocess/configuration/keys.py only if a configuration cannot hold it, or if its value is a path.
"""

from __future__ import annotations

import json
from typing import Any

import click

from hostprocess.cli import cli
from hostprocess.cli_configuration import option_names
from hostprocess.configuration.keys import CHECK, COMMAND_LINE_ONLY, COMMANDS, JOINED, PATHS, UNSET_BY_LIST

__all__ = ["generated"]

_TEXT = {"type": "string", "minLength": 1}
_LIST = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}


def generated() -> str:
    """The text of the schema."""
    keys = {name: _keys(cli.commands[name]) for name in COMMANDS}
    tables = {
        name: {"type": "object", "additionalProperties": False, "description": f"Of `hostprocess {name}` alone.", "properties": keys[name]} for name in COMMANDS
    }
    top = {key: rules for key, rules in keys[CHECK].items() if key != PATHS}
    value = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The configuration of hostprocess in a project",
        "description": "`.hostprocess.yaml`, or the table `tool.hostprocess` of pyproject.toml: see docs/configuration.md.",
        "type": "object",
        "additionalProperties": False,
        "properties": {**top, **tables},
    }
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _keys(command: click.Command) -> dict[str, Any]:
    return {key: _rules(key, one) for key, one in option_names(command).items() if key not in COMMAND_LINE_ONLY}


def _rules(key: str, parameter: click.Parameter) -> dict[str, Any]:
    text = parameter.help if isinstance(parameter, click.Option) else "What is worked on where the command line names nothing."
    return {"description": text or f"As --{key}.", **_type(key, parameter)}


def _type(key: str, parameter: click.Parameter) -> dict[str, Any]:
    kind = parameter.type
    if parameter.multiple or parameter.nargs != 1 or key in JOINED or key in UNSET_BY_LIST:
        return _LIST
    if isinstance(parameter, click.Option) and parameter.is_flag:
        return {"type": "boolean"}
    if isinstance(kind, click.Choice):
        return {"type": "string", "enum": list(kind.choices)}
    if isinstance(kind, click.IntRange | click.FloatRange):
        bounds = {"minimum": kind.min, "maximum": kind.max}
        return {"type": "integer" if isinstance(kind, click.IntRange) else "number", **{name: bound for name, bound in bounds.items() if bound is not None}}
    return _TEXT


if __name__ == "__main__":
    print(generated(), end="")
