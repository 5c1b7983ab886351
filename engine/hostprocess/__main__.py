"""`python -m hostprocess`, and where the command `hostprocess` starts."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

__all__ = ["main"]


def main() -> NoReturn:
    """Runs the command line. Ctrl-C while it is still being loaded ends it as later."""
    try:
        from hostprocess import cli  # a tenth of a second
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        sys.exit(130)
    cli.main()


def _leave_the_working_directory() -> None:
    """`python -m` looks for modules, and plug-ins, in the working directory first: what lies there is input, and no code."""
    here = os.getcwd()
    ours = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # a checkout that is not installed
    if sys.path and sys.path[0] in ("", here) and os.path.realpath(here) != os.path.realpath(ours):
        del sys.path[0]


if __name__ == "__main__":
    if not sys.flags.safe_path:  # Python leaves it out itself then
        _leave_the_working_directory()
    main()
