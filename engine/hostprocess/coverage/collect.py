"""Collects what cases put to use: policies made ready so that they mark what they evaluate, and what requests they were asked about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hostprocess.cel.coverage import CoverageRuntime, MarkedPart, Marks
from hostprocess.cel.runtime import Account, Activation, CelError, CompileError, Program, Runtime
from hostprocess.cel.tree import TreeProgram, TreeRuntime
from hostprocess.context import Context
from hostprocess.coverage.uses import Hit, container_lists, hits
from hostprocess.errors import PolicyError
from hostprocess.evaluate import Decisions, Evaluator, Prepare, condition_reason
from hostprocess.matching import EXCLUDED, match_key
from hostprocess.model import Outcome, Policy, Request, Rule
from hostprocess.prepared import PreparedPolicy
from hostprocess.rules import Pack

__all__ = ["Collector", "CoveredPolicy", "Owner", "Seen"]

_OTHER = "other"
Seen = Mapping[tuple[int, int, bool], int]
"""The marks of each part of a text: begin, end, whether it is boolean."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The pack and the rule that policies are made of."""

    pack: Pack
    rule: Rule


class _Site:
    """A program of one policy: what it evaluates is marked where the policy wants it."""

    __slots__ = ("_marks", "_policy", "_program", "_section", "_text", "result_type")

    def __init__(self, program: TreeProgram, policy: CoveredPolicy, section: str, text: str, marks: Marks) -> None:
        self._program = program
        self._policy = policy
        self._section = section
        self._text = text
        self._marks = marks
        self.result_type = program.result_type

    def evaluate(self, activation: Activation, account: Account | None = None) -> Any:
        """See `Program.evaluate`."""
        self._marks.array = self._policy.array(self._section, self._text)
        return self._program.evaluate(activation, account)


class CoveredPolicy(PreparedPolicy):
    """A policy that knows what of it was evaluated. `owner` says what it was made of, if it is of a pack."""

    def __init__(self, policy: Policy, runtime: CoverageRuntime, kubernetes: str, owner: Owner | None) -> None:
        super().__init__(policy, runtime, None, kubernetes)
        self.owner = owner
        self.hits: set[Hit] = set()
        self.containers: set[str] = set()
        self.out_of_scope = False
        self.used = False
        self._marking = runtime
        self._arrays: dict[str, bytearray] = {}
        self._found: dict[tuple[str, str], TreeProgram] = {}
        self._wanted_messages: set[str] = set()

    # While cases run.

    def array(self, section: str, text: str) -> bytearray:
        """Where the marks of an expression go. The message of a validation counts only where that has failed, though the API server makes it anyway."""
        if section == "messages" and text not in self._wanted_messages:
            section = _OTHER
        self.used = True
        return self._arrays[section]

    def evaluate(self, context: Context, account: Account) -> Sequence[Any] | CelError:
        """See `PreparedPolicy.evaluate`."""
        values = super().evaluate(context, account)
        if not isinstance(values, CelError):
            failed = [index for group in self.groups for index, position in group.validations if values[position] is False]
            self._wanted_messages = {self.policy.validations[index].message_expression for index in failed}
        return values

    def _compiled(self, expression: str, steps: tuple[str | int, ...], variables: Mapping[str, str] | None, runtime: Runtime) -> Program:
        return self._site(super()._compiled(expression, steps, variables, runtime), self._section(expression, steps), expression)

    def _body(self, index: int) -> Program:
        body = self.policy.validations[index].body
        if body not in self._bodies:
            self._bodies[body] = self._site(super()._body(index), "validations", body)
        return self._bodies[body]

    def _section(self, expression: str, steps: tuple[str | int, ...]) -> str:
        match steps:
            case ("validations", _, "messageExpression"):
                return "messages"
            case ("matchConditions" | "auditAnnotations" as name, _, _):
                return str(name)
            case ("validations", _, _) if expression in self.expressions:
                return "validations"
        return _OTHER

    def _site(self, program: Program, section: str, text: str) -> Program:
        if not isinstance(program, TreeProgram):
            return program
        self._found[section, text] = program
        for name in (section, _OTHER):
            array = self._arrays.setdefault(name, bytearray())
            array.extend(bytes(max(self._marking.size - len(array), 0)))
        return _Site(program, self, section, text, self._marking.marks)

    def forget(self) -> None:
        """Begins anew: all was told."""
        self.used = self.out_of_scope = False
        self.hits.clear()
        self.containers.clear()
        for array in self._arrays.values():
            array[:] = bytes(len(array))

    # Afterwards.

    def seen(self, section: str, text: str, index: int) -> Seen:
        """The parts of an expression and how they were seen; empty for one that does not compile. `index` is its place in its list of the policy."""
        if (section, text) not in self._found:
            try:
                self._compile(section, text, index)
            except PolicyError:
                return {}
        program = self._found.get((section, text))
        return {} if program is None else self._marked(program, [self._arrays[section]])

    def _compile(self, section: str, text: str, index: int) -> None:
        if section == "matchConditions":
            self._typed(text, ("bool",), (section, index, "expression"), composed=False)
        elif section == "messages":
            self._typed(text, ("string",), ("validations", index, "messageExpression"))
        elif section == "auditAnnotations":
            self._typed(text, ("string", "null_type"), (section, index, "valueExpression"))
        elif text == self.policy.validations[index].body:
            self._body(index)
        else:
            self._typed(text, ("bool",), (section, index, "expression"))

    def seen_variables(self) -> Mapping[str, Seen]:
        """The same of each variable of the policy."""
        found: dict[str, dict[tuple[int, int, bool], int]] = {name: {} for name in self._variables}
        arrays = list(self._arrays.values())
        for name, program in self._variable_programs():
            for key, marks in self._marked(program, arrays).items():
                found[name][key] = found[name].get(key, 0) | marks
        return found

    def lists_read(self, texts: Iterable[tuple[str, str]], names: Iterable[str]) -> set[str]:
        """The lists of containers that some expressions (section and text) read, and variables of these names."""
        wanted = set(names)
        programs = [self._found[key] for key in texts if key in self._found] + [program for name, program in self._variable_programs() if name in wanted]
        return {one for program in programs for one in self._marking.lists[program]}

    def _variable_programs(self) -> Iterator[tuple[str, TreeProgram]]:
        told: set[TreeProgram] = set()
        known = list(self._found.values())
        reading = {name for program in known for name in program.variables}
        for name in self._variables.keys() - reading:
            # Nobody reads it: it is compiled to know what there is to see.
            variables, declared, kubernetes = self.scope
            try:
                known.append(self._marking.compile(f"variables.{name}", variables, declared, kubernetes=kubernetes))
            except CompileError:
                continue
        for section in self._arrays:
            self._arrays[section].extend(bytes(max(self._marking.size - len(self._arrays[section]), 0)))
        for program in known:
            for name, variable in program.variables.items():
                if isinstance(variable.program, TreeProgram) and variable.program not in told:
                    told.add(variable.program)
                    yield name, variable.program

    def _marked(self, program: TreeProgram, arrays: Sequence[bytearray]) -> dict[tuple[int, int, bool], int]:
        found: dict[tuple[int, int, bool], int] = {}
        for part in self._marking.parts[program]:
            key = (part.start, part.end, part.boolean)
            found[key] = found.get(key, 0) | _marks(part, arrays)
        return found


def _marks(part: MarkedPart, arrays: Sequence[bytearray]) -> int:
    marks = 0
    for array in arrays:
        marks |= array[part.index]
    return marks


class Collector:
    """Collects in one process. `watched` makes evaluators, `decided` is told what came of each request."""

    def __init__(self, runtime: CoverageRuntime) -> None:
        self.runtime = runtime
        self._plain = TreeRuntime()
        self._policies: list[CoveredPolicy] = []
        self._of: dict[Evaluator, list[CoveredPolicy]] = {}
        self._hits: dict[Any, frozenset[Hit]] = {}

    def watched(self, owner: Owner | None, make: Callable[[Prepare], Evaluator]) -> Evaluator:
        """The evaluator that `make` makes, whose policies count; those of packs do where it is known of which rule they are."""
        made: list[CoveredPolicy] = []

        def prepare(policy: Policy, runtime: Runtime, exact: Runtime | None, kubernetes: str) -> PreparedPolicy:
            if policy.of_pack and owner is None:
                return PreparedPolicy(policy, self._plain, None, kubernetes)
            made.append(CoveredPolicy(policy, self.runtime, kubernetes, owner))
            return made[-1]

        evaluator = make(prepare)
        self._policies += made
        self._of[evaluator] = made
        return evaluator

    def decided(self, evaluator: Evaluator, request: Request, decisions: Decisions) -> None:
        """Takes up what requests the policies were asked about."""
        for covered in self._of.get(evaluator, ()):
            own = [one for one in (*decisions.findings, *decisions.passed) if one.policy == covered.policy.name]
            skipped = {one.message for one in own if one.outcome is Outcome.SKIP}
            if covered.owner is not None and condition_reason(covered.policy.match_conditions[0].name) in skipped:
                covered.out_of_scope = covered.used = True
            if EXCLUDED in skipped:
                covered.hits |= self._met(covered, evaluator, request, excluded=True)
                covered.used = True
            if any(one.outcome is not Outcome.SKIP for one in own):
                covered.hits |= self._met(covered, evaluator, request, excluded=False)
                covered.containers |= container_lists(request)
                covered.used = True

    def _met(self, covered: CoveredPolicy, evaluator: Evaluator, request: Request, *, excluded: bool) -> frozenset[Hit]:
        key = (covered, match_key(request), request.name if isinstance(request.name, str) else "", excluded)
        found = self._hits.get(key)
        if found is None:
            found = self._hits[key] = hits(covered.policy.match_constraints, request, evaluator.inventory, excluded=excluded)
        return found

    def take(self) -> Iterator[CoveredPolicy]:
        """The policies that were used since the last time; what they have seen is forgotten once the next is asked for."""
        for covered in self._policies:
            if covered.used:
                yield covered
                covered.forget()
