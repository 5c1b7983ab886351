"""What several commands ask of their options."""

from __future__ import annotations

import os
import tempfile
from typing import Any

import click
from click.core import ParameterSource

from hostprocess.errors import UsageError

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
        handle, temporary = tempfile.mkstemp(prefix=f".{os.path.basename(file)}.", dir=os.path.dirname(file) or ".")
        with open(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, file)
    except OSError as error:
        raise UsageError(f"{option}: {file} cannot be written: {error.strerror}") from None
