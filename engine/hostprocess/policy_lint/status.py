"""`status.typeChecking` as the controller of the API server fills it in, for the built-in kinds: advisory, and stricter than evaluation.

Source: k8s.io/apiserver/pkg/admission/plugin/policy/validating/typechecking.go; pkg/cel/common/schemas.go for the types.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from hostprocess.cel.environment import Environment, environment
from hostprocess.cel.frontend import compile_checked
from hostprocess.cel.runtime import CompileError
from hostprocess.cel.types import BOOL, BYTES, DOUBLE, DYN, INT, STRING, TIMESTAMP, Type, list_of, map_of
from hostprocess.kubernetes.catalogue import fields_of
from hostprocess.policy_fields import is_identifier
from hostprocess.policy_lint.built_in_kinds import built_in_schemas, catalogued
from hostprocess.policy_lint.field_errors import Steps, field_path
from hostprocess.policy_lint.kinds_matched import ResourceKinds
from hostprocess.policy_lint.narrowing import MatchedKind

__all__ = ["ExpressionWarning", "expression_warnings"]

JSONObject = Mapping[str, Any]
_MAX_KINDS = 10
_KEYWORD_MINOR = 32  # the compatibility version, one release behind, has to be 1.31
_PARAMS_MINOR = 35
_AUTHORIZER = {"authorizer": Type("struct", "kubernetes.authorization.Authorizer")}
# A quantity has no type of its own in OpenAPI, so that it is not there for the check.
_LETTERS: Mapping[str, Type | None] = {
    "s": STRING,
    "b": BOOL,
    "i": INT,
    "l": INT,
    "f": DOUBLE,
    "q": None,
    "o": DYN,
    "t": TIMESTAMP,
    "m": TIMESTAMP,
    "d": STRING,
    "y": BYTES,
}


@dataclass(frozen=True, slots=True)
class ExpressionWarning:
    """`status.typeChecking.expressionWarnings[]`."""

    steps: Steps
    warning: str

    @property
    def field_ref(self) -> str:
        """`spec.validations[0].expression`."""
        return field_path(self.steps)


def expression_warnings(spec: JSONObject, minor: int) -> list[ExpressionWarning]:
    """The warnings of Kubernetes 1.`minor` about a policy with this spec. Types are named after their kind, without the number behind it."""
    kinds = {kind: _composed(spec, kind, minor) for kind in _kinds(spec, minor)}
    found = []
    for index, validation in enumerate(spec.get("validations") or ()):
        for key in ("expression", "messageExpression"):
            text = (validation or {}).get(key) or ""
            if key == "expression" or text:
                lines = [f"{kind}: {issues}\n" for kind, declared in kinds.items() if (issues := _issues(text, declared))]
                if lines:
                    found.append(ExpressionWarning(("spec", "validations", index, key), "\n".join(lines)))
    return found


def _kinds(spec: JSONObject, minor: int) -> list[MatchedKind]:
    schemas = built_in_schemas(minor)
    kinds: set[MatchedKind] = set()
    for rule in (spec.get("matchConstraints") or {}).get("resourceRules") or ():
        rule = rule or {}
        groups, versions = sorted(rule.get("apiGroups") or ()), sorted(rule.get("apiVersions") or ())
        resources = sorted(one for one in rule.get("resources") or () if not {"*", "/"} & set(one))
        if any("*" in one for one in (*groups, *versions)):
            continue
        count = 0
        for wanted in ((group, version, resource) for group in groups for version in versions for resource in resources):
            for key in _served(wanted, schemas.resources):
                kinds.add(MatchedKind(key[0], key[1], schemas.resources[key]))
                count += 1
                if count == _MAX_KINDS:
                    return _known(kinds, minor)
    return _known(kinds, minor)


def _served(wanted: tuple[str, str, str], resources: ResourceKinds) -> list[tuple[str, str, str]]:
    """The resources that the RESTMapper finds: an empty group stands for any. Alpha and beta versions are not served unless they are switched on."""
    group, version, plural = wanted
    if "alpha" in version or "beta" in version:
        return []
    return sorted(key for key in resources if key[1:] == (version, plural) and group in ("", key[0]))


def _known(kinds: set[MatchedKind], minor: int) -> list[MatchedKind]:
    return [kind for kind in sorted(kinds) if built_in_schemas(minor).of(kind.api_version, kind.kind)]


def _composed(spec: JSONObject, kind: MatchedKind, minor: int) -> Environment:
    """What the validations of a policy may name for a kind: its variables too, whose types hang on the kind alone."""
    declared = _declared(kind, spec.get("paramKind"), minor)
    types: dict[str, Type] = {}
    for variable in spec.get("variables") or ():
        name = (variable or {}).get("name") or ""
        if is_identifier(name):
            types[name] = _type_of((variable or {}).get("expression") or "", declared.declare(frozenset({"variables"}), types))
    return declared.declare(frozenset({"variables"}), types)


def _issues(expression: str, declared: Environment) -> str:
    try:
        compile_checked(expression, declared)
    except CompileError as error:
        return "" if error.limitation else error.text.removeprefix("compilation failed: ")
    return ""


def _type_of(expression: str, declared: Environment) -> Type:
    try:
        return compile_checked(expression, declared).result_type
    except CompileError:
        return DYN


def _declared(kind: MatchedKind, params: JSONObject | None, minor: int) -> Environment:
    api_version, name = ((params or {}).get(key) or "" for key in ("apiVersion", "kind"))
    return _environment(kind.api_version, kind.kind, api_version, name, minor)


@cache
def _environment(api_version: str, kind: str, params_version: str, params_kind: str, minor: int) -> Environment:
    base = environment(f"1.{minor}", True).declare(frozenset({"request", "namespaceObject"}), {})
    own, messages = _typed(api_version, kind, kind, minor)
    identifiers = {**base.identifiers, **_AUTHORIZER, "object": own, "oldObject": own}
    if params_kind or params_version:
        params, more = _typed(params_version, params_kind, params_kind, minor)
        if params != DYN or minor >= _PARAMS_MINOR:
            identifiers["params"] = params
        messages = {**messages, **more}
    return replace(base, identifiers=identifiers, fields={**base.fields, **messages})


def _typed(api_version: str, kind: str, name: str, minor: int) -> tuple[Type, dict[str, dict[str, Type]]]:
    """The type of a kind, and the messages below it: each place has a message of its own."""
    root = built_in_schemas(minor).of(api_version, kind)
    if root is None:
        return DYN, {}
    messages: dict[str, dict[str, Type]] = {}
    _add(name, root.name, messages, minor, ())
    return Type("struct", name), messages


def _add(name: str, struct: str, messages: dict[str, dict[str, Type]], minor: int, above: tuple[str, ...]) -> None:
    fields: dict[str, Type] = {}
    messages[name] = fields
    for field in fields_of(struct, catalogued(minor)):
        found = _field_type(field.type.lstrip("*"), f"{name}.{field.name}", messages, minor, (*above, struct))
        if found is not None:
            fields.update((written, found) for written in _written(field.name, minor))


def _field_type(text: str, name: str, messages: dict[str, dict[str, Type]], minor: int, above: tuple[str, ...]) -> Type | None:
    text = text.lstrip("*")
    match text[0]:
        case "[":
            element = _field_type(text[1:], f"{name}.@idx", messages, minor, above)
            return list_of(element) if element else None
        case "{":
            element = _field_type(text[1:], f"{name}.@elem", messages, minor, above)
            return map_of(STRING, element) if element else None
        case "@":
            if text[1:] in above:
                return None
            _add(name, text[1:], messages, minor, above)
            return Type("struct", name)
        case "r":
            messages[name] = {}
            return Type("struct", name)
    return _LETTERS[text[0]]


def _written(name: str, minor: int) -> Iterator[str]:
    """A field whose name is reserved in CEL is escaped; later it may be written as it is too."""
    if is_identifier(name):
        yield name
        return
    yield f"__{name}__"
    if minor >= _KEYWORD_MINOR:
        yield name
