"""The options of `hostprocess check` about exceptions and baselines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click
from click.core import ParameterSource

from hostprocess.cli_options import not_empty
from hostprocess.errors import UsageError

__all__ = ["excepting_arguments", "excepting_options", "told_day"]

_NOTICE = 14
_OPTIONS = (
    click.option(
        "--exceptions",
        default="",
        callback=not_empty,
        metavar="FILE",
        help="Reviewed exceptions (default: .hostprocess-exceptions.yaml here, or in a folder above up to the root of the Git repository).",
    ),
    click.option("--no-exceptions", is_flag=True, help="Look for no exceptions file."),
    click.option("--allow-exception-annotations", is_flag=True, help="Objects may except themselves: hostprocess.policy/except.RULE: REASON."),
    click.option(
        "--expiry-notice", type=click.IntRange(min=0), default=_NOTICE, show_default=True, metavar="DAYS", help="Tell of exceptions that end so soon."
    ),
    click.option("--baseline", default="", callback=not_empty, metavar="FILE", help="Findings that were there before: only new ones count."),
    click.option("--write-baseline", is_flag=True, help="Make the baseline if there is none, else take out what is gone."),
    click.option("--force", is_flag=True, help="With --write-baseline: also add new findings."),
)


def excepting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def excepting_arguments(options: Mapping[str, Any], find: Callable[[], str]) -> dict[str, Any]:
    """The options as arguments of `check_files`; `find` looks for the exceptions file where none is named. Raises `UsageError` for a contradiction."""
    file = options["exceptions"]
    if options["no_exceptions"] and click.get_current_context().get_parameter_source("exceptions") is ParameterSource.DEFAULT_MAP:
        file = ""  # of a configuration: the command line wins
    if file and options["no_exceptions"]:
        raise UsageError("--exceptions and --no-exceptions contradict each other")
    return {
        "exceptions": file or ("" if options["no_exceptions"] else find()),
        "exception_annotations": options["allow_exception_annotations"],
        "expiry_notice": options["expiry_notice"],
        "baseline": options["baseline"],
        "write_baseline": options["write_baseline"],
        "force": options["force"],
    }


def told_day(arguments: Mapping[str, Any]) -> str:
    """What is told, quiet or not, where not the clock says what has expired; empty where it does."""
    if not arguments["exceptions"]:
        return ""
    from hostprocess.excepting import day_told  # of runs with exceptions only

    return day_told()
