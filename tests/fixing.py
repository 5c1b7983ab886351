"""What the tests of fixes share: `hostprocess fix` in this process, and a fixer of texts."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from hostprocess import api
from hostprocess.cli import INTERNAL, main
from hostprocess.fix.files import FileFix
from hostprocess.model import InputProblem


class Ran(NamedTuple):
    """How the command ended, and what it said."""

    status: int
    data: bytes
    stderr: str

    @property
    def stdout(self) -> str:
        """Standard output as text."""
        return self.data.decode()


def run(*arguments: object, stdin: bytes = b"") -> Ran:
    """`hostprocess fix` with these arguments, in the working directory."""
    raw, err = io.BytesIO(), io.StringIO()
    out = io.TextIOWrapper(raw, encoding="utf-8", newline="")
    words = ["hostprocess", "fix", *map(str, arguments)]
    given = io.TextIOWrapper(io.BytesIO(stdin))
    with mock.patch("sys.argv", words), mock.patch("sys.stdin", given), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as ended:
            status = ended.code
    out.flush()
    assert isinstance(status, int)
    assert status != INTERNAL, err.getvalue()
    return Ran(status, raw.getvalue(), err.getvalue())


@cache
def pack() -> api.PolicySet:
    """The built-in pack."""
    return api.load_policies()


def fixed(path: Path, *, unsafe: bool = False, select: Sequence[str] = (), policies: api.PolicySet | None = None) -> FileFix:
    """One file, fixed but not written."""
    (made,) = api.fix_files([str(path)], policies or pack(), unsafe=unsafe, select=select)
    assert not isinstance(made, InputProblem), made
    return made


def fix_text(folder: Path, text: str, *, unsafe: bool = False, select: Sequence[str] = ()) -> str:
    """A text, fixed."""
    path = folder / "m.yaml"
    path.write_bytes(text.encode())
    return fixed(path, unsafe=unsafe, select=select).after.text


def findings(path: Path, policies: api.PolicySet | None = None) -> set[tuple[str, str, str]]:
    """What check finds in a file: the rule, the message and the object's name."""
    report = api.check_files([str(path)], policies or pack())
    assert not report.summary.errors, report.problems
    return {(one.decision.rule, one.decision.message, one.name) for one in report.results}
