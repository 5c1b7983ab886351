"""Rules to policies: one ValidatingAdmissionPolicy for each (bundle, severity, kind of parameters), and its binding."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from hostprocess.cel.source import enclosable, is_group, mentions, needed, variables_of
from hostprocess.errors import PolicyError, UsageError, suggestion
from hostprocess.model import Binding, Elements, MatchCondition, MatchConstraints, ParamKind, ParamRef, Policy, Rule, RuleValidation, Targets, Validation
from hostprocess.policy import match_constraints
from hostprocess.rules import ListOf, Pack

__all__ = ["check_names", "compile_pack", "scope_of", "select_rules"]

# The binding set `deny` of the architecture: what offline findings count as.
_ACTIONS = {"error": ("Deny", "Audit"), "warning": ("Warn", "Audit"), "info": ("Audit",)}
_SEVERITIES = ("error", "warning", "info")
Key = tuple[str, str, ParamKind | None]


def select_rules(pack: Pack, targets: Targets, bundles: Collection[str] = (), select: Collection[str] = (), ignore: Collection[str] = ()) -> list[Rule]:
    """The rules that a run is about.

    Arguments: `bundles` (empty: those that are on by default), `select` (empty: all; else only these, whatever their bundle), `ignore`.
    Retired rules and rules outside the targets are left out. Names of other packs are passed over, see `check_names`.
    """
    wanted = set(bundles) or {name for name, bundle in pack.bundles.items() if bundle.default}
    chosen = []
    for rule in pack.rules:
        named = rule.id in select if select else rule.bundle in wanted
        current = rule.status != "retired" and rule.kubernetes.holds(targets.kubernetes) and rule.containerd.holds(targets.containerd)
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
    grouped: dict[Key, list[tuple[Rule, Validation]]] = {}
    for rule in rules:
        for validation in rule.validations:
            if validation.kubernetes.holds(targets.kubernetes) and validation.containerd.holds(targets.containerd):
                compiled = _compiled(pack, rule, validation)
                key = (rule.bundle, validation.severity, _param_kind(pack, rule, compiled))
                grouped.setdefault(key, []).append((rule, compiled))
    order = list(pack.bundles)
    constraints = match_constraints(pack.match_constraints)
    policies, bindings = [], []
    conditions = _match_conditions(pack, grouped)
    for key in sorted(grouped, key=lambda key: (order.index(key[0]), _SEVERITIES.index(key[1]), str(key[2] or ""))):
        policy = _policy(pack, constraints, key, grouped[key], conditions[key])
        policies.append(policy)
        bindings.append(Binding(name=f"{policy.name}-deny", policy_name=policy.name, validation_actions=_ACTIONS[key[1]], param_ref=_param_ref(pack, key)))
    return policies, bindings


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
    variables = {variable.name: variable.expression for variable in pack.variables}
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


def _param_ref(pack: Pack, key: Key) -> ParamRef | None:
    bundle, _, kind = key
    if kind is None:
        return None
    params = pack.bundles[bundle].params
    if params and params["kind"] == kind.kind:
        return ParamRef(name=params["name"], namespace=params["namespace"], parameter_not_found_action="Allow")
    return ParamRef(selector={}, parameter_not_found_action="Allow")


def _policy(pack: Pack, constraints: MatchConstraints, key: Key, members: list[tuple[Rule, Validation]], condition: MatchCondition) -> Policy:
    bundle, severity, kind = key
    name = f"hostprocess-{bundle}-{severity}" + (f"-{kind.kind.lower()}" if kind else "")
    validations = tuple(validation for _, validation in members)
    variables = {variable.name: variable for variable in pack.variables}
    texts = {variable.name: variable.expression for variable in pack.variables}
    expressions = [text for one in validations for text in (one.expression, one.message_expression)]
    return Policy(
        name=name,
        match_constraints=constraints,
        match_conditions=(condition,),
        variables=tuple(variables[one] for one in needed(expressions, texts)),
        validations=validations,
        failure_policy="Fail" if severity == "error" else "Ignore",
        param_kind=kind,
        path=pack.folder,
    )


def _match_conditions(pack: Pack, grouped: Mapping[Key, list[tuple[Rule, Validation]]]) -> dict[Key, MatchCondition]:
    """The condition of each policy: one of the scopes of its rules."""
    template = next(variable.expression for variable in pack.variables if variable.name == "podTemplate")
    scopes: dict[Key, list[str]] = {}
    for key, members in grouped.items():
        named = {scope_of(pack, rule) for rule, _ in members}
        conditions = dict.fromkeys(pack.scopes[scope] for scope in pack.scopes if scope in named)
        # The condition of one scope may hold that of another as a part: then the longer says it all.
        scopes[key] = [one for one in conditions if not any(one != other and one in other for other in conditions)]
    texts = {key: f"[{template}].exists(template, has(template.spec) && ({' || '.join(listed)}))" for key, listed in scopes.items()}
    return {
        key: MatchCondition(
            name="concerns-its-rules",
            expression=text,
            implies=tuple(dict.fromkeys(texts[other] for other in grouped if texts[other] != text and _implies(scopes[key], scopes[other]))),
        )
        for key, text in texts.items()
    }


def _implies(scopes: list[str], others: list[str]) -> bool:
    """Whether one of `others` is true where one of `scopes` is: each of them is there, alone or as the beginning of a longer disjunction."""
    return all("?" not in scope and any(other == scope or other.startswith(f"{scope} ||") for other in others) for scope in scopes)


def _compiled(pack: Pack, rule: Rule, validation: RuleValidation) -> Validation:
    when, expression, elements = enclosable(rule.when), enclosable(validation.expression), None
    if validation.each:
        expression, elements = _over(pack, pack.lists[validation.each], expression)
    known = {variable.name for variable in pack.variables}
    for text in (expression, rule.when, validation.message_expression):
        if unknown := variables_of(text) - known:
            raise PolicyError(f"there is no variable {', '.join(sorted(unknown))} in pack.yaml", path=rule.path)
    return Validation(
        expression=f"!({when}) || ({expression})",
        message=f"[{rule.id}] {validation.message}",
        message_expression=f"'[{rule.id}] ' + ({enclosable(validation.message_expression)})" if validation.message_expression else "",
        rule=rule.id,
        when=rule.when,
        body=expression,
        paths=validation.paths,
        elements=elements,
    )


def _over(pack: Pack, about: ListOf, body: str) -> tuple[str, Elements]:
    """An expression about each element of a list, and the one that tells which elements fail it."""
    body = _with_let(about, body)
    if about.paths:
        return f"variables.{about.name}.all(item, {body})", Elements(expression=f"variables.{about.name}.map(item, {body})", places=about.paths)
    outer = pack.lists[about.of]
    if about.where:
        expression = f"variables.{outer.name}.map(item, !({about.where}) || ({body}))"
        return f"variables.{about.name}.all(item, {body})", Elements(expression=expression, places=outer.paths)
    inner = f"has(container.{about.field})"
    single = f"variables.{outer.name}.all(container, !{inner} || container.{about.field}.all(item, {body}))"
    base = pack.lists[outer.of] if outer.of else outer
    guard = f"[container].exists(item, {outer.where}) && {inner}" if outer.where else inner
    mapped = f"variables.{base.name}.map(container, {guard} ? container.{about.field}.map(item, {body}) : [])"
    return single, Elements(expression=mapped, places=base.paths, nested=about.field)


def _with_let(about: ListOf, body: str) -> str:
    for name, expression in about.let.items():
        if mentions(body, name):
            body = f"[{expression}].all({name}, {body})"
    return body
