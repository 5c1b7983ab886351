"""`hostprocess completion`, and what shells are told of options and arguments: paths, rules, bundles, report formats."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click
from click.types import StringParamType

from hostprocess.errors import HostprocessError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["complete_values", "completion"]

_PROGRAM = "hostprocess"
_SHELLS = ("bash", "zsh", "fish")
_PATHS = {"PATH": "file", "FILE": "file", "DIR": "dir", "DIR|-": "dir"}
Values = Callable[[click.Context], Iterable[tuple[str, str]]]


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
@click.option("--debug", is_flag=True, help="Show the traceback of an internal error.")
def completion(shell: str, debug: bool) -> None:
    """Print a script that lets a shell complete commands, options, rules, bundles and paths.

    \b
    bash: eval "$(hostprocess completion bash)"         in ~/.bashrc
    zsh:  eval "$(hostprocess completion zsh)"          in ~/.zshrc, below compinit
    fish: hostprocess completion fish > ~/.config/fish/completions/hostprocess.fish
    """
    from click.shell_completion import get_completion_class  # as below: when a shell asks

    made = get_completion_class(shell)
    assert made is not None
    # The class asks bash for its version, to warn of one that is too old for the script.
    click.echo(made(click.get_current_context().find_root().command, {}, _PROGRAM, f"_{_PROGRAM.upper()}_COMPLETE").source())


def complete_values(group: click.Group) -> None:
    """Lets the options and arguments of all commands be completed, by what they are called in the help."""
    for command in group.commands.values():
        for parameter in command.params:
            if type(parameter.type) is StringParamType and (kind := _type(parameter)):
                parameter.type = kind


def _type(parameter: click.Parameter) -> StringParamType | None:
    metavar = (parameter.metavar or "").removesuffix("...")
    metavar = metavar[1:-1] if metavar.startswith("[") else metavar
    if metavar in _PATHS:
        return _Path(_PATHS[metavar])
    if metavar == "RULE" or (not metavar and parameter.name == "rule"):
        return _Value(_rules, joined=isinstance(parameter, click.Option))
    if "--bundle" in parameter.opts:
        return _Value(_bundles, joined=True)
    if metavar == "FORMAT[=FILE]" and "--output" in parameter.opts:
        return _Value(_formats)
    return None


class _Path(StringParamType):
    """A text that the shell completes as a path."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem  # when a shell asks

        return [CompletionItem(incomplete, type=self._kind)]


class _Value(StringParamType):
    """A text that is one of several; `joined` if it can be more than one, with commas."""

    def __init__(self, values: Values, joined: bool = False) -> None:
        self._values = values
        self._joined = joined

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem  # when a shell asks

        before, comma, last = incomplete.rpartition(",") if self._joined else ("", "", incomplete)
        given = before.split(",")
        try:
            return [CompletionItem(before + comma + value, help=text) for value, text in self._values(ctx) if value.startswith(last) and value not in given]
        except (HostprocessError, OSError):  # of a pack that cannot be read: the command itself tells of it
            return []


def _packs(context: click.Context) -> Iterator[Any]:
    from hostprocess import api  # of completions only

    given = context.params.get("policies") or ()
    for path in [given] if isinstance(given, str) else given or [""]:
        if api.is_pack(path):
            yield api.load_rules(path)


def _rules(context: click.Context) -> Iterator[tuple[str, str]]:
    for pack in _packs(context):
        yield from ((rule.id, rule.title) for rule in pack.rules)


def _bundles(context: click.Context) -> Iterator[tuple[str, str]]:
    for pack in _packs(context):
        yield from ((name, bundle.title) for name, bundle in pack.bundles.items())


def _formats(context: click.Context) -> Iterator[tuple[str, str]]:
    from hostprocess import api  # late, as above

    yield from ((name, "") for name in api.reporter_names())
