"""From policies that have marked what they evaluated to what is told: a policy, or a rule and what its pack shares."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from hostprocess.cel.marks import CONTAINER_LISTS, FALSE
from hostprocess.cel.source import needed
from hostprocess.compile import scope_of
from hostprocess.coverage.collect import CoveredPolicy, Owner, Seen
from hostprocess.coverage.model import Expression, Part, Steps, Unit, Use, merged_parts
from hostprocess.coverage.uses import may_be_ephemeral
from hostprocess.model import MatchConstraints
from hostprocess.rules import PACK_FILE

__all__ = ["units_of"]


def units_of(covered: CoveredPolicy) -> Iterator[Unit]:
    """What is to be seen of a policy and what was."""
    if covered.owner is None:
        yield _policy(covered)
    else:
        yield _rule(covered, covered.owner)
        yield _pack(covered, covered.owner)


def _parts(seen: Seen, text: str, *, boolean: bool = False) -> tuple[Part, ...]:
    """The parts of a text; the one that is all of it is the whole. What does not compile is a whole that nobody has seen, to be true and false if `boolean`."""
    if not seen:
        return (Part(0, len(text), boolean, whole=True),)
    return merged_parts(Part(start, end, one, marks, whole=(start, end) == (0, len(text))) for (start, end, one), marks in seen.items())


def _policy(covered: CoveredPolicy) -> Unit:
    policy = covered.policy
    expressions: list[Expression] = []
    for number, condition in enumerate(policy.match_conditions):
        seen = covered.seen("matchConditions", condition.expression, number)
        steps: Steps = ("spec", "matchConditions", number, "expression")
        expressions.append(Expression("matchCondition", condition.name, steps, condition.expression, _parts(seen, condition.expression, boolean=True)))
    seen_variables = covered.seen_variables()
    for number, variable in enumerate(policy.variables):
        seen = seen_variables[variable.name]
        expressions.append(
            Expression("variable", variable.name, ("spec", "variables", number, "expression"), variable.expression, _parts(seen, variable.expression))
        )
    for number, validation in enumerate(policy.validations):
        text, name = validation.expression, f"validations[{number}]"
        seen = covered.seen("validations", text, number)
        expressions.append(Expression("validation", name, ("spec", "validations", number, "expression"), text, _parts(seen, text, boolean=True)))
        if text := validation.message_expression:
            seen = covered.seen("messages", text, number)
            expressions.append(Expression("messageExpression", name, ("spec", "validations", number, "messageExpression"), text, _parts(seen, text)))
    for number, annotation in enumerate(policy.audit_annotations):
        text = annotation.value_expression
        seen = covered.seen("auditAnnotations", text, number)
        expressions.append(Expression("auditAnnotation", annotation.key, ("spec", "auditAnnotations", number, "valueExpression"), text, _parts(seen, text)))
    read = covered.lists_read([("validations", one.expression) for one in policy.validations], [one.name for one in policy.variables])
    read |= covered.lists_read([("messages", one.message_expression) for one in policy.validations], ())
    if not may_be_ephemeral(policy.match_constraints):
        read.discard("ephemeralContainers")
    uses = [*_matches(covered, policy.match_constraints, ("spec", "matchConstraints")), *_lists(covered, read, ("spec", "validations"))]
    path = os.path.normpath(policy.path)
    return Unit("policy", policy.name, path, tuple(expressions), tuple(uses), origin=policy.origin)


def _matches(covered: CoveredPolicy, constraints: MatchConstraints, steps: Steps) -> Iterator[Use]:
    for number, rule in enumerate(constraints.resource_rules):
        for kind, values in (("operation", rule.operations), ("resource", rule.resources)):
            for place, value in enumerate(values):
                seen = ("resourceRules", number, f"{kind}s", place) in covered.hits
                yield Use(kind, value, (*steps, "resourceRules", number, f"{kind}s", place), seen)
    for number, rule in enumerate(constraints.exclude_resource_rules):
        seen = any(hit[:2] == ("excludeResourceRules", number) for hit in covered.hits)
        yield Use("excluded", ", ".join(rule.resources), (*steps, "excludeResourceRules", number), seen)


def _lists(covered: CoveredPolicy, read: Iterable[str], steps: Steps) -> Iterator[Use]:
    wanted = set(read)
    return (Use("containers", name, steps, name in covered.containers) for name in CONTAINER_LISTS if name in wanted)


def _rule(covered: CoveredPolicy, owner: Owner) -> Unit:
    rule, policy = owner.rule, covered.policy
    expressions: list[Expression] = []
    compiled = {one.number: (index, one) for index, one in enumerate(policy.validations)}
    if rule.when and policy.validations:
        seen = dict(covered.seen("validations", rule.when, 0))
        if covered.out_of_scope:
            # The condition of the policy has said it before `when` was asked.
            leading = f"variables.{scope_of(owner.pack, rule)}"
            for key in seen:
                if key[0] == 0 and key[2] and rule.when[: key[1]] in (leading, rule.when):
                    seen[key] |= FALSE
        expressions.append(Expression("when", "when", ("when",), rule.when, _parts(seen, rule.when, boolean=True)))
    read: set[str] = set()
    for number, validation in enumerate(rule.validations):
        text, name = validation.expression, f"validations[{number}]"
        steps: Steps = ("validations", number, "expression")
        if number not in compiled:
            # Of another release, or another severity: that is another policy, or no suite is about it.
            expressions.append(Expression("validation", name, steps, text, _parts({}, text, boolean=True)))
            if text := validation.message_expression:
                expressions.append(Expression("messageExpression", name, ("validations", number, "messageExpression"), text, _parts({}, text)))
            continue
        index, one = compiled[number]
        expressions.append(Expression("validation", name, steps, text, tuple(_written(covered.seen("validations", one.body, index), one.body, text))))
        read |= covered.lists_read([("validations", one.body)], _names(owner, one.body))
        if text := validation.message_expression:
            seen_message = covered.seen("messages", one.message_expression, index)
            steps = ("validations", number, "messageExpression")
            expressions.append(Expression("messageExpression", name, steps, text, tuple(_written(seen_message, one.message_expression, text))))
    uses = _lists(covered, read, ("validations",))
    return Unit("rule", rule.id, rule.path, tuple(expressions), tuple(uses), pack=owner.pack.folder)


def _names(owner: Owner, body: str) -> list[str]:
    """The variables that a compiled validation reads, but for the one that it begins with: that is about the old pod."""
    opening = f"variables.{scope_of(owner.pack, owner.rule)}Before || ("
    return needed([body.removeprefix(opening)], {one.name: one.expression for one in owner.pack.variables})


def _written(seen: Seen, body: str, text: str) -> Iterator[Part]:
    """The parts of the `text` that a rule has, which ends what was compiled of it; and the result of that."""
    start = body.rfind(text)
    found = [Part(0, len(text), boolean, marks, whole=True) for (first, last, boolean), marks in seen.items() if (first, last) == (0, len(body))]
    found += [
        Part(first - start, last - start, boolean, marks)
        for (first, last, boolean), marks in seen.items()
        if (first, last) != (0, len(body)) and start <= first and last <= start + len(text)
    ]
    return iter(merged_parts(found) if found else (Part(0, len(text), True, whole=True),))


def _pack(covered: CoveredPolicy, owner: Owner) -> Unit:
    pack, policy = owner.pack, covered.policy
    own = {variable.name: (number, variable.expression) for number, variable in enumerate(pack.variables)}
    expressions: list[Expression] = []
    conditions = {condition.expression: number for number, condition in enumerate(pack.match_conditions)}
    made: list[tuple[Seen, str]] = []
    """What compilation has made of texts of the pack."""
    for number, condition in enumerate(policy.match_conditions):
        text = condition.expression
        seen = covered.seen("matchConditions", text, number)
        if text in conditions:
            expressions.append(
                Expression("matchCondition", condition.name, ("matchConditions", conditions[text], "expression"), text, _parts(seen, text, boolean=True))
            )
        else:
            made.append((seen, text))
    seen_variables = covered.seen_variables()
    for variable in policy.variables:
        seen = seen_variables[variable.name]
        if variable.name in own and own[variable.name][1] == variable.expression:
            steps: Steps = ("variables", own[variable.name][0], "expression")
            expressions.append(Expression("variable", variable.name, steps, variable.expression, _parts(seen, variable.expression)))
        else:
            made.append((seen, variable.expression))
    made += [(covered.seen("validations", one.body, index), one.body) for index, one in enumerate(policy.validations)]
    for kind, name, steps, text in _texts(owner):
        parts = merged_parts(part for seen, whole in made for part in _occurrences(seen, whole, text))
        if parts:
            expressions.append(Expression(kind, name, steps, text, parts))
    uses = _matches(covered, policy.match_constraints, ("matchConstraints",))
    # What stands by itself and in what is compiled of the pack is one expression.
    found: dict[Steps, Expression] = {}
    for one in expressions:
        found[one.steps] = replace(one, parts=merged_parts((*found[one.steps].parts, *one.parts))) if one.steps in found else one
    return Unit("pack", pack.name, os.path.join(pack.folder, PACK_FILE), tuple(found.values()), tuple(uses), pack=pack.folder)


def _texts(owner: Owner) -> Iterator[tuple[str, str, Steps, str]]:
    """The texts of a pack that stand in what is compiled of it. Those that are the same, by an alias perhaps, are one."""
    told: set[str] = set()
    for number, variable in enumerate(owner.pack.variables):
        if variable.name == "podTemplate":  # conditions may read no variables, so they hold it
            yield "variable", variable.name, ("variables", number, "expression"), variable.expression
    scopes: Mapping[str, str] = owner.pack.scopes
    for kind, name, steps, text in (
        *(("scope", name, ("scopes", name), text) for name, text in scopes.items()),
        *(("input", name, ("inputs", name, "changed"), one.changed) for name, one in owner.pack.inputs.items()),
        *(("let", f"{name}.{let}", ("lists", name, "let", let), text) for name, one in owner.pack.lists.items() for let, text in one.let.items()),
    ):
        if text not in told:
            told.add(text)
            yield kind, name, steps, text


def _occurrences(seen: Seen, whole: str, text: str) -> Iterator[Part]:
    start = whole.find(text)
    while start >= 0:
        end = start + len(text)
        for (first, last, boolean), marks in seen.items():
            if start <= first and last <= end:
                yield Part(first - start, last - start, boolean, marks)
        start = whole.find(text, start + 1)
