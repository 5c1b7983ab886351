"""`&&` and `||`, of any number of operands: one that decides ends them, whatever the others would give.

Source: `evalAnd` and `evalOr` of github.com/google/cel-go/interpreter/interpretable.go. That the parser puts the operands of a long chain into a
balanced tree makes no difference: they are evaluated from left to right, and what is not known beats errors, the first of them the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hostprocess.cel.attributes import Frame, Path, Run, plain_keys, read_variables, runner
from hostprocess.cel.equality import NO_SUCH_OVERLOAD
from hostprocess.cel.runtime import CelError
from hostprocess.model import Unknown

__all__ = ["logical", "merged", "undecided"]


def logical(operands: Sequence[Run], decisive: bool) -> Run:
    """`&&` (False is `decisive`) or `||` (True is)."""
    neutral = not decisive
    if len(operands) == 1:
        return operands[0]
    if len(operands) == 2:
        left, right = operands

        def both(frame: Frame) -> Any:
            first = left(frame)
            if first is decisive:
                return decisive
            second = right(frame)
            if second is decisive:
                return decisive
            return neutral if first is neutral and second is neutral else undecided(first, second)

        return both

    def several(frame: Frame) -> Any:
        rest = iter(operands)
        for operand in rest:
            value = operand(frame)
            if value is neutral:
                continue
            if value is decisive:
                return decisive
            value = undecided(neutral, value)
            for other in rest:
                second = other(frame)
                if second is decisive:
                    return decisive
                value = undecided(value, second)
            return value
        return neutral

    return several


def undecided(first: Any, second: Any) -> Any:
    """What `&&` and `||` give where neither operand decides and not both are bools."""
    for value in (first, second):
        if isinstance(value, Unknown):
            return value
    failed = second if isinstance(first, bool) else first
    return failed if isinstance(failed, CelError) else NO_SUCH_OVERLOAD


def merged(operands: Sequence[tuple[Run, Path | None]]) -> list[Run]:
    """The operands of `&&`, those in a row that are `has()` of longer and longer paths in one; the path is given where an operand is a `has()` of it."""
    runs: list[Run] = []
    chain: list[Path] = []
    for run, path in operands:
        if path is not None and _goes_on(chain, path):
            chain.append(path)
        else:
            chain = [path] if path is not None and _goes_on([], path) else []
        if len(chain) > 1:
            runs[-1] = _presence(chain)
        else:
            runs.append(run)
    return runs


def _goes_on(chain: Sequence[Path], path: Path) -> bool:
    keys = plain_keys(path)
    if keys is None or len(keys) != len(chain) + 1 or path.base is read_variables:
        return False
    return not chain or (path.base is chain[-1].base and keys[:-1] == plain_keys(chain[-1]))


def _presence(paths: Sequence[Path]) -> Run:
    """`has(a.b) && has(a.b.c) && …` as one way down the path, at the same cost."""
    base, place, keys = paths[0].base, paths[0].place, plain_keys(paths[-1]) or ()
    steps = [(key, length * (length + 1) // 2) for length, key in enumerate(keys, 1)]  # with what all up to it cost
    general = logical([runner(path, tests=True) for path in paths], False)

    def run(frame: Frame) -> Any:
        value = base(frame) if place is None else frame[place]
        for key, cost in steps:
            if value.__class__ is not dict:
                return general(frame)
            if key not in value:
                frame[0] += cost
                return False
            value = value[key]
        frame[0] += steps[-1][1]
        return True

    return run
