"""Random CEL expressions over an object: all operators, macros and functions, mostly well typed."""

# ruff: noqa: E501 - lists of values
from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from functions import MACROS, OPERATORS, SIGNATURES
from hypothesis import strategies as st

__all__ = ["Node", "expressions", "smaller"]


@dataclass(frozen=True, slots=True)
class Node:
    """A part of an expression: its type, and its text with other nodes in between."""

    type: str
    parts: tuple[Any, ...]

    def __str__(self) -> str:
        return "".join(map(str, self.parts))

    def children(self) -> list[Node]:
        """The nodes directly inside."""
        return [part for part in self.parts if isinstance(part, Node)]


# Literals by type; what stands here for a type may stand wherever that type is wanted.
_LITERALS: dict[str, list[str]] = {
    "bool": ["true", "false", "object.spec.hostNetwork == true", "has(object.spec.nodeSelector)", "has(object.metadata.labels)", "object == null", "oldObject == null"],
    "int": ["0", "1", "-1", "2", "3", "7", "100", "9223372036854775807", "-9223372036854775808", "0x1F", "size(object.spec.containers)"],
    "small": ["0", "1", "3", "-1", "20"],
    "uint": ["0u", "1u", "2u", "18446744073709551615u", "0xFFu"],
    "double": ["0.0", "1.0", "-1.5", "2.5", "1e3", "1e308", "-0.0", "9007199254740993.0", "1.0 / 0.0", "0.1", "123456789.125", "1e-7", "1e21", "5e-324"],
    "string": ["''", "'a'", "'abc'", "'a,b,c'", "' x '", "'éß𝄞'", "'Hello'", "'10'", "'true'", "'1.5'", "r'\\d'", "'a\\nb\\t\\'\\\"'", "\"\\u00e9\\x41\"", "'''multi'''",
               "object.metadata.name", "string(object.metadata.name)", "'-5'", "'1u'", "'\\U0001F431'", "'aaaa'", "'-'", "'İI'"],
    "bytes": ["b''", "b'abc'", "b'\\xff\\x00'", "b'éa'", "bytes('é')"],
    "duration": ["duration('0s')", "duration('1h30m')", "duration('-1.5s')", "duration('24h')", "duration('1ms')", "duration('-100ns')"],
    "timestamp": ["timestamp('2024-02-29T12:34:56Z')", "timestamp('1969-12-31T23:59:59.999Z')", "timestamp('2023-01-01T00:00:00+05:30')", "timestamp(0)", "timestamp('9999-12-31T23:59:59Z')", "timestamp('2024-12-31T23:00:00.123456789Z')"],
    "null": ["null", "oldObject", "params"],
    "type": ["int", "string", "bool", "double", "uint", "bytes", "list", "map", "null_type", "type", "timestamp", "type(1)", "google.protobuf.Timestamp", "type(duration('1s'))", "type(object)"],
    "list": ["[]", "[1, 2, 3]", "['a', 'b']", "[dyn(1), dyn('a'), dyn(2.0)]", "[[1], [2, 3]]", "object.spec.containers", "object.spec.tolerations", "[1.5, 2.5]", "[dyn(1), dyn(1u), dyn(1.0)]",
             "object.spec.containers.map(c, c.name)", "object.spec.volumes", "[null]", "[true, false]", "object.spec.initContainers", "[dyn(1), dyn([1]), dyn({'a': 1})]"],
    "nested": ["[[1, 2], [3]]", "[[[1], [2]], [[3]]]", "[]", "[dyn([1]), dyn(2)]", "[object.spec.containers, object.spec.containers]"],
    "map": ["{}", "{'a': 1, 'b': 2}", "{'a': dyn(1), 'b': dyn('x')}", "{1: 'x', 2: 'y'}", "object.metadata.labels", "object.spec", "object", "object.metadata", "{true: 1, false: 0}",
            "{'a': {'b': [1]}}", "object.spec.nodeSelector", "object.spec.containers[0]", "{1u: 1}", "{dyn('a'): 1, dyn(1): 2}"],
    "ints": ["[1, 2, 3]", "[3, 1, 2, 1]", "[5]", "[1, 2, 2]", "[9223372036854775807, 1]", "[0, -1]"],
    "uints": ["[1u, 2u]", "[2u, 1u]"],
    "doubles": ["[1.0, 2.5]", "[2.5, -1.0]", "[0.1, 0.2, 0.3]"],
    "bools": ["[true, false]", "[false, true]"],
    "strings": ["['a', 'b', 'c']", "['c', 'a', 'b', 'a']", "['']", "'a,b,,c'.split(',')", "['é', 'e', 'z']", "object.metadata.finalizers"],
    "durations": ["[duration('1s'), duration('2s')]", "[duration('2s'), duration('-1s')]"],
    "timestamps": ["[timestamp(0), timestamp(1)]", "[timestamp('2024-01-01T00:00:00Z'), timestamp(0)]"],
    "dyn": ["object.spec.replicas", "object.spec.containers[0].image", "object.metadata.name", "object.spec.hostNetwork", "object.missing", "object.spec.containers[9]", "object.spec.containers[0].ports[0].hostPort",
            "object.metadata.labels['app']", "object.metadata.labels.app", "object['kind']", "object.spec['hostNetwork']", "dyn(1)", "dyn('a')", "dyn(1.0)", "dyn([1, 'a'].size())", "object.spec.containers[0].resources.limits.cpu",
            "object.spec.template.spec.containers[0].name", "request.name", "request.operation", "request.userInfo.username", "request.namespace", "namespaceObject.metadata.name", "params", "object.spec.securityContext.runAsUser",
            "object.metadata.annotations", "oldObject.spec", "request.kind.kind", "request.options", "object.spec.containers[0.0]", "object.spec.containers[dyn(1u)]", "object.spec.containers['a']", "dyn(null)", "request.dryRun",
            "object.spec.terminationGracePeriodSeconds", "object.metadata.creationTimestamp", "object.spec.priority", "object.data", "object.spec.volumes[0].emptyDir", "object.spec.ports[0].targetPort"],
    "regex": ["'a'", "'[a-z]+'", "'^[a-z0-9-]*$'", "'(a)(b)?'", "'(?i)ABC'", "'\\\\d{1,3}'", "''", "'.'", "'\\\\pL'", "'a*'", "'(?s)^\\\\Qa.b\\\\E$'", "'[[:cntrl:]]'", "string('(')", "'\\\\bx'", "object.metadata.name"],
    "zone": ["'UTC'", "'America/New_York'", "'+05:30'", "'-03:00'", "'Europe/Berlin'", "'bad'", "''", "'Asia/Kolkata'", "'+5:30'", "'02:00'"],
    "durationText": ["'1h'", "'1.5h'", "'-3m2s'", "'1d'.substring(0)", "'9223372036s'", "object.metadata.name", "'1us'", "'300h'"],
    "timestampText": ["'2024-01-01T00:00:00Z'", "'2024-01-01T00:00:00.5+01:00'", "'x'.trim()", "object.metadata.name", "'0001-01-01T00:00:00Z'", "string('10000-01-01T00:00:00Z')"],
    "urlText": ["'https://example.com:80/a%20b?x=1&x=2&y=%2F#f'", "'/path'", "'http://[::1]:8080/'", "'../rel'", "'mailto:a@b'", "'https://user@host'", "'http://a b'", "'://'", "''", "'https://ex.com/?q=a+b&&c'", "'http://ex.com:port/'"],
    "quantityText": ["'1'", "'1Gi'", "'100m'", "'1.5'", "'1e3'", "'-2Ki'", "'1,0'", "''", "'1K'", "'0.1'", "'9223372036854775807'", "'1E'", "'1u'", "'12e-1'", "' 1'", "'+1'", "'999999999999999999999'", "'.5'", "'1.'", "'1n'", "'1Ei'"],
    "ipText": ["'10.0.0.1'", "'127.0.0.1'", "'::1'", "'fe80::1'", "'::ffff:1.2.3.4'", "'01.2.3.4'", "'1.2.3'", "'2001:DB8::1'", "'ff02::1'", "'0.0.0.0'", "'fe80::1%eth0'", "'255.255.255.255'", "'224.0.0.5'", "'x'", "'2001:db8:0:0:0:0:0:1'"],
    "cidrText": ["'10.0.0.0/8'", "'192.168.0.1/16'", "'::1/128'", "'2001:db8::/32'", "'10.0.0.0/33'", "'10.0.0.0'", "'10.0.0.0/08'", "'0.0.0.0/0'", "'::ffff:1.2.3.0/120'", "'x/8'", "'10.0.0.0/8 '"],
    "formatName": ["'dns1123Label'", "'uri'", "'nope'", "'uuid'", "'byte'", "'date'", "'datetime'", "'qualifiedName'", "'labelValue'"],
    "formatText": ["'abc'", "'ABC'", "'a.b'", "'a/b'", "'-a'", "''", "'https://a.b/c'", "'123e4567-e89b-12d3-a456-426614174000'", "'YWJj'", "'@@'", "'2024-02-30'", "'2024-02-29'", "'2024-01-01T00:00:00Z'", "'1a'",
                   "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'", "'a-'", "'a_b'"],
    "versionText": ["'1.2.3'", "'v1.2.3'", "'1.2'", "'1.2.3-alpha.1+b'", "'01.2.3'", "'1'", "'1.2.3-'", "''", "'1.2.3-rc.1'", "'1.2.3+build'", "'v1'", "'1.2.3.4'", "'99999999999999999999.0.0'", "'1.2-alpha'", "'1.02.3'"],
    "format": ["'%s'", "'%d items'", "'%s and %s'", "'%.2f'", "'%e'", "'%x'", "'%X %b %o'", "'%%'", "'%s %d'", "string('%q')", "string('%')", "'%.0f|%f'", "'%.3e'"],
    "arguments": ["['a']", "[1]", "[dyn('a'), dyn(1)]", "[2.5]", "[dyn(2.5), dyn(3.0)]", "[255]", "[dyn(255), dyn(5), dyn(8)]", "[]", "[object.metadata.labels]", "[object.spec.containers]", "[duration('1.5s')]",
                  "[timestamp(0)]", "[null]", "[true]", "[dyn(b'ab'), dyn(1u)]", "[{'b': 1, 'a': [1, 2.0]}]", "[type(1)]", "[object.spec.replicas]", "[1u]", "[-5]"],
    "URL": ["url('https://example.com:80/a?x=1')", "url('/p')", "url('http://[::1]/')"],
    "Quantity": ["quantity('1')", "quantity('1Gi')", "quantity('500m')", "quantity('-3')", "quantity('1.5')", "quantity('12345678901234567890')", "quantity(string(object.spec.containers[0].resources.limits.cpu))"],
    "IP": ["ip('10.1.2.3')", "ip('::1')", "ip('fe80::1')"],
    "CIDR": ["cidr('10.0.0.0/8')", "cidr('10.1.2.3/16')", "cidr('2001:db8::/32')"],
    "Format": ["format.dns1123Label()", "format.uri()", "format.named('uuid').value()", "format.date()"],
    "Semver": ["semver('1.2.3')", "semver('2.0.0-rc.1')", "semver('v1.2', true)"],
    "optional": ["optional.none()", "optional.of(1)", "object.?spec.?replicas", "object.?missing.?more", "object.spec.?containers", "{'a': 1}[?'a']", "[1, 2][?5]", "optional.ofNonZeroValue(0)", "object.spec.containers[?0]",
                 "object.?metadata.labels", "optional.of('x')", "optional.of(optional.none())", "object.metadata.labels[?'app']", "params.?data"],
    "optionals": ["[optional.of(1), optional.none()]", "[optional.of('a')]"],
}  # fmt: skip
_SINCE = {"Format": 31, "formatName": 31, "formatText": 31, "Semver": 33, "versionText": 33}
# What may stand where another type is wanted.
_NARROWER = {
    "any": ["int", "string", "bool", "double", "list", "map", "dyn", "uint", "null", "duration", "timestamp", "bytes", "Quantity", "type", "optional", "ints"],
    "list": ["ints", "strings", "doubles"],
    "dyn": ["int", "string", "bool", "double", "list", "map", "null"],
}
_ITEM = {"ints": "int", "strings": "string", "list": "dyn", "map": "string", "optional": "dyn"}


@dataclass(frozen=True, slots=True)
class _Form:
    """A way to make a value: text with the types of what goes between; `names` are those that a macro binds, `within` tells where they are seen."""

    parts: tuple[Any, ...]
    item: str = ""
    index: str = ""


@cache
def _forms(minor: int) -> dict[str, list[_Form]]:
    forms: dict[str, list[_Form]] = {}
    for one in SIGNATURES:
        if one.since > minor:
            continue
        parts: list[Any] = [("type", one.receiver), f".{one.name}("] if one.receiver else [f"{one.name}("]
        for position, argument in enumerate(one.arguments):
            parts += [", ", ("type", argument)] if position else [("type", argument)]
        forms.setdefault(one.result, []).append(_Form((*parts, ")")))
    for text in filter(None, (part.strip() for part in OPERATORS.replace("\n", ";").split(";"))):
        words, since = _since(text)
        if since > minor:
            continue
        *body, result = words.split()
        parts = ["("]
        for word in body:
            parts.append(("type", word) if word[0].isalpha() and word != "in" else f" {word} ")
        forms.setdefault(result, []).append(_Form((*parts, ")")))
    for text in filter(None, (part.strip() for part in MACROS.replace("\n", ";").split(";"))):
        words, since = _since(text)
        if since <= minor:
            forms.setdefault(words.rsplit(" ", 1)[1], []).append(_macro(words))
    for result in ("bool", "int", "string", "list", "dyn", "double"):
        forms[result].append(_Form(("(", ("type", "bool"), " ? ", ("type", result), " : ", ("type", result), ")")))
    forms["list"].append(_Form(("[", ("type", "int"), ", ", ("type", "int"), "]")))
    forms["list"].append(_Form(("[dyn(", ("type", "any"), "), dyn(", ("type", "any"), "), ?", ("type", "optional"), "]")))
    forms["map"].append(_Form(("{", ("type", "string"), ": ", ("type", "any"), "}")))
    forms["map"].append(_Form(("{'a': ", ("type", "any"), ", ?'b': ", ("type", "optional"), "}")))
    forms["dyn"] += [
        _Form((("type", "list"), "[", ("type", "int"), "]")),
        _Form((("type", "map"), "[", ("type", "string"), "]")),
        _Form((("type", "map"), ".a")),
    ]
    forms["bool"] += [_Form(("has(", ("type", "map"), ".a)")), _Form(("has(", ("type", "map"), ".spec)")), _Form(("has(", ("type", "dyn"), ".name)"))]
    forms["optional"] += [_Form((("type", "map"), ".?a")), _Form((("type", "list"), "[?", ("type", "int"), "]")), _Form((("type", "optional"), ".?a"))]
    return forms


def _since(text: str) -> tuple[str, int]:
    found = re.fullmatch(r"(.*?)(?: \[(\d+)\])?", text)
    assert found
    return found.group(1), int(found.group(2) or 0)


def _macro(words: str) -> _Form:
    signature = words.rsplit(" ", 1)[0]
    receiver, _, rest = signature.partition(".")
    name, _, body = rest.partition("(")
    names, bodies = re.fullmatch(r"((?:\w+, )+)(.*)\)", body).groups()  # type: ignore[union-attr]
    parts: list[Any] = [("type", receiver), f".{name}("]
    index = "int" if receiver in ("list", "ints", "strings") else "string"
    bound = names.strip(", ").split(", ")
    parts += [("name", bound[0]), ", "] if len(bound) == 1 else [("index", bound[0]), ", ", ("name", bound[1]), ", "]
    for piece in re.split(r"(x:\w+)", bodies):
        parts.append(("inside", piece[2:]) if piece.startswith("x:") else piece)
    parts.append(")")
    return _Form(
        tuple(part for part in parts if part != ""),
        _ITEM.get(receiver, "dyn") if len(bound) == 1 or receiver != "map" else "dyn",
        index if len(bound) > 1 else "",
    )


def _make(random: Random, minor: int, wanted: str, depth: int, scope: tuple[tuple[str, str], ...]) -> Node:
    wanted = _choose(random, minor, wanted)
    bound = [name for name, kind in scope if kind == wanted or kind == "dyn" or wanted == "dyn"]
    if bound and random.random() < 0.4:
        return Node(wanted, (random.choice(bound),))
    forms = _forms(minor).get(wanted, [])
    if depth <= 0 or not forms or random.random() < 0.12:
        return Node(wanted, (random.choice(_LITERALS.get(wanted) or _LITERALS["dyn"]),))
    form = random.choice(forms)
    item, index = f"v{len(scope)}", f"i{len(scope)}"
    inner = (*scope, *([(index, form.index)] if form.index else []), (item, form.item)) if form.item else scope
    parts: list[Any] = []
    for part in form.parts:
        if isinstance(part, str):
            parts.append(part)
        elif part[0] in ("name", "index"):
            parts.append(item if part[0] == "name" else index)
        else:
            parts.append(_make(random, minor, part[1], depth - 1, inner if part[0] == "inside" else scope))
    return Node(wanted, tuple(parts))


def _choose(random: Random, minor: int, wanted: str) -> str:
    """The type to make: a narrower one, now and then `dyn`, rarely any."""
    number = random.random()
    if wanted in _NARROWER and number < (1 if wanted == "any" else 0.4):
        wanted = random.choice(_NARROWER[wanted])
    elif number > 0.93 and wanted not in ("regex", "zone"):
        wanted = "dyn"
    elif number > 0.915:
        wanted = random.choice(_NARROWER["any"])
    return wanted if _SINCE.get(wanted, 0) <= minor else "string"


@st.composite
def expressions(draw: st.DrawFn, minor: int, wanted: str = "", depth: int = 4) -> Node:
    """An expression that releases from 1.`minor` on can compile, mostly; of the type `wanted`, or of any."""
    random = draw(st.randoms(use_true_random=True))  # one draw instead of one for each choice
    forms = _forms(minor)
    # Every function gets its turn: the result type is drawn by the number of ways to make it.
    kinds = [kind for kind, ways in forms.items() for _ in ways] if not wanted else [wanted]
    return _make(random, minor, random.choice(kinds), random.randint(1, depth), ())


def smaller(node: Node) -> Iterator[Node]:
    """Expressions with one part replaced by something smaller of the same type."""
    for child in _inside(node):
        if child.type == node.type:
            yield child
    for index, part in enumerate(node.parts):
        if isinstance(part, Node):
            literals = _LITERALS.get(part.type, [])
            if literals and str(part) not in literals:
                yield from (Node(node.type, (*node.parts[:index], Node(part.type, (one,)), *node.parts[index + 1 :])) for one in literals[:4])
            for one in smaller(part):
                yield Node(node.type, (*node.parts[:index], one, *node.parts[index + 1 :]))


def _inside(node: Node) -> Iterator[Node]:
    for child in node.children():
        yield child
        yield from _inside(child)
