"""`make mutate`: all mutants of the built-in rules, and whether docs/mutation.md explains those that survive."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from hostprocess import api
from hostprocess.mutation import report as written
from hostprocess.mutation.model import Fate, FileReport, Result

REPOSITORY = Path(__file__).parent.parent
DOCUMENT = REPOSITORY / "docs" / "mutation.md"
GOAL = 95.0


def explained(text: str) -> set[tuple[str, str]]:
    """File and mutant of each line of the table of survivors."""
    table = text.partition("| file | mutant | why it survives |\n")[2]
    rows = [[cell.strip() for cell in line.strip("|\n").split(" | ")] for line in table.splitlines()[1:]]
    return {(row[0].strip("|` "), row[1].replace("\\|", "|")) for row in rows if len(row) == 3}


def loose_ends(survivors: list[Result], text: str) -> list[str]:
    """What the document says and the run does not, or the other way round."""
    found = {(os.path.relpath(one.path, REPOSITORY).replace(os.sep, "/"), one.words) for one in survivors}
    told = explained(text)
    missing = [f"{path}: {words}: survives, and {DOCUMENT.name} does not say why" for path, words in sorted(found - told)]
    return [*missing, *(f"{path}: {words}: {DOCUMENT.name} explains it, but it does not survive" for path, words in sorted(told - found))]


def main() -> int:
    """Exits with 1 if the score is too low, or the document out of date."""

    def tell(file: FileReport) -> None:
        click.echo(written.progress_line(file))

    report = api.mutate_suites([str(REPOSITORY / "policies")], jobs=os.cpu_count() or 1, tell=tell)
    for line in written.survivor_lines(report):
        click.echo(line)
    click.echo(written.summary(report))
    wrong = [*dict.fromkeys(map(str, report.errors)), *report.notes]
    if not wrong:
        wrong = loose_ends(report.of(Fate.SURVIVED), DOCUMENT.read_text("utf-8"))
    if report.score < GOAL:
        wrong.append(f"fewer than {GOAL:g} % are killed")
    for one in wrong:
        click.echo(f"error: {one}", err=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
