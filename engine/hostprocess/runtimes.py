"""Which CEL runtime evaluates what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hostprocess.cel.runtime import Runtime
from hostprocess.errors import UsageError

__all__ = ["Runtimes", "choose"]

AUTO = "auto"
"""`tree`, which compiles what is evaluated and no more; `celpy` where cel-expr-python is not installed."""


@dataclass(frozen=True, slots=True)
class Runtimes:
    """`pack` for policies of packs, `foreign` for others; `exact` has the last word where one of them fails."""

    pack: Runtime
    foreign: Runtime
    exact: Runtime | None


def choose(makers: Mapping[str, Callable[[], Runtime]], name: str, *, cross_check: bool = False, timeout: float = 0) -> Runtimes:
    """The runtimes of a run: `name` forces one, and `cross_check` compares `cpp` and `celpy`; `timeout` is in seconds, 0 is the default.

    Raises `UsageError` for a runtime that does not exist or is not installed.
    """
    name = "" if name == AUTO else name
    if name and name not in makers:
        raise UsageError(f"there is no runtime {name!r}; there are {', '.join(makers)}")
    if cross_check and name:
        raise UsageError(f"--cross-check compares cpp and celpy: leave out --runtime {name}")
    if cross_check:
        from hostprocess.cel.cross import CrossCheckRuntime  # rarely wanted

        both = CrossCheckRuntime(makers["cpp"](), makers["celpy"]())
        return Runtimes(both, both, None)
    if name:
        try:
            forced = _made(makers, name, timeout)
        except ImportError as error:
            raise UsageError(f"the runtime {name!r} is not installed: {error}") from None
        return Runtimes(forced, forced, None)
    try:
        exact = _made(makers, "tree", timeout)
        return Runtimes(exact, exact, exact)
    except ImportError:
        pure = makers["celpy"]()
        return Runtimes(pure, pure, None)


def _made(makers: Mapping[str, Callable[[], Runtime]], name: str, timeout: float) -> Runtime:
    made = makers[name]()
    if timeout and name == "tree":
        from hostprocess.cel.tree import TreeRuntime  # needs cel-expr-python, which has no wheel everywhere

        if isinstance(made, TreeRuntime):
            return TreeRuntime(timeout)
    return made
