"""From a checked tree to a Python function of a frame: the plan of the evaluation.

Source: github.com/google/cel-go/interpreter/planner.go and decorators.go (constants are folded as there, which changes what is charged).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from hostprocess.cel import calls, operators
from hostprocess.cel.attributes import FAILED, INPUTS, SLOTS, Attribute, Frame, Path, Qualifier, Run, Ternary, bad_key, read_variables, resolver, runner
from hostprocess.cel.checker import Checked
from hostprocess.cel.conversions import CONVERSIONS
from hostprocess.cel.environment import UNDEFINED_TYPES, Environment
from hostprocess.cel.equality import NO_SUCH_OVERLOAD
from hostprocess.cel.folds import Fold, fold, lazily, quantifier
from hostprocess.cel.functions import STANDARD_FUNCTIONS, or_optional
from hostprocess.cel.library.regex import compile_pattern
from hostprocess.cel.literals import list_literal, map_literal, membership
from hostprocess.cel.logic import logical, merged
from hostprocess.cel.natives import reread
from hostprocess.cel.nodes import Call, Comprehension, Const, Ident, ListLiteral, MapLiteral, Node, Select
from hostprocess.cel.runtime import UNBOUND, CelError, CompileError
from hostprocess.cel.standard import Signature
from hostprocess.cel.types import Type
from hostprocess.cel.values import TypeValue
from hostprocess.model import Unknown

__all__ = ["MissingInput", "Plan", "Planner", "Step", "plan", "quantified"]

_CEL_GO_29 = 37  # the release of Kubernetes that came with cel-go 0.29
_PATTERNED = ("matches", "find", "findAll")
_VARIADIC = ("format",)  # bound with FunctionBinding for two arguments: the second is not evaluated behind an error


class MissingInput(Unknown):
    """An input that was left out of the activation."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} was not given")
        self.name = name


@dataclass(frozen=True, slots=True)
class Plan:
    """The function, how long its frame is, and whether it reads `variables`."""

    run: Run
    size: int
    reads_variables: bool


@dataclass(slots=True)
class Step:
    """A planned node: a constant, an attribute that may still get qualifiers, or only something to run."""

    run: Run | None = None
    attribute: Attribute | None = None
    constant: tuple[Any] | None = None
    tests: bool = False

    def runner(self) -> Run:
        """What evaluates it at its full cost."""
        if self.run is None:
            if self.constant is not None:
                (value,) = self.constant
                self.run = lambda _: value
            else:
                assert self.attribute is not None
                self.run = runner(self.attribute, self.tests)
        return self.run


def plan(checked: Checked, environment: Environment) -> Plan:
    """Plans the evaluation. Raises `CompileError` where the API server cannot make a program: a constant that does not convert, a bad pattern."""
    planner = Planner(checked, environment)
    run = planner.step(checked.root).runner()
    return Plan(run, planner.size, planner.reads_variables)


def _not_instantiated(message: str) -> CompileError:
    return CompileError(message, text=f"program instantiation failed: {message}")


class Planner:
    """Plans the nodes of one tree; a subclass may put something around the steps."""

    merges_logic = True
    """Whether the operands of a chain of `&&` or `||` are planned together, those between them not on their own."""

    def __init__(self, checked: Checked, environment: Environment) -> None:
        self._checked = checked
        self._environment = environment
        # Name to place in the frame, and, for an accumulator that makes itself, what reads it.
        self._locals: dict[str, Run] = {}
        self._growing: dict[str, int] = {}
        self._places: dict[Run, int] = {}
        """Where in the frame is what such a function reads."""
        self._inputs: dict[str, Run] = {}
        self.size = SLOTS
        self.reads_variables = False

    def step(self, node: Node) -> Step:
        """Plans one node and all below it."""
        if isinstance(node, Const):
            return Step(constant=(node.value,))
        if isinstance(node, Ident):
            return self._ident(node)
        if isinstance(node, Select):
            return self._select(node)
        if isinstance(node, Call):
            return self._call(node)
        if isinstance(node, ListLiteral):
            return list_step(node, [self.step(element) for element in node.elements])
        if isinstance(node, MapLiteral):
            return self._map(node)
        if isinstance(node, Comprehension):
            return Step(self._fold(node))
        raise _not_instantiated(f"unknown type: {node.type_name}")

    def _ident(self, node: Ident | Select) -> Step:
        reference = self._checked.references[node.id]
        name = reference.name
        local = None if reference.outer else self._locals.get(name)
        kind = self._checked.types[node.id]
        if kind.kind == "type":
            if local is not None or name in UNDEFINED_TYPES:
                raise _not_instantiated(f"reference to undefined type: {name}")
            return Step(constant=(TypeValue(kind.parameters[0].name if kind.parameters else "type"),))
        if local is None:
            local = read_variables if name == "variables" else self._input(name)
            self.reads_variables |= name == "variables"
        base = self._reread(local, kind)
        return Step(attribute=Path(base, place=self._places.get(base)))

    def _reread(self, base: Run, kind: Type) -> Run:
        return reread(base) if kind.is_optional and self._environment.minor < _CEL_GO_29 else base

    def _attribute(self, step: Step, node: Node) -> Attribute:
        return step.attribute or Path(self._reread(step.runner(), self._checked.types[node.id]))

    def _qualified(self, operand: Step, node: Node, qualifier: Qualifier) -> Step:
        attribute = self._attribute(operand, node)
        for qualifiers in [attribute.qualifiers] if isinstance(attribute, Path) else attribute.qualifiers:
            qualifiers.append(qualifier)
        return Step(attribute=attribute, tests=qualifier.test)

    def _select(self, node: Select) -> Step:
        if node.id in self._checked.references:
            return self._ident(node)
        return self._qualified(self.step(node.operand), node.operand, Qualifier(node.field, test=node.test_only))

    def _map(self, node: MapLiteral) -> Step:
        keys, values = [], []
        for entry in node.entries:
            assert not isinstance(entry.key, str)
            keys.append(self.step(entry.key))
            values.append(self.step(entry.value))
        optional = tuple(entry.optional for entry in node.entries)
        run = map_literal([key.runner() for key in keys], [value.runner() for value in values], optional)
        if all(step.constant is not None for step in (*keys, *values)):
            return Step(constant=(run([0, None, None]),))
        return Step(run)

    def _call(self, node: Call) -> Step:
        reference = self._checked.references[node.id]
        name = reference.name
        nodes = node.arguments if node.target is None or reference.qualified else (node.target, *node.arguments)
        if name == "_+_" and isinstance(nodes[0], Ident) and nodes[0].name in self._growing:
            return Step(self._grown(nodes[0].name, nodes[1]))
        if name in ("_&&_", "_||_"):
            return Step(self._logical(name, node))
        steps = [self.step(each) for each in nodes]
        if name in ("_[_]", "_[?_]", "_?._"):
            return self._index(steps[0], nodes[0], steps[1], name != "_[_]")
        if name == "_?_:_":
            truthy, falsy = self._attribute(steps[1], nodes[1]), self._attribute(steps[2], nodes[2])
            return Step(attribute=Ternary(steps[0].runner(), truthy, falsy))
        arguments = [step.runner() for step in steps]
        if name == "@not_strictly_false":
            return Step(_not_strictly_false(arguments[0]))
        if name in ("or", "orValue"):
            return Step(or_optional(arguments[0], arguments[1], name == "orValue", self._environment.minor < _CEL_GO_29))
        if name in ("_==_", "_!=_"):
            negated, strict = name == "_!=_", self._environment.strict_cost
            if steps[1].constant is not None and type(steps[1].constant[0]) is str:
                return Step(calls.equals_text(arguments[0], steps[1].constant[0], negated, strict))
            if steps[1].constant == (None,):
                return Step(calls.equals_null(arguments[0], negated, strict))
            return Step(calls.equality(arguments[0], arguments[1], negated, strict))
        if name in _PATTERNED and len(steps) > 1 and steps[1].constant is not None:
            _check_pattern(steps[1].constant[0])
        if name == "@in" and reference.overloads == ("in_list",) and steps[1].constant is not None:
            found = membership(arguments[0], steps[1].constant[0])
            if found is not None:
                return Step(constant=(False,)) if found is False else Step(found)
        run = self._called(name, reference.overloads, arguments, steps)
        if name in CONVERSIONS and len(steps) == 1 and steps[0].constant is not None:
            value = run([0, None, None])
            if isinstance(value, CelError):
                raise _not_instantiated(value.message)
            return Step(constant=(value,))
        return Step(run)

    def _logical(self, name: str, node: Call) -> Run:
        decisive = name == "_||_"
        if not self.merges_logic:
            return logical([self.step(each).runner() for each in node.arguments], decisive)
        steps = [self.step(each) for each in self._operands(node, name)]
        operands = [(step.runner(), step.attribute if step.tests and isinstance(step.attribute, Path) else None) for step in steps]
        return logical([run for run, _ in operands] if decisive else merged(operands), decisive)

    def _operands(self, node: Node, name: str) -> Iterator[Node]:
        """The operands of a whole chain of `&&` or `||`."""
        if isinstance(node, Call) and self._checked.references[node.id].name == name:
            for each in node.arguments:
                yield from self._operands(each, name)
        else:
            yield node

    def _index(self, operand: Step, node: Node, index: Step, optional: bool) -> Step:
        if index.constant is not None:
            bad = bad_key(index.constant[0])
            if bad is not None:
                raise _not_instantiated(bad.message)
            return self._qualified(operand, node, Qualifier(index.constant[0], optional=optional))
        dynamic = resolver(index.attribute) if index.attribute is not None else index.runner()
        return self._qualified(operand, node, Qualifier(dynamic=dynamic, optional=optional))

    def _called(self, name: str, chosen: tuple[str, ...], arguments: list[Run], steps: list[Step]) -> Run:
        declared = self._environment.functions[name]
        only = next(each for each in declared if each.id == chosen[0]) if len(chosen) == 1 else None
        charge = calls.charge_of(name, only, self._environment.strict_cost, self._environment.minor)
        if name == "@in":
            return calls.in_aggregate(arguments[0], arguments[1], operators.BINARY[name], charge)
        constants = _constants(steps[1:])
        if name in operators.BINARY and len(arguments) == 2:
            if name == "matches" and steps[1].constant is not None:
                return calls.upon(arguments[0], steps[1].constant, _matches, charge, as_binary=False)
            if constants:
                return calls.upon(arguments[0], constants, operators.BINARY[name], charge, as_binary=True)
            return calls.binary(arguments[0], arguments[1], operators.BINARY[name], charge)
        if name == "!_" and charge is None:
            return calls.negation(arguments[0])
        if name in operators.UNARY and len(arguments) == 1:
            return calls.unary(arguments[0], operators.UNARY[name], charge)
        function = calls.overloaded(name, [_implemented(only)] if only else [_implemented(each) for each in declared])
        if name in _PATTERNED and len(steps) > 1 and steps[1].constant is not None:
            return calls.various(arguments, _patterned(function), charge)
        if only is not None and len(arguments) == 1:
            return calls.unary(arguments[0], function, charge)
        # Functions with one implementation for all overloads are planned as if one overload were left.
        as_binary = (only is not None or declared[0].guard == "list") and len(arguments) == 2 and name not in _VARIADIC
        if constants:
            return calls.upon(arguments[0], constants, function, charge, as_binary=as_binary)
        return calls.binary(arguments[0], arguments[1], function, charge) if as_binary else calls.various(arguments, function, charge)

    def _fold(self, node: Comprehension) -> Run:
        ranged = self.step(node.iter_range).runner()
        init = self.step(node.accu_init)
        outer, growing = dict(self._locals), dict(self._growing)
        accumulator = self._slot()
        first = self._slot()
        second = self._slot() if node.iter_var2 else None
        grows = isinstance(node.accu_init, ListLiteral) and not node.accu_init.elements
        eager = init.constant is not None or grows
        start = init.runner()
        self._locals[node.accu_var] = self._local(accumulator) if eager else lazily(accumulator, start)
        self._growing.pop(node.accu_var, None)
        if grows:
            self._growing[node.accu_var] = accumulator
        within = dict(self._locals)
        for name, place in ((node.iter_var, first), (node.iter_var2, second)):
            if name and place is not None:
                self._locals[name] = self._local(place)
                self._growing.pop(name, None)
        every = quantified(node)
        if every is not None and second is None and isinstance(node.step, Call):
            predicate = self.step(node.step.arguments[1]).runner()
            self._locals, self._growing = outer, growing
            return quantifier(ranged, first, predicate, every)
        condition = self.step(node.condition)
        step = self.step(node.step).runner()
        self._locals = within
        result = self.step(node.result).runner()
        self._locals, self._growing = outer, growing
        return fold(
            Fold(
                ranged=ranged,
                accumulator=accumulator,
                first=first,
                second=second,
                init=(_fresh_list if grows else start) if eager else None,
                condition=None if condition.constant == (True,) else condition.runner(),
                step=step,
                result=result,
                two=bool(node.iter_var2),
            )
        )

    def _grown(self, name: str, node: Node) -> Run:
        """`accumulator + list`: the list that a comprehension makes grows in place, as cel-go's mutable list does."""
        accumulated = self._locals[name]
        if isinstance(node, ListLiteral) and len(node.elements) == 1 and not node.optional and not isinstance(node.elements[0], Const):
            return _appended(accumulated, self.step(node.elements[0]))
        added = self.step(node).runner()
        append = operators.BINARY["_+_"]

        def run(frame: Frame) -> Any:
            value = accumulated(frame)
            frame[0] += 1
            more = added(frame)
            frame[0] += 1
            if value.__class__ is list and more.__class__ is list:
                value.extend(more)
                return value
            for each in (value, more):
                if isinstance(each, FAILED):
                    return each
            return append(value, more)

        return run

    def _input(self, name: str) -> Run:
        if name not in self._inputs:
            self._inputs[name] = _input(name)
        return self._inputs[name]

    def _slot(self) -> int:
        self.size += 1
        return self.size - 1

    def _local(self, place: int) -> Run:
        def run(frame: Frame) -> Any:
            return frame[place]

        self._places[run] = place
        return run


def quantified(node: Comprehension) -> bool | None:
    """True for what `all` expands to, False for `exists`, None for anything else."""
    if not isinstance(node.accu_init, Const) or not isinstance(node.accu_init.value, bool) or not isinstance(node.step, Call):
        return None
    every = node.accu_init.value
    if not isinstance(node.condition, Call) or node.condition.function != "@not_strictly_false":
        return None
    return every if node.step.function == ("_&&_" if every else "_||_") else None


def list_step(node: ListLiteral, elements: list[Step]) -> Step:
    """A list; one of constants is a constant, and free."""
    run = list_literal([element.runner() for element in elements], node.optional)
    if all(element.constant is not None for element in elements):
        return Step(constant=(run([0, None, None]),))
    return Step(run)


def _appended(accumulated: Run, element: Step) -> Run:
    """`accumulator + [element]`. The list costs 10, unless it is a constant; the call and the name of the accumulator 1 each."""
    read = element.runner()
    cost = 1 if element.constant is not None else 11

    def run(frame: Frame) -> Any:
        value = accumulated(frame)
        frame[0] += 1
        item = read(frame)
        frame[0] += cost
        if value.__class__ is not list:
            return value
        if item.__class__ is CelError or isinstance(item, Unknown):
            return item
        value.append(item)
        return value

    return run


def _fresh_list(_frame: Frame) -> Any:
    return []


def _input(name: str) -> Run:
    missing = MissingInput(name)
    unbound = CelError(f"no such attribute(s): {name}")
    if name in UNDEFINED_TYPES:
        return lambda _: unbound

    def run(frame: Frame) -> Any:
        value = frame[INPUTS].get(name, missing)
        return unbound if value is UNBOUND else value

    return run


def _constants(steps: list[Step]) -> tuple[Any, ...]:
    """What the steps give where all are constants that have not failed; else nothing."""
    found = [step.constant[0] for step in steps if step.constant is not None]
    return tuple(found) if len(found) == len(steps) and not any(isinstance(value, FAILED) for value in found) else ()


def _matches(text: Any, pattern: Any) -> Any:
    """`matches` with a constant pattern, which says less when the text is none."""
    return operators.BINARY["matches"](text, pattern) if isinstance(text, str) else NO_SUCH_OVERLOAD


def _patterned(function: Callable[..., Any]) -> Callable[..., Any]:
    """`find` or `findAll` with a constant pattern: it too says less about values of other types."""

    def call(text: Any, pattern: Any, *count: Any) -> Any:
        fits = isinstance(text, str) and all(type(each) is int for each in count)
        return function(text, pattern, *count) if fits else NO_SUCH_OVERLOAD

    return call


def _check_pattern(pattern: Any) -> None:
    compiled = compile_pattern(pattern) if isinstance(pattern, str) else None
    if isinstance(compiled, CelError):
        raise _not_instantiated(compiled.message)


@cache
def _implemented(overload: Signature) -> Signature:
    """The overload with what it does; what the language itself has stands in a table."""
    if overload.implementation is not None:
        return overload
    function = STANDARD_FUNCTIONS.get(overload.id) or CONVERSIONS[overload.function]
    guard = "none" if overload.function in ("type", "dyn") else "types"
    return Signature(overload.id, overload.function, overload.arguments, overload.result, overload.member, function, guard=guard)


def _not_strictly_false(argument: Run) -> Run:
    def run(frame: Frame) -> Any:
        value = argument(frame)
        frame[0] += 1
        return value if isinstance(value, bool) else True

    return run
