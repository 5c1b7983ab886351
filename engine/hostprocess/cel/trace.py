"""An expression with the value of each part of it, for those who ask how its value came about. Plain evaluation knows nothing of this."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hostprocess.cel.attributes import Frame, Run
from hostprocess.cel.checker import Checked
from hostprocess.cel.environment import Environment
from hostprocess.cel.environment import environment as environment_of
from hostprocess.cel.extents import Extents
from hostprocess.cel.frontend import parse
from hostprocess.cel.nodes import Call, Comprehension, Const, Ident, ListLiteral, Node, Select, children
from hostprocess.cel.plan import Plan, Planner, Step, quantified
from hostprocess.cel.runtime import NEWEST, CelError
from hostprocess.cel.tree import TreeActivation, TreeRuntime
from hostprocess.cel.values import ABSENT

__all__ = ["NOT_EVALUATED", "Round", "Traced", "Tracer"]

NOT_EVALUATED: Final = ABSENT
"""The value of a part that was not evaluated, as another part had decided."""
_LOGICAL = ("_&&_", "_||_")
_MAX_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Round:
    """One element that `all`, `exists` or the like went over: the names of its variables with their values, and what came of it."""

    variables: Mapping[str, Any]
    body: Traced


@dataclass(frozen=True, slots=True)
class Traced:
    """A part of an expression: its text, its value, the parts below it that say something, and the elements it went over that decided."""

    text: str
    value: Any
    parts: tuple[Traced, ...] = ()
    rounds: tuple[Round, ...] = ()


@dataclass(slots=True)
class _Scope:
    """The values of nodes by id: of a whole expression, or of one round of a comprehension."""

    values: dict[int, Any] = field(default_factory=dict)
    rounds: dict[int, list[tuple[dict[str, Any], _Scope]]] = field(default_factory=dict)


class _Recorder:
    def __init__(self) -> None:
        self.scope = _Scope()

    def node(self, identity: int, run: Run) -> Run:
        """The same, and its value is kept."""

        def recorded(frame: Frame) -> Any:
            value = run(frame)
            self.scope.values[identity] = value
            return value

        return recorded

    def round(self, identity: int, variables: Mapping[str, Run], run: Run) -> Run:
        """The same, in a scope of its own."""

        def recorded(frame: Frame) -> Any:
            outer, mine = self.scope, _Scope()
            read = {name: variable(frame) for name, variable in variables.items()}
            outer.rounds.setdefault(identity, []).append((read, mine))
            self.scope = mine
            try:
                return run(frame)
            finally:
                self.scope = outer

        return recorded


@dataclass(slots=True)
class _Recorded(Step):
    """A step that records what it gives; qualifiers that are put on it belong to another one."""

    around: Callable[[Run], Run] = field(default=lambda run: run)
    recorded: Run | None = None

    def runner(self) -> Run:
        """See `Step.runner`."""
        if self.recorded is None:
            self.recorded = self.around(Step.runner(self))
        return self.recorded


class _RecordingPlanner(Planner):
    merges_logic = False

    def __init__(self, checked: Checked, environment: Environment, recorder: _Recorder) -> None:
        super().__init__(checked, environment)
        self._recorder = recorder
        self._bodies: dict[int, Comprehension] = {}

    def step(self, node: Node) -> Step:
        """See `Planner.step`."""
        if isinstance(node, Comprehension):
            # Of `all` and `exists` with one variable the planner plans the predicate alone.
            alone = isinstance(node.step, Call) and quantified(node) is not None and not node.iter_var2
            body = node.step.arguments[1] if alone and isinstance(node.step, Call) else node.step
            self._bodies[body.id] = node
        planned = Planner.step(self, node)
        if planned.constant is not None and node.id not in self._bodies:
            return planned
        return _Recorded(planned.run, planned.attribute, planned.constant, planned.tests, around=self._around(node))

    def _around(self, node: Node) -> Callable[[Run], Run]:
        recorder, owner = self._recorder, self._bodies.get(node.id)
        if owner is None:
            return lambda run: recorder.node(node.id, run)
        locals_ = {name: self._locals[name] for name in (owner.iter_var, owner.iter_var2) if name and not name.startswith("@")}
        return lambda run: recorder.round(owner.id, locals_, recorder.node(node.id, run))


class Tracer(TreeRuntime):
    """A runtime whose programs say how they came to a value."""

    def __init__(self, timeout: float = 10.0) -> None:
        super().__init__(timeout)
        self._recorder: _Recorder | None = None

    def trace(self, expression: str, variables: Mapping[str, str], declared: frozenset[str], activation: TreeActivation, *, kubernetes: str = NEWEST) -> Traced:
        """Evaluates an expression; arguments as of `compile`. Raises `CompileError`."""
        scope = (declared | {"variables"} if variables else declared, kubernetes, True)
        found = self._read(expression, variables, scope)
        self._recorder = recorder = _Recorder()
        try:
            program = self._program(expression, found, scope)
        finally:
            self._recorder = None
        value = program.evaluate(activation)
        root, positions = parse(expression, environment_of(kubernetes, True))
        whole = _Tree(expression, Extents(expression, positions)).traced(root, recorder.scope)
        return Traced(_line(expression), value, whole.parts, whole.rounds)

    def _plan(self, checked: Checked, declarations: Environment) -> Plan:
        if self._recorder is None:
            return super()._plan(checked, declarations)
        planner = _RecordingPlanner(checked, declarations, self._recorder)
        run = planner.step(checked.root).runner()
        return Plan(run, planner.size, planner.reads_variables)


class _Tree:
    """Makes what was recorded of one expression into parts."""

    def __init__(self, expression: str, extents: Extents) -> None:
        self._expression = expression
        self._extents = extents

    def traced(self, node: Node, scope: _Scope) -> Traced:
        """A node with what is below it."""
        extent = self._extents.of(node)
        text = _line(self._expression[slice(*extent)]) if extent else ""
        value = scope.values.get(node.id, node.value if isinstance(node, Const) else NOT_EVALUATED)
        rounds = tuple(self._rounds(node, scope)) if isinstance(node, Comprehension) else ()
        return Traced(text, value, tuple(self._parts(node, scope)), rounds)

    def _parts(self, node: Node, scope: _Scope) -> Iterator[Traced]:
        below = list(self._below(node))
        if isinstance(node, Call) and node.function == "_?_:_" and self._extents.of(node):
            condition, first, second = node.arguments
            below = [condition] if condition in below else []
            holds = condition.value if isinstance(condition, Const) else scope.values.get(condition.id)
            chosen = first if holds is True else second
            # A branch that is a field is not evaluated by itself: its value is that of the whole.
            below += [chosen] if self._extents.of(chosen) else self._below(chosen)
        for child in below:
            if child.id in scope.values or (isinstance(node, Call) and node.function in _LOGICAL):
                yield self.traced(child, scope)

    def _below(self, node: Node) -> Iterator[Node]:
        """The nearest parts that somebody has written and that say more than their text: operands of a chain of && or || stand side by side."""
        if isinstance(node, Comprehension):
            below: tuple[Node, ...] = (node.iter_range,)
        elif isinstance(node, Select) and not node.test_only:
            operand: Node = node
            while isinstance(operand, Select):
                operand = operand.operand
            below = () if isinstance(operand, Ident) else (operand,)
        else:
            below = children(node)
        for child in below:
            same = isinstance(node, Call) and isinstance(child, Call) and child.function == node.function and node.function in _LOGICAL
            if same or self._extents.of(child) is None:
                yield from self._below(child)
            elif not isinstance(child, Const | Ident) and not _is_constant(child):
                yield child

    def _rounds(self, node: Comprehension, scope: _Scope) -> Iterator[Round]:
        """The rounds that decided: the last of those that ended it early, else the first few."""
        rounds = scope.rounds.get(node.id, [])
        value = scope.values.get(node.id, NOT_EVALUATED)
        body = _body(node)
        if body is None or not rounds:
            return
        decided = [one for one in rounds if _decides(node, one[1].values.get(body.id, NOT_EVALUATED), value)]
        for variables, mine in (decided or rounds)[:_MAX_ROUNDS]:
            yield Round(variables, self.traced(body, mine))


def _body(node: Comprehension) -> Node | None:
    """What a macro says of each element: the predicate of `all` and `exists`, the condition of `filter` and `exists_one`, the value of `map`."""
    step = node.step
    if isinstance(step, Call) and step.function in _LOGICAL:
        return step.arguments[1]
    if isinstance(step, Call) and step.function == "_?_:_":
        return step.arguments[0]
    if isinstance(step, Call) and step.function == "_+_" and isinstance(step.arguments[1], ListLiteral):
        return step.arguments[1].elements[0]
    return None


def _decides(node: Comprehension, value: Any, result: Any) -> bool:
    """Whether a round with this value is why the comprehension has that result."""
    if isinstance(result, CelError):
        return isinstance(value, CelError)
    return value is result and isinstance(node.step, Call) and node.step.function == ("_||_" if result else "_&&_")


def _is_constant(node: Node) -> bool:
    """Whether a part says nothing but itself: a literal of literals."""
    return isinstance(node, ListLiteral) and all(isinstance(one, Const) for one in node.elements)


def _line(text: str) -> str:
    return " ".join(text.split())
