"""Where reports go: `--output`, what CI services get unasked, and files that appear under their name only when they are whole."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

from hostprocess.errors import UsageError, suggestion
from hostprocess.whole_file import replaced

__all__ = ["Output", "chosen_outputs", "unasked_outputs", "write_outputs"]

_SUMMARY = "GITHUB_STEP_SUMMARY"
_CODE_QUALITY = "gl-code-quality-report.json"
_TOGETHER = {"text", "github"}  # commands are lines of a log among others


@dataclass(frozen=True, slots=True)
class Output:
    """A report format and its file, empty for standard output."""

    format: str
    file: str = ""
    asked: bool = True


def chosen_outputs(texts: Sequence[str], known: Sequence[str]) -> list[Output]:
    """What `--output FORMAT[=FILE]` says. Raises `UsageError` for formats that do not exist and for two that would go to one place."""
    outputs = [_output(text) for text in texts]
    for one in outputs:
        if one.format not in known:
            raise UsageError(f"--output: there is no format {one.format!r}; there are {', '.join(known)}{suggestion(one.format, known)}")
    places: dict[str, list[str]] = {}
    for one in outputs:
        places.setdefault(os.path.realpath(one.file) if one.file else "", []).append(one.format)
    for file, formats in places.items():
        if len(formats) > 1 and (file or sorted(formats) != sorted(_TOGETHER)):
            raise UsageError(f"--output: two formats cannot go to {file or 'standard output'}; write one to a file: FORMAT=FILE")
    return outputs


def _output(text: str) -> Output:
    name, _, file = text.partition("=")
    if "=" in text and not file:
        raise UsageError(f"--output {text!r}: a file name is missing behind the `=`")
    return Output(name, file)


def unasked_outputs(environment: Mapping[str, str]) -> tuple[list[Output], str]:
    """The outputs of a run that is not told any, which depend on the CI service it runs in, and what to say about them."""
    outputs, said = [Output("text")], ""
    if environment.get("GITHUB_ACTIONS") == "true":
        outputs.append(Output("github", asked=False))
        summary = environment.get(_SUMMARY, "")
        if summary:
            outputs.append(Output("markdown", summary, asked=False))
        said = f"GITHUB_ACTIONS is set: findings are annotated{' and in the job summary' if summary else ''}, as of --output github; choose with --output"
    elif environment.get("GITLAB_CI") == "true":
        outputs.append(Output("gitlab", _CODE_QUALITY, asked=False))
        said = f"GITLAB_CI is set: findings are in {_CODE_QUALITY} too, as of --output gitlab; choose with --output"
    return outputs, said


def write_outputs(outputs: Iterable[Output], write: Callable[[str, TextIO, bool], None], color: str, tell: Callable[[str, str], None]) -> bool:
    """Writes reports, files first: that the reader of standard output goes away costs none of them. False if a file that was asked for is missing.

    `write` is told a format, the stream and whether to colour; `tell` a kind of message and the message.
    """
    complete, faults = True, list[Exception]()
    for one in sorted(outputs, key=lambda one: not one.file):
        try:
            with _target(one.file) as stream:
                write(one.format, stream, _colored(color, stream, one.file))
        except _UnwritableError as error:
            tell("error" if one.asked else "note", f"--output: {one.file} cannot be written: {error}")
            complete &= not one.asked
        except OSError:
            raise
        except Exception as error:  # a fault of one format
            faults.append(error)
    if faults:
        raise faults[0]
    return complete


class _UnwritableError(Exception):
    """A file cannot be written; the text says why."""


@contextlib.contextmanager
def _target(file: str) -> Iterator[TextIO]:
    if not file:
        with contextlib.suppress(AttributeError):
            sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        yield sys.stdout
        return
    try:
        with _appended(file) if _is_shared(file) else replaced(os.path.realpath(file)) as stream:
            yield stream
    except OSError as error:
        raise _UnwritableError(error.strerror or str(error)) from None


def _is_shared(file: str) -> bool:
    """Whether a file must not be replaced: a device, a pipe, the job summary that other commands of the step write to as well."""
    if file == os.environ.get(_SUMMARY):
        return True
    try:
        return not stat.S_ISREG(os.stat(file).st_mode)
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def _appended(file: str) -> Iterator[TextIO]:
    with open(file, "a", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
        yield stream


def _colored(color: str, stream: TextIO, file: str) -> bool:
    if color == "auto":
        return not file and stream.isatty() and "NO_COLOR" not in os.environ
    return color == "always"
