"""A runtime whose programs mark which parts of an expression have been evaluated, and to what. Plain evaluation knows nothing of this."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hostprocess.cel.attributes import Frame, Path, Run, resolver
from hostprocess.cel.checker import Checked
from hostprocess.cel.environment import Environment
from hostprocess.cel.extents import Extents
from hostprocess.cel.frontend import parse
from hostprocess.cel.marks import CONTAINER_LISTS, EVALUATED, FALSE, TRUE
from hostprocess.cel.nodes import Call, Comprehension, Const, Ident, Node, Select, children
from hostprocess.cel.plan import Plan, Planner, Step, quantified
from hostprocess.cel.tree import TreeProgram, TreeRuntime

__all__ = ["CoverageRuntime", "MarkedPart", "Marks"]

_LOGICAL = ("_&&_", "_||_")
_ALTERNATIVES = ("or", "orValue")


class Marks:
    """Where marks go: the `array` of whoever has evaluated something last, one byte for each part of any program."""

    __slots__ = ("array",)

    def __init__(self) -> None:
        self.array = bytearray()


@dataclass(frozen=True, slots=True)
class MarkedPart:
    """From where to where in the expression, whether it is to be seen true and false or merely evaluated, and the index of its mark."""

    start: int
    end: int
    boolean: bool
    index: int


class CoverageRuntime(TreeRuntime):
    """What its programs evaluate is marked in `marks.array`, which has to have `size` bytes at least; `parts` are those of a program, the whole first."""

    def __init__(self, timeout: float = 10.0) -> None:
        super().__init__(timeout)
        self.marks = Marks()
        self.size = 0
        self.parts: dict[TreeProgram, tuple[MarkedPart, ...]] = {}
        self.lists: dict[TreeProgram, frozenset[str]] = {}
        """The lists of containers that a program reads itself, not by way of variables."""
        self._expression = ""
        self._found: tuple[MarkedPart, ...] = ()
        self._lists: frozenset[str] = frozenset()

    def _program(self, expression: str, variables: Mapping[str, Any], scope: tuple[Any, ...]) -> TreeProgram:
        self._expression = expression
        program = super()._program(expression, variables, scope)
        self.parts[program] = self._found
        self.lists[program] = self._lists
        return program

    def _plan(self, checked: Checked, declarations: Environment) -> Plan:
        _, positions = parse(self._expression, declarations)
        planner = _MarkingPlanner(checked, declarations, self._expression, positions, self.marks, self.size)
        run = planner.step(checked.root).runner()
        self.size = planner.next
        self._found = tuple(sorted(planner.parts, key=lambda part: part.index))
        self._lists = frozenset(planner.lists)
        return Plan(run, planner.size, planner.reads_variables)


class _MarkingPlanner(Planner):
    merges_logic = False

    def __init__(self, checked: Checked, environment: Environment, expression: str, positions: Mapping[int, int], marks: Marks, first: int) -> None:
        super().__init__(checked, environment)
        self._extents = Extents(expression, positions)
        self._marks = marks
        self.next = first
        self._root = checked.root.id
        self._extent: dict[int, tuple[int, int]] = {self._root: (0, len(expression))}
        self._conditions: set[int] = set()
        """Nodes that are where a bool has to be."""
        self._branches: set[int] = {self._root}
        """Nodes that may stay without evaluation though no bool decides that."""
        self._told: set[int] = set()
        """Nodes whose value follows from what is counted already."""
        self.parts: list[MarkedPart] = []
        self.lists: set[str] = set()

    def step(self, node: Node) -> Step:
        """See `Planner.step`."""
        extent = self._extent.get(node.id) or (None if isinstance(node, Const) or node.id in self._told else self._extents.of(node))
        boolean = self._is_boolean(node)
        self._look_below(node, boolean)
        if extent is None or not (boolean or node.id in self._branches) or (node.id != self._root and _always_true(node)):
            return Planner.step(self, node)
        index = self.next
        self.next += 1
        planned = Planner.step(self, node)
        constant = planned.constant is not None
        if constant and node.id != self._root:
            return planned  # it cannot be both
        boolean = boolean and not constant and not _always_true(node)
        self.parts.append(MarkedPart(*extent, boolean=boolean, index=index))
        mark = self._outcome if boolean else self._evaluation
        if planned.attribute is None:
            return Step(mark(planned.runner(), index))
        # A field, or a choice between fields, is read at another cost where it is a branch. Nothing is ever selected of what is marked.
        return Step(mark(planned.runner(), index), Path(mark(resolver(planned.attribute), index)), None, planned.tests)

    def _outcome(self, run: Run, index: int) -> Run:
        marks = self._marks

        def marked(frame: Frame) -> Any:
            value = run(frame)
            if value is True:
                marks.array[index] |= TRUE
            elif value is False:
                marks.array[index] |= FALSE
            else:
                marks.array[index] |= EVALUATED
            return value

        return marked

    def _evaluation(self, run: Run, index: int) -> Run:
        marks = self._marks

        def marked(frame: Frame) -> Any:
            marks.array[index] |= EVALUATED
            return run(frame)

        return marked

    def _is_boolean(self, node: Node) -> bool:
        kind = self._checked.types.get(node.id)
        return node.id in self._conditions or (kind is not None and kind.kind == "bool")

    def _look_below(self, node: Node, boolean: bool) -> None:
        """Says what is to be counted of the nodes below, and how."""
        field = _field(node)
        if field in CONTAINER_LISTS:
            self.lists.add(field)
        if isinstance(node, Comprehension):
            every = quantified(node)
            if every is not None and isinstance(node.step, Call):
                self._conditions.add(node.step.arguments[1].id)
            else:
                self._branches.update(one.id for one in self._written(node.step))
        elif isinstance(node, Call) and node.function in _LOGICAL:
            self._conditions.update(one.id for one in node.arguments)
            self._told.update(one.id for one in node.arguments if isinstance(one, Call) and one.function == node.function)
        elif isinstance(node, Call) and node.function == "!_":
            self._conditions.add(node.arguments[0].id)
            self._told.add(node.arguments[0].id)
        elif isinstance(node, Call) and node.function == "_?_:_":
            condition, *branches = node.arguments
            self._conditions.add(condition.id)
            whole = self._extents.of(node)
            if whole is not None and self._extents.of(condition) is None and isinstance(condition, Call) and condition.function == "hasValue":
                self._extent[condition.id] = whole  # optMap and its like
            if boolean:
                self._conditions.update(one.id for one in branches)
        elif isinstance(node, Call) and node.function in _ALTERNATIVES and node.target is not None:
            self._branches.update(one.id for one in node.arguments)

    def _written(self, node: Node) -> Iterator[Node]:
        """The nearest nodes that somebody has written, but for plain names."""
        if self._extents.of(node) is not None:
            if not isinstance(node, Const | Ident):
                yield node
            return
        for child in children(node):
            yield from self._written(child)


def _field(node: Node) -> str:
    """The field or the key that a node selects, if that is no variable."""
    if isinstance(node, Select):
        return "" if isinstance(node.operand, Ident) and node.operand.name == "variables" else node.field
    if isinstance(node, Call) and node.function in ("_[_]", "_[?_]", "_?._") and isinstance(node.arguments[1], Const):
        return str(node.arguments[1].value)
    return ""


def _always_true(node: Node) -> bool:
    """Whether it is `has(variables.NAME)`, which asks for what is declared."""
    return isinstance(node, Select) and node.test_only and isinstance(node.operand, Ident) and node.operand.name == "variables"
