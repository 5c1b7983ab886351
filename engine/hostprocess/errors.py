"""The exception types a user can meet. All of them end as one message and exit code 2, never as a traceback.

HostprocessError
├── InputError      a manifest, inventory or parameter file cannot be read
├── PolicyError     a rule, a suite, a policy or a binding is not valid
└── UsageError      options that do not go together, an unknown name
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["HostprocessError", "InputError", "PolicyError", "UsageError", "place", "raise_all", "suggestion"]


class HostprocessError(Exception):
    """A problem to be told to the user, with its place where one is known.

    Arguments: `message` says what is wrong and what to do; `path` names the file; `line` and `column` count from 1,
    0 stands for unknown; `others` are problems that were found beside this one.
    """

    def __init__(self, message: str, *, path: str = "", line: int = 0, column: int = 0, others: tuple[HostprocessError, ...] = ()) -> None:
        super().__init__(message, path, line, column)
        self.message = message
        self.path = path
        self.line = line
        self.column = column
        self.others = others

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only arguments are lost by the default pickling, which carries errors out of worker processes.
        return (_restore, (type(self), self.message, self.path, self.line, self.column, self.others))

    def __str__(self) -> str:
        return place(self.path, self.line, self.column) + self.message


class InputError(HostprocessError):
    """A manifest, inventory or parameter file cannot be read as Kubernetes would read it."""


class PolicyError(HostprocessError):
    """A rule, suite, policy or binding is not valid."""


class UsageError(HostprocessError):
    """Options that do not go together, or a name that does not exist."""


def place(path: str, line: int, column: int) -> str:
    """The `path:line:column: ` that messages begin with; empty when no path is known."""
    if not path:
        return ""
    parts = [path]
    if line:
        parts.append(str(line))
        if column:
            parts.append(str(column))
    return ":".join(parts) + ": "


def suggestion(given: str, known: Iterable[str]) -> str:
    """The `; did you mean 'x'?` that messages about a wrong name end with; empty when no known name is close."""
    import difflib  # needed for a wrong name only

    close = difflib.get_close_matches(given, list(known), 1)
    return f"; did you mean {close[0]!r}?" if close else ""


def raise_all(errors: Sequence[HostprocessError]) -> None:
    """Raises the first of the errors, which tells of the others, if there are any."""
    if errors:
        first = errors[0]
        raise type(first)(first.message, path=first.path, line=first.line, column=first.column, others=tuple(errors[1:]))


def _restore(kind: type[HostprocessError], message: str, path: str, line: int, column: int, others: tuple[HostprocessError, ...]) -> HostprocessError:
    return kind(message, path=path, line=line, column=column, others=others)
