"""`--config`, `--no-config`, `--show-config`, and options that a configuration file gives instead of the command line."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import click
from click.core import ParameterSource

from hostprocess.cli_options import not_empty
from hostprocess.configuration.keys import COMMAND_LINE_ONLY, PATHS
from hostprocess.errors import HostprocessError, UsageError

__all__ = ["CONFIGURING", "configure", "from_configuration", "option_names"]

CONFIGURING = frozenset({"config", "no_config", "show_config"})
"""The parameters that this module adds."""
_META = "hostprocess.configuration"
_NAMING = ("select", "ignore", "bundle", "runtime", "admission-plugins")  # their errors name the value, not the option


def configure(command: click.Command) -> None:
    """Lets a command take options from a configuration. Flags that it can set can be unset on the command line."""
    needed: click.Argument | None = None
    for parameter in command.params:
        name = _long_name(parameter)
        if isinstance(parameter, click.Option) and parameter.is_flag and name not in COMMAND_LINE_ONLY:
            parameter.secondary_opts.append(f"--no-{name}")
        if isinstance(parameter, click.Argument) and parameter.required and name == PATHS:
            parameter.required = False  # a configuration may name them; whether it does is seen later
            needed = parameter
    command.params[-1:-1] = [
        click.Option(
            ["--config"],
            default="",
            metavar="FILE",
            is_eager=True,
            expose_value=False,
            callback=_asked,
            help="The configuration (default: pyproject.toml or .hostprocess.yaml here, or in a folder above up to the root of the Git repository).",
        ),
        click.Option(["--no-config", "--isolated"], is_flag=True, is_eager=True, expose_value=False, callback=_asked, help="Take no configuration."),
        click.Option(["--show-config"], is_flag=True, expose_value=False, callback=_asked, help="Show all options and where they come from, and do nothing."),
    ]
    assert command.callback is not None
    command.callback = _configured(command.callback, needed)


def from_configuration(name: str) -> bool:
    """Whether a parameter of the running command has its value from a configuration."""
    return click.get_current_context().get_parameter_source(name) is ParameterSource.DEFAULT_MAP


def option_names(command: click.Command) -> dict[str, click.Parameter]:
    """The parameters of a command by the keys that they have in a configuration."""
    return {name: one for one in command.params if (name := _long_name(one)) and one.name not in CONFIGURING and not getattr(one, "is_eager", False)}


def _long_name(parameter: click.Parameter) -> str:
    if isinstance(parameter, click.Argument):
        return PATHS if parameter.name == PATHS else ""
    return next((one.removeprefix("--") for one in parameter.opts if one.startswith("--")), str(parameter.name).replace("_", "-"))


def _asked(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """A callback: when both of the eager options are known, the others get what the configuration says."""
    asked = context.meta.setdefault(_META, {})
    asked[parameter.name] = value if isinstance(value, bool) else not_empty(context, parameter, value)
    if parameter.name != "show_config" and {"config", "no_config"} <= asked.keys():
        if asked["config"] and asked["no_config"]:
            raise UsageError("--config and --no-config contradict each other")
        if not asked["no_config"]:
            _apply(context, asked)
    return value


def _apply(context: click.Context, asked: dict[str, Any]) -> None:
    from hostprocess.configuration.find import find_source, named_source  # after --help

    source = named_source(asked["config"]) if asked["config"] else find_source()
    if source is None:
        return
    from hostprocess.configuration.load import checked_configuration  # where there is one only

    configuration = checked_configuration(source)
    names, given = option_names(context.command), {}
    settings = configuration.settings(str(context.command.name), names)
    for key, setting in settings.items():
        value, one = setting.value, names[key]
        if isinstance(value, list) and not one.multiple and one.nargs == 1:
            if len(value) > 1:
                message = f"{key}: `hostprocess {context.command.name}` takes one of these; name it in its own table"
                raise UsageError(message, path=configuration.path, line=setting.line, column=setting.column)
            value = value[0] if value else None
        elif isinstance(value, str) and (one.multiple or one.nargs != 1):
            value = [value]
        if value is not None:
            given[str(one.name)] = value
    context.default_map = {**(context.default_map or {}), **given}
    asked.update(path=configuration.path, settings=settings)


def _configured(function: Callable[..., Any], needed: click.Argument | None) -> Callable[..., Any]:
    @functools.wraps(function)
    def run(*arguments: Any, **options: Any) -> Any:
        context = click.get_current_context()
        asked = context.meta.get(_META, {})
        if asked.get("show_config"):
            from hostprocess.report.text import printable  # of this option only

            click.echo("\n".join(map(printable, _shown(context, asked))))
            return 0
        if needed and not context.params[PATHS]:
            raise click.MissingParameter(ctx=context, param=needed)
        used = {key: one for key, one in asked.get("settings", {}).items() if _source(context, key) is ParameterSource.DEFAULT_MAP}
        if not used:
            return function(*arguments, **options)
        if options.get("quiet") is False:
            click.echo(f"note: options come from {asked['path']} too: {', '.join(used)}; --no-config leaves them out", err=True)
        try:
            return function(*arguments, **options)
        except UsageError as error:
            raise _placed(error, asked["path"], used) from None

    return run


def _source(context: click.Context, key: str) -> ParameterSource | None:
    return context.get_parameter_source(str(option_names(context.command)[key].name))


def _placed(error: HostprocessError, path: str, used: Mapping[str, Any]) -> HostprocessError:
    """An error about options, at the line of the configuration that gave the option it names, if one did."""
    if error.path:
        return error
    at = next((one for key, one in used.items() if f"--{key}" in error.message), None) or next(
        (used[key] for key in _NAMING if key in used and _names(error, used[key].value)), None
    )
    if at:
        return type(error)(error.message, path=path, line=at.line, column=at.column, others=error.others)
    return type(error)(f"{error.message} (options come from {path} too: {', '.join(used)})", others=error.others)


def _names(error: HostprocessError, value: Any) -> bool:
    texts = [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]
    return any(repr(part.strip()) in error.message for text in texts for part in text.split(","))


def _shown(context: click.Context, asked: Mapping[str, Any]) -> Iterator[str]:
    """All options as TOML, each with where it comes from."""
    path, settings = asked.get("path", ""), asked.get("settings", {})
    yield f"# hostprocess {context.command.name}: {f'the configuration is {path}' if path else 'no configuration'}; paths begin at the working directory"
    rows = []
    for key, one in option_names(context.command).items():
        source = context.get_parameter_source(str(one.name))
        value = context.params.get(str(one.name))
        if source is ParameterSource.COMMANDLINE:
            rows.append((_line(key, value), "command line"))
        elif source is ParameterSource.DEFAULT_MAP:
            rows.append((_line(key, value), f"{path}:{settings[key].line}"))
        elif key not in COMMAND_LINE_ONLY:
            unset = value is None or value == "" or value == ()
            rows.append((f"# {key} is not set" if unset else _line(key, value), "" if unset else "default"))
    width = min(max(len(text) for text, _ in rows), 60)
    for text, origin in rows:
        yield f"{text:{width}}  # {origin}" if origin else text


def _line(key: str, value: Any) -> str:
    return f"{key} = {json.dumps(value, ensure_ascii=False)}"
