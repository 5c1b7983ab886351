"""`hostprocess convert`: suites of other tools to suites of ours, on the terminal or in files."""

from __future__ import annotations

import os

import click

from hostprocess.cli_options import not_empty

__all__ = ["convert"]

_INVALID = 2
_STANDARD_OUTPUT = "-"


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--output", "-o", default="", callback=not_empty, metavar="DIR", help="Where to write; `-` is standard output (default: beside each suite).")
@click.option("--force", is_flag=True, help="Replace files that are there already.")
@click.option("--debug", is_flag=True, help="Show the traceback of an internal error.")
def convert(paths: tuple[str, ...], output: str, force: bool, debug: bool) -> int:
    """Rewrite suites of kaptest, kyverno test and gator as *.test.yaml: files, or folders (default: this one)."""
    from hostprocess import api  # not needed by --help

    found = api.convert_suites(paths or (os.curdir,), output="" if output == _STANDARD_OUTPUT else output)
    if output == _STANDARD_OUTPUT:
        click.echo("---\n".join(f"# {one.path}\n{one.text}" for one in found.files), nl=False)
    else:
        api.write_converted(found, force=force)
        for one in found.files:
            click.echo(f"{one.source} -> {one.path}" + (f" ({one.cases} case{'s' * (one.cases != 1)})" if one.cases else ""))
    for note in found.notes:
        click.echo(f"note: {note}", err=True)
    for error in found.errors:
        click.echo(f"error: {error}", err=True)
    return _INVALID if found.errors else 0
