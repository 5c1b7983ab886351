"""`hostprocess export`: options to `ExportOptions`, and files or a stream from what comes of it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from hostprocess import __version__
from hostprocess.cli_configuration import CONFIGURING
from hostprocess.cli_options import not_empty
from hostprocess.errors import HostprocessError, InputError, UsageError
from hostprocess.releases import as_release

__all__ = ["export"]

_DEFAULT_SET = "warn"  # of standard output, which holds one: it is seen, and stops nothing
_NOT_RECORDED = frozenset({"output", "force", "check", "debug", *CONFIGURING})


@click.command()
@click.option("--policies", default="", callback=not_empty, metavar="PATH", help="A rule pack, instead of the built-in one.")
@click.option("--bundle", "bundle", multiple=True, metavar="NAME", help="Only these bundles of rules (default: all but `access`).")
@click.option("--select", multiple=True, metavar="RULE", help="Only these rules; several with commas.")
@click.option("--ignore", multiple=True, metavar="RULE", help="Not these rules; several with commas.")
@click.option(
    "--kubernetes", default="1.30", show_default=True, metavar="RELEASE", help="The release of the cluster, or 1.30..1.34 for all from one to another."
)
@click.option("--containerd", default="1.7", show_default=True, metavar="RELEASE", help="The containerd release of the nodes.")
@click.option("--enforcement", type=click.Choice(["deny", "warn", "audit"]), help="One set of bindings (default: in a folder all three, else `warn`).")
@click.option("--workloads", type=click.Choice(["deny", "warn", "off"]), default="warn", show_default=True, help="What `deny` does to kinds that make pods.")
@click.option("--params", default=None, metavar="FILE", help="The ConfigMap of the bundle `access`, which that switches on.")
@click.option("--params-missing", type=click.Choice(["allow", "deny"]), default="allow", show_default=True, help="What happens while that is not there.")
@click.option("--deny-documented", is_flag=True, help="Deny also where only the documentation is evidence (default: warn).")
@click.option("--with-authorizer", is_flag=True, help="The rule of the bundle `access` that asks who may use HostProcess pods.")
@click.option("--exempt-namespace", multiple=True, metavar="NAME", help="A namespace that is left alone.")
@click.option("--exempt-namespace-selector", multiple=True, metavar="SELECTOR", help="Namespaces left alone, by one label: KEY=VALUE.")
@click.option("--exempt-service-account", multiple=True, metavar="NAMESPACE/NAME", help="A service account whose requests are let through.")
@click.option("--exempt-user", multiple=True, metavar="NAME", help="A user whose requests are let through.")
@click.option("--exceptions", default="", callback=not_empty, metavar="FILE", help="Reviewed exceptions; their rules become policies of their own.")
@click.option("--include-kube-system", is_flag=True, help="Deny in kube-system too (default: warn there).")
@click.option("--per-rule", is_flag=True, help="A policy for each rule, instead of one for each bundle and severity.")
@click.option("--output", default="-", show_default=True, metavar="DIR|-", help="A folder for a kustomize base with overlays, or - for standard output.")
@click.option("--force", is_flag=True, help="Replace the files of an earlier export in the folder.")
@click.option("--check", default="", metavar="DIR", help="Compare the exports in a folder with what their options give now; exit code 1 if they differ.")
@click.option("--debug", is_flag=True, help="Show the traceback of an internal error.")
@click.pass_context
def export(context: click.Context, /, output: str, force: bool, check: str, **options: Any) -> int:
    """Write the rules as ValidatingAdmissionPolicies that a cluster enforces."""
    from hostprocess.export.folder import write_files  # not needed by --help
    from hostprocess.export.layout import files_of, stream_of

    given = list(_given(context, ParameterSource.COMMANDLINE))
    if "check" in given:
        if others := [name for name in given if name not in ("check", "debug", *CONFIGURING)]:
            raise UsageError(f"--check takes the options that the export was made with: leave out --{others[0].replace('_', '-')}")
        return _check(check)
    if force and output == "-":
        raise UsageError("--force is for --output DIR")
    command = _command(context, _given(context, ParameterSource.COMMANDLINE, ParameterSource.DEFAULT_MAP))
    made = _exported(options, (options["enforcement"] or _DEFAULT_SET,) if output == "-" else ())
    if output == "-":
        click.echo(stream_of(made, options["enforcement"] or _DEFAULT_SET, __version__, command), nl=False)
    else:
        write_files(output, files_of(made, __version__, command), force=force)
        click.echo(f"{len(made.base)} objects and the bindings {', '.join(made.sets)} in {output}", err=True)
    for note in made.notes:
        click.echo(f"note: {note}", err=True)
    return 0


def _given(context: click.Context, *sources: ParameterSource) -> Iterator[str]:
    """The options that come from these, in the order of the help."""
    for parameter in context.command.params:
        name = parameter.name or ""
        if context.get_parameter_source(name) in sources:
            yield name


def _command(context: click.Context, given: Iterable[str]) -> str:
    """The command line that makes the same export again, wherever it is written to."""
    words = ["export"]
    for name in given:
        if name in _NOT_RECORDED:
            continue
        value, flag = context.params[name], f"--{name.replace('_', '-')}"
        if isinstance(value, bool):
            words += [flag] * value
        else:
            for one in value if isinstance(value, tuple) else (value,):
                if len(one.splitlines()) > 1:
                    raise UsageError(f"{flag}: a name is one line, not {one!r}")
                words += [flag, one]
    return shlex.join(words)


def _exported(options: Mapping[str, Any], sets: tuple[str, ...] = ()) -> Any:
    from hostprocess import api  # late, as above
    from hostprocess.export.exemptions import Exemptions
    from hostprocess.export.options import ExportOptions
    from hostprocess.export.releases import parse_releases

    chosen = (options["enforcement"],) if options["enforcement"] else sets
    if options["params"] == "":
        raise UsageError("--params: the name of a file is missing")
    params = None if options["params"] is None else api.read_params(options["params"])
    narrowed: dict[str, Any] = {"sets": chosen} if chosen else {}
    asked = ExportOptions(
        releases=parse_releases(options["kubernetes"]),
        containerd=as_release(options["containerd"], "containerd"),
        bundles=_names(options["bundle"]),
        select=_names(options["select"]),
        ignore=_names(options["ignore"]),
        **narrowed,
        workloads=options["workloads"],
        per_rule=options["per_rule"],
        deny_documented=options["deny_documented"],
        with_authorizer=options["with_authorizer"],
        include_kube_system=options["include_kube_system"],
        params=params,
        params_missing=options["params_missing"].capitalize(),
        exemptions=Exemptions(
            namespaces=_names(options["exempt_namespace"]),
            namespace_selectors=options["exempt_namespace_selector"],
            service_accounts=_names(options["exempt_service_account"]),
            users=options["exempt_user"],
        ),
        exceptions=options["exceptions"],
    )
    return api.export_policies(asked, options["policies"])


def _names(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(name.strip() for value in values for name in value.split(",") if name.strip())


def _check(folder: str) -> int:
    from hostprocess.export.exceptions import ExpiredExceptionError  # late, as above
    from hostprocess.export.folder import differences, find_exports
    from hostprocess.export.layout import files_of

    stale = 0
    for root, command in find_exports(folder):
        options = _options_of(root, command)
        try:
            made = _exported(options)
        except ExpiredExceptionError as error:
            click.echo(f"{root} is stale: {error}", err=True)
            stale += 1
            continue
        except HostprocessError as error:
            raise InputError(f"cannot be made again: {error}", path=str(root)) from None
        lines = list(differences(root, files_of(made, __version__, command)))
        for line in lines:
            click.echo(line)
        if lines:
            stale += 1
            click.echo(f"{root} is stale; make it again: hostprocess {command} --output {shlex.quote(str(root))} --force", err=True)
    return 1 if stale else 0


def _options_of(root: Path, command: str) -> Mapping[str, Any]:
    """The options with which an export was made."""
    try:
        name, *words = shlex.split(command)
        if name != "export" or {"-h", "--help", "--check"} & {*words}:
            raise ValueError
        return export.make_context("export", ["--no-config", *words]).params
    except ValueError:
        raise InputError("does not tell how it was made; export again", path=str(root)) from None
    except click.UsageError as error:
        raise InputError(f"was made with options that do not exist any more: {error.format_message()}", path=str(root)) from None
