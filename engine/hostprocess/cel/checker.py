"""The type checker: which types and which declarations the nodes of a parsed tree have, or what is wrong with it, in the words of cel-go.

Source: github.com/google/cel-go/checker/checker.go. cel-expr-python has a checker too, but it knows neither messages without a
descriptor nor homogeneous literals.
"""

from __future__ import annotations

from collections.abc import Mapping as Names
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hostprocess.cel import types
from hostprocess.cel.nodes import Call, Comprehension, Const, Entry, Ident, ListLiteral, MapLiteral, Node, Select, Struct
from hostprocess.cel.standard import Signature
from hostprocess.cel.types import BOOL, DYN, ERROR, Mapping, Type, display
from hostprocess.cel.values import Uint

__all__ = ["Checked", "Declarations", "Reference", "check"]

_LITERALS = {bool: BOOL, int: types.INT, Uint: types.UINT, float: types.DOUBLE, str: types.STRING, bytes: types.BYTES, type(None): types.NULL}


class Declarations(Protocol):
    """What may be named."""

    @property
    def functions(self) -> Names[str, Sequence[Signature]]:
        """The overloads of each function, in order."""

    @property
    def identifiers(self) -> Names[str, Type]:
        """Variables and, with a type `type(…)`, the names of types."""

    @property
    def fields(self) -> Names[str, Names[str, Type]]:
        """The fields of each message."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What a node names: an identifier, or a function with the overloads that may be meant.

    `qualified`: the target of the call is a part of the function's name. `outer`: a variable of a comprehension hides the name.
    """

    name: str
    overloads: tuple[str, ...] = ()
    qualified: bool = False
    outer: bool = False


@dataclass(frozen=True, slots=True)
class Checked:
    """The result: `types` and `references` by node, and errors as pairs of node and message."""

    root: Node
    types: Names[int, Type]
    references: Names[int, Reference]
    errors: tuple[tuple[int, str], ...]

    @property
    def result_type(self) -> Type:
        """The type of the whole expression."""
        return self.types[self.root.id]


def check(root: Node, declarations: Declarations) -> Checked:
    """Checks a tree."""
    checker = _Checker(declarations)
    checker.check(root)
    found = {identity: types.substitute(checker.mapping, kind, True) for identity, kind in checker.types.items()}
    return Checked(root, found, checker.references, tuple(checker.errors))


class _Checker:
    def __init__(self, declarations: Declarations) -> None:
        self._declared = declarations
        self._scopes: list[dict[str, Type]] = []
        self._variables = 0
        self.mapping = Mapping()
        self.types: dict[int, Type] = {}
        self.references: dict[int, Reference] = {}
        self.errors: list[tuple[int, str]] = []

    def check(self, node: Node) -> Type:
        """Finds the type of a node and of all below it."""
        kind = self._kind(node)
        self.types[node.id] = kind
        return kind

    def _kind(self, node: Node) -> Type:
        if isinstance(node, Const):
            return _LITERALS[type(node.value)]
        if isinstance(node, Ident):
            return self._ident(node)
        if isinstance(node, Select):
            return self._select(node)
        if isinstance(node, Call):
            return self._call(node)
        if isinstance(node, ListLiteral):
            return self._list(node)
        if isinstance(node, MapLiteral):
            return self._map(node)
        if isinstance(node, Comprehension):
            return self._comprehension(node)
        return self._struct(node)

    def _error(self, node: int, message: str) -> Type:
        self.errors.append((node, message))
        return ERROR

    def _undeclared(self, node: int, name: str) -> Type:
        return self._error(node, f"undeclared reference to '{name}' (in container '')")

    def _local(self, name: str) -> Type | None:
        return next((scope[name] for scope in reversed(self._scopes) if name in scope), None)

    def _ident(self, node: Ident) -> Type:
        local = self._local(node.name)
        if local is not None:
            self.references[node.id] = Reference(node.name)
            return local
        name = node.name.removeprefix(".")
        found = self._declared.identifiers.get(name)
        if found is None:
            return self._undeclared(node.id, node.name)
        self.references[node.id] = Reference(name, outer=self._local(name) is not None)
        return found

    def _select(self, node: Select) -> Type:
        names = _names(node)
        if names is not None and self._local(names[0]) is None:
            name = ".".join(names).removeprefix(".")
            found = self._declared.identifiers.get(name)
            if found is not None:
                self.references[node.id] = Reference(name)
                return found
        result = self._field(node.id, node.operand, node.field, False)
        return BOOL if node.test_only else types.substitute(self.mapping, result, False)

    def _field(self, node: int, operand: Node, field: str, optional: bool) -> Type:
        checked = self.check(operand)  # it may change the mapping
        given = types.substitute(self.mapping, checked, False)
        target = given.parameters[0] if given.is_optional else given
        result = DYN
        if target.kind == "map":
            result = target.parameters[1]
        elif target.kind == "struct":
            result = self._field_of(node, target.name, field)
        elif target.kind == "param":
            self._assign(DYN, target)
        elif not target.is_dyn and target != ERROR:
            self._error(node, f"type '{display(target)}' does not support field selection")
        return types.optional_of(result) if optional or given.is_optional else result

    def _field_of(self, node: int, message: str, field: str) -> Type:
        fields = self._declared.fields.get(message)
        if fields is None:
            return self._error(node, f"unexpected failed resolution of '{message}'")
        if field not in fields:
            return self._error(node, f"undefined field '{field}'")
        return fields[field]

    def _call(self, node: Call) -> Type:
        if node.function == "_?._" and node.target is None and self._declared.functions.get("_?._"):
            operand, field = node.arguments
            self.references[node.id] = Reference("_?._", ("select_optional_field",))
            if not isinstance(field, Const) or not isinstance(field.value, str):
                return self._error(field.id, "unsupported optional field selection")
            result = self._field(node.id, operand, field.value, True)
            return types.substitute(self.mapping, result, False)
        arguments = [self.check(argument) for argument in node.arguments]
        if node.target is None:
            name = node.function.removeprefix(".")
            return self._resolved(node, name, arguments) if name in self._declared.functions else self._undeclared(node.id, node.function)
        names = _names(Select(0, node.target, node.function))
        if names is not None:
            name = ".".join(names).removeprefix(".")
            if name in self._declared.functions:
                return self._resolved(node, name, arguments, qualified=True)
        target = self.check(node.target)
        if node.function in self._declared.functions:
            return self._resolved(node, node.function, [target, *arguments], member=True)
        return self._undeclared(node.id, node.function)

    def _resolved(self, node: Call, name: str, arguments: list[Type], *, member: bool = False, qualified: bool = False) -> Type:
        """Which overloads fit, and what the call gives: `resolveOverload`."""
        if name in ("_&&_", "_||_"):
            wrong = False
            for argument, kind in zip(node.arguments, arguments, strict=True):
                if not self._assign(kind, BOOL):
                    self._error(argument.id, f"expected type 'bool' but found '{display(kind)}'")
                    wrong = True
            self.references[node.id] = Reference(name, ("logical_and" if name == "_&&_" else "logical_or",))
            return ERROR if wrong else BOOL
        result: Type | None = None
        chosen = []
        for overload in self._declared.functions[name]:
            if overload.member != member:
                continue
            kinds = self._fresh(overload)  # shows in the numbers of type variables, even if the arguments are too many
            if len(overload.arguments) != len(arguments):
                continue
            mapping = self.mapping.assign(arguments, kinds[1:])
            if mapping is None:
                continue
            self.mapping = mapping
            chosen.append(overload.id)
            given = types.substitute(self.mapping, kinds[0], False)
            if result is None:
                result = given
            elif not result.is_dyn and given != result:
                result = DYN
        if result is None:
            shown = types.signature([types.substitute(self.mapping, kind, True) for kind in arguments], member)
            return self._error(node.id, f"found no matching overload for '{name}' applied to '{shown}'")
        self.references[node.id] = Reference(name, tuple(chosen), qualified)
        return result

    def _fresh(self, overload: Signature) -> tuple[Type, ...]:
        """The types of an overload, its result first, with new type variables for its parameters."""
        if not overload.parameters:
            return overload.kinds
        substitution = Mapping({name: self._variable() for name in overload.parameters})
        return tuple(types.substitute(substitution, kind, False) for kind in overload.kinds)

    def _variable(self) -> Type:
        self._variables += 1
        return Type("param", f"_var{self._variables - 1}")

    def _assign(self, wanted: Type, given: Type) -> bool:
        mapping = self.mapping.assign((wanted,), (given,))
        if mapping is None:
            return False
        self.mapping = mapping
        return True

    def _list(self, node: ListLiteral) -> Type:
        joined: Type | None = None
        for index, element in enumerate(node.elements):
            kind = self.check(element)
            if index in node.optional:
                kind = self._unwrapped(element, kind)
            joined = self._join(joined, kind)
        return types.list_of(joined or self._variable())

    def _map(self, node: MapLiteral) -> Type:
        keys: Type | None = None
        values: Type | None = None
        for entry in node.entries:
            assert not isinstance(entry.key, str)
            keys = self._join(keys, self.check(entry.key))
            values = self._join(values, self._entry_value(entry))
        return types.map_of(keys or self._variable(), values or self._variable())

    def _entry_value(self, entry: Entry) -> Type:
        kind = self.check(entry.value)
        return self._unwrapped(entry.value, kind) if entry.optional else kind

    def _unwrapped(self, node: Node, kind: Type) -> Type:
        if kind.is_optional:
            return kind.parameters[0]
        if not kind.is_dyn:
            self._error(node.id, f"expected type '{display(types.optional_of(kind))}' but found '{display(kind)}'")
        return kind

    def _join(self, joined: Type | None, kind: Type) -> Type:
        """The type of elements of these two types; that they be alike is asked later (`validators`)."""
        if joined is None:
            return kind
        return types.most_general(joined, kind) if self._assign(joined, kind) else DYN

    def _struct(self, node: Struct) -> Type:
        # Nobody can make a message: those of Kubernetes are not for making, and none of protobuf makes sense in a policy.
        return self._undeclared(node.id, node.type_name)

    def _comprehension(self, node: Comprehension) -> Type:
        self.check(node.iter_range)
        accumulated = self.check(node.accu_init)
        ranged = types.substitute(self.mapping, self.types[node.iter_range.id], False)
        first, second = self._iterated(node.iter_range, ranged)
        self._scopes.append({node.accu_var: accumulated})
        if node.iter_var2:
            first = types.INT if ranged.kind == "list" else first
            self._scopes.append({node.iter_var: first, node.iter_var2: second})
        else:
            self._scopes.append({node.iter_var: first})
        self.check(node.condition)
        self._expect(node.condition, BOOL)
        self.check(node.step)
        self._expect(node.step, accumulated)
        self._scopes.pop()
        self.check(node.result)
        self._scopes.pop()
        return types.substitute(self.mapping, self.types[node.result.id], False)

    def _iterated(self, node: Node, ranged: Type) -> tuple[Type, Type]:
        """What a comprehension over a range of this type gives: elements or keys, and elements or values."""
        if ranged.kind in ("list", "map"):
            return ranged.parameters[0], ranged.parameters[-1]
        if ranged.kind in ("dyn", "error", "param"):
            self._assign(DYN, ranged)
            return DYN, DYN
        self._error(node.id, f"expression of type '{display(ranged)}' cannot be range of a comprehension (must be list, map, or dynamic)")
        return ERROR, ERROR

    def _expect(self, node: Node, wanted: Type) -> None:
        if not self._assign(wanted, self.types[node.id]):
            self._error(node.id, f"expected type '{display(wanted)}' but found '{display(self.types[node.id])}'")


def _names(node: Node) -> list[str] | None:
    """`a.b.c` as names, if the node is that and nothing else."""
    names = []
    while isinstance(node, Select) and not node.test_only:
        names.append(node.field)
        node = node.operand
    return [node.name, *reversed(names)] if isinstance(node, Ident) else None
