"""`hostprocess fix`: shows, or makes, the changes that rules propose."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from hostprocess.cli_excepting import excepting_arguments
from hostprocess.cli_options import not_empty
from hostprocess.errors import HostprocessError, InputError, UsageError
from hostprocess.releases import as_release

if TYPE_CHECKING:
    from hostprocess.fix.files import FileFix
    from hostprocess.fix.session import Told

__all__ = ["fix"]

_CHANGES, _INVALID = 1, 2
_STANDARD_INPUT = "-"
_NOTES = 20  # for each file


def _release(context: click.Context, parameter: click.Parameter, value: str) -> str:
    return as_release(value, str(parameter.name))


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--diff", "diff", is_flag=True, help="Show what would change (the default for files), and exit with 1 if anything would.")
@click.option("--write", "write", is_flag=True, help="Change the files.")
@click.option("--unsafe", is_flag=True, help="Also the fixes that may change what works.")
@click.option("--policies", "policies", multiple=True, callback=not_empty, metavar="PACK", help="A rule pack; instead of the built-in one.")
@click.option("--select", "select", multiple=True, metavar="RULE", help="Fix what only these rules find; several with commas.")
@click.option("--ignore", "ignore", multiple=True, metavar="RULE", help="Do not fix what these rules find; several with commas.")
@click.option("--kubernetes", default="", callback=_release, metavar="RELEASE", help="The Kubernetes release to check for (default: the newest known).")
@click.option("--containerd", default="", callback=_release, metavar="RELEASE", help="The containerd release of the nodes (default: 1.7).")
@click.option("--namespace", default="", metavar="NAME", help="The namespace of manifests that name none.")
@click.option("--exceptions", default="", callback=not_empty, metavar="FILE", help="As of check: what is excepted is not fixed.")
@click.option("--no-exceptions", is_flag=True, help="Look for no exceptions file.")
@click.option("--allow-exception-annotations", is_flag=True, help="As of check.")
@click.option("--quiet", "-q", is_flag=True, help="No summary and no notes.")
@click.option("--debug", is_flag=True, help="Show the traceback of an internal error.")
def fix(paths: tuple[str, ...], diff: bool, write: bool, unsafe: bool, quiet: bool, debug: bool, **options: Any) -> int:
    """Fix what can be fixed safely: files, folders, glob patterns, or - from standard input to standard output."""
    from hostprocess import api  # not needed by --help

    if diff and write:
        raise UsageError("--diff shows what --write would change: give one of them")
    if _STANDARD_INPUT in paths and len(set(paths)) > 1:
        raise UsageError("- is for itself: what comes from standard input goes to standard output")
    if files := [path for path in options["policies"] if not api.is_pack(path)]:
        raise UsageError(f"{files[0]} is no rule pack (a folder with pack.yaml), and only rules have fixes")
    policies = api.load_policies(options["policies"], kubernetes=options["kubernetes"], containerd=options["containerd"])
    excepting = excepting_arguments({**options, "expiry_notice": 0, "baseline": "", "write_baseline": False, "force": False}, api.find_exceptions)
    output = _Output(diff or _STANDARD_INPUT not in paths, write, quiet)
    given = {"select": _names(options["select"]), "ignore": _names(options["ignore"]), "namespace": options["namespace"]}
    for made in api.fix_files(paths, policies, unsafe=unsafe, **given, **excepting):
        if hasattr(made, "message"):
            output.problem(made)
        else:
            output.file(made)
    output.end()
    return output.status


def _names(values: Sequence[str]) -> list[str]:
    return [name.strip() for value in values for name in value.split(",") if name.strip()]


class _Output:
    """Takes files as they come, and tells what became of them."""

    def __init__(self, diff: bool, write: bool, quiet: bool) -> None:
        self._diff = diff
        self._write = write
        self._quiet = quiet
        self._fixed: Counter[str] = Counter()
        self._withheld: Counter[str] = Counter()
        self._files = self._remaining = 0
        self._failed = self._changes = False

    def file(self, made: FileFix) -> None:
        """A file that could be read."""
        for one in made.fixed:
            for problem in one.problems:
                self.problem(problem)
        refused = [told for one in made.fixed for told in one.refused]
        for told in () if self._quiet else refused[:_NOTES]:
            _say("note", f"{_place(told)}{told.rule} is not fixed at {told.field}: {told.reason}")
        if refused[_NOTES:] and not self._quiet:
            _say("note", f"{refused[0].path}: {len(refused) - _NOTES} more are not fixed for reasons like these")
        try:
            self._put(made)
        except InputError as error:
            self._failed = True
            _say("error", str(error))
            return
        self._files += made.changed
        self._fixed.update(told.rule for one in made.fixed for told in one.applied)
        self._withheld.update(told.rule for one in made.fixed for told in one.withheld)
        self._remaining += sum(one.remaining for one in made.fixed)

    def _put(self, made: FileFix) -> None:
        from hostprocess.fix.files import unified_diff, write_fixed  # not needed by --help

        if made.path == _STANDARD_INPUT and not self._diff:
            _bytes(made.data)
        elif made.changed and self._write:
            write_fixed(made)
        elif made.changed:
            self._changes = True
            _text(unified_diff(made))

    def problem(self, problem: Any) -> None:
        """A file, or a document, that could not be read."""
        self._failed |= not problem.note
        if not (problem.note and self._quiet):
            _say("note" if problem.note else "error", str(HostprocessError(problem.message, path=problem.path, line=problem.line, column=problem.column)))

    def end(self) -> None:
        """The summary, on standard error."""
        if self._quiet:
            return
        fixed, withheld = self._fixed.total(), self._withheld.total()
        if fixed:
            did = "would fix" if self._changes else "fixed"
            _say("", f"{did} {_count(fixed, 'place')} in {_count(self._files, 'file')}: {_listed(self._fixed)}")
        elif not self._failed:
            _say("", "nothing to fix")
        if withheld:
            _say("", f"--unsafe fixes {withheld} more, which may change what works: {_listed(self._withheld)}")
        if self._remaining:
            _say("", f"{_count(self._remaining, 'finding')} remain{'s' * (self._remaining == 1)}, see hostprocess check")

    @property
    def status(self) -> int:
        """The exit code."""
        return _INVALID if self._failed else _CHANGES if self._changes else 0


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _listed(rules: Counter[str]) -> str:
    return ", ".join(rule if count == 1 else f"{rule} ({count})" for rule, count in sorted(rules.items()))


def _place(told: Told) -> str:
    return f"{told.path}:{told.line}:{told.column}: "


def _bytes(data: bytes) -> None:
    stream = getattr(sys.stdout, "buffer", None)
    if stream is None:  # a stream of text stands in for standard output
        sys.stdout.write(data.decode("utf-8", "replace"))
    else:
        stream.write(data)


def _text(text: str) -> None:
    """Text as it is, for `patch`; at a terminal control characters are shown, not obeyed."""
    if sys.stdout.isatty():
        click.echo("".join(f"{_printable(line)}\n" for line in text.split("\n")[:-1]), nl=False)
    else:
        _bytes(text.encode("utf-8", "surrogatepass"))


def _printable(text: str) -> str:
    from hostprocess.report.text import printable  # late: errors and terminals only

    return printable(text)


def _say(kind: str, message: str) -> None:
    text = "\n".join(map(_printable, message.splitlines()))
    click.echo(f"{kind}: {text}" if kind else text, err=True)
