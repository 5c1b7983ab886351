"""What several commands ask of their options."""

from __future__ import annotations

import os
from typing import Any

import click
from click.core import ParameterSource

from hostprocess.errors import UsageError
from hostprocess.whole_file import replaced

__all__ = ["not_empty", "write_file"]


def not_empty(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """A callback: an empty path, as of a variable that is not set, must not pass for an option that was not given. Raises `UsageError`."""
    given = context.get_parameter_source(str(parameter.name)) is ParameterSource.COMMANDLINE
    if given and "" in ((value,) if isinstance(value, str) else value):
        raise UsageError(f"{parameter.opts[0]}: the path is empty")
    return value


def write_file(option: str, file: str, text: str) -> None:
    """A file that appears under its name only when it is whole; `option` has named it. Raises `UsageError`."""
    try:
        if os.path.exists(file) and not os.path.isfile(file):
            # A pipe or a device, as /dev/stdout: it is written to, not replaced.
            with open(file, "w", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
            return
        with replaced(file) as stream:
            stream.write(text)
    except OSError as error:
        raise UsageError(f"{option}: {file} cannot be written: {error.strerror}") from None
