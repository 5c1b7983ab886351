"""`hostprocess export`: options to `ExportOptions`, and files or a stream from what comes of it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import click

from hostprocess import __version__
from hostprocess.errors import InputError, UsageError

__all__ = ["export"]

_DEFAULT_SET = "warn"  # of standard output, which holds one: it is seen, and stops nothing
_NOT_RECORDED = frozenset({"output", "force", "check", "debug"})


@click.command()
@click.option("--policies", default="", metavar="PATH", help="A rule pack, instead of the built-in one.")
@click.option("--bundle", "bundle", multiple=True, metavar="NAME", help="Only these bundles of rules (default: all but `access`).")
@click.option("--select", multiple=True, metavar="RULE", help="Only these rules; several with commas.")
@click.option("--ignore", multiple=True, metavar="RULE", help="Not these rules; several with commas.")
@click.option(
    "--kubernetes", default="1.30", show_default=True, metavar="RELEASE", help="The release of the cluster, or 1.30..1.34 for all from one to another."
)
@click.option("--containerd", default="1.7", show_default=True, metavar="RELEASE", help="The containerd release of the nodes.")
@click.option("--enforcement", type=click.Choice(["deny", "warn", "audit"]), help="One set of bindings (default: in a folder all three, else `warn`).")
@click.option("--workloads", type=click.Choice(["deny", "warn", "off"]), default="warn", show_default=True, help="What `deny` does to kinds that make pods.")
@click.option("--params", default="", metavar="FILE", help="The ConfigMap of the bundle `access`.")
@click.option("--params-missing", type=click.Choice(["allow", "deny"]), default="allow", show_default=True, help="What happens while that is not there.")
@click.option("--deny-documented", is_flag=True, help="Deny also where only the documentation is evidence (default: warn).")
@click.option("--with-authorizer", is_flag=True, help="The rule of the bundle `access` that asks who may use HostProcess pods.")
@click.option("--exempt-namespace", multiple=True, metavar="NAME", help="A namespace that is left alone.")
@click.option("--exempt-namespace-selector", multiple=True, metavar="SELECTOR", help="Namespaces left alone, by one label: KEY=VALUE.")
@click.option("--exempt-service-account", multiple=True, metavar="NAMESPACE/NAME", help="A service account whose requests are let through.")
@click.option("--exempt-user", multiple=True, metavar="NAME", help="A user whose requests are let through.")
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

    given = [name for name, source in _sources(context) if source]
    if check:
        if others := [name for name in given if name not in ("check", "debug")]:
            raise UsageError(f"--check takes the options that the export was made with: leave out --{others[0].replace('_', '-')}")
        return _check(check)
    if force and output == "-":
        raise UsageError("--force is for --output DIR")
    made = _exported(options, (options["enforcement"] or _DEFAULT_SET,) if output == "-" else ())
    command = _command(context, given)
    if output == "-":
        click.echo(stream_of(made, options["enforcement"] or _DEFAULT_SET, __version__, command), nl=False)
    else:
        write_files(output, files_of(made, __version__, command), force=force)
        click.echo(f"{len(made.base)} objects and the bindings {', '.join(made.sets)} in {output}", err=True)
    for note in made.notes:
        click.echo(f"note: {note}", err=True)
    return 0


def _sources(context: click.Context) -> Iterator[tuple[str, bool]]:
    """The options in the order of the help, and whether each was given."""
    for parameter in context.command.params:
        name = parameter.name or ""
        yield name, context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


def _command(context: click.Context, given: Iterable[str]) -> str:
    """The command line that makes the same export again, wherever it is written to."""
    words = ["export"]
    for name in given:
        if name in _NOT_RECORDED:
            continue
        value, flag = context.params[name], f"--{name.replace('_', '-')}"
        if value is True:
            words.append(flag)
        else:
            for one in value if isinstance(value, tuple) else (value,):
                words += [flag, one]
    return shlex.join(words)


def _exported(options: Mapping[str, Any], sets: tuple[str, ...] = ()) -> Any:
    from hostprocess import api  # late, as above
    from hostprocess.export.exemptions import Exemptions
    from hostprocess.export.options import ExportOptions
    from hostprocess.export.releases import parse_releases

    chosen = (options["enforcement"],) if options["enforcement"] else sets
    params = api.read_params(options["params"]) if options["params"] else None
    asked = ExportOptions(
        releases=parse_releases(options["kubernetes"]),
        containerd=_release(options["containerd"]),
        bundles=_names(options["bundle"]),
        select=_names(options["select"]),
        ignore=_names(options["ignore"]),
        **({"sets": chosen} if chosen else {}),
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
    )
    return api.export_policies(asked, options["policies"])


def _release(text: str) -> str:
    parts = text.removeprefix("v").split(".")
    if len(parts) not in (2, 3) or not all(part.isdigit() for part in parts):
        raise UsageError(f"--containerd {text!r} is not a release; write it as 1.7")
    return ".".join(parts[:2])


def _names(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(name.strip() for value in values for name in value.split(",") if name.strip())


def _check(folder: str) -> int:
    from hostprocess.export.folder import differences, find_exports  # late, as above
    from hostprocess.export.layout import files_of

    stale = 0
    for root, command in find_exports(folder):
        _, *words = shlex.split(command)
        try:
            context = export.make_context("export", words)
        except click.UsageError as error:
            raise InputError(f"was made with options that do not exist any more: {error.format_message()}", path=str(root)) from None
        made = _exported(context.params)
        lines = list(differences(root, files_of(made, __version__, command)))
        for line in lines:
            click.echo(line)
        if lines:
            stale += 1
            click.echo(f"{root} is stale; make it again: hostprocess {command} --output {root} --force", err=True)
    return 1 if stale else 0
