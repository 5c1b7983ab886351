"""Rules to policies: one ValidatingAdmissionPolicy for each (bundle, severity, kind of parameters), and its binding."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from hostprocess.cel.source import enclosable, is_group, mentions, needed, rename, variables_of
from hostprocess.errors import PolicyError, UsageError, suggestion
from hostprocess.model import (
    Binding,
    Elements,
    MatchCondition,
    MatchConstraints,
    ParamKind,
    ParamRef,
    Policy,
    Rule,
    RuleValidation,
    Targets,
    Validation,
    Variable,
)
from hostprocess.policy import match_constraints
from hostprocess.rules import ListOf, Pack

__all__ = ["BINDING_SETS", "SCOPE_CONDITION", "PolicyKey", "check_names", "compile_pack", "compile_policies", "param_ref", "scope_of", "select_rules"]

# The validationActions of each set of bindings, by severity. Of the three, `deny` is what offline findings count as.
BINDING_SETS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "audit": {"error": ("Audit",), "warning": ("Audit",), "info": ("Audit",)},
    "warn": {"error": ("Warn", "Audit"), "warning": ("Warn", "Audit"), "info": ("Audit",)},
    "deny": {"error": ("Deny", "Audit"), "warning": ("Warn", "Audit"), "info": ("Audit",)},
}
SCOPE_CONDITION = "concerns-its-rules"
"""The matchCondition made of the scopes of the rules of a policy."""
_SEVERITIES = ("error", "warning", "info")


class PolicyKey(NamedTuple):
    """What the validations of one policy have in common; `rule` is empty where several rules are one policy."""

    bundle: str
    severity: str
    param_kind: ParamKind | None
    inputs: tuple[str, ...]
    rule: str = ""


def select_rules(
    pack: Pack,
    targets: Targets,
    bundles: Collection[str] = (),
    select: Collection[str] = (),
    ignore: Collection[str] = (),
    *,
    with_authorizer: bool = False,
) -> list[Rule]:
    """The rules that a run is about.

    Arguments: `bundles` (empty: those that are on by default), `select` (empty: all; else only these, whatever their bundle), `ignore`;
    `with_authorizer` lets in those that ask the authorizer, of any bundle unless some are named. Retired rules and rules outside the targets are left out.
    Names of other packs are passed over, see `check_names`.
    """
    wanted = set(bundles) or {name for name, bundle in pack.bundles.items() if bundle.default}
    chosen = []
    for rule in pack.rules:
        if select:
            named = rule.id in select
        elif rule.opt_in:
            named = with_authorizer and (rule.bundle in wanted or not bundles)
        else:
            named = rule.bundle in wanted
        current = rule.status != "retired" and targets.allow(rule)
        if named and current and rule.id not in ignore:
            chosen.append(rule)
    return chosen


def check_names(packs: Collection[Pack], bundles: Collection[str], rules: Collection[str]) -> None:
    """Raises `UsageError` for a bundle or a rule that none of the packs has."""
    _known("bundle", bundles, {name for pack in packs for name in pack.bundles})
    _known("rule", rules, {rule.id for pack in packs for rule in pack.rules})


def _known(what: str, names: Iterable[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise UsageError(f"there is no {what} {name!r}" + (suggestion(name, known) or f"; there are {', '.join(sorted(known))}"))


def compile_pack(pack: Pack, rules: Iterable[Rule], targets: Targets) -> tuple[list[Policy], list[Binding]]:
    """The policies of these rules, and one binding of the set `deny` for each. Raises `PolicyError` for a rule that cannot be compiled."""
    compiled = compile_policies(pack, rules, targets)
    bindings = [
        Binding(name=f"{policy.name}-deny", policy_name=policy.name, validation_actions=BINDING_SETS["deny"][key.severity], param_ref=param_ref(pack, key))
        for key, policy in compiled
    ]
    return [policy for _, policy in compiled], bindings


def compile_policies(
    pack: Pack,
    rules: Iterable[Rule],
    targets: Targets,
    *,
    apart: Callable[[Rule], object] | None = None,
    severity_of: Callable[[Rule, RuleValidation], str] | None = None,
) -> list[tuple[PolicyKey, Policy]]:
    """The policies of these rules, and what the validations of each have in common.

    Arguments: `apart` says which rules are policies of their own; `severity_of` says which severity a validation counts as (default: its own).
    Raises `PolicyError` for a rule that cannot be compiled.
    """
    grouped: dict[PolicyKey, list[tuple[Rule, Validation]]] = {}
    for rule in rules:
        for number, validation in enumerate(rule.validations):
            if not targets.allow(validation):
                continue
            compiled = _compiled(pack, rule, validation, number)
            severity = severity_of(rule, validation) if severity_of else validation.severity
            key = PolicyKey(rule.bundle, severity, _param_kind(pack, rule, compiled), rule.inputs, rule.id if apart and apart(rule) else "")
            grouped.setdefault(key, []).append((rule, compiled))
    order = list(pack.bundles)
    constraints = match_constraints(pack.match_constraints)
    scopes = _scope_conditions(pack, grouped)
    keys = sorted(grouped, key=lambda key: (order.index(key.bundle), _SEVERITIES.index(key.severity), str(key.param_kind or ""), key.inputs, key.rule))
    return [(key, _policy(pack, constraints, key, grouped[key], scopes[key])) for key in keys]


def scope_of(pack: Pack, rule: Rule) -> str:
    """The scope that a rule's `when` begins with. Raises `PolicyError` if it does not begin with one."""
    name, _, rest = rule.when.removeprefix("variables.").partition("&&")
    if not rule.when.startswith("variables.") or name.strip() not in pack.scopes or (rest and not _grouped(rest.strip())):
        raise PolicyError(f"when: must be one of {', '.join('variables.' + scope for scope in pack.scopes)}, alone or followed by && (…)", path=rule.path)
    return name.strip()


def _grouped(text: str) -> bool:
    """Whether the text is one expression in parentheses, or of operators that bind no weaker than `&&`, so that it cannot undo the scope before it."""
    return is_group(text) or not ("||" in text or "?" in text)


def _param_kind(pack: Pack, rule: Rule, validation: Validation) -> ParamKind | None:
    variables = _variables(pack)
    texts = [validation.expression, validation.message_expression]
    texts += [variables[name] for name in needed(texts, variables)]
    if not any(mentions(text, "params") for text in texts):
        return None
    params = pack.bundles[rule.bundle].params
    if rule.param_kind:
        return rule.param_kind
    if params is None:
        raise PolicyError("a validation reads params, but neither the rule nor its bundle says of which paramKind", path=rule.path)
    return ParamKind(api_version=params["apiVersion"], kind=params["kind"])


def param_ref(pack: Pack, key: PolicyKey) -> ParamRef | None:
    """What a binding of the policy says about its parameters; None where it takes none. A missing parameter must not stop the cluster."""
    if key.param_kind is None:
        return None
    params = pack.bundles[key.bundle].params
    if params and params["kind"] == key.param_kind.kind:
        return ParamRef(name=params["name"], namespace=params["namespace"], parameter_not_found_action="Allow")
    return ParamRef(selector={}, parameter_not_found_action="Allow")


def _policy(pack: Pack, constraints: MatchConstraints, key: PolicyKey, members: list[tuple[Rule, Validation]], scope: MatchCondition) -> Policy:
    validations = tuple(validation for _, validation in members)
    variables = _variables(pack)
    expressions = [text for one in validations for text in (one.expression, one.message_expression)]
    return Policy(
        name=_name(pack, key),
        match_constraints=constraints,
        match_conditions=(scope, *pack.match_conditions, *_inputs_condition(pack, key.inputs)),
        variables=tuple(Variable(name=one, expression=variables[one]) for one in needed(expressions, variables)),
        validations=validations,
        failure_policy="Fail" if key.severity == "error" else "Ignore",
        param_kind=key.param_kind,
        path=pack.folder,
    )


def _name(pack: Pack, key: PolicyKey) -> str:
    parts = [key.rule or key.bundle, key.severity]
    if key.param_kind:
        parts.append(key.param_kind.kind)
    if key.inputs != _default_inputs(pack):
        parts += key.inputs
    return "-".join(["hostprocess", *parts]).lower()


def _default_inputs(pack: Pack) -> tuple[str, ...]:
    return tuple(name for name, about in pack.inputs.items() if about.default)


def _inputs_condition(pack: Pack, names: Iterable[str]) -> Iterator[MatchCondition]:
    """The condition that an UPDATE changes what the rules judge; nothing for a pack that names no inputs."""
    changed = [pack.inputs[name].changed for name in names]
    if changed:
        now, before = _template(pack), rename(_template(pack), "object", "oldObject")
        text = f"oldObject == null || [{now}].exists(now, [{before}].exists(before, {' || '.join(changed)}))"
        yield MatchCondition(name="changes-what-its-rules-judge", expression=text)


def _template(pack: Pack) -> str:
    return next(variable.expression for variable in pack.variables if variable.name == "podTemplate")


def _before(scope: str) -> str:
    """The variable that tells whether the old pod was in a scope already, where only containers change."""
    return f"{scope}Before"


def _variables(pack: Pack) -> dict[str, str]:
    """The shared variables, name to expression, and those about the old pod that the pack's scopes make."""
    variables = {variable.name: variable.expression for variable in pack.variables}
    if pack.only_containers_change:
        for scope, condition in pack.scopes.items():
            variables[_before(scope)] = f"{pack.only_containers_change} && [dyn(oldObject)].exists(template, has(template.spec) && ({condition}))"
    return variables


def _scope_conditions(pack: Pack, grouped: Mapping[PolicyKey, list[tuple[Rule, Validation]]]) -> dict[PolicyKey, MatchCondition]:
    """The condition of each policy: one of the scopes of its rules."""
    scopes: dict[PolicyKey, list[str]] = {}
    for key, members in grouped.items():
        named = {scope_of(pack, rule) for rule, _ in members}
        conditions = dict.fromkeys(pack.scopes[scope] for scope in pack.scopes if scope in named)
        # The condition of one scope may hold that of another as a part: then the longer says it all.
        scopes[key] = [one for one in conditions if not any(one != other and one in other for other in conditions)]
    texts = {key: f"[{_template(pack)}].exists(template, has(template.spec) && ({' || '.join(listed)}))" for key, listed in scopes.items()}
    return {
        key: MatchCondition(
            name=SCOPE_CONDITION,
            expression=text,
            implies=tuple(dict.fromkeys(texts[other] for other in grouped if texts[other] != text and _implies(scopes[key], scopes[other]))),
        )
        for key, text in texts.items()
    }


def _implies(scopes: list[str], others: list[str]) -> bool:
    """Whether one of `others` is true where one of `scopes` is: each of them is there, alone or as the beginning of a longer disjunction."""
    return all("?" not in scope and any(other == scope or other.startswith(f"{scope} ||") for other in others) for scope in scopes)


def _compiled(pack: Pack, rule: Rule, validation: RuleValidation, number: int) -> Validation:
    when, expression, elements = enclosable(rule.when), enclosable(validation.expression), None
    if validation.each:
        expression, elements = _over(pack, pack.lists[validation.each], expression)
    variables = _variables(pack)
    for text in (expression, rule.when, validation.message_expression):
        if unknown := variables_of(text) - {variable.name for variable in pack.variables}:
            raise PolicyError(f"there is no variable {', '.join(sorted(unknown))} in pack.yaml", path=rule.path)
    if pack.only_containers_change and not _reads_containers(pack, expression, variables):
        expression = f"variables.{_before(scope_of(pack, rule))} || ({expression})"
    return Validation(
        expression=f"!({when}) || ({expression})",
        message=f"[{rule.id}] {validation.message}",
        message_expression=f"'[{rule.id}] ' + ({enclosable(validation.message_expression)})" if validation.message_expression else "",
        rule=rule.id,
        when=rule.when,
        body=expression,
        paths=validation.paths,
        elements=elements,
        number=number,
    )


def _reads_containers(pack: Pack, expression: str, variables: Mapping[str, str]) -> bool:
    """Whether an expression reads one of the lists that leave elements out, or all of their elements."""
    lists = {name for about in pack.lists.values() if about.all for name in (about.name, about.all)}
    return not lists.isdisjoint(needed([expression], variables))


def _over(pack: Pack, about: ListOf, body: str) -> tuple[str, Elements]:
    """An expression about each element of a list, and the one that tells which elements fail it."""
    body = _with_let(about, body)
    if about.paths:
        judged = f"{about.unless} || ({body})" if about.all else body
        return f"variables.{about.name}.all(item, {body})", Elements(expression=f"variables.{_base(about)}.map(item, {judged})", places=about.paths)
    outer = pack.lists[about.of]
    if about.where:
        judged = " || ".join([*_unless(outer), f"!({about.where})", f"({body})"])
        return f"variables.{about.name}.all(item, {body})", Elements(expression=f"variables.{_base(outer)}.map(item, {judged})", places=outer.paths)
    inner = f"has(container.{about.field})"
    single = f"variables.{outer.name}.all(container, !{inner} || container.{about.field}.all(item, {body}))"
    base = pack.lists[outer.of] if outer.of else outer
    kept = [*(f"!({one})" for one in _unless(base)), *([f"({outer.where})"] if outer.where else [])]
    guard = f"[container].exists(item, {' && '.join(kept)}) && {inner}" if kept else inner
    mapped = f"variables.{_base(base)}.map(container, {guard} ? container.{about.field}.map(item, {body}) : [])"
    return single, Elements(expression=mapped, places=base.paths, nested=about.field)


def _base(about: ListOf) -> str:
    """The variable whose elements are in the places of the list, all of them."""
    return about.all or about.name


def _unless(about: ListOf) -> list[str]:
    return [about.unless] if about.all else []


def _with_let(about: ListOf, body: str) -> str:
    for name, expression in about.let.items():
        if mentions(body, name):
            body = f"[{expression}].all({name}, {body})"
    return body
