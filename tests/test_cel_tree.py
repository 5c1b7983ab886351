"""The runtime `tree`. The table cel_tree_cases.jsonl holds what k8s.io/apiserver 1.37, 1.34 and 1.30 give: types, values, errors, costs.

A release that gives the same as 1.37 refers to it. To add a case: ask tests/oracle with the operation `cel`, kind `variable`.
"""

from __future__ import annotations

import base64
import copy
import dataclasses
import json
import math
import random
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cel_expr_python import cel
from cel_expr_python.ext import ext_optional

from hostprocess.cel.checker import Checked
from hostprocess.cel.environment import Environment, wrong_result_type
from hostprocess.cel.library.texts import to_text, type_name
from hostprocess.cel.nodes import Call, Const, Select, decode
from hostprocess.cel.parser import parse
from hostprocess.cel.plan import Plan, Planner
from hostprocess.cel.runtime import UNBOUND, Account, CelError, CompileError
from hostprocess.cel.standard_macros import expand_standard
from hostprocess.cel.tree import TreeRuntime
from hostprocess.cel.types import parse_type
from hostprocess.cel.values import Duration, Optional, Timestamp, TypeValue, Uint
from hostprocess.model import Unknown
from support import RUNTIMES

TREE = TreeRuntime(timeout=60)
DECLARED = frozenset({"object", "oldObject", "request", "namespaceObject", "params", "authorizer", "variables"})
NAMES = [f"n{number}" for number in range(400)]
LARGE = {"spec": {"l": list(range(200)), "m": list(range(1500)), "s": "x" * 2000, "names": NAMES}, "metadata": {"name": "n"}}
HEAD, *CASES = (json.loads(line) for line in (Path(__file__).parent / "cel_tree_cases.jsonl").read_text(encoding="utf-8").splitlines())


def _seconds(nanoseconds: int) -> str:
    """As Go prints a duration."""
    sign, rest = "-" if nanoseconds < 0 else "", abs(nanoseconds)
    for unit, size in (("ns", 1), ("µs", 10**3), ("ms", 10**6)):
        if 0 < rest < size * 1000:
            return f"{sign}{_plain(rest, size)}{unit}"
    hours, rest = divmod(rest, 3600 * 10**9)
    minutes, rest = divmod(rest, 60 * 10**9)
    return f"{sign}{f'{hours}h' if hours else ''}{f'{minutes}m' if hours or minutes else ''}{_plain(rest, 10**9)}s"


def _plain(number: int, size: int) -> str:
    return f"{number / size:.9f}".rstrip("0").rstrip(".")


def shown(value: Any) -> Any:
    """A value as the table has it."""
    if isinstance(value, Uint | bytes | Duration | Timestamp | TypeValue | Optional):
        return {"$type": _KINDS[type(value)], "value": _shown(value)}
    if isinstance(value, float):
        return {"$type": "double", "value": "nan" if math.isnan(value) else value}
    if isinstance(value, list):
        return [shown(each) for each in value]
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            return {"$type": "map", "n": len(value)}
        return {key: shown(each) for key, each in value.items()}
    return value if value is None or isinstance(value, bool | int | str) else {"$type": type_name(value)}


_KINDS = {Uint: "uint", bytes: "bytes", Duration: "duration", Timestamp: "timestamp", TypeValue: "type", Optional: "optional"}


def _shown(value: Any) -> Any:
    if isinstance(value, Uint):
        return int(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Duration):
        return _seconds(value.nanoseconds)
    if isinstance(value, Timestamp):
        return to_text(Timestamp(value.nanoseconds))
    if isinstance(value, Optional):
        return [shown(value.value)] if value.present() else []
    return value.name


CHUNK = 40


def chunks(cases: list[Any]) -> list[Any]:
    return [pytest.param(cases[start : start + CHUNK], id=f"from {start}") for start in range(0, len(cases), CHUNK)]


def given(case: Mapping[str, Any]) -> dict[str, Any]:
    inputs = {"request": HEAD["request"], "namespaceObject": HEAD["namespaceObject"], "oldObject": None, "params": None}
    return {"object": HEAD["objects"].get(case["object"], LARGE), **inputs}


def answer(case: Mapping[str, Any], release: str) -> dict[str, Any]:
    """What the tree gives, as the table has it."""
    try:
        program = TREE.compile(case["expression"], HEAD["variables"][case.get("variables", "")], DECLARED, kubernetes=release)
    except CompileError as error:
        return {"compileError": error.text}
    account = Account(10_000_000)
    value = program.evaluate(TREE.activation(given(case)), account)
    found = {"error": value.message} if isinstance(value, CelError) else {"value": shown(value)}
    return {"type": program.result_type, **found, "cost": 10_000_000 - account.remaining}


@pytest.mark.parametrize("cases", chunks(CASES))
def test_what_the_api_server_gives(cases: list[Any]) -> None:
    for case in cases:
        results = case["results"]
        for release, result in results.items():
            expected = results["1.37"] if result == "1.37" else result
            assert (release, case["expression"], answer(case, release)) == (release, case["expression"], expected)


def evaluate(expression: str, variables: Mapping[str, str] | None = None, account: Account | None = None, **inputs: Any) -> Any:
    return TREE.compile(expression, variables or {}, DECLARED).evaluate(TREE.activation(inputs), account)


# What was not given.


@pytest.mark.parametrize("expression", ["dyn(params.x).distinct() == []", "dyn(params.x).sort() == []", "[1].flatten(dyn(params.y)) == []"])
def test_what_is_missing_is_told_where_cel_go_panics_over_errors(expression: str) -> None:
    assert evaluate(expression, object={}) == CelError("params was not given", missing="params")


def test_a_limitation_stays_one_where_cel_go_panics_over_errors() -> None:
    """The API server has a value there, which cannot be sorted: the panic over an error would be a verdict by accident."""
    found = evaluate("dyn([[1]].transformMapEntry(i, v, {v: 1})).sortBy(v, 0) == []")
    assert found == CelError("maps with keys of type list are not supported", kind="limitation")


UID = Unknown("metadata.uid is given by the API server")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("object.metadata.uid == 'x'", UID.what),
        ("object.metadata.uid == 'x' || true", True),
        ("false && object.metadata.uid == 'x'", False),
        ("object.metadata.uid == 'x' || object.nope", UID.what),
        ("object.nope || object.metadata.uid == 'x'", UID.what),
        ("has(object.metadata.uid)", True),
        ("has(object.metadata.uid.x)", UID.what),
        ("object.metadata.uid.x.y", UID.what),
        ("object.?metadata.?uid.hasValue()", UID.what),
        ("object.metadata.uid.startsWith('a')", UID.what),
        ("size(object.metadata.uid) > 0", UID.what),
        ("object.metadata.uid ? 1 : 2", UID.what),
        ("[object.metadata.uid].size() == 1", UID.what),
        ("['a', 'b'].exists(x, x == object.metadata.uid)", UID.what),
        ("['a', 'b'].exists(x, x == 'b' || x == object.metadata.uid)", True),
        ("['a', 'b'].all(x, x == 'a' && x == object.metadata.uid)", False),
        ("['a'].map(x, object.metadata.uid)", UID.what),
        ("['a'].filter(x, x == object.metadata.uid)", UID.what),
        ("['a'].exists_one(x, x == object.metadata.uid)", UID.what),
        ("object.metadata == {'uid': 'x', 'name': 'p'}", UID.what),
        ("object.metadata == {'uid': 'x', 'name': 'q'}", False),
        ("'name' in object.metadata", True),
        ("object.metadata.uid in ['a']", UID.what),
        ("!(object.metadata.uid == 'x')", UID.what),
        ("variables.u == 'x'", UID.what),
        ("has(variables.u)", UID.what),
        ("variables.u == 'x' || true", True),
        ("object.metadata.uid.nope()", None),
    ],
)
def test_unknown_values(expression: str, expected: Any) -> None:
    variables = {"u": "object.metadata.uid"}
    if expected is None:
        with pytest.raises(CompileError):
            evaluate(expression)
        return
    found = evaluate(expression, variables, object={"metadata": {"uid": UID, "name": "p"}})
    assert found == (CelError(expected, missing=expected) if isinstance(expected, str) else expected)


FILLINGS = ["x", "", 1, 0, True, None, [1], ["a"], {}, {"x": 1}, 1.5]


def holed(value: Any, chance: random.Random) -> Any:
    if chance.random() < 0.12:
        return Unknown("a hole")
    if isinstance(value, dict):
        return {key: holed(each, chance) for key, each in value.items()}
    return [holed(each, chance) for each in value] if isinstance(value, list) else value


def filled(value: Any, chance: random.Random) -> Any:
    if isinstance(value, Unknown):
        return chance.choice(FILLINGS)
    if isinstance(value, dict):
        return {key: filled(each, chance) for key, each in value.items()}
    return [filled(each, chance) for each in value] if isinstance(value, list) else value


def is_whole(value: Any) -> bool:
    if isinstance(value, dict | list):
        return all(map(is_whole, value.values() if isinstance(value, dict) else value))
    return is_whole(value.value) if isinstance(value, Optional) else not isinstance(value, Unknown)


@pytest.mark.parametrize("cases", chunks([case for case in CASES if case["object"] == "small"]))
def test_what_is_said_of_unknown_values_holds_whatever_they_are(cases: list[Any]) -> None:
    for case in cases:
        chance = random.Random(case["expression"])
        try:
            program = TREE.compile(case["expression"], HEAD["variables"][case.get("variables", "")], DECLARED)
        except CompileError:
            continue
        inputs = given(case)
        partial = holed(inputs["object"], chance)
        said = program.evaluate(TREE.activation({**inputs, "object": partial}))
        if not is_whole(said) or (isinstance(said, CelError) and said.missing):
            continue
        for _ in range(3):
            found = program.evaluate(TREE.activation({**inputs, "object": filled(partial, chance)}))
            assert isinstance(found, CelError) if isinstance(said, CelError) else shown(found) == shown(said), case["expression"]


def test_an_input_that_was_not_given_is_named() -> None:
    assert evaluate("params.x == 1", object={}) == CelError("params was not given", missing="params")
    assert evaluate("params.x == 1 || true", object={}) is True
    assert evaluate("authorizer.path('/x').check('get').allowed()") == CelError("authorizer was not given", missing="authorizer")
    assert evaluate("authorizer.path('/x').check('get').allowed()", authorizer=UNBOUND) == CelError("no such attribute(s): authorizer")


# Variables: evaluated once for each activation, and charged once.


@pytest.mark.parametrize("expression", ["dyn(b'a') in ['a']", "b'' in [dyn(1), dyn(1u), dyn(1.0)]"])
def test_bytes_cannot_be_hashed(expression: str) -> None:
    # Asked of the API servers 1.30, 1.34 and 1.37; a list of constants is a Go map.
    assert evaluate(expression) == CelError("internal error: runtime error: hash of unhashable type types.Bytes")


@pytest.mark.parametrize(
    ("expression", "cost"),
    [
        ("[dyn(duration('1s'))].transformList(i, v, v.distinct())", 2),
        ("[dyn(duration('1s')), ?optional.of(dyn(1))].transformList(i, v, v.distinct())", 13),
        ("dyn(duration([duration('1s'), duration('2s')].max())).distinct()", 4),
    ],
)
def test_what_a_panic_in_a_comprehension_costs(expression: str, cost: int) -> None:
    value, spent = TREE.compile(expression, {}, DECLARED).run(TREE.activation({}))
    assert (value.message[:37], spent) == ("internal error: interface conversion:", cost)


class EachOnItsOwn(TreeRuntime):
    """Plans every `&&` and `||` on its own, as cel-go does."""

    def _plan(self, checked: Checked, declarations: Environment) -> Plan:
        planner = Planner(checked, declarations)
        planner.merges_logic = False
        return Plan(planner.step(checked.root).runner(), planner.size, planner.reads_variables)


OPERANDS = (
    *("has(object.a)", "has(object.a.b)", "has(object.a.b.c)", "has(object.a.b.c.d)", "object.a.b.c == 1", "has(object.b)", "!has(object.a.c)"),
    *("has(variables.v.b)", "has(variables.v.b.c)", "variables.v == null", "object.a != null", "params.x", "object.a", "1 / 0 == 1", "dyn('x')"),
    *("[object].all(o, has(o.a) && has(o.a.b) && o.a.b.c == 1)", "[object.a].exists(a, has(a.b) && has(a.b.c) && has(a.b.c.d))"),
)
VALUES: tuple[Any, ...] = (
    1,
    True,
    None,
    "x",
    "",
    [],
    {},
    [1],
    {"b": {}},
    {"b": None},
    {"b": {"c": 1}},
    {"b": {"c": {"d": 2}}},
    {"b": {"c": "1"}},
    {"b": Unknown("b")},
)


def test_operands_that_are_planned_together_give_the_same_at_the_same_cost() -> None:
    chance = random.Random("chains")
    for _ in range(1500):
        expression = chance.choice(OPERANDS)
        for operand in chance.choices(OPERANDS, k=chance.randrange(1, 6)):
            expression = chance.choice(
                (f"{expression} && {operand}", f"{expression} || {operand}", f"({expression}) && {operand}", f"{operand} && ({expression})")
            )
        value = chance.choice((*VALUES, Unknown("a")))
        inputs: dict[str, Any] = {"object": {"a": value} if chance.random() < 0.9 else value}
        if chance.random() < 0.5:
            inputs["params"] = {"x": chance.choice((True, False, 1))}
        found = []
        for runtime in (TREE, EachOnItsOwn()):
            account = Account()
            program = runtime.compile(expression, {"v": "object.a"}, frozenset({"object", "params", "variables"}))
            found.append((program.evaluate(runtime.activation(inputs), account), account.remaining))
        assert found[0] == found[1], (expression, inputs)


def test_variables_are_evaluated_once_for_each_activation() -> None:
    variables = {"a": "object.l.map(x, x + 1)", "b": "variables.a.size()"}
    activation = TREE.activation({"object": {"l": [1, 2, 3]}})
    account = Account(1000)
    program = TREE.compile("variables.b + variables.b == 6", variables, DECLARED)
    assert program.evaluate(activation, account) is True
    first = 1000 - account.remaining
    assert program.evaluate(activation, account) is True
    assert 1000 - account.remaining - first == 6 < first
    assert program.evaluate(TREE.activation({"object": {"l": [1]}}), account) is False


def test_a_variable_reads_only_those_before_it() -> None:
    variables = {"a": "variables.b", "b": "1"}
    found = evaluate("variables.a == 1", variables)
    assert isinstance(found, CelError)
    assert found.message.startswith("composited variable \"a\" fails to compile: compilation failed: ERROR: <input>:1:10: undefined field 'b'")
    assert evaluate("variables.b == 1 || variables.a == 1", variables) is True


# Budgets.


def test_the_budget_of_a_phase() -> None:
    account = Account(20)
    assert evaluate("[1, 2, 3].all(x, x > 0)", account=account) is True
    assert account.remaining == 20 - 16
    over = CelError("validation failed due to running out of cost budget, no further validation rules will be run", kind="budget")
    assert evaluate("[1, 2, 3].all(x, x > 0)", account=account) == over
    assert account.remaining < 0


def test_exactly_the_budget_is_enough() -> None:
    account = Account(16)
    assert evaluate("[1, 2, 3].all(x, x > 0)", account=account) is True
    assert account.remaining == 0


def test_the_limit_of_one_evaluation_is_not_absorbed() -> None:
    heavy = "object.l.all(x, object.l.all(y, object.l.exists(z, z == x)))"
    over = "operation cancelled: actual cost limit exceeded"
    large = {"l": list(range(200))}
    assert evaluate(f"{heavy} || true", object=large) == CelError(over, kind="cost")
    # In a variable it is an error like any other.
    assert evaluate("variables.heavy || true", {"heavy": heavy}, object=large) is True
    found = evaluate("variables.heavy", {"heavy": heavy}, object=large)
    assert isinstance(found, CelError)
    assert found.message == f'composited variable "heavy" fails to evaluate: {over}'


def test_nested_comprehensions_over_many_items() -> None:
    started = time.monotonic()
    pairs = "object.l.all(x, object.l.all(y, x + y >= 0))"
    assert evaluate(pairs, object={"l": list(range(200))}) is True
    assert evaluate(pairs, object={"l": list(range(20_000))}) == CelError("operation cancelled: actual cost limit exceeded", kind="cost")
    assert time.monotonic() - started < 30


def test_the_time_limit() -> None:
    runtime = TreeRuntime(timeout=0.0)
    found = runtime.compile("object.l.all(x, object.l.all(y, x + y >= 0))", {}, DECLARED).evaluate(runtime.activation({"object": {"l": list(range(200))}}))
    assert found == CelError("the expression takes longer than 0 s", kind="timeout")
    assert found.exhausted
    runtime.timeout = 60
    assert runtime.compile("object.l.all(x, x >= 0)", {}, DECLARED).evaluate(runtime.activation({"object": {"l": list(range(200))}})) is True


# Nothing escapes.


def test_deep_values_and_expressions() -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    other: Any = 1
    for _ in range(100_000):
        other = [other]
    found = evaluate("object.a == object.b", object={"a": deep, "b": other})
    assert isinstance(found, CelError)
    assert found.kind == "limitation"
    assert evaluate("(" * 60 + "1" + ")" * 60) == 1
    assert evaluate(" + ".join(["'a'"] * 60)) == "a" * 60
    assert evaluate("".join(f"object.a == {number} ? {number} : " for number in range(60)) + "-1", object={"a": 40}) == 40
    with pytest.raises(CompileError, match="undeclared reference to 'nope'"):
        evaluate("(" * 60 + "nope" + ")" * 60)
    with pytest.raises(CompileError, match="deeper than 32 levels") as caught:
        evaluate("(" * 60 + "1 +" + ")" * 60)
    assert caught.value.limitation
    with pytest.raises(CompileError, match="expression code point size exceeds limit: size: 100002, limit 100000"):
        evaluate(f"'{'a' * 100_000}'")
    with pytest.raises(CompileError) as caught:
        evaluate("google.protobuf.Duration{seconds: 1}")
    assert caught.value.limitation
    with pytest.raises(CompileError, match="the API server panics when it compiles this: runtime error: hash of unhashable type") as caught:
        evaluate("{b'a': 1}")
    assert caught.value.limitation


# How often a piece may be repeated, as cel-go's own parser says (the same in 1.30, 1.34 and 1.37), and which of its two limits is met then.
NESTED = "expression recursion limit exceeded: 250"
INSIDE = "max recursion depth exceeded"
LIMITS = [
    ("(", "true", ")", "", 249, NESTED),
    ("[", "", "]", " == []", 250, NESTED),
    ("1+(", "1", ")", " > 0", 124, NESTED),
    ("1*(", "1", ")", " > 0", 124, NESTED),
    ("1+1*(", "1", ")", " > 0", 83, NESTED),
    ("1*1+(", "1", ")", " > 0", 124, NESTED),
    ("(", "1", " + 1)", " > 0", 248, NESTED),
    ("true == (", "true", ")", "", 124, NESTED),
    ("1 == 1+1*(", "1", ")", "", 83, NESTED),
    ("(true ? ", "1", " : 2)", " == 1", 248, NESTED),
    ("(true ? object.x : ", "1", ")", " == 1", 124, NESTED),
    ("[1].all(x, ", "true", ")", "", 249, NESTED),
    ("", "1", " + 1", " > 0", 249, INSIDE),
    ("", "true", " == true", "", 250, INSIDE),
    ("", "object", ".a", " == 1", 249, INSIDE),
    ("", "object", ".?a", " == 1", 249, INSIDE),
    ("", "object", "[0]", " == 1", 249, INSIDE),
    ("", "object", ".a.trim()[0]", " == 1", 83, INSIDE),
]


@pytest.mark.parametrize(("before", "core", "after", "end", "most", "message"), LIMITS)
def test_deep_expressions_are_refused_as_by_the_api_server(before: str, core: str, after: str, end: str, most: int, message: str) -> None:
    for times in (most + 1, 6000):
        with pytest.raises(CompileError) as caught:
            evaluate(before * times + core + after * times + end)
        large = len(before + after) * times > 90_000
        assert large or (caught.value.text, caught.value.limitation) == (f"compilation failed: ERROR: <input>:-1:0: {message}", False)
    assert parse(before * most + core + after * most + end) is not None


@pytest.mark.parametrize(
    "expression",
    ["object.x + 1", "string(object.x)", "object.x in object.x", "{object.x: 1}", "object.x == 1.5", "int(object.x)", "-object.x", "object[object.x]"],
)
@pytest.mark.parametrize("value", [2**70, float("nan"), float("inf"), "a\ud800b", "a\0b", {1: 2}, [[]], b"", Uint(3), -(2**63)])
def test_hostile_values_give_values_or_errors(expression: str, value: Any) -> None:
    found, again = (evaluate(expression, object={"x": copy.deepcopy(value)}) for _ in range(2))
    assert repr(found) == repr(again)  # NaN is not equal to itself
    if isinstance(found, CelError):
        assert found.message
        assert not (found.exhausted and found.message.startswith("internal error")), "an exception of Python came through"
    else:
        assert isinstance(found, bool | int | float | str | bytes | list | dict)


# Compilation.


def test_several_errors_are_reported_together() -> None:
    with pytest.raises(CompileError) as caught:
        evaluate("nope +\n\tother.x")
    assert (caught.value.message, caught.value.line, caught.value.column) == ("undeclared reference to 'nope' (in container '')", 1, 1)
    assert caught.value.text.startswith(
        "compilation failed: ERROR: <input>:1:1: undeclared reference to 'nope' (in container '')\n | nope +\n | ^\nERROR: <input>:2:2: "
    )


@pytest.mark.parametrize(
    ("expression", "first"),
    [
        ("object.l.sum() == 1", 1),
        ("quantity('1').isLessThan(quantity('2'))", 28),
        ("object.?a.orValue(1) == 1", 28),
        ("1 < 2.0", 28),
        ("sets.contains([1], [1])", 29),
        ("'%s'.format([1]) == ''", 29),
        ("ip('10.0.0.1').family() == 4", 30),
        ("format.dns1123Label().validate('a').hasValue()", 31),
        ("[1].all(i, v, true)", 32),
        ("semver('1.2.3').major() == 1", 33),
        ("[1].reverse() == [1]", 34),
        ("[2, 1].sortBy(x, x) == [1, 2]", 34),
        ("[1].includes(1)", 37),
    ],
)
def test_what_came_when(expression: str, first: int) -> None:
    for minor in range(28 if first > 26 else 27, 38):
        known = minor >= first
        newly = minor - 1 >= first
        for stored, expected in ((True, known), (False, newly)):
            try:
                TREE.compile(expression, {}, DECLARED, kubernetes=f"1.{minor}", stored=stored)
                compiles = True
            except CompileError:
                compiles = False
            assert compiles is expected, (minor, stored)


_QUANTITY = "unsupported conversion to ref.Val: (*resource.Quantity)1"


@pytest.mark.parametrize(
    ("expression", "before", "since"),
    [
        ("object.?q.optMap(x, quantity(x)).value().isInteger()", _QUANTITY, True),
        ("object.?q.optMap(x, quantity(x)).hasValue()", True, True),
        ("[optional.of(quantity('1'))].map(x, x.orValue(quantity('2')))[0].isInteger()", _QUANTITY, True),
        ("(true ? optional.of(url('http://a/b')) : optional.none()).value().getHost()", "unsupported conversion to ref.Val: (*url.URL)http://a/b", "a"),
        ("optional.of(1).optMap(x, ip('::1')).value().family()", "unsupported conversion to ref.Val: (netip.Addr)::1", 6),
        ("optional.of(1).optMap(x, cidr('10.1.2.3/8')).value().prefixLength()", "unsupported conversion to ref.Val: (netip.Prefix)10.1.2.3/8", 8),
        ("optional.of(1).optMap(x, format.dns1123Label()).value().validate('a').hasValue()", False, False),
        ("optional.of(1).optMap(x, int).value() == int", False, True),
        ("optional.of(1).optMap(x, optional.none()).value() == null", True, False),
        ("optional.of(1).optMap(x, dyn(optional.of(optional.of(1)))).value() == 1", True, False),
        ("optional.of(1).optMap(x, [quantity('1')]).value()[0].isInteger()", True, True),
        ("optional.of(1).optMap(x, quantity('1')) == optional.of(quantity('1'))", _QUANTITY, True),
        ("optional.of(quantity('1')) == optional.of(1).optMap(x, quantity('1'))", _QUANTITY, True),
        ("optional.of(quantity('1')).value().isInteger()", True, True),
    ],
)
def test_a_value_in_an_optional_that_is_read_again(expression: str, before: Any, since: Any) -> None:
    """Up to cel-go 0.28 it goes to Go and back, and what has no way back is an error."""
    for release, expected in (("1.31", before), ("1.36", before), ("1.37", since)):
        found = TREE.compile(expression, {}, DECLARED, kubernetes=release).evaluate(TREE.activation({"object": {"q": "1"}}))
        assert (found.message if isinstance(found, CelError) else found) == expected, release


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("object.spec.?containers[0u].hasValue()", True),
        ("object.spec.?containers[0u] == optional.none()", False),
        ("object.spec.?containers[0u].value()", "unsupported index type: types.Uint"),
        ("object.spec.?containers[?0u].name", "unsupported index type: types.Uint"),
        ("has((1 == 1 ? object : object.spec.containers[0.0]).name)", False),
        ("has(object.spec.containers[0.0].name)", "unsupported index type: types.Double"),
    ],
)
def test_an_index_of_a_wrong_type_fails_what_is_done_with_the_element(expression: str, expected: Any) -> None:
    found = evaluate(expression, object={"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "c"}]}})
    assert (found.message if isinstance(found, CelError) else found) == expected


def test_a_duration_of_a_number_is_refused_in_every_release() -> None:
    for release, message in (("1.30", "invalid duration argument"), ("1.36", "invalid duration argument"), ("1.37", "no matching overload")):
        with pytest.raises(CompileError, match=message):
            TREE.compile("duration(7) == duration('7s')", {}, DECLARED, kubernetes=release)


def test_mixed_maps_inside_of_format() -> None:
    mixed = "'%s'.format([size({'a': dyn(1), 'b': 1})])"
    assert evaluate(mixed) == "2"
    with pytest.raises(CompileError, match="expected type 'dyn' but found 'int'"):
        TREE.compile(mixed, {}, DECLARED, kubernetes="1.30")


def test_result_types() -> None:
    assert wrong_result_type(["bool"], "dyn", "1.37") == "must evaluate to bool but got dyn"
    assert wrong_result_type(["string", "null_type"], "int", "1.32") == "must evaluate to one of [string null_type] but got int"
    assert wrong_result_type(["bool"], "dyn", "1.30") == "must evaluate to bool"
    assert TREE.compile("object.?a", {}, DECLARED, kubernetes="1.30").result_type == "optional(dyn)"


@pytest.mark.parametrize("text", ["map(string, list(int))", "optional_type(dyn)", "google.protobuf.Duration", "list(optional_type(map(string, dyn)))"])
def test_types_are_read_as_they_are_written(text: str) -> None:
    assert str(parse_type(text)) == text


def test_decoding() -> None:
    root, positions = decode(cel.NewEnv().compile("has(a.b) && c == -5", disable_check=True).serialize())
    assert isinstance(root, Call)
    first, second = root.arguments
    assert isinstance(first, Select)
    assert (root.function, first.field, first.test_only, positions[root.id]) == ("_&&_", "b", True, 9)
    assert isinstance(second, Call)
    assert isinstance(second.arguments[1], Const)
    assert second.arguments[1].value == -5


# Our own parser, for what is too deep for that of cel-expr-python: the same trees.


def structure(node: Any) -> Any:
    if dataclasses.is_dataclass(node):
        return (type(node), *(structure(getattr(node, field.name)) for field in dataclasses.fields(node) if field.name != "id"))
    return tuple(map(structure, node)) if isinstance(node, tuple) else (type(node), repr(node))


@pytest.mark.parametrize("cases", chunks(CASES))
def test_the_parsers_agree(cases: list[Any]) -> None:
    environment = cel.NewEnv(extensions=[ext_optional.ExtOptional()])
    for case in cases:
        expression = case["expression"]
        try:
            root, _ = decode(environment.compile(expression, disable_check=True).serialize())
        except RuntimeError:
            continue  # an error of a macro perhaps, which our parser leaves to others
        parsed = parse(expression)
        assert parsed is not None, expression
        assert structure(expand_standard(*parsed, True)) == structure(root), expression


@pytest.mark.parametrize(
    "expression", ["1 +", "(", "'a", "a b", "a.in", "package", "{1}", "[1", "a ? b", "0x", "9223372036854775808", "1 in", "'\\z'", "rb'a'"]
)
def test_what_our_parser_refuses(expression: str) -> None:
    assert parse(expression) is None


# The other runtime that decides: where cel-cpp gives a value, it is the same.


@pytest.mark.parametrize("cases", chunks([case for case in CASES if "value" in case["results"].get("1.37", {}) and not case.get("variables")]))
def test_cel_cpp_agrees(cases: list[Any]) -> None:
    runtime = RUNTIMES["cpp"]
    for case in cases:
        value = runtime.compile(case["expression"], {}, DECLARED).evaluate(runtime.activation(given(case)))
        assert not isinstance(value, CelError)
        assert (case["expression"], shown(value)) == (case["expression"], case["results"]["1.37"]["value"])
