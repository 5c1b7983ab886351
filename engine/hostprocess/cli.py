"""The command line: parses options, calls the public API, renders. It decides nothing."""

from __future__ import annotations

import contextlib
import gc
import math
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from types import FrameType
from typing import Any, NoReturn

import click

from hostprocess import __version__
from hostprocess.cli_completion import complete_values, completion
from hostprocess.cli_configuration import configure, from_configuration
from hostprocess.cli_convert import convert
from hostprocess.cli_excepting import excepting_arguments, excepting_options, told_day
from hostprocess.cli_export import export
from hostprocess.cli_fix import fix
from hostprocess.cli_live import check_live, live_options, live_policies, opened_cluster
from hostprocess.cli_mutate import mutate
from hostprocess.cli_options import not_empty
from hostprocess.cli_outputs import chosen_outputs, unasked_outputs, write_outputs
from hostprocess.cli_test import test
from hostprocess.configuration.keys import FILE_NAME
from hostprocess.errors import HostprocessError, UsageError, place
from hostprocess.releases import as_release

__all__ = ["main"]

FINDINGS, INVALID, INTERNAL, INTERRUPTED = 1, 2, 3, 130
_FORMATS = "text, json, jsonl, sarif, junit, github, gitlab, markdown, policyreport, html"


def main() -> NoReturn:
    """Runs the command line and exits: 0 nothing found, 1 findings, 2 usage, unreadable input or invalid policy, 3 internal error, 130 Ctrl-C."""
    with contextlib.suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGTERM, _terminated)
    debug = "--debug" in sys.argv
    if sys.stdout is None:  # closed by the caller, who wants the exit code alone
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - lives as long as the process
    try:
        status = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        status = INVALID
    except HostprocessError as error:
        for one in (error, *error.others):
            _say("error", str(one))
        status = INVALID
    except (KeyboardInterrupt, click.Abort):
        _say("", "interrupted")
        status = INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away (`| head`): nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = FINDINGS
    except OSError as error:
        # Files that are named are told by whoever opens them: what is left is our own output, on a full disk.
        if debug:
            traceback.print_exc()
        _say("error", f"{error.filename or 'the output'} cannot be written: {error.strerror}")
        status = INVALID
    except Exception as error:  # the last resort: one line, and the traceback only if asked for
        if debug:
            traceback.print_exc()
        _say("internal error", f"{type(error).__name__}: {error}" + ("" if debug else "; run again with --debug, and please report it"))
        status = INTERNAL
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    sys.exit(status if isinstance(status, int) else 0)


def _terminated(number: int, frame: FrameType | None) -> NoReturn:
    """As Ctrl-C: files that are half written go, and the processes that help end."""
    sys.exit(128 + number)


def _release(context: click.Context, parameter: click.Parameter, value: str) -> str:
    return as_release(value, str(parameter.name))


def _number(context: click.Context, parameter: click.Parameter, value: float) -> float:
    if math.isnan(value):
        raise click.BadParameter("nan is no number of seconds")
    return value


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, prog_name="hostprocess")
def cli() -> None:
    """Checks Windows HostProcess pods, and evaluates ValidatingAdmissionPolicy offline."""


cli.add_command(completion)
cli.add_command(convert)
cli.add_command(export)
cli.add_command(fix)
cli.add_command(mutate)
cli.add_command(test)
_policies = click.option(
    "--policies",
    "policies",
    multiple=True,
    callback=not_empty,
    metavar="PATH",
    help="A rule pack, or ValidatingAdmissionPolicy YAML; instead of the built-in pack.",
)
_debug = click.option("--debug", is_flag=True, help="Show the traceback of an internal error.")


@cli.command()
@click.argument("paths", nargs=-1, metavar="PATH...")
@_policies
@click.option("--bundle", "bundles", multiple=True, metavar="NAME", help="Only these bundles of rules (default: all but `access`).")
@click.option("--select", "select", multiple=True, metavar="RULE", help="Only these rules; several with commas.")
@click.option("--ignore", "ignore", multiple=True, metavar="RULE", help="Not these rules; several with commas.")
@click.option("--kubernetes", default="", callback=_release, metavar="RELEASE", help="The Kubernetes release to check for (default: the newest known).")
@click.option("--containerd", default="", callback=_release, metavar="RELEASE", help="The containerd release of the nodes (default: 1.7).")
@click.option(
    "--params",
    default="",
    callback=not_empty,
    metavar="FILE",
    help="The parameter objects; of the built-in pack the ConfigMap of the bundle `access`, which that switches on.",
)
@click.option("--with-authorizer", is_flag=True, help="Also the rule that asks who may use HostProcess pods; RBAC objects come with --inventory.")
@click.option("--assume-binding", type=click.Choice(["deny", "warn", "audit"]), help="Bind the policies that have no binding.")
@click.option("--operation", type=click.Choice(["CREATE", "UPDATE", "DELETE", "CONNECT"], case_sensitive=False), default="CREATE", show_default=True)
@click.option("--old", multiple=True, metavar="PATH", help="The stored objects that an UPDATE replaces, by kind, namespace and name.")
@click.option("--subresource", default="", metavar="NAME", help="The subresource that is requested: status, ephemeralcontainers, exec …")
@click.option("--user", default="", metavar="NAME", help="Who makes the requests; without, what depends on it is unknown.")
@click.option("--group", "groups", multiple=True, metavar="NAME", help="A group of the user, besides system:authenticated.")
@click.option("--user-extra", multiple=True, metavar="KEY=VALUE", help="Something extra about the user.")
@click.option("--namespace", default="", metavar="NAME", help="The namespace of manifests that name none; with --cluster the one to check.")
@click.option("--assume-namespace-labels", multiple=True, metavar="KEY=VALUE", help="A label of all Namespaces that were not given.")
@click.option("--field-validation", type=click.Choice(["strict", "warn", "ignore"]), default="strict", show_default=True, help="For fields that do not exist.")
@click.option("--admission-plugins", default="", metavar="NAMES", help="Mutating plug-ins to imitate for Pods, with commas (default: none).")
@click.option("--raw", is_flag=True, help="Take objects as they are written: no defaults, no checks.")
@click.option("--inventory", multiple=True, metavar="PATH", help="Objects of the cluster (Namespaces, parameters, CRDs, RBAC …): looked up, not judged.")
@live_options
@excepting_options
@click.option("--output", "outputs", multiple=True, metavar="FORMAT[=FILE]", help=f"Several at once (default: text): {_FORMATS}.")
@click.option("--fail-on", type=click.Choice(["deny", "warn", "audit"]), default="deny", show_default=True, help="The weakest finding that exits with 1.")
@click.option("--show-all", is_flag=True, help="Also the rules that allow a resource, or do not apply to it.")
@click.option("--runtime", default="auto", metavar="NAME", help="The CEL runtime: `auto` (tree, or celpy where it cannot be had), `cpp`, `celpy`, `tree`.")
@click.option(
    "--expression-timeout", type=click.FloatRange(min=0.001), callback=_number, default=10.0, show_default=True, metavar="SECONDS", help="For one evaluation."
)
@click.option("--cross-check", is_flag=True, help="Evaluate on cpp and celpy; a disagreement is an error.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True)
@click.option("--quiet", "-q", is_flag=True, help="Findings and errors only: no summary, notes or progress.")
@click.option("--jobs", "-j", type=click.IntRange(min=0), default=1, show_default=True, help="Processes to work with; 0 is one for each core.")
@_debug
def check(paths: tuple[str, ...], outputs: tuple[str, ...], fail_on: str, color: str, quiet: bool, jobs: int, debug: bool, **options: Any) -> int:
    """Check manifests: files, folders, glob patterns, or - for standard input."""
    from hostprocess import api  # not needed by --help

    if not paths and not options["cluster"]:
        raise click.MissingParameter(ctx=click.get_current_context(), param_hint="'PATH...'", param_type="argument")
    targets, said = (chosen_outputs(outputs, api.reporter_names()), "") if outputs else unasked_outputs(os.environ)
    # Manifests make many objects and few cycles: the collector's default pace costs a tenth of the run.
    gc.set_threshold(100_000, 20, 100)
    cluster = opened_cluster(options, paths, api.open_cluster)
    wanted = {
        "paths": options["policies"],
        "bundles": _names(options["bundles"]),
        "select": _names(options["select"]),
        "ignore": _names(options["ignore"]),
        "kubernetes": options["kubernetes"],
        "containerd": options["containerd"],
        "with_params": bool(options["params"]),
        "with_authorizer": options["with_authorizer"],
        "assume_binding": options["assume_binding"] or "",
    }
    given = {**_given(options), **excepting_arguments(options, api.find_exceptions)}
    if given["exceptions"] and not options["exceptions"] and not quiet:
        _say("note", f"exceptions are those of {given['exceptions']}; --no-exceptions leaves them out")
    if cluster:
        report = check_live(api.check_cluster, cluster, live_policies(api.load_policies, cluster, wanted), given)
    else:
        policies = api.load_policies(**wanted)
        with _progress(paths, quiet) as progress:
            report = api.check_files(paths, policies, jobs=jobs or os.cpu_count() or 1, progress=progress, **given)
    if message := told_day(given):
        _say("note", message)
    # That a configuration is no manifest is no news.
    _say_problems(problem for problem in report.problems if not (problem.note and (quiet or os.path.basename(problem.path) == FILE_NAME)))
    if said and not quiet:
        _say("note", said)
    report = replace(report, fail_on=fail_on)
    complete = write_outputs(targets, lambda name, stream, color: api.write_report(report, stream, name, color=color, quiet=quiet), color, _say)
    if report.summary.errors or not complete:
        return INVALID
    if report.summary.resources and not report.summary.requests and not quiet:
        _say("note", f"nothing was judged: no policy is about these requests{'' if options['show_all'] else '; --show-all tells why'}")
    return FINDINGS if report.failed else 0


@cli.command()
@_policies
@click.option("--format", "form", type=click.Choice(["table", "json", "markdown"]), default="table", show_default=True)
@_debug
def rules(policies: tuple[str, ...], form: str, debug: bool) -> None:
    """List the rules."""
    from hostprocess import api, render  # not needed by --help

    pack = api.load_rules(_one(policies))
    click.echo(getattr(render, f"rules_{form}")(pack))


@cli.command()
@click.argument("rule", required=False)
@click.option("--symptom", metavar="TEXT", help="Find the rule that explains an error message of kubelet, containerd or the API server.")
@click.option("--object", "objects", multiple=True, metavar="PATH", help="Show how the rule, or a policy of --policies, comes to its decision on manifests.")
@_policies
@click.option("--kubernetes", default="", callback=_release, metavar="RELEASE", help="With --object: as of check.")
@click.option("--containerd", default="", callback=_release, metavar="RELEASE", help="With --object: as of check.")
@click.option("--params", default="", metavar="FILE", help="With --object: as of check.")
@click.option("--inventory", multiple=True, metavar="PATH", help="With --object: as of check.")
@click.option("--namespace", default="", metavar="NAME", help="With --object: as of check.")
@click.option("--user", default="", metavar="NAME", help="With --object: as of check.")
@_debug
def explain(rule: str | None, symptom: str | None, objects: tuple[str, ...], policies: tuple[str, ...], debug: bool, **given: Any) -> int:
    """Explain a rule: why, how to fix it, an example that fails and one that passes; or how it decides about a manifest."""
    from hostprocess import api, render  # not needed by --help

    if (rule is None) == (symptom is None):
        raise UsageError("give either a RULE or --symptom TEXT")
    if objects:
        return _traced(rule or "", objects, policies, given)
    if options := [f"--{name}" for name, value in given.items() if value and not from_configuration(name)]:
        raise UsageError(f"{options[0]} is for --object PATH")
    pack = api.load_rules(_one(policies))
    if rule is not None:
        click.echo(render.explanation(api.explain_rule(pack, rule)))
        return 0
    found = api.find_symptom(pack, symptom or "")
    if not found:
        raise UsageError("no rule and no advice explains this message; try a shorter, characteristic part of it")
    click.echo("\n\n".join(render.symptom(one) for one in found))
    return 0


def _traced(rule: str, objects: Sequence[str], policies: Sequence[str], given: dict[str, Any]) -> int:
    from hostprocess import api, render  # late, as above
    from hostprocess.kubernetes.location import locate
    from hostprocess.model import InputProblem

    if not rule:
        raise UsageError("--object shows how a rule decides: name the RULE")
    problems = []
    for one in api.trace_resources(rule, objects, policies, **given):
        if isinstance(one, InputProblem):
            problems.append(one)
        else:
            at = locate(one.resource.origin, ("metadata", "name"))
            click.echo(render.trace(one, place(one.resource.origin.path, at.line, 0)))
    return INVALID if _say_problems(problems) else 0


@cli.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--kubernetes", default="", callback=_release, metavar="RELEASE", help="The release that has to accept policies (default: the newest known).")
@click.option("--inventory", multiple=True, metavar="PATH", help="Objects that are known, but not judged: bindings, policies, CustomResourceDefinitions.")
@click.option("--type-checking", is_flag=True, help="Also what the cluster would write to status.typeChecking, as notes.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@_debug
def lint(paths: tuple[str, ...], kubernetes: str, inventory: tuple[str, ...], type_checking: bool, form: str, debug: bool) -> int:
    """Check rule packs and their suites (default: the built-in pack), or files with ValidatingAdmissionPolicies."""
    from hostprocess import api, render  # not needed by --help

    packs = [path for path in paths or ("",) if api.is_pack(path)]
    files = [path for path in paths if path not in packs]
    problems = [problem for path in packs for problem in api.lint_rules(path)]
    rules = sum(len(api.load_rules(path).rules) for path in packs)
    report = api.lint_policies(files, inventory=inventory, kubernetes=kubernetes, type_checking=type_checking) if files else None
    unreadable = report is not None and _say_problems(report.problems)
    click.echo(render.lint_json(rules, problems, report) if form == "json" else render.lint_text(rules, problems, report, packs=bool(packs)))
    if problems or unreadable:
        return INVALID
    return FINDINGS if report and report.failed else 0


def _say_problems(problems: Iterable[Any]) -> bool:
    """Tells what could not be read; whether there was more than notes."""
    failed = False
    for problem in problems:
        _say("note" if problem.note else "error", str(HostprocessError(problem.message, path=problem.path, line=problem.line, column=problem.column)))
        failed |= not problem.note
    return failed


_PASSED_ON = (
    *("inventory", "params", "old", "namespace", "subresource", "user", "groups", "field_validation", "raw"),
    *("runtime", "cross_check", "expression_timeout", "show_all"),
)


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """The options of `check` as arguments of `check_files`."""
    labels = [_pair("--assume-namespace-labels", text) for text in options["assume_namespace_labels"]]
    extra: dict[str, list[str]] = {}
    for key, value in [_pair("--user-extra", text) for text in options["user_extra"]]:
        extra.setdefault(key, []).append(value)
    given = {name: options[name] for name in _PASSED_ON}
    return {
        **given,
        "operation": options["operation"].upper(),
        "user_extra": extra,
        "assumed_namespace_labels": dict(labels) if labels else None,
        "admission_plugins": _names([options["admission_plugins"]]),
    }


def _pair(option: str, text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise UsageError(f"{option} {text!r}: write it as KEY=VALUE")
    return key, value


def _one(policies: Sequence[str]) -> str:
    """The one pack of a command that is about rules; a configuration may name other policies beside it."""
    from hostprocess import api  # late, as above

    if from_configuration("policies"):
        policies = [one for one in policies if api.is_pack(one)]
    if len(policies) > 1:
        raise UsageError("this command takes one --policies")
    return policies[0] if policies else ""


def _names(values: Sequence[str]) -> list[str]:
    return [name.strip() for value in values for name in value.split(",") if name.strip()]


@contextlib.contextmanager
def _progress(paths: Sequence[str], quiet: bool) -> Iterator[Callable[[int], None] | None]:
    """A progress bar on standard error, for long work at a terminal only."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from hostprocess.progress import bar  # rich is imported at a terminal only

    with bar(paths) as advance:
        yield advance


def _say(kind: str, message: str) -> None:
    from hostprocess.report.text import printable  # errors only

    text = "\n".join(map(printable, message.splitlines()))
    click.echo(f"{kind}: {text}" if kind else text, err=True)


for _command in (check, explain, export, fix, lint, mutate, rules, test):
    configure(_command)
complete_values(cli)

if __name__ == "__main__":
    main()
