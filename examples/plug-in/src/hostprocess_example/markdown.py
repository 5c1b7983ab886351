"""An input: `markdown:FILE` checks the manifests in the yaml blocks of a Markdown document, each at its own line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hostprocess import InputProblem, hookimpl
from hostprocess.kubernetes.reader import Piece

PREFIX = "markdown:"


@hookimpl
def read_documents(path: str) -> Iterator[Piece | InputProblem] | None:
    """A hook takes the arguments that it needs: `spool`, `cut`, `seen` and `holding` are left out here."""
    return _blocks(path.removeprefix(PREFIX)) if path.startswith(PREFIX) else None


def _blocks(file: str) -> Iterator[Piece | InputProblem]:
    try:
        lines = Path(file).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        # A problem with input is yielded, not raised: the other inputs are still checked, and the run exits with 2.
        yield InputProblem(path=file, message=f"cannot be read: {error}")
        return
    begin = 0
    document = 0
    for number, line in enumerate(lines, 1):
        if not begin and line.strip() == "```yaml":
            begin = number + 1
        elif begin and line.strip() == "```":
            text = "".join(f"{one}\n" for one in lines[begin - 1 : number - 1])
            yield "yaml", file, document, begin, text
            begin, document = 0, document + 1
    if not document:
        yield InputProblem(path=file, message="there is no yaml block in this document")
