"""CEL source text: which variables it reads, and the rewriting that evaluation needs. Strings and comments are left alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

__all__ = ["bind", "declared_presence", "enclosable", "is_group", "mentions", "needed", "rename", "rename_variables", "uses_bind", "variables_of"]

_LITERAL = r"""
    (?:[rR][bB]?|[bB][rR])(?:\"\"\".*?\"\"\"|'''.*?'''|"[^"\n]*"|'[^'\n]*')
    | [bB]?(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
"""
_TOKEN = re.compile(
    rf"""(?=[rRbB"'/hcv])  # what any of them begins with: most places are passed by this alone
    (?: (?P<skip> {_LITERAL} | //[^\n]* )
    | (?P<has> \bhas \s*\(\s* variables \s*\.\s* (?P<present>[A-Za-z_]\w*) \s*\) )
    | (?P<bind> (?<![\w.]) cel \s*\.\s* bind \s*\( )
    | (?P<variable> (?<![\w.]) variables \s*\.\s* (?P<name>[A-Za-z_]\w*) ) )
    """,
    re.VERBOSE | re.DOTALL,
)


@lru_cache(maxsize=1024)
def variables_of(expression: str) -> frozenset[str]:
    """The names that an expression reads as `variables.NAME`."""
    if "variables" not in expression:
        return frozenset()
    return frozenset(match["name"] for match in _TOKEN.finditer(expression) if match["name"])


def uses_bind(expression: str) -> bool:
    """Whether the text calls `cel.bind`, which this package needs for itself and Kubernetes does not have."""
    return "cel" in expression and any(match["bind"] for match in _TOKEN.finditer(expression))


def declared_presence(expression: str, declared: Iterable[str]) -> str:
    """Writes `true` for `has(variables.NAME)` of a declared name, which is what it is in the API server whatever the value.

    Lengths are kept, so that positions in messages stay right. Source: k8s.io/apiserver/pkg/cel/lazy.
    """
    if not _MAY_BE_PRESENCE.search(expression):
        return expression
    names = frozenset(declared)

    def replace(match: re.Match[str]) -> str:
        if match["has"] and match["present"] in names:
            return "true".ljust(len(match[0]))
        return match[0]

    return _TOKEN.sub(replace, expression)


_MAY_BE_PRESENCE = re.compile(r"\bhas\s*\(\s*variables\b")
_PRESENCE = re.compile(
    rf"(?P<skip>{_LITERAL}|//[^\n]*)|(?P<has>(?<![\w.])has\s*\()|(?P<opening>[(])|(?P<closing>[)])",
    re.VERBOSE | re.DOTALL,
)


def enclosable(expression: str) -> str:
    """The text so that a bracket may stand behind it: a comment at the end would swallow it."""
    return f"{expression}\n" if "//" in expression else expression


def is_group(expression: str) -> bool:
    """Whether the text is one pair of parentheses with something inside."""
    text = _uncommented(expression).strip()
    depth = 0
    for match in _PRESENCE.finditer(text):
        if match["has"] or match["opening"]:
            depth += 1
        elif match["closing"]:
            depth -= 1
            if depth == 0 and match.end() < len(text):
                return False
    return text.startswith("(") and text.endswith(")")


def mentions(expression: str, name: str) -> bool:
    """Whether `name` stands in the text as a name of its own, not as a field of something."""
    return name in expression and re.search(rf"(?<![\w.]){re.escape(name)}\b", expression) is not None


def rename(expression: str, name: str, new: str) -> str:
    """Writes `new` for `name` where that stands as a name of its own, not as a field of something, nor in a string or a comment."""
    token = re.compile(rf"(?P<skip>{_LITERAL}|//[^\n]*)|(?<![\w.]){re.escape(name)}\b", re.VERBOSE | re.DOTALL)
    return token.sub(lambda match: match[0] if match["skip"] else new, expression)


@lru_cache(maxsize=1024)
def rename_variables(expression: str, rename: Callable[[str], str]) -> str:
    """Writes `rename(NAME)` for each `variables.NAME`."""
    return _TOKEN.sub(lambda match: rename(match["name"]) if match["name"] else match[0], expression)


def needed(expressions: Iterable[str], variables: Mapping[str, str]) -> list[str]:
    """The names of `variables` (name to expression, in order of declaration) that the expressions need, directly or not, in that order."""
    wanted: set[str] = set()
    todo = [name for expression in expressions for name in variables_of(expression)]
    while todo:
        name = todo.pop()
        if name not in wanted and name in variables:
            wanted.add(name)
            todo += variables_of(variables[name])
    return [name for name in variables if name in wanted]


def bind(expression: str, variables: Mapping[str, str]) -> str:
    """Composes `expression` with a chain of `cel.bind` for the variables it needs: each is evaluated when first read, once.

    A variable that only one other variable reads is bound inside that one, which keeps the chain short: cel-cpp parses no more than 32
    levels. An internal form: `cel.bind` is no part of the environment of Kubernetes and is never exported.
    """
    names = needed([expression], variables)
    texts = {name: _uncommented(variables[name]) for name in names}
    reads = {name: set(variables_of(variables[name])) for name in names}
    own = variables_of(expression)
    later: list[str] = []
    for name in reversed(names):
        # Only a variable declared after it may read it; any other reader finds the name undeclared, as in the API server.
        readers = [other for other in later if name in reads[other]]
        if len(readers) == 1 and name not in own:
            reader = readers[0]
            texts[reader] = f"cel.bind({_local(name)}, {texts.pop(name)}, {texts[reader]})"
            reads[reader] |= reads[name]
        else:
            later.append(name)
    opening = "".join(f"cel.bind({_local(name)}, {rename_variables(text, _local)}, " for name, text in texts.items())
    return opening + rename_variables(_uncommented(expression), _local) + ")" * len(texts)


def _local(name: str) -> str:
    return f"variables__{name}"


def _uncommented(expression: str) -> str:
    # A comment at the end would swallow what the composition puts behind it.
    if "//" not in expression:
        return expression
    return _TOKEN.sub(lambda match: " " if match[0].startswith("//") else match[0], expression)
