"""The command line: parses options, calls the public API, renders. It decides nothing."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NoReturn, TextIO

import click

from hostprocess import __version__
from hostprocess.cel.runtime import NEWEST
from hostprocess.cli_export import export
from hostprocess.errors import HostprocessError, UsageError

__all__ = ["main"]

FINDINGS, INVALID, INTERNAL, INTERRUPTED = 1, 2, 3, 130
_FAIL_ON = {"deny": ("Deny",), "warn": ("Deny", "Warn"), "audit": ("Deny", "Warn", "Audit")}


def main() -> NoReturn:
    """Runs the command line and exits: 0 nothing found, 1 findings, 2 usage, unreadable input or invalid policy, 3 internal error, 130 Ctrl-C."""
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


def _release(context: click.Context, parameter: click.Parameter, value: str) -> str:
    number = value.removeprefix("v")
    parts = number.split(".")
    if value and not (len(parts) in (2, 3) and all(part.isdigit() for part in parts)):
        raise click.BadParameter(f"{value!r} is not a release; write it as 1.30")
    if value and parameter.name == "kubernetes" and tuple(map(int, parts[:2])) > tuple(map(int, NEWEST.split("."))):
        raise click.BadParameter(f"{value} is newer than {NEWEST}, the newest release that hostprocess {__version__} knows; use {NEWEST}")
    return ".".join(parts[:2])


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, prog_name="hostprocess")
def cli() -> None:
    """Checks Windows HostProcess pods, and evaluates ValidatingAdmissionPolicy offline."""


cli.add_command(export)
_policies = click.option(
    "--policies", "policies", multiple=True, metavar="PATH", help="A rule pack, or ValidatingAdmissionPolicy YAML; instead of the built-in pack."
)
_debug = click.option("--debug", is_flag=True, help="Show the traceback of an internal error.")


@cli.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@_policies
@click.option("--bundle", "bundles", multiple=True, metavar="NAME", help="Only these bundles of rules (default: all but `access`).")
@click.option("--select", "select", multiple=True, metavar="RULE", help="Only these rules; several with commas.")
@click.option("--ignore", "ignore", multiple=True, metavar="RULE", help="Not these rules; several with commas.")
@click.option("--kubernetes", default="", callback=_release, metavar="RELEASE", help="The Kubernetes release to check for (default: the newest known).")
@click.option("--containerd", default="", callback=_release, metavar="RELEASE", help="The containerd release of the nodes (default: 1.7).")
@click.option(
    "--params", default="", metavar="FILE", help="The parameter objects; of the built-in pack the ConfigMap of the bundle `access`, which that switches on."
)
@click.option("--assume-binding", type=click.Choice(["deny", "warn", "audit"]), help="Bind the policies that have no binding.")
@click.option("--operation", type=click.Choice(["CREATE", "UPDATE", "DELETE", "CONNECT"], case_sensitive=False), default="CREATE", show_default=True)
@click.option("--old", multiple=True, metavar="PATH", help="The stored objects that an UPDATE replaces, by kind, namespace and name.")
@click.option("--subresource", default="", metavar="NAME", help="The subresource that is requested: status, ephemeralcontainers, exec …")
@click.option("--user", default="", metavar="NAME", help="Who makes the requests; without, what depends on it is unknown.")
@click.option("--group", "groups", multiple=True, metavar="NAME", help="A group of the user, besides system:authenticated.")
@click.option("--user-extra", multiple=True, metavar="KEY=VALUE", help="Something extra about the user.")
@click.option("--namespace", default="", metavar="NAME", help="The namespace of manifests that name none.")
@click.option("--assume-namespace-labels", multiple=True, metavar="KEY=VALUE", help="A label of all Namespaces that were not given.")
@click.option("--field-validation", type=click.Choice(["strict", "warn", "ignore"]), default="strict", show_default=True, help="For fields that do not exist.")
@click.option("--admission-plugins", default="", metavar="NAMES", help="Mutating plug-ins to imitate for Pods, with commas (default: none).")
@click.option("--raw", is_flag=True, help="Take objects as they are written: no defaults, no checks.")
@click.option("--inventory", multiple=True, metavar="PATH", help="Objects of the cluster (Namespaces, parameters, CRDs, RBAC …): looked up, not judged.")
@click.option("--output", "outputs", multiple=True, metavar="FORMAT[=FILE]", help="`text` or `json`; several at once (default: text).")
@click.option("--fail-on", type=click.Choice(list(_FAIL_ON)), default="deny", show_default=True, help="The weakest finding that exits with 1.")
@click.option("--show-all", is_flag=True, help="Also the rules that allow a resource, or do not apply to it.")
@click.option("--runtime", default="auto", metavar="NAME", help="The CEL runtime: `auto` (tree, or celpy where it cannot be had), `cpp`, `celpy`, `tree`.")
@click.option("--expression-timeout", type=click.FloatRange(min=0.001), default=10.0, show_default=True, metavar="SECONDS", help="For one evaluation.")
@click.option("--cross-check", is_flag=True, help="Evaluate on cpp and celpy; a disagreement is an error.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True)
@click.option("--quiet", "-q", is_flag=True, help="Findings and errors only: no summary, notes or progress.")
@click.option("--jobs", "-j", type=click.IntRange(min=0), default=1, show_default=True, help="Processes to work with; 0 is one for each core.")
@_debug
def check(paths: tuple[str, ...], outputs: tuple[str, ...], fail_on: str, color: str, quiet: bool, jobs: int, debug: bool, **options: Any) -> int:
    """Check manifests: files, folders, glob patterns, or - for standard input."""
    from hostprocess import api  # not needed by --help

    targets = [_output(text) for text in outputs or ("text",)]
    _check_outputs(targets, api.reporter_names())
    # Manifests make many objects and few cycles: the collector's default pace costs a tenth of the run.
    gc.set_threshold(100_000, 20, 100)
    policies = api.load_policies(
        options["policies"],
        bundles=_names(options["bundles"]),
        select=_names(options["select"]),
        ignore=_names(options["ignore"]),
        kubernetes=options["kubernetes"],
        containerd=options["containerd"],
        with_params=bool(options["params"]),
        assume_binding=options["assume_binding"] or "",
    )
    given = _given(options)
    with _progress(paths, quiet) as progress:
        report = api.check_files(paths, policies, jobs=jobs or os.cpu_count() or 1, progress=progress, **given)
    _say_problems(problem for problem in report.problems if not (problem.note and quiet))
    for name, file in targets:
        with _target(file) as stream:
            api.write_report(report, stream, name, color=_colored(color, stream, file), quiet=quiet)
    if report.summary.errors:
        return INVALID
    if report.summary.resources and not report.summary.requests and not quiet:
        _say("note", f"nothing was judged: no policy is about these requests{'' if options['show_all'] else '; --show-all tells why'}")
    return FINDINGS if any(report.summary.actions.get(action) for action in _FAIL_ON[fail_on]) else 0


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
@_policies
@_debug
def explain(rule: str | None, symptom: str | None, policies: tuple[str, ...], debug: bool) -> None:
    """Explain a rule: why, how to fix it, an example that fails and one that passes."""
    from hostprocess import api, render  # not needed by --help

    if (rule is None) == (symptom is None):
        raise UsageError("give either a RULE or --symptom TEXT")
    pack = api.load_rules(_one(policies))
    if rule is not None:
        click.echo(render.explanation(api.explain_rule(pack, rule)))
        return
    found = api.find_symptom(pack, symptom or "")
    if not found:
        raise UsageError("no rule and no advice explains this message; try a shorter, characteristic part of it")
    click.echo("\n\n".join(render.symptom(one) for one in found))


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
    if len(policies) > 1:
        raise UsageError("this command takes one --policies")
    return policies[0] if policies else ""


def _names(values: Sequence[str]) -> list[str]:
    return [name.strip() for value in values for name in value.split(",") if name.strip()]


def _output(text: str) -> tuple[str, str]:
    name, _, file = text.partition("=")
    if "=" in text and not file:
        raise UsageError(f"--output {text!r}: a file name is missing behind the `=`")
    return name, file


def _check_outputs(targets: list[tuple[str, str]], known: list[str]) -> None:
    for name, _ in targets:
        if name not in known:
            raise UsageError(f"--output: there is no format {name!r}; there are {', '.join(known)}")
    files = [file for _, file in targets]
    for file in files:
        if files.count(file) > 1:
            raise UsageError(f"--output: two formats cannot go to {file or 'standard output'}; write one to a file: FORMAT=FILE")


@contextlib.contextmanager
def _target(file: str) -> Iterator[TextIO]:
    """Standard output, or a file that appears under its name only when it is whole."""
    if not file:
        with contextlib.suppress(AttributeError):
            sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        yield sys.stdout
        return
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{os.path.basename(file)}.", dir=os.path.dirname(file) or ".")
    except OSError as error:
        raise UsageError(f"--output: {file} cannot be written: {error.strerror}") from None
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as stream:
            yield stream
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, file)
    except OSError as error:
        raise UsageError(f"--output: {file} cannot be written: {error.strerror}") from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def _colored(color: str, stream: TextIO, file: str) -> bool:
    if color == "auto":
        return not file and stream.isatty() and "NO_COLOR" not in os.environ
    return color == "always"


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


if __name__ == "__main__":
    main()
