"""Both runtimes at once: a value counts only if they agree on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hostprocess.cel.runtime import NEWEST, Account, Activation, CelError, Program, Runtime

__all__ = ["CrossCheckRuntime"]


class CrossCheckRuntime:
    """Implements `Runtime` on two others. A disagreement is an error of evaluation that names both values."""

    name = "cross-check"

    def __init__(self, first: Runtime, second: Runtime) -> None:
        self._runtimes = (first, second)

    def compile(self, expression: str, variables: Mapping[str, str], declared: frozenset[str], *, kubernetes: str = NEWEST, stored: bool = True) -> Program:
        """See `Runtime.compile`. The types are those of the first runtime."""
        first, second = self._runtimes
        return _CrossProgram(
            first.compile(expression, variables, declared, kubernetes=kubernetes, stored=stored),
            second.compile(expression, variables, declared, kubernetes=kubernetes, stored=stored),
            (first.name, second.name),
            expression,
        )

    def activation(self, inputs: Mapping[str, Any]) -> Activation:
        """See `Runtime.activation`."""
        return tuple(runtime.activation(inputs) for runtime in self._runtimes)


class _CrossProgram:
    def __init__(self, first: Program, second: Program, names: tuple[str, str], expression: str) -> None:
        self._programs = (first, second)
        self._names = names
        self._expression = expression
        self.result_type = first.result_type

    def evaluate(self, activation: Activation, account: Account | None = None) -> Any:
        """The value both give, or a `CelError`."""
        first, second = (program.evaluate(part, account) for program, part in zip(self._programs, activation, strict=True))
        if isinstance(first, CelError) and isinstance(second, CelError):
            # Their texts differ by nature; what was missing must not.
            if first.missing == second.missing:
                return first
        elif type(first) is type(second) and first == second:
            return first
        return CelError(f"the runtimes disagree on {self._expression!r}: {self._names[0]} gives {_shown(first)}, {self._names[1]} gives {_shown(second)}")


def _shown(value: Any) -> str:
    return f"the error {value.message!r}" if isinstance(value, CelError) else repr(value)
