"""The runtime of mutants: that of the engine, but a variable can be given another expression without compiling what reads it anew."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hostprocess.cel.checker import Checked
from hostprocess.cel.environment import Environment
from hostprocess.cel.plan import Plan
from hostprocess.cel.runtime import NEWEST, CelError, CompileError
from hostprocess.cel.tree import TreeActivation, TreeProgram, TreeRuntime
from hostprocess.mutation.footprint import Path, Read, footprint

__all__ = ["MutantProgram", "MutantRuntime", "StandIn"]

Scope = tuple[frozenset[str], str, bool]


class MutantProgram(TreeProgram):
    """A program that another one may stand in for."""

    stand_in: StandIn | None = None
    reads: tuple[Read, ...] | None = None
    """All that it can depend on; None where that cannot be told."""

    def run(self, activation: TreeActivation) -> tuple[Any, int]:
        """See `TreeProgram.run`."""
        return TreeProgram.run(self, activation) if self.stand_in is None else self.stand_in.run(activation)


@dataclass(frozen=True, slots=True)
class _Made:
    """A variable that was compiled, with those that it may read."""

    name: str
    variable: Any
    program: MutantProgram
    earlier: Mapping[str, Any]
    scope: Scope


class StandIn:
    """Another expression for a variable, in one scope: compiled when it is first needed."""

    def __init__(self, runtime: MutantRuntime, made: _Made, text: str) -> None:
        self.name = made.name
        self.original = made.program
        self.scope = made.scope
        self._runtime = runtime
        self._text = text
        self._earlier = made.earlier
        self._program: MutantProgram | CompileError | None = None

    @property
    def program(self) -> MutantProgram:
        """Raises `CompileError`."""
        if self._program is None:
            try:
                self._program = self._runtime.plain(self._text, self._earlier, self.scope)
            except CompileError as error:
                self._program = error
        if isinstance(self._program, CompileError):
            raise self._program
        return self._program

    @property
    def fits(self) -> bool:
        """Whether what reads the variable is compiled the same. Raises `CompileError`."""
        return self.program.type == self.original.type

    def run(self, activation: TreeActivation) -> tuple[Any, int]:
        """See `TreeProgram.run`."""
        try:
            return self.program.run(activation)
        except CompileError as error:
            return CelError(error.text), 0


class MutantRuntime(TreeRuntime):
    """Implements `Runtime`."""

    def __init__(self, timeout: float = 10.0) -> None:
        super().__init__(timeout)
        self._made: dict[tuple[str, str], dict[int, _Made]] = {}
        self._stand_ins: dict[tuple[int, str], StandIn] = {}
        self._active: dict[tuple[str, str], str] = {}
        self._footprint: tuple[Path, ...] | None = None
        self._reads: dict[tuple[Path, int], Read] = {}

    def plain(self, expression: str, variables: Mapping[str, Any], scope: Scope) -> MutantProgram:
        """Compiles without keeping the result. Raises `CompileError`."""
        return self._program(expression, variables, scope)

    def stand_ins(self, name: str, text: str, new: str) -> list[StandIn]:
        """The expression `new` for a variable wherever it has been compiled."""
        return [self._stand_in(made, new) for made in self._made.get((name, text), {}).values()]

    def _stand_in(self, made: _Made, new: str) -> StandIn:
        key = (id(made.variable), new)
        if key not in self._stand_ins:
            self._stand_ins[key] = StandIn(self, made, new)
        return self._stand_ins[key]

    @contextlib.contextmanager
    def standing_in(self, others: Mapping[tuple[str, str], str]) -> Iterator[None]:
        """While other expressions stand in for variables: (name, expression) to the other one."""
        self._active = dict(others)
        for (name, text), new in others.items():
            for one in self.stand_ins(name, text, new):
                one.original.stand_in = one
        try:
            yield
        finally:
            for (name, text), new in others.items():
                for one in self.stand_ins(name, text, new):
                    one.original.stand_in = None
            self._active = {}

    def forget_stand_ins(self) -> None:
        """To be called after each mutant."""
        self._stand_ins.clear()

    @contextlib.contextmanager
    def forgetting(self) -> Iterator[None]:
        """What is compiled meanwhile is not kept, but for variables: those of the policies as they are must be known."""
        known = len(self._compiled)
        try:
            yield
        finally:
            while len(self._compiled) > known:
                self._compiled.popitem()

    def compile(
        self, expression: str, variables: Mapping[str, str], declared: frozenset[str], *, kubernetes: str = NEWEST, stored: bool = True
    ) -> MutantProgram:
        """See `TreeRuntime.compile`."""
        program = super().compile(expression, variables, declared, kubernetes=kubernetes, stored=stored)
        assert isinstance(program, MutantProgram)
        return program

    def _program(self, expression: str, variables: Mapping[str, Any], scope: tuple[Any, ...]) -> MutantProgram:
        program = super()._program(expression, variables, scope)
        program.__class__ = MutantProgram  # made by the runtime of the engine, which knows nothing of mutants
        assert isinstance(program, MutantProgram)
        if self._footprint is not None:
            program.reads = tuple(self._read_of(path, program.variables) for path in self._footprint)
        return program

    def _read_of(self, path: Path, variables: Mapping[str, Any]) -> Read:
        """One and the same for all programs that read it."""
        variable = variables.get(path[1]) if path[0] == "variables" else None
        key = (path, id(variable))
        if key not in self._reads:
            self._reads[key] = Read(path, variable)
        return self._reads[key]

    def _plan(self, checked: Checked, declarations: Environment) -> Plan:
        self._footprint = footprint(checked)
        return super()._plan(checked, declarations)

    def _variable(self, name: str, text: str, earlier: Mapping[str, Any], scope: tuple[Any, ...]) -> Any:
        variable = super()._variable(name, text, earlier, scope)
        made = self._made.setdefault((name, text), {})
        if id(variable) not in made and isinstance(variable.program, MutantProgram):
            declared, kubernetes, stored = scope
            one = made[id(variable)] = _Made(name, variable, variable.program, dict(earlier), (declared | {"variables"}, kubernetes, stored))
            if (name, text) in self._active:
                one.program.stand_in = self._stand_in(one, self._active[name, text])
        return variable
