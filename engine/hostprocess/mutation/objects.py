"""All mutants of policies in files, of a rule of a pack, and of what the rules of a pack share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hostprocess.cel.source import needed, variables_of
from hostprocess.model import Binding, Decision, MatchConstraints, Origin, Policy, Rule, RuleValidation
from hostprocess.mutation.constraints import matchings
from hostprocess.mutation.expressions import changed, changes
from hostprocess.mutation.model import Edit, Mutant
from hostprocess.mutation.source import Lines, Source, written
from hostprocess.policy import match_constraints
from hostprocess.rules import Pack
from hostprocess.suite.model import JSONObject, Subject
from hostprocess.suite.subjects import PolicySubject, RuleSubject

__all__ = ["pack_mutants", "policy_mutants", "rule_mutants"]

Steps = tuple[str | int, ...]
_WEAKER = {"error": "warning", "warning": "info", "info": "warning"}
_OTHER_ACTION = {"Deny": "Warn", "Warn": "Deny", "Audit": "Deny"}


@dataclass(frozen=True, slots=True)
class _Slot:
    """A place of an expression: `put` makes the edit that puts another one there; `name` is what it is called."""

    name: str
    text: str
    steps: Steps
    put: Callable[[str], Edit]
    condition: bool = True


def _expressions(source: Source, slots: Sequence[_Slot]) -> Iterator[Mutant]:
    for slot in slots:
        for change in changes(slot.text, condition=slot.condition):
            lines = source.change(slot.steps, slot.text, change)
            yield _mutant(change.operator, change.words, source, lines, slot.name, slot.put(changed(slot.text, change)))


def _mutant(operator: str, words: str, source: Source, lines: Lines, slot: str, edit: Edit) -> Mutant:
    return Mutant(operator=operator, words=words, path=source.path, line=lines.line, before=lines.before, after=lines.after, slot=slot, edit=edit)


# Policies in files.


def policy_mutants(subject: PolicySubject) -> Iterator[Mutant]:
    """The mutants of all policies and bindings of a suite that are written in files."""
    for number, policy in enumerate(subject.policies):
        if policy.origin is not None:
            yield from _of_policy(Source(policy.origin), policy, _PolicyEdits(number))
    for number, binding in enumerate(subject.bindings):
        if binding.origin is not None:
            yield from _of_binding(Source(binding.origin), binding, number)


@dataclass(frozen=True, slots=True)
class _PolicyEdits:
    """Edits of the policy of that number."""

    number: int

    def __call__(self, **new: Any) -> Edit:
        def edit(subject: Subject) -> Subject:
            assert isinstance(subject, PolicySubject)
            policies = list(subject.policies)
            policies[self.number] = replace(policies[self.number], **new)
            return replace(subject, policies=tuple(policies))

        return edit

    def putting(self, field: str, listed: Sequence[Any], index: int, part: str) -> Callable[[str], Edit]:
        """For the expression in one part of one element of a list."""
        return lambda text: self(**{field: tuple(replace(one, **{part: text}) if at == index else one for at, one in enumerate(listed))})


def _of_policy(source: Source, policy: Policy, edits: _PolicyEdits) -> Iterator[Mutant]:
    name = policy.name
    slots = []
    lists: list[tuple[str, str, Sequence[Any], str, str]] = [
        ("match_conditions", "matchConditions", policy.match_conditions, "expression", "expression"),
        ("variables", "variables", policy.variables, "expression", "expression"),
        ("validations", "validations", policy.validations, "expression", "expression"),
        ("validations", "validations", policy.validations, "message_expression", "messageExpression"),
        ("audit_annotations", "auditAnnotations", policy.audit_annotations, "value_expression", "valueExpression"),
    ]
    for field, key, listed, part, word in lists:
        condition = part == "expression" and field != "variables"
        for index, one in enumerate(listed):
            if getattr(one, part):
                steps = ("spec", key, index, word)
                slots.append(_Slot(f"{name}/{key}[{index}].{word}", getattr(one, part), steps, edits.putting(field, listed, index, part), condition))
    yield from _expressions(source, slots)
    for field, key, listed, words in (
        ("validations", "validations", policy.validations, "the validation was dropped"),
        ("match_conditions", "matchConditions", policy.match_conditions, "the matchCondition was dropped"),
        ("audit_annotations", "auditAnnotations", policy.audit_annotations, "the audit annotation was dropped"),
    ):
        operator = "widened" if field == "match_conditions" else "dropped"
        for index in range(len(listed)):
            at = ("spec", key, index)
            lines = source.field(at, f"- {_first_line(listed[index])}", "")
            yield _mutant(operator, words, source, lines, f"{name}/{key}[{index}]", edits(**{field: (*listed[:index], *listed[index + 1 :])}))
    other = "Ignore" if policy.failure_policy == "Fail" else "Fail"
    lines = source.field(("spec", "failurePolicy"), f"failurePolicy: {policy.failure_policy}", f"failurePolicy: {other}")
    words = f"{policy.failure_policy} became {other}"
    yield _mutant("failurePolicy", words, source, lines, f"{name}/failurePolicy", edits(failure_policy=other))
    yield from _matched(source, ("spec", "matchConstraints"), policy.match_constraints, f"{name}/matchConstraints", lambda new: edits(match_constraints=new))


def _first_line(one: Any) -> str:
    text = getattr(one, "name", "") or getattr(one, "key", "")
    return f"name: {text}" if text else f"expression: {one.expression.strip()}"


def _matched(source: Source, steps: Steps, constraints: MatchConstraints, slot: str, put: Callable[[MatchConstraints], Edit]) -> Iterator[Mutant]:
    for one in matchings(constraints):
        lines = source.field((*steps, *one.steps), one.before, one.after)
        yield _mutant(one.operator, one.words, source, lines, slot, put(one.constraints))


def _of_binding(source: Source, binding: Binding, number: int) -> Iterator[Mutant]:
    def put(**new: Any) -> Edit:
        def edit(subject: Subject) -> Subject:
            assert isinstance(subject, PolicySubject)
            bindings = list(subject.bindings)
            bindings[number] = replace(bindings[number], **new)
            return replace(subject, bindings=tuple(bindings))

        return edit

    first = binding.validation_actions[0]
    swapped = tuple(dict.fromkeys(_OTHER_ACTION[first] if one == first else one for one in binding.validation_actions))
    before, after = written({"validationActions": binding.written_actions}), written({"validationActions": swapped})
    lines = source.field(("spec", "validationActions"), before, after)
    words = f"{first} became {_OTHER_ACTION[first]}"
    yield _mutant("action", words, source, lines, f"{binding.name}/validationActions", put(validation_actions=swapped, written_actions=swapped))
    if binding.match_resources is not None:
        yield from _matched(source, ("spec", "matchResources"), binding.match_resources, f"{binding.name}/matchResources", lambda new: put(match_resources=new))
    reference = binding.param_ref
    if reference is not None:
        other = "Allow" if reference.parameter_not_found_action == "Deny" else "Deny"
        at = ("spec", "paramRef", "parameterNotFoundAction")
        key = "parameterNotFoundAction"
        lines = source.field(at, f"{key}: {reference.parameter_not_found_action}", f"{key}: {other}")
        words = f"{reference.parameter_not_found_action} became {other}"
        yield _mutant(key, words, source, lines, f"{binding.name}/paramRef", put(param_ref=replace(reference, parameter_not_found_action=other)))


# Rules of a pack.


def rule_mutants(subject: RuleSubject) -> Iterator[Mutant]:
    """The mutants of what one rule says by itself."""
    rule = subject.rule
    with open(rule.path, encoding="utf-8") as file:
        source = Source(Origin(path=rule.path, text=file.read()))
    slots = [_Slot("when", rule.when, ("when",), lambda text: _rule_edit(replace(rule, when=text)))]
    for index, one in enumerate(rule.validations):
        steps: Steps = ("validations", index)
        slots.append(_Slot(f"validations[{index}]", one.expression, (*steps, "expression"), _putting(rule, index, "expression")))
        if one.message_expression:
            put = _putting(rule, index, "message_expression")
            slots.append(_Slot(f"validations[{index}].messageExpression", one.message_expression, (*steps, "messageExpression"), put, condition=False))
    yield from _expressions(source, slots)
    for index, one in enumerate(rule.validations):
        yield from _of_validation(source, subject, index, one)
    shared = [one for one in rule.validations if one.severity == rule.severity]
    if shared:
        other = _WEAKER[rule.severity]
        new = [replace(one, severity=other) if one.severity == rule.severity else one for one in rule.validations]
        lines = source.field(("severity",), f"severity: {rule.severity}", f"severity: {other}")
        yield _mutant("action", f"{rule.severity} became {other}", source, lines, "severity", _rule_edit(replace(rule, severity=other, validations=tuple(new))))


def _rule_edit(new: Rule) -> Edit:
    def edit(subject: Subject) -> Subject:
        assert isinstance(subject, RuleSubject)
        return RuleSubject(replace(subject.pack, rules=(new,)), new, subject.objects)

    return edit


def _putting(rule: Rule, index: int, part: str) -> Callable[[str], Edit]:
    return lambda text: _rule_edit(_with(rule, index, **{part: text}))


def _with(rule: Rule, index: int, **new: Any) -> Rule:
    return replace(rule, validations=tuple(replace(one, **new) if at == index else one for at, one in enumerate(rule.validations)))


def _of_validation(source: Source, subject: RuleSubject, index: int, one: RuleValidation) -> Iterator[Mutant]:
    rule, pack = subject.rule, subject.pack
    at: Steps = ("validations", index)
    slot = f"validations[{index}]"
    lines = source.field(at, f"- expression: {one.expression}", "")
    left = replace(rule, validations=(*rule.validations[:index], *rule.validations[index + 1 :]))
    yield _mutant("dropped", "the validation was dropped", source, lines, slot, _rule_edit(left))
    if one.severity != rule.severity:
        other = _WEAKER[one.severity]
        lines = source.field((*at, "severity"), f"severity: {one.severity}", f"severity: {other}")
        yield _mutant("action", f"{one.severity} became {other}", source, lines, slot, _rule_edit(_with(rule, index, severity=other)))
    about = pack.lists.get(one.each)
    if about is not None and about.where and not about.field:
        lines = source.field((*at, "each"), f"each: {one.each}", f"each: {about.of}")
        yield _mutant("widened", f"{one.each} became {about.of}", source, lines, slot, _rule_edit(_with(rule, index, each=about.of)))
    yield from _containers(source, subject, index, one)


def _containers(source: Source, subject: RuleSubject, index: int, one: RuleValidation) -> Iterator[Mutant]:
    """A validation that leaves one of the lists of containers out, of those that it goes over: they are joined in the pack, for all rules."""
    pack, rule = subject.pack, subject.rule
    expressions = {variable.name: variable.expression for variable in pack.variables}
    base = pack.lists.get(one.each)
    while base is not None and not base.paths:
        base = pack.lists.get(base.of)
    names = [*variables_of(one.expression), *([base.name] if base else [])]
    for name in [name for name in needed([f"variables.{name}" for name in names], expressions) if name in names]:
        for change in changes(expressions[name], condition=False):
            if change.operator == "containers":
                steps: Steps = ("validations", index, "each" if one.each else "expression")
                before = f"each: {one.each}" if one.each else f"expression: {one.expression}"
                lines = source.field(steps, before, f"{before}  # of variables.{name}, {change.words}")
                edit = _variable_edit(name, changed(expressions[name], change))
                yield _mutant("containers", f"of variables.{name} {change.words}", source, lines, f"{rule.id}/validations[{index}].each", edit)


# What the rules of a pack share.


def pack_mutants(pack: Pack, path: str) -> Iterator[Mutant]:
    """The mutants of what rules share: a fault of these is noticed if the suite of any rule notices it."""
    with open(path, encoding="utf-8") as file:
        source = Source(Origin(path=path, text=file.read()))
    yield from _expressions(source, _pack_slots(pack, source))
    for index, condition in enumerate(pack.match_conditions):
        lines = source.field(("matchConditions", index), f"- name: {condition.name}", "")
        edit = _pack_edit(_without_condition(index))
        yield _mutant("widened", "the matchCondition was dropped", source, lines, f"matchConditions[{index}]", edit)
    yield from _matched(source, ("matchConstraints",), match_constraints(pack.match_constraints), "matchConstraints", _matching_edit)


def _pack_slots(pack: Pack, source: Source) -> list[_Slot]:
    """The expressions of pack.yaml; what stands in several places by aliases is one."""
    found: dict[int, list[_Slot]] = {}

    def add(name: str, text: str, steps: Steps, change: Callable[[Pack, str], Pack], condition: bool = True) -> None:
        slot = _Slot(name, text.strip(), steps, lambda new: _pack_edit(lambda pack: change(pack, new)), condition)
        found.setdefault(source.place(steps), []).append(slot)

    for index, condition in enumerate(pack.match_conditions):
        add(f"matchCondition {condition.name}", condition.expression, ("matchConditions", index, "expression"), _condition_change(index))
    for name, about in pack.inputs.items():
        add(f"input {name}", about.changed, ("inputs", name, "changed"), _input_change(name))
    for index, variable in enumerate(pack.variables):
        add(f"variable {variable.name}", variable.expression, ("variables", index, "expression"), _variable_change(variable.name), condition=False)
    for name, listed in pack.lists.items():
        for part in ("where", "unless"):
            if getattr(listed, part):
                add(f"list {name}.{part}", getattr(listed, part), ("lists", name, part), _list_change(name, part))
        for one, text in listed.let.items():
            add(f"list {name}.let.{one}", text, ("lists", name, "let", one), _let_change(name, one), condition=False)
    for name, text in pack.scopes.items():
        add(f"scope {name}", text, ("scopes", name), _scope_change(name))
    return [_joined(slots) for slots in found.values()]


def _joined(slots: list[_Slot]) -> _Slot:
    first = slots[0]

    def put(text: str) -> Edit:
        def edit(subject: Subject) -> Subject:
            for slot in slots:
                subject = slot.put(text)(subject)
            return subject

        return edit

    return replace(first, put=put) if len(slots) > 1 else first


def _pack_edit(change: Callable[[Pack], Pack]) -> Edit:
    def edit(subject: Subject) -> Subject:
        assert isinstance(subject, RuleSubject)
        return RuleSubject(change(subject.pack), subject.rule, subject.objects)

    return edit


def _variable_edit(name: str, text: str) -> Edit:
    return _pack_edit(lambda pack: _with_variable(pack, name, text))


def _with_variable(pack: Pack, name: str, text: str) -> Pack:
    return replace(pack, variables=tuple(replace(one, expression=text) if one.name == name else one for one in pack.variables))


def _variable_change(name: str) -> Callable[[Pack, str], Pack]:
    return lambda pack, text: _with_variable(pack, name, text)


def _condition_change(index: int) -> Callable[[Pack, str], Pack]:
    def change(pack: Pack, text: str) -> Pack:
        conditions = list(pack.match_conditions)
        conditions[index] = replace(conditions[index], expression=text)
        return replace(pack, match_conditions=tuple(conditions))

    return change


def _without_condition(index: int) -> Callable[[Pack], Pack]:
    return lambda pack: replace(pack, match_conditions=(*pack.match_conditions[:index], *pack.match_conditions[index + 1 :]))


def _input_change(name: str) -> Callable[[Pack, str], Pack]:
    return lambda pack, text: replace(pack, inputs={**pack.inputs, name: replace(pack.inputs[name], changed=text)})


def _list_change(name: str, part: str) -> Callable[[Pack, str], Pack]:
    return lambda pack, text: replace(pack, lists={**pack.lists, name: replace(pack.lists[name], **{part: text})})  # type: ignore[arg-type]


def _let_change(name: str, one: str) -> Callable[[Pack, str], Pack]:
    return lambda pack, text: replace(pack, lists={**pack.lists, name: replace(pack.lists[name], let={**pack.lists[name].let, one: text})})


def _scope_change(name: str) -> Callable[[Pack, str], Pack]:
    return lambda pack, text: replace(pack, scopes={**pack.scopes, name: text})


def _matching_edit(constraints: MatchConstraints) -> Edit:
    def edit(subject: Subject) -> Subject:
        assert isinstance(subject, RuleSubject)
        return _Matching(subject, constraints)

    return edit


@dataclass(frozen=True, slots=True, eq=False)
class _Matching:
    """A rule whose policies match something else. Implements `Subject`."""

    base: RuleSubject
    constraints: MatchConstraints

    @property
    def name(self) -> str:
        """See `Subject`."""
        return self.base.name

    @property
    def kubernetes(self) -> str:
        """See `Subject`."""
        return self.base.kubernetes

    @property
    def containerd(self) -> str:
        """See `Subject`."""
        return self.base.containerd

    @property
    def objects(self) -> Sequence[JSONObject]:
        """See `Subject`."""
        return self.base.objects

    def compiled(self, kubernetes: str, containerd: str) -> tuple[Sequence[Policy], Sequence[Binding]]:
        """See `Subject`."""
        policies, bindings = self.base.compiled(kubernetes, containerd)
        return [replace(policy, match_constraints=self.constraints) for policy in policies], bindings

    def with_variables(self, kubernetes: str, containerd: str) -> tuple[Sequence[Policy], Sequence[Binding]]:
        """See `Subject`."""
        policies, bindings = self.base.with_variables(kubernetes, containerd)
        return [replace(policy, match_constraints=self.constraints) for policy in policies], bindings

    def concerns(self, decision: Decision) -> bool:
        """See `Subject`."""
        return self.base.concerns(decision)

    def place(self, policy: Policy, index: int) -> tuple[str, int]:
        """See `Subject`."""
        return self.base.place(policy, index)
