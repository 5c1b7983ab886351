"""`hostprocess mutate`: options to a run of mutants, and what came of it to the terminal."""

from __future__ import annotations

import os
from typing import Any

import click

from hostprocess.cli_options import not_empty
from hostprocess.errors import UsageError

__all__ = ["mutate"]

_BELOW, _INVALID = 1, 2


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("-k", "keyword", default="", metavar="EXPRESSION", help="Only mutants whose file, line, field, kind or words match, as of `hostprocess test`.")
@click.option("--fail-under", type=click.FloatRange(0, 100), default=0.0, metavar="PERCENT", help="Exit with 1 if fewer mutants are killed.")
@click.option("--jobs", "-j", type=click.IntRange(min=0), default=1, show_default=True, help="Processes to work with; 0 is one for each core.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--policies", multiple=True, callback=not_empty, metavar="PATH", help="What judges manifests with `# expect:` comments, as of `hostprocess test`."
)
@click.option("--debug", is_flag=True, help="Show the traceback of an internal error.")
def mutate(paths: tuple[str, ...], keyword: str, fail_under: float, jobs: int, form: str, policies: tuple[str, ...], debug: bool) -> int:
    """Put small faults into policies, and tell which of them their suites do not notice."""
    from hostprocess import api  # not needed by --help
    from hostprocess.mutation import report as written

    def tell(file: Any) -> None:
        click.echo(written.progress_line(file))

    report = api.mutate_suites(
        paths or (os.curdir,), keyword=keyword, jobs=jobs or os.cpu_count() or 1, policies=policies, tell=tell if form == "text" else None
    )
    if form == "json":
        click.echo(written.as_json(report))
    else:
        for line in written.survivor_lines(report):
            click.echo(line)
        click.echo(written.summary(report))
    for note in report.notes:
        click.echo(f"note: {note}", err=True)
    for error in dict.fromkeys(map(str, report.errors)):  # a pack that cannot be read is told once, not for each of its suites
        click.echo(f"error: {error}", err=True)
    if report.errors:
        return _INVALID
    if not report.results:
        where = ", ".join(paths) or "this folder"
        raise UsageError(f"no mutant of {where} matches -k" if keyword else f"there is nothing to mutate in {where}: no suite, or none of a policy in a file")
    if report.score < fail_under:
        click.echo(f"the score is below {fail_under:g} %", err=True)
        return _BELOW
    return 0
