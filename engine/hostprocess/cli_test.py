"""`hostprocess test`: options to a run of suites, and what came of it to the terminal and to files."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from hostprocess.cli_options import not_empty, write_file
from hostprocess.errors import UsageError

__all__ = ["test"]

_FAILED, _INVALID = 1, 2
_CACHE = Path(".hostprocess_cache")


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("-k", "keyword", default="", metavar="EXPRESSION", help="Only cases whose file, rule or name match: words with and, or, not, brackets.")
@click.option("-x", "--exitfirst", "exit_first", is_flag=True, help="Stop at the first failure.")
@click.option("--last-failed", "--lf", "last_failed", is_flag=True, help="Only the cases that failed last time; all if none did.")
@click.option("--jobs", "-j", type=click.IntRange(min=0), default=1, show_default=True, help="Processes to work with; 0 is one for each core.")
@click.option("-v", "--verbose", is_flag=True, help="A line for each case.")
@click.option("--junit", default="", metavar="FILE", help="Also write JUnit XML.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--policies", multiple=True, callback=not_empty, metavar="PATH", help="What judges manifests with `# expect:` comments (default: the built-in pack)."
)
@click.option("--coverage", is_flag=True, help="Also tell what of the policies the cases put to use.")
@click.option(
    "--coverage-report",
    "coverage_reports",
    multiple=True,
    metavar="FORMAT[=FILE]",
    help="Its form, more than one if given again: text (default), json (coverage.json), lcov (coverage.lcov). Implies --coverage.",
)
@click.option("--fail-under", type=click.FloatRange(0, 100), metavar="N", help="Exit code 1 if the total coverage is below N percent. Implies --coverage.")
@click.option("--debug", is_flag=True, help="Show the traceback of an internal error.")
def test(paths: tuple[str, ...], form: str, verbose: bool, junit: str, last_failed: bool, debug: bool, jobs: int, **options: Any) -> int:
    """Run test suites: files, FILE::CASE, or folders (default: this one)."""
    from hostprocess import api, cli_coverage, suite_report  # not needed by --help

    failed, fail_under = _last_failed(), options["fail_under"]
    coverage = options["coverage"] or options["coverage_reports"] or fail_under is not None
    coverage_reports = cli_coverage.read_reports(options["coverage_reports"])

    def tell(file: Any) -> None:
        for line in suite_report.progress_line(file, verbose):
            click.echo(line)

    report = api.run_suites(
        paths or (os.curdir,),
        keyword=options["keyword"],
        only=failed if last_failed and failed else None,
        exit_first=options["exit_first"],
        jobs=jobs or os.cpu_count() or 1,
        policies=options["policies"],
        tell=tell if form == "text" else None,
        coverage=bool(coverage),
    )
    _remember(failed, report)
    if junit:
        write_file("--junit", junit, suite_report.as_junit(report))
    told = cli_coverage.written(report.coverage, coverage_reports, color=_colored()) if report.coverage and report.results else []
    for file, text in told:
        if file:
            write_file("--coverage-report", file, text)
    if form == "json":
        text = suite_report.as_json(report)
        click.echo(cli_coverage.with_coverage(text, report.coverage) if report.coverage else text)
    else:
        for line in suite_report.failure_lines(report):
            click.echo(line)
        for file, text in told:
            click.echo(f"coverage is in {file}" if file else text, nl=bool(file))
        click.echo(suite_report.summary(report))
    for error in report.errors:
        click.echo(suite_report.error_line(error), err=True)
    if report.errors:
        return _INVALID
    if not report.results:
        raise UsageError(_nothing(paths, report.deselected))
    too_little = cli_coverage.too_little(report.coverage, fail_under) if report.coverage and fail_under is not None else ""
    if too_little:
        click.echo(f"error: {too_little}", err=True)
    return _FAILED if report.failures or too_little else 0


def _colored() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def _nothing(paths: tuple[str, ...], deselected: int) -> str:
    if deselected:
        return f"no case was chosen of {deselected}; see -k"
    from hostprocess.rules import built_in_folder  # for this message only

    where = ", ".join(paths) or "this folder"
    there = "no *.test.yaml, no manifest with `# expect:` comments, nothing of kaptest, kyverno test or gator"
    return f"there is no test suite in {where}: {there}; those of the built-in rules are in {built_in_folder()}"


def _last_failed() -> frozenset[str]:
    try:
        found = json.loads((_CACHE / "last-failed.json").read_text("utf-8"))
        return frozenset(found) if isinstance(found, list) else frozenset()
    except (OSError, ValueError):
        return frozenset()


def _remember(before: frozenset[str], report: Any) -> None:
    """Keeps the names of failed cases for --last-failed; of those that were not run now, the old ones. A folder that cannot be written is no matter."""
    passed = {one.id for one in report.results if one.passed}
    failed = (before - passed) | {one.id for one in report.failures}
    if failed == before:
        return
    try:
        if not _CACHE.is_dir():
            _CACHE.mkdir()
            (_CACHE / ".gitignore").write_text("*\n", "utf-8")
        (_CACHE / "last-failed.json").write_text(json.dumps(sorted(failed), indent=1), "utf-8")
    except OSError:
        return
